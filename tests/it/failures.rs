//! Failed attempts: against formulas, and along paths worked out by hand.

use crate::measured::{agrees, constant, exponential, run};
use crate::networks::single;
use crate::paths::leavers;
use orderline::metric::Metric;
use orderline::network::{
    AfterFailure, Backoff, Breaker, CircuitBreaker, Class, ClassId, Consumers, Failure, Failures,
    Network, Place, RetryPlace, StageId, WhileOpen,
};
use orderline::random::Arrivals;
use orderline::sim::Outcome::{Cancelled, Completed, DeadLettered};

fn failing(probability: f64) -> Failure {
    Failure {
        probability: vec![probability],
        timeout: f64::INFINITY,
        attempts: u32::MAX,
        backoff: Backoff::AtOnce,
        retry: RetryPlace::Tail,
        then: AfterFailure::DeadLetter,
        breaker: Breaker::None,
    }
}

fn with(mut network: Network, failure: Failure) -> Network {
    network.stages[0].extras.failures = Failures::Some(Box::new(failure));
    network
}

fn poisson(rate: f64) -> Arrivals {
    Arrivals::poisson(rate).expect("a rate")
}

/// M/M/1 with Bernoulli feedback (Jackson): as if λ/(1 − p) came, each to be served once.
#[test]
fn retries_at_once_are_feedback() {
    let (rate, service, p) = (3.0, 10.0, 0.4);
    let load = rate / (1.0 - p) / service;
    let present = load / (1.0 - load);
    let network = with(single(poisson(rate), exponential(service)), failing(p));
    agrees(
        "feedback",
        network,
        &[
            (Some(0), "utilization", load),
            (Some(0), "number_in_system", present),
            (None, "latency", present / rate),
            (None, "throughput", rate),
        ],
    );
}

/// The backoff is a station at which nobody waits, in a network of product form.
#[test]
fn backoff_adds_its_time_and_takes_no_consumer() {
    let (rate, service, p, pause) = (3.0, 10.0, 0.4, 2.0);
    let load = rate / (1.0 - p) / service;
    let queue = load / (1.0 - load);
    let mut failure = failing(p);
    failure.backoff = Backoff::Law(exponential(1.0 / pause));
    let network = with(single(poisson(rate), exponential(service)), failure);
    let retries = p / (1.0 - p);
    agrees(
        "backoff",
        network,
        &[
            (None, "latency", queue / rate + retries * pause),
            (None, "retry_time", retries * pause),
            (Some(0), "failure_probability", p),
            (Some(0), "attempts_per_message", 1.0 + retries),
        ],
    );
}

/// P(all n attempts fail) = pⁿ.
#[test]
fn attempts_come_to_an_end() {
    let (rate, p, attempts) = (3.0, 0.5, 3);
    let mut failure = failing(p);
    failure.attempts = attempts;
    let mut network = with(single(poisson(rate), constant(0.1)), failure);
    network.stages[0].consumers = Consumers::Unlimited;
    let given_up = p.powi(attempts as i32);
    let tries = (1.0 - given_up) / (1.0 - p);
    agrees(
        "attempts",
        network,
        &[
            (None, "throughput", rate * (1.0 - given_up)),
            (Some(0), "sojourn_time", 0.1 * tries),
        ],
    );
}

/// Orders that always fail come at the first times, others at the second; services of 1 s.
fn bad_and_good(bad: &[f64], good: &[f64], failure: Failure) -> Network {
    let times = |times: &[f64]| Arrivals::trace(times.to_vec(), 0.0).expect("times");
    let mut network = single(times(bad), constant(1.0));
    network.classes.push(Class {
        name: "good".to_owned(),
        priority: 0,
        deadline: f64::INFINITY,
    });
    let as_the_others = network.stages[0].by_class[0].clone();
    network.stages[0].by_class.push(as_the_others);
    let mut producer = network.producers[0].clone();
    producer.name = "good".to_owned();
    producer.class = ClassId(1);
    producer.arrivals = times(good);
    network.producers.push(producer);
    let probability = vec![1.0, 0.0];
    with(
        network,
        Failure {
            probability,
            ..failure
        },
    )
}

/// Tried at 1 s, after 1 s at 3 s, after 2 s at 6 s. With its consumer it holds the other one up.
#[test]
fn an_order_waits_between_attempts_aside_or_with_its_consumer() {
    let mut failure = failing(1.0);
    failure.attempts = 3;
    failure.backoff = Backoff::Exponential {
        first: 1.0,
        factor: 2.0,
        jitter: 0.0,
        longest: f64::INFINITY,
    };
    let aside = bad_and_good(&[1.0], &[1.5], failure.clone());
    let expected = [(1, 3.0, Completed), (0, 7.0, DeadLettered)];
    assert_eq!(leavers(&aside), expected);
    failure.retry = RetryPlace::InPlace;
    let held = bad_and_good(&[1.0], &[1.5], failure);
    let expected = [(0, 7.0, DeadLettered), (1, 8.0, Completed)];
    assert_eq!(leavers(&held), expected);
}

#[test]
fn an_order_comes_back_at_the_tail_or_at_its_old_place() {
    let mut failure = failing(1.0);
    failure.attempts = 2;
    failure.backoff = Backoff::Table(vec![0.5]);
    let good = [1.2, 1.4, 1.6];
    let tail = bad_and_good(&[1.0], &good, failure.clone());
    let served = |(order, at)| (order, at, Completed);
    let mut expected = [(1, 3.0), (2, 4.0), (3, 5.0)].map(served).to_vec();
    expected.push((0, 6.0, DeadLettered));
    assert_eq!(leavers(&tail), expected);
    failure.retry = RetryPlace::OldPlace;
    let old = bad_and_good(&[1.0], &good, failure);
    let mut expected = vec![(1, 3.0, Completed), (0, 4.0, DeadLettered)];
    expected.extend([(2, 5.0), (3, 6.0)].map(served));
    assert_eq!(leavers(&old), expected);
}

#[test]
fn an_attempt_is_given_up_at_its_time_out() {
    let mut failure = failing(0.0);
    failure.attempts = 2;
    failure.timeout = 2.0;
    let arrivals = Arrivals::trace(vec![1.0], 0.0).expect("a time");
    let network = with(single(arrivals, constant(5.0)), failure);
    assert_eq!(leavers(&network), [(0, 5.0, DeadLettered)]);
}

/// Two failures in a row (at 2 s and 3.5 s) open the circuit until 13.5 s; one success closes it.
fn guarded(while_open: WhileOpen) -> Network {
    let mut failure = failing(1.0);
    failure.attempts = 1;
    failure.then = AfterFailure::Cancelled;
    failure.breaker = Breaker::Circuit(CircuitBreaker {
        failures: 2,
        open_for: 10.0,
        probes: 1,
        while_open,
    });
    let good = [4.0, 5.0, 15.0, 15.5, 16.5];
    let mut network = bad_and_good(&[1.0, 2.5], &good, failure);
    network.stages[0].consumers = Consumers::Finite(2);
    network
}

#[test]
fn an_open_circuit_fails_orders_at_once() {
    // The one that comes while the first trial is under way fails too.
    let expected = [
        (0, 2.0, Cancelled),
        (1, 3.5, Cancelled),
        (2, 4.0, Cancelled),
        (3, 5.0, Cancelled),
        (5, 15.5, Cancelled),
        (4, 16.0, Completed),
        (6, 17.5, Completed),
    ];
    let network = guarded(WhileOpen::Fail);
    assert_eq!(leavers(&network), expected);
    let sim = run(&network);
    let stage = sim.at(Place::Stage(StageId(0))).expect("a place");
    // From 3.5 s to 13.5 s, of 100 s.
    assert_eq!(stage.estimates[&Metric::CircuitOpenShare].point, 0.1);
}

#[test]
fn an_open_circuit_lets_orders_wait() {
    // At 13.5 s one is tried; it succeeds at 14.5 s, and all is as before.
    let expected = [
        (0, 2.0, Cancelled),
        (1, 3.5, Cancelled),
        (2, 14.5, Completed),
        (3, 15.5, Completed),
        (4, 16.0, Completed),
        (5, 16.5, Completed),
        (6, 17.5, Completed),
    ];
    assert_eq!(leavers(&guarded(WhileOpen::Pause)), expected);
}
