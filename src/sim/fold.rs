//! Replications put together: estimates with their spread, pooled distributions, accounts.

use super::lane::TimeStatistics;
use super::measure::{Growth, PlaceFigures, figures, imbalance};
use super::outcome::{Outcomes, PlaceResult, SimError, SimResult};
use super::plan::Start;
use super::replication::{Replication, Span};
use super::timeline::Timeline;
use crate::metric::{Metric, Statistic, TimeKind};
use crate::network::{Network, Place, Replications};
use crate::stats::{Estimate, Histogram, Tally, trend_without_interval};
use std::collections::BTreeMap;

/// Growth must be certain at this level before an average is withheld.
const GROWTH_LEVEL: f64 = 0.999;
/// And over the measured time it must make up this share of the mean number in system.
const GROWTH_SHARE: f64 = 0.3;

/// Rounding over a long run stays far below this.
const IMBALANCE: f64 = 1e-6;

/// The replications so far.
pub(super) struct Fold<'n> {
    network: &'n Network,
    start: Start,
    places: Vec<PlaceFold>,
    timeline: Timeline,
    outcomes: Outcomes,
    entered: u64,
    measured: f64,
    replications: u64,
    imbalance: f64,
    /// Replications that were stopped from outside: used only if there is no other.
    cut_short: Vec<Replication<super::Silent>>,
    /// When a replication ended that did not live through its warm-up.
    too_short: Option<f64>,
}

impl<'n> Fold<'n> {
    pub(super) fn new(network: &'n Network, start: Start, span: Span) -> Fold<'n> {
        Fold {
            network,
            start,
            places: Vec::new(),
            timeline: Timeline::empty(span.slice),
            outcomes: Outcomes::default(),
            entered: 0,
            measured: 0.0,
            replications: 0,
            imbalance: 0.0,
            cut_short: Vec::new(),
            too_short: None,
        }
    }

    /// Takes the next replication.
    pub(super) fn add(&mut self, replication: Replication<super::Silent>) {
        if replication.stopped {
            self.cut_short.push(replication);
        } else {
            self.take(replication);
        }
    }

    fn take(&mut self, replication: Replication<super::Silent>) {
        if !replication.measured || replication.end <= self.start.warmup {
            self.too_short = Some(replication.end);
            return;
        }
        self.imbalance = self.imbalance.max(imbalance(&replication));
        self.outcomes.add(&replication.counted.outcomes);
        self.entered += replication.counted.entered;
        self.measured += replication.end - self.start.warmup;
        self.timeline.add(&replication.timeline);
        self.replications += 1;
        let figures = figures(self.network, self.start.warmup, replication);
        if self.places.is_empty() {
            self.places = figures.iter().map(|f| PlaceFold::new(f.place)).collect();
        }
        self.places
            .iter_mut()
            .zip(figures)
            .for_each(|(place, figures)| place.add(figures));
    }

    /// The largest half-width of any mean, relative to the mean.
    pub(super) fn precision(&self) -> f64 {
        let level = self.network.run.confidence;
        let relative = |estimate: &Estimate| {
            let half = estimate.interval(level)?.half_width();
            (estimate.point > 0.0).then(|| half / estimate.point)
        };
        let means = self.places.iter().flat_map(PlaceFold::means);
        means
            .filter_map(|estimate| relative(&estimate))
            .fold(0.0, f64::max)
    }

    /// Closes the accounts.
    pub(super) fn finish(mut self, stopped: bool) -> Result<SimResult, SimError> {
        if self.replications == 0 {
            std::mem::take(&mut self.cut_short)
                .into_iter()
                .for_each(|r| self.take(r));
        }
        if self.replications == 0 && stopped {
            return Err(SimError::Stopped);
        }
        if let Some(ended) = self.too_short.filter(|_| !stopped) {
            return Err(SimError::NothingAfterWarmup {
                ended,
                warmup: self.start.warmup,
            });
        }
        self.check_accounts()?;
        let precise = match self.network.run.replications {
            Replications::Fixed(_) => true,
            Replications::Precision { relative, .. } => self.precision() <= relative,
        };
        let measured = self.measured / self.replications as f64;
        let stationary = self
            .network
            .producers
            .iter()
            .all(|p| p.arrivals.is_stationary());
        let context = Context {
            measured,
            stationary,
        };
        Ok(SimResult {
            places: self
                .places
                .into_iter()
                .filter_map(|place| place.finish(&context))
                .collect(),
            outcomes: self.outcomes,
            entered: self.entered,
            start: self.start,
            measured,
            replications: self.replications,
            timeline: self.timeline,
            partial: stopped,
            precise,
        })
    }
}

impl Fold<'_> {
    /// Every order under exactly one outcome, and Little's law with its edges at every lane.
    fn check_accounts(&self) -> Result<(), SimError> {
        let (entered, accounted) = (self.entered, self.outcomes.total());
        if accounted != entered {
            return Err(SimError::Unaccounted { entered, accounted });
        }
        if self.imbalance > IMBALANCE {
            return Err(SimError::Unbalanced {
                share: self.imbalance,
            });
        }
        Ok(())
    }
}

/// What a place must know of the whole run to judge its figures.
struct Context {
    /// Seconds measured in a replication.
    measured: f64,
    /// Whether the law of the arrivals never changes, so that growth means something.
    stationary: bool,
}

/// One place over the replications so far.
struct PlaceFold {
    place: Place,
    values: BTreeMap<Metric, Vec<f64>>,
    tallies: BTreeMap<TimeKind, Vec<Tally>>,
    histograms: BTreeMap<TimeKind, Histogram>,
    /// The last replication's number in system, for a trend where there is but one.
    path: Vec<f64>,
}

impl PlaceFold {
    fn new(place: Place) -> PlaceFold {
        PlaceFold {
            place,
            values: BTreeMap::new(),
            tallies: BTreeMap::new(),
            histograms: BTreeMap::new(),
            path: Vec::new(),
        }
    }

    fn add(&mut self, figures: PlaceFigures) {
        for (metric, value) in figures.figures {
            self.values.entry(metric).or_default().push(value);
        }
        for (kind, TimeStatistics { tally, histogram }) in figures.times {
            self.tallies.entry(kind).or_default().push(tally);
            self.histograms.entry(kind).or_default().merge(&histogram);
        }
        self.path = figures.path;
    }

    /// The means that an asked-for precision is about.
    fn means(&self) -> impl Iterator<Item = Estimate> {
        let wanted = |metric: &Metric| match metric {
            Metric::Time(_, statistic) => *statistic == Statistic::Mean,
            Metric::ArrivalRate
            | Metric::Throughput
            | Metric::Utilization
            | Metric::QueueLength
            | Metric::NumberInSystem => true,
            _ => false,
        };
        let chosen = self.values.iter().filter(move |(metric, _)| wanted(metric));
        chosen.map(|(_, values)| Estimate::of(defined(values)))
    }

    /// The place's result; none where no order ever came.
    fn finish(self, context: &Context) -> Option<PlaceResult> {
        let orders: u64 = self.tallies.values().flatten().map(Tally::count).sum();
        let offered = self.values.get(&Metric::ArrivalRate)?.iter().sum::<f64>();
        if matches!(self.place, Place::Class(..)) && offered == 0.0 {
            return None;
        }
        let mut estimates: BTreeMap<Metric, Estimate> = self
            .values
            .iter()
            .map(|(metric, values)| (*metric, self.estimate(*metric, defined(values))))
            .filter(|(_, estimate)| estimate.point.is_finite())
            .collect();
        for (kind, tallies) in &self.tallies {
            estimates.extend(moments(*kind, tallies));
        }
        let total = offered * context.measured;
        let edge = (1.0 + number_in_system(&estimates)) / total.max(1.0);
        for (metric, estimate) in &mut estimates {
            estimate.resolution += resolution(*metric, estimate.point, edge, context.measured);
        }
        let growth = self.growth(&estimates, context);
        if orders == 0 {
            estimates.retain(|metric, _| !matches!(metric, Metric::Time(..)));
        }
        Some(PlaceResult {
            place: self.place,
            estimates,
            distributions: self.histograms,
            growth,
        })
    }

    fn estimate(&self, metric: Metric, values: Vec<f64>) -> Estimate {
        let Metric::Time(kind, statistic) = metric else {
            return Estimate::of(values);
        };
        let (Some(p), Some(pooled)) = (statistic.probability(), self.histograms.get(&kind)) else {
            return Estimate::of(values);
        };
        Estimate::about(pooled.quantile(p), values).with_resolution(pooled.resolution(p))
    }

    /// Growth that is beyond doubt and matters.
    fn growth(&self, estimates: &BTreeMap<Metric, Estimate>, context: &Context) -> Option<Growth> {
        let rate = estimates.get(&Metric::BacklogGrowth)?;
        let certain = match rate.interval(GROWTH_LEVEL) {
            Some(interval) => interval.low > 0.0,
            None => trend_without_interval(&self.path),
        };
        let grown = rate.point * context.measured;
        let matters = grown > GROWTH_SHARE * number_in_system(estimates);
        (context.stationary && certain && matters).then(|| Growth { rate: rate.clone() })
    }
}

fn number_in_system(estimates: &BTreeMap<Metric, Estimate>) -> f64 {
    estimates
        .get(&Metric::NumberInSystem)
        .map_or(0.0, |estimate| estimate.point)
}

/// The figures that exist: a replication in which nothing happened has no mean.
fn defined(values: &[f64]) -> Vec<f64> {
    values
        .iter()
        .copied()
        .filter(|value| value.is_finite())
        .collect()
}

/// Variance about the mean of all replications, and the largest value of all.
fn moments(kind: TimeKind, tallies: &[Tally]) -> [(Metric, Estimate); 2] {
    let seen = || tallies.iter().filter(|tally| tally.count() > 0);
    let mut all = Tally::default();
    tallies.iter().for_each(|tally| all.merge(tally));
    let squares = seen()
        .map(|tally| tally.mean_square_about(all.mean()))
        .collect();
    let largest = Estimate::about(all.max(), Vec::new());
    [
        (
            Metric::Time(kind, Statistic::Variance),
            Estimate::of(squares),
        ),
        (Metric::Time(kind, Statistic::Max), largest),
    ]
}

/// How far a figure can be off for other reasons than chance.
///
/// Rates and time averages: the orders at the two ends of the measured time, `edge` of all orders.
/// Times: rounding of a clock that has counted up to the end of the run.
fn resolution(metric: Metric, point: f64, edge: f64, measured: f64) -> f64 {
    let clock = 4.0 * f64::EPSILON * measured;
    match metric {
        Metric::Time(_, Statistic::Variance) => {
            1e-9 * point.abs() + clock * (clock + point.abs().sqrt())
        }
        Metric::Time(..) | Metric::ProcessingTime => 1e-9 * point.abs() + clock,
        Metric::WaitProbability | Metric::LossProbability => 1e-9,
        Metric::LittleResidual | Metric::LittleResidualQueue => edge,
        Metric::BacklogGrowth => edge * point.abs() + 1.0 / measured / measured,
        _ => edge * point.abs(),
    }
}
