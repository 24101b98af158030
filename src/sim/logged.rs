//! A run that was not simulated, event by event, as whoever ran it wrote it down: what is measured of it is
//! measured by the same books as a simulation.

use super::outcome::Outcome;

/// Something that happened to a message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Logged {
    /// When, seconds since the start.
    pub time: f64,
    /// The message: the order's number, or for a duplicate of an order any number that no order has.
    pub message: u64,
    /// What.
    pub what: Event,
}

/// What happens to a message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event {
    /// An order enters, at the time at which it should have been sent.
    Enters {
        /// Index of its producer.
        producer: u32,
        /// Index of its class.
        class: u32,
        /// Bytes.
        size: f64,
    },
    /// A message that stands for no order appears: an order is delivered whose work was done before.
    Duplicated {
        /// Index of the class of its order.
        class: u32,
        /// Bytes.
        size: f64,
    },
    /// It can be had in a stage's queue.
    Joins {
        /// Index of the stage.
        stage: u32,
        /// Seconds by which its sender was late.
        held: f64,
        /// Seconds of its way here that it spent at its sender, those included, or at the broker until it
        /// could be had. Where both do not add up to the way here, this is what is left of it.
        enqueue: f64,
        /// Seconds on the way to the broker.
        network: f64,
    },
    /// The stage does not let it in: an order is rejected, or put aside at once.
    Refused {
        /// Index of the stage.
        stage: u32,
    },
    /// It is given to a consumer.
    Delivered {
        /// Whether it had been given to one before.
        again: bool,
    },
    /// Work on it begins.
    Begins {
        /// Seconds of its wait that went to handing it over.
        dequeue: f64,
    },
    /// The attempt at the work has ended.
    Ends {
        /// Whether it has failed.
        failed: bool,
    },
    /// It waits aside until it is tried again.
    Rests,
    /// It is in the queue again: after a failure; or its consumer has died, at this time.
    Requeued,
    /// It leaves its stage, done.
    Departs,
    /// It leaves its stage otherwise: thrown away by the queue, given up after failed attempts, lost, or
    /// a duplicate that its consumer recognizes and drops.
    Discarded,
    /// An order leaves the pipeline; or a duplicate ends.
    Leaves {
        /// How.
        outcome: Outcome,
    },
}

/// A change at a stage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StaffLogged {
    /// When, seconds since the start.
    pub time: f64,
    /// Index of the stage.
    pub stage: u32,
    /// Consumers that there are, broken down or not.
    pub employed: u32,
    /// Of these, those broken down.
    pub down: u32,
    /// Whether the broker is down.
    pub broker_down: bool,
}
