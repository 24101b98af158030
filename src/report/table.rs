//! The comparison as an aligned table for a terminal.

use super::comparison::{Comparison, Line};
use super::format;
use super::verdict::Verdict;
use crate::metric::{Metric, Statistic, TimeKind, Unit};
use crate::network::{Network, Place};
use crate::theory::{Alternative, Figure, NetworkTheory, Transient};
use anstyle::{AnsiColor, Style};
use comfy_table::{CellAlignment, ContentArrangement, Table};
use std::fmt::Write;

/// What of a comparison to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// The figures that read at a glance.
    Main,
    /// All of them.
    All,
}

/// The table, with colours; a writer that is no terminal strips them.
pub fn render(
    network: &Network,
    theory: &NetworkTheory,
    comparison: &Comparison,
    detail: Detail,
) -> String {
    let mut out = String::new();
    let shown: Vec<&Line> = comparison
        .lines
        .iter()
        .filter(|l| shown(l, comparison, detail))
        .collect();
    let columns = layout(comparison, &shown);
    let mut rows = columns.lines();
    let title = rows.next().unwrap_or_default();
    let _ = writeln!(
        out,
        "{bold}{title}  verdict{bold:#}",
        bold = Style::new().bold()
    );
    let mut place = None;
    for (line, row) in shown.iter().zip(rows) {
        if place != Some(line.place) {
            place = Some(line.place);
            let _ = writeln!(out, "{}", heading(network, theory, line.place));
        }
        let (style, verdict) = verdict(line);
        let _ = writeln!(out, "{row}  {style}{verdict}{style:#}");
    }
    out
}

pub(super) fn heading(network: &Network, theory: &NetworkTheory, place: Place) -> String {
    let bold = Style::new().bold();
    match place {
        Place::Pipeline => format!("{bold}pipeline{bold:#}"),
        Place::Stage(stage) => {
            let name = &network.stages[stage.0].name;
            format!("{bold}stage {name}{bold:#}  {}", theory.model(stage))
        }
        Place::Class(stage, class) => {
            let (stage, class) = (
                &network.stages[stage.0].name,
                &network.classes[class.0].name,
            );
            format!("{bold}stage {stage}, class {class}{bold:#}")
        }
    }
}

/// All columns but the verdict, which alone has colours and so stays out of the layout.
fn layout(comparison: &Comparison, lines: &[&Line]) -> Table {
    let mut table = plain();
    let level = format!("± {} %", 100.0 * comparison.confidence);
    table.add_row([
        "  figure",
        "",
        "measured",
        &level,
        "theory",
        "unit",
        "difference",
    ]);
    for line in lines {
        table.add_row(cells(line, comparison.confidence));
    }
    for column in [2, 3, 4, 6] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// A table without lines, as wide as its content.
pub(super) fn plain() -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table
}

fn cells(line: &Line, confidence: f64) -> [String; 7] {
    let measured = line.measured.as_ref();
    let half = measured
        .and_then(|m| m.interval(confidence))
        .map(|i| i.half_width());
    let theory = line.theory.map(|figure| figure.value);
    let f = format::figure(line.metric.unit(), measured.map(|m| m.point), half, theory);
    let difference = match (line.difference(), theory) {
        (Some(_), Some(0.0)) | (None, _) => String::new(),
        // A prediction too small to be shown is none that a percentage could be taken of.
        (Some(_), Some(_)) if f.theory.bytes().all(|b| matches!(b, b'0' | b'.')) => String::new(),
        (Some(difference), _) => format::percent(difference),
    };
    let (symbol, name) = words(line.metric);
    let measured = if line.verdict == Verdict::NoSteadyState {
        "–".to_owned()
    } else {
        f.value
    };
    [
        format!("  {symbol}"),
        name,
        measured,
        f.half_width,
        f.theory,
        f.unit.to_owned(),
        difference,
    ]
}

pub(super) fn verdict(line: &Line) -> (Style, String) {
    let color = |color: AnsiColor| Style::new().fg_color(Some(color.into()));
    match line.verdict {
        Verdict::Agrees => (color(AnsiColor::Green), "✓ agrees".to_owned()),
        Verdict::Differs => (color(AnsiColor::Red).bold(), "✗ differs".to_owned()),
        Verdict::Approximation => (Style::new(), "≈ approximation".to_owned()),
        Verdict::NoFormula => (Style::new().dimmed(), format!("· {}", line.why_not)),
        Verdict::Undecided => (
            color(AnsiColor::Yellow),
            format!("? undecided: {}", line.why_not),
        ),
        Verdict::NoInterval => (Style::new().dimmed(), "? no interval".to_owned()),
        Verdict::NoSteadyState => (color(AnsiColor::Red), "↗ no steady state".to_owned()),
        Verdict::NotMeasured => (Style::new().dimmed(), kind(line)),
    }
}

fn kind(line: &Line) -> String {
    line.theory
        .map_or(String::new(), |figure| figure.kind.to_string())
}

/// Symbol and name of a metric.
pub(super) fn words(metric: Metric) -> (&'static str, String) {
    let symbol = match metric {
        Metric::ArrivalRate => "λ",
        Metric::Throughput => "X",
        Metric::Utilization => "ρ",
        Metric::QueueLength => "Lq",
        Metric::NumberInSystem => "L",
        Metric::Time(TimeKind::Waiting, Statistic::Mean) => "Wq",
        Metric::Time(TimeKind::Service, Statistic::Mean) => "S",
        Metric::Time(TimeKind::Sojourn, Statistic::Mean) => "W",
        _ => "",
    };
    (symbol, metric.to_string().replace('_', " "))
}

pub(super) fn shown(line: &Line, comparison: &Comparison, detail: Detail) -> bool {
    let nothing = |value: Option<f64>| value.is_none_or(|value| value == 0.0);
    let theory = line.theory.map(|figure| figure.value);
    let measured = line.measured.as_ref().map(|m| m.point);
    // A queue without bound loses nothing and messages without a size carry no bytes.
    let plain = matches!(
        line.metric,
        Metric::LossProbability | Metric::ByteThroughput
    );
    let idle = (plain || is_rare(line.metric)) && nothing(theory) && nothing(measured)
        || line.metric == Metric::CompletionProbability && measured == Some(1.0);
    // Work is shown as one of the parts of the latency, where there are several.
    let in_full = comparison.line(Place::Pipeline, Metric::QueueingTime);
    let part = line.place == Place::Pipeline && line.metric == Metric::ProcessingTime;
    let growing = comparison.growing().any(|place| place == line.place);
    detail == Detail::All
        || line.verdict == Verdict::Differs
        || match line.metric {
            Metric::BacklogGrowth => growing,
            _ if part && in_full.is_some() => true,
            _ => is_main(line.metric, line.place) && !idle,
        }
}

/// What is not worth a line where it is 0: as long as nothing breaks, brokers repeat and lose nothing.
pub(super) fn is_rare(metric: Metric) -> bool {
    matches!(
        metric,
        Metric::BlockedShare
            | Metric::CircuitOpenShare
            | Metric::DeadLetterRate
            | Metric::MessageLossRate
            | Metric::RedeliveryRate
            | Metric::DuplicateRate
            | Metric::NetworkTime
            | Metric::EnqueueTime
            | Metric::DequeueTime
            | Metric::RetryTime
            | Metric::ReservationExpiryRate
    )
}

/// The figures that read at a glance.
pub(super) fn is_main(metric: Metric, place: Place) -> bool {
    use Statistic::{Mean, P50, P95, P99};
    match (metric, place) {
        (Metric::Time(TimeKind::Latency, statistic), _) => {
            matches!(statistic, Mean | P50 | P95 | P99)
        }
        (Metric::Time(_, Mean), _) | (Metric::Time(TimeKind::Sojourn, P99), Place::Stage(_)) => {
            true
        }
        (Metric::Time(..) | Metric::ProcessingTime | Metric::LittleResidualQueue, _) => false,
        (Metric::ByteThroughput, place) => place == Place::Pipeline,
        (
            Metric::ArrivalRate
            | Metric::Throughput
            | Metric::Utilization
            | Metric::QueueFill
            | Metric::LittleResidual,
            Place::Class(..),
        ) => false,
        (Metric::BacklogGrowth, _) => false,
        _ => true,
    }
}

/// The predictions alone: figure, value, kind, formula and source.
pub fn formulas(
    network: &Network,
    theory: &NetworkTheory,
    comparison: &Comparison,
    detail: Detail,
) -> String {
    let mut out = String::new();
    let shown = |line: &&Line| {
        line.theory.is_some()
            && (shown(line, comparison, detail)
                || line.metric == Metric::BacklogGrowth && theory.unstable(line.place))
    };
    let lines: Vec<&Line> = comparison.lines.iter().filter(shown).collect();
    let mut table = plain();
    lines.iter().for_each(|line| {
        table.add_row(formula_cells(line));
    });
    if let Some(column) = table.column_mut(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let mut rows = lines.iter().zip(table.lines()).peekable();
    for place in theory.places() {
        let _ = writeln!(out, "{}", heading(network, theory, place));
        while let Some((_, row)) = rows.next_if(|(line, _)| line.place == place) {
            let _ = writeln!(out, "{}", row.trim_end());
        }
        out += &gaps(theory, place);
        if let Place::Stage(stage) = place {
            out += &theory.transient(stage).map_or(String::new(), over_time);
        }
        if let (Place::Stage(stage), Detail::All) = (place, detail) {
            out += &other_ways(theory.alternatives(stage));
        }
    }
    out
}

/// The peak of a queue whose load varies, and when it is over.
fn over_time(transient: &Transient) -> String {
    let mut out = String::new();
    let span = match transient.period {
        Some(period) => format!("over a period of {}", format::duration(period)),
        None => "over the run, from empty".to_owned(),
    };
    let orders = |orders: f64| format!("{} orders waiting", format::value(Unit::Orders, orders));
    if let Some(peak) = transient.peak().filter(|peak| peak.waiting > 0.0) {
        let drained = match transient.drained_at() {
            Some(at) => format!(", down to 1 % of it at {}", format::duration(at)),
            None => String::new(),
        };
        let (at, kind, formula) = (format::duration(peak.at), transient.kind, transient.formula);
        let waiting = orders(peak.waiting);
        let _ = writeln!(
            out,
            "  {span}: mean queue longest at {at} with {waiting}{drained}  ({kind}; {formula}; {})",
            transient.reference
        );
    }
    if let Some(fluid) = transient.fluid {
        let gone = match fluid.empty_at {
            Some(at) => format!(", gone at {}", format::duration(at)),
            None => ", not gone by the end".to_owned(),
        };
        let (at, backlog) = (format::duration(fluid.at), orders(fluid.orders));
        let _ = writeln!(
            out,
            "  without chance: backlog largest at {at} with {backlog}{gone}  (approximation; fluid, q′ = λ(t) − cμ)"
        );
    }
    out
}

/// What other methods give for a stage's figures.
fn other_ways(alternatives: &[Alternative]) -> String {
    let mut table = plain();
    for Alternative { method, figures } in alternatives {
        for (metric, figure) in figures {
            let mut cells = figure_cells(*metric, Some(figure));
            cells[0] = format!("  ({method})");
            table.add_row(cells);
        }
    }
    if let Some(column) = table.column_mut(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    rows(&table)
}

/// The rows of a table, each on a line of its own.
pub(super) fn rows(table: &Table) -> String {
    let rows = table.lines();
    rows.map(|row| format!("{}\n", row.trim_end())).collect()
}

/// The main figures that have no formula at a place, and why.
fn gaps(theory: &NetworkTheory, place: Place) -> String {
    let here = |metric: &Metric| match place {
        Place::Pipeline => metric.at_pipeline(),
        _ => metric.at_stage(),
    };
    let wanted = |metric: &Metric| is_main(*metric, place) && here(metric) && !is_special(*metric);
    let mut reasons: Vec<(String, Vec<String>)> = Vec::new();
    for metric in Metric::all()
        .filter(wanted)
        .filter(|m| theory.figure(place, *m).is_none())
    {
        let (why, name) = (
            theory.why_not(place, metric),
            metric.to_string().replace('_', " "),
        );
        match reasons.iter_mut().find(|(reason, _)| *reason == why) {
            Some((_, names)) => names.push(name),
            None => reasons.push((why, vec![name])),
        }
    }
    let dim = Style::new().dimmed();
    let line = |(why, names): &(String, Vec<String>)| {
        format!(
            "  {dim}· no formula for {}: {why}{dim:#}\n",
            names.join(", ")
        )
    };
    reasons.iter().map(line).collect()
}

/// Whether only some places have the figure: bounds and losses are those of bounded queues, giving up and
/// failing those of stages that ask for it, and bytes those of messages with a size.
fn is_special(metric: Metric) -> bool {
    !matches!(
        metric,
        Metric::ArrivalRate
            | Metric::Throughput
            | Metric::Utilization
            | Metric::WaitProbability
            | Metric::QueueLength
            | Metric::NumberInSystem
            | Metric::BacklogGrowth
            | Metric::Time(..)
            | Metric::ProcessingTime
            | Metric::LittleResidual
            | Metric::LittleResidualQueue
    )
}

fn formula_cells(line: &Line) -> [String; 7] {
    figure_cells(line.metric, line.theory.as_ref())
}

fn figure_cells(metric: Metric, figure: Option<&Figure>) -> [String; 7] {
    let value = figure.map(|figure| figure.value);
    let f = format::figure(metric.unit(), None, None, value);
    let (symbol, name) = words(metric);
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    [
        format!("  {symbol}"),
        name,
        f.theory,
        f.unit.to_owned(),
        figure.map_or(String::new(), |figure| figure.kind.to_string()),
        text(figure.map(|figure| figure.formula)),
        text(figure.map(|figure| figure.reference)),
    ]
}
