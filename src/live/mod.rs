//! The same scenario in real time, through a real broker.

pub mod brokers;
mod chance;
mod clock;
mod gauges;
mod journal;
mod ledger;
mod message;
mod plan;

pub use clock::{Clock, Sleeper};
pub use gauges::{Delay, Delays};
pub use plan::{Refusal, name_of};
