//! From the pipeline as the scenario describes it to one that the models know, and back.
//!
//! The models know queues with consumers, classes, routes, bounds, patience, breakdowns and forks. What
//! else a scenario may ask for is, in this order,
//!
//! 1. left out where it changes nothing (`settled`: a prefetch of the only consumer, an acknowledgement
//!    that no crash makes matter, …);
//! 2. told in the models' own words where that gives the same figures;
//! 3. else a gap (`gap`): the stage is cut off, with all that its orders may come to later, and the
//!    reason names the feature and the assumption that fails. What lies before it is not concerned.
//!
//! # Invariant
//! No figure is taken from a stage whose features the models do not know, nor from one whose arrivals
//! depend on such a stage.

mod attempts;
mod delivery;
mod failures;
mod gap;
mod handover;
mod lanes;
mod parts;
mod plainer;
mod reading;
mod settled;
mod stock;
#[cfg(test)]
mod tests;

use super::{Model, Reason};
use crate::metric::Metric;
use crate::network::{
    AfterFailure, Capacity, Consumers, Discipline, Extras, Failures, Fork, Hold, Network, Outages,
    Place, Reliability, Route, Stage, StageId, Stocking, Target,
};
use gap::{batches, behind_batches, gap};
use reading::Reading;
use settled::settled;

/// A feature as the scenario file calls it, and the assumption of the formulas that it breaks.
type Gap = (&'static str, &'static str);

/// What is told in other words, for the catalogue.
pub(super) fn models() -> impl Iterator<Item = &'static Model> {
    MODELS.iter().copied()
}

const MODELS: &[&Model] = &[
    &failures::RETRIES,
    &failures::IN_PLACE,
    &lanes::PARTITIONS,
    &handover::HANDOVER,
    &delivery::DELIVERY,
    &stock::BASE_STOCK,
];

/// A network that the models know, and what each stage of the scenario is in it.
pub(super) struct Reduction {
    /// The stages of the scenario first.
    pub network: Network,
    /// By stage of the scenario.
    readings: Vec<Reading>,
}

/// A reduction in the making.
struct Draft {
    network: Network,
    /// By stage of the scenario.
    readings: Vec<Reading>,
    /// Orders offered per second, by stage of the scenario, where they are needed and known.
    rates: Vec<Option<f64>>,
}

/// Why nothing is known of a pipeline that is another one for a while.
pub(super) fn changes(network: &Network) -> Option<Reason> {
    let place = network.name.clone();
    let incident = Reason::Violated {
        place,
        feature: "incident",
        why: "the pipeline changes while it runs, so there is no one steady state",
    };
    (!network.phases.is_empty()).then_some(incident)
}

impl Reduction {
    /// What is left to say of a network; nothing of one that the models know as it is.
    pub fn of(network: &Network) -> Option<Reduction> {
        let mut plainer = network.clone();
        for id in 0..network.stages.len() {
            plainer.stages[id] = settled(network, id);
        }
        let rates = rates(&plainer);
        let gaps: Vec<Option<Reason>> = (0..network.stages.len())
            .map(|id| gap(&plainer, id, &rates))
            .collect();
        let cut = cut(&plainer, &gaps);
        for (stage, reasons) in plainer.stages.iter_mut().zip(&cut) {
            if !reasons.is_empty() {
                *stage = sink(stage);
            }
        }
        let mut readings = readings(network, gaps, cut);
        for (id, reading) in readings.iter_mut().enumerate() {
            let waits = plainer.stages[id].consumers != Consumers::Unlimited;
            if let Some(before) = behind_batches(&plainer, id).filter(|_| waits) {
                reading.because.push(batches(before));
                reading.hidden.push(reading::of_a_queue);
            }
        }
        let draft = Draft {
            network: plainer,
            readings,
            rates,
        };
        let reduction = draft.told();
        let told = reduction.network != *network;
        let limited = |reading: &Reading| !reading.because.is_empty();
        (told || reduction.readings.iter().any(limited)).then_some(reduction)
    }

    /// The features that no model knows.
    pub fn missing(&self) -> Vec<Reason> {
        let mut reasons: Vec<Reason> = Vec::new();
        for reason in self.readings.iter().flat_map(|reading| &reading.cut) {
            if !reasons.contains(reason) {
                reasons.push(reason.clone());
            }
        }
        reasons
    }
}

impl Draft {
    /// With every feature told in the words of the models.
    fn told(mut self) -> Reduction {
        let stages = self.readings.len();
        for id in 0..stages {
            delivery::tell(&mut self, id);
        }
        for id in 0..stages {
            stock::tell(&mut self, id);
        }
        for id in 0..stages {
            failures::tell(&mut self, id);
            plainer::tell(&mut self, id);
            handover::tell(&mut self, id);
            lanes::tell(&mut self, id);
        }
        // What is near at one stage is no better behind it.
        for id in 0..stages {
            if !self.readings[id].approximate && !self.readings[id].spoils_behind {
                continue;
            }
            for to in 0..stages {
                let behind = to != id && leads_to(&self.network, id, to);
                self.readings[to].approximate |= behind;
            }
        }
        Reduction {
            network: self.network,
            readings: self.readings,
        }
    }
}

fn readings(network: &Network, gaps: Vec<Option<Reason>>, cut: Vec<Vec<Reason>>) -> Vec<Reading> {
    let behind = behind(network, &gaps);
    let readings = cut.into_iter().zip(behind).zip(&network.stages);
    readings
        .map(|((cut, behind), stage)| Reading {
            cut,
            arrivals_known: !behind,
            up: up(stage),
            ..Reading::default()
        })
        .collect()
}

/// Orders offered per second at the stages that need to know; that is not changed by what needs it.
fn rates(network: &Network) -> Vec<Option<f64>> {
    let asks = |stage: &Stage| {
        let stocks = stage.extras.stocking != Stocking::None;
        stocks || stage.extras.broker.costs.linger > 0.0
    };
    if !network.stages.iter().any(asks) {
        return vec![None; network.stages.len()];
    }
    let mut without = network.clone();
    for stage in &mut without.stages {
        stage.extras.stocking = Stocking::None;
        stage.extras.broker.costs.linger = 0.0;
        stage.extras.broker.costs.batch_bytes = f64::INFINITY;
    }
    let theory = super::analyze(&without);
    let rate = |id: usize| {
        let figure = theory.figure(Place::Stage(StageId(id)), Metric::ArrivalRate);
        figure.map(|figure| figure.value)
    };
    (0..network.stages.len()).map(rate).collect()
}

/// The share of the time for which a broker that fails is up, whose consumers do not.
fn up(stage: &Stage) -> Option<f64> {
    let Outages::Repeated(outage) = &stage.extras.broker.outages else {
        return None;
    };
    let up = outage.uptime.mean() / (outage.uptime.mean() + outage.downtime.mean());
    let reliable = stage.extras.reliability == Reliability::Perfect;
    (reliable && up.is_finite()).then_some(up)
}

/// By stage the features that cut it off.
fn cut(network: &Network, gaps: &[Option<Reason>]) -> Vec<Vec<Reason>> {
    let count = gaps.len();
    let mut cut = vec![Vec::new(); count];
    for reason in gaps.iter().flatten() {
        let alone: Vec<Option<Reason>> = gaps
            .iter()
            .map(|gap| gap.clone().filter(|gap| gap == reason))
            .collect();
        let behind = behind(network, &alone);
        for stage in 0..count {
            if (behind[stage] || alone[stage].is_some()) && !cut[stage].contains(reason) {
                cut[stage].push(reason.clone());
            }
        }
    }
    cut
}

/// Which stages may get orders, or be kept waiting, by one that is cut off.
fn behind(network: &Network, gaps: &[Option<Reason>]) -> Vec<bool> {
    let count = gaps.len();
    let mut behind = vec![false; count];
    let mut open: Vec<usize> = (0..count).filter(|&s| gaps[s].is_some()).collect();
    while let Some(stage) = open.pop() {
        let mut reached = outputs(&network.stages[stage]);
        reached.extend(kept_waiting(network, stage));
        for to in reached {
            if !std::mem::replace(&mut behind[to], true) {
                open.push(to);
            }
        }
    }
    behind
}

/// The stages that what happens at a stage sends orders to, or changes.
fn outputs(stage: &Stage) -> Vec<usize> {
    let ways = stage.by_class.iter().flat_map(|at| &at.next);
    let mut outputs: Vec<usize> = ways.filter_map(|route| stage_of(route.to)).collect();
    outputs.extend(stage.extras.fork.branches().iter().map(|to| to.0));
    if let Failures::Some(failure) = &stage.extras.failures
        && let AfterFailure::Stage(to) = failure.then
    {
        outputs.push(to.0);
    }
    if let Stocking::Stock(stock) = &stage.extras.stocking
        && let Hold::Reserve { until, .. } | Hold::Look { until } = stock.hold
    {
        outputs.extend(until.map(|to| to.0));
    }
    outputs
}

fn stage_of(target: Target) -> Option<usize> {
    match target {
        Target::Stage(to) => Some(to.0),
        Target::Completed | Target::Cancelled => None,
    }
}

/// The stages that wait for one of which nothing is known: those that it blocks, and where orders go that
/// wait for copies which come to it.
fn kept_waiting(network: &Network, stage: usize) -> Vec<usize> {
    let mut waiting = Vec::new();
    for (id, other) in network.stages.iter().enumerate() {
        let leads_here = outputs(other).contains(&stage);
        if leads_here && matches!(network.stages[stage].capacity, Capacity::Block(_)) {
            waiting.push(id);
        }
        if let Fork::JoinAll(branches) = &other.extras.fork
            && branches
                .iter()
                .any(|branch| leads_to(network, branch.0, stage))
        {
            let ways = other.by_class.iter().flat_map(|at| &at.next);
            waiting.extend(ways.filter_map(|route| stage_of(route.to)));
        }
    }
    waiting
}

/// Whether orders may come from one stage to another, or are there.
fn leads_to(network: &Network, from: usize, to: usize) -> bool {
    let mut seen = vec![false; network.stages.len()];
    let mut open = vec![from];
    while let Some(stage) = open.pop() {
        if stage == to {
            return true;
        }
        if !std::mem::replace(&mut seen[stage], true) {
            open.extend(outputs(&network.stages[stage]));
        }
    }
    false
}

/// A stage that takes all that comes, and nothing comes from.
fn sink(stage: &Stage) -> Stage {
    let mut sink = Stage {
        consumers: Consumers::Unlimited,
        discipline: Discipline::Fifo,
        capacity: Capacity::Unbounded,
        extras: Extras::default(),
        ..stage.clone()
    };
    for at in &mut sink.by_class {
        at.next = vec![Route {
            to: Target::Cancelled,
            probability: 1.0,
        }];
    }
    sink
}

/// The stage's identity, for messages.
fn violated(stage: &Stage, feature: &'static str, why: &'static str) -> Reason {
    Reason::Violated {
        place: stage.name.clone(),
        feature,
        why,
    }
}
