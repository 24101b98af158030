//! Linear systems of Markov chains, solved without a subtraction.
//!
//! # Formula
//! Gaussian elimination in which every pivot is not what is left of the diagonal, but the sum of the
//! rates that leave the state: to the states still there, and to elsewhere. All terms are positive,
//! so that every entry of the result is right to almost all digits, however near the matrix is to
//! being singular.
//!
//! # References
//! W. K. Grassmann, M. I. Taksar, D. P. Heyman (1985), *Regenerative analysis and steady state
//! distributions for Markov chains*, Operations Research 33, 1107–1116; A. S. Alfa, J. Xue, Q. Ye
//! (2002), *Accurate computation of the smallest eigenvalue of a diagonally dominant M-matrix*,
//! Mathematics of Computation 71, 217–236.

use super::{Column, Matrix, Row};
use crate::theory::ModelError;

/// (D − P)⁻¹, where P is `rates` off the diagonal and D its row sums plus `elsewhere`: the time
/// spent in every state before the chain leaves to elsewhere.
///
/// # Errors
/// A state that leads nowhere.
pub(in crate::theory) fn sojourns(
    rates: &Matrix,
    elsewhere: &Column,
) -> Result<Matrix, ModelError> {
    let (factors, pivots) = eliminate(rates.clone(), elsewhere.clone())?;
    let n = pivots.len();
    let mut inverse = Matrix::identity(n, n);
    for column in 0..n {
        let mut x = inverse.column_mut(column);
        let x = x.as_mut_slice();
        // The unit vector is 0 before its place, and so is all that comes of it.
        for k in column..n {
            let (known, rest) = x.split_at_mut(k + 1);
            add_scaled(rest, known[k], &factors.column(k).as_slice()[k + 1..]);
        }
        for k in (0..n).rev() {
            let (rest, known) = x.split_at_mut(k);
            known[0] /= pivots[k];
            add_scaled(rest, known[0], &factors.column(k).as_slice()[..k]);
        }
    }
    Ok(inverse)
}

/// The stationary probabilities of a chain with the given rates (the diagonal is not looked at).
///
/// # Errors
/// A chain whose first state cannot be reached from every other one.
pub(in crate::theory) fn stationary(rates: &Matrix) -> Result<Row, ModelError> {
    let n = rates.nrows();
    let mut rates = rates.clone();
    let mut pivots = vec![1.0; n];
    for k in (1..n).rev() {
        pivots[k] = check(rates.view((k, 0), (1, k)).sum())?;
        let shares = rates.view((0, k), (k, 1)) / pivots[k];
        for column in rates.as_mut_slice().chunks_exact_mut(n).take(k) {
            let rate = column[k];
            add_scaled(&mut column[..k], rate, shares.as_slice());
        }
    }
    let mut chances = Row::zeros(n);
    chances[0] = 1.0;
    for k in 1..n {
        let into: f64 = (0..k).map(|i| chances[i] * rates[(i, k)]).sum();
        chances[k] = into / pivots[k];
    }
    let total = chances.sum();
    Ok(chances / total)
}

/// Eliminates the states from the first on: below the diagonal the shares of each state that go to
/// the eliminated one, above it the rates to the later states; and the pivots.
fn eliminate(mut rates: Matrix, mut elsewhere: Column) -> Result<(Matrix, Vec<f64>), ModelError> {
    let n = rates.nrows();
    let mut pivots = Vec::with_capacity(n);
    for k in 0..n {
        let onward: f64 = (k + 1..n).map(|j| rates[(k, j)]).sum();
        let pivot = check(onward + elsewhere[k])?;
        pivots.push(pivot);
        for i in k + 1..n {
            rates[(i, k)] /= pivot;
        }
        let shares = rates.column(k).as_slice()[k + 1..].to_vec();
        for column in rates.as_mut_slice().chunks_exact_mut(n).skip(k + 1) {
            let rate = column[k];
            add_scaled(&mut column[k + 1..], rate, &shares);
        }
        let rate = elsewhere[k];
        add_scaled(&mut elsewhere.as_mut_slice()[k + 1..], rate, &shares);
    }
    Ok((rates, pivots))
}

fn add_scaled(to: &mut [f64], by: f64, what: &[f64]) {
    if by != 0.0 {
        for (to, what) in to.iter_mut().zip(what) {
            *to += by * what;
        }
    }
}

fn check(pivot: f64) -> Result<f64, ModelError> {
    if pivot > 0.0 && pivot.is_finite() {
        Ok(pivot)
    } else {
        Err(ModelError::Inaccurate {
            method: "elimination of a Markov chain",
            error: pivot,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn the_inverse_is_one_even_next_to_singular() {
        // Two states that hardly ever leave: (D − P)⁻¹ has entries near 1/ε.
        for epsilon in [1.0, 1e-6, 1e-14] {
            let rates = Matrix::from_row_slice(2, 2, &[9.0, 2.0, 3.0, 9.0]);
            let inverse = sojourns(&rates, &Column::from_vec(vec![epsilon, 0.0])).unwrap();
            let determinant = 3.0 * epsilon;
            let exact = [3.0, 2.0, 3.0, 2.0 + epsilon].map(|x| x / determinant);
            for (found, exact) in inverse.transpose().iter().zip(exact) {
                assert_relative_eq!(*found, exact, max_relative = 1e-14);
            }
        }
    }

    #[test]
    fn a_birth_and_death_chain_has_its_product_form() {
        // M/M/1/3 with λ = 1 and μ = 2.
        let mut rates = Matrix::zeros(4, 4);
        for k in 0..3 {
            rates[(k, k + 1)] = 1.0;
            rates[(k + 1, k)] = 2.0;
        }
        let chances = stationary(&rates).unwrap();
        for (found, exact) in chances.iter().zip([8.0, 4.0, 2.0, 1.0]) {
            assert_relative_eq!(*found, exact / 15.0, max_relative = 1e-14);
        }
    }

    #[test]
    fn a_dead_end_is_an_error() {
        let rates = Matrix::zeros(2, 2);
        assert!(sojourns(&rates, &Column::zeros(2)).is_err());
        assert!(stationary(&rates).is_err());
    }
}
