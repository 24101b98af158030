//! Which lane of a stage a message goes to.

use crate::network::{PartitionBy, Store};
use crate::random::{Choice, Stream, Uniforms};

/// Chooses lanes, one message after the other.
#[derive(Debug)]
pub(super) enum Partitioner {
    /// There is but one.
    Only,
    InTurn {
        next: u32,
        count: u32,
    },
    ByChance {
        choice: Choice,
        uniforms: Box<Uniforms>,
    },
}

impl Partitioner {
    pub(super) fn new(store: &Store, stream: Stream) -> Partitioner {
        match *store {
            Store::Shared | Store::Partitions { count: 1, .. } => Partitioner::Only,
            Store::Partitions {
                count,
                by: PartitionBy::RoundRobin,
            } => Partitioner::InTurn { next: 0, count },
            Store::Partitions { count, by } => Partitioner::ByChance {
                choice: Choice::new(&by.weights(count)),
                uniforms: Box::new(Uniforms::new(stream)),
            },
        }
    }

    /// The lane of the next message.
    #[inline]
    pub(super) fn next(&mut self) -> u32 {
        match self {
            Partitioner::Only => 0,
            Partitioner::InTurn { next, count } => {
                let lane = *next;
                *next = if lane + 1 == *count { 0 } else { lane + 1 };
                lane
            }
            Partitioner::ByChance { choice, uniforms } => choice.index(uniforms.next()) as u32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partitioner(count: u32, by: PartitionBy) -> Partitioner {
        let stream = Stream::new(3, 0, "stage.s.partition");
        Partitioner::new(&Store::Partitions { count, by }, stream)
    }

    fn first(partitioner: &mut Partitioner, count: usize) -> Vec<u32> {
        (0..count).map(|_| partitioner.next()).collect()
    }

    #[test]
    fn a_shared_queue_is_one_lane() {
        let stream = Stream::new(3, 0, "stage.s.partition");
        let mut shared = Partitioner::new(&Store::Shared, stream);
        assert_eq!(first(&mut shared, 3), [0, 0, 0]);
    }

    #[test]
    fn in_turn_means_in_turn() {
        let mut lanes = partitioner(3, PartitionBy::RoundRobin);
        assert_eq!(first(&mut lanes, 7), [0, 1, 2, 0, 1, 2, 0]);
    }

    /// The count of a lane is binomial; five standard deviations are never seen.
    #[test]
    fn lanes_are_drawn_as_often_as_they_weigh() {
        const DRAWS: usize = 50_000;
        let zipf = PartitionBy::Key {
            keys: 100,
            exponent: 1.0,
        };
        for by in [PartitionBy::Hash, zipf] {
            let mut lanes = partitioner(7, by);
            let mut counts = [0; 7];
            (0..DRAWS).for_each(|_| counts[lanes.next() as usize] += 1);
            for (count, weight) in counts.into_iter().zip(by.weights(7)) {
                let deviation = (DRAWS as f64 * weight * (1.0 - weight)).sqrt();
                let expected = DRAWS as f64 * weight;
                assert!(
                    (f64::from(count) - expected).abs() < 5.0 * deviation,
                    "{by:?}: {count} of {expected}"
                );
            }
        }
    }
}
