//! One run, from an empty pipeline to its end.

use super::control::Control;
use super::engine::{Engine, Finished, Observer, OrderRecord, Reached};
use super::full::Full;
use super::means::{EngineChoice, EngineKind, Means};
use super::outcome::SimError;
use super::recursion::{Anonymous, Numbered, Recursion};
use super::script::Script;
use super::timeline::{Slice, Slicer, Timeline};
use crate::network::{Horizon, Network};

/// Slices of virtual time in a replication.
const SLICES: f64 = 500.0;

/// An observer that sees nothing.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Observer for Silent {
    const SEES: bool = false;

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

    /// The span of a run that ends at `end`, whatever the scenario says.
    pub(super) fn until(end: f64, network: &Network, warmup: f64) -> Span {
        Span {
            end,
            orders: u64::MAX,
            ..Span::of(network, warmup)
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

/// An engine in mid-replication. Both tell the same story: after each step everything has happened,
/// and been counted, up to the same instant.
pub(super) trait Machine<O> {
    /// Lets some of what happens up to `end` happen, in order, events at that very instant included:
    /// some milliseconds of work at most. Says why there is no more to do, if so.
    fn advance(&mut self, end: f64) -> Option<Reached>;
    /// Orders that have entered.
    fn entered(&self) -> u64;
    /// The warm-up ends: all averages start again, who is present stays.
    fn restart(&mut self);
    /// Counts so far: the pipeline's, then every stage's.
    fn counts(&mut self) -> Vec<Slice>;
    /// Seconds that the orders now at each lane have been there.
    fn ages(&self) -> Vec<f64>;
    /// Virtual time, seconds.
    fn now(&self) -> f64;
    /// Whether nothing can happen any more.
    fn exhausted(&self) -> bool;
    /// Ends the run and hands over what was counted.
    fn finish(self) -> Finished<O>;

    /// Lets everything happen up to `end`, events at that very instant included.
    fn advance_to(&mut self, end: f64, control: &Control) -> Reached {
        loop {
            let before = self.entered();
            let reached = self.advance(end);
            control.add_orders(self.entered() - before);
            if control.stopped() {
                return Reached::Stop;
            }
            if let Some(reached) = reached {
                return reached;
            }
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

impl<O> Replication<O> {
    /// What was counted apart from who watched.
    pub(super) fn unwatched(self) -> (Replication<Silent>, O) {
        let Finished {
            lanes,
            pipeline,
            outcomes,
            entered,
            happened,
            observer,
        } = self.counted;
        let counted = Finished {
            lanes,
            pipeline,
            outcomes,
            entered,
            happened,
            observer: Silent,
        };
        let replication = Replication {
            counted,
            timeline: self.timeline,
            ages: self.ages,
            end: self.end,
            stopped: self.stopped,
            measured: self.measured,
        };
        (replication, observer)
    }
}

/// Runs one replication.
pub(super) fn replicate<O: Observer>(
    network: &Network,
    means: &Means,
    replication: u64,
    span: Span,
    control: &Control,
    observer: O,
) -> Replication<O> {
    let orders = span.orders;
    match means {
        Means::Events => {
            let engine = Engine::new(network, replication, orders, observer);
            Run::new(network, engine, span).play(control)
        }
        Means::EventsInFull => {
            let engine = Full::new(network, replication, orders, observer);
            Run::new(network, engine, span).play(control)
        }
        Means::Recursion(course) if network.producers.len() == 1 && !O::SEES => {
            let engine =
                Recursion::<Anonymous, O>::new(network, course, replication, orders, observer);
            Run::new(network, engine, span).play(control)
        }
        Means::Recursion(course) => {
            let engine =
                Recursion::<Numbered, O>::new(network, course, replication, orders, observer);
            Run::new(network, engine, span).play(control)
        }
    }
}

/// Runs the orders of a script through a network.
pub(super) fn replicate_scripted<O: Observer>(
    network: &Network,
    script: &Script,
    warmup: f64,
    control: &Control,
    observer: O,
) -> Replication<O> {
    let engine = Full::scripted(network, script, observer);
    play(
        network,
        engine,
        Span::until(script.end, network, warmup),
        control,
    )
}

/// Lets a machine run.
pub(super) fn play<O>(
    network: &Network,
    machine: impl Machine<O>,
    span: Span,
    control: &Control,
) -> Replication<O> {
    Run::new(network, machine, span).play(control)
}

/// Runs the first replication once more, by events, and shows every order to an observer.
pub fn trace_replication<O: Observer>(network: &Network, control: &Control, observer: O) -> O {
    trace(network, &Means::events(network), control, observer)
}

/// The same by the event engine that does everything, needed or not: orders are the same.
pub fn trace_in_full<O: Observer>(network: &Network, control: &Control, observer: O) -> O {
    trace(network, &Means::EventsInFull, control, observer)
}

/// The same by recursion: orders are the same, but are not seen in the order of time where there are
/// several stages.
///
/// # Errors
/// [`SimError::NoRecursion`] where it does not apply.
pub fn trace_by_recursion<O: Observer>(
    network: &Network,
    control: &Control,
    observer: O,
) -> Result<O, SimError> {
    let means = Means::new(network, EngineChoice::Only(EngineKind::Recursion))?;
    Ok(trace(network, &means, control, observer))
}

fn trace<O: Observer>(network: &Network, means: &Means, control: &Control, observer: O) -> O {
    let span = Span::of(network, 0.0);
    replicate(network, means, 0, span, control, observer)
        .counted
        .observer
}

struct Run<M> {
    engine: M,
    slicer: Slicer,
    span: Span,
    measuring: bool,
    ages_at_start: Vec<f64>,
}

impl<M> Run<M> {
    fn new(network: &Network, engine: M, span: Span) -> Self {
        Run {
            engine,
            slicer: Slicer::new(span.slice, network.stages.len() + 1),
            span,
            measuring: span.warmup <= 0.0,
            ages_at_start: vec![0.0; network.stages.len() * network.classes.len()],
        }
    }

    fn play<O>(mut self, control: &Control) -> Replication<O>
    where
        M: Machine<O>,
    {
        let stopped = self.go_on(control);
        Replication {
            timeline: self.slicer.finish(),
            ages: (self.ages_at_start, self.engine.ages()),
            end: self.engine.now(),
            stopped,
            measured: self.measuring,
            counted: self.engine.finish(),
        }
    }

    /// From one point in time at which something is written down to the next. Says whether the run
    /// was stopped from outside.
    fn go_on<O>(&mut self, control: &Control) -> bool
    where
        M: Machine<O>,
    {
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

    fn end_warmup<O>(&mut self)
    where
        M: Machine<O>,
    {
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
