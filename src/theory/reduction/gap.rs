//! What no model here knows.

use super::{Gap, Reason, delivery, failures, plainer, violated};
use crate::network::{
    Acknowledgement, Balking, Batching, Broker, Commitment, Discipline, Extras, Network, Outages,
    Outside, Staffing, Stage, Stocking, Store, Transactions,
};

/// The first feature of a stage that no model knows.
pub(super) fn gap(network: &Network, id: usize) -> Option<Reason> {
    let stage = &network.stages[id];
    let (feature, why) = discipline(network, stage)
        .or_else(|| failures::gap(stage))
        .or_else(|| extras(&stage.extras))
        .or_else(|| plainer::gap(network, stage))
        .or_else(|| delivery::gap(network, stage))
        .or_else(|| broker(&stage.extras.broker))?;
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

fn extras(extras: &Extras) -> Option<Gap> {
    let asked = [
        (
            extras.balking != Balking::Never,
            ("balk", "how many come depends on how many wait"),
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
    let rest = Broker {
        costs: plain.costs.clone(),
        ..broker.clone()
    };
    if rest == plain {
        return None;
    }
    let gap = commitment(broker.commitment).or_else(|| promises(broker));
    gap.or(Some((
        "broker",
        "messages are not simply handed to whoever is free",
    )))
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

fn promises(broker: &Broker) -> Option<Gap> {
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
