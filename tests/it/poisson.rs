//! Poisson arrivals before service of any law: what theory calls exact against simulation, on a grid of
//! laws and loads.

use crate::networks::single;
use orderline::metric::{Metric, Statistic};
use orderline::network::{
    Capacity, Consumers, Horizon, Network, Place, Replications, StageId, Warmup,
};
use orderline::random::{Arrivals, DiscreteDistribution, Distribution};
use orderline::report::corrected_level;
use orderline::sim::{Control, SimOptions, simulate};
use orderline::theory::{Kind, analyze};

/// Probability that the whole test fails by chance though everything is right: each of its m figures is
/// judged at level 1 − FALSE_ALARM/m (Bonferroni). The seeds are fixed.
const FALSE_ALARM: f64 = 0.01;

/// Orders in each of ten replications.
const ORDERS: f64 = 20_000.0;

fn laws() -> Vec<Distribution> {
    [
        Distribution::deterministic(1.0),
        Distribution::uniform(0.0, 2.0),
        Distribution::lognormal_mean_scv(1.0, 1.0),
        Distribution::weibull_mean_scv(1.0, 2.0),
        Distribution::empirical(vec![0.5, 0.5, 2.0]),
        Distribution::gamma_mean_scv(1.0, 0.3),
    ]
    .map(Result::unwrap)
    .to_vec()
}

fn with_run(arrivals: Arrivals, law: Distribution, seed: u64) -> Network {
    let rate = arrivals.mean_rate();
    let mut network = single(arrivals, law);
    network.seed = seed;
    network.run.warmup = Warmup::Fixed(2_000.0);
    network.run.horizon = Horizon::Duration(2_000.0 + ORDERS / rate);
    network.run.replications = Replications::Fixed(10);
    network
}

/// M/G/1, M/D/3, M/G/1/K and M^X/G/1 at loads from 0.3 to 0.95.
fn grid() -> Vec<Network> {
    let mut grid = Vec::new();
    for (i, law) in laws().into_iter().enumerate() {
        let seed = 1_000 + i as u64;
        for rho in [0.3, 0.8] {
            grid.push(with_run(Arrivals::Poisson { rate: rho }, law.clone(), seed));
        }
        for rho in [0.7, 1.2] {
            let mut bounded = with_run(Arrivals::Poisson { rate: rho }, law.clone(), seed);
            bounded.stages[0].capacity = Capacity::Reject(3);
            grid.push(bounded);
        }
        let batch = Arrivals::Batch {
            process: Box::new(Arrivals::Poisson { rate: 0.3 }),
            size: DiscreteDistribution::finite(vec![1, 3], vec![0.5, 0.5]).unwrap(),
        };
        grid.push(with_run(batch, law, seed));
    }
    for rate in [1.5, 2.85] {
        let law = Distribution::deterministic(1.0).unwrap();
        let mut several = with_run(Arrivals::Poisson { rate }, law, 7);
        several.stages[0].consumers = Consumers::Finite(3);
        grid.push(several);
    }
    let batch = Arrivals::Batch {
        process: Box::new(Arrivals::Poisson { rate: 0.9 }),
        size: DiscreteDistribution::geometric(3.0).unwrap(),
    };
    let mut several = with_run(batch, Distribution::exponential(1.0).unwrap(), 8);
    several.stages[0].consumers = Consumers::Finite(4);
    grid.push(several);
    grid
}

/// What the model says, not the identities that hold for every stage.
fn of_the_wait(metric: Metric) -> bool {
    let name = metric.to_string();
    let chosen = [
        "waiting_time",
        "sojourn_time",
        "wait_probability",
        "loss_probability",
        "queue_length",
    ];
    // Estimated variances are too skewed for intervals from ten short runs.
    let variance = matches!(metric, Metric::Time(_, Statistic::Variance));
    chosen.iter().any(|start| name.starts_with(start)) && !variance
}

#[test]
fn exact_figures_behind_poisson_arrivals_are_simulated() {
    let place = Place::Stage(StageId(0));
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    let mut figures = Vec::new();
    for network in grid() {
        let theory = analyze(&network);
        let sim = simulate(&network, SimOptions::on(threads), &Control::default()).unwrap();
        let result = sim.at(place).expect("orders come");
        let model = &theory.stages[0];
        for (metric, figure) in &model.figures {
            if figure.kind != Kind::Exact || !of_the_wait(*metric) {
                continue;
            }
            if let Some(estimate) = result.estimates.get(metric) {
                figures.push((model.model.clone(), *metric, figure.value, estimate.clone()));
            }
        }
    }
    assert!(figures.len() > 300, "{} figures", figures.len());
    let level = corrected_level(1.0 - FALSE_ALARM, figures.len());
    let mut wrong = Vec::new();
    for (model, metric, value, estimate) in &figures {
        let interval = estimate.interval(level).expect("several replications");
        let slack = estimate.resolution + 1e-9 * value;
        if !(interval.low - slack <= *value && *value <= interval.high + slack) {
            let (point, half) = (estimate.point, interval.half_width());
            wrong.push(format!(
                "{model} {metric}: {point} ± {half}, theory {value}"
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        figures.len(),
        wrong.join("\n")
    );
}
