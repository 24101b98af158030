//! The compiled pipeline: what every engine reads and nothing else.
//!
//! Names have become indices, units seconds and bytes, and every default of the scenario file is
//! spelled out, so no engine decides what a missing key means. The [`crate::scenario`] room builds
//! a `Network` and vouches for its invariants, which are stated at each field.

mod broker;
mod failure;
mod figures;
mod incident;
pub mod presets;
mod settings;
mod staffing;
mod stock;

pub use broker::{
    Acknowledgement, Broker, Commitment, Costs, Expiry, HalfMessages, Outage, Outages, Outside,
    PartitionBy, Store, System, Transactions,
};
pub use failure::{
    AfterFailure, Backoff, Breaker, CircuitBreaker, Failure, Failures, RetryPlace, WhileOpen,
};
pub use incident::Phase;
pub use presets::{
    HALF_MESSAGE_CHECKS, HALF_MESSAGE_CHECKS_EVERY, HALF_MESSAGE_TIMEOUT, Redelivery,
};
pub use settings::Setting;
pub use staffing::{Autoscale, ScaleBy, Shift, Shifts, Staffing};
pub use stock::{Hold, Item, Replenishment, Shortage, Stock, Stocking};

use crate::metric::Metric;
use crate::random::{Arrivals, Distribution};

/// Index of a stage in [`Network::stages`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StageId(pub usize);

/// Index of a class in [`Network::classes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassId(pub usize);

/// A whole order pipeline, ready to be simulated or analysed.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// The scenario's name; also the default name of its output folder.
    pub name: String,
    /// The master seed of every random stream.
    pub seed: u64,
    /// How long to run, how often, and how sure to be.
    pub run: RunPlan,
    /// At least one class; a scenario that declares none gets a single class named `default`.
    pub classes: Vec<Class>,
    /// Sources from outside; at least one, unless there are populations.
    pub producers: Vec<Producer>,
    /// Closed populations: orders that come back after a think time for ever.
    pub populations: Vec<Population>,
    /// At least one stage.
    pub stages: Vec<Stage>,
    /// Service-level objectives to judge the measurements by; may be empty.
    pub slos: Vec<Slo>,
    /// What incidents change, and when.
    pub phases: Vec<Phase>,
}

/// How long to run, how often, and how sure to be.
#[derive(Debug, Clone, PartialEq)]
pub struct RunPlan {
    /// When a replication ends.
    pub horizon: Horizon,
    /// What is left out at the start of every replication.
    pub warmup: Warmup,
    /// How many replications.
    pub replications: Replications,
    /// Confidence level of every interval, in (0, 1).
    pub confidence: f64,
}

/// When a replication ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Horizon {
    /// At this virtual time, in seconds; positive.
    Duration(f64),
    /// At the instant when this many orders have entered; positive.
    Orders(u64),
}

/// What is left out of the averages at the start of every replication.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Warmup {
    /// Found from pilot runs by the MSER-5 rule.
    Auto,
    /// A fixed time in seconds; at least 0 and less than the duration.
    Fixed(f64),
}

/// How many replications to run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Replications {
    /// Exactly this many; positive.
    Fixed(u64),
    /// As many as it takes until the half-width of every mean is at most this share of the mean.
    Precision {
        /// The asked-for relative half-width, in (0, 1).
        relative: f64,
        /// Replications to run before looking, at least 2.
        at_least: u64,
    },
}

/// A kind of order.
#[derive(Debug, Clone, PartialEq)]
pub struct Class {
    /// Unique among the classes.
    pub name: String,
    /// 0 is served first. Classes may share a priority and are then served in order of arrival.
    pub priority: u32,
    /// Seconds from entering within which an order should be done; the order of service under `edf`
    /// goes by it. Infinite: none.
    pub deadline: f64,
}

/// A source of orders.
#[derive(Debug, Clone, PartialEq)]
pub struct Producer {
    /// Unique among the producers.
    pub name: String,
    /// The class of every order it sends.
    pub class: ClassId,
    /// The stage its orders enter at.
    pub to: StageId,
    /// When it sends.
    pub arrivals: Arrivals,
    /// Bytes of each of its messages; at least 0.
    pub message_size: f64,
}

/// A fixed number of customers, each with one order at a time: it thinks, sends an order, waits until
/// the order has left the pipeline (completed or not), and thinks again.
#[derive(Debug, Clone, PartialEq)]
pub struct Population {
    /// Unique among the producers and populations.
    pub name: String,
    /// The class of every order.
    pub class: ClassId,
    /// The stage its orders enter at.
    pub to: StageId,
    /// How many customers; positive.
    pub customers: u64,
    /// Time from the end of an order until its customer sends the next; may be 0.
    pub think: Distribution,
    /// Bytes of each of its messages; at least 0.
    pub message_size: f64,
}

/// A queue with its consumers.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// Unique among the stages.
    pub name: String,
    /// Its parallel servers.
    pub consumers: Consumers,
    /// Which waiting message is served next.
    pub discipline: Discipline,
    /// How many messages may wait, those with a consumer excluded.
    pub capacity: Capacity,
    /// How each class is treated here, indexed by [`ClassId`]; one entry for every class of the
    /// network, whether or not its orders ever come here.
    pub by_class: Vec<ClassAtStage>,
    /// What goes beyond a plain queue.
    pub extras: Extras,
}

/// What a stage does beyond a plain queue; the default does nothing of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Extras {
    /// How long an order waits before it gives up.
    pub patience: Patience,
    /// Whether the consumers fail.
    pub reliability: Reliability,
    /// What happens to an order after its service here.
    pub fork: Fork,
    /// Whether orders turn away from a long queue.
    pub balking: Balking,
    /// How long a message may wait in the queue, seconds; infinite: for ever. Then it is expired.
    pub time_to_live: TimeToLive,
    /// How many orders a consumer serves at once.
    pub batching: Batching,
    /// Whether attempts at the work fail.
    pub failures: Failures,
    /// How the number of consumers changes.
    pub staffing: Staffing,
    /// What orders take from stock.
    pub stocking: Stocking,
    /// How messages are handed over.
    pub broker: Broker,
}

/// Whether orders turn away from a long queue.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Balking {
    /// They do not.
    #[default]
    Never,
    /// With the probability of the last step whose number of waiting messages has been reached.
    Steps(Vec<BalkingStep>),
}

/// From so many waiting messages on, orders turn away with this probability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BalkingStep {
    /// Waiting messages, in ascending order; the first step may begin at 0.
    pub at: u64,
    /// In [0, 1].
    pub probability: f64,
}

/// How long a message may wait in a queue.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum TimeToLive {
    /// For ever.
    #[default]
    Endless,
    /// So many seconds (above 0), then it leaves as the outcome says.
    Limited {
        /// Seconds.
        seconds: f64,
        /// Whether it is kept aside instead.
        then: AfterExpiry,
    },
}

/// What becomes of a message whose time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterExpiry {
    /// It is expired.
    Expired,
    /// It is kept aside.
    DeadLetter,
}

/// How many orders a consumer serves at once.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Batching {
    /// One.
    #[default]
    Single,
    /// All that wait, up to `size`, in the service time of the first; but a consumer starts only when
    /// `at_least` wait, or the first has waited `wait` seconds.
    UpTo {
        /// At least 2.
        size: u32,
        /// At least 1, at most `size`.
        at_least: u32,
        /// Seconds; infinite: until there are enough.
        wait: f64,
    },
}

/// How long an order waits before it gives up; its service, once started, is not interrupted.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Patience {
    /// For ever.
    #[default]
    Endless,
    /// At most a time drawn from this law.
    Limited(Distribution),
}

/// Whether consumers fail.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Reliability {
    /// They never do.
    #[default]
    Perfect,
    /// Each fails on its own, again and again.
    Breakdowns(Breakdowns),
}

/// How each consumer of a stage fails, independently of the others.
#[derive(Debug, Clone, PartialEq)]
pub struct Breakdowns {
    /// Time from a repair to the next failure, on the clock of `when`.
    pub uptime: Distribution,
    /// Time from a failure to the end of the repair.
    pub downtime: Distribution,
    /// When the clock of `uptime` runs.
    pub when: FailureClock,
    /// What becomes of the order that the consumer had when it failed.
    pub then: AfterRepair,
}

/// When the clock of a consumer's uptime runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureClock {
    /// Always, also while it is idle.
    Always,
    /// Only while it serves.
    Busy,
}

/// What becomes of an order whose consumer failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterRepair {
    /// It stays with its consumer, and its service goes on after the repair.
    Resume,
    /// It stays with its consumer, and its service starts anew after the repair.
    Restart,
    /// It goes back to the queue.
    Redeliver,
}

/// What happens to an order after its service, before it goes on as its class's routes say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Fork {
    /// Nothing.
    #[default]
    None,
    /// A copy goes to each of these stages (at least two, all different); the order goes on when all
    /// copies have left the pipeline.
    JoinAll(Vec<StageId>),
    /// A copy goes to each of these stages (at least one, all different); the order goes on at once.
    Detached(Vec<StageId>),
}

/// The number of a stage's parallel servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consumers {
    /// This many; at least 1.
    Finite(u32),
    /// One for every order: nobody ever waits.
    Unlimited,
}

/// How many messages may wait at a stage, those with a consumer excluded, and what happens to an order
/// that finds the queue full.
#[derive(Debug, Clone, PartialEq)]
pub enum Capacity {
    /// Any number.
    Unbounded,
    /// At most this many (0 is a pure loss stage); an order that finds the queue full is rejected.
    Reject(u64),
    /// At most this many; an order that finds the queue full stays with the consumer of the stage that
    /// it comes from, which serves nobody else meanwhile (blocking after service). An order from
    /// outside comes from no consumer: it is rejected. Stages that block are in no circle of their own.
    Block(u64),
    /// At most this many; an order that finds the queue full tries again after a time drawn from this
    /// law, each on its own, for ever (an orbit).
    Retry(u64, Distribution),
    /// At most this many, at least 1; an order that finds the queue full takes the place of the one that
    /// has waited longest, which is rejected.
    DropOldest(u64),
    /// At most this many; an order that finds the queue full leaves the pipeline and is kept aside.
    DeadLetter(u64),
}

/// Which waiting message is served next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discipline {
    /// First in, first out.
    Fifo,
    /// Last in, first out; service is not interrupted.
    Lifo,
    /// Any waiting message with equal probability.
    Random,
    /// The message with the shortest service time; service is not interrupted.
    ShortestFirst,
    /// The message with the shortest remaining service time, at once: a shorter one that comes
    /// interrupts the service of a longer one.
    ShortestRemaining,
    /// Nobody waits: all share the consumers' work equally, each at most one consumer's.
    ProcessorSharing,
    /// The lowest [`Class::priority`] first, in order of arrival within a priority; service is not
    /// interrupted.
    Priority,
    /// The same, but a message of a lower priority number interrupts the service of a higher one, which
    /// later goes on where it was.
    PreemptivePriority,
    /// The same, but the work of the interrupted one is lost, and later starts anew.
    PreemptiveRestart,
    /// The earliest time of entering plus [`Class::deadline`] first; service is not interrupted.
    EarliestDeadline,
}

/// How orders of one class are treated at one stage.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassAtStage {
    /// The time a consumer works on one order.
    pub service: Service,
    /// Where the order goes next. Probabilities are positive and add up to 1 (to 1e-9); a target
    /// appears once.
    pub next: Vec<Route>,
}

/// The time a consumer works on one order, and whose law it is: classes that share a law also
/// share its random stream.
#[derive(Debug, Clone, PartialEq)]
pub enum Service {
    /// The stage's own law, the same for every class that has none of its own.
    Common(Distribution),
    /// This class's own law at this stage.
    Own(Distribution),
}

impl Service {
    /// The law, whoever's it is.
    pub fn law(&self) -> &Distribution {
        match self {
            Service::Common(law) | Service::Own(law) => law,
        }
    }
}

/// One way on from a stage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Route {
    /// Where to.
    pub to: Target,
    /// With which probability, in (0, 1].
    pub probability: f64,
}

/// Where an order goes after a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// On to another stage (or back to the same).
    Stage(StageId),
    /// Out of the pipeline, done.
    Completed,
    /// Out of the pipeline, given up by the scenario's own choice.
    Cancelled,
}

impl Fork {
    /// Where copies go.
    pub fn branches(&self) -> &[StageId] {
        match self {
            Fork::None => &[],
            Fork::JoinAll(branches) | Fork::Detached(branches) => branches,
        }
    }
}

impl Extras {
    /// Whether there is nothing beyond a plain queue; a fork changes what comes after, not the queue.
    pub fn is_plain(&self) -> bool {
        let fork = self.fork.clone();
        *self
            == Extras {
                fork,
                ..Extras::default()
            }
    }
}

impl Stage {
    /// The first thing asked for beyond a queue that serves each message once and in turn, or rejects
    /// it, as the scenario file calls it.
    pub fn special(&self) -> Option<&'static str> {
        match self.discipline {
            Discipline::ShortestFirst => return Some("sjf"),
            Discipline::ShortestRemaining => return Some("srpt"),
            Discipline::ProcessorSharing => return Some("ps"),
            Discipline::PreemptivePriority => return Some("preemptive = true"),
            Discipline::PreemptiveRestart => return Some("preemptive = \"restart\""),
            Discipline::EarliestDeadline => return Some("edf"),
            Discipline::Fifo | Discipline::Lifo | Discipline::Random | Discipline::Priority => {}
        }
        match self.capacity {
            Capacity::Block(_) => return Some("block"),
            Capacity::Retry(..) => return Some("retry"),
            Capacity::DropOldest(_) => return Some("drop_oldest"),
            Capacity::DeadLetter(_) => return Some("dead_letter"),
            Capacity::Unbounded | Capacity::Reject(_) => {}
        }
        let extras = &self.extras;
        let asked = [
            (extras.patience != Patience::Endless, "patience"),
            (extras.reliability != Reliability::Perfect, "breakdown"),
            (extras.fork != Fork::None, "fanout"),
            (extras.balking != Balking::Never, "balk"),
            (extras.time_to_live != TimeToLive::Endless, "ttl"),
            (extras.batching != Batching::Single, "batch"),
            (extras.failures != Failures::Never, "failure"),
            (matches!(extras.staffing, Staffing::Shifts(_)), "schedule"),
            (
                matches!(extras.staffing, Staffing::Autoscale(_)),
                "autoscale",
            ),
            (extras.stocking != Stocking::None, "stock"),
            (extras.broker != Broker::default(), "broker"),
        ];
        asked
            .into_iter()
            .find(|(asked, _)| *asked)
            .map(|(_, name)| name)
    }
}

/// A service-level objective: a metric at a place and the side of a limit it must be on.
#[derive(Debug, Clone, PartialEq)]
pub struct Slo {
    /// Where the metric is taken.
    pub at: Place,
    /// What is judged.
    pub metric: Metric,
    /// The side of the limit that is good.
    pub bound: SloBound,
}

/// The good side of a limit, in the metric's unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SloBound {
    /// The figure must be below this.
    Below(f64),
    /// The figure must be above this.
    Above(f64),
}

/// Where in the network a figure is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// End to end.
    Pipeline,
    /// At one stage, all classes together.
    Stage(StageId),
    /// At one stage, one class.
    Class(StageId, ClassId),
}

impl Network {
    /// The same pipeline without its incidents.
    pub fn undisturbed(&self) -> Network {
        Network {
            phases: Vec::new(),
            ..self.clone()
        }
    }

    /// The first thing asked for beyond producers and plain queues, as the scenario file calls it, and
    /// where.
    pub fn beyond_plain(&self) -> Option<(&str, &'static str)> {
        let closed = self.populations.first();
        let closed = closed.map(|population| (population.name.as_str(), "closed"));
        let incident = self
            .phases
            .first()
            .map(|_| (self.name.as_str(), "incident"));
        let stages = self.stages.iter();
        let mut stages = stages.filter_map(|stage| Some((stage.name.as_str(), stage.special()?)));
        closed.or(incident).or_else(|| stages.next())
    }

    /// The way a place is written in every output: `pipeline`, `stage:NAME` or
    /// `class:STAGE/CLASS`.
    pub fn place_name(&self, place: Place) -> String {
        match place {
            Place::Pipeline => "pipeline".to_owned(),
            Place::Stage(stage) => format!("stage:{}", self.stages[stage.0].name),
            Place::Class(stage, class) => format!(
                "class:{}/{}",
                self.stages[stage.0].name, self.classes[class.0].name
            ),
        }
    }

    /// Seconds that a replication is expected to last.
    pub fn expected_duration(&self) -> f64 {
        match self.run.horizon {
            Horizon::Duration(end) => end,
            Horizon::Orders(orders) => self.time_of(orders as f64),
        }
    }

    /// Orders that are expected to enter in a replication.
    pub fn expected_orders(&self) -> f64 {
        match self.run.horizon {
            Horizon::Duration(end) => self.orders_until(end),
            Horizon::Orders(orders) => orders as f64,
        }
    }

    /// Orders per second from all producers and populations over an expected replication.
    pub fn offered_rate(&self) -> f64 {
        let duration = self.expected_duration();
        self.orders_until(duration) / duration
    }

    fn orders_until(&self, duration: f64) -> f64 {
        let producers = self.producers.iter();
        let rates = producers.map(|p| p.arrivals.mean_rate_over(duration));
        let closed = self.populations.iter().map(|p| self.unhindered_rate(p));
        (rates.sum::<f64>() + closed.sum::<f64>()) * duration
    }

    /// Orders per second of a population, roughly: as if each order passed once through every stage
    /// that it can come to, waiting nowhere; but no faster than the first stage can serve.
    fn unhindered_rate(&self, population: &Population) -> f64 {
        let work = |stage: &Stage| stage.by_class[population.class.0].service.law().mean();
        let visited = self.reachable(population.class, population.to);
        let stages = self.stages.iter().zip(visited);
        let visits = stages.filter(|(_, visited)| *visited);
        let round = population.think.mean() + visits.map(|(stage, _)| work(stage)).sum::<f64>();
        let first = &self.stages[population.to.0];
        let fastest = match first.consumers {
            Consumers::Finite(consumers) => f64::from(consumers) / work(first),
            Consumers::Unlimited => f64::INFINITY,
        };
        let rate = (population.customers as f64 / round).min(fastest);
        if rate.is_finite() { rate } else { 0.0 }
    }

    /// The stages that orders of a class which enter at one, and their copies, can come to.
    fn reachable(&self, class: ClassId, entrance: StageId) -> Vec<bool> {
        let mut reached = vec![false; self.stages.len()];
        let mut open = vec![entrance];
        while let Some(at) = open.pop() {
            if std::mem::replace(&mut reached[at.0], true) {
                continue;
            }
            let stage = &self.stages[at.0];
            for route in &stage.by_class[class.0].next {
                if let Target::Stage(to) = route.to {
                    open.push(to);
                }
            }
            open.extend(stage.extras.fork.branches());
        }
        reached
    }

    /// When so many orders are expected to have come: doubled until there are enough, then halved
    /// down. Where there never are enough (a trace, a schedule that ends), a time at which nearly
    /// all have come.
    fn time_of(&self, orders: f64) -> f64 {
        const NEVER: f64 = (1u64 << 60) as f64;
        let enough = orders.min(0.999 * self.orders_until(NEVER));
        let reached = |time: &f64| self.orders_until(*time) >= enough;
        let mut doublings = (-40..60).map(|exponent| 2f64.powi(exponent));
        let mut high = doublings.find(reached).unwrap_or(NEVER);
        let mut low = 0.0;
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if reached(&middle) {
                high = middle;
            } else {
                low = middle;
            }
        }
        high
    }
}
