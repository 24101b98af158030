//! From a chart to a scene: title, legend, a grid of panels, axis title and note, from top to
//! bottom, each as high as it needs.

use crate::chart::font;
use crate::chart::legend;
use crate::chart::panel::{self, Gutters};
use crate::chart::scene::{Anchor, Rect, Scene};
use crate::chart::style::{INK, MARGIN, ROW, SMALL, SOFT, TEXT, TITLE, WIDTH};
use crate::chart::ticks;
use crate::chart::value::{Chart, Panel, Scale};

/// Room for the tick labels under a plot.
const TICKS: f64 = 24.0;
/// Free space between panels.
const BETWEEN: f64 = 20.0;

/// Lays a chart out.
pub fn scene(chart: &Chart) -> Scene {
    let mut scene = Scene {
        width: WIDTH,
        label: chart.title.clone(),
        ..Scene::default()
    };
    let y = paragraph(&mut scene, &chart.title, TITLE, MARGIN, 3);
    let y = paragraph(&mut scene, &chart.subtitle, TEXT, y + 4.0, 4);
    let y = legend::draw(&mut scene, chart, y);
    let y = grid(&mut scene, chart, y + 10.0);
    let y = foot(&mut scene, chart, y);
    scene.height = (y + MARGIN - 6.0).ceil();
    scene
}

/// Writes wrapped text from `top` down and returns where it ends.
fn paragraph(scene: &mut Scene, text: &str, size: f64, top: f64, lines: usize) -> f64 {
    let color = if size == TITLE { INK } else { SOFT };
    let mut y = top;
    for line in font::wrap(text, size, (WIDTH - 2.0 * MARGIN) * 0.96, lines) {
        y += size * 1.3;
        scene.text((MARGIN, y - size * 0.25), Anchor::Start, size, color, &line);
    }
    y
}

fn columns(panels: usize) -> usize {
    match panels {
        0 | 1 => 1,
        2 | 4 => 2,
        _ => 3,
    }
}

fn plot_height(chart: &Chart, panel: &Panel) -> f64 {
    match &panel.y.scale {
        Scale::Categories(rows) => rows.len().max(1) as f64 * ROW + 6.0,
        Scale::Linear { .. } | Scale::Log10 { .. } => match chart.panels.len() {
            0 | 1 => 370.0,
            2..=4 => 210.0,
            _ => 130.0,
        },
    }
}

fn grid(scene: &mut Scene, chart: &Chart, top: f64) -> f64 {
    let columns = columns(chart.panels.len());
    let gutters = Gutters::of(chart);
    let room = WIDTH - 2.0 * MARGIN + BETWEEN;
    let cell = room / columns as f64 - BETWEEN;
    let mut y = top;
    for row in chart.panels.chunks(columns) {
        let head = row
            .iter()
            .map(|one| panel::head_height(one, &chart.x, cell, gutters))
            .fold(0.0, f64::max);
        let height = row
            .iter()
            .map(|one| plot_height(chart, one))
            .fold(0.0, f64::max);
        for (column, one) in row.iter().enumerate() {
            let left = MARGIN + column as f64 * (cell + BETWEEN);
            let plot = Rect {
                left: left + gutters.left,
                top: y + head,
                right: left + cell - gutters.right,
                bottom: y + head + height,
            };
            panel::draw(scene, chart, one, plot, left);
        }
        y += head + height + TICKS + 6.0;
    }
    y
}

fn foot(scene: &mut Scene, chart: &Chart, top: f64) -> f64 {
    let gutters = Gutters::of(chart);
    let middle = (MARGIN + gutters.left + WIDTH - MARGIN - gutters.right) / 2.0;
    let title = ticks::axis_title(&chart.x);
    let y = top + SMALL;
    scene.text((middle, y), Anchor::Middle, SMALL, SOFT, &title);
    match chart.note.as_str() {
        "" => y + 4.0,
        note => paragraph(scene, note, SMALL, y + 10.0, 4),
    }
}
