//! Orders that turn away from a long queue, and consumers that serve several at once.

use super::model::Candidate;
use super::{Answer, Case, ClassWaits, Fit, Model};
use crate::network::{Balking, Batching, Capacity, Extras};
use crate::theory::{BulkQueue, Kind, MmcBalking, Reason, Turn};

pub(super) const BALKING: Candidate = Candidate {
    model: &Model {
        name: "M/M/c with balking",
        conditions: "`balk`, with `capacity` or without; any order that does not look at classes or service times; exact for Poisson arrivals and one exponential law, else those in place of its own",
        gives: "means and the loss; first in, first out also variances",
        kind: Kind::Exact,
        source: "Haight 1957, Biometrika 44; Gross et al. 2008, Fundamentals of Queueing Theory, 2.10",
        tests: &[
            "sure_balking_is_a_bound",
            "one_step_by_hand",
            "balking_is_a_loss_that_the_flows_know",
        ],
    },
    fit: balking,
};

fn balking(case: &Case<'_>) -> Fit {
    let Balking::Steps(steps) = &case.stage.extras.balking else {
        return Ok(None);
    };
    let others = Extras {
        balking: Balking::Never,
        ..case.stage.extras.clone()
    };
    let places = match case.stage.capacity {
        Capacity::Unbounded => None,
        Capacity::Reject(places) => Some(places),
        _ => return Ok(None),
    };
    let known = (
        case.consumers(),
        case.turn(),
        others.is_plain() && case.stationary(),
    );
    let (Some(consumers), Some(turn), true) = known else {
        return Ok(None);
    };
    let exact = case.poisson() && case.law.exponential().is_some();
    let (kind, turn) = match exact {
        true => (Kind::Exact, turn),
        false => (Kind::Approximation, Turn::Any),
    };
    let model = MmcBalking::new(case.rate, 1.0 / case.law.mean(), consumers, steps, places);
    let model = model.map_err(|error| Reason::Conditions { error })?;
    Ok(Some(Answer::new(model.figures(turn, kind))))
}

pub(super) const BULK: Candidate = Candidate {
    model: &Model {
        name: "M/M(a,b)/c (bulk service)",
        conditions: "`batch` with `wait` for ever or `at_least = 1`, Poisson arrivals, one exponential law, no bound; any order that does not look at service times; c × `at_least` up to 1200",
        gives: "means",
        kind: Kind::Exact,
        source: "Bailey 1954, J. Roy. Stat. Soc. B 16; Neuts 1967, Ann. Math. Stat. 38; Chaudhry & Templeton 1983, A First Course in Bulk Queues",
        tests: &["one_at_a_time_is_m_m_c", "bulk_service_by_the_markov_chain"],
    },
    fit: bulk,
};

fn bulk(case: &Case<'_>) -> Fit {
    let Batching::UpTo {
        size,
        at_least,
        wait,
    } = case.stage.extras.batching
    else {
        return Ok(None);
    };
    let others = Extras {
        batching: Batching::Single,
        ..case.stage.extras.clone()
    };
    let unbounded = others.is_plain() && case.stage.capacity == Capacity::Unbounded;
    let violated = |why| Reason::Violated {
        place: case.stage.name.clone(),
        feature: "batch",
        why,
    };
    if at_least > 1 && wait.is_finite() {
        return Err(violated(
            "a batch begins after a fixed time, however few there are",
        ));
    }
    let (Some(consumers), true, true) = (case.consumers(), unbounded, case.blind_to_sizes()) else {
        return Err(violated("batches at a stage that is no plain queue"));
    };
    let Some(mu) = case.law.exponential() else {
        return Err(violated("the time of a batch is not exponential"));
    };
    if !case.poisson() {
        return Err(violated("orders do not come by Poisson's law"));
    }
    let model = BulkQueue::new(case.rate, mu, consumers, at_least, size);
    let model = model.map_err(|error| Reason::Conditions { error })?;
    let stage = case.stage.name.clone();
    let model = model.ok_or(Reason::LargeChain { stage })?;
    let mut answer = Answer::new(model.figures());
    if case.turn().is_none() {
        answer.classes = ClassWaits::Unknown;
    }
    Ok(Some(answer))
}
