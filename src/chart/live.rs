//! A live run beside its simulated twins: latencies in one picture, by how much orders were later than their
//! twins, and how many waited in the queues.

use crate::chart::human;
use crate::chart::latency::{ORDERS_LONGER, limits, panel, shares, time_axis};
use crate::chart::queue_length::{group_means, over_time, warmup};
use crate::chart::rows::{PIPELINE, Stage, short};
use crate::chart::value::{Axis, Chart, Measure, Panel, Role, Scale, Series, Shape};
use crate::metric::{Metric, Statistic, TimeKind};
use crate::report::live::records::{DepthRow, DifferenceRow, LiveDistributionRow, LiveRecords};
use crate::report::records::RunRecords;

/// What the twins are called.
const TWIN: &str = "twin";
const AS_IT_WAS: &str = "twin as it was";
/// Beyond this quantile single orders show.
const LAST: f64 = 0.9985;
/// Differences below this share of the largest say nothing more on a logarithmic axis.
const DECADES: f64 = 1e-4;

/// The latency distribution of the pipeline, live, simulated and predicted; none without its rows.
pub(super) fn latency(records: &RunRecords, run: &LiveRecords) -> Option<Chart> {
    let rows: Vec<&LiveDistributionRow> = run
        .distributions
        .iter()
        .filter(|row| row.at == PIPELINE && row.quantity == "latency")
        .filter(|row| row.time.is_finite() && row.live.is_finite())
        .collect();
    if rows.is_empty() {
        return None;
    }
    let times = rows.iter().map(|row| row.time);
    let limits = limits(records).into_iter().map(|(_, limit)| limit);
    let y = shares(ORDERS_LONGER, rows.iter().map(|row| row.live));
    Some(Chart {
        name: "latency".to_owned(),
        title: latency_title(records, run),
        subtitle: "Share of completed orders whose latency, from entering to completion, is longer than t. The \
                   twin is the same orders simulated; as it was: sent when they really were, with work as long \
                   as it really took."
            .to_owned(),
        note: String::new(),
        x: time_axis("latency t", Scale::from_zero(times.chain(limits))),
        panels: vec![panel(records, y, curves(&rows))],
    })
}

/// The twins below, the live line over them, and the predicted one over all.
fn curves(rows: &[&LiveDistributionRow]) -> Vec<Series> {
    let line = |of: fn(&LiveDistributionRow) -> Option<f64>| {
        let points = rows.iter().filter_map(|row| Some((row.time, of(row)?)));
        points
            .filter(|(_, share)| share.is_finite() && *share > 0.0)
            .collect::<Vec<_>>()
    };
    let kind = rows.iter().find_map(|row| row.kind.as_deref());
    let theory = format!("theory ({})", kind.unwrap_or("exact"));
    let lines = [
        (TWIN, Role::Simulation, line(|row| row.twin)),
        (AS_IT_WAS, Role::Replayed, line(|row| row.replayed)),
        ("live", Role::Live, line(|row| Some(row.live))),
        (theory.as_str(), Role::Theory, line(|row| row.theory)),
    ];
    let drawn = lines
        .into_iter()
        .filter(|(_, _, points)| !points.is_empty());
    drawn
        .map(|(label, role, points)| Series::new(label, role, Shape::Line(points)))
        .collect()
}

fn latency_title(records: &RunRecords, run: &LiveRecords) -> String {
    let p99 = Metric::Time(TimeKind::Latency, Statistic::P99);
    let name = p99.to_string();
    let row = run
        .figures
        .iter()
        .find(|row| row.at == PIPELINE && row.metric == name);
    let Some((row, live)) = row.and_then(|row| Some((row, row.live?))) else {
        return "How long orders take, live and simulated".to_owned();
    };
    let besides = [
        ("the twin's do within", row.twin),
        ("theory says", row.theory),
        ("the limit is", records.limit(PIPELINE, p99)),
    ];
    let besides: Vec<String> = besides
        .into_iter()
        .filter_map(|(words, value)| {
            let value = human::figure(Measure::Time, value.filter(|v| v.is_finite())?);
            Some(format!("{words} {value}"))
        })
        .collect();
    let finding = format!(
        "Live, 99\u{a0}% of orders complete within {}",
        human::figure(Measure::Time, live)
    );
    match besides.is_empty() {
        true => finding,
        false => format!("{finding}; {}", besides.join(", ")),
    }
}

/// By how much orders were done later than their twins; none where none was later.
pub fn later_than_twin(records: &RunRecords) -> Option<Chart> {
    let rows: Vec<(f64, &DifferenceRow)> = records
        .live
        .as_ref()?
        .differences
        .iter()
        .filter_map(|row| Some((row.p?, row)))
        .collect();
    let curve = |of: fn(&DifferenceRow) -> Option<f64>| {
        let points = rows.iter().filter(|(p, _)| *p < LAST);
        let points = points.filter_map(|(p, row)| Some((of(row)?, 1.0 - p)));
        points.filter(|(later, _)| later.is_finite()).collect()
    };
    let twin: Vec<(f64, f64)> = curve(|row| row.twin);
    let replayed: Vec<(f64, f64)> = curve(|row| row.replayed);
    let all = || twin.iter().chain(&replayed).map(|(later, _)| *later);
    let top = all().fold(0.0, f64::max);
    let scale = Scale::log_around(all().filter(|later| *later >= DECADES * top))?;
    let y = shares(
        "orders that were later by more than t, log scale (%)",
        twin.iter().chain(&replayed).map(|(_, share)| *share),
    );
    Some(Chart {
        name: "later_than_twin".to_owned(),
        title: later_title(&rows),
        subtitle: "Order by order: when the live order was completed, less when its twin was. The twin keeps the \
                   intended times; as it was, it was sent and worked on as the live order really was, so that what \
                   is left is the broker."
            .to_owned(),
        note: before(&twin, &replayed),
        x: time_axis("later by t, log scale", scale),
        panels: vec![Panel {
            title: String::new(),
            y,
            series: vec![
                Series::new("than the twin", Role::Simulation, Shape::Line(twin)),
                Series::new("than the twin as it was", Role::SimulationPart, Shape::Line(replayed)),
            ],
            markers: Vec::new(),
        }],
    })
}

/// Of the orders that were not later, which a logarithmic axis does not show.
fn before(twin: &[(f64, f64)], replayed: &[(f64, f64)]) -> String {
    let share = |points: &[(f64, f64)]| {
        let later = points.iter().filter(|(later, _)| *later > 0.0);
        1.0 - later.map(|(_, share)| *share).fold(0.0, f64::max)
    };
    let (twin, replayed) = (share(twin), share(replayed));
    if twin.max(replayed) < 0.005 {
        return String::new();
    }
    format!(
        "Not shown: {} of the orders were not later than the twin, {} not later than the twin as it was.",
        human::percent(twin),
        human::percent(replayed)
    )
}

fn later_title(rows: &[(f64, &DifferenceRow)]) -> String {
    let at = |p: f64| {
        let row = rows.iter().find(|(q, _)| (q - p).abs() < 1e-9)?;
        row.1.replayed.filter(|later| later.is_finite())
    };
    let Some((half, worst)) = at(0.5).zip(at(0.99)) else {
        return "By how much orders are later than their twins".to_owned();
    };
    let time = |later: f64| human::figure(Measure::Time, later);
    let most = if half > 0.0 {
        format!("later by {} or more", time(half))
    } else {
        "no later".to_owned()
    };
    let few = if worst > 0.0 {
        format!("; 1\u{a0}% are later by {} or more", time(worst))
    } else {
        String::new()
    };
    format!("Against the twin as it was, half of the orders are {most}{few}")
}

/// How many wait in the queues as time goes by, a panel for each stage; none without looks at them.
pub fn queue_depth(records: &RunRecords) -> Option<Chart> {
    let run = records.live.as_ref()?;
    let (stages, note) = records.main_stages();
    let panels: Vec<Panel> = stages
        .iter()
        .filter_map(|stage| depth_panel(records, run, stage))
        .collect();
    let subtitle = format!(
        "Looks at the queues from time to time: messages that the broker says are waiting, orders that were sent \
         and are with no consumer, and those that wait at the twin{}.",
        if panels.len() > 1 {
            "; every stage has its own scale"
        } else {
            ""
        }
    );
    let times = run.depths.iter().map(|row| row.time);
    over_time(records, times, panels, |x, panels| Chart {
        name: "queue_depth".to_owned(),
        title: depth_title(run, &stages, records.warmup),
        subtitle,
        note,
        x,
        panels,
    })
}

fn depth_panel(records: &RunRecords, run: &LiveRecords, stage: &Stage) -> Option<Panel> {
    let path = |of: fn(&DepthRow) -> Option<f64>| {
        let here = run.depths.iter().filter(|row| row.at == stage.at);
        let points: Vec<(f64, f64)> = here
            .filter_map(|row| Some((row.time, of(row)?)))
            .filter(|(time, depth)| time.is_finite() && depth.is_finite())
            .collect();
        if points.is_empty() {
            return Vec::new();
        }
        group_means(&points)
    };
    let lines = [
        (TWIN, Role::Simulation, path(|row| row.twin)),
        (
            "sent, with no consumer",
            Role::Dequeue,
            path(|row| Some(row.sent as f64)),
        ),
        (
            "waiting, says the broker",
            Role::Live,
            path(|row| row.broker.map(|depth| depth as f64)),
        ),
    ];
    let drawn = lines
        .into_iter()
        .filter(|(_, _, points)| !points.is_empty());
    let series: Vec<Series> = drawn
        .map(|(label, role, points)| Series::new(label, role, Shape::Step(points)))
        .collect();
    let depths = series.iter().flat_map(|series| match &series.shape {
        Shape::Step(points) => points.as_slice(),
        _ => &[],
    });
    let scale = Scale::from_zero(depths.map(|(_, depth)| *depth));
    (!series.is_empty()).then(|| Panel {
        title: stage.name.to_owned(),
        y: Axis {
            quantity: "orders waiting".to_owned(),
            measure: Measure::Orders,
            scale,
        },
        series,
        markers: warmup(records),
    })
}

/// Averages after the warm-up, as everywhere.
fn depth_title(run: &LiveRecords, stages: &[Stage], warmup: f64) -> String {
    let mean = |at: &str, of: fn(&DepthRow) -> Option<f64>| {
        let here = run
            .depths
            .iter()
            .filter(|row| row.at == at && row.time >= warmup);
        let (count, sum) = here
            .filter_map(of)
            .fold((0_u32, 0.0), |(count, sum), depth| (count + 1, sum + depth));
        (count > 0).then(|| sum / f64::from(count))
    };
    let sent = stages
        .iter()
        .filter_map(|stage| Some((mean(stage.at, |row| Some(row.sent as f64))?, stage)));
    let Some((sent, stage)) = sent.max_by(|a, b| a.0.total_cmp(&b.0)) else {
        return "How many wait in the queues".to_owned();
    };
    let broker = mean(stage.at, |row| row.broker.map(|depth| depth as f64));
    let number = |number: f64| human::figure(Measure::Orders, number);
    let name = short(stage.name);
    let twin = mean(stage.at, |row| row.twin).map_or(String::new(), |twin| {
        format!("; {} at the twin", number(twin))
    });
    format!(
        "{} orders wait at {name} on average{twin}",
        number(broker.unwrap_or(sent))
    )
}
