//! From values to places: the two axes of a plot, and clipping to it.

use crate::chart::scene::{Place, Rect};
use crate::chart::value::{Axis, Scale};

/// Maps the values of one axis to places along it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Map {
    log: bool,
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Map {
    /// The map of an axis whose low end is at `from` and whose high end is at `to`.
    ///
    /// A range that is empty, reversed or not finite is widened to one that can be drawn.
    pub fn new(axis: &Axis, from: f64, to: f64) -> Map {
        let (log, low, high) = match &axis.scale {
            Scale::Linear { low, high } => (false, *low, *high),
            Scale::Log10 { low, high } => (true, low.log10(), high.log10()),
            Scale::Categories(rows) => (false, -0.5, rows.len() as f64 - 0.5),
        };
        let (low, high) = drawable(low, high);
        Map {
            log,
            low,
            high,
            from,
            to,
        }
    }

    /// The place of a value; none where it is not finite.
    pub fn at(&self, value: f64) -> Option<f64> {
        let value = match self.log {
            // Far below the range stands for zero, which no log axis shows.
            true if value <= 0.0 => self.low - 1.0,
            true => value.log10(),
            false => value,
        };
        let share = ((value - self.low) / (self.high - self.low)).clamp(-50.0, 50.0);
        let place = self.from + share * (self.to - self.from);
        place.is_finite().then_some(place)
    }
}

fn drawable(low: f64, high: f64) -> (f64, f64) {
    let width = high - low;
    if !width.is_finite() {
        return (0.0, 1.0);
    }
    if width > (low.abs().max(high.abs())) * 1e-12 {
        return (low, high);
    }
    let half = (low.abs() * 0.5).max(0.5);
    (low - half, low + half)
}

/// A plot: its edges and the maps of its axes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    /// The edges.
    pub plot: Rect,
    /// The x axis, from left to right.
    pub x: Map,
    /// The y axis, from bottom to top; of categories from top to bottom.
    pub y: Map,
}

impl Frame {
    /// The frame of two axes within the edges.
    pub fn new(x: &Axis, y: &Axis, plot: Rect) -> Frame {
        let (from, to) = match y.scale {
            Scale::Categories(_) => (plot.top, plot.bottom),
            Scale::Linear { .. } | Scale::Log10 { .. } => (plot.bottom, plot.top),
        };
        Frame {
            plot,
            x: Map::new(x, plot.left, plot.right),
            y: Map::new(y, from, to),
        }
    }

    /// The place of a point, within the plot or not.
    pub fn at(&self, x: f64, y: f64) -> Option<Place> {
        Some((self.x.at(x)?, self.y.at(y)?))
    }

    /// The parts of a line that lie within the plot.
    pub fn clip(&self, points: &[Place]) -> Vec<Vec<Place>> {
        let mut runs: Vec<Vec<Place>> = Vec::new();
        for pair in points.windows(2) {
            let Some((from, to)) = clip_segment(self.plot, pair[0], pair[1]) else {
                continue;
            };
            match runs.last_mut() {
                Some(run) if run.last() == Some(&from) => run.push(to),
                _ => runs.push(vec![from, to]),
            }
        }
        runs
    }
}

/// The part of a segment within the edges, by Liang and Barsky's parameters.
fn clip_segment(plot: Rect, a: Place, b: Place) -> Option<(Place, Place)> {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let sides = [
        (-dx, a.0 - plot.left),
        (dx, plot.right - a.0),
        (-dy, a.1 - plot.top),
        (dy, plot.bottom - a.1),
    ];
    let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
    for (towards, room) in sides {
        match towards {
            0.0 if room < 0.0 => return None,
            0.0 => {}
            p if p < 0.0 => enter = enter.max(room / p),
            p => leave = leave.min(room / p),
        }
    }
    let at = |t: f64| match t {
        0.0 => a,
        1.0 => b,
        t => (a.0 + dx * t, a.1 + dy * t),
    };
    (enter <= leave).then(|| (at(enter), at(leave)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::value::Measure;

    fn axis(scale: Scale) -> Axis {
        Axis {
            quantity: "x".to_owned(),
            measure: Measure::Orders,
            scale,
        }
    }

    #[test]
    fn a_log_axis_gives_every_decade_the_same_room() {
        let scale = Scale::Log10 {
            low: 0.01,
            high: 100.0,
        };
        let map = Map::new(&axis(scale), 0.0, 400.0);
        for (value, place) in [(0.01, 0.0), (0.1, 100.0), (1.0, 200.0), (100.0, 400.0)] {
            assert!((map.at(value).unwrap() - place).abs() < 1e-9);
        }
        assert!(map.at(0.0).unwrap() < 0.0);
        assert_eq!(map.at(f64::NAN), None);
    }

    #[test]
    fn a_range_of_one_value_is_widened() {
        let map = Map::new(
            &axis(Scale::Linear {
                low: 3.0,
                high: 3.0,
            }),
            0.0,
            10.0,
        );
        assert_eq!(map.at(3.0), Some(5.0));
    }

    #[test]
    fn lines_end_at_the_edge_of_the_plot() {
        let plot = Rect {
            left: 0.0,
            top: 0.0,
            right: 10.0,
            bottom: 10.0,
        };
        let found = clip_segment(plot, (-5.0, 5.0), (5.0, 5.0));
        assert_eq!(found, Some(((0.0, 5.0), (5.0, 5.0))));
        assert_eq!(clip_segment(plot, (-5.0, -5.0), (-1.0, 20.0)), None);
    }
}
