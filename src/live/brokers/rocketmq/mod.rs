//! RocketMQ 5, over its remoting protocol, with a client of its own.
//!
//! No lean client is kept up: `rocketmq-client-rust` 1.0.0 brings 363 crates and asks for Rust 1.95, the
//! official `rocketmq` 5.0.0 speaks gRPC to the proxy, dates from 2023 and needs `protoc`. The protocol is
//! small: a length, a header in JSON, a body. What is used of it here are the broker's own means, and no
//! proxy is needed:
//!
//! | what is asked | what is done |
//! | --- | --- |
//! | queues | a topic and a group for each, made at the broker and deleted in the end, those for retries and dead letters too |
//! | one shared queue | a topic of one queue, and POP: the broker hands messages out one by one and hides them from others ([`QueueSpec::detection`], at least 2 s, renewed while the receiver lives) |
//! | lanes | the topic's queues, dealt out to the members of the group by the members themselves as RocketMQ's push consumers do; pulled in batches of up to 32; a member notes its position with each settlement, or as often as the stage says |
//! | window | how many messages are popped, or pulled and handed over |
//! | redelivery | shared: when the time of hiding is over, from a topic of its own, so behind others, two to five seconds late, and marked; lanes: at once to whoever gets the lane, unmarked |
//! | dead letter | sent back with no attempt left: the broker copies it to the group's dead letters |
//! | confirmation | the answer to the sending, which by default does not wait for the disk |
//!
//! What receivers of a shared queue held when the broker stopped comes again when it is back, and was seen, in one
//! restart of many, to come twice, though it was settled the first time.
//!
//! A message cannot go back to its old place in the log: [`Settlement::Requeue`] only gives it back before
//! its time, which takes as long (or, in a lane, hands it over again), and is not among the
//! abilities. Nor are delays: the broker's timer ticks once a second, and messages of one tick were seen to
//! come out last in, first out. There are no priorities and no bounds; a busy broker refuses
//! ([`Fate::Refused`]). Of several brokers the first by name is used. The access control lists of RocketMQ
//! are not spoken: an address with a user is refused.
//!
//! [`Settlement::Requeue`]: super::Settlement::Requeue
//! [`Fate::Refused`]: super::Fate::Refused

mod admin;
mod handle;
mod keeper;
mod lanes;
mod message;
mod pop;
mod sender;
mod wire;

pub use sender::RocketMqSender;

use super::{
    Abilities, Broker, BrokerError, Confirmations, Incoming, QueueSpec, Receiver, Settlement,
    Target,
};
use crate::network::System;
use admin::Master;
use lanes::Lanes;
use pop::Pop;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use wire::{Cut, Line, Place};

/// Names of topics are at most 127 letters long; the longest has its group's name and a few letters more.
const LONGEST: usize = 90;

/// From the end of a message's hiding until the broker has put it among those for retries, at the latest.
/// It does so for what is two seconds older than the newest end of a hiding that it has read, or, where
/// nothing is hidden any more, three seconds after the last; once a second, three when it is slow, in scans
/// of up to ten seconds. Two to five seconds were seen; there is no telling of a busy machine.
const REVIVAL: Duration = Duration::from_secs(30);

/// RocketMQ with the topics of a run.
pub struct RocketMq {
    names: Place,
    master: Master,
    version: String,
    queues: Arc<[Queue]>,
    /// The connections of senders and receivers.
    cuts: Mutex<Vec<Cut>>,
    members: AtomicU64,
}

/// A topic that was made, with its group.
struct Queue {
    topic: String,
    group: String,
    spec: QueueSpec,
}

impl Queue {
    /// Names that no other run ever has: what is left of a topic in the log does not come up again.
    fn all(target: &Target) -> Vec<Queue> {
        let once = once();
        let named = target.queues.iter().enumerate().map(|(index, spec)| Queue {
            topic: format!("orderline-{}-{}-{once}", target.run, spec.name),
            group: format!("orderline-{once}-{index}"),
            spec: spec.clone(),
        });
        named.collect()
    }

    /// All topics that come of it, the last one being its own.
    fn topics(&self) -> [String; 5] {
        [
            handle::retry_topic(&self.group, '_', &self.topic),
            handle::retry_topic(&self.group, '+', &self.topic),
            format!("%RETRY%{}", self.group),
            self.dead_letters(),
            self.topic.clone(),
        ]
    }

    fn dead_letters(&self) -> String {
        format!("%DLQ%{}", self.group)
    }

    fn lanes(&self) -> u32 {
        self.spec.partitions.max(1)
    }
}

/// Milliseconds since 1970, as the broker counts them.
fn now() -> u128 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or(Duration::ZERO).as_millis()
}

/// A few letters that are never the same again on this machine.
fn once() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!(
        "{:x}-{:x}-{count:x}",
        now() & 0xff_ffff_ffff,
        std::process::id()
    )
}

/// Receives from one queue.
pub struct RocketMqReceiver(Kind);

enum Kind {
    Shared(Box<Pop>),
    Lanes(Box<Lanes>),
}

/// What settles a message.
#[derive(Debug)]
pub struct RocketMqReceipt(Receipt);

#[derive(Debug)]
enum Receipt {
    Shared(pop::Taken),
    Lanes(lanes::Taken),
}

impl Broker for RocketMq {
    type Sender = RocketMqSender;
    type Receiver = RocketMqReceiver;

    const SYSTEM: System = System::RocketMq;
    const ABILITIES: Abilities = Abilities {
        dead_letters: true,
        redelivers: true,
        shared: true,
        partitions: true,
        durable: true,
        window: true,
        ..Abilities::NONE
    };

    async fn open(target: Target) -> Result<RocketMq, BrokerError> {
        let names = Place::names(target.address.as_ref(), target.patience);
        checked(&names, &target)?;
        let found = find(&names).await.map_err(|error| first(&names, error))?;
        let (master, version) = found;
        let broker = RocketMq {
            names,
            master,
            version: format!("RocketMQ {version}"),
            queues: Queue::all(&target).into(),
            cuts: Mutex::default(),
            members: AtomicU64::new(0),
        };
        match broker.make().await {
            Ok(()) => Ok(broker),
            Err(error) => {
                let _ = broker.remove().await;
                Err(error)
            }
        }
    }

    fn version(&self) -> String {
        self.version.clone()
    }

    async fn sender(&self, confirmations: Confirmations) -> Result<RocketMqSender, BrokerError> {
        let line = self.line().await?;
        Ok(RocketMqSender::new(
            line,
            self.queues.clone(),
            confirmations,
        ))
    }

    async fn receiver(&self, queue: usize, member: usize) -> Result<RocketMqReceiver, BrokerError> {
        let queue = &self.queues[queue];
        let line = self.line().await?;
        if queue.spec.partitions == 0 {
            let pop = Pop::new(line, queue, &self.master.name);
            return Ok(RocketMqReceiver(Kind::Shared(Box::new(pop))));
        }
        let number = self.members.fetch_add(1, Ordering::Relaxed);
        let client = format!("{}-{member:06}-{number}", queue.group);
        let lanes = Lanes::open(line, queue, client).await?;
        Ok(RocketMqReceiver(Kind::Lanes(Box::new(lanes))))
    }

    /// Shared: what was not handed out, be it for the first time or again. Lanes: what is not settled,
    /// since positions are all that the broker knows.
    async fn depth(&self, queue: usize) -> Result<Option<u64>, BrokerError> {
        let queue = &self.queues[queue];
        let mut line = self.master.place.connect().await?;
        let mut depth = 0;
        for lane in 0..queue.lanes() {
            depth += behind(&mut line, queue, &queue.topic, lane).await?;
        }
        if queue.spec.partitions == 0 {
            let [first, second, ..] = queue.topics();
            depth += behind(&mut line, queue, &first, 0).await?;
            depth += behind(&mut line, queue, &second, 0).await?;
        }
        Ok(Some(depth))
    }

    fn out_of_sight(&self, queue: usize) -> Duration {
        let spec = &self.queues[queue].spec;
        if spec.partitions == 0 {
            pop::hidden_for(spec) + REVIVAL
        } else {
            Duration::ZERO
        }
    }

    async fn dead_letters(&self, queue: usize) -> Result<Option<u64>, BrokerError> {
        let topic = self.queues[queue].dead_letters();
        let mut line = self.master.place.connect().await?;
        let end = admin::end(&mut line, &topic, 0).await?;
        Ok(Some(end.unsigned_abs()))
    }

    async fn remove(self) -> Result<(), BrokerError> {
        // A member that lives on would have the broker make its group again.
        self.cuts().drain(..).for_each(|cut| cut.cut());
        let mut names = self.names.connect().await?;
        let mut broker = self.master.place.connect().await?;
        let mut outcome = Ok(());
        for queue in self.queues.iter() {
            let deleted = admin::delete_group(&mut broker, &queue.group).await;
            outcome = outcome.and(deleted);
            for topic in queue.topics() {
                let deleted = admin::delete_topic(&mut broker, &mut names, &topic).await;
                outcome = outcome.and(deleted);
            }
        }
        outcome
    }
}

/// How many messages of a lane the group has not got to.
async fn behind(
    line: &mut Line,
    queue: &Queue,
    topic: &str,
    lane: u32,
) -> Result<u64, BrokerError> {
    let end = admin::end(line, topic, lane).await?;
    let position = admin::position(line, &queue.group, topic, lane).await?;
    Ok(u64::try_from(end - position).unwrap_or(0))
}

/// The broker, and its version.
async fn find(names: &Place) -> Result<(Master, String), BrokerError> {
    let mut line = names.connect().await?;
    let master = admin::master(&mut line).await?;
    let mut line = master.place.connect().await?;
    let version = admin::version(&mut line).await?;
    Ok((master, version))
}

/// Whoever hangs up on the first question is no name server that could be reached.
fn first(names: &Place, error: BrokerError) -> BrokerError {
    match error {
        BrokerError::Lost { why, .. } => names.unreachable(why),
        other => other,
    }
}

/// What can be told without asking anybody.
fn checked(names: &Place, target: &Target) -> Result<(), BrokerError> {
    if target
        .address
        .as_ref()
        .is_some_and(|address| address.user.is_some())
    {
        return Err(BrokerError::Login {
            address: names.address.clone(),
            why: "users and passwords of RocketMQ are not spoken here".to_owned(),
        });
    }
    match Queue::all(target)
        .into_iter()
        .find(|queue| queue.topic.len() > LONGEST)
    {
        Some(queue) => Err(names.failed(
            format!("make the topic {}", queue.topic),
            format!("its name has more than {LONGEST} letters"),
        )),
        None => Ok(()),
    }
}

impl RocketMq {
    fn cuts(&self) -> std::sync::MutexGuard<'_, Vec<Cut>> {
        self.cuts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection to the broker that ends with the run.
    async fn line(&self) -> Result<Line, BrokerError> {
        let line = self.master.place.connect().await?;
        let mut cuts = self.cuts();
        cuts.retain(Cut::is_used);
        cuts.push(line.cut.clone());
        Ok(line)
    }

    async fn make(&self) -> Result<(), BrokerError> {
        let mut line = self.master.place.connect().await?;
        for queue in self.queues.iter() {
            admin::create_topic(&mut line, &queue.topic, queue.lanes()).await?;
            admin::create_group(&mut line, &queue.group).await?;
        }
        Ok(())
    }
}

impl Receiver for RocketMqReceiver {
    type Receipt = RocketMqReceipt;

    async fn receive(&mut self) -> Result<Incoming<RocketMqReceipt>, BrokerError> {
        match &mut self.0 {
            Kind::Shared(pop) => pop.receive().await.map(|it| received(it, Receipt::Shared)),
            Kind::Lanes(lanes) => lanes.receive().await.map(|it| received(it, Receipt::Lanes)),
        }
    }

    async fn settle(
        &mut self,
        receipt: RocketMqReceipt,
        how: Settlement,
    ) -> Result<(), BrokerError> {
        match (&mut self.0, receipt.0) {
            (Kind::Shared(pop), Receipt::Shared(taken)) => pop.settle(taken, how).await,
            (Kind::Lanes(lanes), Receipt::Lanes(taken)) => lanes.settle(taken, how).await,
            // A receipt of another receiver settles nothing.
            _ => Ok(()),
        }
    }

    async fn close(self) {
        match self.0 {
            Kind::Shared(pop) => pop.close().await,
            Kind::Lanes(lanes) => lanes.close().await,
        }
    }

    /// The connection is cut as the receiver is dropped.
    fn kill(self) {}
}

fn received<T>(incoming: Incoming<T>, receipt: fn(T) -> Receipt) -> Incoming<RocketMqReceipt> {
    let Incoming {
        body,
        redelivered,
        receipt: taken,
    } = incoming;
    Incoming {
        body,
        redelivered,
        receipt: RocketMqReceipt(receipt(taken)),
    }
}
