//! The periodic steady state: the fixed point of one period.
//!
//! # Numerics
//! Anderson acceleration of p ← p after one period, until ‖change‖ times the number of periods that the
//! queue takes to forget, 4/(P · gap), is below 10⁻⁹; the gap is that of the queue with the mean rate,
//! cμ(1 − √ρ)² and at most μ.
//!
//! # References
//! D. G. Anderson (1965), *Iterative procedures for nonlinear integral equations*, Journal of the ACM
//! 12, 547–560. The gap: P. M. Morse (1958), *Queues, Inventories and Maintenance*, chapter 6.

use super::chain::{Chain, Effort, State, Walk};
use super::course::Course;
use crate::theory::error::ModelError;
use nalgebra::{DMatrix, DVector};

/// What is left of the start, relative.
const SETTLED: f64 = 1e-9;
/// Periods without halving what is left, after which no more comes of it.
const PATIENCE: usize = 15;
/// Periods that the acceleration remembers.
const MEMORY: usize = 10;

/// Goes through all stretches of a course.
pub(super) fn go_through(
    walk: &mut Walk,
    course: &Course,
    effort: &mut Effort,
) -> Result<(), ModelError> {
    for stretch in course.stretches() {
        walk.advance(stretch, stretch.from, stretch.to, effort)?;
    }
    walk.land(effort)
}

/// The state at the start of a period in the periodic steady state, as near as rounding lets it come.
pub(super) fn settle(
    chain: Chain,
    course: &Course,
    effort: &mut Effort,
) -> Result<State, ModelError> {
    let mut memory = Memory::default();
    let mut walk = Walk::new(chain, guess(chain, course));
    let (mut best, mut since) = ((f64::INFINITY, walk.state.clone()), 0);
    while since < PATIENCE && !effort.is_spent(0.8) {
        let before = walk.state.clone();
        go_through(&mut walk, course, effort)?;
        let left = left_over(chain, course, &before, &walk.state);
        since += 1;
        if left < 0.5 * best.0 {
            since = 0;
        }
        if left < best.0 {
            best = (left, walk.state.clone());
        }
        if left <= SETTLED {
            break;
        }
        walk.state = memory.next(before, walk.state.clone());
    }
    Ok(best.1)
}

/// What is left of the start after a period that led from one state to another, relative.
pub(super) fn left_over(chain: Chain, course: &Course, before: &State, after: &State) -> f64 {
    let forgetting = 1.0 + 4.0 / (course.end() * gap(chain, course));
    distance(before, after) * forgetting
}

/// Σ|p − q|, and how far the means are apart, relative.
fn distance(p: &State, q: &State) -> f64 {
    let (base, length) = span([p, q].into_iter());
    let pairs = spread(p, base, length)
        .into_iter()
        .zip(spread(q, base, length));
    let (mut sum, mut mean, mut means) = (0.0, 0.0, 1.0);
    for (index, (p, q)) in pairs.enumerate() {
        let n = (base + index) as f64;
        sum += f64::abs(p - q);
        mean += n * (p - q);
        means += n * q;
    }
    sum + mean.abs() / means
}

/// How fast the queue with the mean rate forgets, per second.
fn gap(chain: Chain, course: &Course) -> f64 {
    let capacity = chain.service_rate * course.consumer_time() / course.end();
    let load = course.mean_rate() / capacity;
    let room = chain.room.map_or(0.0, |room| (1.0 + room as f64).powi(-2));
    let share = (1.0 - load.sqrt()).powi(2).max(room);
    (capacity * share).min(chain.service_rate)
}

/// The stationary state with the mean rate and the mean number of consumers.
fn guess(chain: Chain, course: &Course) -> State {
    let consumers = course.consumer_time() / course.end();
    let offered = course.mean_rate() / chain.service_rate;
    let top = chain.room.unwrap_or(usize::MAX);
    let ratio = |n: usize| offered / consumers.min(n as f64);
    let mode = if offered < consumers {
        offered as usize
    } else {
        top
    }
    .min(top);
    let mut below = vec![1.0];
    for n in (1..=mode).rev() {
        let next = below[below.len() - 1] / ratio(n);
        if next < 1e-24 {
            break;
        }
        below.push(next);
    }
    let lowest = mode + 1 - below.len();
    below.reverse();
    for n in mode.saturating_add(1)..=top {
        let next = below[below.len() - 1] * ratio(n);
        if next < 1e-24 {
            break;
        }
        below.push(next);
    }
    let whole: f64 = below.iter().sum();
    below.iter_mut().for_each(|p| *p /= whole);
    State {
        lowest,
        probabilities: below,
    }
}

fn span<'a>(states: impl Iterator<Item = &'a State> + Clone) -> (usize, usize) {
    let base = states.clone().map(|s| s.lowest).min().unwrap_or(0);
    let end = states.map(|s| s.highest() + 1).max().unwrap_or(0);
    (base, end - base)
}

fn spread(state: &State, base: usize, length: usize) -> Vec<f64> {
    let mut values = vec![0.0; length];
    for (n, p) in state.numbered() {
        values[n - base] = p;
    }
    values
}

/// The last periods: the state before and after each.
#[derive(Default)]
struct Memory(Vec<(State, State)>);

impl Memory {
    /// Where to start the next period: the mixture of what came after the last ones in which the
    /// changes of a period cancel best.
    fn next(&mut self, before: State, after: State) -> State {
        self.0.push((before, after));
        if self.0.len() > MEMORY {
            self.0.remove(0);
        }
        let (base, length) = span(self.0.iter().flat_map(|(a, b)| [a, b]));
        let wide = |state: &State| DVector::from_vec(spread(state, base, length));
        let changes: Vec<DVector<f64>> = self.0.iter().map(|(a, b)| wide(b) - wide(a)).collect();
        let afters: Vec<DVector<f64>> = self.0.iter().map(|(_, b)| wide(b)).collect();
        let last = changes.len() - 1;
        let mut mixture = afters[last].clone();
        if last > 0 {
            let columns: Vec<DVector<f64>> =
                (0..last).map(|k| &changes[k + 1] - &changes[k]).collect();
            let weights = DMatrix::from_columns(&columns)
                .svd(true, true)
                .solve(&changes[last], 1e-300);
            for (k, weight) in weights.iter().flat_map(|w| w.iter()).enumerate() {
                mixture -= (&afters[k + 1] - &afters[k]) * *weight;
            }
        }
        State {
            lowest: base,
            probabilities: mixture.as_slice().to_vec(),
        }
    }
}
