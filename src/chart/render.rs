//! From a chart to a file's bytes: laid out once, painted as SVG or PNG.

use crate::chart::value::Chart;
use crate::chart::{layout, png, svg};
use std::fmt::Display;

/// Why a chart could not be drawn.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChartError {
    /// The painter failed; drawing the same chart again fails again.
    #[error("the chart cannot be drawn: {0}")]
    Painting(String),
}

impl ChartError {
    pub(super) fn painting(cause: impl Display) -> ChartError {
        ChartError::Painting(cause.to_string())
    }
}

/// The chart as an SVG document of text, lines and areas.
///
/// # Errors
///
/// [`ChartError::Painting`] when the painter fails.
pub fn render_svg(chart: &Chart) -> Result<String, ChartError> {
    svg::paint(&layout::scene(chart))
}

/// The chart as a PNG file, twice the size of the SVG.
///
/// # Errors
///
/// [`ChartError::Painting`] when the painter or the encoder fails.
pub fn render_png(chart: &Chart) -> Result<Vec<u8>, ChartError> {
    png::paint(&layout::scene(chart))
}
