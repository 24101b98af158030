//! What the cases are written with: a broker with queues, senders whose confirmations are kept, and waits
//! that all end.

use crate::facts::Facts;
use orderline::live::brokers::{
    Address, Broker, BrokerError, Confirmation, Confirmations, Discarded, Discards, Fate, Incoming,
    Outgoing, QueueSpec, Receiver, Sender, Settlement, Target,
};
use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What must happen has happened by then. Long, for it is only waited out when a test fails.
pub const SOON: Duration = Duration::from_secs(60);
/// What must not happen is watched for so long.
pub const QUIET: Duration = Duration::from_millis(700);
/// How long adapters wait for their brokers.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Runs a case to its end, or ends it.
pub fn run(case: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let limit = Duration::from_secs(240);
        assert!(
            tokio::time::timeout(limit, case).await.is_ok(),
            "not done after {limit:?}"
        );
    });
}

/// A name that no other run has.
pub fn run_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("test-{}-{count}", std::process::id())
}

/// A queue with nothing special, as far as the system has such queues.
pub fn plain<B: Broker>(name: &str) -> QueueSpec {
    let can = B::ABILITIES;
    QueueSpec {
        partitions: u32::from(!can.shared),
        window: if can.window { 10 } else { u32::MAX },
        settled_on_delivery: !can.redelivers,
        // Kafka takes no less than 6 s by default.
        detection: Duration::from_secs(6),
        rebalance: Duration::from_millis(500),
        ..QueueSpec::plain(name)
    }
}

/// A broker that is up, with the queues of a case.
pub struct Bed<B: Broker> {
    pub broker: B,
    pub discards: Arc<Kept<(Vec<u8>, Discarded, Instant)>>,
}

/// What was heard so far.
pub struct Kept<T>(Mutex<Vec<T>>);

impl<T: Clone> Kept<T> {
    pub fn new() -> Arc<Kept<T>> {
        Arc::new(Kept(Mutex::new(Vec::new())))
    }

    pub fn lock(&self) -> MutexGuard<'_, Vec<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn all(&self) -> Vec<T> {
        self.lock().clone()
    }

    /// Waits until there are as many.
    pub async fn until(&self, count: usize, what: &str) -> Vec<T> {
        let there = eventually(|| async { self.lock().len() >= count }).await;
        let all = self.all();
        assert!(there, "{} {what} instead of {count}", all.len());
        all
    }
}

/// Polls until it holds; false if it never does.
pub async fn eventually<F: Future<Output = bool>>(mut holds: impl FnMut() -> F) -> bool {
    let end = Instant::now() + SOON;
    loop {
        if holds().await {
            return true;
        }
        if Instant::now() > end {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Where the server is that the tests are to use.
pub fn address(facts: &Facts) -> Option<Address> {
    let text = std::env::var(facts.variable)
        .ok()
        .or(facts.default.map(str::to_owned));
    text.map(|text| text.parse().expect("an address"))
}

/// What is asked for in every case.
pub fn target(address: Option<Address>, queues: Vec<QueueSpec>) -> Target {
    Target {
        address,
        run: run_name(),
        queues,
        patience: PATIENCE,
        discarded: Discards::new(|_, _| {}),
    }
}

/// Opens, or says how to get a server.
pub async fn open<B: Broker>(facts: &Facts, target: Target) -> B {
    match B::open(target).await {
        Ok(broker) => broker,
        Err(why @ BrokerError::Unreachable { .. }) => {
            panic!("{why}\nThis test needs a server: {}", facts.up)
        }
        Err(why) => panic!("{why}"),
    }
}

impl<B: Broker> Bed<B> {
    pub async fn new(facts: &Facts, queues: Vec<QueueSpec>) -> Bed<B> {
        Bed::at(facts, target(address(facts), queues)).await
    }

    pub async fn at(facts: &Facts, mut target: Target) -> Bed<B> {
        let discards = Kept::new();
        let kept = Arc::clone(&discards);
        target.discarded = Discards::new(move |body, why| {
            kept.lock().push((body.to_vec(), why, Instant::now()));
        });
        let broker = open::<B>(facts, target).await;
        Bed { broker, discards }
    }

    pub async fn sender(&self) -> Out<B::Sender> {
        Out::new(&self.broker).await
    }

    pub async fn receiver(&self, queue: usize, member: usize) -> B::Receiver {
        self.broker
            .receiver(queue, member)
            .await
            .expect("a receiver")
    }

    /// Waits until a queue is that deep, where the system tells depths.
    pub async fn depth_becomes(&self, facts: &Facts, queue: usize, depth: u64) {
        if !facts.tells_depth {
            assert_eq!(self.broker.depth(queue).await, Ok(None));
            return;
        }
        let mut seen = Ok(None);
        let end = Instant::now() + SOON;
        while Instant::now() < end {
            seen = self.broker.depth(queue).await;
            if seen == Ok(Some(depth)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("depth {seen:?} instead of {depth}");
    }

    pub async fn remove(self) {
        self.broker.remove().await.expect("removed");
    }
}

/// A sender that numbers its messages and keeps what it hears.
pub struct Out<S> {
    pub sender: S,
    pub heard: Arc<Kept<Confirmation>>,
    next: u64,
}

impl<S: Sender> Out<S> {
    pub async fn new<B: Broker<Sender = S>>(broker: &B) -> Out<S> {
        Out::try_new(broker).await.expect("a sender")
    }

    pub async fn try_new<B: Broker<Sender = S>>(broker: &B) -> Result<Out<S>, BrokerError> {
        let heard = Kept::new();
        let kept = Arc::clone(&heard);
        let confirmations = Confirmations::new(move |c| kept.lock().push(c));
        Ok(Out {
            sender: broker.sender(confirmations).await?,
            heard,
            next: 0,
        })
    }

    /// Sends one with a plain body; its tag.
    pub async fn send(&mut self, body: &[u8]) -> u64 {
        self.send_as(message(body)).await
    }

    /// Sends one with all that it says but the tag; its tag.
    pub async fn send_as(&mut self, message: Outgoing) -> u64 {
        self.try_send_as(message).await.expect("sent")
    }

    pub async fn try_send_as(&mut self, mut message: Outgoing) -> Result<u64, BrokerError> {
        message.tag = self.next;
        self.next += 1;
        let tag = message.tag;
        match tokio::time::timeout(SOON, self.sender.send(message)).await {
            Ok(sent) => sent.map(|()| tag),
            Err(_) => panic!("message {tag} is still not sent after {SOON:?}"),
        }
    }

    /// Waits until all that were sent are confirmed as stored.
    pub async fn stored(&self) {
        let all = self.heard.until(self.next as usize, "confirmations").await;
        assert!(all.iter().all(|c| c.fate == Fate::Stored), "{all:?}");
    }

    /// Sends one and waits for its fate.
    pub async fn fate(&mut self, message: Outgoing) -> Fate {
        let tag = self.send_as(message).await;
        let all = self.heard.until(self.next as usize, "confirmations").await;
        all.iter()
            .find(|c| c.tag == tag)
            .expect("a confirmation with its tag")
            .fate
    }
}

/// A message to the first queue.
pub fn message(body: &[u8]) -> Outgoing {
    Outgoing {
        tag: 0,
        queue: 0,
        body: body.to_vec(),
        priority: 0,
        lane: 0,
        key: 0,
        delay: None,
    }
}

/// A body with a number in it.
pub fn numbered(number: u32) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

/// The number in a body.
pub fn number(body: &[u8]) -> u32 {
    u32::from_be_bytes(body.try_into().expect("a body of four bytes"))
}

/// The next message, which must come.
pub async fn next<R: Receiver>(receiver: &mut R) -> Incoming<R::Receipt> {
    tokio::time::timeout(SOON, receiver.receive())
        .await
        .unwrap_or_else(|_| panic!("nothing received in {SOON:?}"))
        .expect("received")
}

/// The next message, done at once.
pub async fn take<R: Receiver>(receiver: &mut R) -> Vec<u8> {
    let message = next(receiver).await;
    settle(receiver, message.receipt, Settlement::Done).await;
    message.body
}

pub async fn settle<R: Receiver>(receiver: &mut R, receipt: R::Receipt, how: Settlement) {
    tokio::time::timeout(SOON, receiver.settle(receipt, how))
        .await
        .unwrap_or_else(|_| panic!("not settled in {SOON:?}"))
        .expect("settled");
}

/// No message comes.
pub async fn nothing<R: Receiver>(receiver: &mut R) {
    if let Ok(message) = tokio::time::timeout(QUIET, receiver.receive()).await {
        panic!(
            "received {:?}, where nothing was to come",
            message.expect("received").body
        );
    }
}

/// Closes, in good order.
pub async fn close<R: Receiver>(receiver: R) {
    tokio::time::timeout(SOON, receiver.close())
        .await
        .unwrap_or_else(|_| panic!("not closed in {SOON:?}"));
}

/// The receiver notices by itself that its connection is over.
pub async fn lost_in_receiving<R: Receiver>(receiver: &mut R) {
    let end = tokio::time::timeout(SOON, async {
        loop {
            if let Err(why) = receiver.receive().await {
                return why;
            }
        }
    });
    let why = end.await.expect("the receiver notices");
    assert!(matches!(why, BrokerError::Lost { .. }), "{why:?}");
}

/// So does the sender, sooner or later.
pub async fn lost_in_sending<S: Sender>(out: &mut Out<S>) {
    let end = Instant::now() + SOON;
    while Instant::now() < end {
        match out.try_send_as(message(&numbered(1000))).await {
            Ok(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            Err(why) => {
                assert!(matches!(why, BrokerError::Lost { .. }), "{why:?}");
                return;
            }
        }
    }
    panic!("the sender does not notice");
}
