//! What RabbitMQ says of queues, rights and virtual hosts.

use crate::cases::restart::{alone, script};
use crate::kit::{self, Bed, message, next, nothing, numbered, plain, settle, take};
use crate::rabbitmq::FACTS;
use orderline::live::brokers::rabbitmq::RabbitMq;
use orderline::live::brokers::{Address, Broker, BrokerError, Fate, QueueSpec, Settlement, Target};
use std::time::Duration;

fn target(queues: Vec<QueueSpec>) -> Target {
    kit::target(kit::address(&FACTS), queues)
}

fn named(name: &str) -> QueueSpec {
    plain::<RabbitMq>(name)
}

async fn open(target: &Target) -> Bed<RabbitMq> {
    Bed::at(&FACTS, target.clone()).await
}

fn is_not_found<T: std::fmt::Debug>(answer: Result<T, BrokerError>) {
    let why = answer.expect_err("the queue is gone");
    assert!(matches!(why, BrokerError::Failed { .. }), "{why:?}");
    assert!(why.to_string().contains("NOT_FOUND"), "{why}");
}

async fn refused(address: Address) -> BrokerError {
    let target = kit::target(Some(address), vec![named("refused")]);
    match RabbitMq::open(target).await {
        Ok(_) => panic!("opened, where it cannot"),
        Err(why) => why,
    }
}

/// Whoever asks for the queues of a run that was removed is told that there are none.
#[test]
#[ignore = "needs a RabbitMQ server: tests/brokers/up rabbitmq"]
fn nothing_is_left() {
    kit::run(async {
        let mut queue = named("q");
        queue.dead_letters = true;
        let target = target(vec![queue]);
        let (first, second) = (open(&target).await, open(&target).await);
        let mut out = second.sender().await;
        assert_eq!(out.fate(message(&numbered(0))).await, Fate::Stored);
        first.remove().await;
        is_not_found(second.broker.depth(0).await);
        is_not_found(second.broker.dead_letters(0).await);
        // What no queue takes is refused.
        assert_eq!(out.fate(message(&numbered(1))).await, Fate::Refused);
        second.remove().await;
    });
}

/// A run whose second queue cannot be made takes its first one away again.
#[test]
#[ignore = "needs a RabbitMQ server: tests/brokers/up rabbitmq"]
fn half_a_run_is_taken_away() {
    kit::run(async {
        let mut other = named("second");
        other.priorities = 3;
        let there = target(vec![named("first"), other]);
        let same = Target {
            queues: vec![named("first"), named("second")],
            ..there.clone()
        };
        let there = open(&there).await;
        let Err(why) = RabbitMq::open(same).await else {
            panic!("made a queue that was there otherwise");
        };
        assert!(why.to_string().contains("PRECONDITION_FAILED"), "{why}");
        is_not_found(there.broker.depth(0).await);
        there.remove().await;
    });
}

/// A virtual host that is not there, and one that the user may not use.
#[test]
#[ignore = "needs a RabbitMQ server: tests/brokers/up rabbitmq"]
fn virtual_hosts() {
    kit::run(async {
        let mut address = kit::address(&FACTS).expect("an address");
        address.path = "nowhere".to_owned();
        let why = refused(address.clone()).await;
        assert!(matches!(why, BrokerError::Failed { .. }), "{why:?}");
        assert!(why.to_string().contains("vhost nowhere not found"), "{why}");
        address.path = "/".to_owned();
        let why = refused(address).await;
        assert!(matches!(why, BrokerError::Forbidden { .. }), "{why:?}");
        assert!(why.to_string().contains("virtual host /"), "{why}");
    });
}

/// Connections that nobody uses, and nobody reads from, are kept up by their heartbeats.
#[test]
#[ignore = "needs a RabbitMQ server: tests/brokers/up rabbitmq"]
fn idle_for_long() {
    kit::run(async {
        let mut target = target(vec![named("idle")]);
        target.patience = Duration::from_secs(4);
        let bed = open(&target).await;
        let mut receiver = bed.receiver(0, 0).await;
        let mut out = bed.sender().await;
        out.send(&numbered(0)).await;
        let held = next(&mut receiver).await;
        // The server gives up a client that it has not heard of for 6 s.
        tokio::time::sleep(Duration::from_secs(12)).await;
        settle(&mut receiver, held.receipt, Settlement::Done).await;
        out.send(&numbered(1)).await;
        let came = next(&mut receiver).await;
        assert_eq!((came.body, came.redelivered), (numbered(1), false));
        bed.remove().await;
    });
}

/// Messages that are not to survive a restart do not; their queue is there again.
#[test]
#[ignore = "stops and starts the server: to be run alone"]
fn restart_forgets() {
    kit::run(async {
        let _alone = alone().await;
        let bed = open(&target(vec![named("transient")])).await;
        let mut out = bed.sender().await;
        for i in 0..5 {
            out.send(&numbered(i)).await;
        }
        out.stored().await;
        script(&["down", FACTS.name()]).await;
        script(&["up", FACTS.name()]).await;
        let mut receiver = bed.receiver(0, 0).await;
        nothing(&mut receiver).await;
        let mut out = bed.sender().await;
        out.send(&numbered(5)).await;
        assert_eq!(take(&mut receiver).await, numbered(5));
        bed.remove().await;
    });
}
