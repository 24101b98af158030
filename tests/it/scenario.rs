//! Scenario files: wrong ones are refused with place and cure, right ones load.
//!
//! Each file of `tests/scenario_errors` opens with its expectations, one comment line an error:
//! `# LINE:COLUMN words of the message => words of the cure`.

use orderline::network::{
    Acknowledgement, AfterExpiry, AfterFailure, AfterRepair, Autoscale, Backoff, Balking,
    BalkingStep, Batching, Breaker, Broker, Capacity, CircuitBreaker, Commitment, Consumers,
    Discipline, Failure, FailureClock, Failures, Fork, Hold, Horizon, Network, Outages, Outside,
    PartitionBy, Patience, Phase, Redelivery, Reliability, Replications, RetryPlace, ScaleBy,
    Shift, Shifts, Shortage, Staffing, Stage, StageId, Stocking, Store, System, TimeToLive, Warmup,
    WhileOpen,
};
use orderline::random::{Arrivals, Distribution};
use orderline::scenario::{self, LoadError, Loaded, ScenarioErrors};
use proptest::prelude::*;
use std::path::{Path, PathBuf};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn files(name: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder(name)).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "toml")
    });
    files.sort();
    files
}

fn wrong(result: Result<Loaded, LoadError>) -> ScenarioErrors {
    match result {
        Err(error @ LoadError::Wrong(_)) => {
            assert_eq!(error.exit_code(), 2);
            let LoadError::Wrong(errors) = error else {
                unreachable!()
            };
            errors
        }
        other => panic!("expected a wrong text, got {other:?}"),
    }
}

struct Expected<'t> {
    place: &'t str,
    message: &'t str,
    cure: &'t str,
}

fn expected(line: &str) -> Option<Expected<'_>> {
    let (place, words) = line.strip_prefix("# ")?.split_once(' ')?;
    let (message, cure) = words.split_once(" =>")?;
    let cure = cure.trim();
    Some(Expected {
        place,
        message,
        cure,
    })
}

/// Whether one of the errors is as expected, both as data and as drawn.
fn told(errors: &ScenarioErrors, path: &Path, expected: &Expected<'_>) -> bool {
    errors.errors.iter().any(|error| {
        let (line, column) = errors.sources.position(error.span);
        let drawn = error.render(&errors.sources, false);
        let place = format!("{}:{line}:{column}", path.display());
        format!("{line}:{column}") == expected.place
            && drawn.contains(&place)
            && drawn.contains('^')
            && error.message.contains(expected.message)
            && error.help.as_deref().unwrap_or("").contains(expected.cure)
    })
}

#[test]
fn every_wrong_file_tells_place_and_cure_of_all_its_errors() {
    let files = files("tests/scenario_errors");
    assert!(files.len() >= 210, "only {} wrong files", files.len());
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let errors = wrong(scenario::load(&path, &[]));
        let expectations: Vec<_> = text.lines().map_while(expected).collect();
        assert!(!expectations.is_empty(), "{}", path.display());
        for expectation in &expectations {
            let Expected { place, message, .. } = expectation;
            assert!(
                told(&errors, &path, expectation),
                "{place} {message}, but:\n{errors}"
            );
        }
        assert_eq!(errors.errors.len(), expectations.len(), "{errors}");
    }
}

#[test]
fn what_is_no_scenario_at_all_ends_with_code_2() {
    let room = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = room.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let huge = room.path().join("huge.toml");
    let opened = std::fs::File::create(&huge).unwrap();
    opened.set_len(100 << 20).unwrap();
    let cases = [
        (room.path().to_owned(), "is a directory"),
        (room.path().join("nowhere.toml"), "no such file"),
        (file("latin1.toml", b"name = \"a\"\n# caf\xe9\n"), "line 2"),
        (huge, "104857600 bytes"),
    ];
    for (path, words) in cases {
        let error = scenario::load(&path, &[]).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        let told = error.to_string();
        assert!(told.contains(words) && told.contains(&path.display().to_string()));
    }
}

/// The kernel refuses to read this process's memory at address 0: a file that is there and fails.
#[cfg(target_os = "linux")]
#[test]
fn a_failing_disk_ends_with_code_3() {
    let error = scenario::load(Path::new("/proc/self/mem"), &[]).unwrap_err();
    assert_eq!(error.exit_code(), 3);
    assert!(
        error
            .to_string()
            .starts_with("/proc/self/mem: cannot be read")
    );
}

#[test]
fn garbage_is_told_without_end_of_patience() {
    let garbage = "= ] \u{1}é\n".repeat(100_000);
    let errors = wrong(parse(&garbage, &[]));
    let drawn = errors.to_string();
    assert!(drawn.contains("more errors are not shown"));
}

const PIPELINE: &str = r#"
name = "shop"
[run]
orders = 1000
[[class]]
name = "vip"
[[producer]]
name = "web"
to = "order"
arrivals = { poisson = { rate = "120/s" } }
[[stage]]
name = "order"
consumers = 8
service = { exponential = { rate = "20/s" } }
next = [{ to = "payment", probability = 1 }]
[[stage]]
name = "payment"
consumers = "unlimited"
service = { exponential = { mean = "200ms" } }
class.vip.next = "completed"
[[slo]]
metric = "latency"
below = 5
"#;

fn parse(text: &str, sets: &[&str]) -> Result<Loaded, LoadError> {
    let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
    scenario::parse(text, "shop.toml", Path::new(""), &sets)
}

#[test]
fn defaults_are_spelled_out() {
    let text = PIPELINE.replace("[run]\norders = 1000\n", "");
    let network = parse(&text, &[]).unwrap().network;
    assert_eq!(network.seed, 1);
    assert_eq!(network.run.horizon, Horizon::Orders(1_000_000));
    assert_eq!(network.run.warmup, Warmup::Auto);
    assert_eq!(network.run.replications, Replications::Fixed(10));
    assert_eq!(network.run.confidence, 0.95);
    assert_eq!(network.stages[0].discipline, Discipline::Fifo);
    assert_eq!(network.stages[0].capacity, Capacity::Unbounded);
    assert_eq!(network.producers[0].message_size, 0.0);
}

#[test]
fn sets_change_any_number() {
    let sets = [
        "stage.payment.consumers = 30",
        "producer.web.arrivals.poisson.rate=130/s",
        "run.duration=10min",
        "seed=3",
        "class.vip.priority=2",
        "slo.0.below=1s",
        "stage.order.queue.capacity=5",
        "stage.1.service={ deterministic = { value = 2 } }",
        "name=other",
    ];
    let network = parse(PIPELINE, &sets).unwrap().network;
    assert_eq!(network.stages[1].consumers, Consumers::Finite(30));
    assert_eq!(
        network.producers[0].arrivals,
        Arrivals::Poisson { rate: 130.0 }
    );
    assert_eq!(network.run.horizon, Horizon::Duration(600.0));
    assert_eq!((network.seed, network.classes[0].priority), (3, 2));
    assert_eq!(network.stages[0].capacity, Capacity::Reject(5));
    assert_eq!(network.name, "other");
    assert_eq!(
        *network.stages[1].by_class[0].service.law(),
        Distribution::Deterministic { value: 2.0 }
    );
}

#[test]
fn a_wrong_set_is_shown_under_a_caret() {
    let cases = [
        ("seed", "1:1", "no `=`"),
        ("seed.x=3", "1:6", "`seed` is a number"),
        ("stage.paymnt.consumers=3", "1:7", "no stage `paymnt`"),
        ("slo.7.below=3", "1:5", "there is no slo `7`"),
        ("run.orders = -5", "1:14", "`orders` must be a whole number"),
        ("run.duration=3 parsecs", "1:14", "is not a time"),
        ("run.=3", "1:5", "a part of the path is empty"),
        ("seed=", "1:6", "no value behind the `=`"),
        ("stage.order.service={ a = ", "1:", "syntax"),
    ];
    let text = PIPELINE.replace("name = \"shop\"", "name = \"shop\"\nseed = 1");
    for (set, place, message) in cases {
        let errors = wrong(parse(&text, &[set]));
        let drawn = errors.to_string();
        assert!(drawn.contains(&format!("--> --set:{place}")), "{drawn}");
        assert!(drawn.contains(message), "{drawn}");
        assert!(drawn.contains(set), "{drawn}");
    }
}

const EXTRAS: &str = r#"
name = "shop"
[[producer]]
name = "crowd"
to = "order"
arrivals = { closed = { customers = 5, think = { exponential = { mean = "10s" } } } }
message_size = "1kB"
[[producer]]
name = "web"
to = "order"
arrivals = { poisson = { rate = 1 } }
[[producer]]
name = "robots"
to = "order"
arrivals = { closed = { customers = 1e3, think = { deterministic = { value = 0 } } } }
[[stage]]
name = "order"
consumers = 8
service = { exponential = { rate = "20/s" } }
queue = { discipline = "srpt" }
patience = { exponential = { mean = "30s" } }
fanout = ["search", "stock"]
join = "all"
[[stage]]
name = "search"
consumers = 2
next = "payment"
service = { exponential = { rate = "20/s" } }
queue = { capacity = 3, overflow = { retry = { exponential = { mean = 2 } } } }
[[stage]]
name = "stock"
consumers = 1
service = { exponential = { rate = "20/s" } }
breakdown = { uptime = { exponential = { mean = "8h" } }, downtime = { exponential = { mean = "5min" } } }
[[stage]]
name = "payment"
consumers = 3
service = { exponential = { mean = "200ms" } }
queue = { capacity = 2, overflow = "block", discipline = "sjf" }
"#;

#[test]
fn what_goes_beyond_a_plain_queue_is_compiled() {
    let loaded = parse(EXTRAS, &[]).unwrap();
    assert_eq!(loaded.warnings, []);
    let network = &loaded.network;
    let names: Vec<(&str, u64, f64)> = network
        .populations
        .iter()
        .map(|p| (p.name.as_str(), p.customers, p.think.mean()))
        .collect();
    assert_eq!(names, [("crowd", 5, 10.0), ("robots", 1000, 0.0)]);
    assert_eq!(network.populations[0].message_size, 1000.0);
    assert_eq!(network.producers.len(), 1);
    let [order, search, stock, payment] = network.stages.as_slice() else {
        panic!("four stages");
    };
    let exponential = |mean| Distribution::exponential_mean(mean).unwrap();
    assert_eq!(order.discipline, Discipline::ShortestRemaining);
    assert_eq!(order.extras.patience, Patience::Limited(exponential(30.0)));
    assert_eq!(
        order.extras.fork,
        Fork::JoinAll(vec![StageId(1), StageId(2)])
    );
    assert_eq!(search.capacity, Capacity::Retry(3, exponential(2.0)));
    let Reliability::Breakdowns(breakdowns) = &stock.extras.reliability else {
        panic!("no breakdowns");
    };
    assert_eq!(breakdowns.uptime.mean(), 8.0 * 3600.0);
    assert_eq!(breakdowns.downtime.mean(), 300.0);
    assert_eq!(
        (breakdowns.when, breakdowns.then),
        (FailureClock::Always, AfterRepair::Resume)
    );
    assert_eq!(payment.capacity, Capacity::Block(2));
    assert_eq!(payment.discipline, Discipline::ShortestFirst);
}

#[test]
fn sets_reach_the_extras() {
    let sets = [
        "producer.crowd.arrivals.closed.customers=7",
        "producer.crowd.arrivals.closed.think.exponential.mean=1min",
        "stage.order.patience.exponential.mean=1h",
        "stage.order.fanout=[\"search\", \"stock\", \"payment\"]",
        "stage.search.queue.overflow.retry.exponential.mean=5",
        "stage.stock.breakdown.downtime.exponential.mean=1h",
        "stage.stock.breakdown.when=busy",
        "stage.stock.breakdown.then=redeliver",
        "stage.payment.queue.overflow=reject",
        "stage.payment.queue.discipline=ps",
        "stage.stock.queue.discipline.priority.preemptive=true",
    ];
    let network = parse(EXTRAS, &sets).unwrap().network;
    let crowd = &network.populations[0];
    assert_eq!((crowd.customers, crowd.think.mean()), (7, 60.0));
    let hour = Distribution::exponential_mean(3600.0).unwrap();
    let [order, search, stock, payment] = network.stages.as_slice() else {
        panic!("four stages");
    };
    assert_eq!(order.extras.patience, Patience::Limited(hour.clone()));
    assert_eq!(
        order.extras.fork,
        Fork::JoinAll(vec![StageId(1), StageId(2), StageId(3)])
    );
    let delay = Distribution::exponential_mean(5.0).unwrap();
    assert_eq!(search.capacity, Capacity::Retry(3, delay));
    let Reliability::Breakdowns(breakdowns) = &stock.extras.reliability else {
        panic!("no breakdowns");
    };
    assert_eq!(breakdowns.downtime, hour);
    assert_eq!(
        (breakdowns.when, breakdowns.then),
        (FailureClock::Busy, AfterRepair::Redeliver)
    );
    assert_eq!(payment.capacity, Capacity::Reject(2));
    assert_eq!(payment.discipline, Discipline::ProcessorSharing);
    assert_eq!(stock.discipline, Discipline::PreemptivePriority);
    let errors = wrong(parse(EXTRAS, &["stage.order.patience=5s"])).to_string();
    assert!(errors.contains("--> --set:1:22"), "{errors}");
}

#[test]
fn what_has_no_effect_is_a_warning_and_compiled_away() {
    let messages = |sets: &[&str]| -> Vec<String> {
        let loaded = parse(EXTRAS, sets).unwrap();
        loaded.warnings.iter().map(|w| w.message.clone()).collect()
    };
    let sets = ["stage.order.consumers=unlimited"];
    let told = messages(&sets);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("`srpt` changes nothing here"), "{told:?}");
    assert!(
        told[1].contains("`patience` changes nothing here"),
        "{told:?}"
    );
    let order = &parse(EXTRAS, &sets).unwrap().network.stages[0];
    assert_eq!(order.discipline, Discipline::Fifo);
    assert_eq!(order.extras.patience, Patience::Endless);
    let told = messages(&["stage.order.queue.discipline=ps", "stage.payment.queue={}"]);
    assert!(
        told[0].contains("under `ps` every order is served at once"),
        "{told:?}"
    );
    let told = messages(&[
        "stage.order.queue={ capacity = 0 }",
        "producer.robots.arrivals.closed.think.deterministic.value=1",
    ]);
    assert!(told[0].contains("`capacity` is 0"), "{told:?}");
    let told = messages(&["producer.web.to=payment"]);
    assert!(told[0].contains("has no consumer to stay with"), "{told:?}");
}

/// A network of populations alone has a rough rate, so that nothing divides by 0.
#[test]
fn populations_alone_have_a_rate_and_a_duration() {
    let text = EXTRAS.replace(
        "arrivals = { poisson = { rate = 1 } }",
        "arrivals = { closed = { customers = 1, think = { exponential = { mean = 1 } } } }",
    );
    let network = parse(&text, &["run.orders=1000"]).unwrap().network;
    assert!(network.producers.is_empty());
    // At most what the first stage can do for each population: 160/s; the first 5 customers make
    // fewer: 5 orders per 10 s of thinking and 0.35 s of work.
    let rate = network.offered_rate();
    assert!(rate > 160.0 && rate < 162.0, "{rate}");
    let duration = network.expected_duration();
    assert!((duration * rate / 1000.0 - 1.0).abs() < 1e-6, "{duration}");
    assert_eq!(network.expected_orders(), 1000.0);
    let theory = orderline::theory::analyze(&network);
    assert_eq!(theory.stages.len(), 4);
}

const SHOP: &str = r#"
name = "shop"
[run]
duration = "1h"
[[class]]
name = "vip"
deadline = "2s"
[[class]]
name = "guest"
priority = 1
[[producer]]
name = "web"
to = "order"
class = "guest"
arrivals = { poisson = { rate = 10 } }
[[producer]]
name = "app"
to = "order"
class = "vip"
arrivals = { poisson = { rate = 1 } }
[[stage]]
name = "order"
consumers = 4
service = { exponential = { rate = "20/s" } }
queue = { discipline = "edf", capacity = 9, overflow = "drop_oldest", ttl = "5m", expired = "dead_letter", balk = [{ at = 5, probability = 0.5 }, { at = 8, probability = 1 }] }
autoscale = { by = { drain_time = "30s" }, maximum = 10, every = "30s", start_up = "20s", tolerance = 0 }
fanout = ["search"]
next = "payment"
[[stage]]
name = "search"
consumers = 2
service = { exponential = { rate = "20/s" } }
batch = { size = 10, at_least = 2, wait = "50ms" }
schedule = { steps = [{ at = "1h", consumers = 0 }, { at = "2h", consumers = 5 }], period = "24h" }
[[stage]]
name = "payment"
consumers = 3
service = { exponential = { mean = "200ms" } }
failure = { probability = "3%", then = "refund", backoff = { exponential = { first = "1s", jitter = "20%", longest = "1min" } } }
class.vip.failure = { probability = "10%" }
timeout = "2s"
circuit_breaker = { failures = 5, open_for = "30s", while_open = "pause" }
broker = { kafka = { partitions = 8, partition_by = { key = { keys = 100, exponent = 1.5 } }, linger = 0, network = { exponential = { mean = "1ms" } }, bandwidth = "10MB/s", durable = false } }
next = "stock"
[[stage]]
name = "refund"
consumers = 1
service = { exponential = { mean = "10ms" } }
broker = { rabbitmq = { prefetch = 10, visibility_timeout = "never", flow_control = { at_most = "3s" }, outage = { uptime = { exponential = { mean = "30d" } }, downtime = { deterministic = { value = 30 } } } } }
queue = { capacity = 5, overflow = "block" }
[[stage]]
name = "stock"
consumers = 1
service = { exponential = { mean = "10ms" } }
queue = { discipline = { priority = { preemptive = "restart" } }, capacity = 1, overflow = "dead_letter" }
stock = { items = 3, popularity = { zipf = { exponent = 1 } }, initial = 10, quantity = { geometric = { mean = 2 } }, hold = { reserve = { until = "ship", release_after = "15min" } }, shortage = "backorder", replenish = { reorder_point = { at = 5, up_to = 20, lead_time = { deterministic = { value = "1d" } } } } }
next = "ship"
[[stage]]
name = "ship"
consumers = 1
service = { exponential = { mean = "10ms" } }
failure = { probability = 0.5 }
broker = "rocketmq"
[[incident]]
at = "10m"
for = "10m"
set = { "stage.payment.consumers" = 0, "producer.web.arrivals.poisson.rate" = "100/s" }
[[incident]]
at = "15m"
for = "10m"
set = { "producer.web.arrivals.poisson.rate" = "200/s", "stage.payment.failure.probability" = 1 }
broker_down = ["refund"]
"#;

fn failure(stage: &Stage) -> &Failure {
    match &stage.extras.failures {
        Failures::Some(failure) => failure,
        Failures::Never => panic!("no failures at {}", stage.name),
    }
}

#[test]
fn what_a_stage_can_do_is_compiled() {
    let loaded = parse(SHOP, &[]).unwrap();
    assert_eq!(loaded.warnings, []);
    let network = &loaded.network;
    let deadlines: Vec<f64> = network.classes.iter().map(|class| class.deadline).collect();
    assert_eq!(deadlines, [2.0, f64::INFINITY]);
    let [order, search, ..] = network.stages.as_slice() else {
        panic!("six stages");
    };
    assert_eq!(order.discipline, Discipline::EarliestDeadline);
    assert_eq!(order.capacity, Capacity::DropOldest(9));
    let expected = TimeToLive::Limited {
        seconds: 300.0,
        then: AfterExpiry::DeadLetter,
    };
    assert_eq!(order.extras.time_to_live, expected);
    let step = |at, probability| BalkingStep { at, probability };
    let expected = Balking::Steps(vec![step(5, 0.5), step(8, 1.0)]);
    assert_eq!(order.extras.balking, expected);
    assert_eq!(order.extras.fork, Fork::Detached(vec![StageId(1)]));
    let expected = Staffing::Autoscale(Autoscale {
        by: ScaleBy::DrainTime(30.0),
        minimum: 1,
        maximum: 10,
        every: 30.0,
        start_up: 20.0,
        cool_down: 300.0,
        tolerance: 0.0,
    });
    assert_eq!(order.extras.staffing, expected);
    let expected = Batching::UpTo {
        size: 10,
        at_least: 2,
        wait: 0.05,
    };
    assert_eq!(search.extras.batching, expected);
    let shift = |at, consumers| Shift { at, consumers };
    let expected = Staffing::Shifts(Shifts {
        steps: vec![shift(3600.0, 0), shift(7200.0, 5)],
        period: 86_400.0,
    });
    assert_eq!(search.extras.staffing, expected);
    let Stocking::Stock(stock) = &network.stages[4].extras.stocking else {
        panic!("no stock");
    };
    // 1 : 1/2 : 1/3.
    let shares: Vec<f64> = stock.items.iter().map(|item| item.popularity).collect();
    assert!((shares[0] - 6.0 / 11.0).abs() < 1e-12 && (shares[2] - 2.0 / 11.0).abs() < 1e-12);
    let expected = Hold::Reserve {
        until: Some(StageId(5)),
        release_after: 900.0,
    };
    assert_eq!(
        (stock.hold, stock.shortage),
        (expected, Shortage::Backorder)
    );
    assert_eq!(network.stages[4].capacity, Capacity::DeadLetter(1));
    let preempted = network.stages[4].discipline;
    assert_eq!(preempted, Discipline::PreemptiveRestart);
}

#[test]
fn a_broker_is_its_preset_with_what_was_changed() {
    let network = parse(SHOP, &[]).unwrap().network;
    let kafka = &network.stages[2].extras.broker;
    let mut expected = Broker::preset(System::Kafka);
    expected.store = Store::Partitions {
        count: 8,
        by: PartitionBy::Key {
            keys: 100,
            exponent: 1.5,
        },
    };
    expected.costs.linger = 0.0;
    expected.costs.network = Distribution::exponential_mean(0.001).unwrap();
    expected.costs.bandwidth = 1e7;
    expected.durable = false;
    assert_eq!(*kafka, expected);
    let rabbit = &network.stages[3].extras.broker;
    assert_eq!(rabbit.commitment, Commitment::Push { prefetch: 10 });
    let timeout = f64::INFINITY;
    assert_eq!(
        rabbit.acknowledgement,
        Acknowledgement::PerMessage { timeout }
    );
    assert_eq!(rabbit.outside, Outside::Waits(3.0));
    assert_ne!(rabbit.outages, Outages::Never);
    assert_eq!(
        network.stages[5].extras.broker,
        Broker::preset(System::RocketMq)
    );
}

#[test]
fn a_failure_takes_from_its_broker_what_it_does_not_say() {
    let network = parse(SHOP, &[]).unwrap().network;
    let payment = failure(&network.stages[2]);
    assert_eq!(payment.probability, [0.1, 0.03]);
    assert_eq!(payment.attempts, u32::MAX);
    assert_eq!(payment.retry, RetryPlace::InPlace);
    assert_eq!(
        (payment.timeout, payment.then),
        (2.0, AfterFailure::Stage(StageId(3)))
    );
    let expected = Backoff::Exponential {
        first: 1.0,
        factor: 2.0,
        jitter: 0.2,
        longest: 60.0,
    };
    assert_eq!(payment.backoff, expected);
    let expected = Breaker::Circuit(CircuitBreaker {
        failures: 5,
        open_for: 30.0,
        probes: 1,
        while_open: WhileOpen::Pause,
    });
    assert_eq!(payment.breaker, expected);
    let ship = failure(&network.stages[5]);
    let preset = Redelivery::preset(System::RocketMq);
    assert_eq!((ship.attempts, &ship.backoff), (17, &preset.backoff));
    assert_eq!((ship.retry, ship.then), (preset.retry, preset.then));
}

#[test]
fn incidents_that_overlap_are_worked_out() {
    let network = parse(SHOP, &[]).unwrap().network;
    let rate = |phase: &Phase| phase.network.producers[0].arrivals.mean_rate();
    let consumers = |phase: &Phase| phase.network.stages[2].consumers;
    let fails = |phase: &Phase| failure(&phase.network.stages[2]).probability[1];
    let seen: Vec<_> = network
        .phases
        .iter()
        .map(|phase| (phase.from, rate(phase), consumers(phase), fails(phase)))
        .collect();
    let (none, three) = (Consumers::Finite(0), Consumers::Finite(3));
    assert_eq!(
        seen,
        [
            (600.0, 100.0, none, 0.03),
            // Of two that change the same number, the later in the file.
            (900.0, 200.0, none, 1.0),
            (1200.0, 200.0, three, 1.0),
            (1500.0, 10.0, three, 0.03),
        ]
    );
    let down: Vec<bool> = network.phases.iter().map(|p| p.broker_down[3]).collect();
    assert_eq!(down, [false, true, true, false]);
    let last = &network.phases[3].network;
    let base = Network {
        phases: Vec::new(),
        ..network.clone()
    };
    assert_eq!(*last, base);
}

#[test]
fn sets_and_incidents_reach_a_broker() {
    let sets = [
        "stage.refund.broker.rabbitmq.prefetch=unlimited",
        "stage.ship.broker={ zeromq = { high_water_mark = 7 } }",
        "incident.0.for=1min",
    ];
    let network = parse(SHOP, &sets).unwrap().network;
    let prefetch = u32::MAX;
    let refund = &network.stages[3].extras.broker;
    assert_eq!(refund.commitment, Commitment::Push { prefetch });
    let ship = &network.stages[5];
    let high_water_mark = 7;
    assert_eq!(
        ship.extras.broker.commitment,
        Commitment::AtSend { high_water_mark }
    );
    // ZeroMQ tells nobody of a failure.
    assert_eq!(failure(ship).then, AfterFailure::Lost);
    assert_eq!(network.phases[1].from, 660.0);
}

#[test]
fn settings_of_a_broker_without_effect_are_warned_of() {
    let cases = [
        (
            "rabbitmq = { expiry = \"at_head\" }",
            "`expiry` changes nothing here",
        ),
        (
            "kafka = { linger = 0, batch_size = \"1MB\" }",
            "`batch_size` changes nothing here",
        ),
        ("kafka = { partitions = 3 }", "3 partitions for 4 consumers"),
        (
            "rocketmq = { refuse_after = 1 }",
            "`refuse_after` changes nothing here",
        ),
        (
            "memory = { acknowledgement = \"on_delivery\", idempotent = true }",
            "`idempotent` changes nothing here",
        ),
    ];
    for (broker, words) in cases {
        let sets = [
            format!("stage.ship.broker={{ {broker} }}"),
            "stage.ship.consumers=4".to_owned(),
        ];
        let sets = sets.each_ref().map(String::as_str);
        let loaded = parse(SHOP, &sets).unwrap();
        let told: Vec<&str> = loaded.warnings.iter().map(|w| w.message.as_str()).collect();
        assert!(
            told.iter().any(|told| told.contains(words)),
            "{broker}: {told:?}"
        );
    }
}

#[test]
fn what_is_probably_not_meant_is_a_warning() {
    let text = format!(
        "{PIPELINE}[[stage]]\nname = \"attic\"\nconsumers = 1\n\
         service = {{ deterministic = {{ value = 1 }} }}\n\
         queue = {{ discipline = \"priority\" }}\n"
    );
    let sets = ["run.replications=1"];
    let warnings = parse(&text, &sets).unwrap().warnings;
    let messages: Vec<&str> = warnings.iter().map(|w| w.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "no order ever reaches stage `attic`",
            "every class has the same priority",
            "one replication gives no intervals, so no verdict either",
        ]
    );
}

#[test]
fn traces_count_from_their_start_at_their_speed() {
    let room = tempfile::tempdir().unwrap();
    let csv = "when,seconds\n2011-03-07T23:59,10\n2011-03-08T00:01,12.5\n2011-03-08T00:01,20\n";
    std::fs::write(room.path().join("t.csv"), csv).unwrap();
    let times = |trace: &str| {
        let wanted = format!("arrivals = {{ trace = {{ file = \"t.csv\", {trace} }} }}");
        let text = PIPELINE.replace("arrivals = { poisson = { rate = \"120/s\" } }", &wanted);
        let loaded = scenario::parse(&text, "shop.toml", room.path(), &[]).unwrap();
        match &loaded.network.producers[0].arrivals {
            Arrivals::Trace { times, resolution } => (times.to_vec(), *resolution),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(times("column = \"seconds\""), (vec![0.0, 2.5, 10.0], 0.0));
    assert_eq!(
        times("column = \"when\", speed = 2, resolution = \"1min\""),
        (vec![0.0, 60.0, 60.0], 30.0)
    );
    assert_eq!(
        times("column = \"when\", start = \"2011-03-08T00:00\""),
        (vec![60.0, 60.0], 0.0)
    );
}

#[test]
fn laws_take_every_documented_combination() {
    // Means in seconds, by hand.
    let cases = [
        ("{ exponential = { mean = \"50ms\" } }", 0.05),
        ("{ uniform = { low = 0.5, high = 1.5 } }", 1.0),
        ("{ erlang = { shape = 4, rate = 8 } }", 0.5),
        ("{ erlang = { mean = 3, scv = 0.25 } }", 3.0),
        ("{ gamma = { shape = 2, scale = \"1min\" } }", 120.0),
        ("{ gamma = { mean = 1, scv = 2, shift = \"10ms\" } }", 1.01),
        (
            "{ lognormal = { mu = 0, sigma = 2 } }",
            7.389_056_098_930_65,
        ),
        ("{ weibull = { mean = 2, scv = 0.5 } }", 2.0),
        ("{ pareto = { shape = 3, scale = 2 } }", 3.0),
        ("{ pareto = { shape = 2, low = 1, high = 2 } }", 4.0 / 3.0),
        (
            "{ hyperexponential = { probabilities = [0.2, \"80%\"], rates = [0.2, \"0.8/s\"] } }",
            2.0,
        ),
        (
            "{ coxian = { rates = [2, 0.25], probabilities = [0.125] } }",
            1.0,
        ),
        (
            "{ phase_type = { alpha = [1, 0], T = [[-2, 2], [0, -4]] } }",
            0.75,
        ),
        ("{ triangular = { low = 0, mode = 1, high = 5 } }", 2.0),
        (
            "{ mixture = { components = [{ weight = 0.25, deterministic = { value = 4 } }, { weight = 0.75, exponential = { mean = 8 } }] } }",
            7.0,
        ),
    ];
    for (law, mean) in cases {
        let network = parse(PIPELINE, &[&format!("stage.order.service={law}")]).unwrap();
        let found = network.network.stages[0].by_class[0].service.law().mean();
        assert!((found - mean).abs() <= 1e-9 * mean, "{law}: {found}");
    }
}

#[test]
fn the_scenario_library_loads_without_warnings() {
    let files = files("scenarios");
    assert!(files.len() >= 7);
    for path in files {
        let loaded = scenario::load(&path, &[]).unwrap_or_else(|error| panic!("{error}"));
        let stem = path.file_stem().unwrap().to_string_lossy();
        // One replication of it is 350 million orders; that it has no intervals is said.
        let warnings = usize::from(stem == "double-eleven");
        assert_eq!(loaded.warnings.len(), warnings, "{:?}", loaded.warnings);
        assert_eq!(loaded.network.name, stem);
        assert!(
            loaded.text.starts_with("# "),
            "{stem} does not say what it shows"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_text_makes_reading_panic(text in "\\PC{0,80}", set in "[a-z.=\"\\[\\{0-9é]{0,20}") {
        if let Err(error) = parse(&text, &[&set]) {
            prop_assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn no_slip_in_a_right_file_makes_reading_panic(
        at in 0..PIPELINE.len(),
        gone in 0..12_usize,
        new in "[\\]\\[{}=\",.a-z0-9 \né-]{0,4}",
    ) {
        // The file is ASCII, so every byte is a character.
        let end = (at + gone).min(PIPELINE.len());
        let text = format!("{}{new}{}", &PIPELINE[..at], &PIPELINE[end..]);
        if let Err(error) = parse(&text, &[]) {
            prop_assert!(error.to_string().contains("shop.toml"));
        }
    }

    #[test]
    fn no_slip_in_extras_makes_reading_panic(
        (scenario, at) in prop::sample::select(&[EXTRAS, SHOP][..])
            .prop_flat_map(|scenario| (Just(scenario), 0..scenario.len())),
        gone in 0..12_usize,
        new in "[\\]\\[{}=\",.a-z0-9 \né'-]{0,4}",
    ) {
        let end = (at + gone).min(scenario.len());
        let text = format!("{}{new}{}", &scenario[..at], &scenario[end..]);
        match parse(&text, &[]) {
            Err(error) => prop_assert!(error.to_string().contains("shop.toml")),
            Ok(loaded) => {
                prop_assert!(loaded.network.expected_duration() > 0.0);
                prop_assert!(loaded.network.offered_rate().is_finite());
            }
        }
    }
}
