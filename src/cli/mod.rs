//! The command line: one file a command.
//!
//! Data goes to stdout, talk to stderr, and progress to stderr only where it is a terminal.

mod args;
mod chart;
mod check;
mod check_extras;
mod check_json;
mod compare;
mod completions;
mod exit;
mod live;
mod live_calibrate;
mod live_orders;
mod live_watch;
mod new;
mod orders;
mod passwords;
mod progress;
mod run;
mod theory;

pub use exit::{Exit, Failure};

use clap::{Parser, Subcommand};
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  orderline new shop                         a commented scenario to start from
  orderline run shop.toml                    simulate it, beside its formulas
  orderline run shop.toml --set stage.payment.consumers=40
  orderline theory shop.toml                 the formulas alone
  orderline live shop.toml                   in real time, beside its simulated twin
  orderline compare shop.toml bigger.toml    which is better, and is that certain?

Exit codes:
  0  fine
  1  an asked-for check failed: an SLO; with --strict a figure that differs from an exact formula
  2  the command line or the scenario is wrong
  3  the outside failed, such as the disk or a broker
  4  an asked-for check is undecided: the interval straddles the limit
  130  interrupted; what was measured is kept and marked partial (after a second Ctrl-C it is not)";

/// How will an order pipeline on message queues behave under load, and why?
///
/// One scenario file describes producers, queues, consumers and the stages an order passes.
/// Orderline simulates it, computes the queueing formulas that fit it, and puts every measured
/// figure beside its prediction with a verdict.
#[derive(Debug, Parser)]
#[command(name = "orderline", version, after_help = EXAMPLES, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::RunArgs),
    Theory(theory::TheoryArgs),
    Live(live::LiveArgs),
    Compare(compare::CompareArgs),
    Check(check::CheckArgs),
    Chart(chart::ChartArgs),
    New(new::NewArgs),
    Completions(completions::CompletionsArgs),
}

/// Runs the command that the process was called with.
pub fn main() -> ExitCode {
    let asked = match Cli::try_parse() {
        Ok(asked) => asked,
        Err(error) => return refused(&error),
    };
    let result = match asked.command {
        Command::Run(args) => run::run(&args),
        Command::Theory(args) => theory::run(&args),
        Command::Live(args) => live::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Chart(args) => chart::run(&args),
        Command::New(args) => new::run(&args),
        Command::Completions(args) => completions::run(&args),
    };
    let exit = result.unwrap_or_else(|failure| {
        failure.report();
        failure.exit()
    });
    ExitCode::from(exit)
}

/// Says what is wrong with the command line, or what was asked for in place of a command.
fn refused(error: &clap::Error) -> ExitCode {
    use std::io::Write;
    if !error.use_stderr() {
        error.exit();
    }
    let told = error.render().ansi().to_string();
    let _ = write!(
        anstream::stderr(),
        "{}",
        passwords::without_passwords(&told)
    );
    ExitCode::from(Exit::Wrong)
}

/// The command line's definition, for completions.
fn definition() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}
