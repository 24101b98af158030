//! Filling outlines with smooth edges: a pixel takes as much of the colour as is inside.
//!
//! Every edge leaves, in each row of pixels that it crosses, how much it covers of the pixel it is in
//! and of those to the right of it, as a difference from pixel to pixel. Added up from left to right,
//! the differences are the share of every pixel that is inside. Where there are none for a while, the
//! share stays what it is.

use crate::chart::outline::{Edge, Outline};
use crate::chart::style::Color;

/// Bytes of a pixel: red, green, blue.
pub(super) const PIXEL: usize = 3;
/// Pixels looked at together for differences.
const RUN: usize = 8;

/// Some rows of a picture.
#[derive(Debug)]
pub(super) struct Band {
    width: usize,
    top: usize,
    rows: usize,
    pixels: Vec<u8>,
    /// Differences in the share from one pixel to the next, of the outline that is being filled.
    differences: Vec<f32>,
    /// Where in each row there are any.
    touched: Vec<(usize, usize)>,
}

/// Nothing of a row.
const NOWHERE: (usize, usize) = (usize::MAX, 0);

impl Band {
    /// Paper of `width` times at most `rows` pixels.
    pub(super) fn new(width: usize, rows: usize) -> Band {
        Band {
            width,
            top: 0,
            rows,
            pixels: vec![255; rows * width * PIXEL],
            differences: vec![0.0; rows * stride(width)],
            touched: vec![NOWHERE; rows],
        }
    }

    /// White paper again: `rows` of it from row `top` of the picture on.
    pub(super) fn restart(&mut self, top: usize, rows: usize) {
        (self.top, self.rows) = (top, rows);
        self.pixels[..rows * self.width * PIXEL].fill(255);
    }

    /// The pixels, row by row.
    pub(super) fn pixels(&self) -> impl Iterator<Item = &[u8]> {
        self.pixels.chunks(self.width * PIXEL).take(self.rows)
    }

    /// Fills an outline that has these edges.
    pub(super) fn fill(&mut self, outline: &Outline, edges: &[Edge]) {
        let (upper, lower) = outline.extent;
        let (upper, lower) = (upper - self.top as f64, lower - self.top as f64);
        if !(lower > 0.0 && upper < self.rows as f64) {
            return;
        }
        edges.iter().for_each(|edge| self.touch(edge));
        for row in upper as usize..(lower.ceil() as usize).min(self.rows) {
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
        let (y, end) = (upper.1 - self.top as f64, lower.1 - self.top as f64);
        let slope = (lower.0 - upper.0) / (end - y);
        if !slope.is_finite() {
            // Level, or nowhere: nothing lies to the right of it.
            return;
        }
        let x_at = |at: f64| upper.0 + (at - y) * slope;
        let (mut from, end) = (y.max(0.0), end.min(self.rows as f64));
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
        let (first, last) = (left as usize, right as usize);
        let differences = &mut self.differences[row * stride(self.width)..][..stride(self.width)];
        let mut touch = |x: usize, from: f64, to: f64, height: f64| {
            let beyond = height * ((from + to) / 2.0 - x as f64);
            differences[x] += (height - beyond) as f32;
            differences[x + 1] += beyond as f32;
        };
        if first == last {
            touch(first, left, right, height);
        } else {
            let steepness = height / (right - left);
            for x in first..=last {
                let (from, to) = (left.max(x as f64), right.min((x + 1) as f64));
                touch(x, from, to, steepness * (to - from));
            }
        }
        let touched = &mut self.touched[row];
        *touched = (touched.0.min(first), touched.1.max(last + 2));
    }

    /// Lays the colour on one row, as far as its pixels are inside.
    fn paint(&mut self, row: usize, color: Color) {
        let (first, end) = std::mem::replace(&mut self.touched[row], NOWHERE);
        if first >= end {
            return;
        }
        let runs = first / RUN..end.div_ceil(RUN);
        let differences = &mut self.differences[row * stride(self.width)..][..stride(self.width)];
        let differences = &mut differences.as_chunks_mut::<RUN>().0[runs.clone()];
        let pixels = &mut self.pixels[row * self.width * PIXEL..][..self.width * PIXEL];
        let pixels = pixels.as_chunks_mut::<PIXEL>().0.chunks_mut(RUN);
        let mut share = 0.0;
        for (differences, pixels) in differences.iter_mut().zip(pixels.skip(runs.start)) {
            if differences.iter().fold(0, |any, d| any | d.to_bits()) == 0 {
                lay(pixels, share, color);
                continue;
            }
            for (difference, pixel) in differences.iter().zip(pixels) {
                share += difference;
                lay(std::slice::from_mut(pixel), share, color);
            }
            *differences = [0.0; RUN];
        }
    }
}

/// Differences in a row: more than pixels for what lies beyond, which nobody looks at, and whole runs.
fn stride(width: usize) -> usize {
    (width + 2).next_multiple_of(RUN)
}

/// Lays a colour on pixels of which a share is inside; the sign is the outline's way round.
#[inline]
fn lay(pixels: &mut [[u8; PIXEL]], share: f32, color: Color) {
    let opacity = (share.abs().min(1.0) * color.alpha as f32 * 255.0 + 0.5) as u32;
    let (r, g, b) = color.rgb;
    match opacity {
        0 => {}
        255 => pixels.fill([r, g, b]),
        _ => pixels.iter_mut().for_each(|[red, green, blue]| {
            *red = mixed(*red, r, opacity);
            *green = mixed(*green, g, opacity);
            *blue = mixed(*blue, b, opacity);
        }),
    }
}

fn mixed(below: u8, ink: u8, opacity: u32) -> u8 {
    ((u32::from(below) * (255 - opacity) + u32::from(ink) * opacity + 127) / 255) as u8
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
        band.pixels().flatten().copied().collect()
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
