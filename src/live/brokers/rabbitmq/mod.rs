//! RabbitMQ, by AMQP 0-9-1.
//!
//! The client is the adapter's own, on tokio alone, for the fifteen methods that are needed. Two crates were
//! tried first. `amqprs` 2.1 has no way to cut a connection without a goodbye, tells only by callbacks why
//! the broker closes something, and has `unreachable!` and `expect` in the task that reads. `lapin` 4.12 can
//! do all that is needed, with 74 crates, a thread for each connection through which every message and every
//! acknowledgement goes, and a future for each confirmation. Here a message goes from the socket to its
//! receiver with no task between, and a confirmation from the socket to whoever asked. From settling to the
//! next message of a waiting queue, with the same broker and a window of 1, that took 0.17 ms in the median,
//! with `amqprs` 0.21 and with `lapin` 0.26, and half of `lapin`'s processor time.
//!
//! What is made on the broker, for a run `r` and a queue `q`:
//!
//! | queue | for |
//! | --- | --- |
//! | `orderline.r.q` | the messages |
//! | `orderline.r.q.dead` | dead letters (`reject` without requeueing) |
//! | `orderline.r.q.gone` | messages that expired or were displaced, on their way to [`Discards`](super::Discards); nobody else reads it |
//! | `orderline.r.q.delay-N` | messages kept back for N ms |
//!
//! All are classic and durable queues (others are no longer wanted by RabbitMQ 4); whether a message
//! survives a restart is said with each message (delivery mode 2 or 1), which comes to the same. A queue
//! that nobody uses for an hour vanishes by itself (`x-expires`), so that a process that was killed leaves
//! nothing for ever; what a long run needs is asked for every 20 minutes.
//!
//! - A queue has one dead-letter exchange for all reasons. Where messages can both be rejected and be
//!   thrown away, all go to `.gone`, and the adapter passes rejected ones on to `.dead`: they are counted
//!   there a moment later.
//! - Delays are queues with a time to live that pass their messages on, one for each delay rounded up to
//!   the millisecond. One queue with a time for each message would be simpler, but there messages only
//!   expire at the head, behind longer ones. A delayed message that finds its queue full (with
//!   [`Overflow::Refuse`](super::Overflow)) is dropped by RabbitMQ without notice.
//! - Connections are not encrypted: `amqps` is refused.
//! - A server that is killed within two seconds or so of the making of a queue may come back without it, and
//!   without the messages in it that it had confirmed (3 of 63 times with RabbitMQ 3.10.8 killed at once, none of
//!   150 with it killed three seconds later): it says that the queue is made, writes that to its own tables, and
//!   now and then leaves that in its memory until it writes the next time. Such orders are counted as lost.
//! - RabbitMQ serves the highest priority first, Orderline the lowest.
//! - A window beyond 65 535 is none.
//! - Who is told nothing for about [`Target::patience`](super::Target) takes the connection for lost: both
//!   sides say something at least twice as often (heartbeats).

mod gone;
mod link;
mod queues;
mod receiver;
mod sender;
mod wire;

pub use receiver::RabbitMqReceiver;
pub use sender::RabbitMqSender;

use super::{Abilities, Broker, BrokerError, Confirmations, Target};
use crate::network::System;
use gone::Watch;
use link::{Link, Place};
use queues::Plan;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::JoinHandle;
use wire::{Arguments, Method, arguments, id};

/// The queues of a run on a RabbitMQ broker.
#[derive(Debug)]
pub struct RabbitMq {
    place: Arc<Place>,
    plans: Arc<[Plan]>,
    version: String,
    /// Queues for delayed messages.
    made: Made,
    control: Arc<Control>,
    /// What works beside the run, until it is removed.
    tasks: Vec<Task>,
}

/// Names of queues that were made while sending.
type Made = Arc<Mutex<BTreeSet<String>>>;

/// A task that ends with its owner.
#[derive(Debug)]
struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Broker for RabbitMq {
    type Sender = RabbitMqSender;
    type Receiver = RabbitMqReceiver;

    const SYSTEM: System = System::RabbitMq;
    const ABILITIES: Abilities = Abilities {
        priorities: 255,
        bounded: true,
        time_to_live: true,
        requeues: true,
        dead_letters: true,
        delays: true,
        redelivers: true,
        shared: true,
        durable: true,
        window: true,
        ..Abilities::NONE
    };

    async fn open(target: Target) -> Result<RabbitMq, BrokerError> {
        let place = Arc::new(Place::new(target.address.as_ref(), target.patience)?);
        let link = Link::open(&place).await?;
        let plans = target.queues.iter().map(|q| Plan::new(&target.run, q));
        let mut broker = RabbitMq {
            version: link.version.clone(),
            plans: plans.collect(),
            made: Made::default(),
            control: Arc::new(Control::new(&place, link)),
            place,
            tasks: Vec::new(),
        };
        match broker.start(target.discarded).await {
            Ok(()) => Ok(broker),
            Err(why) => {
                // The first trouble is the one to tell.
                let _ = broker.remove().await;
                Err(why)
            }
        }
    }

    fn version(&self) -> String {
        self.version.clone()
    }

    async fn sender(&self, confirmations: Confirmations) -> Result<RabbitMqSender, BrokerError> {
        RabbitMqSender::open(&self.place, &self.plans, &self.made, confirmations).await
    }

    async fn receiver(&self, queue: usize, member: usize) -> Result<RabbitMqReceiver, BrokerError> {
        RabbitMqReceiver::open(&self.place, &self.plans[queue], member).await
    }

    async fn depth(&self, queue: usize) -> Result<Option<u64>, BrokerError> {
        self.control.count(&self.plans[queue].name).await
    }

    async fn dead_letters(&self, queue: usize) -> Result<Option<u64>, BrokerError> {
        match &self.plans[queue].dead {
            Some(dead) => self.control.count(dead).await,
            None => Ok(None),
        }
    }

    async fn remove(mut self) -> Result<(), BrokerError> {
        self.tasks.clear();
        let made = std::mem::take(&mut *self.made.lock().unwrap_or_else(PoisonError::into_inner));
        let planned = self.plans.iter().rev().flat_map(Plan::declarations);
        let names: Vec<String> = planned.map(|queue| queue.name).chain(made).collect();
        for (index, name) in names.iter().enumerate() {
            let action = format!("delete the queue {name}");
            let delete = arguments().short(0).text(name).bits([false; 3]);
            if let Err(why) = self.control.call(&action, id::QUEUE_DELETE, &delete).await {
                let left = names[index..].join(", ");
                let why = format!("{why}; left behind, for an hour: {left}");
                return Err(self.place.failed(&action, why));
            }
        }
        self.control.close().await;
        Ok(())
    }
}

impl RabbitMq {
    /// Makes the queues, and starts what works beside the run.
    async fn start(&mut self, discards: super::Discards) -> Result<(), BrokerError> {
        self.control.renew(&self.plans).await?;
        let renewing = keep(Arc::clone(&self.control), Arc::clone(&self.plans));
        self.tasks.push(Task(tokio::spawn(renewing)));
        let watch = Watch {
            place: Arc::clone(&self.place),
            plans: Arc::clone(&self.plans),
            discards,
        };
        if watch.is_needed() {
            let link = watch.connect().await?;
            self.tasks.push(Task(tokio::spawn(watch.watch(link))));
        }
        Ok(())
    }
}

/// Asks for the queues again and again, so that they do not count as unused.
async fn keep(control: Arc<Control>, plans: Arc<[Plan]>) {
    loop {
        tokio::time::sleep(queues::RENEWAL).await;
        // A broker that is away now is asked the next time.
        let _ = control.renew(&plans).await;
    }
}

/// A connection for questions and orders, made again when it is lost.
#[derive(Debug)]
struct Control {
    place: Arc<Place>,
    link: tokio::sync::Mutex<Option<Link>>,
}

impl Control {
    fn new(place: &Arc<Place>, link: Link) -> Control {
        Control {
            place: Arc::clone(place),
            link: tokio::sync::Mutex::new(Some(link)),
        }
    }

    /// Makes all queues that are not there.
    async fn renew(&self, plans: &[Plan]) -> Result<(), BrokerError> {
        for queue in plans.iter().flat_map(Plan::declarations) {
            let action = format!("make the queue {}", queue.name);
            self.call(&action, id::QUEUE_DECLARE, &queue.method(false))
                .await?;
        }
        Ok(())
    }

    /// How many messages wait in a queue.
    async fn count(&self, queue: &str) -> Result<Option<u64>, BrokerError> {
        let action = format!("count the messages of the queue {queue}");
        let passive = arguments()
            .short(0)
            .text(queue)
            .bits([true, false, false, false, false])
            .table(&wire::Table::new());
        let answer = self.call(&action, id::QUEUE_DECLARE, &passive).await?;
        Ok(queues::count(&answer))
    }

    /// One call, tried once more if the connection was lost meanwhile, as long as patience lasts.
    async fn call(
        &self,
        action: &str,
        id: wire::Id,
        arguments: &Arguments,
    ) -> Result<Method, BrokerError> {
        let mut link = self.link.lock().await;
        let stale = link.is_some();
        let attempts = async {
            match self.once(&mut link, action, id, arguments).await {
                Err(BrokerError::Lost { .. }) if stale => {
                    self.once(&mut link, action, id, arguments).await
                }
                answer => answer,
            }
        };
        link::in_time(&self.place, attempts).await
    }

    /// A connection with an answer open, or closed by an error, is of no use to the next call: it is only
    /// put back when all went well.
    async fn once(
        &self,
        place: &mut Option<Link>,
        action: &str,
        id: wire::Id,
        arguments: &Arguments,
    ) -> Result<Method, BrokerError> {
        let mut link = match place.take() {
            Some(link) => link,
            None => Link::open(&self.place).await?,
        };
        let answer = link.call(action, id, arguments).await;
        match &answer {
            Ok(_) => *place = Some(link),
            Err(BrokerError::Lost { .. }) => {}
            Err(_) => link.close().await,
        }
        answer
    }

    async fn close(&self) {
        if let Some(link) = self.link.lock().await.take() {
            link.close().await;
        }
    }
}
