//! Loads that vary with time: exact figures against simulation.

use orderline::metric::Metric;
use orderline::network::{Network, Place, StageId};
use orderline::report::corrected_level;
use orderline::scenario;
use orderline::sim::{Control, SimOptions, simulate};
use orderline::theory::{Kind, analyze};
use std::path::Path;

/// A stage fed by a schedule, with a run of so long.
fn network(arrivals: &str, stage: &str, run: &str) -> Network {
    let text = format!(
        "name = \"varying\"\nseed = 5\n[run]\nreplications = 20\n{run}\n[[producer]]\nname = \"p\"\n\
         to = \"s\"\narrivals = {{ schedule = {arrivals} }}\n[[stage]]\nname = \"s\"\n{stage}\n"
    );
    let loaded = scenario::parse(&text, "varying.toml", Path::new("."), &[]);
    loaded.unwrap_or_else(|error| panic!("{error}")).network
}

const WAVE: &str = "{ points = [{ at = 0, rate = 1 }, { at = 4, rate = 7 }, { at = 6, rate = 7 }], shape = \"linear\", period = 12 }";
const STEPS: &str = "{ points = [{ at = 0, rate = 2 }, { at = 3, rate = 9 }, { at = 5, rate = 1 }], shape = \"stepped\", period = 10 }";
const PEAK: &str = "{ points = [{ at = 0, rate = 3 }, { at = 40, rate = 12 }, { at = 60, rate = 2 }], shape = \"stepped\" }";

const MANY: &str = "duration = 1440\nwarmup = 240";
const WHOLE: &str = "duration = 150\nwarmup = 0";
const REST: &str = "duration = 130\nwarmup = 35";

const GRID: &[(&str, &str, &str)] = &[
    (
        WAVE,
        "consumers = 6\nservice = { exponential = { rate = 1 } }",
        MANY,
    ),
    (
        WAVE,
        "consumers = 1\nservice = { exponential = { rate = 6 } }\nqueue = { discipline = \"lifo\" }",
        MANY,
    ),
    (
        WAVE,
        "consumers = 3\nservice = { exponential = { rate = 1 } }\nqueue = { capacity = 4, overflow = \"reject\" }",
        MANY,
    ),
    (
        STEPS,
        "consumers = 4\nservice = { exponential = { rate = 1 } }\nqueue = { capacity = 0, overflow = \"reject\" }",
        "duration = 1200\nwarmup = 200",
    ),
    (
        STEPS,
        "consumers = \"unlimited\"\nservice = { gamma = { mean = 2, scv = 0.5 } }",
        "duration = 1200\nwarmup = 200",
    ),
    (
        STEPS,
        "consumers = 5\nservice = { exponential = { rate = 1 } }",
        WHOLE,
    ),
    (
        PEAK,
        "consumers = 2\nservice = { exponential = { rate = 3 } }",
        WHOLE,
    ),
    (
        PEAK,
        "consumers = 2\nservice = { exponential = { rate = 3 } }\nqueue = { discipline = \"random\" }",
        REST,
    ),
    (
        PEAK,
        "consumers = 2\nservice = { exponential = { rate = 3 } }\nqueue = { capacity = 9, overflow = \"reject\" }",
        REST,
    ),
    (
        PEAK,
        "consumers = \"unlimited\"\nservice = { deterministic = { value = 4 } }",
        REST,
    ),
];

/// Probability that the test fails by chance though everything is right: each of its m figures is judged
/// at level 1 − FALSE_ALARM/m. With the seed fixed it either always fails or never.
const FALSE_ALARM: f64 = 0.01;

#[test]
fn exact_figures_of_varying_loads_are_those_of_the_simulation() {
    let stage = Place::Stage(StageId(0));
    let mut judged = Vec::new();
    for (index, (arrivals, service, run)) in GRID.iter().enumerate() {
        let network = network(arrivals, service, run);
        let theory = analyze(&network);
        let transient = theory.transient(StageId(0)).expect("a load that varies");
        assert!(transient.measured, "case {index}");
        let sim = simulate(&network, SimOptions::on(2), &Control::default());
        let sim = sim.expect("a run");
        let estimates = &sim.at(stage).expect("orders come").estimates;
        let figures = theory.figures(stage).expect("figures");
        let exact = figures
            .iter()
            .filter(|(_, figure)| figure.kind == Kind::Exact);
        let before = judged.len();
        for (metric, figure) in exact {
            let service = metric.to_string().starts_with("service");
            let Some(estimate) = estimates.get(metric).filter(|_| !service) else {
                continue;
            };
            judged.push((index, *metric, figure.value, estimate.clone()));
        }
        let known = |metric| judged[before..].iter().any(|judged| judged.1 == metric);
        assert!(
            known(Metric::NumberInSystem) && known(Metric::ArrivalRate),
            "case {index}"
        );
    }
    let level = corrected_level(1.0 - FALSE_ALARM, judged.len());
    assert!(judged.len() > 50);
    for (case, metric, value, estimate) in judged {
        let interval = estimate.interval(level).expect("several replications");
        let slack = estimate.resolution + 1e-9;
        assert!(
            interval.low - slack <= value && value <= interval.high + slack,
            "case {case} {metric}: {} ± {}, theory {value}",
            estimate.point,
            interval.half_width()
        );
    }
}

#[test]
fn behind_a_stage_that_varies_it_is_an_approximation() {
    let mut text = String::from(
        "name = \"two\"\nseed = 5\n[run]\nduration = 1440\nwarmup = 240\nreplications = 20\n",
    );
    text +=
        &format!("[[producer]]\nname = \"p\"\nto = \"a\"\narrivals = {{ schedule = {WAVE} }}\n");
    text += "[[stage]]\nname = \"a\"\nconsumers = 12\nservice = { exponential = { rate = 1 } }\nnext = \"b\"\n";
    text += "[[stage]]\nname = \"b\"\nconsumers = 2\nservice = { exponential = { rate = 3 } }\n";
    let network = scenario::parse(&text, "two.toml", Path::new("."), &[])
        .expect("valid")
        .network;
    let theory = analyze(&network);
    let sim = simulate(&network, SimOptions::on(2), &Control::default()).expect("a run");
    let place = Place::Stage(StageId(1));
    let figure = theory
        .figure(place, Metric::NumberInSystem)
        .expect("an approximation");
    assert_eq!(figure.kind, Kind::Approximation);
    let measured = sim.at(place).expect("orders").estimates[&Metric::NumberInSystem].point;
    assert!(
        (figure.value / measured - 1.0).abs() < 0.2,
        "{} for {measured}",
        figure.value
    );
}
