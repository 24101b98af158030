//! Networks of bounded queues with blocking or rejection, one closed chain of customers: exactly, by
//! their Markov chain.
//!
//! # References
//! G. C. Hunt (1956), *Sequential arrays of waiting lines*, Operations Research 4, 674–683; H. G.
//! Perros (1994), *Queueing Networks with Blocking* (blocking after service).

use super::markov::{State, Steady, steady};
use crate::theory::ModelError;
use crate::theory::error::{non_negative, positive};

/// A station of a network of bounded queues.
#[derive(Debug, Clone, PartialEq)]
pub struct BoundedStation {
    /// μ of each consumer.
    pub service_rate: f64,
    /// Parallel consumers.
    pub consumers: u32,
    /// How many may wait, and what becomes of the others.
    pub room: Room,
    /// To which station with which probability; the rest leaves.
    pub next: Vec<(usize, f64)>,
}

/// How many orders may wait at a station.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// All.
    Unbounded,
    /// So many; others are rejected, and their customers think again.
    Reject(u64),
    /// So many; others stay with the consumer that they come from, which serves nobody meanwhile.
    Block(u64),
}

/// What a station of a network of bounded queues does in the long run, per second or on average.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct BoundedFigures {
    /// Orders offered, those rejected included.
    pub offered: f64,
    /// Orders that come in.
    pub accepted: f64,
    /// Orders that are rejected.
    pub rejected: f64,
    /// Orders that come in and find no consumer free.
    pub delayed: f64,
    /// Mean number of consumers at work.
    pub serving: f64,
    /// Mean number of orders waiting for a consumer.
    pub waiting: f64,
    /// Mean number of orders that have been served and keep their consumer blocked.
    pub blocked: f64,
}

/// One chain of N customers in a network of bounded queues, solved state by state.
///
/// # Domain
/// Exponential service and think time (or none); first in, first out, also among the blocked. The stage where orders
/// enter is not one that blocks, no stage blocks itself, no circle of blocked stages can close, and the chain has at most
/// some 10⁴ states.
///
/// # Formula
/// πQ = 0 over the numbers at every station and the lines of blocked orders.
///
/// ```
/// use orderline::theory::{BoundedNetwork, BoundedStation, Room};
/// // Hunt 1956: two stations of rate 1, no room between them, never starved: 2/3.
/// let station = |room, next: &[(usize, f64)]| BoundedStation {
///     service_rate: 1.0, consumers: 1, room, next: next.to_vec(),
/// };
/// let line = [station(Room::Unbounded, &[(1, 1.0)]), station(Room::Block(0), &[])];
/// let network = BoundedNetwork::new(20, 0.0, 0, &line)?;
/// assert!((network.station(1).serving - 2.0 / 3.0).abs() < 1e-13);
/// # Ok::<(), orderline::theory::ModelError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct BoundedNetwork {
    figures: Vec<BoundedFigures>,
}

impl BoundedNetwork {
    /// A network of stations where customers with a mean think time enter at one of them.
    ///
    /// # Errors
    /// A number outside its domain, or a network that is too large, can lock up, or has no order of events
    /// ("states").
    pub fn new(
        customers: u64,
        think_mean: f64,
        enter: usize,
        stations: &[BoundedStation],
    ) -> Result<BoundedNetwork, ModelError> {
        positive("customers", customers as f64)?;
        non_negative("think time", think_mean)?;
        for station in stations {
            positive("service rate", station.service_rate)?;
            positive("consumers", f64::from(station.consumers))?;
        }
        let refused = ModelError::Domain {
            name: "states",
            value: f64::INFINITY,
        };
        let rules = Rules {
            think_mean,
            enter,
            stations,
        };
        let population = u16::try_from(customers).map_err(|_| refused)?;
        if !rules.are_clear(population) {
            return Err(refused);
        }
        let start = rules.start(population);
        let chain = steady(start, |state, out| {
            rules.moves(state, |next, rate, _| out.push((next, rate)));
        });
        let chain = chain.ok_or(refused)?;
        Ok(BoundedNetwork {
            figures: rules.figures(&chain),
        })
    }

    /// The figures of a station.
    pub fn station(&self, station: usize) -> &BoundedFigures {
        &self.figures[station]
    }
}

/// What happens in a move, besides.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Event {
    Rejected(usize),
    Accepted { at: usize, delayed: bool },
}

/// How the network moves. A state is written as the customers thinking, by station the orders that wait
/// or are served, then by station the line of orders blocked before it: its length and where each comes
/// from.
struct Rules<'a> {
    think_mean: f64,
    enter: usize,
    stations: &'a [BoundedStation],
}

/// A state taken apart.
#[derive(Debug, Clone)]
struct Shop {
    thinking: u16,
    present: Vec<u16>,
    /// By station: where the orders come from that are blocked before it, the first to go first.
    lines: Vec<Vec<u16>>,
    /// Orders that each station holds blocked.
    held: Vec<u16>,
}

impl Rules<'_> {
    /// Whether what happens is clear without more rules.
    fn are_clear(&self, population: u16) -> bool {
        let blocks = |s: &BoundedStation| matches!(s.room, Room::Block(_));
        let own = |(i, s): (usize, &BoundedStation)| blocks(s) && s.next.iter().any(|n| n.0 == i);
        let enter = &self.stations[self.enter];
        let narrow = match enter.room {
            Room::Reject(m) => m.saturating_add(u64::from(enter.consumers)) < u64::from(population),
            Room::Unbounded | Room::Block(_) => false,
        };
        let at_once = narrow && self.think_mean == 0.0;
        !(blocks(enter) || at_once || self.stations.iter().enumerate().any(own))
    }

    fn start(&self, population: u16) -> State {
        let mut shop = Shop {
            thinking: population,
            present: vec![0; self.stations.len()],
            lines: vec![Vec::new(); self.stations.len()],
            held: vec![0; self.stations.len()],
        };
        if self.think_mean == 0.0 {
            shop.thinking = 0;
            shop.present[self.enter] = population;
        }
        self.pack(&shop)
    }

    fn pack(&self, shop: &Shop) -> State {
        let mut state = Vec::with_capacity(1 + 2 * self.stations.len());
        state.push(shop.thinking);
        state.extend(&shop.present);
        for line in &shop.lines {
            state.push(line.len() as u16);
            state.extend(line);
        }
        state
    }

    fn unpack(&self, state: &State) -> Shop {
        let m = self.stations.len();
        let mut shop = Shop {
            thinking: state[0],
            present: state[1..=m].to_vec(),
            lines: Vec::with_capacity(m),
            held: vec![0; m],
        };
        let mut rest = state[m + 1..].iter().copied();
        for _ in 0..m {
            let length = rest.next().unwrap_or(0) as usize;
            let line: Vec<u16> = rest.by_ref().take(length).collect();
            line.iter().for_each(|from| shop.held[*from as usize] += 1);
            shop.lines.push(line);
        }
        shop
    }

    fn consumers(&self, station: usize) -> u16 {
        u16::try_from(self.stations[station].consumers).unwrap_or(u16::MAX)
    }

    fn serving(&self, shop: &Shop, station: usize) -> u16 {
        let free = self.consumers(station).saturating_sub(shop.held[station]);
        shop.present[station].min(free)
    }

    fn has_room(&self, shop: &Shop, station: usize) -> bool {
        let (Room::Reject(m) | Room::Block(m)) = self.stations[station].room else {
            return true;
        };
        let waiting = shop.present[station] - self.serving(shop, station);
        let busy = shop.present[station] + shop.held[station];
        busy < self.consumers(station) || u64::from(waiting) < m
    }

    /// All moves from a state, with rates and events.
    fn moves(&self, state: &State, mut out: impl FnMut(State, f64, &[Event])) {
        let shop = self.unpack(state);
        let mut events = Vec::new();
        if shop.thinking > 0 && self.think_mean > 0.0 {
            let mut next = shop.clone();
            next.thinking -= 1;
            self.arrive(&mut next, self.enter, &mut events);
            out(
                self.pack(&next),
                f64::from(shop.thinking) / self.think_mean,
                &events,
            );
        }
        for (i, station) in self.stations.iter().enumerate() {
            let rate = f64::from(self.serving(&shop, i)) * station.service_rate;
            if rate == 0.0 {
                continue;
            }
            let mut leaving = 1.0;
            for &(to, probability) in &station.next {
                leaving -= probability;
                events.clear();
                let mut next = shop.clone();
                next.present[i] -= 1;
                if matches!(self.stations[to].room, Room::Block(_)) && !self.has_room(&shop, to) {
                    next.held[i] += 1;
                    next.lines[to].push(i as u16);
                } else {
                    self.leave(&mut next, i, &mut events);
                    self.arrive(&mut next, to, &mut events);
                }
                out(self.pack(&next), rate * probability, &events);
            }
            if leaving > 1e-12 {
                events.clear();
                let mut next = shop.clone();
                next.present[i] -= 1;
                self.leave(&mut next, i, &mut events);
                self.think(&mut next, &mut events);
                out(self.pack(&next), rate * leaving, &events);
            }
        }
    }

    fn think(&self, shop: &mut Shop, events: &mut Vec<Event>) {
        if self.think_mean > 0.0 {
            shop.thinking += 1;
        } else {
            self.arrive(shop, self.enter, events);
        }
    }

    fn arrive(&self, shop: &mut Shop, at: usize, events: &mut Vec<Event>) {
        if !self.has_room(shop, at) {
            events.push(Event::Rejected(at));
            self.think(shop, events);
            return;
        }
        let delayed = shop.present[at] + shop.held[at] >= self.consumers(at);
        events.push(Event::Accepted { at, delayed });
        shop.present[at] += 1;
    }

    /// A place has become free at a station: the first blocked order comes in, and frees a place in
    /// its turn.
    fn leave(&self, shop: &mut Shop, station: usize, events: &mut Vec<Event>) {
        let mut open = vec![station];
        while let Some(at) = open.pop() {
            while !shop.lines[at].is_empty() && self.has_room(shop, at) {
                let from = shop.lines[at].remove(0) as usize;
                shop.held[from] -= 1;
                self.arrive(shop, at, events);
                open.push(from);
            }
        }
    }

    fn figures(&self, chain: &Steady) -> Vec<BoundedFigures> {
        let mut figures = vec![BoundedFigures::default(); self.stations.len()];
        for (state, &p) in chain.states.iter().zip(&chain.probabilities) {
            let shop = self.unpack(state);
            for (i, at) in figures.iter_mut().enumerate() {
                let serving = self.serving(&shop, i);
                at.serving += p * f64::from(serving);
                at.waiting += p * f64::from(shop.present[i] - serving);
                at.blocked += p * f64::from(shop.held[i]);
            }
            self.moves(state, |_, rate, events| {
                for event in events {
                    match *event {
                        Event::Rejected(at) => {
                            figures[at].offered += p * rate;
                            figures[at].rejected += p * rate;
                        }
                        Event::Accepted { at, delayed } => {
                            figures[at].offered += p * rate;
                            figures[at].accepted += p * rate;
                            figures[at].delayed += if delayed { p * rate } else { 0.0 };
                        }
                    }
                }
            });
        }
        figures
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::FiniteSource;
    use crate::theory::closed::{ProductForm, ProductStation};
    use approx::assert_relative_eq;

    fn station(rate: f64, consumers: u32, room: Room, next: &[(usize, f64)]) -> BoundedStation {
        BoundedStation {
            service_rate: rate,
            consumers,
            room,
            next: next.to_vec(),
        }
    }

    fn line(rooms: &[u64]) -> BoundedNetwork {
        let mut stations = vec![station(1.0, 1, Room::Unbounded, &[(1, 1.0)])];
        for (i, &room) in rooms.iter().enumerate() {
            let next = [(i + 2, 1.0)];
            let next = if i + 1 < rooms.len() { &next[..] } else { &[] };
            stations.push(station(1.0, 1, Room::Block(room), next));
        }
        BoundedNetwork::new(20, 0.0, 0, &stations).unwrap()
    }

    #[test]
    fn saturated_lines_as_published() {
        // Hunt 1956: (b + 2)/(b + 3); three stations by a sparse chain.
        assert_relative_eq!(line(&[1]).station(0).serving, 0.75, max_relative = 1e-12);
        let three = line(&[1, 1]);
        assert_relative_eq!(
            three.station(2).serving,
            0.6704661583209,
            max_relative = 1e-11
        );
        let three = line(&[2, 2]);
        assert_relative_eq!(
            three.station(1).accepted,
            0.7340166721398,
            max_relative = 1e-11
        );
    }

    #[test]
    fn without_bounds_it_is_the_product_form() {
        let stations = [
            station(2.0, 2, Room::Unbounded, &[(1, 0.6), (0, 0.1)]),
            station(1.0, 1, Room::Unbounded, &[]),
        ];
        let network = BoundedNetwork::new(7, 3.0, 0, &stations).unwrap();
        let visits = 1.0 / 0.9;
        let product = |demand, consumers| ProductStation {
            demands: vec![demand],
            consumers: Some(consumers),
            open_load: 0.0,
        };
        let exact = [product(0.5 * visits, 2), product(0.6 * visits, 1)];
        let exact = ProductForm::new(&[7], &[3.0], &exact).unwrap();
        for i in 0..2 {
            let at = network.station(i);
            assert_relative_eq!(at.waiting, exact.number_waiting(i, 0), max_relative = 1e-11);
            assert_relative_eq!(
                at.delayed / at.accepted,
                exact.wait_probability(i, 0),
                max_relative = 1e-11
            );
            assert_eq!(at.blocked, 0.0);
        }
    }

    #[test]
    fn rejection_at_one_station_is_the_finite_source() {
        let stations = [station(0.5, 3, Room::Reject(2), &[])];
        let network = BoundedNetwork::new(12, 10.0, 0, &stations).unwrap();
        let exact = FiniteSource::new(12, 10.0, 0.5, 3, Some(2)).unwrap();
        let at = network.station(0);
        let lost = 1.0 - at.accepted / at.offered;
        assert_relative_eq!(lost, exact.loss_probability(), max_relative = 1e-11);
        assert_relative_eq!(at.waiting, exact.queue_length(), max_relative = 1e-11);
    }

    #[test]
    fn blocking_spreads_backwards_and_loses_nobody() {
        let stations = [
            station(2.0, 2, Room::Unbounded, &[(1, 0.5), (2, 0.5)]),
            station(1.5, 1, Room::Block(1), &[(2, 1.0)]),
            station(1.0, 1, Room::Block(0), &[]),
        ];
        let network = BoundedNetwork::new(9, 1.0, 0, &stations).unwrap();
        let inside: f64 = (0..3)
            .map(|i| network.station(i))
            .map(|at| at.serving + at.waiting + at.blocked)
            .sum();
        let rate = network.station(2).serving;
        assert_relative_eq!(inside + rate, 9.0, max_relative = 1e-12);
        assert_relative_eq!(network.station(0).accepted, rate, max_relative = 1e-12);
        assert!(network.station(0).blocked > network.station(1).blocked);
    }

    #[test]
    fn what_can_lock_up_is_refused() {
        let stations = [
            station(1.0, 1, Room::Unbounded, &[(1, 1.0)]),
            station(1.0, 1, Room::Block(0), &[(2, 1.0)]),
            station(1.0, 1, Room::Block(0), &[(1, 0.5)]),
        ];
        assert!(BoundedNetwork::new(5, 1.0, 0, &stations).is_err());
    }
}
