//! How fast a Markov chain dies out: x e^(Mt) u for a matrix M with rates off the diagonal.
//!
//! # Formula
//! Uniformization, e^(Mh) = e^(−qh) Σ (qh)ⁿ/n! (I + M/q)ⁿ, for a short step h; doubled steps by
//! squaring. Every term is positive, so nothing cancels. A time is the sum of doubled steps (its
//! binary digits) and a rest shorter than h.
//!
//! # References
//! A. Jensen (1953), *Markoff chains as an aid in the study of Markoff processes*, Skandinavisk
//! Aktuarietidskrift 36, 87–91.

use super::{Column, Matrix, Row};

/// Below this nothing is left.
const NOTHING: f64 = 1e-18;
/// Doublings after which every time of interest is covered.
const MOST_DOUBLINGS: usize = 64;
/// Terms of the series for a step of at most 1 on the fastest clock; the rest is below 1/25!.
const TERMS: u32 = 25;

/// Powers of e^(Mh) for one matrix M.
#[derive(Debug, Clone)]
pub(super) struct Survival {
    /// I + M/q.
    jumps: Matrix,
    step: f64,
    /// e^(Mh·2^i).
    doubled: Vec<Matrix>,
}

impl Survival {
    /// For rows and columns that have died out where x e^(Mt) u has: whatever is asked later should
    /// not live longer than these.
    pub fn new(matrix: Matrix, x: &Row, u: &Column) -> Survival {
        let n = matrix.nrows();
        let fastest = (0..n).map(|i| -matrix[(i, i)]).fold(0.0, f64::max);
        let jumps = Matrix::identity(n, n) + matrix / fastest;
        let mut term = Matrix::identity(n, n);
        let mut sum = term.clone();
        for order in 1..TERMS {
            term = &term * &jumps / f64::from(order);
            sum += &term;
        }
        let mut doubled = vec![sum * (-1.0f64).exp()];
        while doubled.len() < MOST_DOUBLINGS {
            let last = &doubled[doubled.len() - 1];
            let left = (x * last * u)[0];
            if left.is_nan() || left < NOTHING {
                break;
            }
            doubled.push(last * last);
        }
        Survival {
            jumps,
            step: 1.0 / fastest,
            doubled,
        }
    }

    /// x e^(Mt) u.
    pub fn at(&self, x: &Row, u: &Column, t: f64) -> f64 {
        let steps = (t / self.step).floor();
        if steps >= (self.doubled.len() as f64).exp2() {
            return 0.0;
        }
        let mut row = x.clone();
        let whole = steps as u64;
        for (i, power) in self.doubled.iter().enumerate() {
            if whole >> i & 1 == 1 {
                row = &row * power;
            }
        }
        self.within(&row, u, t / self.step - steps)
    }

    /// The smallest t with x e^(Mt) u ≤ tail, if there is one before nothing is left; x e^(Mt) u must
    /// not rise.
    pub fn quantile(&self, x: &Row, u: &Column, tail: f64) -> Option<f64> {
        if (x * u)[0] <= tail {
            return Some(0.0);
        }
        let (mut row, mut steps) = (x.clone(), 0.0);
        for (i, power) in self.doubled.iter().enumerate().rev() {
            let later = &row * power;
            if (&later * u)[0] > tail {
                row = later;
                steps += (i as f64).exp2();
            }
        }
        let coefficients = self.coefficients(&row, u);
        let above = |clock: f64| series(&coefficients, clock) > tail;
        if above(1.0 + 1e-9) {
            return None;
        }
        let clock = crate::theory::numeric::bisect(above, 0.0, 1.0 + 1e-9);
        Some((steps + clock) * self.step)
    }

    /// The value after less than a step; `clock` in units of the step.
    fn within(&self, row: &Row, u: &Column, clock: f64) -> f64 {
        series(&self.coefficients(row, u), clock)
    }

    /// x Pⁿ u.
    fn coefficients(&self, row: &Row, u: &Column) -> Vec<f64> {
        let mut u = u.clone();
        (0..TERMS)
            .map(|_| {
                let value = (row * &u)[0];
                u = &self.jumps * &u;
                value
            })
            .collect()
    }
}

/// e^(−s) Σ aₙ sⁿ/n!.
fn series(coefficients: &[f64], clock: f64) -> f64 {
    let (mut sum, mut weight) = (0.0, (-clock).exp());
    for (n, value) in coefficients.iter().enumerate() {
        sum += weight * value;
        weight *= clock / (n + 1) as f64;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn two_phases_in_series_are_an_erlang_law() {
        let matrix = Matrix::from_row_slice(2, 2, &[-3.0, 3.0, 0.0, -3.0]);
        let (x, u) = (
            Row::from_row_slice(&[1.0, 0.0]),
            Column::from_element(2, 1.0),
        );
        let survival = Survival::new(matrix, &x, &u);
        for t in [0.0, 0.01, 0.4, 1.0, 5.0] {
            let exact = (1.0 + 3.0 * t) * f64::exp(-3.0 * t);
            assert_relative_eq!(survival.at(&x, &u, t), exact, max_relative = 1e-13);
            let back = survival.quantile(&x, &u, exact).unwrap();
            assert_relative_eq!(back, t, epsilon = 1e-7, max_relative = 1e-10);
        }
        assert_eq!(survival.at(&x, &u, 1e300), 0.0);
    }
}
