//! Which stages of a network can block each other, and what the lines that they form can take.

use super::law::StageLaw;
use super::{BlockingLine, LineStage, Turn};
use crate::network::{Capacity, Consumers, Discipline, Fork, Network, Stage, StageId, Target};
use std::sync::Arc;

/// Whether a stage can block or be blocked.
#[derive(Debug, Clone)]
pub(super) enum Blocking {
    /// Neither.
    Free,
    /// At this place of a line that is known.
    Part(Arc<Line>, usize),
    /// In a way that no model covers.
    Unknown,
}

/// A line of stages that block each other.
#[derive(Debug)]
pub(super) struct Line {
    /// The indices of its stages.
    pub stages: Vec<usize>,
    pub model: BlockingLine,
}

impl Blocking {
    /// The line that begins here.
    pub fn begins(&self) -> Option<&Line> {
        match self {
            Blocking::Part(line, 0) => Some(line),
            _ => None,
        }
    }
}

impl PartialEq for Blocking {
    fn eq(&self, other: &Blocking) -> bool {
        match (self, other) {
            (Blocking::Free, Blocking::Free) | (Blocking::Unknown, Blocking::Unknown) => true,
            (Blocking::Part(a, i), Blocking::Part(b, j)) => a.stages == b.stages && i == j,
            _ => false,
        }
    }
}

/// By stage.
pub(super) fn blocking(network: &Network) -> Vec<Blocking> {
    let count = network.stages.len();
    let mut found: Vec<Blocking> = (0..count)
        .map(
            |s| match blocks(&network.stages[s]) || ahead(network, s).next().is_some() {
                true => Blocking::Unknown,
                false => Blocking::Free,
            },
        )
        .collect();
    for head in 0..count {
        if found[head] != Blocking::Unknown || blocks(&network.stages[head]) {
            continue;
        }
        let Some(line) = line(network, head).map(Arc::new) else {
            continue;
        };
        for (place, &stage) in line.stages.iter().enumerate() {
            found[stage] = Blocking::Part(Arc::clone(&line), place);
        }
    }
    found
}

/// Whether a stage keeps an order that finds no room with the consumer before it.
fn blocks(stage: &Stage) -> bool {
    matches!(stage.capacity, Capacity::Block(_)) && stage.consumers != Consumers::Unlimited
}

/// The blocking stages that a stage sends orders to, some of them more than once.
fn ahead(network: &Network, stage: usize) -> impl Iterator<Item = StageId> {
    let ways = network.stages[stage].by_class.iter();
    let targets = ways
        .flat_map(|at| &at.next)
        .filter_map(|route| match route.to {
            Target::Stage(to) => Some(to),
            Target::Completed | Target::Cancelled => None,
        });
    let copies = network.stages[stage].extras.fork.branches().iter().copied();
    targets
        .chain(copies)
        .filter(|to| blocks(&network.stages[to.0]))
}

/// The line that begins at a stage, if a model covers it.
fn line(network: &Network, head: usize) -> Option<Line> {
    if network.stages[head].capacity != Capacity::Unbounded {
        return None;
    }
    let mut stages = vec![head];
    let mut parts = Vec::new();
    let mut last = head;
    loop {
        let next = ahead(network, last).next();
        let onward = next.map_or(Some(1.0), |next| chance(network, last, next))?;
        parts.push(part(&network.stages[last], network, last, onward)?);
        let Some(next) = next else {
            break;
        };
        if stages.contains(&next.0) || !only_behind(network, next, last) {
            return None;
        }
        stages.push(next.0);
        last = next.0;
    }
    let model = BlockingLine::new(&parts).ok()??;
    Some(Line { stages, model })
}

/// A stage as part of a line: exponential service, and an order of service that looks at nothing.
fn part(stage: &Stage, network: &Network, id: usize, onward: f64) -> Option<LineStage> {
    let Consumers::Finite(consumers) = stage.consumers else {
        return None;
    };
    let law = StageLaw::of_all(network, id);
    let blind = match stage.discipline {
        Discipline::Priority | Discipline::PreemptivePriority => law.levels(network) <= 1,
        other => Turn::of(other).is_some(),
    };
    let plain = stage.extras.is_plain() && stage.extras.fork == Fork::None;
    let places = match stage.capacity {
        Capacity::Block(places) => u32::try_from(places).ok()?,
        _ => 0,
    };
    (blind && plain).then_some(LineStage {
        consumers,
        service_rate: law.exponential()?,
        places,
        onward,
    })
}

/// The probability of going on to the next stage of the line, where it is the same for all classes and
/// no other stage ahead blocks.
fn chance(network: &Network, from: usize, to: StageId) -> Option<f64> {
    if ahead(network, from).any(|other| other != to) {
        return None;
    }
    let classes = network.stages[from].by_class.iter();
    let mut chances = classes.map(|at| {
        let ways = at.next.iter().filter(|route| route.to == Target::Stage(to));
        ways.map(|route| route.probability).sum::<f64>().min(1.0)
    });
    let first = chances.next()?;
    chances.all(|other| other == first).then_some(first)
}

/// Whether nothing else leads to a stage.
fn only_behind(network: &Network, stage: StageId, before: usize) -> bool {
    let leads = |from: usize| {
        let at = &network.stages[from];
        let mut ways = at.by_class.iter().flat_map(|at| &at.next);
        ways.any(|route| route.to == Target::Stage(stage))
            || at.extras.fork.branches().contains(&stage)
    };
    let others = (0..network.stages.len()).filter(|&from| from != before);
    !others.into_iter().any(leads)
        && network
            .producers
            .iter()
            .all(|producer| producer.to != stage)
        && network
            .populations
            .iter()
            .all(|population| population.to != stage)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::testing::{Sketch, exponential};

    fn tandem(stages: usize) -> Sketch {
        let mut sketch = Sketch::new();
        for _ in 0..stages {
            sketch.stage(1, exponential(1.0));
        }
        for s in 1..stages {
            sketch.then(s - 1, s, 1.0);
        }
        sketch.poisson(0.5, 0);
        sketch
    }

    #[test]
    fn lines_are_found_and_other_blocking_is_not_taken_for_one() {
        let mut sketch = tandem(4);
        sketch.block(2, 1).block(3, 0);
        let found = blocking(&sketch.network());
        assert_eq!(found[0], Blocking::Free);
        let line = found[1].begins().unwrap();
        assert_eq!(line.stages, [1, 2, 3]);
        assert!(matches!(found[3], Blocking::Part(_, 2)));
        // An order from outside would be rejected.
        sketch.poisson(0.1, 2);
        let found = blocking(&sketch.network());
        assert!(found[1..].iter().all(|part| *part == Blocking::Unknown));
    }

    #[test]
    fn a_way_back_or_a_second_way_is_unknown() {
        let mut sketch = tandem(3);
        sketch.block(1, 1).then(2, 1, 0.5).done(2, 0.5);
        assert_eq!(blocking(&sketch.network())[0], Blocking::Unknown);
        let mut general = tandem(2);
        general.block(1, 1).own(
            0,
            0,
            crate::random::Distribution::deterministic(1.0).unwrap(),
        );
        assert_eq!(blocking(&general.network())[0], Blocking::Unknown);
    }
}
