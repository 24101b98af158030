//! What only the engine for everything counts: what became of messages, of attempts, of consumers, of
//! brokers and of stock, since the end of the warm-up.

use super::timeline::{Slice, StaffSlice};
use crate::stats::{Level, Mean};

/// What happened at one lane (a class at a stage).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Happenings {
    /// Messages that came into the queue: offered orders that were let in, copies and duplicates.
    pub joined: u64,
    /// Messages whose whole wait was being handed over: they found a consumer free.
    pub only_handed_over: u64,
    /// Messages that left again without anybody having turned to them, for whatever reason.
    pub unserved: u64,
    /// Orders that lost patience.
    pub abandoned: u64,
    /// Orders whose time to live was over.
    pub expired: u64,
    /// Orders that were let in and later had to give their place to newer ones; also counted as rejected.
    pub displaced: u64,
    /// Orders that were put aside here, for whatever reason.
    pub dead_lettered: u64,
    /// Orders that were lost here.
    pub lost: u64,
    /// Tries at the work that began, interrupted ones counted once.
    pub attempts: u64,
    /// Tries that failed.
    pub failed: u64,
    /// Messages handed to a consumer.
    pub deliveries: u64,
    /// Of these, those that had been handed out before.
    pub redeliveries: u64,
    /// Messages whose work had been done before: delivered again after a crash or a time-out.
    pub duplicates: u64,
    /// Of these, those that the consumer recognized and dropped.
    pub deduplicated: u64,
    /// Seconds on the way to the broker, of every message that came into the queue.
    pub network: Mean,
    /// Seconds at the producer and at the broker until being available, of the same.
    pub enqueue: Mean,
    /// Seconds of handing over, of every delivery.
    pub dequeue: Mean,
}

impl Happenings {
    /// Somebody turns to a message for the first time, after such a wait, of which so much was being handed over.
    #[inline]
    pub(super) fn record_wait(&mut self, waiting: f64, handed_over: f64, now: f64) {
        // Both are differences of times, of which late ones are rounded more.
        let rounding = 1e-9_f64.max(1e-15 * now);
        let only = handed_over > 0.0 && waiting > 0.0 && waiting - handed_over < rounding;
        self.only_handed_over += u64::from(only);
    }
}

/// The consumers and the broker of a stage, as numbers over time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Staff {
    /// Consumers at work.
    pub busy: Level,
    /// Consumers that are broken down.
    pub down: Level,
    /// Consumers that there are, broken down or not.
    pub employed: Level,
    /// Orders waiting for a consumer's place downstream, with their consumer.
    pub blocked: Level,
    /// 1 while the broker is down, else 0.
    pub broker_down: Level,
    /// 1 while the circuit breaker is open, else 0.
    pub breaker_open: Level,
}

/// The stock of a stage, all items together.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Shelf {
    /// Orders that asked; who comes back when a reservation ran out does not ask again.
    pub asked: u64,
    /// Of these, those that found enough at once.
    pub filled: u64,
    /// Units asked for.
    pub units_asked: u64,
    /// Units that were there at once.
    pub units_filled: u64,
    /// Orders that were lost for want of stock.
    pub lost_sales: u64,
    /// Orders that had to wait for stock.
    pub backorders: u64,
    /// Units sold that were not there.
    pub oversold: u64,
    /// Reservations that ran out.
    pub released: u64,
    /// Times at which the last free unit of an item went.
    pub stock_outs: u64,
    /// Units at hand, reserved ones included.
    pub at_hand: Level,
    /// Share of the items (by popularity) of which there is none that is free.
    pub empty: Level,
}

/// Where the time of the completed orders went: for every order these add up to its latency.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Parts {
    pub means: [Mean; Part::COUNT],
}

/// What an order spends its time with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// On the way to a broker.
    Network,
    /// At its producer or at the broker, not yet to be had: batches, disk, confirmation, full queues,
    /// an outage.
    Enqueue,
    /// Waiting for its turn, or for stock.
    Waiting,
    /// Being handed over.
    Dequeue,
    /// With its consumer: work, and what keeps it from going on (a breakdown, a full queue ahead); or
    /// until its copies are done.
    Processing,
    /// Between two attempts.
    Retry,
}

impl Part {
    /// How many there are.
    pub(super) const COUNT: usize = 6;
}

/// All of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Happened {
    /// By lane, as in the books.
    pub lanes: Vec<Happenings>,
    /// By stage.
    pub staff: Vec<Staff>,
    /// By stage; all 0 where there is no stock.
    pub shelves: Vec<Shelf>,
    pub parts: Parts,
    /// Copies and duplicates that were made, and that have ended, from the very start of the run.
    pub copies_made: u64,
    pub copies_ended: u64,
    /// Of those made, how many are still there.
    pub copies_present: u64,
}

impl Happened {
    pub(super) fn new(stages: usize, classes: usize) -> Happened {
        Happened {
            lanes: vec![Happenings::default(); stages * classes],
            staff: vec![Staff::default(); stages],
            shelves: vec![Shelf::default(); stages],
            ..Happened::default()
        }
    }

    /// Brings all time integrals up to now.
    pub(super) fn bring_up_to(&mut self, now: f64) {
        self.staff
            .iter_mut()
            .for_each(|staff| staff.each(|level| level.advance(now)));
        self.shelves
            .iter_mut()
            .for_each(|shelf| shelf.each(|level| level.advance(now)));
    }

    /// Adds to the counts of the stages what their consumers did and what was in stock so far.
    pub(super) fn tell(&mut self, now: f64, counts: &mut [Slice]) {
        self.bring_up_to(now);
        for (slice, shelf) in counts.iter_mut().zip(&self.shelves) {
            slice.stock_area = shelf.at_hand.area();
        }
        for (slice, staff) in counts.iter_mut().zip(&self.staff) {
            slice.staff = StaffSlice {
                employed: staff.employed.area(),
                busy: staff.busy.area(),
                down: staff.down.area(),
                broker_down: staff.broker_down.area(),
            };
        }
    }

    /// The warm-up ends: all counts start again.
    pub(super) fn restart(&mut self, now: f64) {
        self.bring_up_to(now);
        self.lanes.fill(Happenings::default());
        self.parts = Parts::default();
        self.staff
            .iter_mut()
            .for_each(|staff| staff.each(|level| level.restart(now)));
        for shelf in &mut self.shelves {
            shelf.each(|level| level.restart(now));
            let Shelf { at_hand, empty, .. } = *shelf;
            *shelf = Shelf {
                at_hand,
                empty,
                ..Shelf::default()
            };
        }
    }
}

impl Staff {
    fn each(&mut self, change: impl FnMut(&mut Level)) {
        let Staff {
            busy,
            down,
            employed,
            blocked,
            broker_down,
            breaker_open,
        } = self;
        [busy, down, employed, blocked, broker_down, breaker_open]
            .into_iter()
            .for_each(change);
    }
}

impl Shelf {
    fn each(&mut self, change: impl FnMut(&mut Level)) {
        [&mut self.at_hand, &mut self.empty]
            .into_iter()
            .for_each(change);
    }
}
