//! Every measured figure beside its prediction.

use super::verdict::{Verdict, corrected_level};
use crate::metric::{Metric, Statistic, TimeKind};
use crate::network::{Network, Place};
use crate::sim::{PlaceResult, SimResult};
use crate::stats::Estimate;
use crate::theory::{Figure, Kind, NetworkTheory};
use std::collections::BTreeSet;

/// One figure, measured and predicted.
#[derive(Debug, Clone)]
pub struct Line {
    /// Where it is taken.
    pub place: Place,
    /// What it is.
    pub metric: Metric,
    /// The measurement; none when nothing was measured or an average would mean nothing.
    pub measured: Option<Estimate>,
    /// The prediction.
    pub theory: Option<Figure>,
    /// The judgement.
    pub verdict: Verdict,
    /// Why there is no prediction; empty when there is one.
    pub why_not: String,
}

impl Line {
    /// Measured over predicted, minus 1; the plain difference where the prediction is 0.
    pub fn difference(&self) -> Option<f64> {
        let (measured, theory) = (self.measured.as_ref()?.point, self.theory?.value);
        Some(if theory == 0.0 {
            measured
        } else {
            measured / theory - 1.0
        })
    }
}

/// All figures of a scenario, measured (if it was simulated) and predicted.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// Place by place (pipeline, then each stage and its classes), metric by metric.
    pub lines: Vec<Line>,
    /// Confidence level of the intervals that are shown.
    pub confidence: f64,
    /// Level at which verdicts are given, corrected for the number of exact figures.
    pub verdict_level: f64,
    /// How many figures were held against an exact formula.
    pub judged: usize,
    /// Places whose backlog keeps growing.
    pub growing: Vec<Place>,
}

impl Comparison {
    /// Sets the measurements beside the theory.
    pub fn new(network: &Network, theory: &NetworkTheory, sim: Option<&SimResult>) -> Comparison {
        let growing = growing_places(network, theory, sim);
        let mut lines = lines(theory, sim, &growing);
        let exact = |line: &&Line| line.theory.is_some_and(|f| f.kind == Kind::Exact);
        let with_interval = |line: &&Line| {
            let measured = line.measured.as_ref();
            measured.is_some_and(|m| m.interval(network.run.confidence).is_some())
        };
        let judged = lines.iter().filter(exact).filter(with_interval).count();
        let verdict_level = corrected_level(network.run.confidence, judged);
        for line in &mut lines {
            if line.verdict != Verdict::NoSteadyState {
                line.verdict =
                    Verdict::of(line.measured.as_ref(), line.theory.as_ref(), verdict_level);
            }
        }
        let confidence = network.run.confidence;
        Comparison {
            lines,
            confidence,
            verdict_level,
            judged,
            growing,
        }
    }

    /// The line of a figure.
    pub fn line(&self, place: Place, metric: Metric) -> Option<&Line> {
        self.lines
            .iter()
            .find(|line| line.place == place && line.metric == metric)
    }

    /// How many lines have this verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.lines
            .iter()
            .filter(|line| line.verdict == verdict)
            .count()
    }

    /// The places, in the order of the lines.
    pub fn places(&self) -> Vec<Place> {
        let mut places: Vec<Place> = self.lines.iter().map(|line| line.place).collect();
        places.dedup();
        places
    }
}

/// Places without a steady state: measured so, or by theory. Where a stage has none, the pipeline
/// has none.
fn growing_places(
    network: &Network,
    theory: &NetworkTheory,
    sim: Option<&SimResult>,
) -> Vec<Place> {
    let grows = |place: Place| {
        let measured = sim
            .and_then(|sim| sim.at(place))
            .is_some_and(|r| r.growth.is_some());
        measured || theory.unstable(place)
    };
    let stages = (0..network.stages.len()).map(|i| Place::Stage(crate::network::StageId(i)));
    std::iter::once(Place::Pipeline)
        .chain(stages)
        .filter(|place| grows(*place))
        .collect()
}

fn lines(theory: &NetworkTheory, sim: Option<&SimResult>, growing: &[Place]) -> Vec<Line> {
    let mut lines = Vec::new();
    for place in places(theory, sim) {
        let measured = sim.and_then(|sim| sim.at(place));
        let unsteady = growing.contains(&stage_of(place));
        for metric in metrics(place, measured, theory) {
            lines.push(line(place, metric, measured, theory, unsteady));
        }
    }
    lines
}

/// A class grows with its stage.
fn stage_of(place: Place) -> Place {
    match place {
        Place::Class(stage, _) => Place::Stage(stage),
        other => other,
    }
}

fn places(theory: &NetworkTheory, sim: Option<&SimResult>) -> Vec<Place> {
    match sim {
        Some(sim) => sim.places.iter().map(|result| result.place).collect(),
        None => theory.places(),
    }
}

fn metrics(
    place: Place,
    measured: Option<&PlaceResult>,
    theory: &NetworkTheory,
) -> BTreeSet<Metric> {
    let measured = measured
        .into_iter()
        .flat_map(|result| result.estimates.keys().copied());
    let predicted = Metric::all().filter(|metric| theory.figure(place, *metric).is_some());
    measured.chain(predicted).collect()
}

fn line(
    place: Place,
    metric: Metric,
    measured: Option<&PlaceResult>,
    theory: &NetworkTheory,
    unsteady: bool,
) -> Line {
    let withheld = unsteady && measured.is_some() && needs_steady_state(metric);
    let figure = theory.figure(place, metric).copied();
    Line {
        place,
        metric,
        measured: measured
            .filter(|_| !withheld)
            .and_then(|r| r.estimates.get(&metric))
            .cloned(),
        theory: figure,
        verdict: if withheld {
            Verdict::NoSteadyState
        } else {
            Verdict::NotMeasured
        },
        why_not: match figure {
            Some(_) => String::new(),
            None => theory.why_not(place, metric),
        },
    }
}

/// Whether the figure is an average or a quantile that a growing backlog robs of its meaning.
fn needs_steady_state(metric: Metric) -> bool {
    match metric {
        Metric::QueueFill
        | Metric::WaitProbability
        | Metric::QueueLength
        | Metric::NumberInSystem
        | Metric::LittleResidual
        | Metric::LittleResidualQueue => true,
        Metric::Time(TimeKind::Service, _) => false,
        Metric::Time(_, statistic) => statistic != Statistic::Max,
        _ => false,
    }
}
