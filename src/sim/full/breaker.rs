//! The circuit breaker of a stage.
//!
//! It does not know one attempt from another. One that began before the circuit opened and ends when
//! it is half open counts like a trial: it shows as well how the other side is doing, and it is under
//! way at the stage, where no more than the trials may be.

use crate::network::CircuitBreaker;

/// A circuit breaker and what it has seen.
#[derive(Debug)]
pub(super) struct Circuit {
    settings: CircuitBreaker,
    state: State,
    under_way: u32,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Closed { failures_in_a_row: u32 },
    Open { until: f64 },
    HalfOpen { successes: u32 },
}

const CLOSED: State = State::Closed {
    failures_in_a_row: 0,
};

impl Circuit {
    pub(super) fn new(settings: CircuitBreaker) -> Circuit {
        Circuit {
            settings,
            state: CLOSED,
            under_way: 0,
        }
    }

    /// Whether an attempt may begin now. An open circuit whose time has passed is half open from the
    /// first such question on.
    pub(super) fn admits(&mut self, now: f64) -> bool {
        match self.state {
            State::Closed { .. } => true,
            State::Open { until } if now < until => false,
            State::Open { .. } => {
                self.state = State::HalfOpen { successes: 0 };
                self.has_room_for_a_trial()
            }
            State::HalfOpen { .. } => self.has_room_for_a_trial(),
        }
    }

    fn has_room_for_a_trial(&self) -> bool {
        self.under_way < self.settings.probes
    }

    /// An attempt that was admitted begins.
    pub(super) fn began(&mut self) {
        self.under_way += 1;
    }

    /// An attempt ended, well or not.
    pub(super) fn ended(&mut self, now: f64, success: bool) {
        self.abandoned();
        self.state = match self.state {
            State::Closed { .. } if success => CLOSED,
            State::Closed { failures_in_a_row } => {
                let failures_in_a_row = failures_in_a_row + 1;
                if failures_in_a_row >= self.settings.failures {
                    self.opened(now)
                } else {
                    State::Closed { failures_in_a_row }
                }
            }
            State::Open { .. } => self.state,
            State::HalfOpen { successes } if success => {
                let successes = successes + 1;
                if successes >= self.settings.probes {
                    CLOSED
                } else {
                    State::HalfOpen { successes }
                }
            }
            State::HalfOpen { .. } => self.opened(now),
        };
    }

    /// An attempt is no longer under way, and shows nothing: its consumer died, say.
    pub(super) fn abandoned(&mut self) {
        debug_assert!(self.under_way > 0, "it began");
        self.under_way -= 1;
    }

    fn opened(&self, now: f64) -> State {
        State::Open {
            until: now + self.settings.open_for,
        }
    }

    /// When an open circuit can be half open.
    pub(super) fn open_until(&self) -> Option<f64> {
        match self.state {
            State::Open { until } => Some(until),
            State::Closed { .. } | State::HalfOpen { .. } => None,
        }
    }

    /// Whether it is half open: a few attempts may show whether it should be closed.
    pub(super) fn is_half_open(&self) -> bool {
        matches!(self.state, State::HalfOpen { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::WhileOpen;

    fn circuit(failures: u32, open_for: f64, probes: u32) -> Circuit {
        Circuit::new(CircuitBreaker {
            failures,
            open_for,
            probes,
            while_open: WhileOpen::Fail,
        })
    }

    /// One attempt from beginning to end, if it is admitted.
    fn attempt(circuit: &mut Circuit, now: f64, success: bool) -> bool {
        let admitted = circuit.admits(now);
        if admitted {
            circuit.began();
            circuit.ended(now, success);
        }
        admitted
    }

    #[test]
    fn failures_in_a_row_open_it_and_a_success_between_them_does_not_count() {
        let mut circuit = circuit(3, 10.0, 1);
        for (now, success) in [(0.0, false), (1.0, false), (2.0, true), (3.0, false)] {
            assert!(attempt(&mut circuit, now, success));
        }
        assert!(attempt(&mut circuit, 4.0, false));
        assert!(circuit.open_until().is_none());
        assert!(attempt(&mut circuit, 5.0, false));
        assert_eq!(circuit.open_until(), Some(15.0));
        assert!(!circuit.admits(14.999));
        assert!(circuit.open_until().is_some());
    }

    #[test]
    fn half_open_it_lets_a_few_through_and_closes_when_they_succeed() {
        let mut circuit = circuit(1, 10.0, 2);
        assert!(attempt(&mut circuit, 0.0, false));
        assert!(circuit.admits(10.0));
        assert!(circuit.open_until().is_none());
        circuit.began();
        circuit.began();
        assert!(!circuit.admits(10.5));
        circuit.ended(11.0, true);
        assert!(circuit.admits(11.0));
        circuit.began();
        assert!(!circuit.admits(11.0));
        circuit.ended(12.0, true);
        // Closed: any number may be under way, and one failure opens it again.
        (0..5).for_each(|_| circuit.began());
        assert!(circuit.admits(12.0));
        circuit.ended(13.0, false);
        assert_eq!(circuit.open_until(), Some(23.0));
    }

    #[test]
    fn a_failed_trial_opens_it_for_as_long_again() {
        let mut circuit = circuit(1, 10.0, 3);
        assert!(attempt(&mut circuit, 0.0, false));
        assert!(attempt(&mut circuit, 12.0, true));
        assert!(attempt(&mut circuit, 13.0, true));
        assert!(attempt(&mut circuit, 14.0, false));
        assert_eq!(circuit.open_until(), Some(24.0));
        // All successes count anew.
        assert!(attempt(&mut circuit, 24.0, true));
        assert!(attempt(&mut circuit, 25.0, true));
        assert!(matches!(circuit.state, State::HalfOpen { successes: 2 }));
        assert!(attempt(&mut circuit, 26.0, true));
        assert_eq!(circuit.state, CLOSED);
    }

    #[test]
    fn what_ends_while_it_is_open_changes_nothing() {
        let mut circuit = circuit(2, 10.0, 1);
        (0..4).for_each(|_| circuit.began());
        circuit.ended(1.0, false);
        circuit.ended(2.0, false);
        assert_eq!(circuit.open_until(), Some(12.0));
        circuit.ended(3.0, true);
        circuit.ended(4.0, false);
        assert_eq!(circuit.open_until(), Some(12.0));
    }

    #[test]
    fn one_still_under_way_from_before_takes_the_place_of_a_trial() {
        let mut circuit = circuit(1, 10.0, 1);
        circuit.began();
        circuit.began();
        circuit.ended(0.0, false);
        assert!(!circuit.admits(10.0));
        circuit.abandoned();
        assert!(circuit.admits(10.0));
    }
}
