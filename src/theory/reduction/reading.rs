//! From the figures of the reduced network to those of the scenario's own.
//!
//! # Formula
//! Where each attempt is a visit, a_k = λ_k + r_k X_k visits a second are offered, r_k X_k of them by orders
//! that come back; so λ_k = a_k − r_k X_k. L counts those at the stage and those that pause, W = L/λ. An order
//! waits until the first work on it begins. Poisson arrivals find what is there in the mean over time
//! (Wolff 1982): they wait as long as in the queue of all visits where service is exponential, and with one
//! consumer and any service Wq = Lq E\[S\] + λ'E\[S²\]/2, λ' being the rate of all visits.

use super::Reduction;
use super::attempts::attempt_moments;
use super::failures::Retried;
use crate::metric::{Metric, Statistic, TimeKind};
use crate::network::{ClassId, Consumers, Network};
use crate::theory::network::NetworkTheory;
use crate::theory::sheet::{Sheet, Source, put};
use crate::theory::{Figure, Figures, Kind, Model, PipelineTheory, Reason, StageTheory};

const WOLFF: &str =
    "Kelly 1979, Reversibility and Stochastic Networks; Wolff 1982, Oper. Res. 30 (PASTA)";

/// How a stage of the scenario is read from that of the reduced network.
#[derive(Debug, Clone, Default)]
pub(super) struct Reading {
    /// Features that cut it off, its own and those of stages before.
    pub cut: Vec<Reason>,
    /// Whether how many orders come is known all the same: nothing before it is cut off.
    pub arrivals_known: bool,
    /// The model that tells it in other words.
    pub entry: Option<&'static Model>,
    /// Attempts that fail.
    pub retried: Option<Retried>,
    /// Whether orders expire that in the reduced network lose patience.
    pub expires: bool,
    /// Whether a law stands for another with the same mean and variance.
    pub means_only: bool,
    /// Whether the reduced stage is not the stage itself.
    pub approximate: bool,
    /// Figures that are not those of the stage.
    pub hidden: Vec<fn(Metric) -> bool>,
    /// Whether its classes have other figures than in the reduced network.
    pub classes_unknown: bool,
    /// Whether the times of those that are completed are not those of all.
    pub spoils_latency: bool,
    /// Whether the distribution of the times is another.
    pub approximate_latency: bool,
}

impl Reduction {
    /// The theory of the scenario's own network from that of the reduced one.
    pub fn read(&self, reduced: NetworkTheory, network: &Network) -> NetworkTheory {
        let all = reduced.stages.clone();
        let mut theory = reduced.as_described(network);
        for (id, (stage, reading)) in theory.stages.iter_mut().zip(&self.readings).enumerate() {
            reading.read(stage, self, &all, id);
        }
        let reasons = self.missing();
        if reasons.is_empty() {
            self.read_pipeline(&mut theory);
        } else {
            cut_pipeline(&mut theory.pipeline, reasons);
        }
        theory
    }

    fn read_pipeline(&self, theory: &mut NetworkTheory) {
        let pipeline = &mut theory.pipeline;
        let any = |of: fn(&Reading) -> bool| self.readings.iter().any(of);
        let of_latency = |metric: &Metric| {
            matches!(
                metric,
                Metric::Time(TimeKind::Latency, _) | Metric::ProcessingTime
            )
        };
        if any(|reading| reading.means_only || reading.approximate_latency) {
            let beyond = |metric: &Metric| matches!(metric, Metric::Time(TimeKind::Latency, s) if *s != Statistic::Mean);
            pipeline.figures.retain(|metric, _| !beyond(metric));
            pipeline.latency = None;
        }
        if any(|reading| !reading.hidden.is_empty() && reading.spoils_latency) {
            pipeline.figures.retain(|metric, _| !of_latency(metric));
            pipeline.latency = None;
        }
        let approximate = any(|reading| reading.approximate);
        if approximate || any(|reading| reading.spoils_latency) {
            for (metric, figure) in &mut pipeline.figures {
                let concerned = of_latency(metric) || (approximate && of_a_queue(*metric));
                if concerned {
                    figure.kind = figure.kind.max(Kind::Approximation);
                }
            }
            if let Some(curve) = &mut pipeline.latency {
                curve.kind = curve.kind.max(Kind::Approximation);
            }
        }
        if any(|reading| reading.retried.is_some()) {
            // What comes back to a queue is not waiting any more.
            let waiting = theory
                .stages
                .iter()
                .map(|stage| stage.figures.get(&Metric::QueueLength));
            let waiting: Option<Vec<&Figure>> = waiting.collect();
            let known = pipeline.figures.remove(&Metric::QueueLength);
            pipeline.figures.remove(&Metric::LittleResidualQueue);
            if let (Some(parts), Some(figure)) = (waiting, known) {
                let kind = parts
                    .iter()
                    .map(|part| part.kind)
                    .max()
                    .unwrap_or(figure.kind);
                let value = parts.iter().map(|part| part.value).sum();
                let all = Figure {
                    value,
                    kind,
                    ..figure
                };
                pipeline.figures.insert(Metric::QueueLength, all);
            }
        }
    }

    /// The classes that may come to a stage.
    fn visitors(&self, id: usize) -> Vec<usize> {
        let network = &self.network;
        let mut visitors = Vec::new();
        for class in 0..network.classes.len() {
            let producers = network.producers.iter().filter(|p| p.class.0 == class);
            let populations = network.populations.iter().filter(|p| p.class.0 == class);
            let mut entries = producers.map(|p| p.to.0).chain(populations.map(|p| p.to.0));
            if entries.any(|from| super::leads_to(network, from, id)) {
                visitors.push(class);
            }
        }
        visitors
    }
}

/// Figures that depend on how long orders wait.
fn of_a_queue(metric: Metric) -> bool {
    matches!(
        metric,
        Metric::QueueLength
            | Metric::QueueFill
            | Metric::NumberInSystem
            | Metric::WaitProbability
            | Metric::Time(TimeKind::Waiting | TimeKind::Sojourn, _)
    )
}

impl Reading {
    fn read(&self, stage: &mut StageTheory, of: &Reduction, all: &[StageTheory], id: usize) {
        if !self.cut.is_empty() {
            return self.blank(stage);
        }
        if let Some(retried) = &self.retried {
            retried.read(stage, of, all, id);
        }
        if self.expires {
            self.read_expiry(stage);
        }
        let shown = |metric: &Metric| {
            let second = matches!(metric, Metric::Time(TimeKind::Waiting | TimeKind::Sojourn, s) if *s != Statistic::Mean);
            !(self.means_only && second) && !self.hidden.iter().any(|hidden| hidden(*metric))
        };
        let approximate = |metric: &Metric, figure: &mut Figure| {
            if self.approximate && of_a_queue(*metric) {
                figure.kind = figure.kind.max(Kind::Approximation);
            }
        };
        let classes = stage.classes.iter_mut().map(|(_, figures)| figures);
        for figures in classes.chain([&mut stage.figures]) {
            figures.retain(|metric, _| shown(metric));
            figures
                .iter_mut()
                .for_each(|(metric, figure)| approximate(metric, figure));
        }
        if self.classes_unknown {
            let of_the_class = |metric: &Metric| !of_a_queue(*metric) && !is_residual(*metric);
            for (_, figures) in &mut stage.classes {
                figures.retain(|metric, _| of_the_class(metric));
            }
        }
        if self.means_only || !self.hidden.is_empty() || self.approximate {
            (stage.waiting, stage.sojourn) = (None, None);
            stage.alternatives.clear();
        }
        stage.entry = self.entry.or(stage.entry);
    }

    /// Nothing but how many come, and why.
    fn blank(&self, stage: &mut StageTheory) {
        let known = |metric: Metric| self.arrivals_known && metric == Metric::ArrivalRate;
        let rate = stage.offered_rate;
        let mut figures = std::mem::take(&mut stage.figures);
        figures.retain(|metric, _| known(*metric));
        let mut classes = std::mem::take(&mut stage.classes);
        for (_, figures) in &mut classes {
            figures.retain(|metric, _| known(*metric));
        }
        *stage = StageTheory {
            figures,
            classes,
            offered_rate: if self.arrivals_known { rate } else { 0.0 },
            unexplained: self.cut.clone(),
            ..StageTheory::blank(Reason::NoOrders)
        };
    }

    /// Who expires has not lost patience.
    fn read_expiry(&self, stage: &mut StageTheory) {
        let classes = stage.classes.iter_mut().map(|(_, figures)| figures);
        for figures in classes.chain([&mut stage.figures]) {
            figures.remove(&Metric::AbandonProbability);
        }
    }
}

fn is_residual(metric: Metric) -> bool {
    matches!(metric, Metric::LittleResidual | Metric::LittleResidualQueue)
}

impl Retried {
    fn read(&self, stage: &mut StageTheory, of: &Reduction, all: &[StageTheory], id: usize) {
        let pauses = self.pauses_at.map(|at| &all[at]);
        let visitors = of.visitors(id);
        let mut whole = Figures::new();
        if stage.classes.is_empty() {
            let class = visitors.first().copied().unwrap_or(0);
            let figures = std::mem::take(&mut stage.figures);
            whole = self.of_class(class, &figures, pauses.map(|at| &at.figures), of, id, true);
        } else {
            let visits = std::mem::take(&mut stage.figures);
            let mut classes = std::mem::take(&mut stage.classes);
            for (class, figures) in &mut classes {
                let paused = pauses.map(|at| {
                    let own = at.classes.iter().find(|(k, _)| k == class);
                    own.map_or(&at.figures, |(_, figures)| figures)
                });
                *figures = self.of_class(class.0, figures, paused, of, id, false);
            }
            self.of_all(&mut whole, &visits, &classes, pauses);
            stage.classes = classes;
        }
        stage.figures = whole;
        self.own_words(stage, of, id);
    }

    /// What it is called, and which curves are left.
    fn own_words(&self, stage: &mut StageTheory, of: &Reduction, id: usize) {
        let again = self.attempts.iter().any(|tries| tries.mean() > 1.0);
        if !again {
            return;
        }
        let served = &of.network.stages[id];
        stage.model.push_str(if self.visits {
            " with retries"
        } else {
            " with retries in place"
        });
        stage.sojourn = stage.sojourn.take().filter(|_| !self.visits);
        stage.service = None;
        let exponential = served.consumers == Consumers::Unlimited
            || stage.entry.is_some_and(|model| model.kind == Kind::Exact);
        if self.visits && !(self.at_tail && exponential) {
            stage.waiting = None;
        }
        stage.offered_rate = stage
            .figures
            .get(&Metric::ArrivalRate)
            .map_or(stage.offered_rate, |figure| figure.value);
        stage.alternatives.clear();
    }

    /// The figures of a class from those of its visits.
    fn of_class(
        &self,
        class: usize,
        visits: &Figures,
        pauses: Option<&Figures>,
        of: &Reduction,
        id: usize,
        alone: bool,
    ) -> Figures {
        let tries = &self.attempts[class];
        let law = of.network.stages[id].by_class[class].service.law();
        if tries.fails == 0.0 {
            return visits.clone();
        }
        let mut figures = visits.clone();
        figures.retain(|metric, _| !is_residual(*metric) && !self.of_the_visit(*metric));
        let get = |metric: Metric| visits.get(&metric).copied();
        let offered = get(Metric::ArrivalRate);
        let served = get(Metric::Throughput);
        let again = if self.visits { tries.again() } else { 0.0 };
        let Some((offered, served)) = offered.zip(served) else {
            figures.retain(|metric, _| !of_a_queue(*metric));
            figures.remove(&Metric::ArrivalRate);
            figures.remove(&Metric::Throughput);
            return figures;
        };
        let kind = offered.kind.max(served.kind);
        if !alone && !self.visits {
            figures.remove(&Metric::Utilization);
        }
        let rate = offered.value - again * served.value;
        let source = |figure: &Figure, kind: Kind| Source {
            kind,
            reference: figure.reference,
        };
        put(
            &mut figures,
            Metric::ArrivalRate,
            rate,
            "λ: attempts less those that follow others",
            source(&offered, kind),
        );
        let succeed = (1.0 - again) * (1.0 - tries.all_fail());
        put(
            &mut figures,
            Metric::Throughput,
            served.value * succeed,
            "X = λ(1 − qⁿ)",
            source(&served, kind),
        );
        if let Some(bytes) = get(Metric::ByteThroughput) {
            let own = source(&bytes, bytes.kind.max(kind));
            put(
                &mut figures,
                Metric::ByteThroughput,
                bytes.value * succeed,
                "Σ X × message size",
                own,
            );
        }
        if alone {
            self.own_work(&mut figures, class, rate, served.value, of, id, kind);
        }
        if self.visits {
            self.of_the_order(
                &mut figures,
                visits,
                pauses,
                rate,
                (kind, law.mean(), law.moment(2)),
                of,
                id,
                alone,
            );
        }
        figures
    }

    /// What an attempt takes, and the consumers' time that all of them take.
    #[allow(clippy::too_many_arguments, reason = "one table's columns")]
    fn own_work(
        &self,
        figures: &mut Figures,
        class: usize,
        rate: f64,
        served: f64,
        of: &Reduction,
        id: usize,
        kind: Kind,
    ) {
        let (service, tries) = (&self.service[class], &self.attempts[class]);
        let (mean, second) = attempt_moments(service, self.timeout);
        let mut sheet = Sheet::new(Source::exact("the law of an attempt, min(S, T)"));
        sheet
            .mean(TimeKind::Service, mean, "E[min(S, T)]")
            .put(Metric::ProcessingTime, mean, "E[min(S, T)]")
            .variance(TimeKind::Service, second - mean * mean, "Var(min(S, T))")
            .quantiles(
                TimeKind::Service,
                |p| Some(service.quantile(p).min(self.timeout)),
                "min(F_S⁻¹(p), T)",
            );
        figures.append(&mut sheet.finish());
        // While it pauses in place a consumer does not work.
        let steady = (rate - served).abs() <= 1e-9 * rate;
        if let (false, Consumers::Finite(c)) = (self.visits, of.network.stages[id].consumers) {
            figures.remove(&Metric::Utilization);
            let source = Source {
                kind,
                reference: WOLFF,
            };
            let work = rate * tries.mean() * mean / f64::from(c);
            if steady {
                put(
                    figures,
                    Metric::Utilization,
                    work,
                    "ρ = λE[N]E[S]/c",
                    source,
                );
            }
        }
    }

    /// Figures of visits that say nothing of orders.
    fn of_the_visit(&self, metric: Metric) -> bool {
        let cut = self.timeout.is_finite();
        match metric {
            Metric::Time(TimeKind::Sojourn, _) | Metric::NumberInSystem => self.visits,
            Metric::Time(TimeKind::Service, _) | Metric::ProcessingTime => cut || !self.visits,
            Metric::Utilization => !self.visits,
            _ => false,
        }
    }

    /// Numbers and times of orders that come back.
    #[allow(clippy::too_many_arguments, reason = "one table's columns")]
    fn of_the_order(
        &self,
        figures: &mut Figures,
        visits: &Figures,
        pauses: Option<&Figures>,
        rate: f64,
        (kind, mean, second): (Kind, f64, f64),
        of: &Reduction,
        id: usize,
        alone: bool,
    ) {
        let here = visits.get(&Metric::NumberInSystem).copied();
        let paused = match pauses {
            None => Some(0.0),
            Some(pauses) => pauses
                .get(&Metric::NumberInSystem)
                .map(|figure| figure.value),
        };
        if let Some((here, paused)) = here.zip(paused) {
            let kind = kind.max(here.kind);
            let source = Source {
                kind,
                reference: here.reference,
            };
            let number = here.value + paused;
            put(
                figures,
                Metric::NumberInSystem,
                number,
                "L of the queue and of the pauses",
                source,
            );
            put(
                figures,
                Metric::mean(TimeKind::Sojourn),
                number / rate,
                "W = L/λ",
                source,
            );
            put(figures, Metric::LittleResidual, 0.0, "L = λW", source);
        }
        let stage = &of.network.stages[id];
        let waits = visits.get(&Metric::mean(TimeKind::Waiting)).copied();
        let nobody =
            stage.consumers == Consumers::Unlimited || waits.is_some_and(|w| w.value == 0.0);
        let exponential = stage
            .by_class
            .iter()
            .all(|at| at.service.law().is_exponential().is_some());
        let all = visits.get(&Metric::QueueLength).copied();
        let wait = match (waits, all) {
            _ if nobody => waits,
            // Who comes back early keeps those that come first waiting.
            _ if !self.at_tail => None,
            (Some(wait), _) if exponential || !alone => Some(wait),
            (Some(wait), Some(all)) if stage.consumers == Consumers::Finite(1) => {
                let every = visits
                    .get(&Metric::ArrivalRate)
                    .map_or(0.0, |figure| figure.value);
                let value = all.value * mean + every * second / 2.0;
                Some(Figure {
                    value,
                    formula: "Wq = Lq E[S] + λ'E[S²]/2",
                    reference: WOLFF,
                    ..wait
                })
            }
            (wait, _) => wait.map(|wait| Figure {
                kind: wait.kind.max(Kind::Approximation),
                ..wait
            }),
        };
        let same = exponential || nobody;
        figures.retain(|metric, _| {
            let waiting = matches!(metric, Metric::Time(TimeKind::Waiting, _));
            let first = waiting || *metric == Metric::WaitProbability;
            *metric != Metric::QueueLength && (!first || (wait.is_some() && same))
        });
        if let Some(wait) = wait {
            figures.insert(Metric::mean(TimeKind::Waiting), wait);
            let source = Source {
                kind: wait.kind.max(kind),
                reference: wait.reference,
            };
            put(
                figures,
                Metric::QueueLength,
                rate * wait.value,
                "Lq = λWq, until work first begins",
                source,
            );
            if wait.value > 0.0 {
                put(
                    figures,
                    Metric::LittleResidualQueue,
                    0.0,
                    "Lq = λWq",
                    source,
                );
            }
        }
    }

    /// The figures of the stage from those of its classes.
    fn of_all(
        &self,
        whole: &mut Figures,
        visits: &Figures,
        classes: &[(ClassId, Figures)],
        pauses: Option<&StageTheory>,
    ) {
        let sum = |metric: Metric| {
            let parts: Option<Vec<&Figure>> = classes
                .iter()
                .map(|(_, figures)| figures.get(&metric))
                .collect();
            let parts = parts?;
            let kind = parts.iter().map(|figure| figure.kind).max()?;
            let value = parts.iter().map(|figure| figure.value).sum();
            Some(Figure {
                value,
                kind,
                ..*parts[0]
            })
        };
        *whole = visits.clone();
        whole.retain(|metric, _| {
            let of_the_order = of_a_queue(*metric) && *metric != Metric::WaitProbability;
            !is_residual(*metric) && !self.of_the_visit(*metric) && !(self.visits && of_the_order)
        });
        for metric in [
            Metric::ArrivalRate,
            Metric::Throughput,
            Metric::ByteThroughput,
        ] {
            whole.remove(&metric);
            whole.extend(sum(metric).map(|figure| (metric, figure)));
        }
        if !self.visits {
            whole.remove(&Metric::Utilization);
        }
        let Some(rate) = whole
            .get(&Metric::ArrivalRate)
            .copied()
            .filter(|_| self.visits)
        else {
            return;
        };
        if !self.at_tail {
            whole.remove(&Metric::WaitProbability);
        }
        let paused = match pauses {
            None => Some(0.0),
            Some(at) => at
                .figures
                .get(&Metric::NumberInSystem)
                .map(|figure| figure.value),
        };
        if let (Some(here), Some(paused)) = (visits.get(&Metric::NumberInSystem), paused) {
            let source = Source {
                kind: here.kind.max(rate.kind),
                reference: here.reference,
            };
            let number = here.value + paused;
            put(
                whole,
                Metric::NumberInSystem,
                number,
                "L of the queue and of the pauses",
                source,
            );
            put(
                whole,
                Metric::mean(TimeKind::Sojourn),
                number / rate.value,
                "W = L/λ",
                source,
            );
            put(whole, Metric::LittleResidual, 0.0, "L = λW", source);
        }
        if let Some(waiting) = sum(Metric::QueueLength) {
            whole.insert(Metric::QueueLength, waiting);
            let source = Source {
                kind: waiting.kind,
                reference: waiting.reference,
            };
            let wait = waiting.value / rate.value;
            put(
                whole,
                Metric::mean(TimeKind::Waiting),
                wait,
                "Wq = Σ λ_k Wq_k/λ",
                source,
            );
            if wait > 0.0 {
                put(whole, Metric::LittleResidualQueue, 0.0, "Lq = λWq", source);
            }
        }
    }
}

/// Of the whole pipeline only what enters is known when a part of it is not.
fn cut_pipeline(pipeline: &mut PipelineTheory, reasons: Vec<Reason>) {
    let mut figures = std::mem::take(&mut pipeline.figures);
    figures.retain(|metric, _| *metric == Metric::ArrivalRate);
    *pipeline = PipelineTheory {
        figures,
        unexplained: reasons,
        ..PipelineTheory::blank(Reason::NoOrders)
    };
}
