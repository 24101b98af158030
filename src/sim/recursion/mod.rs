//! The recursion engine: first in, first out through stages that never send an order back, at a
//! fraction of the cost of events.
//!
//! Where orders are served in the order of coming, none is lost and none comes back, nothing that
//! happens downstream matters upstream, and no calendar is needed: each stage turns the sequence of
//! orders that come into the sequence of orders that leave, by the recursion of Lindley (one
//! consumer) or of Kiefer and Wolfowitz (several).
//!
//! | file | what it holds |
//! | --- | --- |
//! | `traveller` | an order between and in the stages |
//! | `entrance` | the producers' next orders, drawn many at a time |
//! | `stage` | a stage: who has come, who has been served, where orders go |
//! | `counting` | what is counted, from whole lists of orders |
//! | `servers`, `one`, `few`, `many` | its consumers, in the form that suits their number |
//! | `sums` | sums over orders |
//! | `sorted_times` | when a few consumers fall free |
//! | `course` | which networks this is good for, and in which order their stages are gone through |
//!
//! Virtual time passes in windows of some hundred orders from outside, none beyond the next instant at
//! which something is written down. In a window the stages are gone through from the entrances on; each
//! does all that happens to it up to the window's end and hands on who leaves by then. So at the end of
//! every window every stage is in the very state in which the event engine would be then, and everything
//! that is counted is counted up to then. Orders leave each stage at the same times to the last bit:
//! both engines draw from the same streams in the same order and begin services by the same rule.
//!
//! Time integrals are summed up from the times of coming and leaving, not from the orders' stays, so
//! that Little's law is still a check.

mod counting;
mod course;
mod entrance;
mod few;
mod many;
mod one;
mod servers;
mod sorted_times;
mod stage;
mod sums;
mod traveller;

use super::earliest::Earliest;
use super::engine::{Finished, Observer, Reached};
use super::outcome::Outcome;
use super::replication::Machine;
use super::timeline::Slice;
use crate::network::{Network, Target};
use counting::Counting;
pub use course::Obstacle;
use course::Stop;
pub(super) use course::{Course, course};
use entrance::Entrance;
use servers::Yield;
use stage::Stage;
use sums::Sums;
pub(super) use traveller::{Anonymous, Numbered};
use traveller::{Tag, Traveller};

/// Orders from outside in a window: enough for the work around a window not to count, few enough for
/// them to stay in the first-level cache.
const WINDOW: usize = 768;

/// The whole state of one replication.
#[derive(Debug)]
pub(super) struct Recursion<'n, T, O> {
    course: &'n Course,
    now: f64,
    entrances: Vec<Entrance>,
    /// When the next order of each comes; among equals the producer that stands first in the file.
    next: Earliest,
    /// In the order of the course.
    stages: Vec<Stage<T>>,
    counting: Counting<'n, O>,
    out: Yield<T>,
    /// The number of orders to let in before stopping.
    target: u64,
}

impl<'n, T: Tag, O: Observer> Recursion<'n, T, O> {
    pub(super) fn new(
        network: &'n Network,
        course: &'n Course,
        replication: u64,
        target: u64,
        observer: O,
    ) -> Self {
        let producers = &network.producers;
        let entrance = |producer| Entrance::new(network.seed, producer, replication);
        let stage = |at: &Stop| Stage::new(network, at, replication);
        let entrances: Vec<Entrance> = producers.iter().map(entrance).collect();
        let mut next = Earliest::new(entrances.len());
        for (producer, entrance) in entrances.iter().enumerate() {
            next.set(producer, entrance.next_time());
        }
        Recursion {
            course,
            now: 0.0,
            entrances,
            next,
            stages: course.stops().iter().map(stage).collect(),
            counting: Counting::new(network, observer),
            out: Yield::new(),
            target,
        }
    }

    /// Lets in a window's orders from outside. Says when the window ends, and why the run does if so.
    fn gather(&mut self, end: f64) -> (f64, Option<Reached>) {
        let most = (self.target - self.counting.books.entered).min(WINDOW as u64) as usize;
        let last = match self.entrances.len() {
            1 => self.gather_from_one(end, most),
            _ => self.gather_from_several(end, most),
        };
        let next = self.next.first().0;
        if next > end {
            (end, Some(Reached::Time))
        } else if most == 0 {
            // One more would come now: the run ends just before it.
            (next, Some(Reached::Orders))
        } else {
            (last, None)
        }
    }

    /// Lets in at most so many orders of the only producer until `end`; says when the last came.
    fn gather_from_one(&mut self, end: f64, most: usize) -> f64 {
        let entrance = &mut self.entrances[0];
        let times = entrance.ahead(most, end);
        let first = self.counting.books.entered;
        self.stages[self.course.entrance(0)].enter(times, first);
        self.counting.enter(times);
        let (count, last) = (times.len(), times.last().copied());
        self.let_in(0, count);
        last.unwrap_or(self.now)
    }

    /// The same of several producers, in the order of time, at the same time in that of the file.
    fn gather_from_several(&mut self, end: f64, most: usize) -> f64 {
        let mut last = self.now;
        for _ in 0..most {
            let (time, producer) = self.next.first();
            if time > end {
                break;
            }
            let number = self.counting.books.entered;
            let order = Traveller::entering(time, T::new(number, producer));
            self.stages[self.course.entrance(producer)]
                .door_from_outside()
                .push(order);
            self.counting.enter(&[time]);
            self.let_in(producer, 1);
            last = time;
        }
        last
    }

    /// So many orders of a producer have come in.
    fn let_in(&mut self, producer: usize, count: usize) {
        self.entrances[producer].take(count);
        self.next
            .set(producer, self.entrances[producer].next_time());
    }

    /// Goes through all stages up to the end of the window.
    fn pass(&mut self, horizon: f64) {
        for at in 0..self.stages.len() {
            let (upto, after) = self.stages.split_at_mut(at + 1);
            let mut passing = Passing {
                stop: &self.course.stops()[at],
                stage: &mut upto[at],
                after,
                counting: &mut self.counting,
                horizon,
            };
            passing.pass(&mut self.out);
        }
        self.counting.close(horizon);
        self.now = horizon;
    }
}

impl<T: Tag, O: Observer> Machine<O> for Recursion<'_, T, O> {
    fn advance(&mut self, end: f64) -> Option<Reached> {
        let (horizon, reached) = self.gather(end);
        self.pass(horizon);
        reached
    }

    fn entered(&self) -> u64 {
        self.counting.books.entered
    }

    fn restart(&mut self) {
        self.counting.books.restart(self.now);
    }

    fn counts(&mut self) -> Vec<Slice> {
        self.counting.books.counts(self.now)
    }

    fn ages(&self) -> Vec<f64> {
        let mut ages = vec![0.0; self.counting.books.lanes.len()];
        for (stop, stage) in self.course.stops().iter().zip(&self.stages) {
            stage.present(|order| {
                let class = self.counting.class_of(order) as usize;
                ages[self.counting.books.lane(stop.id, class)] += self.now - order.time;
            });
        }
        ages
    }

    fn now(&self) -> f64 {
        self.now
    }

    fn exhausted(&self) -> bool {
        self.next.first().0 == f64::INFINITY && self.counting.books.nobody_present()
    }

    fn finish(mut self) -> Finished<O> {
        for stage in &self.stages {
            stage.present(|order| self.counting.remain(order, self.now));
        }
        self.counting.finish(self.now)
    }
}

/// A stage in a window.
struct Passing<'a, 'n, T, O> {
    stop: &'a Stop,
    stage: &'a mut Stage<T>,
    /// The stages after it in the course.
    after: &'a mut [Stage<T>],
    counting: &'a mut Counting<'n, O>,
    horizon: f64,
}

impl<T: Tag, O: Observer> Passing<'_, '_, T, O> {
    fn pass(&mut self, out: &mut Yield<T>) {
        let counting = &mut *self.counting;
        let came = self.stage.line_up(|order| counting.class_of(order));
        counting.arrive(self.stop, came, self.horizon);
        while let Some((orders, services)) = self.stage.serve(self.horizon, out) {
            self.counting
                .begin(self.stop.id, orders, services, out, self.horizon);
            self.hand_on(out);
        }
        loop {
            self.stage.release(self.horizon, out);
            if out.leavers().is_empty() {
                break;
            }
            self.hand_on(out);
        }
        self.stage.tidy();
    }

    /// Those who leave the stage go where they go next.
    fn hand_on(&mut self, out: &Yield<T>) {
        self.counting.depart(self.stop.id, out, self.horizon);
        let leavers = out.leavers();
        if let Some(target) = self.stage.chance.only_route() {
            return self.send(leavers, out.sums(), target);
        }
        for leaver in leavers {
            let class = self.counting.class_of(leaver);
            let target = self.stage.chance.draw_route(class);
            let sums = Sums::of(leaver, self.horizon);
            self.send(std::slice::from_ref(leaver), sums, target);
        }
    }

    fn send(&mut self, orders: &[Traveller<T>], sums: Sums, target: Target) {
        let outcome = match target {
            Target::Stage(next) => {
                let (next, inflow) = self.stop.way_to(next);
                return self.after[next].receive(inflow, orders);
            }
            Target::Completed => Outcome::Completed,
            Target::Cancelled => Outcome::Cancelled,
        };
        self.counting.leave(orders, outcome, sums);
    }
}
