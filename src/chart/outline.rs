//! From marks to outlines: straight edges in pixels, ready to be filled.
//!
//! Only additions, multiplications, divisions and roots are used: they give the same bits on every
//! machine.

use crate::chart::font::{self, SANS};
use crate::chart::scene::{Mark, Place, Text};
use crate::chart::style::{Color, Stroke};
use ab_glyph::{Font, OutlineCurve};
use std::ops::Range;

/// Straight pieces of a quarter of a circle: 2 to this power.
const QUARTER: u32 = 3;
/// Straight pieces of a curve of a letter: an eighth of an O is then right to 0.1 pixels.
const LETTER_PIECES: u32 = 2;

/// An edge of an outline. What lies between edges that go up and edges that go down is inside.
pub(super) type Edge = (Place, Place);

/// What is filled at once: a mark, or a letter of one.
#[derive(Debug)]
pub(super) struct Outline {
    pub edges: Range<usize>,
    pub color: Color,
    /// Its upper and lower end.
    pub extent: (f64, f64),
}

/// The outlines of a picture, the first at the bottom.
#[derive(Debug)]
pub(super) struct Outlines {
    pub edges: Vec<Edge>,
    pub outlines: Vec<Outline>,
}

/// The outlines of marks, `scale` pixels to a unit of the scene.
pub(super) fn outlines(marks: &[Mark], scale: f64) -> Outlines {
    let mut pen = Pen {
        drawn: Outlines {
            edges: Vec::new(),
            outlines: Vec::new(),
        },
        scale,
    };
    marks.iter().for_each(|mark| pen.draw(mark));
    pen.drawn
}

struct Pen {
    drawn: Outlines,
    scale: f64,
}

impl Pen {
    fn draw(&mut self, mark: &Mark) {
        match mark {
            Mark::Line(points, stroke) => self.fill(stroke.color, |pen| pen.line(points, *stroke)),
            Mark::Area(points, color) => {
                self.fill(*color, |pen| pen.closed(points.iter().copied()));
            }
            Mark::Disc(at, radius, color) => self.fill(*color, |pen| pen.disc(*at, *radius)),
            Mark::Text(text) => self.text(text),
        }
    }

    /// Makes an outline of all the edges that are drawn.
    fn fill(&mut self, color: Color, edges: impl FnOnce(&mut Pen)) {
        let start = self.drawn.edges.len();
        edges(self);
        let new = &self.drawn.edges[start..];
        let ends = new.iter().flat_map(|(from, to)| [from.1, to.1]);
        let extent = ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(upper, lower), y| {
            (upper.min(y), lower.max(y))
        });
        self.drawn.outlines.push(Outline {
            edges: start..self.drawn.edges.len(),
            color,
            extent,
        });
    }

    fn edge(&mut self, from: Place, to: Place) {
        let pixel = |(x, y): Place| (x * self.scale, y * self.scale);
        self.drawn.edges.push((pixel(from), pixel(to)));
    }

    fn closed(&mut self, points: impl Iterator<Item = Place> + Clone) {
        let next = points.clone().cycle().skip(1);
        points.zip(next).for_each(|(from, to)| self.edge(from, to));
    }

    /// Every segment is a rectangle, and every corner a fan between the ends of two. All turn the
    /// same way round, so that where they overlap they are filled once.
    fn line(&mut self, points: &[Place], stroke: Stroke) {
        let mut before: Option<Place> = None;
        for pair in points.windows(2) {
            let (from, to) = (pair[0], pair[1]);
            let Some(side) = left_of(minus(to, from), stroke.width / 2.0) else {
                continue;
            };
            if let Some(side_before) = before {
                self.corner(from, side_before, side);
            }
            let corners = [
                plus(from, side),
                plus(to, side),
                minus(to, side),
                minus(from, side),
            ];
            self.closed(corners.into_iter());
            before = Some(side);
        }
    }

    /// Rounds a corner on the outside of the turn.
    fn corner(&mut self, at: Place, before: Place, after: Place) {
        let turn = before.0 * after.1 - before.1 * after.0;
        let (from, to) = if turn > 0.0 {
            (opposite(after), opposite(before))
        } else {
            (before, after)
        };
        let mut fan = vec![at, plus(at, from)];
        arc(at, from, to, QUARTER, &mut fan);
        self.closed(fan.into_iter());
    }

    fn disc(&mut self, at: Place, radius: f64) {
        let spokes = [
            (radius, 0.0),
            (0.0, radius),
            (-radius, 0.0),
            (0.0, -radius),
            (radius, 0.0),
        ];
        let mut rim = Vec::new();
        for quarter in spokes.windows(2) {
            arc(at, quarter[0], quarter[1], QUARTER, &mut rim);
        }
        self.closed(rim.into_iter());
    }

    /// Draws a text glyph by glyph, each where its own bearing puts it.
    fn text(&mut self, text: &Text) {
        let mut x = text.extent().0;
        for c in text.text.chars() {
            self.fill(text.color, |pen| pen.glyph(c, (x, text.at.1), text.size));
            x += font::advance(c) * text.size;
        }
    }

    fn glyph(&mut self, c: char, at: Place, size: f64) {
        let Some(outline) = SANS.outline(SANS.glyph_id(c)) else {
            return;
        };
        let em = size / font::UNITS_PER_EM;
        let place = |p: ab_glyph::Point| (at.0 + f64::from(p.x) * em, at.1 - f64::from(p.y) * em);
        for curve in outline.curves {
            match curve {
                OutlineCurve::Line(from, to) => self.edge(place(from), place(to)),
                OutlineCurve::Quad(from, by, to) => {
                    self.curve([place(from), place(by), place(to)]);
                }
                // TrueType has none; its ends are near enough.
                OutlineCurve::Cubic(from, _, _, to) => self.edge(place(from), place(to)),
            }
        }
    }

    /// A quadratic curve.
    fn curve(&mut self, [from, by, to]: [Place; 3]) {
        let mut last = from;
        for piece in 1..=LETTER_PIECES {
            let t = f64::from(piece) / f64::from(LETTER_PIECES);
            let next = between(between(from, by, t), between(by, to, t), t);
            self.edge(last, next);
            last = next;
        }
    }
}

/// Adds the points of an arc about `at` up to the spoke `to`, which is less than half a turn away.
fn arc(at: Place, from: Place, to: Place, halvings: u32, points: &mut Vec<Place>) {
    let radius = length(from);
    let middle = plus(from, to);
    let near = length(middle) > 1.99 * radius;
    match along(middle, radius).filter(|_| halvings > 0 && !near) {
        Some(middle) => {
            arc(at, from, middle, halvings - 1, points);
            arc(at, middle, to, halvings - 1, points);
        }
        None => points.push(plus(at, to)),
    }
}

/// The same direction with another length; none without direction.
fn along(v: Place, to_length: f64) -> Option<Place> {
    let length = length(v);
    (length > 0.0 && length.is_finite())
        .then(|| (v.0 / length * to_length, v.1 / length * to_length))
}

/// What stands at a right angle to a direction.
fn left_of(v: Place, length: f64) -> Option<Place> {
    along((-v.1, v.0), length)
}

fn length(v: Place) -> f64 {
    (v.0 * v.0 + v.1 * v.1).sqrt()
}

fn plus(a: Place, b: Place) -> Place {
    (a.0 + b.0, a.1 + b.1)
}

fn minus(a: Place, b: Place) -> Place {
    (a.0 - b.0, a.1 - b.1)
}

fn opposite(a: Place) -> Place {
    (-a.0, -a.1)
}

fn between(a: Place, b: Place, t: f64) -> Place {
    (a.0 + (b.0 - a.0) * t, a.1 + (b.1 - a.1) * t)
}
