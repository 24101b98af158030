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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::brokers::Bound;
    use crate::live::brokers::rabbitmq::wire::{text, value};

    fn spec() -> QueueSpec {
        QueueSpec {
            window: 1,
            durable: true,
            delays: true,
            ..QueueSpec::plain("q")
        }
    }

    fn bound(overflow: Overflow) -> Option<Bound> {
        Some(Bound {
            places: 9,
            overflow,
        })
    }

    fn names(plan: &Plan) -> Vec<String> {
        let all = plan.declarations();
        all.into_iter().map(|queue| queue.name).collect()
    }

    #[test]
    fn a_plain_queue_is_alone_and_vanishes_when_unused() {
        let plan = Plan::new("r", &spec());
        assert_eq!(names(&plan), ["orderline.r.q"]);
        let queue = plan.declaration();
        assert_eq!(
            value(&queue.arguments, "x-expires"),
            Some(&Value::Int(3_600_000))
        );
        assert_eq!(queue.arguments.len(), 2, "{queue:?}");
    }

    #[test]
    fn only_dead_letters_go_straight_to_their_queue() {
        let plan = Plan::new(
            "r",
            &QueueSpec {
                dead_letters: true,
                bound: bound(Overflow::Refuse),
                ..spec()
            },
        );
        assert_eq!(names(&plan), ["orderline.r.q.dead", "orderline.r.q"]);
        let arguments = plan.declaration().arguments;
        assert_eq!(
            text(&arguments, "x-dead-letter-routing-key"),
            Some("orderline.r.q.dead")
        );
        assert_eq!(text(&arguments, "x-overflow"), Some("reject-publish"));
        assert_eq!(value(&arguments, "x-max-length"), Some(&Value::Int(9)));
    }

    #[test]
    fn what_is_thrown_away_goes_where_it_is_heard_of() {
        let expires = QueueSpec {
            dead_letters: true,
            time_to_live: Some(Duration::from_micros(1500)),
            ..spec()
        };
        let drops = QueueSpec {
            bound: bound(Overflow::DropOldest),
            ..spec()
        };
        for spec in [expires, drops] {
            let plan = Plan::new("r", &spec);
            let arguments = plan.declaration().arguments;
            assert_eq!(
                text(&arguments, "x-dead-letter-routing-key"),
                Some("orderline.r.q.gone")
            );
            if spec.time_to_live.is_some() {
                assert_eq!(value(&arguments, "x-message-ttl"), Some(&Value::Int(2)));
            }
        }
    }

    #[test]
    fn a_delay_has_a_queue_that_outlives_its_messages() {
        let plan = Plan::new("r", &spec());
        let queue = plan.delay(Duration::from_nanos(7_000_001));
        assert_eq!(queue.name, "orderline.r.q.delay-8");
        assert_eq!(
            value(&queue.arguments, "x-message-ttl"),
            Some(&Value::Int(8))
        );
        assert_eq!(
            text(&queue.arguments, "x-dead-letter-routing-key"),
            Some("orderline.r.q")
        );
        let long = plan.delay(Duration::from_secs(7200));
        let unused = value(&long.arguments, "x-expires");
        assert_eq!(unused, Some(&Value::Int(7_260_000)));
    }

    #[test]
    fn our_first_level_is_the_highest_of_the_broker() {
        let plan = Plan::new(
            "r",
            &QueueSpec {
                priorities: 3,
                ..spec()
            },
        );
        assert_eq!([0, 1, 2, 9].map(|p| plan.level(p)), [2, 1, 0, 0]);
        let highest = value(&plan.declaration().arguments, "x-max-priority").cloned();
        assert_eq!(highest, Some(Value::Int(2)));
        assert_eq!(Plan::new("r", &spec()).level(0), 0);
    }
}
