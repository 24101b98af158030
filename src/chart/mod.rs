//! Charts: each first a value, then drawn as SVG or PNG by one renderer in one style.
//!
//! | file | what it does |
//! | --- | --- |
//! | [`value`] | a chart as data, in base units |
//! | [`latency`], [`queue_length`], [`consumers`], [`utilization`], [`where_time_goes`], [`littles_law`], [`measured_vs_theory`], [`live`] | one chart each, from the records of a run |
//! | [`layout`], [`panel`], [`plot`], [`frame`], [`legend`], [`labels`], [`glyph`], [`ticks`] | from the value to a [`scene`] |
//! | [`render`] | from the scene to bytes: SVG, or PNG by way of outlines that are filled pixel by pixel |
//! | [`style`], [`font`], [`human`] | colours and sizes, the embedded font, numbers as text |
//!
//! The same chart gives the same bytes on every machine.

pub mod consumers;
pub mod font;
pub mod frame;
pub mod glyph;
pub mod human;
pub mod labels;
pub mod latency;
pub mod layout;
pub mod legend;
pub mod littles_law;
pub mod live;
pub mod measured_vs_theory;
mod outline;
pub mod panel;
pub mod plot;
mod png;
pub mod queue_length;
mod raster;
pub mod render;
pub mod rows;
pub mod scene;
pub mod style;
mod svg;
pub mod ticks;
pub mod utilization;
pub mod value;
pub mod where_time_goes;

#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;

use crate::report::records::RunRecords;
pub use render::{ChartError, render_png, render_svg};
pub use value::Chart;

/// Every chart that the records of a run have data for, in the order of a report.
pub fn all(records: &RunRecords) -> Vec<Chart> {
    let makers = [
        latency::latency,
        live::later_than_twin,
        where_time_goes::where_time_goes,
        utilization::utilization,
        queue_length::queue_length,
        live::queue_depth,
        consumers::consumers,
        latency::latency_stages,
        measured_vs_theory::measured_vs_theory,
        littles_law::littles_law,
    ];
    makers.iter().filter_map(|make| make(records)).collect()
}
