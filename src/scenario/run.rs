//! `[run]`: how long, how often, how sure.
//!
//! | key | meaning | default |
//! | --- | --- | --- |
//! | `duration` or `orders` | virtual time, or number of orders that enter, of each replication | `orders = 1_000_000` |
//! | `warmup` | `"auto"` (MSER-5) or a time, left out of the averages | `"auto"` |
//! | `replications` or `precision` | their number, or the relative half-width to reach | `replications = 10` |
//! | `confidence` | of every interval | `"95%"` |

use super::diagnostic::Diagnostic;
use super::fields::{Context, Fields};
use super::spot::Spot;
use super::tree::{Entry, Value};
use super::units::Dimension;
use super::values::{self, Range};
use crate::network::{Horizon, Replications, RunPlan, Warmup};

const DEFAULT_ORDERS: u64 = 1_000_000;
const DEFAULT_REPLICATIONS: u64 = 10;

/// Reads `[run]`, or what its absence means.
pub(super) fn read(entry: Option<&Entry>, cx: &mut Context) -> Option<RunPlan> {
    let Some(entry) = entry else {
        return Some(RunPlan {
            horizon: Horizon::Orders(DEFAULT_ORDERS),
            warmup: Warmup::Auto,
            replications: Replications::Fixed(DEFAULT_REPLICATIONS),
            confidence: 0.95,
        });
    };
    let mut fields = Fields::of(&entry.node, Spot::Run, cx)?;
    let horizon = horizon(&mut fields, cx);
    let warmup = warmup(&mut fields, horizon, cx);
    let replications = replications(&mut fields, cx);
    let confidence = match fields.entry("confidence") {
        None => Some(0.95),
        Some(entry) => values::entry_quantity(entry, Dimension::Share, Range::Inside, cx),
    };
    fields.finish(cx);
    Some(RunPlan {
        horizon: horizon?,
        warmup: warmup?,
        replications: replications?,
        confidence: confidence?,
    })
}

/// Reports that two keys exclude each other, at the later one.
fn either(first: &Entry, second: &Entry, cx: &mut Context) {
    let later = first.key_span.max(second.key_span);
    let message = format!("`{}` and `{}` exclude each other", first.key, second.key);
    cx.report(Diagnostic::error(later, message).help("keep one of them and remove the other"));
}

fn horizon(fields: &mut Fields<'_>, cx: &mut Context) -> Option<Horizon> {
    match (fields.entry("duration"), fields.entry("orders")) {
        (Some(duration), Some(orders)) => {
            either(duration, orders, cx);
            None
        }
        (Some(duration), None) => {
            values::entry_quantity(duration, Dimension::Time, Range::Positive, cx)
                .map(Horizon::Duration)
        }
        (None, Some(orders)) => {
            values::count("orders", &orders.node, 1, u64::MAX, cx).map(Horizon::Orders)
        }
        (None, None) => Some(Horizon::Orders(DEFAULT_ORDERS)),
    }
}

fn warmup(fields: &mut Fields<'_>, horizon: Option<Horizon>, cx: &mut Context) -> Option<Warmup> {
    let Some(entry) = fields.entry("warmup") else {
        return Some(Warmup::Auto);
    };
    if matches!(&entry.node.value, Value::String(text) if text == "auto") {
        return Some(Warmup::Auto);
    }
    let time = values::entry_quantity(entry, Dimension::Time, Range::NotNegative, cx)?;
    match horizon {
        Some(Horizon::Duration(duration)) if time >= duration => {
            let message =
                format!("a warm-up of {time} s leaves nothing of a duration of {duration} s");
            cx.report(
                Diagnostic::error(entry.node.span, message)
                    .help("use \"auto\", or a time below the duration"),
            );
            None
        }
        _ => Some(Warmup::Fixed(time)),
    }
}

fn replications(fields: &mut Fields<'_>, cx: &mut Context) -> Option<Replications> {
    match (fields.entry("replications"), fields.entry("precision")) {
        (Some(number), Some(precision)) => {
            either(number, precision, cx);
            None
        }
        (Some(number), None) => {
            let count = values::count("replications", &number.node, 1, u64::MAX, cx)?;
            warn_of_one(number, count, cx);
            Some(Replications::Fixed(count))
        }
        (None, Some(precision)) => {
            let relative = values::entry_quantity(precision, Dimension::Share, Range::Inside, cx)?;
            Some(Replications::Precision {
                relative,
                at_least: DEFAULT_REPLICATIONS,
            })
        }
        (None, None) => Some(Replications::Fixed(DEFAULT_REPLICATIONS)),
    }
}

fn warn_of_one(entry: &Entry, count: u64, cx: &mut Context) {
    if count == 1 {
        let message = "one replication gives no intervals, so no verdict either";
        cx.report(
            Diagnostic::warning(entry.node.span, message)
                .help("use at least 2, better 10 replications"),
        );
    }
}
