//! The rows of the CSV files, made from a simulation and its comparison.

use super::comparison::{Comparison, Line};
use super::records::{DistributionRow, LimitRow, MetricRow, ReplicationRow, StaffRow, TimeRow};
use crate::metric::Metric;
use crate::network::{Network, Place, Slo, SloBound, StageId};
use crate::sim::{PlaceResult, SimResult, Slice};
use crate::stats::Histogram;
use crate::theory::{Curve, NetworkTheory};

/// Rows of `metrics.csv`: one for every line of the comparison.
pub fn metric_rows(
    network: &Network,
    theory: &NetworkTheory,
    comparison: &Comparison,
) -> Vec<MetricRow> {
    let row = |line: &Line| metric_row(network, theory, comparison, line);
    comparison.lines.iter().map(row).collect()
}

fn metric_row(
    network: &Network,
    theory: &NetworkTheory,
    comparison: &Comparison,
    line: &Line,
) -> MetricRow {
    let measured = line.measured.as_ref();
    let interval = line.interval(comparison.confidence);
    MetricRow {
        at: network.place_name(line.place),
        metric: line.metric.to_string(),
        unit: line.metric.unit().symbol().to_owned(),
        mean: measured.map(|m| m.point),
        low: interval.map(|i| i.low),
        high: interval.map(|i| i.high),
        theory: line.theory.map(|figure| figure.value),
        kind: line.theory.map(|figure| figure.kind.to_string()),
        difference: line.difference(),
        verdict: line.verdict.name().to_owned(),
        model: match line.place {
            Place::Pipeline => String::new(),
            Place::Stage(stage) | Place::Class(stage, _) => theory.model(stage).to_owned(),
        },
        formula: line
            .theory
            .map_or(line.why_not.clone(), |figure| figure.formula.to_owned()),
        reference: line
            .theory
            .map_or(String::new(), |figure| figure.reference.to_owned()),
    }
}

/// The limits that the objectives set.
pub fn limit_rows(network: &Network) -> Vec<LimitRow> {
    let row = |slo: &Slo| LimitRow {
        at: network.place_name(slo.at),
        metric: slo.metric.to_string(),
        limit: match slo.bound {
            SloBound::Below(limit) | SloBound::Above(limit) => limit,
        },
    };
    network.slos.iter().map(row).collect()
}

/// Rows of `replications.csv`: every replication's own figure.
pub fn replication_rows(network: &Network, sim: &SimResult) -> Vec<ReplicationRow> {
    let mut rows = Vec::new();
    for result in &sim.places {
        let at = network.place_name(result.place);
        for (metric, estimate) in &result.estimates {
            rows.extend(
                (0..)
                    .zip(&estimate.values)
                    .map(|(replication, value)| ReplicationRow {
                        at: at.clone(),
                        metric: metric.to_string(),
                        replication,
                        value: *value,
                    }),
            );
        }
    }
    rows
}

/// When every slice of the timeline ends, and whether it belongs to the warm-up.
fn slices(sim: &SimResult) -> impl Iterator<Item = (f64, &'static str, &Vec<Slice>)> {
    let slices = sim.timeline.slices.iter().enumerate();
    slices.map(|(index, slices)| {
        let time = (index + 1) as f64 * sim.timeline.width;
        let warming = time <= sim.start.warmup * (1.0 + 1e-12);
        (time, if warming { "warmup" } else { "measured" }, slices)
    })
}

/// Rows of `staff.csv`: the stages where staff changes or fails, slice by slice.
pub fn staff_rows(network: &Network, sim: &SimResult) -> Vec<StaffRow> {
    let unit = sim.timeline.width * sim.timeline.replications as f64;
    let ids = (0..network.stages.len()).map(StageId);
    let told: Vec<StageId> = ids
        .filter(|id| network.staffing_changes(*id) || network.can_be_down(*id))
        .collect();
    let row = |(time, phase, slices): (f64, &str, &Vec<Slice>), id: StageId| {
        let staff = slices[id.0 + 1].staff;
        StaffRow {
            time,
            at: network.place_name(Place::Stage(id)),
            phase: phase.to_owned(),
            consumers: staff.employed / unit,
            busy: staff.busy / unit,
            broken_down: staff.down / unit,
            broker_down: staff.broker_down / unit,
        }
    };
    let rows = slices(sim).flat_map(|slice| told.iter().map(move |id| row(slice, *id)));
    rows.collect()
}

/// Rows of `timeseries.csv`: the pipeline and every stage, slice by slice.
pub fn time_rows(network: &Network, theory: &NetworkTheory, sim: &SimResult) -> Vec<TimeRow> {
    let timeline = &sim.timeline;
    let unit = timeline.width * timeline.replications as f64;
    let mut rows = Vec::new();
    for (time, phase, slices) in slices(sim) {
        rows.extend(slices.iter().enumerate().map(|(place, slice)| TimeRow {
            time,
            at: network.place_name(timeline_place(place)),
            phase: phase.to_owned(),
            queue_length: slice.waiting_area / unit,
            number_in_system: slice.present_area / unit,
            arrival_rate: slice.arrivals / unit,
            throughput: slice.departures / unit,
            queue_length_theory: expected(theory, place, time - timeline.width, time),
        }));
    }
    rows
}

/// Lq between two times, where theory knows it over time.
fn expected(theory: &NetworkTheory, place: usize, from: f64, to: f64) -> Option<f64> {
    let Place::Stage(stage) = timeline_place(place) else {
        return None;
    };
    let waiting = theory.transient(stage)?.waiting_between(from, to);
    waiting.is_finite().then_some(waiting)
}

/// A timeline holds the pipeline first and then the stages.
fn timeline_place(index: usize) -> Place {
    match index.checked_sub(1) {
        None => Place::Pipeline,
        Some(stage) => Place::Stage(StageId(stage)),
    }
}

/// Rows of `latency.csv`: points of every measured distribution at the pipeline and the stages,
/// with theory beside. Places without a steady state have none.
pub fn distribution_rows(
    network: &Network,
    theory: &NetworkTheory,
    sim: &SimResult,
    comparison: &Comparison,
) -> Vec<DistributionRow> {
    let steady = |result: &&PlaceResult| {
        let growing = comparison.growing().any(|place| place == result.place);
        !matches!(result.place, Place::Class(..)) && !growing
    };
    let mut rows = Vec::new();
    for result in sim.places.iter().filter(steady) {
        let at = network.place_name(result.place);
        for (kind, histogram) in &result.distributions {
            let curve = theory.curve(result.place, *kind);
            rows.extend(points(histogram).into_iter().map(|time| DistributionRow {
                at: at.clone(),
                quantity: Metric::mean(*kind).to_string(),
                time,
                ccdf: histogram.ccdf(time),
                theory: curve.map(|curve| curve.at(time)),
                kind: curve.map(|curve: &Curve| curve.kind.to_string()),
            }));
        }
    }
    rows
}

/// Times at which a distribution is written down: evenly spaced in probability through the bulk,
/// then evenly in the logarithm of the tail as long as ten values lie beyond.
pub(super) fn points(histogram: &Histogram) -> Vec<f64> {
    if histogram.total() == 0 {
        return Vec::new();
    }
    let bulk = (1..50).map(|i| f64::from(i) / 50.0);
    let last = 10.0 / histogram.total() as f64;
    let tail = (0..)
        .map(|i| 0.02 * 10f64.powf(-f64::from(i) / 20.0))
        .take_while(|q| *q > last);
    let mut times: Vec<f64> = vec![0.0];
    times.extend(
        bulk.chain(tail.map(|q| 1.0 - q))
            .map(|p| histogram.quantile(p)),
    );
    times.dedup();
    times
}
