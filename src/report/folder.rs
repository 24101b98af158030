//! The output folder: written aside and renamed, so that no reader meets half of it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The file by which a folder is known to be one of ours.
pub const MANIFEST: &str = "manifest.json";

/// All that a run writes: what a later run into the same folder replaces, or takes away.
const WRITTEN: [&str; 14] = [
    MANIFEST,
    "metrics.csv",
    "replications.csv",
    "timeseries.csv",
    "staff.csv",
    "latency.csv",
    "orders.csv",
    "live.csv",
    "live_latency.csv",
    "differences.csv",
    "delays.csv",
    "depths.csv",
    "report.html",
    "charts",
];

/// Why the output folder could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The operating system refused.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was being done.
        action: &'static str,
        /// To what.
        path: String,
        /// Why not.
        source: io::Error,
    },
    /// Something else is in the way.
    #[error(
        "{0} exists and is not an output folder of orderline (it holds no {MANIFEST}); \
         choose another with --out, or move it away"
    )]
    InTheWay(String),
    /// The path ends in `.` or `..`, so there is no name to put a new folder under.
    #[error("{0} cannot be replaced as a whole: give the output folder a name, as in --out run1")]
    NoName(String),
    /// The folder is not one of ours.
    #[error("{0} is not an output folder of orderline: it holds no {MANIFEST}")]
    NotAFolder(String),
    /// A file in the folder does not hold what it should.
    #[error("{path}: {problem}")]
    Content {
        /// The file.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl FolderError {
    fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FolderError {
        let path = path.display().to_string();
        move |source| FolderError::Io {
            action,
            path,
            source,
        }
    }
}

/// A folder being written beside its final place. Dropped without [`Staged::publish`] it leaves
/// nothing behind.
#[derive(Debug)]
pub struct Staged {
    aside: PathBuf,
    target: PathBuf,
    /// The folders above that were not there, the innermost first.
    above: Vec<PathBuf>,
    published: bool,
}

impl Staged {
    /// Makes an empty folder beside `target`.
    ///
    /// # Errors
    /// When `target` exists and is neither empty nor an earlier output, or the disk refuses.
    pub fn create(target: &Path) -> Result<Staged, FolderError> {
        check_target(target)?;
        let aside = beside(target, "new");
        let parents = target
            .ancestors()
            .skip(1)
            .filter(|dir| *dir != Path::new(""));
        let above = parents.take_while(|dir| !dir.exists());
        let above = above.map(Path::to_owned).collect();
        fs::create_dir_all(&aside).map_err(FolderError::io("create", &aside))?;
        Ok(Staged {
            aside,
            target: target.to_owned(),
            above,
            published: false,
        })
    }

    /// Writes a file, with the folders above it.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), FolderError> {
        let path = self.path(name)?;
        fs::write(&path, bytes).map_err(FolderError::io("write", &path))
    }

    /// Where a file of this name is to be written; the folders above it exist.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn path(&self, name: &str) -> Result<PathBuf, FolderError> {
        let path = self.aside.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(FolderError::io("create", parent))?;
        }
        Ok(path)
    }

    /// Puts the folder in its place, in which an earlier one is replaced.
    ///
    /// # Errors
    /// When the disk refuses; an earlier folder is then where it was.
    pub fn publish(mut self) -> Result<(), FolderError> {
        let old = beside(&self.target, "old");
        let replaces = self.target.exists();
        if replaces {
            fs::rename(&self.target, &old).map_err(FolderError::io("move", &self.target))?;
        }
        if let Err(error) = fs::rename(&self.aside, &self.target) {
            if replaces {
                // Best effort: the first error is the one to report.
                let _ = fs::rename(&old, &self.target);
            }
            return Err(FolderError::io("move", &self.aside)(error));
        }
        self.published = true;
        if replaces {
            keep_what_is_not_ours(&old, &self.target)?;
            fs::remove_dir_all(&old).map_err(FolderError::io("remove", &old))?;
        }
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.published {
            // Nothing can be done about a failure here, and the reason for it has been reported.
            let _ = fs::remove_dir_all(&self.aside);
            // Up to the first one that somebody else has put something into.
            let _ = self.above.iter().try_for_each(fs::remove_dir);
        }
    }
}

fn check_target(target: &Path) -> Result<(), FolderError> {
    let named = target.components().next_back();
    if !matches!(named, Some(std::path::Component::Normal(_))) {
        return Err(FolderError::NoName(target.display().to_string()));
    }
    let in_the_way = || Err(FolderError::InTheWay(target.display().to_string()));
    match fs::read_dir(target) {
        Ok(mut entries) => {
            let ours = target.join(MANIFEST).is_file() || entries.next().is_none();
            if ours { Ok(()) } else { in_the_way() }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(_) if target.is_file() => in_the_way(),
        Err(error) => Err(FolderError::io("read", target)(error)),
    }
}

/// Moves all that no run has written from an earlier folder into the new one.
fn keep_what_is_not_ours(old: &Path, new: &Path) -> Result<(), FolderError> {
    for entry in fs::read_dir(old).map_err(FolderError::io("read", old))? {
        let entry = entry.map_err(FolderError::io("read", old))?;
        let name = entry.file_name();
        if !WRITTEN.iter().any(|ours| name == *ours) {
            let path = entry.path();
            fs::rename(&path, new.join(name)).map_err(FolderError::io("move", &path))?;
        }
    }
    Ok(())
}

/// A hidden sibling; the process number keeps two runs apart.
fn beside(target: &Path, what: &str) -> PathBuf {
    let name = target
        .file_name()
        .unwrap_or(target.as_os_str())
        .to_string_lossy();
    target.with_file_name(format!(".{name}.{what}-{}", std::process::id()))
}

/// Reads a file of an output folder.
///
/// # Errors
/// When the folder is not one of ours or the file cannot be read.
pub fn read(folder: &Path, name: &str) -> Result<String, FolderError> {
    if !folder.join(MANIFEST).is_file() {
        return Err(FolderError::NotAFolder(folder.display().to_string()));
    }
    let path = folder.join(name);
    fs::read_to_string(&path).map_err(FolderError::io("read", &path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_appears_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("deep/run");
        let staged = Staged::create(&target).unwrap();
        staged.write("charts/a.svg", b"<svg/>").unwrap();
        assert!(!target.exists());
        drop(staged);
        assert!(!dir.path().join("deep").exists());
        let staged = Staged::create(&dir.path().join("deep/deeper/run")).unwrap();
        fs::write(dir.path().join("deep/notes.txt"), "mine").unwrap();
        drop(staged);
        assert_eq!(fs::read_dir(dir.path().join("deep")).unwrap().count(), 1);
        fs::remove_file(dir.path().join("deep/notes.txt")).unwrap();
        for content in ["1", "2"] {
            let staged = Staged::create(&target).unwrap();
            staged.write(MANIFEST, content.as_bytes()).unwrap();
            staged.publish().unwrap();
            assert_eq!(read(&target, MANIFEST).unwrap(), content);
            // What somebody else puts there stays; what an earlier run wrote does not.
            fs::write(target.join("notes.txt"), "mine").unwrap();
            fs::write(target.join("orders.csv"), "of the first run").unwrap();
        }
        Staged::create(&target)
            .and_then(|s| s.write(MANIFEST, b"3").and_then(|()| s.publish()))
            .unwrap();
        assert_eq!(
            fs::read_to_string(target.join("notes.txt")).unwrap(),
            "mine"
        );
        assert!(!target.join("orders.csv").exists());
        assert_eq!(fs::read_dir(dir.path().join("deep")).unwrap().count(), 1);
    }

    #[test]
    fn what_is_not_ours_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("thesis.txt"), "years of work").unwrap();
        assert!(matches!(
            Staged::create(dir.path()),
            Err(FolderError::InTheWay(_))
        ));
        assert!(matches!(
            read(dir.path(), "metrics.csv"),
            Err(FolderError::NotAFolder(_))
        ));
        assert!(dir.path().join("thesis.txt").exists());
    }
}
