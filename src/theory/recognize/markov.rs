//! Exponential service behind Poisson arrivals or in a product form.

use super::model::Candidate;
use super::{Answer, Case, Fit, Model};
use crate::random::Distribution;
use crate::theory::flow::Flow;
use crate::theory::overtaken::{Mixed, Overtaken, Stay};
use crate::theory::sheet::Source;
use crate::theory::{Kind, Mm1, Mmc, RandomOrder, Turn};

pub(super) const MM1: Candidate = Candidate {
    model: &Model {
        name: "M/M/1",
        conditions: "Poisson arrivals or product form, one exponential law, 1 consumer",
        gives: "means, variances and distributions first in, first out, last in, first out, and in random order",
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
        gives: "means, variances and distributions first in, first out, last in, first out, and in random order",
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
    match turn {
        Turn::LastIn => last_in(&mut answer, rate, mu, consumers, general.wait_probability()),
        Turn::Random => {
            if let Ok(model) = RandomOrder::new(rate, mu, consumers) {
                answer.figures.append(&mut model.quantiles());
                let (waiting, sojourn) = model.curves();
                (answer.waiting, answer.sojourn) = (Some(waiting), Some(sojourn));
            }
        }
        Turn::FirstIn | Turn::Any => {}
    }
    if let (1, true, Ok(single)) = (consumers, fifo, Mm1::new(rate, mu)) {
        answer.figures = single.figures(turn);
        answer.sojourn = Some(single.sojourn_curve());
    }
    answer
}

/// An order that waits is overtaken by all that come after it, and finds one consumer of rate cμ.
fn last_in(answer: &mut Answer, rate: f64, mu: f64, consumers: u32, waits: f64) {
    let capacity = f64::from(consumers) * mu;
    let wait = Overtaken::markov(waits, capacity, rate, capacity);
    let stay = Stay::Whole(Distribution::Exponential { rate: mu });
    let whole = Mixed::new(vec![(1.0, wait, Some(stay))]);
    let source = Source::exact("Takács 1963, Bell Syst. Tech. J. 42, 487-503");
    let formulas = [
        "a busy period of M/M/1 with rate cμ, with probability C",
        "that and a service",
    ];
    answer
        .figures
        .append(&mut whole.quantiles(source, formulas));
    let (waiting, sojourn) = whole.curves(source, formulas);
    (answer.waiting, answer.sojourn) = (Some(waiting), sojourn);
}
