//! `orderline completions`: shell completions on stdout.

use super::exit::{Exit, Failure};
use clap::Args;
use clap_complete::Shell;
use std::io::Write;

/// Print completions for a shell
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  orderline completions bash > ~/.local/share/bash-completion/completions/orderline"
)]
pub(super) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

pub(super) fn run(args: &CompletionsArgs) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(
        args.shell,
        &mut super::definition(),
        "orderline",
        &mut script,
    );
    std::io::stdout()
        .write_all(&script)
        .map_err(|error| Failure::Io("write to stdout".to_owned(), error))?;
    Ok(Exit::Fine)
}
