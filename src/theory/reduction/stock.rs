//! Stock in the words of queues: an order for which there is nothing is cancelled, or waits at a stage for
//! everyone.

use super::{Draft, Gap, Reduction, leads_to};
use crate::network::{
    Broker, Costs, Extras, Fork, Hold, Network, Replenishment, Route, Service, Shortage, Stage,
    StageId, Stock, Stocking, Target,
};
use crate::random::Distribution;
use crate::theory::flow::{Flow, Flows};
use crate::theory::traffic::Traffic;
use crate::theory::{BaseStock, Kind, Model};

pub(super) const BASE_STOCK: Model = Model {
    name: "Base stock",
    conditions: "`stock` of which an order takes one unit at once (no reservation), `replenish = { base_stock = … }`, lost sales or backorders, one stage with stock, not on a cycle; exact where orders leave the stage by Poisson's law",
    gives: "fill rate, shortages, stock at hand; the mean time of waiting for stock",
    kind: Kind::Exact,
    source: "Palm 1938, Ericsson Technics 4; Karush 1957, Oper. Res. 5; Hadley & Whitin 1963, Analysis of Inventory Systems, chapter 4",
    tests: &[
        "base_stock_with_lost_sales_is_erlang_b",
        "base_stock_with_backorders_term_by_term",
        "stock_loses_sales_or_makes_orders_wait",
    ],
};

/// What a stage with stock adds to its figures.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stocked {
    pub shortage: f64,
    pub on_hand: f64,
    pub loses: bool,
    /// The stage where orders wait.
    pub waits_at: Option<usize>,
    /// Whether orders ask by Poisson's law.
    pub exact: bool,
}

fn of(stage: &Stage) -> Option<&Stock> {
    match &stage.extras.stocking {
        Stocking::None => None,
        Stocking::Stock(stock) => Some(stock),
    }
}

/// What about the stock no model knows.
pub(super) fn gap(network: &Network, id: usize, rate: Option<f64>) -> Option<Gap> {
    let stage = &network.stages[id];
    let stock = of(stage)?;
    let why = match (&stock.replenishment, stock.hold) {
        (Replenishment::None, _) => "what is sold is not replaced, so there is no steady state",
        (Replenishment::ReorderPoint { .. }, _) => {
            "supplies come in lots, not each unit on its own"
        }
        (_, Hold::Reserve { .. }) => "units are set aside for orders that have yet to pay",
        (_, Hold::Look { .. }) => "units are sold that have only been seen",
        (Replenishment::BaseStock { lead_time }, Hold::Take) if !lead_time.mean().is_finite() => {
            "lead times have no mean"
        }
        _ if !stock.quantity.is_always_one() => "orders ask for several units",
        _ if !alone(network, id) => "what is asked for depends on what there was before",
        _ if !plain(stage) => "a stage with stock that is no plain queue",
        _ if rate.is_none() => "how many orders ask is not known",
        _ => return None,
    };
    Some(("stock", why))
}

/// Whether nothing else in the pipeline depends on stock, nor this stage on its own.
fn alone(network: &Network, id: usize) -> bool {
    let others = network.stages.iter().enumerate();
    let mut others = others.filter(|(other, _)| *other != id);
    let ways = network.stages[id].by_class.iter().flat_map(|at| &at.next);
    let mut ways = ways.filter_map(|route| super::stage_of(route.to));
    let lingers = |stage: &Stage| stage.extras.broker.costs.linger > 0.0;
    network.populations.is_empty()
        && !network.stages.iter().any(lingers)
        && others.all(|(_, stage)| of(stage).is_none())
        && !ways.any(|to| leads_to(network, to, id))
        && network.stages[id].extras.fork == Fork::None
}

fn plain(stage: &Stage) -> bool {
    let others = Extras {
        stocking: Stocking::None,
        broker: Broker {
            costs: Costs::default(),
            ..stage.extras.broker.clone()
        },
        ..stage.extras.clone()
    };
    others == Extras::default()
}

/// Tells stock in the words of queues.
pub(super) fn tell(draft: &mut Draft, id: usize) {
    let Some(stock) = of(&draft.network.stages[id]).cloned() else {
        return;
    };
    draft.network.stages[id].extras.stocking = Stocking::None;
    let (Replenishment::BaseStock { lead_time }, Some(rate)) =
        (&stock.replenishment, draft.rates[id])
    else {
        return;
    };
    let exact = leaves_by_poisson(&draft.network, id);
    let (mut shortage, mut on_hand, mut owed) = (0.0, 0.0, 0.0);
    for item in &stock.items {
        let orders = rate * item.popularity;
        let item_stock = BaseStock::new(orders, lead_time.mean(), item.initial, stock.shortage);
        let Ok(model) = item_stock else {
            return;
        };
        shortage += item.popularity * model.shortage();
        on_hand += model.on_hand();
        owed += model.owed();
    }
    let loses = stock.shortage == Shortage::LostSale;
    let waits_at = match loses {
        true => {
            lose(&mut draft.network.stages[id], shortage);
            None
        }
        false => Some(wait(draft, id, owed / rate)),
    };
    let reading = &mut draft.readings[id];
    reading.entry = Some(&BASE_STOCK);
    reading.spoils_behind = true;
    reading.spoils_latency |= loses;
    reading.stocked = Some(Stocked {
        shortage,
        on_hand,
        loses,
        waits_at,
        exact,
    });
}

fn lose(stage: &mut Stage, shortage: f64) {
    for at in &mut stage.by_class {
        let mut cancelled = shortage;
        at.next.retain(|way| {
            let is_cancelled = way.to == Target::Cancelled;
            cancelled += if is_cancelled {
                way.probability * (1.0 - shortage)
            } else {
                0.0
            };
            !is_cancelled
        });
        at.next
            .iter_mut()
            .for_each(|way| way.probability *= 1.0 - shortage);
        at.next.retain(|way| way.probability > 0.0);
        if cancelled > 0.0 {
            at.next.push(Route {
                to: Target::Cancelled,
                probability: cancelled,
            });
        }
    }
}

/// A stage behind, where orders wait for stock.
fn wait(draft: &mut Draft, id: usize, time: f64) -> usize {
    let mut stage = draft.aside(id, "waiting for stock");
    let law = Distribution::Deterministic { value: time };
    for at in &mut stage.by_class {
        at.service = Service::Common(law.clone());
    }
    let added = draft.add(stage);
    for at in &mut draft.network.stages[id].by_class {
        at.next = vec![Route {
            to: Target::Stage(StageId(added)),
            probability: 1.0,
        }];
    }
    added
}

/// Whether orders leave a stage by Poisson's law: as they would come to a stage behind it.
fn leaves_by_poisson(network: &Network, id: usize) -> bool {
    let mut longer = network.clone();
    let behind = longer.stages.len();
    let mut stage = longer.stages[id].clone();
    stage.name.push_str(" (behind)");
    for at in &mut longer.stages[id].by_class {
        at.next = vec![Route {
            to: Target::Stage(StageId(behind)),
            probability: 1.0,
        }];
    }
    stage.extras = Extras::default();
    longer.stages.push(stage);
    let longer = match Reduction::of(&longer) {
        Some(reduction) if !reduction.missing().is_empty() => return false,
        Some(reduction) => reduction.network,
        None => longer,
    };
    let Ok(traffic) = Traffic::solve(&longer) else {
        return false;
    };
    Flows::new(&longer, &traffic).arrivals[behind] == Flow::Poisson
}
