//! What a stage does beyond a plain queue.
//!
//! | key | meaning |
//! | --- | --- |
//! | `patience` | a distribution: an order that has waited so long gives up; once served it stays |
//! | `breakdown` | `{ uptime, downtime, when, then }`: each consumer fails on its own |
//! | `fanout`, with `join = "all"` | after its service here, a copy of the order goes to each of these stages; when every copy has left the pipeline, the order goes on as `next` says |
//!
//! `uptime` and `downtime` are distributions. `when` says when the clock of `uptime` runs: `"always"`
//! (the default) or `"busy"`, only while serving. `then` says what becomes of the order in service:
//! `"resume"` (the default), `"restart"` or `"redeliver"`, back to the queue.

use super::diagnostic::Diagnostic;
use super::distribution;
use super::fields::{Context, Fields, Given, name_of};
use super::names::{self, Named};
use super::source::Span;
use super::spot::Spot;
use super::tree::{Entry, Node};
use super::values;
use crate::network::{AfterRepair, Breakdowns, FailureClock};
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
    pub(super) fanout: Given<Keyed<Vec<Named>>>,
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
    }
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

fn word(
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
) -> Given<Keyed<Vec<Named>>> {
    let joined = join.map(|join| word("join", &join.node, &["all"], cx));
    match (fanout, join) {
        (None, Some(join)) => {
            cx.report(
                Diagnostic::error(
                    join.key_span,
                    "`join` without `fanout`: there are no copies",
                )
                .help("add the stages that copies go to, as in `fanout = [\"a\", \"b\"]`"),
            );
            return Given::Wrong;
        }
        (Some(fanout), None) => {
            let message = "`fanout` without `join` is not yet supported";
            cx.report(Diagnostic::error(fanout.key_span, message).help(
                "add `join = \"all\"`: the order goes on when all of its copies have left the \
                 pipeline",
            ));
        }
        _ => {}
    }
    let branches = keyed(fanout, |node| branches(node, cx));
    match (fanout, joined) {
        (Some(_), None | Some(None)) => Given::Wrong,
        _ => branches,
    }
}

fn branches(node: &Node, cx: &mut Context) -> Option<Vec<Named>> {
    let branches = values::list("fanout", node, cx, |item, cx| {
        names::reference("fanout", item, cx)
    })?;
    if branches.len() < 2 {
        let message = format!(
            "`fanout` names {}, and copies need at least two stages",
            match branches.len() {
                0 => "no stage",
                _ => "one stage",
            }
        );
        let help = "name two or more; to send orders to one stage, use `next`";
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
