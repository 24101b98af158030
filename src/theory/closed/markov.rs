//! Small Markov chains, solved exactly: the states that can be reached, and their probabilities.
//!
//! # References
//! W. K. Grassmann, M. I. Taksar, D. P. Heyman (1985), *Regenerative analysis and steady state
//! distributions for Markov chains*, Operations Research 33, 1107–1116: elimination without
//! subtractions, so that every digit counts. Larger chains by Gauss and Seidel's iteration: W. J. Stewart
//! (1994), *Introduction to the Numerical Solution of Markov Chains*, section 3.3.

use std::collections::{HashMap, VecDeque};

/// A state, by its components.
pub(super) type State = Vec<u16>;

/// More states than this are refused.
const STATES: usize = 200_000;
/// More steps than this of elimination, or of iteration, are refused.
const STEPS: f64 = 3e8;
/// Relative error at which an iteration counts as converged.
const SETTLED: f64 = 1e-11;

/// The states of a chain and their probabilities in the long run.
#[derive(Debug, Clone)]
pub(super) struct Steady {
    pub states: Vec<State>,
    pub probabilities: Vec<f64>,
}

/// Solves the chain that starts in a state and goes on as `moves` says (it adds pairs of state and
/// rate). `None` where it is too large, or not every state leads back to every other.
pub(super) fn steady(
    start: State,
    mut moves: impl FnMut(&State, &mut Vec<(State, f64)>),
) -> Option<Steady> {
    let mut index = HashMap::from([(start.clone(), 0usize)]);
    let mut states = vec![start];
    let mut rows: Vec<Vec<(usize, f64)>> = Vec::new();
    let mut ways = Vec::new();
    while rows.len() < states.len() {
        ways.clear();
        moves(&states[rows.len()], &mut ways);
        let mut row = Vec::with_capacity(ways.len());
        for (to, rate) in ways.drain(..) {
            let next = states.len();
            let id = *index.entry(to.clone()).or_insert(next);
            if id == next {
                if next == STATES {
                    return None;
                }
                states.push(to);
            }
            if id != rows.len() {
                row.push((id, rate));
            }
        }
        rows.push(row);
    }
    let order = narrow(&rows);
    let probabilities = match Band::new(&rows, &order) {
        Some(band) => band.solve()?,
        None => iterate(&rows, &order)?,
    };
    let mut by_state = vec![0.0; states.len()];
    for (state, place) in order.iter().enumerate() {
        by_state[state] = probabilities[*place];
    }
    Some(Steady {
        states,
        probabilities: by_state,
    })
}

/// The place of every state in an order that keeps neighbours close: level by level from the last
/// state of a first search, by whichever way the moves go (Cuthill and McKee 1969).
fn narrow(rows: &[Vec<(usize, f64)>]) -> Vec<usize> {
    let mut near: Vec<Vec<usize>> = vec![Vec::new(); rows.len()];
    for (from, row) in rows.iter().enumerate() {
        for (to, _) in row {
            near[from].push(*to);
            near[*to].push(from);
        }
    }
    let search = |from: usize| {
        let mut seen = vec![false; near.len()];
        let mut found = Vec::with_capacity(near.len());
        let mut open = VecDeque::from([from]);
        seen[from] = true;
        while let Some(state) = open.pop_front() {
            found.push(state);
            let mut next = near[state].clone();
            next.sort_by_key(|s| near[*s].len());
            for state in next {
                if !std::mem::replace(&mut seen[state], true) {
                    open.push_back(state);
                }
            }
        }
        found
    };
    let far = search(0).last().copied().unwrap_or(0);
    let mut places = vec![0; rows.len()];
    for (place, state) in search(far).into_iter().enumerate() {
        places[state] = place;
    }
    places
}

/// Gauss and Seidel: each probability in turn from those of the states that lead to it, until what is
/// still to come (a geometric series) is next to nothing. `None` where it takes too long.
fn iterate(rows: &[Vec<(usize, f64)>], order: &[usize]) -> Option<Vec<f64>> {
    let n = rows.len();
    let mut into: Vec<Vec<(usize, f64)>> = vec![Vec::new(); n];
    let mut out = vec![0.0; n];
    for (from, row) in rows.iter().enumerate() {
        for (to, rate) in row {
            into[order[*to]].push((order[from], *rate));
            out[order[from]] += rate;
        }
    }
    if out.contains(&0.0) {
        return None;
    }
    let moves: usize = rows.iter().map(Vec::len).sum();
    let rounds = (STEPS / (n + moves) as f64) as usize;
    let mut p = vec![1.0 / n as f64; n];
    let (mut last, mut ratio) = (f64::INFINITY, 1.0f64);
    for round in 0..rounds {
        let mut change = 0.0;
        let forth = round % 2 == 0;
        for step in 0..n {
            let j = if forth { step } else { n - 1 - step };
            let flow: f64 = into[j].iter().map(|(i, rate)| p[*i] * rate).sum();
            let value = flow / out[j];
            change += (value - p[j]).abs();
            p[j] = value;
        }
        let total: f64 = p.iter().sum();
        p.iter_mut().for_each(|p| *p /= total);
        change /= total;
        // The slower of the last two rounds: forth and back differ.
        let now = if last > 0.0 { change / last } else { 0.0 };
        let slower = ratio.max(now);
        if round > 20 && slower < 1.0 && change * slower / (1.0 - slower) < SETTLED {
            return Some(p);
        }
        (last, ratio) = (change, now);
    }
    None
}

/// Rates between states, those further apart than the width being 0.
struct Band {
    width: usize,
    /// Row i holds the rates to i − width, …, i + width.
    rows: Vec<Vec<f64>>,
}

impl Band {
    fn new(rows: &[Vec<(usize, f64)>], order: &[usize]) -> Option<Band> {
        let pairs = || {
            rows.iter().enumerate().flat_map(|(from, row)| {
                row.iter()
                    .map(move |(to, rate)| (order[from], order[*to], *rate))
            })
        };
        let width = pairs().map(|(i, j, _)| i.abs_diff(j)).max().unwrap_or(0);
        if rows.len() as f64 * (width as f64 + 1.0).powi(2) > STEPS {
            return None;
        }
        let mut band = vec![vec![0.0; 2 * width + 1]; rows.len()];
        for (i, j, rate) in pairs() {
            band[i][j + width - i] += rate;
        }
        Some(Band { width, rows: band })
    }

    /// Eliminates the last state again and again, then puts the probabilities together.
    fn solve(mut self) -> Option<Vec<f64>> {
        let (n, w) = (self.rows.len(), self.width);
        for last in (1..n).rev() {
            let low = last.saturating_sub(w);
            let (before, from) = self.rows.split_at_mut(last);
            let out = &from[0][low + w - last..w];
            let total: f64 = out.iter().sum();
            if total <= 0.0 {
                return None;
            }
            for (i, row) in before.iter_mut().enumerate().skip(low) {
                let into = row[last + w - i] / total;
                row[last + w - i] = into;
                if into > 0.0 {
                    let start = low + w - i;
                    for (to, rate) in row[start..].iter_mut().zip(out) {
                        *to += into * rate;
                    }
                }
            }
        }
        let mut p = vec![0.0; n];
        p[0] = 1.0;
        for j in 1..n {
            let low = j.saturating_sub(w);
            p[j] = (low..j).map(|i| p[i] * self.rows[i][j + w - i]).sum();
        }
        let total: f64 = p.iter().sum();
        p.iter_mut().for_each(|p| *p /= total);
        total.is_finite().then_some(p)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn a_queue_with_batches_and_a_ring() {
        // Arrivals one by one, service of two at a time: compared with the balance of every state.
        let moves = |s: &State, out: &mut Vec<(State, f64)>| {
            if s[0] < 30 {
                out.push((vec![s[0] + 1], 1.5));
            }
            if s[0] > 0 {
                out.push((vec![s[0].saturating_sub(2)], 1.0));
            }
        };
        let steady = steady(vec![0], moves).unwrap();
        let p = |n: u16| {
            let at = steady.states.iter().position(|s| s[0] == n).unwrap();
            steady.probabilities[at]
        };
        assert_relative_eq!(p(0) * 1.5, p(1) + p(2), max_relative = 1e-13);
        for n in 1..28 {
            let balance = p(n - 1) * 1.5 + p(n + 2);
            assert_relative_eq!(p(n) * 2.5, balance, max_relative = 1e-13);
        }
        assert_relative_eq!(
            steady.probabilities.iter().sum::<f64>(),
            1.0,
            max_relative = 1e-14
        );
    }

    #[test]
    fn iteration_gives_what_elimination_gives() {
        // A random walk on a torus of 20 by 30 with a drift that turns.
        let rate = |i: usize, k: usize| 0.2 + ((i * 7 + k * 13) % 11) as f64;
        let rows: Vec<Vec<(usize, f64)>> = (0..600)
            .map(|i| {
                let near = [
                    (i + 1) % 600,
                    (i + 599) % 600,
                    (i + 30) % 600,
                    (i + 570) % 600,
                ];
                near.iter()
                    .enumerate()
                    .map(|(k, j)| (*j, rate(i, k)))
                    .collect()
            })
            .collect();
        let order: Vec<usize> = (0..600).collect();
        let exact = Band::new(&rows, &order).unwrap().solve().unwrap();
        let near = iterate(&rows, &order).unwrap();
        for (a, b) in exact.iter().zip(&near) {
            assert_relative_eq!(a, b, max_relative = 1e-7);
        }
    }

    #[test]
    fn a_trap_has_no_steady_state_of_its_own() {
        let moves = |s: &State, out: &mut Vec<(State, f64)>| {
            if s[0] < 2 {
                out.push((vec![s[0] + 1], 1.0));
            }
        };
        // All probability ends in the last state, or the elimination refuses.
        if let Some(steady) = steady(vec![0], moves) {
            assert_relative_eq!(steady.probabilities[2], 1.0);
        }
    }
}
