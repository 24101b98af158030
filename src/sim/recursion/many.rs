//! More consumers than are worth keeping one by one: only the services under way are, in a structure
//! for pending events. Whoever is served while all consumers are busy waits for the first of them.

use super::begin::begin;
use super::servers::{Serve, Yield};
use super::traveller::{Tag, Traveller};
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Any number of consumers.
#[derive(Debug)]
pub(super) struct Many<T> {
    consumers: usize,
    /// Services under way, with those that have ended but were not looked at.
    under_way: BinaryHeap<Entry<T>>,
    seq: u64,
}
#[derive(Debug)]
struct Entry<T>(f64, u64, Traveller<T>);
impl<T> PartialEq for Entry<T> {
    fn eq(&self, o: &Self) -> bool {
        self.0 == o.0 && self.1 == o.1
    }
}
impl<T> Eq for Entry<T> {}
impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, o: &Self) -> Option<Ordering> {
        Some(self.cmp(o))
    }
}
impl<T> Ord for Entry<T> {
    fn cmp(&self, o: &Self) -> Ordering {
        (o.0.to_bits(), o.1).cmp(&(self.0.to_bits(), self.1))
    }
}

impl<T: Tag> Many<T> {
    pub(super) fn new(consumers: usize) -> Self {
        Many {
            consumers,
            under_way: BinaryHeap::new(),
            seq: 0,
        }
    }
}

impl<T: Tag> Serve<T> for Many<T> {
    #[inline(always)]
    fn serve(
        &mut self,
        orders: &[Traveller<T>],
        services: &[f64],
        horizon: f64,
        out: &mut Yield<T>,
    ) {
        for (order, &service) in orders.iter().zip(services) {
            let mut free = 0.0;
            if self.under_way.len() == self.consumers {
                free = self.under_way.peek().map_or(f64::INFINITY, |e| e.0);
                if free > horizon {
                    break;
                }
                let Entry(_, _, order) = self.under_way.pop().expect("x");
                out.leave(order, free);
            }
            let begun = begin(order.time, free, service);
            out.begin(begun.waiting, horizon - begun.began);
            self.seq += 1;
            self.under_way.push(Entry(
                begun.ends,
                self.seq,
                order.served(begun.waiting, service),
            ));
        }
    }

    fn release(&mut self, horizon: f64, out: &mut Yield<T>) {
        while out.has_room() && self.under_way.peek().is_some_and(|e| e.0 <= horizon) {
            let Some(Entry(free, _, order)) = self.under_way.pop() else {
                return;
            };
            out.leave(order, free);
        }
    }

    fn in_service(&self) -> impl Iterator<Item = &Traveller<T>> {
        self.under_way.iter().map(|e| &e.2)
    }
}
