//! Orders in virtual time, replication by replication, by two engines that tell the same story.
//!
//! The event engine does everything; it is two, a lean one for queues of the textbook and one for all that a
//! stage can do beyond (`full`), which give a plain pipeline the same orders. The recursion engine ([`EngineKind::Recursion`]) does stages that serve first in,
//! first out, without bounds and ways back, several times faster; both give every order the same times
//! to the last bit, and it is chosen by itself where it applies. What they cost: [`speed`].
//!
//! | file | what it holds |
//! | --- | --- |
//! | `pending` | pending events, earliest first |
//! | `orders` | the orders under way, in an arena |
//! | `queue` | who waits at a stage, by discipline |
//! | `chance` | what is left to chance at a stage: service times and routes |
//! | `stage` | a stage's consumers and queue |
//! | `begin` | when a service begins and ends, the one rule of both engines |
//! | `order_of_stages` | which stage goes first at one instant |
//! | `earliest` | the earliest of a fixed number of times |
//! | `sources` | the producers' next orders |
//! | `engine` | the event engine: the loop that lets events happen, and what each does |
//! | `full` | the event engine for brokers, failures, staffing, stock and all the rest |
//! | `recursion` | the recursion engine: stage after stage, without a calendar |
//! | `books`, `lane` | what is measured of one class at one stage, and of the pipeline |
//! | `timeline` | averages over slices of virtual time |
//! | `replication` | one run from an empty pipeline to its end |
//! | `means` | which engine simulates |
//! | `plan` | the warm-up, found by pilot runs |
//! | `happened` | what only an engine for everything counts |
//! | `measure`, `beyond` | from what one replication counted to its figures |
//! | `fold`, `place_fold` | replications put together, with intervals |
//! | `one_run` | what one run may measure by chance alone |
//! | `resolution` | what limits a figure besides chance |
//! | `script` | what chance says to every order, written down |
//! | `twin` | the run that a script is from, scripts played again, and logs measured |
//! | `logged` | a run in real time, event by event, measured by the same books |
//! | `simulate` | replications in parallel, folded in order |
//! | `outcome` | what a simulation hands over |
//! | `control` | stopping from outside, and progress |
//!
//! The engines know no files, charts or clocks. A replication is determined by (network, seed,
//! replication): threads only decide when it is computed.

mod begin;
mod beyond;
mod books;
mod chance;
mod control;
mod earliest;
mod engine;
mod fold;
mod full;
mod happened;
mod lane;
mod logged;
mod means;
mod measure;
mod one_run;
mod order_of_stages;
mod orders;
mod outcome;
pub mod pending;
mod place_fold;
mod plan;
mod queue;
mod recursion;
mod replication;
mod resolution;
mod script;
mod simulate;
mod sources;
mod stage;
mod timeline;
mod twin;

#[doc = include_str!("speed.md")]
pub mod speed {}

pub(crate) use chance::Chance;
pub use control::Control;
pub use engine::{LatencyParts, Moment, Observer, OrderRecord};
pub(crate) use full::backoff::Backoffs;
pub use logged::{Event, Logged, StaffLogged};
pub use means::{EngineChoice, EngineKind};
pub use measure::Growth;
pub use one_run::{OneRun, one_run};
pub use outcome::{
    Imprecision, MessageAccounts, Outcome, Outcomes, PlaceResult, SimError, SimResult,
};
pub use plan::{Start, StartRule, live_warmup};
pub use recursion::Obstacle;
pub use replication::{Silent, trace_by_recursion, trace_in_full, trace_replication};
pub use script::{Attempt, Script, ScriptedOrder};
pub use simulate::{SimOptions, simulate};
pub use timeline::{Slice, StaffSlice, Timeline};
pub use twin::{Twin, TwinOrder, measured, replay, script};
