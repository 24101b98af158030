//! A run's output folder, file by file, and back.

use super::build;
use super::csv_file::{read_rows, to_csv};
use super::folder::{FolderError, MANIFEST, Staged};
use super::html::{self, Page};
use super::live;
use super::manifest::Manifest;
use super::page::page;
use super::records::RunRecords;
use super::run_report::RunReport;
use super::side::read_manifest;
use crate::chart::{self, Chart};
use std::fs;
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::Mutex;
use std::thread;

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

/// Writes all files of a simulated run, on several threads, and puts the folder in its place.
///
/// # Errors
/// When the disk refuses or a file cannot be made; the folder is then as it was before.
pub fn write(
    report: &RunReport,
    staged: Staged,
    command: &[String],
    threads: usize,
) -> Result<WrittenFiles, OutputError> {
    let Some(sim) = &report.sim else {
        return Ok(WrittenFiles { charts: 0 });
    };
    let manifest = report.manifest(sim, command);
    let records = report.records(sim);
    let replications = build::replication_rows(&report.network, sim);
    let files = Files {
        manifest: &manifest,
        records: &records,
        more: vec![("replications.csv", to_csv(&replications)?)],
    };
    let page = |svgs: &[String]| page(report, sim, &manifest, &records.metrics, svgs);
    write_all(&files, page, staged, threads)
}

/// What all files of a run are made of, but the page.
pub(super) struct Files<'a> {
    pub manifest: &'a Manifest,
    pub records: &'a RunRecords,
    /// Further files: name and content.
    pub more: Vec<(&'static str, Vec<u8>)>,
}

/// Writes all files of a run, on several threads, and puts the folder in its place. `page` makes the page from the
/// charts as SVG.
pub(super) fn write_all(
    files: &Files,
    page: impl FnOnce(&[String]) -> Page + Send,
    staged: Staged,
    threads: usize,
) -> Result<WrittenFiles, OutputError> {
    let records = files.records;
    let charts = chart::all(records);
    let svgs = draw(&charts)?;
    let file = |name: &str, bytes: &[u8]| staged.write(name, bytes);
    let mut jobs = pictures(&charts, &svgs, &file);
    jobs.push(Box::new(|| {
        let page = page(&svgs);
        Ok(file("report.html", html::render(&page).as_bytes())?)
    }));
    jobs.push(Box::new(|| {
        file("metrics.csv", &to_csv(&records.metrics)?)?;
        file("timeseries.csv", &to_csv(&records.timeseries)?)?;
        file("latency.csv", &to_csv(&records.distributions)?)?;
        if !records.staff.is_empty() {
            file("staff.csv", &to_csv(&records.staff)?)?;
        }
        let mut more = files.more.iter();
        Ok(more.try_for_each(|(name, bytes)| file(name, bytes))?)
    }));
    all_done(jobs, threads)?;
    let mut json = serde_json::to_vec_pretty(files.manifest)?;
    json.push(b'\n');
    file(MANIFEST, &json)?;
    staged.publish()?;
    Ok(WrittenFiles {
        charts: charts.len(),
    })
}

/// Makes and writes a file or several.
type Job<'a> = Box<dyn FnOnce() -> Result<(), OutputError> + Send + 'a>;

/// Does all jobs on some threads; the first failure, if any, in the order of the jobs.
fn all_done(jobs: Vec<Job>, threads: usize) -> Result<(), OutputError> {
    let count = jobs.len();
    let queue = Mutex::new(jobs.into_iter().enumerate());
    let next = || queue.lock().ok()?.next();
    let work = || {
        let mut results = Vec::new();
        while let Some((index, job)) = next() {
            results.push((index, job()));
        }
        results
    };
    let mut results = thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(count)).map(|_| scope.spawn(work)).collect();
        let mut results = work();
        for other in others {
            // A panic goes on here as it would without threads.
            results.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        results
    });
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().try_for_each(|(_, result)| result)
}

/// The charts as SVG.
fn draw(charts: &[Chart]) -> Result<Vec<String>, OutputError> {
    let svgs = charts.iter().map(chart::render_svg);
    Ok(svgs.collect::<Result<_, _>>()?)
}

/// The jobs that make the files of all charts.
fn pictures<'a>(
    charts: &'a [Chart],
    svgs: &'a [String],
    file: &'a (impl Fn(&str, &[u8]) -> Result<(), FolderError> + Sync),
) -> Vec<Job<'a>> {
    let picture = |(chart, svg): (&'a Chart, &'a String)| -> Job<'a> {
        Box::new(move || {
            file(&format!("charts/{}.svg", chart.name), svg.as_bytes())?;
            let png = chart::render_png(chart)?;
            Ok(file(&format!("charts/{}.png", chart.name), &png)?)
        })
    };
    // The last are the largest: begun first, they do not hold up the end.
    charts.iter().zip(svgs).rev().map(picture).collect()
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
        staff: match dir.join("staff.csv").exists() {
            true => read_rows(dir, "staff.csv")?,
            false => Vec::new(),
        },
        distributions: read_rows(dir, "latency.csv")?,
        live: match &manifest.live {
            Some(facts) => Some(live::read(dir, facts)?),
            None => None,
        },
    })
}

/// Draws the charts of an earlier run into `dir`/charts and says how many there are.
///
/// # Errors
/// When the disk refuses or a chart cannot be drawn.
pub fn redraw(records: &RunRecords, dir: &Path, threads: usize) -> Result<usize, OutputError> {
    let failed = |path: &Path| {
        let path = path.display().to_string();
        move |source| FolderError::Io {
            action: "write",
            path,
            source,
        }
    };
    let folder = dir.join("charts");
    fs::create_dir_all(&folder).map_err(failed(&folder))?;
    let charts = chart::all(records);
    let svgs = draw(&charts)?;
    let file = |name: &str, bytes: &[u8]| {
        let path = dir.join(name);
        let mut aside = path.clone().into_os_string();
        aside.push(".partial");
        fs::write(&aside, bytes).map_err(failed(Path::new(&aside)))?;
        fs::rename(&aside, &path).map_err(failed(&path))
    };
    all_done(pictures(&charts, &svgs, &file), threads)?;
    Ok(charts.len())
}
