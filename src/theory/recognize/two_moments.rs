//! Approximations by two moments of gaps and service.

use super::model::Candidate;
use super::{Answer, Case, Fit, Model};
use crate::random::Arrivals;
use crate::theory::flow::Flow;
use crate::theory::variability::straight_back;
use crate::theory::{Curve, Figures, GiGc, Kind, Reason, Turn};

pub(super) const GIGC: Candidate = Candidate {
    model: &Model {
        name: "GI/G/c",
        conditions: "stationary arrivals, any service with a variance; any order that does not look at classes or service times",
        gives: "means; first in, first out also variances and the wait's distribution, by the variability of the waits above 0",
        kind: Kind::Approximation,
        source: "Krämer and Langenbach-Belz 1976 (c = 1); Whitt 1993 (c > 1); Whitt 1983 (distribution)",
        tests: &["the_errors_that_the_docs_state_are_measured"],
    },
    fit: answer,
};

fn answer(case: &Case<'_>) -> Fit {
    match (case.plain_unbounded(), case.turn()) {
        (Some(_), Some(_)) if case.bursts() => Err(case.bursts_unknown()),
        (Some(consumers), Some(turn)) if case.stationary() => Ok(Some(gigc(case, consumers, turn))),
        _ => Ok(None),
    }
}

/// The figures of GI/G/c.
pub(super) fn gigc(case: &Case<'_>, consumers: u32, turn: Turn) -> Answer {
    let scv = match case.flow() {
        Flow::TwoMoment(scv) => *scv,
        _ => 1.0,
    };
    // Orders that come straight back count as one longer service, and wait a part of its wait each time.
    let back = straight_back(case.network, case.traffic, case.id);
    let once = 1.0 - back;
    let (mean, spread) = (case.law.mean() / once, back + once * case.law.scv());
    match GiGc::new(case.rate * once, scv, mean, spread, consumers) {
        Ok(model) if back > 0.0 => {
            let figures = model.figures_of_visits(1.0 / once);
            with_exponential_tail(figures, turn)
        }
        Ok(model) => {
            let mut answer = Answer::new(model.figures(turn));
            if turn == Turn::FirstIn {
                answer.waiting = model.waiting_curve();
            }
            answer.alternatives = model.alternatives(independent_gaps(case));
            answer
        }
        Err(_) if !(case.law.scv().is_finite()) => Answer::none(Reason::InfiniteVariance),
        Err(error) => error.into(),
    }
}

/// Whether the gaps are independent: Poisson, or one renewal producer with nothing else before the stage.
fn independent_gaps(case: &Case<'_>) -> bool {
    let only = case.only_producer().map(|producer| &producer.arrivals);
    case.poisson()
        || matches!(
            only,
            Some(Arrivals::Renewal { .. } | Arrivals::Deterministic { .. })
        )
}

/// Adds the curve that has the given mean and probability of waiting.
pub(super) fn with_exponential_tail(figures: Figures, turn: Turn) -> Answer {
    let mut answer = Answer::new(figures);
    if turn == Turn::FirstIn {
        answer.waiting = Curve::exponential_tail(&answer.figures);
    }
    answer
}
