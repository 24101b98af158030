//! What theory knows of a stage over time.

use super::fluid::Fluid;
use super::profile::{Moment, Profile};
use crate::theory::Kind;

/// The course of a stage whose load varies.
#[derive(Debug, Clone, PartialEq)]
pub struct Transient {
    /// How far the means over time can be trusted.
    pub kind: Kind,
    /// The formula, in the field's notation.
    pub formula: &'static str,
    /// Who published it, where.
    pub reference: &'static str,
    /// Seconds after which all comes again; none for a run from an empty system.
    pub period: Option<f64>,
    /// Means over a period in the periodic steady state, or over a run.
    pub profile: Profile,
    /// The backlog without chance, where the load is above 1 for a while.
    pub fluid: Option<Backlog>,
    /// Whether the stage's figures are averages over just the time that a run measures.
    pub measured: bool,
}

/// A backlog without chance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backlog {
    /// When it is longest, in seconds since the start.
    pub at: f64,
    /// Orders waiting then.
    pub orders: f64,
    /// When it is first gone after that; none if not before the end of the run.
    pub empty_at: Option<f64>,
}

impl Backlog {
    pub(in crate::theory) fn of(fluid: &Fluid) -> Option<Backlog> {
        let peak = fluid.profile().peak()?;
        let backlog = Backlog {
            at: peak.at,
            orders: peak.waiting,
            empty_at: fluid.empty_at(),
        };
        (peak.waiting > 0.0).then_some(backlog)
    }
}

impl Transient {
    /// When the most orders wait.
    pub fn peak(&self) -> Option<&Moment> {
        self.profile.peak()
    }

    /// When, after the peak, the mean number waiting is first down to one percent of it; in a period it
    /// may be after the period's end. `None` if it is never, or not before the end of the run.
    pub fn drained_at(&self) -> Option<f64> {
        let rounds = if self.period.is_some() { 2 } else { 1 };
        self.profile.drained_within(rounds)
    }

    /// The mean number waiting, averaged from one time to another.
    pub fn waiting_between(&self, from: f64, to: f64) -> f64 {
        match self.period {
            Some(period) => {
                let whole = self.profile.waiting_area(period);
                let area = |t: f64| {
                    let rounds = (t / period).floor();
                    rounds * whole + self.profile.waiting_area(t - rounds * period)
                };
                (area(to) - area(from)) / (to - from)
            }
            None => {
                let area = |t: f64| self.profile.waiting_area(t);
                (area(to) - area(from)) / (to - from)
            }
        }
    }
}
