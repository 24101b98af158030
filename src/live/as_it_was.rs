//! The script of what really happened: every order held back until it was really sent, every attempt with
//! the work that it really took.
//!
//! Replayed, it gives the second twin of a live run: the same machine, with its own lateness, and another
//! broker. What is left of the difference is the broker's alone.

use crate::network::{StageId, Target};
use crate::sim::{Attempt, Event, Logged, Outcome, Script};

/// What is known so far of an order.
#[derive(Debug, Clone, Default)]
struct Course {
    entered: Option<f64>,
    /// How late its first message was sent, once that is known.
    held: Option<f64>,
    stage: u32,
    began: f64,
    /// When the last attempt failed, until the next is due.
    failed: Option<f64>,
    attempts: Vec<Attempt>,
    /// Whether the last attempt has ended well, and the way on is not known yet.
    goes_on: bool,
}

/// The script of a live run that played `script`, from its log. What the log does not say, since it ended
/// before, is as in the script played.
pub fn as_it_was(script: &Script, log: &[Logged], end: f64) -> Script {
    let mut courses = vec![Course::default(); script.orders.len()];
    for logged in log {
        if let Some(course) = courses.get_mut(logged.message as usize) {
            course.hear(logged, script.attempts(logged.message));
        }
    }
    let mut was = Script::until(end);
    for ((number, order), course) in (0..).zip(&script.orders).zip(courses) {
        let scripted = script.attempts(number);
        // Its number stays its own, whether it ever entered or not.
        let entered = course.entered.unwrap_or(f64::INFINITY);
        let mut order = *order;
        order.entered = entered;
        order.held = course.held.unwrap_or(0.0);
        was.push(order, &course.with_rest(scripted));
    }
    was
}

impl Course {
    fn hear(&mut self, logged: &Logged, scripted: &[Attempt]) {
        let now = logged.time;
        match logged.what {
            Event::Enters { .. } => self.entered = Some(now),
            Event::Joins { stage, held, .. } => {
                self.held.get_or_insert(held);
                self.stage = stage;
                self.found_way(Target::Stage(StageId(stage as usize)));
                self.is_due(now);
            }
            Event::Requeued => self.is_due(now),
            Event::Begins { .. } => {
                self.is_due(now);
                self.began = now;
            }
            Event::Ends { failed } => self.ended(now, failed, scripted),
            Event::Leaves { outcome } => match outcome {
                Outcome::Completed => self.found_way(Target::Completed),
                Outcome::Cancelled => self.found_way(Target::Cancelled),
                _ => {}
            },
            _ => {}
        }
    }

    /// The next attempt is due.
    fn is_due(&mut self, now: f64) {
        if let (Some(failed), Some(last)) = (self.failed.take(), self.attempts.last_mut()) {
            last.backoff = Some(now - failed);
        }
    }

    fn found_way(&mut self, next: Target) {
        if std::mem::take(&mut self.goes_on)
            && let Some(last) = self.attempts.last_mut()
        {
            last.next = Some(next);
        }
    }

    fn ended(&mut self, now: f64, failed: bool, scripted: &[Attempt]) {
        let scripted = scripted.get(self.attempts.len());
        let scripted = scripted.filter(|attempt| attempt.stage == self.stage);
        self.attempts.push(Attempt {
            stage: self.stage,
            lane: scripted.map_or(0, |attempt| attempt.lane),
            work: now - self.began,
            fails: Some(failed),
            backoff: None,
            next: None,
        });
        self.goes_on = !failed;
        self.failed = failed.then_some(now);
    }

    /// All attempts: those that were, then those that were still to come.
    fn with_rest(mut self, scripted: &[Attempt]) -> Vec<Attempt> {
        let made = self.attempts.len();
        if let (Some(last), Some(planned)) = (self.attempts.last_mut(), made.checked_sub(1)) {
            let planned = scripted.get(planned);
            last.next = last.next.or(planned.and_then(|attempt| attempt.next));
            last.backoff = last.backoff.or(planned.and_then(|attempt| attempt.backoff));
        }
        self.attempts.extend(scripted.iter().skip(made));
        self.attempts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::ScriptedOrder;

    fn planned(stage: u32, work: f64) -> Attempt {
        Attempt {
            stage,
            lane: 3,
            work,
            fails: Some(false),
            backoff: None,
            next: Some(Target::Completed),
        }
    }

    fn logged(time: f64, what: Event) -> Logged {
        Logged {
            time,
            message: 0,
            what,
        }
    }

    fn joins(stage: u32, held: f64) -> Event {
        Event::Joins {
            stage,
            held,
            enqueue: held + 0.125,
            network: 0.0,
        }
    }

    #[test]
    fn sending_work_and_rests_are_taken_from_the_log() {
        let mut script = Script::until(10.0);
        let attempts = [planned(0, 1.0), planned(0, 1.0), planned(1, 2.0)];
        script.push(ScriptedOrder::new(1.0, 0, 0, 5.0), &attempts);
        script.push(ScriptedOrder::new(9.0, 0, 0, 5.0), &[]);
        let enters = Event::Enters {
            producer: 0,
            class: 0,
            size: 5.0,
        };
        let log = [
            logged(1.0, enters),
            logged(1.5, joins(0, 0.25)),
            logged(2.0, Event::Begins { dequeue: 0.0 }),
            logged(3.25, Event::Ends { failed: true }),
            logged(3.25, Event::Rests),
            logged(4.0, Event::Requeued),
            logged(5.0, Event::Begins { dequeue: 0.0 }),
            logged(6.5, Event::Ends { failed: false }),
            logged(6.5, Event::Departs),
            logged(6.75, joins(1, 0.0)),
        ];
        let was = as_it_was(&script, &log, 10.0);
        assert_eq!((was.orders[0].entered, was.orders[0].held), (1.0, 0.25));
        assert_eq!(was.orders[1].entered, f64::INFINITY);
        let [first, second, third] = was.attempts(0) else {
            panic!("three attempts");
        };
        let of = |attempt: &Attempt| (attempt.stage, attempt.lane, attempt.work);
        assert_eq!((of(first), first.backoff), ((0, 3, 1.25), Some(0.75)));
        assert_eq!(first.fails, Some(true));
        assert_eq!(
            (of(second), second.next),
            ((0, 3, 1.5), Some(Target::Stage(StageId(1))))
        );
        // What had not begun by the end is as it was planned.
        assert_eq!(*third, attempts[2]);
    }
}
