//! `orderline theory`: the formulas alone.

use super::args::{ScenarioFlags, load};
use super::exit::{Exit, Failure};
use super::run::print;
use crate::report::{Detail, Document, RunReport, theory_table};
use crate::theory;
use clap::Args;
use std::path::PathBuf;

/// Show the queueing formulas that fit a scenario, without simulating it
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  orderline theory scenarios/checkout.toml --set stage.order.consumers=7"
)]
pub(super) struct TheoryArgs {
    /// The scenario file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    scenario: ScenarioFlags,
    /// Print one JSON document on stdout and nothing else there
    #[arg(long)]
    json: bool,
    /// Show every figure, not only the main ones
    #[arg(long)]
    all: bool,
    /// Print no table
    #[arg(long)]
    quiet: bool,
}

pub(super) fn run(args: &TheoryArgs) -> Result<Exit, Failure> {
    let asked = load(&args.file, &args.scenario)?;
    let theory = theory::analyze(&asked.network);
    let report = RunReport::new(asked.network, asked.record, theory, None, asked.noticed);
    if args.json {
        let json = serde_json::to_string_pretty(&Document::new(&report));
        print(&(json.map_err(|error| Failure::Defect(error.to_string()))? + "\n"))?;
    } else if !args.quiet {
        let detail = if args.all { Detail::All } else { Detail::Main };
        print(&theory_table(&report, detail))?;
    }
    Ok(Exit::Fine)
}
