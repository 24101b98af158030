//! Queues with a bound that reject.

use super::model::Candidate;
use super::{Alternative, Answer, Case, ClassWaits, Fit, Model};
use crate::metric::{Metric, TimeKind};
use crate::network::Discipline;
use crate::theory::carried::gaps_scv;
use crate::theory::{GGcK, Kind, Mmck, Reason, Turn};

pub(super) const MMCK: Candidate = Candidate {
    model: &Model {
        name: "M/M/c/K",
        conditions: "Poisson arrivals, one exponential law, `capacity`; any order that does not look at service times",
        gives: "means; first in, first out also variances and distributions",
        kind: Kind::Exact,
        source: "Gross et al. 2008, Fundamentals of Queueing Theory, 2.4",
        tests: &["a_figure_labelled_exact_is_exact"],
    },
    fit: mmck,
};

fn mmck(case: &Case<'_>) -> Fit {
    let (Some((consumers, places)), true) = (case.plain_bounded(), case.blind_to_sizes()) else {
        return Ok(None);
    };
    if !case.poisson() || case.law.exponential().is_none() {
        return Ok(None);
    }
    let model = Mmck::new(case.rate, 1.0 / case.law.mean(), consumers, places);
    let model = model.map_err(|error| Reason::Conditions { error })?;
    let turn = case.turn().unwrap_or(Turn::Any);
    let mut answer = Answer::new(model.figures(turn, Kind::Exact));
    if turn == Turn::FirstIn {
        let (waiting, sojourn) = model.curves(Kind::Exact);
        (answer.waiting, answer.sojourn) = (Some(waiting), Some(sojourn));
    }
    if case.turn().is_none() {
        answer.classes = ClassWaits::Unknown;
    }
    // An interrupted order is in the queue of M/M/c/K again, though its wait is over.
    if case.order() == Discipline::PreemptivePriority {
        answer.figures.retain(|metric, _| !of_the_queue(*metric));
    }
    Ok(Some(answer))
}

fn of_the_queue(metric: Metric) -> bool {
    matches!(
        metric,
        Metric::QueueLength
            | Metric::QueueFill
            | Metric::WaitProbability
            | Metric::Time(TimeKind::Waiting, _)
    )
}

pub(super) const GGCK: Candidate = Candidate {
    model: &Model {
        name: "G/G/c/K",
        conditions: "stationary arrivals, any service, `capacity`",
        gives: "means",
        kind: Kind::Approximation,
        source: "after Buzacott and Shanthikumar 1993; Whitt 2004, Oper. Res. 52; Fredericks 1980 (Hayward); M/M/c/K without variances",
        tests: &["the_errors_that_the_docs_state_are_measured"],
    },
    fit: ggck,
};

fn ggck(case: &Case<'_>) -> Fit {
    let (Some((consumers, places)), true) = (case.plain_bounded(), case.stationary()) else {
        return Ok(None);
    };
    let conditions = |error| Reason::Conditions { error };
    let plain = Mmck::new(case.rate, 1.0 / case.law.mean(), consumers, places);
    let plain = plain
        .map_err(conditions)?
        .figures(Turn::Any, Kind::Approximation);
    let gaps = gaps_scv(case.network, case.id);
    let (mean, scv) = (case.law.mean(), case.law.scv());
    let mut answer = if scv.is_finite() {
        let model = GGcK::new(case.rate, gaps, mean, scv, consumers, places);
        let mut answer = Answer::new(model.map_err(conditions)?.figures());
        answer.alternatives.push(Alternative {
            method: "M/M/c/K with the mean service",
            figures: plain,
        });
        answer
    } else {
        Answer::new(plain)
    };
    if case.turn().is_none() {
        answer.classes = ClassWaits::Unknown;
    }
    Ok(Some(answer))
}
