//! What a simulation measures beside what is known.

use orderline::metric::Metric;
use orderline::network::{Horizon, Network, Place, Replications, StageId, Warmup};
use orderline::random::Distribution;
use orderline::report::corrected_level;
use orderline::sim::{Control, SimOptions, SimResult, simulate};

pub fn constant(seconds: f64) -> Distribution {
    Distribution::deterministic(seconds).expect("a time")
}

pub fn exponential(rate: f64) -> Distribution {
    Distribution::exponential(rate).expect("a rate")
}

pub fn run(network: &Network) -> SimResult {
    simulate(network, SimOptions::on(2), &Control::default()).expect("it runs")
}

/// The same pipeline, run long enough to see a figure to within a few per cent.
pub fn long(mut network: Network) -> Network {
    network.seed = 11;
    network.run.horizon = Horizon::Orders(20_000);
    network.run.warmup = Warmup::Fixed(200.0);
    network.run.replications = Replications::Fixed(20);
    network
}

/// Probability that a test of known figures fails by chance though all is right.
const FALSE_ALARM: f64 = 0.01;

/// What is known of a place: a stage, or `None` for the pipeline.
pub type Known<'a> = (Option<usize>, &'a str, f64);

/// Each of the known figures lies in its interval, and the interval is a narrow one.
pub fn agrees(what: &str, network: Network, known: &[Known]) {
    let sim = run(&long(network));
    let level = corrected_level(1.0 - FALSE_ALARM, known.len());
    for (stage, name, exact) in known {
        let place = stage.map_or(Place::Pipeline, |stage| Place::Stage(StageId(stage)));
        let metric: Metric = name.parse().expect("a metric");
        let estimates = &sim.at(place).expect("a place").estimates;
        let estimate = estimates
            .get(&metric)
            .unwrap_or_else(|| panic!("{what}: no {name}"));
        let interval = estimate.interval(level).expect("several replications");
        println!(
            "{what}: {name} {exact:.6}, measured {:.6} ± {:.6}",
            estimate.point,
            interval.half_width()
        );
        assert!(
            estimate.agrees_with(*exact, level) == Some(true),
            "{what}: {name} {exact} is not in {interval:?}"
        );
        assert!(
            interval.half_width() <= 0.1 * exact.abs(),
            "{what}: {name} {exact}, {interval:?} proves nothing"
        );
    }
}
