//! What no model here knows.

use super::lanes::lanes;
use super::{Gap, Reason, delivery, failures, handover, leads_to, plainer, stock, violated};
use crate::network::{
    Acknowledgement, Balking, Batching, Broker, Capacity, Commitment, Consumers, Costs, Discipline,
    Extras, Fork, Network, Outages, Outside, PartitionBy, Patience, Staffing, Stage, Store,
    TimeToLive, Transactions,
};

/// The first feature of a stage that no model knows.
pub(super) fn gap(network: &Network, id: usize, rates: &[Option<f64>]) -> Option<Reason> {
    let stage = &network.stages[id];
    if let Some(before) = behind_batches(network, id).filter(|_| may_lose(stage)) {
        return Some(batches(before));
    }
    let (feature, why) = discipline(network, stage)
        .or_else(|| failures::gap(stage))
        .or_else(|| stock::gap(network, id, rates[id]))
        .or_else(|| extras(stage))
        .or_else(|| plainer::gap(network, stage))
        .or_else(|| delivery::gap(network, stage, rates[id]))
        .or_else(|| handover::gap(stage))
        .or_else(|| lanes(stage).err())
        .or_else(|| broker(stage))?;
    Some(violated(stage, feature, why))
}

fn discipline(network: &Network, stage: &Stage) -> Option<Gap> {
    match stage.discipline {
        Discipline::PreemptiveRestart => Some((
            "preemptive = \"restart\"",
            "the work of an interrupted order is lost, and begins again with the same length",
        )),
        Discipline::EarliestDeadline if !plainer::order_is_blind(network, stage) => Some((
            "edf",
            "who is next depends on the deadlines of all that wait, and so does the rest of the pipeline or the size of the work",
        )),
        _ => None,
    }
}

fn extras(stage: &Stage) -> Option<Gap> {
    let extras = &stage.extras;
    let balks = extras.balking != Balking::Never;
    let batches = extras.batching != Batching::Single;
    let others = Extras {
        balking: Balking::Never,
        batching: Batching::Single,
        fork: Fork::None,
        broker: Broker {
            costs: Costs::default(),
            ..extras.broker.clone()
        },
        ..extras.clone()
    };
    let bounded = match stage.capacity {
        Capacity::Unbounded => false,
        Capacity::Reject(_) => batches,
        _ => true,
    };
    let endless = stage.consumers == Consumers::Unlimited;
    let in_turns = matches!(
        stage.discipline,
        Discipline::Fifo | Discipline::Lifo | Discipline::Random
    );
    let plain = others == Extras::default() && !bounded && !endless && in_turns;
    if balks && (!plain || batches) {
        return Some((
            "balk",
            "how many come depends on how many wait at a stage that is no plain queue",
        ));
    }
    if batches && !plain {
        return Some((
            "batch",
            "a consumer serves several orders at once at a stage that is no plain queue",
        ));
    }
    let asked = [
        (
            matches!(extras.staffing, Staffing::Shifts(_)),
            ("schedule", "the number of consumers changes over time"),
        ),
        (
            matches!(extras.staffing, Staffing::Autoscale(_)),
            (
                "autoscale",
                "the number of consumers depends on what was measured before",
            ),
        ),
    ];
    asked
        .into_iter()
        .find(|(asked, _)| *asked)
        .map(|found| found.1)
}

fn broker(stage: &Stage) -> Option<Gap> {
    let broker = &stage.extras.broker;
    let plain = Broker::default();
    // What is not handed to whoever is free is a queue for each, or has been refused before.
    let queues = matches!(lanes(stage), Ok(Some(_)));
    let rest = Broker {
        costs: plain.costs.clone(),
        store: Store::Shared,
        commitment: Commitment::OnDemand,
        threads: 1,
        // Sending in turn only keeps producers waiting when all queues are full.
        outside: if queues {
            plain.outside
        } else {
            broker.outside
        },
        ..broker.clone()
    };
    if rest == plain {
        return None;
    }
    let in_turn = Broker {
        acknowledgement: plain.acknowledgement,
        ..rest.clone()
    };
    // Whether messages are delivered twice then depends on how long they wait: the model looks.
    let by_chance = matches!(
        broker.store,
        Store::Partitions {
            by: PartitionBy::Hash | PartitionBy::Key { .. },
            ..
        }
    );
    if queues && in_turn == plain && !by_chance {
        return None;
    }
    promises(&rest).or(Some((
        "broker",
        "messages are not simply handed to whoever is free",
    )))
}

fn promises(broker: &Broker) -> Option<Gap> {
    let plain = Broker::default();
    let asked = [
        (
            matches!(broker.acknowledgement, Acknowledgement::PerMessage { timeout } if timeout.is_finite()),
            (
                "visibility_timeout",
                "a message is delivered twice when its work takes long",
            ),
        ),
        (
            broker.acknowledgement != plain.acknowledgement,
            (
                "acknowledgement",
                "what a dead consumer held is lost or done again",
            ),
        ),
        (
            broker.detection > 0.0,
            (
                "detection",
                "what a dead consumer held waits for nobody's turn",
            ),
        ),
        (
            broker.rebalance > 0.0,
            ("rebalance", "at times nobody is served"),
        ),
        (
            broker.outages != Outages::Never,
            ("outage", "at times nobody is served"),
        ),
        (
            broker.transaction != Transactions::None,
            (
                "transaction",
                "messages are hidden until the producer has decided",
            ),
        ),
        (
            broker.outside != Outside::Rejected,
            ("flow_control", "producers are kept waiting"),
        ),
    ];
    asked
        .into_iter()
        .find(|(asked, _)| *asked)
        .map(|found| found.1)
}

/// A stage before this one whose orders leave it several at once.
pub(super) fn behind_batches(network: &Network, id: usize) -> Option<&Stage> {
    let stages = network.stages.iter().enumerate();
    let mut stages = stages.filter(|(_, stage)| stage.extras.batching != Batching::Single);
    let found = stages.find(|(before, _)| *before != id && leads_to(network, *before, id));
    found.map(|(_, stage)| stage)
}

/// Why little is known of the queues behind a stage that serves several at once.
pub(super) fn batches(before: &Stage) -> Reason {
    violated(
        before,
        "batch",
        "orders leave it together, and come to the queues behind it together",
    )
}

/// Whether orders may leave a stage without being served.
fn may_lose(stage: &Stage) -> bool {
    stage.capacity != Capacity::Unbounded
        || stage.extras.patience != Patience::Endless
        || stage.extras.time_to_live != TimeToLive::Endless
        || stage.extras.balking != Balking::Never
}
