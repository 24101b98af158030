//! The orders under way, in an arena: their number is bounded by how many are in the pipeline at
//! once, not by how many pass through it.

/// Index of an order under way. Reused after the order has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OrderId(pub(super) u32);

/// Marks a slot that holds no order.
const FREE: u32 = u32::MAX;
/// The stage of an order that no stage has let in yet.
pub(super) const NOT_LET_IN: u32 = u32::MAX - 1;

/// One order under way. Times are in seconds since the start of the replication.
#[derive(Debug, Clone, Copy)]
pub(super) struct Order {
    /// The how-manieth that entered, from 0.
    pub number: u64,
    /// When it entered the pipeline.
    pub entered: f64,
    /// When it came to its present stage.
    pub arrived: f64,
    /// How long that service takes; drawn on arrival.
    pub service: f64,
    /// Time spent waiting, over all visits whose service has begun.
    pub waited: f64,
    /// Time of service, over the same visits.
    pub processed: f64,
    /// Its present stage.
    pub stage: u32,
    /// Its class.
    pub class: u32,
    /// The producer that sent it.
    pub producer: u32,
}

/// All orders under way.
#[derive(Debug, Default)]
pub(super) struct Arena {
    slots: Vec<Order>,
    free: Vec<u32>,
}

impl Arena {
    /// Puts an order in; allocates only when more are under way than ever before.
    #[inline]
    pub(super) fn insert(&mut self, order: Order) -> OrderId {
        if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = order;
            return OrderId(slot);
        }
        self.slots.push(order);
        let slot = u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 orders under way");
        OrderId(slot)
    }

    /// Takes an order out.
    #[inline]
    pub(super) fn remove(&mut self, id: OrderId) -> Order {
        self.free.push(id.0);
        let order = self.slots[id.0 as usize];
        self.slots[id.0 as usize].stage = FREE;
        order
    }

    /// The order.
    #[inline]
    pub(super) fn get(&self, id: OrderId) -> &Order {
        &self.slots[id.0 as usize]
    }

    /// The order, to be changed.
    #[inline]
    pub(super) fn get_mut(&mut self, id: OrderId) -> &mut Order {
        &mut self.slots[id.0 as usize]
    }

    /// The orders under way.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Order> {
        self.slots.iter().filter(|order| order.stage != FREE)
    }
}
