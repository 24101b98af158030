//! What does not go together at a stage, and what a stage makes of its extras.
//!
//! What contradicts itself is an error. What only has no effect is a warning and compiled away, so
//! that one number can be changed (`--set stage.pay.consumers=unlimited`) without touching the rest.

use super::compile::Known;
use super::diagnostic::Diagnostic;
use super::extras::Keyed;
use super::failure::{self, given};
use super::fields::{Context, Given};
use super::names::{Named, find};
use super::queue::QueueDraft;
use super::refused::{self, Seen};
use super::source::Span;
use super::stage::StageDraft;
use crate::network::{
    AfterRepair, Balking, Batching, Breakdowns, Broker, Capacity, ClassAtStage, Consumers,
    Discipline, Extras, Fork, Patience, Reliability, Service, Staffing, StageId, Stocking, System,
    TimeToLive,
};

/// What waits at a stage, in which order, and what goes beyond; `None` where something is wrong.
pub(super) struct Combined {
    pub(super) discipline: Discipline,
    pub(super) capacity: Capacity,
    pub(super) extras: Extras,
}

/// Checks a stage's settings against each other.
pub(super) fn combined(
    stage: &StageDraft,
    by_class: Option<&[ClassAtStage]>,
    known: &Known<'_>,
    cx: &mut Context,
) -> Option<Combined> {
    let extras = extras(stage, known, cx);
    let queue = stage.queue.as_ref()?;
    let capacity = capacity(stage, queue, cx);
    let combined = Combined {
        discipline: discipline(stage, queue, cx),
        capacity: capacity?,
        extras: extras?,
    };
    let services = by_class?.iter().map(|class| class.service.clone());
    let services: Vec<Service> = services.collect();
    refused::check(
        &Seen {
            stage,
            queue,
            consumers: stage.consumers?,
            extras: &combined.extras,
            services: &services,
            incident: cx.incident,
        },
        cx,
    )?;
    Some(combined)
}

fn extras(stage: &StageDraft, known: &Known<'_>, cx: &mut Context) -> Option<Extras> {
    let patience = patience(stage, cx);
    let reliability = reliability(stage, cx);
    let fork = fork(stage, known, cx);
    let balking = balking(stage, cx);
    let time_to_live = time_to_live(stage, cx);
    let written = &stage.extras;
    let broker = given(&written.broker).map(|broker| match broker {
        None => Broker::default(),
        Some(broker) => broker.value.broker.clone(),
    });
    let system = broker
        .as_ref()
        .map_or(System::Memory, |broker| broker.system);
    let failures = failure::compile(stage, system, known, cx);
    let stocking = stocking(stage, known, cx);
    let staffing = match (given(&written.schedule)?, given(&written.autoscale)?) {
        (Some(shifts), _) => Staffing::Shifts(shifts.value.clone()),
        (None, Some(scale)) => Staffing::Autoscale(scale.value),
        (None, None) => Staffing::Constant,
    };
    let batching = given(&written.batch)?;
    Some(Extras {
        patience: patience?,
        reliability: reliability?,
        fork: fork?,
        balking: balking?,
        time_to_live: time_to_live?,
        batching: batching.map_or(Batching::Single, |batch| batch.value),
        failures: failures?,
        staffing,
        stocking: stocking?,
        broker: broker?,
    })
}

fn stocking(stage: &StageDraft, known: &Known<'_>, cx: &mut Context) -> Option<Stocking> {
    let Some(stock) = given(&stage.extras.stock)? else {
        return Some(Stocking::None);
    };
    let until = stock.value.hold.until();
    let own = stage.name.as_ref();
    if let (Some(until), Some(own)) = (until, own)
        && until.text == own.text
    {
        let message = "`until` this stage itself: it is taken here";
        let help = "write hold = \"take\", or name a stage that orders come to later";
        cx.report(Diagnostic::error(until.span, message).help(help));
        return None;
    }
    let stock = stock.value.compile(&known.stages, cx)?;
    Some(Stocking::Stock(Box::new(stock)))
}

fn unlimited(stage: &StageDraft) -> bool {
    stage.consumers == Some(Consumers::Unlimited)
}

fn discipline(stage: &StageDraft, queue: &QueueDraft, cx: &mut Context) -> Discipline {
    let Some(word) = word(queue.discipline).filter(|_| unlimited(stage)) else {
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

fn time_to_live(stage: &StageDraft, cx: &mut Context) -> Option<TimeToLive> {
    let Some(ttl) = &stage.queue.as_ref()?.time_to_live else {
        return Some(TimeToLive::Endless);
    };
    let Some(reason) = nobody_waits(stage) else {
        return Some(ttl.value);
    };
    warn(
        Some(ttl.key),
        format!("`ttl` changes nothing here: {reason}, and nobody waits"),
        "remove it, or let orders wait",
        cx,
    );
    Some(TimeToLive::Endless)
}

fn balking(stage: &StageDraft, cx: &mut Context) -> Option<Balking> {
    let Some(balk) = &stage.queue.as_ref()?.balking else {
        return Some(Balking::Never);
    };
    let always = balk.value.first().is_some_and(|first| first.at == 0);
    let Some(reason) = nobody_waits(stage).filter(|_| !always) else {
        return Some(Balking::Steps(balk.value.clone()));
    };
    warn(
        Some(balk.key),
        format!("`balk` changes nothing here: {reason}, and nobody waits"),
        "remove it, or let orders wait",
        cx,
    );
    Some(Balking::Never)
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
    let Some(fanout) = given(&stage.extras.fanout)? else {
        return Some(Fork::None);
    };
    let targets: Vec<Option<StageId>> = fanout
        .value
        .branches
        .iter()
        .map(|branch| target(branch, stage, known, cx))
        .collect();
    let targets: Option<Vec<StageId>> = targets.into_iter().collect();
    targets.map(if fanout.value.joined {
        Fork::JoinAll
    } else {
        Fork::Detached
    })
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

/// The word of a discipline that goes by more than the order of arrival, where nobody waits.
fn word(discipline: Discipline) -> Option<&'static str> {
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
