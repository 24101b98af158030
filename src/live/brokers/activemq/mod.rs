//! ActiveMQ Classic, over AMQP 1.0.
//!
//! The client is `fe2o3-amqp`: pure Rust, kept up, with dispositions, credit and outcomes in the open,
//! over any stream. STOMP would take less code but says less: no credit, a refusal is always a dead
//! letter, and nothing can be given back. ActiveMQ's own OpenWire has no client in Rust.
//!
//! | what is asked | what is done |
//! | --- | --- |
//! | queues | `orderline.<run>.<queue>`, made when a link attaches |
//! | window | link credit, granted anew when it is used up and as much as there is room: never more than the window, at times a little less ahead |
//! | done, requeue, dead letter | accepted, modified (delivery failed), rejected |
//! | requeue | the broker hands the message to the same receiver again, next but for what the window already holds; another gets it when that one goes |
//! | settled on delivery | the link's sender settles |
//! | durable, priority | header `durable`, `priority` (9 first, as JMS has it) |
//! | delay | annotation `x-opt-delivery-delay`; the scheduler looks every half second, so up to that much late |
//! | confirmation | the outcome of the transfer: for durable messages after the journal is synced |
//!
//! Some of it depends on the broker's own settings, and a client cannot ask for them. `open` tries
//! those that the queues need, and refuses when they are missing:
//!
//! * priorities: `prioritizedMessages` of the queue's policy;
//! * delays: `schedulerSupport` of the broker.
//!
//! Others only make less known or leave more behind:
//!
//! * `statisticsBrokerPlugin`: without it, depths are not told;
//! * `individualDeadLetterStrategy` with the prefix `DLQ.`: without it dead letters of all queues lie in
//!   one, and their number is not told; without its `processNonPersistent`, rejected messages that are
//!   not durable are gone;
//! * `gcInactiveDestinations`: AMQP has no means to delete a queue of ActiveMQ Classic. [`Broker::remove`]
//!   empties what the run made, and the broker takes the empty queues away by this setting, or they stay.
//!
//! Expired messages are found too late (every 30 s) and go where dead letters go, and a full queue blocks
//! its senders rather than refusing: no time to live and no bound here.

mod desk;
mod line;
mod receiver;
mod sender;

pub use receiver::ActiveMqReceiver;
pub use sender::ActiveMqSender;

use super::{Abilities, Broker, BrokerError, Confirmations, Outgoing, QueueSpec, Target};
use crate::network::System;
use desk::{Desk, Level};
use fe2o3_amqp::types::messaging::{Body, Source};
use fe2o3_amqp::types::primitives::Value;
use fe2o3_amqp::{Delivery, Receiver};
use line::{Line, Place};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// The highest priority of JMS; there are ten.
const HIGHEST: u8 = 9;

/// Where dead letters lie if the broker's policy does not say otherwise.
const SHARED_DEAD_LETTERS: &str = "ActiveMQ.DLQ";

/// How long a queue must have given nothing to be held empty.
const EMPTY: Duration = Duration::from_millis(300);

/// How long a delayed message is tried with, and within what time it must not come.
const TRIED_DELAY: Duration = Duration::from_millis(400);

/// ActiveMQ Classic with the queues of a run.
pub struct ActiveMq {
    place: Arc<Place>,
    queues: Arc<[Queue]>,
    counts: Arc<Counts>,
    product: String,
    /// Whether the broker tells depths.
    tells: bool,
    desk: Mutex<Option<Desk>>,
}

/// A queue that was made.
struct Queue {
    name: String,
    run: String,
    spec: QueueSpec,
}

impl Queue {
    fn of(run: &str, spec: QueueSpec) -> Queue {
        Queue {
            name: format!("orderline.{run}.{}", spec.name),
            run: run.to_owned(),
            spec,
        }
    }

    /// Where its dead letters are if it has a place of its own for them.
    fn dead_letters(&self) -> String {
        format!("DLQ.{}", self.name)
    }
}

/// Messages of each queue that receivers have rejected.
struct Counts(Vec<AtomicU64>);

impl Counts {
    fn reject(&self, queue: usize) {
        self.0[queue].fetch_add(1, Ordering::Relaxed);
    }

    fn rejected(&self, queue: usize) -> u64 {
        self.0[queue].load(Ordering::Relaxed)
    }
}

/// The broker's priority for ours: 0 first becomes 9 first.
fn priority(ours: u8) -> u8 {
    HIGHEST - ours.min(HIGHEST)
}

impl Broker for ActiveMq {
    type Sender = ActiveMqSender;
    type Receiver = ActiveMqReceiver;

    const SYSTEM: System = System::ActiveMq;
    const ABILITIES: Abilities = Abilities {
        priorities: HIGHEST + 1,
        requeues: true,
        dead_letters: true,
        delays: true,
        redelivers: true,
        shared: true,
        durable: true,
        window: true,
        ..Abilities::NONE
    };

    async fn open(target: Target) -> Result<ActiveMq, BrokerError> {
        let place = Arc::new(Place::new(target.address, &target.run, target.patience));
        let named = target
            .queues
            .into_iter()
            .map(|spec| Queue::of(&target.run, spec));
        let queues: Arc<[Queue]> = named.collect();
        let mut desk = Desk::open(&place).await?;
        let made = make(&place, &queues).await;
        let tells = match made {
            Ok(()) => desk.answers(&place).await,
            Err(error) => Err(error),
        };
        let counts = Counts(queues.iter().map(|_| AtomicU64::new(0)).collect());
        let broker = ActiveMq {
            product: desk.product(),
            tells: matches!(tells, Ok(true)),
            desk: Mutex::new(Some(desk)),
            counts: Arc::new(counts),
            place,
            queues,
        };
        match tells {
            Ok(_) => Ok(broker),
            Err(error) => {
                let _ = broker.remove().await;
                Err(error)
            }
        }
    }

    fn version(&self) -> String {
        self.product.clone()
    }

    async fn sender(&self, confirmations: Confirmations) -> Result<ActiveMqSender, BrokerError> {
        ActiveMqSender::open(self.place.clone(), self.queues.clone(), confirmations).await
    }

    async fn receiver(
        &self,
        queue: usize,
        _member: usize,
    ) -> Result<ActiveMqReceiver, BrokerError> {
        let counts = self.counts.clone();
        ActiveMqReceiver::open(self.place.clone(), &self.queues, queue, counts).await
    }

    async fn depth(&self, queue: usize) -> Result<Option<u64>, BrokerError> {
        let level = self.level(&self.queues[queue].name).await?;
        Ok(level.map(Level::waiting))
    }

    /// Not told if the broker puts dead letters where those of others are too.
    async fn dead_letters(&self, queue: usize) -> Result<Option<u64>, BrokerError> {
        let rejected = self.counts.rejected(queue);
        let level = self.level(&self.queues[queue].dead_letters()).await?;
        let told = level.map(|level| level.size);
        Ok(told.filter(|&there| there > 0 || rejected == 0))
    }

    async fn remove(self) -> Result<(), BrokerError> {
        *self.desk.lock().await = None;
        self.place.cut_all();
        let mut line = self.place.open("remover").await?;
        let emptied = self.empty(&mut line).await;
        line.close(0).await;
        if let Some(desk) = self.desk.lock().await.take() {
            desk.close().await;
        }
        emptied
    }
}

impl ActiveMq {
    /// How full any queue is, asked over a connection that is made anew when it was lost.
    async fn level(&self, name: &str) -> Result<Option<Level>, BrokerError> {
        if !self.tells {
            return Ok(None);
        }
        let mut desk = self.desk.lock().await;
        let mut at = match desk.take() {
            Some(open) => open,
            None => Desk::open(&self.place).await?,
        };
        let level = at.level(&self.place, name).await?;
        let level =
            level.ok_or_else(|| self.place.lost("the statistics do not answer any more"))?;
        *desk = Some(at);
        Ok(Some(level))
    }

    /// Takes back what is still to be delivered later.
    async fn unschedule(&self) -> Result<(), BrokerError> {
        if !self.queues.iter().any(|queue| queue.spec.delays) {
            return Ok(());
        }
        let mut desk = Desk::open(&self.place).await?;
        desk.unschedule(&self.place, self.place.run()).await?;
        desk.close().await;
        Ok(())
    }

    /// Takes out all that is left of the run, dead letters too, wherever they are.
    async fn empty(&self, line: &mut Line) -> Result<(), BrokerError> {
        self.unschedule().await?;
        let mut elsewhere = 0;
        for (index, queue) in self.queues.iter().enumerate() {
            self.drain(line, &queue.name).await?;
            let rejected = self.counts.rejected(index);
            if rejected > 0 {
                let taken = self.drain(line, &queue.dead_letters()).await?;
                elsewhere += rejected.saturating_sub(taken);
            }
        }
        if elsewhere > 0 {
            let ours = receiver::chosen(SHARED_DEAD_LETTERS, self.place.run());
            drain(&self.place, line, ours).await?;
        }
        Ok(())
    }

    /// Takes out all that a queue has, and says how much that was. Where the broker tells how full it is,
    /// until it is empty: what a receiver had that was cut off comes back a little later.
    async fn drain(&self, line: &mut Line, name: &str) -> Result<u64, BrokerError> {
        let until = Instant::now() + self.place.patience();
        let mut taken = 0;
        loop {
            let left = self.level(name).await?.map(|level| level.size);
            if left == Some(0) {
                return Ok(taken);
            }
            taken += drain(&self.place, line, receiver::from(name)).await?;
            match left {
                None => return Ok(taken),
                Some(left) if Instant::now() > until => {
                    return Err(self
                        .place
                        .failed(format!("empty {name}"), format!("{left} messages stay")));
                }
                Some(_) => {}
            }
        }
    }
}

/// Makes the queues, and tries what the broker must have been set up for.
async fn make(place: &Place, queues: &[Queue]) -> Result<(), BrokerError> {
    let mut line = place.open("maker").await?;
    let tried = try_out(place, &mut line, queues).await;
    line.close(0).await;
    tried
}

async fn try_out(place: &Place, line: &mut Line, queues: &[Queue]) -> Result<(), BrokerError> {
    let mut links = place.patiently(sender::attach(place, line, queues)).await?;
    for (index, (queue, link)) in queues.iter().zip(&mut links).enumerate() {
        if queue.spec.priorities > 1 {
            try_priorities(place, line, queue, index, link).await?;
        }
        if queue.spec.delays {
            try_delays(place, line, queue, index, link).await?;
        }
    }
    Ok(())
}

/// Sends an unimportant and an important message, and looks which one comes first.
async fn try_priorities(
    place: &Place,
    line: &mut Line,
    queue: &Queue,
    index: usize,
    link: &mut fe2o3_amqp::Sender,
) -> Result<(), BrokerError> {
    let what = "serve by priority";
    for level in [HIGHEST, 0] {
        put(place, queue, link, trial(index, level, None)).await?;
    }
    let first = take(place, line, &queue.name, 2).await?;
    match first.as_slice() {
        [0, HIGHEST] => Ok(()),
        _ => {
            let why = "it did not; the policy of the queue needs prioritizedMessages=\"true\"";
            Err(place.failed(what, why))
        }
    }
}

/// Sends a message that is to be kept back, and looks whether it is.
async fn try_delays(
    place: &Place,
    line: &mut Line,
    queue: &Queue,
    index: usize,
    link: &mut fe2o3_amqp::Sender,
) -> Result<(), BrokerError> {
    let sent = Instant::now();
    put(place, queue, link, trial(index, 0, Some(TRIED_DELAY))).await?;
    take(place, line, &queue.name, 1).await?;
    if sent.elapsed() >= TRIED_DELAY {
        return Ok(());
    }
    let why = "it did not; the broker needs schedulerSupport=\"true\"";
    Err(place.failed("keep a message back", why))
}

fn trial(queue: usize, priority: u8, delay: Option<Duration>) -> Outgoing {
    Outgoing {
        tag: 0,
        queue,
        body: vec![priority],
        priority,
        lane: 0,
        key: 0,
        delay,
    }
}

async fn put(
    place: &Place,
    queue: &Queue,
    link: &mut fe2o3_amqp::Sender,
    message: Outgoing,
) -> Result<(), BrokerError> {
    let sent = place.patiently(async {
        let sent = link.send(sender::written(queue, message)).await;
        sent.map_err(|error| place.not_sent(error))
    });
    sent.await.map(drop)
}

/// The first bytes of the next messages of a queue.
async fn take(
    place: &Place,
    line: &mut Line,
    name: &str,
    messages: u32,
) -> Result<Vec<u8>, BrokerError> {
    place
        .patiently(async {
            let mut link = receiver::attach(place, line, receiver::from(name), false).await?;
            link.set_credit(messages)
                .await
                .map_err(|error| place.lost(error))?;
            let mut first = Vec::new();
            for _ in 0..messages {
                let body = next(place, &mut link).await?;
                first.push(body.first().copied().unwrap_or_default());
            }
            let _ = link.close().await;
            Ok(first)
        })
        .await
}

/// The next message, accepted.
async fn next(place: &Place, link: &mut Receiver) -> Result<Vec<u8>, BrokerError> {
    let received = link.recv::<Body<Value>>().await;
    let delivery: Delivery<Body<Value>> = received.map_err(|error| place.not_received(error))?;
    link.accept(&delivery)
        .await
        .map_err(|error| place.lost(error))?;
    Ok(receiver::bytes(delivery.into_body()))
}

/// Takes whatever there is until nothing comes any more, and says how much that was.
async fn drain(place: &Place, line: &mut Line, source: Source) -> Result<u64, BrokerError> {
    const AT_ONCE: u32 = 500;
    let mut link = place
        .patiently(receiver::attach(place, line, source, false))
        .await?;
    let (mut taken, mut credit) = (0, 0);
    loop {
        if credit == 0 {
            link.set_credit(AT_ONCE)
                .await
                .map_err(|error| place.lost(error))?;
            credit = AT_ONCE;
        }
        match tokio::time::timeout(EMPTY, next(place, &mut link)).await {
            Ok(message) => drop(message?),
            Err(_) => break,
        }
        taken += 1;
        credit -= 1;
    }
    let _ = tokio::time::timeout(place.patience(), link.close()).await;
    Ok(taken)
}
