//! Queueing formulas: one small file a model, a recognizer that picks the most specific for each
//! stage, and the networks they form.
//!
//! Nothing here is simulated. A [`Figure`] says of itself whether it is exact, an approximation or
//! a bound, by which formula and after whom; what has no formula is left out, with the assumption
//! that is violated ([`Reason`]).
//!
//! [`analyze`] goes through these steps: the traffic equations (how much comes to every stage), the
//! laws of flow (by which law it comes), the recognizer (which model fits), and the pipeline (what
//! the stages add up to).
//!
//! | model | conditions | figures | kind |
//! | --- | --- | --- | --- |
//! | [`Mm1`] | Poisson or product form, exponential, 1 consumer | all, with quantiles under FIFO | exact |
//! | [`Mmc`] | the same, c consumers | all, with quantiles under FIFO | exact |
//! | [`MgInf`] | unlimited consumers | all | exact |
//! | [`Mmck`] | Poisson, exponential, bounded queue | all, with quantiles of the wait under FIFO | exact; in place of other laws an approximation |
//! | [`Mmck`] with K = c | Poisson, any service, no queue | all | exact |
//! | [`Mg1`] | Poisson, any service, 1 consumer | means and variances | exact |
//! | [`Mg1Feedback`] | the same, orders that come straight back | means | exact |
//! | [`priority_waits`] | priorities without preemption | means by class | exact for 1 consumer or one exponential law, Poisson |
//! | [`GiMc`] | one renewal producer whose gaps have a closed transform, exponential | all, with quantiles under FIFO | exact |
//! | [`MapPhC`] | Markovian arrivals (Poisson, phase-type gaps, modulated, together), phase-type service | all, with quantiles under FIFO | exact |
//! | D/D/c | one producer of even gaps, service always the same, ρ ≤ 1 | all | exact |
//! | [`GiGc`] | stationary arrivals, any service | means | approximation |

mod clockwork;
mod erlang;
mod error;
mod figure;
mod flow;
mod gigc;
mod gimc;
mod lattice;
mod law;
mod map_ph_c;
mod matrix;
mod mg1;
mod mm1;
mod mmc;
mod mmck;
mod mminf;
mod network;
mod numeric;
mod pipeline;
mod priority;
mod reason;
mod recognize;
mod regime;
mod route;
mod sheet;
mod stage;
mod tails;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod traffic;
mod transform;
mod turn;
mod variability;

pub use erlang::{erlang_b, erlang_c};
pub use error::ModelError;
pub use figure::{Curve, Figure, Figures, Kind};
pub use gigc::GiGc;
pub use gimc::GiMc;
pub use map_ph_c::MapPhC;
pub use matrix::{MarkovianArrivals, PhaseType};
pub use mg1::{Mg1, Mg1Feedback, ServiceMoments};
pub use mm1::Mm1;
pub use mmc::Mmc;
pub use mmck::Mmck;
pub use mminf::MgInf;
pub use network::{NetworkTheory, analyze, models};
pub use pipeline::PipelineTheory;
pub use priority::{PriorityClass, priority_waits};
pub use reason::Reason;
pub use recognize::{Alternative, Model};
pub use stage::StageTheory;
pub use turn::Turn;
