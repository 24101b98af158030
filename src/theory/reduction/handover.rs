//! What keeps a consumer beyond its work: the hand-over before, the acknowledgement after.
//!
//! # Formula
//! A consumer is kept for H + S, and for H + S + A where the next message comes only when the last has been
//! acknowledged (`prefetch = 1`). The order waits for H, too, and not for A: W = W' − E\[A\], Wq = Wq' + E\[H\],
//! of the queue whose service is the whole. Being handed over to a free consumer is no waiting for one, so
//! P(wait) is that queue's.

use super::{Draft, Gap};
use crate::network::{
    Broker, Capacity, Commitment, Costs, Discipline, Extras, Fork, Service, Stage, Store,
};
use crate::random::Distribution;
use crate::theory::{Kind, Model};

pub(super) const HANDOVER: Model = Model {
    name: "Hand-over as service",
    conditions: "`handover`, and with `prefetch = 1` also `acknowledge`, on a plain queue without bound that hands messages to whoever is free; not preemptive, sizes unseen",
    gives: "what the queue of such a service gives; means only where the law of the sum is none that is known",
    kind: Kind::Exact,
    source: "Gross et al. 2008, Fundamentals of Queueing Theory, chapter 2 (set-up as part of the service)",
    tests: &[
        "a_consumer_is_kept_by_the_handover",
        "an_acknowledgement_keeps_the_next_message_away",
    ],
};

/// How the figures of a stage with hand-over are read.
#[derive(Debug, Clone)]
pub(super) struct Handed {
    /// E\[H\].
    pub handover: f64,
    /// E\[A\], where it keeps the consumer.
    pub acknowledge: f64,
    /// S, by class.
    pub service: Vec<Distribution>,
    pub consumers: f64,
}

/// What about hand-over and acknowledgement no model knows.
pub(super) fn gap(stage: &Stage) -> Option<Gap> {
    let broker = &stage.extras.broker;
    let plain = Costs::default();
    let name = if broker.costs.handover != plain.handover {
        "handover"
    } else if broker.costs.acknowledge != plain.acknowledge {
        "acknowledge"
    } else {
        return None;
    };
    let others = Extras {
        fork: Fork::None,
        broker: Broker {
            commitment: Commitment::OnDemand,
            costs: plain,
            ..broker.clone()
        },
        ..stage.extras.clone()
    };
    let one_by_one = match broker.commitment {
        Commitment::OnDemand => true,
        Commitment::Push { prefetch } => prefetch == 1 && broker.threads == 1,
        Commitment::Pull { .. } | Commitment::AtSend { .. } => false,
    };
    let in_turn = matches!(
        stage.discipline,
        Discipline::Fifo | Discipline::Lifo | Discipline::Random | Discipline::Priority
    );
    let known = others == Extras::default()
        && broker.store == Store::Shared
        && one_by_one
        && in_turn
        && stage.capacity == Capacity::Unbounded;
    let parts = [&broker.costs.handover, &broker.costs.acknowledge];
    let services = stage.by_class.iter().map(|at| at.service.law());
    let mut laws = parts.into_iter().chain(services);
    let finite = laws.all(|law| law.moment_is_finite(3));
    match known && finite {
        true => None,
        false => Some((name, "a consumer is kept by more than the work")),
    }
}

/// Tells hand-over and acknowledgement in the words of queues.
pub(super) fn tell(draft: &mut Draft, id: usize) {
    let stage = &mut draft.network.stages[id];
    let broker = &mut stage.extras.broker;
    let plain = Costs::default();
    if broker.costs.handover == plain.handover && broker.costs.acknowledge == plain.acknowledge {
        return;
    }
    let handover = std::mem::replace(&mut broker.costs.handover, plain.handover);
    let acknowledge = std::mem::replace(&mut broker.costs.acknowledge, plain.acknowledge);
    broker.commitment = Commitment::OnDemand;
    let service = stage
        .by_class
        .iter()
        .map(|at| at.service.law().clone())
        .collect();
    let mut whole = true;
    for at in &mut stage.by_class {
        let (law, exact) = sum([&handover, at.service.law(), &acknowledge]);
        whole &= exact;
        at.service = Service::Own(law);
    }
    let consumers = match stage.consumers {
        crate::network::Consumers::Finite(c) => f64::from(c),
        crate::network::Consumers::Unlimited => f64::INFINITY,
    };
    let reading = &mut draft.readings[id];
    reading.means_only |= !whole;
    reading.entry = Some(&HANDOVER);
    reading.handed = Some(Handed {
        handover: handover.mean(),
        acknowledge: acknowledge.mean(),
        service,
        consumers,
    });
}

/// The law of a sum, and whether it is the law itself; else one with the same mean and variance.
fn sum(parts: [&Distribution; 3]) -> (Distribution, bool) {
    let fixed: f64 = parts.iter().filter_map(|law| law.is_deterministic()).sum();
    let random: Vec<&Distribution> = parts
        .into_iter()
        .filter(|law| law.is_deterministic().is_none())
        .collect();
    let rates: Option<Vec<f64>> = random.iter().map(|law| law.is_exponential()).collect();
    let exact = match (random.as_slice(), rates) {
        ([], _) => return (Distribution::Deterministic { value: fixed }, true),
        ([only], _) => Some((*only).clone()),
        (several, Some(rates)) => Distribution::coxian(rates, vec![1.0; several.len() - 1]).ok(),
        _ => None,
    };
    let (mean, variance) = (
        random.iter().map(|law| law.mean()).sum::<f64>(),
        random.iter().map(|law| law.variance()).sum::<f64>(),
    );
    let whole = exact.is_some();
    let law = exact.or_else(|| Distribution::gamma_mean_scv(mean, variance / (mean * mean)).ok());
    let law = law.unwrap_or(Distribution::Deterministic { value: mean });
    if fixed > 0.0 {
        let shifted = Distribution::shifted(fixed, law.clone());
        return (shifted.unwrap_or(law), whole);
    }
    (law, whole)
}
