//! Hears of the messages that the broker throws away, and sorts dead letters from them.

use super::link::{CHANNEL, Link, Place, Reading, Writing};
use super::queues::Plan;
use super::receiver::consume;
use super::wire::{self, Event, Message, Method, Value, arguments, id};
use crate::live::brokers::{BrokerError, Discarded, Discards};
use std::sync::Arc;
use std::time::Duration;

/// How long to wait before another try to connect, at first and at most.
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

/// Reads from the queues that hold what was thrown away.
#[derive(Debug, Clone)]
pub struct Watch {
    pub place: Arc<Place>,
    pub plans: Arc<[Plan]>,
    pub discards: Discards,
}

impl Watch {
    /// Whether there is anything to watch.
    pub fn is_needed(&self) -> bool {
        self.plans.iter().any(|plan| plan.gone.is_some())
    }

    /// Connects.
    pub async fn connect(&self) -> Result<Link, BrokerError> {
        let mut link = Link::open(&self.place).await?;
        for (index, plan) in self.plans.iter().enumerate() {
            let Some(gone) = &plan.gone else {
                continue;
            };
            for queue in plan.declarations() {
                queue.make(&mut link).await?;
            }
            consume(&mut link, gone, &index.to_string(), false).await?;
        }
        Ok(link)
    }

    /// Tells of all that comes, and connects again whenever the connection is lost.
    pub async fn watch(self, first: Link) {
        let mut link = Some(first);
        let mut pause = FIRST;
        loop {
            if let Some(link) = link.take() {
                let (reading, writing) = link.into_halves("watch what is thrown away");
                // Whatever went wrong, connecting again is the only help.
                let _ = self.tell(reading, &writing).await;
                pause = FIRST;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST);
            link = self.connect().await.ok();
        }
    }

    async fn tell(&self, mut reading: Reading, writing: &Writing) -> Result<(), BrokerError> {
        loop {
            let Event::Message(message) = reading.next().await? else {
                continue;
            };
            let Method::Deliver(delivery) = &message.method else {
                continue;
            };
            let plan = delivery.consumer.parse().ok();
            let plan = plan.and_then(|index: usize| self.plans.get(index));
            let dead = match reason(&message).as_deref() {
                Some("expired") => {
                    self.discards.tell(&message.body, Discarded::Expired);
                    None
                }
                Some("maxlen") => {
                    self.discards.tell(&message.body, Discarded::Displaced);
                    None
                }
                _ => plan.and_then(|plan| plan.dead.as_ref()),
            };
            let properties = message.properties();
            writing
                .write(|out, frame_max| {
                    // One after the other on one channel: it is kept before it is forgotten.
                    if let (Some(dead), Ok(properties)) = (dead, properties) {
                        let body = &message.body;
                        wire::put_message(out, CHANNEL, frame_max, dead, properties, body);
                    }
                    let done = arguments().longlong(delivery.tag).bits([false]);
                    wire::put_method(out, CHANNEL, id::ACK, &done);
                })
                .await?;
        }
    }
}

/// Why the message left its queue: the latest of the reasons that the broker has written on it.
fn reason(message: &Message) -> Option<String> {
    let headers = message.headers().ok()?;
    let Some(Value::List(deaths)) = wire::value(&headers, "x-death") else {
        return None;
    };
    match deaths.first() {
        Some(Value::Table(death)) => wire::text(death, "reason").map(str::to_owned),
        _ => None,
    }
}
