//! Reading single values: text, counts, quantities with units, lists of them.

use super::diagnostic::Diagnostic;
use super::fields::{Context, Fields};
use super::tree::{Entry, Node, Value};
use super::units::{self, Dimension};

/// Which numbers are possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Range {
    /// Every finite number.
    Any,
    /// 0 and more.
    NotNegative,
    /// More than 0.
    Positive,
    /// From 0 to 1.
    Probability,
    /// Between 0 and 1.
    Inside,
}

impl Range {
    fn contains(self, value: f64) -> bool {
        value.is_finite()
            && match self {
                Range::Any => true,
                Range::NotNegative => value >= 0.0,
                Range::Positive => value > 0.0,
                Range::Probability => (0.0..=1.0).contains(&value),
                Range::Inside => value > 0.0 && value < 1.0,
            }
    }

    fn words(self) -> &'static str {
        match self {
            Range::Any => "finite",
            Range::NotNegative => "finite and at least 0",
            Range::Positive => "finite and above 0",
            Range::Probability => "from 0 to 1",
            Range::Inside => "above 0 and below 1",
        }
    }
}

/// A quantity in its base unit: seconds, per second, bytes, parts of 1.
pub(super) fn quantity(
    name: &str,
    node: &Node,
    dimension: Dimension,
    range: Range,
    cx: &mut Context,
) -> Option<f64> {
    let value = number(name, node, dimension, cx)?;
    if range.contains(value) {
        return Some(value);
    }
    let message = format!("`{name}` must be {}, not {value}", range.words());
    cx.report(Diagnostic::error(node.span, message).help(range_help(dimension, range)));
    None
}

fn range_help(dimension: Dimension, range: Range) -> String {
    match (dimension, range) {
        (Dimension::Share, _) => format!("write {}", Dimension::Share.accepts()),
        _ => format!("use {} that is {}", dimension.name(), range.words()),
    }
}

fn number(name: &str, node: &Node, dimension: Dimension, cx: &mut Context) -> Option<f64> {
    let problem = match &node.value {
        // A number of more than 53 bits is rounded to the nearest float, as decimals are.
        Value::Integer(number) => return Some(*number as f64),
        Value::Float(number) => return Some(*number),
        Value::String(text) => match units::parse(text, dimension) {
            Ok(number) => return Some(number),
            Err(problem) => format!("`{name}` is not {}: {problem}", dimension.name()),
        },
        other => format!(
            "`{name}` must be {}, not {}",
            dimension.name(),
            other.kind()
        ),
    };
    let help = format!("write {}", dimension.accepts());
    cx.report(Diagnostic::error(node.span, problem).help(help));
    None
}

/// [`quantity`] of an entry, under its own key.
pub(super) fn entry_quantity(
    entry: &Entry,
    dimension: Dimension,
    range: Range,
    cx: &mut Context,
) -> Option<f64> {
    quantity(&entry.key, &entry.node, dimension, range, cx)
}

/// A whole number from `low` to `high`. Decimals such as `1e6` count where they are whole.
pub(super) fn count(name: &str, node: &Node, low: u64, high: u64, cx: &mut Context) -> Option<u64> {
    let found = whole(&node.value);
    if let Some(value) = found.filter(|value| (low..=high).contains(value)) {
        return Some(value);
    }
    let message = format!("`{name}` must be a whole number, at least {low}");
    let help = match found {
        Some(value) if value > high => format!("use at most {high}"),
        _ => format!("write a number without unit, such as {}", low.max(10)),
    };
    cx.report(
        Diagnostic::error(node.span, message)
            .label(describe(&node.value))
            .help(help),
    );
    None
}

fn whole(value: &Value) -> Option<u64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let decimal = match value {
        Value::Integer(number) => return u64::try_from(*number).ok(),
        Value::Float(number) => *number,
        Value::String(text) => units::parse(text, Dimension::Number).ok()?,
        _ => return None,
    };
    // The check makes the conversion exact.
    ((0.0..=EXACT).contains(&decimal) && decimal.fract() == 0.0).then_some(decimal as u64)
}

fn describe(value: &Value) -> String {
    match value {
        Value::Integer(number) => format!("this is {number}"),
        Value::Float(number) => format!("this is {number}"),
        other => format!("this is {}", other.kind()),
    }
}

/// Text.
pub(super) fn text<'t>(name: &str, node: &'t Node, cx: &mut Context) -> Option<&'t str> {
    match &node.value {
        Value::String(text) => Some(text),
        other => {
            let message = format!("`{name}` must be text, not {}", other.kind());
            cx.report(Diagnostic::error(node.span, message).help("put it in quotes"));
            None
        }
    }
}

/// `true` or `false`.
pub(super) fn boolean(name: &str, node: &Node, cx: &mut Context) -> Option<bool> {
    match &node.value {
        Value::Boolean(value) => Some(*value),
        other => {
            let message = format!("`{name}` must be true or false, not {}", other.kind());
            cx.report(Diagnostic::error(node.span, message).help("write true or false"));
            None
        }
    }
}

/// A list whose items `read` reads; `None` if one of them is wrong, after all have been read.
pub(super) fn list<'t, T>(
    name: &str,
    node: &'t Node,
    cx: &mut Context,
    mut read: impl FnMut(&'t Node, &mut Context) -> Option<T>,
) -> Option<Vec<T>> {
    let Value::Array(items) = &node.value else {
        let message = format!("`{name}` must be a list, not {}", node.value.kind());
        cx.report(Diagnostic::error(node.span, message).help("write it in brackets: [ …, … ]"));
        return None;
    };
    let read: Vec<Option<T>> = items.iter().map(|item| read(item, cx)).collect();
    read.into_iter().collect()
}

/// A list of quantities.
pub(super) fn quantities(
    name: &str,
    node: &Node,
    dimension: Dimension,
    range: Range,
    cx: &mut Context,
) -> Option<Vec<f64>> {
    list(name, node, cx, |item, cx| {
        quantity(name, item, dimension, range, cx)
    })
}

/// A quantity that must be in a table; `cure` shows how it is written.
pub(super) fn required_quantity(
    fields: &mut Fields<'_>,
    key: &'static str,
    cure: &str,
    (dimension, range): (Dimension, Range),
    cx: &mut Context,
) -> Option<f64> {
    let entry = fields.required(key, cure, cx)?;
    entry_quantity(entry, dimension, range, cx)
}

/// A quantity of a table, or what its absence means.
pub(super) fn quantity_or(
    fields: &mut Fields<'_>,
    key: &'static str,
    absent: f64,
    (dimension, range): (Dimension, Range),
    cx: &mut Context,
) -> Option<f64> {
    match fields.entry(key) {
        None => Some(absent),
        Some(entry) => entry_quantity(entry, dimension, range, cx),
    }
}

/// A count of a table, or what its absence means.
pub(super) fn count_or(
    fields: &mut Fields<'_>,
    key: &'static str,
    absent: u32,
    (low, high): (u32, u32),
    cx: &mut Context,
) -> Option<u32> {
    match fields.entry(key) {
        None => Some(absent),
        Some(entry) => small_count(key, &entry.node, (low, high), cx),
    }
}

/// A whole number of at most 32 bits.
pub(super) fn small_count(
    name: &str,
    node: &Node,
    (low, high): (u32, u32),
    cx: &mut Context,
) -> Option<u32> {
    let value = count(name, node, u64::from(low), u64::from(high), cx)?;
    u32::try_from(value).ok()
}

/// A whole number of at least 1, or `"unlimited"`, which is `u32::MAX`.
pub(super) fn count_or_unlimited(name: &str, node: &Node, cx: &mut Context) -> Option<u32> {
    if let Value::String(word) = &node.value
        && word == "unlimited"
    {
        return Some(u32::MAX);
    }
    small_count(name, node, (1, u32::MAX - 1), cx)
}

/// A time of a table, or what its absence means.
pub(super) fn time_or(
    fields: &mut Fields<'_>,
    key: &'static str,
    absent: f64,
    range: Range,
    cx: &mut Context,
) -> Option<f64> {
    quantity_or(fields, key, absent, (Dimension::Time, range), cx)
}

/// `true` or `false` of a table, or what its absence means.
pub(super) fn boolean_or(
    fields: &mut Fields<'_>,
    key: &'static str,
    absent: bool,
    cx: &mut Context,
) -> Option<bool> {
    match fields.entry(key) {
        None => Some(absent),
        Some(entry) => boolean(key, &entry.node, cx),
    }
}
