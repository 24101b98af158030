//! One place over the replications: its figures with their spread, its growth.

use super::lane::Times;
use super::measure::{Events, Growth, PlaceFigures};
use super::outcome::PlaceResult;
use super::resolution::{Extent, events, resolution};
use crate::metric::{Metric, Statistic, TimeKind};
use crate::network::Place;
use crate::stats::{Estimate, Histogram, Tally, trend_without_interval};
use std::collections::BTreeMap;

/// Growth must be certain at this level before an average is withheld.
const GROWTH_LEVEL: f64 = 0.999;
/// And over the measured time it must make up this share of the mean number in system.
const GROWTH_SHARE: f64 = 0.3;

/// What a place must know of the whole run to judge its figures.
pub(super) struct Context {
    /// Seconds measured in a replication.
    pub measured: f64,
    /// How many there are.
    pub replications: f64,
    /// Orders that the producers send at once, each its own.
    pub together: f64,
    /// Whether the law of the arrivals never changes, so that growth means something.
    pub stationary: bool,
}

/// One place over the replications so far.
pub(super) struct PlaceFold {
    place: Place,
    values: BTreeMap<Metric, Vec<f64>>,
    tallies: BTreeMap<TimeKind, Vec<Tally>>,
    histograms: BTreeMap<TimeKind, Histogram>,
    events: Events,
    /// The last replication's number in system, for a trend where there is but one.
    path: Vec<f64>,
}

impl PlaceFold {
    pub(super) fn new(place: Place) -> PlaceFold {
        PlaceFold {
            place,
            values: BTreeMap::new(),
            tallies: BTreeMap::new(),
            histograms: BTreeMap::new(),
            events: Events::default(),
            path: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, figures: PlaceFigures) {
        for (metric, value) in figures.figures {
            self.values.entry(metric).or_default().push(value);
        }
        for (kind, Times { tally, histogram }) in figures.times {
            self.tallies.entry(kind).or_default().push(tally);
            self.histograms.entry(kind).or_default().merge(&histogram);
        }
        self.events.add(&figures.events);
        self.path = figures.path;
    }

    /// The worst of the means that an asked-for precision is about: how wide its interval at `level`
    /// is, relative to it. Means that rest on too little to have an interval are left out.
    pub(super) fn precision(&self, level: f64) -> Option<(f64, Metric)> {
        let means = self
            .values
            .keys()
            .copied()
            .filter(|metric| is_mean(*metric));
        let relative = means.filter_map(|metric| {
            let mut estimate = Estimate::of(defined(&self.values[&metric]));
            estimate.events = self.events_of(metric);
            let half = estimate.interval(level)?.half_width();
            (estimate.point > 0.0 && !estimate.is_thin()).then(|| (half / estimate.point, metric))
        });
        relative.max_by(|a, b| a.0.total_cmp(&b.0))
    }

    /// Where.
    pub(super) fn place(&self) -> Place {
        self.place
    }

    fn events_of(&self, metric: Metric) -> f64 {
        let times = match metric {
            Metric::Time(kind, _) => self.histograms.get(&kind),
            _ => None,
        };
        events(metric, &self.events, times)
    }

    /// The place's result; none where no order ever came.
    pub(super) fn finish(self, context: &Context) -> Option<PlaceResult> {
        let orders: u64 = self.tallies.values().flatten().map(Tally::count).sum();
        if matches!(self.place, Place::Class(..)) && self.events.offered == 0 {
            return None;
        }
        let mut estimates: BTreeMap<Metric, Estimate> = self
            .values
            .iter()
            .map(|(metric, values)| (*metric, self.estimate(*metric, defined(values))))
            .filter(|(_, estimate)| estimate.point.is_finite())
            .collect();
        for (kind, tallies) in &self.tallies {
            estimates.extend(moments(*kind, tallies, &self.histograms[kind]));
        }
        let growth = self.growth(&estimates, context);
        let extent = Extent {
            measured: context.measured,
            orders: self.events.offered as f64 / context.replications,
            together: context.together,
            number: number_in_system(&estimates),
            growing: growth.is_some(),
        };
        for (metric, estimate) in &mut estimates {
            estimate.resolution += resolution(*metric, estimate.point, &extent);
            estimate.events = self.events_of(*metric);
        }
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

/// The means that an asked-for precision is about.
fn is_mean(metric: Metric) -> bool {
    match metric {
        Metric::Time(_, statistic) => statistic == Statistic::Mean,
        Metric::ArrivalRate
        | Metric::Throughput
        | Metric::Utilization
        | Metric::QueueLength
        | Metric::NumberInSystem => true,
        _ => false,
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
fn moments(kind: TimeKind, tallies: &[Tally], all_times: &Histogram) -> [(Metric, Estimate); 2] {
    let seen = || tallies.iter().filter(|tally| tally.count() > 0);
    let mut all = Tally::default();
    tallies.iter().for_each(|tally| all.merge(tally));
    let squares = seen()
        .map(|tally| tally.mean_square_about(all.mean()))
        .collect();
    let largest = Estimate::about(all_times.max(), Vec::new());
    [
        (
            Metric::Time(kind, Statistic::Variance),
            Estimate::of(squares),
        ),
        (Metric::Time(kind, Statistic::Max), largest),
    ]
}
