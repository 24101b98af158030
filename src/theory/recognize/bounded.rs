//! Queues with a bound that reject.

use super::{Answer, Case, ClassWaits, Fit};
use crate::theory::{Kind, Mmck, Reason, Turn};

/// M/M/c/K: exact, or in place of the stage's own model.
pub(super) fn mmck(case: &Case<'_>) -> Fit {
    let (Some((consumers, places)), true) = (case.plain_bounded(), case.blind_to_sizes()) else {
        return Ok(None);
    };
    let exact = case.poisson() && case.law.exponential().is_some();
    let kind = if exact {
        Kind::Exact
    } else {
        Kind::Approximation
    };
    let model = match Mmck::new(case.rate, 1.0 / case.law.mean(), consumers, places) {
        Ok(model) => model,
        Err(error) => return Ok(Some(error.into())),
    };
    let fifo = exact && case.turn() == Some(Turn::FirstIn);
    let turn = if fifo { Turn::FirstIn } else { Turn::Any };
    let mut answer = Answer::new(model.figures(turn, kind));
    if fifo && model.has_short_sums() {
        answer.waiting = Some(model.waiting_curve(kind));
    } else if fifo {
        let stage = case.stage.name.clone();
        answer.unexplained.push(Reason::LongSums { stage });
    }
    if case.turn().is_none() {
        answer.classes = ClassWaits::Unknown;
    }
    Ok(Some(answer))
}
