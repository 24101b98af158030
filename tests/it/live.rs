//! Live runs inside this process: every order gets its outcome, and the same as its simulated twin where
//! that does not hang on time. Nothing here depends on how fast the machine is.

use orderline::live::brokers::memory::Memory;
use orderline::live::{Ended, LiveControl, LiveRun, Request, run};
use orderline::network::Network;
use orderline::sim::{Control, Event, Outcome, Script, Twin, live_warmup, script};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

fn network(text: &str) -> Network {
    let loaded = orderline::scenario::parse(text, "live.toml", Path::new("."), &[]);
    loaded.expect("a scenario").network
}

fn scripted(network: &Network) -> (Script, Twin) {
    let control = Control::default();
    let start = live_warmup(network, &control);
    script(network, start, &control).expect("a script")
}

fn live(network: &Network, script: &Script, scale: f64) -> LiveRun {
    let request = Request {
        network: Arc::new(network.clone()),
        script: Arc::new(script.clone()),
        end: network.expected_duration(),
        scale,
        address: None,
        patience: Duration::from_secs(5),
        give_up_after: Duration::from_secs(5),
        drain: Duration::from_secs(30),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let control = Arc::new(LiveControl::default());
    let run = runtime
        .expect("a runtime")
        .block_on(run::<Memory>(request, control));
    run.expect("a run")
}

fn outcomes(run: &LiveRun, orders: usize) -> Vec<Option<Outcome>> {
    let mut outcomes = vec![None; orders];
    for logged in &run.log {
        if let Event::Leaves { outcome } = logged.what
            && let Some(slot) = outcomes.get_mut(logged.message as usize)
        {
            assert_eq!(*slot, None, "order {} leaves once", logged.message);
            *slot = Some(outcome);
        }
    }
    outcomes
}

const PIPELINE: &str = r#"
name = "live"
seed = 5
[run]
duration = 20
warmup = 0
[[class]]
name = "vip"
priority = 0
[[class]]
name = "plain"
priority = 1
[[producer]]
name = "web"
class = "plain"
to = "order"
arrivals = { poisson = { rate = 20 } }
message_size = 100
[[producer]]
name = "app"
class = "vip"
to = "order"
arrivals = { poisson = { rate = 10 } }
[[stage]]
name = "order"
consumers = 2
service = { exponential = { rate = 25 } }
queue = { discipline = { priority = { preemptive = false } } }
next = "payment"
[[stage]]
name = "payment"
consumers = 3
service = { exponential = { rate = 25 } }
failure = { probability = "20%", attempts = 2, backoff = { fixed = "50ms" }, then = "dead_letter" }
next = [{ to = "ship", probability = 0.9 }, { to = "cancelled", probability = 0.1 }]
[[stage]]
name = "ship"
consumers = 2
service = { exponential = { rate = 25 } }
"#;

#[test]
fn every_order_ends_as_its_twin_does() {
    let network = network(PIPELINE);
    let (script, twin) = scripted(&network);
    let run = live(&network, &script, 0.1);
    assert_eq!(run.ended, Ended::Whole);
    assert_eq!(
        (run.missing, run.left, run.left_behind.is_none()),
        (0, 0, true)
    );
    let live = outcomes(&run, script.orders.len());
    let mut same = 0;
    for (order, outcome) in live.iter().enumerate() {
        let twin = twin.order(order as u64).expect("a twin").outcome;
        // The twin's run ends with some under way; the live one waits for them.
        if twin != Outcome::InFlight {
            assert_eq!(*outcome, Some(twin), "order {order}");
            same += 1;
        }
    }
    assert!(same > 400, "{same} of {}", live.len());
    let dead = live
        .iter()
        .flatten()
        .filter(|outcome| **outcome == Outcome::DeadLettered);
    assert_eq!(run.dead_letters[1], Some(dead.count() as u64));
}

/// The command as a user types it.
mod command {
    use crate::commands::{Shell, code, stderr};
    use serde_json::Value;
    use std::fs;

    /// Two stages in a tenth of the time.
    fn shell() -> Shell {
        let shell = Shell::new();
        fs::write(shell.path("shop.toml"), super::PIPELINE).expect("a file");
        shell
    }

    const QUICK: [&str; 5] = ["--time-scale", "0.1", "--duration", "10s", "--json"];

    fn live(shell: &Shell, more: &[&str]) -> std::process::Output {
        shell.run(&[&["live", "shop.toml"], &QUICK[..], more].concat())
    }

    #[test]
    fn writes_what_run_writes_and_the_twins_beside() {
        let shell = shell();
        let output = live(&shell, &["--orders"]);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        let json: Value = serde_json::from_slice(&output.stdout).expect("a document");
        assert_eq!(json["run"]["engine"], "live");
        assert_eq!(json["live"]["system"], "the in-process broker");
        assert_eq!(json["live"]["left"], 0);
        let outcomes = json["pipeline"]["outcomes"].as_object().expect("outcomes");
        let sum: u64 = outcomes.values().filter_map(Value::as_u64).sum();
        assert_eq!(json["run"]["entered"].as_u64(), Some(sum));
        let latency = &json["live"]["figures"]["pipeline"]["latency"];
        for run in ["live", "twin", "replayed"] {
            assert!(
                latency[run].as_f64().is_some_and(|seconds| seconds > 0.0),
                "{run}"
            );
        }
        let out = shell.path("output/live-memory");
        for file in [
            "manifest.json",
            "metrics.csv",
            "timeseries.csv",
            "latency.csv",
            "live.csv",
            "live_latency.csv",
            "differences.csv",
            "delays.csv",
            "depths.csv",
            "orders.csv",
            "report.html",
            "charts/latency.svg",
            "charts/latency.png",
        ] {
            let size = fs::metadata(out.join(file)).map_or(0, |meta| meta.len());
            assert!(size > 0, "{file}");
        }
        let orders = csv::Reader::from_path(out.join("orders.csv")).expect("a file");
        assert_eq!(orders.into_records().count() as u64, sum);
        // The charts can be drawn again from the folder.
        let folder = "output/live-memory";
        let again = shell.run(&["chart", folder]);
        assert_eq!(code(&again), 0, "{}", stderr(&again));
        let compared = shell.run(&["compare", folder, folder]);
        assert_eq!(code(&compared), 2);
        let said = stderr(&compared);
        assert!(said.contains("a live run, which is one run"), "{said}");
    }

    #[test]
    fn measured_costs_go_into_a_copy_that_is_a_scenario() {
        let shell = Shell::new();
        let text = super::PIPELINE.replace("failure = {", "# failure = {");
        fs::write(shell.path("shop.toml"), text).expect("a file");
        let scale = ["--time-scale", "0.1", "--duration", "40s"];
        let calibrate = ["live", "shop.toml", "--calibrate", "costs.toml", "--quiet"];
        let output = shell.run(&[&calibrate[..], &scale[..]].concat());
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        let text = fs::read_to_string(shell.path("costs.toml")).expect("a file");
        assert!(text.contains("handover"), "{text}");
        let check = shell.run(&["check", "costs.toml"]);
        assert_eq!(code(&check), 0, "{}", stderr(&check));
    }

    #[test]
    fn what_cannot_be_is_refused_before_anything_is_done() {
        let shell = shell();
        let ps = "stage.ship.queue.discipline=\"ps\"";
        fs::write(shell.path("mine.toml"), "# mine").expect("a file");
        let login = "amqp://me:pass-word@h";
        let cases: [(&[&str], &str); 22] = [
            (&["--set", ps], "stage ship: ps cannot be done live"),
            (
                &["--url", "amqp://x:y@z"],
                "--url: the in-process broker has no address",
            ),
            (&["--time-scale", "0"], "a number from 0.001 to 1000"),
            (&["--timeout", "0s"], "above 0"),
            (&["--broker", "mqtt"], "possible values"),
            (
                &[
                    "--broker",
                    "rabbitmq",
                    "--url",
                    "amqp://me:pass-word@h:99999",
                ],
                "port",
            ),
            (&["--drain", "never"], "it takes"),
            (
                &["--broker", "kafka", "--url", "127.0.0.1:9092"],
                "like kafka://127.0.0.1:9092",
            ),
            (
                &["--broker", "rabbitmq", "--url", "amqps://me:pass-word@h"],
                "the only scheme is amqp, without encryption",
            ),
            (&["--replications", "3"], "a live run is one run"),
            (&["--calibrate", "nowhere/copy.toml"], "does not exist"),
            (&["--calibrate", "."], "is a folder"),
            (&["--calibrate", "shop.toml"], "is the scenario itself"),
            (&["--calibrate", "mine.toml"], "is there already"),
            (
                &["--calibrate", "./new", "--out", "new"],
                "is to be the output folder",
            ),
            (
                &["--calibrate", "output/live-memory"],
                "is to be the output folder",
            ),
            (&["--calibrate", "output"], "is to be the output folder"),
            (&["--calibrate", "/dev/null"], "is no ordinary file"),
            (&["--duration", "1ms"], "no order comes within"),
            (&["--broker", login], "amqp://me:***@h"),
            (&[login], "amqp://me:***@h"),
            (&["--set", login], "amqp://me:***@h"),
        ];
        for (more, says) in cases {
            let output = shell.run(&[&["live", "shop.toml"], more].concat());
            let said = stderr(&output);
            assert_eq!(code(&output), 2, "{more:?}: {said}");
            assert!(said.contains(says), "{more:?}: {said}");
            assert!(!said.contains("pass-word"), "{said}");
            assert!(!shell.path("output").exists(), "{more:?}");
        }
    }

    /// No machine keeps a million orders a second for a year.
    #[cfg(target_os = "linux")]
    #[test]
    fn what_the_machine_has_no_room_for_is_refused() {
        let shell = shell();
        let arrivals = "producer.web.arrivals={ poisson = { rate = 1e6 } }";
        let output = shell.run(&["live", "shop.toml", "--duration", "365d", "--set", arrivals]);
        let said = stderr(&output);
        assert_eq!(code(&output), 2, "{said}");
        assert!(said.contains("orders cannot be done live"), "{said}");
        assert!(!shell.path("output").exists());
    }

    /// Whenever it comes, and however often in an instant.
    #[cfg(unix)]
    #[test]
    fn an_interrupt_is_told_by_the_exit_code() {
        let quiet = |rate: &str| {
            let arrivals = |producer| format!("producer.{producer}.arrivals.poisson.rate={rate}");
            [arrivals("web"), arrivals("app")]
        };
        // It may still be at its simulations when it is told, on a slow machine.
        let interrupted = |rate: &str, duration: &str, after: u64| {
            let shell = shell();
            let [web, app] = quiet(rate);
            let more = ["--duration", duration, "--set", &web, "--set", &app];
            let calibrate = ["live", "shop.toml", "--calibrate", "costs.toml"];
            let child = shell.start(&[&calibrate[..], &more[..]].concat());
            std::thread::sleep(std::time::Duration::from_secs(after));
            let both = format!("kill -INT {0}; kill -TERM {0}", child.id());
            let kill = std::process::Command::new("sh")
                .args(["-c", &both])
                .status();
            assert!(kill.expect("a shell").success(), "it runs");
            let output = child.wait_with_output().expect("it ends");
            let said = stderr(&output);
            assert_eq!(code(&output), 130, "{said}");
            assert!(!said.contains("stopped at once"), "{said}");
            let kept = shell.path("output/live-memory/manifest.json").exists();
            let left = fs::read_dir(shell.path("output")).map_or(0, Iterator::count);
            assert_eq!(left, usize::from(kept));
            assert!(!shell.path("costs.toml").exists());
            (kept, said)
        };
        let (kept, said) = interrupted("1e-6", "365d", 3);
        assert!(!kept, "{said}");
        let told = ["no order had got through", "stopped before"];
        assert!(told.iter().any(|told| said.contains(told)), "{said}");
        let mut tries = [3, 10, 30]
            .into_iter()
            .map(|after| interrupted("5", "1h", after));
        let (_, said) = tries.find(|(kept, _)| *kept).expect("what was measured");
        assert!(said.contains("too few to learn"), "{said}");
    }

    #[cfg(not(feature = "kafka"))]
    #[test]
    fn a_client_that_this_build_lacks_is_named() {
        let output = live(&shell(), &["--broker", "kafka"]);
        assert_eq!(code(&output), 2);
        let said = stderr(&output);
        assert!(said.contains("--features kafka"), "{said}");
    }
}

/// The in-process broker's senders keep messages back as a preset's do, and the twin knows.
#[test]
fn senders_linger_as_long_as_the_stage_says() {
    let text = r#"
name = "linger"
seed = 3
[run]
duration = 20
warmup = 0
[[producer]]
name = "web"
to = "order"
arrivals = { poisson = { rate = 50 } }
[[stage]]
name = "order"
consumers = 1
service = { exponential = { rate = 200 } }
broker = { memory = { linger = "100ms" } }
"#;
    let network = network(text);
    let (script, twin) = scripted(&network);
    let run = live(&network, &script, 0.1);
    assert_eq!((run.ended.clone(), run.missing), (Ended::Whole, 0));
    let lingered = run.log.iter().filter_map(|logged| match logged.what {
        Event::Joins { held, enqueue, .. } => Some(enqueue - held),
        _ => None,
    });
    // Who begins a batch waits for all of the time, who comes later for the rest of it.
    let lingered: Vec<f64> = lingered.collect();
    let longest = lingered.iter().copied().fold(0.0, f64::max);
    assert!((longest - 0.1).abs() < 1e-9, "{longest}");
    let of_twin = (0..script.orders.len() as u64).filter_map(|order| twin.order(order));
    let longest = of_twin.map(|order| order.parts.enqueue).fold(0.0, f64::max);
    assert!((longest - 0.1).abs() < 1e-9, "{longest}");
    assert!(lingered.iter().any(|seconds| *seconds < 0.09));
}
