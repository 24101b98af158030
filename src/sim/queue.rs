//! Who waits at a stage, and who is next.

use super::orders::OrderId;
use crate::random::Uniforms;
use std::collections::VecDeque;

/// The waiting orders of one stage, by discipline.
#[derive(Debug)]
pub(super) enum Queue {
    Fifo(VecDeque<OrderId>),
    Lifo(Vec<OrderId>),
    Random {
        waiting: Vec<OrderId>,
        choice: Uniforms,
    },
    Priority(Levels),
}

impl Queue {
    #[inline]
    pub(super) fn len(&self) -> usize {
        match self {
            Queue::Fifo(waiting) => waiting.len(),
            Queue::Lifo(waiting) | Queue::Random { waiting, .. } => waiting.len(),
            Queue::Priority(levels) => levels.len,
        }
    }

    /// An order joins; `class` decides its level where there are priorities.
    #[inline]
    pub(super) fn push(&mut self, order: OrderId, class: u32) {
        match self {
            Queue::Fifo(waiting) => waiting.push_back(order),
            Queue::Lifo(waiting) | Queue::Random { waiting, .. } => waiting.push(order),
            Queue::Priority(levels) => levels.push(order, class),
        }
    }

    /// The next to be served leaves the queue.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<OrderId> {
        match self {
            Queue::Fifo(waiting) => waiting.pop_front(),
            Queue::Lifo(waiting) => waiting.pop(),
            Queue::Random { waiting, choice } => pick(waiting, choice),
            Queue::Priority(levels) => levels.pop(),
        }
    }
}

fn pick(waiting: &mut Vec<OrderId>, choice: &mut Uniforms) -> Option<OrderId> {
    match waiting.len() {
        0 => None,
        1 => waiting.pop(),
        n => {
            let index = (choice.next() * n as f64) as usize;
            Some(waiting.swap_remove(index.min(n - 1)))
        }
    }
}

/// One queue a priority, first in first out within each.
#[derive(Debug)]
pub(super) struct Levels {
    level_of_class: Vec<usize>,
    levels: Vec<VecDeque<OrderId>>,
    len: usize,
}

impl Levels {
    /// Classes with equal priority share a level; the lowest number comes first.
    pub(super) fn new(priorities: &[u32]) -> Levels {
        let mut distinct = priorities.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let level = |p: &u32| {
            distinct
                .iter()
                .position(|d| d == p)
                .expect("taken from the same list")
        };
        Levels {
            level_of_class: priorities.iter().map(level).collect(),
            levels: vec![VecDeque::new(); distinct.len()],
            len: 0,
        }
    }

    fn push(&mut self, order: OrderId, class: u32) {
        self.levels[self.level_of_class[class as usize]].push_back(order);
        self.len += 1;
    }

    fn pop(&mut self) -> Option<OrderId> {
        let next = self.levels.iter_mut().find_map(VecDeque::pop_front)?;
        self.len -= 1;
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_priorities_share_a_level_in_order_of_arrival() {
        let mut queue = Queue::Priority(Levels::new(&[5, 0, 5]));
        for (id, class) in [(1, 0), (2, 2), (3, 1), (4, 0)] {
            queue.push(OrderId(id), class);
        }
        let served: Vec<u32> = std::iter::from_fn(|| queue.pop()).map(|o| o.0).collect();
        assert_eq!(served, [3, 1, 2, 4]);
        assert_eq!(queue.len(), 0);
    }
}
