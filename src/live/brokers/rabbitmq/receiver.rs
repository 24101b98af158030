//! Receiving and settling.

use super::link::{self, CHANNEL, Link, Place, Reading, Writing};
use super::queues::Plan;
use super::wire::{self, Event, Message, Method, arguments, id};
use crate::live::brokers::{BrokerError, Incoming, Receiver, Settlement};
use std::sync::Arc;

/// Receives over a connection of its own.
#[derive(Debug)]
pub struct RabbitMqReceiver {
    reading: Reading,
    writing: Arc<Writing>,
    /// Whether there is nothing to settle.
    settled_on_delivery: bool,
}

impl RabbitMqReceiver {
    pub(super) async fn open(
        place: &Arc<Place>,
        plan: &Plan,
        member: usize,
    ) -> Result<RabbitMqReceiver, BrokerError> {
        let mut link = Link::open(place).await?;
        for queue in plan.declarations() {
            queue.make(&mut link).await?;
        }
        let settled_on_delivery = plan.spec.settled_on_delivery;
        let action = format!("receive from the queue {}", plan.name);
        // More than the protocol can say is no limit.
        let window = u16::try_from(plan.spec.window).unwrap_or(0);
        let limit = arguments().long(0).short(window).bits([false]);
        link.call(&action, id::QOS, &limit).await?;
        consume(
            &mut link,
            &plan.name,
            &member.to_string(),
            settled_on_delivery,
        )
        .await?;
        let (reading, writing) = link.into_halves(&action);
        Ok(RabbitMqReceiver {
            reading,
            writing,
            settled_on_delivery,
        })
    }
}

/// Asks for the messages of a queue, as the consumer of that name.
pub async fn consume(
    link: &mut Link,
    queue: &str,
    consumer: &str,
    settled_on_delivery: bool,
) -> Result<(), BrokerError> {
    let action = format!("receive from the queue {queue}");
    let wanted = arguments()
        .short(0)
        .text(queue)
        .text(consumer)
        .bits([false, settled_on_delivery, false, false])
        .table(&wire::Table::new());
    link.call(&action, id::CONSUME, &wanted).await?;
    Ok(())
}

impl Receiver for RabbitMqReceiver {
    /// The number of the delivery.
    type Receipt = u64;

    async fn receive(&mut self) -> Result<Incoming<u64>, BrokerError> {
        loop {
            if let Event::Message(Message {
                method: Method::Deliver(delivery),
                body,
                ..
            }) = self.reading.next().await?
            {
                return Ok(Incoming {
                    body,
                    redelivered: delivery.redelivered,
                    receipt: delivery.tag,
                });
            }
        }
    }

    async fn settle(&mut self, receipt: u64, how: Settlement) -> Result<(), BrokerError> {
        if self.settled_on_delivery {
            return Ok(());
        }
        // Acknowledged: not several at once. Rejected: whether it goes back.
        let (method, flag) = match how {
            Settlement::Done => (id::ACK, false),
            Settlement::Requeue => (id::REJECT, true),
            Settlement::DeadLetter => (id::REJECT, false),
        };
        let told = arguments().longlong(receipt).bits([flag]);
        self.writing
            .write(|out, _| wire::put_method(out, CHANNEL, method, &told))
            .await
    }

    async fn close(mut self) {
        link::close(&mut self.reading, &self.writing).await;
    }

    /// Closes the socket, which is what the system does for a process that was killed.
    fn kill(self) {}
}
