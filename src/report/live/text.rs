//! What a live run says on the terminal.

use super::warning::all_stages;
use super::{Difference, LiveReport, above, figure};
use crate::live::{Delay, Delays, Ended};
use crate::metric::Unit::Seconds;
use crate::report::comparison::Line;
use crate::report::table::{self, Detail};
use crate::report::verdict::Verdict;
use crate::report::{format, text};
use anstyle::Style;
use comfy_table::CellAlignment;
use std::fmt::Write;

/// All that a live run says on the terminal.
pub fn live_summary(report: &LiveReport, detail: Detail) -> String {
    let mut out = headline(report);
    out += &figures(report, detail);
    out += &accounts(report);
    out += &differences(report);
    out += &machine(report);
    out += &text::judgements(&report.report);
    out + &text::warning_lines(text::told(&report.report, detail))
}

fn headline(report: &LiveReport) -> String {
    let (run, bold) = (&report.run, Style::new().bold());
    let network = &report.report.network;
    let mut out = format!(
        "{bold}{}{bold:#}: live on {}",
        network.name,
        report.facts().name(),
    );
    if let Some(address) = &run.address {
        let _ = write!(out, " at {address}");
    }
    let _ = write!(out, ", {}", format::duration(run.end));
    if run.scale != 1.0 {
        let _ = write!(out, " (each second took {})", format::duration(run.scale));
    }
    if let Some(live) = report.live() {
        let _ = write!(
            out,
            ", the first {} left out ({})",
            format::duration(live.start.warmup),
            text::rule(live.start.rule, network)
        );
    }
    let _ = writeln!(out, ", seed {}", network.seed);
    let _ = writeln!(
        out,
        "twin: the same orders simulated; as it was: sent when they really were, with work as long as it \
         really took\n± {} %: of single runs of this length, by {} simulated ones; difference: live to the twin \
         as it was, verdict: live to theory\n",
        100.0 * report.report.comparison.confidence,
        report.single_runs
    );
    out
}

fn figures(report: &LiveReport, detail: Detail) -> String {
    let (network, comparison) = (&report.report.network, &report.report.comparison);
    let lines = comparison.lines.iter();
    let lines: Vec<&Line> = lines
        .filter(|line| table::shown(line, comparison, detail))
        .collect();
    let mut layout = table::plain();
    let level = format!("± {} %", 100.0 * comparison.confidence);
    layout.add_row([
        "  figure",
        "",
        "live",
        "twin",
        "as it was",
        &level,
        "theory",
        "unit",
        "difference",
    ]);
    lines.iter().for_each(|line| {
        layout.add_row(cells(report, line));
    });
    for column in [2, 3, 4, 5, 6, 8] {
        if let Some(column) = layout.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut rows = layout.lines();
    let bold = Style::new().bold();
    let title = rows.next().unwrap_or_default();
    let mut out = format!("{bold}{title}  verdict{bold:#}\n");
    let mut place = None;
    for (line, row) in lines.iter().zip(rows) {
        if place != Some(line.place) {
            place = Some(line.place);
            let heading = table::heading(network, &report.report.theory, line.place);
            let _ = writeln!(out, "{heading}");
        }
        let (style, verdict) = table::verdict(line);
        let _ = writeln!(out, "{row}  {style}{verdict}{style:#}");
    }
    out
}

fn cells(report: &LiveReport, line: &Line) -> [String; 9] {
    let live = line.measured.as_ref().map(|measured| measured.point);
    let twin = figure(&report.twin, line.place, line.metric);
    let replayed = figure(&report.replayed, line.place, line.metric);
    let theory = line.theory.map(|figure| figure.value);
    let half = line.measured.as_ref().and_then(|measured| {
        let interval = measured.interval(report.report.comparison.confidence)?;
        Some(interval.half_width())
    });
    let unit = line.metric.unit();
    let shown = format::row(unit, [live, twin, replayed, theory], half, None);
    let ([live_text, twin, as_it_was, theory], half, unit) = shown;
    let relative = replayed != Some(0.0) && !line.metric.is_signed();
    let difference = above(live, replayed).filter(|_| relative);
    let (symbol, name) = table::words(line.metric);
    [
        format!("  {symbol}"),
        name,
        match line.verdict {
            Verdict::NoSteadyState => "–".to_owned(),
            _ => live_text,
        },
        twin,
        as_it_was,
        half,
        theory,
        unit.to_owned(),
        difference.map_or(String::new(), format::percent),
    ]
}

fn accounts(report: &LiveReport) -> String {
    let mut out = String::new();
    let Some(live) = report.live() else {
        return out;
    };
    let _ = writeln!(out, "\n{}", text::accounts(live));
    if let Some(messages) = live.messages.as_ref().and_then(text::message_accounts) {
        let _ = writeln!(out, "{messages}");
    }
    let run = &report.run;
    let aside: u64 = run.dead_letters.iter().flatten().sum();
    let told = [
        (aside, "put aside at the broker"),
        (run.missing, "with nobody after the end"),
        (run.left, "still under way when waiting ended"),
    ];
    let told: Vec<String> = told
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{} {what}", format::count(*count)))
        .collect();
    if !told.is_empty() {
        let _ = writeln!(out, "{}", told.join(", "));
    }
    if run.ended != Ended::Whole {
        let _ = writeln!(
            out,
            "not the whole run: {}",
            report.facts().ended.replace('_', " ")
        );
    }
    out
}

fn differences(report: &LiveReport) -> String {
    let bold = Style::new().bold();
    let mut layout = table::plain();
    layout.add_row([
        "  later than",
        "mean",
        "p50",
        "p95",
        "p99",
        "worst",
        "orders",
    ]);
    for (name, difference) in [
        ("  the twin", &report.to_twin),
        ("  the twin as it was", &report.to_replayed),
    ] {
        layout.add_row(later(name, difference));
    }
    for column in 1..7 {
        if let Some(column) = layout.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let rows = table::rows(&layout);
    format!("\n{bold}completed, order by order{bold:#}\n{rows}")
}

fn later(name: &str, difference: &Difference) -> [String; 7] {
    let show = |x: Option<f64>| x.map_or("–".to_owned(), |x| format::value(Seconds, x));
    let quantile = |p| show(difference.quantile(p));
    [
        name.to_owned(),
        show(difference.mean()),
        quantile(0.5),
        quantile(0.95),
        quantile(0.99),
        quantile(1.0),
        format::count(difference.orders() as u64),
    ]
}

/// What a kind of delay is, in words.
pub(super) fn words(kind: Delay) -> &'static str {
    match kind {
        Delay::Lateness => "sent late",
        Delay::Overshoot => "work too long",
        Delay::Confirm => "confirming a message",
        Delay::Idle => "handing to an idle consumer",
        Delay::Busy => "handing to a busy consumer",
        Delay::Settle => "acknowledging",
    }
}

/// What the machine and the broker took, in real seconds.
fn machine(report: &LiveReport) -> String {
    let run = &report.run;
    let mut layout = table::plain();
    layout.add_row(["  delay", "mean", "p50", "p99", "worst", "times"]);
    for kind in [Delay::Lateness, Delay::Overshoot] {
        let all = all_stages(run, kind);
        layout.add_row(delay(format!("  {}", words(kind)), &all));
    }
    for (stage, delays) in report.report.network.stages.iter().zip(&run.delays) {
        for kind in [Delay::Confirm, Delay::Idle, Delay::Busy, Delay::Settle] {
            let found = delays.of(kind);
            if found.count() > 0 {
                let name = format!("  {}, {}", words(kind), stage.name);
                layout.add_row(delay(name, found));
            }
        }
    }
    for column in 1..6 {
        if let Some(column) = layout.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let bold = Style::new().bold();
    let rows = table::rows(&layout);
    format!("\n{bold}the machine and the broker, on the clock{bold:#}\n{rows}\n")
}

fn delay(name: String, delays: &Delays) -> [String; 6] {
    let show = |x: f64| match delays.count() {
        0 => "–".to_owned(),
        _ => format::value(Seconds, x),
    };
    [
        name,
        show(delays.mean()),
        show(delays.quantile(0.5)),
        show(delays.quantile(0.99)),
        show(delays.quantile(1.0)),
        format::count(delays.count()),
    ]
}
