//! What a reader of a live run's figures must know, as data.

use crate::live::{Delay, Delays, Ended, LiveRun, Outages};
use crate::metric::Metric;
use crate::network::{Consumers, Network, Place, StageId};
use crate::report::format;
use crate::sim::{Outcome, SimResult};
use std::fmt;

use super::figure;

/// The share by which handing over may lengthen waits before it is told.
const OVERHEAD: f64 = 0.03;
/// The machine keeps time when 99 % of the orders are sent no later than this, real seconds.
const LATE: f64 = 1e-3;

/// Something a reader of a live run's figures must know.
#[derive(Debug, Clone, PartialEq)]
pub enum LiveWarning {
    /// It was stopped.
    Stopped {
        /// When, scenario seconds.
        at: f64,
    },
    /// The broker was lost for good.
    BrokerLost {
        /// When, scenario seconds.
        at: f64,
        /// How.
        why: String,
    },
    /// Handing messages over takes so long that waits are longer than the scenario asks for.
    Overhead {
        /// Name of the stage.
        place: String,
        /// What each order costs besides its work, real seconds.
        cost: f64,
        /// (δ + overshoot)·λ/(c(1 − ρ)).
        share: f64,
        /// ρ with what each order costs besides: ρ + (δ + overshoot)·λ/c.
        load: f64,
        /// Real seconds for each scenario second.
        scale: f64,
    },
    /// Orders were sent late.
    Late {
        /// 99th percentile of the lateness, real seconds.
        p99: f64,
        /// Whether the connection was lost meanwhile: then nothing can be sent, however good the clock.
        outage: bool,
    },
    /// Orders were delivered whose work had been done.
    Duplicates {
        /// How many deliveries.
        deliveries: u64,
    },
    /// Orders were lost.
    Lost {
        /// How many.
        orders: u64,
        /// Of these, those that nobody had any more after the end.
        missing: u64,
    },
    /// The connection to the broker was lost for a while.
    Outages {
        /// How often.
        times: u64,
        /// How long altogether, real seconds.
        lasted: f64,
        /// Whether it stayed lost in the end.
        for_good: bool,
    },
    /// Orders were still under way when waiting for them ended.
    Left {
        /// How many.
        orders: u64,
    },
    /// Queues could not be taken away.
    LeftBehind {
        /// Why not.
        why: String,
    },
}

impl fmt::Display for LiveWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use crate::metric::Unit::Seconds;
        match self {
            LiveWarning::Stopped { at } => write!(
                f,
                "stopped after {}: the figures are those of the run until then",
                format::duration(*at)
            ),
            LiveWarning::BrokerLost { at, why } => write!(
                f,
                "the broker was lost, and given up after {} ({why}): the figures are those of the run until then",
                format::duration(*at)
            ),
            LiveWarning::Overhead {
                place,
                cost,
                share,
                load,
                scale,
            } => {
                let cost = format::value(Seconds, *cost);
                write!(
                    f,
                    "{place}: each order costs its consumer {cost} besides its work, "
                )?;
                if *load < 1.0 {
                    let more = 100.0 * share;
                    write!(
                        f,
                        "by which waits are some {more:.0} % longer than the scenario asks for \
                         ((δ + overshoot)·λ/(c(1 − ρ))); `--time-scale {}` makes that a tenth",
                        10.0 * scale
                    )
                } else {
                    write!(
                        f,
                        "and at this rate that is more than consumers can do (ρ + (δ + overshoot)·λ/c = {load:.2}); \
                         `--time-scale {}` makes that cost a tenth",
                        10.0 * scale
                    )
                }
            }
            LiveWarning::Late { p99, outage } => write!(
                f,
                "{}: 1 % of the orders were sent {} late or more; live and twin differ by that, live and twin as \
                 it was do not",
                match outage {
                    true => "orders could not be sent while the connection was lost",
                    false => "the machine did not keep time",
                },
                format::value(Seconds, *p99)
            ),
            LiveWarning::Duplicates { deliveries } => write!(
                f,
                "deliveries of orders whose work had been done before: {}",
                format::count(*deliveries)
            ),
            LiveWarning::Lost { orders, missing } => {
                write!(f, "{} lost", format::counted(*orders, "order"))?;
                match missing {
                    0 => Ok(()),
                    missing => write!(f, ", {} with nobody after the end", format::count(*missing)),
                }
            }
            LiveWarning::Outages {
                times,
                lasted,
                for_good,
            } => {
                let lasted = format::value(Seconds, *lasted);
                let times = match times {
                    1 => "once".to_owned(),
                    times => format!("{times} times"),
                };
                let then = match for_good {
                    true => "and at last for good",
                    false => "and made again",
                };
                write!(
                    f,
                    "connections to the broker were lost {times}, for {lasted} altogether, {then}"
                )
            }
            LiveWarning::Left { orders } => write!(
                f,
                "{} still under way when waiting ended",
                format::counted(*orders, "order")
            ),
            LiveWarning::LeftBehind { why } => write!(
                f,
                "the queues of the run could not be taken away from the broker: {why}"
            ),
        }
    }
}

/// All that a run calls for.
pub(super) fn warnings(
    network: &Network,
    live: &SimResult,
    twin: &SimResult,
    run: &LiveRun,
) -> Vec<LiveWarning> {
    let mut found: Vec<LiveWarning> = ended(run).into_iter().collect();
    let late = all_stages(run, Delay::Lateness).quantile(0.99);
    if late >= LATE {
        let outage = run.outages.times > 0;
        found.push(LiveWarning::Late { p99: late, outage });
    }
    found.extend((0..network.stages.len()).filter_map(|stage| overhead(network, twin, run, stage)));
    found.extend(counts(live, run));
    found.extend(run.left_behind.iter().map(|error| LiveWarning::LeftBehind {
        why: error.to_string(),
    }));
    found
}

fn ended(run: &LiveRun) -> Option<LiveWarning> {
    let at = run.end;
    match &run.ended {
        Ended::Whole => None,
        Ended::Stopped => Some(LiveWarning::Stopped { at }),
        Ended::BrokerLost(error) => Some(LiveWarning::BrokerLost {
            at,
            why: error.to_string(),
        }),
    }
}

fn counts(live: &SimResult, run: &LiveRun) -> impl Iterator<Item = LiveWarning> {
    let deliveries = live.messages.map_or(0, |messages| messages.duplicates);
    let (missing, left) = (run.missing, run.left);
    let Outages { times, lasted } = run.outages;
    let orders = live.outcomes.of(Outcome::Lost).max(missing);
    let for_good = matches!(run.ended, Ended::BrokerLost(_));
    let told = [
        (deliveries, LiveWarning::Duplicates { deliveries }),
        (orders, LiveWarning::Lost { orders, missing }),
        (
            times,
            LiveWarning::Outages {
                times,
                lasted: lasted.as_secs_f64(),
                for_good,
            },
        ),
        (left, LiveWarning::Left { orders: left }),
    ];
    let happened = told.into_iter().filter(|(count, _)| *count > 0);
    happened.map(|(_, warning)| warning)
}

/// Delays of one kind at all stages together.
pub(super) fn all_stages(run: &LiveRun, kind: Delay) -> Delays {
    let mut all = Delays::default();
    run.delays
        .iter()
        .for_each(|stage| all.merge(stage.of(kind)));
    all
}

/// What each order costs a consumer besides its work, real seconds: from the end of one order's work to the
/// beginning of the next one's, and what the work itself took too long. As measured in the run, or
/// before it where the run has nothing to tell.
pub(super) fn cost(run: &LiveRun, stage: usize) -> f64 {
    let mean = |in_run: Option<&Delays>, before: Option<&Delays>| {
        let told = in_run.filter(|delays| delays.count() > 0).or(before);
        told.map_or(0.0, Delays::mean)
    };
    let of = |kind| run.delays.get(stage).map(|delays| delays.of(kind));
    mean(of(Delay::Busy), run.fitness.handover.get(stage))
        + mean(of(Delay::Overshoot), Some(&run.fitness.overshoot))
}

/// A consumer that is held up for δ after each order serves as if all work were δ longer; while all c are
/// busy for a share ρ of the time, the waits then grow by about δλ/(c(1 − ρ)) of themselves.
fn overhead(
    network: &Network,
    twin: &SimResult,
    run: &LiveRun,
    stage: usize,
) -> Option<LiveWarning> {
    let place = Place::Stage(StageId(stage));
    let Consumers::Finite(consumers) = network.stages[stage].consumers else {
        return None;
    };
    let rate = figure(twin, place, Metric::ArrivalRate)?;
    let attempts = figure(twin, place, Metric::AttemptsPerMessage).unwrap_or(1.0);
    let busy = figure(twin, place, Metric::Utilization)?;
    let cost = cost(run, stage);
    let more = cost / run.scale * rate * attempts / f64::from(consumers);
    let share = more / (1.0 - busy);
    (busy < 1.0 && share > OVERHEAD).then(|| LiveWarning::Overhead {
        place: network.place_name(place),
        cost,
        share,
        load: busy + more,
        scale: run.scale,
    })
}
