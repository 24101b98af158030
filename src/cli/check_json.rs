//! The document of `orderline check --json`.

use super::args::Asked;
use super::check_extras::{self, Extras, Phase};
use super::exit::Failure;
use crate::network::{
    AfterRepair, Breakdowns, Capacity, Consumers, Discipline, FailureClock, Fork, Network,
    Patience, Place, Reliability, StageId,
};
use crate::scenario::source::Sources;
use crate::scenario::{Diagnostic, LoadError};
use crate::theory::{self, NetworkTheory};
use serde::Serialize;
use std::path::Path;

/// All files that were checked.
#[derive(Debug, Serialize)]
pub(super) struct Document {
    orderline: &'static str,
    checked: Vec<Checked>,
}

impl Document {
    pub(super) fn new(checked: Vec<Checked>) -> Document {
        let orderline = env!("CARGO_PKG_VERSION");
        Document { orderline, checked }
    }
}

/// One file.
#[derive(Debug, Serialize)]
pub(super) struct Checked {
    file: String,
    valid: bool,
    /// The scenario's name; none where it is not valid.
    name: Option<String>,
    populations: Vec<Population>,
    stages: Vec<Stage>,
    /// What incidents change, and when.
    incidents: Vec<Phase>,
    warnings: Vec<String>,
    /// What is wrong, in the order of the text; empty where it is valid.
    errors: Vec<Problem>,
}

#[derive(Debug, Serialize)]
struct Population {
    name: String,
    to: String,
    customers: u64,
    /// Mean, in seconds.
    think: f64,
}

#[derive(Debug, Serialize)]
struct Stage {
    name: String,
    model: String,
    /// None if unlimited.
    consumers: Option<u32>,
    discipline: &'static str,
    /// None if unbounded.
    capacity: Option<u64>,
    /// What happens to an order that finds the queue full.
    overflow: Option<&'static str>,
    /// Mean time until the next try, in seconds.
    retry: Option<f64>,
    /// Mean, in seconds.
    patience: Option<f64>,
    breakdown: Option<Breakdown>,
    /// The stages that copies go to.
    fanout: Vec<String>,
    /// Whether the order waits for its copies.
    join: bool,
    #[serde(flatten)]
    extras: Extras,
    /// λE[S]/c; none with unlimited consumers.
    offered_load: Option<f64>,
    /// Whether it has a steady state.
    steady: bool,
}

/// Times are means in seconds.
#[derive(Debug, Serialize)]
struct Breakdown {
    uptime: f64,
    downtime: f64,
    when: &'static str,
    then: &'static str,
}

/// One thing that is wrong. Where there is no text to point at, only the message is there.
#[derive(Debug, Serialize)]
struct Problem {
    message: String,
    label: Option<String>,
    help: Option<String>,
    /// The file, or `--set`.
    source: Option<String>,
    /// From 1, as is the column.
    line: Option<usize>,
    column: Option<usize>,
    /// The offending text.
    text: Option<String>,
}

impl Checked {
    pub(super) fn new(file: &Path, result: &Result<Asked, Failure>) -> Checked {
        let file = file.display().to_string();
        match result {
            Err(failure) => Checked {
                file,
                valid: false,
                name: None,
                populations: Vec::new(),
                stages: Vec::new(),
                incidents: Vec::new(),
                warnings: Vec::new(),
                errors: problems(failure),
            },
            Ok(asked) => Checked::valid(file, asked),
        }
    }

    fn valid(file: String, asked: &Asked) -> Checked {
        let network = &asked.network;
        let theory = theory::analyze(&network.undisturbed());
        let count = network.stages.len();
        let stages = (0..count).map(|id| Stage::new(network, &theory, StageId(id)));
        Checked {
            file,
            valid: true,
            name: Some(network.name.clone()),
            populations: populations(network),
            stages: stages.collect(),
            incidents: check_extras::phases(network),
            warnings: asked.noticed.iter().map(ToString::to_string).collect(),
            errors: Vec::new(),
        }
    }
}

fn populations(network: &Network) -> Vec<Population> {
    let population = |one: &crate::network::Population| Population {
        name: one.name.clone(),
        to: network.stages[one.to.0].name.clone(),
        customers: one.customers,
        think: one.think.mean(),
    };
    network.populations.iter().map(population).collect()
}

impl Stage {
    fn new(network: &Network, theory: &NetworkTheory, id: StageId) -> Stage {
        let stage = &network.stages[id.0];
        let (capacity, overflow, retry) = match &stage.capacity {
            Capacity::Unbounded => (None, None, None),
            Capacity::Reject(places) => (Some(*places), Some("reject"), None),
            Capacity::Block(places) => (Some(*places), Some("block"), None),
            Capacity::Retry(places, law) => (Some(*places), Some("retry"), Some(law.mean())),
            Capacity::DropOldest(places) => (Some(*places), Some("drop_oldest"), None),
            Capacity::DeadLetter(places) => (Some(*places), Some("dead_letter"), None),
        };
        let names = stage
            .extras
            .fork
            .branches()
            .iter()
            .map(|to| network.stages[to.0].name.clone());
        Stage {
            name: stage.name.clone(),
            model: theory.model(id).to_owned(),
            consumers: match stage.consumers {
                Consumers::Finite(consumers) => Some(consumers),
                Consumers::Unlimited => None,
            },
            discipline: discipline(stage.discipline),
            capacity,
            overflow,
            retry,
            patience: match &stage.extras.patience {
                Patience::Endless => None,
                Patience::Limited(law) => Some(law.mean()),
            },
            breakdown: match &stage.extras.reliability {
                Reliability::Perfect => None,
                Reliability::Breakdowns(breakdowns) => Some(Breakdown::new(breakdowns)),
            },
            fanout: names.collect(),
            join: matches!(stage.extras.fork, Fork::JoinAll(_)),
            extras: Extras::new(network, stage),
            offered_load: theory.stages[id.0].offered_load,
            steady: !theory.unstable(Place::Stage(id)),
        }
    }
}

impl Breakdown {
    fn new(breakdowns: &Breakdowns) -> Breakdown {
        Breakdown {
            uptime: breakdowns.uptime.mean(),
            downtime: breakdowns.downtime.mean(),
            when: match breakdowns.when {
                FailureClock::Always => "always",
                FailureClock::Busy => "busy",
            },
            then: match breakdowns.then {
                AfterRepair::Resume => "resume",
                AfterRepair::Restart => "restart",
                AfterRepair::Redeliver => "redeliver",
            },
        }
    }
}

fn discipline(discipline: Discipline) -> &'static str {
    match discipline {
        Discipline::Fifo => "fifo",
        Discipline::Lifo => "lifo",
        Discipline::Random => "random",
        Discipline::ShortestFirst => "sjf",
        Discipline::ShortestRemaining => "srpt",
        Discipline::ProcessorSharing => "ps",
        Discipline::Priority => "priority",
        Discipline::PreemptivePriority => "preemptive_priority",
        Discipline::PreemptiveRestart => "preemptive_restart",
        Discipline::EarliestDeadline => "edf",
    }
}

fn problems(failure: &Failure) -> Vec<Problem> {
    match failure {
        Failure::Load(LoadError::Wrong(wrong)) => {
            let errors = wrong.errors.iter();
            errors
                .map(|error| Problem::at(error, &wrong.sources))
                .collect()
        }
        other => vec![Problem {
            message: other.to_string(),
            label: None,
            help: None,
            source: None,
            line: None,
            column: None,
            text: None,
        }],
    }
}

impl Problem {
    fn at(error: &Diagnostic, sources: &Sources) -> Problem {
        let source = sources.get(error.span.source);
        let (line, column) = sources.position(error.span);
        let text = source.text.get(error.span.start..error.span.end);
        Problem {
            message: error.message.clone(),
            label: Some(error.label.clone()).filter(|label| !label.is_empty()),
            help: error.help.clone(),
            source: Some(source.name.clone()),
            line: Some(line),
            column: Some(column),
            text: text.map(str::to_owned),
        }
    }
}
