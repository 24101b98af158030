//! What an order costs: nanoseconds of processor time per order, on one core and with all statistics
//! of the output switched on, beside a plain loop written by hand ([`reference`]) in the same run.
//!
//! `cargo bench --bench engine` measures three workloads: M/M/1 at ρ = 0.8, M/M/8 at ρ = 0.9, and three
//! M/M/4 stages in tandem at ρ = 0.8. An order is one from its entry to its end: in the tandem it costs
//! three visits. `--growth WHAT` shows how the cost grows. All tables are Markdown. `--help` says more.

mod contest;
mod reference;
mod workload;

use clap::{Parser, ValueEnum};
use contest::{Score, contest};
use workload::Tandem;

/// What an order costs, beside a plain loop written by hand.
#[derive(Debug, Parser)]
struct Options {
    /// Workloads to measure; all when none is named.
    workloads: Vec<Workload>,
    /// Orders in a run.
    #[arg(long, default_value = "5e6", value_parser = number)]
    orders: u64,
    /// Runs of each, in turn.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Show instead how the cost grows with this.
    #[arg(long, value_name = "WHAT")]
    growth: Vec<Growth>,
    /// The most orders that the growth with orders goes to (1e9 takes minutes).
    #[arg(long, default_value = "1e8", value_parser = number)]
    most: u64,
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Workload {
    /// M/M/1, ρ = 0.8.
    W1,
    /// M/M/8, ρ = 0.9.
    W2,
    /// Three M/M/4 in tandem, ρ = 0.8.
    W3,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Growth {
    /// M/M/1 at ρ = 0.8, from 10⁵ orders on.
    Orders,
    /// 1 to 100 stages M/M/4 in tandem at ρ = 0.8.
    Stages,
    /// M/M/c at ρ = 0.9, c from 1 to 10⁵.
    Consumers,
    /// M/M/∞ with 10 to 10⁶ orders in service.
    Pending,
}

fn main() {
    let options = Options::parse();
    if !options.growth.is_empty() {
        options.growth.iter().for_each(|what| grow(*what, &options));
        return;
    }
    let mut workloads = options.workloads.clone();
    if workloads.is_empty() {
        workloads = Workload::value_variants().to_vec();
    }
    let tandems: Vec<Tandem> = workloads.iter().map(|w| w.tandem()).collect();
    let scores = contest(&tandems, options.orders, options.rounds);
    print_contest(&workloads, &scores, &options);
}

impl Workload {
    fn tandem(self) -> Tandem {
        match self {
            Workload::W1 => Tandem::busy(1, 1, 0.8),
            Workload::W2 => Tandem::busy(1, 8, 0.9),
            Workload::W3 => Tandem::busy(3, 4, 0.8),
        }
    }
}

fn number(text: &str) -> Result<u64, String> {
    let number: f64 = text.replace('_', "").parse().map_err(|_| "not a number")?;
    if (1.0..1e15).contains(&number) {
        Ok(number as u64)
    } else {
        Err("at least 1".to_owned())
    }
}

fn print_contest(workloads: &[Workload], scores: &[Vec<Score>], options: &Options) {
    let Options { orders, rounds, .. } = options;
    println!("ns of processor time per order; {rounds} runs of {orders} orders each, in turn\n");
    println!("| workload | simulated by | best | median | times as fast | mean latency, s |");
    println!("| --- | --- | ---: | ---: | ---: | ---: |");
    for (workload, scores) in workloads.iter().zip(scores) {
        for score in scores {
            println!(
                "| {workload:?} | {} | {:.1} | {:.1} | {:.2} | {:.4} |",
                score.contestant.name(),
                score.best(),
                score.median(),
                score.times_as_fast(&scores[0]),
                score.mean_latency,
            );
        }
    }
}

/// Prints how the cost grows: a row as soon as it is known, for the long ones take their time.
fn grow(what: Growth, options: &Options) {
    let sizes = what.sizes(options.most);
    let names: Vec<_> = contest::Contestant::ALL.iter().map(|c| c.name()).collect();
    println!("\n| {} | {} |", what.title(), names.join(" | "));
    println!("| ---: |{}", " ---: |".repeat(names.len()));
    for size in sizes {
        let (tandem, orders) = what.workload(size, options.orders);
        // A long run is its own repetition.
        let rounds = if orders > 20_000_000 {
            1
        } else {
            options.rounds
        };
        let scores = contest(&[tandem], orders, rounds);
        let best: Vec<_> = scores[0]
            .iter()
            .map(|s| format!("{:.1}", s.best()))
            .collect();
        println!("| {size} | {} |", best.join(" | "));
    }
}

impl Growth {
    fn title(self) -> &'static str {
        match self {
            Growth::Orders => "orders",
            Growth::Stages => "stages",
            Growth::Consumers => "consumers",
            Growth::Pending => "orders in service",
        }
    }

    fn sizes(self, most: u64) -> Vec<u64> {
        match self {
            Growth::Orders => powers_of_ten(5, 9)
                .filter(|orders| *orders <= most)
                .collect(),
            Growth::Stages => vec![1, 2, 3, 5, 10, 20, 50, 100],
            Growth::Consumers => powers_of_ten(0, 5)
                .flat_map(|c| [c, 3 * c])
                .take(11)
                .collect(),
            Growth::Pending => powers_of_ten(1, 6).collect(),
        }
    }

    /// The workload of a size, and how many orders: enough for the pipeline to fill.
    fn workload(self, size: u64, orders: u64) -> (Tandem, u64) {
        match self {
            Growth::Orders => (Workload::W1.tandem(), size),
            Growth::Stages => {
                let stages = usize::try_from(size).expect("at most 100");
                (
                    Tandem::busy(stages, 4, 0.8),
                    (orders * 3 / size).max(100_000),
                )
            }
            Growth::Consumers => {
                let consumers = u32::try_from(size).expect("at most 10⁵");
                (Tandem::busy(1, consumers, 0.9), orders.max(20 * size))
            }
            Growth::Pending => (Tandem::pending(size as f64), orders.max(10 * size)),
        }
    }
}

fn powers_of_ten(from: u32, to: u32) -> impl Iterator<Item = u64> {
    (from..=to).map(|exponent| 10_u64.pow(exponent))
}
