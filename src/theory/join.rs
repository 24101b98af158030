//! How long the copies of a forked order take until the last one has left.
//!
//! # Formula
//! Exact for two copies at M/M/1 queues that get nothing else ([`ForkJoin`]), and where at most one of
//! the copies can meet a queue: then the times are independent, P(T > t) = 1 − Π(1 − P(T_i > t)).
//! Else the copies arrive together, which makes their times associated, so that this product, and the
//! mean M = ∫P(T > t) dt that belongs to it, come out too long. Nelson and Tantawi's mean for n equal
//! M/M/1 queues, W(H_n/H₂ + 4/11 (1 − H_n/H₂)ρ)(12 − ρ)/8 with H_n = Σ 1/i, says which share w of what
//! independence adds to the time of one is left. Here, with the mean probability of waiting in place of ρ,
//! which it is for M/M/1, P(T > t) lies by that share between the slowest branch alone and independence.
//!
//! # References
//! R. Nelson, A. N. Tantawi (1988), *Approximate analysis of fork/join synchronization in parallel
//! queues*, IEEE Transactions on Computers 37, 739–743; A. Lebrecht, W. J. Knottenbelt (2007), *Response
//! time approximations in fork-join queues*, UKPEW (general service).

use super::flow::{Flow, Flows};
use super::route::{Inner, time_to_leave};
use super::stage::StageTheory;
use super::traffic::Traffic;
use super::{Curve, Figure, ForkJoin, Kind};
use crate::metric::Metric;
use crate::network::{Capacity, Consumers, Discipline, Fork, Network, Target};
use std::collections::BTreeMap;
use std::sync::Arc;

const INDEPENDENT: &str = "maximum of independent times";
const PRODUCT: &str = "P(T > t) = 1 − Π(1 − P(T_i > t))";
const CORRECTED: &str = "Nelson, Tantawi 1988, IEEE Trans. Comput. 37; Lebrecht, Knottenbelt 2007";
const MIXED: &str =
    "P(T > t) ≈ w(1 − Π(1 − P(T_i > t))) + (1 − w) max P(T_i > t), w from n equal M/M/1 queues";
/// Panels per power of two of the integral, and powers of two.
const PANELS: (usize, i32) = (8, 60);
/// Two integrals this near to each other are right.
const NEAR: f64 = 1e-9;

/// The time from the fork to the join.
#[derive(Debug, Clone)]
pub(super) struct Join {
    pub mean: Figure,
    pub law: Curve,
    /// The model that knows it in closed form.
    pub closed: Option<ForkJoin>,
}

/// By stage that forks and class.
pub(super) type Joins = BTreeMap<(usize, usize), Join>;

/// The joins of a network, the inner ones first; without those of which nothing is known.
pub(super) fn joins(
    network: &Network,
    traffic: &Traffic,
    flows: &Flows,
    stages: &[StageTheory],
) -> Joins {
    let mut forks: Vec<usize> = (0..stages.len())
        .filter(|&s| matches!(network.stages[s].extras.fork, Fork::JoinAll(_)))
        .collect();
    // What lies inside a branch has more before it.
    forks.sort_by_key(|&fork| std::cmp::Reverse(flows.before(fork).len()));
    let mut joins = Joins::new();
    for fork in forks {
        for class in 0..network.classes.len() {
            let desk = Desk {
                network,
                traffic,
                flows,
                stages,
                fork,
                class,
            };
            if traffic.served(fork, class) > 0.0
                && let Some(join) = desk.join(&joins)
            {
                joins.insert((fork, class), join);
            }
        }
    }
    joins
}

struct Desk<'a> {
    network: &'a Network,
    traffic: &'a Traffic,
    flows: &'a Flows,
    stages: &'a [StageTheory],
    fork: usize,
    class: usize,
}

impl Desk<'_> {
    fn join(&self, inner: &Joins) -> Option<Join> {
        if let Some(closed) = self.two_queues() {
            return Some(of_closed(closed));
        }
        let branches = self
            .branches()
            .iter()
            .map(|branch| self.law(branch.0, inner));
        let laws: Vec<Curve> = branches.collect::<Option<_>>()?;
        let lower = laws.clone();
        let kind = laws.iter().map(|law| law.kind).max()?;
        let product = move |t: f64| 1.0 - laws.iter().map(|law| 1.0 - law.at(t)).product::<f64>();
        let (independent, sure) = mean(&product)?;
        let queues = self
            .branches()
            .iter()
            .filter(|branch| self.queues(branch.0));
        if queues.count() <= 1 {
            let kind = if sure {
                kind
            } else {
                kind.max(Kind::Approximation)
            };
            return Some(Join::of(independent, kind, (PRODUCT, INDEPENDENT), product));
        }
        let share = self.correction();
        let mixed = move |t: f64| {
            let slowest = lower.iter().map(|law| law.at(t)).fold(0.0, f64::max);
            share * product(t) + (1.0 - share) * slowest
        };
        let (value, _) = mean(&mixed)?;
        let names = (MIXED, CORRECTED);
        Some(Join::of(value, Kind::Approximation, names, mixed))
    }

    fn branches(&self) -> &[crate::network::StageId] {
        self.network.stages[self.fork].extras.fork.branches()
    }

    /// Two M/M/1 queues, first in, first out, that get the copies and nothing else.
    fn two_queues(&self) -> Option<ForkJoin> {
        let &[first, second] = self.branches() else {
            return None;
        };
        let rate = self.traffic.served(self.fork, self.class);
        let alone = self
            .network
            .producers
            .iter()
            .all(|p| p.class.0 == self.class);
        let poisson = self.flows.arrivals[first.0] == Flow::Poisson
            && self.flows.arrivals[second.0] == Flow::Poisson;
        let rate_of = |stage: usize| {
            let at = &self.network.stages[stage];
            let only = (self.traffic.offered_to(stage) / rate - 1.0).abs() < 1e-12
                && self.traffic.entering[stage][self.class] == 0.0;
            let plain = at.extras == Default::default()
                && at.capacity == Capacity::Unbounded
                && at.consumers == Consumers::Finite(1)
                && matches!(at.discipline, Discipline::Fifo);
            let service = at.by_class[self.class].service.law().is_exponential();
            service.filter(|_| only && plain && self.leaves(stage))
        };
        let rates = [rate_of(first.0)?, rate_of(second.0)?];
        (alone && poisson).then(|| ForkJoin::new(rate, rates).ok())?
    }

    /// Whether copies leave the pipeline for good after this stage.
    fn leaves(&self, stage: usize) -> bool {
        let ways = &self.network.stages[stage].by_class[self.class].next;
        ways.iter()
            .all(|route| !matches!(route.to, Target::Stage(_)))
    }

    /// P(T > t) of a copy that begins at a branch.
    fn law(&self, branch: usize, joins: &Joins) -> Option<Curve> {
        let theory = &self.stages[branch];
        let at = &self.network.stages[branch];
        let simple = at.extras == Default::default()
            && !matches!(at.capacity, Capacity::Reject(_))
            && self.leaves(branch)
            && theory.classes.is_empty();
        match &theory.sojourn {
            Some(curve) if simple => Some(curve.clone()),
            _ => {
                let inner = Inner {
                    joins,
                    flows: self.flows,
                };
                time_to_leave(
                    self.network,
                    self.traffic,
                    self.stages,
                    inner,
                    self.class,
                    branch,
                )
            }
        }
    }

    /// Whether a copy can meet a queue on this branch.
    fn queues(&self, branch: usize) -> bool {
        let (stages, flows) = (&self.network.stages, self.flows);
        let leads = |to: usize| to == branch || flows.before(to).contains(&branch);
        let mut inside = (0..stages.len()).filter(|&s| leads(s));
        inside.any(|s| stages[s].consumers != Consumers::Unlimited)
    }

    /// The share of what independent copies would add to the time of the slowest that is left, by
    /// Nelson and Tantawi's mean.
    fn correction(&self) -> f64 {
        let branches = self.branches();
        let waits = branches.iter().map(|b| {
            let figure = self.stages[b.0].figures.get(&Metric::WaitProbability);
            let load = self.stages[b.0].offered_load.unwrap_or(0.0);
            figure.map_or(load, |figure| figure.value)
        });
        let rho = (waits.sum::<f64>() / branches.len() as f64).clamp(0.0, 1.0);
        let harmonic: f64 = (1..=branches.len()).map(|i| 1.0 / i as f64).sum();
        let ratio = harmonic / 1.5;
        let known = (ratio + 4.0 / 11.0 * (1.0 - ratio) * rho) * (12.0 - rho) / 8.0;
        (known - 1.0) / (harmonic - 1.0)
    }
}

impl Join {
    fn of(
        mean: f64,
        kind: Kind,
        (formula, reference): (&'static str, &'static str),
        ccdf: impl Fn(f64) -> f64 + Send + Sync + 'static,
    ) -> Join {
        Join {
            mean: Figure {
                value: mean,
                kind,
                formula,
                reference,
            },
            law: Curve {
                kind,
                formula,
                reference,
                ccdf: Arc::new(ccdf),
            },
            closed: None,
        }
    }
}

fn of_closed(closed: ForkJoin) -> Join {
    let law = closed.curve();
    Join {
        mean: Figure {
            value: closed.mean(),
            kind: law.kind,
            formula: law.formula,
            reference: law.reference,
        },
        law,
        closed: Some(closed),
    }
}

/// ∫P(T > t) dt, and whether it is sure to 1e-9: Gauss's rule on panels that double with t, once
/// more with half as many.
fn mean(ccdf: impl Fn(f64) -> f64) -> Option<(f64, bool)> {
    // A time at which some of the tail is gone and some is left.
    let mut scale = 1.0;
    let halvings = (0..200).find(|_| {
        scale *= 0.5;
        ccdf(scale) > 0.5
    });
    scale *= if halvings == Some(0) { 2.0 } else { 1.0 };
    (0..200).find(|_| {
        let reached = ccdf(scale) <= 0.9;
        scale *= if reached { 1.0 } else { 2.0 };
        reached
    })?;
    let integral = |panels: usize| {
        let mut total = gauss(&ccdf, 0.0, scale, 4 * panels);
        for k in 0..PANELS.1 {
            let from = scale * 2f64.powi(k);
            let part = gauss(&ccdf, from, 2.0 * from, panels);
            total += part;
            if part < 1e-14 * total {
                return Some(total);
            }
        }
        None
    };
    let (coarse, fine) = (integral(PANELS.0)?, integral(2 * PANELS.0)?);
    Some((fine, (coarse / fine - 1.0).abs() < NEAR))
}

/// Gauss's rule of five points on each of so many panels.
fn gauss(f: impl Fn(f64) -> f64, from: f64, to: f64, panels: usize) -> f64 {
    const POINTS: [(f64, f64); 5] = [
        (0.0, 0.568_888_888_888_888_9),
        (0.538_469_310_105_683_1, 0.478_628_670_499_366_5),
        (-0.538_469_310_105_683_1, 0.478_628_670_499_366_5),
        (0.906_179_845_938_664, 0.236_926_885_056_189_1),
        (-0.906_179_845_938_664, 0.236_926_885_056_189_1),
    ];
    let half = 0.5 * (to - from) / panels as f64;
    let mut total = 0.0;
    for panel in 0..panels {
        let middle = from + half * (2 * panel + 1) as f64;
        total += POINTS
            .iter()
            .map(|(x, w)| w * f(middle + half * x))
            .sum::<f64>();
    }
    total * half
}
