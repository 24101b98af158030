//! The theory of a whole network: [`analyze`] and what it returns.

use super::closed;
use super::flow::Flows;
use super::recognize::stage_models;
use super::reduction::{self, Reduction};
use super::regime::Regime;
use super::tails::Tails;
use super::traffic::Traffic;
use super::{
    Alternative, Curve, Figure, Figures, Model, PipelineTheory, Reason, StageTheory, Transient,
};
use crate::metric::{Metric, Statistic, TimeKind};
use crate::network::{
    Capacity, Consumers, Discipline, Network, Outages, Patience, Place, Reliability, Stage, StageId,
};

/// What theory knows of a network.
#[derive(Debug, Clone)]
pub struct NetworkTheory {
    /// By stage, in the order of [`Network::stages`].
    pub stages: Vec<StageTheory>,
    /// End to end.
    pub pipeline: PipelineTheory,
    /// The stages' own settings, for [`NetworkTheory::why_not`].
    settings: Vec<Stage>,
    /// By stage: its own regime, and that of each class.
    regimes: Vec<(Regime, Vec<Regime>)>,
    /// By stage that orders come to.
    tails: Vec<Tails>,
}

/// A model of a whole network and how to know a network that it fits: its theory, or that it is none of
/// its cases, or why not quite.
#[derive(Clone, Copy)]
pub(super) struct Candidate {
    pub model: &'static Model,
    pub fit: fn(&Network) -> Result<Option<NetworkTheory>, Reason>,
}

/// Models that tie stages together, the most specific first; what none of them fits is taken stage by
/// stage.
const WHOLE: &[Candidate] = &closed::CANDIDATES;

/// The catalogue: models of whole networks, then those of single stages, the most specific first, then what
/// is told in the words of these.
pub fn models() -> impl Iterator<Item = &'static Model> {
    let whole = WHOLE.iter().map(|candidate| candidate.model);
    whole.chain(stage_models()).chain(reduction::models())
}

/// Finds for every stage and for the pipeline what formulas can say of it.
///
/// Pure and deterministic: the same network gives the same figures.
pub fn analyze(network: &Network) -> NetworkTheory {
    if let Some(reason) = reduction::changes(network) {
        return NetworkTheory::blank(network, &reason);
    }
    match Reduction::of(network) {
        None => reduced(network),
        Some(reduction) => match reduction.missing().first() {
            // Where orders come back for ever everything depends on everything.
            Some(reason) if !network.populations.is_empty() => {
                NetworkTheory::blank(network, reason)
            }
            _ => reduction.read(reduced(&reduction.network), network),
        },
    }
}

/// The theory of a network in which every feature is one that the models know.
fn reduced(network: &Network) -> NetworkTheory {
    let mut almost = Vec::new();
    for candidate in WHOLE {
        match (candidate.fit)(network) {
            Ok(Some(theory)) => return theory.of(candidate.model).but(&almost),
            Ok(None) => {}
            Err(reason) => almost.push(reason),
        }
    }
    if let Some(reason) = almost.first().cloned().or_else(|| beyond_stages(network)) {
        return NetworkTheory::blank(network, &reason);
    }
    let Ok(traffic) = Traffic::solve(network) else {
        return NetworkTheory::blank(network, &Reason::NoFlows);
    };
    let settings = network.stages.clone();
    let flows = Flows::new(network, &traffic);
    let stages: Vec<StageTheory> = (0..network.stages.len())
        .map(|id| StageTheory::new(network, &traffic, &flows, id))
        .collect();
    NetworkTheory {
        pipeline: PipelineTheory::new(network, &traffic, &flows, &stages),
        stages,
        tails: (0..settings.len())
            .map(|id| Tails::new(network, &traffic, id))
            .collect(),
        regimes: (0..settings.len())
            .map(|id| {
                let classes = Regime::of_classes(network, &traffic, id);
                (Regime::of(network, &traffic, id), classes)
            })
            .collect(),
        settings,
    }
}

/// What no formula for single stages can treat, because it ties stages together.
fn beyond_stages(network: &Network) -> Option<Reason> {
    let no_model = |place: &str, feature| Reason::NoModel {
        place: place.to_owned(),
        feature,
    };
    if let Some(population) = network.populations.first() {
        return Some(no_model(&population.name, "closed"));
    }
    None
}

impl NetworkTheory {
    /// Nothing known of any place but why.
    fn blank(network: &Network, reason: &Reason) -> NetworkTheory {
        let stages = vec![StageTheory::blank(reason.clone()); network.stages.len()];
        let pipeline = PipelineTheory::blank(reason.clone());
        let mut theory = NetworkTheory::of_whole(network, stages, pipeline);
        let (name, regime) = match reason {
            Reason::Overloaded { stage, .. } => (stage, Regime::Overloaded),
            Reason::Critical { stage } => (stage, Regime::Critical),
            _ => return theory,
        };
        if let Some(id) = network.stages.iter().position(|s| s.name == *name) {
            theory.regimes[id] = (regime, vec![regime; network.classes.len()]);
        }
        theory
    }

    /// The same as what this model of the whole says.
    fn of(mut self, model: &'static Model) -> NetworkTheory {
        self.pipeline.entry = Some(model);
        for stage in &mut self.stages {
            stage.entry = stage.entry.or(Some(model));
        }
        self
    }

    /// The same with reasons why there is no more.
    fn but(mut self, reasons: &[Reason]) -> NetworkTheory {
        self.pipeline.unexplained.extend(reasons.iter().cloned());
        self
    }

    /// From what a model of the whole network says of its stages, all of them steady.
    pub(super) fn of_whole(
        network: &Network,
        stages: Vec<StageTheory>,
        pipeline: PipelineTheory,
    ) -> NetworkTheory {
        NetworkTheory {
            regimes: vec![(Regime::Steady, Vec::new()); stages.len()],
            tails: Vec::new(),
            settings: network.stages.clone(),
            stages,
            pipeline,
        }
    }

    /// The same with a reason why there is no more anywhere.
    pub(super) fn because(mut self, reason: &Reason) -> NetworkTheory {
        for stage in &mut self.stages {
            stage.unexplained.push(reason.clone());
        }
        self.but(std::slice::from_ref(reason))
    }

    /// A stage is no steadier than the queues that it is made of.
    pub(super) fn regime_of_members(&mut self, stage: usize, members: std::ops::Range<usize>) {
        let worst = |a: Regime, b: Regime| match (a, b) {
            (Regime::Overloaded, _) | (_, Regime::Overloaded) => Regime::Overloaded,
            (Regime::Critical, _) | (_, Regime::Critical) => Regime::Critical,
            _ => Regime::Steady,
        };
        if members.end <= self.tails.len() {
            self.tails.swap(stage, members.start);
        }
        let of_members = self.regimes.get(members).unwrap_or_default();
        let whole = of_members.iter().map(|(regime, _)| *regime);
        let whole = whole.fold(Regime::Steady, worst);
        if let Some((regime, classes)) = self.regimes.get_mut(stage) {
            *regime = whole;
            classes.iter_mut().for_each(|class| *class = whole);
        }
    }

    /// The same for the network that was reduced to this one: its first stages are those, as the
    /// scenario describes them.
    pub(super) fn described_by(mut self, network: &Network) -> NetworkTheory {
        let count = network.stages.len();
        self.settings.clone_from(&network.stages);
        self.stages.truncate(count);
        self.regimes.truncate(count);
        self.tails.truncate(count);
        self
    }

    /// The same with what is known of the tails at each stage.
    pub(super) fn with_tails(self, tails: Vec<Tails>) -> NetworkTheory {
        NetworkTheory { tails, ..self }
    }

    /// All figures of a place; none for a class that never comes to the stage.
    pub fn figures(&self, place: Place) -> Option<&Figures> {
        match place {
            Place::Pipeline => Some(&self.pipeline.figures),
            Place::Stage(stage) => Some(&self.stages.get(stage.0)?.figures),
            Place::Class(stage, class) => {
                let classes = &self.stages.get(stage.0)?.classes;
                Some(&classes.iter().find(|(k, _)| *k == class)?.1)
            }
        }
    }

    /// One figure.
    pub fn figure(&self, place: Place, metric: Metric) -> Option<&Figure> {
        self.figures(place)?.get(&metric)
    }

    /// The places that orders come to: the pipeline, then each stage followed by its classes where
    /// several come.
    pub fn places(&self) -> Vec<Place> {
        let mut places = vec![Place::Pipeline];
        for (index, stage) in self.stages.iter().enumerate() {
            let id = StageId(index);
            places.push(Place::Stage(id));
            places.extend(
                stage
                    .classes
                    .iter()
                    .map(|(class, _)| Place::Class(id, *class)),
            );
        }
        places
    }

    /// A stage's model in Kendall's notation.
    pub fn model(&self, stage: StageId) -> &str {
        self.stages.get(stage.0).map_or("-", |theory| &theory.model)
    }

    /// What other methods give for a stage's figures.
    pub fn alternatives(&self, stage: StageId) -> &[Alternative] {
        let stage = self.stages.get(stage.0);
        stage.map_or(&[], |theory| &theory.alternatives)
    }

    /// What a stage is expected to do over time, where its load varies.
    pub fn transient(&self, stage: StageId) -> Option<&Transient> {
        self.stages.get(stage.0)?.transient.as_ref()
    }

    /// The distribution of a time at a place, where theory knows it.
    pub fn curve(&self, place: Place, kind: TimeKind) -> Option<&Curve> {
        let stage = |stage: StageId| self.stages.get(stage.0);
        match (place, kind) {
            (Place::Pipeline, TimeKind::Latency) => self.pipeline.latency.as_ref(),
            (Place::Stage(id), TimeKind::Waiting) => stage(id)?.waiting.as_ref(),
            (Place::Stage(id), TimeKind::Service) => stage(id)?.service.as_ref(),
            (Place::Stage(id), TimeKind::Sojourn) => stage(id)?.sojourn.as_ref(),
            _ => None,
        }
    }

    /// Whether a place has no steady state: a queue without bound that is offered as much as its
    /// consumers can do, or more; and the pipeline with such a stage. Of the classes at such a stage
    /// those that priorities leave enough time for have a steady state all the same.
    pub fn unstable(&self, place: Place) -> bool {
        let unsteady = |regime: Regime| regime != Regime::Steady;
        match place {
            Place::Pipeline => self.regimes.iter().any(|(stage, _)| unsteady(*stage)),
            Place::Stage(stage) => {
                let regimes = self.regimes.get(stage.0);
                regimes.is_some_and(|(stage, _)| unsteady(*stage))
            }
            Place::Class(stage, class) => {
                let regimes = self.regimes.get(stage.0);
                let own = regimes.and_then(|(_, classes)| classes.get(class.0));
                own.is_some_and(|class| unsteady(*class))
            }
        }
    }

    /// Whether a measured figure is too wild to be judged: its estimator has infinite variance, so
    /// that an interval by Student's t means nothing. So it is with the waits (times, numbers and
    /// latency) behind service without a third moment (a second where the queue is bounded), with
    /// the variances of service without a fourth (waits: a fifth), and with means and utilization of
    /// service without a second.
    pub fn wild(&self, place: Place, metric: Metric) -> bool {
        let at = |stage: StageId| self.tails.get(stage.0);
        match (place, metric) {
            (Place::Pipeline, Metric::Time(TimeKind::Latency, statistic)) => {
                self.wild_anywhere(Metric::Time(TimeKind::Sojourn, statistic))
            }
            (Place::Pipeline, _) => metric.at_pipeline() && self.wild_anywhere(metric),
            (Place::Stage(stage), _) => at(stage).is_some_and(|tails| tails.wild(None, metric)),
            (Place::Class(stage, class), _) => {
                at(stage).is_some_and(|tails| tails.wild(Some(class), metric))
            }
        }
    }

    fn wild_anywhere(&self, metric: Metric) -> bool {
        self.tails.iter().any(|tails| tails.wild(None, metric))
    }

    /// Why a figure is missing: the assumption that is violated, or that no formula is known.
    pub fn why_not(&self, place: Place, metric: Metric) -> String {
        if self.figure(place, metric).is_some() {
            return "there is a formula".to_owned();
        }
        if metric_is_a_maximum(metric) {
            return "a maximum grows with the length of the run".to_owned();
        }
        let (stage, reasons) = match place {
            Place::Pipeline => (None, &self.pipeline.unexplained),
            Place::Stage(stage) | Place::Class(stage, _) => match self.stages.get(stage.0) {
                Some(theory) => (self.settings.get(stage.0), &theory.unexplained),
                None => return "there is no such stage".to_owned(),
            },
        };
        if let Some(text) = stage.and_then(|stage| does_not_apply(stage, place, metric)) {
            return text.to_owned();
        }
        if !reasons.is_empty() {
            let texts: Vec<String> = reasons.iter().map(Reason::to_string).collect();
            return texts.join("; ");
        }
        match stage {
            Some(stage) => no_formula(stage, metric).to_owned(),
            None => pipeline_gap(metric).to_owned(),
        }
    }
}

fn metric_is_a_maximum(metric: Metric) -> bool {
    matches!(metric, Metric::Time(_, Statistic::Max))
}

/// Why a metric has no meaning at a stage.
fn does_not_apply(stage: &Stage, place: Place, metric: Metric) -> Option<&'static str> {
    let class = matches!(place, Place::Class(..));
    match metric {
        Metric::Utilization if class => Some("utilization is a figure of the whole stage"),
        Metric::QueueFill if class => Some("queue fill is a figure of the whole stage"),
        Metric::Utilization if stage.consumers == Consumers::Unlimited => {
            Some("unlimited consumers have no utilization")
        }
        Metric::QueueFill => match stage.capacity {
            Capacity::Unbounded => Some("the queue has no bound"),
            Capacity::Reject(0) => Some("the queue has no places"),
            _ => None,
        },
        Metric::AbandonProbability if stage.extras.patience == Patience::Endless => {
            Some("orders wait as long as it takes")
        }
        Metric::Availability
            if stage.extras.reliability == Reliability::Perfect
                && stage.extras.broker.outages == Outages::Never =>
        {
            Some("neither the consumers nor the broker fail by chance")
        }
        Metric::Time(TimeKind::Latency, _) => Some("latency is a figure of the pipeline"),
        Metric::LittleResidualQueue if stage.consumers == Consumers::Unlimited => {
            Some("nobody waits: 0/0")
        }
        Metric::LittleResidualQueue if stage.capacity == Capacity::Reject(0) => {
            Some("nobody waits: 0/0")
        }
        _ => None,
    }
}

/// What stands in the way of a closed form at a stage that has a model.
fn no_formula(stage: &Stage, metric: Metric) -> &'static str {
    let distribution = matches!(metric, Metric::Time(TimeKind::Waiting | TimeKind::Sojourn, s) if s != Statistic::Mean);
    match stage.discipline {
        Discipline::Lifo if distribution => {
            "no closed form for last in, first out here: only what does not depend on the order is known"
        }
        Discipline::Random if distribution => {
            "no closed form for random order here: only what does not depend on the order is known"
        }
        Discipline::Priority | Discipline::PreemptivePriority if distribution => {
            "no closed form for priorities here"
        }
        Discipline::ProcessorSharing if distribution => {
            "no closed form for processor sharing here: only what does not depend on the law of service is known"
        }
        _ if distribution => "no closed form of the distribution for this model",
        _ => "no closed form for this model",
    }
}

fn pipeline_gap(metric: Metric) -> &'static str {
    match metric {
        metric if !metric.at_pipeline() => "a figure of stages, not of the pipeline",
        Metric::Time(TimeKind::Latency, _) => {
            "the law of a stage's wait is unknown, or a tail is too heavy, for adding up along the routes"
        }
        Metric::LittleResidualQueue => "nobody waits: 0/0",
        _ => "a stage has no figure to add up",
    }
}
