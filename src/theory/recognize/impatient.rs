//! Orders that give up while they wait.

use super::model::Candidate;
use super::{Answer, Case, ClassWaits, Fit, Model};
use crate::metric::Metric;
use crate::network::{Capacity, Discipline, Extras, Patience};
use crate::random::Distribution;
use crate::theory::{ErlangA, Figure, Figures, Kind, MmcG, ModelError, Reason, Turn};

pub(super) const ERLANG_A: Candidate = Candidate {
    model: &Model {
        name: "M/M/c+M, M/M/c/K+M (Erlang A)",
        conditions: "Poisson arrivals, one exponential law of service, exponential `patience`, with or without `capacity`; any order that does not look at service times and does not interrupt",
        gives: "means; first in, first out also variances and distributions",
        kind: Kind::Exact,
        source: "Palm 1957; Garnett, Mandelbaum and Reiman 2002, M&SOM 4",
        tests: &[
            "published_figures_of_erlang_a",
            "it_agrees_with_the_integrals_for_any_patience",
        ],
    },
    fit: erlang_a,
};

fn erlang_a(case: &Case<'_>) -> Fit {
    let (Some(stage), Some(mu)) = (Impatient::of(case), case.law.exponential()) else {
        return Ok(None);
    };
    let Some(theta) = stage.patience.is_exponential() else {
        return Ok(None);
    };
    if !case.poisson() || !case.blind_to_sizes() {
        return Ok(None);
    }
    // An order that was interrupted does not give up any more: how many wait then depends on priorities.
    let turn = match (case.turn(), case.order()) {
        (Some(turn), _) => turn,
        (None, Discipline::Priority) => Turn::Any,
        _ => return Ok(None),
    };
    let model = ErlangA::new(case.rate, mu, theta, stage.consumers, stage.places);
    let model = match (model, stage.places, turn) {
        // Too many states to add up: the integrals for patience of any law do not mind.
        (Err(_), None, Turn::FirstIn) => return Ok(None),
        (model, ..) => model.map_err(|error| Reason::Conditions { error })?,
    };
    let mut answer = Answer::new(model.figures(turn, Kind::Exact));
    answer.latency = Some(model.latency(turn, Kind::Exact));
    if turn == Turn::FirstIn {
        let (waiting, sojourn) = model.curves(Kind::Exact);
        (answer.waiting, answer.sojourn) = (Some(waiting), Some(sojourn));
    }
    Ok(Some(by_class(case, answer)))
}

pub(super) const ANY_PATIENCE: Candidate = Candidate {
    model: &Model {
        name: "M/M/c+G",
        conditions: "Poisson arrivals, one exponential law of service, `patience` of any law with a mean, no bound, first in, first out",
        gives: "all figures and distributions",
        kind: Kind::Exact,
        source: "Baccelli and Hebuterne 1981; Zeltyn and Mandelbaum 2005, Queueing Systems 51",
        tests: &["published_figures_of_erlang_a", "patience_always_the_same"],
    },
    fit: any_patience,
};

fn any_patience(case: &Case<'_>) -> Fit {
    let exact = case.poisson() && case.law.exponential().is_some();
    match (Impatient::of(case), case.turn()) {
        (Some(stage), Some(Turn::FirstIn)) if exact && stage.places.is_none() => {
            let model = MmcG::new(
                case.rate,
                1.0 / case.law.mean(),
                stage.consumers,
                stage.patience,
            );
            let model = model.map_err(|error| Reason::Conditions { error })?;
            Ok(Some(by_class(case, integrals(&model, Kind::Exact))))
        }
        _ => Ok(None),
    }
}

fn integrals(model: &MmcG, kind: Kind) -> Answer {
    let mut answer = Answer::new(model.figures(kind));
    answer.latency = Some(model.latency(kind));
    let (waiting, sojourn) = model.curves(kind);
    (answer.waiting, answer.sojourn) = (Some(waiting), Some(sojourn));
    answer
}

pub(super) const GENERAL: Candidate = Candidate {
    model: &Model {
        name: "G/G/c+G",
        conditions: "stationary arrivals, any service, any `patience` with a mean, with or without `capacity`; any order that does not look at classes or service times",
        gives: "figures as those of M/M/c+G; with `capacity` those of M/M/c/K+M with the same mean patience",
        kind: Kind::Approximation,
        source: "after Whitt 2005, Engineering solution of a basic call-center model, Management Science 51",
        tests: &["patience_of_any_kind_has_figures"],
    },
    fit: general,
};

fn general(case: &Case<'_>) -> Fit {
    let (Some(stage), Some(_), true) = (Impatient::of(case), case.turn(), case.stationary()) else {
        return Ok(None);
    };
    let conditions = |error: ModelError| Reason::Conditions { error };
    let mu = 1.0 / case.law.mean();
    let kind = Kind::Approximation;
    let answer = match stage.places {
        None => {
            let model = MmcG::new(case.rate, mu, stage.consumers, stage.patience);
            integrals(&model.map_err(conditions)?, kind)
        }
        Some(places) => {
            let theta = 1.0 / stage.patience.mean();
            let model = ErlangA::new(case.rate, mu, theta, stage.consumers, Some(places));
            let model = model.map_err(conditions)?;
            let mut answer = Answer::new(model.figures(Turn::FirstIn, kind));
            answer.latency = Some(model.latency(Turn::FirstIn, kind));
            answer
        }
    };
    Ok(Some(by_class(case, answer)))
}

/// What a stage with impatient orders and nothing else beyond a plain queue is made of.
struct Impatient<'a> {
    consumers: u32,
    places: Option<u64>,
    patience: &'a Distribution,
}

impl<'a> Impatient<'a> {
    fn of(case: &Case<'a>) -> Option<Impatient<'a>> {
        let Patience::Limited(patience) = &case.stage.extras.patience else {
            return None;
        };
        let others = Extras {
            patience: Patience::Endless,
            ..case.stage.extras.clone()
        };
        let places = match case.stage.capacity {
            Capacity::Unbounded => None,
            Capacity::Reject(places) => Some(places),
            Capacity::Block(_)
            | Capacity::Retry(..)
            | Capacity::DropOldest(_)
            | Capacity::DeadLetter(_) => return None,
        };
        Some(Impatient {
            consumers: case.consumers().filter(|_| others.is_plain())?,
            places,
            patience,
        })
    }
}

/// Classes that wait in turn wait alike: each has its share of the orders; of others nothing is known.
fn by_class(case: &Case<'_>, mut answer: Answer) -> Answer {
    answer.classes = match case.turn() {
        None => ClassWaits::Unknown,
        Some(_) => {
            let classes = case.law.classes();
            ClassWaits::Figures(
                classes
                    .map(|(k, share, _)| (k, part(&answer, share)))
                    .collect(),
            )
        }
    };
    answer
}

/// The figures of a class that this share of the orders belongs to.
fn part(answer: &Answer, share: f64) -> Figures {
    let figures = answer.figures.iter().filter_map(|(metric, figure)| {
        let value = match metric {
            Metric::Utilization | Metric::QueueFill => return None,
            Metric::QueueLength | Metric::NumberInSystem => share * figure.value,
            _ => figure.value,
        };
        Some((*metric, Figure { value, ..*figure }))
    });
    figures.collect()
}
