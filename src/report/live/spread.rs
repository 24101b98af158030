//! What chance alone does to a figure of one run: the spread that a live figure is given, as it has none of its
//! own.

use crate::metric::Metric;
use crate::network::Place;
use crate::sim::{OneRun, PlaceResult, SimResult};
use crate::stats::{Estimate, student_t};

/// The same measurements, each with the spread that single simulated runs of this length have.
///
/// The interval at `level` about a live figure reaches as far to either side as the interval in which
/// one simulated run lies with that probability ([`OneRun::interval`], right for any law) reaches from its
/// middle, by its longer arm. A level at which there are too few runs for that (the corrected one of
/// verdicts) widens it as Student's t widens: by the ratio of its quantiles.
pub fn with_spread(live: &SimResult, single: &OneRun, level: f64) -> SimResult {
    let mut result = live.clone();
    for place in &mut result.places {
        spread(place, single, level);
    }
    result
}

fn spread(result: &mut PlaceResult, single: &OneRun, level: f64) {
    let place = result.place;
    let spread = |metric, estimate: &Estimate| about(estimate, single, (place, metric), level);
    for (metric, estimate) in &mut result.estimates {
        *estimate = spread(*metric, estimate);
    }
    if let Some(growth) = &mut result.growth {
        growth.rate = spread(Metric::BacklogGrowth, &growth.rate);
    }
}

fn about(live: &Estimate, single: &OneRun, at: (Place, Metric), level: f64) -> Estimate {
    let (place, metric) = at;
    let ends = single.interval(place, metric, level);
    let middle = single.interval(place, metric, 0.0);
    let runs = single.figures(place, metric);
    let half = ends.zip(middle).map(|(ends, middle)| {
        let middle = 0.5 * (middle.low + middle.high);
        (ends.high - middle).max(middle - ends.low)
    });
    let Some(half) = half.filter(|_| runs.len() > 1) else {
        // Without a spread there is no interval, whatever the figure is.
        return Estimate {
            values: vec![live.point],
            standard_error: f64::NAN,
            ..live.clone()
        };
    };
    Estimate {
        standard_error: half / student_t((runs.len() - 1) as f64, level),
        values: runs.to_vec(),
        // Of each run as many as of the live one.
        events: live.events * runs.len() as f64,
        ..live.clone()
    }
}
