//! What kind of law it is: exponential or constant in disguise, and the letter in Kendall's
//! notation.

use super::Distribution;
use super::phases::exit_rate;

impl Distribution {
    /// The rate, per second, if the law is exponential in whatever form it was written: Erlang,
    /// gamma or Weibull of shape 1, hyperexponential with equal rates, Coxian left after its first
    /// phase, phase-type with a single phase and no atom, a mixture of equal exponentials.
    ///
    /// ```
    /// use orderline::random::Distribution;
    /// assert_eq!(Distribution::erlang(1, 0.5).unwrap().is_exponential(), Some(2.0));
    /// assert_eq!(Distribution::erlang(2, 0.5).unwrap().is_exponential(), None);
    /// ```
    pub fn is_exponential(&self) -> Option<f64> {
        match self {
            Distribution::Exponential { rate } | Distribution::Erlang { shape: 1, rate } => {
                Some(*rate)
            }
            Distribution::Gamma { shape, scale } | Distribution::Weibull { shape, scale } => {
                (*shape == 1.0).then_some(1.0 / scale)
            }
            Distribution::Hyperexponential {
                probabilities,
                rates,
            } => common(probabilities, rates, |&rate| Some(rate)),
            Distribution::Coxian {
                rates,
                probabilities,
            } => (probabilities.first().is_none_or(|&p| p == 0.0)).then_some(rates[0]),
            Distribution::PhaseType { alpha, t } => match alpha[..] {
                [1.0] => Some(exit_rate(0, &t[0])),
                _ => None,
            },
            Distribution::Mixture {
                weights,
                components,
            } => common(weights, components, Distribution::is_exponential),
            _ => None,
        }
    }

    /// The value, in seconds, if the law has only one.
    pub fn is_deterministic(&self) -> Option<f64> {
        match self {
            Distribution::Deterministic { value } => Some(*value),
            Distribution::Empirical { values } => {
                let (first, last) = (values[0], values[values.len() - 1]);
                (first == last).then_some(first)
            }
            Distribution::Mixture {
                weights,
                components,
            } => common(weights, components, Distribution::is_deterministic),
            Distribution::Shifted { by, of } => of.is_deterministic().map(|value| by + value),
            _ => None,
        }
    }

    /// The short symbol in Kendall's notation: M (exponential), D (one value), Ek (Erlang of k
    /// phases), Hk and Ck (hyperexponential and Coxian of k phases), PH, U, Gamma, LN, W, Par, and
    /// G for all others.
    ///
    /// ```
    /// use orderline::random::Distribution;
    /// assert_eq!(Distribution::erlang(4, 1.0).unwrap().name(), "E4");
    /// assert_eq!(Distribution::gamma(1.0, 1.0).unwrap().name(), "M");
    /// ```
    pub fn name(&self) -> String {
        if self.is_exponential().is_some() {
            return "M".to_owned();
        }
        if self.is_deterministic().is_some() {
            return "D".to_owned();
        }
        match self {
            Distribution::Erlang { shape, .. } => format!("E{shape}"),
            Distribution::Hyperexponential { rates, .. } => format!("H{}", rates.len()),
            Distribution::Coxian { rates, .. } => format!("C{}", rates.len()),
            Distribution::PhaseType { .. } => "PH".to_owned(),
            Distribution::Uniform { .. } => "U".to_owned(),
            Distribution::Gamma { .. } => "Gamma".to_owned(),
            Distribution::LogNormal { .. } => "LN".to_owned(),
            Distribution::Weibull { .. } => "W".to_owned(),
            Distribution::Pareto { .. } | Distribution::BoundedPareto { .. } => "Par".to_owned(),
            _ => "G".to_owned(),
        }
    }
}

/// The value that all items of positive weight have in common.
fn common<T>(weights: &[f64], items: &[T], value: impl Fn(&T) -> Option<f64>) -> Option<f64> {
    let mut used = weights.iter().zip(items).filter(|(w, _)| **w > 0.0);
    let first = value(used.next()?.1)?;
    used.all(|(_, item)| value(item) == Some(first))
        .then_some(first)
}
