//! Contestants take turns in the same run, so that a machine that is slower for a while is so for all.

use crate::reference;
use crate::workload::Tandem;
use orderline::metric::{Metric, Statistic, TimeKind};
use orderline::network::Network;
use orderline::sim::{Control, EngineChoice, EngineKind, SimOptions, simulate};
use std::time::Duration;

/// Who simulates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contestant {
    /// The plain loop of [`reference`].
    Reference,
    /// Orderline's event engine.
    Events,
    /// Orderline's recursion engine.
    Recursion,
}

impl Contestant {
    /// All of them, the one that the others are compared with first.
    pub const ALL: [Contestant; 3] = [
        Contestant::Reference,
        Contestant::Events,
        Contestant::Recursion,
    ];

    /// As the tables call it.
    pub fn name(self) -> &'static str {
        match self {
            Contestant::Reference => "plain reference",
            Contestant::Events => "event engine",
            Contestant::Recursion => "recursion engine",
        }
    }

    /// Simulates; says the mean latency, by which one can see that all did the same.
    fn run(self, tandem: Tandem, network: &Network, orders: u64) -> f64 {
        match self {
            Contestant::Reference => reference::run(tandem, orders),
            Contestant::Events => mean_latency(network, EngineKind::Events),
            Contestant::Recursion => mean_latency(network, EngineKind::Recursion),
        }
    }
}

fn mean_latency(network: &Network, engine: EngineKind) -> f64 {
    let options = SimOptions {
        threads: 1,
        engine: EngineChoice::Only(engine),
    };
    let result = simulate(network, options, &Control::default()).expect("it runs");
    let latency = Metric::Time(TimeKind::Latency, Statistic::Mean);
    let pipeline = &result.places[0].estimates;
    pipeline.get(&latency).map_or(f64::NAN, |e| e.point)
}

/// What one contestant took.
#[derive(Debug)]
pub struct Score {
    /// Who.
    pub contestant: Contestant,
    /// Nanoseconds per order, a round each, in the order of the rounds.
    pub nanoseconds: Vec<f64>,
    /// Seconds.
    pub mean_latency: f64,
}

impl Score {
    /// The fastest round.
    pub fn best(&self) -> f64 {
        self.nanoseconds
            .iter()
            .copied()
            .fold(f64::INFINITY, f64::min)
    }

    /// The median round.
    pub fn median(&self) -> f64 {
        median(self.nanoseconds.clone())
    }

    /// How many times as fast as another, in the median of rounds side by side.
    pub fn times_as_fast(&self, other: &Score) -> f64 {
        let pairs = other.nanoseconds.iter().zip(&self.nanoseconds);
        median(pairs.map(|(theirs, ours)| theirs / ours).collect())
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Lets all contestants simulate the same workloads, `rounds` times in turn.
pub fn contest(workloads: &[Tandem], orders: u64, rounds: u32) -> Vec<Vec<Score>> {
    let networks: Vec<Network> = workloads.iter().map(|w| w.network(orders)).collect();
    let score = |contestant| Score {
        contestant,
        nanoseconds: Vec::new(),
        mean_latency: f64::NAN,
    };
    let start = || Contestant::ALL.map(score).into_iter().collect();
    let mut scores: Vec<Vec<Score>> = workloads.iter().map(|_| start()).collect();
    for _ in 0..rounds {
        for ((tandem, network), scores) in workloads.iter().zip(&networks).zip(&mut scores) {
            for score in scores {
                let began = processor_time();
                score.mean_latency = score.contestant.run(*tandem, network, orders);
                let took = processor_time() - began;
                score
                    .nanoseconds
                    .push(took.as_secs_f64() * 1e9 / orders as f64);
            }
        }
    }
    scores
}

/// Time that this process has had of the processor: what others do does not count.
#[cfg(unix)]
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        time.tv_nsec.unsigned_abs() as u32,
    )
}

/// Time on the clock, where the system does not tell the processor's.
#[cfg(not(unix))]
fn processor_time() -> Duration {
    use std::sync::LazyLock;
    use std::time::Instant;
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}
