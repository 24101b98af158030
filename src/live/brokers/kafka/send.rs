//! Sending, with the broker's answers.

use super::super::{BrokerError, Confirmations, Fate, Outgoing, Sender};
use super::client::{Apart, Place, Watch, aside};
use super::queue::Queue;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};
use std::sync::Arc;

/// Sends by an idempotent producer of its own.
pub struct KafkaSender {
    producer: Apart<ThreadedProducer<Reports>>,
    place: Place,
    watch: Watch,
    queues: Arc<[Arc<Queue>]>,
    confirmations: Confirmations,
}

/// Hears what has become of messages.
struct Reports {
    place: Place,
    watch: Watch,
    confirmations: Confirmations,
}

impl KafkaSender {
    pub(super) async fn open(
        place: &Place,
        queues: &Arc<[Arc<Queue>]>,
        greetings: &str,
        confirmations: Confirmations,
    ) -> Result<KafkaSender, BrokerError> {
        let watch = Watch::new(place);
        let reports = Reports {
            place: place.clone(),
            watch: watch.clone(),
            confirmations: confirmations.clone(),
        };
        let producer = place.sending().create_with_context(reports);
        let producer: ThreadedProducer<Reports> =
            producer.map_err(|error| place.error("make a producer", &error))?;
        let producer = meet(producer, place, &watch, queues, greetings).await?;
        Ok(KafkaSender {
            producer: Apart::new(producer),
            place: place.clone(),
            watch,
            queues: Arc::clone(queues),
            confirmations,
        })
    }
}

/// Has a producer connect, learn where the queues are, and send a greeting, so that no message has to wait
/// for any of that: an identity, without which nothing is sent, may take half a second.
async fn meet(
    producer: ThreadedProducer<Reports>,
    place: &Place,
    watch: &Watch,
    queues: &Arc<[Arc<Queue>]>,
    greetings: &str,
) -> Result<ThreadedProducer<Reports>, BrokerError> {
    let (patience, queues) = (place.patience, Arc::clone(queues));
    let greetings = greetings.to_owned();
    let met = aside(move || {
        let topics = queues.iter().map(|queue| &queue.topic);
        for topic in topics.chain([&greetings]) {
            producer.client().fetch_metadata(Some(topic), patience)?;
        }
        let greeting =
            BaseRecord::<(), [u8], _>::with_opaque_to(&greetings, Box::new(None)).partition(0);
        producer.send(greeting).map_err(|(error, _)| error)?;
        producer.flush(patience)?;
        Ok::<_, KafkaError>(producer)
    });
    tokio::select! {
        met = met => match met {
            Some(Ok(producer)) => {
                watch.forget();
                Ok(producer)
            }
            Some(Err(error)) => Err(place.unreachable(format!("{error}; {}", watch.last()))),
            None => Err(place.unreachable(watch.last())),
        },
        error = watch.unreachable() => Err(error),
    }
}

impl Sender for KafkaSender {
    async fn send(&mut self, message: Outgoing) -> Result<(), BrokerError> {
        if let Some(trouble) = self.watch.trouble() {
            return Err(trouble);
        }
        let queue = &self.queues[message.queue];
        let record =
            BaseRecord::<(), _, _>::with_opaque_to(&queue.topic, Box::new(Some(message.tag)))
                .partition(queue.partition(message.lane))
                .payload(&message.body);
        match self.producer.send(record) {
            Ok(()) => Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                self.confirmations.tell(message.tag, Fate::Refused);
                Ok(())
            }
            Err((error, _)) => Err(self.place.error("take a message", &error)),
        }
    }

    async fn close(self) {
        let patience = self.place.patience;
        let producer = self.producer;
        // What is not written by then is given up, and was not confirmed.
        aside(move || producer.flush(patience).is_ok()).await;
    }
}

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        self.watch.log(level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.watch.error(error, reason);
    }
}

impl ProducerContext for Reports {
    /// The message's tag; none for a greeting.
    type DeliveryOpaque = Box<Option<u64>>;

    fn delivery(&self, result: &DeliveryResult<'_>, tag: Box<Option<u64>>) {
        use RDKafkaErrorCode as Code;
        match result {
            Ok(_) => {
                if let Some(tag) = *tag {
                    self.confirmations.tell(tag, Fate::Stored);
                }
            }
            Err((error, _)) => match error.rdkafka_error_code() {
                // Given up by us.
                Some(Code::PurgeQueue | Code::PurgeInflight) => {}
                _ => self.watch.tell(self.place.error("take a message", error)),
            },
        }
    }
}
