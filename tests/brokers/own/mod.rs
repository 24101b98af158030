//! What only one system does.

#[cfg(feature = "kafka")]
mod kafka_only;
#[cfg(feature = "rabbitmq")]
mod rabbitmq_only;
