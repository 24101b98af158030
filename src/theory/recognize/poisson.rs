//! Poisson arrivals, of orders or of batches, before service of any law.

use super::model::Candidate;
use super::two_moments::with_exponential_tail;
use super::{Answer, Case, Fit, Model};
use crate::random::{Arrivals, DiscreteDistribution};
use crate::theory::batch::laws;
use crate::theory::{Kind, Mdc, Mg1k, MxG1, MxMc, Reason, Turn};

pub(super) const MDC: Candidate = Candidate {
    model: &Model {
        name: "M/D/c",
        conditions: "Poisson arrivals, one fixed service time, c consumers (at most 200 000)",
        gives: "means; first in, first out also variances, and for c ≤ 5000 distributions",
        kind: Kind::Exact,
        source: "Crommelin 1932; Franx 2001, Operations Research Letters 29",
        tests: &[
            "a_figure_labelled_exact_is_exact",
            "both_ways_to_the_means_agree",
            "the_law_has_the_moments",
            "exact_figures_behind_poisson_arrivals_are_simulated",
        ],
    },
    fit: mdc,
};

fn mdc(case: &Case<'_>) -> Fit {
    let (Some(consumers), Some(turn), true) = (case.plain_unbounded(), case.turn(), case.poisson())
    else {
        return Ok(None);
    };
    let fixed = case.law.common().and_then(|law| law.is_deterministic());
    let fifo = turn == Turn::FirstIn;
    // For one consumer the variance is known in other orders, too.
    let Some(service) = fixed.filter(|_| fifo || consumers > 1) else {
        return Ok(None);
    };
    let model = Mdc::new(case.rate, service, consumers);
    let model = model.map_err(|error| Reason::Conditions { error })?;
    let mut answer = Answer::new(model.figures(fifo));
    if let Some((waiting, sojourn)) = model.curves().filter(|_| fifo) {
        (answer.waiting, answer.sojourn) = (Some(waiting), Some(sojourn));
    }
    Ok(Some(answer))
}

pub(super) const BATCH: Candidate = Candidate {
    model: &Model {
        name: "M^X/G/1",
        conditions: "one producer of batches that come by Poisson's law, any service with a variance, 1 consumer; any order that does not look at classes or service times",
        gives: "means; first in, first out also variances and, where the inversion is sure, distributions",
        kind: Kind::Exact,
        source: "Burke 1975, Operations Research 23; Gross et al. 2008, section 3.1",
        tests: &[
            "a_figure_labelled_exact_is_exact",
            "geometric_batches_have_an_exponential_sojourn",
            "exact_figures_behind_poisson_arrivals_are_simulated",
        ],
    },
    fit: batch,
};

fn batch(case: &Case<'_>) -> Fit {
    let (Some(1), Some(turn), Some((rate, size))) =
        (case.plain_unbounded(), case.turn(), poisson_batches(case))
    else {
        return Ok(None);
    };
    let model = match MxG1::new(rate, size, case.law.moments()) {
        Ok(model) => model,
        Err(_) if case.law.moments().second.is_infinite() => return Err(Reason::InfiniteVariance),
        Err(error) => return Err(Reason::Conditions { error }),
    };
    let fifo = turn == Turn::FirstIn;
    let answer = with_exponential_tail(model.figures(fifo), turn);
    Ok(Some(with_laws(case, answer, rate, size, turn)))
}

pub(super) const BATCHES: Candidate = Candidate {
    model: &Model {
        name: "M^X/M/c",
        conditions: "one producer of batches that come by Poisson's law, one exponential law, several consumers (times the largest batch up to 5 million); any order that does not look at service times",
        gives: "means; first in, first out also variances and, but for ρ near 1, the distribution of the wait",
        kind: Kind::Exact,
        source: "Chaudhry & Templeton 1983, A First Course in Bulk Queues, section 2.4",
        tests: &[
            "one_consumer_is_burkes",
            "single_orders_make_m_m_c",
            "exact_figures_behind_poisson_arrivals_are_simulated",
        ],
    },
    fit: batches,
};

fn batches(case: &Case<'_>) -> Fit {
    let (Some(consumers), Some(turn), Some(rate)) =
        (case.plain_unbounded(), case.turn(), case.law.exponential())
    else {
        return Ok(None);
    };
    let Some((batch_rate, size)) = poisson_batches(case) else {
        return Ok(None);
    };
    let model = MxMc::new(batch_rate, size, rate, consumers);
    let model = model.map_err(|error| Reason::Conditions { error })?;
    let fifo = turn == Turn::FirstIn;
    let mut answer = Answer::new(model.figures(fifo));
    answer.waiting = model.waiting_curve().filter(|_| fifo);
    Ok(Some(answer))
}

pub(super) const MG1K: Candidate = Candidate {
    model: &Model {
        name: "M/G/1/K",
        conditions: "Poisson arrivals, any service, 1 consumer, `capacity` of at most 10 000; any order that does not look at service times",
        gives: "means and the loss",
        kind: Kind::Exact,
        source: "Keilson 1966; Cooper 1981, Introduction to Queueing Theory, section 5.9",
        tests: &[
            "exponential_service_makes_m_m_1_k",
            "fixed_service_by_hand",
            "no_place_to_wait_is_erlangs_loss_for_every_law",
            "exact_figures_behind_poisson_arrivals_are_simulated",
        ],
    },
    fit: mg1k,
};

fn mg1k(case: &Case<'_>) -> Fit {
    let (Some((1, places)), Some(_), true) = (case.plain_bounded(), case.turn(), case.poisson())
    else {
        return Ok(None);
    };
    let model = Mg1k::new(case.rate, &case.law.whole(), places);
    let model = model.map_err(|error| Reason::Conditions { error })?;
    Ok(Some(Answer::new(model.figures())))
}

/// The batches of the only producer, where they come by Poisson's law: their rate and size.
fn poisson_batches<'a>(case: &Case<'a>) -> Option<(f64, &'a DiscreteDistribution)> {
    match &case.only_producer()?.arrivals {
        Arrivals::Batch { process, size } => Some((process.is_poisson()?, size)),
        _ => None,
    }
}

/// The same with quantiles and curves, first in, first out, where the inversion is sure of them.
pub(super) fn with_laws(
    case: &Case<'_>,
    mut answer: Answer,
    rate: f64,
    size: &DiscreteDistribution,
    turn: Turn,
) -> Answer {
    let law = (turn == Turn::FirstIn).then(|| case.law.whole());
    if let Some((mut figures, waiting, sojourn)) = law.and_then(|law| laws(rate, &law, size)) {
        answer.figures.append(&mut figures);
        (answer.waiting, answer.sojourn) = (Some(waiting), Some(sojourn));
    }
    answer
}
