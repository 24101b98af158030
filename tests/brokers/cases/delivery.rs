//! Messages arrive: all of them, once, whole, in order, and no more at a time than were asked for.

use crate::facts::Facts;
use crate::kit::{self, Bed, Kept, message, next, nothing, number, numbered, plain, settle, take};
use orderline::live::brokers::{Broker, Fate, Receiver, Settlement};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What one sender sends into a lane comes out in that order, each settled or not.
pub async fn in_order<B: Broker>(facts: &Facts) {
    let bed = Bed::<B>::new(facts, vec![plain::<B>("order")]).await;
    let mut receiver = bed.receiver(0, 0).await;
    let mut out = bed.sender().await;
    for i in 0..500 {
        out.send(&numbered(i)).await;
    }
    for i in 0..500 {
        assert_eq!(number(&take(&mut receiver).await), i);
    }
    nothing(&mut receiver).await;
    out.stored().await;
    bed.remove().await;
}

/// A body comes back as it was, whatever is in it and however long it is.
pub async fn whole<B: Broker>(facts: &Facts) {
    let bed = Bed::<B>::new(facts, vec![plain::<B>("whole")]).await;
    let mut receiver = bed.receiver(0, 0).await;
    let mut out = bed.sender().await;
    let every_byte: Vec<u8> = (0..=255).collect();
    let long: Vec<u8> = (0..300_000u32).map(|i| (i % 251) as u8).collect();
    for body in [&b"x"[..], &every_byte, &long, b"", b"after"] {
        out.send(body).await;
        let came = next(&mut receiver).await;
        assert!(came.body == body, "{} bytes came", came.body.len());
        assert!(!came.redelivered, "delivered for the first time");
        settle(&mut receiver, came.receipt, Settlement::Done).await;
    }
    out.stored().await;
    bed.remove().await;
}

/// Every message goes to the queue that it was sent to.
pub async fn apart<B: Broker>(facts: &Facts) {
    let queues = vec![
        plain::<B>("first"),
        plain::<B>("second"),
        plain::<B>("third"),
    ];
    let bed = Bed::<B>::new(facts, queues).await;
    let mut receivers = Vec::new();
    for queue in 0..3 {
        receivers.push(bed.receiver(queue, 0).await);
    }
    let mut out = bed.sender().await;
    for i in 0..30 {
        let mut message = message(&numbered(i));
        message.queue = i as usize % 3;
        out.send_as(message).await;
    }
    for (queue, receiver) in receivers.iter_mut().enumerate() {
        for i in 0..10 {
            assert_eq!(number(&take(receiver).await), i * 3 + queue as u32);
        }
    }
    nothing(&mut receivers[0]).await;
    out.stored().await;
    bed.remove().await;
}

/// Waiting for a message may be given up at any point: none is lost, none comes twice.
pub async fn given_up<B: Broker>(facts: &Facts) {
    let bed = Bed::<B>::new(facts, vec![plain::<B>("given-up")]).await;
    let mut receiver = bed.receiver(0, 0).await;
    let mut out = bed.sender().await;
    let mut came = Vec::new();
    let end = Instant::now() + kit::SOON;
    for i in 0..300 {
        out.send(&numbered(i)).await;
        // From no time at all to about as long as a message takes.
        let wait = Duration::from_micros(u64::from(i) * 4);
        if let Ok(message) = tokio::time::timeout(wait, receiver.receive()).await {
            let message = message.expect("received");
            came.push(number(&message.body));
            settle(&mut receiver, message.receipt, Settlement::Done).await;
        }
    }
    while came.len() < 300 && Instant::now() < end {
        came.push(number(&take(&mut receiver).await));
    }
    assert!(came.iter().copied().eq(0..300), "{came:?}");
    nothing(&mut receiver).await;
    bed.remove().await;
}

/// A receiver that settles nothing is given as many as its window and no more; for each that it then
/// settles, one more.
pub async fn window<B: Broker>(facts: &Facts) {
    if !B::ABILITIES.window {
        return;
    }
    for window in [1, 3] {
        let mut queue = plain::<B>("window");
        queue.window = window;
        let bed = Bed::<B>::new(facts, vec![queue]).await;
        let mut receiver = bed.receiver(0, 0).await;
        let mut out = bed.sender().await;
        for i in 0..10 {
            out.send(&numbered(i)).await;
        }
        let mut held = Vec::new();
        for _ in 0..window {
            held.push(next(&mut receiver).await);
        }
        nothing(&mut receiver).await;
        settle(&mut receiver, held.remove(0).receipt, Settlement::Done).await;
        held.push(next(&mut receiver).await);
        nothing(&mut receiver).await;
        bed.remove().await;
    }
}

/// Members share a queue's work: while one is busy, the others are served.
pub async fn shared<B: Broker>(facts: &Facts) {
    if !(B::ABILITIES.window && B::ABILITIES.shared) {
        return;
    }
    let mut queue = plain::<B>("shared");
    (queue.window, queue.members) = (1, 2);
    let bed = Bed::<B>::new(facts, vec![queue]).await;
    let mut busy = bed.receiver(0, 0).await;
    let mut idle = bed.receiver(0, 1).await;
    let mut out = bed.sender().await;
    out.send(&numbered(0)).await;
    out.send(&numbered(1)).await;
    let held = next(&mut busy).await;
    let _ = take(&mut idle).await;
    for i in 2..20 {
        out.send(&numbered(i)).await;
        assert_eq!(number(&take(&mut idle).await), i);
    }
    settle(&mut busy, held.receipt, Settlement::Done).await;
    bed.remove().await;
}

/// Thousands of messages from two senders to three receivers at once: each is confirmed once and comes
/// once, and those of one lane and sender that one receiver got came in order.
pub async fn thousands<B: Broker>(facts: &Facts) {
    const EACH: u32 = 2000;
    let mut queue = plain::<B>("thousands");
    queue.members = 3;
    if !B::ABILITIES.shared {
        queue.partitions = 3;
    }
    let lanes = queue.partitions.max(1);
    let bed = Bed::<B>::new(facts, vec![queue]).await;
    let came = Kept::new();
    let mut tasks = Vec::new();
    for member in 0..3 {
        let receiver = bed.receiver(0, member).await;
        tasks.push(tokio::spawn(collect(member, receiver, Arc::clone(&came))));
    }
    let mut first = bed.sender().await;
    let mut second = bed.sender().await;
    let send = async |out: &mut kit::Out<B::Sender>, from: u32| {
        for i in from..from + EACH {
            let mut message = message(&numbered(i));
            message.lane = i % lanes;
            out.send_as(message).await;
            if i % 50 == 0 {
                tokio::task::yield_now().await;
            }
        }
    };
    tokio::join!(send(&mut first, 0), send(&mut second, EACH));
    came.until(2 * EACH as usize, "messages").await;
    tokio::time::sleep(kit::QUIET).await;
    for task in tasks {
        task.abort();
    }
    every_one_once(&came.all(), EACH, lanes);
    for out in [&first, &second] {
        let heard = out.heard.until(EACH as usize, "confirmations").await;
        let tags: Vec<u64> = sorted(heard.iter().map(|c| c.tag));
        assert!(tags.into_iter().eq(0..u64::from(EACH)), "each tag once");
        assert!(heard.iter().all(|c| c.fate == Fate::Stored));
    }
    bed.remove().await;
}

/// Receives and settles until it is stopped.
async fn collect<R: Receiver>(member: usize, mut receiver: R, came: Arc<Kept<(usize, u32)>>) {
    loop {
        let message = receiver.receive().await.expect("received");
        let body = number(&message.body);
        receiver
            .settle(message.receipt, Settlement::Done)
            .await
            .expect("settled");
        came.lock().push((member, body));
    }
}

fn every_one_once(came: &[(usize, u32)], each: u32, lanes: u32) {
    let numbers: Vec<u32> = sorted(came.iter().map(|&(_, i)| i));
    assert!(
        numbers.iter().copied().eq(0..2 * each),
        "{} came",
        came.len()
    );
    let mut last = BTreeMap::new();
    for &(member, i) in came {
        let before = last.insert((member, i / each, i % lanes), i);
        assert!(before < Some(i), "{i} after {before:?}");
    }
}

fn sorted<T: Ord>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut values: Vec<T> = values.collect();
    values.sort();
    values
}
