//! The rows of a live run's own CSV files.

use serde::{Deserialize, Serialize};

/// A row of `live.csv`: one figure of the live run and of its twins.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LiveRow {
    /// `pipeline`, `stage:NAME` or `class:STAGE/CLASS`.
    pub at: String,
    /// Name of the metric.
    pub metric: String,
    /// Unit symbol.
    pub unit: String,
    /// Measured live; none where there was nothing to measure or no steady state.
    pub live: Option<f64>,
    /// Measured of the twin.
    pub twin: Option<f64>,
    /// Measured of the twin as it was.
    pub replayed: Option<f64>,
    /// Lower end of the interval about the live figure, as wide as single runs of this length vary.
    pub low: Option<f64>,
    /// Upper end of it.
    pub high: Option<f64>,
    /// Predicted value.
    pub theory: Option<f64>,
    /// `exact`, `approximation` or `bound`.
    pub kind: Option<String>,
    /// Live over twin, minus 1; the plain difference where the twin's figure is 0.
    pub difference_twin: Option<f64>,
    /// Live over twin as it was, minus 1; the plain difference where that is 0.
    pub difference_replayed: Option<f64>,
    /// The judgement on the live figure beside the predicted one.
    pub verdict: String,
}

/// A row of `live_latency.csv`: one point of a distribution of a time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LiveDistributionRow {
    /// `pipeline` or `stage:NAME`.
    pub at: String,
    /// `latency`, `waiting_time`, `service_time` or `sojourn_time`.
    pub quantity: String,
    /// t, seconds.
    pub time: f64,
    /// Share of live orders with a longer time.
    pub live: f64,
    /// The same of the twin.
    pub twin: Option<f64>,
    /// The same of the twin as it was.
    pub replayed: Option<f64>,
    /// Predicted P(T > t).
    pub theory: Option<f64>,
    /// `exact`, `approximation` or `bound`.
    pub kind: Option<String>,
}

/// A row of `differences.csv`: by how much orders were done later than their twins, seconds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DifferenceRow {
    /// `mean` or `quantile`.
    pub statistic: String,
    /// Probability of the quantile.
    pub p: Option<f64>,
    /// Later than the twin.
    pub twin: Option<f64>,
    /// Later than the twin as it was.
    pub replayed: Option<f64>,
}

/// A row of `delays.csv`: what the process measured of itself and of the broker, real seconds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DelayRow {
    /// `stage:NAME`; empty for what concerns none.
    pub stage: String,
    /// `before` the run, when nothing was to be done, or `run`.
    pub phase: String,
    /// `lateness`, `overshoot`, `confirm`, `idle_handover`, `busy_handover` or `settle`.
    pub kind: String,
    /// How many.
    pub count: u64,
    /// Mean.
    pub mean: f64,
    /// Standard deviation.
    pub deviation: f64,
    /// Median.
    pub p50: f64,
    /// 90th percentile.
    pub p90: f64,
    /// 99th percentile.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

/// A row of `depths.csv`: a look at a queue.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DepthRow {
    /// Scenario seconds.
    pub time: f64,
    /// `stage:NAME`.
    pub at: String,
    /// Messages that the broker says are waiting; none where it does not tell.
    pub broker: Option<u64>,
    /// Orders that were sent there and are with no consumer.
    pub sent: u64,
    /// Orders that wait at the twin, averaged over the slice of time that this falls into.
    pub twin: Option<f64>,
}

/// All rows of a live run that a simulated one does not have.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LiveRecords {
    /// What it went through, with its version.
    pub system: String,
    /// The rows of `live.csv`.
    pub figures: Vec<LiveRow>,
    /// The rows of `live_latency.csv`.
    pub distributions: Vec<LiveDistributionRow>,
    /// The rows of `differences.csv`.
    pub differences: Vec<DifferenceRow>,
    /// The rows of `delays.csv`.
    pub delays: Vec<DelayRow>,
    /// The rows of `depths.csv`.
    pub depths: Vec<DepthRow>,
}
