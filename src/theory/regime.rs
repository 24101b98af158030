//! Whether a stage has a steady state: the only place that says so.
//!
//! # Formula
//! With a queue without bound, where nobody loses patience, the load ρ = λE\[S\]/(cA) decides (A is the
//! consumers' availability): a steady state below 1, growth above. Before stages that block, the line that
//! they form can do less.
//! At 1 neither: the number in system spreads like √T, so measured rates come near the limit only
//! like T^(−1/2). A load that differs from 1 by rounding counts as 1.
//!
//! # References
//! R. M. Loynes (1962), *The stability of a queue with non-independent inter-arrival and service
//! times*, Proc. Cambridge Philosophical Society 58; W. Whitt (2002), *Stochastic-Process Limits*,
//! chapter 9 (critical load).

use super::clockwork::is_clockwork;
use super::numeric::sum;
use super::traffic::{Traffic, work_of};
use crate::network::{
    AfterRepair, Balking, Batching, Capacity, Consumers, Discipline, Network, Patience,
    Reliability, Stage,
};

/// A load this near to 1 is 1.
pub(super) const NEAR: f64 = 1e-10;

/// What becomes of a stage in the long run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Regime {
    /// It has a steady state.
    Steady,
    /// It is offered what it can do: no steady state, no steady growth.
    Critical,
    /// It is offered more than it can do.
    Overloaded,
}

impl Regime {
    /// Of a load over capacity.
    pub fn of_load(load: f64) -> Regime {
        if load > 1.0 + NEAR {
            Regime::Overloaded
        } else if load >= 1.0 - NEAR {
            Regime::Critical
        } else {
            Regime::Steady
        }
    }

    /// Of a stage.
    pub fn of(network: &Network, traffic: &Traffic, stage: usize) -> Regime {
        let at = &network.stages[stage];
        let bounded = matches!(at.capacity, Capacity::Reject(_) | Capacity::Block(_));
        let always = bounded || at.extras.patience != Patience::Endless;
        match strain(network, traffic, stage) {
            Some(load) if !always && !is_clockwork(network, stage) => Regime::of_load(load),
            _ => Regime::Steady,
        }
    }

    /// Of each class at a stage: under priorities only the classes that the consumers have no time
    /// left for are without a steady state.
    pub fn of_classes(network: &Network, traffic: &Traffic, stage: usize) -> Vec<Regime> {
        let whole = Regime::of(network, traffic, stage);
        let at = &network.stages[stage];
        let (Discipline::Priority | Discipline::PreemptivePriority, Consumers::Finite(c)) =
            (at.discipline, at.consumers)
        else {
            return vec![whole; network.classes.len()];
        };
        if whole == Regime::Steady {
            return vec![whole; network.classes.len()];
        }
        let work = work_of(at, &traffic.offered[stage]);
        let up_to = |level: u32| {
            let classes = network.classes.iter().zip(&work);
            sum(classes
                .filter(|(class, _)| class.priority <= level)
                .map(|(_, work)| *work))
        };
        let classes = network.classes.iter();
        classes
            .map(|class| Regime::of_load(up_to(class.priority) / f64::from(c)))
            .collect()
    }
}

/// The load of a stage over what it can do; where it begins a line of stages that block each other, over
/// what the line can take.
pub(super) fn strain(network: &Network, traffic: &Traffic, stage: usize) -> Option<f64> {
    match traffic.blocking[stage].begins() {
        Some(line) => Some(traffic.offered_to(stage) / line.model.capacity()),
        None => load(network, traffic, stage),
    }
}

/// The load of a stage over its capacity, which is less while consumers are broken down; `None` where
/// every order has its consumer.
pub(super) fn load(network: &Network, traffic: &Traffic, stage: usize) -> Option<f64> {
    let at = &network.stages[stage];
    match at.consumers {
        Consumers::Unlimited => None,
        Consumers::Finite(c) => {
            let work = work_of(at, &traffic.offered[stage]);
            Some(sum(work.into_iter()) * let_in(at) / servers(at, c))
        }
    }
}

/// What the consumers of a stage can do, in seconds of one order's work a second: less while they are
/// broken down, more where they serve several orders at once.
pub(super) fn servers(stage: &Stage, consumers: u32) -> f64 {
    let together = match stage.extras.batching {
        Batching::Single => 1,
        Batching::UpTo { size, .. } => size,
    };
    f64::from(consumers) * availability(stage) * f64::from(together)
}

/// The share of the orders that come to a queue however long it is.
fn let_in(stage: &Stage) -> f64 {
    match &stage.extras.balking {
        Balking::Never => 1.0,
        Balking::Steps(steps) => 1.0 - steps.last().map_or(0.0, |step| step.probability),
    }
}

/// U/(U + D): the share of its working time that a consumer can use; 1 where it never fails.
pub(super) fn availability(stage: &Stage) -> f64 {
    match &stage.extras.reliability {
        Reliability::Perfect => 1.0,
        Reliability::Breakdowns(breakdowns) => {
            let up = breakdowns.uptime.mean();
            up / (up + breakdowns.downtime.mean())
        }
    }
}

/// Whether a breakdown costs work that has been done: how much is then done for an order depends on its
/// size and on the law of the failures, and so does what the stage can do.
pub(super) fn loses_work(stage: &Stage) -> bool {
    match &stage.extras.reliability {
        Reliability::Perfect => false,
        Reliability::Breakdowns(breakdowns) => breakdowns.then != AfterRepair::Resume,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::testing::{Sketch, exponential};

    #[test]
    fn rounding_does_not_decide() {
        assert_eq!(Regime::of_load(0.999_999), Regime::Steady);
        assert_eq!(Regime::of_load(1.0 - 1e-12), Regime::Critical);
        assert_eq!(Regime::of_load(1.0 + 1e-12), Regime::Critical);
        assert_eq!(Regime::of_load(1.000_001), Regime::Overloaded);
    }

    #[test]
    fn the_first_classes_keep_their_steady_state() {
        let mut sketch = Sketch::new();
        sketch.classes(&[0, 1, 2]).stage(1, exponential(1.0));
        sketch.order(0, Discipline::Priority);
        sketch
            .poisson_of(0, 0.6, 0)
            .poisson_of(1, 0.4, 0)
            .poisson_of(2, 0.1, 0);
        let network = sketch.network();
        let traffic = Traffic::solve(&network).unwrap();
        let regimes = Regime::of_classes(&network, &traffic, 0);
        assert_eq!(
            regimes,
            [Regime::Steady, Regime::Critical, Regime::Overloaded]
        );
    }
}
