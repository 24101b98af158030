//! Pending events, earliest first: a sorted array while they are few, a ladder of buckets when they
//! are many.
//!
//! The hold model (take the earliest, push one at its time plus an exponential time), ns for both
//! together on one core at 2.6 GHz, with 1 MiB of second-level cache; the last two with 48 bytes of
//! payload, which std's heap holds inside (`benches/pending.rs`):
//!
//! | pending | sorted array | 4-ary heap | ladder | [`Calendar`] | [`Pending`] | `BinaryHeap` |
//! | --- | --- | --- | --- | --- | --- | --- |
//! | 10 | 13 | 20 | 25 | 14 | 18 | 27 |
//! | 30 | 25 | 25 | 26 | 21 | 25 | 41 |
//! | 100 | 60 | 27 | 25 | 26 | 29 | 46 |
//! | 1,000 | | 31 | 25 | 27 | 30 | 61 |
//! | 10,000 | | 45 | 27 | 29 | 36 | 96 |
//! | 100,000 | | 75 | 38 | 45 | 68 to 100 | 250 |
//! | 1,000,000 | | 380 | 160 | 165 | 290 | 1,240 |
//!
//! Heavy tails (Pareto of index 1.2) and few distinct times cost the same or less; clusters (nine
//! short times, then one a thousand times as long) up to 1.6 times as much. A heap alone is nowhere
//! faster by more than 2 ns, so it only helps the ladder out.

mod heap;
mod key;
mod ladder;
mod sorted;
#[cfg(test)]
mod tests;

use key::Key;
use ladder::Ladder;
use sorted::Sorted;

/// More pending events than this are too many for a sorted array.
const MANY: usize = 32;
/// Fewer than this go back into one.
const FEW: usize = 12;

/// Ids of pending events in their total order: by time, then by the sequence of the pushes.
///
/// ```
/// use orderline::sim::pending::Calendar;
/// let mut calendar = Calendar::default();
/// calendar.push(2.0, 7);
/// calendar.push(1.0, 8);
/// calendar.push(1.0, 9);
/// assert_eq!(calendar.next_time(), 1.0);
/// let ids: Vec<u32> = std::iter::from_fn(|| calendar.pop()).map(|(_, id)| id).collect();
/// assert_eq!(ids, [8, 9, 7]);
/// ```
#[derive(Debug, Default)]
pub struct Calendar {
    structure: Structure,
    /// The next push's.
    sequence: u32,
}

#[derive(Debug)]
enum Structure {
    Few(Sorted),
    Many(Box<Ladder>),
}

impl Calendar {
    /// Time of the earliest event; infinite when none is pending.
    #[inline]
    pub fn next_time(&self) -> f64 {
        match &self.structure {
            Structure::Few(keys) => keys.earliest().map_or(f64::INFINITY, Key::time),
            Structure::Many(keys) => keys.next_time(),
        }
    }

    /// Adds an event at `time`, which is neither negative nor NaN. It may lie before what has been
    /// taken out already.
    #[inline(always)]
    pub fn push(&mut self, time: f64, id: u32) {
        debug_assert!(time >= 0.0 && time.is_sign_positive(), "an event at {time}");
        if self.sequence == u32::MAX {
            self.renumber();
        }
        let key = Key::new(time, self.sequence, id);
        self.sequence += 1;
        match &mut self.structure {
            Structure::Few(keys) if keys.len() < MANY => keys.insert(key),
            Structure::Few(_) => self.grow(key),
            Structure::Many(keys) => keys.push(key),
        }
    }

    /// Takes the earliest event out: its time and id.
    #[inline]
    pub fn pop(&mut self) -> Option<(f64, u32)> {
        match &mut self.structure {
            Structure::Few(keys) => keys.pop().map(|key| (key.time(), key.id())),
            Structure::Many(_) => self.pop_of_many(),
        }
    }

    #[inline(never)]
    fn pop_of_many(&mut self) -> Option<(f64, u32)> {
        let Structure::Many(keys) = &mut self.structure else {
            return None;
        };
        let key = keys.pop()?;
        if keys.len() < FEW {
            self.shrink();
        }
        Some((key.time(), key.id()))
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, key: Key) {
        let mut keys = std::mem::take(&mut self.structure).into_keys();
        keys.push(key);
        self.structure = Structure::Many(Box::new(Ladder::new(keys)));
    }

    #[cold]
    #[inline(never)]
    fn shrink(&mut self) {
        let keys = std::mem::take(&mut self.structure).into_keys();
        self.structure = Structure::Few(Sorted::new(keys));
    }

    /// The sequence is used up: those pending are numbered anew from 0, in the same order.
    #[cold]
    #[inline(never)]
    fn renumber(&mut self) {
        let mut keys = std::mem::take(&mut self.structure).into_keys();
        keys.sort_unstable();
        self.sequence = 0;
        for key in &mut keys {
            *key = Key::new(key.time(), self.sequence, key.id());
            self.sequence += 1;
        }
        self.structure = if keys.len() <= MANY {
            Structure::Few(Sorted::new(keys))
        } else {
            Structure::Many(Box::new(Ladder::new(keys)))
        };
    }
}

impl Default for Structure {
    fn default() -> Self {
        Structure::Few(Sorted::default())
    }
}

impl Structure {
    /// All keys, in no order.
    fn into_keys(self) -> Vec<Key> {
        match self {
            Structure::Few(keys) => keys.into_keys(),
            Structure::Many(keys) => keys.into_keys(),
        }
    }
}

/// Pending events that carry something with them, in the same order as in a [`Calendar`].
///
/// The payloads stay where they were put and only their places are sorted, which is faster for 48
/// bytes from a dozen pending events on.
///
/// ```
/// use orderline::sim::pending::Pending;
/// let mut pending = Pending::default();
/// pending.push(2.0, "later");
/// pending.push(1.0, "soon");
/// assert_eq!(pending.pop(), Some((1.0, "soon")));
/// assert_eq!((pending.len(), pending.next_time()), (1, 2.0));
/// ```
#[derive(Debug)]
pub struct Pending<T> {
    calendar: Calendar,
    payloads: Vec<T>,
    /// Places of payloads that have been taken out.
    free: Vec<u32>,
}

impl<T> Default for Pending<T> {
    fn default() -> Self {
        Pending {
            calendar: Calendar::default(),
            payloads: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T: Copy> Pending<T> {
    /// How many events are pending.
    #[inline]
    pub fn len(&self) -> usize {
        self.payloads.len() - self.free.len()
    }

    /// Whether none is.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Time of the earliest event; infinite when none is pending.
    #[inline]
    pub fn next_time(&self) -> f64 {
        self.calendar.next_time()
    }

    /// What all pending events carry, in no order. For seldom use: it takes longer than it need.
    pub fn payloads(&self) -> impl Iterator<Item = &T> {
        let mut taken = vec![true; self.payloads.len()];
        self.free
            .iter()
            .for_each(|&place| taken[place as usize] = false);
        let places = self.payloads.iter().zip(taken);
        places
            .filter(|(_, taken)| *taken)
            .map(|(payload, _)| payload)
    }

    /// Adds an event at `time`, which is neither negative nor NaN.
    #[inline]
    pub fn push(&mut self, time: f64, payload: T) {
        let place = match self.free.pop() {
            Some(place) => {
                self.payloads[place as usize] = payload;
                place
            }
            None => {
                let place = u32::try_from(self.payloads.len());
                self.payloads.push(payload);
                place.expect("fewer than 2^32 pending events")
            }
        };
        self.calendar.push(time, place);
    }

    /// Takes the earliest event out: its time and what it carries.
    #[inline]
    pub fn pop(&mut self) -> Option<(f64, T)> {
        let (time, place) = self.calendar.pop()?;
        self.free.push(place);
        Some((time, self.payloads[place as usize]))
    }
}
