//! Numbers of the scenario that are different for a while.

use super::Network;

/// A stretch of time in which the pipeline differs from the one that the scenario file describes.
///
/// A pipeline with incidents is a sequence of pipelines with the same names. Overlapping incidents have been
/// worked out: each phase holds all that is changed in it, and lasts until the next begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Phase {
    /// When it begins, seconds; phases are in ascending order.
    pub from: f64,
    /// Whether the broker of each stage is down.
    pub broker_down: Vec<bool>,
    /// What holds in it; itself without phases. A stage may have 0 consumers here.
    pub network: Network,
}
