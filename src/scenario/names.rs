//! Names: of the scenario, of classes, producers and stages.
//!
//! Names end up as names of folders and in CSV cells, so they are not empty, have no control
//! characters and no `/` or `\`, do not begin with a dot, and have neither outer spaces nor more
//! than 100 bytes. A stage may not be called like an outcome of orders.

use super::diagnostic::Diagnostic;
use super::fields::{Context, Fields};
use super::source::Span;
use super::text::instead;
use super::tree::Node;
use super::values;
use std::collections::BTreeSet;

/// The outcomes of orders and the name of the whole; no stage may have these names.
const RESERVED: [&str; 8] = [
    "completed",
    "rejected",
    "expired",
    "dead_lettered",
    "cancelled",
    "lost",
    "in_flight",
    "pipeline",
];

const LONGEST: usize = 100;

/// A name, or a reference to one, and where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) text: String,
    pub(super) span: Span,
}

/// A reference to something by its name.
pub(super) fn reference(key: &str, node: &Node, cx: &mut Context) -> Option<Named> {
    values::text(key, node, cx).map(|text| Named {
        text: text.to_owned(),
        span: node.span,
    })
}

/// The name that `fields` must have.
pub(super) fn own(fields: &mut Fields<'_>, cx: &mut Context) -> Option<Named> {
    let entry = fields.required("name", "a name, such as `name = \"payment\"`", cx)?;
    let name = reference("name", &entry.node, cx)?;
    sound(name, cx)
}

/// The name, if it can be one.
pub(super) fn sound(name: Named, cx: &mut Context) -> Option<Named> {
    let Some(problem) = unsound(&name.text) else {
        return Some(name);
    };
    cx.report(
        Diagnostic::error(name.span, format!("a name {problem}"))
            .help("names become names of folders and files: use letters, digits, `-` and `_`"),
    );
    None
}

/// What is wrong with a name.
pub(super) fn unsound(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("may not be empty")
    } else if name.len() > LONGEST {
        Some("may not have more than 100 bytes")
    } else if name.chars().any(char::is_control) {
        Some("may not contain control characters")
    } else if name.contains(['/', '\\']) {
        Some("may not contain `/` or `\\`")
    } else if name.starts_with('.') {
        Some("may not begin with a dot")
    } else if name.trim() != name {
        Some("may not begin or end with a space")
    } else {
        None
    }
}

/// Reports a stage that is called like an outcome.
pub(super) fn not_reserved(name: &Named, cx: &mut Context) {
    if RESERVED.contains(&name.text.as_str()) {
        let message = format!("a stage may not be called `{}`", name.text);
        cx.report(
            Diagnostic::error(name.span, message)
                .label("this is what outcomes of orders and the whole pipeline are called")
                .help("choose another name"),
        );
    }
}

/// Reports every name that is there twice. `what` is such as "stages".
pub(super) fn unique<'n>(
    what: &str,
    names: impl Iterator<Item = Option<&'n Named>>,
    cx: &mut Context,
) {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for name in names.flatten() {
        if !seen.insert(&name.text) {
            let message = format!("two {what} are called `{}`", name.text);
            cx.report(Diagnostic::error(name.span, message).help("rename one of them"));
        }
    }
}

/// The index of the name that `wanted` refers to; `what` is such as "stage".
pub(super) fn find(
    wanted: &Named,
    what: &str,
    names: &[Option<&str>],
    cx: &mut Context,
) -> Option<usize> {
    let index = names.iter().position(|name| *name == Some(&*wanted.text));
    let known: Vec<&str> = names.iter().copied().flatten().collect();
    // Where there is no name at all, that has been reported, and this is its consequence.
    if index.is_none() && !known.is_empty() {
        cx.report(
            Diagnostic::error(wanted.span, format!("there is no {what} `{}`", wanted.text))
                .help(instead(&wanted.text, &known)),
        );
    }
    index
}
