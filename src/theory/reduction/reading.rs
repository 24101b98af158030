//! From the figures of the reduced network to those of the scenario's own.
//!
//! # Formula
//! Where each attempt is a visit, a_k = λ_k + r_k X_k visits a second are offered, r_k X_k of them by orders
//! that come back; so λ_k = a_k − r_k X_k. L counts those at the stage and those that pause, W = L/λ. An order
//! waits until the first work on it begins. Poisson arrivals find what is there in the mean over time
//! (Wolff 1982): they wait as long as in the queue of all visits where service is exponential, and with one
//! consumer and any service Wq = Lq E\[S\] + λ'E\[S²\]/2, λ' being the rate of all visits.

use super::Reduction;
use super::attempts::{Attempts, attempt_moments};
use super::failures::Retried;
use super::handover::Handed;
use super::lanes::Members;
use super::stock::Stocked;
use crate::metric::{Metric, Statistic, TimeKind};
use crate::network::{AfterExpiry, AfterFailure, ClassId, Consumers, Network};
use crate::theory::network::NetworkTheory;
use crate::theory::numeric::quantile;
use crate::theory::sheet::{Sheet, Source, put};
use crate::theory::{Curve, Figure, Figures, Kind, Model, PipelineTheory, Reason, StageTheory};
use std::sync::Arc;

const WOLFF: &str =
    "Kelly 1979, Reversibility and Stochastic Networks; Wolff 1982, Oper. Res. 30 (PASTA)";

/// How a stage of the scenario is read from that of the reduced network.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    /// Features that cut it off, its own and those of stages before.
    pub cut: Vec<Reason>,
    /// Whether how many orders come is known all the same: nothing before it is cut off.
    pub arrivals_known: bool,
    /// The model that tells it in other words.
    pub entry: Option<&'static Model>,
    /// Attempts that fail.
    pub retried: Option<Retried>,
    /// Queues that the stage is made of.
    pub members: Option<Members>,
    /// What keeps a consumer beyond its work.
    pub handed: Option<Handed>,
    /// Consumers that have something to do over all that there are.
    pub busy_share: f64,
    /// What is in stock.
    pub stocked: Option<Stocked>,
    /// Whether what leaves it leaves otherwise than in the reduced network.
    pub spoils_behind: bool,
    /// Seconds after which a message that is not acknowledged is delivered again.
    pub delivered_again: f64,
    /// Why there is no more.
    pub because: Vec<Reason>,
    /// Whether a broker's outages leave this share of the time.
    pub up: Option<f64>,
    /// Whether orders are put aside that are rejected in the reduced network.
    pub puts_aside: bool,
    /// Where an order's way to the queue leads through: its producer's batch, the network, the writer and
    /// the confirmation.
    pub way: Vec<(usize, Metric)>,
    /// What becomes of orders that expire, and in the reduced network lose patience.
    pub expires: Option<AfterExpiry>,
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

impl Default for Reading {
    fn default() -> Reading {
        Reading {
            cut: Vec::new(),
            arrivals_known: true,
            entry: None,
            retried: None,
            members: None,
            handed: None,
            busy_share: 1.0,
            stocked: None,
            spoils_behind: false,
            delivered_again: f64::INFINITY,
            because: Vec::new(),
            up: None,
            puts_aside: false,
            way: Vec::new(),
            expires: None,
            means_only: false,
            approximate: false,
            hidden: Vec::new(),
            classes_unknown: false,
            spoils_latency: false,
            approximate_latency: false,
        }
    }
}

impl Reduction {
    /// The theory of the scenario's own network from that of the reduced one.
    pub fn read(&self, reduced: NetworkTheory, network: &Network) -> NetworkTheory {
        let all = reduced.stages.clone();
        let mut theory = reduced;
        for (id, reading) in self.readings.iter().enumerate() {
            if let Some(members) = &reading.members {
                theory.regime_of_members(id, members.stages.clone());
            }
        }
        let mut theory = theory.described_by(network);
        for (id, (stage, reading)) in theory.stages.iter_mut().zip(&self.readings).enumerate() {
            reading.read(stage, self, &all, id);
        }
        let lost = |(stage, reading): (&StageTheory, &Reading)| {
            let again = reading.delivered_again.is_finite()
                && !stage.figures.contains_key(&Metric::Throughput);
            (again || !reading.because.is_empty()).then(|| stage.unexplained.clone())
        };
        let pairs = theory.stages.iter().zip(&self.readings);
        let unknown: Vec<Reason> = pairs.filter_map(lost).flatten().collect();
        let mut reasons = self.missing();
        for reason in unknown {
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
        if reasons.is_empty() {
            self.read_pipeline(&mut theory, &all, network);
        } else {
            cut_pipeline(&mut theory.pipeline, reasons);
        }
        theory
    }

    fn read_pipeline(&self, theory: &mut NetworkTheory, all: &[StageTheory], network: &Network) {
        let pipeline = &mut theory.pipeline;
        let any = |of: fn(&Reading) -> bool| self.readings.iter().any(of);
        let of_latency = |metric: &Metric| {
            matches!(
                metric,
                Metric::Time(TimeKind::Latency, _) | Metric::ProcessingTime
            )
        };
        let waits = |reading: &Reading| {
            reading
                .stocked
                .is_some_and(|stock| stock.waits_at.is_some())
        };
        if any(|reading| reading.means_only || reading.approximate_latency) || any(waits) {
            let beyond = |metric: &Metric| matches!(metric, Metric::Time(TimeKind::Latency, s) if *s != Statistic::Mean);
            pipeline.figures.retain(|metric, _| !beyond(metric));
            pipeline.latency = None;
        }
        if any(|reading| !reading.hidden.is_empty() && reading.spoils_latency) {
            pipeline.figures.retain(|metric, _| !of_latency(metric));
            pipeline.latency = None;
        }
        if any(|reading| reading.stocked.is_some_and(|stock| !stock.exact)) {
            for figure in pipeline.figures.values_mut() {
                figure.kind = figure.kind.max(Kind::Approximation);
            }
        }
        // Who finds something in stock tends to come late after the one before.
        let picks = any(|reading| reading.stocked.is_some_and(|stock| stock.loses));
        if let Some(figure) = pipeline
            .figures
            .get_mut(&Metric::mean(TimeKind::Latency))
            .filter(|_| picks)
        {
            figure.kind = figure.kind.max(Kind::Approximation);
        }
        let approximate = any(|reading| reading.approximate);
        if approximate || any(|reading| reading.spoils_latency) {
            for (metric, figure) in &mut pipeline.figures {
                // The mean is corrected below.
                let mean = *metric == Metric::mean(TimeKind::Latency);
                let of_a_queue = of_a_queue(*metric) || mean;
                let concerned = (of_latency(metric) && !mean) || (approximate && of_a_queue);
                if concerned {
                    figure.kind = figure.kind.max(Kind::Approximation);
                }
            }
            if let Some(curve) = &mut pipeline.latency {
                curve.kind = curve.kind.max(Kind::Approximation);
            }
        }
        let steady = pipeline
            .figures
            .get(&Metric::BacklogGrowth)
            .is_some_and(|growth| growth.value == 0.0);
        let ends = (
            pipeline.figures.get(&Metric::ArrivalRate).copied(),
            pipeline.figures.get(&Metric::Throughput).copied(),
        );
        if let (Some(entering), Some(completed), true) = (ends.0, ends.1, steady) {
            let source = Source {
                kind: entering.kind.max(completed.kind),
                reference: completed.reference,
            };
            let share = completed.value / entering.value;
            put(
                &mut pipeline.figures,
                Metric::CompletionProbability,
                share,
                "X/λ",
                source,
            );
        }
        self.read_handover(theory);
        self.read_parts(theory, all, network);
        let pipeline = &mut theory.pipeline;
        if self.network.stages.len() > network.stages.len()
            || any(|reading| reading.retried.is_some() || reading.handed.is_some())
        {
            // What comes back to a queue is not waiting any more; what is handed over still is; what waits for
            // the broker's writer does not yet.
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

    /// Orders do not wait for the acknowledgement, and nobody works during a hand-over.
    fn read_handover(&self, theory: &mut NetworkTheory) {
        let handed = self
            .readings
            .iter()
            .filter_map(|reading| reading.handed.as_ref());
        if handed.count() == 0 {
            return;
        }
        let (mut known, mut kept) = (true, 0.0);
        for (stage, reading) in theory.stages.iter().zip(&self.readings) {
            if let Some(handed) = &reading.handed {
                let rate = stage.figures.get(&Metric::ArrivalRate);
                known &= rate.is_some();
                kept += rate.map_or(0.0, |figure| figure.value * handed.acknowledge);
            }
        }
        let pipeline = &mut theory.pipeline;
        if kept == 0.0 && known {
            return;
        }
        pipeline.latency = None;
        pipeline.figures.retain(|metric, _| {
            let beyond =
                matches!(metric, Metric::Time(TimeKind::Latency, s) if *s != Statistic::Mean);
            !(beyond || !known && *metric == Metric::NumberInSystem)
        });
        if let Some(number) = pipeline.figures.get_mut(&Metric::NumberInSystem) {
            number.value -= kept;
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
pub(super) fn of_a_queue(metric: Metric) -> bool {
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
        if let Some(members) = &self.members {
            members.read(stage, all);
        }
        if let Some(handed) = &self.handed {
            handed.read(stage);
        }
        self.read_time_out(stage, &of.network.stages[id].name);
        self.read_losses(stage);
        if let Some(stocked) = &self.stocked {
            stocked.read(stage, all);
        }
        self.read_way(stage, all);
        if self.busy_share != 1.0
            && let Some(busy) = stage.figures.get_mut(&Metric::Utilization)
        {
            busy.value *= self.busy_share;
        }
        let shown = |metric: &Metric| {
            let second = matches!(metric, Metric::Time(TimeKind::Waiting | TimeKind::Sojourn, s) if *s != Statistic::Mean);
            let not_its_own = self.hidden.iter().any(|hidden| hidden(*metric));
            !(not_its_own || self.means_only && second)
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
        stage.unexplained.extend(self.because.iter().cloned());
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
        if let Some(up) = self.up {
            let source = Source::exact("renewal reward; Ross 1996, Stochastic Processes, 3.4");
            put(
                &mut stage.figures,
                Metric::Availability,
                up,
                "U/(U + D)",
                source,
            );
        }
    }

    /// Nothing is known of the queue where messages wait so long that they are delivered twice.
    fn read_time_out(&self, stage: &mut StageTheory, name: &str) {
        let time = self.delivered_again;
        let sojourn = stage.figures.get(&Metric::mean(TimeKind::Sojourn));
        let quick = match (&stage.sojourn, sojourn) {
            (Some(curve), _) => curve.at(time) < 1e-12,
            (None, Some(mean)) => 200.0 * mean.value < time,
            (None, None) => time.is_infinite(),
        };
        if quick || time.is_infinite() {
            return;
        }
        let classes = stage.classes.iter_mut().map(|(_, figures)| figures);
        for figures in classes.chain([&mut stage.figures]) {
            figures.retain(|metric, _| *metric == Metric::ArrivalRate);
        }
        (stage.waiting, stage.sojourn) = (None, None);
        stage.unexplained.push(Reason::Violated {
            place: name.to_owned(),
            feature: "visibility_timeout",
            why: "messages wait so long at a consumer that they are delivered twice",
        });
    }

    /// Who expires has not lost patience, and who is put aside has been rejected as well.
    fn read_losses(&self, stage: &mut StageTheory) {
        let classes = stage.classes.iter_mut().map(|(_, figures)| figures);
        for figures in classes.chain([&mut stage.figures]) {
            if let Some(then) = self.expires
                && let Some(gone) = figures.remove(&Metric::AbandonProbability)
            {
                figures.insert(Metric::ExpiryProbability, gone);
                if then == AfterExpiry::DeadLetter {
                    figures.insert(Metric::DeadLetterRate, gone);
                }
            }
            if let (true, Some(lost)) = (self.puts_aside, figures.get(&Metric::LossProbability)) {
                figures.insert(Metric::DeadLetterRate, *lost);
            }
        }
    }

    /// What the way to the queue takes.
    fn read_way(&self, stage: &mut StageTheory, all: &[StageTheory]) {
        for wanted in [Metric::NetworkTime, Metric::EnqueueTime] {
            let parts = self.way.iter().filter(|(_, metric)| *metric == wanted);
            let sojourn = |at: usize| {
                all[at]
                    .figures
                    .get(&Metric::mean(TimeKind::Sojourn))
                    .copied()
            };
            let parts: Option<Vec<Figure>> = parts.map(|(at, _)| sojourn(*at)).collect();
            let Some(parts) = parts.filter(|_| !self.way.is_empty()) else {
                continue;
            };
            let kind = parts
                .iter()
                .map(|part| part.kind)
                .max()
                .unwrap_or(Kind::Exact);
            let reference = parts.first().map_or("no such cost", |part| part.reference);
            let value = parts.iter().map(|part| part.value).sum();
            let source = Source { kind, reference };
            put(&mut stage.figures, wanted, value, "Σ of the means", source);
        }
    }
}

impl Stocked {
    fn read(&self, stage: &mut StageTheory, all: &[StageTheory]) {
        let kind = match self.exact {
            true => Kind::Exact,
            false => Kind::Approximation,
        };
        let reference = super::stock::BASE_STOCK.source;
        let source = Source { kind, reference };
        let figures = &mut stage.figures;
        put(
            figures,
            Metric::FillRate,
            1.0 - self.shortage,
            "1 − Σ p_i P(none of i)",
            source,
        );
        put(
            figures,
            Metric::StockOutProbability,
            self.shortage,
            "Σ p_i P(none of i)",
            source,
        );
        put(
            figures,
            Metric::StockOnHand,
            self.on_hand,
            "Σ E[units of i]",
            source,
        );
        let short = match self.loses {
            true => Metric::LostSaleProbability,
            false => Metric::BackorderProbability,
        };
        put(figures, short, self.shortage, "Σ p_i P(none of i)", source);
        let Some(waits) = self.waits_at.map(|at| &all[at].figures) else {
            return;
        };
        let added = |metric: Metric| waits.get(&metric).map_or(0.0, |figure| figure.value);
        let (longer, more) = (
            added(Metric::mean(TimeKind::Sojourn)),
            added(Metric::NumberInSystem),
        );
        let sojourn = |metric: &Metric| matches!(metric, Metric::Time(TimeKind::Sojourn, _));
        stage
            .figures
            .retain(|metric, _| !sojourn(metric) || *metric == Metric::mean(TimeKind::Sojourn));
        for (metric, by) in [
            (Metric::mean(TimeKind::Sojourn), longer),
            (Metric::NumberInSystem, more),
        ] {
            if let Some(figure) = stage.figures.get_mut(&metric) {
                figure.value += by;
                figure.kind = figure.kind.max(kind);
            }
        }
        for (_, figures) in &mut stage.classes {
            figures.retain(|metric, _| !sojourn(metric) && *metric != Metric::NumberInSystem);
        }
        stage.sojourn = None;
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
        self.of_attempts(stage, &visitors);
        self.own_words(stage, of, id);
    }

    /// How attempts end.
    fn of_attempts(&self, stage: &mut StageTheory, visitors: &[usize]) {
        let source = |rate: &Figure| Source {
            kind: rate.kind,
            reference: super::failures::RETRIES.source,
        };
        let put_all = |figures: &mut Figures, rates: &[(usize, Figure)]| {
            let all: f64 = rates.iter().map(|(_, rate)| rate.value).sum();
            let Some((_, first)) = rates.first().filter(|_| all > 0.0) else {
                return;
            };
            let sum = |of: &dyn Fn(&Attempts) -> f64| -> f64 {
                rates
                    .iter()
                    .map(|(k, rate)| rate.value * of(&self.attempts[*k]))
                    .sum()
            };
            let alone = rates.len() == 1;
            let source = match alone {
                true => Source {
                    kind: Kind::Exact,
                    ..source(first)
                },
                false => source(first),
            };
            let attempts = sum(&Attempts::mean);
            let failed = sum(&|tries| tries.mean() * tries.fails);
            let given_up = sum(&Attempts::all_fail) / all;
            put(
                figures,
                Metric::FailureProbability,
                failed / attempts,
                "q",
                source,
            );
            put(
                figures,
                Metric::AttemptsPerMessage,
                attempts / all,
                "E[N] = (1 − qⁿ)/(1 − q)",
                source,
            );
            if self.visits {
                let again = 1.0 - all / attempts;
                put(figures, Metric::RedeliveryRate, again, "1 − 1/E[N]", source);
            }
            match self.then {
                AfterFailure::DeadLetter => {
                    put(figures, Metric::DeadLetterRate, given_up, "qⁿ", source);
                }
                AfterFailure::Lost => put(figures, Metric::MessageLossRate, given_up, "qⁿ", source),
                AfterFailure::Cancelled | AfterFailure::Stage(_) => {}
            }
        };
        // Where the queue grows for ever, those that are given up are not yet so many.
        let steady = stage
            .figures
            .get(&Metric::BacklogGrowth)
            .is_some_and(|growth| growth.value == 0.0);
        if !steady {
            return;
        }
        let mut rates = Vec::new();
        for (class, figures) in &mut stage.classes {
            if let Some(rate) = figures.get(&Metric::ArrivalRate).copied() {
                rates.push((class.0, rate));
                put_all(figures, &[(class.0, rate)]);
            }
        }
        if let (true, Some(rate)) = (rates.is_empty(), stage.figures.get(&Metric::ArrivalRate)) {
            rates.push((visitors.first().copied().unwrap_or(0), *rate));
        }
        put_all(&mut stage.figures, &rates);
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
        let (work, _) = attempt_moments(&self.service[class], self.timeout);
        let all = Source::exact("the law of an attempt, min(S, T)");
        put(
            &mut figures,
            Metric::ProcessingTime,
            tries.mean() * work,
            "E[N] E[min(S, T)]",
            all,
        );
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
        let variance = match service.ccdf(self.timeout) > 0.0 {
            true => second - mean * mean,
            false => service.variance(),
        };
        let mut sheet = Sheet::new(Source::exact("the law of an attempt, min(S, T)"));
        sheet
            .mean(TimeKind::Service, mean, "E[min(S, T)]")
            .variance(TimeKind::Service, variance, "Var(min(S, T))")
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
            Metric::Time(TimeKind::Service, _) => cut || !self.visits,
            Metric::ProcessingTime => true,
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
            !(*metric == Metric::QueueLength || first && !(wait.is_some() && same))
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
            let of_a_visit = self.of_the_visit(*metric) || self.visits && of_the_order;
            !(is_residual(*metric) || of_a_visit)
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
        if let Some(all) = sum(Metric::ArrivalRate) {
            let work = classes.iter().map(|(_, figures)| {
                let of = |metric| {
                    figures
                        .get(&metric)
                        .map_or(0.0, |figure: &Figure| figure.value)
                };
                of(Metric::ArrivalRate) * of(Metric::ProcessingTime)
            });
            let source = Source {
                kind: all.kind,
                reference: all.reference,
            };
            let mean = work.sum::<f64>() / all.value;
            put(
                whole,
                Metric::ProcessingTime,
                mean,
                "Σ λ_k E[N_k] E[S_k]/λ",
                source,
            );
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

impl Members {
    /// Puts a stage together from the queues of its members.
    fn read(&self, stage: &mut StageTheory, all: &[StageTheory]) {
        let parts: Vec<&StageTheory> = self.stages.clone().map(|at| &all[at]).collect();
        let figures: Vec<&Figures> = parts.iter().map(|part| &part.figures).collect();
        let busy = f64::from(self.threads) / f64::from(self.consumers);
        stage.figures = together(&figures, busy);
        for (class, own) in &mut stage.classes {
            let of_class = parts.iter().map(|part| {
                let found = part.classes.iter().find(|(k, _)| k == class);
                found.map_or(&part.figures, |(_, figures)| figures)
            });
            *own = together(&of_class.collect::<Vec<_>>(), busy);
        }
        stage.model = format!("{} × {}", parts.len(), parts[0].model);
        stage.offered_load = stage
            .figures
            .get(&Metric::Utilization)
            .map(|figure| figure.value);
        stage.service = parts[0].service.clone();
        stage.unexplained.clear();
        for reason in parts.iter().flat_map(|part| &part.unexplained) {
            if !stage.unexplained.contains(reason) {
                stage.unexplained.push(reason.clone());
            }
        }
        stage.waiting = self.mixed(&parts, |part| part.waiting.as_ref());
        stage.sojourn = self.mixed(&parts, |part| part.sojourn.as_ref());
        let curves = [
            (TimeKind::Waiting, &stage.waiting),
            (TimeKind::Sojourn, &stage.sojourn),
        ];
        for (time, curve) in curves {
            let mean = stage
                .figures
                .get(&Metric::mean(time))
                .map(|figure| figure.value);
            let (Some(curve), Some(mean)) = (curve, mean) else {
                continue;
            };
            let source = Source {
                kind: curve.kind,
                reference: curve.reference,
            };
            let mut sheet = Sheet::new(source);
            let formula = "Σ λ_j P(T_j > t)/λ, by bisection";
            sheet.quantiles(time, |p| quantile(|t| curve.at(t), p, mean), formula);
            stage.figures.append(&mut sheet.finish());
        }
    }

    /// P(T > t) of any message.
    fn mixed(
        &self,
        parts: &[&StageTheory],
        of: fn(&StageTheory) -> Option<&Curve>,
    ) -> Option<Curve> {
        let curves: Option<Vec<Curve>> = parts.iter().map(|part| of(part).cloned()).collect();
        let curves = curves?;
        let rates: Vec<f64> = parts.iter().map(|part| part.offered_rate).collect();
        let total: f64 = rates.iter().sum();
        let kind = curves.iter().map(|curve| curve.kind).max()?;
        Some(Curve {
            kind,
            formula: "Σ λ_j P(T_j > t)/λ",
            reference: curves[0].reference,
            ccdf: Arc::new(move |t| {
                let each = curves.iter().zip(&rates);
                each.map(|(curve, rate)| rate * curve.at(t)).sum::<f64>() / total
            }),
        })
    }
}

/// The figures of several queues as those of one stage; only what every queue has.
fn together(parts: &[&Figures], busy: f64) -> Figures {
    let mut whole = Figures::new();
    let all = |metric: Metric| -> Option<Vec<Figure>> {
        parts
            .iter()
            .map(|figures| figures.get(&metric).copied())
            .collect()
    };
    let rates = all(Metric::ArrivalRate).unwrap_or_default();
    let total: f64 = rates.iter().map(|rate| rate.value).sum();
    let mean_of = |values: &[Figure]| -> f64 {
        let each = values.iter().zip(&rates);
        each.map(|(figure, rate)| figure.value * rate.value)
            .sum::<f64>()
            / total
    };
    for metric in parts[0].keys().copied() {
        let Some(values) = all(metric) else {
            continue;
        };
        let kind = values
            .iter()
            .map(|figure| figure.kind)
            .max()
            .unwrap_or(Kind::Exact);
        let sum: f64 = values.iter().map(|figure| figure.value).sum();
        let value = match metric {
            Metric::ArrivalRate
            | Metric::Throughput
            | Metric::ByteThroughput
            | Metric::QueueLength
            | Metric::NumberInSystem
            | Metric::BacklogGrowth => sum,
            Metric::Utilization => sum * busy,
            Metric::Time(time, Statistic::Variance) => {
                let Some(means) = all(Metric::mean(time)) else {
                    continue;
                };
                let square = |pair: (&Figure, &Figure)| Figure {
                    value: pair.0.value + pair.1.value.powi(2),
                    ..*pair.0
                };
                let squares: Vec<Figure> = values.iter().zip(&means).map(square).collect();
                mean_of(&squares) - mean_of(&means).powi(2)
            }
            Metric::Time(TimeKind::Waiting | TimeKind::Sojourn, statistic)
                if statistic != Statistic::Mean =>
            {
                continue;
            }
            Metric::Time(TimeKind::Service, statistic) if statistic != Statistic::Mean => {
                values[0].value
            }
            _ => mean_of(&values),
        };
        whole.insert(
            metric,
            Figure {
                value,
                kind,
                ..values[0]
            },
        );
    }
    whole
}

impl Handed {
    fn read(&self, stage: &mut StageTheory) {
        let whole = self.of(&stage.figures, None);
        for (class, figures) in &mut stage.classes {
            *figures = self.of(figures, Some(class.0));
        }
        stage.figures = whole;
        let source = Source::exact("the stage's law of hand-over");
        put(
            &mut stage.figures,
            Metric::DequeueTime,
            self.handover,
            "E[H]",
            source,
        );
        stage.service = None;
        stage.alternatives.clear();
        if self.handover > 0.0 {
            stage.waiting = None;
        }
        if self.acknowledge > 0.0 {
            stage.sojourn = None;
        }
        stage.offered_load = stage
            .figures
            .get(&Metric::Utilization)
            .map(|figure| figure.value);
    }

    fn of(&self, kept: &Figures, class: Option<usize>) -> Figures {
        let mut figures = kept.clone();
        let rate = kept
            .get(&Metric::ArrivalRate)
            .map_or(0.0, |figure| figure.value);
        let beyond = |time: TimeKind, metric: &Metric| matches!(metric, Metric::Time(t, s) if *t == time && *s != Statistic::Mean);
        figures.retain(|metric, _| {
            let service = matches!(metric, Metric::Time(TimeKind::Service, _));
            let waiting = self.handover > 0.0 && beyond(TimeKind::Waiting, metric);
            let sojourn = self.acknowledge > 0.0 && beyond(TimeKind::Sojourn, metric);
            !(service || waiting || sojourn || *metric == Metric::ProcessingTime)
        });
        let mut shift = |metric: Metric, by: f64| {
            if let Some(figure) = figures.get_mut(&metric) {
                figure.value += by;
            }
        };
        let (handover, acknowledge) = (self.handover, self.acknowledge);
        shift(Metric::mean(TimeKind::Waiting), handover);
        shift(Metric::QueueLength, rate * handover);
        shift(Metric::mean(TimeKind::Sojourn), -acknowledge);
        shift(Metric::NumberInSystem, -rate * acknowledge);
        let steady = kept
            .get(&Metric::BacklogGrowth)
            .is_some_and(|figure| figure.value == 0.0);
        if steady {
            shift(
                Metric::Utilization,
                -rate * (handover + acknowledge) / self.consumers,
            );
        } else {
            figures.remove(&Metric::Utilization);
        }
        let first = &self.service[class.unwrap_or(0)];
        if class.is_some() || self.service.iter().all(|law| law == first) {
            let mut sheet = Sheet::new(Source::exact("the stage's service law"));
            sheet
                .mean(TimeKind::Service, first.mean(), "E[S]")
                .put(Metric::ProcessingTime, first.mean(), "E[S]")
                .variance(TimeKind::Service, first.variance(), "Var(S)")
                .quantiles(TimeKind::Service, |p| Some(first.quantile(p)), "F_S⁻¹(p)");
            figures.append(&mut sheet.finish());
        }
        figures
    }
}
