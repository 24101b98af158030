//! One side of a contrast: the figures of a finished run, fresh or from its folder.

use super::build;
use super::csv_file::read_rows;
use super::folder::{self, FolderError, MANIFEST};
use super::manifest::Manifest;
use super::records::{MetricRow, ReplicationRow};
use super::run_report::RunReport;
use crate::stats::Estimate;
use std::collections::BTreeMap;
use std::path::Path;

/// The figures of a finished run.
#[derive(Debug, Clone)]
pub struct Side {
    /// What it is called in tables.
    pub label: String,
    /// Its master seed.
    pub seed: u64,
    /// Level of its intervals.
    pub confidence: f64,
    /// Whether it was stopped before its end.
    pub partial: bool,
    /// Measured figures by (place, metric), in the order of the file.
    pub figures: Vec<((String, String), SideFigure)>,
}

/// A measured figure of a side.
#[derive(Debug, Clone)]
pub struct SideFigure {
    /// Unit symbol.
    pub unit: String,
    /// The estimate, with every replication's own figure.
    pub estimate: Estimate,
}

impl Side {
    /// A run that has just finished.
    pub fn of(report: &RunReport, label: &str) -> Side {
        let metrics = build::metric_rows(&report.network, &report.theory, &report.comparison);
        let sim = report.sim.as_ref();
        let replications = sim
            .map(|sim| build::replication_rows(&report.network, sim))
            .unwrap_or_default();
        Side {
            label: label.to_owned(),
            seed: report.network.seed,
            confidence: report.comparison.confidence,
            partial: sim.is_some_and(|sim| sim.partial),
            figures: figures(metrics, replications),
        }
    }

    /// The figure at a place.
    pub fn figure(&self, key: &(String, String)) -> Option<&SideFigure> {
        self.figures
            .iter()
            .find(|(k, _)| k == key)
            .map(|(_, figure)| figure)
    }
}

/// A run that finished earlier, from its folder.
///
/// # Errors
/// When the folder is not one of ours or of a live run, or a file in it is damaged.
pub fn read_side(dir: &Path) -> Result<Side, FolderError> {
    let manifest = read_manifest(dir)?;
    if manifest.live.is_some() {
        return Err(FolderError::Content {
            path: dir.display().to_string(),
            problem: "it is of a live run, which is one run, and figures are compared by the replications of \
                      `run`; compare its scenario instead, best with the costs that `live --calibrate` writes"
                .to_owned(),
        });
    }
    Ok(Side {
        label: dir
            .file_name()
            .map_or(manifest.name, |name| name.to_string_lossy().into_owned()),
        seed: manifest.seed,
        confidence: manifest.confidence,
        partial: manifest.partial,
        figures: figures(
            read_rows(dir, "metrics.csv")?,
            read_rows(dir, "replications.csv")?,
        ),
    })
}

/// The manifest of an output folder.
///
/// # Errors
/// When there is none or it is damaged.
pub fn read_manifest(dir: &Path) -> Result<Manifest, FolderError> {
    let text = folder::read(dir, MANIFEST)?;
    serde_json::from_str(&text).map_err(|error| FolderError::Content {
        path: dir.join(MANIFEST).display().to_string(),
        problem: error.to_string(),
    })
}

fn figures(
    metrics: Vec<MetricRow>,
    replications: Vec<ReplicationRow>,
) -> Vec<((String, String), SideFigure)> {
    let mut values: BTreeMap<(String, String), Vec<f64>> = BTreeMap::new();
    for row in replications {
        values
            .entry((row.at, row.metric))
            .or_default()
            .push(row.value);
    }
    let figure = |row: MetricRow| {
        let point = row.mean?;
        let key = (row.at, row.metric);
        let values = values.remove(&key).unwrap_or_default();
        let estimate = Estimate::about(point, values);
        Some((
            key,
            SideFigure {
                unit: row.unit,
                estimate,
            },
        ))
    };
    metrics.into_iter().filter_map(figure).collect()
}
