//! The share of the orders offered to a stage that it serves, where some are rejected or give up.
//!
//! # Formula
//! 1 − loss − P(gave up) of M/M/c/K or in its place G/G/c/K, of M/M/c with balking, of Erlang A, or of M/M/c+G where patience has
//! another law and the queue no bound; with the mean of the service and of patience in place of other laws.

use super::{ErlangA, GGcK, MmcBalking, MmcG, Mmck};
use crate::network::{Balking, Capacity, Discipline, Network, Patience, Target};

/// The service at a stage, of all classes together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Work {
    /// Orders offered per second.
    pub rate: f64,
    /// E\[S\].
    pub mean: f64,
    /// cs²; infinite where there is no variance.
    pub scv: f64,
}

/// The share served of what is offered to a stage; `None` where every order is served, or there is no
/// formula.
pub(super) fn carried(network: &Network, id: usize, consumers: u32, work: Work) -> Option<f64> {
    let stage = &network.stages[id];
    let (rate, service_rate) = (work.rate, 1.0 / work.mean);
    if rate <= 0.0 {
        return None;
    }
    let places = match stage.capacity {
        Capacity::Reject(places) => Some(places),
        Capacity::Unbounded
        | Capacity::Block(_)
        | Capacity::Retry(..)
        | Capacity::DropOldest(_)
        | Capacity::DeadLetter(_) => None,
    };
    if let Balking::Steps(steps) = &stage.extras.balking {
        let model = MmcBalking::new(rate, service_rate, consumers, steps, places);
        let most = f64::from(consumers) * service_rate / rate;
        return Some(model.map_or(most, |model| model.throughput() / rate));
    }
    let Patience::Limited(patience) = &stage.extras.patience else {
        let plain = Mmck::new(rate, service_rate, consumers, places?).ok()?;
        let gaps = gaps_scv(network, id);
        // Where nobody waits, or all share, only the mean matters.
        let insensitive = places == Some(0) || stage.discipline == Discipline::ProcessorSharing;
        let markov = (work.scv - 1.0).abs() < 1e-12 && gaps == 1.0;
        if insensitive || markov || !work.scv.is_finite() {
            return Some(1.0 - plain.loss_probability());
        }
        let model = GGcK::new(rate, gaps, work.mean, work.scv, consumers, places?).ok()?;
        return Some(1.0 - model.loss_probability());
    };
    let exponential = patience.is_exponential();
    let theta = exponential.or_else(|| places.map(|_| 1.0 / patience.mean()));
    let chain = theta.and_then(|theta| {
        let model = ErlangA::new(rate, service_rate, theta, consumers, places).ok()?;
        Some(model.throughput() / rate)
    });
    chain.or_else(|| {
        let model = MmcG::new(rate, service_rate, consumers, patience).ok()?;
        Some(model.throughput() / rate)
    })
}

/// ca² of a single producer whose orders alone come to a stage; 1, as if Poisson, of everything else.
pub(super) fn gaps_scv(network: &Network, id: usize) -> f64 {
    let mut producers = network.producers.iter().filter(|p| p.to.0 == id);
    let stages = network.stages.iter();
    let led_to = stages.flat_map(|stage| {
        let ways = stage.by_class.iter().flat_map(|at| &at.next);
        let branches = stage.extras.fork.branches().iter();
        ways.map(|way| way.to)
            .chain(branches.map(|to| Target::Stage(*to)))
    });
    let inner = led_to
        .into_iter()
        .any(|to| matches!(to, Target::Stage(to) if to.0 == id));
    match (producers.next(), producers.next()) {
        (Some(only), None) if !inner => {
            let scv = only.arrivals.scv().filter(|scv| scv.is_finite());
            scv.unwrap_or(1.0)
        }
        _ => 1.0,
    }
}
