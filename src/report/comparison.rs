//! Every measured figure beside its prediction.

use super::state::{State, States};
use super::verdict::{Verdict, corrected_level};
use crate::metric::{Metric, Statistic, TimeKind};
use crate::network::{Network, Place};
use crate::sim::{PlaceResult, SimResult};
use crate::stats::{Estimate, Interval};
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
    /// Why there is no prediction, or no verdict; else empty.
    pub why_not: String,
}

impl Line {
    /// The interval at `level`. What cannot be negative has no negative end.
    pub fn interval(&self, level: f64) -> Option<Interval> {
        let interval = self.measured.as_ref()?.interval(level)?;
        let low = if self.metric.is_signed() {
            interval.low
        } else {
            interval.low.max(0.0)
        };
        Some(Interval { low, ..interval })
    }

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
    states: States,
}

impl Comparison {
    /// Sets the measurements beside the theory.
    pub fn new(network: &Network, theory: &NetworkTheory, sim: Option<&SimResult>) -> Comparison {
        let states = States::new(network, theory, sim);
        let mut lines = lines(theory, sim, &states);
        let judged = lines.iter().filter(|line| can_be_judged(line)).count();
        let confidence = network.run.confidence;
        let verdict_level = corrected_level(confidence, judged);
        lines
            .iter_mut()
            .for_each(|line| judge(line, &states, verdict_level));
        Comparison {
            lines,
            confidence,
            verdict_level,
            judged,
            states,
        }
    }

    /// Places whose backlog keeps growing.
    pub fn growing(&self) -> impl Iterator<Item = Place> {
        self.states
            .all()
            .filter(|(_, state)| **state == State::Growing)
            .map(|(place, _)| place)
    }

    /// Stages whose run was too short for a verdict, and why.
    pub fn too_short(&self) -> impl Iterator<Item = (Place, &str)> {
        self.states
            .all()
            .filter_map(|(place, state)| match (place, state) {
                (Place::Stage(_), State::TooShort(why)) => Some((place, why.as_str())),
                _ => None,
            })
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

/// Whether the line's figure will be held against its formula.
fn can_be_judged(line: &Line) -> bool {
    let exact = line.theory.filter(|figure| figure.kind == Kind::Exact);
    match (&line.measured, exact) {
        (Some(measured), Some(exact)) if line.verdict != Verdict::Undecided => {
            measured.values.len() > 1 && (!measured.is_thin() || measured.equals(exact.value))
        }
        _ => false,
    }
}

fn judge(line: &mut Line, states: &States, level: f64) {
    if matches!(line.verdict, Verdict::NoSteadyState | Verdict::Undecided) {
        return;
    }
    line.verdict = Verdict::of(line.measured.as_ref(), line.theory.as_ref(), level);
    if line.verdict == Verdict::Undecided {
        line.why_not = match states.of(line.place) {
            State::TooShort(why) => why.clone(),
            _ => "too little was seen: it rests on fewer than ten orders a replication".to_owned(),
        };
    }
}

fn lines(theory: &NetworkTheory, sim: Option<&SimResult>, states: &States) -> Vec<Line> {
    let mut lines = Vec::new();
    for place in places(theory, sim) {
        let measured = sim.and_then(|sim| sim.at(place));
        for metric in metrics(place, measured, theory) {
            lines.push(line(place, metric, measured, theory, states.of(place)));
        }
    }
    lines
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
    state: &State,
) -> Line {
    let figure = theory.figure(place, metric).copied();
    let mut line = Line {
        place,
        metric,
        measured: measured.and_then(|r| r.estimates.get(&metric)).cloned(),
        theory: figure,
        verdict: Verdict::NotMeasured,
        why_not: match figure {
            Some(_) => String::new(),
            None => theory.why_not(place, metric),
        },
    };
    if line.measured.is_none() {
        return line;
    }
    let exact = figure.is_some_and(|figure| figure.kind == Kind::Exact);
    if exact && theory.wild(place, metric) {
        line.verdict = Verdict::Undecided;
        line.why_not = "its estimate has no finite variance, so no interval holds".to_owned();
        return line;
    }
    match state {
        State::Growing if needs_steady_state(metric) => {
            line.measured = None;
            line.verdict = Verdict::NoSteadyState;
        }
        State::TooShort(why) if exact && !is_input(metric) => {
            line.verdict = Verdict::Undecided;
            line.why_not.clone_from(why);
        }
        State::Varying(why) if exact && !is_input(metric) => {
            line.verdict = Verdict::Undecided;
            line.why_not = (*why).to_owned();
        }
        _ => {}
    }
    line
}

/// Whether the figure is put in from outside, so that it does not take time to settle.
fn is_input(metric: Metric) -> bool {
    matches!(
        metric,
        Metric::ArrivalRate | Metric::Time(TimeKind::Service, _)
    )
}

/// Whether the figure is an average or a quantile that a growing backlog robs of its meaning.
fn needs_steady_state(metric: Metric) -> bool {
    match metric {
        Metric::QueueFill
        | Metric::WaitProbability
        | Metric::QueueLength
        | Metric::QueueingTime
        | Metric::NumberInSystem
        | Metric::LittleResidual
        | Metric::LittleResidualQueue => true,
        Metric::Time(TimeKind::Service, _) => false,
        Metric::Time(_, statistic) => statistic != Statistic::Max,
        _ => false,
    }
}
