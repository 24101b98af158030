//! A connection that speaks AMQP 1.0, and what can go wrong with it.

use super::super::{Address, BrokerError};
use fe2o3_amqp::connection::{ConnectionHandle, OpenError};
use fe2o3_amqp::link::{
    LinkStateError, ReceiverAttachError, RecvError, SendError, SenderAttachError,
};
use fe2o3_amqp::sasl_profile::SaslProfile;
use fe2o3_amqp::session::SessionHandle;
use fe2o3_amqp::types::definitions::{AmqpError, Error, ErrorCondition};
use fe2o3_amqp::{Connection, Session};
use std::fmt::Display;
use std::future::Future;
use std::io;
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The usual port of AMQP.
const PORT: u16 = 5672;

/// How long a broker that sends neither messages nor heartbeats is believed to be alive. The broker's own
/// default for clients is 30 s.
const SILENCE: Duration = Duration::from_secs(30);

/// How long a connection that ends may take to write what was settled before.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Where the broker is, for which run, and how long to wait for it.
#[derive(Debug)]
pub(super) struct Place {
    address: Address,
    run: String,
    patience: Duration,
    /// The connections that were opened, to cut them.
    opened: Mutex<Vec<Weak<std::net::TcpStream>>>,
}

impl Place {
    pub(super) fn new(address: Option<Address>, run: &str, patience: Duration) -> Place {
        let address = address.unwrap_or_else(|| Address {
            scheme: "amqp".to_owned(),
            host: "127.0.0.1".to_owned(),
            port: None,
            user: None,
            password: None,
            path: String::new(),
        });
        let opened = Mutex::default();
        Place {
            address,
            run: run.to_owned(),
            patience,
            opened,
        }
    }

    pub(super) fn run(&self) -> &str {
        &self.run
    }

    pub(super) fn patience(&self) -> Duration {
        self.patience
    }

    pub(super) fn unreachable(&self, why: impl Display) -> BrokerError {
        BrokerError::Unreachable {
            address: self.address.to_string(),
            why: why.to_string(),
        }
    }

    pub(super) fn lost(&self, why: impl Display) -> BrokerError {
        BrokerError::Lost {
            address: self.address.to_string(),
            why: why.to_string(),
        }
    }

    pub(super) fn failed(&self, action: impl Display, why: impl Display) -> BrokerError {
        BrokerError::Failed {
            address: self.address.to_string(),
            action: action.to_string(),
            why: why.to_string(),
        }
    }

    fn login(&self, why: impl Display) -> BrokerError {
        BrokerError::Login {
            address: self.address.to_string(),
            why: why.to_string(),
        }
    }

    /// What the broker gives as its reason, by its kind.
    pub(super) fn told(&self, action: impl Display, why: &Error) -> BrokerError {
        if matches!(
            &why.condition,
            ErrorCondition::AmqpError(AmqpError::UnauthorizedAccess)
        ) {
            return BrokerError::Forbidden {
                address: self.address.to_string(),
                action: action.to_string(),
                why: said(why),
            };
        }
        self.failed(action, said(why))
    }

    fn not_opened(&self, error: OpenError) -> BrokerError {
        match error {
            OpenError::SaslError { code, .. } => self.login(format!("it answers \"{code:?}\"")),
            OpenError::RemoteClosedWithError(why)
                if matches!(
                    &why.condition,
                    ErrorCondition::AmqpError(AmqpError::UnauthorizedAccess)
                ) =>
            {
                self.login(said(&why))
            }
            OpenError::RemoteClosedWithError(why) => self.told("open a connection", &why),
            OpenError::ProtocolHeaderMismatch(_) => {
                self.unreachable("what answers there does not speak AMQP 1.0")
            }
            other => self.unreachable(other),
        }
    }

    pub(super) fn sender_not_attached(&self, queue: &str, error: SenderAttachError) -> BrokerError {
        let action = format!("send to {queue}");
        match error {
            SenderAttachError::RemoteClosedWithError(why) => self.told(action, &why),
            SenderAttachError::SessionStopped(why) => self.lost(format!("{why:?}")),
            other => self.failed(action, other),
        }
    }

    pub(super) fn receiver_not_attached(
        &self,
        queue: &str,
        error: ReceiverAttachError,
    ) -> BrokerError {
        let action = format!("receive from {queue}");
        match error {
            ReceiverAttachError::RemoteClosedWithError(why) => self.told(action, &why),
            ReceiverAttachError::SessionStopped(why) => self.lost(format!("{why:?}")),
            other => self.failed(action, other),
        }
    }

    pub(super) fn not_sent(&self, error: SendError) -> BrokerError {
        match error {
            SendError::LinkStateError(why) => self.link_broke("send", &why),
            SendError::Detached(why) => self.link_broke("send", &why.into()),
            other => self.failed("send", other),
        }
    }

    pub(super) fn not_received(&self, error: RecvError) -> BrokerError {
        match error {
            RecvError::LinkStateError(why) => self.link_broke("receive", &why),
            other => self.failed("receive", other),
        }
    }

    fn link_broke(&self, action: &str, error: &LinkStateError) -> BrokerError {
        match error {
            LinkStateError::RemoteDetachedWithError(why)
            | LinkStateError::RemoteClosedWithError(why) => self.told(action, why),
            other => self.lost(other),
        }
    }

    /// Opens a connection with one session.
    pub(super) async fn open(&self, who: &str) -> Result<Line, BrokerError> {
        self.patiently(self.connect(who)).await
    }

    /// Gives up on a broker that does not answer in time.
    pub(super) async fn patiently<T>(
        &self,
        work: impl Future<Output = Result<T, BrokerError>>,
    ) -> Result<T, BrokerError> {
        let late = |_| self.unreachable(format!("no answer within {:?}", self.patience));
        tokio::time::timeout(self.patience, work)
            .await
            .map_err(late)?
    }

    async fn connect(&self, who: &str) -> Result<Line, BrokerError> {
        if !matches!(self.address.scheme.as_str(), "amqp" | "activemq") {
            let scheme = &self.address.scheme;
            return Err(self.unreachable(format!("the scheme is amqp, not {scheme}")));
        }
        let (stream, cut) = self
            .stream()
            .await
            .map_err(|error| self.unreachable(error))?;
        let wire = Arc::new(Wire::default());
        let mut connection = Connection::builder()
            .container_id(self.container(who))
            .hostname(self.address.host.as_str())
            .sasl_profile(self.profile())
            .idle_time_out(u32::try_from(SILENCE.as_millis()).unwrap_or(u32::MAX))
            .open_with_stream(Watched {
                stream,
                wire: wire.clone(),
                sent: Frames::default(),
            })
            .await
            .map_err(|error| self.not_opened(error))?;
        let session = Session::begin(&mut connection)
            .await
            .map_err(|error| self.failed("begin a session", error))?;
        Ok(Line {
            connection,
            session,
            cut,
            wire,
            patience: self.patience,
        })
    }

    /// The stream, and a second hold on its socket to cut it with.
    async fn stream(&self) -> io::Result<(TcpStream, Arc<std::net::TcpStream>)> {
        let port = self.address.port.unwrap_or(PORT);
        let stream = TcpStream::connect((self.address.host.as_str(), port)).await?;
        stream.set_nodelay(true)?;
        let stream = stream.into_std()?;
        let cut = stream.try_clone()?;
        let cut = Arc::new(cut);
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.retain(|other| other.strong_count() > 0);
        opened.push(Arc::downgrade(&cut));
        Ok((TcpStream::from_std(stream)?, cut))
    }

    /// Cuts every connection that is still there.
    pub(super) fn cut_all(&self) {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        for cut in opened.drain(..).filter_map(|cut| cut.upgrade()) {
            let _ = cut.shutdown(Shutdown::Both);
        }
    }

    /// The broker takes this for the client's identifier and lets none in twice.
    fn container(&self, who: &str) -> String {
        static OPENED: AtomicU64 = AtomicU64::new(0);
        let number = OPENED.fetch_add(1, Ordering::Relaxed);
        let process = std::process::id();
        format!("orderline-{}-{process}-{who}-{number}", self.run)
    }

    fn profile(&self) -> SaslProfile {
        let Some(user) = &self.address.user else {
            return SaslProfile::Anonymous;
        };
        let password = self.address.password.as_ref();
        SaslProfile::Plain {
            username: user.clone(),
            password: password
                .map(|secret| secret.reveal().to_owned())
                .unwrap_or_default(),
        }
    }
}

/// The broker's own words.
pub(super) fn said(error: &Error) -> String {
    match &error.description {
        Some(text) => text.clone(),
        None => format!("{:?}", error.condition),
    }
}

/// A connection with one session.
pub(super) struct Line {
    connection: ConnectionHandle<()>,
    pub(super) session: SessionHandle<()>,
    cut: Arc<std::net::TcpStream>,
    wire: Arc<Wire>,
    patience: Duration,
}

impl Line {
    /// What the broker calls itself, with its version.
    pub(super) fn product(&self) -> String {
        let heard = self
            .wire
            .heard
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let product = property(&heard, "product").unwrap_or("ActiveMQ");
        let version = property(&heard, "version").unwrap_or("of an unknown version");
        format!("{product} {version}")
    }

    /// Settlements that were written so far.
    fn written(&self) -> u64 {
        self.wire.settled.load(Ordering::Acquire)
    }

    /// Ends in good order, as far as the broker plays along, once `settled` settlements in all are written.
    /// Links and the session end with the connection: closed one by one, they would give back unsettled
    /// messages as if nobody had ever seen them.
    pub(super) async fn close(mut self, settled: u64) {
        self.wrote(settled).await;
        let _ = tokio::time::timeout(self.patience, self.connection.close()).await;
        let _ = self.cut.shutdown(Shutdown::Both);
    }

    /// Waits until as many settlements are on the wire, but not for long: the connection may be lost.
    async fn wrote(&self, settled: u64) {
        let until = Instant::now() + LAST_WORDS;
        while self.written() < settled && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Cuts the connection as the end of a process does: what was handed to the system before
    /// (`settled` settlements in all) still goes out, and nothing else does. `rest` is kept until then, since
    /// it would say goodbye.
    pub(super) fn cut<T: Send + 'static>(self, settled: u64, rest: T) {
        if self.written() >= settled || tokio::runtime::Handle::try_current().is_err() {
            let _ = self.cut.shutdown(Shutdown::Both);
            return;
        }
        tokio::spawn(async move {
            self.wrote(settled).await;
            let _ = self.cut.shutdown(Shutdown::Both);
            drop((self, rest));
        });
    }
}

/// A property of the broker's `open` frame. The client keeps them to itself, so they are read off the
/// wire: a symbol and a string, each with its length before it.
fn property<'a>(heard: &'a [u8], name: &str) -> Option<&'a str> {
    let mut key = vec![0xa3, u8::try_from(name.len()).ok()?];
    key.extend_from_slice(name.as_bytes());
    let after = heard.windows(key.len()).position(|window| window == key)? + key.len();
    match heard.get(after..)? {
        [0xa1, length, text @ ..] => std::str::from_utf8(text.get(..usize::from(*length))?).ok(),
        _ => None,
    }
}

/// What is seen of a connection's bytes.
#[derive(Debug, Default)]
struct Wire {
    /// Dispositions that were handed to the system: what the client was told to settle.
    settled: AtomicU64,
    /// The first that the broker said.
    heard: Mutex<Vec<u8>>,
}

/// How much of it is kept: more than an `open` frame with its properties takes.
const HEARD: usize = 2048;

/// A stream that is watched.
#[derive(Debug)]
struct Watched {
    stream: TcpStream,
    wire: Arc<Wire>,
    sent: Frames,
}

/// Where in its frames a stream is.
#[derive(Debug, Default)]
struct Frames {
    /// The frame's first bytes: its length, what kind it is, what it does.
    head: Vec<u8>,
    /// Bytes of the frame that are still to come, once its length is known.
    left: usize,
}

impl Frames {
    /// Goes on; returns how many dispositions have come to their end.
    fn pass(&mut self, mut bytes: &[u8]) -> u64 {
        /// A described type, its descriptor a small number: `disposition`.
        const DISPOSITION: [u8; 3] = [0x00, 0x53, 0x15];
        const LENGTH: usize = 4;
        const DOES: usize = 8;
        let mut ended = 0;
        while !bytes.is_empty() {
            let known = self.head.len() >= LENGTH;
            let wanted = if known {
                DOES + DISPOSITION.len()
            } else {
                LENGTH
            };
            let here = bytes.len().min(if known {
                self.left
            } else {
                wanted - self.head.len()
            });
            let kept = here.min(wanted.saturating_sub(self.head.len()));
            self.head.extend(&bytes[..kept]);
            bytes = &bytes[here..];
            if known {
                self.left -= here;
            } else if self.head.len() == LENGTH {
                self.left = length(&self.head) - LENGTH;
            }
            if known && self.left == 0 {
                ended += u64::from(self.head.get(DOES..) == Some(&DISPOSITION[..]));
                self.head.clear();
            }
        }
        ended
    }
}

/// The length of a frame, or of the protocol's name that comes before the first.
fn length(head: &[u8]) -> usize {
    const SHORTEST: usize = 8;
    let number = head
        .iter()
        .fold(0, |number, &byte| number << 8 | usize::from(byte));
    if head == b"AMQP" {
        SHORTEST
    } else {
        number.max(SHORTEST)
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        let mut heard = self
            .wire
            .heard
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let room = HEARD - heard.len();
        heard.extend(buffer.filled()[before..].iter().take(room));
        drop(heard);
        polled
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        if let Poll::Ready(Ok(written)) = polled {
            let settled = self.sent.pass(&bytes[..written]);
            self.wire.settled.fetch_add(settled, Ordering::Release);
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame that does something, with some bytes after it.
    fn frame(does: u8, more: usize) -> Vec<u8> {
        let mut frame = (11 + more as u32).to_be_bytes().to_vec();
        frame.extend([2, 0, 0, 0, 0x00, 0x53, does]);
        frame.extend(vec![0x15; more]);
        frame
    }

    #[test]
    fn dispositions_are_counted_however_the_bytes_are_cut() {
        let heartbeat = vec![0, 0, 0, 8, 2, 0, 0, 0];
        let sent = [
            b"AMQP\x03\x01\x00\x00".to_vec(),
            frame(0x41, 40),
            b"AMQP\x00\x01\x00\x00".to_vec(),
            frame(0x15, 20),
            heartbeat,
            frame(0x14, 1000),
            frame(0x15, 0),
        ]
        .concat();
        for size in [1, 2, 3, 5, 7, 11, 64, sent.len()] {
            let mut frames = Frames::default();
            let ended: u64 = sent.chunks(size).map(|bytes| frames.pass(bytes)).sum();
            assert_eq!(ended, 2, "pieces of {size}");
        }
    }

    #[test]
    fn the_version_is_read_off_the_open_frame() {
        let mut heard = b"AMQP\0\x01\0\0...\xa3\x07product\xa1\x08ActiveMQ".to_vec();
        heard.extend_from_slice(b"\xa3\x07version\xa1\x056.3.1\xa3\x08platform\xa1");
        assert_eq!(property(&heard, "product"), Some("ActiveMQ"));
        assert_eq!(property(&heard, "version"), Some("6.3.1"));
        assert_eq!(property(&heard, "platform"), None);
        assert_eq!(property(b"", "version"), None);
    }
}
