//! Which law the orders arrive by at every stage.
//!
//! A stage sees exactly Poisson arrivals when everything that feeds it is Poisson and every stage
//! before it gives Poisson flows on: one with a consumer for every order, or a stable one without
//! bound on its queue that shares its consumers' work (any law), or whose classes share one exponential
//! law and whose order of service looks neither at the class nor at the service time (Burke 1956, Kelly
//! 1979). On a cycle of such stages the flows are not Poisson,
//! yet numbers and waits are those of M/M/c (Jackson 1957, arrival theorem). What lies behind any
//! other stage is known by two moments only ([`super::variability`]).
//!
//! # References
//! P. J. Burke (1956), *The output of a queuing system*, Operations Research 4; F. P. Kelly
//! (1979), *Reversibility and Stochastic Networks*, chapter 3.

use super::Reason;
use super::clockwork::is_clockwork;
use super::law::StageLaw;
use super::lines::Blocking;
use super::regime::{Regime, loses_work};
use super::traffic::{Traffic, loses};
use super::variability::variability;
use crate::network::{
    Balking, Capacity, Consumers, Discipline, Fork, Network, Patience, Producer, Reliability,
    Stage, Target,
};
use crate::random::{Arrivals, Distribution};

/// The law of arrivals at a stage.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Flow {
    /// Nobody comes.
    None,
    /// Exactly Poisson, independently for each class.
    Poisson,
    /// On a cycle of a product-form network: each arrival sees the stationary state.
    ProductForm,
    /// Stationary; known by rate and this squared coefficient of variation.
    TwoMoment(f64),
    /// No stationary description.
    Varying(Reason),
}

/// What is known of the way orders take to the stages.
pub(super) struct Flows {
    /// By stage.
    pub arrivals: Vec<Flow>,
    /// Whether the stage's flow passes an overloaded stage before it.
    pub behind_overload: Vec<bool>,
    /// Whether the long-run rates are exact: no approximated loss, no varying producer before.
    pub exact_rates: Vec<bool>,
    /// Whether the rates are known at all: no stage before that loses orders at a varying rate.
    pub known_rates: Vec<bool>,
    ancestors: Vec<Vec<usize>>,
    /// Whether the stage sends on Poisson flows where it gets such.
    regular: Vec<bool>,
    /// Whether the share of orders that the stage serves is known exactly.
    exact_shares: Vec<bool>,
    /// Whether service at the stage has a variance.
    has_variance: Vec<bool>,
    /// Whether what comes is tied to itself by a fork: copies of the same order meet again, or orders
    /// come after a join.
    tied: Vec<bool>,
}

impl Flows {
    pub fn new(network: &Network, traffic: &Traffic) -> Flows {
        let ancestors = ancestors(network, traffic);
        let overloaded = |s: usize| Regime::of(network, traffic, s) != Regime::Steady;
        let count = network.stages.len();
        let behind_overload = (0..count)
            .map(|s| ancestors[s].iter().any(|&a| overloaded(a)))
            .collect();
        let mut flows = Flows {
            arrivals: vec![Flow::None; count],
            behind_overload,
            exact_rates: vec![true; count],
            known_rates: vec![true; count],
            tied: tied(network, &ancestors),
            ancestors,
            regular: (0..count)
                .map(|s| is_regular(network, traffic, s))
                .collect(),
            exact_shares: vec![true; count],
            has_variance: (0..count)
                .map(|s| {
                    StageLaw::new(network, s, &traffic.offered[s])
                        .scv()
                        .is_finite()
                })
                .collect(),
        };
        let variability = variability(network, traffic);
        for stage in 0..count {
            flows.arrivals[stage] = flows.classify(network, traffic, &variability, stage);
        }
        for stage in 0..count {
            flows.exact_shares[stage] = flows.knows_share(network, traffic, stage);
        }
        for stage in 0..count {
            flows.exact_rates[stage] = flows.rates_are_exact(network, stage);
            let mut before = flows.ancestors[stage].iter();
            let unknown = |a: usize| {
                flows.loses_unknown(network, a) || traffic.blocking[a] == Blocking::Unknown
            };
            flows.known_rates[stage] = !before.any(|&a| unknown(a));
        }
        flows
    }

    /// Whether an order can come back to the stage.
    pub fn on_cycle(&self, stage: usize) -> bool {
        self.ancestors[stage].contains(&stage)
    }

    /// The stages an order may have passed before (the stage itself among them on a cycle).
    pub fn before(&self, stage: usize) -> &[usize] {
        &self.ancestors[stage]
    }

    /// Whether the stage is fed by Poisson producers and regular stages only, itself aside.
    pub fn is_poisson_but_for_itself(&self, network: &Network, stage: usize) -> bool {
        let others = self.ancestors[stage].iter().filter(|&&a| a != stage);
        let from_itself = others.clone().any(|&a| self.ancestors[a].contains(&stage));
        !from_itself
            && !self.tied[stage]
            && others.clone().all(|&a| self.regular[a])
            && self
                .sources(network, stage)
                .all(|p| p.arrivals.is_poisson().is_some())
    }

    /// The rate of what comes from other stages, where it is exactly Poisson and independent of the
    /// stage's own producers; 0 where nothing comes from others.
    pub fn poisson_from_others(
        &self,
        network: &Network,
        traffic: &Traffic,
        stage: usize,
    ) -> Option<f64> {
        let before = &self.ancestors[stage];
        if before.is_empty() {
            return Some(0.0);
        }
        let poisson = |&a: &usize| self.arrivals[a] == Flow::Poisson && self.regular[a];
        let own = network.producers.iter().filter(|p| p.to.0 == stage);
        let own: f64 = own.map(|p| p.arrivals.mean_rate()).sum();
        let all = before.iter().all(poisson) && !self.on_cycle(stage) && !self.tied[stage];
        all.then(|| (traffic.offered_to(stage) - own).max(0.0))
    }

    /// All producers whose orders may come to the stage.
    pub fn sources<'a>(
        &'a self,
        network: &'a Network,
        stage: usize,
    ) -> impl Iterator<Item = &'a Producer> {
        let feeds = move |p: &&Producer| p.to.0 == stage || self.ancestors[stage].contains(&p.to.0);
        network.producers.iter().filter(feeds)
    }

    fn classify(
        &self,
        network: &Network,
        traffic: &Traffic,
        variability: &Option<Vec<f64>>,
        stage: usize,
    ) -> Flow {
        if traffic.offered_to(stage) <= 0.0 {
            return Flow::None;
        }
        if let Some(producer) = self
            .sources(network, stage)
            .find(|p| !p.arrivals.is_stationary())
        {
            return Flow::Varying(varying(producer));
        }
        let poisson = self
            .sources(network, stage)
            .all(|p| p.arrivals.is_poisson().is_some());
        let regular = self.ancestors[stage].iter().all(|&a| self.regular[a]);
        if poisson && regular && !self.tied[stage] {
            return if self.on_cycle(stage) {
                Flow::ProductForm
            } else {
                Flow::Poisson
            };
        }
        match variability {
            Some(scvs) if self.variances_are_finite(network, stage) => Flow::TwoMoment(scvs[stage]),
            _ => Flow::Varying(Reason::InfiniteVariance),
        }
    }

    /// Whether all gaps and services that shape the arrivals have a variance.
    fn variances_are_finite(&self, network: &Network, stage: usize) -> bool {
        let finite = |p: &Producer| p.arrivals.scv().is_some_and(f64::is_finite);
        self.sources(network, stage).all(finite)
            && self.ancestors[stage].iter().all(|&a| self.has_variance[a])
    }

    /// Whether the rate of arrivals is the same at all times.
    pub fn has_steady_rate(&self, stage: usize) -> bool {
        match &self.arrivals[stage] {
            Flow::Varying(reason) => *reason == Reason::InfiniteVariance,
            _ => true,
        }
    }

    /// Whether a stage that loses orders meets arrivals whose rate varies: nobody knows how much it loses.
    pub fn loses_unknown(&self, network: &Network, stage: usize) -> bool {
        let at = &network.stages[stage];
        matches!(self.arrivals[stage], Flow::Varying(_))
            && at.consumers != Consumers::Unlimited
            && loses(at)
    }

    /// Rates are exact unless a producer varies or a loss before the stage is approximated.
    fn rates_are_exact(&self, network: &Network, stage: usize) -> bool {
        let steady = self
            .sources(network, stage)
            .all(|p| p.arrivals.is_stationary());
        steady && self.ancestors[stage].iter().all(|&a| self.exact_shares[a])
    }

    /// Whether the share of orders that a stage serves is known exactly.
    pub fn share_is_exact(&self, stage: usize) -> bool {
        self.exact_shares[stage]
    }

    /// Whether copies that a stage makes come to a stage where they may pile up: then their originals wait
    /// for them, and go on more slowly than they come.
    fn join_piles_up(&self, network: &Network, traffic: &Traffic, fork: usize) -> bool {
        let Fork::JoinAll(branches) = &network.stages[fork].extras.fork else {
            return false;
        };
        let comes_to = |stage: usize| {
            let mut ways = branches.iter();
            ways.any(|branch| branch.0 == stage || self.ancestors[stage].contains(&branch.0))
        };
        let piles_up = |stage: usize| {
            Regime::of(network, traffic, stage) != Regime::Steady
                || loses_work(&network.stages[stage])
                || traffic.blocking[stage] == Blocking::Unknown
        };
        (0..network.stages.len()).any(|stage| comes_to(stage) && piles_up(stage))
    }

    /// Whether the share of orders that a stage serves is known exactly. At critical load it is not:
    /// no run is long enough.
    ///
    /// An overloaded queue serves its classes as they come when first in is first out; in other
    /// orders the backlog may be made up otherwise, unless there is only one class or a level of
    /// priority for each.
    fn knows_share(&self, network: &Network, traffic: &Traffic, stage: usize) -> bool {
        let at = &network.stages[stage];
        let regime = Regime::of(network, traffic, stage);
        if regime == Regime::Critical
            || loses_work(at)
            || self.join_piles_up(network, traffic, stage)
        {
            return false;
        }
        if regime == Regime::Overloaded {
            let law = StageLaw::new(network, stage, &traffic.offered[stage]);
            let retries = matches!(at.capacity, Capacity::Retry(..));
            return match at.discipline {
                // Who tries again has no turn among those who do.
                Discipline::Priority | Discipline::PreemptivePriority if retries => {
                    law.levels(network) <= 1
                }
                Discipline::Lifo | Discipline::Random => law.classes().count() == 1,
                // What is served is not what comes: short orders pass long ones.
                Discipline::ShortestFirst
                | Discipline::ShortestRemaining
                | Discipline::ProcessorSharing
                | Discipline::PreemptiveRestart
                | Discipline::EarliestDeadline => law.common().is_some_and(is_fixed),
                Discipline::Fifo | Discipline::Priority | Discipline::PreemptivePriority => true,
            };
        }
        if !loses(at) || at.consumers == Consumers::Unlimited || is_clockwork(network, stage) {
            return true;
        }
        if traffic.entry_losses[stage].is_some() {
            return true;
        }
        self.arrivals[stage] == Flow::Poisson
            && !self.behind_overload[stage]
            && at.extras.reliability == Reliability::Perfect
            && loss_is_known(network, at, &StageLaw::of_all(network, stage))
    }
}

/// Whether a formula gives the share lost under Poisson arrivals: no place to wait, or processor sharing;
/// one exponential law of service without impatience, with exponential patience and no priorities, or
/// with any patience and no bound, first in, first out.
fn loss_is_known(network: &Network, at: &Stage, law: &StageLaw) -> bool {
    let exponential = law.exponential().is_some() && chosen_blindly(at.discipline);
    match &at.extras.patience {
        Patience::Endless if at.extras.balking != Balking::Never => exponential,
        Patience::Endless => {
            let shared = at.discipline == Discipline::ProcessorSharing;
            at.capacity == Capacity::Reject(0) || shared || exponential
        }
        // Under priorities each class gives up in its own measure.
        Patience::Limited(patience) if patience.is_exponential().is_some() => {
            let priorities = matches!(
                at.discipline,
                Discipline::Priority | Discipline::PreemptivePriority
            );
            exponential && (!priorities || law.levels(network) <= 1)
        }
        Patience::Limited(_) => {
            let first_in = at.discipline == Discipline::Fifo;
            exponential && first_in && at.capacity == Capacity::Unbounded
        }
    }
}

/// Whether who is served next does not depend on service times, and service is not shared.
fn chosen_blindly(discipline: Discipline) -> bool {
    !matches!(
        discipline,
        Discipline::ShortestFirst | Discipline::ShortestRemaining | Discipline::ProcessorSharing
    )
}

fn varying(producer: &Producer) -> Reason {
    let producer_name = producer.name.clone();
    if matches!(producer.arrivals, Arrivals::Trace { .. }) {
        Reason::RecordedArrivals {
            producer: producer_name,
        }
    } else {
        Reason::VaryingArrivals {
            producer: producer_name,
        }
    }
}

fn is_fixed(law: &Distribution) -> bool {
    law.is_deterministic().is_some()
}

/// Whether Poisson flows come out of a stage where Poisson flows go in, in such a way that networks of
/// such stages have product form: a consumer for every order, no work at all, processor sharing, or
/// one exponential law in an order of service that looks neither at classes nor at sizes; and never a
/// place ahead that blocks.
fn is_regular(network: &Network, traffic: &Traffic, stage: usize) -> bool {
    let at = &network.stages[stage];
    if !at.extras.is_plain() || traffic.blocking[stage] != Blocking::Free {
        return false;
    }
    if at.consumers == Consumers::Unlimited {
        return true;
    }
    let law = StageLaw::new(network, stage, &traffic.offered[stage]);
    let suits = match at.discipline {
        _ if law.mean() == 0.0 => true,
        Discipline::ProcessorSharing => true,
        Discipline::Fifo | Discipline::Lifo | Discipline::Random => law.exponential().is_some(),
        Discipline::Priority | Discipline::PreemptivePriority => {
            law.exponential().is_some() && law.levels(network) <= 1
        }
        Discipline::ShortestFirst
        | Discipline::ShortestRemaining
        | Discipline::PreemptiveRestart
        | Discipline::EarliestDeadline => false,
    };
    suits
        && at.extras.is_plain()
        && at.capacity == Capacity::Unbounded
        && Regime::of(network, traffic, stage) == Regime::Steady
}

/// The stages before each stage, itself included where it lies on a cycle.
fn ancestors(network: &Network, traffic: &Traffic) -> Vec<Vec<usize>> {
    let count = network.stages.len();
    let mut feeders = vec![Vec::new(); count];
    for (from, stage) in network.stages.iter().enumerate() {
        for (class, at) in stage.by_class.iter().enumerate() {
            if traffic.served(from, class) <= 0.0 {
                continue;
            }
            for route in &at.next {
                if let Target::Stage(to) = route.to {
                    feeders[to.0].push(from);
                }
            }
            for to in stage.extras.fork.branches() {
                feeders[to.0].push(from);
            }
        }
    }
    (0..count).map(|stage| closure(&feeders, stage)).collect()
}

fn closure(feeders: &[Vec<usize>], stage: usize) -> Vec<usize> {
    let mut seen = vec![false; feeders.len()];
    let mut open = feeders[stage].clone();
    while let Some(next) = open.pop() {
        if !std::mem::replace(&mut seen[next], true) {
            open.extend(&feeders[next]);
        }
    }
    (0..seen.len()).filter(|&s| seen[s]).collect()
}

/// Behind which forks the flows depend on each other: where the ways of two copies of an order meet (or
/// of a copy and its order that does not wait for it), where orders come after a join, and all along a
/// way back to the fork.
fn tied(network: &Network, ancestors: &[Vec<usize>]) -> Vec<bool> {
    let mut tied = vec![false; ancestors.len()];
    for (fork, stage) in network.stages.iter().enumerate() {
        let branches = stage.extras.fork.branches();
        if branches.is_empty() {
            continue;
        }
        let leads = |from: usize, to: usize| from == to || ancestors[to].contains(&from);
        let onward = stage.by_class.iter().flat_map(|at| &at.next);
        let onward: Vec<usize> = onward.filter_map(|route| stage_of(route.to)).collect();
        let back = branches.iter().any(|branch| leads(branch.0, fork));
        for (to, tied) in tied.iter_mut().enumerate() {
            let ways = branches.iter().filter(|branch| leads(branch.0, to)).count();
            let after = onward.iter().any(|&from| leads(from, to));
            let after = match stage.extras.fork {
                Fork::JoinAll(_) => after,
                Fork::None | Fork::Detached(_) => after && ways > 0,
            };
            *tied |= after || ways > 1 || (back && ways > 0);
        }
    }
    tied
}

fn stage_of(target: Target) -> Option<usize> {
    match target {
        Target::Stage(to) => Some(to.0),
        Target::Completed | Target::Cancelled => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Distribution;
    use crate::theory::testing::{Sketch, exponential};

    fn flows(sketch: &Sketch) -> Flows {
        let network = sketch.network();
        Flows::new(&network, &Traffic::solve(&network).unwrap())
    }

    fn tandem(first: Distribution) -> Sketch {
        let mut sketch = Sketch::new();
        sketch.stage(2, first);
        sketch.stage(1, exponential(3.0));
        sketch.poisson(1.0, 0).then(0, 1, 1.0);
        sketch
    }

    #[test]
    fn burke_holds_behind_exponential_and_unlimited_stages_only() {
        assert_eq!(flows(&tandem(exponential(1.0))).arrivals[1], Flow::Poisson);
        let one = || Distribution::deterministic(1.0).unwrap();
        assert!(matches!(flows(&tandem(one())).arrivals[1], Flow::TwoMoment(scv) if scv < 1.0));
        let mut delay = tandem(one());
        assert_eq!(flows(delay.unlimited(0)).arrivals[1], Flow::Poisson);
        let mut bounded = tandem(exponential(1.0));
        assert!(matches!(
            flows(bounded.bound(0, 4)).arrivals[1],
            Flow::TwoMoment(_)
        ));
    }

    #[test]
    fn a_class_of_its_own_law_spoils_what_is_behind() {
        let mut sketch = Sketch::new();
        sketch.classes(&[0, 0]);
        sketch.stage(1, exponential(3.0)).stage(1, exponential(3.0));
        sketch.own(0, 1, exponential(5.0));
        sketch.poisson(1.0, 0).poisson_of(1, 1.0, 0).then(0, 1, 1.0);
        assert_eq!(flows(&sketch).arrivals[0], Flow::Poisson);
        assert!(matches!(flows(&sketch).arrivals[1], Flow::TwoMoment(_)));
        sketch.own(0, 1, exponential(3.0));
        assert_eq!(flows(&sketch).arrivals[1], Flow::Poisson);
    }

    #[test]
    fn a_cycle_has_product_form() {
        let flows = flows(&Sketch::jain());
        assert!(flows.arrivals.iter().all(|flow| *flow == Flow::ProductForm));
    }

    #[test]
    fn markovian_flows_have_unit_variability() {
        let network = Sketch::jain().network();
        let traffic = Traffic::solve(&network).unwrap();
        for scv in variability(&network, &traffic).unwrap() {
            assert!((scv - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn a_tandem_of_even_arrivals_grows_more_variable() {
        let mut sketch = Sketch::new();
        sketch.stage(1, exponential(2.0)).stage(1, exponential(2.0));
        sketch
            .producer(Arrivals::deterministic(1.0).unwrap(), 0, 0)
            .then(0, 1, 1.0);
        // cd² = 1 + (1 − 0.25)(0 − 1) = 0.25.
        assert_eq!(flows(&sketch).arrivals[0], Flow::TwoMoment(0.0));
        assert!(
            matches!(flows(&sketch).arrivals[1], Flow::TwoMoment(scv) if (scv - 0.25).abs() < 1e-12)
        );
    }
}
