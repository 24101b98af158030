//! What a live run is to do at each stage; and what cannot be done, said before the run.

use super::brokers::{Abilities, Bound, Overflow, QueueSpec};
use crate::network::{
    Acknowledgement, Backoff, Balking, Batching, Breakdowns, Capacity, Commitment, Consumers,
    Discipline, Failure, Failures, Fork, Network, Outages, Patience, Reliability, RetryPlace,
    Staffing, Stage, Stocking, Store, System, Target, TimeToLive, Transactions,
};
use crate::sim::Outcome;
use std::fmt;
use std::time::Duration;

/// Something that a live run cannot do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Where it is asked for.
    pub at: String,
    /// What, as the scenario file calls it.
    pub what: String,
    /// Why not, and what would do.
    pub why: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} cannot be done live: {}",
            self.at, self.what, self.why
        )
    }
}

/// What a live run does at a stage.
#[derive(Debug, Clone)]
pub(super) struct StagePlan {
    /// The number of consumers over time: ascending, the first from the start on.
    pub staff: Vec<(f64, u32)>,
    /// Consumers that share one receiver.
    pub threads: u32,
    /// Receivers.
    pub members: usize,
    /// Whether consumers send messages themselves: to the next stage, or again.
    pub sends: bool,
    pub failure: Option<Failure>,
    pub breakdowns: Option<Breakdowns>,
    /// The level of each class.
    pub levels: Vec<u8>,
    pub discipline: Discipline,
    pub idempotent: bool,
    pub settled_on_delivery: bool,
    /// The outcome of an order that the broker refuses.
    pub refused: Outcome,
    pub queue: QueueSpec,
}

/// What is to be done at every stage, and everything that cannot be.
pub(super) fn plan(
    network: &Network,
    system: System,
    abilities: &Abilities,
    scale: f64,
) -> Result<Vec<StagePlan>, Vec<Refusal>> {
    let mut refusals = of_pipeline(network);
    let mut plans = Vec::new();
    for (index, stage) in network.stages.iter().enumerate() {
        let judge = Judge {
            stage,
            system,
            abilities,
            scale,
            levels: priorities(network).len(),
        };
        refusals.extend(judge.refusals());
        plans.push(of_stage(network, index, scale));
    }
    if refusals.is_empty() {
        Ok(plans)
    } else {
        Err(refusals)
    }
}

fn of_pipeline(network: &Network) -> Vec<Refusal> {
    let refusal = |at: &str, what: &str, why: &str| Refusal {
        at: at.to_owned(),
        what: what.to_owned(),
        why: why.to_owned(),
    };
    let populations = network.populations.iter().map(|population| {
        let why = "orders are sent at the times of their simulated twins, whoever has come back; use an \
                   open arrival process";
        refusal(&population.name, "closed", why)
    });
    let mut refusals: Vec<Refusal> = populations.collect();
    for phase in &network.phases {
        if phase.broker_down.contains(&true) {
            let why = "stop the broker yourself while the run goes on: it will connect again";
            refusals.push(refusal("incident", "broker_down", why));
        }
        if !only_numbers_differ(network, &phase.network) {
            let why = "only rates, laws of service, failure probabilities and numbers of consumers can \
                       change in mid-run: queues are made once";
            refusals.push(refusal("incident", "this change", why));
        }
    }
    refusals.dedup();
    refusals
}

/// Whether two pipelines are the same but for what chance and staff do.
fn only_numbers_differ(network: &Network, phase: &Network) -> bool {
    let mut phase = phase.undisturbed();
    phase.producers.clone_from(&network.producers);
    for (stage, other) in phase.stages.iter_mut().zip(&network.stages) {
        stage.consumers = other.consumers;
        stage.by_class.clone_from(&other.by_class);
        stage.extras.staffing = other.extras.staffing.clone();
        if let (Failures::Some(failure), Failures::Some(other)) =
            (&mut stage.extras.failures, &other.extras.failures)
        {
            failure.probability.clone_from(&other.probability);
        }
    }
    phase == network.undisturbed()
}

/// How long messages may be kept back for others, in real time: the run waits for its first ones, and
/// notices when none come any more.
const LONGEST_LINGER: Duration = Duration::from_secs(1);

/// Judges what one stage asks for.
struct Judge<'a> {
    stage: &'a Stage,
    system: System,
    abilities: &'a Abilities,
    /// Real seconds for each scenario second.
    scale: f64,
    /// Levels of priority that the classes have.
    levels: usize,
}

impl Judge<'_> {
    fn refusals(&self) -> Vec<Refusal> {
        let mut refusals = Vec::new();
        let all = [
            self.of_system(),
            self.of_store(),
            self.of_discipline(),
            self.of_batches(),
            self.of_pulls(),
            self.of_capacity(),
            self.of_failures(),
            self.of_breakdowns(),
        ];
        let all = all.into_iter().flatten().chain(self.of_extras());
        for (what, why) in all {
            refusals.push(Refusal {
                at: format!("stage {}", self.stage.name),
                what: what.to_owned(),
                why,
            });
        }
        refusals
    }

    fn lacks<'w>(&self, what: &'w str, why: &str) -> Option<(&'w str, String)> {
        Some((what, format!("{} {why}", name_of(self.system))))
    }

    fn of_system(&self) -> Option<(&'static str, String)> {
        let asked = self.stage.extras.broker.system;
        let plays =
            asked == self.system || asked == System::Memory || self.system == System::Memory;
        if plays {
            return None;
        }
        let (asked, used) = (name_of(asked), name_of(self.system));
        Some((
            "broker",
            format!(
                "the stage is written for {asked} and the run is on {used}; use that one, or another `broker`"
            ),
        ))
    }

    fn of_store(&self) -> Option<(&'static str, String)> {
        let broker = &self.stage.extras.broker;
        let several = !matches!(self.stage.consumers, Consumers::Finite(1));
        match broker.store {
            Store::Partitions { .. } if !self.abilities.partitions => self.lacks(
                "partitions",
                "has no lanes that belong to one consumer each",
            ),
            // Who gives messages away without limit does not wait for whoever is free.
            Store::Shared
                if !(self.abilities.shared && self.abilities.window)
                    && broker.commitment == Commitment::OnDemand
                    && several =>
            {
                let why = "has no queue from which whoever is free takes the next message; say how it \
                           hands over by `broker` in the scenario";
                self.lacks("one queue for several consumers", why)
            }
            _ => None,
        }
    }

    fn of_discipline(&self) -> Option<(&'static str, String)> {
        match self.stage.discipline {
            Discipline::Fifo => None,
            Discipline::Priority => self.of_priorities(),
            Discipline::Lifo
            | Discipline::Random
            | Discipline::ShortestFirst
            | Discipline::EarliestDeadline
                if self.abilities.disciplines =>
            {
                None
            }
            Discipline::Lifo
            | Discipline::Random
            | Discipline::ShortestFirst
            | Discipline::EarliestDeadline => {
                self.lacks("discipline", "delivers first in, first out")
            }
            Discipline::ShortestRemaining
            | Discipline::PreemptivePriority
            | Discipline::PreemptiveRestart => Some((
                "preemption",
                "no broker interrupts a consumer at its work".to_owned(),
            )),
            Discipline::ProcessorSharing => Some((
                "ps",
                "consumers work on one order after the other".to_owned(),
            )),
        }
    }

    fn of_priorities(&self) -> Option<(&'static str, String)> {
        let (asked, most) = (self.levels, usize::from(self.abilities.priorities));
        match most {
            _ if asked <= most => None,
            1 => self.lacks("priority", "has no priorities"),
            _ => {
                let why = format!(
                    "has {most} levels of priority, and the classes {asked}: give some the same"
                );
                self.lacks("priority", &why)
            }
        }
    }

    fn of_batches(&self) -> Option<(&'static str, String)> {
        let linger = self.stage.extras.broker.costs.linger;
        if linger <= 0.0 {
            return None;
        }
        if !self.abilities.batches {
            return self.lacks("linger", "sends every message at once; write `linger = 0`");
        }
        let real = linger * self.scale;
        (real > LONGEST_LINGER.as_secs_f64()).then(|| {
            let why = format!(
                "a message that is kept back for {real} s of real time looks like one that is lost; \
                 {LONGEST_LINGER:?} at most"
            );
            ("linger", why)
        })
    }

    fn of_pulls(&self) -> Option<(&'static str, String)> {
        match self.stage.extras.broker.commitment {
            Commitment::Pull { at_least: 2.., .. } => {
                let why = "answers as soon as there is one message; write `at_least = 1`";
                self.lacks("pull = { at_least }", why)
            }
            _ => None,
        }
    }

    fn of_capacity(&self) -> Option<(&'static str, String)> {
        match self.stage.capacity {
            Capacity::Unbounded => None,
            Capacity::Reject(_) | Capacity::DropOldest(_) | Capacity::DeadLetter(_)
                if self.abilities.bounded =>
            {
                None
            }
            Capacity::Reject(_) | Capacity::DropOldest(_) | Capacity::DeadLetter(_) => {
                self.lacks("capacity", "has no bound on the number of waiting messages")
            }
            Capacity::Block(_) => Some((
                "overflow = \"block\"",
                "consumers do not wait for room ahead; use \"reject\"".to_owned(),
            )),
            Capacity::Retry(..) => Some((
                "overflow = { retry }",
                "refused orders are not sent again; use \"reject\"".to_owned(),
            )),
        }
    }

    fn of_failures(&self) -> Option<(&'static str, String)> {
        let Failures::Some(failure) = &self.stage.extras.failures else {
            return None;
        };
        if failure.breaker != crate::network::Breaker::None {
            let why = "consumers do not tell each other of failures".to_owned();
            return Some(("circuit_breaker", why));
        }
        if failure.retry == RetryPlace::OldPlace && failure.backoff != Backoff::AtOnce {
            let why = "no broker takes a message back to its old place after a while; leave out the backoff, \
                       or use \"tail\" or \"in_place\"";
            return Some(("retry = \"old_place\" with a backoff", why.to_owned()));
        }
        if failure.retry == RetryPlace::OldPlace && !self.abilities.requeues {
            return self.lacks(
                "retry = \"old_place\"",
                "takes no message back to its old place; use \"tail\" or \"in_place\"",
            );
        }
        None
    }

    fn of_breakdowns(&self) -> Option<(&'static str, String)> {
        let Reliability::Breakdowns(how) = &self.stage.extras.reliability else {
            return None;
        };
        if threads(self.stage) > 1 {
            let why =
                "its consumers share a connection, and would all break down together".to_owned();
            return Some(("breakdown", why));
        }
        let redelivers = how.then == crate::network::AfterRepair::Redeliver;
        let loses = self.stage.extras.broker.acknowledgement == Acknowledgement::OnDelivery;
        if redelivers && !loses && !self.abilities.redelivers {
            return self.lacks(
                "breakdown = { then = \"redeliver\" }",
                "does not deliver again what a dead consumer held",
            );
        }
        None
    }

    fn of_extras(&self) -> impl Iterator<Item = (&'static str, String)> {
        let extras = &self.stage.extras;
        let not_yet =
            |asked: bool, what: &'static str, why: &str| asked.then(|| (what, why.to_owned()));
        let bounded_wait =
            extras.time_to_live != TimeToLive::Endless && !self.abilities.time_to_live;
        let all = [
            not_yet(
                self.stage.consumers == Consumers::Unlimited,
                "consumers = \"unlimited\"",
                "each is a connection; give a number",
            ),
            not_yet(
                extras.patience != Patience::Endless,
                "patience",
                "a message that was sent does not come back by itself; use `ttl`",
            ),
            not_yet(
                extras.fork != Fork::None,
                "fanout",
                "copies have no simulated twins of their own",
            ),
            not_yet(
                extras.balking != Balking::Never,
                "balk",
                "senders do not see the queue; use `capacity`",
            ),
            not_yet(
                extras.batching != Batching::Single,
                "batch",
                "consumers work on one order after the other",
            ),
            not_yet(
                matches!(extras.staffing, Staffing::Autoscale(_)),
                "autoscale",
                "nobody scales a live run; use `schedule`",
            ),
            not_yet(
                extras.stocking != Stocking::None,
                "stock",
                "there is no stock besides the simulated one",
            ),
            not_yet(
                extras.broker.transaction != Transactions::None,
                "transaction",
                "messages are sent without transactions",
            ),
            not_yet(
                extras.broker.outages != Outages::Never,
                "outage",
                "stop the broker yourself while the run goes on: it will connect again",
            ),
        ];
        let ttl = bounded_wait.then(|| {
            let why = format!(
                "{} does not tell which messages expire",
                name_of(self.system)
            );
            ("ttl", why)
        });
        all.into_iter().flatten().chain(ttl)
    }
}

/// A system as people write it.
pub fn name_of(system: System) -> &'static str {
    match system {
        System::Memory => "the in-process broker",
        System::RabbitMq => "RabbitMQ",
        System::Kafka => "Kafka",
        System::ActiveMq => "ActiveMQ",
        System::RocketMq => "RocketMQ",
        System::ZeroMq => "ZeroMQ",
    }
}

/// Consumers of a stage that share a receiver.
fn threads(stage: &Stage) -> u32 {
    match stage.extras.broker.commitment {
        Commitment::OnDemand => 1,
        _ => stage.extras.broker.threads.max(1),
    }
}

/// Whether orders go on from a stage to another.
fn leads_on(stage: &Stage) -> bool {
    let mut routes = stage.by_class.iter().flat_map(|class| &class.next);
    routes.any(|route| matches!(route.to, Target::Stage(_)))
}

fn of_stage(network: &Network, index: usize, scale: f64) -> StagePlan {
    let stage = &network.stages[index];
    let extras = &stage.extras;
    let staff = staff(network, index);
    let threads = threads(stage);
    let most = staff.iter().map(|(_, consumers)| *consumers).max();
    let members = most.unwrap_or(1).div_ceil(threads).max(1) as usize;
    let (levels, count) = levels(network, stage);
    let broker = &extras.broker;
    let window = match broker.commitment {
        Commitment::OnDemand => 1,
        Commitment::Push { prefetch } => prefetch,
        Commitment::Pull { batch, .. } => batch,
        Commitment::AtSend { high_water_mark } => high_water_mark,
    };
    let real = |seconds: f64| Duration::try_from_secs_f64(seconds * scale).ok();
    let failure = match &extras.failures {
        Failures::Never => None,
        Failures::Some(failure) => Some((**failure).clone()),
    };
    let settled_on_delivery = broker.acknowledgement == Acknowledgement::OnDelivery;
    StagePlan {
        threads,
        members,
        sends: failure.is_some() || leads_on(stage),
        breakdowns: match &extras.reliability {
            Reliability::Perfect => None,
            Reliability::Breakdowns(how) => Some(how.clone()),
        },
        discipline: stage.discipline,
        idempotent: broker.idempotent,
        settled_on_delivery,
        refused: match stage.capacity {
            Capacity::DeadLetter(_) => Outcome::DeadLettered,
            _ => Outcome::Rejected,
        },
        queue: QueueSpec {
            name: letters(&stage.name),
            members,
            partitions: match broker.store {
                Store::Shared => 0,
                Store::Partitions { count, .. } => count,
            },
            window,
            settled_on_delivery,
            durable: broker.durable,
            priorities: count,
            bound: bound(&stage.capacity),
            time_to_live: match extras.time_to_live {
                TimeToLive::Endless => None,
                TimeToLive::Limited { seconds, .. } => real(seconds),
            },
            dead_letters: failure
                .as_ref()
                .is_some_and(|f| f.then == crate::network::AfterFailure::DeadLetter),
            delays: failure
                .as_ref()
                .is_some_and(|f| f.backoff != Backoff::AtOnce),
            detection: real(broker.detection).unwrap_or_default(),
            rebalance: real(broker.rebalance).unwrap_or_default(),
            discipline: stage.discipline,
            linger: real(broker.costs.linger).unwrap_or_default(),
            batch_bytes: broker.costs.batch_bytes,
            commit_every: match broker.acknowledgement {
                Acknowledgement::Commits { every } => real(every).unwrap_or(Duration::MAX),
                _ => Duration::ZERO,
            },
        },
        failure,
        levels,
        staff,
    }
}

fn bound(capacity: &Capacity) -> Option<Bound> {
    match capacity {
        Capacity::Reject(places) | Capacity::DeadLetter(places) => Some(Bound {
            places: *places,
            overflow: Overflow::Refuse,
        }),
        Capacity::DropOldest(places) => Some(Bound {
            places: *places,
            overflow: Overflow::DropOldest,
        }),
        Capacity::Unbounded | Capacity::Block(_) | Capacity::Retry(..) => None,
    }
}

/// The level of every class at a stage, and how many levels there are.
fn levels(network: &Network, stage: &Stage) -> (Vec<u8>, u8) {
    if stage.discipline != Discipline::Priority {
        return (vec![0; network.classes.len()], 1);
    }
    let priorities = priorities(network);
    let level = |priority: u32| priorities.iter().position(|p| *p == priority);
    let classes = network.classes.iter();
    let levels = classes.map(|class| level(class.priority).map_or(u8::MAX, |l| l.min(255) as u8));
    (levels.collect(), priorities.len().min(255) as u8)
}

/// The priorities that the classes have, ascending.
fn priorities(network: &Network) -> Vec<u32> {
    let mut priorities: Vec<u32> = network.classes.iter().map(|class| class.priority).collect();
    priorities.sort_unstable();
    priorities.dedup();
    priorities
}

/// A name that any broker takes.
fn letters(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    name.chars().map(plain).collect()
}

/// The number of consumers over time.
fn staff(network: &Network, stage: usize) -> Vec<(f64, u32)> {
    let horizon = network.expected_duration();
    let mut edges = vec![0.0];
    edges.extend(network.phases.iter().map(|phase| phase.from));
    let pipelines = std::iter::once(network).chain(network.phases.iter().map(|p| &p.network));
    for pipeline in pipelines {
        if let Staffing::Shifts(shifts) = &pipeline.stages[stage].extras.staffing {
            let rounds = if shifts.period.is_finite() {
                (horizon / shifts.period).ceil() as u64
            } else {
                1
            };
            for round in 0..rounds {
                let begin = if round == 0 {
                    0.0
                } else {
                    round as f64 * shifts.period
                };
                edges.extend(shifts.steps.iter().map(|step| begin + step.at));
            }
        }
    }
    edges.retain(|edge| *edge <= horizon);
    edges.sort_by(f64::total_cmp);
    edges.dedup();
    let mut staff: Vec<(f64, u32)> = Vec::new();
    for edge in edges {
        let consumers = consumers_at(network, stage, edge);
        if staff.last().is_none_or(|(_, before)| *before != consumers) {
            staff.push((edge, consumers));
        }
    }
    staff
}

fn consumers_at(network: &Network, stage: usize, time: f64) -> u32 {
    let phase = network.phases.iter().rev().find(|phase| phase.from <= time);
    let pipeline = phase.map_or(network, |phase| &phase.network);
    let stage = &pipeline.stages[stage];
    let plain = match stage.consumers {
        Consumers::Finite(consumers) => consumers,
        Consumers::Unlimited => 1,
    };
    let Staffing::Shifts(shifts) = &stage.extras.staffing else {
        return plain;
    };
    let into = if shifts.period.is_finite() {
        time % shifts.period
    } else {
        time
    };
    let steps = shifts.steps.iter().rev();
    let mut begun = steps.filter(|step| step.at <= into);
    let last_of_all = shifts.steps.last().filter(|_| time >= shifts.period);
    let step = begun.next().or(last_of_all);
    step.map_or(plain, |step| step.consumers)
}

#[cfg(test)]
mod tests {
    use super::super::brokers::Broker;
    use super::super::brokers::memory::Memory;
    use super::*;

    fn network(text: &str) -> Network {
        let text = format!(
            "name = \"t\"\nseed = 1\n[run]\nduration = 100\n[[producer]]\nname = \"web\"\nto = \"a\"\n\
             arrivals = {{ poisson = {{ rate = 8 }} }}\n[[stage]]\nname = \"a\"\n{text}"
        );
        let base = std::path::Path::new(".");
        let loaded = crate::scenario::parse(&text, "t.toml", base, &[]);
        loaded.expect("a scenario").network
    }

    fn planned(text: &str) -> Result<Vec<StagePlan>, Vec<Refusal>> {
        plan(&network(text), System::Memory, &Memory::ABILITIES, 1.0)
    }

    const SERVICE: &str = "service = { exponential = { rate = 10 } }\n";

    #[test]
    fn a_plain_stage_is_one_queue_with_a_receiver_for_each_consumer() {
        let plans = planned(&format!("{SERVICE}consumers = 3\n")).expect("it can be done");
        let only = &plans[0];
        assert_eq!((only.members, only.threads, only.queue.window), (3, 1, 1));
        assert_eq!(only.staff, [(0.0, 3)]);
        assert_eq!(only.queue.bound, None);
    }

    #[test]
    fn shifts_change_the_number_of_consumers() {
        let text = format!(
            "{SERVICE}consumers = 1\nschedule = {{ steps = [{{ at = 10, consumers = 4 }}, {{ at = 30, consumers = 2 }}], period = 50 }}\n"
        );
        let plans = planned(&text).expect("it can be done");
        let expected = [(0.0, 1), (10.0, 4), (30.0, 2), (60.0, 4), (80.0, 2)];
        assert_eq!(plans[0].staff, expected);
        assert_eq!(plans[0].members, 4);
    }

    #[test]
    fn what_cannot_be_done_is_all_said_at_once() {
        let text = format!(
            "{SERVICE}consumers = 1\nqueue = {{ capacity = 5, overflow = {{ retry = {{ exponential = {{ rate = 1 }} }} }} }}\npatience = {{ exponential = {{ rate = 1 }} }}\n"
        );
        let refusals = planned(&text).expect_err("it cannot be done");
        let what: Vec<&str> = refusals.iter().map(|r| r.what.as_str()).collect();
        assert_eq!(what, ["overflow = { retry }", "patience"]);
        assert!(
            refusals[0]
                .to_string()
                .starts_with("stage a: overflow = { retry } cannot be done live: ")
        );
    }

    #[test]
    fn an_adapter_without_priorities_refuses_them() {
        let text = format!(
            "{SERVICE}consumers = 1\nqueue = {{ discipline = {{ priority = {{ preemptive = false }} }} }}\n"
        );
        let network = network(&text);
        let abilities = Abilities {
            priorities: 1,
            ..Memory::ABILITIES
        };
        let mut network = network;
        for priority in 1..3 {
            let class = crate::network::Class {
                priority,
                ..network.classes[0].clone()
            };
            network.classes.push(class);
        }
        let refusals = plan(&network, System::ZeroMq, &abilities, 1.0).expect_err("refused");
        assert_eq!(refusals[0].why, "ZeroMQ has no priorities");
        let one_too_few = Abilities {
            priorities: 2,
            ..Memory::ABILITIES
        };
        let refusals = plan(&network, System::ZeroMq, &one_too_few, 1.0).expect_err("refused");
        let why = "ZeroMQ has 2 levels of priority, and the classes 3: give some the same";
        assert_eq!(refusals[0].why, why);
        assert!(plan(&network, System::Memory, &Memory::ABILITIES, 1.0).is_ok());
    }

    #[test]
    fn names_are_put_into_letters_that_any_broker_takes() {
        assert_eq!(letters("pay & ship/2"), "pay---ship-2");
    }
}
