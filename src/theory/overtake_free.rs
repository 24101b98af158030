//! The latency where nobody can overtake: sojourn times at the stages of a route are independent.
//!
//! # Formula
//! With T_i the transform of the sojourn at stage i and p_ij the routes, the time to completion from i has
//! the transform φ_i = T_i (Σ_j p_ij φ_j + p_i,completed), and the latency Σ γ_i φ_i over its value at 0.
//!
//! # Domain
//! Poisson arrivals everywhere, exponential service, first in, first out, no bounds, no forks; at most one
//! way from any stage to any other, so that no order can overtake another between two stages; several
//! consumers only where orders come from producers alone, or where they go nowhere else.
//!
//! # Numerics
//! The first two moments by the same recursion; tails by inversion to 3·10⁻¹⁰.
//!
//! # References
//! E. Reich (1957), *Waiting times when queues are in tandem*, Annals of Mathematical Statistics 28;
//! P. J. Burke (1969), *The dependence of sojourn times in tandem M/M/s queues*, Operations Research 17
//! (several consumers only at the ends); J. Walrand, P. Varaiya (1980), *Sojourn times and the overtaking
//! condition in Jacksonian networks*, Advances in Applied Probability 12, 1000–1018.

use super::flow::{Flow, Flows};
use super::inversion::{SETTING, invert};
use super::lattice::Wave;
use super::law::StageLaw;
use super::lines::Blocking;
use super::mmc::Mmc;
use super::numeric::quantile;
use super::traffic::Traffic;
use crate::network::{Capacity, Consumers, Discipline, Fork, Network, Target};

/// The law of the latency.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct OvertakeFree {
    /// A class at a stage each, every one before those that it leads to.
    nodes: Vec<Node>,
    /// X.
    completed: f64,
    mean: f64,
    variance: f64,
}

#[derive(Debug, Clone, PartialEq)]
struct Node {
    /// μ of one consumer; infinite where service takes no time.
    service_rate: f64,
    /// C and cμ − λ of the wait.
    waits: f64,
    decay: f64,
    /// Orders per second that enter here.
    entering: f64,
    done: f64,
    next: Vec<(usize, f64)>,
}

impl OvertakeFree {
    /// The latency in a network; `None` where orders may overtake, or where something is not exponential.
    pub fn new(network: &Network, traffic: &Traffic, flows: &Flows) -> Option<OvertakeFree> {
        let reached: Vec<usize> = (0..network.stages.len())
            .filter(|&s| traffic.offered_to(s) > 0.0)
            .collect();
        if !reached.iter().all(|&s| fits(network, traffic, flows, s)) || !single(network, &reached)
        {
            return None;
        }
        let order = outwards(flows, &reached);
        let mut law = OvertakeFree {
            nodes: Vec::new(),
            completed: 0.0,
            mean: 0.0,
            variance: 0.0,
        };
        let classes = network.classes.len();
        let place = |stage: usize, class: usize| {
            let place = order.iter().position(|&s| s == stage)?;
            Some(place * classes + class)
        };
        for &stage in &order {
            let base = node(network, traffic, stage)?;
            for class in 0..classes {
                let mut node = base.clone();
                node.entering = traffic.entering[stage][class];
                for route in &network.stages[stage].by_class[class].next {
                    match route.to {
                        Target::Completed => node.done += route.probability,
                        Target::Cancelled => {}
                        Target::Stage(to) => {
                            node.next
                                .extend(place(to.0, class).map(|at| (at, route.probability)));
                        }
                    }
                }
                law.nodes.push(node);
            }
        }
        law.weigh();
        (law.completed > 0.0).then_some(law)
    }

    /// The moments.
    fn weigh(&mut self) {
        let mut ahead = vec![[0.0; 3]; self.nodes.len()];
        let mut total = [0.0; 3];
        for (place, node) in self.nodes.iter().enumerate().rev() {
            let mut rest = [node.done, 0.0, 0.0];
            for &(to, p) in &node.next {
                (0..3).for_each(|k| rest[k] += p * ahead[to][k]);
            }
            let served = 1.0 / node.service_rate;
            let waited = node.waits / node.decay;
            let one = served + waited;
            let two = 2.0 * (served * served + served * waited + waited / node.decay);
            let own = [1.0, one, two];
            ahead[place] = [
                rest[0],
                rest[1] + own[1] * rest[0],
                rest[2] + 2.0 * own[1] * rest[1] + own[2] * rest[0],
            ];
            (0..3).for_each(|k| total[k] += node.entering * ahead[place][k]);
        }
        self.completed = total[0];
        self.mean = total[1] / total[0];
        self.variance = total[2] / total[0] - self.mean * self.mean;
    }

    /// Var(T).
    pub fn variance(&self) -> f64 {
        self.variance
    }

    fn transform(&self, s: Wave) -> Wave {
        let mut ahead = vec![Wave::new(0.0, 0.0); self.nodes.len()];
        let mut total = Wave::new(0.0, 0.0);
        for (place, node) in self.nodes.iter().enumerate().rev() {
            let next = node.next.iter().map(|&(to, p)| ahead[to] * p).sum::<Wave>();
            let waited = 1.0 - s * node.waits / (s + node.decay);
            ahead[place] = waited / (s / node.service_rate + 1.0) * (next + node.done);
            total += ahead[place] * node.entering;
        }
        total / self.completed
    }

    /// P(T > t).
    pub fn ccdf(&self, t: f64) -> f64 {
        if t <= 0.0 {
            return 1.0;
        }
        let tail = |s: Wave| (1.0 - self.transform(s)) / s;
        invert(tail, t, SETTING, 1e-11).value.clamp(0.0, 1.0)
    }

    /// The p-quantile.
    pub fn quantile(&self, p: f64) -> Option<f64> {
        quantile(|t| self.ccdf(t), p, self.mean)
    }
}

/// A stage without its routes.
fn node(network: &Network, traffic: &Traffic, stage: usize) -> Option<Node> {
    let law = StageLaw::new(network, stage, &traffic.offered[stage]);
    let mut node = Node {
        service_rate: f64::INFINITY,
        waits: 0.0,
        decay: 1.0,
        entering: 0.0,
        done: 0.0,
        next: Vec::new(),
    };
    if law.mean() == 0.0 {
        return Some(node);
    }
    node.service_rate = law.exponential()?;
    if let Consumers::Finite(c) = network.stages[stage].consumers {
        let queue = Mmc::new(traffic.offered_to(stage), node.service_rate, c).ok()?;
        (node.waits, node.decay) = (queue.wait_probability(), queue.decay());
    }
    Some(node)
}

/// Whether a stage is one of those whose sojourn times are independent of all others on a route.
fn fits(network: &Network, traffic: &Traffic, flows: &Flows, stage: usize) -> bool {
    let at = &network.stages[stage];
    let law = StageLaw::new(network, stage, &traffic.offered[stage]);
    let first = flows.before(stage).is_empty();
    let mut ways = at.by_class.iter().flat_map(|at| &at.next);
    let last = !ways.any(|route| matches!(route.to, Target::Stage(_)));
    let in_turn = match at.discipline {
        Discipline::Fifo => true,
        Discipline::Priority | Discipline::PreemptivePriority => law.levels(network) <= 1,
        _ => at.consumers == Consumers::Unlimited,
    };
    let no_work = law.mean() == 0.0;
    flows.arrivals[stage] == Flow::Poisson
        && in_turn
        && at.extras.is_plain()
        && at.extras.fork == Fork::None
        && traffic.blocking[stage] == Blocking::Free
        && at.capacity == Capacity::Unbounded
        && (no_work || law.exponential().is_some())
        && (no_work || first || last || at.consumers == Consumers::Finite(1))
}

/// Whether there is at most one way from any stage to any other.
fn single(network: &Network, reached: &[usize]) -> bool {
    let next = |stage: usize| {
        let ways = network.stages[stage]
            .by_class
            .iter()
            .flat_map(|at| &at.next);
        let mut to: Vec<usize> = ways
            .filter_map(|route| match route.to {
                Target::Stage(to) => Some(to.0),
                Target::Completed | Target::Cancelled => None,
            })
            .collect();
        to.sort_unstable();
        to.dedup();
        to
    };
    let ways: Vec<Vec<usize>> = (0..network.stages.len()).map(next).collect();
    reached.iter().all(|&from| {
        let mut seen = vec![false; ways.len()];
        let mut open = ways[from].clone();
        while let Some(stage) = open.pop() {
            if stage == from || std::mem::replace(&mut seen[stage], true) {
                return false;
            }
            open.extend(&ways[stage]);
        }
        true
    })
}

/// The stages, each before those that it leads to.
fn outwards(flows: &Flows, reached: &[usize]) -> Vec<usize> {
    let mut order = reached.to_vec();
    order.sort_by_key(|&stage| flows.before(stage).len());
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::testing::{Sketch, exponential};
    use approx::assert_relative_eq;

    fn law(sketch: &Sketch) -> Option<OvertakeFree> {
        let network = sketch.network();
        let traffic = Traffic::solve(&network).unwrap();
        let flows = Flows::new(&network, &traffic);
        OvertakeFree::new(&network, &traffic, &flows)
    }

    fn line(rates: &[f64]) -> Sketch {
        let mut sketch = Sketch::new();
        for &rate in rates {
            sketch.stage(1, exponential(rate));
        }
        for stage in 1..rates.len() {
            sketch.then(stage - 1, stage, 1.0);
        }
        sketch.poisson(1.0, 0);
        sketch
    }

    #[test]
    fn a_tandem_is_a_sum_of_exponentials() {
        // Rates μ − λ of 2, 3 and 4: a hypoexponential law.
        let sum = law(&line(&[3.0, 4.0, 5.0])).unwrap();
        let variance = 1.0 / 4.0 + 1.0 / 9.0 + 1.0 / 16.0;
        assert_relative_eq!(sum.variance(), variance, max_relative = 1e-12);
        for t in [0.1f64, 0.7, 2.0, 5.0] {
            let parts = [(2.0f64, 6.0), (3.0, -8.0), (4.0, 3.0)];
            let tail: f64 = parts
                .iter()
                .map(|(rate, weight)| weight * (-rate * t).exp())
                .sum();
            assert_relative_eq!(sum.ccdf(t), tail, epsilon = 1e-9);
        }
        let equal = law(&line(&[2.0; 4])).unwrap();
        // Erlang with four phases: the upper 5 % point of chi-square with 8 degrees is 15.507313.
        assert_relative_eq!(
            equal.quantile(0.95).unwrap(),
            15.507313055865453 / 2.0,
            max_relative = 1e-8
        );
    }

    #[test]
    fn several_consumers_stand_at_the_ends_only() {
        let mut ends = line(&[3.0, 4.0, 5.0]);
        ends.consumers(0, 2).consumers(2, 3);
        assert!(law(&ends).is_some());
        assert!(law(ends.consumers(1, 2)).is_none());
    }

    #[test]
    fn a_second_way_lets_orders_overtake() {
        let mut fork = line(&[3.0, 4.0]);
        fork.stage(1, exponential(6.0));
        // Jackson's example of two ways to the same stage (Simon and Foley 1979).
        let mut both = Sketch::new();
        for rate in [3.0, 4.0, 5.0] {
            both.stage(1, exponential(rate));
        }
        both.poisson(1.0, 0).then(0, 1, 0.5).then(0, 2, 0.5);
        assert!(law(&both).is_some());
        both.then(1, 2, 1.0);
        assert!(law(&both).is_none());
    }

    #[test]
    fn ways_by_chance_are_mixed() {
        let mut both = Sketch::new();
        for rate in [3.0, 2.0, 4.0] {
            both.stage(1, exponential(rate));
        }
        both.poisson(1.0, 0)
            .then(0, 1, 0.25)
            .then(0, 2, 0.5)
            .done(0, 0.25);
        let mixed = law(&both).unwrap();
        let (a, b, c) = (2.0f64, 1.75f64, 3.5f64);
        let tail = |t: f64| {
            let one = (-a * t).exp();
            let two = |b: f64| (b * (-a * t).exp() - a * (-b * t).exp()) / (b - a);
            0.25 * one + 0.25 * two(b) + 0.5 * two(c)
        };
        for t in [0.2, 1.0, 3.0] {
            assert_relative_eq!(mixed.ccdf(t), tail(t), epsilon = 1e-9);
        }
    }
}
