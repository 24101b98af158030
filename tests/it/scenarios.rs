//! The scenario library of the order pipeline: what the first lines of each file say to expect.
//!
//! Runs are shorter than the files say, so that they fit a build without optimization.

use orderline::metric::Metric;
use orderline::network::{Place, StageId};
use orderline::scenario;
use orderline::sim::{Control, MessageAccounts, Outcome, SimOptions, SimResult, simulate};
use orderline::stats::Estimate;
use std::path::Path;

/// A scenario of the library that was run, with the names of its stages.
struct Ran {
    stages: Vec<String>,
    sim: SimResult,
}

/// Runs a scenario with changes as `--set` takes them, separated by spaces.
fn ran(name: &str, changes: &str) -> Ran {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/{name}.toml"));
    let sets: Vec<String> = changes.split_whitespace().map(str::to_owned).collect();
    let loaded = scenario::load(&file, &sets).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(loaded.warnings, [], "{name}");
    let network = loaded.network;
    let sim = simulate(&network, SimOptions::on(2), &Control::default()).expect("it runs");
    let stages = network.stages.into_iter().map(|stage| stage.name).collect();
    Ran { stages, sim }
}

impl Ran {
    /// A figure of a stage; of the pipeline where the stage is "".
    fn estimate(&self, stage: &str, metric: &str) -> &Estimate {
        let index = self.stages.iter().position(|name| name == stage);
        let place = match stage {
            "" => Place::Pipeline,
            _ => Place::Stage(StageId(index.unwrap_or_else(|| panic!("no {stage}")))),
        };
        let known: Metric = metric.parse().expect("a metric");
        let estimates = &self.sim.at(place).expect("a place").estimates;
        let estimate = estimates.get(&known);
        estimate.unwrap_or_else(|| panic!("no {metric} at {stage}"))
    }

    fn of(&self, stage: &str, metric: &str) -> f64 {
        self.estimate(stage, metric).point
    }

    /// Share of the orders that entered.
    fn share(&self, outcome: Outcome) -> f64 {
        self.sim.outcomes.of(outcome) as f64 / self.sim.entered as f64
    }

    fn messages(&self) -> MessageAccounts {
        self.sim.messages.expect("accounts of messages")
    }
}

fn near(value: f64, expected: f64, share: f64) {
    let off = (value / expected - 1.0).abs();
    assert!(off <= share, "{value} is not near {expected}");
}

/// Orders wait for a worker that is busy while others are idle.
#[test]
fn prefetch_hoards() {
    let ran = ran(
        "rabbitmq-prefetch",
        "run.duration=90 run.warmup=10 run.replications=8",
    );
    let time = |stage| ran.estimate(stage, "sojourn_time");
    let (one, unlimited) = (time("one"), time("unlimited"));
    let interval = |estimate: &Estimate| estimate.interval(0.95).expect("several replications");
    assert!(interval(one).high < interval(unlimited).low);
    assert!(unlimited.point > 1.5 * one.point);
    assert!(one.point < time("ten").point);
    near(one.point, 0.0191, 0.1);
    near(unlimited.point, 0.0333, 0.1);
}

#[test]
fn partitions_wait_each_for_its_own_consumer() {
    let ran = ran(
        "kafka-partitions",
        "run.duration=2min run.warmup=10 run.replications=4",
    );
    let time = |stage| ran.of(stage, "sojourn_time");
    near(time("even"), 0.025, 0.1);
    assert!(time("skewed") > 1.15 * time("even"));
    assert!(ran.of("skewed", "sojourn_time_p99") > 1.3 * ran.of("even", "sojourn_time_p99"));
    // Who is behind the poison waits for it, though the consumers are as busy as the others'.
    assert!(time("blocked") > 8.0 * time("even"));
    near(ran.of("blocked", "utilization"), 0.6, 0.03);
    assert!(ran.share(Outcome::DeadLettered) > 0.0);
}

#[test]
fn what_was_done_since_the_last_commit_is_done_again() {
    let ran = ran("kafka-crash", "run.replications=2");
    assert_eq!(ran.share(Outcome::Lost), 0.0);
    let crashes = 4.0 * 3540.0 / 620.0 * 2.0;
    near(ran.messages().duplicates as f64 / crashes, 62.5, 0.25);
    near(ran.of("order", "availability"), 600.0 / 620.0, 0.01);
    // A session time-out for what had been fetched; the partition of a dead consumer waits for 20 s.
    assert!((45.0..60.0).contains(&ran.of("", "latency_max")));
    assert!((12.0..25.0).contains(&ran.of("", "latency_p99")));
}

#[test]
fn redelivery_by_the_client_blocks_it() {
    let ran = ran(
        "activemq-redelivery",
        "run.duration=3min run.replications=4",
    );
    let time = |stage| ran.of(stage, "sojourn_time");
    near(time("aside"), 0.0128, 0.05);
    assert!(time("one-ahead") > 1.3 * time("aside"));
    assert!(time("default") > 3.0 * time("one-ahead"));
    assert!(ran.of("aside", "sojourn_time_p99") < 0.07);
    assert!(ran.of("default", "sojourn_time_p99") > 0.5);
}

#[test]
fn half_messages_come_late_and_retries_by_the_table() {
    let ran = ran("rocketmq-half-messages", "run.replications=2");
    // Asked again and again, 2 of 99 answers that say anything roll back.
    near(ran.share(Outcome::Cancelled), 0.02 / 0.99, 0.05);
    near(ran.of("warehouse", "enqueue_time"), 0.112, 0.1);
    near(ran.of("", "retry_time"), 0.05 * 10.0 + 0.0025 * 30.0, 0.1);
    assert!((10.0..11.0).contains(&ran.of("", "latency_p99")));
    assert!((40.0..42.0).contains(&ran.of("", "latency_p999")));
}

#[test]
fn a_busy_writer_refuses_and_keeps_latency_short() {
    let ran = ran(
        "rocketmq-busy-writer",
        "run.duration=2min run.replications=2",
    );
    // In 10 s of the peak 15,000 come, and 10,000 and 200 ms' worth are written.
    near(ran.share(Outcome::Rejected), 4_800.0 / 40_000.0, 0.05);
    assert!(ran.of("", "latency_max") < 0.7);
    assert!(ran.of("", "latency_p99") < 0.3);
}

#[test]
fn without_acknowledgement_a_dead_worker_takes_its_messages_with_it() {
    let ran = ran("zeromq-round-robin", "run.replications=2 run.duration=5min");
    assert!(ran.of("sockets", "message_loss_rate") > 0.0);
    let lost = ran.share(Outcome::Lost) * ran.sim.entered as f64;
    assert!(lost > 0.0);
    // All of it at the sockets: the broker delivers again instead.
    assert!(ran.of("broker", "redelivery_rate") > 0.0);
    let measured = ran.of("sockets", "message_loss_rate");
    near(measured / 2.0, ran.share(Outcome::Lost), 0.3);
    assert!(ran.of("sockets", "sojourn_time") > 1.5 * ran.of("broker", "sojourn_time"));
}

#[test]
fn a_circuit_breaker_calms_the_storm_of_retries() {
    let storm = ran("payment-outage", "run.replications=2");
    let calm = ran("payment-outage-breaker", "run.replications=2");
    let attempts = |ran: &Ran| ran.of("payment", "attempts_per_message");
    assert!(attempts(&calm) < 0.5 * attempts(&storm));
    near(attempts(&calm), 1.011, 0.01);
    near(storm.share(Outcome::DeadLettered), 0.243, 0.03);
    assert_eq!(calm.share(Outcome::DeadLettered), 0.0);
    near(calm.of("payment", "circuit_open_share"), 0.25, 0.03);
    // Nobody waits long in the storm, those who get through; behind the breaker all wait and get through.
    assert!(storm.of("", "latency_p99") < 5.0);
    assert!((280.0..300.0).contains(&calm.of("", "latency_p99")));
    assert!(calm.of("", "completion_probability") > 0.999);
}

#[test]
fn only_reservation_keeps_a_flash_sale_from_overselling() {
    let looked = ran("flash-sale", "run.replications=2");
    assert!(looked.of("order", "oversold_units") > 2_000.0);
    let sold = |ran: &Ran| ran.sim.outcomes.of(Outcome::Completed) / ran.sim.replications;
    let oversold = sold(&looked) as f64 - 1000.0;
    near(looked.of("order", "oversold_units"), oversold, 1e-3);
    let reserved = ran("flash-sale-reserved", "run.replications=2");
    assert_eq!(reserved.sim.outcomes.of(Outcome::Completed), 2 * 1000);
    assert!(reserved.of("order", "stock_outs") > 50.0);
}

/// The fluid limit: 60 s × (583 − 200)/s = 22,980 orders, worked off at 200/s.
#[test]
fn a_queue_shaves_the_peak() {
    let ran = ran("peak-shaving", "run.replications=2");
    near(
        ran.of("payment", "waiting_time_max"),
        22_980.0 / 200.0,
        0.05,
    );
    let hill = 0.5 * 22_980.0 * (60.0 + 22_980.0 / 150.0) / 600.0;
    near(ran.of("payment", "queue_length"), hill, 0.05);
    assert_eq!(ran.share(Outcome::Rejected), 0.0);
    assert!(ran.of("order", "waiting_time") < 1e-3);
}

#[test]
fn what_is_not_begun_in_time_expires() {
    let ran = ran("order-timeout", "run.replications=2");
    near(ran.share(Outcome::Expired), 5_900.0 / 78_000.0, 0.1);
    assert!(ran.of("payment", "waiting_time_max") <= 30.0 + 1e-9);
}

#[test]
fn drain_time_knows_how_long_the_work_takes() {
    let drain = ran("autoscale-drain-time", "run.replications=3");
    let length = ran("autoscale-queue-length", "run.replications=3");
    let latency = |ran: &Ran| ran.of("", "latency");
    assert!(latency(&length) > 4.0 * latency(&drain));
    near(latency(&drain), 5.87, 0.1);
    // Ten that wait for each consumer, of 5 s each.
    assert!((25.0..50.0).contains(&length.of("import", "waiting_time")));
    let consumers = |ran: &Ran| ran.of("import", "consumers");
    assert!(consumers(&drain) > consumers(&length));
    // Neither has more than the work of the time needs, and a third.
    near(consumers(&drain), 17.5 / 0.7, 0.1);
}

#[test]
fn the_catalogue_does_not_wait_for_its_copies() {
    let ran = ran("product-changes", "run.replications=2");
    near(ran.of("", "latency"), 0.0119, 0.03);
    near(ran.of("recommendation", "sojourn_time"), 0.75, 0.02);
    for stage in ["search", "recommendation", "inventory"] {
        near(ran.of(stage, "throughput"), 80.0, 0.02);
    }
    let messages = ran.messages();
    assert!(messages.copies_made >= 3 * ran.sim.outcomes.of(Outcome::Completed));
    let gone = messages.copies_ended + messages.copies_present;
    assert_eq!(messages.copies_made, gone);
}

#[test]
fn clicks_are_worked_on_in_batches() {
    let ran = ran("click-stream", "run.duration=15 run.replications=2");
    near(ran.of("analysis", "throughput"), 5000.0, 0.02);
    near(ran.of("analysis", "utilization"), 0.25, 0.1);
    near(ran.of("", "enqueue_time"), 0.008, 0.05);
    near(ran.of("analysis", "waiting_time"), 0.04, 0.1);
}

#[test]
fn only_transient_messages_are_lost_with_their_broker() {
    let persistent = ran("failover-persistent", "run.replications=2");
    let transient = ran("failover-transient", "run.replications=2");
    assert_eq!(persistent.share(Outcome::Lost), 0.0);
    near(transient.share(Outcome::Lost), 2_920.0 / 188_800.0, 0.2);
    // What the four consumers had in hand.
    assert_eq!(persistent.messages().duplicates, 2 * 4);
    assert_eq!(transient.messages().duplicates, 0);
    for ran in [&persistent, &transient] {
        near(ran.of("order", "availability"), 590.0 / 600.0, 1e-6);
    }
    assert!(persistent.of("", "latency_max") > 1.3 * transient.of("", "latency_max"));
}

/// Textbook values where there are some: M/M/4, E4/M/1, M/M/1.
#[test]
fn presets_differ_by_who_is_given_a_message_and_when() {
    let ran = ran(
        "presets",
        "run.duration=1min run.warmup=10 run.replications=6",
    );
    let time = |stage| ran.of(stage, "sojourn_time");
    near(time("memory"), 0.0175, 0.1);
    near(time("rocketmq"), 0.0175, 0.1);
    for dealt in ["rabbitmq", "activemq", "zeromq"] {
        near(time(dealt), 0.0327, 0.12);
    }
    near(time("kafka"), 0.05, 0.15);
    // Only Kafka lingers, and it has a sixth of all orders.
    near(6.0 * ran.of("", "enqueue_time"), 0.0035, 0.1);
}

#[test]
fn presets_differ_in_what_a_crash_does() {
    let ran = ran("presets-crash", "run.duration=5min run.replications=8");
    // Offsets that are committed every 5 s are behind what has been done.
    for stage in ["kafka", "rocketmq"] {
        near(ran.of(stage, "duplicate_rate"), 0.0093, 0.5);
    }
    // What is acknowledged one by one is delivered again only if it was not done.
    for stage in ["rabbitmq", "activemq"] {
        assert_eq!(ran.of(stage, "duplicate_rate"), 0.0);
        assert!(ran.of(stage, "redelivery_rate") > 0.0);
    }
    // What a socket had been given is gone, and nobody else's messages are.
    assert!(ran.of("zeromq", "message_loss_rate") > 0.0);
    let all = ran.sim.outcomes.of(Outcome::Lost) as f64 / ran.sim.replications as f64;
    near(
        all,
        ran.of("zeromq", "message_loss_rate") * 320.0 * 280.0,
        0.3,
    );
    // Kafka's orders wait for the session time-out.
    assert!(ran.of("kafka", "sojourn_time") > 3.0 * ran.of("rabbitmq", "sojourn_time"));
}
