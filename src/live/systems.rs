//! The systems that this build of the program has clients for.

use super::brokers;
use super::control::LiveControl;
use super::outcome::{LiveError, LiveRun};
use super::run::{Request, run};
use crate::network::System;
use std::sync::Arc;

/// All systems, in the order in which they are shown.
pub const SYSTEMS: [System; 6] = [
    System::Memory,
    System::RabbitMq,
    System::Kafka,
    System::ActiveMq,
    System::RocketMq,
    System::ZeroMq,
];

/// What the cargo feature of a system's client is called, and the system itself on the command line.
pub fn feature(system: System) -> &'static str {
    match system {
        System::Memory => "memory",
        System::RabbitMq => "rabbitmq",
        System::Kafka => "kafka",
        System::ActiveMq => "activemq",
        System::RocketMq => "rocketmq",
        System::ZeroMq => "zeromq",
    }
}

/// Runs a scenario through a system.
///
/// # Errors
/// Those of [`run`], and when this build has no client for the system.
pub async fn run_on(
    system: System,
    request: Request,
    control: Arc<LiveControl>,
) -> Result<LiveRun, LiveError> {
    match system {
        System::Memory => run::<brokers::memory::Memory>(request, control).await,
        #[cfg(feature = "rabbitmq")]
        System::RabbitMq => run::<brokers::rabbitmq::RabbitMq>(request, control).await,
        #[cfg(feature = "kafka")]
        System::Kafka => run::<brokers::kafka::Kafka>(request, control).await,
        #[cfg(feature = "activemq")]
        System::ActiveMq => run::<brokers::activemq::ActiveMq>(request, control).await,
        #[cfg(feature = "rocketmq")]
        System::RocketMq => run::<brokers::rocketmq::RocketMq>(request, control).await,
        #[cfg(feature = "zeromq")]
        System::ZeroMq => run::<brokers::zeromq::ZeroMq>(request, control).await,
        #[allow(unreachable_patterns, reason = "with all clients there is no other")]
        other => Err(LiveError::NoClient(other)),
    }
}
