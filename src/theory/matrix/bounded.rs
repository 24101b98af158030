//! A line with so many places and no more.

use super::elimination::stationary;
use super::line::Server;
use super::{Levels, MarkovianArrivals, Matrix, Row, off_diagonal, row_sums};
use crate::theory::ModelError;

/// The stationary probabilities of all levels of a line with the given places behind the given levels,
/// where who finds no place is lost.
pub(in crate::theory) fn bounded(
    arrivals: &MarkovianArrivals,
    server: &Server,
    levels: &Levels,
    places: usize,
) -> Result<Vec<Row>, ModelError> {
    let (a, s) = (arrivals.phases(), server.next.nrows());
    let (outer, inner) = (Matrix::identity(a, a), Matrix::identity(s, s));
    let up = arrivals.events.kronecker(&inner);
    let local = arrivals.hidden.kronecker(&inner) + outer.kronecker(&server.inner);
    let down = outer.kronecker(&server.next);
    let mut climb = levels.climb()?;
    for _ in 0..places {
        climb.step(&local, &up, &down)?;
    }
    // At the top an order that comes changes the phase of arrivals only.
    let top = off_diagonal(local + up + &climb.visits);
    let mut chances = climb.descend(stationary(&top)?);
    let total: f64 = chances.iter().map(Row::sum).sum();
    chances.iter_mut().for_each(|level| *level /= total);
    Ok(chances)
}

/// S₀ with its diagonal.
pub(in crate::theory) fn sub_generator(server: &Server) -> Matrix {
    let leaving = row_sums(&server.inner) + row_sums(&server.next);
    &server.inner - Matrix::from_diagonal(&leaving)
}
