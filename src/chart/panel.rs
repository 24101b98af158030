//! One panel: its heading, grid, axes, data and the labels around it.

use crate::chart::font;
use crate::chart::frame::Frame;
use crate::chart::labels;
use crate::chart::legend;
use crate::chart::plot;
use crate::chart::scene::{Anchor, Place, Rect, Scene};
use crate::chart::style::solid;
use crate::chart::style::{self, AXIS, Color, GRID, INK, MARGIN, SHADE, SMALL, SOFT, TEXT, WIDTH};
use crate::chart::ticks::{self, Tick};
use crate::chart::value::{Axis, Category, Chart, Marker, Panel, Scale, Shape};

/// Height of a line of marker labels, and least distance of labels beside the plot.
const LINE: f64 = 18.0;
/// The most room for names left of the plot, and for labels right of it.
const LONGEST: f64 = 230.0;

/// Room beside the plots for what is written there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gutters {
    /// For tick labels or row names.
    pub left: f64,
    /// For labels of lines and rows, or half of the last tick label.
    pub right: f64,
}

impl Gutters {
    /// The room that the widest labels of a chart need; the same for all its panels.
    pub fn of(chart: &Chart) -> Gutters {
        let widest = |texts: Vec<(String, f64)>| {
            texts
                .iter()
                .map(|(text, size)| font::width(text, *size))
                .fold(0.0, f64::max)
                .min(LONGEST)
                * 1.04
        };
        let left = widest(chart.panels.iter().flat_map(left_texts).collect());
        let right = widest(
            chart
                .panels
                .iter()
                .flat_map(|p| right_texts(chart, p))
                .collect(),
        );
        let right = if right > 0.0 { right + 18.0 } else { 14.0 };
        Gutters {
            left: left + 12.0,
            right,
        }
    }
}

fn left_texts(panel: &Panel) -> Vec<(String, f64)> {
    let ticks = y_ticks(&panel.y, 370.0);
    let names = panel
        .y
        .scale
        .categories()
        .iter()
        .map(|c| (c.label.clone(), TEXT));
    let labels = ticks.into_iter().map(|tick| (tick.label, SMALL));
    names.chain(labels).collect()
}

fn right_texts(chart: &Chart, panel: &Panel) -> Vec<(String, f64)> {
    let notes = panel
        .y
        .scale
        .categories()
        .iter()
        .map(|c| (c.note.clone(), SMALL));
    let sides = side_names(chart, panel)
        .into_iter()
        .map(|name| (name, TEXT));
    notes.chain(sides).collect()
}

fn y_ticks(axis: &Axis, height: f64) -> Vec<Tick> {
    ticks::ticks(axis, (height / 42.0) as usize)
}

/// Height of what stands above a panel's plot.
pub fn head_height(panel: &Panel, x: &Axis, cell: f64, gutters: Gutters) -> f64 {
    let plot = Rect {
        left: MARGIN + gutters.left,
        top: 0.0,
        right: MARGIN + cell - gutters.right,
        bottom: 1.0,
    };
    let frame = Frame::new(x, &panel.y, plot);
    let rows = flags(panel, &frame).iter().map(|flag| flag.row + 1).max();
    let title = if panel.title.is_empty() { 0.0 } else { 19.0 };
    let axis = if panel.y.quantity.is_empty() {
        0.0
    } else {
        19.0
    };
    title + axis + rows.unwrap_or(0) as f64 * LINE + 11.0
}

/// Draws a panel; `left` is where its heading starts.
pub fn draw(scene: &mut Scene, chart: &Chart, panel: &Panel, plot: Rect, left: f64) {
    let frame = Frame::new(&chart.x, &panel.y, plot);
    let flags = flags(panel, &frame);
    spans(scene, panel, &frame);
    grid(scene, &chart.x, &panel.y, &frame);
    heading(
        scene,
        panel,
        &frame,
        left,
        flags.iter().map(|f| f.row + 1).max().unwrap_or(0),
    );
    marker_lines(scene, panel, &frame);
    for one in &panel.series {
        plot::series(scene, &frame, one);
    }
    for flag in &flags {
        flag.draw(scene, &frame);
    }
    if chart.panels.len() == 1 {
        beside(scene, chart, panel, &frame);
    }
}

fn heading(scene: &mut Scene, panel: &Panel, frame: &Frame, left: f64, rows: usize) {
    let mut y = frame.plot.top - 13.0 - rows as f64 * LINE;
    let room = frame.plot.right - left + 10.0;
    if !panel.y.quantity.is_empty() {
        let title = font::squeeze(&ticks::axis_title(&panel.y), SMALL, room);
        scene.text((left, y), Anchor::Start, SMALL, SOFT, &title);
        y -= 19.0;
    }
    let title = font::squeeze(&panel.title, TEXT, room);
    scene.text((left, y), Anchor::Start, TEXT, INK, &title);
}

fn spans(scene: &mut Scene, panel: &Panel, frame: &Frame) {
    for marker in &panel.markers {
        if let Marker::Span { from, to, .. } = marker
            && let Some((a, b)) = frame.x.at(*from).zip(frame.x.at(*to))
        {
            let shade = Rect {
                left: a.clamp(frame.plot.left, frame.plot.right),
                right: b.clamp(frame.plot.left, frame.plot.right),
                ..frame.plot
            };
            scene.area(shade.corners(), SHADE);
        }
    }
}

fn grid(scene: &mut Scene, x: &Axis, y: &Axis, frame: &Frame) {
    let plot = frame.plot;
    let per_label = if matches!(x.scale, Scale::Log10 { .. }) {
        78.0
    } else {
        74.0
    };
    let count = ((plot.right - plot.left) / per_label) as usize;
    for tick in ticks::ticks(x, count) {
        let Some(at) = frame.x.at(tick.at) else {
            continue;
        };
        scene.line(vec![(at, plot.top), (at, plot.bottom)], solid(GRID, 1.0));
        scene.line(
            vec![(at, plot.bottom), (at, plot.bottom + 5.0)],
            solid(AXIS, 1.0),
        );
        scene.text(
            (at, plot.bottom + 19.0),
            Anchor::Middle,
            SMALL,
            SOFT,
            &tick.label,
        );
    }
    for tick in y_ticks(y, plot.bottom - plot.top) {
        let Some(at) = frame.y.at(tick.at) else {
            continue;
        };
        scene.line(vec![(plot.left, at), (plot.right, at)], solid(GRID, 1.0));
        let label = (plot.left - 8.0, at + SMALL * 0.36);
        scene.text(label, Anchor::End, SMALL, SOFT, &tick.label);
    }
    rows(scene, y.scale.categories(), frame);
    scene.line(
        vec![(plot.left, plot.bottom), (plot.right, plot.bottom)],
        solid(AXIS, 1.2),
    );
}

fn rows(scene: &mut Scene, rows: &[Category], frame: &Frame) {
    let plot = frame.plot;
    for (i, row) in rows.iter().enumerate() {
        let Some(y) = frame.y.at(i as f64) else {
            continue;
        };
        let baseline = y + TEXT * 0.36;
        let label = font::squeeze(&row.label, TEXT, LONGEST);
        if row.heading {
            let cover = Rect {
                top: y - 13.0,
                bottom: y + 13.0,
                ..plot
            };
            scene.area(cover.corners(), style::PAPER);
            scene.text((MARGIN, baseline), Anchor::Start, TEXT, INK, &label);
            continue;
        }
        scene.line(vec![(plot.left, y), (plot.right, y)], solid(GRID, 1.0));
        scene.text(
            (plot.left - 10.0, baseline),
            Anchor::End,
            TEXT,
            SOFT,
            &label,
        );
        let note = font::squeeze(&row.note, SMALL, LONGEST);
        scene.text(
            (plot.right + 14.0, baseline),
            Anchor::Start,
            SMALL,
            INK,
            &note,
        );
    }
}

fn marker_lines(scene: &mut Scene, panel: &Panel, frame: &Frame) {
    let plot = frame.plot;
    for marker in &panel.markers {
        let (line, role) = match marker {
            Marker::Horizontal { at, role, .. } => match frame.y.at(*at) {
                Some(y) => (vec![(plot.left, y), (plot.right, y)], *role),
                None => continue,
            },
            Marker::Vertical { at, role, .. } => match frame.x.at(*at) {
                Some(x) => (vec![(x, plot.top), (x, plot.bottom)], *role),
                None => continue,
            },
            Marker::Span { .. } => continue,
        };
        for run in frame.clip(&line) {
            scene.line(run, style::stroke(role));
        }
    }
}

/// The label of an upright line or a span, above the plot.
struct Flag {
    x: f64,
    row: usize,
    text: String,
    color: Color,
    pole: bool,
}

impl Flag {
    fn draw(&self, scene: &mut Scene, frame: &Frame) {
        let top = frame.plot.top;
        let y = top - 7.0 - self.row as f64 * LINE;
        if self.pole {
            let pole = vec![(self.x, top), (self.x, y - SMALL + 2.0)];
            scene.line(pole, solid(self.color, 1.0));
        }
        let left = self.left();
        scene.text((left, y), Anchor::Start, SMALL, self.color, &self.text);
    }

    /// Right of its line, or left of it where there is no room.
    fn left(&self) -> f64 {
        let width = font::width(&self.text, SMALL);
        match self.x + 5.0 + width > WIDTH - MARGIN {
            true => (self.x - 5.0 - width).max(MARGIN),
            false => self.x + 5.0,
        }
    }
}

fn flags(panel: &Panel, frame: &Frame) -> Vec<Flag> {
    let wanted = panel.markers.iter().filter_map(|marker| match marker {
        Marker::Vertical { at, label, role } => Some((*at, label, style::color(*role), true)),
        Marker::Span { from, label, .. } if panel.title.is_empty() => {
            Some((*from, label, SOFT, false))
        }
        Marker::Span { .. } | Marker::Horizontal { .. } => None,
    });
    let inside = |x: &f64| *x >= frame.plot.left - 0.5 && *x <= frame.plot.right + 0.5;
    let mut flags: Vec<Flag> = wanted
        .filter_map(|(at, label, color, pole)| {
            Some(Flag {
                x: frame.x.at(at).filter(inside)?,
                row: 0,
                text: font::squeeze(label, SMALL, 2.0 * LONGEST),
                color,
                pole,
            })
        })
        .collect();
    let extents: Vec<(f64, f64)> = flags
        .iter()
        .map(|flag| {
            (
                flag.left() - 5.0,
                flag.left() + font::width(&flag.text, SMALL),
            )
        })
        .collect();
    for (flag, row) in flags.iter_mut().zip(labels::flags(&extents, 8.0)) {
        flag.row = row;
    }
    flags
}

/// A label beside the plot and the place in the plot that it names.
struct Side {
    from: Place,
    text: String,
    color: Color,
}

fn beside(scene: &mut Scene, chart: &Chart, panel: &Panel, frame: &Frame) {
    let plot = frame.plot;
    let sides = sides(chart, panel, frame);
    let wanted: Vec<f64> = sides.iter().map(|side| side.from.1).collect();
    let places = labels::spread(&wanted, LINE, plot.top + 4.0, plot.bottom - 6.0);
    for (side, y) in sides.iter().zip(places) {
        let (x, from) = side.from;
        let leader = vec![(x, from), (plot.right, from), (plot.right + 9.0, y)];
        scene.line(leader, solid(AXIS.faded(0.75), 0.9));
        let text = font::squeeze(&side.text, TEXT, LONGEST);
        let at = (plot.right + 13.0, y + TEXT * 0.36);
        scene.text(at, Anchor::Start, TEXT, side.color, &text);
    }
}

fn sides(chart: &Chart, panel: &Panel, frame: &Frame) -> Vec<Side> {
    let series = panel.series.iter().flat_map(|series| {
        let color = style::color(series.role);
        match &series.shape {
            Shape::Line(points) | Shape::Step(points)
                if legend::labelled_in_place(chart, series) && !series.label.is_empty() =>
            {
                let runs = frame.clip(&plot::places(frame, points));
                let end = runs.last().and_then(|run| run.last()).copied();
                let text = series.label.clone();
                end.map(|from| Side { from, text, color })
                    .into_iter()
                    .collect()
            }
            Shape::Points(_, points) => {
                let named = points.iter().filter(|point| !point.label.is_empty());
                let side = |point: &crate::chart::value::Point| {
                    let from = frame.at(point.x, point.y)?;
                    let text = point.label.clone();
                    Some(Side { from, text, color })
                };
                named.filter_map(side).collect()
            }
            _ => Vec::new(),
        }
    });
    let levels = panel.markers.iter().filter_map(|marker| match marker {
        Marker::Horizontal { at, label, role } if !label.is_empty() => Some(Side {
            from: (frame.plot.right, frame.y.at(*at)?),
            text: label.clone(),
            color: style::color(*role),
        }),
        _ => None,
    });
    series.chain(levels).collect()
}

fn side_names(chart: &Chart, panel: &Panel) -> Vec<String> {
    if chart.panels.len() != 1 {
        return Vec::new();
    }
    let unit = Rect {
        left: 0.0,
        top: 0.0,
        right: 1.0,
        bottom: 1.0,
    };
    let frame = Frame::new(&chart.x, &panel.y, unit);
    sides(chart, panel, &frame)
        .into_iter()
        .map(|side| side.text)
        .collect()
}
