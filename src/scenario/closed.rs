//! Closed populations that would send infinitely many orders in one instant.

use super::compile::Supply;
use super::diagnostic::Diagnostic;
use super::fields::Context;
use super::producer::ProducerDraft;
use super::routes::Routing;
use crate::network::{Capacity, Consumers, Population};

/// Reports customers without think time whose orders take no time either, or are refused at once.
pub(super) fn check(
    drafts: &[ProducerDraft],
    supplies: &[Supply],
    routing: &Routing<'_>,
    cx: &mut Context,
) {
    for (draft, supply) in drafts.iter().zip(supplies) {
        let (Supply::Population(population), Some(arrivals)) = (supply, &draft.arrivals) else {
            continue;
        };
        if population.think.mean() > 0.0 {
            continue;
        }
        if let Some((problem, help)) = endless(population, supplies, routing) {
            cx.report(Diagnostic::error(arrivals.key, problem).help(help));
        }
    }
}

/// Why time stands still for customers without think time, if so.
fn endless(
    population: &Population,
    supplies: &[Supply],
    routing: &Routing<'_>,
) -> Option<(&'static str, &'static str)> {
    let at_once = reached_at_once(population, routing);
    if at_once
        .iter()
        .all(|&stage| no_work(population, stage, routing))
    {
        return Some((
            "neither the customers nor their orders take any time: there would be infinitely many",
            "give `think`, or the `service` of a stage, some time",
        ));
    }
    let refuses = |&stage: &usize| {
        let stage = &routing.stages[stage];
        match (stage.consumers, &stage.capacity) {
            (Consumers::Finite(c), Capacity::Reject(places)) => {
                overfills(supplies, u64::from(c) + places)
            }
            _ => false,
        }
    };
    at_once.iter().any(refuses).then_some((
        "a customer without think time whose order is rejected would send the next in the same \
         instant, for ever",
        "give `think` some time, or let the orders try again by overflow = { retry = … }",
    ))
}

fn no_work(population: &Population, stage: usize, routing: &Routing<'_>) -> bool {
    let at = &routing.stages[stage].by_class[population.class.0];
    at.service.law().mean() <= 0.0
}

/// The stages that an order may come to without having been worked on.
fn reached_at_once(population: &Population, routing: &Routing<'_>) -> Vec<usize> {
    let mut reached = Vec::new();
    let mut open = vec![population.to.0];
    while let Some(stage) = open.pop() {
        if reached.contains(&stage) {
            continue;
        }
        reached.push(stage);
        if no_work(population, stage, routing) {
            open.extend(routing.successors(population.class, stage));
            open.extend(routing.branches(stage).map(|branch| branch.0));
        }
    }
    reached
}

/// Whether there can be more orders than so many.
fn overfills(supplies: &[Supply], room: u64) -> bool {
    let customers = supplies.iter().map(|supply| match supply {
        Supply::Producer(_) => u64::MAX,
        Supply::Population(population) => population.customers,
    });
    customers.fold(0, u64::saturating_add) > room
}
