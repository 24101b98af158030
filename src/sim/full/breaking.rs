//! What breaks: consumers, and brokers. What they held is kept, delivered again, or lost.

use super::accounts;
use super::agenda::{Happening, Ticket, Who};
use super::messages::{Kind, Message, MessageId, State};
use super::serving::who;
use super::stage::{Doing, Done};
use super::{Full, Observer};
use crate::network::{Acknowledgement, AfterRepair, Commitment, FailureClock, Reliability};
use crate::sim::happened::Part;
use crate::sim::logged::Event;
use crate::sim::outcome::Outcome;

impl<O: Observer> Full<'_, O> {
    /// A consumer breaks down.
    pub(super) fn fails(&mut self, who: Who) {
        let (stage, consumer) = (who.stage as usize, who.consumer);
        let state = &mut self.stages[stage].consumers[consumer as usize];
        if state.fate != who.stamp || state.doing == Doing::Gone {
            return;
        }
        state.fate = state.fate.wrapping_add(1);
        match state.doing {
            // What it holds is done, or not its to work on now: it breaks down as soon as it is free.
            Doing::Blocked | Doing::Rests => state.failing = true,
            _ => self.break_down(stage, consumer),
        }
    }

    pub(super) fn break_down(&mut self, stage: usize, consumer: u32) {
        let Reliability::Breakdowns(how) = &self.plan(stage).extras.reliability else {
            return;
        };
        let then = how.then;
        self.share_changes(stage);
        let here = &mut self.stages[stage];
        let state = &mut here.consumers[consumer as usize];
        let member = state.member as usize;
        let doing = std::mem::replace(&mut state.doing, Doing::Down);
        here.members[member].ready -= 1;
        match doing {
            Doing::Idle => here.members[member].idle.retain(|other| *other != consumer),
            Doing::Works => {
                self.stop_work(stage, consumer, then != AfterRepair::Resume);
                self.stages[stage].consumers[consumer as usize].doing = Doing::Down;
            }
            _ => state.stamp = state.stamp.wrapping_add(1),
        }
        let downtime = self.stages[stage]
            .laws
            .downtime
            .as_mut()
            .map_or(0.0, |law| law.next());
        let fate = self.stages[stage].consumers[consumer as usize].fate;
        self.agenda.plan(
            self.now + downtime,
            Happening::Repaired(self::who(stage, consumer, fate)),
        );
        self.happened.staff[stage].down.add(self.now, 1.0);
        self.share_again(stage);
        if then == AfterRepair::Redeliver {
            self.crash(stage, consumer);
        }
    }

    /// A consumer is repaired.
    pub(super) fn repaired(&mut self, who: Who) {
        let (stage, consumer) = (who.stage as usize, who.consumer);
        self.share_changes(stage);
        let here = &mut self.stages[stage];
        let state = &mut here.consumers[consumer as usize];
        if state.fate != who.stamp {
            return;
        }
        let member = state.member as usize;
        state.doing = Doing::Idle;
        let holds = !state.holds.is_empty();
        let returns = std::mem::take(&mut here.members[member].is_out);
        here.members[member].ready += 1;
        self.happened.staff[stage].down.add(self.now, -1.0);
        self.await_failure(stage, consumer);
        self.share_again(stage);
        if returns || self.stages[stage].is_orphaned && !self.is_shared(stage) {
            self.rebalance(stage);
        }
        if holds {
            self.start_work(stage, consumer);
        } else {
            self.free(stage, consumer);
            self.dispatch(stage);
        }
    }

    /// Draws when a consumer that has just begun to be available breaks down.
    pub(super) fn await_failure(&mut self, stage: usize, consumer: u32) {
        let clock = self.failure_clock(stage);
        let here = &mut self.stages[stage];
        let (Some(law), Some(clock)) = (&mut here.laws.uptime, clock) else {
            return;
        };
        let uptime = law.next();
        let state = &mut here.consumers[consumer as usize];
        state.fate = state.fate.wrapping_add(1);
        state.uptime_left = uptime;
        if clock == FailureClock::Always {
            let fails = Happening::Fails(who(stage, consumer, state.fate));
            self.agenda.plan(self.now + uptime, fails);
        }
    }

    /// A consumer dies with all that it had in hand; with it its member, if it was the last one there.
    fn crash(&mut self, stage: usize, consumer: u32) {
        let broker = &self.network.stages[stage].extras.broker;
        let here = &mut self.stages[stage];
        let state = &mut here.consumers[consumer as usize];
        let member = state.member as usize;
        let mut held: Vec<MessageId> = state.holds.drain(..).collect();
        let to = &mut here.members[member];
        let dies = to.ready == 0 && broker.commitment != Commitment::OnDemand;
        if dies {
            held.extend(to.buffer.drain(..));
            to.stamp = to.stamp.wrapping_add(1);
            to.forget_question();
        }
        held.iter().for_each(|id| self.leave_window(*id));
        if dies {
            // Nor will the broker hear of what it had just done.
            self.stages[stage].members[member].unacknowledged = 0;
        }
        if broker.acknowledgement == Acknowledgement::OnDelivery {
            return held.into_iter().for_each(|id| self.lose(id));
        }
        for id in &held {
            let message = self.messages.get_mut(*id);
            message.state = State::Aside;
            message.spend(self.now, Part::Waiting);
            self.tell(*id, Event::Requeued);
        }
        let noticed = self.now + broker.detection;
        let to = &mut self.stages[stage].members[member];
        to.stranded.extend(held.into_iter().map(|id| (noticed, id)));
        if let (Acknowledgement::Commits { every }, true) = (broker.acknowledgement, dies) {
            // What was done in an interval that is over has been committed.
            let lately = to.interval == (self.now / every) as u64;
            let done = to.done.drain(..).filter(|_| lately);
            to.undone.extend(done.map(|work| (noticed, work)));
        }
        if broker.detection <= 0.0 {
            return self.recover(stage, member);
        }
        let (stage, member) = (stage as u32, member as u32);
        self.agenda
            .plan(noticed, Happening::Detected { stage, member });
    }

    /// The broker notices that a member, or a consumer of it, has died: what it had is delivered again,
    /// and what it had done since its last commit.
    pub(super) fn recover(&mut self, stage: usize, member: usize) {
        let now = self.now;
        let to = &mut self.stages[stage].members[member];
        let stranded: Vec<_> = to.stranded.extract_if(.., |(at, _)| *at <= now).collect();
        let undone: Vec<_> = to.undone.extract_if(.., |(at, _)| *at <= now).collect();
        let is_out = to.ready == 0 && !self.is_shared(stage);
        for (_, id) in stranded {
            self.return_to_queue(id);
        }
        for (_, work) in undone {
            self.duplicate_of(stage, &work);
        }
        if is_out {
            self.stages[stage].members[member].is_out = true;
            self.rebalance(stage);
        }
        self.dispatch(stage);
    }

    /// A message that was committed is in the queue again, at its old place.
    pub(super) fn return_to_queue(&mut self, id: MessageId) {
        self.leave_window(id);
        let now = self.now;
        let message = self.messages.get_mut(id);
        message.received(now);
        message.spend(now, Part::Waiting);
        message.left = message.work;
        message.disowned = false;
        let (begun, patient_until) = (message.begun, message.patient_until);
        self.tell(id, Event::Requeued);
        self.enqueue(id);
        if begun {
            return;
        }
        self.give_time_to_live(id);
        // It may have ended while nobody could have told.
        if patient_until <= now {
            let ticket = self.ticket(id);
            self.agenda.plan(now, Happening::GivesUp(ticket));
        }
    }

    fn lose(&mut self, id: MessageId) {
        let message = self.messages.get(id);
        let lane = self.lane(message.stage as usize, message.class);
        self.happened.lanes[lane].lost += 1;
        self.discard(id);
        self.end(id, Outcome::Lost);
    }

    /// A message has been with its consumer for too long.
    pub(super) fn overdue(&mut self, ticket: Ticket, delivery: u32) {
        if !self.holds(ticket) {
            return;
        }
        let message = self.messages.get(ticket.message);
        let delivered = matches!(message.state, State::Committed | State::WithConsumer);
        if delivered && message.deliveries == delivery {
            self.duplicate(ticket.message);
        }
    }

    /// The broker will deliver once more what somebody has already.
    pub(super) fn duplicate(&mut self, id: MessageId) {
        let message = self.messages.get(id);
        let stage = message.stage as usize;
        let work = Done::of(message);
        self.duplicate_of(stage, &work);
        self.dispatch(stage);
    }

    fn duplicate_of(&mut self, stage: usize, work: &Done) {
        let original = Message {
            entered: work.entered,
            ..Message::new(work.number, work.producer, work.class, work.size, self.now)
        };
        let id = self.copy(&original, Kind::Duplicate);
        let message = self.messages.get_mut(id);
        message.stage = stage as u32;
        message.present = true;
        message.place = work.place;
        message.lane = work.lane;
        // It has been handed out before, as the original.
        message.deliveries = 1;
        accounts::joins(&mut self.books, &mut self.happened, message, self.now);
        self.draw_work(id);
        self.enqueue(id);
    }

    /// The broker of a stage fails.
    pub(super) fn broker_fails(&mut self, stage: usize) {
        self.broker_goes_down(stage);
        let here = &mut self.stages[stage];
        let downtime = here.laws.broker_down.as_mut().map_or(0.0, |law| law.next());
        let recovers = Happening::BrokerRecovers {
            stage: stage as u32,
        };
        self.agenda.plan(self.now + downtime, recovers);
    }

    /// The broker of a stage serves again.
    pub(super) fn broker_recovers(&mut self, stage: usize) {
        self.await_broker_failure(stage);
        self.broker_comes_up(stage);
    }

    pub(super) fn await_broker_failure(&mut self, stage: usize) {
        if let Some(law) = &mut self.stages[stage].laws.broker_up {
            let fails = Happening::BrokerFails {
                stage: stage as u32,
            };
            self.agenda.plan(self.now + law.next(), fails);
        }
    }

    /// Nothing is accepted or handed over any more. What consumers work on they finish, but the broker
    /// does not hear of it; what they had not begun with goes back; what was not on disk is lost.
    pub(super) fn broker_goes_down(&mut self, stage: usize) {
        let here = &mut self.stages[stage];
        here.broker_down += 1;
        if here.broker_down > 1 {
            return;
        }
        self.happened.staff[stage].broker_down.set(self.now, 1.0);
        let broker = &self.plan(stage).extras.broker;
        let keeps = matches!(broker.acknowledgement, Acknowledgement::Commits { .. });
        let mut back = Vec::new();
        for member in &mut self.stages[stage].members {
            // Who commits positions keeps what it has fetched, and its place.
            if !keeps {
                back.extend(member.buffer.drain(..));
            }
            member.unacknowledged = 0;
            member.stamp = member.stamp.wrapping_add(1);
            member.forget_question();
        }
        for id in &back {
            self.messages.get_mut(*id).in_window = false;
        }
        let forgets = broker.acknowledgement == Acknowledgement::OnDelivery;
        let survives = broker.durable && !forgets;
        for id in back {
            match survives {
                true => self.return_to_queue(id),
                // Delivered for good, as far as such a broker knows.
                false => self.lose(id),
            }
        }
        if !keeps {
            self.disown(stage, survives);
        }
        if !broker.durable {
            let lanes = &self.stages[stage].lanes;
            let waiting: Vec<MessageId> = lanes.iter().flat_map(|lane| lane.iter()).collect();
            for id in waiting {
                self.take_from_queue(id);
                self.lose(id);
            }
        }
    }

    /// The broker knows no longer who works on what: it will deliver it again, or has lost it.
    fn disown(&mut self, stage: usize, again: bool) {
        let here = &self.stages[stage];
        let held = here.consumers.iter().flat_map(|consumer| &consumer.holds);
        let stranded = here.members.iter().flat_map(|member| &member.stranded);
        for id in stranded.map(|(_, id)| id) {
            self.messages.get_mut(*id).in_window = false;
        }
        for id in held {
            let message = self.messages.get_mut(*id);
            message.disowned = again;
            message.in_window = false;
        }
    }

    pub(super) fn broker_comes_up(&mut self, stage: usize) {
        let here = &mut self.stages[stage];
        here.broker_down = here.broker_down.saturating_sub(1);
        if here.broker_down == 0 {
            self.happened.staff[stage].broker_down.set(self.now, 0.0);
            self.stirred.push(stage as u32);
            self.dispatch(stage);
        }
    }
}
