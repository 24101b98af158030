//! Queueing formulas: one small file a model, a recognizer that picks the most specific for each
//! stage, and the networks they form.
//!
//! Nothing here is simulated. A [`Figure`] says of itself whether it is exact, an approximation or
//! a bound, by which formula and after whom; what has no formula is left out, with the assumption
//! that is violated ([`Reason`]).
//!
//! [`analyze`] goes through these steps: models of the whole network, where one fits; else the traffic
//! equations (how much comes to every stage), the laws of flow (by which law it comes), the recognizer
//! (which model fits), and the pipeline (what the stages add up to).
//!
//! All models, with their conditions, sources and tests: [`catalogue`].

mod balking;
mod base_stock;
mod batch;
mod blocking;
mod breakdown_busy;
mod breakdowns;
mod bulk;
mod bulk_queue;
mod carried;
mod clockwork;
mod closed;
mod counting;
mod departures;
mod entries;
mod erlang;
mod erlang_a;
mod error;
mod figure;
mod flow;
mod fork_join;
mod ggck;
mod gigc;
mod gigc_rules;
mod gigc_wait;
mod gimc;
mod image;
mod inversion;
mod join;
mod lattice;
mod law;
mod levels;
mod lines;
mod map_ph_c;
mod map_ph_c_k;
mod matrix;
mod mdc;
mod mg1;
mod mg1k;
mod mm1;
mod mmc;
mod mmc_retrial;
mod mmck;
mod mmck_wait;
mod mminf;
mod mxmc;
mod network;
mod numeric;
mod overtake_free;
mod overtaken;
mod panels;
mod patience;
mod pipeline;
mod pollaczek;
mod priority;
mod quadrature;
mod random_order;
mod reason;
mod recognize;
mod reduction;
mod regime;
mod retrial;
mod route;
mod season;
mod served;
mod sharing;
mod sheet;
mod shortest;
mod sizes;
mod stage;
mod support;
mod tail_grid;
mod tails;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod traffic;
mod transform;
mod transient;
mod turn;
mod two_levels;
mod vacation;
mod variability;

#[doc = include_str!("models.md")]
pub mod catalogue {}

pub use balking::MmcBalking;
pub use base_stock::BaseStock;
pub use batch::MxG1;
pub use blocking::{BlockedLine, BlockingLine, LineStage};
pub use breakdown_busy::{Mg1Breakdowns, restarted, resumed};
pub use breakdowns::{BreakdownRates, MmcBreakdowns};
pub use bulk::BulkService;
pub use bulk_queue::BulkQueue;
pub use closed::{
    ApproximateMva, BoundedFigures, BoundedNetwork, BoundedStation, ClosedBounds, FiniteSource,
    MvaFlow, MvaSource, MvaStation, MvaVisits, ProductForm, ProductStation, Room, ServiceOrder,
    SharedSource,
};
pub use erlang::{erlang_b, erlang_c};
pub use erlang_a::ErlangA;
pub use error::ModelError;
pub use figure::{Curve, Figure, Figures, Kind};
pub use fork_join::ForkJoin;
pub use ggck::GGcK;
pub use gigc::GiGc;
pub use gimc::GiMc;
pub use levels::{Interruption, Mg1Priority, MmcPriority, PriorityStream, PriorityTimes};
pub use map_ph_c::MapPhC;
pub use map_ph_c_k::MapPhCK;
pub use matrix::{MarkovianArrivals, PhaseType, SomeWaits};
pub use mdc::Mdc;
pub use mg1::{Mg1, Mg1Feedback, ServiceMoments};
pub use mg1k::Mg1k;
pub use mm1::Mm1;
pub use mmc::Mmc;
pub use mmc_retrial::MmcRetrial;
pub use mmck::Mmck;
pub use mminf::MgInf;
pub use mxmc::MxMc;
pub use network::{NetworkTheory, analyze, models};
pub use patience::MmcG;
pub use pipeline::PipelineTheory;
pub use priority::{PriorityClass, priority_waits};
pub use random_order::RandomOrder;
pub use reason::Reason;
pub use recognize::{Alternative, Model};
pub use retrial::Mg1Retrial;
pub use sharing::ProcessorSharing;
pub use shortest::{Shortest, ShortestBy, ShortestTimes};
pub use stage::StageTheory;
pub use transient::{
    Backlog, Course, DRAINED, Fluid, Moment, MtGInf, MtMc, Pointwise, Profile, Stretch, Transient,
};
pub use turn::Turn;
pub use two_levels::TwoLevels;
pub use vacation::{Absence, Mg1Absent};
