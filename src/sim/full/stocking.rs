//! Stock: what orders ask for when a stage has served them, what they hold of it, and who waits for more.
//!
//! A message that waits for stock has no consumer. It is still at the stage that served it, or, when it
//! was about to be completed, at none. Copies and duplicates take stock as orders do.

use super::agenda::Happening;
use super::messages::{MessageId, State};
use super::shelves::{Answer, Demand, Shelves};
use super::{Full, Observer};
use crate::network::{Hold, StageId, Stocking};
use crate::random::Stream;
use crate::sim::happened::{Part, Shelf};
use crate::sim::outcome::Outcome;

/// The stock of a stage, and who has a claim to some of it.
#[derive(Debug)]
pub(super) struct Stockroom {
    shelves: Shelves,
    hold: Hold,
    /// By message.
    claims: Vec<Option<Claim>>,
}

/// What a message has asked for.
#[derive(Debug, Clone, Copy)]
struct Claim {
    demand: Demand,
    standing: Standing,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Standing {
    /// It waits for what it asked for at the stage of the stock.
    Awaited,
    /// It is set aside until then.
    Reserved { until: f64 },
    /// It was there.
    Seen,
    /// It was set aside for too long, and must be found anew.
    Lapsed,
}

impl Stockroom {
    /// The stock that a stage has, if any; `stream` gives the stream of a source of chance by its name.
    pub(super) fn new(
        stocking: &Stocking,
        stream: impl Fn(&str) -> Stream,
    ) -> Option<Box<Stockroom>> {
        let Stocking::Stock(stock) = stocking else {
            return None;
        };
        Some(Box::new(Stockroom {
            shelves: Shelves::new(stock, |what| stream(&format!("stock.{what}"))),
            hold: stock.hold,
            claims: Vec::new(),
        }))
    }

    /// Where what is claimed is taken; `None`: when the order is completed.
    fn until(&self) -> Option<StageId> {
        match self.hold {
            Hold::Take => None,
            Hold::Reserve { until, .. } | Hold::Look { until } => until,
        }
    }

    fn claim(&self, id: MessageId) -> Option<Claim> {
        self.claims.get(id.0 as usize).copied().flatten()
    }

    fn set_claim(&mut self, id: MessageId, claim: Option<Claim>) {
        let index = id.0 as usize;
        if self.claims.len() <= index {
            self.claims.resize(index + 1, None);
        }
        self.claims[index] = claim;
    }

    /// A message that has just been served asks for what it needs, unless it has it from an earlier
    /// visit. What lapsed it asks for once more.
    fn ask(&mut self, now: f64, id: MessageId, shelf: &mut Shelf) -> Answer {
        let demand = match self.claim(id) {
            Some(claim) if claim.standing != Standing::Lapsed => return Answer::Granted,
            Some(claim) => claim.demand,
            None => self.shelves.draw(),
        };
        let answer = self.shelves.ask(now, id.0, demand, shelf);
        match answer {
            Answer::Granted => self.secure(now, id, demand),
            Answer::Lost => self.set_claim(id, None),
            Answer::Waits => {
                let standing = Standing::Awaited;
                self.set_claim(id, Some(Claim { demand, standing }));
            }
        }
        answer
    }

    /// A message has been granted what it asked for.
    fn secure(&mut self, now: f64, id: MessageId, demand: Demand) {
        let standing = match self.hold {
            Hold::Take => return self.set_claim(id, None),
            Hold::Reserve { release_after, .. } => Standing::Reserved {
                until: now + release_after,
            },
            Hold::Look { .. } => Standing::Seen,
        };
        self.set_claim(id, Some(Claim { demand, standing }));
    }

    /// A message comes to take what it has a claim to.
    fn redeem(&mut self, now: f64, id: MessageId, shelf: &mut Shelf) -> Answer {
        let Some(claim) = self.claim(id) else {
            return Answer::Granted;
        };
        let answer = match claim.standing {
            Standing::Awaited => return Answer::Waits,
            Standing::Reserved { .. } => {
                self.shelves.commit(now, claim.demand, shelf);
                Answer::Granted
            }
            Standing::Seen => {
                self.shelves.sell(now, claim.demand, shelf);
                Answer::Granted
            }
            Standing::Lapsed => self.shelves.ask_again(now, id.0, claim.demand, shelf),
        };
        if answer != Answer::Waits {
            self.set_claim(id, None);
        }
        answer
    }

    /// A reservation ends, if it has not ended before; whether it did now.
    fn lapse(&mut self, now: f64, id: MessageId, shelf: &mut Shelf) -> bool {
        let Some(Claim { demand, standing }) = self.claim(id) else {
            return false;
        };
        let due = matches!(standing, Standing::Reserved { until } if until <= now);
        if due {
            self.shelves.release(now, demand, shelf);
            shelf.released += 1;
            let standing = Standing::Lapsed;
            self.set_claim(id, Some(Claim { demand, standing }));
        }
        due
    }

    /// A message leaves for good, and with it its claim.
    fn forget(&mut self, now: f64, id: MessageId, shelf: &mut Shelf) {
        let Some(claim) = self.claim(id) else {
            return;
        };
        if let Standing::Reserved { .. } = claim.standing {
            self.shelves.release(now, claim.demand, shelf);
        }
        self.set_claim(id, None);
    }

    /// When the reservation of a message ends.
    fn reserved_until(&self, id: MessageId) -> f64 {
        match self.claim(id) {
            Some(Claim {
                standing: Standing::Reserved { until },
                ..
            }) => until,
            _ => f64::INFINITY,
        }
    }
}

impl<O: Observer> Full<'_, O> {
    /// Opens the stock of a stage, if it has any.
    pub(super) fn open_stock(&mut self, stage: usize) {
        if let Some(room) = &self.stages[stage].stock {
            self.happened.shelves[stage] = room.shelves.opening();
            self.stocked.push(stage);
            self.order_supplies(stage);
        }
    }

    /// A message has been served at its stage: it takes what it was to take there, and asks for what
    /// there is in stock.
    pub(super) fn stock_up(&mut self, id: MessageId) -> Answer {
        if self.stocked.is_empty() {
            return Answer::Granted;
        }
        let stage = self.messages.get(id).stage as usize;
        let redeemed = self.redeem(id, Some(StageId(stage)));
        if redeemed != Answer::Granted {
            return redeemed;
        }
        let Some(room) = &mut self.stages[stage].stock else {
            return Answer::Granted;
        };
        let answer = room.ask(self.now, id, &mut self.happened.shelves[stage]);
        self.order_supplies(stage);
        if answer == Answer::Granted {
            self.plan_release(stage, id);
        }
        answer
    }

    /// A message takes what it was to take at `until`.
    fn redeem(&mut self, id: MessageId, until: Option<StageId>) -> Answer {
        for index in 0..self.stocked.len() {
            let stage = self.stocked[index];
            let room = self.stages[stage].stock.as_mut();
            let Some(room) = room.filter(|room| room.until() == until) else {
                continue;
            };
            let answer = room.redeem(self.now, id, &mut self.happened.shelves[stage]);
            self.order_supplies(stage);
            if answer != Answer::Granted {
                return answer;
            }
        }
        Answer::Granted
    }

    /// A message has come to the end of its way.
    pub(super) fn complete(&mut self, id: MessageId) {
        match self.redeem(id, None) {
            Answer::Granted => self.end(id, Outcome::Completed),
            Answer::Lost => self.end(id, Outcome::Cancelled),
            Answer::Waits => self.wait_for_stock(id),
        }
    }

    pub(super) fn wait_for_stock(&mut self, id: MessageId) {
        let message = self.messages.get_mut(id);
        message.state = State::Backordered;
        message.spend(self.now, Part::Waiting);
    }

    /// Lets those go on who need no longer wait for stock; whether there was anyone.
    pub(super) fn fill_backorders(&mut self) -> bool {
        let mut any = false;
        for index in 0..self.stocked.len() {
            let stage = self.stocked[index];
            while let Some(order) = self.next_filled(stage) {
                any = true;
                self.filled(stage, order);
            }
        }
        any
    }

    fn next_filled(&mut self, stage: usize) -> Option<MessageId> {
        let room = self.stages[stage].stock.as_mut()?;
        room.shelves.next_filled().map(MessageId)
    }

    /// A message has got from the stock of a stage what it has waited for.
    fn filled(&mut self, stage: usize, id: MessageId) {
        let Some(room) = &mut self.stages[stage].stock else {
            return;
        };
        let Some(claim) = room.claim(id) else {
            return;
        };
        if claim.standing == Standing::Awaited {
            room.secure(self.now, id, claim.demand);
            self.plan_release(stage, id);
            let fate = self.way_on(id);
            return self.carry_out(id, fate);
        }
        room.set_claim(id, None);
        if !self.messages.get(id).present {
            return self.complete(id);
        }
        let answer = self.stock_up(id);
        let fate = self.fate_after(id, answer);
        self.carry_out(id, fate);
    }

    fn plan_release(&mut self, stage: usize, id: MessageId) {
        if let Some(room) = &self.stages[stage].stock {
            let until = room.reserved_until(id);
            let stage = stage as u32;
            let releases = Happening::Releases { stage, message: id };
            self.agenda.plan(until, releases);
        }
    }

    /// A reservation may have run out.
    pub(super) fn releases(&mut self, stage: usize, id: MessageId) {
        if let Some(room) = &mut self.stages[stage].stock
            && room.lapse(self.now, id, &mut self.happened.shelves[stage])
        {
            self.order_supplies(stage);
        }
    }

    /// What a stage has ordered comes.
    pub(super) fn delivered(&mut self, stage: usize, item: u32, units: u32) {
        if let Some(room) = &mut self.stages[stage].stock {
            let shelf = &mut self.happened.shelves[stage];
            room.shelves.deliver(self.now, item, units.into(), shelf);
            self.order_supplies(stage);
        }
    }

    /// A message leaves for good: what it has reserved is free again.
    pub(super) fn return_stock(&mut self, id: MessageId) {
        for index in 0..self.stocked.len() {
            let stage = self.stocked[index];
            if let Some(room) = &mut self.stages[stage].stock {
                room.forget(self.now, id, &mut self.happened.shelves[stage]);
                self.order_supplies(stage);
            }
        }
    }

    /// Plans the delivery of what a stage has ordered.
    fn order_supplies(&mut self, stage: usize) {
        let Some(room) = &mut self.stages[stage].stock else {
            return;
        };
        while let Some(supply) = room.shelves.next_supply() {
            let mut left = supply.units;
            while left > 0 {
                let units = u32::try_from(left).unwrap_or(u32::MAX);
                let delivered = Happening::Delivered {
                    stage: stage as u32,
                    item: supply.item,
                    units,
                };
                self.agenda.plan(supply.due, delivered);
                left -= u64::from(units);
            }
        }
    }
}
