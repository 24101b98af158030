//! `orders.csv`: every order of the first replication, written as they leave.

use super::exit::Failure;
use super::progress::watched;
use crate::network::Network;
use crate::report::Staged;
use crate::sim::{Control, Observer, OrderRecord, Outcome, SimError, trace_replication};
use serde::Serialize;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

/// A row of `orders.csv`. Times are in seconds since the start of the replication.
#[derive(Debug, Serialize)]
struct OrderRow<'n> {
    order: u64,
    producer: &'n str,
    class: &'n str,
    entered: f64,
    /// Empty for an order in flight.
    left: Option<f64>,
    latency: Option<f64>,
    waiting_time: f64,
    processing_time: f64,
    outcome: String,
}

/// What a row says beyond that where a pipeline is more than plain queues: with the processing time these
/// add up to the order's time in the pipeline.
#[derive(Debug, Serialize)]
struct PartsOfRow {
    network_time: f64,
    enqueue_time: f64,
    queueing_time: f64,
    dequeue_time: f64,
    retry_time: f64,
}

/// Runs the first replication once more and writes all its orders, in the order in which they leave;
/// those in flight at the end come last.
///
/// # Errors
/// When the disk refuses, or somebody stopped it: half a file is none.
pub(super) fn write_orders(network: &Network, folder: &Staged, quiet: bool) -> Result<(), Failure> {
    let path = folder.path("orders.csv")?;
    let failed = |path: &Path, error: csv::Error| {
        Failure::Io(
            format!("write {}", path.display()),
            std::io::Error::other(error),
        )
    };
    let file = File::create(&path).map_err(|error| failed(&path, error.into()))?;
    let job = move |network: &Network, control: &Control| {
        let writer = csv::Writer::from_writer(BufWriter::new(file));
        let observer = OrderFile {
            network,
            writer,
            result: Ok(()),
        };
        let mut written = trace_replication(network, control, observer);
        written.result?;
        written.writer.flush()?;
        Ok(control.stopped())
    };
    match watched(network, quiet, job)? {
        Ok(false) => Ok(()),
        Ok(true) => Err(Failure::Sim(SimError::Stopped)),
        Err(error) => Err(failed(&path, error)),
    }
}

/// Writes each order as it leaves, so that any number of them takes no memory.
struct OrderFile<'n> {
    network: &'n Network,
    writer: csv::Writer<BufWriter<File>>,
    result: Result<(), csv::Error>,
}

impl Observer for OrderFile<'_> {
    fn left(&mut self, record: &OrderRecord) {
        if self.result.is_err() {
            return;
        }
        let left = (record.outcome != Outcome::InFlight).then_some(record.left);
        let row = OrderRow {
            order: record.number,
            producer: sender(self.network, record.producer as usize),
            class: &self.network.classes[record.class as usize].name,
            entered: record.entered,
            left,
            latency: left.map(|left| left - record.entered),
            waiting_time: record.waiting,
            processing_time: record
                .parts
                .map_or(record.processing, |parts| parts.processing),
            outcome: record.outcome.to_string(),
        };
        let parts = record.parts.map(|parts| PartsOfRow {
            network_time: parts.network,
            enqueue_time: parts.enqueue,
            queueing_time: parts.queueing,
            dequeue_time: parts.dequeue,
            retry_time: parts.retry,
        });
        self.result = match parts {
            None => self.writer.serialize(row),
            Some(parts) => self.writer.serialize((row, parts)),
        };
    }
}

/// The name of a producer, or of a population: they are counted on after the producers.
fn sender(network: &Network, index: usize) -> &str {
    let producers = network.producers.iter().map(|p| p.name.as_str());
    let populations = network.populations.iter().map(|p| p.name.as_str());
    producers.chain(populations).nth(index).unwrap_or_default()
}
