//! Sending, with confirmations that nobody waits for.

use super::link::{self, CHANNEL, Link, Place, Reading, Writing};
use super::queues::Plan;
use super::wire::{self, Event, Method, Properties, arguments, id};
use super::{Made, Task};
use crate::live::brokers::{BrokerError, Confirmations, Fate, Outgoing, Sender};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// Sends over a connection of its own.
#[derive(Debug)]
pub struct RabbitMqSender {
    place: Arc<Place>,
    plans: Arc<[Plan]>,
    made: Made,
    writing: Arc<Writing>,
    unconfirmed: Arc<Unconfirmed>,
    /// How many messages were published: the broker counts them the same way.
    published: u64,
    /// Why the connection is over, once it is.
    over: watch::Receiver<Option<BrokerError>>,
    listening: Task,
}

/// Tags of messages by the broker's number for them.
type Unconfirmed = Mutex<BTreeMap<u64, u64>>;

impl RabbitMqSender {
    pub(super) async fn open(
        place: &Arc<Place>,
        plans: &Arc<[Plan]>,
        made: &Made,
        confirmations: Confirmations,
    ) -> Result<RabbitMqSender, BrokerError> {
        let mut link = Link::open(place).await?;
        for queue in plans.iter().flat_map(Plan::declarations) {
            queue.make(&mut link).await?;
        }
        link.call(
            "confirm messages",
            id::CONFIRM_SELECT,
            &arguments().bits([false]),
        )
        .await?;
        let (reading, writing) = link.into_halves("send a message");
        let (tell, over) = watch::channel(None);
        let unconfirmed = Arc::default();
        let hearing = Hearing {
            unconfirmed: Arc::clone(&unconfirmed),
            confirmations,
            returned: BTreeSet::new(),
        };
        Ok(RabbitMqSender {
            place: Arc::clone(place),
            plans: Arc::clone(plans),
            made: Arc::clone(made),
            writing,
            unconfirmed,
            published: 0,
            over,
            listening: Task(tokio::spawn(hearing.listen(reading, tell))),
        })
    }

    /// Why the connection is over; waits a moment for the broker's own words.
    async fn reason(&mut self, seen: BrokerError) -> BrokerError {
        let told = self.over.wait_for(Option::is_some);
        match tokio::time::timeout(Duration::from_secs(1), told).await {
            Ok(Ok(why)) => why.clone().unwrap_or(seen),
            _ => seen,
        }
    }
}

impl Sender for RabbitMqSender {
    fn trouble(&self) -> Option<BrokerError> {
        self.over.borrow().clone()
    }

    async fn send(&mut self, message: Outgoing) -> Result<(), BrokerError> {
        if let Some(why) = self.trouble() {
            return Err(why);
        }
        let plan = &self.plans[message.queue];
        let properties = Properties {
            persistent: plan.spec.durable,
            priority: plan.level(message.priority),
            tag: message.tag,
        };
        let delay = message.delay.filter(|delay| !delay.is_zero());
        let delay = delay.map(|delay| plan.delay(delay));
        if let Some(queue) = &delay {
            let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
            if !made.contains(&queue.name) {
                made.insert(queue.name.clone());
            }
        }
        let (published, unconfirmed) = (&mut self.published, &self.unconfirmed);
        let write = self.writing.write(|out, frame_max| {
            *published += 1;
            unconfirmed
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(*published, message.tag);
            if let Some(queue) = &delay {
                // Each time, for that renews its stay. Nobody waits for an answer: both go out together.
                wire::put_method(out, CHANNEL, id::QUEUE_DECLARE, &queue.method(true));
            }
            let queue = delay.as_ref().map_or(&plan.name, |queue| &queue.name);
            wire::put_message(out, CHANNEL, frame_max, queue, properties, &message.body);
        });
        let mut over = self.over.clone();
        let written = tokio::select! {
            biased;
            written = write => written,
            // A broker that hangs takes nothing any more, and would be waited for for ever.
            _ = over.wait_for(Option::is_some) => Err(self.place.lost("it hangs")),
        };
        match written {
            Ok(()) => Ok(()),
            Err(why) => Err(self.reason(why).await),
        }
    }

    async fn close(mut self) {
        if link::say_goodbye(&self.writing).await.is_ok() {
            let told = self.over.wait_for(Option::is_some);
            let _ = tokio::time::timeout(self.place.patience, told).await;
        }
        drop(self.listening);
    }
}

/// Hears what becomes of messages.
struct Hearing {
    unconfirmed: Arc<Unconfirmed>,
    confirmations: Confirmations,
    /// Messages that no queue has taken. The broker confirms them nevertheless, as dealt with.
    returned: BTreeSet<u64>,
}

impl Hearing {
    async fn listen(mut self, mut reading: Reading, over: watch::Sender<Option<BrokerError>>) {
        loop {
            match reading.next().await {
                Ok(Event::Method(Method::CloseOk)) => {
                    over.send_replace(Some(reading.lost("it was closed")));
                    return;
                }
                Ok(event) => self.hear(event),
                Err(why) => {
                    over.send_replace(Some(why));
                    return;
                }
            }
        }
    }

    fn hear(&mut self, event: Event) {
        match event {
            Event::Method(Method::Ack { tag, multiple }) => self.tell(tag, multiple, Fate::Stored),
            Event::Method(Method::Nack { tag, multiple }) => {
                self.tell(tag, multiple, Fate::Refused);
            }
            Event::Message(message) => {
                if let Ok(properties) = message.properties() {
                    self.returned.insert(properties.tag);
                }
            }
            Event::Method(_) => {}
        }
    }

    fn tell(&mut self, number: u64, multiple: bool, fate: Fate) {
        for tag in self.confirmed(number, multiple) {
            let returned = self.returned.remove(&tag);
            let fate = if returned { Fate::Refused } else { fate };
            self.confirmations.tell(tag, fate);
        }
    }

    /// The tag of that number, or of all up to it.
    fn confirmed(&self, number: u64, multiple: bool) -> Vec<u64> {
        let lock = self.unconfirmed.lock();
        let mut unconfirmed = lock.unwrap_or_else(PoisonError::into_inner);
        if multiple {
            let later = unconfirmed.split_off(&(number + 1));
            let these = std::mem::replace(&mut *unconfirmed, later);
            these.into_values().collect()
        } else {
            unconfirmed.remove(&number).into_iter().collect()
        }
    }
}
