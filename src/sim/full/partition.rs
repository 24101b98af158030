//! Which lane of a stage a message goes to.

use crate::network::{PartitionBy, Store};
use crate::random::{Choice, Stream, Uniforms};

/// Chooses lanes, one message after the other.
#[derive(Debug)]
pub(super) struct Partitioner {
    /// Share of the messages that goes to each lane; adds up to 1.
    weights: Box<[f64]>,
    way: Way,
}

#[derive(Debug)]
enum Way {
    Only,
    InTurn { next: u32 },
    ByChance { choice: Choice, uniforms: Uniforms },
}

impl Partitioner {
    pub(super) fn new(store: &Store, stream: Stream) -> Partitioner {
        let Store::Partitions { count, by } = store else {
            return Partitioner {
                weights: [1.0].into(),
                way: Way::Only,
            };
        };
        let weights = by.weights(*count);
        let way = match by {
            _ if *count == 1 => Way::Only,
            PartitionBy::RoundRobin => Way::InTurn { next: 0 },
            PartitionBy::Hash | PartitionBy::Key { .. } => Way::ByChance {
                choice: Choice::new(&weights),
                uniforms: Uniforms::new(stream),
            },
        };
        Partitioner {
            weights: weights.into(),
            way,
        }
    }

    /// The lane of the next message.
    #[inline]
    pub(super) fn next(&mut self) -> u32 {
        match &mut self.way {
            Way::Only => 0,
            Way::InTurn { next } => {
                let lane = *next;
                *next += 1;
                if *next as usize == self.weights.len() {
                    *next = 0;
                }
                lane
            }
            Way::ByChance { choice, uniforms } => choice.index(uniforms.next()) as u32,
        }
    }

    /// Share of the messages that goes to each lane.
    pub(super) fn weights(&self) -> &[f64] {
        &self.weights
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
        assert_eq!(shared.weights(), [1.0]);
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
            for (count, weight) in counts.into_iter().zip(lanes.weights()) {
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
