//! `queue` of a stage.
//!
//! | key | meaning | default |
//! | --- | --- | --- |
//! | `discipline` | `"fifo"`, `"lifo"`, `"random"` or `{ priority = { preemptive = false } }` (`"priority"` for short) | `"fifo"` |
//! | `capacity` | how many may wait, those with a consumer excluded, up to 1 000 000 000; or `"unbounded"` | `"unbounded"` |
//! | `overflow` | what happens to an order that finds the queue full: `"reject"` | `"reject"` |

use super::diagnostic::Diagnostic;
use super::fields::{Context, Fields, choice, name_of, not_yet};
use super::source::Span;
use super::spot::Spot;
use super::tree::{Node, Value};
use super::values;
use crate::network::{Capacity, Discipline};

/// More places than anybody has; beyond, `"unbounded"` is as good.
const MOST_PLACES: u64 = 1_000_000_000;

/// A queue as it was written.
pub(super) struct QueueDraft {
    pub(super) discipline: Discipline,
    /// Where the discipline was written.
    pub(super) discipline_span: Option<Span>,
    pub(super) capacity: Capacity,
}

impl Default for QueueDraft {
    fn default() -> QueueDraft {
        QueueDraft {
            discipline: Discipline::Fifo,
            discipline_span: None,
            capacity: Capacity::Unbounded,
        }
    }
}

/// Reads a `queue`.
pub(super) fn read(node: &Node, cx: &mut Context) -> Option<QueueDraft> {
    let mut fields = Fields::of(node, Spot::Queue, cx)?;
    let (discipline, discipline_span) = match fields.entry("discipline") {
        None => (Some(Discipline::Fifo), None),
        Some(entry) => (discipline(&entry.node, cx), Some(entry.node.span)),
    };
    let capacity = match fields.entry("capacity") {
        None => Some(Capacity::Unbounded),
        Some(entry) => capacity(&entry.node, cx),
    };
    if let Some(entry) = fields.entry("overflow") {
        overflow(&entry.node, capacity.as_ref(), cx);
    }
    fields.finish(cx);
    Some(QueueDraft {
        discipline: discipline?,
        discipline_span,
        capacity: capacity?,
    })
}

fn capacity(node: &Node, cx: &mut Context) -> Option<Capacity> {
    if let Value::String(word) = &node.value
        && word == "unbounded"
    {
        return Some(Capacity::Unbounded);
    }
    values::count("capacity", node, 0, MOST_PLACES, cx).map(Capacity::Reject)
}

fn overflow(node: &Node, capacity: Option<&Capacity>, cx: &mut Context) {
    let known = match &node.value {
        Value::String(word) => name_of(word, node.span, Spot::Overflow, &["reject"], cx),
        _ => choice(node, Spot::Overflow, &["reject"], cx).map(|(name, _)| name),
    };
    if known.is_some() && capacity == Some(&Capacity::Unbounded) {
        let message = "`overflow` without `capacity`: an unbounded queue never overflows";
        cx.report(
            Diagnostic::error(node.span, message)
                .help("give the queue a capacity, such as `capacity = 100`"),
        );
    }
}

fn discipline(node: &Node, cx: &mut Context) -> Option<Discipline> {
    const NAMES: [&str; 4] = ["fifo", "lifo", "random", "priority"];
    let spot = Spot::Discipline;
    let name = match &node.value {
        Value::String(word) => name_of(word, node.span, spot, &NAMES, cx)?,
        _ => {
            let (name, entry) = choice(node, spot, &NAMES, cx)?;
            parameters(name, &entry.node, cx)?;
            name
        }
    };
    Some(match name {
        "lifo" => Discipline::Lifo,
        "random" => Discipline::Random,
        "priority" => Discipline::Priority,
        _ => Discipline::Fifo,
    })
}

/// Only `priority` has a parameter, and only one of its values is built.
fn parameters(name: &'static str, node: &Node, cx: &mut Context) -> Option<()> {
    let spot = Spot::Parameters(name);
    let mut fields = Fields::of(node, spot, cx)?;
    let preemptive = match (name, fields.has("preemptive")) {
        ("priority", true) => fields.entry("preemptive"),
        _ => None,
    };
    fields.finish(cx);
    let Some(entry) = preemptive else {
        return Some(());
    };
    if values::boolean("preemptive", &entry.node, cx)? {
        cx.report(not_yet(entry.node.span, spot, "preemptive = true"));
        return None;
    }
    Some(())
}
