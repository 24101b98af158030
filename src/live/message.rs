//! What a message carries: which order it is, and which attempt it is for; then zeros up to its size.

use std::fmt;

/// First bytes of every message, so that one of somebody else's is not taken for ours.
const MARK: [u8; 4] = *b"OLN1";
/// Bytes that a message has at least.
pub(super) const LEAST: usize = 4 + 8 + 8 + 4;
/// From this number on orders are no orders, but probes.
const PROBES: u64 = 1 << 62;

/// The number that tells the messages of a run from those of all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RunId(pub u64);

/// What a message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Label {
    /// The order's number.
    pub order: u64,
    /// Which of its attempts, counted from 0 over all stages.
    pub attempt: u32,
}

impl RunId {
    /// A number that hardly any other run has.
    pub(super) fn new() -> RunId {
        use std::hash::{BuildHasher, RandomState};
        RunId(RandomState::new().hash_one(std::process::id()))
    }
}

/// As it is written in names of queues.
impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012x}", self.0 >> 16)
    }
}

impl Label {
    /// A message that is no order's, to see how long it takes.
    pub(super) fn probe(number: u64) -> Label {
        Label {
            order: PROBES + number,
            attempt: 0,
        }
    }

    /// Which probe it is, if it is one.
    pub(super) fn as_probe(self) -> Option<u64> {
        self.order.checked_sub(PROBES)
    }

    /// The bytes of a message of this size; of the least size that holds what must be in it.
    pub(super) fn encode(self, run: RunId, size: f64) -> Vec<u8> {
        let size = (size.max(0.0) as usize).max(LEAST);
        let mut body = Vec::with_capacity(size);
        body.extend_from_slice(&MARK);
        body.extend_from_slice(&run.0.to_be_bytes());
        body.extend_from_slice(&self.order.to_be_bytes());
        body.extend_from_slice(&self.attempt.to_be_bytes());
        body.resize(size, 0);
        body
    }

    /// What a message of this run says; none if it is not of this run.
    pub(super) fn decode(body: &[u8], run: RunId) -> Option<Label> {
        let body = body.strip_prefix(&MARK)?;
        let (of, body) = body.split_first_chunk::<8>()?;
        let (order, body) = body.split_first_chunk::<8>()?;
        let (attempt, _) = body.split_first_chunk::<4>()?;
        (u64::from_be_bytes(*of) == run.0).then_some(Label {
            order: u64::from_be_bytes(*order),
            attempt: u32::from_be_bytes(*attempt),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(run: u64, order in 0..PROBES, attempt: u32, size in 0.0..5000.0f64) {
            let label = Label { order, attempt };
            let body = label.encode(RunId(run), size);
            prop_assert_eq!(body.len(), (size as usize).max(LEAST));
            prop_assert_eq!(Label::decode(&body, RunId(run)), Some(label));
            prop_assert_eq!(label.as_probe(), None);
            prop_assert_eq!(Label::decode(&body, RunId(!run)), None);
            prop_assert_eq!(Label::decode(&body[..LEAST - 1], RunId(run)), None);
        }

        #[test]
        fn anything_else_is_not_ours(body: Vec<u8>) {
            prop_assert_eq!(Label::decode(&body, RunId(7)), None);
        }
    }

    #[test]
    fn probes_are_known() {
        assert_eq!(Label::probe(3).as_probe(), Some(3));
    }
}
