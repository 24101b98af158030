//! A sorted array: the fastest for a few pending events.

use super::key::Key;

/// Up to here looking at all keys is faster than to guess wrong where to stop.
const TINY: usize = 12;
/// Up to here sorting by insertion is the fastest.
const SHORT: usize = 20;

/// Keys in descending order, so that the earliest is taken off the end.
#[derive(Debug, Default)]
pub(super) struct Sorted(Vec<Key>);

impl Sorted {
    /// Keys that come in any order.
    pub(super) fn new(keys: Vec<Key>) -> Sorted {
        let mut sorted = Sorted(keys);
        sorted.sort();
        sorted
    }

    /// All keys.
    pub(super) fn into_keys(self) -> Vec<Key> {
        self.0
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[inline]
    pub(super) fn earliest(&self) -> Option<Key> {
        self.0.last().copied()
    }

    #[inline]
    pub(super) fn latest(&self) -> Option<Key> {
        self.0.first().copied()
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<Key> {
        self.0.pop()
    }

    /// Adds a key whose sequence is later than all others'.
    #[inline]
    pub(super) fn insert(&mut self, key: Key) {
        self.0.push(key);
        if self.0.len() <= TINY {
            sink_without_jumps(&mut self.0);
        } else {
            sink(&mut self.0);
        }
    }

    /// Adds a key at the end, for [`Sorted::sort`] to put it in its place.
    #[inline]
    pub(super) fn append(&mut self, key: Key) {
        self.0.push(key);
    }

    /// Sorts all that was appended.
    #[inline]
    pub(super) fn sort(&mut self) {
        if self.0.len() > SHORT {
            self.0.sort_unstable_by(|a, b| b.cmp(a));
        } else {
            (2..=self.0.len()).for_each(|sorted| sink(&mut self.0[..sorted]));
        }
    }

    /// Takes out all keys, the latest first.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Key> {
        self.0.drain(..)
    }
}

/// Puts the last key in its place among the others, which are sorted.
#[inline]
fn sink(keys: &mut [Key]) {
    let Some((&key, others)) = keys.split_last() else {
        return;
    };
    let mut place = others.len();
    while place > 0 && keys[place - 1] < key {
        keys[place] = keys[place - 1];
        place -= 1;
    }
    keys[place] = key;
}

/// The same as [`sink`] for a key whose sequence is the latest, so that times alone decide. Each place
/// sees for itself what belongs there, with nothing that the processor would have to foresee.
#[inline]
fn sink_without_jumps(keys: &mut [Key]) {
    let Some((&key, _)) = keys.split_last() else {
        return;
    };
    for place in (1..keys.len()).rev() {
        let (before, here) = (keys[place - 1], keys[place]);
        let moved = Key::choose(before.is_later_than(key), key, before);
        keys[place] = Key::choose(here.is_later_than(key), here, moved);
    }
    let first = keys[0];
    keys[0] = Key::choose(first.is_later_than(key), first, key);
}
