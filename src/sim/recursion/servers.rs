//! The consumers of a stage: whose service begins when, and who leaves when.

use super::few::Few;
use super::many::Many;
use super::one::One;
use super::sums::Sums;
use super::traveller::{Comes, Tag, Traveller};
use crate::network::Consumers;
use crate::sim::begin::Begun;

/// Orders served in one go.
pub(super) const CHUNK: usize = 768;
/// Most orders that leave in one go: as many as are served, and one for each of a few consumers.
const LEAVERS: usize = CHUNK + 16;

/// What one go has yielded.
#[derive(Debug)]
pub(super) struct Yield<T> {
    waits: Box<[f64; CHUNK]>,
    begun: usize,
    since_begun: f64,
    leavers: Box<[Traveller<T>; LEAVERS]>,
    sojourns: Box<[f64; LEAVERS]>,
    left: usize,
    sums: Sums,
    horizon: f64,
}

impl<T: Tag> Yield<T> {
    pub(super) fn new() -> Self {
        Yield {
            waits: Box::new([0.0; CHUNK]),
            begun: 0,
            since_begun: 0.0,
            leavers: Box::new([Traveller::entering(0.0, T::new(0, 0)); LEAVERS]),
            sojourns: Box::new([0.0; LEAVERS]),
            left: 0,
            sums: Sums::default(),
            horizon: 0.0,
        }
    }

    /// Until when all happens that is asked for.
    #[inline(always)]
    pub(super) fn horizon(&self) -> f64 {
        self.horizon
    }

    /// A service has begun.
    #[inline(always)]
    pub(super) fn begin(&mut self, now: &Begun) {
        self.waits[self.begun] = now.waiting;
        self.begun += 1;
        self.since_begun += self.horizon - now.began;
    }

    /// An order, its time still that of its coming, leaves.
    #[inline(always)]
    pub(super) fn leave(&mut self, order: Traveller<T>, now: f64) {
        self.leavers[self.left] = order.at(now);
        self.sojourns[self.left] = now - order.time;
        self.left += 1;
        self.sums.add(Sums::of(&order.at(now), self.horizon));
    }

    /// The room that is left for waits, leavers and their sojourns, for kernels that count by
    /// themselves, in registers; then [`Yield::filled`] says how much of it was.
    #[inline(always)]
    pub(super) fn room(&mut self) -> (&mut [f64], &mut [Traveller<T>], &mut [f64]) {
        let (begun, left) = (self.begun, self.left);
        (
            &mut self.waits[begun..],
            &mut self.leavers[left..],
            &mut self.sojourns[left..],
        )
    }

    /// So many services have begun, so many seconds before the horizon in all, and so many have left, with
    /// sums over them.
    #[inline(always)]
    pub(super) fn filled(&mut self, begun: usize, since_begun: f64, left: usize, sums: Sums) {
        self.begun += begun;
        self.since_begun += since_begun;
        self.left += left;
        self.sums.add(sums);
    }

    /// Whether there is room for another leaver.
    #[inline(always)]
    pub(super) fn has_room(&self) -> bool {
        self.left < CHUNK
    }

    /// How long those waited whose service has begun, in their order.
    pub(super) fn waits(&self) -> &[f64] {
        &self.waits[..self.begun]
    }

    /// Seconds from each beginning of service to the horizon, added up.
    pub(super) fn since_begun(&self) -> f64 {
        self.since_begun
    }

    /// Who left, in their order, with the time of leaving.
    pub(super) fn leavers(&self) -> &[Traveller<T>] {
        &self.leavers[..self.left]
    }

    /// How long each leaver was at the stage.
    pub(super) fn sojourns(&self) -> &[f64] {
        &self.sojourns[..self.left]
    }

    /// Sums over the leavers.
    pub(super) fn sums(&self) -> Sums {
        self.sums
    }

    fn clear(&mut self, horizon: f64) {
        (self.begun, self.since_begun, self.left) = (0, 0.0, 0);
        (self.sums, self.horizon) = (Sums::default(), horizon);
    }
}

/// Consumers that serve orders in turn.
pub(super) trait Serve<T: Tag> {
    /// Lets the services of as many of these orders begin as can by the horizon, or until one begins
    /// so close to its order's coming that rounding must be seen to; who leaves to make room for them is
    /// among the leavers.
    fn serve_plain<X: Comes<T>>(&mut self, orders: &[X], services: &[f64], out: &mut Yield<T>);

    /// The same for one order, however close. Says whether its service began by the horizon.
    fn serve_next(&mut self, order: Traveller<T>, service: f64, out: &mut Yield<T>) -> bool;

    /// Lets those leave whose service ends by the horizon, as long as there is room. Only when no
    /// further service can begin by then.
    fn release(&mut self, out: &mut Yield<T>);

    /// Who is in service, with the time of coming.
    fn in_service(&self) -> impl Iterator<Item = &Traveller<T>>;
}

/// The consumers of a stage, in the form that suits their number.
#[derive(Debug)]
pub(super) enum Servers<T> {
    One(Box<One<T>>),
    Four(Box<Few<1, T>>),
    Eight(Box<Few<2, T>>),
    Sixteen(Box<Few<4, T>>),
    Many(Box<Many<T>>),
}

/// The same words to whichever consumers there are.
macro_rules! whichever {
    ($servers:expr, $one:ident => $do:expr) => {
        match $servers {
            Servers::One($one) => $do,
            Servers::Four($one) => $do,
            Servers::Eight($one) => $do,
            Servers::Sixteen($one) => $do,
            Servers::Many($one) => $do,
        }
    };
}

impl<T: Tag> Servers<T> {
    pub(super) fn new(consumers: Consumers) -> Self {
        match consumers {
            Consumers::Finite(1) => Servers::One(Box::new(One::new())),
            Consumers::Finite(c @ 2..=4) => Servers::Four(Box::new(Few::new(c as usize))),
            Consumers::Finite(c @ 5..=8) => Servers::Eight(Box::new(Few::new(c as usize))),
            Consumers::Finite(c @ 9..=16) => Servers::Sixteen(Box::new(Few::new(c as usize))),
            Consumers::Finite(c) => Servers::Many(Box::new(Many::new(c as usize))),
            Consumers::Unlimited => Servers::Many(Box::new(Many::new(usize::MAX))),
        }
    }

    /// Lets the services of as many of these orders begin as can by the horizon: at most [`CHUNK`], and
    /// no more than there are service times.
    pub(super) fn serve(
        &mut self,
        orders: &[impl Comes<T>],
        services: &[f64],
        horizon: f64,
        out: &mut Yield<T>,
    ) {
        out.clear(horizon);
        let count = orders.len().min(services.len());
        let (orders, services) = (&orders[..count], &services[..count]);
        whichever!(self, servers => serve(&mut **servers, orders, services, out));
    }

    /// See [`Serve::release`].
    pub(super) fn release(&mut self, horizon: f64, out: &mut Yield<T>) {
        out.clear(horizon);
        whichever!(self, servers => servers.release(out));
    }

    /// Who is in service, with the time of coming.
    pub(super) fn in_service(&self, mut see: impl FnMut(&Traveller<T>)) {
        whichever!(self, servers => servers.in_service().for_each(&mut see));
    }
}

fn serve<T: Tag>(
    servers: &mut impl Serve<T>,
    orders: &[impl Comes<T>],
    services: &[f64],
    out: &mut Yield<T>,
) {
    while out.begun < orders.len() {
        servers.serve_plain(&orders[out.begun..], &services[out.begun..], out);
        let Some(order) = orders.get(out.begun) else {
            return;
        };
        if !servers.serve_next(order.order(), services[out.begun], out) {
            return;
        }
    }
}
