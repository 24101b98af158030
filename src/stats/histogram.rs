//! A histogram of times with a fixed relative resolution, for quantiles in constant memory.

use std::ops::{Range, RangeInclusive};

/// Bits of a float's mantissa that tell buckets of one power of two apart.
const SUB_BITS: u32 = 8;
/// Smallest exponent told apart: everything below 2^−64 s counts as zero.
const LOWEST_EXPONENT: i64 = -64;
/// Powers of two covered: up to 2^40 s (some 35,000 years).
const OCTAVES: usize = 104;
pub(super) const BUCKETS: usize = OCTAVES << SUB_BITS;
pub(super) const SHIFT: u32 = 52 - SUB_BITS;
/// Index of the first bucket in the order of float bits.
pub(super) const OFFSET: i64 = (1023 + LOWEST_EXPONENT) << SUB_BITS;

/// Counts of non-negative values in log-linear buckets: each power of two is cut into 256 equal
/// parts, so a bucket is at most 0.39 % of its value wide.
///
/// Values from 2^−64 to 2^40 seconds are told apart; smaller ones count as zero. Values are counted
/// by a [`Counter`](super::Counter). Two histograms merge exactly.
#[derive(Clone, PartialEq)]
pub struct Histogram {
    /// Counts of the buckets from the least value's to the largest's.
    counts: Vec<u64>,
    /// The bucket of the first of them.
    first: usize,
    total: u64,
    zeros: u64,
    min: f64,
    max: f64,
}

impl std::fmt::Debug for Histogram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Histogram")
            .field("total", &self.total)
            .field("zeros", &self.zeros)
            .field("min", &self.min)
            .field("max", &self.max)
            .finish_non_exhaustive()
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Histogram {
            counts: Vec::new(),
            first: 0,
            total: 0,
            zeros: 0,
            min: f64::INFINITY,
            max: 0.0,
        }
    }
}

impl Histogram {
    /// Number of values counted.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Number of values that were zero.
    pub fn zeros(&self) -> u64 {
        self.zeros
    }

    /// Largest value; NaN without any.
    pub fn max(&self) -> f64 {
        if self.total == 0 { f64::NAN } else { self.max }
    }

    /// Takes the counts of all buckets and leaves zeros there. There were `total` values, and those
    /// in buckets lie between the extremes.
    pub(super) fn add(&mut self, buckets: &mut [u32], extremes: RangeInclusive<f64>, total: u64) {
        let before: u64 = self.counts.iter().sum();
        let used = self.cover(*extremes.start(), *extremes.end());
        let room = self.room(used.clone());
        for (sum, count) in room.iter_mut().zip(&mut buckets[used]) {
            *sum += u64::from(std::mem::take(count));
        }
        let counted = self.counts.iter().sum::<u64>() - before;
        self.total += total;
        self.zeros += total - counted;
    }

    /// Takes all counts of another histogram.
    pub fn merge(&mut self, other: &Histogram) {
        let used = self.cover(other.min, other.max);
        for (sum, count) in self.room(used).iter_mut().zip(&other.counts) {
            *sum += count;
        }
        self.total += other.total;
        self.zeros += other.zeros;
    }

    /// Widens the extremes; says which buckets lie between those given.
    fn cover(&mut self, min: f64, max: f64) -> Range<usize> {
        self.min = self.min.min(min);
        self.max = self.max.max(max);
        if min > max {
            return 0..0;
        }
        bucket(min)..bucket(max) + 1
    }

    /// The counts of some buckets, made where there were none.
    fn room(&mut self, buckets: Range<usize>) -> &mut [u64] {
        if buckets.is_empty() {
            return &mut [];
        }
        if self.counts.is_empty() {
            self.first = buckets.start;
        }
        let before = self.first.saturating_sub(buckets.start);
        self.counts.splice(..0, std::iter::repeat_n(0, before));
        self.first -= before;
        let end = self.used().end.max(buckets.end);
        self.counts.resize(end - self.first, 0);
        &mut self.counts[buckets.start - self.first..buckets.end - self.first]
    }

    /// The buckets that can hold counts.
    fn used(&self) -> Range<usize> {
        self.first..self.first + self.counts.len()
    }

    fn count(&self, bucket: usize) -> u64 {
        let place = bucket.checked_sub(self.first);
        place.and_then(|i| self.counts.get(i)).copied().unwrap_or(0)
    }

    /// The buckets that hold counts.
    #[cfg(test)]
    pub(super) fn buckets(&self) -> impl Iterator<Item = (usize, u64)> {
        let all = self.used().map(|bucket| (bucket, self.count(bucket)));
        all.filter(|(_, count)| *count > 0)
    }

    /// Share of values above `x`, interpolated within the bucket; NaN when empty.
    pub fn ccdf(&self, x: f64) -> f64 {
        let above = if x < 0.0 {
            self.total as f64
        } else if x < self.min {
            (self.total - self.zeros) as f64
        } else if x >= self.max {
            0.0
        } else {
            self.above(x)
        };
        above / self.total as f64
    }

    fn above(&self, x: f64) -> f64 {
        let index = bucket(x);
        let whole: u64 = self.counts[index + 1 - self.first..].iter().sum();
        let (low, high) = self.edges(index);
        let part = if high > low {
            (high - x) / (high - low)
        } else {
            0.0
        };
        whole as f64 + self.count(index) as f64 * part.clamp(0.0, 1.0)
    }

    /// The `p`-quantile, interpolated within its bucket; NaN when empty.
    pub fn quantile(&self, p: f64) -> f64 {
        self.locate(p).map_or(f64::NAN, |(value, _)| value)
    }

    /// By how much [`Histogram::quantile`] can be off because values share a bucket. Where the
    /// density is smooth the interpolation is right and this is near 0; at an atom it is up to the
    /// bucket's width.
    pub fn resolution(&self, p: f64) -> f64 {
        match self.locate(p) {
            Some((_, Some(index))) => {
                self.roughness(index) * (self.edges(index).1 - self.edges(index).0)
            }
            _ => 0.0,
        }
    }

    /// The quantile and the bucket it lies in (none for the zeros).
    fn locate(&self, p: f64) -> Option<(f64, Option<usize>)> {
        if self.total == 0 {
            return None;
        }
        let rank = p * self.total as f64;
        let mut below = self.zeros as f64;
        if rank <= below {
            return Some((0.0, None));
        }
        for (index, count) in self.used().zip(&self.counts) {
            let count = *count as f64;
            if count > 0.0 && below + count >= rank {
                let (low, high) = self.edges(index);
                let value = low + (high - low) * (rank - below) / count;
                return Some((value, Some(index)));
            }
            below += count;
        }
        Some((self.max, None))
    }

    /// How far a bucket's count is from the line through its neighbours', as a share of it.
    fn roughness(&self, index: usize) -> f64 {
        let count = self.count(index) as f64;
        let left = index.checked_sub(1).map_or(0, |i| self.count(i)) as f64;
        let right = self.count(index + 1) as f64;
        ((count - 0.5 * (left + right)).abs() / count).min(1.0)
    }

    /// A bucket's edges, cut to the values seen.
    fn edges(&self, index: usize) -> (f64, f64) {
        let low = edge(index).max(self.min);
        let high = if index + 1 == BUCKETS {
            self.max
        } else {
            edge(index + 1).min(self.max)
        };
        (low, high)
    }
}

fn bucket(x: f64) -> usize {
    let index = (x.to_bits() >> SHIFT) as i64 - OFFSET;
    index.clamp(0, BUCKETS as i64 - 1) as usize
}

fn edge(index: usize) -> f64 {
    f64::from_bits(((index as i64 + OFFSET) as u64) << SHIFT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Counter;
    use proptest::prelude::*;

    fn histogram(values: &[f64]) -> Histogram {
        let mut counter = Counter::default();
        counter.record_all(values);
        counter.take()
    }

    #[test]
    fn quantiles_of_an_exponential_law() {
        // One value at each of 10⁶ equal steps of probability: the law itself, without chance.
        let n = 1_000_000;
        let values: Vec<f64> = (0..n)
            .map(|i| -(1.0 - (i as f64 + 0.5) / n as f64).ln())
            .collect();
        let h = histogram(&values);
        for p in [0.1, 0.5, 0.9, 0.99, 0.999] {
            let exact = -(1.0f64 - p).ln();
            assert!(
                (h.quantile(p) / exact - 1.0).abs() < 5e-4,
                "p = {p}: {}",
                h.quantile(p)
            );
            assert!(
                (h.ccdf(exact) / (1.0 - p) - 1.0).abs() < 2e-3,
                "p = {p}: {}",
                h.ccdf(exact)
            );
        }
    }

    #[test]
    fn an_atom_is_met_exactly_or_says_its_resolution() {
        let alone = histogram(&[0.3; 9]);
        assert_eq!(alone.quantile(0.5), 0.3);
        let two = histogram(&[0.3, 0.3, 0.3, 7.0]);
        assert!((two.quantile(0.5) - 0.3).abs() <= two.resolution(0.5));
        assert!(two.resolution(0.5) <= 0.0039 * 0.3);
    }

    #[test]
    fn zeros_are_a_part_of_the_distribution() {
        let h = histogram(&[0.0, 0.0, 0.0, 1.0]);
        assert_eq!((h.zeros(), h.quantile(0.7), h.ccdf(0.0)), (3, 0.0, 0.25));
        assert!(Histogram::default().quantile(0.5).is_nan());
    }

    proptest! {
        #[test]
        fn a_quantile_is_within_a_bucket_of_the_order_statistic(
            values in prop::collection::vec(1e-9..1e9f64, 1..200), p in 0.001..0.999f64,
        ) {
            let h = histogram(&values);
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            let exact = sorted[((p * values.len() as f64).ceil() as usize).clamp(1, values.len()) - 1];
            prop_assert!((h.quantile(p) - exact).abs() <= exact / 256.0 + 1e-12);
        }

        #[test]
        fn merging_equals_counting_all(a in prop::collection::vec(0.0..1e6f64, 0..50), b in prop::collection::vec(0.0..1e6f64, 0..50)) {
            let mut merged = histogram(&a);
            merged.merge(&histogram(&b));
            prop_assert!(merged == histogram(&[a, b].concat()));
        }

        #[test]
        fn any_float_finds_a_bucket(x in 0.0..f64::MAX) {
            let h = histogram(&[x]);
            prop_assert_eq!(h.total(), 1);
            prop_assert!(h.quantile(0.5) <= x);
        }
    }
}
