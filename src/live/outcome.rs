//! What a live run hands over.

use super::brokers::BrokerError;
use super::gauges::Delays;
use super::plan::Refusal;
use super::probe::Fitness;
use super::staff::Outages;
use crate::network::System;
use crate::sim::{Logged, StaffLogged};
use std::io;

/// A live run, as it was.
#[derive(Debug)]
pub struct LiveRun {
    /// The system that it went through.
    pub system: System,
    /// What that calls itself.
    pub version: String,
    /// Where it is, without who asks; none of what has no address.
    pub address: Option<String>,
    /// Real seconds for each scenario second.
    pub scale: f64,
    /// When it ended, scenario seconds: producers stopped, and figures are taken until then.
    pub end: f64,
    /// Everything that happened to orders, sorted by time; also after the end, while it waited for what was
    /// under way.
    pub log: Vec<Logged>,
    /// Every change of the consumers and the broker.
    pub staff: Vec<StaffLogged>,
    /// What the process measured of itself and the broker before the run.
    pub fitness: Fitness,
    /// The same during the run, by stage.
    pub delays: Vec<DelaysOfStage>,
    /// How many messages waited in each queue, from time to time.
    pub depths: Vec<DepthPoint>,
    /// Orders that were put aside in each queue, as the broker tells; none where it does not.
    pub dead_letters: Vec<Option<u64>>,
    /// Orders that were sent, with nobody, and no broker had any more.
    pub missing: u64,
    /// Orders that were still under way when waiting for them ended.
    pub left: u64,
    /// When the connection to the broker was lost.
    pub outages: Outages,
    /// How it ended.
    pub ended: Ended,
    /// What could not be taken away from the broker afterwards, if so.
    pub left_behind: Option<BrokerError>,
}

/// The delays measured at a stage, by kind, in the order of [`super::Delay::ALL`].
#[derive(Debug, Clone)]
pub struct DelaysOfStage(pub Vec<Delays>);

impl DelaysOfStage {
    /// Those of one kind.
    pub fn of(&self, kind: super::Delay) -> &Delays {
        &self.0[kind as usize]
    }
}

/// A look at a queue.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DepthPoint {
    /// Scenario seconds.
    pub time: f64,
    /// Index of the stage.
    pub stage: u32,
    /// Messages that the broker says are waiting; none where it does not tell.
    pub broker: Option<u64>,
    /// Orders that were sent there and are with no consumer.
    pub sent: u64,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// As planned.
    Whole,
    /// Somebody stopped it.
    Stopped,
    /// The broker was lost, and did not come back.
    BrokerLost(BrokerError),
}

/// Why there was no live run.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The scenario asks for what cannot be done.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Refused(Vec<Refusal>),
    /// This build has no client for the system.
    #[error(
        "this build has no client for {}: build it with `--features {}` (or `all-brokers`), as in \
         `cargo run --release --features {} -- live FILE`",
        super::name_of(*.0), super::feature(*.0), super::feature(*.0)
    )]
    NoClient(System),
    /// The broker could not be reached, or refused.
    #[error("{0}")]
    Broker(#[from] BrokerError),
    /// The system gave no timer, no temporary file or no thread.
    #[error("cannot prepare the run: {0}")]
    System(#[from] io::Error),
    /// Stopped before it had begun.
    #[error("stopped before the run had begun")]
    Stopped,
    /// It ended within the warm-up, or before an order got through a stage after that.
    #[error(
        "{}; no order had got through a stage after the warm-up, so nothing was measured",
        ended_by(.0)
    )]
    NothingMeasured(Ended),
    /// Something that cannot happen did. A defect of this program.
    #[error("{0}; please report this as a bug")]
    Defect(String),
}

fn ended_by(ended: &Ended) -> String {
    match ended {
        Ended::BrokerLost(error) => error.to_string(),
        Ended::Stopped | Ended::Whole => "the run was stopped".to_owned(),
    }
}
