//! The parameters of a law or process: which combination is given, and what each is.

use super::diagnostic::Diagnostic;
use super::fields::{Context, Fields};
use super::source::Span;
use super::spot::Spot;
use super::text::list;
use super::tree::Node;
use super::units::Dimension;
use super::values::{self, Range};
use crate::random::ParameterError;

/// The parameters of one choice, being read.
pub(super) struct Parameters<'t> {
    name: &'static str,
    fields: Fields<'t>,
}

impl<'t> Parameters<'t> {
    /// The rest of `fields` as the parameters of the choice `name`.
    pub(super) fn new(name: &'static str, fields: Fields<'t>) -> Parameters<'t> {
        Parameters { name, fields }
    }

    /// Which of the `ways` to state the parameters was taken. Unknown keys do not count, since
    /// they are reported on their own.
    pub(super) fn select(&mut self, ways: &[&[&'static str]], cx: &mut Context) -> Option<usize> {
        let mut given: Vec<&'static str> = Vec::new();
        for key in ways.iter().copied().flatten().copied() {
            if self.fields.entry(key).is_some() && !given.contains(&key) {
                given.push(key);
            }
        }
        let fits = |way: &&[&'static str]| {
            way.len() == given.len() && way.iter().all(|key| given.contains(key))
        };
        let found = ways.iter().position(fits);
        if found.is_none() {
            cx.report(self.wrong_combination(&given, ways));
        }
        found
    }

    fn wrong_combination(&self, given: &[&str], ways: &[&[&'static str]]) -> Diagnostic {
        let has = match given {
            [] => "it has none of them".to_owned(),
            _ => format!("it has {}", list(given, "and")),
        };
        let ways: Vec<String> = ways.iter().map(|way| list(*way, "and")).collect();
        let message = format!("`{}` takes {}, but {has}", self.name, ways.join(", or "));
        let needs_fewer = given.len() > 2;
        let help = if needs_fewer {
            "remove what is too much"
        } else {
            "give exactly the parameters of one of these"
        };
        let diagnostic = Diagnostic::error(self.fields.span, message).help(help);
        if given.is_empty() {
            diagnostic.absent()
        } else {
            diagnostic
        }
    }

    /// Whether a key is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.fields.has(key)
    }

    /// The value of a key that [`Parameters::select`] has found to be there.
    pub(super) fn node(&mut self, key: &'static str) -> Option<&'t Node> {
        self.fields.entry(key).map(|entry| &entry.node)
    }

    fn quantity(
        &mut self,
        key: &'static str,
        dimension: Dimension,
        cx: &mut Context,
    ) -> Option<f64> {
        // The law's own constructor knows the range.
        values::quantity(key, self.node(key)?, dimension, Range::Any, cx)
    }

    /// Seconds.
    pub(super) fn time(&mut self, key: &'static str, cx: &mut Context) -> Option<f64> {
        self.quantity(key, Dimension::Time, cx)
    }

    /// Per second.
    pub(super) fn rate(&mut self, key: &'static str, cx: &mut Context) -> Option<f64> {
        self.quantity(key, Dimension::Rate, cx)
    }

    /// A pure number.
    pub(super) fn number(&mut self, key: &'static str, cx: &mut Context) -> Option<f64> {
        self.quantity(key, Dimension::Number, cx)
    }

    /// A number of phases.
    pub(super) fn phases(&mut self, key: &'static str, cx: &mut Context) -> Option<u32> {
        let count = values::count(key, self.node(key)?, 1, u64::from(u32::MAX), cx)?;
        u32::try_from(count).ok()
    }

    /// A list of quantities.
    pub(super) fn numbers(
        &mut self,
        key: &'static str,
        dimension: Dimension,
        cx: &mut Context,
    ) -> Option<Vec<f64>> {
        values::quantities(key, self.node(key)?, dimension, Range::Any, cx)
    }

    /// A law by `mean` and `scv`.
    pub(super) fn mean_scv<T>(&mut self, law: fn(f64, f64) -> T, cx: &mut Context) -> Option<T> {
        let (mean, scv) = (self.time("mean", cx), self.number("scv", cx));
        Some(law(mean?, scv?))
    }

    /// Reports unknown keys, and what the constructor refused at the key that it names.
    pub(super) fn finish<T>(
        self,
        made: Option<Result<T, ParameterError>>,
        cx: &mut Context,
    ) -> Option<T> {
        let made = made.and_then(|made| match made {
            Ok(made) => Some(made),
            Err(error) => {
                let span = self.fields.span_of(error.parameter);
                checked::<T>(Err(error), span, cx)
            }
        });
        self.fields.finish(cx);
        made
    }
}

/// Reports what a constructor refused.
pub(super) fn checked<T>(
    made: Result<T, ParameterError>,
    span: Span,
    cx: &mut Context,
) -> Option<T> {
    made.map_err(|error| {
        cx.report(Diagnostic::error(span, error.message));
    })
    .ok()
}

/// The parameters under a choice's name.
pub(super) fn of<'t>(
    name: &'static str,
    node: &'t Node,
    cx: &mut Context,
) -> Option<Parameters<'t>> {
    let fields = Fields::of(node, Spot::Parameters(name), cx)?;
    Some(Parameters::new(name, fields))
}
