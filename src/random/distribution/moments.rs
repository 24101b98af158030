//! Moments of the laws, in closed form.

use super::Distribution;
use super::phases::Phases;
use statrs::function::gamma::{gamma, ln_gamma};

impl Distribution {
    /// E\[X\], in seconds; infinite for a Pareto law of shape up to 1.
    pub fn mean(&self) -> f64 {
        self.moment(1)
    }

    /// E\[X^k\] for k = 1, 2, 3, in seconds^k; infinite where it does not exist or overflows.
    ///
    /// # Panics
    /// If `k` is not 1, 2 or 3.
    ///
    /// ```
    /// use orderline::random::Distribution;
    /// let law = Distribution::exponential(2.0).unwrap();
    /// assert_eq!(law.moment(3), 0.75); // 3!/2³
    /// ```
    pub fn moment(&self, k: u32) -> f64 {
        assert!((1..=3).contains(&k), "moments of order 1 to 3, not {k}");
        let power = k as i32;
        match self {
            Distribution::Exponential { rate } => exponential_moment(*rate, k),
            Distribution::Deterministic { value } => value.powi(power),
            Distribution::Uniform { low, high } => {
                symmetric_sum(&[*low, *high], k) / f64::from(k + 1)
            }
            Distribution::Erlang { shape, rate } => rising(f64::from(*shape), k, 1.0 / rate),
            Distribution::Gamma { shape, scale } => rising(*shape, k, *scale),
            Distribution::LogNormal { mu, sigma } => {
                let k = f64::from(k);
                (k * mu + k * k * sigma * sigma / 2.0).exp()
            }
            Distribution::Weibull { shape, scale } => {
                scale.powi(power) * gamma(1.0 + f64::from(k) / shape)
            }
            Distribution::Pareto { shape, scale } => pareto_moment(*shape, *scale, k),
            Distribution::BoundedPareto { shape, low, high } => {
                bounded_pareto_moment(*shape, *low, *high, k)
            }
            Distribution::Hyperexponential {
                probabilities,
                rates,
            } => weighted(probabilities, rates, |&rate| exponential_moment(rate, k)),
            Distribution::Coxian {
                rates,
                probabilities,
            } => coxian_moment(rates, probabilities, k),
            Distribution::PhaseType { alpha, t } => Phases::new(alpha, t).moment(k),
            Distribution::Triangular { low, mode, high } => {
                let pairs = f64::from((k + 1) * (k + 2));
                2.0 * symmetric_sum(&[*low, *mode, *high], k) / pairs
            }
            Distribution::Mixture {
                weights,
                components,
            } => weighted(weights, components, |law| law.moment(k)),
            Distribution::Empirical { values } => average(values, |value| value.powi(power)),
            Distribution::Shifted { by, of } => (0..=k)
                .map(|j| binomial(k, j) * by.powi((k - j) as i32) * moment_or_one(of, j))
                .sum(),
        }
    }

    /// Whether E\[X^k\] exists; only Pareto tails (of shape up to k) leave it infinite.
    ///
    /// ```
    /// use orderline::random::Distribution;
    /// let law = Distribution::pareto(3.5, 1.0).unwrap();
    /// assert!(law.moment_is_finite(3) && !law.moment_is_finite(4));
    /// ```
    pub fn moment_is_finite(&self, k: u32) -> bool {
        match self {
            Distribution::Pareto { shape, .. } => *shape > f64::from(k),
            Distribution::Shifted { of, .. } => of.moment_is_finite(k),
            Distribution::Mixture {
                weights,
                components,
            } => {
                let mut used = weights.iter().zip(components).filter(|(w, _)| **w > 0.0);
                used.all(|(_, law)| law.moment_is_finite(k))
            }
            _ => true,
        }
    }

    /// E\[(X − E\[X\])²\], in seconds²; infinite for a Pareto law of shape up to 2.
    ///
    /// Computed without the cancellation of E\[X²\] − E\[X\]² where that would lose digits.
    pub fn variance(&self) -> f64 {
        match self {
            Distribution::Deterministic { .. } => 0.0,
            Distribution::Uniform { low, high } => (high - low).powi(2) / 12.0,
            Distribution::Erlang { shape, rate } => f64::from(*shape) / (rate * rate),
            Distribution::Gamma { shape, scale } => shape * scale * scale,
            Distribution::LogNormal { sigma, .. } => self.mean().powi(2) * (sigma * sigma).exp_m1(),
            Distribution::Weibull { shape, .. } => {
                self.mean().powi(2) * weibull_log_moment_ratio(1.0 / shape).exp_m1()
            }
            Distribution::Pareto { shape, scale } => pareto_variance(*shape, *scale),
            Distribution::Triangular { low, mode, high } => {
                let (left, right) = (mode - low, high - mode);
                (left * left + left * right + right * right) / 18.0
            }
            Distribution::Mixture {
                weights,
                components,
            } => {
                let mean = self.mean();
                weighted(weights, components, |law| {
                    law.variance() + (law.mean() - mean).powi(2)
                })
            }
            Distribution::Empirical { values } => {
                let mean = self.mean();
                average(values, |value| (value - mean).powi(2))
            }
            Distribution::Shifted { of, .. } => of.variance(),
            _ => (self.moment(2) - self.mean().powi(2)).max(0.0),
        }
    }

    /// The squared coefficient of variation, variance/mean²: 1 for exponential, 0 for
    /// deterministic (also for the law that is always 0), infinite where the variance is.
    ///
    /// ```
    /// use orderline::random::Distribution;
    /// assert_eq!(Distribution::erlang(4, 1.0).unwrap().scv(), 0.25);
    /// ```
    pub fn scv(&self) -> f64 {
        let (mean, variance) = (self.mean(), self.variance());
        if variance == 0.0 {
            return 0.0;
        }
        if variance.is_infinite() {
            return f64::INFINITY;
        }
        variance / mean / mean
    }
}

/// ln(Γ(1 + 2x)/Γ(1 + x)²), that is ln(1 + scv) of a Weibull law of shape 1/x. Increases with x.
pub(super) fn weibull_log_moment_ratio(x: f64) -> f64 {
    /// ζ(2) to ζ(9).
    const ZETA: [f64; 8] = [
        1.644_934_066_848_226_4,
        1.202_056_903_159_594_3,
        1.082_323_233_711_138_2,
        1.036_927_755_143_37,
        1.017_343_061_984_449,
        1.008_349_277_381_922_8,
        1.004_077_356_197_944_3,
        1.002_008_392_826_082_2,
    ];
    if x >= 0.01 {
        return ln_gamma(1.0 + 2.0 * x) - 2.0 * ln_gamma(1.0 + x);
    }
    // Near 0 the difference cancels; the Taylor series of ln Γ(1 + x) (Abramowitz & Stegun
    // 6.1.33) gives Σ ζ(n) (−x)ⁿ (2ⁿ − 2)/n, whose remainder here is below 1e-13 relative.
    (2..)
        .zip(ZETA)
        .map(|(n, zeta)| zeta * (-x).powi(n) * (2f64.powi(n) - 2.0) / f64::from(n))
        .sum()
}

fn factorial(k: u32) -> f64 {
    (1..=k).map(f64::from).product()
}

fn binomial(n: u32, k: u32) -> f64 {
    factorial(n) / (factorial(k) * factorial(n - k))
}

fn moment_or_one(law: &Distribution, k: u32) -> f64 {
    if k == 0 { 1.0 } else { law.moment(k) }
}

fn exponential_moment(rate: f64, k: u32) -> f64 {
    factorial(k) / rate.powi(k as i32)
}

/// scale^k · a(a + 1)…(a + k − 1), the moments of a gamma law.
fn rising(shape: f64, k: u32, scale: f64) -> f64 {
    (0..k).map(|i| (shape + f64::from(i)) * scale).product()
}

/// Sum of all products of `k` factors from `knots`, repetition allowed. The moments of a B-spline
/// density are multiples of it (Hermite–Genocchi): two knots make the uniform law, three the
/// triangular one, and no knots' difference is ever divided by.
fn symmetric_sum(knots: &[f64], k: u32) -> f64 {
    match (knots, k) {
        (_, 0) => 1.0,
        ([], _) => 0.0,
        ([first, rest @ ..], _) => first * symmetric_sum(knots, k - 1) + symmetric_sum(rest, k),
    }
}

fn weighted<T>(weights: &[f64], items: &[T], value: impl Fn(&T) -> f64) -> f64 {
    let pairs = weights.iter().zip(items);
    pairs
        .filter(|(weight, _)| **weight > 0.0) // 0 · ∞ is not a number
        .map(|(weight, item)| weight * value(item))
        .sum()
}

fn average(values: &[f64], value: impl Fn(f64) -> f64) -> f64 {
    values.iter().map(|&v| value(v)).sum::<f64>() / values.len() as f64
}

fn pareto_moment(shape: f64, scale: f64, k: u32) -> f64 {
    let order = f64::from(k);
    if shape <= order {
        return f64::INFINITY;
    }
    scale.powi(k as i32) * shape / (shape - order)
}

fn pareto_variance(shape: f64, scale: f64) -> f64 {
    if shape <= 2.0 {
        return f64::INFINITY;
    }
    let mean_over_shape = scale / (shape - 1.0);
    mean_over_shape * mean_over_shape * shape / (shape - 2.0)
}

/// α low^k/(1 − (low/high)^α) · ∫ of u^(k−α−1) from 1 to high/low, in logarithms: with
/// r = ln(high/low) and s = k − α the integral is (e^(sr) − 1)/s, and r where s = 0.
fn bounded_pareto_moment(shape: f64, low: f64, high: f64, k: u32) -> f64 {
    let ratio = (high / low).ln();
    let excess = f64::from(k) - shape;
    let integral = match excess == 0.0 {
        true => ratio,
        false => (excess * ratio).exp_m1() / excess,
    };
    let mass = -(-shape * ratio).exp_m1();
    shape * low.powi(k as i32) * integral / mass
}

/// Moments of the time left, phase by phase from the last to the first: what is left at phase i
/// is its own exponential time plus, with the probability of going on, what is left at i + 1.
fn coxian_moment(rates: &[f64], probabilities: &[f64], k: u32) -> f64 {
    let mut left = [0.0; 4];
    for (phase, &rate) in rates.iter().enumerate().rev() {
        let go_on = probabilities.get(phase).copied().unwrap_or(0.0);
        let after = left.map(|moment| go_on * moment);
        for order in 1..=k {
            left[order as usize] = (0..=order)
                .map(|j| {
                    let rest = if j == order {
                        1.0
                    } else {
                        after[(order - j) as usize]
                    };
                    binomial(order, j) * factorial(j) / rate.powi(j as i32) * rest
                })
                .sum();
        }
    }
    left[k as usize]
}
