//! Recorded arrivals: `{ trace = { file = "orders.csv", column = "time" } }`.
//!
//! The column holds seconds, or dates and times as ISO 8601 writes them (`2010-12-01T08:26`, with or
//! without an offset; without one, every day has 24 hours). Times must not decrease.
//!
//! | key | meaning | default |
//! | --- | --- | --- |
//! | `file`, `column` | a CSV file with a header, relative to the scenario | |
//! | `start` | the recorded time at which the run begins | the first one |
//! | `speed` | how many times faster than recorded; divides the times | 1 |
//! | `resolution` | what the recorded times were cut to, such as `"1min"`: orders with the same time are spread over that long by the producer's stream | none |

use super::csv_column;
use super::diagnostic::Diagnostic;
use super::fields::Context;
use super::parameters::{self, Parameters};
use super::tree::{Node, Value};
use super::units::Dimension;
use super::values::{self, Range};
use crate::random::Arrivals;
use jiff::civil::DateTime;
use jiff::{Timestamp, tz::TimeZone};

/// Reads the parameters of `trace`.
pub(super) fn read(node: &Node, cx: &mut Context) -> Option<Arrivals> {
    let mut p = parameters::of("trace", node, cx)?;
    let speed = optional(&mut p, "speed", Dimension::Number, Range::Positive, 1.0, cx);
    let resolution = optional(
        &mut p,
        "resolution",
        Dimension::Time,
        Range::NotNegative,
        0.0,
        cx,
    );
    let start = match p.node("start") {
        None => Some(None),
        Some(node) => start(node, cx).map(Some),
    };
    let made = recorded(&mut p, resolution, start, cx)
        .and_then(|times| scaled(times, speed?, resolution?, node, cx));
    p.finish(made.map(Ok), cx)
}

fn optional(
    p: &mut Parameters<'_>,
    key: &'static str,
    dimension: Dimension,
    range: Range,
    default: f64,
    cx: &mut Context,
) -> Option<f64> {
    match p.node(key) {
        None => Some(default),
        Some(node) => values::quantity(key, node, dimension, range, cx),
    }
}

fn start(node: &Node, cx: &mut Context) -> Option<f64> {
    let found = match &node.value {
        Value::Integer(number) => Ok(*number as f64),
        Value::Float(number) if number.is_finite() => Ok(*number),
        Value::String(text) | Value::Datetime(text) => seconds(text),
        other => Err(format!("it is {}", other.kind())),
    };
    found
        .map_err(|problem| {
            let message = format!("`start` is no recorded time: {problem}");
            let help = "write it as in the CSV file: 120.5 or \"2010-12-01T08:26\"";
            cx.report(Diagnostic::error(node.span, message).help(help));
        })
        .ok()
}

/// The recorded times, from `start` or the first of them.
fn recorded(
    p: &mut Parameters<'_>,
    resolution: Option<f64>,
    start: Option<Option<f64>>,
    cx: &mut Context,
) -> Option<Vec<f64>> {
    p.select(&[&["file", "column"]], cx)?;
    let (file, column) = (p.node("file")?, p.node("column")?);
    let (resolution, mut start) = (resolution?, start?);
    let mut times: Vec<f64> = Vec::new();
    let mut last = f64::NEG_INFINITY;
    csv_column::read(file, column, cx, |field, _| {
        let time = seconds(field)?;
        in_order(last, time, resolution, field)?;
        last = time;
        let since = time - *start.get_or_insert(time);
        if since >= 0.0 {
            times.push(since);
        }
        Ok(())
    })?;
    if times.is_empty() {
        let message = "the trace has no order (from `start` on, if there is one)";
        cx.report(Diagnostic::error(file.span, message).help("name a file with recorded times"));
        return None;
    }
    Some(times)
}

fn in_order(last: f64, time: f64, resolution: f64, field: &str) -> Result<(), String> {
    let gap = time - last;
    if gap < 0.0 {
        return Err(format!(
            "{field} is {} s before the line above; sort the file by this column",
            -gap
        ));
    }
    // Half of it: recorded times are whole multiples, give or take the rounding of decimals.
    if gap > 0.0 && gap < 0.5 * resolution {
        return Err(format!(
            "{field} is {gap} s after the line above, so the resolution is not {resolution} s"
        ));
    }
    Ok(())
}

fn scaled(
    mut times: Vec<f64>,
    speed: f64,
    resolution: f64,
    node: &Node,
    cx: &mut Context,
) -> Option<Arrivals> {
    for time in &mut times {
        *time /= speed;
    }
    parameters::checked(Arrivals::trace(times, resolution / speed), node.span, cx)
}

/// A recorded time in seconds: a number, or an ISO 8601 date and time since 1970.
fn seconds(field: &str) -> Result<f64, String> {
    let field = field.trim();
    if let Ok(number) = field.parse::<f64>() {
        return if number.is_finite() {
            Ok(number)
        } else {
            Err(format!("{field} is not a finite number"))
        };
    }
    let instant = field.parse::<Timestamp>().or_else(|_| {
        let civil: DateTime = field.parse()?;
        Ok::<_, jiff::Error>(civil.to_zoned(TimeZone::UTC)?.timestamp())
    });
    match instant {
        Ok(instant) => Ok(instant.as_duration().as_secs_f64()),
        Err(_) => Err(format!(
            "`{field}` is neither a number of seconds nor a date and time such as 2010-12-01T08:26"
        )),
    }
}
