//! `orderline chart`: the charts again, from an output folder's CSV files.

use super::args::cores;
use super::exit::{Exit, Failure};
use crate::report::{read_records, redraw};
use clap::Args;
use std::path::PathBuf;

/// Draw the charts again from an output folder's CSV files
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  orderline chart output/checkout")]
pub(super) struct ChartArgs {
    /// The output folder of an earlier run
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Where the folder `charts` is written [default: DIR]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(super) fn run(args: &ChartArgs) -> Result<Exit, Failure> {
    let records = read_records(&args.dir)?;
    let out = args.out.as_ref().unwrap_or(&args.dir);
    let drawn = redraw(&records, out, cores())?;
    eprintln!("wrote {drawn} charts to {}", out.join("charts").display());
    Ok(Exit::Fine)
}
