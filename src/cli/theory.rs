//! `orderline theory`: the formulas alone.

use super::args::{ScenarioFlags, ShowFlags, load};
use super::exit::{Exit, Failure};
use super::run::print;
use crate::report::{Document, RunReport, Warning, theory_table};
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
    #[command(flatten)]
    show: ShowFlags,
}

pub(super) fn run(args: &TheoryArgs) -> Result<Exit, Failure> {
    let asked = load(&args.file, &args.scenario)?;
    let network = asked.network.undisturbed();
    let mut noticed = asked.noticed;
    if !asked.network.phases.is_empty() {
        let text = "the formulas are those of the pipeline without its incidents";
        noticed.push(Warning::Scenario(text.to_owned()));
    }
    let theory = theory::analyze(&network);
    let report = RunReport::new(network, asked.record, theory, None, noticed);
    if args.show.json {
        let json = serde_json::to_string_pretty(&Document::new(&report));
        print(&(json.map_err(|error| Failure::Defect(error.to_string()))? + "\n"))?;
    } else if !args.show.quiet {
        let detail = args.show.detail();
        print(&theory_table(&report, detail))?;
    }
    Ok(Exit::Fine)
}
