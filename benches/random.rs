//! The cost of chance: nanoseconds a draw of every law as the engines draw it, beside the usual
//! scalar way in the same run, which is `rand_distr` (ziggurat for exponential and normal variables,
//! Marsaglia & Tsang for gamma, powers and logarithms of the system's library for the rest) on one
//! xoshiro256++.
//!
//! `cargo bench --bench random` prints a table in Markdown, each figure the least of many short
//! rounds, in which the two take turns. The aim is at most 1.5 ns for an exponential.

use orderline::random::{ArrivalStream, Arrivals, Distribution, Stream, Variates};
use rand::SeedableRng;
use rand_distr::{
    Distribution as _, Exp, Gamma, LogNormal, Pareto, StandardUniform, Triangular, Weibull,
};
use rand_xoshiro::Xoshiro256PlusPlus;
use std::hint::black_box;
use std::time::Instant;

const BLOCK: usize = 768;
const BLOCKS: usize = 100;
const ROUNDS: usize = 100;

/// Fills a block by `rand_distr`.
type Scalar = fn(&mut Xoshiro256PlusPlus, &mut [f64]);

/// Fills a block with draws from a law of `rand_distr`.
macro_rules! scalar {
    ($law:expr) => {
        |rng, block| {
            let law = $law.expect("a correct law");
            block.fill_with(|| law.sample(rng));
        }
    };
}

fn laws() -> [(&'static str, Distribution, Scalar); 12] {
    let law = |law: Result<Distribution, _>| law.expect("a correct law");
    [
        (
            "uniform",
            law(Distribution::uniform(1.0, 3.0)),
            |rng, block| {
                block.fill_with(|| {
                    let u: f64 = StandardUniform.sample(rng);
                    1.0 + 2.0 * u
                });
            },
        ),
        (
            "exponential",
            law(Distribution::exponential(2.0)),
            scalar!(Exp::<f64>::new(2.0)),
        ),
        (
            "hyperexponential of 2",
            law(Distribution::hyperexponential(
                vec![0.9, 0.1],
                vec![2.0, 0.2],
            )),
            |rng, block| {
                let laws = [2.0, 0.2].map(|rate| Exp::<f64>::new(rate).expect("a rate"));
                block.fill_with(|| {
                    let u: f64 = StandardUniform.sample(rng);
                    laws[usize::from(u >= 0.9)].sample(rng)
                });
            },
        ),
        (
            "Erlang of 2",
            law(Distribution::erlang(2, 2.0)),
            scalar!(Gamma::<f64>::new(2.0, 0.5)),
        ),
        (
            "Erlang of 4",
            law(Distribution::erlang(4, 2.0)),
            scalar!(Gamma::<f64>::new(4.0, 0.5)),
        ),
        (
            "Erlang of 8",
            law(Distribution::erlang(8, 2.0)),
            scalar!(Gamma::<f64>::new(8.0, 0.5)),
        ),
        (
            "gamma of 2.5",
            law(Distribution::gamma(2.5, 0.5)),
            scalar!(Gamma::<f64>::new(2.5, 0.5)),
        ),
        (
            "gamma of 0.3",
            law(Distribution::gamma(0.3, 0.5)),
            scalar!(Gamma::<f64>::new(0.3, 0.5)),
        ),
        (
            "lognormal",
            law(Distribution::lognormal(0.0, 1.0)),
            scalar!(LogNormal::<f64>::new(0.0, 1.0)),
        ),
        (
            "Weibull",
            law(Distribution::weibull(1.5, 1.0)),
            scalar!(Weibull::<f64>::new(1.0, 1.5)),
        ),
        (
            "Pareto",
            law(Distribution::pareto(2.5, 1.0)),
            scalar!(Pareto::<f64>::new(1.0, 2.5)),
        ),
        (
            "triangular",
            law(Distribution::triangular(0.5, 1.0, 3.0)),
            scalar!(Triangular::<f64>::new(0.5, 3.0, 1.0)),
        ),
    ]
}

/// Nanoseconds that each of the jobs takes for one of its `items`, the least of the rounds.
fn least<const N: usize>(items: usize, mut jobs: [&mut dyn FnMut(); N]) -> [f64; N] {
    let mut least = [f64::INFINITY; N];
    for _ in 0..ROUNDS {
        for (least, job) in least.iter_mut().zip(&mut jobs) {
            let start = Instant::now();
            job();
            *least = least.min(start.elapsed().as_nanos() as f64 / items as f64);
        }
    }
    least
}

fn compare(name: &str, law: &Distribution, fill: Scalar) {
    let mut variates = Variates::new(Stream::new(1, 0, "bench"), law);
    let mut one_by_one = variates.clone();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut block = [0.0; BLOCK];
    let mut in_blocks = || {
        for _ in 0..BLOCKS {
            black_box(variates.take(BLOCK));
        }
    };
    let mut scalar = || {
        for _ in 0..BLOCKS {
            // On a copy, whose state stays in registers.
            let mut local = rng.clone();
            fill(&mut local, &mut block);
            rng = local;
            black_box(&mut block);
        }
    };
    let mut singly = || {
        let draws = (0..BLOCK * BLOCKS).map(|_| one_by_one.next());
        black_box(draws.sum::<f64>());
    };
    let jobs: [&mut dyn FnMut(); 3] = [&mut in_blocks, &mut singly, &mut scalar];
    let [blocks, singly, scalar] = least(BLOCK * BLOCKS, jobs);
    let ratio = scalar / blocks;
    println!("| {name} | {blocks:.2} | {singly:.2} | {scalar:.2} | {ratio:.1} |");
}

fn arrivals() {
    let poisson = Arrivals::poisson(2.0).expect("a rate");
    let mut stream = ArrivalStream::new(&poisson, 1, 0, "bench");
    let mut times = [0.0; BLOCK];
    let mut job = || {
        for _ in 0..BLOCKS {
            stream.fill(&mut times);
            black_box(&mut times);
        }
    };
    let [cost] = least(BLOCK * BLOCKS, [&mut job]);
    println!("\nPoisson arrival times in blocks: {cost:.2} ns each");
}

fn beginnings() {
    let law = Distribution::exponential(1.0).expect("a rate");
    let new = || Variates::new(Stream::new(1, 0, "stage.payment.service"), &law);
    let mut undrawn = || drop(black_box(new()));
    let mut drawn = || {
        black_box(new().next());
    };
    let [undrawn, drawn] = least(1, [&mut undrawn, &mut drawn]);
    println!("A new stream: {undrawn:.0} ns, with its first block {drawn:.0} ns");
}

fn main() {
    println!("| law | ns in blocks | ns one by one | ns scalar | scalar/blocks |");
    println!("| --- | --: | --: | --: | --: |");
    for (name, law, scalar) in laws() {
        compare(name, &law, scalar);
    }
    arrivals();
    beginnings();
}
