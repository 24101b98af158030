//! Networks with populations, from the scenario's network to figures.

use crate::metric::{Metric, Statistic, TimeKind};
use crate::network::{Capacity, ClassId, Consumers, Discipline, Network, Place, StageId};
use crate::random::Distribution;
use crate::theory::testing::{Sketch, exponential};
use crate::theory::{Kind, NetworkTheory, Reason, analyze};
use approx::assert_relative_eq;
use proptest::prelude::*;

const WAIT: Metric = Metric::mean(TimeKind::Waiting);
const LATENCY: Metric = Metric::mean(TimeKind::Latency);

fn of(theory: &NetworkTheory, place: Place, metric: Metric) -> f64 {
    theory
        .figure(place, metric)
        .unwrap_or_else(|| panic!("no {metric}"))
        .value
}

fn at(theory: &NetworkTheory, stage: usize, metric: Metric) -> f64 {
    of(theory, Place::Stage(StageId(stage)), metric)
}

fn none() -> Distribution {
    Distribution::deterministic(0.0).unwrap()
}

#[test]
fn machine_repair_is_named_and_complete() {
    let mut sketch = Sketch::new();
    sketch.stage(3, exponential(0.25));
    sketch.population(0, 5, exponential(0.1), 0);
    let theory = analyze(&sketch.network());
    assert_eq!(theory.model(StageId(0)), "M/M/3//5");
    assert_relative_eq!(
        at(&theory, 0, Metric::QueueLength),
        0.0397866701567255,
        max_relative = 1e-12
    );
    let p99 = Metric::Time(TimeKind::Sojourn, Statistic::P99);
    let latency = Metric::Time(TimeKind::Latency, Statistic::P99);
    assert_eq!(at(&theory, 0, p99), of(&theory, Place::Pipeline, latency));
    assert!(theory.stages.iter().all(|s| s.unexplained.is_empty()));
    assert!(!theory.unstable(Place::Pipeline));
}

#[test]
fn engset_does_not_feel_the_laws() {
    let loss = |think: Distribution, service: Distribution| {
        let mut sketch = Sketch::new();
        sketch.stage(3, service).bound(0, 0);
        sketch.population(0, 12, think, 0);
        let theory = analyze(&sketch.network());
        let figure = theory.figure(Place::Stage(StageId(0)), Metric::LossProbability);
        assert_eq!(figure.unwrap().kind, Kind::Exact);
        (figure.unwrap().value, theory.model(StageId(0)).to_owned())
    };
    let (markov, name) = loss(exponential(0.1), exponential(1.0));
    assert_eq!(name, "M/M/3/3//12");
    assert_relative_eq!(markov, 0.0586145648312611, max_relative = 1e-12);
    let even = Distribution::deterministic(10.0).unwrap();
    let spread = Distribution::lognormal_mean_scv(1.0, 4.0).unwrap();
    assert_relative_eq!(loss(even, spread).0, markov, max_relative = 1e-12);
}

#[test]
fn the_central_server_of_bolch() {
    // G. Bolch et al. (2006), Queueing Networks and Markov Chains, example 8.1.
    let mut sketch = Sketch::new();
    sketch
        .stage(2, exponential(0.8))
        .stage(3, exponential(0.6))
        .stage(1, exponential(0.4));
    sketch.then(0, 1, 0.667).then(0, 2, 0.2).done(0, 0.133);
    sketch.population(0, 3, none(), 0);
    let theory = analyze(&sketch.network());
    for (stage, number) in [(0, 1.29), (1, 1.05), (2, 0.66)] {
        assert_relative_eq!(
            at(&theory, stage, Metric::NumberInSystem),
            number,
            epsilon = 6e-3
        );
    }
    assert_relative_eq!(at(&theory, 2, Metric::Utilization), 0.473, epsilon = 1e-3);
    assert_eq!(theory.model(StageId(0)), "·/M/2 in closed product form");
    let inside = of(&theory, Place::Pipeline, Metric::NumberInSystem);
    assert_relative_eq!(inside, 3.0, max_relative = 1e-12);
}

#[test]
fn a_saturated_line_with_blocking() {
    let mut sketch = Sketch::new();
    sketch.stage(1, exponential(1.0)).stage(1, exponential(1.0));
    sketch.then(0, 1, 1.0).population(0, 20, none(), 0);
    let mut network = sketch.network();
    network.stages[1].capacity = Capacity::Block(1);
    let theory = analyze(&network);
    let x = theory.figure(Place::Pipeline, Metric::Throughput).unwrap();
    assert_eq!(x.kind, Kind::Exact);
    assert_relative_eq!(x.value, 0.75, max_relative = 1e-12);
    let latency = of(&theory, Place::Pipeline, LATENCY);
    assert_relative_eq!(latency, 20.0 / 0.75, max_relative = 1e-12);
}

#[test]
fn a_line_too_large_to_count_knows_its_limit() {
    let mut sketch = Sketch::new();
    sketch.stage(1, exponential(1.0)).stage(2, exponential(0.4));
    sketch.then(0, 1, 1.0).population(0, 70_000, none(), 0);
    let mut network = sketch.network();
    network.stages[1].capacity = Capacity::Block(5);
    let theory = analyze(&network);
    let x = theory.figure(Place::Pipeline, Metric::Throughput).unwrap();
    assert_eq!((x.kind, x.value), (Kind::Bound, 0.8));
    assert!(theory.why_not(Place::Pipeline, LATENCY).contains("block"));
}

#[test]
fn what_has_no_product_form_is_an_approximation() {
    let mut sketch = Sketch::new();
    sketch.classes(&[0, 1]);
    sketch
        .stage(1, exponential(1.0))
        .own(0, 1, exponential(3.0));
    sketch.population(0, 4, exponential(0.5), 0);
    sketch.population(1, 6, exponential(0.2), 0);
    let both = [
        Discipline::Fifo,
        Discipline::Priority,
        Discipline::PreemptivePriority,
    ];
    let waits = both.map(|order| {
        sketch.order(0, order);
        let theory = analyze(&sketch.network());
        let figure = theory
            .figure(Place::Class(StageId(0), ClassId(0)), WAIT)
            .unwrap();
        assert_eq!(figure.kind, Kind::Approximation);
        figure.value
    });
    assert!(waits[0] > waits[1] && waits[1] > waits[2], "{waits:?}");
}

#[test]
fn a_population_too_large_to_count_is_approximated() {
    let mut sketch = Sketch::new();
    sketch
        .classes(&[0, 0])
        .stage(4, exponential(1.0))
        .stage(1, exponential(2.0));
    sketch.then(0, 1, 0.5).done(0, 0.5);
    sketch.population(0, 40_000, exponential(0.001), 0);
    sketch.population(1, 90_000, exponential(0.001), 0);
    let theory = analyze(&sketch.network());
    let x = theory
        .figure(Place::Stage(StageId(0)), Metric::Throughput)
        .unwrap();
    assert_eq!(x.kind, Kind::Approximation);
    assert_relative_eq!(x.value, 4.0, max_relative = 1e-3);
}

#[test]
fn open_orders_can_leave_nothing_to_the_customers() {
    let mut sketch = Sketch::new();
    sketch.stage(1, exponential(1.0)).poisson(1.5, 0);
    sketch.population(0, 3, exponential(1.0), 0);
    let theory = analyze(&sketch.network());
    assert!(theory.unstable(Place::Stage(StageId(0))) && theory.unstable(Place::Pipeline));
    let why = theory.why_not(Place::Stage(StageId(0)), WAIT);
    assert!(why.contains("offered load 1.5"), "{why}");
}

#[test]
fn what_no_model_has_is_named() {
    let mut sketch = Sketch::new();
    sketch
        .stage(1, exponential(1.0))
        .population(0, 3, exponential(1.0), 0);
    let mut network = sketch.network();
    network.stages[0].extras.patience = crate::network::Patience::Limited(exponential(1.0));
    let theory = analyze(&network);
    let expected = Reason::NoModel {
        place: "s0".to_owned(),
        feature: "patience",
    };
    assert_eq!(theory.stages[0].unexplained, [expected]);
}

#[test]
fn a_stage_for_everyone_and_a_shared_one_do_not_feel_the_laws() {
    let throughput = |law: fn(f64) -> Distribution| {
        let mut sketch = Sketch::new();
        sketch.stage(1, law(0.7)).stage(1, law(2.0)).unlimited(1);
        sketch.order(0, Discipline::ProcessorSharing);
        sketch.then(0, 1, 1.0).population(0, 6, exponential(1.0), 0);
        let theory = analyze(&sketch.network());
        let figure = *theory.figure(Place::Pipeline, Metric::Throughput).unwrap();
        assert_eq!(figure.kind, Kind::Exact);
        figure.value
    };
    let markov = throughput(|mean| exponential(1.0 / mean));
    let spread = throughput(|mean| Distribution::lognormal_mean_scv(mean, 3.0).unwrap());
    assert_relative_eq!(markov, spread, max_relative = 1e-12);
}

#[test]
fn populations_that_share_a_bounded_queue_lose_by_class() {
    let mut sketch = Sketch::new();
    sketch
        .classes(&[0, 0])
        .stage(2, exponential(1.0))
        .bound(0, 1);
    sketch
        .population(0, 4, exponential(0.5), 0)
        .population(1, 9, exponential(0.1), 0);
    let theory = analyze(&sketch.network());
    assert_eq!(theory.model(StageId(0)), "M/M/2/3//(4, 9)");
    let loss = [0, 1].map(|k| {
        let place = Place::Class(StageId(0), ClassId(k));
        let figure = theory.figure(place, Metric::LossProbability).unwrap();
        assert_eq!(figure.kind, Kind::Exact);
        figure.value
    });
    assert!(
        loss[0] < loss[1],
        "a customer does not meet its own orders: {loss:?}"
    );
    let all = at(&theory, 0, Metric::LossProbability);
    assert!(loss[0] < all && all < loss[1]);
}

#[test]
fn customers_who_keep_step_for_ever_are_no_product_form() {
    let mut sketch = Sketch::new();
    sketch.stage(1, Distribution::deterministic(0.5).unwrap());
    sketch.order(0, Discipline::ProcessorSharing);
    sketch.population(0, 2, Distribution::deterministic(1.0).unwrap(), 0);
    let kind = |sketch: &Sketch| {
        let theory = analyze(&sketch.network());
        theory
            .figure(Place::Pipeline, Metric::Throughput)
            .unwrap()
            .kind
    };
    assert_eq!(kind(&sketch), Kind::Approximation);
    let mut spread = Sketch::new();
    spread.stage(1, Distribution::deterministic(0.5).unwrap());
    spread.order(0, Discipline::ProcessorSharing);
    spread.population(0, 2, exponential(1.0), 0);
    assert_eq!(kind(&spread), Kind::Exact);
}

#[test]
fn the_throughput_lies_between_its_limits() {
    let mut sketch = Sketch::new();
    sketch.stage(1, Distribution::lognormal_mean_scv(0.5, 3.0).unwrap());
    sketch.population(0, 5, exponential(0.4), 0);
    let theory = analyze(&sketch.network());
    let x = at(&theory, 0, Metric::Throughput);
    let limits: Vec<f64> = theory
        .alternatives(StageId(0))
        .iter()
        .map(|a| {
            let figure = a.figures[&Metric::Throughput];
            assert_eq!(figure.kind, Kind::Bound);
            figure.value
        })
        .collect();
    assert!(limits[0] < x && x < limits[1], "{x} in {limits:?}");
}

/// Up to three stages, two classes, one or two populations, perhaps a producer.
fn any_closed() -> impl Strategy<Value = Network> {
    let stage = (
        1u32..5,
        0usize..4,
        0usize..7,
        0.3f64..3.0,
        0u8..6,
        0.05f64..0.9,
    );
    let population = (0usize..2, 1u64..9, 0.0f64..4.0, 0usize..3);
    let parts = (
        proptest::collection::vec(stage, 1..4),
        proptest::collection::vec(population, 1..3),
        proptest::option::of(0.01f64..0.2),
    );
    parts.prop_map(|(stages, populations, open)| {
        let mut sketch = Sketch::new();
        sketch.classes(&[0, 1]);
        let count = stages.len();
        for (id, (c, law, order, rate, extra, _)) in stages.iter().enumerate() {
            sketch.stage(
                *c,
                match law {
                    0 => Distribution::lognormal_mean_scv(1.0 / rate, 2.0).unwrap(),
                    _ => exponential(*rate),
                },
            );
            sketch.order(
                id,
                [
                    Discipline::Fifo,
                    Discipline::Lifo,
                    Discipline::Random,
                    Discipline::ProcessorSharing,
                    Discipline::Priority,
                    Discipline::PreemptivePriority,
                    Discipline::ShortestFirst,
                ][*order],
            );
            match extra {
                0 => sketch.unlimited(id),
                1 => sketch.own(id, 1, exponential(1.0)),
                2 => sketch.bound(id, 2),
                _ => &mut sketch,
            };
        }
        for (id, (.., way)) in stages.iter().enumerate() {
            if count > 1 {
                sketch.then(id, (id + 1) % count, *way).done(id, 1.0 - way);
            }
        }
        for (class, n, think, to) in &populations {
            let think = if *think < 0.5 {
                none()
            } else {
                exponential(1.0 / think)
            };
            sketch.population(*class, *n, think, to % count);
        }
        if let Some(rate) = open {
            sketch.poisson_of(0, rate, 0);
        }
        sketch.network()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_the_network_its_figures_hang_together(network in any_closed()) {
        let theory = analyze(&network);
        for place in theory.places() {
            let Some(figures) = theory.figures(place) else { continue };
            let value = |metric| figures.get(&metric).map(|figure| figure.value);
            for (metric, figure) in figures {
                prop_assert!(figure.value.is_finite() && figure.value >= 0.0, "{metric}");
            }
            let rate = value(Metric::Throughput);
            let pairs = [(Metric::QueueLength, WAIT), (Metric::NumberInSystem, Metric::mean(TimeKind::Sojourn))];
            for (number, time) in pairs {
                if let (Some(x), Some(number), Some(time)) = (rate, value(number), value(time)) {
                    prop_assert!((number - x * time).abs() <= 1e-9 * number.max(1e-3));
                }
            }
            if let Some(busy) = value(Metric::Utilization) {
                prop_assert!(busy <= 1.0 + 1e-9);
            }
        }
        // Customers think or are in the pipeline, if nothing else comes.
        let inside = theory.figure(Place::Pipeline, Metric::NumberInSystem);
        if let (Some(inside), true) = (inside, network.producers.is_empty()) {
            let all: u64 = network.populations.iter().map(|p| p.customers).sum();
            prop_assert!(inside.value <= all as f64 * (1.0 + 1e-6));
            let thinks = network.populations.iter().all(|p| p.think.mean() > 0.0);
            if !thinks && network.populations.len() == 1 {
                prop_assert!((inside.value / all as f64 - 1.0).abs() < 1e-6);
            }
        }
        for (id, stage) in network.stages.iter().enumerate() {
            let known = theory.figure(Place::Stage(StageId(id)), WAIT).is_some();
            let explained = !theory.stages[id].unexplained.is_empty();
            prop_assert!(known || explained || stage.consumers == Consumers::Unlimited);
        }
    }

    #[test]
    fn without_open_orders_a_mixed_network_is_a_closed_one(n in 1u64..20, z in 0.1f64..9.0, c in 1u32..4) {
        let mut sketch = Sketch::new();
        sketch.stage(c, exponential(1.0)).stage(1, exponential(2.0)).then(0, 1, 0.7).done(0, 0.3);
        sketch.population(0, n, exponential(1.0 / z), 0);
        let closed = analyze(&sketch.network());
        sketch.poisson(1e-13, 0);
        let mixed = analyze(&sketch.network());
        for stage in 0..2 {
            for metric in [Metric::QueueLength, Metric::NumberInSystem, Metric::Throughput] {
                let (a, b) = (at(&closed, stage, metric), at(&mixed, stage, metric));
                prop_assert!((a - b).abs() <= 1e-9 * a.max(1e-3), "{metric} {a} {b}");
            }
        }
    }
}
