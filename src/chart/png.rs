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
const BAND: usize = 32;

/// The scene as a PNG file.
pub(super) fn paint(scene: &Scene) -> Result<Vec<u8>, ChartError> {
    let (width, height) = (pixels(scene.width), pixels(scene.height));
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
    let (width, height) = (width as usize, height as usize);
    let mut band = Band::new(width, BAND);
    for top in (0..height).step_by(BAND) {
        band.restart(top, BAND.min(height - top));
        for outline in &drawn.outlines {
            band.fill(outline, &drawn.edges[outline.edges.clone()]);
        }
        for row in band.pixels() {
            stream.write_all(row).map_err(ChartError::painting)?;
        }
    }
    stream.finish().map_err(ChartError::painting)?;
    writer.finish().map_err(ChartError::painting)?;
    Ok(file)
}

fn pixels(length: f64) -> u32 {
    (length * f64::from(PIXELS)).round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::raster::PIXEL;
    use crate::chart::scene::Rect;
    use crate::chart::style::AXIS;

    #[test]
    fn another_reader_sees_what_was_painted() {
        let mut scene = Scene {
            width: 301.0,
            height: 90.0,
            ..Scene::default()
        };
        let square = Rect {
            left: 10.0,
            top: 20.0,
            right: 200.0,
            bottom: 70.0,
        };
        scene.area(square.corners(), AXIS);
        let file = paint(&scene).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(file))
            .read_info()
            .unwrap();
        let mut seen = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut seen).unwrap();
        assert_eq!((frame.width, frame.height), (602, 180));
        assert_eq!(frame.color_type, png::ColorType::Rgb);
        let (r, g, b) = AXIS.rgb;
        for (index, pixel) in seen.chunks(PIXEL).enumerate() {
            let inside = (20..400).contains(&(index % 602)) && (40..140).contains(&(index / 602));
            assert_eq!(pixel, if inside { [r, g, b] } else { [255; 3] }, "{index}");
        }
    }
}
