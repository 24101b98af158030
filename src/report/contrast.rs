//! Runs side by side: by how much they differ, and whether that is certain.

use super::csv_file::to_csv;
use super::format;
use super::side::Side;
use super::table::{Detail, plain};
use crate::metric::{Metric, Unit};
use crate::network::{ClassId, Place, StageId};
use crate::stats::{Estimate, Interval, paired_difference, welch_difference};
use comfy_table::CellAlignment;
use serde::Serialize;
use std::fmt::Write;

/// Runs side by side, the first beside each other one.
#[derive(Debug, Clone, Serialize)]
pub struct Contrast {
    orderline: &'static str,
    /// Level of the intervals.
    pub confidence: f64,
    /// What is compared.
    pub sides: Vec<String>,
    /// Figure by figure.
    pub lines: Vec<ContrastLine>,
}

/// One figure of all sides.
#[derive(Debug, Clone, Serialize)]
pub struct ContrastLine {
    /// The place.
    pub at: String,
    /// The metric.
    pub metric: String,
    /// Its unit.
    pub unit: String,
    /// The figure of each side; none where it was not measured.
    pub values: Vec<Option<f64>>,
    /// Every other side minus the first; none where one of them has no figure.
    pub differences: Vec<Option<Difference>>,
}

/// By how much a side differs from the first.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Difference {
    /// Its figure minus the first side's.
    pub mean: f64,
    /// Lower end of the interval; none without one.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// Whether it was taken replication by replication under common random numbers.
    pub paired: bool,
}

impl Difference {
    /// Whether the interval excludes 0.
    pub fn certain(&self) -> bool {
        self.low.is_some_and(|low| low > 0.0) || self.high.is_some_and(|high| high < 0.0)
    }
}

impl Contrast {
    /// Sets the sides beside each other. There is at least one.
    pub fn new(sides: &[Side]) -> Contrast {
        let first = &sides[0];
        let mut keys: Vec<&(String, String)> = first.figures.iter().map(|(key, _)| key).collect();
        for side in &sides[1..] {
            let new = side
                .figures
                .iter()
                .map(|(key, _)| key)
                .filter(|key| !keys.contains(key));
            keys.extend(new.collect::<Vec<_>>());
        }
        Contrast {
            orderline: env!("CARGO_PKG_VERSION"),
            confidence: first.confidence,
            sides: sides.iter().map(|side| side.label.clone()).collect(),
            lines: keys.into_iter().map(|key| line(sides, key)).collect(),
        }
    }
}

fn line(sides: &[Side], key: &(String, String)) -> ContrastLine {
    let figures: Vec<_> = sides.iter().map(|side| side.figure(key)).collect();
    let unit = figures
        .iter()
        .flatten()
        .next()
        .map_or(String::new(), |f| f.unit.clone());
    let differences = sides[1..].iter().zip(&figures[1..]).map(|(side, figure)| {
        let (a, b) = (figures[0]?, (*figure)?);
        let common = side.seed == sides[0].seed && !side.partial && !sides[0].partial;
        Some(difference(
            &a.estimate,
            &b.estimate,
            common,
            sides[0].confidence,
        ))
    });
    ContrastLine {
        at: key.0.clone(),
        metric: key.1.clone(),
        unit,
        values: figures
            .iter()
            .map(|f| f.map(|f| f.estimate.point))
            .collect(),
        differences: differences.collect(),
    }
}

fn difference(a: &Estimate, b: &Estimate, common: bool, level: f64) -> Difference {
    let paired = paired_difference(a, b).filter(|_| common);
    let interval: Option<Interval> = match &paired {
        Some(paired) => paired.interval(level),
        None => welch_difference(moments(a), moments(b), level),
    };
    Difference {
        mean: b.point - a.point,
        low: interval.map(|i| i.low),
        high: interval.map(|i| i.high),
        paired: paired.is_some(),
    }
}

fn moments(estimate: &Estimate) -> (f64, f64, usize) {
    (
        estimate.point,
        estimate.standard_error,
        estimate.values.len(),
    )
}

/// A row of `comparison.csv`.
#[derive(Debug, Default, Serialize)]
struct ContrastRow<'a> {
    at: &'a str,
    metric: &'a str,
    unit: &'a str,
    first: &'a str,
    first_value: Option<f64>,
    other: &'a str,
    other_value: Option<f64>,
    difference: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    paired: Option<bool>,
}

/// The contrast as CSV: a row for every figure and every side but the first.
///
/// # Errors
/// None in practice: a row always has the same fields.
pub fn contrast_csv(contrast: &Contrast) -> Result<Vec<u8>, csv::Error> {
    let mut rows = Vec::new();
    for line in &contrast.lines {
        for (index, difference) in line.differences.iter().enumerate() {
            rows.push(ContrastRow {
                at: &line.at,
                metric: &line.metric,
                unit: &line.unit,
                first: &contrast.sides[0],
                first_value: line.values[0],
                other: &contrast.sides[index + 1],
                other_value: line.values[index + 1],
                difference: difference.map(|d| d.mean),
                low: difference.and_then(|d| d.low),
                high: difference.and_then(|d| d.high),
                paired: difference.map(|d| d.paired),
            });
        }
    }
    to_csv(&rows)
}

/// The contrast as an aligned table.
pub fn contrast_table(contrast: &Contrast, detail: Detail) -> String {
    let mut table = plain();
    let mut title = vec!["  figure".to_owned(), contrast.sides[0].clone()];
    for side in &contrast.sides[1..] {
        title.extend([
            side.clone(),
            "difference".to_owned(),
            "±".to_owned(),
            String::new(),
        ]);
    }
    let columns = title.len();
    table.add_row(title);
    let shown: Vec<_> = contrast
        .lines
        .iter()
        .filter(|line| is_shown(line, detail))
        .collect();
    shown.iter().for_each(|line| {
        table.add_row(cells(line));
    });
    for column in 1..columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut rows = table.lines();
    let mut out = rows.next().unwrap_or_default() + "\n";
    let mut at = "";
    for (line, row) in shown.iter().zip(rows) {
        if at != line.at {
            at = &line.at;
            let _ = writeln!(out, "{at}");
        }
        let _ = writeln!(out, "{}", row.trim_end());
    }
    let _ = writeln!(out, "\n{}", legend(contrast));
    out
}

fn legend(contrast: &Contrast) -> String {
    let differences = || {
        contrast
            .lines
            .iter()
            .flat_map(|line| line.differences.iter().flatten())
    };
    let how = match (
        differences().any(|d| d.paired),
        differences().any(|d| !d.paired && d.low.is_some()),
    ) {
        (true, false) => "taken replication by replication under common random numbers",
        (false, true) => "between independent runs (Welch)",
        _ => "paired where both runs have the same seed and replications, else Welch",
    };
    format!(
        "differences are from {}, {how}; ± is the half-width at {} %, ≠ marks those that exclude 0",
        contrast.sides[0],
        100.0 * contrast.confidence
    )
}

fn cells(line: &ContrastLine) -> Vec<String> {
    let unit = Unit::of_symbol(&line.unit).unwrap_or(Unit::Ratio);
    let show = |value: Option<f64>| value.map_or("–".to_owned(), |v| format::value(unit, v));
    let mut cells = vec![
        format!("  {}", line.metric.replace('_', " ")),
        show(line.values[0]),
    ];
    for (value, difference) in line.values[1..].iter().zip(&line.differences) {
        cells.push(show(*value));
        let half = difference.and_then(|d| Some(0.5 * (d.high? - d.low?)));
        let shown = format::figure(unit, difference.map(|d| d.mean), half, None);
        let with_unit = |text: String| {
            if text.is_empty() {
                text
            } else {
                format!("{text} {}", shown.unit).trim_end().to_owned()
            }
        };
        cells.push(with_unit(shown.value.clone()));
        cells.push(shown.half_width.clone());
        let certain = difference.is_some_and(|d| d.certain());
        cells.push(if certain {
            "≠".to_owned()
        } else {
            String::new()
        });
    }
    cells
}

fn is_shown(line: &ContrastLine, detail: Detail) -> bool {
    // Only the kind of place matters here, not which stage or class it is.
    let place = match line.at.split(':').next() {
        Some("pipeline") => Place::Pipeline,
        Some("class") => Place::Class(StageId(0), ClassId(0)),
        _ => Place::Stage(StageId(0)),
    };
    let main = |metric: Metric| super::table::is_main(metric, place);
    detail == Detail::All || line.metric.parse().is_ok_and(main)
}

#[cfg(test)]
mod tests {
    use super::super::side::SideFigure;
    use super::*;

    fn side(label: &str, seed: u64, values: &[f64]) -> Side {
        let estimate = Estimate::of(values.to_vec());
        let key = ("stage:s".to_owned(), "waiting_time".to_owned());
        Side {
            label: label.to_owned(),
            seed,
            confidence: 0.95,
            partial: false,
            figures: vec![(
                key,
                SideFigure {
                    unit: "s".to_owned(),
                    estimate,
                },
            )],
        }
    }

    #[test]
    fn common_random_numbers_show_what_independent_runs_cannot() {
        let (a, b) = ([1.0, 5.0, 9.0], [1.2, 5.3, 9.1]);
        let paired = Contrast::new(&[side("a", 1, &a), side("b", 1, &b)]);
        let apart = Contrast::new(&[side("a", 1, &a), side("b", 2, &b)]);
        let first = |c: &Contrast| c.lines[0].differences[0].unwrap();
        assert!(first(&paired).paired && !first(&apart).paired);
        let width = |d: Difference| d.high.unwrap() - d.low.unwrap();
        assert!(width(first(&paired)) < 0.1 * width(first(&apart)));
        assert!((first(&apart).mean - 0.2).abs() < 1e-12);
    }
}
