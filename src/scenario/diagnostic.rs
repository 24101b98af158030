//! What is wrong with a scenario, where, and what would be right.
//!
//! A [`Diagnostic`] is data; it is drawn only at the end, plain or coloured, with the file, line and
//! column, the source line, the offending text under a caret, and the cure.

use super::source::{Sources, Span, floor_boundary};
use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use std::fmt;

/// How many errors are drawn before the rest is only counted.
const MOST_DRAWN: usize = 20;

/// How grave a [`Diagnostic`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The scenario cannot be used.
    Error,
    /// The scenario can be used, but probably does not say what was meant.
    Warning,
}

/// One thing wrong with a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How grave it is.
    pub severity: Severity,
    /// The offending text.
    pub span: Span,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What stands beside the caret; may be empty.
    pub label: String,
    /// What would be right.
    pub help: Option<String>,
    /// Whether something is absent. Such an error may be the mere consequence of a syntax error,
    /// and is then left out.
    pub(super) absence: bool,
}

impl Diagnostic {
    /// An error at `span`.
    pub fn error(span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            span,
            message: message.into(),
            label: String::new(),
            help: None,
            absence: false,
        }
    }

    /// A warning at `span`.
    pub fn warning(span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Warning,
            ..Diagnostic::error(span, message)
        }
    }

    /// With these words beside the caret.
    pub fn label(mut self, label: impl Into<String>) -> Diagnostic {
        self.label = label.into();
        self
    }

    /// With this cure.
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }

    /// Marked as being about something that is absent.
    pub(super) fn absent(mut self) -> Diagnostic {
        self.absence = true;
        self
    }

    /// Draws it: `file:line:column`, the line, a caret, the cure. `coloured` adds terminal colours.
    pub fn render(&self, sources: &Sources, coloured: bool) -> String {
        let source = sources.get(self.span.source);
        let (lines, number) = sources.lines(self.span);
        let excerpt = &source.text[lines.clone()];
        let start = floor_boundary(excerpt, self.span.start.saturating_sub(lines.start));
        let end = floor_boundary(excerpt, self.span.end.saturating_sub(lines.start)).max(start);
        let mark = AnnotationKind::Primary.span(start..end);
        let mark = if self.label.is_empty() {
            mark
        } else {
            mark.label(self.label.as_str())
        };
        let snippet = Snippet::source(excerpt)
            .line_start(number)
            .path(source.name.as_str())
            .annotation(mark);
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let group = level.primary_title(self.message.as_str()).element(snippet);
        let group = match &self.help {
            Some(help) => group.element(Level::HELP.message(help.as_str())),
            None => group,
        };
        renderer(coloured).render(&[group])
    }
}

fn renderer(coloured: bool) -> Renderer {
    let renderer = if coloured {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    renderer.decor_style(DecorStyle::Ascii)
}

/// Every error of a scenario, with the texts they point into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScenarioErrors {
    /// The file and the `--set` arguments.
    pub sources: Sources,
    /// At least one; in the order of the text.
    pub errors: Vec<Diagnostic>,
}

impl ScenarioErrors {
    /// All errors drawn one below the other, and their number.
    pub fn render(&self, coloured: bool) -> String {
        let mut parts: Vec<String> = self
            .errors
            .iter()
            .take(MOST_DRAWN)
            .map(|error| error.render(&self.sources, coloured))
            .collect();
        if self.errors.len() > MOST_DRAWN {
            parts.push(format!(
                "{} more errors are not shown",
                self.errors.len() - MOST_DRAWN
            ));
        }
        parts.join("\n\n")
    }
}

impl fmt::Display for ScenarioErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for ScenarioErrors {}
