//! What goes wrong is told as what it is, in time, and without the password.

use crate::cable::Cable;
use crate::facts::Facts;
use crate::kit::{self, Bed, lost_in_receiving, lost_in_sending, next, numbered, plain, settle};
use orderline::live::brokers::{
    Address, Broker, BrokerError, Receiver, Secret, Sender, Settlement,
};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// How long the adapters of these cases may wait, and how much later they must have said so.
const PATIENCE: Duration = Duration::from_secs(2);
const SLACK: Duration = Duration::from_secs(3);

/// The address of a port on this machine.
fn here(facts: &Facts, port: u16) -> Address {
    let mut address = kit::address(facts).expect("a server has an address");
    address.host = "127.0.0.1".to_owned();
    address.port = Some(port);
    address.password = Some(Secret::new("unspeakable"));
    address
}

/// Tries to open there; how that fails.
async fn failure<B: Broker>(address: Address) -> BrokerError {
    let password = address.password.clone();
    let mut target = kit::target(Some(address), vec![plain::<B>("trouble")]);
    target.patience = PATIENCE;
    let start = Instant::now();
    let opened = tokio::time::timeout(2 * PATIENCE + SLACK, B::open(target)).await;
    let Ok(opened) = opened else {
        panic!("still trying after {:?}", start.elapsed());
    };
    let Err(why) = opened else {
        panic!("opened, where it cannot");
    };
    let took = start.elapsed();
    assert!(took < PATIENCE + SLACK, "{took:?}: {why}");
    let text = format!("{why} {why:?}");
    if let Some(password) = password {
        assert!(!text.contains(password.reveal()), "{text}");
    }
    why
}

/// Nobody listens.
pub async fn nobody<B: Broker>(facts: &Facts) {
    if !facts.server {
        return;
    }
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("its number").port()
    };
    let why = failure::<B>(here(facts, port)).await;
    assert!(matches!(why, BrokerError::Unreachable { .. }), "{why:?}");
    assert!(why.to_string().contains(&port.to_string()), "{why}");
}

/// Somebody takes the connection and never says a word.
pub async fn silence<B: Broker>(facts: &Facts) {
    if !facts.server {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its number").port();
    let why = failure::<B>(here(facts, port)).await;
    assert!(matches!(why, BrokerError::Unreachable { .. }), "{why:?}");
    drop(listener);
}

/// Somebody answers who is no such broker.
pub async fn stranger<B: Broker>(facts: &Facts) {
    if !facts.server {
        return;
    }
    for answer in [
        &b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"[..],
        b"",
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its number").port();
        std::thread::spawn(move || {
            for stream in listener.incoming().take(100) {
                let _ = stream.and_then(|stream| brush_off(stream, answer));
            }
        });
        let why = failure::<B>(here(facts, port)).await;
        assert!(
            !matches!(
                why,
                BrokerError::Login { .. } | BrokerError::Forbidden { .. }
            ),
            "{why:?}"
        );
    }
}

fn brush_off(mut stream: TcpStream, answer: &[u8]) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_millis(100)))?;
    let _ = stream.read(&mut [0; 64])?;
    stream.write_all(answer)
}

/// The password is wrong.
pub async fn login<B: Broker>(facts: &Facts) {
    if !facts.logins {
        return;
    }
    let mut address = kit::address(facts).expect("an address");
    address.password = Some(Secret::new("unspeakable"));
    let why = failure::<B>(address).await;
    assert!(matches!(why, BrokerError::Login { .. }), "{why:?}");
}

/// The user may not make queues.
pub async fn forbidden<B: Broker>(facts: &Facts) {
    let Some((user, password)) = facts.restricted else {
        return;
    };
    let mut address = kit::address(facts).expect("an address");
    address.user = Some(user.to_owned());
    address.password = Some(Secret::new(password));
    let target = kit::target(Some(address), vec![plain::<B>("forbidden")]);
    let Err(why) = B::open(target).await else {
        panic!("made a queue without the right to");
    };
    assert!(matches!(why, BrokerError::Forbidden { .. }), "{why:?}");
}

/// The connection breaks: both ends notice by themselves, a message in hand is not lost, and a new
/// sender and receiver go on where the old ones were.
pub async fn cut<B: Broker>(facts: &Facts) {
    broken::<B>(facts, Cable::cut).await;
}

/// The same when it just passes nothing on any more, as when the server or something between hangs.
pub async fn frozen<B: Broker>(facts: &Facts) {
    broken::<B>(facts, Cable::freeze).await;
}

async fn broken<B: Broker>(facts: &Facts, harm: fn(&Cable)) {
    if !facts.one_address {
        return;
    }
    let direct = kit::address(facts).expect("an address");
    let cable = Cable::to(&direct, facts);
    let mut address = direct.clone();
    address.host = "127.0.0.1".to_owned();
    address.port = Some(cable.port());
    let mut target = kit::target(Some(address), vec![plain::<B>("cut")]);
    target.patience = Duration::from_secs(5);
    let bed = Bed::<B>::at(facts, target).await;
    let mut receiver = bed.receiver(0, 0).await;
    let mut out = bed.sender().await;
    out.send(&numbered(0)).await;
    let held = next(&mut receiver).await;
    out.stored().await;
    harm(&cable);
    lost_in_receiving(&mut receiver).await;
    let _ = receiver.settle(held.receipt, Settlement::Done).await;
    lost_in_sending(&mut out).await;
    cable.mend();
    receiver.close().await;
    out.sender.close().await;
    let mut heir = bed.receiver(0, 0).await;
    if B::ABILITIES.redelivers {
        let again = next(&mut heir).await;
        assert_eq!(again.body, numbered(0));
        settle(&mut heir, again.receipt, Settlement::Done).await;
    }
    let mut out = bed.sender().await;
    out.send(&numbered(2000)).await;
    while next_and_done(&mut heir).await != numbered(2000) {}
    bed.remove().await;
}

async fn next_and_done<R: Receiver>(receiver: &mut R) -> Vec<u8> {
    let message = next(receiver).await;
    settle(receiver, message.receipt, Settlement::Done).await;
    message.body
}
