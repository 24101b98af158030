//! Broker systems behind one small trait, one file an adapter.
//!
//! An adapter is a thin skin over a client library: it makes the queues of a run, sends, receives,
//! acknowledges, and takes away what it made. What a stage does with messages (work, retries, routes,
//! crashes) is not its business, nor is time, except that it stamps confirmations as they arrive.
//!
//! | adapter | system | client | feature |
//! | --- | --- | --- | --- |
//! | [`memory`] | inside this process | none | always there |
//! | `activemq` | ActiveMQ Classic | fe2o3-amqp, AMQP 1.0 | `activemq` |
//! | `kafka` | Apache Kafka | rdkafka | `kafka` |
//! | `rabbitmq` | RabbitMQ | its own, AMQP 0-9-1 | `rabbitmq` |
//! | `rocketmq` | RocketMQ 5 | its own, the remoting protocol | `rocketmq` |
//! | `zeromq` | ZeroMQ sockets, no broker | zeromq, all Rust | `zeromq` |
//!
//! What an adapter cannot do it says in its [`Abilities`]; a scenario that needs it is refused before
//! the run.

#[cfg(feature = "activemq")]
pub mod activemq;
mod address;
#[cfg(feature = "kafka")]
pub mod kafka;
pub mod memory;
#[cfg(feature = "rabbitmq")]
pub mod rabbitmq;
#[cfg(feature = "rocketmq")]
pub mod rocketmq;
#[cfg(feature = "zeromq")]
pub mod zeromq;

pub use address::AddressError;

use crate::network::System;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A broker system that messages of a run go through.
pub trait Broker: Send + Sync + Sized + 'static {
    /// Sends messages.
    type Sender: Sender;
    /// Receives them.
    type Receiver: Receiver;

    /// Which system it is.
    const SYSTEM: System;
    /// What it can do.
    const ABILITIES: Abilities;

    /// Connects, logs in, and makes the queues of a run, with names that no other run has. If anything
    /// of that fails, what was made is taken away again.
    ///
    /// # Errors
    /// When the broker cannot be reached within [`Target::patience`], or refuses.
    fn open(target: Target) -> impl Future<Output = Result<Self, BrokerError>> + Send;

    /// What the system calls itself, with its version.
    fn version(&self) -> String;

    /// A sender with a connection of its own. It tells `confirmations` what has become of each message.
    ///
    /// # Errors
    /// When the broker cannot be reached, or refuses.
    fn sender(
        &self,
        confirmations: Confirmations,
    ) -> impl Future<Output = Result<Self::Sender, BrokerError>> + Send;

    /// The `member`-th of the receivers of a queue (counted from 0), with a connection of its own.
    ///
    /// # Errors
    /// When the broker cannot be reached, or refuses.
    fn receiver(
        &self,
        queue: usize,
        member: usize,
    ) -> impl Future<Output = Result<Self::Receiver, BrokerError>> + Send;

    /// Messages of a queue that wait for a receiver, where the system tells.
    ///
    /// # Errors
    /// When the broker cannot be reached, or refuses.
    fn depth(&self, queue: usize) -> impl Future<Output = Result<Option<u64>, BrokerError>> + Send;

    /// The longest that a message of a queue may be out of sight of [`Broker::depth`] and of all receivers
    /// and still be there, after whoever held it died. Only then is an order that is nowhere to be seen lost.
    /// Zero where a cut connection gives back what it held at once.
    fn out_of_sight(&self, _queue: usize) -> Duration {
        Duration::ZERO
    }

    /// Messages that were put aside as dead letters of a queue ([`Settlement::DeadLetter`]), where the system keeps and tells them.
    ///
    /// # Errors
    /// When the broker cannot be reached, or refuses.
    fn dead_letters(
        &self,
        queue: usize,
    ) -> impl Future<Output = Result<Option<u64>, BrokerError>> + Send;

    /// Takes away all that was made for the run, and disconnects.
    ///
    /// # Errors
    /// When the broker cannot be reached, or refuses: says what is left behind.
    fn remove(self) -> impl Future<Output = Result<(), BrokerError>> + Send;
}

/// Sends messages over a connection of its own.
pub trait Sender: Send + 'static {
    /// Hands a message to the broker's client, which has written it or is about to; the broker's answer
    /// comes later, by [`Confirmations`]. Waits only where the system pushes back.
    ///
    /// # Errors
    /// When the connection is lost, or the broker refuses the sender. Whatever was not confirmed may or
    /// may not have arrived.
    fn send(&mut self, message: Outgoing) -> impl Future<Output = Result<(), BrokerError>> + Send;

    /// Why the connection is lost, once that is known. Systems without a broker have none to lose.
    fn trouble(&self) -> Option<BrokerError> {
        None
    }

    /// Says goodbye, once all that was sent is on its way.
    fn close(self) -> impl Future<Output = ()> + Send;
}

/// Receives messages over a connection of its own.
pub trait Receiver: Send + 'static {
    /// What the broker must be shown to settle a message.
    type Receipt: Send + 'static;

    /// The next message. It can be dropped at any point without losing one.
    ///
    /// # Errors
    /// When the connection is lost, or the broker refuses the receiver.
    fn receive(
        &mut self,
    ) -> impl Future<Output = Result<Incoming<Self::Receipt>, BrokerError>> + Send;

    /// Settles a message: returns when the broker has been told, not when it has heard.
    ///
    /// # Errors
    /// When the connection is lost.
    fn settle(
        &mut self,
        receipt: Self::Receipt,
        how: Settlement,
    ) -> impl Future<Output = Result<(), BrokerError>> + Send;

    /// Disconnects in good order: what was not settled goes back.
    fn close(self) -> impl Future<Output = ()> + Send;

    /// Is gone as a process is that was killed: no goodbye, nothing settled, the connection is cut.
    fn kill(self);
}

/// How a receiver settles a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// Its work is done: the broker may forget it.
    Done,
    /// It is to be delivered again, from its old place ([`Abilities::requeues`]).
    Requeue,
    /// It is to be put aside ([`Abilities::dead_letters`]).
    DeadLetter,
}

/// What an adapter can do, or why not.
#[derive(Debug, Clone, Copy)]
pub struct Abilities {
    /// Levels of priority, of which the higher go first; 1 where all messages are equal.
    pub priorities: u8,
    /// Senders that keep messages back to send several at once ([`QueueSpec::linger`]).
    pub batches: bool,
    /// Other orders of service than first in, first out, and priorities.
    pub disciplines: bool,
    /// A bound on the number of waiting messages beyond which senders are refused.
    pub bounded: bool,
    /// Messages that expire in the queue, and are heard of.
    pub time_to_live: bool,
    /// [`Settlement::Requeue`].
    pub requeues: bool,
    /// [`Settlement::DeadLetter`].
    pub dead_letters: bool,
    /// [`Outgoing::delay`] by the system's own means.
    pub delays: bool,
    /// What was not settled is delivered again after a receiver died.
    pub redelivers: bool,
    /// One queue that all receivers share.
    pub shared: bool,
    /// Lanes, each read by one receiver at a time.
    pub partitions: bool,
    /// Messages survive a restart of the broker if they are asked to.
    pub durable: bool,
    /// Limits on how many unsettled messages a receiver is given.
    pub window: bool,
}

impl Abilities {
    /// None of them.
    pub const NONE: Abilities = Abilities {
        priorities: 1,
        batches: false,
        disciplines: false,
        bounded: false,
        time_to_live: false,
        requeues: false,
        dead_letters: false,
        delays: false,
        redelivers: false,
        shared: false,
        partitions: false,
        durable: false,
        window: false,
    };
}

/// Where a run's messages go, and what is made there.
#[derive(Debug, Clone)]
pub struct Target {
    /// The address; none for the default of the system.
    pub address: Option<Address>,
    /// A name that no other run has; letters, digits and hyphens.
    pub run: String,
    /// What is made: one for each stage, in order.
    pub queues: Vec<QueueSpec>,
    /// How long to wait for an answer of the broker.
    pub patience: Duration,
    /// Whom to tell of messages that the broker throws away ([`Abilities::time_to_live`],
    /// [`Overflow::DropOldest`]).
    pub discarded: Discards,
}

/// A queue (or topic) to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueSpec {
    /// The stage's name, in letters that any broker takes: letters, digits and hyphens.
    pub name: String,
    /// Members of the group of receivers.
    pub members: usize,
    /// Lanes; 0 for one shared queue.
    pub partitions: u32,
    /// Unsettled messages that a receiver is given at most; `u32::MAX` is no limit.
    pub window: u32,
    /// Whether a message is forgotten as soon as it is delivered: settling then does nothing.
    pub settled_on_delivery: bool,
    /// Whether messages survive a restart of the broker.
    pub durable: bool,
    /// Number of levels of priority; 1 for none.
    pub priorities: u8,
    /// Waiting messages at most, and what happens to one too many; none for no bound.
    pub bound: Option<Bound>,
    /// How long a message may wait.
    pub time_to_live: Option<Duration>,
    /// Whether there are to be dead letters.
    pub dead_letters: bool,
    /// Whether there are to be delayed messages.
    pub delays: bool,
    /// How long a receiver may be silent before others get what it held, where the system goes by that.
    pub detection: Duration,
    /// By when all receivers have heard that one has come or gone, where they are told in turn.
    pub rebalance: Duration,
    /// In which order messages are delivered, where that is not first in, first out.
    pub discipline: crate::network::Discipline,
    /// How long the first message of a batch waits for others at its sender ([`Abilities::batches`]): of all
    /// that one sender, or all of them together, send to the queue or one of its lanes.
    pub linger: Duration,
    /// Bytes at which a batch is sent before that.
    pub batch_bytes: f64,
    /// How long a receiver may keep what it has settled to itself, where the system is told of several
    /// messages at once; zero for not at all.
    pub commit_every: Duration,
}

impl QueueSpec {
    /// A queue with nothing special, that one receiver has to itself.
    pub fn plain(name: &str) -> QueueSpec {
        QueueSpec {
            name: name.to_owned(),
            members: 1,
            partitions: 0,
            window: u32::MAX,
            settled_on_delivery: false,
            durable: false,
            priorities: 1,
            bound: None,
            time_to_live: None,
            dead_letters: false,
            delays: false,
            detection: Duration::ZERO,
            rebalance: Duration::ZERO,
            discipline: crate::network::Discipline::Fifo,
            linger: Duration::ZERO,
            batch_bytes: f64::INFINITY,
            commit_every: Duration::ZERO,
        }
    }
}

/// A bound on the number of waiting messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// Waiting messages at most.
    pub places: u64,
    /// What happens to one too many.
    pub overflow: Overflow,
}

/// What happens to a message that finds its queue full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overflow {
    /// It is refused, and the sender told so.
    Refuse,
    /// It takes the place of the oldest.
    DropOldest,
}

/// A message on its way out.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    /// The sender's own number for it, used in its confirmation.
    pub tag: u64,
    /// Index of the queue in [`Target::queues`].
    pub queue: usize,
    /// What it carries.
    pub body: Vec<u8>,
    /// 0 is served first.
    pub priority: u8,
    /// The lane, where there are lanes.
    pub lane: u32,
    /// Its place by the queue's discipline, lowest first, where an adapter does disciplines.
    pub key: u64,
    /// Whether and how long it is kept back; only where [`Abilities::delays`].
    pub delay: Option<Duration>,
}

/// A message that has come in.
#[derive(Debug)]
pub struct Incoming<R> {
    /// What it carries.
    pub body: Vec<u8>,
    /// Whether the broker says that it was delivered before.
    pub redelivered: bool,
    /// To settle it with.
    pub receipt: R,
}

/// What has become of a message that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The broker has it.
    Stored,
    /// The broker does not take it: its queue is full, or it is busy.
    Refused,
}

/// Why a broker threw a message away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discarded {
    /// Its time to live was over.
    Expired,
    /// It had to make room for a newer one.
    Displaced,
}

/// One message's fate, as heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confirmation {
    /// [`Outgoing::tag`].
    pub tag: u64,
    /// What has become of it.
    pub fate: Fate,
    /// When that was heard.
    pub at: Instant,
}

/// Where a sender tells what has become of its messages. Cheap to clone and to call from anywhere.
#[derive(Clone)]
pub struct Confirmations(Arc<dyn Fn(Confirmation) + Send + Sync>);

impl Confirmations {
    /// Calls `tell` for each; it must not block.
    pub fn new(tell: impl Fn(Confirmation) + Send + Sync + 'static) -> Confirmations {
        Confirmations(Arc::new(tell))
    }

    /// Tells what has become of a message, as of now.
    pub fn tell(&self, tag: u64, fate: Fate) {
        let at = Instant::now();
        (self.0)(Confirmation { tag, fate, at });
    }
}

/// Where an adapter tells which messages its broker has thrown away. Cheap to clone and to call from
/// anywhere.
#[derive(Clone)]
pub struct Discards(Arc<TellDiscarded>);

type TellDiscarded = dyn Fn(&[u8], Discarded) + Send + Sync;

impl Discards {
    /// Calls `tell` with the body of each; it must not block.
    pub fn new(tell: impl Fn(&[u8], Discarded) + Send + Sync + 'static) -> Discards {
        Discards(Arc::new(tell))
    }

    /// Tells of a message by its body.
    pub fn tell(&self, body: &[u8], why: Discarded) {
        (self.0)(body, why);
    }
}

impl fmt::Debug for Discards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Discards")
    }
}

impl fmt::Debug for Confirmations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Confirmations")
    }
}

/// Where a broker is, and who is asking, which never shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    /// The scheme, such as `amqp`.
    pub scheme: String,
    /// Host name or address.
    pub host: String,
    /// The port; none for the system's usual one.
    pub port: Option<u16>,
    /// The user's name.
    pub user: Option<String>,
    /// The password.
    pub password: Option<Secret>,
    /// What follows the port, without its first slash: a virtual host.
    pub path: String,
}

/// A text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The text, for the broker alone.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Where it is, without who asks: neither user nor password.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme)?;
        match self.host.contains(':') {
            true => write!(f, "[{}]", self.host)?,
            false => f.write_str(&self.host)?,
        }
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        if self.path.is_empty() {
            Ok(())
        } else {
            write!(f, "/{}", address::encoded(&self.path))
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Why a broker could not do what was asked. Texts say where, what, and what would be right, and hold no
/// password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrokerError {
    /// Nobody there, or no answer in time.
    #[error("no broker at {address}: {why}")]
    Unreachable {
        /// Where.
        address: String,
        /// What was seen.
        why: String,
    },
    /// It does not let this user in.
    #[error("the broker at {address} refuses the login: {why}")]
    Login {
        /// Where.
        address: String,
        /// What it says.
        why: String,
    },
    /// It does not let this user do something.
    #[error("the broker at {address} does not allow to {action}: {why}")]
    Forbidden {
        /// Where.
        address: String,
        /// What was tried.
        action: String,
        /// What it says.
        why: String,
    },
    /// The connection was there and is lost. The only one that is worth another try.
    #[error("the connection to {address} is lost: {why}")]
    Lost {
        /// Where.
        address: String,
        /// What was seen.
        why: String,
    },
    /// Anything else that the broker says.
    #[error("the broker at {address} could not {action}: {why}")]
    Failed {
        /// Where.
        address: String,
        /// What was tried.
        action: String,
        /// What it says.
        why: String,
    },
}

impl BrokerError {
    /// Whether connecting again may help.
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            BrokerError::Lost { .. } | BrokerError::Unreachable { .. }
        )
    }
}
