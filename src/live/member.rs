//! A member of a stage's group: a receiver, and the consumers that share it.
//!
//! Each consumer takes a message, works for its time, sends the order on, and then settles the message:
//! in this order, so that a crash in between leaves a duplicate and no loss.

use super::brokers::{Broker, BrokerError, Incoming, Receiver, Settlement};
use super::clock::Sleeper;
use super::gauges::Delay;
use super::ledger::Given;
use super::message::Label;
use super::outlet::{Outlet, Parcel};
use super::run::{Shared, told};
use crate::network::{
    AfterFailure, AfterRepair, Failure, FailureClock, RetryPlace, StageId, Target,
};
use crate::random::{Stream, Variates};
use crate::sim::Outcome;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

type Receipt<B> = <<B as Broker>::Receiver as Receiver>::Receipt;

/// A member while it runs.
pub(super) struct Member<B: Broker> {
    shared: Arc<Shared<B>>,
    stage: u32,
    index: usize,
    receiver: Option<B::Receiver>,
    /// How many connections there have been: a receipt is good for its own only.
    line: u64,
    outlet: Outlet<B>,
    sleeper: Sleeper,
    /// Consumers that there are to be at the stage.
    staff: watch::Receiver<u32>,
    works: Vec<InHand<Receipt<B>>>,
    /// Since when there has been a consumer with nothing to do.
    free_since: Instant,
    life: Option<Life>,
}

/// A message that a consumer has.
struct InHand<R> {
    receipt: R,
    /// The connection that it came by.
    line: u64,
    label: Label,
    what: What,
    /// When work on it, or its rest, ends.
    due: Instant,
    rests: bool,
    fails: bool,
    work: Duration,
}

/// What a message in hand is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// An order.
    Order,
    /// A duplicate, under its own number.
    Duplicate(u64),
}

/// When a consumer breaks down.
struct Life {
    uptime: Variates,
    downtime: Variates,
    clock: FailureClock,
    then: AfterRepair,
    /// Time to its next failure, where only work counts.
    left: Duration,
    /// When it fails next, or, being down, is repaired.
    next: Option<Instant>,
    is_down: bool,
    /// Whether its first time up has begun.
    begun: bool,
}

/// What a member does next.
enum Next<R> {
    Stops,
    StaffChanges,
    Due,
    Receives(Result<Incoming<R>, BrokerError>),
}

impl<B: Broker> Member<B> {
    /// A member that has connected.
    pub(super) async fn open(
        shared: Arc<Shared<B>>,
        stage: u32,
        index: usize,
        sleeper: Sleeper,
    ) -> Result<Member<B>, BrokerError> {
        let staff = shared.staff[stage as usize].subscribe();
        let mut outlet = Outlet::new(Arc::clone(&shared));
        if shared.stages[stage as usize].sends {
            outlet.connect().await?;
        }
        let life = Life::of(&shared, stage, index);
        let mut member = Member {
            stage,
            index,
            receiver: None,
            line: 0,
            outlet,
            sleeper,
            staff,
            works: Vec::new(),
            free_since: Instant::now(),
            life,
            shared,
        };
        if member.allowed() > 0 {
            member.connect().await?;
        }
        Ok(member)
    }

    async fn connect(&mut self) -> Result<(), BrokerError> {
        let broker = &self.shared.broker;
        self.receiver = Some(broker.receiver(self.stage as usize, self.index).await?);
        self.line += 1;
        Ok(())
    }

    /// Consumers of this member that there are to be.
    fn allowed(&self) -> usize {
        let threads = self.shared.stages[self.stage as usize].threads as usize;
        let before = self.index * threads;
        (*self.staff.borrow() as usize)
            .saturating_sub(before)
            .min(threads)
    }

    /// Works until the run is over.
    ///
    /// # Errors
    /// When the broker is lost for good.
    pub(super) async fn run(mut self) -> Result<(), BrokerError> {
        let mut stop = self.shared.stop_members.subscribe();
        loop {
            if let Some(life) = &mut self.life {
                life.begin(&self.shared);
            }
            self.keep_connected().await?;
            let next = self.next(&mut stop).await;
            match next {
                Next::Stops => break,
                Next::StaffChanges => self.staff_changes(),
                Next::Due => self.happen().await?,
                Next::Receives(Ok(incoming)) => self.take(incoming).await?,
                Next::Receives(Err(error)) => self.reconnect(error).await?,
            }
        }
        if let Some(receiver) = self.receiver.take() {
            receiver.close().await;
        }
        self.outlet.close().await;
        Ok(())
    }

    fn is_down(&self) -> bool {
        self.life.as_ref().is_some_and(|life| life.is_down)
    }

    /// Waits for whatever comes first.
    async fn next(&mut self, stop: &mut watch::Receiver<bool>) -> Next<Receipt<B>> {
        let due = self.next_due();
        let wants = !self.is_down() && self.works.len() < self.allowed();
        let receiver = self.receiver.as_mut().filter(|_| wants);
        let receiving = async {
            match receiver {
                Some(receiver) => receiver.receive().await,
                None => std::future::pending().await,
            }
        };
        let sleeping = async {
            match due {
                Some(due) => self.sleeper.until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = told(stop) => Next::Stops,
            _ = sleeping => Next::Due,
            incoming = receiving => Next::Receives(incoming),
            Ok(()) = self.staff.changed() => Next::StaffChanges,
        }
    }

    fn next_due(&self) -> Option<Instant> {
        let works = self.works.iter().map(|work| work.due).min();
        // Who has a message in hand that he will go on with after his repair has nothing else due.
        let life = self.life.as_ref().and_then(|life| life.next);
        let works = works.filter(|_| !self.is_down());
        [works, life].into_iter().flatten().min()
    }

    /// Members without consumers are not connected, and those with are.
    async fn keep_connected(&mut self) -> Result<(), BrokerError> {
        let wanted = self.allowed() > 0 || !self.works.is_empty();
        let dead = self.is_down() && self.crashes();
        match (&self.receiver, wanted && !dead) {
            (None, true) => match self.connect().await {
                Err(error) => self.reconnect(error).await,
                Ok(()) => {
                    self.free_since = Instant::now();
                    Ok(())
                }
            },
            (Some(_), false) if self.works.is_empty() => {
                if let Some(receiver) = self.receiver.take() {
                    receiver.close().await;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn crashes(&self) -> bool {
        let then = self.life.as_ref().map(|life| life.then);
        then == Some(AfterRepair::Redeliver)
    }

    fn staff_changes(&mut self) {
        self.staff.mark_unchanged();
        self.free_since = Instant::now();
    }

    /// The connection is lost: what was in hand is worked on all the same, and comes again.
    async fn reconnect(&mut self, lost: BrokerError) -> Result<(), BrokerError> {
        if !lost.is_passing() {
            return Err(lost);
        }
        self.receiver = None;
        let mut patience = self.shared.patience(lost);
        loop {
            patience.wait().await?;
            match self.connect().await {
                Ok(()) => break,
                Err(error) => patience.blame(error)?,
            }
        }
        self.free_since = Instant::now();
        self.outlet.mend().await.map(drop)
    }

    /// A message has come.
    async fn take(&mut self, incoming: Incoming<Receipt<B>>) -> Result<(), BrokerError> {
        let shared = Arc::clone(&self.shared);
        let now = Instant::now();
        let Some(label) = Label::decode(&incoming.body, shared.run) else {
            return self.dismiss(incoming.receipt).await;
        };
        if let Some(number) = label.as_probe() {
            shared.probes.arrived(number, now);
            return self.dismiss(incoming.receipt).await;
        }
        match shared.ledger.given(&shared.script, label, self.stage, now) {
            Given::Unknown => self.dismiss(incoming.receipt).await,
            Given::Duplicate { message } => {
                if shared.stages[self.stage as usize].idempotent {
                    // The ledger may have stamped its coming a moment after `now`.
                    let ended = Instant::now();
                    shared.ledger.duplicate_ends(message, false, ended);
                    return self.dismiss(incoming.receipt).await;
                }
                let held = (incoming.receipt, self.line);
                self.begin(held, label, What::Duplicate(message), None);
                Ok(())
            }
            Given::Due {
                attempt,
                sent,
                available,
                again,
            } => {
                let label = Label { attempt, ..label };
                // How long it took until the broker missed a consumer is no handing over.
                if !again {
                    self.gauge_handover(sent, available, now);
                }
                let free = Some(available.max(self.free_since));
                let held = (incoming.receipt, self.line);
                self.begin(held, label, What::Order, free);
                Ok(())
            }
        }
    }

    /// A message is done with before anybody has worked on it.
    async fn dismiss(&mut self, receipt: Receipt<B>) -> Result<(), BrokerError> {
        self.settle((receipt, self.line), Settlement::Done).await
    }

    /// How long handing over took tells something where it is known who waited for whom.
    fn gauge_handover(&self, sent: Instant, available: Instant, now: Instant) {
        let stage = self.stage as usize;
        let gauges = &self.shared.gauges;
        if sent > self.free_since {
            gauges.record(Delay::Idle, stage, now.saturating_duration_since(sent));
        } else if available <= self.free_since && self.works.is_empty() {
            gauges.record(
                Delay::Busy,
                stage,
                now.saturating_duration_since(self.free_since),
            );
        }
    }

    /// Begins to work on a message. It was available to a free consumer `since`, if that is known: what has
    /// passed from then on until now, to the instant, is being handed over.
    fn begin(
        &mut self,
        (receipt, line): (Receipt<B>, u64),
        label: Label,
        what: What,
        since: Option<Instant>,
    ) {
        let shared = &self.shared;
        let timeout = self
            .failure()
            .map_or(f64::INFINITY, |failure| failure.timeout);
        let due = (label.order, label.attempt, self.stage);
        let work = shared.due.work(&shared.script, due, timeout);
        let real = shared.clock.real(work.seconds);
        let now = Instant::now();
        let message = match what {
            What::Order => label.order,
            What::Duplicate(message) => message,
        };
        let dequeue = since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        shared.ledger.begins(message, dequeue, now);
        if let Some(life) = &mut self.life {
            life.work_begins(now);
        }
        self.works.push(InHand {
            receipt,
            line,
            label,
            what,
            due: now + real,
            rests: false,
            fails: work.fails,
            work: real,
        });
    }

    fn failure(&self) -> Option<&Failure> {
        self.shared.stages[self.stage as usize].failure.as_ref()
    }

    /// Something is due: a breakdown, a repair, the end of work.
    async fn happen(&mut self) -> Result<(), BrokerError> {
        let now = Instant::now();
        if let Some(life) = &self.life
            && life.next.is_some_and(|next| next <= now)
        {
            return if life.is_down {
                self.repaired(now).await
            } else {
                self.breaks_down(now).await
            };
        }
        let due = self.works.iter().position(|work| work.due <= now);
        match due {
            Some(index) => {
                let work = self.works.swap_remove(index);
                self.conclude(work, now).await
            }
            None => Ok(()),
        }
    }

    /// Work, or a rest between two attempts, has ended.
    async fn conclude(
        &mut self,
        in_hand: InHand<Receipt<B>>,
        now: Instant,
    ) -> Result<(), BrokerError> {
        let shared = Arc::clone(&self.shared);
        let was_full = self.works.len() + 1 >= self.allowed();
        if in_hand.rests {
            shared.ledger.goes_on(in_hand.label.order);
            let held = (in_hand.receipt, in_hand.line);
            self.begin(held, in_hand.label, in_hand.what, None);
            return Ok(());
        }
        let over = now.saturating_duration_since(in_hand.due);
        shared
            .gauges
            .record(Delay::Overshoot, self.stage as usize, over);
        if let Some(life) = &mut self.life {
            life.work_ends(now);
        }
        let settled = match in_hand.what {
            What::Duplicate(message) => {
                shared.ledger.duplicate_ends(message, true, now);
                self.settle((in_hand.receipt, in_hand.line), Settlement::Done)
                    .await
            }
            What::Order if in_hand.fails => self.failed(in_hand, now).await,
            What::Order => self.succeeded(in_hand, now).await,
        };
        if was_full {
            // Later, if the connection had to be made anew.
            self.free_since = self.free_since.max(now);
        }
        settled
    }

    async fn succeeded(
        &mut self,
        in_hand: InHand<Receipt<B>>,
        now: Instant,
    ) -> Result<(), BrokerError> {
        let shared = Arc::clone(&self.shared);
        let Label { order, attempt } = in_hand.label;
        let next = shared
            .due
            .next(&shared.script, (order, attempt, self.stage));
        shared.ledger.departs(order, now);
        match next {
            Target::Stage(StageId(stage)) => self.send_on(in_hand.label, stage as u32).await?,
            Target::Completed => shared.ledger.leaves(order, Outcome::Completed, now),
            Target::Cancelled => shared.ledger.leaves(order, Outcome::Cancelled, now),
        }
        self.settle((in_hand.receipt, in_hand.line), Settlement::Done)
            .await
    }

    /// Sends an order to another stage.
    async fn send_on(&mut self, label: Label, stage: u32) -> Result<(), BrokerError> {
        self.send(label, stage, None).await
    }

    async fn send(
        &mut self,
        label: Label,
        stage: u32,
        delay: Option<Duration>,
    ) -> Result<(), BrokerError> {
        let ledger = &self.shared.ledger;
        let kept = delay.unwrap_or_default();
        ledger.sends(label.order, stage, kept, Instant::now());
        let label = Label {
            attempt: label.attempt + 1,
            ..label
        };
        let parcel = Parcel {
            label,
            stage,
            delay,
        };
        self.outlet.post(parcel).await
    }

    /// An attempt has failed: it is tried again, or given up.
    async fn failed(
        &mut self,
        in_hand: InHand<Receipt<B>>,
        now: Instant,
    ) -> Result<(), BrokerError> {
        let shared = Arc::clone(&self.shared);
        let Some(failure) = self.failure().cloned() else {
            return Ok(());
        };
        let Label { order, attempt } = in_hand.label;
        let failures = shared.ledger.fails(order, now);
        if failures >= failure.attempts {
            return self.given_up(in_hand, failure.then, now).await;
        }
        let due = (order, attempt, self.stage);
        let rest = shared.due.backoff(&shared.script, due, failures);
        let rest = shared.clock.real(rest);
        match failure.retry {
            RetryPlace::InPlace => {
                shared.ledger.rests(order, now);
                let next = Label {
                    attempt: attempt + 1,
                    order,
                };
                self.works.push(InHand {
                    label: next,
                    due: now + rest,
                    rests: true,
                    ..in_hand
                });
                Ok(())
            }
            RetryPlace::OldPlace => {
                shared.ledger.back_in_queue(order, now);
                self.settle((in_hand.receipt, in_hand.line), Settlement::Requeue)
                    .await
            }
            RetryPlace::Tail => {
                shared.ledger.rests(order, now);
                self.try_later(in_hand.label, rest).await?;
                self.settle((in_hand.receipt, in_hand.line), Settlement::Done)
                    .await
            }
        }
    }

    /// Has an order come back after a while: by the broker's means where it has them.
    async fn try_later(&mut self, label: Label, rest: Duration) -> Result<(), BrokerError> {
        if rest.is_zero() {
            return self.send(label, self.stage, None).await;
        }
        if B::ABILITIES.delays {
            return self.send(label, self.stage, Some(rest)).await;
        }
        let later = Parcel {
            label,
            stage: self.stage,
            delay: Some(rest),
        };
        self.shared.keep(later);
        Ok(())
    }

    async fn given_up(
        &mut self,
        in_hand: InHand<Receipt<B>>,
        then: AfterFailure,
        now: Instant,
    ) -> Result<(), BrokerError> {
        let shared = Arc::clone(&self.shared);
        let order = in_hand.label.order;
        shared.ledger.leaves_stage(order, now);
        let outcome = match then {
            AfterFailure::DeadLetter => Outcome::DeadLettered,
            AfterFailure::Cancelled => Outcome::Cancelled,
            AfterFailure::Lost => Outcome::Lost,
            AfterFailure::Stage(StageId(stage)) => {
                self.send_on(in_hand.label, stage as u32).await?;
                return self
                    .settle((in_hand.receipt, in_hand.line), Settlement::Done)
                    .await;
            }
        };
        shared.ledger.leaves(order, outcome, now);
        let aside = then == AfterFailure::DeadLetter && B::ABILITIES.dead_letters;
        let how = if aside {
            Settlement::DeadLetter
        } else {
            Settlement::Done
        };
        self.settle((in_hand.receipt, in_hand.line), how).await
    }

    /// Tells the broker what has become of a message. If the connection is lost it comes again, and is
    /// known for a duplicate.
    async fn settle(
        &mut self,
        (receipt, line): (Receipt<B>, u64),
        how: Settlement,
    ) -> Result<(), BrokerError> {
        let Some(receiver) = self.receiver.as_mut().filter(|_| line == self.line) else {
            return Ok(());
        };
        let before = Instant::now();
        let told = receiver.settle(receipt, how).await;
        let took = before.elapsed();
        self.shared
            .gauges
            .record(Delay::Settle, self.stage as usize, took);
        match told {
            Err(error) => self.reconnect(error).await,
            Ok(()) => Ok(()),
        }
    }

    /// The consumer breaks down.
    async fn breaks_down(&mut self, now: Instant) -> Result<(), BrokerError> {
        let shared = Arc::clone(&self.shared);
        let crashes = self.crashes();
        let Some(life) = &mut self.life else {
            return Ok(());
        };
        life.is_down = true;
        let down = shared.clock.real(life.downtime.next());
        life.next = Some(now + down);
        shared.staff_log.down(&shared.clock, self.stage, 1);
        if crashes {
            if let Some(receiver) = self.receiver.take() {
                receiver.kill();
            }
            let loses = shared.stages[self.stage as usize].settled_on_delivery;
            for work in self.works.drain(..) {
                match work.what {
                    What::Order if loses => shared.ledger.dies_with_consumer(work.label.order, now),
                    What::Order => shared.ledger.back_in_queue(work.label.order, now),
                    What::Duplicate(message) => shared.ledger.duplicate_is_dropped(message, now),
                }
            }
            return Ok(());
        }
        let anew = life.then == AfterRepair::Restart;
        for work in &mut self.works {
            let left = if anew && !work.rests {
                work.work
            } else {
                work.due.saturating_duration_since(now)
            };
            work.due = now + down + left;
        }
        Ok(())
    }

    /// The consumer works again.
    async fn repaired(&mut self, now: Instant) -> Result<(), BrokerError> {
        let shared = Arc::clone(&self.shared);
        shared.staff_log.down(&shared.clock, self.stage, -1);
        let works = !self.works.is_empty();
        if let Some(life) = &mut self.life {
            life.is_down = false;
            life.renew(&shared, now, works);
        }
        self.free_since = now;
        Ok(())
    }
}

impl Life {
    fn of<B: Broker>(shared: &Shared<B>, stage: u32, index: usize) -> Option<Life> {
        let how = shared.stages[stage as usize].breakdowns.as_ref()?;
        let network = &shared.network;
        let name = &network.stages[stage as usize].name;
        let stream = |what: &str| {
            let source = format!("stage.{name}.live.{index}.{what}");
            Stream::new(network.seed, 0, &source)
        };
        Some(Life {
            uptime: Variates::new(stream("uptime"), &how.uptime),
            downtime: Variates::new(stream("downtime"), &how.downtime),
            clock: how.when,
            then: how.then,
            left: Duration::ZERO,
            next: None,
            is_down: false,
            begun: false,
        })
    }

    /// Its first time up begins with the run.
    fn begin<B: Broker>(&mut self, shared: &Shared<B>) {
        if !self.begun && shared.clock.has_started() {
            self.begun = true;
            self.renew(shared, shared.clock.instant(0.0), false);
        }
    }

    fn renew<B: Broker>(&mut self, shared: &Shared<B>, now: Instant, works: bool) {
        self.left = shared.clock.real(self.uptime.next());
        let counts = self.clock == FailureClock::Always || works;
        self.next = counts.then(|| now + self.left);
    }

    fn work_begins(&mut self, now: Instant) {
        if self.clock == FailureClock::Busy && !self.is_down {
            self.next = Some(now + self.left);
        }
    }

    fn work_ends(&mut self, now: Instant) {
        if self.clock == FailureClock::Busy {
            let next = self.next.take();
            self.left = next.map_or(self.left, |next| next.saturating_duration_since(now));
        }
    }
}
