//! `report.html`: the whole run on one page that asks no other machine for anything.
//!
//! Styles and charts are inside the page, there is no script, and its content security policy
//! forbids every load.

use crate::chart::human;
use crate::chart::rows::interval;
use crate::metric::Unit;
use crate::report::format;
use crate::report::html_live;
use crate::report::live::records::{DelayRow, DifferenceRow, LiveRow};
use crate::report::records::MetricRow;
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("page.css");
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
                      form-action 'none'";

/// What the page shows. All texts are plain; the page escapes them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    /// The scenario's name.
    pub scenario: String,
    /// Facts of the run in the order shown, such as seed, replications, warm-up: name and value.
    pub facts: Vec<(String, String)>,
    /// Judged objectives.
    pub judgements: Vec<Judgement>,
    /// What a reader must know before believing the figures.
    pub warnings: Vec<String>,
    /// Every figure, grouped by place.
    pub metrics: Vec<MetricRow>,
    /// Instead of these, of a live run.
    pub live: Option<LiveTables>,
    /// Charts as SVG documents made by [`crate::chart::render_svg`]; taken as they are.
    pub charts: Vec<String>,
    /// The manifest's facts, such as version, command line and SHA-256: name and value.
    pub manifest: Vec<(String, String)>,
    /// The text of the scenario file.
    pub scenario_text: String,
}

/// What a live run shows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LiveTables {
    /// Every figure beside the twins', and the row with its formula, grouped by place.
    pub figures: Vec<(LiveRow, MetricRow)>,
    /// Simulated runs that the intervals are made of.
    pub single_runs: u64,
    /// By how much orders were later than their twins.
    pub differences: Vec<DifferenceRow>,
    /// What the machine and the broker took.
    pub delays: Vec<DelayRow>,
}

/// A judged objective.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// What was asked and what was measured, as a sentence.
    pub text: String,
    /// The outcome.
    pub outcome: Outcome,
}

/// The outcome of an objective.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The interval is on the good side.
    Met,
    /// The interval is on the bad side.
    Missed,
    /// The interval straddles the limit.
    Undecided,
}

impl Outcome {
    fn word(self) -> &'static str {
        match self {
            Outcome::Met => "met",
            Outcome::Missed => "missed",
            Outcome::Undecided => "undecided",
        }
    }
}

/// The page as an HTML document.
pub fn render(page: &Page) -> String {
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                title { (page.scenario) " · Orderline" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (header(page))
                (judgements(&page.judgements))
                (warnings(&page.warnings))
                (table(&page.metrics))
                @if let Some(live) = &page.live { (html_live::tables(live)) }
                (charts(&page.charts))
                (manifest(page))
            }
        }
    };
    document.into_string()
}

fn header(page: &Page) -> Markup {
    html! {
        header {
            p.soft { "Orderline: measured beside theory" }
            h1 { (page.scenario) }
            (facts(&page.facts))
        }
    }
}

fn facts(facts: &[(String, String)]) -> Markup {
    html! {
        dl.facts {
            @for (name, value) in facts {
                div { dt { (name) } dd { (value) } }
            }
        }
    }
}

fn judgements(judgements: &[Judgement]) -> Markup {
    html! {
        @if !judgements.is_empty() {
            h2 { "Objectives" }
            ul.notes {
                @for one in judgements {
                    li class=(one.outcome.word()) { strong { (one.outcome.word()) } ": " (one.text) }
                }
            }
        }
    }
}

fn warnings(warnings: &[String]) -> Markup {
    html! {
        @if !warnings.is_empty() {
            h2 { "Warnings" }
            ul.notes {
                @for warning in warnings { li.warning { (warning) } }
            }
        }
    }
}

fn table(rows: &[MetricRow]) -> Markup {
    html! {
        @if !rows.is_empty() {
            h2 { "Measured against theory" }
            div.scroll tabindex="0" role="region" aria-label="Measured against theory" {
                table {
                    thead {
                        tr {
                            th scope="col" { "figure" }
                            th.number scope="col" { "measured" }
                            th.number scope="col" { "theory" }
                            th.number scope="col" { "difference" }
                            th scope="col" { "verdict" }
                            th scope="col" { "formula" }
                        }
                    }
                    @for group in rows.chunk_by(|a, b| a.at == b.at) { (place(group)) }
                }
            }
        }
    }
}

/// The rows of one place; `group` is not empty.
fn place(group: &[MetricRow]) -> Markup {
    let first = &group[0];
    html! {
        tbody {
            (heading(first, 6))
            @for row in group { (figure(row)) }
        }
    }
}

/// The row that names the place of those that follow, over so many columns.
pub(super) fn heading(first: &MetricRow, columns: u32) -> Markup {
    let (kind, name) = first.at.split_once(':').unwrap_or(("", &first.at));
    html! {
        tr {
            th colspan=(columns) scope="rowgroup" {
                @if !kind.is_empty() { span.soft { (kind) " " } }
                (name)
                @if !first.model.is_empty() { span.soft { ", " (first.model) } }
            }
        }
    }
}

fn figure(row: &MetricRow) -> Markup {
    let half = interval(row).map(|(low, high)| (high - low) / 2.0);
    let shown = format::figure(unit(row), row.mean, half, row.theory);
    html! {
        tr {
            td { (row.metric.replace('_', " ")) }
            td.number { (measured(&shown)) }
            td.number { (joined(&shown.theory, shown.unit)) }
            td.number { (difference(row)) }
            td { span class={ "badge " (row.verdict) } { (row.verdict.replace('_', " ")) } }
            td.formula { (formula(row)) }
        }
    }
}

fn measured(shown: &format::Formatted) -> String {
    let text = match (shown.value.as_str(), shown.half_width.as_str()) {
        ("", _) => return "–".to_owned(),
        (value, "") => value.to_owned(),
        (value, half) => format!("{value} ± {half}"),
    };
    joined(&text, shown.unit)
}

/// A figure and its unit on one line; nothing for no figure.
pub(super) fn joined(text: &str, unit: &str) -> String {
    match (text, unit) {
        ("", _) => String::new(),
        (text, "") => text.to_owned(),
        (text, unit) => format!("{text}\u{a0}{unit}"),
    }
}

/// Relative to the prediction; where that is 0 the difference is the figure itself.
fn difference(row: &MetricRow) -> String {
    match (row.difference, row.theory) {
        (Some(difference), Some(theory)) if theory != 0.0 => human::signed_percent(difference),
        _ => String::new(),
    }
}

pub(super) fn unit(row: &MetricRow) -> Unit {
    Unit::of_symbol(&row.unit).unwrap_or(Unit::Ratio)
}

pub(super) fn formula(row: &MetricRow) -> Markup {
    html! {
        @match &row.kind {
            Some(kind) => details {
                summary { (kind) }
                p { (row.formula) }
                p.soft { (row.reference) }
            },
            None => span.soft { (row.formula) },
        }
    }
}

fn charts(charts: &[String]) -> Markup {
    html! {
        @if !charts.is_empty() {
            h2 { "Charts" }
            @for chart in charts { figure { (PreEscaped(chart)) } }
        }
    }
}

fn manifest(page: &Page) -> Markup {
    html! {
        h2 { "Manifest" }
        dl {
            @for (name, value) in &page.manifest {
                dt.soft { (name) }
                dd { code { (value) } }
            }
        }
        @if !page.scenario_text.is_empty() {
            p.soft { "The scenario file" }
            pre tabindex="0" { code { (page.scenario_text) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart;

    fn page() -> Page {
        let records = chart::sample::checkout();
        let charts = chart::all(&records);
        let drawn = charts
            .iter()
            .map(|one| chart::render_svg(one).expect("drawn"));
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        Page {
            scenario: "<checkout> & \"more\"".to_owned(),
            facts: vec![
                pair("engine", "events, virtual time"),
                pair("seed", "7"),
                pair("replications", "10"),
                pair("warm-up", "7 min (MSER-5)"),
                pair("confidence", "95 %"),
            ],
            judgements: vec![Judgement {
                text: "latency_p99 of the pipeline below 2 s: 1.00 s (0.98 s to 1.02 s)".to_owned(),
                outcome: Outcome::Met,
            }],
            warnings: vec!["The tail beyond p99.9 rests on 12 orders.".to_owned()],
            live: None,
            charts: drawn.collect(),
            metrics: records.metrics,
            manifest: vec![
                pair("version", "0.1.0"),
                pair("SHA-256", &"9f86d081".repeat(8)),
            ],
            scenario_text: "name = \"checkout\" # <script>alert(1)</script>\n".to_owned(),
        }
    }

    #[test]
    fn nothing_on_the_page_is_loaded_or_run() {
        let text = render(&page());
        for forbidden in [
            "<script", "<link", "<img", "src=", "url(", "@import", "href=",
        ] {
            assert!(!text.contains(forbidden), "{forbidden}");
        }
        assert!(text.contains("default-src 'none'"));
    }

    #[test]
    fn hostile_texts_are_escaped() {
        let text = render(&page());
        assert!(text.contains("<h1>&lt;checkout&gt; &amp; &quot;more&quot;</h1>"));
        assert!(text.contains("# &lt;script&gt;alert(1)"));
    }

    #[test]
    fn figures_and_verdicts_are_in_the_table() {
        let row = MetricRow {
            at: "stage:order".to_owned(),
            metric: "waiting_time".to_owned(),
            unit: "s".to_owned(),
            mean: Some(0.25),
            low: Some(0.24),
            high: Some(0.26),
            theory: Some(0.2),
            kind: Some("exact".to_owned()),
            difference: Some(0.25),
            verdict: "differs".to_owned(),
            model: "M/M/1".to_owned(),
            formula: "ρ/(μ − λ)".to_owned(),
            reference: "Kleinrock (1975)".to_owned(),
        };
        let text = figure(&row).into_string();
        assert!(text.contains("250 ± 10\u{a0}ms"), "{text}");
        assert!(text.contains("<td class=\"number\">200\u{a0}ms</td>"));
        assert!(text.contains("+25.0\u{a0}%"));
        assert!(text.contains("<span class=\"badge differs\">differs</span>"));
        assert!(text.contains("ρ/(μ − λ)") && text.contains("Kleinrock (1975)"));
    }

    /// Writes the page into the folder named by `CHART_GALLERY`, to be looked at.
    #[test]
    fn gallery() {
        if let Ok(folder) = std::env::var("CHART_GALLERY") {
            std::fs::write(format!("{folder}/report.html"), render(&page())).expect("written");
        }
    }
}
