//! A run's output folder, file by file, and back.

use super::build;
use super::csv_file::{read_rows, to_csv};
use super::folder::{FolderError, MANIFEST, Staged};
use super::html;
use super::page::page;
use super::records::RunRecords;
use super::run_report::RunReport;
use super::side::read_manifest;
use crate::chart;
use std::fs;
use std::path::Path;

/// Why a run's output could not be made.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The folder could not be written or read.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A row could not be written as CSV.
    #[error("cannot write CSV: {0}")]
    Csv(#[from] csv::Error),
    /// The manifest could not be written as JSON.
    #[error("cannot write JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A chart could not be drawn.
    #[error("cannot draw a chart: {0}")]
    Chart(#[from] chart::ChartError),
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrittenFiles {
    /// How many charts, each as SVG and PNG.
    pub charts: usize,
}

/// Writes all files of a simulated run and puts the folder in its place.
///
/// # Errors
/// When the disk refuses or a file cannot be made; the folder is then as it was before.
pub fn write(
    report: &RunReport,
    staged: Staged,
    command: &[String],
) -> Result<WrittenFiles, OutputError> {
    let Some(sim) = &report.sim else {
        return Ok(WrittenFiles { charts: 0 });
    };
    let manifest = report.manifest(sim, command);
    let records = report.records(sim);
    staged.write("metrics.csv", &to_csv(&records.metrics)?)?;
    staged.write("timeseries.csv", &to_csv(&records.timeseries)?)?;
    staged.write("latency.csv", &to_csv(&records.distributions)?)?;
    let replications = build::replication_rows(&report.network, sim);
    staged.write("replications.csv", &to_csv(&replications)?)?;
    let charts = draw(&records, |name, bytes| staged.write(name, bytes))?;
    let drawn = charts.len();
    let page = page(report, sim, &manifest, records.metrics, charts);
    staged.write("report.html", html::render(&page).as_bytes())?;
    let mut json = serde_json::to_vec_pretty(&manifest)?;
    json.push(b'\n');
    staged.write(MANIFEST, &json)?;
    staged.publish()?;
    Ok(WrittenFiles { charts: drawn })
}

/// Draws all charts, hands each file over, and returns the SVGs.
fn draw(
    records: &RunRecords,
    mut file: impl FnMut(&str, &[u8]) -> Result<(), FolderError>,
) -> Result<Vec<String>, OutputError> {
    let mut drawn = Vec::new();
    for chart in chart::all(records) {
        let svg = chart::render_svg(&chart)?;
        file(&format!("charts/{}.svg", chart.name), svg.as_bytes())?;
        file(
            &format!("charts/{}.png", chart.name),
            &chart::render_png(&chart)?,
        )?;
        drawn.push(svg);
    }
    Ok(drawn)
}

/// The rows of an earlier run.
///
/// # Errors
/// When the folder is not one of ours or a file in it is damaged.
pub fn read_records(dir: &Path) -> Result<RunRecords, FolderError> {
    let manifest = read_manifest(dir)?;
    Ok(RunRecords {
        scenario: manifest.name,
        confidence: manifest.confidence,
        warmup: manifest.warmup,
        limits: manifest.limits,
        metrics: read_rows(dir, "metrics.csv")?,
        timeseries: read_rows(dir, "timeseries.csv")?,
        distributions: read_rows(dir, "latency.csv")?,
    })
}

/// Draws the charts of an earlier run into `dir`/charts and says how many there are.
///
/// # Errors
/// When the disk refuses or a chart cannot be drawn.
pub fn redraw(records: &RunRecords, dir: &Path) -> Result<usize, OutputError> {
    let failed = |path: &Path| {
        let path = path.display().to_string();
        move |source| FolderError::Io {
            action: "write",
            path,
            source,
        }
    };
    let charts = dir.join("charts");
    fs::create_dir_all(&charts).map_err(failed(&charts))?;
    let drawn = draw(records, |name, bytes| {
        let path = dir.join(name);
        let aside = path.with_extension("partial");
        fs::write(&aside, bytes).map_err(failed(&aside))?;
        fs::rename(&aside, &path).map_err(failed(&path))
    })?;
    Ok(drawn.len())
}
