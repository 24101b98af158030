//! A stage of the recursion: who has come, the consumers, and where orders go from here.

use super::course::Stop;
use super::servers::{CHUNK, Servers, Yield};
use super::traveller::{Comes, Tag, Traveller};
use crate::network::Network;
use crate::sim::chance::Chance;

/// A stage while it runs. Between two windows `orders[served..]` is its queue.
#[derive(Debug)]
pub(super) struct Stage<T> {
    /// Who came, in the order of service.
    orders: Vec<Traveller<T>>,
    /// The bare times of those who came, instead of `orders`, where they tell all.
    times: Option<Vec<f64>>,
    /// How many of them came in windows before this one.
    lined_up: usize,
    /// How many of them have been served.
    served: usize,
    /// Service times of `orders`, drawn as they came; used only where classes have laws of their own.
    drawn: Vec<f64>,
    /// Who came in this window from each source, where there are several.
    inflows: Vec<Vec<Traveller<T>>>,
    servers: Servers<T>,
    pub chance: Chance,
}

impl<T: Tag> Stage<T> {
    /// An empty stage.
    pub(super) fn new(network: &Network, stop: &Stop, replication: u64) -> Self {
        let stage = &network.stages[stop.id];
        Stage {
            orders: Vec::new(),
            times: (stop.sees_all && T::EMPTY).then(Vec::new),
            lined_up: 0,
            served: 0,
            drawn: Vec::new(),
            inflows: vec![Vec::new(); stop.sources],
            servers: Servers::new(stage.consumers),
            chance: Chance::new(network, stage, replication),
        }
    }

    /// Orders come from a source, in the order of time.
    pub(super) fn receive(&mut self, source: usize, orders: &[Traveller<T>]) {
        match self.inflows.as_mut_slice() {
            [_] => self.orders.extend_from_slice(orders),
            several => several[source].extend_from_slice(orders),
        }
    }

    /// Orders of the only producer come at these times, the first of them with this number.
    pub(super) fn enter(&mut self, times: &[f64], first: u64) {
        if let Some(fresh) = &mut self.times {
            return fresh.extend_from_slice(times);
        }
        let numbered = times.iter().zip(first..);
        let orders = numbered.map(|(time, number)| Traveller::entering(*time, T::new(number, 0)));
        self.door_from_outside().extend(orders);
    }

    /// Where orders from outside are put, in the order of time.
    pub(super) fn door_from_outside(&mut self) -> &mut Vec<Traveller<T>> {
        match self.inflows.as_mut_slice() {
            [_] => &mut self.orders,
            [.., outside] => outside,
            [] => unreachable!("orders come to every stage from somewhere"),
        }
    }

    /// All have come that come in this window: puts them in order, and draws their service times
    /// where classes have laws of their own. Says who they are, if more is known than their times.
    pub(super) fn line_up(&mut self, class: impl Fn(&Traveller<T>) -> u32) -> &[Traveller<T>] {
        if self.inflows.len() > 1 {
            merge(&mut self.inflows, &mut self.orders);
        }
        let before = self.lined_up;
        self.lined_up = self.came();
        let new = &self.orders[before.min(self.orders.len())..];
        if self.chance.only_law().is_none() {
            let chance = &mut self.chance;
            let mut draw = |order: &Traveller<T>| chance.draw_service(class(order));
            match &self.times {
                Some(times) => {
                    let orders = times[before..].iter().map(|time| time.order());
                    self.drawn.extend(orders.map(|order| draw(&order)));
                }
                None => self.drawn.extend(new.iter().map(draw)),
            }
        }
        new
    }

    /// How many came that have not been forgotten.
    fn came(&self) -> usize {
        self.times.as_ref().map_or(self.orders.len(), Vec::len)
    }

    /// Serves some of the queue. Says whom, if more is known than their times, and how long each
    /// service takes; none when no further service begins by the horizon.
    pub(super) fn serve<'s>(
        &'s mut self,
        horizon: f64,
        out: &mut Yield<T>,
    ) -> Option<(&'s [Traveller<T>], &'s [f64])> {
        let upto = self.came().min(self.served + CHUNK);
        if upto == self.served {
            return None;
        }
        let queue = self.served..upto;
        let services = match self.chance.only_law() {
            Some(law) => law.ahead(queue.len()),
            None => &self.drawn[self.served..],
        };
        match &self.times {
            Some(times) => self.servers.serve(&times[queue], services, horizon, out),
            None => self
                .servers
                .serve(&self.orders[queue], services, horizon, out),
        }
        let served = out.waits().len();
        if served == 0 {
            return None;
        }
        let from = self.served;
        self.served += served;
        let services = match self.chance.only_law() {
            Some(law) => law.take(served),
            None => &self.drawn[from..self.served],
        };
        let known = self.orders.len();
        Some((
            &self.orders[from.min(known)..self.served.min(known)],
            services,
        ))
    }

    /// Lets those leave whose service ends by the horizon. To be called until nobody does.
    pub(super) fn release(&mut self, horizon: f64, out: &mut Yield<T>) {
        self.servers.release(horizon, out);
    }

    /// Forgets who has been served.
    pub(super) fn tidy(&mut self) {
        // While a backlog builds up, moving it each time would cost more than the serving.
        if 2 * self.served < self.came() {
            return;
        }
        match &mut self.times {
            Some(times) => drop(times.drain(..self.served)),
            None => drop(self.orders.drain(..self.served)),
        }
        self.drawn.drain(..self.served.min(self.drawn.len()));
        self.lined_up -= self.served;
        self.served = 0;
    }

    /// Everybody here, with the time of coming.
    pub(super) fn present(&self, mut see: impl FnMut(&Traveller<T>)) {
        match &self.times {
            Some(times) => times[self.served..]
                .iter()
                .for_each(|time| see(&time.order())),
            None => self.orders[self.served..].iter().for_each(&mut see),
        }
        self.servers.in_service(see);
    }
}

/// Merges sorted lists by time and empties them; at the same time the first list comes first.
fn merge<T: Tag>(lists: &mut [Vec<Traveller<T>>], into: &mut Vec<Traveller<T>>) {
    let mut heads = vec![0; lists.len()];
    loop {
        let mut next: Option<(f64, usize)> = None;
        for (list, (orders, &head)) in lists.iter().zip(&heads).enumerate() {
            if let Some(order) = orders.get(head)
                && next.is_none_or(|(time, _)| order.time < time)
            {
                next = Some((order.time, list));
            }
        }
        let Some((_, list)) = next else { break };
        into.push(lists[list][heads[list]]);
        heads[list] += 1;
    }
    lists.iter_mut().for_each(Vec::clear);
}
