//! What is left to chance at a stage: how long service takes, and where an order goes next.

use crate::network::{ClassAtStage, Network, Service, Stage, Target};
use crate::random::{Stream, Uniforms, Variates};

/// The service times and ways on of one stage in one replication.
#[derive(Debug)]
pub(crate) struct Chance {
    laws: Laws,
    routes: Vec<Routes>,
    routing: Uniforms,
}

impl Chance {
    pub(super) fn new(network: &Network, stage: &Stage, replication: u64) -> Chance {
        Chance::named(
            network,
            stage,
            replication,
            &format!("stage.{}", stage.name),
        )
    }

    /// The same, with streams that are named after `source`.
    pub(crate) fn named(
        network: &Network,
        stage: &Stage,
        replication: u64,
        source: &str,
    ) -> Chance {
        let routing = Stream::new(network.seed, replication, &format!("{source}.routing"));
        Chance {
            laws: Laws::new(network, stage, replication, source),
            routes: stage.by_class.iter().map(Routes::new).collect(),
            routing: Uniforms::new(routing),
        }
    }

    /// Draws the service time of an order that arrives.
    #[inline]
    pub(crate) fn draw_service(&mut self, class: u32) -> f64 {
        self.laws.next(class)
    }

    /// The only law of service, if all classes share one.
    pub(super) fn only_law(&mut self) -> Option<&mut Variates> {
        match self.laws.variates.as_mut_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    /// Draws where an order goes next.
    #[inline]
    pub(crate) fn draw_route(&mut self, class: u32) -> Target {
        match &self.routes[class as usize] {
            Routes::Always(target) => *target,
            Routes::Choice(ways) => choose(ways, self.routing.next()),
        }
    }

    /// Where all orders go, if there is only one way.
    pub(super) fn only_route(&self) -> Option<Target> {
        let (first, others) = self.routes.split_first()?;
        let Routes::Always(target) = first else {
            return None;
        };
        let same = |other: &Routes| matches!(other, Routes::Always(to) if to == target);
        others.iter().all(same).then_some(*target)
    }
}

/// Service laws of a stage: one for all classes, or one for each that has its own.
#[derive(Debug)]
struct Laws {
    law_of_class: Vec<usize>,
    variates: Vec<Variates>,
}

impl Laws {
    fn new(network: &Network, stage: &Stage, replication: u64, source: &str) -> Laws {
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
                        Service::Common(_) => format!("{source}.service"),
                        Service::Own(_) => {
                            format!("{source}.class.{}.service", class.name)
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
