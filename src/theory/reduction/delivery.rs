//! The way to a stage's queue in the words of queues: the network and the confirmation are stages for
//! everyone, the broker's writer is a stage of one consumer.

use super::{Draft, Gap};
use crate::metric::Metric;
use crate::network::{
    AfterFailure, Capacity, Consumers, Costs, Failures, Fork, Network, Route, Service, Stage,
    StageId, Target,
};
use crate::random::Distribution;
use crate::theory::{Kind, Model};

pub(super) const DELIVERY: Model = Model {
    name: "Delivery as stages before the queue",
    conditions: "`network`, `bandwidth` (all messages of one size), `persistence`, `confirm`, `delay`, and `linger` where batches are hardly ever full before their time",
    gives: "the latency with them; with `linger` the mean time in a batch exactly, behind it the queue as if orders did not come in batches (each is delayed by at most `linger`)",
    kind: Kind::Exact,
    source: "Baskett et al. 1975, J. ACM 22 (stages for everyone); a batch of the producer: L with probability 1/(1 + λL), else uniform on (0, L)",
    tests: &[
        "the_way_to_the_queue_is_stages_before_it",
        "a_batch_waits_for_others",
    ],
};

/// What about the costs of a stage's broker no model knows.
pub(super) fn gap(network: &Network, stage: &Stage, rate: Option<f64>) -> Option<Gap> {
    let costs = &stage.extras.broker.costs;
    let plain = Costs::default();
    if costs.linger > 0.0 && rate.is_none() {
        return Some(("linger", "how many a batch holds is not known"));
    }
    // Batches that are full before their time leave earlier.
    if let Some(rate) = rate.filter(|_| costs.linger > 0.0 && costs.batch_bytes.is_finite()) {
        let Some(size) = size(network) else {
            return Some(("batch_size", "orders of different sizes fill a batch"));
        };
        let room = (costs.batch_bytes / size).ceil() - 1.0;
        if beyond(rate * costs.linger, room) > SELDOM {
            return Some(("batch_size", "batches are often full before their time"));
        }
    }
    if costs.refuse_after.is_finite() {
        return Some((
            "refuse_after",
            "orders are turned away by the broker's writer before they are in the queue",
        ));
    }
    if costs.bandwidth.is_finite() && size(network).is_none() {
        return Some((
            "bandwidth",
            "orders of different sizes are on their way for different times",
        ));
    }
    let blocks = matches!(stage.capacity, Capacity::Block(_));
    if blocks && *costs != plain {
        return Some(("block", "orders that are on their way hold nobody up"));
    }
    None
}

/// Share of the batches that may be full early for that not to matter.
const SELDOM: f64 = 1e-4;

/// P(N ≥ n) of a Poisson number with this mean.
fn beyond(mean: f64, n: f64) -> f64 {
    if n < 1.0 {
        return 1.0;
    }
    if mean == 0.0 {
        return 0.0;
    }
    let terms = (0..n.min(1e6) as u64).scan(-mean, |log, k| {
        let term = log.exp();
        *log += mean.ln() - ((k + 1) as f64).ln();
        Some(term)
    });
    (1.0 - terms.sum::<f64>()).max(0.0)
}

/// How long a message waits for its batch to be sent: the first of a batch all the time, those that come
/// within it what is left.
fn lingering(linger: f64, rate: f64) -> Option<Distribution> {
    let others = rate * linger;
    let share = 1.0 / (1.0 + others);
    let parts = vec![
        Distribution::deterministic(linger).ok()?,
        Distribution::uniform(0.0, linger).ok()?,
    ];
    Distribution::mixture(vec![share, 1.0 - share], parts).ok()
}

/// Bytes of every message, where all are alike.
fn size(network: &Network) -> Option<f64> {
    let producers = network
        .producers
        .iter()
        .map(|producer| producer.message_size);
    let populations = network
        .populations
        .iter()
        .map(|population| population.message_size);
    let mut sizes = producers.chain(populations);
    let first = sizes.next()?;
    sizes.all(|other| other == first).then_some(first)
}

/// Tells the way to a stage in the words of queues.
pub(super) fn tell(draft: &mut Draft, id: usize) {
    let plain = Costs::default();
    let kept = &mut draft.network.stages[id].extras.broker.costs;
    let costs = kept.clone();
    *kept = Costs {
        handover: costs.handover.clone(),
        acknowledge: costs.acknowledge.clone(),
        ..plain.clone()
    };
    let on_its_way = size(&draft.network).unwrap_or(0.0) / costs.bandwidth;
    let network = match on_its_way > 0.0 {
        true => Distribution::shifted(on_its_way, costs.network.clone()).ok(),
        false => Some(costs.network.clone()),
    };
    let network = network.unwrap_or_else(|| costs.network.clone());
    // Those that overtake others on the way do not wait for them at the writer.
    let in_order = network.is_deterministic().is_some();
    let plain_time = plain.network.clone();
    let rate = draft.rates[id].filter(|rate| *rate > 0.0 && costs.linger > 0.0);
    let waits = rate.and_then(|rate| lingering(costs.linger, rate));
    let lingers = waits.is_some();
    let steps = [
        (
            waits.unwrap_or(plain_time),
            Consumers::Unlimited,
            "in a batch",
        ),
        (network, Consumers::Unlimited, "on its way"),
        (costs.persistence.clone(), Consumers::Finite(1), "written"),
        (costs.confirm, Consumers::Unlimited, "confirmed"),
        (costs.delay, Consumers::Unlimited, "kept back"),
    ];
    let before = draft.network.stages.len();
    for (law, consumers, what) in steps {
        if law == plain.network {
            continue;
        }
        let mut stage = draft.aside(id, what);
        stage.consumers = consumers;
        for at in &mut stage.by_class {
            at.service = Service::Common(law.clone());
            at.next = vec![Route {
                to: Target::Stage(StageId(id)),
                probability: 1.0,
            }];
        }
        let added = draft.add(stage);
        let part = match what {
            "on its way" => Metric::NetworkTime,
            _ => Metric::EnqueueTime,
        };
        draft.readings[id].way.push((added, part));
        if added > before {
            for at in &mut draft.network.stages[added - 1].by_class {
                at.next[0].to = Target::Stage(StageId(added));
            }
        }
    }
    let after = draft.network.stages.len();
    if after > before {
        redirect(&mut draft.network, id, before, before..after);
        let waits = costs.persistence != plain.persistence;
        let reading = &mut draft.readings[id];
        reading.approximate |= (waits && !in_order) || lingers;
        reading.entry = Some(&DELIVERY);
    }
}

/// Sends all that goes to one stage to another first, but for what these stages send.
fn redirect(network: &mut Network, from: usize, to: usize, but: std::ops::Range<usize>) {
    let moved = |target: &mut StageId| {
        if target.0 == from {
            target.0 = to;
        }
    };
    for producer in &mut network.producers {
        moved(&mut producer.to);
    }
    for population in &mut network.populations {
        moved(&mut population.to);
    }
    for (id, stage) in network.stages.iter_mut().enumerate() {
        if but.contains(&id) {
            continue;
        }
        for route in stage.by_class.iter_mut().flat_map(|at| &mut at.next) {
            if let Target::Stage(target) = &mut route.to {
                moved(target);
            }
        }
        if let Fork::JoinAll(branches) | Fork::Detached(branches) = &mut stage.extras.fork {
            branches.iter_mut().for_each(moved);
        }
        if let Failures::Some(failure) = &mut stage.extras.failures
            && let AfterFailure::Stage(target) = &mut failure.then
        {
            moved(target);
        }
    }
}
