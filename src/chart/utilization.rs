//! How busy the consumers of each stage are, measured and by λ/(cμ).

use crate::chart::human;
use crate::chart::rows::{interval, list, short};
use crate::chart::value::{
    Axis, Category, Chart, Glyph, Marker, Measure, Panel, Point, Role, Scale, Series, Shape,
};
use crate::metric::Metric;
use crate::report::records::{MetricRow, RunRecords};

/// Utilization of every stage; none when no stage has one.
pub fn utilization(records: &RunRecords) -> Option<Chart> {
    let (stages, note) = records.main_stages();
    let rows: Vec<(&str, &MetricRow)> = stages
        .iter()
        .filter_map(|stage| Some((stage.name, records.row(stage.at, Metric::Utilization)?)))
        .filter(|(_, row)| row.mean.or(row.theory).is_some())
        .collect();
    if rows.is_empty() {
        return None;
    }
    let values = rows
        .iter()
        .flat_map(|(_, row)| [row.mean, row.theory, row.high]);
    let top = values
        .flatten()
        .filter(|v| v.is_finite())
        .fold(1.0, f64::max);
    Some(Chart {
        name: "utilization".to_owned(),
        title: title(&rows),
        subtitle: "Share of the consumers' time spent on orders, per stage; theory is λ/(cμ)."
            .to_owned(),
        note,
        x: Axis {
            quantity: "utilization ρ".to_owned(),
            measure: Measure::Share,
            scale: Scale::Linear {
                low: 0.0,
                high: top * 1.04,
            },
        },
        panels: vec![panel(records, &rows)],
    })
}

fn panel(records: &RunRecords, rows: &[(&str, &MetricRow)]) -> Panel {
    let (whose, role) = records.measured_as();
    let label = format!("{whose}, mean with {} interval", records.level());
    let measured = rows
        .iter()
        .enumerate()
        .filter_map(|(i, (_, row))| Some(Point::at(row.mean?, i as f64).between(interval(row))));
    let predicted = rows
        .iter()
        .enumerate()
        .filter_map(|(i, (_, row))| Some(Point::at(row.theory?, i as f64)));
    let points = |form, points: Vec<Point>| Shape::Points(form, points);
    let theory = points(Glyph::Tick, predicted.collect());
    let measured = points(Glyph::Disc, measured.collect());
    let mut series = vec![Series::new(label, role, measured)];
    if rows.iter().any(|(_, row)| row.theory.is_some()) {
        series.insert(0, Series::new("theory", Role::Theory, theory));
    }
    Panel {
        title: String::new(),
        y: Axis {
            quantity: "stage".to_owned(),
            measure: Measure::Name,
            scale: Scale::Categories(rows.iter().map(|(name, row)| category(name, row)).collect()),
        },
        series,
        markers: vec![Marker::Vertical {
            at: 1.0,
            label: "limit: always busy".to_owned(),
            role: Role::Limit,
        }],
    }
}

fn category(name: &str, row: &MetricRow) -> Category {
    Category {
        label: name.to_owned(),
        note: row.mean.map(human::percent).unwrap_or_default(),
        heading: false,
    }
}

fn title(rows: &[(&str, &MetricRow)]) -> String {
    let load = |row: &MetricRow| row.theory.or(row.mean).unwrap_or(0.0);
    let over: Vec<&str> = rows
        .iter()
        .filter(|(_, row)| load(row) >= 1.0)
        .map(|(name, _)| *name)
        .collect();
    if !over.is_empty() {
        let verb = if over.len() == 1 { "gets" } else { "get" };
        return format!("{} {verb} more work than the consumers can do", list(&over));
    }
    let busiest = rows
        .iter()
        .filter_map(|(name, row)| Some((row.mean.or(row.theory)?, *name)))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    busiest.map_or_else(
        || "How busy the consumers are".to_owned(),
        |(share, name)| match (rows.len(), short(name)) {
            (1, name) => format!(
                "The consumers of {name} are busy {} of the time",
                human::percent(share)
            ),
            (_, name) => format!(
                "{name} is the busiest stage: its consumers work {} of the time",
                human::percent(share)
            ),
        },
    )
}
