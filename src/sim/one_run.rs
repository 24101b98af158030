//! Where the figures of one run lie: what a live run, which is one run and short, may measure by chance alone.

use super::control::Control;
use super::means::Means;
use super::measure::{PlaceFigures, Shown, figures};
use super::outcome::SimError;
use super::plan::Start;
use super::replication::{Silent, Span, replicate};
use super::simulate::in_order;
use crate::metric::{Metric, Statistic};
use crate::network::{Network, Place};
use crate::stats::Interval;
use std::collections::BTreeMap;

/// The figures of many simulated runs, each as long as the run that they are to be compared with.
///
/// An interval is made of two of the simulated figures: of R in ascending order the j-th and the j-th from above. One
/// more run of the same kind takes any of the R + 1 places among them with equal probability,
/// so that it lies between those two with probability 1 − 2j/(R + 1), exactly, whatever the law of the figure
/// (and at least so where figures can be equal). An interval mean ± t·s·√(1 + 1/R) would rest on a normal law, which the
/// 99th percentile of a short run, or the share of messages that failed, does not have; and this one never leaves the
/// range of what can be.
#[derive(Debug, Clone)]
pub struct OneRun {
    runs: u64,
    /// The figures of all runs in which they are defined, in ascending order.
    figures: BTreeMap<(Place, Metric), Vec<f64>>,
}

impl OneRun {
    /// As many runs as give intervals of up to 99 %.
    pub const RUNS: u64 = 200;

    /// Runs that were simulated.
    pub fn runs(&self) -> u64 {
        self.runs
    }

    /// A figure of all runs in which it is defined, in ascending order.
    pub fn figures(&self, place: Place, metric: Metric) -> &[f64] {
        self.figures
            .get(&(place, metric))
            .map_or(&[], Vec::as_slice)
    }

    /// The narrowest of its intervals in which a figure of one more run lies with at least this probability; none where
    /// there are too few runs for that (R < 2/(1 − probability) − 1), or no such figure.
    pub fn interval(&self, place: Place, metric: Metric, probability: f64) -> Option<Interval> {
        between(self.figures.get(&(place, metric))?, probability)
    }
}

/// The interval in which one more value lies beside these, which ascend.
fn between(values: &[f64], probability: f64) -> Option<Interval> {
    // Rounding must not cost a place: 0.05 · 200 / 2 is 5.
    let outside = (1.0 - probability) * (values.len() + 1) as f64 / 2.0 + 1e-9;
    let place = (outside.floor() as usize).checked_sub(1)?;
    let (low, high) = (values.get(place)?, values.get(values.len() - 1 - place)?);
    (low <= high).then_some(Interval {
        low: *low,
        high: *high,
    })
}

/// Simulates so many runs of a network, each as long as its horizon says and without its first `start` seconds. They are
/// the replications from the first on; replication 0, the twin of a live run, is not among them.
///
/// All figures that a live run has are there, so it is done by the engine that does everything.
///
/// # Errors
/// [`SimError::NoOrders`] where no order can come, [`SimError::NothingAfterWarmup`] where the run is shorter
/// than the warm-up, [`SimError::Stopped`] when `control` stopped it.
pub fn one_run(
    network: &Network,
    start: Start,
    runs: u64,
    threads: usize,
    control: &Control,
) -> Result<OneRun, SimError> {
    if network.offered_rate() <= 0.0 {
        return Err(SimError::NoOrders);
    }
    let span = Span::of(network, start.warmup);
    let work = |index| {
        let means = Means::EventsInFull;
        let replication = replicate(network, &means, index, span, control, Silent);
        control.finish_one();
        let ended = replication.end;
        let lived = replication.measured && ended > start.warmup;
        match lived {
            true => Ok(figures(network, Shown::Live, start.warmup, replication)),
            false => Err(ended),
        }
    };
    let mut all = BTreeMap::new();
    let mut too_short = None;
    control.plan(runs);
    in_order(threads, 1..runs + 1, control, work, |places| match places {
        Ok(places) => places.into_iter().for_each(|place| take(place, &mut all)),
        Err(ended) => too_short = Some(ended),
    });
    if control.stopped() {
        return Err(SimError::Stopped);
    }
    if let Some(ended) = too_short {
        let warmup = start.warmup;
        return Err(SimError::NothingAfterWarmup { ended, warmup });
    }
    for values in all.values_mut() {
        values.sort_by(f64::total_cmp);
    }
    Ok(OneRun { runs, figures: all })
}

/// Takes the figures of one run that are defined.
fn take(place: PlaceFigures, all: &mut BTreeMap<(Place, Metric), Vec<f64>>) {
    let moments = place.times.iter().flat_map(|(kind, times)| {
        let variance = times.tally.mean_square_about(times.tally.mean());
        [
            (Metric::Time(*kind, Statistic::Variance), variance),
            (Metric::Time(*kind, Statistic::Max), times.histogram.max()),
        ]
    });
    let figures = place.figures.into_iter().chain(moments);
    for (metric, value) in figures.filter(|(_, value)| value.is_finite()) {
        let values: &mut Vec<f64> = all.entry((place.place, metric)).or_default();
        values.push(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn of_200_runs_the_fifth_from_either_end_holds_95_percent() {
        let values: Vec<f64> = (1..=200).map(f64::from).collect();
        let found = between(&values, 0.95).expect("enough runs");
        // 1 − 2·5/201 = 0.9502.
        assert_eq!((found.low, found.high), (5.0, 196.0));
        let found = between(&values, 0.99).expect("enough runs");
        assert_eq!((found.low, found.high), (1.0, 200.0));
        assert_eq!(between(&values, 0.995), None);
        assert_eq!(between(&[], 0.5), None);
        // 1 − 2/20, just so.
        let few: Vec<f64> = (1..=19).map(f64::from).collect();
        assert_eq!(between(&few, 0.9).map(|found| found.low), Some(1.0));
        assert_eq!(between(&few, 0.91), None);
    }

    proptest! {
        /// Taken out one by one and laid between the others, as many lie inside as must.
        #[test]
        fn who_is_left_out_lies_inside_as_often_as_promised(mut values in prop::collection::vec(0.0..1.0f64, 2..120), probability in 0.1..0.99f64) {
            values.sort_by(f64::total_cmp);
            let all = values.len();
            let mut inside = 0;
            for index in 0..all {
                let mut others = values.clone();
                let one = others.remove(index);
                match between(&others, probability) {
                    Some(interval) => inside += usize::from(interval.contains(one)),
                    None => inside = all,
                }
            }
            prop_assert!(inside as f64 >= probability * all as f64 - 1e-6, "{} of {}", inside, all);
        }
    }
}
