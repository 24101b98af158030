//! Distributions of times: `{ NAME = { parameters } }`.
//!
//! | name | parameters |
//! | --- | --- |
//! | `exponential` | `rate`, or `mean` |
//! | `deterministic` | `value` |
//! | `uniform` | `low`, `high`; or `mean`, `scv` |
//! | `erlang` | `shape` with `mean` or `rate` (of a phase); or `mean`, `scv` |
//! | `gamma` | `shape`, `scale`; or `mean`, `scv` |
//! | `lognormal` | `mu`, `sigma` (of the logarithm of seconds); or `mean`, `scv` |
//! | `weibull` | `shape`, `scale`; or `mean`, `scv` |
//! | `pareto` | `shape`, `scale`; or `mean`, `scv`; bounded: `shape`, `low`, `high` |
//! | `hyperexponential` | `probabilities`, `rates`; or `mean`, `scv` (balanced means) |
//! | `coxian` | `rates`, `probabilities` (of going on) |
//! | `phase_type` | `alpha`, `T` |
//! | `triangular` | `low`, `mode`, `high` |
//! | `mixture` | `components`, a list of `{ weight = 0.3, NAME = { … } }` |
//! | `empirical` | `file`, `column` of a CSV file with a header |
//!
//! Every law also takes `shift`, a constant time that is added to it: `mean` and `scv` are those
//! of the law before.

use super::csv_column;
use super::diagnostic::Diagnostic;
use super::fields::{Context, Fields, choice};
use super::parameters::Parameters;
use super::source::Span;
use super::spot::Spot;
use super::tree::{Node, Table, Value};
use super::units::Dimension;
use super::values::{self, Range};
use crate::random::{Distribution, ParameterError};

const NAMES: [&str; 14] = [
    "exponential",
    "deterministic",
    "uniform",
    "erlang",
    "gamma",
    "lognormal",
    "weibull",
    "pareto",
    "hyperexponential",
    "coxian",
    "phase_type",
    "triangular",
    "mixture",
    "empirical",
];

type Checked = Result<Distribution, ParameterError>;

/// Reads a distribution.
pub(super) fn read(node: &Node, cx: &mut Context) -> Option<Distribution> {
    let (name, entry) = choice(node, Spot::Distribution, &NAMES, cx)?;
    law(name, &entry.node, cx)
}

fn law(name: &'static str, node: &Node, cx: &mut Context) -> Option<Distribution> {
    let mut fields = Fields::of(node, Spot::Parameters(name), cx)?;
    let shift = match fields.entry("shift") {
        None => Some(0.0),
        Some(entry) => values::entry_quantity(entry, Dimension::Time, Range::NotNegative, cx),
    };
    let mut parameters = Parameters::new(name, fields);
    let checked = named(name, &mut parameters, cx);
    let law = parameters.finish(checked, cx)?;
    let shifted = Distribution::shifted(shift?, law);
    super::parameters::checked(shifted, node.span, cx)
}

fn named(name: &str, p: &mut Parameters<'_>, cx: &mut Context) -> Option<Checked> {
    match name {
        "exponential" => exponential(p, cx),
        "deterministic" => {
            p.select(&[&["value"]], cx)?;
            Some(Distribution::deterministic(p.time("value", cx)?))
        }
        "uniform" => uniform(p, cx),
        "erlang" => erlang(p, cx),
        "gamma" => shape_and_scale(p, cx, Distribution::gamma, Distribution::gamma_mean_scv),
        "weibull" => shape_and_scale(p, cx, Distribution::weibull, Distribution::weibull_mean_scv),
        "lognormal" => lognormal(p, cx),
        "pareto" => pareto(p, cx),
        "hyperexponential" => hyperexponential(p, cx),
        "coxian" => coxian(p, cx),
        "phase_type" => phase_type(p, cx),
        "triangular" => triangular(p, cx),
        "mixture" => mixture(p, cx),
        _ => empirical(p, cx),
    }
}

fn exponential(p: &mut Parameters<'_>, cx: &mut Context) -> Option<Checked> {
    Some(match p.select(&[&["rate"], &["mean"]], cx)? {
        0 => Distribution::exponential(p.rate("rate", cx)?),
        _ => Distribution::exponential_mean(p.time("mean", cx)?),
    })
}

fn uniform(p: &mut Parameters<'_>, cx: &mut Context) -> Option<Checked> {
    Some(match p.select(&[&["low", "high"], &["mean", "scv"]], cx)? {
        0 => {
            let (low, high) = (p.time("low", cx), p.time("high", cx));
            Distribution::uniform(low?, high?)
        }
        _ => p.mean_scv(Distribution::uniform_mean_scv, cx)?,
    })
}

fn erlang(p: &mut Parameters<'_>, cx: &mut Context) -> Option<Checked> {
    let ways: &[&[&'static str]] = &[&["shape", "mean"], &["shape", "rate"], &["mean", "scv"]];
    Some(match p.select(ways, cx)? {
        0 => {
            let (shape, mean) = (p.phases("shape", cx), p.time("mean", cx));
            Distribution::erlang(shape?, mean?)
        }
        1 => {
            let (shape, rate) = (p.phases("shape", cx), p.rate("rate", cx));
            Distribution::erlang_rate(shape?, rate?)
        }
        _ => p.mean_scv(Distribution::erlang_mean_scv, cx)?,
    })
}

fn shape_and_scale(
    p: &mut Parameters<'_>,
    cx: &mut Context,
    native: fn(f64, f64) -> Checked,
    by_moments: fn(f64, f64) -> Checked,
) -> Option<Checked> {
    Some(
        match p.select(&[&["shape", "scale"], &["mean", "scv"]], cx)? {
            0 => {
                let (shape, scale) = (p.number("shape", cx), p.time("scale", cx));
                native(shape?, scale?)
            }
            _ => p.mean_scv(by_moments, cx)?,
        },
    )
}

fn lognormal(p: &mut Parameters<'_>, cx: &mut Context) -> Option<Checked> {
    Some(match p.select(&[&["mu", "sigma"], &["mean", "scv"]], cx)? {
        0 => {
            let (mu, sigma) = (p.number("mu", cx), p.number("sigma", cx));
            Distribution::lognormal(mu?, sigma?)
        }
        _ => p.mean_scv(Distribution::lognormal_mean_scv, cx)?,
    })
}

fn pareto(p: &mut Parameters<'_>, cx: &mut Context) -> Option<Checked> {
    if !p.has("low") && !p.has("high") {
        return shape_and_scale(p, cx, Distribution::pareto, Distribution::pareto_mean_scv);
    }
    p.select(&[&["shape", "low", "high"]], cx)?;
    let shape = p.number("shape", cx);
    let (low, high) = (p.time("low", cx), p.time("high", cx));
    Some(Distribution::bounded_pareto(shape?, low?, high?))
}

fn hyperexponential(p: &mut Parameters<'_>, cx: &mut Context) -> Option<Checked> {
    Some(
        match p.select(&[&["probabilities", "rates"], &["mean", "scv"]], cx)? {
            0 => {
                let probabilities = p.numbers("probabilities", Dimension::Share, cx);
                let rates = p.numbers("rates", Dimension::Rate, cx);
                Distribution::hyperexponential(probabilities?, rates?)
            }
            _ => p.mean_scv(Distribution::hyperexponential_mean_scv, cx)?,
        },
    )
}

fn coxian(p: &mut Parameters<'_>, cx: &mut Context) -> Option<Checked> {
    p.select(&[&["rates", "probabilities"]], cx)?;
    let rates = p.numbers("rates", Dimension::Rate, cx);
    let probabilities = p.numbers("probabilities", Dimension::Share, cx);
    Some(Distribution::coxian(rates?, probabilities?))
}

fn phase_type(p: &mut Parameters<'_>, cx: &mut Context) -> Option<Checked> {
    p.select(&[&["alpha", "T"]], cx)?;
    let alpha = p.numbers("alpha", Dimension::Share, cx);
    let rows = p.node("T")?;
    let t = values::list("T", rows, cx, |row, cx| {
        values::quantities("T", row, Dimension::Rate, Range::Any, cx)
    });
    Some(Distribution::phase_type(alpha?, t?))
}

fn triangular(p: &mut Parameters<'_>, cx: &mut Context) -> Option<Checked> {
    p.select(&[&["low", "mode", "high"]], cx)?;
    let (low, mode) = (p.time("low", cx), p.time("mode", cx));
    let high = p.time("high", cx);
    Some(Distribution::triangular(low?, mode?, high?))
}

fn empirical(p: &mut Parameters<'_>, cx: &mut Context) -> Option<Checked> {
    p.select(&[&["file", "column"]], cx)?;
    let mut values = Vec::new();
    csv_column::read(p.node("file")?, p.node("column")?, cx, |field, _| {
        values.push(csv_column::not_negative(field)?);
        Ok(())
    })?;
    Some(Distribution::empirical(values))
}

fn mixture(p: &mut Parameters<'_>, cx: &mut Context) -> Option<Checked> {
    p.select(&[&["components"]], cx)?;
    let node = p.node("components")?;
    let parts = values::list("components", node, cx, component)?;
    let (weights, laws) = parts.into_iter().unzip();
    Some(Distribution::mixture(weights, laws))
}

/// `{ weight = 0.3, NAME = { … } }`.
fn component(node: &Node, cx: &mut Context) -> Option<(f64, Distribution)> {
    let Value::Table(table) = &node.value else {
        cx.report(no_component(node.span));
        return None;
    };
    let Some(weight) = table.get("weight") else {
        cx.report(no_component(node.span));
        return None;
    };
    let weight = values::entry_quantity(weight, Dimension::Share, Range::Probability, cx);
    let rest = table.entries.iter().filter(|entry| entry.key != "weight");
    let rest = Node {
        span: node.span,
        value: Value::Table(Table {
            entries: rest.cloned().collect(),
        }),
    };
    let law = read(&rest, cx);
    Some((weight?, law?))
}

fn no_component(span: Span) -> Diagnostic {
    Diagnostic::error(span, "a component of `mixture` needs a `weight` and a law")
        .help("write { weight = 0.3, exponential = { mean = 1 } }")
}
