//! How long things take, printed: to be run alone, and in release.
//!
//! ```text
//! cargo test --release --features rabbitmq --test brokers -- --ignored --nocapture rabbitmq::measured
//! ```

use crate::facts::Facts;
use crate::kit::{self, Bed, message, next, numbered, plain, settle, take};
use orderline::live::brokers::{Broker, Confirmation, Settlement};
use std::time::{Duration, Instant};

const ROUNDS: u32 = 1000;

/// Times from sending to confirmation, from sending to an idle receiver, and from settling to the next of
/// the waiting messages, of messages that survive a restart and of those that do not.
pub async fn measured<B: Broker>(facts: &Facts) {
    for durable in [false, true] {
        if durable && !B::ABILITIES.durable {
            continue;
        }
        let mut queue = plain::<B>("measured");
        queue.durable = durable;
        if B::ABILITIES.window {
            queue.window = 1;
        }
        let bed = Bed::<B>::new(facts, vec![queue]).await;
        let kind = if durable { "durable" } else { "transient" };
        println!("{}, {kind} messages, {ROUNDS} times:", bed.broker.version());
        to_idle(&bed).await;
        to_busy(&bed).await;
        bed.remove().await;
    }
}

async fn to_idle<B: Broker>(bed: &Bed<B>) {
    let mut receiver = bed.receiver(0, 0).await;
    let mut out = bed.sender().await;
    out.send(&numbered(0)).await;
    take(&mut receiver).await;
    let (mut sent, mut came) = (Vec::new(), Vec::new());
    for i in 1..=ROUNDS {
        tokio::time::sleep(Duration::from_millis(2)).await;
        let start = Instant::now();
        out.send_as(message(&numbered(i))).await;
        let message = next(&mut receiver).await;
        came.push(start.elapsed());
        sent.push(start);
        settle(&mut receiver, message.receipt, Settlement::Done).await;
    }
    let heard = out.heard.until(1 + ROUNDS as usize, "confirmations").await;
    let of = |c: &Confirmation| {
        sent.get((c.tag as usize).checked_sub(1)?)
            .map(|at| c.at - *at)
    };
    show(
        "send to confirmation",
        heard.iter().filter_map(of).collect(),
    );
    show("send to idle receiver", came);
    kit::close(receiver).await;
}

async fn to_busy<B: Broker>(bed: &Bed<B>) {
    let mut receiver = bed.receiver(0, 0).await;
    let mut out = bed.sender().await;
    for i in 0..=ROUNDS {
        out.send(&numbered(i)).await;
    }
    out.stored().await;
    let mut took = Vec::new();
    let mut held = next(&mut receiver).await;
    for _ in 0..ROUNDS {
        tokio::time::sleep(Duration::from_millis(2)).await;
        let start = Instant::now();
        settle(&mut receiver, held.receipt, Settlement::Done).await;
        held = next(&mut receiver).await;
        took.push(start.elapsed());
    }
    settle(&mut receiver, held.receipt, Settlement::Done).await;
    show("settle to next message", took);
    kit::close(receiver).await;
}

fn show(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |share: usize| times[(times.len() - 1) * share / 1000].as_secs_f64() * 1e3;
    let [p50, p90, p99] = [500, 900, 990].map(at);
    println!("  {what:24} p50 {p50:.3} ms   p90 {p90:.3} ms   p99 {p99:.3} ms");
}
