//! The engine for everything that a stage can do.
//!
//! It stands beside the plain event engine, which knows only queues of the textbook and pays for nothing
//! else, and gives a plain network the same answer, order by order, to the last bit. What it knows
//! beyond is described in [`crate::network`]; here every feature is one file:
//!
//! | file | what |
//! | --- | --- |
//! | [`accounts`] | what is counted of a message on its way |
//! | [`agenda`], [`messages`], [`queue`], [`stage`] | what is going to happen, what is under way, who waits, who serves |
//! | [`entrances`] | orders that enter as a script says |
//! | [`arriving`] | sending, full queues, balking, orbits |
//! | [`handing`] | from the lanes to consumers: windows, questions for more, acknowledgements |
//! | [`serving`] | work, preemption |
//! | [`sharing`] | processor sharing |
//! | [`failing`] | failed attempts, retries |
//! | [`breaking`] | breakdowns of consumers, crashes, outages of brokers |
//! | [`leaving`] | departures, copies, expiry, outcomes |
//! | [`shelves`], [`stocking`] | what is in stock, and who takes it, reserves it or waits for it |
//! | [`recorded`] | a run that was not simulated, counted as if it were |
//! | [`staffing`] | numbers of consumers over time, rebalances, incidents |

mod accounts;
mod agenda;
mod arriving;
pub(crate) mod backoff;
mod breaker;
mod breaking;
mod entrances;
mod failing;
mod handing;
mod leaving;
mod messages;
mod partition;
mod publish;
mod queue;
mod recorded;
mod scaler;
mod serving;
mod sharing;
mod shelves;
mod shifts;
mod staffing;
mod stage;
mod stocking;

use super::books::Books;
use super::engine::{Finished, Moment, Observer, OrderRecord, Reached};
use super::happened::Happened;
use super::logged::Event;
use super::order_of_stages::downstream_first;
use super::outcome::Outcome;
use super::replication::Machine;
use super::script::Script;
use super::sources::Sources;
use super::timeline::Slice;
use crate::network::{Network, Stage as StagePlan};
use crate::random::{Stream, Variates};
use agenda::{Agenda, Happening, Ticket};
use arriving::Sent;
use entrances::Entrances;
use messages::{Message, MessageId, Messages};
use stage::Stage;

pub(super) use recorded::Recorded;

/// Events between two looks at the control: some milliseconds of work.
const EVENTS_PER_LOOK: u32 = 1 << 14;
/// Routine events in a row after which a run without any other event is over.
const ROUTINE_ALONE: u32 = 1 << 20;

/// The whole state of one replication.
#[derive(Debug)]
pub(super) struct Full<'n, O> {
    /// What holds now: the scenario's pipeline, or a phase of it.
    network: &'n Network,
    /// The scenario's pipeline.
    scenario: &'n Network,
    replication: u64,
    now: f64,
    sources: Sources,
    /// Who enters when, if that is not left to chance.
    entrances: Option<Entrances<'n>>,
    agenda: Agenda,
    messages: Messages,
    stages: Vec<Stage>,
    books: Books,
    happened: Happened,
    /// How long the customers of each population think.
    thinking: Vec<Variates>,
    /// The place of the next message in any queue.
    next_place: u64,
    /// Stages in which room may have become free for those who wait for it.
    stirred: Vec<u32>,
    /// Stages that have stock.
    stocked: Vec<usize>,
    /// Routine events since the last that was none.
    routine: u32,
    /// The number of orders to let in before stopping.
    target: u64,
    /// Whether the next order would be one too many.
    full: bool,
    observer: O,
}

impl<'n, O: Observer> Full<'n, O> {
    pub(super) fn new(network: &'n Network, replication: u64, target: u64, observer: O) -> Self {
        let sources = Sources::new(network, replication);
        Full::build(network, replication, sources, None, target, observer)
    }

    /// Orders enter as the script says, and neither producers nor populations send any of their own.
    pub(super) fn scripted(network: &'n Network, script: &'n Script, observer: O) -> Self {
        let entrances = Entrances::of(script);
        let sources = Sources::at(entrances.times());
        Full::build(network, 0, sources, Some(entrances), u64::MAX, observer)
    }

    fn build(
        network: &'n Network,
        replication: u64,
        sources: Sources,
        entrances: Option<Entrances<'n>>,
        target: u64,
        observer: O,
    ) -> Self {
        let mut ranks = vec![0; network.stages.len()];
        for (rank, stage) in downstream_first(network).into_iter().enumerate() {
            ranks[stage] = rank;
        }
        let stages = ranks.iter().enumerate();
        let stages = stages.map(|(stage, rank)| Stage::new(network, stage, *rank, replication));
        let thinking = network.populations.iter().map(|population| {
            let source = format!("producer.{}.think", population.name);
            let stream = Stream::new(network.seed, replication, &source);
            Variates::new(stream, &population.think)
        });
        let mut books = Books::new(network);
        books.one_visit = false;
        let mut engine = Full {
            network,
            scenario: network,
            replication,
            now: 0.0,
            sources,
            entrances,
            agenda: Agenda::default(),
            messages: Messages::default(),
            stages: stages.collect(),
            books,
            happened: Happened::new(network.stages.len(), network.classes.len()),
            thinking: thinking.collect(),
            next_place: 0,
            stirred: Vec::new(),
            stocked: Vec::new(),
            routine: 0,
            target,
            full: false,
            observer,
        };
        engine.open();
        engine
    }

    /// What is planned before anything has happened.
    fn open(&mut self) {
        for stage in 0..self.stages.len() {
            self.staff(stage);
            self.open_stock(stage);
        }
        for (index, phase) in self.scenario.phases.iter().enumerate() {
            let phase_begins = Happening::PhaseBegins {
                phase: index as u32,
            };
            self.agenda.plan(phase.from, phase_begins);
        }
        if self.entrances.is_some() {
            return;
        }
        for (index, population) in self.network.populations.iter().enumerate() {
            for _ in 0..population.customers {
                let thinks = self.thinking[index].next();
                let population = index as u32;
                self.agenda.plan(thinks, Happening::Sends { population });
            }
        }
    }

    fn plan(&self, stage: usize) -> &'n StagePlan {
        &self.network.stages[stage]
    }

    /// Index of the lane of the books for a class at a stage.
    fn lane(&self, stage: usize, class: u32) -> usize {
        self.books.lane(stage, class as usize)
    }

    fn ticket(&self, message: MessageId) -> Ticket {
        let stamp = self.messages.get(message).stamp;
        Ticket { message, stamp }
    }

    /// Tells an observer that follows the orders what happens to one.
    #[inline(always)]
    fn tell(&mut self, message: MessageId, what: Event) {
        let message = self.messages.get(message);
        if O::FOLLOWS && message.is_order() {
            let time = self.now;
            let happens = Moment::Happens { time, what };
            self.observer.follow(message.number, happens);
        }
    }

    /// Whether what was planned for a message still holds.
    fn holds(&self, ticket: Ticket) -> bool {
        self.messages.get(ticket.message).stamp == ticket.stamp
            && self.messages.is_under_way(ticket.message)
    }

    /// Lets happen what is next on the agenda.
    fn happen(&mut self, what: Happening) {
        match what {
            Happening::WorkEnds(who) => self.work_ends(who),
            Happening::ShareEnds { stage, stamp } => self.share_ends(stage as usize, stamp),
            Happening::Begins(who) => self.begins(who),
            Happening::Comes(ticket) if self.holds(ticket) => self.come(ticket.message),
            Happening::GivesUp(ticket) => self.gives_up(ticket),
            Happening::Expires(ticket) => self.expires(ticket),
            Happening::Reaches(ticket) if self.holds(ticket) => {
                self.reach(ticket.message, self.now);
            }
            Happening::Refused(ticket) if self.holds(ticket) => self.refuse(ticket.message),
            Happening::SetsOut(ticket) if self.holds(ticket) => self.publish(ticket.message),
            Happening::Withdrawn(ticket) if self.holds(ticket) => {
                self.withdraw(ticket.message);
            }
            Happening::Comes(_)
            | Happening::Reaches(_)
            | Happening::SetsOut(_)
            | Happening::Refused(_)
            | Happening::Withdrawn(_) => {}
            Happening::Overdue { ticket, delivery } => self.overdue(ticket, delivery),
            Happening::HandedOver { stage, member } => self.kick(stage as usize, member as usize),
            Happening::Acknowledged {
                stage,
                member,
                stamp,
            } => {
                self.acknowledged(stage as usize, member as usize, stamp);
            }
            Happening::FetchDue {
                stage,
                member,
                stamp,
            } => {
                self.fetch_due(stage as usize, member as usize, stamp);
            }
            Happening::BatchCloses { stage, stamp } => self.batch_closes(stage as usize, stamp),
            Happening::BatchDue { stage } => self.batch_due(stage as usize),
            Happening::Detected { stage, member } => {
                self.recover(stage as usize, member as usize);
            }
            Happening::Resumes { stage } => self.resumes(stage as usize),
            Happening::Sends { population } => self.sends(population as usize),
            Happening::Hired { stage, consumers } => self.hired(stage as usize, consumers),
            Happening::Fails(who) => self.fails(who),
            Happening::Repaired(who) => self.repaired(who),
            Happening::BrokerFails { stage } => self.broker_fails(stage as usize),
            Happening::BrokerRecovers { stage } => self.broker_recovers(stage as usize),
            Happening::Scans { stage } => self.scans(stage as usize),
            Happening::ShiftBegins { stage, consumers } => {
                self.shift_begins(stage as usize, consumers);
            }
            Happening::Scales { stage } => self.scales(stage as usize),
            Happening::PhaseBegins { phase } => self.phase_begins(phase as usize),
            Happening::Releases { stage, message } => self.releases(stage as usize, message),
            Happening::Delivered { stage, item, units } => {
                self.delivered(stage as usize, item, units);
            }
        }
        self.settle();
    }

    /// An order comes from a producer.
    fn enter(&mut self, producer: usize) {
        self.sources.advance(producer);
        if let Some((sent, to)) = self.entrant(producer) {
            self.create(sent, to);
        }
        self.settle();
    }

    /// The order that enters now, and the stage that it is sent to.
    fn entrant(&mut self, producer: usize) -> Option<(Sent, usize)> {
        if let Some(entrances) = &mut self.entrances {
            return entrances.next(self.network);
        }
        let from = &self.network.producers[producer];
        let sent = Sent {
            number: self.books.entered,
            producer: producer as u32,
            class: from.class.0 as u32,
            size: from.message_size,
            held: 0.0,
        };
        Some((sent, from.to.0))
    }

    /// A customer sends its next order.
    fn sends(&mut self, population: usize) {
        if self.books.entered == self.target {
            self.full = true;
            return;
        }
        let from = &self.network.populations[population];
        let producer = self.network.producers.len() + population;
        let sent = Sent {
            number: self.books.entered,
            producer: producer as u32,
            class: from.class.0 as u32,
            size: from.message_size,
            held: 0.0,
        };
        self.create(sent, from.to.0);
    }

    /// A customer whose order has left thinks about the next.
    fn think(&mut self, population: usize) {
        let thinks = self.thinking[population].next();
        let population = population as u32;
        self.agenda
            .plan(self.now + thinks, Happening::Sends { population });
    }

    /// Nothing more happens up to `end`.
    fn rest(&mut self, end: f64) -> Reached {
        self.now = if end.is_finite() { end } else { self.now };
        Reached::Time
    }
}

impl<O: Observer> Machine<O> for Full<'_, O> {
    fn advance(&mut self, end: f64) -> Option<Reached> {
        let last = end.min(f64::MAX);
        for _ in 0..EVENTS_PER_LOOK {
            let planned = self.agenda.next_time();
            let (arrival, producer) = self.sources.next();
            if planned.min(arrival) > last {
                return Some(self.rest(end));
            }
            if planned <= arrival {
                self.now = planned;
                let what = self.agenda.pop()?;
                self.routine = if what.is_routine() {
                    self.routine + 1
                } else {
                    0
                };
                self.happen(what);
                if self.full {
                    return Some(Reached::Orders);
                }
            } else {
                self.now = arrival;
                self.routine = 0;
                if self.books.entered == self.target {
                    // As in the plain engine: the run ends just before the one too many.
                    return Some(Reached::Orders);
                }
                self.enter(producer);
            }
        }
        None
    }

    fn entered(&self) -> u64 {
        self.books.entered
    }

    fn restart(&mut self) {
        self.before_restart();
        self.books.restart(self.now);
        self.happened.restart(self.now);
    }

    fn counts(&mut self) -> Vec<Slice> {
        let mut counts = self.books.counts(self.now);
        self.happened.tell(self.now, &mut counts[1..]);
        counts
    }

    fn ages(&self) -> Vec<f64> {
        let mut ages = vec![0.0; self.books.lanes.len()];
        for message in self.messages.iter().filter(|message| message.present) {
            let lane = self.lane(message.stage as usize, message.class);
            ages[lane] += self.now - message.arrived;
        }
        ages
    }

    fn now(&self) -> f64 {
        self.now
    }

    fn exhausted(&self) -> bool {
        let nobody_comes = self.sources.next().0 == f64::INFINITY && self.agenda.telling == 0;
        let routine_alone = self.messages.is_empty() || self.routine > ROUTINE_ALONE;
        nobody_comes && (routine_alone || self.agenda.next_time() == f64::INFINITY)
    }

    fn finish(mut self) -> Finished<O> {
        let still_there = self.messages.iter().filter(|message| message.is_order());
        for message in still_there {
            self.books.outcomes.count(Outcome::InFlight);
            self.observer
                .left(&record(message, self.now, Outcome::InFlight));
        }
        let copies = self.messages.iter().filter(|message| !message.is_order());
        self.happened.copies_present = copies.count() as u64;
        self.happened.bring_up_to(self.now);
        let mut finished = self.books.finish(self.now, self.observer);
        finished.happened = Some(self.happened);
        finished
    }
}

fn record(message: &Message, now: f64, outcome: Outcome) -> OrderRecord {
    OrderRecord {
        number: message.number,
        producer: message.producer,
        class: message.class,
        entered: message.entered,
        left: now,
        waiting: message.waited,
        processing: message.processed,
        outcome,
        parts: Some(message.parts_until(now)),
    }
}
