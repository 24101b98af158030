//! Rows to CSV text and back.

use super::folder::{self, FolderError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::Path;

/// The rows as CSV with a header. The same rows give the same bytes: numbers are written with the
/// fewest digits that read back to the same number.
pub fn to_csv<R: Serialize>(rows: &[R]) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    rows.iter().try_for_each(|row| writer.serialize(row))?;
    writer
        .into_inner()
        .map_err(|error| error.into_error().into())
}

/// Reads a CSV file of an output folder.
///
/// # Errors
/// When the file is missing or a row is not of its kind; the message names file and line.
pub fn read_rows<R: DeserializeOwned>(dir: &Path, name: &str) -> Result<Vec<R>, FolderError> {
    let text = folder::read(dir, name)?;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader
        .deserialize()
        .collect::<Result<_, _>>()
        .map_err(|error: csv::Error| FolderError::Content {
            path: dir.join(name).display().to_string(),
            problem: error.to_string(),
        })
}
