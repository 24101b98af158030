//! What the engines are measured against: a simulator of stages in series as a good engineer writes
//! it by hand in an afternoon. One binary heap of events, a queue for each stage, exponential draws by
//! the ziggurat, and means only: no variances, no quantiles, no time-weighted lengths.

use crate::workload::Tandem;
use rand::SeedableRng;
use rand_distr::{Distribution, Exp1};
use rand_xoshiro::Xoshiro256PlusPlus;
use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};

#[derive(Clone, Copy)]
struct Order {
    entered: f64,
    arrived: f64,
}

enum Kind {
    Arrival,
    Departure { stage: usize, order: Order },
}

struct Event {
    time: f64,
    number: u64,
    kind: Kind,
}

/// The earliest event is the greatest, as `BinaryHeap` wants it; of two at once, the first scheduled.
impl Ord for Event {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_time = other.time.total_cmp(&self.time);
        by_time.then_with(|| other.number.cmp(&self.number))
    }
}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Event {}

#[derive(Default)]
struct Mean {
    sum: f64,
    count: u64,
}

impl Mean {
    fn record(&mut self, x: f64) {
        self.sum += x;
        self.count += 1;
    }

    fn value(&self) -> f64 {
        self.sum / self.count as f64
    }
}

struct Stage {
    idle: u32,
    queue: VecDeque<Order>,
    waiting: Mean,
    sojourn: Mean,
}

struct Simulation {
    now: f64,
    events: BinaryHeap<Event>,
    scheduled: u64,
    stages: Vec<Stage>,
    latency: Mean,
    random: Xoshiro256PlusPlus,
}

/// Lets orders pass through stages whose service takes 1 s on average; the mean latency.
pub fn run(tandem: Tandem, orders: u64) -> f64 {
    let stage = || Stage {
        idle: tandem.consumers.unwrap_or(u32::MAX),
        queue: VecDeque::new(),
        waiting: Mean::default(),
        sojourn: Mean::default(),
    };
    let mut simulation = Simulation {
        now: 0.0,
        events: BinaryHeap::new(),
        scheduled: 0,
        stages: (0..tandem.stages).map(|_| stage()).collect(),
        latency: Mean::default(),
        random: Xoshiro256PlusPlus::seed_from_u64(1),
    };
    simulation.run(1.0 / tandem.rate, orders);
    std::hint::black_box(&simulation.stages)
        .iter()
        .for_each(|stage| {
            std::hint::black_box(stage.waiting.value() + stage.sojourn.value());
        });
    simulation.latency.value()
}

impl Simulation {
    fn run(&mut self, mean_gap: f64, orders: u64) {
        self.schedule(mean_gap, Kind::Arrival);
        let mut entered = 0;
        while let Some(event) = self.events.pop() {
            self.now = event.time;
            match event.kind {
                Kind::Arrival if entered == orders => return,
                Kind::Arrival => {
                    entered += 1;
                    self.schedule(mean_gap, Kind::Arrival);
                    self.arrive(0, self.now);
                }
                Kind::Departure { stage, order } => self.depart(stage, order),
            }
        }
    }

    fn schedule(&mut self, mean: f64, kind: Kind) {
        let draw: f64 = Exp1.sample(&mut self.random);
        self.scheduled += 1;
        self.events.push(Event {
            time: self.now + mean * draw,
            number: self.scheduled,
            kind,
        });
    }

    fn arrive(&mut self, stage: usize, entered: f64) {
        let order = Order {
            entered,
            arrived: self.now,
        };
        if self.stages[stage].idle > 0 {
            self.stages[stage].idle -= 1;
            self.serve(stage, order);
        } else {
            self.stages[stage].queue.push_back(order);
        }
    }

    fn serve(&mut self, stage: usize, order: Order) {
        self.stages[stage].waiting.record(self.now - order.arrived);
        self.schedule(1.0, Kind::Departure { stage, order });
    }

    fn depart(&mut self, stage: usize, order: Order) {
        let here = &mut self.stages[stage];
        here.sojourn.record(self.now - order.arrived);
        match here.queue.pop_front() {
            Some(next) => self.serve(stage, next),
            None => here.idle += 1,
        }
        if stage + 1 < self.stages.len() {
            self.arrive(stage + 1, order.entered);
        } else {
            self.latency.record(self.now - order.entered);
        }
    }
}
