//! More consumers than are worth keeping one by one: only the services under way are, as pending
//! events. Whoever comes while all consumers are busy is served by the one that is free first.

use super::servers::{Serve, Yield};
use super::traveller::{Comes, Tag, Traveller};
use crate::sim::begin::begin;
use crate::sim::pending::Pending;

/// Any number of consumers.
#[derive(Debug)]
pub(super) struct Many<T> {
    consumers: usize,
    /// Who is in service, with the time of coming, at the end of it. Those whose service has ended
    /// stay until somebody needs their consumer or the window ends.
    serving: Pending<Traveller<T>>,
}

impl<T: Tag> Many<T> {
    pub(super) fn new(consumers: usize) -> Self {
        Many {
            consumers,
            serving: Pending::default(),
        }
    }
}

impl<T: Tag> Serve<T> for Many<T> {
    fn serve_plain<X: Comes<T>>(&mut self, orders: &[X], services: &[f64], out: &mut Yield<T>) {
        for (order, &service) in orders.iter().zip(services) {
            if !self.serve_next(order.order(), service, out) {
                return;
            }
        }
    }

    #[inline]
    fn serve_next(&mut self, order: Traveller<T>, service: f64, out: &mut Yield<T>) -> bool {
        let mut free = 0.0;
        if self.serving.len() == self.consumers {
            if self.serving.next_time() > out.horizon() {
                return false;
            }
            if let Some((ended, leaver)) = self.serving.pop() {
                out.leave(leaver, ended);
                free = ended;
            }
        }
        let now = begin(order.time, free, service);
        out.begin(&now);
        self.serving
            .push(now.ends, order.served(now.waiting, service));
        true
    }

    fn release(&mut self, out: &mut Yield<T>) {
        while out.has_room() && self.serving.next_time() <= out.horizon() {
            if let Some((ended, leaver)) = self.serving.pop() {
                out.leave(leaver, ended);
            }
        }
    }

    fn in_service(&self) -> impl Iterator<Item = &Traveller<T>> {
        self.serving.payloads()
    }
}
