//! Replications put together: estimates with their spread, pooled distributions, accounts.

use super::beyond;
use super::means::EngineKind;
use super::measure::{Shown, figures, imbalance};
use super::outcome::{Imprecision, MessageAccounts, Outcomes, SimError, SimResult};
use super::place_fold::{Context, PlaceFold};
use super::plan::Start;
use super::replication::{Replication, Span};
use super::timeline::Timeline;
use crate::network::{Network, Replications};
use crate::random::Arrivals;

/// Rounding over a long run stays far below this.
const IMBALANCE: f64 = 1e-6;

/// The replications so far.
pub(super) struct Fold<'n> {
    network: &'n Network,
    engine: EngineKind,
    shown: Shown,
    start: Start,
    places: Vec<PlaceFold>,
    timeline: Timeline,
    outcomes: Outcomes,
    entered: u64,
    messages: Option<MessageAccounts>,
    measured: f64,
    replications: u64,
    imbalance: f64,
    /// Replications that were stopped from outside: used only if there is no other.
    cut_short: Vec<Replication<super::Silent>>,
    /// When a replication ended that did not live through its warm-up.
    too_short: Option<f64>,
}

impl<'n> Fold<'n> {
    pub(super) fn new(
        network: &'n Network,
        engine: EngineKind,
        start: Start,
        span: Span,
    ) -> Fold<'n> {
        Fold {
            network,
            engine,
            shown: Shown::OfTheScenario,
            start,
            places: Vec::new(),
            timeline: Timeline::empty(span.slice),
            outcomes: Outcomes::default(),
            entered: 0,
            messages: None,
            measured: 0.0,
            replications: 0,
            imbalance: 0.0,
            cut_short: Vec::new(),
            too_short: None,
        }
    }

    /// For one run that is live, or is to stand beside one that is.
    pub(super) fn beside_live(
        network: &'n Network,
        engine: EngineKind,
        start: Start,
        span: Span,
    ) -> Fold<'n> {
        Fold {
            shown: Shown::Live,
            ..Fold::new(network, engine, start, span)
        }
    }

    /// Takes the next replication.
    pub(super) fn add(&mut self, replication: Replication<super::Silent>) {
        if replication.stopped {
            self.cut_short.push(replication);
        } else {
            self.take(replication);
        }
    }

    fn take(&mut self, replication: Replication<super::Silent>) {
        if !replication.measured || replication.end <= self.start.warmup {
            self.too_short = Some(replication.end);
            return;
        }
        self.imbalance = self.imbalance.max(imbalance(&replication));
        self.outcomes.add(&replication.counted.outcomes);
        self.entered += replication.counted.entered;
        if let Some(happened) = &replication.counted.happened {
            let messages = self.messages.get_or_insert_default();
            messages.add(&beyond::accounts(happened));
        }
        self.measured += replication.end - self.start.warmup;
        self.timeline.add(&replication.timeline);
        self.replications += 1;
        let figures = figures(self.network, self.shown, self.start.warmup, replication);
        if self.places.is_empty() {
            self.places = figures.iter().map(|f| PlaceFold::new(f.place)).collect();
        }
        self.places
            .iter_mut()
            .zip(figures)
            .for_each(|(place, figures)| place.add(figures));
    }

    /// The worst relative half-width of any mean, and whose it is.
    pub(super) fn precision(&self) -> Option<Imprecision> {
        let level = self.network.run.confidence;
        let worst = self.places.iter().filter_map(|place| {
            let (relative, metric) = place.precision(level)?;
            Some(Imprecision {
                relative,
                place: place.place(),
                metric,
            })
        });
        worst.max_by(|a, b| a.relative.total_cmp(&b.relative))
    }

    /// Closes the accounts.
    pub(super) fn finish(mut self, stopped: bool) -> Result<SimResult, SimError> {
        if self.replications == 0 {
            std::mem::take(&mut self.cut_short)
                .into_iter()
                .for_each(|r| self.take(r));
        }
        if self.replications == 0 && stopped {
            return Err(SimError::Stopped);
        }
        if let Some(ended) = self.too_short.filter(|_| !stopped) {
            return Err(SimError::NothingAfterWarmup {
                ended,
                warmup: self.start.warmup,
            });
        }
        self.check_accounts()?;
        let imprecise = match self.network.run.replications {
            Replications::Fixed(_) => None,
            Replications::Precision { relative, .. } => {
                self.precision().filter(|worst| worst.relative > relative)
            }
        };
        let measured = self.measured / self.replications as f64;
        let context = Context {
            measured,
            replications: self.replications as f64,
            together: orders_together(self.network),
            stationary: self.network.is_stationary(),
        };
        Ok(SimResult {
            places: self
                .places
                .into_iter()
                .filter_map(|place| place.finish(&context))
                .collect(),
            outcomes: self.outcomes,
            entered: self.entered,
            messages: self.messages,
            engine: self.engine,
            start: self.start,
            measured,
            replications: self.replications,
            timeline: self.timeline,
            partial: stopped,
            imprecise,
        })
    }
}

impl Fold<'_> {
    /// Every order under exactly one outcome, every copy ended or there, and Little's law with its edges at every lane.
    fn check_accounts(&self) -> Result<(), SimError> {
        let (entered, accounted) = (self.entered, self.outcomes.total());
        if accounted != entered {
            return Err(SimError::Unaccounted { entered, accounted });
        }
        if let Some(messages) = &self.messages {
            messages.check()?;
        }
        if self.imbalance > IMBALANCE {
            return Err(SimError::Unbalanced {
                share: self.imbalance,
            });
        }
        Ok(())
    }
}
/// Orders that the producers send at once, each its own: one, or a batch.
fn orders_together(network: &Network) -> f64 {
    let each = network.producers.iter().map(|p| match &p.arrivals {
        Arrivals::Batch { size, .. } => size.mean(),
        _ => 1.0,
    });
    each.sum()
}
