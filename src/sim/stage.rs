//! A stage while it runs: its consumers, its queue, its chance.

use super::chance::Chance;
use super::orders::OrderId;
use super::pending::Calendar;
use super::queue::{Levels, Queue};
use crate::network::{Capacity, Consumers, Discipline, Network, Stage};
use crate::random::{Stream, Uniforms};
use std::collections::VecDeque;

/// A stage while it runs.
#[derive(Debug)]
pub(super) struct StageState {
    /// Consumers without work.
    pub idle: u64,
    /// Its place in the order of the stages.
    pub rank: usize,
    /// Orders in service, by the time of their departure. Among equal times the first whose service
    /// began.
    in_service: Calendar,
    /// Who waits.
    pub queue: Queue,
    /// How many may wait.
    pub capacity: usize,
    /// Service times and ways on.
    pub chance: Chance,
}

impl StageState {
    pub(super) fn new(
        network: &Network,
        stage: &Stage,
        rank: usize,
        replication: u64,
    ) -> StageState {
        let choice = format!("stage.{}.discipline", stage.name);
        StageState {
            idle: match stage.consumers {
                Consumers::Finite(c) => u64::from(c),
                Consumers::Unlimited => u64::MAX,
            },
            rank,
            in_service: Calendar::default(),
            queue: queue(
                network,
                stage,
                Stream::new(network.seed, replication, &choice),
            ),
            capacity: match stage.capacity {
                Capacity::Unbounded => usize::MAX,
                Capacity::Reject(waiting)
                | Capacity::Block(waiting)
                | Capacity::Retry(waiting, _) => usize::try_from(waiting).unwrap_or(usize::MAX),
            },
            chance: Chance::new(network, stage, replication),
        }
    }

    /// An order's service begins: it departs at `departure`.
    #[inline]
    pub(super) fn begin_service(&mut self, order: OrderId, departure: f64) {
        self.in_service.push(departure, order.0);
    }

    /// The order that departs next leaves its consumer.
    #[inline]
    pub(super) fn end_service(&mut self) -> Option<OrderId> {
        self.in_service.pop().map(|(_, order)| OrderId(order))
    }

    /// When the next order departs; infinite when none is in service.
    #[inline]
    pub(super) fn next_departure(&self) -> f64 {
        self.in_service.next_time()
    }
}

fn queue(network: &Network, stage: &Stage, choice: Stream) -> Queue {
    match stage.discipline {
        Discipline::Fifo => Queue::Fifo(VecDeque::new()),
        Discipline::Lifo => Queue::Lifo(Vec::new()),
        Discipline::Random => Queue::Random {
            waiting: Vec::new(),
            choice: Uniforms::new(choice),
        },
        Discipline::Priority => {
            let priorities: Vec<u32> = network.classes.iter().map(|c| c.priority).collect();
            Queue::Priority(Levels::new(&priorities))
        }
        Discipline::ShortestFirst
        | Discipline::ShortestRemaining
        | Discipline::ProcessorSharing
        | Discipline::PreemptivePriority => unreachable!("refused before the run"),
    }
}
