//! What chance says to every order of one replication, written down: drawn once by the simulation, it can
//! be played by others, and replayed with other times.

use crate::network::{Network, Target};

/// The orders of one replication, and what chance said to each.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Script {
    /// In the order in which they enter: the position is the order's number.
    pub orders: Vec<ScriptedOrder>,
    /// When the run ends, seconds.
    pub end: f64,
    /// The attempts of all orders, an order's side by side.
    attempts: Vec<Attempt>,
}

/// An order of a script.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScriptedOrder {
    /// When it enters, seconds.
    pub entered: f64,
    /// Seconds from then until its producer has sent it.
    pub held: f64,
    /// Index of its producer.
    pub producer: u32,
    /// Index of its class.
    pub class: u32,
    /// Bytes of its message.
    pub size: f64,
    /// Where its attempts begin, and how many there are.
    first: usize,
    count: u32,
}

/// One try at the work for an order at a stage. What the simulation did not need it has not drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Attempt {
    /// Index of the stage.
    pub stage: u32,
    /// The lane that the order waits in.
    pub lane: u32,
    /// Seconds of work.
    pub work: f64,
    /// Whether it fails.
    pub fails: Option<bool>,
    /// Seconds until the next attempt, after a failed one.
    pub backoff: Option<f64>,
    /// Where the order goes, after one that has not failed.
    pub next: Option<Target>,
}

impl Script {
    /// A script without orders so far, of a run that ends at `end`, seconds.
    pub fn until(end: f64) -> Script {
        Script {
            end,
            ..Script::default()
        }
    }

    /// The same script of a run that ends at `end`, seconds.
    pub fn cut(&self, end: f64) -> Script {
        Script {
            end,
            ..self.clone()
        }
    }

    /// An order that enters, with its attempts.
    pub fn push(&mut self, mut order: ScriptedOrder, attempts: &[Attempt]) {
        order.first = self.attempts.len();
        order.count = attempts.len() as u32;
        self.orders.push(order);
        self.attempts.extend_from_slice(attempts);
    }

    /// The same, to be changed.
    pub fn attempts_mut(&mut self, order: u64) -> &mut [Attempt] {
        match self.orders.get(order as usize) {
            Some(order) => &mut self.attempts[order.first..][..order.count as usize],
            None => &mut [],
        }
    }

    /// The attempts of an order, first to last; none of an order that there is not.
    pub fn attempts(&self, order: u64) -> &[Attempt] {
        let order = self.orders.get(order as usize);
        order.map_or(&[], |order| {
            &self.attempts[order.first..][..order.count as usize]
        })
    }
}

impl Script {
    /// Whether a run of the network could have gone like this: indices that exist, times and numbers that can be. Says what is
    /// wrong, if anything. An order that enters at infinity never does.
    pub(super) fn check(&self, network: &Network) -> Result<(), String> {
        let senders = network.producers.len() + network.populations.len();
        let classes = network.classes.len();
        for (number, order) in self.orders.iter().enumerate() {
            let known = (order.producer as usize) < senders && (order.class as usize) < classes;
            let held = is_time(order.held) && order.held < f64::INFINITY;
            if !known || !held || !is_time(order.entered) || !is_time(order.size) {
                return Err(format!("order {number}: {order:?}"));
            }
        }
        let impossible = |attempt: &&Attempt| !attempt.is_possible(network.stages.len());
        match self.attempts.iter().find(impossible) {
            Some(attempt) => Err(format!("{attempt:?}")),
            None => Ok(()),
        }
    }
}

impl Attempt {
    fn is_possible(&self, stages: usize) -> bool {
        let goes_on = match self.next {
            Some(Target::Stage(next)) => next.0 < stages,
            _ => true,
        };
        let work = is_time(self.work) && self.work < f64::INFINITY;
        (self.stage as usize) < stages && goes_on && work && self.backoff.is_none_or(is_time)
    }
}

/// Neither negative nor undefined.
fn is_time(seconds: f64) -> bool {
    seconds >= 0.0
}

impl ScriptedOrder {
    /// An order without attempts so far.
    pub fn new(entered: f64, producer: u32, class: u32, size: f64) -> ScriptedOrder {
        ScriptedOrder {
            entered,
            held: 0.0,
            producer,
            class,
            size,
            first: 0,
            count: 0,
        }
    }
}
