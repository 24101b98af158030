//! ZeroMQ: a PULL socket for each receiver, a PUSH socket for each sender and queue, nothing between.
//!
//! The client is the crate `zeromq`, the project's own implementation in Rust: no C++ library, tokio,
//! kept by the people who keep libzmq. (`zmq` binds libzmq, but its last release is of 2022.)
//!
//! There is no broker, so receivers are what stays put: each listens on a port of its own that the
//! system chooses, and every sender connects to all receivers of a queue, also to those that come
//! later. Who listens where is known inside this process alone. A PUSH socket deals its messages to its
//! receivers in turn when they are sent, and waits while it has none. What follows from that:
//!
//! - A message counts as stored as soon as the socket has taken it: nobody else could confirm it.
//! - What a receiver holds in its buffers is lost with it, and with it the few messages that each sender
//!   sends until a write fails, which is how it learns that a receiver has gone.
//! - Nothing can be settled, given back, counted from outside, or kept.
//!
//! Where the crate differs from libzmq: high-water marks cannot be set. A sender has 100 000 places for
//! each receiver, to which the buffers of TCP add; one that has none left holds up those after it, where
//! libzmq would pass it over. There is no lingering either: a sender that closes waits here until its
//! messages are written.

use super::{
    Abilities, Address, Broker, BrokerError, Confirmations, Fate, Incoming, Outgoing, Receiver,
    Sender, Settlement, Target,
};
use crate::network::System;
use ::zeromq::{
    PullSocket, PushSocket, Socket, SocketOptions, SocketRecv, SocketSend, ZmqError, ZmqMessage,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

/// Where receivers listen if nothing else is said.
const LOOPBACK: &str = "127.0.0.1";

/// How long to try to connect to a receiver that listens, or did a moment ago.
const CONNECTING: Duration = Duration::from_secs(1);

/// How often a sender that says goodbye looks whether all is written.
const LINGERING: Duration = Duration::from_millis(1);

/// Sockets that meet by a list of endpoints for each queue.
#[derive(Debug)]
pub struct ZeroMq {
    /// Where receivers listen.
    host: String,
    /// How long goodbyes may take.
    patience: Duration,
    queues: Vec<Meeting>,
}

/// The endpoints where the receivers of a queue listen.
type Endpoints = Vec<String>;

/// How the senders of a queue learn of its receivers.
type Meeting = Arc<watch::Sender<Endpoints>>;

impl Broker for ZeroMq {
    type Sender = Push;
    type Receiver = Pull;

    const SYSTEM: System = System::ZeroMq;
    const ABILITIES: Abilities = Abilities {
        // Shared as far as a PUSH socket shares: in turn, when a message is sent.
        shared: true,
        ..Abilities::NONE
    };

    async fn open(target: Target) -> Result<ZeroMq, BrokerError> {
        let host = host(target.address.as_ref())?;
        if let Err(why) = can_listen(&host, target.patience).await {
            let address = format!("tcp://{host}");
            return Err(BrokerError::Unreachable { address, why });
        }
        let queues = target.queues.iter().map(|_| Meeting::default()).collect();
        Ok(ZeroMq {
            host,
            patience: target.patience,
            queues,
        })
    }

    fn version(&self) -> String {
        "ZeroMQ (ZMTP 3.0, no broker)".to_owned()
    }

    async fn sender(&self, confirmations: Confirmations) -> Result<Push, BrokerError> {
        let mut lines: Vec<Line> = self.queues.iter().map(Line::new).collect();
        for line in &mut lines {
            line.meet().await;
        }
        Ok(Push {
            lines,
            confirmations,
            patience: self.patience,
        })
    }

    async fn receiver(&self, queue: usize, _member: usize) -> Result<Pull, BrokerError> {
        let mut socket = PullSocket::new();
        let endpoint = match socket.bind(&format!("tcp://{}:0", self.host)).await {
            Ok(endpoint) => endpoint.to_string(),
            Err(error) => {
                return Err(BrokerError::Unreachable {
                    address: format!("tcp://{}", self.host),
                    why: error.to_string(),
                });
            }
        };
        let meeting = Arc::clone(&self.queues[queue]);
        meeting.send_modify(|endpoints| endpoints.push(endpoint.clone()));
        Ok(Pull {
            socket,
            endpoint,
            meeting,
        })
    }

    async fn depth(&self, _queue: usize) -> Result<Option<u64>, BrokerError> {
        Ok(None)
    }

    async fn dead_letters(&self, _queue: usize) -> Result<Option<u64>, BrokerError> {
        Ok(None)
    }

    /// Nothing was made that outlives the sockets.
    async fn remove(self) -> Result<(), BrokerError> {
        Ok(())
    }
}

/// Where receivers are to listen. A port cannot be chosen, as each needs its own.
fn host(address: Option<&Address>) -> Result<String, BrokerError> {
    let Some(address) = address else {
        return Ok(LOOPBACK.to_owned());
    };
    let why = if address.scheme != "tcp" {
        "it can be reached by tcp:// only"
    } else if address.port.is_some() {
        "each receiver listens on a port of its own: give the host alone"
    } else if address.user.is_some() || !address.path.is_empty() {
        "ZeroMQ knows no users and no paths: give the host alone"
    } else {
        return Ok(address.host.clone());
    };
    Err(BrokerError::Failed {
        address: address.to_string(),
        action: "be used".to_owned(),
        why: why.to_owned(),
    })
}

/// Whether receivers can listen at a host, or why not.
async fn can_listen(host: &str, patience: Duration) -> Result<(), String> {
    let listening = tokio::net::TcpListener::bind((host, 0));
    match timeout(patience, listening).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(format!("receivers cannot listen there: {error}")),
        Err(_) => Err(format!("the name is not resolved after {patience:?}")),
    }
}

/// Deals messages to the receivers of each queue.
pub struct Push {
    lines: Vec<Line>,
    confirmations: Confirmations,
    patience: Duration,
}

/// The PUSH socket of one queue.
struct Line {
    socket: PushSocket,
    meeting: watch::Receiver<Endpoints>,
    /// Endpoints that are connected, or were.
    met: Endpoints,
    /// Endpoints to connect to.
    missing: Endpoints,
}

impl Line {
    fn new(meeting: &Meeting) -> Line {
        let mut options = SocketOptions::default();
        options.connect_timeout(CONNECTING);
        let mut meeting = meeting.subscribe();
        meeting.mark_changed();
        Line {
            socket: PushSocket::with_options(options),
            meeting,
            met: Endpoints::new(),
            missing: Endpoints::new(),
        }
    }

    /// Connects to receivers that have come. If it is dropped, the next call goes on where it was.
    async fn meet(&mut self) {
        if self.meeting.has_changed().unwrap_or(false) {
            let open = self.meeting.borrow_and_update();
            self.met.retain(|endpoint| open.contains(endpoint));
            self.missing = open
                .iter()
                .filter(|&endpoint| !self.met.contains(endpoint))
                .cloned()
                .collect();
        }
        while let Some(endpoint) = self.missing.first() {
            // One that cannot be reached has just gone.
            let reached = self.socket.connect(endpoint).await.is_ok();
            let endpoint = self.missing.remove(0);
            if reached {
                self.met.push(endpoint);
            }
        }
    }

    /// Gives a message to the next receiver, as soon as there is one.
    async fn send(&mut self, message: ZmqMessage) -> Result<(), ZmqError> {
        loop {
            self.meet().await;
            match self.socket.send(message.clone()).await {
                Ok(()) => return Ok(()),
                Err(ZmqError::ReturnToSender { .. }) => {
                    // Cannot fail: the list is there as long as there are senders or the run itself.
                    if self.meeting.changed().await.is_err() {
                        return Err(ZmqError::Other("the run is over"));
                    }
                    self.meeting.mark_changed();
                }
                // The receiver whose turn it was has gone, and is off the list: to the next.
                Err(ZmqError::BufferFull(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits until all is written, for a while: the socket's tasks keep hold of it until then.
    async fn close(self, until: Instant) {
        let tasks = Arc::downgrade(&self.socket.backend());
        drop(self.socket);
        while tasks.strong_count() > 0 && Instant::now() < until {
            sleep(LINGERING).await;
        }
    }
}

impl Sender for Push {
    async fn send(&mut self, message: Outgoing) -> Result<(), BrokerError> {
        let line = &mut self.lines[message.queue];
        match line.send(message.body.into()).await {
            Ok(()) => {
                self.confirmations.tell(message.tag, Fate::Stored);
                Ok(())
            }
            Err(error) => Err(BrokerError::Lost {
                address: "the receivers".to_owned(),
                why: error.to_string(),
            }),
        }
    }

    async fn close(self) {
        let until = Instant::now() + self.patience;
        for line in self.lines {
            line.close(until).await;
        }
    }
}

/// Takes what is dealt to it.
pub struct Pull {
    socket: PullSocket,
    endpoint: String,
    meeting: Meeting,
}

impl Receiver for Pull {
    /// There is nobody to show it to.
    type Receipt = ();

    async fn receive(&mut self) -> Result<Incoming<()>, BrokerError> {
        loop {
            match self.socket.recv().await {
                Ok(message) => {
                    return Ok(Incoming {
                        body: body(message),
                        redelivered: false,
                        receipt: (),
                    });
                }
                Err(ZmqError::NoMessage) => {
                    return Err(BrokerError::Lost {
                        address: self.endpoint.clone(),
                        why: "the socket is closed".to_owned(),
                    });
                }
                // One of the senders has gone; the others are still there.
                Err(_) => {}
            }
        }
    }

    async fn settle(&mut self, (): (), _how: Settlement) -> Result<(), BrokerError> {
        Ok(())
    }

    /// No other goodbye than that the connection ends.
    async fn close(self) {}

    fn kill(self) {}
}

/// What a message carries, in one frame as it was sent.
fn body(message: ZmqMessage) -> Vec<u8> {
    let frames = message.into_vec();
    frames
        .iter()
        .flat_map(|frame| frame.iter().copied())
        .collect()
}

impl Drop for Pull {
    fn drop(&mut self) {
        self.meeting
            .send_modify(|endpoints| endpoints.retain(|endpoint| *endpoint != self.endpoint));
        // Dropping a PULL socket leaves its connections open.
        self.socket.backend().shutdown();
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Discards, QueueSpec};
    use super::*;
    use std::collections::BTreeSet;
    use std::sync::Mutex;

    fn target(address: Option<Address>) -> Target {
        let queue = QueueSpec {
            members: 2,
            settled_on_delivery: true,
            ..QueueSpec::plain("orders")
        };
        Target {
            address,
            run: "test".to_owned(),
            queues: vec![queue],
            patience: Duration::from_secs(60),
            discarded: Discards::new(|_, _| ()),
        }
    }

    fn address(host: &str, port: Option<u16>) -> Address {
        Address {
            scheme: "tcp".to_owned(),
            host: host.to_owned(),
            port,
            user: None,
            password: None,
            path: String::new(),
        }
    }

    fn message(number: u64) -> Outgoing {
        Outgoing {
            tag: number,
            queue: 0,
            body: number.to_le_bytes().to_vec(),
            priority: 0,
            lane: 0,
            key: 0,
            delay: None,
        }
    }

    fn silent() -> Confirmations {
        Confirmations::new(|_| ())
    }

    async fn number(receiver: &mut Pull) -> u64 {
        let message = receiver.receive().await.unwrap();
        u64::from_le_bytes(message.body.try_into().unwrap())
    }

    #[tokio::test]
    async fn one_receiver_gets_all_in_order() {
        let broker = ZeroMq::open(target(None)).await.unwrap();
        let confirmed = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&confirmed);
        let confirmations = Confirmations::new(move |one| heard.lock().unwrap().push(one.tag));
        let mut sender = broker.sender(confirmations).await.unwrap();
        let mut receiver = broker.receiver(0, 0).await.unwrap();
        for number in 0..1000 {
            sender.send(message(number)).await.unwrap();
        }
        assert_eq!(*confirmed.lock().unwrap(), Vec::from_iter(0..1000));
        sender.close().await;
        for expected in 0..1000 {
            assert_eq!(number(&mut receiver).await, expected);
        }
        receiver.close().await;
        broker.remove().await.unwrap();
    }

    #[tokio::test]
    async fn a_sender_waits_for_the_first_receiver() {
        let broker = ZeroMq::open(target(None)).await.unwrap();
        let mut sender = broker.sender(silent()).await.unwrap();
        let sent = async {
            sender.send(message(7)).await.unwrap();
        };
        let received = async {
            tokio::task::yield_now().await;
            let mut receiver = broker.receiver(0, 0).await.unwrap();
            number(&mut receiver).await
        };
        assert_eq!(tokio::join!(sent, received).1, 7);
    }

    #[tokio::test]
    async fn receivers_are_dealt_to_in_turn_also_those_that_come_later() {
        let broker = ZeroMq::open(target(None)).await.unwrap();
        let mut first = broker.receiver(0, 0).await.unwrap();
        let mut sender = broker.sender(silent()).await.unwrap();
        sender.send(message(0)).await.unwrap();
        let mut second = broker.receiver(0, 1).await.unwrap();
        for number in 1..=100 {
            sender.send(message(number)).await.unwrap();
        }
        let mut seen = BTreeSet::from([number(&mut first).await]);
        for _ in 0..50 {
            let pair = [number(&mut first).await, number(&mut second).await];
            assert_eq!(pair[0].abs_diff(pair[1]), 1);
            seen.extend(pair);
        }
        assert_eq!(seen, BTreeSet::from_iter(0..=100));
    }

    #[tokio::test]
    async fn a_killed_receiver_is_passed_over_once_that_is_noticed() {
        let broker = ZeroMq::open(target(None)).await.unwrap();
        let victim = broker.receiver(0, 0).await.unwrap();
        let mut other = broker.receiver(0, 1).await.unwrap();
        let mut sender = broker.sender(silent()).await.unwrap();
        victim.kill();
        // Sent until the other one gets two in a row, which it only does when it is alone.
        let (mut next, mut before) = (0, None);
        loop {
            sender.send(message(next)).await.unwrap();
            next += 1;
            let Ok(got) = timeout(Duration::from_millis(10), number(&mut other)).await else {
                continue;
            };
            if before.is_some_and(|before| got == before + 1) {
                break;
            }
            before = Some(got);
        }
        for expected in next..next + 100 {
            sender.send(message(expected)).await.unwrap();
        }
        for expected in next..next + 100 {
            assert_eq!(number(&mut other).await, expected);
        }
    }

    #[tokio::test]
    async fn where_nobody_can_listen_is_refused() {
        // An address for documentation (RFC 5737), which no machine has.
        let nowhere = ZeroMq::open(target(Some(address("192.0.2.1", None)))).await;
        assert!(matches!(nowhere, Err(BrokerError::Unreachable { .. })));
        let port = ZeroMq::open(target(Some(address("127.0.0.1", Some(5555))))).await;
        let text = port.unwrap_err().to_string();
        assert!(text.contains("a port of its own"), "{text}");
    }
}
