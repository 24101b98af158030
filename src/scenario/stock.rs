//! `stock` of a stage: items that orders take when their service there ends.
//!
//! | key | meaning | default |
//! | --- | --- | --- |
//! | `items` | how many items there are; or `{ file, popularity, initial }`, a CSV file with a row for each item and the names of its columns | |
//! | `popularity` | how orders spread over them: `"uniform"`, or `{ zipf = { exponent = 1 } }` | `"uniform"` |
//! | `initial` | units of each item at the start | |
//! | `quantity` | units that an order asks for: `deterministic`, `geometric` or `discrete` | 1 |
//! | `hold` | `"take"`; `{ reserve = { until, release_after } }`, taken when the order has been served at `until`, free again when it fails or after that time; `{ look = { until } }`, taken there whether or not it is still there | `"take"` |
//! | `shortage` | an order that finds too little is a `"lost_sale"`, or a `"backorder"` that waits | `"lost_sale"` |
//! | `replenish` | `"none"`, `{ base_stock = { lead_time } }` (each unit sold is ordered at once), `{ reorder_point = { at, up_to, lead_time } }` | `"none"` |
//!
//! `until` is a stage, or `"completed"` (the default).

use super::arrivals;
use super::csv_column;
use super::diagnostic::Diagnostic;
use super::extras;
use super::fields::{Context, Fields, named};
use super::names::{self, Named, find};
use super::source::Span;
use super::spot::Spot;
use super::tree::{Node, Value};
use super::units::Dimension;
use super::values::{self, Range};
use crate::network::{Hold, Item, Replenishment, Shortage, StageId, Stock};
use crate::random::DiscreteDistribution;

/// More items than any shop has.
const MOST_ITEMS: u64 = 1_000_000;

/// More units of an item than any shop has.
const MOST_UNITS: u64 = 1_000_000_000_000;

/// A `stock` as it was written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct StockDraft {
    items: Vec<Item>,
    quantity: DiscreteDistribution,
    pub(super) hold: HoldDraft,
    shortage: Shortage,
    replenishment: Replenishment,
}

/// A `hold` as it was written; without `until` it is until the order is completed.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum HoldDraft {
    Take,
    Reserve {
        until: Option<Named>,
        release_after: f64,
    },
    Look {
        until: Option<Named>,
    },
}

impl HoldDraft {
    /// The stage that it names.
    pub(super) fn until(&self) -> Option<&Named> {
        match self {
            HoldDraft::Take => None,
            HoldDraft::Reserve { until, .. } | HoldDraft::Look { until } => until.as_ref(),
        }
    }
}

/// Reads a `stock`.
pub(super) fn read(node: &Node, cx: &mut Context) -> Option<StockDraft> {
    let mut fields = Fields::of(node, Spot::Parameters("stock"), cx)?;
    let items = items(&mut fields, cx);
    let quantity = match fields.entry("quantity") {
        None => DiscreteDistribution::deterministic(1).ok(),
        Some(entry) => arrivals::whole_number(&entry.node, cx),
    };
    let hold = match fields.entry("hold") {
        None => Some(HoldDraft::Take),
        Some(entry) => hold(&entry.node, cx),
    };
    let shortage = match fields.entry("shortage") {
        None => Some("lost_sale"),
        Some(entry) => extras::word("shortage", &entry.node, &["lost_sale", "backorder"], cx),
    };
    let replenishment = match fields.entry("replenish") {
        None => Some(Replenishment::None),
        Some(entry) => replenishment(&entry.node, cx),
    };
    let shortage_span = fields.span_of("shortage");
    fields.finish(cx);
    let draft = StockDraft {
        items: items?,
        quantity: quantity?,
        hold: hold?,
        shortage: match shortage? {
            "backorder" => Shortage::Backorder,
            _ => Shortage::LostSale,
        },
        replenishment: replenishment?,
    };
    for_ever(&draft, shortage_span, cx)?;
    Some(draft)
}

/// Reports orders that would wait for what never comes.
fn for_ever(draft: &StockDraft, shortage: Span, cx: &mut Context) -> Option<()> {
    let never = draft.replenishment == Replenishment::None && draft.hold == HoldDraft::Take;
    if draft.shortage == Shortage::LostSale || !never {
        return Some(());
    }
    let message = "`backorder` without `replenish`: what is out of stock never comes back";
    let help = "add such as replenish = { base_stock = { lead_time = … } }, or write \"lost_sale\"";
    cx.report(Diagnostic::error(shortage, message).help(help));
    None
}

fn items(fields: &mut Fields<'_>, cx: &mut Context) -> Option<Vec<Item>> {
    let cure = "their number, such as `items = 1000`, or a CSV file";
    let items = fields.required("items", cure, cx)?;
    if matches!(items.node.value, Value::Table(_)) {
        return listed(&items.node, cx);
    }
    let count = values::count("items", &items.node, 1, MOST_ITEMS, cx);
    let exponent = match fields.entry("popularity") {
        None => Some(0.0),
        Some(entry) => popularity(&entry.node, cx),
    };
    let initial = fields
        .required(
            "initial",
            "the units of each item at the start, such as `initial = 10`",
            cx,
        )
        .and_then(|entry| values::count("initial", &entry.node, 0, MOST_UNITS, cx));
    let (exponent, initial) = (exponent?, initial?);
    let weights = (1..=count?).map(|rank| (rank as f64).powf(-exponent));
    let rows = weights.map(|weight| (weight, initial)).collect();
    Some(shares(rows))
}

/// Items with their weights made to add up to 1.
fn shares(rows: Vec<(f64, u64)>) -> Vec<Item> {
    let sum: f64 = rows.iter().map(|(weight, _)| weight).sum();
    let item = |(weight, initial): (f64, u64)| Item {
        popularity: weight / sum,
        initial,
    };
    rows.into_iter().map(item).collect()
}

fn popularity(node: &Node, cx: &mut Context) -> Option<f64> {
    let (_, zipf) = named(
        node,
        Spot::Parameters("popularity"),
        &["uniform"],
        &["zipf"],
        cx,
    )?;
    let Some(zipf) = zipf else {
        return Some(0.0);
    };
    let mut fields = Fields::of(zipf, Spot::Parameters("zipf"), cx)?;
    let number = (Dimension::Number, Range::NotNegative);
    let cure = "`exponent = 1`: the k-th item is asked for in proportion to k^-exponent";
    let exponent = values::required_quantity(&mut fields, "exponent", cure, number, cx);
    fields.finish(cx);
    exponent
}

/// Items from a CSV file.
fn listed(node: &Node, cx: &mut Context) -> Option<Vec<Item>> {
    let mut fields = Fields::of(node, Spot::Parameters("items"), cx)?;
    let file = fields.required("file", "`file = \"items.csv\"`", cx);
    let cure = "the column of what orders are in proportion to, such as `popularity = \"sales\"`";
    let popularity = fields.required("popularity", cure, cx);
    let cure = "the column of the units at the start, such as `initial = \"stock\"`";
    let initial = fields.required("initial", cure, cx);
    fields.finish(cx);
    let (file, popularity, initial) = (file?, popularity?, initial?);
    let (mut weights, mut units) = (Vec::new(), Vec::new());
    let of_weights = csv_column::read(&file.node, &popularity.node, cx, |field, _| {
        weights.push(csv_column::not_negative(field)?);
        Ok(())
    });
    let of_units = csv_column::read(&file.node, &initial.node, cx, |field, _| {
        let parsed = field.trim().parse();
        units.push(parsed.map_err(|_| format!("`{field}` is not a whole number of units"))?);
        Ok(())
    });
    of_weights?;
    of_units?;
    if weights.iter().sum::<f64>() > 0.0 && weights.len() as u64 <= MOST_ITEMS {
        return Some(shares(weights.into_iter().zip(units).collect()));
    }
    let message = "the file has no item that is ever asked for, or more than a million";
    let help = "give a row for each item, some with a popularity above 0";
    cx.report(Diagnostic::error(file.node.span, message).help(help));
    None
}

fn hold(node: &Node, cx: &mut Context) -> Option<HoldDraft> {
    let spot = Spot::Parameters("hold");
    let (name, node) = match named(node, spot, &["take"], &["reserve", "look"], cx)? {
        (name, Some(node)) => (name, node),
        (_, None) => return Some(HoldDraft::Take),
    };
    let mut fields = Fields::of(node, Spot::Parameters(name), cx)?;
    let until = match fields.entry("until") {
        None => Some(None),
        Some(entry) => names::reference("until", &entry.node, cx).map(Some),
    };
    let release_after = match name {
        "reserve" => values::time_or(
            &mut fields,
            "release_after",
            f64::INFINITY,
            Range::Positive,
            cx,
        ),
        _ => Some(f64::INFINITY),
    };
    fields.finish(cx);
    let until = until?.filter(|until| until.text != "completed");
    let release_after = release_after?;
    Some(match name {
        "reserve" => HoldDraft::Reserve {
            until,
            release_after,
        },
        _ => HoldDraft::Look { until },
    })
}

fn replenishment(node: &Node, cx: &mut Context) -> Option<Replenishment> {
    const TABLES: [&str; 2] = ["base_stock", "reorder_point"];
    let spot = Spot::Parameters("replenish");
    let (name, node) = match named(node, spot, &["none"], &TABLES, cx)? {
        (name, Some(node)) => (name, node),
        (_, None) => return Some(Replenishment::None),
    };
    let mut fields = Fields::of(node, Spot::Parameters(name), cx)?;
    let cure = "the law of the time from ordering to delivery, such as \
                `lead_time = { exponential = { mean = \"2d\" } }`";
    let lead_time = fields
        .required("lead_time", cure, cx)
        .and_then(|entry| extras::ending("lead_time", &entry.node, cx));
    if name == "base_stock" {
        fields.finish(cx);
        let lead_time = lead_time?;
        return Some(Replenishment::BaseStock { lead_time });
    }
    let mut units = |key, cure| {
        let entry = fields.required(key, cure, cx)?;
        values::count(key, &entry.node, 0, MOST_UNITS, cx)
    };
    let at = units("at", "the level at which is ordered, such as `at = 5`");
    let up_to = units(
        "up_to",
        "the level up to which is ordered, such as `up_to = 20`",
    );
    let up_to_span = fields.span_of("up_to");
    fields.finish(cx);
    let (reorder_at, up_to) = (at?, up_to?);
    if up_to <= reorder_at {
        let message = format!("`up_to` must be above `at`, which is {reorder_at}");
        let help = "at a stock of `at` or less, so much is ordered that it is `up_to`";
        cx.report(Diagnostic::error(up_to_span, message).help(help));
        return None;
    }
    Some(Replenishment::ReorderPoint {
        reorder_at,
        up_to,
        lead_time: lead_time?,
    })
}

impl StockDraft {
    /// With the name of the stage looked up.
    pub(super) fn compile(&self, stages: &[Option<&str>], cx: &mut Context) -> Option<Stock> {
        let until = match self.hold.until() {
            None => None,
            Some(until) => Some(StageId(find(until, "stage", stages, cx)?)),
        };
        Some(Stock {
            items: self.items.clone(),
            quantity: self.quantity.clone(),
            hold: match self.hold {
                HoldDraft::Take => Hold::Take,
                HoldDraft::Reserve { release_after, .. } => Hold::Reserve {
                    until,
                    release_after,
                },
                HoldDraft::Look { .. } => Hold::Look { until },
            },
            shortage: self.shortage,
            replenishment: self.replenishment.clone(),
        })
    }
}
