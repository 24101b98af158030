//! Failed attempts, and what comes of them.

use super::agenda::Happening;
use super::messages::{MessageId, State};
use super::serving::{Fate, who};
use super::stage::Doing;
use super::{Full, Observer};
use crate::network::{AfterFailure, Failure, Failures, RetryPlace};
use crate::sim::happened::Part;
use crate::sim::outcome::Outcome;

impl<O: Observer> Full<'_, O> {
    fn failure(&self, stage: usize) -> Option<&Failure> {
        match &self.plan(stage).extras.failures {
            Failures::Never => None,
            Failures::Some(failure) => Some(failure),
        }
    }

    /// Whether a circuit breaker lets no attempt through: then all that a consumer holds fails without
    /// any work. The same notes that an attempt begins.
    pub(super) fn is_shed(&mut self, stage: usize, consumer: u32) -> bool {
        let here = &mut self.stages[stage];
        let Some(circuit) = &mut here.circuit else {
            return false;
        };
        let holds = &here.consumers[consumer as usize].holds;
        // Who was interrupted goes on with an attempt that was let through.
        if self.messages.get(holds[0]).let_through {
            return false;
        }
        if circuit.admits(self.now) {
            for id in holds {
                circuit.began();
                self.messages.get_mut(*id).let_through = true;
            }
            return false;
        }
        for id in holds {
            let message = self.messages.get_mut(*id);
            let lane = &mut self.books.lanes_of(stage)[message.class as usize];
            message.begin(self.now, 0.0, lane);
            message.shed = true;
            let lane = self.books.lane(stage, message.class as usize);
            self.happened.lanes[lane].attempts += 1;
        }
        true
    }

    /// Whether the attempt that has just ended failed.
    pub(super) fn has_failed(&mut self, id: MessageId, stage: usize) -> bool {
        let message = self.messages.get_mut(id);
        let Failures::Some(failure) = &self.network.stages[stage].extras.failures else {
            return false;
        };
        if std::mem::replace(&mut message.shed, false) {
            return true;
        }
        let probability = failure.probability[message.class as usize];
        let here = &mut self.stages[stage];
        let by_chance = probability > 0.0 && here.laws.failing.next() < probability;
        let failed = message.cut_off || by_chance;
        if here.circuit.is_some() {
            message.let_through = false;
            self.tell_circuit(stage, !failed);
        }
        failed
    }

    /// A circuit breaker hears how an attempt ended, and opens or closes.
    fn tell_circuit(&mut self, stage: usize, success: bool) {
        let Some(circuit) = &mut self.stages[stage].circuit else {
            return;
        };
        let probed = circuit.is_half_open();
        circuit.ended(self.now, success);
        let (opens, open) = (
            circuit.open_until(),
            &mut self.happened.staff[stage].breaker_open,
        );
        // Who waits for it looks again when it is half open, and after every probe.
        let resumes = Happening::Resumes {
            stage: stage as u32,
        };
        match opens {
            Some(until) if probed || open.value() == 0.0 => {
                open.set(self.now, 1.0);
                self.agenda.plan(until, resumes);
            }
            None if probed => self.agenda.plan(self.now, resumes),
            _ => {}
        }
    }

    /// What becomes of a message after a failed attempt.
    pub(super) fn failed(&mut self, id: MessageId, stage: usize) -> Fate {
        let message = self.messages.get_mut(id);
        message.failures += 1;
        let failures = message.failures;
        let lane = self.books.lane(stage, message.class as usize);
        self.happened.lanes[lane].failed += 1;
        let (attempts, then) = match self.failure(stage) {
            Some(failure) => (failure.attempts, failure.then),
            None => (1, AfterFailure::DeadLetter),
        };
        match &mut self.stages[stage].laws.backoff {
            Some(backoff) if failures < attempts => Fate::TriedAgain {
                after: backoff.delay(failures),
            },
            _ => Fate::GivenUp(then),
        }
    }

    pub(super) fn retries_in_place(&self, stage: usize) -> bool {
        let failure = self.failure(stage);
        failure.is_some_and(|failure| failure.retry == RetryPlace::InPlace)
    }

    /// A consumer keeps a message whose attempt failed, and tries again later.
    pub(super) fn rest_with(&mut self, stage: usize, consumer: u32, id: MessageId, after: f64) {
        self.messages.get_mut(id).spend(self.now, Part::Retry);
        let state = &mut self.stages[stage].consumers[consumer as usize];
        state.doing = Doing::Rests;
        state.stamp = state.stamp.wrapping_add(1);
        let again = Happening::Begins(who(stage, consumer, state.stamp));
        self.agenda.plan(self.now + after, again);
    }

    /// A message whose attempt failed is set aside, to be tried again.
    pub(super) fn set_aside(&mut self, id: MessageId, after: f64) {
        let message = self.messages.get_mut(id);
        message.state = State::Aside;
        message.spend(self.now, Part::Retry);
        // At once is an event of its own: others may come first at this instant.
        let ticket = self.ticket(id);
        self.agenda.plan(self.now + after, Happening::Comes(ticket));
    }

    /// A message that was set aside comes back to the queue.
    pub(super) fn come_back(&mut self, id: MessageId) {
        let stage = self.messages.get(id).stage as usize;
        let old_place = self
            .failure(stage)
            .is_some_and(|f| f.retry == RetryPlace::OldPlace);
        let place = if old_place {
            self.messages.get(id).place
        } else {
            self.new_place()
        };
        let message = self.messages.get_mut(id);
        message.place = place;
        message.spend(self.now, Part::Waiting);
        self.draw_work(id);
        self.enqueue(id);
        self.dispatch(stage);
    }

    /// A message is not tried again.
    pub(super) fn give_up(&mut self, id: MessageId, then: AfterFailure) {
        let message = self.messages.get(id);
        let lane = self.lane(message.stage as usize, message.class);
        self.leave_stage(id);
        match then {
            AfterFailure::DeadLetter => {
                self.happened.lanes[lane].dead_lettered += 1;
                self.end(id, Outcome::DeadLettered);
            }
            AfterFailure::Cancelled => self.end(id, Outcome::Cancelled),
            AfterFailure::Lost => {
                self.happened.lanes[lane].lost += 1;
                self.end(id, Outcome::Lost);
            }
            AfterFailure::Stage(stage) => self.send(id, stage.0),
        }
    }
}
