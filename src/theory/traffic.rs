//! The traffic equations: how many orders come to every stage, and how many get through.
//!
//! # Formula
//! a = γ + Pᵀ(f·a) for each class: orders offered per second are those that enter plus those that
//! other stages let through, f being the share served. f is 1 at a stable stage; what comes through
//! an overloaded one is what its consumers can do, shared among the classes as they come (by level
//! under priorities), or what a line can do whose stages block each other; where orders are rejected or
//! give up, those of M/M/c/K or of Erlang A are lost.
//!
//! A stage that forks sends a copy of each order it serves to every branch; copies are offered, served
//! and lost like orders, but end nowhere as completed.
//!
//! # Numerics
//! Without losses one linear system a class. Else the equations are first iterated from an empty
//! network, which rises to the solution (what is served grows with what is offered, never by more),
//! helped along by Aitken's extrapolation at first, and then solved once more with the shares found.
//!
//! # References
//! J. R. Jackson (1957), *Networks of waiting lines*, Operations Research 5; J. B. Goodman, W. A.
//! Massey (1984), *The non-ergodic Jackson network*, Journal of Applied Probability 21.

use super::carried::{Work, carried};
use super::clockwork::is_clockwork;
use super::entries::{Entry, entries, losses};
use super::law::StageLaw;
use super::lines::{Blocking, blocking};
use super::numeric::sum;
use super::regime::servers;
use crate::network::{
    Balking, Capacity, Consumers, Discipline, Network, Patience, Producer, Stage, Target,
};
use nalgebra::{DMatrix, DVector, Dyn, LU};

/// Iterations of the fixed point before it counts as lost.
const LIMIT: usize = 200_000;
/// Iterations that are helped along by extrapolation.
const HELPED: usize = 300;
/// Relative change at which the fixed point counts as found.
const SETTLED: f64 = 1e-14;

/// A number for every stage and class.
pub(super) type Table = Vec<Vec<f64>>;

/// Orders and bytes per second through the network.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Traffic {
    /// Orders entering from producers.
    pub entering: Table,
    /// Orders and copies of orders offered, those rejected or left behind included.
    pub offered: Table,
    /// Those of them that are no copies.
    pub originals: Table,
    /// The share of the offered orders that is served.
    pub through: Table,
    /// Bytes offered per second.
    pub bytes: Table,
    /// Those of them that are no copies.
    pub original_bytes: Table,
    /// The probability that an order arriving at the stage ends as completed.
    pub completing: Table,
    /// Bounded queues whose loss does not depend on other stages.
    pub entries: Vec<Entry>,
    /// The share that a bounded queue loses where orders enter, where it is known exactly.
    pub entry_losses: Vec<Option<f64>>,
    /// Which stages block each other.
    pub blocking: Vec<Blocking>,
}

/// The traffic equations have no finite solution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the traffic equations have no finite solution")]
pub(super) struct NoSolution;

impl Traffic {
    /// Solves the traffic equations of a network.
    pub fn solve(network: &Network) -> Result<Traffic, NoSolution> {
        let (stages, classes) = (network.stages.len(), network.classes.len());
        let entering = entering(network, |_| 1.0);
        let entering_bytes = self::entering(network, |size| size);
        let entries = entries(network);
        let mut traffic = Traffic {
            entering: entering.clone(),
            offered: zeros(stages, classes),
            originals: zeros(stages, classes),
            through: vec![vec![1.0; classes]; stages],
            bytes: zeros(stages, classes),
            original_bytes: zeros(stages, classes),
            completing: zeros(stages, classes),
            blocking: blocking(network),
            entry_losses: losses(network, &entries),
            entries,
        };
        traffic.spread(network, &entering_bytes)?;
        let free = shares(network, &traffic, &traffic.offered);
        if free.iter().flatten().any(|&f| f < 1.0) {
            traffic.through = settle(network, &traffic)?;
            traffic.spread(network, &entering_bytes)?;
        }
        Ok(traffic)
    }

    /// Fills the flows that belong to the present shares.
    fn spread(&mut self, network: &Network, entering_bytes: &Table) -> Result<(), NoSolution> {
        for class in 0..network.classes.len() {
            self.spread_class(network, entering_bytes, class)?;
        }
        Ok(())
    }

    fn spread_class(
        &mut self,
        network: &Network,
        entering_bytes: &Table,
        class: usize,
    ) -> Result<(), NoSolution> {
        let reached = reached(network, &self.entering, class);
        let n = reached.len();
        if n == 0 {
            return Ok(());
        }
        let mut place = vec![0; network.stages.len()];
        reached
            .iter()
            .enumerate()
            .for_each(|(row, &stage)| place[stage] = row);
        let mut passing = DMatrix::<f64>::identity(n, n);
        let mut copying = None;
        let mut done = DVector::<f64>::zeros(n);
        for (row, &stage) in reached.iter().enumerate() {
            let through = self.through[stage][class];
            for route in &network.stages[stage].by_class[class].next {
                match route.to {
                    Target::Stage(to) => {
                        passing[(row, place[to.0])] -= through * route.probability;
                    }
                    Target::Completed => done[row] += through * route.probability,
                    Target::Cancelled => {}
                }
            }
        }
        for (row, &stage) in reached.iter().enumerate() {
            for to in network.stages[stage].extras.fork.branches() {
                let with_copies: &mut DMatrix<f64> = copying.get_or_insert_with(|| passing.clone());
                with_copies[(row, place[to.0])] -= self.through[stage][class];
            }
        }
        let flow = |solver: &LU<f64, Dyn, Dyn>, source: &Table| {
            let known = DVector::from_iterator(n, reached.iter().map(|&s| source[s][class]));
            solved(solver.solve(&known))
        };
        let forward = passing.transpose().lu();
        let originals = flow(&forward, &self.entering)?;
        let original_bytes = flow(&forward, entering_bytes)?;
        let all = copying.map(|matrix| matrix.transpose().lu());
        let all = all.as_ref().unwrap_or(&forward);
        let (orders, bytes) = (flow(all, &self.entering)?, flow(all, entering_bytes)?);
        let completing = solved(passing.lu().solve(&done))?;
        for (row, &stage) in reached.iter().enumerate() {
            self.offered[stage][class] = orders[row];
            self.originals[stage][class] = originals[row];
            self.bytes[stage][class] = bytes[row];
            self.original_bytes[stage][class] = original_bytes[row];
            self.completing[stage][class] = completing[row].min(1.0);
        }
        Ok(())
    }

    /// What a line of stages that block each other serves: at its first stage what it can take.
    fn share_of_line(&self, stage: usize, rates: &[f64]) -> Option<Vec<f64>> {
        let Blocking::Part(line, place) = &self.blocking[stage] else {
            return None;
        };
        let most = if *place == 0 {
            line.model.capacity()
        } else {
            f64::INFINITY
        };
        let rate = sum(rates.iter().copied());
        let share = if rate > most { most / rate } else { 1.0 };
        Some(vec![share; rates.len()])
    }

    /// Orders of all classes, copies included, offered to a stage, per second.
    pub fn offered_to(&self, stage: usize) -> f64 {
        sum(self.offered[stage].iter().copied())
    }

    /// Orders of a class, copies included, served at a stage, per second.
    pub fn served(&self, stage: usize, class: usize) -> f64 {
        self.offered[stage][class] * self.through[stage][class]
    }

    /// Those of them that are no copies.
    pub fn originals_served(&self, stage: usize, class: usize) -> f64 {
        self.originals[stage][class] * self.through[stage][class]
    }
}

/// Passes a finite, non-negative solution through; rounding below 0 counts as 0.
fn solved(solution: Option<DVector<f64>>) -> Result<DVector<f64>, NoSolution> {
    let solution = solution.ok_or(NoSolution)?;
    let scale = solution.amax();
    if solution
        .iter()
        .all(|&x| x.is_finite() && x >= -1e-9 * scale)
    {
        Ok(solution.map(|x| x.max(0.0)))
    } else {
        Err(NoSolution)
    }
}

fn zeros(stages: usize, classes: usize) -> Table {
    vec![vec![0.0; classes]; stages]
}

/// Orders per second from the producers, each weighted by a function of its message size.
fn entering(network: &Network, weight: impl Fn(f64) -> f64) -> Table {
    let mut table = zeros(network.stages.len(), network.classes.len());
    for producer in &network.producers {
        let rate = rate_of(network, producer);
        table[producer.to.0][producer.class.0] += rate * weight(producer.message_size);
    }
    table
}

/// A producer's orders per second: in the long run, or over the expected run where its rate
/// varies. 0 where the rate is no number.
pub(super) fn rate_of(network: &Network, producer: &Producer) -> f64 {
    let arrivals = &producer.arrivals;
    let rate = if arrivals.is_stationary() {
        arrivals.mean_rate()
    } else {
        arrivals.mean_rate_over(network.expected_duration())
    };
    if rate.is_finite() { rate } else { 0.0 }
}

/// The stages that orders of a class come to, in order of index.
fn reached(network: &Network, entering: &Table, class: usize) -> Vec<usize> {
    let mut seen = vec![false; network.stages.len()];
    let mut open: Vec<usize> = (0..seen.len())
        .filter(|&s| entering[s][class] > 0.0)
        .collect();
    while let Some(stage) = open.pop() {
        if std::mem::replace(&mut seen[stage], true) {
            continue;
        }
        for route in &network.stages[stage].by_class[class].next {
            if let Target::Stage(to) = route.to {
                open.push(to.0);
            }
        }
        open.extend(
            network.stages[stage]
                .extras
                .fork
                .branches()
                .iter()
                .map(|to| to.0),
        );
    }
    (0..seen.len()).filter(|&s| seen[s]).collect()
}

/// Whether a producer's orders can come to a stage, whatever their rate.
pub(super) fn leads_to(network: &Network, stage: usize) -> bool {
    let mut sources = zeros(network.stages.len(), network.classes.len());
    for producer in &network.producers {
        sources[producer.to.0][producer.class.0] = 1.0;
    }
    let mut classes = 0..network.classes.len();
    classes.any(|class| reached(network, &sources, class).contains(&stage))
}

/// The shares served when the flows have settled.
fn settle(network: &Network, traffic: &Traffic) -> Result<Table, NoSolution> {
    let entering = &traffic.entering;
    let mut before = entering.clone();
    let mut offered = entering.clone();
    for round in 0..LIMIT {
        let through = shares(network, traffic, &offered);
        let mut next = pass(network, entering, &offered, &through);
        if change(&offered, &next) <= SETTLED {
            return Ok(shares(network, traffic, &next));
        }
        if round < HELPED && round % 3 == 2 {
            extrapolate(&before, &offered, &mut next);
        }
        before = std::mem::replace(&mut offered, next);
    }
    Err(NoSolution)
}

/// Aitken's extrapolation of what rises or falls geometrically, each number on its own.
fn extrapolate(first: &Table, second: &Table, third: &mut Table) {
    let known = first.iter().flatten().zip(second.iter().flatten());
    for ((&a, &b), c) in known.zip(third.iter_mut().flatten()) {
        let ratio = (*c - b) / (b - a);
        if ratio > 0.0 && ratio < 1.0 {
            *c += (*c - b) * ratio / (1.0 - ratio);
        }
    }
}

/// What is offered next when each stage lets its share through.
fn pass(network: &Network, entering: &Table, offered: &Table, through: &Table) -> Table {
    let mut next = entering.clone();
    for (from, stage) in network.stages.iter().enumerate() {
        for (class, at) in stage.by_class.iter().enumerate() {
            let served = offered[from][class] * through[from][class];
            for route in &at.next {
                if let Target::Stage(to) = route.to {
                    next[to.0][class] += served * route.probability;
                }
            }
            for to in stage.extras.fork.branches() {
                next[to.0][class] += served;
            }
        }
    }
    next
}

/// The largest relative change between two tables.
fn change(before: &Table, after: &Table) -> f64 {
    let pairs = before.iter().flatten().zip(after.iter().flatten());
    pairs.fold(0.0, |worst, (&a, &b)| {
        if a == b {
            worst
        } else {
            worst.max((a - b).abs() / a.max(b))
        }
    })
}

/// The share of the offered orders that each stage serves.
fn shares(network: &Network, traffic: &Traffic, offered: &Table) -> Table {
    let stages = network.stages.iter().zip(offered).enumerate();
    stages
        .map(
            |(id, (stage, rates))| match (traffic.entry_losses[id], &stage.capacity) {
                _ if let Some(share) = traffic.share_of_line(id, rates) => share,
                (Some(loss), _) => vec![1.0 - loss; rates.len()],
                (_, Capacity::Reject(_)) if is_clockwork(network, id) => vec![1.0; rates.len()],
                _ => shares_at(network, id, rates),
            },
        )
        .collect()
}

fn shares_at(network: &Network, id: usize, rates: &[f64]) -> Vec<f64> {
    let stage = &network.stages[id];
    let work: Vec<f64> = work_of(stage, rates);
    match (stage.consumers, &stage.capacity) {
        (Consumers::Unlimited, _) => vec![1.0; rates.len()],
        (Consumers::Finite(c), _) if loses(stage) => {
            let law = StageLaw::new(network, id, rates);
            let work = Work {
                rate: sum(rates.iter().copied()),
                mean: law.mean(),
                scv: law.scv(),
            };
            let share = carried(network, id, c, work).unwrap_or(1.0);
            vec![share; rates.len()]
        }
        (Consumers::Finite(c), _) => {
            let levels: Vec<u32> = match stage.discipline {
                Discipline::Priority | Discipline::PreemptivePriority => {
                    network.classes.iter().map(|k| k.priority).collect()
                }
                _ => vec![0; rates.len()],
            };
            saturated(servers(stage, c), &work, &levels)
        }
    }
}

/// Whether orders may leave a stage without service.
pub(super) fn loses(stage: &Stage) -> bool {
    matches!(stage.capacity, Capacity::Reject(_))
        || stage.extras.patience != Patience::Endless
        || stage.extras.balking != Balking::Never
}

/// λ_k E\[S_k\] of each class at a stage.
pub(super) fn work_of(stage: &Stage, rates: &[f64]) -> Vec<f64> {
    let laws = stage.by_class.iter().map(|at| at.service.law().mean());
    rates
        .iter()
        .zip(laws)
        .map(|(&rate, mean)| if rate > 0.0 { rate * mean } else { 0.0 })
        .collect()
}

/// Fills the consumers level by level; within a level all classes get the same share.
fn saturated(consumers: f64, work: &[f64], levels: &[u32]) -> Vec<f64> {
    let mut shares = vec![1.0; work.len()];
    let mut order: Vec<u32> = levels.to_vec();
    order.sort_unstable();
    order.dedup();
    let mut left = consumers;
    for level in order {
        let members = || (0..work.len()).filter(|&k| levels[k] == level);
        let wanted: f64 = members().map(|k| work[k]).sum();
        if wanted > left {
            members().for_each(|k| shares[k] = left / wanted);
        }
        left = (left - wanted).max(0.0);
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::testing::{Sketch, exponential};
    use approx::assert_relative_eq;

    #[test]
    fn the_flows_of_a_published_network_with_feedback() {
        // Jain 1991, example 34.1: 3 jobs/s, 16 visits to the processor each.
        let traffic = Traffic::solve(&Sketch::jain().network()).unwrap();
        let rates: Vec<f64> = (0..3).map(|s| traffic.offered_to(s)).collect();
        assert_relative_eq!(rates[0], 48.0, max_relative = 1e-12);
        assert_relative_eq!(rates[1], 21.0, max_relative = 1e-12);
        assert_relative_eq!(rates[2], 24.0, max_relative = 1e-12);
        assert!(
            traffic
                .completing
                .iter()
                .flatten()
                .all(|h| (h - 1.0).abs() < 1e-12)
        );
    }

    #[test]
    fn behind_an_overloaded_stage_comes_what_it_can_do() {
        let mut sketch = Sketch::new();
        sketch.stage(2, exponential(1.0));
        sketch.stage(1, exponential(9.0));
        sketch.poisson(3.0, 0).then(0, 1, 1.0);
        let traffic = Traffic::solve(&sketch.network()).unwrap();
        assert_relative_eq!(traffic.offered_to(0), 3.0);
        assert_relative_eq!(traffic.offered_to(1), 2.0, max_relative = 1e-13);
    }

    #[test]
    fn copies_are_counted_where_they_go_and_complete_nothing() {
        let mut sketch = Sketch::new();
        for _ in 0..4 {
            sketch.stage(1, exponential(9.0));
        }
        sketch.poisson(3.0, 0).fork(0, &[1, 2]).then(0, 3, 1.0);
        // Half of the copies go round again.
        sketch.then(1, 1, 0.5).done(1, 0.5);
        let traffic = Traffic::solve(&sketch.network()).unwrap();
        for (stage, offered) in [(0, 3.0), (1, 6.0), (2, 3.0), (3, 3.0)] {
            assert_relative_eq!(traffic.offered_to(stage), offered, max_relative = 1e-12);
        }
        assert_eq!(traffic.originals[1][0] + traffic.originals[2][0], 0.0);
        assert_relative_eq!(traffic.originals[3][0], 3.0, max_relative = 1e-12);
    }

    #[test]
    fn a_fork_back_to_itself_has_no_flows() {
        let mut sketch = Sketch::new();
        for _ in 0..2 {
            sketch.stage(1, exponential(9.0));
        }
        sketch.poisson(3.0, 0).fork(0, &[0, 1]);
        assert!(Traffic::solve(&sketch.network()).is_err());
    }

    #[test]
    fn an_overloaded_stage_with_feedback_settles() {
        let mut sketch = Sketch::new();
        sketch.stage(1, exponential(1.0));
        sketch.poisson(0.02, 0).then(0, 0, 0.99).done(0, 0.01);
        let traffic = Traffic::solve(&sketch.network()).unwrap();
        // Offered: 0.02 new ones and 99 of 100 of the one served per second.
        assert_relative_eq!(traffic.offered_to(0), 0.02 + 0.99, max_relative = 1e-9);
    }

    #[test]
    fn the_lower_level_bears_the_overload() {
        assert_eq!(
            saturated(2.0, &[1.5, 1.0, 0.5], &[0, 1, 2]),
            [1.0, 0.5, 0.0]
        );
        assert_eq!(
            saturated(2.0, &[1.5, 1.0, 0.0], &[0, 0, 0]),
            [0.8, 0.8, 0.8]
        );
    }

    #[test]
    fn flow_is_conserved_over_losses_and_cancellations() {
        let mut sketch = Sketch::new();
        sketch.stage(1, exponential(2.0));
        sketch.stage(1, exponential(1.0));
        sketch
            .poisson(1.5, 0)
            .then(0, 1, 0.7)
            .cancel(0, 0.2)
            .done(0, 0.1)
            .bound(1, 2);
        let traffic = Traffic::solve(&sketch.network()).unwrap();
        let (first, second) = (traffic.served(0, 0), traffic.served(1, 0));
        let lost = traffic.offered_to(1) - second;
        assert_relative_eq!(
            0.1 * first + second + lost + 0.2 * first,
            1.5,
            max_relative = 1e-12
        );
        let completed = traffic.completing[0][0] * 1.5;
        assert_relative_eq!(completed, 0.1 * first + second, max_relative = 1e-12);
    }
}
