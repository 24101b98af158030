//! Leaving a stage and leaving the pipeline: departures, copies, patience and time to live at their end.

use super::accounts;
use super::agenda::Ticket;
use super::messages::{Kind, Message, MessageId, NOWHERE, State};
use super::serving::Fate;
use super::{Full, Observer, record};
use crate::network::{Expiry, Fork, Target, TimeToLive};
use crate::sim::happened::Part;
use crate::sim::logged::Event;
use crate::sim::outcome::Outcome;

impl<O: Observer> Full<'_, O> {
    /// A message with whose work the stage is done, for now or for good, goes its way.
    pub(super) fn carry_out(&mut self, id: MessageId, fate: Fate) {
        match fate {
            Fate::Goes(target) => {
                self.depart(id);
                if let Fork::Detached(_) =
                    self.plan(self.messages.get(id).stage as usize).extras.fork
                {
                    self.send_copies(id, Kind::Detached);
                }
                self.go(id, target);
            }
            Fate::Forks => {
                self.depart(id);
                let message = self.messages.get_mut(id);
                message.state = State::Forked;
                message.spend(self.now, Part::Processing);
                self.send_copies(id, Kind::Copy { of: id });
            }
            Fate::TriedAgain { after } => self.set_aside(id, after),
            Fate::GivenUp(then) => self.give_up(id, then),
            Fate::SoldOut => {
                self.depart(id);
                self.end(id, Outcome::Cancelled);
            }
            Fate::Backordered => self.wait_for_stock(id),
        }
    }

    /// A message has been served, and leaves its stage.
    fn depart(&mut self, id: MessageId) {
        let message = self.messages.get(id);
        accounts::departs(&mut self.books, message);
        self.tell(id, Event::Departs);
        self.leave_stage(id);
    }

    fn go(&mut self, id: MessageId, target: Target) {
        match target {
            Target::Stage(stage) => self.send(id, stage.0),
            Target::Completed => self.complete(id),
            Target::Cancelled => self.end(id, Outcome::Cancelled),
        }
    }

    /// A message is no longer at its stage.
    fn leave_stage(&mut self, id: MessageId) {
        self.forget_attempt(id);
        let message = self.messages.get_mut(id);
        accounts::leaves_stage(&mut self.books, &mut self.happened, message, self.now);
    }

    /// A message leaves its stage unserved, or not served well.
    pub(super) fn discard(&mut self, id: MessageId) {
        self.tell(id, Event::Discarded);
        self.leave_stage(id);
    }

    /// Sends a copy of a message to each of the stages that its stage sends copies to.
    fn send_copies(&mut self, id: MessageId, kind: Kind) {
        let original = *self.messages.get(id);
        let branches = self.plan(original.stage as usize).extras.fork.branches();
        self.messages.get_mut(id).copies = branches.len() as u32;
        for branch in branches {
            let copy = self.copy(&original, kind);
            self.send(copy, branch.0);
        }
    }

    /// A copy of a message, at no stage yet.
    pub(super) fn copy(&mut self, original: &Message, kind: Kind) -> MessageId {
        self.happened.copies_made += 1;
        let blank = Message::new(
            original.number,
            original.producer,
            original.class,
            original.size,
            self.now,
        );
        let entered = original.entered;
        self.messages.insert(Message {
            kind,
            entered,
            let_in: true,
            ..blank
        })
    }

    /// A message leaves the pipeline.
    pub(super) fn end(&mut self, id: MessageId, outcome: Outcome) {
        if !self.messages.get(id).is_order() {
            return self.end_copy(id);
        }
        self.return_stock(id);
        self.messages.get_mut(id).spend(self.now, Part::Waiting);
        self.tell(id, Event::Leaves { outcome });
        let order = self.messages.remove(id);
        accounts::leaves(
            &mut self.books,
            &mut self.happened,
            &order,
            self.now,
            outcome,
        );
        let producers = self.network.producers.len();
        let population = (order.producer as usize).checked_sub(producers);
        if let (Some(population), None) = (population, &self.entrances) {
            self.think(population);
        }
        self.observer.left(&record(&order, self.now, outcome));
    }

    /// A copy or a duplicate ends; an order that waited for the last of its copies goes on.
    pub(super) fn end_copy(&mut self, id: MessageId) {
        self.happened.copies_ended += 1;
        self.return_stock(id);
        let copy = self.messages.remove(id);
        let Kind::Copy { of } = copy.kind else {
            return;
        };
        let order = self.messages.get_mut(of);
        order.copies -= 1;
        if order.copies > 0 {
            return;
        }
        let (stage, class) = (order.stage as usize, order.class);
        let target = self.stages[stage].chance.draw_route(class);
        self.go(of, target);
    }

    /// An order has waited as long as it will.
    pub(super) fn gives_up(&mut self, ticket: Ticket) {
        let id = ticket.message;
        if !self.holds(ticket) || self.messages.get(id).begun {
            return;
        }
        let message = self.messages.get(id);
        let (stage, lane) = (
            message.stage as usize,
            self.lane(message.stage as usize, message.class),
        );
        match message.state {
            State::Queued => self.take_from_queue(id),
            State::InOrbit => {}
            State::Committed => {
                if !self.take_from_member(id, stage) {
                    return;
                }
            }
            _ => return,
        }
        self.happened.lanes[lane].abandoned += 1;
        self.discard(id);
        self.end(id, Outcome::Expired);
        self.dispatch(stage);
    }

    /// Takes a message out of the buffer of a member, if it is there.
    fn take_from_member(&mut self, id: MessageId, stage: usize) -> bool {
        let member = self.messages.get(id).member as usize;
        let to = &mut self.stages[stage].members[member];
        let at = to.buffer.iter().position(|other| *other == id);
        let Some(at) = at else {
            return false;
        };
        to.buffer.remove(at);
        self.leave_window(id);
        self.stir(stage);
        true
    }

    /// A message's time to live is over.
    pub(super) fn expires(&mut self, ticket: Ticket) {
        let id = ticket.message;
        if !self.holds(ticket)
            || self.messages.get(id).state != State::Queued
            || !self.is_overdue(id)
        {
            return;
        }
        let message = self.messages.get(id);
        let (stage, lane) = (message.stage as usize, message.lane as usize);
        if self.plan(stage).extras.broker.expiry == Expiry::AtOnce {
            self.take_from_queue(id);
            return self.expire(id);
        }
        self.expire_at_head(stage, lane);
    }

    /// Takes off those at the head of a lane whose time is over.
    pub(super) fn expire_at_head(&mut self, stage: usize, lane: usize) {
        while let Some(first) = self.stages[stage].lanes[lane].first() {
            if !self.is_overdue(first) {
                return;
            }
            self.take_from_queue(first);
            self.expire(first);
        }
    }

    /// The broker looks for all whose time is over.
    pub(super) fn scans(&mut self, stage: usize) {
        let waiting = self.stages[stage].lanes.iter().flat_map(|lane| lane.iter());
        let waiting: Vec<Ticket> = waiting.map(|id| self.ticket(id)).collect();
        for ticket in waiting {
            // One that expires may let others go on, which may take places of those behind it.
            let id = ticket.message;
            let waits = self.holds(ticket) && self.messages.get(id).state == State::Queued;
            if waits && self.is_overdue(id) {
                self.take_from_queue(id);
                self.expire(id);
            }
        }
        self.plan_scan(stage);
    }

    /// Whether a message has been in the queue for longer than its time to live, and nobody has begun
    /// with it.
    pub(super) fn is_overdue(&self, id: MessageId) -> bool {
        let message = self.messages.get(id);
        match self.plan(message.stage as usize).extras.time_to_live {
            TimeToLive::Endless => false,
            TimeToLive::Limited { seconds, .. } => {
                !message.begun && self.now >= message.arrived + seconds
            }
        }
    }

    /// A message that has been taken off its lane is expired.
    pub(super) fn expire(&mut self, id: MessageId) {
        let message = self.messages.get(id);
        let stage = message.stage as usize;
        let lane = self.lane(stage, message.class);
        let outcome = self.expired_outcome(stage);
        self.happened.lanes[lane].expired += 1;
        if outcome == Outcome::DeadLettered {
            self.happened.lanes[lane].dead_lettered += 1;
        }
        self.discard(id);
        self.messages.get_mut(id).stage = NOWHERE;
        self.end(id, outcome);
    }
}
