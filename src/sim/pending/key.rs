//! What orders pending events: time and sequence in one number.

use std::cmp::Ordering;
use std::hint::select_unpredictable;

/// Time, sequence and id of a pending event, packed so that one comparison decides.
///
/// Times are never negative and never NaN, so their bits sort as they do. The sequence is the same
/// for no two events, so the id below it never decides.
///
/// Two halves, not one whole: they are read as they were written, which processors like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    time: u64,
    sequence_and_id: u64,
}

impl Key {
    #[inline]
    pub(super) fn new(time: f64, sequence: u32, id: u32) -> Key {
        Key {
            time: time.to_bits(),
            sequence_and_id: u64::from(sequence) << 32 | u64::from(id),
        }
    }

    #[inline]
    pub(super) fn time(self) -> f64 {
        f64::from_bits(self.time)
    }

    #[inline]
    pub(super) fn id(self) -> u32 {
        self.sequence_and_id as u32
    }

    /// Whether its time is later; the sequence is not looked at.
    #[inline]
    pub(super) fn is_later_than(self, other: Key) -> bool {
        self.time > other.time
    }

    /// The first or the second, without a jump.
    #[inline]
    pub(super) fn choose(first: bool, a: Key, b: Key) -> Key {
        Key {
            time: select_unpredictable(first, a.time, b.time),
            sequence_and_id: select_unpredictable(first, a.sequence_and_id, b.sequence_and_id),
        }
    }

    #[inline]
    fn whole(self) -> u128 {
        u128::from(self.time) << 64 | u128::from(self.sequence_and_id)
    }
}

impl Ord for Key {
    #[inline]
    fn cmp(&self, other: &Key) -> Ordering {
        self.whole().cmp(&other.whole())
    }
}

impl PartialOrd for Key {
    #[inline]
    fn partial_cmp(&self, other: &Key) -> Option<Ordering> {
        Some(self.cmp(other))
    }

    #[inline]
    fn lt(&self, other: &Key) -> bool {
        self.whole() < other.whole()
    }
}
