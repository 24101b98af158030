//! What the recursion engine counts in a window, from whole lists of orders.

use super::course::Stop;
use super::servers::Yield;
use super::sums::{Sums, total};
use super::traveller::{Tag, Traveller};
use crate::network::{Network, Producer};
use crate::sim::books::Books;
use crate::sim::engine::{Finished, Observer, OrderRecord};
use crate::sim::outcome::Outcome;
use crate::stats::{Flow, Passage};

/// The books, and what comes to pass in a window before it is entered there.
#[derive(Debug)]
pub(super) struct Counting<'n, O> {
    producers: &'n [Producer],
    /// The class of all orders, if they are of one.
    only_class: Option<usize>,
    pub books: Books,
    pub observer: O,
    /// Who came to, began service at and left each lane.
    passages: Vec<Passage>,
    /// Who came from outside, with the seconds since the last window's end added up.
    came: Flow,
    /// Who left the pipeline.
    left: Flow,
    /// Kept only to be used again.
    latencies: Vec<f64>,
}

impl<'n, O: Observer> Counting<'n, O> {
    pub(super) fn new(network: &'n Network, observer: O) -> Self {
        let books = Books::new(network);
        let first = network.producers[0].class;
        let only = network.producers.iter().all(|p| p.class == first);
        Counting {
            producers: &network.producers,
            only_class: only.then_some(first.0),
            passages: vec![Passage::default(); books.lanes.len()],
            books,
            observer,
            came: Flow::default(),
            left: Flow::default(),
            latencies: Vec::new(),
        }
    }

    /// Index of an order's class.
    #[inline(always)]
    pub(super) fn class_of<T: Tag>(&self, order: &Traveller<T>) -> u32 {
        self.producers[order.tag.producer()].class.0 as u32
    }

    fn lane_of<T: Tag>(&self, stage: usize, order: &Traveller<T>) -> usize {
        self.books.lane(stage, self.class_of(order) as usize)
    }

    /// Orders enter the pipeline.
    pub(super) fn enter(&mut self, times: &[f64]) {
        let from = self.books.pipeline.occupancy.now();
        self.came.add(times.len(), total(times, |time| time - from));
        self.books.entered += times.len() as u64;
        self.books.pipeline.entered += times.len() as u64;
    }

    /// Orders come to a stage.
    pub(super) fn arrive<T: Tag>(&mut self, stop: &Stop, orders: &[Traveller<T>], horizon: f64) {
        if let Some(class) = self.only_class {
            let lane = self.books.lane(stop.id, class);
            self.passages[lane].arrivals = if stop.sees_all {
                self.came_until(horizon)
            } else {
                Flow {
                    count: orders.len() as u64,
                    seconds: total(orders, |order| horizon - order.time),
                }
            };
            return;
        }
        for order in orders {
            let lane = self.lane_of(stop.id, order);
            self.passages[lane].arrivals.add(1, horizon - order.time);
        }
    }

    /// Who came from outside in this window.
    fn came_until(&self, horizon: f64) -> Flow {
        let whole = self.came.count as f64 * (horizon - self.books.pipeline.occupancy.now());
        Flow {
            seconds: whole - self.came.seconds,
            ..self.came
        }
    }

    /// Services of orders begin at a stage.
    pub(super) fn begin<T: Tag>(
        &mut self,
        stage: usize,
        orders: &[Traveller<T>],
        services: &[f64],
        out: &Yield<T>,
        horizon: f64,
    ) {
        let waits = out.waits();
        if let Some(class) = self.only_class {
            let index = self.books.lane(stage, class);
            let lane = &mut self.books.lanes[index];
            lane.waiting.record_all(waits);
            lane.service.record_all(services);
            let passage = &mut self.passages[index];
            passage.starts.add(waits.len(), out.since_begun());
            passage.waited |= waits.iter().any(|wait| *wait > 0.0);
            return;
        }
        for ((order, &waiting), &service) in orders.iter().zip(waits).zip(services) {
            let index = self.lane_of(stage, order);
            let lane = &mut self.books.lanes[index];
            lane.waiting.record(waiting);
            lane.service.record(service);
            let passage = &mut self.passages[index];
            passage.starts.add(1, horizon - (order.time + waiting));
            passage.waited |= waiting > 0.0;
        }
    }

    /// Orders leave a stage.
    pub(super) fn depart<T: Tag>(&mut self, stage: usize, out: &Yield<T>, horizon: f64) {
        let (leavers, sojourns) = (out.leavers(), out.sojourns());
        if let ([producer], Some(class)) = (self.producers, self.only_class) {
            let index = self.books.lane(stage, class);
            let lane = &mut self.books.lanes[index];
            lane.sojourn.record_all(sojourns);
            lane.departed_bytes += producer.message_size * leavers.len() as f64;
            self.passages[index]
                .departures
                .add(leavers.len(), out.sums().before);
            return;
        }
        for (leaver, &sojourn) in leavers.iter().zip(sojourns) {
            let index = self.lane_of(stage, leaver);
            let lane = &mut self.books.lanes[index];
            lane.sojourn.record(sojourn);
            lane.departed_bytes += self.producers[leaver.tag.producer()].message_size;
            self.passages[index]
                .departures
                .add(1, horizon - leaver.time);
        }
    }

    /// Orders leave the pipeline; `sums` over them.
    pub(super) fn leave<T: Tag>(&mut self, orders: &[Traveller<T>], outcome: Outcome, sums: Sums) {
        let count = orders.len() as u64;
        self.left.add(orders.len(), sums.before);
        self.books.outcomes.count_all(outcome, count);
        if !self.books.one_visit {
            self.record_latencies(orders, outcome);
        }
        let pipeline = &mut self.books.pipeline;
        pipeline.left += count;
        pipeline.time_waiting.add(count, sums.waited);
        if outcome == Outcome::Completed {
            pipeline.completed += count;
            pipeline.processing.add(count, sums.processed);
            pipeline.completed_bytes += match self.producers {
                [only] => only.message_size * count as f64,
                several => {
                    let sent = orders.iter().map(|order| &several[order.tag.producer()]);
                    sent.map(|producer| producer.message_size).sum()
                }
            };
        }
        for order in orders {
            self.observer.left(&self.record(order, order.time, outcome));
        }
    }

    fn record_latencies<T: Tag>(&mut self, orders: &[Traveller<T>], outcome: Outcome) {
        self.latencies.clear();
        let latencies = orders.iter().map(|order| order.time - order.entered);
        self.latencies.extend(latencies);
        let pipeline = &mut self.books.pipeline;
        let total = total(&self.latencies, |latency| *latency);
        pipeline.time_in_pipeline.add(orders.len() as u64, total);
        if outcome == Outcome::Completed {
            pipeline.latency.record_all(&self.latencies);
        }
    }

    /// What the run's end finds of an order.
    fn record<T: Tag>(&self, order: &Traveller<T>, left: f64, outcome: Outcome) -> OrderRecord {
        OrderRecord {
            number: order.tag.number(),
            producer: order.tag.producer() as u32,
            class: self.class_of(order),
            entered: order.entered,
            left,
            waiting: order.waited,
            processing: order.processed,
            outcome,
            parts: None,
        }
    }

    /// An order is still there as the run ends.
    pub(super) fn remain<T: Tag>(&mut self, order: &Traveller<T>, now: f64) {
        self.books.outcomes.count_all(Outcome::InFlight, 1);
        self.observer
            .left(&self.record(order, now, Outcome::InFlight));
    }

    /// Closes the books.
    pub(super) fn finish(self, now: f64) -> Finished<O> {
        self.books.finish(now, self.observer)
    }

    /// The window ends: all that came to pass in it is entered into the books.
    pub(super) fn close(&mut self, horizon: f64) {
        for (lane, passage) in self.books.lanes.iter_mut().zip(&mut self.passages) {
            lane.offered += passage.arrivals.count;
            lane.departed += passage.departures.count;
            let waiting = passage.arrivals.count + lane.occupancy.waiting() - passage.starts.count;
            passage.waited |= waiting > 0;
            lane.occupancy.pass(horizon, &std::mem::take(passage));
        }
        let arrivals = self.came_until(horizon);
        let passage = Passage {
            arrivals,
            starts: arrivals,
            departures: self.left,
            waited: false,
        };
        self.books.pipeline.occupancy.pass(horizon, &passage);
        (self.came, self.left) = (Flow::default(), Flow::default());
    }
}
