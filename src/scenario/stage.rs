//! `[[stage]]`: a queue with its consumers.
//!
//! | key | meaning | default |
//! | --- | --- | --- |
//! | `name` | | |
//! | `consumers` | a whole number up to 1 000 000, or `"unlimited"` | |
//! | `service` | a distribution; may be absent where every class has its own | |
//! | `queue` | see [`super::queue`] | unbounded, first in first out |
//! | `next` | a stage, `"completed"`, `"cancelled"`, or a list of `{ to, probability }` | `"completed"` |
//! | `class.NAME` | `service`, `next` and `failure.probability` for one class alone | as the others |
//! | `patience`, `breakdown`, `fanout`, `join`, `batch`, `failure`, `timeout`, `circuit_breaker`, `schedule`, `autoscale`, `stock`, `broker` | see [`super::extras`] | none |

use super::diagnostic::Diagnostic;
use super::distribution;
use super::extras::{self, ExtrasDraft};
use super::failure;
use super::fields::{Context, Fields, Given};
use super::names::{self, Named};
use super::queue::{self, QueueDraft};
use super::source::Span;
use super::spot::Spot;
use super::tree::{Entry, Node, Value};
use super::units::Dimension;
use super::values::{self, Range};
use crate::network::Consumers;
use crate::random::Distribution;

/// More consumers than anybody has; beyond, `"unlimited"` is as good.
pub(super) const MOST_CONSUMERS: u32 = 1_000_000;

/// A stage as it was written. What is `None` or `Wrong` has been reported.
pub(super) struct StageDraft {
    pub(super) span: Span,
    pub(super) name: Option<Named>,
    pub(super) consumers: Option<Consumers>,
    pub(super) service: Given<Distribution>,
    pub(super) queue: Option<QueueDraft>,
    pub(super) next: Given<NextDraft>,
    pub(super) classes: Vec<ClassDraft>,
    pub(super) extras: ExtrasDraft,
}

/// What a stage says of one class.
pub(super) struct ClassDraft {
    pub(super) name: Named,
    pub(super) service: Given<Distribution>,
    pub(super) next: Given<NextDraft>,
    /// The probability that an attempt fails.
    pub(super) failure: Given<f64>,
}

/// A `next` as it was written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NextDraft {
    pub(super) span: Span,
    pub(super) routes: Vec<(Named, f64)>,
}

/// Reads a `[[stage]]`.
pub(super) fn read(node: &Node, cx: &mut Context) -> Option<StageDraft> {
    let mut fields = Fields::of(node, Spot::Stage, cx)?;
    let draft = StageDraft {
        span: node.span,
        name: names::own(&mut fields, cx),
        consumers: fields
            .required("consumers", "their number, such as `consumers = 8`", cx)
            .and_then(|entry| consumers(&entry.node, cx)),
        service: Given::read(fields.entry("service"), |e| distribution::read(&e.node, cx)),
        queue: match fields.entry("queue") {
            None => Some(QueueDraft::default()),
            Some(entry) => queue::read(&entry.node, cx),
        },
        next: Given::read(fields.entry("next"), |entry| next(&entry.node, cx)),
        classes: fields
            .entry("class")
            .map_or_else(Vec::new, |entry| classes(&entry.node, cx)),
        extras: extras::read(&mut fields, cx),
    };
    if let Some(name) = &draft.name {
        names::not_reserved(name, cx);
    }
    fields.finish(cx);
    Some(draft)
}

fn consumers(node: &Node, cx: &mut Context) -> Option<Consumers> {
    if let Value::String(word) = &node.value
        && word == "unlimited"
    {
        return Some(Consumers::Unlimited);
    }
    let fewest = u32::from(!cx.incident);
    let number = values::small_count("consumers", node, (fewest, MOST_CONSUMERS), cx)?;
    Some(Consumers::Finite(number))
}

fn classes(node: &Node, cx: &mut Context) -> Vec<ClassDraft> {
    let Value::Table(table) = &node.value else {
        let message = format!("`class` of a stage is a table, not {}", node.value.kind());
        let help = "write class.NAME.service = { … }; a producer says which class its orders are";
        cx.report(Diagnostic::error(node.span, message).help(help));
        return Vec::new();
    };
    let read = |entry| class(entry, cx);
    table.entries.iter().filter_map(read).collect()
}

fn class(entry: &Entry, cx: &mut Context) -> Option<ClassDraft> {
    let mut fields = Fields::of(&entry.node, Spot::ClassOfStage, cx)?;
    let draft = ClassDraft {
        name: Named {
            text: entry.key.clone(),
            span: entry.key_span,
        },
        service: Given::read(fields.entry("service"), |e| distribution::read(&e.node, cx)),
        next: Given::read(fields.entry("next"), |entry| next(&entry.node, cx)),
        failure: Given::read(fields.entry("failure"), |entry| {
            failure::of_class(&entry.node, cx)
        }),
    };
    fields.finish(cx);
    Some(draft)
}

fn next(node: &Node, cx: &mut Context) -> Option<NextDraft> {
    let routes = match &node.value {
        Value::String(_) => vec![(names::reference("next", node, cx)?, 1.0)],
        _ => values::list("next", node, cx, route)?,
    };
    let draft = NextDraft {
        span: node.span,
        routes,
    };
    sums_to_one(&draft, cx);
    listed_once(&draft, cx);
    Some(draft)
}

fn route(node: &Node, cx: &mut Context) -> Option<(Named, f64)> {
    let mut fields = Fields::of(node, Spot::Route, cx)?;
    let to = fields
        .required("to", "`to = \"STAGE\"`, \"completed\" or \"cancelled\"", cx)
        .and_then(|entry| names::reference("to", &entry.node, cx));
    let probability = fields
        .required("probability", "`probability = 0.5`", cx)
        .and_then(|entry| values::entry_quantity(entry, Dimension::Share, Range::Probability, cx));
    fields.finish(cx);
    Some((to?, probability?))
}

fn sums_to_one(next: &NextDraft, cx: &mut Context) {
    const TOLERANCE: f64 = 1e-9;
    let sum: f64 = next.routes.iter().map(|route| route.1).sum();
    if (sum - 1.0).abs() <= TOLERANCE {
        return;
    }
    // Decimals add up to such as 0.9000000000000001.
    let sum = (sum * 1e12).round() / 1e12;
    let message = format!("the probabilities of `next` add up to {sum}, not to 1");
    cx.report(Diagnostic::error(next.span, message).help(sum_help(sum)));
}

fn sum_help(sum: f64) -> String {
    if sum < 1.0 {
        let rest = ((1.0 - sum) * 1e12).round() / 1e12;
        format!("say where the rest goes: {{ to = \"completed\", probability = {rest} }}")
    } else {
        "make them smaller, so that they add up to 1".to_owned()
    }
}

fn listed_once(next: &NextDraft, cx: &mut Context) {
    let mut seen: Vec<&str> = Vec::new();
    for (to, _) in &next.routes {
        if seen.contains(&to.text.as_str()) {
            let message = format!("`next` names `{}` twice", to.text);
            let help = "keep one entry, with the sum of the probabilities";
            cx.report(Diagnostic::error(to.span, message).help(help));
        }
        seen.push(&to.text);
    }
}
