//! `queue` of a stage.
//!
//! | key | meaning | default |
//! | --- | --- | --- |
//! | `discipline` | `"fifo"`, `"lifo"`, `"random"`, `"sjf"` (shortest job first), `"srpt"` (shortest remaining time, preemptive), `"ps"` (processor sharing), or `{ priority = { preemptive = false } }` (`"priority"` for short; `preemptive = true` resumes) | `"fifo"` |
//! | `capacity` | how many may wait, those with a consumer excluded, up to 1 000 000 000; or `"unbounded"` | `"unbounded"` |
//! | `overflow` | what happens to an order that finds the queue full: `"reject"`; `"block"` (it stays with the consumer that served it before); `{ retry = DISTRIBUTION }` (it tries again after such a time, for ever) | `"reject"` |
//!
//! Under `"ps"` nobody waits: `capacity` then counts the orders beyond one a consumer.

use super::diagnostic::Diagnostic;
use super::extras;
use super::fields::{Context, Fields, choice, name_of};
use super::source::Span;
use super::spot::Spot;
use super::tree::{Node, Value};
use super::values;
use crate::network::{Capacity, Discipline};
use crate::random::Distribution;

/// More places than anybody has; beyond, `"unbounded"` is as good.
const MOST_PLACES: u64 = 1_000_000_000;

/// A queue as it was written.
pub(super) struct QueueDraft {
    pub(super) discipline: Discipline,
    /// Where the discipline was written.
    pub(super) discipline_span: Option<Span>,
    pub(super) capacity: Capacity,
    /// Where the overflow was written.
    pub(super) overflow_span: Option<Span>,
}

impl Default for QueueDraft {
    fn default() -> QueueDraft {
        QueueDraft {
            discipline: Discipline::Fifo,
            discipline_span: None,
            capacity: Capacity::Unbounded,
            overflow_span: None,
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
    let places = match fields.entry("capacity") {
        None => Some(None),
        Some(entry) => places(&entry.node, cx),
    };
    let overflow = fields.entry("overflow");
    let overflow_span = overflow.map(|entry| entry.node.span);
    let overflow = match overflow {
        None => Some(Overflow::Reject),
        Some(entry) => overflows(&entry.node, cx),
    };
    if let (Some(None), Some(_), Some(span)) = (places, &overflow, overflow_span) {
        let message = "`overflow` without `capacity`: an unbounded queue never overflows";
        cx.report(
            Diagnostic::error(span, message)
                .help("give the queue a capacity, such as `capacity = 100`"),
        );
    }
    fields.finish(cx);
    Some(QueueDraft {
        discipline: discipline?,
        discipline_span,
        capacity: match (places?, overflow?) {
            (None, _) => Capacity::Unbounded,
            (Some(places), Overflow::Reject) => Capacity::Reject(places),
            (Some(places), Overflow::Block) => Capacity::Block(places),
            (Some(places), Overflow::Retry(delay)) => Capacity::Retry(places, delay),
        },
        overflow_span,
    })
}

/// `None` within is any number.
fn places(node: &Node, cx: &mut Context) -> Option<Option<u64>> {
    if let Value::String(word) = &node.value
        && word == "unbounded"
    {
        return Some(None);
    }
    values::count("capacity", node, 0, MOST_PLACES, cx).map(Some)
}

/// What happens to an order that finds the queue full.
enum Overflow {
    Reject,
    Block,
    Retry(Distribution),
}

fn overflows(node: &Node, cx: &mut Context) -> Option<Overflow> {
    const NAMES: [&str; 3] = ["reject", "block", "retry"];
    let spot = Spot::Overflow;
    if let Value::String(word) = &node.value {
        return match name_of(word, node.span, spot, &NAMES, cx)? {
            "block" => Some(Overflow::Block),
            "retry" => {
                let message = "`retry` needs the time until the next try";
                let help = "write overflow = { retry = { exponential = { mean = \"1s\" } } }";
                cx.report(Diagnostic::error(node.span, message).help(help));
                None
            }
            _ => Some(Overflow::Reject),
        };
    }
    let (name, entry) = choice(node, spot, &NAMES, cx)?;
    match name {
        "retry" => extras::lasting("retry", &entry.node, cx).map(Overflow::Retry),
        _ => {
            Fields::of(&entry.node, Spot::Parameters(name), cx)?.finish(cx);
            Some(if name == "block" {
                Overflow::Block
            } else {
                Overflow::Reject
            })
        }
    }
}

fn discipline(node: &Node, cx: &mut Context) -> Option<Discipline> {
    const NAMES: [&str; 7] = ["fifo", "lifo", "random", "sjf", "srpt", "ps", "priority"];
    let spot = Spot::Discipline;
    let (name, preemptive) = match &node.value {
        Value::String(word) => (name_of(word, node.span, spot, &NAMES, cx)?, false),
        _ => {
            let (name, entry) = choice(node, spot, &NAMES, cx)?;
            (name, parameters(name, &entry.node, cx)?)
        }
    };
    Some(match name {
        "lifo" => Discipline::Lifo,
        "random" => Discipline::Random,
        "sjf" => Discipline::ShortestFirst,
        "srpt" => Discipline::ShortestRemaining,
        "ps" => Discipline::ProcessorSharing,
        "priority" if preemptive => Discipline::PreemptivePriority,
        "priority" => Discipline::Priority,
        _ => Discipline::Fifo,
    })
}

/// Whether the discipline is preemptive; only `priority` can be told to be.
fn parameters(name: &'static str, node: &Node, cx: &mut Context) -> Option<bool> {
    let mut fields = Fields::of(node, Spot::Parameters(name), cx)?;
    let preemptive = match (name, fields.has("preemptive")) {
        ("priority", true) => fields.entry("preemptive"),
        _ => None,
    };
    fields.finish(cx);
    preemptive.map_or(Some(false), |entry| {
        values::boolean("preemptive", &entry.node, cx)
    })
}
