//! A heap of four children a node: whatever comes, no worse than logarithmic.

use super::key::Key;

/// Children of a node: those of one node fill a cache line.
const WIDTH: usize = 4;

/// Keys as a heap, the earliest first.
#[derive(Debug, Default)]
pub(super) struct Heap(Vec<Key>);

impl Heap {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[inline]
    pub(super) fn earliest(&self) -> Option<Key> {
        self.0.first().copied()
    }

    pub(super) fn push(&mut self, key: Key) {
        self.0.push(key);
        let keys = self.0.as_mut_slice();
        let mut place = keys.len() - 1;
        while place > 0 {
            let parent = (place - 1) / WIDTH;
            if keys[parent] < key {
                break;
            }
            keys[place] = keys[parent];
            place = parent;
        }
        keys[place] = key;
    }

    pub(super) fn pop(&mut self) -> Option<Key> {
        let last = self.0.pop()?;
        let keys = self.0.as_mut_slice();
        let Some(&earliest) = keys.first() else {
            return Some(last);
        };
        let mut place = 0;
        while let Some((child, key)) = earliest_child(keys, place) {
            if last < key {
                break;
            }
            keys[place] = key;
            place = child;
        }
        keys[place] = last;
        Some(earliest)
    }

    /// Takes out all keys, in no order.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Key> {
        self.0.drain(..)
    }
}

#[inline]
fn earliest_child(keys: &[Key], place: usize) -> Option<(usize, Key)> {
    let first = WIDTH * place + 1;
    let children = keys.get(first..)?;
    let children = &children[..children.len().min(WIDTH)];
    let mut earliest = (0, *children.first()?);
    for (child, &key) in children.iter().enumerate().skip(1) {
        // Written as a choice of values: which child it is cannot be foreseen.
        earliest = if key < earliest.1 {
            (child, key)
        } else {
            earliest
        };
    }
    Some((first + earliest.0, earliest.1))
}
