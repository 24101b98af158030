//! Arrival processes: when a producer sends orders.

use super::{DiscreteDistribution, Distribution};
use std::sync::Arc;

/// When a producer sends orders. Parameters are valid by construction.
#[derive(Debug, Clone, PartialEq)]
pub enum Arrivals {
    /// Independent exponential gaps.
    Poisson {
        /// λ, per second.
        rate: f64,
    },
    /// Evenly spaced.
    Deterministic {
        /// Per second.
        rate: f64,
    },
    /// Independent gaps of any law.
    Renewal {
        /// The law of the gap between two orders.
        gap: Distribution,
    },
    /// A Poisson process whose rate changes with time in a known way.
    Schedule(RateSchedule),
    /// A Poisson process whose rate changes at random: a cyclic chain of states with exponential
    /// stays (two states alternate; more are visited in order).
    Mmpp {
        /// Rate in each state, per second; one may be 0.
        rates: Vec<f64>,
        /// Mean stay in each state, seconds.
        dwell: Vec<f64>,
    },
    /// Several orders at each event of another process.
    Batch {
        /// When batches come.
        process: Box<Arrivals>,
        /// How many orders each brings.
        size: DiscreteDistribution,
    },
    /// Recorded times.
    Trace {
        /// Seconds since the start, sorted, already divided by the replay speed.
        times: Arc<[f64]>,
        /// Width in seconds over which orders with the same recorded time are spread by the
        /// stream (already divided by the speed); 0 leaves them at the same instant.
        resolution: f64,
    },
}

/// A rate as a function of time.
#[derive(Debug, Clone, PartialEq)]
pub struct RateSchedule {
    /// At least one; times increase from 0 and stay below the period.
    pub points: Vec<RatePoint>,
    /// What happens between two points.
    pub shape: RateShape,
    /// When the schedule starts again, in seconds; infinite when it does not.
    pub period: f64,
}

/// A rate at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RatePoint {
    /// Seconds since the start.
    pub at: f64,
    /// Per second, at least 0.
    pub rate: f64,
}

/// What a rate does between two points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateShape {
    /// Holds until the next point.
    Stepped,
    /// Runs straight to the next point (and back to the first at the period; constant after the
    /// last point of a schedule without period).
    Linear,
}
