//! What is counted of a message on its way: one rule for what is simulated and for what was recorded.

use super::messages::Message;
use crate::sim::books::Books;
use crate::sim::happened::{Happened, Part};
use crate::sim::outcome::Outcome;

/// From now on a message is at its stage, and waits. The seconds of its way there went to the network, and to what
/// else kept it from being had.
#[inline]
pub(super) fn comes(
    books: &mut Books,
    happened: &mut Happened,
    message: &mut Message,
    now: f64,
) -> [f64; 2] {
    message.present = true;
    message.let_in = true;
    message.arrived = now;
    message.spend(now, Part::Waiting);
    let [network, enqueue] = message.on_the_way();
    joins(books, happened, message, now);
    let lane = books.lane(message.stage as usize, message.class as usize);
    let lane = &mut happened.lanes[lane];
    lane.network.record(network);
    lane.enqueue.record(enqueue);
    [network, enqueue]
}

/// A message is one more in its stage's queue.
#[inline]
pub(super) fn joins(books: &mut Books, happened: &mut Happened, message: &Message, now: f64) {
    let lane = books.lane(message.stage as usize, message.class as usize);
    books.lanes[lane].occupancy.enter_queue(now);
    happened.lanes[lane].joined += 1;
}

/// A message is handed to a consumer, for the first time or again.
#[inline]
pub(super) fn delivered(books: &Books, happened: &mut Happened, message: &Message, again: bool) {
    let lane = books.lane(message.stage as usize, message.class as usize);
    let counts = &mut happened.lanes[lane];
    counts.deliveries += 1;
    counts.redeliveries += u64::from(again);
    counts.duplicates += u64::from(message.is_duplicate());
}

/// A message leaves its stage, served.
#[inline]
pub(super) fn departs(books: &mut Books, message: &Message) {
    let lane = books.lane(message.stage as usize, message.class as usize);
    books.lanes[lane].departed += 1;
    books.lanes[lane].departed_bytes += message.size;
}

/// A message is no longer at its stage. Says how long it was there.
#[inline]
pub(super) fn leaves_stage(
    books: &mut Books,
    happened: &mut Happened,
    message: &mut Message,
    now: f64,
) -> f64 {
    let index = books.lane(message.stage as usize, message.class as usize);
    let lane = &mut books.lanes[index];
    let stay = now - message.arrived;
    if message.begun {
        lane.occupancy.leave(now);
    } else {
        message.waited += stay;
        lane.waiting.record(stay);
        lane.occupancy.leave_to_next(now);
        happened.lanes[index].unserved += 1;
    }
    lane.sojourn.record(stay);
    message.present = false;
    stay
}

/// An order enters the pipeline.
#[inline]
pub(super) fn enters(books: &mut Books, now: f64) {
    books.entered += 1;
    books.pipeline.entered += 1;
    books.pipeline.occupancy.enter_service(now);
}

/// An order, all whose time is spent, leaves the pipeline.
#[inline]
pub(super) fn leaves(
    books: &mut Books,
    happened: &mut Happened,
    order: &Message,
    now: f64,
    outcome: Outcome,
) {
    let pipeline = &mut books.pipeline;
    let latency = now - order.entered;
    books.outcomes.count(outcome);
    pipeline.occupancy.leave(now);
    if outcome == Outcome::Completed {
        pipeline.completed += 1;
        pipeline.completed_bytes += order.size;
        pipeline.latency.record(latency);
        pipeline.processing.record(order.processed);
        for (mean, part) in happened.parts.means.iter_mut().zip(order.parts) {
            mean.record(part);
        }
    }
    if !order.let_in && latency == 0.0 {
        pipeline.rejected_at_entry += 1;
    } else {
        pipeline.time_in_pipeline.record(latency);
        pipeline.time_waiting.record(order.waited);
    }
    pipeline.left += 1;
}
