//! One suite that every broker adapter passes against the real system.
//!
//! Tests that need a server are ignored unless asked for, and fail if it is missing:
//!
//! ```text
//! eval "$(tests/brokers/up rabbitmq)"
//! cargo test --features rabbitmq --test brokers -- --ignored rabbitmq --skip restart --skip measured
//! cargo test --features rabbitmq --test brokers -- --ignored rabbitmq::restart --test-threads 1
//! ```
//!
//! A new adapter is one more `conformance!` below.

mod cable;
mod cases;
mod facts;
mod kit;
mod own;

use facts::Facts;

/// One case as a test: in-process ones always, others when asked for.
macro_rules! case {
    ($broker:ty, $place:ident :: $case:ident) => {
        #[test]
        fn $case() {
            crate::kit::run(crate::cases::$place::$case::<$broker>(&FACTS));
        }
    };
    ($broker:ty, $place:ident :: $case:ident, $needs:literal) => {
        #[test]
        #[ignore = $needs]
        fn $case() {
            crate::kit::run(crate::cases::$place::$case::<$broker>(&FACTS));
        }
    };
}

/// All cases for an adapter, in a module of its name.
macro_rules! conformance {
    ($name:ident, $broker:ty, $facts:expr $(, $needs:literal)?) => {
        mod $name {
            use crate::Facts;
            use std::time::Duration;

            pub const FACTS: Facts = $facts;

            #[test]
            fn abilities() {
                crate::kit::run(crate::facts::abilities::<$broker>(&FACTS));
            }

            case!($broker, delivery::in_order $(, $needs)?);
            case!($broker, delivery::whole $(, $needs)?);
            case!($broker, delivery::apart $(, $needs)?);
            case!($broker, delivery::given_up $(, $needs)?);
            case!($broker, delivery::window $(, $needs)?);
            case!($broker, delivery::shared $(, $needs)?);
            case!($broker, delivery::thousands $(, $needs)?);
            case!($broker, settling::done $(, $needs)?);
            case!($broker, settling::killed $(, $needs)?);
            case!($broker, settling::out_of_sight $(, $needs)?);
            case!($broker, settling::closed $(, $needs)?);
            case!($broker, settling::requeued $(, $needs)?);
            case!($broker, settling::put_aside $(, $needs)?);
            case!($broker, settling::settled_on_delivery $(, $needs)?);
            case!($broker, settling::told_at_intervals $(, $needs)?);
            case!($broker, limits::depth $(, $needs)?);
            case!($broker, limits::priorities $(, $needs)?);
            case!($broker, limits::batches $(, $needs)?);
            case!($broker, limits::refused $(, $needs)?);
            case!($broker, limits::displaced $(, $needs)?);
            case!($broker, limits::expired $(, $needs)?);
            case!($broker, limits::delayed $(, $needs)?);
            case!($broker, limits::removed $(, $needs)?);
            case!($broker, trouble::nobody $(, $needs)?);
            case!($broker, trouble::silence $(, $needs)?);
            case!($broker, trouble::stranger $(, $needs)?);
            case!($broker, trouble::login $(, $needs)?);
            case!($broker, trouble::forbidden $(, $needs)?);
            case!($broker, trouble::cut $(, $needs)?);
            case!($broker, trouble::frozen $(, $needs)?);
            case!($broker, restart::restart_stopped, "stops and starts the server: to be run alone");
            case!($broker, restart::restart_killed, "kills and starts the server: to be run alone");
            case!($broker, restart::restart_frozen, "freezes the server: to be run alone");
            case!($broker, measure::measured, "prints times: to be run alone, in release");
        }
    };
}

#[cfg(feature = "rabbitmq")]
conformance!(
    rabbitmq,
    orderline::live::brokers::rabbitmq::RabbitMq,
    Facts {
        variable: "ORDERLINE_RABBITMQ_URL",
        default: Some("amqp://orderline:orderline@127.0.0.1:5672/orderline"),
        up: "tests/brokers/up rabbitmq",
        can: &[
            "priorities",
            "bounded",
            "time_to_live",
            "requeues",
            "dead_letters",
            "delays",
            "redelivers",
            "shared",
            "durable",
            "window",
        ],
        flags_redelivered: true,
        tells_depth: true,
        tells_dead_letters: true,
        settles_each: true,
        repeats_held: false,
        tells_at_intervals: false,
        forgets_queues_for: Duration::from_secs(3),
        displaces: true,
        server: true,
        logins: true,
        restricted: Some(("reader", "reader")),
        one_address: true,
    },
    "needs a RabbitMQ server: tests/brokers/up rabbitmq"
);

#[cfg(feature = "activemq")]
conformance!(
    activemq,
    orderline::live::brokers::activemq::ActiveMq,
    Facts {
        variable: "ORDERLINE_ACTIVEMQ_URL",
        default: Some("amqp://orderline:orderline@127.0.0.1:5673"),
        up: "tests/brokers/up activemq",
        can: &[
            "priorities",
            "requeues",
            "dead_letters",
            "delays",
            "redelivers",
            "shared",
            "durable",
            "window",
        ],
        flags_redelivered: true,
        tells_depth: true,
        tells_dead_letters: true,
        settles_each: true,
        repeats_held: false,
        tells_at_intervals: false,
        forgets_queues_for: Duration::ZERO,
        displaces: false,
        server: true,
        logins: true,
        restricted: Some(("reader", "reader")),
        one_address: true,
    },
    "needs an ActiveMQ server: tests/brokers/up activemq"
);

#[cfg(feature = "rocketmq")]
conformance!(
    rocketmq,
    orderline::live::brokers::rocketmq::RocketMq,
    Facts {
        variable: "ORDERLINE_ROCKETMQ_URL",
        default: Some("rocketmq://127.0.0.1:9876"),
        up: "tests/brokers/up rocketmq",
        can: &[
            "dead_letters",
            "redelivers",
            "shared",
            "partitions",
            "durable",
            "window",
        ],
        flags_redelivered: true,
        tells_depth: true,
        tells_dead_letters: true,
        settles_each: true,
        repeats_held: true,
        tells_at_intervals: true,
        forgets_queues_for: Duration::ZERO,
        displaces: false,
        server: true,
        logins: false,
        restricted: None,
        // The name server says where the broker is.
        one_address: false,
    },
    "needs a RocketMQ server: tests/brokers/up rocketmq"
);

#[cfg(feature = "zeromq")]
conformance!(
    zeromq,
    orderline::live::brokers::zeromq::ZeroMq,
    Facts {
        variable: "ORDERLINE_ZEROMQ_URL",
        default: None,
        up: "none, ZeroMQ has no server",
        can: &["shared"],
        flags_redelivered: false,
        tells_depth: false,
        tells_dead_letters: false,
        settles_each: false,
        repeats_held: false,
        tells_at_intervals: false,
        forgets_queues_for: Duration::ZERO,
        displaces: false,
        server: false,
        logins: false,
        restricted: None,
        one_address: false,
    }
);

#[cfg(feature = "kafka")]
conformance!(
    kafka,
    orderline::live::brokers::kafka::Kafka,
    Facts {
        variable: "ORDERLINE_KAFKA_SASL_URL",
        default: Some("kafka://orderline:orderline@127.0.0.1:9094"),
        up: "tests/brokers/up kafka",
        // Dead letters by custom, in a topic of their own.
        can: &[
            "batches",
            "dead_letters",
            "redelivers",
            "partitions",
            "durable",
        ],
        flags_redelivered: false,
        tells_depth: true,
        tells_dead_letters: true,
        settles_each: true,
        repeats_held: false,
        tells_at_intervals: true,
        forgets_queues_for: Duration::ZERO,
        displaces: false,
        server: true,
        logins: true,
        restricted: Some(("reader", "reader")),
        // Clients are sent on to the address that the broker advertises.
        one_address: false,
    },
    "needs Apache Kafka: tests/brokers/up kafka"
);

conformance!(
    memory,
    orderline::live::brokers::memory::Memory,
    Facts {
        variable: "ORDERLINE_MEMORY_URL",
        default: None,
        up: "none, this broker is inside the process",
        can: &[
            "priorities",
            "batches",
            "disciplines",
            "bounded",
            "time_to_live",
            "requeues",
            "dead_letters",
            "redelivers",
            "shared",
            "partitions",
            "window",
        ],
        flags_redelivered: true,
        tells_depth: true,
        tells_dead_letters: true,
        settles_each: true,
        repeats_held: false,
        tells_at_intervals: false,
        forgets_queues_for: Duration::ZERO,
        displaces: true,
        server: false,
        logins: false,
        restricted: None,
        one_address: false,
    }
);
