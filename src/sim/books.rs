//! What a replication has counted so far: of every class at every stage, and of the pipeline.

use super::engine::Finished;
use super::lane::{Lane, PipelineLane, Times};
use super::outcome::Outcomes;
use super::timeline::Slice;
use crate::network::{Capacity, Network, Target};

/// What a replication has counted so far.
#[derive(Debug)]
pub(super) struct Books {
    classes: usize,
    /// Whether every order visits the only stage once and is then completed. What the stage counts is
    /// then what the pipeline would, and is not counted twice.
    pub one_visit: bool,
    /// One lane for every class at every stage, a stage's lanes side by side.
    pub lanes: Vec<Lane>,
    pub pipeline: PipelineLane,
    pub outcomes: Outcomes,
    pub entered: u64,
}

impl Books {
    pub(super) fn new(network: &Network) -> Books {
        let classes = network.classes.len();
        Books {
            classes,
            one_visit: is_one_visit(network),
            lanes: std::iter::repeat_with(Lane::default)
                .take(network.stages.len() * classes)
                .collect(),
            pipeline: PipelineLane::default(),
            outcomes: Outcomes::default(),
            entered: 0,
        }
    }

    /// Index of the lane of a class at a stage.
    #[inline(always)]
    pub(super) fn lane(&self, stage: usize, class: usize) -> usize {
        stage * self.classes + class
    }

    /// The lanes of a stage, by class.
    #[inline(always)]
    pub(super) fn lanes_of(&mut self, stage: usize) -> &mut [Lane] {
        &mut self.lanes[stage * self.classes..][..self.classes]
    }

    /// The warm-up ends: all averages start again, who is present stays.
    pub(super) fn restart(&mut self, now: f64) {
        self.bring_up_to(now);
        self.lanes.iter_mut().for_each(|lane| lane.restart(now));
        self.pipeline.restart(now);
    }

    /// Whether the pipeline is empty.
    pub(super) fn nobody_present(&self) -> bool {
        let mut lanes = self.lanes.iter();
        lanes.all(|lane| lane.occupancy.present() == 0)
    }

    /// Brings all time integrals up to now.
    pub(super) fn bring_up_to(&mut self, now: f64) {
        let lanes = self.lanes.iter_mut();
        lanes.for_each(|lane| lane.occupancy.advance(now));
        if self.one_visit {
            self.pipeline.occupancy = self.lanes[0].occupancy;
        } else {
            self.pipeline.occupancy.advance(now);
        }
    }

    /// Closes the books.
    pub(super) fn finish<O>(mut self, now: f64, observer: O) -> Finished<O> {
        self.bring_up_to(now);
        let lanes: Vec<Lane<Times>> = self.lanes.into_iter().map(Lane::finish).collect();
        let mut pipeline = self.pipeline.finish();
        if self.one_visit {
            let sojourn = &lanes[0].sojourn;
            pipeline.latency.clone_from(sojourn);
            let (count, total) = (sojourn.tally.count(), sojourn.tally.total());
            pipeline.time_in_pipeline.add(count, total);
        }
        Finished {
            lanes,
            pipeline,
            outcomes: self.outcomes,
            entered: self.entered,
            happened: None,
            observer,
        }
    }

    /// Counts so far: the pipeline's, then every stage's.
    pub(super) fn counts(&mut self, now: f64) -> Vec<Slice> {
        self.bring_up_to(now);
        let p = &self.pipeline;
        let mut pipeline = Slice::of_pipeline(&p.occupancy, p.entered, p.left);
        let mut counts = vec![pipeline];
        counts.extend(self.lanes.chunks(self.classes).map(Slice::of_lanes));
        pipeline.waiting_area = counts[1..].iter().map(|stage| stage.waiting_area).sum();
        counts[0] = pipeline;
        counts
    }
}

fn is_one_visit(network: &Network) -> bool {
    let ([stage], [_]) = (network.stages.as_slice(), network.classes.as_slice()) else {
        return false;
    };
    let mut routes = stage.by_class.iter().flat_map(|class| &class.next);
    stage.capacity == Capacity::Unbounded && routes.all(|route| route.to == Target::Completed)
}
