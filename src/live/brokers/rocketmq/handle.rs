//! What the broker must be shown to settle a message that was popped.

use super::message::Stored;
use super::wire::{Frame, Request};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const ACK: i32 = 200_051;
const CHANGE_INVISIBLE: i32 = 200_053;

/// One message as it was popped.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Handle {
    /// The broker's own words about where it was popped from and when.
    extra: String,
    topic: String,
    queue: i64,
    offset: i64,
    /// When it becomes visible to others.
    until: Instant,
}

/// The messages that one receiver has.
pub(super) struct Handles {
    topic: String,
    group: String,
    invisible: Duration,
    held: Mutex<BTreeMap<u64, Handle>>,
}

/// A message whose time is about to be over.
pub(super) struct Renewal {
    id: u64,
    pub(super) handle: Handle,
}

impl Handles {
    pub(super) fn new(topic: &str, group: &str, invisible: Duration) -> Handles {
        let (topic, group) = (topic.to_owned(), group.to_owned());
        Handles {
            topic,
            group,
            invisible,
            held: Mutex::default(),
        }
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<u64, Handle>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn invisible(&self) -> Duration {
        self.invisible
    }

    pub(super) fn len(&self) -> usize {
        self.held().len()
    }

    pub(super) fn add(&self, id: u64, handle: Handle) {
        self.held().insert(id, handle);
    }

    pub(super) fn remove(&self, id: u64) -> Option<Handle> {
        self.held().remove(&id)
    }

    /// All of them, which are then no longer held.
    pub(super) fn drain(&self) -> Vec<Handle> {
        std::mem::take(&mut *self.held()).into_values().collect()
    }

    /// The handle of a message. Those that come a second time bring the broker's words with them.
    pub(super) fn of(&self, message: &Stored, popped: &Popped) -> Option<Handle> {
        let extra = match message.properties.get("POP_CK") {
            Some(extra) => extra.clone(),
            None => popped.extra(message)?,
        };
        self.read(extra)
    }

    fn read(&self, extra: String) -> Option<Handle> {
        let words: Vec<&str> = extra.split(' ').collect();
        let &[_, _, _, _, retry, _, queue, offset] = words.as_slice() else {
            return None;
        };
        let topic = match retry {
            "0" => self.topic.clone(),
            "1" => retry_topic(&self.group, '_', &self.topic),
            _ => retry_topic(&self.group, '+', &self.topic),
        };
        let (queue, offset) = (queue.parse().ok()?, offset.parse().ok()?);
        let until = Instant::now() + self.invisible;
        Some(Handle {
            extra,
            topic,
            queue,
            offset,
            until,
        })
    }

    /// Asks the broker to forget a message.
    pub(super) fn done(&self, handle: &Handle) -> Request {
        self.about(ACK, handle)
    }

    /// Asks the broker to hide a message for so long from now on.
    pub(super) fn hide(&self, handle: &Handle, time: Duration) -> Request {
        self.about(CHANGE_INVISIBLE, handle)
            .with("invisibleTime", time.as_millis())
    }

    fn about(&self, code: i32, handle: &Handle) -> Request {
        Request::new(code)
            .with("consumerGroup", &self.group)
            .with("topic", &handle.topic)
            .with("queueId", handle.queue)
            .with("extraInfo", &handle.extra)
            .with("offset", handle.offset)
    }

    /// Those whose time is more than half over.
    pub(super) fn due(&self) -> Vec<Renewal> {
        let soon = Instant::now() + self.invisible / 2;
        let held = self.held();
        let due = held.iter().filter(|(_, handle)| handle.until < soon);
        due.map(|(&id, handle)| Renewal {
            id,
            handle: handle.clone(),
        })
        .collect()
    }

    /// Notes what the broker says to a renewal. Returns the new handle if the message is not held any
    /// more, for then only the old one was settled.
    pub(super) fn renewed(&self, due: Renewal, answer: &Frame) -> Option<Handle> {
        let extra = popped_again(&due.handle, answer)?;
        let handle = self.read(extra)?;
        match self.held().get_mut(&due.id) {
            Some(held) => *held = handle,
            None => return Some(handle),
        }
        None
    }
}

/// The topic of a group's messages that were popped and not settled.
pub(super) fn retry_topic(group: &str, separator: char, topic: &str) -> String {
    format!("%RETRY%{group}{separator}{topic}")
}

/// The broker's words after the time of a message was changed.
fn popped_again(old: &Handle, answer: &Frame) -> Option<String> {
    let words: Vec<&str> = old.extra.split(' ').collect();
    let &[_, _, _, _, retry, broker, queue, offset] = words.as_slice() else {
        return None;
    };
    let (time, invisible) = (answer.number("popTime")?, answer.number("invisibleTime")?);
    let revive = answer.number("reviveQid")?;
    Some(format!(
        "{offset} {time} {invisible} {revive} {retry} {broker} {queue} {offset}"
    ))
}

/// What the answer to a pop says about its messages together.
pub(super) struct Popped {
    broker: String,
    time: i64,
    invisible: i64,
    revive: i64,
    /// The offset that was popped from, by queue.
    starts: HashMap<i64, i64>,
}

impl Popped {
    pub(super) fn of(answer: &Frame, broker: &str) -> Option<Popped> {
        Some(Popped {
            broker: broker.to_owned(),
            time: answer.number("popTime")?,
            invisible: answer.number("invisibleTime")?,
            revive: answer.number("reviveQid")?,
            starts: starts(answer.text("startOffsetInfo")),
        })
    }

    /// The broker's words about a message that came for the first time.
    fn extra(&self, message: &Stored) -> Option<String> {
        let start = self.starts.get(&i64::from(message.queue))?;
        let Popped {
            broker,
            time,
            invisible,
            revive,
            ..
        } = self;
        let Stored { queue, offset, .. } = message;
        Some(format!(
            "{start} {time} {invisible} {revive} 0 {broker} {queue} {offset}"
        ))
    }
}

/// `kind queue offset;...`, of the kind 0: not a second time.
fn starts(text: &str) -> HashMap<i64, i64> {
    let entries = text.split(';').filter_map(|entry| {
        let mut words = entry.split(' ');
        let (kind, queue, offset) = (words.next()?, words.next()?, words.next()?);
        (kind == "0").then_some((queue.parse().ok()?, offset.parse().ok()?))
    });
    entries.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handles() -> Handles {
        Handles::new("orders", "group", Duration::from_secs(10))
    }

    fn message(offset: i64, extra: Option<&str>) -> Stored {
        let extra = extra.map(|extra| ("POP_CK".to_owned(), extra.to_owned()));
        Stored {
            offset,
            properties: extra.into_iter().collect(),
            ..Stored::default()
        }
    }

    fn popped() -> Popped {
        Popped {
            broker: "b".to_owned(),
            time: 100,
            invisible: 10,
            revive: 3,
            starts: starts("0 0 40;1 0 7"),
        }
    }

    #[test]
    fn a_first_delivery_is_settled_in_its_own_topic() {
        let handle = handles().of(&message(42, None), &popped()).unwrap();
        assert_eq!(handle.extra, "40 100 10 3 0 b 0 42");
        assert_eq!(
            (handle.topic.as_str(), handle.queue, handle.offset),
            ("orders", 0, 42)
        );
    }

    #[test]
    fn a_second_one_is_settled_in_the_topic_of_retries() {
        for (kind, topic) in [("1", "%RETRY%group_orders"), ("2", "%RETRY%group+orders")] {
            let extra = format!("7 100 10 3 {kind} b 0 8");
            let handle = handles().of(&message(8, Some(&extra)), &popped()).unwrap();
            assert_eq!((handle.topic.as_str(), handle.offset), (topic, 8));
        }
    }

    #[test]
    fn what_is_not_understood_is_no_handle() {
        assert_eq!(handles().of(&message(8, Some("7 100")), &popped()), None);
        assert_eq!(
            handles().of(&message(8, Some("a b c d e f g h")), &popped()),
            None
        );
    }

    #[test]
    fn only_what_is_half_over_is_due() {
        let handles = handles();
        let mut handle = handles.of(&message(42, None), &popped()).unwrap();
        handles.add(1, handle.clone());
        handle.until = Instant::now() + Duration::from_secs(1);
        handles.add(2, handle);
        let due: Vec<u64> = handles.due().iter().map(|due| due.id).collect();
        assert_eq!(due, [2]);
    }
}
