//! How a message comes to a stage: sent, published, let in or not.

use super::accounts;
use super::agenda::Happening;
use super::messages::{Kind, Message, MessageId, NOWHERE, State};
use super::publish::Fate;
use super::queue::key;
use super::stage::places;
use super::{Full, Observer};
use crate::network::{
    AfterExpiry, Balking, Capacity, Commitment, Expiry, Failures, Outside, TimeToLive,
};
use crate::sim::engine::Moment;
use crate::sim::happened::Part;
use crate::sim::logged::Event;
use crate::sim::outcome::Outcome;

/// An order that is sent.
pub(super) struct Sent {
    pub number: u64,
    pub producer: u32,
    pub class: u32,
    pub size: f64,
    /// Seconds for which its producer holds it back.
    pub held: f64,
}

impl<O: Observer> Full<'_, O> {
    /// A new order enters the pipeline.
    pub(super) fn create(&mut self, sent: Sent, to: usize) {
        let Sent {
            number,
            producer,
            class,
            size,
            held,
        } = sent;
        let order = Message::new(number, producer, class, size, self.now);
        accounts::enters(&mut self.books, self.now);
        let id = self.messages.insert(order);
        self.tell(
            id,
            Event::Enters {
                producer,
                class,
                size,
            },
        );
        if held <= 0.0 {
            return self.send(id, to);
        }
        let message = self.messages.get_mut(id);
        message.set_out(to as u32);
        message.spend(self.now, Part::Enqueue);
        let ticket = self.ticket(id);
        self.agenda
            .plan(self.now + held, Happening::SetsOut(ticket));
    }

    /// A message sets out for a stage.
    pub(super) fn send(&mut self, id: MessageId, stage: usize) {
        self.messages.get_mut(id).set_out(stage as u32);
        self.publish(id);
    }

    /// A message that has set out is published, alone or with others.
    pub(super) fn publish(&mut self, id: MessageId) {
        let now = self.now;
        let message = self.messages.get_mut(id);
        let stage = message.stage as usize;
        let costs = &self.network.stages[stage].extras.broker.costs;
        if costs.linger <= 0.0 {
            return self.transmit(id);
        }
        message.spend(now, Part::Enqueue);
        let (closes, full) = (now + costs.linger, costs.batch_bytes);
        let batch = &mut self.stages[stage].batch;
        if batch.messages.is_empty() {
            let (stage, stamp) = (stage as u32, batch.stamp);
            self.agenda
                .plan(closes, Happening::BatchCloses { stage, stamp });
        }
        batch.messages.push(id);
        batch.bytes += message.size;
        if batch.bytes >= full {
            self.close_batch(stage);
        }
    }

    /// The time of a producers' batch is over.
    pub(super) fn batch_closes(&mut self, stage: usize, stamp: u32) {
        if self.stages[stage].batch.stamp == stamp {
            self.close_batch(stage);
        }
    }

    fn close_batch(&mut self, stage: usize) {
        let batch = &mut self.stages[stage].batch;
        batch.stamp = batch.stamp.wrapping_add(1);
        batch.bytes = 0.0;
        for id in std::mem::take(&mut batch.messages) {
            self.transmit(id);
        }
    }

    /// A message goes to the broker of its stage.
    fn transmit(&mut self, id: MessageId) {
        let message = self.messages.get_mut(id);
        let stage = message.stage as usize;
        let publisher = &mut self.stages[stage].publisher;
        if publisher.is_free() {
            return self.offer(id);
        }
        let network = publisher.travel(message.size);
        let overtakes = publisher.overtakes();
        message.spend(self.now, Part::Network);
        let at = self.now + network;
        if overtakes {
            let ticket = self.ticket(id);
            return self.agenda.plan(at, Happening::Reaches(ticket));
        }
        self.reach(id, at);
    }

    /// A message comes to the broker of its stage at a time not before now.
    pub(super) fn reach(&mut self, id: MessageId, at: f64) {
        let message = self.messages.get_mut(id);
        let stage = message.stage as usize;
        let (enqueue, fate) = self.stages[stage].publisher.arrive(at);
        message.spend_from(at, Part::Enqueue);
        let ticket = self.ticket(id);
        let what = match fate {
            Fate::Available => Happening::Comes(ticket),
            Fate::RolledBack => Happening::Withdrawn(ticket),
            Fate::Refused => Happening::Refused(ticket),
        };
        self.agenda.plan(at + enqueue, what);
    }

    /// What was under way to a stage is there.
    pub(super) fn come(&mut self, id: MessageId) {
        match self.messages.get(id).state {
            State::InOrbit => self.try_again(id),
            State::Aside => self.come_back(id),
            _ => self.offer(id),
        }
    }

    /// A message comes to a stage for the first time.
    fn offer(&mut self, id: MessageId) {
        let message = self.messages.get(id);
        let (stage, class) = (message.stage as usize, message.class);
        self.books.lanes_of(stage)[class as usize].offered += 1;
        if self.stages[stage].broker_down > 0 {
            let at_most = match self.plan(stage).extras.broker.outside {
                Outside::Waits(at_most) if !self.messages.get(id).let_in => at_most,
                _ => f64::INFINITY,
            };
            return self.wait_outside(id, at_most);
        }
        if self.turns_away(stage) {
            return self.refuse_counted(id);
        }
        let somebody_before = !self.stages[stage].outside.is_empty();
        if somebody_before || !self.has_room(stage) {
            return self.overflow(id);
        }
        self.admit(id);
    }

    /// Whether an order that sees this queue turns away.
    fn turns_away(&mut self, stage: usize) -> bool {
        let Balking::Steps(steps) = &self.plan(stage).extras.balking else {
            return false;
        };
        let waiting = self.stages[stage].waiting as u64;
        let step = steps.iter().rev().find(|step| step.at <= waiting);
        match step {
            Some(step) if step.probability >= 1.0 => true,
            Some(step) if step.probability > 0.0 => {
                self.stages[stage].laws.balking.next() < step.probability
            }
            _ => false,
        }
    }

    /// Whether a message that comes now would be let in.
    pub(super) fn has_room(&self, stage: usize) -> bool {
        let here = &self.stages[stage];
        let places = places(&self.plan(stage).capacity);
        if let Some(sharing) = &here.sharing {
            return sharing.len() < places.saturating_add(here.wanted as usize);
        }
        here.waiting < places || self.takes_at_once(stage)
    }

    /// Whether somebody would take a message off the lanes at once.
    fn takes_at_once(&self, stage: usize) -> bool {
        let here = &self.stages[stage];
        if here.waiting > 0 || here.is_paused(self.now) {
            return false;
        }
        let mut members = 0..here.members.len();
        match self.plan(stage).extras.broker.commitment {
            Commitment::OnDemand => here.is_unlimited() || !here.members[0].idle.is_empty(),
            // Which lane it will be in is not known yet.
            _ if here.lanes.len() > 1 => {
                let mut members = here.member_of_lane.iter();
                members.all(|member| self.has_window(stage, *member))
            }
            _ => members.any(|member| self.has_window(stage, member)),
        }
    }

    /// A message finds the queue full.
    fn overflow(&mut self, id: MessageId) {
        let message = self.messages.get(id);
        let stage = message.stage as usize;
        match self.plan(stage).capacity {
            Capacity::Unbounded | Capacity::Reject(_) => self.refuse_counted(id),
            // Who has been let in before holds no consumer up any more, but is not lost either.
            Capacity::Block(_) if message.let_in => self.wait_outside(id, f64::INFINITY),
            Capacity::Block(_) => match self.plan(stage).extras.broker.outside {
                Outside::Rejected => self.refuse_counted(id),
                Outside::Waits(at_most) => self.wait_outside(id, at_most),
            },
            Capacity::Retry(..) => self.go_into_orbit(id),
            Capacity::DropOldest(_) => self.displace_oldest(id),
            Capacity::DeadLetter(_) => {
                let lane = self.lane(stage, message.class);
                let refused = Event::Refused {
                    stage: message.stage,
                };
                self.happened.lanes[lane].dead_lettered += 1;
                self.books.lanes[lane].rejected += 1;
                self.tell(id, refused);
                self.end(id, Outcome::DeadLettered);
            }
        }
    }

    /// A message that was counted as offered is rejected.
    fn refuse_counted(&mut self, id: MessageId) {
        let message = self.messages.get(id);
        let lane = self.lane(message.stage as usize, message.class);
        let refused = Event::Refused {
            stage: message.stage,
        };
        self.books.lanes[lane].rejected += 1;
        self.tell(id, refused);
        self.end(id, Outcome::Rejected);
    }

    /// A message is refused by a busy writer, or after waiting outside as long as it may.
    pub(super) fn refuse(&mut self, id: MessageId) {
        let message = self.messages.get(id);
        let (stage, lane) = (
            message.stage as usize,
            self.lane(message.stage as usize, message.class),
        );
        if message.state == State::Outside {
            // Nearly always the first.
            let outside = &mut self.stages[stage].outside;
            let at = outside.iter().position(|other| *other == id);
            at.and_then(|at| outside.remove(at));
        } else {
            self.books.lanes[lane].offered += 1;
        }
        self.refuse_counted(id);
    }

    /// A message that was sent is never seen: its producer took it back. Sent it was.
    pub(super) fn withdraw(&mut self, id: MessageId) {
        let message = self.messages.get(id);
        let lane = self.lane(message.stage as usize, message.class);
        self.books.lanes[lane].offered += 1;
        self.end(id, Outcome::Cancelled);
    }

    fn wait_outside(&mut self, id: MessageId, at_most: f64) {
        let message = self.messages.get_mut(id);
        message.state = State::Outside;
        message.spend(self.now, Part::Enqueue);
        let stage = message.stage as usize;
        self.stages[stage].outside.push_back(id);
        let ticket = self.ticket(id);
        self.agenda
            .plan(self.now + at_most, Happening::Refused(ticket));
    }

    /// The oldest message in the lanes gives its place to a new one.
    fn displace_oldest(&mut self, id: MessageId) {
        let stage = self.messages.get(id).stage as usize;
        let messages = &self.messages;
        let place = |id: MessageId| messages.get(id).place;
        let lanes = self.stages[stage].lanes.iter();
        let oldest = lanes
            .filter_map(|lane| lane.oldest(place))
            .min_by_key(|id| place(*id));
        let Some(oldest) = oldest else {
            return self.refuse_counted(id);
        };
        let lane = self.lane(stage, messages.get(oldest).class);
        self.take_from_queue(oldest);
        self.happened.lanes[lane].displaced += 1;
        self.books.lanes[lane].rejected += 1;
        self.discard(oldest);
        self.end(oldest, Outcome::Rejected);
        self.admit(id);
    }

    /// An order that finds no room goes away to try again: it counts as waiting here.
    fn go_into_orbit(&mut self, id: MessageId) {
        self.arrive(id);
        self.orbit(id);
        self.give_patience(id);
    }

    fn orbit(&mut self, id: MessageId) {
        let message = self.messages.get_mut(id);
        message.state = State::InOrbit;
        let laws = &mut self.stages[message.stage as usize].laws;
        let away = laws.orbit.as_mut().map_or(f64::INFINITY, |law| law.next());
        let ticket = self.ticket(id);
        self.agenda.plan(self.now + away, Happening::Comes(ticket));
    }

    fn try_again(&mut self, id: MessageId) {
        let stage = self.messages.get(id).stage as usize;
        if self.stages[stage].broker_down > 0 || !self.has_room(stage) {
            return self.orbit(id);
        }
        if self.stages[stage].sharing.is_some() {
            return self.join_sharing(id, stage);
        }
        self.enqueue(id);
        self.give_time_to_live(id);
        self.dispatch(stage);
    }

    /// A message is let in.
    pub(super) fn admit(&mut self, id: MessageId) {
        let stage = self.messages.get(id).stage as usize;
        self.arrive(id);
        if self.stages[stage].sharing.is_some() {
            return self.join_sharing(id, stage);
        }
        self.enqueue(id);
        self.give_patience(id);
        self.give_time_to_live(id);
        self.dispatch(stage);
    }

    /// From now on a message is at its stage, and counted there.
    fn arrive(&mut self, id: MessageId) {
        let place = self.new_place();
        let message = self.messages.get_mut(id);
        let stage = message.stage as usize;
        let here = &mut self.stages[stage];
        message.place = place;
        message.lane = here.partitioner.next();
        if O::FOLLOWS && message.is_order() {
            let mut lane = message.lane;
            let (stage, to) = (message.stage, &mut lane);
            let comes = Moment::Comes { stage, lane: to };
            self.observer.follow(message.number, comes);
            // There may be fewer lanes than there were in another run.
            if (lane as usize) < here.lanes.len() {
                message.lane = lane;
            }
        }
        let way = accounts::comes(&mut self.books, &mut self.happened, message, self.now);
        let ([network, enqueue], stage) = (way, stage as u32);
        let joins = Event::Joins {
            stage,
            held: 0.0,
            enqueue,
            network,
        };
        self.tell(id, joins);
        self.draw_work(id);
    }

    /// Draws the work of the next attempt.
    pub(super) fn draw_work(&mut self, id: MessageId) {
        let message = self.messages.get_mut(id);
        let stage = message.stage as usize;
        let mut drawn = self.stages[stage].chance.draw_service(message.class);
        if O::FOLLOWS && message.is_order() {
            let draws = Moment::Draws {
                stage: message.stage,
                lane: message.lane,
                work: &mut drawn,
            };
            self.observer.follow(message.number, draws);
        }
        let timeout = match &self.network.stages[stage].extras.failures {
            Failures::Never => f64::INFINITY,
            Failures::Some(failure) => failure.timeout,
        };
        message.cut_off = drawn > timeout;
        message.work = drawn.min(timeout);
        message.left = message.work;
    }

    pub(super) fn new_place(&mut self) -> u64 {
        self.next_place += 1;
        self.next_place
    }

    /// A message joins its lane, at its place.
    pub(super) fn enqueue(&mut self, id: MessageId) {
        self.forget_attempt(id);
        let message = self.messages.get(id);
        let stage = message.stage as usize;
        let key = key(self.plan(stage).discipline, self.network, message);
        let message = self.messages.get_mut(id);
        message.key = key;
        message.state = State::Queued;
        let here = &mut self.stages[stage];
        here.lanes[message.lane as usize].insert(id, message);
        here.waiting += 1;
    }

    /// A circuit breaker will not hear how the present attempt at a message ends.
    pub(super) fn forget_attempt(&mut self, id: MessageId) {
        let message = self.messages.get_mut(id);
        if std::mem::take(&mut message.let_through)
            && let Some(circuit) = &mut self.stages[message.stage as usize].circuit
        {
            circuit.abandoned();
        }
    }

    /// A message leaves the middle of its lane.
    pub(super) fn take_from_queue(&mut self, id: MessageId) {
        let message = self.messages.get(id);
        let here = &mut self.stages[message.stage as usize];
        here.lanes[message.lane as usize].remove(id, message);
        here.waiting -= 1;
        self.stirred.push(message.stage);
    }

    fn give_patience(&mut self, id: MessageId) {
        let message = self.messages.get(id);
        let laws = &mut self.stages[message.stage as usize].laws;
        let (Some(patience), false) = (&mut laws.patience, message.begun) else {
            return;
        };
        let until = self.now + patience.next();
        self.messages.get_mut(id).patient_until = until;
        let ticket = self.ticket(id);
        self.agenda.plan(until, Happening::GivesUp(ticket));
    }

    pub(super) fn give_time_to_live(&mut self, id: MessageId) {
        let message = self.messages.get(id);
        let (stage, arrived) = (message.stage as usize, message.arrived);
        let extras = &self.plan(stage).extras;
        let TimeToLive::Limited { seconds, .. } = extras.time_to_live else {
            return;
        };
        if let Expiry::AtOnce | Expiry::AtHead = extras.broker.expiry {
            let ticket = self.ticket(id);
            let over = (arrived + seconds).max(self.now);
            self.agenda.plan(over, Happening::Expires(ticket));
        }
    }

    /// Lets those in who wait for room at stages where some may have become free.
    pub(super) fn settle(&mut self) {
        loop {
            while let Some(stage) = self.stirred.pop() {
                if self.stages[stage as usize].waiting > 0 {
                    self.dispatch(stage as usize);
                }
                self.let_in(stage as usize);
            }
            if !self.fill_backorders() {
                return;
            }
        }
    }

    fn let_in(&mut self, stage: usize) {
        loop {
            let here = &self.stages[stage];
            if here.broker_down > 0 || here.blocked.is_empty() && here.outside.is_empty() {
                return;
            }
            if !self.has_room(stage) {
                return;
            }
            let here = &mut self.stages[stage];
            // Who holds up a consumer goes first.
            if let Some((from, consumer)) = here.blocked.pop_front() {
                self.unblock(from as usize, consumer, stage);
            } else if let Some(id) = here.outside.pop_front() {
                let message = self.messages.get_mut(id);
                message.stamp = message.stamp.wrapping_add(1);
                self.admit(id);
            }
        }
    }

    /// What becomes of a message whose time to live is over.
    pub(super) fn expired_outcome(&self, stage: usize) -> Outcome {
        match self.plan(stage).extras.time_to_live {
            TimeToLive::Limited {
                then: AfterExpiry::DeadLetter,
                ..
            } => Outcome::DeadLettered,
            _ => Outcome::Expired,
        }
    }
}

impl Message {
    /// An order that enters now.
    pub(super) fn new(number: u64, producer: u32, class: u32, size: f64, now: f64) -> Message {
        Message {
            number,
            kind: Kind::Order,
            state: State::OnTheWay,
            producer,
            class,
            stage: NOWHERE,
            present: false,
            let_in: false,
            size,
            entered: now,
            arrived: now,
            work: 0.0,
            left: 0.0,
            place: 0,
            key: 0,
            begun: false,
            attempting: false,
            let_through: false,
            shed: false,
            cut_off: false,
            bound_for: NOWHERE,
            disowned: false,
            in_window: false,
            patient_until: f64::INFINITY,
            failures: 0,
            deliveries: 0,
            lane: 0,
            member: 0,
            in_hand: 0.0,
            copies: 0,
            stamp: 0,
            part: Part::Waiting,
            since: now,
            parts: [0.0; Part::COUNT],
            set_out: [0.0; 2],
            waited: 0.0,
            processed: 0.0,
        }
    }

    /// It sets out for a stage: nothing has happened to it there.
    pub(super) fn set_out(&mut self, stage: u32) {
        self.stamp = self.stamp.wrapping_add(1);
        self.stage = stage;
        self.state = State::OnTheWay;
        self.begun = false;
        self.attempting = false;
        self.disowned = false;
        self.in_window = false;
        self.patient_until = f64::INFINITY;
        self.failures = 0;
        self.deliveries = 0;
        self.set_out = self.outside();
    }

    /// Seconds spent so far on the way to brokers, and before it could be had there.
    fn outside(&self) -> [f64; 2] {
        [Part::Network, Part::Enqueue].map(|part| self.parts[part as usize])
    }

    /// The same since it set out for its stage.
    pub(super) fn on_the_way(&self) -> [f64; 2] {
        let [network, enqueue] = self.outside();
        [network - self.set_out[0], enqueue - self.set_out[1]]
    }
}
