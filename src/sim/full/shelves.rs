//! The stock of a stage: what is free, reserved, ordered and owed of each item, and who waits for it.
//!
//! An order gets all its units or none, and those who wait for an item get it in order of asking. What
//! follows from an operation is fetched afterwards: [`Shelves::next_supply`] gives what was ordered, to
//! be delivered when it is due; [`Shelves::next_filled`] gives the orders that need wait no longer.

use crate::network::{Hold, Replenishment, Shortage, Stock};
use crate::random::{Choice, Counts, Stream, Uniforms, Variates};
use crate::sim::happened::Shelf;
use std::collections::VecDeque;

/// What one stage has in stock.
#[derive(Debug)]
pub(super) struct Shelves {
    items: Vec<OnShelf>,
    demand: Demands,
    way: Way,
    shortage: Shortage,
    rule: Rule,
    lead_times: Option<Variates>,
    supplies: VecDeque<Supply>,
    filled: VecDeque<u32>,
    /// Items of which nothing is free.
    empty: usize,
}

/// What an order asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Demand {
    pub item: u32,
    pub units: u64,
}

/// What an order that asks hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// It has what it wants (or has seen that it is there), and goes on.
    Granted,
    /// There is too little, and the sale is lost.
    Lost,
    /// There is too little, and it waits.
    Waits,
}

/// What was ordered from outside.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Supply {
    /// When it comes.
    pub due: f64,
    pub item: u32,
    pub units: u64,
}

/// One item.
#[derive(Debug)]
struct OnShelf {
    popularity: f64,
    /// What the stock is filled up to.
    target: u64,
    free: u64,
    reserved: u64,
    ordered: u64,
    /// Units that those who wait have asked for.
    owed: u64,
    waiting: VecDeque<Waiter>,
}

#[derive(Debug, Clone, Copy)]
struct Waiter {
    order: u32,
    units: u64,
    way: Way,
}

/// What becomes of units that an order is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Take,
    Reserve,
    Look,
}

#[derive(Debug)]
enum Rule {
    None,
    /// Every unit on its own, up to the item's target.
    UnitByUnit,
    /// Up to the item's target, when there is no more than this.
    Below(u64),
}

/// What orders ask for, by chance.
#[derive(Debug)]
struct Demands {
    /// `None`: there is only one.
    items: Option<(Choice, Uniforms)>,
    units: Counts,
}

impl Shelves {
    /// The stock at the start; `stream` gives the stream of a source of chance by its name.
    pub(super) fn new(stock: &Stock, stream: impl Fn(&str) -> Stream) -> Shelves {
        let (rule, up_to, lead_time) = match &stock.replenishment {
            Replenishment::None => (Rule::None, None, None),
            Replenishment::BaseStock { lead_time } => (Rule::UnitByUnit, None, Some(lead_time)),
            Replenishment::ReorderPoint {
                reorder_at,
                up_to,
                lead_time,
            } => (Rule::Below(*reorder_at), Some(*up_to), Some(lead_time)),
        };
        let items = stock.items.iter().map(|item| OnShelf {
            popularity: item.popularity,
            target: up_to.unwrap_or(item.initial),
            free: item.initial,
            reserved: 0,
            ordered: 0,
            owed: 0,
            waiting: VecDeque::new(),
        });
        let mut shelves = Shelves {
            items: items.collect(),
            demand: Demands::new(stock, &stream),
            way: match stock.hold {
                Hold::Take => Way::Take,
                Hold::Reserve { .. } => Way::Reserve,
                Hold::Look { .. } => Way::Look,
            },
            shortage: stock.shortage,
            rule,
            lead_times: lead_time.map(|law| Variates::new(stream("lead_time"), law)),
            supplies: VecDeque::new(),
            filled: VecDeque::new(),
            empty: stock.items.iter().filter(|item| item.initial == 0).count(),
        };
        for item in 0..shelves.items.len() {
            shelves.replenish(0.0, item as u32);
        }
        shelves
    }

    /// The counts at the start.
    pub(super) fn opening(&self) -> Shelf {
        let mut shelf = Shelf::default();
        let units: u64 = self.items.iter().map(|item| item.free).sum();
        shelf.at_hand.set(0.0, units as f64);
        let none = self.items.iter().filter(|item| item.free == 0);
        shelf
            .empty
            .set(0.0, none.map(|item| item.popularity).sum::<f64>());
        shelf
    }

    /// What the next order asks for.
    #[inline]
    pub(super) fn draw(&mut self) -> Demand {
        self.demand.draw()
    }

    /// An order asks, at its first coming.
    pub(super) fn ask(
        &mut self,
        now: f64,
        order: u32,
        demand: Demand,
        shelf: &mut Shelf,
    ) -> Answer {
        shelf.asked += 1;
        shelf.units_asked += demand.units;
        let answer = self.request(now, order, demand, self.way, shelf);
        if answer == Answer::Granted {
            shelf.filled += 1;
            shelf.units_filled += demand.units;
        }
        answer
    }

    /// An order comes for what it had reserved, but no longer has.
    pub(super) fn ask_again(
        &mut self,
        now: f64,
        order: u32,
        demand: Demand,
        shelf: &mut Shelf,
    ) -> Answer {
        self.request(now, order, demand, Way::Take, shelf)
    }

    /// An order takes what it had reserved.
    pub(super) fn commit(&mut self, now: f64, demand: Demand, shelf: &mut Shelf) {
        let item = &mut self.items[demand.item as usize];
        debug_assert!(item.reserved >= demand.units, "it was reserved");
        item.reserved -= demand.units;
        shelf.at_hand.add(now, -(demand.units as f64));
    }

    /// A reservation ends without a sale, in time or not (the caller counts those that ran out).
    pub(super) fn release(&mut self, now: f64, demand: Demand, shelf: &mut Shelf) {
        let before = self.free_of(demand.item);
        let item = &mut self.items[demand.item as usize];
        debug_assert!(item.reserved >= demand.units, "it was reserved");
        item.reserved -= demand.units;
        item.free += demand.units;
        self.serve_waiting(now, demand.item, shelf);
        self.settle(now, demand.item, before, shelf);
    }

    /// An order takes what it had only seen, as far as it is still there; the rest is sold twice.
    pub(super) fn sell(&mut self, now: f64, demand: Demand, shelf: &mut Shelf) {
        let before = self.free_of(demand.item);
        let there = demand.units.min(before);
        self.grant(now, demand.item, there, Way::Take, shelf);
        shelf.oversold += demand.units - there;
        self.settle(now, demand.item, before, shelf);
    }

    /// What was ordered comes.
    pub(super) fn deliver(&mut self, now: f64, item: u32, units: u64, shelf: &mut Shelf) {
        let before = self.free_of(item);
        let this = &mut self.items[item as usize];
        debug_assert!(this.ordered >= units, "it was ordered");
        this.ordered -= units;
        this.free += units;
        shelf.at_hand.add(now, units as f64);
        self.serve_waiting(now, item, shelf);
        self.settle(now, item, before, shelf);
    }

    /// What was ordered and is not yet fetched from here, in order.
    pub(super) fn next_supply(&mut self) -> Option<Supply> {
        self.supplies.pop_front()
    }

    /// An order that need wait no longer and is not yet fetched from here, in order.
    pub(super) fn next_filled(&mut self) -> Option<u32> {
        self.filled.pop_front()
    }

    fn free_of(&self, item: u32) -> u64 {
        self.items[item as usize].free
    }

    fn request(
        &mut self,
        now: f64,
        order: u32,
        demand: Demand,
        way: Way,
        shelf: &mut Shelf,
    ) -> Answer {
        let before = self.free_of(demand.item);
        let item = &mut self.items[demand.item as usize];
        if item.waiting.is_empty() && demand.units <= before {
            self.grant(now, demand.item, demand.units, way, shelf);
            self.settle(now, demand.item, before, shelf);
            return Answer::Granted;
        }
        if self.shortage == Shortage::LostSale {
            shelf.lost_sales += 1;
            return Answer::Lost;
        }
        shelf.backorders += 1;
        item.owed += demand.units;
        item.waiting.push_back(Waiter {
            order,
            units: demand.units,
            way,
        });
        self.replenish(now, demand.item);
        Answer::Waits
    }

    /// Units that are free become an order's.
    fn grant(&mut self, now: f64, item: u32, units: u64, way: Way, shelf: &mut Shelf) {
        let item = &mut self.items[item as usize];
        match way {
            Way::Take => {
                item.free -= units;
                shelf.at_hand.add(now, -(units as f64));
            }
            Way::Reserve => {
                item.free -= units;
                item.reserved += units;
            }
            Way::Look => {}
        }
    }

    /// Lets those go on who wait for an item of which there is enough now.
    fn serve_waiting(&mut self, now: f64, item: u32, shelf: &mut Shelf) {
        while let Some(&first) = self.items[item as usize].waiting.front() {
            if first.units > self.free_of(item) {
                return;
            }
            self.grant(now, item, first.units, first.way, shelf);
            let this = &mut self.items[item as usize];
            this.owed -= first.units;
            this.waiting.pop_front();
            self.filled.push_back(first.order);
        }
    }

    /// After what was free of an item has changed: counts it, and orders anew.
    fn settle(&mut self, now: f64, item: u32, before: u64, shelf: &mut Shelf) {
        let free = self.free_of(item);
        let popularity = self.items[item as usize].popularity;
        if before > 0 && free == 0 {
            shelf.stock_outs += 1;
            self.empty += 1;
            shelf.empty.add(now, popularity);
        }
        if before == 0 && free > 0 {
            self.empty -= 1;
            // Without what rounding would leave.
            let left = shelf.empty.value() - popularity;
            shelf
                .empty
                .set(now, if self.empty == 0 { 0.0 } else { left });
        }
        self.replenish(now, item);
    }

    /// Orders what the rule asks for.
    fn replenish(&mut self, now: f64, item: u32) {
        let Some(lead_times) = &mut self.lead_times else {
            return;
        };
        let this = &mut self.items[item as usize];
        let present = this.free + this.ordered;
        let missing = (this.target + this.owed).saturating_sub(present);
        let (shipments, units) = match self.rule {
            Rule::UnitByUnit => (missing, 1),
            Rule::Below(point) if present <= point + this.owed => (1, missing),
            Rule::Below(_) | Rule::None => return,
        };
        this.ordered += missing;
        for _ in 0..shipments {
            self.supplies.push_back(Supply {
                due: now + lead_times.next(),
                item,
                units,
            });
        }
    }
}

impl Demands {
    fn new(stock: &Stock, stream: impl Fn(&str) -> Stream) -> Demands {
        let popularities: Vec<f64> = stock.items.iter().map(|item| item.popularity).collect();
        Demands {
            items: (popularities.len() > 1).then(|| {
                let uniforms = Uniforms::new(stream("item"));
                (Choice::new(&popularities), uniforms)
            }),
            units: Counts::new(stream("quantity"), &stock.quantity),
        }
    }

    #[inline]
    fn draw(&mut self) -> Demand {
        let item = self
            .items
            .as_mut()
            .map_or(0, |(choice, uniforms)| choice.index(uniforms.next()) as u32);
        Demand {
            item,
            units: self.units.next(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Item;
    use crate::random::{DiscreteDistribution, Distribution};
    use proptest::prelude::*;

    fn constant(seconds: f64) -> Distribution {
        Distribution::deterministic(seconds).expect("a time")
    }

    fn shelves(initial: &[u64], hold: Hold, shortage: Shortage, rule: Replenishment) -> Shelves {
        let popularity = 1.0 / initial.len() as f64;
        let items = initial.iter().map(|&initial| Item {
            popularity,
            initial,
        });
        let stock = Stock {
            items: items.collect(),
            quantity: DiscreteDistribution::deterministic(1).expect("a number"),
            hold,
            shortage,
            replenishment: rule,
        };
        Shelves::new(&stock, |what| {
            Stream::new(5, 0, &format!("stage.s.stock.{what}"))
        })
    }

    fn of(item: u32, units: u64) -> Demand {
        Demand { item, units }
    }

    fn supplies(shelves: &mut Shelves) -> Vec<(f64, u32, u64)> {
        std::iter::from_fn(|| shelves.next_supply())
            .map(|s| (s.due, s.item, s.units))
            .collect()
    }

    fn filled(shelves: &mut Shelves) -> Vec<u32> {
        std::iter::from_fn(|| shelves.next_filled()).collect()
    }

    const RESERVE: Hold = Hold::Reserve {
        until: None,
        release_after: 10.0,
    };
    const LOOK: Hold = Hold::Look { until: None };

    fn base_stock() -> Replenishment {
        Replenishment::BaseStock {
            lead_time: constant(3.0),
        }
    }

    #[test]
    fn what_is_gone_is_gone() {
        let mut stock = shelves(&[2], Hold::Take, Shortage::LostSale, Replenishment::None);
        let mut shelf = stock.opening();
        let answers = [1, 2, 1, 1].map(|units| stock.ask(1.0, 0, of(0, units), &mut shelf));
        use Answer::{Granted, Lost};
        assert_eq!(answers, [Granted, Lost, Granted, Lost]);
        assert_eq!((shelf.asked, shelf.filled, shelf.lost_sales), (4, 2, 2));
        assert_eq!((shelf.units_asked, shelf.units_filled), (5, 2));
        assert_eq!((shelf.stock_outs, shelf.empty.value()), (1, 1.0));
        assert_eq!((shelf.at_hand.value(), shelf.at_hand.area()), (0.0, 2.0));
        assert_eq!(supplies(&mut stock), []);
    }

    #[test]
    fn base_stock_is_ordered_unit_by_unit_and_fills_who_waits_in_order() {
        let mut stock = shelves(&[1, 1], Hold::Take, Shortage::Backorder, base_stock());
        let mut shelf = stock.opening();
        assert_eq!(stock.ask(1.0, 7, of(1, 1), &mut shelf), Answer::Granted);
        assert_eq!(supplies(&mut stock), [(4.0, 1, 1)]);
        assert_eq!(stock.ask(2.0, 8, of(1, 2), &mut shelf), Answer::Waits);
        assert_eq!(supplies(&mut stock), [(5.0, 1, 1), (5.0, 1, 1)]);
        assert_eq!(stock.ask(3.0, 9, of(1, 1), &mut shelf), Answer::Waits);
        assert_eq!(supplies(&mut stock), [(6.0, 1, 1)]);
        // One unit is not enough for the first, and the second waits behind it.
        stock.deliver(4.0, 1, 1, &mut shelf);
        assert!(filled(&mut stock).is_empty());
        stock.deliver(5.0, 1, 1, &mut shelf);
        assert_eq!(filled(&mut stock), [8]);
        stock.deliver(5.0, 1, 1, &mut shelf);
        assert_eq!(filled(&mut stock), [9]);
        stock.deliver(6.0, 1, 1, &mut shelf);
        assert!(filled(&mut stock).is_empty());
        assert_eq!(supplies(&mut stock), []);
        assert_eq!((shelf.backorders, shelf.stock_outs), (2, 2));
        assert_eq!((shelf.at_hand.value(), shelf.empty.value()), (2.0, 0.0));
        // Nothing of the second item from 1 s to 4 s and from 5 s to 6 s, half of all that is asked for.
        assert_eq!(shelf.empty.area(), 0.5 * (3.0 + 1.0));
    }

    #[test]
    fn at_the_reorder_point_it_is_filled_up() {
        let rule = Replenishment::ReorderPoint {
            reorder_at: 2,
            up_to: 5,
            lead_time: constant(3.0),
        };
        let mut stock = shelves(&[4, 1], Hold::Take, Shortage::Backorder, rule);
        let mut shelf = stock.opening();
        // The second item begins below the point.
        assert_eq!(supplies(&mut stock), [(3.0, 1, 4)]);
        stock.ask(1.0, 1, of(0, 1), &mut shelf);
        assert_eq!(supplies(&mut stock), []);
        stock.ask(2.0, 2, of(0, 1), &mut shelf);
        assert_eq!(supplies(&mut stock), [(5.0, 0, 3)]);
        // Two at hand, three ordered, six owed.
        stock.ask(3.0, 3, of(0, 6), &mut shelf);
        assert_eq!(supplies(&mut stock), [(6.0, 0, 6)]);
        stock.deliver(5.0, 0, 3, &mut shelf);
        assert!(filled(&mut stock).is_empty());
        stock.deliver(6.0, 0, 6, &mut shelf);
        assert_eq!((filled(&mut stock), stock.free_of(0)), (vec![3], 5));
    }

    #[test]
    fn what_is_reserved_is_at_hand_but_not_free() {
        let mut stock = shelves(&[1], RESERVE, Shortage::Backorder, base_stock());
        let mut shelf = stock.opening();
        assert_eq!(stock.ask(1.0, 1, of(0, 1), &mut shelf), Answer::Granted);
        assert_eq!((shelf.at_hand.value(), shelf.empty.value()), (1.0, 1.0));
        assert_eq!(supplies(&mut stock), [(4.0, 0, 1)]);
        assert_eq!(stock.ask(2.0, 2, of(0, 1), &mut shelf), Answer::Waits);
        assert_eq!(supplies(&mut stock), [(5.0, 0, 1)]);
        // The first lets go, the second has it; it was ordered for the second too, and is now too much.
        stock.release(3.0, of(0, 1), &mut shelf);
        assert_eq!(filled(&mut stock), [2]);
        stock.commit(3.5, of(0, 1), &mut shelf);
        assert_eq!(shelf.at_hand.value(), 0.0);
        stock.deliver(4.0, 0, 1, &mut shelf);
        assert_eq!(
            stock.ask_again(4.5, 1, of(0, 1), &mut shelf),
            Answer::Granted
        );
        assert_eq!((shelf.at_hand.value(), shelf.asked), (0.0, 2));
        assert_eq!(supplies(&mut stock), []);
    }

    #[test]
    fn what_was_only_seen_is_sold_twice() {
        let mut stock = shelves(&[3], LOOK, Shortage::LostSale, base_stock());
        let mut shelf = stock.opening();
        assert_eq!(stock.ask(1.0, 1, of(0, 2), &mut shelf), Answer::Granted);
        assert_eq!(stock.ask(1.0, 2, of(0, 2), &mut shelf), Answer::Granted);
        assert_eq!(stock.ask(1.0, 3, of(0, 4), &mut shelf), Answer::Lost);
        stock.sell(2.0, of(0, 2), &mut shelf);
        stock.sell(2.0, of(0, 2), &mut shelf);
        assert_eq!((shelf.oversold, shelf.at_hand.value()), (1, 0.0));
        assert_eq!(supplies(&mut stock).len(), 3);
    }

    #[test]
    fn items_are_asked_for_by_popularity() {
        let stock = Stock {
            items: [0.7, 0.2, 0.1]
                .map(|popularity| Item {
                    popularity,
                    initial: 1,
                })
                .to_vec(),
            quantity: DiscreteDistribution::finite(vec![1, 3], vec![0.5, 0.5]).expect("a law"),
            hold: Hold::Take,
            shortage: Shortage::LostSale,
            replenishment: Replenishment::None,
        };
        let mut stock = Shelves::new(&stock, |what| Stream::new(5, 0, what));
        const DRAWS: usize = 40_000;
        let (mut counts, mut units) = ([0.0; 3], 0);
        for _ in 0..DRAWS {
            let demand = stock.draw();
            counts[demand.item as usize] += 1.0 / DRAWS as f64;
            units += demand.units;
        }
        assert!((units as f64 / DRAWS as f64 - 2.0).abs() < 0.03);
        for (count, popularity) in counts.into_iter().zip([0.7, 0.2, 0.1]) {
            assert!((count - popularity).abs() < 0.012, "{counts:?}");
        }
    }

    /// Something that may happen to the stock: which kind, to which of those it can happen to, how much.
    type Step = (u8, usize, u64);

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        prop::collection::vec((0u8..5, any::<usize>(), 1u64..4), 1..120)
    }

    fn rules() -> impl Strategy<Value = Replenishment> {
        prop_oneof![
            Just(Replenishment::None),
            Just(base_stock()),
            (0u64..3, 1u64..4).prop_map(|(reorder_at, more)| Replenishment::ReorderPoint {
                reorder_at,
                up_to: reorder_at + more,
                lead_time: constant(3.0),
            }),
        ]
    }

    /// Plays steps and keeps accounts of its own.
    struct Player {
        stock: Shelves,
        shelf: Shelf,
        initial: u64,
        now: f64,
        asked: Vec<Demand>,
        waiting: Vec<u32>,
        /// Orders that hold (or have seen) what they asked for.
        holding: Vec<u32>,
        ordered: Vec<Supply>,
        delivered: u64,
        sold: u64,
    }

    impl Player {
        fn new(stock: Shelves) -> Player {
            let mut player = Player {
                shelf: stock.opening(),
                initial: stock.items.iter().map(|item| item.free).sum(),
                stock,
                now: 0.0,
                asked: Vec::new(),
                waiting: Vec::new(),
                holding: Vec::new(),
                ordered: Vec::new(),
                delivered: 0,
                sold: 0,
            };
            player.fetch();
            player
        }

        fn has(&mut self, order: u32) {
            if self.stock.way == Way::Take {
                self.sold += self.asked[order as usize].units;
            } else {
                self.holding.push(order);
            }
        }

        fn fetch(&mut self) {
            while let Some(supply) = self.stock.next_supply() {
                self.ordered.push(supply);
            }
            while let Some(order) = self.stock.next_filled() {
                let item = self.asked[order as usize].item;
                let first = self
                    .waiting
                    .iter()
                    .position(|&w| self.asked[w as usize].item == item)
                    .expect("someone waited");
                assert_eq!(
                    self.waiting.remove(first),
                    order,
                    "first come, first served"
                );
                self.has(order);
            }
        }

        fn step(&mut self, (kind, which, units): Step) {
            self.now += 0.5;
            let now = self.now;
            match kind {
                0 | 1 => {
                    let demand = of((which % self.stock.items.len()) as u32, units);
                    let order = self.asked.len() as u32;
                    self.asked.push(demand);
                    match self.stock.ask(now, order, demand, &mut self.shelf) {
                        Answer::Granted => self.has(order),
                        Answer::Waits => self.waiting.push(order),
                        Answer::Lost => {}
                    }
                }
                2 if !self.ordered.is_empty() => {
                    let supply = self.ordered.remove(which % self.ordered.len());
                    self.delivered += supply.units;
                    let Supply { item, units, .. } = supply;
                    self.stock.deliver(now, item, units, &mut self.shelf);
                }
                3 | 4 if !self.holding.is_empty() => {
                    let order = self.holding.swap_remove(which % self.holding.len());
                    let demand = self.asked[order as usize];
                    match (self.stock.way, kind) {
                        (Way::Reserve, 3) => self.stock.release(now, demand, &mut self.shelf),
                        (Way::Reserve, _) => {
                            self.stock.commit(now, demand, &mut self.shelf);
                            self.sold += demand.units;
                        }
                        _ => {
                            self.stock.sell(now, demand, &mut self.shelf);
                            self.sold += demand.units;
                        }
                    }
                }
                _ => {}
            }
            self.fetch();
            self.check();
        }

        fn check(&self) {
            let sum = |of: fn(&OnShelf) -> u64| self.stock.items.iter().map(of).sum::<u64>();
            let (free, reserved) = (sum(|item| item.free), sum(|item| item.reserved));
            let gone = self.sold - self.shelf.oversold;
            assert_eq!(self.initial + self.delivered, free + reserved + gone);
            assert_eq!(self.shelf.at_hand.value(), (free + reserved) as f64);
            let under_way: u64 = self.ordered.iter().map(|supply| supply.units).sum();
            assert_eq!(sum(|item| item.ordered), under_way);
            let units = |orders: &[u32]| -> u64 {
                orders.iter().map(|&o| self.asked[o as usize].units).sum()
            };
            assert_eq!(sum(|item| item.owed), units(&self.waiting));
            if self.stock.way == Way::Reserve {
                assert_eq!(reserved, units(&self.holding));
            }
            let empty = self.stock.items.iter().filter(|item| item.free == 0);
            let share: f64 = empty.map(|item| item.popularity).sum();
            assert!((self.shelf.empty.value() - share).abs() < 1e-12);
            for item in &self.stock.items {
                let first = item.waiting.front();
                assert!(first.is_none_or(|first| first.units > item.free));
                let position = (item.free + item.ordered) as i64 - item.owed as i64;
                match self.stock.rule {
                    Rule::None => {}
                    Rule::UnitByUnit => assert!(position >= item.target as i64),
                    Rule::Below(point) => assert!(position > point as i64),
                }
            }
        }
    }

    proptest! {
        #[test]
        fn units_are_conserved_and_nobody_is_passed_over(
            initial in prop::collection::vec(0u64..5, 1..4),
            hold in prop_oneof![Just(Hold::Take), Just(RESERVE), Just(LOOK)],
            backorder in any::<bool>(),
            rule in rules(),
            steps in steps(),
        ) {
            let shortage = if backorder { Shortage::Backorder } else { Shortage::LostSale };
            let mut player = Player::new(shelves(&initial, hold, shortage, rule));
            steps.into_iter().for_each(|step| player.step(step));
        }
    }
}
