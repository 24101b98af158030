//! Painting a scene as PNG, twice the size of the SVG for sharp screens.
//!
//! The back-end knows no smooth edges, so the picture is drawn at four times the size and every
//! square of four pixels is averaged to one. To do so in little memory, the picture is painted and
//! written band by band.

use crate::chart::font::{self, SANS};
use crate::chart::render::ChartError;
use crate::chart::scene::{Mark, Place, Scene, Text};
use crate::chart::style::{Color, Stroke};
use ab_glyph::{Font, Point, PxScale};
use plotters::backend::{BitMapBackend, DrawingBackend};
use plotters::style::{Color as _, RGBAColor, ShapeStyle};
use std::io::Write;

/// Pixels of the PNG to a unit of the scene.
pub const PIXELS: u32 = 2;
/// Pixels drawn to a pixel of the PNG, along each side.
const FINE: u32 = 2;
const SCALE: f64 = (PIXELS * FINE) as f64;
/// Rows of the PNG painted at a time.
const BAND: u32 = 128;

/// The scene as a PNG file.
pub(super) fn paint(scene: &Scene) -> Result<Vec<u8>, ChartError> {
    let (width, height) = size(scene);
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(ChartError::painting)?;
    let mut stream = writer.stream_writer().map_err(ChartError::painting)?;
    for top in (0..height).step_by(BAND as usize) {
        let rows = BAND.min(height - top);
        let pixels = band(scene, width, top, rows)?;
        stream
            .write_all(&averaged(&pixels, width, rows))
            .map_err(ChartError::painting)?;
    }
    stream.finish().map_err(ChartError::painting)?;
    writer.finish().map_err(ChartError::painting)?;
    Ok(file)
}

fn size(scene: &Scene) -> (u32, u32) {
    let pixels = |length: f64| (length * f64::from(PIXELS)).round() as u32;
    (pixels(scene.width), pixels(scene.height))
}

/// Some rows of the picture, drawn fine.
fn band(scene: &Scene, width: u32, top: u32, rows: u32) -> Result<Vec<u8>, ChartError> {
    let fine = (width * FINE, rows * FINE);
    let mut pixels = vec![255; fine.0 as usize * fine.1 as usize * 3];
    let mut canvas = Canvas {
        backend: BitMapBackend::with_buffer(&mut pixels, fine),
        top: (top * FINE) as i32,
        rows: fine.1 as i32,
    };
    for mark in &scene.marks {
        canvas.draw(mark)?;
    }
    canvas.backend.present().map_err(ChartError::painting)?;
    drop(canvas);
    Ok(pixels)
}

type Drawn = Result<(), ChartError>;

/// A band of the fine picture.
struct Canvas<'a> {
    backend: BitMapBackend<'a>,
    /// Its first row in the whole picture.
    top: i32,
    /// Its height.
    rows: i32,
}

impl Canvas<'_> {
    fn draw(&mut self, mark: &Mark) -> Drawn {
        match mark {
            Mark::Line(points, stroke) => self.line(points, *stroke),
            Mark::Area(points, color) => self.area(points, *color),
            Mark::Disc(at, radius, color) => self.disc(*at, *radius, *color),
            Mark::Text(line) => self.text(line),
        }
    }

    /// Whether something between two heights of the scene can touch this band.
    fn touches(&self, upper: f64, lower: f64) -> bool {
        let (from, to) = (
            f64::from(self.top) / SCALE,
            f64::from(self.top + self.rows) / SCALE,
        );
        lower + 1.0 >= from && upper - 1.0 <= to
    }

    /// Draws each segment as a rectangle and rounds the corners by discs: the back-end's own wide
    /// paths break at sharp turns.
    fn line(&mut self, points: &[Place], stroke: Stroke) -> Drawn {
        let half = stroke.width / 2.0;
        for pair in points.windows(2) {
            let ((ax, ay), (bx, by)) = (pair[0], pair[1]);
            let length = (bx - ax).hypot(by - ay);
            if length == 0.0 {
                continue;
            }
            let (nx, ny) = ((ay - by) / length * half, (bx - ax) / length * half);
            let sides = [
                (ax + nx, ay + ny),
                (bx + nx, by + ny),
                (bx - nx, by - ny),
                (ax - nx, ay - ny),
            ];
            self.area(&sides, stroke.color)?;
        }
        let inner = points.len().saturating_sub(1).max(1);
        for corner in &points[1.min(points.len())..inner.min(points.len())] {
            self.disc(*corner, half, stroke.color)?;
        }
        Ok(())
    }

    fn area(&mut self, points: &[Place], color: Color) -> Drawn {
        let upper = points.iter().map(|p| p.1).fold(f64::INFINITY, f64::min);
        let lower = points.iter().map(|p| p.1).fold(f64::NEG_INFINITY, f64::max);
        if !self.touches(upper, lower) {
            return Ok(());
        }
        let outline: Vec<_> = points.iter().map(|p| self.pixel(*p)).collect();
        self.backend
            .fill_polygon(outline, &shape(color))
            .map_err(ChartError::painting)
    }

    fn disc(&mut self, at: Place, radius: f64, color: Color) -> Drawn {
        if !self.touches(at.1 - radius, at.1 + radius) {
            return Ok(());
        }
        let (center, size) = (self.pixel(at), (radius * SCALE).round() as u32);
        self.backend
            .draw_circle(center, size, &shape(color), true)
            .map_err(ChartError::painting)
    }

    /// Draws a text glyph by glyph, each where its own bearing puts it.
    fn text(&mut self, text: &Text) -> Drawn {
        if !self.touches(text.at.1 - 2.0 * text.size, text.at.1 + text.size) {
            return Ok(());
        }
        let scale = PxScale::from((text.size * SCALE * f64::from(height_per_em())) as f32);
        let mut x = text.extent().0 * SCALE;
        let baseline = text.at.1 * SCALE - f64::from(self.top);
        for c in text.text.chars() {
            let at = Point {
                x: x as f32,
                y: baseline as f32,
            };
            let glyph = SANS.glyph_id(c).with_scale_and_position(scale, at);
            draw_glyph(&mut self.backend, glyph, text.color)?;
            x += font::advance(c) * text.size * SCALE;
        }
        Ok(())
    }

    fn pixel(&self, (x, y): Place) -> (i32, i32) {
        (
            (x * SCALE).round() as i32,
            (y * SCALE).round() as i32 - self.top,
        )
    }
}

/// The font's height, from its ascent to its descent, in em: glyph scales are given in it.
fn height_per_em() -> f32 {
    SANS.height_unscaled() / SANS.units_per_em().unwrap_or(1.0)
}

fn draw_glyph(backend: &mut BitMapBackend, glyph: ab_glyph::Glyph, color: Color) -> Drawn {
    let Some(outline) = SANS.outline_glyph(glyph) else {
        return Ok(());
    };
    let bounds = outline.px_bounds();
    let (width, height) = backend.get_size();
    let mut covered = Vec::new();
    outline.draw(|x, y, coverage| covered.push((x, y, coverage)));
    for (x, y, coverage) in covered {
        let (x, y) = (
            bounds.min.x as i32 + x as i32,
            bounds.min.y as i32 + y as i32,
        );
        if x >= 0 && y >= 0 && x < width as i32 && y < height as i32 {
            let ink = rgba(color).mix(f64::from(coverage)).to_backend_color();
            backend
                .draw_pixel((x, y), ink)
                .map_err(ChartError::painting)?;
        }
    }
    Ok(())
}

fn shape(color: Color) -> ShapeStyle {
    ShapeStyle {
        color: rgba(color),
        filled: true,
        stroke_width: 0,
    }
}

fn rgba(color: Color) -> RGBAColor {
    let (r, g, b) = color.rgb;
    RGBAColor(r, g, b, color.alpha)
}

/// Averages squares of drawn pixels to one pixel of the picture.
fn averaged(pixels: &[u8], width: u32, height: u32) -> Vec<u8> {
    let (width, fine) = (width as usize, FINE as usize);
    let row = width * fine * 3;
    let mut done = Vec::with_capacity(width * height as usize * 3);
    for y in 0..height as usize {
        for i in 0..width * 3 {
            let (x, channel) = (i / 3, i % 3);
            let corner = y * fine * row + x * fine * 3 + channel;
            let sum: u32 = (0..fine * fine)
                .map(|n| u32::from(pixels[corner + n / fine * row + n % fine * 3]))
                .sum();
            done.push(((sum + FINE * FINE / 2) / (FINE * FINE)) as u8);
        }
    }
    done
}
