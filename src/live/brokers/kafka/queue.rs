//! The topic of one queue, and who of its group is there.

use super::super::QueueSpec;
use super::client::{Apart, Place};
use super::receive::Member;
use rdkafka::consumer::BaseConsumer;
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::TopicPartitionList;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Asks about the group without being a member.
type Observer = Arc<Apart<BaseConsumer>>;

/// A topic with one group of receivers.
pub(super) struct Queue {
    pub(super) spec: QueueSpec,
    /// The topic's name, and the group's.
    pub(super) topic: String,
    seats: Mutex<BTreeMap<usize, Seat>>,
    /// A consumer that only asks, made when it is first needed.
    observer: Mutex<Option<Observer>>,
    /// Counts changes of who reads which partitions.
    changes: watch::Sender<u64>,
}

/// A place in the group.
struct Seat {
    member: Arc<Member>,
    /// Closed when the member's thread has ended.
    ended: watch::Receiver<()>,
}

impl Queue {
    pub(super) fn new(run: &str, spec: QueueSpec) -> Queue {
        Queue {
            topic: format!("orderline.{run}.{}", spec.name),
            spec,
            seats: Mutex::default(),
            observer: Mutex::default(),
            changes: watch::Sender::new(0),
        }
    }

    pub(super) fn partitions(&self) -> u32 {
        self.spec.partitions.max(1)
    }

    pub(super) fn all_partitions(&self) -> TopicPartitionList {
        let mut all = TopicPartitionList::new();
        all.add_partition_range(&self.topic, 0, self.partitions().cast_signed() - 1);
        all
    }

    pub(super) fn partition(&self, lane: u32) -> i32 {
        (lane % self.partitions()).cast_signed()
    }

    /// Where dead letters go, if there are to be any.
    pub(super) fn dead(&self) -> Option<String> {
        self.spec
            .dead_letters
            .then(|| format!("{}.dead", self.topic))
    }

    /// All topics, with their numbers of partitions.
    pub(super) fn topics(&self) -> impl Iterator<Item = (String, u32)> {
        let own = (self.topic.clone(), self.partitions());
        std::iter::once(own).chain(self.dead().map(|dead| (dead, 1)))
    }

    /// Who can be asked about the group.
    pub(super) fn observer(&self, place: &Place) -> Result<Observer, KafkaError> {
        let mut known = self.observer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(observer) = &*known {
            return Ok(Arc::clone(observer));
        }
        let consumer = place.config().set("group.id", &self.topic).create()?;
        let observer = Arc::new(Apart::new(consumer));
        *known = Some(Arc::clone(&observer));
        Ok(observer)
    }

    /// The next to be asked is another: one whose broker fell silent may take minutes to find the group again.
    pub(super) fn forget_observer(&self) {
        *self.observer.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn seats(&self) -> MutexGuard<'_, BTreeMap<usize, Seat>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn sit(&self, number: usize, member: Arc<Member>, ended: watch::Receiver<()>) {
        self.seats().insert(number, Seat { member, ended });
    }

    /// Messages that receivers have in hand.
    pub(super) fn in_hand(&self) -> usize {
        let seats = self.seats();
        seats.values().map(|seat| seat.member.in_hand()).sum()
    }

    /// Waits until the thread of who sat there last has ended.
    pub(super) async fn vacant(&self, number: usize) {
        let ended = self.seats().get(&number).map(|seat| seat.ended.clone());
        if let Some(mut ended) = ended {
            while ended.changed().await.is_ok() {}
        }
    }

    /// Numbers of all members there have been.
    pub(super) fn numbers(&self) -> Vec<usize> {
        self.seats().keys().copied().collect()
    }

    /// Has all members leave that are still there.
    pub(super) fn dismiss(&self) {
        self.seats().values().for_each(|seat| seat.member.leave());
    }

    /// Members that the group counts on though they have gone.
    pub(super) fn missing(&self) -> Vec<usize> {
        let seats = self.seats();
        let missing = seats.iter().filter(|(_, seat)| !seat.member.has_left());
        missing.map(|(&number, _)| number).collect()
    }

    /// Says that a member reads other partitions than before.
    pub(super) fn changed(&self) {
        self.changes
            .send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Waits until a member has its partitions and all the others have theirs.
    pub(super) async fn assigned(&self, number: usize) {
        let mut changes = self.changes.subscribe();
        while !self.is_assigned(number) {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    fn is_assigned(&self, number: usize) -> bool {
        let seats = self.seats();
        let own = seats.get(&number).and_then(|seat| seat.member.assigned());
        let all = seats.values().filter_map(|seat| seat.member.assigned());
        own.is_some() && all.sum::<usize>() >= self.partitions() as usize
    }
}
