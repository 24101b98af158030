//! What all clients of a run share: where the broker is, how errors are told, and who waits for
//! librdkafka's threads.

use super::super::{Address, BrokerError};
use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::time::sleep;

/// Where the broker is if nothing else is said.
const LOOPBACK: &str = "127.0.0.1";

/// The port of brokers that let anybody in.
const PORT: u16 = 9092;

/// How long an address that has refused is still tried: the name may have others, and librdkafka takes
/// them in turn.
const OTHER_ADDRESSES: Duration = Duration::from_secs(1);

/// The broker and what its clients have in common.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// As shown to people.
    pub(super) address: String,
    /// How long to wait for an answer.
    pub(super) patience: Duration,
    config: ClientConfig,
}

impl Place {
    pub(super) fn new(address: Option<&Address>, patience: Duration) -> Result<Place, BrokerError> {
        let host = address.map_or(LOOPBACK, |address| &address.host);
        let port = address.and_then(|address| address.port).unwrap_or(PORT);
        let shown =
            address.map_or_else(|| format!("kafka://{LOOPBACK}:{PORT}"), Address::to_string);
        if let Some(why) = address.and_then(unfit) {
            return Err(BrokerError::Failed {
                address: shown,
                action: "be used".to_owned(),
                why: why.to_owned(),
            });
        }
        let brackets = if host.contains(':') {
            ("[", "]")
        } else {
            ("", "")
        };
        let server = format!("{}{host}{}:{port}", brackets.0, brackets.1);
        let mut config = common(&server, patience);
        if let Some((user, address)) = address.and_then(|a| Some((a.user.as_ref()?, a))) {
            let password = address
                .password
                .as_ref()
                .map_or("", |secret| secret.reveal());
            config
                .set("security.protocol", "sasl_plaintext")
                .set("sasl.mechanism", "PLAIN")
                .set("sasl.username", user)
                .set("sasl.password", password);
        }
        Ok(Place {
            address: shown,
            patience,
            config,
        })
    }

    /// Settings of a client, to be completed.
    pub(super) fn config(&self) -> ClientConfig {
        self.config.clone()
    }

    /// Settings of a client that sends: what the broker has told of is stored once, in order; and if
    /// nothing else is said, nothing waits for company.
    pub(super) fn sending(&self) -> ClientConfig {
        let mut config = self.config();
        config
            .set("enable.idempotence", "true")
            .set("linger.ms", "0")
            .set("message.timeout.ms", millis(self.patience, 1000, u64::MAX));
        config
    }

    /// An error of the client in words of the run.
    pub(super) fn error(&self, action: &str, error: &KafkaError) -> BrokerError {
        match error.rdkafka_error_code() {
            Some(code) => self.refusal(action, code, &code.to_string()),
            None => self.failed(action, error.to_string()),
        }
    }

    /// An answer of the broker, or of the client on its behalf.
    pub(super) fn refusal(&self, action: &str, code: RDKafkaErrorCode, why: &str) -> BrokerError {
        use RDKafkaErrorCode as Code;
        let (address, why) = (self.address.clone(), why.to_owned());
        match code {
            Code::Authentication | Code::SaslAuthenticationFailed => {
                BrokerError::Login { address, why }
            }
            Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed => BrokerError::Forbidden {
                address,
                action: action.to_owned(),
                why,
            },
            Code::AllBrokersDown
            | Code::BrokerTransportFailure
            | Code::Fatal
            | Code::MessageTimedOut
            | Code::NetworkException
            | Code::OperationTimedOut
            | Code::RequestTimedOut
            | Code::Resolve => BrokerError::Lost { address, why },
            _ => self.failed(action, why),
        }
    }

    pub(super) fn failed(&self, action: &str, why: String) -> BrokerError {
        BrokerError::Failed {
            address: self.address.clone(),
            action: action.to_owned(),
            why,
        }
    }

    pub(super) fn unreachable(&self, why: String) -> BrokerError {
        let address = self.address.clone();
        BrokerError::Unreachable { address, why }
    }
}

/// What of an address cannot be.
fn unfit(address: &Address) -> Option<&'static str> {
    if address.scheme != "kafka" {
        Some("it is reached by kafka://, without TLS")
    } else if !address.path.is_empty() {
        Some("Kafka knows no paths: give host and port alone")
    } else {
        None
    }
}

fn common(server: &str, patience: Duration) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", server)
        .set("socket.nagle.disable", "true")
        .set("socket.timeout.ms", millis(patience, 2000, 300_000))
        .set(
            "socket.connection.setup.timeout.ms",
            millis(patience, 1000, 300_000),
        )
        .set(
            "api.version.request.timeout.ms",
            millis(patience, 1000, 300_000),
        )
        .set("reconnect.backoff.ms", "20")
        .set("reconnect.backoff.max.ms", "500")
        .set_log_level(RDKafkaLogLevel::Emerg);
    config
}

/// A duration as a setting.
pub(super) fn millis(duration: Duration, least: u64, most: u64) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    millis.clamp(least, most.min(i32::MAX as u64)).to_string()
}

/// What a client has heard about its connections.
#[derive(Debug, Clone)]
pub(super) struct Watch(Arc<Seen>);

#[derive(Debug)]
struct Seen {
    place: Place,
    /// The last thing that went wrong, in librdkafka's words.
    last: Mutex<String>,
    /// What is worse than that librdkafka would mend it silently.
    trouble: watch::Sender<Option<BrokerError>>,
}

impl Watch {
    pub(super) fn new(place: &Place) -> Watch {
        Watch(Arc::new(Seen {
            place: place.clone(),
            last: Mutex::default(),
            trouble: watch::Sender::new(None),
        }))
    }

    pub(super) fn trouble(&self) -> Option<BrokerError> {
        self.0.trouble.borrow().clone()
    }

    pub(super) fn tell(&self, trouble: BrokerError) {
        self.0.trouble.send_if_modified(|known| {
            let first = known.is_none();
            known.get_or_insert(trouble);
            first
        });
    }

    /// All is well again.
    pub(super) fn forget(&self) {
        self.0.trouble.send_replace(None);
    }

    pub(super) fn last(&self) -> String {
        self.lock_last().clone()
    }

    fn lock_last(&self) -> std::sync::MutexGuard<'_, String> {
        self.0.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the broker cannot be reached, as soon as that is clear.
    pub(super) async fn unreachable(&self) -> BrokerError {
        let mut changes = self.0.trouble.subscribe();
        let seen = match changes.wait_for(Option::is_some).await {
            Ok(seen) => seen.clone(),
            Err(_) => None,
        };
        match seen {
            Some(BrokerError::Lost { why, .. }) => {
                sleep(OTHER_ADDRESSES).await;
                self.0.place.unreachable(why)
            }
            Some(other) => other,
            None => self.0.place.unreachable(self.last()),
        }
    }
}

impl ClientContext for Watch {
    /// Nothing is logged: what matters comes as an error.
    fn log(&self, _level: RDKafkaLogLevel, _facility: &str, _text: &str) {}

    fn error(&self, error: KafkaError, reason: &str) {
        use RDKafkaErrorCode as Code;
        match error.rdkafka_error_code() {
            Some(Code::AllBrokersDown) => {
                let why = self.last();
                self.tell(
                    self.0
                        .place
                        .refusal("be reached", Code::AllBrokersDown, &why),
                );
            }
            Some(code @ (Code::Authentication | Code::Fatal)) => {
                self.tell(self.0.place.refusal("let us in", code, reason));
            }
            _ => reason.clone_into(&mut self.lock_last()),
        }
    }
}

/// Does what blocks in a thread of its own. (Threads of the runtime would hold up its end.)
pub(super) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (tell, told) = oneshot::channel();
    thread::spawn(move || tell.send(work()).ok());
    told.await.ok()
}

/// A client whose end is waited for by a thread of its own: librdkafka waits for its threads.
#[derive(Debug)]
pub(super) struct Apart<T: Send + 'static>(Option<T>);

impl<T: Send + 'static> Apart<T> {
    pub(super) fn new(client: T) -> Apart<T> {
        Apart(Some(client))
    }
}

impl<T: Send + 'static> Deref for Apart<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect("there until it is dropped")
    }
}

impl<T: Send + 'static> Drop for Apart<T> {
    fn drop(&mut self) {
        let client = self.0.take();
        thread::spawn(move || drop(client));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(address: &str) -> Result<Place, BrokerError> {
        let address: Address = address.parse().expect(address);
        Place::new(Some(&address), Duration::from_secs(5))
    }

    #[test]
    fn addresses_are_hosts_with_ports() {
        let server = |place: Place| place.config.get("bootstrap.servers").map(str::to_owned);
        let read = place("kafka://example.org:1234").unwrap();
        assert_eq!(server(read).as_deref(), Some("example.org:1234"));
        let read = place("kafka://[::1]").unwrap();
        assert_eq!(server(read).as_deref(), Some("[::1]:9092"));
        for wrong in ["tcp://example.org", "kafka://example.org/path"] {
            assert!(matches!(place(wrong), Err(BrokerError::Failed { .. })));
        }
    }

    #[test]
    fn passwords_are_for_the_broker_alone() {
        let read = place("kafka://me:hush@example.org").unwrap();
        assert_eq!(read.config.get("sasl.password"), Some("hush"));
        assert_eq!(read.address, "kafka://example.org");
        assert!(!format!("{read:?}").contains("hush"));
    }

    #[test]
    fn trouble_is_told_once_it_is_more_than_a_connection() {
        let watch = Watch::new(&place("kafka://example.org").unwrap());
        let heard = |code, reason| watch.error(KafkaError::Global(code), reason);
        heard(RDKafkaErrorCode::BrokerTransportFailure, "cut off");
        assert_eq!(watch.trouble(), None);
        heard(RDKafkaErrorCode::AllBrokersDown, "1/1 brokers are down");
        let trouble = watch.trouble().unwrap();
        assert!(matches!(&trouble, BrokerError::Lost { why, .. } if why == "cut off"));
        heard(RDKafkaErrorCode::Authentication, "later");
        assert_eq!(watch.trouble(), Some(trouble));
        watch.forget();
        assert_eq!(watch.trouble(), None);
    }
}
