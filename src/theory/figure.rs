//! What a formula gives: a value that knows its kind, its formula and its source.

use crate::metric::{Metric, TimeKind};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// How far a figure can be trusted. Ordered from best to worst, so that the kind of a figure made
/// from several is their maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The model's own figure; a measurement differs from it by chance only.
    Exact,
    /// Near the figure, by a published rule without an error bound.
    Approximation,
    /// An upper or lower limit of the figure.
    Bound,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Kind::Exact => "exact",
            Kind::Approximation => "approximation",
            Kind::Bound => "bound",
        })
    }
}

/// One predicted value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure {
    /// In the metric's unit.
    pub value: f64,
    /// How far it can be trusted.
    pub kind: Kind,
    /// The formula, in the field's notation.
    pub formula: &'static str,
    /// Who published it, where.
    pub reference: &'static str,
}

/// The predicted values at one place.
pub type Figures = BTreeMap<Metric, Figure>;

/// A predicted distribution of a time: its complementary distribution function P(T > t).
#[derive(Clone)]
pub struct Curve {
    /// How far it can be trusted.
    pub kind: Kind,
    /// The formula, in the field's notation.
    pub formula: &'static str,
    /// Who published it, where.
    pub reference: &'static str,
    /// P(T > t) for t in seconds; 1 for t < 0, decreasing to 0.
    pub ccdf: Arc<dyn Fn(f64) -> f64 + Send + Sync>,
}

impl Curve {
    /// The wait that is 0 with probability 1 − P(Wq > 0) and else exponential, with the mean of the
    /// figures; none where they have none above 0.
    pub(super) fn exponential_tail(figures: &Figures) -> Option<Curve> {
        let mean = figures.get(&Metric::mean(TimeKind::Waiting))?.value;
        let waits = figures
            .get(&Metric::WaitProbability)
            .map_or(1.0, |figure| figure.value);
        if mean <= 0.0 || waits <= 0.0 {
            return None;
        }
        let rate = waits / mean;
        Some(Curve {
            kind: Kind::Approximation,
            formula: "P(Wq > t) ≈ p e^(−pt/Wq), p = P(Wq > 0)",
            reference: "exponential tail with the known mean",
            ccdf: Arc::new(move |t| {
                if t < 0.0 {
                    1.0
                } else {
                    waits * (-rate * t).exp()
                }
            }),
        })
    }

    /// P(T > t).
    pub fn at(&self, t: f64) -> f64 {
        (self.ccdf)(t)
    }
}

impl fmt::Debug for Curve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Curve")
            .field("kind", &self.kind)
            .field("formula", &self.formula)
            .finish_non_exhaustive()
    }
}
