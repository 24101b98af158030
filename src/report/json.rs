//! The JSON document of `--json`.

use super::comparison::{Comparison, Line};
use super::live::{LiveReport, LiveSection};
use super::run_report::RunReport;
use super::slo::SloJudgement;
use super::verdict::Verdict;
use crate::network::{Network, Place, SloBound, StageId};
use crate::sim::{Outcome, SimResult};
use crate::theory::{Alternative, Figure, Figures, Moment, Transient};
use serde::Serialize;
use std::collections::BTreeMap;

/// The whole document.
#[derive(Debug, Serialize)]
pub struct Document {
    orderline: &'static str,
    scenario: Scenario,
    run: Option<Run>,
    pipeline: Pipeline,
    stages: Vec<Stage>,
    slos: Vec<Slo>,
    warnings: Vec<String>,
    /// What a live run has besides.
    #[serde(skip_serializing_if = "Option::is_none")]
    live: Option<LiveSection>,
}

#[derive(Debug, Serialize)]
struct Scenario {
    name: String,
    file: String,
    sha256: String,
    set: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Run {
    engine: String,
    seed: u64,
    replications: u64,
    warmup: f64,
    warmup_rule: &'static str,
    measured: f64,
    confidence: f64,
    verdict_level: f64,
    judged: usize,
    entered: u64,
    partial: bool,
}

#[derive(Debug, Serialize)]
struct Pipeline {
    metrics: Metrics,
    outcomes: BTreeMap<String, u64>,
    /// What became of messages, where they are not just the orders.
    #[serde(skip_serializing_if = "Option::is_none")]
    messages: Option<BTreeMap<String, u64>>,
}

#[derive(Debug, Serialize)]
struct Stage {
    name: String,
    model: String,
    metrics: Metrics,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    classes: BTreeMap<String, Class>,
    /// What other methods give: method, then metric.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    alternatives: BTreeMap<&'static str, BTreeMap<String, Theory>>,
    /// What is expected over time, where the load varies.
    #[serde(skip_serializing_if = "Option::is_none")]
    transient: Option<OverTime>,
}

#[derive(Debug, Serialize)]
struct OverTime {
    kind: String,
    formula: &'static str,
    reference: &'static str,
    /// Seconds after which all comes again; null for a run from an empty system.
    period: Option<f64>,
    peak: Option<Instant>,
    /// When the queue is first down to one percent of its peak.
    drained_at: Option<f64>,
    fluid: Option<FluidBacklog>,
    curve: Vec<Instant>,
}

#[derive(Debug, Serialize)]
struct Instant {
    time: f64,
    arrival_rate: f64,
    number_in_system: f64,
    queue_length: f64,
}

#[derive(Debug, Serialize)]
struct FluidBacklog {
    peak_at: f64,
    peak: f64,
    empty_at: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Class {
    metrics: Metrics,
}

type Metrics = BTreeMap<String, MetricValue>;

#[derive(Debug, Serialize)]
struct MetricValue {
    unit: &'static str,
    measured: Option<Measured>,
    theory: Option<Theory>,
    difference: Option<f64>,
    verdict: Verdict,
    #[serde(skip_serializing_if = "String::is_empty")]
    reason: String,
}

#[derive(Debug, Serialize)]
struct Measured {
    mean: f64,
    low: Option<f64>,
    high: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Theory {
    value: f64,
    kind: String,
    formula: &'static str,
    reference: &'static str,
}

#[derive(Debug, Serialize)]
struct Slo {
    at: String,
    metric: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    below: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    above: Option<f64>,
    measured: Option<Measured>,
    verdict: &'static str,
}

impl Document {
    /// The document of a finished run, or of theory alone where nothing was simulated.
    pub fn new(report: &RunReport) -> Document {
        let network = &report.network;
        let scenario = Scenario {
            name: network.name.clone(),
            file: report.scenario.file.clone(),
            sha256: report.scenario.sha256.clone(),
            set: report.scenario.set.clone(),
        };
        let stages = (0..network.stages.len()).map(|i| stage(report, StageId(i)));
        Document {
            orderline: env!("CARGO_PKG_VERSION"),
            scenario,
            run: report
                .sim
                .as_ref()
                .map(|sim| run(network, sim, &report.comparison)),
            pipeline: Pipeline {
                metrics: metrics(&report.comparison, Place::Pipeline),
                outcomes: report.sim.as_ref().map(outcomes).unwrap_or_default(),
                messages: report.sim.as_ref().and_then(messages),
            },
            stages: stages.collect(),
            slos: report
                .slos
                .iter()
                .map(|slo| slo_value(network, slo))
                .collect(),
            warnings: report.warnings.iter().map(ToString::to_string).collect(),
            live: None,
        }
    }

    /// The document of a live run.
    pub fn of_live(report: &LiveReport) -> Document {
        Document {
            live: Some(LiveSection::new(report)),
            ..Document::new(&report.report)
        }
    }
}

fn run(network: &Network, sim: &SimResult, comparison: &Comparison) -> Run {
    Run {
        engine: sim.engine.to_string(),
        seed: network.seed,
        replications: sim.replications,
        warmup: sim.start.warmup,
        warmup_rule: sim.start.rule.name(),
        measured: sim.measured,
        confidence: comparison.confidence,
        verdict_level: comparison.verdict_level,
        judged: comparison.judged,
        entered: sim.entered,
        partial: sim.partial,
    }
}

/// Orders by outcome.
pub(super) fn outcomes(sim: &SimResult) -> BTreeMap<String, u64> {
    Outcome::ALL
        .iter()
        .map(|o| (o.to_string(), sim.outcomes.of(*o)))
        .collect()
}

/// Messages by what became of them.
pub(super) fn messages(sim: &SimResult) -> Option<BTreeMap<String, u64>> {
    let named = sim.messages?.named().into_iter();
    Some(named.map(|(name, n)| (name.to_owned(), n)).collect())
}

fn stage(report: &RunReport, id: StageId) -> Stage {
    let places = report.comparison.places();
    let classes = places.into_iter().filter_map(|place| match place {
        Place::Class(stage, class) if stage == id => {
            let name = report.network.classes[class.0].name.clone();
            Some((
                name,
                Class {
                    metrics: metrics(&report.comparison, place),
                },
            ))
        }
        _ => None,
    });
    Stage {
        name: report.network.stages[id.0].name.clone(),
        model: report.theory.model(id).to_owned(),
        metrics: metrics(&report.comparison, Place::Stage(id)),
        classes: classes.collect(),
        alternatives: alternatives(report.theory.alternatives(id)),
        transient: report.theory.transient(id).map(over_time),
    }
}

fn over_time(transient: &Transient) -> OverTime {
    OverTime {
        kind: transient.kind.to_string(),
        formula: transient.formula,
        reference: transient.reference,
        period: transient.period,
        peak: transient.peak().map(instant),
        drained_at: transient.drained_at(),
        fluid: transient.fluid.map(|fluid| FluidBacklog {
            peak_at: fluid.at,
            peak: fluid.orders,
            empty_at: fluid.empty_at,
        }),
        curve: transient.profile.moments().iter().map(instant).collect(),
    }
}

fn instant(moment: &Moment) -> Instant {
    Instant {
        time: moment.at,
        arrival_rate: moment.rate,
        number_in_system: moment.number,
        queue_length: moment.waiting,
    }
}

fn alternatives(given: &[Alternative]) -> BTreeMap<&'static str, BTreeMap<String, Theory>> {
    let figures = |figures: &Figures| {
        let named = figures.iter();
        named
            .map(|(metric, figure)| (metric.to_string(), theory(figure)))
            .collect()
    };
    given
        .iter()
        .map(|one| (one.method, figures(&one.figures)))
        .collect()
}

fn metrics(comparison: &Comparison, place: Place) -> Metrics {
    let here = comparison.lines.iter().filter(|line| line.place == place);
    here.map(|line| (line.metric.to_string(), value(line, comparison.confidence)))
        .collect()
}

fn value(line: &Line, confidence: f64) -> MetricValue {
    let measured = line.measured.as_ref().map(|estimate| {
        let interval = line.interval(confidence);
        Measured {
            mean: estimate.point,
            low: interval.map(|i| i.low),
            high: interval.map(|i| i.high),
        }
    });
    MetricValue {
        unit: line.metric.unit().symbol(),
        measured,
        theory: line.theory.as_ref().map(theory),
        difference: line.difference(),
        verdict: line.verdict,
        reason: line.why_not.clone(),
    }
}

fn theory(figure: &Figure) -> Theory {
    Theory {
        value: figure.value,
        kind: figure.kind.to_string(),
        formula: figure.formula,
        reference: figure.reference,
    }
}

fn slo_value(network: &Network, judgement: &SloJudgement) -> Slo {
    let (below, above) = match judgement.slo.bound {
        SloBound::Below(limit) => (Some(limit), None),
        SloBound::Above(limit) => (None, Some(limit)),
    };
    Slo {
        at: network.place_name(judgement.slo.at),
        metric: judgement.slo.metric.to_string(),
        below,
        above,
        measured: judgement.measured.map(|mean| Measured {
            mean,
            low: judgement.interval.map(|i| i.low),
            high: judgement.interval.map(|i| i.high),
        }),
        verdict: judgement.state.name(),
    }
}
