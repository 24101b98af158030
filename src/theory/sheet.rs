//! Where a model writes its figures down.

use super::{Figure, Figures, Kind};
use crate::metric::{Metric, Statistic, TimeKind};

/// How a figure came about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source {
    pub kind: Kind,
    pub reference: &'static str,
}

impl Source {
    pub const fn exact(reference: &'static str) -> Source {
        Source {
            kind: Kind::Exact,
            reference,
        }
    }

    pub const fn approximation(reference: &'static str) -> Source {
        Source {
            kind: Kind::Approximation,
            reference,
        }
    }
}

/// Writes figures of one source; what is not finite is left out, so no NaN ever gets through.
#[derive(Debug)]
pub(super) struct Sheet {
    source: Source,
    figures: Figures,
}

impl Sheet {
    pub fn new(source: Source) -> Sheet {
        Sheet {
            source,
            figures: Figures::new(),
        }
    }

    /// Writes a figure, with its formula.
    pub fn put(&mut self, metric: Metric, value: f64, formula: &'static str) -> &mut Sheet {
        put(&mut self.figures, metric, value, formula, self.source);
        self
    }

    /// Writes the mean of a time.
    pub fn mean(&mut self, time: TimeKind, value: f64, formula: &'static str) -> &mut Sheet {
        self.put(Metric::mean(time), value, formula)
    }

    /// Writes the variance of a time.
    pub fn variance(&mut self, time: TimeKind, value: f64, formula: &'static str) -> &mut Sheet {
        self.put(Metric::Time(time, Statistic::Variance), value, formula)
    }

    /// Writes all quantiles of a time.
    pub fn quantiles(
        &mut self,
        time: TimeKind,
        quantile: impl Fn(f64) -> Option<f64>,
        formula: &'static str,
    ) -> &mut Sheet {
        for statistic in Statistic::ALL {
            if let Some(value) = statistic.probability().and_then(&quantile) {
                self.put(Metric::Time(time, statistic), value, formula);
            }
        }
        self
    }

    pub fn finish(self) -> Figures {
        self.figures
    }
}

/// Writes one finite figure; −0 is written as 0.
pub(super) fn put(
    figures: &mut Figures,
    metric: Metric,
    value: f64,
    formula: &'static str,
    source: Source,
) {
    if value.is_finite() {
        let figure = Figure {
            value: value + 0.0,
            kind: source.kind,
            formula,
            reference: source.reference,
        };
        figures.insert(metric, figure);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_is_left_out() {
        let mut sheet = Sheet::new(Source::exact("none"));
        sheet.put(Metric::Utilization, f64::NAN, "0/0");
        sheet.put(Metric::QueueLength, f64::INFINITY, "1/0");
        assert!(sheet.finish().is_empty());
    }
}
