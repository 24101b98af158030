//! What is counted while a replication runs: per class at each stage, and of the pipeline.

use crate::stats::{Histogram, Occupancy, Tally};

/// Moments and distribution of one kind of time.
#[derive(Debug, Clone, Default)]
pub(super) struct TimeStatistics {
    pub tally: Tally,
    pub histogram: Histogram,
}

impl TimeStatistics {
    #[inline]
    pub(super) fn record(&mut self, time: f64) {
        self.tally.record(time);
        self.histogram.record(time);
    }

    pub(super) fn merge(&mut self, other: &TimeStatistics) {
        self.tally.merge(&other.tally);
        self.histogram.merge(&other.histogram);
    }

    fn clear(&mut self) {
        self.tally = Tally::default();
        self.histogram.clear();
    }
}

/// What is counted of one class at one stage, since the end of the warm-up.
///
/// Waiting and service times are counted when service begins: whoever is in service then has drawn
/// its time already, so none is left out for being long. Sojourn times are counted at departure; in
/// steady state those who leave have the same law of times as those who come.
#[derive(Debug, Clone, Default)]
pub(super) struct Lane {
    pub occupancy: Occupancy,
    /// Orders that were there when counting began.
    pub present_at_start: u64,
    pub offered: u64,
    pub rejected: u64,
    pub departed: u64,
    pub departed_bytes: f64,
    pub waiting: TimeStatistics,
    pub service: TimeStatistics,
    pub sojourn: TimeStatistics,
}

impl Lane {
    /// Starts to count anew at `now`.
    pub(super) fn restart(&mut self, now: f64) {
        self.occupancy.advance(now);
        self.occupancy.restart(now);
        self.present_at_start = self.occupancy.present();
        (
            self.offered,
            self.rejected,
            self.departed,
            self.departed_bytes,
        ) = (0, 0, 0, 0.0);
        self.waiting.clear();
        self.service.clear();
        self.sojourn.clear();
    }
}

/// What is counted of the whole pipeline, since the end of the warm-up.
#[derive(Debug, Clone, Default)]
pub(super) struct PipelineLane {
    /// Orders in the pipeline. Who waits is counted at the stages.
    pub occupancy: Occupancy,
    pub entered: u64,
    pub rejected_at_entry: u64,
    pub left: u64,
    pub completed: u64,
    pub completed_bytes: f64,
    /// Entering to completion, of completed orders.
    pub latency: TimeStatistics,
    /// Service time over all visits, of completed orders.
    pub processing: Tally,
    /// Entering to leaving, of all orders that were let in, however they left.
    pub time_in_pipeline: Tally,
    /// Waiting time over all visits, of the same orders.
    pub time_waiting: Tally,
}

impl PipelineLane {
    /// Starts to count anew at `now`.
    pub(super) fn restart(&mut self, now: f64) {
        let mut occupancy = self.occupancy;
        occupancy.advance(now);
        occupancy.restart(now);
        self.latency.clear();
        *self = PipelineLane {
            occupancy,
            latency: std::mem::take(&mut self.latency),
            ..PipelineLane::default()
        };
    }
}
