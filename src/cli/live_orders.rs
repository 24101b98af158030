//! `orders.csv` of a live run: every order beside its simulated twins.

use super::exit::Failure;
use crate::network::Network;
use crate::report::Staged;
use crate::sim::{Outcome, Script, Twin, TwinOrder};
use serde::Serialize;
use std::fs::File;
use std::io::BufWriter;

/// A row. Times are in scenario seconds since the start; what did not happen is empty.
#[derive(Debug, Serialize)]
struct Row<'n> {
    order: usize,
    producer: &'n str,
    class: &'n str,
    entered: f64,
    left: Option<f64>,
    latency: Option<f64>,
    outcome: String,
    network_time: f64,
    enqueue_time: f64,
    queueing_time: f64,
    dequeue_time: f64,
    processing_time: f64,
    retry_time: f64,
    twin_left: Option<f64>,
    twin_outcome: String,
    as_it_was_left: Option<f64>,
    later_than_twin: Option<f64>,
    later_than_as_it_was: Option<f64>,
}

/// Writes every order that entered.
///
/// # Errors
/// When the disk refuses.
pub(super) fn write_orders(
    network: &Network,
    script: &Script,
    [live, twin, replayed]: [&Twin; 3],
    folder: &Staged,
) -> Result<(), Failure> {
    let path = folder.path("orders.csv")?;
    let failed = |error: csv::Error| {
        let action = format!("write {}", path.display());
        Failure::Io(action, std::io::Error::other(error))
    };
    let file = File::create(&path).map_err(|error| failed(error.into()))?;
    let mut writer = csv::Writer::from_writer(BufWriter::new(file));
    for (number, order) in script.orders.iter().enumerate() {
        let Some(seen) = live.order(number as u64) else {
            continue;
        };
        let left = |twin: &Twin| twin.order(number as u64).and_then(left_at);
        let (twin_left, replayed_left) = (left(twin), left(replayed));
        let seen_left = left_at(seen);
        let later = |twin: Option<f64>| Some(seen_left? - twin?);
        let row = Row {
            order: number,
            producer: &network.producers[order.producer as usize].name,
            class: &network.classes[order.class as usize].name,
            entered: seen.entered,
            left: seen_left,
            latency: seen_left.map(|left| left - seen.entered),
            outcome: seen.outcome.to_string(),
            network_time: seen.parts.network,
            enqueue_time: seen.parts.enqueue,
            queueing_time: seen.parts.queueing,
            dequeue_time: seen.parts.dequeue,
            processing_time: seen.parts.processing,
            retry_time: seen.parts.retry,
            twin_left,
            twin_outcome: twin
                .order(number as u64)
                .map_or_else(String::new, |twin| twin.outcome.to_string()),
            as_it_was_left: replayed_left,
            later_than_twin: later(twin_left),
            later_than_as_it_was: later(replayed_left),
        };
        writer.serialize(row).map_err(failed)?;
    }
    writer.flush().map_err(|error| failed(error.into()))
}

fn left_at(order: &TwinOrder) -> Option<f64> {
    (order.outcome != Outcome::InFlight).then_some(order.left)
}
