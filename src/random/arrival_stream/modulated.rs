//! Markov-modulated Poisson arrivals.

use super::UNIT;
use crate::random::choice::Choice;
use crate::random::{Stream, Variates};

/// A Poisson process whose rate is that of a state which changes at random.
#[derive(Debug, Clone)]
pub(super) struct Modulated {
    /// Rate and mean stay of each state.
    states: Box<[(f64, f64)]>,
    state: usize,
    /// When the state ends.
    until: f64,
    now: f64,
    gaps: Variates,
    stays: Variates,
}

impl Modulated {
    /// Starts in the steady state: a state is as probable as its share of time, and what is left
    /// of an exponential stay is again exponential with the same mean.
    pub(super) fn new(rates: &[f64], dwell: &[f64], gaps: Variates, mut stream: Stream) -> Self {
        let round: f64 = dwell.iter().sum();
        let shares: Vec<f64> = dwell.iter().map(|stay| stay / round).collect();
        let state = Choice::new(&shares).index(stream.uniform());
        let mut stays = Variates::new(stream, &UNIT);
        Self {
            states: rates.iter().copied().zip(dwell.iter().copied()).collect(),
            state,
            until: dwell[state] * stays.next(),
            now: 0.0,
            gaps,
            stays,
        }
    }

    /// Spends a unit exponential number of expected orders at each state's rate.
    pub(super) fn next(&mut self) -> f64 {
        let mut orders = self.gaps.next();
        loop {
            let (rate, _) = self.states[self.state];
            let within = rate * (self.until - self.now);
            if orders < within {
                self.now = (self.now + orders / rate).min(self.until);
                return self.now;
            }
            orders -= within;
            self.change_state();
        }
    }

    fn change_state(&mut self) {
        self.now = self.until;
        self.state = (self.state + 1) % self.states.len();
        self.until += self.states[self.state].1 * self.stays.next();
    }
}
