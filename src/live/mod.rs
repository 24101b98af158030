//! The same scenario in real time, through a real broker.

pub mod brokers;
mod clock;

pub use clock::{Clock, Sleeper};
