//! Where every order is: what the run's tasks agree on, and what the journal is written from.
//!
//! Brokers may deliver a message twice, or after its work was done. The ledger knows which attempt of
//! which order is due, so that work counts once, and a message that comes too late is a duplicate.

use super::brokers::Discarded;
use super::clock::Clock;
use super::journal::Journal;
use super::message::Label;
use crate::sim::{Event, Outcome, Script};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Duplicates are numbered from here on.
const DUPLICATES: u64 = 1 << 48;

/// Where the orders of a run are.
#[derive(Debug)]
pub(super) struct Ledger {
    orders: Vec<Mutex<Entry>>,
    clock: Clock,
    journal: Journal,
    entered: AtomicU64,
    gone: AtomicU64,
    duplicates: AtomicU64,
    /// Grows with everything that happens.
    moves: AtomicU64,
}

/// Where an order is.
#[derive(Debug, Clone, Copy)]
struct Entry {
    place: Place,
    /// The stage that it is at or on its way to.
    stage: u32,
    /// The attempt that is due or under way.
    attempt: u32,
    /// The attempt that its message says: one that the broker delivers again says what it said before.
    labelled: u32,
    /// Failed attempts at the stage.
    failures: u32,
    /// Times that it was delivered at the stage.
    deliveries: u32,
    /// Whether the stage has it already, so that it comes back there.
    is_back: bool,
    /// When the last message for it was sent, and from when on it could be had.
    sent: Option<Instant>,
    available: Option<Instant>,
    /// How long the broker was asked to keep it back.
    delay: Duration,
    /// Scenario seconds that it spent at its sender.
    enqueue: f64,
}

/// What an order does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It has not entered.
    Nowhere,
    /// It was sent.
    OnTheWay,
    /// The broker has it.
    Queued,
    /// A consumer has it.
    WithConsumer,
    /// It waits for its next attempt.
    Aside,
    /// It has left.
    Gone(Outcome),
}

/// A message that a consumer was given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Given {
    /// It is due.
    Due {
        /// The attempt that is due.
        attempt: u32,
        /// When it was sent.
        sent: Instant,
        /// From when on it could be had.
        available: Instant,
    },
    /// Its work was done before, or somebody else is at it: a message of its own, under this number.
    Duplicate {
        /// Its number.
        message: u64,
    },
    /// It is no order of this run.
    Unknown,
}

/// How many orders are where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Census {
    pub entered: u64,
    pub gone: u64,
    pub moves: u64,
}

impl Ledger {
    pub(super) fn new(orders: usize, clock: Clock, journal: Journal) -> Ledger {
        let nowhere = Entry {
            place: Place::Nowhere,
            stage: 0,
            attempt: 0,
            labelled: 0,
            failures: 0,
            deliveries: 0,
            is_back: false,
            sent: None,
            available: None,
            delay: Duration::ZERO,
            enqueue: 0.0,
        };
        Ledger {
            orders: std::iter::repeat_with(|| Mutex::new(nowhere))
                .take(orders)
                .collect(),
            clock,
            journal,
            entered: AtomicU64::new(0),
            gone: AtomicU64::new(0),
            duplicates: AtomicU64::new(0),
            moves: AtomicU64::new(0),
        }
    }

    fn entry(&self, order: u64) -> Option<MutexGuard<'_, Entry>> {
        let entry = self.orders.get(usize::try_from(order).ok()?)?;
        Some(entry.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, at: Instant, message: u64, what: Event) {
        self.journal.note(self.clock.seconds(at), message, what);
        self.moves.fetch_add(1, Ordering::Relaxed);
    }

    /// An order enters: it should have been sent at `intended`, and is now.
    pub(super) fn enters(&self, script: &Script, order: u64, stage: u32, now: Instant) {
        let scripted = &script.orders[order as usize];
        let Some(mut entry) = self.entry(order) else {
            return;
        };
        let late = self.clock.seconds(now) - scripted.entered;
        entry.place = Place::OnTheWay;
        entry.stage = stage;
        entry.enqueue = late.max(0.0);
        (entry.sent, entry.available) = (Some(now), None);
        let enters = Event::Enters {
            producer: scripted.producer,
            class: scripted.class,
            size: scripted.size,
        };
        // The clock's rounding must not put the sending before.
        let time = scripted.entered.min(self.clock.seconds(now));
        self.journal.note(time, order, enters);
        self.moves.fetch_add(1, Ordering::Relaxed);
        self.entered.fetch_add(1, Ordering::Relaxed);
    }

    /// The next attempt at an order is sent to a stage; by a broker that keeps it back for a while, or at
    /// once.
    pub(super) fn sends(&self, order: u64, stage: u32, delay: Duration, now: Instant) {
        let Some(mut entry) = self.entry(order) else {
            return;
        };
        entry.place = Place::OnTheWay;
        if entry.stage != stage || !entry.is_back {
            (entry.failures, entry.deliveries) = (0, 0);
        }
        entry.stage = stage;
        entry.labelled = entry.attempt;
        entry.delay = delay;
        entry.enqueue = 0.0;
        (entry.sent, entry.available) = (Some(now), None);
    }

    /// The broker has it.
    pub(super) fn stored(&self, label: Label, at: Instant) {
        let Some(mut entry) = self.entry(label.order) else {
            return;
        };
        let is_due = entry.labelled == label.attempt && entry.place == Place::OnTheWay;
        // One that is kept back cannot be had yet.
        if is_due && entry.delay.is_zero() {
            self.joins(&mut entry, label.order, at);
        }
    }

    fn joins(&self, entry: &mut Entry, order: u64, at: Instant) {
        let sent = entry.sent.unwrap_or(at);
        let at = at.max(sent);
        entry.place = Place::Queued;
        entry.available = Some(at);
        let what = if entry.is_back {
            Event::Requeued
        } else {
            Event::Joins {
                stage: entry.stage,
                enqueue: entry.enqueue,
                network: self.clock.span(at - sent),
            }
        };
        entry.is_back = true;
        self.note(at, order, what);
    }

    /// The broker does not take it. Says whether that ends the order.
    pub(super) fn refused(&self, label: Label, outcome: Outcome, at: Instant) -> bool {
        let Some(mut entry) = self.entry(label.order) else {
            return false;
        };
        if entry.labelled != label.attempt || entry.place != Place::OnTheWay {
            return false;
        }
        let what = if entry.is_back {
            Event::Discarded
        } else {
            Event::Refused { stage: entry.stage }
        };
        self.note(at, label.order, what);
        self.ends(&mut entry, label.order, outcome, at);
        true
    }

    /// The broker has thrown it away.
    pub(super) fn discarded(&self, label: Label, why: Discarded, at: Instant) {
        let Some(mut entry) = self.entry(label.order) else {
            return;
        };
        if entry.labelled != label.attempt {
            return;
        }
        match entry.place {
            Place::OnTheWay => self.joins(&mut entry, label.order, at),
            Place::Queued => {}
            _ => return,
        }
        let at = entry.available.map_or(at, |available| at.max(available));
        let outcome = match why {
            Discarded::Expired => Outcome::Expired,
            Discarded::Displaced => Outcome::Rejected,
        };
        self.note(at, label.order, Event::Discarded);
        self.ends(&mut entry, label.order, outcome, at);
    }

    /// A consumer is given a message.
    pub(super) fn given(&self, script: &Script, label: Label, at: Instant) -> Given {
        let Some(mut entry) = self.entry(label.order) else {
            return Given::Unknown;
        };
        let is_due = matches!(entry.place, Place::OnTheWay | Place::Queued);
        // The confirmation may have been stamped a moment after this delivery was, and noted before.
        let at = entry.available.map_or(at, |available| at.max(available));
        if entry.labelled != label.attempt || !is_due {
            let message = DUPLICATES + self.duplicates.fetch_add(1, Ordering::Relaxed);
            let order = &script.orders[label.order as usize];
            let (class, size) = (order.class, order.size);
            self.note(at, message, Event::Duplicated { class, size });
            let joins = Event::Joins {
                stage: entry.stage,
                enqueue: 0.0,
                network: 0.0,
            };
            self.note(at, message, joins);
            self.note(at, message, Event::Delivered { again: true });
            return Given::Duplicate { message };
        }
        if entry.place == Place::OnTheWay {
            let kept = entry.sent.map_or(at, |sent| sent + entry.delay);
            let from = if entry.delay.is_zero() {
                at
            } else {
                kept.min(at)
            };
            self.joins(&mut entry, label.order, from);
        }
        entry.place = Place::WithConsumer;
        entry.deliveries += 1;
        let again = entry.deliveries > 1;
        self.note(at, label.order, Event::Delivered { again });
        Given::Due {
            attempt: entry.attempt,
            sent: entry.sent.unwrap_or(at),
            available: entry.available.unwrap_or(at),
        }
    }

    /// Work on a message begins, after so many real seconds of handing over.
    pub(super) fn begins(&self, message: u64, dequeue: Duration, at: Instant) {
        let dequeue = self.clock.span(dequeue);
        self.note(at, message, Event::Begins { dequeue });
    }

    /// An attempt has ended well, and the order goes on.
    pub(super) fn departs(&self, order: u64, at: Instant) {
        let Some(mut entry) = self.entry(order) else {
            return;
        };
        entry.attempt += 1;
        entry.is_back = false;
        self.note(at, order, Event::Ends { failed: false });
        self.note(at, order, Event::Departs);
    }

    /// An attempt has failed. Says which attempt comes next, and how many have failed at the stage.
    pub(super) fn fails(&self, order: u64, at: Instant) -> u32 {
        let Some(mut entry) = self.entry(order) else {
            return 0;
        };
        entry.attempt += 1;
        entry.failures += 1;
        self.note(at, order, Event::Ends { failed: true });
        entry.failures
    }

    /// It waits aside, or with its consumer, until it is tried again.
    pub(super) fn rests(&self, order: u64, at: Instant) {
        if let Some(mut entry) = self.entry(order) {
            entry.place = Place::Aside;
            self.note(at, order, Event::Rests);
        }
    }

    /// Its consumer goes on with it.
    pub(super) fn goes_on(&self, order: u64) {
        if let Some(mut entry) = self.entry(order) {
            entry.place = Place::WithConsumer;
        }
    }

    /// It leaves its stage for good after a failure, before it ends or goes elsewhere.
    pub(super) fn leaves_stage(&self, order: u64, at: Instant) {
        if let Some(mut entry) = self.entry(order) {
            entry.is_back = false;
            self.note(at, order, Event::Discarded);
        }
    }

    /// It is in its queue again: its consumer died, or gave it back.
    pub(super) fn back_in_queue(&self, order: u64, at: Instant) {
        if let Some(mut entry) = self.entry(order) {
            entry.place = Place::Queued;
            (entry.sent, entry.available) = (Some(at), Some(at));
            self.note(at, order, Event::Requeued);
        }
    }

    /// A duplicate is done with, having been worked on or not.
    pub(super) fn duplicate_ends(&self, message: u64, worked: bool, at: Instant) {
        if worked {
            self.note(at, message, Event::Ends { failed: false });
            self.note(at, message, Event::Departs);
        } else {
            self.note(at, message, Event::Discarded);
        }
        let outcome = Outcome::Completed;
        self.note(at, message, Event::Leaves { outcome });
    }

    /// A duplicate's consumer died: the duplicate goes with it, and comes again as another.
    pub(super) fn duplicate_is_dropped(&self, message: u64, at: Instant) {
        self.note(at, message, Event::Discarded);
        let outcome = Outcome::Lost;
        self.note(at, message, Event::Leaves { outcome });
    }

    /// An order leaves the pipeline.
    pub(super) fn leaves(&self, order: u64, outcome: Outcome, at: Instant) {
        if let Some(mut entry) = self.entry(order) {
            self.ends(&mut entry, order, outcome, at);
        }
    }

    /// It is lost with the consumer that had it.
    pub(super) fn dies_with_consumer(&self, order: u64, at: Instant) {
        if let Some(mut entry) = self.entry(order) {
            self.note(at, order, Event::Discarded);
            self.ends(&mut entry, order, Outcome::Lost, at);
        }
    }

    fn ends(&self, entry: &mut Entry, order: u64, outcome: Outcome, at: Instant) {
        if matches!(entry.place, Place::Gone(_) | Place::Nowhere) {
            return;
        }
        entry.place = Place::Gone(outcome);
        self.gone.fetch_add(1, Ordering::Relaxed);
        self.note(at, order, Event::Leaves { outcome });
    }

    /// Orders that no broker has any more are lost: those that were sent, are with nobody, and have not
    /// come.
    pub(super) fn give_up_on_missing(&self, at: Instant) -> u64 {
        let mut lost = 0;
        for order in 0..self.orders.len() as u64 {
            let Some(mut entry) = self.entry(order) else {
                continue;
            };
            if matches!(entry.place, Place::OnTheWay | Place::Queued) {
                if entry.place == Place::Queued {
                    self.note(at, order, Event::Discarded);
                } else {
                    self.joins(&mut entry, order, at);
                    self.note(at, order, Event::Discarded);
                }
                self.ends(&mut entry, order, Outcome::Lost, at);
                lost += 1;
            }
        }
        lost
    }

    /// How many orders are where.
    pub(super) fn census(&self) -> Census {
        Census {
            gone: self.gone.load(Ordering::Relaxed),
            entered: self.entered.load(Ordering::Relaxed),
            moves: self.moves.load(Ordering::Relaxed),
        }
    }

    /// Whether any order is with a consumer, or waits aside to be tried again.
    pub(super) fn somebody_works(&self) -> bool {
        self.orders.iter().any(|order| {
            let entry = order.lock().unwrap_or_else(PoisonError::into_inner);
            let is_kept = entry.place == Place::OnTheWay && !entry.delay.is_zero();
            is_kept || matches!(entry.place, Place::WithConsumer | Place::Aside)
        })
    }

    /// Orders that wait for each stage or are on their way to it.
    pub(super) fn waiting(&self, stages: usize) -> Vec<u64> {
        let mut waiting = vec![0; stages];
        for order in &self.orders {
            let entry = order.lock().unwrap_or_else(PoisonError::into_inner);
            if matches!(entry.place, Place::OnTheWay | Place::Queued) {
                waiting[entry.stage as usize] += 1;
            }
        }
        waiting
    }

    /// Closes the books; to be asked for once.
    pub(super) fn finish(&self) -> std::io::Result<Vec<crate::sim::Logged>> {
        self.journal.finish()
    }
}
