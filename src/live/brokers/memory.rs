//! A broker inside this process: the queue of the textbooks, for runs that need nothing else.
//!
//! Messages wait in order, are dealt to the receivers in turn up to each one's window, and are kept until
//! they are settled. A receiver that is killed gives back at once what it held.

use super::{
    Abilities, Broker, BrokerError, Confirmations, Discarded, Discards, Fate, Incoming, Outgoing,
    Overflow, QueueSpec, Receiver, Sender, Settlement, Target,
};
use crate::live::clock::Sleeper;
use crate::network::System;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// The broker.
#[derive(Debug)]
pub struct Memory {
    queues: Vec<Arc<Queue>>,
}

/// Sends.
#[derive(Debug)]
pub struct MemorySender {
    queues: Vec<Arc<Queue>>,
    confirmations: Confirmations,
}

/// Receives.
#[derive(Debug)]
pub struct MemoryReceiver {
    queue: Arc<Queue>,
    member: usize,
    wake: Arc<Notify>,
    /// Whether it has gone.
    gone: bool,
}

/// A message's place in its queue: lowest first.
type Place = (u8, u64, u64);

#[derive(Debug)]
struct Queue {
    spec: QueueSpec,
    discarded: Discards,
    state: Mutex<State>,
    /// What its senders keep back.
    batch: Mutex<Batch>,
}

/// Messages that wait to be sent together.
#[derive(Debug, Default)]
struct Batch {
    /// The how-manieth it is.
    number: u64,
    messages: Vec<(Outgoing, Confirmations)>,
    bytes: f64,
}

#[derive(Debug, Default)]
struct State {
    /// Messages that wait, lane by lane.
    lanes: Vec<BTreeMap<Place, Item>>,
    members: Vec<Option<Member>>,
    /// The member whose turn it is.
    turn: usize,
    /// Messages that have come so far.
    come: u64,
    dead_letters: u64,
}

#[derive(Debug)]
struct Member {
    /// Dealt and not received.
    inbox: BTreeMap<Place, ()>,
    /// Dealt and not settled, with the lane.
    held: BTreeMap<Place, (usize, Item)>,
    wake: Arc<Notify>,
}

#[derive(Debug, Clone)]
struct Item {
    body: Vec<u8>,
    redelivered: bool,
    until: Option<Instant>,
}

impl Broker for Memory {
    type Sender = MemorySender;
    type Receiver = MemoryReceiver;

    const SYSTEM: System = System::Memory;
    const ABILITIES: Abilities = Abilities {
        priorities: 255,
        batches: true,
        disciplines: true,
        bounded: true,
        time_to_live: true,
        requeues: true,
        dead_letters: true,
        redelivers: true,
        shared: true,
        partitions: true,
        window: true,
        ..Abilities::NONE
    };

    async fn open(target: Target) -> Result<Memory, BrokerError> {
        let queue = |spec: QueueSpec| Arc::new(Queue::new(spec, target.discarded.clone()));
        let queues: Vec<_> = target.queues.iter().cloned().map(queue).collect();
        for queue in &queues {
            if let Some(limit) = queue.spec.time_to_live {
                tokio::spawn(expire(Arc::downgrade(queue), limit));
            }
        }
        Ok(Memory { queues })
    }

    fn version(&self) -> String {
        "the in-process broker".to_owned()
    }

    async fn sender(&self, confirmations: Confirmations) -> Result<MemorySender, BrokerError> {
        Ok(MemorySender {
            queues: self.queues.clone(),
            confirmations,
        })
    }

    async fn receiver(&self, queue: usize, member: usize) -> Result<MemoryReceiver, BrokerError> {
        let queue = Arc::clone(&self.queues[queue]);
        let wake = queue.join(member);
        Ok(MemoryReceiver {
            queue,
            member,
            wake,
            gone: false,
        })
    }

    async fn depth(&self, queue: usize) -> Result<Option<u64>, BrokerError> {
        Ok(Some(self.queues[queue].lock().waiting()))
    }

    async fn dead_letters(&self, queue: usize) -> Result<Option<u64>, BrokerError> {
        Ok(Some(self.queues[queue].lock().dead_letters))
    }

    async fn remove(self) -> Result<(), BrokerError> {
        Ok(())
    }
}

impl Sender for MemorySender {
    async fn send(&mut self, message: Outgoing) -> Result<(), BrokerError> {
        let queue = &self.queues[message.queue];
        if queue.spec.linger.is_zero() {
            queue.accept(message, &self.confirmations);
        } else {
            queue.collect(message, self.confirmations.clone());
        }
        Ok(())
    }

    async fn close(self) {}
}

/// What a message is settled with: its lane and place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryReceipt(Place);

impl Receiver for MemoryReceiver {
    type Receipt = MemoryReceipt;

    async fn receive(&mut self) -> Result<Incoming<MemoryReceipt>, BrokerError> {
        loop {
            let woken = self.wake.notified();
            if let Some(incoming) = self.queue.take(self.member) {
                return Ok(incoming);
            }
            // Only this receiver waits for the bell, which keeps one ring for later.
            woken.await;
        }
    }

    async fn settle(&mut self, receipt: MemoryReceipt, how: Settlement) -> Result<(), BrokerError> {
        self.queue.settle(self.member, receipt.0, how);
        Ok(())
    }

    async fn close(mut self) {
        self.leave();
    }

    fn kill(mut self) {
        self.leave();
    }
}

impl MemoryReceiver {
    fn leave(&mut self) {
        if !std::mem::replace(&mut self.gone, true) {
            self.queue.leave(self.member);
        }
    }
}

/// A task that is stopped in mid-work drops its receiver.
impl Drop for MemoryReceiver {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Queue {
    fn new(spec: QueueSpec, discarded: Discards) -> Queue {
        let lanes = spec.partitions.max(1) as usize;
        let state = State {
            lanes: std::iter::repeat_with(BTreeMap::new).take(lanes).collect(),
            ..State::default()
        };
        Queue {
            spec,
            discarded,
            state: Mutex::new(state),
            batch: Mutex::default(),
        }
    }

    /// Takes a message in, if there is room, and tells its sender.
    fn accept(&self, message: Outgoing, confirmations: &Confirmations) {
        let tag = message.tag;
        let fate = match self.put(message) {
            true => Fate::Stored,
            false => Fate::Refused,
        };
        confirmations.tell(tag, fate);
    }

    /// Keeps a message back until its batch is sent.
    fn collect(self: &Arc<Queue>, message: Outgoing, confirmations: Confirmations) {
        let mut batch = self.batch();
        batch.bytes += message.body.len() as f64;
        batch.messages.push((message, confirmations));
        let number = batch.number;
        if batch.bytes >= self.spec.batch_bytes {
            drop(batch);
            self.send_batch(number);
        } else if batch.messages.len() == 1 {
            let until = Instant::now() + self.spec.linger;
            tokio::spawn(linger(Arc::clone(self), number, until));
        }
    }

    fn batch(&self) -> MutexGuard<'_, Batch> {
        self.batch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends the batch with this number, unless that is done.
    fn send_batch(&self, number: u64) {
        let mut batch = self.batch();
        if batch.number != number {
            return;
        }
        let next = Batch {
            number: number + 1,
            ..Batch::default()
        };
        // Sent under the lock, so that no later batch overtakes it.
        for (message, confirmations) in std::mem::replace(&mut *batch, next).messages {
            self.accept(message, &confirmations);
        }
    }

    /// Nothing is left half-done under the lock, so a poisoned one is as good.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a message in; says whether there was room.
    fn put(&self, message: Outgoing) -> bool {
        let mut state = self.lock();
        state.come += 1;
        let place = (message.priority, message.key, state.come);
        let lane = message.lane as usize % state.lanes.len();
        let item = Item {
            body: message.body,
            redelivered: false,
            until: self.spec.time_to_live.map(|limit| Instant::now() + limit),
        };
        state.lanes[lane].insert(place, item);
        self.deal(&mut state);
        let Some(bound) = self.spec.bound else {
            return true;
        };
        if state.waiting() <= bound.places {
            return true;
        }
        match bound.overflow {
            Overflow::Refuse => state.lanes[lane].remove(&place).is_none(),
            Overflow::DropOldest => {
                let displaced = state.take_oldest();
                drop(state);
                if let Some(item) = displaced {
                    self.discarded.tell(&item.body, Discarded::Displaced);
                }
                true
            }
        }
    }

    /// Gives what waits to members with room in their windows.
    fn deal(&self, state: &mut State) {
        for lane in 0..state.lanes.len() {
            while let Some((place, _)) = state.lanes[lane].first_key_value() {
                let place = *place;
                let Some(member) = self.next_member(state, lane) else {
                    break;
                };
                let Some(item) = state.lanes[lane].remove(&place) else {
                    break;
                };
                let Some(member) = &mut state.members[member] else {
                    break;
                };
                member.inbox.insert(place, ());
                member.held.insert(place, (lane, item));
                member.wake.notify_one();
            }
        }
    }

    /// Who gets the next message of a lane: its own member, or of a shared queue whoever is next in turn.
    fn next_member(&self, state: &mut State, lane: usize) -> Option<usize> {
        let has_room = |state: &State, member: usize| {
            let member = state.members.get(member).and_then(Option::as_ref);
            member.is_some_and(|member| member.held.len() < self.spec.window as usize)
        };
        if self.spec.partitions > 0 {
            let member = lane % self.spec.members.max(1);
            return has_room(state, member).then_some(member);
        }
        let members = state.members.len();
        let mut turns = (0..members).map(|step| (state.turn + step) % members);
        let found = turns.find(|member| has_room(state, *member))?;
        state.turn = (found + 1) % members;
        Some(found)
    }

    fn join(&self, member: usize) -> Arc<Notify> {
        let mut state = self.lock();
        let wake = Arc::new(Notify::new());
        if state.members.len() <= member {
            state.members.resize_with(member + 1, || None);
        }
        state.members[member] = Some(Member {
            inbox: BTreeMap::new(),
            held: BTreeMap::new(),
            wake: Arc::clone(&wake),
        });
        self.deal(&mut state);
        wake
    }

    /// A member is gone: what it held is waiting again, unless it was forgotten on delivery.
    fn leave(&self, member: usize) {
        let mut state = self.lock();
        let Some(gone) = state.members.get_mut(member).and_then(Option::take) else {
            return;
        };
        for (place, (lane, item)) in gone.held {
            if !self.spec.settled_on_delivery {
                let redelivered = item.redelivered || !gone.inbox.contains_key(&place);
                let item = Item {
                    redelivered,
                    ..item
                };
                state.lanes[lane].insert(place, item);
            }
        }
        self.deal(&mut state);
    }

    fn take(&self, member: usize) -> Option<Incoming<MemoryReceipt>> {
        let mut state = self.lock();
        let member = state.members.get_mut(member)?.as_mut()?;
        let (place, ()) = member.inbox.pop_first()?;
        let (_, item) = member.held.get(&place)?;
        let incoming = Incoming {
            body: item.body.clone(),
            redelivered: item.redelivered,
            receipt: MemoryReceipt(place),
        };
        if self.spec.settled_on_delivery {
            member.held.remove(&place);
            self.deal(&mut state);
        }
        Some(incoming)
    }

    fn settle(&self, member: usize, place: Place, how: Settlement) {
        let mut state = self.lock();
        let held = state.members.get_mut(member).and_then(Option::as_mut);
        let Some((lane, item)) = held.and_then(|member| member.held.remove(&place)) else {
            return;
        };
        match how {
            Settlement::Done => {}
            Settlement::DeadLetter => state.dead_letters += 1,
            Settlement::Requeue => {
                let item = Item {
                    redelivered: true,
                    ..item
                };
                state.lanes[lane].insert(place, item);
            }
        }
        self.deal(&mut state);
    }

    /// Throws away what has waited too long; says when to look again.
    fn throw_away(&self, limit: Duration) -> Instant {
        let now = Instant::now();
        let mut state = self.lock();
        let mut next = now + limit;
        let mut old = Vec::new();
        for lane in &mut state.lanes {
            lane.retain(|_, item| {
                let until = item.until.unwrap_or(next);
                let is_over = until <= now;
                if is_over {
                    old.push(std::mem::take(&mut item.body));
                } else {
                    next = next.min(until);
                }
                !is_over
            });
        }
        drop(state);
        for body in old {
            self.discarded.tell(&body, Discarded::Expired);
        }
        next
    }
}

impl State {
    fn waiting(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.len() as u64).sum()
    }

    /// Takes out the message that came first of all that wait.
    fn take_oldest(&mut self) -> Option<Item> {
        let lanes = self.lanes.iter().enumerate();
        let places = lanes.flat_map(|(lane, items)| items.keys().map(move |place| (lane, *place)));
        let (lane, place) = places.min_by_key(|(_, (_, _, come))| *come)?;
        self.lanes[lane].remove(&place)
    }
}

/// Sends a batch when its first message has waited long enough.
async fn linger(queue: Arc<Queue>, number: u64, until: Instant) {
    match Sleeper::new() {
        Ok(mut sleeper) => drop(sleeper.until(until).await),
        Err(_) => tokio::time::sleep_until(until.into()).await,
    }
    queue.send_batch(number);
}

/// Throws old messages away for as long as the queue is there.
async fn expire(queue: std::sync::Weak<Queue>, limit: Duration) {
    loop {
        let Some(there) = queue.upgrade() else {
            return;
        };
        let next = there.throw_away(limit);
        drop(there);
        tokio::time::sleep_until(next.into()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::brokers::Bound;

    fn spec() -> QueueSpec {
        QueueSpec {
            members: 2,
            window: 1,
            dead_letters: true,
            ..QueueSpec::plain("q")
        }
    }

    type Seen = Arc<Mutex<Vec<(u8, Discarded)>>>;

    fn queue(spec: QueueSpec) -> (Queue, Seen) {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let discards = {
            let seen = Arc::clone(&seen);
            Discards::new(move |body, why| seen.lock().expect("no panic").push((body[0], why)))
        };
        (Queue::new(spec, discards), seen)
    }

    fn message(number: u8) -> Outgoing {
        Outgoing {
            tag: u64::from(number),
            queue: 0,
            body: vec![number],
            priority: 0,
            lane: 0,
            key: 0,
            delay: None,
        }
    }

    fn first(queue: &Queue, member: usize) -> Option<u8> {
        queue.take(member).map(|incoming| incoming.body[0])
    }

    #[test]
    fn a_window_is_kept_and_members_take_turns() {
        let (queue, _) = queue(spec());
        queue.join(0);
        queue.join(1);
        for number in 1..=3 {
            assert!(queue.put(message(number)));
        }
        assert_eq!(first(&queue, 0), Some(1));
        assert_eq!(first(&queue, 1), Some(2));
        assert_eq!(first(&queue, 0), None);
        assert_eq!(queue.lock().waiting(), 1);
        queue.settle(1, (0, 0, 2), Settlement::Done);
        assert_eq!(first(&queue, 1), Some(3));
    }

    #[test]
    fn what_a_dead_member_held_comes_back_first_and_is_known_for_it() {
        let (queue, _) = queue(spec());
        queue.join(0);
        for number in 1..=2 {
            queue.put(message(number));
        }
        assert_eq!(first(&queue, 0), Some(1));
        queue.leave(0);
        queue.join(1);
        let again = queue.take(1).expect("it is delivered again");
        assert_eq!((again.body[0], again.redelivered), (1, true));
    }

    #[test]
    fn settled_on_delivery_a_crash_loses_it() {
        let (queue, _) = queue(QueueSpec {
            settled_on_delivery: true,
            ..spec()
        });
        queue.join(0);
        queue.put(message(1));
        assert_eq!(first(&queue, 0), Some(1));
        queue.leave(0);
        queue.join(1);
        assert_eq!(first(&queue, 1), None);
    }

    #[test]
    fn a_full_queue_refuses_or_drops_its_oldest() {
        let bound = |overflow| {
            Some(Bound {
                places: 1,
                overflow,
            })
        };
        let (refusing, _) = queue(QueueSpec {
            bound: bound(Overflow::Refuse),
            ..spec()
        });
        assert!(refusing.put(message(1)));
        assert!(!refusing.put(message(2)));
        let (dropping, seen) = queue(QueueSpec {
            bound: bound(Overflow::DropOldest),
            ..spec()
        });
        assert!(dropping.put(message(1)));
        assert!(dropping.put(message(2)));
        assert_eq!(*seen.lock().expect("no panic"), [(1, Discarded::Displaced)]);
        dropping.join(0);
        assert_eq!(first(&dropping, 0), Some(2));
    }

    #[test]
    fn lanes_keep_to_their_members() {
        let (queue, _) = queue(QueueSpec {
            partitions: 2,
            window: u32::MAX,
            ..spec()
        });
        queue.join(0);
        queue.join(1);
        for (number, lane) in [(1, 1), (2, 0), (3, 1)] {
            queue.put(Outgoing {
                lane,
                ..message(number)
            });
        }
        assert_eq!(first(&queue, 1), Some(1));
        assert_eq!(first(&queue, 1), Some(3));
        assert_eq!(first(&queue, 0), Some(2));
    }

    #[test]
    fn old_messages_are_thrown_away() {
        let (queue, seen) = queue(QueueSpec {
            time_to_live: Some(Duration::ZERO),
            ..spec()
        });
        queue.put(message(7));
        queue.throw_away(Duration::ZERO);
        assert_eq!(*seen.lock().expect("no panic"), [(7, Discarded::Expired)]);
        assert_eq!(queue.lock().waiting(), 0);
    }
}
