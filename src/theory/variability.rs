//! How variable the arrivals at every stage are: a linear system for their squared coefficients of
//! variation.
//!
//! # Formula
//! Departures: cd² = 1 + (1 − ρ²)(ca² − 1) + ρ²/√c (max(cs², 0.2) − 1). Splitting: pcd² + 1 − p.
//! Superposition: ca² = 1 − w + w Σ (λ_i/λ)c_i², w = 1/(1 + 4(1 − ρ)²(v − 1)), v = 1/Σ (λ_i/λ)².
//! Orders that come straight back, with probability p, count as one longer service: E\[S\]/(1 − p) with
//! p + (1 − p)cs², of orders that come at λ(1 − p).
//!
//! # Numerics
//! One linear system of the size of the network. Variances that do not exist count as those of
//! Poisson flows here; the stages behind them are refused by [`super::flow`].
//!
//! # References
//! W. Whitt (1983), *The queueing network analyzer*, Bell System Technical Journal 62, 2779–2815.

use super::law::StageLaw;
use super::regime::load;
use super::traffic::{Traffic, rate_of};
use crate::network::{Consumers, Network, StageId, Target};
use nalgebra::{DMatrix, DVector};

/// Service counts as at least this variable in what it sends on (Whitt 1983, equation 39).
const STEADIEST: f64 = 0.2;

/// ca² at every stage; `None` where the system has no solution.
pub(super) fn variability(network: &Network, traffic: &Traffic) -> Option<Vec<f64>> {
    let count = network.stages.len();
    let mut matrix = DMatrix::<f64>::identity(count, count);
    let mut known = DVector::<f64>::zeros(count);
    for to in 0..count {
        let streams = streams(network, traffic, to);
        let total: f64 = streams.iter().map(|s| s.rate).sum();
        if total <= 0.0 {
            known[to] = 1.0;
            continue;
        }
        let crowd: f64 = streams.iter().map(|s| (s.rate / total).powi(2)).sum();
        let rho = load(network, traffic, to).unwrap_or(0.0).min(1.0);
        let weight = 1.0 / (1.0 + 4.0 * (1.0 - rho).powi(2) * (1.0 / crowd - 1.0));
        known[to] = 1.0 - weight;
        for stream in streams {
            let share = weight * stream.rate / total;
            known[to] += share * stream.constant;
            if let Some((from, slope)) = stream.depends {
                matrix[(to, from)] -= share * slope;
            }
        }
    }
    let solution = matrix.lu().solve(&known)?;
    Some(solution.iter().map(|scv| scv.max(0.0)).collect())
}

/// A flow into a stage, whose variability is `constant` + slope × that of arrivals elsewhere.
struct Stream {
    rate: f64,
    constant: f64,
    depends: Option<(usize, f64)>,
}

fn streams(network: &Network, traffic: &Traffic, to: usize) -> Vec<Stream> {
    let producers = network.producers.iter().filter(|p| p.to.0 == to);
    let direct = producers.map(|producer| Stream {
        rate: rate_of(network, producer),
        // Where this is no number the stages behind are refused before it is used.
        constant: producer
            .arrivals
            .scv()
            .filter(|scv| scv.is_finite())
            .unwrap_or(1.0),
        depends: None,
    });
    let others = (0..network.stages.len()).filter(|&from| from != to);
    let passed = others.filter_map(|from| stream(network, traffic, from, to));
    direct.chain(passed).filter(|s| s.rate > 0.0).collect()
}

fn stream(network: &Network, traffic: &Traffic, from: usize, to: usize) -> Option<Stream> {
    let stage = &network.stages[from];
    let (mut rate, mut leaving) = (0.0, 0.0);
    for (class, at) in stage.by_class.iter().enumerate() {
        let served = traffic.served(from, class);
        leaving += served;
        let ways = at
            .next
            .iter()
            .filter(|r| r.to == Target::Stage(StageId(to)));
        rate += served * ways.map(|r| r.probability).sum::<f64>();
    }
    if rate <= 0.0 {
        return None;
    }
    let share = rate / (leaving * (1.0 - straight_back(network, traffic, from)));
    let (constant, slope) = departures(network, traffic, from);
    Some(Stream {
        rate,
        constant: share * constant + 1.0 - share,
        depends: Some((from, share * slope)),
    })
}

/// The share of the orders served at a stage that come straight back to it.
pub(super) fn straight_back(network: &Network, traffic: &Traffic, stage: usize) -> f64 {
    let (mut back, mut all) = (0.0, 0.0);
    for (class, at) in network.stages[stage].by_class.iter().enumerate() {
        let served = traffic.served(stage, class);
        let itself = Target::Stage(StageId(stage));
        let ways = at.next.iter().filter(|route| route.to == itself);
        back += served * ways.map(|route| route.probability).sum::<f64>();
        all += served;
    }
    if all > 0.0 { back / all } else { 0.0 }
}

/// cd² = 1 + (1 − ρ²)(ca² − 1) + ρ²/√c (max(cs², 0.2) − 1), as constant and slope of ca².
fn departures(network: &Network, traffic: &Traffic, stage: usize) -> (f64, f64) {
    let law = StageLaw::new(network, stage, &traffic.offered[stage]);
    let rho = load(network, traffic, stage).unwrap_or(0.0).min(1.0);
    let servers = match network.stages[stage].consumers {
        Consumers::Finite(c) => f64::from(c),
        Consumers::Unlimited => f64::INFINITY,
    };
    let slope = 1.0 - rho * rho;
    let back = straight_back(network, traffic, stage);
    let scv = back + (1.0 - back) * law.scv();
    let service = rho * rho / servers.sqrt() * (scv.max(STEADIEST) - 1.0);
    (
        1.0 - slope + if service.is_nan() { 0.0 } else { service },
        slope,
    )
}
