//! Partitions, prefetch and sending in turn, in the words of queues.
//!
//! # Formula
//! Messages that go to lanes by chance make independent Poisson streams of what comes by Poisson's law
//! (Kingman 1993): a lane, or all the lanes of a member of the group together, is a queue of its own. Messages
//! that go to members in turn come to each of m with the gaps of m arrivals.

use super::{Draft, Gap, Reading};
use crate::network::{
    Acknowledgement, Broker, Capacity, Commitment, Consumers, Costs, Discipline, Extras, Fork,
    PartitionBy, Route, Stage, StageId, Store, Target,
};
use crate::random::Distribution;
use crate::theory::{Kind, Model};

/// Members up to which each is a stage of its own.
const MOST: usize = 256;
const IDLE: &str = "a message waits for one consumer while another is idle";

pub(super) const PARTITIONS: Model = Model {
    name: "Partitions as queues of their own",
    conditions: "`partitions` by hash or by key, `pull` with `at_least = 1` and one thread, or `prefetch`; a plain queue without bound, first in, first out, at most 256 members",
    gives: "what each member's queue gives, put together; means only where a member has several partitions",
    kind: Kind::Exact,
    source: "Kingman 1993, Poisson Processes, section 5.1 (splitting); each queue by its own model",
    tests: &[
        "partitions_are_queues_of_their_own",
        "members_without_a_partition_are_idle",
    ],
};

/// How the messages of a stage come to the members of its group.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lanes {
    /// Share of the messages that each member gets; those that get none are left out.
    weights: Vec<f64>,
    /// Consumers of each member.
    threads: u32,
    /// Unacknowledged messages that a member may have.
    window: u32,
    in_turn: bool,
    /// Whether members serve several lanes, whose messages do not stand in one order.
    mixed: bool,
}

/// How the messages come to the members; `None` where whoever is free takes the next.
pub(super) fn lanes(stage: &Stage) -> Result<Option<Lanes>, Gap> {
    let broker = &stage.extras.broker;
    let name = match (&broker.store, broker.commitment) {
        (Store::Shared, Commitment::OnDemand) => return Ok(None),
        (Store::Shared, Commitment::Push { prefetch: 1 }) if broker.threads == 1 => {
            return Ok(None);
        }
        (Store::Partitions { .. }, _) => "partitions",
        (Store::Shared, Commitment::Push { .. }) => "prefetch",
        (Store::Shared, Commitment::Pull { .. }) => "pull",
        (Store::Shared, Commitment::AtSend { .. }) => "high_water_mark",
    };
    let plain = Broker::default();
    let others = Extras {
        fork: Fork::None,
        broker: Broker {
            store: Store::Shared,
            commitment: Commitment::OnDemand,
            threads: 1,
            costs: Costs::default(),
            outside: plain.outside,
            acknowledgement: plain.acknowledgement,
            ..broker.clone()
        },
        ..stage.extras.clone()
    };
    let joins = matches!(stage.extras.fork, Fork::JoinAll(_));
    if others != Extras::default() || joins || stage.capacity != Capacity::Unbounded {
        return Err((
            name,
            "a message waits for one consumer of a stage that is no plain queue",
        ));
    }
    if stage.discipline != Discipline::Fifo {
        return Err((
            name,
            "the order of service holds for each consumer's messages alone",
        ));
    }
    let Consumers::Finite(consumers) = stage.consumers else {
        return Err((name, IDLE));
    };
    let threads = broker.threads.min(consumers);
    if !consumers.is_multiple_of(threads) {
        return Err(("threads", "the consumers are not evenly shared out"));
    }
    let members = (consumers / threads) as usize;
    let window = match broker.commitment {
        Commitment::Push { prefetch } => prefetch,
        Commitment::AtSend { high_water_mark } => high_water_mark.saturating_add(threads),
        Commitment::Pull { at_least: 1, .. } if threads == 1 && name == "partitions" => u32::MAX,
        Commitment::Pull { .. } => {
            return Err(("pull", "messages are fetched several at a time"));
        }
        Commitment::OnDemand => return Err((name, IDLE)),
    };
    if window < threads {
        return Err((
            "prefetch",
            "a consumer may be idle for want of an acknowledgement",
        ));
    }
    let unsplit = Lanes {
        weights: vec![1.0 / members as f64; members],
        threads,
        window,
        in_turn: true,
        mixed: false,
    };
    let Store::Partitions { count, by } = broker.store else {
        return Ok(Some(unsplit));
    };
    let active = members.min(count as usize);
    let mixed = count as usize > active;
    if by == PartitionBy::RoundRobin {
        if !(count as usize).is_multiple_of(active) {
            return Err((name, "the partitions are not evenly shared out"));
        }
        let weights = vec![1.0 / active as f64; active];
        return Ok(Some(Lanes {
            weights,
            mixed,
            ..unsplit
        }));
    }
    let mut weights = vec![0.0; active];
    for (lane, weight) in by.weights(count).into_iter().enumerate() {
        weights[lane % active] += weight;
    }
    weights.retain(|weight| *weight > 0.0);
    if weights.len() > MOST {
        return Err((name, "so many queues take too long to put together"));
    }
    Ok(Some(Lanes {
        weights,
        in_turn: false,
        mixed,
        ..unsplit
    }))
}

/// How a stage is put together from the queues of its members.
#[derive(Debug, Clone)]
pub(super) struct Members {
    pub stages: std::ops::Range<usize>,
    /// Consumers of each.
    pub threads: u32,
    /// Consumers in all.
    pub consumers: u32,
}

/// Tells lanes in the words of queues: by chance, each member is a stage; in turn, the stage is left as it is
/// but for who has nothing to do.
pub(super) fn tell(draft: &mut Draft, id: usize) {
    let Ok(Some(lanes)) = lanes(&draft.network.stages[id]) else {
        return;
    };
    let stage = &mut draft.network.stages[id];
    let Consumers::Finite(consumers) = stage.consumers else {
        return;
    };
    let active = lanes.weights.len() as u32 * lanes.threads;
    let acknowledgement = stage.extras.broker.acknowledgement;
    stage.extras.broker = Broker::default();
    stage.consumers = Consumers::Finite(active);
    let reading = &mut draft.readings[id];
    reading.means_only |= lanes.mixed;
    reading.busy_share = f64::from(active) / f64::from(consumers);
    if lanes.weights.len() == 1 {
        if let Acknowledgement::PerMessage { timeout } = acknowledgement {
            reading.delivered_again = timeout;
        }
        return;
    }
    if lanes.in_turn {
        stage.extras.broker.commitment = Commitment::Push {
            prefetch: lanes.window,
        };
        stage.extras.broker.threads = lanes.threads;
        stage.extras.broker.acknowledgement = acknowledgement;
        return;
    }
    split(draft, id, &lanes, consumers);
}

fn split(draft: &mut Draft, id: usize, lanes: &Lanes, consumers: u32) {
    let first = draft.network.stages.len();
    for (member, _) in lanes.weights.iter().enumerate() {
        let mut stage = draft.network.stages[id].clone();
        stage.name = format!("{} (member {member})", stage.name);
        stage.consumers = Consumers::Finite(lanes.threads);
        draft.add(stage);
    }
    let stages = first..draft.network.stages.len();
    let entrance = draft.aside(id, "partitioned");
    let here = &mut draft.network.stages[id];
    let name = std::mem::take(&mut here.name);
    *here = Stage { name, ..entrance };
    for at in &mut here.by_class {
        at.service = crate::network::Service::Common(Distribution::Deterministic { value: 0.0 });
        let ways = stages.clone().zip(&lanes.weights);
        at.next = ways
            .map(|(to, probability)| Route {
                to: Target::Stage(StageId(to)),
                probability: *probability,
            })
            .collect();
    }
    let reading: &mut Reading = &mut draft.readings[id];
    reading.busy_share = 1.0;
    reading.entry = Some(&PARTITIONS);
    reading.members = Some(Members {
        stages,
        threads: lanes.threads,
        consumers,
    });
}
