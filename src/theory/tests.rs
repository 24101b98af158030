//! Whole networks against published figures, and identities over random ones.

use super::testing::{Sketch, exponential};
use super::{Figures, Kind, analyze};
use crate::metric::Metric;
use crate::network::{ClassId, Discipline, Patience, Place, StageId};
use crate::random::{Arrivals, Distribution};
use approx::assert_relative_eq;

fn stage(id: usize) -> Place {
    Place::Stage(StageId(id))
}

fn class(id: usize) -> Place {
    Place::Class(StageId(0), ClassId(id))
}

fn metric(name: &str) -> Metric {
    name.parse().unwrap()
}

/// Compares with published exact figures, each of which must also be called exact.
fn check(sketch: &Sketch, published: &[(Place, &str, f64)]) {
    let theory = analyze(&sketch.network());
    for &(place, name, value) in published {
        let figure = theory
            .figure(place, metric(name))
            .unwrap_or_else(|| panic!("{place:?} {name}: {}", theory.why_not(place, metric(name))));
        assert_relative_eq!(figure.value, value, max_relative = 2e-7);
        assert_eq!(figure.kind, Kind::Exact, "{place:?} {name}");
    }
}

fn poisson(rate: f64) -> Arrivals {
    Arrivals::poisson(rate).unwrap()
}

#[test]
fn published_single_stages() {
    let sketch = Sketch::single(poisson(0.5), 1, exponential(1.0));
    check(
        &sketch,
        &[
            (stage(0), "waiting_time_p90", 3.2188758248682),
            (stage(0), "number_in_system", 1.0),
            (Place::Pipeline, "latency", 2.0),
            (Place::Pipeline, "latency_p99", 2.0 * 100f64.ln()),
            (stage(0), "byte_throughput", 50.0),
            (stage(0), "little_residual", 0.0),
        ],
    );
    let mut sketch = Sketch::single(poisson(4.2), 12, exponential(0.5));
    check(
        sketch.bound(0, 5),
        &[
            (stage(0), "loss_probability", 0.00947687430251495),
            (stage(0), "utilization", 0.693366187988239),
            (stage(0), "throughput", 4.16019712792944),
            (Place::Pipeline, "latency", 2.06112424075928),
        ],
    );
    let lognormal = Distribution::lognormal_mean_scv(1.0, 1.5).unwrap();
    let sketch = Sketch::single(poisson(0.9), 1, lognormal);
    check(
        &sketch,
        &[
            (stage(0), "waiting_time", 11.25),
            (stage(0), "waiting_time_variance", 173.4375),
            (stage(0), "number_in_system", 11.025),
            (Place::Pipeline, "latency_variance", 174.9375),
        ],
    );
}

#[test]
fn erlang_loss_does_not_feel_the_service_law() {
    let law = Distribution::lognormal_mean_scv(1.0, 4.0).unwrap();
    let mut sketch = Sketch::single(poisson(40.0), 10, law);
    check(
        sketch.bound(0, 0),
        &[
            (stage(0), "loss_probability", 0.757687712241808),
            (stage(0), "number_in_system", 9.69249151032766),
            (stage(0), "waiting_time", 0.0),
            (stage(0), "sojourn_time_variance", 4.0),
        ],
    );
    assert_eq!(analyze(&sketch.network()).stages[0].model, "M/LN/10/10");
}

#[test]
fn a_stage_for_everyone_has_no_wait() {
    let service = Distribution::uniform(0.5, 1.5).unwrap();
    let mut sketch = Sketch::single(Arrivals::deterministic(4.0).unwrap(), 1, service);
    sketch.unlimited(0);
    let theory = analyze(&sketch.network());
    assert_eq!(theory.model(StageId(0)), "D/U/∞");
    let value = |name| theory.figure(stage(0), metric(name)).unwrap();
    assert_eq!(value("waiting_time").value, 0.0);
    assert_relative_eq!(value("number_in_system").value, 4.0, max_relative = 1e-12);
    assert_relative_eq!(value("sojourn_time_p90").value, 1.4, max_relative = 1e-12);
    assert_eq!(value("sojourn_time_p90").kind, Kind::Exact);
}

#[test]
fn a_loss_stage_knows_its_times_under_any_arrivals() {
    let service = Distribution::uniform(0.5, 1.5).unwrap();
    let mut sketch = Sketch::single(Arrivals::deterministic(4.0).unwrap(), 4, service);
    sketch.bound(0, 0);
    let theory = analyze(&sketch.network());
    let figure = |name| theory.figure(stage(0), metric(name)).unwrap();
    assert_eq!(figure("sojourn_time_p90").kind, Kind::Exact);
    assert_eq!(figure("loss_probability").kind, Kind::Approximation);
}

#[test]
fn patience_of_any_kind_has_figures() {
    let service = Distribution::lognormal_mean_scv(1.0, 2.0).unwrap();
    let arrivals = || Arrivals::renewal(Distribution::erlang(2, 0.4).unwrap()).unwrap();
    for places in [None, Some(4)] {
        let mut sketch = Sketch::single(arrivals(), 2, service.clone());
        if let Some(places) = places {
            sketch.bound(0, places);
        }
        let mut network = sketch.network();
        let patience = Distribution::uniform(0.5, 1.5).unwrap();
        network.stages[0].extras.patience = Patience::Limited(patience);
        let theory = analyze(&network);
        let figure = |name| *theory.figure(stage(0), metric(name)).unwrap();
        let gone = figure("abandon_probability");
        assert_eq!(gone.kind, Kind::Approximation);
        assert!(gone.value > 0.0 && gone.value < 1.0);
        let lost = theory.figure(stage(0), metric("loss_probability"));
        let served = 1.0 - gone.value - lost.map_or(0.0, |figure| figure.value);
        assert_relative_eq!(
            figure("throughput").value,
            2.5 * served,
            max_relative = 1e-9
        );
        assert_relative_eq!(
            figure("utilization").value,
            1.25 * served,
            max_relative = 1e-6
        );
    }
}

#[test]
fn published_open_networks() {
    let jain = [
        (stage(0), 0.01923077),
        (stage(1), 0.03448276),
        (stage(2), 0.10714286),
    ];
    check(
        &Sketch::jain(),
        &jain.map(|(place, value)| (place, "sojourn_time", value)),
    );
    let mut office = Sketch::new();
    for mean in [20.0, 600.0, 300.0, 60.0] {
        office.stage(1, exponential(1.0 / mean));
    }
    office
        .poisson(0.004166666666666667, 0)
        .then(0, 1, 0.3)
        .then(0, 2, 0.7);
    office
        .then(1, 2, 0.2)
        .then(1, 3, 0.8)
        .then(2, 1, 0.1)
        .then(2, 3, 0.9);
    check(
        &office,
        &[
            (stage(1), "sojourn_time", 10690.9090909091),
            (stage(2), "sojourn_time", 9799.99999999995),
            (stage(3), "sojourn_time", 80.0),
        ],
    );
    let mut reference = Sketch::new();
    for rate in [14.0, 9.0, 17.0, 7.0] {
        reference.stage(1, exponential(rate));
    }
    reference.poisson(8.0, 0).poisson(6.0, 2);
    reference
        .then(0, 1, 0.2)
        .then(0, 2, 0.56)
        .then(0, 3, 0.24)
        .then(1, 0, 1.0);
    let latency = (Place::Pipeline, "latency", 0.38968577);
    check(
        &reference,
        &[(stage(2), "number_in_system", 2.14814815), latency],
    );
}

#[test]
fn feedback_of_general_service() {
    let one = Distribution::deterministic(1.0).unwrap();
    let mut sketch = Sketch::single(poisson(0.3), 1, one);
    sketch.then(0, 0, 0.2).done(0, 0.8);
    check(
        &sketch,
        &[
            (stage(0), "utilization", 0.375),
            (stage(0), "number_in_system", 0.51),
            (Place::Pipeline, "latency", 1.7),
        ],
    );
    let law = Distribution::hyperexponential_mean_scv(1.0, 4.0).unwrap();
    let mut sketch = Sketch::single(poisson(0.2), 1, law);
    sketch.then(0, 0, 0.4).done(0, 0.6);
    check(&sketch, &[(Place::Pipeline, "latency", 3.25)]);
    let theory = analyze(&sketch.network());
    assert_eq!(theory.stages[0].model, "M/H2/1 feedback");
}

#[test]
fn renewal_arrivals_are_exact_at_the_first_two_stages() {
    let gap = Distribution::hyperexponential_mean_scv(1.0, 4.0).unwrap();
    let mut sketch = Sketch::single(Arrivals::renewal(gap).unwrap(), 1, exponential(1.0 / 0.6));
    sketch.stage(1, exponential(1.0 / 0.7)).then(0, 1, 1.0);
    sketch.stage(1, exponential(2.0)).then(1, 2, 1.0);
    check(
        &sketch,
        &[
            (stage(0), "waiting_time", 2.0598526),
            (stage(1), "waiting_time", 3.2503358),
        ],
    );
    let theory = analyze(&sketch.network());
    let third = theory.figure(stage(2), metric("waiting_time")).unwrap();
    assert_eq!(third.kind, Kind::Approximation);
    assert_eq!(theory.stages[0].model, "H2/M/1");
}

#[test]
fn published_priorities() {
    let mut sketch = Sketch::new();
    sketch
        .classes(&[0, 1])
        .stage(1, exponential(1.0))
        .order(0, Discipline::Priority);
    sketch.poisson_of(0, 0.3, 0).poisson_of(1, 0.4, 0);
    check(
        &sketch,
        &[
            (class(0), "waiting_time", 1.0),
            (class(1), "sojourn_time", 4.3333333333333),
            (stage(0), "waiting_time", 2.33333333333),
            (stage(0), "utilization", 0.7),
            (class(1), "wait_probability", 0.7),
        ],
    );
    let mut sketch = Sketch::new();
    sketch
        .classes(&[0, 1])
        .stage(10, exponential(1.0))
        .order(0, Discipline::Priority);
    sketch.poisson_of(0, 4.0, 0).poisson_of(1, 5.0, 0);
    check(
        &sketch,
        &[
            (class(0), "waiting_time", 0.11145525401795),
            (class(1), "waiting_time", 1.1145525401795),
            (stage(0), "waiting_time", 0.668731524108),
        ],
    );
}

#[test]
fn classes_of_one_level_wait_alike_with_their_own_service() {
    let mut sketch = Sketch::new();
    sketch
        .classes(&[3, 3])
        .stage(1, exponential(2.0))
        .order(0, Discipline::Priority);
    sketch.own(0, 1, exponential(0.5));
    sketch.poisson_of(0, 0.6, 0).poisson_of(1, 0.2, 0);
    // λE[S²]/2(1−ρ) = (0.6·0.5 + 0.2·8)/(2·0.3).
    let wait = 1.9 / 0.6;
    let published = [
        (class(0), "sojourn_time", wait + 0.5),
        (class(1), "sojourn_time", wait + 2.0),
    ];
    check(&sketch, &published);
    assert_eq!(analyze(&sketch.network()).stages[0].model, "M/G/1");
}

#[test]
fn last_in_first_out_has_a_variance_off_cycles_only() {
    let mut sketch = Sketch::single(poisson(0.5), 1, exponential(1.0));
    sketch.order(0, Discipline::Lifo);
    // E[Wq²] = ρ · 2/(1−ρ)³ = 8, and Wq = 1.
    check(&sketch, &[(stage(0), "waiting_time_variance", 7.0)]);
    sketch.then(0, 0, 0.1).done(0, 0.9);
    check(&sketch, &[(stage(0), "number_in_system", 1.25)]);
    let theory = analyze(&sketch.network());
    assert_eq!(
        theory.figure(stage(0), metric("waiting_time_variance")),
        None
    );
    let why = theory.why_not(stage(0), metric("waiting_time_p99"));
    assert!(why.contains("last in, first out"), "{why}");
    assert_eq!(theory.figure(Place::Pipeline, metric("latency_p99")), None);
}

#[test]
fn the_first_level_does_not_feel_the_overload_of_the_last() {
    let mut sketch = Sketch::new();
    sketch
        .classes(&[0, 1])
        .stage(1, exponential(1.0))
        .order(0, Discipline::Priority);
    sketch.poisson_of(0, 0.6, 0).poisson_of(1, 0.9, 0);
    check(
        &sketch,
        &[
            (class(0), "throughput", 0.6),
            (class(0), "backlog_growth", 0.0),
            (class(1), "throughput", 0.4),
            (class(1), "backlog_growth", 0.5),
            (stage(0), "throughput", 1.0),
        ],
    );
}

#[test]
fn a_class_beside_the_overload_has_its_waits() {
    let mut sketch = Sketch::new();
    sketch
        .classes(&[0, 1, 2])
        .stage(1, exponential(1.0))
        .order(0, Discipline::Priority);
    let one = Distribution::deterministic(1.0).unwrap();
    sketch.own(0, 2, one);
    sketch
        .poisson_of(0, 0.2, 0)
        .poisson_of(1, 0.3, 0)
        .poisson_of(2, 2.0, 0);
    // R = (0.2·2 + 0.3·2 + 0.5·1)/2 = 0.75.
    check(
        &sketch,
        &[
            (class(0), "waiting_time", 0.75 / 0.8),
            (class(1), "waiting_time", 0.75 / (0.8 * 0.5)),
            (class(1), "sojourn_time", 0.75 / (0.8 * 0.5) + 1.0),
            (class(0), "queue_length", 0.2 * 0.75 / 0.8),
            (class(0), "wait_probability", 1.0),
            (class(2), "throughput", 0.5),
        ],
    );
    let theory = analyze(&sketch.network());
    assert!(theory.unstable(stage(0)) && theory.unstable(class(2)));
    assert!(!theory.unstable(class(0)) && !theory.unstable(class(1)));
    let saturated = theory.figure(class(2), metric("waiting_time"));
    assert_eq!(saturated, None);
}

#[test]
fn an_overloaded_stage_has_a_growth_and_no_wait() {
    let mut sketch = Sketch::single(poisson(3.0), 2, exponential(1.25));
    sketch.stage(1, exponential(5.0)).then(0, 1, 1.0);
    let theory = analyze(&sketch.network());
    let value = |place, name| theory.figure(place, metric(name)).map(|f| f.value);
    assert_eq!(value(stage(0), "utilization"), Some(1.0));
    assert_relative_eq!(
        value(stage(0), "backlog_growth").unwrap(),
        0.5,
        max_relative = 1e-12
    );
    assert_eq!(value(stage(0), "waiting_time"), None);
    assert_eq!(value(stage(1), "arrival_rate"), Some(2.5));
    let behind = theory.figure(stage(1), metric("waiting_time")).unwrap();
    assert_eq!(behind.kind, Kind::Approximation);
    let why = theory.why_not(stage(0), metric("waiting_time_p99"));
    assert_eq!(
        why,
        "offered load 1.2 of capacity at stage `s0`: no steady state"
    );
    assert_eq!(theory.why_not(Place::Pipeline, metric("latency")), why);
}

#[test]
fn arrivals_that_vary_are_named() {
    use crate::random::{RatePoint, RateShape};
    let points = vec![
        RatePoint { at: 0.0, rate: 1.0 },
        RatePoint { at: 5.0, rate: 3.0 },
    ];
    let arrivals = Arrivals::schedule(points, RateShape::Stepped, 10.0).unwrap();
    let theory = analyze(&Sketch::single(arrivals, 3, exponential(1.0)).network());
    let rate = theory.figure(stage(0), metric("arrival_rate")).unwrap();
    assert_eq!((rate.value, rate.kind), (2.0, Kind::Exact));
    let number = theory.figure(stage(0), metric("number_in_system"));
    assert_eq!(number.unwrap().kind, Kind::Exact);
    let why = theory.why_not(stage(0), metric("waiting_time_p99"));
    assert_eq!(why, "arrivals vary with time (producer `p0`)");
    assert_eq!(theory.stages[0].model, "Mt/M/3");
}

/// Rates that change at the given times, again and again with a finite period.
fn stepped(points: &[(f64, f64)], period: f64) -> Arrivals {
    use crate::random::{RatePoint, RateShape};
    let point = |&(at, rate): &(f64, f64)| RatePoint { at, rate };
    let points = points.iter().map(point).collect();
    Arrivals::schedule(points, RateShape::Stepped, period).unwrap()
}

#[test]
fn what_a_stage_does_not_know_the_pipeline_does_not_know() {
    let arrivals = stepped(&[(0.0, 4.0), (30.0, 20.0)], 60.0);
    let mut sketch = Sketch::single(arrivals, 1, Distribution::deterministic(0.1).unwrap());
    sketch
        .bound(0, 5)
        .stage(1, exponential(20.0))
        .then(0, 1, 1.0);
    let theory = analyze(&sketch.network());
    let unknown = ["throughput", "byte_throughput", "backlog_growth"];
    for place in [stage(0), stage(1), Place::Pipeline] {
        for name in unknown {
            assert_eq!(theory.figure(place, metric(name)), None, "{place:?} {name}");
            let why = theory.why_not(place, metric(name));
            assert_eq!(why, "arrivals vary with time (producer `p0`)");
        }
    }
    assert_eq!(theory.figure(stage(1), metric("arrival_rate")), None);
    let offered = theory.figure(Place::Pipeline, metric("arrival_rate"));
    assert_relative_eq!(offered.unwrap().value, 12.0, max_relative = 1e-4);
}

#[test]
fn a_schedule_that_ends_has_the_mean_rate_of_the_run() {
    use crate::network::Horizon;
    let arrivals = stepped(&[(0.0, 50.0), (20.0, 0.0)], f64::INFINITY);
    let sketch = Sketch::single(arrivals, 6, exponential(10.0));
    let mut network = sketch.network();
    network.run.horizon = Horizon::Orders(500);
    assert_relative_eq!(network.expected_duration(), 10.0, max_relative = 1e-9);
    let theory = analyze(&network);
    let rate = theory.figure(stage(0), metric("arrival_rate")).unwrap();
    assert_relative_eq!(rate.value, 50.0, max_relative = 1e-9);
    assert_eq!(rate.kind, Kind::Approximation);
    assert_eq!(theory.stages[0].model, "Mt/M/6");
}

#[test]
fn nothing_is_certain_only_where_no_way_leads() {
    use crate::network::Horizon;
    let arrivals = stepped(&[(0.0, 0.0), (20.0, 5.0)], f64::INFINITY);
    let mut sketch = Sketch::single(arrivals, 6, exponential(10.0));
    sketch.stage(1, exponential(1.0));
    let mut network = sketch.network();
    network.run.horizon = Horizon::Duration(10.0);
    let theory = analyze(&network);
    for (place, kind) in [(stage(0), Kind::Approximation), (stage(1), Kind::Exact)] {
        for name in ["arrival_rate", "throughput"] {
            let figure = theory.figure(place, metric(name)).unwrap();
            assert_eq!((figure.value, figure.kind), (0.0, kind));
        }
    }
    for figure in theory.pipeline.figures.values() {
        assert!(figure.value.is_sign_positive());
    }
}

#[test]
fn even_arrivals_and_even_service_never_wait() {
    let one = || Distribution::deterministic(1.0).unwrap();
    let even = |rate| Arrivals::deterministic(rate).unwrap();
    for (rate, c, places) in [(3.0, 3, None), (3.0, 3, Some(4)), (2.7, 3, Some(0))] {
        let mut sketch = Sketch::single(even(rate), c, one());
        places.map(|places| sketch.bound(0, places));
        let published = [
            (stage(0), "utilization", rate / 3.0),
            (stage(0), "number_in_system", rate),
            (stage(0), "queue_length", 0.0),
            (stage(0), "loss_probability", 0.0),
            (stage(0), "waiting_time_p999", 0.0),
            (stage(0), "sojourn_time_p999", 1.0),
            (stage(0), "throughput", rate),
            (stage(0), "backlog_growth", 0.0),
            (Place::Pipeline, "latency", 1.0),
        ];
        check(&sketch, &published);
        let theory = analyze(&sketch.network());
        assert_eq!(theory.stages[0].model, "D/D/3");
        assert!(!theory.unstable(stage(0)) && !theory.unstable(Place::Pipeline));
        let waits = theory.figure(stage(0), metric("wait_probability"));
        assert_eq!(waits.is_some(), rate < 3.0);
    }
    let over = analyze(&Sketch::single(even(3.1), 3, one()).network());
    assert!(over.unstable(stage(0)));
    let mut two = Sketch::single(even(1.0), 3, one());
    two.producer(even(1.0), 0, 0);
    assert_eq!(analyze(&two.network()).stages[0].model, "G/D/3");
}

#[test]
fn critical_load_gives_nothing_but_approximate_rates() {
    for rate in [3.0, 3.0 * (1.0 - 1e-12), 3.0 * (1.0 + 1e-12)] {
        let mut sketch = Sketch::single(poisson(rate), 3, exponential(1.0));
        sketch.stage(4, exponential(1.0)).then(0, 1, 1.0);
        let theory = analyze(&sketch.network());
        assert!(theory.unstable(stage(0)) && !theory.unstable(stage(1)));
        for (name, value) in [("utilization", 1.0), ("throughput", 3.0)] {
            let figure = theory.figure(stage(0), metric(name)).unwrap();
            assert_relative_eq!(figure.value, value, max_relative = 1e-9);
            assert_eq!(figure.kind, Kind::Approximation, "{name}");
        }
        let growth = theory.figure(stage(0), metric("backlog_growth")).unwrap();
        assert!(growth.value < 1e-9 && growth.kind == Kind::Approximation);
        assert_eq!(theory.figure(stage(0), metric("queue_length")), None);
        let behind = theory.figure(stage(1), metric("utilization")).unwrap();
        assert_eq!(behind.kind, Kind::Approximation);
        let why = theory.why_not(stage(0), metric("waiting_time"));
        assert!(why.contains("equal to the capacity"), "{why}");
    }
}

#[test]
fn a_pipeline_is_as_wild_as_its_wildest_stage() {
    let pareto = Distribution::pareto(2.1, 0.1).unwrap();
    let mut sketch = Sketch::single(poisson(1.0), 1, exponential(2.0));
    sketch.stage(1, pareto).then(0, 1, 1.0);
    let theory = analyze(&sketch.network());
    let wild = |place, name| theory.wild(place, metric(name));
    assert!(!wild(stage(0), "waiting_time") && wild(stage(1), "waiting_time"));
    for name in ["latency", "number_in_system", "queue_length"] {
        assert!(wild(Place::Pipeline, name), "{name}");
    }
    for name in ["latency_p99", "throughput", "processing_time"] {
        assert!(!wild(Place::Pipeline, name), "{name}");
    }
}

#[test]
fn any_number_of_places_has_quantiles() {
    for (rate, places) in [(1.0, 1_000_000_000), (1.5, 100_000), (0.9999, 1_000_000)] {
        let mut sketch = Sketch::single(poisson(rate), 1, exponential(1.0));
        let theory = analyze(&sketch.bound(0, places).network());
        let value = |name| theory.figure(stage(0), metric(name)).unwrap().value;
        assert!(value("waiting_time_p50") < value("waiting_time_p99"));
        assert!(value("waiting_time_p99") < value("sojourn_time_p99"));
    }
}

#[test]
fn a_full_stage_with_much_feedback_settles() {
    let mut sketch = Sketch::single(poisson(2.0), 1_000_000, exponential(1e-3));
    sketch.bound(0, 5).then(0, 0, 0.999).done(0, 0.001);
    let theory = analyze(&sketch.network());
    let value = |name| theory.figure(stage(0), metric(name)).unwrap().value;
    // λ = 2 + 0.999 X, where λ and X differ by the loss.
    let offered = 2.0 + 0.999 * value("throughput");
    assert_relative_eq!(value("arrival_rate"), offered, max_relative = 1e-9);
}

#[test]
fn the_pipeline_completes_what_its_stage_serves() {
    let law = Distribution::lognormal_mean_scv(0.3, 0.8).unwrap();
    let mut sketch = Sketch::single(poisson(4.0), 1, law);
    sketch.bound(0, 3).done(0, 0.75).cancel(0, 0.25);
    let theory = analyze(&sketch.network());
    let at = |place| *theory.figure(place, metric("throughput")).unwrap();
    let (whole, one) = (at(Place::Pipeline), at(stage(0)));
    assert_relative_eq!(whole.value, 0.75 * one.value, max_relative = 1e-12);
    assert_eq!(whole.kind, one.kind);
}

#[test]
fn two_ways_that_meet_again_are_no_poisson_flow() {
    let mut sketch = Sketch::single(poisson(1.0), 1, exponential(4.0));
    for rate in [3.0, 5.0, 4.0] {
        sketch.stage(1, exponential(rate));
    }
    sketch.fork(0, &[1, 2]).then(0, 3, 1.0);
    let theory = analyze(&sketch.network());
    let kind = |id| {
        theory
            .figure(stage(id), metric("waiting_time"))
            .unwrap()
            .kind
    };
    assert_eq!([kind(0), kind(1), kind(2)], [Kind::Exact; 3]);
    assert_eq!(kind(3), Kind::Approximation);
    let latency = theory.figure(Place::Pipeline, metric("latency")).unwrap();
    assert_eq!(latency.kind, Kind::Approximation);
    // One to fork, the join of two, one behind it that is nearly M/M/1.
    let join = crate::theory::ForkJoin::new(1.0, [3.0, 5.0])
        .unwrap()
        .mean();
    assert_relative_eq!(
        latency.value,
        1.0 / 3.0 + join + 1.0 / 3.0,
        max_relative = 0.1
    );
    let number = theory
        .figure(Place::Pipeline, metric("number_in_system"))
        .unwrap();
    assert_relative_eq!(number.value, latency.value, max_relative = 1e-12);
}

#[test]
fn joins_of_delays_are_exact_and_of_three_queues_are_nelson_s_and_tantawi_s() {
    let delays = |rates: &[f64], unlimited: bool| {
        let instant = Distribution::deterministic(0.0).unwrap();
        let mut sketch = Sketch::single(poisson(0.5), 1, instant);
        for (id, &rate) in rates.iter().enumerate() {
            sketch.stage(1, exponential(rate));
            if unlimited {
                sketch.unlimited(id + 1);
            }
        }
        let branches: Vec<usize> = (1..=rates.len()).collect();
        sketch.fork(0, &branches);
        let theory = analyze(&sketch.network());
        *theory.figure(Place::Pipeline, metric("latency")).unwrap()
    };
    let three = delays(&[1.0, 1.0, 1.0], true);
    assert_eq!(three.kind, Kind::Exact);
    assert_relative_eq!(three.value, 11.0 / 6.0, max_relative = 1e-9);
    let queues = delays(&[1.0, 1.0, 1.0], false);
    assert_eq!(queues.kind, Kind::Approximation);
    // H₃ = 11/6, H₂ = 3/2, ρ = 0.5, W = 2.
    let ratio = 11.0 / 9.0;
    let known = 2.0 * (ratio + 4.0 / 11.0 * (1.0 - ratio) * 0.5) * 11.5 / 8.0;
    assert_relative_eq!(queues.value, known, max_relative = 1e-6);
}

#[test]
fn a_line_that_blocks_is_unstable_before_its_stages_are() {
    let line = |rate: f64| {
        let mut sketch = Sketch::single(poisson(rate), 1, exponential(1.0));
        sketch
            .stage(1, exponential(1.0))
            .then(0, 1, 1.0)
            .block(1, 0);
        analyze(&sketch.network())
    };
    // It can take 2/3.
    let steady = line(0.66);
    assert!(!steady.unstable(Place::Pipeline));
    assert!(steady.figure(Place::Pipeline, metric("latency")).is_some());
    let full = line(0.7);
    assert!(full.unstable(stage(0)) && full.unstable(Place::Pipeline));
    let growth = full.figure(stage(0), metric("backlog_growth")).unwrap();
    assert_relative_eq!(growth.value, 0.7 - 2.0 / 3.0, max_relative = 1e-9);
    let busy = full.figure(stage(0), metric("utilization")).unwrap();
    assert_relative_eq!(busy.value, 2.0 / 3.0, max_relative = 1e-9);
    assert!(full.figure(Place::Pipeline, metric("latency")).is_none());
}

#[test]
fn a_tandem_of_m_m_1_has_a_hypoexponential_latency() {
    for (a, b) in [(2.0, 2.0), (2.0, 3.0)] {
        let mut sketch = Sketch::single(poisson(1.0), 1, exponential(a));
        sketch.stage(1, exponential(b)).then(0, 1, 1.0);
        let theory = analyze(&sketch.network());
        let (x, y) = (a - 1.0, b - 1.0);
        let closed = |t: f64| {
            if x == y {
                (1.0 + x * t) * (-x * t).exp()
            } else {
                (y * (-x * t).exp() - x * (-y * t).exp()) / (y - x)
            }
        };
        for p in ["p50", "p90", "p99", "p999"] {
            let figure = theory
                .figure(Place::Pipeline, metric(&format!("latency_{p}")))
                .unwrap();
            assert_eq!(figure.kind, Kind::Exact);
            let Metric::Time(_, statistic) = metric(&format!("latency_{p}")) else {
                unreachable!()
            };
            let tail = 1.0 - statistic.probability().unwrap();
            assert_relative_eq!(closed(figure.value), tail, max_relative = 1e-6);
        }
        let mean = theory.figure(Place::Pipeline, metric("latency")).unwrap();
        assert_eq!(mean.kind, Kind::Exact);
        assert_relative_eq!(mean.value, 1.0 / x + 1.0 / y, max_relative = 1e-12);
    }
}

#[test]
fn latency_with_feedback_is_a_geometric_number_of_visits() {
    // Independent exponential visits of rate θ, coming back with p: exponential of rate θ(1−p).
    let mut sketch = Sketch::single(poisson(0.3), 1, exponential(1.0));
    sketch.then(0, 0, 0.2).done(0, 0.8);
    let theory = analyze(&sketch.network());
    let p99 = theory
        .figure(Place::Pipeline, metric("latency_p99"))
        .unwrap();
    let theta = (1.0 - 0.375) * 0.8;
    assert_relative_eq!(p99.value, 100f64.ln() / theta, max_relative = 1e-4);
    assert_eq!(p99.kind, Kind::Approximation);
}

#[test]
fn nothing_is_missing_without_a_reason() {
    let one = Distribution::deterministic(0.5).unwrap();
    let mut sketch = Sketch::single(Arrivals::deterministic(1.0).unwrap(), 2, one);
    sketch
        .stage(1, exponential(3.0))
        .bound(1, 4)
        .order(1, Discipline::Random);
    sketch
        .stage(1, exponential(3.0))
        .unlimited(2)
        .stage(1, exponential(0.5));
    sketch
        .then(0, 1, 0.6)
        .then(0, 2, 0.2)
        .cancel(0, 0.2)
        .then(2, 3, 0.9)
        .done(2, 0.1);
    let theory = analyze(&sketch.network());
    for metric in Metric::all() {
        for place in [stage(0), stage(1), stage(2), stage(3), Place::Pipeline] {
            assert!(!theory.why_not(place, metric).is_empty());
        }
    }
}

proptest::proptest! {
    #[test]
    fn figures_of_any_network_are_numbers_that_hang_together(
        network in crate::theory::testing::any_network(),
    ) {
        let theory = analyze(&network);
        for (id, at) in theory.stages.iter().enumerate() {
            hangs_together(&at.figures);
            for (class, figures) in &at.classes {
                hangs_together(figures);
                let place = Place::Class(StageId(id), *class);
                proptest::prop_assert!(!theory.why_not(place, Metric::QueueLength).is_empty());
            }
        }
        let latency = theory.figure(Place::Pipeline, metric("latency"));
        let processing = theory.figure(Place::Pipeline, metric("processing_time"));
        if let (Some(latency), Some(processing)) = (latency, processing) {
            proptest::prop_assert!(latency.value >= processing.value * (1.0 - 1e-9));
        }
    }
}

/// Finite values, Little's law, λ = X + losses + growth, and quantiles in order.
fn hangs_together(figures: &Figures) {
    let value = |name: &str| figures.get(&metric(name)).map(|figure| figure.value);
    assert!(
        figures
            .values()
            .all(|figure| figure.value.is_finite() && figure.value >= 0.0)
    );
    let Some(throughput) = value("throughput") else {
        return;
    };
    for (number, time) in [
        ("number_in_system", "sojourn_time"),
        ("queue_length", "waiting_time"),
    ] {
        if let (Some(number), Some(time)) = (value(number), value(time)) {
            assert_relative_eq!(
                number,
                throughput * time,
                max_relative = 1e-9,
                epsilon = 1e-12
            );
        }
    }
    if let (Some(loss), Some(growth)) = (value("loss_probability"), value("backlog_growth")) {
        let offered = value("arrival_rate").unwrap();
        let kept = throughput + loss * offered + growth;
        assert_relative_eq!(offered, kept, max_relative = 1e-9);
    }
    if let (Some(p50), Some(p999)) = (value("waiting_time_p50"), value("waiting_time_p999")) {
        assert!(p50 <= p999);
    }
}
