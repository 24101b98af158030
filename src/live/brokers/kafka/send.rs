//! Sending, with the broker's answers.

use super::super::{BrokerError, Confirmations, Fate, Outgoing, Sender};
use super::client::{Apart, Place, Watch, aside};
use super::queue::Queue;
use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};
use std::sync::Arc;
use std::time::Duration;

/// Sends by idempotent producers of its own.
pub struct KafkaSender {
    /// One for each way to batch.
    producers: Vec<Apart<Reporting>>,
    /// By queue, which of them sends to it.
    by_queue: Vec<usize>,
    place: Place,
    watch: Watch,
    queues: Arc<[Arc<Queue>]>,
    confirmations: Confirmations,
}

type Reporting = ThreadedProducer<Reports>;

/// How long a batch waits, and the bytes at which it is sent before.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Batches {
    linger: Duration,
    bytes: f64,
}

impl Batches {
    fn of(queue: &Queue) -> Batches {
        Batches {
            linger: queue.spec.linger,
            bytes: queue.spec.batch_bytes,
        }
    }

    fn set(self, mut config: ClientConfig) -> ClientConfig {
        let most = f64::from(i32::MAX);
        config.set(
            "linger.ms",
            format!("{:.3}", 1e3 * self.linger.as_secs_f64()),
        );
        config.set("batch.size", format!("{:.0}", self.bytes.clamp(1.0, most)));
        config
    }
}

/// Hears what has become of messages.
#[derive(Clone)]
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
        let mut ways: Vec<Batches> = Vec::new();
        let (mut producers, mut by_queue) = (Vec::new(), Vec::new());
        for how in queues.iter().map(|queue| Batches::of(queue)) {
            let known = ways.iter().position(|known| *known == how);
            by_queue.push(known.unwrap_or(ways.len()));
            if known.is_some() {
                continue;
            }
            ways.push(how);
            let producer = how
                .set(place.sending())
                .create_with_context(reports.clone());
            let producer: Reporting =
                producer.map_err(|error| place.error("make a producer", &error))?;
            let producer = meet(producer, place, &watch, queues, greetings).await?;
            producers.push(Apart::new(producer));
        }
        Ok(KafkaSender {
            producers,
            by_queue,
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
    producer: Reporting,
    place: &Place,
    watch: &Watch,
    queues: &Arc<[Arc<Queue>]>,
    greetings: &str,
) -> Result<Reporting, BrokerError> {
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
    fn trouble(&self) -> Option<BrokerError> {
        self.watch.trouble()
    }

    async fn send(&mut self, message: Outgoing) -> Result<(), BrokerError> {
        if let Some(trouble) = self.trouble() {
            return Err(trouble);
        }
        let queue = &self.queues[message.queue];
        let record =
            BaseRecord::<(), _, _>::with_opaque_to(&queue.topic, Box::new(Some(message.tag)))
                .partition(queue.partition(message.lane))
                .payload(&message.body);
        match self.producers[self.by_queue[message.queue]].send(record) {
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
        let producers = self.producers;
        // What is not written by then is given up, and was not confirmed.
        aside(move || {
            for producer in &producers {
                let _ = producer.flush(patience);
            }
        })
        .await;
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
