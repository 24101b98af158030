//! How messages get to consumers: against formulas, and along paths worked out by hand.

use crate::measured::{agrees, constant, exponential};
use crate::networks::single;
use crate::paths::leavers;
use orderline::network::{
    Broker, Commitment, Consumers, Costs, HalfMessages, Network, PartitionBy, Store, Transactions,
};
use orderline::random::Arrivals;
use orderline::sim::Outcome::{Cancelled, Completed, Rejected};

fn poisson(rate: f64) -> Arrivals {
    Arrivals::poisson(rate).expect("a rate")
}

/// Orders are served at once, and all their time is the broker's.
fn through(arrivals: Arrivals, broker: Broker) -> Network {
    let mut network = single(arrivals, constant(0.0));
    network.stages[0].consumers = Consumers::Unlimited;
    network.stages[0].extras.broker = broker;
    network
}

fn costing(costs: Costs) -> Broker {
    Broker {
        costs,
        ..Broker::default()
    }
}

/// Messages that are under way for independent times come as a Poisson stream, and a disk that takes an
/// exponential time for each is M/M/1.
#[test]
fn a_writer_is_a_queue() {
    let (rate, writes) = (4.0, 5.0);
    let broker = costing(Costs {
        network: exponential(10.0),
        persistence: exponential(writes),
        confirm: exponential(2.0),
        ..Costs::default()
    });
    let latency = 0.1 + 1.0 / (writes - rate) + 0.5;
    agrees(
        "writer",
        through(poisson(rate), broker),
        &[
            (None, "latency", latency),
            (None, "network_time", 0.1),
            (Some(0), "enqueue_time", latency - 0.1),
        ],
    );
}

/// The way takes 0.5 s and 1 s for a kilobyte, the disk 2 s; who would wait for it for more than 3 s is
/// refused then.
#[test]
fn a_busy_writer_refuses() {
    let broker = costing(Costs {
        network: constant(0.5),
        bandwidth: 1024.0,
        persistence: constant(2.0),
        refuse_after: 3.0,
        ..Costs::default()
    });
    let arrivals = Arrivals::trace(vec![1.0, 1.0, 1.0, 3.5], 0.0).expect("times");
    let mut network = through(arrivals, broker);
    network.producers[0].message_size = 1024.0;
    // They come to the disk at 2.5 s and at 5 s, which is free at 4.5 s, 6.5 s and 8.5 s.
    let expected = [
        (0, 4.5, Completed),
        (2, 5.5, Rejected),
        (1, 6.5, Completed),
        (3, 8.5, Completed),
    ];
    assert_eq!(leavers(&network), expected);
}

fn half(commit: f64, rollback: f64, checks: u32) -> Broker {
    Broker {
        transaction: Transactions::Half(Box::new(HalfMessages {
            local: constant(1.0),
            commit,
            rollback,
            timeout: 6.0,
            check_every: 30.0,
            checks,
        })),
        ..Broker::default()
    }
}

#[test]
fn who_never_hears_of_a_transaction_drops_it() {
    let arrivals = || Arrivals::trace(vec![2.0], 0.0).expect("a time");
    let silent = through(arrivals(), half(0.0, 0.0, 2));
    assert_eq!(leavers(&silent), [(0, 38.0, Cancelled)]);
    let committed = through(arrivals(), half(1.0, 0.0, 2));
    assert_eq!(leavers(&committed), [(0, 3.0, Completed)]);
}

/// Heard of after 1 s, or asked after 6, 36 and 66 s: with a probability of c each, if it was unknown
/// so far.
#[test]
fn half_messages_wait_for_their_transactions() {
    let (rate, commit, rollback) = (5.0, 0.6, 0.1);
    let unknown: f64 = 1.0 - commit - rollback;
    let times = [1.0, 6.0, 36.0, 66.0];
    let reached = |k: usize| unknown.powi(k as i32) * commit;
    let completed: f64 = (0..4).map(reached).sum();
    let latency: f64 = (0..4).map(|k| reached(k) * times[k]).sum::<f64>() / completed;
    agrees(
        "half messages",
        through(poisson(rate), half(commit, rollback, 3)),
        &[
            (None, "latency", latency),
            (None, "throughput", rate * completed),
            (Some(0), "arrival_rate", rate),
            (Some(0), "throughput", rate * completed),
        ],
    );
}

/// Consumers of exponential service, each with what is its own.
fn group(rate: f64, service: f64, consumers: u32, broker: Broker) -> Network {
    let mut network = single(poisson(rate), exponential(service));
    network.stages[0].consumers = Consumers::Finite(consumers);
    network.stages[0].extras.broker = broker;
    network
}

fn partitions(count: u32, by: PartitionBy) -> Broker {
    Broker {
        store: Store::Partitions { count, by },
        commitment: Commitment::Push { prefetch: 1 },
        ..Broker::default()
    }
}

/// Poisson streams split by chance are Poisson streams: each partition is M/M/1 with its share.
#[test]
fn partitions_are_queues_of_their_own() {
    let (rate, service) = (3.0, 2.0);
    let skewed = PartitionBy::Key {
        keys: 30,
        exponent: 0.6,
    };
    for by in [PartitionBy::Hash, skewed] {
        let weights = by.weights(4);
        let sojourn = |w: &f64| w / (service - rate * w);
        let sojourn: f64 = weights.iter().map(sojourn).sum();
        agrees(
            &format!("{by:?} {weights:?}"),
            group(rate, service, 4, partitions(4, by)),
            &[(Some(0), "sojourn_time", sojourn)],
        );
    }
}

/// A single partition has a single consumer at a time, however many there are: M/M/1.
#[test]
fn one_partition_has_one_consumer() {
    let (rate, service) = (1.0, 2.0);
    agrees(
        "one partition",
        group(rate, service, 4, partitions(1, PartitionBy::Hash)),
        &[(Some(0), "sojourn_time", 1.0 / (service - rate))],
    );
}

/// Every fourth order of a Poisson stream: E4/M/1. The probability σ of finding the consumer busy is the
/// root of σ = (λ/(λ + μ(1 − σ)))⁴ below 1, and the sojourn time is exponential with μ(1 − σ).
fn in_turn(rate: f64, service: f64, ways: i32) -> f64 {
    let mut busy = 0.5;
    for _ in 0..10_000 {
        busy = (rate / (rate + service * (1.0 - busy))).powi(ways);
    }
    1.0 / (service * (1.0 - busy))
}

#[test]
fn messages_dealt_in_turn_are_queues_with_erlang_arrivals() {
    let (rate, service) = (6.0, 2.0);
    let dealt = |commitment| Broker {
        commitment,
        ..Broker::default()
    };
    let ways = [
        ("round robin", partitions(4, PartitionBy::RoundRobin)),
        ("no window", dealt(Commitment::Push { prefetch: u32::MAX })),
        (
            "at send",
            dealt(Commitment::AtSend {
                high_water_mark: u32::MAX,
            }),
        ),
    ];
    for (way, broker) in ways {
        let known = [(Some(0), "sojourn_time", in_turn(rate, service, 4))];
        agrees(way, group(rate, service, 4, broker), &known);
    }
}

/// A window of one is a shared queue: M/M/4.
#[test]
fn a_window_of_one_shares_the_queue() {
    let (rate, service, consumers) = (6.0, 2.0, 4.0);
    let load: f64 = rate / service;
    let blocked = (1..=4).fold(1.0, |b, n| load * b / (f64::from(n) + load * b));
    let waits = blocked / (1.0 - load / consumers * (1.0 - blocked));
    let sojourn = waits / (consumers * service - rate) + 1.0 / service;
    let broker = Broker {
        commitment: Commitment::Push { prefetch: 1 },
        ..Broker::default()
    };
    let known = [(Some(0), "sojourn_time", sojourn)];
    agrees("window", group(rate, service, 4, broker), &known);
}
