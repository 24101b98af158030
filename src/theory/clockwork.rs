//! D/D/c: evenly spaced arrivals, service that always takes the same time. Nobody ever waits.
//!
//! # Formula
//! The order that comes cD seconds after another (gap D) finds at least one consumer free when
//! E\[S\] ≤ cD, that is ρ ≤ 1: consumers serve in turn, each for E\[S\] out of every cD seconds.
//! Hence no wait and no loss, W = E\[S\], and L = ρc.
//!
//! # Domain
//! One producer and no other way to the stage; ρ ≤ 1 up to rounding, but below 1 where there is no
//! place to wait (at 1 an order comes in the very instant in which another leaves). Any order of
//! service: there is never more than one order to choose.
//!
//! # References
//! D. Gross, J. F. Shortle, J. M. Thompson, C. M. Harris (2008), *Fundamentals of Queueing
//! Theory*, 4th ed., section 1.7.

use super::Figures;
use super::regime::{NEAR, Regime};
use super::sheet::{Sheet, Source};
use super::traffic::rate_of;
use crate::metric::{Metric, TimeKind};
use crate::network::{Capacity, Consumers, Network, Producer, StageId, Target};
use crate::random::Arrivals;

const SOURCE: Source =
    Source::exact("Gross et al. 2008, Fundamentals of Queueing Theory, 1.7 (D/D/c)");

/// Whether a stage is a D/D/c where nobody waits.
pub(super) fn is_clockwork(network: &Network, stage: usize) -> bool {
    let Consumers::Finite(c) = network.stages[stage].consumers else {
        return false;
    };
    // Of the two conditions the one that is quicker to look at.
    let mut laws = network.stages[stage].by_class.iter();
    if !laws.any(|at| at.service.law().is_deterministic().is_some()) {
        return false;
    }
    let Some(producer) = only_source(network, stage).filter(|p| is_even(&p.arrivals)) else {
        return false;
    };
    let law = network.stages[stage].by_class[producer.class.0]
        .service
        .law();
    let Some(service) = law.is_deterministic() else {
        return false;
    };
    let load = rate_of(network, producer) * service / f64::from(c);
    let limit = match network.stages[stage].capacity {
        Capacity::Reject(0) => 1.0 - NEAR,
        _ => 1.0 + NEAR,
    };
    service > 0.0 && load <= limit
}

/// The producer of a stage that nothing else leads to.
fn only_source(network: &Network, stage: usize) -> Option<&Producer> {
    let target = Target::Stage(StageId(stage));
    let mut ways = network.stages.iter().flat_map(|s| &s.by_class);
    let mut forks = network.stages.iter().map(|s| s.extras.fork.branches());
    let copied = forks.any(|branches| branches.contains(&StageId(stage)));
    if copied || ways.any(|at| at.next.iter().any(|route| route.to == target)) {
        return None;
    }
    let mut producers = network.producers.iter().filter(|p| p.to.0 == stage);
    let only = producers.next()?;
    producers.next().is_none().then_some(only)
}

fn is_even(arrivals: &Arrivals) -> bool {
    match arrivals {
        Arrivals::Deterministic { .. } => true,
        Arrivals::Renewal { gap } => gap.is_deterministic().is_some(),
        _ => false,
    }
}

/// The figures of a stage with load ρ, c consumers and so much room to wait. At ρ = 1 rounding
/// decides whether an order comes before or after another leaves, so how many wait (for no time)
/// is left out.
pub(super) fn figures(load: f64, consumers: u32, capacity: &Capacity) -> Figures {
    let mut sheet = Sheet::new(SOURCE);
    let number = load * f64::from(consumers);
    sheet
        .put(Metric::Utilization, load, "ρ = λE[S]/c")
        .put(Metric::LossProbability, 0.0, "0: a place for everyone")
        .put(Metric::QueueLength, 0.0, "0: nobody waits")
        .put(Metric::NumberInSystem, number, "L = ρc")
        .mean(TimeKind::Waiting, 0.0, "0: nobody waits")
        .variance(TimeKind::Waiting, 0.0, "0: nobody waits")
        .quantiles(TimeKind::Waiting, |_| Some(0.0), "0: nobody waits");
    if Regime::of_load(load) == Regime::Steady {
        sheet.put(Metric::WaitProbability, 0.0, "0: nobody waits");
    }
    if matches!(capacity, Capacity::Reject(places) if *places > 0) {
        sheet.put(Metric::QueueFill, 0.0, "0: nobody waits");
    }
    sheet.finish()
}
