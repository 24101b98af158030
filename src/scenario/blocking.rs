//! Blocking after service: whom a full queue can block, and circles in which all wait for each other.

use super::diagnostic::Diagnostic;
use super::fields::Context;
use super::routes::Routing;
use super::source::Span;
use super::text::list;
use crate::network::{Capacity, ClassId, Discipline, Fork, Outside};

/// Reports blocking that blocks nobody, that cannot be, and that would stand still for ever.
pub(super) fn check(routing: &Routing<'_>, cx: &mut Context) {
    let feeders = feeders(routing);
    for stage in (0..routing.stages.len()).filter(|&stage| blocks(routing, stage)) {
        if let Some((problem, help)) = impossible(routing, stage, &feeders[stage]) {
            cx.report(Diagnostic::error(overflow_span(routing, stage), problem).help(help));
        } else if enters(routing, stage) && !waits_outside(routing, stage) {
            let message = "an order that enters here has no consumer to stay with: where the queue \
                           is full, it is rejected";
            let help = "let orders enter at a stage of their own, before this one";
            cx.report(Diagnostic::warning(overflow_span(routing, stage), message).help(help));
        }
    }
    if let Some(circle) = circle(routing, &feeders) {
        let names = circle.iter().map(|&at| routing.stages[at].name.as_str());
        let message = match circle.as_slice() {
            [_] => "`block` at a stage that sends orders back to itself: with a full queue it \
                    would wait for itself for ever"
                .to_owned(),
            _ => format!(
                "{} block each other: with full queues they would wait for ever",
                list(names, "and")
            ),
        };
        let span = overflow_span(routing, circle[0]);
        let help = "leave one queue of the circle without `capacity`";
        cx.report(Diagnostic::error(span, message).help(help));
    }
}

fn blocks(routing: &Routing<'_>, stage: usize) -> bool {
    matches!(routing.stages[stage].capacity, Capacity::Block(_))
}

/// Whether orders from outside wait at their producer.
fn waits_outside(routing: &Routing<'_>, stage: usize) -> bool {
    routing.stages[stage].extras.broker.outside != Outside::Rejected
}

fn enters(routing: &Routing<'_>, stage: usize) -> bool {
    let mut entrances = routing.entrances.iter();
    entrances.any(|entrance| entrance.stage.0 == stage)
}

fn overflow_span(routing: &Routing<'_>, stage: usize) -> Span {
    let draft = &routing.drafts[stage];
    let queue = draft.queue.as_ref();
    queue
        .and_then(|queue| queue.overflow_span)
        .unwrap_or(draft.span)
}

/// For every stage, those whose orders of some class go on to it.
fn feeders(routing: &Routing<'_>) -> Vec<Vec<usize>> {
    let mut feeders = vec![Vec::new(); routing.stages.len()];
    for class in (0..routing.classes.len()).map(ClassId) {
        let reached = routing.reached(class);
        for from in (0..reached.len()).filter(|&from| reached[from]) {
            for to in routing.successors(class, from) {
                if !feeders[to].contains(&from) {
                    feeders[to].push(from);
                }
            }
        }
    }
    feeders
}

fn impossible(
    routing: &Routing<'_>,
    stage: usize,
    feeders: &[usize],
) -> Option<(String, &'static str)> {
    let name = |at: usize| &routing.stages[at].name;
    let mut all = 0..routing.stages.len();
    if let Some(fork) = all.find(|&at| routing.branches(at).any(|branch| branch.0 == stage)) {
        return Some((
            format!(
                "`block` for the copies of `{}`: they have no consumer to stay with",
                name(fork)
            ),
            "put a stage without `capacity` between the two",
        ));
    }
    let joins = |&&at: &&usize| matches!(routing.stages[at].extras.fork, Fork::JoinAll(_));
    if let Some(&fork) = feeders.iter().find(joins) {
        return Some((
            format!(
                "`block` behind `{}`: an order that waits for its copies holds no consumer",
                name(fork)
            ),
            "put a stage without `capacity` between the two, or remove `join`",
        ));
    }
    if feeders.is_empty() && enters(routing, stage) && !waits_outside(routing, stage) {
        return Some((
            "`block` where only producers send orders: there is no stage before to be blocked"
                .to_owned(),
            "write overflow = \"reject\", name this stage in the `next` of another, or let producers \
             wait by the `flow_control` of a broker",
        ));
    }
    let shared = |&&at: &&usize| routing.stages[at].discipline == Discipline::ProcessorSharing;
    feeders.iter().find(shared).map(|&at| {
        (
            format!(
                "`block` behind `{}`: under `ps` no order holds a consumer",
                name(at)
            ),
            "choose another discipline for the stage before, or another `overflow` here",
        )
    })
}

/// Stages that all block and send orders round to each other.
fn circle(routing: &Routing<'_>, feeders: &[Vec<usize>]) -> Option<Vec<usize>> {
    let count = routing.stages.len();
    // Stages that no blocking stage leads to are in no circle: take them away until none is left.
    let mut left: Vec<bool> = (0..count).map(|at| blocks(routing, at)).collect();
    let fed = |left: &[bool], at: usize| feeders[at].iter().copied().find(|&from| left[from]);
    while let Some(free) = (0..count).find(|&at| left[at] && fed(&left, at).is_none()) {
        left[free] = false;
    }
    let mut path = vec![left.iter().position(|&left| left)?];
    loop {
        let before = fed(&left, *path.last()?)?;
        if let Some(start) = path.iter().position(|&at| at == before) {
            let mut circle = path.split_off(start);
            circle.sort_unstable();
            return Some(circle);
        }
        path.push(before);
    }
}
