//! Flags that several commands share.

use super::exit::Failure;
use crate::network::{Horizon, Network, Replications, Warmup};
use crate::report::{Detail, ScenarioRecord, Warning};
use crate::scenario::{self, units, units::Dimension};
use crate::sim::{EngineChoice, EngineKind, SimOptions};
use clap::Args;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

/// Changes to a scenario from the command line.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct ScenarioFlags {
    /// Change any value of the scenario, such as stage.payment.consumers=40 (repeatable)
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub set: Vec<String>,
    /// The master seed of all random streams
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Run exactly this many replications
    #[arg(long, value_name = "N")]
    pub replications: Option<NonZeroU64>,
    /// Simulate this long in each replication, such as 2h or 90s
    #[arg(long, value_name = "TIME")]
    pub duration: Option<String>,
}

/// What to print.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct ShowFlags {
    /// Print one JSON document on stdout and nothing else there
    #[arg(long)]
    pub json: bool,
    /// Show every figure, not only the main ones (and, of theory, what other formulas give)
    #[arg(long)]
    pub all: bool,
    /// Print no table and no progress
    #[arg(long)]
    pub quiet: bool,
}

impl ShowFlags {
    /// Which figures a table shows.
    pub(super) fn detail(self) -> Detail {
        if self.all { Detail::All } else { Detail::Main }
    }
}

/// How to simulate.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct EngineFlags {
    /// Threads to use [default: one a core]; the figures do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// The engine [default: recursion where it applies, else events]; orders are the same with both
    #[arg(long, value_enum, value_name = "NAME")]
    engine: Option<Engine>,
}

/// An engine, as the command line calls it.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Engine {
    /// One event after the other; does everything
    Events,
    /// Stage by stage; for first in, first out without bounds, ways back and services of no time
    Recursion,
}

impl EngineFlags {
    pub(super) fn options(self) -> SimOptions {
        SimOptions {
            threads: self.threads.map_or_else(cores, usize::from),
            engine: match self.engine {
                None => EngineChoice::Auto,
                Some(Engine::Events) => EngineChoice::Only(EngineKind::Events),
                Some(Engine::Recursion) => EngineChoice::Only(EngineKind::Recursion),
            },
        }
    }
}

/// A thread for each core.
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, |n| n.get())
}

/// A scenario as the command line asks for it.
#[derive(Debug)]
pub(super) struct Asked {
    pub network: Network,
    pub record: ScenarioRecord,
    pub noticed: Vec<Warning>,
}

/// Loads several scenarios, or says of all of them what is wrong.
pub(super) fn load_all(files: &[PathBuf], flags: &ScenarioFlags) -> Result<Vec<Asked>, Failure> {
    let mut loaded = Vec::new();
    let mut failures = Vec::new();
    for file in files {
        match load(file, flags) {
            Ok(asked) => loaded.push(asked),
            Err(failure) => failures.push(failure),
        }
    }
    if failures.is_empty() {
        Ok(loaded)
    } else {
        Err(Failure::Several(failures))
    }
}

/// Loads a scenario and applies the flags.
pub(super) fn load(file: &Path, flags: &ScenarioFlags) -> Result<Asked, Failure> {
    let loaded = scenario::load(file, &flags.set)?;
    let mut network = loaded.network;
    apply(&mut network, flags)?;
    let noticed = loaded
        .warnings
        .iter()
        .map(|w| Warning::Scenario(w.message.clone()))
        .collect();
    let record = ScenarioRecord::new(&file.display().to_string(), &loaded.text, &said(flags));
    Ok(Asked {
        network,
        record,
        noticed,
    })
}

fn apply(network: &mut Network, flags: &ScenarioFlags) -> Result<(), Failure> {
    if let Some(seed) = flags.seed {
        network.seed = seed;
    }
    if let Some(replications) = flags.replications {
        network.run.replications = Replications::Fixed(replications.get());
    }
    if let Some(text) = &flags.duration {
        let duration = duration(text)
            .map_err(|problem| Failure::Usage(format!("--duration {text}: {problem}")))?;
        network.run.horizon = Horizon::Duration(duration);
        if let Warmup::Fixed(warmup) = network.run.warmup
            && warmup >= duration
        {
            return Err(Failure::Usage(format!(
                "--duration {text}: not longer than the warm-up of {warmup} s; make it longer, or \
                 add --set run.warmup=auto"
            )));
        }
    }
    Ok(())
}

/// A positive time.
fn duration(text: &str) -> Result<f64, String> {
    match units::parse(text, Dimension::Time) {
        Ok(seconds) if seconds > 0.0 => Ok(seconds),
        Ok(_) => Err("a run must last longer than 0 s".to_owned()),
        Err(problem) => Err(format!("{problem}; it takes {}", Dimension::Time.accepts())),
    }
}

/// All changes in the words of the command line, for the manifest.
fn said(flags: &ScenarioFlags) -> Vec<String> {
    let mut said = flags.set.clone();
    said.extend(flags.seed.map(|seed| format!("seed={seed}")));
    said.extend(flags.replications.map(|n| format!("run.replications={n}")));
    said.extend(flags.duration.iter().map(|d| format!("run.duration={d}")));
    said
}
