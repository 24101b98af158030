//! What is asked of name server and broker beside messages: where things are, topics, groups, offsets.

use super::super::BrokerError;
use super::wire::{Line, Place, Request, code};
use serde::Deserialize;
use std::collections::BTreeMap;

const QUERY_CONSUMER_OFFSET: i32 = 14;
const CREATE_TOPIC: i32 = 17;
const BROKER_RUNTIME: i32 = 28;
const GET_MAX_OFFSET: i32 = 30;
const SEND_BACK: i32 = 36;
const MEMBERS: i32 = 38;
const CLUSTER: i32 = 106;
const CREATE_GROUP: i32 = 200;
const DELETE_GROUP: i32 = 207;
const DELETE_TOPIC_IN_BROKER: i32 = 215;
const DELETE_TOPIC_IN_NAMES: i32 = 216;

/// Reading and writing.
const ALL_RIGHTS: i32 = 6;

/// Attempts before the broker itself puts a message aside: never, that is the stage's business.
const ATTEMPTS: i32 = 1_000_000;

/// The broker that is used: its name and address.
#[derive(Debug, Clone)]
pub(super) struct Master {
    pub(super) name: String,
    pub(super) place: Place,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cluster {
    #[serde(default)]
    broker_addr_table: BTreeMap<String, Broker>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Broker {
    /// By number; 0 is the one that takes messages.
    #[serde(default)]
    broker_addrs: BTreeMap<String, String>,
}

/// The first broker by name that takes messages.
pub(super) async fn master(names: &mut Line) -> Result<Master, BrokerError> {
    let what = "say where the brokers are";
    let answer = names.demand(what, Request::new(CLUSTER)).await?;
    let text = String::from_utf8_lossy(&answer.body);
    let cluster: Cluster =
        serde_json::from_str(&quoted(&text)).map_err(|error| names.place.failed(what, error))?;
    let masters = cluster.broker_addr_table.iter();
    let mut masters = masters.filter_map(|(name, broker)| {
        let place = names.place.broker(broker.broker_addrs.get("0")?)?;
        Some(Master {
            name: name.clone(),
            place,
        })
    });
    let none = || {
        names
            .place
            .failed(what, "there is no broker that takes messages")
    };
    masters.next().ok_or_else(none)
}

/// JSON with quotes around numbers that are keys: RocketMQ leaves them out.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    let mut in_text = false;
    while let Some(letter) = rest.chars().next() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let is_key =
            !in_text && digits > 0 && out.ends_with(['{', ',']) && rest[digits..].starts_with(':');
        if is_key {
            out.extend(["\"", &rest[..digits], "\""]);
            rest = &rest[digits..];
            continue;
        }
        let escapes = in_text && letter == '\\';
        in_text ^= letter == '"';
        let taken: usize = rest
            .chars()
            .take(if escapes { 2 } else { 1 })
            .map(char::len_utf8)
            .sum();
        out.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    out
}

#[derive(Deserialize)]
struct Runtime {
    table: BTreeMap<String, String>,
}

/// The broker's version, such as `5.5.0`.
pub(super) async fn version(line: &mut Line) -> Result<String, BrokerError> {
    let answer = line
        .demand("say how it is", Request::new(BROKER_RUNTIME))
        .await?;
    let runtime: Option<Runtime> = serde_json::from_slice(&answer.body).ok();
    let version = runtime.and_then(|mut runtime| runtime.table.remove("brokerVersionDesc"));
    Ok(match version {
        Some(text) => text.trim_start_matches('V').replace('_', "."),
        None => "of an unknown version".to_owned(),
    })
}

pub(super) async fn create_topic(
    line: &mut Line,
    topic: &str,
    queues: u32,
) -> Result<(), BrokerError> {
    let request = Request::new(CREATE_TOPIC)
        .with("topic", topic)
        .with("defaultTopic", "TBW102")
        .with("readQueueNums", queues)
        .with("writeQueueNums", queues)
        .with("perm", ALL_RIGHTS)
        .with("topicFilterType", "SINGLE_TAG")
        .with("topicSysFlag", 0)
        .with("order", false);
    line.demand(format!("make the topic {topic}"), request)
        .await
        .map(drop)
}

pub(super) async fn create_group(line: &mut Line, group: &str) -> Result<(), BrokerError> {
    let body = serde_json::json!({
        "groupName": group,
        "consumeEnable": true,
        "consumeFromMinEnable": true,
        "consumeBroadcastEnable": true,
        "retryQueueNums": 1,
        "retryMaxTimes": ATTEMPTS,
        "brokerId": 0,
        "whichBrokerWhenConsumeSlowly": 1,
        "notifyConsumerIdsChangedEnable": true,
    });
    let request = Request::new(CREATE_GROUP).body(body.to_string().into_bytes());
    line.demand(format!("make the group {group}"), request)
        .await
        .map(drop)
}

pub(super) async fn delete_topic(
    broker: &mut Line,
    names: &mut Line,
    topic: &str,
) -> Result<(), BrokerError> {
    let action = format!("delete the topic {topic}");
    broker
        .demand(
            &action,
            Request::new(DELETE_TOPIC_IN_BROKER).with("topic", topic),
        )
        .await?;
    names
        .demand(
            &action,
            Request::new(DELETE_TOPIC_IN_NAMES).with("topic", topic),
        )
        .await
        .map(drop)
}

pub(super) async fn delete_group(line: &mut Line, group: &str) -> Result<(), BrokerError> {
    let request = Request::new(DELETE_GROUP)
        .with("groupName", group)
        .with("cleanOffset", true);
    line.demand(format!("delete the group {group}"), request)
        .await
        .map(drop)
}

/// Has the broker copy a message, by its place in the log, to the group's dead letters: sent back with no
/// attempt left.
pub(super) async fn put_aside(
    line: &mut Line,
    group: &str,
    topic: &str,
    place: i64,
) -> Result<(), BrokerError> {
    let request = Request::new(SEND_BACK)
        .with("offset", place)
        .with("group", group)
        .with("delayLevel", -1)
        .with("originTopic", topic)
        .with("unitMode", false)
        .with("maxReconsumeTimes", 0);
    line.demand("put a message aside", request).await.map(drop)
}

/// The members of a group, in the order in which lanes are dealt to them.
pub(super) async fn members(line: &mut Line, group: &str) -> Result<Vec<String>, BrokerError> {
    let what = "say who is in a group";
    let answer = line
        .demand(what, Request::new(MEMBERS).with("consumerGroup", group))
        .await?;
    let members: Result<Members, _> = serde_json::from_slice(&answer.body);
    let mut members = members
        .map_err(|error| line.place.failed(what, error))?
        .consumer_id_list;
    members.sort();
    Ok(members)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Members {
    consumer_id_list: Vec<String>,
}

/// How many messages a queue ever had; none where there is no such topic.
pub(super) async fn end(line: &mut Line, topic: &str, queue: u32) -> Result<i64, BrokerError> {
    let request = Request::new(GET_MAX_OFFSET)
        .with("topic", topic)
        .with("queueId", queue);
    let answer = line.ask(request).await?;
    match answer.code {
        code::SUCCESS => Ok(answer.number("offset").unwrap_or(0).max(0)),
        _ => Ok(0),
    }
}

/// How far a group has come in a queue.
pub(super) async fn position(
    line: &mut Line,
    group: &str,
    topic: &str,
    queue: u32,
) -> Result<i64, BrokerError> {
    let request = Request::new(QUERY_CONSUMER_OFFSET)
        .with("consumerGroup", group)
        .with("topic", topic)
        .with("queueId", queue);
    let answer = line.ask(request).await?;
    match answer.code {
        code::SUCCESS => Ok(answer.number("offset").unwrap_or(0).max(0)),
        code::QUERY_NOT_FOUND => Ok(0),
        _ => Err(line.place.told(format!("say how far {group} is"), &answer)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_keys_get_quotes() {
        let cases = [
            (r#"{0:"127.0.0.1:10911"}"#, r#"{"0":"127.0.0.1:10911"}"#),
            (
                r#"{"a":{0:"x",12:"y"},"b":[1,2],"c":3}"#,
                r#"{"a":{"0":"x","12":"y"},"b":[1,2],"c":3}"#,
            ),
            (r#"{"a,1:":"{2:\",3:"}"#, r#"{"a,1:":"{2:\",3:"}"#),
            ("", ""),
        ];
        for (raw, right) in cases {
            assert_eq!(quoted(raw), right);
        }
    }
}
