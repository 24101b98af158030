//! Phase-type laws: the time until a Markov chain with finitely many phases ends.
//!
//! # References
//! M. F. Neuts (1981), *Matrix-Geometric Solutions in Stochastic Models*, chapter 2.

use super::elimination::sojourns;
use super::survival::Survival;
use super::{Column, Matrix, Row, off_diagonal, row_sums};
use crate::random::Distribution;
use crate::theory::ModelError;
use crate::theory::law::StageLaw;

/// Laws of more phases are left to other methods.
const MOST_PHASES: usize = 256;
/// Rounding allowed in a row of a sub-generator, relative to its diagonal.
const ROUNDING: f64 = 1e-9;

/// A phase-type law: the initial probabilities α and the rates between and out of the phases.
///
/// # Domain
/// No mass at 0: α adds up to 1. Phases that are never entered are dropped.
///
/// # Formula
/// With T the sub-generator: E\[X^k\] = k! α(−T)^(−k)1, E\[e^(−sX)\] = α(sI − T)⁻¹t, P(X > x) = αe^(Tx)1.
///
/// ```
/// use orderline::{random::Distribution, theory::PhaseType};
/// let law = Distribution::coxian(vec![2.0, 0.25], vec![0.125])?;
/// let phases = PhaseType::of(&law).unwrap();
/// assert_eq!(phases.count(), 2);
/// assert!((phases.moment(1)? - 1.0).abs() < 1e-14); // 1/2 + 0.125/0.25
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct PhaseType {
    /// α.
    pub(in crate::theory) start: Row,
    /// The rates from phase to phase; 0 on the diagonal.
    pub(in crate::theory) inner: Matrix,
    /// t: the rates of ending.
    pub(in crate::theory) exit: Column,
}

impl PhaseType {
    /// The exponential law.
    pub(in crate::theory) fn of_rate(rate: f64) -> Option<PhaseType> {
        PhaseType::series(&[rate], &[])
    }

    /// The phases of a law that has an exact phase-type form without mass at 0; `None` for all
    /// others, and for laws of more than 256 phases.
    pub fn of(law: &Distribution) -> Option<PhaseType> {
        if let Some(rate) = law.is_exponential() {
            return PhaseType::series(&[rate], &[]);
        }
        match law {
            Distribution::Erlang { shape, rate } => PhaseType::erlang(f64::from(*shape), *rate),
            Distribution::Gamma { shape, scale } if shape.fract() == 0.0 => {
                PhaseType::erlang(*shape, 1.0 / scale)
            }
            Distribution::Hyperexponential {
                probabilities,
                rates,
            } => PhaseType::checked(
                Row::from_row_slice(probabilities),
                Matrix::zeros(rates.len(), rates.len()),
                Column::from_column_slice(rates),
            ),
            Distribution::Coxian {
                rates,
                probabilities,
            } => PhaseType::series(rates, probabilities),
            Distribution::PhaseType { alpha, t } => PhaseType::general(alpha, t),
            Distribution::Mixture {
                weights,
                components,
            } => {
                let parts = components.iter().map(PhaseType::of);
                PhaseType::mixture(weights, &parts.collect::<Option<Vec<_>>>()?)
            }
            Distribution::Shifted { by, of } if *by == 0.0 => PhaseType::of(of),
            _ => None,
        }
    }

    /// The phases of a stage's service, the classes drawn independently for each order.
    pub(in crate::theory) fn of_stage(law: &StageLaw) -> Option<PhaseType> {
        if let Some(common) = law.common() {
            return PhaseType::of(common);
        }
        let shares: Vec<f64> = law.classes().map(|(_, share, _)| share).collect();
        let parts = law.classes().map(|(_, _, law)| PhaseType::of(law));
        PhaseType::mixture(&shares, &parts.collect::<Option<Vec<_>>>()?)
    }

    fn erlang(shape: f64, rate: f64) -> Option<PhaseType> {
        if !(1.0..=MOST_PHASES as f64).contains(&shape) {
            return None;
        }
        let phases = shape as usize;
        PhaseType::series(&vec![rate; phases], &vec![1.0; phases - 1])
    }

    /// Phases in series, left early by chance (Coxian).
    fn series(rates: &[f64], onward: &[f64]) -> Option<PhaseType> {
        let n = rates.len();
        if n == 0 || n > MOST_PHASES {
            return None;
        }
        let mut start = Row::zeros(n);
        start[0] = 1.0;
        let mut inner = Matrix::zeros(n, n);
        let mut exit = Column::zeros(n);
        for (phase, rate) in rates.iter().enumerate() {
            let on = onward.get(phase).copied().unwrap_or(0.0);
            exit[phase] = rate * (1.0 - on);
            if phase + 1 < n {
                inner[(phase, phase + 1)] = rate * on;
            }
        }
        PhaseType::checked(start, inner, exit)
    }

    fn general(alpha: &[f64], t: &[Vec<f64>]) -> Option<PhaseType> {
        let n = alpha.len();
        if n > MOST_PHASES {
            return None;
        }
        let inner = off_diagonal(Matrix::from_fn(n, n, |i, j| t[i][j]));
        let exit = Column::from_fn(n, |i, _| {
            let missing = -t[i].iter().sum::<f64>();
            if missing <= -ROUNDING * t[i][i] {
                0.0
            } else {
                missing
            }
        });
        PhaseType::checked(Row::from_row_slice(alpha), inner, exit)
    }

    fn mixture(weights: &[f64], parts: &[PhaseType]) -> Option<PhaseType> {
        let n: usize = parts.iter().map(PhaseType::count).sum();
        if n > MOST_PHASES {
            return None;
        }
        let mut start = Row::zeros(n);
        let mut inner = Matrix::zeros(n, n);
        let mut exit = Column::zeros(n);
        let mut at = 0;
        for (weight, part) in weights.iter().zip(parts) {
            let m = part.count();
            start.columns_mut(at, m).copy_from(&(&part.start * *weight));
            inner.view_mut((at, at), (m, m)).copy_from(&part.inner);
            exit.rows_mut(at, m).copy_from(&part.exit);
            at += m;
        }
        PhaseType::checked(start, inner, exit)
    }

    /// Refuses mass at 0 and drops the phases that are never entered.
    fn checked(start: Row, inner: Matrix, exit: Column) -> Option<PhaseType> {
        let total = start.sum();
        if exit.len() > MOST_PHASES || (total - 1.0).abs() > ROUNDING {
            return None;
        }
        let entered = entered(&start, &inner);
        let kept: Vec<usize> = (0..exit.len()).filter(|&i| entered[i]).collect();
        Some(PhaseType {
            start: start.select_columns(&kept) / total,
            inner: inner.select_rows(&kept).select_columns(&kept),
            exit: exit.select_rows(&kept),
        })
    }

    /// The number of phases.
    pub fn count(&self) -> usize {
        self.exit.len()
    }

    /// E\[X^k\] = k! α(−T)^(−k)1.
    ///
    /// # Errors
    /// A phase that the chain never ends from.
    pub fn moment(&self, k: u32) -> Result<f64, ModelError> {
        let times = sojourns(&self.inner, &self.exit)?;
        let mut row = self.start.clone();
        for order in 1..=k {
            row = &row * &times * f64::from(order);
        }
        Ok(row.sum())
    }

    /// E\[e^(−sX)\] for s ≥ 0.
    ///
    /// # Errors
    /// A phase that the chain never ends from.
    pub fn transform(&self, s: f64) -> Result<f64, ModelError> {
        let leaving = self.exit.add_scalar(s);
        let times = sojourns(&self.inner, &leaving)?;
        Ok((&self.start * times * &self.exit)[0])
    }

    /// P(X > x).
    pub fn ccdf(&self, x: f64) -> f64 {
        let ones = Column::from_element(self.count(), 1.0);
        Survival::new(self.sub_generator(), &self.start, &ones).at(&self.start, &ones, x)
    }

    /// T, with its diagonal.
    pub(in crate::theory) fn sub_generator(&self) -> Matrix {
        let leaving = row_sums(&self.inner) + &self.exit;
        &self.inner - Matrix::from_diagonal(&leaving)
    }
}

/// Which phases the chain ever comes to.
fn entered(start: &Row, inner: &Matrix) -> Vec<bool> {
    let n = start.len();
    let mut seen: Vec<bool> = start.iter().map(|&p| p > 0.0).collect();
    let mut open: Vec<usize> = (0..n).filter(|&i| seen[i]).collect();
    while let Some(from) = open.pop() {
        for to in 0..n {
            if inner[(from, to)] > 0.0 && !std::mem::replace(&mut seen[to], true) {
                open.push(to);
            }
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    fn laws() -> Vec<Distribution> {
        [
            Distribution::exponential(2.0),
            Distribution::erlang(3, 1.2),
            Distribution::gamma(2.0, 0.7),
            Distribution::hyperexponential_mean_scv(1.0, 4.0),
            Distribution::coxian(vec![2.0, 0.25], vec![0.125]),
            Distribution::phase_type(vec![0.5, 0.5], vec![vec![-1.0, 0.4], vec![0.6, -1.0]]),
            Distribution::mixture(
                vec![0.3, 0.7],
                vec![
                    Distribution::erlang(2, 1.0).unwrap(),
                    Distribution::exponential(3.0).unwrap(),
                ],
            ),
        ]
        .map(Result::unwrap)
        .to_vec()
    }

    #[test]
    fn moments_and_tails_are_those_of_the_law() {
        for law in laws() {
            let phases = PhaseType::of(&law).unwrap();
            for k in 1..=3 {
                assert_relative_eq!(
                    phases.moment(k).unwrap(),
                    law.moment(k),
                    max_relative = 1e-12
                );
            }
            for x in [0.0, 0.1, 1.0, 3.0, 17.0] {
                assert_relative_eq!(phases.ccdf(x), law.ccdf(x), max_relative = 1e-11);
            }
        }
    }

    #[test]
    fn the_transform_is_that_of_the_law() {
        for law in laws() {
            let phases = PhaseType::of(&law).unwrap();
            for s in [0.0, 0.3, 2.0] {
                let exact = crate::theory::transform::laplace(&law, s).unwrap();
                assert_relative_eq!(phases.transform(s).unwrap(), exact, max_relative = 1e-12);
            }
        }
    }

    #[test]
    fn phases_never_entered_are_dropped_and_mass_at_0_is_refused() {
        let t = vec![vec![-1.0, 0.0], vec![0.5, -1.0]];
        let law = Distribution::phase_type(vec![1.0, 0.0], t.clone()).unwrap();
        assert_eq!(PhaseType::of(&law).unwrap().count(), 1);
        let atom = Distribution::phase_type(vec![0.5, 0.3], t).unwrap();
        assert_eq!(PhaseType::of(&atom), None);
        let fixed = Distribution::deterministic(1.0).unwrap();
        assert_eq!(PhaseType::of(&fixed), None);
    }
}
