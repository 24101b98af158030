//! Where an order's time goes: end to end, and of a visit to each stage.

use crate::chart::human;
use crate::chart::rows::{PIPELINE, short};
use crate::chart::value::{
    Axis, Bar, Category, Chart, Glyph, Measure, Panel, Point, Role, Scale, Series, Shape,
};
use crate::metric::{Metric, TimeKind};
use crate::report::records::RunRecords;

/// The parts of an order's time, in the order in which it meets them.
const PARTS: [(&str, Role); 6] = [
    ("network", Role::Network),
    ("enqueue", Role::Enqueue),
    ("waiting", Role::Simulation),
    ("dequeue", Role::Dequeue),
    ("processing", Role::SimulationPart),
    ("retry delay", Role::Failure),
];
const WAITING: usize = 2;
const PROCESSING: usize = 4;

/// A bar: the time of a visit to a stage or of a whole order, in parts, measured and predicted.
struct Stay<'a> {
    name: &'a str,
    parts: [f64; PARTS.len()],
    predicted: Vec<f64>,
    heading: bool,
}

impl<'a> Stay<'a> {
    fn heading(name: &'a str) -> Stay<'a> {
        Stay {
            name,
            parts: [0.0; PARTS.len()],
            predicted: Vec::new(),
            heading: true,
        }
    }

    fn total(&self) -> f64 {
        self.parts.iter().sum()
    }
}

/// Mean waiting and processing time of a visit to each stage, and where there are more parts than these
/// the parts of an order's latency; none where nothing was measured.
pub fn where_time_goes(records: &RunRecords) -> Option<Chart> {
    let (stages, note) = records.main_stages();
    let visits: Vec<Stay> = stages
        .iter()
        .filter_map(|stage| visit(records, stage.at, stage.name))
        .collect();
    if visits.is_empty() {
        return None;
    }
    let whole = whole(records).filter(|whole| has_more_parts(whole));
    let (title, subtitle) = match &whole {
        Some(whole) => (title_of_parts(whole), SUBTITLE_OF_PARTS),
        None => (title(&visits), SUBTITLE),
    };
    let rows = match whole {
        Some(whole) => {
            let headings = ["completed order", "visit to a stage"].map(Stay::heading);
            let [first, second] = headings;
            let rows = [first, whole, second].into_iter();
            rows.chain(visits).collect()
        }
        None => visits,
    };
    let totals = rows.iter().map(Stay::total);
    let predicted = rows.iter().flat_map(|stay| stay.predicted.iter().copied());
    let scale = Scale::from_zero(totals.chain(predicted));
    let parts = rows.iter().any(|stay| stay.heading);
    Some(Chart {
        name: "where_time_goes".to_owned(),
        title,
        subtitle: subtitle.to_owned(),
        note,
        x: Axis {
            quantity: if parts {
                "mean time"
            } else {
                "mean time per visit"
            }
            .to_owned(),
            measure: Measure::Time,
            scale,
        },
        panels: vec![panel(&rows)],
    })
}

const SUBTITLE: &str =
    "Mean time of one visit: waiting for a consumer, then processing; theory marks each end.";
const SUBTITLE_OF_PARTS: &str = "Mean time of a completed order, end to end, and of one visit to each \
                                 stage, whose processing includes what interrupts it; theory marks ends.";

/// The latency of the completed orders in its parts, where they were measured.
fn whole(records: &RunRecords) -> Option<Stay<'static>> {
    let mut parts = [0.0; PARTS.len()];
    for (part, metric) in parts.iter_mut().zip(Metric::PARTS) {
        *part = records.measured(PIPELINE, metric)?.max(0.0);
    }
    let predicted = records.predicted(PIPELINE, Metric::mean(TimeKind::Latency));
    Some(Stay {
        name: "end to end",
        parts,
        predicted: predicted.into_iter().collect(),
        heading: false,
    })
}

/// Whether there is more than waiting and processing.
fn has_more_parts(stay: &Stay) -> bool {
    let parts = stay.parts.iter().enumerate();
    let mut others = parts.filter(|(part, _)| ![WAITING, PROCESSING].contains(part));
    others.any(|(_, time)| *time > 0.0)
}

fn visit<'a>(records: &RunRecords, at: &str, name: &'a str) -> Option<Stay<'a>> {
    let time = |kind| records.measured(at, Metric::mean(kind));
    let part = |metric| records.measured(at, metric).unwrap_or(0.0).max(0.0);
    let waiting = time(TimeKind::Waiting)?.max(0.0);
    let work = records
        .measured(at, Metric::ProcessingTime)
        .or_else(|| time(TimeKind::Service))?
        .max(0.0);
    // Where work can be interrupted, more than work follows the wait; where attempts fail, that is taken
    // for the delay until the next.
    let in_full = records.measured(PIPELINE, Metric::QueueingTime).is_some();
    let after = time(TimeKind::Sojourn).filter(|_| in_full);
    let after = after.map_or(work, |sojourn| (sojourn - waiting).max(0.0));
    let retried = records.measured(at, Metric::AttemptsPerMessage).is_some();
    let processing = if retried { work.min(after) } else { after };
    // Being handed over is the end of the wait.
    let dequeue = part(Metric::DequeueTime).min(waiting);
    let (network, enqueue) = (part(Metric::NetworkTime), part(Metric::EnqueueTime));
    let predicted = [TimeKind::Waiting, TimeKind::Sojourn]
        .into_iter()
        .filter_map(|kind| records.predicted(at, Metric::mean(kind)));
    Some(Stay {
        name,
        parts: [
            network,
            enqueue,
            waiting - dequeue,
            dequeue,
            processing,
            after - processing,
        ],
        predicted: predicted.map(|time| network + enqueue + time).collect(),
        heading: false,
    })
}

fn panel(stays: &[Stay]) -> Panel {
    let rows = || stays.iter().enumerate();
    let bar = |row, stay: &Stay, part: usize| {
        let from = stay.parts[..part].iter().sum();
        let to = stay.parts[..=part].iter().sum();
        Bar { row, from, to }
    };
    let mut series = Vec::new();
    for (part, (label, role)) in PARTS.into_iter().enumerate() {
        // Waiting and processing are always told apart, the other parts where there are any.
        let told = [WAITING, PROCESSING].contains(&part);
        if told || rows().any(|(_, stay)| stay.parts[part] > 0.0) {
            let stays = rows().filter(|(_, stay)| !stay.heading);
            let bars = stays.map(|(row, stay)| bar(row, stay, part)).collect();
            series.push(Series::new(label, role, Shape::Bars(bars)));
        }
    }
    let marks: Vec<Point> = rows()
        .flat_map(|(i, stay)| {
            let times = stay.predicted.iter();
            times.map(move |time| Point::at(*time, i as f64))
        })
        .collect();
    if !marks.is_empty() {
        let shape = Shape::Points(Glyph::Tick, marks);
        series.push(Series::new("theory", Role::Theory, shape));
    }
    Panel {
        title: String::new(),
        y: Axis {
            quantity: if stays.iter().any(|stay| stay.heading) {
                ""
            } else {
                "stage"
            }
            .to_owned(),
            measure: Measure::Name,
            scale: Scale::Categories(stays.iter().map(category).collect()),
        },
        series,
        markers: Vec::new(),
    }
}

fn category(stay: &Stay) -> Category {
    let time = |time: f64| human::figure(Measure::Time, time);
    let note = if stay.heading {
        String::new()
    } else if has_more_parts(stay) {
        time(stay.total())
    } else {
        let [waiting, processing] = [WAITING, PROCESSING].map(|part| time(stay.parts[part]));
        format!("{waiting} + {processing}")
    };
    Category {
        label: stay.name.to_owned(),
        note,
        heading: stay.heading,
    }
}

fn title(visits: &[Stay]) -> String {
    let total: f64 = visits.iter().map(Stay::total).sum();
    let waiting: f64 = visits.iter().map(|v| v.parts[WAITING]).sum();
    let longest = visits.iter().max_by(|a, b| a.total().total_cmp(&b.total()));
    let (Some(longest), true) = (longest, total > 0.0 && total.is_finite()) else {
        return "Where an order's time goes".to_owned();
    };
    let waiting = human::percent(waiting / total);
    let name = short(longest.name);
    match visits.len() {
        1 => format!("At {name}, {waiting} of an order's time is waiting"),
        _ => format!("{name} takes the longest; {waiting} of the time at all stages is waiting"),
    }
}

/// The two largest parts.
fn title_of_parts(whole: &Stay) -> String {
    let total = whole.total();
    let mut parts: Vec<(f64, &str)> = whole
        .parts
        .iter()
        .zip(PARTS)
        .map(|(time, (name, _))| (*time, name))
        .collect();
    parts.sort_by(|a, b| b.0.total_cmp(&a.0));
    let share = |(time, name): (f64, &str)| format!("{} is {name}", human::percent(time / total));
    format!(
        "Of an order's {}, {} and {}",
        human::figure(Measure::Time, total),
        share(parts[0]),
        share(parts[1])
    )
}
