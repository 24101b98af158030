//! What each broker system does unless it is told otherwise.
//!
//! A preset describes one usual way to run a system with everything left at its default:
//!
//! - RabbitMQ: a quorum queue, consumers that acknowledge each message by hand;
//! - Kafka: one topic, keyed messages, one group of Java consumers that commit by themselves;
//! - ActiveMQ Classic: a queue, persistent messages, JMS consumers that acknowledge by themselves;
//! - RocketMQ: one topic, Java push consumers that work concurrently;
//! - ZeroMQ: one PUSH socket, and a PULL socket for each consumer.
//!
//! What depends on the machine (network, disk, hand-over) costs nothing until it is given. The values
//! and their sources:
#![doc = include_str!("presets.md")]
#![doc = include_str!("presets_compared.md")]

use super::broker::{
    Acknowledgement, Broker, Commitment, Costs, Expiry, Outside, PartitionBy, Store, System,
};
use super::failure::{AfterFailure, Backoff, RetryPlace};

/// What a system does with a message whose work failed.
#[derive(Debug, Clone, PartialEq)]
pub struct Redelivery {
    /// Attempts in all, the first included; `u32::MAX` is no limit.
    pub attempts: u32,
    /// The time from a failure to the next attempt.
    pub backoff: Backoff,
    /// Where the order spends it.
    pub retry: RetryPlace,
    /// What becomes of an order whose last attempt has failed.
    pub then: AfterFailure,
}

/// Seconds after which RocketMQ first asks about a half message.
pub const HALF_MESSAGE_TIMEOUT: f64 = 6.0;
/// Seconds between RocketMQ's rounds of asking about half messages.
pub const HALF_MESSAGE_CHECKS_EVERY: f64 = 30.0;
/// How often RocketMQ asks about a half message.
pub const HALF_MESSAGE_CHECKS: u32 = 15;

/// RocketMQ's delays before a message is delivered again, seconds: its levels 3 to 18.
const ROCKETMQ_DELAYS: [f64; 16] = [
    10.0, 30.0, 60.0, 120.0, 180.0, 240.0, 300.0, 360.0, 420.0, 480.0, 540.0, 600.0, 1200.0,
    1800.0, 3600.0, 7200.0,
];

impl System {
    /// All of them, in the order of the documentation.
    pub const ALL: [System; 6] = [
        System::Memory,
        System::RabbitMq,
        System::Kafka,
        System::ActiveMq,
        System::RocketMq,
        System::ZeroMq,
    ];

    /// Its name in a scenario file.
    pub fn key(self) -> &'static str {
        match self {
            System::Memory => "memory",
            System::RabbitMq => "rabbitmq",
            System::Kafka => "kafka",
            System::ActiveMq => "activemq",
            System::RocketMq => "rocketmq",
            System::ZeroMq => "zeromq",
        }
    }

    /// Its name in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            System::Memory => "the ideal queue",
            System::RabbitMq => "RabbitMQ",
            System::Kafka => "Kafka",
            System::ActiveMq => "ActiveMQ",
            System::RocketMq => "RocketMQ",
            System::ZeroMq => "ZeroMQ",
        }
    }
}

impl Broker {
    /// A system with everything left at its default.
    ///
    /// ```
    /// use orderline::network::{Broker, Commitment, System};
    /// let kafka = Broker::preset(System::Kafka);
    /// assert_eq!(kafka.costs.linger, 0.005);
    /// assert_eq!(kafka.detection, 45.0);
    /// assert_eq!(Broker::preset(System::Memory), Broker::default());
    /// ```
    pub fn preset(system: System) -> Broker {
        let broker = match system {
            System::Memory => Broker::default(),
            System::RabbitMq => rabbitmq(),
            System::Kafka => kafka(),
            System::ActiveMq => activemq(),
            System::RocketMq => rocketmq(),
            System::ZeroMq => zeromq(),
        };
        Broker { system, ..broker }
    }
}

fn rabbitmq() -> Broker {
    Broker {
        commitment: Commitment::Push { prefetch: u32::MAX },
        acknowledgement: Acknowledgement::PerMessage { timeout: 1800.0 },
        outside: Outside::Waits(f64::INFINITY),
        expiry: Expiry::AtHead,
        ..Broker::default()
    }
}

fn kafka() -> Broker {
    Broker {
        store: Store::Partitions {
            count: 1,
            by: PartitionBy::Hash,
        },
        commitment: Commitment::Pull {
            batch: 500,
            at_least: 1,
            wait: 0.5,
        },
        acknowledgement: Acknowledgement::Commits { every: 5.0 },
        detection: 45.0,
        rebalance: 3.0,
        outside: Outside::Waits(60.0),
        costs: Costs {
            linger: 0.005,
            batch_bytes: 16_384.0,
            ..Costs::default()
        },
        ..Broker::default()
    }
}

fn activemq() -> Broker {
    Broker {
        commitment: Commitment::Push { prefetch: 1000 },
        outside: Outside::Waits(f64::INFINITY),
        expiry: Expiry::Scan(30.0),
        ..Broker::default()
    }
}

fn rocketmq() -> Broker {
    Broker {
        store: Store::Partitions {
            count: 4,
            by: PartitionBy::RoundRobin,
        },
        commitment: Commitment::Pull {
            batch: 32,
            at_least: 1,
            wait: 15.0,
        },
        threads: 20,
        acknowledgement: Acknowledgement::Commits { every: 5.0 },
        costs: Costs {
            refuse_after: 0.2,
            ..Costs::default()
        },
        ..Broker::default()
    }
}

fn zeromq() -> Broker {
    Broker {
        commitment: Commitment::AtSend {
            high_water_mark: 1000,
        },
        acknowledgement: Acknowledgement::OnDelivery,
        outside: Outside::Waits(f64::INFINITY),
        durable: false,
        ..Broker::default()
    }
}

impl Redelivery {
    /// A system with everything left at its default.
    ///
    /// ```
    /// use orderline::network::{Redelivery, System};
    /// assert_eq!(Redelivery::preset(System::RocketMq).attempts, 17);
    /// ```
    pub fn preset(system: System) -> Redelivery {
        let (attempts, backoff, retry, then) = match system {
            System::Memory => (
                1,
                Backoff::AtOnce,
                RetryPlace::Tail,
                AfterFailure::DeadLetter,
            ),
            System::RabbitMq => (
                21,
                Backoff::AtOnce,
                RetryPlace::OldPlace,
                AfterFailure::Lost,
            ),
            System::Kafka => (
                u32::MAX,
                Backoff::AtOnce,
                RetryPlace::InPlace,
                AfterFailure::Lost,
            ),
            System::ActiveMq => (
                7,
                seconds(1.0),
                RetryPlace::InPlace,
                AfterFailure::DeadLetter,
            ),
            System::RocketMq => {
                let table = Backoff::Table(ROCKETMQ_DELAYS.to_vec());
                (17, table, RetryPlace::Tail, AfterFailure::DeadLetter)
            }
            System::ZeroMq => (1, Backoff::AtOnce, RetryPlace::InPlace, AfterFailure::Lost),
        };
        Redelivery {
            attempts,
            backoff,
            retry,
            then,
        }
    }
}

/// A constant delay.
fn seconds(seconds: f64) -> Backoff {
    let law = crate::random::Distribution::deterministic(seconds);
    Backoff::Law(law.expect("a constant above 0 is a time"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;

    /// Where each default is documented, by the system and the keys of the scenario file. Every setting
    /// that differs from the ideal queue's must have its source here.
    const SOURCES: &[(System, &[&str], &str)] = &[
        (
            System::RabbitMq,
            &["prefetch"],
            "[Consumer prefetch](https://www.rabbitmq.com/docs/consumer-prefetch): 0, no limit",
        ),
        (
            System::RabbitMq,
            &["visibility_timeout"],
            "[Acknowledgement timeout](https://www.rabbitmq.com/docs/consumers#acknowledgement-timeout): `consumer_timeout`, 30 minutes",
        ),
        (
            System::RabbitMq,
            &["flow_control"],
            "[Flow control](https://www.rabbitmq.com/docs/flow-control): connections that publish are blocked",
        ),
        (
            System::RabbitMq,
            &["expiry"],
            "[Time to live](https://www.rabbitmq.com/docs/ttl#per-message-ttl-caveats): messages expire when they reach the head",
        ),
        (
            System::RabbitMq,
            &["failure.attempts"],
            "[Poison messages](https://www.rabbitmq.com/docs/quorum-queues#poison-message-handling): `delivery-limit` 20 returns, since 4.0",
        ),
        (
            System::RabbitMq,
            &["failure.retry"],
            "[Requeueing](https://www.rabbitmq.com/docs/nack): to its original position if possible",
        ),
        (
            System::RabbitMq,
            &["failure.then"],
            "[Dead letter exchanges](https://www.rabbitmq.com/docs/dlx): none unless declared, and the message is dropped",
        ),
        (
            System::Kafka,
            &["partitions"],
            "[`num.partitions`](https://kafka.apache.org/documentation/#brokerconfigs_num.partitions), of topics that are created automatically",
        ),
        (
            System::Kafka,
            &["partition_by"],
            "[`partitioner.class`](https://kafka.apache.org/documentation/#producerconfigs_partitioner.class): the hash of the key",
        ),
        (
            System::Kafka,
            &["pull"],
            "[`max.poll.records`, `fetch.min.bytes`, `fetch.max.wait.ms`](https://kafka.apache.org/documentation/#consumerconfigs_max.poll.records)",
        ),
        (
            System::Kafka,
            &["acknowledgement"],
            "[`auto.commit.interval.ms`](https://kafka.apache.org/documentation/#consumerconfigs_auto.commit.interval.ms)",
        ),
        (
            System::Kafka,
            &["detection"],
            "[`session.timeout.ms`](https://kafka.apache.org/documentation/#consumerconfigs_session.timeout.ms)",
        ),
        (
            System::Kafka,
            &["rebalance"],
            "[`heartbeat.interval.ms`](https://kafka.apache.org/documentation/#consumerconfigs_heartbeat.interval.ms): by then the last member has heard of it",
        ),
        (
            System::Kafka,
            &["flow_control"],
            "[`max.block.ms`](https://kafka.apache.org/documentation/#producerconfigs_max.block.ms)",
        ),
        (
            System::Kafka,
            &["linger"],
            "[`linger.ms`](https://kafka.apache.org/documentation/#producerconfigs_linger.ms), since 4.0",
        ),
        (
            System::Kafka,
            &["batch_size"],
            "[`batch.size`](https://kafka.apache.org/documentation/#producerconfigs_batch.size)",
        ),
        (
            System::Kafka,
            &["failure.attempts", "failure.retry", "failure.then"],
            "[Message delivery semantics](https://kafka.apache.org/documentation/#semantics): the position moves on only when the consumer does; nothing is put aside",
        ),
        (
            System::ActiveMq,
            &["prefetch"],
            "[Prefetch limit](https://activemq.apache.org/components/classic/documentation/what-is-the-prefetch-limit-for) of queues",
        ),
        (
            System::ActiveMq,
            &["flow_control"],
            "[Producer flow control](https://activemq.apache.org/components/classic/documentation/producer-flow-control)",
        ),
        (
            System::ActiveMq,
            &["expiry"],
            "[`expireMessagesPeriod`](https://activemq.apache.org/components/classic/documentation/per-destination-policies)",
        ),
        (
            System::ActiveMq,
            &["failure.attempts", "failure.backoff"],
            "[Redelivery policy](https://activemq.apache.org/components/classic/documentation/redelivery-policy): `maximumRedeliveries` 6, `initialRedeliveryDelay` 1000 ms",
        ),
        (
            System::ActiveMq,
            &["failure.retry"],
            "[Redelivery and dead letters](https://activemq.apache.org/components/classic/documentation/message-redelivery-and-dlq-handling): by the client, in order (`nonBlockingRedelivery` is off)",
        ),
        (
            System::RocketMq,
            &["partitions"],
            "[`DefaultMQProducer`](https://github.com/apache/rocketmq/blob/develop/client/src/main/java/org/apache/rocketmq/client/producer/DefaultMQProducer.java): `defaultTopicQueueNums`",
        ),
        (
            System::RocketMq,
            &["partition_by"],
            "[`TopicPublishInfo`](https://github.com/apache/rocketmq/blob/develop/client/src/main/java/org/apache/rocketmq/client/impl/producer/TopicPublishInfo.java): one queue after the other",
        ),
        (
            System::RocketMq,
            &["pull", "threads"],
            "[`DefaultMQPushConsumer`](https://github.com/apache/rocketmq/blob/develop/client/src/main/java/org/apache/rocketmq/client/consumer/DefaultMQPushConsumer.java): `pullBatchSize`, `consumeThreadMin`; a pull is suspended for 15 s at most",
        ),
        (
            System::RocketMq,
            &["acknowledgement"],
            "[`ClientConfig`](https://github.com/apache/rocketmq/blob/develop/client/src/main/java/org/apache/rocketmq/client/ClientConfig.java): `persistConsumerOffsetInterval`",
        ),
        (
            System::RocketMq,
            &["refuse_after", "transaction"],
            "[`BrokerConfig`](https://github.com/apache/rocketmq/blob/develop/common/src/main/java/org/apache/rocketmq/common/BrokerConfig.java): `waitTimeMillsInSendQueue`; `transactionTimeOut`, `transactionCheckInterval`, `transactionCheckMax`",
        ),
        (
            System::RocketMq,
            &["failure.attempts", "failure.backoff"],
            "[`SubscriptionGroupConfig`](https://github.com/apache/rocketmq/blob/develop/remoting/src/main/java/org/apache/rocketmq/remoting/protocol/subscription/SubscriptionGroupConfig.java), [`MessageStoreConfig`](https://github.com/apache/rocketmq/blob/develop/store/src/main/java/org/apache/rocketmq/store/config/MessageStoreConfig.java): `retryMaxTimes`, `messageDelayLevel` from the third on",
        ),
        (
            System::ZeroMq,
            &["high_water_mark"],
            "[`ZMQ_SNDHWM`](https://libzmq.readthedocs.io/en/latest/zmq_setsockopt.html)",
        ),
        (
            System::ZeroMq,
            &["flow_control"],
            "[`ZMQ_PUSH`](https://libzmq.readthedocs.io/en/latest/zmq_socket.html): a send blocks while no peer has room",
        ),
        (
            System::ZeroMq,
            &[
                "acknowledgement",
                "durable",
                "failure.retry",
                "failure.then",
            ],
            "[`zmq_socket`](https://libzmq.readthedocs.io/en/latest/zmq_socket.html): no acknowledgement, no storage; what a peer held goes with it",
        ),
    ];

    /// Every default of a system that is not the ideal queue's, in the words of the scenario file.
    fn defaults(system: System) -> Vec<(String, String)> {
        let ideal = Broker::default().settings();
        let broker = Broker::preset(system).settings();
        let differing = broker.into_iter().filter(|one| !ideal.contains(one));
        let ideal = Redelivery::preset(System::Memory).settings();
        let redelivery = Redelivery::preset(system).settings();
        let failing = redelivery.into_iter().filter(|one| !ideal.contains(one));
        let mut rows: Vec<(String, String)> = differing
            .map(|one| (one.key.to_owned(), one.value))
            .chain(failing.map(|one| (format!("failure.{}", one.key), one.value)))
            .collect();
        if system == System::RocketMq {
            let asked = format!(
                "{{ timeout = \"{HALF_MESSAGE_TIMEOUT}s\", check_every = \"{HALF_MESSAGE_CHECKS_EVERY}s\", \
                 checks = {HALF_MESSAGE_CHECKS} }} where it is used"
            );
            rows.push(("transaction".to_owned(), asked));
        }
        rows
    }

    fn source(system: System, key: &str) -> &'static str {
        let mut sources = SOURCES.iter();
        sources
            .find(|(of, keys, _)| *of == system && keys.contains(&key))
            .unwrap_or_else(|| panic!("{system:?} has a default for `{key}` without source"))
            .2
    }

    fn page() -> String {
        let mut page =
            String::from("\n| system | setting | default | source |\n| --- | --- | --- | --- |\n");
        let ideal = Broker::default().settings();
        let failing = Redelivery::preset(System::Memory).settings();
        let ideal = ideal.into_iter().map(|one| (one.key.to_owned(), one.value));
        let failing = failing
            .into_iter()
            .map(|one| (format!("failure.{}", one.key), one.value));
        for (key, value) in ideal.chain(failing) {
            let _ = writeln!(
                page,
                "| `memory`, and others not below | `{key}` | `{value}` | the ideal queue |"
            );
        }
        for system in &System::ALL[1..] {
            for (key, value) in defaults(*system) {
                let source = source(*system, &key);
                let _ = writeln!(
                    page,
                    "| `{}` | `{key}` | `{value}` | {source} |",
                    system.key()
                );
            }
        }
        page
    }

    /// The page in the documentation is made from the presets: after a change, run this test with
    /// `ORDERLINE_WRITE=1`.
    #[test]
    fn the_page_of_defaults_is_what_the_code_does() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/network/presets.md");
        if std::env::var_os("ORDERLINE_WRITE").is_some() {
            std::fs::write(path, page()).unwrap();
        }
        assert_eq!(
            include_str!("presets.md"),
            page(),
            "run it with ORDERLINE_WRITE=1"
        );
    }

    #[test]
    fn every_source_is_of_a_default() {
        for (system, keys, _) in SOURCES {
            let defaults = defaults(*system);
            for key in *keys {
                let found = defaults.iter().any(|(known, _)| known == key);
                assert!(found, "{system:?} has no default of its own for `{key}`");
            }
        }
    }

    #[test]
    fn presets_are_the_systems_own() {
        for system in System::ALL {
            assert_eq!(Broker::preset(system).system, system);
            // The systems' own defaults cost nothing that depends on the machine.
            let costs = Broker::preset(system).costs;
            let free = Costs::default();
            assert_eq!(costs.network, free.network);
            assert_eq!(costs.persistence, free.persistence);
            assert_eq!(costs.handover, free.handover);
        }
        let Backoff::Table(delays) = Redelivery::preset(System::RocketMq).backoff else {
            panic!("no table");
        };
        // 10 s + 30 s + 1..10 min + 20 min + 30 min + 1 h + 2 h.
        assert_eq!(
            delays.iter().sum::<f64>(),
            40.0 + 55.0 * 60.0 + 3000.0 + 10_800.0
        );
        assert_eq!(delays.len(), 16);
    }
}
