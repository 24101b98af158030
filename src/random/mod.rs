//! Chance: probability laws, arrival processes and the streams they are drawn from.
//!
//! Every source of chance in a run (a producer's arrivals, a stage's service, its routing) has a
//! stream of its own, derived from the master seed, the replication and the source's name. Changing
//! one stage therefore leaves the draws of all others alone, and nothing depends on threads.
//!
//! Values are drawn in blocks, the common laws in vector instructions (their formulas stand in
//! `kernels`): an exponential time costs 1.3 ns. From the words of the generator to the value of the
//! law there are only operations that IEEE 754 rounds in one way, so that a seed gives the same bits
//! on every processor. `cargo bench --bench random` shows what each law costs.

mod arrival_stream;
mod arrivals;
mod choice;
mod counts;
mod discrete;
mod distribution;
mod elementary;
mod error;
mod kernels;
mod lanes;
mod sampler;
mod schedule;
mod stream;
mod variates;

pub use arrival_stream::ArrivalStream;
pub use arrivals::Arrivals;
pub(crate) use choice::Choice;
pub(crate) use counts::Counts;
pub use discrete::DiscreteDistribution;
pub use distribution::Distribution;
pub(crate) use distribution::Pieces;
pub use error::ParameterError;
pub use schedule::{CumulativeRate, RatePoint, RateSchedule, RateShape};
pub use stream::Stream;
pub use variates::{Uniforms, Variates};

#[cfg(test)]
mod tests;
