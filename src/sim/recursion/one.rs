//! A single consumer: Lindley's recursion (Proc. Camb. Phil. Soc. 48, 1952). The n-th service begins
//! when both the order has come and the one before has left.

use super::begin::begin;
use super::servers::{Serve, Yield};
use super::traveller::{Tag, Traveller};

/// A single consumer.
#[derive(Debug)]
pub(super) struct One<T> {
    /// When the present service ends.
    free: f64,
    /// Who is in service.
    serving: Option<Traveller<T>>,
}

impl<T: Tag> One<T> {
    pub(super) fn new() -> Self {
        One {
            free: 0.0,
            serving: None,
        }
    }
}

impl<T: Tag> Serve<T> for One<T> {
    #[inline(always)]
    fn serve(
        &mut self,
        orders: &[Traveller<T>],
        services: &[f64],
        horizon: f64,
        out: &mut Yield<T>,
    ) {
        let mut free = self.free;
        if free > horizon {
            return;
        }
        let mut last = match self.serving.take() {
            Some(before) => {
                out.leave(before, free, true);
            }
            None => {}
        };
        let _ = &mut last;
        let mut serving = None;
        for (order, &service) in orders.iter().zip(services) {
            let begun = begin(order.time, free, service);
            out.begin(begun.waiting, horizon - begun.began);
            free = begun.ends;
            let order = order.served(begun.waiting, service);
            if free > horizon {
                serving = Some(order);
                break;
            }
            out.leave(order, free, true);
        }
        self.free = free;
        self.serving = serving;
    }

    fn release(&mut self, horizon: f64, out: &mut Yield<T>) {
        if self.free <= horizon
            && let Some(order) = self.serving.take()
        {
            out.leave(order, self.free, true);
        }
    }

    fn in_service(&self) -> impl Iterator<Item = &Traveller<T>> {
        self.serving.iter()
    }
}
