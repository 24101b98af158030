//! Up to sixteen consumers: the recursion of Kiefer and Wolfowitz (Trans. AMS 78, 1955) on the sorted
//! times at which they fall free. An order takes the consumer that is free first; the time at which
//! its service ends is put back in its place.
//!
//! The times move by minima and maxima alone, without a branch to mispredict, and who is in service
//! stays where it is: only the number of its place moves, four bits in a word, beside the time.

use super::servers::{Serve, Yield};
#[cfg(target_arch = "x86_64")]
use super::sorted_times::Wide;
use super::sorted_times::{Plain, SortedTimes};
use super::sums::Sums;
use super::traveller::{Comes, Tag, Traveller};
use crate::sim::begin::{begin, begin_plain};
#[cfg(target_arch = "x86_64")]
use crate::simd::{Kernel, avx2};

/// When a consumer falls free that has no order.
const IDLE: f64 = 0.0;
/// When a consumer falls free that does not exist.
const NEVER: f64 = f64::INFINITY;

/// At most `4 N` ≤ 16 consumers.
#[derive(Debug)]
pub(super) struct Few<const N: usize, T> {
    /// When each falls free, the earliest first.
    free: [[f64; 4]; N],
    places: Places,
    /// Who is in service, by place, with the time of coming.
    serving: [[Traveller<T>; 4]; N],
}

/// The places in `serving` of the consumers, the earliest in the lowest four bits.
#[derive(Debug, Clone, Copy)]
struct Places(u64);

impl Places {
    fn of(self, consumer: usize) -> usize {
        (self.0 >> (4 * consumer)) as usize % 16
    }

    /// The first one moves behind so many others, which move up.
    #[inline(always)]
    fn first_behind(self, others: u32) -> Places {
        let shift = 4 * others;
        let passed = (1 << shift) - 1;
        let rest = self.0 >> 4;
        Places((rest & passed) | ((self.0 & 15) << shift) | ((rest & !passed) << 4))
    }
}

impl<const N: usize, T: Tag> Few<N, T> {
    pub(super) fn new(consumers: usize) -> Self {
        let free = |consumer| if consumer < consumers { IDLE } else { NEVER };
        Few {
            free: std::array::from_fn(|i| std::array::from_fn(|lane| free(4 * i + lane))),
            places: Places((0..16).rev().fold(0, |places, place| places << 4 | place)),
            serving: [[Traveller::entering(0.0, T::new(0, 0)); 4]; N],
        }
    }
}

/// Services one after the other, until one has to wait beyond the horizon or begins in a near tie.
struct Serving<'a, const N: usize, T, X, S> {
    free: S,
    places: &'a mut Places,
    serving: &'a mut [[Traveller<T>; 4]; N],
    orders: &'a [X],
    services: &'a [f64],
    out: &'a mut Yield<T>,
}

impl<const N: usize, T: Tag, X: Comes<T>, S: SortedTimes> Serving<'_, N, T, X, S> {
    /// When the consumers fall free afterwards.
    #[inline(always)]
    fn run(self) -> S {
        let (mut free, mut places, horizon) = (self.free, *self.places, self.out.horizon());
        let serving = self.serving.as_flattened_mut();
        let mut since_begun = 0.0;
        let (mut begun, mut left) = (0, 0);
        let (waits, leavers, sojourns) = self.out.room();
        for ((order, &service), wait) in self.orders.iter().zip(self.services).zip(waits) {
            let first = free.first();
            let now = begin_plain(order.time(), first, service);
            if (first > horizon) | now.is_near_tie() {
                break;
            }
            *wait = now.waiting;
            since_begun += horizon - now.began;
            begun += 1;
            // Who had the consumer before leaves now; nobody if it was idle, and what is written then
            // is written over.
            let place = places.of(0) % (4 * N);
            let leaver = serving[place];
            leavers[left] = leaver.at(first);
            sojourns[left] = first - leaver.time;
            left += usize::from(first > IDLE);
            serving[place] = order.order().served(now.waiting, service);
            places = places.first_behind(free.replace_first(now.ends));
        }
        *self.places = places;
        let sums = Sums::over(&leavers[..left], horizon);
        self.out.filled(begun, since_begun, left, sums);
        free
    }
}

#[cfg(target_arch = "x86_64")]
impl<const N: usize, T: Tag, X: Comes<T>> Kernel for Serving<'_, N, T, X, Wide<N>> {
    type Output = [[f64; 4]; N];

    #[inline(always)]
    fn call(self) -> Self::Output {
        self.run().times()
    }
}

impl<const N: usize, T: Tag> Serve<T> for Few<N, T> {
    fn serve_plain<X: Comes<T>>(&mut self, orders: &[X], services: &[f64], out: &mut Yield<T>) {
        let (places, serving) = (&mut self.places, &mut self.serving);
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = avx2() {
            let free = Wide::new(simd, self.free);
            self.free = simd.vectorize(Serving {
                free,
                places,
                serving,
                orders,
                services,
                out,
            });
            return;
        }
        let plain = Serving {
            free: Plain(self.free),
            places,
            serving,
            orders,
            services,
            out,
        };
        self.free = plain.run().0;
    }

    fn serve_next(&mut self, order: Traveller<T>, service: f64, out: &mut Yield<T>) -> bool {
        let first = self.free[0][0];
        if first > out.horizon() {
            return false;
        }
        let now = begin(order.time, first, service);
        out.begin(&now);
        let serving = self.serving.as_flattened_mut();
        let place = self.places.of(0);
        if first > IDLE {
            out.leave(serving[place], first);
        }
        serving[place] = order.served(now.waiting, service);
        let mut free = Plain(self.free);
        self.places = self.places.first_behind(free.replace_first(now.ends));
        self.free = free.0;
        true
    }

    fn release(&mut self, out: &mut Yield<T>) {
        for (consumer, free) in self.free.as_flattened_mut().iter_mut().enumerate() {
            if *free > out.horizon() {
                return;
            }
            if *free > IDLE {
                let place = self.places.of(consumer);
                out.leave(self.serving.as_flattened()[place], *free);
                *free = IDLE;
            }
        }
    }

    fn in_service(&self) -> impl Iterator<Item = &Traveller<T>> {
        let free = self.free.as_flattened().iter().enumerate();
        let busy = free.filter(|(_, free)| **free > IDLE && **free < NEVER);
        busy.map(|(consumer, _)| &self.serving.as_flattened()[self.places.of(consumer)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_move_up_as_the_first_goes_behind() {
        let before = Places(0x8765_4321);
        let behind = [0x8765_4321, 0x8765_4312, 0x8765_4132];
        for (others, word) in behind.into_iter().enumerate() {
            assert_eq!(before.first_behind(others as u32).0, word);
        }
        assert_eq!(before.first_behind(7).0, 0x1876_5432);
        let all = Places(0xFEDC_BA98_7654_3210);
        assert_eq!(all.first_behind(15).0, 0x0FED_CBA9_8765_4321);
    }
}
