//! What was settled stays so; what was not comes again; what is put aside is counted.

use crate::facts::Facts;
use crate::kit::{Bed, eventually, next, nothing, number, numbered, plain, settle, take};
use orderline::live::brokers::{Broker, Incoming, Receiver, Settlement};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Between two looks at a queue.
const LOOK: Duration = Duration::from_millis(20);
/// What noticing a cut connection, and telling of it, may take a busy server.
const TELLING: Duration = Duration::from_secs(2);

/// What is done does not come again, not even to a receiver that comes later.
pub async fn done<B: Broker>(facts: &Facts) {
    if !B::ABILITIES.redelivers {
        return;
    }
    let bed = Bed::<B>::new(facts, vec![plain::<B>("done")]).await;
    let mut receiver = bed.receiver(0, 0).await;
    let mut out = bed.sender().await;
    for i in 0..20 {
        out.send(&numbered(i)).await;
    }
    for i in 0..20 {
        assert_eq!(number(&take(&mut receiver).await), i);
    }
    receiver.close().await;
    let mut later = bed.receiver(0, 0).await;
    nothing(&mut later).await;
    bed.depth_becomes(facts, 0, 0).await;
    out.send(&numbered(20)).await;
    assert_eq!(number(&take(&mut later).await), 20);
    bed.remove().await;
}

/// What a killed receiver had not settled comes again, marked where the system marks, beside what it had
/// not been given.
pub async fn killed<B: Broker>(facts: &Facts) {
    if B::ABILITIES.redelivers {
        left_behind::<B>(facts, Receiver::kill).await;
    }
}

/// What a killed receiver held comes again, and until then is not out of sight for longer than the adapter
/// says.
pub async fn out_of_sight<B: Broker>(facts: &Facts) {
    if !B::ABILITIES.redelivers || !facts.tells_depth {
        return;
    }
    let bed = Bed::<B>::new(facts, vec![plain::<B>("sight")]).await;
    let mut receiver = bed.receiver(0, 0).await;
    let mut out = bed.sender().await;
    out.send(&numbered(0)).await;
    out.stored().await;
    let _held = next(&mut receiver).await;
    receiver.kill();
    let mut heir = bed.receiver(0, 0).await;
    let (mut seen, mut longest) = (Instant::now(), Duration::ZERO);
    let came = next(&mut heir);
    tokio::pin!(came);
    while tokio::time::timeout(LOOK, &mut came).await.is_err() {
        longest = longest.max(seen.elapsed());
        if bed.broker.depth(0).await != Ok(Some(0)) {
            seen = Instant::now();
        }
    }
    longest = longest.max(seen.elapsed());
    let told = bed.broker.out_of_sight(0);
    println!("out of sight for {longest:?} of {told:?}");
    assert!(
        longest < told + TELLING,
        "{longest:?}, though {told:?} was told"
    );
    bed.remove().await;
}

/// The same with a receiver that closes in good order.
pub async fn closed<B: Broker>(facts: &Facts) {
    if B::ABILITIES.redelivers {
        let bed = Bed::<B>::new(facts, vec![plain::<B>("closed")]).await;
        let mut receiver = bed.receiver(0, 0).await;
        let mut out = bed.sender().await;
        out.send(&numbered(0)).await;
        out.send(&numbered(1)).await;
        assert_eq!(number(&take(&mut receiver).await), 0);
        let _held = next(&mut receiver).await;
        receiver.close().await;
        let mut heir = bed.receiver(0, 0).await;
        let again = next(&mut heir).await;
        assert_eq!(number(&again.body), 1);
        assert!(again.redelivered || !facts.flags_redelivered);
        settle(&mut heir, again.receipt, Settlement::Done).await;
        nothing(&mut heir).await;
        bed.remove().await;
    }
}

async fn left_behind<B: Broker>(facts: &Facts, leave: fn(B::Receiver)) {
    let mut queue = plain::<B>("killed");
    queue.window = queue.window.min(5);
    let bed = Bed::<B>::new(facts, vec![queue]).await;
    let mut receiver = bed.receiver(0, 0).await;
    let mut out = bed.sender().await;
    for i in 0..10 {
        out.send(&numbered(i)).await;
    }
    let mut held = Vec::new();
    for _ in 0..5 {
        held.push(next(&mut receiver).await);
    }
    // The two that come after it show that the broker has heard of these two, where there is a window.
    for done in held.drain(..2) {
        settle(&mut receiver, done.receipt, Settlement::Done).await;
    }
    for _ in 0..2 {
        held.push(next(&mut receiver).await);
    }
    let held: BTreeSet<u32> = held.iter().map(|m| number(&m.body)).collect();
    assert!(held.iter().copied().eq(2..7), "{held:?}");
    leave(receiver);
    let mut heir = bed.receiver(0, 0).await;
    let mut came = BTreeSet::new();
    while came.len() < 8 {
        let message = next(&mut heir).await;
        let i = number(&message.body);
        settle(&mut heir, message.receipt, Settlement::Done).await;
        assert!(i > 1 || !facts.settles_each, "{i} was done");
        if i > 1 {
            assert!(came.insert(i), "{i} came twice");
        }
        let before = facts.flags_redelivered && held.contains(&i);
        assert_eq!(message.redelivered, before, "{i}");
    }
    nothing(&mut heir).await;
    bed.remove().await;
}

/// What is given back comes again from its old place.
pub async fn requeued<B: Broker>(facts: &Facts) {
    if !B::ABILITIES.requeues {
        return;
    }
    let mut queue = plain::<B>("requeued");
    queue.window = queue.window.min(1);
    let bed = Bed::<B>::new(facts, vec![queue]).await;
    let mut receiver = bed.receiver(0, 0).await;
    let mut out = bed.sender().await;
    for i in 0..3 {
        out.send(&numbered(i)).await;
    }
    out.stored().await;
    for attempt in 0..3 {
        let message = next(&mut receiver).await;
        assert_eq!(number(&message.body), 0, "attempt {attempt}");
        assert_eq!(
            message.redelivered,
            attempt > 0 && facts.flags_redelivered,
            "attempt {attempt}"
        );
        settle(&mut receiver, message.receipt, Settlement::Requeue).await;
    }
    for i in 0..3 {
        assert_eq!(number(&take(&mut receiver).await), i);
    }
    nothing(&mut receiver).await;
    bed.remove().await;
}

/// What is put aside is counted, by its own queue, and does not come again, not even after its receiver
/// is gone.
pub async fn put_aside<B: Broker>(facts: &Facts) {
    if !B::ABILITIES.dead_letters {
        return;
    }
    let mut queues = vec![plain::<B>("first"), plain::<B>("second")];
    for queue in &mut queues {
        queue.dead_letters = true;
    }
    let bed = Bed::<B>::new(facts, queues).await;
    let mut receiver = bed.receiver(0, 0).await;
    let mut out = bed.sender().await;
    for i in 0..10 {
        out.send(&numbered(i)).await;
    }
    for i in 0..10 {
        let message: Incoming<_> = next(&mut receiver).await;
        assert_eq!(number(&message.body), i);
        let how = if i % 3 == 0 {
            Settlement::DeadLetter
        } else {
            Settlement::Done
        };
        settle(&mut receiver, message.receipt, how).await;
    }
    nothing(&mut receiver).await;
    counted(&bed, facts, 4).await;
    receiver.close().await;
    let mut later = bed.receiver(0, 0).await;
    nothing(&mut later).await;
    counted(&bed, facts, 4).await;
    bed.remove().await;
}

async fn counted<B: Broker>(bed: &Bed<B>, facts: &Facts, count: u64) {
    let (first, second) = match facts.tells_dead_letters {
        true => (Ok(Some(count)), Ok(Some(0))),
        false => (Ok(None), Ok(None)),
    };
    let told = || async { bed.broker.dead_letters(0).await == first };
    assert!(
        eventually(told).await,
        "{:?}",
        bed.broker.dead_letters(0).await
    );
    assert_eq!(bed.broker.dead_letters(1).await, second);
}

/// Where delivery settles, a killed receiver takes with it what it was given.
pub async fn settled_on_delivery<B: Broker>(facts: &Facts) {
    if !B::ABILITIES.redelivers {
        return;
    }
    let mut queue = plain::<B>("on-delivery");
    queue.settled_on_delivery = true;
    let bed = Bed::<B>::new(facts, vec![queue]).await;
    let mut receiver = bed.receiver(0, 0).await;
    let mut out = bed.sender().await;
    for i in 0..5 {
        out.send(&numbered(i)).await;
    }
    for i in 0..5 {
        let message = next(&mut receiver).await;
        assert_eq!(number(&message.body), i);
        if i == 0 {
            // Does nothing, and no harm.
            settle(&mut receiver, message.receipt, Settlement::Done).await;
        }
    }
    receiver.kill();
    let mut heir = bed.receiver(0, 0).await;
    out.send(&numbered(5)).await;
    assert_eq!(number(&take(&mut heir).await), 5);
    nothing(&mut heir).await;
    bed.remove().await;
}

/// What was settled and not told is delivered again after a crash; a receiver that closes tells it.
pub async fn told_at_intervals<B: Broker>(facts: &Facts) {
    if !facts.tells_at_intervals {
        return;
    }
    let mut queue = plain::<B>("intervals");
    (queue.partitions, queue.commit_every) = (1, Duration::from_secs(3600));
    let bed = Bed::<B>::new(facts, vec![queue]).await;
    let mut out = bed.sender().await;
    for i in 0..3 {
        out.send(&numbered(i)).await;
    }
    out.stored().await;
    let all_settled = async || {
        let mut receiver = bed.receiver(0, 0).await;
        for i in 0..3 {
            let came = next(&mut receiver).await;
            assert_eq!(number(&came.body), i);
            settle(&mut receiver, came.receipt, Settlement::Done).await;
        }
        receiver
    };
    all_settled().await.kill();
    all_settled().await.close().await;
    out.send(&numbered(3)).await;
    let mut receiver = bed.receiver(0, 0).await;
    assert_eq!(number(&take(&mut receiver).await), 3);
    receiver.close().await;
    bed.remove().await;
}
