//! The files of a live run.

use super::records::LiveRecords;
use super::{LiveReport, build};
use crate::report::csv_file::{read_rows, to_csv};
use crate::report::folder::{FolderError, Staged};
use crate::report::manifest::{LiveFacts, Manifest};
use crate::report::output::{Files, OutputError, WrittenFiles, write_all};
use crate::report::page::live_page;
use std::path::Path;

/// What a live run writes beside what a simulated one does.
const FIGURES: &str = "live.csv";
const DISTRIBUTIONS: &str = "live_latency.csv";
const DIFFERENCES: &str = "differences.csv";
const DELAYS: &str = "delays.csv";
const DEPTHS: &str = "depths.csv";

/// Writes all files of a live run, on several threads, and puts the folder in its place. Passwords in
/// the command line are left out.
///
/// # Errors
/// When the disk refuses or a file cannot be made; the folder is then as it was before.
pub fn write_live(
    report: &LiveReport,
    staged: Staged,
    command: &[String],
    threads: usize,
) -> Result<WrittenFiles, OutputError> {
    let Some(sim) = report.live() else {
        return Ok(WrittenFiles { charts: 0 });
    };
    let manifest = manifest(report, sim, command);
    let live = build::records(report);
    let more = files(&live)?;
    let mut records = report.report.records(sim);
    records.live = Some(live);
    let files = Files {
        manifest: &manifest,
        records: &records,
        more,
    };
    let page = |svgs: &[String]| live_page(report, sim, &manifest, &records, svgs);
    write_all(&files, page, staged, threads)
}

fn manifest(report: &LiveReport, sim: &crate::sim::SimResult, command: &[String]) -> Manifest {
    let command: Vec<String> = command.iter().map(|word| without_password(word)).collect();
    Manifest {
        live: Some(report.facts()),
        ..report.report.manifest(sim, &command)
    }
}

/// A word of a command line without the password of an address in it.
fn without_password(word: &str) -> String {
    let hidden = || {
        let (scheme, rest) = word.split_once("://")?;
        let (login, place) = rest.rsplit_once('@')?;
        let (user, _) = login.split_once(':')?;
        Some(format!("{scheme}://{user}:***@{place}"))
    };
    hidden().unwrap_or_else(|| word.to_owned())
}

fn files(live: &LiveRecords) -> Result<Vec<(&'static str, Vec<u8>)>, OutputError> {
    Ok(vec![
        (FIGURES, to_csv(&live.figures)?),
        (DISTRIBUTIONS, to_csv(&live.distributions)?),
        (DIFFERENCES, to_csv(&live.differences)?),
        (DELAYS, to_csv(&live.delays)?),
        (DEPTHS, to_csv(&live.depths)?),
    ])
}

/// The rows of an earlier live run.
pub(in crate::report) fn read(dir: &Path, facts: &LiveFacts) -> Result<LiveRecords, FolderError> {
    Ok(LiveRecords {
        system: facts.name(),
        figures: read_rows(dir, FIGURES)?,
        distributions: read_rows(dir, DISTRIBUTIONS)?,
        differences: read_rows(dir, DIFFERENCES)?,
        delays: read_rows(dir, DELAYS)?,
        depths: read_rows(dir, DEPTHS)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_written() {
        let cases = [
            ("amqp://me:p%40ss@host:5672/", "amqp://me:***@host:5672/"),
            (
                "--broker=amqp://me:a:b@c@host",
                "--broker=amqp://me:***@host",
            ),
            ("amqp://me@host", "amqp://me@host"),
            ("shop.toml", "shop.toml"),
        ];
        for (word, written) in cases {
            assert_eq!(without_password(word), written);
        }
    }
}
