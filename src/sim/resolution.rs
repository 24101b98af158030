//! What limits a figure besides chance: rounding, the orders at the edges of the measured time, and
//! how often the thing happened that it rests on.

use super::measure::Events;
use crate::metric::{Metric, Statistic, TimeKind, Unit};
use crate::stats::Histogram;

/// What all replications of a place have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    /// Seconds measured in a replication.
    pub measured: f64,
    /// Orders that came in a replication.
    pub orders: f64,
    /// Orders that the producers send at once, each its own.
    pub together: f64,
    /// Mean number in system.
    pub number: f64,
    /// Whether that number keeps growing.
    pub growing: bool,
}

impl Extent {
    /// The share of a replication's orders that its two edges cut: one order (or batch) of each producer
    /// that does or does not come in time, and those in the system. The edges are the same in every replication of a system
    /// without chance, so that averaging does not make them smaller.
    fn edge(&self) -> f64 {
        (self.together + self.number) / self.orders.max(1.0)
    }

    /// Rounding of a clock that has counted up to the end of the run.
    fn clock(&self) -> f64 {
        8.0 * f64::EPSILON * self.measured
    }
}

/// How far a figure can be off for other reasons than chance.
pub(super) fn resolution(metric: Metric, point: f64, extent: &Extent) -> f64 {
    let (edge, clock, size) = (extent.edge(), extent.clock(), point.abs());
    match metric {
        Metric::Time(_, Statistic::Variance) => 1e-9 * size + clock * (clock + size.sqrt()),
        _ if metric.unit() == Unit::Seconds => 1e-9 * size + clock,
        _ if is_share_of_a_count(metric) => 1e-9,
        Metric::LittleResidual | Metric::LittleResidualQueue => edge,
        // A run that begins empty ends with the usual number, which is no growth; one that grows has
        // no usual number.
        Metric::BacklogGrowth if extent.growing => 1.0 / extent.measured,
        Metric::BacklogGrowth => (1.0 + extent.number) / extent.measured,
        _ => edge * size,
    }
}

/// Whether the figure is a number of happenings over another, which no edge cuts.
fn is_share_of_a_count(metric: Metric) -> bool {
    matches!(
        metric,
        Metric::CompletionProbability
            | Metric::WaitProbability
            | Metric::LossProbability
            | Metric::AbandonProbability
            | Metric::ExpiryProbability
            | Metric::DeadLetterRate
            | Metric::MessageLossRate
            | Metric::FailureProbability
            | Metric::RedeliveryRate
            | Metric::DuplicateRate
            | Metric::FillRate
            | Metric::LostSaleProbability
            | Metric::BackorderProbability
            | Metric::ReservationExpiryRate
    )
}

/// How many observations a figure rests on, over all replications.
pub(super) fn events(metric: Metric, events: &Events, times: Option<&Histogram>) -> f64 {
    let seen = times.map_or(0, Histogram::total) as f64;
    match metric {
        _ if events.of.contains_key(&metric) => events.of[&metric] as f64,
        Metric::WaitProbability
        | Metric::QueueLength
        | Metric::QueueingTime
        | Metric::QueueFill
        | Metric::LittleResidualQueue
        | Metric::Time(TimeKind::Waiting, Statistic::Mean | Statistic::Variance) => {
            events.waited as f64
        }
        Metric::Time(_, statistic) => {
            // A median rests on either half; a high quantile on what lies beyond it.
            statistic.probability().map_or(seen, |p| seen * (1.0 - p))
        }
        _ => events.offered as f64,
    }
}
