//! The queues of a run: their names and what is asked of the broker for them.

use super::link::Link;
use super::wire::{Arguments, Method, Table, Value, arguments, id};
use crate::live::brokers::{BrokerError, Overflow, QueueSpec};
use std::time::Duration;

/// A queue that nobody reads from or asks for is gone after that time: what a killed process leaves
/// behind does not stay for ever.
const UNUSED: Duration = Duration::from_secs(3600);
/// How often queues are asked for, so that those that nobody reads from stay during a long run.
pub const RENEWAL: Duration = Duration::from_secs(1200);
/// How much longer than its messages a queue for delayed ones stays.
const AFTER_DELAY: Duration = Duration::from_secs(60);

/// A queue of the run, with those beside it.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Its name.
    pub name: String,
    /// What was asked for.
    pub spec: QueueSpec,
    /// Where its dead letters are kept.
    pub dead: Option<String>,
    /// Where messages go that the broker throws away, for the adapter to hear of them.
    pub gone: Option<String>,
}

/// A queue to be declared.
#[derive(Debug, PartialEq)]
pub struct Declaration {
    /// Its name.
    pub name: String,
    /// How it is to be.
    pub arguments: Table,
}

impl Plan {
    /// The names of a run's queue.
    pub fn new(run: &str, spec: &QueueSpec) -> Plan {
        let name = format!("orderline.{run}.{}", spec.name);
        let drops = spec
            .bound
            .is_some_and(|b| b.overflow == Overflow::DropOldest);
        let throws_away = drops || spec.time_to_live.is_some();
        Plan {
            dead: spec.dead_letters.then(|| format!("{name}.dead")),
            gone: throws_away.then(|| format!("{name}.gone")),
            spec: spec.clone(),
            name,
        }
    }

    /// All that is to be declared, what others refer to first.
    pub fn declarations(&self) -> Vec<Declaration> {
        let beside = self.dead.iter().chain(&self.gone);
        let mut all: Vec<_> = beside.map(|name| Declaration::new(name.clone())).collect();
        all.push(self.declaration());
        all
    }

    fn declaration(&self) -> Declaration {
        let mut queue = Declaration::new(self.name.clone());
        let spec = &self.spec;
        if spec.priorities > 1 {
            queue.add("x-max-priority", i64::from(spec.priorities) - 1);
        }
        if let Some(bound) = spec.bound {
            queue.add("x-max-length", bound.places.min(i64::MAX as u64) as i64);
            let overflow = match bound.overflow {
                Overflow::Refuse => "reject-publish",
                Overflow::DropOldest => "drop-head",
            };
            queue.put("x-overflow", Value::Text(overflow.to_owned()));
        }
        if let Some(limit) = spec.time_to_live {
            queue.add("x-message-ttl", milliseconds(limit));
        }
        // A queue has one way out for all its dead letters. Where there are two kinds, the adapter sorts
        // them by the reason that the broker gives.
        if let Some(out) = self.gone.as_ref().or(self.dead.as_ref()) {
            queue.passes_to(out);
        }
        queue
    }

    /// The queue where messages wait that are kept back for so long: it passes them on when their time
    /// is over.
    pub fn delay(&self, delay: Duration) -> Declaration {
        let milliseconds = milliseconds(delay);
        let mut queue = Declaration::new(format!("{}.delay-{milliseconds}", self.name));
        queue.add("x-message-ttl", milliseconds);
        queue.set_unused(delay + AFTER_DELAY);
        queue.passes_to(&self.name);
        queue
    }

    /// The broker's level for one of ours: it serves the highest first.
    pub fn level(&self, priority: u8) -> u8 {
        let highest = self.spec.priorities.saturating_sub(1);
        highest.saturating_sub(priority)
    }
}

impl Declaration {
    fn new(name: String) -> Declaration {
        let arguments = vec![
            // Whatever the virtual host's default is.
            ("x-queue-type".to_owned(), Value::Text("classic".to_owned())),
            ("x-expires".to_owned(), Value::Int(milliseconds(UNUSED))),
        ];
        Declaration { name, arguments }
    }

    fn put(&mut self, name: &str, value: Value) {
        self.arguments.push((name.to_owned(), value));
    }

    fn add(&mut self, name: &str, value: i64) {
        self.put(name, Value::Int(value));
    }

    fn set_unused(&mut self, limit: Duration) {
        self.arguments.retain(|(name, _)| name != "x-expires");
        self.add("x-expires", milliseconds(limit));
    }

    fn passes_to(&mut self, queue: &str) {
        self.put("x-dead-letter-exchange", Value::Text(String::new()));
        self.put("x-dead-letter-routing-key", Value::Text(queue.to_owned()));
    }

    /// The arguments of the method. Queues are always durable: whether messages are is said with each.
    pub fn method(&self, no_wait: bool) -> Arguments {
        arguments()
            .short(0)
            .text(&self.name)
            .bits([false, true, false, false, no_wait])
            .table(&self.arguments)
    }

    /// Makes it, if it is not there.
    pub async fn make(&self, link: &mut Link) -> Result<(), BrokerError> {
        let action = format!("make the queue {}", self.name);
        link.call(&action, id::QUEUE_DECLARE, &self.method(false))
            .await?;
        Ok(())
    }
}

/// How many messages wait in a queue.
pub fn count(answer: &Method) -> Option<u64> {
    match answer {
        Method::DeclareOk { messages } => Some(u64::from(*messages)),
        _ => None,
    }
}

/// Rounded up, so that nothing happens too early.
fn milliseconds(time: Duration) -> i64 {
    time.as_nanos().div_ceil(1_000_000).min(i64::MAX as u128) as i64
}
