//! Quantile functions: in closed form where there is one, else as a bracketed root.

use super::Distribution;
use super::bisect::bisect;
use statrs::function::erf::erfc_inv;
use std::f64::consts::SQRT_2;

/// Relative accuracy of a quantile found as a root.
const ACCURACY: f64 = 1e-13;

impl Distribution {
    /// The smallest x with P(X ≤ x) ≥ p, to 1e-12 relative: in seconds; for p = 1 the right end of
    /// the law (often infinite), for p = 0 its left end, and NaN for p outside [0, 1].
    ///
    /// ```
    /// use orderline::random::Distribution;
    /// let law = Distribution::exponential(1.0).unwrap();
    /// assert!((law.quantile(0.99) - 4.605_170_185_988_091).abs() < 1e-12); // ln 100
    /// ```
    pub fn quantile(&self, p: f64) -> f64 {
        if !(0.0..=1.0).contains(&p) {
            return f64::NAN;
        }
        match self {
            Distribution::Exponential { rate } => -(-p).ln_1p() / rate,
            Distribution::Deterministic { value } => *value,
            Distribution::Uniform { low, high } => low + p * (high - low),
            Distribution::LogNormal { mu, sigma } => {
                (mu - sigma * SQRT_2 * erfc_inv(2.0 * p)).exp()
            }
            Distribution::Weibull { shape, scale } => scale * (-(-p).ln_1p()).powf(1.0 / shape),
            Distribution::Pareto { shape, scale } => scale * (-(-p).ln_1p() / shape).exp(),
            Distribution::BoundedPareto { shape, low, high } => {
                let mass = -(shape * (low / high).ln()).exp_m1();
                (low * (-(-p * mass).ln_1p() / shape).exp()).min(*high)
            }
            Distribution::Triangular { low, mode, high } => {
                triangular_quantile(*low, *mode, *high, p)
            }
            Distribution::Empirical { values } => {
                let rank = (p * values.len() as f64).ceil() as usize;
                values[rank.clamp(1, values.len()) - 1]
            }
            Distribution::Shifted { by, of } => by + of.quantile(p),
            Distribution::Erlang { .. }
            | Distribution::Gamma { .. }
            | Distribution::Hyperexponential { .. }
            | Distribution::Coxian { .. }
            | Distribution::PhaseType { .. }
            | Distribution::Mixture { .. } => self.quantile_by_root(p),
        }
    }

    fn quantile_by_root(&self, p: f64) -> f64 {
        if let Distribution::Mixture {
            weights,
            components,
        } = self
            && (p == 0.0 || p == 1.0)
        {
            let used = weights.iter().zip(components).filter(|(w, _)| **w > 0.0);
            let ends = used.map(|(_, law)| law.quantile(p));
            return if p == 0.0 {
                ends.fold(f64::INFINITY, f64::min)
            } else {
                ends.fold(0.0, f64::max)
            };
        }
        if p == 1.0 {
            return f64::INFINITY;
        }
        if self.cdf(0.0) >= p {
            return 0.0;
        }
        let reached = |x: f64| self.reaches(x, p);
        let mut high = if self.mean().is_finite() {
            self.mean()
        } else {
            1.0
        };
        while !reached(high) && high < f64::MAX / 2.0 {
            high *= 2.0;
        }
        bisect(0.0, high, ACCURACY, reached)
    }

    /// P(X ≤ x) ≥ p, judged on the side where the probability is small and therefore precise.
    fn reaches(&self, x: f64, p: f64) -> bool {
        if p <= 0.5 {
            self.cdf(x) >= p
        } else {
            self.ccdf(x) <= 1.0 - p
        }
    }
}

fn triangular_quantile(low: f64, mode: f64, high: f64, p: f64) -> f64 {
    let width = high - low;
    if p * width < mode - low {
        return low + (p * width * (mode - low)).sqrt();
    }
    high - ((1.0 - p) * width * (high - mode)).sqrt()
}
