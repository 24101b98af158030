//! `orderline check`: validate scenarios, and show their networks.

use super::args::{ScenarioFlags, load};
use super::exit::{Exit, Failure};
use super::run::print;
use crate::report::network_text;
use crate::theory;
use clap::Args;
use std::path::PathBuf;

/// Validate scenarios and show their networks
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  orderline check scenarios/*.toml")]
pub(super) struct CheckArgs {
    /// The scenario files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    scenario: ScenarioFlags,
    /// Say nothing when all is well
    #[arg(long)]
    quiet: bool,
}

pub(super) fn run(args: &CheckArgs) -> Result<Exit, Failure> {
    let mut exit = Exit::Fine;
    for file in &args.files {
        match load(file, &args.scenario) {
            Ok(_) if args.quiet => {}
            Ok(asked) => {
                let theory = theory::analyze(&asked.network);
                print(&network_text(&asked.network, &theory, &asked.noticed))?;
            }
            // Every file is checked, whatever is wrong with the others.
            Err(failure) => {
                failure.report();
                exit = exit.max(failure.exit());
            }
        }
    }
    Ok(exit)
}
