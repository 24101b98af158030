//! What goes on beside messages so that the broker goes on believing in a client.

use super::handle::{Handles, Renewal};
use super::wire::{Line, Outbound, Place, Request};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

const HEARTBEAT: i32 = 34;

/// How often a sign of life is sent, as RocketMQ's own clients do. A broker closes connections that are
/// silent for two minutes.
pub(super) const HEARTBEATS: Duration = Duration::from_secs(30);

/// A sign of life of somebody who is in no group.
pub(super) fn sign() -> Request {
    let body = serde_json::json!({
        "clientID": "orderline",
        "producerDataSet": [],
        "consumerDataSet": [],
    });
    Request::new(HEARTBEAT).body(body.to_string().into_bytes())
}

/// A sign of life of a member of a group, which makes it one.
pub(super) fn member(client: &str, group: &str, topic: &str) -> Request {
    let subscription = serde_json::json!({
        "topic": topic,
        "subString": "*",
        "tagsSet": [],
        "codeSet": [],
        "subVersion": super::now(),
        "expressionType": "TAG",
    });
    let body = serde_json::json!({
        "clientID": client,
        "producerDataSet": [],
        "consumerDataSet": [{
            "groupName": group,
            "consumeType": "CONSUME_PASSIVELY",
            "messageModel": "CLUSTERING",
            "consumeFromWhere": "CONSUME_FROM_FIRST_OFFSET",
            "subscriptionDataSet": [subscription],
            "unitMode": false,
        }],
    });
    Request::new(HEARTBEAT).body(body.to_string().into_bytes())
}

/// Keeps a connection open that has nothing to say.
pub(super) async fn keep(outbound: Arc<Mutex<Outbound>>, sign: Request) {
    let sign = sign.oneway();
    loop {
        tokio::time::sleep(HEARTBEATS).await;
        let mut outbound = outbound.lock().await;
        if outbound.put(&sign).is_err() || outbound.flush().await.is_err() {
            return;
        }
    }
}

/// Keeps messages that are in work invisible to others, until it is stopped. It has a connection of its
/// own, opened when the first one needs it: that of the receiver is only read while it receives.
pub(super) async fn renew(place: Arc<Place>, handles: Arc<Handles>) {
    let mut line: Option<Line> = None;
    loop {
        tokio::time::sleep(handles.invisible() / 4).await;
        for due in handles.due() {
            if line.is_none() {
                line = place.connect().await.ok();
            }
            let Some(open) = &mut line else {
                break;
            };
            if renewed(open, &handles, due).await.is_none() {
                line = None;
                break;
            }
        }
    }
}

/// None if the connection is of no more use.
async fn renewed(line: &mut Line, handles: &Handles, due: Renewal) -> Option<()> {
    let answer = line
        .ask(handles.hide(&due.handle, handles.invisible()))
        .await
        .ok()?;
    if let Some(settled) = handles.renewed(due, &answer) {
        // It was done in the meantime.
        line.ask(handles.done(&settled)).await.ok()?;
    }
    Some(())
}
