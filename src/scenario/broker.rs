//! `broker` of a stage: the system that hands its messages over, and what is not as its defaults say.
//!
//! `broker = "rabbitmq"` takes all defaults of a system, which [`crate::network::presets`] lists with
//! their sources; `broker = { rabbitmq = { prefetch = 10 } }` changes some. The systems are `memory`
//! (the ideal queue, the default), `rabbitmq`, `kafka`, `activemq`, `rocketmq` and `zeromq`.
//!
//! | key | meaning |
//! | --- | --- |
//! | `partitions` | lanes, each of one member of the group alone |
//! | `partition_by` | `"round_robin"`, `"hash"` (of many keys, each rare), `{ key = { keys = 1000, exponent = 1 } }` (Zipf) |
//! | `prefetch` | messages pushed to a member that it has not acknowledged; or `"unlimited"` |
//! | `pull` | `{ batch = 500, at_least = 1, wait = "500ms" }`: a member that has nothing left for a free consumer asks for so many |
//! | `high_water_mark` | messages given to each consumer, in turn, when they are sent |
//! | `threads` | consumers that make up a member |
//! | `acknowledgement` | `"on_delivery"`, `"per_message"`, `{ commit = { every = "5s" } }` |
//! | `visibility_timeout` | a message that is not acknowledged by then is delivered once more; or `"never"` |
//! | `detection` | until what a dead consumer held is delivered again |
//! | `rebalance` | for which nobody gets a message when consumers come or go |
//! | `flow_control` | whether orders from outside wait at their producer when the queue blocks: `true`, `false`, `{ at_most = "60s" }` |
//! | `expiry` | when messages past their `ttl` are found: `"at_once"`, `"at_head"`, `{ scan = "30s" }` |
//! | `durable` | whether messages survive a crash of the broker |
//! | `idempotent` | whether consumers notice a message whose work they have done before, and drop it |
//! | `transaction` | `{ local, commit = 1, rollback = 0, timeout = "6s", check_every = "30s", checks = 15 }`: half messages; `local` is the distribution of the producer's own work |
//! | `network`, `bandwidth` | the way to the broker: a distribution; bytes per second |
//! | `linger`, `batch_size` | the producer's batch: how long its first message waits; bytes at which it is sent |
//! | `persistence`, `refuse_after`, `confirm` | the broker's writer: a distribution for each message, one after the other; the wait after which one is refused; a distribution until it can be delivered |
//! | `delay` | a distribution: the broker keeps the message back for so long (delayed messages) |
//! | `handover`, `acknowledge` | distributions from the broker to the consumer and back |
//! | `outage` | `{ uptime, downtime }`, distributions: the broker fails and comes back |

use super::diagnostic::Diagnostic;
use super::extras;
use super::fields::{Context, Fields, named};
use super::source::Span;
use super::spot::Spot;
use super::stage::MOST_CONSUMERS;
use super::text::list;
use super::tree::{Entry, Node, Value};
use super::units::Dimension;
use super::values::{self, Range};
use crate::network::{
    Acknowledgement, Broker, Commitment, Costs, Expiry, HALF_MESSAGE_CHECKS,
    HALF_MESSAGE_CHECKS_EVERY, HALF_MESSAGE_TIMEOUT, HalfMessages, Outage, Outages, Outside,
    PartitionBy, Store, System, Transactions,
};
use crate::random::Distribution;

/// More partitions than any topic has.
const MOST_PARTITIONS: u32 = 100_000;

/// More keys than can be told apart.
const MOST_KEYS: u32 = 10_000_000;

/// A `broker` as it was written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct BrokerDraft {
    pub(super) broker: Broker,
    /// The settings that were given, and where.
    given: Vec<(String, Span)>,
}

impl BrokerDraft {
    /// Where a setting was given.
    pub(super) fn key(&self, key: &str) -> Option<Span> {
        let mut given = self.given.iter();
        given.find(|(given, _)| given == key).map(|(_, span)| *span)
    }
}

/// Reads a `broker`.
pub(super) fn read(node: &Node, cx: &mut Context) -> Option<BrokerDraft> {
    let names = System::ALL.map(System::key);
    let spot = Spot::Parameters("broker");
    let (name, settings) = match &node.value {
        Value::String(_) => (named(node, spot, &names, &[], cx)?.0, None),
        _ => named(node, spot, &[], &names, cx)?,
    };
    let system = System::ALL
        .into_iter()
        .find(|system| system.key() == name)?;
    let preset = Broker::preset(system);
    let Some(settings) = settings else {
        return Some(BrokerDraft {
            broker: preset,
            given: Vec::new(),
        });
    };
    let mut fields = Fields::of(settings, Spot::Parameters(system.key()), cx)?;
    let given = fields.entries();
    let possible = possible(system, given, cx);
    // What a system does not have would only be told once more.
    possible?;
    let broker = settings_of(&mut fields, &preset, cx);
    fields.finish(cx);
    let places = given
        .iter()
        .map(|entry| (entry.key.clone(), entry.key_span));
    Some(BrokerDraft {
        broker: broker?,
        given: places.collect(),
    })
}

/// Settings that a system does not have, and why.
const LACKS: &[(System, &[&str], &str)] = &[
    (
        System::RabbitMq,
        &["partitions", "partition_by"],
        "a queue of RabbitMQ serves any of its consumers, it has no partitions",
    ),
    (
        System::ActiveMq,
        &["partitions", "partition_by"],
        "a queue of ActiveMQ serves any of its consumers, it has no partitions",
    ),
    (
        System::ZeroMq,
        &["partitions", "partition_by", "prefetch", "pull"],
        "ZeroMQ chooses the consumer when a message is sent; its bound is `high_water_mark`",
    ),
    (
        System::RabbitMq,
        &["high_water_mark"],
        "RabbitMQ chooses the consumer when one has room; its bound is `prefetch`",
    ),
    (
        System::ActiveMq,
        &["high_water_mark"],
        "ActiveMQ chooses the consumer when one has room; its bound is `prefetch`",
    ),
    (
        System::Kafka,
        &["prefetch", "high_water_mark"],
        "Kafka pushes nothing, its consumers `pull`",
    ),
    (
        System::RocketMq,
        &["prefetch", "high_water_mark"],
        "RocketMQ's push consumers `pull`, too",
    ),
    (
        System::RabbitMq,
        &["rebalance"],
        "RabbitMQ's consumers own no partitions that could be given to others",
    ),
    (
        System::ActiveMq,
        &["rebalance"],
        "ActiveMQ's consumers own no partitions that could be given to others",
    ),
    (
        System::Kafka,
        &["expiry"],
        "Kafka has no time to live of single messages, its log is kept as a whole",
    ),
    (
        System::RocketMq,
        &["expiry"],
        "RocketMQ has no time to live of single messages, its log is kept as a whole",
    ),
    (
        System::ZeroMq,
        &[
            "acknowledgement",
            "visibility_timeout",
            "detection",
            "rebalance",
            "acknowledge",
            "idempotent",
        ],
        "ZeroMQ knows no acknowledgements, and delivers nothing twice",
    ),
    (
        System::ZeroMq,
        &[
            "expiry",
            "durable",
            "persistence",
            "confirm",
            "delay",
            "outage",
        ],
        "ZeroMQ is a library, there is no broker that could keep messages",
    ),
    (
        System::Kafka,
        &["delay"],
        "Kafka delivers messages as they come, and keeps none back",
    ),
    (
        System::RabbitMq,
        &["transaction"],
        "half messages are RocketMQ's",
    ),
    (
        System::Kafka,
        &["transaction"],
        "half messages are RocketMQ's",
    ),
    (
        System::ActiveMq,
        &["transaction"],
        "half messages are RocketMQ's",
    ),
    (
        System::ZeroMq,
        &["transaction"],
        "half messages are RocketMQ's",
    ),
    (
        System::RabbitMq,
        &["refuse_after"],
        "RabbitMQ slows its producers down instead, which is `flow_control`",
    ),
    (
        System::Kafka,
        &["refuse_after"],
        "Kafka's producers wait instead, which is `flow_control`",
    ),
    (
        System::ActiveMq,
        &["refuse_after"],
        "ActiveMQ's producers wait instead, which is `flow_control`",
    ),
    (
        System::ZeroMq,
        &["refuse_after"],
        "ZeroMQ's senders wait instead, which is `flow_control`",
    ),
];

/// Why a system does not have a setting, if so.
fn lacks(system: System, key: &str) -> Option<&'static str> {
    let mut lacks = LACKS.iter();
    lacks
        .find(|(of, keys, _)| *of == system && keys.contains(&key))
        .map(|(_, _, reason)| *reason)
}

/// Reports settings that the system does not have, and those that exclude each other.
fn possible(system: System, given: &[Entry], cx: &mut Context) -> Option<()> {
    let name = system.key();
    let mut possible = Some(());
    for entry in given {
        if let Some(reason) = lacks(system, &entry.key) {
            let message = format!("`{}` in `{name}`: {reason}", entry.key);
            let help = "remove it; `memory` takes every setting";
            cx.report(Diagnostic::error(entry.key_span, message).help(help));
            possible = None;
        }
    }
    let rivals = ["prefetch", "pull", "high_water_mark"];
    let rivals: Vec<&Entry> = given
        .iter()
        .filter(|entry| rivals.contains(&entry.key.as_str()))
        .collect();
    if let (Some(_), [_, .., last]) = (possible, rivals.as_slice()) {
        let keys = list(rivals.iter().map(|entry| entry.key.as_str()), "and");
        let message =
            format!("{keys} exclude each other: a message is given to a consumer in one way");
        let help = "keep one of them";
        cx.report(Diagnostic::error(last.key_span, message).help(help));
        possible = None;
    }
    possible
}

fn settings_of(fields: &mut Fields<'_>, preset: &Broker, cx: &mut Context) -> Option<Broker> {
    let commitment = commitment(fields, preset, cx);
    let store = store(fields, preset, commitment, cx);
    let threads = values::count_or(fields, "threads", preset.threads, (1, MOST_CONSUMERS), cx);
    let acknowledgement = acknowledgement(fields, preset, cx);
    let detection = values::time_or(
        fields,
        "detection",
        preset.detection,
        Range::NotNegative,
        cx,
    );
    let rebalance = values::time_or(
        fields,
        "rebalance",
        preset.rebalance,
        Range::NotNegative,
        cx,
    );
    let outside = match fields.entry("flow_control") {
        None => Some(preset.outside),
        Some(entry) => outside(&entry.node, cx),
    };
    let expiry = match fields.entry("expiry") {
        None => Some(preset.expiry),
        Some(entry) => expiry(&entry.node, cx),
    };
    let durable = values::boolean_or(fields, "durable", preset.durable, cx);
    let idempotent = values::boolean_or(fields, "idempotent", preset.idempotent, cx);
    let transaction = match fields.entry("transaction") {
        None => Some(Transactions::None),
        Some(entry) => half_messages(&entry.node, cx),
    };
    let costs = costs(fields, &preset.costs, cx);
    let outages = match fields.entry("outage") {
        None => Some(Outages::Never),
        Some(entry) => outage(&entry.node, cx),
    };
    Some(Broker {
        system: preset.system,
        store: store?,
        commitment: commitment?,
        threads: threads?,
        acknowledgement: acknowledgement?,
        detection: detection?,
        rebalance: rebalance?,
        outside: outside?,
        expiry: expiry?,
        durable: durable?,
        idempotent: idempotent?,
        transaction: transaction?,
        costs: costs?,
        outages: outages?,
    })
}

fn commitment(fields: &mut Fields<'_>, preset: &Broker, cx: &mut Context) -> Option<Commitment> {
    let prefetch = fields.entry("prefetch");
    let pull = fields.entry("pull");
    let mark = fields.entry("high_water_mark");
    if let Some(entry) = prefetch {
        let prefetch = values::count_or_unlimited("prefetch", &entry.node, cx)?;
        return Some(Commitment::Push { prefetch });
    }
    if let Some(entry) = mark {
        let bounds = (1, u32::MAX);
        let high_water_mark = values::small_count("high_water_mark", &entry.node, bounds, cx)?;
        return Some(Commitment::AtSend { high_water_mark });
    }
    match pull {
        None => Some(preset.commitment),
        Some(entry) => pulls(&entry.node, preset, cx),
    }
}

fn pulls(node: &Node, preset: &Broker, cx: &mut Context) -> Option<Commitment> {
    let mut fields = Fields::of(node, Spot::Parameters("pull"), cx)?;
    let own = match preset.commitment {
        Commitment::Pull { batch, wait, .. } => Some((batch, wait)),
        _ => None,
    };
    let bounds = (1, u32::MAX);
    let batch = match own {
        Some((batch, _)) => values::count_or(&mut fields, "batch", batch, bounds, cx),
        None => fields
            .required("batch", "how many at most, such as `batch = 10`", cx)
            .and_then(|entry| values::small_count("batch", &entry.node, bounds, cx)),
    };
    let at_least = values::count_or(&mut fields, "at_least", 1, bounds, cx);
    let wait = own.map_or(0.5, |(_, wait)| wait);
    let wait = values::time_or(&mut fields, "wait", wait, Range::NotNegative, cx);
    let span = fields.span_of("at_least");
    fields.finish(cx);
    let (batch, at_least) = (batch?, at_least?);
    if at_least > batch {
        let message = format!("`at_least` is above `batch`, which is {batch}");
        cx.report(
            Diagnostic::error(span, message).help("make `batch` larger, or `at_least` smaller"),
        );
        return None;
    }
    Some(Commitment::Pull {
        batch,
        at_least,
        wait: wait?,
    })
}

fn store(
    fields: &mut Fields<'_>,
    preset: &Broker,
    commitment: Option<Commitment>,
    cx: &mut Context,
) -> Option<Store> {
    let (partitions, by) = (fields.entry("partitions"), fields.entry("partition_by"));
    let own = match preset.store {
        Store::Partitions { count, by } => Some((count, by)),
        Store::Shared => None,
    };
    let count = match partitions {
        None => own.map(|(count, _)| count),
        Some(entry) => {
            let bounds = (1, MOST_PARTITIONS);
            Some(values::small_count("partitions", &entry.node, bounds, cx)?)
        }
    };
    let Some(count) = count else {
        let Some(by) = by else {
            return Some(Store::Shared);
        };
        let message = "`partition_by` without `partitions`: all messages are in one queue";
        cx.report(Diagnostic::error(by.key_span, message).help("add such as `partitions = 4`"));
        return None;
    };
    let key = partitions.map_or(fields.span, |entry| entry.key_span);
    if !matches!(commitment?, Commitment::Pull { .. }) {
        let message = "`partitions` without `pull`: who owns a partition fetches from it";
        let help = "add such as pull = { batch = 500 }, or remove `partitions`";
        cx.report(Diagnostic::error(key, message).help(help));
        return None;
    }
    let by = match by {
        None => own.map_or(PartitionBy::Hash, |(_, by)| by),
        Some(entry) => partition_by(&entry.node, cx)?,
    };
    Some(Store::Partitions { count, by })
}

fn partition_by(node: &Node, cx: &mut Context) -> Option<PartitionBy> {
    let spot = Spot::Parameters("partition_by");
    let key = match named(node, spot, &["round_robin", "hash"], &["key"], cx)? {
        ("round_robin", _) => return Some(PartitionBy::RoundRobin),
        (_, None) => return Some(PartitionBy::Hash),
        (_, Some(key)) => key,
    };
    let mut fields = Fields::of(key, Spot::Parameters("key"), cx)?;
    let keys = fields
        .required("keys", "how many there are, such as `keys = 1000`", cx)
        .and_then(|entry| values::small_count("keys", &entry.node, (1, MOST_KEYS), cx));
    let number = (Dimension::Number, Range::NotNegative);
    let exponent = values::quantity_or(&mut fields, "exponent", 0.0, number, cx);
    fields.finish(cx);
    Some(PartitionBy::Key {
        keys: keys?,
        exponent: exponent?,
    })
}

fn acknowledgement(
    fields: &mut Fields<'_>,
    preset: &Broker,
    cx: &mut Context,
) -> Option<Acknowledgement> {
    let timeout = fields.entry("visibility_timeout");
    let how = match fields.entry("acknowledgement") {
        None => Some(preset.acknowledgement),
        Some(entry) => acknowledged(&entry.node, preset, cx),
    };
    let (how, Some(timeout)) = (how?, timeout) else {
        return how;
    };
    if !matches!(how, Acknowledgement::PerMessage { .. }) {
        let message = "`visibility_timeout` where no message is acknowledged on its own";
        let help = "write acknowledgement = \"per_message\", or remove it";
        cx.report(Diagnostic::error(timeout.key_span, message).help(help));
        return None;
    }
    let never = matches!(&timeout.node.value, Value::String(word) if word == "never");
    let timeout = match never {
        true => f64::INFINITY,
        false => values::entry_quantity(timeout, Dimension::Time, Range::Positive, cx)?,
    };
    Some(Acknowledgement::PerMessage { timeout })
}

fn acknowledged(node: &Node, preset: &Broker, cx: &mut Context) -> Option<Acknowledgement> {
    let words = ["on_delivery", "per_message"];
    let spot = Spot::Parameters("acknowledgement");
    let commit = match named(node, spot, &words, &["commit"], cx)? {
        ("on_delivery", _) => return Some(Acknowledgement::OnDelivery),
        (_, Some(commit)) => commit,
        (_, None) => {
            let timeout = match preset.acknowledgement {
                Acknowledgement::PerMessage { timeout } => timeout,
                _ => f64::INFINITY,
            };
            return Some(Acknowledgement::PerMessage { timeout });
        }
    };
    if let System::RabbitMq | System::ActiveMq = preset.system {
        let (key, name) = (preset.system.key(), preset.system.name());
        let message = format!("`commit` in `{key}`: {name} acknowledges each message on its own");
        let help = "write \"per_message\", or \"on_delivery\"";
        cx.report(Diagnostic::error(node.span, message).help(help));
        return None;
    }
    let mut fields = Fields::of(commit, Spot::Parameters("commit"), cx)?;
    let time = (Dimension::Time, Range::Positive);
    let every = values::required_quantity(&mut fields, "every", "`every = \"5s\"`", time, cx);
    fields.finish(cx);
    Some(Acknowledgement::Commits { every: every? })
}

fn outside(node: &Node, cx: &mut Context) -> Option<Outside> {
    if let Value::Boolean(waits) = node.value {
        return Some(match waits {
            true => Outside::Waits(f64::INFINITY),
            false => Outside::Rejected,
        });
    }
    let mut fields = Fields::of(node, Spot::Parameters("flow_control"), cx)?;
    let time = (Dimension::Time, Range::Positive);
    let cure = "`at_most = \"60s\"`, or write true or false";
    let longest = values::required_quantity(&mut fields, "at_most", cure, time, cx);
    fields.finish(cx);
    longest.map(Outside::Waits)
}

fn expiry(node: &Node, cx: &mut Context) -> Option<Expiry> {
    let words = ["at_once", "at_head"];
    Some(
        match named(node, Spot::Parameters("expiry"), &words, &["scan"], cx)? {
            (_, Some(every)) => {
                let every = values::quantity("scan", every, Dimension::Time, Range::Positive, cx)?;
                Expiry::Scan(every)
            }
            ("at_head", _) => Expiry::AtHead,
            _ => Expiry::AtOnce,
        },
    )
}

fn half_messages(node: &Node, cx: &mut Context) -> Option<Transactions> {
    let mut fields = Fields::of(node, Spot::Parameters("transaction"), cx)?;
    let cure = "the law of the producer's own work, such as \
                `local = { exponential = { mean = \"50ms\" } }`";
    let local = fields
        .required("local", cure, cx)
        .and_then(|entry| extras::ending("local", &entry.node, cx));
    let share = (Dimension::Share, Range::Probability);
    let rollback = values::quantity_or(&mut fields, "rollback", 0.0, share, cx);
    let certain = 1.0 - rollback.unwrap_or(0.0);
    let commit = values::quantity_or(&mut fields, "commit", certain, share, cx);
    let never = Range::NotNegative;
    let timeout = values::time_or(&mut fields, "timeout", HALF_MESSAGE_TIMEOUT, never, cx);
    let every = HALF_MESSAGE_CHECKS_EVERY;
    let check_every = values::time_or(&mut fields, "check_every", every, Range::Positive, cx);
    let bounds = (0, u32::MAX);
    let checks = values::count_or(&mut fields, "checks", HALF_MESSAGE_CHECKS, bounds, cx);
    let span = fields.span_of("rollback");
    fields.finish(cx);
    let (commit, rollback) = (commit?, rollback?);
    if commit + rollback > 1.0 + 1e-9 {
        let message = format!("`commit` and `rollback` add up to {}", commit + rollback);
        let help = "make them at most 1 together; with the rest nothing is heard of a message";
        cx.report(Diagnostic::error(span, message).help(help));
        return None;
    }
    Some(Transactions::Half(Box::new(HalfMessages {
        local: local?,
        commit,
        rollback,
        timeout: timeout?,
        check_every: check_every?,
        checks: checks?,
    })))
}

fn costs(fields: &mut Fields<'_>, preset: &Costs, cx: &mut Context) -> Option<Costs> {
    let mut law = |key, preset: &Distribution, cx: &mut Context| match fields.entry(key) {
        None => Some(preset.clone()),
        Some(entry) => extras::ending(key, &entry.node, cx),
    };
    let network = law("network", &preset.network, cx);
    let persistence = law("persistence", &preset.persistence, cx);
    let confirm = law("confirm", &preset.confirm, cx);
    let delay = law("delay", &preset.delay, cx);
    let handover = law("handover", &preset.handover, cx);
    let acknowledge = law("acknowledge", &preset.acknowledge, cx);
    let rate = (Dimension::ByteRate, Range::Positive);
    let bandwidth = values::quantity_or(fields, "bandwidth", preset.bandwidth, rate, cx);
    let linger = values::time_or(fields, "linger", preset.linger, Range::NotNegative, cx);
    let size = (Dimension::Size, Range::Positive);
    let batch_bytes = values::quantity_or(fields, "batch_size", preset.batch_bytes, size, cx);
    let refuse = preset.refuse_after;
    let refuse_after = values::time_or(fields, "refuse_after", refuse, Range::NotNegative, cx);
    Some(Costs {
        network: network?,
        bandwidth: bandwidth?,
        linger: linger?,
        batch_bytes: batch_bytes?,
        persistence: persistence?,
        refuse_after: refuse_after?,
        confirm: confirm?,
        delay: delay?,
        handover: handover?,
        acknowledge: acknowledge?,
    })
}

fn outage(node: &Node, cx: &mut Context) -> Option<Outages> {
    let mut fields = Fields::of(node, Spot::Parameters("outage"), cx)?;
    let cure = "the law of the time to a failure, such as \
                `uptime = { exponential = { mean = \"30d\" } }`";
    let uptime = fields
        .required("uptime", cure, cx)
        .and_then(|entry| extras::lasting("uptime", &entry.node, cx));
    let cure = "the law of the time until it serves again, such as \
                `downtime = { exponential = { mean = \"30s\" } }`";
    let downtime = fields
        .required("downtime", cure, cx)
        .and_then(|entry| extras::ending("downtime", &entry.node, cx));
    fields.finish(cx);
    let (uptime, downtime) = (uptime?, downtime?);
    Some(Outages::Repeated(Box::new(Outage { uptime, downtime })))
}
