//! The legend: a line of keys above the plots, where no data can be.

use crate::chart::font;
use crate::chart::glyph;
use crate::chart::scene::{Anchor, Rect, Scene};
use crate::chart::style::{self, INK, MARGIN, SHADE, TEXT, WIDTH};
use crate::chart::value::{Chart, Marker, Panel, Role, Series, Shape};

/// Width of a key's picture.
const KEY: f64 = 26.0;
/// Height of a line of keys.
const LINE: f64 = 23.0;

/// What a key stands for.
enum Key<'a> {
    Series(&'a Series),
    Level(Role),
    Span,
}

/// Draws the legend from `top` down and returns where it ends.
pub fn draw(scene: &mut Scene, chart: &Chart, top: f64) -> f64 {
    let room = WIDTH - 2.0 * MARGIN;
    let (mut x, mut y) = (MARGIN, top + LINE);
    let entries = entries(chart);
    if entries.is_empty() {
        return top;
    }
    for (label, key) in entries {
        let label = font::shorten(label, TEXT, room - KEY - 8.0);
        let width = KEY + 8.0 + font::width(&label, TEXT);
        if x > MARGIN && x + width > WIDTH - MARGIN {
            (x, y) = (MARGIN, y + LINE);
        }
        picture(scene, &key, x, y - TEXT * 0.36);
        scene.text((x + KEY + 8.0, y), Anchor::Start, TEXT, INK, &label);
        x += width + 26.0;
    }
    y + 8.0
}

/// Whether a series is named at its line's end instead of in the legend.
pub fn labelled_in_place(chart: &Chart, series: &Series) -> bool {
    chart.panels.len() == 1 && matches!(series.shape, Shape::Line(_) | Shape::Step(_))
}

fn entries(chart: &Chart) -> Vec<(&str, Key<'_>)> {
    let mut found: Vec<(&str, Key)> = Vec::new();
    for panel in &chart.panels {
        for (label, key) in keys(chart, panel) {
            if !label.is_empty() && found.iter().all(|(known, _)| *known != label) {
                found.push((label, key));
            }
        }
    }
    found
}

fn keys<'a>(chart: &'a Chart, panel: &'a Panel) -> impl Iterator<Item = (&'a str, Key<'a>)> {
    let series = panel
        .series
        .iter()
        .filter(|series| !labelled_in_place(chart, series))
        .map(|series| (series.label.as_str(), Key::Series(series)));
    let many = chart.panels.len() > 1;
    let markers = panel.markers.iter().filter_map(move |marker| match marker {
        Marker::Horizontal { label, role, .. } if many => Some((label.as_str(), Key::Level(*role))),
        Marker::Span { label, .. } if many => Some((label.as_str(), Key::Span)),
        _ => None,
    });
    series.chain(markers)
}

fn picture(scene: &mut Scene, key: &Key, x: f64, y: f64) {
    let block = Rect {
        left: x,
        top: y - 6.0,
        right: x + KEY,
        bottom: y + 6.0,
    };
    let level = vec![(x, y), (x + KEY, y)];
    match key {
        Key::Span => scene.area(block.corners(), SHADE),
        Key::Level(role) => scene.line(level, style::stroke(*role)),
        Key::Series(series) => match &series.shape {
            Shape::Line(_) | Shape::Step(_) => scene.line(level, style::stroke(series.role)),
            Shape::Bars(_) => scene.area(block.corners(), style::color(series.role)),
            Shape::Band(_) => scene.area(block.corners(), style::color(series.role).faded(0.25)),
            Shape::Points(form, points) => {
                if points
                    .iter()
                    .any(|p| p.x_interval.or(p.y_interval).is_some())
                {
                    glyph::whisker(scene, (x, x + KEY), y, series.role, (true, true));
                }
                glyph::draw(scene, *form, (x + KEY / 2.0, y), style::color(series.role));
            }
        },
    }
}
