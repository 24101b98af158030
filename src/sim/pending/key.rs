//! What orders pending events: time and sequence in one number.

/// Time, sequence and id of a pending event, packed so that one comparison decides.
///
/// Times are never negative and never NaN, so their bits sort as they do. The sequence is the same
/// for no two events, so the id below it never decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(u128);

impl Key {
    #[inline]
    pub(super) fn new(time: f64, sequence: u32, id: u32) -> Key {
        let low = u64::from(sequence) << 32 | u64::from(id);
        Key::from_parts(time.to_bits(), low)
    }

    /// Puts together what [`Key::parts`] took apart.
    #[inline]
    pub(super) fn from_parts(high: u64, low: u64) -> Key {
        Key(u128::from(high) << 64 | u128::from(low))
    }

    /// Two halves: half the alignment of the whole.
    #[inline]
    pub(super) fn parts(self) -> (u64, u64) {
        ((self.0 >> 64) as u64, self.0 as u64)
    }

    #[inline]
    pub(super) fn time(self) -> f64 {
        f64::from_bits((self.0 >> 64) as u64)
    }

    #[inline]
    pub(super) fn id(self) -> u32 {
        self.0 as u32
    }
}
