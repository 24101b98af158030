//! Stopping a simulation from outside, and seeing how far it is.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Shared between a simulation and whoever watches it. All methods may be called from any thread.
#[derive(Debug, Default)]
pub struct Control {
    stop: AtomicBool,
    orders: AtomicU64,
    replications: AtomicU64,
    planned: AtomicU64,
}

impl Control {
    /// Asks the simulation to stop soon and keep what it measured.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked to stop.
    pub fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Orders that have entered so far: first in the pilots, then, from 0, in the replications.
    pub fn orders(&self) -> u64 {
        self.orders.load(Ordering::Relaxed)
    }

    /// Replications finished and planned so far.
    pub fn replications(&self) -> (u64, u64) {
        (
            self.replications.load(Ordering::Relaxed),
            self.planned.load(Ordering::Relaxed),
        )
    }

    pub(crate) fn add_orders(&self, entered: u64) {
        self.orders.fetch_add(entered, Ordering::Relaxed);
    }

    pub(crate) fn plan(&self, replications: u64) {
        if self.planned.swap(replications, Ordering::Relaxed) == 0 {
            self.orders.store(0, Ordering::Relaxed);
        }
    }

    pub(crate) fn finish_one(&self) {
        self.replications.fetch_add(1, Ordering::Relaxed);
    }
}
