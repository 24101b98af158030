//! The TOML text as a tree in which every key and value knows its span.
//!
//! Reading goes on behind a syntax error, so that all errors of a file can be told at once.

use super::diagnostic::Diagnostic;
use super::source::{SourceId, Span};
use super::unclosed::{self, Unclosed};
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};

/// A value and where it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Its text; of a table under a `[header]`, that header.
    pub span: Span,
    /// What it is.
    pub value: Value,
}

/// A TOML value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Text.
    String(String),
    /// A whole number; TOML's own limit of 64 bits is checked where it matters.
    Integer(i128),
    /// A decimal number, which may be `inf` or `nan`.
    Float(f64),
    /// `true` or `false`.
    Boolean(bool),
    /// A date, a time or both, as TOML writes them.
    Datetime(String),
    /// A list.
    Array(Vec<Node>),
    /// Keys and values.
    Table(Table),
}

impl Value {
    /// What kind of value it is, with its article.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::String(_) => "text",
            Value::Integer(_) | Value::Float(_) => "a number",
            Value::Boolean(_) => "true or false",
            Value::Datetime(_) => "a date",
            Value::Array(_) => "a list",
            Value::Table(_) => "a table",
        }
    }
}

/// Keys and values, in the order of the text.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// Every key is there once.
    pub entries: Vec<Entry>,
}

impl Table {
    /// The entry of a key.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key, unquoted.
    pub key: String,
    /// Where the key was written.
    pub key_span: Span,
    /// Its value.
    pub node: Node,
}

/// Reads a whole document. The tree is the best that can be made of it; syntax errors go to
/// `errors`.
pub fn parse(text: &str, source: SourceId, errors: &mut Vec<Diagnostic>) -> Document {
    let (document, syntax) = DeTable::parse_recoverable(text);
    let unclosed = if syntax.is_empty() {
        Vec::new()
    } else {
        unclosed::find(text)
    };
    if unclosed.is_empty() {
        errors.extend(syntax.iter().map(|error| syntax_error(error, source, 0)));
        let root = root(document, source, errors);
        return Document {
            root,
            broken: Vec::new(),
        };
    }
    let broken: Vec<Range<usize>> = unclosed.iter().map(|one| one.line.clone()).collect();
    errors.extend(
        unclosed
            .iter()
            .map(|one| no_closing_quote(text, one, source)),
    );
    let repaired = unclosed::blanked(text, &unclosed);
    let (document, syntax) = DeTable::parse_recoverable(&repaired);
    let others = syntax.iter().filter(|error| {
        let at = error.span().map_or(0, |span| span.start);
        !broken.iter().any(|line| line.start <= at && at <= line.end)
    });
    errors.extend(others.map(|error| syntax_error(error, source, 0)));
    let root = root(document, source, errors);
    let broken = broken.into_iter().map(|line| statement(&root, line));
    let broken = broken.map(|range| shifted(source, 0, range)).collect();
    Document { root, broken }
}

/// A document that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The tree.
    pub root: Table,
    /// Where text has been lost: what is wrong there may be a mere consequence.
    pub broken: Vec<Span>,
}

fn no_closing_quote(text: &str, unclosed: &Unclosed, source: SourceId) -> Diagnostic {
    let span = Span::new(source, unclosed.open..unclosed.line.end);
    let quote = &text[unclosed.open..=unclosed.open];
    Diagnostic::error(span, "syntax: this text has no closing quote")
        .help(format!("close it by `{quote}` on the same line"))
}

/// A line, with the whole value that it is a part of.
fn statement(table: &Table, line: Range<usize>) -> Range<usize> {
    for entry in &table.entries {
        let value = &entry.node.span;
        if value.start <= line.start && line.end <= value.end {
            return entry.key_span.start.min(line.start)..value.end;
        }
        let within = match &entry.node.value {
            Value::Table(inner) => statement(inner, line.clone()),
            Value::Array(items) => items
                .iter()
                .map(|item| match &item.value {
                    Value::Table(inner) => statement(inner, line.clone()),
                    _ => line.clone(),
                })
                .find(|found| *found != line)
                .unwrap_or_else(|| line.clone()),
            _ => continue,
        };
        if within != line {
            return within;
        }
    }
    line
}

fn root(document: Spanned<DeTable<'_>>, source: SourceId, errors: &mut Vec<Diagnostic>) -> Table {
    let mut reader = Reader {
        source,
        offset: 0,
        errors,
    };
    reader.table(document.into_inner())
}

/// Reads a single value which begins at byte `offset` of `source`.
pub(super) fn parse_value(
    text: &str,
    source: SourceId,
    offset: usize,
) -> Result<Node, Vec<Diagnostic>> {
    let value = DeValue::parse(text).map_err(|error| vec![syntax_error(&error, source, offset)])?;
    let mut errors = Vec::new();
    let mut reader = Reader {
        source,
        offset,
        errors: &mut errors,
    };
    let node = reader.node(value);
    if errors.is_empty() {
        Ok(node)
    } else {
        Err(errors)
    }
}

fn syntax_error(error: &Error, source: SourceId, offset: usize) -> Diagnostic {
    let range = error.span().unwrap_or(0..0);
    let message = error.message();
    let (what, expected) = match message.split_once(", expected ") {
        Some((what, expected)) => (what, Some(expected)),
        None => (message, None),
    };
    let diagnostic = Diagnostic::error(shifted(source, offset, range), format!("syntax: {what}"));
    match (what, expected) {
        ("string values must be quoted", _) => {
            diagnostic.help("put text in quotes, as in \"250ms\", \"120/s\" or \"3%\"")
        }
        ("duplicate key", _) => diagnostic.help("a key may be given once: remove one of the two"),
        ("recursion limit", _) => diagnostic.help("nest tables and lists less deeply"),
        (_, Some("nothing") | None) => diagnostic.help("a line has the form `key = value`"),
        (_, Some(expected)) => diagnostic.help(format!("expected {expected}")),
    }
}

fn shifted(source: SourceId, offset: usize, range: Range<usize>) -> Span {
    Span::new(source, range.start + offset..range.end + offset)
}

/// Turns the parser's tree into ours.
struct Reader<'e> {
    source: SourceId,
    offset: usize,
    errors: &'e mut Vec<Diagnostic>,
}

impl Reader<'_> {
    fn span(&self, range: Range<usize>) -> Span {
        shifted(self.source, self.offset, range)
    }

    fn table(&mut self, table: DeTable<'_>) -> Table {
        let mut entries: Vec<Entry> = table
            .into_iter()
            .map(|(key, value)| Entry {
                key_span: self.span(key.span()),
                key: key.into_inner().into_owned(),
                node: self.node(value),
            })
            .collect();
        entries.sort_by_key(|entry| entry.key_span.start);
        Table { entries }
    }

    fn node(&mut self, value: Spanned<DeValue<'_>>) -> Node {
        let span = self.span(value.span());
        let value = match value.into_inner() {
            DeValue::String(text) => Value::String(text.into_owned()),
            DeValue::Integer(number) => {
                self.integer(i128::from_str_radix(number.as_str(), number.radix()), span)
            }
            DeValue::Float(number) => self.float(number.as_str(), span),
            DeValue::Boolean(value) => Value::Boolean(value),
            DeValue::Datetime(value) => Value::Datetime(value.to_string()),
            DeValue::Array(items) => {
                Value::Array(items.into_iter().map(|item| self.node(item)).collect())
            }
            DeValue::Table(table) => Value::Table(self.table(table)),
        };
        Node { span, value }
    }

    fn integer<E>(&mut self, number: Result<i128, E>, span: Span) -> Value {
        Value::Integer(number.unwrap_or_else(|_| {
            self.too_large(span);
            0
        }))
    }

    fn float(&mut self, text: &str, span: Span) -> Value {
        let number: f64 = text.parse().unwrap_or(f64::NAN);
        if number.is_infinite() && !text.contains("inf") {
            self.too_large(span);
            return Value::Float(0.0);
        }
        Value::Float(number)
    }

    fn too_large(&mut self, span: Span) {
        self.errors.push(
            Diagnostic::error(span, "the number is too large to be represented")
                .help("use a number below 1.8e308"),
        );
    }
}
