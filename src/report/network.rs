//! A network in words: who sends what where, what each stage is and how loaded.

use super::extras;
use super::format;
use super::text::warning_lines;
use super::warning::Warning;
use crate::metric::Metric;
use crate::network::{
    Capacity, Consumers, Discipline, Network, Place, Population, Producer, Route, StageId, Target,
};
use crate::theory::NetworkTheory;
use anstyle::Style;
use std::fmt::Write;

/// A network in words, with what was noticed when it was read.
pub fn network_text(network: &Network, theory: &NetworkTheory, noticed: &[Warning]) -> String {
    let mut out = String::new();
    let bold = Style::new().bold();
    let _ = writeln!(out, "{bold}{}{bold:#}: valid", network.name);
    for class in network
        .classes
        .iter()
        .filter(|one| one.deadline.is_finite())
    {
        let deadline = format::duration(class.deadline);
        let _ = writeln!(out, "  class {}  to be done within {deadline}", class.name);
    }
    for producer in &network.producers {
        let _ = writeln!(out, "  {}", producer_text(network, producer));
    }
    for population in &network.populations {
        let _ = writeln!(out, "  {}", population_text(network, population));
    }
    (0..network.stages.len()).for_each(|stage| {
        let _ = writeln!(out, "  {}", stage_text(network, theory, StageId(stage)));
        for line in extras::lines(network, &network.stages[stage]) {
            let _ = writeln!(out, "    {line}");
        }
    });
    for line in extras::incidents(network) {
        let _ = writeln!(out, "  incident {line}");
    }
    out + &warning_lines(noticed)
}

fn producer_text(network: &Network, producer: &Producer) -> String {
    let arrivals = &producer.arrivals;
    let rate = arrivals.mean_rate_over(network.expected_duration());
    format!(
        "producer {} → {}  {} on average over a run",
        producer.name,
        network.stages[producer.to.0].name,
        format::value(Metric::ArrivalRate.unit(), rate)
    )
}

fn population_text(network: &Network, population: &Population) -> String {
    let customers = match population.customers {
        1 => "1 customer".to_owned(),
        customers => format!("{} customers", format::count(customers)),
    };
    let think = match population.think.mean() {
        0.0 => "each sending an order as soon as the last has left".to_owned(),
        mean => format!(
            "each thinking for {} on average between two orders",
            format::duration(mean)
        ),
    };
    format!(
        "population {} → {}  {customers}, {think}",
        population.name, network.stages[population.to.0].name
    )
}

fn stage_text(network: &Network, theory: &NetworkTheory, id: StageId) -> String {
    let stage = &network.stages[id.0];
    let consumers = match stage.consumers {
        Consumers::Finite(1) => "1 consumer".to_owned(),
        Consumers::Finite(c) => format!("{c} consumers"),
        Consumers::Unlimited => "unlimited consumers".to_owned(),
    };
    let load = match theory.stages[id.0].offered_load {
        Some(load) if theory.unstable(Place::Stage(id)) => {
            format!(", offered load ρ = {load:.4}: NO STEADY STATE")
        }
        Some(load) => format!(", ρ = {load:.4}"),
        None => String::new(),
    };
    format!(
        "stage {}  {}: {consumers}, {}{}{load} → {}",
        stage.name,
        theory.model(id),
        discipline(stage.discipline),
        capacity(&stage.capacity),
        routes(network, &stage.by_class[0].next)
    )
}

fn discipline(discipline: Discipline) -> &'static str {
    match discipline {
        Discipline::Fifo => "fifo",
        Discipline::Lifo => "lifo",
        Discipline::Random => "random order",
        Discipline::ShortestFirst => "shortest job first",
        Discipline::ShortestRemaining => "shortest remaining time first, preemptive",
        Discipline::ProcessorSharing => "processor sharing",
        Discipline::Priority => "priority",
        Discipline::PreemptivePriority => "preemptive priority",
        Discipline::PreemptiveRestart => "preemptive priority, interrupted work starts anew",
        Discipline::EarliestDeadline => "earliest deadline first",
    }
}

fn capacity(capacity: &Capacity) -> String {
    match capacity {
        Capacity::Unbounded => String::new(),
        Capacity::Reject(places) => format!(", rejects beyond {places} waiting"),
        Capacity::Block(places) => {
            format!(", blocks the stages before it beyond {places} waiting")
        }
        Capacity::Retry(places, delay) => format!(
            ", beyond {places} waiting tried again after {} on average",
            format::duration(delay.mean())
        ),
        Capacity::DropOldest(places) => format!(", drops the oldest beyond {places} waiting"),
        Capacity::DeadLetter(places) => format!(", dead-letters beyond {places} waiting"),
    }
}

fn routes(network: &Network, routes: &[Route]) -> String {
    let way = |route: &Route| {
        let to = match route.to {
            Target::Stage(stage) => network.stages[stage.0].name.clone(),
            Target::Completed => "completed".to_owned(),
            Target::Cancelled => "cancelled".to_owned(),
        };
        if routes.len() == 1 {
            to
        } else {
            format!("{to} ({})", route.probability)
        }
    };
    routes.iter().map(way).collect::<Vec<_>>().join(", ")
}
