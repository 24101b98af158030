//! Receiving: credit for as many messages as the window allows, and a disposition for each.

use super::super::{BrokerError, Incoming, Settlement};
use super::line::{Line, Place};
use super::{Counts, Queue};
use fe2o3_amqp::link::delivery::DeliveryInfo;
use fe2o3_amqp::link::receiver::CreditMode;
use fe2o3_amqp::types::definitions::SenderSettleMode;
use fe2o3_amqp::types::messaging::{Body, Modified, Source};
use fe2o3_amqp::types::primitives::Value;
use fe2o3_amqp::{Delivery, Receiver};
use serde_amqp::described::Described;
use serde_amqp::descriptor::Descriptor;
use std::sync::Arc;

/// Credit where there is no limit: more than ever waits at one receiver.
const UNLIMITED: u32 = 1_000_000;

/// Receives from one queue.
pub struct ActiveMqReceiver {
    place: Arc<Place>,
    counts: Arc<Counts>,
    queue: usize,
    line: Line,
    link: Receiver,
    /// Unsettled messages that this receiver is given at most.
    window: u32,
    /// Whether messages are settled as they are delivered.
    settled: bool,
    /// Messages that were handed over and not settled.
    open: u32,
    /// A message that is here and not handed over yet.
    come: Option<Incoming<DeliveryInfo>>,
    /// Settlements that the client was told of: they must be on the wire before the connection ends.
    told: u64,
}

impl ActiveMqReceiver {
    pub(super) async fn open(
        place: Arc<Place>,
        queues: &[Queue],
        queue: usize,
        counts: Arc<Counts>,
    ) -> Result<ActiveMqReceiver, BrokerError> {
        let spec = &queues[queue].spec;
        let window = spec.window.clamp(1, UNLIMITED);
        let settled = spec.settled_on_delivery;
        let mut line = place.open("receiver").await?;
        let link = attach(&place, &mut line, from(&queues[queue].name), settled);
        let link = place.patiently(link).await?;
        let mut receiver = ActiveMqReceiver {
            place,
            counts,
            queue,
            line,
            link,
            window,
            settled,
            open: 0,
            come: None,
            told: 0,
        };
        receiver.grant().await?;
        Ok(receiver)
    }

    /// Tells the broker how many more messages it may send, once it has sent all that it was allowed.
    ///
    /// Not before: ActiveMQ adds what is granted to what it thinks is left of the last time, loses count,
    /// and sets aside more messages for a receiver than the receiver has asked for.
    async fn grant(&mut self) -> Result<(), BrokerError> {
        let room = self.window - self.open.min(self.window);
        if room == 0 || self.link.credit() > 0 {
            return Ok(());
        }
        let told = self.link.set_credit(room).await;
        told.map_err(|error| self.place.lost(error))
    }

    async fn dispose(&self, delivery: DeliveryInfo, how: Settlement) -> Result<(), BrokerError> {
        let told = match how {
            Settlement::Done => self.link.accept(delivery).await,
            Settlement::Requeue => self.link.modify(delivery, failed()).await,
            Settlement::DeadLetter => {
                self.counts.reject(self.queue);
                self.link.reject(delivery, None).await
            }
        };
        told.map_err(|error| self.place.lost(error))
    }
}

/// A link from a queue, without any credit yet.
pub(super) async fn attach(
    place: &Place,
    line: &mut Line,
    source: Source,
    settled: bool,
) -> Result<Receiver, BrokerError> {
    let mode = if settled {
        SenderSettleMode::Settled
    } else {
        SenderSettleMode::Unsettled
    };
    let name = source.address.clone().unwrap_or_default();
    Receiver::builder()
        .name(format!("from {name}"))
        .source(source)
        .sender_settle_mode(mode)
        .credit_mode(CreditMode::Manual)
        .attach(&mut line.session)
        .await
        .map_err(|error| place.receiver_not_attached(&name, error))
}

/// All of a queue.
pub(super) fn from(name: &str) -> Source {
    Source::builder().address(name).build()
}

/// What a queue has of one run.
pub(super) fn chosen(name: &str, run: &str) -> Source {
    const SELECTOR: &str = "apache.org:selector-filter:string";
    let selector = Described {
        descriptor: Descriptor::Name(SELECTOR.into()),
        value: Value::String(format!("JMSCorrelationID = '{run}'")),
    };
    Source::builder()
        .address(name)
        .add_to_filter(SELECTOR, selector)
        .build()
}

/// It was tried: the next delivery says so.
fn failed() -> Modified {
    Modified {
        delivery_failed: Some(true),
        undeliverable_here: None,
        message_annotations: None,
    }
}

impl super::super::Receiver for ActiveMqReceiver {
    type Receipt = DeliveryInfo;

    async fn receive(&mut self) -> Result<Incoming<DeliveryInfo>, BrokerError> {
        loop {
            self.grant().await?;
            if let Some(incoming) = self.come.take() {
                return Ok(incoming);
            }
            let received = self.link.recv::<Body<Value>>().await;
            let delivery = received.map_err(|error| self.place.not_received(error))?;
            self.open += u32::from(!self.settled);
            self.come = Some(taken(delivery));
        }
    }

    async fn settle(&mut self, receipt: DeliveryInfo, how: Settlement) -> Result<(), BrokerError> {
        if self.settled {
            return Ok(());
        }
        self.dispose(receipt, how).await?;
        self.told += 1;
        self.open = self.open.saturating_sub(1);
        self.grant().await
    }

    async fn close(self) {
        self.line.close(self.told).await;
    }

    fn kill(self) {
        self.line.cut(self.told, self.link);
    }
}

/// A message out of what came over the wire.
fn taken(delivery: Delivery<Body<Value>>) -> Incoming<DeliveryInfo> {
    let (receipt, message) = delivery.into_parts();
    let redelivered = message
        .header
        .is_some_and(|header| header.delivery_count > 0);
    Incoming {
        body: bytes(message.body),
        redelivered,
        receipt,
    }
}

pub(super) fn bytes(body: Body<Value>) -> Vec<u8> {
    match body {
        Body::Data(sections) => sections
            .into_iter()
            .flat_map(|data| data.0.into_vec())
            .collect(),
        Body::Value(value) => match value.0 {
            Value::Binary(bytes) => bytes.into_vec(),
            Value::String(text) => text.into_bytes(),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}
