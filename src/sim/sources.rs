//! The producers' next orders, kept outside the calendar: each producer has exactly one.

use crate::network::Network;
use crate::random::ArrivalStream;

/// The next order of every producer.
#[derive(Debug)]
pub(super) struct Sources {
    streams: Vec<ArrivalStream>,
    next: Vec<f64>,
    earliest: usize,
}

impl Sources {
    pub(super) fn new(network: &Network, replication: u64) -> Sources {
        let mut streams: Vec<ArrivalStream> = network
            .producers
            .iter()
            .map(|p| ArrivalStream::new(&p.arrivals, network.seed, replication, &p.name))
            .collect();
        let next = streams.iter_mut().map(time_of_next).collect();
        let mut sources = Sources {
            streams,
            next,
            earliest: 0,
        };
        sources.find_earliest();
        sources
    }

    /// Time of the next order from outside; infinite when there will be none.
    #[inline]
    pub(super) fn next_time(&self) -> f64 {
        self.next[self.earliest]
    }

    /// Takes the next order and says which producer sends it.
    #[inline]
    pub(super) fn pop(&mut self) -> usize {
        let producer = self.earliest;
        self.next[producer] = time_of_next(&mut self.streams[producer]);
        self.find_earliest();
        producer
    }

    /// Among equals the producer that stands first in the file.
    #[inline]
    fn find_earliest(&mut self) {
        let mut earliest = 0;
        for (producer, time) in self.next.iter().enumerate().skip(1) {
            if *time < self.next[earliest] {
                earliest = producer;
            }
        }
        self.earliest = earliest;
    }
}

#[inline]
fn time_of_next(stream: &mut ArrivalStream) -> f64 {
    stream.next().unwrap_or(f64::INFINITY)
}
