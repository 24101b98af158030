//! Little's law L = λW, for every stage and the pipeline.

use crate::chart::human;
use crate::chart::rows::{PIPELINE, short};
use crate::chart::value::{Axis, Chart, Glyph, Measure, Panel, Point, Role, Scale, Series, Shape};
use crate::metric::Metric;
use crate::report::records::RunRecords;

/// A place where the law was measured.
struct Held<'a> {
    name: &'a str,
    number: f64,
    residual: f64,
}

impl Held<'_> {
    /// λW, from the residual L/(λW) − 1.
    fn product(&self) -> f64 {
        self.number / (1.0 + self.residual)
    }
}

/// L against λW; none where no residual was measured.
pub fn littles_law(records: &RunRecords) -> Option<Chart> {
    let (stages, note) = records.main_stages();
    let places = stages.iter().map(|stage| (stage.at, stage.name));
    let held: Vec<Held> = places
        .chain([(PIPELINE, "whole pipeline")])
        .filter_map(|(at, name)| held(records, at, name))
        .collect();
    let scale = Scale::log_around(held.iter().flat_map(|h| [h.number, h.product()]))?;
    let axis = |quantity: &str| Axis {
        quantity: quantity.to_owned(),
        measure: Measure::Orders,
        scale: scale.clone(),
    };
    Some(Chart {
        name: "littles_law".to_owned(),
        title: title(&held),
        subtitle: "L is the time average of the orders in the stage, λ the rate of accepted \
                   orders, W their mean time there; the law says that every point is on the line. \
                   Before each name: L/(λW) − 1."
            .to_owned(),
        note,
        x: axis("λW, log scale (orders)"),
        panels: vec![Panel {
            title: String::new(),
            y: axis("L, log scale (orders)"),
            series: series(&held, &scale, records.measured_as()),
            markers: Vec::new(),
        }],
    })
}

fn held<'a>(records: &RunRecords, at: &str, name: &'a str) -> Option<Held<'a>> {
    let found = Held {
        name,
        number: records.measured(at, Metric::NumberInSystem)?,
        residual: records.measured(at, Metric::LittleResidual)?,
    };
    (found.number > 0.0 && found.residual > -1.0).then_some(found)
}

fn series(held: &[Held], scale: &Scale, (whose, role): (&str, Role)) -> Vec<Series> {
    let ends = match scale {
        Scale::Log10 { low, high } | Scale::Linear { low, high } => {
            vec![(*low, *low), (*high, *high)]
        }
        Scale::Categories(_) => Vec::new(),
    };
    let point = |h: &Held| Point {
        label: format!("{}  {}", residual(h.residual), h.name),
        ..Point::at(h.product(), h.number)
    };
    let points = held.iter().map(point).collect();
    vec![
        Series::new("the law: L = λW", Role::Theory, Shape::Line(ends)),
        Series::new(whose, role, Shape::Points(Glyph::Disc, points)),
    ]
}

/// A residual in percent as long as that shows anything, else as a power of ten.
fn residual(value: f64) -> String {
    if value == 0.0 || value.abs() >= 5e-5 {
        return human::signed_percent(value);
    }
    let sign = if value > 0.0 { "+" } else { "" };
    format!("{sign}{}", human::number(value))
}

fn title(held: &[Held]) -> String {
    let worst = held
        .iter()
        .max_by(|a, b| a.residual.abs().total_cmp(&b.residual.abs()));
    worst.map_or_else(String::new, |worst| {
        let size = residual(worst.residual.abs());
        let size = size.trim_start_matches('+');
        match worst.residual.abs() {
            r if r < 0.02 => format!("Little's law holds everywhere to within {size}"),
            _ => format!("Little's law is off by {size} at {}", short(worst.name)),
        }
    })
}
