//! The whole scenario as it was written: every part read, names not yet looked up.

use super::diagnostic::Diagnostic;
use super::fields::{Context, Fields};
use super::incident::{self, IncidentDraft};
use super::names::{self, Named};
use super::producer::{self, ClassDraft, ProducerDraft};
use super::run;
use super::slo::{self, SloDraft};
use super::source::{SourceId, Span};
use super::spot::Spot;
use super::stage::{self, StageDraft};
use super::tree::{Entry, Node, Table, Value};
use super::values;
use crate::network::RunPlan;

/// A scenario as it was written. What is `None` has been reported.
pub(super) struct Draft {
    /// `Some(None)` where there is no such key.
    pub(super) name: Option<Option<Named>>,
    pub(super) seed: Option<u64>,
    pub(super) run: Option<RunPlan>,
    pub(super) classes: Vec<ClassDraft>,
    pub(super) producers: Vec<ProducerDraft>,
    pub(super) stages: Vec<StageDraft>,
    pub(super) slos: Vec<SloDraft>,
    pub(super) incidents: Vec<IncidentDraft>,
}

/// Reads the whole tree.
pub(super) fn read(root: &Table, cx: &mut Context) -> Draft {
    let start = Span::new(SourceId::FILE, 0..0);
    let mut fields = Fields::new(root, Spot::Scenario, start);
    let draft = Draft {
        name: match fields.entry("name") {
            None => Some(None),
            Some(entry) => names::reference("name", &entry.node, cx)
                .and_then(|name| names::sound(name, cx))
                .map(Some),
        },
        seed: match fields.entry("seed") {
            None => Some(1),
            Some(entry) => values::count("seed", &entry.node, 0, u64::MAX, cx),
        },
        run: run::read(fields.entry("run"), cx),
        classes: tables(fields.entry("class"), cx, producer::read_class),
        producers: tables(
            some_of(&mut fields, "producer", PRODUCER, cx),
            cx,
            producer::read,
        ),
        stages: tables(some_of(&mut fields, "stage", STAGE, cx), cx, stage::read),
        slos: tables(fields.entry("slo"), cx, slo::read),
        incidents: tables(fields.entry("incident"), cx, incident::read),
    };
    fields.finish(cx);
    draft
}

const PRODUCER: &str =
    "[[producer]] with `name`, `to` and `arrivals`; `orderline new NAME` shows how";
const STAGE: &str =
    "[[stage]] with `name`, `consumers` and `service`; `orderline new NAME` shows how";

/// A list of which there must be at least one.
fn some_of<'t>(
    fields: &mut Fields<'t>,
    key: &'static str,
    cure: &str,
    cx: &mut Context,
) -> Option<&'t Entry> {
    let entry = fields.required(key, cure, cx)?;
    if matches!(&entry.node.value, Value::Array(items) if items.is_empty()) {
        let message = format!("a scenario needs at least one `{key}`");
        cx.report(Diagnostic::error(entry.node.span, message).help(format!("add {cure}")));
    }
    Some(entry)
}

/// The `[[key]]` tables of an entry.
fn tables<T>(
    entry: Option<&Entry>,
    cx: &mut Context,
    read: fn(&Node, &mut Context) -> Option<T>,
) -> Vec<T> {
    let Some(entry) = entry else {
        return Vec::new();
    };
    let Value::Array(items) = &entry.node.value else {
        let key = &entry.key;
        let message = format!(
            "`{key}` is a list of tables, not {}",
            entry.node.value.kind()
        );
        let help = format!("write [[{key}]] in double brackets above each");
        cx.report(Diagnostic::error(entry.node.span, message).help(help));
        return Vec::new();
    };
    items.iter().filter_map(|item| read(item, cx)).collect()
}
