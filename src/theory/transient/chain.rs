//! A birth-and-death chain whose rates change with time: Kolmogorov's forward equations, integrated
//! with control of the error.
//!
//! # Numerics
//! Where few events happen in a step, by uniformization ([`super::uniform`]). Else implicit Euler steps,
//! extrapolated in the number of steps to order 9 at most (Deuflhard). Each is a tridiagonal system,
//! solved without a subtraction, so probabilities stay probabilities; there is no limit to the step but
//! accuracy, however fast the chain forgets. The step follows from the difference between the last two
//! orders, which is kept below 10⁻¹² of the whole probability and below 10⁻¹¹ of every integral. The
//! chain does not magnify errors in the sum of |p| (it is a contraction), so they add up at worst, and
//! the sum is kept.
//!
//! Only a window of states is held. It is widened, and the step taken again, whenever a probability
//! at its rim reaches 10⁻¹⁵. A backlog far from running out takes one step ([`super::flight`]).
//!
//! # References
//! P. Deuflhard (1983), *Order and stepsize control in extrapolation methods*, Numerische Mathematik
//! 41, 399–422; E. Hairer and G. Wanner (1996), *Solving Ordinary Differential Equations II*, IV.9.

use super::course::Stretch;
use super::flight::Flight;
use super::totals::Totals;
use super::uniform::Uniform;
use crate::theory::error::ModelError;

/// Most columns of the extrapolation table.
const COLUMNS: usize = 9;
/// Error of one step, as a share of the whole probability.
const TOLERANCE: f64 = 1e-12;
/// Error of one step in an integral, relative to the integral.
const INTEGRAL_TOLERANCE: f64 = 1e-11;
/// Error of one step in an integral, per second, that is always good enough.
const NOTHING: f64 = 1e-15;
/// A probability at the rim of the window that asks for a wider one.
const RIM: f64 = 1e-15;
/// A probability that is left out of the window.
const NEGLIGIBLE: f64 = 1e-20;
/// Systems that an extrapolated step solves, refused ones included.
const EXTRAPOLATED: f64 = 60.0;
/// By how much the step may grow after convergence in so many columns.
const GROWTH: [f64; COLUMNS + 1] = [4.0, 4.0, 4.0, 4.0, 4.0, 2.5, 1.6, 1.1, 0.9, 0.7];

/// A probability for each number in system, in a window beyond which it is nothing.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::theory) struct State {
    /// The first number of the window.
    pub lowest: usize,
    /// From there on.
    pub probabilities: Vec<f64>,
}

impl State {
    /// Nobody is there.
    pub fn empty() -> State {
        State {
            lowest: 0,
            probabilities: vec![1.0],
        }
    }

    /// Each number with its probability.
    pub fn numbered(&self) -> impl Iterator<Item = (usize, f64)> {
        let probabilities = self.probabilities.iter();
        (self.lowest..).zip(probabilities.copied())
    }

    /// E\[N\].
    pub fn mean(&self) -> f64 {
        self.numbered().map(|(n, p)| n as f64 * p).sum()
    }

    /// E\[(N − c)⁺\].
    pub fn waiting(&self, consumers: u32) -> f64 {
        let over = |n: usize| n.saturating_sub(consumers as usize) as f64;
        self.numbered().map(|(n, p)| over(n) * p).sum()
    }

    /// The last number of the window.
    pub fn highest(&self) -> usize {
        self.lowest + self.probabilities.len() - 1
    }

    pub(super) fn trim(&mut self) {
        let kept = |p: &f64| p.abs() >= NEGLIGIBLE;
        let last = self.probabilities.iter().rposition(kept).unwrap_or(0);
        self.probabilities.truncate(last + 1);
        let first = self.probabilities.iter().position(kept).unwrap_or(0);
        self.probabilities.drain(..first);
        self.lowest += first;
    }

    /// A wider window; 0 and the room are its limits.
    pub(super) fn widen(&mut self, below: usize, above: usize, room: Option<usize>) {
        let below = below.min(self.lowest);
        let above = above.min(room.map_or(usize::MAX, |room| room - self.highest()));
        self.lowest -= below;
        self.probabilities
            .splice(0..0, std::iter::repeat_n(0.0, below));
        self.probabilities.extend(std::iter::repeat_n(0.0, above));
    }
}

/// How much may be computed: states times systems solved.
#[derive(Debug, Clone, Copy)]
pub(in crate::theory) struct Effort {
    left: f64,
    limit: f64,
}

impl Effort {
    pub fn new(limit: f64) -> Effort {
        Effort { left: limit, limit }
    }

    /// Whether more than this share is spent.
    pub fn is_spent(&self, share: f64) -> bool {
        self.left < (1.0 - share) * self.limit
    }

    fn spend(&mut self, amount: usize) -> Result<(), ModelError> {
        self.left -= amount as f64;
        if self.left >= 0.0 {
            return Ok(());
        }
        Err(ModelError::Effort { limit: self.limit })
    }
}

/// Exponential consumers before a queue with or without a bound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::theory) struct Chain {
    /// μ of each consumer.
    pub service_rate: f64,
    /// K, the most that may be in system.
    pub room: Option<usize>,
}

/// A chain on its way through time.
#[derive(Debug, Clone)]
pub(in crate::theory) struct Walk {
    chain: Chain,
    /// Where it is.
    pub state: State,
    /// What has added up so far.
    pub totals: Totals,
    /// At most how far the integrals are off.
    pub errors: [f64; Totals::COUNT],
    /// The step that worked last, seconds.
    pace: f64,
    /// λ when it was last looked at, to notice a jump.
    last_rate: f64,
    /// What has happened since `state`, where the backlog is so long that it cannot run out.
    flight: Option<Flight>,
}

/// What came of a step.
enum Attempt {
    Done {
        values: Vec<f64>,
        error: Vec<f64>,
        columns: usize,
    },
    /// The error in units of what is allowed.
    TooLong(f64),
    /// The window is too narrow below, or above.
    TooNarrow(bool, bool),
}

impl Walk {
    pub fn new(chain: Chain, state: State) -> Walk {
        Walk {
            chain,
            state,
            totals: Totals::default(),
            errors: [0.0; Totals::COUNT],
            pace: 0.0,
            last_rate: f64::NAN,
            flight: None,
        }
    }

    pub fn is_bounded(&self) -> bool {
        self.chain.room.is_some()
    }

    pub fn service_rate(&self) -> f64 {
        self.chain.service_rate
    }

    /// Forgets what has added up.
    pub fn reset(&mut self) {
        self.totals = Totals::default();
        self.errors = [0.0; Totals::COUNT];
    }

    /// Goes on until `to` within a stretch.
    pub fn advance(
        &mut self,
        stretch: &Stretch,
        from: f64,
        to: f64,
        effort: &mut Effort,
    ) -> Result<(), ModelError> {
        if self.fly(stretch, from, to) {
            return Ok(());
        }
        self.land(effort)?;
        self.look(stretch, from);
        let mut t = from;
        while t < to {
            let rest = to - t;
            let uniform = Uniform::plan(self.chain, stretch, &self.state, t, rest);
            if uniform.beats(&self.state, EXTRAPOLATED / self.pace) {
                self.uniform(stretch, t, uniform, effort)?;
                t = if uniform.step >= rest {
                    to
                } else {
                    t + uniform.step
                };
                continue;
            }
            let step = if self.pace >= 0.999 * rest {
                rest
            } else {
                self.pace.min(0.5 * rest)
            };
            if t + step <= t {
                return Err(ModelError::Domain {
                    name: "step in time",
                    value: step,
                });
            }
            self.take(stretch, t, step, effort)
                .map(|taken| t = if taken == rest { to } else { t + taken })?;
        }
        self.last_rate = stretch.rate_at(to);
        Ok(())
    }

    /// E\[N\] now.
    pub fn mean(&self) -> f64 {
        let drift = self.flight.map_or(0.0, |flight| flight.drift());
        self.state.mean() + drift
    }

    /// E\[(N − c)⁺\] now.
    pub fn waiting(&self, consumers: u32) -> f64 {
        match self.flight {
            Some(_) => self.mean() - f64::from(consumers),
            None => self.state.waiting(consumers),
        }
    }

    /// The state now.
    pub fn land(&mut self, effort: &mut Effort) -> Result<(), ModelError> {
        if let Some(flight) = self.flight.take() {
            // A product is a fraction of the work on a state.
            effort.spend(flight.cost(&self.state) / 8)?;
            self.state = flight.land(&self.state);
            self.state.trim();
            self.pace = 0.0;
            self.last_rate = f64::NAN;
        }
        Ok(())
    }

    /// Goes on in one step, if the backlog is long enough and the time is worth it.
    fn fly(&mut self, stretch: &Stretch, from: f64, to: f64) -> bool {
        const FEW: f64 = 100.0;
        let part = Stretch {
            from,
            to,
            rate: stretch.rate_at(from),
            ..*stretch
        };
        let capacity = self.chain.service_rate * f64::from(part.consumers);
        if self.flight.is_none() && (capacity + part.rate) * part.length() < FEW {
            return false;
        }
        let flight = self.flight.unwrap_or_default();
        let Some(next) = flight.over(&self.state, self.chain.room, capacity, &part) else {
            return false;
        };
        let gained = Flight::totals(self.mean(), capacity, &part);
        self.totals = self.totals.plus(&gained);
        self.flight = Some(next);
        true
    }

    /// After a jump of the rate the first steps are as short as the time between two events.
    fn look(&mut self, stretch: &Stretch, from: f64) {
        let rate = stretch.rate_at(from);
        let jumped = (rate - self.last_rate).abs() > 1e-9 * rate.max(self.last_rate);
        if jumped || self.last_rate.is_nan() {
            let at_work = self.state.highest().min(stretch.consumers as usize).max(1);
            let events = rate + at_work as f64 * self.chain.service_rate;
            let first = 1.0 / events;
            self.pace = if self.pace > 0.0 {
                self.pace.min(first)
            } else {
                first
            };
        }
    }

    /// Takes a step by uniformization, and the next a little longer.
    fn uniform(
        &mut self,
        stretch: &Stretch,
        t: f64,
        uniform: Uniform,
        effort: &mut Effort,
    ) -> Result<(), ModelError> {
        effort.spend(uniform.cost(&self.state))?;
        let (state, gained) = uniform.take(self.chain, stretch, &self.state, t);
        self.state = state;
        self.totals = self.totals.plus(&gained);
        self.pace *= 1.3;
        Ok(())
    }

    /// Takes a step of `step` or less, and says how far it went.
    fn take(
        &mut self,
        stretch: &Stretch,
        t: f64,
        mut step: f64,
        effort: &mut Effort,
    ) -> Result<f64, ModelError> {
        let width = self.state.probabilities.len();
        let mut before = self.state.clone();
        before.widen(8, 8, self.chain.room);
        loop {
            let trial = Trial {
                chain: self.chain,
                stretch,
                t,
                before: &before,
                totals: self.totals.values(),
            };
            match trial.attempt(step, effort)? {
                Attempt::Done {
                    values,
                    error,
                    columns,
                } => {
                    self.accept(before.lowest, values, &error);
                    // A step cut short by the end of a stretch does not slow the next.
                    let next = GROWTH[columns] * step;
                    self.pace = if next < step {
                        next
                    } else {
                        self.pace.max(next)
                    };
                    return Ok(step);
                }
                Attempt::TooLong(error) => {
                    let exponent = -1.0 / COLUMNS as f64;
                    step *= (0.8 * error.powf(exponent)).clamp(0.1, 0.6);
                    self.pace = step;
                }
                Attempt::TooNarrow(below, above) => {
                    let wide = before.probabilities.len();
                    if wide > 3 * width + 200 {
                        step *= 0.3;
                        self.pace = step;
                    }
                    let more = (wide / 3).max(16);
                    let if_so = |narrow: bool| if narrow { more } else { 0 };
                    before.widen(if_so(below), if_so(above), self.chain.room);
                }
            }
            if t + step <= t {
                return Err(ModelError::Domain {
                    name: "step in time",
                    value: step,
                });
            }
        }
    }

    fn accept(&mut self, lowest: usize, mut values: Vec<f64>, error: &[f64]) {
        let states = values.len() - Totals::COUNT;
        let gained = Totals::from_slice(&values[states..]);
        self.totals = self.totals.plus(&gained);
        for (sum, error) in self.errors.iter_mut().zip(&error[states..]) {
            *sum += error.abs();
        }
        values.truncate(states);
        self.state = State {
            lowest,
            probabilities: values,
        };
        self.state.trim();
    }
}

/// One step from one state.
struct Trial<'a> {
    chain: Chain,
    stretch: &'a Stretch,
    t: f64,
    before: &'a State,
    totals: [f64; Totals::COUNT],
}

impl Trial<'_> {
    /// Extrapolates 1, 2, 3… implicit Euler steps until two orders agree.
    fn attempt(&self, step: f64, effort: &mut Effort) -> Result<Attempt, ModelError> {
        let values = self.before.probabilities.len() + Totals::COUNT;
        // The last row of the table, value by value.
        let mut table = vec![[0.0; COLUMNS]; values];
        let mut error = vec![0.0; values];
        let mut last = f64::INFINITY;
        for row in 1..=COLUMNS {
            effort.spend(row * self.before.probabilities.len())?;
            let mut entry = match self.euler(step, row) {
                Ok(values) => values,
                Err((below, above)) => return Ok(Attempt::TooNarrow(below, above)),
            };
            extrapolate(row, &mut table, &mut entry, &mut error);
            if row >= 4 {
                last = self.excess(&entry, &error, step);
                if last <= 1.0 {
                    return Ok(Attempt::Done {
                        values: entry,
                        error,
                        columns: row,
                    });
                }
            }
        }
        Ok(Attempt::TooLong(last))
    }

    /// The error in units of what is allowed.
    fn excess(&self, values: &[f64], error: &[f64], step: f64) -> f64 {
        let states = values.len() - Totals::COUNT;
        let whole: f64 = error[..states].iter().map(|e| e.abs()).sum();
        let mut worst = whole / TOLERANCE;
        for index in 0..Totals::COUNT {
            let so_far = self.totals[index].abs() + values[states + index].abs();
            let allowed = INTEGRAL_TOLERANCE * so_far + NOTHING * step;
            worst = worst.max(error[states + index].abs() / allowed);
        }
        worst
    }

    /// So many implicit Euler steps: probabilities, then integrals. An error says at which rim the
    /// window is too narrow.
    fn euler(&self, step: f64, count: usize) -> Result<Vec<f64>, (bool, bool)> {
        let h = step / count as f64;
        let states = self.before.probabilities.len();
        let mut values = self.before.probabilities.clone();
        let mut sums = [0.0; Totals::COUNT];
        let mut system = System::default();
        for index in 1..=count {
            let rate = self.stretch.rate_at(self.t + h * index as f64);
            if index == 1 || self.stretch.slope != 0.0 {
                system.factor(self, h, rate);
            }
            system.solve(&mut values);
            let below = self.before.lowest > 0 && values[0].abs() > RIM;
            let ceiling = self.chain.room == Some(self.before.highest());
            let above = !ceiling && values[states - 1].abs() > RIM;
            if below || above {
                return Err((below, above));
            }
            let pace = flow(
                self.chain,
                self.stretch.consumers,
                self.before.lowest,
                &values,
                rate,
            );
            for (sum, value) in sums.iter_mut().zip(pace) {
                *sum += h * value;
            }
        }
        values.extend(sums);
        Ok(values)
    }
}

/// What the integrals are of, at a rate of arrivals.
pub(super) fn flow(
    chain: Chain,
    consumers: u32,
    lowest: usize,
    values: &[f64],
    rate: f64,
) -> [f64; Totals::COUNT] {
    let consumers = consumers as usize;
    let split = consumers.saturating_sub(lowest).min(values.len());
    let mut served = 0.0;
    for (n, p) in (lowest..).zip(&values[..split]) {
        served += n as f64 * p;
    }
    let (mut waiting, mut all_busy) = (0.0, 0.0);
    let first = lowest + split - consumers.min(lowest + split);
    for (over, p) in (first..).zip(&values[split..]) {
        waiting += over as f64 * p;
        all_busy += p;
    }
    let busy = served + consumers as f64 * all_busy;
    let full = match chain.room {
        Some(room) if room + 1 == lowest + values.len() => values[values.len() - 1],
        _ => 0.0,
    };
    let delayed = if chain.room.is_some_and(|room| room <= consumers) {
        0.0
    } else {
        all_busy - full
    };
    [
        busy + waiting,
        waiting,
        busy,
        rate,
        rate * delayed,
        rate * full,
    ]
}

/// Neville's scheme: a new row of the table, each entry from its neighbour and the one above; then the
/// last entry and how far it is from the one before.
fn extrapolate(row: usize, table: &mut [[f64; COLUMNS]], entry: &mut [f64], error: &mut [f64]) {
    let mut factors = [0.0; COLUMNS];
    for (column, factor) in factors.iter_mut().enumerate().take(row - 1) {
        // 1/(n/n' − 1) of the numbers of steps n and n'.
        *factor = (row - column - 1) as f64 / (column + 1) as f64;
    }
    for ((above, here), error) in table.iter_mut().zip(entry).zip(error) {
        for (above, factor) in above[..row - 1].iter_mut().zip(&factors) {
            *error = factor * (*here - *above);
            *above = *here;
            *here += *error;
        }
        above[row - 1] = *here;
    }
}

/// (I − hQ)ᵀ in factors. All of them are made of positive parts without a subtraction.
#[derive(Default)]
struct System {
    /// hλ/b of each state, what it hands up.
    up: Vec<f64>,
    /// hμ of each state, what it hands down.
    down: Vec<f64>,
    /// 1/b, the pivots.
    inverse: Vec<f64>,
}

impl System {
    fn factor(&mut self, trial: &Trial<'_>, h: f64, rate: f64) {
        let states = trial.before.probabilities.len();
        let consumers = f64::from(trial.stretch.consumers);
        let (mu, lowest) = (h * trial.chain.service_rate, trial.before.lowest);
        let birth = h * rate;
        self.up.clear();
        self.down.clear();
        self.inverse.clear();
        // What is left of 1 + h(rates out) after elimination, without what goes up.
        let mut rest = 1.0;
        for index in 0..states {
            let death = if index == 0 {
                0.0
            } else {
                mu * ((lowest + index) as f64).min(consumers)
            };
            if index > 0 {
                rest = 1.0 + death * rest * self.inverse[index - 1];
            }
            let up = if index + 1 < states { birth } else { 0.0 };
            let inverse = 1.0 / (rest + up);
            self.inverse.push(inverse);
            self.up.push(up * inverse);
            self.down.push(death);
        }
    }

    fn solve(&self, values: &mut [f64]) {
        for index in 1..values.len() {
            values[index] += self.up[index - 1] * values[index - 1];
        }
        let mut from_above = 0.0;
        for index in (0..values.len()).rev() {
            values[index] = (values[index] + from_above) * self.inverse[index];
            from_above = self.down[index] * values[index];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    fn stretch(rate: f64, consumers: u32, to: f64) -> Stretch {
        Stretch {
            from: 0.0,
            to,
            rate,
            slope: 0.0,
            consumers,
        }
    }

    fn walk(service_rate: f64, room: Option<usize>) -> Walk {
        Walk::new(Chain { service_rate, room }, State::empty())
    }

    #[test]
    fn two_states_have_a_closed_form() {
        // M/M/1/1 from empty: P(busy) = λ/(λ+μ)(1 − e^(−(λ+μ)t)).
        let mut walk = walk(2.0, Some(1));
        let mut effort = Effort::new(1e7);
        walk.advance(&stretch(3.0, 1, 0.7), 0.0, 0.7, &mut effort)
            .unwrap();
        let busy = 0.6 * -(-5.0f64 * 0.7).exp_m1();
        assert_relative_eq!(walk.state.probabilities[1], busy, max_relative = 1e-11);
        let area = 0.6 * (0.7 + (-5.0f64 * 0.7).exp_m1() / 5.0);
        assert_relative_eq!(walk.totals.busy, area, max_relative = 1e-11);
        assert_relative_eq!(walk.totals.lost, 3.0 * area, max_relative = 1e-11);
    }

    #[test]
    fn unlimited_consumers_hold_a_poisson_number() {
        let mut walk = walk(1.0, None);
        let mut effort = Effort::new(1e8);
        let ramp = Stretch {
            slope: 4.0,
            ..stretch(5.0, 1000, 3.0)
        };
        walk.advance(&ramp, 0.0, 3.0, &mut effort).unwrap();
        // m' = 5 + 4t − m from 0: m = 1 + 4t − e^(−t).
        let mean = 13.0 - (-3.0f64).exp();
        assert_relative_eq!(walk.state.mean(), mean, max_relative = 1e-11);
        let whole: f64 = walk.state.probabilities.iter().sum();
        assert_relative_eq!(whole, 1.0, max_relative = 1e-10);
        let variance: f64 = walk
            .state
            .numbered()
            .map(|(n, p)| (n as f64 - mean).powi(2) * p)
            .sum();
        assert_relative_eq!(variance, mean, max_relative = 1e-10);
    }

    #[test]
    fn what_is_too_long_is_given_up() {
        let mut walk = walk(1.0, None);
        let mut effort = Effort::new(1e4);
        let long = stretch(1000.0, 1, 1e6);
        let given_up = walk.advance(&long, 0.0, 1e6, &mut effort);
        assert_eq!(given_up, Err(ModelError::Effort { limit: 1e4 }));
    }
}
