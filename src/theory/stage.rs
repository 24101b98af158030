//! The theory of one stage: the model's figures, completed by the identities that hold for every
//! model, and split by class.

use super::flow::Flows;
use super::law::StageLaw;
use super::numeric::sum;
use super::recognize::{Answer, Case, ClassWaits, recognize};
use super::regime::{availability, loses_work};
use super::sheet::{Sheet, Source, put};
use super::traffic::{Traffic, leads_to};
use super::{Alternative, Curve, Figure, Figures, Kind, Model, Reason, Transient};
use crate::metric::{Metric, Statistic, TimeKind};
use crate::network::{Balking, Batching, Capacity, ClassId, Consumers, Network, Patience};
use std::sync::Arc;

pub(super) const FLOWS: &str = "traffic equations, Jackson 1957, Oper. Res. 5";
const LAW: &str = "the stage's service law";
const LITTLE: Source = Source::exact("Little 1961, Oper. Res. 9");
const NO_BOUND: Source = Source::exact("a queue without bound rejects nobody");

/// What theory knows of a stage.
#[derive(Debug, Clone)]
pub struct StageTheory {
    /// The model in Kendall's notation; `-` where no order comes.
    pub model: String,
    /// The model in the catalogue; none where no model fits.
    pub entry: Option<&'static Model>,
    /// λ: orders offered per second.
    pub offered_rate: f64,
    /// λE\[S\]/c, at least 1 where there is no steady state; none with unlimited consumers.
    pub offered_load: Option<f64>,
    /// All classes together.
    pub figures: Figures,
    /// By class, where several come.
    pub classes: Vec<(ClassId, Figures)>,
    /// Why figures are missing.
    pub unexplained: Vec<Reason>,
    /// The means over time, where the load varies.
    pub transient: Option<Transient>,
    /// P(Wq > t).
    pub waiting: Option<Curve>,
    /// P(S > t).
    pub service: Option<Curve>,
    /// P(W > t).
    pub sojourn: Option<Curve>,
    /// The latency of the orders that are served, where some leave without service.
    pub served: Option<Figures>,
    /// What other methods give for the same figures.
    pub alternatives: Vec<Alternative>,
}

impl StageTheory {
    /// A stage of which nothing is known but why.
    pub(super) fn blank(reason: Reason) -> StageTheory {
        StageTheory {
            model: "-".to_owned(),
            entry: None,
            offered_rate: 0.0,
            offered_load: None,
            figures: Figures::new(),
            classes: Vec::new(),
            unexplained: vec![reason],
            transient: None,
            waiting: None,
            service: None,
            sojourn: None,
            served: None,
            alternatives: Vec::new(),
        }
    }

    /// A stage that no order comes to: never, or hardly in the time of the run.
    fn idle(network: &Network, id: usize) -> StageTheory {
        let (kind, formula) = if leads_to(network, id) {
            (Kind::Approximation, "next to no order in the time of a run")
        } else {
            (Kind::Exact, "no way leads here")
        };
        let mut sheet = Sheet::new(Source {
            kind,
            reference: FLOWS,
        });
        sheet.put(Metric::ArrivalRate, 0.0, formula);
        sheet.put(Metric::Throughput, 0.0, formula);
        StageTheory {
            figures: sheet.finish(),
            ..StageTheory::blank(Reason::NoOrders)
        }
    }

    pub(super) fn new(
        network: &Network,
        traffic: &Traffic,
        flows: &Flows,
        id: usize,
    ) -> StageTheory {
        let rate = traffic.offered_to(id);
        if rate <= 0.0 {
            return StageTheory::idle(network, id);
        }
        let case = Case::at(network, traffic, flows, id);
        Desk::new(case).write()
    }
}

/// Where the pieces of one stage come together.
struct Desk<'a> {
    case: Case<'a>,
    /// Of the orders served.
    served: StageLaw,
    answer: Answer,
    /// Of the long-run rates.
    rates: Source,
}

impl<'a> Desk<'a> {
    fn new(case: Case<'a>) -> Desk<'a> {
        let rates = case.traffic.offered[case.id].len();
        let served: Vec<f64> = (0..rates)
            .map(|k| case.traffic.served(case.id, k))
            .collect();
        let exact = case.flows.exact_rates[case.id] && case.flows.share_is_exact(case.id);
        let kind = if exact {
            Kind::Exact
        } else {
            Kind::Approximation
        };
        Desk {
            served: StageLaw::new(case.network, case.id, &served),
            answer: recognize(&case),
            rates: Source {
                kind,
                reference: FLOWS,
            },
            case,
        }
    }

    fn write(mut self) -> StageTheory {
        let classes: Vec<ClassId> = self.case.law.classes().map(|(class, ..)| class).collect();
        let mut figures = std::mem::take(&mut self.answer.figures);
        if self.case.instability().is_some() {
            self.unstable(&mut figures);
        } else {
            self.steady(&mut figures);
        }
        if self.has_own_rates() {
            self.own_bytes(&mut figures, &classes);
        } else {
            self.flow_figures(&mut figures, &classes);
        }
        self.service_figures(&mut figures, &self.served);
        if self.case.waitless() {
            sojourn_is_service(&mut figures);
        }
        let by_class = match classes.len() {
            0 | 1 => Vec::new(),
            _ => classes
                .iter()
                .map(|&k| (k, self.class_figures(&figures, k)))
                .collect(),
        };
        let service = self.service_curve();
        StageTheory {
            model: (self.answer.name.take()).unwrap_or_else(|| self.case.kendall()),
            entry: self.answer.model,
            offered_rate: self.case.rate,
            offered_load: self.case.load(),
            figures,
            classes: by_class,
            sojourn: self
                .answer
                .sojourn
                .take()
                .or_else(|| self.case.waitless().then(|| service.clone())),
            waiting: self.answer.waiting.take(),
            service: Some(service),
            served: self.answer.latency.take(),
            alternatives: std::mem::take(&mut self.answer.alternatives),
            unexplained: self.answer.unexplained,
            transient: self.answer.transient,
        }
    }

    /// Whether the model knows the rates better than the traffic equations do.
    fn has_own_rates(&self) -> bool {
        self.answer.own_rates && self.case.instability().is_none()
    }

    /// Bytes per second that go with the model's own throughput.
    fn own_bytes(&self, figures: &mut Figures, classes: &[ClassId]) {
        let (traffic, id) = (self.case.traffic, self.case.id);
        let Some(served) = figures.get(&Metric::Throughput).copied() else {
            return;
        };
        let offered = sum(classes.iter().map(|k| traffic.offered[id][k.0]));
        let bytes = sum(classes.iter().map(|k| traffic.bytes[id][k.0]));
        let one_size = classes.iter().all(|k| {
            let per_order = traffic.bytes[id][k.0] / traffic.offered[id][k.0];
            (per_order * offered - bytes).abs() <= 1e-9 * bytes
        });
        let mut source = as_source(&served);
        if !one_size {
            source.kind = source.kind.max(Kind::Approximation);
        }
        let value = served.value * bytes / offered;
        put(
            figures,
            Metric::ByteThroughput,
            value,
            "Σ X × message size",
            source,
        );
    }

    /// λ, X and bytes per second of the given classes.
    fn flow_figures(&self, figures: &mut Figures, classes: &[ClassId]) {
        let (traffic, flows, id) = (self.case.traffic, self.case.flows, self.case.id);
        let offered = sum(classes.iter().map(|k| traffic.offered[id][k.0]));
        let arriving = Source {
            kind: if flows.exact_rates[id] {
                Kind::Exact
            } else {
                Kind::Approximation
            },
            reference: FLOWS,
        };
        if flows.known_rates[id] {
            let formula = "λ = γ + Σ X_j p_j";
            put(figures, Metric::ArrivalRate, offered, formula, arriving);
        }
        let usual = sum(classes.iter().map(|k| traffic.served(id, k.0)));
        let (served, leaving) = match self.lost(figures) {
            Some((lost, kind)) => {
                let kind = kind.max(arriving.kind);
                (offered * (1.0 - lost), Source { kind, ..arriving })
            }
            None => (usual, self.rates),
        };
        // How much a bounded queue loses under a changing rate is not known.
        let gives_up = self.case.stage.extras.patience != Patience::Endless;
        let unknown = gives_up && !figures.contains_key(&Metric::AbandonProbability);
        let unknown = unknown || loses_work(self.case.stage);
        if !flows.known_rates[id] || self.case.loses_unknown() || unknown {
            return;
        }
        let through = self.throughput_formula();
        put(figures, Metric::Throughput, served, through, leaving);
        let bytes = |k: &ClassId| traffic.bytes[id][k.0] * traffic.through[id][k.0];
        let usual_bytes = sum(classes.iter().map(bytes));
        let total = usual_bytes * if usual > 0.0 { served / usual } else { 1.0 };
        let formula = "Σ X × message size";
        put(figures, Metric::ByteThroughput, total, formula, leaving);
    }

    /// The share that the model itself says is rejected or gives up, where there is a steady state.
    fn lost(&self, figures: &Figures) -> Option<(f64, Kind)> {
        if self.case.instability().is_some() {
            return None;
        }
        let parts = [Metric::LossProbability, Metric::AbandonProbability];
        let parts = parts.iter().filter_map(|metric| figures.get(metric));
        parts
            .map(|figure| (figure.value, figure.kind))
            .reduce(|a, b| (a.0 + b.0, a.1.max(b.1)))
    }

    fn throughput_formula(&self) -> &'static str {
        let gives_up = self.case.stage.extras.patience != Patience::Endless;
        match (self.case.instability(), &self.case.stage.capacity) {
            (Some(_), _) => "X = cμ (less the time blocked)",
            (None, Capacity::Reject(_)) if gives_up => "X = λ(1 − loss − P(gave up))",
            (None, Capacity::Reject(_)) => "X = λ(1 − loss)",
            _ if self.case.stage.extras.balking != Balking::Never => "X = λ(1 − loss)",
            (None, _) if gives_up => "X = λ(1 − P(gave up))",
            (None, _) => "X = λ",
        }
    }

    /// The laws of service; exact where all classes share one, or their shares are exact.
    fn service_figures(&self, figures: &mut Figures, law: &StageLaw) {
        let kind = if law.common().is_some() {
            Kind::Exact
        } else {
            self.rates.kind
        };
        let mut sheet = Sheet::new(Source {
            kind,
            reference: LAW,
        });
        // Where short orders pass long ones until these give up, or for ever, those served are not like
        // those that come.
        let leaves_some = self.case.instability().is_some()
            || self.case.loses_unknown()
            || self.case.stage.extras.patience != Patience::Endless;
        let picked = leaves_some && !self.case.blind_to_sizes();
        let once = !loses_work(self.case.stage);
        if law.classes().next().is_some() && !picked && once {
            sheet
                .mean(TimeKind::Service, law.mean(), "E[S]")
                .put(Metric::ProcessingTime, law.mean(), "E[S]")
                .variance(TimeKind::Service, law.variance(), "Var(S)")
                .quantiles(TimeKind::Service, |p| law.quantile(p), "F_S⁻¹(p)");
        }
        figures.append(&mut sheet.finish());
    }

    fn service_curve(&self) -> Curve {
        let law = self.served.clone();
        Curve {
            kind: if law.common().is_some() {
                Kind::Exact
            } else {
                self.rates.kind
            },
            formula: "P(S > t)",
            reference: LAW,
            ccdf: Arc::new(move |t| if t < 0.0 { 1.0 } else { law.ccdf(t) }),
        }
    }

    /// No steady state: the consumers never rest, and the backlog grows.
    fn unstable(&self, figures: &mut Figures) {
        let (traffic, id) = (self.case.traffic, self.case.id);
        let served: f64 = (0..self.case.network.classes.len())
            .map(|k| traffic.served(id, k))
            .sum();
        if !self.case.loses_unknown() {
            put(
                figures,
                Metric::Utilization,
                self.busy_without_rest(),
                "A: the consumers never rest but where they are blocked or broken down",
                self.never_resting(),
            );
        }
        if self.case.stage.extras.balking != Balking::Never {
            return;
        }
        let growth = (self.case.rate - served).max(0.0);
        self.growth(figures, growth, "λ − cμ");
        put(
            figures,
            Metric::LossProbability,
            0.0,
            "0: no bound",
            NO_BOUND,
        );
    }

    /// 1, but for the time in which consumers are blocked or broken down.
    fn busy_without_rest(&self) -> f64 {
        match (self.case.blocking().begins(), self.case.consumers()) {
            (Some(line), Some(c)) => line.model.capacity() * self.case.law.mean() / f64::from(c),
            _ => availability(self.case.stage),
        }
    }

    /// That they never rest is certain where more comes than they can do, even if what they do is not.
    fn never_resting(&self) -> Source {
        let overloaded = matches!(self.case.instability(), Some(Reason::Overloaded { .. }));
        let known = self.case.flows.exact_rates[self.case.id];
        match overloaded && known {
            true => Source::exact(FLOWS),
            false => self.rates,
        }
    }

    /// λE\[S\]/c where it is known how many come, and everybody is served, and once; none with unlimited
    /// consumers.
    fn work(&self) -> Option<f64> {
        let case = &self.case;
        let known = case.flows.known_rates[case.id] && !case.loses_unknown();
        let patient = case.stage.extras.patience == Patience::Endless;
        let alone = case.stage.extras.batching == Batching::Single;
        let comes = case.stage.extras.balking == Balking::Never;
        let once = known && patient && alone && comes && !loses_work(case.stage);
        let consumers = case.consumers().filter(|_| once)?;
        Some(case.rate * case.law.mean() / f64::from(consumers))
    }

    /// The growth of the number in system; not known where the rate of arrivals varies.
    fn growth(&self, figures: &mut Figures, value: f64, formula: &'static str) {
        let steady = self.case.flows.has_steady_rate(self.case.id);
        let known = !loses_work(self.case.stage) && !self.case.loses_unknown();
        if steady && known {
            put(figures, Metric::BacklogGrowth, value, formula, self.rates);
        }
    }

    /// What holds in every steady state.
    fn steady(&self, figures: &mut Figures) {
        self.growth(figures, 0.0, "0: λ < cμ, or a bounded queue");
        let balks = self.case.stage.extras.balking != Balking::Never;
        if (self.case.stage.capacity == Capacity::Unbounded && !balks)
            || self.case.stage.consumers == Consumers::Unlimited
        {
            put(
                figures,
                Metric::LossProbability,
                0.0,
                "0: no bound",
                NO_BOUND,
            );
        }
        let unbounded = self.case.stage.capacity == Capacity::Unbounded;
        if self.has_own_rates() {
            // Over a run Little's law misses its two edges.
            if self
                .answer
                .transient
                .as_ref()
                .is_some_and(|t| t.period.is_none())
            {
                return;
            }
        } else if let (Some(work), true) = (self.work(), unbounded) {
            put(
                figures,
                Metric::Utilization,
                work,
                "ρ = λE[S]/c",
                self.rates,
            );
        } else if self.case.load().is_none() {
            figures.remove(&Metric::Utilization);
        }
        little(figures);
    }

    /// The figures of one class.
    fn class_figures(&self, stage: &Figures, class: ClassId) -> Figures {
        let mut rates = vec![0.0; self.case.network.classes.len()];
        rates[class.0] = 1.0;
        let law = StageLaw::new(self.case.network, self.case.id, &rates);
        let mut figures = self.own_figures(class);
        // Who is served late by his class gives up more often.
        let alike = self.case.turn().is_some();
        for metric in [Metric::LossProbability, Metric::AbandonProbability] {
            let known = stage
                .get(&metric)
                .filter(|_| metric == Metric::LossProbability || alike)
                .filter(|_| !figures.contains_key(&metric));
            figures.extend(known.map(|figure| (metric, *figure)));
        }
        self.flow_figures(&mut figures, &[class]);
        self.service_figures(&mut figures, &law);
        if self.case.instability().is_some() {
            // Priorities may leave this class enough time beside the overload: what the model says.
            figures = self.class_growth(figures, class);
            count(&mut figures);
            little(&mut figures);
            return figures;
        }
        let growth = Metric::BacklogGrowth;
        figures.extend(stage.get(&growth).map(|figure| (growth, *figure)));
        self.class_waits(&mut figures, stage, class);
        self.class_sojourn(&mut figures, stage, &law, class);
        little(&mut figures);
        figures
    }

    /// What the model says of this class alone.
    fn own_figures(&self, class: ClassId) -> Figures {
        let ClassWaits::Figures(classes) = &self.answer.classes else {
            return Figures::new();
        };
        let own = classes.iter().find(|(k, _)| *k == class);
        own.map_or_else(Figures::new, |(_, figures)| figures.clone())
    }

    fn class_growth(&self, mut figures: Figures, class: ClassId) -> Figures {
        let (traffic, id) = (self.case.traffic, self.case.id);
        let growth = traffic.offered[id][class.0] - traffic.served(id, class.0);
        self.growth(&mut figures, growth, "λ − X");
        figures
    }

    fn class_waits(&self, figures: &mut Figures, stage: &Figures, class: ClassId) {
        match &self.answer.classes {
            ClassWaits::Unknown | ClassWaits::Figures(_) => {}
            ClassWaits::Alike => {
                let waiting = |m: &Metric| matches!(m, Metric::Time(TimeKind::Waiting, _));
                let kept = stage
                    .iter()
                    .filter(|(m, _)| waiting(m) || **m == Metric::WaitProbability);
                figures.extend(kept.map(|(metric, figure)| (*metric, *figure)));
            }
            ClassWaits::Each(waits, source) => {
                let wait = waits
                    .iter()
                    .find(|(k, _)| *k == class)
                    .map_or(f64::NAN, |(_, w)| *w);
                let metric = Metric::mean(TimeKind::Waiting);
                put(figures, metric, wait, super::priority::FORMULA, *source);
                let waits = stage.get(&Metric::WaitProbability);
                figures.extend(waits.map(|figure| (Metric::WaitProbability, *figure)));
            }
        }
    }

    /// W = Wq + S with the class's own service, which the wait does not depend on.
    fn class_sojourn(
        &self,
        figures: &mut Figures,
        stage: &Figures,
        law: &StageLaw,
        class: ClassId,
    ) {
        if matches!(self.answer.classes, ClassWaits::Figures(_)) {
            return count(figures);
        }
        let Some(wait) = figures.get(&Metric::mean(TimeKind::Waiting)).copied() else {
            return;
        };
        // The model itself may know better than the traffic equations how many are lost.
        let served = figures.get(&Metric::Throughput).map(|figure| figure.value);
        let rate = served.unwrap_or_else(|| self.case.traffic.served(self.case.id, class.0));
        let source = as_source(&wait);
        let sojourn = wait.value + law.mean();
        put(
            figures,
            Metric::mean(TimeKind::Sojourn),
            sojourn,
            "W = Wq + E[S]",
            source,
        );
        let counts = Source {
            kind: source.kind.max(self.rates.kind),
            ..source
        };
        put(
            figures,
            Metric::QueueLength,
            rate * wait.value,
            "Lq = λWq",
            counts,
        );
        put(
            figures,
            Metric::NumberInSystem,
            rate * sojourn,
            "L = λW",
            counts,
        );
        let variance = Metric::Time(TimeKind::Waiting, Statistic::Variance);
        if let Some(wait) = figures.get(&variance).copied() {
            let metric = Metric::Time(TimeKind::Sojourn, Statistic::Variance);
            let value = wait.value + law.variance();
            put(figures, metric, value, "Var(Wq) + Var(S)", as_source(&wait));
        }
        if self.case.waitless() {
            sojourn_is_service(figures);
        } else if self.case.law.common().is_some() && self.answer.classes == ClassWaits::Alike {
            let sojourn = |m: &Metric| matches!(m, Metric::Time(TimeKind::Sojourn, _));
            figures.extend(
                stage
                    .iter()
                    .filter(|(m, _)| sojourn(m))
                    .map(|(m, f)| (*m, *f)),
            );
        }
    }
}

/// Lq and L by Little's law from a class's times, where everybody who comes in is served and the model
/// did not say them itself.
fn count(figures: &mut Figures) {
    let pairs = [
        (Metric::QueueLength, TimeKind::Waiting, "Lq = λWq"),
        (Metric::NumberInSystem, TimeKind::Sojourn, "L = λW"),
    ];
    let Some(rate) = figures.get(&Metric::Throughput).copied() else {
        return;
    };
    if figures.contains_key(&Metric::AbandonProbability) {
        return;
    }
    for (number, time, formula) in pairs {
        let known = figures.get(&Metric::mean(time)).copied();
        if let (Some(time), false) = (known, figures.contains_key(&number)) {
            let kind = time.kind.max(rate.kind);
            let source = Source { kind, ..LITTLE };
            put(figures, number, rate.value * time.value, formula, source);
        }
    }
}

fn as_source(figure: &Figure) -> Source {
    Source {
        kind: figure.kind,
        reference: figure.reference,
    }
}

/// Where nobody waits, every statistic of the sojourn time is that of the service time.
fn sojourn_is_service(figures: &mut Figures) {
    for statistic in Statistic::ALL {
        if let Some(figure) = figures
            .get(&Metric::Time(TimeKind::Service, statistic))
            .copied()
        {
            let formula = "W = S: nobody waits";
            let figure = Figure { formula, ..figure };
            figures.insert(Metric::Time(TimeKind::Sojourn, statistic), figure);
        }
    }
}

/// Little's law holds in every steady state: its residuals are 0.
fn little(figures: &mut Figures) {
    let positive = |figures: &Figures, metric| figures.get(&metric).is_some_and(|f| f.value > 0.0);
    if positive(figures, Metric::NumberInSystem) {
        put(figures, Metric::LittleResidual, 0.0, "L = λW", LITTLE);
    }
    if positive(figures, Metric::QueueLength) {
        put(
            figures,
            Metric::LittleResidualQueue,
            0.0,
            "Lq = λWq",
            LITTLE,
        );
    }
}
