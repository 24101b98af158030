//! One run, from an empty pipeline to its end.

use super::control::Control;
use super::engine::{Engine, Finished, Observer, OrderRecord, Reached};
use super::timeline::{Slicer, Timeline};
use crate::network::{Horizon, Network};

/// Slices of virtual time in a replication.
const SLICES: f64 = 500.0;

/// An observer that sees nothing.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Observer for Silent {
    #[inline]
    fn left(&mut self, _: &OrderRecord) {}
}

/// How long a replication is and what of it counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Span {
    /// When it ends, seconds; infinite when only the number of orders ends it.
    pub end: f64,
    /// How many orders to let in at most.
    pub orders: u64,
    /// What is left out at the start, seconds.
    pub warmup: f64,
    /// Seconds in a slice of the timeline.
    pub slice: f64,
}

impl Span {
    /// The span that the scenario asks for.
    pub(super) fn of(network: &Network, warmup: f64) -> Span {
        let expected = network.expected_duration();
        let (end, orders) = match network.run.horizon {
            Horizon::Duration(end) => (end, u64::MAX),
            Horizon::Orders(orders) => (f64::INFINITY, orders),
        };
        Span {
            end,
            orders,
            warmup,
            slice: expected / SLICES,
        }
    }

    /// A run of `end` seconds without warm-up.
    pub(super) fn pilot(end: f64) -> Span {
        Span {
            end,
            orders: u64::MAX,
            warmup: 0.0,
            slice: end / SLICES,
        }
    }
}

/// What one replication counted.
pub(super) struct Replication<O> {
    pub counted: Finished<O>,
    pub timeline: Timeline,
    /// Seconds that the orders at each lane had been there when the warm-up ended, and at the end.
    pub ages: (Vec<f64>, Vec<f64>),
    /// When it ended.
    pub end: f64,
    /// Whether it was stopped before its end.
    pub stopped: bool,
    /// Whether it lived through its warm-up.
    pub measured: bool,
}

/// Runs one replication.
pub(super) fn replicate<O: Observer>(
    network: &Network,
    replication: u64,
    span: Span,
    control: &Control,
    observer: O,
) -> Replication<O> {
    let mut run = Run::new(network, replication, span, observer);
    let stopped = run.play(control);
    Replication {
        timeline: run.slicer.finish(),
        ages: (run.ages_at_start, run.engine.ages()),
        end: run.engine.now(),
        stopped,
        measured: run.measuring,
        counted: run.engine.finish(),
    }
}

/// Runs the first replication once more and shows every order to an observer.
pub fn trace_replication<O: Observer>(network: &Network, control: &Control, observer: O) -> O {
    replicate(network, 0, Span::of(network, 0.0), control, observer)
        .counted
        .observer
}

struct Run<'n, O> {
    engine: Engine<'n, O>,
    slicer: Slicer,
    span: Span,
    measuring: bool,
    ages_at_start: Vec<f64>,
}

impl<'n, O: Observer> Run<'n, O> {
    fn new(network: &'n Network, replication: u64, span: Span, observer: O) -> Self {
        Run {
            engine: Engine::new(network, replication, span.orders, observer),
            slicer: Slicer::new(span.slice, network.stages.len() + 1),
            span,
            measuring: span.warmup <= 0.0,
            ages_at_start: vec![0.0; network.stages.len() * network.classes.len()],
        }
    }

    /// From one point in time at which something is written down to the next. Says whether the run
    /// was stopped from outside.
    fn play(&mut self, control: &Control) -> bool {
        loop {
            let edge = snap(self.slicer.next_edge(), self.span.end);
            let next = if self.measuring {
                edge
            } else {
                edge.min(self.span.warmup)
            };
            let next = next.min(self.span.end);
            match self.engine.advance_to(next, control) {
                Reached::Orders => return false,
                Reached::Stop => return true,
                Reached::Time => {}
            }
            if !self.measuring && next >= self.span.warmup {
                self.end_warmup();
            }
            if next >= edge {
                self.slicer.cut(self.engine.counts());
            }
            if next >= self.span.end || (self.span.end.is_infinite() && self.engine.exhausted()) {
                return false;
            }
        }
    }

    fn end_warmup(&mut self) {
        self.slicer.restart(&self.engine.counts());
        self.engine.restart();
        self.ages_at_start = self.engine.ages();
        self.measuring = true;
    }
}

/// The last slice ends with the run, whatever rounding says.
fn snap(edge: f64, end: f64) -> f64 {
    if end.is_finite() && (edge - end).abs() <= 1e-9 * end {
        end
    } else {
        edge
    }
}
