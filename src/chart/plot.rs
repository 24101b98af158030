//! Drawing the series of a panel into its frame.

use crate::chart::frame::Frame;
use crate::chart::glyph;
use crate::chart::scene::{Place, Rect, Scene};
use crate::chart::style;
use crate::chart::value::{Bar, Glyph, Point, Role, Series, Shape};

/// Half the thickness of a bar.
const BAR: f64 = 7.5;

/// Draws a series.
pub fn series(scene: &mut Scene, frame: &Frame, series: &Series) {
    let role = series.role;
    match &series.shape {
        Shape::Line(points) => line(scene, frame, &places(frame, points), role),
        Shape::Step(points) => line(scene, frame, &steps(&places(frame, points)), role),
        Shape::Points(form, all) => {
            for one in all {
                point(scene, frame, *form, one, role);
            }
        }
        Shape::Bars(bars) => {
            for one in bars {
                bar(scene, frame, *one, role);
            }
        }
        Shape::Band(edges) => band(scene, frame, edges, role),
    }
}

/// The places of a line's points that can be drawn.
pub fn places(frame: &Frame, points: &[(f64, f64)]) -> Vec<Place> {
    points
        .iter()
        .filter_map(|(x, y)| frame.at(*x, *y))
        .collect()
}

fn steps(points: &[Place]) -> Vec<Place> {
    let mut done: Vec<Place> = points.first().copied().into_iter().collect();
    for pair in points.windows(2) {
        done.push((pair[1].0, pair[0].1));
        done.push(pair[1]);
    }
    done
}

fn line(scene: &mut Scene, frame: &Frame, points: &[Place], role: Role) {
    for run in frame.clip(points) {
        scene.line(run, style::stroke(role));
    }
}

fn point(scene: &mut Scene, frame: &Frame, form: Glyph, point: &Point, role: Role) {
    let Some((x, y)) = frame.at(point.x, point.y) else {
        return;
    };
    let Rect {
        left,
        top,
        right,
        bottom,
    } = frame.plot;
    if y < top - 0.5 || y > bottom + 0.5 {
        return;
    }
    if let Some((low, high)) = ends(point.x_interval, |v| frame.x.at(v)) {
        let inside = |x: f64| x >= left && x <= right;
        let caps = (inside(low), inside(high));
        let (low, high) = (low.clamp(left, right), high.clamp(left, right));
        glyph::whisker(scene, (low, high), y, role, caps);
    }
    if let Some((low, high)) = ends(point.y_interval, |v| frame.y.at(v)) {
        let ends = (low.clamp(top, bottom), high.clamp(top, bottom));
        glyph::upright_whisker(scene, x.clamp(left, right), ends, role);
    }
    let color = style::color(role);
    match x {
        x if x > right + 0.5 => glyph::beyond(scene, (right, y), true, color),
        x if x < left - 0.5 => glyph::beyond(scene, (left, y), false, color),
        x => glyph::draw(scene, form, (x, y), color),
    }
}

fn ends(interval: Option<(f64, f64)>, at: impl Fn(f64) -> Option<f64>) -> Option<(f64, f64)> {
    let (low, high) = interval?;
    Some((at(low)?, at(high)?))
}

fn bar(scene: &mut Scene, frame: &Frame, bar: Bar, role: Role) {
    let ends = frame.x.at(bar.from).zip(frame.x.at(bar.to));
    let (Some((from, to)), Some(y)) = (ends, frame.y.at(bar.row as f64)) else {
        return;
    };
    let block = Rect {
        left: from.clamp(frame.plot.left, frame.plot.right),
        top: y - BAR,
        right: to.clamp(frame.plot.left, frame.plot.right),
        bottom: y + BAR,
    };
    if block.right > block.left {
        scene.area(block.corners(), style::color(role));
    }
}

fn band(scene: &mut Scene, frame: &Frame, edges: &[(f64, f64, f64)], role: Role) {
    let inside = |(x, y): Place| {
        let plot = frame.plot;
        (
            x.clamp(plot.left, plot.right),
            y.clamp(plot.top, plot.bottom),
        )
    };
    let low = edges.iter().filter_map(|(x, low, _)| frame.at(*x, *low));
    let high = edges
        .iter()
        .rev()
        .filter_map(|(x, _, high)| frame.at(*x, *high));
    let outline: Vec<Place> = low.chain(high).map(inside).collect();
    if outline.len() > 2 {
        scene.area(outline, style::color(role).faded(0.25));
    }
}
