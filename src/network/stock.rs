//! Items in stock, which orders take at a stage.
//!
//! Stock is asked for when an order's service at the stage ends. [`Hold`] says what an order that finds
//! enough does, [`Shortage`] what becomes of one that does not.

use super::StageId;
use crate::random::{DiscreteDistribution, Distribution};

/// Whether orders take items at a stage.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Stocking {
    /// They do not.
    #[default]
    None,
    /// They do.
    Stock(Box<Stock>),
}

/// What is in stock, and how it is taken and filled up.
#[derive(Debug, Clone, PartialEq)]
pub struct Stock {
    /// What there is; not empty. An order is for one of these items.
    pub items: Vec<Item>,
    /// Units that an order asks for.
    pub quantity: DiscreteDistribution,
    /// What an order that finds enough does.
    pub hold: Hold,
    /// What becomes of an order that finds too little.
    pub shortage: Shortage,
    /// How the stock is filled up.
    pub replenishment: Replenishment,
}

/// An item in stock.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Item {
    /// Probability that an order is for it; they add up to 1.
    pub popularity: f64,
    /// Units at the start.
    pub initial: u64,
}

/// What an order that finds enough does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Hold {
    /// Takes it.
    Take,
    /// Reserves it. It is taken at `until`, when the order has been served there (`None`: when it is
    /// completed); it is free again when the order leaves in another way, or after `release_after` seconds
    /// (infinite: never), and an order that then comes to `until` without it must find it anew.
    Reserve {
        /// Where it is taken.
        until: Option<StageId>,
        /// Above 0.
        release_after: f64,
    },
    /// Only sees that it is there, and takes it at `until` (`None`: when it is completed), whether or not
    /// it is still there: what is not has been sold twice.
    Look {
        /// Where it is taken.
        until: Option<StageId>,
    },
}

/// What becomes of an order that finds too little.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortage {
    /// It is cancelled.
    LostSale,
    /// It waits until there is enough, first come first served by item, without a consumer.
    Backorder,
}

/// How stock is filled up, each item on its own.
#[derive(Debug, Clone, PartialEq)]
pub enum Replenishment {
    /// It is not.
    None,
    /// Every unit sold, reserved or owed is ordered at once, on its own: stock that is free and ordered,
    /// less what is owed, is always the initial stock. (When a reservation ends it is above that for a
    /// while, and nothing is ordered until it is not.)
    BaseStock {
        /// Time from ordering to delivery.
        lead_time: Distribution,
    },
    /// When stock that is free and ordered, less what is owed, is `reorder_at` or less, so much is ordered
    /// that it is `up_to`.
    ReorderPoint {
        /// s.
        reorder_at: u64,
        /// S, above s.
        up_to: u64,
        /// Time from ordering to delivery.
        lead_time: Distribution,
    },
}
