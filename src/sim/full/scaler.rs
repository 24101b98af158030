//! An automatic scaler: how many consumers a stage should have, by what was seen of it.
//!
//! The rule is that of the Kubernetes horizontal autoscaler (kubernetes/pkg/controller/podautoscaler:
//! `replica_calculator.go`, `horizontal.go`), which KEDA drives too: so many consumers that the measured
//! value would be the target, rounded up; no change within the tolerance; and the highest number asked
//! for within the cool-down, so that a short lull lets nobody go.

use crate::network::{Autoscale, ScaleBy};
use std::collections::VecDeque;

/// A scaler and what it asked for lately.
#[derive(Debug)]
pub(super) struct Scaler {
    settings: Autoscale,
    /// When it last looked.
    last: f64,
    /// What was asked for, and when: descending in number, ascending in time. What was asked for
    /// before a higher number can never again be the highest.
    highest: VecDeque<(f64, u32)>,
}

/// What a scaler sees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Seen {
    /// Consumer-seconds of work since the last look.
    pub busy: f64,
    /// Messages that came since the last look.
    pub arrivals: u64,
    /// Messages that wait now.
    pub waiting: u64,
    /// Consumers, those that are starting up included.
    pub consumers: u32,
    /// Seconds of work on a message.
    pub mean_service: f64,
}

/// A share that rounding may add: no reason to change anything, or to round up to the next number.
const ROUNDING: f64 = 1e-9;

impl Scaler {
    pub(super) fn new(settings: Autoscale) -> Scaler {
        Scaler {
            settings,
            last: 0.0,
            highest: VecDeque::with_capacity(16),
        }
    }

    /// How many consumers there should be from now on. The number at the first look counts as having
    /// been asked for at the beginning.
    pub(super) fn look(&mut self, now: f64, seen: &Seen) -> u32 {
        if self.last == 0.0 {
            self.highest.push_back((0.0, seen.consumers));
        }
        let asked = self.asked(now - self.last, seen);
        self.last = now;
        self.highest_since_cool_down(now, asked)
    }

    /// What the rule gives, without regard to what was asked for before.
    fn asked(&self, elapsed: f64, seen: &Seen) -> u32 {
        let needed = self.needed(elapsed, seen);
        let present = f64::from(seen.consumers);
        let asked = if (needed - present).abs() <= (self.settings.tolerance + ROUNDING) * present {
            seen.consumers
        } else {
            (needed * (1.0 - ROUNDING)).ceil() as u32
        };
        // Nobody would ever work on what waits.
        let least = self.settings.minimum.max((seen.waiting > 0).into());
        asked.clamp(least, self.settings.maximum)
    }

    /// With so many consumers the measured value would be the target.
    fn needed(&self, elapsed: f64, seen: &Seen) -> f64 {
        let waiting = seen.waiting as f64;
        match self.settings.by {
            ScaleBy::Utilization(target) => seen.busy / (elapsed * target),
            ScaleBy::Backlog(per_consumer) => waiting / per_consumer,
            ScaleBy::DrainTime(within) => {
                let rate = seen.arrivals as f64 / elapsed;
                (rate + waiting / within) * seen.mean_service
            }
        }
    }

    fn highest_since_cool_down(&mut self, now: f64, asked: u32) -> u32 {
        // Looks are `every` apart: a small part of it makes up for rounding, and for nothing else.
        let window = self.settings.cool_down + 1e-6 * self.settings.every;
        while self.highest.back().is_some_and(|&(_, n)| n <= asked) {
            self.highest.pop_back();
        }
        self.highest.push_back((now, asked));
        while self
            .highest
            .front()
            .is_some_and(|&(at, _)| now - at > window)
        {
            self.highest.pop_front();
        }
        let highest = self.highest.front().map_or(asked, |&(_, n)| n);
        highest.clamp(self.settings.minimum, self.settings.maximum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scaler(by: ScaleBy, cool_down: f64, tolerance: f64) -> Scaler {
        Scaler::new(Autoscale {
            by,
            minimum: 1,
            maximum: 10,
            every: 30.0,
            start_up: 0.0,
            cool_down,
            tolerance,
        })
    }

    fn seen(busy: f64, waiting: u64, consumers: u32) -> Seen {
        Seen {
            busy,
            arrivals: 60,
            waiting,
            consumers,
            mean_service: 2.0,
        }
    }

    #[test]
    fn utilization_is_scaled_to_its_target() {
        let by = ScaleBy::Utilization(0.5);
        // Of 4 × 30 s, 90 s busy: 0.75, half as much again as the target.
        assert_eq!(scaler(by, 0.0, 0.1).look(30.0, &seen(90.0, 0, 4)), 6);
        // 0.55 is within a tenth.
        assert_eq!(scaler(by, 0.0, 0.1).look(30.0, &seen(66.0, 0, 4)), 4);
        // 0.56 is not.
        assert_eq!(scaler(by, 0.0, 0.1).look(30.0, &seen(67.2, 0, 4)), 5);
        // 0.25.
        assert_eq!(scaler(by, 0.0, 0.1).look(30.0, &seen(30.0, 0, 4)), 2);
        // On target without any tolerance, but for rounding.
        let by = ScaleBy::Utilization(0.7);
        assert_eq!(scaler(by, 0.0, 0.0).look(30.0, &seen(0.7 * 90.0, 0, 3)), 3);
    }

    #[test]
    fn a_backlog_has_so_many_consumers() {
        let by = ScaleBy::Backlog(10.0);
        let asked = [0, 1, 10, 11, 95, 1000].map(|n| {
            let mut scaler = scaler(by, 0.0, 0.0);
            scaler.look(30.0, &seen(0.0, n, 1))
        });
        assert_eq!(asked, [1, 1, 1, 2, 10, 10]);
    }

    /// 60 in 30 s of 2 s each keep 4 consumers busy; 45 waiting within 60 s take another 1.5.
    #[test]
    fn a_drain_time_adds_what_comes_to_what_waits() {
        let by = ScaleBy::DrainTime(60.0);
        assert_eq!(scaler(by, 0.0, 0.0).look(30.0, &seen(0.0, 45, 1)), 6);
        assert_eq!(scaler(by, 0.0, 0.0).look(30.0, &seen(0.0, 0, 1)), 4);
    }

    #[test]
    fn nobody_is_let_go_before_the_cool_down() {
        let mut scaler = scaler(ScaleBy::Backlog(10.0), 60.0, 0.0);
        let looks = [(30.0, 80), (60.0, 20), (90.0, 50), (120.0, 20), (150.0, 20)];
        let asked = looks.map(|(now, waiting)| scaler.look(now, &seen(0.0, waiting, 8)));
        // 8 was asked for at 30 s and counts to 90 s; 5 at 90 s counts to 150 s.
        assert_eq!(asked, [8, 8, 8, 5, 5]);
        assert_eq!(scaler.look(180.0, &seen(0.0, 20, 5)), 2);
    }

    #[test]
    fn who_is_there_at_the_beginning_stays_for_a_cool_down() {
        let mut scaler = scaler(ScaleBy::Backlog(10.0), 60.0, 0.0);
        let asked = [30.0, 60.0, 90.0].map(|now| scaler.look(now, &seen(0.0, 0, 4)));
        assert_eq!(asked, [4, 4, 1]);
    }

    #[test]
    fn from_nobody_it_begins_with_one_when_something_waits() {
        let mut scaler = Scaler::new(Autoscale {
            by: ScaleBy::Utilization(0.5),
            minimum: 0,
            maximum: 10,
            every: 30.0,
            start_up: 0.0,
            cool_down: 0.0,
            tolerance: 0.1,
        });
        assert_eq!(scaler.look(30.0, &seen(0.0, 0, 0)), 0);
        assert_eq!(scaler.look(60.0, &seen(0.0, 3, 0)), 1);
    }
}
