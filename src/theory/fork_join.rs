//! Fork and join: every order is copied to two M/M/1 queues, and done when both copies are.
//!
//! # References
//! L. Flatto, S. Hahn (1984), *Two parallel queues created by arrivals with two demands I*, SIAM J.
//! Applied Mathematics 44, 1041–1053; R. Nelson, A. N. Tantawi (1988), *Approximate analysis of
//! fork/join synchronization in parallel queues*, IEEE Trans. Computers 37, 739–743 (the mean for equal
//! rates); O. Bernardi, M. Bousquet-Mélou, K. Raschel (2021), *Counting quadrant walks via Tutte's
//! invariant method*, Combinatorial Theory 1 (the invariant of these steps); J. Keilson, L. D. Servi (1988),
//! *A distributional form of Little's law*, Operations Research Letters 7, 223–227.

use super::error::{ModelError, positive, stable};
use super::inversion::{SETTING, invert};
use super::lattice::Wave;
use super::numeric::quantile;
use super::sheet::{Sheet, Source};
use super::{Curve, Figures, Kind};
use crate::metric::{Metric, TimeKind};
use std::f64::consts::PI;
use std::sync::Arc;

const SOURCE: Source = Source::exact(
    "Flatto, Hahn 1984, SIAM J. Appl. Math. 44; Nelson, Tantawi 1988, IEEE Trans. Comput. 37",
);
const FORMULA: &str =
    "inversion of E[e^(−sT)] from P(z,0), P(0,w) and the distributional law of Little";
/// Loads nearer to 1 cost the transform too many digits.
const NEAREST: f64 = 1.0 - 1e-9;
/// Points on the circle from which moments are taken.
const POINTS: usize = 64;

/// The time from the fork to the join of two M/M/1 queues that get a copy of every order each.
///
/// # Domain
/// 0 < λ, and λ/μ₁ and λ/μ₂ at most 1 − 10⁻⁹; the rates of service may differ. First in, first out.
///
/// # Formula
/// N₁ and N₂, the copies at the queues, have a joint generating function P(z, w) that its edges P(z, 0)
/// and P(0, w) determine: (λ(1 − zw) + μ₁(1 − 1/z) + μ₂(1 − 1/w)) P(z, w) = μ₁(1 − 1/z) P(0, w) +
/// μ₂(1 − 1/w) P(z, 0). With κ³ = λμ₁μ₂ and x the root in (0, 1] of x³ − (λ + μ₁ + μ₂)x/κ + 2 = 0
/// the edge is, with a = μ₁x/κ and b = μ₁/(κx²),
///
/// P(z, 0) = (1 − λ/μ₂) H(1)/H(z), H(z) = √(1 − z/b)/a + (1 − 1/a)(1/(b(√(1 − z/b) + √(1 − 1/b))) + √(1 − 1/b)),
///
/// and P(0, w) the same with the queues exchanged; for equal rates H(z) = √(1 − λz/μ). The orders not
/// yet joined number max(N₁, N₂) and leave in the order in which they came, so that their generating
/// function, the diagonal of P(z, w)/((1 − z)(1 − w)), is the transform of T at λ(1 − z). It is the
/// residue at the two places where the factor of P(z, w) is 0: with z = 1 − s/λ,
/// D = √((s + μ₁ + μ₂)² − 4μ₁μ₂/z) and t = (s + μ₁ + μ₂ + D)/2,
///
/// E\[e^(−sT)\] = −sμ₁μ₂/(λzD) · (P(μ₁/t, 0)/(t − μ₁) + P(0, μ₂/t)/(t − μ₂)).
///
/// # Numerics
/// Differences of the rates are taken first, so that nothing cancels near the load 1. Moments by
/// Cauchy's integral on a circle inside the strip of convergence, tails by inversion.
///
/// ```
/// use orderline::theory::ForkJoin;
/// // Nelson and Tantawi: (12 − ρ)/8 times the time at one queue.
/// let join = ForkJoin::new(0.5, [1.0, 1.0])?;
/// assert!((join.mean() - 2.875).abs() < 1e-12);
/// assert!((join.quantile(0.99).unwrap() - 10.551755).abs() < 1e-6);
/// # Ok::<(), orderline::theory::ModelError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ForkJoin {
    arrival_rate: f64,
    service_rates: [f64; 2],
    edges: [Edge; 2],
    mean: f64,
    variance: f64,
}

impl ForkJoin {
    /// Orders that come at rate λ and are copied to two queues with rates of service μ₁ and μ₂.
    ///
    /// # Errors
    /// A rate that is not positive and finite, or a load above 1 − 10⁻⁹.
    pub fn new(arrival_rate: f64, service_rates: [f64; 2]) -> Result<ForkJoin, ModelError> {
        let lambda = positive("arrival rate", arrival_rate)?;
        for rate in service_rates {
            let load = stable(lambda / positive("service rate", rate)?)?;
            if load > NEAREST {
                let name = "load";
                return Err(ModelError::Domain { name, value: load });
            }
        }
        let [first, second] = service_rates;
        let roots = Roots::new(lambda, first, second);
        let mirrored = Roots::new(lambda, second, first);
        let mut join = ForkJoin {
            arrival_rate,
            service_rates,
            edges: [roots.edge(), mirrored.edge()],
            mean: 0.0,
            variance: 0.0,
        };
        let (mean, second) = join.moments();
        join.mean = mean;
        join.variance = second - mean * mean;
        Ok(join)
    }

    /// E\[e^(−sT)\] for a complex s with a real part above −(min μ − λ).
    pub(super) fn transform(&self, s: Wave) -> Wave {
        let (lambda, [first, second]) = (self.arrival_rate, self.service_rates);
        let (spare, apart) = ([first - lambda, second - lambda], first - second);
        let z = 1.0 - s / lambda;
        let product = 4.0 * first * second / (lambda * lambda);
        let linear = 2.0 * (spare[0] + spare[1]) + 4.0 * spare[0] * spare[1] / lambda;
        let root = (s * (s - linear - s * product / z) + apart * apart).sqrt();
        let t = 0.5 * (s + first + second + root);
        // t − μ of the queue k, whose rate is so much above that of the other one.
        let gap = |k: usize, above: f64| {
            let (plus, minus) = (root + (s - above), root - (s - above));
            if plus.norm() >= minus.norm() {
                return 0.5 * plus;
            }
            let other = spare[1 - k] + s * self.service_rates[1 - k] / (z * lambda);
            -2.0 * s * (self.service_rates[k] / lambda) * other / minus
        };
        let edge = |k: usize, gap: Wave| self.edges[k].at(gap / t) / gap;
        let edges = edge(0, gap(0, apart)) + edge(1, gap(1, -apart));
        -s * (first * second / lambda) / (z * root) * edges
    }

    /// E\[T\] and E\[T²\], the Taylor coefficients of the transform at 0. No tail is thicker than that of
    /// the slower queue, which is e^(−(μ − λ)t).
    fn moments(&self) -> (f64, f64) {
        let [first, second] = self.service_rates;
        let radius = 0.5 * (first.min(second) - self.arrival_rate);
        let (mut one, mut two) = (0.0, 0.0);
        for k in 0..POINTS {
            let turn = Wave::from_polar(1.0, 2.0 * PI * (k as f64 + 0.5) / POINTS as f64);
            let value = self.transform(turn * radius);
            one -= (value / turn).re;
            two += 2.0 * (value / (turn * turn)).re;
        }
        let points = POINTS as f64;
        (one / (points * radius), two / (points * radius * radius))
    }

    /// E\[T\], seconds.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Var(T).
    pub fn variance(&self) -> f64 {
        self.variance
    }

    /// P(T > t).
    pub fn ccdf(&self, t: f64) -> f64 {
        if t <= 0.0 {
            return 1.0;
        }
        let tail = |s: Wave| (1.0 - self.transform(s)) / s;
        let value = invert(tail, t, SETTING, 1e-11).value;
        value.clamp(0.0, 1.0)
    }

    /// The p-quantile.
    pub fn quantile(&self, p: f64) -> Option<f64> {
        quantile(|t| self.ccdf(t), p, self.mean)
    }

    /// The figures of the time from the fork to the join, as those of `time`.
    pub(super) fn figures(&self, time: TimeKind) -> Figures {
        let mut sheet = Sheet::new(SOURCE);
        let [first, second] = self.service_rates;
        let mean = if first == second {
            "(12−ρ)/8 · 1/(μ−λ)"
        } else {
            "−φ'(0), φ(s) = E[e^(−sT)] from P(z,0) and P(0,w)"
        };
        sheet
            .put(Metric::mean(time), self.mean, mean)
            .variance(time, self.variance, "φ''(0) − φ'(0)²")
            .quantiles(time, |p| self.quantile(p), FORMULA);
        sheet.finish()
    }

    /// P(T > t).
    pub(super) fn curve(&self) -> Curve {
        let join = *self;
        Curve {
            kind: Kind::Exact,
            formula: FORMULA,
            reference: SOURCE.reference,
            ccdf: Arc::new(move |t| join.ccdf(t)),
        }
    }
}

/// P(z, 0): the copies at one queue while the other one is empty.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Edge {
    /// 1/a.
    zero: f64,
    /// 1 − 1/a.
    beyond: f64,
    /// 1/b.
    branch: f64,
    /// √(1 − 1/b).
    end: f64,
    /// P(1, 0) H(1).
    weight: f64,
}

impl Edge {
    /// At z, given 1 − z.
    fn at(&self, left: Wave) -> Wave {
        let turned = (left * self.branch + self.end * self.end).sqrt();
        let rest = self.branch / (turned + self.end) + self.end;
        self.weight / (turned * self.zero + rest * self.beyond)
    }
}

/// The cube roots of λ and of the rates of service at the edge and beside it.
struct Roots {
    arrival: f64,
    own: f64,
    other: f64,
    /// The differences own − arrival and own − other of the roots.
    above: [f64; 2],
    /// 1 − λ/μ of the queue beside.
    empty: f64,
    /// δ = 1 − x.
    delta: f64,
}

impl Roots {
    fn new(arrival: f64, own: f64, other: f64) -> Roots {
        let difference = |a: f64, b: f64| {
            let (c, d) = (a.cbrt(), b.cbrt());
            (a - b) / (c * c + c * d + d * d)
        };
        let above = [difference(own, arrival), difference(own, other)];
        let third = difference(other, arrival);
        let [a, b, c] = [arrival.cbrt(), own.cbrt(), other.cbrt()];
        let squares = above[0] * above[0] + above[1] * above[1] + third * third;
        // (λ + μ₁ + μ₂)/κ − 3, the lead of the arithmetic mean over the geometric one.
        let lead = (a + b + c) * squares / (2.0 * a * b * c);
        Roots {
            arrival: a,
            own: b,
            other: c,
            above,
            empty: (other - arrival) / other,
            delta: smallest_delta(lead),
        }
    }

    fn edge(&self) -> Edge {
        let (square, x) = (self.own * self.own, 1.0 - self.delta);
        let scale = self.arrival * self.other / square;
        // 1 − κ/μ.
        let lead = (self.own * self.above[0] + self.arrival * self.above[1]) / square;
        let end = lead + scale * self.delta * (2.0 - self.delta);
        let mut edge = Edge {
            zero: scale / x,
            beyond: (lead - self.delta) / x,
            branch: scale * x * x,
            end: end.max(0.0).sqrt(),
            weight: 1.0,
        };
        edge.weight = self.empty / edge.at(Wave::new(0.0, 0.0)).re;
        edge
    }
}

/// δ in [0, 1) for which 1 − δ is a root of x³ − (3 + lead)x + 2 = 0, that is (3 − δ)δ² = lead(1 − δ).
fn smallest_delta(lead: f64) -> f64 {
    // From a point above the root of the rising side less the falling one, Newton's steps come down.
    let mut delta = (0.5 * lead).sqrt().min(1.0);
    for _ in 0..200 {
        let miss = (3.0 - delta) * delta * delta - lead * (1.0 - delta);
        let slope = (6.0 - 3.0 * delta) * delta + lead;
        let next = delta - miss / slope;
        if !(next < delta && next > 0.0) {
            break;
        }
        delta = next;
    }
    delta
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::Mm1;
    use approx::assert_relative_eq;
    use proptest::prelude::*;

    #[test]
    fn published_means_of_equal_queues() {
        for rho in [
            1e-3,
            0.1,
            0.5,
            0.8,
            0.9,
            0.99,
            0.9999,
            0.999_99,
            1.0 - 1e-7,
            1.0 - 1e-9,
        ] {
            let join = ForkJoin::new(3.0 * rho, [3.0, 3.0]).unwrap();
            let mean = (12.0 - rho) / 8.0 / (3.0 - 3.0 * rho);
            assert_relative_eq!(join.mean(), mean, max_relative = 1e-9);
        }
    }

    #[test]
    fn quantiles_of_the_joint_chain() {
        let join = ForkJoin::new(0.5, [1.0, 1.0]).unwrap();
        for (p, t) in [
            (0.5, 2.3002069),
            (0.9, 5.8334472),
            (0.95, 7.2715635),
            (0.99, 10.551755),
        ] {
            assert_relative_eq!(join.quantile(p).unwrap(), t, max_relative = 1e-7);
        }
        // Unequal queues: P(T > t) from the chain of both, truncated at 90 orders each.
        let join = ForkJoin::new(0.5, [1.0, 0.8]).unwrap();
        for (t, tail) in [
            (0.14, 0.9959757549945351),
            (1.4, 0.7948789331445985),
            (2.3002069, 0.6228844151557678),
            (5.83, 0.20803266946663146),
            (10.551755, 0.0462394394675647),
        ] {
            assert_relative_eq!(join.ccdf(t), tail, epsilon = 3e-10);
        }
        let join = ForkJoin::new(0.3, [1.0, 5.0]).unwrap();
        assert_relative_eq!(join.ccdf(1.4), 0.37603777883988154, epsilon = 3e-10);
    }

    #[test]
    fn nothing_outside_the_domain() {
        assert!(ForkJoin::new(1.0, [1.0, 2.0]).is_err());
        assert!(ForkJoin::new(1.0, [2.0, 1.0 + 1e-10]).is_err());
        assert!(ForkJoin::new(f64::NAN, [2.0, 2.0]).is_err());
        assert!(ForkJoin::new(1.0, [2.0, -2.0]).is_err());
    }

    proptest! {
        #[test]
        fn between_the_slower_queue_and_independent_ones(
            rho in 0.01f64..0.99, ratio in 1.0f64..50.0, scale in 0.01f64..100.0,
        ) {
            let (slow, fast) = (scale, scale * ratio);
            let lambda = rho * slow;
            let join = ForkJoin::new(lambda, [slow, fast]).unwrap();
            let other = ForkJoin::new(lambda, [fast, slow]).unwrap();
            prop_assert!((join.mean() / other.mean() - 1.0).abs() < 1e-8);
            let (a, b) = (slow - lambda, fast - lambda);
            // Max of independent times: they are associated (Nelson and Tantawi, section 3).
            let independent = 1.0 / a + 1.0 / b - 1.0 / (a + b);
            prop_assert!(join.mean() >= 1.0 / a * (1.0 - 1e-9));
            prop_assert!(join.mean() <= independent * (1.0 + 1e-9));
            let one = Mm1::new(lambda, slow).unwrap();
            let t = join.quantile(0.9).unwrap();
            prop_assert!((join.ccdf(t) - 0.1).abs() < 1e-9);
            prop_assert!(join.ccdf(t) >= one.sojourn_ccdf(t) - 1e-9);
        }

        #[test]
        fn a_very_fast_queue_does_not_matter(rho in 0.01f64..0.95) {
            let join = ForkJoin::new(rho, [1.0, 1e6]).unwrap();
            let one = Mm1::new(rho, 1.0).unwrap();
            prop_assert!((join.mean() / one.sojourn_mean() - 1.0).abs() < 1e-5);
            prop_assert!((join.variance() / one.sojourn_mean().powi(2) - 1.0).abs() < 1e-5);
        }
    }
}
