//! What the second simulator counts, and how its figures are judged.

use super::engine::{Engine, consumers};
use orderline::metric::{Metric, Statistic, TimeKind};
use orderline::network::{ClassId, Network, Place, StageId};
use orderline::stats::Estimate;
use std::collections::BTreeMap;

/// Observations, kept one by one.
#[derive(Clone, Default)]
pub struct Sample(Vec<f64>);

impl Sample {
    pub fn record(&mut self, x: f64) {
        self.0.push(x);
    }

    fn mean(&self) -> f64 {
        self.0.iter().sum::<f64>() / self.0.len() as f64
    }

    fn mean_square_about(&self, center: f64) -> f64 {
        let squares = self.0.iter().map(|x| (x - center).powi(2));
        squares.sum::<f64>() / self.0.len() as f64
    }

    /// The share of observations up to `x`.
    fn share_up_to(&self, x: f64) -> f64 {
        let below = self.0.iter().filter(|&&y| y <= x).count();
        below as f64 / self.0.len() as f64
    }
}

/// One class at one stage.
#[derive(Clone, Default)]
pub struct Lane {
    pub offered: f64,
    pub rejected: f64,
    pub abandoned: f64,
    pub served: f64,
    pub present: f64,
    /// Those whose service has never begun, wherever they are.
    pub waiting: f64,
    present_area: f64,
    waiting_area: f64,
    last: f64,
    waits: Sample,
    pub service: Sample,
    pub sojourn: Sample,
}

impl Lane {
    pub fn advance(&mut self, now: f64) {
        self.present_area += self.present * (now - self.last);
        self.waiting_area += self.waiting * (now - self.last);
        self.last = now;
    }

    pub fn wait(&mut self, wait: f64) {
        self.waits.record(wait);
    }

    pub fn restart(&mut self, now: f64) {
        *self = Lane {
            present: self.present,
            waiting: self.waiting,
            last: now,
            ..Lane::default()
        };
    }

    /// Both together.
    fn with(mut self, other: &Lane) -> Lane {
        self.offered += other.offered;
        self.rejected += other.rejected;
        self.abandoned += other.abandoned;
        self.served += other.served;
        self.present_area += other.present_area;
        self.waiting_area += other.waiting_area;
        self.waits.0.extend(&other.waits.0);
        self.service.0.extend(&other.service.0);
        self.sojourn.0.extend(&other.sojourn.0);
        self
    }
}

/// A stage's consumers.
#[derive(Clone, Default)]
pub struct Room {
    pub working: f64,
    pub up: f64,
    working_area: f64,
    up_area: f64,
    last: f64,
}

impl Room {
    pub fn advance(&mut self, now: f64) {
        self.working_area += self.working * (now - self.last);
        self.up_area += self.up * (now - self.last);
        self.last = now;
    }

    pub fn restart(&mut self, now: f64) {
        *self = Room {
            working: self.working,
            up: self.up,
            last: now,
            ..Room::default()
        };
    }
}

/// End to end.
#[derive(Clone, Default)]
pub struct Pipeline {
    pub entered: f64,
    pub completed: f64,
    pub present: f64,
    present_area: f64,
    last: f64,
    pub processing: Sample,
    pub latency: Sample,
}

impl Pipeline {
    pub fn advance(&mut self, now: f64) {
        self.present_area += self.present * (now - self.last);
        self.last = now;
    }

    pub fn restart(&mut self, now: f64) {
        *self = Pipeline {
            present: self.present,
            last: now,
            ..Pipeline::default()
        };
    }
}

/// How long and how often to simulate.
#[derive(Clone, Copy)]
pub struct Plan {
    pub replications: u64,
    pub warmup: f64,
    pub end: f64,
}

/// What one replication says of one place.
#[derive(Default)]
struct Seen {
    values: BTreeMap<Metric, f64>,
    times: BTreeMap<TimeKind, Sample>,
    offered: f64,
    waited: f64,
    rejected: f64,
    abandoned: f64,
}

/// What all replications say.
pub struct Study {
    places: BTreeMap<Place, Vec<Seen>>,
}

/// How a predicted figure stands to what was measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Judged {
    Inside,
    Outside,
    /// Too little was seen.
    Thin,
}

impl Study {
    pub fn new(network: &Network, plan: Plan) -> Study {
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
        let one = |replication: u64| {
            let mut engine = Engine::new(network, replication);
            engine.run_until(plan.warmup);
            engine.restart();
            engine.run_until(plan.end);
            seen(network, engine, plan.end - plan.warmup)
        };
        let some = |first: u64| -> Vec<_> {
            (first..plan.replications)
                .step_by(threads as usize)
                .map(one)
                .collect()
        };
        let parts: Vec<_> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads)
                .map(|first| scope.spawn(move || some(first)))
                .collect();
            workers
                .into_iter()
                .flat_map(|w| w.join().expect("no panic"))
                .collect()
        });
        let mut places: BTreeMap<Place, Vec<Seen>> = BTreeMap::new();
        for (place, seen) in parts.into_iter().flatten() {
            places.entry(place).or_default().push(seen);
        }
        Study { places }
    }

    /// What was measured; for a quantile the share of times up to `predicted`.
    pub fn estimate(&self, place: Place, metric: Metric, predicted: f64) -> Option<Estimate> {
        let seen = self.places.get(&place)?;
        let values: Option<Vec<f64>> = match metric {
            Metric::Time(kind, Statistic::Variance) => {
                let samples: Option<Vec<&Sample>> =
                    seen.iter().map(|s| s.times.get(&kind)).collect();
                let samples = samples?;
                let count: usize = samples.iter().map(|s| s.0.len()).sum();
                let total: f64 = samples.iter().flat_map(|s| &s.0).sum();
                let mean = total / count as f64;
                Some(samples.iter().map(|s| s.mean_square_about(mean)).collect())
            }
            Metric::Time(kind, statistic) if statistic.probability().is_some() => {
                let share = |s: &Seen| Some(s.times.get(&kind)?.share_up_to(predicted));
                seen.iter().map(share).collect()
            }
            Metric::Time(kind, Statistic::Mean) => seen
                .iter()
                .map(|s| Some(s.times.get(&kind)?.mean()))
                .collect(),
            _ => seen
                .iter()
                .map(|s| s.values.get(&metric).copied())
                .collect(),
        };
        let values: Vec<f64> = values?.into_iter().filter(|v| v.is_finite()).collect();
        let total = |of: fn(&Seen) -> f64| seen.iter().map(of).sum::<f64>();
        let offered = total(|s| s.offered);
        let observed = |kind: TimeKind| -> f64 {
            seen.iter()
                .filter_map(|s| s.times.get(&kind))
                .map(|s| s.0.len() as f64)
                .sum()
        };
        let waited = total(|s| s.waited);
        let mut estimate = Estimate::of(values);
        estimate.events = match metric {
            Metric::Time(TimeKind::Waiting, Statistic::Variance) => waited / 10.0,
            Metric::Time(kind, Statistic::Variance) => observed(kind) / 10.0,
            Metric::Time(TimeKind::Waiting, Statistic::Mean)
            | Metric::WaitProbability
            | Metric::QueueLength => waited,
            Metric::Time(kind, statistic) => {
                observed(kind) * (1.0 - statistic.probability().unwrap_or(0.0)) / 2.0
            }
            Metric::LossProbability => total(|s| s.rejected),
            Metric::AbandonProbability => total(|s| s.abandoned),
            _ => offered,
        };
        // Orders at the window's edges.
        let each = offered / seen.len() as f64;
        estimate.resolution = 1e-12 + estimate.point.abs() * (1e-9 + 2.0 / each);
        Some(estimate)
    }

    /// Whether a figure may be the true one.
    pub fn judge(&self, place: Place, metric: Metric, value: f64, level: f64) -> Option<Judged> {
        let estimate = self.estimate(place, metric, value)?;
        if estimate.values.len() < 2 {
            return Some(Judged::Thin);
        }
        let probability = match metric {
            Metric::Time(_, statistic) => statistic.probability(),
            _ => None,
        };
        let inside = match probability {
            // The law may jump at the quantile: P(T < q) ≤ p ≤ P(T ≤ q) is what makes it one.
            Some(p) => {
                let slack = 1e-9 * value.abs() + 1e-12;
                let above = self.estimate(place, metric, value + slack)?;
                let below = self.estimate(place, metric, value - slack)?;
                above.interval(level)?.high + above.resolution >= p
                    && below.interval(level)?.low - below.resolution <= p
            }
            None => estimate.agrees_with(value, level)?,
        };
        Some(match inside {
            true => Judged::Inside,
            false if estimate.is_thin() && !estimate.equals(value) => Judged::Thin,
            false => Judged::Outside,
        })
    }
}

fn seen(network: &Network, engine: Engine<'_>, window: f64) -> Vec<(Place, Seen)> {
    let Engine {
        lanes,
        rooms,
        pipeline,
        ..
    } = engine;
    let mut all = vec![(Place::Pipeline, of_pipeline(&lanes, pipeline, window))];
    for (index, classes) in lanes.into_iter().enumerate() {
        let stage = StageId(index);
        let several = classes.len() > 1;
        let together = classes
            .iter()
            .fold(Lane::default(), |sum, lane| sum.with(lane));
        let mut whole = of_lane(together, window);
        if let Some(count) = consumers(&network.stages[index]) {
            let share = |area: f64| area / window / count as f64;
            whole
                .values
                .insert(Metric::Utilization, share(rooms[index].working_area));
            whole
                .values
                .insert(Metric::Availability, share(rooms[index].up_area));
        }
        all.push((Place::Stage(stage), whole));
        let classes = classes.into_iter().enumerate().filter(|_| several);
        all.extend(
            classes
                .map(|(class, lane)| (Place::Class(stage, ClassId(class)), of_lane(lane, window))),
        );
    }
    all
}

fn of_lane(lane: Lane, window: f64) -> Seen {
    let waited = lane.waits.0.iter().filter(|wait| **wait > 0.0).count() as f64;
    let values = [
        (Metric::ArrivalRate, lane.offered / window),
        (Metric::Throughput, lane.served / window),
        (Metric::WaitProbability, waited / lane.waits.0.len() as f64),
        (Metric::LossProbability, lane.rejected / lane.offered),
        (Metric::AbandonProbability, lane.abandoned / lane.offered),
        (Metric::QueueLength, lane.waiting_area / window),
        (Metric::NumberInSystem, lane.present_area / window),
    ];
    Seen {
        values: values.into(),
        offered: lane.offered,
        waited,
        rejected: lane.rejected,
        abandoned: lane.abandoned,
        times: [
            (TimeKind::Waiting, lane.waits),
            (TimeKind::Service, lane.service),
            (TimeKind::Sojourn, lane.sojourn),
        ]
        .into(),
    }
}

fn of_pipeline(lanes: &[Vec<Lane>], pipeline: Pipeline, window: f64) -> Seen {
    let waiting: f64 = lanes.iter().flatten().map(|lane| lane.waiting_area).sum();
    let waits = lanes.iter().flatten().flat_map(|lane| &lane.waits.0);
    let values = [
        (Metric::ArrivalRate, pipeline.entered / window),
        (Metric::Throughput, pipeline.completed / window),
        (Metric::QueueLength, waiting / window),
        (Metric::NumberInSystem, pipeline.present_area / window),
        (Metric::ProcessingTime, pipeline.processing.mean()),
    ];
    Seen {
        values: values.into(),
        times: [(TimeKind::Latency, pipeline.latency)].into(),
        offered: pipeline.entered,
        waited: waits.filter(|wait| **wait > 0.0).count() as f64,
        rejected: 0.0,
        abandoned: 0.0,
    }
}
