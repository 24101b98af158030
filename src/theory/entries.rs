//! Bounded queues where orders enter the network and nothing comes from other stages: what they lose
//! does not depend on any other stage, and is known exactly for Markovian arrivals.

use super::law::StageLaw;
use super::{MapPhCK, MarkovianArrivals, Mg1k, PhaseType, Reason};
use crate::network::{Capacity, Consumers, Discipline, Network, Producer, Target};
use std::sync::Arc;

/// What is known of a stage: nothing, its model, or why it has none though it is of this kind.
pub(super) type Entry = Option<Result<Arc<MapPhCK>, Reason>>;

/// All stages of the network.
pub(super) fn entries(network: &Network) -> Vec<Entry> {
    let stages = 0..network.stages.len();
    stages.map(|stage| entry(network, stage)).collect()
}

fn entry(network: &Network, stage: usize) -> Entry {
    let at = &network.stages[stage];
    let (Consumers::Finite(consumers), Capacity::Reject(places)) = (at.consumers, &at.capacity)
    else {
        return None;
    };
    if !at.extras.is_plain()
        || reached_from_within(network, stage)
        || leads_on_to_blocking(network, stage)
    {
        return None;
    }
    let rates = rates(network, stage);
    let law = StageLaw::new(network, stage, &rates);
    let arrivals = arrivals(network, stage)?;
    if !blind(network, stage, &law) || is_simpler(&arrivals, &law, *places) {
        return None;
    }
    let service = PhaseType::of_stage(&law)?;
    let model = MapPhCK::new(&arrivals, &service, consumers, *places);
    let name = at.name.clone();
    Some(match model {
        Ok(Some(model)) => Ok(Arc::new(model)),
        Ok(None) => Err(Reason::LargeChain { stage: name }),
        Err(error) => Err(Reason::Conditions { error }),
    })
}

/// The share that each entry loses, where it is known exactly.
pub(super) fn losses(network: &Network, entries: &[Entry]) -> Vec<Option<f64>> {
    let loss = |(stage, entry): (usize, &Entry)| match entry {
        Some(Ok(model)) => Some(model.loss_probability()),
        _ => single_consumer_loss(network, stage),
    };
    entries.iter().enumerate().map(loss).collect()
}

/// That of M/G/1/K.
fn single_consumer_loss(network: &Network, stage: usize) -> Option<f64> {
    let at = &network.stages[stage];
    let (Consumers::Finite(1), Capacity::Reject(places)) = (at.consumers, &at.capacity) else {
        return None;
    };
    let bound_here = at.extras.is_plain()
        && !reached_from_within(network, stage)
        && !leads_on_to_blocking(network, stage);
    let poisson = producers(network, stage).map(|producer| producer.arrivals.is_poisson());
    let rate = poisson.sum::<Option<f64>>().filter(|rate| *rate > 0.0)?;
    let law = StageLaw::new(network, stage, &rates(network, stage));
    if !bound_here || !blind(network, stage, &law) || law.exponential().is_some() {
        return None;
    }
    let model = Mg1k::new(rate, &law.whole(), *places).ok()?;
    Some(model.loss_probability())
}

/// Whether a served order may have to stay because the next queue is full.
fn leads_on_to_blocking(network: &Network, stage: usize) -> bool {
    let mut ways = network.stages[stage]
        .by_class
        .iter()
        .flat_map(|at| &at.next);
    ways.any(|route| match route.to {
        Target::Stage(to) => matches!(network.stages[to.0].capacity, Capacity::Block(_)),
        Target::Completed | Target::Cancelled => false,
    })
}

/// Whether any stage or population leads there.
fn reached_from_within(network: &Network, stage: usize) -> bool {
    let ways = network.stages.iter().flat_map(|from| &from.by_class);
    let mut ways = ways.flat_map(|at| &at.next);
    let mut forks = network
        .stages
        .iter()
        .map(|from| from.extras.fork.branches());
    let mut populations = network.populations.iter();
    ways.any(|route| matches!(route.to, Target::Stage(to) if to.0 == stage))
        || forks.any(|branches| branches.iter().any(|to| to.0 == stage))
        || populations.any(|population| population.to.0 == stage)
}

fn producers(network: &Network, stage: usize) -> impl Iterator<Item = &Producer> {
    let producers = network.producers.iter();
    producers.filter(move |producer| producer.to.0 == stage)
}

fn rates(network: &Network, stage: usize) -> Vec<f64> {
    let mut rates = vec![0.0; network.classes.len()];
    for producer in producers(network, stage) {
        rates[producer.class.0] += super::traffic::rate_of(network, producer);
    }
    rates
}

/// One Markovian producer, or any number of Poisson ones: of several others each loses a share of its own.
fn arrivals(network: &Network, stage: usize) -> Option<MarkovianArrivals> {
    let poisson = producers(network, stage).map(|producer| producer.arrivals.is_poisson());
    if let Some(rate) = poisson.sum::<Option<f64>>().filter(|rate| *rate > 0.0) {
        return Some(MarkovianArrivals::poisson(rate));
    }
    let mut producers = producers(network, stage);
    let only = producers.next()?;
    match producers.next() {
        None => MarkovianArrivals::of(&only.arrivals),
        Some(_) => None,
    }
}

/// Whether who is served next does not depend on service times or classes.
fn blind(network: &Network, stage: usize, law: &StageLaw) -> bool {
    match network.stages[stage].discipline {
        Discipline::Fifo | Discipline::Lifo | Discipline::Random => true,
        Discipline::Priority | Discipline::PreemptivePriority => law.levels(network) <= 1,
        Discipline::ShortestFirst
        | Discipline::ShortestRemaining
        | Discipline::ProcessorSharing
        | Discipline::PreemptiveRestart
        | Discipline::EarliestDeadline => false,
    }
}

/// Whether there is a closed form.
fn is_simpler(arrivals: &MarkovianArrivals, law: &StageLaw, places: u64) -> bool {
    arrivals.phases() == 1 && (places == 0 || law.exponential().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Arrivals, Distribution};
    use crate::theory::testing::{Sketch, exponential};

    fn h2() -> Distribution {
        Distribution::hyperexponential_mean_scv(1.0, 4.0).unwrap()
    }

    fn known(sketch: &Sketch, stage: usize) -> bool {
        matches!(entries(&sketch.network())[stage], Some(Ok(_)))
    }

    #[test]
    fn only_entries_of_one_markovian_flow_are_known() {
        let bursts = || Arrivals::mmpp(vec![2.0, 0.1], vec![5.0, 5.0]).unwrap();
        let mut bounded = Sketch::single(bursts(), 2, h2());
        assert!(known(bounded.bound(0, 5), 0));
        assert!(!known(bounded.producer(bursts(), 0, 0), 0));
        let mut open = Sketch::single(bursts(), 2, h2());
        assert!(!known(&open, 0));
        open.bound(0, 3)
            .stage(1, exponential(3.0))
            .bound(1, 3)
            .then(0, 1, 1.0);
        assert!(known(&open, 0) && !known(&open, 1));
        let mut plain = Sketch::single(Arrivals::poisson(1.0).unwrap(), 1, exponential(1.0));
        assert!(!known(plain.bound(0, 3), 0));
        let mut poisson = Sketch::single(Arrivals::poisson(1.0).unwrap(), 1, h2());
        assert!(known(poisson.bound(0, 3).poisson(0.5, 0), 0));
    }
}
