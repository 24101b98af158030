//! `[[slo]]`: `metric`, `below` or `above`, and where: `stage`, with `class`; the pipeline
//! otherwise. The limit has the metric's unit: `"2s"`, `"3%"`, `"100/s"`, `"10MB/s"`.

use super::diagnostic::Diagnostic;
use super::fields::{Context, Fields};
use super::names::{self, Named};
use super::source::Span;
use super::spot::Spot;
use super::tree::Node;
use super::units::Dimension;
use super::values::{self, Range};
use crate::metric::{Metric, Unit};
use crate::network::SloBound;

/// An objective as it was written.
pub(super) struct SloDraft {
    pub(super) metric: Option<(Metric, Span)>,
    pub(super) bound: Option<SloBound>,
    /// `Some(None)` where there is no such key.
    pub(super) stage: Option<Option<Named>>,
    pub(super) class: Option<Option<Named>>,
}

/// Reads an `[[slo]]`.
pub(super) fn read(node: &Node, cx: &mut Context) -> Option<SloDraft> {
    let mut fields = Fields::of(node, Spot::Slo, cx)?;
    let metric = fields
        .required("metric", "such as `metric = \"latency_p99\"`", cx)
        .and_then(|entry| metric(&entry.node, cx));
    let draft = SloDraft {
        metric,
        bound: bound(&mut fields, metric.map(|(metric, _)| metric), cx),
        stage: place(&mut fields, "stage", cx),
        class: place(&mut fields, "class", cx),
    };
    fields.finish(cx);
    Some(draft)
}

fn place(fields: &mut Fields<'_>, key: &'static str, cx: &mut Context) -> Option<Option<Named>> {
    match fields.entry(key) {
        None => Some(None),
        Some(entry) => names::reference(key, &entry.node, cx).map(Some),
    }
}

fn metric(node: &Node, cx: &mut Context) -> Option<(Metric, Span)> {
    let word = values::text("metric", node, cx)?;
    if let Ok(metric) = word.parse() {
        return Some((metric, node.span));
    }
    let names: Vec<String> = Metric::all().map(|metric| metric.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let help = super::text::instead(word, &names);
    cx.report(Diagnostic::error(node.span, format!("there is no metric `{word}`")).help(help));
    None
}

fn bound(fields: &mut Fields<'_>, metric: Option<Metric>, cx: &mut Context) -> Option<SloBound> {
    let (below, above) = (fields.entry("below"), fields.entry("above"));
    let (entry, side): (_, fn(f64) -> SloBound) = match (below, above) {
        (Some(entry), None) => (entry, SloBound::Below),
        (None, Some(entry)) => (entry, SloBound::Above),
        (below, _) => {
            let both = below.is_some();
            let has = if both { "not both" } else { "and has neither" };
            let message = format!("an `[[slo]]` has `below` or `above`, {has}");
            let help = "write `below = \"2s\"`, or two objectives for two limits";
            let diagnostic = Diagnostic::error(fields.span, message).help(help);
            cx.report(if both {
                diagnostic
            } else {
                diagnostic.absent()
            });
            return None;
        }
    };
    let (dimension, range) = limits(metric?);
    values::entry_quantity(entry, dimension, range, cx).map(side)
}

/// What a limit of this metric measures, and which limits are possible.
fn limits(metric: Metric) -> (Dimension, Range) {
    let dimension = match metric.unit() {
        Unit::Seconds => Dimension::Time,
        Unit::SecondsSquared | Unit::Orders | Unit::Consumers | Unit::Units => Dimension::Number,
        Unit::OrdersPerSecond => Dimension::Rate,
        Unit::BytesPerSecond => Dimension::ByteRate,
        Unit::Ratio if metric == Metric::AttemptsPerMessage => Dimension::Number,
        Unit::Ratio => Dimension::Share,
    };
    let range = match dimension {
        _ if metric.is_signed() => Range::Any,
        Dimension::Share => Range::Probability,
        _ => Range::NotNegative,
    };
    (dimension, range)
}
