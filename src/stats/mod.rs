//! Estimators: what turns a stream of observations into figures with intervals.
//!
//! Two kinds of average are two types, so that they cannot be mixed up by accident: a [`Tally`]
//! averages over observations (a waiting time per order), an [`Occupancy`] over time (a queue
//! length per second). All of them use constant memory, however many orders pass.

mod counter;
mod estimate;
mod histogram;
mod level;
mod mean;
mod occupancy;
mod tally;
mod trend;
mod warmup;

pub use counter::Counter;
pub use estimate::{
    Estimate, Interval, half_width, paired_difference, student_t, welch_difference,
};
pub use histogram::Histogram;
pub use level::Level;
pub use mean::Mean;
pub use occupancy::{Flow, Occupancy, Passage};
pub use tally::Tally;
pub use trend::{slope, trend_without_interval};
pub use warmup::{Truncation, mser5};
