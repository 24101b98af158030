//! Sending: one message after the other without waiting, and the broker's answers as they come.

use super::super::{BrokerError, Confirmations, Fate, Outgoing};
use super::message::{EMPTY, property};
use super::wire::{Cut, Frame, Inbound, Line, Outbound, Place, Request, code};
use super::{Queue, keeper};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

const SEND: i32 = 310;

/// Sends to the topics of a run.
pub struct RocketMqSender {
    queues: Arc<[Queue]>,
    post: Arc<Post>,
    tasks: [JoinHandle<()>; 2],
    cut: Cut,
}

/// What is on its way, seen from both its ends.
struct Post {
    outbound: Arc<tokio::sync::Mutex<Outbound>>,
    ways: Mutex<Ways>,
    /// Why nothing more can be sent.
    over: OnceLock<BrokerError>,
    confirmations: Confirmations,
    place: Arc<Place>,
}

/// The broker works on what it gets in several threads, and mixes up what comes close together. So, as
/// with RocketMQ's own clients where order counts, each way (a lane of a queue) has one message at a time
/// on it, and the next one goes when the broker has answered.
#[derive(Default)]
struct Ways {
    /// Messages that the broker has not answered yet, by the number of the request.
    sent: HashMap<i32, Sent>,
    /// Those that wait for the one before them. A way that is not here is free.
    waiting: HashMap<Way, VecDeque<(u64, Request)>>,
}

/// A message that is with the broker.
struct Sent {
    tag: u64,
    way: Way,
    /// Who has not answered by then is gone.
    answer_by: Instant,
}

/// A queue and one of its lanes.
type Way = (usize, u32);

impl RocketMqSender {
    pub(super) fn new(
        line: Line,
        queues: Arc<[Queue]>,
        confirmations: Confirmations,
    ) -> RocketMqSender {
        let post = Arc::new(Post {
            outbound: line.outbound.clone(),
            ways: Mutex::default(),
            over: OnceLock::new(),
            confirmations,
            place: line.place.clone(),
        });
        let heard = listen(line.inbound, post.clone());
        let kept = keeper::keep(line.outbound, keeper::sign());
        let tasks = [tokio::spawn(heard), tokio::spawn(kept)];
        RocketMqSender {
            queues,
            post,
            tasks,
            cut: line.cut,
        }
    }
}

/// Tells what becomes of messages until the connection ends.
async fn listen(mut inbound: Inbound, post: Arc<Post>) {
    loop {
        let heard = match inbound.next().await {
            Ok(frame) if frame.is_answer => post.answered(&frame).await,
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = heard {
            let _ = post.over.set(error);
            return;
        }
    }
}

impl Post {
    fn ways(&self) -> MutexGuard<'_, Ways> {
        self.ways.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends at once if the way is free, else when it is.
    async fn send(&self, way: Way, tag: u64, request: Request) -> Result<(), BrokerError> {
        if let Some(waiting) = self.ways().waiting.get_mut(&way) {
            waiting.push_back((tag, request));
            return Ok(());
        }
        self.ways().waiting.insert(way, VecDeque::new());
        self.write(way, tag, &request).await
    }

    async fn write(&self, way: Way, tag: u64, request: &Request) -> Result<(), BrokerError> {
        let mut outbound = self.outbound.lock().await;
        let number = outbound.put(request)?;
        let answer_by = Instant::now() + self.place.patience;
        self.ways().sent.insert(
            number,
            Sent {
                tag,
                way,
                answer_by,
            },
        );
        outbound.flush().await
    }

    async fn answered(&self, frame: &Frame) -> Result<(), BrokerError> {
        let Some(Sent { tag, way, .. }) = self.ways().sent.remove(&frame.opaque) else {
            return Ok(());
        };
        self.tell(tag, frame);
        match self.next(way) {
            Some((tag, request)) => self.write(way, tag, &request).await,
            None => Ok(()),
        }
    }

    fn tell(&self, tag: u64, frame: &Frame) {
        match frame.code {
            // Those that are not told from success have the message, and are late with a copy or the disk.
            code::SUCCESS
            | code::FLUSH_DISK_TIMEOUT
            | code::FLUSH_SLAVE_TIMEOUT
            | code::SLAVE_NOT_AVAILABLE => self.confirmations.tell(tag, Fate::Stored),
            code::SYSTEM_BUSY => self.confirmations.tell(tag, Fate::Refused),
            _ => {
                self.confirmations.tell(tag, Fate::Refused);
                let _ = self.over.set(self.place.told("send", frame));
            }
        }
    }

    /// What waits for this way; it is free if there is nothing.
    fn next(&self, way: Way) -> Option<(u64, Request)> {
        let mut ways = self.ways();
        let next = ways.waiting.get_mut(&way)?.pop_front();
        if next.is_none() {
            ways.waiting.remove(&way);
        }
        next
    }

    /// Why nothing more can be sent, if so.
    fn over(&self) -> Option<BrokerError> {
        let now = Instant::now();
        if self.ways().sent.values().any(|sent| sent.answer_by < now) {
            let _ = self
                .over
                .set(self.place.lost("it does not answer any more"));
        }
        self.over.get().cloned()
    }

    fn is_done(&self) -> bool {
        self.over.get().is_some() || self.ways().waiting.is_empty()
    }
}

impl super::super::Sender for RocketMqSender {
    fn trouble(&self) -> Option<BrokerError> {
        self.post.over()
    }

    async fn send(&mut self, message: Outgoing) -> Result<(), BrokerError> {
        if let Some(error) = self.trouble() {
            return Err(error);
        }
        let queue = &self.queues[message.queue];
        let way = (message.queue, message.lane % queue.lanes());
        let tag = message.tag;
        self.post
            .send(way, tag, written(queue, way.1, message))
            .await
    }

    /// Waits for the broker's answers too, as long as it is patient.
    async fn close(self) {
        let until = Instant::now() + self.post.place.patience;
        while !self.post.is_done() && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

impl Drop for RocketMqSender {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        self.cut.cut();
    }
}

/// A message as the broker gets it. The names of the fields are the protocol's own.
fn written(queue: &Queue, lane: u32, message: Outgoing) -> Request {
    let mut properties = String::new();
    let mut body = message.body;
    if body.is_empty() {
        properties += &property(EMPTY, 1);
        body.push(0);
    }
    Request::new(SEND)
        .with("a", "orderline")
        .with("b", &queue.topic)
        .with("c", "TBW102")
        .with("d", 1)
        .with("e", lane)
        .with("f", 0)
        .with("g", super::now())
        .with("h", 0)
        .with("i", properties)
        .with("j", 0)
        .with("k", false)
        .with("m", false)
        .body(body)
}
