//! Integrals of P(S > x) against smooth kernels: nodes and weights fitted to a law.
//!
//! # Numerics
//! Gauss's rule of 16 nodes in panels. Panels end where the law has a kink or a jump and at quantiles
//! from 1e-15 to 1 − 1e-15, and are as narrow as the kernel needs: a gamma density of any order at
//! a rate, whose width at x is √x/√rate. All terms are positive.

use super::numeric::gauss_nodes;
use crate::random::Distribution;

/// Levels at which panels end.
const LEVELS: [f64; 15] = [
    1e-15, 1e-12, 1e-9, 1e-6, 1e-4, 1e-3, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7,
];
/// And of the complement.
const RARE: [f64; 12] = [
    0.2, 0.1, 0.05, 0.01, 1e-3, 1e-4, 1e-6, 1e-8, 1e-10, 1e-12, 1e-14, 1e-15,
];
/// Beyond this share of the mean a tail no longer counts.
const NOTHING: f64 = 1e-19;

/// One point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Node {
    pub x: f64,
    pub weight: f64,
    /// P(S > x).
    pub ccdf: f64,
}

/// The points of a law, in increasing order.
#[derive(Debug, Clone)]
pub(super) struct TailGrid {
    nodes: Vec<Node>,
    end: f64,
}

impl TailGrid {
    /// For kernels of gamma densities at `rate` of order up to `order`; beyond them, and as far as the
    /// law reaches, for kernels that change with the logarithm of x.
    pub fn new(law: &Distribution, rate: f64, order: f64) -> TailGrid {
        let mut ends = vec![0.0];
        breaks(law, 0.0, &mut ends);
        ends.retain(|x| x.is_finite());
        ends.sort_by(f64::total_cmp);
        ends.dedup();
        let mut grid = TailGrid {
            nodes: Vec::new(),
            end: 0.0,
        };
        let fine = (order + 40.0 * (order + 1.0).sqrt() + 100.0) / rate;
        for pair in ends.windows(2) {
            grid.stretch(law, pair[0], pair[1], rate, fine);
        }
        let mut from = ends[ends.len() - 1];
        let mean = law.mean();
        // A tail without end: on until nothing is left.
        while law.ccdf(from) * from.max(mean) > NOTHING * mean && from < 1e300 {
            let to = if from > 0.0 { 2.0 * from } else { mean };
            grid.stretch(law, from, to, rate, fine);
            from = to;
        }
        grid.end = from;
        grid
    }

    /// Where the law, or what counts of it, ends.
    pub fn end(&self) -> f64 {
        self.end
    }

    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    fn stretch(&mut self, law: &Distribution, from: f64, to: f64, rate: f64, fine: f64) {
        let mut left = from;
        while left < to {
            let kernel = (rate * left + 1.0).sqrt() / rate;
            let own = if left > 0.0 {
                left
            } else {
                1e-17 * kernel.min(to)
            };
            let width = if left < fine { own.min(kernel) } else { own };
            let mut right = (left + width).min(to);
            // No sliver at the end.
            if to - right < 0.1 * width {
                right = to;
            }
            if right <= left {
                break;
            }
            for (place, weight) in gauss_nodes() {
                let x = left + (right - left) * place;
                self.nodes.push(Node {
                    x,
                    weight: weight * (right - left),
                    ccdf: law.ccdf(x),
                });
            }
            left = right;
        }
    }
}

/// Where the distribution function is not smooth, and some quantiles.
fn breaks(law: &Distribution, by: f64, ends: &mut Vec<f64>) {
    match law {
        Distribution::Deterministic { value } => ends.push(by + value),
        Distribution::Empirical { values } => ends.extend(values.iter().map(|x| by + x)),
        Distribution::Mixture {
            weights,
            components,
        } => {
            let used = weights.iter().zip(components).filter(|(w, _)| **w > 0.0);
            used.for_each(|(_, part)| breaks(part, by, ends));
        }
        Distribution::Shifted { by: more, of } => {
            ends.push(by + more);
            breaks(of, by + more, ends);
        }
        Distribution::Triangular { mode, .. } => {
            ends.push(by + mode);
            smooth(law, by, ends);
        }
        _ => smooth(law, by, ends),
    }
}

fn smooth(law: &Distribution, by: f64, ends: &mut Vec<f64>) {
    ends.push(by + law.quantile(0.0));
    ends.push(by + law.quantile(1.0));
    ends.extend(LEVELS.iter().map(|&p| by + law.quantile(p)));
    ends.extend(RARE.iter().map(|&p| by + law.quantile(1.0 - p)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn the_moments_come_out() {
        let laws = [
            Distribution::exponential(2.0),
            Distribution::deterministic(0.7),
            Distribution::triangular(0.5, 0.6, 1.5),
            Distribution::gamma(0.1, 2.0),
            Distribution::gamma(4000.0, 2.0),
            Distribution::lognormal_mean_scv(1.0, 1e-4),
            Distribution::lognormal_mean_scv(1.0, 100.0),
            Distribution::weibull(0.3, 1.0),
            Distribution::pareto(3.2, 1.0),
            Distribution::bounded_pareto(1.2, 1.0, 1e6),
            Distribution::empirical(vec![0.1, 0.5, 3.0]),
            Distribution::shifted(0.3, Distribution::weibull(0.5, 1.0).unwrap()),
        ];
        for law in laws.map(Result::unwrap) {
            let grid = TailGrid::new(&law, 1.0 / law.mean(), 20.0);
            let sum = |k: i32| -> f64 {
                let terms = grid.nodes().iter();
                terms
                    .map(|n| n.weight * n.ccdf * f64::from(k) * n.x.powi(k - 1))
                    .sum()
            };
            assert_relative_eq!(sum(1), law.mean(), max_relative = 1e-11);
            assert_relative_eq!(sum(2), law.moment(2), max_relative = 1e-9);
        }
    }
}
