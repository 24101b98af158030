//! What the JSON document says of a live run besides what it says of any.

use super::records::{DelayRow, DepthRow, LiveRecords};
use super::{Difference, LiveReport, build};
use crate::report::manifest::LiveFacts;
use serde::Serialize;
use std::collections::BTreeMap;

/// The quantiles that the document has of a difference.
const QUANTILES: [f64; 9] = [0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0];

/// The section `live`.
#[derive(Debug, Serialize)]
pub(in crate::report) struct LiveSection {
    #[serde(flatten)]
    facts: LiveFacts,
    /// Simulated runs of this length that the intervals are made of.
    single_runs: u64,
    /// Figures of the twins: place, then metric.
    figures: BTreeMap<String, BTreeMap<String, Twins>>,
    later_than_twin: Later,
    later_than_replayed: Later,
    delays: Vec<DelayRow>,
    depths: Vec<DepthSummary>,
}

#[derive(Debug, Serialize)]
struct Twins {
    unit: String,
    live: Option<f64>,
    twin: Option<f64>,
    replayed: Option<f64>,
    difference_twin: Option<f64>,
    difference_replayed: Option<f64>,
}

/// By how many seconds completed orders were later, order by order.
#[derive(Debug, Serialize)]
struct Later {
    orders: usize,
    mean: Option<f64>,
    quantiles: Vec<Quantile>,
}

#[derive(Debug, Serialize)]
struct Quantile {
    p: f64,
    seconds: Option<f64>,
}

/// How many waited at a stage, of all looks at its queue.
#[derive(Debug, Serialize)]
struct DepthSummary {
    stage: String,
    looks: usize,
    broker_mean: Option<f64>,
    broker_max: Option<u64>,
    sent_mean: Option<f64>,
    sent_max: Option<u64>,
    twin_mean: Option<f64>,
}

impl LiveSection {
    pub(in crate::report) fn new(report: &LiveReport) -> LiveSection {
        let records = build::records(report);
        LiveSection {
            facts: report.facts(),
            single_runs: report.single_runs,
            figures: figures(&records),
            later_than_twin: later(&report.to_twin),
            later_than_replayed: later(&report.to_replayed),
            depths: depths(&records.depths),
            delays: records.delays,
        }
    }
}

fn figures(records: &LiveRecords) -> BTreeMap<String, BTreeMap<String, Twins>> {
    let mut figures: BTreeMap<String, BTreeMap<String, Twins>> = BTreeMap::new();
    for row in &records.figures {
        let twins = Twins {
            unit: row.unit.clone(),
            live: row.live,
            twin: row.twin,
            replayed: row.replayed,
            difference_twin: row.difference_twin,
            difference_replayed: row.difference_replayed,
        };
        let place = figures.entry(row.at.clone()).or_default();
        place.insert(row.metric.clone(), twins);
    }
    figures
}

fn later(difference: &Difference) -> Later {
    let quantile = |p| Quantile {
        p,
        seconds: difference.quantile(p),
    };
    Later {
        orders: difference.orders(),
        mean: difference.mean(),
        quantiles: QUANTILES.into_iter().map(quantile).collect(),
    }
}

fn depths(rows: &[DepthRow]) -> Vec<DepthSummary> {
    let mut stages: Vec<&str> = Vec::new();
    for row in rows {
        if !stages.contains(&row.at.as_str()) {
            stages.push(&row.at);
        }
    }
    let summary = |stage: &str| {
        let here = || rows.iter().filter(|row| row.at == stage);
        let broker = || here().filter_map(|row| row.broker);
        DepthSummary {
            stage: stage.to_owned(),
            looks: here().count(),
            broker_mean: mean(broker().map(|depth| depth as f64)),
            broker_max: broker().max(),
            sent_mean: mean(here().map(|row| row.sent as f64)),
            sent_max: here().map(|row| row.sent).max(),
            twin_mean: mean(here().filter_map(|row| row.twin)),
        }
    };
    stages.into_iter().map(summary).collect()
}

/// The mean; none of nothing.
fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0_u64, 0.0), |(count, sum), x| (count + 1, sum + x));
    (count > 0).then(|| sum / count as f64)
}
