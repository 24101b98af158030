//! Pending departures, earliest first.

use super::orders::OrderId;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// The calendar of departures.
///
/// Its order is total: by time, then by the sequence in which the departures were scheduled, so a
/// run never depends on how the calendar is built. Arrivals from outside are not kept here; at the
/// same instant a departure comes first (see [`super::engine`]).
#[derive(Debug, Default)]
pub(super) struct Calendar {
    pending: BinaryHeap<Reverse<Entry>>,
    scheduled: u64,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    /// Seconds; never negative and never NaN, so its bits sort as the number does.
    time: f64,
    sequence: u64,
    order: OrderId,
}

impl Entry {
    /// Time and sequence as one number, so that one comparison decides.
    #[inline]
    fn key(&self) -> u128 {
        (u128::from(self.time.to_bits()) << 64) | u128::from(self.sequence)
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl Calendar {
    /// Time of the earliest departure; infinite when none is pending.
    #[inline]
    pub(super) fn next_time(&self) -> f64 {
        self.pending
            .peek()
            .map_or(f64::INFINITY, |Reverse(entry)| entry.time)
    }

    /// Adds a departure.
    #[inline]
    pub(super) fn schedule(&mut self, time: f64, order: OrderId) {
        debug_assert!(time >= 0.0, "an event at {time}");
        self.scheduled += 1;
        self.pending.push(Reverse(Entry {
            time,
            sequence: self.scheduled,
            order,
        }));
    }

    /// Takes the earliest departure out.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<OrderId> {
        self.pending.pop().map(|Reverse(entry)| entry.order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn earliest_first_and_first_scheduled_first_among_equals(
            times in prop::collection::vec(0..20u32, 1..200)
        ) {
            let mut calendar = Calendar::default();
            for (i, &time) in times.iter().enumerate() {
                calendar.schedule(f64::from(time), OrderId(i as u32));
            }
            let mut expected: Vec<usize> = (0..times.len()).collect();
            expected.sort_by_key(|&i| times[i]);
            let popped: Vec<usize> =
                std::iter::from_fn(|| calendar.pop()).map(|order| order.0 as usize).collect();
            prop_assert_eq!(popped, expected);
            prop_assert_eq!(calendar.next_time(), f64::INFINITY);
        }
    }
}
