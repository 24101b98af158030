//! The times at which a producer sends, one after the other.

mod batched;
mod modulated;
mod recorded;

use super::variates::RunningSum;
use super::{Arrivals, CumulativeRate, Distribution, Stream, Variates};
use batched::Batched;
use modulated::Modulated;
use recorded::Recorded;

/// The arrival times of one producer in one replication, in seconds since the start and in
/// non-decreasing order; `None` once the process has ended (a trace that is over, a schedule
/// whose rate stays 0).
///
/// Times, batch sizes, states and ties come from streams of their own, all named after the
/// producer: giving a process batches leaves the times of the batches alone.
///
/// ```
/// use orderline::random::{ArrivalStream, Arrivals};
/// let arrivals = Arrivals::deterministic(10.0).unwrap();
/// let times: Vec<f64> = ArrivalStream::new(&arrivals, 7, 0, "web").take(3).collect();
/// assert_eq!(times, [0.1, 0.2, 0.3]);
/// ```
#[derive(Debug, Clone)]
pub struct ArrivalStream {
    process: Process,
}

#[derive(Debug, Clone)]
enum Process {
    /// Poisson and renewal: independent gaps added up.
    Renewal(RunningSum),
    /// A multiple of the gap, so that rounding errors do not add up.
    Even {
        rate: f64,
        sent: u64,
    },
    /// Arrivals of a unit-rate Poisson process through the inverse of the expected number
    /// (Çınlar, Introduction to Stochastic Processes, 1975, chapter 4.7).
    Scheduled {
        expected: RunningSum,
        cumulative: CumulativeRate,
    },
    /// Boxed, as the rest, to keep the common ones small.
    Modulated(Box<Modulated>),
    Batched(Box<Batched>),
    Recorded(Box<Recorded>),
}

impl ArrivalStream {
    /// The arrivals of the producer of that name.
    pub fn new(arrivals: &Arrivals, seed: u64, replication: u64, producer: &str) -> Self {
        let stream =
            |part: &str| Stream::new(seed, replication, &format!("producer.{producer}.{part}"));
        Self::build(arrivals, &stream, 0)
    }

    /// `depth` counts batches of batches, whose sizes need streams of their own.
    fn build(arrivals: &Arrivals, stream: &dyn Fn(&str) -> Stream, depth: u32) -> Self {
        let sums = |law: &Distribution| RunningSum::new(stream("arrivals"), law);
        let process = match arrivals {
            Arrivals::Poisson { rate } => {
                Process::Renewal(sums(&Distribution::Exponential { rate: *rate }))
            }
            Arrivals::Renewal { gap } => Process::Renewal(sums(gap)),
            Arrivals::Deterministic { rate } => Process::Even {
                rate: *rate,
                sent: 0,
            },
            Arrivals::Schedule(schedule) => Process::Scheduled {
                expected: sums(&UNIT),
                cumulative: schedule.cumulative(),
            },
            Arrivals::Mmpp { rates, dwell } => Process::Modulated(Box::new(Modulated::new(
                rates,
                dwell,
                Variates::new(stream("arrivals"), &UNIT),
                stream("states"),
            ))),
            Arrivals::Batch { process, size } => Process::Batched(Box::new(Batched::new(
                Self::build(process, stream, depth + 1),
                size,
                stream(&format!("sizes{depth}")),
            ))),
            Arrivals::Trace { times, resolution } => {
                Process::Recorded(Box::new(Recorded::new(times, *resolution, stream("ties"))))
            }
        };
        Self { process }
    }

    /// Fills `times` with the next arrival times and says how many there were: all, unless the
    /// process has ended. The same times as one by one, to the last bit.
    ///
    /// ```
    /// use orderline::random::{ArrivalStream, Arrivals};
    /// let mut one_by_one = ArrivalStream::new(&Arrivals::poisson(2.0).unwrap(), 7, 0, "web");
    /// let mut times = [0.0; 1000];
    /// assert_eq!(one_by_one.clone().fill(&mut times), 1000);
    /// assert!(times.iter().all(|&time| one_by_one.next() == Some(time)));
    /// ```
    pub fn fill(&mut self, times: &mut [f64]) -> usize {
        if let Process::Renewal(sums) = &mut self.process {
            sums.fill(times);
            return times.len();
        }
        let slots = times.iter_mut();
        slots
            .map_while(|slot| self.next_of_others().map(|time| *slot = time))
            .count()
    }

    #[inline(never)]
    fn next_of_others(&mut self) -> Option<f64> {
        match &mut self.process {
            Process::Renewal(times) => Some(times.next()),
            Process::Even { rate, sent } => {
                *sent += 1;
                Some(*sent as f64 / *rate)
            }
            Process::Scheduled {
                expected,
                cumulative,
            } => cumulative.inverse(expected.next()),
            Process::Modulated(process) => Some(process.next()),
            Process::Batched(process) => process.next(),
            Process::Recorded(process) => process.next(),
        }
    }
}

impl Iterator for ArrivalStream {
    type Item = f64;

    #[inline]
    fn next(&mut self) -> Option<f64> {
        // The common case is inlined into the engine's loop; the others cost a call.
        if let Process::Renewal(times) = &mut self.process {
            return Some(times.next());
        }
        self.next_of_others()
    }
}

/// The law of the gaps of a Poisson process of rate 1.
const UNIT: Distribution = Distribution::Exponential { rate: 1.0 };
