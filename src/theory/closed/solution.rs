//! What a model of a network with populations found, written as the theory of stages and pipeline.
//!
//! # Formula
//! Of the orders of a flow that come to a stage, those accepted wait Wq and stay W; Lq = X Wq and L = X W
//! (Little). The stage's means are those of its flows weighted by X; the latency is the sum over the
//! visits of completed orders, X h W over what is completed, where h is the chance of completing from there.

use super::erlang_mixture::ErlangMixture;
use super::finite_source::write_distribution;
use super::flows::{Flow, Origin};
use crate::metric::{Metric, Statistic, TimeKind};
use crate::network::{Capacity, ClassId, Consumers, Discipline, Network, Stage, StageId};
use crate::theory::join::Joins;
use crate::theory::law::StageLaw;
use crate::theory::lines::Blocking;
use crate::theory::network::NetworkTheory;
use crate::theory::numeric::{quantile, sum};
use crate::theory::route::latency_law;
use crate::theory::sheet::{Sheet, Source, put};
use crate::theory::tails::Tails;
use crate::theory::traffic::Traffic;
use crate::theory::{
    Alternative, Curve, Figure, Figures, Kind, PipelineTheory, Reason, StageTheory,
};
use std::sync::Arc;

const LAW: &str = "the stage's service law";
const LITTLE: Source = Source::exact("Little 1961, Oper. Res. 9");
const CONVOLVED: &str = "convolution of the stages' sojourn times taken as independent";

/// What a model found.
pub(super) struct Solution<'a> {
    pub network: &'a Network,
    pub flows: &'a [Flow],
    /// Orders sent per second, by flow.
    pub sent: Vec<f64>,
    pub stages: Vec<AtStage>,
    /// The same for all figures that are not known exactly for another reason.
    pub source: Source,
    /// How X came about.
    pub formula: &'static str,
    /// Whether orders that are completed stay as long at each stage as any.
    pub fair: bool,
}

/// What a model found at a stage.
#[derive(Debug, Clone, Default)]
pub(super) struct AtStage {
    pub model: String,
    /// By flow; none that never comes.
    pub flows: Vec<Option<Passing>>,
    /// The share of consumer time that is busy.
    pub utilization: Option<f64>,
    /// Whether the orders found on arrival, in turn, are all that an order waits for.
    pub in_turn: bool,
    /// Whether nobody waits.
    pub waitless: bool,
    /// What the model knows besides.
    pub known: Figures,
    /// The lowest and the highest throughput that there can be.
    pub limits: Option<(f64, f64)>,
}

/// The orders of a flow at a stage.
#[derive(Debug, Clone, Default)]
pub(super) struct Passing {
    /// Per second.
    pub offered: f64,
    /// Per second.
    pub accepted: f64,
    /// Wq, seconds.
    pub wait: Option<f64>,
    /// W, seconds.
    pub sojourn: Option<f64>,
    /// P(Wq > 0).
    pub delayed: Option<f64>,
    /// P(j orders waiting before it, all consumers busy).
    pub found: Option<Vec<f64>>,
    /// Rejected per second.
    pub lost: f64,
}

impl Solution<'_> {
    pub fn theory(&self) -> NetworkTheory {
        self.theory_with(0, None)
    }

    /// The same, with the distributions of wait and sojourn at a stage.
    pub fn theory_with(&self, stage: usize, curves: Option<(Curve, Curve)>) -> NetworkTheory {
        let mut stages: Vec<StageTheory> = (0..self.stages.len()).map(|i| self.stage(i)).collect();
        if let Some((waiting, sojourn)) = curves {
            stages[stage].waiting = Some(waiting);
            stages[stage].sojourn = Some(sojourn);
        }
        let pipeline = self.pipeline(&stages);
        NetworkTheory::of_whole(self.network, stages, pipeline).with_tails(self.tails())
    }

    /// A finite population never waits for more orders than there are.
    fn tails(&self) -> Vec<Tails> {
        let traffic = self.traffic();
        let open = |id: usize| {
            let mut flows = self.passing(id, |flow| matches!(flow.from, Origin::Open { .. }));
            flows.next().is_some()
        };
        let stages = 0..self.stages.len();
        stages
            .map(|id| {
                let tails = Tails::new(self.network, &traffic, id);
                if open(id) { tails } else { tails.of_few() }
            })
            .collect()
    }

    /// The flows that come to a stage and pass a test.
    fn passing(
        &self,
        stage: usize,
        wanted: impl Fn(&Flow) -> bool,
    ) -> impl Iterator<Item = (&Flow, &Passing)> {
        let at = self.flows.iter().zip(&self.stages[stage].flows);
        at.filter_map(|(flow, passing)| Some((flow, passing.as_ref()?)))
            .filter(move |(flow, _)| wanted(flow))
    }

    /// Accepted orders per second by class.
    fn rates(&self, stage: usize, wanted: impl Fn(&Flow) -> bool) -> Vec<f64> {
        let mut rates = vec![0.0; self.network.classes.len()];
        for (flow, passing) in self.passing(stage, wanted) {
            rates[flow.class] += passing.accepted;
        }
        rates
    }

    fn stage(&self, id: usize) -> StageTheory {
        let all = |_: &Flow| true;
        let rates = self.rates(id, all);
        let (at, stage) = (&self.stages[id], &self.network.stages[id]);
        if rates.iter().all(|rate| *rate == 0.0) {
            return self.idle();
        }
        let mut figures = self.figures(id, all);
        self.of_whole_stage(id, &mut figures);
        let classes: Vec<ClassId> = (0..rates.len())
            .filter(|k| rates[*k] > 0.0)
            .map(ClassId)
            .collect();
        let by_class = match classes.len() {
            0 | 1 => Vec::new(),
            _ => classes
                .iter()
                .map(|&class| (class, self.figures(id, |flow| flow.class == class.0)))
                .collect(),
        };
        let law = StageLaw::new(self.network, id, &rates);
        let mixture = self.mixture(id, all);
        let curves = mixture.map(|mixture| mixture.curves(self.source.reference));
        let (waiting, sojourn) = curves.unzip();
        let service = self.service_curve(law);
        let waitless = at.waitless.then(|| service.clone());
        StageTheory {
            model: at.model.clone(),
            entry: None,
            offered_rate: sum(self.passing(id, all).map(|(_, p)| p.offered)),
            offered_load: at
                .utilization
                .filter(|_| stage.consumers != Consumers::Unlimited),
            figures,
            classes: by_class,
            unexplained: Vec::new(),
            transient: None,
            waiting,
            service: Some(service),
            sojourn: sojourn.or(waitless),
            served: None,
            alternatives: at.limits.map(limits).unwrap_or_default(),
        }
    }

    fn idle(&self) -> StageTheory {
        let mut sheet = Sheet::new(Source::exact("the routes of the scenario"));
        let formula = "no way leads here";
        sheet
            .put(Metric::ArrivalRate, 0.0, formula)
            .put(Metric::Throughput, 0.0, formula);
        StageTheory {
            figures: sheet.finish(),
            ..StageTheory::blank(Reason::NoOrders)
        }
    }

    /// The figures that a stage has but not a class.
    fn of_whole_stage(&self, id: usize, figures: &mut Figures) {
        let (at, stage) = (&self.stages[id], &self.network.stages[id]);
        let mut sheet = Sheet::new(self.source);
        if let (Some(busy), Consumers::Finite(_)) = (at.utilization, stage.consumers) {
            sheet.put(Metric::Utilization, busy, "Σ X_k v_k E[S_k]/c");
        }
        let queue = figures.get(&Metric::QueueLength).map(|figure| figure.value);
        if let (Some(queue), Some(places)) = (queue, places(stage).filter(|m| *m > 0)) {
            sheet.put(Metric::QueueFill, queue / places as f64, "Lq/capacity");
        }
        figures.append(&mut sheet.finish());
        figures.extend(at.known.iter().map(|(metric, figure)| (*metric, *figure)));
    }

    fn figures(&self, id: usize, wanted: impl Fn(&Flow) -> bool + Copy) -> Figures {
        let mut sheet = Sheet::new(self.source);
        let offered = sum(self.passing(id, wanted).map(|(_, p)| p.offered));
        let accepted = sum(self.passing(id, wanted).map(|(_, p)| p.accepted));
        let bytes = sum(self.passing(id, wanted).map(|(f, p)| p.accepted * f.size));
        let mean = |of: fn(&Passing) -> Option<f64>| -> Option<f64> {
            let parts = self.passing(id, wanted);
            let parts = parts.map(|(_, passing)| Some(passing.accepted * of(passing)?));
            Some(sum(parts.collect::<Option<Vec<f64>>>()?.into_iter()) / accepted)
        };
        sheet
            .put(Metric::ArrivalRate, offered, self.formula)
            .put(Metric::Throughput, accepted, self.formula)
            .put(Metric::ByteThroughput, bytes, "Σ X × message size");
        if let Some(delayed) = mean(|p| p.delayed) {
            let formula = "Σ p_j, j ≥ c, as an arrival finds them";
            sheet.put(Metric::WaitProbability, delayed, formula);
        }
        if let Some(wait) = mean(|p| p.wait) {
            let formula = "Wq = Σ (j+1−c) p_j E[S]/c, as an arrival finds them";
            sheet.mean(TimeKind::Waiting, wait, formula).put(
                Metric::QueueLength,
                accepted * wait,
                "Lq = X Wq",
            );
        }
        if let Some(sojourn) = mean(|p| p.sojourn) {
            let formula = "W = mean over what an arrival finds";
            sheet.mean(TimeKind::Sojourn, sojourn, formula).put(
                Metric::NumberInSystem,
                accepted * sojourn,
                "L = X W",
            );
        }
        if let Some(mixture) = self.mixture(id, wanted)
            && let Some(rate) =
                StageLaw::new(self.network, id, &self.rates(id, wanted)).exponential()
        {
            write_distribution(&mut sheet, &mixture, rate);
        }
        let mut figures = sheet.finish();
        let lost = sum(self.passing(id, wanted).map(|(_, p)| p.lost));
        self.steady(id, &mut figures, lost / offered);
        self.service(id, &mut figures, &self.rates(id, wanted));
        figures
    }

    /// What holds in every steady state.
    fn steady(&self, id: usize, figures: &mut Figures, lost: f64) {
        let mut sheet = Sheet::new(self.source);
        sheet.put(Metric::BacklogGrowth, 0.0, "0: a steady state");
        if places(&self.network.stages[id]).is_none() {
            let source = Source::exact("a queue without bound rejects nobody");
            put(figures, Metric::LossProbability, 0.0, "0: no bound", source);
        } else {
            let formula = "p_K as an arrival finds it";
            sheet.put(Metric::LossProbability, lost, formula);
        }
        figures.append(&mut sheet.finish());
        residuals(figures);
    }

    /// The laws of service; exact where all classes share one, or their shares are exact.
    fn service(&self, id: usize, figures: &mut Figures, rates: &[f64]) {
        let law = StageLaw::new(self.network, id, rates);
        let mut sheet = Sheet::new(Source {
            kind: self.kind_of(&law),
            reference: LAW,
        });
        sheet
            .mean(TimeKind::Service, law.mean(), "E[S]")
            .put(Metric::ProcessingTime, law.mean(), "E[S]")
            .variance(TimeKind::Service, law.variance(), "Var(S)")
            .quantiles(TimeKind::Service, |p| law.quantile(p), "F_S⁻¹(p)");
        figures.append(&mut sheet.finish());
        if self.stages[id].waitless {
            nobody_waits(figures);
        }
    }

    fn kind_of(&self, law: &StageLaw) -> Kind {
        if law.common().is_some() {
            Kind::Exact
        } else {
            self.source.kind
        }
    }

    fn service_curve(&self, law: StageLaw) -> Curve {
        Curve {
            kind: self.kind_of(&law),
            formula: "P(S > t)",
            reference: LAW,
            ccdf: Arc::new(move |t| if t < 0.0 { 1.0 } else { law.ccdf(t) }),
        }
    }

    /// What the orders of some flows wait for, all together.
    fn mixture(&self, id: usize, wanted: impl Fn(&Flow) -> bool + Copy) -> Option<ErlangMixture> {
        let stage = &self.network.stages[id];
        let Consumers::Finite(consumers) = stage.consumers else {
            return None;
        };
        if !self.stages[id].in_turn {
            return None;
        }
        let rate = StageLaw::new(self.network, id, &self.rates(id, wanted)).exponential()?;
        let accepted = sum(self.passing(id, wanted).map(|(_, p)| p.accepted));
        let mut found: Vec<f64> = Vec::new();
        for (_, passing) in self.passing(id, wanted) {
            let each = passing.found.as_ref()?;
            found.resize(found.len().max(each.len()), 0.0);
            for (sum, p) in found.iter_mut().zip(each) {
                *sum += p * passing.accepted / accepted;
            }
        }
        Some(ErlangMixture::new(&found, rate, consumers))
    }

    /// What all stages add up to.
    fn pipeline(&self, stages: &[StageTheory]) -> PipelineTheory {
        let mut figures = self.rates_of_all();
        for metric in [Metric::QueueLength, Metric::NumberInSystem] {
            self.add_up(&mut figures, stages, metric);
        }
        let completed = self.completed();
        let unfair = Source {
            kind: self.source.kind.max(Kind::Approximation),
            ..self.source
        };
        let source = if self.fair { self.source } else { unfair };
        let interrupts = |id: usize| self.network.interrupts_work(StageId(id));
        let work = self.over_visits(completed, |id, flow, passing| match interrupts(id) {
            false => {
                let law = self.network.stages[id].by_class[flow.class].service.law();
                Some(law.mean())
            }
            true => Some(passing.sojourn? - passing.wait?),
        });
        if let Some(work) = work {
            let formula = match (0..self.stages.len()).any(interrupts) {
                true => "Σ v_i (W_i − Wq_i)",
                false => "Σ v_i E[S_i]",
            };
            put(&mut figures, Metric::ProcessingTime, work, formula, source);
        }
        let latency = self.over_visits(completed, |_, _, passing| passing.sojourn);
        if let Some(latency) = latency {
            let formula = "Σ v_i W_i, v_i = visits of a completed order";
            let metric = Metric::mean(TimeKind::Latency);
            put(&mut figures, metric, latency, formula, source);
            residuals(&mut figures);
        }
        let curve = latency.and_then(|mean| self.distribution(stages, &mut figures, mean));
        PipelineTheory {
            entry: None,
            figures,
            latency: curve,
            unexplained: Vec::new(),
        }
    }

    fn rates_of_all(&self) -> Figures {
        let mut sheet = Sheet::new(self.source);
        let completions = || {
            let flows = self.flows.iter().enumerate();
            flows.map(|(k, flow)| (flow, self.completed_of(k)))
        };
        let bytes = sum(completions().map(|(flow, rate)| rate * flow.size));
        sheet
            .put(
                Metric::ArrivalRate,
                sum(self.sent.iter().copied()),
                self.formula,
            )
            .put(
                Metric::Throughput,
                self.completed(),
                "X = Σ X_k P(completed)",
            )
            .put(Metric::ByteThroughput, bytes, "Σ X × message size")
            .put(Metric::BacklogGrowth, 0.0, "0: a steady state");
        sheet.finish()
    }

    /// Completed orders of a flow per second: what leaves each stage completed.
    fn completed_of(&self, flow: usize) -> f64 {
        let class = self.flows[flow].class;
        let stages = self.stages.iter().zip(&self.network.stages);
        sum(stages.map(|(at, stage)| {
            let routes = stage.by_class[class].next.iter();
            let done = routes.filter(|r| r.to == crate::network::Target::Completed);
            let served = at.flows[flow].as_ref().map_or(0.0, |p| p.accepted);
            served * sum(done.map(|r| r.probability))
        }))
    }

    fn completed(&self) -> f64 {
        sum((0..self.flows.len()).map(|flow| self.completed_of(flow)))
    }

    fn add_up(&self, figures: &mut Figures, stages: &[StageTheory], metric: Metric) {
        let busy = stages.iter().filter(|s| s.offered_rate > 0.0);
        let parts: Option<Vec<&Figure>> = busy.map(|s| s.figures.get(&metric)).collect();
        if let Some(parts) = parts {
            let total = sum(parts.iter().map(|figure| figure.value));
            put(figures, metric, total, "sum over the stages", self.source);
        }
    }

    /// A mean over the visits of completed orders.
    fn over_visits(
        &self,
        completed: f64,
        of: impl Fn(usize, &Flow, &Passing) -> Option<f64>,
    ) -> Option<f64> {
        let mut total = 0.0;
        for id in 0..self.stages.len() {
            for (flow, passing) in self.passing(id, |_| true) {
                let rate = passing.accepted * flow.completing[id];
                if rate > 0.0 {
                    total += rate * of(id, flow, passing)?;
                }
            }
        }
        (completed > 0.0).then(|| total / completed)
    }

    /// The latency's distribution: that of the only stage, else by convolution.
    fn distribution(
        &self,
        stages: &[StageTheory],
        figures: &mut Figures,
        mean: f64,
    ) -> Option<Curve> {
        if let Some(only) = self.only_stage(stages) {
            for statistic in Statistic::ALL {
                if let Some(figure) = only
                    .figures
                    .get(&Metric::Time(TimeKind::Sojourn, statistic))
                {
                    figures.insert(Metric::Time(TimeKind::Latency, statistic), *figure);
                }
            }
            if only.sojourn.is_some() {
                return only.sojourn.clone();
            }
        }
        self.convolved(stages, figures, mean)
    }

    /// The only stage, where every order is there once and all complete alike.
    fn only_stage<'s>(&self, stages: &'s [StageTheory]) -> Option<&'s StageTheory> {
        let mut busy = (0..stages.len()).filter(|&id| stages[id].offered_rate > 0.0);
        let (only, None) = (busy.next()?, busy.next()) else {
            return None;
        };
        let first = self.flows.first()?.completing[only];
        let alike = |flow: &Flow| {
            flow.visits[only] < 1.0 + 1e-12 && (flow.completing[only] - first).abs() < 1e-12
        };
        self.flows.iter().all(alike).then(|| &stages[only])
    }

    fn convolved(&self, stages: &[StageTheory], figures: &mut Figures, mean: f64) -> Option<Curve> {
        let plain = |stage: &Stage| {
            stage.discipline != Discipline::ProcessorSharing
                && !matches!(stage.capacity, Capacity::Block(_))
        };
        if !self.network.stages.iter().all(plain) {
            return None;
        }
        let masses = latency_law(self.network, &self.traffic(), stages, &Joins::new(), mean)?;
        let mut sheet = Sheet::new(Source::approximation(CONVOLVED));
        let formula = "waits and services added up along the routes";
        sheet.variance(TimeKind::Latency, masses.variance, formula);
        sheet.quantiles(
            TimeKind::Latency,
            |p| quantile(|t| masses.ccdf(t), p, mean),
            formula,
        );
        for (metric, figure) in sheet.finish() {
            figures.entry(metric).or_insert(figure);
        }
        Some(Curve {
            kind: Kind::Approximation,
            formula,
            reference: CONVOLVED,
            ccdf: Arc::new(move |t| masses.ccdf(t)),
        })
    }

    /// The flows as those of an open network with the same rates.
    fn traffic(&self) -> Traffic {
        let zeros = || vec![vec![0.0; self.network.classes.len()]; self.stages.len()];
        let mut traffic = Traffic {
            entering: zeros(),
            offered: zeros(),
            through: zeros(),
            bytes: zeros(),
            completing: zeros(),
            originals: zeros(),
            original_bytes: zeros(),
            entries: (0..self.stages.len()).map(|_| None).collect(),
            entry_losses: vec![None; self.stages.len()],
            blocking: vec![Blocking::Free; self.stages.len()],
        };
        for (flow, sent) in self.flows.iter().zip(&self.sent) {
            traffic.entering[flow.to][flow.class] += sent;
        }
        for id in 0..self.stages.len() {
            for (flow, passing) in self.passing(id, |_| true) {
                traffic.offered[id][flow.class] += passing.offered;
                traffic.through[id][flow.class] += passing.accepted;
                traffic.bytes[id][flow.class] += passing.offered * flow.size;
                traffic.completing[id][flow.class] = flow.completing[id];
            }
            for class in 0..self.network.classes.len() {
                let offered = traffic.offered[id][class];
                let accepted = traffic.through[id][class];
                traffic.through[id][class] = if offered > 0.0 {
                    accepted / offered
                } else {
                    1.0
                };
            }
        }
        // Nothing is copied here.
        traffic.originals.clone_from(&traffic.offered);
        traffic.original_bytes.clone_from(&traffic.bytes);
        traffic
    }
}

/// What holds whatever the laws are.
fn limits((low, high): (f64, f64)) -> Vec<Alternative> {
    let parts = [
        ("at least", low, "N/(Z + N D) v"),
        ("at most", high, "min(N/(Z + D), min c/D) v"),
    ];
    let source = Source {
        kind: Kind::Bound,
        reference: "Denning, Buzen 1978, ACM Comput. Surv. 10",
    };
    let limit = |(method, value, formula)| {
        let mut sheet = Sheet::new(source);
        sheet.put(Metric::Throughput, value, formula);
        Alternative {
            method,
            figures: sheet.finish(),
        }
    };
    parts.into_iter().map(limit).collect()
}

/// How many may wait at a stage that rejects or blocks.
fn places(stage: &Stage) -> Option<u64> {
    match (stage.consumers, &stage.capacity) {
        (Consumers::Unlimited, _) | (_, Capacity::Unbounded) => None,
        (
            _,
            Capacity::Reject(m)
            | Capacity::Block(m)
            | Capacity::Retry(m, _)
            | Capacity::DropOldest(m)
            | Capacity::DeadLetter(m),
        ) => Some(*m),
    }
}

/// Where nobody waits, every statistic of the sojourn time is that of the service time.
fn nobody_waits(figures: &mut Figures) {
    for statistic in Statistic::ALL {
        let metric = Metric::Time(TimeKind::Service, statistic);
        if let Some(figure) = figures.get(&metric).copied() {
            let formula = "W = S: nobody waits";
            let metric = Metric::Time(TimeKind::Sojourn, statistic);
            figures.insert(metric, Figure { formula, ..figure });
            let metric = Metric::Time(TimeKind::Waiting, statistic);
            let formula = "0: nobody waits";
            let value = 0.0;
            figures.insert(
                metric,
                Figure {
                    formula,
                    value,
                    ..figure
                },
            );
        }
    }
}

/// Little's law holds in every steady state: its residuals are 0.
fn residuals(figures: &mut Figures) {
    let pairs = [
        (Metric::NumberInSystem, Metric::LittleResidual, "L = λW"),
        (Metric::QueueLength, Metric::LittleResidualQueue, "Lq = λWq"),
    ];
    for (number, residual, formula) in pairs {
        if figures
            .get(&number)
            .is_some_and(|figure| figure.value > 0.0)
        {
            put(figures, residual, 0.0, formula, LITTLE);
        }
    }
}

/// The busy consumers of a stage over their number.
pub(super) fn share_busy(stage: &Stage, busy: f64) -> Option<f64> {
    match stage.consumers {
        Consumers::Finite(c) => Some(busy / f64::from(c)),
        Consumers::Unlimited => None,
    }
}

/// Orders sent per second that a producer's rate fixes.
pub(super) fn open_rate(flow: &Flow) -> f64 {
    match flow.from {
        Origin::Open { rate } => rate,
        Origin::Closed { .. } => 0.0,
    }
}
