//! The rows of the output folder's CSV files.
//!
//! They are what the charts are drawn from, both at the end of a run and later from the folder, so
//! a chart can show nothing that the files do not hold.

use super::live::records::LiveRecords;
use serde::{Deserialize, Serialize};

/// A row of `metrics.csv`: one figure, measured and predicted.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct MetricRow {
    /// `pipeline`, `stage:NAME` or `class:STAGE/CLASS`.
    pub at: String,
    /// Name of the metric.
    pub metric: String,
    /// Unit symbol, see [`crate::metric::Unit::symbol`].
    pub unit: String,
    /// Point estimate; none where there was nothing to measure or no steady state.
    pub mean: Option<f64>,
    /// Lower end of the confidence interval; none without one (a maximum, a single replication).
    pub low: Option<f64>,
    /// Upper end of the confidence interval.
    pub high: Option<f64>,
    /// Predicted value.
    pub theory: Option<f64>,
    /// `exact`, `approximation` or `bound`.
    pub kind: Option<String>,
    /// Measured over predicted, minus 1; the plain difference where the prediction is 0.
    pub difference: Option<f64>,
    /// `agrees`, `differs`, `approximation`, `no_formula`, `no_steady_state`, `not_measured`.
    pub verdict: String,
    /// Name of the stage's model in Kendall's notation; empty for the pipeline.
    pub model: String,
    /// The formula of the prediction, or why there is none.
    pub formula: String,
    /// Source of the formula.
    pub reference: String,
}

/// A row of `timeseries.csv`: averages over one slice of virtual time and all replications.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TimeRow {
    /// End of the slice, seconds since the start.
    pub time: f64,
    /// `pipeline` or `stage:NAME`.
    pub at: String,
    /// `warmup` or `measured`.
    pub phase: String,
    /// Lq over the slice.
    pub queue_length: f64,
    /// L over the slice.
    pub number_in_system: f64,
    /// Arrivals per second within the slice.
    pub arrival_rate: f64,
    /// Departures per second within the slice.
    pub throughput: f64,
    /// Predicted Lq over the slice, where the load varies with time.
    #[serde(default)]
    pub queue_length_theory: Option<f64>,
}

/// A row of `staff.csv`: averages over one slice of virtual time and all replications, at a stage where
/// the number of consumers changes or where consumers or the broker fail.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct StaffRow {
    /// End of the slice, seconds since the start.
    pub time: f64,
    /// `stage:NAME`.
    pub at: String,
    /// `warmup` or `measured`.
    pub phase: String,
    /// Consumers that there are, broken down or not.
    pub consumers: f64,
    /// Of these, those at work.
    pub busy: f64,
    /// Of these, those broken down.
    pub broken_down: f64,
    /// Share of the time for which the broker was down.
    pub broker_down: f64,
}

/// A row of `latency.csv`: one point of a distribution of a time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DistributionRow {
    /// `pipeline` or `stage:NAME`.
    pub at: String,
    /// `latency`, `waiting_time`, `service_time` or `sojourn_time`.
    pub quantity: String,
    /// t, seconds.
    pub time: f64,
    /// Share of orders with a longer time, all replications pooled.
    pub ccdf: f64,
    /// Predicted P(T > t).
    pub theory: Option<f64>,
    /// `exact`, `approximation` or `bound`.
    pub kind: Option<String>,
}

/// A row of `replications.csv`: one replication's own figure, for paired comparisons.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ReplicationRow {
    /// `pipeline`, `stage:NAME` or `class:STAGE/CLASS`.
    pub at: String,
    /// Name of the metric.
    pub metric: String,
    /// Index of the replication, from 0 (of those in which the figure is defined).
    pub replication: u64,
    /// Its figure.
    pub value: f64,
}

/// A limit that a scenario sets to a figure.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LimitRow {
    /// `pipeline`, `stage:NAME` or `class:STAGE/CLASS`.
    pub at: String,
    /// Name of the metric.
    pub metric: String,
    /// The limit, in the metric's unit.
    pub limit: f64,
}

/// All rows of a run, and what is needed to read them: what the charts are drawn from.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RunRecords {
    /// The scenario's name.
    pub scenario: String,
    /// Confidence level of the intervals, in (0, 1).
    pub confidence: f64,
    /// Virtual time left out at the start, seconds.
    pub warmup: f64,
    /// Objectives of the scenario.
    pub limits: Vec<LimitRow>,
    /// The rows of `metrics.csv`.
    pub metrics: Vec<MetricRow>,
    /// The rows of `timeseries.csv`.
    pub timeseries: Vec<TimeRow>,
    /// The rows of `staff.csv`; none where staff is always the same.
    pub staff: Vec<StaffRow>,
    /// The rows of `latency.csv`.
    pub distributions: Vec<DistributionRow>,
    /// What a live run has besides.
    pub live: Option<LiveRecords>,
}
