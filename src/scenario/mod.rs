//! The scenario file: from TOML text to a [`Network`].
//!
//! | step | file | what it does |
//! | --- | --- | --- |
//! | text | [`source`] | remembers every text and every place in it |
//! | tree | [`tree`], `set` | TOML with spans, behind syntax errors too; `--set` edits it |
//! | draft | `draft`, one file a part | reads every table; units by [`units`] |
//! | network | `compile`, `combine`, `routes`, `blocking`, `closed`, `objective` | names to indices, checks of the whole |
//!
//! No step stops at the first error: all errors of a file are told at once, each as a
//! [`Diagnostic`] with its place and cure. What the format promises and this version does not yet
//! understand is refused, never ignored; the list is in `spot`.

mod arrivals;
mod blocking;
mod closed;
mod combine;
mod compile;
mod csv_column;
pub mod diagnostic;
mod distribution;
mod draft;
mod error;
mod extras;
mod fields;
mod names;
mod objective;
mod parameters;
mod producer;
mod queue;
mod routes;
mod run;
mod set;
mod slo;
pub mod source;
mod spot;
mod stage;
mod template;
mod text;
mod trace;
pub mod tree;
mod unclosed;
pub mod units;
mod values;

pub use diagnostic::{Diagnostic, FormulasOnly, ScenarioErrors, Severity};
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
    /// What the formulas understand and the simulation does not yet, in the order of the text.
    pub formulas_only: Vec<FormulasOnly>,
}

impl Loaded {
    /// Whether the scenario can be simulated.
    ///
    /// # Errors
    ///
    /// Everything in it that only has formulas.
    pub fn simulable(&self) -> Result<(), ScenarioErrors> {
        if self.formulas_only.is_empty() {
            return Ok(());
        }
        Err(ScenarioErrors {
            sources: self.sources.clone(),
            errors: self
                .formulas_only
                .iter()
                .map(FormulasOnly::refusal)
                .collect(),
        })
    }
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
        formulas_only: Vec::new(),
        failed: None,
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
    let network = compile::compile(&draft, &stem(name), &mut cx);
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
            formulas_only: Vec::new(),
        }),
        (None, None) => Err(unexplained(sources)),
    }
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
