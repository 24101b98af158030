//! The work of consumers: beginning, preemption, the end of work and what comes of it.

use super::agenda::{Happening, Who};
use super::failing::LetThrough;
use super::messages::{Kind, Message, MessageId, State};
use super::shelves::Answer;
use super::stage::{Consumer, Doing};
use super::{Full, Observer};
use crate::network::{
    AfterFailure, Capacity, Commitment, Discipline, FailureClock, Fork, Reliability, StageId,
    Target,
};
use crate::sim::begin::{Begun, begin};
use crate::sim::engine::Moment;
use crate::sim::happened::Part;
use crate::sim::lane::Lane;
use crate::sim::logged::Event;

/// What becomes of a message when work on it has ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Fate {
    /// It goes on.
    Goes(Target),
    /// Its copies do, and it goes on when they are done.
    Forks,
    /// It is tried again, after so many seconds.
    TriedAgain { after: f64 },
    /// It is not tried again.
    GivenUp(AfterFailure),
    /// What it needs is not in stock, and it goes without.
    SoldOut,
    /// What it needs is not in stock, and it waits for it.
    Backordered,
}

impl<O: Observer> Full<'_, O> {
    /// Takes a free consumer; makes one free by preemption where that is right.
    pub(super) fn free_consumer(&mut self, stage: usize) -> Option<u32> {
        if let Some(consumer) = self.stages[stage].members[0].idle.pop() {
            return Some(consumer);
        }
        if self.stages[stage].is_unlimited() {
            let consumers = &mut self.stages[stage].consumers;
            consumers.push(Consumer::new(0));
            return Some(consumers.len() as u32 - 1);
        }
        let consumer = self.preempted(stage)?;
        self.preempt(stage, consumer);
        Some(consumer)
    }

    /// The consumer whose work must give way to what is next in the queue.
    fn preempted(&self, stage: usize) -> Option<u32> {
        let here = &self.stages[stage];
        let discipline = self.plan(stage).discipline;
        let by_work = match discipline {
            Discipline::ShortestRemaining => true,
            Discipline::PreemptivePriority | Discipline::PreemptiveRestart => false,
            _ => return None,
        };
        let next = self.messages.get(here.lanes[0].first()?);
        let working = here
            .consumers
            .iter()
            .enumerate()
            .filter(|(_, c)| c.doing == Doing::Works);
        let rank = |consumer: &Consumer| {
            let message = self.messages.get(*consumer.holds.first()?);
            let key = if by_work {
                (consumer.ends - self.now).to_bits()
            } else {
                message.key
            };
            Some((key, message.place))
        };
        let ranked = working.filter_map(|(index, consumer)| Some((rank(consumer)?, index)));
        let ((key, _), index) = ranked.max()?;
        (next.key < key).then_some(index as u32)
    }

    fn preempt(&mut self, stage: usize, consumer: u32) {
        let restart = self.plan(stage).discipline == Discipline::PreemptiveRestart;
        self.stop_work(stage, consumer, restart);
        let holds = std::mem::take(&mut self.stages[stage].consumers[consumer as usize].holds);
        for id in holds {
            self.messages.get_mut(id).spend(self.now, Part::Processing);
            self.enqueue(id);
        }
    }

    /// A consumer stops in the middle of its work, which goes on later where it was, or starts anew.
    pub(super) fn stop_work(&mut self, stage: usize, consumer: u32, anew: bool) {
        self.work_stops(stage, consumer);
        let state = &mut self.stages[stage].consumers[consumer as usize];
        state.doing = Doing::Idle;
        let left = state.ends - self.now;
        for id in &state.holds {
            let message = self.messages.get_mut(*id);
            message.left = if anew { message.work } else { left.max(0.0) };
        }
    }

    /// What is to be noted whenever a consumer's stretch of work is over.
    fn work_stops(&mut self, stage: usize, consumer: u32) {
        let clock = self.failure_clock(stage);
        let state = &mut self.stages[stage].consumers[consumer as usize];
        state.stamp = state.stamp.wrapping_add(1);
        if clock == Some(FailureClock::Busy) {
            state.fate = state.fate.wrapping_add(1);
            state.uptime_left = (state.uptime_left - (self.now - state.began)).max(0.0);
        }
        self.happened.staff[stage].busy.add(self.now, -1.0);
    }

    pub(super) fn failure_clock(&self, stage: usize) -> Option<FailureClock> {
        match &self.plan(stage).extras.reliability {
            Reliability::Perfect => None,
            Reliability::Breakdowns(how) => Some(how.when),
        }
    }

    /// A consumer that was free begins, or waits for what it was promised.
    pub(super) fn receive(&mut self, stage: usize, consumer: u32) {
        let state = &mut self.stages[stage].consumers[consumer as usize];
        let in_hand = state.holds.iter().map(|id| self.messages.get(*id).in_hand);
        let in_hand = in_hand.fold(self.now, f64::max);
        if in_hand <= self.now {
            return self.start_work(stage, consumer);
        }
        self.begin_later(stage, consumer, in_hand);
    }

    /// A consumer waits with what it holds until the circuit breaker lets somebody through.
    fn wait_for_circuit(&mut self, stage: usize, consumer: u32) {
        let here = &mut self.stages[stage];
        let state = &mut here.consumers[consumer as usize];
        state.doing = Doing::Receives;
        state.stamp = state.stamp.wrapping_add(1);
        here.at_circuit.push(who(stage, consumer, state.stamp));
    }

    fn begin_later(&mut self, stage: usize, consumer: u32, at: f64) {
        let state = &mut self.stages[stage].consumers[consumer as usize];
        state.doing = Doing::Receives;
        state.stamp = state.stamp.wrapping_add(1);
        let who = who(stage, consumer, state.stamp);
        self.agenda.plan(at, Happening::Begins(who));
    }

    /// A consumer begins with what it holds: it has come, or is tried again.
    pub(super) fn begins(&mut self, who: Who) {
        let (stage, consumer) = (who.stage as usize, who.consumer);
        let state = &self.stages[stage].consumers[consumer as usize];
        if state.stamp != who.stamp {
            return;
        }
        if state.holds.is_empty() {
            return self.free(stage, consumer);
        }
        if state.doing == Doing::Rests {
            for id in state.holds.clone() {
                self.draw_work(id);
            }
        }
        self.start_work(stage, consumer);
    }

    /// A consumer begins to work on what it holds, or goes on with it.
    pub(super) fn start_work(&mut self, stage: usize, consumer: u32) {
        self.drop_known(stage, consumer);
        if self.stages[stage].consumers[consumer as usize]
            .holds
            .is_empty()
        {
            // Not at once: there may be many more like it behind.
            return self.begin_later(stage, consumer, self.now);
        }
        let ends = match self.ask_circuit(stage, consumer) {
            LetThrough::Yes => self.begin_with(stage, consumer),
            LetThrough::Fails => self.now,
            LetThrough::Waits => return self.wait_for_circuit(stage, consumer),
        };
        let clock = self.failure_clock(stage);
        let here = &mut self.stages[stage];
        let state = &mut here.consumers[consumer as usize];
        state.doing = Doing::Works;
        state.stamp = state.stamp.wrapping_add(1);
        (state.began, state.ends) = (self.now, ends);
        let ends_work = Happening::WorkEnds(who(stage, consumer, state.stamp));
        self.agenda.plan_end(ends, here.rank, ends_work);
        if clock == Some(FailureClock::Busy) {
            let fails = Happening::Fails(who(stage, consumer, state.fate));
            self.agenda.plan(self.now + state.uptime_left, fails);
        }
        self.happened.staff[stage].busy.add(self.now, 1.0);
    }

    /// What consumers know to be done already is dropped without work.
    fn drop_known(&mut self, stage: usize, consumer: u32) {
        if !self.plan(stage).extras.broker.idempotent {
            return;
        }
        let holds = &mut self.stages[stage].consumers[consumer as usize].holds;
        let messages = &self.messages;
        let is_known = |id: &MessageId| messages.get(*id).kind == Kind::Duplicate;
        let known: Vec<MessageId> = holds.iter().copied().filter(is_known).collect();
        holds.retain(|id| !is_known(id));
        for id in known {
            let lane = self.lane(stage, self.messages.get(id).class);
            self.happened.lanes[lane].deduplicated += 1;
            self.acknowledge(stage, id);
            self.discard(id);
            self.end_copy(id);
        }
    }

    /// Notes that work on all that a consumer holds begins, or goes on, and says when it ends: all are
    /// served in the time of the first.
    fn begin_with(&mut self, stage: usize, consumer: u32) -> f64 {
        let here = &mut self.stages[stage];
        let holds = &here.consumers[consumer as usize].holds;
        let left = self.messages.get(holds[0]).left;
        let mut ends = self.now + left;
        for (index, id) in holds.iter().enumerate() {
            let message = self.messages.get_mut(*id);
            let handed_over = message.handed_over(self.now);
            let place = self.books.lane(stage, message.class as usize);
            let lane = &mut self.books.lanes[place];
            let happened = &mut self.happened.lanes[place];
            if let Some(begun) = message.begin(self.now, left, lane) {
                if index == 0 {
                    ends = begun.ends;
                }
                happened.record_wait(begun.waiting, handed_over, self.now);
            }
            if !message.attempting {
                message.attempting = true;
                message.processed += left;
                lane.service.record(left);
                happened.attempts += 1;
                here.begun.attempts += 1;
                // The others of a batch are served in the time of the first.
                here.begun.work += if index == 0 { left } else { 0.0 };
            }
            if O::FOLLOWS && message.is_order() {
                let begins = Moment::Happens {
                    time: self.now,
                    what: Event::Begins {
                        dequeue: handed_over,
                    },
                };
                self.observer.follow(message.number, begins);
            }
        }
        ends
    }

    /// A stretch of work has ended.
    pub(super) fn work_ends(&mut self, who: Who) {
        let (stage, consumer) = (who.stage as usize, who.consumer);
        if self.stages[stage].consumers[consumer as usize].stamp != who.stamp {
            return;
        }
        self.work_stops(stage, consumer);
        let holds = &mut self.stages[stage].consumers[consumer as usize].holds;
        if let [only] = holds.as_slice() {
            let only = *only;
            let fate = self.judge(only);
            return self.conclude(stage, consumer, only, fate);
        }
        let all = std::mem::take(holds);
        let fates: Vec<_> = all.into_iter().map(|id| (id, self.judge(id))).collect();
        let held = |(id, fate): &(MessageId, Fate)| self.is_held_up(*fate).then_some(*id);
        let held: Vec<_> = fates.iter().filter_map(held).collect();
        self.stages[stage].consumers[consumer as usize].holds = held;
        let (stay, go): (Vec<_>, Vec<_>) = fates
            .into_iter()
            .partition(|(_, fate)| self.is_held_up(*fate));
        for (id, fate) in stay {
            self.hold_up(stage, consumer, id, fate);
        }
        for (id, _) in &go {
            self.acknowledge(stage, *id);
        }
        if self.stages[stage].consumers[consumer as usize]
            .holds
            .is_empty()
        {
            self.free(stage, consumer);
        }
        for (id, fate) in go {
            self.carry_out(id, fate);
        }
    }

    /// A consumer has ended its work on the only message that it holds.
    pub(super) fn conclude(&mut self, stage: usize, consumer: u32, id: MessageId, fate: Fate) {
        if let (Fate::TriedAgain { after }, true) = (fate, self.retries_in_place(stage)) {
            return self.rest_with(stage, consumer, id, after);
        }
        if self.is_held_up(fate) {
            return self.hold_up(stage, consumer, id, fate);
        }
        self.stages[stage].consumers[consumer as usize]
            .holds
            .clear();
        self.acknowledge(stage, id);
        self.free(stage, consumer);
        self.carry_out(id, fate);
    }

    /// What becomes of a message whose work has ended.
    pub(super) fn judge(&mut self, id: MessageId) -> Fate {
        let message = self.messages.get_mut(id);
        message.attempting = false;
        let stage = message.stage as usize;
        let failed = self.has_failed(id, stage);
        self.tell(id, Event::Ends { failed });
        if failed {
            return self.failed(id, stage);
        }
        let answer = self.stock_up(id);
        self.fate_after(id, answer)
    }

    /// What becomes of a message that has asked for stock after its work.
    pub(super) fn fate_after(&mut self, id: MessageId, answer: Answer) -> Fate {
        match answer {
            Answer::Granted => self.way_on(id),
            Answer::Lost => Fate::SoldOut,
            Answer::Waits => Fate::Backordered,
        }
    }

    /// Where a message goes that is done at its stage.
    pub(super) fn way_on(&mut self, id: MessageId) -> Fate {
        let message = self.messages.get(id);
        let (stage, class) = (message.stage as usize, message.class);
        if let Fork::JoinAll(_) = self.plan(stage).extras.fork {
            return Fate::Forks;
        }
        let mut to = self.stages[stage].chance.draw_route(class);
        if O::FOLLOWS && message.is_order() {
            let goes = Moment::Goes { to: &mut to };
            self.observer.follow(message.number, goes);
        }
        Fate::Goes(to)
    }

    /// Whether there is no room ahead, so that the consumer must keep the order.
    fn is_held_up(&self, fate: Fate) -> bool {
        let Fate::Goes(Target::Stage(StageId(next))) = fate else {
            return false;
        };
        let blocks = matches!(self.plan(next).capacity, Capacity::Block(_));
        blocks && !(self.stages[next].blocked.is_empty() && self.has_room(next))
    }

    fn hold_up(&mut self, stage: usize, consumer: u32, id: MessageId, fate: Fate) {
        let Fate::Goes(Target::Stage(StageId(next))) = fate else {
            return;
        };
        self.messages.get_mut(id).bound_for = next as u32;
        self.stages[stage].consumers[consumer as usize].doing = Doing::Blocked;
        self.stages[next]
            .blocked
            .push_back((stage as u32, consumer));
        self.happened.staff[stage].blocked.add(self.now, 1.0);
    }

    /// There is room ahead for an order that a consumer has held.
    pub(super) fn unblock(&mut self, stage: usize, consumer: u32, next: usize) {
        let holds = &mut self.stages[stage].consumers[consumer as usize].holds;
        let bound = |id: &MessageId| self.messages.get(*id).bound_for == next as u32;
        let Some(at) = holds.iter().position(bound) else {
            return;
        };
        let id = holds.remove(at);
        let empty = holds.is_empty();
        self.happened.staff[stage].blocked.add(self.now, -1.0);
        self.acknowledge(stage, id);
        // It takes its place before anyone else comes.
        self.carry_out(id, Fate::Goes(Target::Stage(StageId(next))));
        if empty {
            self.free(stage, consumer);
        }
    }

    /// A consumer is free, and takes what comes next, or goes.
    pub(super) fn free(&mut self, stage: usize, consumer: u32) {
        let here = &mut self.stages[stage];
        let state = &mut here.consumers[consumer as usize];
        let member = state.member as usize;
        if state.leaving {
            return self.depart_consumer(stage, consumer);
        }
        if std::mem::take(&mut state.failing) {
            return self.break_down(stage, consumer);
        }
        state.doing = Doing::Idle;
        here.members[member].idle.push(consumer);
        match self.plan(stage).extras.broker.commitment {
            Commitment::OnDemand => self.dispatch(stage),
            _ => self.kick(stage, member),
        }
        self.stir(stage);
    }
}

impl Message {
    /// Seconds for which it was being handed over until now.
    fn handed_over(&self, now: f64) -> f64 {
        match self.part {
            Part::Dequeue => (self.in_hand.min(now) - self.since).max(0.0),
            _ => 0.0,
        }
    }

    /// From the time when a member had it in hand on, it has waited for its turn.
    pub(super) fn received(&mut self, now: f64) {
        if self.part == Part::Dequeue {
            self.spend_from(self.in_hand.min(now), Part::Waiting);
        }
    }

    /// Somebody turns to it now, for so long. Says more if that is the first time at its stage.
    pub(super) fn begin(&mut self, now: f64, takes: f64, lane: &mut Lane) -> Option<Begun> {
        self.received(now);
        self.spend(now, Part::Processing);
        self.state = State::WithConsumer;
        if std::mem::replace(&mut self.begun, true) {
            return None;
        }
        let begun = begin(self.arrived, now, takes);
        self.waited += begun.waiting;
        lane.waiting.record(begun.waiting);
        lane.occupancy.start_service(now);
        Some(begun)
    }
}

pub(super) fn who(stage: usize, consumer: u32, stamp: u32) -> Who {
    Who {
        stage: stage as u32,
        consumer,
        stamp,
    }
}
