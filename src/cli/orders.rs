//! `orders.csv`: every order of the first replication, written as they leave.

use super::exit::Failure;
use crate::network::Network;
use crate::report::Staged;
use crate::sim::{Control, Observer, OrderRecord, trace_replication};
use serde::Serialize;
use std::fs::File;
use std::io::BufWriter;

/// A row of `orders.csv`. Times are in seconds since the start of the replication.
#[derive(Debug, Serialize)]
struct OrderRow<'n> {
    order: u64,
    producer: &'n str,
    class: &'n str,
    entered: f64,
    left: f64,
    latency: f64,
    waiting_time: f64,
    processing_time: f64,
    outcome: String,
}

/// Writes each order as it leaves, so that any number of them takes no memory.
pub(super) struct OrderFile<'n> {
    network: &'n Network,
    writer: csv::Writer<BufWriter<File>>,
    result: Result<(), csv::Error>,
}

impl<'n> OrderFile<'n> {
    /// Runs the first replication once more and writes all its orders, in the order in which they
    /// leave; those still in flight at the end are not among them.
    pub(super) fn write(network: &'n Network, folder: &Staged) -> Result<(), Failure> {
        let path = folder.path("orders.csv")?;
        let failed = |error: csv::Error| {
            Failure::Io(
                format!("write {}", path.display()),
                std::io::Error::other(error),
            )
        };
        let file = File::create(&path).map_err(|error| failed(error.into()))?;
        let writer = csv::Writer::from_writer(BufWriter::new(file));
        let observer = OrderFile {
            network,
            writer,
            result: Ok(()),
        };
        let mut written = trace_replication(network, &Control::default(), observer);
        written.result.map_err(failed)?;
        written.writer.flush().map_err(|error| failed(error.into()))
    }
}

impl Observer for OrderFile<'_> {
    fn left(&mut self, record: &OrderRecord) {
        if self.result.is_err() {
            return;
        }
        self.result = self.writer.serialize(OrderRow {
            order: record.number,
            producer: &self.network.producers[record.producer as usize].name,
            class: &self.network.classes[record.class as usize].name,
            entered: record.entered,
            left: record.left,
            latency: record.left - record.entered,
            waiting_time: record.waiting,
            processing_time: record.processing,
            outcome: record.outcome.to_string(),
        });
    }
}
