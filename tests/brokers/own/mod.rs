//! What only one system does.

#[cfg(feature = "rabbitmq")]
mod rabbitmq_only;
