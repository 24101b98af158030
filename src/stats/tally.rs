//! Mean and variance of observations.

use crate::simd::{Kernel, vectorized};

/// Sums kept side by side, so that they fill vectors and do not wait for one another.
const LANES: usize = 8;

/// Count, mean and variance of a sequence of observations.
///
/// # Numerics
/// Sums are taken of x − x₀ and (x − x₀)², where x₀ is the first observation (the shifted-data
/// algorithm of Chan, Golub and LeVeque 1983). The variance then loses digits only where x₀ lies
/// many standard deviations off the mean, and an observation costs no division. The n-th observation
/// goes into sum n mod 8: a sequence gives the same bits however it is cut into calls.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Tally {
    count: u64,
    shift: f64,
    sums: [f64; LANES],
    squares: [f64; LANES],
}

impl Tally {
    /// Takes one observation.
    #[inline]
    pub fn record(&mut self, x: f64) {
        if self.count == 0 {
            self.shift = x;
        }
        let lane = self.lane();
        let d = x - self.shift;
        self.count += 1;
        self.sums[lane] += d;
        self.squares[lane] += d * d;
    }

    /// Takes observations in their order.
    pub fn record_all(&mut self, values: &[f64]) {
        vectorized(RecordAll {
            tally: self,
            values,
        });
    }

    /// [`Tally::record_all`] for use inside a kernel.
    #[inline(always)]
    pub(crate) fn record_all_inline(&mut self, values: &[f64]) {
        let Some(first) = values.first() else {
            return;
        };
        if self.count == 0 {
            self.shift = *first;
        }
        let to_first_lane = (LANES - self.lane()) % LANES;
        let (ahead, values) = values.split_at(to_first_lane.min(values.len()));
        ahead.iter().for_each(|x| self.record(*x));
        let (rounds, rest) = values.as_chunks::<LANES>();
        let (mut sums, mut squares) = (self.sums, self.squares);
        for round in rounds {
            for lane in 0..LANES {
                let d = round[lane] - self.shift;
                sums[lane] += d;
                squares[lane] += d * d;
            }
        }
        (self.sums, self.squares) = (sums, squares);
        self.count += (rounds.len() * LANES) as u64;
        rest.iter().for_each(|x| self.record(*x));
    }

    /// Where the next observation goes.
    #[inline(always)]
    fn lane(&self) -> usize {
        self.count as usize % LANES
    }

    fn sum(&self) -> f64 {
        self.sums.iter().sum()
    }

    fn sum_of_squares(&self) -> f64 {
        self.squares.iter().sum()
    }

    /// Number of observations.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Sum of all observations.
    pub fn total(&self) -> f64 {
        self.sum() + self.count as f64 * self.shift
    }

    /// Mean of all observations; NaN without any.
    pub fn mean(&self) -> f64 {
        self.shift + self.sum() / self.count as f64
    }

    /// Mean squared distance from `center`; NaN without observations. With the mean itself as
    /// center this is the variance (divided by n).
    pub fn mean_square_about(&self, center: f64) -> f64 {
        let n = self.count as f64;
        let m = self.sum() / n;
        let variance = (self.sum_of_squares() / n - m * m).max(0.0);
        let offset = self.mean() - center;
        variance + offset * offset
    }

    /// Takes all observations of another tally.
    pub fn merge(&mut self, other: &Tally) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = *other;
            return;
        }
        let n = other.count as f64;
        let moved = other.shift - self.shift;
        let sum = other.sum();
        self.squares[0] += other.sum_of_squares() + moved * (2.0 * sum + n * moved);
        self.sums[0] += sum + n * moved;
        self.count += other.count;
    }
}

struct RecordAll<'a> {
    tally: &'a mut Tally,
    values: &'a [f64],
}

impl Kernel for RecordAll<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.tally.record_all_inline(self.values);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tally(values: &[f64]) -> Tally {
        let mut tally = Tally::default();
        values.iter().for_each(|&x| tally.record(x));
        tally
    }

    #[test]
    fn figures_of_a_small_sample() {
        let t = tally(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
        assert_eq!(
            (t.count(), t.mean(), t.mean_square_about(5.0), t.total()),
            (8, 5.0, 4.0, 40.0)
        );
        assert_eq!(t.mean_square_about(6.0), 5.0);
    }

    #[test]
    fn a_large_offset_costs_no_digits() {
        let t = tally(&[1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0, 1e9 + 16.0]);
        assert_eq!(t.mean_square_about(t.mean()), 22.5);
    }

    #[test]
    fn nothing_seen_is_not_zero() {
        assert!(Tally::default().mean().is_nan());
    }

    proptest! {
        #[test]
        fn merging_equals_recording_all(
            a in prop::collection::vec(0.0..1e3f64, 0..40),
            b in prop::collection::vec(0.0..1e3f64, 1..40),
        ) {
            let mut merged = tally(&a);
            merged.merge(&tally(&b));
            let all = tally(&[a, b].concat());
            prop_assert_eq!(merged.count(), all.count());
            prop_assert!((merged.mean() - all.mean()).abs() <= 1e-12 * all.mean().max(1.0));
            let (v, w) = (merged.mean_square_about(1.0), all.mean_square_about(1.0));
            prop_assert!((v - w).abs() <= 1e-11 * w.max(1.0));
        }

        #[test]
        fn the_same_bits_however_the_sequence_is_cut(
            values in prop::collection::vec(0.0..1e3f64, 0..100), cuts in prop::collection::vec(0..30usize, 0..8),
        ) {
            let (mut called, mut inline, mut rest) = (Tally::default(), Tally::default(), values.as_slice());
            for cut in cuts {
                let (part, after) = rest.split_at(cut.min(rest.len()));
                called.record_all(part);
                inline.record_all_inline(part);
                rest = after;
            }
            called.record_all(rest);
            inline.record_all_inline(rest);
            prop_assert_eq!(called, tally(&values));
            prop_assert_eq!(inline, called);
        }
    }
}
