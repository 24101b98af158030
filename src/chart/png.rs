//! Painting a scene as PNG, twice the size of the SVG for sharp screens.
//!
//! The picture is painted and compressed band by band: a band stays in the processor's cache.

use crate::chart::outline::outlines;
use crate::chart::raster::Band;
use crate::chart::render::ChartError;
use crate::chart::scene::Scene;
use std::io::Write;

/// Pixels of the PNG to a unit of the scene.
pub const PIXELS: u32 = 2;
/// Rows painted at a time.
const BAND: u32 = 64;

/// The scene as a PNG file.
pub(super) fn paint(scene: &Scene) -> Result<Vec<u8>, ChartError> {
    let (width, height) = size(scene);
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    // Most rows are like the row above; more effort makes smaller files, but takes ten times as long.
    encoder.set_compression(png::Compression::Fast);
    encoder.set_filter(png::Filter::Up);
    let mut writer = encoder.write_header().map_err(ChartError::painting)?;
    let mut stream = writer.stream_writer().map_err(ChartError::painting)?;
    let drawn = outlines(&scene.marks, f64::from(PIXELS));
    let mut band = Band::new(width as usize, BAND as usize);
    for top in (0..height).step_by(BAND as usize) {
        band.restart(top as usize, BAND.min(height - top) as usize);
        for outline in &drawn.outlines {
            band.fill(outline, &drawn.edges[outline.edges.clone()]);
        }
        stream
            .write_all(band.pixels())
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
