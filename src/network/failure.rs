//! What happens when the work on an order fails.

use super::StageId;
use crate::random::Distribution;

/// Whether attempts at the work fail.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Failures {
    /// They never do.
    #[default]
    Never,
    /// Some do.
    Some(Box<Failure>),
}

/// How attempts fail, and what then. Every attempt takes a time of its own from the law of service.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// Probability that an attempt fails, by class; in [0, 1].
    pub probability: Vec<f64>,
    /// Seconds after which an attempt is given up and has failed; infinite: never. Above 0.
    pub timeout: f64,
    /// Attempts in all, the first included; at least 1, `u32::MAX` is no limit.
    pub attempts: u32,
    /// The time from a failure to the next attempt.
    pub backoff: Backoff,
    /// Where the order spends it.
    pub retry: RetryPlace,
    /// What becomes of an order whose last attempt has failed.
    pub then: AfterFailure,
    /// Whether calls are suspended after too many failures.
    pub breaker: Breaker,
}

/// The time from a failure to the next attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum Backoff {
    /// None.
    AtOnce,
    /// A time from this law.
    Law(Distribution),
    /// `first` · `factor`^(n − 1) after the n-th failure, at most `longest`; then times a factor that is
    /// uniform between 1 − `jitter` and 1 + `jitter`.
    Exponential {
        /// Seconds; above 0.
        first: f64,
        /// At least 1.
        factor: f64,
        /// In [0, 1].
        jitter: f64,
        /// Seconds, at least `first`; infinite: no limit.
        longest: f64,
    },
    /// The n-th of these after the n-th failure, the last ever after; seconds, not empty.
    Table(Vec<f64>),
}

/// Where an order waits for its next attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryPlace {
    /// Aside; then at the tail of the queue.
    Tail,
    /// Aside; then at its old place in the queue.
    OldPlace,
    /// With its consumer, who serves nobody else meanwhile.
    InPlace,
}

/// What becomes of an order whose last attempt has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterFailure {
    /// Out of the pipeline, kept aside.
    DeadLetter,
    /// Out of the pipeline, given up.
    Cancelled,
    /// Out of the pipeline, dropped by the broker.
    Lost,
    /// On to this stage, which makes good what was done.
    Stage(StageId),
}

/// Whether calls are suspended after too many failures.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Breaker {
    /// Never.
    #[default]
    None,
    /// By a circuit breaker, one for the stage.
    Circuit(CircuitBreaker),
}

/// A circuit breaker: closed, it lets every attempt through; open, none; half open, a few, to see.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CircuitBreaker {
    /// It opens after this many failures in a row; at least 1.
    pub failures: u32,
    /// Seconds for which it is open; above 0.
    pub open_for: f64,
    /// Successes in a row that close it again when it is half open, and attempts under way then at
    /// most; at least 1.
    pub probes: u32,
    /// What happens while it is open.
    pub while_open: WhileOpen,
}

/// What happens while a circuit breaker is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhileOpen {
    /// Attempts fail at once, without any work.
    Fail,
    /// No message is taken from the queue.
    Pause,
}
