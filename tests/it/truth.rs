//! Theory and simulation against figures that others published or computed: `tests/truth/`.
//!
//! Each case there is a scenario with the figures it must give; every one is simulated.

use crate::cases::{Case, Expected, families, loaded, network, place};
use orderline::network::{Horizon, Network};
use orderline::report::corrected_level;
use orderline::sim::{Control, SimOptions, simulate};
use orderline::theory::{Kind, analyze};

/// What is matched, and by which model, stands in the page of models (`catalogue`).
#[test]
fn a_figure_labelled_exact_is_exact() {
    let mut wrong = Vec::new();
    let families = families();
    let cases = families.iter().flat_map(|family| &family.cases);
    for case in cases.filter(|case| case.exactness == "exact") {
        let network = network(case);
        let theory = analyze(&network);
        for expected in &case.expect {
            let figure = theory.figure(place(&network, &expected.at), expected.metric());
            let Some(figure) = figure.filter(|figure| figure.kind == Kind::Exact) else {
                continue;
            };
            if (figure.value - expected.value).abs() > expected.tolerance() {
                wrong.push(format!(
                    "{} {} {}: {} but the truth is {}",
                    case.id, expected.at, expected.metric, figure.value, expected.value
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Probability that this whole test fails by chance though everything is right. Each of its m
/// figures is judged at level 1 − FALSE_ALARM/m (Bonferroni); with the seeds fixed, it either always
/// fails or never.
const FALSE_ALARM: f64 = 0.01;

/// Simulates every case with `orders` orders in each replication (the case's own run for `None`).
fn simulate_all(orders: Option<u64>) {
    let families = families();
    let cases: Vec<(&Case, Network)> = families
        .iter()
        .flat_map(|family| &family.cases)
        .map(|case| (case, network(case)))
        .collect();
    let figures: usize = cases.iter().map(|(case, _)| case.expect.len()).sum();
    let level = corrected_level(1.0 - FALSE_ALARM, figures);
    let mut wrong = Vec::new();
    for (case, network) in cases {
        wrong.extend(misses(case, network, orders, level));
    }
    println!("{figures} figures judged at {:.5} % each", 100.0 * level);
    assert!(
        wrong.is_empty(),
        "{} of {figures}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

fn misses(case: &Case, mut network: Network, orders: Option<u64>, level: f64) -> Vec<String> {
    if let Some(orders) = orders {
        shorten(&mut network, orders);
    }
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    let sim = simulate(&network, SimOptions::on(threads), &Control::default());
    let sim = match sim {
        Ok(sim) => sim,
        Err(error) => return vec![format!("{}: {error}", case.id)],
    };
    let miss = |expected: &Expected| {
        let metric = expected.metric();
        let result = sim
            .at(place(&network, &expected.at))
            .expect("orders come everywhere");
        let estimate = result.estimates.get(&metric);
        let Some(estimate) = estimate else {
            return Some(format!("{} {}: no {metric}", case.id, expected.at));
        };
        let interval = estimate.interval(level).expect("several replications");
        let slack = expected.tolerance() + estimate.resolution;
        let inside =
            interval.low - slack <= expected.value && expected.value <= interval.high + slack;
        (!inside).then(|| {
            let (point, half) = (estimate.point, interval.half_width());
            format!(
                "{} {} {metric}: {point} ± {half}, truth {}",
                case.id, expected.at, expected.value
            )
        })
    };
    case.expect.iter().filter_map(miss).collect()
}

#[test]
fn every_case_loads_without_a_warning() {
    let families = families();
    let cases = || families.iter().flat_map(|family| &family.cases);
    assert_eq!(cases().count(), 277);
    for case in cases() {
        assert_eq!(loaded(case).warnings, [], "{}", case.id);
    }
}

/// A run of fewer orders at the same rates; a fixed warm-up stays whole.
fn shorten(network: &mut Network, orders: u64) {
    let rate = network.offered_rate();
    if let Horizon::Duration(duration) = &mut network.run.horizon {
        let warmup = match network.run.warmup {
            orderline::network::Warmup::Fixed(warmup) => warmup,
            orderline::network::Warmup::Auto => 0.0,
        };
        *duration = duration.min(warmup + orders as f64 / rate);
    }
}

#[test]
fn simulated_intervals_contain_the_truth() {
    simulate_all(Some(20_000));
}

/// The cases as they ask to be run: about twenty million orders each.
#[test]
#[ignore = "takes minutes in release mode; CI runs it"]
fn simulated_intervals_contain_the_truth_at_full_length() {
    simulate_all(None);
}
