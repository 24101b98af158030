//! How many consumers each stage has as time goes by, where their number changes or some fail.

use crate::chart::human;
use crate::chart::queue_length::{group_means, over_time, warmup};
use crate::chart::rows::{Stage, short};
use crate::chart::value::{Axis, Chart, Measure, Panel, Role, Scale, Series, Shape};
use crate::report::records::{RunRecords, StaffRow};

/// Consumers over time, a panel for each stage; none without rows.
pub fn consumers(records: &RunRecords) -> Option<Chart> {
    let (stages, note) = records.main_stages();
    let panels = stages.iter().filter_map(|stage| panel(records, stage));
    let times = records.staff.iter().map(|row| row.time);
    over_time(records, times, panels.collect(), |x, panels| Chart {
        name: "consumers".to_owned(),
        title: title(records, &stages),
        subtitle: format!(
            "Consumers that a stage has, those of them at work and those broken down, averaged over {}.",
            records.averaged_over()
        ),
        note,
        x,
        panels,
    })
}

fn rows<'a>(records: &'a RunRecords, at: &str) -> Vec<&'a StaffRow> {
    let rows = records.staff.iter();
    rows.filter(|row| row.at == at && row.consumers.is_finite())
        .collect()
}

fn panel(records: &RunRecords, stage: &Stage) -> Option<Panel> {
    let rows = rows(records, stage.at);
    if rows.is_empty() {
        return None;
    }
    let path = |of: fn(&StaffRow) -> f64| {
        let points: Vec<(f64, f64)> = rows.iter().map(|row| (row.time, of(row))).collect();
        group_means(&points)
    };
    let (all, busy, down) = (
        path(|row| row.consumers),
        path(|row| row.busy),
        path(|row| row.broken_down),
    );
    let tops = all.iter().chain(&busy).map(|(_, number)| *number);
    let scale = Scale::from_zero(tops);
    let mut series = vec![
        Series::new("at work", Role::SimulationPart, Shape::Step(busy)),
        Series::new("employed", Role::Simulation, Shape::Step(all)),
    ];
    if down.iter().any(|(_, number)| *number > 0.0) {
        series.push(Series::new("broken down", Role::Failure, Shape::Step(down)));
    }
    Some(Panel {
        title: stage.name.to_owned(),
        y: Axis {
            quantity: "consumers".to_owned(),
            measure: Measure::Count,
            scale,
        },
        series,
        markers: warmup(records),
    })
}

/// The stage whose number of consumers changes most, and from what to what.
fn title(records: &RunRecords, stages: &[Stage]) -> String {
    let ranges = stages.iter().filter_map(|stage| {
        let numbers = || {
            let rows = records.staff.iter().filter(|row| row.at == stage.at);
            rows.map(|row| row.consumers)
        };
        let (low, high) = numbers().fold((f64::INFINITY, 0.0), |(low, high), n| {
            (n.min(low), n.max(high))
        });
        (high >= low).then_some((stage.name, low, high))
    });
    let widest = ranges.max_by(|a, b| (a.2 - a.1).total_cmp(&(b.2 - b.1)));
    let number = |n: f64| human::figure(Measure::Count, n);
    match widest {
        Some((name, low, high)) if high - low > 1e-9 * high => format!(
            "{} has between {} and {} consumers",
            short(name),
            number(low),
            number(high)
        ),
        _ => "Consumers at work and broken down".to_owned(),
    }
}
