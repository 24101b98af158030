//! Stages where nobody waits: sojourn is service, whatever the arrivals; a pure loss stage loses.

use super::model::Candidate;
use super::{Answer, Case, Fit, Model};
use crate::metric::Metric;
use crate::network::{Capacity, Consumers};
use crate::theory::clockwork as even;
use crate::theory::flow::Flow;
use crate::theory::{Figures, Kind, MgInf, Mmck, Reason, Turn};

pub(super) const CLOCKWORK: Candidate = Candidate {
    model: &Model {
        name: "D/D/c",
        conditions: "one producer of even gaps, service always the same, ρ ≤ 1",
        gives: "all figures and distributions",
        kind: Kind::Exact,
        source: "Gross et al. 2008, Fundamentals of Queueing Theory, 1.7",
        tests: &["even_arrivals_and_even_service_never_wait"],
    },
    fit: clockwork,
};

fn clockwork(case: &Case<'_>) -> Fit {
    let (true, Some(c)) = (case.clockwork(), case.consumers()) else {
        return Ok(None);
    };
    let load = case.load().unwrap_or(0.0);
    let figures = even::figures(load, c, &case.stage.capacity);
    Ok(Some(Answer::new(figures)))
}

pub(super) const NO_QUEUE: Candidate = Candidate {
    model: &Model {
        name: "G/G/∞",
        conditions: "`consumers = \"unlimited\"`, or service that takes no time; any arrivals",
        gives: "all figures and distributions",
        kind: Kind::Exact,
        source: "Gross et al. 2008, section 2.6; L = λW",
        tests: &["a_stage_for_everyone_has_no_wait"],
    },
    fit: no_queue,
};

fn no_queue(case: &Case<'_>) -> Fit {
    if !case.waitless() || loses(case).is_some() {
        return Ok(None);
    }
    let mut figures = served_at_once(case)?;
    if !case.flows.known_rates[case.id] {
        figures.remove(&Metric::NumberInSystem);
    } else if !case.flows.exact_rates[case.id] {
        degrade(&mut figures, Metric::NumberInSystem);
    }
    Ok(Some(Answer::new(figures)))
}

pub(super) const LOSS: Candidate = Candidate {
    model: &Model {
        name: "M/G/c/c (Erlang B)",
        conditions: "Poisson arrivals, any service, `capacity = 0`",
        gives: "all figures and distributions",
        kind: Kind::Exact,
        source: "Erlang 1917; Sevastyanov 1957 (insensitivity)",
        tests: &[
            "a_figure_labelled_exact_is_exact",
            "erlang_loss_does_not_feel_the_service_law",
        ],
    },
    fit: loss,
};

fn loss(case: &Case<'_>) -> Fit {
    match loses(case) {
        Some(consumers) if case.poisson() => {
            let mut figures = served_at_once(case)?;
            figures.append(&mut pure_loss(case, consumers, Kind::Exact));
            Ok(Some(Answer::new(figures)))
        }
        _ => Ok(None),
    }
}

pub(super) const GENERAL_LOSS: Candidate = Candidate {
    model: &Model {
        name: "G/G/c/c",
        conditions: "any arrivals, any service, `capacity = 0`",
        gives: "times exactly; utilization, number and loss as for Poisson arrivals",
        kind: Kind::Approximation,
        source: "Erlang 1917, in place of the stage's own law",
        tests: &["a_loss_stage_knows_its_times_under_any_arrivals"],
    },
    fit: general_loss,
};

fn general_loss(case: &Case<'_>) -> Fit {
    let Some(consumers) = loses(case) else {
        return Ok(None);
    };
    let mut figures = served_at_once(case)?;
    if let Flow::Varying(reason) = case.flow() {
        figures.remove(&Metric::NumberInSystem);
        return Ok(Some(Answer::new(figures).but(vec![reason.clone()])));
    }
    figures.append(&mut pure_loss(case, consumers, Kind::Approximation));
    Ok(Some(Answer::new(figures)))
}

/// c of a stage without a place to wait, where all of them can be busy.
fn loses(case: &Case<'_>) -> Option<u32> {
    match (case.stage.consumers, &case.stage.capacity) {
        (Consumers::Finite(c), Capacity::Reject(0)) if case.waitless() => Some(c),
        _ => None,
    }
}

/// Sojourn is service.
fn served_at_once(case: &Case<'_>) -> Result<Figures, Reason> {
    let model = MgInf::new(case.rate, case.law.mean());
    let model = model.map_err(|error| Reason::Conditions { error })?;
    Ok(model.figures())
}

/// Erlang's loss.
fn pure_loss(case: &Case<'_>, consumers: u32, kind: Kind) -> Figures {
    let model = Mmck::new(case.rate, 1.0 / case.law.mean(), consumers, 0);
    let figures = model
        .map(|m| m.figures(Turn::FirstIn, kind))
        .unwrap_or_default();
    let kept = [
        Metric::Utilization,
        Metric::LossProbability,
        Metric::NumberInSystem,
    ];
    figures
        .into_iter()
        .filter(|(metric, _)| kept.contains(metric))
        .collect()
}

/// Makes one figure an approximation.
fn degrade(figures: &mut Figures, metric: Metric) {
    if let Some(figure) = figures.get_mut(&metric) {
        figure.kind = figure.kind.max(Kind::Approximation);
    }
}
