//! `[[producer]]`: `name`, `to` (a stage), `arrivals`, `class` (where classes are declared),
//! `message_size` (default 0 bytes). And `[[class]]`: `name`, `priority` (default 0),
//! `deadline` (time from entering within which an order should be done; none by default).

use super::arrivals::{self, ArrivalsDraft};
use super::extras::Keyed;
use super::fields::{Context, Fields};
use super::names::{self, Named};
use super::source::Span;
use super::spot::Spot;
use super::tree::Node;
use super::units::Dimension;
use super::values::{self, Range};

/// A producer as it was written. What is `None` has been reported.
pub(super) struct ProducerDraft {
    pub(super) span: Span,
    pub(super) name: Option<Named>,
    pub(super) to: Option<Named>,
    /// `Some(None)` where there is no such key.
    pub(super) class: Option<Option<Named>>,
    pub(super) arrivals: Option<Keyed<ArrivalsDraft>>,
    pub(super) message_size: Option<f64>,
}

/// Reads a `[[producer]]`.
pub(super) fn read(node: &Node, cx: &mut Context) -> Option<ProducerDraft> {
    let mut fields = Fields::of(node, Spot::Producer, cx)?;
    let draft = ProducerDraft {
        span: node.span,
        name: names::own(&mut fields, cx),
        to: fields
            .required(
                "to",
                "the stage its orders enter at, such as `to = \"order\"`",
                cx,
            )
            .and_then(|entry| names::reference("to", &entry.node, cx)),
        class: match fields.entry("class") {
            None => Some(None),
            Some(entry) => names::reference("class", &entry.node, cx).map(Some),
        },
        arrivals: fields
            .required(
                "arrivals",
                "such as `arrivals = { poisson = { rate = \"120/s\" } }`",
                cx,
            )
            .and_then(|entry| arrivals::read(&entry.node, cx)),
        message_size: match fields.entry("message_size") {
            None => Some(0.0),
            Some(entry) => values::entry_quantity(entry, Dimension::Size, Range::NotNegative, cx),
        },
    };
    fields.finish(cx);
    Some(draft)
}

/// A class as it was written.
pub(super) struct ClassDraft {
    pub(super) name: Option<Named>,
    pub(super) priority: Option<u32>,
    /// Seconds; infinite where there is none.
    pub(super) deadline: Option<f64>,
}

/// Reads a `[[class]]`.
pub(super) fn read_class(node: &Node, cx: &mut Context) -> Option<ClassDraft> {
    let mut fields = Fields::of(node, Spot::Class, cx)?;
    let name = names::own(&mut fields, cx);
    let priority = match fields.entry("priority") {
        None => Some(0),
        Some(entry) => values::count("priority", &entry.node, 0, u64::from(u32::MAX), cx)
            .and_then(|priority| u32::try_from(priority).ok()),
    };
    let endless = f64::INFINITY;
    let deadline = values::time_or(&mut fields, "deadline", endless, Range::Positive, cx);
    fields.finish(cx);
    Some(ClassDraft {
        name,
        priority,
        deadline,
    })
}
