//! `queue` of a stage.
//!
//! | key | meaning | default |
//! | --- | --- | --- |
//! | `discipline` | `"fifo"`, `"lifo"`, `"random"`, `"sjf"` (shortest job first), `"srpt"` (shortest remaining time, preemptive), `"ps"` (processor sharing), `"edf"` (earliest `deadline` first), or `{ priority = { preemptive = false } }` (`"priority"` for short; `true` or `"resume"`: interrupted work goes on later; `"restart"`: it starts anew) | `"fifo"` |
//! | `capacity` | how many may wait, those with a consumer excluded, up to 1 000 000 000; or `"unbounded"` | `"unbounded"` |
//! | `overflow` | what happens to an order that finds the queue full: `"reject"`; `"block"` (it stays with the consumer that served it before); `{ retry = DISTRIBUTION }` (it tries again after such a time, for ever); `"drop_oldest"` (it takes the place of the one that has waited longest); `"dead_letter"` (it is put aside) | `"reject"` |
//! | `ttl` | the longest time that a message may wait | none |
//! | `expired` | what becomes of one that has waited so long: `"expired"` or `"dead_letter"` | `"expired"` |
//! | `balk` | orders turn away from a long queue: a list of `{ at, probability }`, from so many waiting on | none |
//!
//! Under `"ps"` nobody waits: `capacity` then counts the orders beyond one a consumer.

use super::diagnostic::Diagnostic;
use super::extras::{self, Keyed};
use super::fields::{Context, Fields, choice, name_of, named};
use super::source::Span;
use super::spot::Spot;
use super::tree::{Node, Value};
use super::units::Dimension;
use super::values::{self, Range};
use crate::network::{AfterExpiry, BalkingStep, Capacity, Discipline, TimeToLive};
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
    pub(super) time_to_live: Option<Keyed<TimeToLive>>,
    pub(super) balking: Option<Keyed<Vec<BalkingStep>>>,
}

impl Default for QueueDraft {
    fn default() -> QueueDraft {
        QueueDraft {
            discipline: Discipline::Fifo,
            discipline_span: None,
            capacity: Capacity::Unbounded,
            overflow_span: None,
            time_to_live: None,
            balking: None,
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
    let time_to_live = time_to_live(&mut fields, cx);
    let balking = match fields.entry("balk") {
        None => Some(None),
        Some(entry) => balking(&entry.node, cx).map(|value| {
            let key = entry.key_span;
            Some(Keyed { value, key })
        }),
    };
    drops_something(places, overflow.as_ref(), overflow_span, cx)?;
    fields.finish(cx);
    Some(QueueDraft {
        discipline: discipline?,
        discipline_span,
        capacity: match (places?, overflow?) {
            (None, _) => Capacity::Unbounded,
            (Some(places), Overflow::Reject) => Capacity::Reject(places),
            (Some(places), Overflow::Block) => Capacity::Block(places),
            (Some(places), Overflow::Retry(delay)) => Capacity::Retry(places, delay),
            (Some(places), Overflow::DropOldest) => Capacity::DropOldest(places),
            (Some(places), Overflow::DeadLetter) => Capacity::DeadLetter(places),
        },
        overflow_span,
        time_to_live: time_to_live?,
        balking: balking?,
    })
}

/// Reports a queue without places that should drop its oldest message.
fn drops_something(
    places: Option<Option<u64>>,
    overflow: Option<&Overflow>,
    span: Option<Span>,
    cx: &mut Context,
) -> Option<()> {
    if let (Some(Some(0)), Some(Overflow::DropOldest), Some(span)) = (places, overflow, span) {
        let message = "`drop_oldest` with a `capacity` of 0: nobody waits who could be dropped";
        let help = "give it places, or write overflow = \"reject\"";
        cx.report(Diagnostic::error(span, message).help(help));
        return None;
    }
    Some(())
}

/// Outer `None` if it is wrong, inner `None` if it is not there.
fn time_to_live(fields: &mut Fields<'_>, cx: &mut Context) -> Option<Option<Keyed<TimeToLive>>> {
    let (ttl, expired) = (fields.entry("ttl"), fields.entry("expired"));
    let then = match expired {
        None => Some("expired"),
        Some(entry) => extras::word("expired", &entry.node, &["expired", "dead_letter"], cx),
    };
    let Some(ttl) = ttl else {
        let expired = match expired {
            None => return Some(None),
            Some(expired) => expired,
        };
        let message = "`expired` without `ttl`: no message ever expires";
        let help = "add such as `ttl = \"5m\"`";
        cx.report(Diagnostic::error(expired.key_span, message).help(help));
        return None;
    };
    let seconds = values::entry_quantity(ttl, Dimension::Time, Range::Positive, cx)?;
    let then = match then? {
        "dead_letter" => AfterExpiry::DeadLetter,
        _ => AfterExpiry::Expired,
    };
    Some(Some(Keyed {
        value: TimeToLive::Limited { seconds, then },
        key: ttl.key_span,
    }))
}

fn balking(node: &Node, cx: &mut Context) -> Option<Vec<BalkingStep>> {
    let steps = values::list("balk", node, cx, balking_step)?;
    let ascending = steps.windows(2).all(|two| two[0].at < two[1].at);
    if steps.is_empty() || !ascending {
        let message = match ascending {
            true => "`balk` has no entry",
            false => "the lengths `at` of `balk` must ascend",
        };
        let help = "write such as [{ at = 10, probability = 0.5 }, { at = 20, probability = 1 }]";
        cx.report(Diagnostic::error(node.span, message).help(help));
        return None;
    }
    Some(steps)
}

fn balking_step(node: &Node, cx: &mut Context) -> Option<BalkingStep> {
    let mut fields = Fields::of(node, Spot::Parameters("balk"), cx)?;
    let at = fields
        .required(
            "at",
            "the number of waiting messages, such as `at = 10`",
            cx,
        )
        .and_then(|entry| values::count("at", &entry.node, 0, MOST_PLACES, cx));
    let share = (Dimension::Share, Range::Probability);
    let cure = "`probability = 0.5`";
    let probability = values::required_quantity(&mut fields, "probability", cure, share, cx);
    fields.finish(cx);
    Some(BalkingStep {
        at: at?,
        probability: probability?,
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
    DropOldest,
    DeadLetter,
}

fn overflows(node: &Node, cx: &mut Context) -> Option<Overflow> {
    const WORDS: [&str; 4] = ["reject", "block", "drop_oldest", "dead_letter"];
    let spot = Spot::Overflow;
    if let Value::String(word) = &node.value
        && word == "retry"
    {
        let message = "`retry` needs the time until the next try";
        let help = "write overflow = { retry = { exponential = { mean = \"1s\" } } }";
        cx.report(Diagnostic::error(node.span, message).help(help));
        return None;
    }
    Some(match named(node, spot, &WORDS, &["retry"], cx)? {
        (_, Some(delay)) => Overflow::Retry(extras::lasting("retry", delay, cx)?),
        ("block", _) => Overflow::Block,
        ("drop_oldest", _) => Overflow::DropOldest,
        ("dead_letter", _) => Overflow::DeadLetter,
        _ => Overflow::Reject,
    })
}

/// What a service that is interrupted by a more urgent one does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Preemption {
    None,
    Resume,
    Restart,
}

fn discipline(node: &Node, cx: &mut Context) -> Option<Discipline> {
    const NAMES: [&str; 8] = [
        "fifo", "lifo", "random", "sjf", "srpt", "ps", "edf", "priority",
    ];
    let spot = Spot::Discipline;
    let (name, preemption) = match &node.value {
        Value::String(word) => {
            let name = name_of(word, node.span, spot, &NAMES, cx)?;
            (name, Preemption::None)
        }
        _ => {
            let (name, entry) = choice(node, spot, &NAMES, cx)?;
            (name, parameters(name, &entry.node, cx)?)
        }
    };
    Some(match (name, preemption) {
        ("lifo", _) => Discipline::Lifo,
        ("random", _) => Discipline::Random,
        ("sjf", _) => Discipline::ShortestFirst,
        ("srpt", _) => Discipline::ShortestRemaining,
        ("ps", _) => Discipline::ProcessorSharing,
        ("edf", _) => Discipline::EarliestDeadline,
        ("priority", Preemption::None) => Discipline::Priority,
        ("priority", Preemption::Resume) => Discipline::PreemptivePriority,
        ("priority", Preemption::Restart) => Discipline::PreemptiveRestart,
        _ => Discipline::Fifo,
    })
}

/// How the discipline interrupts; only `priority` can be told to.
fn parameters(name: &'static str, node: &Node, cx: &mut Context) -> Option<Preemption> {
    let mut fields = Fields::of(node, Spot::Parameters(name), cx)?;
    let preemptive = match (name, fields.has("preemptive")) {
        ("priority", true) => fields.entry("preemptive"),
        _ => None,
    };
    fields.finish(cx);
    let Some(preemptive) = preemptive else {
        return Some(Preemption::None);
    };
    if let Value::String(_) = preemptive.node.value {
        let words = ["resume", "restart"];
        return Some(
            match extras::word("preemptive", &preemptive.node, &words, cx)? {
                "restart" => Preemption::Restart,
                _ => Preemption::Resume,
            },
        );
    }
    Some(match values::boolean("preemptive", &preemptive.node, cx)? {
        true => Preemption::Resume,
        false => Preemption::None,
    })
}
