//! How many orders wait at each stage as time goes by, the warm-up shaded.

use crate::chart::human;
use crate::chart::rows::{Stage, list, short};
use crate::chart::value::{Axis, Chart, Marker, Measure, Panel, Role, Scale, Series, Shape};
use crate::metric::Metric;
use crate::report::records::{RunRecords, TimeRow};

/// Queue length over time, a panel for each stage; none without rows.
pub fn queue_length(records: &RunRecords) -> Option<Chart> {
    let (stages, note) = records.main_stages();
    let panels: Vec<Panel> = stages
        .iter()
        .filter_map(|stage| panel(records, stage))
        .collect();
    let subtitle = format!(
        "Orders waiting for a consumer, averaged over {}{}.",
        records.averaged_over(),
        if panels.len() > 1 {
            "; every stage has its own scale"
        } else {
            ""
        }
    );
    let times = records.timeseries.iter().map(|row| row.time);
    over_time(records, times, panels, |x, panels| Chart {
        name: "queue_length".to_owned(),
        title: title(records),
        subtitle,
        note,
        x,
        panels,
    })
}

/// A chart of stages as time goes by, a panel for each: none without panels or time; the only panel needs
/// no title of its own.
pub(super) fn over_time(
    records: &RunRecords,
    times: impl Iterator<Item = f64>,
    mut panels: Vec<Panel>,
    chart: impl FnOnce(Axis, Vec<Panel>) -> Chart,
) -> Option<Chart> {
    let end = times.filter(|t| t.is_finite()).fold(0.0, f64::max);
    if panels.is_empty() || end <= 0.0 {
        return None;
    }
    if let [only] = panels.as_mut_slice() {
        only.title.clear();
    }
    let scale = Scale::Linear {
        low: 0.0,
        high: end,
    };
    let x = Axis {
        quantity: match records.live {
            None => "virtual time",
            Some(_) => "time of the run",
        }
        .to_owned(),
        measure: Measure::Time,
        scale,
    };
    Some(chart(x, panels))
}

fn panel(records: &RunRecords, stage: &Stage) -> Option<Panel> {
    let rows: Vec<&TimeRow> = records
        .timeseries
        .iter()
        .filter(|row| row.at == stage.at && row.queue_length.is_finite())
        .collect();
    let last = rows.last()?.time;
    let (whose, role) = records.measured_as();
    let mut series = vec![Series::new(whose, role, Shape::Step(steps(&rows)))];
    let expected = expected(&rows);
    let over_time = !expected.is_empty();
    let mean = records.predicted(stage.at, Metric::QueueLength);
    let growth = records.predicted(stage.at, Metric::BacklogGrowth);
    if over_time {
        let label = "theory, expected over time";
        series.push(Series::new(
            label,
            Role::Theory,
            Shape::Line(expected.clone()),
        ));
    }
    let theory = match (growth.filter(|_| records.grows(stage.at)), mean) {
        (Some(rate), _) => Some(("growth by theory, λ − cμ", (0.0, rate * last))),
        (None, Some(mean)) => Some(("theory, steady state", (mean, mean))),
        (None, None) => None,
    };
    series.extend(theory.filter(|_| !over_time).map(|(label, (from, to))| {
        Series::new(
            label,
            Role::Theory,
            Shape::Line(vec![(0.0, from), (last, to)]),
        )
    }));
    let tops = steps(&rows)
        .into_iter()
        .chain(expected)
        .map(|(_, length)| length)
        .chain(mean);
    Some(Panel {
        title: stage.name.to_owned(),
        y: Axis {
            quantity: "orders waiting".to_owned(),
            measure: Measure::Orders,
            scale: Scale::from_zero(tops),
        },
        series,
        markers: warmup(records),
    })
}

/// What theory expects in the middle of each group of rows; empty where it knows nothing over time.
fn expected(rows: &[&TimeRow]) -> Vec<(f64, f64)> {
    let first = rows.first().map_or(0.0, |row| row.time);
    let each = rows.chunks(rows.len().div_ceil(STEPS)).map(|group| {
        let lengths: Option<Vec<f64>> = group.iter().map(|row| row.queue_length_theory).collect();
        let lengths = lengths?;
        let (from, to) = (group.first()?.time - first, group.last()?.time);
        let mean = lengths.iter().sum::<f64>() / lengths.len() as f64;
        Some((0.5 * (from + to), mean))
    });
    each.collect::<Option<Vec<_>>>().unwrap_or_default()
}

/// More steps than this would only blacken the panel.
const STEPS: usize = 125;

fn steps(rows: &[&TimeRow]) -> Vec<(f64, f64)> {
    let lengths = rows.iter().map(|row| (row.time, row.queue_length));
    group_means(&lengths.collect::<Vec<_>>())
}

/// Corners of the steps: each point tells the average up to its time. Neighbouring ones are averaged
/// where there are too many.
pub(super) fn group_means(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let groups: Vec<&[(f64, f64)]> = points.chunks(points.len().div_ceil(STEPS)).collect();
    let end = |group: &[(f64, f64)]| group.last().map_or(0.0, |(time, _)| *time);
    let mean = |group: &[(f64, f64)]| {
        group.iter().map(|(_, value)| value).sum::<f64>() / group.len() as f64
    };
    let starts = std::iter::once(0.0).chain(groups.iter().map(|group| end(group)));
    let mut corners: Vec<(f64, f64)> = starts
        .zip(&groups)
        .map(|(start, group)| (start, mean(group)))
        .collect();
    corners.extend(groups.last().map(|group| (end(group), mean(group))));
    corners
}

pub(super) fn warmup(records: &RunRecords) -> Vec<Marker> {
    let shown = records.warmup > 0.0 && records.warmup.is_finite();
    let span = shown.then(|| Marker::Span {
        from: 0.0,
        to: records.warmup,
        label: format!(
            "warm-up, {}, left out of the averages",
            human::figure(Measure::Time, records.warmup)
        ),
    });
    span.into_iter().collect()
}

fn title(records: &RunRecords) -> String {
    let stages = records.stages();
    let growing: Vec<(f64, &str)> = stages
        .iter()
        .filter(|stage| records.grows(stage.at))
        .filter_map(|stage| {
            let rate = records.measured(stage.at, Metric::BacklogGrowth)?;
            Some((rate, stage.name))
        })
        .collect();
    match growing.as_slice() {
        [] => longest(records, &stages),
        [(rate, name)] => format!(
            "The queue at {} grows by {} and never settles",
            short(name),
            human::figure(Measure::Rate, *rate)
        ),
        many => {
            let names: Vec<&str> = many.iter().map(|(_, name)| *name).collect();
            format!("The queues at {} grow and never settle", list(&names))
        }
    }
}

fn longest(records: &RunRecords, stages: &[Stage]) -> String {
    let lengths = stages
        .iter()
        .filter_map(|stage| Some((records.measured(stage.at, Metric::QueueLength)?, stage.name)));
    match lengths.max_by(|a, b| a.0.total_cmp(&b.0)) {
        None => "How the queues change over time".to_owned(),
        Some((length, name)) => {
            let stage = stages.iter().find(|stage| stage.name == name);
            if let Some((at, top)) = stage.and_then(|stage| peak(records, stage.at, length)) {
                let (name, top) = (short(name), human::figure(Measure::Orders, top));
                let at = human::figure(Measure::Time, at);
                return format!("The queue at {name} peaks at {top} orders after {at}");
            }
            let name = short(name);
            let length = human::figure(Measure::Orders, length);
            match stages.len() {
                1 => format!("{length} orders wait at {name} on average"),
                _ => format!("The longest queue is at {name}: {length} orders on average"),
            }
        }
    }
}

/// A hill that an average says nothing of: when the queue is longest and how long it is then, if that
/// is several times the average and there is no steady state that it could be chance in.
fn peak(records: &RunRecords, at: &str, average: f64) -> Option<(f64, f64)> {
    const HILL: f64 = 3.0;
    let rows: Vec<&TimeRow> = records
        .timeseries
        .iter()
        .filter(|row| row.at == at)
        .collect();
    let steady = records.predicted(at, Metric::QueueLength).is_some() && expected(&rows).is_empty();
    if rows.is_empty() || steady {
        return None;
    }
    let highest = steps(&rows)
        .into_iter()
        .max_by(|a, b| a.1.total_cmp(&b.1))?;
    (highest.1 > HILL * average).then_some(highest)
}
