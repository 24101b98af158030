//! A producer: it sends each order at its time, whatever has become of those before (open loop).

use super::brokers::{Broker, BrokerError};
use super::clock::Sleeper;
use super::gauges::Delay;
use super::message::Label;
use super::outlet::{Outlet, Parcel, looks};
use super::run::{Shared, told};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a producer waits at its end for confirmations.
const LAST_CONFIRMATIONS: Duration = Duration::from_secs(5);

/// Sends all orders of a producer.
///
/// # Errors
/// When the broker is lost for good.
pub(super) async fn produce<B: Broker>(
    shared: Arc<Shared<B>>,
    producer: usize,
    mut outlet: Outlet<B>,
    mut sleeper: Sleeper,
) -> Result<(), BrokerError> {
    let mut stop = shared.stop.subscribe();
    let stage = shared.network.producers[producer].to.0 as u32;
    let mut looks = looks();
    'orders: for (number, order) in shared.script.orders.iter().enumerate() {
        if order.producer as usize != producer || order.entered > shared.end {
            continue;
        }
        let intended = shared.clock.instant(order.entered);
        loop {
            tokio::select! {
                biased;
                () = told(&mut stop) => break 'orders,
                _ = sleeper.until(intended) => break,
                _ = looks.tick() => outlet.mend().await?,
            };
        }
        let now = Instant::now();
        let late = now.saturating_duration_since(intended);
        shared.gauges.record(Delay::Lateness, stage as usize, late);
        let label = Label {
            order: number as u64,
            attempt: 0,
        };
        shared
            .ledger
            .enters(&shared.script, label.order, stage, now);
        outlet
            .post(Parcel {
                label,
                stage,
                delay: None,
            })
            .await?;
    }
    outlet.settle(LAST_CONFIRMATIONS).await?;
    outlet.close().await;
    Ok(())
}
