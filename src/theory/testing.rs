//! Small networks for the tests of this room.

use crate::network::{
    Capacity, Class, ClassAtStage, ClassId, Consumers, Discipline, Horizon, Network, Producer,
    Replications, Route, RunPlan, Service, Stage, StageId, Target, Warmup,
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
            stages: Vec::new(),
            slos: Vec::new(),
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

    pub fn own(&mut self, stage: usize, class: usize, law: Distribution) -> &mut Sketch {
        self.0.stages[stage].by_class[class].service = Service::Own(law);
        self
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
    }
}
