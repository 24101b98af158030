//! The numbers of consumers, and whether the broker is down, written down as they change.

use super::clock::Clock;
use crate::sim::StaffLogged;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What was and what is.
#[derive(Debug)]
pub(super) struct StaffLog(Mutex<State>);

#[derive(Debug)]
struct State {
    now: Vec<StaffLogged>,
    log: Vec<StaffLogged>,
    /// Connections that are lost at the moment.
    lost: u32,
    /// Since when the broker has been down, if it is.
    down_since: Option<Instant>,
    outages: Outages,
}

/// How often, and how long altogether on the clock, a live run was without its broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outages {
    /// Times that it was lost.
    pub times: u64,
    /// From losing it to having it again, or to the end.
    pub lasted: Duration,
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
            down_since: None,
            outages: Outages::default(),
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
        let now = Instant::now();
        state.outages = state.outages_until(now);
        state.outages.times += u64::from(is_down);
        state.down_since = is_down.then_some(now);
        let time = clock.seconds(now);
        for stage in 0..state.now.len() as u32 {
            state.change(time, stage, |now| now.broker_down = is_down);
        }
    }

    /// Those until now.
    pub(super) fn outages(&self) -> Outages {
        self.lock().outages_until(Instant::now())
    }

    /// Whether the broker is down at the moment.
    pub(super) fn is_down(&self) -> bool {
        self.lock().down_since.is_some()
    }

    /// All changes, in the order of time.
    pub(super) fn take(&self) -> Vec<StaffLogged> {
        let mut log = std::mem::take(&mut self.lock().log);
        log.sort_by(|a, b| a.time.total_cmp(&b.time));
        log
    }
}

impl State {
    fn outages_until(&self, now: Instant) -> Outages {
        let Outages { times, lasted } = self.outages;
        let last = self.down_since.map(|since| now - since);
        Outages {
            times,
            lasted: lasted + last.unwrap_or_default(),
        }
    }

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
        for more in [1, 1, -1] {
            log.outage(&clock, more);
        }
        std::thread::sleep(Duration::from_millis(2));
        let until_now = log.outages();
        assert!(log.is_down());
        log.outage(&clock, -1);
        assert!(!log.is_down());
        let until_its_end = log.outages();
        let changes: Vec<bool> = log.take().iter().map(|change| change.broker_down).collect();
        assert_eq!(changes, [false, true, false]);
        assert_eq!((until_now.times, until_its_end.times), (1, 1));
        assert!(until_now.lasted > Duration::ZERO && until_now.lasted <= until_its_end.lasted);
        assert_eq!(log.outages(), until_its_end, "it is over");
    }
}
