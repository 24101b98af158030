//! Distribution functions and their complements.

use super::Distribution;
use super::phases::Phases;
use statrs::function::erf::erfc;
use statrs::function::gamma::{gamma_lr, gamma_ur};
use std::f64::consts::SQRT_2;

impl Distribution {
    /// P(X ≤ x), to 1e-10 absolute (gamma and Erlang laws of shape above 10⁵: to 1e-15·shape).
    ///
    /// ```
    /// use orderline::random::Distribution;
    /// let law = Distribution::erlang_rate(2, 1.0).unwrap();
    /// assert!((law.cdf(1.0) - (1.0 - 2.0 / 1f64.exp())).abs() < 1e-14);
    /// ```
    pub fn cdf(&self, x: f64) -> f64 {
        if x.is_nan() || x < 0.0 {
            return if x.is_nan() { f64::NAN } else { 0.0 };
        }
        match self {
            Distribution::Exponential { rate } => -(-rate * x).exp_m1(),
            Distribution::Deterministic { value } => step(x >= *value),
            Distribution::Uniform { low, high } => ((x - low) / (high - low)).clamp(0.0, 1.0),
            Distribution::Erlang { shape, rate } => lower_gamma(f64::from(*shape), rate * x),
            Distribution::Gamma { shape, scale } => lower_gamma(*shape, x / scale),
            Distribution::LogNormal { mu, sigma } => erfc((mu - x.ln()) / (sigma * SQRT_2)) / 2.0,
            Distribution::Weibull { shape, scale } => -(-(x / scale).powf(*shape)).exp_m1(),
            Distribution::Pareto { shape, scale } => pareto_cdf(*shape, *scale, x),
            Distribution::BoundedPareto { shape, low, high } => {
                (pareto_cdf(*shape, *low, x) / pareto_cdf(*shape, *low, *high)).min(1.0)
            }
            Distribution::Hyperexponential {
                probabilities,
                rates,
            } => mix(probabilities, rates, |rate| -(-rate * x).exp_m1()),
            Distribution::Triangular { low, mode, high } => triangular_cdf(*low, *mode, *high, x),
            Distribution::Mixture {
                weights,
                components,
            } => mix(weights, components, |law| law.cdf(x)),
            Distribution::Empirical { values } => {
                values.partition_point(|&value| value <= x) as f64 / values.len() as f64
            }
            Distribution::Shifted { by, of } => of.cdf(x - by),
            Distribution::Coxian { .. } | Distribution::PhaseType { .. } => 1.0 - self.ccdf(x),
        }
    }

    /// P(X > x), precise in the far tail where 1 − cdf(x) would be 0.
    ///
    /// ```
    /// use orderline::random::Distribution;
    /// let law = Distribution::exponential(1.0).unwrap();
    /// assert!((law.ccdf(100.0) / 3.720_075_976_020_836e-44 - 1.0).abs() < 1e-12);
    /// ```
    pub fn ccdf(&self, x: f64) -> f64 {
        if x.is_nan() || x < 0.0 {
            return if x.is_nan() { f64::NAN } else { 1.0 };
        }
        match self {
            Distribution::Exponential { rate } => (-rate * x).exp(),
            Distribution::Erlang { shape, rate } => upper_gamma(f64::from(*shape), rate * x),
            Distribution::Gamma { shape, scale } => upper_gamma(*shape, x / scale),
            Distribution::LogNormal { mu, sigma } => erfc((x.ln() - mu) / (sigma * SQRT_2)) / 2.0,
            Distribution::Weibull { shape, scale } => (-(x / scale).powf(*shape)).exp(),
            Distribution::Pareto { shape, scale } => (scale / x.max(*scale)).powf(*shape),
            Distribution::BoundedPareto { shape, low, high } => {
                let x = x.clamp(*low, *high);
                let left = -(shape * (x / high).ln()).exp_m1();
                (low / x).powf(*shape) * left / pareto_cdf(*shape, *low, *high)
            }
            Distribution::Hyperexponential {
                probabilities,
                rates,
            } => mix(probabilities, rates, |rate| (-rate * x).exp()),
            Distribution::Coxian {
                rates,
                probabilities,
            } => Phases::coxian(rates, probabilities).ccdf(x),
            Distribution::PhaseType { alpha, t } => Phases::new(alpha, t).ccdf(x),
            Distribution::Mixture {
                weights,
                components,
            } => mix(weights, components, |law| law.ccdf(x)),
            Distribution::Shifted { by, of } => of.ccdf(x - by),
            Distribution::Deterministic { .. }
            | Distribution::Uniform { .. }
            | Distribution::Triangular { .. }
            | Distribution::Empirical { .. } => 1.0 - self.cdf(x),
        }
    }
}

fn step(reached: bool) -> f64 {
    if reached { 1.0 } else { 0.0 }
}

fn lower_gamma(shape: f64, x: f64) -> f64 {
    match x {
        0.0 => 0.0,
        f64::INFINITY => 1.0,
        x => gamma_lr(shape, x),
    }
}

fn upper_gamma(shape: f64, x: f64) -> f64 {
    match x {
        0.0 => 1.0,
        f64::INFINITY => 0.0,
        x => gamma_ur(shape, x),
    }
}

fn pareto_cdf(shape: f64, scale: f64, x: f64) -> f64 {
    -(shape * (scale / x.max(scale)).ln()).exp_m1()
}

fn triangular_cdf(low: f64, mode: f64, high: f64, x: f64) -> f64 {
    let x = x.clamp(low, high);
    let width = high - low;
    match x < mode {
        true => (x - low).powi(2) / (width * (mode - low)),
        false if high == mode => 1.0,
        false => 1.0 - (high - x).powi(2) / (width * (high - mode)),
    }
}

fn mix<T>(weights: &[f64], items: &[T], value: impl Fn(&T) -> f64) -> f64 {
    let pairs = weights.iter().zip(items);
    pairs.map(|(weight, item)| weight * value(item)).sum()
}
