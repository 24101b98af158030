//! The server itself stops, dies, or hangs. These cases disturb all others on the same server: run alone.

use crate::facts::Facts;
use crate::kit::{
    self, Bed, SOON, eventually, lost_in_receiving, lost_in_sending, message, next, number,
    numbered, plain, settle, take,
};
use orderline::live::brokers::{Broker, BrokerError, Fate, Receiver, Sender, Settlement};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, MutexGuard};

/// One at a time.
pub async fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::const_new(());
    ALONE.lock().await
}

/// Runs one of the scripts beside this suite.
pub async fn script(words: &[&str]) {
    let (name, arguments) = words.split_first().expect("a script");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/brokers");
    let mut command = Command::new(path.join(name));
    command.args(arguments).stdout(Stdio::null());
    let run = tokio::task::spawn_blocking(move || command.status());
    let status = run.await.expect("no panic").expect("it runs");
    assert!(status.success(), "{words:?}: {status}");
}

/// The server stops in good order and starts again.
pub async fn restart_stopped<B: Broker>(facts: &Facts) {
    survives::<B>(facts, &[]).await;
}

/// The server is killed and starts again.
pub async fn restart_killed<B: Broker>(facts: &Facts) {
    survives::<B>(facts, &["--hard"]).await;
}

/// Messages that are to survive do, whether somebody has them in hand or not; what was done does not
/// come again, unless the server died before it wrote that down; both ends notice by themselves; and the run goes on with new ones.
async fn survives<B: Broker>(facts: &Facts, how: &[&str]) {
    if !(facts.server && B::ABILITIES.durable) {
        return;
    }
    let _alone = alone().await;
    let mut queue = plain::<B>("survives");
    queue.durable = true;
    // So that the last two come when the first two are known to be done.
    queue.window = queue.window.min(2);
    let bed = Bed::<B>::new(facts, vec![queue]).await;
    let mut receiver = bed.receiver(0, 0).await;
    let mut out = bed.sender().await;
    for i in 0..20 {
        out.send(&numbered(i)).await;
    }
    out.stored().await;
    for i in 0..2 {
        assert_eq!(number(&take(&mut receiver).await), i);
    }
    let _held = [next(&mut receiver).await, next(&mut receiver).await];
    tokio::time::sleep(facts.forgets_queues_for).await;
    script(&[&["down"], how, &[facts.name()]].concat()).await;
    lost_in_receiving(&mut receiver).await;
    lost_in_sending(&mut out).await;
    let gone = bed.broker.receiver(0, 0).await;
    assert!(gone.is_err_and(|why| why.is_passing()));
    script(&["up", facts.name()]).await;
    receiver.close().await;
    out.sender.close().await;
    let mut receiver = again(|| bed.broker.receiver(0, 0)).await;
    let mut came = BTreeSet::new();
    while came.len() < 18 {
        let message = next(&mut receiver).await;
        let i = number(&message.body);
        // Shown if the test fails.
        println!("{i} came");
        settle(&mut receiver, message.receipt, Settlement::Done).await;
        // What was sent while the server went down may or may not be there.
        if i < 1000 {
            let forgetful = !(facts.settles_each && how.is_empty());
            assert!(i >= 2 || forgetful, "{i} was done");
            if i >= 2 {
                let was_held = i < 4;
                let again = !came.insert(i);
                assert!(!again || was_held && facts.repeats_held, "{i} came twice");
            }
        }
    }
    let mut out = again(|| kit::Out::try_new(&bed.broker)).await;
    out.send(&numbered(2000)).await;
    out.stored().await;
    while number(&take(&mut receiver).await) != 2000 {}
    bed.remove().await;
}

/// Until it works.
async fn again<T, F: Future<Output = Result<T, BrokerError>>>(mut attempt: impl FnMut() -> F) -> T {
    let end = Instant::now() + SOON;
    loop {
        match attempt().await {
            Ok(done) => return done,
            Err(why) => assert!(why.is_passing() && Instant::now() < end, "{why}"),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The server hangs with all connections open: whoever waits for it is told so, and questions end.
pub async fn restart_frozen<B: Broker>(facts: &Facts) {
    if !facts.server {
        return;
    }
    let _alone = alone().await;
    let mut target = kit::target(kit::address(facts), vec![plain::<B>("frozen")]);
    target.patience = Duration::from_secs(4);
    let bed = Bed::<B>::at(facts, target).await;
    let mut receiver = bed.receiver(0, 0).await;
    let mut out = bed.sender().await;
    assert_eq!(out.fate(message(&numbered(0))).await, Fate::Stored);
    take(&mut receiver).await;
    script(&["down", "--freeze", facts.name()]).await;
    let asked = Instant::now();
    let depth = bed.broker.depth(0).await;
    let took = asked.elapsed();
    lost_in_receiving(&mut receiver).await;
    lost_in_sending(&mut out).await;
    script(&["up", facts.name()]).await;
    if facts.tells_depth {
        assert!(
            depth.as_ref().is_err_and(BrokerError::is_passing),
            "{depth:?}"
        );
        assert!(took < Duration::from_secs(15), "{took:?}");
    }
    receiver.close().await;
    out.sender.close().await;
    assert!(
        eventually(|| async { bed.broker.depth(0).await.is_ok() }).await,
        "it answers again"
    );
    bed.remove().await;
}
