//! A single consumer: Lindley's recursion (Proc. Camb. Phil. Soc. 48, 1952). The n-th service begins
//! when both the order has come and the one before has left.

use super::servers::{Serve, Yield};
use super::sums::Sums;
use super::traveller::{Comes, Tag, Traveller};
use crate::sim::begin::{begin, begin_plain};
use crate::simd::{Kernel, vectorized};

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

/// Services one after the other, until one has to wait beyond the horizon or begins in a near tie.
struct Serving<'a, T, X> {
    server: &'a mut One<T>,
    orders: &'a [X],
    services: &'a [f64],
    out: &'a mut Yield<T>,
}

impl<T: Tag, X: Comes<T>> Kernel for Serving<'_, T, X> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let (orders, horizon) = (self.orders, self.out.horizon());
        let mut free = self.server.free;
        let (mut since_begun, mut sums) = (0.0, Sums::default());
        let mut begun = 0;
        let (waits, leavers, sojourns) = self.out.room();
        let room = waits.iter_mut().zip(leavers.iter_mut()).zip(sojourns);
        let served = orders.iter().zip(self.services);
        for ((order, &service), ((wait, leaver), sojourn)) in served.zip(room) {
            let now = begin_plain(order.time(), free, service);
            if (free > horizon) | now.is_near_tie() {
                break;
            }
            free = now.ends;
            *wait = now.waiting;
            since_begun += horizon - now.began;
            *leaver = order.order().served(now.waiting, service).at(free);
            sums.add(Sums::of(leaver, horizon));
            *sojourn = free - order.time();
            begun += 1;
        }
        let mut left = begun;
        if begun > 0 && free > horizon {
            // The last of them is not done by the horizon.
            left -= 1;
            sums.take_back(Sums::of(&leavers[left], horizon));
            self.server.serving = Some(leavers[left].at(orders[left].time()));
        }
        self.server.free = free;
        self.out.filled(begun, since_begun, left, sums);
    }
}

impl<T: Tag> Serve<T> for One<T> {
    fn serve_plain<X: Comes<T>>(&mut self, orders: &[X], services: &[f64], out: &mut Yield<T>) {
        self.release(out);
        vectorized(Serving {
            server: self,
            orders,
            services,
            out,
        });
    }

    fn serve_next(&mut self, order: Traveller<T>, service: f64, out: &mut Yield<T>) -> bool {
        self.release(out);
        if self.free > out.horizon() {
            return false;
        }
        let now = begin(order.time, self.free, service);
        out.begin(&now);
        self.free = now.ends;
        self.serving = Some(order.served(now.waiting, service));
        true
    }

    fn release(&mut self, out: &mut Yield<T>) {
        if self.free <= out.horizon()
            && let Some(order) = self.serving.take()
        {
            out.leave(order, self.free);
        }
    }

    fn in_service(&self) -> impl Iterator<Item = &Traveller<T>> {
        self.serving.iter()
    }
}
