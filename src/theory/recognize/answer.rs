//! What the recognizer hands over.

use super::Model;
use crate::network::ClassId;
use crate::theory::sheet::Source;
use crate::theory::{Curve, Figures, ModelError, Reason, Transient};

/// How the waits of the classes relate to that of the stage.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::theory) enum ClassWaits {
    /// All classes wait alike.
    Alike,
    /// The mean wait of each class.
    Each(Vec<(ClassId, f64)>, Source),
    #[allow(dead_code, reason = "for models that look at classes, which come next")]
    /// All that is known of each class, but for what holds in every model (rates, service).
    Figures(Vec<(ClassId, Figures)>),
    /// Not known.
    Unknown,
}

/// Another way to some of the figures, beside the one that is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Alternative {
    /// Its name.
    pub method: &'static str,
    /// What it gives.
    pub figures: Figures,
}

/// What the recognizer found.
#[derive(Debug, Clone)]
pub(in crate::theory) struct Answer {
    /// Its entry in the catalogue.
    pub model: Option<&'static Model>,
    /// What to call it, where Kendall's notation of the stage does not say it.
    pub name: Option<String>,
    pub figures: Figures,
    pub waiting: Option<Curve>,
    pub sojourn: Option<Curve>,
    pub classes: ClassWaits,
    /// The latency of the orders that are served, where some leave without service.
    pub latency: Option<Figures>,
    /// What other methods give.
    pub alternatives: Vec<Alternative>,
    pub unexplained: Vec<Reason>,
    /// The means over time, where the load varies.
    pub transient: Option<Transient>,
    /// Whether its rates and utilization are its own, not those of the traffic equations.
    pub own_rates: bool,
}

impl Answer {
    pub fn new(figures: Figures) -> Answer {
        Answer {
            model: None,
            name: None,
            figures,
            waiting: None,
            sojourn: None,
            classes: ClassWaits::Alike,
            latency: None,
            alternatives: Vec::new(),
            unexplained: Vec::new(),
            transient: None,
            own_rates: false,
        }
    }

    /// No figure, and nothing known of the classes.
    pub fn nothing() -> Answer {
        Answer {
            classes: ClassWaits::Unknown,
            ..Answer::new(Figures::new())
        }
    }

    /// No figure, and why.
    pub fn none(reason: Reason) -> Answer {
        Answer::nothing().but(vec![reason])
    }

    /// The same under this name.
    pub fn named(self, name: impl Into<String>) -> Answer {
        Answer {
            name: Some(name.into()),
            ..self
        }
    }

    /// The same as an answer of this model.
    pub fn of(self, model: &'static Model) -> Answer {
        Answer {
            model: Some(model),
            ..self
        }
    }

    /// The same with reasons why there is no more.
    pub fn but(mut self, reasons: Vec<Reason>) -> Answer {
        self.unexplained.extend(reasons);
        self
    }
}

impl From<ModelError> for Answer {
    fn from(error: ModelError) -> Answer {
        Answer::none(Reason::Conditions { error })
    }
}

impl PartialEq for Source {
    fn eq(&self, other: &Source) -> bool {
        self.kind == other.kind && self.reference == other.reference
    }
}
