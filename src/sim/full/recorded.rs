//! A run that was not simulated, counted as if it were: the events of its log change the same books by the same rules.

use super::accounts;
use super::messages::{Kind, Message, NOWHERE, State};
use super::{record, stage};
use crate::network::{Network, Patience, TimeToLive};
use crate::sim::books::Books;
use crate::sim::engine::{Finished, Observer, Reached};
use crate::sim::happened::{Happened, Part};
use crate::sim::logged::{Event, Logged, StaffLogged};
use crate::sim::outcome::Outcome;
use crate::sim::replication::Machine;
use crate::sim::timeline::Slice;
use crate::sim::twin::Twins;
use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;

/// Events between two looks at the control.
const EVENTS_PER_LOOK: u32 = 1 << 14;

/// The number of an order is no more than so many times the orders that have entered: room is made for all
/// between.
const MOST_AHEAD: u64 = 1 << 16;

/// The state of a recorded run in mid-replay.
pub(in crate::sim) struct Recorded<'n, L: Iterator<Item = Logged>> {
    network: &'n Network,
    now: f64,
    log: Peekable<L>,
    staff: std::slice::Iter<'n, StaffLogged>,
    /// Messages under way, by the number that the log gives them.
    messages: Travellers,
    /// Messages that have left.
    gone: BTreeSet<u64>,
    books: Books,
    happened: Happened,
    /// When counting began.
    counts_from: f64,
    verdict: Verdict,
}

/// What is to be known of a recorded run besides what was counted.
pub(in crate::sim) struct Verdict {
    pub twins: Twins,
    /// What made no sense, if anything.
    pub nonsense: Option<String>,
}

/// A message under way.
struct Traveller {
    message: Message,
    /// Since when somebody works on it, if so.
    working: Option<f64>,
    /// Whether it has been thrown away by its stage.
    discarded: bool,
}

/// All messages under way, by the numbers that the log gives them.
#[derive(Default)]
struct Travellers(BTreeMap<u64, Traveller>);

impl Travellers {
    fn known(&mut self, number: u64) -> Result<&mut Traveller, String> {
        let known = self.0.get_mut(&number);
        known.ok_or_else(|| "it is not under way".to_owned())
    }

    /// One that must be at a stage.
    fn present(&mut self, number: u64) -> Result<&mut Traveller, String> {
        let traveller = self.known(number)?;
        match traveller.message.present {
            true => Ok(traveller),
            false => Err("it is at no stage".to_owned()),
        }
    }

    /// One that must be on its way to a stage.
    fn on_the_way(&mut self, number: u64) -> Result<&mut Traveller, String> {
        let traveller = self.known(number)?;
        match traveller.message.present {
            true => Err("it is at a stage already".to_owned()),
            false => Ok(traveller),
        }
    }

    /// One that must be at a stage, with nobody working on it.
    fn unattended(&mut self, number: u64) -> Result<&mut Traveller, String> {
        let traveller = self.present(number)?;
        match traveller.working {
            None => Ok(traveller),
            Some(since) => Err(format!("it is being worked on since {since} s")),
        }
    }

    fn take(&mut self, number: u64) -> Result<Traveller, String> {
        let taken = self.0.remove(&number);
        taken.ok_or_else(|| "it is not under way".to_owned())
    }
}

impl<'n, L: Iterator<Item = Logged>> Recorded<'n, L> {
    /// A run of `network`; both logs in the order of time.
    pub(in crate::sim) fn new(network: &'n Network, log: L, staff: &'n [StaffLogged]) -> Self {
        let mut books = Books::new(network);
        books.one_visit = false;
        let mut happened = Happened::new(network.stages.len(), network.classes.len());
        for (staff, stage) in happened.staff.iter_mut().zip(&network.stages) {
            let consumers = stage::number(stage.consumers);
            if consumers != u32::MAX {
                staff.employed.set(0.0, f64::from(consumers));
            }
        }
        Recorded {
            network,
            now: 0.0,
            log: log.peekable(),
            staff: staff.iter(),
            messages: Travellers::default(),
            gone: BTreeSet::new(),
            books,
            happened,
            counts_from: 0.0,
            verdict: Verdict {
                twins: Twins::new(network, 0),
                nonsense: None,
            },
        }
    }

    /// The next event up to `last`, whichever log it is in; of those at the same instant those of the staff come first.
    fn step(&mut self, last: f64) -> Result<bool, String> {
        let event = self.log.peek().map_or(f64::INFINITY, |event| event.time);
        if let Some(change) = self.staff.as_slice().first().copied()
            && (change.time <= event || event.is_nan())
            && change.time <= last
        {
            self.staff.next();
            self.staff_changes(change)?;
            return Ok(true);
        }
        if event > last {
            return Ok(false);
        }
        let Some(logged) = self.log.next() else {
            return Ok(false);
        };
        self.pass_to(logged.time)?;
        let about = |wrong: &str| format!("{} s, message {}: {wrong}", logged.time, logged.message);
        self.happens(logged.message, logged.what)
            .map_err(|wrong| about(&wrong))?;
        Ok(true)
    }

    fn pass_to(&mut self, time: f64) -> Result<(), String> {
        if time.is_nan() || time < self.now {
            return Err(format!("{time} s comes after {} s", self.now));
        }
        self.now = time;
        Ok(())
    }

    fn staff_changes(&mut self, change: StaffLogged) -> Result<(), String> {
        self.pass_to(change.time)?;
        self.known_stage(change.stage)?;
        let staff = &mut self.happened.staff[change.stage as usize];
        staff.employed.set(self.now, f64::from(change.employed));
        staff.down.set(self.now, f64::from(change.down));
        let broker_down = f64::from(u8::from(change.broker_down));
        staff.broker_down.set(self.now, broker_down);
        Ok(())
    }

    fn known_stage(&self, stage: u32) -> Result<(), String> {
        match (stage as usize) < self.network.stages.len() {
            true => Ok(()),
            false => Err(format!("there is no stage {stage}")),
        }
    }

    fn happens(&mut self, number: u64, what: Event) -> Result<(), String> {
        match what {
            Event::Enters {
                producer,
                class,
                size,
            } => self.enters(number, producer, class, size),
            Event::Duplicated { class, size } => self.duplicated(number, class, size),
            Event::Joins {
                stage,
                enqueue,
                network,
                ..
            } => self.joins(number, stage, [network, enqueue]),
            Event::Refused { stage } => self.refused(number, stage),
            Event::Delivered { again } => {
                let message = &mut self.messages.unattended(number)?.message;
                message.state = State::Committed;
                accounts::delivered(&self.books, &mut self.happened, message, again);
                Ok(())
            }
            Event::Begins { dequeue } => self.begins(number, dequeue),
            Event::Ends { failed } => self.ends(number, failed),
            Event::Rests => {
                let message = &mut self.messages.unattended(number)?.message;
                message.spend(self.now, Part::Retry);
                Ok(())
            }
            Event::Requeued => {
                self.work_stops(number)?;
                let message = &mut self.messages.present(number)?.message;
                message.state = State::Queued;
                message.spend(self.now, Part::Waiting);
                Ok(())
            }
            Event::Departs => self.departs(number),
            Event::Discarded => self.discarded(number),
            Event::Leaves { outcome } => self.leaves(number, outcome),
        }
    }

    /// A new message.
    fn insert(&mut self, number: u64, message: Message) -> Result<(), String> {
        if (message.class as usize) >= self.network.classes.len() {
            return Err(format!("there is no class {}", message.class));
        }
        if message.size.is_nan() || message.size < 0.0 {
            return Err(format!("it has {} bytes", message.size));
        }
        if self.gone.contains(&number) || self.messages.0.contains_key(&number) {
            return Err("it has come before".to_owned());
        }
        let traveller = Traveller {
            message,
            working: None,
            discarded: false,
        };
        self.messages.0.insert(number, traveller);
        Ok(())
    }

    fn enters(&mut self, number: u64, producer: u32, class: u32, size: f64) -> Result<(), String> {
        let senders = self.network.producers.len() + self.network.populations.len();
        if (producer as usize) >= senders {
            return Err(format!("there is no producer {producer}"));
        }
        if number > MOST_AHEAD.saturating_add(MOST_AHEAD.saturating_mul(self.books.entered)) {
            return Err("no such number of orders can have entered".to_owned());
        }
        let order = Message {
            part: Part::Enqueue,
            ..Message::new(number, producer, class, size, self.now)
        };
        self.insert(number, order)?;
        accounts::enters(&mut self.books, self.now);
        self.verdict.twins.enlarge(number as usize + 1);
        Ok(())
    }

    fn duplicated(&mut self, number: u64, class: u32, size: f64) -> Result<(), String> {
        let duplicate = Message {
            kind: Kind::Duplicate,
            ..Message::new(number, 0, class, size, self.now)
        };
        self.insert(number, duplicate)?;
        self.happened.copies_made += 1;
        Ok(())
    }

    /// A message is at a stage, after a way that took `[network, enqueue]` seconds.
    fn joins(&mut self, number: u64, stage: u32, way: [f64; 2]) -> Result<(), String> {
        self.known_stage(stage)?;
        let traveller = self.messages.on_the_way(number)?;
        traveller.discarded = false;
        let message = &mut traveller.message;
        message.set_out(stage);
        message.state = State::Queued;
        if !message.is_order() && !message.let_in {
            // It has been there before, as the order's own.
            message.let_in = true;
            message.present = true;
            message.arrived = self.now;
            accounts::joins(&mut self.books, &mut self.happened, message, self.now);
            return Ok(());
        }
        let lane = self.books.lane(stage as usize, message.class as usize);
        self.books.lanes[lane].offered += 1;
        message.travelled(self.now, way);
        accounts::comes(&mut self.books, &mut self.happened, message, self.now);
        if message.is_order() {
            self.verdict.twins.joined(number, stage, self.now);
        }
        Ok(())
    }

    fn refused(&mut self, number: u64, stage: u32) -> Result<(), String> {
        self.known_stage(stage)?;
        let traveller = self.messages.on_the_way(number)?;
        traveller.discarded = false;
        let message = &mut traveller.message;
        message.stage = stage;
        let lane = self.books.lane(stage as usize, message.class as usize);
        self.books.lanes[lane].offered += 1;
        self.books.lanes[lane].rejected += 1;
        Ok(())
    }

    fn begins(&mut self, number: u64, dequeue: f64) -> Result<(), String> {
        let now = self.now;
        let traveller = self.messages.unattended(number)?;
        traveller.working = Some(now);
        let message = &mut traveller.message;
        let (stage, class) = (message.stage as usize, message.class as usize);
        let lane = self.books.lane(stage, class);
        let mut handed_over = 0.0;
        if message.part == Part::Waiting {
            message.spend_from(now - dequeue.max(0.0), Part::Dequeue);
            message.in_hand = now;
            handed_over = now - message.since;
            self.happened.lanes[lane].dequeue.record(handed_over);
        }
        // How long it takes is known when it ends.
        if let Some(begun) = message.begin(now, 0.0, &mut self.books.lanes[lane]) {
            self.happened.lanes[lane].record_wait(begun.waiting, handed_over, now);
        }
        let goes_on = std::mem::replace(&mut message.attempting, true);
        self.happened.lanes[lane].attempts += u64::from(!goes_on);
        self.happened.staff[stage].busy.add(now, 1.0);
        Ok(())
    }

    fn ends(&mut self, number: u64, failed: bool) -> Result<(), String> {
        let Some(began) = self.work_stops(number)? else {
            return Err("nobody works on it".to_owned());
        };
        let seconds = self.now - began;
        let message = &mut self.messages.present(number)?.message;
        message.attempting = false;
        message.processed += seconds;
        let lane = self
            .books
            .lane(message.stage as usize, message.class as usize);
        self.happened.lanes[lane].failed += u64::from(failed);
        self.serves(lane, began, seconds);
        Ok(())
    }

    /// Work has been done. As in a simulation it counts from its beginning: who is at work when
    /// counting begins does not count, who is when it ends does.
    fn serves(&mut self, lane: usize, began: f64, seconds: f64) {
        if began > self.counts_from || self.counts_from <= 0.0 {
            self.books.lanes[lane].service.record(seconds);
        }
    }

    /// Nobody works on a message any more. Says since when somebody did, if so.
    fn work_stops(&mut self, number: u64) -> Result<Option<f64>, String> {
        let traveller = self.messages.present(number)?;
        let since = traveller.working.take();
        if since.is_some() {
            let stage = traveller.message.stage as usize;
            self.happened.staff[stage].busy.add(self.now, -1.0);
        }
        Ok(since)
    }

    fn departs(&mut self, number: u64) -> Result<(), String> {
        let message = &self.messages.unattended(number)?.message;
        if !message.begun {
            return Err("it departs before anyone has worked on it".to_owned());
        }
        accounts::departs(&mut self.books, message);
        self.leaves_stage(number)
    }

    fn discarded(&mut self, number: u64) -> Result<(), String> {
        self.work_stops(number)?;
        let traveller = self.messages.present(number)?;
        traveller.discarded = true;
        let message = &traveller.message;
        if message.is_duplicate() && !message.begun {
            let lane = self
                .books
                .lane(message.stage as usize, message.class as usize);
            self.happened.lanes[lane].deduplicated += 1;
        }
        self.leaves_stage(number)
    }

    fn leaves_stage(&mut self, number: u64) -> Result<(), String> {
        let now = self.now;
        let message = &mut self.messages.present(number)?.message;
        accounts::leaves_stage(&mut self.books, &mut self.happened, message, now);
        message.spend(now, Part::Enqueue);
        if message.is_order() {
            self.verdict.twins.left_stage(number, now);
        }
        Ok(())
    }

    fn leaves(&mut self, number: u64, outcome: Outcome) -> Result<(), String> {
        if self.messages.known(number)?.message.present {
            if outcome == Outcome::Completed {
                return Err("it is completed, but has not departed from its stage".to_owned());
            }
            self.discarded(number)?;
        }
        if outcome == Outcome::InFlight {
            return Err("it leaves, and is in flight".to_owned());
        }
        let mut traveller = self.messages.take(number)?;
        self.gone.insert(number);
        let order = &mut traveller.message;
        if !order.is_order() {
            self.happened.copies_ended += 1;
            return Ok(());
        }
        order.spend(self.now, Part::Waiting);
        self.classify(&traveller, outcome);
        let order = &traveller.message;
        accounts::leaves(
            &mut self.books,
            &mut self.happened,
            order,
            self.now,
            outcome,
        );
        self.verdict.twins.left(&record(order, self.now, outcome));
        Ok(())
    }

    /// What it was that made an order leave like this.
    fn classify(&mut self, traveller: &Traveller, outcome: Outcome) {
        let Traveller {
            message: order,
            discarded,
            ..
        } = traveller;
        if order.stage == NOWHERE {
            return;
        }
        let lane = self.books.lane(order.stage as usize, order.class as usize);
        let impatient = self.has_lost_patience(order);
        let counts = &mut self.happened.lanes[lane];
        let overdue = *discarded && !order.begun;
        match outcome {
            Outcome::Lost => counts.lost += 1,
            Outcome::DeadLettered => {
                counts.dead_lettered += 1;
                counts.expired += u64::from(overdue);
            }
            Outcome::Rejected if *discarded => {
                counts.displaced += 1;
                self.books.lanes[lane].rejected += 1;
            }
            Outcome::Expired if impatient => counts.abandoned += 1,
            Outcome::Expired => counts.expired += 1,
            _ => {}
        }
    }

    /// Whether an order that has gone unserved went by itself, not since its time to live was over.
    fn has_lost_patience(&self, order: &Message) -> bool {
        let extras = &self.network.stages[order.stage as usize].extras;
        let impatient = extras.patience != Patience::Endless;
        match extras.time_to_live {
            TimeToLive::Endless => impatient,
            TimeToLive::Limited { seconds, .. } => impatient && self.now < order.arrived + seconds,
        }
    }

    /// What is told of the time after the end: how long work took that had begun before; and who was lost before
    /// it, since nothing else is heard of them any more.
    fn read_on(&mut self) -> BTreeSet<u64> {
        let (mut lost, mut heard_of) = (BTreeSet::new(), BTreeSet::new());
        while let Some(Logged {
            time,
            message,
            what,
        }) = self.log.next()
        {
            let Some(traveller) = self.messages.0.get_mut(&message) else {
                continue;
            };
            if let Event::Leaves {
                outcome: Outcome::Lost,
            } = what
                && !heard_of.contains(&message)
            {
                lost.insert(message);
            }
            heard_of.insert(message);
            match what {
                Event::Ends { .. } => {
                    let of = &traveller.message;
                    let lane = self.books.lane(of.stage as usize, of.class as usize);
                    if let Some(began) = traveller.working.take() {
                        self.serves(lane, began, time - began);
                    }
                }
                Event::Requeued | Event::Discarded => traveller.working = None,
                _ => {}
            }
        }
        lost
    }
}

impl<L: Iterator<Item = Logged>> Machine<Verdict> for Recorded<'_, L> {
    fn advance(&mut self, end: f64) -> Option<Reached> {
        for _ in 0..EVENTS_PER_LOOK {
            match self.step(end) {
                Ok(true) => {}
                Ok(false) => {
                    self.now = if end.is_finite() { end } else { self.now };
                    return Some(Reached::Time);
                }
                Err(wrong) => {
                    self.verdict.nonsense = Some(wrong);
                    return Some(Reached::Stop);
                }
            }
        }
        None
    }

    fn entered(&self) -> u64 {
        self.books.entered
    }

    fn restart(&mut self) {
        self.books.restart(self.now);
        self.happened.restart(self.now);
        self.counts_from = self.now;
    }

    fn counts(&mut self) -> Vec<Slice> {
        let mut counts = self.books.counts(self.now);
        self.happened.tell(self.now, &mut counts[1..]);
        counts
    }

    fn ages(&self) -> Vec<f64> {
        let mut ages = vec![0.0; self.books.lanes.len()];
        let messages = self.messages.0.values().map(|traveller| &traveller.message);
        for message in messages.filter(|message| message.present) {
            let lane = self
                .books
                .lane(message.stage as usize, message.class as usize);
            ages[lane] += self.now - message.arrived;
        }
        ages
    }

    fn now(&self) -> f64 {
        self.now
    }

    fn exhausted(&self) -> bool {
        // A recorded run has an end.
        true
    }

    fn finish(mut self) -> Finished<Verdict> {
        let lost = match self.verdict.nonsense {
            None => self.read_on(),
            Some(_) => BTreeSet::new(),
        };
        for (number, Traveller { message, .. }) in &self.messages.0 {
            if !message.is_order() {
                self.happened.copies_present += 1;
                continue;
            }
            let outcome = match lost.contains(number) {
                true => Outcome::Lost,
                false => Outcome::InFlight,
            };
            if outcome == Outcome::Lost && message.stage != NOWHERE {
                let lane = self
                    .books
                    .lane(message.stage as usize, message.class as usize);
                self.happened.lanes[lane].lost += 1;
            }
            self.books.outcomes.count(outcome);
            let still_there = record(message, self.now, outcome);
            self.verdict.twins.left(&still_there);
        }
        self.happened.bring_up_to(self.now);
        let mut finished = self.books.finish(self.now, self.verdict);
        finished.happened = Some(self.happened);
        finished
    }
}

impl Observer for Verdict {
    fn left(&mut self, _: &crate::sim::engine::OrderRecord) {}
}

impl Message {
    /// It is here after a way of which so many seconds were spent on `[network, enqueue]`. All of the way was
    /// spent on one or the other.
    fn travelled(&mut self, now: f64, way: [f64; 2]) {
        let [network, enqueue] = way.map(|seconds| seconds.max(0.0));
        let took = now - self.since;
        let scale = (took / (network + enqueue)).min(1.0);
        let network = if scale > 0.0 { network * scale } else { 0.0 };
        self.parts[Part::Network as usize] += network;
        self.parts[Part::Enqueue as usize] += took - network;
        self.since = now;
    }
}
