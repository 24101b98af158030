//! What is going to happen, in a total order: by time; at the same instant the ends of services before
//! all else, from the stage furthest downstream first and at one stage in the order in which they began;
//! then everything else in the order in which it was planned. Arrivals from outside, which come last, are
//! not on the agenda.
//!
//! Nothing is ever taken off: what has been overtaken by events is known by its stamp, and passed over
//! when its time has come.

use super::messages::MessageId;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Something that is going to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Happening {
    /// A consumer's stretch of work ends.
    WorkEnds(Who),
    /// The next of those who share a stage's consumers is done.
    ShareEnds {
        stage: u32,
        stamp: u32,
    },
    /// A consumer begins with what it has been holding: it has received it, or it tries again after a
    /// failed attempt.
    Begins(Who),
    /// A message that was sent, or set aside, comes to its stage.
    Comes(Ticket),
    /// An order has waited as long as it will.
    GivesUp(Ticket),
    /// A message's time to live is over.
    Expires(Ticket),
    /// A message that was sent is at its broker.
    Reaches(Ticket),
    /// A message is refused: by a broker whose writer is too busy, or after waiting at its producer as
    /// long as it may.
    Refused(Ticket),
    /// A message's producer takes it back before anyone has seen it.
    Withdrawn(Ticket),
    /// A message's producer sends it, having held it back.
    SetsOut(Ticket),
    /// A message has been with its consumer too long, and is delivered once more.
    Overdue {
        ticket: Ticket,
        delivery: u32,
    },
    /// A member of the group has its next message in hand.
    HandedOver {
        stage: u32,
        member: u32,
    },
    /// The broker learns that work has been done.
    Acknowledged {
        stage: u32,
        member: u32,
        stamp: u32,
    },
    /// The broker answers a member's question though there are fewer messages than it would like.
    FetchDue {
        stage: u32,
        member: u32,
        stamp: u32,
    },
    /// A batch of messages leaves its producer.
    BatchCloses {
        stage: u32,
        stamp: u32,
    },
    /// The messages that wait may now be served as an incomplete batch.
    BatchDue {
        stage: u32,
    },
    /// The broker notices that a member has died.
    Detected {
        stage: u32,
        member: u32,
    },
    /// What kept a stage from handing over has ended: a rebalance, an open circuit breaker.
    Resumes {
        stage: u32,
    },
    /// A customer sends its next order.
    Sends {
        population: u32,
    },
    /// New consumers begin to work.
    Hired {
        stage: u32,
        consumers: u32,
    },
    /// A consumer breaks down.
    Fails(Who),
    /// A consumer is repaired.
    Repaired(Who),
    /// The broker of a stage fails, or is back.
    BrokerFails {
        stage: u32,
    },
    BrokerRecovers {
        stage: u32,
    },
    /// A reservation of stock may have run out.
    Releases {
        stage: u32,
        message: MessageId,
    },
    /// Stock that was ordered comes.
    Delivered {
        stage: u32,
        item: u32,
        units: u32,
    },
    /// A broker looks for messages whose time is over.
    Scans {
        stage: u32,
    },
    /// A stage's rota says another number of consumers.
    ShiftBegins {
        stage: u32,
        consumers: u32,
    },
    /// A scaler looks.
    Scales {
        stage: u32,
    },
    /// The pipeline's numbers change.
    PhaseBegins {
        phase: u32,
    },
}

impl Happening {
    /// Whether it happens again and again whether or not there is anything to do, so that it does not
    /// show that the run goes on.
    pub(super) fn is_routine(self) -> bool {
        matches!(
            self,
            Happening::Fails(_)
                | Happening::Repaired(_)
                | Happening::BrokerFails { .. }
                | Happening::BrokerRecovers { .. }
                | Happening::Scans { .. }
                | Happening::ShiftBegins { .. }
                | Happening::Scales { .. }
        )
    }
}

/// A consumer of a stage in a certain stretch of what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Who {
    pub stage: u32,
    pub consumer: u32,
    pub stamp: u32,
}

/// A message in a certain stretch of what happens to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket {
    pub message: MessageId,
    pub stamp: u32,
}

/// All that is going to happen.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    entries: BinaryHeap<Entry>,
    planned: u64,
    /// Entries that are no routine.
    pub telling: usize,
    /// When the last thing happened.
    last: f64,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    time: f64,
    rank: u64,
    what: Happening,
}

/// The rank of all that is not the end of a service.
const OTHERS: u64 = 1 << 63;
/// Bits of the sequence number in the rank of the end of a service.
const SEQUENCE: u32 = 44;

impl Agenda {
    /// Plans the end of a service at the stage of that rank in the order of the stages.
    pub(super) fn plan_end(&mut self, time: f64, stage_rank: usize, what: Happening) {
        let rank = (stage_rank as u64) << SEQUENCE | self.planned & ((1 << SEQUENCE) - 1);
        self.push(time, rank, what);
    }

    /// Plans anything else; what never happens (an infinite time) is not planned.
    pub(super) fn plan(&mut self, time: f64, what: Happening) {
        if time < f64::INFINITY {
            self.push(time, OTHERS | self.planned, what);
        }
    }

    fn push(&mut self, time: f64, rank: u64, what: Happening) {
        debug_assert!(time >= self.last, "nothing is planned for the past");
        self.planned += 1;
        self.telling += usize::from(!what.is_routine());
        self.entries.push(Entry { time, rank, what });
    }

    /// When the next thing happens; infinite when nothing does.
    #[inline]
    pub(super) fn next_time(&self) -> f64 {
        self.entries
            .peek()
            .map_or(f64::INFINITY, |entry| entry.time)
    }

    /// The next thing, taken off.
    pub(super) fn pop(&mut self) -> Option<Happening> {
        let Entry { time, what, .. } = self.entries.pop()?;
        self.last = time;
        self.telling -= usize::from(!what.is_routine());
        Some(what)
    }
}

impl Entry {
    /// Times are never negative, so their bits order as they do.
    fn key(&self) -> (u64, u64) {
        (self.time.to_bits(), self.rank)
    }
}

/// The earliest is the greatest, since that is what a heap hands out.
impl Ord for Entry {
    fn cmp(&self, other: &Entry) -> Ordering {
        other.key().cmp(&self.key())
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Entry) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Entry) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Entry {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_services_come_first_those_downstream_before_all() {
        let mut agenda = Agenda::default();
        agenda.plan(1.0, Happening::Scans { stage: 0 });
        agenda.plan_end(1.0, 1, Happening::ShareEnds { stage: 1, stamp: 0 });
        agenda.plan_end(1.0, 0, Happening::ShareEnds { stage: 2, stamp: 0 });
        agenda.plan_end(1.0, 1, Happening::ShareEnds { stage: 3, stamp: 0 });
        agenda.plan(0.5, Happening::Scans { stage: 4 });
        agenda.plan(f64::INFINITY, Happening::Scans { stage: 5 });
        assert_eq!(agenda.telling, 3);
        let order = std::iter::from_fn(|| agenda.pop()).map(|what| match what {
            Happening::Scans { stage } | Happening::ShareEnds { stage, .. } => stage,
            _ => unreachable!("not planned"),
        });
        assert_eq!(order.collect::<Vec<_>>(), [4, 2, 1, 3, 0]);
        assert_eq!(agenda.telling, 0);
    }
}
