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
