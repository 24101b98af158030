//! Painting a scene as PNG, twice the size of the SVG for sharp screens.
//!
//! The picture is painted and compressed band by band: a band stays in the processor's cache. Most
//! rows are like the row above, so all are written as the difference to it, and the compressor is one
//! that is made for long runs of zeros: more effort makes files a third of the size, but takes ten
//! times as long. The format: W3C, Portable Network Graphics Specification, Third Edition.

use crate::chart::outline::outlines;
use crate::chart::raster::{Band, PIXEL};
use crate::chart::render::ChartError;
use crate::chart::scene::Scene;
use fdeflate::Compressor;

/// Pixels of the PNG to a unit of the scene.
pub const PIXELS: u32 = 2;
/// Rows painted at a time.
const BAND: usize = 32;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Eight bits each of red, green and blue; the only compression and the only set of filters there
/// are; rows in their order.
const FORMAT: [u8; 5] = [8, 2, 0, 0, 0];
/// The filter of a row that is the difference to the row above.
const UP: u8 = 2;

/// The scene as a PNG file.
pub(super) fn paint(scene: &Scene) -> Result<Vec<u8>, ChartError> {
    let (width, height) = (pixels(scene.width), pixels(scene.height));
    let mut file = SIGNATURE.to_vec();
    let header = begin_chunk(&mut file, b"IHDR");
    file.extend([width.to_be_bytes(), height.to_be_bytes()].as_flattened());
    file.extend(FORMAT);
    end_chunk(&mut file, header);
    let data = begin_chunk(&mut file, b"IDAT");
    let mut file =
        with_rows(file, scene, width as usize, height as usize).map_err(ChartError::painting)?;
    end_chunk(&mut file, data);
    let end = begin_chunk(&mut file, b"IEND");
    end_chunk(&mut file, end);
    Ok(file)
}

fn pixels(length: f64) -> u32 {
    (length * f64::from(PIXELS)).round() as u32
}

/// Adds the compressed rows.
fn with_rows(
    file: Vec<u8>,
    scene: &Scene,
    width: usize,
    height: usize,
) -> std::io::Result<Vec<u8>> {
    let drawn = outlines(&scene.marks, f64::from(PIXELS));
    let mut band = Band::new(width, BAND);
    let mut above = vec![0; width * PIXEL];
    let mut filtered = vec![UP; 1 + width * PIXEL];
    let mut compressor = Compressor::new(file)?;
    for top in (0..height).step_by(BAND) {
        band.restart(top, BAND.min(height - top));
        for outline in &drawn.outlines {
            band.fill(outline, &drawn.edges[outline.edges.clone()]);
        }
        for row in band.pixels() {
            for ((difference, here), above) in filtered[1..].iter_mut().zip(row).zip(&above) {
                *difference = here.wrapping_sub(*above);
            }
            compressor.write_data(&filtered)?;
            above.copy_from_slice(row);
        }
    }
    compressor.finish()
}

/// A chunk is the length of its data, its name, its data, and the checksum of name and data.
fn begin_chunk(file: &mut Vec<u8>, name: &[u8; 4]) -> usize {
    let start = file.len();
    file.extend([0; 4]);
    file.extend(name);
    start
}

fn end_chunk(file: &mut Vec<u8>, start: usize) {
    let named = &file[start + 4..];
    let length = u32::try_from(named.len() - 4).expect("a chart is smaller than 4 GB");
    let checksum = crc32fast::hash(named);
    file[start..start + 4].copy_from_slice(&length.to_be_bytes());
    file.extend(checksum.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
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
