//! Who waits in a lane, and who is next. Anyone can leave from the middle, and come back to an old place.

use super::messages::{Message, MessageId};
use crate::network::{Discipline, Network};
use crate::random::{Stream, Uniforms};
use std::collections::{BTreeSet, VecDeque};

/// The waiting messages of one lane, by discipline.
#[derive(Debug)]
pub(super) enum Queue {
    /// By place: the oldest first, or the newest.
    ByPlace {
        waiting: VecDeque<(u64, MessageId)>,
        newest_first: bool,
    },
    /// By key, among equals by place.
    ByKey(BTreeSet<(u64, u64, MessageId)>),
    /// Any, with equal probability.
    Random {
        waiting: Vec<MessageId>,
        choice: Box<Uniforms>,
    },
}

impl Queue {
    pub(super) fn new(discipline: Discipline, choice: impl FnOnce() -> Stream) -> Queue {
        match discipline {
            Discipline::Fifo | Discipline::ProcessorSharing => Queue::in_turn(false),
            Discipline::Lifo => Queue::in_turn(true),
            Discipline::Random => Queue::Random {
                waiting: Vec::new(),
                choice: Box::new(Uniforms::new(choice())),
            },
            Discipline::ShortestFirst
            | Discipline::ShortestRemaining
            | Discipline::Priority
            | Discipline::PreemptivePriority
            | Discipline::PreemptiveRestart
            | Discipline::EarliestDeadline => Queue::ByKey(BTreeSet::new()),
        }
    }

    fn in_turn(newest_first: bool) -> Queue {
        Queue::ByPlace {
            waiting: VecDeque::new(),
            newest_first,
        }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        match self {
            Queue::ByPlace { waiting, .. } => waiting.len(),
            Queue::ByKey(waiting) => waiting.len(),
            Queue::Random { waiting, .. } => waiting.len(),
        }
    }

    /// A message joins at its place.
    #[inline]
    pub(super) fn insert(&mut self, id: MessageId, message: &Message) {
        match self {
            Queue::ByPlace { waiting, .. } => {
                let last = waiting.back().map_or(0, |(place, _)| *place);
                if message.place >= last {
                    waiting.push_back((message.place, id));
                } else {
                    let at = waiting.partition_point(|(place, _)| *place < message.place);
                    waiting.insert(at, (message.place, id));
                }
            }
            Queue::ByKey(waiting) => {
                waiting.insert((message.key, message.place, id));
            }
            Queue::Random { waiting, .. } => waiting.push(id),
        }
    }

    /// The next to be served, left where it is; none where chance has not decided yet.
    pub(super) fn first(&self) -> Option<MessageId> {
        match self {
            Queue::ByPlace {
                waiting,
                newest_first: false,
            } => waiting.front().map(|(_, id)| *id),
            Queue::ByPlace {
                waiting,
                newest_first: true,
            } => waiting.back().map(|(_, id)| *id),
            Queue::ByKey(waiting) => waiting.first().map(|(.., id)| *id),
            Queue::Random { .. } => None,
        }
    }

    /// The next to be served leaves the queue.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<MessageId> {
        match self {
            Queue::ByPlace {
                waiting,
                newest_first: false,
            } => waiting.pop_front().map(|(_, id)| id),
            Queue::ByPlace {
                waiting,
                newest_first: true,
            } => waiting.pop_back().map(|(_, id)| id),
            Queue::ByKey(waiting) => waiting.pop_first().map(|(.., id)| id),
            Queue::Random { waiting, choice } => match waiting.len() {
                0 => None,
                1 => waiting.pop(),
                n => {
                    let index = (choice.next() * n as f64) as usize;
                    Some(waiting.swap_remove(index.min(n - 1)))
                }
            },
        }
    }

    /// A message leaves from wherever it is. `message` is as it was when it joined.
    pub(super) fn remove(&mut self, id: MessageId, message: &Message) {
        match self {
            Queue::ByPlace { waiting, .. } => {
                let from = waiting.partition_point(|(place, _)| *place < message.place);
                let at = waiting.range(from..).position(|(_, other)| *other == id);
                at.map(|at| waiting.remove(from + at));
            }
            Queue::ByKey(waiting) => {
                waiting.remove(&(message.key, message.place, id));
            }
            Queue::Random { waiting, .. } => {
                let at = waiting.iter().position(|other| *other == id);
                at.map(|at| waiting.swap_remove(at));
            }
        }
    }

    /// The one that came first, whoever is next.
    pub(super) fn oldest(&self, place: impl Fn(MessageId) -> u64) -> Option<MessageId> {
        match self {
            Queue::ByPlace { waiting, .. } => waiting.front().map(|(_, id)| *id),
            Queue::ByKey(waiting) => waiting
                .iter()
                .min_by_key(|(_, place, _)| *place)
                .map(|(.., id)| *id),
            Queue::Random { waiting, .. } => waiting.iter().copied().min_by_key(|id| place(*id)),
        }
    }

    /// All of them, in some order that depends on nothing but what happened.
    pub(super) fn iter(&self) -> Box<dyn Iterator<Item = MessageId> + '_> {
        match self {
            Queue::ByPlace { waiting, .. } => Box::new(waiting.iter().map(|(_, id)| *id)),
            Queue::ByKey(waiting) => Box::new(waiting.iter().map(|(.., id)| *id)),
            Queue::Random { waiting, .. } => Box::new(waiting.iter().copied()),
        }
    }
}

/// What comes before the place of a message in the queue.
pub(super) fn key(discipline: Discipline, network: &Network, message: &Message) -> u64 {
    let class = &network.classes[message.class as usize];
    match discipline {
        // Times are never negative, so their bits order as they do.
        Discipline::ShortestFirst => message.work.to_bits(),
        Discipline::ShortestRemaining => message.left.to_bits(),
        Discipline::Priority | Discipline::PreemptivePriority | Discipline::PreemptiveRestart => {
            u64::from(class.priority)
        }
        Discipline::EarliestDeadline => (message.entered + class.deadline).to_bits(),
        Discipline::Fifo | Discipline::Lifo | Discipline::Random | Discipline::ProcessorSharing => {
            0
        }
    }
}
