//! The forms of points and their intervals.

use crate::chart::scene::{Place, Rect, Scene};
use crate::chart::style::{self, Color, PAPER, solid};
use crate::chart::value::{Glyph, Role};

/// Draws a point, with a thin white rim so that it stands out of what is below.
pub fn draw(scene: &mut Scene, form: Glyph, at: Place, color: Color) {
    match form {
        Glyph::Disc => {
            scene.disc(at, 5.6, PAPER);
            scene.disc(at, 4.6, color);
        }
        Glyph::Ring => {
            scene.disc(at, 5.0, color);
            scene.disc(at, 3.0, PAPER);
        }
        Glyph::Diamond => {
            scene.area(diamond(at, 7.4), PAPER);
            scene.area(diamond(at, 6.2), color);
        }
        Glyph::Tick => {
            scene.area(upright(at, 2.6, 10.2), PAPER);
            scene.area(upright(at, 1.5, 9.5), color);
        }
    }
}

fn diamond((x, y): Place, r: f64) -> Vec<Place> {
    vec![(x - r, y), (x, y - r), (x + r, y), (x, y + r)]
}

fn upright((x, y): Place, half_width: f64, half_height: f64) -> Vec<Place> {
    let stroke = Rect {
        left: x - half_width,
        top: y - half_height,
        right: x + half_width,
        bottom: y + half_height,
    };
    stroke.corners()
}

/// Draws an arrow head at the edge of the plot for a point beyond it.
pub fn beyond(scene: &mut Scene, (x, y): Place, rightwards: bool, color: Color) {
    let back = if rightwards { -9.0 } else { 9.0 };
    scene.area(
        vec![(x, y), (x + back, y - 5.5), (x + back, y + 5.5)],
        color,
    );
}

/// Draws a level interval; `caps` tells which ends are ends and not cut by the plot.
pub fn whisker(scene: &mut Scene, (from, to): (f64, f64), y: f64, role: Role, caps: (bool, bool)) {
    let line = solid(style::color(role), 1.7);
    scene.line(vec![(from, y), (to, y)], line);
    for (x, shown) in [(from, caps.0), (to, caps.1)] {
        if shown {
            scene.line(vec![(x, y - 4.5), (x, y + 4.5)], line);
        }
    }
}

/// Draws an upright interval.
pub fn upright_whisker(scene: &mut Scene, x: f64, (from, to): (f64, f64), role: Role) {
    let line = solid(style::color(role), 1.7);
    scene.line(vec![(x, from), (x, to)], line);
    for y in [from, to] {
        scene.line(vec![(x - 4.5, y), (x + 4.5, y)], line);
    }
}
