//! The front door of the `orderline` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    orderline::cli::main()
}
