//! The way to a stage's queue in the words of queues: the network and the confirmation are stages for
//! everyone, the broker's writer is a stage of one consumer.

use super::{Draft, Gap};
use crate::network::{
    AfterFailure, Capacity, Consumers, Costs, Failures, Fork, Network, Route, Service, Stage,
    StageId, Target,
};
use crate::random::Distribution;

/// What about the costs of a stage's broker no model knows.
pub(super) fn gap(network: &Network, stage: &Stage) -> Option<Gap> {
    let costs = &stage.extras.broker.costs;
    let plain = Costs::default();
    let kept = "a consumer is kept by more than the work";
    if costs.handover != plain.handover {
        return Some(("handover", kept));
    }
    if costs.acknowledge != plain.acknowledge {
        return Some(("acknowledge", kept));
    }
    if costs.linger > 0.0 {
        return Some(("linger", "orders come in batches that wait for each other"));
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
    let costs = std::mem::take(&mut draft.network.stages[id].extras.broker.costs);
    let plain = Costs::default();
    let on_its_way = size(&draft.network).unwrap_or(0.0) / costs.bandwidth;
    let network = match on_its_way > 0.0 {
        true => Distribution::shifted(on_its_way, costs.network.clone()).ok(),
        false => Some(costs.network.clone()),
    };
    let network = network.unwrap_or_else(|| costs.network.clone());
    // Those that overtake others on the way do not wait for them at the writer.
    let in_order = network.is_deterministic().is_some();
    let steps = [
        (network, Consumers::Unlimited, "on its way"),
        (costs.persistence.clone(), Consumers::Finite(1), "written"),
        (costs.confirm, Consumers::Unlimited, "confirmed"),
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
        draft.readings[id].approximate |= waits && !in_order;
        draft.readings[id].spoils_latency |= waits && !in_order;
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
