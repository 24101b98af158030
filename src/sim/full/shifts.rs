//! Numbers of consumers by the clock.

use crate::network::{Shift, Shifts};

/// The steps of a stage's shifts, one after the other.
#[derive(Debug)]
pub(super) struct Rota {
    steps: Box<[Shift]>,
    period: f64,
    /// The next step within the present period.
    next: usize,
    /// Periods that are over.
    periods: u64,
}

impl Rota {
    pub(super) fn new(shifts: &Shifts) -> Rota {
        Rota {
            steps: shifts.steps.as_slice().into(),
            period: shifts.period,
            next: 0,
            periods: 0,
        }
    }

    /// The next step: when, and how many consumers there are from then on.
    pub(super) fn next(&mut self) -> Option<(f64, u32)> {
        if self.next == self.steps.len() && self.period.is_finite() {
            self.next = 0;
            self.periods += 1;
        }
        let step = self.steps.get(self.next)?;
        self.next += 1;
        // A product, as a sum of many periods would drift; and none of no period and infinity.
        let before = match self.periods {
            0 => 0.0,
            periods => periods as f64 * self.period,
        };
        Some((before + step.at, step.consumers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rota(steps: &[(f64, u32)], period: f64) -> Rota {
        let steps = steps.iter().map(|&(at, consumers)| Shift { at, consumers });
        Rota::new(&Shifts {
            steps: steps.collect(),
            period,
        })
    }

    #[test]
    fn steps_without_a_period_end() {
        let mut rota = rota(&[(0.0, 4), (10.0, 0)], f64::INFINITY);
        let taken: Vec<_> = std::iter::from_fn(|| rota.next()).collect();
        assert_eq!(taken, [(0.0, 4), (10.0, 0)]);
        assert_eq!(rota.next(), None);
    }

    #[test]
    fn steps_with_a_period_go_on_for_ever() {
        let mut rota = rota(&[(1.0, 4), (2.5, 2)], 24.0);
        let taken: Vec<_> = std::iter::from_fn(|| rota.next()).take(5).collect();
        assert_eq!(taken, [(1.0, 4), (2.5, 2), (25.0, 4), (26.5, 2), (49.0, 4)]);
    }

    #[test]
    fn no_steps_are_none() {
        assert_eq!(rota(&[], f64::INFINITY).next(), None);
        assert_eq!(rota(&[], 24.0).next(), None);
    }
}
