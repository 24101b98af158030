//! The latency's distribution, by adding up waits and services along the routes.
//!
//! Sojourn times at different visits are taken as independent, which they are not in general; a
//! wait of which only mean and probability are known is taken as exponential when it is not 0.
//!
//! # Formula
//! With T_i the transform of the sojourn at stage i and f_i the share served there, the transform
//! of the time to completion from i is φ_i = f_i T_i (Σ_j p_ij φ_j + p_i,completed): that of the
//! latency is Σ γ_i φ_i over its value at 0. Orders that are cancelled or rejected drop out.

use super::Curve;
use super::lattice::{Lattice, Masses, Wave};
use super::numeric::quantile;
use super::pipeline::class_figures;
use super::stage::StageTheory;
use super::traffic::Traffic;
use crate::metric::{Metric, TimeKind};
use crate::network::{Discipline, Network, Target};
use crate::random::Distribution;

/// Points of the lattice.
const POINTS: usize = 4096;
/// The tail that may be left beyond the lattice, for each time.
const BEYOND: f64 = 1e-6;
/// Visits rarer than this still get room for a part of their tail.
const RARE: f64 = 0.3;
/// A lattice coarser than this share of the mean latency is refused.
const COARSE: f64 = 0.05;
/// Rounds of the fixed point before it counts as lost.
const ROUNDS: usize = 2000;

/// The law of the latency; `None` where a stage's wait is unknown, a tail is too heavy for the
/// lattice, or orders come back too often for the fixed point.
pub(super) fn latency_law(
    network: &Network,
    traffic: &Traffic,
    stages: &[StageTheory],
    mean: f64,
) -> Option<Masses> {
    let visits: Vec<Visit> = visits(network, traffic, stages)?;
    let span = span(&visits, traffic)?;
    let lattice = Lattice::new(span, POINTS);
    if lattice.step() > COARSE * mean {
        return None;
    }
    let mut total = vec![Wave::new(0.0, 0.0); lattice.waves()];
    for class in 0..network.classes.len() {
        add_class(&mut total, network, traffic, &lattice, &visits, class)?;
    }
    let scale = total[0];
    (scale.re > 0.0).then(|| {
        let waves: Vec<Wave> = total.iter().map(|wave| wave / scale.re).collect();
        lattice.invert(&waves)
    })
}

/// A class at a stage: what a visit takes.
struct Visit<'a> {
    stage: usize,
    class: usize,
    /// `None` where nobody waits.
    wait: Option<Curve>,
    service: &'a Distribution,
    /// Mean sojourn.
    mean: f64,
}

fn visits<'a>(
    network: &'a Network,
    traffic: &Traffic,
    stages: &[StageTheory],
) -> Option<Vec<Visit<'a>>> {
    let mut visits = Vec::new();
    for (stage, theory) in stages.iter().enumerate() {
        let order = network.stages[stage].discipline;
        let mixed = matches!(order, Discipline::Lifo | Discipline::Random);
        for class in 0..network.classes.len() {
            if traffic.offered[stage][class] * traffic.completing[stage][class] <= 0.0 {
                continue;
            }
            let figures = class_figures(theory, class);
            let waiting = figures.get(&Metric::mean(TimeKind::Waiting))?.value;
            let wait = match (&theory.waiting, waiting > 0.0) {
                (_, false) => None,
                (Some(curve), true) => Some(curve.clone()),
                // Late comers first, or anyone, gives longer tails than that.
                (None, true) if mixed => return None,
                (None, true) => Some(Curve::exponential_tail(figures)?),
            };
            let service = network.stages[stage].by_class[class].service.law();
            let mean = waiting + service.mean();
            visits.push(Visit {
                stage,
                class,
                wait,
                service,
                mean,
            });
        }
    }
    Some(visits)
}

/// Long enough for the tail of every time, and for as many visits as there may be.
fn span(visits: &[Visit], traffic: &Traffic) -> Option<f64> {
    let mut span = 0.0;
    for visit in visits {
        let enough = 1.0 - BEYOND;
        let wait = match &visit.wait {
            Some(curve) => quantile(|t| curve.at(t), enough, visit.mean)?,
            None => 0.0,
        };
        let entering: f64 = traffic.entering.iter().map(|at| at[visit.class]).sum();
        let often = traffic.offered[visit.stage][visit.class] / entering;
        span += (wait + visit.service.quantile(enough)) * often.max(RARE);
    }
    (span.is_finite() && span > 0.0).then_some(span)
}

/// Adds the transform of the latency of one class, weighted by the orders that enter.
fn add_class(
    total: &mut [Wave],
    network: &Network,
    traffic: &Traffic,
    lattice: &Lattice,
    visits: &[Visit],
    class: usize,
) -> Option<()> {
    let nodes: Vec<&Visit> = visits.iter().filter(|visit| visit.class == class).collect();
    let times: Vec<Vec<Wave>> = nodes.iter().map(|visit| sojourn(lattice, visit)).collect();
    let ways: Vec<Way> = nodes
        .iter()
        .map(|visit| Way::new(network, traffic, &nodes, visit))
        .collect();
    let mut ahead = vec![Wave::new(0.0, 0.0); nodes.len()];
    for (k, sum) in total.iter_mut().enumerate() {
        let taken: Vec<Wave> = times.iter().map(|time| time[k]).collect();
        fixed_point(&mut ahead, &taken, &ways)?;
        for (node, visit) in nodes.iter().enumerate() {
            *sum += ahead[node] * traffic.entering[visit.stage][class];
        }
    }
    Some(())
}

fn sojourn(lattice: &Lattice, visit: &Visit) -> Vec<Wave> {
    let mut waves = lattice.transform(|t| visit.service.ccdf(t));
    if let Some(wait) = &visit.wait {
        let wait = lattice.transform(|t| wait.at(t));
        waves.iter_mut().zip(wait).for_each(|(a, b)| *a *= b);
    }
    waves
}

/// Where a class goes from a stage.
struct Way {
    /// The share served.
    through: f64,
    /// P(completed).
    done: f64,
    /// The next nodes with their probabilities.
    next: Vec<(usize, f64)>,
}

impl Way {
    fn new(network: &Network, traffic: &Traffic, nodes: &[&Visit], from: &Visit) -> Way {
        let mut way = Way {
            through: traffic.through[from.stage][from.class],
            done: 0.0,
            next: Vec::new(),
        };
        for route in &network.stages[from.stage].by_class[from.class].next {
            match route.to {
                Target::Completed => way.done += route.probability,
                Target::Cancelled => {}
                Target::Stage(to) => {
                    let node = nodes.iter().position(|visit| visit.stage == to.0);
                    way.next.extend(node.map(|node| (node, route.probability)));
                }
            }
        }
        way
    }
}

/// Solves φ = f T (P φ + p) by Gauss and Seidel, from the solution before and from the last node
/// backwards: one round and one to see that it holds where stages stand in the order of the routes.
fn fixed_point(ahead: &mut [Wave], taken: &[Wave], ways: &[Way]) -> Option<()> {
    for _ in 0..ROUNDS {
        let mut moved: f64 = 0.0;
        for node in (0..ways.len()).rev() {
            let way = &ways[node];
            let next: Wave = way.next.iter().map(|&(to, p)| ahead[to] * p).sum();
            let value = taken[node] * (next + way.done) * way.through;
            moved = moved.max((value - ahead[node]).norm());
            ahead[node] = value;
        }
        if moved < 1e-12 {
            return Some(());
        }
    }
    None
}
