//! Constructors by native parameters. Each refuses what is not a law, so that nothing downstream
//! has to check again.

use super::Distribution;
use super::phases::check_sub_generator;
use crate::random::error::{
    ParameterError, defective_probabilities, length, non_negative, not_empty, positive,
    probabilities, probability, representable,
};

type Checked = Result<Distribution, ParameterError>;

impl Distribution {
    /// Exponential with `rate` λ per second: density λe^(−λx), mean 1/λ.
    ///
    /// # Errors
    /// `rate` not above 0 or not finite, or its mean not representable.
    ///
    /// ```
    /// use orderline::random::Distribution;
    /// assert_eq!(Distribution::exponential(20.0).unwrap().mean(), 0.05);
    /// assert_eq!(Distribution::exponential(-1.0).unwrap_err().parameter, "rate");
    /// ```
    pub fn exponential(rate: f64) -> Checked {
        positive("rate", rate)?;
        within_range("rate", Distribution::Exponential { rate })
    }

    /// Exponential by its `mean` in seconds.
    ///
    /// # Errors
    /// `mean` not above 0 or not finite, or its rate not representable.
    pub fn exponential_mean(mean: f64) -> Checked {
        let rate = representable("mean", "rate", 1.0 / positive("mean", mean)?)?;
        within_range("mean", Distribution::Exponential { rate })
    }

    /// Always `value` seconds; 0 is legal.
    ///
    /// # Errors
    /// `value` negative or not finite.
    pub fn deterministic(value: f64) -> Checked {
        let value = non_negative("value", value)?;
        Ok(Distribution::Deterministic { value })
    }

    /// Uniform on [`low`, `high`].
    ///
    /// # Errors
    /// `low` negative, `high` not above `low`, or one of them not finite.
    pub fn uniform(low: f64, high: f64) -> Checked {
        let low = non_negative("low", low)?;
        above("high", high, "low", low)?;
        within_range("high", Distribution::Uniform { low, high })
    }

    /// Sum of `shape` exponential phases with the given `mean` altogether; scv 1/`shape`.
    ///
    /// # Errors
    /// `shape` 0; `mean` not above 0 or not finite.
    pub fn erlang(shape: u32, mean: f64) -> Checked {
        phase_count(shape)?;
        let rate = f64::from(shape) / positive("mean", mean)?;
        representable("mean", "rate of a phase", rate)?;
        within_range("mean", Distribution::Erlang { shape, rate })
    }

    /// Sum of `shape` exponential phases of `rate` per second each; mean `shape`/`rate`.
    ///
    /// # Errors
    /// `shape` 0; `rate` not above 0 or not finite.
    pub fn erlang_rate(shape: u32, rate: f64) -> Checked {
        phase_count(shape)?;
        positive("rate", rate)?;
        within_range("rate", Distribution::Erlang { shape, rate })
    }

    /// Gamma with `shape` k and `scale` θ seconds: mean kθ, scv 1/k.
    ///
    /// # Errors
    /// A parameter not above 0 or not finite.
    pub fn gamma(shape: f64, scale: f64) -> Checked {
        positive("shape", shape)?;
        positive("scale", scale)?;
        within_range("scale", Distribution::Gamma { shape, scale })
    }

    /// Exponential of a normal variable with mean `mu` and standard deviation `sigma`:
    /// mean e^(μ + σ²/2), scv e^(σ²) − 1.
    ///
    /// # Errors
    /// `mu` not finite, `sigma` not above 0, or moments that overflow.
    pub fn lognormal(mu: f64, sigma: f64) -> Checked {
        if !mu.is_finite() {
            let message = format!("`mu` must be a finite number, not {mu}");
            return Err(ParameterError::new("mu", message));
        }
        positive("sigma", sigma)?;
        within_range("sigma", Distribution::LogNormal { mu, sigma })
    }

    /// Weibull: P(X > x) = exp(−(x/`scale`)^`shape`).
    ///
    /// # Errors
    /// A parameter not above 0 or not finite, or moments that overflow (shapes below 0.012).
    pub fn weibull(shape: f64, scale: f64) -> Checked {
        positive("shape", shape)?;
        positive("scale", scale)?;
        within_range("shape", Distribution::Weibull { shape, scale })
    }

    /// Pareto: P(X > x) = (`scale`/x)^`shape` for x ≥ `scale`. The mean is infinite for shapes up
    /// to 1 and the variance for shapes up to 2; such laws are legal.
    ///
    /// # Errors
    /// A parameter not above 0 or not finite.
    pub fn pareto(shape: f64, scale: f64) -> Checked {
        positive("shape", shape)?;
        positive("scale", scale)?;
        let law = Distribution::Pareto { shape, scale };
        if shape > 2.0 {
            return within_range("scale", law);
        }
        Ok(law)
    }

    /// Pareto law of `shape` α cut to [`low`, `high`]:
    /// P(X > x) = ((low/x)^α − (low/high)^α) / (1 − (low/high)^α).
    ///
    /// # Errors
    /// `shape` or `low` not above 0, `high` not above `low`, or one of them not finite.
    pub fn bounded_pareto(shape: f64, low: f64, high: f64) -> Checked {
        positive("shape", shape)?;
        positive("low", low)?;
        above("high", high, "low", low)?;
        within_range("high", Distribution::BoundedPareto { shape, low, high })
    }

    /// Exponential with `rates[i]` with probability `probabilities[i]`.
    ///
    /// # Errors
    /// Lists empty or of different length, probabilities that do not add up to 1, a rate not above
    /// 0 or not finite.
    pub fn hyperexponential(weights: Vec<f64>, rates: Vec<f64>) -> Checked {
        let probabilities = probabilities("probabilities", weights)?;
        length("rates", &rates, probabilities.len(), "one a probability")?;
        all_positive("rates", &rates)?;
        let law = Distribution::Hyperexponential {
            probabilities,
            rates,
        };
        within_range("rates", law)
    }

    /// Exponential phases of `rates[i]` in series; after phase i the time goes on to phase i + 1
    /// with `probabilities[i]` and is over otherwise.
    ///
    /// # Errors
    /// No phase, a rate not above 0 or not finite, a probability outside [0, 1], or not exactly
    /// one probability fewer than rates.
    pub fn coxian(rates: Vec<f64>, probabilities: Vec<f64>) -> Checked {
        not_empty("rates", &rates)?;
        all_positive("rates", &rates)?;
        length(
            "probabilities",
            &probabilities,
            rates.len() - 1,
            "one fewer than `rates`",
        )?;
        for &entry in &probabilities {
            probability("probabilities", entry)?;
        }
        let law = Distribution::Coxian {
            rates,
            probabilities,
        };
        within_range("rates", law)
    }

    /// Time until a Markov chain with sub-generator `t` is absorbed when it starts in phase i with
    /// probability `alpha[i]`. What is missing in `alpha` to 1 is the probability of exactly 0.
    ///
    /// # Errors
    /// `alpha` not probabilities or adding up to 0 or to more than 1; `t` not square of the same
    /// size, with a negative entry off the diagonal, a diagonal entry not below 0, a row adding
    /// up to more than 0, or a phase from which the chain cannot end.
    pub fn phase_type(alpha: Vec<f64>, t: Vec<Vec<f64>>) -> Checked {
        let alpha = defective_probabilities("alpha", alpha)?;
        check_sub_generator(alpha.len(), &t)?;
        within_range("T", Distribution::PhaseType { alpha, t })
    }

    /// Density rising linearly from `low` to `mode` and falling to `high`.
    ///
    /// # Errors
    /// `low` negative, `high` not above `low`, `mode` outside them, or one of them not finite.
    pub fn triangular(low: f64, mode: f64, high: f64) -> Checked {
        let low = non_negative("low", low)?;
        above("high", high, "low", low)?;
        if !(low..=high).contains(&mode) {
            let message =
                format!("`mode` must be from `low` ({low}) to `high` ({high}), not {mode}");
            return Err(ParameterError::new("mode", message));
        }
        within_range("high", Distribution::Triangular { low, mode, high })
    }

    /// The law `components[i]` with probability `weights[i]`.
    ///
    /// # Errors
    /// Lists empty or of different length, or weights that do not add up to 1.
    pub fn mixture(weights: Vec<f64>, components: Vec<Distribution>) -> Checked {
        let weights = probabilities("weights", weights)?;
        length("components", &components, weights.len(), "one a weight")?;
        Ok(Distribution::Mixture {
            weights,
            components,
        })
    }

    /// Each of `values` with equal probability; they need not be sorted or distinct.
    ///
    /// # Errors
    /// No value, or one that is negative or not finite.
    pub fn empirical(mut values: Vec<f64>) -> Checked {
        not_empty("values", &values)?;
        for value in &mut values {
            *value = non_negative("values", *value)?;
        }
        values.sort_unstable_by(f64::total_cmp);
        let law = Distribution::Empirical {
            values: values.into(),
        };
        match law.moment(2).is_finite() {
            true => Ok(law),
            false => Err(out_of_range("values")),
        }
    }

    /// The law `of` plus `by` seconds. Laws of single values are shifted value by value, so their
    /// atoms stay exact; shifting twice or by 0 leaves no trace.
    ///
    /// # Errors
    /// `by` negative or not finite (parameter `shift`), or values that overflow.
    pub fn shifted(by: f64, of: Distribution) -> Checked {
        let by = non_negative("shift", by)?;
        if by == 0.0 {
            return Ok(of);
        }
        let law = match of {
            Distribution::Deterministic { value } => {
                Distribution::Deterministic { value: value + by }
            }
            Distribution::Empirical { values } => Distribution::Empirical {
                values: values.iter().map(|value| value + by).collect(),
            },
            Distribution::Shifted { by: first, of } => {
                return Distribution::shifted(first + by, *of);
            }
            of => Distribution::Shifted {
                by,
                of: Box::new(of),
            },
        };
        match (by * by).is_finite() {
            true => Ok(law),
            false => Err(out_of_range("shift")),
        }
    }
}

/// Hands a law on if 64-bit floats hold its first two moments, as every later formula expects.
pub(super) fn within_range(parameter: &'static str, law: Distribution) -> Checked {
    let mean = law.mean();
    if mean > 0.0 && mean.is_finite() && law.moment(2).is_finite() {
        return Ok(law);
    }
    Err(out_of_range(parameter))
}

fn out_of_range(parameter: &'static str) -> ParameterError {
    let message = format!(
        "`{parameter}` gives a law whose mean or variance is too large or too small to compute with"
    );
    ParameterError::new(parameter, message)
}

fn above(
    parameter: &'static str,
    value: f64,
    other: &str,
    limit: f64,
) -> Result<(), ParameterError> {
    if value > limit && value.is_finite() {
        return Ok(());
    }
    let message =
        format!("`{parameter}` must be a finite number above `{other}` ({limit}), not {value}");
    Err(ParameterError::new(parameter, message))
}

fn all_positive(parameter: &'static str, values: &[f64]) -> Result<(), ParameterError> {
    for &value in values {
        positive(parameter, value)?;
    }
    Ok(())
}

fn phase_count(shape: u32) -> Result<(), ParameterError> {
    if shape == 0 {
        let message = "`shape` is the number of phases and must be at least 1, not 0";
        return Err(ParameterError::new("shape", message));
    }
    Ok(())
}
