//! How fast the machine and the broker are, before anything depends on it.

use super::brokers::{Broker, BrokerError};
use super::clock::Sleeper;
use super::gauges::Delays;
use super::message::Label;
use super::outlet::{Outlet, Parcel};
use super::run::Shared;
use crate::stats::{Counter, Tally};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Messages sent through each queue.
const PROBES: u64 = 20;
/// Pause between two.
const PAUSE: Duration = Duration::from_millis(5);
/// How long to wait for each.
const AT_MOST: Duration = Duration::from_secs(5);
/// Sleeps, and how long each is.
const SLEEPS: u32 = 100;
const SLEEP: Duration = Duration::from_millis(2);

/// Messages that are no orders, and when they came.
#[derive(Debug, Default)]
pub(super) struct Probes(Mutex<BTreeMap<u64, Instant>>);

impl Probes {
    pub(super) fn arrived(&self, number: u64, at: Instant) {
        let mut arrived = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        arrived.entry(number).or_insert(at);
    }

    fn arrival(&self, number: u64) -> Option<Instant> {
        let arrived = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        arrived.get(&number).copied()
    }
}

/// What was seen before the run.
#[derive(Debug, Clone, Default)]
pub struct Fitness {
    /// By how much sleeps were too long, real seconds.
    pub overshoot: Delays,
    /// From sending a message to an idle consumer of each stage until it had come, real seconds.
    pub handover: Vec<Delays>,
}

/// Sleeps for a while, and sends some messages through every queue.
///
/// # Errors
/// When the broker is lost, or a message does not come.
pub(super) async fn probe<B: Broker>(
    shared: &Shared<B>,
    outlet: &mut Outlet<B>,
    sleeper: &mut Sleeper,
) -> Result<Fitness, BrokerError> {
    let mut late = Vec::new();
    for _ in 0..SLEEPS {
        late.push(sleeper.until(Instant::now() + SLEEP).await.as_secs_f64());
    }
    let mut handover = Vec::new();
    for stage in 0..shared.stages.len() as u64 {
        // A stage without consumers at the start has nobody to hand over to.
        let works = shared.stages[stage as usize].staff[0].1 > 0;
        let probes = if works { PROBES } else { 0 };
        let mut took = Vec::new();
        for probe in 0..probes {
            let number = stage * PROBES + probe;
            took.push(
                through(shared, outlet, stage as u32, number)
                    .await?
                    .as_secs_f64(),
            );
            tokio::time::sleep(PAUSE).await;
        }
        // The first finds everything cold.
        handover.push(delays(took.get(1..).unwrap_or_default()));
    }
    Ok(Fitness {
        overshoot: delays(&late),
        handover,
    })
}

/// Sends a message through a queue.
async fn through<B: Broker>(
    shared: &Shared<B>,
    outlet: &mut Outlet<B>,
    stage: u32,
    number: u64,
) -> Result<Duration, BrokerError> {
    let sent = Instant::now();
    let parcel = Parcel {
        label: Label::probe(number),
        stage,
        delay: None,
    };
    outlet.post(parcel).await?;
    loop {
        if let Some(arrived) = shared.probes.arrival(number) {
            return Ok(arrived.saturating_duration_since(sent));
        }
        if sent.elapsed() > AT_MOST {
            return Err(BrokerError::Failed {
                address: shared.place(),
                action: "deliver a message".to_owned(),
                why: format!("a first one to stage {stage} did not come within {AT_MOST:?}"),
            });
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn delays(seconds: &[f64]) -> Delays {
    let (mut tally, mut counter) = (Tally::default(), Counter::default());
    tally.record_all(seconds);
    counter.record_all(seconds);
    Delays {
        tally,
        histogram: counter.take(),
    }
}
