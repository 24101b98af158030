//! The numbers of consumers, and whether the broker is down, written down as they change.

use super::clock::Clock;
use crate::sim::StaffLogged;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// What was and what is.
#[derive(Debug)]
pub(super) struct StaffLog(Mutex<State>);

#[derive(Debug)]
struct State {
    now: Vec<StaffLogged>,
    log: Vec<StaffLogged>,
    /// Connections that are lost at the moment.
    lost: u32,
    outages: u64,
}

impl StaffLog {
    pub(super) fn new(stages: usize) -> StaffLog {
        let nobody = |stage| StaffLogged {
            time: 0.0,
            stage,
            employed: 0,
            down: 0,
            broker_down: false,
        };
        StaffLog(Mutex::new(State {
            now: (0..stages as u32).map(nobody).collect(),
            log: Vec::new(),
            lost: 0,
            outages: 0,
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A stage has so many consumers from a scenario time on.
    pub(super) fn employs(&self, time: f64, stage: u32, employed: u32) {
        self.lock()
            .change(time, stage, |now| now.employed = employed);
    }

    /// A consumer breaks down, or works again.
    pub(super) fn down(&self, clock: &Clock, stage: u32, more: i32) {
        let time = clock.seconds(Instant::now());
        let change = |now: &mut StaffLogged| now.down = now.down.saturating_add_signed(more);
        self.lock().change(time, stage, change);
    }

    /// A connection is lost, or found again. The broker is down as long as there is one that is lost.
    pub(super) fn outage(&self, clock: &Clock, more: i32) {
        let mut state = self.lock();
        let before = state.lost > 0;
        state.lost = state.lost.saturating_add_signed(more);
        let is_down = state.lost > 0;
        if is_down == before || !clock.has_started() {
            return;
        }
        state.outages += u64::from(is_down);
        let time = clock.seconds(Instant::now());
        for stage in 0..state.now.len() as u32 {
            state.change(time, stage, |now| now.broker_down = is_down);
        }
    }

    /// Times that the broker was lost.
    pub(super) fn outages(&self) -> u64 {
        self.lock().outages
    }

    /// All changes, in the order of time.
    pub(super) fn take(&self) -> Vec<StaffLogged> {
        let mut log = std::mem::take(&mut self.lock().log);
        log.sort_by(|a, b| a.time.total_cmp(&b.time));
        log
    }
}

impl State {
    fn change(&mut self, time: f64, stage: u32, change: impl FnOnce(&mut StaffLogged)) {
        let now = &mut self.now[stage as usize];
        change(now);
        now.time = time.max(0.0);
        let now = *now;
        self.log.push(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_broker_is_down_from_the_first_loss_to_the_last_return() {
        let clock = Clock::new(1.0);
        clock.start(Instant::now());
        let log = StaffLog::new(1);
        log.employs(0.0, 0, 2);
        for more in [1, 1, -1, -1] {
            log.outage(&clock, more);
        }
        let changes: Vec<bool> = log.take().iter().map(|change| change.broker_down).collect();
        assert_eq!(changes, [false, true, false]);
        assert_eq!(log.outages(), 1);
    }
}
