//! A ladder of one rung: the fastest for hundreds of pending events and more.
//!
//! After the ladder queue of Tang, Goh and Thng (2005), made simpler and safer. Three regions follow
//! one another in time:
//!
//! - the *front*: a sorted run, taken from its end, and beside it a heap for what is pushed into the
//!   run's span afterwards;
//! - the *rung*: buckets of equal width, each an unsorted list, sorted when its turn comes to be the run;
//! - *beyond*: all that is later than the rung, unsorted, spread over a new rung when the rung is
//!   used up.
//!
//! The width of a bucket follows the pace at which events were taken during the last rung, and spans
//! at least half of what is beyond, so that neither heavy tails nor clusters make the rung useless.
//! Whatever comes, the worst is to sort, and the heap: the cost never grows faster than log n.

use super::heap::Heap;
use super::key::Key;
use super::sorted::Sorted;

/// Events that a bucket should hold when its turn comes.
const PER_BUCKET: f64 = 8.0;
/// Fewest buckets of a rung.
const FEWEST_BUCKETS: usize = 16;
/// Times looked at to find their median.
const SAMPLE: usize = 63;
/// A run up to this length takes insertions itself.
const SHORT_RUN: usize = 24;
/// The end of a list.
const NONE: u32 = u32::MAX;

/// Keys in three regions of time.
#[derive(Debug)]
pub(super) struct Ladder {
    run: Sorted,
    side: Heap,
    rung: Rung,
    beyond: Vec<Key>,
    /// From here on is beyond.
    end: f64,
    len: usize,
    pace: Pace,
}

/// How fast events are taken.
#[derive(Debug, Default)]
struct Pace {
    /// When the rung was built.
    since: f64,
    /// Events taken since then.
    taken: u64,
    /// When the last of them was.
    now: f64,
}

impl Ladder {
    /// A ladder that holds `keys`, which come in any order.
    pub(super) fn new(beyond: Vec<Key>) -> Ladder {
        let mut ladder = Ladder {
            run: Sorted::default(),
            side: Heap::default(),
            rung: Rung::default(),
            end: f64::NEG_INFINITY,
            len: beyond.len(),
            beyond,
            pace: Pace::default(),
        };
        ladder.refill();
        ladder
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(super) fn next_time(&self) -> f64 {
        let time = |key: Option<Key>| key.map_or(f64::INFINITY, Key::time);
        time(self.run.earliest()).min(time(self.side.earliest()))
    }

    #[inline(never)]
    pub(super) fn push(&mut self, key: Key) {
        self.len += 1;
        if key.time() >= self.end {
            self.beyond.push(key);
        } else if let Some(late) = self.rung.push(key) {
            self.push_to_front(late);
        }
        if self.front_is_empty() {
            self.refill();
        }
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<Key> {
        let key = match (self.run.earliest(), self.side.earliest()) {
            (_, None) => self.run.pop()?,
            (Some(first), Some(other)) if first < other => self.run.pop()?,
            _ => self.side.pop()?,
        };
        self.len -= 1;
        self.pace.taken += 1;
        self.pace.now = key.time();
        if self.front_is_empty() {
            self.refill();
        }
        Some(key)
    }

    #[inline]
    fn front_is_empty(&self) -> bool {
        self.run.is_empty() && self.side.is_empty()
    }

    #[inline]
    fn push_to_front(&mut self, key: Key) {
        if self.run.len() < SHORT_RUN {
            self.run.insert(key);
        } else {
            self.side.push(key);
        }
    }

    /// The next bucket becomes the run.
    #[inline(never)]
    fn refill(&mut self) {
        while self.run.is_empty() {
            if self.rung.take_bucket(&mut self.run) {
                self.run.sort();
            } else if self.beyond.is_empty() {
                return;
            } else {
                self.build();
            }
        }
    }

    /// A new rung from what is beyond.
    fn build(&mut self) {
        let (first, median) = first_and_median(&self.beyond);
        let buckets = self.beyond.len().max(FEWEST_BUCKETS);
        let width =
            (PER_BUCKET * self.pace.mean_gap()).max(2.0 * (median - first) / buckets as f64);
        self.pace.restart();
        let end = first + width * buckets as f64;
        if !self.rung.restart(first, width, buckets) || end <= first {
            self.sort_all();
            return;
        }
        self.end = end;
        let rung = &mut self.rung;
        self.beyond.retain(|&key| {
            let beyond = key.time() >= end;
            if !beyond {
                let late = rung.push(key);
                debug_assert!(late.is_none(), "a new rung begins with the earliest");
            }
            beyond
        });
    }

    /// All that is beyond becomes the run: the times lie too close for buckets.
    fn sort_all(&mut self) {
        self.rung.close();
        self.beyond.drain(..).for_each(|key| self.run.append(key));
        self.run.sort();
        // What is pushed at the time of the last comes after it.
        self.end = self.run.latest().map_or(f64::NEG_INFINITY, Key::time);
    }

    /// All keys, in no order.
    pub(super) fn into_keys(mut self) -> Vec<Key> {
        let mut keys = self.beyond;
        keys.extend(self.run.drain());
        keys.extend(self.side.drain());
        while self.rung.take_bucket(&mut self.run) {
            keys.extend(self.run.drain());
        }
        keys
    }
}

impl Pace {
    /// Mean time between two events taken since the last call.
    fn mean_gap(&self) -> f64 {
        (self.now - self.since) / self.taken.max(1) as f64
    }

    fn restart(&mut self) {
        self.since = self.now;
        self.taken = 0;
    }
}

/// The earliest time, and about the median.
fn first_and_median(keys: &[Key]) -> (f64, f64) {
    let first = keys.iter().min().map_or(f64::INFINITY, |key| key.time());
    let looked_at = keys.len().min(SAMPLE);
    let mut sample = [f64::INFINITY; SAMPLE];
    for (index, time) in sample[..looked_at].iter_mut().enumerate() {
        *time = keys[index * keys.len() / looked_at].time();
    }
    let (_, median, _) = sample[..looked_at].select_nth_unstable_by(looked_at / 2, f64::total_cmp);
    (first, *median)
}

/// Buckets of equal width, as lists through a pool of nodes: nothing is allocated for an event once
/// the pool has grown.
#[derive(Debug, Default)]
struct Rung {
    /// The first node of every bucket.
    heads: Vec<u32>,
    /// The first bucket that has not had its turn.
    next: usize,
    start: f64,
    buckets_per_second: f64,
    /// Events in all buckets.
    len: usize,
    nodes: Vec<Node>,
    /// The first node that is free.
    free: u32,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    key: Key,
    next: u32,
}

impl Rung {
    /// Buckets anew, where there were none left. False if the width is too small to be told apart.
    fn restart(&mut self, start: f64, width: f64, buckets: usize) -> bool {
        debug_assert_eq!(self.len, 0, "events left in a rung");
        self.start = start;
        self.buckets_per_second = width.recip();
        self.next = 0;
        self.heads.clear();
        self.heads.resize(buckets, NONE);
        start + width > start && self.buckets_per_second.is_finite()
    }

    /// No buckets.
    fn close(&mut self) {
        self.heads.clear();
        self.next = 0;
    }

    /// Takes a key, or gives it back when the turn of its bucket is over.
    #[inline]
    fn push(&mut self, key: Key) -> Option<Key> {
        // Never decreases with time, whatever the rounding; before the start it is 0.
        let bucket = ((key.time() - self.start) * self.buckets_per_second) as usize;
        let bucket = bucket.min(self.heads.len().wrapping_sub(1));
        if bucket < self.next || self.heads.is_empty() {
            return Some(key);
        }
        let head = self.heads[bucket];
        self.heads[bucket] = self.keep(key, head);
        self.len += 1;
        None
    }

    #[inline]
    fn keep(&mut self, key: Key, next: u32) -> u32 {
        let place = self.free;
        match self.nodes.get_mut(place as usize) {
            Some(node) => {
                self.free = node.next;
                node.key = key;
                node.next = next;
                place
            }
            None => self.keep_at_end(Node { key, next }),
        }
    }

    #[cold]
    fn keep_at_end(&mut self, node: Node) -> u32 {
        let place = u32::try_from(self.nodes.len()).expect("fewer than 2^32 pending events");
        self.nodes.push(node);
        self.free = NONE;
        place
    }

    /// Moves the next bucket that holds anything to a run; false when there is none.
    fn take_bucket(&mut self, run: &mut Sorted) -> bool {
        if self.len == 0 {
            self.next = self.heads.len();
            return false;
        }
        while self.heads[self.next] == NONE {
            self.next += 1;
        }
        let mut place = std::mem::replace(&mut self.heads[self.next], NONE);
        self.next += 1;
        while place != NONE {
            let node = &mut self.nodes[place as usize];
            run.append(node.key);
            let following = node.next;
            node.next = self.free;
            self.free = place;
            place = following;
            self.len -= 1;
        }
        true
    }
}
