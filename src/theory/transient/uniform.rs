//! One step of a chain by uniformization, where few events happen in it.
//!
//! # Formula
//! With rates a + bs in a step and Λ at least the sum of all rates out of a state,
//! p(s) = Σ P(Poisson(Λs) = k)u_k, where u₀ = p(0), u_{k+1} = u_k(I + Q(0)/Λ) + (kb/Λ²)u_{k−1}D and D is a
//! birth less its stay. Each u_k sums to 1. For b = 0 this is Jensen's method; with b the terms change
//! sign, so a step is no longer than |b|^(−1/2).
//!
//! # References
//! A. Jensen (1953), *Markoff chains as an aid in the study of Markoff processes*, Skandinavisk
//! Aktuarietidskrift 36, 87–91; N. M. van Dijk (1992), *Uniformization for nonhomogeneous Markov chains*,
//! Operations Research Letters 12, 283–291.

use super::chain::{Chain, State, flow};
use super::course::Stretch;
use super::totals::Totals;

/// Events in a step, on average, at least and at most.
const EVENTS: (f64, f64) = (30.0, 200.0);
/// A Poisson probability that is left out.
const NEGLIGIBLE: f64 = 1e-20;

/// A step that is planned.
#[derive(Debug, Clone, Copy)]
pub(super) struct Uniform {
    /// Λ.
    events: f64,
    /// Its length, seconds.
    pub step: f64,
}

impl Uniform {
    /// A step of at most `rest` seconds from a time of a stretch.
    pub fn plan(chain: Chain, stretch: &Stretch, state: &State, t: f64, rest: f64) -> Uniform {
        let width = state.probabilities.len() as f64;
        let wanted = (width / 4.0).clamp(EVENTS.0, EVENTS.1);
        let busy = f64::from(stretch.consumers).min(state.highest() as f64 + 2.0 * wanted + 60.0);
        let rate = |h: f64| stretch.rate_at(t).max(stretch.rate_at(t + h));
        let bound = |h: f64| rate(h) + chain.service_rate * busy;
        let longest = rest.min(stretch.slope.abs().sqrt().recip());
        let step = longest.min(wanted / bound(0.0).max(bound(longest)));
        Uniform {
            events: bound(step),
            step,
        }
    }

    /// The state after the step and what adds up in it.
    pub fn take(&self, chain: Chain, stretch: &Stretch, state: &State, t: f64) -> (State, Totals) {
        let weights = Weights::new(self.events * self.step);
        let terms = weights.mass.len();
        let mut wide = state.clone();
        wide.widen(terms, terms, chain.room);
        let lowest = wide.lowest;
        let width = wide.probabilities.len();
        let rates = Rates::new(chain, stretch, self.events, stretch.rate_at(t), &wide);
        let (mut before, mut now) = (vec![0.0; width], wide.probabilities);
        let (mut sum, mut totals) = (vec![0.0; width], [0.0; Totals::COUNT]);
        let first = state.lowest - lowest;
        let (mut low, mut high) = (first, first + state.probabilities.len() - 1);
        let mut next = vec![0.0; width];
        for k in 0..terms {
            let (mass, later, moment) = weights.of(k, self.events);
            for index in low..=high {
                sum[index] += mass * now[index];
            }
            let part = flow(
                chain,
                stretch.consumers,
                lowest + low,
                &now[low..=high],
                1.0,
            );
            for (index, (total, value)) in totals.iter_mut().zip(part).enumerate() {
                // From the fourth on the integrals are of λ times a probability.
                *total += match index {
                    0..=2 => later * value,
                    _ => (rates.rate * later + stretch.slope * moment) * value,
                };
            }
            if k + 1 == terms {
                break;
            }
            (low, high) = (low.saturating_sub(1), (high + 1).min(width - 1));
            rates.step(
                &before,
                &now,
                &mut next,
                (low, high),
                k as f64 * stretch.slope,
            );
            std::mem::swap(&mut before, &mut now);
            std::mem::swap(&mut now, &mut next);
        }
        let mut after = State {
            lowest,
            probabilities: sum,
        };
        after.trim();
        (after, Totals::from_slice(&totals))
    }

    /// Whether it takes less work than so many linear systems a second.
    pub fn beats(&self, state: &State, systems: f64) -> bool {
        self.cost(state) as f64 <= systems * self.step * state.probabilities.len() as f64
    }

    /// States times terms that it takes.
    pub fn cost(&self, state: &State) -> usize {
        let mean = self.events * self.step;
        let terms = mean + 10.0 * mean.sqrt() + 20.0;
        (terms * (state.probabilities.len() as f64 + terms)) as usize
    }
}

/// What a term hands on.
struct Rates {
    rate: f64,
    /// λ/Λ.
    up: f64,
    /// 1/Λ².
    square: f64,
    /// nμ/Λ of each state.
    down: Vec<f64>,
    /// The last state takes no more.
    full: Option<usize>,
}

impl Rates {
    fn new(chain: Chain, stretch: &Stretch, events: f64, rate: f64, state: &State) -> Rates {
        let consumers = f64::from(stretch.consumers);
        let each = state.numbered().map(|(n, _)| (n as f64).min(consumers));
        let full = chain.room.filter(|room| *room == state.highest());
        Rates {
            rate,
            up: rate / events,
            square: events.powi(-2),
            down: each
                .map(|busy| busy * chain.service_rate / events)
                .collect(),
            full: full.map(|room| room - state.lowest),
        }
    }

    fn step(
        &self,
        before: &[f64],
        now: &[f64],
        next: &mut [f64],
        (low, high): (usize, usize),
        bend: f64,
    ) {
        let turn = bend * self.square;
        let last = now.len() - 1;
        for index in low..=high {
            let closed = self.full == Some(index);
            let (stay, leave) = if closed {
                (1.0 - self.down[index], 0.0)
            } else {
                (1.0 - self.down[index] - self.up, turn)
            };
            let mut value = stay * now[index] - leave * before[index];
            if index > 0 {
                value += self.up * now[index - 1] + turn * before[index - 1];
            }
            if index < last {
                value += self.down[index + 1] * now[index + 1];
            }
            next[index] = value;
        }
    }
}

/// Poisson probabilities from 0 on, and their tails.
struct Weights {
    mass: Vec<f64>,
    /// P(more than k).
    tail: Vec<f64>,
}

impl Weights {
    fn new(mean: f64) -> Weights {
        let mut mass = vec![(-mean).exp()];
        loop {
            let k = mass.len() as f64;
            let next = mass[mass.len() - 1] * mean / k;
            if k > mean && next < NEGLIGIBLE {
                break;
            }
            mass.push(next);
        }
        let mut tail = vec![0.0; mass.len()];
        for k in (1..mass.len()).rev() {
            tail[k - 1] = tail[k] + mass[k];
        }
        Weights { mass, tail }
    }

    /// P(k), ∫P(k at Λs)ds and ∫s P(k at Λs)ds.
    fn of(&self, k: usize, events: f64) -> (f64, f64, f64) {
        let beyond = self.tail.get(k + 1).copied().unwrap_or(0.0);
        let moment = (k + 1) as f64 * beyond / (events * events);
        (self.mass[k], self.tail[k] / events, moment)
    }
}
