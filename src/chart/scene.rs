//! The laid-out picture: marks at places, ready for any painter.

use crate::chart::font;
use crate::chart::style::{Color, Stroke};

/// A place in the picture; y grows downwards.
pub type Place = (f64, f64);

/// Where a text's place is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// At its left end.
    Start,
    /// In its middle.
    Middle,
    /// At its right end.
    End,
}

/// One thing to paint.
#[derive(Debug, Clone, PartialEq)]
pub enum Mark {
    /// An open line.
    Line(Vec<Place>, Stroke),
    /// A filled outline.
    Area(Vec<Place>, Color),
    /// A filled disc of a radius.
    Disc(Place, f64, Color),
    /// A line of text on its baseline.
    Text(Text),
}

/// A line of text.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    /// Place on the baseline.
    pub at: Place,
    /// Which end the place is.
    pub anchor: Anchor,
    /// Size of the em.
    pub size: f64,
    /// Colour.
    pub color: Color,
    /// What it says.
    pub text: String,
}

impl Text {
    /// Left and right end.
    pub fn extent(&self) -> (f64, f64) {
        let width = font::width(&self.text, self.size);
        let left = match self.anchor {
            Anchor::Start => self.at.0,
            Anchor::Middle => self.at.0 - width / 2.0,
            Anchor::End => self.at.0 - width,
        };
        (left, left + width)
    }
}

/// A rectangle by its edges.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rect {
    /// Left edge.
    pub left: f64,
    /// Upper edge.
    pub top: f64,
    /// Right edge.
    pub right: f64,
    /// Lower edge.
    pub bottom: f64,
}

impl Rect {
    /// The corners in order.
    pub fn corners(self) -> Vec<Place> {
        vec![
            (self.left, self.top),
            (self.right, self.top),
            (self.right, self.bottom),
            (self.left, self.bottom),
        ]
    }
}

/// A whole picture.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scene {
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
    /// What it shows, for readers who cannot see it.
    pub label: String,
    /// What to paint, the first at the bottom.
    pub marks: Vec<Mark>,
}

impl Scene {
    /// Adds a line; dashes become single strokes.
    pub fn line(&mut self, points: Vec<Place>, stroke: Stroke) {
        match stroke.dash {
            None => self.marks.push(Mark::Line(points, stroke)),
            Some((on, off)) => {
                let dashes = dashes(&points, on, off);
                self.marks
                    .extend(dashes.into_iter().map(|dash| Mark::Line(dash, stroke)));
            }
        }
    }

    /// Adds a filled outline.
    pub fn area(&mut self, points: Vec<Place>, color: Color) {
        self.marks.push(Mark::Area(points, color));
    }

    /// Adds a disc.
    pub fn disc(&mut self, at: Place, radius: f64, color: Color) {
        self.marks.push(Mark::Disc(at, radius, color));
    }

    /// Adds a line of text, unless it is empty.
    pub fn text(&mut self, at: Place, anchor: Anchor, size: f64, color: Color, text: &str) {
        if text.is_empty() {
            return;
        }
        self.marks.push(Mark::Text(Text {
            at,
            anchor,
            size,
            color,
            text: font::clean(text),
        }));
    }

    /// Every text of the picture.
    pub fn texts(&self) -> impl Iterator<Item = &Text> {
        self.marks.iter().filter_map(|mark| match mark {
            Mark::Text(text) => Some(text),
            Mark::Line(..) | Mark::Area(..) | Mark::Disc(..) => None,
        })
    }
}

/// Cuts a line into dashes of length `on` with gaps of length `off`, measured along it.
fn dashes(points: &[Place], on: f64, off: f64) -> Vec<Vec<Place>> {
    let mut done = Vec::new();
    let mut pen = vec![];
    let (mut drawing, mut left) = (true, on);
    for pair in points.windows(2) {
        let (mut from, to) = (pair[0], pair[1]);
        let mut length = (to.0 - from.0).hypot(to.1 - from.1);
        if drawing && pen.is_empty() {
            pen.push(from);
        }
        while length > left {
            let share = left / length;
            from = (
                from.0 + (to.0 - from.0) * share,
                from.1 + (to.1 - from.1) * share,
            );
            length -= left;
            if drawing {
                pen.push(from);
                done.push(std::mem::take(&mut pen));
            } else {
                pen = vec![from];
            }
            drawing = !drawing;
            left = if drawing { on } else { off };
        }
        left -= length;
        if drawing {
            pen.push(to);
        }
    }
    if pen.len() > 1 {
        done.push(pen);
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_follow_the_line_round_a_corner() {
        let line = [(0.0, 0.0), (5.0, 0.0), (5.0, 5.0)];
        let expected = vec![
            vec![(0.0, 0.0), (3.0, 0.0)],
            vec![(4.0, 0.0), (5.0, 0.0), (5.0, 2.0)],
            vec![(5.0, 3.0), (5.0, 5.0)],
        ];
        assert_eq!(dashes(&line, 3.0, 1.0), expected);
    }
}
