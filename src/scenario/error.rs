//! Why a scenario could not be loaded, and with which exit code a command ends then.

use super::diagnostic::ScenarioErrors;
use std::io;
use std::path::{Path, PathBuf};

/// The largest scenario file that is read, in bytes.
pub const LARGEST_FILE: u64 = 4 << 20;

/// Why a scenario could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The text is wrong; every error with its place and cure.
    #[error("{0}")]
    Wrong(#[from] ScenarioErrors),
    /// There is no text to read at this path.
    #[error("{}: {problem}", path.display())]
    NoScenario {
        /// The path as given.
        path: PathBuf,
        /// What is there instead, and the cure.
        problem: String,
    },
    /// The disk, or the right to read it, failed.
    #[error("{}: cannot be read: {source}", path.display())]
    Io {
        /// The scenario file, or a data file it names.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl LoadError {
    /// The exit code of the contract: 2 where the command line or the file is wrong, 3 where the
    /// outside failed.
    pub fn exit_code(&self) -> u8 {
        match self {
            LoadError::Wrong(_) | LoadError::NoScenario { .. } => 2,
            LoadError::Io { .. } => 3,
        }
    }

    /// The message for a terminal; `coloured` adds colours to the carets.
    pub fn render(&self, coloured: bool) -> String {
        match self {
            LoadError::Wrong(errors) => errors.render(coloured),
            other => format!("error: {other}"),
        }
    }
}

/// Reads a scenario file whole, if it is one that can be.
///
/// # Errors
///
/// [`LoadError::NoScenario`] for a path that does not exist, is no file, is larger than
/// [`LARGEST_FILE`] or is not UTF-8; [`LoadError::Io`] where reading fails otherwise.
pub(super) fn read_scenario(path: &Path) -> Result<String, LoadError> {
    let problem = |problem: String| LoadError::NoScenario {
        path: path.to_owned(),
        problem,
    };
    let about = std::fs::metadata(path).map_err(|error| io_error(path, error))?;
    if about.is_dir() {
        return Err(problem(
            "is a directory; name a scenario file, such as scenarios/mm1.toml".to_owned(),
        ));
    }
    if about.len() > LARGEST_FILE {
        return Err(problem(format!(
            "has {} bytes, more than a scenario can have ({LARGEST_FILE}); put long data into a \
             CSV file and name it by `file`",
            about.len()
        )));
    }
    let bytes = std::fs::read(path).map_err(|error| io_error(path, error))?;
    String::from_utf8(bytes).map_err(|error| problem(not_utf8(&error)))
}

fn io_error(path: &Path, source: io::Error) -> LoadError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => LoadError::NoScenario {
            path,
            problem: "there is no such file; `orderline new NAME` writes one to start from"
                .to_owned(),
        },
        _ => LoadError::Io { path, source },
    }
}

fn not_utf8(error: &std::string::FromUtf8Error) -> String {
    let good = error.utf8_error().valid_up_to();
    let line = error.as_bytes()[..good]
        .iter()
        .filter(|&&byte| byte == b'\n')
        .count()
        + 1;
    format!("is not UTF-8 text: line {line} has a byte that is none; save the file as UTF-8")
}
