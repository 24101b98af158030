//! The recognizer: for one stage the most specific exact model, else the best approximation.
//!
//! It looks at the law of arrivals ([`Flow`]), the mixture of service laws, the consumers, the
//! capacity and the order of service, in this order: nobody can wait; the queue is bounded; there
//! is no steady state; Poisson arrivals or product form; two moments.

use super::clockwork;
use super::flow::{Flow, Flows};
use super::law::StageLaw;
use super::numeric::sum;
use super::priority::{self, PriorityClass, priority_waits, saturated_waits};
use super::regime::{Regime, load};
use super::sheet::{Sheet, Source};
use super::traffic::Traffic;
use super::{
    Curve, Figures, GiGc, GiMc, Kind, Mg1, Mg1Feedback, MgInf, Mm1, Mmc, Mmck, ModelError, Reason,
    Turn,
};
use crate::metric::{Metric, Statistic, TimeKind};
use crate::network::{Capacity, ClassId, Consumers, Discipline, Network, Stage, StageId, Target};
use crate::random::{Arrivals, Distribution};
use std::sync::Arc;

/// One stage with all that the recognizer looks at.
pub(super) struct Case<'a> {
    pub network: &'a Network,
    pub traffic: &'a Traffic,
    pub flows: &'a Flows,
    pub id: usize,
    pub stage: &'a Stage,
    /// Of the orders offered.
    pub law: StageLaw,
    /// λ: orders offered per second.
    pub rate: f64,
}

/// How the waits of the classes relate to that of the stage.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ClassWaits {
    /// All classes wait alike.
    Alike,
    /// The mean wait of each class.
    Each(Vec<(ClassId, f64)>, Source),
    /// Not known.
    Unknown,
}

/// What the recognizer found.
pub(super) struct Answer {
    pub figures: Figures,
    pub waiting: Option<Curve>,
    pub sojourn: Option<Curve>,
    pub classes: ClassWaits,
    pub unexplained: Vec<Reason>,
}

impl Answer {
    fn new(figures: Figures) -> Answer {
        Answer {
            figures,
            waiting: None,
            sojourn: None,
            classes: ClassWaits::Alike,
            unexplained: Vec::new(),
        }
    }

    fn none(reason: Reason) -> Answer {
        Answer {
            classes: ClassWaits::Unknown,
            unexplained: vec![reason],
            ..Answer::new(Figures::new())
        }
    }
}

impl From<ModelError> for Answer {
    fn from(error: ModelError) -> Answer {
        Answer::none(Reason::Conditions { error })
    }
}

impl PartialEq for Source {
    fn eq(&self, other: &Source) -> bool {
        self.kind == other.kind && self.reference == other.reference
    }
}

impl Case<'_> {
    /// The load of a stage that can have none: offered work over capacity.
    pub fn load(&self) -> Option<f64> {
        load(self.network, self.traffic, self.id)
    }

    pub fn flow(&self) -> &Flow {
        &self.flows.arrivals[self.id]
    }

    pub fn loses_unknown(&self) -> bool {
        self.flows.loses_unknown(self.network, self.id)
    }

    /// Poisson arrivals, or as good as Poisson for means and FIFO waits.
    fn markovian(&self) -> bool {
        matches!(self.flow(), Flow::Poisson | Flow::ProductForm)
    }

    /// The order of service; priorities that no two classes differ in are none.
    pub fn order(&self) -> Discipline {
        match self.stage.discipline {
            Discipline::Priority | Discipline::PreemptivePriority
                if self.law.levels(self.network) <= 1 =>
            {
                Discipline::Fifo
            }
            other => other,
        }
    }

    /// In which turn orders are served, as far as the formulas know.
    pub fn turn(&self) -> Turn {
        Turn::of(self.order()).unwrap_or(Turn::Any)
    }

    /// Whether no order can ever wait here.
    pub fn waitless(&self) -> bool {
        self.stage.consumers == Consumers::Unlimited
            || self.stage.capacity == Capacity::Reject(0)
            || self.law.mean() == 0.0
            || self.clockwork()
    }

    /// D/D/c without a wait.
    pub fn clockwork(&self) -> bool {
        clockwork::is_clockwork(self.network, self.id)
    }

    /// Why the stage has no steady state.
    pub fn instability(&self) -> Option<Reason> {
        let stage = self.stage.name.clone();
        let load = self.load()?;
        match Regime::of(self.network, self.traffic, self.id) {
            Regime::Steady => None,
            Regime::Critical => Some(Reason::Critical { stage }),
            Regime::Overloaded => Some(Reason::Overloaded { stage, load }),
        }
    }

    /// The model's figures, or why there are none.
    pub fn answer(&self) -> Answer {
        if let Some((place, feature)) = self.network.beyond_simulation() {
            let (place, feature) = (place.to_owned(), feature);
            return Answer::none(Reason::NoModel { place, feature });
        }
        if let Some(reason) = self.instability() {
            let waits = self.saturated_priorities();
            return Answer {
                classes: waits.unwrap_or(ClassWaits::Unknown),
                ..Answer::none(reason)
            };
        }
        if let (true, Consumers::Finite(c)) = (self.clockwork(), self.stage.consumers) {
            let load = self.load().unwrap_or(0.0);
            return Answer::new(clockwork::figures(load, c, &self.stage.capacity));
        }
        if self.waitless() {
            return self.without_waiting();
        }
        if let Flow::Varying(reason) = self.flow() {
            return Answer::none(reason.clone());
        }
        match (self.stage.consumers, &self.stage.capacity) {
            (Consumers::Unlimited, _) => self.without_waiting(),
            (Consumers::Finite(c), Capacity::Reject(places)) => self.bounded(c, *places),
            (Consumers::Finite(c), _) => self.unbounded(c),
        }
    }

    /// Nobody waits: sojourn is service, whatever the arrivals. A pure loss stage also loses.
    fn without_waiting(&self) -> Answer {
        match MgInf::new(self.rate, self.law.mean()) {
            Err(error) => error.into(),
            Ok(model) => self.waitless_answer(model.figures()),
        }
    }

    fn waitless_answer(&self, mut figures: Figures) -> Answer {
        let loses = match (self.stage.consumers, &self.stage.capacity) {
            (Consumers::Finite(c), Capacity::Reject(0)) => Some(c),
            _ => None,
        };
        match (loses, self.flow()) {
            (Some(_), Flow::Varying(reason)) => {
                figures.remove(&Metric::NumberInSystem);
                let unexplained = vec![reason.clone()];
                return Answer {
                    unexplained,
                    ..Answer::new(figures)
                };
            }
            (Some(consumers), _) => figures.append(&mut self.pure_loss(consumers)),
            (None, _) if !self.flows.known_rates[self.id] => {
                figures.remove(&Metric::NumberInSystem);
            }
            (None, _) if !self.flows.exact_rates[self.id] => {
                degrade(&mut figures, Metric::NumberInSystem);
            }
            (None, _) => {}
        }
        Answer::new(figures)
    }

    /// Erlang's loss: exact for Poisson arrivals and any service (insensitivity).
    fn pure_loss(&self, consumers: u32) -> Figures {
        let kind = match self.flow() {
            Flow::Poisson => Kind::Exact,
            _ => Kind::Approximation,
        };
        let model = Mmck::new(self.rate, 1.0 / self.law.mean(), consumers, 0);
        let figures = model
            .map(|m| m.figures(Turn::FirstIn, kind))
            .unwrap_or_default();
        let kept = [
            Metric::Utilization,
            Metric::LossProbability,
            Metric::NumberInSystem,
        ];
        figures
            .into_iter()
            .filter(|(metric, _)| kept.contains(metric))
            .collect()
    }

    /// A queue with a bound: M/M/c/K, exact or in place of the stage's own model.
    fn bounded(&self, consumers: u32, places: u64) -> Answer {
        let exact = *self.flow() == Flow::Poisson && self.law.exponential().is_some();
        let kind = if exact {
            Kind::Exact
        } else {
            Kind::Approximation
        };
        let model = match Mmck::new(self.rate, 1.0 / self.law.mean(), consumers, places) {
            Ok(model) => model,
            Err(error) => return error.into(),
        };
        let fifo = exact && self.order() == Discipline::Fifo;
        let turn = if fifo { Turn::FirstIn } else { Turn::Any };
        let mut answer = Answer::new(model.figures(turn, kind));
        if fifo && model.has_short_sums() {
            answer.waiting = Some(model.waiting_curve(kind));
        } else if fifo {
            let stage = self.stage.name.clone();
            answer.unexplained.push(Reason::LongSums { stage });
        }
        if self.order() == Discipline::Priority {
            answer.classes = ClassWaits::Unknown;
        }
        answer
    }

    fn unbounded(&self, consumers: u32) -> Answer {
        if self.order() == Discipline::Priority {
            return self.priorities(consumers);
        }
        if self.markovian()
            && let Some(mu) = self.law.exponential()
        {
            return self.exponential(mu, consumers);
        }
        if *self.flow() == Flow::Poisson && consumers == 1 {
            return self.pollaczek();
        }
        if let Some(answer) = self.renewal(consumers) {
            return answer;
        }
        if let Some(answer) = self.feedback(consumers) {
            return answer;
        }
        self.two_moments(consumers)
    }

    /// M/M/1 and M/M/c. On a cycle an order of service other than first in, first out keeps its
    /// means only: what comes after an order depends on what left before it.
    fn exponential(&self, mu: f64, consumers: u32) -> Answer {
        let turn = match (self.flow(), self.turn()) {
            (Flow::ProductForm, Turn::LastIn | Turn::Random) => Turn::Any,
            (_, turn) => turn,
        };
        let fifo = turn == Turn::FirstIn;
        let general = match Mmc::new(self.rate, mu, consumers) {
            Ok(model) => model,
            Err(error) => return error.into(),
        };
        let mut answer = Answer::new(general.figures(turn));
        answer.waiting = fifo.then(|| general.waiting_curve());
        answer.sojourn = fifo.then(|| general.sojourn_curve());
        if let (1, true, Ok(single)) = (consumers, fifo, Mm1::new(self.rate, mu)) {
            answer.figures = single.figures(turn);
            answer.sojourn = Some(single.sojourn_curve());
        }
        answer
    }

    fn pollaczek(&self) -> Answer {
        match Mg1::new(self.rate, self.law.moments()) {
            Ok(model) => self.with_exponential_tail(model.figures(self.turn())),
            Err(_) if self.law.moments().second.is_infinite() => {
                Answer::none(Reason::InfiniteVariance)
            }
            Err(error) => error.into(),
        }
    }

    /// GI/M/c: one producer with independent gaps, and nothing else before the stage.
    fn renewal(&self, consumers: u32) -> Option<Answer> {
        let mu = self.law.exponential()?;
        let mut producers = self.network.producers.iter().filter(|p| p.to.0 == self.id);
        let only = producers.next()?;
        if producers.next().is_some() || !self.flows.before(self.id).is_empty() {
            return None;
        }
        let gap = match &only.arrivals {
            Arrivals::Renewal { gap } => gap.clone(),
            Arrivals::Deterministic { rate } => Distribution::deterministic(1.0 / rate).ok()?,
            _ => return None,
        };
        let model = GiMc::new(&gap, mu, consumers).ok()??;
        let mut answer = Answer::new(model.figures(self.turn()));
        if self.order() == Discipline::Fifo {
            let (waiting, sojourn) = model.curves();
            (answer.waiting, answer.sojourn) = (Some(waiting), Some(sojourn));
        }
        Some(answer)
    }

    /// M/G/1 whose orders come straight back with some probability; one class.
    fn feedback(&self, consumers: u32) -> Option<Answer> {
        let poisson = || {
            self.flows
                .is_poisson_but_for_itself(self.network, self.traffic, self.id)
        };
        if consumers != 1 || self.law.classes().count() != 1 || !poisson() {
            return None;
        }
        let class = self.law.classes().next()?.0;
        let ways = &self.stage.by_class[class.0].next;
        let itself = Target::Stage(StageId(self.id));
        let back = ways.iter().find(|route| route.to == itself)?.probability;
        let fresh = self.rate * (1.0 - back);
        let model = Mg1Feedback::new(fresh, self.law.moments(), back).ok()?;
        Some(Answer::new(model.figures()))
    }

    fn two_moments(&self, consumers: u32) -> Answer {
        let scv = match self.flow() {
            Flow::TwoMoment(scv) => *scv,
            _ => 1.0,
        };
        match GiGc::new(self.rate, scv, self.law.mean(), self.law.scv(), consumers) {
            Ok(model) => self.with_exponential_tail(model.figures()),
            Err(_) if !(self.law.scv().is_finite()) => Answer::none(Reason::InfiniteVariance),
            Err(error) => error.into(),
        }
    }

    /// Adds the curve that has the given mean and probability of waiting.
    fn with_exponential_tail(&self, figures: Figures) -> Answer {
        let mut answer = Answer::new(figures);
        if self.order() == Discipline::Fifo {
            answer.waiting = exponential_tail(&answer.figures);
        }
        answer
    }

    /// Without preemption, after the wait that the queue has without priorities.
    fn priorities(&self, consumers: u32) -> Answer {
        let common = self.markovian().then(|| self.law.exponential()).flatten();
        let (fifo, exact) = match common {
            // On a cycle the flow back depends on who is served first.
            Some(mu) if *self.flow() == Flow::Poisson => {
                (self.exponential_wait(mu, consumers), true)
            }
            _ if *self.flow() == Flow::Poisson && consumers == 1 => (self.pollaczek(), true),
            _ => (self.two_moments(consumers), false),
        };
        let Some(wait) = fifo.figures.get(&Metric::mean(TimeKind::Waiting)) else {
            return fifo;
        };
        let source = if exact {
            Source::exact(priority::EXACT)
        } else {
            Source::approximation(priority::APPROXIMATE)
        };
        self.by_level(wait.value, consumers, &fifo.figures, source)
    }

    fn exponential_wait(&self, mu: f64, consumers: u32) -> Answer {
        match Mmc::new(self.rate, mu, consumers) {
            Ok(model) => Answer::new(model.figures(Turn::Any)),
            Err(error) => error.into(),
        }
    }

    /// The waits of the classes that priorities leave enough time for at an overloaded stage.
    fn saturated_priorities(&self) -> Option<ClassWaits> {
        let Consumers::Finite(consumers) = self.stage.consumers else {
            return None;
        };
        let regime = Regime::of(self.network, self.traffic, self.id);
        let fits = self.order() == Discipline::Priority && *self.flow() == Flow::Poisson;
        if !fits || regime != Regime::Overloaded {
            return None;
        }
        let residual = match (consumers, self.law.exponential()) {
            (c, Some(mu)) => 1.0 / (f64::from(c) * mu),
            (1, None) => self.residual_in_service(),
            _ => return None,
        };
        let waits = saturated_waits(residual, &self.levels(consumers));
        let named = self.law.classes().zip(waits);
        let regimes = Regime::of_classes(self.network, self.traffic, self.id);
        let steady = named.filter_map(|((class, ..), wait)| {
            let known = wait.filter(|_| regimes[class.0] == Regime::Steady);
            known.map(|wait| (class, wait))
        });
        let source = Source::exact(priority::EXACT);
        Some(ClassWaits::Each(steady.collect(), source))
    }

    /// Σ X_iE\[S_i²\]/2, at the rates at which the classes are served.
    fn residual_in_service(&self) -> f64 {
        let classes = self.law.classes();
        let parts = classes.map(|(class, _, law)| {
            let rate = self.traffic.served(self.id, class.0);
            if rate > 0.0 {
                0.5 * rate * law.moment(2)
            } else {
                0.0
            }
        });
        sum(parts)
    }

    /// The classes that come, with their levels and loads.
    fn levels(&self, consumers: u32) -> Vec<PriorityClass> {
        let classes = self.law.classes();
        classes
            .map(|(class, share, law)| PriorityClass {
                level: self.network.classes[class.0].priority,
                utilization: share * self.rate * law.mean() / f64::from(consumers),
            })
            .collect()
    }

    fn by_level(&self, fifo: f64, consumers: u32, others: &Figures, source: Source) -> Answer {
        let waits = priority_waits(fifo, &self.levels(consumers));
        let mean: f64 = self
            .law
            .classes()
            .zip(&waits)
            .map(|((_, share, _), wait)| share * wait)
            .sum();
        let mut figures = priority_means(self.rate, mean, self.law.mean(), source);
        if let Some(p) = others.get(&Metric::WaitProbability) {
            figures.insert(Metric::WaitProbability, *p);
        }
        let named = self
            .law
            .classes()
            .zip(waits)
            .map(|((k, ..), wait)| (k, wait))
            .collect();
        Answer {
            classes: ClassWaits::Each(named, source),
            ..Answer::new(figures)
        }
    }

    /// The model in Kendall's notation.
    pub fn model(&self) -> String {
        if let (true, Consumers::Finite(c)) = (self.clockwork(), self.stage.consumers) {
            return format!("D/D/{c}");
        }
        let service = self.law.symbol();
        if self.comes_straight_back() {
            return format!("M/{service}/1 feedback");
        }
        let arrivals = self.arrival_symbol();
        let servers = match self.stage.consumers {
            Consumers::Finite(c) => c.to_string(),
            Consumers::Unlimited => return format!("{arrivals}/{service}/∞"),
        };
        let bound = match (self.stage.consumers, &self.stage.capacity) {
            (Consumers::Finite(c), Capacity::Reject(places)) => {
                format!("/{}", u128::from(c) + u128::from(*places))
            }
            _ => String::new(),
        };
        let order = match self.order() {
            Discipline::Fifo => "",
            Discipline::Lifo => " last in, first out",
            Discipline::Random => " random order",
            Discipline::ShortestFirst => " shortest first",
            Discipline::ShortestRemaining => " shortest remaining first",
            Discipline::ProcessorSharing => " processor sharing",
            Discipline::Priority => " priority",
            Discipline::PreemptivePriority => " preemptive priority",
        };
        format!("{arrivals}/{service}/{servers}{bound}{order}")
    }

    /// Whether the stage is known by the formula for orders that come straight back.
    fn comes_straight_back(&self) -> bool {
        let general = self.stage.consumers == Consumers::Finite(1)
            && self.stage.capacity == Capacity::Unbounded
            && self.order() != Discipline::Priority
            && !self.waitless()
            && !self.markovian();
        general && self.instability().is_none() && self.feedback(1).is_some()
    }

    /// M where Poisson or product form; the gap's law of a single producer; Mt where the rate
    /// varies; else G.
    fn arrival_symbol(&self) -> String {
        if self.markovian() {
            return "M".to_owned();
        }
        let mut producers = self.network.producers.iter().filter(|p| p.to.0 == self.id);
        let alone = self.flows.before(self.id).is_empty();
        match (alone, producers.next(), producers.next()) {
            (true, Some(only), None) => match &only.arrivals {
                Arrivals::Deterministic { .. } => "D".to_owned(),
                Arrivals::Renewal { gap } => gap.name(),
                Arrivals::Schedule(_) => "Mt".to_owned(),
                Arrivals::Mmpp { .. } => "MMPP".to_owned(),
                Arrivals::Batch { process, .. } if process.is_poisson().is_some() => {
                    "M^X".to_owned()
                }
                _ => "G".to_owned(),
            },
            _ => "G".to_owned(),
        }
    }
}

/// Makes one figure an approximation.
fn degrade(figures: &mut Figures, metric: Metric) {
    if let Some(figure) = figures.get_mut(&metric) {
        figure.kind = figure.kind.max(Kind::Approximation);
    }
}

/// The stage's means under priorities.
fn priority_means(rate: f64, wait: f64, service: f64, source: Source) -> Figures {
    let mut sheet = Sheet::new(source);
    sheet
        .mean(TimeKind::Waiting, wait, "Wq = Σ λ_k Wq_k/λ")
        .mean(TimeKind::Sojourn, wait + service, "W = Wq + E[S]")
        .put(Metric::QueueLength, rate * wait, "Lq = λWq")
        .put(Metric::NumberInSystem, rate * (wait + service), "L = λW");
    sheet.finish()
}

/// A wait of 0 with probability 1 − P(Wq > 0) and else exponential, with the mean of the figures.
pub(super) fn exponential_tail(figures: &Figures) -> Option<Curve> {
    let waiting = |statistic| Metric::Time(TimeKind::Waiting, statistic);
    let mean = figures.get(&waiting(Statistic::Mean))?.value;
    let waits = figures
        .get(&Metric::WaitProbability)
        .map_or(1.0, |figure| figure.value);
    if mean <= 0.0 || waits <= 0.0 {
        return None;
    }
    let rate = waits / mean;
    Some(Curve {
        kind: Kind::Approximation,
        formula: "P(Wq > t) ≈ p e^(−pt/Wq), p = P(Wq > 0)",
        reference: "exponential tail with the known mean",
        ccdf: Arc::new(move |t| {
            if t < 0.0 {
                1.0
            } else {
                waits * (-rate * t).exp()
            }
        }),
    })
}
