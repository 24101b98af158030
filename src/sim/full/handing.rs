//! Handing messages over: from the lanes to the members of the group, and to their consumers; windows,
//! questions for more, and acknowledgements.

use super::accounts;
use super::agenda::{Happening, Ticket};
use super::messages::{Kind, MessageId, State};
use super::stage::Done;
use super::{Full, Observer};
use crate::network::{Acknowledgement, Batching, Commitment, Expiry, Store};
use crate::sim::engine::Moment;
use crate::sim::happened::Part;
use crate::sim::logged::Event;

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
        let again = message.deliveries > 1;
        accounts::delivered(&self.books, &mut self.happened, message, again);
        if O::FOLLOWS && message.is_order() {
            let delivered = Moment::Happens {
                time: self.now,
                what: Event::Delivered { again },
            };
            self.observer.follow(message.number, delivered);
        }
        message.in_hand = self.now;
        let to = &mut here.members[member];
        if let Some(law) = &mut here.laws.handover {
            let takes = law.next();
            let lane = self.books.lane(stage, message.class as usize);
            self.happened.lanes[lane].dequeue.record(takes);
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

    /// The broker is told that a message has been dealt with: its window is free again.
    pub(super) fn acknowledge(&mut self, stage: usize, id: MessageId) {
        let message = self.messages.get(id);
        let (member, disowned) = (message.member as usize, message.disowned);
        match self.plan(stage).extras.broker.acknowledgement {
            Acknowledgement::OnDelivery => {}
            Acknowledgement::PerMessage { .. } => self.acknowledge_to(id, stage, member),
            Acknowledgement::Commits { every } => {
                let interval = (self.now / every) as u64;
                let to = &mut self.stages[stage].members[member];
                if to.interval != interval {
                    to.interval = interval;
                    to.done.clear();
                }
                to.done.push(Done::of(message));
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
        to.forget_question();
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
