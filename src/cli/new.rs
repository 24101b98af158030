//! `orderline new`: a commented scenario to start from.

use super::exit::{Exit, Failure};
use crate::scenario;
use clap::Args;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

/// Write a commented scenario to start from
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  orderline new shop && orderline run shop.toml")]
pub(super) struct NewArgs {
    /// Name of the scenario; the file is NAME.toml in this folder
    name: String,
}

pub(super) fn run(args: &NewArgs) -> Result<Exit, Failure> {
    let name = args.name.strip_suffix(".toml").unwrap_or(&args.name);
    let text = scenario::template(name).map_err(|error| Failure::Usage(error.to_string()))?;
    let path = PathBuf::from(format!("{name}.toml"));
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::AlreadyExists => Failure::Usage(format!(
            "{} exists already; choose another name",
            path.display()
        )),
        _ => Failure::Io(format!("write {}", path.display()), error),
    };
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path)
        .map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    eprintln!("wrote {0}; try: orderline run {0}", path.display());
    Ok(Exit::Fine)
}
