//! What a reader of the figures must know, as data.

use super::comparison::Comparison;
use super::format;
use super::live::LiveWarning;
use crate::metric::{Metric, Statistic};
use crate::network::{Horizon, Network, Place, StageId};
use crate::random::Arrivals;
use crate::sim::{SimResult, StartRule};
use crate::theory;

/// Fewer values than this beyond a quantile are too few to trust it.
const TAIL: f64 = 30.0;

/// Something a reader of the figures must know.
#[derive(Debug, Clone, PartialEq)]
pub enum Warning {
    /// The run was stopped before its end.
    Partial {
        /// Replications that the figures are made of.
        replications: u64,
    },
    /// The pilots had not settled.
    Unsettled {
        /// Seconds left out instead.
        warmup: f64,
    },
    /// One replication gives no intervals.
    NoIntervals,
    /// The asked-for precision was not reached.
    Imprecise {
        /// Where the least certain mean is taken.
        place: String,
        /// Which it is.
        metric: Metric,
        /// Half-width of its interval over itself.
        relative: f64,
    },
    /// A stage was not watched for long enough.
    TooShort {
        /// Name of the place.
        place: String,
        /// Why, and what would do.
        why: String,
    },
    /// No order came while anything was measured.
    NothingCame,
    /// The backlog grows; averages are withheld.
    Growing {
        /// Name of the place.
        place: String,
        /// Measured growth, orders per second, with its half-width.
        measured: Option<(f64, f64)>,
        /// λ − cμ.
        predicted: Option<f64>,
    },
    /// Also without the incidents a stage gets more work than its consumers can do.
    Overloaded {
        /// Name of the place.
        place: String,
    },
    /// Too few values lie beyond a quantile.
    ThinTail {
        /// Name of the place.
        place: String,
        /// The quantile.
        metric: Metric,
        /// How many values lie beyond it.
        beyond: u64,
    },
    /// The measured time is no whole number of the arrivals' periods.
    BrokenPeriod {
        /// Name of the producer.
        producer: String,
        /// Its period, seconds.
        period: f64,
    },
    /// Recorded times were spread over their resolution.
    TiesSpread {
        /// Name of the producer.
        producer: String,
        /// Seconds of virtual time.
        resolution: f64,
    },
    /// Something about a live run.
    Live(LiveWarning),
    /// Something the reader of the scenario file noticed.
    Scenario(String),
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Warning::Partial { replications } => write!(
                f,
                "stopped before the end: the figures are those of {replications} replication(s)"
            ),
            Warning::Unsettled { warmup } => write!(
                f,
                "the start-up had not ended within a pilot run of full length, so the first half \
                 ({}) is left out; a longer `run.duration` would help",
                format::duration(*warmup)
            ),
            Warning::NoIntervals => f.write_str(
                "one replication gives no intervals and no verdicts; set `run.replications` to 2 or more",
            ),
            Warning::Imprecise { place, metric, relative } => write!(
                f,
                "the asked-for `run.precision` was not reached: {metric} at {place} is known to \
                 {:.1} % only; let each replication run longer",
                100.0 * relative
            ),
            Warning::TooShort { place, why } => write!(f, "{place}: {why}"),
            Warning::NothingCame => f.write_str(
                "no order came within the measured time, so there is nothing to see",
            ),
            Warning::Growing { place, measured, predicted } => {
                write!(f, "{place}: no steady state, the backlog ")?;
                match measured {
                    Some((rate, half)) => write!(f, "grows by {rate:.4} ± {half:.4} orders/s")?,
                    None => f.write_str("grows")?,
                }
                match predicted {
                    Some(rate) => write!(f, " (λ − cμ = {rate:.4}/s); averages are withheld"),
                    None => f.write_str("; averages are withheld"),
                }
            }
            Warning::Overloaded { place } => write!(
                f,
                "{place}: also without the incidents more work comes than its consumers can do; the \
                 backlog keeps growing, and averages depend on how long the run is"
            ),
            Warning::ThinTail { place, metric, beyond } => write!(
                f,
                "{place}: only {beyond} values lie beyond {metric}; its figure is rough, run longer"
            ),
            Warning::BrokenPeriod { producer, period } => write!(
                f,
                "the measured time is no whole number of periods ({}) of producer {producer}: \
                 time averages depend on where it ends",
                format::duration(*period)
            ),
            Warning::TiesSpread { producer, resolution } => write!(
                f,
                "producer {producer}: recorded times that coincide are spread at random over {} of \
                 simulated time",
                format::duration(*resolution)
            ),
            Warning::Live(warning) => warning.fmt(f),
            Warning::Scenario(text) => f.write_str(text),
        }
    }
}

/// All that the measurements call for.
pub fn warnings(network: &Network, sim: &SimResult, comparison: &Comparison) -> Vec<Warning> {
    let mut warnings = of_the_run(sim, comparison);
    warnings.extend(sim.imprecise.map(|worst| Warning::Imprecise {
        place: network.place_name(worst.place),
        metric: worst.metric,
        relative: worst.relative,
    }));
    warnings.extend(
        comparison
            .too_short()
            .map(|(place, why)| Warning::TooShort {
                place: network.place_name(place),
                why: why.to_owned(),
            }),
    );
    warnings.extend(of_arrivals(network, sim));
    warnings.extend(growing(network, sim, comparison));
    warnings.extend(overloaded(network));
    warnings.extend(thin_tails(network, sim, comparison));
    warnings
}

fn of_the_run(sim: &SimResult, comparison: &Comparison) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if sim.partial {
        warnings.push(Warning::Partial {
            replications: sim.replications,
        });
    }
    // Where a backlog grows nothing ever settles, and that is said by itself.
    if sim.start.rule == StartRule::Unsettled && comparison.growing().next().is_none() {
        warnings.push(Warning::Unsettled {
            warmup: sim.start.warmup,
        });
    }
    if sim.saw_nothing() {
        warnings.push(Warning::NothingCame);
    }
    if sim.replications == 1 {
        warnings.push(Warning::NoIntervals);
    }
    warnings
}

fn of_arrivals(network: &Network, sim: &SimResult) -> Vec<Warning> {
    let fixed_end = matches!(network.run.horizon, Horizon::Duration(_));
    let mut warnings = Vec::new();
    for producer in &network.producers {
        let name = producer.name.clone();
        match &producer.arrivals {
            Arrivals::Trace { resolution, .. } if *resolution > 0.0 => {
                warnings.push(Warning::TiesSpread {
                    producer: name,
                    resolution: *resolution,
                });
            }
            Arrivals::Schedule(schedule) if schedule.period.is_finite() && fixed_end => {
                let periods = sim.measured / schedule.period;
                if (periods - periods.round()).abs() > 1e-6 {
                    let period = schedule.period;
                    warnings.push(Warning::BrokenPeriod {
                        producer: name,
                        period,
                    });
                }
            }
            _ => {}
        }
    }
    warnings
}

fn growing(network: &Network, sim: &SimResult, comparison: &Comparison) -> Vec<Warning> {
    let stages = comparison
        .growing()
        .filter(|place| matches!(place, Place::Stage(_)));
    let warn = |place: Place| {
        let rate = sim
            .at(place)
            .and_then(|r| r.estimates.get(&Metric::BacklogGrowth));
        let interval = rate.and_then(|rate| rate.interval(comparison.confidence));
        let line = comparison.line(place, Metric::BacklogGrowth);
        Warning::Growing {
            place: network.place_name(place),
            measured: rate
                .zip(interval)
                .map(|(rate, i)| (rate.point, i.half_width())),
            predicted: line.and_then(|line| line.theory).map(|figure| figure.value),
        }
    };
    stages.map(warn).collect()
}

/// Stages that have no steady state whatever the incidents do: while numbers change, growth that is seen
/// shows nothing.
fn overloaded(network: &Network) -> Vec<Warning> {
    if network.phases.is_empty() {
        return Vec::new();
    }
    let theory = theory::analyze(&network.undisturbed());
    let stages = (0..network.stages.len()).map(|stage| Place::Stage(StageId(stage)));
    let unstable = stages.filter(|place| theory.unstable(*place));
    let warn = |place| Warning::Overloaded {
        place: network.place_name(place),
    };
    unstable.map(warn).collect()
}

/// Of every time only the lowest quantile with a thin tail: those above it are thinner still.
fn thin_tails(network: &Network, sim: &SimResult, comparison: &Comparison) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for result in &sim.places {
        for (kind, histogram) in &result.distributions {
            let beyond = |p: f64| histogram.total() as f64 * (1.0 - p);
            let thin = Statistic::ALL.into_iter().find_map(|statistic| {
                let p = statistic.probability().filter(|p| beyond(*p) < TAIL)?;
                Some((Metric::Time(*kind, statistic), beyond(p)))
            });
            let Some((metric, beyond)) = thin else {
                continue;
            };
            let shown = comparison
                .line(result.place, metric)
                .is_some_and(|l| l.measured.is_some());
            if shown {
                let place = network.place_name(result.place);
                warnings.push(Warning::ThinTail {
                    place,
                    metric,
                    beyond: beyond.round() as u64,
                });
            }
        }
    }
    warnings
}
