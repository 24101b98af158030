//! Sums over orders and times, in partial sums that do not wait for one another.

use super::traveller::{Tag, Traveller};

/// Sums over orders.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    /// Seconds from each one's time to the horizon.
    pub before: f64,
    pub waited: f64,
    pub processed: f64,
}

impl Sums {
    /// Over one order.
    #[inline(always)]
    pub(super) fn of<T: Tag>(order: &Traveller<T>, horizon: f64) -> Sums {
        Sums {
            before: horizon - order.time,
            waited: order.waited,
            processed: order.processed,
        }
    }

    /// Over all of these.
    #[inline(always)]
    pub(super) fn over<T: Tag>(orders: &[Traveller<T>], horizon: f64) -> Sums {
        let (fours, rest) = orders.as_chunks::<4>();
        let mut sums = [Sums::default(); 4];
        for four in fours {
            for (sum, order) in sums.iter_mut().zip(four) {
                sum.add(Sums::of(order, horizon));
            }
        }
        rest.iter()
            .for_each(|order| sums[0].add(Sums::of(order, horizon)));
        let [mut all, others @ ..] = sums;
        others.into_iter().for_each(|sum| all.add(sum));
        all
    }

    #[inline(always)]
    pub(super) fn add(&mut self, other: Sums) {
        self.before += other.before;
        self.waited += other.waited;
        self.processed += other.processed;
    }

    /// Undoes [`Sums::add`], to rounding.
    #[inline(always)]
    pub(super) fn take_back(&mut self, other: Sums) {
        self.before -= other.before;
        self.waited -= other.waited;
        self.processed -= other.processed;
    }
}

/// The sum of what `value` says of each thing.
#[inline(always)]
pub(super) fn total<X>(things: &[X], value: impl Fn(&X) -> f64) -> f64 {
    let (fours, rest) = things.as_chunks::<4>();
    let mut sums = [0.0; 4];
    for four in fours {
        for (sum, thing) in sums.iter_mut().zip(four) {
            *sum += value(thing);
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest.iter().map(value).sum::<f64>()
}
