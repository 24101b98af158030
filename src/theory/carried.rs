//! The share of the orders offered to a stage that it serves, where some are rejected or give up.
//!
//! # Formula
//! 1 − loss − P(gave up) of M/M/c/K, of Erlang A, or of M/M/c+G where patience has another law and the queue
//! no bound; with the mean of the service and of patience in place of other laws.

use super::{ErlangA, MmcG, Mmck};
use crate::network::{Capacity, Patience, Stage};

/// The share served of orders coming at this rate; `None` where every order is served, or there is no
/// formula.
pub(super) fn carried(stage: &Stage, consumers: u32, rate: f64, service_rate: f64) -> Option<f64> {
    if rate <= 0.0 {
        return None;
    }
    let places = match stage.capacity {
        Capacity::Reject(places) => Some(places),
        Capacity::Unbounded | Capacity::Block(_) | Capacity::Retry(..) => None,
    };
    let Patience::Limited(patience) = &stage.extras.patience else {
        let model = Mmck::new(rate, service_rate, consumers, places?).ok()?;
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
