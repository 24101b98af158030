//! Exponential service behind Poisson arrivals or in a product form.

use super::{Answer, Case, Fit};
use crate::theory::flow::Flow;
use crate::theory::{Mm1, Mmc, Turn};

/// M/M/1 and M/M/c. On a cycle an order of service other than first in, first out keeps its means
/// only: what comes after an order depends on what left before it.
pub(super) fn mmc(case: &Case<'_>) -> Fit {
    let known = (case.plain_unbounded(), case.law.exponential(), case.turn());
    let ((Some(consumers), Some(mu), Some(turn)), true) = (known, case.markovian()) else {
        return Ok(None);
    };
    let turn = match (case.flow(), turn) {
        (Flow::ProductForm, Turn::LastIn | Turn::Random) => Turn::Any,
        (_, turn) => turn,
    };
    Ok(Some(exponential(case.rate, mu, consumers, turn)))
}

/// The figures of M/M/1 or M/M/c.
pub(super) fn exponential(rate: f64, mu: f64, consumers: u32, turn: Turn) -> Answer {
    let fifo = turn == Turn::FirstIn;
    let general = match Mmc::new(rate, mu, consumers) {
        Ok(model) => model,
        Err(error) => return error.into(),
    };
    let mut answer = Answer::new(general.figures(turn));
    answer.waiting = fifo.then(|| general.waiting_curve());
    answer.sojourn = fifo.then(|| general.sojourn_curve());
    if let (1, true, Ok(single)) = (consumers, fifo, Mm1::new(rate, mu)) {
        answer.figures = single.figures(turn);
        answer.sojourn = Some(single.sojourn_curve());
    }
    answer
}
