//! Markovian arrivals and phase-type service, by matrix-geometric methods.

use super::model::Candidate;
use super::{Answer, Case, ClassWaits, Fit, Model};
use crate::theory::{Kind, MapPhC, MarkovianArrivals, PhaseType, Reason, Turn};

pub(super) const MAP_PH_C: Candidate = Candidate {
    model: &Model {
        name: "MAP/PH/c",
        conditions: "Markovian arrivals (Poisson, phase-type gaps, modulated, or several together), phase-type service, c consumers, at most 120 phases",
        gives: "means; first in, first out also variances and distributions",
        kind: Kind::Exact,
        source: "Neuts 1981, Matrix-Geometric Solutions; Asmussen & Møller 2001, Queueing Systems 37",
        tests: &[
            "a_figure_labelled_exact_is_exact",
            "published_figures_of_renewal_arrivals",
            "published_figures_of_modulated_arrivals",
            "phase_type_gaps_before_exponential_service_are_takacs_s",
        ],
    },
    fit: map_ph_c,
};

fn map_ph_c(case: &Case<'_>) -> Fit {
    let (Some(consumers), Some(turn)) = (case.plain_unbounded(), case.turn()) else {
        return Ok(None);
    };
    // For one consumer behind Poisson arrivals the variance is known in other orders, too.
    if consumers == 1 && case.poisson() && turn != Turn::FirstIn {
        return Ok(None);
    }
    let (Some(arrivals), Some(service)) = (arrivals(case), service(case)) else {
        return Ok(None);
    };
    let model = MapPhC::new(&arrivals, &service, consumers);
    let model = model.map_err(|error| Reason::Conditions { error })?;
    let model = model.ok_or_else(|| large(case))?;
    let mut answer = Answer::new(model.figures(turn));
    if turn == Turn::FirstIn {
        let (waiting, sojourn) = model.curves();
        (answer.waiting, answer.sojourn) = (Some(waiting), Some(sojourn));
    }
    answer.classes = classes(case);
    Ok(Some(answer))
}

fn large(case: &Case<'_>) -> Reason {
    let stage = case.stage.name.clone();
    Reason::LargeChain { stage }
}

/// All that comes here, where it is exactly Markovian.
fn arrivals(case: &Case<'_>) -> Option<MarkovianArrivals> {
    if case.poisson() {
        return Some(MarkovianArrivals::poisson(case.rate));
    }
    let flows = case.flows;
    let others = flows.poisson_from_others(case.network, case.traffic, case.id)?;
    let (mut poisson, mut modulated) = (others, None::<MarkovianArrivals>);
    for producer in case.producers() {
        if let Some(rate) = producer.arrivals.is_poisson() {
            poisson += rate;
            continue;
        }
        let next = MarkovianArrivals::of(&producer.arrivals)?;
        modulated = Some(match modulated {
            Some(process) => process.and(&next)?,
            None => next,
        });
    }
    let process = modulated?;
    if poisson > 0.0 {
        process.and(&MarkovianArrivals::poisson(poisson))
    } else {
        Some(process)
    }
}

/// The law of service, where orders draw it independently of how they come: classes with laws of
/// their own do so behind Poisson arrivals only.
fn service(case: &Case<'_>) -> Option<PhaseType> {
    if case.poisson() || case.law.common().is_some() {
        PhaseType::of_stage(&case.law)
    } else {
        None
    }
}

/// Poisson arrivals of all classes see the same queue; those of other producers need not.
fn classes(case: &Case<'_>) -> ClassWaits {
    if case.poisson() || case.law.classes().count() == 1 {
        ClassWaits::Alike
    } else {
        ClassWaits::Unknown
    }
}
