//! RocketMQ's remoting protocol: the length of a frame, the length of its header, a header in JSON, a body.

use super::super::{Address, BrokerError};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, VecDeque};
use std::fmt::Display;
use std::future::Future;
use std::io;
use std::net::Shutdown;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Mutex;

/// The usual port of a name server.
const PORT: u16 = 9876;

/// No frame of a broker is longer: 32 messages of 4 MiB.
const LONGEST: usize = 160 << 20;

/// The version that this client says it is, by RocketMQ's own count: 5.3.0.
const VERSION: i32 = 473;

/// What goes wrong on the broker's side, by its codes.
pub(super) mod code {
    pub(in super::super) const SUCCESS: i32 = 0;
    pub(in super::super) const SYSTEM_BUSY: i32 = 2;
    pub(in super::super) const FLUSH_DISK_TIMEOUT: i32 = 10;
    pub(in super::super) const SLAVE_NOT_AVAILABLE: i32 = 11;
    pub(in super::super) const FLUSH_SLAVE_TIMEOUT: i32 = 12;
    pub(in super::super) const NO_PERMISSION: i32 = 16;
    pub(in super::super) const PULL_NOT_FOUND: i32 = 19;
    pub(in super::super) const PULL_RETRY_IMMEDIATELY: i32 = 20;
    pub(in super::super) const PULL_OFFSET_MOVED: i32 = 21;
    pub(in super::super) const QUERY_NOT_FOUND: i32 = 22;
    pub(in super::super) const POLLING_FULL: i32 = 209;
    pub(in super::super) const POLLING_TIMEOUT: i32 = 210;
}

/// Where something is, and how long to wait for it.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// As shown.
    pub(super) address: String,
    host: String,
    port: u16,
    pub(super) patience: Duration,
}

impl Place {
    /// The name server.
    pub(super) fn names(address: Option<&Address>, patience: Duration) -> Place {
        let host = address
            .map_or("127.0.0.1", |address| address.host.as_str())
            .to_owned();
        let port = address.and_then(|address| address.port).unwrap_or(PORT);
        let shown = address.map_or_else(|| format!("{host}:{port}"), ToString::to_string);
        Place {
            address: shown,
            host,
            port,
            patience,
        }
    }

    /// A broker, by what the name server says.
    pub(super) fn broker(&self, address: &str) -> Option<Place> {
        let (host, port) = address.rsplit_once(':')?;
        let port = port.parse().ok()?;
        Some(Place {
            address: address.to_owned(),
            host: host.to_owned(),
            port,
            patience: self.patience,
        })
    }

    pub(super) fn unreachable(&self, why: impl Display) -> BrokerError {
        BrokerError::Unreachable {
            address: self.address.clone(),
            why: why.to_string(),
        }
    }

    pub(super) fn lost(&self, why: impl Display) -> BrokerError {
        BrokerError::Lost {
            address: self.address.clone(),
            why: why.to_string(),
        }
    }

    pub(super) fn failed(&self, action: impl Display, why: impl Display) -> BrokerError {
        BrokerError::Failed {
            address: self.address.clone(),
            action: action.to_string(),
            why: why.to_string(),
        }
    }

    /// What a frame says that is not what was hoped for.
    pub(super) fn told(&self, action: impl Display, frame: &Frame) -> BrokerError {
        let why = frame
            .remark
            .clone()
            .unwrap_or_else(|| format!("code {}", frame.code));
        match frame.code {
            code::NO_PERMISSION => BrokerError::Forbidden {
                address: self.address.clone(),
                action: action.to_string(),
                why,
            },
            _ => self.failed(action, why),
        }
    }

    /// Gives up on whoever does not answer in time.
    pub(super) async fn patiently<T>(
        &self,
        work: impl Future<Output = Result<T, BrokerError>>,
    ) -> Result<T, BrokerError> {
        let late = |_| self.unreachable(format!("no answer within {:?}", self.patience));
        tokio::time::timeout(self.patience, work)
            .await
            .map_err(late)?
    }

    pub(super) async fn connect(&self) -> Result<Line, BrokerError> {
        let connected = async {
            let stream = self.stream().await;
            stream.map_err(|error| self.unreachable(error))
        };
        let (stream, cut) = self.patiently(connected).await?;
        let (reading, writing) = stream.into_split();
        let place = Arc::new(self.clone());
        Ok(Line {
            inbound: Inbound {
                reading,
                buffer: Vec::new(),
                start: 0,
                place: place.clone(),
            },
            outbound: Arc::new(Mutex::new(Outbound {
                writing,
                buffer: Vec::new(),
                opaque: 0,
                place: place.clone(),
            })),
            aside: VecDeque::new(),
            cut: Cut(Arc::new(cut)),
            place,
        })
    }

    async fn stream(&self) -> io::Result<(TcpStream, std::net::TcpStream)> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        stream.set_nodelay(true)?;
        let stream = stream.into_std()?;
        let cut = stream.try_clone()?;
        Ok((TcpStream::from_std(stream)?, cut))
    }
}

/// What is asked of a server.
#[derive(Debug, Default)]
pub(super) struct Request {
    code: i32,
    fields: HashMap<&'static str, String>,
    body: Vec<u8>,
    oneway: bool,
}

impl Request {
    pub(super) fn new(code: i32) -> Request {
        Request {
            code,
            ..Request::default()
        }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl ToString) -> Request {
        self.fields.insert(name, value.to_string());
        self
    }

    pub(super) fn body(mut self, body: Vec<u8>) -> Request {
        self.body = body;
        self
    }

    /// Nobody waits for an answer, and none is sent.
    pub(super) fn oneway(mut self) -> Request {
        self.oneway = true;
        self
    }
}

/// What a server says: an answer, or something of its own accord.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) code: i32,
    pub(super) opaque: i32,
    pub(super) is_answer: bool,
    pub(super) remark: Option<String>,
    fields: HashMap<String, String>,
    pub(super) body: Vec<u8>,
}

impl Frame {
    pub(super) fn text(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    pub(super) fn number(&self, name: &str) -> Option<i64> {
        self.text(name).parse().ok()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HeaderOut<'a> {
    code: i32,
    language: &'static str,
    version: i32,
    opaque: i32,
    flag: i32,
    ext_fields: &'a HashMap<&'static str, String>,
    #[serde(rename = "serializeTypeCurrentRPC")]
    serialize_type: &'static str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HeaderIn {
    code: i32,
    opaque: i32,
    #[serde(default)]
    flag: i32,
    #[serde(default)]
    remark: Option<String>,
    #[serde(default)]
    ext_fields: Option<HashMap<String, Option<String>>>,
}

/// Appends a request to `buffer`.
fn encode(buffer: &mut Vec<u8>, request: &Request, opaque: i32) -> io::Result<()> {
    let header = serde_json::to_vec(&HeaderOut {
        code: request.code,
        language: "OTHER",
        version: VERSION,
        opaque,
        flag: if request.oneway { 2 } else { 0 },
        ext_fields: &request.fields,
        serialize_type: "JSON",
    })?;
    let length = |bytes: usize| u32::try_from(bytes).map_err(|_| io::Error::other("too long"));
    buffer.extend(length(4 + header.len() + request.body.len())?.to_be_bytes());
    // The first byte says JSON.
    buffer.extend((length(header.len())? & 0x00ff_ffff).to_be_bytes());
    buffer.extend(header);
    buffer.extend(&request.body);
    Ok(())
}

/// The frame at the start of `bytes`, with its length; none if it is not whole yet.
fn decode(bytes: &[u8]) -> io::Result<Option<(Frame, usize)>> {
    let strange = || io::Error::other("what comes is not RocketMQ's protocol");
    let Some(length) = word(bytes, 0) else {
        return Ok(None);
    };
    if !(4..=LONGEST).contains(&length) {
        return Err(strange());
    }
    let Some(frame) = bytes.get(4..4 + length) else {
        return Ok(None);
    };
    let header_length = word(frame, 0).ok_or_else(strange)?;
    let header = frame.get(4..4 + header_length).ok_or_else(strange)?;
    let header: HeaderIn = serde_json::from_slice(header)?;
    let fields = header.ext_fields.unwrap_or_default();
    let frame = Frame {
        code: header.code,
        opaque: header.opaque,
        is_answer: header.flag & 1 == 1,
        remark: header.remark,
        fields: fields
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect(),
        body: frame[4 + header_length..].to_vec(),
    };
    Ok(Some((frame, 4 + length)))
}

/// Four bytes as a length.
fn word(bytes: &[u8], at: usize) -> Option<usize> {
    let word = bytes.get(at..at + 4)?.try_into().ok()?;
    usize::try_from(u32::from_be_bytes(word)).ok()
}

/// What comes in over a connection.
pub(super) struct Inbound {
    reading: OwnedReadHalf,
    buffer: Vec<u8>,
    /// Where in the buffer the next frame starts.
    start: usize,
    place: Arc<Place>,
}

impl Inbound {
    /// The next frame. It can be dropped at any point without losing one.
    pub(super) async fn next(&mut self) -> Result<Frame, BrokerError> {
        loop {
            let decoded = decode(&self.buffer[self.start..]);
            if let Some((frame, length)) = decoded.map_err(|error| self.place.lost(error))? {
                self.start += length;
                return Ok(frame);
            }
            self.buffer.drain(..self.start);
            self.start = 0;
            let read = self.reading.read_buf(&mut self.buffer).await;
            if read.map_err(|error| self.place.lost(error))? == 0 {
                return Err(self.place.lost("the other side has closed it"));
            }
        }
    }
}

/// What goes out over a connection.
pub(super) struct Outbound {
    writing: OwnedWriteHalf,
    buffer: Vec<u8>,
    opaque: i32,
    place: Arc<Place>,
}

impl Outbound {
    /// Puts a request into line; returns the number that its answer will have.
    pub(super) fn put(&mut self, request: &Request) -> Result<i32, BrokerError> {
        self.opaque = self.opaque.wrapping_add(1);
        encode(&mut self.buffer, request, self.opaque).map_err(|error| self.place.lost(error))?;
        Ok(self.opaque)
    }

    /// Writes what is in line. It can be dropped at any point, and called again.
    pub(super) async fn flush(&mut self) -> Result<(), BrokerError> {
        while !self.buffer.is_empty() {
            let written = self.writing.write(&self.buffer).await;
            match written.map_err(|error| self.place.lost(error))? {
                0 => return Err(self.place.lost("nothing more can be written")),
                bytes => drop(self.buffer.drain(..bytes)),
            }
        }
        Ok(())
    }
}

/// Cuts a connection.
#[derive(Clone)]
pub(super) struct Cut(Arc<std::net::TcpStream>);

impl Cut {
    pub(super) fn cut(&self) {
        let _ = self.0.shutdown(Shutdown::Both);
    }

    /// Whether the connection is still somebody's.
    pub(super) fn is_used(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }
}

/// A connection.
pub(super) struct Line {
    pub(super) inbound: Inbound,
    pub(super) outbound: Arc<Mutex<Outbound>>,
    /// Frames that came while the answer to something else was waited for.
    pub(super) aside: VecDeque<Frame>,
    pub(super) cut: Cut,
    pub(super) place: Arc<Place>,
}

impl Line {
    /// Asks, and waits for the answer.
    pub(super) async fn ask(&mut self, request: Request) -> Result<Frame, BrokerError> {
        let place = self.place.clone();
        let asked = async {
            let opaque = self.put(&request).await?;
            self.flush().await?;
            loop {
                let frame = self.inbound.next().await?;
                if frame.is_answer && frame.opaque == opaque {
                    return Ok(frame);
                }
                self.aside.push_back(frame);
            }
        };
        place.patiently(asked).await
    }

    /// Asks for something to be done.
    pub(super) async fn demand(
        &mut self,
        action: impl Display,
        request: Request,
    ) -> Result<Frame, BrokerError> {
        let answer = self.ask(request).await?;
        match answer.code {
            code::SUCCESS => Ok(answer),
            _ => Err(self.place.told(action, &answer)),
        }
    }

    pub(super) async fn put(&self, request: &Request) -> Result<i32, BrokerError> {
        self.outbound.lock().await.put(request)
    }

    pub(super) async fn flush(&self) -> Result<(), BrokerError> {
        self.outbound.lock().await.flush().await
    }

    /// The next frame, with those first that came out of turn. Whoever is silent for longer than until
    /// then is gone.
    pub(super) async fn next_until(
        &mut self,
        until: Option<Instant>,
    ) -> Result<Frame, BrokerError> {
        if let Some(frame) = self.aside.pop_front() {
            return Ok(frame);
        }
        let Some(until) = until else {
            return self.inbound.next().await;
        };
        match tokio::time::timeout_at(until.into(), self.inbound.next()).await {
            Ok(frame) => frame,
            Err(_) => Err(self.place.lost("it does not answer any more")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_answer_is_read_when_it_is_whole() {
        let header =
            br#"{"code":0,"flag":1,"opaque":7,"remark":null,"extFields":{"offset":"12","x":null}}"#;
        let mut bytes = ((4 + header.len() + 2) as u32).to_be_bytes().to_vec();
        bytes.extend((header.len() as u32).to_be_bytes());
        bytes.extend(header);
        bytes.extend(b"ab");
        for end in 0..bytes.len() {
            assert!(decode(&bytes[..end]).unwrap().is_none());
        }
        bytes.extend(b"rest");
        let (frame, length) = decode(&bytes).unwrap().unwrap();
        assert_eq!(length, bytes.len() - 4);
        assert_eq!((frame.code, frame.opaque, frame.is_answer), (0, 7, true));
        assert_eq!((frame.number("offset"), frame.text("x")), (Some(12), ""));
        assert_eq!(frame.body, b"ab");
    }

    #[test]
    fn strangers_are_told_from_rocketmq() {
        assert!(decode(b"HTTP/1.1 400 Bad Request\r\n\r\n").is_err());
        assert!(decode(&[0, 0, 0, 0, 0]).is_err());
        assert!(decode(&[0, 0, 0, 4, 0, 0, 1, 0]).is_err());
    }

    proptest! {
        #[test]
        fn nothing_makes_decoding_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes);
        }

        #[test]
        fn what_is_encoded_is_decoded(body in proptest::collection::vec(any::<u8>(), 0..100), text in ".*") {
            let request = Request::new(310).with("i", &text).body(body.clone());
            let mut bytes = Vec::new();
            encode(&mut bytes, &request, 5).unwrap();
            let (frame, length) = decode(&bytes).unwrap().unwrap();
            prop_assert_eq!((frame.code, frame.opaque, length), (310, 5, bytes.len()));
            prop_assert_eq!(frame.text("i"), text);
            prop_assert_eq!(frame.body, body);
        }
    }
}
