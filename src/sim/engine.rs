//! The loop that lets events happen, and what each event does.
//!
//! There are two kinds of event: an order comes from a producer, and an order departs from a stage.
//! Their order is total: by time; at the same instant
//!
//! - departures before arrivals from outside, so that a place that falls free is free for who comes;
//! - of departures from several stages the one from the stage further downstream
//!   ([`super::order_of_stages`]), for the same reason;
//! - of departures from one stage the one whose service began first;
//! - arrivals in the order of the producers in the file.
//!
//! Every stage keeps its own departures, and only the earliest of each are compared: that is cheaper
//! than one calendar of all, and gives the same.

use super::books::Books;
use super::earliest::Earliest;
use super::happened::Happened;
use super::lane::{Lane, PipelineLane, Times};
use super::logged::Event;
use super::order_of_stages::downstream_first;
use super::orders::{Arena, NOT_LET_IN, Order, OrderId};
use super::outcome::{Outcome, Outcomes};
use super::replication::Machine;
use super::sources::Sources;
use super::stage::{Admission, StageState};
use super::timeline::Slice;
use crate::network::{Network, Target};

/// Events between two looks at the control: some milliseconds of work.
const EVENTS_PER_LOOK: u32 = 1 << 16;

/// What became of one order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OrderRecord {
    /// The how-manieth order that entered, from 0.
    pub number: u64,
    /// Index of the producer that sent it.
    pub producer: u32,
    /// Index of its class.
    pub class: u32,
    /// When it entered, seconds.
    pub entered: f64,
    /// When it left, or when the run ended, seconds.
    pub left: f64,
    /// Seconds spent waiting, over all visits whose service has begun.
    pub waiting: f64,
    /// Seconds of service, over the same visits.
    pub processing: f64,
    /// How it left.
    pub outcome: Outcome,
    /// All parts of its time in the pipeline; only the engine for everything tells them.
    pub parts: Option<LatencyParts>,
}

/// Where an order's time in the pipeline went, seconds. They add up to it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LatencyParts {
    /// On the way to brokers.
    pub network: f64,
    /// Not yet to be had: at its producer or at a broker.
    pub enqueue: f64,
    /// Waiting for its turn, or for stock.
    pub queueing: f64,
    /// Being handed over.
    pub dequeue: f64,
    /// With a consumer, or waiting for its copies.
    pub processing: f64,
    /// Between attempts.
    pub retry: f64,
}

/// Sees every order as it leaves, and in the end those still in flight. Chosen at compile time, so one that does nothing costs nothing.
pub trait Observer {
    /// Whether it looks at all.
    const SEES: bool = true;
    /// Whether it is shown what happens to the orders on their way; only the engine for everything does.
    const FOLLOWS: bool = false;

    /// An order has left the pipeline, or is still in it as the run ends (in no order then).
    fn left(&mut self, record: &OrderRecord);

    /// Something happens to the order of this number. What chance says to it may be changed here.
    fn follow(&mut self, _order: u64, _moment: Moment<'_>) {}
}

/// Something on the way of an order that can be seen, and where chance decides, changed.
#[derive(Debug)]
pub enum Moment<'a> {
    /// Whatever the log of a live run would say of it.
    Happens {
        /// When, seconds.
        time: f64,
        /// What.
        what: Event,
    },
    /// It comes to a stage, to wait in a lane.
    Comes {
        /// Index of the stage.
        stage: u32,
        /// The lane.
        lane: &'a mut u32,
    },
    /// The work of its next attempt is drawn.
    Draws {
        /// Index of the stage.
        stage: u32,
        /// The lane that it waits in.
        lane: u32,
        /// Seconds of work, whatever the time-out.
        work: &'a mut f64,
    },
    /// The attempt has ended, and may have failed: by chance, or since it was cut off.
    Fails {
        /// Whether it has.
        failed: &'a mut bool,
    },
    /// It will be tried again.
    Retries {
        /// Seconds until then.
        after: &'a mut f64,
    },
    /// It will go on.
    Goes {
        /// Where.
        to: &'a mut Target,
    },
}

/// The whole state of one replication.
#[derive(Debug)]
pub(super) struct Engine<'n, O> {
    network: &'n Network,
    now: f64,
    sources: Sources,
    /// The next departure from every stage, by rank.
    departures: Earliest,
    /// The stage of every rank.
    by_rank: Vec<usize>,
    orders: Arena,
    stages: Vec<StageState>,
    /// The size of every producer's messages.
    sizes: Vec<f64>,
    books: Books,
    /// The number of orders to let in before stopping.
    target: u64,
    observer: O,
}

/// What an engine has counted when its run is over.
pub(super) struct Finished<O> {
    pub lanes: Vec<Lane<Times>>,
    pub pipeline: PipelineLane<Times>,
    pub outcomes: Outcomes,
    pub entered: u64,
    /// What only the engine for everything counts.
    pub happened: Option<Happened>,
    pub observer: O,
}

/// Why [`Machine::advance_to`] returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reached {
    /// The asked-for time.
    Time,
    /// The number of orders to let in.
    Orders,
    /// Somebody asked to stop.
    Stop,
}

impl<'n, O: Observer> Engine<'n, O> {
    pub(super) fn new(network: &'n Network, replication: u64, target: u64, observer: O) -> Self {
        let by_rank = downstream_first(network);
        let mut ranks = vec![0; by_rank.len()];
        for (rank, &stage) in by_rank.iter().enumerate() {
            ranks[stage] = rank;
        }
        let stages = ranks.iter().enumerate();
        let stages =
            stages.map(|(stage, rank)| StageState::new(network, stage, *rank, replication));
        let sizes = network.producers.iter().map(|p| p.message_size);
        Engine {
            network,
            now: 0.0,
            sources: Sources::new(network, replication),
            departures: Earliest::new(by_rank.len()),
            by_rank,
            orders: Arena::default(),
            stages: stages.collect(),
            sizes: sizes.collect(),
            books: Books::new(network),
            target,
            observer,
        }
    }

    /// Nothing more happens up to `end`.
    fn rest(&mut self, end: f64) -> Reached {
        self.now = if end.is_finite() { end } else { self.now };
        Reached::Time
    }

    /// A producer sends an order.
    #[inline]
    fn enter(&mut self, index: usize) {
        self.sources.advance(index);
        let producer = &self.network.producers[index];
        let order = Order {
            number: self.books.entered,
            entered: self.now,
            arrived: self.now,
            service: 0.0,
            waited: 0.0,
            processed: 0.0,
            stage: NOT_LET_IN,
            class: producer.class.0 as u32,
            producer: index as u32,
        };
        self.books.entered += 1;
        self.books.pipeline.entered += 1;
        if !self.books.one_visit {
            self.books.pipeline.occupancy.enter_service(self.now);
        }
        let id = self.orders.insert(order);
        self.arrive(id, producer.to.0);
    }

    /// An order comes to a stage.
    #[inline]
    fn arrive(&mut self, id: OrderId, stage: usize) {
        let state = &mut self.stages[stage];
        let (order, lanes) = (self.orders.get_mut(id), self.books.lanes_of(stage));
        match state.admit(id, order, lanes, self.now) {
            Admission::Served => self.departures.set(state.rank, state.next_departure()),
            Admission::Waits => {}
            Admission::Rejected => self.leave(id, Outcome::Rejected),
        }
    }

    /// An order departs from a stage and goes on.
    #[inline]
    fn depart(&mut self, rank: usize) {
        let stage = self.by_rank[rank];
        let state = &mut self.stages[stage];
        let lanes = self.books.lanes_of(stage);
        let released = state.release(&mut self.orders, lanes, &self.sizes, self.now);
        self.departures.set(rank, state.next_departure());
        match released {
            Some((id, Target::Stage(next))) => self.arrive(id, next.0),
            Some((id, Target::Completed)) => self.leave(id, Outcome::Completed),
            Some((id, Target::Cancelled)) => self.leave(id, Outcome::Cancelled),
            None => {}
        }
    }

    /// An order leaves the pipeline, with exactly one outcome.
    #[inline]
    fn leave(&mut self, id: OrderId, outcome: Outcome) {
        let order = self.orders.remove(id);
        let one_visit = self.books.one_visit;
        let pipeline = &mut self.books.pipeline;
        let latency = self.now - order.entered;
        self.books.outcomes.count(outcome);
        if !one_visit {
            pipeline.occupancy.leave(self.now);
        }
        if outcome == Outcome::Completed {
            pipeline.completed += 1;
            pipeline.completed_bytes += self.sizes[order.producer as usize];
            if !one_visit {
                pipeline.latency.record(latency);
            }
            pipeline.processing.record(order.processed);
        }
        if order.stage == NOT_LET_IN {
            pipeline.rejected_at_entry += 1;
        } else {
            if !one_visit {
                pipeline.time_in_pipeline.record(latency);
            }
            pipeline.time_waiting.record(order.waited);
        }
        pipeline.left += 1;
        self.observer.left(&record(&order, self.now, outcome));
    }
}

impl<O: Observer> Machine<O> for Engine<'_, O> {
    fn advance(&mut self, end: f64) -> Option<Reached> {
        let last = end.min(f64::MAX);
        for _ in 0..EVENTS_PER_LOOK {
            let (departure, rank) = self.departures.first();
            let (arrival, producer) = self.sources.next();
            if departure <= arrival {
                if departure > last {
                    return Some(self.rest(end));
                }
                self.now = departure;
                self.depart(rank);
            } else {
                if arrival > last {
                    return Some(self.rest(end));
                }
                self.now = arrival;
                if self.books.entered == self.target {
                    // One more would come now: the run ends just before it. Ending with the last of
                    // them instead would count an arrival whose gap is not part of the time.
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
        self.books.restart(self.now);
    }

    fn counts(&mut self) -> Vec<Slice> {
        self.books.counts(self.now)
    }

    fn ages(&self) -> Vec<f64> {
        let mut ages = vec![0.0; self.books.lanes.len()];
        for order in self.orders.iter() {
            let lane = self.books.lane(order.stage as usize, order.class as usize);
            ages[lane] += self.now - order.arrived;
        }
        ages
    }

    fn now(&self) -> f64 {
        self.now
    }

    fn exhausted(&self) -> bool {
        self.sources.next().0.min(self.departures.first().0) == f64::INFINITY
    }

    fn finish(mut self) -> Finished<O> {
        for order in self.orders.iter() {
            self.books.outcomes.count(Outcome::InFlight);
            self.observer
                .left(&record(order, self.now, Outcome::InFlight));
        }
        self.books.finish(self.now, self.observer)
    }
}

fn record(order: &Order, now: f64, outcome: Outcome) -> OrderRecord {
    OrderRecord {
        number: order.number,
        producer: order.producer,
        class: order.class,
        entered: order.entered,
        left: now,
        waiting: order.waited,
        processing: order.processed,
        outcome,
        parts: None,
    }
}
