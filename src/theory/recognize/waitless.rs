//! Stages where nobody waits: sojourn is service, whatever the arrivals; a pure loss stage loses.

use super::{Answer, Case, Fit};
use crate::metric::Metric;
use crate::network::{Capacity, Consumers};
use crate::theory::clockwork as even;
use crate::theory::flow::Flow;
use crate::theory::{Figures, Kind, MgInf, Mmck, Turn};

/// D/D/c: even arrivals, even service, never anybody in the way.
pub(super) fn clockwork(case: &Case<'_>) -> Fit {
    let (true, Some(c)) = (case.clockwork(), case.consumers()) else {
        return Ok(None);
    };
    let load = case.load().unwrap_or(0.0);
    Ok(Some(Answer::new(even::figures(
        load,
        c,
        &case.stage.capacity,
    ))))
}

/// Unlimited consumers, no place to wait, or service that takes no time.
pub(super) fn no_queue(case: &Case<'_>) -> Fit {
    if !case.waitless() {
        return Ok(None);
    }
    Ok(Some(match MgInf::new(case.rate, case.law.mean()) {
        Err(error) => error.into(),
        Ok(model) => lossless_or_not(case, model.figures()),
    }))
}

fn lossless_or_not(case: &Case<'_>, mut figures: Figures) -> Answer {
    let loses = match (case.stage.consumers, &case.stage.capacity) {
        (Consumers::Finite(c), Capacity::Reject(0)) => Some(c),
        _ => None,
    };
    match (loses, case.flow()) {
        (Some(_), Flow::Varying(reason)) => {
            figures.remove(&Metric::NumberInSystem);
            return Answer::new(figures).but(vec![reason.clone()]);
        }
        (Some(consumers), _) => figures.append(&mut pure_loss(case, consumers)),
        (None, _) if !case.flows.known_rates[case.id] => {
            figures.remove(&Metric::NumberInSystem);
        }
        (None, _) if !case.flows.exact_rates[case.id] => {
            degrade(&mut figures, Metric::NumberInSystem);
        }
        (None, _) => {}
    }
    Answer::new(figures)
}

/// Erlang's loss: exact for Poisson arrivals and any service (insensitivity).
fn pure_loss(case: &Case<'_>, consumers: u32) -> Figures {
    let kind = if case.poisson() {
        Kind::Exact
    } else {
        Kind::Approximation
    };
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
