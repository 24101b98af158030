//! Messages as RocketMQ stores and sends them.

use std::collections::HashMap;

/// Topics have a length of one byte.
const FIRST: i32 = -626_843_481;
/// Topics have a length of two bytes.
const SECOND: i32 = -626_843_477;

/// The sender's and the storing host's address is one of IP version 6.
const BORN_V6: i32 = 1 << 4;
const STORED_V6: i32 = 1 << 5;

/// A message as it was stored.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Stored {
    pub(super) queue: i32,
    /// Its number in its queue.
    pub(super) offset: i64,
    /// Where it lies in the broker's log.
    pub(super) place: i64,
    /// How often it was tried before.
    pub(super) tried: i32,
    pub(super) topic: String,
    pub(super) properties: HashMap<String, String>,
    pub(super) body: Vec<u8>,
}

/// A property that says that a message has no body: the broker takes no such messages, so it gets a byte.
pub(super) const EMPTY: &str = "ORDERLINE_EMPTY";

impl Stored {
    /// What it carries.
    pub(super) fn content(self) -> Vec<u8> {
        if self.properties.contains_key(EMPTY) {
            Vec::new()
        } else {
            self.body
        }
    }
}

/// All messages of an answer, until one that is not understood.
pub(super) fn all(bytes: &[u8]) -> Vec<Stored> {
    let mut rest = bytes;
    let mut messages = Vec::new();
    while let Some(length) = Reader(rest)
        .number()
        .and_then(|length| usize::try_from(length).ok())
    {
        let Some(message) = rest.get(..length).filter(|_| length > 0) else {
            break;
        };
        let Some(message) = one(message) else {
            break;
        };
        messages.push(message);
        rest = &rest[length..];
    }
    messages
}

fn one(bytes: &[u8]) -> Option<Stored> {
    let mut reader = Reader(bytes);
    let _length = reader.number()?;
    let magic = reader.number()?;
    let _checksum = reader.number()?;
    let queue = reader.number()?;
    let _flag = reader.number()?;
    let offset = reader.long()?;
    let place = reader.long()?;
    let system = reader.number()?;
    let _born = reader.long()?;
    reader.take(if system & BORN_V6 == 0 { 8 } else { 20 })?;
    let _stored = reader.long()?;
    reader.take(if system & STORED_V6 == 0 { 8 } else { 20 })?;
    let tried = reader.number()?;
    let _prepared = reader.long()?;
    let length = usize::try_from(reader.number()?).ok()?;
    let body = reader.take(length)?.to_vec();
    let length = match magic {
        FIRST => usize::from(reader.take(1)?[0]),
        SECOND => reader.short()?,
        _ => return None,
    };
    let topic = String::from_utf8(reader.take(length)?.to_vec()).ok()?;
    let length = reader.short()?;
    let properties = properties(std::str::from_utf8(reader.take(length)?).ok()?);
    Some(Stored {
        queue,
        offset,
        place,
        tried,
        topic,
        properties,
        body,
    })
}

/// Names and values, each with a mark behind it.
fn properties(text: &str) -> HashMap<String, String> {
    let pairs = text
        .split('\u{2}')
        .filter_map(|pair| pair.split_once('\u{1}'));
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// One of them, to be sent.
pub(super) fn property(name: &str, value: impl std::fmt::Display) -> String {
    format!("{name}\u{1}{value}\u{2}")
}

/// What is still to be read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(taken)
    }

    fn short(&mut self) -> Option<usize> {
        let bytes = self.take(2)?.try_into().ok()?;
        Some(usize::from(u16::from_be_bytes(bytes)))
    }

    fn number(&mut self) -> Option<i32> {
        Some(i32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    fn long(&mut self) -> Option<i64> {
        Some(i64::from_be_bytes(self.take(8)?.try_into().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As the broker writes it.
    fn written(message: &Stored, magic: i32, system: i32) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend(magic.to_be_bytes());
        out.extend([0; 4]);
        out.extend(message.queue.to_be_bytes());
        out.extend([0; 4]);
        out.extend(message.offset.to_be_bytes());
        out.extend(message.place.to_be_bytes());
        out.extend(system.to_be_bytes());
        out.extend([0; 8]);
        out.extend(vec![9; if system & BORN_V6 == 0 { 8 } else { 20 }]);
        out.extend([0; 8]);
        out.extend(vec![9; if system & STORED_V6 == 0 { 8 } else { 20 }]);
        out.extend(message.tried.to_be_bytes());
        out.extend([0; 8]);
        out.extend((message.body.len() as i32).to_be_bytes());
        out.extend(&message.body);
        match magic {
            FIRST => out.push(message.topic.len() as u8),
            _ => out.extend((message.topic.len() as u16).to_be_bytes()),
        }
        out.extend(message.topic.as_bytes());
        let text: String = message
            .properties
            .iter()
            .map(|(n, v)| property(n, v))
            .collect();
        out.extend((text.len() as u16).to_be_bytes());
        out.extend(text.as_bytes());
        let mut all = ((out.len() + 4) as i32).to_be_bytes().to_vec();
        all.extend(out);
        all
    }

    fn stored(offset: i64) -> Stored {
        Stored {
            queue: 3,
            offset,
            place: 99,
            tried: 2,
            topic: "orders".to_owned(),
            properties: [("POP_CK".to_owned(), "1 2 3".to_owned())].into(),
            body: b"body".to_vec(),
        }
    }

    #[test]
    fn messages_are_read_in_both_forms_and_with_any_addresses() {
        for magic in [FIRST, SECOND] {
            for system in [0, BORN_V6, STORED_V6, BORN_V6 | STORED_V6] {
                let mut bytes = written(&stored(1), magic, system);
                bytes.extend(written(&stored(2), magic, system));
                assert_eq!(all(&bytes), [stored(1), stored(2)]);
            }
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_reading_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = all(&bytes);
        }

        #[test]
        fn a_message_that_is_cut_off_is_left_out(cut in 1usize..90) {
            let bytes = written(&stored(1), FIRST, 0);
            let cut = cut.min(bytes.len());
            prop_assert!(all(&bytes[..bytes.len() - cut]).is_empty());
        }
    }
}
