//! The broker's costs as they were measured, written into a copy of the scenario, so that the simulation
//! predicts that broker.
//!
//! In the simulation a message takes `network` to the broker, and from when a consumer may have it
//! `handover` until that begins to work; the broker hears of the end of work after `acknowledge`. What a
//! live run can see of these are two sums: an idle consumer begins I = network + handover after the
//! message was sent; a busy one, for whom a message waits, begins with it B = acknowledge + handover after
//! the end of its work. Where every consumer has one message at a time only these sums matter, and they are
//! parted so that none is negative: handover has the law of the smaller of I and B (by their means),
//! the other cost the law of what is more, a constant. Where consumers are given messages ahead, B is not
//! the broker's, and all of I is `network`.
//!
//! Each law is a lognormal distribution with the measured mean and squared coefficient of variation.

use super::gauges::{Delay, Delays};
use super::outcome::LiveRun;
use crate::network::{Acknowledgement, Commitment, Network, Stage};
use toml_edit::{DocumentMut, InlineTable, Item, Table, Value, value};

/// Fewer delays than this are too few to go by.
const ENOUGH: u64 = 50;

/// What a stage's broker costs, in scenario seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeasuredCosts {
    /// From the sender to the broker.
    pub network: Option<Cost>,
    /// From when a consumer may have a message until it begins to work.
    pub handover: Option<Cost>,
    /// From the end of work until the broker knows of it.
    pub acknowledge: Option<Cost>,
}

/// The law of a cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cost {
    /// Always the same, seconds.
    Constant(f64),
    /// Lognormal, by mean (seconds) and squared coefficient of variation.
    Lognormal {
        /// Seconds; above 0.
        mean: f64,
        /// Above 0.
        scv: f64,
    },
}

/// Why nothing could be learned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalibrateError {
    /// Too little was seen.
    #[error(
        "stage {stage}: only {seen} orders found a consumer idle and {waited} waited for one that was \
         busy, too few to learn the broker's costs from (at least {ENOUGH} each): let the run be longer, \
         or the load between 20 % and 95 %"
    )]
    TooFew {
        /// The stage.
        stage: String,
        /// Orders that found a consumer idle.
        seen: u64,
        /// Orders that waited.
        waited: u64,
    },
    /// The scenario's text is not what it was when it was read.
    #[error("the scenario cannot be written with the measured costs: {0}")]
    Text(String),
}

/// The costs of every stage in a live run.
///
/// # Errors
/// [`CalibrateError::TooFew`] where they cannot be told.
pub fn measured_costs(
    network: &Network,
    run: &LiveRun,
) -> Result<Vec<MeasuredCosts>, CalibrateError> {
    let stages = network.stages.iter().zip(&run.delays);
    stages
        .map(|(stage, delays)| {
            let (idle, busy) = (delays.of(Delay::Idle), delays.of(Delay::Busy));
            costs_of(stage, idle, busy, run.scale).ok_or_else(|| CalibrateError::TooFew {
                stage: stage.name.clone(),
                seen: idle.count(),
                waited: busy.count(),
            })
        })
        .collect()
}

fn costs_of(stage: &Stage, idle: &Delays, busy: &Delays, scale: f64) -> Option<MeasuredCosts> {
    if idle.count() < ENOUGH {
        return None;
    }
    if !one_at_a_time(stage) {
        return Some(MeasuredCosts {
            network: Some(Cost::of(idle, scale)),
            handover: None,
            acknowledge: None,
        });
    }
    if busy.count() < ENOUGH {
        return None;
    }
    let more = (idle.mean() - busy.mean()) / scale;
    let constant = |seconds: f64| (seconds > 0.0).then_some(Cost::Constant(seconds));
    let smaller = if more > 0.0 { busy } else { idle };
    Some(MeasuredCosts {
        network: constant(more),
        handover: Some(Cost::of(smaller, scale)),
        acknowledge: constant(-more),
    })
}

/// Whether each consumer has one message at a time, of which the broker hears when it is done.
fn one_at_a_time(stage: &Stage) -> bool {
    let broker = &stage.extras.broker;
    let per_message = matches!(broker.acknowledgement, Acknowledgement::PerMessage { .. });
    let single = matches!(
        broker.commitment,
        Commitment::OnDemand | Commitment::Push { prefetch: 1 }
    );
    per_message && single
}

impl Cost {
    fn of(delays: &Delays, scale: f64) -> Cost {
        let mean = delays.mean() / scale;
        let scv = (delays.deviation() / delays.mean()).powi(2);
        if scv > 0.0 && mean > 0.0 {
            Cost::Lognormal { mean, scv }
        } else {
            Cost::Constant(mean)
        }
    }

    /// As it is written in a scenario file.
    fn written(self) -> Value {
        let table = |pairs: &[(&str, Value)]| {
            let pairs = pairs.iter().map(|(key, value)| (*key, value.clone()));
            Value::InlineTable(pairs.collect::<InlineTable>())
        };
        match self {
            Cost::Constant(seconds) => {
                let law = table(&[("value", seconds_text(seconds))]);
                table(&[("deterministic", law)])
            }
            Cost::Lognormal { mean, scv } => {
                let rounded = format!("{scv:.3}").parse().unwrap_or(scv).max(0.001);
                let law = table(&[("mean", seconds_text(mean)), ("scv", Value::from(rounded))]);
                table(&[("lognormal", law)])
            }
        }
    }
}

/// A time to a tenth of a microsecond.
fn seconds_text(seconds: f64) -> Value {
    Value::from(format!("{:.4}ms", 1e3 * seconds))
}

/// The scenario's text with the costs of every stage, and above them a comment of where they are from; all
/// else as it was.
///
/// # Errors
/// [`CalibrateError::Text`] where it is no scenario.
pub fn with_costs(
    text: &str,
    network: &Network,
    costs: &[MeasuredCosts],
    source: &str,
) -> Result<String, CalibrateError> {
    let wrong = |what: &str| CalibrateError::Text(what.to_owned());
    let mut document: DocumentMut = text
        .parse()
        .map_err(|error: toml_edit::TomlError| CalibrateError::Text(error.to_string()))?;
    let stages = document
        .get_mut("stage")
        .and_then(Item::as_array_of_tables_mut);
    let stages = stages.ok_or_else(|| wrong("no [[stage]] tables"))?;
    if stages.len() != costs.len() || network.stages.len() != costs.len() {
        return Err(wrong("another number of stages"));
    }
    for ((table, stage), costs) in stages.iter_mut().zip(&network.stages).zip(costs) {
        set_costs(table, stage, costs);
        say_where_from(table, source);
    }
    Ok(document.to_string())
}

fn set_costs(table: &mut Table, stage: &Stage, costs: &MeasuredCosts) {
    let system = super::feature(stage.extras.broker.system);
    let mut settings = settings_of(table.get("broker"), system);
    let on_demand = stage.extras.broker.commitment == Commitment::OnDemand;
    if on_demand && one_at_a_time(stage) {
        settings.insert("prefetch", Value::from(1));
    }
    let laws = [
        ("network", costs.network),
        ("handover", costs.handover),
        ("acknowledge", costs.acknowledge),
    ];
    for (key, cost) in laws {
        settings.remove(key);
        if let Some(cost) = cost {
            settings.insert(key, cost.written());
        }
    }
    let mut broker = InlineTable::new();
    broker.insert(system, Value::InlineTable(settings));
    table.insert("broker", value(broker));
}

/// What the comments above measured costs begin with.
const COMMENT: &str = "# Costs as measured live: ";

/// Whether a scenario's text is one that [`with_costs`] made.
pub fn has_measured_costs(text: &str) -> bool {
    text.lines().any(|line| line.starts_with(COMMENT))
}

/// Puts a comment above the broker of a stage, in the place of the one of an earlier calibration.
fn say_where_from(table: &mut Table, source: &str) {
    let Some(mut key) = table.key_mut("broker") else {
        return;
    };
    let decor = key.leaf_decor_mut();
    let before = decor.prefix().and_then(|text| text.as_str()).unwrap_or("");
    let kept = before
        .split_inclusive('\n')
        .filter(|line| !line.starts_with(COMMENT));
    let comment: String = kept.chain([COMMENT, source, "\n"]).collect();
    decor.set_prefix(comment);
}

/// What the scenario says of the broker so far.
fn settings_of(broker: Option<&Item>, system: &str) -> InlineTable {
    let settings = broker.and_then(|broker| broker.get(system));
    match settings {
        Some(Item::Value(Value::InlineTable(table))) => table.clone(),
        Some(Item::Table(table)) => table.clone().into_inline_table(),
        _ => InlineTable::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{Counter, Tally};
    use std::path::Path;

    const TEXT: &str = "\
name = \"t\"
seed = 1
[run]
duration = 100
# who sends
[[producer]]
name = \"web\"
to = \"a\"
arrivals = { poisson = { rate = 8 } }
[[stage]]
name = \"a\" # the only one
consumers = 1
service = { exponential = { rate = 10 } }
";

    fn network(text: &str) -> Network {
        let loaded = crate::scenario::parse(text, "t.toml", Path::new("."), &[]);
        loaded.expect("a scenario").network
    }

    fn delays(times: &[f64]) -> Delays {
        let (mut tally, mut counter) = (Tally::default(), Counter::default());
        for _ in 0..50 {
            tally.record_all(times);
            counter.record_all(times);
        }
        Delays {
            tally,
            histogram: counter.take(),
        }
    }

    #[test]
    fn the_sums_are_parted_so_that_nothing_is_negative() {
        let network = network(TEXT);
        let stage = &network.stages[0];
        let (short, long) = (delays(&[0.001, 0.003]), delays(&[0.004, 0.006]));
        let idle_longer = costs_of(stage, &long, &short, 1.0).expect("enough");
        let near = |cost: Option<Cost>, expected: f64| match cost {
            Some(Cost::Constant(mean) | Cost::Lognormal { mean, .. }) => {
                assert!((mean - expected).abs() < 1e-12, "{mean}");
            }
            None => panic!("a cost"),
        };
        near(idle_longer.network, 0.003);
        near(idle_longer.handover, 0.002);
        assert_eq!(idle_longer.acknowledge, None);
        let busy_longer = costs_of(stage, &short, &long, 2.0).expect("enough");
        near(busy_longer.acknowledge, 0.0015);
        near(busy_longer.handover, 0.001);
        assert_eq!(busy_longer.network, None);
        assert_eq!(costs_of(stage, &Delays::default(), &long, 1.0), None);
    }

    #[test]
    fn the_copy_is_the_scenario_with_costs() {
        let network = network(TEXT);
        let costs = [MeasuredCosts {
            network: Some(Cost::Constant(0.0002)),
            handover: Some(Cost::Lognormal {
                mean: 0.0005,
                scv: 0.25,
            }),
            acknowledge: None,
        }];
        let text = with_costs(TEXT, &network, &costs, "on paper").expect("a copy");
        assert!(
            text.contains("# who sends") && text.contains("# the only one"),
            "{text}"
        );
        let again = super::tests::network(&text);
        let broker = &again.stages[0].extras.broker;
        assert!((broker.costs.network.mean() - 0.0002).abs() < 1e-12);
        assert!((broker.costs.handover.mean() - 0.0005).abs() < 1e-12);
        assert!((broker.costs.handover.scv() - 0.25).abs() < 1e-9);
        assert_eq!(broker.commitment, Commitment::Push { prefetch: 1 });
        // Calibrated once more the old costs go.
        let costs = [MeasuredCosts {
            network: None,
            ..costs[0]
        }];
        let text = with_costs(&text, &again, &costs, "on air").expect("a copy");
        assert!(
            text.contains("# Costs as measured live: on air\nbroker = "),
            "{text}"
        );
        assert!(!text.contains("on paper"), "{text}");
        let third = super::tests::network(&text);
        assert_eq!(third.stages[0].extras.broker.costs.network.mean(), 0.0);
    }
}
