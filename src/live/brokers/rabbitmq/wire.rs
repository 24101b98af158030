//! AMQP 0-9-1 as bytes: the part of it that the adapter speaks.

use std::fmt;

/// What a client says first.
pub const PROTOCOL: &[u8] = b"AMQP\x00\x00\x09\x01";
/// The largest frame before both sides have agreed on one, and the largest that is agreed to.
pub const FRAME_MAX: u32 = 131_072;
/// What a frame has beside its payload.
const AROUND: usize = 8;
const END: u8 = 0xce;

const METHOD: u8 = 1;
const HEADER: u8 = 2;
const BODY: u8 = 3;
const HEARTBEAT: u8 = 8;

/// Class and number of a method.
pub type Id = (u16, u16);

/// Methods that the client sends.
pub mod id {
    use super::Id;

    pub const START_OK: Id = (10, 11);
    pub const TUNE_OK: Id = (10, 31);
    pub const OPEN: Id = (10, 40);
    pub const CLOSE: Id = (10, 50);
    pub const CLOSE_OK: Id = (10, 51);
    pub const CHANNEL_OPEN: Id = (20, 10);
    pub const CHANNEL_CLOSE_OK: Id = (20, 41);
    pub const QUEUE_DECLARE: Id = (50, 10);
    pub const QUEUE_DELETE: Id = (50, 40);
    pub const QOS: Id = (60, 10);
    pub const CONSUME: Id = (60, 20);
    pub const PUBLISH: Id = (60, 40);
    pub const ACK: Id = (60, 80);
    pub const REJECT: Id = (60, 90);
    pub const CONFIRM_SELECT: Id = (85, 10);
}

/// What a frame's bytes should not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what it says is not AMQP 0-9-1")
    }
}

/// A value in a table. Numbers of every width are one; kinds that nobody asks for are not kept.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Bool(bool),
    Int(i64),
    Text(String),
    Table(Table),
    List(Vec<Value>),
    Other,
}

/// Names and values.
pub type Table = Vec<(String, Value)>;

/// The first value of a name.
pub fn value<'a>(table: &'a Table, name: &str) -> Option<&'a Value> {
    table.iter().find(|(n, _)| n == name).map(|(_, v)| v)
}

/// The first value of a name if it is a text.
pub fn text<'a>(table: &'a Table, name: &str) -> Option<&'a str> {
    match value(table, name) {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}

/// Arguments of a method as they are put together. Texts that are too long for their place are cut.
#[derive(Debug, Clone)]
pub struct Arguments(Vec<u8>);

/// No arguments yet.
pub fn arguments() -> Arguments {
    Arguments(Vec::new())
}

impl Arguments {
    pub fn octet(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    pub fn short(mut self, value: u16) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub fn long(mut self, value: u32) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub fn longlong(mut self, value: u64) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    /// Flags, the first in the lowest place.
    pub fn bits<const N: usize>(self, bits: [bool; N]) -> Self {
        let byte = (0..N).fold(0, |byte, i| byte | (u8::from(bits[i]) << i));
        self.octet(byte)
    }

    pub fn text(mut self, text: &str) -> Self {
        short_text(&mut self.0, text);
        self
    }

    pub fn long_text(mut self, bytes: &[u8]) -> Self {
        sized(&mut self.0, |out| out.extend(bytes));
        self
    }

    pub fn table(mut self, table: &Table) -> Self {
        put_table(&mut self.0, table);
        self
    }
}

fn short_text(out: &mut Vec<u8>, text: &str) {
    let length = text.len().min(usize::from(u8::MAX));
    out.push(length as u8);
    out.extend(&text.as_bytes()[..length]);
}

/// Puts the length of what `put` adds before it.
fn sized(out: &mut Vec<u8>, put: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.extend([0; 4]);
    put(out);
    let length = (out.len() - at - 4) as u32;
    out[at..at + 4].copy_from_slice(&length.to_be_bytes());
}

fn put_table(out: &mut Vec<u8>, table: &Table) {
    sized(out, |out| {
        for (name, value) in table {
            short_text(out, name);
            put_value(out, value);
        }
    });
}

fn put_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Bool(value) => out.extend([b't', u8::from(*value)]),
        Value::Int(value) => {
            out.push(b'l');
            out.extend(value.to_be_bytes());
        }
        Value::Text(text) => {
            out.push(b'S');
            sized(out, |out| out.extend(text.as_bytes()));
        }
        Value::Table(table) => {
            out.push(b'F');
            put_table(out, table);
        }
        Value::List(values) => {
            out.push(b'A');
            sized(out, |out| values.iter().for_each(|v| put_value(out, v)));
        }
        Value::Other => out.push(b'V'),
    }
}

fn frame(out: &mut Vec<u8>, kind: u8, channel: u16, payload: impl FnOnce(&mut Vec<u8>)) {
    out.push(kind);
    out.extend(channel.to_be_bytes());
    sized(out, payload);
    out.push(END);
}

/// Adds a method's frame.
pub fn put_method(out: &mut Vec<u8>, channel: u16, id: Id, arguments: &Arguments) {
    frame(out, METHOD, channel, |out| {
        out.extend(id.0.to_be_bytes());
        out.extend(id.1.to_be_bytes());
        out.extend(&arguments.0);
    });
}

/// Adds a heartbeat.
pub fn put_heartbeat(out: &mut Vec<u8>) {
    frame(out, HEARTBEAT, 0, |_| {});
}

/// What is said of a message beside its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Properties {
    /// Whether it is to survive a restart.
    pub persistent: bool,
    /// Its priority; 0 is the lowest.
    pub priority: u8,
    /// The sender's own number for it.
    pub tag: u64,
}

/// Adds a message to the queue of that name: method, header and body.
pub fn put_message(
    out: &mut Vec<u8>,
    channel: u16,
    frame_max: u32,
    queue: &str,
    properties: Properties,
    body: &[u8],
) {
    // Mandatory: what no queue takes comes back instead of vanishing.
    let route = arguments().short(0).text("").text(queue);
    put_method(out, channel, id::PUBLISH, &route.bits([true, false]));
    let header = arguments()
        .short(id::PUBLISH.0)
        .short(0)
        .longlong(body.len() as u64)
        .short(DELIVERY_MODE | PRIORITY | MESSAGE_ID)
        .octet(1 + u8::from(properties.persistent))
        .octet(properties.priority)
        .text(&properties.tag.to_string());
    frame(out, HEADER, channel, |out| out.extend(&header.0));
    for part in body.chunks(frame_max as usize - AROUND) {
        frame(out, BODY, channel, |out| out.extend(part));
    }
}

const HEADERS: u16 = 1 << 13;
const DELIVERY_MODE: u16 = 1 << 12;
const PRIORITY: u16 = 1 << 11;
const MESSAGE_ID: u16 = 1 << 7;

/// What the server says of why it closes something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    /// Such as 403.
    pub code: u16,
    /// Such as "ACCESS_REFUSED - ...".
    pub text: String,
}

/// Methods that the server sends.
#[derive(Debug, Clone, PartialEq)]
pub enum Method {
    Start { properties: Table },
    Tune { frame_max: u32, heartbeat: u16 },
    OpenOk,
    Close(Closing),
    CloseOk,
    ChannelOpenOk,
    ChannelClose(Closing),
    DeclareOk { messages: u32 },
    DeleteOk,
    QosOk,
    ConsumeOk,
    SelectOk,
    Cancel,
    Return { text: String },
    Deliver(Delivery),
    Ack { tag: u64, multiple: bool },
    Nack { tag: u64, multiple: bool },
    Other,
}

/// A message's coming in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Whose it is.
    pub consumer: String,
    /// What to settle it with.
    pub tag: u64,
    /// Whether it was delivered before.
    pub redelivered: bool,
}

/// Methods and whole messages.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    Method(Method),
    Message(Message),
}

/// A message with the method that brought it.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// [`Method::Deliver`] or [`Method::Return`].
    pub method: Method,
    /// The header's bytes from the properties on.
    properties: Vec<u8>,
    /// What it carries.
    pub body: Vec<u8>,
}

impl Message {
    /// Its table of headers.
    pub fn headers(&self) -> Result<Table, Malformed> {
        let (flags, mut bytes) = self.flags()?;
        for text in [1 << 15, 1 << 14] {
            if flags & text != 0 {
                bytes.text()?;
            }
        }
        if flags & HEADERS != 0 {
            return bytes.table();
        }
        Ok(Table::new())
    }

    /// What was said of it when it was sent by this adapter, and came back or was passed on.
    pub fn properties(&self) -> Result<Properties, Malformed> {
        let (flags, mut bytes) = self.flags()?;
        let mut properties = Properties {
            persistent: false,
            priority: 0,
            tag: 0,
        };
        for place in (MESSAGE_ID.trailing_zeros()..16).rev() {
            let flag = 1 << place;
            if flags & flag == 0 {
                continue;
            }
            match flag {
                HEADERS => drop(bytes.table()?),
                DELIVERY_MODE => properties.persistent = bytes.octet()? == 2,
                PRIORITY => properties.priority = bytes.octet()?,
                MESSAGE_ID => properties.tag = bytes.text()?.parse().map_err(|_| Malformed)?,
                _ => drop(bytes.text()?),
            }
        }
        Ok(properties)
    }

    fn flags(&self) -> Result<(u16, Bytes<'_>), Malformed> {
        let mut bytes = Bytes(&self.properties);
        let flags = bytes.short()?;
        Ok((flags, bytes))
    }
}

/// Bytes that are taken from the front.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.take(N)?.try_into().map_err(|_| Malformed)
    }

    fn octet(&mut self) -> Result<u8, Malformed> {
        Ok(self.array::<1>()?[0])
    }

    fn short(&mut self) -> Result<u16, Malformed> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    fn long(&mut self) -> Result<u32, Malformed> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    fn longlong(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    fn text(&mut self) -> Result<String, Malformed> {
        let length = self.octet()?;
        self.lossy(usize::from(length))
    }

    fn lossy(&mut self, length: usize) -> Result<String, Malformed> {
        Ok(String::from_utf8_lossy(self.take(length)?).into_owned())
    }

    fn sized(&mut self) -> Result<Bytes<'a>, Malformed> {
        let length = self.long()?;
        Ok(Bytes(self.take(length as usize)?))
    }

    fn table(&mut self) -> Result<Table, Malformed> {
        let mut bytes = self.sized()?;
        let mut table = Table::new();
        while !bytes.0.is_empty() {
            table.push((bytes.text()?, bytes.value()?));
        }
        Ok(table)
    }

    fn value(&mut self) -> Result<Value, Malformed> {
        Ok(match self.octet()? {
            b't' => Value::Bool(self.octet()? != 0),
            b'b' => Value::Int(i64::from(i8::from_be_bytes(self.array()?))),
            b'B' => Value::Int(i64::from(self.octet()?)),
            b's' => Value::Int(i64::from(i16::from_be_bytes(self.array()?))),
            b'u' => Value::Int(i64::from(self.short()?)),
            b'I' => Value::Int(i64::from(i32::from_be_bytes(self.array()?))),
            b'i' => Value::Int(i64::from(self.long()?)),
            b'l' => Value::Int(i64::from_be_bytes(self.array()?)),
            b'S' => {
                let length = self.long()?;
                Value::Text(self.lossy(length as usize)?)
            }
            b'F' => Value::Table(self.table()?),
            b'A' => {
                let mut bytes = self.sized()?;
                let mut values = Vec::new();
                while !bytes.0.is_empty() {
                    values.push(bytes.value()?);
                }
                Value::List(values)
            }
            b'f' => self.skip(4)?,
            b'd' | b'T' => self.skip(8)?,
            b'D' => self.skip(5)?,
            b'x' => {
                self.sized()?;
                Value::Other
            }
            b'V' => Value::Other,
            _ => return Err(Malformed),
        })
    }

    fn skip(&mut self, count: usize) -> Result<Value, Malformed> {
        self.take(count)?;
        Ok(Value::Other)
    }

    fn closing(&mut self) -> Result<Closing, Malformed> {
        Ok(Closing {
            code: self.short()?,
            text: self.text()?,
        })
    }

    fn method(&mut self) -> Result<Method, Malformed> {
        Ok(match (self.short()?, self.short()?) {
            (10, 10) => {
                self.take(2)?;
                let properties = self.table()?;
                Method::Start { properties }
            }
            (10, 30) => {
                self.short()?;
                let (frame_max, heartbeat) = (self.long()?, self.short()?);
                Method::Tune {
                    frame_max,
                    heartbeat,
                }
            }
            (10, 41) => Method::OpenOk,
            id::CLOSE => Method::Close(self.closing()?),
            id::CLOSE_OK => Method::CloseOk,
            (20, 11) => Method::ChannelOpenOk,
            (20, 40) => Method::ChannelClose(self.closing()?),
            (50, 11) => {
                self.text()?;
                let messages = self.long()?;
                Method::DeclareOk { messages }
            }
            (50, 41) => Method::DeleteOk,
            (60, 11) => Method::QosOk,
            (60, 21) => Method::ConsumeOk,
            (60, 30) => Method::Cancel,
            (60, 50) => {
                let Closing { text, .. } = self.closing()?;
                Method::Return { text }
            }
            (60, 60) => Method::Deliver(Delivery {
                consumer: self.text()?,
                tag: self.longlong()?,
                redelivered: self.octet()? != 0,
            }),
            id::ACK => {
                let (tag, multiple) = self.confirmation()?;
                Method::Ack { tag, multiple }
            }
            (60, 120) => {
                let (tag, multiple) = self.confirmation()?;
                Method::Nack { tag, multiple }
            }
            (85, 11) => Method::SelectOk,
            _ => Method::Other,
        })
    }

    fn confirmation(&mut self) -> Result<(u64, bool), Malformed> {
        Ok((self.longlong()?, self.octet()? & 1 != 0))
    }
}

/// Makes events of bytes as they come.
#[derive(Debug)]
pub struct Decoder {
    frame_max: u32,
    /// A message whose body is not all there, and how much is missing.
    partial: Option<Partial>,
}

struct Frame<'a> {
    kind: u8,
    payload: &'a [u8],
}

#[derive(Debug)]
struct Partial {
    message: Message,
    /// Bytes of the body that are to come; none before the header.
    missing: Option<u64>,
}

impl Decoder {
    /// For frames of at most that size.
    pub fn new(frame_max: u32) -> Decoder {
        Decoder {
            frame_max,
            partial: None,
        }
    }

    /// Agrees on another size.
    pub fn set_frame_max(&mut self, frame_max: u32) {
        self.frame_max = frame_max;
    }

    /// The next event in `bytes`, if it is whole, and how many of them are used up: these must not be
    /// shown again.
    pub fn event(&mut self, bytes: &[u8]) -> Result<(usize, Option<Event>), Malformed> {
        let mut used = 0;
        while let Some(frame) = self.frame(&bytes[used..])? {
            used += frame.payload.len() + AROUND;
            if let Some(event) = self.take_in(frame)? {
                return Ok((used, Some(event)));
            }
        }
        Ok((used, None))
    }

    /// The first frame, if it is whole.
    fn frame<'a>(&self, bytes: &'a [u8]) -> Result<Option<Frame<'a>>, Malformed> {
        if let Some(kind) = bytes.first()
            && ![METHOD, HEADER, BODY, HEARTBEAT].contains(kind)
        {
            return Err(Malformed);
        }
        let Some((head, rest)) = bytes.split_at_checked(AROUND - 1) else {
            return Ok(None);
        };
        let mut head = Bytes(head);
        let (kind, _channel, size) = (head.octet()?, head.short()?, head.long()?);
        if size as usize + AROUND > self.frame_max as usize {
            return Err(Malformed);
        }
        match rest.split_at_checked(size as usize) {
            Some((payload, [END, ..])) => Ok(Some(Frame { kind, payload })),
            Some((_, [_, ..])) => Err(Malformed),
            _ => Ok(None),
        }
    }

    fn take_in(&mut self, Frame { kind, payload }: Frame<'_>) -> Result<Option<Event>, Malformed> {
        let mut bytes = Bytes(payload);
        match (kind, self.partial.take()) {
            (HEARTBEAT, partial) => {
                self.partial = partial;
                Ok(None)
            }
            (METHOD, None) => match bytes.method()? {
                method @ (Method::Deliver(_) | Method::Return { .. }) => {
                    self.partial = Some(Partial::new(method));
                    Ok(None)
                }
                method => Ok(Some(Event::Method(method))),
            },
            (HEADER, Some(mut partial)) if partial.missing.is_none() => {
                bytes.take(4)?;
                partial.missing = Some(bytes.longlong()?);
                partial.message.properties = bytes.0.to_vec();
                Ok(self.complete(partial))
            }
            (BODY, Some(mut partial)) => {
                let missing = partial.missing.ok_or(Malformed)?;
                let missing = missing.checked_sub(payload.len() as u64);
                partial.missing = Some(missing.ok_or(Malformed)?);
                partial.message.body.extend(payload);
                Ok(self.complete(partial))
            }
            // Of the server, RabbitMQ among them, nothing may come between a method and its content, save
            // the end of the connection.
            (METHOD, Some(_)) => match bytes.method()? {
                method @ (Method::Close(_) | Method::ChannelClose(_)) => {
                    Ok(Some(Event::Method(method)))
                }
                _ => Err(Malformed),
            },
            _ => Err(Malformed),
        }
    }

    fn complete(&mut self, partial: Partial) -> Option<Event> {
        if partial.missing == Some(0) {
            return Some(Event::Message(partial.message));
        }
        self.partial = Some(partial);
        None
    }
}

impl Partial {
    fn new(method: Method) -> Partial {
        Partial {
            message: Message {
                method,
                properties: Vec::new(),
                body: Vec::new(),
            },
            missing: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A message as the server delivers it.
    fn delivered(delivery: &Delivery, properties: &[u8], body: &[u8], frame_max: usize) -> Vec<u8> {
        let mut out = Vec::new();
        let told = arguments()
            .text(&delivery.consumer)
            .longlong(delivery.tag)
            .octet(u8::from(delivery.redelivered))
            .text("")
            .text("a queue");
        put_method(&mut out, 1, (60, 60), &told);
        let header = arguments().short(60).short(0).longlong(body.len() as u64);
        frame(&mut out, HEADER, 1, |out| {
            out.extend(&header.0);
            out.extend(properties);
        });
        for part in body.chunks(frame_max - AROUND) {
            frame(&mut out, BODY, 1, |out| out.extend(part));
        }
        out
    }

    /// All events in bytes that come in pieces of some size.
    fn events(bytes: &[u8], piece: usize) -> Result<Vec<Event>, Malformed> {
        let mut decoder = Decoder::new(FRAME_MAX);
        let (mut there, mut events) = (Vec::new(), Vec::new());
        for part in bytes.chunks(piece.max(1)) {
            there.extend(part);
            loop {
                let (used, event) = decoder.event(&there)?;
                there.drain(..used);
                match event {
                    Some(event) => events.push(event),
                    None => break,
                }
            }
        }
        Ok(events)
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            ".{0,300}".prop_map(Value::Text),
            Just(Value::Other),
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            let named = (".{0,20}", inner.clone());
            prop_oneof![
                prop::collection::vec(inner, 0..4).prop_map(Value::List),
                prop::collection::vec(named, 0..4).prop_map(Value::Table),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_message_is_read_as_it_was_sent(
            tag: u64,
            redelivered: bool,
            body in prop::collection::vec(any::<u8>(), 0..3000),
            frame_max in 100usize..5000,
            piece in 1usize..3000,
        ) {
            let delivery = Delivery { consumer: "7".to_owned(), tag, redelivered };
            let mut bytes = Vec::new();
            put_heartbeat(&mut bytes);
            bytes.extend(delivered(&delivery, &[0, 0], &body, frame_max));
            put_heartbeat(&mut bytes);
            let events = events(&bytes, piece).expect("well formed");
            let [Event::Message(message)] = &events[..] else {
                panic!("{events:?}");
            };
            prop_assert_eq!(&message.method, &Method::Deliver(delivery));
            prop_assert_eq!(&message.body, &body);
        }

        #[test]
        fn a_table_is_read_as_it_was_written(value in values()) {
            let table = vec![("name".to_owned(), value)];
            let bytes = arguments().table(&table).0;
            prop_assert_eq!(Bytes(&bytes).table(), Ok(table));
        }

        #[test]
        fn properties_are_read_as_they_were_written(
            persistent: bool,
            priority: u8,
            tag: u64,
            body in prop::collection::vec(any::<u8>(), 0..100),
        ) {
            let properties = Properties { persistent, priority, tag };
            let mut bytes = Vec::new();
            put_message(&mut bytes, 1, FRAME_MAX, "a queue", properties, &body);
            // The same bytes with the server's method before them.
            let mut back = Vec::new();
            put_method(&mut back, 1, (60, 50), &arguments().short(312).text("NO_ROUTE"));
            let decoder = Decoder::new(FRAME_MAX);
            let method = decoder.frame(&bytes).expect("well formed").expect("whole");
            back.extend(&bytes[method.payload.len() + AROUND..]);
            let events = events(&back, 10).expect("well formed");
            let [Event::Message(message)] = &events[..] else {
                panic!("{events:?}");
            };
            prop_assert_eq!(message.properties(), Ok(properties));
            prop_assert_eq!(&message.body, &body);
            prop_assert_eq!(message.headers(), Ok(Table::new()));
        }

        #[test]
        fn no_bytes_whatever_make_it_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..300),
            kind in 1u8..4,
            piece in 1usize..300,
        ) {
            let _ = events(&bytes, piece);
            let mut framed = Vec::new();
            frame(&mut framed, kind, 1, |out| out.extend(&bytes));
            let _ = events(&framed, piece);
            let message = Message { method: Method::Other, properties: bytes, body: Vec::new() };
            let _ = (message.headers(), message.properties());
        }
    }

    #[test]
    fn what_is_no_amqp_is_told_at_its_first_byte() {
        assert_eq!(events(b"HTTP/1.1 400", 100), Err(Malformed));
        assert_eq!(events(b"H", 100), Err(Malformed));
        assert_eq!(events(b"", 100), Ok(vec![]));
    }

    #[test]
    fn frames_beyond_the_agreed_size_and_without_their_end_are_refused() {
        let mut bytes = Vec::new();
        put_method(&mut bytes, 1, (60, 21), &arguments().text("me"));
        let mut decoder = Decoder::new(FRAME_MAX);
        decoder.set_frame_max(bytes.len() as u32 - 1);
        assert_eq!(decoder.event(&bytes), Err(Malformed));
        decoder.set_frame_max(bytes.len() as u32);
        let whole = Some(Event::Method(Method::ConsumeOk));
        assert_eq!(decoder.event(&bytes), Ok((bytes.len(), whole)));
        *bytes.last_mut().expect("an end") = 0;
        assert_eq!(decoder.event(&bytes), Err(Malformed));
    }

    #[test]
    fn headers_are_found_behind_other_properties() {
        let death = vec![("reason".to_owned(), Value::Text("expired".to_owned()))];
        let headers = vec![("x-death".to_owned(), Value::List(vec![Value::Table(death)]))];
        let properties = arguments()
            .short(1 << 15 | HEADERS | PRIORITY | MESSAGE_ID)
            .text("text/plain")
            .table(&headers)
            .octet(3)
            .text("17");
        let delivery = Delivery {
            consumer: "0".to_owned(),
            tag: 1,
            redelivered: false,
        };
        let bytes = delivered(&delivery, &properties.0, b"body", 4096);
        let events = events(&bytes, 7).expect("well formed");
        let [Event::Message(message)] = &events[..] else {
            panic!("{events:?}");
        };
        assert_eq!(message.headers(), Ok(headers));
        let Properties { priority, tag, .. } = message.properties().expect("well formed");
        assert_eq!((priority, tag), (3, 17));
    }

    #[test]
    fn the_end_of_a_connection_may_come_amid_a_message() {
        let delivery = Delivery {
            consumer: "0".to_owned(),
            tag: 1,
            redelivered: false,
        };
        let mut bytes = delivered(&delivery, &[0, 0], b"body", 4096);
        bytes.truncate(bytes.len() - 4 - AROUND);
        let why = arguments().short(320).text("CONNECTION_FORCED");
        put_method(&mut bytes, 0, id::CLOSE, &why.short(0).short(0));
        let closing = Closing {
            code: 320,
            text: "CONNECTION_FORCED".to_owned(),
        };
        let end = Event::Method(Method::Close(closing));
        assert_eq!(events(&bytes, 1000), Ok(vec![end]));
    }
}
