//! Probability laws of non-negative times: their parameters, constructors, moments, distribution
//! functions and quantiles.

mod bisect;
mod cdf;
mod construct;
mod fit;
mod kind;
mod moments;
mod partial;
pub(super) mod phases;
mod quantile;

pub(crate) use partial::Pieces;
use std::sync::Arc;

/// A law of a non-negative time, in seconds. Parameters are valid by construction.
#[derive(Debug, Clone, PartialEq)]
pub enum Distribution {
    /// Density λe^(−λx).
    Exponential {
        /// λ, per second.
        rate: f64,
    },
    /// Always the same value.
    Deterministic {
        /// The value; 0 is legal.
        value: f64,
    },
    /// Equal density on an interval.
    Uniform {
        /// Left end, at least 0.
        low: f64,
        /// Right end, above `low`.
        high: f64,
    },
    /// Sum of `shape` independent exponential times.
    Erlang {
        /// Number of phases.
        shape: u32,
        /// Rate of each phase, per second.
        rate: f64,
    },
    /// Density proportional to x^(shape−1) e^(−x/scale).
    Gamma {
        /// k.
        shape: f64,
        /// θ, seconds.
        scale: f64,
    },
    /// The exponential of a normal variable.
    LogNormal {
        /// Mean of the logarithm.
        mu: f64,
        /// Standard deviation of the logarithm.
        sigma: f64,
    },
    /// P(X > x) = exp(−(x/scale)^shape).
    Weibull {
        /// k.
        shape: f64,
        /// Seconds.
        scale: f64,
    },
    /// P(X > x) = (scale/x)^shape for x ≥ scale.
    Pareto {
        /// α.
        shape: f64,
        /// The smallest value, seconds.
        scale: f64,
    },
    /// A Pareto law cut to an interval.
    BoundedPareto {
        /// α.
        shape: f64,
        /// The smallest value, above 0.
        low: f64,
        /// The largest value.
        high: f64,
    },
    /// One of several exponential laws, chosen by chance.
    Hyperexponential {
        /// Adds up to 1.
        probabilities: Vec<f64>,
        /// Per second, one for each probability.
        rates: Vec<f64>,
    },
    /// Exponential phases in series, left early by chance.
    Coxian {
        /// Per second, one for each phase.
        rates: Vec<f64>,
        /// Probability of going on from phase i to i + 1; one fewer than `rates`.
        probabilities: Vec<f64>,
    },
    /// Time to absorption of a Markov chain. Probability mass missing from `alpha` is an atom at 0.
    PhaseType {
        /// Initial probabilities.
        alpha: Vec<f64>,
        /// Sub-generator, row by row.
        t: Vec<Vec<f64>>,
    },
    /// Density rising linearly from `low` to `mode` and falling to `high`.
    Triangular {
        /// Left end, at least 0.
        low: f64,
        /// The peak.
        mode: f64,
        /// Right end, above `low`.
        high: f64,
    },
    /// One of several laws, chosen by chance.
    Mixture {
        /// Adds up to 1.
        weights: Vec<f64>,
        /// One for each weight.
        components: Vec<Distribution>,
    },
    /// One of the given values, each with equal probability.
    Empirical {
        /// Sorted; at least one.
        values: Arc<[f64]>,
    },
    /// Another law plus a constant.
    Shifted {
        /// Seconds added.
        by: f64,
        /// The law of the rest.
        of: Box<Distribution>,
    },
}
