//! Where text came from: the scenario file itself, or the argument of a `--set`.
//!
//! Every value of a scenario remembers the bytes it was written as, so that whatever is wrong with
//! it can be shown under a caret, no matter how late it is found.

use std::ops::Range;

/// Which of the [`Sources`] a [`Span`] points into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(usize);

impl SourceId {
    /// The scenario file, which is always the first source.
    pub const FILE: SourceId = SourceId(0);
}

/// A range of bytes of one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Which text.
    pub source: SourceId,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The bytes `range` of `source`.
    pub fn new(source: SourceId, range: Range<usize>) -> Span {
        Span {
            source,
            start: range.start,
            end: range.end,
        }
    }

    /// Whether `other` lies within.
    pub fn contains(&self, other: Span) -> bool {
        self.source == other.source && self.start <= other.start && other.end <= self.end
    }
}

/// One text and the name it goes by in messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The path as the user gave it, or `--set`.
    pub name: String,
    /// The whole text.
    pub text: String,
}

/// Every text a scenario was made from; the scenario file comes first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources(Vec<Source>);

impl Sources {
    /// The sources of a scenario file without any `--set`.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Sources {
        let mut sources = Sources(Vec::new());
        sources.add(name, text);
        sources
    }

    /// Takes in one more text.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> SourceId {
        self.0.push(Source {
            name: name.into(),
            text: text.into(),
        });
        SourceId(self.0.len() - 1)
    }

    /// The text a span points into.
    pub fn get(&self, id: SourceId) -> &Source {
        &self.0[id.0]
    }

    /// Line and column (both from 1, columns in characters) at which a span begins.
    ///
    /// ```
    /// use orderline::scenario::source::{SourceId, Sources, Span};
    /// let sources = Sources::new("a.toml", "seed = 1\n[run]\n");
    /// assert_eq!(sources.position(Span::new(SourceId::FILE, 10..13)), (2, 2));
    /// ```
    pub fn position(&self, span: Span) -> (usize, usize) {
        let text = &self.get(span.source).text;
        let before = &text[..floor_boundary(text, span.start)];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
        (line, before[line_start..].chars().count() + 1)
    }

    /// The lines a span touches: where they begin in the text, and the number of the first.
    pub(super) fn lines(&self, span: Span) -> (Range<usize>, usize) {
        let text = &self.get(span.source).text;
        let first = floor_boundary(text, span.start);
        let last = floor_boundary(text, span.end).max(first);
        let start = text[..first].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[last..]
            .find('\n')
            .map_or(text.len(), |newline| last + newline);
        (start..end, self.position(span).0)
    }
}

/// The largest character boundary of `text` that is not above `index`.
pub(super) fn floor_boundary(text: &str, index: usize) -> usize {
    (0..=index.min(text.len()))
        .rev()
        .find(|&place| text.is_char_boundary(place))
        .unwrap_or(0)
}
