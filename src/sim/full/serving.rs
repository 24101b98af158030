//! Handing messages over to consumers, and the consumers' work.

use super::agenda::{Happening, Ticket, Who};
use super::failing::LetThrough;
use super::messages::{Kind, Message, MessageId, State};
use super::shelves::Answer;
use super::stage::{Consumer, Doing, Done};
use super::{Full, Observer};
use crate::network::{
    Acknowledgement, AfterFailure, Batching, Capacity, Commitment, Discipline, Expiry,
    FailureClock, Fork, Reliability, StageId, Store, Target,
};
use crate::sim::begin::{Begun, begin};
use crate::sim::happened::Part;
use crate::sim::lane::Lane;

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
    /// Hands over what can be handed over at a stage.
    pub(super) fn dispatch(&mut self, stage: usize) {
        if self.stages[stage].is_paused(self.now) || self.stages[stage].sharing.is_some() {
            return;
        }
        match self.plan(stage).extras.broker.commitment {
            Commitment::OnDemand => self.serve_on_demand(stage),
            Commitment::Push { .. } | Commitment::AtSend { .. } => self.push(stage),
            Commitment::Pull { .. } => {
                for member in 0..self.stages[stage].members.len() {
                    self.fetch(stage, member);
                }
            }
        }
    }

    /// Something has become free at a stage: who waits for it is seen to before anything else happens,
    /// but not at once, so that one does not lead to the next within the next.
    pub(super) fn stir(&mut self, stage: usize) {
        let here = &self.stages[stage];
        if here.waiting > 0 || !here.blocked.is_empty() || !here.outside.is_empty() {
            self.stirred.push(stage as u32);
        }
    }

    /// What kept a stage from handing over has ended.
    pub(super) fn resumes(&mut self, stage: usize) {
        let circuit = self.stages[stage].circuit.as_ref();
        let opens = circuit.and_then(|circuit| circuit.open_until());
        if opens.is_none_or(|until| until <= self.now) {
            self.happened.staff[stage].breaker_open.set(self.now, 0.0);
        }
        for who in std::mem::take(&mut self.stages[stage].at_circuit) {
            self.begins(who);
        }
        self.dispatch(stage);
        if self.plan(stage).extras.broker.commitment != Commitment::OnDemand {
            for member in 0..self.stages[stage].members.len() {
                self.kick(stage, member);
            }
        }
        self.stir(stage);
    }

    /// Who is free takes the next message.
    fn serve_on_demand(&mut self, stage: usize) {
        while self.stages[stage].waiting > 0 && self.may_begin(stage) && self.has_batch(stage) {
            let Some(consumer) = self.free_consumer(stage) else {
                return;
            };
            if !self.load(stage, consumer) {
                self.stages[stage].members[0].idle.push(consumer);
                return;
            }
            self.receive(stage, consumer);
        }
    }

    /// Takes a free consumer; makes one free by preemption where that is right.
    fn free_consumer(&mut self, stage: usize) -> Option<u32> {
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

    /// Whether enough wait, or one has waited long enough, for a consumer to begin.
    fn has_batch(&mut self, stage: usize) -> bool {
        let Batching::UpTo { at_least, wait, .. } = self.plan(stage).extras.batching else {
            return true;
        };
        let here = &self.stages[stage];
        if here.waiting >= at_least as usize {
            return true;
        }
        let arrivals = here.lanes.iter().flat_map(|lane| lane.iter());
        let arrivals = arrivals.map(|id| self.messages.get(id).arrived);
        let due = arrivals.fold(f64::INFINITY, f64::min) + wait;
        if due <= self.now {
            return true;
        }
        if due < self.stages[stage].batch_due || self.stages[stage].batch_due <= self.now {
            self.stages[stage].batch_due = due;
            self.agenda.plan(
                due,
                Happening::BatchDue {
                    stage: stage as u32,
                },
            );
        }
        false
    }

    pub(super) fn batch_due(&mut self, stage: usize) {
        self.stages[stage].batch_due = f64::INFINITY;
        self.dispatch(stage);
    }

    /// Orders that a consumer takes at once.
    fn batch_size(&self, stage: usize) -> usize {
        match self.plan(stage).extras.batching {
            Batching::Single => 1,
            Batching::UpTo { size, .. } => size as usize,
        }
    }

    /// Whether an attempt may begin now; under an open circuit breaker that pauses, none may.
    fn may_begin(&mut self, stage: usize) -> bool {
        if self.stages[stage].circuit.is_none() || !self.pauses(stage) {
            return true;
        }
        let circuit = self.stages[stage].circuit.as_mut();
        circuit.is_none_or(|circuit| circuit.admits(self.now))
    }

    /// A consumer takes what is next in the lanes; whether there was anything.
    fn load(&mut self, stage: usize, consumer: u32) -> bool {
        for _ in 0..self.batch_size(stage) {
            let Some(id) = self.next_message(stage, None) else {
                break;
            };
            self.hand_out(id, stage, 0);
            self.stages[stage].consumers[consumer as usize]
                .holds
                .push(id);
        }
        !self.stages[stage].consumers[consumer as usize]
            .holds
            .is_empty()
    }

    /// The next message of a lane, or of the first lane that has any, leaves it.
    fn next_message(&mut self, stage: usize, lane: Option<usize>) -> Option<MessageId> {
        loop {
            let here = &mut self.stages[stage];
            let id = match lane {
                Some(lane) => here.lanes[lane].pop(),
                None => here.lanes.iter_mut().find_map(|lane| lane.pop()),
            }?;
            here.waiting -= 1;
            if !here.blocked.is_empty() || !here.outside.is_empty() {
                self.stirred.push(stage as u32);
            }
            if self.is_overdue(id) {
                self.expire(id);
                continue;
            }
            let lane = self.messages.get(id).lane as usize;
            if self.plan(stage).extras.broker.expiry != Expiry::AtOnce {
                self.expire_at_head(stage, lane);
            }
            return Some(id);
        }
    }

    /// A message is committed to a member.
    fn hand_out(&mut self, id: MessageId, stage: usize, member: usize) {
        let broker = &self.network.stages[stage].extras.broker;
        let here = &mut self.stages[stage];
        let message = self.messages.get_mut(id);
        message.state = State::Committed;
        message.member = member as u32;
        message.deliveries += 1;
        let lane = self.books.lane(stage, message.class as usize);
        let counts = &mut self.happened.lanes[lane];
        counts.deliveries += 1;
        counts.redeliveries += u64::from(message.deliveries > 1);
        counts.duplicates += u64::from(message.kind == Kind::Duplicate);
        message.in_hand = self.now;
        let to = &mut here.members[member];
        if let Some(law) = &mut here.laws.handover {
            let takes = law.next();
            counts.dequeue.record(takes);
            message.spend(self.now, Part::Dequeue);
            message.in_hand = self.now + takes;
            if broker.commitment != Commitment::OnDemand {
                message.in_hand = message.in_hand.max(to.in_hand);
                to.in_hand = message.in_hand;
            }
        }
        message.disowned = false;
        if let Acknowledgement::PerMessage { timeout } = broker.acknowledgement {
            to.unacknowledged += 1;
            message.in_window = true;
            // Once more, not again and again: else work that always takes too long would never end.
            if message.kind != Kind::Duplicate {
                let (delivery, stamp) = (message.deliveries, message.stamp);
                let ticket = Ticket { message: id, stamp };
                let overdue = Happening::Overdue { ticket, delivery };
                self.agenda.plan(self.now + timeout, overdue);
            }
        }
    }

    /// A consumer that was free begins, or waits for what it was promised.
    fn receive(&mut self, stage: usize, consumer: u32) {
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
            self.leave_stage(id);
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
            let lane = &mut self.books.lanes_of(stage)[message.class as usize];
            if let (Some(begun), 0) = (message.begin(self.now, left, lane), index) {
                ends = begun.ends;
            }
            if !message.attempting {
                message.attempting = true;
                message.processed += left;
                lane.service.record(left);
                let lane = self.books.lane(stage, message.class as usize);
                self.happened.lanes[lane].attempts += 1;
                here.begun.attempts += 1;
                // The others of a batch are served in the time of the first.
                here.begun.work += if index == 0 { left } else { 0.0 };
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
        if self.has_failed(id, stage) {
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
        Fate::Goes(self.stages[stage].chance.draw_route(class))
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

    /// The broker is told that a message has been dealt with: its window is free again.
    pub(super) fn acknowledge(&mut self, stage: usize, id: MessageId) {
        let message = self.messages.get(id);
        let member = message.member as usize;
        let number = message.number;
        let (disowned, place) = (message.disowned, message.place);
        match self.plan(stage).extras.broker.acknowledgement {
            Acknowledgement::OnDelivery => {}
            Acknowledgement::PerMessage { .. } => self.acknowledge_to(id, stage, member),
            Acknowledgement::Commits { every } => {
                let message = self.messages.get(id);
                let done = Done {
                    number,
                    producer: message.producer,
                    class: message.class,
                    size: message.size,
                    entered: message.entered,
                    place,
                    lane: message.lane,
                };
                let interval = (self.now / every) as u64;
                let to = &mut self.stages[stage].members[member];
                if to.interval != interval {
                    to.interval = interval;
                    to.done.clear();
                }
                to.done.push(done);
            }
        }
        if disowned {
            self.messages.get_mut(id).disowned = false;
            self.duplicate(id);
        }
    }

    fn acknowledge_to(&mut self, id: MessageId, stage: usize, member: usize) {
        // Of a delivery that it has forgotten the broker does not want to hear.
        if !std::mem::take(&mut self.messages.get_mut(id).in_window) {
            return;
        }
        let here = &mut self.stages[stage];
        let stamp = here.members[member].stamp;
        match &mut here.laws.acknowledge {
            None => {
                let to = &mut here.members[member];
                to.unacknowledged -= 1;
                self.stir(stage);
            }
            Some(law) => {
                let (stage, member) = (stage as u32, member as u32);
                let known = self.now + law.next();
                self.agenda.plan(
                    known,
                    Happening::Acknowledged {
                        stage,
                        member,
                        stamp,
                    },
                );
            }
        }
    }

    pub(super) fn acknowledged(&mut self, stage: usize, member: usize, stamp: u32) {
        let to = &mut self.stages[stage].members[member];
        if to.stamp == stamp {
            to.unacknowledged -= 1;
            self.stir(stage);
        }
    }

    /// A message that a member had is no longer with it: its window is free again.
    pub(super) fn leave_window(&mut self, id: MessageId) {
        let message = self.messages.get_mut(id);
        if std::mem::take(&mut message.in_window) {
            let here = &mut self.stages[message.stage as usize];
            here.members[message.member as usize].unacknowledged -= 1;
        }
    }

    /// Whether a member may be sent one more message.
    pub(super) fn has_window(&self, stage: usize, member: usize) -> bool {
        let broker = &self.plan(stage).extras.broker;
        let to = &self.stages[stage].members[member];
        if to.ready == 0 {
            return false;
        }
        match (broker.commitment, broker.acknowledgement) {
            (Commitment::OnDemand, _) => !to.idle.is_empty(),
            (Commitment::Push { .. }, Acknowledgement::OnDelivery) => true,
            (Commitment::Push { prefetch }, _) => to.unacknowledged < prefetch,
            (Commitment::AtSend { high_water_mark }, _) => {
                to.buffer.len() < high_water_mark as usize
            }
            (Commitment::Pull { .. }, _) => to.buffer.is_empty() && !to.idle.is_empty(),
        }
    }

    /// Whether any member gets any message: a single partition still is one member's alone.
    pub(super) fn is_shared(&self, stage: usize) -> bool {
        self.plan(stage).extras.broker.store == Store::Shared
    }

    /// Sends what waits to members that may have more, in turn.
    fn push(&mut self, stage: usize) {
        if self.is_shared(stage) {
            while self.stages[stage].waiting > 0 {
                let Some(member) = self.next_in_turn(stage) else {
                    return;
                };
                let Some(id) = self.next_message(stage, None) else {
                    return;
                };
                self.commit(id, stage, member);
            }
            return;
        }
        for lane in 0..self.stages[stage].lanes.len() {
            let member = self.stages[stage].member_of_lane[lane];
            while self.has_window(stage, member) {
                let Some(id) = self.next_message(stage, Some(lane)) else {
                    break;
                };
                self.commit(id, stage, member);
            }
        }
    }

    /// The next member in turn that may have one more message.
    fn next_in_turn(&mut self, stage: usize) -> Option<usize> {
        let members = self.stages[stage].members.len();
        let turn = self.stages[stage].turn;
        let mut candidates = (turn..members).chain(0..turn.min(members));
        let member = candidates.find(|member| self.has_window(stage, *member))?;
        self.stages[stage].turn = (member + 1) % members;
        Some(member)
    }

    /// A message goes into a member's buffer.
    fn commit(&mut self, id: MessageId, stage: usize, member: usize) {
        self.hand_out(id, stage, member);
        self.stages[stage].members[member].buffer.push_back(id);
        let in_hand = self.messages.get(id).in_hand;
        if in_hand <= self.now {
            return self.kick(stage, member);
        }
        let (stage, member) = (stage as u32, member as u32);
        self.agenda
            .plan(in_hand, Happening::HandedOver { stage, member });
    }

    /// The idle consumers of a member take what it has in hand.
    pub(super) fn kick(&mut self, stage: usize, member: usize) {
        while self.has_in_hand(stage, member) && self.may_begin(stage) {
            let to = &mut self.stages[stage].members[member];
            let Some(consumer) = to.idle.pop() else { break };
            self.load_from_buffer(stage, member, consumer);
            self.start_work(stage, consumer);
        }
        match self.plan(stage).extras.broker.commitment {
            Commitment::Pull { .. } => self.fetch(stage, member),
            _ => self.stir(stage),
        }
    }

    fn has_in_hand(&self, stage: usize, member: usize) -> bool {
        let first = self.stages[stage].members[member].buffer.front();
        first.is_some_and(|id| self.messages.get(*id).in_hand <= self.now)
    }

    fn load_from_buffer(&mut self, stage: usize, member: usize, consumer: u32) {
        for _ in 0..self.batch_size(stage) {
            if !self.has_in_hand(stage, member) {
                return;
            }
            let here = &mut self.stages[stage];
            let Some(id) = here.members[member].buffer.pop_front() else {
                return;
            };
            here.consumers[consumer as usize].holds.push(id);
        }
    }

    /// A member with nothing in its buffer and a free consumer asks for more.
    fn fetch(&mut self, stage: usize, member: usize) {
        let Commitment::Pull {
            batch,
            at_least,
            wait,
        } = self.plan(stage).extras.broker.commitment
        else {
            return;
        };
        if self.stages[stage].is_paused(self.now) || !self.has_window(stage, member) {
            return;
        }
        let to = &mut self.stages[stage].members[member];
        let since = *to.asks_since.get_or_insert(self.now);
        let stamp = to.asked;
        let there = self.waiting_for(stage, member);
        if there == 0 {
            return;
        }
        // An empty question is asked again as soon as it has been answered.
        let rounds = if wait > 0.0 {
            ((self.now - since) / wait).ceil().max(1.0)
        } else {
            0.0
        };
        let due = since + rounds * wait;
        if there < at_least as usize && due > self.now {
            let to = &mut self.stages[stage].members[member];
            if std::mem::replace(&mut to.answer_due, due) == due {
                return;
            }
            let (stage, member) = (stage as u32, member as u32);
            self.agenda.plan(
                due,
                Happening::FetchDue {
                    stage,
                    member,
                    stamp,
                },
            );
            return;
        }
        self.take_fetched(stage, member, batch as usize);
    }

    pub(super) fn fetch_due(&mut self, stage: usize, member: usize, stamp: u32) {
        let to = &self.stages[stage].members[member];
        let Commitment::Pull { batch, .. } = self.plan(stage).extras.broker.commitment else {
            return;
        };
        let asks = to.asked == stamp && to.asks_since.is_some();
        if asks && self.has_window(stage, member) && !self.stages[stage].is_paused(self.now) {
            self.take_fetched(stage, member, batch as usize);
        }
    }

    /// Messages in the lanes that a member is served from.
    fn waiting_for(&self, stage: usize, member: usize) -> usize {
        let here = &self.stages[stage];
        if self.is_shared(stage) {
            return here.waiting;
        }
        let lanes = here.lanes.iter().zip(&here.member_of_lane);
        lanes
            .filter(|(_, of)| **of == member)
            .map(|(lane, _)| lane.len())
            .sum()
    }

    fn take_fetched(&mut self, stage: usize, member: usize, batch: usize) {
        let to = &mut self.stages[stage].members[member];
        to.asks_since = None;
        to.asked = to.asked.wrapping_add(1);
        let lanes = self.stages[stage].lanes.len();
        let shared = self.is_shared(stage);
        let first = self.stages[stage].turn;
        let mut left = batch;
        for lane in (0..lanes).map(|lane| (lane + first) % lanes) {
            if !shared && self.stages[stage].member_of_lane[lane] != member {
                continue;
            }
            while left > 0 {
                let Some(id) = self.next_message(stage, Some(lane)) else {
                    break;
                };
                self.hand_out(id, stage, member);
                self.stages[stage].members[member].buffer.push_back(id);
                left -= 1;
            }
        }
        // No lane comes first for ever.
        self.stages[stage].turn = (first + 1) % lanes;
        let in_hand = self.stages[stage].members[member].buffer.iter();
        let last = in_hand
            .map(|id| self.messages.get(*id).in_hand)
            .fold(self.now, f64::max);
        // What is fetched together comes together.
        for id in &self.stages[stage].members[member].buffer {
            self.messages.get_mut(*id).in_hand = last;
        }
        if last > self.now {
            let (stage, member) = (stage as u32, member as u32);
            self.agenda
                .plan(last, Happening::HandedOver { stage, member });
        } else {
            self.kick(stage, member);
        }
    }
}

/// Processor sharing.
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

impl Message {
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
