//! `schedule` and `autoscale` of a stage: how the number of its consumers changes.
//!
//! `schedule = { steps = [{ at = 0, consumers = 4 }, …], period = "24h" }`: by the clock; before the
//! first step there are `consumers`, without `period` the last step holds.
//!
//! | key of `autoscale` | meaning | default |
//! | --- | --- | --- |
//! | `by` | `{ utilization = "70%" }`, `{ backlog = 10 }` waiting messages for each consumer, `{ drain_time = "30s" }` to work off what waits | |
//! | `minimum`, `maximum` | consumers at least and at most | 1, |
//! | `every` | how often it looks | 15 s |
//! | `start_up` | until a new consumer begins | 0 |
//! | `cool_down` | how long fewer must have been enough before any are let go | 5 min |
//! | `tolerance` | deviation from the target within which nothing changes | 10 % |
//!
//! The defaults are those of the Kubernetes autoscaler.

use super::diagnostic::Diagnostic;
use super::fields::{Context, Fields, choice};
use super::spot::Spot;
use super::stage::MOST_CONSUMERS;
use super::tree::Node;
use super::units::Dimension;
use super::values::{self, Range};
use crate::network::{Autoscale, ScaleBy, Shift, Shifts};

/// Reads a `schedule`.
pub(super) fn schedule(node: &Node, cx: &mut Context) -> Option<Shifts> {
    let mut fields = Fields::of(node, Spot::Parameters("schedule"), cx)?;
    let steps = fields
        .required("steps", "`steps = [{ at = 0, consumers = 4 }]`", cx)
        .and_then(|entry| steps(&entry.node, cx));
    let period = values::time_or(&mut fields, "period", f64::INFINITY, Range::Positive, cx);
    let period_span = fields.span_of("period");
    fields.finish(cx);
    let (steps, period) = (steps?, period?);
    if steps.last().is_some_and(|last| last.at >= period) {
        let message = "`period` ends before the last step";
        let help = "make it longer than the `at` of every step";
        cx.report(Diagnostic::error(period_span, message).help(help));
        return None;
    }
    Some(Shifts { steps, period })
}

fn steps(node: &Node, cx: &mut Context) -> Option<Vec<Shift>> {
    let steps = values::list("steps", node, cx, step)?;
    let ascending = steps.windows(2).all(|two| two[0].at < two[1].at);
    if steps.is_empty() || !ascending {
        let message = if ascending {
            "`steps` has no entry"
        } else {
            "the times of `steps` must ascend"
        };
        let help = "write such as [{ at = 0, consumers = 4 }, { at = \"8h\", consumers = 12 }]";
        cx.report(Diagnostic::error(node.span, message).help(help));
        return None;
    }
    Some(steps)
}

fn step(node: &Node, cx: &mut Context) -> Option<Shift> {
    let mut fields = Fields::of(node, Spot::Parameters("steps"), cx)?;
    let time = (Dimension::Time, Range::NotNegative);
    let at = values::required_quantity(&mut fields, "at", "`at = \"8h\"`", time, cx);
    let consumers = fields
        .required("consumers", "`consumers = 4`", cx)
        .and_then(|entry| values::small_count("consumers", &entry.node, (0, MOST_CONSUMERS), cx));
    fields.finish(cx);
    Some(Shift {
        at: at?,
        consumers: consumers?,
    })
}

/// Reads an `autoscale`.
pub(super) fn autoscale(node: &Node, cx: &mut Context) -> Option<Autoscale> {
    let mut fields = Fields::of(node, Spot::Parameters("autoscale"), cx)?;
    let by = fields
        .required(
            "by",
            "what it goes by, such as `by = { utilization = \"70%\" }`",
            cx,
        )
        .and_then(|entry| scale_by(&entry.node, cx));
    let bounds = (0, MOST_CONSUMERS);
    let minimum = values::count_or(&mut fields, "minimum", 1, bounds, cx);
    let maximum = fields
        .required("maximum", "such as `maximum = 10`", cx)
        .and_then(|entry| values::small_count("maximum", &entry.node, (1, MOST_CONSUMERS), cx));
    let every = values::time_or(&mut fields, "every", 15.0, Range::Positive, cx);
    let start_up = values::time_or(&mut fields, "start_up", 0.0, Range::NotNegative, cx);
    let cool_down = values::time_or(&mut fields, "cool_down", 300.0, Range::NotNegative, cx);
    let share = (Dimension::Share, Range::NotNegative);
    let tolerance = values::quantity_or(&mut fields, "tolerance", 0.1, share, cx);
    let minimum_span = fields.span_of("minimum");
    fields.finish(cx);
    let scale = Autoscale {
        by: by?,
        minimum: minimum?,
        maximum: maximum?,
        every: every?,
        start_up: start_up?,
        cool_down: cool_down?,
        tolerance: tolerance?,
    };
    let Some((problem, help)) = contradiction(&scale) else {
        return Some(scale);
    };
    cx.report(Diagnostic::error(minimum_span, problem).help(help));
    None
}

fn contradiction(scale: &Autoscale) -> Option<(&'static str, &'static str)> {
    if scale.minimum > scale.maximum {
        Some(("`minimum` is above `maximum`", "exchange the two"))
    } else if scale.minimum == 0 && matches!(scale.by, ScaleBy::Utilization(_)) {
        Some((
            "`minimum` of 0 by `utilization`: nobody would be there whose work could be measured",
            "write `minimum = 1`, or scale by `backlog` or `drain_time`",
        ))
    } else {
        None
    }
}

fn scale_by(node: &Node, cx: &mut Context) -> Option<ScaleBy> {
    const NAMES: [&str; 3] = ["utilization", "backlog", "drain_time"];
    let (name, entry) = choice(node, Spot::Parameters("by"), &NAMES, cx)?;
    let mut read = |dimension, range| values::entry_quantity(entry, dimension, range, cx);
    Some(match name {
        "utilization" => {
            let target = read(Dimension::Share, Range::Probability)?;
            if target == 0.0 {
                let message = "`utilization` must be above 0";
                let help = "write such as \"70%\"";
                cx.report(Diagnostic::error(entry.node.span, message).help(help));
                return None;
            }
            ScaleBy::Utilization(target)
        }
        "backlog" => ScaleBy::Backlog(read(Dimension::Number, Range::Positive)?),
        _ => ScaleBy::DrainTime(read(Dimension::Time, Range::Positive)?),
    })
}
