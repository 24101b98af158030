//! Asking the broker: its statistics plugin and its scheduler answer a message by messages.

use super::super::BrokerError;
use super::line::{Line, Place};
use fe2o3_amqp::types::messaging::{
    ApplicationProperties, Body, Header, Message, MessageId, Properties, Source, Target,
};
use fe2o3_amqp::types::primitives::{SimpleValue, Value};
use fe2o3_amqp::{Delivery, Receiver, Sender};
use std::time::Duration;

/// Where questions go, followed by a queue's name.
const DESTINATION: &str = "ActiveMQ.Statistics.Destination";

/// Where it says how it is doing itself. Asked for as a topic: without the plugin a message to a topic
/// that nobody listens to leaves nothing behind.
const BROKER: &str = "topic://ActiveMQ.Statistics.Broker";

/// With this property, an answer without content follows the others: it tells "no such queue" from
/// "no answer".
const END_OF_LIST: &str = "ActiveMQ.Statistics.Destination.List.End.With.Null";

/// Where the scheduler is asked. Not a queue either.
const SCHEDULER: &str = "topic://ActiveMQ.Scheduler.Management";

/// What it is to do.
const ACTION: &str = "AMQ_SCHEDULER_ACTION";

/// A delayed message's own name.
const JOB: &str = "scheduledJobId";

/// How long the scheduler may take from one delayed message to the next that it tells of.
const PAUSE: Duration = Duration::from_millis(300);

/// How long an answer may take before the plugin is held to be missing.
const SILENCE: Duration = Duration::from_millis(1500);

/// How full a queue is.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Level {
    /// Messages that are not settled.
    pub(super) size: u64,
    /// Those of them that a receiver has.
    inflight: u64,
}

impl Level {
    /// Messages that wait for a receiver.
    pub(super) fn waiting(self) -> u64 {
        self.size.saturating_sub(self.inflight)
    }
}

/// A connection for questions.
pub(super) struct Desk {
    line: Line,
    questions: Sender,
    answers: Receiver,
    /// The queue of the answers. It lives as long as the connection.
    reply_to: String,
    asked: u64,
}

impl Desk {
    pub(super) async fn open(place: &Place) -> Result<Desk, BrokerError> {
        let mut line = place.open("desk").await?;
        let attached = place.patiently(async {
            let questions = anonymous(&mut line, place).await?;
            let answers = temporary(&mut line, place).await?;
            Ok((questions, answers))
        });
        let (questions, answers) = attached.await?;
        let source = answers
            .source()
            .as_ref()
            .and_then(|source| source.address.clone());
        let Some(reply_to) = source else {
            return Err(place.failed("make a temporary queue", "it has no name"));
        };
        Ok(Desk {
            line,
            questions,
            answers,
            reply_to,
            asked: 0,
        })
    }

    /// What the broker calls itself.
    pub(super) fn product(&self) -> String {
        self.line.product()
    }

    /// Whether the plugin is there.
    pub(super) async fn answers(&mut self, place: &Place) -> Result<bool, BrokerError> {
        let about = self.ask_statistics(place, BROKER.to_owned()).await?;
        Ok(self.answer(place, &about, SILENCE).await?.is_some())
    }

    /// How full a queue is; none if the broker does not say. A queue that is not there is empty.
    pub(super) async fn level(
        &mut self,
        place: &Place,
        queue: &str,
    ) -> Result<Option<Level>, BrokerError> {
        let to = format!("queue://{DESTINATION}.{queue}");
        let about = self.ask_statistics(place, to).await?;
        let mut level = Level::default();
        while let Some(answer) = self.answer(place, &about, SILENCE).await? {
            match (
                count(&answer.body, "size"),
                count(&answer.body, "inflightCount"),
            ) {
                (Some(size), Some(inflight)) => level = Level { size, inflight },
                _ => return Ok(Some(level)),
            }
        }
        Ok(None)
    }

    /// Takes back the messages of a run that are still to be delivered.
    pub(super) async fn unschedule(&mut self, place: &Place, run: &str) -> Result<(), BrokerError> {
        let browse = ApplicationProperties::builder().insert(ACTION, "BROWSE");
        self.ask(place, SCHEDULER.to_owned(), run, browse.build())
            .await?;
        let mut jobs = Vec::new();
        while let Some(answer) = self.answer(place, run, PAUSE).await? {
            jobs.extend(answer.job);
        }
        for job in jobs {
            let remove = ApplicationProperties::builder()
                .insert(ACTION, "REMOVE")
                .insert(JOB, job);
            self.ask(place, SCHEDULER.to_owned(), run, remove.build())
                .await?;
        }
        Ok(())
    }

    /// Asks for statistics; returns what the answers correlate to.
    async fn ask_statistics(&mut self, place: &Place, to: String) -> Result<String, BrokerError> {
        self.asked += 1;
        let about = self.asked.to_string();
        let properties = ApplicationProperties::builder()
            .insert(END_OF_LIST, true)
            .build();
        self.ask(place, to, &about, properties).await?;
        Ok(about)
    }

    async fn ask(
        &mut self,
        place: &Place,
        to: String,
        about: &str,
        what: ApplicationProperties,
    ) -> Result<(), BrokerError> {
        let properties = Properties::builder()
            .to(to)
            .reply_to(self.reply_to.clone())
            .correlation_id(MessageId::from(about.to_owned()))
            .build();
        let question = Message::builder()
            .header(Header::builder().durable(false).build())
            .properties(properties)
            .application_properties(what)
            .value(Value::Null)
            .build();
        let asked = async {
            let sent = self.questions.send(question).await;
            sent.map_err(|error| place.not_sent(error))
        };
        place.patiently(asked).await.map(drop)
    }

    /// The next answer that correlates; none if there is none for so long.
    async fn answer(
        &mut self,
        place: &Place,
        about: &str,
        silence: Duration,
    ) -> Result<Option<Answer>, BrokerError> {
        loop {
            let delivery: Delivery<Body<Value>> =
                match tokio::time::timeout(silence, self.answers.recv()).await {
                    Ok(received) => received.map_err(|error| place.not_received(error))?,
                    Err(_) => return Ok(None),
                };
            self.answers
                .accept(&delivery)
                .await
                .map_err(|error| place.lost(error))?;
            let message = delivery.into_message();
            let correlated = message
                .properties
                .and_then(|properties| properties.correlation_id);
            if matches!(correlated, Some(MessageId::String(id)) if id == about) {
                let job = message.application_properties.as_ref().and_then(job);
                return Ok(Some(Answer {
                    body: message.body,
                    job,
                }));
            }
        }
    }

    pub(super) async fn close(self) {
        self.line.close(0).await;
    }
}

/// What the broker answers.
struct Answer {
    body: Body<Value>,
    /// The name of the delayed message that it tells of.
    job: Option<String>,
}

fn job(properties: &ApplicationProperties) -> Option<String> {
    match properties.get(JOB)? {
        SimpleValue::String(name) => Some(name.clone()),
        _ => None,
    }
}

/// A link that sends wherever a message says.
async fn anonymous(line: &mut Line, place: &Place) -> Result<Sender, BrokerError> {
    Sender::builder()
        .name("questions")
        .target(Target::builder().build())
        .attach(&mut line.session)
        .await
        .map_err(|error| place.sender_not_attached("any queue", error))
}

/// A link from a queue that the broker makes for it.
async fn temporary(line: &mut Line, place: &Place) -> Result<Receiver, BrokerError> {
    Receiver::builder()
        .name("answers")
        .source(Source::builder().dynamic(true).build())
        .attach(&mut line.session)
        .await
        .map_err(|error| place.receiver_not_attached("a temporary queue", error))
}

/// A figure of an answer.
fn count(answer: &Body<Value>, name: &str) -> Option<u64> {
    let Ok(Value::Map(figures)) = answer.try_as_value() else {
        return None;
    };
    match figures.get(&Value::String(name.to_owned()))? {
        Value::Long(figure) => u64::try_from(*figure).ok(),
        Value::Int(figure) => u64::try_from(*figure).ok(),
        _ => None,
    }
}
