//! A stage while it runs: its consumers, its queue, its chance.

use super::begin::{Begun, begin};
use super::chance::Chance;
use super::lane::Lane;
use super::orders::{Arena, Order, OrderId};
use super::pending::Calendar;
use super::queue::{Levels, Queue};
use crate::network::{Capacity, Consumers, Discipline, Network, Stage, Target};
use crate::random::{Stream, Uniforms};
use std::collections::VecDeque;

/// A stage while it runs.
#[derive(Debug)]
pub(super) struct StageState {
    /// Its index in the network.
    index: u32,
    /// Consumers without work.
    idle: u64,
    /// Its place in the order of the stages.
    pub rank: usize,
    /// Orders in service, by the time of their departure. Among equal times the first whose service
    /// began.
    in_service: Calendar,
    /// Who waits.
    queue: Queue,
    /// How many may wait.
    capacity: usize,
    /// Service times and ways on.
    chance: Chance,
}

impl StageState {
    pub(super) fn new(
        network: &Network,
        index: usize,
        rank: usize,
        replication: u64,
    ) -> StageState {
        let stage = &network.stages[index];
        let choice = format!("stage.{}.discipline", stage.name);
        StageState {
            index: index as u32,
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
                | Capacity::Retry(waiting, _)
                | Capacity::DropOldest(waiting)
                | Capacity::DeadLetter(waiting) => usize::try_from(waiting).unwrap_or(usize::MAX),
            },
            chance: Chance::new(network, stage, replication),
        }
    }

    /// When the next order departs; infinite when none is in service.
    #[inline]
    pub(super) fn next_departure(&self) -> f64 {
        self.in_service.next_time()
    }

    /// An order comes: into service, into the queue, or it is rejected. `lanes` are the stage's, here
    /// and below.
    #[inline]
    pub(super) fn admit(
        &mut self,
        id: OrderId,
        order: &mut Order,
        lanes: &mut [Lane],
        now: f64,
    ) -> Admission {
        let lane = &mut lanes[order.class as usize];
        lane.offered += 1;
        if self.idle == 0 && self.queue.len() >= self.capacity {
            lane.rejected += 1;
            return Admission::Rejected;
        }
        order.stage = self.index;
        order.arrived = now;
        order.service = self.chance.draw_service(order.class);
        if self.idle == 0 {
            self.queue.push(id, order.class);
            lane.occupancy.enter_queue(now);
            return Admission::Waits;
        }
        self.idle -= 1;
        self.in_service.push(now + order.service, id.0);
        order.processed += order.service;
        lane.occupancy.enter_service(now);
        lane.waiting.record(0.0);
        lane.service.record(order.service);
        Admission::Served
    }

    /// The order whose service ends now leaves its consumer, who serves the next one or rests. Says
    /// where it goes. `sizes` are the producers' message sizes.
    #[inline]
    pub(super) fn release(
        &mut self,
        orders: &mut Arena,
        lanes: &mut [Lane],
        sizes: &[f64],
        now: f64,
    ) -> Option<(OrderId, Target)> {
        let (_, id) = self.in_service.pop()?;
        // First what decides when the next event comes, then all that is to be written down.
        let next = self.queue.pop();
        let begins = next.map(|next| self.serve(next, orders.get_mut(next), now));
        let order = orders.get(OrderId(id));
        let class = order.class;
        let lane = &mut lanes[class as usize];
        lane.sojourn.record(now - order.arrived);
        lane.departed += 1;
        lane.departed_bytes += sizes[order.producer as usize];
        match begins {
            Some(begins) => record_begin(begins, lanes, class, now),
            None => {
                self.idle += 1;
                lane.occupancy.leave(now);
            }
        }
        Some((OrderId(id), self.chance.draw_route(class)))
    }

    /// An order that waited goes into service.
    #[inline]
    fn serve(&mut self, id: OrderId, order: &mut Order, now: f64) -> Begin {
        let Begun { waiting, ends, .. } = begin(order.arrived, now, order.service);
        self.in_service.push(ends, id.0);
        order.waited += waiting;
        order.processed += order.service;
        Begin {
            class: order.class,
            waiting,
            service: order.service,
        }
    }
}

/// The service of an order that waited.
struct Begin {
    class: u32,
    waiting: f64,
    service: f64,
}

/// Counts that a service begins by the consumer whom an order of class `left` leaves.
#[inline]
fn record_begin(begins: Begin, lanes: &mut [Lane], left: u32, now: f64) {
    if begins.class != left {
        lanes[left as usize].occupancy.leave(now);
    }
    let lane = &mut lanes[begins.class as usize];
    if begins.class == left {
        lane.occupancy.leave_to_next(now);
    } else {
        lane.occupancy.start_service(now);
    }
    lane.waiting.record(begins.waiting);
    lane.service.record(begins.service);
}

/// What happens to an order that comes to a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// A consumer serves it at once.
    Served,
    /// It waits.
    Waits,
    /// There is no room.
    Rejected,
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
        | Discipline::PreemptivePriority
        | Discipline::PreemptiveRestart
        | Discipline::EarliestDeadline => unreachable!("refused before the run"),
    }
}
