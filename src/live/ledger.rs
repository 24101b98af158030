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
    events: AtomicU64,
    stages: Vec<AtStage>,
}

/// What is known of a stage.
#[derive(Debug, Default)]
struct AtStage {
    /// How long senders to it keep a message back for others.
    linger: Duration,
    /// Orders that wait for it or are on their way to it.
    waiting: AtomicU64,
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
    /// Scenario seconds by which its sender was late.
    held: f64,
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

impl Place {
    fn waits(self) -> bool {
        matches!(self, Place::OnTheWay | Place::Queued)
    }
}

impl Entry {
    /// When its message set out for the broker, having waited for others at its sender: then, or when it could
    /// be had, if that was before.
    fn set_out(&self, linger: Duration, available: Instant) -> Instant {
        let sent = self.sent.unwrap_or(available) + self.delay;
        (sent + linger).min(available.max(sent))
    }
}

/// A message that a consumer was given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Given {
    /// It is due.
    Due {
        /// The attempt that is due.
        attempt: u32,
        /// When it set out for the broker.
        sent: Instant,
        /// From when on it could be had.
        available: Instant,
        /// Whether it was given to somebody before.
        again: bool,
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
    /// Books for so many orders and for stages to which senders keep messages back for so long.
    pub(super) fn new(
        orders: usize,
        lingers: impl IntoIterator<Item = Duration>,
        clock: Clock,
        journal: Journal,
    ) -> Ledger {
        let stage = |linger| AtStage {
            linger,
            ..AtStage::default()
        };
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
            held: 0.0,
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
            events: AtomicU64::new(0),
            stages: lingers.into_iter().map(stage).collect(),
        }
    }

    fn entry(&self, order: u64) -> Option<MutexGuard<'_, Entry>> {
        let entry = self.orders.get(usize::try_from(order).ok()?)?;
        Some(entry.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Where an order is from now on.
    fn moves(&self, entry: &mut Entry, place: Place) {
        self.moves_to(entry, entry.stage, place);
    }

    fn moves_to(&self, entry: &mut Entry, stage: u32, place: Place) {
        let waiting = |stage: u32| &self.stages[stage as usize].waiting;
        if entry.place.waits() {
            waiting(entry.stage).fetch_sub(1, Ordering::Relaxed);
        }
        if place.waits() {
            waiting(stage).fetch_add(1, Ordering::Relaxed);
        }
        (entry.stage, entry.place) = (stage, place);
    }

    fn note(&self, at: Instant, message: u64, what: Event) {
        self.journal.note(self.clock.seconds(at), message, what);
        self.events.fetch_add(1, Ordering::Relaxed);
    }

    /// An order enters: it should have been sent at `intended`, and is now.
    pub(super) fn enters(&self, script: &Script, order: u64, stage: u32, now: Instant) {
        let scripted = &script.orders[order as usize];
        let Some(mut entry) = self.entry(order) else {
            return;
        };
        let late = self.clock.seconds(now) - scripted.entered;
        self.moves_to(&mut entry, stage, Place::OnTheWay);
        entry.held = late.max(0.0);
        (entry.sent, entry.available) = (Some(now), None);
        let enters = Event::Enters {
            producer: scripted.producer,
            class: scripted.class,
            size: scripted.size,
        };
        // The clock's rounding must not put the sending before.
        let time = scripted.entered.min(self.clock.seconds(now));
        self.journal.note(time, order, enters);
        self.events.fetch_add(1, Ordering::Relaxed);
        self.entered.fetch_add(1, Ordering::Relaxed);
    }

    /// The next attempt at an order is sent to a stage; by a broker that keeps it back for a while, or at
    /// once.
    pub(super) fn sends(&self, order: u64, stage: u32, delay: Duration, now: Instant) {
        let Some(mut entry) = self.entry(order) else {
            return;
        };
        if entry.stage != stage || !entry.is_back {
            (entry.failures, entry.deliveries) = (0, 0);
        }
        self.moves_to(&mut entry, stage, Place::OnTheWay);
        entry.labelled = entry.attempt;
        entry.delay = delay;
        entry.held = 0.0;
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
        self.moves(entry, Place::Queued);
        entry.available = Some(at);
        let what = if entry.is_back {
            Event::Requeued
        } else {
            let linger = self.stages[entry.stage as usize].linger;
            let lingered = linger.min(at - sent);
            Event::Joins {
                stage: entry.stage,
                held: entry.held,
                enqueue: entry.held + self.clock.span(lingered),
                network: self.clock.span(at - sent - lingered),
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

    /// A consumer of a stage is given a message.
    pub(super) fn given(&self, script: &Script, label: Label, stage: u32, at: Instant) -> Given {
        let Some(mut entry) = self.entry(label.order) else {
            return Given::Unknown;
        };
        let is_due = entry.place.waits();
        // The confirmation may have been stamped a moment after this delivery was, and noted before.
        let at = entry.available.map_or(at, |available| at.max(available));
        if entry.labelled != label.attempt || !is_due {
            let message = DUPLICATES + self.duplicates.fetch_add(1, Ordering::Relaxed);
            let order = &script.orders[label.order as usize];
            let (class, size) = (order.class, order.size);
            self.note(at, message, Event::Duplicated { class, size });
            // The order itself may have gone on to another stage.
            let joins = Event::Joins {
                stage,
                held: 0.0,
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
        self.moves(&mut entry, Place::WithConsumer);
        entry.deliveries += 1;
        let again = entry.deliveries > 1;
        self.note(at, label.order, Event::Delivered { again });
        let available = entry.available.unwrap_or(at);
        let linger = self.stages[entry.stage as usize].linger;
        Given::Due {
            attempt: entry.attempt,
            sent: entry.set_out(linger, available),
            available,
            again,
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
            self.moves(&mut entry, Place::Aside);
            self.note(at, order, Event::Rests);
        }
    }

    /// Its consumer goes on with it.
    pub(super) fn goes_on(&self, order: u64) {
        if let Some(mut entry) = self.entry(order) {
            self.moves(&mut entry, Place::WithConsumer);
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
            self.moves(&mut entry, Place::Queued);
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
        self.moves(entry, Place::Gone(outcome));
        self.gone.fetch_add(1, Ordering::Relaxed);
        self.note(at, order, Event::Leaves { outcome });
    }

    /// Orders that no broker has any more are lost: those that were sent, are with nobody, and have not
    /// come. That is told of this time, or of the last at which they were heard of, if that was later.
    pub(super) fn give_up_on_missing(&self, at: Instant) -> u64 {
        let mut lost = 0;
        for order in 0..self.orders.len() as u64 {
            let Some(mut entry) = self.entry(order) else {
                continue;
            };
            if entry.place.waits() {
                let heard_of = entry.available.or(entry.sent);
                let at = heard_of.map_or(at, |heard_of| at.max(heard_of));
                if entry.place == Place::OnTheWay {
                    self.joins(&mut entry, order, at);
                }
                self.note(at, order, Event::Discarded);
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
            moves: self.events.load(Ordering::Relaxed),
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
    pub(super) fn waiting(&self) -> Vec<u64> {
        let stages = self.stages.iter();
        let waiting = stages.map(|stage| stage.waiting.load(Ordering::Relaxed));
        waiting.collect()
    }

    /// Closes the books; to be asked for once.
    pub(super) fn finish(&self) -> std::io::Result<Vec<crate::sim::Logged>> {
        self.journal.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{Logged, ScriptedOrder};

    const LINGER: Duration = Duration::from_millis(5);

    struct Case {
        ledger: Ledger,
        script: Script,
        start: Instant,
    }

    impl Case {
        /// Two stages, to the second of which senders linger; orders that enter at 0, 1, … seconds.
        fn new(orders: u32) -> Case {
            let start = Instant::now();
            let clock = Clock::new(1.0);
            clock.start(start);
            let mut script = Script::until(100.0);
            for number in 0..orders {
                script.push(ScriptedOrder::new(f64::from(number), 0, 0, 10.0), &[]);
            }
            let journal = Journal::new().expect("a journal");
            let lingers = [Duration::ZERO, LINGER];
            Case {
                ledger: Ledger::new(orders as usize, lingers, clock, journal),
                script,
                start,
            }
        }

        fn at(&self, millis: u64) -> Instant {
            self.start + Duration::from_millis(millis)
        }

        fn enters(&self, order: u64, stage: u32, millis: u64) {
            let at = self.at(millis);
            self.ledger.enters(&self.script, order, stage, at);
        }

        fn given(&self, order: u64, attempt: u32, stage: u32, millis: u64) -> Given {
            let label = Label { order, attempt };
            self.ledger
                .given(&self.script, label, stage, self.at(millis))
        }

        fn log(self) -> Vec<Logged> {
            self.ledger.finish().expect("a log")
        }
    }

    #[test]
    fn what_comes_again_counts_where_it_comes() {
        let case = Case::new(1);
        case.enters(0, 0, 0);
        assert!(matches!(case.given(0, 0, 0, 2), Given::Due { .. }));
        case.ledger.begins(0, Duration::ZERO, case.at(2));
        case.ledger.departs(0, case.at(8));
        case.ledger.sends(0, 1, Duration::ZERO, case.at(8));
        // The first stage's consumer had not told that it was done.
        let Given::Duplicate { message } = case.given(0, 0, 0, 9) else {
            panic!("a duplicate");
        };
        assert!(matches!(case.given(0, 1, 1, 10), Given::Due { .. }));
        let joined = case
            .log()
            .into_iter()
            .filter_map(|logged| match logged.what {
                Event::Joins { stage, .. } => Some((logged.message, stage)),
                _ => None,
            });
        assert_eq!(joined.collect::<Vec<_>>(), [(0, 0), (message, 0), (0, 1)]);
    }

    #[test]
    fn what_a_sender_keeps_back_is_no_way_to_the_broker() {
        let case = Case::new(2);
        // Late by 3 ms, kept back for 5, on the way for 2.
        case.enters(0, 1, 3);
        let label = Label {
            order: 0,
            attempt: 0,
        };
        case.ledger.stored(label, case.at(10));
        let Given::Due { sent, again, .. } = case.given(0, 0, 1, 11) else {
            panic!("it is due");
        };
        assert_eq!((sent, again), (case.at(8), false));
        // Its batch was full before.
        case.enters(1, 1, 1000);
        let Given::Due { sent, .. } = case.given(1, 0, 1, 1001) else {
            panic!("it is due");
        };
        assert_eq!(sent, case.at(1001));
        let parts = case
            .log()
            .into_iter()
            .filter_map(|logged| match logged.what {
                Event::Joins {
                    held,
                    enqueue,
                    network,
                    ..
                } => Some([held, enqueue, network].map(|seconds| (1e3 * seconds).round())),
                _ => None,
            });
        assert_eq!(
            parts.collect::<Vec<_>>(),
            [[3.0, 8.0, 2.0], [0.0, 1.0, 0.0]]
        );
    }

    #[test]
    fn what_is_missing_is_lost_after_it_was_last_heard_of() {
        let case = Case::new(3);
        case.enters(0, 0, 0);
        case.enters(1, 0, 1000);
        case.enters(2, 0, 2000);
        assert!(matches!(case.given(2, 0, 0, 2001), Given::Due { .. }));
        let label = Label {
            order: 1,
            attempt: 0,
        };
        case.ledger.stored(label, case.at(1005));
        assert_eq!(case.ledger.waiting(), [2, 0]);
        assert_eq!(case.ledger.give_up_on_missing(case.at(1002)), 2);
        assert_eq!(case.ledger.waiting(), [0, 0]);
        let lost = case
            .log()
            .into_iter()
            .filter_map(|logged| match logged.what {
                Event::Leaves { outcome } => Some((logged.message, outcome, logged.time)),
                _ => None,
            });
        let expected = [(0, Outcome::Lost, 1.002), (1, Outcome::Lost, 1.005)];
        assert_eq!(lost.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn who_is_waiting_where_is_known_at_any_time() {
        let case = Case::new(1);
        case.enters(0, 0, 0);
        assert_eq!(case.ledger.waiting(), [1, 0]);
        let _ = case.given(0, 0, 0, 1);
        assert_eq!(case.ledger.waiting(), [0, 0]);
        case.ledger.back_in_queue(0, case.at(2));
        assert_eq!(case.ledger.waiting(), [1, 0]);
        let _ = case.given(0, 0, 0, 3);
        case.ledger.departs(0, case.at(4));
        case.ledger.sends(0, 1, Duration::ZERO, case.at(4));
        assert_eq!(case.ledger.waiting(), [0, 1]);
        case.ledger.leaves(0, Outcome::Expired, case.at(5));
        assert_eq!(case.ledger.waiting(), [0, 0]);
    }
}
