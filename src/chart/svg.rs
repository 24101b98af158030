//! Painting a scene as SVG.
//!
//! The back-end takes whole pixels, so the scene is drawn ten times as large into a view box of
//! that size, and shown at its own size: places keep a tenth of a pixel.

use crate::chart::font;
use crate::chart::render::ChartError;
use crate::chart::scene::{Anchor, Mark, Place, Scene, Text};
use crate::chart::style::Color;
use plotters::backend::DrawingBackend;
use plotters::prelude::SVGBackend;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontFamily, FontStyle, IntoTextStyle, RGBAColor, ShapeStyle, TextStyle};

const SCALE: f64 = 10.0;
/// The back-end divides a font's size by this to get the em.
const SIZE_PER_EM: f64 = 1.24;
/// The back-end shifts a text down by this share of the em.
const SHIFT: f64 = 0.76;

/// The scene as an SVG document.
pub(super) fn paint(scene: &Scene) -> Result<String, ChartError> {
    let size = (whole(scene.width) as u32, whole(scene.height) as u32);
    let mut text = String::new();
    let mut backend = SVGBackend::with_string(&mut text, size);
    for mark in &scene.marks {
        draw(&mut backend, mark)?;
    }
    backend.present().map_err(ChartError::painting)?;
    drop(backend);
    with_header(&text, scene, size).ok_or_else(|| ChartError::painting("the SVG has no header"))
}

/// Replaces the document's opening tag by one that sets the shown size, rounds the corners of
/// lines, and names the picture for those who cannot see it.
fn with_header(text: &str, scene: &Scene, (width, height): (u32, u32)) -> Option<String> {
    let (_, rest) = text.split_once(">\n")?;
    let label = escaped(&scene.label);
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{label}\" \
         stroke-linejoin=\"round\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#FFFFFF\"/>\n{rest}",
        scene.width, scene.height
    ))
}

fn escaped(text: &str) -> String {
    font::clean(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn draw(backend: &mut SVGBackend, mark: &Mark) -> Result<(), ChartError> {
    let drawn = match mark {
        Mark::Line(points, stroke) => {
            let style = shape(stroke.color, whole(stroke.width) as u32);
            backend.draw_path(points.iter().map(|p| pixel(*p)), &style)
        }
        Mark::Area(points, color) => {
            backend.fill_polygon(points.iter().map(|p| pixel(*p)), &shape(*color, 0))
        }
        Mark::Disc(at, radius, color) => {
            let radius = whole(*radius) as u32;
            backend.draw_circle(pixel(*at), radius, &shape(*color, 0), true)
        }
        Mark::Text(text) => {
            let at = (text.at.0, text.at.1 - SHIFT * text.size);
            let color = rgba(text.color);
            backend.draw_text(&text.text, &text_style(text, &color), pixel(at))
        }
    };
    drawn.map_err(ChartError::painting)
}

fn text_style<'a>(text: &Text, color: &'a RGBAColor) -> TextStyle<'a> {
    let h_pos = match text.anchor {
        Anchor::Start => HPos::Left,
        Anchor::Middle => HPos::Center,
        Anchor::End => HPos::Right,
    };
    let size = text.size * SIZE_PER_EM * SCALE;
    let font = (FontFamily::Name(font::FAMILY), size, FontStyle::Normal);
    let style = font.into_text_style(&(0, 0)).color(color);
    style.pos(Pos::new(h_pos, VPos::Top))
}

fn shape(color: Color, stroke_width: u32) -> ShapeStyle {
    ShapeStyle {
        color: rgba(color),
        filled: stroke_width == 0,
        stroke_width,
    }
}

fn rgba(color: Color) -> RGBAColor {
    let (r, g, b) = color.rgb;
    RGBAColor(r, g, b, color.alpha)
}

fn pixel((x, y): Place) -> (i32, i32) {
    (whole(x), whole(y))
}

fn whole(value: f64) -> i32 {
    (value * SCALE).round() as i32
}
