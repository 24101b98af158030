//! Exponential service behind Poisson arrivals or in a product form.

use super::model::Candidate;
use super::{Answer, Case, Fit, Model};
use crate::theory::flow::Flow;
use crate::theory::{Kind, Mm1, Mmc, Turn};

pub(super) const MM1: Candidate = Candidate {
    model: &Model {
        name: "M/M/1",
        conditions: "Poisson arrivals or product form, one exponential law, 1 consumer",
        gives: "means; first in, first out also variances and distributions; variances of last in, first out and of random order",
        kind: Kind::Exact,
        source: "Kleinrock 1975, Queueing Systems 1, chapter 3",
        tests: &["a_figure_labelled_exact_is_exact"],
    },
    fit: |case| mmc(case, |consumers| consumers == 1),
};

pub(super) const MMC: Candidate = Candidate {
    model: &Model {
        name: "M/M/c (Erlang C)",
        conditions: "Poisson arrivals or product form, one exponential law, c consumers",
        gives: "means; first in, first out also variances and distributions; variances of last in, first out and of random order",
        kind: Kind::Exact,
        source: "Erlang 1917; Kleinrock 1975, Queueing Systems 1, section 3.5",
        tests: &["a_figure_labelled_exact_is_exact"],
    },
    fit: |case| mmc(case, |consumers| consumers > 1),
};

/// On a cycle an order of service other than first in, first out keeps its means only: what comes
/// after an order depends on what left before it.
fn mmc(case: &Case<'_>, wanted: fn(u32) -> bool) -> Fit {
    let consumers = case.plain_unbounded().filter(|c| wanted(*c));
    let known = (consumers, case.law.exponential(), case.turn());
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
fn exponential(rate: f64, mu: f64, consumers: u32, turn: Turn) -> Answer {
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
