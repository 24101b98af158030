//! What is Kafka's own: who reads which partitions, and what becomes of them when somebody dies.

use crate::kafka::FACTS;
use crate::kit::{self, Kept, eventually, message, number, numbered, plain, settle};
use orderline::live::brokers::kafka::{Kafka, KafkaReceiver};
use orderline::live::brokers::{Broker, Confirmations, Receiver, Sender, Settlement};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const MEMBERS: usize = 3;
const LANES: u32 = 6;

/// Which member has done which message.
type Done = Arc<Kept<(usize, u32)>>;

/// A member at work until it is killed.
struct Worker {
    end: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Worker {
    async fn new(broker: &Kafka, member: usize, done: &Done) -> Worker {
        let receiver = broker.receiver(0, member).await.expect("a receiver");
        let (end, ended) = oneshot::channel();
        let task = tokio::spawn(work(receiver, member, Arc::clone(done), ended));
        Worker { end, task }
    }

    async fn kill(self) {
        self.end.send(()).expect("it is at work");
        self.task.await.expect("no panic");
    }
}

async fn work(
    mut receiver: KafkaReceiver,
    member: usize,
    done: Done,
    mut ended: oneshot::Receiver<()>,
) {
    loop {
        tokio::select! {
            _ = &mut ended => return receiver.kill(),
            came = receiver.receive() => {
                let came = came.expect("received");
                // Long enough to be in the middle of it now and then.
                tokio::time::sleep(Duration::from_millis(5)).await;
                settle(&mut receiver, came.receipt, Settlement::Done).await;
                done.lock().push((member, number(&came.body)));
            }
        }
    }
}

/// Sends a message to each partition until it is stopped; how many it has sent.
async fn keep_sending(broker: &Kafka, mut stop: oneshot::Receiver<()>) -> JoinHandle<u32> {
    let sender = broker.sender(Confirmations::new(|_| {})).await;
    let mut sender = sender.expect("a sender");
    tokio::spawn(async move {
        for i in 0.. {
            let mut message = message(&numbered(i));
            message.lane = i % LANES;
            sender.send(message).await.expect("sent");
            tokio::time::sleep(Duration::from_millis(10)).await;
            if stop.try_recv().is_ok() {
                sender.close().await;
                return i + 1;
            }
        }
        unreachable!("numbers do not end")
    })
}

/// Waits until some of the lanes' messages were done by any of the members, after all that were before.
async fn served(done: &Done, members: &[usize], lanes: &[u32]) {
    let from = done.all().len();
    for lane in lanes {
        let by_them = || async {
            let done = done.all();
            let mut since = done.iter().skip(from);
            since.any(|(member, i)| i % LANES == *lane && members.contains(member))
        };
        assert!(eventually(by_them).await, "lane {lane} by {members:?}");
    }
}

/// Member m of c reads the partitions m, m + c and so on. One that is back within its session has them
/// again and nobody notices; after the session the others have them, until it is back. Nothing is lost or
/// done twice in all that: whoever has to give up a partition finishes what it has in hand.
#[test]
#[ignore = "needs Apache Kafka: tests/brokers/up kafka"]
fn partitions_follow_members() {
    kit::run(async {
        let mut queue = plain::<Kafka>("group");
        (queue.members, queue.partitions) = (MEMBERS, LANES);
        queue.detection = Duration::from_secs(3);
        queue.rebalance = Duration::from_millis(200);
        let broker = Kafka::open(kit::target(kit::address(&FACTS), vec![queue])).await;
        let broker = broker.expect("tests/brokers/up kafka");
        let done = Kept::new();
        let first = Worker::new(&broker, 0, &done).await;
        let second = Worker::new(&broker, 1, &done).await;
        let third = Worker::new(&broker, 2, &done).await;
        let (stop, stopped) = oneshot::channel();
        let sending = keep_sending(&broker, stopped).await;
        for member in 0..MEMBERS {
            let lane = member as u32;
            served(&done, &[member], &[lane, lane + MEMBERS as u32]).await;
        }
        for (member, i) in done.all() {
            assert_eq!(i as usize % MEMBERS, member, "message {i}");
        }

        third.kill().await;
        let third = Worker::new(&broker, 2, &done).await;
        served(&done, &[2], &[2, 5]).await;

        second.kill().await;
        served(&done, &[0, 2], &[1, 4]).await;
        let second = Worker::new(&broker, 1, &done).await;
        served(&done, &[1], &[1, 4]).await;

        stop.send(()).expect("it is sending");
        let sent = sending.await.expect("no panic");
        done.until(sent as usize, "done").await;
        tokio::time::sleep(kit::QUIET).await;
        let mut numbers: Vec<u32> = done.all().iter().map(|(_, i)| *i).collect();
        numbers.sort_unstable();
        assert!(
            numbers.iter().copied().eq(0..sent),
            "{} of {sent}",
            numbers.len()
        );
        for worker in [first, second, third] {
            worker.kill().await;
        }
        // Though nobody has said goodbye to the group.
        broker.remove().await.expect("removed");
    });
}
