//! End to end: what the stages add up to.
//!
//! # Formula
//! Orders that enter stage i and end as completed are a_i h_i per second, h_i being the probability
//! of completing from there; so each completed order makes a_i h_i/X visits to it, and the mean
//! latency is the sum of the visits times the mean sojourn. It is exact when its parts are, because
//! routes are drawn independently of times (Jackson 1957; Kelly 1979).

use super::flow::Flows;
use super::join::{Joins, joins};
use super::law::StageLaw;
use super::lines::Blocking;
use super::numeric::{quantile, sum};
use super::overtake_free::OvertakeFree;
use super::regime::Regime;
use super::route::latency_law;
use super::sheet::{Sheet, Source};
use super::stage::{FLOWS, StageTheory};
use super::traffic::{Traffic, loses};
use super::{Curve, Figure, Figures, Kind, Model, Reason};
use crate::metric::{Metric, Statistic, TimeKind};
use crate::network::{Consumers, Fork, Network, Patience, Stage, StageId, Target};
use std::sync::Arc;

const SUM: &str = "sum over the visits of completed orders; Jackson 1957, Kelly 1979";
const CONVOLVED: &str = "convolution of the stages' sojourn times taken as independent";
const INDEPENDENT: &str =
    "Burke 1969, Oper. Res. 17; Walrand, Varaiya 1980, Adv. Appl. Probab. 12, 1000-1018";
const LITTLE: &str = "Little 1961, Oper. Res. 9";

/// What theory knows of the whole pipeline.
#[derive(Debug, Clone)]
pub struct PipelineTheory {
    /// The model in the catalogue, where one model treats the whole network.
    pub entry: Option<&'static Model>,
    /// End to end.
    pub figures: Figures,
    /// P(latency > t) of completed orders.
    pub latency: Option<Curve>,
    /// Why figures are missing.
    pub unexplained: Vec<Reason>,
}

impl PipelineTheory {
    pub(super) fn blank(reason: Reason) -> PipelineTheory {
        PipelineTheory {
            entry: None,
            figures: Figures::new(),
            latency: None,
            unexplained: vec![reason],
        }
    }

    pub(super) fn new(
        network: &Network,
        traffic: &Traffic,
        flows: &Flows,
        stages: &[StageTheory],
    ) -> PipelineTheory {
        let whole = Whole {
            network,
            traffic,
            flows,
            stages,
            joins: joins(network, traffic, flows, stages),
            forks: network.stages.iter().any(forks),
            reached: (0..stages.len())
                .filter(|&s| traffic.offered_to(s) > 0.0)
                .collect(),
        };
        whole.write()
    }
}

/// The pieces of the pipeline.
struct Whole<'a> {
    network: &'a Network,
    traffic: &'a Traffic,
    flows: &'a Flows,
    stages: &'a [StageTheory],
    joins: Joins,
    /// Whether orders are copied anywhere.
    forks: bool,
    reached: Vec<usize>,
}

fn forks(stage: &Stage) -> bool {
    !stage.extras.fork.branches().is_empty()
}

/// Whether orders wait for the copies that are made of them.
fn joins_copies(stage: &Stage) -> bool {
    matches!(stage.extras.fork, Fork::JoinAll(_))
}

impl Whole<'_> {
    fn write(&self) -> PipelineTheory {
        let mut figures = self.rates();
        figures.append(&mut self.numbers());
        let mut latency = None;
        if let Some(mean) = self.latency_mean() {
            figures.insert(Metric::mean(TimeKind::Latency), mean);
            self.waiting_for_joins(&mut figures, mean);
            if !self.reached.iter().any(|&s| self.gives_up(s)) {
                self.little(&mut figures);
            }
            latency = self.distribution(&mut figures, mean);
        }
        let mut unexplained: Vec<Reason> = Vec::new();
        for reason in self
            .reached
            .iter()
            .flat_map(|&s| &self.stages[s].unexplained)
        {
            if !unexplained.contains(reason) {
                unexplained.push(reason.clone());
            }
        }
        if self.reached.is_empty() {
            unexplained.push(Reason::NoOrders);
        }
        PipelineTheory {
            entry: None,
            figures,
            latency,
            unexplained,
        }
    }

    /// Sums over all stages and classes of a weight times a table.
    fn total(&self, of: impl Fn(usize, usize) -> f64) -> f64 {
        let classes = self.network.classes.len();
        let each = self
            .reached
            .iter()
            .flat_map(|&s| (0..classes).map(move |k| (s, k)));
        sum(each.map(|(s, k)| of(s, k)))
    }

    /// The probability that an order served at a stage is completed there.
    fn done(&self, stage: usize, class: usize) -> f64 {
        let ways = &self.network.stages[stage].by_class[class].next;
        let done = ways.iter().filter(|route| route.to == Target::Completed);
        sum(done.map(|route| route.probability))
    }

    /// What a stage's own model lets through, over what the traffic equations take for it.
    fn served_in_fact(&self, stage: usize) -> f64 {
        let classes = 0..self.network.classes.len();
        let taken = sum(classes.map(|k| self.traffic.served(stage, k)));
        match self.stages[stage].figures.get(&Metric::Throughput) {
            Some(figure) if taken > 0.0 => figure.value / taken,
            _ => 1.0,
        }
    }

    /// X: completed orders per second.
    fn completed(&self) -> f64 {
        self.total(|s, k| {
            self.traffic.originals_served(s, k) * self.done(s, k) * self.served_in_fact(s)
        })
    }

    /// A metric at every stage reached; `None` where one of them has no figure.
    fn parts(&self, metric: Metric) -> Option<Vec<&Figure>> {
        let figures = self.reached.iter();
        figures
            .map(|&s| self.stages[s].figures.get(&metric))
            .collect()
    }

    /// The worst kind of a metric over the stages reached; `None` where one has no figure.
    fn kind(&self, metric: Metric) -> Option<Kind> {
        self.parts(metric).map(|parts| worst(&parts))
    }

    fn rates(&self) -> Figures {
        let mut sheet = Sheet::new(Source {
            kind: self.kind_of_entering(),
            reference: FLOWS,
        });
        let entering = self.total(|s, k| self.traffic.entering[s][k]);
        sheet.put(Metric::ArrivalRate, entering, "Σ γ of the producers");
        let mut figures = sheet.finish();
        figures.append(&mut self.through());
        figures.append(&mut self.growth());
        figures
    }

    /// X and bytes per second, where those of every stage are known.
    fn through(&self) -> Figures {
        let Some(kind) = self.kind(Metric::Throughput) else {
            return Figures::new();
        };
        // The traffic equations hold in the long run, not over a period or a run; and they let orders go on
        // from a join as fast as they come to the fork, even if copies pile up on the way.
        let piles_up =
            |&s: &usize| joins_copies(&self.network.stages[s]) && !self.flows.share_is_exact(s);
        let kind = if self.varies() || self.reached.iter().any(piles_up) {
            kind.max(Kind::Approximation)
        } else {
            kind
        };
        let mut sheet = Sheet::new(Source {
            kind,
            reference: FLOWS,
        });
        let bytes = self.total(|s, k| {
            let bytes = self.traffic.original_bytes[s][k] * self.traffic.through[s][k];
            bytes * self.done(s, k) * self.served_in_fact(s)
        });
        sheet
            .put(
                Metric::Throughput,
                self.completed(),
                "X = Σ X_i P(completed after i)",
            )
            .put(Metric::ByteThroughput, bytes, "Σ X × message size");
        sheet.finish()
    }

    /// Whether the load of a stage varies with time.
    fn varies(&self) -> bool {
        let mut stages = self.reached.iter().map(|&s| &self.stages[s]);
        stages.any(|stage| stage.transient.is_some())
    }

    fn kind_of_entering(&self) -> Kind {
        let steady = self
            .network
            .producers
            .iter()
            .all(|p| p.arrivals.is_stationary());
        if steady {
            Kind::Exact
        } else {
            Kind::Approximation
        }
    }

    fn growth(&self) -> Figures {
        let formula = "Σ (λ_i − X_i) of stages without steady state";
        self.added(Metric::BacklogGrowth, formula, FLOWS)
    }

    /// The sum over the stages, where every stage has the figure.
    fn added(&self, metric: Metric, formula: &'static str, reference: &'static str) -> Figures {
        let Some(parts) = self.parts(metric) else {
            return Figures::new();
        };
        let kind = worst(&parts);
        let mut sheet = Sheet::new(Source { kind, reference });
        let total = sum(parts.iter().map(|figure| figure.value));
        sheet.put(metric, total, formula);
        sheet.finish()
    }

    /// With forks L is not the sum over the stages, where copies are counted, but λ times the latency:
    /// where every order completes.
    fn waiting_for_joins(&self, figures: &mut Figures, latency: Figure) {
        let all = self.total(|s, k| self.traffic.entering[s][k]);
        let completed = self.completed();
        if !self.forks || (all - completed).abs() > 1e-9 * all {
            return;
        }
        let mut sheet = Sheet::new(Source {
            kind: latency.kind,
            reference: LITTLE,
        });
        sheet.put(Metric::NumberInSystem, all * latency.value, "L = λW");
        figures.append(&mut sheet.finish());
    }

    /// Lq and L, where every stage has them and orders are not copied.
    fn numbers(&self) -> Figures {
        let mut figures = Figures::new();
        if self.forks {
            return figures;
        }
        for (metric, formula) in [
            (Metric::QueueLength, "Σ Lq of the stages"),
            (Metric::NumberInSystem, "Σ L of the stages"),
        ] {
            figures.append(&mut self.added(metric, formula, SUM));
        }
        figures.append(&mut self.processing());
        figures
    }

    /// Whether a stage has no steady state.
    fn overloaded(&self) -> bool {
        let regime = |&s: &usize| Regime::of(self.network, self.traffic, s);
        self.reached.iter().any(|s| regime(s) != Regime::Steady)
    }

    /// E\[S\] over all visits of completed orders; where work is interrupted, W − Wq.
    fn processing(&self) -> Figures {
        let overloaded = self.overloaded();
        if self.forks {
            return Figures::new();
        }
        let kind = match self.kind(Metric::Throughput) {
            Some(Kind::Exact) if !overloaded && !self.loses_on_the_way() => Kind::Exact,
            Some(_) => Kind::Approximation,
            None => return self.only_processing(),
        };
        let interrupted = |s: &&usize| self.network.interrupts_work(StageId(**s));
        let interrupted: Vec<usize> = self.reached.iter().filter(interrupted).copied().collect();
        let work = self.visits(|s, k| match interrupted.contains(&s) {
            false => Some(self.network.stages[s].by_class[k].service.law().mean()),
            true => self.after_waiting(s, k),
        });
        let kind = if interrupted.is_empty() {
            kind
        } else {
            self.kind(Metric::mean(TimeKind::Sojourn))
                .map_or(kind, |sojourn| sojourn.max(kind))
        };
        let formula = match interrupted.is_empty() {
            true => "Σ v_i E[S_i]",
            false => "Σ v_i (W_i − Wq_i)",
        };
        let mut sheet = Sheet::new(Source {
            kind,
            reference: SUM,
        });
        if let Some(work) = work {
            sheet.put(Metric::ProcessingTime, work, formula);
        }
        sheet.finish()
    }

    /// W − Wq of a class at a stage where nobody gives up.
    fn after_waiting(&self, stage: usize, class: usize) -> Option<f64> {
        let mean = |kind| self.figure(stage, class, Metric::mean(kind));
        let waiting = mean(TimeKind::Waiting)?.value;
        let after = mean(TimeKind::Sojourn)?.value - waiting;
        (!self.gives_up(stage)).then_some(after)
    }

    /// E\[S\] of the only stage: known however much gets through.
    fn only_processing(&self) -> Figures {
        let metric = Metric::ProcessingTime;
        let interrupted = |s: &usize| self.network.interrupts_work(StageId(*s));
        if self.reached.iter().any(interrupted) {
            return Figures::new();
        }
        let only = self.only_stage();
        let figure = only.and_then(|stage| stage.figures.get(&metric));
        figure.map(|figure| (metric, *figure)).into_iter().collect()
    }

    /// Whether a stage that loses orders lies behind another stage, so that being completed says
    /// something about the times before.
    fn loses_on_the_way(&self) -> bool {
        self.reached
            .iter()
            .any(|&s| loses(&self.network.stages[s]) && !self.flows.before(s).is_empty())
    }

    /// Σ a h of(stage, class)/X: a mean over the visits of completed orders.
    fn visits(&self, of: impl Fn(usize, usize) -> Option<f64>) -> Option<f64> {
        let completed =
            self.total(|s, k| self.traffic.entering[s][k] * self.traffic.completing[s][k]);
        let mut sum = 0.0;
        for &s in &self.reached {
            for k in 0..self.network.classes.len() {
                let rate = self.traffic.originals[s][k] * self.traffic.completing[s][k];
                if rate > 0.0 {
                    sum += rate * of(s, k)?;
                }
            }
        }
        (completed > 0.0).then(|| sum / completed)
    }

    /// The figure of a class at a stage; that of the stage where only one class comes.
    fn figure(&self, stage: usize, class: usize, metric: Metric) -> Option<&Figure> {
        class_figures(&self.stages[stage], class).get(&metric)
    }

    /// Whether orders may give up at a stage.
    fn gives_up(&self, stage: usize) -> bool {
        self.network.stages[stage].extras.patience != Patience::Endless
    }

    /// W of the orders of a class that are served at a stage.
    fn completed_sojourn(&self, stage: usize, class: usize) -> Option<&Figure> {
        if self.gives_up(stage) {
            let served = self.stages[stage].served.as_ref()?;
            return served.get(&Metric::mean(TimeKind::Latency));
        }
        self.figure(stage, class, Metric::mean(TimeKind::Sojourn))
    }

    fn latency_mean(&self) -> Option<Figure> {
        if self.overloaded() {
            return None;
        }
        let value = self.visits(|s, k| {
            let own = self.completed_sojourn(s, k)?.value;
            match self.joins.get(&(s, k)) {
                Some(join) => Some(own + join.mean.value),
                None => (!joins_copies(&self.network.stages[s])).then_some(own),
            }
        })?;
        let classes = 0..self.network.classes.len();
        let parts = classes.flat_map(|k| self.reached.iter().map(move |&s| (s, k)));
        let known = parts
            .filter(|&(s, k)| self.traffic.originals[s][k] > 0.0)
            .filter_map(|(s, k)| self.completed_sojourn(s, k));
        let joined = self.joins.values().map(|join| join.mean.kind);
        let worst = known.map(|figure| figure.kind).chain(joined).max()?;
        // The shares of the stages in the visits are those of the traffic equations.
        let shares = self.reached.iter().all(|&s| self.flows.share_is_exact(s));
        let mixed = self.reached.len() > 1 && !shares;
        let kind = match self.kind(Metric::Throughput)?.max(worst) {
            Kind::Exact if mixed || self.loses_on_the_way() => Kind::Approximation,
            kind => kind,
        };
        value.is_finite().then_some(Figure {
            value,
            kind,
            formula: if !self.joins.is_empty() {
                "Σ v_i (W_i + time to the join), v_i = visits of a completed order"
            } else {
                "Σ v_i W_i, v_i = visits of a completed order"
            },
            reference: SUM,
        })
    }

    fn little(&self, figures: &mut Figures) {
        // Over a run Little's law misses its two edges.
        let metric = Metric::LittleResidual;
        if self.varies() && self.parts(metric).is_none() {
            return;
        }
        let mut sheet = Sheet::new(Source::exact(LITTLE));
        let positive = |metric| figures.get(&metric).is_some_and(|f: &Figure| f.value > 0.0);
        if positive(Metric::NumberInSystem) {
            sheet.put(Metric::LittleResidual, 0.0, "L = λW");
        }
        if positive(Metric::QueueLength) {
            sheet.put(Metric::LittleResidualQueue, 0.0, "Lq = λWq");
        }
        figures.append(&mut sheet.finish());
    }

    /// The latency's variance, quantiles and curve: those of the stage where there is only one,
    /// else by convolution.
    fn distribution(&self, figures: &mut Figures, mean: Figure) -> Option<Curve> {
        if let Some(curve) = self.only_fork(figures) {
            return Some(curve);
        }
        // The waits of a load that varies have no tail that a mean could tell of.
        let waits = |&s: &usize| self.network.stages[s].consumers != Consumers::Unlimited;
        if self.varies() && self.reached.iter().any(waits) {
            return None;
        }
        let mut curve = None;
        if let Some(only) = self.only_stage() {
            if let Some(served) = &only.served {
                figures.extend(served.iter().map(|(metric, figure)| (*metric, *figure)));
                return None;
            }
            for statistic in Statistic::ALL {
                let sojourn = Metric::Time(TimeKind::Sojourn, statistic);
                if let Some(figure) = only.figures.get(&sojourn) {
                    figures.insert(Metric::Time(TimeKind::Latency, statistic), *figure);
                }
            }
            curve = only.sojourn.clone();
        }
        let complete = |figures: &Figures| {
            let known = |s| figures.contains_key(&Metric::Time(TimeKind::Latency, s));
            Statistic::ALL
                .into_iter()
                .all(|s| s == Statistic::Max || known(s))
        };
        if curve.is_some() && complete(figures) {
            return curve;
        }
        if let Some(exact) = self.overtake_free(figures) {
            return Some(exact);
        }
        let convolved = self.convolved(figures, mean.value);
        curve.or(convolved)
    }

    /// The time to the join of two queues, where an order does nothing else.
    fn only_fork(&self, figures: &mut Figures) -> Option<Curve> {
        let mut joins = self.joins.iter();
        let (&(fork, class), join) = joins.next()?;
        let closed = join.closed.as_ref()?;
        let away = |s: &usize| *s != fork && self.traffic.originals[*s].iter().any(|&a| a > 0.0);
        let law = self.network.stages[fork].by_class[class].service.law();
        let all = (self.traffic.completing[fork][class] - 1.0).abs() < 1e-12;
        if joins.next().is_some() || self.reached.iter().any(away) || law.mean() > 0.0 || !all {
            return None;
        }
        figures.append(&mut closed.figures(TimeKind::Latency));
        Some(closed.curve())
    }

    /// The only stage, where every order is there once and all classes complete alike.
    fn only_stage(&self) -> Option<&StageTheory> {
        let &[stage] = self.reached.as_slice() else {
            return None;
        };
        let offered = &self.traffic.offered[stage];
        let completing = self.traffic.completing[stage].iter().zip(offered);
        let chances: Vec<f64> = completing
            .filter(|(_, a)| **a > 0.0)
            .map(|(h, _)| *h)
            .collect();
        let alike = chances.iter().all(|h| (h - chances[0]).abs() < 1e-12);
        (alike && self.flows.before(stage).is_empty()).then_some(&self.stages[stage])
    }

    /// Where nobody can overtake, sojourn times on a route are independent.
    fn overtake_free(&self, figures: &mut Figures) -> Option<Curve> {
        let law = OvertakeFree::new(self.network, self.traffic, self.flows)?;
        let mut sheet = Sheet::new(Source::exact(INDEPENDENT));
        let formula = "sum of independent sojourn times: nobody can overtake";
        sheet.variance(TimeKind::Latency, law.variance(), formula);
        sheet.quantiles(TimeKind::Latency, |p| law.quantile(p), formula);
        for (metric, figure) in sheet.finish() {
            figures.entry(metric).or_insert(figure);
        }
        Some(Curve {
            kind: Kind::Exact,
            formula,
            reference: INDEPENDENT,
            ccdf: Arc::new(move |t| law.ccdf(t)),
        })
    }

    /// Whether the services have a third moment, without which a wait has no variance.
    fn waits_have_variances(&self) -> bool {
        let third = |s: &usize| {
            let law = StageLaw::new(self.network, *s, &self.traffic.offered[*s]);
            law.moments().third
        };
        self.reached.iter().map(third).all(f64::is_finite)
    }

    fn convolved(&self, figures: &mut Figures, mean: f64) -> Option<Curve> {
        // Of the time that orders are blocked only the mean is known.
        let blocks = |s: &usize| self.traffic.blocking[*s] != Blocking::Free;
        if self.reached.iter().any(blocks) {
            return None;
        }
        let masses = latency_law(self.network, self.traffic, self.stages, &self.joins, mean)?;
        let mut sheet = Sheet::new(Source::approximation(CONVOLVED));
        let formula = "waits and services added up along the routes";
        if self.waits_have_variances() {
            sheet.variance(TimeKind::Latency, masses.variance, formula);
        }
        let p_quantile = |p| quantile(|t| masses.ccdf(t), p, mean);
        sheet.quantiles(TimeKind::Latency, p_quantile, formula);
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
}

/// The worst kind of several figures.
fn worst(parts: &[&Figure]) -> Kind {
    let kinds = parts.iter().map(|figure| figure.kind);
    kinds.max().unwrap_or(Kind::Exact)
}

/// The figures of a class at a stage; those of the stage where only one class comes.
pub(super) fn class_figures(stage: &StageTheory, class: usize) -> &Figures {
    let own = stage.classes.iter().find(|(k, _)| k.0 == class);
    own.map_or(&stage.figures, |(_, figures)| figures)
}
