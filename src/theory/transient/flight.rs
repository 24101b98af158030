//! A backlog so long that its consumers cannot run out of work: it then grows by a Poisson number and
//! shrinks by another, whatever its length.
//!
//! # Formula
//! While N > c, N(t) = N(0) + U − D with independent Poisson numbers U, D of means ∫λ and ∫cμ
//! (Skellam 1946). The chance to come down to c all the same within a stretch is below
//! e^(−θx + Ψ(start)) max(1, e^Ψ(stretch)) for any θ > 0, where x is how far off c is and
//! Ψ = D(e^θ − 1) + U(e^(−θ) − 1): Doob's inequality for the exponential martingale. A flight is begun
//! only where this is below 10⁻²⁴.
//!
//! # References
//! J. G. Skellam (1946), *The frequency distribution of the difference between two Poisson variates*,
//! Journal of the Royal Statistical Society 109, 296; J. L. Doob (1953), *Stochastic Processes*.

use super::chain::State;
use super::course::Stretch;
use super::totals::Totals;

/// Logarithm of the chance that is as good as none.
const NEVER: f64 = -55.0;

/// What has come and gone since the take-off, on average.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Flight {
    ups: f64,
    downs: f64,
}

impl Flight {
    /// The mean change since the take-off.
    pub fn drift(&self) -> f64 {
        self.ups - self.downs
    }

    /// The flight after a part of a stretch as well; `None` if it would not be safe.
    pub fn over(
        &self,
        from: &State,
        room: Option<usize>,
        capacity: f64,
        part: &Stretch,
    ) -> Option<Flight> {
        let consumers = part.consumers as usize;
        let down = from.lowest.checked_sub(consumers + 1)? as f64;
        let (ends, middle) = ((part.rate, part.rate_at(part.to)), part.orders());
        let downs = capacity * part.length();
        let least = ends.0.min(ends.1) * part.length();
        let most = ends.0.max(ends.1) * part.length();
        let mut safe = chance(down, (self.ups, self.downs), (least, downs)) < NEVER;
        if let Some(room) = room {
            let up = room.checked_sub(from.highest() + 1)? as f64;
            safe &= chance(up, (self.downs, self.ups), (downs, most)) < NEVER;
        }
        safe.then_some(Flight {
            ups: self.ups + middle,
            downs: self.downs + downs,
        })
    }

    /// What adds up over a part of a stretch that starts with this mean number.
    pub fn totals(number: f64, capacity: f64, part: &Stretch) -> Totals {
        let length = part.length();
        let orders = part.orders();
        // ∫∫λ: of λ = a + bt it is at²/2 + bt³/6.
        let come = length * length * (part.rate / 2.0 + part.slope * length / 6.0);
        let consumers = f64::from(part.consumers);
        let present = number * length + come - capacity * length * length / 2.0;
        Totals {
            number: present,
            waiting: present - consumers * length,
            busy: consumers * length,
            offered: orders,
            delayed: orders,
            lost: 0.0,
        }
    }

    /// Where it ends.
    pub fn land(&self, from: &State) -> State {
        let (least_up, ups) = poisson(self.ups);
        let (least_down, mut downs) = poisson(self.downs);
        downs.reverse();
        let most_down = least_down + downs.len() - 1;
        let risen = convolve(&from.probabilities, &ups);
        let probabilities = convolve(&risen, &downs);
        // What lies below 0 is as good as nothing.
        let lowest = from.lowest + least_up;
        let below = most_down
            .saturating_sub(lowest)
            .min(probabilities.len() - 1);
        State {
            lowest: lowest.saturating_sub(most_down),
            probabilities: probabilities[below..].to_vec(),
        }
    }

    /// How many products a landing takes.
    pub fn cost(&self, from: &State) -> usize {
        let (up, down) = (22.0 * self.ups.sqrt(), 22.0 * self.downs.sqrt());
        let width = from.probabilities.len() as f64;
        (width * up + (width + up) * down) as usize
    }
}

/// Logarithm of a bound of the chance to come down by `x` in a part, in which the given means come and
/// go, after those of `before`.
fn chance(x: f64, before: (f64, f64), part: (f64, f64)) -> f64 {
    let psi =
        |theta: f64, (ups, downs): (f64, f64)| downs * theta.exp_m1() + ups * (-theta).exp_m1();
    let bound = |theta: f64| -theta * x + psi(theta, before) + psi(theta, part).max(0.0);
    let both = (before.0 + part.0, before.1 + part.1);
    // The best θ if the whole counts, and if only what was before does.
    let best = |(ups, downs): (f64, f64)| {
        let root = (x * x + 4.0 * ups * downs).sqrt();
        ((x + root) / (2.0 * downs)).ln()
    };
    let level = (part.0 / part.1).ln();
    let candidates = [best(both), best(before), level];
    let usable = candidates.into_iter().filter(|t| t.is_finite() && *t > 0.0);
    usable.map(bound).fold(0.0, f64::min)
}

/// Poisson probabilities that are not negligible: the first number, then one after the other.
fn poisson(mean: f64) -> (usize, Vec<f64>) {
    const LEAST: f64 = 1e-26;
    let mode = mean.floor();
    let mut below = vec![1.0];
    let mut n = mode;
    while n > 0.0 && below[below.len() - 1] > LEAST {
        below.push(below[below.len() - 1] * n / mean);
        n -= 1.0;
    }
    below.reverse();
    let mut k = mode;
    while below[below.len() - 1] > LEAST {
        k += 1.0;
        below.push(below[below.len() - 1] * mean / k);
    }
    let whole: f64 = below.iter().sum();
    below.iter_mut().for_each(|p| *p /= whole);
    (n as usize, below)
}

fn convolve(a: &[f64], b: &[f64]) -> Vec<f64> {
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    let mut sums = vec![0.0; a.len() + b.len() - 1];
    for (shift, factor) in short.iter().enumerate() {
        let target = &mut sums[shift..shift + long.len()];
        for (sum, value) in target.iter_mut().zip(long) {
            *sum += factor * value;
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn a_landing_keeps_mean_and_variance() {
        let from = State {
            lowest: 5000,
            probabilities: vec![0.5, 0.0, 0.5],
        };
        let flight = Flight {
            ups: 900.0,
            downs: 1100.0,
        };
        let state = flight.land(&from);
        assert_relative_eq!(state.mean(), 4801.0, max_relative = 1e-12);
        let second = |(n, p): (usize, f64)| (n as f64 - 4801.0).powi(2) * p;
        let variance: f64 = state.numbered().map(second).sum();
        assert_relative_eq!(variance, 2001.0, max_relative = 1e-11);
    }

    #[test]
    fn a_flight_near_the_ground_is_refused() {
        let part = Stretch {
            from: 0.0,
            to: 10.0,
            rate: 50.0,
            slope: 0.0,
            consumers: 10,
        };
        let high = |lowest| State {
            lowest,
            probabilities: vec![1.0],
        };
        let over = |lowest| Flight::default().over(&high(lowest), None, 100.0, &part);
        // 500 fewer on average, with a standard deviation of 39: 510 + 10 of these is needed.
        assert_eq!(over(510), None);
        assert_eq!(over(800), None);
        let flight = over(1000).unwrap();
        assert_relative_eq!(flight.drift(), -500.0);
    }
}
