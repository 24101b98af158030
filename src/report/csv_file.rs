//! Rows to CSV text and back.

use super::folder::{self, FolderError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::Path;

/// The rows as CSV with a header, which is there even when no row is. The same rows give the same
/// bytes: numbers are written with the fewest digits that read back to the same number.
pub fn to_csv<R: Serialize + Default>(rows: &[R]) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    if rows.is_empty() {
        // The header is made from a row's field names, so it takes a row to make one.
        writer.serialize(R::default())?;
    }
    rows.iter().try_for_each(|row| writer.serialize(row))?;
    let mut bytes = writer
        .into_inner()
        .map_err(|error| csv::Error::from(error.into_error()))?;
    if rows.is_empty() {
        let header = bytes
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(0, |end| end + 1);
        bytes.truncate(header);
    }
    Ok(bytes)
}

/// Reads a CSV file of an output folder.
///
/// # Errors
/// When the file is missing or a row is not of its kind; the message names file and line.
pub fn read_rows<R: DeserializeOwned + Serialize + Default>(
    dir: &Path,
    name: &str,
) -> Result<Vec<R>, FolderError> {
    let text = folder::read(dir, name)?;
    let header = to_csv::<R>(&[]).unwrap_or_default();
    if text.lines().next() != std::str::from_utf8(&header).ok().map(str::trim_end) {
        return Err(FolderError::Content {
            path: dir.join(name).display().to_string(),
            problem: "its first line is not the header that orderline writes".to_owned(),
        });
    }
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader
        .deserialize()
        .collect::<Result<_, _>>()
        .map_err(|error: csv::Error| FolderError::Content {
            path: dir.join(name).display().to_string(),
            problem: error.to_string(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::records::ReplicationRow;

    #[test]
    fn no_rows_are_a_header() {
        let header = to_csv::<ReplicationRow>(&[]).unwrap();
        assert_eq!(header, b"at,metric,replication,value\n");
    }
}
