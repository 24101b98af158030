//! From what one replication counted to its figures.

use super::beyond::{self, Figures, Happens};
use super::happened::{Happened, Happenings, Shelf, Staff};
use super::lane::{Lane, PipelineLane, Times};
use super::replication::Replication;
use crate::metric::{Metric, Statistic, TimeKind};
use crate::network::{ClassId, Commitment, Consumers, Network, Place, StageId};
use crate::stats::{Estimate, slope};
use std::collections::BTreeMap;

/// A number in system that keeps growing.
#[derive(Debug, Clone, PartialEq)]
pub struct Growth {
    /// Orders per second.
    pub rate: Estimate,
}

/// The figures of one place in one replication.
pub(super) struct PlaceFigures {
    pub place: Place,
    /// Figures that exist; one that is undefined (a mean of nothing) is NaN.
    pub figures: Figures,
    pub times: Vec<(TimeKind, Times)>,
    /// Number in system over the slices after the warm-up.
    pub path: Vec<f64>,
    /// What the figures rest on.
    pub events: Events,
}

/// How often the things happened that rare figures rest on.
#[derive(Debug, Clone, Default)]
pub(super) struct Events {
    /// Orders that came.
    pub offered: u64,
    /// Orders that had to wait.
    pub waited: u64,
    /// Of the figures that are shares of something: how often it happened.
    pub of: BTreeMap<Metric, u64>,
}

impl Events {
    pub(super) fn add(&mut self, other: &Events) {
        self.offered += other.offered;
        self.waited += other.waited;
        for (metric, count) in &other.of {
            *self.of.entry(*metric).or_default() += count;
        }
    }
}

/// What the engine for everything counted at a stage, or of one class there.
#[derive(Clone, Copy)]
struct Seen<'a> {
    lanes: &'a [Happenings],
    staff: &'a Staff,
    shelf: &'a Shelf,
}

impl<'a> Seen<'a> {
    fn at(happened: &'a Happened, stage: usize, classes: usize) -> Seen<'a> {
        Seen {
            lanes: &happened.lanes[stage * classes..][..classes],
            staff: &happened.staff[stage],
            shelf: &happened.shelves[stage],
        }
    }
}

/// How far a replication's accounts are off, as a share: at every lane ∫N dt must equal the stays of
/// those who left, less what they had stayed before the warm-up ended, plus the stays so far of those
/// still there. This is Little's law with its two edges, and holds to rounding for any run.
pub(super) fn imbalance<O>(replication: &Replication<O>) -> f64 {
    let (before, after) = &replication.ages;
    let lanes = replication
        .counted
        .lanes
        .iter()
        .zip(before.iter().zip(after));
    let shares = lanes.map(|(lane, (before, after))| {
        let stays = lane.sojourn.tally.total() - before + after;
        let area = lane.occupancy.present_area();
        (area - stays).abs() / (area + before).max(f64::MIN_POSITIVE)
    });
    shares.filter(|share| share.is_finite()).fold(0.0, f64::max)
}

/// Which figures are of interest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// Those that say anything about such a pipeline in simulation.
    OfTheScenario,
    /// With those that a real broker gives to any pipeline: time on the way to it and back, messages
    /// delivered again, or never.
    Live,
}

impl Shown {
    fn has(self, network: &Network, place: Place, metric: Metric) -> bool {
        let by_broker = [
            Metric::NetworkTime,
            Metric::EnqueueTime,
            Metric::DequeueTime,
            Metric::RedeliveryRate,
            Metric::DuplicateRate,
            Metric::MessageLossRate,
            Metric::CompletionProbability,
        ];
        let live = by_broker.contains(&metric) || Metric::PARTS.contains(&metric);
        network.lacks(place, metric).is_none() || self == Shown::Live && live
    }
}

/// The figures of every place in one replication that started to count at `warmup`.
pub(super) fn figures<O>(
    network: &Network,
    shown: Shown,
    warmup: f64,
    replication: Replication<O>,
) -> Vec<PlaceFigures> {
    let window = replication.end - warmup;
    let counted = replication.counted;
    let first = (warmup / replication.timeline.width).ceil() as usize;
    let path = |place: usize| {
        let mut path = replication.timeline.present(place);
        path.drain(..first.min(path.len()));
        path
    };
    let growth = |path: &[f64]| {
        (
            Metric::BacklogGrowth,
            slope(path, replication.timeline.width),
        )
    };
    let happened = counted.happened.as_ref();
    let classes = network.classes.len();
    let pipeline = pipeline_figures(counted.pipeline, &counted.lanes, happened, window);
    let mut places = vec![PlaceFigures {
        path: path(0),
        ..pipeline
    }];
    for (index, lanes) in counted.lanes.chunks(classes).enumerate() {
        let stage = StageId(index);
        let seen = happened.map(|happened| Seen::at(happened, index, classes));
        places.push(PlaceFigures {
            path: path(index + 1),
            ..stage_figures(network, stage, lanes, seen, window)
        });
        places.extend(class_figures(stage, lanes, seen, window));
    }
    for place in &mut places {
        if !place.path.is_empty() {
            place.figures.push(growth(&place.path));
        }
        let has = |metric| shown.has(network, place.place, metric);
        place.figures.retain(|(metric, _)| has(*metric));
    }
    places
}

fn stage_figures(
    network: &Network,
    id: StageId,
    lanes: &[Lane<Times>],
    seen: Option<Seen<'_>>,
    window: f64,
) -> PlaceFigures {
    let stage = &network.stages[id.0];
    let totals = Totals::of(lanes.iter());
    let messages = seen.map(|seen| beyond::sum(seen.lanes));
    let mut figures = totals.figures(messages.as_ref(), window);
    let mut events = totals.events(messages.as_ref());
    if let (Some(seen), Some(messages)) = (seen, &messages) {
        let shelf = beyond::of_shelf(seen.shelf, window);
        take(&mut figures, &mut events, shelf);
        take(
            &mut figures,
            &mut events,
            beyond::of_messages(messages, totals.offered),
        );
        figures.extend(beyond::of_staff(seen.staff, window));
    } else if let Consumers::Finite(consumers) = stage.consumers {
        let busy = (totals.present_area - totals.waiting_area) / window;
        figures.push((Metric::Utilization, busy / f64::from(consumers)));
    }
    // What is committed to a consumer takes no place in the queue, but waits.
    let counts = stage.extras.broker.commitment == Commitment::OnDemand;
    if let Some(places) = stage.capacity.places().filter(|_| counts) {
        let fill = totals.waiting_area / window / places as f64;
        figures.push((Metric::QueueFill, fill));
    }
    PlaceFigures {
        place: Place::Stage(id),
        figures,
        events,
        times: totals.times(),
        path: Vec::new(),
    }
}

fn take(figures: &mut Figures, events: &mut Events, more: (Figures, Happens)) {
    figures.extend(more.0);
    events.of.extend(more.1);
}

/// Figures class by class, where several classes come.
fn class_figures<'a>(
    id: StageId,
    lanes: &'a [Lane<Times>],
    seen: Option<Seen<'a>>,
    window: f64,
) -> impl Iterator<Item = PlaceFigures> + 'a {
    let several = lanes.len() > 1;
    lanes
        .iter()
        .enumerate()
        .filter(move |_| several)
        .map(move |(class, lane)| {
            let totals = Totals::of(std::iter::once(lane));
            let messages = seen.map(|seen| &seen.lanes[class]);
            let mut figures = totals.figures(messages, window);
            let mut events = totals.events(messages);
            if let Some(messages) = messages {
                let more = beyond::of_messages(messages, totals.offered);
                take(&mut figures, &mut events, more);
            }
            // Classes have no timeline: their growth is taken from its two ends.
            let grown = lane.occupancy.present() as f64 - lane.present_at_start as f64;
            figures.push((Metric::BacklogGrowth, grown / window));
            PlaceFigures {
                place: Place::Class(id, ClassId(class)),
                figures,
                events,
                times: totals.times(),
                path: Vec::new(),
            }
        })
}

fn pipeline_figures(
    p: PipelineLane<Times>,
    lanes: &[Lane<Times>],
    happened: Option<&Happened>,
    window: f64,
) -> PlaceFigures {
    let waiting_area: f64 = lanes.iter().map(|lane| lane.occupancy.waiting_area()).sum();
    let let_in = (p.entered - p.rejected_at_entry) as f64;
    let number = p.occupancy.present_area() / window;
    let waiting = waiting_area / window;
    let little_queue = match happened {
        None => residual(waiting, let_in / window, p.time_waiting.mean()),
        // Copies and duplicates wait as well, and are no orders.
        Some(_) => {
            let waited = lanes.iter().map(|lane| lane.waiting.tally.total());
            residual(waiting, 1.0 / window, waited.sum())
        }
    };
    let mut figures = vec![
        (Metric::ArrivalRate, p.entered as f64 / window),
        (Metric::Throughput, p.completed as f64 / window),
        (Metric::ByteThroughput, p.completed_bytes / window),
        (Metric::QueueLength, waiting),
        (Metric::NumberInSystem, number),
        (
            Metric::LittleResidual,
            residual(number, let_in / window, p.time_in_pipeline.mean()),
        ),
        (Metric::LittleResidualQueue, little_queue),
    ];
    match happened {
        None => figures.push((Metric::ProcessingTime, p.processing.mean())),
        Some(happened) => {
            let completed = p.completed as f64 / p.left as f64;
            figures.push((Metric::CompletionProbability, completed));
            figures.extend(beyond::of_parts(&happened.parts));
        }
    }
    figures.extend(time_figures(TimeKind::Latency, &p.latency));
    let times = vec![(TimeKind::Latency, p.latency)];
    let messages = happened.map(|happened| beyond::sum(&happened.lanes));
    let mut events = Totals::of(lanes.iter()).events(messages.as_ref());
    events.offered = p.entered;
    if let Some(messages) = messages {
        let otherwise = p.left - p.completed;
        events.of.extend([
            (Metric::CompletionProbability, otherwise.min(p.completed)),
            (Metric::RetryTime, messages.failed),
        ]);
    }
    PlaceFigures {
        place: Place::Pipeline,
        figures,
        times,
        path: Vec::new(),
        events,
    }
}

/// L/(λW) − 1; NaN where nobody spends any time.
fn residual(number: f64, rate: f64, time: f64) -> f64 {
    if time > 0.0 {
        number / (rate * time) - 1.0
    } else {
        f64::NAN
    }
}

/// The sum over some lanes of a stage.
struct Totals {
    offered: u64,
    rejected: u64,
    departed: u64,
    bytes: f64,
    present_area: f64,
    waiting_area: f64,
    waiting: Times,
    service: Times,
    sojourn: Times,
}

impl Totals {
    fn of<'a>(mut lanes: impl Iterator<Item = &'a Lane<Times>>) -> Totals {
        let first = lanes.next().expect("a stage has at least one lane");
        let mut totals = Totals {
            offered: first.offered,
            rejected: first.rejected,
            departed: first.departed,
            bytes: first.departed_bytes,
            present_area: first.occupancy.present_area(),
            waiting_area: first.occupancy.waiting_area(),
            waiting: first.waiting.clone(),
            service: first.service.clone(),
            sojourn: first.sojourn.clone(),
        };
        lanes.for_each(|lane| totals.add(lane));
        totals
    }

    fn add(&mut self, lane: &Lane<Times>) {
        self.offered += lane.offered;
        self.rejected += lane.rejected;
        self.departed += lane.departed;
        self.bytes += lane.departed_bytes;
        self.present_area += lane.occupancy.present_area();
        self.waiting_area += lane.occupancy.waiting_area();
        self.waiting.merge(&lane.waiting);
        self.service.merge(&lane.service);
        self.sojourn.merge(&lane.sojourn);
    }

    fn figures(&self, messages: Option<&Happenings>, window: f64) -> Figures {
        // Copies and duplicates come into the queue without being offered.
        let accepted =
            messages.map_or_else(|| self.offered - self.rejected, |m| m.joined) as f64 / window;
        let (number, queue) = (self.present_area / window, self.waiting_area / window);
        let waits = self.waiting.histogram.total() as f64;
        let waited = self.waited(messages) as f64 / waits;
        // Several attempts at a message are one visit.
        let work = &self.service.tally;
        let processing = messages.map_or(work.mean(), |messages| {
            work.total() / (self.waiting.tally.count() - messages.unserved) as f64
        });
        let loss = self.rejected as f64 / self.offered as f64;
        let mut figures = vec![
            (Metric::ArrivalRate, self.offered as f64 / window),
            (Metric::Throughput, self.departed as f64 / window),
            (Metric::ByteThroughput, self.bytes / window),
            (Metric::WaitProbability, waited),
            (Metric::LossProbability, loss),
            (Metric::QueueLength, queue),
            (Metric::NumberInSystem, number),
            (Metric::ProcessingTime, processing),
            (
                Metric::LittleResidual,
                residual(number, accepted, self.sojourn.tally.mean()),
            ),
            (
                Metric::LittleResidualQueue,
                residual(queue, accepted, self.waiting.tally.mean()),
            ),
        ];
        figures.extend(time_figures(TimeKind::Waiting, &self.waiting));
        figures.extend(time_figures(TimeKind::Service, &self.service));
        figures.extend(time_figures(TimeKind::Sojourn, &self.sojourn));
        figures
    }

    /// Messages that had to wait for a consumer: being handed over to one that is free is no such wait.
    fn waited(&self, messages: Option<&Happenings>) -> u64 {
        let waits = &self.waiting.histogram;
        waits.total() - waits.zeros() - messages.map_or(0, |m| m.only_handed_over)
    }

    fn events(&self, messages: Option<&Happenings>) -> Events {
        Events {
            offered: self.offered,
            waited: self.waited(messages),
            of: BTreeMap::from([(Metric::LossProbability, self.rejected)]),
        }
    }

    fn times(self) -> Vec<(TimeKind, Times)> {
        vec![
            (TimeKind::Waiting, self.waiting),
            (TimeKind::Service, self.service),
            (TimeKind::Sojourn, self.sojourn),
        ]
    }
}

/// Mean and quantiles of one replication. Variances and maxima need all replications at hand.
fn time_figures(kind: TimeKind, times: &Times) -> impl Iterator<Item = (Metric, f64)> {
    Statistic::ALL.into_iter().filter_map(move |statistic| {
        let value = match statistic {
            Statistic::Mean => times.tally.mean(),
            Statistic::Variance | Statistic::Max => return None,
            quantile => times.histogram.quantile(quantile.probability()?),
        };
        Some((Metric::Time(kind, statistic), value))
    })
}
