//! What is due at an attempt: as the script says; and where the script is silent, since the simulated twin
//! never came so far, by chance.

use crate::network::{Failures, Network, Target};
use crate::random::{Stream, Uniforms};
use crate::sim::{Attempt, Backoffs, Chance, Script};
use std::sync::{Mutex, PoisonError};

/// Where the tasks of a run learn what is due.
#[derive(Debug)]
pub(super) struct Due {
    /// By stage.
    beyond: Vec<Mutex<Beyond>>,
}

/// Chance at a stage, by streams that no simulation uses.
#[derive(Debug)]
struct Beyond {
    chance: Chance,
    failing: Uniforms,
    probability: Vec<f64>,
    backoffs: Option<Backoffs>,
}

/// What becomes of an attempt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Work {
    /// Scenario seconds, not beyond a time-out.
    pub seconds: f64,
    /// Whether it fails.
    pub fails: bool,
}

impl Due {
    pub(super) fn new(network: &Network) -> Due {
        let beyond = network.stages.iter().map(|stage| {
            let source = format!("stage.{}.live", stage.name);
            let stream = |what: &str| Stream::new(network.seed, 0, &format!("{source}.{what}"));
            let failure = match &stage.extras.failures {
                Failures::Never => None,
                Failures::Some(failure) => Some(failure),
            };
            Mutex::new(Beyond {
                chance: Chance::named(network, stage, 0, &source),
                failing: Uniforms::new(stream("failing")),
                probability: failure.map_or_else(Vec::new, |f| f.probability.clone()),
                backoffs: failure.map(|f| Backoffs::new(f, stream("backoff"))),
            })
        });
        Due {
            beyond: beyond.collect(),
        }
    }

    fn beyond(&self, stage: u32) -> std::sync::MutexGuard<'_, Beyond> {
        let beyond = &self.beyond[stage as usize];
        beyond.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The work of an attempt at a stage that gives up after `timeout`.
    pub(super) fn work(
        &self,
        script: &Script,
        (order, attempt, stage): (u64, u32, u32),
        timeout: f64,
    ) -> Work {
        let scripted = scripted(script, order, attempt, stage);
        let class = script.orders[order as usize].class;
        let drawn = match scripted {
            Some(attempt) => attempt.work,
            None => self.beyond(stage).chance.draw_service(class),
        };
        let fails = scripted.and_then(|attempt| attempt.fails);
        let fails = fails.unwrap_or_else(|| self.beyond(stage).fails(class));
        Work {
            seconds: drawn.min(timeout),
            fails: fails || drawn > timeout,
        }
    }

    /// Scenario seconds until the next attempt, after the n-th failure at the stage.
    pub(super) fn backoff(
        &self,
        script: &Script,
        (order, attempt, stage): (u64, u32, u32),
        failures: u32,
    ) -> f64 {
        let scripted = scripted(script, order, attempt, stage).and_then(|attempt| attempt.backoff);
        scripted.unwrap_or_else(|| {
            let mut beyond = self.beyond(stage);
            beyond
                .backoffs
                .as_mut()
                .map_or(0.0, |law| law.delay(failures))
        })
    }

    /// Where the order goes next.
    pub(super) fn next(&self, script: &Script, (order, attempt, stage): (u64, u32, u32)) -> Target {
        let scripted = scripted(script, order, attempt, stage).and_then(|attempt| attempt.next);
        scripted.unwrap_or_else(|| {
            let class = script.orders[order as usize].class;
            self.beyond(stage).chance.draw_route(class)
        })
    }

    /// The lane of an order at a stage.
    pub(super) fn lane(&self, script: &Script, (order, attempt, stage): (u64, u32, u32)) -> u32 {
        scripted(script, order, attempt, stage).map_or(order as u32, |attempt| attempt.lane)
    }
}

impl Beyond {
    fn fails(&mut self, class: u32) -> bool {
        let probability = self.probability.get(class as usize).copied();
        probability.is_some_and(|p| p > 0.0 && self.failing.next() < p)
    }
}

/// What the script says of an attempt, if it says anything, and of that stage.
fn scripted(script: &Script, order: u64, attempt: u32, stage: u32) -> Option<&Attempt> {
    let attempt = script.attempts(order).get(attempt as usize)?;
    (attempt.stage == stage).then_some(attempt)
}
