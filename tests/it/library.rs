//! The scenario library: every scenario runs, and what its first lines say to expect is what comes.

use crate::commands::{Shell, code, stderr};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

fn library() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let entries = fs::read_dir(dir).expect("the folder of scenarios");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .collect();
    files.sort();
    files
}

/// Runs a scenario with three replications; nothing may differ from an exact formula.
fn named(name: &str) -> Value {
    run(name, &["--replications", "3"])
}

fn run(name: &str, more: &[&str]) -> Value {
    let path = library()
        .into_iter()
        .find(|path| path.ends_with(format!("{name}.toml")));
    let file = path.unwrap_or_else(|| panic!("no {name}"));
    let file = file.display().to_string();
    let args = [&["run", &file, "--strict", "--json"], more].concat();
    let output = Shell::new().run(&args);
    assert_eq!(code(&output), 0, "{file}: {}", stderr(&output));
    serde_json::from_slice(&output.stdout).expect("one document")
}

fn stage<'a>(json: &'a Value, metric: &str) -> &'a Value {
    &json["stages"][0]["metrics"][metric]
}

fn mean(metric: &Value) -> f64 {
    metric["measured"]["mean"]
        .as_f64()
        .unwrap_or_else(|| panic!("not measured: {metric}"))
}

fn near(value: f64, expected: f64, share: f64) {
    assert!(
        (value / expected - 1.0).abs() <= share,
        "{value} is not near {expected}"
    );
}

#[test]
fn every_scenario_says_what_it_shows_and_is_there() {
    let names: Vec<String> = library()
        .iter()
        .map(|path| {
            path.file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    for name in [
        "bounded-queue",
        "checkout",
        "double-eleven",
        "flash-peak",
        "mm1",
        "overload",
        "real-arrivals",
        "vip-priority",
    ] {
        assert!(names.iter().any(|n| n == name), "{name} is missing");
    }
    for path in library() {
        let text = fs::read_to_string(&path).expect("a scenario");
        assert!(
            text.starts_with("# ") && text.contains("# Expect"),
            "{}",
            path.display()
        );
    }
}

#[test]
fn mm1_is_the_textbook_queue() {
    let json = named("mm1");
    near(mean(stage(&json, "utilization")), 0.8, 0.01);
    near(mean(stage(&json, "sojourn_time")), 0.5, 0.05);
    assert_eq!(json["stages"][0]["model"], "M/M/1");
    for metric in json["stages"][0]["metrics"]
        .as_object()
        .expect("metrics")
        .values()
    {
        let verdict = metric["verdict"].as_str().expect("a verdict");
        let maximum = metric["reason"]
            .as_str()
            .is_some_and(|r| r.contains("maximum"));
        assert!(
            maximum || ["agrees", "not_measured"].contains(&verdict),
            "{metric}"
        );
    }
}

#[test]
fn checkout_is_limited_by_its_payment() {
    let json = named("checkout");
    near(mean(stage(&json, "waiting_time")), 0.00892, 0.05);
    near(mean(&json["pipeline"]["metrics"]["latency"]), 0.317, 0.02);
    near(
        mean(&json["pipeline"]["metrics"]["throughput"]),
        117.6,
        0.005,
    );
    assert_eq!(json["slos"][0]["verdict"], "met");
}

#[test]
fn an_overload_grows_by_what_the_consumers_cannot_do() {
    let json = named("overload");
    near(mean(stage(&json, "backlog_growth")), 20.0, 0.1);
    assert_eq!(stage(&json, "waiting_time")["verdict"], "no_steady_state");
}

#[test]
fn the_vip_waits_a_fifth_of_the_others_time() {
    let json = named("vip-priority");
    let class = |name: &str| mean(&json["stages"][0]["classes"][name]["metrics"]["waiting_time"]);
    near(class("vip"), 0.1, 0.03);
    near(class("regular"), 0.5, 0.05);
}

#[test]
fn a_bounded_queue_rejects_as_many_as_erlang_says() {
    let json = named("bounded-queue");
    near(mean(stage(&json, "loss_probability")), 0.09524, 0.02);
    let outcomes = &json["pipeline"]["outcomes"];
    let share = outcomes["rejected"].as_f64().expect("a count")
        / json["run"]["entered"].as_f64().expect("a count");
    near(share, 0.09524, 0.02);
}

/// The peak of the fluid limit: 600 s × (150 − 100)/s = 30,000 orders, twenty minutes of backlog, so
/// its time average over the hour is 30,000 × 1,200/2/3,600 = 5,000.
#[test]
fn a_flash_peak_builds_a_hill_and_takes_as_long_to_go() {
    near(
        mean(stage(&named("flash-peak"), "queue_length")),
        5000.0,
        0.05,
    );
}

#[test]
fn real_arrivals_all_come_and_wait_though_the_average_load_is_low() {
    let json = named("real-arrivals");
    assert_eq!(json["run"]["entered"], 3 * 733);
    near(mean(stage(&json, "utilization")), 0.212, 0.1);
    assert!(mean(stage(&json, "wait_probability")) > 0.4);
    let spread = |w: &Value| w.as_str().is_some_and(|w| w.contains("spread at random"));
    assert!(
        json["warnings"]
            .as_array()
            .expect("warnings")
            .iter()
            .any(spread)
    );
}

/// A hundredth of the orders and of the consumers: ρ is the same.
#[test]
fn double_eleven_lets_nobody_wait() {
    let args = "--replications 3 --duration 20s --set run.warmup=5s \
                --set producer.shoppers.arrivals.poisson.rate=5830/s --set stage.order.consumers=138 \
                --set stage.payment.consumers=1380 --set stage.inventory.consumers=277";
    let json = run(
        "double-eleven",
        &args.split_whitespace().collect::<Vec<_>>(),
    );
    near(
        mean(&json["stages"][1]["metrics"]["utilization"]),
        0.845,
        0.01,
    );
    near(mean(&json["pipeline"]["metrics"]["latency"]), 0.26, 0.02);
}

/// All of it: 350 million orders, on one core faster than in reality.
#[test]
#[ignore = "takes minutes in release mode; CI runs it"]
fn double_eleven_runs_faster_than_it_was() {
    let began = Instant::now();
    let json = run("double-eleven", &["--threads", "1"]);
    let took = began.elapsed().as_secs_f64();
    println!("600 s of Double 11 in {took:.1} s");
    assert!(took < 600.0, "{took} s");
    for (stage, rho) in [(0, 0.8449), (1, 0.8449), (2, 0.8419)] {
        let metrics = &json["stages"][stage]["metrics"];
        near(mean(&metrics["utilization"]), rho, 0.001);
        assert_eq!(mean(&metrics["wait_probability"]), 0.0);
    }
    near(
        mean(&json["pipeline"]["metrics"]["latency_p99"]),
        1.384,
        0.01,
    );
}
