//! Markovian arrivals and phase-type service, by matrix-geometric methods.

use super::model::Candidate;
use super::{Answer, Case, ClassWaits, Fit, Model};
use crate::network::{
    AfterRepair, Breakdowns, Capacity, ClassId, Extras, FailureClock, Reliability,
};
use crate::theory::{
    BreakdownRates, Kind, MapPhC, MarkovianArrivals, MmcBreakdowns, MmcRetrial, PhaseType, Reason,
    Turn,
};

pub(super) const MAP_PH_C: Candidate = Candidate {
    model: &Model {
        name: "MAP/PH/c",
        conditions: "Markovian arrivals (Poisson, phase-type gaps, modulated, or several together), phase-type service, c consumers, at most 200 phases",
        gives: "means; first in, first out also variances, distributions and the waits of each class",
        kind: Kind::Exact,
        source: "Neuts 1981, Matrix-Geometric Solutions; Asmussen & Møller 2001, Queueing Systems 37",
        tests: &[
            "a_figure_labelled_exact_is_exact",
            "published_figures_of_renewal_arrivals",
            "published_figures_of_modulated_arrivals",
            "phase_type_gaps_before_exponential_service_are_takacs_s",
            "the_waits_of_all_are_those_of_some_and_the_rest",
        ],
    },
    fit: map_ph_c,
};

pub(super) const MAP_PH_C_K: Candidate = Candidate {
    model: &Model {
        name: "MAP/PH/c/K",
        conditions: "one Markovian producer or several Poisson ones and nothing from other stages, phase-type service, c consumers, `capacity`, at most 200 phases a level",
        gives: "means and loss; first in, first out also variances and distributions",
        kind: Kind::Exact,
        source: "Gaver, Jacobs & Latouche 1984, Adv. Appl. Prob. 16",
        tests: &[
            "one_phase_is_m_m_c_k",
            "bursts_lose_more_than_they_should",
            "very_many_places_are_as_good_as_unlimited_ones",
        ],
    },
    fit: map_ph_c_k,
};

pub(super) const BREAKDOWNS: Candidate = Candidate {
    model: &Model {
        name: "M/M/c with breakdowns",
        conditions: "Poisson arrivals, one exponential law of service; every consumer breaks down on its own after exponential times, busy or idle, is repaired in exponential times and goes on where it was; c at most 18",
        gives: "means; first in, first out also variances and distributions",
        kind: Kind::Exact,
        source: "Avi-Itzhak & Naor 1963, Oper. Res. 11 (one consumer); Mitrany & Avi-Itzhak 1968, Oper. Res. 16",
        tests: &[
            "published_figures_of_breakdowns_at_any_time",
            "one_consumer_is_avi_itzhak_and_naor_s",
            "consumers_that_hardly_fail_are_those_of_m_m_c",
        ],
    },
    fit: breakdowns,
};

pub(super) const RETRIAL: Candidate = Candidate {
    model: &Model {
        name: "M/M/c retrial",
        conditions: "Poisson arrivals, one exponential law of service, retries of every order on its own after exponential times",
        gives: "means",
        kind: Kind::Exact,
        source: "Falin & Templeton 1997, Retrial Queues, chapter 2",
        tests: &[
            "published_figures_of_several_consumers_with_retrials",
            "one_consumer_has_a_closed_form",
            "quick_retries_or_many_places_are_m_m_c",
        ],
    },
    fit: retrial,
};

fn map_ph_c(case: &Case<'_>) -> Fit {
    let (Some(consumers), Some(turn)) = (case.plain_unbounded(), case.turn()) else {
        return Ok(None);
    };
    // For one consumer behind Poisson arrivals the variance is known in other orders, too.
    if consumers == 1 && case.poisson() && turn != Turn::FirstIn {
        return Ok(None);
    }
    let (Some(feeds), Some(service)) = (Feeds::of(case), service(case)) else {
        return Ok(None);
    };
    let arrivals = feeds.joint(None).ok_or_else(|| large(case))?;
    let model = MapPhC::new(&arrivals, &service, consumers);
    let model = model.map_err(|error| Reason::Conditions { error })?;
    let model = model.ok_or_else(|| large(case))?;
    let times = (turn == Turn::FirstIn).then(|| model.times());
    let mut answer = Answer::new(model.figures(times.as_ref()));
    if let Some((waiting, sojourn)) = times.map(MapPhC::curves) {
        (answer.waiting, answer.sojourn) = (Some(waiting), Some(sojourn));
    }
    answer.classes = classes(case, &model, &feeds, turn);
    Ok(Some(answer))
}

/// MAP/PH/c/K.
fn map_ph_c_k(case: &Case<'_>) -> Fit {
    let (Some(entry), Some(turn)) = (&case.traffic.entries[case.id], case.turn()) else {
        return Ok(None);
    };
    let model = entry.as_ref().map_err(Reason::clone)?;
    let times = (turn == Turn::FirstIn).then(|| model.times());
    let times = times.flatten();
    let mut answer = Answer::new(model.figures(turn, times.as_ref()));
    match times {
        Some(times) => {
            let (waiting, sojourn) = times.curves();
            (answer.waiting, answer.sojourn) = (Some(waiting), Some(sojourn));
        }
        None if turn == Turn::FirstIn => {
            let stage = case.stage.name.clone();
            answer.unexplained.push(Reason::LongSums { stage });
        }
        None => {}
    }
    Ok(Some(answer))
}

/// M/M/c with breakdowns of busy and idle consumers.
fn breakdowns(case: &Case<'_>) -> Fit {
    let plain = Extras {
        reliability: Reliability::Perfect,
        ..case.stage.extras.clone()
    };
    let Reliability::Breakdowns(how) = &case.stage.extras.reliability else {
        return Ok(None);
    };
    let unbounded = plain.is_plain() && case.stage.capacity == Capacity::Unbounded;
    let known = (case.consumers(), case.turn(), breakdown_rates(case, how));
    let ((Some(consumers), Some(turn), Some(rates)), true) = (known, unbounded) else {
        return Ok(None);
    };
    let model = MmcBreakdowns::new(rates, consumers);
    let model = model.map_err(|error| Reason::Conditions { error })?;
    let model = model.ok_or_else(|| large(case))?;
    let times = (turn == Turn::FirstIn).then(|| model.times()).flatten();
    let mut answer = Answer::new(model.figures(times.as_ref()));
    if let Some((waiting, sojourn)) = times.map(MmcBreakdowns::curves) {
        (answer.waiting, answer.sojourn) = (Some(waiting), Some(sojourn));
    }
    Ok(Some(answer))
}

/// The rates, where everything is exponential and nothing is lost by a breakdown.
fn breakdown_rates(case: &Case<'_>, how: &Breakdowns) -> Option<BreakdownRates> {
    let fits =
        case.poisson() && how.when == FailureClock::Always && how.then == AfterRepair::Resume;
    let rates = BreakdownRates {
        arrivals: case.rate,
        service: case.law.exponential()?,
        failure: how.uptime.is_exponential()?,
        repair: how.downtime.is_exponential()?,
    };
    fits.then_some(rates)
}

/// M/M/c with retrials.
fn retrial(case: &Case<'_>) -> Fit {
    let Capacity::Retry(places, retry) = &case.stage.capacity else {
        return Ok(None);
    };
    let known = (
        case.consumers(),
        case.law.exponential(),
        retry.is_exponential(),
    );
    let (Some(consumers), Some(mu), Some(nu)) = known else {
        return Ok(None);
    };
    if !case.poisson() || !case.stage.extras.is_plain() || case.turn().is_none() {
        return Ok(None);
    }
    let model = MmcRetrial::new(case.rate, mu, consumers, *places, nu);
    let model = model.map_err(|error| Reason::Conditions { error })?;
    let model = model.ok_or_else(|| large(case))?;
    Ok(Some(Answer::new(model.figures())))
}

fn large(case: &Case<'_>) -> Reason {
    let stage = case.stage.name.clone();
    Reason::LargeChain { stage }
}

/// All that comes here, where it is exactly Markovian.
pub(super) fn arrivals_at(case: &Case<'_>) -> Option<MarkovianArrivals> {
    Feeds::of(case)?.joint(None)
}

/// All that comes here, by class, where it is exactly Markovian.
struct Feeds {
    /// Bursts and renewals, with their classes.
    parts: Vec<(ClassId, MarkovianArrivals)>,
    /// Poisson orders per second, by class.
    poisson: Vec<f64>,
}

impl Feeds {
    fn of(case: &Case<'_>) -> Option<Feeds> {
        let offered = &case.traffic.offered[case.id];
        let mut feeds = Feeds {
            parts: Vec::new(),
            poisson: vec![0.0; offered.len()],
        };
        if case.poisson() {
            feeds.poisson.clone_from(offered);
            return Some(feeds);
        }
        let others = case
            .flows
            .poisson_from_others(case.network, case.traffic, case.id)?;
        if others > 0.0 {
            feeds.poisson.clone_from(offered);
        }
        for producer in case.producers() {
            let class = producer.class;
            match producer.arrivals.is_poisson() {
                Some(_) if others > 0.0 => {}
                Some(rate) => feeds.poisson[class.0] += rate,
                None => {
                    let part = MarkovianArrivals::of(&producer.arrivals)?;
                    if others > 0.0 {
                        let rest = feeds.poisson[class.0] - producer.arrivals.mean_rate();
                        feeds.poisson[class.0] = rest.max(0.0);
                    }
                    feeds.parts.push((class, part));
                }
            }
        }
        (!feeds.parts.is_empty()).then_some(feeds)
    }

    /// All together; only the orders of one class looked at, if one is given.
    fn joint(&self, class: Option<ClassId>) -> Option<MarkovianArrivals> {
        let wanted = |of: ClassId| class.is_none_or(|class| class == of);
        let classes = (0..self.poisson.len()).filter(|k| wanted(ClassId(*k)));
        let poisson: f64 = classes.map(|k| self.poisson[k]).sum();
        let mut joint = MarkovianArrivals::poisson(poisson);
        for (of, part) in &self.parts {
            let part = if wanted(*of) {
                part.clone()
            } else {
                part.unseen()
            };
            joint = joint.and(&part)?;
        }
        Some(joint)
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
fn classes(case: &Case<'_>, model: &MapPhC, feeds: &Feeds, turn: Turn) -> ClassWaits {
    if feeds.parts.is_empty() || case.law.classes().count() == 1 {
        return ClassWaits::Alike;
    }
    if turn != Turn::FirstIn {
        return ClassWaits::Unknown;
    }
    let figures = case.law.classes().map(|(class, _, law)| {
        let (seen, all) = (feeds.joint(Some(class))?, feeds.joint(None)?);
        let waits = model.some(&seen, &all).ok()?;
        Some((class, MapPhC::some_figures(waits, law)))
    });
    let figures: Option<Vec<_>> = figures.collect();
    figures.map_or(ClassWaits::Unknown, ClassWaits::Figures)
}
