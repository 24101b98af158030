//! Failed attempts, and what comes of them.

use super::agenda::Happening;
use super::messages::{MessageId, State};
use super::serving::{Fate, who};
use super::stage::Doing;
use super::{Full, Observer};
use crate::network::{AfterFailure, Breaker, Failure, Failures, RetryPlace, WhileOpen};
use crate::sim::engine::Moment;
use crate::sim::happened::Part;
use crate::sim::logged::Event;
use crate::sim::outcome::Outcome;

/// What a circuit breaker says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LetThrough {
    /// Go on.
    Yes,
    /// It fails at once.
    Fails,
    /// It waits.
    Waits,
}

impl<O: Observer> Full<'_, O> {
    fn failure(&self, stage: usize) -> Option<&Failure> {
        match &self.plan(stage).extras.failures {
            Failures::Never => None,
            Failures::Some(failure) => Some(failure),
        }
    }

    /// Whether a circuit breaker lets an attempt at what a consumer holds through. If it makes them fail,
    /// that they begin is noted here.
    pub(super) fn ask_circuit(&mut self, stage: usize, consumer: u32) -> LetThrough {
        let holds = std::mem::take(&mut self.stages[stage].consumers[consumer as usize].holds);
        // All that is served at once is one attempt at it.
        let through = holds
            .first()
            .is_none_or(|first| self.passes_circuit(*first, stage));
        let mut answer = LetThrough::Yes;
        if !through && self.pauses(stage) {
            answer = LetThrough::Waits;
        } else if !through {
            answer = LetThrough::Fails;
            holds.iter().for_each(|id| self.shed(*id, stage));
        }
        self.stages[stage].consumers[consumer as usize].holds = holds;
        answer
    }

    /// Whether a circuit breaker, if there is one, lets an attempt through, which it then counts. Who was
    /// interrupted goes on with an attempt that was let through.
    pub(super) fn passes_circuit(&mut self, id: MessageId, stage: usize) -> bool {
        let message = self.messages.get_mut(id);
        let Some(circuit) = self.stages[stage].circuit.as_mut() else {
            return true;
        };
        if !message.let_through && circuit.admits(self.now) {
            circuit.began();
            message.let_through = true;
        }
        message.let_through
    }

    /// Whether messages wait while the circuit breaker is open, rather than fail.
    pub(super) fn pauses(&self, stage: usize) -> bool {
        let breaker = self.failure(stage).map(|failure| failure.breaker);
        let Some(Breaker::Circuit(circuit)) = breaker else {
            return false;
        };
        circuit.while_open == WhileOpen::Pause
    }

    /// An attempt begins that will fail without any work.
    fn shed(&mut self, id: MessageId, stage: usize) {
        let message = self.messages.get_mut(id);
        let lane = &mut self.books.lanes_of(stage)[message.class as usize];
        message.begin(self.now, 0.0, lane);
        message.shed = true;
        let lane = self.books.lane(stage, message.class as usize);
        self.happened.lanes[lane].attempts += 1;
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
        let mut failed = message.cut_off || by_chance;
        if O::FOLLOWS && message.is_order() {
            let fails = Moment::Fails {
                failed: &mut failed,
            };
            self.observer.follow(message.number, fails);
        }
        if std::mem::take(&mut message.let_through) {
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
            // Attempts from before may still end when it is about to be half open.
            Some(until) if until > self.now && (probed || open.value() == 0.0) => {
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
        let order = message.is_order().then_some(message.number);
        let lane = self.books.lane(stage, message.class as usize);
        self.happened.lanes[lane].failed += 1;
        let (attempts, then) = match self.failure(stage) {
            Some(failure) => (failure.attempts, failure.then),
            None => (1, AfterFailure::DeadLetter),
        };
        match &mut self.stages[stage].laws.backoff {
            Some(backoff) if failures < attempts => {
                let mut after = backoff.delay(failures);
                if let (true, Some(order)) = (O::FOLLOWS, order) {
                    let retries = Moment::Retries { after: &mut after };
                    self.observer.follow(order, retries);
                }
                Fate::TriedAgain { after }
            }
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
        self.tell(id, Event::Rests);
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
        self.tell(id, Event::Rests);
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
        self.tell(id, Event::Requeued);
        self.draw_work(id);
        if self.stages[stage].sharing.is_some() {
            return self.join_sharing(id, stage);
        }
        self.enqueue(id);
        self.dispatch(stage);
    }

    /// A message is not tried again.
    pub(super) fn give_up(&mut self, id: MessageId, then: AfterFailure) {
        let message = self.messages.get(id);
        let lane = self.lane(message.stage as usize, message.class);
        self.discard(id);
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
