//! The report of a live run, from a run that a simulation stands in for: nothing here hangs on time.

use orderline::chart::{all, render_png};
use orderline::live::brokers::BrokerError;
use orderline::live::{Delay, Delays, DelaysOfStage, DepthPoint, Ended, Fitness, LiveRun, Outages};
use orderline::network::{Network, System};
use orderline::report::{
    Detail, Document, LiveInput, LiveReport, LiveWarning, ScenarioRecord, Staged, Verdict, Warning,
    live_summary, read_records, write_live,
};
use orderline::sim::{Control, Script, Start, Twin, live_warmup, one_run, replay, script};
use orderline::stats::{Counter, Tally};
use orderline::theory;
use std::path::Path;

const SHOP: &str = r#"
name = "shop"
seed = 11
[run]
duration = 60
warmup = 12
[[producer]]
name = "web"
to = "order"
arrivals = { poisson = { rate = 80 } }
message_size = 100
[[stage]]
name = "order"
consumers = 1
service = { exponential = { rate = 100 } }
next = "payment"
[[stage]]
name = "payment"
consumers = 4
service = { exponential = { rate = 30 } }
[[slo]]
metric = "latency_p99"
below = "1s"
"#;

fn network(text: &str) -> Network {
    let loaded = orderline::scenario::parse(text, "shop.toml", Path::new("."), &[]);
    loaded.expect("a scenario").network
}

/// So many delays about a mean, the same for ever.
fn delays(count: u32, mean: f64) -> Delays {
    let values: Vec<f64> = (0..count)
        .map(|i| -mean * (1.0 - (f64::from(i) + 0.5) / f64::from(count)).ln())
        .collect();
    let (mut tally, mut counter) = (Tally::default(), Counter::default());
    tally.record_all(&values);
    counter.record_all(&values);
    Delays {
        tally,
        histogram: counter.take(),
    }
}

/// A run that would have gone so: every hand-over costs, now and then the machine is late.
struct Course {
    cost: f64,
    lateness: f64,
    ended: Ended,
}

const FINE: Course = Course {
    cost: 0.000_05,
    lateness: 0.000_02,
    ended: Ended::Whole,
};

fn live_run(network: &Network, live: &Twin, course: Course) -> LiveRun {
    let of_kind = |kind: Delay| match kind {
        Delay::Lateness => delays(4000, course.lateness),
        Delay::Overshoot => delays(4000, 0.000_01),
        Delay::Idle => delays(1000, 0.000_08),
        Delay::Busy => delays(3000, course.cost),
        Delay::Confirm | Delay::Settle => delays(4000, 0.0002),
    };
    let stages = network.stages.len();
    let timeline = &live.result.timeline;
    let looks = timeline.slices.iter().enumerate().step_by(20);
    let depths = looks.flat_map(|(slice, at)| {
        let time = (slice as f64 + 0.5) * timeline.width;
        (0..stages).map(move |stage| {
            let waiting = at[stage + 1].waiting_area / timeline.width;
            DepthPoint {
                time,
                stage: stage as u32,
                broker: Some(waiting.floor() as u64),
                sent: waiting.ceil() as u64,
            }
        })
    });
    LiveRun {
        system: System::RabbitMq,
        version: "3.10.8".to_owned(),
        address: Some("amqp://127.0.0.1:5672".to_owned()),
        scale: 1.0,
        end: network.expected_duration(),
        log: Vec::new(),
        staff: Vec::new(),
        fitness: Fitness {
            overshoot: delays(100, 0.000_01),
            handover: vec![delays(19, 0.0003); stages],
        },
        delays: vec![DelaysOfStage(Delay::ALL.map(of_kind).into()); stages],
        depths: depths.collect(),
        dead_letters: vec![None; stages],
        missing: 0,
        left: 0,
        outages: Outages::default(),
        ended: course.ended,
        left_behind: None,
    }
}

/// The orders of a script, each with so much more work.
fn slower(network: &Network, start: Start, original: &Script, more: f64) -> Twin {
    let mut script = original.clone();
    for order in 0..script.orders.len() as u64 {
        for attempt in script.attempts_mut(order) {
            // Now and then the broker takes its time.
            let hiccup = if order % 97 == 0 { 30.0 } else { 1.0 };
            attempt.work += more * hiccup;
        }
    }
    replay(network, &script, start, &Control::default()).expect("a run")
}

fn report(text: &str, course: Course) -> LiveReport {
    let network = network(text);
    let control = Control::default();
    let start = live_warmup(&network, &control);
    let (script, twin) = script(&network, start, &control).expect("a script");
    let live = slower(&network, start, &script, course.cost);
    let replayed = slower(&network, start, &script, 0.000_01);
    let single = one_run(&network, start, 79, 1, &control).expect("runs");
    LiveReport::new(LiveInput {
        scenario: ScenarioRecord::new("shop.toml", text, &[]),
        theory: theory::analyze(&network),
        run: live_run(&network, &live, course),
        network,
        live,
        twin,
        replayed,
        single,
        noticed: Vec::new(),
    })
}

fn words(text: &[&str]) -> Vec<String> {
    text.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn a_run_that_went_well_agrees_with_theory_and_warns_of_nothing() {
    let report = report(SHOP, FINE);
    let comparison = &report.report.comparison;
    assert_eq!(comparison.count(Verdict::Differs), 0);
    assert_eq!(comparison.count(Verdict::NoInterval), 0);
    assert!(comparison.count(Verdict::Agrees) > 10);
    assert_eq!(report.report.slos[0].state.name(), "met");
    let live = |warning: &&Warning| matches!(warning, Warning::Live(_));
    assert_eq!(report.report.warnings.iter().find(live), None);
    // Every order is later than its twin: it has more work.
    assert!(report.to_twin.quantile(0.0).unwrap() > 0.0);
    assert!(report.to_replayed.mean().unwrap() < report.to_twin.mean().unwrap());
    let text = live_summary(&report, Detail::All);
    for told in [
        "live on RabbitMQ 3.10.8",
        "± 95 %",
        "the twin as it was",
        "handing to a busy consumer, payment",
        "SLO",
    ] {
        assert!(text.contains(told), "{told} in {text}");
    }
}

#[test]
fn what_a_reader_must_know_is_told() {
    let mut course = Course {
        cost: 0.002,
        lateness: 0.003,
        ended: Ended::BrokerLost(BrokerError::Unreachable {
            address: "127.0.0.1:5672".to_owned(),
            why: "refused".to_owned(),
        }),
    };
    let told = |report: &LiveReport| {
        let warnings = report.report.warnings.iter();
        let told = warnings.filter_map(|warning| match warning {
            Warning::Live(warning) => Some(warning.clone()),
            _ => None,
        });
        told.collect::<Vec<_>>()
    };
    let found = told(&report(SHOP, course));
    assert!(matches!(found[0], LiveWarning::BrokerLost { at, .. } if at == 60.0));
    assert!(matches!(found[1], LiveWarning::Late { p99, .. } if p99 > 0.01));
    // (2 + 0.01) ms · 80/s / (1 − 0.8) = 0.8, and of the second stage 2.01 ms · 80 / (4 · (1 − 2/3)) = 0.12.
    let shares: Vec<f64> = found
        .iter()
        .filter_map(|warning| match warning {
            LiveWarning::Overhead { share, .. } => Some(*share),
            _ => None,
        })
        .collect();
    assert_eq!(shares.len(), 2);
    assert!(
        (shares[0] / 0.8 - 1.0).abs() < 0.2 && (shares[1] / 0.12 - 1.0).abs() < 0.2,
        "{shares:?}"
    );
    course = Course {
        cost: 0.004,
        ..FINE
    };
    let found = told(&report(SHOP, course));
    // 0.8 + 4 ms · 80/s.
    assert!(
        found.iter().any(|warning| match warning {
            LiveWarning::Overhead { load, .. } =>
                (load / 1.12 - 1.0).abs() < 0.1
                    && warning.to_string().contains("more than consumers can do"),
            _ => false,
        }),
        "{found:?}"
    );
    course = Course {
        cost: 0.000_05,
        ..FINE
    };
    assert_eq!(told(&report(SHOP, course)), []);
}

#[test]
fn the_folder_holds_all_that_the_charts_are_drawn_from() {
    let report = report(SHOP, FINE);
    let dir = tempfile::tempdir().expect("a folder");
    let target = dir.path().join("shop");
    let staged = Staged::create(&target).expect("a folder");
    let command = words(&[
        "orderline",
        "live",
        "--broker",
        "amqp://me:secret@127.0.0.1",
    ]);
    let written = write_live(&report, staged, &command, 2).expect("written");
    assert!(!target.join("replications.csv").exists());
    let records = read_records(&target).expect("records");
    let again = all(&records);
    assert_eq!(again.len(), written.charts);
    for chart in &again {
        let name = format!("charts/{}.png", chart.name);
        let png = std::fs::read(target.join(&name)).expect(&name);
        assert!(png == render_png(chart).expect("drawn"), "{name}");
    }
    let live = records.live.expect("a live run");
    assert_eq!(live.system, "RabbitMQ 3.10.8");
    assert_eq!(live.differences[0].twin, report.to_twin.mean());
    for file in ["manifest.json", "report.html"] {
        let text = std::fs::read_to_string(target.join(file)).expect(file);
        assert!(!text.contains("secret"), "{file}");
        assert!(text.contains("3.10.8"), "{file}");
    }
    let json = serde_json::to_value(Document::of_live(&report)).expect("JSON");
    assert_eq!(json["live"]["system"], "RabbitMQ");
    assert!(json["live"]["figures"]["pipeline"]["latency"]["replayed"].is_f64());
    assert!(json["pipeline"]["metrics"]["latency"]["measured"]["low"].is_f64());
}

/// Writes the folder where `LIVE_GALLERY` says, to be looked at.
#[test]
fn gallery() {
    if let Ok(folder) = std::env::var("LIVE_GALLERY") {
        let course = Course {
            cost: 0.000_3,
            ..FINE
        };
        let report = report(SHOP, course);
        let staged = Staged::create(Path::new(&folder)).expect("a folder");
        write_live(
            &report,
            staged,
            &words(&["orderline", "live", "shop.toml"]),
            2,
        )
        .expect("written");
        println!("{}", live_summary(&report, Detail::Main));
    }
}
