//! What the process measures of itself and of the broker's client while it runs: how late it is, how long
//! handing over takes.

use crate::stats::{Counter, Histogram, Tally};
use std::sync::{Mutex, PoisonError};

/// A kind of delay, in real seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delay {
    /// From the time at which an order should have been sent until it was.
    Lateness,
    /// From the end of the work as planned until its end was noticed.
    Overshoot,
    /// From sending a message until the broker had confirmed it.
    Confirm,
    /// From sending a message to an idle consumer until that began to work.
    Idle,
    /// From the end of a consumer's work until it began with the next, which waited already.
    Busy,
    /// Telling the broker that the work is done.
    Settle,
}

impl Delay {
    /// All kinds, in the order in which they are shown.
    pub const ALL: [Delay; 6] = [
        Delay::Lateness,
        Delay::Overshoot,
        Delay::Confirm,
        Delay::Idle,
        Delay::Busy,
        Delay::Settle,
    ];

    /// What it is called in files.
    pub fn name(self) -> &'static str {
        match self {
            Delay::Lateness => "lateness",
            Delay::Overshoot => "overshoot",
            Delay::Confirm => "confirm",
            Delay::Idle => "idle_handover",
            Delay::Busy => "busy_handover",
            Delay::Settle => "settle",
        }
    }
}

/// Delays of one kind at one stage, together.
#[derive(Debug, Clone, Default)]
pub struct Delays {
    /// Moments, real seconds.
    pub tally: Tally,
    /// Distribution.
    pub histogram: Histogram,
}

impl Delays {
    /// Adds those of another place.
    pub fn merge(&mut self, other: &Delays) {
        self.tally.merge(&other.tally);
        self.histogram.merge(&other.histogram);
    }

    /// How many.
    pub fn count(&self) -> u64 {
        self.tally.count()
    }

    /// Mean; 0 of none.
    pub fn mean(&self) -> f64 {
        if self.count() == 0 {
            0.0
        } else {
            self.tally.mean()
        }
    }

    /// Standard deviation; 0 of fewer than two.
    pub fn deviation(&self) -> f64 {
        if self.count() < 2 {
            return 0.0;
        }
        self.tally
            .mean_square_about(self.tally.mean())
            .max(0.0)
            .sqrt()
    }

    /// A quantile; 0 of none.
    pub fn quantile(&self, p: f64) -> f64 {
        if self.count() == 0 {
            0.0
        } else {
            self.histogram.quantile(p)
        }
    }
}

/// Collects delays of all kinds at every stage.
#[derive(Debug)]
pub(super) struct Gauges {
    /// By kind and stage.
    slots: Vec<Mutex<Slot>>,
    stages: usize,
}

#[derive(Debug, Default)]
struct Slot {
    tally: Tally,
    counter: Counter,
    /// The largest since somebody last looked.
    recent: f64,
}

impl Gauges {
    pub(super) fn new(stages: usize) -> Gauges {
        let slots = std::iter::repeat_with(Mutex::default);
        Gauges {
            slots: slots.take(Delay::ALL.len() * stages).collect(),
            stages,
        }
    }

    fn slot(&self, kind: Delay, stage: usize) -> std::sync::MutexGuard<'_, Slot> {
        let slot = &self.slots[kind as usize * self.stages + stage];
        slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a delay.
    pub(super) fn record(&self, kind: Delay, stage: usize, delay: std::time::Duration) {
        let seconds = delay.as_secs_f64();
        let mut slot = self.slot(kind, stage);
        slot.tally.record(seconds);
        slot.counter.record_all(&[seconds]);
        slot.recent = slot.recent.max(seconds);
    }

    /// The largest delay of a kind at any stage since this was last asked.
    pub(super) fn recent(&self, kind: Delay) -> f64 {
        let stages = 0..self.stages;
        let recent = stages.map(|stage| std::mem::take(&mut self.slot(kind, stage).recent));
        recent.fold(0.0, f64::max)
    }

    /// What was measured so far of a kind at a stage; measuring starts anew.
    pub(super) fn take(&self, kind: Delay, stage: usize) -> Delays {
        let mut slot = self.slot(kind, stage);
        Delays {
            tally: std::mem::take(&mut slot.tally),
            histogram: slot.counter.take(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn delays_are_kept_apart_by_kind_and_stage() {
        let gauges = Gauges::new(2);
        gauges.record(Delay::Busy, 1, Duration::from_millis(3));
        gauges.record(Delay::Busy, 1, Duration::from_millis(5));
        gauges.record(Delay::Idle, 0, Duration::from_millis(1));
        assert!((gauges.recent(Delay::Busy) - 0.005).abs() < 1e-12);
        assert_eq!(gauges.recent(Delay::Busy), 0.0);
        let busy = gauges.take(Delay::Busy, 1);
        assert_eq!(busy.count(), 2);
        assert!((busy.mean() - 0.004).abs() < 1e-12);
        assert!((busy.deviation() - 0.001).abs() < 1e-9);
        assert_eq!(gauges.take(Delay::Busy, 0).mean(), 0.0);
        assert_eq!(gauges.take(Delay::Busy, 1).count(), 0);
        assert_eq!(gauges.take(Delay::Idle, 0).count(), 1);
    }
}
