//! Stages behind a queue whose departures are known.

use super::model::Candidate;
use super::{Answer, Case, Fit, Model};
use crate::network::{Network, Target};
use crate::random::Arrivals;
use crate::theory::departures::departures;
use crate::theory::{Kind, MapPhC, MarkovianArrivals, PhaseType, Reason, Turn};

/// Phases up to which distributions are worked out while the user waits.
const MOST_PHASES: usize = 150;

pub(super) const TANDEM: Candidate = Candidate {
    model: &Model {
        name: "GI/M/c → ·/PH/c",
        conditions: "fed by one stage only, which has one renewal producer with phase-type gaps, exponential service and so little load that it rarely holds more than about 100 orders",
        gives: "means; first in, first out also variances and distributions",
        kind: Kind::Exact,
        source: "Burke 1972; Neuts 1981, Matrix-Geometric Solutions, chapter 5",
        tests: &[
            "a_figure_labelled_exact_is_exact",
            "behind_poisson_arrivals_they_are_poisson",
        ],
    },
    fit: tandem,
};

fn tandem(case: &Case<'_>) -> Fit {
    let (Some(consumers), Some(turn)) = (case.plain_unbounded(), case.turn()) else {
        return Ok(None);
    };
    let one = case.network.classes.len() == 1;
    let (Some(service), Some(before), true) =
        (PhaseType::of_stage(&case.law), only_before(case), one)
    else {
        return Ok(None);
    };
    let Some(arrivals) = leaving(&before)? else {
        return Ok(None);
    };
    if service.count() * consumers as usize > 2 {
        return Ok(None);
    }
    let model = MapPhC::of_any_size(&arrivals, &service, consumers);
    let model = model.map_err(|error| Reason::Conditions { error })?;
    let small = arrivals.phases() <= MOST_PHASES;
    let times = (turn == Turn::FirstIn && small).then(|| model.times());
    let mut answer = Answer::new(model.figures(times.as_ref()));
    if let Some((waiting, sojourn)) = times.map(MapPhC::curves) {
        (answer.waiting, answer.sojourn) = (Some(waiting), Some(sojourn));
    }
    Ok(Some(answer))
}

/// The stage that sends all its orders here, if nothing else leads here.
fn only_before<'a>(case: &Case<'a>) -> Option<Case<'a>> {
    let &[before] = case.flows.before(case.id) else {
        return None;
    };
    let all = case.network.stages[before].by_class[0].next.as_slice();
    let [only] = all else {
        return None;
    };
    let here = matches!(only.to, Target::Stage(to) if to.0 == case.id);
    let alone = here && !copied(case.network, case.id) && case.producers().next().is_none();
    let before = Case::at(case.network, case.traffic, case.flows, before);
    (alone && before.instability().is_none()).then_some(before)
}

fn copied(network: &Network, stage: usize) -> bool {
    let mut forks = network.stages.iter().map(|s| s.extras.fork.branches());
    forks.any(|branches| branches.iter().any(|branch| branch.0 == stage))
}

/// What leaves GI/M/c.
fn leaving(before: &Case<'_>) -> Result<Option<MarkovianArrivals>, Reason> {
    let known = (
        before.plain_unbounded(),
        before.law.exponential(),
        before.turn(),
    );
    let ((Some(consumers), Some(mu), Some(_)), Some(producer)) = (known, before.only_producer())
    else {
        return Ok(None);
    };
    match &producer.arrivals {
        Arrivals::Renewal { gap } => {
            departures(gap, mu, consumers).map_err(|error| Reason::Conditions { error })
        }
        _ => Ok(None),
    }
}
