//! Sojourn times: a wait of known distribution, followed by exponential service.
//!
//! # Formula
//! P(W > t) = e^(−μt) + μ ∫₀ᵗ P(Wq > s) e^(−μ(t−s)) ds. Where those that wait give up at rate θ, and then
//! leave without service, μ before the integral becomes μ − θ (integration by parts).
//!
//! # Numerics
//! The integral is tabulated once on panels fine enough for 16 points each, up to where the wait's tail
//! is below 1e-15; from a table's edge it goes on by its recursion in t.

use super::numeric::false_position;
use super::panels::{edges, gauss};
use std::sync::Arc;

/// A wait's tail below which it is none.
const NOTHING: f64 = 1e-15;
/// Absolute error of a panel's integral, in units of the mean service.
const TOLERANCE: f64 = 1e-13;
/// Pieces of the past, in mean services, on each of which 16 points are enough for what an exponential
/// service remembers; e^(−45) is forgotten.
const MEMORY: [f64; 5] = [0.0, 4.0, 12.0, 24.0, 45.0];

/// P(Wq > t), shared.
pub(super) type Tail = Arc<dyn Fn(f64) -> f64 + Send + Sync>;

/// The law of a wait followed by exponential service.
#[derive(Clone)]
pub(super) struct Served {
    wait: Tail,
    /// μ.
    rate: f64,
    /// μ − θ.
    factor: f64,
    /// θ.
    impatience: f64,
    table: Vec<Edge>,
}

/// The edge of a panel.
#[derive(Debug, Clone, Copy)]
struct Edge {
    time: f64,
    /// ∫₀ P(Wq > s) e^(−μ(t−s)) ds up to the edge.
    integral: f64,
    /// ∫₀ P(Wq > s) ds up to the edge.
    waited: f64,
}

impl Served {
    /// The wait's tail, the rate of service, the rate of giving up while waiting, and any time of
    /// the wait's order.
    pub fn new(wait: Tail, rate: f64, impatience: f64, scale: f64) -> Served {
        let mut end = scale;
        for _ in 0..200 {
            if wait(end) <= NOTHING {
                break;
            }
            end *= 2.0;
        }
        let mut served = Served {
            wait,
            rate,
            factor: rate - impatience,
            impatience,
            table: vec![Edge {
                time: 0.0,
                integral: 0.0,
                waited: 0.0,
            }],
        };
        let tail = served.wait.clone();
        let smooth = |t: f64| tail(t) * rate;
        for &time in &edges(&smooth, 0.0, end, TOLERANCE)[1..] {
            let (integral, waited) = (served.integral(time), served.waited(time));
            served.table.push(Edge {
                time,
                integral,
                waited,
            });
        }
        served
    }

    /// ∫₀ᵗ P(Wq > s) e^(−μ(t−s)) ds, from the last edge before t; what lies further back than the memory
    /// is forgotten.
    fn integral(&self, t: f64) -> f64 {
        let edge = self.before(t);
        let kernel = |s: f64| (self.wait)(s) * (-self.rate * (t - s)).exp();
        let mut sum = (-self.rate * (t - edge.time)).exp() * edge.integral;
        for ages in MEMORY.windows(2) {
            let back = |age: f64| (t - age / self.rate).max(edge.time);
            let (from, to) = (back(ages[1]), back(ages[0]));
            if from < to {
                sum += gauss(kernel, from, to);
            }
        }
        sum
    }

    /// ∫₀ᵗ P(Wq > s) ds.
    fn waited(&self, t: f64) -> f64 {
        let edge = self.before(t);
        edge.waited + gauss(|s| (self.wait)(s), edge.time, t)
    }

    /// The last edge before t.
    fn before(&self, t: f64) -> Edge {
        let after = self.table.partition_point(|edge| edge.time < t);
        self.table[after.saturating_sub(1)]
    }

    /// P(W > t).
    pub fn ccdf(&self, t: f64) -> f64 {
        if t <= 0.0 {
            return 1.0;
        }
        ((-self.rate * t).exp() + self.factor * self.integral(t)).clamp(0.0, 1.0)
    }

    /// The p-quantile.
    pub fn quantile(&self, p: f64) -> Option<f64> {
        self.root(|t| self.ccdf(t), p)
    }

    /// P(W > t) of those that are served: without those that are to give up after t, who do so at rate θ
    /// while they wait.
    pub fn completed_ccdf(&self, t: f64) -> f64 {
        let all = self.table.last().map_or(0.0, |edge| edge.waited);
        let (later, never) = (all - self.waited(t.min(self.end())), all);
        let served = 1.0 - self.impatience * never;
        ((self.ccdf(t) - self.impatience * later) / served).clamp(0.0, 1.0)
    }

    /// The p-quantile of those that are served.
    pub fn completed_quantile(&self, p: f64) -> Option<f64> {
        self.root(|t| self.completed_ccdf(t), p)
    }

    /// Where a tail comes down to 1 − p: between two edges, or beyond the last.
    fn root(&self, ccdf: impl Fn(f64) -> f64, p: f64) -> Option<f64> {
        let above = |edge: &Edge| ccdf(edge.time) > 1.0 - p;
        let after = self.table.partition_point(above);
        let low = self.table[after.saturating_sub(1)].time;
        let past = self.end() + 100.0 / self.rate;
        let high = self.table.get(after).map_or(past, |edge| edge.time);
        false_position(|t| ccdf(t) - (1.0 - p), low, high)
    }

    /// Where the wait's tail is nothing.
    fn end(&self) -> f64 {
        self.table.last().map_or(0.0, |edge| edge.time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::Mmc;
    use approx::assert_relative_eq;

    #[test]
    fn it_gives_the_sojourn_time_of_m_m_c() {
        for (lambda, c) in [(0.5, 1), (3.9, 4), (90.0, 100), (2.0, 3)] {
            let queue = Mmc::new(lambda, 1.0, c).unwrap();
            let wait = Arc::new(move |t| queue.waiting_ccdf(t));
            let served = Served::new(wait, 1.0, 0.0, 1.0 / f64::from(c));
            for t in [0.0, 0.01, 0.5, 3.0, 20.0, 60.0] {
                let exact = queue.sojourn_ccdf(t);
                assert_relative_eq!(served.ccdf(t), exact, max_relative = 1e-9, epsilon = 1e-13);
            }
        }
    }
}
