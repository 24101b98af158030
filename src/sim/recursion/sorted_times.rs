//! A few sorted times of which the first is replaced again and again: once for any processor, once for
//! AVX2. Both only take minima and maxima of the same numbers, so their results are the same.

/// Before all times.
const BEFORE: f64 = 0.0;
/// After all times.
const NEVER: f64 = f64::INFINITY;

/// Sorted times, all positive or 0.
pub(super) trait SortedTimes {
    /// The earliest.
    fn first(&self) -> f64;

    /// Replaces the first by a time that is not earlier, and sorts again. Says how many of the others
    /// are not later than the new one.
    fn replace_first(&mut self, time: f64) -> u32;
}

/// `4 N` times, in plain Rust.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plain<const N: usize>(pub [[f64; 4]; N]);

impl<const N: usize> SortedTimes for Plain<N> {
    #[inline(always)]
    fn first(&self) -> f64 {
        self.0[0][0]
    }

    #[inline(always)]
    fn replace_first(&mut self, time: f64) -> u32 {
        let times = self.0.as_flattened_mut();
        let mut before = BEFORE;
        let mut passed = 0;
        for i in 0..times.len() {
            let next = times.get(i + 1).copied().unwrap_or(NEVER);
            passed += u32::from(next <= time);
            let upto = if next < time { next } else { time };
            let moved = if upto > before { upto } else { before };
            before = next;
            times[i] = moved;
        }
        passed
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) use wide::Wide;

#[cfg(target_arch = "x86_64")]
mod wide {
    use super::{BEFORE, NEVER, SortedTimes};
    use crate::simd::Avx2;
    use std::arch::x86_64::{__m256d, _CMP_LE_OQ};

    /// `4 N` times, in as many registers.
    #[derive(Debug, Clone, Copy)]
    pub(in crate::sim::recursion) struct Wide<const N: usize> {
        simd: Avx2,
        times: [__m256d; N],
        /// Apart, so that who needs it does not wait for the others.
        first: f64,
    }

    impl<const N: usize> Wide<N> {
        #[inline(always)]
        pub(in crate::sim::recursion) fn new(simd: Avx2, times: [[f64; 4]; N]) -> Self {
            Wide {
                simd,
                times: times.map(pulp::cast),
                first: times[0][0],
            }
        }

        #[inline(always)]
        pub(in crate::sim::recursion) fn times(&self) -> [[f64; 4]; N] {
            self.times.map(pulp::cast)
        }

        /// Each time's successor.
        #[inline(always)]
        fn next(&self, i: usize) -> __m256d {
            let avx = self.simd.avx;
            let never = avx._mm256_set1_pd(NEVER);
            let after = if i + 1 < N { self.times[i + 1] } else { never };
            let across = avx._mm256_permute2f128_pd::<0x21>(self.times[i], after);
            avx._mm256_shuffle_pd::<0b0101>(self.times[i], across)
        }
    }

    impl<const N: usize> SortedTimes for Wide<N> {
        #[inline(always)]
        fn first(&self) -> f64 {
            self.first
        }

        #[inline(always)]
        fn replace_first(&mut self, time: f64) -> u32 {
            let (avx, sse2) = (self.simd.avx, self.simd.sse2);
            let new = avx._mm256_set1_pd(time);
            let second = sse2._mm_cvtsd_f64(avx._mm256_castpd256_pd128(self.next(0)));
            self.first = if second < time { second } else { time };
            let mut passed = 0;
            for i in 0..N {
                let next = self.next(i);
                let not_later = avx._mm256_cmp_pd::<_CMP_LE_OQ>(next, new);
                passed |= (avx._mm256_movemask_pd(not_later) as u32) << (4 * i);
                let before = if i == 0 {
                    let nothing = avx._mm256_set1_pd(BEFORE);
                    avx._mm256_blend_pd::<1>(self.times[0], nothing)
                } else {
                    self.times[i]
                };
                // Only `times[i + 1]` and later are still to be looked at as they were.
                self.times[i] = avx._mm256_max_pd(avx._mm256_min_pd(next, new), before);
            }
            passed.count_ones()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn times<const N: usize>(sorted: &[u32]) -> [[f64; 4]; N] {
        std::array::from_fn(|i| std::array::from_fn(|lane| f64::from(sorted[4 * i + lane])))
    }

    /// Replaces the first as often as there are new times; what is left, and how many were passed.
    fn replaced<S: SortedTimes>(mut times: S, news: &[u32]) -> (S, Vec<u32>) {
        let passed = news.iter().map(|new| {
            let new = f64::from(*new).max(times.first());
            times.replace_first(new)
        });
        let passed = passed.collect();
        (times, passed)
    }

    fn check<const N: usize>(sorted: &[u32], news: &[u32]) -> Result<(), TestCaseError> {
        let mut expected = sorted[..4 * N].to_vec();
        let mut behind = Vec::new();
        for new in news {
            let first = expected.remove(0);
            let new = first.max(*new);
            let place = expected.partition_point(|other| *other <= new);
            expected.insert(place, new);
            behind.push(place as u32);
        }
        let (plain, passed) = replaced(Plain::<N>(times(sorted)), news);
        prop_assert_eq!(plain.0, times::<N>(&expected));
        prop_assert_eq!(&passed, &behind);
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = crate::simd::avx2() {
            let (wide, passed) = replaced(Wide::new(simd, times::<N>(sorted)), news);
            prop_assert_eq!(wide.times(), times::<N>(&expected));
            prop_assert_eq!(wide.first(), f64::from(expected[0]));
            prop_assert_eq!(&passed, &behind);
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn the_first_goes_behind_those_that_are_not_later(
            mut sorted in prop::collection::vec(0..20u32, 16),
            news in prop::collection::vec(0..30u32, 1..20),
        ) {
            sorted.sort_unstable();
            check::<1>(&sorted, &news)?;
            check::<2>(&sorted, &news)?;
            check::<4>(&sorted, &news)?;
        }
    }
}
