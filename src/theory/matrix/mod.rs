//! Matrix-geometric tools: phase-type laws, Markovian arrivals, quasi-birth-death chains, and
//! whatever these need of linear algebra.
//!
//! Chains are written by their rates alone: a matrix of rates off the diagonal and the rates of
//! leaving to elsewhere. The diagonal follows from them, so that what is eliminated from it never
//! takes a subtraction ([`elimination`]) and loads up to 1 − 10⁻⁹ lose no digits to cancellation.

mod arrivals;
mod bounded;
mod elimination;
mod ladder;
mod levels;
mod line;
mod occupancy;
mod phase;
mod qbd;
mod survival;

pub use arrivals::MarkovianArrivals;
pub use phase::PhaseType;

pub(super) use bounded::{bounded, sub_generator};
pub(super) use elimination::{sojourns, stationary};
pub(super) use ladder::Ladder;
pub(super) use levels::Levels;
pub use line::SomeWaits;
pub(super) use line::{ACCURACY, Line, Server, Times};
pub(super) use occupancy::Occupancy;

use nalgebra::{DMatrix, DVector, RowDVector};

pub(in crate::theory) type Matrix = DMatrix<f64>;
pub(in crate::theory) type Column = DVector<f64>;
pub(in crate::theory) type Row = RowDVector<f64>;

/// The sums of the rows.
fn row_sums(matrix: &Matrix) -> Column {
    matrix.column_sum()
}

/// What is left without the diagonal.
fn off_diagonal(mut matrix: Matrix) -> Matrix {
    matrix.fill_diagonal(0.0);
    matrix
}
