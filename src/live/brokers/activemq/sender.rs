//! Sending: a link to each queue, and the broker's word on each message as it comes.

use super::super::{BrokerError, Confirmations, Fate, Outgoing};
use super::line::{Line, Place};
use super::{Queue, priority};
use fe2o3_amqp::Sender;
use fe2o3_amqp::link::SendError;
use fe2o3_amqp::link::delivery::DeliveryFut;
use fe2o3_amqp::types::messaging::{
    Data, Header, Message, MessageAnnotations, MessageId, Outcome, Priority, Properties,
};
use fe2o3_amqp::types::primitives::Binary;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::task::JoinSet;

/// Sends to the queues of a run.
pub struct ActiveMqSender {
    place: Arc<Place>,
    queues: Arc<[Queue]>,
    line: Line,
    links: Vec<Sender>,
    confirmations: Confirmations,
    /// One for each message that the broker has not answered yet.
    outcomes: JoinSet<()>,
    /// Why no more of this sender's messages can be sent: the broker forbids it, or the connection is lost.
    over: Arc<OnceLock<BrokerError>>,
}

impl ActiveMqSender {
    pub(super) async fn open(
        place: Arc<Place>,
        queues: Arc<[Queue]>,
        confirmations: Confirmations,
    ) -> Result<ActiveMqSender, BrokerError> {
        let mut line = place.open("sender").await?;
        let links = place.patiently(attach(&place, &mut line, &queues)).await?;
        let outcomes = JoinSet::new();
        let over = Arc::default();
        Ok(ActiveMqSender {
            place,
            queues,
            line,
            links,
            confirmations,
            outcomes,
            over,
        })
    }
}

/// A link to each queue. It makes the queue if it is not there.
pub(super) async fn attach(
    place: &Place,
    line: &mut Line,
    queues: &[Queue],
) -> Result<Vec<Sender>, BrokerError> {
    let mut links = Vec::with_capacity(queues.len());
    for queue in queues {
        let link = Sender::attach(
            &mut line.session,
            format!("to {}", queue.name),
            queue.name.as_str(),
        );
        links.push(
            link.await
                .map_err(|error| place.sender_not_attached(&queue.name, error))?,
        );
    }
    Ok(links)
}

impl super::super::Sender for ActiveMqSender {
    fn trouble(&self) -> Option<BrokerError> {
        self.over.get().cloned()
    }

    async fn send(&mut self, message: Outgoing) -> Result<(), BrokerError> {
        while self.outcomes.try_join_next().is_some() {}
        if let Some(error) = self.trouble() {
            return Err(error);
        }
        let tag = message.tag;
        let queue = &self.queues[message.queue];
        let link = &mut self.links[message.queue];
        let sent = link.send_batchable(written(queue, message)).await;
        let outcome = sent.map_err(|error| self.place.not_sent(error))?;
        let heard = Heard {
            tag,
            confirmations: self.confirmations.clone(),
            over: self.over.clone(),
            place: self.place.clone(),
        };
        self.outcomes.spawn(heard.of(outcome));
        Ok(())
    }

    /// Waits for the broker's answers too, as long as it is patient.
    async fn close(mut self) {
        let answered = async { while self.outcomes.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(self.place.patience(), answered).await;
        self.line.close(0).await;
    }
}

/// What to do with the broker's answer to a message.
struct Heard {
    tag: u64,
    confirmations: Confirmations,
    over: Arc<OnceLock<BrokerError>>,
    place: Arc<Place>,
}

impl Heard {
    async fn of(self, outcome: DeliveryFut<Result<Outcome, SendError>>) {
        match outcome.await {
            Ok(Outcome::Accepted(_)) => self.confirmations.tell(self.tag, Fate::Stored),
            Ok(Outcome::Rejected(rejected)) => {
                let why = rejected.error.map(|error| self.place.told("send", &error));
                match why {
                    Some(forbidden @ BrokerError::Forbidden { .. }) => {
                        let _ = self.over.set(forbidden);
                    }
                    _ => self.confirmations.tell(self.tag, Fate::Refused),
                }
            }
            Ok(_) => self.confirmations.tell(self.tag, Fate::Refused),
            Err(error) => {
                // Anything else the next `send` finds out.
                let why = Some(self.place.not_sent(error));
                if let Some(lost) = why.filter(BrokerError::is_passing) {
                    let _ = self.over.set(lost);
                }
            }
        }
    }
}

/// A message as the broker gets it. The run's name as what it correlates to finds it again wherever the
/// broker has put it.
pub(super) fn written(queue: &Queue, message: Outgoing) -> Message<Data> {
    let header = Header::builder()
        .durable(queue.spec.durable)
        .priority(Priority(priority(message.priority)))
        .build();
    let properties = Properties::builder()
        .correlation_id(MessageId::from(queue.run.clone()))
        .build();
    Message::builder()
        .header(header)
        .properties(properties)
        .message_annotations(message.delay.map(kept_back))
        .data(Binary::from(message.body))
        .build()
}

fn kept_back(delay: Duration) -> MessageAnnotations {
    let milliseconds = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
    MessageAnnotations::builder()
        .insert("x-opt-delivery-delay", milliseconds)
        .build()
}
