//! The scenario file: from TOML text to a [`Network`].
//!
//! | step | file | what it does |
//! | --- | --- | --- |
//! | text | [`source`] | remembers every text and every place in it |
//! | tree | [`tree`], `set` | TOML with spans, behind syntax errors too; `--set` edits it |
//! | draft | `draft`, one file a part | reads every table; units by [`units`] |
//! | network | `compile`, `combine`, `refused`, `routes`, `blocking`, `closed`, `objective` | names to indices, checks of the whole |
//! | phases | `incident` | the network once more for every time at which an incident begins or ends |
//!
//! No step stops at the first error: all errors of a file are told at once, each as a
//! [`Diagnostic`] with its place and cure. What the format promises and this version does not yet
//! understand is refused, never ignored; the list is in `spot`.

mod arrivals;
mod blocking;
mod broker;
mod closed;
mod combine;
mod compile;
mod csv_column;
pub mod diagnostic;
mod distribution;
mod draft;
mod error;
mod extras;
mod failure;
mod fields;
mod incident;
mod names;
mod objective;
mod parameters;
mod producer;
mod queue;
mod refused;
mod routes;
mod run;
mod set;
mod slo;
pub mod source;
mod spot;
mod staffing;
mod stage;
mod stock;
mod template;
mod text;
mod trace;
pub mod tree;
mod unclosed;
pub mod units;
mod values;

pub use diagnostic::{Diagnostic, ScenarioErrors, Severity};
pub use error::{LARGEST_FILE, LoadError};
pub use template::{UnusableName, template};

use crate::network::Network;
use fields::Context;
use source::{SourceId, Sources, Span};
use std::path::{Path, PathBuf};

/// A scenario that can be run.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// What every engine reads.
    pub network: Network,
    /// The text of the file as it was read, without any `--set`.
    pub text: String,
    /// The file as the user named it.
    pub path: PathBuf,
    /// The file and the `--set` arguments, for drawing the warnings.
    pub sources: Sources,
    /// What is probably not meant, in the order of the text.
    pub warnings: Vec<Diagnostic>,
}

/// Reads a scenario file and applies the `--set` arguments to it.
///
/// # Errors
///
/// [`LoadError::Wrong`] with every error of the text; [`LoadError::NoScenario`] or
/// [`LoadError::Io`] where there is no text to read.
pub fn load(path: &Path, sets: &[String]) -> Result<Loaded, LoadError> {
    let text = error::read_scenario(path)?;
    let base = path.parent().unwrap_or(Path::new(""));
    parse(&text, &path.display().to_string(), base, sets)
}

/// Reads a scenario's text. `name` stands for it in messages; data files that it names are looked
/// for in `base`.
///
/// # Errors
///
/// As [`load`].
///
/// ```
/// use orderline::scenario::parse;
/// use std::path::Path;
/// let text = r#"
/// [[producer]]
/// name = "web"
/// to = "order"
/// arrivals = { poisson = { rate = "480/min" } }
///
/// [[stage]]
/// name = "order"
/// consumers = 1
/// service = { exponential = { mean = "100ms" } }
/// "#;
/// let loaded = parse(text, "mm1.toml", Path::new(""), &[]).unwrap();
/// assert_eq!(loaded.network.producers[0].arrivals.mean_rate(), 8.0);
///
/// let sets = ["stage.order.consumer=2".to_owned()];
/// let error = parse(text, "mm1.toml", Path::new(""), &sets).unwrap_err();
/// assert!(error.to_string().contains("did you mean `consumers`?"));
/// assert_eq!(error.exit_code(), 2);
/// ```
pub fn parse(text: &str, name: &str, base: &Path, sets: &[String]) -> Result<Loaded, LoadError> {
    let mut sources = Sources::new(name, text);
    let mut cx = Context {
        base: base.to_owned(),
        found: Vec::new(),
        failed: None,
        incident: false,
    };
    let tree::Document { mut root, broken } = tree::parse(text, SourceId::FILE, &mut cx.found);
    for argument in sets {
        let source = sources.add("--set", argument.as_str());
        if let Err(errors) = set::apply(&mut root, argument, source) {
            cx.found.extend(errors);
        }
    }
    let syntax = cx.found.len();
    let draft = draft::read(&root, &mut cx);
    let network = compile::compile(&draft, &stem(name), &mut cx)
        .and_then(|network| with_phases(network, &draft, &root, &stem(name), &mut cx))
        .inspect(|network| objective::check(network, &draft, &mut cx));
    let Context { found, failed, .. } = cx;
    let (errors, warnings) = sorted(found, syntax, &broken);
    if !errors.is_empty() {
        return Err(ScenarioErrors { sources, errors }.into());
    }
    match (failed, network) {
        (Some((path, source)), _) => Err(LoadError::Io { path, source }),
        (None, Some(network)) => Ok(Loaded {
            network,
            text: text.to_owned(),
            path: PathBuf::from(name),
            sources,
            warnings,
        }),
        (None, None) => Err(unexplained(sources)),
    }
}

/// The network with what incidents change; their numbers are only looked at where the rest is right.
fn with_phases(
    base: Network,
    draft: &draft::Draft,
    root: &tree::Table,
    fallback: &str,
    cx: &mut Context,
) -> Option<Network> {
    let wrong = |one: &Diagnostic| one.severity == Severity::Error;
    if draft.incidents.is_empty() || cx.found.iter().any(wrong) {
        return Some(base);
    }
    let scene = incident::Scene {
        base: &base,
        draft,
        root,
        fallback,
    };
    let phases = scene.phases(cx)?;
    Some(Network { phases, ..base })
}

/// A scenario without a name is called like its file.
fn stem(name: &str) -> String {
    let stem = Path::new(name)
        .file_stem()
        .map(|stem| stem.to_string_lossy());
    match stem {
        Some(stem) if names::unsound(&stem).is_none() => stem.into_owned(),
        _ => "scenario".to_owned(),
    }
}

/// Errors and warnings in the order of the text. The first `syntax` are syntax errors: what is
/// found at the same place later, where text is `broken`, or is only absent, is their consequence and
/// left out.
fn sorted(
    found: Vec<Diagnostic>,
    syntax: usize,
    broken: &[Span],
) -> (Vec<Diagnostic>, Vec<Diagnostic>) {
    let consequence = |diagnostic: &Diagnostic| {
        let lost = |place: &Span| place.contains(diagnostic.span);
        diagnostic.absence || broken.iter().any(lost)
    };
    let mut kept: Vec<Diagnostic> = found
        .into_iter()
        .enumerate()
        .filter(|(index, diagnostic)| *index < syntax || syntax == 0 || !consequence(diagnostic))
        .map(|(_, diagnostic)| diagnostic)
        .collect();
    kept.sort_by_key(|diagnostic| diagnostic.span);
    if syntax > 0 {
        kept.dedup_by_key(|diagnostic| diagnostic.span);
    }
    kept.into_iter()
        .partition(|diagnostic| diagnostic.severity == Severity::Error)
}

/// Every `None` on the way to a network comes with an error; should one not, it is told, too.
fn unexplained(sources: Sources) -> LoadError {
    let span = Span::new(SourceId::FILE, 0..0);
    let error = Diagnostic::error(
        span,
        "the scenario cannot be compiled, for an unknown reason",
    )
    .help("this is a bug of Orderline: please report it with this file");
    let errors = vec![error];
    ScenarioErrors { sources, errors }.into()
}
