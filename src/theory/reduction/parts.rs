//! Where the time of completed orders goes, in a pipeline whose features were told in other words.
//!
//! # Formula
//! Completed orders make v = a h/X visits to a stage (see [`crate::theory::pipeline`]), and were not given up there:
//! of at most n attempts they made E\[N | success\] = Σ (q^k − qⁿ)/(1 − qⁿ), k < n; all but the last of these failed.
//! What they took less than all orders do is taken off the latency; what is left of the latency beside the
//! other parts is queueing.

use super::Reduction;
use super::attempts::{Attempts, pause_means, successful};
use super::reading::Reading;
use crate::metric::{Metric, TimeKind};
use crate::network::{AfterFailure, Capacity, Discipline, Fork, Network, Reliability, Stage};
use crate::theory::network::NetworkTheory;
use crate::theory::pipeline::class_figures;
use crate::theory::sheet::{Source, put};
use crate::theory::traffic::Traffic;
use crate::theory::{Kind, StageTheory};

/// Means over completed orders.
#[derive(Debug, Clone, Copy, Default)]
struct Parts {
    network: f64,
    enqueue: f64,
    dequeue: f64,
    processing: f64,
    retry: f64,
    /// What all orders take more than those that are completed, hand-over's acknowledgement included.
    beyond: f64,
}

impl Reduction {
    /// Corrects the mean latency, and adds its parts.
    pub(super) fn read_parts(
        &self,
        theory: &mut NetworkTheory,
        all: &[StageTheory],
        network: &Network,
    ) {
        let latency = Metric::mean(TimeKind::Latency);
        let figures = &mut theory.pipeline.figures;
        figures.remove(&Metric::ProcessingTime);
        let parts = self
            .parts(all, network)
            .filter(|_| figures.contains_key(&latency));
        let Some(parts) = parts else {
            // How much less those take that are completed is not known.
            let unlike = |reading: &Reading| {
                reading.spoils_latency
                    || reading
                        .handed
                        .as_ref()
                        .is_some_and(|handed| handed.acknowledge > 0.0)
            };
            if self.readings.iter().any(unlike)
                && let Some(figure) = figures.get_mut(&latency)
            {
                figure.kind = figure.kind.max(Kind::Approximation);
            }
            return;
        };
        let Some(figure) = figures.get_mut(&latency) else {
            return;
        };
        figure.value -= parts.beyond;
        let source = Source {
            kind: figure.kind,
            reference: figure.reference,
        };
        let whole = figure.value;
        let named = [
            (Metric::NetworkTime, parts.network),
            (Metric::EnqueueTime, parts.enqueue),
            (Metric::DequeueTime, parts.dequeue),
            (Metric::ProcessingTime, parts.processing),
            (Metric::RetryTime, parts.retry),
        ];
        let known: f64 = named.iter().map(|(_, value)| value).sum();
        for (metric, value) in named {
            let sure = match value == 0.0 {
                true => Source {
                    kind: Kind::Exact,
                    ..source
                },
                false => source,
            };
            put(figures, metric, value, "Σ v_i of its means", sure);
        }
        let queueing = (whole - known).max(0.0);
        put(
            figures,
            Metric::QueueingTime,
            queueing,
            "the latency less its other parts",
            source,
        );
    }

    fn parts(&self, all: &[StageTheory], network: &Network) -> Option<Parts> {
        // Where a consumer is held up or shares its time, that counts as processing.
        let strange = |stage: &Stage| {
            matches!(stage.extras.fork, Fork::JoinAll(_))
                || matches!(stage.capacity, Capacity::Block(_) | Capacity::Retry(..))
                || stage.extras.reliability != Reliability::Perfect
                || matches!(
                    stage.discipline,
                    Discipline::ProcessorSharing
                        | Discipline::ShortestRemaining
                        | Discipline::PreemptivePriority
                        | Discipline::PreemptiveRestart
                )
        };
        if network.stages.iter().any(strange) {
            return None;
        }
        let traffic = Traffic::solve(&self.network).ok()?;
        // Who is given up and completed all the same took longer than who succeeded.
        let goes_on = |reading: &Reading| {
            let retried = reading.retried.as_ref();
            retried.is_some_and(|how| {
                let given_up = how.attempts.iter().any(|tries| tries.all_fail() > 0.0);
                let completed = match how.then {
                    AfterFailure::Stage(to) => traffic.completing[to.0].iter().any(|h| *h > 0.0),
                    _ => false,
                };
                given_up && completed
            })
        };
        if self.readings.iter().any(goes_on) {
            return None;
        }
        let rates = |of: &dyn Fn(usize, usize) -> f64| -> f64 {
            let stages = 0..self.network.stages.len();
            let each = stages.flat_map(|s| (0..network.classes.len()).map(move |k| (s, k)));
            each.map(|(s, k)| of(s, k)).sum()
        };
        let completed = rates(&|s, k| traffic.entering[s][k] * traffic.completing[s][k]);
        let visits =
            |s: usize, k: usize| traffic.originals[s][k] * traffic.completing[s][k] / completed;
        let mut parts = Parts::default();
        for (id, reading) in self.readings.iter().enumerate() {
            for class in 0..network.classes.len() {
                let visits = visits(id, class);
                if visits > 0.0 {
                    parts.add(visits, id, class, reading, all, network)?;
                }
            }
        }
        (completed > 0.0).then_some(parts)
    }
}

impl Parts {
    /// Adds what orders of a class spend at a stage.
    fn add(
        &mut self,
        visits: f64,
        id: usize,
        class: usize,
        reading: &Reading,
        all: &[StageTheory],
        network: &Network,
    ) -> Option<()> {
        let service = network.stages[id].by_class[class].service.law();
        let orders = match &reading.retried {
            Some(retried) if retried.visits => visits / retried.attempts[class].mean(),
            _ => visits,
        };
        for (at, part) in reading.way.iter().copied() {
            let metric = Metric::mean(TimeKind::Sojourn);
            let time = class_figures(&all[at], class).get(&metric)?.value;
            match part {
                Metric::NetworkTime => self.network += orders * time,
                _ => self.enqueue += orders * time,
            }
        }
        if let Some(handed) = &reading.handed {
            self.dequeue += orders * handed.handover;
            self.beyond += orders * handed.acknowledge;
        }
        let Some(retried) = &reading.retried else {
            self.processing += orders * service.mean();
            return Some(());
        };
        let tries = &retried.attempts[class];
        let (failing, succeeding) = retried.ends[class];
        let made = successful(tries);
        let work = (made - 1.0) * failing + succeeding;
        let (pauses, pauses_of_completed) = pause_means(&retried.backoff, tries)?;
        self.processing += orders * work;
        self.retry += orders * pauses_of_completed;
        self.beyond += orders * (pauses - pauses_of_completed);
        let all_work = work_of_all(tries, failing, succeeding);
        self.beyond += orders * (all_work - work);
        if retried.visits {
            let wait = Metric::mean(TimeKind::Waiting);
            let wait = class_figures(&all[id], class)
                .get(&wait)
                .map(|figure| figure.value);
            let fewer = tries.mean() - made;
            self.beyond += orders * fewer * if fewer > 0.0 { wait? } else { 0.0 };
        }
        Some(())
    }
}

/// E of all attempts of any order.
fn work_of_all(tries: &Attempts, failing: f64, succeeding: f64) -> f64 {
    tries.mean() * (tries.fails * failing + (1.0 - tries.fails) * succeeding)
}
