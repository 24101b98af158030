//! What is on the page of a run: the report's parts in the words of [`super::html`].

use super::format;
use super::html::{self, Judgement, LiveTables, Page};
use super::live::LiveReport;
use super::live::records::{LiveRecords, LiveRow};
use super::manifest::Manifest;
use super::records::{MetricRow, RunRecords};
use super::run_report::RunReport;
use super::slo::{SloJudgement, SloState};
use super::table;
use super::text::{message_accounts, objective_words, rule};
use crate::metric::Unit;
use crate::network::Network;
use crate::sim::{Outcome, SimResult};

/// The page of a simulated run.
pub(super) fn page(
    report: &RunReport,
    sim: &SimResult,
    manifest: &Manifest,
    metrics: &[MetricRow],
    charts: &[String],
) -> Page {
    Page {
        scenario: report.network.name.clone(),
        facts: facts(report, sim),
        judgements: report
            .slos
            .iter()
            .map(|slo| judgement(&report.network, slo))
            .collect(),
        warnings: manifest.warnings.clone(),
        metrics: metrics.iter().filter(|row| is_told(row)).cloned().collect(),
        live: None,
        charts: charts.to_vec(),
        manifest: manifest_facts(manifest),
        scenario_text: manifest.scenario.text.clone(),
    }
}

/// The page of a live run.
pub(super) fn live_page(
    report: &LiveReport,
    sim: &SimResult,
    manifest: &Manifest,
    records: &RunRecords,
    charts: &[String],
) -> Page {
    let mut page = page(&report.report, sim, manifest, &records.metrics, charts);
    page.metrics.clear();
    page.live = records.live.as_ref().map(|run| LiveTables {
        figures: live_figures(run, &records.metrics),
        single_runs: report.single_runs,
        differences: run.differences.clone(),
        delays: run.delays.clone(),
    });
    page.facts.splice(0..2, live_facts(report));
    page
}

/// What is told of a live run where a simulated one tells its engine and its replications.
fn live_facts(report: &LiveReport) -> Vec<(String, String)> {
    let facts = report.facts();
    let mut told = vec![("live on", facts.name())];
    told.extend(facts.address.map(|address| ("at", address)));
    if facts.time_scale != 1.0 {
        let scale = format!("{} each", format::duration(facts.time_scale));
        told.push(("scenario seconds took", scale));
    }
    let late = format::value(Unit::Seconds, facts.lateness_p99);
    told.push(("99 % sent within", late));
    let counts = [
        ("outages", facts.outages),
        ("with nobody after the end", facts.missing),
        ("under way when waiting ended", facts.left),
    ];
    if facts.outages > 0 {
        let lasted = format::value(Unit::Seconds, facts.outage_time);
        told.push(("lost the broker for", lasted));
    }
    let happened = counts.into_iter().filter(|(_, count)| *count > 0);
    told.extend(happened.map(|(name, count)| (name, format::count(count))));
    let text = |(name, value): (&str, String)| (name.to_owned(), value);
    told.into_iter().map(text).collect()
}

/// The rows of live figures that are told, each with its formula.
fn live_figures(run: &LiveRecords, metrics: &[MetricRow]) -> Vec<(LiveRow, MetricRow)> {
    let pairs = run.figures.iter().zip(metrics);
    let told = pairs.filter(|(_, row)| is_told(row));
    told.map(|(live, row)| (live.clone(), row.clone()))
        .collect()
}

/// What was only predicted stands in metrics.csv, and so does what never happened.
fn is_told(row: &MetricRow) -> bool {
    let rare = row.metric.parse().is_ok_and(table::is_rare);
    let never = rare && row.mean == Some(0.0) && row.theory.is_none();
    row.verdict != "not_measured" && !never
}

fn facts(report: &RunReport, sim: &SimResult) -> Vec<(String, String)> {
    let start = &sim.start;
    let measured = match sim.replications {
        1 => "measured",
        _ => "measured in each",
    };
    let mut facts = vec![
        ("engine", format!("{}, virtual time", sim.engine)),
        ("replications", format::count(sim.replications)),
        (measured, format::duration(sim.measured)),
        (
            "warm-up",
            format!(
                "{} ({})",
                format::duration(start.warmup),
                rule(start.rule, &report.network)
            ),
        ),
        ("seed", report.network.seed.to_string()),
        (
            "confidence",
            format!("{} %", 100.0 * report.comparison.confidence),
        ),
        ("orders entered", format::count(sim.entered)),
    ];
    let verdict = format!(
        "{} figures, each at {:.3} %",
        report.comparison.judged,
        100.0 * report.comparison.verdict_level
    );
    facts.push(("held against exact formulas", verdict));
    let messages = sim.messages.as_ref().and_then(message_accounts);
    facts.extend(messages.map(|messages| ("messages", messages)));
    if sim.partial {
        facts.push(("state", "stopped before its end".to_owned()));
    }
    facts
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn judgement(network: &Network, slo: &SloJudgement) -> Judgement {
    let (asked, measured) = objective_words(network, slo);
    Judgement {
        text: format!("{asked}: {measured}"),
        outcome: match slo.state {
            SloState::Met => html::Outcome::Met,
            SloState::Violated => html::Outcome::Missed,
            SloState::Undecided => html::Outcome::Undecided,
        },
    }
}

fn manifest_facts(manifest: &Manifest) -> Vec<(String, String)> {
    let special = |name: &str| {
        let special = Outcome::ALL.into_iter().filter(|o| o.is_special());
        special.map(|o| o.to_string()).any(|o| o == name)
    };
    let shown = |(name, n): &(&String, &u64)| **n > 0 || !special(name);
    let outcomes = manifest.outcomes.iter().filter(shown);
    let outcomes: Vec<String> = outcomes
        .map(|(name, n)| format!("{} {name}", format::count(*n)))
        .collect();
    let facts = [
        ("orderline", manifest.orderline.clone()),
        ("command", manifest.command.join(" ")),
        ("scenario file", manifest.scenario.file.clone()),
        ("SHA-256", manifest.scenario.sha256.clone()),
        ("changed by", manifest.scenario.set.join(", ")),
        ("outcomes", outcomes.join(", ").replace('_', " ")),
    ];
    let said = facts.into_iter().filter(|(_, value)| !value.is_empty());
    said.map(|(name, value)| (name.to_owned(), value)).collect()
}
