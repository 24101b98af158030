//! Which model fits a network with populations.

use super::approximate::{ApproximateMva, MvaFlow, MvaSource, MvaStation, MvaVisits, ServiceOrder};
use super::bounded::{BoundedNetwork, BoundedStation, Room};
use super::bounds::ClosedBounds;
use super::finite_source::{self, FiniteSource};
use super::flows::{Flow, Origin, flows};
use super::product::ProductForm;
use super::shared_source::{self, SharedSource};
use super::solution::{AtStage, Passing, Solution, open_rate, share_busy};
use super::station::ProductStation;
use crate::metric::{Metric, TimeKind};
use crate::network::{Capacity, Consumers, Discipline, Fork, Network, Stage, Target};
use crate::random::Distribution;
use crate::theory::law::StageLaw;
use crate::theory::network::{Candidate, NetworkTheory};
use crate::theory::sheet::Source;
use crate::theory::{Kind, Model, ModelError, Reason, Turn};

type Fit = Result<Option<NetworkTheory>, Reason>;

/// The models of networks with populations, the most specific first.
pub(in crate::theory) const CANDIDATES: [Candidate; 5] = [
    FINITE_SOURCE,
    SHARED_SOURCE,
    PRODUCT_FORM,
    BOUNDED,
    APPROXIMATE,
];

const FINITE_SOURCE: Candidate = Candidate {
    model: &Model {
        name: "M/M/c//N, M/M/c/K//N, M/G/c/c//N (Engset)",
        conditions: "one population, one stage, one exponential law of service (any where nobody can wait), any think time; a rejected customer thinks again",
        gives: "all figures; first in, first out also distributions",
        kind: Kind::Exact,
        source: finite_source::REFERENCE,
        tests: &["machine_repair_as_published", "engset_as_published"],
    },
    fit: finite_source,
};

const SHARED_SOURCE: Candidate = Candidate {
    model: &Model {
        name: "M/M/c/K//(N₁, N₂, …)",
        conditions: "several populations, one bounded stage; one exponential law of service for all, or any laws where it is shared or nobody can wait; any think times; a rejected customer thinks again",
        gives: "means and loss by class; first in, first out also distributions",
        kind: Kind::Exact,
        source: shared_source::REFERENCE,
        tests: &["alike_populations_are_one"],
    },
    fit: shared_source,
};

const PRODUCT_FORM: Candidate = Candidate {
    model: &Model {
        name: "closed or mixed product form (BCMP)",
        conditions: "populations, and producers that are Poisson; every stage first in, first out (last in, random) with one exponential law, or shared or for everyone with any laws",
        gives: "all means by class; first in, first out also distributions of waits",
        kind: Kind::Exact,
        source: PRODUCT,
        tests: &["convolution_is_mean_value_analysis", "nobody_gets_lost"],
    },
    fit: product_form,
};

const BOUNDED: Candidate = Candidate {
    model: &Model {
        name: "closed network with blocking or rejection",
        conditions: "one population, exponential service and think time (or none), bounded queues, few states",
        gives: "means, loss, wait probability",
        kind: Kind::Exact,
        source: CHAIN,
        tests: &["saturated_lines_as_published"],
    },
    fit: bounded,
};

const APPROXIMATE: Candidate = Candidate {
    model: &Model {
        name: "closed or mixed network, approximate mean values",
        conditions: "populations of any size, any laws with two moments, priorities; queues without bound",
        gives: "means by class; where queues block, the most that can get through",
        kind: Kind::Approximation,
        source: MEAN_VALUES,
        tests: &["near_the_exact_solution_where_there_is_one"],
    },
    fit: approximate,
};

const PRODUCT: &str = "Baskett et al. 1975, J. ACM 22; Reiser, Kobayashi 1975, IBM J. Res. Dev. 19";
const CHAIN: &str = "Markov chain by elimination, Grassmann, Taksar, Heyman 1985, Oper. Res. 33";
const MEAN_VALUES: &str = "Schweitzer 1979; Reiser 1979; Chandy, Neuse 1982, Commun. ACM 25";

/// A network with populations, taken apart.
struct Case<'a> {
    network: &'a Network,
    flows: Vec<Flow>,
}

impl<'a> Case<'a> {
    fn new(network: &'a Network) -> Result<Option<Case<'a>>, Reason> {
        if network.populations.is_empty() {
            return Ok(None);
        }
        let flows = flows(network)?;
        let case = Case { network, flows };
        case.beyond().map_or(Ok(Some(case)), Err)
    }

    /// The flows that come to a stage.
    fn visitors(&self, stage: usize) -> impl Iterator<Item = (usize, &Flow)> {
        let flows = self.flows.iter().enumerate();
        flows.filter(move |(_, flow)| flow.visits[stage] > 0.0)
    }

    fn is_reached(&self, stage: usize) -> bool {
        self.visitors(stage).next().is_some()
    }

    /// The stages that orders come to.
    fn reached(&self) -> impl Iterator<Item = (usize, &'a Stage)> {
        let stages = self.network.stages.iter().enumerate();
        stages.filter(|(id, _)| self.is_reached(*id))
    }

    /// The customers that can be at a stage; none where open orders come too.
    fn most_present(&self, stage: usize) -> Option<u64> {
        self.visitors(stage)
            .try_fold(0u64, |total, (_, flow)| match flow.from {
                Origin::Closed { customers, .. } => total.checked_add(customers),
                Origin::Open { .. } => None,
            })
    }

    /// The law of service of the orders that come to a stage.
    fn law(&self, stage: usize) -> StageLaw {
        let mut rates = vec![0.0; self.network.classes.len()];
        self.visitors(stage)
            .for_each(|(_, flow)| rates[flow.class] = 1.0);
        StageLaw::new(self.network, stage, &rates)
    }

    fn service(&self, stage: usize, flow: &Flow) -> &'a Distribution {
        self.network.stages[stage].by_class[flow.class]
            .service
            .law()
    }

    /// Whether every order that can be here has a consumer.
    fn has_consumer_for_all(&self, stage: usize) -> bool {
        match self.network.stages[stage].consumers {
            Consumers::Unlimited => true,
            Consumers::Finite(c) => {
                let fits = self.most_present(stage).is_some_and(|n| n <= u64::from(c));
                fits || self.law(stage).mean() == 0.0
            }
        }
    }

    /// Whether every order that can be here finds a place.
    fn has_room_for_all(&self, stage: usize) -> bool {
        let at = &self.network.stages[stage];
        match (at.consumers, &at.capacity) {
            (Consumers::Unlimited, _) | (_, Capacity::Unbounded) => true,
            (
                Consumers::Finite(c),
                Capacity::Reject(m)
                | Capacity::Block(m)
                | Capacity::Retry(m, _)
                | Capacity::DropOldest(m)
                | Capacity::DeadLetter(m),
            ) => {
                let room = m.saturating_add(u64::from(c));
                self.most_present(stage).is_some_and(|n| n <= room)
            }
        }
    }

    /// The order of service; priorities that no two classes differ in are none.
    fn order(&self, stage: usize) -> Discipline {
        match self.network.stages[stage].discipline {
            Discipline::Priority | Discipline::PreemptivePriority
                if self.law(stage).levels(self.network) <= 1 =>
            {
                Discipline::Fifo
            }
            other => other,
        }
    }

    /// What a stage asks for that no model here has.
    fn beyond(&self) -> Option<Reason> {
        let mut stages = self.reached();
        stages.find_map(|(_, stage)| {
            let special = !stage.extras.is_plain() || stage.extras.fork != Fork::None;
            let feature = stage.special().filter(|_| special);
            feature.map(|feature| Reason::NoModel {
                place: stage.name.clone(),
                feature,
            })
        })
    }

    /// The first stage that has no room for all who can come, as a reason.
    fn no_room(&self) -> Option<Reason> {
        let (_, stage) = self.reached().find(|(id, _)| !self.has_room_for_all(*id))?;
        Some(Reason::NoModel {
            place: stage.name.clone(),
            feature: match stage.capacity {
                Capacity::Block(_) => "block",
                Capacity::Retry(..) => "retry",
                Capacity::DropOldest(_) => "drop_oldest",
                Capacity::DeadLetter(_) => "dead_letter",
                Capacity::Unbounded | Capacity::Reject(_) => "reject",
            },
        })
    }

    /// The first stage that open orders alone keep too busy.
    fn overload(&self) -> Option<Reason> {
        let mut stages = self.reached();
        stages.find_map(|(id, stage)| {
            let Consumers::Finite(c) = stage.consumers else {
                return None;
            };
            let load = self.open_load(id) / f64::from(c);
            let stage = stage.name.clone();
            match () {
                () if load > 1.0 + crate::theory::regime::NEAR => {
                    Some(Reason::Overloaded { stage, load })
                }
                () if load >= 1.0 - crate::theory::regime::NEAR => Some(Reason::Critical { stage }),
                () => None,
            }
        })
    }

    fn open_load(&self, stage: usize) -> f64 {
        self.visitors(stage)
            .map(|(_, flow)| {
                open_rate(flow) * flow.visits[stage] * self.service(stage, flow).mean()
            })
            .sum()
    }

    /// The model of a stage in a network, in words.
    fn words(&self, stage: usize, what: &str) -> String {
        let at = &self.network.stages[stage];
        let servers = match at.consumers {
            Consumers::Finite(c) => c.to_string(),
            Consumers::Unlimited => "∞".to_owned(),
        };
        let order = match self.order(stage) {
            _ if at.consumers == Consumers::Unlimited => "",
            Discipline::Fifo => "",
            Discipline::Lifo => " last in, first out",
            Discipline::Random => " random order",
            Discipline::ShortestFirst => " shortest first",
            Discipline::ShortestRemaining => " shortest remaining first",
            Discipline::ProcessorSharing => " processor sharing",
            Discipline::Priority => " priority",
            Discipline::PreemptivePriority => " preemptive priority",
            Discipline::PreemptiveRestart => " preemptive priority with restart",
            Discipline::EarliestDeadline => " earliest deadline first",
        };
        format!("·/{}/{servers}{order} in {what}", self.law(stage).symbol())
    }

    /// Exact, but where all times at a stage are fixed or from a list, so that customers can keep in
    /// step for ever and what they find depends on how they started.
    fn source(&self, reference: &'static str, keeps_step: impl Fn(usize) -> bool) -> Source {
        let moves = |flow: &Flow| match flow.from {
            Origin::Open { .. } => true,
            Origin::Closed { .. } => {
                let population = self
                    .network
                    .populations
                    .iter()
                    .find(|p| p.name == flow.name);
                let visited = (0..flow.visits.len()).filter(|&id| flow.visits[id] > 0.0);
                population.is_some_and(|p| spreads(&p.think))
                    || visited
                        .into_iter()
                        .any(|id| spreads(self.service(id, flow)))
            }
        };
        let stuck = |id: usize| keeps_step(id) && !self.visitors(id).any(|(_, flow)| moves(flow));
        if (0..self.network.stages.len()).any(|id| self.is_reached(id) && stuck(id)) {
            Source::approximation(reference)
        } else {
            Source::exact(reference)
        }
    }

    /// Whether orders come to one stage only, and each once.
    fn only_stage(&self) -> Option<usize> {
        let stage = self.flows.first()?.to;
        let once = |flow: &Flow| flow.to == stage && flow.visits[stage] < 1.0 + 1e-12;
        let only = self.reached().count() == 1 && self.flows.iter().all(once);
        only.then_some(stage)
    }

    /// Closed, or mixed with open orders.
    fn kind(&self) -> &'static str {
        if self.network.producers.is_empty() {
            "closed"
        } else {
            "mixed"
        }
    }
}

/// Whether times of a law are spread over more than a list of values.
fn spreads(law: &Distribution) -> bool {
    match law {
        Distribution::Deterministic { .. } | Distribution::Empirical { .. } => false,
        Distribution::Mixture { components, .. } => components.iter().any(spreads),
        Distribution::Shifted { of, .. } => spreads(of),
        _ => true,
    }
}

/// A refusal of a model as the reason for the next one.
fn refused(error: ModelError) -> Reason {
    Reason::Conditions { error }
}

fn finite_source(network: &Network) -> Fit {
    let Some(case) = Case::new(network)? else {
        return Ok(None);
    };
    let [flow] = case.flows.as_slice() else {
        return Ok(None);
    };
    let Origin::Closed {
        customers,
        think_mean,
    } = flow.from
    else {
        return Ok(None);
    };
    let stage = &network.stages[flow.to];
    let (Some(_), Consumers::Finite(consumers)) = (case.only_stage(), stage.consumers) else {
        return Ok(None);
    };
    let places = match stage.capacity {
        Capacity::Unbounded => None,
        Capacity::Reject(_) | Capacity::Block(_) if case.has_room_for_all(flow.to) => None,
        Capacity::Reject(places) => Some(places),
        Capacity::Block(_)
        | Capacity::Retry(..)
        | Capacity::DropOldest(_)
        | Capacity::DeadLetter(_) => return Ok(None),
    };
    let law = case.law(flow.to);
    let order = case.order(flow.to);
    let waitless = places == Some(0) || case.has_consumer_for_all(flow.to);
    let sharing = order == Discipline::ProcessorSharing;
    if !(waitless || sharing && places.is_none() || exponential_in_turn(&law, order)) {
        return Ok(None);
    }
    let mean = law.mean();
    if mean == 0.0 {
        return Ok(None);
    }
    let queue =
        FiniteSource::new(customers, think_mean, 1.0 / mean, consumers, places).map_err(refused)?;
    Ok(Some(of_finite_source(&case, &queue, waitless, places)))
}

/// One exponential law, in an order that does not look at sizes.
fn exponential_in_turn(law: &StageLaw, order: Discipline) -> bool {
    law.exponential().is_some() && Turn::of(order).is_some()
}

fn of_finite_source(
    case: &Case<'_>,
    queue: &FiniteSource,
    waitless: bool,
    places: Option<u64>,
) -> NetworkTheory {
    let flow = &case.flows[0];
    let order = case.order(flow.to);
    let sharing = order == Discipline::ProcessorSharing && !waitless;
    let stage = &case.network.stages[flow.to];
    let passing = Passing {
        offered: queue.arrival_rate(),
        accepted: queue.throughput(),
        wait: Some(if sharing { 0.0 } else { queue.waiting_mean() }),
        sojourn: Some(queue.sojourn_mean()),
        delayed: Some(if sharing {
            0.0
        } else {
            queue.wait_probability()
        }),
        found: None,
        lost: queue.arrival_rate() * queue.loss_probability(),
    };
    let turn = Turn::of(order).filter(|_| !waitless && !sharing);
    let mut known = turn.map(|turn| queue.figures(turn)).unwrap_or_default();
    known.retain(|metric, _| {
        matches!(
            metric,
            Metric::Time(TimeKind::Waiting | TimeKind::Sojourn, _)
        )
    });
    let at = AtStage {
        model: finite_source_name(case, places),
        flows: vec![Some(passing)],
        utilization: share_busy(stage, queue.utilization() * consumers_of(stage)),
        in_turn: false,
        waitless,
        known,
        limits: limits(case, flow.to),
    };
    let mut stages = idle_stages(case);
    stages[flow.to] = at;
    let solution = Solution {
        network: case.network,
        flows: &case.flows,
        sent: vec![queue.arrival_rate()],
        stages,
        source: case.source(finite_source::REFERENCE, |_| sharing || places.is_some()),
        formula: "X = μ Σ min(n, c) p_n",
        fair: true,
    };
    let curves = (turn == Some(Turn::FirstIn)).then(|| queue.curves());
    solution.theory_with(flow.to, curves)
}

fn consumers_of(stage: &Stage) -> f64 {
    match stage.consumers {
        Consumers::Finite(c) => f64::from(c),
        Consumers::Unlimited => f64::INFINITY,
    }
}

/// Think time/service/consumers/room//customers.
fn finite_source_name(case: &Case<'_>, places: Option<u64>) -> String {
    let flow = &case.flows[0];
    let stage = &case.network.stages[flow.to];
    let population = &case.network.populations[0];
    let think = match population.think.is_exponential() {
        Some(_) => "M".to_owned(),
        None => population.think.name(),
    };
    let room = places.map_or(String::new(), |m| {
        format!("/{}", m as f64 + consumers_of(stage))
    });
    let order = match case.order(flow.to) {
        _ if places == Some(0) || case.has_consumer_for_all(flow.to) => "",
        Discipline::ProcessorSharing => " processor sharing",
        Discipline::Lifo => " last in, first out",
        Discipline::Random => " random order",
        _ => "",
    };
    format!(
        "{think}/{}/{}{room}//{}{order}",
        case.law(flow.to).symbol(),
        consumers_of(stage),
        population.customers
    )
}

/// The limits of a stage's throughput, where there is one population and nothing else.
fn limits(case: &Case<'_>, stage: usize) -> Option<(f64, f64)> {
    let [flow] = case.flows.as_slice() else {
        return None;
    };
    let Origin::Closed {
        customers,
        think_mean,
    } = flow.from
    else {
        return None;
    };
    let demand = |id: usize| flow.visits[id] * case.service(id, flow).mean();
    let (mut delay, mut stations) = (think_mean, Vec::new());
    for (id, at) in case.reached() {
        if !case.has_room_for_all(id) && !matches!(at.capacity, Capacity::Block(_)) {
            return None;
        }
        match at.consumers {
            Consumers::Finite(c) => stations.push((demand(id), c)),
            Consumers::Unlimited => delay += demand(id),
        }
    }
    let bounds = ClosedBounds::new(customers as f64, delay, &stations).ok()?;
    let (low, high) = bounds.asymptotic();
    Some((low * flow.visits[stage], high * flow.visits[stage]))
}

/// Where blocking has no other formula: no network with blocking does more than its slowest stage could.
fn of_limits(case: &Case<'_>, reason: &Reason) -> Option<NetworkTheory> {
    let flow = case.flows.first()?;
    let (_, sent) = limits(case, flow.to).filter(|_| flow.visits[flow.to] > 0.0)?;
    let sent = sent / flow.visits[flow.to];
    let mut stages = idle_stages(case);
    for (id, stage) in case.reached() {
        let passing = sent * flow.visits[id];
        let at = &mut stages[id];
        at.flows[0] = Some(Passing {
            offered: passing,
            accepted: passing,
            ..Passing::default()
        });
        at.model = case.words(id, "closed network with blocking");
        at.utilization = share_busy(stage, passing * case.service(id, flow).mean());
    }
    let solution = Solution {
        network: case.network,
        flows: &case.flows,
        sent: vec![sent],
        stages,
        source: Source {
            kind: Kind::Bound,
            reference: "Denning, Buzen 1978, ACM Comput. Surv. 10",
        },
        formula: "at most min(N/(Z + D), min c/D) v",
        fair: false,
    };
    Some(solution.theory().because(reason))
}

fn shared_source(network: &Network) -> Fit {
    let Some(case) = Case::new(network)? else {
        return Ok(None);
    };
    let (Some(id), true) = (case.only_stage(), network.producers.is_empty()) else {
        return Ok(None);
    };
    let stage = &network.stages[id];
    let (Consumers::Finite(consumers), Capacity::Reject(places)) =
        (stage.consumers, &stage.capacity)
    else {
        return Ok(None);
    };
    let order = case.order(id);
    let sharing = order == Discipline::ProcessorSharing;
    let fits = *places == 0 || sharing || exponential_in_turn(&case.law(id), order);
    if !fits || case.has_room_for_all(id) {
        return Ok(None);
    }
    let customers: Vec<u64> = network.populations.iter().map(|p| p.customers).collect();
    let think: Vec<f64> = network.populations.iter().map(|p| p.think.mean()).collect();
    let service: Vec<f64> = case
        .flows
        .iter()
        .map(|f| case.service(id, f).mean())
        .collect();
    match SharedSource::new(&customers, &think, &service, consumers, *places) {
        Ok(solved) => Ok(Some(of_shared_source(&case, &solved, id, *places))),
        Err(ModelError::Domain { name: "states", .. }) => Ok(None),
        Err(error) => Err(refused(error)),
    }
}

fn of_shared_source(
    case: &Case<'_>,
    solved: &SharedSource,
    id: usize,
    places: u64,
) -> NetworkTheory {
    let stage = &case.network.stages[id];
    let order = case.order(id);
    let waits = places > 0 && order != Discipline::ProcessorSharing;
    let mut busy = 0.0;
    let mut stages = idle_stages(case);
    let at = &mut stages[id];
    for (k, flow) in case.flows.iter().enumerate() {
        let mean = case.service(id, flow).mean();
        let found = solved.found(k).to_vec();
        busy += solved.throughput(k) * mean;
        at.flows[k] = Some(Passing {
            offered: solved.arrival_rate(k),
            accepted: solved.throughput(k),
            wait: Some(if waits {
                mean * solved.wait_share(k)
            } else {
                0.0
            }),
            sojourn: Some(solved.sojourn_mean(k)),
            delayed: Some(if waits { found.iter().sum() } else { 0.0 }),
            found: Some(found),
            lost: solved.arrival_rate(k) * solved.loss_probability(k),
        });
    }
    let counts: Vec<String> = case
        .network
        .populations
        .iter()
        .map(|p| p.customers.to_string())
        .collect();
    let room = places as f64 + consumers_of(stage);
    let law = case.law(id).symbol();
    let servers = consumers_of(stage);
    let mut think = case.network.populations.iter().map(|p| &p.think);
    let arrivals = if think.all(|think| think.is_exponential().is_some()) {
        "M"
    } else {
        "G"
    };
    at.model = format!("{arrivals}/{law}/{servers}/{room}//({})", counts.join(", "));
    at.utilization = share_busy(stage, busy);
    at.waitless = places == 0;
    at.in_turn = waits && order == Discipline::Fifo;
    let solution = Solution {
        network: case.network,
        flows: &case.flows,
        sent: (0..case.flows.len())
            .map(|k| solved.arrival_rate(k))
            .collect(),
        stages,
        source: case.source(shared_source::REFERENCE, |_| true),
        formula: "λ_k = N_k/(Z_k + (1 − loss_k)W_k)",
        fair: true,
    };
    solution.theory()
}

fn idle_stages(case: &Case<'_>) -> Vec<AtStage> {
    let idle = AtStage {
        flows: vec![None; case.flows.len()],
        ..AtStage::default()
    };
    vec![idle; case.network.stages.len()]
}

/// How a stage of a product-form network serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Alone,
    Shared,
    InTurn,
}

/// The form of a stage; `None` where it has no product form.
fn form(case: &Case<'_>, stage: usize) -> Option<Form> {
    if !case.has_room_for_all(stage) {
        return None;
    }
    let order = case.order(stage);
    if case.has_consumer_for_all(stage) {
        return Some(Form::Alone);
    }
    if order == Discipline::ProcessorSharing {
        return Some(Form::Shared);
    }
    exponential_in_turn(&case.law(stage), order).then_some(Form::InTurn)
}

fn product_form(network: &Network) -> Fit {
    let Some(case) = Case::new(network)? else {
        return Ok(None);
    };
    let poisson = |flow: &crate::network::Producer| flow.arrivals.is_poisson().is_some();
    if !network.producers.iter().all(poisson) {
        return Ok(None);
    }
    let forms: Vec<Option<Form>> = (0..network.stages.len())
        .map(|id| {
            if case.is_reached(id) {
                form(&case, id)
            } else {
                Some(Form::Alone)
            }
        })
        .collect();
    let Some(forms) = forms.into_iter().collect::<Option<Vec<Form>>>() else {
        return Ok(None);
    };
    if let Some(reason) = case.overload() {
        return Err(reason);
    }
    let chains: Vec<&Flow> = case.flows.iter().take(network.populations.len()).collect();
    let (mut customers, mut think) = (Vec::new(), Vec::new());
    for flow in &chains {
        if let Origin::Closed {
            customers: n,
            think_mean,
        } = flow.from
        {
            customers.push(n);
            think.push(think_mean);
        }
    }
    let stations: Vec<ProductStation> = forms
        .iter()
        .enumerate()
        .map(|(id, form)| ProductStation {
            demands: chains
                .iter()
                .map(|flow| flow.visits[id] * case.service(id, flow).mean())
                .collect(),
            consumers: match (form, network.stages[id].consumers) {
                (Form::Alone, _) | (_, Consumers::Unlimited) => None,
                (_, Consumers::Finite(c)) => Some(c),
            },
            open_load: if *form == Form::Alone {
                0.0
            } else {
                case.open_load(id)
            },
        })
        .collect();
    let solved = match ProductForm::new(&customers, &think, &stations) {
        Ok(solved) => solved,
        // Too large: an approximation is better than nothing.
        Err(ModelError::Domain { name: "states", .. }) => return Ok(None),
        Err(error) => return Err(refused(error)),
    };
    Ok(Some(of_product(&case, &solved, &forms)))
}

fn of_product(case: &Case<'_>, solved: &ProductForm, forms: &[Form]) -> NetworkTheory {
    let chains = case.network.populations.len();
    let rate = |k: usize| {
        if k < chains {
            solved.throughput(k)
        } else {
            open_rate(&case.flows[k])
        }
    };
    let mut stages = idle_stages(case);
    for (id, stage) in case.reached() {
        let mut busy = 0.0;
        let at = &mut stages[id];
        for (k, flow) in case.visitors(id) {
            let mean = case.service(id, flow).mean();
            let passing = rate(k) * flow.visits[id];
            busy += passing * mean;
            let (share, delayed) = match (forms[id], k < chains) {
                (Form::Alone, _) => (0.0, 0.0),
                (_, true) => (solved.wait_share(id, k), solved.wait_probability(id, k)),
                (_, false) => (solved.open_wait_share(id), solved.open_wait_probability(id)),
            };
            let waits = forms[id] == Form::InTurn;
            let servers = consumers_of(stage) as usize;
            let found = if k < chains {
                solved.found(id, k)
            } else {
                None
            };
            at.flows[k] = Some(Passing {
                offered: passing,
                accepted: passing,
                wait: Some(if waits { mean * share } else { 0.0 }),
                sojourn: Some(mean * (1.0 + share)),
                delayed: Some(if waits { delayed } else { 0.0 }),
                found: found.map(|found| found.iter().skip(servers).copied().collect()),
                lost: 0.0,
            });
        }
        at.model = case.words(id, &format!("{} product form", case.kind()));
        at.limits = limits(case, id);
        at.utilization = share_busy(stage, busy);
        at.waitless = forms[id] == Form::Alone;
        at.in_turn = forms[id] == Form::InTurn && case.order(id) == Discipline::Fifo;
    }
    let solution = Solution {
        network: case.network,
        flows: &case.flows,
        sent: (0..case.flows.len()).map(rate).collect(),
        stages,
        source: case.source(PRODUCT, |id| forms[id] == Form::Shared),
        formula: "X_k = G(N−e_k)/G(N)",
        fair: true,
    };
    solution.theory()
}

fn bounded(network: &Network) -> Fit {
    let Some(case) = Case::new(network)? else {
        return Ok(None);
    };
    let [flow] = case.flows.as_slice() else {
        return Ok(None);
    };
    let population = &network.populations[0];
    let think = &population.think;
    if think.is_exponential().is_none() && think.mean() > 0.0 {
        return Ok(None);
    }
    let mut stations = Vec::new();
    let ids: Vec<usize> = case.reached().map(|(id, _)| id).collect();
    for &id in &ids {
        let Some(station) = bounded_station(&case, id, &ids) else {
            return Ok(None);
        };
        stations.push(station);
    }
    let enter = ids
        .iter()
        .position(|id| *id == flow.to)
        .ok_or(Reason::NoFlows)?;
    let solved = BoundedNetwork::new(population.customers, think.mean(), enter, &stations);
    let Ok(solved) = solved else {
        return Ok(None);
    };
    Ok(Some(of_bounded(&case, &solved, &ids, &stations)))
}

fn bounded_station(case: &Case<'_>, id: usize, ids: &[usize]) -> Option<BoundedStation> {
    let stage = &case.network.stages[id];
    let law = case.law(id);
    Turn::of(case.order(id))?;
    let customers = case.most_present(id)?;
    let room = match stage.capacity {
        _ if case.has_room_for_all(id) => Room::Unbounded,
        Capacity::Unbounded => Room::Unbounded,
        Capacity::Reject(m) => Room::Reject(m),
        Capacity::Block(m) => Room::Block(m),
        Capacity::Retry(..) | Capacity::DropOldest(_) | Capacity::DeadLetter(_) => return None,
    };
    let class = case.flows[0].class;
    let next = stage.by_class[class]
        .next
        .iter()
        .filter_map(|route| match route.to {
            Target::Stage(to) => Some((ids.iter().position(|id| *id == to.0)?, route.probability)),
            Target::Completed | Target::Cancelled => None,
        });
    Some(BoundedStation {
        service_rate: law.exponential()?,
        consumers: match stage.consumers {
            Consumers::Finite(c) => c,
            Consumers::Unlimited => u32::try_from(customers).ok()?,
        },
        room,
        next: next.collect(),
    })
}

fn of_bounded(
    case: &Case<'_>,
    solved: &BoundedNetwork,
    ids: &[usize],
    stations: &[BoundedStation],
) -> NetworkTheory {
    let mut stages = idle_stages(case);
    let flow = &case.flows[0];
    for (i, &id) in ids.iter().enumerate() {
        let figures = solved.station(i);
        let stage = &case.network.stages[id];
        let at = &mut stages[id];
        let inside = figures.serving + figures.waiting + figures.blocked;
        at.flows[0] = Some(Passing {
            offered: figures.offered,
            accepted: figures.accepted,
            wait: Some(figures.waiting / figures.accepted),
            sojourn: Some(inside / figures.accepted),
            delayed: Some(figures.delayed / figures.accepted),
            found: None,
            lost: figures.rejected,
        });
        // Whether a consumer that holds a blocked order is busy is a matter of words.
        at.utilization = (figures.blocked == 0.0)
            .then(|| share_busy(stage, figures.serving))
            .flatten();
        let bound = match stations[i].room {
            Room::Unbounded => "",
            Room::Reject(_) => " with rejection",
            Room::Block(_) => " with blocking",
        };
        at.model = case.words(id, &format!("closed network{bound}"));
    }
    let rejects = stations.iter().any(|s| matches!(s.room, Room::Reject(_)));
    let cancels = flow.completing.iter().zip(&flow.visits);
    let cancels = cancels
        .filter(|(_, v)| **v > 0.0)
        .any(|(h, _)| *h < 1.0 - 1e-12);
    let enter = ids.iter().position(|id| *id == flow.to).unwrap_or(0);
    let returning: f64 = ids
        .iter()
        .enumerate()
        .flat_map(|(i, _)| {
            let to_start = stations[i].next.iter().filter(move |n| n.0 == enter);
            to_start.map(move |n| (i, n.1))
        })
        .map(|(i, p)| solved.station(i).accepted * p)
        .sum();
    let solution = Solution {
        network: case.network,
        flows: &case.flows,
        sent: vec![solved.station(enter).offered - returning],
        stages,
        source: Source::exact(CHAIN),
        formula: "πQ = 0",
        fair: !rejects && !cancels,
    };
    solution.theory()
}

fn approximate(network: &Network) -> Fit {
    let Some(case) = Case::new(network)? else {
        return Ok(None);
    };
    if let Some(reason) = case.no_room() {
        return of_limits(&case, &reason).map_or(Err(reason), |theory| Ok(Some(theory)));
    }
    if let Some(reason) = case.overload() {
        return Err(reason);
    }
    let stations: Vec<MvaStation> = (0..network.stages.len())
        .map(|id| MvaStation {
            consumers: match network.stages[id].consumers {
                _ if case.is_reached(id) && case.has_consumer_for_all(id) => None,
                Consumers::Finite(c) => Some(c),
                Consumers::Unlimited => None,
            },
            order: match case.order(id) {
                Discipline::ProcessorSharing => ServiceOrder::Sharing,
                Discipline::Priority => ServiceOrder::Priority,
                Discipline::PreemptivePriority => ServiceOrder::Preemptive,
                _ => ServiceOrder::Queue,
            },
        })
        .collect();
    let flows: Vec<MvaFlow> = case
        .flows
        .iter()
        .map(|flow| mva_flow(&case, flow))
        .collect();
    if flows
        .iter()
        .flat_map(|f| &f.visits)
        .any(|v| !v.scv.is_finite())
    {
        return Err(Reason::InfiniteVariance);
    }
    let solved = ApproximateMva::new(&stations, &flows).map_err(refused)?;
    Ok(Some(of_approximate(&case, &solved, &stations)))
}

fn mva_flow(case: &Case<'_>, flow: &Flow) -> MvaFlow {
    let visits = (0..flow.visits.len()).map(|id| {
        let law = case.service(id, flow);
        let count = flow.visits[id];
        if count == 0.0 {
            return MvaVisits::default();
        }
        MvaVisits {
            count,
            mean: law.mean(),
            scv: if law.mean() > 0.0 { law.scv() } else { 0.0 },
        }
    });
    MvaFlow {
        source: match flow.from {
            Origin::Closed {
                customers,
                think_mean,
            } => MvaSource::Closed {
                customers: customers as f64,
                think_mean,
            },
            Origin::Open { rate } => MvaSource::Open { rate },
        },
        level: case.network.classes[flow.class].priority,
        visits: visits.collect(),
    }
}

fn of_approximate(
    case: &Case<'_>,
    solved: &ApproximateMva,
    stations: &[MvaStation],
) -> NetworkTheory {
    let mut stages = idle_stages(case);
    for (id, stage) in case.reached() {
        let at = &mut stages[id];
        let alone = stations[id].consumers.is_none();
        let sharing = stations[id].order == ServiceOrder::Sharing;
        for (k, flow) in case.visitors(id) {
            let passing = solved.throughput(k) * flow.visits[id];
            let wait = solved.waiting_mean(id, k);
            at.flows[k] = Some(Passing {
                offered: passing,
                accepted: passing,
                wait: Some(if sharing { 0.0 } else { wait }),
                sojourn: Some(case.service(id, flow).mean() + wait),
                delayed: None,
                found: None,
                lost: 0.0,
            });
        }
        at.model = case.words(id, &format!("{} network", case.kind()));
        at.limits = limits(case, id);
        at.utilization = share_busy(stage, solved.busy_consumers(id));
        at.waitless = alone;
    }
    let solution = Solution {
        network: case.network,
        flows: &case.flows,
        sent: (0..case.flows.len())
            .map(|k| solved.throughput(k))
            .collect(),
        stages,
        source: Source::approximation(MEAN_VALUES),
        formula: "X_k = N_k/(Z_k + Σ v W)",
        fair: true,
    };
    solution.theory()
}
