//! `[[incident]]`: any number of the file, changed for a while.
//!
//! | key | meaning |
//! | --- | --- |
//! | `at`, `for` | when it begins, and how long it lasts |
//! | `set` | `{ "stage.payment.consumers" = 0 }`: paths as `--set` takes them, in quotes, with the values that hold meanwhile |
//! | `broker_down` | the stages whose broker is down: `["order"]` |
//!
//! Where incidents overlap all of them hold; of two that change the same number, the later in the file.
//! Afterwards everything is as the rest of the file says. An incident changes numbers, not the shape of
//! the pipeline: names, classes, who sends where, disciplines, stock, how messages are stored and handed
//! over, and the run stay as they are.
//!
//! The pipeline is compiled once for every time at which an incident begins or ends.

use super::compile;
use super::diagnostic::{Diagnostic, Severity};
use super::draft::{self, Draft};
use super::fields::{Context, Fields};
use super::names::{self, Named, find};
use super::set;
use super::source::Span;
use super::spot::Spot;
use super::tree::{Entry, Node, Table, Value};
use super::units::Dimension;
use super::values::{self, Range};
use crate::network::{
    Breaker, Capacity, Failures, Horizon, Network, Phase, Population, Producer, Stage, System,
};
use std::mem::discriminant;

/// An `[[incident]]` as it was written.
pub(super) struct IncidentDraft {
    pub(super) span: Span,
    at: f64,
    until: f64,
    edits: Vec<Edit>,
    broker_down: Vec<Named>,
}

/// A path and the value that holds there.
struct Edit {
    path: String,
    key: Span,
    node: Node,
}

/// Reads an `[[incident]]`.
pub(super) fn read(node: &Node, cx: &mut Context) -> Option<IncidentDraft> {
    let mut fields = Fields::of(node, Spot::Incident, cx)?;
    let from = (Dimension::Time, Range::NotNegative);
    let cure = "when it begins, such as `at = \"10m\"`";
    let at = values::required_quantity(&mut fields, "at", cure, from, cx);
    let time = (Dimension::Time, Range::Positive);
    let cure = "how long it lasts, such as `for = \"30s\"`";
    let length = values::required_quantity(&mut fields, "for", cure, time, cx);
    let set = fields.entry("set");
    let edits = set.map_or(Some(Vec::new()), |entry| edits(&entry.node, cx));
    let down = fields.entry("broker_down");
    let broker_down = match down {
        None => Some(Vec::new()),
        Some(entry) => values::list("broker_down", &entry.node, cx, |item, cx| {
            names::reference("broker_down", item, cx)
        }),
    };
    if set.is_none() && down.is_none() {
        let message = "an `[[incident]]` needs `set` or `broker_down`: nothing would be different";
        let help = "add such as set = { \"stage.payment.consumers\" = 0 }";
        cx.report(Diagnostic::error(fields.span, message).help(help).absent());
    }
    fields.finish(cx);
    let at = at?;
    Some(IncidentDraft {
        span: node.span,
        at,
        until: at + length?,
        edits: edits?,
        broker_down: broker_down?,
    })
}

fn edits(node: &Node, cx: &mut Context) -> Option<Vec<Edit>> {
    let Value::Table(table) = &node.value else {
        let message = format!("`set` is a table, not {}", node.value.kind());
        let help = "write { \"PATH\" = VALUE, … }, with paths as `--set` takes them";
        cx.report(Diagnostic::error(node.span, message).help(help));
        return None;
    };
    let edits: Vec<Option<Edit>> = table.entries.iter().map(|entry| edit(entry, cx)).collect();
    edits.into_iter().collect()
}

fn edit(entry: &Entry, cx: &mut Context) -> Option<Edit> {
    let (first, rest) = match entry.key.split_once('.') {
        Some((first, _)) => (first, true),
        None => (entry.key.as_str(), false),
    };
    let (problem, help) = match first {
        "stage" | "producer" if rest => {
            return Some(Edit {
                path: entry.key.clone(),
                key: entry.key_span,
                node: entry.node.clone(),
            });
        }
        "stage" | "producer" => (
            "the path is not in quotes".to_owned(),
            "write \"stage.payment.consumers\" = 0, the whole path in one pair of quotes",
        ),
        _ => (
            format!("an incident cannot change `{first}`"),
            "the path begins with `stage` or `producer`, as in \"stage.payment.consumers\"",
        ),
    };
    cx.report(Diagnostic::error(entry.key_span, problem).help(help));
    None
}

/// The scenario that incidents change.
pub(super) struct Scene<'s> {
    pub(super) base: &'s Network,
    pub(super) draft: &'s Draft,
    pub(super) root: &'s Table,
    pub(super) fallback: &'s str,
}

impl Scene<'_> {
    /// What holds when; `None` where something is wrong and has been reported.
    pub(super) fn phases(&self, cx: &mut Context) -> Option<Vec<Phase>> {
        let incidents = &self.draft.incidents;
        let down: Vec<Option<Vec<usize>>> = incidents
            .iter()
            .map(|incident| self.brokers(incident, cx))
            .collect();
        let down: Option<Vec<Vec<usize>>> = down.into_iter().collect();
        let alone = incidents.iter().flat_map(|incident| &incident.edits);
        let sound: Vec<Option<()>> = alone.map(|edit| self.try_alone(edit, cx)).collect();
        sound.into_iter().collect::<Option<()>>()?;
        let down = down?;
        self.warn_of_never(cx);
        let mut times: Vec<f64> = incidents
            .iter()
            .flat_map(|incident| [incident.at, incident.until])
            .collect();
        times.sort_by(f64::total_cmp);
        times.dedup();
        times
            .into_iter()
            .map(|from| self.phase(from, &down, cx))
            .collect()
    }

    fn brokers(&self, incident: &IncidentDraft, cx: &mut Context) -> Option<Vec<usize>> {
        let stages = &self.base.stages;
        let names: Vec<Option<&str>> = stages.iter().map(|s| Some(s.name.as_str())).collect();
        let mut broker = |named: &Named| {
            let index = find(named, "stage", &names, cx)?;
            if stages[index].extras.broker.system != System::ZeroMq {
                return Some(index);
            }
            let message = format!("`{}` has no broker that could be down", named.text);
            let help = "ZeroMQ is a library; let its consumers fail, by `breakdown`";
            cx.report(Diagnostic::error(named.span, message).help(help));
            None
        };
        let brokers: Vec<Option<usize>> = incident.broker_down.iter().map(&mut broker).collect();
        brokers.into_iter().collect()
    }

    /// Compiles the pipeline with one change alone, so that what is wrong with it is told at its place.
    fn try_alone(&self, edit: &Edit, cx: &mut Context) -> Option<()> {
        let network = self.during(&[edit], cx)?;
        let Some(what) = reshaped(self.base, &network) else {
            return Some(());
        };
        let message = format!("an incident cannot change {what}");
        let help =
            "let it change numbers: rates, laws, consumers, capacities, probabilities, costs";
        cx.report(Diagnostic::error(edit.key, message).help(help));
        None
    }

    fn phase(&self, from: f64, down: &[Vec<usize>], cx: &mut Context) -> Option<Phase> {
        let incidents = self.draft.incidents.iter();
        let active = |incident: &&IncidentDraft| incident.at <= from && from < incident.until;
        let edits: Vec<&Edit> = incidents
            .clone()
            .filter(active)
            .flat_map(|incident| &incident.edits)
            .collect();
        let mut broker_down = vec![false; self.base.stages.len()];
        for (_, stages) in incidents.zip(down).filter(|(incident, _)| active(incident)) {
            stages.iter().for_each(|&stage| broker_down[stage] = true);
        }
        Some(Phase {
            from,
            broker_down,
            network: match edits.as_slice() {
                [] => self.base.clone(),
                edits => self.during(edits, cx)?,
            },
        })
    }

    /// The pipeline with these changes.
    fn during(&self, edits: &[&Edit], cx: &mut Context) -> Option<Network> {
        let mut root = self.root.clone();
        for edit in edits {
            if let Err(error) = set::put_at(&mut root, &edit.path, edit.key, edit.node.clone()) {
                cx.report(error);
                return None;
            }
        }
        let found = cx.found.len();
        cx.incident = true;
        let draft = draft::read(&root, cx);
        let network = compile::compile(&draft, self.fallback, cx);
        cx.incident = false;
        let found = cx.found.split_off(found);
        let errors = found.into_iter();
        let errors: Vec<Diagnostic> = errors
            .filter(|one| one.severity == Severity::Error)
            .map(|error| at_its_edit(error, edits))
            .collect();
        let wrong = !errors.is_empty();
        for error in errors {
            if !cx.found.contains(&error) {
                cx.report(error);
            }
        }
        network.filter(|_| !wrong)
    }

    fn warn_of_never(&self, cx: &mut Context) {
        let Horizon::Duration(end) = self.base.run.horizon else {
            return;
        };
        for incident in self.draft.incidents.iter().filter(|one| one.at >= end) {
            let message = "this incident begins when the run is over";
            let help = "let it begin earlier, or the run last longer";
            cx.report(Diagnostic::warning(incident.span, message).help(help));
        }
    }
}

/// An error that an edit caused elsewhere is told at the edit.
fn at_its_edit(error: Diagnostic, edits: &[&Edit]) -> Diagnostic {
    let inside = |edit: &&Edit| {
        error.span == edit.key
            || error.span == edit.node.span
            || edit.node.span.contains(error.span)
    };
    match edits {
        _ if edits.iter().any(inside) => error,
        [.., last] => Diagnostic {
            span: last.key,
            message: format!("during this incident: {}", error.message),
            ..error
        },
        [] => error,
    }
}

/// What of the pipeline's shape differs, if anything.
fn reshaped(base: &Network, during: &Network) -> Option<&'static str> {
    let sender = |one: &Producer| {
        (
            one.name.clone(),
            one.class,
            one.to,
            discriminant(&one.arrivals),
        )
    };
    let crowd = |one: &Population| (one.name.clone(), one.class, one.to, one.customers);
    let producers = |network: &Network| network.producers.iter().map(sender).collect::<Vec<_>>();
    let populations = |network: &Network| network.populations.iter().map(crowd).collect::<Vec<_>>();
    if producers(base) != producers(during) {
        return Some("who sends where, nor the kind of arrivals");
    }
    if populations(base) != populations(during) {
        return Some("closed populations, but their think time");
    }
    if base.stages.len() != during.stages.len() {
        return Some("the number of stages");
    }
    let mut stages = base.stages.iter().zip(&during.stages);
    stages.find_map(|(base, during)| restaged(base, during))
}

fn restaged(base: &Stage, during: &Stage) -> Option<&'static str> {
    let (one, other) = (&base.extras, &during.extras);
    let (broker, changed) = (&one.broker, &other.broker);
    let kinds = [
        (base.name == during.name, "the name of a stage"),
        (
            discriminant(&base.consumers) == discriminant(&during.consumers),
            "whether `consumers` are unlimited",
        ),
        (base.discipline == during.discipline, "`discipline`"),
        (
            simple(&base.capacity) && simple(&during.capacity)
                || discriminant(&base.capacity) == discriminant(&during.capacity),
            "whether a full queue blocks or lets orders try again",
        ),
        (one.fork == other.fork, "`fanout`"),
        (one.stocking == other.stocking, "`stock`"),
        (one.staffing == other.staffing, "`schedule` and `autoscale`"),
        (
            discriminant(&one.reliability) == discriminant(&other.reliability),
            "whether consumers break down",
        ),
        (
            discriminant(&one.batching) == discriminant(&other.batching),
            "whether consumers work in batches",
        ),
        (
            circuit(&one.failures) == circuit(&other.failures),
            "`circuit_breaker`",
        ),
        (
            discriminant(&one.time_to_live) == discriminant(&other.time_to_live)
                && discriminant(&broker.expiry) == discriminant(&changed.expiry),
            "whether messages expire, and how they are found",
        ),
        (
            broker.system == changed.system
                && broker.store == changed.store
                && broker.threads == changed.threads
                && discriminant(&broker.commitment) == discriminant(&changed.commitment)
                && discriminant(&broker.acknowledgement) == discriminant(&changed.acknowledgement)
                && discriminant(&broker.transaction) == discriminant(&changed.transaction)
                && discriminant(&broker.outages) == discriminant(&changed.outages),
            "how messages are stored, handed over and acknowledged",
        ),
    ];
    let mut kinds = kinds.into_iter();
    kinds.find(|(same, _)| !same).map(|(_, what)| what)
}

/// The circuit breaker, which keeps its state from one phase to the next.
fn circuit(failures: &Failures) -> Breaker {
    match failures {
        Failures::Never => Breaker::None,
        Failures::Some(failure) => failure.breaker,
    }
}

/// Whether an order that finds the queue full is done with it.
fn simple(capacity: &Capacity) -> bool {
    !matches!(capacity, Capacity::Block(_) | Capacity::Retry(..))
}
