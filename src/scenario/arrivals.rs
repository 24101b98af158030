//! Arrival processes: `{ NAME = { parameters } }`.
//!
//! | name | parameters |
//! | --- | --- |
//! | `poisson`, `deterministic` | `rate` |
//! | `renewal` | the distribution of the gap itself: `{ renewal = { gamma = { mean = 1, scv = 2 } } }` |
//! | `schedule` | `points`, a list of `{ at, rate }`; `shape`: `"stepped"` (default) or `"linear"`; `period` (none: the last rate holds) |
//! | `mmpp` | `rates`, and the mean stays `dwell` |
//! | `batch` | `process` (any other), and `size`: `deterministic`, `geometric` or `discrete` |
//! | `trace` | see [`super::trace`] |
//! | `closed` | `customers`, their number, and `think`, the distribution of the time from the end of an order until its customer sends the next |

use super::diagnostic::Diagnostic;
use super::distribution;
use super::extras::{self, Keyed};
use super::fields::{Context, Fields, choice, name_of};
use super::parameters::{self, Parameters};
use super::spot::Spot;
use super::trace;
use super::tree::Node;
use super::units::Dimension;
use super::values::{self, Range};
use crate::random::{
    Arrivals, DiscreteDistribution, Distribution, ParameterError, RatePoint, RateShape,
};

const NAMES: [&str; 8] = [
    "poisson",
    "deterministic",
    "renewal",
    "schedule",
    "mmpp",
    "batch",
    "trace",
    "closed",
];

/// More customers than matter: so many are as good as a source that never dries up.
const MOST_CUSTOMERS: u64 = 10_000_000;

type Checked = Result<Arrivals, ParameterError>;

/// Where a producer's orders come from.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ArrivalsDraft {
    /// From outside.
    Open(Arrivals),
    /// From customers who wait for the end of each before they think of the next.
    Closed { customers: u64, think: Distribution },
}

/// Reads `arrivals`; the key is the name of the choice.
pub(super) fn read(node: &Node, cx: &mut Context) -> Option<Keyed<ArrivalsDraft>> {
    let (name, entry) = choice(node, Spot::Arrivals, &NAMES, cx)?;
    let value = match name {
        "closed" => closed(&entry.node, cx),
        _ => process(name, &entry.node, cx).map(ArrivalsDraft::Open),
    }?;
    let key = entry.key_span;
    Some(Keyed { value, key })
}

fn closed(node: &Node, cx: &mut Context) -> Option<ArrivalsDraft> {
    let mut fields = Fields::of(node, Spot::Parameters("closed"), cx)?;
    let customers = fields
        .required("customers", "their number, such as `customers = 100`", cx)
        .and_then(|entry| values::count("customers", &entry.node, 1, MOST_CUSTOMERS, cx));
    let cure = "the time between two orders of a customer, such as \
                `think = { exponential = { mean = \"10s\" } }`";
    let think = fields
        .required("think", cure, cx)
        .and_then(|entry| extras::ending("think", &entry.node, cx));
    fields.finish(cx);
    Some(ArrivalsDraft::Closed {
        customers: customers?,
        think: think?,
    })
}

/// Reads the process of a batch, which cannot be closed.
fn batched(node: &Node, cx: &mut Context) -> Option<Arrivals> {
    let (name, entry) = choice(node, Spot::Arrivals, &NAMES, cx)?;
    if name != "closed" {
        return process(name, &entry.node, cx);
    }
    let message = "`closed` arrivals cannot come in batches: each customer has one order at a time";
    let help = "give the process of the batches, such as { poisson = { rate = \"2/s\" } }";
    cx.report(Diagnostic::error(entry.key_span, message).help(help));
    None
}

fn process(name: &'static str, node: &Node, cx: &mut Context) -> Option<Arrivals> {
    match name {
        "renewal" => {
            let gap = distribution::read(node, cx)?;
            parameters::checked(Arrivals::renewal(gap), node.span, cx)
        }
        "trace" => trace::read(node, cx),
        _ => {
            let mut p = parameters::of(name, node, cx)?;
            let made = named(name, &mut p, cx);
            p.finish(made, cx)
        }
    }
}

fn named(name: &str, p: &mut Parameters<'_>, cx: &mut Context) -> Option<Checked> {
    match name {
        "poisson" => {
            p.select(&[&["rate"]], cx)?;
            Some(Arrivals::poisson(p.rate("rate", cx)?))
        }
        "deterministic" => {
            p.select(&[&["rate"]], cx)?;
            Some(Arrivals::deterministic(p.rate("rate", cx)?))
        }
        "mmpp" => {
            p.select(&[&["rates", "dwell"]], cx)?;
            let rates = p.numbers("rates", Dimension::Rate, cx);
            let dwell = p.numbers("dwell", Dimension::Time, cx);
            Some(Arrivals::mmpp(rates?, dwell?))
        }
        "batch" => batch(p, cx),
        _ => schedule(p, cx),
    }
}

fn batch(p: &mut Parameters<'_>, cx: &mut Context) -> Option<Checked> {
    p.select(&[&["process", "size"]], cx)?;
    let process = batched(p.node("process")?, cx);
    let size = whole_number(p.node("size")?, cx);
    Some(Arrivals::batch(process?, size?))
}

/// Reads a law of whole numbers of at least 1.
pub(super) fn whole_number(node: &Node, cx: &mut Context) -> Option<DiscreteDistribution> {
    const NAMES: [&str; 3] = ["deterministic", "geometric", "discrete"];
    let (name, entry) = choice(node, Spot::WholeNumber, &NAMES, cx)?;
    let mut p = parameters::of(name, &entry.node, cx)?;
    let made = match name {
        "deterministic" => fixed_size(&mut p, cx),
        "geometric" => p
            .select(&[&["mean"]], cx)
            .and_then(|_| p.number("mean", cx))
            .map(DiscreteDistribution::geometric),
        _ => listed_sizes(&mut p, cx),
    };
    p.finish(made, cx)
}

type CheckedSize = Result<DiscreteDistribution, ParameterError>;

fn fixed_size(p: &mut Parameters<'_>, cx: &mut Context) -> Option<CheckedSize> {
    p.select(&[&["value"]], cx)?;
    let value = values::count("value", p.node("value")?, 1, u64::MAX, cx)?;
    Some(DiscreteDistribution::deterministic(value))
}

fn listed_sizes(p: &mut Parameters<'_>, cx: &mut Context) -> Option<CheckedSize> {
    p.select(&[&["values", "probabilities"]], cx)?;
    let sizes = values::list("values", p.node("values")?, cx, |node, cx| {
        values::count("values", node, 1, u64::MAX, cx)
    });
    let probabilities = p.numbers("probabilities", Dimension::Share, cx);
    Some(DiscreteDistribution::finite(sizes?, probabilities?))
}

fn schedule(p: &mut Parameters<'_>, cx: &mut Context) -> Option<Checked> {
    let shape = match p.node("shape") {
        None => Some(RateShape::Stepped),
        Some(node) => rate_shape(node, cx),
    };
    let period = match p.node("period") {
        None => Some(f64::INFINITY),
        Some(node) => values::quantity("period", node, Dimension::Time, Range::Positive, cx),
    };
    p.select(&[&["points"]], cx)?;
    let points = values::list("points", p.node("points")?, cx, point);
    Some(Arrivals::schedule(points?, shape?, period?))
}

fn rate_shape(node: &Node, cx: &mut Context) -> Option<RateShape> {
    let spot = Spot::Parameters("shape");
    let word = values::text("shape", node, cx)?;
    match name_of(word, node.span, spot, &["stepped", "linear"], cx)? {
        "linear" => Some(RateShape::Linear),
        _ => Some(RateShape::Stepped),
    }
}

fn point(node: &Node, cx: &mut Context) -> Option<RatePoint> {
    let mut fields = Fields::of(node, Spot::Point, cx)?;
    let at = fields
        .required("at", "`at = \"1h\"`", cx)
        .and_then(|entry| values::entry_quantity(entry, Dimension::Time, Range::NotNegative, cx));
    let rate = fields
        .required("rate", "`rate = \"120/s\"`", cx)
        .and_then(|entry| values::entry_quantity(entry, Dimension::Rate, Range::NotNegative, cx));
    fields.finish(cx);
    Some(RatePoint {
        at: at?,
        rate: rate?,
    })
}
