//! The same scenario in real time, through a real broker.
//!
//! A live run plays a [script](crate::sim::Script): arrivals, work, failures and routes that the
//! simulation has drawn, so that every live order has a simulated twin. Producers send each order at its
//! time whatever has become of those before; consumers take a message, work for as long as the script says,
//! send the order on, and acknowledge.
//!
//! | file | what it holds |
//! | --- | --- |
//! | [`brokers`] | the trait that adapters implement, and the adapters |
//! | `clock` | the one clock, and sleeping that is fine to hundredths of a millisecond |
//! | `plan`, `room` | what is to be done at each stage, and what cannot be; whether the machine has room for it |
//! | `chance` | what is due at an attempt |
//! | `message` | what a message carries |
//! | `ledger`, `journal` | where every order is, and what happened, written down |
//! | `source`, `member`, `keeper` | producers; consumers; who keeps orders between two attempts |
//! | `outlet`, `patience` | sending that survives the loss of a connection; connecting again |
//! | `staff`, `gauges`, `probe` | numbers of consumers; delays of the machine and the broker |
//! | `as_it_was` | the script of what really happened, for the second twin |
//! | `calibrate` | the measured costs, written into the scenario |
//! | `systems` | the systems that there are clients for |
//! | `run`, `control`, `outcome` | the course of a run; watching and stopping it; what it hands over |
//!
//! What is measured is told by the journal alone: [`crate::sim`] reads it into the same books as a
//! simulation.

mod as_it_was;
pub mod brokers;
mod calibrate;
mod chance;
mod clock;
mod control;
mod gauges;
mod journal;
mod keeper;
mod ledger;
mod member;
mod message;
mod outcome;
mod outlet;
mod patience;
mod plan;
mod probe;
mod room;
mod run;
mod source;
mod staff;
mod systems;

pub use as_it_was::as_it_was;
pub use calibrate::{
    CalibrateError, Cost, MeasuredCosts, has_measured_costs, measured_costs, with_costs,
};
pub use clock::{Clock, Sleeper};
pub use control::{LiveControl, Progress};
pub use gauges::{Delay, Delays};
pub use outcome::{DelaysOfStage, DepthPoint, Ended, LiveError, LiveRun};
pub use plan::{Refusal, name_of};
pub use probe::Fitness;
pub use run::{Request, run};
pub use staff::Outages;
pub use systems::{SYSTEMS, address_of, feature, possible, run_on};
