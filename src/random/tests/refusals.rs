//! What is no law is refused, at the right parameter.

use crate::random::{
    Arrivals, DiscreteDistribution, Distribution, ParameterError, RatePoint, RateSchedule,
    RateShape,
};

const NAN: f64 = f64::NAN;
const INF: f64 = f64::INFINITY;

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, ParameterError>, parameter: &str) {
    let error = result.expect_err("should be refused");
    assert_eq!(error.parameter, parameter, "{error}");
    assert_eq!(error.to_string(), error.message);
}

#[test]
fn single_numbers_out_of_range() {
    for bad in [0.0, -1.0, NAN, INF, -INF, 1e-320] {
        refused(Distribution::exponential(bad), "rate");
        refused(Distribution::exponential_mean(bad), "mean");
        refused(Distribution::erlang(2, bad), "mean");
        refused(Distribution::gamma(1.0, bad), "scale");
        refused(Distribution::weibull(bad, 1.0), "shape");
        refused(Distribution::pareto(bad, 1.0), "shape");
        refused(Distribution::lognormal_mean_scv(1.0, bad), "scv");
        refused(Distribution::gamma_mean_scv(1.0, bad), "scv");
        refused(Distribution::weibull_mean_scv(1.0, bad), "scv");
        refused(Distribution::hyperexponential_mean_scv(1.0, bad), "scv");
        refused(Arrivals::poisson(bad), "rate");
    }
    for bad in [-1e-9, NAN, INF] {
        refused(Distribution::deterministic(bad), "value");
        refused(Distribution::empirical(vec![1.0, bad]), "values");
        refused(
            Distribution::shifted(bad, Distribution::deterministic(1.0).unwrap()),
            "shift",
        );
        refused(Distribution::triangular(bad, 1.0, 2.0), "low");
    }
    assert_eq!(Distribution::deterministic(0.0).unwrap().scv(), 0.0);
}

#[test]
fn numbers_that_do_not_fit_together() {
    refused(Distribution::uniform(2.0, 2.0), "high");
    refused(Distribution::triangular(1.0, 0.5, 2.0), "mode");
    refused(Distribution::bounded_pareto(1.0, 3.0, 2.0), "high");
    refused(Distribution::erlang(0, 1.0), "shape");
    refused(Distribution::erlang_mean_scv(1.0, 0.3), "scv");
    refused(Distribution::erlang_mean_scv(1.0, 2.0), "scv");
    refused(Distribution::uniform_mean_scv(1.0, 0.34), "scv");
    refused(Distribution::hyperexponential_mean_scv(1.0, 0.99), "scv");
    refused(Distribution::lognormal(800.0, 1.0), "sigma");
    refused(Distribution::lognormal(NAN, 1.0), "mu");
    refused(Distribution::weibull_mean_scv(1.0, 1e300), "scv");
}

#[test]
fn lists_that_are_no_law() {
    refused(
        Distribution::hyperexponential(vec![0.5, 0.4], vec![1.0, 2.0]),
        "probabilities",
    );
    refused(
        Distribution::hyperexponential(vec![1.5, -0.5], vec![1.0, 2.0]),
        "probabilities",
    );
    refused(
        Distribution::hyperexponential(vec![0.5, 0.5], vec![1.0]),
        "rates",
    );
    refused(
        Distribution::hyperexponential(vec![NAN, 0.5], vec![1.0, 1.0]),
        "probabilities",
    );
    refused(Distribution::coxian(vec![], vec![]), "rates");
    refused(
        Distribution::coxian(vec![1.0, 1.0], vec![0.5, 0.5]),
        "probabilities",
    );
    refused(Distribution::mixture(vec![1.0], vec![]), "components");
    refused(Distribution::empirical(vec![]), "values");
    let thirds = vec![0.333_333_333_3, 0.333_333_333_3, 0.333_333_333_4];
    assert!(Distribution::hyperexponential(thirds, vec![1.0; 3]).is_ok());
}

#[test]
fn matrices_that_are_no_sub_generator() {
    let phase_type = |t: &[[f64; 2]; 2]| {
        let rows = t.iter().map(|row| row.to_vec()).collect();
        Distribution::phase_type(vec![0.5, 0.5], rows)
    };
    refused(phase_type(&[[1.0, 0.0], [0.0, -1.0]]), "T");
    refused(phase_type(&[[-1.0, -0.5], [0.0, -1.0]]), "T");
    refused(phase_type(&[[-1.0, 2.0], [0.0, -1.0]]), "T");
    refused(phase_type(&[[-1.0, NAN], [0.0, -1.0]]), "T");
    // Phases that lead only to each other never end.
    refused(phase_type(&[[-1.0, 1.0], [1.0, -1.0]]), "T");
    refused(
        Distribution::phase_type(vec![1.0], vec![vec![-1.0, 0.0]]),
        "T",
    );
    refused(
        Distribution::phase_type(vec![0.0], vec![vec![-1.0]]),
        "alpha",
    );
    refused(
        Distribution::phase_type(vec![1.1], vec![vec![-1.0]]),
        "alpha",
    );
    assert!(phase_type(&[[-1.0, 1.0], [0.0, -1.0]]).is_ok());
}

#[test]
fn batch_sizes_below_one() {
    refused(DiscreteDistribution::deterministic(0), "value");
    refused(DiscreteDistribution::geometric(0.9), "mean");
    refused(DiscreteDistribution::geometric(NAN), "mean");
    refused(DiscreteDistribution::finite(vec![0], vec![1.0]), "values");
    refused(
        DiscreteDistribution::finite(vec![1, 2], vec![0.5, 0.4]),
        "probabilities",
    );
}

#[test]
fn arrivals_that_never_come() {
    let never = Distribution::pareto(0.5, 1.0).unwrap();
    refused(Arrivals::renewal(never), "renewal");
    refused(
        Arrivals::renewal(Distribution::deterministic(0.0).unwrap()),
        "renewal",
    );
    refused(Arrivals::mmpp(vec![0.0, 0.0], vec![1.0, 1.0]), "rates");
    refused(Arrivals::mmpp(vec![1.0], vec![]), "dwell");
    refused(Arrivals::mmpp(vec![1.0], vec![0.0]), "dwell");
    refused(Arrivals::trace(vec![], 0.0), "times");
    refused(Arrivals::trace(vec![-1.0], 0.0), "times");
    refused(Arrivals::trace(vec![1.0], -1.0), "resolution");
}

#[test]
fn schedules_out_of_order() {
    let schedule = |points: &[(f64, f64)], period| {
        let points = points
            .iter()
            .map(|&(at, rate)| RatePoint { at, rate })
            .collect();
        RateSchedule::new(points, RateShape::Linear, period)
    };
    refused(schedule(&[], INF), "points");
    refused(schedule(&[(1.0, 1.0)], INF), "points");
    refused(schedule(&[(0.0, 1.0), (0.0, 2.0)], INF), "points");
    refused(schedule(&[(0.0, 1.0), (NAN, 2.0)], INF), "points");
    refused(schedule(&[(0.0, -1.0)], INF), "points");
    refused(schedule(&[(0.0, 0.0), (1.0, 0.0)], INF), "points");
    refused(schedule(&[(0.0, 1.0), (5.0, 1.0)], 5.0), "period");
    refused(schedule(&[(0.0, 1.0)], NAN), "period");
}
