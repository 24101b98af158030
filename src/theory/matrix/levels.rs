//! The levels below the repeating ones of a quasi-birth-death chain, each with phases of its own.
//!
//! # Formula
//! Linear level reduction from the bottom: the chain watched on the levels from n on has at level n
//! the rates local_n + T_n·up_(n−1), where T_n = down_n·(−S_(n−1))⁻¹ and S_(n−1) are the rates at n − 1
//! of the chain watched up to there; then π_(n−1) = π_n T_n.
//!
//! # References
//! D. P. Gaver, P. A. Jacobs, G. Latouche (1984), *Finite birth-and-death models in randomly changing
//! environments*, Advances in Applied Probability 16, 715–731.

use super::elimination::sojourns;
use super::{Matrix, Row, off_diagonal, row_sums};
use crate::theory::ModelError;

/// Rates of the levels 0 to c − 1, and between them and level c.
#[derive(Debug, Default)]
pub(in crate::theory) struct Levels {
    /// n → n + 1, for n below c.
    pub up: Vec<Matrix>,
    /// Within n, for n below c.
    pub local: Vec<Matrix>,
    /// n + 1 → n, for n below c.
    pub down: Vec<Matrix>,
}

/// What is left of the levels below when they are not watched.
#[derive(Debug)]
pub(super) struct Climb {
    /// T_n: from the stationary probabilities of a level to those of the level below, from level 1 on.
    below: Vec<Matrix>,
    /// The rates within the level reached that come from visits below.
    pub visits: Matrix,
}

impl Levels {
    /// Takes the levels away one after the other.
    pub(super) fn climb(&self) -> Result<Climb, ModelError> {
        let first = self.local.first().map_or(0, Matrix::nrows);
        let mut climb = Climb {
            below: Vec::with_capacity(self.up.len()),
            visits: Matrix::zeros(first, first),
        };
        for ((up, local), down) in self.up.iter().zip(&self.local).zip(&self.down) {
            climb.step(local, up, down)?;
        }
        Ok(climb)
    }
}

impl Climb {
    /// Takes one more level away: the rates within it, up from it, and down to it.
    pub fn step(&mut self, local: &Matrix, up: &Matrix, down: &Matrix) -> Result<(), ModelError> {
        let within = off_diagonal(local + &self.visits);
        let back = down * sojourns(&within, &row_sums(up))?;
        self.visits = &back * up;
        self.below.push(back);
        Ok(())
    }

    /// The stationary probabilities of all levels, from those of the last one; in proportion only.
    pub fn descend(&self, last: Row) -> Vec<Row> {
        /// Nothing below this level of a float is needed, and nothing above this one is safe.
        const LARGE: f64 = 1e200;
        let mut levels = vec![last];
        for back in self.below.iter().rev() {
            let next = &levels[levels.len() - 1] * back;
            let largest = next.max();
            levels.push(next);
            if largest > LARGE {
                levels.iter_mut().for_each(|level| *level /= largest);
            }
        }
        levels.reverse();
        levels
    }
}
