//! Chance: probability laws, arrival processes and the streams they are drawn from.
//!
//! Every source of chance in a run (a producer's arrivals, a stage's service, its routing) has a
//! stream of its own, derived from the master seed, the replication and the source's name. Changing
//! one stage therefore leaves the draws of all others alone, and nothing depends on threads.

mod arrivals;
mod discrete;
mod distribution;
mod error;
mod schedule;

pub use arrivals::Arrivals;
pub use discrete::DiscreteDistribution;
pub use distribution::Distribution;
pub use error::ParameterError;
pub use schedule::{CumulativeRate, RatePoint, RateSchedule, RateShape};
