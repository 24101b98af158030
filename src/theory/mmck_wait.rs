//! The wait of M/M/c/K, first in, first out: any number of places, any load.

use super::counting::poisson;
use super::panels::gauss;

/// Sums of up to this many terms are added up one by one.
const SHORT: u64 = 4096;
/// Below this m |ln r| differences of powers of r would lose digits.
const FLAT: f64 = 0.1;
/// A power e^(−60) is nothing beside 1.
const NOTHING: f64 = 60.0;
/// Below this |ln r| the summand is smooth from one number of orders to the next.
const SMOOTH: f64 = 1e-3;

/// The wait of an accepted order, which finds all consumers busy and j < m waiting with a probability in
/// proportion to r^j.
///
/// # Formula
/// P(Wq > t) = p Σᵢ P(N = i) P(j ≥ i | busy) with N Poisson of mean cμt, the departures by t. P(j ≥ i) has a
/// factor rⁱ for r < 1, which is taken into the Poisson law: its mean becomes r cμt, and what remains is
/// (1 − s^(m−i))/(1 − s^m), s = min(r, 1/r).
///
/// # Numerics
/// Where r^m is below e^(−45) the wait is that of M/M/c to the last bit. Else only the i within 12 standard deviations of the mean count. A long sum of smooth terms is their
/// integral with Euler's and Maclaurin's first correction; the last few terms before m, where the
/// summand bends, are added up one by one. So the work is the same for any number of places.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct BoundedWait {
    /// P(all consumers busy) of an accepted order.
    pub busy: f64,
    /// cμ.
    pub rate: f64,
    /// r = λ/(cμ).
    pub load: f64,
    /// m.
    pub places: u64,
}

impl BoundedWait {
    /// P(Wq > t).
    pub fn ccdf(&self, t: f64) -> f64 {
        if t < 0.0 {
            return 1.0;
        }
        let events = self.rate * t;
        if self.is_never_full() {
            return self.busy * (-events * (1.0 - self.load)).exp();
        }
        let mean = events * self.load.min(1.0);
        let reach = 12.0 * mean.sqrt() + 40.0;
        let first = (mean - reach).max(0.0) as u64;
        let last = ((mean + reach) as u64).min(self.places.saturating_sub(1));
        if self.places == 0 || first > last {
            return 0.0;
        }
        self.busy * (mean - events).exp() * self.sum(mean, first, last)
    }

    /// Whether a full queue is so rare that no figure can tell it from one without bound.
    fn is_never_full(&self) -> bool {
        const NEVER: f64 = 45.0;
        self.load < 1.0 && -self.load.ln() * self.places as f64 > NEVER
    }

    /// Σ P(N = i) room(i) for i from `first` to `last`.
    fn sum(&self, mean: f64, first: u64, last: u64) -> f64 {
        if last - first < SHORT {
            return self.term_by_term(mean, first, last);
        }
        let bend = self.load.ln().abs();
        let rough = if bend > SMOOTH {
            (40.0 / bend) as u64
        } else {
            0
        };
        if last - first <= rough {
            return self.term_by_term(mean, first, last);
        }
        let end = last - rough;
        let rest = if rough > 0 {
            self.term_by_term(mean, end + 1, last)
        } else {
            0.0
        };
        self.smooth(mean, first as f64, end as f64) + rest
    }

    fn term_by_term(&self, mean: f64, first: u64, last: u64) -> f64 {
        let log = self.load.ln().abs();
        if log * (self.places as f64) < FLAT {
            return powers(mean, first, last, |i| self.room(i as f64));
        }
        // s^(m−i) grows by 1/s from one i to the next, once it is no longer 0 beside 1.
        let (grow, whole) = (log.exp(), -(-log * self.places as f64).exp_m1());
        let visible = self
            .places
            .saturating_sub((NOTHING / log) as u64)
            .max(first);
        let mut left = 0.0;
        powers(mean, first, last, |i| {
            if i == visible {
                left = (-log * (self.places - i) as f64).exp();
            }
            let room = (1.0 - left) / whole;
            left *= grow;
            room
        })
    }

    /// Σ F(i) = ∫ F + (F(a) + F(b))/2 + (F′(b) − F′(a))/12 − …
    fn smooth(&self, mean: f64, a: f64, b: f64) -> f64 {
        let term = |i: f64| poisson(mean, i) * self.room(i);
        let panels = ((b - a) / mean.sqrt()).ceil().max(1.0);
        let step = (b - a) / panels;
        let area = (0..panels as u32).map(|k| {
            let from = a + step * f64::from(k);
            gauss(term, from, from + step)
        });
        // ln P(N = i) falls by ψ(i + 1) − ln mean, and ψ(i + 1) = ln(i + ½) + O(1/i²).
        let slope = |i: f64| {
            let poisson = poisson(mean, i);
            poisson * (self.room(i) * (mean / (i + 0.5)).ln() + self.room_slope(i))
        };
        area.sum::<f64>() + 0.5 * (term(a) + term(b)) + (slope(b) - slope(a)) / 12.0
    }

    /// (1 − s^(m−i))/(1 − s^m).
    fn room(&self, i: f64) -> f64 {
        let (rest, all) = (self.places as f64 - i, self.places as f64);
        let log = self.load.ln().abs();
        if log * all < 1e-12 {
            return rest / all;
        }
        (-rest * log).exp_m1() / (-all * log).exp_m1()
    }

    /// The slope of that.
    fn room_slope(&self, i: f64) -> f64 {
        let (rest, all) = (self.places as f64 - i, self.places as f64);
        let log = self.load.ln().abs();
        if log * all < 1e-12 {
            return -1.0 / all;
        }
        log * (-rest * log).exp() / (-all * log).exp_m1()
    }
}

/// Σ P(N = i) f(i), f being called for i in turn.
fn powers(mean: f64, first: u64, last: u64, mut f: impl FnMut(u64) -> f64) -> f64 {
    let mut weight = poisson(mean, first as f64);
    let mut sum = 0.0;
    for i in first..=last {
        sum += weight * f(i);
        weight *= mean / (i + 1) as f64;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::{Mmc, Mmck};
    use approx::assert_relative_eq;

    #[test]
    fn the_distribution_has_the_mean_of_the_formula() {
        for (lambda, places) in [(6.0, 30), (4.0, 50), (3.9, 300)] {
            let queue = Mmck::new(lambda, 1.0, 4, places).unwrap();
            let wait = |t| queue.waiting_ccdf(t);
            let area = crate::theory::panels::integrate(&wait, 0.0, 400.0, 1e-10);
            assert_relative_eq!(area, queue.waiting_mean(), max_relative = 1e-8);
            assert_relative_eq!(wait(0.0), queue.wait_probability(), max_relative = 1e-12);
            let served = queue.served();
            let sojourn = |t| served.ccdf(t);
            let area = crate::theory::panels::integrate(&sojourn, 0.0, 400.0, 1e-10);
            assert_relative_eq!(area, queue.sojourn_mean(), max_relative = 1e-8);
        }
    }

    #[test]
    fn long_sums_agree_with_adding_up() {
        for load in [0.5, 0.999, 0.99999, 1.0, 1.0001, 1.01, 2.0] {
            let wait = BoundedWait {
                busy: 1.0,
                rate: 1.0,
                load,
                places: 300_000,
            };
            for mean in [1e5, 2.99e5, 3e5, 3.01e5] {
                let reach = 12.0 * f64::sqrt(mean) + 40.0;
                let (first, last) = ((mean - reach) as u64, ((mean + reach) as u64).min(299_999));
                let exact = wait.term_by_term(mean, first, last);
                let fast = wait.sum(mean, first, last);
                assert_relative_eq!(fast, exact, max_relative = 1e-9, epsilon = 1e-15);
            }
        }
    }

    #[test]
    fn any_number_of_places() {
        // Critical load with m places: j is uniform, so the wait is near uniform up to m/(cμ).
        let queue = Mmck::new(4.0, 1.0, 4, 1_000_000_000).unwrap();
        let median = queue.waiting_quantile(0.5).unwrap();
        assert_relative_eq!(median, 1.25e8, max_relative = 1e-6);
        // Far above capacity all but a few places are taken.
        let queue = Mmck::new(8.0, 1.0, 4, 100_000).unwrap();
        assert_relative_eq!(
            queue.waiting_quantile(0.5).unwrap(),
            2.5e4,
            max_relative = 1e-4
        );
        let sojourn = queue.served().quantile(0.5).unwrap();
        assert_relative_eq!(sojourn, 2.5e4 + 1.0, max_relative = 1e-4);
        let free = Mmc::new(3.9999, 1.0, 4).unwrap();
        let queue = Mmck::new(3.9999, 1.0, 4, 100_000_000).unwrap();
        let quantile = queue.waiting_quantile(0.999).unwrap();
        assert_relative_eq!(quantile, free.waiting_quantile(0.999), max_relative = 1e-8);
    }
}
