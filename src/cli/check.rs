//! `orderline check`: validate scenarios, and show their networks.

use super::args::{ScenarioFlags, load};
use super::check_json::{Checked, Document};
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
    /// Print one JSON document on stdout and nothing else there
    #[arg(long)]
    json: bool,
    /// Say nothing when all is well
    #[arg(long)]
    quiet: bool,
}

pub(super) fn run(args: &CheckArgs) -> Result<Exit, Failure> {
    let mut exit = Exit::Fine;
    let mut checked = Vec::new();
    for file in &args.files {
        // Every file is checked, whatever is wrong with the others.
        let result = load(file, &args.scenario);
        if let Err(failure) = &result {
            exit = exit.max(failure.exit());
        }
        match (&result, args.json) {
            (_, true) => checked.push(Checked::new(file, &result)),
            (Err(failure), false) => failure.report(),
            (Ok(_), false) if args.quiet => {}
            (Ok(asked), false) => {
                let theory = theory::analyze(&asked.network.undisturbed());
                let network = network_text(&asked.network, &theory, &asked.noticed);
                print(&network)?;
            }
        }
    }
    if args.json {
        let json = serde_json::to_string_pretty(&Document::new(checked));
        print(&(json.map_err(|error| Failure::Defect(error.to_string()))? + "\n"))?;
    }
    Ok(exit)
}
