//! Quasi-birth-death chains of any kind: the stationary law of the level.

use super::elimination::stationary;
use super::qbd::Qbd;
use super::{Levels, Matrix, Row, off_diagonal};
use crate::theory::ModelError;

/// A chain whose levels from c on are all alike.
#[derive(Debug)]
pub(in crate::theory) struct Ladder {
    /// The probabilities of the levels 0 to c.
    pub levels: Vec<Row>,
    /// Those of the levels from c on, added up.
    pub above: Row,
    /// The mean level.
    pub mean: f64,
}

impl Ladder {
    /// The chain with these levels below c, and these rates up, within and down at each from c on.
    ///
    /// # Errors
    /// What does not converge.
    pub fn new(
        levels: &Levels,
        up: Matrix,
        local: Matrix,
        down: Matrix,
    ) -> Result<Ladder, ModelError> {
        let chain = Qbd { up, local, down };
        let passage = chain.first_passage()?;
        let rate = chain.rate_matrix(&passage)?;
        let n = rate.nrows();
        let mut climb = levels.climb()?;
        if levels.up.is_empty() {
            climb.visits = Matrix::zeros(n, n);
        }
        let within = off_diagonal(&chain.local + &climb.visits + &chain.up * &passage);
        let mut levels = climb.descend(stationary(&within)?);
        let geometric = (Matrix::identity(n, n) - &rate).transpose().lu();
        let sum = |row: &Row| {
            let solved = geometric.solve(&row.transpose());
            solved
                .map(|column| column.transpose())
                .ok_or(ModelError::Inaccurate {
                    method: "matrix-geometric solution",
                    error: 1.0,
                })
        };
        let first = levels.len() - 1;
        let above = sum(&levels[first])?;
        let beyond = sum(&(&above * &rate))?.sum();
        let total = levels[..first].iter().map(Row::sum).sum::<f64>() + above.sum();
        levels.iter_mut().for_each(|level| *level /= total);
        let below = levels[..first].iter().enumerate();
        let below: f64 = below.map(|(n, level)| n as f64 * level.sum()).sum();
        Ok(Ladder {
            levels,
            mean: below + (first as f64 * above.sum() + beyond) / total,
            above: above / total,
        })
    }
}
