//! The times at which a producer sends, one after the other.

use super::choice::Choice;
use super::{Arrivals, CumulativeRate, DiscreteDistribution, Distribution, Stream, Variates};
use std::sync::Arc;

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
    Gaps {
        gaps: Variates,
        now: f64,
    },
    /// A multiple of the gap, so that rounding errors do not add up.
    Even {
        rate: f64,
        sent: u64,
    },
    /// Arrivals of a unit-rate Poisson process through the inverse of the expected number
    /// (Çınlar, Introduction to Stochastic Processes, 1975, chapter 4.7).
    Scheduled {
        gaps: Variates,
        expected: f64,
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
        let gaps = |law: &Distribution| Variates::new(stream("arrivals"), law);
        let process = match arrivals {
            Arrivals::Poisson { rate } => Process::Gaps {
                gaps: gaps(&Distribution::Exponential { rate: *rate }),
                now: 0.0,
            },
            Arrivals::Renewal { gap } => Process::Gaps {
                gaps: gaps(gap),
                now: 0.0,
            },
            Arrivals::Deterministic { rate } => Process::Even {
                rate: *rate,
                sent: 0,
            },
            Arrivals::Schedule(schedule) => Process::Scheduled {
                gaps: gaps(&UNIT),
                expected: 0.0,
                cumulative: schedule.cumulative(),
            },
            Arrivals::Mmpp { rates, dwell } => Process::Modulated(Box::new(Modulated::new(
                rates,
                dwell,
                gaps(&UNIT),
                stream("states"),
            ))),
            Arrivals::Batch { process, size } => Process::Batched(Box::new(Batched {
                process: Self::build(process, stream, depth + 1),
                sizes: Sizes::new(size, stream(&format!("sizes{depth}"))),
                time: 0.0,
                left: 0,
            })),
            Arrivals::Trace { times, resolution } => {
                Process::Recorded(Box::new(Recorded::new(times, *resolution, stream("ties"))))
            }
        };
        Self { process }
    }

    #[inline(never)]
    fn next_of_others(&mut self) -> Option<f64> {
        match &mut self.process {
            Process::Gaps { gaps, now } => {
                *now += gaps.next();
                Some(*now)
            }
            Process::Even { rate, sent } => {
                *sent += 1;
                Some(*sent as f64 / *rate)
            }
            Process::Scheduled {
                gaps,
                expected,
                cumulative,
            } => {
                *expected += gaps.next();
                cumulative.inverse(*expected)
            }
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
        if let Process::Gaps { gaps, now } = &mut self.process {
            *now += gaps.next();
            return Some(*now);
        }
        self.next_of_others()
    }
}

/// The law of the gaps of a Poisson process of rate 1.
const UNIT: Distribution = Distribution::Exponential { rate: 1.0 };

/// A Poisson process whose rate is that of a state which changes at random.
#[derive(Debug, Clone)]
struct Modulated {
    /// Rate and mean stay of each state.
    states: Box<[(f64, f64)]>,
    state: usize,
    /// When the state ends.
    until: f64,
    now: f64,
    gaps: Variates,
    stays: Variates,
}

impl Modulated {
    /// Starts in the steady state: a state is as probable as its share of time, and what is left
    /// of an exponential stay is again exponential with the same mean.
    fn new(rates: &[f64], dwell: &[f64], gaps: Variates, mut stream: Stream) -> Self {
        let round: f64 = dwell.iter().sum();
        let shares: Vec<f64> = dwell.iter().map(|stay| stay / round).collect();
        let state = Choice::new(&shares).index(stream.uniform());
        let mut stays = Variates::new(stream, &UNIT);
        Self {
            states: rates.iter().copied().zip(dwell.iter().copied()).collect(),
            state,
            until: dwell[state] * stays.next(),
            now: 0.0,
            gaps,
            stays,
        }
    }

    /// Spends a unit exponential number of expected orders at each state's rate.
    fn next(&mut self) -> f64 {
        let mut orders = self.gaps.next();
        loop {
            let (rate, _) = self.states[self.state];
            let within = rate * (self.until - self.now);
            if orders < within {
                self.now = (self.now + orders / rate).min(self.until);
                return self.now;
            }
            orders -= within;
            self.change_state();
        }
    }

    fn change_state(&mut self) {
        self.now = self.until;
        self.state = (self.state + 1) % self.states.len();
        self.until += self.states[self.state].1 * self.stays.next();
    }
}

/// Several orders at each event of another process.
#[derive(Debug, Clone)]
struct Batched {
    process: ArrivalStream,
    sizes: Sizes,
    time: f64,
    /// Orders of the present batch still to come.
    left: u64,
}

impl Batched {
    fn next(&mut self) -> Option<f64> {
        if self.left == 0 {
            self.time = self.process.next()?;
            self.left = self.sizes.next();
        }
        self.left -= 1;
        Some(self.time)
    }
}

/// Batch sizes.
#[derive(Debug, Clone)]
enum Sizes {
    Constant(u64),
    /// Whole part of an exponential with e^(−1/mean) = 1 − p, plus 1.
    Geometric(Variates),
    Finite {
        choice: Choice,
        values: Box<[u64]>,
        stream: Stream,
    },
}

impl Sizes {
    fn new(law: &DiscreteDistribution, stream: Stream) -> Self {
        match law {
            DiscreteDistribution::Deterministic { value } => Sizes::Constant(*value),
            DiscreteDistribution::Geometric { mean } if *mean == 1.0 => Sizes::Constant(1),
            DiscreteDistribution::Geometric { mean } => {
                let rate = -(-1.0 / mean).ln_1p();
                Sizes::Geometric(Variates::new(stream, &Distribution::Exponential { rate }))
            }
            DiscreteDistribution::Finite {
                values,
                probabilities,
            } => Sizes::Finite {
                choice: Choice::new(probabilities),
                values: values.as_slice().into(),
                stream,
            },
        }
    }

    fn next(&mut self) -> u64 {
        match self {
            Sizes::Constant(value) => *value,
            Sizes::Geometric(exponential) => 1 + exponential.next() as u64,
            Sizes::Finite {
                choice,
                values,
                stream,
            } => values[choice.index(stream.uniform())],
        }
    }
}

/// Recorded times, ties spread.
#[derive(Debug, Clone)]
struct Recorded {
    times: Arc<[f64]>,
    resolution: f64,
    /// How many of the recorded times have been read.
    read: usize,
    /// What is left of the present tie, the earliest last.
    tie: Vec<f64>,
    last: f64,
    stream: Stream,
}

impl Recorded {
    fn new(times: &Arc<[f64]>, resolution: f64, stream: Stream) -> Self {
        Self {
            times: Arc::clone(times),
            resolution,
            read: 0,
            tie: Vec::new(),
            last: 0.0,
            stream,
        }
    }

    fn next(&mut self) -> Option<f64> {
        if self.tie.is_empty() {
            self.read_tie();
        }
        // Where ties overlap the next recorded time (a resolution wider than that of the
        // recording), orders are held back to keep the sequence of the recording.
        self.last = self.tie.pop()?.max(self.last);
        Some(self.last)
    }

    /// Reads all orders with the next recorded time; keeps the buffer from tie to tie.
    fn read_tie(&mut self) {
        let rest = &self.times[self.read..];
        let Some(&time) = rest.first() else { return };
        let count = rest.partition_point(|&other| other <= time);
        self.read += count;
        let width = if count > 1 { self.resolution } else { 0.0 };
        let stream = &mut self.stream;
        let spread = (0..count).map(|_| time + width * stream.uniform());
        self.tie.extend(spread);
        self.tie.sort_unstable_by(|a, b| b.total_cmp(a));
    }
}
