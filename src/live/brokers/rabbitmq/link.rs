//! A connection with one channel on it.
//!
//! Nothing reads but whoever asks for the next event, in its own task: a message goes from the socket to
//! its receiver with no task between. A small task of its own keeps up the heartbeat.

use super::wire::{
    self, Arguments, Closing, Decoder, Event, Malformed, Method, Table, Value, arguments, id, text,
};
use crate::live::brokers::{Address, BrokerError, Secret};
use std::future::Future;
use std::io;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout, timeout_at};

/// The only channel of a connection.
pub const CHANNEL: u16 = 1;

/// Where the broker is, and how long it may take to answer.
#[derive(Debug, Clone)]
pub struct Place {
    host: String,
    port: u16,
    user: String,
    password: Secret,
    virtual_host: String,
    /// The same without the password.
    pub text: String,
    /// How long to wait for an answer.
    pub patience: Duration,
}

impl Place {
    /// What an address means; the usual one if there is none.
    pub fn new(address: Option<&Address>, patience: Duration) -> Result<Place, BrokerError> {
        let address = address.cloned().unwrap_or_else(|| Address {
            scheme: "amqp".to_owned(),
            host: "127.0.0.1".to_owned(),
            port: None,
            user: None,
            password: None,
            path: String::new(),
        });
        let port = address.port.unwrap_or(5672);
        let shown = Address {
            port: Some(port),
            ..address.clone()
        };
        let given = |text: Option<String>| text.unwrap_or_else(|| "guest".to_owned());
        let password = address.password;
        let place = Place {
            text: shown.to_string(),
            host: address.host,
            port,
            user: given(address.user),
            password: password.unwrap_or_else(|| Secret::new("guest")),
            virtual_host: match address.path.as_str() {
                "" => "/".to_owned(),
                path => path.to_owned(),
            },
            patience,
        };
        match address.scheme.as_str() {
            "amqp" => Ok(place),
            scheme => Err(place.failed(
                &format!("be reached by {scheme}"),
                "the only scheme for RabbitMQ is amqp, without encryption",
            )),
        }
    }

    fn unreachable(&self, why: impl ToString) -> BrokerError {
        BrokerError::Unreachable {
            address: self.text.clone(),
            why: why.to_string(),
        }
    }

    /// The connection is gone.
    pub fn lost(&self, why: impl ToString) -> BrokerError {
        BrokerError::Lost {
            address: self.text.clone(),
            why: why.to_string(),
        }
    }

    /// The broker did something else than it was asked for.
    pub fn failed(&self, action: &str, why: impl ToString) -> BrokerError {
        BrokerError::Failed {
            address: self.text.clone(),
            action: action.to_owned(),
            why: why.to_string(),
        }
    }

    /// What the broker says when it closes a connection or a channel.
    fn closed(&self, action: &str, closing: Closing) -> BrokerError {
        let Closing { code, text: why } = closing;
        let (address, action) = (self.text.clone(), action.to_owned());
        match code {
            // An operator closes the connection, or the broker stops.
            320 => BrokerError::Lost { address, why },
            403 => BrokerError::Forbidden {
                address,
                action,
                why,
            },
            530 if why.contains("refused") => BrokerError::Forbidden {
                address,
                action,
                why,
            },
            _ => BrokerError::Failed {
                address,
                action,
                why,
            },
        }
    }

    /// How long either side may say nothing at all; both say something in half that time. So that a
    /// broker that hangs is noticed about when patience ends, but no sooner than a busy machine may take.
    fn heartbeat(&self) -> u16 {
        (self.patience.as_secs() / 2).clamp(2, 30) as u16
    }
}

/// The connection.
#[derive(Debug)]
pub struct Link {
    reading: Reading,
    writing: Arc<Writing>,
    /// What the broker calls itself.
    pub version: String,
}

/// Its half that reads.
#[derive(Debug)]
pub struct Reading {
    place: Arc<Place>,
    half: OwnedReadHalf,
    decoder: Decoder,
    buffer: Vec<u8>,
    /// Bytes at the buffer's front that are used up.
    used: usize,
    /// When the broker was heard last.
    heard: Instant,
    /// How long it may say nothing.
    silence: Duration,
    /// What is being done, for errors.
    doing: String,
    writing: Weak<Writing>,
}

/// Its half that writes.
#[derive(Debug)]
pub struct Writing {
    place: Arc<Place>,
    out: Mutex<Out>,
}

#[derive(Debug)]
struct Out {
    half: OwnedWriteHalf,
    frame_max: u32,
    /// What is to be written, of which `written` bytes are. Kept here so that whoever writes may give up
    /// at any point without tearing a frame.
    pending: Vec<u8>,
    written: usize,
}

impl Link {
    /// Connects, logs in, and opens the channel.
    pub async fn open(place: &Arc<Place>) -> Result<Link, BrokerError> {
        match timeout(place.patience, Link::shake_hands(place)).await {
            Ok(link) => link,
            Err(_) => Err(place.unreachable(format!("no answer within {:?}", place.patience))),
        }
    }

    async fn shake_hands(place: &Arc<Place>) -> Result<Link, BrokerError> {
        let stream = TcpStream::connect((place.host.as_str(), place.port))
            .await
            .map_err(|why| place.unreachable(why))?;
        stream
            .set_nodelay(true)
            .map_err(|why| place.unreachable(why))?;
        let (reading, writing) = stream.into_split();
        let writing = Arc::new(Writing::new(place, writing));
        let mut link = Link {
            reading: Reading::new(place, reading, &writing),
            writing,
            version: String::new(),
        };
        link.greet().await.map_err(|why| match why {
            // Before the login, losing the connection is not having got one.
            BrokerError::Lost { address, why } => BrokerError::Unreachable { address, why },
            why => why,
        })?;
        link.agree().await?;
        link.channel().await?;
        Ok(link)
    }

    /// Protocol and broker are known.
    async fn greet(&mut self) -> Result<(), BrokerError> {
        self.reading.doing = "speak AMQP 0-9-1".to_owned();
        self.writing
            .write(|out, _| out.extend(wire::PROTOCOL))
            .await?;
        let Method::Start { properties } = self.reply().await? else {
            return Err(self.surprise());
        };
        let said = |name| text(&properties, name).unwrap_or_default();
        self.version = format!("{} {}", said("product"), said("version"));
        Ok(())
    }

    /// Login, limits, and virtual host are settled.
    async fn agree(&mut self) -> Result<(), BrokerError> {
        let place = Arc::clone(&self.reading.place);
        self.reading.doing = "log in".to_owned();
        let login = format!("\0{}\0{}", place.user, place.password.reveal());
        let login = arguments()
            .table(&introduction())
            .text("PLAIN")
            .long_text(login.as_bytes())
            .text("en_US");
        self.send(id::START_OK, &login).await?;
        let (frame_max, heartbeat) = match self.reply().await.map_err(refused_login)? {
            Method::Tune {
                frame_max,
                heartbeat,
            } => (frame_max, heartbeat),
            _ => return Err(self.surprise()),
        };
        // 0 is no limit, and no heartbeat.
        let frame_max = match frame_max {
            0 => wire::FRAME_MAX,
            limit => limit.clamp(4096, wire::FRAME_MAX),
        };
        let heartbeat = match heartbeat {
            0 => place.heartbeat(),
            limit => limit.min(place.heartbeat()),
        };
        let limits = arguments().short(CHANNEL).long(frame_max).short(heartbeat);
        self.send(id::TUNE_OK, &limits).await?;
        self.reading.decoder.set_frame_max(frame_max);
        self.writing.out.lock().await.frame_max = frame_max;
        self.reading.doing = format!("use the virtual host {}", place.virtual_host);
        let host = arguments().text(&place.virtual_host).text("");
        self.send(id::OPEN, &host.bits([false])).await?;
        let Method::OpenOk = self.reply().await? else {
            return Err(self.surprise());
        };
        self.reading.silence = Duration::from_secs(u64::from(heartbeat) * 2);
        tokio::spawn(beat(Arc::downgrade(&self.writing), heartbeat));
        Ok(())
    }

    async fn channel(&mut self) -> Result<(), BrokerError> {
        self.reading.doing = "open a channel".to_owned();
        self.send(id::CHANNEL_OPEN, &arguments().text("")).await?;
        match self.reply().await? {
            Method::ChannelOpenOk => Ok(()),
            _ => Err(self.surprise()),
        }
    }

    /// Sends a method and waits for its answer; `action` says what it is for.
    pub async fn call(
        &mut self,
        action: &str,
        id: wire::Id,
        arguments: &Arguments,
    ) -> Result<Method, BrokerError> {
        self.reading.doing = action.to_owned();
        let place = Arc::clone(&self.reading.place);
        in_time(&place, async {
            self.send(id, arguments).await?;
            self.reply().await
        })
        .await
    }

    async fn send(&mut self, id: wire::Id, arguments: &Arguments) -> Result<(), BrokerError> {
        // Methods of the class `connection` belong to no channel.
        let channel = if id.0 == 10 { 0 } else { CHANNEL };
        self.writing
            .write(|out, _| wire::put_method(out, channel, id, arguments))
            .await
    }

    /// The next method.
    async fn reply(&mut self) -> Result<Method, BrokerError> {
        match self.reading.next().await? {
            Event::Method(method) => Ok(method),
            Event::Message(_) => Err(self.surprise()),
        }
    }

    fn surprise(&self) -> BrokerError {
        let reading = &self.reading;
        reading
            .place
            .failed(&reading.doing, "it gave an answer to something else")
    }

    /// Its halves, for use at the same time; `doing` is what both are for.
    pub fn into_halves(mut self, doing: &str) -> (Reading, Arc<Writing>) {
        doing.clone_into(&mut self.reading.doing);
        (self.reading, self.writing)
    }

    /// Says goodbye and waits for the answer.
    pub async fn close(self) {
        let Link {
            mut reading,
            writing,
            ..
        } = self;
        close(&mut reading, &writing).await;
    }
}

/// Says goodbye and waits for the answer: then the broker has taken notice of all that was written.
pub async fn close(reading: &mut Reading, writing: &Writing) {
    let place = Arc::clone(&reading.place);
    let farewell = async {
        say_goodbye(writing).await?;
        while reading.next().await? != Event::Method(Method::CloseOk) {}
        Ok(())
    };
    // However that ends, the connection is over.
    let _: Result<(), BrokerError> = in_time(&place, farewell).await;
}

/// Says goodbye; the answer comes as [`Method::CloseOk`].
pub async fn say_goodbye(writing: &Writing) -> Result<(), BrokerError> {
    let reason = arguments().short(200).text("").short(0).short(0);
    let goodbye = writing.write(|out, _| wire::put_method(out, 0, id::CLOSE, &reason));
    in_time(&writing.place, goodbye).await
}

/// Waits as long as patience lasts.
pub async fn in_time<T>(
    place: &Place,
    answer: impl Future<Output = Result<T, BrokerError>>,
) -> Result<T, BrokerError> {
    match timeout(place.patience, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(place.lost(format!("no answer within {:?}", place.patience))),
    }
}

/// The broker refuses a login with the same code as anything else that is not allowed.
fn refused_login(why: BrokerError) -> BrokerError {
    match why {
        BrokerError::Forbidden { address, why, .. } => BrokerError::Login { address, why },
        why => why,
    }
}

/// Who is calling, and what it understands: reasons for a refused login, and that a queue it reads from
/// is gone.
fn introduction() -> Table {
    let named = |name: &str, value| (name.to_owned(), value);
    let text = |text: &str| Value::Text(text.to_owned());
    let able = ["authentication_failure_close", "consumer_cancel_notify"];
    let able = able.map(|name| named(name, Value::Bool(true)));
    vec![
        named("product", text("Orderline")),
        named("version", text(env!("CARGO_PKG_VERSION"))),
        named("platform", text("Rust")),
        named("capabilities", Value::Table(able.into())),
    ]
}

/// Keeps up the heartbeat for as long as anybody has the connection.
async fn beat(writing: Weak<Writing>, heartbeat: u16) {
    let mut interval = tokio::time::interval(Duration::from_secs(u64::from(heartbeat)) / 2);
    loop {
        interval.tick().await;
        let Some(writing) = writing.upgrade() else {
            return;
        };
        // Whoever holds the lock is writing, which is as good as a heartbeat.
        let Ok(mut out) = writing.out.try_lock() else {
            continue;
        };
        wire::put_heartbeat(&mut out.pending);
        // What does not go out at once goes out with what is written next.
        let _ = timeout(Duration::from_millis(1), out.flush()).await;
    }
}

impl Reading {
    fn new(place: &Arc<Place>, half: OwnedReadHalf, writing: &Arc<Writing>) -> Reading {
        Reading {
            place: Arc::clone(place),
            half,
            decoder: Decoder::new(wire::FRAME_MAX),
            buffer: Vec::new(),
            used: 0,
            heard: Instant::now(),
            silence: place.patience,
            doing: String::new(),
            writing: Arc::downgrade(writing),
        }
    }

    /// The connection is gone.
    pub fn lost(&self, why: impl ToString) -> BrokerError {
        self.place.lost(why)
    }

    /// The next event. May be given up at any point without losing one. What closes the channel or the
    /// connection is an error.
    pub async fn next(&mut self) -> Result<Event, BrokerError> {
        // Who comes back after a long time finds what came meanwhile only by reading.
        let start = Instant::now();
        loop {
            let (used, event) = self
                .decoder
                .event(&self.buffer[self.used..])
                .map_err(|Malformed| self.place.unreachable(Malformed))?;
            self.used += used;
            match event {
                Some(Event::Method(Method::Close(closing))) => {
                    self.answer(0, id::CLOSE_OK).await;
                    return Err(self.place.closed(&self.doing, closing));
                }
                Some(Event::Method(Method::ChannelClose(closing))) => {
                    self.answer(CHANNEL, id::CHANNEL_CLOSE_OK).await;
                    return Err(self.place.closed(&self.doing, closing));
                }
                Some(Event::Method(Method::Cancel)) => {
                    return Err(self.place.lost("the queue was deleted"));
                }
                Some(Event::Method(Method::Other)) => {}
                Some(event) => return Ok(event),
                None => self.more(start).await?,
            }
        }
    }

    /// Tells the broker that its goodbye was heard; it matters to nobody whether that arrives.
    async fn answer(&self, channel: u16, id: wire::Id) {
        if let Some(writing) = self.writing.upgrade() {
            let answer = writing.write(|out, _| wire::put_method(out, channel, id, &arguments()));
            let _ = timeout(Duration::from_secs(1), answer).await;
        }
    }

    /// Reads what there is.
    async fn more(&mut self, start: Instant) -> Result<(), BrokerError> {
        if self.used == self.buffer.len() {
            self.buffer.clear();
            self.used = 0;
        } else if self.used > 64 * 1024 {
            self.buffer.drain(..self.used);
            self.used = 0;
        }
        self.buffer.reserve(16 * 1024);
        let latest = (self.heard + self.silence).max(start + Duration::from_secs(1));
        let read = timeout_at(latest, self.half.read_buf(&mut self.buffer)).await;
        match read {
            Ok(Ok(0)) => Err(self.place.lost("it closed the connection without a word")),
            Ok(Ok(_)) => {
                self.heard = Instant::now();
                Ok(())
            }
            Ok(Err(why)) => Err(self.place.lost(why)),
            Err(_) => Err(self
                .place
                .lost(format!("it has said nothing for {:?}", self.silence))),
        }
    }
}

impl Writing {
    fn new(place: &Arc<Place>, half: OwnedWriteHalf) -> Writing {
        Writing {
            place: Arc::clone(place),
            out: Mutex::new(Out {
                half,
                frame_max: wire::FRAME_MAX,
                pending: Vec::new(),
                written: 0,
            }),
        }
    }

    /// Writes what `put` puts together, given the largest frame that is allowed.
    pub async fn write(&self, put: impl FnOnce(&mut Vec<u8>, u32)) -> Result<(), BrokerError> {
        let mut out = self.out.lock().await;
        let frame_max = out.frame_max;
        put(&mut out.pending, frame_max);
        out.flush().await.map_err(|why| self.place.lost(why))
    }
}

impl Out {
    /// Writes all that is pending. May be given up at any point.
    async fn flush(&mut self) -> io::Result<()> {
        while self.written < self.pending.len() {
            self.written += self.half.write(&self.pending[self.written..]).await?;
        }
        self.pending.clear();
        self.written = 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Result<Place, BrokerError> {
        Place::new(Some(&text.parse().expect(text)), Duration::from_secs(5))
    }

    #[test]
    fn what_an_address_leaves_out_is_the_usual() {
        let usual = Place::new(None, Duration::from_secs(5)).expect("it has a place");
        let named = place("amqp://guest:guest@127.0.0.1:5672/%2F").expect("a place");
        for place in [usual, named] {
            assert_eq!((place.host.as_str(), place.port), ("127.0.0.1", 5672));
            assert_eq!(
                (place.user.as_str(), place.password.reveal()),
                ("guest", "guest")
            );
            assert_eq!(place.virtual_host, "/");
        }
        let other = place("amqp://me:secret@h:1/orders").expect("a place");
        assert_eq!(other.virtual_host, "orders");
        assert!(!format!("{other:?}").contains("secret"));
    }

    #[test]
    fn other_schemes_are_refused() {
        let why = place("amqps://h").expect_err("not spoken").to_string();
        assert!(
            why.starts_with("the broker at amqps://h:5672 could not be reached by amqps"),
            "{why}"
        );
    }

    #[test]
    fn what_the_broker_says_is_told_as_what_it_is() {
        let place = place("amqp://h").expect("a place");
        let told = |code, text: &str| {
            let text = text.to_owned();
            place.closed("do it", Closing { code, text })
        };
        assert!(matches!(
            told(320, "CONNECTION_FORCED - by an operator"),
            BrokerError::Lost { .. }
        ));
        assert!(matches!(
            told(403, "ACCESS_REFUSED - ..."),
            BrokerError::Forbidden { .. }
        ));
        assert!(matches!(
            told(
                530,
                "NOT_ALLOWED - access to vhost 'v' refused for user 'u'"
            ),
            BrokerError::Forbidden { .. }
        ));
        assert!(matches!(
            told(530, "NOT_ALLOWED - vhost v not found"),
            BrokerError::Failed { .. }
        ));
        assert!(matches!(
            told(406, "PRECONDITION_FAILED"),
            BrokerError::Failed { .. }
        ));
        let login = refused_login(told(403, "ACCESS_REFUSED - ..."));
        assert!(matches!(login, BrokerError::Login { .. }));
    }

    #[test]
    fn silence_is_noticed_about_when_patience_ends() {
        for (patience, heartbeat) in [(1, 2), (5, 2), (10, 5), (600, 30)] {
            let place = Place::new(None, Duration::from_secs(patience)).expect("a place");
            assert_eq!(place.heartbeat(), heartbeat);
        }
    }
}
