//! Keeps orders between two attempts, where the broker has no means of its own for that.

use super::brokers::{Broker, BrokerError};
use super::clock::Sleeper;
use super::message::Label;
use super::outlet::{Outlet, Parcel, looks};
use super::run::{Shared, told};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// An attempt that is kept until it is due.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept {
    pub due: Instant,
    pub parcel: Parcel,
}

/// By the time at which it is due.
struct ByDue(Kept);

impl PartialEq for ByDue {
    fn eq(&self, other: &Self) -> bool {
        self.0.due == other.0.due
    }
}

impl Eq for ByDue {}

impl PartialOrd for ByDue {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ByDue {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.due.cmp(&other.0.due)
    }
}

/// Sends each when it is due, until the run is over.
///
/// # Errors
/// When the broker is lost for good.
pub(super) async fn keep<B: Broker>(
    shared: Arc<Shared<B>>,
    mut coming: mpsc::UnboundedReceiver<Kept>,
    mut outlet: Outlet<B>,
    mut sleeper: Sleeper,
    mut stop: watch::Receiver<bool>,
) -> Result<(), BrokerError> {
    let mut kept: BinaryHeap<Reverse<ByDue>> = BinaryHeap::new();
    let mut looks = looks();
    loop {
        let next = kept.peek().map(|Reverse(ByDue(next))| next.due);
        let sleeping = async {
            match next {
                Some(due) => sleeper.until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = told(&mut stop) => break,
            Some(more) = coming.recv() => kept.push(Reverse(ByDue(more))),
            _ = looks.tick() => drop(outlet.mend().await?),
            _ = sleeping => {
                if let Some(Reverse(ByDue(due))) = kept.pop() {
                    send(&shared, &mut outlet, due.parcel).await?;
                }
            }
        }
    }
    outlet.close().await;
    Ok(())
}

async fn send<B: Broker>(
    shared: &Shared<B>,
    outlet: &mut Outlet<B>,
    parcel: Parcel,
) -> Result<(), BrokerError> {
    let Parcel { label, stage, .. } = parcel;
    shared
        .ledger
        .sends(label.order, stage, Duration::ZERO, Instant::now());
    let label = Label {
        attempt: label.attempt + 1,
        ..label
    };
    let parcel = Parcel {
        label,
        stage,
        delay: None,
    };
    outlet.post(parcel).await
}
