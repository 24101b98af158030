//! A stage while it runs: its free consumers, its queue, its chance.

use super::chance::Chance;
use super::queue::{Levels, Queue};
use crate::network::{Capacity, Consumers, Discipline, Network, Stage};
use crate::random::{Stream, Uniforms};
use std::collections::VecDeque;

/// A stage while it runs.
#[derive(Debug)]
pub(super) struct StageState {
    /// Consumers without work.
    pub idle: u64,
    /// Who waits.
    pub queue: Queue,
    /// How many may wait.
    pub capacity: usize,
    /// Service times and ways on.
    pub chance: Chance,
}

impl StageState {
    pub(super) fn new(network: &Network, stage: &Stage, replication: u64) -> StageState {
        let choice = format!("stage.{}.discipline", stage.name);
        StageState {
            idle: match stage.consumers {
                Consumers::Finite(c) => u64::from(c),
                Consumers::Unlimited => u64::MAX,
            },
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
