//! How a broker hands the messages of a stage over: one model of delivery for all systems.
//!
//! A message passes, in this order: the way to the broker ([`Costs::network`]), the producer's batch
//! ([`Costs::linger`]), the broker's writer ([`Costs::persistence`]), the confirmation
//! ([`Costs::confirm`]); then it is available in its lane ([`Store`]). From there it is committed to
//! a member of the group of consumers ([`Commitment`]), handed over ([`Costs::handover`]), worked on,
//! and acknowledged ([`Acknowledgement`]).

use crate::random::Distribution;

/// How the messages of a stage are stored, handed over and acknowledged.
#[derive(Debug, Clone, PartialEq)]
pub struct Broker {
    /// The system whose defaults were taken.
    pub system: System,
    /// Where messages wait.
    pub store: Store,
    /// When a message becomes some consumer's.
    pub commitment: Commitment,
    /// Consumers that share what is committed to them, as the threads of one process do; at least 1.
    pub threads: u32,
    /// When the broker forgets a message.
    pub acknowledgement: Acknowledgement,
    /// Seconds until what a dead consumer held is delivered again; at least 0.
    pub detection: f64,
    /// Seconds for which nobody gets a message when consumers come or go; at least 0.
    pub rebalance: f64,
    /// What becomes of orders from outside that find a queue that blocks full.
    pub outside: Outside,
    /// Which messages past their time to live are found.
    pub expiry: Expiry,
    /// Whether messages survive a crash of the broker.
    pub durable: bool,
    /// Whether the consumers notice that they have done a message's work before, and then drop it.
    pub idempotent: bool,
    /// Whether messages are only seen after a transaction of the producer.
    pub transaction: Transactions,
    /// What handing over takes.
    pub costs: Costs,
    /// Whether the broker fails by chance.
    pub outages: Outages,
}

/// A broker system, or the ideal queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum System {
    /// The queue of the textbooks: no costs, nothing committed ahead, nothing lost.
    Memory,
    /// RabbitMQ.
    RabbitMq,
    /// Apache Kafka.
    Kafka,
    /// Apache ActiveMQ Classic.
    ActiveMq,
    /// Apache RocketMQ.
    RocketMq,
    /// ZeroMQ PUSH and PULL sockets.
    ZeroMq,
}

/// Where messages wait until they are committed.
#[derive(Debug, Clone, PartialEq)]
pub enum Store {
    /// In one queue for all consumers.
    Shared,
    /// In lanes, each served by one member of the group alone.
    Partitions {
        /// How many; at least 1.
        count: u32,
        /// Which one a message goes to.
        by: PartitionBy,
    },
}

/// Which lane a message goes to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PartitionBy {
    /// One after the other.
    RoundRobin,
    /// Any, with equal probability: many keys, each rare.
    Hash,
    /// By the hash of its key; the k-th of `keys` keys has a probability proportional to k^-`exponent`
    /// (Zipf; 0 is uniform).
    Key {
        /// How many keys there are; at least 1.
        keys: u32,
        /// The exponent; at least 0.
        exponent: f64,
    },
}

/// When a message becomes some consumer's, who then gets it and nobody else.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Commitment {
    /// When a consumer is free.
    OnDemand,
    /// At once, in turn, to each member that holds fewer than `prefetch` unacknowledged messages;
    /// `u32::MAX` is no limit.
    Push {
        /// At least 1.
        prefetch: u32,
    },
    /// A member that has worked off all it holds asks for more, and gets at most `batch`; when there are
    /// fewer than `at_least` the broker answers after `wait` seconds with what there is, if anything.
    Pull {
        /// At least 1.
        batch: u32,
        /// At least 1, at most `batch`.
        at_least: u32,
        /// At least 0.
        wait: f64,
    },
    /// When it is sent, in turn, to each consumer whose buffer holds fewer than `high_water_mark`.
    AtSend {
        /// At least 1.
        high_water_mark: u32,
    },
}

/// When the broker forgets a message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Acknowledgement {
    /// As soon as it is committed: what a dead consumer held is lost.
    OnDelivery,
    /// When its work is done. If that takes longer than `timeout` seconds (infinite: no limit), it is
    /// delivered once more, and then there are two.
    PerMessage {
        /// Above 0.
        timeout: f64,
    },
    /// Every so many seconds all that was done until then: what was done since comes again when a
    /// consumer dies.
    Commits {
        /// Above 0.
        every: f64,
    },
}

/// What becomes of orders from outside that find a queue that blocks full.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outside {
    /// They are rejected.
    Rejected,
    /// They wait at their producer, in order, at most so many seconds (infinite: for ever), and are then
    /// rejected.
    Waits(f64),
}

/// Which messages past their time to live are found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Expiry {
    /// All, at once.
    AtOnce,
    /// Those that are next in turn: behind one with time left they wait on.
    AtHead,
    /// All, every so many seconds (above 0), and those that are next in turn.
    Scan(f64),
}

/// Whether messages are only seen after a transaction of the producer: it sends a half message, does
/// something of its own, then commits or rolls back, or is asked about it by the broker.
#[derive(Debug, Clone, PartialEq)]
pub enum Transactions {
    /// Messages are seen at once.
    None,
    /// Half messages.
    Half(Box<HalfMessages>),
}

/// Half messages: invisible until the producer's own transaction has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct HalfMessages {
    /// How long the producer's own transaction takes.
    pub local: Distribution,
    /// Probability that it then commits, and the order goes on.
    pub commit: f64,
    /// Probability that it rolls back, and the order is cancelled. With what is left nothing is heard, or
    /// the answer to the broker's question is that it is still unknown; each answer has the same chances.
    pub rollback: f64,
    /// Seconds after which the broker first asks; at least 0.
    pub timeout: f64,
    /// Seconds between its rounds of asking; above 0.
    pub check_every: f64,
    /// Questions until it gives up, and the order is cancelled.
    pub checks: u32,
}

/// What handing over takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Costs {
    /// Seconds from the sender to the broker, without what the size adds.
    pub network: Distribution,
    /// Bytes per second of the way; infinite: the size does not matter.
    pub bandwidth: f64,
    /// Seconds for which the first message of a batch waits for others; 0 sends each alone.
    pub linger: f64,
    /// Bytes at which a batch is sent before that; infinite: never.
    pub batch_bytes: f64,
    /// Seconds for which the broker's writer is busy with each message, one after the other.
    pub persistence: Distribution,
    /// Seconds of waiting for the writer after which a message is refused; infinite: never.
    pub refuse_after: f64,
    /// Seconds until a written message can be delivered.
    pub confirm: Distribution,
    /// Seconds from the commitment to a consumer until it has the message.
    pub handover: Distribution,
    /// Seconds from the end of the work until the broker knows of it.
    pub acknowledge: Distribution,
}

/// Whether the broker of a stage fails by chance.
#[derive(Debug, Clone, PartialEq)]
pub enum Outages {
    /// It never does.
    Never,
    /// Again and again.
    Repeated(Box<Outage>),
}

/// How a broker fails: nothing is accepted, handed over or acknowledged meanwhile.
#[derive(Debug, Clone, PartialEq)]
pub struct Outage {
    /// Time from a recovery to the next failure.
    pub uptime: Distribution,
    /// Time from a failure until it, or another in its place, serves again.
    pub downtime: Distribution,
}

/// No time at all.
fn nothing() -> Distribution {
    Distribution::deterministic(0.0).expect("0 is a time")
}

impl Default for Costs {
    fn default() -> Costs {
        Costs {
            network: nothing(),
            bandwidth: f64::INFINITY,
            linger: 0.0,
            batch_bytes: f64::INFINITY,
            persistence: nothing(),
            refuse_after: f64::INFINITY,
            confirm: nothing(),
            handover: nothing(),
            acknowledge: nothing(),
        }
    }
}

/// The ideal queue.
impl Default for Broker {
    fn default() -> Broker {
        Broker {
            system: System::Memory,
            store: Store::Shared,
            commitment: Commitment::OnDemand,
            threads: 1,
            acknowledgement: Acknowledgement::PerMessage {
                timeout: f64::INFINITY,
            },
            detection: 0.0,
            rebalance: 0.0,
            outside: Outside::Rejected,
            expiry: Expiry::AtOnce,
            durable: true,
            idempotent: false,
            transaction: Transactions::None,
            costs: Costs::default(),
            outages: Outages::Never,
        }
    }
}
