//! `orderline compare`: scenarios or finished runs side by side.

use super::args::{EngineFlags, ScenarioFlags, ShowFlags, load_all};
use super::exit::{Exit, Failure};
use super::progress::simulated;
use super::run::print;
use crate::report::{Contrast, RunReport, Side, contrast_csv, contrast_table, read_side};
use crate::theory;
use clap::Args;
use std::path::{Path, PathBuf};

/// Compare scenarios (under common random numbers) or finished output folders of `run`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orderline compare scenarios/mm1.toml faster.toml
  orderline compare output/checkout output/busy --json

Scenarios are simulated with the same seed, so that both see the same orders; their differences are
taken replication by replication. Output folders of equal seed and number of replications are paired
likewise, others are compared as independent runs.")]
pub(super) struct CompareArgs {
    /// Scenario files, or output folders of earlier runs; the first is compared with each other one
    #[arg(required = true, num_args = 2.., value_name = "FILE or DIR")]
    what: Vec<PathBuf>,
    #[command(flatten)]
    scenario: ScenarioFlags,
    #[command(flatten)]
    engine: EngineFlags,
    /// Also write comparison.csv into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    show: ShowFlags,
}

pub(super) fn run(args: &CompareArgs) -> Result<Exit, Failure> {
    let sides = sides(args)?;
    let contrast = Contrast::new(&sides);
    if let Some(out) = &args.out {
        let failed = |error| Failure::Io(format!("write to {}", out.display()), error);
        std::fs::create_dir_all(out).map_err(failed)?;
        let csv = contrast_csv(&contrast).map_err(|error| Failure::Defect(error.to_string()))?;
        std::fs::write(out.join("comparison.csv"), csv).map_err(failed)?;
    }
    if args.show.json {
        let json = serde_json::to_string_pretty(&contrast);
        print(&(json.map_err(|error| Failure::Defect(error.to_string()))? + "\n"))?;
    } else if !args.show.quiet {
        let detail = args.show.detail();
        print(&contrast_table(&contrast, detail))?;
    }
    let partial = sides.iter().any(|side| side.partial);
    Ok(if partial {
        Exit::Interrupted
    } else {
        Exit::Fine
    })
}

fn sides(args: &CompareArgs) -> Result<Vec<Side>, Failure> {
    let folders = args.what.iter().filter(|what| what.is_dir()).count();
    if folders == args.what.len() {
        return Ok(args
            .what
            .iter()
            .map(|dir| read_side(dir))
            .collect::<Result<_, _>>()?);
    }
    if folders > 0 {
        let text = "compare either scenario files or output folders, not one with the other; \
                    run the scenario first and compare its output folder";
        return Err(Failure::Usage(text.to_owned()));
    }
    let asked = load_all(&args.what, &args.scenario)?;
    // Common random numbers: one seed for all, that of the first unless the flags say otherwise.
    let seed = asked[0].network.seed;
    let mut sides = Vec::new();
    for (file, mut asked) in args.what.iter().zip(asked) {
        asked.network.seed = seed;
        let theory = theory::analyze(&asked.network);
        let sim = simulated(
            &asked.network,
            args.engine.options(),
            args.show.quiet || args.show.json,
        )?;
        if sim.partial && sides.len() + 1 < args.what.len() {
            let text = "stopped before all were simulated; there is nothing to compare";
            return Err(Failure::AtOnce(text));
        }
        let report = RunReport::new(
            asked.network,
            asked.record,
            theory,
            Some(sim),
            asked.noticed,
        );
        sides.push(Side::of(&report, &label(file)));
    }
    Ok(sides)
}

fn label(file: &Path) -> String {
    file.file_stem()
        .unwrap_or(file.as_os_str())
        .to_string_lossy()
        .into_owned()
}
