//! What no model here knows.

use super::{Reason, violated};
use crate::network::{
    Acknowledgement, Balking, Batching, Breaker, Broker, Capacity, Commitment, Costs, Discipline,
    Failures, Network, Outages, Outside, Staffing, Stage, Stocking, Store, TimeToLive,
    Transactions,
};

/// The first feature of a stage that no model knows.
pub(super) fn gap(network: &Network, id: usize) -> Option<Reason> {
    let stage = &network.stages[id];
    let (feature, why) = discipline(stage.discipline)
        .or_else(|| capacity(&stage.capacity))
        .or_else(|| extras(stage))
        .or_else(|| broker(&stage.extras.broker))?;
    Some(violated(stage, feature, why))
}

/// A feature as the scenario file calls it, and the assumption of the formulas that it breaks.
type Gap = (&'static str, &'static str);

fn discipline(discipline: Discipline) -> Option<Gap> {
    match discipline {
        Discipline::PreemptiveRestart => Some((
            "preemptive = \"restart\"",
            "the work of an interrupted order is lost, and begins again with the same length",
        )),
        Discipline::EarliestDeadline => Some((
            "edf",
            "who is next depends on the deadlines of all that wait",
        )),
        Discipline::Fifo
        | Discipline::Lifo
        | Discipline::Random
        | Discipline::ShortestFirst
        | Discipline::ShortestRemaining
        | Discipline::ProcessorSharing
        | Discipline::Priority
        | Discipline::PreemptivePriority => None,
    }
}

fn capacity(capacity: &Capacity) -> Option<Gap> {
    match capacity {
        Capacity::DropOldest(_) => Some((
            "drop_oldest",
            "an order that was let in may still be turned out by a newer one",
        )),
        Capacity::DeadLetter(_) => Some(("dead_letter", "the queue has a bound")),
        Capacity::Unbounded | Capacity::Reject(_) | Capacity::Block(_) | Capacity::Retry(..) => {
            None
        }
    }
}

fn extras(stage: &Stage) -> Option<Gap> {
    let extras = &stage.extras;
    if let Failures::Some(failure) = &extras.failures {
        if failure.breaker != Breaker::None {
            return Some((
                "circuit_breaker",
                "whether attempts are made depends on how the last ones ended",
            ));
        }
        return Some(("failure", "attempts fail, and orders come again"));
    }
    let asked = [
        (
            extras.balking != Balking::Never,
            ("balk", "how many come depends on how many wait"),
        ),
        (
            extras.time_to_live != TimeToLive::Endless,
            (
                "ttl",
                "orders leave without service when their time is over",
            ),
        ),
        (
            extras.batching != Batching::Single,
            ("batch", "a consumer serves several orders at once"),
        ),
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
        (
            extras.stocking != Stocking::None,
            ("stock", "what becomes of an order depends on what is left"),
        ),
    ];
    asked
        .into_iter()
        .find(|(asked, _)| *asked)
        .map(|found| found.1)
}

fn broker(broker: &Broker) -> Option<Gap> {
    let plain = Broker::default();
    if *broker == plain {
        return None;
    }
    let gap = costs(&broker.costs)
        .or_else(|| commitment(broker.commitment))
        .or_else(|| delivery(broker));
    gap.or(Some((
        "broker",
        "messages are not simply handed to whoever is free",
    )))
}

fn costs(costs: &Costs) -> Option<Gap> {
    let plain = Costs::default();
    let asked = [
        (
            costs.network != plain.network,
            (
                "network",
                "orders are on their way before they are in the queue",
            ),
        ),
        (
            costs.bandwidth.is_finite(),
            (
                "bandwidth",
                "orders are on their way before they are in the queue",
            ),
        ),
        (
            costs.linger > 0.0,
            ("linger", "orders come in batches that wait for each other"),
        ),
        (
            costs.persistence != plain.persistence,
            (
                "persistence",
                "orders pass the queue of the broker's writer before their own",
            ),
        ),
        (
            costs.confirm != plain.confirm,
            (
                "confirm",
                "orders wait for their confirmation before they can be had",
            ),
        ),
        (
            costs.handover != plain.handover,
            ("handover", "a consumer is kept by more than the work"),
        ),
        (
            costs.acknowledge != plain.acknowledge,
            ("acknowledge", "a consumer is kept by more than the work"),
        ),
    ];
    asked
        .into_iter()
        .find(|(asked, _)| *asked)
        .map(|found| found.1)
}

fn commitment(commitment: Commitment) -> Option<Gap> {
    const IDLE: &str = "a message waits for one consumer while another is idle";
    match commitment {
        Commitment::OnDemand => None,
        Commitment::Push { .. } => Some(("prefetch", IDLE)),
        Commitment::Pull { .. } => Some(("pull", IDLE)),
        Commitment::AtSend { .. } => Some(("high_water_mark", IDLE)),
    }
}

fn delivery(broker: &Broker) -> Option<Gap> {
    let plain = Broker::default();
    let asked = [
        (
            matches!(broker.store, Store::Partitions { .. }),
            (
                "partitions",
                "a message waits for one consumer while another is idle",
            ),
        ),
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
