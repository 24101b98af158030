//! Reading tables: every key is taken once, and what nobody took is an error.
//!
//! Reading never stops at the first error. A function that reads a value returns `None` when it
//! has reported why there is none, so that its caller can go on with the rest.

use super::diagnostic::Diagnostic;
use super::source::Span;
use super::spot::Spot;
use super::text::{instead, list, nearest};
use super::tree::{Entry, Node, Table, Value};
use std::io;
use std::path::PathBuf;

/// What is known while a scenario is read: where its data files are, and what is wrong so far.
pub(super) struct Context {
    /// The folder that paths in the scenario are relative to.
    pub(super) base: PathBuf,
    /// Errors and warnings.
    pub(super) found: Vec<Diagnostic>,
    /// A data file that is there but could not be read.
    pub(super) failed: Option<(PathBuf, io::Error)>,
    /// Whether the scenario is read as it is during an incident.
    pub(super) incident: bool,
}

impl Context {
    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        self.found.push(diagnostic);
    }
}

/// What a key holds: nothing, something wrong (already reported), or a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Given<T> {
    Absent,
    Wrong,
    Is(T),
}

impl<T> Given<T> {
    /// What reading an optional entry gave.
    pub(super) fn read<'t>(
        entry: Option<&'t Entry>,
        read: impl FnOnce(&'t Entry) -> Option<T>,
    ) -> Given<T> {
        match entry {
            None => Given::Absent,
            Some(entry) => read(entry).map_or(Given::Wrong, Given::Is),
        }
    }
}

/// A table being read.
pub(super) struct Fields<'t> {
    table: &'t Table,
    spot: Spot,
    known: Vec<&'static str>,
    /// Where the table is; the place of what is missing in it.
    pub(super) span: Span,
}

impl<'t> Fields<'t> {
    /// The table that `node` must be.
    pub(super) fn of(node: &'t Node, spot: Spot, cx: &mut Context) -> Option<Fields<'t>> {
        match &node.value {
            Value::Table(table) => Some(Fields::new(table, spot, node.span)),
            other => {
                let message = format!("{} is a table, not {}", spot.name(), other.kind());
                cx.report(Diagnostic::error(node.span, message).help("write { key = value, … }"));
                None
            }
        }
    }

    /// A table that is known to be one.
    pub(super) fn new(table: &'t Table, spot: Spot, span: Span) -> Fields<'t> {
        Fields {
            table,
            spot,
            known: Vec::new(),
            span,
        }
    }

    /// Takes a key that may be absent.
    pub(super) fn entry(&mut self, key: &'static str) -> Option<&'t Entry> {
        self.known.push(key);
        self.table.get(key)
    }

    /// Takes a key that must be there; `cure` shows how it is written.
    pub(super) fn required(
        &mut self,
        key: &'static str,
        cure: &str,
        cx: &mut Context,
    ) -> Option<&'t Entry> {
        let entry = self.entry(key);
        if entry.is_none() {
            let message = format!("{} needs `{key}`", self.spot.name());
            cx.report(
                Diagnostic::error(self.span, message)
                    .label(format!("`{key}` is missing"))
                    .help(format!("add {cure}"))
                    .absent(),
            );
        }
        entry
    }

    /// Whether a key is there, without taking it.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.get(key).is_some()
    }

    /// All keys that are there, without taking them.
    pub(super) fn entries(&self) -> &'t [Entry] {
        &self.table.entries
    }

    /// The place of a key's value, or of the whole table if the key is not there.
    pub(super) fn span_of(&self, key: &str) -> Span {
        self.table
            .get(key)
            .map_or(self.span, |entry| entry.node.span)
    }

    /// Reports every key that was not taken.
    pub(super) fn finish(self, cx: &mut Context) {
        for entry in &self.table.entries {
            if !self.known.contains(&entry.key.as_str()) {
                cx.report(unknown_key(entry, self.spot, &self.known));
            }
        }
    }
}

fn unknown_key(entry: &Entry, spot: Spot, known: &[&'static str]) -> Diagnostic {
    let key = &entry.key;
    if spot.is_later(key) {
        return not_yet(entry.key_span, spot, key);
    }
    if let Some(cure) = spot.elsewhere(key) {
        let message = format!("`{key}` does not belong in {}", spot.name());
        return Diagnostic::error(entry.key_span, message).help(cure);
    }
    let help = match nearest(key, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("{} has the keys {}", spot.name(), list(known, "and")),
    };
    Diagnostic::error(entry.key_span, format!("unknown key `{key}`"))
        .label(format!("{} has no such key", spot.name()))
        .help(help)
}

/// The refusal of what a later version will understand.
pub(super) fn not_yet(span: Span, spot: Spot, word: &str) -> Diagnostic {
    Diagnostic::error(
        span,
        format!("`{word}` in {} is not yet supported", spot.name()),
    )
    .help("this version would have to ignore it, so it refuses it: remove it")
}

/// A choice written as a table with one key, its name. Returns the choice's entry, whose name is
/// one of `names`.
pub(super) fn choice<'t>(
    node: &'t Node,
    spot: Spot,
    names: &[&'static str],
    cx: &mut Context,
) -> Option<(&'static str, &'t Entry)> {
    let Value::Table(table) = &node.value else {
        cx.report(no_choice(node, spot, names));
        return None;
    };
    let [entry] = table.entries.as_slice() else {
        cx.report(not_one(node.span, table, spot, names));
        return None;
    };
    let known = name_of(&entry.key, entry.key_span, spot, names, cx)?;
    Some((known, entry))
}

/// The one of `names` that `word` is.
pub(super) fn name_of(
    word: &str,
    span: Span,
    spot: Spot,
    names: &[&'static str],
    cx: &mut Context,
) -> Option<&'static str> {
    let known = names.iter().copied().find(|&name| name == word);
    if known.is_none() {
        cx.report(if spot.is_later(word) {
            not_yet(span, spot, word)
        } else {
            Diagnostic::error(span, format!("{} cannot be `{word}`", spot.name()))
                .help(instead(word, names))
        });
    }
    known
}

fn no_choice(node: &Node, spot: Spot, names: &[&str]) -> Diagnostic {
    let message = format!(
        "{} is a table with one key, not {}",
        spot.name(),
        node.value.kind()
    );
    Diagnostic::error(node.span, message).help(format!(
        "write {{ NAME = {{ … }} }}, where NAME is {}",
        list(names, "or")
    ))
}

fn not_one(span: Span, table: &Table, spot: Spot, names: &[&str]) -> Diagnostic {
    let keys: Vec<&str> = table.entries.iter().map(|e| e.key.as_str()).collect();
    let (message, span) = match keys.len() {
        0 => (format!("{} is missing its name", spot.name()), span),
        _ => (
            format!("{} is one of {}, not both", spot.name(), list(keys, "and")),
            // The later key is the one that was added, perhaps by a `--set`.
            table.entries.last().map_or(span, |entry| entry.key_span),
        ),
    };
    Diagnostic::error(span, message).help(format!("choose one of {}", list(names, "and")))
}

/// A choice that is written as a word, or as a table with one key where it has parameters. Returns its
/// name, and the parameters of one of the `tables`.
pub(super) fn named<'t>(
    node: &'t Node,
    spot: Spot,
    words: &[&'static str],
    tables: &[&'static str],
    cx: &mut Context,
) -> Option<(&'static str, Option<&'t Node>)> {
    let names: Vec<&'static str> = words.iter().chain(tables).copied().collect();
    if let Value::String(word) = &node.value {
        let name = name_of(word, node.span, spot, &names, cx)?;
        if words.contains(&name) {
            return Some((name, None));
        }
        let message = format!("`{name}` needs its parameters");
        let help = format!("write {{ {name} = … }}");
        cx.report(Diagnostic::error(node.span, message).help(help));
        return None;
    }
    let (name, entry) = choice(node, spot, &names, cx)?;
    if tables.contains(&name) {
        return Some((name, Some(&entry.node)));
    }
    Fields::of(&entry.node, Spot::Parameters(name), cx)?.finish(cx);
    Some((name, None))
}
