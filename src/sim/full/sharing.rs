//! Processor sharing: all orders at a stage share its consumers' work equally, each at most one
//! consumer's.
//!
//! Kept by the work that each has had since the stage was first busy: it is the same for all, so that
//! only the order whose goal is nearest needs an event.

use super::messages::MessageId;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// Who shares a stage's consumers.
#[derive(Debug, Default)]
pub(super) struct Sharing {
    /// Work that an order has had that was there all the time.
    attained: f64,
    last: f64,
    goals: BinaryHeap<Reverse<Goal>>,
    /// What was planned before this changed is void.
    pub stamp: u32,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Goal {
    attained: f64,
    place: u64,
    message: MessageId,
}

impl Sharing {
    pub(super) fn len(&self) -> usize {
        self.goals.len()
    }

    /// Each order's speed with so many consumers: 1 is one consumer's.
    fn speed(&self, consumers: f64) -> f64 {
        (consumers / self.goals.len() as f64).min(1.0)
    }

    /// Brings everybody's work up to `now`, with the consumers that there were until now.
    pub(super) fn advance(&mut self, now: f64, consumers: f64) {
        if !self.goals.is_empty() {
            self.attained += (now - self.last) * self.speed(consumers);
        }
        self.last = now;
    }

    /// An order joins with so much work.
    pub(super) fn join(&mut self, message: MessageId, place: u64, work: f64) {
        let attained = self.attained + work;
        self.goals.push(Reverse(Goal {
            attained,
            place,
            message,
        }));
    }

    /// When the next order is done, if nothing changes.
    pub(super) fn next_end(&self, consumers: f64) -> f64 {
        let left = |goal: &Reverse<Goal>| (goal.0.attained - self.attained).max(0.0);
        match (self.goals.peek(), self.speed(consumers)) {
            (Some(goal), speed) if speed > 0.0 => self.last + left(goal) / speed,
            _ => f64::INFINITY,
        }
    }

    /// The order that is done leaves.
    pub(super) fn pop(&mut self) -> Option<MessageId> {
        let goal = self.goals.pop()?.0;
        // Rounding must not leave anyone behind its goal.
        self.attained = self.attained.max(goal.attained);
        Some(goal.message)
    }
}

impl Eq for Goal {}

impl Ord for Goal {
    fn cmp(&self, other: &Goal) -> Ordering {
        let by_work = self.attained.total_cmp(&other.attained);
        by_work.then(self.place.cmp(&other.place))
    }
}

impl PartialOrd for Goal {
    fn partial_cmp(&self, other: &Goal) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_consumers_are_shared_by_three() {
        let mut sharing = Sharing::default();
        for (id, work) in [(0, 2.0), (1, 1.0), (2, 4.0)] {
            sharing.join(MessageId(id), u64::from(id), work);
        }
        assert_eq!(sharing.next_end(2.0), 1.5);
        sharing.advance(1.5, 2.0);
        assert_eq!(sharing.pop(), Some(MessageId(1)));
        assert_eq!(sharing.next_end(2.0), 2.5);
        sharing.advance(2.5, 2.0);
        assert_eq!(sharing.pop(), Some(MessageId(0)));
        assert_eq!(sharing.next_end(2.0), 4.5);
        assert_eq!(sharing.next_end(0.0), f64::INFINITY);
    }
}
