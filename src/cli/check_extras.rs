//! What goes beyond a plain queue, as `orderline check --json` shows it. Times are in seconds, those of
//! laws means; what is unlimited is null.

use crate::network::{
    self, AfterExpiry, AfterFailure, Batching, Breaker, Failures, Hold, Network, Redelivery,
    Replenishment, ScaleBy, Setting, Shortage, Staffing, StageId, Stocking, TimeToLive, WhileOpen,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// The extras of a stage that are not only one figure.
#[derive(Debug, Serialize)]
pub(super) struct Extras {
    ttl: Option<f64>,
    /// What becomes of a message whose time is over.
    expired: Option<&'static str>,
    balk: Vec<Balk>,
    batch: Option<Batch>,
    failure: Option<Failure>,
    schedule: Option<Schedule>,
    autoscale: Option<Autoscale>,
    stock: Option<Stock>,
    broker: Broker,
}

#[derive(Debug, Serialize)]
struct Balk {
    at: u64,
    probability: f64,
}

#[derive(Debug, Serialize)]
struct Batch {
    size: u32,
    at_least: u32,
    wait: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Failure {
    /// By class.
    probability: BTreeMap<String, f64>,
    timeout: Option<f64>,
    attempts: Option<u32>,
    backoff: String,
    retry: String,
    then: String,
    circuit_breaker: Option<CircuitBreaker>,
}

#[derive(Debug, Serialize)]
struct CircuitBreaker {
    failures: u32,
    open_for: f64,
    probes: u32,
    while_open: &'static str,
}

#[derive(Debug, Serialize)]
struct Schedule {
    steps: Vec<Step>,
    period: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Step {
    at: f64,
    consumers: u32,
}

#[derive(Debug, Serialize)]
struct Autoscale {
    by: &'static str,
    target: f64,
    minimum: u32,
    maximum: u32,
    every: f64,
    start_up: f64,
    cool_down: f64,
    tolerance: f64,
}

#[derive(Debug, Serialize)]
struct Stock {
    items: usize,
    units: u64,
    quantity: f64,
    hold: &'static str,
    /// The stage; null is until the order is completed.
    until: Option<String>,
    release_after: Option<f64>,
    shortage: &'static str,
    replenish: &'static str,
    lead_time: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Broker {
    system: &'static str,
    /// All that holds, in the words of the scenario file.
    settings: BTreeMap<&'static str, String>,
    /// Of that, what is not the system's default.
    changed: Vec<&'static str>,
}

/// What incidents change from a time on.
#[derive(Debug, Serialize)]
pub(super) struct Phase {
    from: f64,
    broker_down: Vec<String>,
    /// Stages and producers that differ from the start.
    changed: Vec<String>,
}

impl Extras {
    pub(super) fn new(network: &Network, stage: &network::Stage) -> Extras {
        let extras = &stage.extras;
        let (ttl, expired) = match extras.time_to_live {
            TimeToLive::Endless => (None, None),
            TimeToLive::Limited { seconds, then } => (Some(seconds), Some(expired(then))),
        };
        Extras {
            ttl,
            expired,
            balk: balk(&extras.balking),
            batch: batch(extras.batching),
            failure: match &extras.failures {
                Failures::Never => None,
                Failures::Some(failure) => Some(Failure::new(network, failure)),
            },
            schedule: schedule(&extras.staffing),
            autoscale: match &extras.staffing {
                Staffing::Autoscale(scale) => Some(Autoscale::new(scale)),
                Staffing::Constant | Staffing::Shifts(_) => None,
            },
            stock: match &extras.stocking {
                Stocking::None => None,
                Stocking::Stock(stock) => Some(Stock::new(network, stock)),
            },
            broker: Broker::new(&extras.broker),
        }
    }
}

/// Infinite is no limit.
fn limit(seconds: f64) -> Option<f64> {
    seconds.is_finite().then_some(seconds)
}

fn stage_name(network: &Network, stage: StageId) -> String {
    network.stages[stage.0].name.clone()
}

fn expired(then: AfterExpiry) -> &'static str {
    match then {
        AfterExpiry::Expired => "expired",
        AfterExpiry::DeadLetter => "dead_letter",
    }
}

fn balk(balking: &network::Balking) -> Vec<Balk> {
    let network::Balking::Steps(steps) = balking else {
        return Vec::new();
    };
    let step = |step: &network::BalkingStep| Balk {
        at: step.at,
        probability: step.probability,
    };
    steps.iter().map(step).collect()
}

fn batch(batching: Batching) -> Option<Batch> {
    match batching {
        Batching::Single => None,
        Batching::UpTo {
            size,
            at_least,
            wait,
        } => Some(Batch {
            size,
            at_least,
            wait: limit(wait),
        }),
    }
}

impl Failure {
    fn new(network: &Network, failure: &network::Failure) -> Failure {
        let classes = network.classes.iter().map(|class| class.name.clone());
        let words = Redelivery {
            attempts: failure.attempts,
            backoff: failure.backoff.clone(),
            retry: failure.retry,
            then: failure.then,
        };
        let word = |key: &str| {
            let mut words = words.settings().into_iter();
            let found: Option<Setting> = words.find(|setting| setting.key == key);
            found.map_or_else(String::new, |setting| setting.value)
        };
        Failure {
            probability: classes.zip(failure.probability.iter().copied()).collect(),
            timeout: limit(failure.timeout),
            attempts: Some(failure.attempts).filter(|attempts| *attempts < u32::MAX),
            backoff: word("backoff"),
            retry: word("retry"),
            then: match failure.then {
                AfterFailure::Stage(stage) => stage_name(network, stage),
                _ => word("then"),
            },
            circuit_breaker: match failure.breaker {
                Breaker::None => None,
                Breaker::Circuit(circuit) => Some(CircuitBreaker {
                    failures: circuit.failures,
                    open_for: circuit.open_for,
                    probes: circuit.probes,
                    while_open: match circuit.while_open {
                        WhileOpen::Fail => "fail",
                        WhileOpen::Pause => "pause",
                    },
                }),
            },
        }
    }
}

fn schedule(staffing: &Staffing) -> Option<Schedule> {
    let Staffing::Shifts(shifts) = staffing else {
        return None;
    };
    let step = |shift: &network::Shift| Step {
        at: shift.at,
        consumers: shift.consumers,
    };
    Some(Schedule {
        steps: shifts.steps.iter().map(step).collect(),
        period: limit(shifts.period),
    })
}

impl Autoscale {
    fn new(scale: &network::Autoscale) -> Autoscale {
        let (by, target) = match scale.by {
            ScaleBy::Utilization(target) => ("utilization", target),
            ScaleBy::Backlog(target) => ("backlog", target),
            ScaleBy::DrainTime(target) => ("drain_time", target),
        };
        Autoscale {
            by,
            target,
            minimum: scale.minimum,
            maximum: scale.maximum,
            every: scale.every,
            start_up: scale.start_up,
            cool_down: scale.cool_down,
            tolerance: scale.tolerance,
        }
    }
}

impl Stock {
    fn new(network: &Network, stock: &network::Stock) -> Stock {
        let (hold, until, release_after) = match stock.hold {
            Hold::Take => ("take", None, None),
            Hold::Reserve {
                until,
                release_after,
            } => ("reserve", until, limit(release_after)),
            Hold::Look { until } => ("look", until, None),
        };
        let (replenish, lead_time) = match &stock.replenishment {
            Replenishment::None => ("none", None),
            Replenishment::BaseStock { lead_time } => ("base_stock", Some(lead_time.mean())),
            Replenishment::ReorderPoint { lead_time, .. } => {
                ("reorder_point", Some(lead_time.mean()))
            }
        };
        Stock {
            items: stock.items.len(),
            units: stock.items.iter().map(|item| item.initial).sum(),
            quantity: stock.quantity.mean(),
            hold,
            until: until.map(|stage| stage_name(network, stage)),
            release_after,
            shortage: match stock.shortage {
                Shortage::LostSale => "lost_sale",
                Shortage::Backorder => "backorder",
            },
            replenish,
            lead_time,
        }
    }
}

impl Broker {
    fn new(broker: &network::Broker) -> Broker {
        let settings = broker.settings().into_iter();
        let changes = broker.changes().into_iter();
        Broker {
            system: broker.system.key(),
            settings: settings
                .map(|setting| (setting.key, setting.value))
                .collect(),
            changed: changes.map(|(setting, _)| setting.key).collect(),
        }
    }
}

/// What incidents change, and when.
pub(super) fn phases(network: &Network) -> Vec<Phase> {
    network
        .phases
        .iter()
        .map(|phase| Phase::new(network, phase))
        .collect()
}

impl Phase {
    fn new(base: &Network, phase: &network::Phase) -> Phase {
        let during = &phase.network;
        let stages = base.stages.iter().zip(&during.stages);
        let down = base.stages.iter().zip(&phase.broker_down);
        let producers = base.producers.iter().zip(&during.producers);
        let populations = base.populations.iter().zip(&during.populations);
        let producers = producers
            .filter(|(was, is)| was != is)
            .map(|(was, _)| format!("producer.{}", was.name));
        let populations = populations
            .filter(|(was, is)| was != is)
            .map(|(was, _)| format!("producer.{}", was.name));
        let stages = stages
            .filter(|(was, is)| was != is)
            .map(|(was, _)| format!("stage.{}", was.name));
        Phase {
            from: phase.from,
            broker_down: down
                .filter(|(_, down)| **down)
                .map(|(stage, _)| stage.name.clone())
                .collect(),
            changed: producers.chain(populations).chain(stages).collect(),
        }
    }
}
