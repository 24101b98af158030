//! The cost of chance, in nanoseconds a draw: every law as the engines draw it, beside the usual
//! scalar way in the same run, which is `rand_distr` (ziggurat for exponential and normal variables,
//! Marsaglia & Tsang for gamma, powers and logarithms of the system's library for the rest) on one
//! xoshiro256++.
//!
//! `cargo bench --bench random`; the aim is at most 1.5 ns for an exponential, against 2.3 to 4 by
//! the ziggurat.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use orderline::random::{ArrivalStream, Arrivals, Distribution, Stream, Variates};
use rand::SeedableRng;
use rand_distr::{
    Distribution as _, Exp, Gamma, LogNormal, Pareto, StandardUniform, Triangular, Weibull,
};
use rand_xoshiro::Xoshiro256PlusPlus;

const BLOCK: usize = 768;

fn main() {
    divan::main();
}

/// A law's name, the law, and how `rand_distr` draws from it.
type Case = (
    &'static str,
    Distribution,
    fn(&mut Xoshiro256PlusPlus, &mut [f64]),
);

/// Fills a block with draws from a law of `rand_distr`.
macro_rules! plain {
    ($law:expr) => {
        |rng, block| {
            let law = $law.expect("a correct law");
            block.fill_with(|| law.sample(rng));
        }
    };
}

fn cases() -> Vec<Case> {
    let law = |law: Result<Distribution, _>| law.expect("a correct law");
    vec![
        (
            "exponential",
            law(Distribution::exponential(2.0)),
            plain!(Exp::<f64>::new(2.0)),
        ),
        (
            "uniform",
            law(Distribution::uniform(1.0, 3.0)),
            |rng, block| {
                block.fill_with(|| {
                    let u: f64 = StandardUniform.sample(rng);
                    1.0 + 2.0 * u
                })
            },
        ),
        (
            "erlang of 2",
            law(Distribution::erlang(2, 2.0)),
            plain!(Gamma::<f64>::new(2.0, 0.5)),
        ),
        (
            "erlang of 8",
            law(Distribution::erlang(8, 2.0)),
            plain!(Gamma::<f64>::new(8.0, 0.5)),
        ),
        (
            "gamma of 2.5",
            law(Distribution::gamma(2.5, 0.5)),
            plain!(Gamma::<f64>::new(2.5, 0.5)),
        ),
        (
            "gamma of 0.3",
            law(Distribution::gamma(0.3, 0.5)),
            plain!(Gamma::<f64>::new(0.3, 0.5)),
        ),
        (
            "hyperexponential",
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
            "lognormal",
            law(Distribution::lognormal(0.0, 1.0)),
            plain!(LogNormal::<f64>::new(0.0, 1.0)),
        ),
        (
            "weibull",
            law(Distribution::weibull(1.5, 1.0)),
            plain!(Weibull::<f64>::new(1.0, 1.5)),
        ),
        (
            "pareto",
            law(Distribution::pareto(2.5, 1.0)),
            plain!(Pareto::<f64>::new(1.0, 2.5)),
        ),
        (
            "triangular",
            law(Distribution::triangular(0.5, 1.0, 3.0)),
            plain!(Triangular::<f64>::new(0.5, 3.0, 1.0)),
        ),
    ]
}

fn names() -> Vec<&'static str> {
    cases().into_iter().map(|(name, ..)| name).collect()
}

fn case(name: &str) -> Case {
    let found = cases().into_iter().find(|(other, ..)| *other == name);
    found.expect("one of the names")
}

/// In blocks, as the engines draw.
#[divan::bench(args = names())]
fn blocks(bencher: Bencher, name: &str) {
    let (_, law, _) = case(name);
    let mut variates = Variates::new(Stream::new(1, 0, "bench"), &law);
    bencher.counter(ItemsCount::new(BLOCK)).bench_local(|| {
        black_box(variates.take(BLOCK));
    });
}

/// One after the other by `rand_distr`.
#[divan::bench(args = names())]
fn scalar(bencher: Bencher, name: &str) {
    let (_, _, fill) = case(name);
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut block = [0.0; BLOCK];
    bencher.counter(ItemsCount::new(BLOCK)).bench_local(|| {
        // On a copy, whose state stays in registers.
        let mut local = rng.clone();
        fill(&mut local, &mut block);
        rng = local;
        black_box(&mut block);
    });
}

/// The arrival times of a Poisson process, a block at a time.
#[divan::bench]
fn poisson_arrivals(bencher: Bencher) {
    let arrivals = Arrivals::poisson(2.0).expect("a rate");
    let mut stream = ArrivalStream::new(&arrivals, 1, 0, "bench");
    let mut times = [0.0; BLOCK];
    bencher.counter(ItemsCount::new(BLOCK)).bench_local(|| {
        stream.fill(&mut times);
        black_box(&mut times);
    });
}

/// Making a stream and its values, without and with the first draw.
#[divan::bench(args = [false, true])]
fn new_stream(bencher: Bencher, drawn: bool) {
    let law = Distribution::exponential(1.0).expect("a rate");
    bencher.bench_local(|| {
        let mut variates = Variates::new(Stream::new(1, 0, "stage.payment.service"), &law);
        if drawn {
            black_box(variates.next());
        }
        variates
    });
}
