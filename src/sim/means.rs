//! Which engine simulates: asked for, or the one that suits the network.

use super::outcome::SimError;
use super::recursion::{Course, course};
use crate::network::Network;
use std::fmt;

/// Which engine to simulate with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EngineChoice {
    /// The recursion where it applies, else events.
    #[default]
    Auto,
    /// This one.
    Only(EngineKind),
}

/// An engine. Both give every order the same times, to the last bit. (Two orders that come to a stage at
/// the same instant may change places where a service is so short that the clock's rounding loses it.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineKind {
    /// One event after the other: does everything.
    Events,
    /// Stage by stage in the order of coming: for stages that serve first in, first out, take some time
    /// for each order, reject nobody, and get no order back; several times faster.
    Recursion,
    /// None: it was measured in real time, and is not simulated.
    Live,
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            EngineKind::Events => "events",
            EngineKind::Recursion => "recursion",
            EngineKind::Live => "live",
        })
    }
}

/// How a network is simulated.
#[derive(Debug)]
pub(super) enum Means {
    /// By events, all of them queues of the textbook.
    Events,
    /// By events, with all that a stage can do.
    EventsInFull,
    /// By recursion, along this course.
    Recursion(Course),
}

impl Means {
    /// What suits the network, or was asked for.
    pub(super) fn new(network: &Network, choice: EngineChoice) -> Result<Means, SimError> {
        match choice {
            EngineChoice::Only(EngineKind::Events) => Ok(Means::events(network)),
            EngineChoice::Only(EngineKind::Recursion) => {
                let course = course(network).map_err(SimError::NoRecursion)?;
                Ok(Means::Recursion(course))
            }
            EngineChoice::Only(EngineKind::Live) => Err(SimError::NotSimulated),
            EngineChoice::Auto => {
                Ok(course(network).map_or(Means::events(network), Means::Recursion))
            }
        }
    }

    /// The leanest event engine that does it.
    pub(super) fn events(network: &Network) -> Means {
        match network.beyond_plain() {
            None => Means::Events,
            Some(_) => Means::EventsInFull,
        }
    }

    /// Which engine that is.
    pub(super) fn kind(&self) -> EngineKind {
        match self {
            Means::Events | Means::EventsInFull => EngineKind::Events,
            Means::Recursion(_) => EngineKind::Recursion,
        }
    }
}
