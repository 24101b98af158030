//! Phase-type algebra: what Coxian and general phase-type laws have in common.

use crate::random::error::{ParameterError, length};
use nalgebra::{DMatrix, DVector};

/// Rounding allowed in a row sum, relative to the row's diagonal entry.
const ROW_TOLERANCE: f64 = 1e-9;

/// An initial vector and a sub-generator.
pub(super) struct Phases {
    alpha: DVector<f64>,
    t: DMatrix<f64>,
}

impl Phases {
    /// From a validated initial vector and sub-generator.
    pub(super) fn new(alpha: &[f64], t: &[Vec<f64>]) -> Self {
        let n = alpha.len();
        Self {
            alpha: DVector::from_column_slice(alpha),
            t: DMatrix::from_fn(n, n, |row, column| t[row][column]),
        }
    }

    /// A Coxian law: phases in series that start in the first one.
    pub(super) fn coxian(rates: &[f64], probabilities: &[f64]) -> Self {
        let n = rates.len();
        let mut t = DMatrix::zeros(n, n);
        for (phase, &rate) in rates.iter().enumerate() {
            t[(phase, phase)] = -rate;
            if phase + 1 < n {
                t[(phase, phase + 1)] = rate * probabilities[phase];
            }
        }
        let mut alpha = DVector::zeros(n);
        alpha[0] = 1.0;
        Self { alpha, t }
    }

    /// E\[X^k\] = k! α (−T)^(−k) 1. Infinite when the solution overflows.
    pub(super) fn moment(&self, k: u32) -> f64 {
        let lu = (-&self.t).lu();
        let mut times = DVector::from_element(self.alpha.len(), 1.0);
        for order in 1..=k {
            if !lu.solve_mut(&mut times) {
                return f64::INFINITY;
            }
            times *= f64::from(order);
        }
        self.alpha.dot(&times)
    }

    /// P(X > x) = α e^(Tx) 1 for x ≥ 0.
    pub(super) fn ccdf(&self, x: f64) -> f64 {
        self.after(x).sum().clamp(0.0, 1.0)
    }

    /// α e^(Tx) (−T1) for x ≥ 0.
    pub(super) fn density(&self, x: f64) -> f64 {
        let n = self.alpha.len();
        let exits = DVector::from_fn(n, |i, _| -self.t.row(i).sum());
        self.after(x).dot(&exits).max(0.0)
    }

    /// E\[X^k; X > x\] for k from 0 to 3: with the phases v = α e^(Tx) at x, it is
    /// Σ (k over j) x^(k−j) j! v (−T)^(−j) 1. Infinite when the solution overflows.
    pub(super) fn above(&self, x: f64) -> [f64; 4] {
        let at = if x > 0.0 {
            self.after(x)
        } else {
            self.alpha.clone()
        };
        let lu = (-&self.t).lu();
        let mut times = DVector::from_element(self.alpha.len(), 1.0);
        let mut left = [f64::INFINITY; 4];
        for (order, moment) in left.iter_mut().enumerate() {
            if order > 0 && !lu.solve_mut(&mut times) {
                break;
            }
            times *= (order as f64).max(1.0);
            *moment = at.dot(&times);
        }
        let [zeroth, first, second, third] = left;
        [
            zeroth,
            x * zeroth + first,
            x * (x * zeroth + 2.0 * first) + second,
            x * (x * (x * zeroth + 3.0 * first) + 3.0 * second) + third,
        ]
    }

    /// α e^(Tx): where the chain is at x.
    ///
    /// Scaling and squaring of the uniformized series: every term is non-negative, so nothing
    /// cancels, for any ratio of the rates.
    fn after(&self, x: f64) -> DVector<f64> {
        let n = self.alpha.len();
        let fastest = (0..n).map(|i| -self.t[(i, i)]).fold(0.0, f64::max);
        let halvings = (fastest * x).log2().ceil().max(0.0);
        if halvings > 1000.0 {
            return DVector::zeros(n); // Far beyond the range of a float, x infinite included.
        }
        let mut power = self.short_step(x / halvings.exp2(), fastest);
        for _ in 0..halvings as u32 {
            power = &power * &power;
        }
        power.transpose() * &self.alpha
    }

    /// e^(T·step) for a step of at most 1 on the clock of the `fastest` phase:
    /// e^(−q·step) Σ (q·step·P)ⁿ/n! with P = I + T/q.
    fn short_step(&self, step: f64, fastest: f64) -> DMatrix<f64> {
        let n = self.alpha.len();
        let clock = fastest * step;
        let jumps = (DMatrix::identity(n, n) + &self.t / fastest) * clock;
        let mut term = DMatrix::identity(n, n);
        let mut sum = term.clone();
        // The clock is at most 1: the remainder after 20 terms is below 1/20! = 4e-19.
        for order in 1..20 {
            term = &term * &jumps / f64::from(order);
            sum += &term;
        }
        sum * (-clock).exp()
    }
}

/// Refuses a matrix that is not the sub-generator of an absorbed chain with `size` phases.
pub(super) fn check_sub_generator(size: usize, t: &[Vec<f64>]) -> Result<(), ParameterError> {
    length("T", t, size, "one row for each entry of `alpha`")?;
    for (row, entries) in t.iter().enumerate() {
        length("T", entries, size, "in every row as many as rows")?;
        check_row(row, entries)?;
    }
    check_absorption(t)
}

fn check_row(row: usize, entries: &[f64]) -> Result<(), ParameterError> {
    let refuse = |message: String| Err(ParameterError::new("T", message));
    for (column, &entry) in entries.iter().enumerate() {
        let place = format!("row {}, column {} of `T`", row + 1, column + 1);
        if !entry.is_finite() {
            return refuse(format!("{place} must be a finite number, not {entry}"));
        }
        if row == column && entry >= 0.0 {
            return refuse(format!(
                "{place} is on the diagonal and must be below 0, not {entry}"
            ));
        }
        if row != column && entry < 0.0 {
            return refuse(format!(
                "{place} is a rate and must be at least 0, not {entry}"
            ));
        }
    }
    let sum: f64 = entries.iter().sum();
    if sum > -ROW_TOLERANCE * entries[row] {
        let row = row + 1;
        return refuse(format!(
            "row {row} of `T` must add up to at most 0, not {sum}"
        ));
    }
    Ok(())
}

/// The rate of ending from a phase: what is missing in its row to 0.
pub(in crate::random) fn exit_rate(phase: usize, row: &[f64]) -> f64 {
    let exit = -row.iter().sum::<f64>();
    if exit <= -ROW_TOLERANCE * row[phase] {
        return 0.0;
    }
    exit
}

fn check_absorption(t: &[Vec<f64>]) -> Result<(), ParameterError> {
    let mut ends: Vec<bool> = (0..t.len()).map(|i| exit_rate(i, &t[i]) > 0.0).collect();
    // Each pass adds phases that lead to one that ends; as many passes as phases find all.
    for _ in 0..t.len() {
        for phase in 0..t.len() {
            ends[phase] |= (0..t.len()).any(|next| t[phase][next] > 0.0 && ends[next]);
        }
    }
    match ends.iter().position(|&ends| !ends) {
        None => Ok(()),
        Some(phase) => {
            let phase = phase + 1;
            let message = format!(
                "the chain never ends from phase {phase} of `T`: some phase it leads to needs a row \
                 that adds up to less than 0"
            );
            Err(ParameterError::new("T", message))
        }
    }
}
