//! The speed of the event engine, in orders per second on one core, with all statistics of the
//! output switched on: M/M/1, M/M/8, and three M/M/4 stages in tandem.
//!
//! `cargo bench --bench engine`; an item is an order (not a visit), so the tandem's time per order
//! covers three stages.

use divan::Bencher;
use divan::counter::ItemsCount;
use orderline::network::{
    Capacity, Class, ClassAtStage, ClassId, Consumers, Discipline, Extras, Horizon, Network,
    Producer, Replications, Route, RunPlan, Service, Stage, StageId, Target, Warmup,
};
use orderline::random::{Arrivals, Distribution};
use orderline::sim::{Control, SimOptions, simulate};

const ORDERS: u64 = 2_000_000;

fn main() {
    divan::main();
}

/// Stages in series, each with `consumers` of rate 1 and utilization `rho`.
fn tandem(stages: usize, consumers: u32, rho: f64) -> Network {
    let stage = |index: usize| Stage {
        name: format!("s{index}"),
        consumers: Consumers::Finite(consumers),
        discipline: Discipline::Fifo,
        capacity: Capacity::Unbounded,
        by_class: vec![ClassAtStage {
            service: Service::Common(Distribution::exponential(1.0).expect("1 is a rate")),
            next: vec![Route {
                to: if index + 1 == stages {
                    Target::Completed
                } else {
                    Target::Stage(StageId(index + 1))
                },
                probability: 1.0,
            }],
        }],
        extras: Extras::default(),
    };
    Network {
        name: "bench".to_owned(),
        seed: 1,
        run: RunPlan {
            horizon: Horizon::Orders(ORDERS),
            warmup: Warmup::Fixed(0.0),
            replications: Replications::Fixed(1),
            confidence: 0.95,
        },
        classes: vec![Class {
            name: "default".to_owned(),
            priority: 0,
        }],
        producers: vec![Producer {
            name: "p".to_owned(),
            class: ClassId(0),
            to: StageId(0),
            arrivals: Arrivals::poisson(rho * f64::from(consumers)).expect("a positive rate"),
            message_size: 0.0,
        }],
        populations: Vec::new(),
        stages: (0..stages).map(stage).collect(),
        slos: Vec::new(),
    }
}

fn bench(bencher: Bencher, network: &Network) {
    bencher.counter(ItemsCount::new(ORDERS)).bench(|| {
        simulate(network, SimOptions { threads: 1 }, &Control::default()).expect("it runs")
    });
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn mm1(bencher: Bencher) {
    bench(bencher, &tandem(1, 1, 0.8));
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn mm8(bencher: Bencher) {
    bench(bencher, &tandem(1, 8, 0.9));
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn three_mm4_in_tandem(bencher: Bencher) {
    bench(bencher, &tandem(3, 4, 0.8));
}
