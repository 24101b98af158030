//! Receiving from one queue that all members share: the broker hands out messages and hides them from
//! others for a while (POP).

use super::super::{BrokerError, Incoming, QueueSpec, Settlement};
use super::handle::{Handle, Handles, Popped};
use super::message::{self, Stored};
use super::wire::{Frame, Line, Request, code};
use super::{Queue, admin, keeper};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

const POP: i32 = 200_050;

/// Messages that a broker hands out at once at most.
const AT_ONCE: usize = 32;

/// How long the broker keeps a question that it has no message for. Its own clients let it for 15 s; but a
/// message that arrives while it puts a question aside wakes nobody, and waits for the next message or the
/// next question.
const POLL: Duration = Duration::from_millis(250);

/// Messages are not hidden for less: the broker looks once a second for those that are due.
const INVISIBLE: Duration = Duration::from_secs(2);

/// How long a message is hidden from others when it is handed out.
pub(super) fn hidden_for(spec: &QueueSpec) -> Duration {
    spec.detection.max(INVISIBLE)
}

/// When what is given back becomes visible: as soon as the broker looks.
const NOW: Duration = Duration::from_millis(1);

/// How long to wait with the next question when the broker is busy.
const BUSY: Duration = Duration::from_millis(20);

/// Receives from a shared queue.
pub(super) struct Pop {
    line: Line,
    broker: String,
    topic: String,
    group: String,
    window: usize,
    settled: bool,
    handles: Arc<Handles>,
    /// The number of the question that is with the broker.
    asked: Option<i32>,
    /// Who has not answered it by then is gone.
    answer_by: Instant,
    ready: VecDeque<(Stored, u64)>,
    /// What is settled by having been delivered, and the broker has not heard that yet.
    delivered: Vec<Handle>,
    next: u64,
    tasks: [JoinHandle<()>; 2],
}

/// A message that was handed over.
#[derive(Debug)]
pub(super) struct Taken {
    id: u64,
    /// Where it lies in the broker's log.
    place: i64,
}

impl Pop {
    pub(super) fn new(line: Line, queue: &Queue, broker: &str) -> Pop {
        let hidden = hidden_for(&queue.spec);
        let handles = Arc::new(Handles::new(&queue.topic, &queue.group, hidden));
        let kept = keeper::keep(line.outbound.clone(), keeper::sign());
        let renewed = keeper::renew(line.place.clone(), handles.clone());
        Pop {
            broker: broker.to_owned(),
            topic: queue.topic.clone(),
            group: queue.group.clone(),
            window: usize::try_from(queue.spec.window.max(1)).unwrap_or(usize::MAX),
            settled: queue.spec.settled_on_delivery,
            handles,
            asked: None,
            answer_by: Instant::now(),
            ready: VecDeque::new(),
            delivered: Vec::new(),
            next: 0,
            tasks: [tokio::spawn(kept), tokio::spawn(renewed)],
            line,
        }
    }

    pub(super) async fn receive(&mut self) -> Result<Incoming<Taken>, BrokerError> {
        loop {
            self.ask().await?;
            if let Some((message, id)) = self.ready.pop_front() {
                return Ok(incoming(message, id));
            }
            let until = self.asked.map(|_| self.answer_by);
            let frame = self.line.next_until(until).await?;
            let pause = self.hear(&frame)?;
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
        }
    }

    /// Asks for as many messages as there is room for, if it has not been asked yet; and writes what
    /// waits to be written.
    async fn ask(&mut self) -> Result<(), BrokerError> {
        let held = if self.settled {
            self.ready.len()
        } else {
            self.handles.len()
        };
        let room = self.window.saturating_sub(held).min(AT_ONCE);
        let mut outbound = self.line.outbound.lock().await;
        for handle in self.delivered.drain(..) {
            outbound.put(&self.handles.done(&handle))?;
        }
        if self.asked.is_none() && room > 0 {
            let request = Request::new(POP)
                .with("consumerGroup", &self.group)
                .with("topic", &self.topic)
                .with("queueId", 0)
                .with("maxMsgNums", room)
                .with("invisibleTime", self.handles.invisible().as_millis())
                .with("pollTime", POLL.as_millis())
                // The broker's clock, not ours.
                .with("bornTime", 0)
                .with("initMode", 0)
                .with("order", false);
            self.asked = Some(outbound.put(&request)?);
            self.answer_by = Instant::now() + POLL + self.line.place.patience;
        }
        outbound.flush().await
    }

    /// Takes what an answer brings; returns how long to wait before the next question. Answers to what
    /// was settled say nothing that could be helped here.
    fn hear(&mut self, frame: &Frame) -> Result<Duration, BrokerError> {
        if !frame.is_answer || self.asked != Some(frame.opaque) {
            return Ok(Duration::ZERO);
        }
        self.asked = None;
        match frame.code {
            code::SUCCESS => self.take(frame).map(|()| Duration::ZERO),
            code::POLLING_TIMEOUT | code::PULL_NOT_FOUND => Ok(Duration::ZERO),
            code::POLLING_FULL | code::SYSTEM_BUSY => Ok(BUSY),
            _ => Err(self.line.place.told("receive", frame)),
        }
    }

    /// Keeps the messages of an answer.
    fn take(&mut self, frame: &Frame) -> Result<(), BrokerError> {
        let place = &self.line.place;
        let strange = || place.failed("receive", "its answer is not understood");
        let popped = Popped::of(frame, &self.broker).ok_or_else(strange)?;
        for message in message::all(&frame.body) {
            let handle = self.handles.of(&message, &popped).ok_or_else(strange)?;
            self.next += 1;
            if self.settled {
                self.delivered.push(handle);
            } else {
                self.handles.add(self.next, handle);
            }
            self.ready.push_back((message, self.next));
        }
        Ok(())
    }

    pub(super) async fn settle(
        &mut self,
        taken: Taken,
        how: Settlement,
    ) -> Result<(), BrokerError> {
        if self.settled {
            return Ok(());
        }
        if how == Settlement::DeadLetter {
            admin::put_aside(&mut self.line, &self.group, &self.topic, taken.place).await?;
        }
        let Some(handle) = self.handles.remove(taken.id) else {
            return Ok(());
        };
        let request = match how {
            Settlement::Done | Settlement::DeadLetter => self.handles.done(&handle),
            Settlement::Requeue => self.handles.hide(&handle, NOW),
        };
        self.line.put(&request).await?;
        // The next one is asked for when it is wanted: what is with a receiver that dies is out of reach
        // for a while.
        self.line.flush().await
    }

    /// Gives back what is not settled, as far as the broker listens.
    pub(super) async fn close(self) {
        for handle in self.handles.drain() {
            let _ = self.line.put(&self.handles.hide(&handle, NOW)).await;
        }
        let _ = tokio::time::timeout(self.line.place.patience, self.line.flush()).await;
    }
}

/// Closed or not, nothing goes on afterwards.
impl Drop for Pop {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        self.line.cut.cut();
    }
}

fn incoming(message: Stored, id: u64) -> Incoming<Taken> {
    let receipt = Taken {
        id,
        place: message.place,
    };
    let redelivered = message.tried > 0;
    Incoming {
        body: message.content(),
        redelivered,
        receipt,
    }
}
