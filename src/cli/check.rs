//! `orderline check`: validate scenarios, and show their networks.

use super::args::{Asked, ScenarioFlags, load};
use super::exit::{Exit, Failure};
use super::run::print;
use crate::network::{Place, StageId};
use crate::report::network_text;
use crate::theory;
use clap::Args;
use serde::Serialize;
use std::path::{Path, PathBuf};

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

/// The document of `--json`.
#[derive(Debug, Serialize)]
struct Document {
    orderline: &'static str,
    checked: Vec<Checked>,
}

#[derive(Debug, Serialize)]
struct Checked {
    file: String,
    valid: bool,
    /// The scenario's name; none where it is not valid.
    name: Option<String>,
    stages: Vec<Stage>,
    warnings: Vec<String>,
    /// What is wrong, as on the terminal; empty where it is valid.
    errors: String,
}

#[derive(Debug, Serialize)]
struct Stage {
    name: String,
    model: String,
    /// λE[S]/c; none with unlimited consumers.
    offered_load: Option<f64>,
    /// Whether it has a steady state.
    steady: bool,
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
            (_, true) => checked.push(entry(file, &result)),
            (Err(failure), false) => failure.report(),
            (Ok(_), false) if args.quiet => {}
            (Ok(asked), false) => {
                let theory = theory::analyze(&asked.network);
                print(&network_text(&asked.network, &theory, &asked.noticed))?;
            }
        }
    }
    if args.json {
        let document = Document {
            orderline: env!("CARGO_PKG_VERSION"),
            checked,
        };
        let json = serde_json::to_string_pretty(&document);
        print(&(json.map_err(|error| Failure::Defect(error.to_string()))? + "\n"))?;
    }
    Ok(exit)
}

fn entry(file: &Path, result: &Result<Asked, Failure>) -> Checked {
    let asked = result.as_ref().ok();
    Checked {
        file: file.display().to_string(),
        valid: asked.is_some(),
        name: asked.map(|asked| asked.network.name.clone()),
        stages: asked.map(stages).unwrap_or_default(),
        warnings: asked.map_or(Vec::new(), |a| {
            a.noticed.iter().map(ToString::to_string).collect()
        }),
        errors: result
            .as_ref()
            .err()
            .map_or(String::new(), ToString::to_string),
    }
}

fn stages(asked: &Asked) -> Vec<Stage> {
    let theory = theory::analyze(&asked.network);
    let stage = |(index, stage): (usize, &crate::network::Stage)| {
        let id = StageId(index);
        Stage {
            name: stage.name.clone(),
            model: theory.model(id).to_owned(),
            offered_load: theory.stages[index].offered_load,
            steady: !theory.unstable(Place::Stage(id)),
        }
    };
    asked.network.stages.iter().enumerate().map(stage).collect()
}
