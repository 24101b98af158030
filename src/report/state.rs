//! Is there a steady state at a place, and was the run long enough to see it?

use crate::metric::{Metric, Statistic, TimeKind};
use crate::network::{Capacity, Consumers, Network, Place, Stage, StageId};
use crate::report::format;
use crate::sim::{EngineKind, PlaceResult, SimResult};
use crate::theory::{Kind, NetworkTheory};
use std::collections::BTreeMap;

/// A replication must be this many relaxation times long for its averages to be judged: then what is
/// left of the start is small beside the interval of some ten replications.
const RELAXATION_TIMES: f64 = 20.0;

/// What can be said of the averages at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// They are what they seem.
    Steady,
    /// The backlog keeps growing: there are none.
    Growing,
    /// There are, but the run was too short to judge them; the reason.
    TooShort(String),
    /// The arrivals or the pipeline change with time, so that who has left by the end is no fair sample of
    /// who came; in words.
    Varying(&'static str),
}

/// The state of every place.
#[derive(Debug, Clone, Default)]
pub struct States(BTreeMap<Place, State>);

impl States {
    /// Judges every place by theory and by what was measured.
    pub(super) fn new(
        network: &Network,
        theory: &NetworkTheory,
        sim: Option<&SimResult>,
    ) -> States {
        let mut states = BTreeMap::new();
        for place in theory
            .places()
            .into_iter()
            .filter(|place| *place != Place::Pipeline)
        {
            let measured = sim.and_then(|sim| sim.at(place).map(|result| (sim, result)));
            let state = match (state(network, theory, place, measured), over(theory, place)) {
                (State::Growing, _) if theory.unstable(place) => State::Growing,
                (_, Some(Over::Run)) | (State::Steady, Some(Over::Periods)) => State::Steady,
                (State::Steady, None) if !network.has_stationary_arrivals() => {
                    State::Varying("arrivals vary with time: orders that left are no fair sample")
                }
                (State::Steady, None) if !network.is_stationary() => {
                    State::Varying("the pipeline changes with time: there is no one steady state")
                }
                (state, _) => state,
            };
            states.insert(place, state);
        }
        let pipeline = of_pipeline(&states);
        states.insert(Place::Pipeline, pipeline);
        States(states)
    }

    /// The state of a place.
    pub(super) fn of(&self, place: Place) -> &State {
        self.0.get(&place).unwrap_or(&State::Steady)
    }

    /// All places with their states.
    pub(super) fn all(&self) -> impl Iterator<Item = (Place, &State)> {
        self.0.iter().map(|(place, state)| (*place, state))
    }
}

/// What theory's averages over a load that varies are over, where a run measures just that.
enum Over {
    /// Whole periods in the periodic steady state.
    Periods,
    /// The very time that is measured, from an empty system.
    Run,
}

fn over(theory: &NetworkTheory, place: Place) -> Option<Over> {
    let Place::Stage(stage) = place else {
        return None;
    };
    let transient = theory.transient(stage).filter(|t| t.measured)?;
    Some(match transient.period {
        Some(_) => Over::Periods,
        None => Over::Run,
    })
}

/// The pipeline grows with any of its stages, and is known no better than the worst of them.
fn of_pipeline(states: &BTreeMap<Place, State>) -> State {
    let stages = || {
        states
            .iter()
            .filter(|(place, _)| matches!(place, Place::Stage(_)))
    };
    let growing = stages().any(|(_, state)| *state == State::Growing);
    let short = stages().find(|(_, state)| matches!(state, State::TooShort(_)));
    let varying = stages().find(|(_, state)| matches!(state, State::Varying(_)));
    match (growing, short.or(varying)) {
        (true, _) => State::Growing,
        (false, Some((_, state))) => state.clone(),
        (false, None) => State::Steady,
    }
}

fn state(
    network: &Network,
    theory: &NetworkTheory,
    place: Place,
    measured: Option<(&SimResult, &PlaceResult)>,
) -> State {
    if theory.unstable(place) {
        return State::Growing;
    }
    let Some((sim, result)) = measured else {
        return State::Steady;
    };
    let growth = theory.figure(place, Metric::BacklogGrowth);
    let known_stable = growth.is_some_and(|f| f.kind == Kind::Exact && f.value == 0.0);
    match (result.growth.is_some(), known_stable) {
        (true, false) => State::Growing,
        (true, true) => State::TooShort(still_growing(sim.engine).to_owned()),
        (false, _) => too_short(network, theory, place, sim, result),
    }
}

fn still_growing(engine: EngineKind) -> &'static str {
    match engine {
        EngineKind::Live => {
            "the backlog grew, though λ < cμ: too short a run, or orders cost more than their work"
        }
        _ => "the backlog still grew while it was measured, though λ < cμ: run longer",
    }
}

/// Compares the measured time with the stage's relaxation time.
fn too_short(
    network: &Network,
    theory: &NetworkTheory,
    place: Place,
    sim: &SimResult,
    result: &PlaceResult,
) -> State {
    let (Place::Stage(id) | Place::Class(id, _)) = place else {
        return State::Steady;
    };
    let needed = relaxation(network, theory, id, result).map(|time| RELAXATION_TIMES * time);
    match needed.filter(|needed| sim.measured < *needed) {
        Some(needed) => {
            let each = if sim.replications > 1 {
                " in each replication"
            } else {
                ""
            };
            State::TooShort(format!(
                "the run is too short for its load: measure {} or more{each}",
                format::duration(needed)
            ))
        }
        None => State::Steady,
    }
}

/// How fast a stage forgets: E[S](c_a² + c_s²)/(c(1 − ρ)²), the relaxation time of reflected Brownian
/// motion in heavy traffic, and never less than a service time. A queue with a bound has forgotten
/// when it can have been full and empty again, for which (1 − ρ)⁻² is at most K². None
/// where it is not known.
///
/// # References
/// W. Whitt, Planning queueing simulations, Management Science 35 (1989) 1341–1366.
fn relaxation(
    network: &Network,
    theory: &NetworkTheory,
    id: StageId,
    result: &PlaceResult,
) -> Option<f64> {
    let stage: &Stage = &network.stages[id.0];
    let point = |statistic| {
        let metric = Metric::Time(TimeKind::Service, statistic);
        result.estimates.get(&metric).map(|estimate| estimate.point)
    };
    let (mean, variance) = (point(Statistic::Mean)?, point(Statistic::Variance)?);
    let Consumers::Finite(consumers) = stage.consumers else {
        return Some(mean);
    };
    let load = theory.stages.get(id.0)?.offered_load?;
    let range = match stage.capacity {
        Capacity::Unbounded => f64::INFINITY,
        Capacity::Reject(places)
        | Capacity::Block(places)
        | Capacity::Retry(places, _)
        | Capacity::DropOldest(places)
        | Capacity::DeadLetter(places) => (places as f64 + f64::from(consumers)).powi(2),
    };
    let arrivals = network
        .producers
        .iter()
        .filter_map(|p| p.arrivals.scv())
        .fold(1.0, f64::max);
    let variability = arrivals + variance / (mean * mean).max(f64::MIN_POSITIVE);
    let heavy = (1.0 - load).powi(-2).min(range) * mean * variability / f64::from(consumers);
    Some(heavy.max(mean)).filter(|time| time.is_finite())
}
