//! What is counted while a replication runs: per class at each stage, and of the pipeline.

use crate::simd::{Kernel, vectorized};
use crate::stats::{Counter, Histogram, Mean, Occupancy, Tally};

/// Times recorded one by one that are counted together.
const BUFFER: usize = 128;

/// Moments and distribution of one kind of time.
#[derive(Debug, Clone, Default)]
pub(super) struct Times {
    pub tally: Tally,
    pub histogram: Histogram,
}

impl Times {
    pub(super) fn merge(&mut self, other: &Times) {
        self.tally.merge(&other.tally);
        self.histogram.merge(&other.histogram);
    }
}

/// Records times of one kind. What it has counted can only be had whole, as [`Times`], with nothing
/// left in the buffer. The result is the same to the last bit however the times were handed over.
#[derive(Debug)]
pub(super) struct TimeStatistics {
    counts: Counts,
    buffer: [f64; BUFFER],
    buffered: usize,
}

#[derive(Debug, Default)]
struct Counts {
    tally: Tally,
    counter: Counter,
}

impl Default for TimeStatistics {
    fn default() -> Self {
        TimeStatistics {
            counts: Counts::default(),
            buffer: [0.0; BUFFER],
            buffered: 0,
        }
    }
}

impl TimeStatistics {
    /// Takes one time, at least 0.
    #[inline]
    pub(super) fn record(&mut self, time: f64) {
        self.buffer[self.buffered % BUFFER] = time;
        self.buffered += 1;
        if self.buffered == BUFFER {
            self.flush();
        }
    }

    /// Takes many.
    pub(super) fn record_all(&mut self, times: &[f64]) {
        self.flush();
        self.counts.record_all(times);
    }

    /// All that was recorded; recording starts anew.
    pub(super) fn take(&mut self) -> Times {
        self.flush();
        Times {
            tally: std::mem::take(&mut self.counts.tally),
            histogram: self.counts.counter.take(),
        }
    }

    #[inline(never)]
    fn flush(&mut self) {
        let buffered = std::mem::take(&mut self.buffered);
        self.counts.record_all(&self.buffer[..buffered]);
    }
}

impl Counts {
    fn record_all(&mut self, times: &[f64]) {
        vectorized(RecordAll {
            counts: self,
            times,
        });
    }

    #[inline(always)]
    fn record_all_inline(&mut self, times: &[f64]) {
        self.tally.record_all_inline(times);
        self.counter.record_all_inline(times);
    }
}

struct RecordAll<'a> {
    counts: &'a mut Counts,
    times: &'a [f64],
}

impl Kernel for RecordAll<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.counts.record_all_inline(self.times);
    }
}

/// What is counted of one class at one stage, since the end of the warm-up.
///
/// Waiting and service times are counted when service begins: whoever is in service then has drawn
/// its time already, so none is left out for being long. Sojourn times are counted at departure; in
/// steady state those who leave have the same law of times as those who come.
///
/// While counting, `T` is [`TimeStatistics`]; [`Times`] in the end.
#[derive(Debug, Default)]
pub(super) struct Lane<T = TimeStatistics> {
    pub occupancy: Occupancy,
    /// Orders that were there when counting began.
    pub present_at_start: u64,
    pub offered: u64,
    pub rejected: u64,
    pub departed: u64,
    pub departed_bytes: f64,
    pub waiting: T,
    pub service: T,
    pub sojourn: T,
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
        self.waiting.take();
        self.service.take();
        self.sojourn.take();
    }

    /// What was counted.
    pub(super) fn finish(mut self) -> Lane<Times> {
        Lane {
            occupancy: self.occupancy,
            present_at_start: self.present_at_start,
            offered: self.offered,
            rejected: self.rejected,
            departed: self.departed,
            departed_bytes: self.departed_bytes,
            waiting: self.waiting.take(),
            service: self.service.take(),
            sojourn: self.sojourn.take(),
        }
    }
}

/// What is counted of the whole pipeline, since the end of the warm-up; `T` as in [`Lane`].
#[derive(Debug, Default)]
pub(super) struct PipelineLane<T = TimeStatistics> {
    /// Orders in the pipeline. Who waits is counted at the stages.
    pub occupancy: Occupancy,
    pub entered: u64,
    pub rejected_at_entry: u64,
    pub left: u64,
    pub completed: u64,
    pub completed_bytes: f64,
    /// Entering to completion, of completed orders.
    pub latency: T,
    /// Service time over all visits, of completed orders.
    pub processing: Mean,
    /// Entering to leaving, of all orders that were let in, however they left.
    pub time_in_pipeline: Mean,
    /// Waiting time over all visits, of the same orders.
    pub time_waiting: Mean,
}

impl PipelineLane {
    /// Starts to count anew at `now`.
    pub(super) fn restart(&mut self, now: f64) {
        let mut occupancy = self.occupancy;
        occupancy.advance(now);
        occupancy.restart(now);
        *self = PipelineLane {
            occupancy,
            ..PipelineLane::default()
        };
    }

    /// What was counted.
    pub(super) fn finish(mut self) -> PipelineLane<Times> {
        PipelineLane {
            occupancy: self.occupancy,
            entered: self.entered,
            rejected_at_entry: self.rejected_at_entry,
            left: self.left,
            completed: self.completed,
            completed_bytes: self.completed_bytes,
            latency: self.latency.take(),
            processing: self.processing,
            time_in_pipeline: self.time_in_pipeline,
            time_waiting: self.time_waiting,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn one_by_one_and_in_blocks_are_the_same(times in prop::collection::vec(0.0..9.0f64, 0..700), cut in 0..300usize) {
            let (mut single, mut mixed) = (TimeStatistics::default(), TimeStatistics::default());
            times.iter().for_each(|time| single.record(*time));
            let (first, rest) = times.split_at(cut.min(times.len()));
            first.iter().for_each(|time| mixed.record(*time));
            mixed.record_all(rest);
            let (single, mixed) = (single.take(), mixed.take());
            prop_assert_eq!(single.tally.count(), times.len() as u64);
            prop_assert_eq!(single.tally, mixed.tally);
            prop_assert!(single.histogram == mixed.histogram);
        }
    }

    #[test]
    fn a_restart_forgets_what_is_still_in_the_buffer() {
        let mut lane: Lane = Lane::default();
        lane.waiting.record(1.0);
        lane.restart(0.0);
        lane.waiting.record(2.0);
        let lane = lane.finish();
        assert_eq!(
            (lane.waiting.tally.count(), lane.waiting.tally.mean()),
            (1, 2.0)
        );
        assert_eq!(lane.waiting.histogram.total(), 1);
    }
}
