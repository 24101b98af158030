//! Arrivals replayed from a recording.

use crate::random::Stream;
use std::sync::Arc;

/// Recorded times, ties spread.
#[derive(Debug, Clone)]
pub(super) struct Recorded {
    times: Arc<[f64]>,
    resolution: f64,
    /// How many of the recorded times have been read.
    read: usize,
    /// What is left of the present tie, the earliest last.
    tie: Vec<f64>,
    last: f64,
    stream: Stream,
}

impl Recorded {
    pub(super) fn new(times: &Arc<[f64]>, resolution: f64, stream: Stream) -> Self {
        Self {
            times: Arc::clone(times),
            resolution,
            read: 0,
            tie: Vec::new(),
            last: 0.0,
            stream,
        }
    }

    pub(super) fn next(&mut self) -> Option<f64> {
        if self.tie.is_empty() {
            self.read_tie();
        }
        // Where ties overlap the next recorded time (a resolution wider than that of the
        // recording), orders are held back to keep the sequence of the recording.
        self.last = self.tie.pop()?.max(self.last);
        Some(self.last)
    }

    /// Reads all orders with the next recorded time; keeps the buffer from tie to tie.
    fn read_tie(&mut self) {
        let rest = &self.times[self.read..];
        let Some(&time) = rest.first() else { return };
        let count = rest.partition_point(|&other| other <= time);
        self.read += count;
        let width = if count > 1 { self.resolution } else { 0.0 };
        let stream = &mut self.stream;
        let spread = (0..count).map(|_| time + width * stream.uniform());
        self.tie.extend(spread);
        self.tie.sort_unstable_by(|a, b| b.total_cmp(a));
    }
}
