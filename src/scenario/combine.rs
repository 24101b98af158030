//! What does not go together at a stage, and what a stage makes of its extras.
//!
//! What contradicts itself is an error. What only has no effect is a warning and compiled away, so
//! that one number can be changed (`--set stage.pay.consumers=unlimited`) without touching the rest.

use super::compile::Known;
use super::diagnostic::Diagnostic;
use super::extras::Keyed;
use super::fields::{Context, Given};
use super::names::{Named, find};
use super::queue::QueueDraft;
use super::source::Span;
use super::stage::StageDraft;
use crate::network::{
    AfterRepair, Breakdowns, Capacity, Consumers, Discipline, Extras, Fork, Patience, Reliability,
    StageId,
};

/// What waits at a stage, in which order, and what goes beyond; `None` where something is wrong.
pub(super) struct Combined {
    pub(super) discipline: Discipline,
    pub(super) capacity: Capacity,
    pub(super) extras: Extras,
}

/// Checks a stage's settings against each other, and notes those that only formulas understand.
pub(super) fn combined(
    stage: &StageDraft,
    known: &Known<'_>,
    cx: &mut Context,
) -> Option<Combined> {
    let patience = patience(stage, cx);
    let reliability = reliability(stage, cx);
    let fork = fork(stage, known, cx);
    let queue = stage.queue.as_ref()?;
    let capacity = capacity(stage, queue, cx);
    let combined = Combined {
        discipline: discipline(stage, queue, cx),
        capacity: capacity?,
        extras: Extras {
            patience: patience?,
            reliability: reliability?,
            fork: fork?,
            ..Extras::default()
        },
    };
    note_formulas_only(stage, queue, &combined, cx);
    Some(combined)
}

fn unlimited(stage: &StageDraft) -> bool {
    stage.consumers == Some(Consumers::Unlimited)
}

fn discipline(stage: &StageDraft, queue: &QueueDraft, cx: &mut Context) -> Discipline {
    let Some(word) = beyond_simulation(queue.discipline).filter(|_| unlimited(stage)) else {
        return queue.discipline;
    };
    warn(
        queue.discipline_span,
        format!("`{word}` changes nothing here: `consumers` are unlimited, and nobody waits"),
        "give `consumers` a number, or remove the discipline",
        cx,
    );
    Discipline::Fifo
}

fn capacity(stage: &StageDraft, queue: &QueueDraft, cx: &mut Context) -> Option<Capacity> {
    let word = match queue.capacity {
        Capacity::Block(_) => "block",
        Capacity::Retry(..) => "retry",
        Capacity::DropOldest(_) => "drop_oldest",
        Capacity::DeadLetter(_) => "dead_letter",
        Capacity::Unbounded | Capacity::Reject(_) => return Some(queue.capacity.clone()),
    };
    if !unlimited(stage) {
        return Some(queue.capacity.clone());
    }
    let message = format!("`{word}` with unlimited `consumers`: the queue is never full");
    let span = queue.overflow_span.unwrap_or(stage.span);
    let help = "give `consumers` a number, or remove `overflow`";
    cx.report(Diagnostic::error(span, message).help(help));
    None
}

/// Why no order ever waits at a stage, if so.
fn nobody_waits(stage: &StageDraft) -> Option<&'static str> {
    let queue = stage.queue.as_ref()?;
    if unlimited(stage) {
        Some("`consumers` are unlimited")
    } else if queue.discipline == Discipline::ProcessorSharing {
        Some("under `ps` every order is served at once")
    } else if matches!(queue.capacity, Capacity::Reject(0) | Capacity::Block(0)) {
        Some("`capacity` is 0")
    } else {
        None
    }
}

fn patience(stage: &StageDraft, cx: &mut Context) -> Option<Patience> {
    let patience = match &stage.extras.patience {
        Given::Absent => return Some(Patience::Endless),
        Given::Wrong => return None,
        Given::Is(patience) => patience,
    };
    let Some(reason) = nobody_waits(stage) else {
        return Some(Patience::Limited(patience.value.clone()));
    };
    warn(
        Some(patience.key),
        format!("`patience` changes nothing here: {reason}, and nobody waits"),
        "remove it, or let orders wait",
        cx,
    );
    Some(Patience::Endless)
}

/// Whether orders may lose patience at a stage.
pub(super) fn impatient(stage: &StageDraft) -> bool {
    stage.extras.patience != Given::Absent && nobody_waits(stage).is_none()
}

fn reliability(stage: &StageDraft, cx: &mut Context) -> Option<Reliability> {
    let Keyed { value, key } = match &stage.extras.breakdown {
        Given::Absent => return Some(Reliability::Perfect),
        Given::Wrong => return None,
        Given::Is(breakdown) => breakdown,
    };
    if let Some((problem, help)) = impossible(stage, value) {
        cx.report(Diagnostic::error(*key, problem).help(help));
        return None;
    }
    Some(Reliability::Breakdowns(value.clone()))
}

fn impossible(stage: &StageDraft, breakdowns: &Breakdowns) -> Option<(&'static str, &'static str)> {
    if unlimited(stage) {
        return Some((
            "`breakdown` with unlimited `consumers`: there are always others",
            "give `consumers` a number",
        ));
    }
    let shared = stage.queue.as_ref()?.discipline == Discipline::ProcessorSharing;
    (shared && breakdowns.then != AfterRepair::Resume).then_some((
        "under `ps` no order has a consumer of its own, with whom its work could be lost",
        "write then = \"resume\", or choose another discipline",
    ))
}

fn fork(stage: &StageDraft, known: &Known<'_>, cx: &mut Context) -> Option<Fork> {
    let branches = match &stage.extras.fanout {
        Given::Absent => return Some(Fork::None),
        Given::Wrong => return None,
        Given::Is(fanout) => &fanout.value,
    };
    let targets: Vec<Option<StageId>> = branches
        .iter()
        .map(|branch| target(branch, stage, known, cx))
        .collect();
    let targets: Option<Vec<StageId>> = targets.into_iter().collect();
    targets.map(Fork::JoinAll)
}

fn target(
    branch: &Named,
    stage: &StageDraft,
    known: &Known<'_>,
    cx: &mut Context,
) -> Option<StageId> {
    let index = find(branch, "stage", &known.stages, cx)?;
    if stage
        .name
        .as_ref()
        .is_none_or(|own| own.text != branch.text)
    {
        return Some(StageId(index));
    }
    let message = format!("`{}` sends copies to itself, for ever more", branch.text);
    cx.report(Diagnostic::error(branch.span, message).help("name other stages"));
    None
}

fn warn(span: Option<Span>, message: String, help: &str, cx: &mut Context) {
    if let Some(span) = span {
        cx.report(Diagnostic::warning(span, message).help(help));
    }
}

/// The word of a discipline that the simulation cannot do.
fn beyond_simulation(discipline: Discipline) -> Option<&'static str> {
    match discipline {
        Discipline::ShortestFirst => Some("sjf"),
        Discipline::ShortestRemaining => Some("srpt"),
        Discipline::ProcessorSharing => Some("ps"),
        Discipline::PreemptivePriority => Some("preemptive = true"),
        Discipline::PreemptiveRestart => Some("preemptive = \"restart\""),
        Discipline::EarliestDeadline => Some("edf"),
        Discipline::Fifo | Discipline::Lifo | Discipline::Random | Discipline::Priority => None,
    }
}

fn note_formulas_only(
    stage: &StageDraft,
    queue: &QueueDraft,
    combined: &Combined,
    cx: &mut Context,
) {
    if let (Some(word), Some(span)) = (
        beyond_simulation(combined.discipline),
        queue.discipline_span,
    ) {
        cx.formulas_only(span, word);
    }
    let overflow = match combined.capacity {
        Capacity::Block(_) => Some("block"),
        Capacity::Retry(..) => Some("retry"),
        Capacity::DropOldest(_) => Some("drop_oldest"),
        Capacity::DeadLetter(_) => Some("dead_letter"),
        Capacity::Unbounded | Capacity::Reject(_) => None,
    };
    if let (Some(word), Some(span)) = (overflow, queue.overflow_span) {
        cx.formulas_only(span, word);
    }
    let asked = &stage.extras;
    let Extras {
        patience,
        reliability,
        fork,
        ..
    } = &combined.extras;
    let keys = [
        (
            *patience != Patience::Endless,
            key(&asked.patience),
            "patience",
        ),
        (
            *reliability != Reliability::Perfect,
            key(&asked.breakdown),
            "breakdown",
        ),
        (*fork != Fork::None, key(&asked.fanout), "fanout"),
    ];
    for (used, key, word) in keys {
        if let (true, Some(key)) = (used, key) {
            cx.formulas_only(key, word);
        }
    }
}

fn key<T>(given: &Given<Keyed<T>>) -> Option<Span> {
    match given {
        Given::Is(keyed) => Some(keyed.key),
        Given::Absent | Given::Wrong => None,
    }
}
