//! How long orders take: the share that takes longer than t, measured and predicted.

use crate::chart::human;
use crate::chart::live;
use crate::chart::rows::{PIPELINE, interval, short};
use crate::chart::value::{
    Axis, Chart, Glyph, Marker, Measure, Panel, Point, Role, Scale, Series, Shape,
};
use crate::metric::{Metric, Statistic, TimeKind};
use crate::report::records::{DistributionRow, RunRecords};

/// What the shares of the latency are of.
pub(super) const ORDERS_LONGER: &str = "orders that take longer than t, log scale (%)";
/// Shares smaller than this are not shown.
const RAREST: f64 = 1e-6;

/// The latency distribution of the pipeline; none without its rows.
pub fn latency(records: &RunRecords) -> Option<Chart> {
    if let Some(run) = &records.live {
        return live::latency(records, run);
    }
    let points = rows(records, PIPELINE, "latency");
    if points.is_empty() {
        return None;
    }
    let panel = panel(
        records,
        share_axis(ORDERS_LONGER, &points),
        curves(records, &points),
    );
    let times = points.iter().map(|row| row.time);
    let limits = limits(records).into_iter().map(|(_, limit)| limit);
    Some(Chart {
        name: "latency".to_owned(),
        title: title(records),
        subtitle: "Share of completed orders whose latency, from entering to completion, is longer than t."
            .to_owned(),
        note: String::new(),
        x: time_axis("latency t", Scale::from_zero(times.chain(limits))),
        panels: vec![panel],
    })
}

/// The sojourn times of the stages, a panel each; none without rows of two stages, as the latency
/// says it all of one.
pub fn latency_stages(records: &RunRecords) -> Option<Chart> {
    let (stages, note) = records.main_stages();
    let mut panels = Vec::new();
    let mut times = Vec::new();
    for stage in &stages {
        let points = rows(records, stage.at, "sojourn_time");
        if points.is_empty() {
            continue;
        }
        times.extend(points.iter().map(|row| row.time).filter(|t| *t > 0.0));
        panels.push(Panel {
            title: stage.name.to_owned(),
            y: share_axis("longer", &points),
            series: curves(records, &points),
            markers: Vec::new(),
        });
    }
    if panels.len() < 2 {
        return None;
    }
    Some(Chart {
        name: "latency_stages".to_owned(),
        title: slowest(records),
        subtitle: "Share of visits whose sojourn time, waiting and service, is longer than t."
            .to_owned(),
        note,
        x: time_axis("sojourn time t, log scale", Scale::log_around(times)?),
        panels,
    })
}

fn rows<'a>(records: &'a RunRecords, at: &str, quantity: &str) -> Vec<&'a DistributionRow> {
    records
        .distributions
        .iter()
        .filter(|row| row.at == at && row.quantity == quantity)
        .filter(|row| row.time.is_finite() && row.ccdf.is_finite())
        .collect()
}

pub(super) fn time_axis(quantity: &str, scale: Scale) -> Axis {
    Axis {
        quantity: quantity.to_owned(),
        measure: Measure::Time,
        scale,
    }
}

fn share_axis(quantity: &str, points: &[&DistributionRow]) -> Axis {
    shares(quantity, points.iter().map(|row| row.ccdf))
}

/// The axis of shares, down to the rarest of these.
pub(super) fn shares(quantity: &str, shown: impl Iterator<Item = f64>) -> Axis {
    let rarest = shown
        .filter(|share| *share > 0.0)
        .fold(0.1, f64::min)
        .max(RAREST);
    Axis {
        quantity: quantity.to_owned(),
        measure: Measure::Share,
        scale: Scale::Log10 {
            low: 10f64.powf(rarest.log10().floor()),
            high: 1.0,
        },
    }
}

/// The measured line, and the predicted one over it.
fn curves(records: &RunRecords, points: &[&DistributionRow]) -> Vec<Series> {
    let measured: Vec<(f64, f64)> = points
        .iter()
        .filter(|row| row.ccdf > 0.0)
        .map(|row| (row.time, row.ccdf))
        .collect();
    let predicted: Vec<(f64, f64)> = points
        .iter()
        .filter_map(|row| Some((row.time, row.theory.filter(|v| v.is_finite())?)))
        .collect();
    let (whose, role) = records.measured_as();
    let mut curves = vec![Series::new(whose, role, Shape::Line(measured))];
    if !predicted.is_empty() {
        let kind = points.iter().find_map(|row| row.kind.as_deref());
        let label = format!("theory ({})", kind.unwrap_or("exact"));
        curves.push(Series::new(label, Role::Theory, Shape::Line(predicted)));
    }
    curves
}

/// The panel of the pipeline's latency, with quantiles and limits.
pub(super) fn panel(records: &RunRecords, y: Axis, mut series: Vec<Series>) -> Panel {
    let mut markers = Vec::new();
    let mut marks = Vec::new();
    for statistic in [Statistic::P50, Statistic::P99] {
        let metric = Metric::Time(TimeKind::Latency, statistic);
        let known = records.row(PIPELINE, metric);
        if let Some((row, at)) = known.and_then(|row| Some((row, row.mean?))) {
            let share = 1.0 - statistic.probability().unwrap_or(0.0);
            marks.push(Point::at(at, share).between(interval(row)));
            let name = if statistic == Statistic::P50 {
                "p50"
            } else {
                "p99"
            };
            markers.push(Marker::Vertical {
                at,
                label: format!("{name} {}", human::figure(Measure::Time, at)),
                role: Role::Context,
            });
        }
    }
    for (metric, at) in limits(records) {
        let (_, name) = metric.split_once('_').unwrap_or(("", "mean"));
        markers.push(Marker::Vertical {
            at,
            label: format!("limit of {name} {}", human::figure(Measure::Time, at)),
            role: Role::Limit,
        });
    }
    if !marks.is_empty() {
        let label = format!("p50 and p99 with {} interval", records.level());
        series.push(Series::new(
            label,
            records.measured_as().1,
            Shape::Points(Glyph::Disc, marks),
        ));
    }
    Panel {
        title: String::new(),
        y,
        series,
        markers,
    }
}

pub(super) fn limits(records: &RunRecords) -> Vec<(&str, f64)> {
    let of_latency = |row: &&crate::report::records::LimitRow| {
        row.at == PIPELINE && row.metric.starts_with("latency") && row.limit.is_finite()
    };
    let limits = records.limits.iter().filter(of_latency);
    limits.map(|row| (row.metric.as_str(), row.limit)).collect()
}

fn title(records: &RunRecords) -> String {
    let p99 = Metric::Time(TimeKind::Latency, Statistic::P99);
    let Some(measured) = records.measured(PIPELINE, p99) else {
        return "How long orders take".to_owned();
    };
    let finding = format!(
        "99\u{a0}% of orders complete within {}",
        human::figure(Measure::Time, measured)
    );
    let theory = records.predicted(PIPELINE, p99).map(|v| ("theory says", v));
    let limit = records.limit(PIPELINE, p99).map(|v| ("the limit is", v));
    let besides: Vec<String> = [theory, limit]
        .into_iter()
        .flatten()
        .map(|(words, value)| format!("{words} {}", human::figure(Measure::Time, value)))
        .collect();
    match besides.is_empty() {
        true => finding,
        false => format!("{finding}; {}", besides.join(", ")),
    }
}

fn slowest(records: &RunRecords) -> String {
    let p99 = Metric::Time(TimeKind::Sojourn, Statistic::P99);
    let found = records
        .stages()
        .into_iter()
        .filter_map(|stage| Some((records.measured(stage.at, p99)?, stage.name)))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    found.map_or_else(
        || "How long a visit to each stage takes".to_owned(),
        |(time, name)| {
            let time = human::figure(Measure::Time, time);
            let name = short(name);
            format!("{name} has the longest visits: 99\u{a0}% are over within {time}")
        },
    )
}
