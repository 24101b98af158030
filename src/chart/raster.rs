//! Filling outlines with smooth edges: a pixel takes as much of the colour as is inside.
//!
//! Every edge leaves, in each row of pixels that it crosses, how much it covers of the pixel it is in
//! and of all to the right of it. Added up from left to right, that is the share of every pixel that is
//! inside. Only the pixels that edges touch are looked at one by one; between them the colour runs.

use crate::chart::outline::{Edge, Outline};
use crate::chart::style::Color;

/// Bytes of a pixel: red, green, blue.
pub(super) const PIXEL: usize = 3;

/// Some rows of a picture.
#[derive(Debug)]
pub(super) struct Band {
    width: usize,
    top: usize,
    pixels: Vec<u8>,
    /// What edges leave in each row.
    touched: Vec<Vec<Touch>>,
}

/// What an edge leaves in one pixel.
#[derive(Debug, Clone, Copy)]
struct Touch {
    x: u32,
    /// Share of this pixel.
    here: f32,
    /// Share of the pixels to the right.
    beyond: f32,
}

impl Band {
    /// White paper of `width` times `rows` pixels.
    pub(super) fn new(width: usize, rows: usize) -> Band {
        Band {
            width,
            top: 0,
            pixels: vec![255; width * rows * PIXEL],
            touched: vec![Vec::new(); rows],
        }
    }

    /// White paper again, `rows` of it from row `top` of the picture on.
    pub(super) fn restart(&mut self, top: usize, rows: usize) {
        self.top = top;
        self.pixels.truncate(rows * self.width * PIXEL);
        self.pixels.fill(255);
        self.touched.truncate(rows);
    }

    /// The pixels, row by row.
    pub(super) fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Fills an outline that has these edges.
    pub(super) fn fill(&mut self, outline: &Outline, edges: &[Edge]) {
        let (upper, lower) = outline.extent;
        let rows = self.touched.len();
        if !(lower > self.top as f64 && upper < (self.top + rows) as f64) {
            return;
        }
        edges.iter().for_each(|edge| self.touch(edge));
        let first = (upper - self.top as f64).max(0.0) as usize;
        let end = ((lower - self.top as f64).ceil() as usize).min(rows);
        for row in first..end {
            self.paint(row, outline.color);
        }
    }

    /// Notes where an edge passes.
    fn touch(&mut self, &(from, to): &Edge) {
        let (upper, lower, sign) = if from.1 < to.1 {
            (from, to, 1.0)
        } else {
            (to, from, -1.0)
        };
        let rows = self.touched.len() as f64;
        let (y, end) = (upper.1 - self.top as f64, lower.1 - self.top as f64);
        let slope = (lower.0 - upper.0) / (end - y);
        if !slope.is_finite() {
            // Level, or nowhere: nothing lies to the right of it.
            return;
        }
        let x_at = |at: f64| upper.0 + (at - y) * slope;
        let (mut from, end) = (y.max(0.0), end.min(rows));
        while from < end {
            let row = from as usize;
            let to = end.min((row + 1) as f64);
            self.cross(row, x_at(from), x_at(to), sign * (to - from));
            from = to;
        }
    }

    /// Notes an edge's way through one row, in which it covers a signed share of the row's height.
    fn cross(&mut self, row: usize, from: f64, to: f64, height: f64) {
        let edge = self.width as f64;
        let (left, right) = (from.min(to).clamp(0.0, edge), from.max(to).clamp(0.0, edge));
        let (first, last) = (left as usize, (right as usize).min(self.width - 1));
        let touched = &mut self.touched[row];
        let mut touch = |x: usize, from: f64, to: f64, height: f64| {
            let uncovered = (from + to) / 2.0 - x as f64;
            touched.push(Touch {
                x: x as u32,
                here: (height * (1.0 - uncovered)) as f32,
                beyond: height as f32,
            });
        };
        if first == last {
            return touch(first, left, right, height);
        }
        let steepness = height / (right - left);
        for x in first..=last {
            let (from, to) = (left.max(x as f64), right.min((x + 1) as f64));
            touch(x, from, to, steepness * (to - from));
        }
    }

    /// Lays the colour on one row, as far as its pixels are inside.
    fn paint(&mut self, row: usize, color: Color) {
        let touched = &mut self.touched[row];
        touched.sort_unstable_by_key(|touch| touch.x);
        let pixels = &mut self.pixels[row * self.width * PIXEL..][..self.width * PIXEL];
        let mut covered = 0.0;
        let mut done = 0;
        for here in touched.chunk_by(|a, b| a.x == b.x) {
            let x = here[0].x as usize;
            lay(&mut pixels[done * PIXEL..x * PIXEL], covered, color);
            let share = covered + here.iter().map(|touch| touch.here).sum::<f32>();
            covered += here.iter().map(|touch| touch.beyond).sum::<f32>();
            lay(&mut pixels[x * PIXEL..(x + 1) * PIXEL], share, color);
            done = x + 1;
        }
        lay(&mut pixels[done * PIXEL..], covered, color);
        touched.clear();
    }
}

/// Lays a colour on pixels of which a share is inside; the sign is the outline's way round.
fn lay(pixels: &mut [u8], share: f32, color: Color) {
    let opacity = (share.abs().min(1.0) * color.alpha as f32 * 255.0 + 0.5) as u32;
    let (r, g, b) = color.rgb;
    let ink = [r, g, b];
    match opacity {
        0 => {}
        255 => pixels
            .as_chunks_mut()
            .0
            .iter_mut()
            .for_each(|pixel| *pixel = ink),
        _ => {
            for pixel in pixels.as_chunks_mut::<PIXEL>().0 {
                for (below, ink) in pixel.iter_mut().zip(ink) {
                    let mixed = u32::from(*below) * (255 - opacity) + u32::from(ink) * opacity;
                    *below = ((mixed + 127) / 255) as u8;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::scene::Place;
    use crate::chart::style::INK;

    const BLACK: Color = Color {
        rgb: (0, 0, 0),
        alpha: 1.0,
    };

    fn filled(points: &[Place], color: Color) -> Vec<u8> {
        let next = points.iter().cycle().skip(1);
        let edges: Vec<Edge> = points.iter().copied().zip(next.copied()).collect();
        let heights = || points.iter().map(|p| p.1);
        let outline = Outline {
            edges: 0..edges.len(),
            color,
            extent: (
                heights().fold(f64::INFINITY, f64::min),
                heights().fold(f64::NEG_INFINITY, f64::max),
            ),
        };
        let mut band = Band::new(8, 6);
        band.restart(0, 6);
        band.fill(&outline, &edges);
        band.pixels().to_vec()
    }

    /// Ink on the paper, in pixels.
    fn ink(pixels: &[u8]) -> f64 {
        pixels
            .iter()
            .map(|value| f64::from(255 - value))
            .sum::<f64>()
            / 255.0
            / PIXEL as f64
    }

    #[test]
    fn an_outline_takes_as_much_ink_as_its_area() {
        let square = [(1.25, 1.5), (4.75, 1.5), (4.75, 4.0), (1.25, 4.0)];
        let backwards = [(1.25, 4.0), (4.75, 4.0), (4.75, 1.5), (1.25, 1.5)];
        let triangle = [(0.5, 0.5), (7.5, 1.0), (2.0, 5.5)];
        assert!((ink(&filled(&square, BLACK)) - 3.5 * 2.5).abs() < 0.05);
        assert_eq!(filled(&square, BLACK), filled(&backwards, BLACK));
        // Half the cross product of two sides.
        let area = (7.0 * 5.0 - 0.5 * 1.5) / 2.0;
        assert!((ink(&filled(&triangle, BLACK)) - area).abs() < 0.1);
        assert!((ink(&filled(&triangle, BLACK.faded(0.5))) - area / 2.0).abs() < 0.1);
    }

    #[test]
    fn a_pixel_takes_the_share_that_is_inside() {
        let pixels = filled(&[(2.0, 2.0), (3.0, 2.0), (3.0, 2.5), (2.0, 2.5)], BLACK);
        let at = |x: usize, y: usize| pixels[(y * 8 + x) * PIXEL];
        assert_eq!(
            (at(2, 2), at(1, 2), at(3, 2), at(2, 1)),
            (127, 255, 255, 255)
        );
    }

    #[test]
    fn what_lies_outside_the_picture_is_left_out() {
        let beyond = [(-5.0, -5.0), (20.0, -5.0), (20.0, 3.0), (-5.0, 3.0)];
        assert!((ink(&filled(&beyond, BLACK)) - 24.0).abs() < 1e-9);
        for strange in [f64::NAN, f64::INFINITY, 1e300] {
            filled(&[(1.0, 1.0), (strange, 2.0), (3.0, strange)], INK);
        }
    }
}
