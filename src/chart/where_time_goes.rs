//! Where an order's time goes: waiting and processing at each stage.

use crate::chart::human;
use crate::chart::rows::short;
use crate::chart::value::{
    Axis, Bar, Category, Chart, Glyph, Measure, Panel, Point, Role, Scale, Series, Shape,
};
use crate::metric::{Metric, TimeKind};
use crate::report::records::RunRecords;

/// What a visit to a stage takes, measured and predicted.
struct Visit<'a> {
    name: &'a str,
    waiting: f64,
    service: f64,
    predicted: [Option<f64>; 2],
}

/// Mean waiting and processing time of a visit to each stage; none where nothing was measured.
pub fn where_time_goes(records: &RunRecords) -> Option<Chart> {
    let (stages, note) = records.main_stages();
    let visits: Vec<Visit> = stages
        .iter()
        .filter_map(|stage| visit(records, stage.at, stage.name))
        .collect();
    if visits.is_empty() {
        return None;
    }
    let totals = visits.iter().map(|v| v.waiting + v.service);
    let predicted = visits.iter().flat_map(|v| v.predicted).flatten();
    Some(Chart {
        name: "where_time_goes".to_owned(),
        title: title(&visits),
        subtitle: "Mean time of one visit: waiting for a consumer, then processing; theory marks each end."
            .to_owned(),
        note,
        x: Axis {
            quantity: "mean time per visit".to_owned(),
            measure: Measure::Time,
            scale: Scale::from_zero(totals.chain(predicted)),
        },
        panels: vec![panel(&visits)],
    })
}

fn visit<'a>(records: &RunRecords, at: &str, name: &'a str) -> Option<Visit<'a>> {
    let time = |kind| records.measured(at, Metric::mean(kind));
    let service = records
        .measured(at, Metric::ProcessingTime)
        .or_else(|| time(TimeKind::Service))?;
    Some(Visit {
        name,
        waiting: time(TimeKind::Waiting)?.max(0.0),
        service: service.max(0.0),
        predicted: [TimeKind::Waiting, TimeKind::Sojourn]
            .map(|kind| records.predicted(at, Metric::mean(kind))),
    })
}

fn panel(visits: &[Visit]) -> Panel {
    let bar = |row, from, to| Bar { row, from, to };
    let rows = || visits.iter().enumerate();
    let waiting = rows().map(|(i, v)| bar(i, 0.0, v.waiting)).collect();
    let service = rows()
        .map(|(i, v)| bar(i, v.waiting, v.waiting + v.service))
        .collect();
    let marks: Vec<Point> = rows()
        .flat_map(|(i, v)| {
            v.predicted
                .into_iter()
                .flatten()
                .map(move |t| Point::at(t, i as f64))
        })
        .collect();
    let mut series = vec![
        Series::new("waiting", Role::Simulation, Shape::Bars(waiting)),
        Series::new("processing", Role::SimulationPart, Shape::Bars(service)),
    ];
    if !marks.is_empty() {
        series.push(Series::new(
            "theory",
            Role::Theory,
            Shape::Points(Glyph::Tick, marks),
        ));
    }
    Panel {
        title: String::new(),
        y: Axis {
            quantity: "stage".to_owned(),
            measure: Measure::Name,
            scale: Scale::Categories(visits.iter().map(category).collect()),
        },
        series,
        markers: Vec::new(),
    }
}

fn category(visit: &Visit) -> Category {
    Category {
        label: visit.name.to_owned(),
        note: format!(
            "{} + {}",
            human::figure(Measure::Time, visit.waiting),
            human::figure(Measure::Time, visit.service)
        ),
        heading: false,
    }
}

fn title(visits: &[Visit]) -> String {
    let total: f64 = visits.iter().map(|v| v.waiting + v.service).sum();
    let waiting: f64 = visits.iter().map(|v| v.waiting).sum();
    let longest = visits
        .iter()
        .max_by(|a, b| (a.waiting + a.service).total_cmp(&(b.waiting + b.service)));
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
