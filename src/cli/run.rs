//! `orderline run`: simulate, compare with theory, judge, write.

use super::args::{Asked, EngineFlags, ScenarioFlags, ShowFlags, load_all};
use super::exit::{Exit, Failure};
use super::orders::write_orders;
use super::passwords::{command_line, without_passwords};
use super::progress::simulated;
use crate::report::{Document, RunReport, SloState, Verdict, WrittenFiles, summary, write};
use crate::theory;
use clap::Args;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Simulate scenarios beside their formulas, and write tables, charts and a report
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orderline run scenarios/checkout.toml
  orderline run shop.toml --set producer.web.arrivals.poisson.rate=150/s --out output/busy
  orderline run shop.toml --json | jq .pipeline.metrics.latency_p99.measured")]
pub(super) struct RunArgs {
    /// The scenario files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    scenario: ScenarioFlags,
    #[command(flatten)]
    engine: EngineFlags,
    /// The output folder; of several files, the folder of their folders [default: output/NAME]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    show: ShowFlags,
    /// Also write orders.csv: every order of the first replication
    #[arg(long)]
    orders: bool,
    /// Fail (exit code 1) if a figure differs from an exact formula
    #[arg(long)]
    strict: bool,
}

pub(super) fn run(args: &RunArgs) -> Result<Exit, Failure> {
    // All files are read before the first is run: a typing error should not cost an hour.
    let asked = load_all(&args.files, &args.scenario)?;
    distinct_folders(args, &asked)?;
    let mut exit = Exit::Fine;
    let mut documents = Vec::new();
    for (file, asked) in args.files.iter().zip(asked) {
        let report = match run_one(args, asked) {
            Ok(report) => report,
            // The others are run all the same, unless somebody wants to stop.
            Err(failure) => {
                eprint!("{}: ", file.display());
                failure.report();
                exit = exit.max(failure.exit());
                if exit == Exit::Interrupted {
                    break;
                }
                continue;
            }
        };
        documents.push(Document::new(&report));
        exit = exit.max(judgement(args, &report));
        if exit == Exit::Interrupted {
            break;
        }
    }
    if args.show.json && !documents.is_empty() {
        print_json(&documents)?;
    }
    Ok(exit)
}

/// Two scenarios of one name would overwrite each other's folder.
fn distinct_folders(args: &RunArgs, asked: &[Asked]) -> Result<(), Failure> {
    for (index, one) in asked.iter().enumerate() {
        let name = &one.network.name;
        if asked[..index]
            .iter()
            .any(|other| other.network.name == *name)
        {
            let file = args.files[index].display();
            return Err(Failure::Usage(format!(
                "{file}: another of these scenarios is named {name} too, and both would be written \
                 to one folder; rename one, or run them one by one with --out"
            )));
        }
    }
    Ok(())
}

fn run_one(args: &RunArgs, asked: Asked) -> Result<RunReport, Failure> {
    let out = folder(args, &asked);
    // The folder is made first: a disk that refuses should not cost an hour either.
    let staged = crate::report::Staged::create(&out)?;
    let theory = theory::analyze(&asked.network);
    let sim = simulated(&asked.network, args.engine.options(), args.show.quiet)?;
    let report = RunReport::new(
        asked.network,
        asked.record,
        theory,
        Some(sim),
        asked.noticed,
    );
    // A run that was stopped has no whole first replication to show.
    let partial = report.sim.as_ref().is_some_and(|sim| sim.partial);
    if args.orders && !partial {
        write_orders(&report.network, &staged, args.show.quiet)?;
    }
    let files = write(
        &report,
        staged,
        &command_line(),
        args.engine.options().threads,
    )?;
    show(args, &report, &out, &files)?;
    Ok(report)
}

fn folder(args: &RunArgs, asked: &Asked) -> PathBuf {
    let name = &asked.network.name;
    match &args.out {
        Some(out) if args.files.len() == 1 => out.clone(),
        Some(out) => out.join(name),
        None => Path::new("output").join(name),
    }
}

fn show(
    args: &RunArgs,
    report: &RunReport,
    out: &Path,
    files: &WrittenFiles,
) -> Result<(), Failure> {
    if args.show.quiet || args.show.json {
        return Ok(());
    }
    let detail = args.show.detail();
    let mut text = summary(report, detail);
    text.push_str(&format!(
        "\nwrote {}/ ({} charts, report.html)\n",
        out.display(),
        files.charts
    ));
    print(&text)
}

/// Prints to stdout, without passwords, and without colours where it is no terminal.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    anstream::stdout()
        .write_all(without_passwords(text).as_bytes())
        .map_err(|error| Failure::Io("write to stdout".to_owned(), error))
}

/// One document for one scenario, an array of them for several.
pub(super) fn print_json(documents: &[Document]) -> Result<(), Failure> {
    let json = match documents {
        [one] => serde_json::to_string_pretty(one),
        several => serde_json::to_string_pretty(several),
    };
    let text = json.map_err(|error| Failure::Defect(error.to_string()))?;
    print(&(text + "\n"))
}

fn judgement(args: &RunArgs, report: &RunReport) -> Exit {
    if report.sim.as_ref().is_some_and(|sim| sim.partial) {
        return Exit::Interrupted;
    }
    checks(args.strict, report)
}

/// How the checks that were asked for came out.
pub(super) fn checks(strict: bool, report: &RunReport) -> Exit {
    let differs = strict && report.comparison.count(Verdict::Differs) > 0;
    let slo = |state| report.slos.iter().any(|judgement| judgement.state == state);
    match () {
        () if differs || slo(SloState::Violated) => Exit::CheckFailed,
        () if slo(SloState::Undecided) => Exit::Undecided,
        () => Exit::Fine,
    }
}
