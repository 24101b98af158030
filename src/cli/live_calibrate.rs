//! The file of `live --calibrate`: whether it can be written is said before the run, and it appears whole or
//! not at all.

use super::args::ShowFlags;
use super::exit::Failure;
use super::run::print;
use crate::live::{CalibrateError, Ended, feature, has_measured_costs, measured_costs, with_costs};
use crate::report::{LiveReport, format};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Fails before the run if the file of `--calibrate` could not be written after it.
pub(super) fn can_be_written(path: &Path, scenario: &Path, out: &Path) -> Result<(), Failure> {
    let wrong = |what: &str| Failure::Usage(format!("--calibrate: {} {what}", path.display()));
    if path.is_dir() {
        return Err(wrong("is a folder; name a file"));
    }
    if place_of(path) == place_of(scenario) {
        return Err(wrong("is the scenario itself; name another file"));
    }
    if place_of(out).starts_with(place_of(path)) {
        return Err(wrong("is to be the output folder; name another file"));
    }
    if path.exists() && !path.is_file() {
        return Err(wrong("is no ordinary file; name another"));
    }
    if path.exists() && !is_calibrated(path)? {
        return Err(wrong(
            "is there already, and nothing that --calibrate wrote; name another file",
        ));
    }
    // The folder of the run is not there yet.
    if path.starts_with(out) && !out.exists() {
        return Ok(());
    }
    if !folder_of(path).is_dir() {
        return Err(wrong("is in a folder that does not exist; make it first"));
    }
    aside(path).map(drop)
}

/// Whether a file is a copy with measured costs, which may be replaced by another.
fn is_calibrated(path: &Path) -> Result<bool, Failure> {
    let bytes = std::fs::read(path)
        .map_err(|error| Failure::Io(format!("read {}", path.display()), error))?;
    Ok(has_measured_costs(&String::from_utf8_lossy(&bytes)))
}

/// Where a file or folder is or would be, however it is written.
fn place_of(path: &Path) -> PathBuf {
    let real = path.canonicalize().or_else(|_| std::path::absolute(path));
    real.unwrap_or_else(|_| path.to_owned())
}

/// The folder that a file lies in.
fn folder_of(path: &Path) -> &Path {
    let named = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    named.unwrap_or(Path::new("."))
}

/// A file beside another, so that nobody ever meets half of that.
fn aside(path: &Path) -> Result<NamedTempFile, Failure> {
    let mut builder = tempfile::Builder::new();
    // As readable as any other file that is written.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let file = builder.tempfile_in(folder_of(path));
    file.map_err(|error| Failure::Io(format!("write {}", path.display()), error))
}

/// Writes the scenario with the measured costs.
pub(super) fn calibrate(report: &LiveReport, path: &Path, show: &ShowFlags) -> Result<(), Failure> {
    let network = &report.report.network;
    let wrong = |error: CalibrateError| Failure::Usage(format!("--calibrate: {error}"));
    let costs = measured_costs(network, &report.run).map_err(wrong)?;
    let source = measured_where(report);
    let text = &report.report.scenario.text;
    let text = with_costs(text, network, &costs, &source).map_err(wrong)?;
    let failed = |error| Failure::Io(format!("write {}", path.display()), error);
    let mut copy = aside(path)?;
    std::io::Write::write_all(&mut copy, text.as_bytes()).map_err(failed)?;
    copy.persist(path).map_err(|error| failed(error.error))?;
    if !show.quiet && !show.json {
        print(&format!(
            "wrote {}: the scenario with the costs of {} as measured\n",
            path.display(),
            report.run.version
        ))?;
    }
    Ok(())
}

/// What measured costs are of, in a line.
fn measured_where(report: &LiveReport) -> String {
    let run = &report.run;
    let (time, seed) = (format::duration(run.end), report.report.network.seed);
    let system = feature(run.system);
    let cut = match run.ended {
        Ended::Whole => "",
        Ended::Stopped | Ended::BrokerLost(_) => ", cut short",
    };
    let scale = match run.scale {
        1.0 => String::new(),
        scale => format!(" at a time scale of {scale}"),
    };
    format!(
        "{}, {time}{cut}{scale}, seed {seed} (to go there again: --broker {system})",
        run.version
    )
}
