//! Exit codes, and the failures that lead to them.

use super::passwords::without_passwords;
use crate::live::{Ended, LiveError};
use crate::report::{FolderError, OutputError};
use crate::scenario::LoadError;
use crate::sim::SimError;
use std::io;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// All is well.
    Fine,
    /// An asked-for check is undecided.
    Undecided,
    /// An asked-for check failed.
    CheckFailed,
    /// The command line or the scenario is wrong.
    Wrong,
    /// The outside failed: disk, broker.
    Outside,
    /// Interrupted.
    Interrupted,
}

impl From<Exit> for u8 {
    fn from(exit: Exit) -> u8 {
        match exit {
            Exit::Fine => 0,
            Exit::CheckFailed => 1,
            Exit::Wrong => 2,
            Exit::Outside => 3,
            Exit::Undecided => 4,
            Exit::Interrupted => 130,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(u8::from(exit))
    }
}

/// Why a command could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The scenario could not be loaded.
    #[error("{0}")]
    Load(#[from] LoadError),
    /// The output folder could not be written or read.
    #[error("{0}")]
    Folder(#[from] FolderError),
    /// The simulation gave no result.
    #[error("{0}")]
    Sim(#[from] SimError),
    /// There was no live run.
    #[error("{0}")]
    Live(#[from] LiveError),
    /// Somebody did not wait for the end.
    #[error("{0}")]
    AtOnce(&'static str),
    /// Several at once.
    #[error("{}", several(.0))]
    Several(Vec<Failure>),
    /// The arguments do not fit together.
    #[error("{0}")]
    Usage(String),
    /// Reading or writing failed.
    #[error("cannot {0}: {1}")]
    Io(String, io::Error),
    /// The output could not be made.
    #[error("{0}")]
    Output(#[from] OutputError),
    /// Something that cannot happen did. A defect of this program.
    #[error("{0}; please report this as a bug")]
    Defect(String),
}

impl Failure {
    /// The exit code that the failure leads to.
    pub fn exit(&self) -> Exit {
        match self {
            Failure::Several(all) => all.iter().map(Failure::exit).max().unwrap_or(Exit::Wrong),
            Failure::Load(error) if error.exit_code() == 3 => Exit::Outside,
            Failure::Load(_) | Failure::Usage(_) => Exit::Wrong,
            Failure::Folder(error) | Failure::Output(OutputError::Folder(error)) => {
                folder_exit(error)
            }
            Failure::Output(_) | Failure::Io(..) | Failure::Defect(_) => Exit::Outside,
            Failure::Sim(SimError::Stopped) => Exit::Interrupted,
            Failure::Sim(SimError::Unaccounted { .. } | SimError::Unbalanced { .. }) => {
                Exit::Outside
            }
            Failure::Sim(_) => Exit::Wrong,
            Failure::AtOnce(_)
            | Failure::Live(LiveError::Stopped | LiveError::NothingMeasured(Ended::Stopped)) => {
                Exit::Interrupted
            }
            Failure::Live(LiveError::Refused(_) | LiveError::NoClient(_)) => Exit::Wrong,
            Failure::Live(_) => Exit::Outside,
        }
    }

    /// Says what went wrong on stderr. A reader that went away (a closed pipe) is told nothing.
    pub fn report(&self) {
        use std::io::Write;
        if let Failure::Several(all) = self {
            all.iter().for_each(Failure::report);
            return;
        }
        let told = match self {
            Failure::Load(error) => error.render(true),
            Failure::Io(_, error) if error.kind() == io::ErrorKind::BrokenPipe => return,
            other => format!("orderline: {other}"),
        };
        let _ = writeln!(anstream::stderr(), "{}", without_passwords(&told));
    }
}

fn several(failures: &[Failure]) -> String {
    let told: Vec<String> = failures.iter().map(ToString::to_string).collect();
    told.join("\n\n")
}

fn folder_exit(error: &FolderError) -> Exit {
    match error {
        FolderError::Io { .. } => Exit::Outside,
        _ => Exit::Wrong,
    }
}
