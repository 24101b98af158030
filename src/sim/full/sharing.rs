//! Processor sharing: all orders at a stage share its consumers' work equally, each at most one
//! consumer's.
//!
//! Kept by the work that each has had since the stage was first busy: it is the same for all, so that
//! only the order whose goal is nearest needs an event.

use super::agenda::Happening;
use super::messages::MessageId;
use super::{Full, Observer};
use crate::sim::logged::Event;
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

impl<O: Observer> Full<'_, O> {
    pub(super) fn join_sharing(&mut self, id: MessageId, stage: usize) {
        self.share_changes(stage);
        let through = self.passes_circuit(id, stage);
        let message = self.messages.get_mut(id);
        let lane = &mut self.books.lanes_of(stage)[message.class as usize];
        message.shed = !through;
        if !through {
            message.work = 0.0;
        }
        message.begin(self.now, message.work, lane);
        message.processed += message.work;
        if through {
            lane.service.record(message.work);
        }
        let lane = self.books.lane(stage, message.class as usize);
        self.happened.lanes[lane].attempts += 1;
        let (place, work) = (message.place, message.work);
        self.tell(id, Event::Begins { dequeue: 0.0 });
        self.stages[stage].begun.attempts += 1;
        self.stages[stage].begun.work += work;
        if let Some(sharing) = &mut self.stages[stage].sharing {
            sharing.join(id, place, work);
        }
        self.share_again(stage);
    }

    /// One of those who share a stage is done.
    pub(super) fn share_ends(&mut self, stage: usize, stamp: u32) {
        self.share_changes(stage);
        let sharing = self.stages[stage].sharing.as_mut();
        let Some(id) = sharing
            .filter(|sharing| sharing.stamp == stamp)
            .and_then(|s| s.pop())
        else {
            return;
        };
        self.share_again(stage);
        let fate = self.judge(id);
        self.carry_out(id, fate);
        self.stirred.push(stage as u32);
    }

    /// Who shares, or among how many consumers, is about to change.
    pub(super) fn share_changes(&mut self, stage: usize) {
        let consumers = self.sharers(stage);
        if let Some(sharing) = &mut self.stages[stage].sharing {
            sharing.advance(self.now, consumers);
        }
    }

    /// It has changed: the next to be done may be another, at another time.
    pub(super) fn share_again(&mut self, stage: usize) {
        let consumers = self.sharers(stage);
        let here = &mut self.stages[stage];
        let Some(sharing) = &mut here.sharing else {
            return;
        };
        sharing.stamp = sharing.stamp.wrapping_add(1);
        let (stamp, ends) = (sharing.stamp, sharing.next_end(consumers));
        let busy = consumers.min(sharing.len() as f64);
        if ends < f64::INFINITY {
            let ends_share = Happening::ShareEnds {
                stage: stage as u32,
                stamp,
            };
            self.agenda
                .plan_end(ends.max(self.now), here.rank, ends_share);
        }
        self.happened.staff[stage].busy.set(self.now, busy);
    }

    /// Consumers whose work is shared.
    fn sharers(&self, stage: usize) -> f64 {
        let here = &self.stages[stage];
        match here.is_unlimited() {
            true => f64::INFINITY,
            false => here
                .members
                .first()
                .map_or(0.0, |member| f64::from(member.ready)),
        }
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
