//! A stage while it runs: its lanes, the group of its consumers, its chance.
//!
//! Messages wait in lanes, are committed to members of the group, and worked on by the members'
//! consumers. The textbook's queue has one lane, and one member with all the consumers, to whom a
//! message is committed when one of them is free.

use super::agenda::Who;
use super::backoff::Backoffs;
use super::breaker::Circuit;
use super::messages::{Message, MessageId};
use super::partition::Partitioner;
use super::publish::Publisher;
use super::queue::Queue;
use super::sharing::Sharing;
use super::staffing::{Begun, Roster};
use super::stocking::Stockroom;
use crate::network::{
    Breaker, Broker, Capacity, Commitment, Consumers, Discipline, Failures, Network, Outages,
    Patience, Reliability, Store,
};
use crate::random::{Distribution, Stream, Uniforms, Variates};
use crate::sim::chance::Chance;
use std::collections::VecDeque;

/// A stage while it runs.
#[derive(Debug)]
pub(super) struct Stage {
    /// Its place in the order of the stages.
    pub rank: usize,
    pub lanes: Vec<Queue>,
    /// Messages in the lanes, all together.
    pub waiting: usize,
    pub members: Vec<Member>,
    /// The member whose turn it is to get a message.
    pub turn: usize,
    /// The member of each lane, where lanes are served by one member each.
    pub member_of_lane: Vec<usize>,
    /// Nobody was up when lanes were last dealt out, so they may be with members that are gone: whoever is
    /// repaired first gets them.
    pub is_orphaned: bool,
    pub consumers: Vec<Consumer>,
    /// Consumers that there are to be, leaving ones excluded; `u32::MAX`: one for every order.
    pub wanted: u32,
    /// Who holds a finished order for which there is no room here: stage and consumer, in order.
    pub blocked: VecDeque<(u32, u32)>,
    /// Who waits outside, in order.
    pub outside: VecDeque<MessageId>,
    /// The batch of messages that is open at the producers.
    pub batch: ProducerBatch,
    /// Reasons why nothing is handed over: a rebalance under way, a broker that is down.
    pub rebalancing_until: f64,
    pub broker_down: u32,
    /// Whether an incident has taken the broker down.
    pub down_by_incident: bool,
    /// Whether a look at incomplete batches is planned, and for when.
    pub batch_due: f64,
    pub sharing: Option<Sharing>,
    pub chance: Chance,
    pub publisher: Publisher,
    pub partitioner: Partitioner,
    pub circuit: Option<Circuit>,
    /// Who waits for the circuit breaker with what they hold.
    pub at_circuit: Vec<Who>,
    pub laws: Laws,
    pub roster: Roster,
    /// Work that has begun so far.
    pub begun: Begun,
    pub stock: Option<Box<Stockroom>>,
}

/// What is left to chance beyond service times and routes.
#[derive(Debug)]
pub(super) struct Laws {
    pub patience: Option<Variates>,
    pub orbit: Option<Variates>,
    pub balking: Uniforms,
    pub failing: Uniforms,
    pub backoff: Option<Backoffs>,
    pub uptime: Option<Variates>,
    pub downtime: Option<Variates>,
    pub handover: Option<Variates>,
    pub acknowledge: Option<Variates>,
    pub broker_up: Option<Variates>,
    pub broker_down: Option<Variates>,
}

/// The messages that a producer collects to send them together.
#[derive(Debug, Default)]
pub(super) struct ProducerBatch {
    pub messages: Vec<MessageId>,
    pub bytes: f64,
    pub stamp: u32,
}

/// A member of the group: consumers that share what is committed to them.
#[derive(Debug, Default)]
pub(super) struct Member {
    /// Messages committed and not begun with, in order.
    pub buffer: VecDeque<MessageId>,
    /// Messages of which the broker awaits an acknowledgement.
    pub unacknowledged: u32,
    /// Its consumers that are idle and ready for work, the next one last.
    pub idle: Vec<u32>,
    /// Its consumers that are there and not broken down.
    pub ready: u32,
    /// Since when its question for messages is open.
    pub asks_since: Option<f64>,
    /// Questions answered so far.
    pub asked: u32,
    /// When the open question is answered in any case, if that is planned.
    pub answer_due: f64,
    /// When it has the last message that was handed over in hand.
    pub in_hand: f64,
    /// What it held when it died, until the broker notices.
    pub stranded: Vec<(f64, MessageId)>,
    /// Work that it had done since its last commit, the same.
    pub undone: Vec<(f64, Done)>,
    /// Whether its lanes have been given to others since it died.
    pub is_out: bool,
    /// What was planned for it before this changed is void.
    pub stamp: u32,
    /// Work done in the present interval between two commits, and which interval that is.
    pub done: Vec<Done>,
    pub interval: u64,
}

impl Member {
    /// Its open question for messages, if any, is void: it will ask anew.
    pub(super) fn forget_question(&mut self) {
        self.asked = self.asked.wrapping_add(1);
        self.asks_since = None;
        self.answer_due = f64::INFINITY;
    }
}

/// Work that was done and not yet committed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Done {
    pub number: u64,
    pub producer: u32,
    pub class: u32,
    pub size: f64,
    pub entered: f64,
    pub place: u64,
    pub lane: u32,
}

impl Done {
    /// The work on a message.
    pub(super) fn of(message: &Message) -> Done {
        Done {
            number: message.number,
            producer: message.producer,
            class: message.class,
            size: message.size,
            entered: message.entered,
            place: message.place,
            lane: message.lane,
        }
    }
}

/// What a consumer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doing {
    /// Nothing.
    Idle,
    /// Works.
    Works,
    /// Waits for the message that it was promised.
    Receives,
    /// Holds a finished order for which there is no room ahead.
    Blocked,
    /// Waits to try again.
    Rests,
    /// Is broken down, with or without an order.
    Down,
    /// Is no longer there.
    Gone,
}

/// A consumer.
#[derive(Debug)]
pub(super) struct Consumer {
    pub member: u32,
    pub doing: Doing,
    /// What it works on; several where orders are served in batches.
    pub holds: Vec<MessageId>,
    /// When the present stretch of work began and ends.
    pub began: f64,
    pub ends: f64,
    /// Whether it goes when it is done.
    pub leaving: bool,
    /// Whether it breaks down when it is done: it had finished its work before.
    pub failing: bool,
    /// Time of work until it breaks down, where only work counts.
    pub uptime_left: f64,
    /// What has been planned for it before this changed is void.
    pub stamp: u32,
    /// The same for its breakdowns.
    pub fate: u32,
}

impl Stage {
    pub(super) fn new(network: &Network, index: usize, rank: usize, replication: u64) -> Stage {
        let stage = &network.stages[index];
        let broker = &stage.extras.broker;
        let stream = |what: &str| {
            Stream::new(
                network.seed,
                replication,
                &format!("stage.{}.{what}", stage.name),
            )
        };
        let lanes = match broker.store {
            Store::Shared => 1,
            Store::Partitions { count, .. } => count as usize,
        };
        let queue = |_| Queue::new(stage.discipline, || stream("discipline"));
        let sharing = stage.discipline == Discipline::ProcessorSharing;
        Stage {
            rank,
            lanes: (0..lanes).map(queue).collect(),
            waiting: 0,
            members: Vec::new(),
            turn: 0,
            member_of_lane: vec![0; lanes],
            is_orphaned: false,
            consumers: Vec::new(),
            wanted: 0,
            blocked: VecDeque::new(),
            outside: VecDeque::new(),
            batch: ProducerBatch::default(),
            rebalancing_until: 0.0,
            broker_down: 0,
            down_by_incident: false,
            batch_due: f64::INFINITY,
            sharing: sharing.then(Sharing::default),
            chance: Chance::new(network, stage, replication),
            publisher: Publisher::new(broker, stream),
            partitioner: Partitioner::new(&broker.store, stream("partition")),
            circuit: circuit(&stage.extras.failures),
            at_circuit: Vec::new(),
            laws: Laws::new(stage, &stream),
            roster: Roster::new(&stage.extras.staffing),
            begun: Begun::default(),
            stock: Stockroom::new(&stage.extras.stocking, stream),
        }
    }

    /// Whether there is one consumer for every order.
    pub(super) fn is_unlimited(&self) -> bool {
        self.wanted == u32::MAX
    }

    /// Whether nothing may be handed over now.
    pub(super) fn is_paused(&self, now: f64) -> bool {
        self.broker_down > 0 || now < self.rebalancing_until
    }
}

fn circuit(failures: &Failures) -> Option<Circuit> {
    match failures {
        Failures::Some(failure) => match failure.breaker {
            Breaker::Circuit(breaker) => Some(Circuit::new(breaker)),
            Breaker::None => None,
        },
        Failures::Never => None,
    }
}

impl Laws {
    /// Draws of `stream`s named after what they are for.
    pub(super) fn new(stage: &crate::network::Stage, stream: &dyn Fn(&str) -> Stream) -> Laws {
        let law = |what: &str, law: &Distribution| Variates::new(stream(what), law);
        let costly = |what: &str, cost: &Distribution| (cost.mean() > 0.0).then(|| law(what, cost));
        let extras = &stage.extras;
        let (uptime, downtime) = match &extras.reliability {
            Reliability::Perfect => (None, None),
            Reliability::Breakdowns(how) => (
                Some(law("uptime", &how.uptime)),
                Some(law("downtime", &how.downtime)),
            ),
        };
        let (broker_up, broker_down) = match &extras.broker.outages {
            Outages::Never => (None, None),
            Outages::Repeated(how) => (
                Some(law("broker.uptime", &how.uptime)),
                Some(law("broker.downtime", &how.downtime)),
            ),
        };
        Laws {
            patience: match &extras.patience {
                Patience::Endless => None,
                Patience::Limited(patience) => Some(law("patience", patience)),
            },
            orbit: match &stage.capacity {
                Capacity::Retry(_, again) => Some(law("retry", again)),
                _ => None,
            },
            balking: Uniforms::new(stream("balking")),
            failing: Uniforms::new(stream("failure")),
            backoff: match &extras.failures {
                Failures::Never => None,
                Failures::Some(failure) => Some(Backoffs::new(failure, stream("backoff"))),
            },
            uptime,
            downtime,
            handover: costly("handover", &extras.broker.costs.handover),
            acknowledge: costly("acknowledge", &extras.broker.costs.acknowledge),
            broker_up,
            broker_down,
        }
    }
}

/// Places in the queue, those with a consumer excluded.
pub(super) fn places(capacity: &Capacity) -> usize {
    match capacity {
        Capacity::Unbounded => usize::MAX,
        Capacity::Reject(places)
        | Capacity::Block(places)
        | Capacity::Retry(places, _)
        | Capacity::DropOldest(places)
        | Capacity::DeadLetter(places) => usize::try_from(*places).unwrap_or(usize::MAX),
    }
}

/// How many consumers a number is; `u32::MAX` for one for every order.
pub(super) fn number(consumers: Consumers) -> u32 {
    match consumers {
        Consumers::Finite(consumers) => consumers,
        Consumers::Unlimited => u32::MAX,
    }
}

/// How many consumers share what is committed to them.
pub(super) fn threads(broker: &Broker) -> u32 {
    match broker.commitment {
        Commitment::OnDemand => u32::MAX,
        _ => broker.threads,
    }
}

impl Consumer {
    pub(super) fn new(member: u32) -> Consumer {
        Consumer {
            member,
            doing: Doing::Idle,
            holds: Vec::new(),
            began: 0.0,
            ends: 0.0,
            leaving: false,
            failing: false,
            uptime_left: f64::INFINITY,
            stamp: 0,
            fate: 0,
        }
    }
}
