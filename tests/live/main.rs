//! `orderline live` on the real systems, as a user types it: nothing is lost or done twice without being
//! counted, whatever dies meanwhile.
//!
//! All need servers ([`tests/brokers/up`](../brokers/README.md)) and a build with all clients, so they are
//! ignored unless asked for; they stop and start the servers, so they are run one by one:
//!
//! ```text
//! eval "$(tests/brokers/up all)"
//! cargo test --features all-brokers --test live -- --ignored --test-threads 1 --nocapture
//! ```
//!
//! What they judge does not hang on how fast the machine is; what they measure they print.

mod command;

use command::server::Before;
use command::{Live, Scenario, server};

/// A run, one with calibrated costs, and one that is interrupted on each system.
macro_rules! systems {
    ($($system:ident),*) => {$(
        mod $system {
            #[test]
            #[ignore = "needs the real servers: tests/brokers/up all"]
            fn a_run_beside_its_twins() { super::a_run_beside_its_twins(stringify!($system)); }

            #[test]
            #[ignore = "needs the real servers: tests/brokers/up all"]
            fn an_interrupted_run() { super::an_interrupted_run(stringify!($system)); }
        }
    )*};
}

systems!(rabbitmq, kafka, activemq, rocketmq, zeromq);

/// Every order is done once; the measured costs are written, read again, and predict another load.
fn a_run_beside_its_twins(system: &str) {
    let before = Before::on(system);
    let scenario = Scenario::plain(system);
    let costs = scenario.path("calibrated.toml");
    let first = Live::new(&scenario, system)
        .arg("--calibrate")
        .arg(&costs)
        .run(0);
    first.has_done_everything_once();
    first.says_where(system);
    first.print(system, "as it is");
    let second = Live::of_file(&costs, system)
        .args(["--set", "producer.web.arrivals.poisson.rate=40/s"])
        .run(0);
    second.has_done_everything_once();
    second.print(system, "calibrated, at another load");
    before.again();
}

/// Ctrl-C ends a run soon, with what was measured, and nothing is left behind.
fn an_interrupted_run(system: &str) {
    let before = Before::on(system);
    let scenario = Scenario::plain(system);
    let run = Live::new(&scenario, system)
        .args(["--duration", "10m"])
        .start();
    run.interrupt_after(10.0);
    let asked = std::time::Instant::now();
    let live = run.end(130);
    let took = asked.elapsed().as_secs_f64();
    assert!(took < 20.0, "{took} s");
    assert_eq!(live.live("ended").as_str(), Some("stopped"));
    assert!(live.outcome("completed") > 0, "what was measured is kept");
    live.adds_up();
    before.again();
}

/// Consumers die in mid-work again and again: what they had is done by others.
fn consumers_die(system: &str) {
    let before = Before::on(system);
    let scenario = Scenario::with_crashes(system);
    let live = Live::new(&scenario, system).run(0);
    live.has_lost_nothing();
    assert!(live.count("redeliveries") > 0, "somebody died in mid-work");
    live.print(system, "with crashes");
    before.again();
}

#[test]
#[ignore = "needs the real servers: tests/brokers/up all"]
fn consumers_die_rabbitmq() {
    consumers_die("rabbitmq");
}

#[test]
#[ignore = "needs the real servers: tests/brokers/up all"]
fn consumers_die_activemq() {
    consumers_die("activemq");
}

#[test]
#[ignore = "needs the real servers: tests/brokers/up all"]
fn consumers_die_rocketmq() {
    consumers_die("rocketmq");
}

#[test]
#[ignore = "needs the real servers: tests/brokers/up all"]
fn consumers_die_kafka() {
    consumers_die("kafka");
}

/// The server is stopped and started in mid-run: durable messages are all done in the end.
fn server_restarts(system: &str) {
    let before = Before::on(system);
    let scenario = Scenario::plain(system);
    let run = Live::new(&scenario, system)
        .args(["--give-up-after", "120s", "--drain", "120s"])
        .start();
    server::restart_after(system, 4.0);
    let live = run.end(0);
    live.has_lost_nothing();
    assert!(
        live.live("outages").as_u64() > Some(0),
        "the server was gone"
    );
    live.print(system, "with a restart of the server");
    before.again();
}

#[test]
#[ignore = "needs the real servers: tests/brokers/up all"]
fn server_restarts_rabbitmq() {
    server_restarts("rabbitmq");
}

#[test]
#[ignore = "needs the real servers: tests/brokers/up all"]
fn server_restarts_activemq() {
    server_restarts("activemq");
}

#[test]
#[ignore = "needs the real servers: tests/brokers/up all"]
fn server_restarts_kafka() {
    server_restarts("kafka");
}

/// Messages that need not survive a restart do not, and are counted as lost: every order has an outcome.
#[test]
#[ignore = "needs the real servers: tests/brokers/up all"]
fn what_is_not_durable_is_lost_and_counted() {
    let scenario = Scenario::overloaded_and_transient("rabbitmq");
    let run = Live::new(&scenario, "rabbitmq")
        .args(["--give-up-after", "120s", "--drain", "120s"])
        .start();
    server::restart_after("rabbitmq", 4.0);
    let live = run.end(0);
    let lost = live.outcome("lost");
    assert!(lost > 0, "a queue was full when the server went");
    assert_eq!(live.live("missing").as_u64(), Some(lost));
    live.adds_up();
    live.print("rabbitmq", "transient, with a restart of the server");
}

/// Wrong addresses, logins and rights, and a server that hangs: said within the time-out, exit code 3,
/// nothing left behind.
#[test]
#[ignore = "needs the real servers: tests/brokers/up all"]
fn trouble_is_told_in_time() {
    let before = Before::on("rabbitmq");
    let scenario = Scenario::plain("rabbitmq");
    let url = std::env::var("ORDERLINE_RABBITMQ_URL").expect("tests/brokers/up rabbitmq");
    let (_, place) = url.rsplit_once('@').expect("an address with a login");
    let cases = [
        ("amqp://127.0.0.1:1".to_owned(), "no broker at"),
        (
            format!("amqp://orderline:wrong-secret@{place}"),
            "refuses the login",
        ),
        (format!("amqp://reader:reader@{place}"), "does not allow"),
    ];
    for (url, says) in cases {
        let error = Live::new(&scenario, "rabbitmq")
            .args(["--timeout", "3s", "--url", &url])
            .fails(3, 10.0);
        assert!(error.contains(says), "{error}");
        assert!(!error.contains("wrong-secret"), "{error}");
    }
    server::freeze("rabbitmq");
    let error = Live::new(&scenario, "rabbitmq")
        .args(["--timeout", "3s"])
        .fails(3, 12.0);
    server::up("rabbitmq");
    assert!(error.contains("no broker at"), "{error}");
    before.again();
}

/// A server that is gone for good ends the run with what was measured.
#[test]
#[ignore = "needs the real servers: tests/brokers/up all"]
fn a_server_that_stays_away_ends_the_run() {
    let scenario = Scenario::plain("rabbitmq");
    let run = Live::new(&scenario, "rabbitmq")
        .args(["--give-up-after", "2s", "--timeout", "2s"])
        .start();
    server::down_after("rabbitmq", 4.0);
    let live = run.end(3);
    server::up("rabbitmq");
    assert_eq!(live.live("ended").as_str(), Some("broker_lost"));
    assert!(live.outcome("completed") > 0, "what was measured is kept");
    live.adds_up();
}
