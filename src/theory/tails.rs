//! Which measured figures are too wild for an interval: their estimator has no variance.
//!
//! # Formula
//! A mean of x has a variance when E\[x²\] is finite, and an estimated variance when E\[x⁴\] is. The
//! service time needs its own 2 or 4 moments. Where the queue has no bound the k-th moment of the
//! wait takes k + 1 moments of service (an order comes more likely during a long service), so the
//! mean wait needs 3 and its variance 5. Where only so many can wait, a long service delays no more
//! than these: as many moments as the service time itself. An infinite variance makes Student's t
//! intervals wrong at any number of replications.
//!
//! # References
//! J. Kiefer, J. Wolfowitz (1956), *On the characteristics of the general queueing process*, Annals
//! of Mathematical Statistics 27, 147–161 (k + 1 moments); W. Whitt (1989), *Planning queueing
//! simulations*, Management Science 35.

use super::law::StageLaw;
use super::traffic::Traffic;
use crate::metric::{Metric, Statistic, TimeKind};
use crate::network::{Capacity, ClassId, Consumers, Network};
use crate::random::Distribution;

/// As many moments as anything here needs.
const ENOUGH: u32 = 5;

/// Who can wait at a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Nobody,
    Few,
    Any,
}

/// How many moments of service a stage has.
#[derive(Debug, Clone)]
pub(super) struct Tails {
    /// Of all classes mixed.
    mixed: u32,
    /// Of the classes that come.
    classes: Vec<(ClassId, u32)>,
    line: Line,
}

impl Tails {
    pub fn new(network: &Network, traffic: &Traffic, stage: usize) -> Tails {
        let at = &network.stages[stage];
        let law = StageLaw::new(network, stage, &traffic.offered[stage]);
        let classes: Vec<(ClassId, u32)> =
            law.classes().map(|(k, _, law)| (k, moments(law))).collect();
        let counts = classes.iter().map(|(_, count)| *count);
        Tails {
            mixed: counts.min().unwrap_or(ENOUGH),
            classes,
            line: match (at.consumers, &at.capacity) {
                (Consumers::Unlimited, _) | (_, Capacity::Reject(0)) => Line::Nobody,
                (
                    _,
                    Capacity::Reject(_)
                    | Capacity::Block(_)
                    | Capacity::DropOldest(_)
                    | Capacity::DeadLetter(_),
                ) => Line::Few,
                (_, Capacity::Unbounded | Capacity::Retry(..)) => Line::Any,
            },
        }
    }

    /// The same, where only so many orders can be here.
    pub fn of_few(mut self) -> Tails {
        if self.line == Line::Any {
            self.line = Line::Few;
        }
        self
    }

    /// Whether a measured figure of the stage, or of one class there, has no variance.
    pub fn wild(&self, class: Option<ClassId>, metric: Metric) -> bool {
        let own = class.and_then(|class| self.classes.iter().find(|(k, _)| *k == class));
        let own = own.map_or(self.mixed, |(_, count)| *count);
        let service = service_needs(metric);
        own < service || self.mixed < self.wait_needs(metric)
    }

    /// Moments of service that a figure needs of the wait in it.
    fn wait_needs(&self, metric: Metric) -> u32 {
        let order = match metric {
            Metric::QueueLength | Metric::NumberInSystem => 2,
            Metric::Time(TimeKind::Waiting | TimeKind::Sojourn, statistic) => order(statistic),
            _ => 0,
        };
        match self.line {
            Line::Any if order > 0 => order + 1,
            Line::Few => order,
            _ => 0,
        }
    }
}

/// Moments of service that a figure needs of the service in it.
fn service_needs(metric: Metric) -> u32 {
    match metric {
        Metric::Utilization | Metric::NumberInSystem | Metric::ProcessingTime => 2,
        Metric::Time(TimeKind::Service | TimeKind::Sojourn, statistic) => order(statistic),
        _ => 0,
    }
}

/// Moments that an estimated statistic needs.
fn order(statistic: Statistic) -> u32 {
    match statistic {
        Statistic::Mean => 2,
        Statistic::Variance => 4,
        _ => 0,
    }
}

/// How many moments a law has, as far as it matters.
fn moments(law: &Distribution) -> u32 {
    let finite = |k: &u32| law.moment_is_finite(*k);
    (1..=ENOUGH).take_while(finite).last().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::testing::Sketch;

    fn tails(shape: f64, change: impl Fn(&mut Sketch)) -> Tails {
        let law = Distribution::pareto(shape, 0.1).unwrap();
        let mut sketch = Sketch::new();
        sketch.stage(2, law).poisson(1.0, 0);
        change(&mut sketch);
        let network = sketch.network();
        Tails::new(&network, &Traffic::solve(&network).unwrap(), 0)
    }

    fn wild(tails: &Tails, name: &str) -> bool {
        tails.wild(None, name.parse().unwrap())
    }

    #[test]
    fn a_wait_needs_a_moment_more_than_a_service() {
        let heavy = tails(2.1, |_| {});
        for name in ["waiting_time", "queue_length", "service_time_variance"] {
            assert!(wild(&heavy, name), "{name}");
        }
        for name in [
            "service_time",
            "utilization",
            "throughput",
            "waiting_time_p99",
        ] {
            assert!(!wild(&heavy, name), "{name}");
        }
        let lighter = tails(3.5, |_| {});
        for name in ["waiting_time", "sojourn_time", "number_in_system"] {
            assert!(!wild(&lighter, name), "{name}");
        }
        assert!(wild(&lighter, "service_time_variance"));
        assert!(wild(&lighter, "waiting_time_variance"));
        let worst = tails(1.5, |_| {});
        assert!(wild(&worst, "service_time") && wild(&worst, "utilization"));
    }

    #[test]
    fn a_bound_keeps_waits_as_tame_as_services() {
        let few = tails(2.1, |sketch| {
            sketch.bound(0, 3);
        });
        assert!(!wild(&few, "waiting_time") && wild(&few, "waiting_time_variance"));
        let nobody = tails(2.1, |sketch| {
            sketch.unlimited(0);
        });
        assert!(!wild(&nobody, "sojourn_time") && !wild(&nobody, "waiting_time_variance"));
        assert!(wild(&nobody, "sojourn_time_variance"));
    }

    #[test]
    fn a_tame_class_waits_for_the_wild_one() {
        let tails = tails(5.5, |sketch| {
            *sketch = Sketch::new();
            let tame = Distribution::deterministic(0.1).unwrap();
            sketch.classes(&[0, 0]).stage(2, tame);
            sketch.own(0, 1, Distribution::pareto(2.1, 0.1).unwrap());
            sketch.poisson_of(0, 1.0, 0).poisson_of(1, 1.0, 0);
        });
        let of = |class, name: &str| tails.wild(Some(ClassId(class)), name.parse().unwrap());
        assert!(of(0, "waiting_time") && !of(0, "service_time_variance"));
        assert!(of(1, "waiting_time") && of(1, "service_time_variance"));
    }
}
