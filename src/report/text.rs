//! What a run says on the terminal around its table.

use super::format;
use super::run_report::RunReport;
use super::slo::{SloJudgement, SloState};
use super::table::{self, Detail};
use super::verdict::Verdict;
use super::warning::Warning;
use crate::metric::Metric;
use crate::network::{Network, Place, SloBound};
use crate::sim::{MessageAccounts, Outcome, SimResult, StartRule};
use anstyle::{AnsiColor, Style};
use std::fmt::Write;

/// All that a run says on the terminal.
pub fn summary(report: &RunReport, detail: Detail) -> String {
    let mut out = String::new();
    if let Some(sim) = &report.sim {
        let _ = writeln!(out, "{}\n", headline(report, sim));
    }
    out += &table::render(&report.network, &report.theory, &report.comparison, detail);
    if let Some(sim) = &report.sim {
        let _ = writeln!(out, "\n{}", accounts(sim));
        if let Some(messages) = sim.messages.as_ref().and_then(message_accounts) {
            let _ = writeln!(out, "{messages}");
        }
    }
    out += &judgements(report);
    out + &warning_lines(told(report, detail))
}

/// What became of the figures that have an exact formula, and of the objectives.
pub(super) fn judgements(report: &RunReport) -> String {
    let mut out = String::new();
    if report.sim.is_some() {
        let _ = writeln!(out, "{}", verdicts(report));
    }
    report.slos.iter().for_each(|slo| {
        let _ = writeln!(out, "{}", objective(&report.network, slo));
    });
    out
}

fn headline(report: &RunReport, sim: &SimResult) -> String {
    let bold = Style::new().bold();
    format!(
        "{bold}{}{bold:#}: {} of {} after a warm-up of {} ({}), seed {}",
        report.network.name,
        format::counted(sim.replications, "replication"),
        format::duration(sim.measured),
        format::duration(sim.start.warmup),
        rule(sim.start.rule, &report.network),
        report.network.seed
    )
}

/// How the warm-up was found, in words.
pub(super) fn rule(rule: StartRule, network: &Network) -> &'static str {
    match rule {
        StartRule::Transient if network.has_stationary_arrivals() => {
            "none: the pipeline changes with time"
        }
        StartRule::Fixed => "fixed",
        StartRule::Mser5 => "MSER-5 on pilot runs",
        StartRule::Unsettled => "not settled",
        StartRule::WholePeriods => "whole periods",
        StartRule::Live => "a fifth of the run",
        StartRule::TooFew => "too few orders to spare any",
        StartRule::Transient => "none: arrivals change with time",
    }
}

pub(super) fn accounts(sim: &SimResult) -> String {
    let parts = Outcome::ALL
        .iter()
        .filter(|outcome| sim.outcomes.of(**outcome) > 0);
    let parts: Vec<String> = parts
        .map(|o| {
            format!(
                "{} {}",
                format::count(sim.outcomes.of(*o)),
                o.to_string().replace('_', " ")
            )
        })
        .collect();
    format!(
        "{} entered: {}",
        format::counted(sim.entered, "order"),
        parts.join(", ")
    )
}

/// What became of messages, in words; what did not happen is left out. Nothing where each was an order's
/// and was worked on once.
pub(super) fn message_accounts(messages: &MessageAccounts) -> Option<String> {
    let more = [
        messages.redeliveries,
        messages.failed,
        messages.duplicates,
        messages.copies_made,
    ];
    if more == [0; 4] {
        return None;
    }
    let counts = [
        (messages.deliveries, "deliveries"),
        (messages.redeliveries, "of them again"),
        (messages.attempts, "attempts"),
        (messages.failed, "of them failed"),
        (messages.duplicates, "duplicates delivered"),
        (messages.deduplicated, "of them recognized"),
        (messages.copies_made, "copies and duplicates made"),
    ];
    let happened = counts.iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = happened
        .map(|(count, what)| format!("{} {what}", format::count(*count)))
        .collect();
    Some(format!(
        "{} messages came into queues after the warm-up: {}",
        format::count(messages.joined),
        parts.join(", ")
    ))
}

fn verdicts(report: &RunReport) -> String {
    let comparison = &report.comparison;
    let count = |verdict| comparison.count(verdict);
    let (agree, differ) = (count(Verdict::Agrees), count(Verdict::Differs));
    let open = count(Verdict::Undecided) + count(Verdict::NoInterval);
    if agree + differ == 0 {
        return format!("{open} measured figures have an exact formula, and none could be judged");
    }
    let undecided = if open > 0 {
        format!(", {open} are undecided")
    } else {
        String::new()
    };
    format!(
        "{} measured figures have an exact formula: {agree} agree, {differ} differ{undecided} (each \
         judged at {:.3} %, so that all hold together at {} %)",
        agree + differ + open,
        100.0 * comparison.verdict_level,
        100.0 * comparison.confidence
    )
}

fn objective(network: &Network, judgement: &SloJudgement) -> String {
    let (color, mark) = match judgement.state {
        SloState::Met => (AnsiColor::Green, "✓"),
        SloState::Violated => (AnsiColor::Red, "✗"),
        SloState::Undecided => (AnsiColor::Yellow, "?"),
    };
    let style = Style::new().fg_color(Some(color.into()));
    let (asked, measured) = objective_words(network, judgement);
    let state = judgement.state.name();
    format!("SLO {asked}: {style}{mark} {state}{style:#} ({measured})")
}

/// An objective in words: what is asked, and what was measured.
pub(super) fn objective_words(network: &Network, judgement: &SloJudgement) -> (String, String) {
    let unit = judgement.slo.metric.unit();
    let (side, limit) = match judgement.slo.bound {
        SloBound::Below(limit) => ("below", limit),
        SloBound::Above(limit) => ("above", limit),
    };
    let half = judgement.interval.map(|i| i.half_width());
    let f = format::figure(unit, judgement.measured, half, None);
    let measured = match (&judgement.measured, f.half_width.is_empty()) {
        (None, _) => "no steady state".to_owned(),
        (Some(_), true) => format!("{} {}", f.value, f.unit),
        (Some(_), false) => format!("{} ± {} {}", f.value, f.half_width, f.unit),
    };
    let place = network.place_name(judgement.slo.at);
    let asked = format!(
        "{place} {} {side} {}",
        judgement.slo.metric,
        format::value(unit, limit)
    );
    (asked, measured.trim_end().to_owned())
}

pub(super) fn warning_lines<'a>(warnings: impl IntoIterator<Item = &'a Warning>) -> String {
    let style = Style::new().fg_color(Some(AnsiColor::Yellow.into()));
    warnings
        .into_iter()
        .map(|warning| format!("{style}warning:{style:#} {warning}\n"))
        .collect()
}

/// The warnings that go with a table of this detail and the objectives: a tail that is thin only beyond the
/// quantiles in these is told in the files alone.
pub(super) fn told(report: &RunReport, detail: Detail) -> impl Iterator<Item = &Warning> {
    let comparison = &report.comparison;
    let lines = comparison.lines.iter();
    let shown = lines.filter(move |line| table::shown(line, comparison, detail));
    let shown = shown.map(|line| (line.place, line.metric));
    let objectives = report
        .slos
        .iter()
        .map(|judged| (judged.slo.at, judged.slo.metric));
    let figures: Vec<(Place, Metric)> = shown.chain(objectives).collect();
    report.warnings.iter().filter(move |warning| match warning {
        Warning::ThinTail { place, metric, .. } => figures.iter().any(|(at, figure)| {
            is_beyond(*figure, *metric) && report.network.place_name(*at) == *place
        }),
        _ => true,
    })
}

/// Whether a figure is a quantile of the same time, and no lower one.
fn is_beyond(figure: Metric, thin: Metric) -> bool {
    match (figure, thin) {
        (Metric::Time(time, quantile), Metric::Time(thin_time, thinnest)) => {
            time == thin_time && quantile.probability() >= thinnest.probability()
        }
        _ => false,
    }
}

/// The formulas alone: figure, kind, formula and source, place by place.
pub fn theory_table(report: &RunReport, detail: Detail) -> String {
    let mut out = String::new();
    let bold = Style::new().bold();
    let _ = writeln!(out, "{bold}{}{bold:#}: theory\n", report.network.name);
    out += &table::formulas(&report.network, &report.theory, &report.comparison, detail);
    out + &warning_lines(&report.warnings)
}
