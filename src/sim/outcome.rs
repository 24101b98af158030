//! What a simulation hands over.

use super::means::EngineKind;
use super::measure::Growth;
use super::plan::Start;
use super::recursion::Obstacle;
use super::timeline::Timeline;
use crate::metric::{Metric, TimeKind};
use crate::network::Place;
use crate::stats::{Estimate, Histogram};
use std::collections::BTreeMap;
use std::fmt;

/// How an order left the pipeline. Every order has exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Went all its way.
    Completed,
    /// Found a full queue, or turned away from a long one.
    Rejected,
    /// Waited longer than its time to live or its patience.
    Expired,
    /// Was put aside by a broker.
    DeadLettered,
    /// Was routed out of the pipeline, or given up.
    Cancelled,
    /// Was dropped: by a crash that the settings allow to drop it, or by a broker that does not try again.
    Lost,
    /// Was still on its way when the run ended.
    InFlight,
}

impl Outcome {
    /// Whether only what is more than a plain queue leads to it.
    pub fn is_special(self) -> bool {
        matches!(
            self,
            Outcome::Expired | Outcome::DeadLettered | Outcome::Lost
        )
    }

    /// All outcomes, in the order in which they are shown.
    pub const ALL: [Outcome; 7] = [
        Outcome::Completed,
        Outcome::Rejected,
        Outcome::Expired,
        Outcome::DeadLettered,
        Outcome::Cancelled,
        Outcome::Lost,
        Outcome::InFlight,
    ];
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Outcome::Completed => "completed",
            Outcome::Rejected => "rejected",
            Outcome::Expired => "expired",
            Outcome::DeadLettered => "dead_lettered",
            Outcome::Cancelled => "cancelled",
            Outcome::Lost => "lost",
            Outcome::InFlight => "in_flight",
        })
    }
}

/// How many orders had each outcome, from the very start of the run (warm-up included).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcomes {
    counts: [u64; Outcome::ALL.len()],
}

impl Outcomes {
    #[inline]
    pub(super) fn count(&mut self, outcome: Outcome) {
        self.count_all(outcome, 1);
    }

    #[inline]
    pub(super) fn count_all(&mut self, outcome: Outcome, orders: u64) {
        self.counts[outcome as usize] += orders;
    }

    pub(super) fn add(&mut self, other: &Outcomes) {
        self.counts
            .iter_mut()
            .zip(&other.counts)
            .for_each(|(a, b)| *a += b);
    }

    /// Orders with this outcome.
    pub fn of(&self, outcome: Outcome) -> u64 {
        self.counts[outcome as usize]
    }

    /// Orders with any outcome.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }
}

/// What became of messages, all replications together: from the end of the warm-ups on, but copies from
/// the very start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MessageAccounts {
    /// Messages that came into queues: orders, copies and duplicates.
    pub joined: u64,
    /// Messages handed to a consumer.
    pub deliveries: u64,
    /// Of these, those that had been handed out before.
    pub redeliveries: u64,
    /// Tries at the work.
    pub attempts: u64,
    /// Of these, those that failed.
    pub failed: u64,
    /// Deliveries of messages whose work had been done before.
    pub duplicates: u64,
    /// Of these, those that the consumer recognized and dropped.
    pub deduplicated: u64,
    /// Copies and duplicates that were made.
    pub copies_made: u64,
    /// Of these, those that have ended.
    pub copies_ended: u64,
    /// Of these, those that were still there when the run ended.
    pub copies_present: u64,
}

impl MessageAccounts {
    /// All of them with their names, in the order in which they are shown.
    pub fn named(&self) -> [(&'static str, u64); 10] {
        [
            ("joined", self.joined),
            ("deliveries", self.deliveries),
            ("redeliveries", self.redeliveries),
            ("attempts", self.attempts),
            ("failed", self.failed),
            ("duplicates", self.duplicates),
            ("deduplicated", self.deduplicated),
            ("copies_made", self.copies_made),
            ("copies_ended", self.copies_ended),
            ("copies_present", self.copies_present),
        ]
    }

    pub(super) fn add(&mut self, other: &MessageAccounts) {
        *self = MessageAccounts {
            joined: self.joined + other.joined,
            deliveries: self.deliveries + other.deliveries,
            redeliveries: self.redeliveries + other.redeliveries,
            attempts: self.attempts + other.attempts,
            failed: self.failed + other.failed,
            duplicates: self.duplicates + other.duplicates,
            deduplicated: self.deduplicated + other.deduplicated,
            copies_made: self.copies_made + other.copies_made,
            copies_ended: self.copies_ended + other.copies_ended,
            copies_present: self.copies_present + other.copies_present,
        };
    }

    /// Whether every copy has ended or is there, and no part is more than its whole.
    pub(super) fn check(&self) -> Result<(), SimError> {
        let (made, accounted) = (self.copies_made, self.copies_ended + self.copies_present);
        if made != accounted {
            return Err(SimError::CopiesUnaccounted { made, accounted });
        }
        // What is recognized may have been delivered before counting began: no part of these.
        let parts = [
            ("redeliveries", self.redeliveries, self.deliveries),
            ("duplicates", self.duplicates, self.deliveries),
        ];
        match parts.into_iter().find(|(_, part, whole)| part > whole) {
            Some((what, part, whole)) => Err(SimError::PartAboveWhole { what, part, whole }),
            None => Ok(()),
        }
    }
}

/// What was measured at one place.
#[derive(Debug, Clone)]
pub struct PlaceResult {
    /// Where.
    pub place: Place,
    /// The figures, each with its spread over the replications.
    pub estimates: BTreeMap<Metric, Estimate>,
    /// Distributions of times, all replications pooled.
    pub distributions: BTreeMap<TimeKind, Histogram>,
    /// Set when the number in system keeps growing, so that its average means nothing.
    pub growth: Option<Growth>,
}

/// All that a simulation measured.
#[derive(Debug, Clone)]
pub struct SimResult {
    /// The pipeline, then each stage followed by its classes if several come there.
    pub places: Vec<PlaceResult>,
    /// What became of the orders, all replications together.
    pub outcomes: Outcomes,
    /// Orders that entered, all replications together; equals the total of the outcomes.
    pub entered: u64,
    /// What became of messages; none of a pipeline of plain queues, where each is an order's.
    pub messages: Option<MessageAccounts>,
    /// Which engine simulated.
    pub engine: EngineKind,
    /// What was left out at the start, and how it was found.
    pub start: Start,
    /// Seconds measured in each replication on average, warm-up excluded.
    pub measured: f64,
    /// Replications that the figures are made of.
    pub replications: u64,
    /// Averages over slices of time, summed over the replications.
    pub timeline: Timeline,
    /// Whether the run was stopped before its end.
    pub partial: bool,
    /// What keeps an asked-for precision from being reached.
    pub imprecise: Option<Imprecision>,
}

/// The mean that is known least well.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Imprecision {
    /// Half-width of its interval over itself.
    pub relative: f64,
    /// Where it is taken.
    pub place: Place,
    /// Which it is.
    pub metric: Metric,
}

impl SimResult {
    /// What was measured at a place.
    pub fn at(&self, place: Place) -> Option<&PlaceResult> {
        self.places.iter().find(|result| result.place == place)
    }

    /// Whether no order got through anything within the measured time.
    pub fn saw_nothing(&self) -> bool {
        let mut laws = self.places.iter().flat_map(|at| at.distributions.values());
        laws.all(|times| times.total() == 0)
    }
}

/// Why a simulation gave no result.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SimError {
    /// Stopped before anything was measured.
    #[error("stopped before anything was measured")]
    Stopped,
    /// The replications end before the warm-up does.
    #[error(
        "a replication ended after {ended} s, within the warm-up of {warmup} s: let it run longer, \
         or shorten `run.warmup`"
    )]
    NothingAfterWarmup {
        /// When the replication ended, seconds.
        ended: f64,
        /// The warm-up asked for, seconds.
        warmup: f64,
    },
    /// The recursion was asked for, but does not apply.
    #[error("`--engine recursion` does not apply: {0}; leave it out, or ask for `--engine events`")]
    NoRecursion(Obstacle),
    /// No order ever comes.
    #[error("no order enters: every producer's rate is 0, or its trace lies behind the run's end")]
    NoOrders,
    /// A live run was asked of the simulation.
    #[error("a live run is not simulated: ask for `orderline live`")]
    NotSimulated,
    /// A log that no run could have.
    #[error("the log of the run makes no sense: {0}")]
    SenselessLog(String),
    /// A script that no run of the network could be from.
    #[error("the script makes no sense for this pipeline: {0}")]
    SenselessScript(String),
    /// The accounts do not add up. A defect of this program, never the scenario's fault.
    #[error(
        "{entered} orders entered but {accounted} are accounted for; please report this as a bug"
    )]
    Unaccounted {
        /// Orders that entered.
        entered: u64,
        /// Orders with an outcome.
        accounted: u64,
    },
    /// A copy or a duplicate has got lost. A defect of this program, never the scenario's fault.
    #[error(
        "{made} copies and duplicates were made but {accounted} are accounted for; please report this \
         as a bug"
    )]
    CopiesUnaccounted {
        /// How many were made.
        made: u64,
        /// How many have ended or are there.
        accounted: u64,
    },
    /// More of something than there can be. A defect of this program, never the scenario's fault.
    #[error("{part} {what} of {whole} in all; please report this as a bug")]
    PartAboveWhole {
        /// Of what.
        what: &'static str,
        /// How many.
        part: u64,
        /// Of how many.
        whole: u64,
    },
    /// The stays of the orders do not add up to the time integral of their number. A defect of this
    /// program, never the scenario's fault.
    #[error(
        "the orders' stays and their number differ by a share of {share:e}; please report this as a bug"
    )]
    Unbalanced {
        /// The relative difference.
        share: f64,
    },
}
