//! Counting values into the buckets of a histogram, close to the cost of the increments alone.
//!
//! A block of values first becomes a block of slots, in vector instructions, then the slots are
//! counted. The table of slots is small (32-bit counts) to stay in the fastest cache beside the
//! tables of other figures; it is emptied into the histogram long before a count can overflow.

use super::histogram::{BUCKETS, Histogram, OFFSET, SHIFT};
use crate::simd::{Kernel, vectorized};

const LANES: usize = 8;
/// Values whose slots are found before they are counted.
const BLOCK: usize = 64;
/// A power of two, so that an index is masked instead of checked.
const SLOTS: usize = 32_768;
/// Zeros have a slot in each lane: many in a row would wait for one another in a single one. The
/// buckets follow.
const ZEROS: usize = LANES;
const _: () = assert!(ZEROS + BUCKETS <= SLOTS);
/// The order of float bits at the table's first slot.
const FIRST: u64 = OFFSET as u64 - ZEROS as u64;
/// The least value that is not counted as zero, and one in the last bucket.
const LOWEST: f64 = slot_value(ZEROS);
const HIGHEST: f64 = slot_value(ZEROS + BUCKETS - 1);
/// What zero is taken for, lane by lane.
const ZERO: [f64; LANES] = {
    let mut values = [0.0; LANES];
    let mut lane = 0;
    while lane < LANES {
        values[lane] = slot_value(lane);
        lane += 1;
    }
    values
};

const fn slot_value(slot: usize) -> f64 {
    f64::from_bits((FIRST + slot as u64) << SHIFT)
}

/// Counts values, at least 0, for a [`Histogram`]. What comes out does not depend on how the values
/// were cut into calls.
pub struct Counter {
    /// None before the first value: most lanes of a large network see none.
    slots: Option<Box<[u32; SLOTS]>>,
    /// Values counted in the slots.
    recent: u32,
    min: f64,
    max: f64,
    /// What the slots held before they were emptied.
    settled: Histogram,
}

impl std::fmt::Debug for Counter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Counter")
            .field("recent", &self.recent)
            .field("settled", &self.settled)
            .finish_non_exhaustive()
    }
}

impl Default for Counter {
    fn default() -> Self {
        Counter {
            slots: None,
            recent: 0,
            min: f64::INFINITY,
            max: 0.0,
            settled: Histogram::default(),
        }
    }
}

impl Counter {
    /// Counts values.
    pub fn record_all(&mut self, values: &[f64]) {
        vectorized(RecordAll {
            counter: self,
            values,
        });
    }

    /// [`Counter::record_all`] for use inside a kernel.
    #[inline(always)]
    pub(crate) fn record_all_inline(&mut self, values: &[f64]) {
        let mut extremes = Extremes::default();
        for block in values.chunks(BLOCK) {
            if self.recent > u32::MAX - BLOCK as u32 {
                self.settle();
            }
            self.recent += block.len() as u32;
            let table = self.slots.get_or_insert_with(no_counts);
            let mut slots = [0; BLOCK];
            let (rounds, rest) = block.as_chunks::<LANES>();
            for (values, slots) in rounds.iter().zip(slots.as_chunks_mut().0) {
                extremes.see(values);
                find_slots(values, slots);
            }
            if !rest.is_empty() {
                let mut padded = [0.0; LANES];
                padded[..rest.len()].copy_from_slice(rest);
                extremes.see(&padded);
                let (_, after) = slots.split_at_mut(rounds.len() * LANES);
                let last = after.first_chunk_mut().expect("a block is whole rounds");
                find_slots(&padded, last);
            }
            for slot in &slots[..block.len()] {
                table[*slot as usize % SLOTS] += 1;
            }
        }
        self.min = extremes.min.into_iter().fold(self.min, f64::min);
        self.max = extremes.max.into_iter().fold(self.max, f64::max);
    }

    /// The histogram of all values so far; counting starts again.
    pub fn take(&mut self) -> Histogram {
        self.settle();
        std::mem::take(&mut self.settled)
    }

    /// Empties the slots into the histogram.
    #[inline(never)]
    fn settle(&mut self) {
        let Some(slots) = &mut self.slots else { return };
        let (zeros, buckets) = slots.split_at_mut(ZEROS);
        self.settled
            .add(buckets, self.min..=self.max, u64::from(self.recent));
        zeros.fill(0);
        (self.recent, self.min, self.max) = (0, f64::INFINITY, 0.0);
    }
}

#[cold]
fn no_counts() -> Box<[u32; SLOTS]> {
    let slots: Box<[u32]> = vec![0; SLOTS].into_boxed_slice();
    slots.try_into().expect("it has this length")
}

/// The slot of each value: the upper bits of the float itself, which are in the order of the values.
#[inline(always)]
fn find_slots(values: &[f64; LANES], slots: &mut [u32; LANES]) {
    for lane in 0..LANES {
        let x = values[lane];
        let x = if x > ZERO[lane] { x } else { ZERO[lane] };
        let x = if x < HIGHEST { x } else { HIGHEST };
        slots[lane] = ((x.to_bits() >> SHIFT) - FIRST) as u32;
    }
}

/// The least value that is not zero, and the largest, lane by lane.
struct Extremes {
    min: [f64; LANES],
    max: [f64; LANES],
}

impl Default for Extremes {
    #[inline(always)]
    fn default() -> Self {
        Extremes {
            min: [f64::INFINITY; LANES],
            max: [0.0; LANES],
        }
    }
}

impl Extremes {
    #[inline(always)]
    fn see(&mut self, values: &[f64; LANES]) {
        let extremes = self.min.iter_mut().zip(&mut self.max);
        for (x, (min, max)) in values.iter().copied().zip(extremes) {
            let above_zero = if x >= LOWEST { x } else { f64::INFINITY };
            *min = if above_zero < *min { above_zero } else { *min };
            *max = if x > *max { x } else { *max };
        }
    }
}

struct RecordAll<'a> {
    counter: &'a mut Counter,
    values: &'a [f64],
}

impl Kernel for RecordAll<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.counter.record_all_inline(self.values);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Zeros, what counts as zero, ordinary times, and what lies beyond the last bucket.
    fn times() -> impl Strategy<Value = Vec<f64>> {
        let time = prop_oneof![
            Just(0.0),
            Just(LOWEST),
            0.0..2.0 * LOWEST,
            0.0..10.0,
            1e10..1e15
        ];
        prop::collection::vec(time, 0..300)
    }

    /// The same figures without a thought of speed.
    fn plain(values: &[f64]) -> (u64, u64, f64, Vec<(usize, u64)>) {
        let mut counts = std::collections::BTreeMap::new();
        let mut zeros = 0;
        for x in values {
            let bucket = (x.to_bits() >> SHIFT) as i64 - OFFSET;
            if bucket < 0 {
                zeros += 1;
            } else {
                *counts
                    .entry(bucket.min(BUCKETS as i64 - 1) as usize)
                    .or_insert(0) += 1;
            }
        }
        let max = values.iter().copied().fold(f64::NAN, f64::max);
        (
            values.len() as u64,
            zeros,
            max,
            counts.into_iter().collect(),
        )
    }

    #[test]
    fn nothing_is_lost_when_the_slots_are_emptied() {
        let mut counter = Counter::default();
        counter.record_all(&[0.0, 1.0, 2.0]);
        counter.recent = u32::MAX - 3;
        let zeros_taken_for_granted = u64::from(u32::MAX - 6);
        counter.record_all(&[1.0; 100]);
        let histogram = counter.take();
        assert_eq!(histogram.total(), zeros_taken_for_granted + 103);
        assert_eq!(histogram.zeros(), zeros_taken_for_granted + 1);
    }

    proptest! {
        #[test]
        fn every_value_is_counted_in_its_bucket(values in times()) {
            let mut counter = Counter::default();
            counter.record_all(&values);
            let histogram = counter.take();
            let (total, zeros, max, counts) = plain(&values);
            prop_assert_eq!(histogram.total(), total);
            prop_assert_eq!(histogram.zeros(), zeros);
            prop_assert!(histogram.max() == max || total == 0);
            let seen: Vec<_> = histogram.buckets().collect();
            prop_assert_eq!(seen, counts);
            prop_assert!(counter.slots.iter().flat_map(|slots| slots.iter()).all(|count| *count == 0));
        }

        #[test]
        fn the_same_histogram_however_the_sequence_is_cut(values in times(), cut in 0..300usize) {
            let (mut whole, mut cut_up, mut inline) = (Counter::default(), Counter::default(), Counter::default());
            let (a, b) = values.split_at(cut.min(values.len()));
            whole.record_all(&values);
            cut_up.record_all(a);
            cut_up.record_all(b);
            inline.record_all_inline(&values);
            let whole = whole.take();
            prop_assert!(whole == cut_up.take() && whole == inline.take());
        }
    }
}
