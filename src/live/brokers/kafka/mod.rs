//! Apache Kafka: a topic for each queue, and one group of consumers that read it.
//!
//! The client is `rdkafka`, which compiles librdkafka, the C library by the makers of Kafka's other
//! clients: it has been in use for ten years, does idempotent producing, groups and static membership,
//! and needs a C compiler only (no OpenSSL, zlib or CMake as it is built here; so no TLS and no
//! compression). `krafka`, all Rust, is a year old, breaks its interface about weekly and needs a newer
//! compiler than this project; `rskafka` has no groups.
//!
//! - Messages wait in partitions, each read by one member of the group at a time. Member m of c reads
//!   partitions m, m + c, m + 2c and so on.
//! - A sender keeps messages of a partition back as long and up to as many bytes as their queue says
//!   (`linger.ms`, `batch.size`), by a producer for each way to do so.
//! - A message is settled by committing that its partition is done up to it, without waiting for the
//!   answer: at once, or for all messages together as often as the queue says
//!   ([`QueueSpec::commit_every`](super::QueueSpec::commit_every)) and before partitions are given up; what was settled out of order counts
//!   when the gap before it is closed. A partition
//!   keeps its messages whether they are settled or not, so nothing can be given back singly, and the
//!   broker cannot say whether a message was delivered before: [`Incoming::redelivered`](super::Incoming::redelivered) is always false.
//! - Members are static (KIP-345). One that dies is missed after its session
//!   ([`QueueSpec::detection`](super::QueueSpec::detection), which brokers allow from 6 s on unless told otherwise) and its partitions
//!   then go to others; if it is back before that, it goes on where it had committed, and nobody else
//!   notices. Without a static identity, a member that came back early would stop the whole group until
//!   the session of its former self is over. A member that closes leaves the group at once.
//! - A rebalance stops all members, as Kafka's default (`range`, eager) does, and begins for each with
//!   its next heartbeat ([`QueueSpec::rebalance`](super::QueueSpec::rebalance)). Members finish the messages in hand before they give up
//!   their partitions, as Java's clients do between two polls, but take no longer than a session.
//! - A killed receiver ends without a goodbye: its connections are closed within some hundredths of a
//!   second, commits that were told before are still written, nothing else is.
//! - Dead letters are the custom that frameworks follow, not a means of Kafka: the receiver stores a copy
//!   in the topic `….dead`, waits for that, and commits.
//! - The client fetches ahead as it sees fit: no window.
//! - There is no telling the broker's version by Kafka's protocol.
//!
//! A connection counts as lost when no broker can be reached any more, or a message was not stored within
//! [`Target::patience`], though librdkafka would try on: whoever runs this decides.

mod client;
mod queue;
mod receive;
mod send;

pub use receive::{KafkaReceiver, Receipt};
pub use send::KafkaSender;

use super::{Abilities, Broker, BrokerError, Confirmations, Target};
use crate::network::System;
use client::{Apart, Place, Watch, aside};
use queue::Queue;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{FutureProducer, Producer};
use rdkafka::topic_partition_list::Offset;
use receive::Dead;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};

/// How long to wait before something that is not ready yet is asked again.
const AGAIN: Duration = Duration::from_millis(20);

/// The topics and groups of a run.
pub struct Kafka {
    place: Place,
    queues: Arc<[Arc<Queue>]>,
    /// A topic for what senders say before their first message.
    greetings: String,
    admin: Arc<Apart<AdminClient<DefaultClientContext>>>,
    /// For dead letters, and for questions.
    dead: Arc<Dead>,
}

impl Broker for Kafka {
    type Sender = KafkaSender;
    type Receiver = KafkaReceiver;

    const SYSTEM: System = System::Kafka;
    const ABILITIES: Abilities = Abilities {
        batches: true,
        dead_letters: true,
        redelivers: true,
        partitions: true,
        durable: true,
        ..Abilities::NONE
    };

    async fn open(target: Target) -> Result<Kafka, BrokerError> {
        let place = Place::new(target.address.as_ref(), target.patience)?;
        let dead = contact(&place).await?;
        let admin: Result<AdminClient<_>, _> = place.config().create();
        let admin = admin.map_err(|error| place.error("take orders", &error))?;
        let queues = target.queues.into_iter();
        let kafka = Kafka {
            queues: queues
                .map(|spec| Arc::new(Queue::new(&target.run, spec)))
                .collect(),
            greetings: format!("orderline.{}", target.run),
            admin: Arc::new(Apart::new(admin)),
            dead: Arc::new(dead),
            place,
        };
        match kafka.create().await {
            Ok(()) => Ok(kafka),
            Err(error) => {
                // What stopped us matters more than what stops the cleaning.
                let _ = kafka.delete_topics().await;
                Err(error)
            }
        }
    }

    fn version(&self) -> String {
        let (_, client) = rdkafka::util::get_rdkafka_version();
        format!("Kafka (by librdkafka {client})")
    }

    async fn sender(&self, confirmations: Confirmations) -> Result<KafkaSender, BrokerError> {
        KafkaSender::open(&self.place, &self.queues, &self.greetings, confirmations).await
    }

    async fn receiver(&self, queue: usize, member: usize) -> Result<KafkaReceiver, BrokerError> {
        KafkaReceiver::open(&self.place, &self.queues[queue], member, &self.dead).await
    }

    async fn depth(&self, queue: usize) -> Result<Option<u64>, BrokerError> {
        let (place, queue) = (self.place.clone(), Arc::clone(&self.queues[queue]));
        let depth = aside(move || {
            let lag = lag(&place, &queue);
            if lag.is_err() {
                queue.forget_observer();
            }
            lag
        });
        let depth = depth.await;
        self.answer("say how long a queue is", depth)
    }

    async fn dead_letters(&self, queue: usize) -> Result<Option<u64>, BrokerError> {
        let Some(topic) = self.queues[queue].dead() else {
            return Ok(None);
        };
        let (patience, dead) = (self.place.patience, Arc::clone(&self.dead));
        let count = aside(move || {
            let (first, next) = dead.client().fetch_watermarks(&topic, 0, patience)?;
            Ok(u64::try_from(next - first).unwrap_or(0))
        });
        self.answer("count dead letters", count.await)
    }

    async fn remove(self) -> Result<(), BrokerError> {
        for queue in self.queues.iter() {
            self.dismiss(queue).await;
        }
        let groups = self.delete_groups().await;
        let topics = self.delete_topics().await;
        groups.and(topics)
    }
}

impl Kafka {
    fn options(&self) -> AdminOptions {
        let patience = Some(self.place.patience);
        AdminOptions::new()
            .request_timeout(patience)
            .operation_timeout(patience)
    }

    /// What was asked aside.
    fn answer(
        &self,
        action: &str,
        answer: Option<Result<u64, KafkaError>>,
    ) -> Result<Option<u64>, BrokerError> {
        match answer {
            Some(Ok(count)) => Ok(Some(count)),
            Some(Err(error)) => Err(self.place.error(action, &error)),
            None => Err(self
                .place
                .failed(action, "the client has given up".to_owned())),
        }
    }

    /// All topics, with their numbers of partitions.
    fn topics(&self) -> Vec<(String, u32)> {
        let mut topics = vec![(self.greetings.clone(), 1)];
        topics.extend(self.queues.iter().flat_map(|queue| queue.topics()));
        topics
    }

    /// Makes the topics and waits until each partition has a broker that leads it.
    async fn create(&self) -> Result<(), BrokerError> {
        let topics = self.topics();
        let new: Vec<_> = topics
            .iter()
            .map(|(name, partitions)| {
                NewTopic::new(name, partitions.cast_signed(), TopicReplication::Fixed(1))
            })
            .collect();
        let action = "make topics";
        let made = self.admin.create_topics(&new, &self.options()).await;
        for topic in made.map_err(|error| self.place.error(action, &error))? {
            topic.map_err(|(name, code)| {
                self.place.refusal(action, code, &format!("{name}: {code}"))
            })?;
        }
        let (dead, place) = (Arc::clone(&self.dead), self.place.clone());
        let queues = Arc::clone(&self.queues);
        let ready = aside(move || {
            led(&dead, &topics, place.patience)?;
            queues.iter().try_for_each(|queue| begin(&place, queue))
        });
        match ready.await {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => Err(self.place.error(action, &error)),
            None => Err(self
                .place
                .failed(action, "the client has given up".to_owned())),
        }
    }

    /// Has all members leave the group, which otherwise could not be deleted. Those that died come back
    /// for a moment to say goodbye.
    async fn dismiss(&self, queue: &Arc<Queue>) {
        queue.dismiss();
        for number in queue.numbers() {
            let _ = timeout(self.place.patience, queue.vacant(number)).await;
        }
        for number in queue.missing() {
            // If that fails, deleting the group does as well, and says so.
            let back = KafkaReceiver::open(&self.place, queue, number, &self.dead).await;
            if let Ok(receiver) = back {
                super::Receiver::close(receiver).await;
            }
        }
    }

    /// Groups can only be deleted when their last member has left, which takes a moment.
    async fn delete_groups(&self) -> Result<(), BrokerError> {
        let until = Instant::now() + self.place.patience;
        let mut groups: Vec<String> = self
            .queues
            .iter()
            .map(|queue| queue.topic.clone())
            .collect();
        while !groups.is_empty() {
            let names: Vec<&str> = groups.iter().map(String::as_str).collect();
            let deleted = self.admin.delete_groups(&names, &self.options()).await;
            let deleted = deleted.map_err(|error| self.left_behind("groups", &groups, &error))?;
            let mut left = deleted
                .into_iter()
                .filter_map(Result::err)
                .collect::<Vec<_>>();
            // A group that never had a member was never made.
            left.retain(|(_, code)| *code != RDKafkaErrorCode::GroupIdNotFound);
            groups = left.iter().map(|(group, _)| group.clone()).collect();
            if let Some(&(_, code)) = left.first() {
                if Instant::now() >= until || code != RDKafkaErrorCode::NonEmptyGroup {
                    return Err(self.left_behind("groups", &groups, &code));
                }
                sleep(AGAIN).await;
            }
        }
        Ok(())
    }

    async fn delete_topics(&self) -> Result<(), BrokerError> {
        let topics: Vec<String> = self.topics().into_iter().map(|(name, _)| name).collect();
        let names: Vec<&str> = topics.iter().map(String::as_str).collect();
        let deleted = self.admin.delete_topics(&names, &self.options()).await;
        let deleted = deleted.map_err(|error| self.left_behind("topics", &topics, &error))?;
        let mut left = deleted
            .into_iter()
            .filter_map(Result::err)
            .collect::<Vec<_>>();
        left.retain(|(_, code)| *code != RDKafkaErrorCode::UnknownTopicOrPartition);
        match left.first() {
            None => Ok(()),
            Some(&(_, code)) => {
                let topics: Vec<String> = left.into_iter().map(|(name, _)| name).collect();
                Err(self.left_behind("topics", &topics, &code))
            }
        }
    }

    fn left_behind(&self, what: &str, names: &[String], why: &impl ToString) -> BrokerError {
        let action = format!("delete the {what} {}, which stay behind", names.join(", "));
        self.place.failed(&action, why.to_string())
    }
}

/// The first contact, by a producer that dead letters can be sent with later.
async fn contact(place: &Place) -> Result<Dead, BrokerError> {
    let watch = Watch::new(place);
    let producer = place.sending().create_with_context(watch.clone());
    let producer: FutureProducer<Watch> =
        producer.map_err(|error| place.error("be connected to", &error))?;
    let (producer, patience) = (Apart::new(producer), place.patience);
    let met = aside(move || {
        let known = producer.client().fetch_metadata(None, patience).map(drop);
        known.map(|()| producer)
    });
    tokio::select! {
        met = met => match met {
            Some(Ok(producer)) => Ok(producer),
            Some(Err(error)) => Err(place.unreachable(format!("{error}; {}", watch.last()))),
            None => Err(place.unreachable(watch.last())),
        },
        error = watch.unreachable() => Err(error),
    }
}

/// Waits until each partition of some topics has a broker that leads it.
fn led(dead: &Dead, topics: &[(String, u32)], patience: Duration) -> Result<(), KafkaError> {
    let until = Instant::now() + patience;
    for (name, partitions) in topics {
        while !is_led(dead, name, *partitions, patience)? {
            if Instant::now() >= until {
                return Err(KafkaError::MetadataFetch(
                    RDKafkaErrorCode::LeaderNotAvailable,
                ));
            }
            std::thread::sleep(AGAIN);
        }
    }
    Ok(())
}

fn is_led(
    dead: &Dead,
    topic: &str,
    partitions: u32,
    patience: Duration,
) -> Result<bool, KafkaError> {
    let known = dead.client().fetch_metadata(Some(topic), patience)?;
    let led = known.topics().iter().flat_map(|topic| topic.partitions());
    Ok(led.filter(|partition| partition.leader() >= 0).count() == partitions as usize)
}

/// Says where a group begins to read. If it had to find out, librdkafka would take half a second for it.
fn begin(place: &Place, queue: &Queue) -> Result<(), KafkaError> {
    let mut partitions = queue.all_partitions();
    partitions.set_all_offsets(Offset::Offset(0))?;
    let observer = queue.observer(place)?;
    observer.commit(&partitions, CommitMode::Sync)
}

/// Messages of a queue that wait: from where the group has committed to the end, without those in hand.
fn lag(place: &Place, queue: &Queue) -> Result<u64, KafkaError> {
    let observer = queue.observer(place)?;
    // Events that nobody else takes.
    while observer.poll(Duration::ZERO).is_some() {}
    let mut partitions = queue.all_partitions();
    let committed = observer.committed_offsets(partitions.clone(), place.patience)?;
    partitions.set_all_offsets(Offset::End)?;
    let ends = observer.offsets_for_times(partitions, place.patience)?;
    let mut lag = 0;
    for (done, end) in committed.elements().iter().zip(ends.elements()) {
        done.error()?;
        end.error()?;
        let place = |offset| {
            if let Offset::Offset(at) = offset {
                at
            } else {
                0
            }
        };
        lag += u64::try_from(place(end.offset()) - place(done.offset())).unwrap_or(0);
    }
    Ok(lag.saturating_sub(queue.in_hand() as u64))
}
