//! What no model knows yields no figure, and says why.

use crate::metric::Metric;
use crate::network::{
    Acknowledgement, AfterExpiry, AfterFailure, Autoscale, Backoff, Balking, BalkingStep, Batching,
    Breaker, Broker, Capacity, CircuitBreaker, ClassId, Commitment, Discipline, Failure, Failures,
    Fork, HalfMessages, Hold, Item, Outage, Outages, PartitionBy, Phase, Place, Replenishment,
    RetryPlace, ScaleBy, Shift, Shifts, Shortage, Staffing, Stage, StageId, Stock, Stocking, Store,
    System, TimeToLive, Transactions, WhileOpen,
};
use crate::random::{Arrivals, DiscreteDistribution, Distribution};
use crate::theory::testing::{Sketch, exponential};
use crate::theory::{BaseStock, BulkQueue, GiMc, Kind, Mmc, NetworkTheory, Turn, analyze};

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
            "pull",
            Box::new(|s| {
                s.extras.broker.commitment = Commitment::Pull {
                    batch: 5,
                    at_least: 1,
                    wait: 0.5,
                }
            }),
        ),
        special(
            "refuse_after",
            Box::new(|s| {
                s.extras.broker.costs.persistence = exponential(10.0);
                s.extras.broker.costs.refuse_after = 0.2;
            }),
        ),
        special(
            "partitions",
            Box::new(|s| {
                s.extras.broker.store = Store::Partitions {
                    count: 4,
                    by: PartitionBy::Hash,
                };
                s.discipline = Discipline::Lifo;
            }),
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
        let mut there = known(&theory, place(1));
        there.retain(|metric| *metric != Metric::Availability);
        assert_eq!(there, [Metric::ArrivalRate], "{feature}");
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
    type Change = Box<dyn Fn(&mut Stage)>;
    let with: Vec<Change> = vec![
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
            let (ours, theirs) = (
                theory.figures(place).unwrap(),
                plain.figures(place).unwrap(),
            );
            for (metric, figure) in theirs {
                let (a, b) = (ours[metric].value, figure.value);
                assert!((a - b).abs() <= 1e-12 * b.abs(), "{metric:?}: {a} {b}");
                assert_eq!(ours[metric].kind, figure.kind, "{metric:?}");
            }
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

fn exact(theory: &NetworkTheory, place: Place, metric: &str) -> f64 {
    let metric = metric.parse().unwrap();
    let figure = theory.figure(place, metric);
    let figure = figure.unwrap_or_else(|| panic!("{metric:?}: {}", theory.why_not(place, metric)));
    assert_eq!(figure.kind, Kind::Exact, "{metric:?}");
    figure.value
}

fn single(rate: f64, consumers: u32, service: Distribution, how: Failure) -> NetworkTheory {
    let mut sketch = Sketch::single(Arrivals::poisson(rate).unwrap(), consumers, service);
    let how = Failure {
        probability: vec![how.probability[0]],
        ..how
    };
    sketch.at(0).extras.failures = Failures::Some(Box::new(how));
    analyze(&sketch.network())
}

const STAGE: Place = Place::Stage(StageId(0));

/// Two attempts at most, one consumer: the chain of all sequences of attempts in the queue, by iteration.
#[test]
fn retries_at_the_tail_are_those_of_the_markov_chain() {
    let (lambda, mu, q, longest) = (0.25, 1.0, 0.4, 11);
    let how = Failure {
        probability: vec![q],
        attempts: 2,
        ..failure()
    };
    let theory = single(lambda, 1, exponential(mu), how);
    // A queue as a number: a leading 1, then a bit for each order, the first in line lowest; 1 is a
    // second attempt.
    let states = 1usize << (longest + 1);
    let length = |queue: usize| (usize::BITS - 1 - queue.leading_zeros()) as usize;
    let add = |queue: usize, second: usize| {
        let n = length(queue);
        (queue ^ (1 << n)) | (second << n) | (1 << (n + 1))
    };
    let mut chances = vec![0.0; states];
    chances[1] = 1.0;
    let clock = lambda + mu;
    for _ in 0..2500 {
        let mut next = vec![0.0; states];
        for (queue, chance) in chances.iter().enumerate().skip(1) {
            let joined = if length(queue) < longest {
                add(queue, 0)
            } else {
                queue
            };
            next[joined] += chance * lambda / clock;
            if queue == 1 {
                next[queue] += chance * mu / clock;
                continue;
            }
            let left = queue >> 1;
            let fails = if queue & 1 == 0 { q } else { 0.0 };
            next[left] += chance * mu / clock * (1.0 - fails);
            next[add(left, 1)] += chance * mu / clock * fails;
        }
        chances = next;
    }
    let all = chances.iter().enumerate().skip(1);
    let number: f64 = all
        .map(|(queue, chance)| chance * length(queue) as f64)
        .sum();
    let close = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 1e-3, "{a} {b}");
    close(exact(&theory, STAGE, "number_in_system"), number);
    close(exact(&theory, STAGE, "sojourn_time"), number / lambda);
    close(exact(&theory, STAGE, "utilization"), 1.0 - chances[1]);
    // A new order waits for all that it finds.
    close(exact(&theory, STAGE, "waiting_time"), number / mu);
    close(exact(&theory, STAGE, "throughput"), lambda * (1.0 - q * q));
    close(
        exact(&theory, Place::Pipeline, "throughput"),
        lambda * (1.0 - q * q),
    );
    assert!((exact(&theory, STAGE, "arrival_rate") - lambda).abs() < 1e-14);
}

#[test]
fn pauses_are_a_stage_for_everyone() {
    let backoff = Backoff::Exponential {
        first: 1.0,
        factor: 2.0,
        jitter: 0.5,
        longest: 100.0,
    };
    let how = Failure {
        probability: vec![0.1],
        attempts: 3,
        backoff,
        ..failure()
    };
    let theory = single(1.5, 2, exponential(1.0), how);
    let visits = 1.0 + 0.1 + 0.01;
    let queue = Mmc::new(1.5 * visits, 1.0, 2)
        .unwrap()
        .figures(Turn::FirstIn);
    let of = |name: &str| queue[&name.parse().unwrap()].value;
    let pauses = 1.5 * (0.1 * 1.0 + 0.01 * 2.0);
    let close = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 1e-9, "{a} {b}");
    let number = of("number_in_system") + pauses;
    close(exact(&theory, STAGE, "number_in_system"), number);
    close(exact(&theory, STAGE, "sojourn_time"), number / 1.5);
    close(exact(&theory, STAGE, "waiting_time"), of("waiting_time"));
    close(
        exact(&theory, STAGE, "waiting_time_p99"),
        of("waiting_time_p99"),
    );
    close(
        exact(&theory, STAGE, "queue_length"),
        1.5 * of("waiting_time"),
    );
    close(exact(&theory, STAGE, "utilization"), 1.5 * visits / 2.0);
    close(exact(&theory, STAGE, "service_time_p90"), 10f64.ln());
    // Completed orders: those that fail thrice are left out.
    let made = ((1.0 - 0.001) + (0.1 - 0.001) + (0.01 - 0.001)) / 0.999;
    let paused = ((0.1 - 0.001) * 1.0 + (0.01 - 0.001) * 2.0) / 0.999;
    let latency = made * of("sojourn_time") + paused;
    close(exact(&theory, Place::Pipeline, "latency"), latency);
    close(exact(&theory, Place::Pipeline, "retry_time"), paused);
    close(exact(&theory, Place::Pipeline, "processing_time"), made);
    close(exact(&theory, STAGE, "processing_time"), visits);
    close(exact(&theory, STAGE, "dead_letter_rate"), 0.001);
    close(exact(&theory, STAGE, "attempts_per_message"), visits);
}

/// Service that is always 1 s: at the tail Takács 1963; a new order waits for what is left of the work under
/// way (half a second if there is any) and for all others.
#[test]
fn one_consumer_of_any_law_with_retries_is_takacs() {
    let one = Distribution::deterministic(1.0).unwrap();
    let how = Failure {
        probability: vec![0.25],
        ..failure()
    };
    let theory = single(0.6, 1, one, how);
    let rho = 0.6 / 0.75;
    // L of M/G/1 whose service is a geometric number N of seconds: E[N] = 4/3, E[N²] = 20/9.
    let number = rho + 0.6 * 0.6 * (20.0 / 9.0) / (2.0 * (1.0 - rho));
    let close = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 1e-12, "{a} {b}");
    close(exact(&theory, STAGE, "number_in_system"), number);
    close(exact(&theory, STAGE, "sojourn_time"), number / 0.6);
    close(
        exact(&theory, STAGE, "waiting_time"),
        number - rho + rho / 2.0,
    );
    close(exact(&theory, STAGE, "utilization"), rho);
    close(exact(&theory, Place::Pipeline, "latency"), number / 0.6);
}

#[test]
fn retries_in_place_make_a_longer_service() {
    let how = |attempts| Failure {
        probability: vec![0.25],
        attempts,
        retry: RetryPlace::InPlace,
        backoff: Backoff::Law(Distribution::deterministic(2.0).unwrap()),
        ..failure()
    };
    let one = Distribution::deterministic(1.0).unwrap();
    let theory = single(0.4, 1, one, how(2));
    // 1 s with 3/4, 1 + 2 + 1 s with 1/4.
    let (first, second) = (0.75 + 0.25 * 4.0, 0.75 + 0.25 * 16.0);
    let wait = 0.4 * second / (2.0 * (1.0 - 0.4 * first));
    let close = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 1e-12, "{a} {b}");
    close(exact(&theory, STAGE, "waiting_time"), wait);
    close(exact(&theory, STAGE, "sojourn_time"), wait + first);
    close(exact(&theory, STAGE, "utilization"), 0.4 * 1.25);
    close(exact(&theory, STAGE, "service_time"), 1.0);
    close(exact(&theory, STAGE, "throughput"), 0.4 * 15.0 / 16.0);
    // A time-out of attempts whose law is no common one: the means stay exact, nothing else is shown.
    let timed = Failure {
        timeout: 2.0,
        ..how(3)
    };
    let theory = single(0.2, 1, exponential(1.0), timed);
    assert!(exact(&theory, STAGE, "waiting_time") > 0.0);
    let beyond = theory.figure(STAGE, "waiting_time_p99".parse().unwrap());
    assert!(beyond.is_none());
}

/// Retries more often than consumers can do.
#[test]
fn retries_make_an_overload() {
    let theory = single(
        0.9,
        1,
        exponential(1.0),
        Failure {
            probability: vec![0.2],
            ..failure()
        },
    );
    assert!(theory.unstable(STAGE));
    let close = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 1e-9, "{a} {b}");
    close(exact(&theory, STAGE, "throughput"), 0.8);
    close(exact(&theory, STAGE, "arrival_rate"), 0.9);
    close(exact(&theory, STAGE, "backlog_growth"), 0.1);
}

/// What is given up goes on to the stage that makes it good.
#[test]
fn a_compensation_is_a_way_on() {
    let mut sketch = Sketch::single(Arrivals::poisson(1.0).unwrap(), 3, exponential(1.0));
    sketch.stage(1, exponential(1.0)).stage(1, exponential(3.0));
    sketch.then(0, 2, 1.0).cancel(1, 1.0);
    let how = Failure {
        probability: vec![0.5],
        attempts: 2,
        then: AfterFailure::Stage(StageId(1)),
        ..failure()
    };
    sketch.at(0).extras.failures = Failures::Some(Box::new(how));
    let theory = analyze(&sketch.network());
    let close = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 1e-9, "{a} {b}");
    close(
        exact(&theory, Place::Stage(StageId(1)), "number_in_system"),
        1.0 / 3.0,
    );
    close(
        exact(&theory, Place::Stage(StageId(2)), "number_in_system"),
        1.0 / 3.0,
    );
    close(exact(&theory, Place::Pipeline, "throughput"), 0.75);
    // Those that are given up are not completed: 4/3 attempts each of those that are.
    let visit = Mmc::new(1.5, 1.0, 3).unwrap();
    let latency = 4.0 / 3.0 * visit.sojourn_mean() + 1.0 / 2.25;
    close(exact(&theory, Place::Pipeline, "latency"), latency);
}

/// The network takes half a second, the writer is a queue of its own, the confirmation takes time.
#[test]
fn the_way_to_the_queue_is_stages_before_it() {
    let mut sketch = Sketch::single(Arrivals::poisson(0.5).unwrap(), 1, exponential(1.0));
    let costs = &mut sketch.at(0).extras.broker.costs;
    costs.network = Distribution::deterministic(0.4).unwrap();
    costs.bandwidth = 1000.0;
    costs.persistence = exponential(2.0);
    costs.confirm = exponential(10.0);
    let theory = analyze(&sketch.network());
    let close = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 1e-9, "{a} {b}");
    close(exact(&theory, STAGE, "waiting_time"), 1.0);
    close(exact(&theory, STAGE, "arrival_rate"), 0.5);
    // 0.5 on the way, 1/(2 − 0.5) at the writer, 0.1, and 2 at the stage.
    close(
        exact(&theory, Place::Pipeline, "latency"),
        0.5 + 1.0 / 1.5 + 0.1 + 2.0,
    );
}

#[test]
fn a_time_to_live_is_a_patience_that_is_always_the_same() {
    let mut sketch = Sketch::single(Arrivals::poisson(1.2).unwrap(), 1, exponential(1.0));
    sketch.at(0).extras.time_to_live = TimeToLive::Limited {
        seconds: 2.0,
        then: AfterExpiry::Expired,
    };
    let theory = analyze(&sketch.network());
    // Gnedenko and Kovalenko: f(x) = λ p₀ e^(−(μ − λ)x) for the work found, x up to 2.
    let spread = (0.2f64 * 2.0).exp();
    let busy = 1.2 * (spread - 1.0) / 0.2;
    let beyond = 1.2 * spread / 1.0;
    let idle = 1.0 / (1.0 + busy + beyond);
    let close = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 1e-6, "{a} {b}");
    close(exact(&theory, STAGE, "utilization"), 1.0 - idle);
    close(exact(&theory, STAGE, "throughput"), 1.0 - idle);
}

/// The same number waits as if the newest were rejected, and as many are lost.
#[test]
fn who_is_turned_out_does_not_matter_for_how_many_there_are() {
    let with = |capacity| {
        let mut sketch = Sketch::single(Arrivals::poisson(1.2).unwrap(), 2, exponential(1.0));
        sketch.at(0).capacity = capacity;
        analyze(&sketch.network())
    };
    let reject = with(Capacity::Reject(3));
    for (capacity, all) in [
        (Capacity::DeadLetter(3), true),
        (Capacity::DropOldest(3), false),
    ] {
        let theory = with(capacity);
        for name in [
            "loss_probability",
            "queue_length",
            "utilization",
            "throughput",
            "queue_fill",
        ] {
            assert_eq!(exact(&theory, STAGE, name), exact(&reject, STAGE, name));
        }
        let wait = theory.figure(STAGE, "waiting_time".parse().unwrap());
        let latency = theory.figure(Place::Pipeline, "latency".parse().unwrap());
        assert_eq!((wait.is_some(), latency.is_some()), (all, all));
    }
}

#[test]
fn deadlines_do_not_change_numbers() {
    let mut sketch = Sketch::new();
    sketch.classes(&[0, 0]).stage(2, exponential(1.0));
    sketch.poisson(0.8, 0).poisson_of(1, 0.7, 0);
    let plain = analyze(&sketch.network());
    sketch.order(0, Discipline::EarliestDeadline);
    let mut network = sketch.network();
    network.classes[0].deadline = 1.0;
    let theory = analyze(&network);
    for name in [
        "number_in_system",
        "waiting_time",
        "sojourn_time",
        "utilization",
    ] {
        assert_eq!(exact(&theory, STAGE, name), exact(&plain, STAGE, name));
    }
    for name in ["waiting_time_p99", "sojourn_time_variance"] {
        assert!(theory.figure(STAGE, name.parse().unwrap()).is_none());
    }
    let of_a_class = Place::Class(StageId(0), ClassId(0));
    assert!(
        theory
            .figure(of_a_class, "waiting_time".parse().unwrap())
            .is_none()
    );
}

fn close(a: f64, b: f64) {
    assert!((a / b - 1.0).abs() < 1e-9, "{a} {b}");
}

fn partitioned(rate: f64, consumers: u32, count: u32, by: PartitionBy) -> Sketch {
    let mut sketch = Sketch::single(
        Arrivals::poisson(rate).unwrap(),
        consumers,
        exponential(1.0),
    );
    let broker = &mut sketch.at(0).extras.broker;
    broker.store = Store::Partitions { count, by };
    broker.commitment = Commitment::Pull {
        batch: 500,
        at_least: 1,
        wait: 0.5,
    };
    broker.acknowledgement = Acknowledgement::Commits { every: 5.0 };
    sketch
}

#[test]
fn partitions_are_queues_of_their_own() {
    let mut sketch = partitioned(1.6, 4, 4, PartitionBy::Hash);
    sketch.stage(1, exponential(2.0)).then(0, 1, 1.0);
    let theory = analyze(&sketch.network());
    close(exact(&theory, STAGE, "number_in_system"), 4.0 * 0.4 / 0.6);
    close(exact(&theory, STAGE, "sojourn_time"), 1.0 / 0.6);
    close(exact(&theory, STAGE, "sojourn_time_variance"), 1.0 / 0.36);
    close(exact(&theory, STAGE, "sojourn_time_p99"), 100f64.ln() / 0.6);
    close(exact(&theory, STAGE, "utilization"), 0.4);
    close(exact(&theory, STAGE, "throughput"), 1.6);
    close(
        exact(&theory, Place::Pipeline, "latency"),
        1.0 / 0.6 + 1.0 / 0.4,
    );
    assert_eq!(theory.model(StageId(0)), "4 × M/M/1");
    // By key: each member has its own share.
    let by = PartitionBy::Key {
        keys: 7,
        exponent: 1.0,
    };
    let weights = by.weights(3);
    let theory = analyze(&partitioned(1.2, 3, 3, by).network());
    let number: f64 = weights.iter().map(|w| 1.2 * w / (1.0 - 1.2 * w)).sum();
    close(exact(&theory, STAGE, "number_in_system"), number);
    close(exact(&theory, STAGE, "utilization"), 0.4);
}

#[test]
fn members_without_a_partition_are_idle() {
    let theory = analyze(&partitioned(1.0, 4, 2, PartitionBy::Hash).network());
    close(exact(&theory, STAGE, "utilization"), 0.25);
    close(exact(&theory, STAGE, "number_in_system"), 2.0);
    // Several partitions to a member: the means of one queue, in no one order.
    let theory = analyze(&partitioned(1.0, 2, 6, PartitionBy::Hash).network());
    close(exact(&theory, STAGE, "waiting_time"), 1.0);
    assert!(
        theory
            .figure(STAGE, "waiting_time_p99".parse().unwrap())
            .is_none()
    );
    // All orders have one key: one member is to do it all.
    let one = PartitionBy::Key {
        keys: 1,
        exponent: 1.0,
    };
    let theory = analyze(&partitioned(1.5, 4, 4, one).network());
    assert!(theory.unstable(STAGE));
    close(exact(&theory, STAGE, "throughput"), 1.0);
}

/// Two consumers in turn: the chain of both queues and whose turn it is.
#[test]
fn in_turn_by_the_markov_chain() {
    let (lambda, longest) = (1.2, 40usize);
    let side = longest + 1;
    let mut p = vec![0.0; 2 * side * side];
    p[0] = 1.0;
    let clock = lambda + 2.0;
    for _ in 0..4000 {
        let mut next = vec![0.0; p.len()];
        for turn in 0..2 {
            for a in 0..side {
                for b in 0..side {
                    let chance = p[(turn * side + a) * side + b];
                    let mut go = |turn: usize, a: usize, b: usize, rate: f64| {
                        next[(turn * side + a) * side + b] += chance * rate / clock;
                    };
                    match turn {
                        0 => go(1, (a + 1).min(longest), b, lambda),
                        _ => go(0, a, (b + 1).min(longest), lambda),
                    }
                    go(turn, a.saturating_sub(1), b, 1.0);
                    go(turn, a, b.saturating_sub(1), 1.0);
                }
            }
        }
        p = next;
    }
    let states = (0..2 * side * side).map(|state| (state / side % side, state % side));
    let number: f64 = states
        .zip(&p)
        .map(|((a, b), chance)| (a + b) as f64 * chance)
        .sum();
    let mut sketch = Sketch::single(Arrivals::poisson(lambda).unwrap(), 2, exponential(1.0));
    sketch.at(0).extras.broker = Broker::preset(System::RabbitMq);
    let theory = analyze(&sketch.network());
    let ours = exact(&theory, STAGE, "number_in_system");
    assert!((ours / number - 1.0).abs() < 1e-6, "{ours} {number}");
    assert_eq!(theory.model(StageId(0)), "2 × E2/M/1 in turn");
}

#[test]
fn in_turn_every_consumer_has_a_queue_of_erlang_gaps() {
    let gap = Distribution::erlang(4, 4.0 / 3.2).unwrap();
    let single = GiMc::new(&gap, 1.0, 1).unwrap().unwrap();
    for system in [System::RabbitMq, System::ActiveMq, System::ZeroMq] {
        let mut sketch = Sketch::single(Arrivals::poisson(3.2).unwrap(), 4, exponential(1.0));
        sketch.at(0).extras.broker = Broker::preset(system);
        let theory = analyze(&sketch.network());
        close(exact(&theory, STAGE, "waiting_time"), single.waiting_mean());
        close(
            exact(&theory, STAGE, "queue_length"),
            3.2 * single.waiting_mean(),
        );
        close(exact(&theory, STAGE, "utilization"), 0.8);
    }
    // A window that is often full is another queue.
    let mut sketch = Sketch::single(Arrivals::poisson(3.2).unwrap(), 4, exponential(1.0));
    sketch.at(0).extras.broker.commitment = Commitment::Push { prefetch: 3 };
    let theory = analyze(&sketch.network());
    let metric = "waiting_time".parse().unwrap();
    assert!(theory.figure(STAGE, metric).is_none());
    assert!(theory.why_not(STAGE, metric).contains("`prefetch`"));
    close(exact(&theory, STAGE, "utilization"), 0.8);
}

#[test]
fn a_consumer_is_kept_by_the_handover() {
    let mut sketch = Sketch::single(Arrivals::poisson(0.5).unwrap(), 1, exponential(1.0));
    sketch.at(0).extras.broker.costs.handover = Distribution::deterministic(0.2).unwrap();
    let theory = analyze(&sketch.network());
    // S + 0.2: mean 1.2, second moment 1 + 1.44.
    let wait = 0.5 * 2.44 / (2.0 * (1.0 - 0.6));
    close(exact(&theory, STAGE, "waiting_time"), wait + 0.2);
    close(exact(&theory, STAGE, "sojourn_time"), wait + 1.2);
    close(exact(&theory, STAGE, "queue_length"), 0.5 * (wait + 0.2));
    // That the consumer is kept, by hand-over or work; being handed over is no waiting for a consumer.
    close(exact(&theory, STAGE, "wait_probability"), 0.6);
    close(exact(&theory, STAGE, "utilization"), 0.5);
    close(exact(&theory, STAGE, "service_time"), 1.0);
    close(exact(&theory, Place::Pipeline, "latency"), wait + 1.2);
}

#[test]
fn an_acknowledgement_keeps_the_next_message_away() {
    let mut sketch = Sketch::single(Arrivals::poisson(0.5).unwrap(), 1, exponential(1.0));
    let broker = &mut sketch.at(0).extras.broker;
    broker.commitment = Commitment::Push { prefetch: 1 };
    broker.costs.acknowledge = exponential(5.0);
    let theory = analyze(&sketch.network());
    // S + A: mean 1.2, second moment 1 + 1/25 + 1.44.
    let wait = 0.5 * 2.48 / (2.0 * (1.0 - 0.6));
    close(exact(&theory, STAGE, "waiting_time"), wait);
    close(exact(&theory, STAGE, "sojourn_time"), wait + 1.0);
    close(
        exact(&theory, STAGE, "number_in_system"),
        0.5 * (wait + 1.0),
    );
    close(exact(&theory, STAGE, "utilization"), 0.5);
    close(exact(&theory, Place::Pipeline, "latency"), wait + 1.0);
    close(
        exact(&theory, Place::Pipeline, "number_in_system"),
        0.5 * (wait + 1.0),
    );
    // Without a window nobody waits for it.
    sketch.at(0).extras.broker.commitment = Commitment::OnDemand;
    close(
        exact(&analyze(&sketch.network()), STAGE, "sojourn_time"),
        2.0,
    );
}

#[test]
fn a_batch_waits_for_others() {
    let mut sketch = Sketch::single(Arrivals::poisson(10.0).unwrap(), 1, exponential(20.0));
    sketch.at(0).extras.broker.costs.linger = 0.1;
    let theory = analyze(&sketch.network());
    let latency = "latency".parse().unwrap();
    let latency = *theory.figure(Place::Pipeline, latency).unwrap();
    // One waits 0.1 s; on average one more comes, and waits half of it.
    close(latency.value, 0.15 / 2.0 + 0.1);
    assert_eq!(latency.kind, Kind::Approximation);
    close(exact(&theory, STAGE, "utilization"), 0.5);
    // Batches of 200 bytes, two messages, are often full before their time.
    sketch.at(0).extras.broker.costs.batch_bytes = 200.0;
    let theory = analyze(&sketch.network());
    assert!(
        theory
            .why_not(STAGE, Metric::Throughput)
            .contains("batch_size")
    );
}

#[test]
fn balking_is_a_loss_that_the_flows_know() {
    let mut sketch = Sketch::single(Arrivals::poisson(1.0).unwrap(), 1, exponential(1.0));
    sketch.stage(1, exponential(2.0)).then(0, 1, 1.0);
    let step = BalkingStep {
        at: 2,
        probability: 0.5,
    };
    sketch.at(0).extras.balking = Balking::Steps(vec![step]);
    let theory = analyze(&sketch.network());
    // One step by hand: see the model's own test.
    close(exact(&theory, STAGE, "loss_probability"), 0.2);
    close(exact(&theory, STAGE, "throughput"), 0.8);
    close(
        exact(&theory, Place::Stage(StageId(1)), "arrival_rate"),
        0.8,
    );
    close(exact(&theory, Place::Pipeline, "throughput"), 0.8);
    let behind = theory.figure(Place::Stage(StageId(1)), "waiting_time".parse().unwrap());
    assert_eq!(behind.unwrap().kind, Kind::Approximation);
}

#[test]
fn batches_are_served_together() {
    let mut sketch = Sketch::single(Arrivals::poisson(3.0).unwrap(), 1, exponential(1.0));
    sketch.at(0).extras.batching = Batching::UpTo {
        size: 5,
        at_least: 1,
        wait: 0.0,
    };
    let theory = analyze(&sketch.network());
    assert!(!theory.unstable(STAGE));
    close(exact(&theory, STAGE, "throughput"), 3.0);
    let model = BulkQueue::new(3.0, 1.0, 1, 1, 5).unwrap().unwrap();
    close(exact(&theory, STAGE, "waiting_time"), model.waiting_mean());
    close(
        exact(&theory, Place::Pipeline, "latency"),
        model.waiting_mean() + 1.0,
    );
    sketch.at(0).extras.batching = Batching::UpTo {
        size: 2,
        at_least: 1,
        wait: 0.0,
    };
    let theory = analyze(&sketch.network());
    assert!(theory.unstable(STAGE));
    close(exact(&theory, STAGE, "throughput"), 2.0);
}

#[test]
fn stock_loses_sales_or_makes_orders_wait() {
    let items = vec![
        Item {
            popularity: 0.75,
            initial: 4,
        },
        Item {
            popularity: 0.25,
            initial: 0,
        },
    ];
    let stock = |shortage| Stock {
        items: items.clone(),
        quantity: DiscreteDistribution::Deterministic { value: 1 },
        hold: Hold::Take,
        shortage,
        replenishment: Replenishment::BaseStock {
            lead_time: Distribution::deterministic(2.0).unwrap(),
        },
    };
    let mut sketch = Sketch::single(Arrivals::poisson(2.0).unwrap(), 3, exponential(1.0));
    sketch.at(0).extras.stocking = Stocking::Stock(Box::new(stock(Shortage::LostSale)));
    let theory = analyze(&sketch.network());
    // B(4, 3) = 27/131.
    let lost = 0.75 * 27.0 / 131.0 + 0.25;
    close(exact(&theory, STAGE, "lost_sale_probability"), lost);
    close(exact(&theory, STAGE, "fill_rate"), 1.0 - lost);
    close(
        exact(&theory, Place::Pipeline, "throughput"),
        2.0 * (1.0 - lost),
    );
    close(
        exact(&theory, Place::Pipeline, "completion_probability"),
        1.0 - lost,
    );
    sketch.at(0).extras.stocking = Stocking::Stock(Box::new(stock(Shortage::Backorder)));
    let theory = analyze(&sketch.network());
    let often = BaseStock::new(1.5, 2.0, 4, Shortage::Backorder).unwrap();
    let plain = Mmc::new(2.0, 1.0, 3).unwrap();
    // Of the second item, each is ordered when it is asked for.
    let waits = often.owed() / 2.0 + 0.25 * 2.0;
    close(
        exact(&theory, STAGE, "sojourn_time"),
        plain.waiting_mean() + 1.0 + waits,
    );
    close(
        exact(&theory, Place::Pipeline, "latency"),
        plain.waiting_mean() + 1.0 + waits,
    );
    close(
        exact(&theory, STAGE, "backorder_probability"),
        0.75 * often.shortage() + 0.25,
    );
}

/// One consumer with all that comes committed to it is a queue as any other.
#[test]
fn one_consumer_of_any_system_is_a_plain_queue() {
    for system in System::ALL {
        let mut sketch = Sketch::single(Arrivals::poisson(0.5).unwrap(), 1, exponential(1.0));
        sketch.at(0).extras.broker = Broker::preset(system);
        sketch.at(0).extras.broker.costs.linger = 0.0;
        let theory = analyze(&sketch.network());
        close(exact(&theory, STAGE, "waiting_time"), 1.0);
        close(exact(&theory, Place::Pipeline, "latency"), 2.0);
    }
    // Messages that wait for half an hour are delivered twice.
    let mut sketch = Sketch::single(Arrivals::poisson(0.5).unwrap(), 1, exponential(0.501));
    sketch.at(0).extras.broker = Broker::preset(System::RabbitMq);
    let theory = analyze(&sketch.network());
    assert_eq!(known(&theory, STAGE), [Metric::ArrivalRate]);
    assert!(
        theory
            .why_not(STAGE, Metric::Throughput)
            .contains("visibility_timeout")
    );
}

#[test]
fn what_leaves_a_batch_comes_together() {
    let mut sketch = Sketch::single(Arrivals::poisson(3.0).unwrap(), 1, exponential(1.0));
    sketch.stage(4, exponential(1.0)).then(0, 1, 1.0);
    let size = Batching::UpTo {
        size: 5,
        at_least: 1,
        wait: 0.0,
    };
    sketch.at(0).extras.batching = size;
    let theory = analyze(&sketch.network());
    let second = Place::Stage(StageId(1));
    close(exact(&theory, second, "utilization"), 0.75);
    let wait = "waiting_time".parse().unwrap();
    assert!(theory.figure(second, wait).is_none());
    assert!(theory.why_not(second, wait).contains("`batch` of `s0`"));
    assert!(
        theory
            .figure(Place::Pipeline, "latency".parse().unwrap())
            .is_none()
    );
    sketch.bound(1, 3);
    let theory = analyze(&sketch.network());
    assert_eq!(known(&theory, second), [Metric::ArrivalRate]);
}
