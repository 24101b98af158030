//! Load that varies with time: rates in straight pieces, consumers in steps.
//!
//! | model | conditions | what | kind |
//! | --- | --- | --- | --- |
//! | [`MtMc`] | exponential service, with a bound or without | averages over a period or a run, and the course of the means | exact |
//! | [`MtGInf`] | unlimited consumers, any service | the same | exact |
//! | [`Pointwise`] | the load below 1 at all times, or a bound | averages: PSA, MOL | approximation |
//! | [`Fluid`] | any service | averages, the backlog, its peak and its end | approximation |

mod chain;
mod course;
mod flight;
mod fluid;
mod mtmc;
mod outlook;
mod periodic;
mod pointwise;
mod profile;
mod totals;
mod uniform;
mod unlimited;

pub(super) use course::common_period;
pub use course::{Course, Stretch};
pub use fluid::Fluid;
pub use mtmc::MtMc;
pub use outlook::{Backlog, Transient};
pub use pointwise::Pointwise;
pub use profile::{DRAINED, Moment, Profile};
pub use unlimited::MtGInf;
