//! What the page of a live run shows instead of the table of a simulated one.

use super::format;
use super::html::{LiveTables, formula, heading, joined, unit};
use super::live::records::{DelayRow, DifferenceRow, LiveRow};
use super::records::MetricRow;
use crate::chart::human;
use crate::metric::{Metric, Unit};
use maud::{Markup, html};

/// The figures beside the twins', by how much orders were later, and what machine and broker took.
pub(super) fn tables(live: &LiveTables) -> Markup {
    html! {
        h2 { "Live beside its twins and theory" }
        p.soft {
            "The twin is the same orders simulated; as it was: sent when they really were, with work as long as it \
             really took. ± is how far single runs of this length vary, by " (live.single_runs) " simulated ones; the \
             difference is that of live to the twin as it was; the verdict is on live beside theory."
        }
        (scrolled("Live beside its twins and theory", &figures(live)))
        h2 { "Later than the twins, order by order" }
        (scrolled("Later than the twins, order by order", &differences(&live.differences)))
        h2 { "The machine and the broker, on the clock" }
        (scrolled("The machine and the broker, on the clock", &delays(&live.delays)))
    }
}

fn scrolled(label: &str, table: &Markup) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(label) { (table) }
    }
}

fn figures(live: &LiveTables) -> Markup {
    html! {
        table {
            thead {
                tr {
                    th scope="col" { "figure" }
                    @for name in ["live", "twin", "as it was", "theory", "difference"] {
                        th.number scope="col" { (name) }
                    }
                    th scope="col" { "verdict" }
                    th scope="col" { "formula" }
                }
            }
            @for group in live.figures.chunk_by(|a, b| a.0.at == b.0.at) {
                tbody {
                    (heading(&group[0].1, 8))
                    @for (live, row) in group { (figure(live, row)) }
                }
            }
        }
    }
}

fn figure(live: &LiveRow, row: &MetricRow) -> Markup {
    let half = live
        .low
        .zip(live.high)
        .map(|(low, high)| 0.5 * (high - low));
    let values = [live.live, live.twin, live.replayed, live.theory];
    let ([measured, twin, as_it_was, theory], half, unit) =
        format::row(unit(row), values, half, None);
    let measured = match (measured.as_str(), half.as_str()) {
        ("", _) => "–".to_owned(),
        (value, "") => joined(value, unit),
        (value, half) => joined(&format!("{value} ± {half}"), unit),
    };
    let difference = live.difference_replayed;
    let signed = row.metric.parse().is_ok_and(Metric::is_signed);
    let difference = difference.filter(|_| live.replayed != Some(0.0) && !signed);
    html! {
        tr {
            td { (row.metric.replace('_', " ")) }
            td.number { (measured) }
            @for value in [twin, as_it_was, theory] { td.number { (joined(&value, unit)) } }
            td.number { (difference.map_or(String::new(), human::signed_percent)) }
            td { span class={ "badge " (row.verdict) } { (row.verdict.replace('_', " ")) } }
            td.formula { (formula(row)) }
        }
    }
}

/// The rows that read at a glance.
fn differences(rows: &[DifferenceRow]) -> Markup {
    let at = |p: f64| {
        rows.iter()
            .find(move |row| row.p.is_some_and(|q| (q - p).abs() < 1e-9))
    };
    let mean = rows.iter().find(|row| row.statistic == "mean");
    let shown = [
        ("mean", mean),
        ("earliest", at(0.0)),
        ("median", at(0.5)),
        ("95th percentile", at(0.95)),
        ("99th percentile", at(0.99)),
        ("latest", at(1.0)),
    ];
    let time = |later: Option<f64>| later.map_or("–".to_owned(), seconds);
    html! {
        table {
            thead {
                tr {
                    th scope="col" { "later by" }
                    th.number scope="col" { "than the twin" }
                    th.number scope="col" { "than the twin as it was" }
                }
            }
            tbody {
                @for (name, row) in shown.into_iter().filter_map(|(name, row)| Some((name, row?))) {
                    tr {
                        td { (name) }
                        td.number { (time(row.twin)) }
                        td.number { (time(row.replayed)) }
                    }
                }
            }
        }
    }
}

fn delays(rows: &[DelayRow]) -> Markup {
    html! {
        table {
            thead {
                tr {
                    th scope="col" { "delay" }
                    th scope="col" { "stage" }
                    th scope="col" { "when" }
                    @for name in ["mean", "deviation", "p50", "p99", "longest", "times"] {
                        th.number scope="col" { (name) }
                    }
                }
            }
            tbody {
                @for row in rows.iter().filter(|row| row.count > 0) {
                    tr {
                        td { (row.kind.replace('_', " ")) }
                        td { (row.stage.strip_prefix("stage:").unwrap_or(&row.stage)) }
                        td { (if row.phase == "before" { "before the run" } else { "in the run" }) }
                        @for time in [row.mean, row.deviation, row.p50, row.p99, row.max] {
                            td.number { (seconds(time)) }
                        }
                        td.number { (format::count(row.count)) }
                    }
                }
            }
        }
    }
}

fn seconds(time: f64) -> String {
    format::value(Unit::Seconds, time).replace(' ', "\u{a0}")
}
