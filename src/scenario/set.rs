//! `--set PATH=VALUE`: changes a number of the scenario without editing its file.
//!
//! `PATH` is keys joined by dots, `VALUE` a TOML value, or else text that needs no quotes:
//! `stage.payment.consumers=30`, `producer.web.arrivals.poisson.rate=130/s`, `run.duration=10min`.
//! The elements of `stage`, `producer` and `class` go by their `name`; those of any list by their
//! number from 0, as in `slo.0.below=1s`. Keys that are not there are added. Of two keys that
//! exclude each other (`run.duration` and `run.orders`, `run.replications` and `run.precision`),
//! setting one removes the other. A dotted name is put in quotes: `stage."a.b".consumers=2`.

use super::diagnostic::Diagnostic;
use super::source::{SourceId, Span};
use super::text::instead;
use super::tree::{self, Entry, Node, Table, Value};
use std::ops::Range;

/// Keys of `[run]` that replace each other.
const RIVALS: [(&str, &str); 2] = [("duration", "orders"), ("replications", "precision")];

/// One part of a path.
struct Segment {
    key: String,
    span: Span,
}

/// Applies `argument`, which is the whole text of `source`, to the tree.
///
/// # Errors
///
/// A path that leads nowhere, with where it stopped and what is there; a value that is no TOML.
pub(super) fn apply(
    root: &mut Table,
    argument: &str,
    source: SourceId,
) -> Result<(), Vec<Diagnostic>> {
    let whole = Span::new(source, 0..argument.len());
    let Some(equals) = outside_quotes(argument, '=').next() else {
        let problem = Diagnostic::error(whole, "`--set` takes PATH=VALUE, and there is no `=`")
            .help("write such as stage.payment.consumers=30");
        return Err(vec![problem]);
    };
    let path = segments(&argument[..equals], source).map_err(|error| vec![error])?;
    let node = value(argument, equals + 1, source)?;
    if let [run, key] = path.as_slice()
        && run.key == "run"
    {
        remove_rival(root, &key.key);
    }
    put(root, &path, node).map_err(|error| vec![error])
}

/// Puts `node` where `path` leads to; what is wrong with the path is told at `place`.
///
/// # Errors
///
/// As [`apply`].
pub(super) fn put_at(
    root: &mut Table,
    path: &str,
    place: Span,
    node: Node,
) -> Result<(), Diagnostic> {
    let found = segments(path, place.source).and_then(|mut path| {
        path.iter_mut().for_each(|segment| segment.span = place);
        put(root, &path, node)
    });
    found.map_err(|error| Diagnostic {
        span: place,
        ..error
    })
}

fn remove_rival(root: &mut Table, key: &str) {
    let rival = RIVALS.iter().find_map(|&(a, b)| match key {
        _ if key == a => Some(b),
        _ if key == b => Some(a),
        _ => None,
    });
    let run = root.entries.iter_mut().find(|entry| entry.key == "run");
    if let (Some(rival), Some(run)) = (rival, run)
        && let Value::Table(table) = &mut run.node.value
    {
        table.entries.retain(|entry| entry.key != rival);
    }
}

/// The places of `wanted` outside of double quotes.
fn outside_quotes(text: &str, wanted: char) -> impl Iterator<Item = usize> {
    let mut quoted = false;
    text.char_indices().filter_map(move |(place, c)| {
        if c == '"' {
            quoted = !quoted;
        }
        (c == wanted && !quoted).then_some(place)
    })
}

fn segments(path: &str, source: SourceId) -> Result<Vec<Segment>, Diagnostic> {
    let ends = outside_quotes(path, '.').chain([path.len()]);
    let mut start = 0;
    let mut segments = Vec::new();
    for end in ends {
        segments.push(segment(path, start..end, source)?);
        start = end + 1;
    }
    Ok(segments)
}

fn segment(path: &str, range: Range<usize>, source: SourceId) -> Result<Segment, Diagnostic> {
    let span = trimmed(path, range, source);
    let text = &path[span.start..span.end];
    let key = text.trim_matches('"').to_owned();
    if key.is_empty() {
        return Err(Diagnostic::error(span, "a part of the path is empty")
            .help("join keys by single dots, as in stage.payment.consumers"));
    }
    Ok(Segment { key, span })
}

/// The span of `range` without its outer spaces.
fn trimmed(text: &str, range: Range<usize>, source: SourceId) -> Span {
    let part = &text[range.clone()];
    let start = range.start + (part.len() - part.trim_start().len());
    Span::new(source, start..start + part.trim().len())
}

/// The value behind the `=`: TOML, else bare text.
fn value(argument: &str, from: usize, source: SourceId) -> Result<Node, Vec<Diagnostic>> {
    let span = trimmed(argument, from..argument.len(), source);
    let text = &argument[span.start..span.end];
    if text.is_empty() {
        let problem = Diagnostic::error(span, "there is no value behind the `=`")
            .help("write such as run.duration=10min");
        return Err(vec![problem]);
    }
    let quoted = text.starts_with(['{', '[', '"', '\'']);
    match tree::parse_value(text, source, span.start) {
        Ok(node) => Ok(node),
        Err(errors) if quoted => Err(errors),
        Err(_) => Ok(Node {
            span,
            value: Value::String(text.to_owned()),
        }),
    }
}

/// Puts `node` where `path` leads to from `table`.
fn put(table: &mut Table, path: &[Segment], node: Node) -> Result<(), Diagnostic> {
    let [first, rest @ ..] = path else {
        return Ok(());
    };
    let index = match table.entries.iter().position(|e| e.key == first.key) {
        Some(index) => index,
        None => add(table, first),
    };
    let entry = &mut table.entries[index];
    entry.key_span = if rest.is_empty() {
        first.span
    } else {
        entry.key_span
    };
    put_into(&mut entry.node, first, rest, node)
}

/// Adds an empty table under a key.
fn add(table: &mut Table, key: &Segment) -> usize {
    table.entries.push(Entry {
        key: key.key.clone(),
        key_span: key.span,
        node: Node {
            span: key.span,
            value: Value::Table(Table::default()),
        },
    });
    table.entries.len() - 1
}

fn put_into(
    place: &mut Node,
    reached: &Segment,
    rest: &[Segment],
    node: Node,
) -> Result<(), Diagnostic> {
    let Some(next) = rest.first() else {
        *place = node;
        return Ok(());
    };
    match &mut place.value {
        Value::Table(table) => put(table, rest, node),
        Value::Array(items) => {
            let index = element(items, reached, next)?;
            put_into(&mut items[index], next, &rest[1..], node)
        }
        other => {
            let message = format!(
                "`{}` is {}, so there is no `{}` in it",
                reached.key,
                other.kind(),
                next.key
            );
            Err(Diagnostic::error(next.span, message)
                .help(format!("end the path at `{}`", reached.key)))
        }
    }
}

/// The element that goes by this name, or has this number.
fn element(items: &[Node], list: &Segment, wanted: &Segment) -> Result<usize, Diagnostic> {
    let named = items
        .iter()
        .position(|item| name_of(item) == Some(&wanted.key));
    let numbered = || wanted.key.parse().ok().filter(|&at| at < items.len());
    named.or_else(numbered).ok_or_else(|| {
        let names: Vec<&str> = items.iter().filter_map(name_of).collect();
        let help = if names.is_empty() {
            format!("give a number from 0 to {}", items.len().saturating_sub(1))
        } else {
            instead(&wanted.key, &names)
        };
        let message = format!("there is no {} `{}`", list.key, wanted.key);
        Diagnostic::error(wanted.span, message).help(help)
    })
}

fn name_of(item: &Node) -> Option<&str> {
    let Value::Table(table) = &item.value else {
        return None;
    };
    match &table.get("name")?.node.value {
        Value::String(name) => Some(name),
        _ => None,
    }
}
