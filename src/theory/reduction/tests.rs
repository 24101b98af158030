//! What no model knows yields no figure, and says why.

use crate::metric::Metric;
use crate::network::{
    AfterFailure, Autoscale, Backoff, Balking, BalkingStep, Batching, Breaker, Capacity,
    CircuitBreaker, Commitment, Discipline, Failure, Failures, Fork, HalfMessages, Outage, Outages,
    Phase, Place, RetryPlace, ScaleBy, Shift, Shifts, Staffing, Stage, StageId, TimeToLive,
    Transactions, WhileOpen,
};
use crate::random::Distribution;
use crate::theory::testing::{Sketch, exponential};
use crate::theory::{NetworkTheory, analyze};

/// Three stages in a row, the middle one with something special.
fn row(special: &dyn Fn(&mut Stage)) -> Sketch {
    let mut sketch = Sketch::new();
    sketch.classes(&[0, 1]);
    for _ in 0..3 {
        sketch.stage(2, exponential(1.0));
    }
    sketch.poisson(0.5, 0).poisson_of(1, 0.3, 0);
    sketch.then(0, 1, 1.0).then(1, 2, 1.0);
    special(sketch.at(1));
    sketch
}

fn known(theory: &NetworkTheory, place: Place) -> Vec<Metric> {
    let figures = theory.figures(place);
    figures.map_or_else(Vec::new, |figures| figures.keys().copied().collect())
}

pub(super) fn failure() -> Failure {
    Failure {
        probability: vec![0.2, 0.2],
        timeout: f64::INFINITY,
        attempts: u32::MAX,
        backoff: Backoff::AtOnce,
        retry: RetryPlace::Tail,
        then: AfterFailure::DeadLetter,
        breaker: Breaker::None,
    }
}

type Special = (&'static str, Box<dyn Fn(&mut Stage)>);

fn unknown() -> Vec<Special> {
    let law = || exponential(1.0);
    let special = |name, change: Box<dyn Fn(&mut Stage)>| (name, change);
    vec![
        special(
            "edf",
            Box::new(|s| s.discipline = Discipline::EarliestDeadline),
        ),
        special(
            "preemptive = \"restart\"",
            Box::new(|s| s.discipline = Discipline::PreemptiveRestart),
        ),
        special(
            "drop_oldest",
            Box::new(|s| s.capacity = Capacity::DropOldest(3)),
        ),
        special(
            "dead_letter",
            Box::new(|s| s.capacity = Capacity::DeadLetter(3)),
        ),
        special(
            "balk",
            Box::new(|s| {
                let step = BalkingStep {
                    at: 3,
                    probability: 0.5,
                };
                s.extras.balking = Balking::Steps(vec![step]);
            }),
        ),
        special(
            "ttl",
            Box::new(|s| {
                s.extras.time_to_live = TimeToLive::Limited {
                    seconds: 5.0,
                    then: crate::network::AfterExpiry::Expired,
                }
            }),
        ),
        special(
            "batch",
            Box::new(|s| {
                s.extras.batching = Batching::UpTo {
                    size: 4,
                    at_least: 2,
                    wait: 1.0,
                }
            }),
        ),
        special(
            "failure",
            Box::new(|s| s.extras.failures = Failures::Some(Box::new(failure()))),
        ),
        special(
            "circuit_breaker",
            Box::new(|s| {
                let breaker = CircuitBreaker {
                    failures: 3,
                    open_for: 10.0,
                    probes: 1,
                    while_open: WhileOpen::Fail,
                };
                s.extras.failures = Failures::Some(Box::new(Failure {
                    breaker: Breaker::Circuit(breaker),
                    ..failure()
                }));
            }),
        ),
        special(
            "schedule",
            Box::new(|s| {
                s.extras.staffing = Staffing::Shifts(Shifts {
                    steps: vec![Shift {
                        at: 10.0,
                        consumers: 3,
                    }],
                    period: f64::INFINITY,
                })
            }),
        ),
        special(
            "autoscale",
            Box::new(|s| {
                s.extras.staffing = Staffing::Autoscale(Autoscale {
                    by: ScaleBy::Backlog(5.0),
                    minimum: 1,
                    maximum: 4,
                    every: 10.0,
                    start_up: 1.0,
                    cool_down: 100.0,
                    tolerance: 0.1,
                })
            }),
        ),
        special(
            "prefetch",
            Box::new(|s| s.extras.broker.commitment = Commitment::Push { prefetch: 5 }),
        ),
        special(
            "pull",
            Box::new(|s| {
                s.extras.broker.commitment = Commitment::Pull {
                    batch: 5,
                    at_least: 1,
                    wait: 0.5,
                }
            }),
        ),
        special("linger", Box::new(|s| s.extras.broker.costs.linger = 0.1)),
        special(
            "persistence",
            Box::new(move |s| s.extras.broker.costs.persistence = law()),
        ),
        special(
            "outage",
            Box::new(|s| {
                s.extras.broker.outages = Outages::Repeated(Box::new(Outage {
                    uptime: exponential(0.01),
                    downtime: exponential(1.0),
                }))
            }),
        ),
        special(
            "transaction",
            Box::new(|s| {
                s.extras.broker.transaction = Transactions::Half(Box::new(HalfMessages {
                    local: exponential(1.0),
                    commit: 0.9,
                    rollback: 0.05,
                    timeout: 6.0,
                    check_every: 30.0,
                    checks: 15,
                }))
            }),
        ),
    ]
}

#[test]
fn what_no_model_knows_has_no_figure_and_says_why() {
    for (feature, special) in unknown() {
        let theory = analyze(&row(&special).network());
        let place = |id| Place::Stage(StageId(id));
        assert!(known(&theory, place(0)).len() > 10, "{feature}");
        assert_eq!(known(&theory, place(1)), [Metric::ArrivalRate], "{feature}");
        assert_eq!(known(&theory, place(2)), [], "{feature}");
        assert_eq!(
            known(&theory, Place::Pipeline),
            [Metric::ArrivalRate],
            "{feature}"
        );
        for place in [place(1), place(2), Place::Pipeline] {
            let why = theory.why_not(place, Metric::Throughput);
            assert!(why.contains(&format!("`{feature}`")), "{feature}: {why}");
        }
    }
}

#[test]
fn an_incident_leaves_nothing_but_the_reason() {
    let mut network = row(&|_| {}).network();
    let inner = network.clone();
    network.phases.push(Phase {
        from: 10.0,
        broker_down: vec![false; 3],
        network: inner,
    });
    let theory = analyze(&network);
    assert!(known(&theory, Place::Pipeline).is_empty());
    let why = theory.why_not(Place::Pipeline, Metric::Throughput);
    assert!(why.contains("`incident`"), "{why}");
}

#[test]
fn settings_that_change_nothing_leave_the_model() {
    let with: Vec<Box<dyn Fn(&mut Stage)>> = vec![
        Box::new(|s| s.extras.broker.system = crate::network::System::RabbitMq),
        Box::new(|s| s.extras.broker.commitment = Commitment::Push { prefetch: 1 }),
        Box::new(|s| s.extras.broker.durable = false),
        Box::new(|s| s.extras.broker.detection = 45.0),
        Box::new(|s| {
            s.extras.failures = Failures::Some(Box::new(Failure {
                probability: vec![0.0, 0.0],
                ..failure()
            }))
        }),
    ];
    let plain = analyze(&row(&|_| {}).network());
    for special in with {
        let theory = analyze(&row(&special).network());
        for place in plain.places() {
            assert_eq!(theory.figures(place), plain.figures(place));
        }
    }
}

#[test]
fn detached_copies_add_arrivals_and_nobody_waits_for_them() {
    let mut sketch = Sketch::new();
    for _ in 0..3 {
        sketch.stage(1, exponential(1.0));
    }
    sketch.poisson(0.5, 0).then(0, 1, 1.0);
    sketch.at(0).extras.fork = Fork::Detached(vec![StageId(2)]);
    let theory = analyze(&sketch.network());
    let value = |place, metric: &str| theory.figure(place, metric.parse().unwrap()).unwrap().value;
    let stage = |id| Place::Stage(StageId(id));
    for id in 0..3 {
        assert!((value(stage(id), "number_in_system") - 1.0).abs() < 1e-12);
    }
    assert!((value(Place::Pipeline, "latency") - 4.0).abs() < 1e-12);
    assert!((value(Place::Pipeline, "number_in_system") - 2.0).abs() < 1e-12);
}

#[test]
fn a_copy_that_meets_its_order_again_is_no_poisson_flow() {
    let mut sketch = Sketch::new();
    for _ in 0..2 {
        sketch.stage(1, exponential(2.0));
    }
    sketch.poisson(0.5, 0).then(0, 1, 1.0);
    sketch.at(0).extras.fork = Fork::Detached(vec![StageId(1)]);
    let theory = analyze(&sketch.network());
    let number = "number_in_system".parse().unwrap();
    let figure = theory.figure(Place::Stage(StageId(1)), number).unwrap();
    assert_eq!(figure.kind, crate::theory::Kind::Approximation);
}

#[test]
fn a_feature_in_a_closed_network_leaves_nothing() {
    let mut sketch = Sketch::new();
    sketch.stage(1, exponential(1.0)).stage(1, exponential(1.0));
    sketch.population(0, 3, Distribution::deterministic(1.0).unwrap(), 0);
    sketch.then(0, 1, 1.0);
    sketch.at(1).capacity = Capacity::DropOldest(2);
    let theory = analyze(&sketch.network());
    for place in theory.places() {
        assert!(known(&theory, place).is_empty());
    }
    assert!(
        theory
            .why_not(Place::Pipeline, Metric::Throughput)
            .contains("drop_oldest")
    );
}
