//! The systems that this build of the program has clients for.

use super::brokers::{self, Broker};
use super::control::LiveControl;
use super::outcome::{LiveError, LiveRun};
use super::plan::plan;
use super::room::Room;
use super::run::{Request, run};
use crate::network::{Network, System};
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

/// Where a system is if nothing else is said; none of those without an address.
pub fn address_of(system: System) -> Option<&'static str> {
    match system {
        System::RabbitMq | System::ActiveMq => Some("amqp://127.0.0.1:5672"),
        System::Kafka => Some("kafka://127.0.0.1:9092"),
        System::RocketMq => Some("rocketmq://127.0.0.1:9876"),
        System::Memory | System::ZeroMq => None,
    }
}

/// Does something with the client of a system; an error where this build has none.
macro_rules! with_client {
    ($system:expr, $client:ident => $do:expr) => {
        match $system {
            System::Memory => {
                type $client = brokers::memory::Memory;
                $do
            }
            #[cfg(feature = "rabbitmq")]
            System::RabbitMq => {
                type $client = brokers::rabbitmq::RabbitMq;
                $do
            }
            #[cfg(feature = "kafka")]
            System::Kafka => {
                type $client = brokers::kafka::Kafka;
                $do
            }
            #[cfg(feature = "activemq")]
            System::ActiveMq => {
                type $client = brokers::activemq::ActiveMq;
                $do
            }
            #[cfg(feature = "rocketmq")]
            System::RocketMq => {
                type $client = brokers::rocketmq::RocketMq;
                $do
            }
            #[cfg(feature = "zeromq")]
            System::ZeroMq => {
                type $client = brokers::zeromq::ZeroMq;
                $do
            }
            #[allow(unreachable_patterns, reason = "with all clients there is no other")]
            other => Err(LiveError::NoClient(other)),
        }
    };
}

/// Whether a scenario can be run through a system: said before anything is done.
///
/// # Errors
/// [`LiveError::Refused`] with all that cannot be done or that the machine has no room for,
/// [`LiveError::NoClient`].
pub fn possible(system: System, network: &Network) -> Result<(), LiveError> {
    with_client!(system, Client => {
        let stages = plan(network, system, &Client::ABILITIES, 1.0).map_err(LiveError::Refused)?;
        match Room::here().refusals(network, system, &stages) {
            none if none.is_empty() => Ok(()),
            refusals => Err(LiveError::Refused(refusals)),
        }
    })
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
    with_client!(system, Client => run::<Client>(request, control).await)
}
