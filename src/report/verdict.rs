//! The judgement on a measured figure beside its prediction.

use crate::stats::Estimate;
use crate::theory::{Figure, Kind};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How a measured figure stands beside its prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The exact value lies inside the interval at the corrected level.
    Agrees,
    /// The exact value lies outside the interval at the corrected level.
    Differs,
    /// The prediction is an approximation or a bound; the difference is its error.
    Approximation,
    /// There is no formula.
    NoFormula,
    /// There is an exact formula, but a single replication gives no interval to judge by.
    NoInterval,
    /// There is an exact formula, but too little was seen to judge by; the line says of what.
    Undecided,
    /// The backlog keeps growing, so there is no average to compare.
    NoSteadyState,
    /// Nothing was measured.
    NotMeasured,
}

impl Verdict {
    /// Its name in every output.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Agrees => "agrees",
            Verdict::Differs => "differs",
            Verdict::Approximation => "approximation",
            Verdict::NoFormula => "no_formula",
            Verdict::NoInterval => "no_interval",
            Verdict::Undecided => "undecided",
            Verdict::NoSteadyState => "no_steady_state",
            Verdict::NotMeasured => "not_measured",
        }
    }

    /// Judges an estimate in steady state. `level` is the corrected one, see [`corrected_level`].
    pub fn of(measured: Option<&Estimate>, theory: Option<&Figure>, level: f64) -> Verdict {
        let (Some(measured), Some(theory)) = (measured, theory) else {
            return if measured.is_some() {
                Verdict::NoFormula
            } else {
                Verdict::NotMeasured
            };
        };
        if theory.kind != Kind::Exact {
            return Verdict::Approximation;
        }
        match measured.agrees_with(theory.value, level) {
            _ if measured.is_thin() && !measured.equals(theory.value) => Verdict::Undecided,
            Some(true) => Verdict::Agrees,
            Some(false) => Verdict::Differs,
            None => Verdict::NoInterval,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The level at which each of `figures` intervals must hold so that all of them hold together with
/// probability at least `confidence`: 1 − (1 − γ)/m (Bonferroni's inequality).
///
/// ```
/// use orderline::report::corrected_level;
/// assert_eq!(corrected_level(0.95, 1), 0.95);
/// assert!((corrected_level(0.95, 50) - 0.999).abs() < 1e-12);
/// ```
pub fn corrected_level(confidence: f64, figures: usize) -> f64 {
    1.0 - (1.0 - confidence) / figures.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(kind: Kind, value: f64) -> Figure {
        Figure {
            value,
            kind,
            formula: "",
            reference: "",
        }
    }

    #[test]
    fn exact_figures_are_held_to_the_interval_and_others_are_not() {
        let measured = Estimate::of(vec![0.9, 1.0, 1.1]);
        let judge = |kind, value| Verdict::of(Some(&measured), Some(&figure(kind, value)), 0.95);
        assert_eq!(judge(Kind::Exact, 1.05), Verdict::Agrees);
        assert_eq!(judge(Kind::Exact, 1.5), Verdict::Differs);
        assert_eq!(judge(Kind::Approximation, 1.5), Verdict::Approximation);
        assert_eq!(Verdict::of(Some(&measured), None, 0.95), Verdict::NoFormula);
        assert_eq!(Verdict::of(None, None, 0.95), Verdict::NotMeasured);
        // Nobody waited in 60,000 orders: that is no proof that nobody ever does.
        let nothing = Estimate {
            events: 0.0,
            ..Estimate::of(vec![0.0; 10])
        };
        let rare = figure(Kind::Exact, 1e-5);
        assert_eq!(
            Verdict::of(Some(&nothing), Some(&rare), 0.95),
            Verdict::Undecided
        );
        let never = figure(Kind::Exact, 0.0);
        assert_eq!(
            Verdict::of(Some(&nothing), Some(&never), 0.95),
            Verdict::Agrees
        );
        let single = Estimate::of(vec![1.0]);
        let alone = Verdict::of(Some(&single), Some(&figure(Kind::Exact, 1.0)), 0.95);
        assert_eq!(alone, Verdict::NoInterval);
    }
}
