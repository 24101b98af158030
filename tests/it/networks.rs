//! Random networks for property tests: any topology, discipline, capacity and number of classes.

use orderline::network::{
    Capacity, Class, ClassAtStage, ClassId, Consumers, Discipline, Extras, Horizon, Network,
    Producer, Replications, Route, RunPlan, Service, Stage, StageId, Target, Warmup,
};
use orderline::random::{Arrivals, DiscreteDistribution, Distribution};
use proptest::prelude::*;

/// One stage with one consumer and no bound, one producer, one replication of 100 s.
pub fn single(arrivals: Arrivals, law: Distribution) -> Network {
    Network {
        name: "single".to_owned(),
        seed: 1,
        run: RunPlan {
            horizon: Horizon::Duration(100.0),
            warmup: Warmup::Fixed(0.0),
            replications: Replications::Fixed(1),
            confidence: 0.95,
        },
        classes: vec![Class {
            name: "default".to_owned(),
            priority: 0,
            deadline: f64::INFINITY,
        }],
        producers: vec![Producer {
            name: "p".to_owned(),
            class: ClassId(0),
            to: StageId(0),
            arrivals,
            message_size: 0.0,
        }],
        populations: Vec::new(),
        stages: vec![Stage {
            name: "s".to_owned(),
            consumers: Consumers::Finite(1),
            discipline: Discipline::Fifo,
            capacity: Capacity::Unbounded,
            by_class: vec![ClassAtStage {
                service: Service::Common(law),
                next: vec![Route {
                    to: Target::Completed,
                    probability: 1.0,
                }],
            }],
            extras: Extras::default(),
        }],
        slos: Vec::new(),
        phases: Vec::new(),
    }
}

/// A network of up to four stages and three classes with `orders` orders in each replication.
pub fn network(orders: u64) -> impl Strategy<Value = Network> {
    (1..5usize, 1..4usize).prop_flat_map(move |(stages, classes)| {
        (
            any::<u32>(),
            prop::collection::vec(0..3u32, classes),
            prop::collection::vec(producer(stages, classes), 1..4),
            prop::collection::vec(stage(stages, classes), stages),
            prop_oneof![Just(0.0), 0.1..5.0f64],
        )
            .prop_map(
                move |(seed, priorities, producers, stages, warmup)| Network {
                    name: "random".to_owned(),
                    seed: u64::from(seed),
                    run: RunPlan {
                        horizon: Horizon::Orders(orders),
                        warmup: Warmup::Fixed(warmup),
                        replications: Replications::Fixed(3),
                        confidence: 0.95,
                    },
                    classes: named(priorities, "c", |name, priority| Class {
                        name,
                        priority,
                        deadline: f64::INFINITY,
                    }),
                    producers: named(producers, "p", |name, producer| Producer {
                        name,
                        ..producer
                    }),
                    populations: Vec::new(),
                    stages: named(stages, "s", |name, stage| Stage { name, ..stage }),
                    slos: Vec::new(),
                    phases: Vec::new(),
                },
            )
    })
}

fn named<T, U>(items: Vec<T>, letter: &str, make: impl Fn(String, T) -> U) -> Vec<U> {
    items
        .into_iter()
        .enumerate()
        .map(|(i, item)| make(format!("{letter}{i}"), item))
        .collect()
}

fn producer(stages: usize, classes: usize) -> impl Strategy<Value = Producer> {
    (arrivals(), 0..stages, 0..classes).prop_map(|(arrivals, to, class)| Producer {
        name: String::new(),
        class: ClassId(class),
        to: StageId(to),
        arrivals,
        message_size: 100.0,
    })
}

fn arrivals() -> impl Strategy<Value = Arrivals> {
    let poisson = (1.0..20.0f64).prop_map(Arrivals::poisson);
    let even = (1.0..20.0f64).prop_map(Arrivals::deterministic);
    let renewal = law().prop_map(Arrivals::renewal);
    let batch = (1.0..5.0f64, 1..4u64).prop_map(|(rate, size)| {
        let size = DiscreteDistribution::deterministic(size).expect("a size");
        Arrivals::batch(Arrivals::poisson(rate).expect("a rate"), size)
    });
    let mmpp = (1.0..20.0f64).prop_map(|rate| Arrivals::mmpp(vec![rate, 0.0], vec![1.0, 0.5]));
    prop_oneof![poisson, even, renewal, batch, mmpp].prop_map(|arrivals| arrivals.expect("valid"))
}

fn law() -> impl Strategy<Value = Distribution> {
    prop_oneof![
        (1.0..20.0f64).prop_map(Distribution::exponential),
        (0.01..0.5f64).prop_map(Distribution::deterministic),
        (0.05..0.5f64).prop_map(|mean| Distribution::lognormal_mean_scv(mean, 2.0)),
        (1..4u32, 0.05..0.5f64).prop_map(|(shape, mean)| Distribution::erlang(shape, mean)),
    ]
    .prop_map(|law| law.expect("valid"))
}

fn stage(stages: usize, classes: usize) -> impl Strategy<Value = Stage> {
    let consumers = prop_oneof![
        8 => (1..5u32).prop_map(Consumers::Finite),
        1 => Just(Consumers::Unlimited),
    ];
    let discipline = prop_oneof![
        Just(Discipline::Fifo),
        Just(Discipline::Lifo),
        Just(Discipline::Random),
        Just(Discipline::Priority),
    ];
    let capacity = prop_oneof![
        2 => Just(Capacity::Unbounded),
        1 => (0..6u64).prop_map(Capacity::Reject),
    ];
    let by_class = (
        law(),
        prop::collection::vec((prop::option::of(law()), routes(stages)), classes),
    );
    (consumers, discipline, capacity, by_class).prop_map(
        |(consumers, discipline, capacity, (common, by_class))| Stage {
            name: String::new(),
            consumers,
            discipline,
            capacity,
            by_class: by_class
                .into_iter()
                .map(|(own, next)| ClassAtStage {
                    service: own.map_or_else(|| Service::Common(common.clone()), Service::Own),
                    next,
                })
                .collect(),
            extras: Extras::default(),
        },
    )
}

/// Some way on that always leaves a way out.
fn routes(stages: usize) -> impl Strategy<Value = Vec<Route>> {
    (0..=stages, 0.0..0.7f64, any::<bool>()).prop_map(move |(to, probability, cancel)| {
        let out = if cancel {
            Target::Cancelled
        } else {
            Target::Completed
        };
        if to == stages || probability < 0.05 {
            return vec![Route {
                to: out,
                probability: 1.0,
            }];
        }
        vec![
            Route {
                to: Target::Stage(StageId(to)),
                probability,
            },
            Route {
                to: out,
                probability: 1.0 - probability,
            },
        ]
    })
}

/// A network that the recursion engine can do: first in, first out, without bounds and ways back, some
/// stages with many consumers. Half of them run on a clock of eighths of a second, so that much happens
/// at the same instant.
pub fn feed_forward(orders: u64) -> impl Strategy<Value = Network> {
    let consumers = prop_oneof![
        2 => Just(Consumers::Finite(1)),
        3 => (2..17u32).prop_map(Consumers::Finite),
        2 => (17..90u32).prop_map(Consumers::Finite),
        1 => Just(Consumers::Unlimited),
    ];
    let shapes = prop::collection::vec((consumers, 1..4u32), 4);
    (network(orders), shapes, any::<bool>()).prop_map(|(mut network, shapes, ticking)| {
        for (index, (stage, (consumers, ticks))) in
            network.stages.iter_mut().zip(shapes).enumerate()
        {
            stage.discipline = Discipline::Fifo;
            stage.capacity = Capacity::Unbounded;
            stage.consumers = consumers;
            for class in &mut stage.by_class {
                for route in &mut class.next {
                    if matches!(route.to, Target::Stage(to) if to.0 <= index) {
                        route.to = Target::Stage(StageId(index + 1));
                    }
                }
                if ticking {
                    let law =
                        Distribution::deterministic(0.125 * f64::from(ticks)).expect("a time");
                    class.service = Service::Common(law);
                }
            }
        }
        let last = network.stages.len() - 1;
        for class in &mut network.stages[last].by_class {
            class.next = vec![Route {
                to: Target::Completed,
                probability: 1.0,
            }];
        }
        if ticking {
            for producer in &mut network.producers {
                producer.arrivals = Arrivals::deterministic(8.0).expect("a rate");
            }
        }
        network
    })
}
