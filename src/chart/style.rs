//! The one style of all charts: colours, strokes and sizes.
//!
//! Colours are those of Okabe and Ito (2008), told apart by most colour-blind readers; every role
//! differs in its dash pattern or glyph as well.

use crate::chart::value::Role;

/// A colour with its opacity in [0, 1].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Color {
    /// Red, green, blue.
    pub rgb: (u8, u8, u8),
    /// Opacity.
    pub alpha: f64,
}

const fn opaque(r: u8, g: u8, b: u8) -> Color {
    Color {
        rgb: (r, g, b),
        alpha: 1.0,
    }
}

impl Color {
    /// The same colour, see-through.
    pub fn faded(self, alpha: f64) -> Color {
        Color { alpha, ..self }
    }
}

/// Main text.
pub const INK: Color = opaque(0x1a, 0x1a, 0x1a);
/// Secondary text.
pub const SOFT: Color = opaque(0x59, 0x59, 0x59);
/// Axis lines and ticks.
pub const AXIS: Color = opaque(0x8c, 0x8c, 0x8c);
/// Grid lines.
pub const GRID: Color = opaque(0xe6, 0xe6, 0xe6);
/// Shaded spans.
pub const SHADE: Color = opaque(0xec, 0xec, 0xec);
/// Paper.
pub const PAPER: Color = opaque(0xff, 0xff, 0xff);

/// Width of every picture.
pub const WIDTH: f64 = 960.0;
/// Free space at the edges.
pub const MARGIN: f64 = 26.0;
/// Size of the title.
pub const TITLE: f64 = 20.0;
/// Size of subtitle, panel titles and line labels.
pub const TEXT: f64 = 13.5;
/// Size of tick labels, axis titles and notes.
pub const SMALL: f64 = 12.5;
/// Height of a row of a categorical axis.
pub const ROW: f64 = 27.0;

/// Pattern of a line: lengths of dash and gap; none for a solid line.
pub type Dash = Option<(f64, f64)>;

/// A line's colour, width and pattern.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stroke {
    /// Colour.
    pub color: Color,
    /// Width.
    pub width: f64,
    /// Pattern.
    pub dash: Dash,
}

/// A solid line.
pub fn solid(color: Color, width: f64) -> Stroke {
    Stroke {
        color,
        width,
        dash: None,
    }
}

/// The colour of a role.
pub fn color(role: Role) -> Color {
    match role {
        Role::Simulation => opaque(0x00, 0x72, 0xb2),
        Role::SimulationPart | Role::Replayed => opaque(0x56, 0xb4, 0xe9),
        Role::Network => opaque(0x00, 0x9e, 0x73),
        Role::Enqueue => opaque(0xf0, 0xe4, 0x42),
        Role::Dequeue => opaque(0xcc, 0x79, 0xa7),
        Role::Failure => opaque(0xd5, 0x5e, 0x00),
        Role::Theory => INK,
        Role::Limit => opaque(0xd5, 0x5e, 0x00),
        Role::Live => opaque(0xe6, 0x9f, 0x00),
        Role::Context => opaque(0x76, 0x76, 0x76),
    }
}

/// The line of a role. Theory is thin and dashed, so that the measured line shows beneath it.
pub fn stroke(role: Role) -> Stroke {
    let (width, dash) = match role {
        Role::Simulation | Role::SimulationPart => (2.6, None),
        Role::Network | Role::Enqueue | Role::Dequeue => (1.8, None),
        Role::Failure => (1.8, Some((4.0, 2.0))),
        Role::Theory => (1.4, Some((6.0, 3.5))),
        Role::Limit => (1.8, Some((11.0, 3.0))),
        // Thin, so that the line of the simulation shows on either side.
        Role::Replayed => (1.2, None),
        Role::Live => (1.9, Some((7.0, 1.6))),
        Role::Context => (1.1, Some((2.0, 3.0))),
    };
    Stroke {
        color: color(role),
        width,
        dash,
    }
}
