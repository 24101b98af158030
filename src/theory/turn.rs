//! In which turn waiting orders are served, as far as formulas care.

use crate::network::Discipline;

/// In which turn waiting orders are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// First in, first out.
    FirstIn,
    /// Last in, first out, without interruption.
    LastIn,
    /// Any with equal probability.
    Random,
    /// Any that does not look at service times, not known which: only what does not depend on it is
    /// given.
    Any,
}

impl Turn {
    /// The turn of a discipline that does not look at service times or classes.
    pub(super) fn of(discipline: Discipline) -> Option<Turn> {
        match discipline {
            Discipline::Fifo => Some(Turn::FirstIn),
            Discipline::Lifo => Some(Turn::LastIn),
            Discipline::Random => Some(Turn::Random),
            Discipline::ShortestFirst
            | Discipline::ShortestRemaining
            | Discipline::ProcessorSharing
            | Discipline::Priority
            | Discipline::PreemptivePriority
            | Discipline::PreemptiveRestart
            | Discipline::EarliestDeadline => None,
        }
    }
}
