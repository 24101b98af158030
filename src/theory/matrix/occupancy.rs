//! Several consumers that serve by the same phase-type law, counted by how many are in each phase.
//!
//! Which consumer is in which phase does not matter: n busy consumers with m phases have
//! (n + m − 1 over n) states instead of mⁿ.
//!
//! # References
//! V. Ramaswami (1985), *Independent Markov processes in parallel*, Stochastic Models 1, 419–432.

use super::{Matrix, PhaseType};
use std::collections::HashMap;

/// The states of up to c busy consumers.
#[derive(Debug)]
pub(in crate::theory) struct Occupancy {
    service: PhaseType,
    /// By the number of busy consumers: how many are in each phase.
    states: Vec<Vec<Vec<u32>>>,
    index: Vec<HashMap<Vec<u32>, usize>>,
}

impl Occupancy {
    pub fn new(service: &PhaseType, consumers: u32) -> Occupancy {
        let states: Vec<Vec<Vec<u32>>> = (0..=consumers)
            .map(|busy| compositions(busy, service.count()))
            .collect();
        let number =
            |level: &Vec<Vec<u32>>| level.iter().cloned().zip(0..).collect::<HashMap<_, _>>();
        Occupancy {
            service: service.clone(),
            index: states.iter().map(number).collect(),
            states,
        }
    }

    /// (c + m − 1 over c), without writing the states down.
    pub fn count(consumers: u32, phases: usize) -> f64 {
        (1..phases).fold(1.0, |ways, k| {
            ways * (f64::from(consumers) + k as f64) / k as f64
        })
    }

    /// Steps from phase to phase.
    pub fn inner(&self, busy: u32) -> Matrix {
        let law = &self.service;
        self.rates(busy, busy, |state, add| {
            for i in held(state) {
                for j in 0..law.count() {
                    add(
                        moved(state, Some(i), Some(j)),
                        of(state[i]) * law.inner[(i, j)],
                    );
                }
            }
        })
    }

    /// Ends of service that leave a consumer idle.
    pub fn done(&self, busy: u32) -> Matrix {
        self.rates(busy, busy - 1, |state, add| {
            for i in held(state) {
                add(
                    moved(state, Some(i), None),
                    of(state[i]) * self.service.exit[i],
                );
            }
        })
    }

    /// The probabilities of the states after one more consumer has begun.
    pub fn begin(&self, busy: u32) -> Matrix {
        self.rates(busy, busy + 1, |state, add| {
            for (j, chance) in self.service.start.iter().enumerate() {
                add(moved(state, None, Some(j)), *chance);
            }
        })
    }

    /// Ends of service at once followed by the next.
    pub fn next(&self, busy: u32) -> Matrix {
        self.rates(busy, busy, |state, add| {
            for i in held(state) {
                let rate = of(state[i]) * self.service.exit[i];
                for (j, chance) in self.service.start.iter().enumerate() {
                    add(moved(state, Some(i), Some(j)), rate * chance);
                }
            }
        })
    }

    fn rates(
        &self,
        from: u32,
        to: u32,
        steps: impl Fn(&[u32], &mut dyn FnMut(Vec<u32>, f64)),
    ) -> Matrix {
        let (rows, columns) = (&self.states[from as usize], &self.index[to as usize]);
        let mut matrix = Matrix::zeros(rows.len(), columns.len());
        for (row, state) in rows.iter().enumerate() {
            steps(state, &mut |next, rate| {
                if rate > 0.0 {
                    matrix[(row, columns[&next])] += rate;
                }
            });
        }
        matrix
    }
}

/// The phases that someone is in.
fn held(state: &[u32]) -> impl Iterator<Item = usize> {
    (0..state.len()).filter(|&i| state[i] > 0)
}

fn of(count: u32) -> f64 {
    f64::from(count)
}

/// The state with one less in a phase and one more in another.
fn moved(state: &[u32], from: Option<usize>, to: Option<usize>) -> Vec<u32> {
    let mut next = state.to_vec();
    if let Some(i) = from {
        next[i] -= 1;
    }
    if let Some(j) = to {
        next[j] += 1;
    }
    next
}

/// All ways to write n as an ordered sum of m numbers.
fn compositions(n: u32, m: usize) -> Vec<Vec<u32>> {
    if m == 1 {
        return vec![vec![n]];
    }
    (0..=n)
        .flat_map(|first| {
            compositions(n - first, m - 1).into_iter().map(move |rest| {
                let mut all = vec![first];
                all.extend(rest);
                all
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Distribution;
    use approx::assert_relative_eq;

    #[test]
    fn states_are_counted_and_rates_add_up() {
        let law = Distribution::erlang(3, 1.0).unwrap();
        let service = PhaseType::of(&law).unwrap();
        let states = Occupancy::new(&service, 4);
        assert_eq!(Occupancy::count(4, 3), 15.0);
        let (inner, next) = (states.inner(4), states.next(4));
        assert_eq!(inner.nrows(), 15);
        for row in 0..15 {
            // Four consumers, each at the rate 3 of its phase.
            let total = inner.row(row).sum() + next.row(row).sum();
            assert_relative_eq!(total, 12.0, max_relative = 1e-14);
        }
        for row in 0..states.begin(3).nrows() {
            assert_relative_eq!(states.begin(3).row(row).sum(), 1.0, max_relative = 1e-14);
        }
        assert_relative_eq!(states.done(4).sum(), next.sum(), max_relative = 1e-14);
    }
}
