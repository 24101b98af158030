//! `failure`, `timeout` and `circuit_breaker` of a stage: attempts that fail, and what then.
//!
//! | key of `failure` | meaning | default |
//! | --- | --- | --- |
//! | `probability` | that an attempt fails | 0 where there is a `timeout` or a class has its own |
//! | `attempts` | in all, the first included; or `"unlimited"` | the broker's, see [`crate::network::presets`] |
//! | `backoff` | the time to the next attempt: `"none"`, `{ fixed = "1s" }`, `{ exponential = { first, factor = 2, jitter = 0, longest } }`, `{ table = ["1s", "5s"] }` (the last ever after), `{ law = DISTRIBUTION }` | the broker's |
//! | `retry` | where the order spends it: aside and then at the `"tail"` of the queue, or at its `"old_place"`; `"in_place"`, with its consumer | the broker's |
//! | `then` | after the last attempt: `"dead_letter"`, `"cancelled"`, `"lost"`, or a stage that makes good what was done | the broker's |
//!
//! `class.NAME.failure = { probability = "10%" }` is that of one class. `timeout = "2s"` gives up an
//! attempt that takes longer, and it has failed.
//!
//! | key of `circuit_breaker` | meaning | default |
//! | --- | --- | --- |
//! | `failures` | it opens after so many in a row | |
//! | `open_for` | for this long no attempt is made | |
//! | `probes` | then so many at a time, and so many successes in a row close it | 1 |
//! | `while_open` | attempts `"fail"` at once, or consumers `"pause"` | `"fail"` |

use super::compile::Known;
use super::diagnostic::Diagnostic;
use super::distribution;
use super::extras;
use super::fields::{Context, Fields, Given, named};
use super::names::{self, Named, find};
use super::source::Span;
use super::spot::Spot;
use super::stage::StageDraft;
use super::tree::Node;
use super::units::Dimension;
use super::values::{self, Range};
use crate::network::{
    AfterFailure, Backoff, Breaker, CircuitBreaker, Failure, Failures, Redelivery, RetryPlace,
    StageId, System, WhileOpen,
};
use crate::random::Distribution;

/// A `failure` as it was written; `None` is not given.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FailureDraft {
    span: Span,
    probability: Option<f64>,
    attempts: Option<u32>,
    backoff: Option<Backoff>,
    retry: Option<RetryPlace>,
    then: Option<Named>,
}

/// Reads a `failure`.
pub(super) fn read(node: &Node, cx: &mut Context) -> Option<FailureDraft> {
    let mut fields = Fields::of(node, Spot::Parameters("failure"), cx)?;
    let probability = optional(fields.entry("probability"), |entry| {
        values::entry_quantity(entry, Dimension::Share, Range::Probability, cx)
    });
    let attempts = optional(fields.entry("attempts"), |entry| {
        values::count_or_unlimited("attempts", &entry.node, cx)
    });
    let backoff = optional(fields.entry("backoff"), |entry| backoff(&entry.node, cx));
    let retry = optional(fields.entry("retry"), |entry| place(&entry.node, cx));
    let then = optional(fields.entry("then"), |entry| {
        names::reference("then", &entry.node, cx)
    });
    fields.finish(cx);
    Some(FailureDraft {
        span: node.span,
        probability: probability?,
        attempts: attempts?,
        backoff: backoff?,
        retry: retry?,
        then: then?,
    })
}

/// What an entry holds, if it is there; outer `None` if it is wrong.
fn optional<T, U>(given: Option<T>, read: impl FnOnce(T) -> Option<U>) -> Option<Option<U>> {
    match given {
        None => Some(None),
        Some(given) => read(given).map(Some),
    }
}

/// Reads the `failure` of a class.
pub(super) fn of_class(node: &Node, cx: &mut Context) -> Option<f64> {
    let mut fields = Fields::of(node, Spot::Parameters("failure"), cx)?;
    let share = (Dimension::Share, Range::Probability);
    let cure = "`probability = \"10%\"`; the rest of `failure` is the stage's";
    let probability = values::required_quantity(&mut fields, "probability", cure, share, cx);
    fields.finish(cx);
    probability
}

fn place(node: &Node, cx: &mut Context) -> Option<RetryPlace> {
    const WORDS: [&str; 3] = ["tail", "old_place", "in_place"];
    Some(match extras::word("retry", node, &WORDS, cx)? {
        "old_place" => RetryPlace::OldPlace,
        "in_place" => RetryPlace::InPlace,
        _ => RetryPlace::Tail,
    })
}

fn backoff(node: &Node, cx: &mut Context) -> Option<Backoff> {
    const TABLES: [&str; 4] = ["fixed", "exponential", "table", "law"];
    let (name, node) = match named(node, Spot::Parameters("backoff"), &["none"], &TABLES, cx)? {
        (name, Some(node)) => (name, node),
        (_, None) => return Some(Backoff::AtOnce),
    };
    let time = Dimension::Time;
    match name {
        "fixed" => {
            let wait = values::quantity("fixed", node, time, Range::NotNegative, cx)?;
            let law = Distribution::deterministic(wait);
            super::parameters::checked(law, node.span, cx).map(delay)
        }
        "exponential" => exponential(node, cx),
        "table" => table(node, cx),
        _ => distribution::read(node, cx).map(delay),
    }
}

/// A law that is always 0 is no delay.
fn delay(law: Distribution) -> Backoff {
    match law.is_deterministic() {
        Some(0.0) => Backoff::AtOnce,
        _ => Backoff::Law(law),
    }
}

fn exponential(node: &Node, cx: &mut Context) -> Option<Backoff> {
    let mut fields = Fields::of(node, Spot::Parameters("exponential"), cx)?;
    let time = (Dimension::Time, Range::Positive);
    let first = values::required_quantity(&mut fields, "first", "`first = \"1s\"`", time, cx);
    let number = (Dimension::Number, Range::Any);
    let factor = values::quantity_or(&mut fields, "factor", 2.0, number, cx);
    let share = (Dimension::Share, Range::Probability);
    let jitter = values::quantity_or(&mut fields, "jitter", 0.0, share, cx);
    let longest = values::time_or(&mut fields, "longest", f64::INFINITY, Range::Positive, cx);
    let (factor_span, longest_span) = (fields.span_of("factor"), fields.span_of("longest"));
    fields.finish(cx);
    let (first, factor, longest) = (first?, factor?, longest?);
    if factor < 1.0 {
        let message = format!("`factor` must be at least 1, not {factor}");
        let help = "2 doubles the time from one attempt to the next; 1 keeps it";
        cx.report(Diagnostic::error(factor_span, message).help(help));
        return None;
    }
    if longest < first {
        let message = "`longest` is shorter than `first`";
        let help = "make it longer, or remove it";
        cx.report(Diagnostic::error(longest_span, message).help(help));
        return None;
    }
    Some(Backoff::Exponential {
        first,
        factor,
        jitter: jitter?,
        longest,
    })
}

fn table(node: &Node, cx: &mut Context) -> Option<Backoff> {
    let delays = values::quantities("table", node, Dimension::Time, Range::NotNegative, cx)?;
    if delays.is_empty() {
        let message = "`table` has no entry";
        let help = "write the times one after the other: table = [\"1s\", \"5s\"]";
        cx.report(Diagnostic::error(node.span, message).help(help));
        return None;
    }
    Some(Backoff::Table(delays))
}

/// Reads a `timeout`.
pub(super) fn timeout(node: &Node, cx: &mut Context) -> Option<f64> {
    values::quantity("timeout", node, Dimension::Time, Range::Positive, cx)
}

/// Reads a `circuit_breaker`.
pub(super) fn breaker(node: &Node, cx: &mut Context) -> Option<CircuitBreaker> {
    let mut fields = Fields::of(node, Spot::Parameters("circuit_breaker"), cx)?;
    let cure = "such as `failures = 5`: it opens after so many in a row";
    let failures = fields
        .required("failures", cure, cx)
        .and_then(|entry| values::small_count("failures", &entry.node, (1, u32::MAX), cx));
    let cure = "the time for which it is open, such as `open_for = \"30s\"`";
    let time = (Dimension::Time, Range::Positive);
    let open_for = values::required_quantity(&mut fields, "open_for", cure, time, cx);
    let probes = values::count_or(&mut fields, "probes", 1, (1, u32::MAX), cx);
    let while_open = match fields.entry("while_open") {
        None => Some("fail"),
        Some(entry) => extras::word("while_open", &entry.node, &["fail", "pause"], cx),
    };
    fields.finish(cx);
    Some(CircuitBreaker {
        failures: failures?,
        open_for: open_for?,
        probes: probes?,
        while_open: match while_open? {
            "pause" => WhileOpen::Pause,
            _ => WhileOpen::Fail,
        },
    })
}

/// How attempts at a stage fail, with its system's defaults for what is not said.
pub(super) fn compile(
    stage: &StageDraft,
    system: System,
    known: &Known<'_>,
    cx: &mut Context,
) -> Option<Failures> {
    let draft = given(&stage.extras.failure)?;
    let timeout = given(&stage.extras.timeout)?;
    let breaker = given(&stage.extras.breaker)?;
    let own = own_probabilities(stage, known)?;
    let fails = draft.is_some() || own.iter().any(Option::is_some);
    if !fails && timeout.is_none() {
        return breaker.map_or(Some(Failures::Never), |breaker| {
            let message = "`circuit_breaker` where no attempt fails: it never opens";
            let help = "add `failure = { probability = … }` or a `timeout`, or remove it";
            cx.report(Diagnostic::error(breaker.key, message).help(help));
            None
        });
    }
    let common = draft.map(|draft| &draft.value);
    if let Some(common) = common
        && common.probability.is_none()
        && timeout.is_none()
        && own.iter().all(Option::is_none)
    {
        let message = "`failure` needs `probability`, or the stage a `timeout`";
        let help = "add such as `probability = \"3%\"`";
        cx.report(Diagnostic::error(common.span, message).help(help).absent());
        return None;
    }
    let otherwise = common.and_then(|common| common.probability).unwrap_or(0.0);
    let defaults = Redelivery::preset(system);
    let then = common.and_then(|common| common.then.as_ref());
    let common_of = |of: fn(&FailureDraft) -> Option<u32>| common.and_then(of);
    Some(Failures::Some(Box::new(Failure {
        probability: own
            .into_iter()
            .map(|probability| probability.unwrap_or(otherwise))
            .collect(),
        timeout: timeout.map_or(f64::INFINITY, |timeout| timeout.value),
        attempts: common_of(|common| common.attempts).unwrap_or(defaults.attempts),
        backoff: common
            .and_then(|common| common.backoff.clone())
            .unwrap_or(defaults.backoff),
        retry: common
            .and_then(|common| common.retry)
            .unwrap_or(defaults.retry),
        then: match then {
            None => defaults.then,
            Some(then) => target(then, stage, known, cx)?,
        },
        breaker: breaker.map_or(Breaker::None, |breaker| Breaker::Circuit(breaker.value)),
    })))
}

/// What was given, if anything; `None` if it is wrong.
pub(super) fn given<T>(given: &Given<T>) -> Option<Option<&T>> {
    match given {
        Given::Absent => Some(None),
        Given::Wrong => None,
        Given::Is(value) => Some(Some(value)),
    }
}

/// The probabilities that classes have of their own.
fn own_probabilities(stage: &StageDraft, known: &Known<'_>) -> Option<Vec<Option<f64>>> {
    let of = |class: &Option<&str>| {
        let own = stage.classes.iter();
        let own = own.filter(|own| Some(own.name.text.as_str()) == *class);
        match own.map(|own| &own.failure).next() {
            None | Some(Given::Absent) => Some(None),
            Some(Given::Wrong) => None,
            Some(Given::Is(probability)) => Some(Some(*probability)),
        }
    };
    known.classes.iter().map(of).collect()
}

fn target(
    then: &Named,
    stage: &StageDraft,
    known: &Known<'_>,
    cx: &mut Context,
) -> Option<AfterFailure> {
    match then.text.as_str() {
        "dead_letter" => return Some(AfterFailure::DeadLetter),
        "cancelled" => return Some(AfterFailure::Cancelled),
        "lost" => return Some(AfterFailure::Lost),
        _ => {}
    }
    let words = ["dead_letter", "cancelled", "lost"].map(Some);
    let names: Vec<Option<&str>> = known.stages.iter().copied().chain(words).collect();
    let index = find(then, "stage", &names, cx)?;
    if stage.name.as_ref().is_some_and(|own| own.text == then.text) {
        let message = format!("`then` sends orders back to `{}` itself", then.text);
        let help = "give it more `attempts`, or name another stage";
        cx.report(Diagnostic::error(then.span, message).help(help));
        return None;
    }
    Some(AfterFailure::Stage(StageId(index)))
}
