//! Averages over equal slices of virtual time, from the very start of a replication.

use super::lane::Lane;
use crate::stats::Occupancy;

/// What happened at one place within one slice.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Slice {
    /// ∫N dt, order-seconds.
    pub present_area: f64,
    /// ∫Nq dt, order-seconds.
    pub waiting_area: f64,
    /// Orders that came.
    pub arrivals: f64,
    /// Orders that left.
    pub departures: f64,
    /// ∫units of stock at hand dt, unit-seconds; 0 without stock.
    pub stock_area: f64,
    /// What its consumers did; 0 unless the engine for everything ran.
    pub staff: StaffSlice,
}

/// What the consumers of a stage did within one slice, in consumer-seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct StaffSlice {
    /// There, broken down or not.
    pub employed: f64,
    /// At work.
    pub busy: f64,
    /// Broken down.
    pub down: f64,
    /// Seconds for which the broker was down.
    pub broker_down: f64,
}

impl StaffSlice {
    fn combine(self, other: StaffSlice, sign: f64) -> StaffSlice {
        StaffSlice {
            employed: self.employed + sign * other.employed,
            busy: self.busy + sign * other.busy,
            down: self.down + sign * other.down,
            broker_down: self.broker_down + sign * other.broker_down,
        }
    }
}

impl Slice {
    fn minus(self, other: Slice) -> Slice {
        Slice {
            present_area: self.present_area - other.present_area,
            waiting_area: self.waiting_area - other.waiting_area,
            arrivals: self.arrivals - other.arrivals,
            departures: self.departures - other.departures,
            stock_area: self.stock_area - other.stock_area,
            staff: self.staff.combine(other.staff, -1.0),
        }
    }

    fn plus(self, other: Slice) -> Slice {
        Slice {
            present_area: self.present_area + other.present_area,
            waiting_area: self.waiting_area + other.waiting_area,
            arrivals: self.arrivals + other.arrivals,
            departures: self.departures + other.departures,
            stock_area: self.stock_area + other.stock_area,
            staff: self.staff.combine(other.staff, 1.0),
        }
    }

    /// All that the lanes of one stage have counted so far.
    pub(super) fn of_lanes(lanes: &[Lane]) -> Slice {
        lanes.iter().fold(Slice::default(), |sum, lane| {
            sum.plus(Slice {
                present_area: lane.occupancy.present_area(),
                waiting_area: lane.occupancy.waiting_area(),
                arrivals: lane.offered as f64,
                departures: lane.departed as f64,
                ..Slice::default()
            })
        })
    }

    /// All that the pipeline has counted so far, those who wait apart.
    pub(super) fn of_pipeline(occupancy: &Occupancy, entered: u64, left: u64) -> Slice {
        Slice {
            present_area: occupancy.present_area(),
            waiting_area: 0.0,
            arrivals: entered as f64,
            departures: left as f64,
            ..Slice::default()
        }
    }
}

/// Slices of one replication, or the sum over several.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline {
    /// Seconds of virtual time in a slice.
    pub width: f64,
    /// For every slice the pipeline and then every stage.
    pub slices: Vec<Vec<Slice>>,
    /// How many replications are summed up.
    pub replications: u64,
}

impl Timeline {
    /// An empty sum.
    pub(super) fn empty(width: f64) -> Timeline {
        Timeline {
            width,
            slices: Vec::new(),
            replications: 0,
        }
    }

    /// Adds a replication. Runs that end at a number of orders have more or fewer slices; only
    /// those that all have are kept.
    pub(super) fn add(&mut self, other: &Timeline) {
        if self.replications == 0 {
            self.slices.clone_from(&other.slices);
        } else {
            self.slices.truncate(other.slices.len());
            for (mine, theirs) in self.slices.iter_mut().zip(&other.slices) {
                mine.iter_mut()
                    .zip(theirs)
                    .for_each(|(a, b)| *a = a.plus(*b));
            }
        }
        self.replications += other.replications;
    }

    /// Mean number in system at a place (0 is the pipeline, then the stages), slice by slice.
    pub fn present(&self, place: usize) -> Vec<f64> {
        self.path(place, |slice| slice.present_area)
    }

    /// Mean units of stock at hand at a place, slice by slice.
    pub fn stock(&self, place: usize) -> Vec<f64> {
        self.path(place, |slice| slice.stock_area)
    }

    fn path(&self, place: usize, area: fn(&Slice) -> f64) -> Vec<f64> {
        let unit = self.width * self.replications as f64;
        let slices = self.slices.iter();
        slices.map(|slice| area(&slice[place]) / unit).collect()
    }
}

/// Cuts running counts into slices.
#[derive(Debug)]
pub(super) struct Slicer {
    timeline: Timeline,
    /// Counts up to the end of the last slice.
    before: Vec<Slice>,
    /// Counts that a restart took away within the present slice.
    carried: Vec<Slice>,
}

impl Slicer {
    pub(super) fn new(width: f64, places: usize) -> Slicer {
        Slicer {
            timeline: Timeline {
                replications: 1,
                ..Timeline::empty(width)
            },
            before: vec![Slice::default(); places],
            carried: vec![Slice::default(); places],
        }
    }

    /// End of the present slice.
    pub(super) fn next_edge(&self) -> f64 {
        (self.timeline.slices.len() + 1) as f64 * self.timeline.width
    }

    /// The present slice ends with these counts.
    pub(super) fn cut(&mut self, counts: Vec<Slice>) {
        let slices = self.since(&counts);
        self.timeline.slices.push(slices);
        self.carried.fill(Slice::default());
        self.before = counts;
    }

    /// All counts are about to start again from 0.
    pub(super) fn restart(&mut self, counts: &[Slice]) {
        self.carried = self.since(counts);
        self.before.fill(Slice::default());
    }

    fn since(&self, counts: &[Slice]) -> Vec<Slice> {
        let places = counts.iter().zip(&self.before).zip(&self.carried);
        places
            .map(|((now, before), carried)| now.minus(*before).plus(*carried))
            .collect()
    }

    pub(super) fn finish(self) -> Timeline {
        self.timeline
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(arrivals: f64) -> Vec<Slice> {
        vec![Slice {
            arrivals,
            ..Slice::default()
        }]
    }

    #[test]
    fn a_restart_in_mid_slice_loses_nothing() {
        let mut slicer = Slicer::new(10.0, 1);
        slicer.cut(counts(4.0));
        slicer.restart(&counts(6.0));
        assert_eq!(slicer.next_edge(), 20.0);
        slicer.cut(counts(3.0));
        slicer.cut(counts(5.0));
        let arrivals: Vec<f64> = slicer
            .finish()
            .slices
            .iter()
            .map(|s| s[0].arrivals)
            .collect();
        assert_eq!(arrivals, [4.0, 5.0, 2.0]);
    }

    #[test]
    fn replications_add_up_over_the_slices_all_have() {
        let mut sum = Timeline::empty(10.0);
        for ends in [vec![1.0, 2.0], vec![5.0]] {
            let mut slicer = Slicer::new(10.0, 1);
            ends.iter()
                .scan(0.0, |total, x| {
                    *total += x;
                    Some(*total)
                })
                .for_each(|total| slicer.cut(counts(total)));
            sum.add(&slicer.finish());
        }
        assert_eq!(
            (
                sum.replications,
                sum.slices.len(),
                sum.slices[0][0].arrivals
            ),
            (2, 1, 6.0)
        );
    }
}
