//! Failed attempts in the words of queues: orders that come back, or are served longer.
//!
//! Aside, every attempt is a visit: an order that fails comes back with a probability that gives the same
//! number of visits in the mean, after a stage for everyone where it spends the pause. In a product form
//! nothing but these means counts (Kelly 1979; Baskett et al. 1975: customers may change their class, here
//! the number of the attempt). In place, an order is served once, for all attempts and pauses together.

use super::attempts::{Attempts, any_pause, attempt_law, end_means, kept, no_pause};
use super::{Draft, Gap};
use crate::network::{
    AfterFailure, Backoff, Balking, Batching, Breaker, Broker, Capacity, ClassAtStage, Consumers,
    Discipline, Extras, Failure, Failures, Fork, Patience, Reliability, RetryPlace, Route, Service,
    Staffing, Stage, StageId, Stocking, Target, TimeToLive,
};
use crate::random::Distribution;
use crate::theory::{Kind, Model};

pub(super) const RETRIES: Model = Model {
    name: "Retries as visits",
    conditions: "`failure` with `retry = \"tail\"` or `\"old_place\"`, any `attempts`, `backoff` and `timeout`, on a plain queue without bound; exact where the queue of all attempts is (product form, or one class before one consumer, without limit)",
    gives: "utilization, throughput and what is given up; numbers, the wait until work first begins and the time at the stage in the mean",
    kind: Kind::Exact,
    source: "Takács 1963, Bell Syst. Tech. J. 42; Kelly 1979, Reversibility and Stochastic Networks; Wolff 1982, Oper. Res. 30",
    tests: &[
        "retries_at_the_tail_are_those_of_the_markov_chain",
        "pauses_are_a_stage_for_everyone",
        "one_consumer_of_any_law_with_retries_is_takacs",
    ],
};

pub(super) const IN_PLACE: Model = Model {
    name: "Retries in place",
    conditions: "`failure` with `retry = \"in_place\"`, any `attempts`, `backoff` and `timeout`, on a plain queue without bound; the queue whose service is all attempts and pauses of an order together",
    gives: "what the queue of such a service gives; means only where the law of the sum is none that is known",
    kind: Kind::Exact,
    source: "Feller 1968, An Introduction to Probability Theory, volume 1, section XII.1 (compound distributions)",
    tests: &[
        "the_random_sum_has_the_moments_of_the_exact_laws",
        "retries_in_place_make_a_longer_service",
    ],
};

/// A share of orders that come again from which on their visits tell too much of each other for adding them up
/// as independent.
const OFTEN: f64 = 0.15;

/// How the figures of a stage whose attempts fail are read.
#[derive(Debug, Clone)]
pub(super) struct Retried {
    /// By class.
    pub attempts: Vec<Attempts>,
    /// S, by class.
    pub service: Vec<Distribution>,
    /// Means of an attempt that fails and of one that succeeds, by class.
    pub ends: Vec<(f64, f64)>,
    pub backoff: Backoff,
    /// What becomes of orders that are given up.
    pub then: AfterFailure,
    /// Whether each attempt is a visit; else all are one.
    pub visits: bool,
    /// The stage where orders pause.
    pub pauses_at: Option<usize>,
    /// T.
    pub timeout: f64,
    /// Whether orders that come back stand behind those that came meanwhile.
    pub at_tail: bool,
}

fn of(stage: &Stage) -> Option<&Failure> {
    match &stage.extras.failures {
        Failures::Never => None,
        Failures::Some(failure) => Some(failure),
    }
}

/// What about the failures of a stage no model knows.
pub(super) fn gap(stage: &Stage) -> Option<Gap> {
    let failure = of(stage)?;
    if failure.breaker != Breaker::None {
        return Some((
            "circuit_breaker",
            "whether attempts are made depends on how the last ones ended",
        ));
    }
    let others = Extras {
        failures: Failures::Never,
        fork: Fork::None,
        broker: Broker {
            costs: Default::default(),
            ..stage.extras.broker.clone()
        },
        ..stage.extras.clone()
    };
    let alone = others == Extras::default();
    debug_assert!(
        !alone
            || (others.patience == Patience::Endless
                && others.reliability == Reliability::Perfect
                && others.balking == Balking::Never
                && others.time_to_live == TimeToLive::Endless
                && others.batching == Batching::Single
                && others.staffing == Staffing::Constant
                && others.stocking == Stocking::None)
    );
    if !alone {
        return Some(("failure", "attempts fail at a stage that is no plain queue"));
    }
    if stage.capacity != Capacity::Unbounded {
        return Some((
            "failure",
            "an order that comes again may find the queue full",
        ));
    }
    let by_size = matches!(
        stage.discipline,
        Discipline::ShortestFirst | Discipline::ShortestRemaining
    );
    if by_size {
        return Some(("failure", "every attempt has a size of its own"));
    }
    if stage.discipline == Discipline::ProcessorSharing && failure.retry == RetryPlace::InPlace {
        return Some(("failure", "nobody keeps a place among those who share"));
    }
    let laws = stage.by_class.iter().map(|at| at.service.law()).enumerate();
    for (class, law) in laws {
        let attempts = Attempts::new(failure, class, law);
        if !attempts.ends() {
            return Some(("failure", "no attempt ever succeeds"));
        }
        if attempts.fails == 0.0 {
            continue;
        }
        let known = match failure.retry {
            RetryPlace::InPlace => kept(failure, &attempts, law).is_some(),
            RetryPlace::Tail | RetryPlace::OldPlace => {
                any_pause(&failure.backoff, &attempts).is_some()
                    && attempt_law(law, failure.timeout).is_some()
            }
        };
        if !known {
            return Some(("failure", "the time between attempts has no mean"));
        }
    }
    None
}

/// Tells the failures of a stage in the words of queues.
pub(super) fn tell(draft: &mut Draft, id: usize) {
    let Some(failure) = of(&draft.network.stages[id]).cloned() else {
        return;
    };
    let at = &draft.network.stages[id];
    let laws = at.by_class.iter().map(|at| at.service.law()).enumerate();
    let attempts: Vec<Attempts> = laws
        .map(|(class, law)| Attempts::new(&failure, class, law))
        .collect();
    let service = at
        .by_class
        .iter()
        .map(|at| at.service.law().clone())
        .collect();
    let ends = attempts.iter().zip(&at.by_class);
    let ends = ends.map(|(tries, at)| end_means(&failure, tries, at.service.law()));
    let ends = ends.collect();
    draft.network.stages[id].extras.failures = Failures::Never;
    let visits = failure.retry != RetryPlace::InPlace;
    let exit = exit(draft, id, &attempts, visits);
    let pauses_at =
        (visits && !no_pause(&failure.backoff)).then(|| pauses(draft, id, &failure, &attempts));
    let mut whole = true;
    for (class, tries) in attempts.iter().enumerate() {
        if tries.fails == 0.0 {
            continue;
        }
        let here = &mut draft.network.stages[id].by_class[class];
        let law = match visits {
            true => attempt_law(here.service.law(), failure.timeout),
            false => kept(&failure, tries, here.service.law()),
        };
        if let Some((law, exact)) = law {
            whole &= exact;
            if law != *here.service.law() {
                here.service = Service::Own(law);
            }
        }
        let back = pauses_at.unwrap_or(id);
        let again = if visits { tries.again() } else { 0.0 };
        here.next = ways(here, exit, tries, again, back, failure.then);
    }
    let truncated = attempts.iter().any(|tries| tries.all_fail() > 0.0);
    let at = &draft.network.stages[id];
    let exponential = at
        .by_class
        .iter()
        .all(|at| at.service.law().is_exponential().is_some());
    let insensitive =
        at.consumers == Consumers::Unlimited || at.discipline == Discipline::ProcessorSharing;
    let in_order =
        (failure.retry == RetryPlace::Tail && (exponential || insensitive)) || !truncated;
    let often = visits && attempts.iter().any(|tries| tries.again() > OFTEN) && !insensitive;
    let reading = &mut draft.readings[id];
    // Of a law that stands for another only the mean and the variance are the same; and how many attempts
    // are still to come depends on the place in the queue, unless all have that in common.
    reading.means_only |= !whole;
    reading.approximate |= visits && !in_order;
    reading.spoils_latency |= truncated;
    reading.approximate_latency |= often;
    reading.entry = Some(if visits { &RETRIES } else { &IN_PLACE });
    reading.retried = Some(Retried {
        attempts,
        service,
        ends,
        backoff: failure.backoff.clone(),
        then: failure.then,
        visits,
        pauses_at,
        timeout: failure.timeout,
        at_tail: failure.retry == RetryPlace::Tail,
    });
}

/// A stage that takes no time behind one that copies orders, as only those served in the end are copied.
fn exit(draft: &mut Draft, id: usize, attempts: &[Attempts], visits: bool) -> Option<usize> {
    let always = |tries: &Attempts| tries.fails == 0.0 || (!visits && tries.all_fail() == 0.0);
    if draft.network.stages[id].extras.fork == Fork::None || attempts.iter().all(always) {
        return None;
    }
    let mut exit = draft.aside(id, "after the last attempt");
    exit.extras.fork = std::mem::take(&mut draft.network.stages[id].extras.fork);
    for (at, here) in exit
        .by_class
        .iter_mut()
        .zip(&mut draft.network.stages[id].by_class)
    {
        at.next.clone_from(&here.next);
    }
    let exit = draft.add(exit);
    for here in &mut draft.network.stages[id].by_class {
        here.next = vec![Route {
            to: Target::Stage(StageId(exit)),
            probability: 1.0,
        }];
    }
    Some(exit)
}

/// The stage for everyone where orders pause.
fn pauses(draft: &mut Draft, id: usize, failure: &Failure, attempts: &[Attempts]) -> usize {
    let mut stage = draft.aside(id, "between attempts");
    for (at, tries) in stage.by_class.iter_mut().zip(attempts) {
        if let Some(law) = any_pause(&failure.backoff, tries).filter(|_| tries.fails > 0.0) {
            at.service = Service::Own(law);
        }
        at.next = vec![Route {
            to: Target::Stage(StageId(id)),
            probability: 1.0,
        }];
    }
    draft.add(stage)
}

/// Where orders of a class go after a visit.
fn ways(
    here: &ClassAtStage,
    exit: Option<usize>,
    tries: &Attempts,
    again: f64,
    back: usize,
    then: AfterFailure,
) -> Vec<Route> {
    let mut ways = Vec::new();
    let mut add = |to: Target, probability: f64| {
        if probability <= 0.0 {
            return;
        }
        match ways.iter_mut().find(|way: &&mut Route| way.to == to) {
            Some(way) => way.probability += probability,
            None => ways.push(Route { to, probability }),
        }
    };
    let lost = (1.0 - again) * tries.all_fail();
    add(Target::Stage(StageId(back)), again);
    match exit {
        Some(exit) => add(Target::Stage(StageId(exit)), 1.0 - again - lost),
        None => {
            for way in &here.next {
                add(way.to, (1.0 - again - lost) * way.probability);
            }
        }
    }
    let then = match then {
        AfterFailure::Stage(to) => Target::Stage(to),
        AfterFailure::DeadLetter | AfterFailure::Cancelled | AfterFailure::Lost => {
            Target::Cancelled
        }
    };
    add(then, lost);
    ways
}

impl Draft {
    /// A stage for everyone that takes no time, beside another.
    pub(super) fn aside(&self, id: usize, what: &str) -> Stage {
        let at = &self.network.stages[id];
        let nothing = Distribution::Deterministic { value: 0.0 };
        let by_class = at.by_class.iter().map(|at| ClassAtStage {
            service: Service::Common(nothing.clone()),
            next: at.next.clone(),
        });
        Stage {
            name: format!("{} ({what})", at.name),
            consumers: Consumers::Unlimited,
            discipline: Discipline::Fifo,
            capacity: Capacity::Unbounded,
            by_class: by_class.collect(),
            extras: Extras::default(),
        }
    }

    /// Adds a stage; its index.
    pub(super) fn add(&mut self, stage: Stage) -> usize {
        self.network.stages.push(stage);
        self.network.stages.len() - 1
    }
}
