//! Probability laws of positive whole numbers, such as batch sizes.

use super::error::{ParameterError, length, probabilities};

/// A law of a positive whole number, such as a batch size.
#[derive(Debug, Clone, PartialEq)]
pub enum DiscreteDistribution {
    /// Always the same number, at least 1.
    Deterministic {
        /// The number.
        value: u64,
    },
    /// P(X = k) = (1 − p)^(k−1) p on 1, 2, 3, …
    Geometric {
        /// 1/p, at least 1.
        mean: f64,
    },
    /// The given numbers with the given probabilities.
    Finite {
        /// Each at least 1.
        values: Vec<u64>,
        /// Adds up to 1.
        probabilities: Vec<f64>,
    },
}

impl DiscreteDistribution {
    /// Always `value`.
    ///
    /// # Errors
    /// `value` 0.
    pub fn deterministic(value: u64) -> Result<Self, ParameterError> {
        at_least_one("value", value)?;
        Ok(DiscreteDistribution::Deterministic { value })
    }

    /// Geometric on 1, 2, 3, … with the given `mean` = 1/p.
    ///
    /// # Errors
    /// `mean` below 1 or above 10¹⁵ (where whole numbers stop being exact).
    pub fn geometric(mean: f64) -> Result<Self, ParameterError> {
        if !(1.0..=1e15).contains(&mean) {
            let message = format!(
                "`mean` of a geometric law on 1, 2, 3, … must be from 1 to 1e15, not {mean}"
            );
            return Err(ParameterError::new("mean", message));
        }
        Ok(DiscreteDistribution::Geometric { mean })
    }

    /// `values[i]` with `weights[i]`.
    ///
    /// # Errors
    /// Lists empty or of different length, a value of 0, or weights (parameter `probabilities`)
    /// that do not add up to 1.
    pub fn finite(values: Vec<u64>, weights: Vec<f64>) -> Result<Self, ParameterError> {
        let probabilities = probabilities("probabilities", weights)?;
        length("values", &values, probabilities.len(), "one a probability")?;
        for &value in &values {
            at_least_one("values", value)?;
        }
        Ok(DiscreteDistribution::Finite {
            values,
            probabilities,
        })
    }

    /// E\[X\].
    pub fn mean(&self) -> f64 {
        self.moment(1)
    }

    /// E\[X^k\] for k = 1, 2, 3.
    ///
    /// # Panics
    /// If `k` is not 1, 2 or 3.
    ///
    /// ```
    /// use orderline::random::DiscreteDistribution;
    /// let law = DiscreteDistribution::finite(vec![1, 5], vec![0.5, 0.5]).unwrap();
    /// assert_eq!((law.mean(), law.moment(2)), (3.0, 13.0));
    /// ```
    pub fn moment(&self, k: u32) -> f64 {
        assert!((1..=3).contains(&k), "moments of order 1 to 3, not {k}");
        match self {
            DiscreteDistribution::Deterministic { value } => (*value as f64).powi(k as i32),
            DiscreteDistribution::Geometric { mean } => geometric_moment(*mean, k),
            DiscreteDistribution::Finite {
                values,
                probabilities,
            } => {
                let pairs = values.iter().zip(probabilities);
                pairs.map(|(v, p)| p * (*v as f64).powi(k as i32)).sum()
            }
        }
    }

    /// E\[(X − E\[X\])²\].
    pub fn variance(&self) -> f64 {
        match self {
            DiscreteDistribution::Deterministic { .. } => 0.0,
            DiscreteDistribution::Geometric { mean } => mean * (mean - 1.0),
            DiscreteDistribution::Finite {
                values,
                probabilities,
            } => {
                let mean = self.mean();
                let pairs = values.iter().zip(probabilities);
                pairs.map(|(v, p)| p * (*v as f64 - mean).powi(2)).sum()
            }
        }
    }

    /// Whether 1 is the only number it gives.
    pub fn is_always_one(&self) -> bool {
        self.mean() == 1.0
    }

    /// The squared coefficient of variation, variance/mean².
    pub fn scv(&self) -> f64 {
        self.variance() / self.mean().powi(2)
    }
}

/// With m = 1/p: m, (2 − p)/p² and (6 − 6p + p²)/p³.
fn geometric_moment(mean: f64, k: u32) -> f64 {
    match k {
        1 => mean,
        2 => mean * (2.0 * mean - 1.0),
        _ => mean * (6.0 * mean * (mean - 1.0) + 1.0),
    }
}

fn at_least_one(parameter: &'static str, value: u64) -> Result<(), ParameterError> {
    if value == 0 {
        let message = format!("`{parameter}` must be a whole number of at least 1, not 0");
        return Err(ParameterError::new(parameter, message));
    }
    Ok(())
}
