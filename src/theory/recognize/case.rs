//! One stage with all that the recognizer looks at.

use crate::network::{Capacity, Consumers, Discipline, Network, Producer, Stage};
use crate::random::Arrivals;
use crate::theory::clockwork;
use crate::theory::flow::{Flow, Flows};
use crate::theory::law::StageLaw;
use crate::theory::lines::Blocking;
use crate::theory::regime::{Regime, load, strain};
use crate::theory::traffic::Traffic;
use crate::theory::{Reason, Turn};

/// One stage with all that the recognizer looks at.
pub(in crate::theory) struct Case<'a> {
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

impl<'a> Case<'a> {
    /// A stage of a network.
    pub fn at(network: &'a Network, traffic: &'a Traffic, flows: &'a Flows, id: usize) -> Case<'a> {
        Case {
            network,
            traffic,
            flows,
            id,
            stage: &network.stages[id],
            law: StageLaw::new(network, id, &traffic.offered[id]),
            rate: traffic.offered_to(id),
        }
    }

    /// The load of a stage that can have none: offered work over capacity.
    pub fn load(&self) -> Option<f64> {
        load(self.network, self.traffic, self.id)
    }

    pub fn flow(&self) -> &Flow {
        &self.flows.arrivals[self.id]
    }

    /// Whether the stage blocks or can be blocked.
    pub fn blocking(&self) -> &'a Blocking {
        &self.traffic.blocking[self.id]
    }

    pub fn loses_unknown(&self) -> bool {
        self.flows.loses_unknown(self.network, self.id) || *self.blocking() == Blocking::Unknown
    }

    /// Poisson arrivals, or as good as Poisson for means and FIFO waits.
    pub fn markovian(&self) -> bool {
        matches!(self.flow(), Flow::Poisson | Flow::ProductForm)
    }

    /// Whether the arrivals have a stationary description.
    pub fn stationary(&self) -> bool {
        !matches!(self.flow(), Flow::Varying(_))
    }

    /// Whether orders come here in batches: what they add to the wait of one another no long-run
    /// variability tells.
    pub fn bursts(&self) -> bool {
        let mut producers = self.producers();
        producers.any(|producer| match &producer.arrivals {
            Arrivals::Batch { size, .. } => !size.is_always_one(),
            _ => false,
        })
    }

    /// That no formula covers the batches that come here.
    pub fn bursts_unknown(&self) -> Reason {
        Reason::NoModel {
            place: self.stage.name.clone(),
            feature: "batch",
        }
    }

    /// Exactly Poisson arrivals.
    pub fn poisson(&self) -> bool {
        *self.flow() == Flow::Poisson
    }

    /// The producers whose orders enter here.
    pub fn producers(&self) -> impl Iterator<Item = &'a Producer> + use<'a> {
        let (network, id) = (self.network, self.id);
        network.producers.iter().filter(move |p| p.to.0 == id)
    }

    /// The only producer whose orders come here, where nothing else leads to the stage.
    pub fn only_producer(&self) -> Option<&'a Producer> {
        let mut producers = self.producers();
        let only = producers.next()?;
        let alone = producers.next().is_none() && self.flows.before(self.id).is_empty();
        alone.then_some(only)
    }

    /// c, where it is finite.
    pub fn consumers(&self) -> Option<u32> {
        match self.stage.consumers {
            Consumers::Finite(c) => Some(c),
            Consumers::Unlimited => None,
        }
    }

    /// c of a plain queue without bound: nothing beyond an order of service (any) is asked for.
    pub fn plain_unbounded(&self) -> Option<u32> {
        let plain = self.stage.extras.is_plain() && self.stage.capacity == Capacity::Unbounded;
        self.consumers().filter(|_| plain)
    }

    /// c and the places of a queue that rejects, with nothing else beyond a plain queue.
    pub fn plain_bounded(&self) -> Option<(u32, u64)> {
        match &self.stage.capacity {
            Capacity::Reject(places) if self.stage.extras.is_plain() => {
                Some((self.consumers()?, *places))
            }
            _ => None,
        }
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

    /// In which turn orders are served; `None` where it depends on their class or service time, or
    /// where they are not served in turns.
    pub fn turn(&self) -> Option<Turn> {
        Turn::of(self.order())
    }

    /// Whether who is served next is chosen without regard to service times, and service is not shared:
    /// with one exponential law the number in system is then the same as first in, first out.
    pub fn blind_to_sizes(&self) -> bool {
        !matches!(
            self.stage.discipline,
            Discipline::ShortestFirst
                | Discipline::ShortestRemaining
                | Discipline::ProcessorSharing
        )
    }

    /// Whether no order can ever wait here.
    pub fn waitless(&self) -> bool {
        let extras = &self.stage.extras;
        let idle = self.stage.consumers == Consumers::Unlimited
            || self.stage.capacity == Capacity::Reject(0)
            || self.law.mean() == 0.0;
        (idle && extras.is_plain()) || self.clockwork()
    }

    /// D/D/c without a wait.
    pub fn clockwork(&self) -> bool {
        self.stage.extras.is_plain() && clockwork::is_clockwork(self.network, self.id)
    }

    /// Why the stage has no steady state.
    pub fn instability(&self) -> Option<Reason> {
        let stage = self.stage.name.clone();
        let load = strain(self.network, self.traffic, self.id)?;
        match Regime::of(self.network, self.traffic, self.id) {
            Regime::Steady => None,
            Regime::Critical => Some(Reason::Critical { stage }),
            Regime::Overloaded => Some(Reason::Overloaded { stage, load }),
        }
    }

    /// That no formula covers the stage.
    pub fn no_model(&self) -> Reason {
        let place = self.stage.name.clone();
        let feature = self.stage.special().unwrap_or("this combination");
        Reason::NoModel { place, feature }
    }
}
