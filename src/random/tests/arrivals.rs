//! Arrival streams against the theory of their processes.

use super::assert_relative;
use crate::random::{
    ArrivalStream, Arrivals, DiscreteDistribution, Distribution, RatePoint, RateShape,
};

fn times(arrivals: &Arrivals, seed: u64) -> ArrivalStream {
    ArrivalStream::new(arrivals, seed, 0, "web")
}

/// Numbers of orders in `windows` windows of `width` seconds.
fn counts(arrivals: &Arrivals, seed: u64, windows: usize, width: f64) -> Vec<f64> {
    let mut counts = vec![0.0; windows];
    let end = windows as f64 * width;
    for time in times(arrivals, seed).take_while(|time| *time < end) {
        counts[(time / width) as usize] += 1.0;
    }
    counts
}

fn mean_and_variance(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares = values
        .iter()
        .map(|value| (value - mean).powi(2))
        .sum::<f64>();
    (mean, squares / (n - 1.0))
}

/// Counts in 4,000 windows so wide that they are nearly independent and the index of dispersion
/// is near its limit: the mean count within 4.5 standard errors, and the index within 4.5·√(2/n)
/// = 10 % of its theory plus 2 % for the width.
fn check_counts(arrivals: &Arrivals, width: f64) {
    let (windows, scv) = (4000, arrivals.scv().unwrap());
    let (mean, variance) = mean_and_variance(&counts(arrivals, 3, windows, width));
    let expected = arrivals.mean_rate() * width;
    let error = (scv * expected / windows as f64).sqrt();
    assert!(
        (mean - expected).abs() < 4.5 * error,
        "{arrivals:?}: {mean}, not {expected}"
    );
    assert_relative(variance / mean, scv, 0.12);
}

fn poisson(rate: f64) -> Arrivals {
    Arrivals::poisson(rate).unwrap()
}

#[test]
fn poisson_counts() {
    check_counts(&poisson(2.0), 20.0);
}

#[test]
fn renewal_counts() {
    for gap in [
        Distribution::erlang(2, 0.5),
        Distribution::hyperexponential_mean_scv(0.5, 3.0),
        Distribution::uniform(0.0, 1.0),
    ] {
        check_counts(&Arrivals::renewal(gap.unwrap()).unwrap(), 150.0);
    }
}

#[test]
fn modulated_counts() {
    check_counts(
        &Arrivals::mmpp(vec![3.0, 0.0], vec![1.0, 1.0]).unwrap(),
        100.0,
    );
    check_counts(
        &Arrivals::mmpp(vec![5.0, 1.0, 0.0], vec![0.5, 1.0, 2.0]).unwrap(),
        200.0,
    );
}

#[test]
fn batch_counts() {
    for size in [
        DiscreteDistribution::geometric(2.0),
        DiscreteDistribution::finite(vec![1, 5, 20], vec![0.5, 0.3, 0.2]),
        DiscreteDistribution::deterministic(3),
    ] {
        check_counts(&Arrivals::batch(poisson(1.0), size.unwrap()).unwrap(), 20.0);
    }
}

/// The two-state formula of Fischer & Meier-Hellstern, "The Markov-modulated Poisson process
/// (MMPP) cookbook", Performance Evaluation 18 (1993):
/// 1 + 2 σ₁σ₂(λ₁ − λ₂)²/((σ₁ + σ₂)²(λ₁σ₂ + λ₂σ₁)).
#[test]
fn modulated_dispersion_matches_the_two_state_formula() {
    let (rates, dwell) = ([1.8, 0.2], [10.0, 4.0]);
    let (a, b) = (1.0 / dwell[0], 1.0 / dwell[1]);
    let spread: f64 = rates[0] - rates[1];
    let rate_sum = rates[0] * b + rates[1] * a;
    let expected = 1.0 + 2.0 * a * b * spread.powi(2) / ((a + b) * (a + b) * rate_sum);
    let arrivals = Arrivals::mmpp(rates.to_vec(), dwell.to_vec()).unwrap();
    assert_relative(arrivals.scv().unwrap(), expected, 1e-13);
    // The circle listed twice is the same process.
    let twice = Arrivals::mmpp(rates.repeat(2), dwell.repeat(2)).unwrap();
    assert_relative(twice.scv().unwrap(), expected, 1e-13);
    assert_relative(twice.mean_rate(), arrivals.mean_rate(), 1e-15);
}

/// The start is in the steady state: over many replications the first second has the mean rate.
#[test]
fn modulated_arrivals_start_in_the_steady_state() {
    let arrivals = Arrivals::mmpp(vec![10.0, 0.0], vec![30.0, 70.0]).unwrap();
    let first_second = |replication| {
        let stream = ArrivalStream::new(&arrivals, 1, replication, "web");
        stream.take_while(|time| *time < 1.0).count() as f64
    };
    let counts: Vec<f64> = (0..4000).map(first_second).collect();
    let (mean, variance) = mean_and_variance(&counts);
    assert!(
        (mean - 3.0).abs() < 4.5 * (variance / 4000.0).sqrt(),
        "{mean}"
    );
}

#[test]
fn batches_share_their_times_with_the_process_alone() {
    let size = DiscreteDistribution::deterministic(2).unwrap();
    let pairs = Arrivals::batch(poisson(1.0), size.clone()).unwrap();
    let alone: Vec<f64> = times(&poisson(1.0), 5).take(50).collect();
    let doubled: Vec<f64> = times(&pairs, 5).take(100).collect();
    assert!(
        alone
            .iter()
            .zip(doubled.chunks(2))
            .all(|(t, pair)| pair == [*t, *t])
    );
    let four = Arrivals::batch(pairs, size).unwrap();
    assert_eq!((four.mean_rate(), four.scv()), (4.0, Some(4.0)));
    assert!(
        alone
            .iter()
            .zip(times(&four, 5).collect_chunks(4))
            .all(|(t, c)| c == [*t; 4])
    );
}

trait CollectChunks {
    fn collect_chunks(self, size: usize) -> std::vec::IntoIter<Vec<f64>>;
}

impl CollectChunks for ArrivalStream {
    fn collect_chunks(mut self, size: usize) -> std::vec::IntoIter<Vec<f64>> {
        let chunk = |_| (&mut self).take(size).collect();
        (0..50).map(chunk).collect::<Vec<_>>().into_iter()
    }
}

#[test]
fn even_arrivals_do_not_drift() {
    let arrivals = Arrivals::deterministic(3.0).unwrap();
    assert_eq!(times(&arrivals, 1).nth(2_999_999), Some(1e6));
    assert_eq!((arrivals.scv(), arrivals.is_poisson()), (Some(0.0), None));
}

/// Counts by phase of the period against the integral of the rate: chi-square with 23 degrees of
/// freedom, of which 57.07 is the 1 − 1e-4 quantile.
#[test]
fn scheduled_arrivals_follow_the_rate() {
    let point = |at: f64, rate| RatePoint { at, rate };
    let points = vec![point(0.0, 0.2), point(8.0, 2.0), point(16.0, 1.0)];
    for shape in [RateShape::Stepped, RateShape::Linear] {
        let arrivals = Arrivals::schedule(points.clone(), shape, 24.0).unwrap();
        let Arrivals::Schedule(schedule) = &arrivals else {
            panic!("{arrivals:?}")
        };
        let days = 1000.0;
        let mut counts = [0.0; 24];
        for time in times(&arrivals, 9).take_while(|time| *time < 24.0 * days) {
            counts[(time % 24.0) as usize] += 1.0;
        }
        let square = |(hour, count): (usize, &f64)| {
            let hour = hour as f64;
            let expected = days * (schedule.integral(hour + 1.0) - schedule.integral(hour));
            (count - expected).powi(2) / expected
        };
        let chi_square: f64 = counts.iter().enumerate().map(square).sum();
        assert!(chi_square < 57.07, "{shape:?}: {chi_square}");
    }
}

#[test]
fn a_pulse_ends() {
    let point = |at, rate| RatePoint { at, rate };
    let points = vec![point(0.0, 50.0), point(10.0, 0.0)];
    let pulse = Arrivals::schedule(points, RateShape::Stepped, f64::INFINITY).unwrap();
    let mut stream = times(&pulse, 1);
    let orders = stream.by_ref().map(|time| assert!(time <= 10.0)).count() as f64;
    assert!((orders - 500.0).abs() < 4.5 * 500f64.sqrt(), "{orders}");
    assert_eq!(stream.next(), None);
    assert_eq!((pulse.mean_rate(), pulse.mean_rate_over(20.0)), (0.0, 25.0));
    assert_eq!((pulse.scv(), pulse.is_stationary()), (None, false));
}

#[test]
fn ties_of_a_trace_are_spread_in_order() {
    let recorded = vec![120.0, 0.0, 60.0, 60.0, 60.0, 120.0];
    let trace = Arrivals::trace(recorded.clone(), 60.0).unwrap();
    let spread: Vec<f64> = times(&trace, 1).collect();
    assert!(spread.is_sorted() && spread.len() == 6);
    assert_eq!(spread[0], 0.0);
    assert!(spread[1..4].iter().all(|t| (60.0..120.0).contains(t)));
    assert!(spread[4..].iter().all(|t| (120.0..180.0).contains(t)));
    assert!(spread[1] < spread[2] && spread[2] < spread[3]);
    let exact = Arrivals::trace(recorded, 0.0).unwrap();
    let replayed: Vec<f64> = times(&exact, 1).collect();
    assert_eq!(replayed, [0.0, 60.0, 60.0, 60.0, 120.0, 120.0]);
    assert_eq!(
        (exact.mean_rate(), exact.mean_rate_over(60.0)),
        (0.05, 4.0 / 60.0)
    );
}

/// Every kind of process, filled in pieces and asked one by one; three of them end.
#[test]
fn times_filled_together_are_those_asked_one_by_one() {
    let point = |at, rate| RatePoint { at, rate };
    let pulse = vec![point(0.0, 50.0), point(30.0, 0.0)];
    let size = DiscreteDistribution::geometric(3.0).unwrap();
    for arrivals in [
        Ok(poisson(3.0)),
        Arrivals::renewal(Distribution::uniform(0.0, 1.0).unwrap()),
        Arrivals::deterministic(3.0),
        Arrivals::mmpp(vec![3.0, 0.0], vec![1.0, 1.0]),
        Arrivals::batch(poisson(1.0), size.clone()),
        Arrivals::schedule(pulse.clone(), RateShape::Stepped, f64::INFINITY),
        Arrivals::trace(vec![0.0, 1.0, 1.0, 1.0, 2.0], 1.0),
        Arrivals::batch(Arrivals::trace(vec![0.0, 5.0], 0.0).unwrap(), size),
    ] {
        let arrivals = arrivals.unwrap();
        let mut one_by_one = times(&arrivals, 4);
        let mut together = times(&arrivals, 4);
        let mut buffer = [0.0; 1000];
        for asked in [1, 3, 1000, 500, 999] {
            let filled = together.fill(&mut buffer[..asked]);
            for time in &buffer[..filled] {
                assert_eq!(one_by_one.next(), Some(*time), "{arrivals:?}");
            }
            if filled < asked {
                assert_eq!(one_by_one.next(), None, "{arrivals:?}");
            }
        }
    }
}

#[test]
fn poisson_in_disguise_is_seen() {
    let one = DiscreteDistribution::geometric(1.0).unwrap();
    let gap = Distribution::erlang(1, 0.5).unwrap();
    let constant = vec![RatePoint { at: 0.0, rate: 2.0 }];
    for arrivals in [
        Arrivals::renewal(gap),
        Arrivals::mmpp(vec![2.0, 2.0], vec![1.0, 9.0]),
        Arrivals::schedule(constant, RateShape::Linear, 24.0),
        Arrivals::batch(poisson(2.0), one),
    ] {
        let arrivals = arrivals.unwrap();
        let seen = (
            arrivals.is_poisson(),
            arrivals.scv(),
            arrivals.is_stationary(),
        );
        assert_eq!(seen, (Some(2.0), Some(1.0), true), "{arrivals:?}");
    }
}
