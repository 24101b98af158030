//! What a stage does beyond a plain queue.
//!
//! | key | meaning |
//! | --- | --- |
//! | `patience` | a distribution: an order that has waited so long gives up; once served it stays |
//! | `breakdown` | `{ uptime, downtime, when, then }`: each consumer fails on its own |
//! | `fanout` | after its service here, a copy of the order goes to each of these stages, and the order goes on as `next` says; with `join = "all"` only when every copy has left the pipeline |
//! | `batch` | `{ size, at_least = 1, wait }`: a consumer serves up to `size` orders at once, in the service time of the first; it begins when `at_least` wait, or when the first has waited for `wait` |
//! | `failure`, `timeout`, `circuit_breaker` | see [`super::failure`] |
//! | `schedule`, `autoscale` | see [`super::staffing`] |
//! | `stock` | see [`super::stock`] |
//! | `broker` | see [`super::broker`] |
//!
//! `uptime` and `downtime` are distributions. `when` says when the clock of `uptime` runs: `"always"`
//! (the default) or `"busy"`, only while serving. `then` says what becomes of the order in service:
//! `"resume"` (the default), `"restart"` or `"redeliver"`, back to the queue.

use super::broker::{self, BrokerDraft};
use super::diagnostic::Diagnostic;
use super::distribution;
use super::failure::{self, FailureDraft};
use super::fields::{Context, Fields, Given, name_of};
use super::names::{self, Named};
use super::source::Span;
use super::spot::Spot;
use super::staffing;
use super::stock::{self, StockDraft};
use super::tree::{Entry, Node};
use super::values::{self, Range};
use crate::network::{
    AfterRepair, Autoscale, Batching, Breakdowns, CircuitBreaker, FailureClock, Shifts,
};
use crate::random::Distribution;

/// A value, and the key that it was given to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Keyed<T> {
    pub(super) value: T,
    pub(super) key: Span,
}

/// The extras of a stage as they were written.
pub(super) struct ExtrasDraft {
    pub(super) patience: Given<Keyed<Distribution>>,
    pub(super) breakdown: Given<Keyed<Breakdowns>>,
    pub(super) fanout: Given<Keyed<FanoutDraft>>,
    pub(super) batch: Given<Keyed<Batching>>,
    pub(super) failure: Given<Keyed<FailureDraft>>,
    pub(super) timeout: Given<Keyed<f64>>,
    pub(super) breaker: Given<Keyed<CircuitBreaker>>,
    pub(super) schedule: Given<Keyed<Shifts>>,
    pub(super) autoscale: Given<Keyed<Autoscale>>,
    pub(super) stock: Given<Keyed<StockDraft>>,
    pub(super) broker: Given<Keyed<BrokerDraft>>,
}

/// A `fanout` as it was written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FanoutDraft {
    pub(super) branches: Vec<Named>,
    /// Whether the order waits for its copies.
    pub(super) joined: bool,
}

/// Takes the extras out of a stage.
pub(super) fn read(fields: &mut Fields<'_>, cx: &mut Context) -> ExtrasDraft {
    let patience = fields.entry("patience");
    let breakdown = fields.entry("breakdown");
    let (fanout, join) = (fields.entry("fanout"), fields.entry("join"));
    ExtrasDraft {
        patience: keyed(patience, |node| patience_law(node, cx)),
        breakdown: keyed(breakdown, |node| breakdowns(node, cx)),
        fanout: fork(fanout, join, cx),
        batch: keyed(fields.entry("batch"), |node| batch(node, cx)),
        failure: keyed(fields.entry("failure"), |node| failure::read(node, cx)),
        timeout: keyed(fields.entry("timeout"), |node| failure::timeout(node, cx)),
        breaker: keyed(fields.entry("circuit_breaker"), |node| {
            failure::breaker(node, cx)
        }),
        schedule: keyed(fields.entry("schedule"), |node| {
            staffing::schedule(node, cx)
        }),
        autoscale: keyed(fields.entry("autoscale"), |node| {
            staffing::autoscale(node, cx)
        }),
        stock: keyed(fields.entry("stock"), |node| stock::read(node, cx)),
        broker: keyed(fields.entry("broker"), |node| broker::read(node, cx)),
    }
}

/// A batch of one is none, so that a sweep may begin there.
fn batch(node: &Node, cx: &mut Context) -> Option<Batching> {
    let mut fields = Fields::of(node, Spot::Parameters("batch"), cx)?;
    let bounds = (1, 1_000_000);
    let size = fields
        .required("size", "how many at most, such as `size = 10`", cx)
        .and_then(|entry| values::small_count("size", &entry.node, bounds, cx));
    let at_least = values::count_or(&mut fields, "at_least", 1, bounds, cx);
    let wait = values::time_or(&mut fields, "wait", f64::INFINITY, Range::NotNegative, cx);
    let span = fields.span_of("at_least");
    fields.finish(cx);
    let (size, at_least, wait) = (size?, at_least?, wait?);
    if at_least > size {
        let message = format!("`at_least` is above `size`, which is {size}");
        let help = "make `size` larger, or `at_least` smaller";
        cx.report(Diagnostic::error(span, message).help(help));
        return None;
    }
    Some(match size {
        1 => Batching::Single,
        _ => Batching::UpTo {
            size,
            at_least,
            wait,
        },
    })
}

fn keyed<T>(entry: Option<&Entry>, read: impl FnOnce(&Node) -> Option<T>) -> Given<Keyed<T>> {
    Given::read(entry, |entry| {
        Some(Keyed {
            value: read(&entry.node)?,
            key: entry.key_span,
        })
    })
}

fn patience_law(node: &Node, cx: &mut Context) -> Option<Distribution> {
    let law = distribution::read(node, cx)?;
    if law.mean() > 0.0 {
        return Some(law);
    }
    cx.report(
        Diagnostic::error(node.span, "`patience` of 0: no order would ever wait").help(
            "say so by a queue without places: queue = { capacity = 0, overflow = \"reject\" }",
        ),
    );
    None
}

/// A law whose mean is above 0 and finite.
pub(super) fn lasting(name: &str, node: &Node, cx: &mut Context) -> Option<Distribution> {
    let law = distribution::read(node, cx)?;
    let mean = law.mean();
    if mean > 0.0 && mean.is_finite() {
        return Some(law);
    }
    let message = format!("the mean of `{name}` must be above 0 and finite, not {mean}");
    cx.report(
        Diagnostic::error(node.span, message)
            .help("give a law of longer times, such as { exponential = { mean = \"1h\" } }"),
    );
    None
}

/// A law whose mean is finite.
pub(super) fn ending(name: &str, node: &Node, cx: &mut Context) -> Option<Distribution> {
    let law = distribution::read(node, cx)?;
    if law.mean().is_finite() {
        return Some(law);
    }
    let message = format!("the mean of `{name}` must be finite");
    cx.report(
        Diagnostic::error(node.span, message)
            .help("use a law with a lighter tail: a `pareto` needs a `shape` above 1"),
    );
    None
}

fn breakdowns(node: &Node, cx: &mut Context) -> Option<Breakdowns> {
    let mut fields = Fields::of(node, Spot::Parameters("breakdown"), cx)?;
    let law = "the law of the time";
    let uptime = fields
        .required(
            "uptime",
            &format!(
                "{law} to a failure, such as `uptime = {{ exponential = {{ mean = \"8h\" }} }}`"
            ),
            cx,
        )
        .and_then(|entry| lasting("uptime", &entry.node, cx));
    let downtime = fields
        .required(
            "downtime",
            &format!(
                "{law} of a repair, such as `downtime = {{ exponential = {{ mean = \"5min\" }} }}`"
            ),
            cx,
        )
        .and_then(|entry| ending("downtime", &entry.node, cx));
    let when = match fields.entry("when") {
        None => Some(FailureClock::Always),
        Some(entry) => clock(&entry.node, cx),
    };
    let then = match fields.entry("then") {
        None => Some(AfterRepair::Resume),
        Some(entry) => after_repair(&entry.node, cx),
    };
    fields.finish(cx);
    Some(Breakdowns {
        uptime: uptime?,
        downtime: downtime?,
        when: when?,
        then: then?,
    })
}

fn clock(node: &Node, cx: &mut Context) -> Option<FailureClock> {
    Some(match word("when", node, &["always", "busy"], cx)? {
        "busy" => FailureClock::Busy,
        _ => FailureClock::Always,
    })
}

fn after_repair(node: &Node, cx: &mut Context) -> Option<AfterRepair> {
    const WORDS: [&str; 3] = ["resume", "restart", "redeliver"];
    Some(match word("then", node, &WORDS, cx)? {
        "restart" => AfterRepair::Restart,
        "redeliver" => AfterRepair::Redeliver,
        _ => AfterRepair::Resume,
    })
}

/// One of the words that a key may have.
pub(super) fn word(
    key: &'static str,
    node: &Node,
    words: &[&'static str],
    cx: &mut Context,
) -> Option<&'static str> {
    let text = values::text(key, node, cx)?;
    name_of(text, node.span, Spot::Parameters(key), words, cx)
}

fn fork(
    fanout: Option<&Entry>,
    join: Option<&Entry>,
    cx: &mut Context,
) -> Given<Keyed<FanoutDraft>> {
    let joined = join.map(|join| word("join", &join.node, &["all"], cx));
    if let (None, Some(join)) = (fanout, join) {
        cx.report(
            Diagnostic::error(
                join.key_span,
                "`join` without `fanout`: there are no copies",
            )
            .help("add the stages that copies go to, as in `fanout = [\"a\", \"b\"]`"),
        );
        return Given::Wrong;
    }
    let fewest = 1 + usize::from(join.is_some());
    let branches = keyed(fanout, |node| branches(node, fewest, cx));
    match (branches, joined) {
        (_, Some(None)) | (Given::Wrong, _) => Given::Wrong,
        (Given::Absent, _) => Given::Absent,
        (Given::Is(Keyed { value, key }), joined) => Given::Is(Keyed {
            value: FanoutDraft {
                branches: value,
                joined: joined.is_some(),
            },
            key,
        }),
    }
}

fn branches(node: &Node, fewest: usize, cx: &mut Context) -> Option<Vec<Named>> {
    let branches = values::list("fanout", node, cx, |item, cx| {
        names::reference("fanout", item, cx)
    })?;
    if branches.len() < fewest {
        let (message, help) = match branches.len() {
            0 => (
                "`fanout` names no stage",
                "name the stages that copies go to, as in [\"search\", \"recommend\"]",
            ),
            _ => (
                "`fanout` names one stage, and a `join` needs at least two",
                "name two or more; to send orders to one stage, use `next`",
            ),
        };
        cx.report(Diagnostic::error(node.span, message).help(help));
        return None;
    }
    let mut seen: Vec<&str> = Vec::new();
    let mut once = true;
    for branch in &branches {
        if seen.contains(&branch.text.as_str()) {
            once = false;
            let message = format!("`fanout` names `{}` twice", branch.text);
            cx.report(Diagnostic::error(branch.span, message).help("name every stage once"));
        }
        seen.push(&branch.text);
    }
    once.then_some(branches)
}
