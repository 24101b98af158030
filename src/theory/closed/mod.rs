//! Closed populations: a fixed number of customers whose orders come back after a think time.

mod approximate;
mod bounded;
mod bounds;
mod erlang_mixture;
mod finite_source;
mod flows;
mod grid;
mod markov;
mod product;
mod recognize;
mod shared_source;
mod solution;
mod station;
#[cfg(test)]
mod tests;
mod wide;

pub use approximate::{ApproximateMva, MvaFlow, MvaSource, MvaStation, MvaVisits, ServiceOrder};
pub use bounded::{BoundedFigures, BoundedNetwork, BoundedStation, Room};
pub use bounds::ClosedBounds;
pub use finite_source::FiniteSource;
pub use product::ProductForm;
pub(super) use recognize::CANDIDATES;
pub use shared_source::SharedSource;
pub use station::ProductStation;
