//! Asking the broker how full a queue is: its statistics plugin answers a message by a message.

use super::super::BrokerError;
use super::line::{Line, Place};
use fe2o3_amqp::types::messaging::{
    ApplicationProperties, Body, Header, Message, MessageId, Properties, Source, Target,
};
use fe2o3_amqp::types::primitives::Value;
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
        self.ask(place, BROKER.to_owned()).await?;
        Ok(self.answer(place).await?.is_some())
    }

    /// How full a queue is; none if the broker does not say. A queue that is not there is empty.
    pub(super) async fn level(
        &mut self,
        place: &Place,
        queue: &str,
    ) -> Result<Option<Level>, BrokerError> {
        self.ask(place, format!("queue://{DESTINATION}.{queue}"))
            .await?;
        let mut level = Level::default();
        while let Some(answer) = self.answer(place).await? {
            match (count(&answer, "size"), count(&answer, "inflightCount")) {
                (Some(size), Some(inflight)) => level = Level { size, inflight },
                _ => return Ok(Some(level)),
            }
        }
        Ok(None)
    }

    async fn ask(&mut self, place: &Place, to: String) -> Result<(), BrokerError> {
        self.asked += 1;
        let properties = Properties::builder()
            .to(to)
            .reply_to(self.reply_to.clone())
            .correlation_id(MessageId::from(self.asked.to_string()))
            .build();
        let question = Message::builder()
            .header(Header::builder().durable(false).build())
            .properties(properties)
            .application_properties(
                ApplicationProperties::builder()
                    .insert(END_OF_LIST, true)
                    .build(),
            )
            .value(Value::Null)
            .build();
        place
            .patiently(async {
                self.questions
                    .send(question)
                    .await
                    .map_err(|error| place.not_sent(error))
            })
            .await
            .map(drop)
    }

    /// The next answer to the last question; none if there is none.
    async fn answer(&mut self, place: &Place) -> Result<Option<Body<Value>>, BrokerError> {
        let wanted = self.asked.to_string();
        loop {
            let delivery: Delivery<Body<Value>> =
                match tokio::time::timeout(SILENCE, self.answers.recv()).await {
                    Ok(received) => received.map_err(|error| place.not_received(error))?,
                    Err(_) => return Ok(None),
                };
            self.answers
                .accept(&delivery)
                .await
                .map_err(|error| place.lost(error))?;
            let properties = delivery.message().properties.as_ref();
            let about = properties.and_then(|properties| properties.correlation_id.as_ref());
            if matches!(about, Some(MessageId::String(id)) if *id == wanted) {
                return Ok(Some(delivery.into_body()));
            }
        }
    }

    pub(super) async fn close(self) {
        self.line.close().await;
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
