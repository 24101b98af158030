//! The rows of a live run's own CSV files, made from its report.

use super::records::{
    DelayRow, DepthRow, DifferenceRow, LiveDistributionRow, LiveRecords, LiveRow,
};
use super::{LiveReport, above, figure};
use crate::live::{Delay, Delays};
use crate::metric::{Metric, TimeKind};
use crate::network::{Place, StageId};
use crate::report::build::points;
use crate::report::comparison::Line;
use crate::sim::{PlaceResult, SimResult};
use crate::stats::Histogram;

/// All rows.
pub(super) fn records(report: &LiveReport) -> LiveRecords {
    let lines = report.report.comparison.lines.iter();
    LiveRecords {
        system: report.facts().name(),
        figures: lines.map(|line| row(report, line)).collect(),
        distributions: distributions(report),
        differences: differences(report),
        delays: delays(report),
        depths: depths(report),
    }
}

fn row(report: &LiveReport, line: &Line) -> LiveRow {
    let live = line.measured.as_ref().map(|measured| measured.point);
    let twin = figure(&report.twin, line.place, line.metric);
    let replayed = figure(&report.replayed, line.place, line.metric);
    let interval = line.interval(report.report.comparison.confidence);
    LiveRow {
        at: report.report.network.place_name(line.place),
        metric: line.metric.to_string(),
        unit: line.metric.unit().symbol().to_owned(),
        live,
        twin,
        replayed,
        low: interval.map(|i| i.low),
        high: interval.map(|i| i.high),
        theory: line.theory.map(|figure| figure.value),
        kind: line.theory.map(|figure| figure.kind.to_string()),
        difference_twin: above(live, twin),
        difference_replayed: above(live, replayed),
        verdict: line.verdict.name().to_owned(),
    }
}

/// Points of every live distribution at the pipeline and the stages, with the twins' and theory's beside;
/// also where a backlog grows, as the twins' grows with it.
fn distributions(report: &LiveReport) -> Vec<LiveDistributionRow> {
    let live = report.live();
    let places = live.into_iter().flat_map(|live| &live.places);
    let whole = places.filter(|result| !matches!(result.place, Place::Class(..)));
    let of_kinds = |result: &PlaceResult| {
        let kinds = result.distributions.iter();
        let rows = kinds.flat_map(|(kind, times)| distribution(report, result.place, *kind, times));
        rows.collect::<Vec<_>>()
    };
    whole.flat_map(of_kinds).collect()
}

fn distribution(
    report: &LiveReport,
    place: Place,
    kind: TimeKind,
    live: &Histogram,
) -> Vec<LiveDistributionRow> {
    let at = report.report.network.place_name(place);
    let quantity = Metric::mean(kind).to_string();
    let growing = report
        .report
        .comparison
        .growing()
        .any(|grows| grows == place);
    let curve = report.report.theory.curve(place, kind).filter(|_| !growing);
    let beside = |run: &SimResult, time: f64| {
        let times = run.at(place)?.distributions.get(&kind)?;
        Some(times.ccdf(time)).filter(|share| share.is_finite())
    };
    let row = |time| LiveDistributionRow {
        at: at.clone(),
        quantity: quantity.clone(),
        time,
        live: live.ccdf(time),
        twin: beside(&report.twin, time),
        replayed: beside(&report.replayed, time),
        theory: curve.map(|curve| curve.at(time)),
        kind: curve.map(|curve| curve.kind.to_string()),
    };
    let of = |run: &'_ SimResult| Some(points(run.at(place)?.distributions.get(&kind)?));
    let twins = [of(&report.twin), of(&report.replayed)];
    let mut times = points(live);
    times.extend(twins.into_iter().flatten().flatten());
    times.sort_by(f64::total_cmp);
    times.dedup();
    times.into_iter().map(row).collect()
}

/// Every hundredth, and the tails finer.
fn probabilities() -> impl Iterator<Item = f64> {
    let fine = [0.001, 0.002, 0.005];
    let tail = fine.into_iter().rev().map(|p| 1.0 - p);
    let body = (1..100).map(|percent| f64::from(percent) / 100.0);
    std::iter::once(0.0)
        .chain(fine)
        .chain(body)
        .chain(tail)
        .chain(std::iter::once(1.0))
}

fn differences(report: &LiveReport) -> Vec<DifferenceRow> {
    let (twin, replayed) = (&report.to_twin, &report.to_replayed);
    let mean = DifferenceRow {
        statistic: "mean".to_owned(),
        p: None,
        twin: twin.mean(),
        replayed: replayed.mean(),
    };
    let quantile = |p| DifferenceRow {
        statistic: "quantile".to_owned(),
        p: Some(p),
        twin: twin.quantile(p),
        replayed: replayed.quantile(p),
    };
    std::iter::once(mean)
        .chain(probabilities().map(quantile))
        .collect()
}

fn delays(report: &LiveReport) -> Vec<DelayRow> {
    let (run, network) = (&report.run, &report.report.network);
    let row = |stage: &str, phase: &str, kind: Delay, delays: &Delays| DelayRow {
        stage: stage.to_owned(),
        phase: phase.to_owned(),
        kind: kind.name().to_owned(),
        count: delays.count(),
        mean: delays.mean(),
        deviation: delays.deviation(),
        p50: delays.quantile(0.5),
        p90: delays.quantile(0.9),
        p99: delays.quantile(0.99),
        max: delays.quantile(1.0),
    };
    let name = |stage| network.place_name(Place::Stage(StageId(stage)));
    let overshoot = &run.fitness.overshoot;
    let mut rows = vec![row("", "before", Delay::Overshoot, overshoot)];
    for (stage, handover) in run.fitness.handover.iter().enumerate() {
        rows.push(row(&name(stage), "before", Delay::Idle, handover));
    }
    for (stage, of_stage) in run.delays.iter().enumerate() {
        let kinds = Delay::ALL.into_iter();
        rows.extend(kinds.map(|kind| row(&name(stage), "run", kind, of_stage.of(kind))));
    }
    rows
}

fn depths(report: &LiveReport) -> Vec<DepthRow> {
    let timeline = &report.twin.timeline;
    let waiting = |time: f64, stage: usize| {
        let slice = (time / timeline.width).floor() as usize;
        let slice = timeline
            .slices
            .get(slice.min(timeline.slices.len().checked_sub(1)?))?;
        Some(slice.get(stage + 1)?.waiting_area / timeline.width)
    };
    let points = report.run.depths.iter().map(|point| {
        let stage = point.stage as usize;
        DepthRow {
            time: point.time,
            at: report
                .report
                .network
                .place_name(Place::Stage(StageId(stage))),
            broker: point.broker,
            sent: point.sent,
            twin: waiting(point.time, stage),
        }
    });
    points.collect()
}
