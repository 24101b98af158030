//! Small networks for the tests of this room.

use crate::network::{
    Capacity, Class, ClassAtStage, ClassId, Consumers, Discipline, Extras, Fork, Horizon, Network,
    Population, Producer, Replications, Route, RunPlan, Service, Stage, StageId, Target, Warmup,
};
use crate::random::{Arrivals, Distribution};

/// A network in the making; one class unless more are asked for.
pub(super) struct Sketch(Network);

pub(super) fn exponential(rate: f64) -> Distribution {
    Distribution::exponential(rate).unwrap()
}

impl Sketch {
    pub fn new() -> Sketch {
        Sketch(Network {
            name: "sketch".to_owned(),
            seed: 1,
            run: RunPlan {
                horizon: Horizon::Duration(1e6),
                warmup: Warmup::Auto,
                replications: Replications::Fixed(1),
                confidence: 0.95,
            },
            classes: vec![class(0, 0)],
            producers: Vec::new(),
            populations: Vec::new(),
            stages: Vec::new(),
            slos: Vec::new(),
            phases: Vec::new(),
        })
    }

    /// One stage fed by one producer.
    pub fn single(arrivals: Arrivals, consumers: u32, service: Distribution) -> Sketch {
        let mut sketch = Sketch::new();
        sketch.stage(consumers, service);
        sketch.producer(arrivals, 0, 0);
        sketch
    }

    /// R. Jain (1991), *The Art of Computer Systems Performance Analysis*, example 34.1.
    pub fn jain() -> Sketch {
        let mut sketch = Sketch::new();
        for mean in [0.01, 0.02, 0.03] {
            sketch.stage(1, exponential(1.0 / mean));
        }
        sketch
            .poisson(3.0, 0)
            .then(0, 1, 0.4375)
            .then(0, 2, 0.5)
            .done(0, 0.0625);
        sketch.then(1, 0, 1.0).then(2, 0, 1.0);
        sketch
    }

    /// Declares the classes by their priorities; to be called before stages.
    pub fn classes(&mut self, priorities: &[u32]) -> &mut Sketch {
        self.0.classes = priorities
            .iter()
            .enumerate()
            .map(|(k, &p)| class(k, p))
            .collect();
        self
    }

    pub fn stage(&mut self, consumers: u32, service: Distribution) -> &mut Sketch {
        let at = ClassAtStage {
            service: Service::Common(service),
            next: Vec::new(),
        };
        self.0.stages.push(Stage {
            name: format!("s{}", self.0.stages.len()),
            consumers: Consumers::Finite(consumers),
            discipline: Discipline::Fifo,
            capacity: Capacity::Unbounded,
            by_class: vec![at; self.0.classes.len()],
            extras: Extras::default(),
        });
        self
    }

    pub fn producer(&mut self, arrivals: Arrivals, to: usize, class: usize) -> &mut Sketch {
        self.0.producers.push(Producer {
            name: format!("p{}", self.0.producers.len()),
            class: ClassId(class),
            to: StageId(to),
            arrivals,
            message_size: 100.0,
        });
        self
    }

    pub fn poisson(&mut self, rate: f64, to: usize) -> &mut Sketch {
        self.producer(Arrivals::poisson(rate).unwrap(), to, 0)
    }

    pub fn poisson_of(&mut self, class: usize, rate: f64, to: usize) -> &mut Sketch {
        self.producer(Arrivals::poisson(rate).unwrap(), to, class)
    }

    /// A population of customers of a class who send their orders to a stage.
    pub fn population(
        &mut self,
        class: usize,
        customers: u64,
        think: Distribution,
        to: usize,
    ) -> &mut Sketch {
        self.0.populations.push(Population {
            name: format!("q{}", self.0.populations.len()),
            class: ClassId(class),
            to: StageId(to),
            customers,
            think,
            message_size: 100.0,
        });
        self
    }

    fn route(&mut self, from: usize, to: Target, probability: f64) -> &mut Sketch {
        for at in &mut self.0.stages[from].by_class {
            at.next.push(Route { to, probability });
        }
        self
    }

    pub fn then(&mut self, from: usize, to: usize, probability: f64) -> &mut Sketch {
        self.route(from, Target::Stage(StageId(to)), probability)
    }

    pub fn done(&mut self, from: usize, probability: f64) -> &mut Sketch {
        self.route(from, Target::Completed, probability)
    }

    pub fn cancel(&mut self, from: usize, probability: f64) -> &mut Sketch {
        self.route(from, Target::Cancelled, probability)
    }

    pub fn fork(&mut self, from: usize, branches: &[usize]) -> &mut Sketch {
        let branches = branches.iter().map(|&to| StageId(to)).collect();
        self.0.stages[from].extras.fork = Fork::JoinAll(branches);
        self
    }

    pub fn block(&mut self, stage: usize, places: u64) -> &mut Sketch {
        self.0.stages[stage].capacity = Capacity::Block(places);
        self
    }

    pub fn bound(&mut self, stage: usize, places: u64) -> &mut Sketch {
        self.0.stages[stage].capacity = Capacity::Reject(places);
        self
    }

    pub fn order(&mut self, stage: usize, discipline: Discipline) -> &mut Sketch {
        self.0.stages[stage].discipline = discipline;
        self
    }

    pub fn unlimited(&mut self, stage: usize) -> &mut Sketch {
        self.0.stages[stage].consumers = Consumers::Unlimited;
        self
    }

    pub fn consumers(&mut self, stage: usize, count: u32) -> &mut Sketch {
        self.0.stages[stage].consumers = Consumers::Finite(count);
        self
    }

    pub fn own(&mut self, stage: usize, class: usize, law: Distribution) -> &mut Sketch {
        self.0.stages[stage].by_class[class].service = Service::Own(law);
        self
    }

    /// A stage, to be changed at will.
    pub fn at(&mut self, stage: usize) -> &mut Stage {
        &mut self.0.stages[stage]
    }

    /// The network; a stage without a way on completes.
    pub fn network(&self) -> Network {
        let mut network = self.0.clone();
        for at in network.stages.iter_mut().flat_map(|s| &mut s.by_class) {
            if at.next.is_empty() {
                at.next.push(Route {
                    to: Target::Completed,
                    probability: 1.0,
                });
            }
        }
        network
    }
}

fn class(index: usize, priority: u32) -> Class {
    Class {
        name: format!("c{index}"),
        priority,
        deadline: f64::INFINITY,
    }
}

/// Random networks: up to four stages of any kind, two classes, any mix of arrivals.
pub(super) fn any_network() -> impl proptest::strategy::Strategy<Value = Network> {
    use proptest::prelude::*;
    let stage = (
        1u32..5,
        0usize..6,
        0usize..4,
        proptest::option::of(0u64..6),
        0u8..8,
        0.2f64..4.0,
    );
    let producer = (0usize..6, 0.05f64..2.0, 0usize..2);
    let way = (0usize..6, 0.0f64..0.9);
    let parts = (
        proptest::collection::vec((stage, way), 1..5),
        proptest::collection::vec(producer, 1..4),
    );
    parts.prop_map(|(stages, producers)| {
        let count = stages.len();
        let mut sketch = Sketch::new();
        sketch.classes(&[0, 1]);
        for (id, ((c, law, order, places, extra, rate), _)) in stages.iter().enumerate() {
            sketch.stage(*c, any_law(*law, *rate));
            let orders = [
                Discipline::Fifo,
                Discipline::Lifo,
                Discipline::Random,
                Discipline::Priority,
            ];
            sketch.order(id, orders[*order]);
            places.map(|places| sketch.bound(id, places));
            match extra {
                0 => sketch.unlimited(id),
                1 => sketch.own(id, 1, exponential(1.0)),
                _ => &mut sketch,
            };
        }
        for (id, (_, (to, probability))) in stages.iter().enumerate() {
            if *probability > 0.05 {
                sketch
                    .then(id, to % count, *probability)
                    .done(id, 1.0 - probability);
            }
        }
        for (kind, rate, class) in &producers {
            sketch.producer(any_arrivals(*kind, *rate), kind % count, *class);
        }
        sketch.network()
    })
}

fn any_law(kind: usize, rate: f64) -> Distribution {
    match kind {
        0 | 1 => exponential(rate),
        2 => Distribution::deterministic(1.0 / rate).unwrap(),
        3 => Distribution::lognormal_mean_scv(1.0 / rate, 3.0).unwrap(),
        4 => Distribution::pareto(1.5, 0.3 / rate).unwrap(),
        _ => Distribution::deterministic(0.0).unwrap(),
    }
}

fn any_arrivals(kind: usize, rate: f64) -> Arrivals {
    match kind {
        0..=2 => Arrivals::poisson(rate).unwrap(),
        3 => Arrivals::deterministic(rate).unwrap(),
        4 => Arrivals::mmpp(vec![2.0 * rate, 0.0], vec![1.0, 1.0]).unwrap(),
        _ => Arrivals::trace(vec![0.0, 0.5 / rate, 1.0 / rate], 0.0).unwrap(),
    }
}
