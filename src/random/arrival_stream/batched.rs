//! Batch arrivals.

use super::ArrivalStream;
use crate::random::{Counts, DiscreteDistribution, Stream};

/// Several orders at each event of another process.
#[derive(Debug, Clone)]
pub(super) struct Batched {
    process: ArrivalStream,
    sizes: Counts,
    time: f64,
    /// Orders of the present batch still to come.
    left: u64,
}

impl Batched {
    /// Batches at the times of `process`, their sizes drawn from `stream`.
    pub(super) fn new(process: ArrivalStream, size: &DiscreteDistribution, stream: Stream) -> Self {
        Self {
            process,
            sizes: Counts::new(stream, size),
            time: 0.0,
            left: 0,
        }
    }

    pub(super) fn next(&mut self) -> Option<f64> {
        if self.left == 0 {
            self.time = self.process.next()?;
            self.left = self.sizes.next();
        }
        self.left -= 1;
        Some(self.time)
    }
}
