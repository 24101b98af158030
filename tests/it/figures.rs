//! Figures of what is more than plain queues: they add up, and stand where they have a meaning.

use orderline::metric::{Metric, Statistic, TimeKind};
use orderline::network::{Network, Place, StageId};
use orderline::scenario;
use orderline::sim::{
    Control, LatencyParts, Observer, OrderRecord, Outcome, SimOptions, SimResult, simulate,
    trace_replication,
};
use std::path::Path;

/// Something of everything: a broker that costs time and fails, breakdowns, retries, patience.
const BUSY: &str = r#"
seed = 5
[run]
duration = 3000
warmup = 100
replications = 4
[[producer]]
name = "web"
to = "order"
message_size = "2KiB"
arrivals = { poisson = { rate = 20 } }
[[stage]]
name = "order"
consumers = 3
service = { exponential = { mean = 0.05 } }
breakdown = { uptime = { exponential = { mean = 20 } }, downtime = { exponential = { mean = 2 } }, then = "redeliver" }
broker = { rabbitmq = { network = { exponential = { mean = 0.002 } }, handover = { exponential = { mean = 0.001 } }, persistence = { exponential = { mean = 0.005 } } } }
next = "payment"
[[stage]]
name = "payment"
consumers = 6
service = { exponential = { mean = 0.2 } }
patience = { exponential = { mean = 3 } }
failure = { probability = 0.1, attempts = 3, backoff = { fixed = 0.5 }, then = "dead_letter" }
"#;

fn network(text: &str) -> Network {
    let loaded = scenario::parse(text, "figures", Path::new("."), &[]);
    loaded.unwrap_or_else(|error| panic!("{error}")).network
}

fn run(network: &Network) -> SimResult {
    simulate(network, SimOptions::on(2), &Control::default()).expect("it runs")
}

fn point(sim: &SimResult, at: Place, metric: Metric) -> f64 {
    let place = sim.at(at).expect("there are orders");
    let found = place.estimates.get(&metric);
    found.unwrap_or_else(|| panic!("no {metric}")).point
}

fn sum(parts: LatencyParts) -> f64 {
    let LatencyParts {
        network,
        enqueue,
        queueing,
        dequeue,
        processing,
        retry,
    } = parts;
    network + enqueue + queueing + dequeue + processing + retry
}

#[derive(Default)]
struct Worst {
    orders: u64,
    off: f64,
}

impl Observer for Worst {
    fn left(&mut self, record: &OrderRecord) {
        let parts = record.parts.expect("the engine for everything tells them");
        let time = record.left - record.entered;
        self.orders += u64::from(record.outcome != Outcome::InFlight);
        self.off = self.off.max((sum(parts) - time).abs());
    }
}

#[test]
fn the_parts_of_every_order_add_up_to_its_time() {
    let worst = trace_replication(&network(BUSY), &Control::default(), Worst::default());
    assert!(worst.orders > 50_000 && worst.off < 1e-8, "{}", worst.off);
}

#[test]
fn the_parts_of_the_latency_add_up_to_it_in_every_replication() {
    let sim = run(&network(BUSY));
    let pipeline = sim.at(Place::Pipeline).expect("there are orders");
    let latency = &pipeline.estimates[&Metric::mean(TimeKind::Latency)];
    for (replication, latency) in latency.values.iter().enumerate() {
        let parts = Metric::PARTS.map(|part| pipeline.estimates[&part].values[replication]);
        assert!(parts.iter().all(|part| *part > 0.0), "{parts:?}");
        assert!((parts.iter().sum::<f64>() / latency - 1.0).abs() < 1e-9);
    }
}

#[test]
fn figures_stand_where_they_have_a_meaning_and_nowhere_else() {
    let plain = BUSY
        .lines()
        .filter(|line| {
            let special = ["breakdown", "broker", "patience", "failure"];
            !special.iter().any(|word| line.starts_with(word))
        })
        .collect::<Vec<_>>()
        .join("\n");
    for network in [network(BUSY), network(&plain)] {
        for place in &run(&network).places {
            let computed = |metric: &Metric| {
                matches!(
                    metric,
                    Metric::Time(_, Statistic::Variance | Statistic::Max)
                )
            };
            for metric in place.estimates.keys().filter(|metric| !computed(metric)) {
                let lack = network.lacks(place.place, *metric);
                assert_eq!(lack, None, "{metric} at {:?}", place.place);
            }
        }
    }
    let places = run(&network(&plain)).places;
    let new = [
        Metric::Availability,
        Metric::RedeliveryRate,
        Metric::QueueingTime,
        Metric::CompletionProbability,
    ];
    let has = |metric| {
        places
            .iter()
            .any(|place| place.estimates.contains_key(&metric))
    };
    assert!(!new.into_iter().any(has));
}

#[test]
fn figures_are_those_of_the_settings() {
    let network = network(BUSY);
    let sim = run(&network);
    let [order, payment] = [0, 1].map(|stage| Place::Stage(StageId(stage)));
    let near = |at, metric, expected: f64| {
        let place = sim.at(at).expect("there are orders");
        let estimate = &place.estimates[&metric];
        assert_eq!(
            estimate.agrees_with(expected, 0.9999),
            Some(true),
            "{metric}: {} for {expected}",
            estimate.point
        );
    };
    near(order, Metric::Availability, 20.0 / 22.0);
    near(order, Metric::NetworkTime, 0.002);
    near(order, Metric::DequeueTime, 0.001);
    near(payment, Metric::FailureProbability, 0.1);
    // Redelivered work starts anew, but a consumer is seldom at it when it fails.
    let busy = point(&sim, order, Metric::Utilization);
    assert!((busy / (20.0 * 0.05 / 3.0) - 1.0).abs() < 0.05, "{busy}");
    let attempts = point(&sim, payment, Metric::AttemptsPerMessage);
    let work = point(&sim, payment, Metric::ProcessingTime);
    let abandoned = point(&sim, payment, Metric::AbandonProbability);
    assert!((work * (1.0 - abandoned) / (0.2 * attempts) - 1.0).abs() < 0.02);
    for at in [order, payment, Place::Pipeline] {
        let queue = point(&sim, at, Metric::LittleResidualQueue);
        let all = point(&sim, at, Metric::LittleResidual);
        assert!(queue.abs() < 0.01 && all.abs() < 0.01, "{queue} {all}");
    }
}

#[test]
fn messages_and_orders_are_accounted_for() {
    let sim = run(&network(BUSY));
    assert_eq!(sim.outcomes.total(), sim.entered);
    for outcome in [
        Outcome::Completed,
        Outcome::Expired,
        Outcome::DeadLettered,
        Outcome::InFlight,
    ] {
        assert!(sim.outcomes.of(outcome) > 0, "{outcome}");
    }
    let messages = sim.messages.expect("told by the engine for everything");
    assert_eq!(
        messages.copies_made,
        messages.copies_ended + messages.copies_present
    );
    assert!(messages.redeliveries > messages.failed / 2);
    assert!(messages.deliveries > messages.joined / 2);
}
