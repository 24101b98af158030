//! A stage without the settings that change nothing there.

use crate::network::{
    Acknowledgement, Broker, Capacity, Commitment, Consumers, Discipline, Expiry, Failures,
    Network, Outages, Outside, Patience, Reliability, Staffing, Stage, Store, System, TimeToLive,
};
use crate::random::Distribution;

/// A probability that no run is long enough to see.
const NEVER: f64 = 1e-12;

/// The same stage, with the default in place of every setting that changes nothing.
pub(super) fn settled(network: &Network, id: usize) -> Stage {
    let mut stage = network.stages[id].clone();
    if !fails(&stage) {
        stage.extras.failures = Failures::Never;
    }
    let levels = network.classes.iter().map(|class| class.priority);
    if stage.discipline == Discipline::PreemptiveRestart && all_alike(levels) {
        stage.discipline = Discipline::Fifo;
    }
    stage.extras.broker = broker(&stage);
    stage
}

/// Whether any attempt fails.
fn fails(stage: &Stage) -> bool {
    let Failures::Some(failure) = &stage.extras.failures else {
        return false;
    };
    let too_long = |law: &crate::random::Distribution| law.ccdf(failure.timeout) > 0.0;
    failure.probability.iter().any(|p| *p > 0.0)
        || (failure.timeout.is_finite()
            && stage.by_class.iter().any(|at| too_long(at.service.law())))
}

fn all_alike<T: PartialEq>(mut values: impl Iterator<Item = T>) -> bool {
    let first = values.next();
    values.all(|value| Some(&value) == first.as_ref())
}

fn broker(stage: &Stage) -> Broker {
    let mut broker = stage.extras.broker.clone();
    let plain = Broker::default();
    broker.system = System::Memory;
    if stage.extras.time_to_live == TimeToLive::Endless {
        broker.expiry = Expiry::AtOnce;
    }
    if broker.outages == Outages::Never {
        broker.durable = true;
        if stage.extras.reliability == Reliability::Perfect {
            broker.detection = 0.0;
            broker.acknowledgement = acknowledgement(stage, broker.acknowledgement);
            if broker.acknowledgement == plain.acknowledgement {
                broker.idempotent = false;
            }
            if stage.extras.staffing == Staffing::Constant {
                broker.rebalance = 0.0;
            }
        }
    }
    if broker.costs.linger == 0.0 {
        broker.costs.batch_bytes = f64::INFINITY;
    }
    if broker.costs.persistence == plain.costs.persistence {
        broker.costs.refuse_after = f64::INFINITY;
    }
    let one_lane = matches!(broker.store, Store::Partitions { count: 1, .. })
        && stage.consumers == Consumers::Finite(1);
    if one_lane {
        broker.store = Store::Shared;
    }
    // Where messages are committed before they are worked on, their wait counts for the time-out as well.
    let waits_count = broker.acknowledgement != plain.acknowledgement
        && stage.extras.reliability == Reliability::Perfect;
    if broker.store == Store::Shared && on_demand(stage) && !waits_count {
        broker.commitment = Commitment::OnDemand;
    }
    if broker.commitment == Commitment::OnDemand {
        // Who is free may begin with the next before the last has been acknowledged.
        broker.costs.acknowledge = plain.costs.acknowledge.clone();
    }
    if broker.commitment == Commitment::OnDemand && broker.store == Store::Shared {
        broker.threads = 1;
    }
    let keeps_out = matches!(stage.capacity, Capacity::Block(_))
        || matches!(broker.commitment, Commitment::AtSend { .. });
    if !keeps_out {
        broker.outside = Outside::Rejected;
    }
    broker
}

/// Where no consumer dies it does not matter when a message is acknowledged, unless its work takes so long
/// that it is delivered again.
fn acknowledgement(stage: &Stage, asked: Acknowledgement) -> Acknowledgement {
    let for_ever = Acknowledgement::PerMessage {
        timeout: f64::INFINITY,
    };
    match asked {
        Acknowledgement::OnDelivery | Acknowledgement::Commits { .. } => for_ever,
        Acknowledgement::PerMessage { timeout } => {
            let mut laws = stage.by_class.iter().map(|at| at.service.law());
            let broker = &stage.extras.broker;
            let committed_with_work = match broker.commitment {
                Commitment::OnDemand => true,
                Commitment::Push { prefetch } => prefetch == 1 && broker.threads == 1,
                Commitment::Pull { .. } | Commitment::AtSend { .. } => {
                    stage.consumers == Consumers::Unlimited
                }
            };
            let costs = [&broker.costs.handover, &broker.costs.acknowledge];
            let never = |law: &Distribution| law.ccdf(timeout / 3.0) < NEVER;
            let quick = costs.into_iter().all(never) && laws.all(never);
            if committed_with_work && quick {
                for_ever
            } else {
                asked
            }
        }
    }
}

/// Whether it does not matter when a message is committed to a consumer: whoever gets it, and in whichever
/// order, each would have got it at the same time.
fn on_demand(stage: &Stage) -> bool {
    let broker = &stage.extras.broker;
    let late = broker.costs.acknowledge.mean() > 0.0 || broker.costs.handover.mean() > 0.0;
    let alone = |threads: u32| match stage.consumers {
        Consumers::Finite(consumers) => consumers <= threads,
        Consumers::Unlimited => true,
    };
    // What is committed has left the queue: its bound, its order, and the patience of those in it.
    let in_turn = stage.discipline == Discipline::Fifo
        && stage.capacity == Capacity::Unbounded
        && stage.extras.patience == Patience::Endless
        && stage.extras.time_to_live == TimeToLive::Endless
        && stage.extras.reliability == Reliability::Perfect
        && stage.extras.staffing == Staffing::Constant;
    match broker.commitment {
        Commitment::OnDemand => true,
        Commitment::Push { prefetch } => {
            // With a window of one message the next comes when the last has been acknowledged.
            let one_by_one = prefetch == 1 && broker.threads == 1 && !late;
            let enough = prefetch >= broker.threads;
            one_by_one || (in_turn && alone(broker.threads) && enough && !late)
        }
        Commitment::Pull {
            batch, at_least, ..
        } => {
            let one_by_one = batch == 1 && broker.threads == 1;
            at_least == 1 && !late && (one_by_one || (in_turn && alone(1)))
        }
        Commitment::AtSend { .. } => {
            stage.consumers == Consumers::Unlimited && broker.store == Store::Shared
        }
    }
}
