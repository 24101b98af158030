//! Which networks the recursion is good for, and in which order their stages are gone through.

use super::super::order_of_stages::{downstream_first, next_stages};
use crate::network::{Capacity, Discipline, Network, Stage, StageId};
use std::fmt;

/// The stages in an order in which all upstream of a stage come before it.
#[derive(Debug)]
pub(in crate::sim) struct Course {
    stops: Vec<Stop>,
    /// Where each producer's orders enter: an index of `stops`.
    entrances: Vec<usize>,
}

/// A stage in the course.
#[derive(Debug)]
pub(super) struct Stop {
    /// Its index in the network.
    pub id: usize,
    /// From how many sources orders come: stages, and the outside. At the same instant those of the
    /// source further downstream come first, those from outside last.
    pub sources: usize,
    /// Whether all orders of the pipeline come here, and straight from outside.
    pub sees_all: bool,
    /// Where orders go next: the stage, how many stops further on it is, and which of its sources this is.
    ways: Vec<(StageId, usize, usize)>,
}

impl Stop {
    /// How many stops after the next one a stage is, and which of its sources this one is.
    #[inline]
    pub(super) fn way_to(&self, next: StageId) -> (usize, usize) {
        let way = self.ways.iter().find(|(to, ..)| *to == next);
        let (_, further, source) = way.expect("every route is a way");
        (*further, *source)
    }
}

/// What keeps a network from being simulated by recursion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    stage: String,
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// What the scenario file calls it.
    Special(&'static str),
    Closed,
    Incident,
    NotFifo,
    Bounded,
    ComesBack,
    TakesNoTime,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Obstacle { stage, what } = self;
        match what {
            What::Closed => write!(f, "`{stage}` is a closed population"),
            What::Incident => write!(f, "there are incidents"),
            What::Special(name) => write!(f, "stage `{stage}` has `{name}`"),
            What::NotFifo => write!(f, "stage `{stage}` does not serve first in, first out"),
            What::Bounded => write!(f, "the queue of stage `{stage}` is bounded"),
            What::ComesBack => write!(f, "orders come back to stage `{stage}`"),
            What::TakesNoTime => write!(f, "service at stage `{stage}` may take no time at all"),
        }
    }
}

/// The course through a network.
///
/// # Errors
/// What keeps it from being simulated by recursion.
pub(in crate::sim) fn course(network: &Network) -> Result<Course, Obstacle> {
    if let Some(population) = network.populations.first() {
        let stage = population.name.clone();
        let what = What::Closed;
        return Err(Obstacle { stage, what });
    }
    if !network.phases.is_empty() {
        let stage = network.name.clone();
        let what = What::Incident;
        return Err(Obstacle { stage, what });
    }
    network.stages.iter().try_for_each(check)?;
    let mut upstream_first = downstream_first(network);
    upstream_first.reverse();
    let mut position = vec![0; network.stages.len()];
    for (at, &stage) in upstream_first.iter().enumerate() {
        position[stage] = at;
    }
    let stop = |&id: &usize| Stop {
        id,
        sources: 0,
        sees_all: false,
        ways: Vec::new(),
    };
    let mut course = Course {
        stops: upstream_first.iter().map(stop).collect(),
        entrances: network.producers.iter().map(|p| position[p.to.0]).collect(),
    };
    course.connect(network, &position)?;
    course.open_doors();
    Ok(course)
}

impl Course {
    /// Finds the ways between the stops. Sources are numbered as they are found: downstream first.
    fn connect(&mut self, network: &Network, position: &[usize]) -> Result<(), Obstacle> {
        for here in (0..self.stops.len()).rev() {
            for to in next_stages(&network.stages[self.stops[here].id]) {
                let there = position[to.0];
                if there <= here {
                    let stage = network.stages[to.0].name.clone();
                    let what = What::ComesBack;
                    return Err(Obstacle { stage, what });
                }
                let source = self.stops[there].sources;
                self.stops[there].sources += 1;
                self.stops[here].ways.push((to, there - here - 1, source));
            }
        }
        Ok(())
    }

    /// A door for orders from outside, the last source, where they come in and where nobody comes at
    /// all.
    fn open_doors(&mut self) {
        for (at, stop) in self.stops.iter_mut().enumerate() {
            if self.entrances.contains(&at) || stop.sources == 0 {
                stop.sources += 1;
            }
            let all_enter_here = self.entrances.iter().all(|entrance| *entrance == at);
            stop.sees_all = all_enter_here && stop.sources == 1;
        }
    }
}

impl Course {
    /// The stages in their order.
    pub(super) fn stops(&self) -> &[Stop] {
        &self.stops
    }

    /// Where a producer's orders enter: an index of [`Course::stops`].
    pub(super) fn entrance(&self, producer: usize) -> usize {
        self.entrances[producer]
    }
}

fn check(stage: &Stage) -> Result<(), Obstacle> {
    let obstacle = |what| Obstacle {
        stage: stage.name.clone(),
        what,
    };
    if let Some(special) = stage.special() {
        return Err(obstacle(What::Special(special)));
    }
    if stage.discipline != Discipline::Fifo {
        return Err(obstacle(What::NotFifo));
    }
    if stage.capacity != Capacity::Unbounded {
        return Err(obstacle(What::Bounded));
    }
    // A service of no time would let an order pass two stages at one instant, and who comes first to
    // a third would hang on more than times.
    let mut laws = stage.by_class.iter().map(|class| class.service.law());
    if laws.any(|law| law.cdf(0.0) > 0.0) {
        return Err(obstacle(What::TakesNoTime));
    }
    Ok(())
}
