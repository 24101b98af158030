//! Who goes through a network with populations, and how often to which stage.
//!
//! # Formula
//! v = e + Pᵀv: the visits that an order pays to every stage when nothing is rejected, e being where it
//! enters. h = d + Ph: the probability of completing from a stage on, d being that of completing after it.

use crate::network::{Network, Population, Producer, Target};
use crate::theory::Reason;
use nalgebra::{DMatrix, DVector};

/// Orders of one population or of one producer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Flow {
    /// Its name in the scenario.
    pub name: String,
    pub class: usize,
    /// Where its orders enter.
    pub to: usize,
    pub from: Origin,
    /// Bytes of each message.
    pub size: f64,
    /// By stage, for an order that is nowhere rejected.
    pub visits: Vec<f64>,
    /// By stage: the probability of completing from there.
    pub completing: Vec<f64>,
}

/// Where orders come from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Origin {
    /// Customers with a mean think time.
    Closed { customers: u64, think_mean: f64 },
    /// A producer of so many per second.
    Open { rate: f64 },
}

/// All flows: populations first.
pub(super) fn flows(network: &Network) -> Result<Vec<Flow>, Reason> {
    let populations = network
        .populations
        .iter()
        .map(|p| of_population(network, p));
    let producers = network.producers.iter().map(|p| of_producer(network, p));
    populations.chain(producers).collect()
}

fn of_population(network: &Network, population: &Population) -> Result<Flow, Reason> {
    let (visits, completing) = passing(network, population.class.0, population.to.0)?;
    Ok(Flow {
        name: population.name.clone(),
        class: population.class.0,
        to: population.to.0,
        from: Origin::Closed {
            customers: population.customers,
            think_mean: population.think.mean(),
        },
        size: population.message_size,
        visits,
        completing,
    })
}

fn of_producer(network: &Network, producer: &Producer) -> Result<Flow, Reason> {
    let name = producer.name.clone();
    if !producer.arrivals.is_stationary() {
        return Err(Reason::VaryingArrivals { producer: name });
    }
    let (visits, completing) = passing(network, producer.class.0, producer.to.0)?;
    Ok(Flow {
        name,
        class: producer.class.0,
        to: producer.to.0,
        from: Origin::Open {
            rate: producer.arrivals.mean_rate(),
        },
        size: producer.message_size,
        visits,
        completing,
    })
}

/// Visits and chances to complete of orders of a class that enter at a stage.
fn passing(network: &Network, class: usize, enter: usize) -> Result<(Vec<f64>, Vec<f64>), Reason> {
    let reached = reached(network, class, enter);
    let n = reached.len();
    let mut stays = DMatrix::<f64>::identity(n, n);
    let mut done = DVector::<f64>::zeros(n);
    let mut start = DVector::<f64>::zeros(n);
    start[0] = 1.0;
    for (row, &stage) in reached.iter().enumerate() {
        for route in &network.stages[stage].by_class[class].next {
            match route.to {
                Target::Stage(to) => {
                    let column = reached.iter().position(|&s| s == to.0);
                    stays[(row, column.ok_or(Reason::NoFlows)?)] -= route.probability;
                }
                Target::Completed => done[row] += route.probability,
                Target::Cancelled => {}
            }
        }
    }
    let solved = |matrix: DMatrix<f64>, known: &DVector<f64>| {
        let solution = matrix.lu().solve(known).ok_or(Reason::NoFlows)?;
        let sound = |x: &f64| x.is_finite() && *x > -1e-9;
        if solution.iter().all(sound) {
            Ok(solution)
        } else {
            Err(Reason::NoFlows)
        }
    };
    let often = solved(stays.transpose(), &start)?;
    let chances = solved(stays, &done)?;
    let mut visits = vec![0.0; network.stages.len()];
    let mut completing = visits.clone();
    for (row, &stage) in reached.iter().enumerate() {
        visits[stage] = often[row].max(0.0);
        completing[stage] = chances[row].clamp(0.0, 1.0);
    }
    Ok((visits, completing))
}

/// The stages that orders of a class come to from a stage, that stage first.
fn reached(network: &Network, class: usize, enter: usize) -> Vec<usize> {
    let mut found = vec![enter];
    let mut next = 0;
    while let Some(&stage) = found.get(next) {
        for route in &network.stages[stage].by_class[class].next {
            if let Target::Stage(to) = route.to
                && !found.contains(&to.0)
            {
                found.push(to.0);
            }
        }
        next += 1;
    }
    found
}
