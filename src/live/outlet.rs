//! Sending that survives the loss of a connection: what the broker has not confirmed is kept, and sent
//! again over the next connection.

use super::brokers::{Broker, BrokerError, Confirmation, Confirmations, Fate, Outgoing, Sender};
use super::gauges::Delay;
use super::message::Label;
use super::run::Shared;
use crate::network::Discipline;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Sends messages to any stage.
pub(super) struct Outlet<B: Broker> {
    shared: Arc<Shared<B>>,
    sender: Option<B::Sender>,
    unconfirmed: Arc<Unconfirmed>,
    next_tag: u64,
}

/// A message to be sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parcel {
    pub label: Label,
    pub stage: u32,
    /// How long the broker is asked to keep it back.
    pub delay: Option<Duration>,
}

/// How often who has nothing to send looks whether the connection still stands.
pub(super) fn looks() -> tokio::time::Interval {
    let mut looks = tokio::time::interval(Duration::from_secs(1));
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    looks
}

/// What was sent and not confirmed.
#[derive(Debug, Default)]
struct Unconfirmed(Mutex<BTreeMap<u64, (Parcel, Instant)>>);

impl Unconfirmed {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, (Parcel, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B: Broker> Outlet<B> {
    /// An outlet that is not connected.
    pub(super) fn new(shared: Arc<Shared<B>>) -> Outlet<B> {
        Outlet {
            shared,
            sender: None,
            unconfirmed: Arc::default(),
            next_tag: 0,
        }
    }

    /// An outlet that has connected.
    pub(super) async fn open(shared: Arc<Shared<B>>) -> Result<Outlet<B>, BrokerError> {
        let mut outlet = Outlet::new(shared);
        outlet.connect().await?;
        Ok(outlet)
    }

    pub(super) async fn connect(&mut self) -> Result<(), BrokerError> {
        let (shared, unconfirmed) = (Arc::clone(&self.shared), Arc::clone(&self.unconfirmed));
        let tell = move |confirmation: Confirmation| {
            let known = unconfirmed.lock().remove(&confirmation.tag);
            if let Some((parcel, sent)) = known {
                shared.confirmed(parcel, sent, confirmation);
            }
        };
        self.sender = Some(self.shared.broker.sender(Confirmations::new(tell)).await?);
        Ok(())
    }

    /// Sends an attempt at an order to a stage; connects again where the connection is lost.
    ///
    /// # Errors
    /// When that does not help for as long as the run is willing to wait, or the broker refuses.
    pub(super) async fn post(&mut self, parcel: Parcel) -> Result<(), BrokerError> {
        match self.try_post(parcel).await {
            Err(error) if error.is_passing() => self.post_again(error).await,
            done => done,
        }
    }

    async fn try_post(&mut self, parcel: Parcel) -> Result<(), BrokerError> {
        let tag = self.next_tag;
        self.next_tag += 1;
        let message = self.shared.written(parcel, tag);
        // First noted, then sent: the confirmation may be faster than this task.
        self.unconfirmed
            .lock()
            .insert(tag, (parcel, Instant::now()));
        match &mut self.sender {
            Some(sender) => sender.send(message).await,
            None => Err(BrokerError::Lost {
                address: self.shared.place(),
                why: "not connected".to_owned(),
            }),
        }
    }

    /// Connects anew, and sends all that was not confirmed, oldest first.
    async fn post_again(&mut self, lost: BrokerError) -> Result<(), BrokerError> {
        let mut patience = self.shared.patience(lost);
        loop {
            self.sender = None;
            patience.wait().await?;
            if let Err(error) = self.connect().await {
                patience.blame(error)?;
                continue;
            }
            let kept = std::mem::take(&mut *self.unconfirmed.lock());
            let mut kept = kept.into_values();
            let mut failed = None;
            for (parcel, _) in kept.by_ref() {
                if let Err(error) = self.try_post(parcel).await {
                    failed = Some(error);
                    break;
                }
            }
            let Some(error) = failed else {
                return Ok(());
            };
            // Those not even tried are kept as well, in their order.
            for (parcel, sent) in kept {
                self.unconfirmed
                    .lock()
                    .insert(self.next_tag, (parcel, sent));
                self.next_tag += 1;
            }
            patience.blame(error)?;
        }
    }

    /// If the connection is known to be lost: connects anew and sends again what was not confirmed. Says
    /// whether it did.
    ///
    /// # Errors
    /// As [`post`](Self::post).
    pub(super) async fn mend(&mut self) -> Result<bool, BrokerError> {
        let lost = self.sender.as_ref().and_then(Sender::trouble);
        let lost = lost.filter(BrokerError::is_passing);
        match lost.filter(|_| !self.unconfirmed.lock().is_empty()) {
            Some(lost) => self.post_again(lost).await.map(|()| true),
            None => Ok(false),
        }
    }

    /// Waits until all is confirmed, connecting again where the connection is lost; over each connection at
    /// most so long.
    ///
    /// # Errors
    /// As [`post`](Self::post).
    pub(super) async fn settle(&mut self, at_most: Duration) -> Result<(), BrokerError> {
        let mut until = Instant::now() + at_most;
        while !self.unconfirmed.lock().is_empty() && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(10)).await;
            if self.mend().await? {
                until = Instant::now() + at_most;
            }
        }
        Ok(())
    }

    /// Says goodbye.
    pub(super) async fn close(self) {
        if let Some(sender) = self.sender {
            sender.close().await;
        }
    }
}

impl<B: Broker> Shared<B> {
    /// A message as it goes out.
    fn written(&self, parcel: Parcel, tag: u64) -> Outgoing {
        let Parcel {
            label,
            stage,
            delay,
        } = parcel;
        let plan = &self.stages[stage as usize];
        let Some(order) = self.script.orders.get(label.order as usize) else {
            return Outgoing {
                tag,
                queue: stage as usize,
                body: label.encode(self.run, 0.0),
                priority: 0,
                lane: label.as_probe().unwrap_or(0) as u32,
                key: 0,
                delay,
            };
        };
        let due = (label.order, label.attempt, stage);
        let key = match plan.discipline {
            Discipline::Lifo => u64::MAX - self.next_number(),
            Discipline::Random => self.random_bits(),
            Discipline::ShortestFirst => {
                let work = self.due.work(&self.script, due, f64::INFINITY);
                work.seconds.to_bits()
            }
            Discipline::EarliestDeadline => {
                let class = &self.network.classes[order.class as usize];
                (order.entered + class.deadline).to_bits()
            }
            _ => 0,
        };
        Outgoing {
            tag,
            queue: stage as usize,
            body: label.encode(self.run, order.size),
            priority: plan.levels[order.class as usize],
            lane: self.due.lane(&self.script, due),
            key,
            delay,
        }
    }

    fn confirmed(&self, parcel: Parcel, sent: Instant, confirmation: Confirmation) {
        let Confirmation { fate, at, .. } = confirmation;
        let took = at.saturating_duration_since(sent);
        self.gauges
            .record(Delay::Confirm, parcel.stage as usize, took);
        match fate {
            Fate::Stored => self.ledger.stored(parcel.label, at),
            Fate::Refused => {
                let outcome = self.stages[parcel.stage as usize].refused;
                self.ledger.refused(parcel.label, outcome, at);
            }
        }
    }
}
