//! The messages under way: orders, their copies, and duplicates of them. Where one is and where its time
//! goes.

use crate::sim::engine::LatencyParts;
use crate::sim::happened::Part;

/// Index of a message under way. Reused after it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct MessageId(pub(super) u32);

/// The stage of a message that is at none.
pub(super) const NOWHERE: u32 = u32::MAX;

/// What a message stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An order.
    Order,
    /// A copy, of which an order waits to hear.
    Copy { of: MessageId },
    /// A copy of which nobody waits to hear.
    Detached,
    /// A message that the broker delivers though it may have been worked on before.
    Duplicate,
}

/// Where a message is in its stay at a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// On its way to the stage; or, an order, at its producer.
    OnTheWay,
    /// At its producer, since the queue is full or the broker down.
    Outside,
    /// In the stage's queue.
    Queued,
    /// Refused by a full queue, and about to try again.
    InOrbit,
    /// Committed to a member of the group, who has not begun with it.
    Committed,
    /// With a consumer.
    WithConsumer,
    /// Between two attempts, without a consumer.
    Aside,
    /// An order whose copies are under way.
    Forked,
    /// Waiting for stock, without a consumer.
    Backordered,
}

/// One message under way. Times are in seconds since the start of the replication.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message {
    /// The how-manieth order it is or belongs to.
    pub number: u64,
    pub kind: Kind,
    pub state: State,
    /// The producer that sent it; populations are counted on after the producers.
    pub producer: u32,
    pub class: u32,
    /// The stage where it is, or to which it is on the way.
    pub stage: u32,
    /// Whether it is at that stage: counted there as present.
    pub present: bool,
    /// Whether any stage has ever let it in.
    pub let_in: bool,
    /// Bytes.
    pub size: f64,
    /// When the order entered the pipeline.
    pub entered: f64,
    /// When it came to its present stage.
    pub arrived: f64,
    /// The work that the present attempt takes, as drawn, but not beyond a time-out.
    pub work: f64,
    /// How much of that is left.
    pub left: f64,
    /// Its place in the queue: among equals the lowest is first.
    pub place: u64,
    /// What comes before the place, by the queue's discipline.
    pub key: u64,
    /// Whether work on it has begun at this stage.
    pub begun: bool,
    /// Whether an attempt at it is under way, or was interrupted.
    pub attempting: bool,
    /// Whether a circuit breaker knows of the present attempt.
    pub let_through: bool,
    /// Whether the present attempt is no real one: a circuit breaker is open.
    pub shed: bool,
    /// Whether the present attempt is cut off by the time-out.
    pub cut_off: bool,
    /// The stage ahead that has no room for it.
    pub bound_for: u32,
    /// Whether the broker has forgotten who has it, and will deliver it again.
    pub disowned: bool,
    /// Whether it counts in its member's window.
    pub in_window: bool,
    /// When its patience at the stage ends.
    pub patient_until: f64,
    /// Failed attempts at this stage.
    pub failures: u32,
    /// Times that it was handed out at this stage.
    pub deliveries: u32,
    /// Lane that it waits in.
    pub lane: u32,
    /// Member it is committed to.
    pub member: u32,
    /// When that member has it in hand.
    pub in_hand: f64,
    /// Copies still under way.
    pub copies: u32,
    /// What has been planned for it before this changed is void.
    pub stamp: u32,
    /// What it spends its time with, and since when.
    pub part: Part,
    pub since: f64,
    /// Seconds spent so far.
    pub parts: [f64; Part::COUNT],
    /// What it had spent on networks and before being available when it set out for its stage.
    pub set_out: [f64; 2],
    /// Time spent waiting, over all visits whose service has begun.
    pub waited: f64,
    /// Time of service, over the same visits.
    pub processed: f64,
}

impl Message {
    /// From `now` on its time goes to this part.
    #[inline]
    pub(super) fn spend(&mut self, now: f64, on: Part) {
        self.parts[self.part as usize] += now - self.since;
        self.since = now;
        self.part = on;
    }

    /// Its time up to `until`, which may lie before now, went to the present part, and goes to this one
    /// from then on.
    #[inline]
    pub(super) fn spend_from(&mut self, until: f64, on: Part) {
        self.spend(until.max(self.since), on);
    }

    /// Where its time up to `now` went.
    pub(super) fn parts_until(mut self, now: f64) -> LatencyParts {
        if self.since > now {
            // Still on its way to the broker: what it will spend there is known, but not yet spent.
            self.parts[Part::Network as usize] -= self.since - now;
            self.since = now;
        }
        self.spend(now, self.part);
        let [network, enqueue, queueing, dequeue, processing, retry] = self.parts;
        LatencyParts {
            network,
            enqueue,
            queueing,
            dequeue,
            processing,
            retry,
        }
    }

    /// Whether its work may have been done before.
    pub(super) fn is_duplicate(&self) -> bool {
        self.kind == Kind::Duplicate
    }

    /// Whether it counts as an order.
    pub(super) fn is_order(&self) -> bool {
        self.kind == Kind::Order
    }
}

/// All messages under way.
#[derive(Debug, Default)]
pub(super) struct Messages {
    slots: Vec<Slot>,
    free: Vec<u32>,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    message: Message,
    taken: bool,
}

impl Messages {
    /// Puts a message in; allocates only when more are under way than ever before.
    pub(super) fn insert(&mut self, message: Message) -> MessageId {
        let slot = Slot {
            message,
            taken: true,
        };
        if let Some(free) = self.free.pop() {
            // What was planned for the one before stays void.
            let stamp = self.slots[free as usize].message.stamp;
            self.slots[free as usize] = slot;
            self.slots[free as usize].message.stamp = stamp.wrapping_add(1);
            return MessageId(free);
        }
        self.slots.push(slot);
        let slot = u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 messages under way");
        MessageId(slot)
    }

    /// Takes a message out.
    pub(super) fn remove(&mut self, id: MessageId) -> Message {
        let slot = &mut self.slots[id.0 as usize];
        debug_assert!(slot.taken, "a message ends once");
        slot.taken = false;
        slot.message.stamp = slot.message.stamp.wrapping_add(1);
        self.free.push(id.0);
        slot.message
    }

    /// Whether there is such a message.
    pub(super) fn is_under_way(&self, id: MessageId) -> bool {
        self.slots[id.0 as usize].taken
    }

    #[inline]
    pub(super) fn get(&self, id: MessageId) -> &Message {
        &self.slots[id.0 as usize].message
    }

    #[inline]
    pub(super) fn get_mut(&mut self, id: MessageId) -> &mut Message {
        &mut self.slots[id.0 as usize].message
    }

    /// The messages under way.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Message> {
        let taken = self.slots.iter().filter(|slot| slot.taken);
        taken.map(|slot| &slot.message)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.free.len() == self.slots.len()
    }
}
