//! Up to sixteen consumers: the recursion of Kiefer and Wolfowitz (Trans. AMS 78, 1955) on the sorted
//! times at which they fall free. An order takes the consumer that is free first; the time at which
//! its service ends is put back in its place.
//!
//! The times move by minima and maxima alone, without a branch to mispredict, and who is in service
//! stays where it is: only its number moves, four bits in a word, beside the time.

use super::begin::{begin, begin_plain};
use super::servers::{Serve, Yield};
use super::traveller::{Tag, Traveller};

/// When a consumer falls free that has no order.
const IDLE: f64 = 0.0;
/// When a consumer falls free that does not exist.
const NEVER: f64 = f64::INFINITY;

/// At most `W` ≤ 16 consumers.
#[derive(Debug)]
pub(super) struct Few<const W: usize, T> {
    /// When each falls free, the earliest first.
    free: [f64; W],
    /// The place in `serving` of each, four bits a consumer, the earliest in the lowest.
    places: u64,
    /// Who is in service, with the time of coming.
    serving: [Traveller<T>; W],
}

impl<const W: usize, T: Tag> Few<W, T> {
    pub(super) fn new(consumers: usize) -> Self {
        Few {
            free: std::array::from_fn(|i| if i < consumers { IDLE } else { NEVER }),
            places: (0..16).rev().fold(0, |places, place| places << 4 | place),
            serving: [Traveller::entering(0.0, T::new(0, 0)); W],
        }
    }

    fn place(&self, consumer: usize) -> usize {
        (self.places >> (4 * consumer)) as usize % W
    }
}

impl<const W: usize, T: Tag> Serve<T> for Few<W, T> {
    #[inline(always)]
    fn serve_plain(
        &mut self,
        orders: &[Traveller<T>],
        services: &[f64],
        horizon: f64,
        out: &mut Yield<T>,
    ) {
        let (mut free, mut places) = (self.free, self.places);
        let mut since_begun = 0.0;
        let (mut begun, mut left) = (0, 0);
        let (waits, leavers, sojourns) = out.room();
        for ((order, &service), wait) in orders.iter().zip(services).zip(waits) {
            let first = free[0];
            let now = begin_plain(order.time, first, service);
            if (first > horizon) | now.is_near_tie() {
                break;
            }
            *wait = now.waiting;
            since_begun += horizon - now.began;
            begun += 1;
            // Who had the consumer before leaves now; nobody if it was idle, and what is written then
            // is written over.
            let place = places as usize % W;
            let leaver = self.serving[place];
            leavers[left] = leaver.at(first);
            sojourns[left] = first - leaver.time;
            left += usize::from(first > IDLE);
            self.serving[place] = order.served(now.waiting, service);
            let passed = replace_first(&mut free, now.ends);
            places = rotate(places, passed);
        }
        (self.free, self.places) = (free, places);
        out.filled(begun, since_begun, left);
    }

    fn serve_next(
        &mut self,
        order: &Traveller<T>,
        service: f64,
        horizon: f64,
        out: &mut Yield<T>,
    ) -> bool {
        let first = self.free[0];
        if first > horizon {
            return false;
        }
        let now = begin(order.time, first, service);
        out.begin(now.waiting, horizon - now.began);
        let place = self.place(0);
        if first > IDLE {
            out.leave(self.serving[place], first);
        }
        self.serving[place] = order.served(now.waiting, service);
        let passed = replace_first(&mut self.free, now.ends);
        self.places = rotate(self.places, passed);
        true
    }

    fn release(&mut self, horizon: f64, out: &mut Yield<T>) {
        for consumer in 0..W {
            let free = self.free[consumer];
            if free > horizon {
                return;
            }
            if free > IDLE {
                out.leave(self.serving[self.place(consumer)], free);
                self.free[consumer] = IDLE;
            }
        }
    }

    fn in_service(&self) -> impl Iterator<Item = &Traveller<T>> {
        let busy = |consumer: &usize| self.free[*consumer] > IDLE && self.free[*consumer] < NEVER;
        (0..W)
            .filter(busy)
            .map(|consumer| &self.serving[self.place(consumer)])
    }
}

/// Replaces the first of sorted times by one that is not earlier, and sorts again. Says which of the
/// others are not later than the new one: all bits of their places, counted from the second's.
#[inline(always)]
fn replace_first<const W: usize>(times: &mut [f64; W], time: f64) -> u64 {
    let next: [f64; W] = std::array::from_fn(|i| if i + 1 < W { times[i + 1] } else { NEVER });
    let before: [f64; W] = std::array::from_fn(|i| if i > 0 { times[i] } else { IDLE });
    let mut passed = 0;
    for (i, next) in next.iter().enumerate() {
        passed |= if *next <= time { 15 << (4 * i) } else { 0 };
    }
    for ((moved, next), before) in times.iter_mut().zip(next).zip(before) {
        let upto = if next < time { next } else { time };
        *moved = if upto > before { upto } else { before };
    }
    passed
}

/// Moves the lowest four bits up past those that are `passed`, and these down.
#[inline(always)]
fn rotate(places: u64, passed: u64) -> u64 {
    let rest = places >> 4;
    (rest & passed) | ((places & 15).wrapping_mul(passed.wrapping_add(1))) | ((rest & !passed) << 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_first_goes_behind_those_that_are_not_later(
            mut times in prop::collection::vec(0..20u32, 8), late in 0..20u32,
        ) {
            times.sort_unstable();
            let time = f64::from(times[0].max(late));
            let mut sorted: [f64; 8] = std::array::from_fn(|i| f64::from(times[i]));
            let rest = sorted[1..].to_vec();
            let passed = replace_first(&mut sorted, time);
            let earlier = passed.count_ones() as usize / 4;
            let mut expected = rest.clone();
            expected.insert(rest.partition_point(|t| *t <= time), time);
            prop_assert_eq!(sorted.to_vec(), expected);
            prop_assert_eq!(earlier, rest.partition_point(|t| *t <= time));
            let before = 0x8765_4321_u64;
            let mut places: Vec<u64> = (0..8).map(|i| before >> (4 * i) & 15).collect();
            let first = places.remove(0);
            places.insert(earlier, first);
            let word = places.iter().rev().fold(0, |word, place| word << 4 | place);
            prop_assert_eq!(rotate(before, passed), word);
        }
    }
}
