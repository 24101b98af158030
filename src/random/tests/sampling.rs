//! Every sampler against its own law. Seeds are fixed, so a failure is a defect and not bad luck.

use super::{atomic_laws, continuous_laws};
use crate::random::{Distribution, Stream, Variates};

const DRAWS: usize = 20_000;

fn draw(law: &Distribution, seed: u64) -> Vec<f64> {
    let mut variates = Variates::new(Stream::new(seed, 0, "test"), law);
    (0..DRAWS).map(|_| variates.next()).collect()
}

/// The largest distance between the drawn and the true distribution function, left and right of
/// every draw (so that atoms are judged too).
fn kolmogorov_smirnov(law: &Distribution, mut draws: Vec<f64>) -> f64 {
    draws.sort_unstable_by(f64::total_cmp);
    let share = |count: usize| count as f64 / DRAWS as f64;
    let distance = |group: &[f64], before: usize| {
        let (x, after) = (group[0], before + group.len());
        let left = (law.cdf(x.next_down()) - share(before)).abs();
        left.max((law.cdf(x) - share(after)).abs())
    };
    let (mut before, mut largest) = (0, 0.0f64);
    for group in draws.chunk_by(|a, b| a == b) {
        largest = largest.max(distance(group, before));
        before += group.len();
    }
    largest
}

/// Level α = 1e-4 for each law: the asymptotic limit √(ln(2/α)/2n), conservative for atoms.
#[test]
fn samples_follow_their_law() {
    let limit = ((2.0f64 / 1e-4).ln() / (2.0 * DRAWS as f64)).sqrt();
    for (seed, law) in (1..).zip(continuous_laws().into_iter().chain(atomic_laws())) {
        let distance = kolmogorov_smirnov(&law, draw(&law, seed));
        assert!(distance < limit, "{law:?}: {distance} is above {limit}");
    }
}

/// The test itself must be able to fail: 5 % more mean is 2 % of distance, above the limit.
#[test]
fn samples_do_not_follow_a_slightly_different_law() {
    let limit = ((2.0f64 / 1e-4).ln() / (2.0 * DRAWS as f64)).sqrt();
    let draws = draw(&Distribution::exponential_mean(1.0).unwrap(), 1);
    assert!(kolmogorov_smirnov(&Distribution::exponential_mean(1.05).unwrap(), draws) > limit);
}

/// Means within 4.5 true standard errors: about 7e-6 for each law if the mean is normal.
#[test]
fn sample_means_are_near_the_mean() {
    for (seed, law) in (100..).zip(continuous_laws().into_iter().chain(atomic_laws())) {
        let mean = draw(&law, seed).iter().sum::<f64>() / DRAWS as f64;
        let error = (law.variance() / DRAWS as f64).sqrt();
        let off = (mean - law.mean()).abs();
        assert!(off <= 4.5 * error + 1e-12 * mean, "{law:?}: {mean}");
    }
}

/// Second and third moments within 4.5 estimated standard errors, for the laws whose sixth moment
/// is small enough for the error to be estimated from this many draws.
#[test]
fn sample_moments_are_near_the_moments() {
    let light =
        |law: &Distribution| law.scv() <= 1.6 && !matches!(law, Distribution::Pareto { .. });
    let laws: Vec<_> = continuous_laws()
        .into_iter()
        .chain(atomic_laws())
        .filter(light)
        .collect();
    assert!(laws.len() >= 15);
    for (seed, law) in (200..).zip(laws) {
        let draws = draw(&law, seed);
        for k in 2..=3 {
            let powers = draws.iter().map(|x| x.powi(k));
            let mean = powers.clone().sum::<f64>() / DRAWS as f64;
            let variance = powers.map(|y| (y - mean).powi(2)).sum::<f64>() / DRAWS as f64;
            let error = (variance / DRAWS as f64).sqrt();
            let off = (mean - law.moment(k as u32)).abs();
            assert!(
                off <= 4.5 * error + 1e-12 * mean,
                "{law:?}, power {k}: {mean}"
            );
        }
    }
}

/// Values at any distance up to two chunks are uncorrelated: neither the lanes of the generator nor
/// the places in a chunk know of each other. Level 7e-6 for each of the distances (4.5 standard
/// errors), for each law 9e-4.
#[test]
fn values_of_a_block_are_uncorrelated() {
    let laws = [
        Distribution::exponential(1.0),
        Distribution::erlang(3, 1.0),
        Distribution::hyperexponential_mean_scv(1.0, 2.0),
        Distribution::lognormal_mean_scv(1.0, 0.5),
        Distribution::gamma(2.5, 1.0),
    ];
    for (seed, law) in (300..).zip(laws.map(Result::unwrap)) {
        let (mean, variance) = (law.mean(), law.variance());
        let off: Vec<f64> = draw(&law, seed).iter().map(|x| x - mean).collect();
        for distance in 1..=128 {
            let products = off.iter().zip(&off[distance..]).map(|(a, b)| a * b);
            let correlation = products.sum::<f64>() / variance / DRAWS as f64;
            assert!(
                correlation.abs() < 4.5 / (DRAWS as f64).sqrt(),
                "{law:?} at {distance}: {correlation}"
            );
        }
    }
}

#[test]
fn samples_are_finite_times() {
    let extreme = [
        Distribution::pareto(0.1, 1.0),
        Distribution::lognormal(0.0, 10.0),
        Distribution::weibull(0.05, 1.0),
        Distribution::gamma(1e-3, 1.0),
        Distribution::gamma(1e9, 1e-9),
        Distribution::hyperexponential_mean_scv(1.0, 1e6),
    ];
    for law in extreme.map(Result::unwrap) {
        assert!(
            draw(&law, 1).iter().all(|x| x.is_finite() && *x >= 0.0),
            "{law:?}"
        );
    }
}
