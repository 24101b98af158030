//! Checks of the room as a whole: the laws against numbers computed elsewhere and against
//! themselves, the samplers against the laws, the arrivals against their theory.

mod arrivals;
mod laws;
mod refusals;
mod sampling;
mod schedules;
mod streams;

use super::Distribution;

/// One of each continuous law, of moderate and of extreme shape.
fn continuous_laws() -> Vec<Distribution> {
    let laws = [
        Distribution::exponential(20.0),
        Distribution::uniform(0.5, 1.5),
        Distribution::erlang(4, 2.0),
        Distribution::gamma(2.5, 0.4),
        Distribution::gamma(0.3, 2.0),
        Distribution::gamma(400.0, 0.01),
        Distribution::lognormal_mean_scv(0.2, 2.0),
        Distribution::weibull(1.5, 2.0),
        Distribution::weibull(0.7, 2.0),
        Distribution::pareto(5.0, 1.0),
        Distribution::bounded_pareto(1.5, 1.0, 100.0),
        Distribution::bounded_pareto(2.0, 0.1, 10.0),
        Distribution::hyperexponential_mean_scv(1.0, 4.0),
        Distribution::hyperexponential(vec![0.2, 0.0, 0.8], vec![0.2, 9.0, 0.8]),
        Distribution::coxian(vec![2.0, 0.25], vec![0.125]),
        Distribution::coxian(vec![3.0, 2.0, 1.0], vec![0.5, 0.5]),
        Distribution::phase_type(vec![0.5, 0.5], vec![vec![-1.0, 0.4], vec![0.6, -1.0]]),
        Distribution::triangular(0.5, 1.0, 3.0),
        Distribution::triangular(0.0, 0.0, 1.0),
        Distribution::mixture(vec![0.3, 0.7], two_components()),
        Distribution::shifted(0.5, Distribution::exponential(2.0).unwrap()),
    ];
    laws.into_iter().map(Result::unwrap).collect()
}

fn two_components() -> Vec<Distribution> {
    vec![
        Distribution::uniform(1.0, 2.0).unwrap(),
        Distribution::exponential(0.5).unwrap(),
    ]
}

/// Laws with atoms.
fn atomic_laws() -> Vec<Distribution> {
    let value = |value| Distribution::deterministic(value).unwrap();
    let exponential = Distribution::exponential(1.0).unwrap();
    let laws = [
        Distribution::empirical(vec![3.0, 1.0, 1.0, 2.0, 7.5]),
        Distribution::shifted(0.1, Distribution::empirical(vec![0.2, 0.7]).unwrap()),
        Distribution::mixture(vec![0.25, 0.75], vec![value(0.7), exponential]),
        Distribution::phase_type(vec![0.6], vec![vec![-2.0]]),
        Distribution::deterministic(0.3),
    ];
    laws.into_iter().map(Result::unwrap).collect()
}

/// Asserts |found − expected| ≤ tolerance · |expected|.
#[track_caller]
fn assert_relative(found: f64, expected: f64, tolerance: f64) {
    let error = (found - expected).abs();
    assert!(
        error <= tolerance * expected.abs(),
        "{found} is not {expected} to {tolerance} relative"
    );
}
