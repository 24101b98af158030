//! One column of a CSV file with a header, as named by `file` and `column`.

use super::diagnostic::Diagnostic;
use super::fields::Context;
use super::text::instead;
use super::tree::Node;
use super::values;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// Reads the column `column` of `file` (relative to the scenario) and hands every field with its
/// line number to `take`. What is wrong is reported at `file` or `column`, with the CSV's line.
pub(super) fn read(
    file: &Node,
    column: &Node,
    cx: &mut Context,
    take: impl FnMut(&str, u64) -> Result<(), String>,
) -> Option<()> {
    let (name, wanted) = (
        values::text("file", file, cx),
        values::text("column", column, cx),
    );
    let (name, wanted) = (name?, wanted?);
    let path = cx.base.join(name);
    let mut reader = open(&path, file, name, cx)?;
    let index = match find(&mut reader, wanted) {
        Ok(index) => index,
        Err(help) => {
            let message = format!("`{name}` has no column `{wanted}`");
            cx.report(Diagnostic::error(column.span, message).help(help));
            return None;
        }
    };
    let stop = rows(&mut reader, index, take).err()?;
    finish(stop, path, file, name, cx)
}

/// A number of at least 0.
pub(super) fn not_negative(field: &str) -> Result<f64, String> {
    let number: f64 = field
        .trim()
        .parse()
        .map_err(|_| format!("`{field}` is not a number of seconds"))?;
    if number.is_finite() && number >= 0.0 {
        Ok(number)
    } else {
        Err(format!("{field} is not a finite number of at least 0"))
    }
}

/// Why reading came to its end.
enum Stop {
    Done,
    Wrong(u64, String),
    Disk(io::Error),
}

fn open(path: &Path, file: &Node, name: &str, cx: &mut Context) -> Option<csv::Reader<File>> {
    let problem = match path.metadata() {
        Ok(about) if about.is_dir() => format!("`{name}` is a directory, not a CSV file"),
        Ok(_) => match File::open(path) {
            Ok(opened) => return Some(csv::Reader::from_reader(opened)),
            Err(error) => {
                cx.failed = Some((path.to_owned(), error));
                return None;
            }
        },
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            cx.failed = Some((path.to_owned(), error));
            return None;
        }
        Err(_) => format!("there is no file `{name}`"),
    };
    let help = format!(
        "the path is relative to the scenario's folder: {}",
        path.display()
    );
    cx.report(Diagnostic::error(file.span, problem).help(help));
    None
}

fn find(reader: &mut csv::Reader<File>, wanted: &str) -> Result<usize, String> {
    let header = reader
        .headers()
        .map_err(|error| format!("its header cannot be read: {error}"))?;
    let names: Vec<&str> = header.iter().collect();
    names
        .iter()
        .position(|name| *name == wanted)
        .ok_or_else(|| instead(wanted, &names))
}

/// Hands over every row; always ends with the reason for having stopped.
fn rows(
    reader: &mut csv::Reader<File>,
    index: usize,
    mut take: impl FnMut(&str, u64) -> Result<(), String>,
) -> Result<(), Stop> {
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(stopped)? {
        let line = record.position().map_or(0, csv::Position::line);
        let field = record.get(index).unwrap_or("");
        take(field, line).map_err(|problem| Stop::Wrong(line, problem))?;
    }
    Err(Stop::Done)
}

fn stopped(error: csv::Error) -> Stop {
    let line = error.position().map_or(0, csv::Position::line);
    let words = match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!("it has {len} fields, the first line has {expected_len}"),
        csv::ErrorKind::Utf8 { .. } => "it is not UTF-8 text".to_owned(),
        _ => error.to_string(),
    };
    match error.into_kind() {
        csv::ErrorKind::Io(error) => Stop::Disk(error),
        _ => Stop::Wrong(line, words),
    }
}

fn finish(stop: Stop, path: PathBuf, file: &Node, name: &str, cx: &mut Context) -> Option<()> {
    match stop {
        Stop::Done => return Some(()),
        Stop::Disk(error) => cx.failed = Some((path, error)),
        Stop::Wrong(line, problem) => cx.report(
            Diagnostic::error(file.span, format!("`{name}`, line {line}: {problem}"))
                .help(format!("correct line {line} of {}", path.display())),
        ),
    }
    None
}
