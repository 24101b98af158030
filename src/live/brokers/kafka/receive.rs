//! Receiving as a member of a group.
//!
//! Each receiver has a thread that asks librdkafka for messages and takes part in the group's
//! rebalances, so that these go on while the receiver works on a message.

use super::super::{BrokerError, Incoming, QueueSpec, Receiver, Settlement};
use super::client::{Apart, Place, Watch, millis};
use super::queue::Queue;
use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

/// How long the thread of a receiver waits for messages before it looks whether it is to end.
const POLL: Duration = Duration::from_millis(50);

/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(2);

/// How long to wait before the group is asked whether a member has left.
const LEAVING: Duration = Duration::from_millis(5);

/// How long a member may be silent, if nothing else is said: as Kafka's own clients have it.
const SESSION: Duration = Duration::from_secs(45);

/// How often a member is heard, if nothing else is said: often enough that a run begins soon.
const HEARTBEAT: Duration = Duration::from_millis(200);

/// Fetched messages at which fetching pauses, and at which it goes on.
const ENOUGH: usize = 2000;
const FEW: usize = 1000;

/// The producer of dead letters.
pub(super) type Dead = Apart<FutureProducer<Watch>>;

type Group = BaseConsumer<Context>;

/// Reads its share of the partitions of a topic.
pub struct KafkaReceiver {
    queue: Arc<Queue>,
    number: usize,
    member: Arc<Member>,
    place: Place,
    /// The thread's, which ends it.
    consumer: Weak<Group>,
    fetched: mpsc::UnboundedReceiver<Fetched>,
    dead: Arc<Dead>,
}

/// What the thread of a receiver hands over.
enum Fetched {
    Message(Letter, Vec<u8>),
    Trouble(BrokerError),
}

/// Where a message is.
#[derive(Debug, Clone, Copy)]
struct Letter {
    /// Of the assignment that it came by.
    generation: u64,
    partition: i32,
    offset: i64,
}

/// To settle a message with.
#[derive(Debug)]
pub struct Receipt {
    letter: Letter,
    /// What it carries, if it may become a dead letter.
    body: Option<Vec<u8>>,
}

/// What a receiver, its thread and librdkafka's callbacks know of a member.
#[derive(Debug)]
pub(super) struct Member {
    /// How long work in hand may take when partitions are given up.
    grace: Duration,
    /// How long what is settled may go uncommitted; zero for not at all.
    commit_every: Duration,
    held: Mutex<Held>,
    /// Told when nothing is unsettled any more, or the receiver goes.
    free: Condvar,
    /// Messages between the thread and the receiver.
    waiting: AtomicUsize,
}

#[derive(Debug, Default)]
struct Held {
    /// Counts assignments: what came by an earlier one is not ours any more.
    generation: u64,
    /// Whether there has been an assignment.
    admitted: bool,
    /// How many partitions are read; none between two assignments.
    assigned: Option<usize>,
    /// Offsets that were received, oldest first, with whether they are settled.
    received: BTreeMap<i32, VecDeque<(i64, bool)>>,
    /// What is settled and not committed.
    uncommitted: Uncommitted,
    /// When something was last committed.
    committed: Option<Instant>,
    goodbye: Option<Goodbye>,
    /// Whether the group has heard it.
    left: bool,
}

/// What is to be committed.
#[derive(Debug, Default)]
struct Uncommitted {
    /// Up to where each partition is settled.
    positions: BTreeMap<i32, i64>,
    /// Messages that are settled by that.
    messages: usize,
}

impl Uncommitted {
    fn list(&self, topic: &str) -> Result<TopicPartitionList, KafkaError> {
        let mut list = TopicPartitionList::with_capacity(self.positions.len());
        for (&partition, &offset) in &self.positions {
            list.add_partition_offset(topic, partition, Offset::Offset(offset))?;
        }
        Ok(list)
    }
}

/// How a receiver goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Goodbye {
    /// The group is told.
    Leaves,
    /// Nobody is.
    Dies,
}

impl Member {
    fn new(spec: &QueueSpec) -> Member {
        Member {
            grace: session(spec),
            commit_every: spec.commit_every,
            held: Mutex::default(),
            free: Condvar::new(),
            waiting: AtomicUsize::new(0),
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many partitions it reads; none while that is not settled.
    pub(super) fn assigned(&self) -> Option<usize> {
        self.held().assigned
    }

    /// Messages that were received and are not committed.
    pub(super) fn in_hand(&self) -> usize {
        let held = self.held();
        match held.goodbye {
            None => {
                let unsettled = held.received.values().map(VecDeque::len);
                unsettled.sum::<usize>() + held.uncommitted.messages
            }
            // They wait for somebody else.
            Some(_) => 0,
        }
    }

    /// Takes a message in hand, if it still came by the assignment that holds.
    fn take(&self, letter: Letter) -> bool {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        let mut held = self.held();
        let ours = held.assigned.is_some() && held.generation == letter.generation;
        if ours {
            let received = held.received.entry(letter.partition).or_default();
            received.push_back((letter.offset, false));
        }
        ours
    }

    /// Commits what is settled, if it is time for that or must be now.
    fn commit(&self, consumer: &Group, topic: &str, now: bool) -> Result<(), KafkaError> {
        let mut held = self.held();
        let since = held.committed.get_or_insert_with(Instant::now).elapsed();
        if held.uncommitted.positions.is_empty() || !(now || since >= self.commit_every) {
            return Ok(());
        }
        let list = held.uncommitted.list(topic)?;
        held.uncommitted = Uncommitted::default();
        held.committed = Some(Instant::now());
        consumer.commit(&list, CommitMode::Async)
    }

    /// Gives up all partitions, once the work in hand is settled or has had its time.
    fn give_up(&self, consumer: &Group, topic: &str) {
        let mut held = self.held();
        held.assigned = None;
        let in_hand = |held: &mut Held| held.goodbye.is_none() && !held.is_free();
        let (mut held, _) = self
            .free
            .wait_timeout_while(held, self.grace, in_hand)
            .unwrap_or_else(PoisonError::into_inner);
        let dies = held.goodbye == Some(Goodbye::Dies);
        held.generation += 1;
        held.received.clear();
        drop(held);
        if !dies {
            // Where that fails the messages are delivered once more.
            let _ = self.commit(consumer, topic, true);
        }
        self.held().uncommitted = Uncommitted::default();
    }

    /// Ends the receiver's thread. Only the first goodbye counts.
    fn go(&self, goodbye: Goodbye) {
        self.held().goodbye.get_or_insert(goodbye);
        self.free.notify_all();
    }

    /// Leaves the group, if it is still there.
    pub(super) fn leave(&self) {
        self.go(Goodbye::Leaves);
    }

    /// Whether the group counts on it no more, or never did.
    pub(super) fn has_left(&self) -> bool {
        let held = self.held();
        held.left || !held.admitted
    }
}

impl Held {
    fn is_free(&self) -> bool {
        self.received.values().all(VecDeque::is_empty)
    }

    /// Notes that a message is settled, and up to where its partition is so without a gap: whoever reads
    /// it next starts there. Nothing if it is not ours any more.
    fn settle(&mut self, letter: Letter) {
        if letter.generation != self.generation {
            return;
        }
        let Some(received) = self.received.get_mut(&letter.partition) else {
            return;
        };
        let mut all = received.iter_mut();
        if let Some((_, settled)) = all.find(|(offset, _)| *offset == letter.offset) {
            *settled = true;
        }
        while let Some(&(offset, true)) = received.front() {
            received.pop_front();
            self.uncommitted.messages += 1;
            self.uncommitted
                .positions
                .insert(letter.partition, offset + 1);
        }
    }
}

impl KafkaReceiver {
    /// Joins the group and waits for its share.
    pub(super) async fn open(
        place: &Place,
        queue: &Arc<Queue>,
        number: usize,
        dead: &Arc<Dead>,
    ) -> Result<KafkaReceiver, BrokerError> {
        let patience = place.patience + session(&queue.spec);
        if timeout(patience, queue.vacant(number)).await.is_err() {
            return Err(place.unreachable("the receiver's predecessor is still there".to_owned()));
        }
        let member = Arc::new(Member::new(&queue.spec));
        let watch = Watch::new(place);
        let context = Context {
            watch: watch.clone(),
            member: Arc::clone(&member),
            queue: Arc::clone(queue),
        };
        let consumer = join(settings(place, queue, number), context, &queue.topic);
        let consumer = consumer.map_err(|error| place.error("join a group", &error))?;
        let (hand_over, fetched) = mpsc::unbounded_channel();
        let (running, ended) = watch::channel(());
        queue.sit(number, Arc::clone(&member), ended);
        let receiver = KafkaReceiver {
            queue: Arc::clone(queue),
            number,
            member: Arc::clone(&member),
            place: place.clone(),
            consumer: Arc::downgrade(&consumer),
            fetched,
            dead: Arc::clone(dead),
        };
        let fetching = Fetching {
            consumer,
            member,
            queue: Arc::clone(queue),
            identity: identity(number),
            place: place.clone(),
            watch: watch.clone(),
            hand_over,
            paused: None,
            _running: running,
        };
        thread::spawn(move || fetching.run());
        receiver.admitted(&watch, patience).await?;
        Ok(receiver)
    }

    /// Waits for the first assignment.
    async fn admitted(&self, watch: &Watch, patience: Duration) -> Result<(), BrokerError> {
        tokio::select! {
            assigned = timeout(patience, self.queue.assigned(self.number)) => match assigned {
                Err(_) if self.member.assigned().is_none() => Err(self.place.unreachable(format!(
                    "not admitted to the group after {patience:?}; {}",
                    watch.last()
                ))),
                _ => Ok(()),
            },
            trouble = watch.unreachable() => Err(trouble),
        }
    }

    /// Notes that a message is settled; commits that, unless it has time; and lets go of partitions that
    /// are to be given up.
    fn settled(&self, letter: Letter) -> Result<(), BrokerError> {
        self.member.held().settle(letter);
        let committed = self.commit();
        if self.member.held().is_free() {
            self.member.free.notify_all();
        }
        committed
    }

    fn commit(&self) -> Result<(), BrokerError> {
        // Otherwise its thread looks at the time.
        if !self.member.commit_every.is_zero() {
            return Ok(());
        }
        let consumer = self.consumer.upgrade().ok_or_else(|| self.gone())?;
        let committed = self.member.commit(&consumer, &self.queue.topic, true);
        committed.map_err(|error| self.place.error("commit", &error))
    }

    /// The receiver's thread has ended.
    fn gone(&self) -> BrokerError {
        BrokerError::Lost {
            address: self.place.address.clone(),
            why: "the receiver has given up".to_owned(),
        }
    }

    /// Stores a copy among the dead letters.
    async fn bury(&self, body: Option<Vec<u8>>) -> Result<(), BrokerError> {
        let (Some(topic), Some(body)) = (self.queue.dead(), body) else {
            let why = "none were asked for when the run began".to_owned();
            return Err(self.place.failed("keep a dead letter", why));
        };
        let record = FutureRecord::<(), _>::to(&topic).payload(&body);
        match self.dead.send(record, self.place.patience).await {
            Ok(_) => Ok(()),
            Err((error, _)) => Err(self.place.error("keep a dead letter", &error)),
        }
    }
}

impl Receiver for KafkaReceiver {
    type Receipt = Receipt;

    async fn receive(&mut self) -> Result<Incoming<Receipt>, BrokerError> {
        loop {
            let (letter, body) = match self.fetched.recv().await {
                Some(Fetched::Message(letter, body)) => (letter, body),
                Some(Fetched::Trouble(error)) => return Err(error),
                None => return Err(self.gone()),
            };
            if !self.member.take(letter) {
                continue;
            }
            if self.queue.spec.settled_on_delivery {
                self.settled(letter)?;
            }
            let kept = self.queue.spec.dead_letters.then(|| body.clone());
            return Ok(Incoming {
                body,
                redelivered: false,
                receipt: Receipt { letter, body: kept },
            });
        }
    }

    async fn settle(&mut self, receipt: Receipt, how: Settlement) -> Result<(), BrokerError> {
        match how {
            Settlement::Done => {}
            Settlement::DeadLetter => self.bury(receipt.body).await?,
            Settlement::Requeue => {
                let why = "a partition keeps its messages until they are passed".to_owned();
                return Err(self.place.failed("take a message back", why));
            }
        }
        self.settled(receipt.letter)
    }

    async fn close(self) {
        self.member.leave();
        // Its thread goes on without us if that takes longer.
        let _ = timeout(GOODBYE, self.queue.vacant(self.number)).await;
    }

    fn kill(self) {}
}

impl Drop for KafkaReceiver {
    /// Does nothing after a goodbye.
    fn drop(&mut self) {
        self.member.go(Goodbye::Dies);
    }
}

/// What a member is known by. Members are dealt partitions in the order of these.
fn identity(number: usize) -> String {
    format!("member-{number:06}")
}

/// A stage that was not written for Kafka says nothing of its times.
fn or(asked: Duration, usual: Duration) -> Duration {
    if asked.is_zero() { usual } else { asked }
}

fn session(spec: &QueueSpec) -> Duration {
    or(spec.detection, SESSION)
}

/// Settings of a member of a group. It keeps its identity when it comes back.
fn settings(place: &Place, queue: &Queue, number: usize) -> ClientConfig {
    let session = session(&queue.spec);
    let heartbeat = or(queue.spec.rebalance, HEARTBEAT);
    let third = u64::try_from(session.as_millis() / 3).unwrap_or(u64::MAX);
    let mut config = place.config();
    config
        .set("group.id", &queue.topic)
        .set("group.instance.id", identity(number))
        .set("client.id", identity(number))
        .set("group.protocol", "classic")
        .set("partition.assignment.strategy", "roundrobin")
        .set("session.timeout.ms", millis(session, 1, 3_600_000))
        .set(
            "heartbeat.interval.ms",
            millis(heartbeat, 20.min(third).max(1), third.max(1)),
        )
        .set("max.poll.interval.ms", millis(session, 300_000, 86_400_000))
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "earliest")
        // The broker answers as soon as there is a message.
        .set("fetch.min.bytes", "1")
        .set("fetch.wait.max.ms", "500")
        .set("fetch.error.backoff.ms", "20")
        .set("fetch.queue.backoff.ms", "5")
        .set("queued.min.messages", ENOUGH.to_string());
    config
}

fn join(config: ClientConfig, context: Context, topic: &str) -> Result<Arc<Group>, KafkaError> {
    let consumer: Group = config.create_with_context(context)?;
    consumer.subscribe(&[topic])?;
    Ok(Arc::new(consumer))
}

/// The thread of a receiver.
struct Fetching {
    consumer: Arc<Group>,
    member: Arc<Member>,
    queue: Arc<Queue>,
    identity: String,
    place: Place,
    watch: Watch,
    hand_over: mpsc::UnboundedSender<Fetched>,
    /// By which assignment fetching was paused.
    paused: Option<u64>,
    /// Closed at the thread's end.
    _running: watch::Sender<()>,
}

impl Fetching {
    fn run(mut self) {
        let goodbye = loop {
            if let Some(goodbye) = self.member.held().goodbye {
                break goodbye;
            }
            match self.consumer.poll(POLL) {
                Some(Ok(message)) => self.hand_over(&message),
                Some(Err(error)) => self.look_at(&error),
                None => {}
            }
            if let Some(trouble) = self.trouble() {
                // Nobody listens any more if the receiver has gone.
                let _ = self.hand_over.send(Fetched::Trouble(trouble));
                break Goodbye::Dies;
            }
            if let Err(error) = self.member.commit(&self.consumer, &self.queue.topic, false) {
                self.look_at(&error);
            }
            self.pause_or_go_on();
        };
        if goodbye == Goodbye::Leaves {
            self.leave();
        }
        // Dropped without having left, a member with an identity is missed only when its session is over.
    }

    fn hand_over(&self, message: &BorrowedMessage<'_>) {
        let letter = Letter {
            generation: self.member.held().generation,
            partition: message.partition(),
            offset: message.offset(),
        };
        let body = message.payload().unwrap_or_default().to_vec();
        self.member.waiting.fetch_add(1, Ordering::Relaxed);
        let _ = self.hand_over.send(Fetched::Message(letter, body));
    }

    /// Remembers an error if librdkafka does not mend it by itself.
    fn look_at(&self, error: &KafkaError) {
        use RDKafkaErrorCode as Code;
        let Some(code) = error.rdkafka_error_code() else {
            return;
        };
        let serious = matches!(error, KafkaError::MessageConsumptionFatal(_))
            || matches!(
                code,
                Code::TopicAuthorizationFailed
                    | Code::GroupAuthorizationFailed
                    | Code::UnknownTopicOrPartition
                    | Code::InvalidSessionTimeout
                    | Code::InvalidGroupId
                    | Code::InconsistentGroupProtocol
            );
        if serious {
            let why = code.to_string();
            self.watch
                .tell(self.place.refusal("let us read", code, &why));
        }
    }

    /// What ends the thread. Until the first assignment a lost connection does not: the broker's name may
    /// have several addresses, of which not all are good.
    fn trouble(&self) -> Option<BrokerError> {
        let trouble = self.watch.trouble()?;
        let passes = matches!(trouble, BrokerError::Lost { .. });
        (!passes || self.member.held().admitted).then_some(trouble)
    }

    /// Keeps the messages that wait here few.
    fn pause_or_go_on(&mut self) {
        let waiting = self.member.waiting.load(Ordering::Relaxed);
        let generation = match self.paused {
            None if waiting >= ENOUGH => Some(self.member.held().generation),
            Some(generation) if waiting > FEW && generation == self.member.held().generation => {
                return;
            }
            Some(_) => None,
            None => return,
        };
        let Ok(partitions) = self.consumer.assignment() else {
            return;
        };
        let done = match generation {
            Some(_) => self.consumer.pause(&partitions),
            None => self.consumer.resume(&partitions),
        };
        if done.is_ok() {
            self.paused = generation;
        }
    }

    /// Tells the group. A member with an identity does that by giving up its subscription, not by ending,
    /// which would come in between: so it is waited for.
    fn leave(&self) {
        self.consumer.unsubscribe();
        let until = Instant::now() + GOODBYE;
        while Instant::now() < until {
            if self.member.assigned().is_none() && self.is_listed() == Some(false) {
                self.member.held().left = true;
                return;
            }
            self.consumer.poll(LEAVING);
        }
    }

    /// Whether the broker counts it as a member, if that can be heard. Asked by another client: on this
    /// one's connection the answer would wait for that to the last fetch.
    fn is_listed(&self) -> Option<bool> {
        let observer = self.queue.observer(&self.place).ok()?;
        let groups = observer.fetch_group_list(Some(&self.queue.topic), GOODBYE);
        let groups = groups.ok()?;
        let mut members = groups.groups().iter().flat_map(|group| group.members());
        Some(members.any(|member| member.client_id() == self.identity))
    }
}

/// What librdkafka calls.
pub(super) struct Context {
    watch: Watch,
    member: Arc<Member>,
    queue: Arc<Queue>,
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        self.watch.log(level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.watch.error(error, reason);
    }
}

impl ConsumerContext for Context {
    fn pre_rebalance(&self, consumer: &Group, rebalance: &Rebalance<'_>) {
        if let Rebalance::Revoke(_) = rebalance {
            self.member.give_up(consumer, &self.queue.topic);
            self.queue.changed();
        }
    }

    fn post_rebalance(&self, _consumer: &Group, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(partitions) = rebalance {
            let mut held = self.member.held();
            held.assigned = Some(partitions.count());
            if !held.admitted {
                held.admitted = true;
                self.watch.forget();
            }
            drop(held);
            self.queue.changed();
        }
    }
}
