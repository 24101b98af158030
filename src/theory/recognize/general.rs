//! General service with Poisson arrivals, and general gaps with exponential service.

use super::model::Candidate;
use super::poisson::with_laws;
use super::two_moments::with_exponential_tail;
use super::{Answer, Case, Fit, Model};
use crate::metric::{Metric, TimeKind};
use crate::network::{StageId, Target};
use crate::random::{Arrivals, DiscreteDistribution, Distribution};
use crate::theory::overtaken::{Mixed, Overtaken, Stay};
use crate::theory::sheet::Source;
use crate::theory::{GiMc, Kind, Mg1, Mg1Feedback, Reason, Turn};

pub(super) const POLLACZEK: Candidate = Candidate {
    model: &Model {
        name: "M/G/1 (Pollaczek–Khinchine)",
        conditions: "Poisson arrivals, any service, 1 consumer",
        gives: "means and variances; where the inversion is sure also distributions first in, first out, and last in, first out (laws with quick transforms)",
        kind: Kind::Exact,
        source: "Kleinrock 1975, Queueing Systems 1, chapter 5; Takács 1963 (variances by order of service); Abate & Whitt 1992 (inversion)",
        tests: &[
            "a_figure_labelled_exact_is_exact",
            "exponential_service_is_m_m_1",
            "every_law_has_its_quantiles",
            "exact_figures_behind_poisson_arrivals_are_simulated",
        ],
    },
    fit: pollaczek,
};

fn pollaczek(case: &Case<'_>) -> Fit {
    match (case.plain_unbounded(), case.poisson(), case.turn()) {
        (Some(1), true, Some(turn)) => {
            let one = DiscreteDistribution::Deterministic { value: 1 };
            let answer = mg1(case, turn);
            let mut answer = with_laws(case, answer, case.rate, &one, turn);
            if turn == Turn::LastIn {
                last_in(case, &mut answer);
            }
            Ok(Some(answer))
        }
        _ => Ok(None),
    }
}

/// The law of the wait where all that come overtake: what is left of the service that goes on, and all
/// of those.
fn last_in(case: &Case<'_>, answer: &mut Answer) {
    let law = case.law.whole();
    let load = case.rate * law.mean();
    let Some(mean) = answer.figures.get(&Metric::mean(TimeKind::Waiting)) else {
        return;
    };
    let all = vec![(case.rate, law.clone())];
    let wait = Overtaken::general(all.clone(), Vec::new(), all, load, mean.value);
    let Some(wait) = wait else {
        return;
    };
    let whole = Mixed::new(vec![(1.0, wait, Some(Stay::Whole(law)))]);
    let source = Source::exact("Takács 1963, Bell Syst. Tech. J. 42, 487-503");
    let formulas = [
        "busy period that the residual service starts; by inversion of its transform",
        "that and a service; by inversion of the transform",
    ];
    answer
        .figures
        .append(&mut whole.quantiles(source, formulas));
    let (waiting, sojourn) = whole.curves(source, formulas);
    (answer.waiting, answer.sojourn) = (Some(waiting), sojourn);
}

/// The figures of M/G/1.
pub(super) fn mg1(case: &Case<'_>, turn: Turn) -> Answer {
    match Mg1::new(case.rate, case.law.moments()) {
        Ok(model) => with_exponential_tail(model.figures(turn), turn),
        Err(_) if case.law.moments().second.is_infinite() => {
            Answer::new(Mg1::wild(case.rate * case.law.mean())).but(vec![Reason::InfiniteVariance])
        }
        Err(error) => error.into(),
    }
}

pub(super) const RENEWAL: Candidate = Candidate {
    model: &Model {
        name: "GI/M/c",
        conditions: "one renewal producer whose gaps have a closed transform, one exponential law, c consumers",
        gives: "means; first in, first out also variances and distributions",
        kind: Kind::Exact,
        source: "Kleinrock 1975, Queueing Systems 1, chapter 6; Takács 1962",
        tests: &["a_figure_labelled_exact_is_exact"],
    },
    fit: renewal,
};

/// One producer with independent gaps, and nothing else before the stage.
fn renewal(case: &Case<'_>) -> Fit {
    let known = (case.plain_unbounded(), case.law.exponential(), case.turn());
    let ((Some(consumers), Some(mu), Some(turn)), Some(only)) = (known, case.only_producer())
    else {
        return Ok(None);
    };
    let gap = match &only.arrivals {
        Arrivals::Renewal { gap } => Some(gap.clone()),
        Arrivals::Deterministic { rate } => Distribution::deterministic(1.0 / rate).ok(),
        _ => None,
    };
    let model = gap.and_then(|gap| GiMc::new(&gap, mu, consumers).ok()?);
    Ok(model.map(|model| {
        let mut answer = Answer::new(model.figures(turn));
        if turn == Turn::FirstIn {
            let (waiting, sojourn) = model.curves();
            (answer.waiting, answer.sojourn) = (Some(waiting), Some(sojourn));
        }
        answer
    }))
}

pub(super) const FEEDBACK: Candidate = Candidate {
    model: &Model {
        name: "M/G/1 with feedback",
        conditions: "Poisson arrivals, one class, 1 consumer, orders that come straight back with some probability",
        gives: "means",
        kind: Kind::Exact,
        source: "Takács 1963, Bell System Tech. J. 42",
        tests: &["a_figure_labelled_exact_is_exact"],
    },
    fit: feedback,
};

fn feedback(case: &Case<'_>) -> Fit {
    let poisson = || case.flows.is_poisson_but_for_itself(case.network, case.id);
    let (Some(1), Some(_)) = (case.plain_unbounded(), case.turn()) else {
        return Ok(None);
    };
    if case.law.classes().count() != 1 || !poisson() {
        return Ok(None);
    }
    let itself = Target::Stage(StageId(case.id));
    let class = case.law.classes().next().map_or(0, |(class, ..)| class.0);
    let ways = &case.stage.by_class[class].next;
    let Some(route) = ways.iter().find(|route| route.to == itself) else {
        return Ok(None);
    };
    let fresh = case.rate * (1.0 - route.probability);
    let model = Mg1Feedback::new(fresh, case.law.moments(), route.probability).ok();
    let name = format!("M/{}/1 feedback", case.law.symbol());
    Ok(model.map(|model| Answer::new(model.figures()).named(name)))
}
