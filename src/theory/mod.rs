//! Queueing formulas.

mod erlang;
mod error;
mod figure;
mod flow;
mod gigc;
mod law;
mod mg1;
mod mm1;
mod mmc;
mod mmck;
mod mminf;
mod numeric;
mod priority;
mod reason;
mod sheet;
#[cfg(test)]
mod testing;
mod traffic;

pub use erlang::{erlang_b, erlang_c};
pub use error::ModelError;
pub use figure::{Curve, Figure, Figures, Kind};
pub use gigc::GiGc;
pub use mg1::{Mg1, Mg1Feedback, ServiceMoments};
pub use mm1::Mm1;
pub use mmc::Mmc;
pub use mmck::Mmck;
pub use mminf::MgInf;
pub use priority::{PriorityClass, priority_waits};
pub use reason::Reason;
