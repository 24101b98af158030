//! A stage while it runs: its free consumers, its queue, its laws and its routes.

use super::queue::{Levels, Queue};
use crate::network::{
    Capacity, ClassAtStage, Consumers, Discipline, Network, Service, Stage, Target,
};
use crate::random::{Stream, Uniforms, Variates};
use std::collections::VecDeque;

/// A stage while it runs.
#[derive(Debug)]
pub(super) struct StageState {
    /// Consumers without work.
    pub idle: u64,
    /// Who waits.
    pub queue: Queue,
    /// How many may wait.
    pub capacity: usize,
    laws: Laws,
    routes: Vec<Routes>,
    routing: Uniforms,
}

impl StageState {
    pub(super) fn new(network: &Network, stage: &Stage, replication: u64) -> StageState {
        let seed = network.seed;
        let source =
            |what: &str| Stream::new(seed, replication, &format!("stage.{}.{what}", stage.name));
        StageState {
            idle: match stage.consumers {
                Consumers::Finite(c) => u64::from(c),
                Consumers::Unlimited => u64::MAX,
            },
            queue: queue(network, stage, source("discipline")),
            capacity: match stage.capacity {
                Capacity::Unbounded => usize::MAX,
                Capacity::Reject(waiting)
                | Capacity::Block(waiting)
                | Capacity::Retry(waiting, _) => usize::try_from(waiting).unwrap_or(usize::MAX),
            },
            laws: Laws::new(network, stage, replication),
            routes: stage.by_class.iter().map(Routes::new).collect(),
            routing: Uniforms::new(source("routing")),
        }
    }

    /// Draws the service time of an order that arrives.
    #[inline]
    pub(super) fn draw_service(&mut self, class: u32) -> f64 {
        self.laws.next(class)
    }

    /// Draws where an order goes next.
    #[inline]
    pub(super) fn draw_route(&mut self, class: u32) -> Target {
        match &self.routes[class as usize] {
            Routes::Always(target) => *target,
            Routes::Choice(ways) => choose(ways, self.routing.next()),
        }
    }
}

fn queue(network: &Network, stage: &Stage, choice: Stream) -> Queue {
    match stage.discipline {
        Discipline::Fifo => Queue::Fifo(VecDeque::new()),
        Discipline::Lifo => Queue::Lifo(Vec::new()),
        Discipline::Random => Queue::Random {
            waiting: Vec::new(),
            choice: Uniforms::new(choice),
        },
        Discipline::Priority => {
            let priorities: Vec<u32> = network.classes.iter().map(|c| c.priority).collect();
            Queue::Priority(Levels::new(&priorities))
        }
        Discipline::ShortestFirst
        | Discipline::ShortestRemaining
        | Discipline::ProcessorSharing
        | Discipline::PreemptivePriority => unreachable!("refused before the run"),
    }
}

/// Service laws of a stage: one for all classes, or one for each that has its own.
#[derive(Debug)]
struct Laws {
    law_of_class: Vec<usize>,
    variates: Vec<Variates>,
}

impl Laws {
    fn new(network: &Network, stage: &Stage, replication: u64) -> Laws {
        let mut laws = Laws {
            law_of_class: Vec::new(),
            variates: Vec::new(),
        };
        let mut common = None;
        for (class, here) in network.classes.iter().zip(&stage.by_class) {
            let index = match (&here.service, common) {
                (Service::Common(_), Some(index)) => index,
                (service, _) => {
                    let source = match service {
                        Service::Common(_) => format!("stage.{}.service", stage.name),
                        Service::Own(_) => {
                            format!("stage.{}.class.{}.service", stage.name, class.name)
                        }
                    };
                    let stream = Stream::new(network.seed, replication, &source);
                    laws.variates.push(Variates::new(stream, service.law()));
                    laws.variates.len() - 1
                }
            };
            if matches!(here.service, Service::Common(_)) {
                common = Some(index);
            }
            laws.law_of_class.push(index);
        }
        laws
    }

    #[inline]
    fn next(&mut self, class: u32) -> f64 {
        self.variates[self.law_of_class[class as usize]].next()
    }
}

/// Where orders of a class go: always the same way, or by chance.
#[derive(Debug)]
enum Routes {
    Always(Target),
    /// Cumulative probabilities, the last one covering all that is left.
    Choice(Vec<(f64, Target)>),
}

impl Routes {
    fn new(here: &ClassAtStage) -> Routes {
        if let [only] = here.next.as_slice() {
            return Routes::Always(only.to);
        }
        let mut sum = 0.0;
        let cumulative = here.next.iter().map(|route| {
            sum += route.probability;
            (sum, route.to)
        });
        Routes::Choice(cumulative.collect())
    }
}

fn choose(ways: &[(f64, Target)], u: f64) -> Target {
    let (last, before) = ways.split_last().expect("a stage has at least one way on");
    before.iter().find(|(upto, _)| u < *upto).unwrap_or(last).1
}
