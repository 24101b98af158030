//! Bounds, times to live and orders of service that have the figures, or some of them, of plainer ones.
//!
//! - A message that is kept aside when the queue is full is rejected but for its name.
//! - A queue that turns out its oldest message holds as many as one that rejects the newest, and loses as
//!   many: who is lost does not matter for how many there are, as long as service times are drawn alike.
//!   How long who is served has waited does.
//! - A time to live is a patience that is always the same.
//! - Under `edf` who is next is chosen without regard to service times: numbers and mean times are those of
//!   first in, first out, whatever that law of service is (each service time is drawn when it begins).

use super::{Draft, Gap};
use crate::metric::{Metric, Statistic, TimeKind};
use crate::network::{
    Batching, Broker, Capacity, Costs, Discipline, Expiry, Extras, Failures, Fork, Network,
    Patience, Staffing, Stage, Target, TimeToLive,
};
use crate::random::Distribution;

/// What about the bound and the time to live no model knows.
pub(super) fn gap(network: &Network, stage: &Stage) -> Option<Gap> {
    let extras = &stage.extras;
    let expires = extras.time_to_live != TimeToLive::Endless;
    let name = match stage.capacity {
        Capacity::DropOldest(_) => Some("drop_oldest"),
        Capacity::DeadLetter(_) => Some("dead_letter"),
        _ => expires.then_some("ttl"),
    };
    if let (Some(name), false) = (name, network.populations.is_empty()) {
        return Some((
            name,
            "customers whose orders are lost come back with others",
        ));
    }
    if expires && extras.patience != Patience::Endless {
        return Some(("ttl", "orders leave for two reasons at once"));
    }
    if expires && !matches!(stage.capacity, Capacity::Unbounded | Capacity::Reject(_)) {
        return Some(("ttl", "orders leave a queue with such a bound"));
    }
    if expires && extras.broker.expiry != Expiry::AtOnce {
        return Some((
            "expiry",
            "orders stay in the queue after their time is over",
        ));
    }
    let others = Extras {
        time_to_live: TimeToLive::Endless,
        fork: Fork::None,
        broker: Broker {
            costs: Costs::default(),
            ..extras.broker.clone()
        },
        ..extras.clone()
    };
    if expires && others != Extras::default() {
        return Some(("ttl", "orders leave a stage that is no plain queue"));
    }
    if expires && stage.discipline != Discipline::Fifo {
        return Some((
            "ttl",
            "the wait of those that expire depends on the order of service",
        ));
    }
    let others = Extras {
        fork: Fork::None,
        ..others
    };
    match stage.capacity {
        Capacity::DropOldest(_)
            if expires
                || others != Extras::default()
                || stage.discipline != Discipline::Fifo
                || !one_law(stage) =>
        {
            Some((
                "drop_oldest",
                "an order that was let in may still be turned out by a newer one",
            ))
        }
        _ => None,
    }
}

/// Whether all classes have the same law of service.
fn one_law(stage: &Stage) -> bool {
    let mut laws = stage.by_class.iter().map(|at| at.service.law());
    let first = laws.next();
    laws.all(|law| Some(law) == first)
}

/// Whether the deadlines tell nothing of service times, nor of what becomes of an order after.
pub(super) fn order_is_blind(network: &Network, stage: &Stage) -> bool {
    let extras = &stage.extras;
    let one_class = network.classes.len() == 1;
    let mut ways = stage.by_class.iter().flat_map(|at| &at.next);
    let last = ways.all(|way| !matches!(way.to, Target::Stage(_))) && extras.fork == Fork::None;
    one_law(stage)
        && (one_class || last)
        && extras.patience == Patience::Endless
        && extras.time_to_live == TimeToLive::Endless
        && extras.failures == Failures::Never
        && extras.batching == Batching::Single
        && extras.staffing == Staffing::Constant
        && matches!(stage.capacity, Capacity::Unbounded | Capacity::Reject(_))
}

/// Tells a stage in plainer words.
pub(super) fn tell(draft: &mut Draft, id: usize) {
    let stage = &mut draft.network.stages[id];
    let reading = &mut draft.readings[id];
    match stage.capacity {
        Capacity::DeadLetter(places) => {
            stage.capacity = Capacity::Reject(places);
            reading.puts_aside = true;
        }
        Capacity::DropOldest(places) => {
            stage.capacity = Capacity::Reject(places);
            reading.hidden.push(of_the_served);
            reading.spoils_latency = true;
        }
        _ => {}
    }
    if let TimeToLive::Limited { seconds, then } = stage.extras.time_to_live
        && let Ok(patience) = Distribution::deterministic(seconds)
    {
        stage.extras.time_to_live = TimeToLive::Endless;
        stage.extras.patience = Patience::Limited(patience);
        reading.expires = Some(then);
    }
    if stage.discipline == Discipline::EarliestDeadline {
        stage.discipline = Discipline::Fifo;
        reading.hidden.push(of_the_order);
        reading.approximate_latency = true;
        reading.classes_unknown = stage.by_class.len() > 1;
    }
}

/// Figures of those that are served, or let in.
fn of_the_served(metric: Metric) -> bool {
    match metric {
        Metric::Time(TimeKind::Service, _) => false,
        Metric::Time(..)
        | Metric::WaitProbability
        | Metric::LittleResidual
        | Metric::LittleResidualQueue => true,
        _ => false,
    }
}

/// Figures that the order of service changes.
fn of_the_order(metric: Metric) -> bool {
    match metric {
        Metric::Time(TimeKind::Waiting | TimeKind::Sojourn, statistic) => {
            statistic != Statistic::Mean
        }
        _ => false,
    }
}
