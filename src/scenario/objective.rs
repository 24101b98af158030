//! Objectives: whether the metric is measured at the place that the `[[slo]]` names.

use super::combine::impatient;
use super::compile::Known;
use super::diagnostic::Diagnostic;
use super::draft::Draft;
use super::fields::Context;
use super::names::{Named, find};
use super::slo::SloDraft;
use super::source::Span;
use super::text::list;
use crate::metric::Metric;
use crate::network::{Capacity, ClassId, Consumers, Network, Place, Slo, StageId};

/// Compiles all objectives.
pub(super) fn compile(draft: &Draft, known: &Known<'_>, cx: &mut Context) -> Option<Vec<Slo>> {
    let slos: Vec<Option<Slo>> = draft
        .slos
        .iter()
        .map(|slo| objective(slo, draft, known, cx))
        .collect();
    slos.into_iter().collect()
}

fn objective(slo: &SloDraft, draft: &Draft, known: &Known<'_>, cx: &mut Context) -> Option<Slo> {
    let at = place(slo, known, cx);
    let (metric, span) = slo.metric?;
    let at = at?;
    if let Some((problem, help)) = unmeasured(metric, at, draft, known) {
        cx.report(Diagnostic::error(span, format!("`{metric}` {problem}")).help(help));
        return None;
    }
    let bound = slo.bound?;
    Some(Slo { at, metric, bound })
}

/// Refuses objectives on what this network, incidents and all, can never measure where they ask for it.
pub(super) fn check(network: &Network, draft: &Draft, cx: &mut Context) {
    for (slo, written) in network.slos.iter().zip(&draft.slos) {
        let lack = network.lacks(slo.at, slo.metric);
        if let (Some(condition), Some((metric, span))) = (lack, written.metric) {
            let message = format!("`{metric}` is measured {condition}, which is not so here");
            let help = "remove the objective, or give the stage what it is measured of";
            cx.report(Diagnostic::error(span, message).help(help));
        }
    }
}

fn place(slo: &SloDraft, known: &Known<'_>, cx: &mut Context) -> Option<Place> {
    let look =
        |name: &Option<Option<Named>>, what, names: &[Option<&str>], cx: &mut Context| match name {
            None => None,
            Some(None) => Some(None),
            Some(Some(name)) => find(name, what, names, cx).map(Some),
        };
    let stage = look(&slo.stage, "stage", &known.stages, cx);
    let class = look(&slo.class, "class", &known.classes, cx);
    match (stage?, class?) {
        (None, None) => Some(Place::Pipeline),
        (Some(stage), None) => Some(Place::Stage(StageId(stage))),
        (Some(stage), Some(class)) => Some(Place::Class(StageId(stage), ClassId(class))),
        (None, Some(_)) => {
            let span = class_span(slo)?;
            let message = "classes are measured at a stage, not end to end";
            cx.report(Diagnostic::error(span, message).help("add `stage = \"…\"`"));
            None
        }
    }
}

fn class_span(slo: &SloDraft) -> Option<Span> {
    Some(slo.class.as_ref()?.as_ref()?.span)
}

/// Why a metric is not measured at a place, and the cure.
fn unmeasured(
    metric: Metric,
    at: Place,
    draft: &Draft,
    known: &Known<'_>,
) -> Option<(String, String)> {
    let stage = match at {
        Place::Pipeline if metric.at_pipeline() => return None,
        Place::Pipeline => {
            let stages = list(known.stages.iter().flatten(), "or");
            let help = format!("add `stage = \"…\"`, one of {stages}");
            return Some(("is measured at a stage, not end to end".to_owned(), help));
        }
        Place::Stage(stage) | Place::Class(stage, _) => &draft.stages[stage.0],
    };
    if !metric.at_stage() {
        let help = "remove `stage`, or ask for `sojourn_time` and its percentiles".to_owned();
        return Some(("is measured end to end, not at a stage".to_owned(), help));
    }
    let bounded = !matches!(&stage.queue, Some(queue) if queue.capacity == Capacity::Unbounded);
    if metric == Metric::QueueFill && !bounded {
        let problem = "is measured of a bounded queue, and this one is unbounded".to_owned();
        return Some((problem, "give the stage's queue a `capacity`".to_owned()));
    }
    if metric == Metric::AbandonProbability && !impatient(stage) {
        let problem = "is measured where orders lose patience, and here they wait for ever";
        return Some((problem.to_owned(), "give the stage `patience`".to_owned()));
    }
    let unlimited = stage.consumers == Some(Consumers::Unlimited);
    if metric == Metric::Utilization && unlimited {
        let problem = "is the share of busy consumers, and here their number is unlimited";
        return Some((problem.to_owned(), "give `consumers` a number".to_owned()));
    }
    None
}
