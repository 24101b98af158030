//! The producers' next orders, drawn many at a time.

use crate::network::Producer;
use crate::random::ArrivalStream;

/// Times drawn at once.
const BLOCK: usize = 768;

/// The next orders of one producer.
#[derive(Debug)]
pub(super) struct Entrance {
    stream: ArrivalStream,
    times: Box<[f64; BLOCK]>,
    next: usize,
    drawn: usize,
}

impl Entrance {
    pub(super) fn new(seed: u64, producer: &Producer, replication: u64) -> Entrance {
        let Producer { arrivals, name, .. } = producer;
        let mut entrance = Entrance {
            stream: ArrivalStream::new(arrivals, seed, replication, name),
            times: Box::new([0.0; BLOCK]),
            next: 0,
            drawn: 0,
        };
        entrance.refill();
        entrance
    }

    /// Time of the next order; infinite when there will be none.
    #[inline]
    pub(super) fn next_time(&self) -> f64 {
        if self.next < self.drawn {
            self.times[self.next]
        } else {
            f64::INFINITY
        }
    }

    /// The next times up to `end`, at most so many; perhaps fewer, but none only if there is none.
    pub(super) fn ahead(&self, most: usize, end: f64) -> &[f64] {
        let times = &self.times[self.next..self.drawn];
        let times = &times[..times.len().min(most)];
        match times.last() {
            Some(last) if *last > end => &times[..times.partition_point(|time| *time <= end)],
            _ => times,
        }
    }

    /// Takes so many of [`Entrance::ahead`].
    pub(super) fn take(&mut self, count: usize) {
        self.next += count;
        if self.next == self.drawn && count > 0 {
            self.refill();
        }
    }

    fn refill(&mut self) {
        self.next = 0;
        self.drawn = self.stream.fill(&mut self.times[..]);
    }
}
