//! How far a live run is, and stopping it from outside.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Shared by a run and whoever watches it.
#[derive(Debug, Default)]
pub struct LiveControl {
    stop: AtomicBool,
    entered: AtomicU64,
    gone: AtomicU64,
    /// Bits of scenario seconds, and of the largest lateness of late.
    time: AtomicU64,
    lateness: AtomicU64,
    connected: AtomicBool,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Progress {
    /// Whether its clock runs.
    pub is_running: bool,
    /// Scenario seconds since the start.
    pub time: f64,
    /// Orders that have entered.
    pub entered: u64,
    /// Orders that have left.
    pub gone: u64,
    /// The largest lateness of a producer in the last second or so, real seconds.
    pub lateness: f64,
}

impl LiveControl {
    /// Asks the run to stop: producers stop sending, and consumers have a moment to finish what they are at.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked it to.
    pub fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        Progress {
            is_running: self.connected.load(Ordering::Relaxed),
            time: f64::from_bits(self.time.load(Ordering::Relaxed)),
            entered: self.entered.load(Ordering::Relaxed),
            gone: self.gone.load(Ordering::Relaxed),
            lateness: f64::from_bits(self.lateness.load(Ordering::Relaxed)),
        }
    }

    pub(super) fn tell(&self, progress: Progress) {
        self.connected.store(progress.is_running, Ordering::Relaxed);
        self.time.store(progress.time.to_bits(), Ordering::Relaxed);
        self.entered.store(progress.entered, Ordering::Relaxed);
        self.gone.store(progress.gone, Ordering::Relaxed);
        self.lateness
            .store(progress.lateness.to_bits(), Ordering::Relaxed);
    }
}
