//! Depths, bounds, priorities, and times.

use crate::facts::Facts;
use crate::kit::{self, Bed, message, next, nothing, number, numbered, plain, settle, take};
use orderline::live::brokers::{
    Bound, Broker, Discarded, Fate, Overflow, QueueSpec, Receiver, Settlement,
};
use std::time::{Duration, Instant};

/// The depth is the number of messages that wait, with and without receivers.
pub async fn depth<B: Broker>(facts: &Facts) {
    let mut queue = plain::<B>("depth");
    queue.window = queue.window.min(2);
    let bed = Bed::<B>::new(facts, vec![queue, plain::<B>("other")]).await;
    bed.depth_becomes(facts, 0, 0).await;
    if !facts.tells_depth {
        return bed.remove().await;
    }
    let mut out = bed.sender().await;
    for i in 0..7 {
        out.send(&numbered(i)).await;
    }
    out.stored().await;
    bed.depth_becomes(facts, 0, 7).await;
    let mut receiver = bed.receiver(0, 0).await;
    let held = [next(&mut receiver).await, next(&mut receiver).await];
    if facts.settles_each {
        bed.depth_becomes(facts, 0, 5).await;
    }
    for message in held {
        settle(&mut receiver, message.receipt, Settlement::Done).await;
    }
    for _ in 2..7 {
        take(&mut receiver).await;
    }
    bed.depth_becomes(facts, 0, 0).await;
    bed.depth_becomes(facts, 1, 0).await;
    bed.remove().await;
}

/// Level 0 is served first, and within a level who came first.
pub async fn priorities<B: Broker>(facts: &Facts) {
    if B::ABILITIES.priorities < 3 {
        return;
    }
    let mut queue = plain::<B>("priorities");
    (queue.priorities, queue.window) = (3, 1);
    let bed = Bed::<B>::new(facts, vec![queue]).await;
    let mut receiver = bed.receiver(0, 0).await;
    let mut out = bed.sender().await;
    let mut send = async |i: u32, priority: u8| {
        let mut message = message(&numbered(i));
        message.priority = priority;
        assert_eq!(out.fate(message).await, Fate::Stored);
    };
    send(0, 2).await;
    let held = next(&mut receiver).await;
    for i in 1..10 {
        send(i, (i % 3) as u8).await;
    }
    settle(&mut receiver, held.receipt, Settlement::Done).await;
    for i in [3, 6, 9, 1, 4, 7, 2, 5, 8] {
        assert_eq!(number(&take(&mut receiver).await), i);
    }
    bed.remove().await;
}

/// A sender keeps messages back for others to come, unless there are enough bytes.
pub async fn batches<B: Broker>(facts: &Facts) {
    if !B::ABILITIES.batches {
        return;
    }
    let linger = Duration::from_secs(2);
    let nearly = linger - Duration::from_millis(100);
    let mut queue = plain::<B>("batches");
    (queue.linger, queue.batch_bytes) = (linger, 3000.0);
    let bed = Bed::<B>::new(facts, vec![queue]).await;
    let mut out = bed.sender().await;
    let sent = Instant::now();
    out.send(&[0; 10]).await;
    out.stored().await;
    let alone = out.heard.all()[0].at - sent;
    assert!(alone >= nearly, "{alone:?}");
    let sent = Instant::now();
    for _ in 0..4 {
        out.send(&[0; 1500]).await;
    }
    let heard = out.heard.until(2, "confirmations").await;
    let together = heard[1].at - sent;
    assert!(together < nearly, "{together:?}");
    bed.remove().await;
}

fn bounded<B: Broker>(places: u64, overflow: Overflow) -> QueueSpec {
    let mut queue = plain::<B>("bounded");
    queue.bound = Some(Bound { places, overflow });
    queue
}

/// A full queue refuses, and takes again when there is room.
pub async fn refused<B: Broker>(facts: &Facts) {
    if !B::ABILITIES.bounded {
        return;
    }
    let bed = Bed::<B>::new(facts, vec![bounded::<B>(3, Overflow::Refuse)]).await;
    let mut out = bed.sender().await;
    for i in 0..5 {
        let fate = out.fate(message(&numbered(i))).await;
        let right = if i < 3 { Fate::Stored } else { Fate::Refused };
        assert_eq!(fate, right, "message {i}");
    }
    let mut receiver = bed.receiver(0, 0).await;
    for i in 0..3 {
        assert_eq!(number(&take(&mut receiver).await), i);
    }
    assert_eq!(out.fate(message(&numbered(5))).await, Fate::Stored);
    assert_eq!(number(&take(&mut receiver).await), 5);
    nothing(&mut receiver).await;
    assert_eq!(bed.discards.all(), []);
    bed.remove().await;
}

/// A full queue drops its oldest, and says which.
pub async fn displaced<B: Broker>(facts: &Facts) {
    if !facts.displaces {
        return;
    }
    let mut queue = bounded::<B>(3, Overflow::DropOldest);
    queue.dead_letters = B::ABILITIES.dead_letters;
    let bed = Bed::<B>::new(facts, vec![queue]).await;
    let mut out = bed.sender().await;
    for i in 0..5 {
        assert_eq!(out.fate(message(&numbered(i))).await, Fate::Stored);
    }
    let gone = bed.discards.until(2, "thrown away").await;
    let gone: Vec<_> = gone.iter().map(|(b, why, _)| (number(b), *why)).collect();
    assert_eq!(gone, [(0, Discarded::Displaced), (1, Discarded::Displaced)]);
    let mut receiver = bed.receiver(0, 0).await;
    for i in 2..5 {
        assert_eq!(number(&take(&mut receiver).await), i);
    }
    nothing(&mut receiver).await;
    if facts.tells_dead_letters && B::ABILITIES.dead_letters {
        // These were thrown away, not put aside.
        assert_eq!(bed.broker.dead_letters(0).await, Ok(Some(0)));
    }
    bed.remove().await;
}

/// What waits too long is thrown away, not before its time, and that is told.
pub async fn expired<B: Broker>(facts: &Facts) {
    if !B::ABILITIES.time_to_live {
        return;
    }
    let limit = Duration::from_millis(400);
    let mut queue = plain::<B>("expired");
    queue.time_to_live = Some(limit);
    queue.dead_letters = B::ABILITIES.dead_letters;
    let bed = Bed::<B>::new(facts, vec![queue]).await;
    let mut out = bed.sender().await;
    let start = Instant::now();
    for i in 0..3 {
        out.send(&numbered(i)).await;
    }
    out.stored().await;
    let gone = bed.discards.until(3, "thrown away").await;
    for (i, (body, why, at)) in gone.iter().enumerate() {
        assert_eq!((number(body), *why), (i as u32, Discarded::Expired));
        assert!(*at - start >= limit, "after {:?}", *at - start);
    }
    bed.depth_becomes(facts, 0, 0).await;
    let mut receiver = bed.receiver(0, 0).await;
    nothing(&mut receiver).await;
    // One that is taken in time does not expire; on a machine that stalls it may take several tries.
    let mut sent = 3;
    loop {
        out.send(&numbered(sent)).await;
        sent += 1;
        if let Ok(message) = tokio::time::timeout(4 * limit, receiver.receive()).await {
            let message = message.expect("received");
            settle(&mut receiver, message.receipt, Settlement::Done).await;
            break;
        }
        assert!(sent < 10, "all expire, even what somebody waits for");
    }
    tokio::time::sleep(2 * limit).await;
    assert_eq!(bed.discards.all().len(), sent as usize - 1);
    bed.remove().await;
}

/// Delayed messages come when it is time, whatever order they were sent in, and not before.
pub async fn delayed<B: Broker>(facts: &Facts) {
    if !B::ABILITIES.delays {
        return;
    }
    let mut queue = plain::<B>("delayed");
    queue.delays = true;
    let bed = Bed::<B>::new(facts, vec![queue]).await;
    let mut receiver = bed.receiver(0, 0).await;
    let mut out = bed.sender().await;
    let mut due = Vec::new();
    let start = Instant::now();
    for delay in [2000, 700, 0, 1400, 700] {
        let delay = Duration::from_millis(delay);
        let mut message = message(&numbered(due.len() as u32));
        message.delay = (!delay.is_zero()).then_some(delay);
        due.push(Instant::now() + delay);
        out.send_as(message).await;
    }
    let sending = start.elapsed();
    let mut order = Vec::new();
    for _ in 0..due.len() {
        let message = next(&mut receiver).await;
        let now = Instant::now();
        let i = number(&message.body);
        assert!(now >= due[i as usize], "{i} came too early");
        settle(&mut receiver, message.receipt, Settlement::Done).await;
        order.push(i);
    }
    // A machine that stalled for so long meanwhile may have sent the last when the first was due.
    if sending < Duration::from_millis(300) {
        assert_eq!(order, [2, 1, 4, 3, 0]);
    }
    order.sort();
    assert_eq!(order, [0, 1, 2, 3, 4]);
    nothing(&mut receiver).await;
    out.stored().await;
    assert_eq!(bed.discards.all(), []);
    bed.remove().await;
}

/// A second run of the same name finds nothing of the first one.
pub async fn removed<B: Broker>(facts: &Facts) {
    let can = B::ABILITIES;
    let mut queue = plain::<B>("removed");
    queue.dead_letters = can.dead_letters;
    queue.delays = can.delays;
    queue.durable = can.durable;
    let target = kit::target(kit::address(facts), vec![queue]);
    for _ in 0..2 {
        let bed = Bed::<B>::at(facts, target.clone()).await;
        assert!(!bed.broker.version().is_empty());
        bed.depth_becomes(facts, 0, 0).await;
        let mut receiver = bed.receiver(0, 0).await;
        nothing(&mut receiver).await;
        let mut out = bed.sender().await;
        for i in 0..3 {
            out.send(&numbered(i)).await;
        }
        assert_eq!(number(&take(&mut receiver).await), 0);
        if can.delays {
            let mut late = message(&numbered(3));
            late.delay = Some(Duration::from_millis(300));
            out.send_as(late).await;
        }
        out.stored().await;
        // Senders and receivers that are still there do not keep anything alive.
        bed.remove().await;
    }
}
