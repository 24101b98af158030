//! How the number of a stage's consumers changes over time.
//!
//! Who is let go finishes what it is at; who has nothing to do goes first.

/// How the number of consumers changes over time.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Staffing {
    /// It does not.
    #[default]
    Constant,
    /// By the clock.
    Shifts(Shifts),
    /// By what is measured.
    Autoscale(Autoscale),
}

/// Numbers of consumers by the clock. Until the first step there are as many as
/// [`Stage::consumers`](super::Stage::consumers) says.
#[derive(Debug, Clone, PartialEq)]
pub struct Shifts {
    /// Ascending in time.
    pub steps: Vec<Shift>,
    /// Seconds after which it all begins again, later than the last step; infinite: never.
    pub period: f64,
}

/// From a time on there are so many consumers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shift {
    /// Seconds.
    pub at: f64,
    /// May be 0.
    pub consumers: u32,
}

/// An automatic scaler: it looks every so often and sets the number of consumers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Autoscale {
    /// How many there should be.
    pub by: ScaleBy,
    /// At least so many.
    pub minimum: u32,
    /// At most so many; not below `minimum`, and at least 1.
    pub maximum: u32,
    /// Seconds between looks; above 0.
    pub every: f64,
    /// Seconds until a new consumer begins to work; at least 0.
    pub start_up: f64,
    /// Seconds for which the number asked for must have been lower before consumers are let go: they
    /// are as many as the highest number asked for in that time. At least 0.
    pub cool_down: f64,
    /// A relative deviation from the target within which nothing is changed; at least 0.
    pub tolerance: f64,
}

/// What an automatic scaler goes by. Consumers that are starting up count as there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ScaleBy {
    /// The share of consumer time that was busy since the last look should be this; in (0, 1).
    Utilization(f64),
    /// So many waiting messages for each consumer; above 0.
    Backlog(f64),
    /// What waits should be worked off within so many seconds, with orders coming as since the last
    /// look; above 0.
    DrainTime(f64),
}
