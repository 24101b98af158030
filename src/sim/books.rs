//! What a replication has counted so far: of every class at every stage, and of the pipeline.

use super::lane::{Lane, PipelineLane};
use super::outcome::Outcomes;
use super::timeline::Slice;
use crate::network::Network;

/// What a replication has counted so far.
#[derive(Debug)]
pub(super) struct Books {
    classes: usize,
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
        self.lanes.iter_mut().for_each(|lane| lane.restart(now));
        self.pipeline.restart(now);
    }

    /// Whether the pipeline is empty.
    pub(super) fn nobody_present(&self) -> bool {
        self.pipeline.occupancy.present() == 0
    }

    /// Brings all time integrals up to now.
    pub(super) fn bring_up_to(&mut self, now: f64) {
        self.pipeline.occupancy.advance(now);
        self.lanes
            .iter_mut()
            .for_each(|lane| lane.occupancy.advance(now));
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
