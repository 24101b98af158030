//! The warm-up, found before the run by pilot replications.
//!
//! The pilots have random streams of their own and none of their orders is counted. A cut chosen
//! on the very data it is applied to would favour quiet stretches and bias the averages; a cut from
//! pilots cannot, and is the same for all replications.

use super::control::Control;
use super::means::Means;
use super::replication::{Silent, Span, replicate};
use super::simulate::in_order;
use super::timeline::Timeline;
use crate::network::{Network, Replenishment, Staffing, Stage, Stocking, Warmup};
use crate::random::Arrivals;
use crate::stats::mser5;

/// Replications of the pilot.
const PILOTS: u64 = 5;
/// Orders that the first pilot run is long enough for.
const PILOT_ORDERS: f64 = 20_000.0;
/// The first pilot runs take this share of a replication, unless that is too few orders.
const PILOT_SHARE: f64 = 1.0 / 16.0;

/// A replication of fewer orders has no start-up that could be told from chance.
const FEWEST_ORDERS: f64 = 1000.0;

/// What is left out at the start of every replication, and how that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Start {
    /// Seconds left out.
    pub warmup: f64,
    /// How the figure was found.
    pub rule: StartRule,
}

/// How a warm-up was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartRule {
    /// The scenario fixes it.
    Fixed,
    /// MSER-5 over pilot runs.
    Mser5,
    /// Like [`StartRule::Mser5`], but the pilots had not settled by the end of the longest run; half
    /// of the run is left out.
    Unsettled,
    /// The arrivals are periodic: MSER-5, rounded up to whole periods.
    WholePeriods,
    /// A live run is short: the most that one can spare, which is less than MSER-5 asks for.
    Live,
    /// A replication has so few orders that none can be spared; nothing is left out.
    TooFew,
    /// The arrivals change with time or are recorded, or the pipeline changes: nothing is left out, as there is no steady
    /// state to wait for.
    Transient,
}

impl StartRule {
    /// Its name in every output.
    pub fn name(self) -> &'static str {
        match self {
            StartRule::Fixed => "fixed",
            StartRule::Mser5 => "mser5",
            StartRule::Unsettled => "unsettled",
            StartRule::WholePeriods => "whole_periods",
            StartRule::Live => "live",
            StartRule::TooFew => "too_few",
            StartRule::Transient => "transient",
        }
    }
}

/// Finds the warm-up that the scenario asks for.
pub(super) fn find_start(
    network: &Network,
    means: &Means,
    threads: usize,
    control: &Control,
) -> Start {
    match network.run.warmup {
        Warmup::Fixed(warmup) => Start {
            warmup,
            rule: StartRule::Fixed,
        },
        Warmup::Auto => automatic(network, means, threads, control),
    }
}

/// A warm-up may take this share of a live run.
const LIVE_SHARE: f64 = 0.2;

/// The warm-up of a live run: the fixed one; or as for a simulation, but no more than a fifth of the run.
///
/// A live run takes as long as it says on the clock, and is short: half of it left out, as for a pipeline that
/// has not settled, would cost more in chance than what is left of the start-up does in bias. Nor does
/// the start-up matter where a live run is compared with its twin, which begins just as empty.
pub fn live_warmup(network: &Network, control: &Control) -> Start {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let found = find_start(network, &Means::events(network), threads, control);
    let most = LIVE_SHARE * network.expected_duration();
    if found.rule == StartRule::Fixed || found.warmup <= most {
        return found;
    }
    match longest_period(network) {
        Seasons::Every(period) => Start {
            warmup: (most / period).floor() * period,
            rule: StartRule::WholePeriods,
        },
        _ => Start {
            warmup: most,
            rule: StartRule::Live,
        },
    }
}

fn automatic(network: &Network, means: &Means, threads: usize, control: &Control) -> Start {
    if network.expected_orders() < FEWEST_ORDERS {
        return Start {
            warmup: 0.0,
            rule: StartRule::TooFew,
        };
    }
    let whole = network.expected_duration();
    match longest_period(network) {
        Seasons::Never => settle(network, means, whole, threads, control),
        Seasons::Every(period) if 2.0 * period <= whole => {
            let found = settle(network, means, whole, threads, control);
            let periods = (found.warmup / period).ceil().max(1.0);
            let warmup = (periods * period).min((0.5 * whole / period).floor() * period);
            Start {
                warmup,
                rule: StartRule::WholePeriods,
            }
        }
        _ => Start {
            warmup: 0.0,
            rule: StartRule::Transient,
        },
    }
}

/// Pilot runs, longer and longer until they settle early within their length.
fn settle(
    network: &Network,
    means: &Means,
    whole: f64,
    threads: usize,
    control: &Control,
) -> Start {
    let enough = PILOT_ORDERS / network.offered_rate();
    let mut length = (whole * PILOT_SHARE).max(enough).min(whole);
    loop {
        let (warmup, settled) = cut(network, &pilots(network, means, length, threads, control));
        let last = length >= whole || control.stopped();
        if settled && (warmup <= 0.25 * length || last) {
            return Start {
                warmup,
                rule: StartRule::Mser5,
            };
        }
        if last {
            return Start {
                warmup: 0.5 * whole,
                rule: StartRule::Unsettled,
            };
        }
        length = (2.0 * length).min(whole);
    }
}

fn pilots(
    network: &Network,
    means: &Means,
    length: f64,
    threads: usize,
    control: &Control,
) -> Timeline {
    let span = Span::pilot(length);
    let mut sum = Timeline::empty(span.slice);
    // Streams of replications that no run ever reaches.
    let work = |i| replicate(network, means, u64::MAX - i, span, control, Silent).timeline;
    in_order(threads, 0..PILOTS, control, work, |timeline| {
        sum.add(&timeline)
    });
    sum
}

/// The latest cut that any stage asks for, in seconds, and whether all have settled.
fn cut(network: &Network, timeline: &Timeline) -> (f64, bool) {
    let present = (1..=network.stages.len()).map(|stage| mser5(&timeline.present(stage)));
    // Shelves that begin full settle on their own time.
    let stages = network.stages.iter().enumerate();
    let stocked = stages.filter(|(_, stage)| stage.extras.stocking != Stocking::None);
    let stock = stocked.map(|(index, _)| mser5(&timeline.stock(index + 1)));
    let (cut, settled) = present
        .chain(stock)
        .fold((0, true), |(cut, settled), found| {
            (cut.max(found.cut), settled && found.settled)
        });
    (cut as f64 * timeline.width, settled)
}

enum Seasons {
    /// Nothing changes but by chance.
    Never,
    /// It repeats after so many seconds.
    Every(f64),
    /// It changes for good.
    Forever,
}

fn longest_period(network: &Network) -> Seasons {
    if !network.phases.is_empty() {
        return Seasons::Forever;
    }
    let arrivals = network.producers.iter().map(|p| seasons(&p.arrivals));
    let stages = network.stages.iter().map(seasons_of_stage);
    let all = arrivals.chain(stages);
    all.fold(Seasons::Never, |worst, seasons| match (worst, seasons) {
        (Seasons::Forever, _) | (_, Seasons::Forever) => Seasons::Forever,
        (Seasons::Every(a), Seasons::Every(b)) => Seasons::Every(a.max(b)),
        (Seasons::Every(a), Seasons::Never) | (Seasons::Never, Seasons::Every(a)) => {
            Seasons::Every(a)
        }
        (Seasons::Never, Seasons::Never) => Seasons::Never,
    })
}

/// Consumers by the clock, and stock that only goes.
fn seasons_of_stage(stage: &Stage) -> Seasons {
    match (&stage.extras.stocking, &stage.extras.staffing) {
        (Stocking::Stock(stock), _) if stock.replenishment == Replenishment::None => {
            Seasons::Forever
        }
        (_, Staffing::Shifts(shifts)) if shifts.period.is_finite() => Seasons::Every(shifts.period),
        (_, Staffing::Shifts(_)) => Seasons::Forever,
        _ => Seasons::Never,
    }
}

fn seasons(arrivals: &Arrivals) -> Seasons {
    match arrivals {
        Arrivals::Schedule(schedule) if schedule.period.is_finite() => {
            Seasons::Every(schedule.period)
        }
        Arrivals::Schedule(_) | Arrivals::Trace { .. } => Seasons::Forever,
        Arrivals::Batch { process, .. } => seasons(process),
        _ => Seasons::Never,
    }
}
