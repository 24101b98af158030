//! Receiving from lanes: the members of a group deal them out among themselves, and each pulls from its
//! own and notes how far it has come, as RocketMQ's push consumers do.

use super::super::{BrokerError, Incoming, Settlement};
use super::message::{self, Stored};
use super::wire::{Frame, Line, Request, code};
use super::{Queue, admin, keeper};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

const PULL: i32 = 11;
const COMMIT: i32 = 15;
const LEAVE: i32 = 35;
/// The broker says that somebody came or left.
const MEMBERS_CHANGED: i32 = 40;

/// Messages that are pulled at once at most, as RocketMQ's own clients have it.
const BATCH: usize = 32;

/// How long the broker keeps a question that it has no message for, as its own clients have it.
const SUSPEND: Duration = Duration::from_secs(15);

/// How often members look who else is there, if nothing else is asked for, as RocketMQ's own clients do.
const LOOK: Duration = Duration::from_secs(20);

/// The longest time between two commits.
const A_YEAR: Duration = Duration::from_secs(365 * 86_400);

/// Wait at the broker; the question says what is subscribed to.
const FLAGS: i32 = 2 | 4;

/// Receives from the lanes that fall to one member.
pub(super) struct Lanes {
    line: Line,
    client: String,
    topic: String,
    group: String,
    count: u32,
    window: usize,
    settled: bool,
    /// Those that are this member's.
    mine: BTreeMap<u32, Lane>,
    /// Questions that are with the broker: which lane they are about.
    asked: HashMap<i32, u32>,
    /// Who has not answered the last of them by then is gone.
    answer_by: Instant,
    ready: VecDeque<(u32, Stored)>,
    /// Messages that were handed over and not settled.
    open: usize,
    /// Lanes of which the broker is to be told how far they are.
    commits: BTreeSet<u32>,
    /// When it is told, at the latest so long after it was last.
    commit_at: Instant,
    commit_every: Duration,
    /// When to look who else is there.
    look: Instant,
    every: Duration,
    task: JoinHandle<()>,
}

/// One lane.
struct Lane {
    /// The offset to pull from next.
    next: i64,
    /// Messages that are not settled, handed over or not.
    open: BTreeMap<i64, Stored>,
    /// Whether a question about it is with the broker.
    asked: bool,
}

impl Lane {
    /// All before this is settled.
    fn position(&self) -> i64 {
        self.open.keys().next().copied().unwrap_or(self.next)
    }
}

/// A message that was handed over.
#[derive(Debug)]
pub(super) struct Taken {
    lane: u32,
    offset: i64,
}

impl Lanes {
    /// A member with this client's name.
    pub(super) async fn open(
        mut line: Line,
        queue: &Queue,
        client: String,
    ) -> Result<Lanes, BrokerError> {
        let sign = keeper::member(&client, &queue.group, &queue.topic);
        line.demand("join a group", sign).await?;
        let sign = keeper::member(&client, &queue.group, &queue.topic);
        let every = if queue.spec.rebalance.is_zero() {
            LOOK
        } else {
            queue.spec.rebalance
        };
        Ok(Lanes {
            client,
            topic: queue.topic.clone(),
            group: queue.group.clone(),
            count: queue.spec.partitions,
            window: usize::try_from(queue.spec.window.max(1)).unwrap_or(usize::MAX),
            settled: queue.spec.settled_on_delivery,
            mine: BTreeMap::new(),
            asked: HashMap::new(),
            answer_by: Instant::now(),
            ready: VecDeque::new(),
            open: 0,
            commits: BTreeSet::new(),
            commit_at: Instant::now(),
            commit_every: queue.spec.commit_every.min(A_YEAR),
            look: Instant::now(),
            every,
            task: tokio::spawn(keeper::keep(line.outbound.clone(), sign)),
            line,
        })
    }

    pub(super) async fn receive(&mut self) -> Result<Incoming<Taken>, BrokerError> {
        loop {
            if Instant::now() >= self.look {
                self.deal().await?;
            }
            self.ask().await?;
            if let Some(incoming) = self.hand_over() {
                return Ok(incoming);
            }
            let until = (!self.asked.is_empty()).then_some(self.answer_by);
            let pause = match self.commits.is_empty() {
                true => self.look,
                false => self.look.min(self.commit_at),
            };
            let next = self.line.next_until(until);
            if let Ok(frame) = tokio::time::timeout_at(pause.into(), next).await {
                self.hear(&frame?)?;
            }
        }
    }

    /// Finds out which lanes are this member's.
    async fn deal(&mut self) -> Result<(), BrokerError> {
        let members = admin::members(&mut self.line, &self.group).await?;
        let share = share(&members, &self.client, self.count);
        // Whoever takes a lane over goes on from what the broker was told.
        self.tell(|lane| !share.contains(&lane)).await?;
        self.mine.retain(|lane, _| share.contains(lane));
        self.ready.retain(|(lane, _)| share.contains(lane));
        for lane in share {
            if !self.mine.contains_key(&lane) {
                let next = admin::position(&mut self.line, &self.group, &self.topic, lane).await?;
                self.mine.insert(
                    lane,
                    Lane {
                        next,
                        open: BTreeMap::new(),
                        asked: false,
                    },
                );
            }
        }
        // Those that were handed over from lanes that are lost are somebody else's business now.
        let unsettled: usize = self.mine.values().map(|lane| lane.open.len()).sum();
        self.open = unsettled.saturating_sub(self.ready.len());
        self.look = Instant::now() + self.every;
        Ok(())
    }

    /// Has the broker told, with whatever is written next, how far those lanes are of which it is to be told.
    async fn tell(&mut self, of: impl Fn(u32) -> bool) -> Result<(), BrokerError> {
        let mut outbound = self.line.outbound.lock().await;
        // Nothing waits from here on, so whoever stops waiting loses no commit.
        let told: Vec<u32> = self
            .commits
            .iter()
            .copied()
            .filter(|lane| of(*lane))
            .collect();
        for lane in told {
            self.commits.remove(&lane);
            if let Some(at) = self.mine.get(&lane) {
                let request = about(COMMIT, &self.group, &self.topic, lane);
                outbound.put(&request.with("commitOffset", at.position()).oneway())?;
            }
        }
        Ok(())
    }

    /// Tells how far lanes are, asks for more where nothing is asked, and writes what waits to be written.
    async fn ask(&mut self) -> Result<(), BrokerError> {
        let room = self
            .window
            .saturating_sub(self.open + self.ready.len())
            .min(BATCH);
        if self.commit_at <= Instant::now() {
            self.tell(|_| true).await?;
            self.commit_at = Instant::now() + self.commit_every;
        }
        let mut outbound = self.line.outbound.lock().await;
        for (&lane, at) in &mut self.mine {
            if at.asked || room == 0 {
                continue;
            }
            let request = about(PULL, &self.group, &self.topic, lane)
                .with("queueOffset", at.next)
                .with("maxMsgNums", room)
                .with("sysFlag", FLAGS)
                .with("commitOffset", 0)
                .with("suspendTimeoutMillis", SUSPEND.as_millis())
                .with("subscription", "*")
                .with("subVersion", 0)
                .with("expressionType", "TAG");
            self.asked.insert(outbound.put(&request)?, lane);
            self.answer_by = Instant::now() + SUSPEND + self.line.place.patience;
            at.asked = true;
        }
        outbound.flush().await
    }

    /// The next message that is there, if there may be one more in work.
    fn hand_over(&mut self) -> Option<Incoming<Taken>> {
        if !self.settled && self.open >= self.window {
            return None;
        }
        let (lane, message) = self.ready.pop_front()?;
        self.open += usize::from(!self.settled);
        let receipt = Taken {
            lane,
            offset: message.offset,
        };
        let redelivered = message.tried > 0;
        Some(Incoming {
            body: message.content(),
            redelivered,
            receipt,
        })
    }

    fn hear(&mut self, frame: &Frame) -> Result<(), BrokerError> {
        if !frame.is_answer {
            if frame.code == MEMBERS_CHANGED {
                self.look = Instant::now();
            }
            return Ok(());
        }
        let Some(lane) = self.asked.remove(&frame.opaque) else {
            return Ok(());
        };
        let Some(at) = self.mine.get_mut(&lane) else {
            return Ok(());
        };
        at.asked = false;
        let next = frame.number("nextBeginOffset");
        match frame.code {
            code::SUCCESS => self.take(lane, frame),
            code::PULL_NOT_FOUND | code::PULL_RETRY_IMMEDIATELY | code::PULL_OFFSET_MOVED => {
                at.next = next.unwrap_or(at.next);
            }
            code::SYSTEM_BUSY => {}
            _ => return Err(self.line.place.told("receive", frame)),
        }
        Ok(())
    }

    /// Keeps the messages of an answer. One that was asked before the lane went away and came back may
    /// bring old ones.
    fn take(&mut self, lane: u32, frame: &Frame) {
        let Some(at) = self.mine.get_mut(&lane) else {
            return;
        };
        for message in message::all(&frame.body) {
            if message.offset < at.next {
                continue;
            }
            at.next = message.offset + 1;
            if !self.settled {
                at.open.insert(message.offset, message.clone());
            }
            self.ready.push_back((lane, message));
        }
        if self.settled {
            self.commits.insert(lane);
        }
    }

    pub(super) async fn settle(
        &mut self,
        taken: Taken,
        how: Settlement,
    ) -> Result<(), BrokerError> {
        let Taken { lane, offset } = taken;
        let Some(message) = self.mine.get(&lane).and_then(|at| at.open.get(&offset)) else {
            return Ok(());
        };
        match how {
            Settlement::Requeue => {
                let mut again = message.clone();
                again.tried += 1;
                self.ready.push_front((lane, again));
            }
            Settlement::DeadLetter => {
                let place = message.place;
                admin::put_aside(&mut self.line, &self.group, &self.topic, place).await?;
                self.done(lane, offset);
            }
            Settlement::Done => self.done(lane, offset),
        }
        self.open = self.open.saturating_sub(1);
        self.ask().await
    }

    fn done(&mut self, lane: u32, offset: i64) {
        if let Some(at) = self.mine.get_mut(&lane) {
            at.open.remove(&offset);
            self.commits.insert(lane);
        }
    }

    /// Leaves the group, so that others take over at once.
    pub(super) async fn close(mut self) {
        self.window = 0;
        self.commit_at = Instant::now();
        let request = Request::new(LEAVE)
            .with("clientID", &self.client)
            .with("consumerGroup", &self.group);
        let left = async {
            self.ask().await?;
            self.line.ask(request).await
        };
        let _ = left.await;
    }
}

/// Closed or not, nothing goes on afterwards.
impl Drop for Lanes {
    fn drop(&mut self) {
        self.task.abort();
        self.line.cut.cut();
    }
}

fn about(code: i32, group: &str, topic: &str, lane: u32) -> Request {
    Request::new(code)
        .with("consumerGroup", group)
        .with("topic", topic)
        .with("queueId", lane)
}

/// The lanes of one member: each has as many neighbouring ones as the others, the first ones one more if
/// it does not come out even ("averagely").
fn share(members: &[String], client: &str, lanes: u32) -> Vec<u32> {
    let Some(index) = members.iter().position(|member| member == client) else {
        return Vec::new();
    };
    let index = u32::try_from(index).unwrap_or(u32::MAX);
    let count = u32::try_from(members.len()).unwrap_or(u32::MAX);
    let (each, over) = (lanes / count, lanes % count);
    let start = index * each + index.min(over);
    (start..start + each + u32::from(index < over)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_lane_is_one_members_and_no_one_has_two_more_than_another(count in 1usize..20, lanes in 1u32..50) {
            let members: Vec<String> = (0..count).map(|member| format!("{member:03}")).collect();
            let shares: Vec<Vec<u32>> = members.iter().map(|member| share(&members, member, lanes)).collect();
            prop_assert!(shares.concat().into_iter().eq(0..lanes));
            let sizes = shares.iter().map(Vec::len);
            prop_assert!(sizes.clone().max().unwrap() - sizes.min().unwrap() <= 1);
        }
    }

    #[test]
    fn who_is_not_in_the_group_has_nothing() {
        assert!(share(&["a".to_owned()], "b", 4).is_empty());
        assert!(share(&[], "b", 4).is_empty());
    }
}
