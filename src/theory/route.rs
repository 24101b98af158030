//! The latency's distribution, by adding up waits and services along the routes.
//!
//! Sojourn times at different visits are taken as independent, which they are not in general; a
//! wait of which only mean and probability are known is taken as exponential when it is not 0.
//!
//! # Formula
//! With T_i the transform of the sojourn at stage i and f_i the share served there, the transform
//! of the time to completion from i is φ_i = f_i T_i (Σ_j p_ij φ_j + p_i,completed): that of the
//! latency is Σ γ_i φ_i over its value at 0. Orders that are cancelled or rejected drop out. At a stage
//! that forks T_i is followed by the time until the join.

use super::flow::Flows;
use super::join::Joins;
use super::lattice::{Lattice, Masses, Wave};
use super::numeric::quantile;
use super::pipeline::class_figures;
use super::stage::StageTheory;
use super::traffic::Traffic;
use super::{Curve, Figures, Kind};
use crate::metric::{Metric, TimeKind};
use crate::network::{Capacity, Discipline, Fork, Network, Target};
use crate::random::Distribution;
use std::sync::Arc;

/// Points of the lattice.
const POINTS: usize = 4096;
/// The tail that may be left beyond the lattice, for each time.
const BEYOND: f64 = 1e-6;
/// Visits rarer than this still get room for a part of their tail.
const RARE: f64 = 0.3;
/// A lattice coarser than this share of the mean latency is refused.
const COARSE: f64 = 0.05;
/// Change at which the fixed point counts as found; the lattice itself is coarser.
const SETTLED: f64 = 1e-9;
/// Rounds of the fixed point before it counts as lost.
const ROUNDS: usize = 2000;

/// What is known of the joins, and which stages lie before which.
#[derive(Clone, Copy)]
pub(super) struct Inner<'a> {
    pub joins: &'a Joins,
    pub flows: &'a Flows,
}

/// The law of the latency; `None` where a stage's wait is unknown, a tail is too heavy for the
/// lattice, or orders come back too often for the fixed point.
pub(super) fn latency_law(
    network: &Network,
    traffic: &Traffic,
    stages: &[StageTheory],
    joins: &Joins,
    mean: f64,
) -> Option<Masses> {
    let visits: Vec<Visit> = visits(network, stages, joins, &|stage, class| {
        traffic.originals[stage][class] * traffic.completing[stage][class] > 0.0
    })?;
    let lattice = Lattice::new(span(&visits, traffic)?, POINTS);
    if lattice.step() > COARSE * mean {
        return None;
    }
    let mut total = vec![Wave::new(0.0, 0.0); lattice.waves()];
    for class in 0..network.classes.len() {
        let entering = |stage: usize| traffic.entering[stage][class];
        add_class(
            &mut total, network, traffic, &lattice, &visits, class, &entering,
        )?;
    }
    law(&lattice, total)
}

/// P(T > t) of an order or copy of a class from when it comes to a stage until it has left the
/// pipeline completed; `None` where it may leave otherwise, or as for the latency.
pub(super) fn time_to_leave(
    network: &Network,
    traffic: &Traffic,
    stages: &[StageTheory],
    inner: Inner<'_>,
    class: usize,
    from: usize,
) -> Option<Curve> {
    if (traffic.completing[from][class] - 1.0).abs() > 1e-9 {
        return None;
    }
    let leads = |to: usize| to == from || inner.flows.before(to).contains(&from);
    let visits = visits(network, stages, inner.joins, &|stage, k| {
        k == class && leads(stage) && traffic.offered[stage][k] > 0.0
    })?;
    let lattice = Lattice::new(span(&visits, traffic)?, POINTS);
    let mut total = vec![Wave::new(0.0, 0.0); lattice.waves()];
    let entering = |stage: usize| if stage == from { 1.0 } else { 0.0 };
    add_class(
        &mut total, network, traffic, &lattice, &visits, class, &entering,
    )?;
    let masses = law(&lattice, total)?;
    Some(Curve {
        kind: Kind::Approximation,
        formula: "waits and services added up along the routes",
        reference: "convolution of the stages' sojourn times taken as independent",
        ccdf: Arc::new(move |t| masses.ccdf(t)),
    })
}

/// The law whose transform this is but for a factor.
fn law(lattice: &Lattice, mut waves: Vec<Wave>) -> Option<Masses> {
    let scale = waves[0].re;
    waves.iter_mut().for_each(|wave| *wave /= scale);
    (scale > 0.0).then(|| lattice.invert(&waves))
}

/// A class at a stage: what a visit takes.
struct Visit<'a> {
    stage: usize,
    class: usize,
    /// Wait and service together, where their law is known.
    sojourn: Option<Curve>,
    /// `None` where nobody waits.
    wait: Option<Curve>,
    service: &'a Distribution,
    /// The time from the fork to the join.
    join: Option<Curve>,
    /// Mean sojourn.
    mean: f64,
}

fn visits<'a>(
    network: &'a Network,
    stages: &[StageTheory],
    joins: &Joins,
    wanted: &dyn Fn(usize, usize) -> bool,
) -> Option<Vec<Visit<'a>>> {
    let mut visits = Vec::new();
    for (stage, theory) in stages.iter().enumerate() {
        let order = network.stages[stage].discipline;
        let mixed = matches!(order, Discipline::Lifo | Discipline::Random);
        for class in 0..network.classes.len() {
            if !wanted(stage, class) {
                continue;
            }
            let forks = matches!(network.stages[stage].extras.fork, Fork::JoinAll(_));
            let join = joins.get(&(stage, class));
            // With patience or breakdowns a visit is more than a wait and a service.
            let plain = network.stages[stage].extras.is_plain();
            if (forks && join.is_none()) || !plain {
                return None;
            }
            let figures = class_figures(theory, class);
            let waiting = figures.get(&Metric::mean(TimeKind::Waiting))?.value;
            if theory.sojourn.is_none() && !adds_up(figures) {
                return None;
            }
            // Some try again later than any tail would tell.
            if theory.waiting.is_none()
                && matches!(network.stages[stage].capacity, Capacity::Retry(..))
            {
                return None;
            }
            let wait = match (&theory.waiting, waiting > 0.0) {
                (_, false) => None,
                (Some(curve), true) => Some(curve.clone()),
                // Late comers first, or anyone, gives longer tails than that.
                (None, true) if mixed => return None,
                (None, true) => Some(Curve::exponential_tail(figures)?),
            };
            let service = network.stages[stage].by_class[class].service.law();
            let mean = waiting + service.mean() + join.map_or(0.0, |join| join.mean.value);
            visits.push(Visit {
                stage,
                class,
                wait,
                service,
                sojourn: theory.sojourn.clone().filter(|_| theory.classes.is_empty()),
                join: join.map(|join| join.law.clone()),
                mean,
            });
        }
    }
    Some(visits)
}

/// Whether a visit is a wait and then a service without interruption.
fn adds_up(figures: &Figures) -> bool {
    let mean = |time| figures.get(&Metric::mean(time)).map(|figure| figure.value);
    let times = (
        mean(TimeKind::Waiting),
        mean(TimeKind::Service),
        mean(TimeKind::Sojourn),
    );
    match times {
        (Some(waiting), Some(service), Some(sojourn)) => {
            (waiting + service - sojourn).abs() <= 1e-6 * sojourn
        }
        _ => true,
    }
}

/// Long enough for the tail of every time, and for as many visits as there may be.
fn span(visits: &[Visit], traffic: &Traffic) -> Option<f64> {
    let mut span = 0.0;
    for visit in visits {
        let enough = 1.0 - BEYOND;
        let far = |curve: &Option<Curve>| match curve {
            Some(curve) => quantile(|t| curve.at(t), enough, visit.mean),
            None => Some(0.0),
        };
        let wait = far(&visit.wait)? + far(&visit.join)?;
        let entering: f64 = traffic.entering.iter().map(|at| at[visit.class]).sum();
        let often = match traffic.originals[visit.stage][visit.class] {
            // On a branch.
            0.0 => 1.0,
            rate => rate / entering,
        };
        span += (wait + visit.service.quantile(enough)) * often.max(RARE);
    }
    (span.is_finite() && span > 0.0).then_some(span)
}

/// Adds the transform of the time that orders of one class take from where they enter, weighted by how
/// many do.
fn add_class(
    total: &mut [Wave],
    network: &Network,
    traffic: &Traffic,
    lattice: &Lattice,
    visits: &[Visit],
    class: usize,
    entering: &dyn Fn(usize) -> f64,
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
            *sum += ahead[node] * entering(visit.stage);
        }
    }
    Some(())
}

fn sojourn(lattice: &Lattice, visit: &Visit) -> Vec<Wave> {
    let (mut waves, wait) = match &visit.sojourn {
        Some(whole) => (lattice.transform(|t| whole.at(t)), &None),
        None => (lattice.transform(|t| visit.service.ccdf(t)), &visit.wait),
    };
    for curve in [wait, &visit.join].into_iter().flatten() {
        let more = lattice.transform(|t| curve.at(t));
        waves.iter_mut().zip(more).for_each(|(a, b)| *a *= b);
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
            moved = moved.max((value - ahead[node]).norm_sqr());
            ahead[node] = value;
        }
        if moved < SETTLED * SETTLED {
            return Some(());
        }
    }
    None
}
