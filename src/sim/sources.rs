//! The producers' next orders, kept outside the stages' calendars: each producer has exactly one.

use super::earliest::Earliest;
use crate::network::Network;
use crate::random::{ArrivalStream, Arrivals};

/// The next order of every producer.
#[derive(Debug)]
pub(super) struct Sources {
    streams: Vec<ArrivalStream>,
    /// When each process began, seconds.
    began: Vec<f64>,
    /// Among equals the producer that stands first in the file.
    next: Earliest,
    /// The first of them, kept at hand: most events are departures and leave it as it is.
    first: (f64, usize),
}

impl Sources {
    pub(super) fn new(network: &Network, replication: u64) -> Sources {
        let mut streams: Vec<ArrivalStream> = network
            .producers
            .iter()
            .map(|p| ArrivalStream::new(&p.arrivals, network.seed, replication, &p.name))
            .collect();
        let mut next = Earliest::new(streams.len());
        for (producer, stream) in streams.iter_mut().enumerate() {
            next.set(producer, time_of_next(stream));
        }
        let first = next.first();
        Sources {
            began: vec![0.0; streams.len()],
            streams,
            next,
            first,
        }
    }

    /// One producer that sends at these times, in ascending order.
    pub(super) fn at(times: Vec<f64>) -> Sources {
        let arrivals = Arrivals::Trace {
            times: times.into(),
            resolution: 0.0,
        };
        let mut sources = Sources {
            streams: vec![ArrivalStream::new(&arrivals, 0, 0, "")],
            began: vec![0.0],
            next: Earliest::new(1),
            first: (f64::INFINITY, 0),
        };
        sources.advance(0);
        sources
    }

    /// Time of the next order from outside, and which producer sends it; infinite when there will be
    /// none.
    #[inline]
    pub(super) fn next(&self) -> (f64, usize) {
        self.first
    }

    /// From `now` on a producer sends by another process, which began at `began`. What it would have
    /// sent before now it has not.
    pub(super) fn replace(&mut self, producer: usize, stream: ArrivalStream, began: f64, now: f64) {
        self.streams[producer] = stream;
        self.began[producer] = began;
        let next = |sources: &mut Sources| began + time_of_next(&mut sources.streams[producer]);
        let mut time = next(self);
        while time < now {
            time = next(self);
        }
        self.next.set(producer, time);
        self.first = self.next.first();
    }

    /// The next order of a producer has come.
    #[inline]
    pub(super) fn advance(&mut self, producer: usize) {
        let time = self.began[producer] + time_of_next(&mut self.streams[producer]);
        self.next.set(producer, time);
        self.first = self.next.first();
    }
}

#[inline]
fn time_of_next(stream: &mut ArrivalStream) -> f64 {
    stream.next().unwrap_or(f64::INFINITY)
}
