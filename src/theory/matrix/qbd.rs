//! Quasi-birth-death chains: levels 0, 1, 2, … with the same phases and the same rates at each, and
//! steps between neighbouring levels only.
//!
//! # References
//! G. Latouche, V. Ramaswami (1993), *A logarithmic reduction algorithm for quasi-birth-death
//! processes*, Journal of Applied Probability 30, 650–674; Q. Ye (2002), *On Latouche–Ramaswami's
//! logarithmic reduction algorithm for quasi-birth-and-death processes*, Stochastic Models 18,
//! 449–467 (without a subtraction); M. F. Neuts (1981), *Matrix-Geometric Solutions*, chapter 3.

use super::elimination::sojourns;
use super::{Matrix, off_diagonal, row_sums};
use crate::theory::ModelError;

/// Doublings of the number of levels that are looked at: enough for loads up to 1 − 10⁻¹⁵.
const MOST_ROUNDS: u32 = 60;
/// Probability still missing in G at which it counts as found.
const FOUND: f64 = 1e-16;
/// Residual of the equation of G, relative to its rates, that is still rounding.
const RESIDUAL: f64 = 1e-11;
const METHOD: &str = "logarithmic reduction of a quasi-birth-death chain";

/// The rates of one level.
#[derive(Debug, Clone)]
pub(super) struct Qbd {
    /// A₀, to the level above.
    pub up: Matrix,
    /// A₁ off its diagonal, within the level.
    pub local: Matrix,
    /// A₂, to the level below.
    pub down: Matrix,
}

impl Qbd {
    /// G: from each phase, the phase in which the level below is first reached.
    ///
    /// # Formula
    /// The smallest solution of A₂ + A₁G + A₀G² = 0, by logarithmic reduction: each round looks twice
    /// as many levels up.
    ///
    /// # Errors
    /// No convergence, or a residual that is more than rounding (a chain that drifts upwards).
    pub fn first_passage(&self) -> Result<Matrix, ModelError> {
        let leaving = row_sums(&self.up) + row_sums(&self.down);
        let stay = sojourns(&self.local, &leaving)?;
        let (mut high, mut low) = (&stay * &self.up, &stay * &self.down);
        let (mut passage, mut above) = (low.clone(), high.clone());
        for _ in 0..MOST_ROUNDS {
            if above.max() < FOUND {
                return self.checked(passage);
            }
            let back = &high * &low + &low * &high;
            let (higher, lower) = (&high * &high, &low * &low);
            let elsewhere = row_sums(&higher) + row_sums(&lower);
            let stay = sojourns(&off_diagonal(back), &elsewhere)?;
            (high, low) = (&stay * higher, &stay * lower);
            passage += &above * &low;
            above = &above * &high;
        }
        let error = above.max();
        Err(ModelError::Inaccurate {
            method: METHOD,
            error,
        })
    }

    fn checked(&self, passage: Matrix) -> Result<Matrix, ModelError> {
        let inner = self.within() + &self.up * &passage;
        let residual = (&self.down + inner * &passage).abs().max();
        let rates = row_sums(&self.up).max() + row_sums(&self.local).max();
        let rates = rates + row_sums(&self.down).max();
        let error = f64::max(
            residual / rates,
            (row_sums(&passage).add_scalar(-1.0)).amax(),
        );
        if error < RESIDUAL {
            Ok(passage)
        } else {
            Err(ModelError::Inaccurate {
                method: METHOD,
                error,
            })
        }
    }

    /// A₁ with its diagonal.
    fn within(&self) -> Matrix {
        let leaving = row_sums(&self.up) + row_sums(&self.local) + row_sums(&self.down);
        &self.local - Matrix::from_diagonal(&leaving)
    }

    /// R = A₀(−A₁ − A₀G)⁻¹: the stationary probabilities of a level are those of the level below
    /// times R.
    pub fn rate_matrix(&self, passage: &Matrix) -> Result<Matrix, ModelError> {
        let local = off_diagonal(&self.local + &self.up * passage);
        Ok(&self.up * sojourns(&local, &row_sums(&self.down))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    fn single(up: f64, down: f64) -> Qbd {
        Qbd {
            up: Matrix::from_element(1, 1, up),
            local: Matrix::zeros(1, 1),
            down: Matrix::from_element(1, 1, down),
        }
    }

    #[test]
    fn one_phase_is_m_m_1_up_to_the_heaviest_load() {
        for gap in [0.5, 1e-3, 1e-6, 1e-9] {
            let chain = single(1.0 - gap, 1.0);
            let passage = chain.first_passage().unwrap();
            assert_relative_eq!(passage[(0, 0)], 1.0, max_relative = 1e-12);
            let rate = chain.rate_matrix(&passage).unwrap();
            assert_relative_eq!(rate[(0, 0)], 1.0 - gap, max_relative = 1e-15);
        }
    }

    #[test]
    fn a_chain_that_drifts_upwards_is_an_error() {
        let error = single(1.1, 1.0).first_passage().unwrap_err();
        assert!(matches!(error, ModelError::Inaccurate { .. }));
    }
}
