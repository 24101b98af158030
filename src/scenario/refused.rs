//! Settings of a stage that contradict each other, and why; and those that have no effect.

use super::broker::BrokerDraft;
use super::diagnostic::Diagnostic;
use super::extras::Keyed;
use super::fields::{Context, Given};
use super::queue::QueueDraft;
use super::source::Span;
use super::stage::StageDraft;
use crate::network::{
    AfterExpiry, AfterFailure, AfterRepair, Backoff, Batching, Breaker, Broker, Capacity,
    Commitment, Consumers, Discipline, Extras, Failure, Failures, Outside, Reliability, RetryPlace,
    Service, Staffing, Store, System, TimeToLive, WhileOpen,
};

/// A stage with all of its settings.
pub(super) struct Seen<'s> {
    pub(super) stage: &'s StageDraft,
    pub(super) queue: &'s QueueDraft,
    pub(super) consumers: Consumers,
    pub(super) extras: &'s Extras,
    /// The laws of service of the classes.
    pub(super) services: &'s [Service],
    /// Whether it is only so during an incident.
    pub(super) incident: bool,
}

/// A place, what is wrong there, and what would be right.
type Refusal = (Span, String, &'static str);

/// Reports every contradiction of a stage. `None` if there is one.
pub(super) fn check(seen: &Seen<'_>, cx: &mut Context) -> Option<()> {
    let rules = [
        unlimited(seen),
        staffing(seen),
        sharing(seen),
        lanes(seen),
        time_to_live(seen),
        put_aside(seen),
        retry_place(seen),
        too_few_for_a_batch(seen),
        for_ever(seen),
    ];
    warn_of_no_effect(seen, cx);
    let refusals: Vec<Refusal> = rules.into_iter().flatten().collect();
    let none = refusals.is_empty().then_some(());
    for (span, message, help) in refusals {
        cx.report(Diagnostic::error(span, message).help(help));
    }
    none
}

impl Seen<'_> {
    fn broker(&self) -> &Broker {
        &self.extras.broker
    }

    fn broker_draft(&self) -> Option<&Keyed<BrokerDraft>> {
        given(&self.stage.extras.broker)
    }

    /// Where a setting of the broker was given, else the broker, else the stage.
    fn broker_key(&self, key: &str) -> Span {
        let draft = self.broker_draft();
        draft.map_or(self.stage.span, |draft| {
            draft.value.key(key).unwrap_or(draft.key)
        })
    }

    fn failure(&self) -> Option<&Failure> {
        match &self.extras.failures {
            Failures::Never => None,
            Failures::Some(failure) => Some(failure),
        }
    }

    /// Where failures are spoken of.
    fn failure_key(&self) -> Span {
        let extras = &self.stage.extras;
        let timeout = || given(&extras.timeout).map(|timeout| timeout.key);
        let failure = given(&extras.failure).map(|failure| failure.key);
        failure.or_else(timeout).unwrap_or(self.stage.span)
    }

    fn discipline_span(&self) -> Span {
        self.queue.discipline_span.unwrap_or(self.stage.span)
    }
}

fn given<T>(given: &Given<T>) -> Option<&T> {
    match given {
        Given::Is(value) => Some(value),
        Given::Absent | Given::Wrong => None,
    }
}

/// Unlimited consumers are nobody in particular.
fn unlimited(seen: &Seen<'_>) -> Option<Refusal> {
    if seen.consumers != Consumers::Unlimited {
        return None;
    }
    let help = "give `consumers` a number";
    let extras = &seen.stage.extras;
    let keyed = [
        (given(&extras.schedule).map(|one| one.key), "schedule"),
        (given(&extras.autoscale).map(|one| one.key), "autoscale"),
        (given(&extras.batch).map(|one| one.key), "batch"),
    ];
    let keyed = keyed.into_iter().find_map(|(key, word)| Some((key?, word)));
    if let Some((key, word)) = keyed {
        let message = format!("`{word}` with unlimited `consumers`: there is one for every order");
        return Some((key, message, help));
    }
    let broker = seen.broker();
    let named = broker.commitment != Commitment::OnDemand || broker.threads > 1;
    named.then(|| {
        let system = broker.system.key();
        let message = format!(
            "`{system}` with unlimited `consumers`: it gives messages to each of a number of consumers"
        );
        (seen.broker_key("broker"), message, help)
    })
}

fn staffing(seen: &Seen<'_>) -> Option<Refusal> {
    let extras = &seen.stage.extras;
    let (schedule, autoscale) = (given(&extras.schedule), given(&extras.autoscale));
    if let (Some(schedule), Some(autoscale)) = (schedule, autoscale) {
        let message = "`schedule` and `autoscale` exclude each other: one of them sets the number \
                       of consumers";
        let later = schedule.key.max(autoscale.key);
        return Some((
            later,
            message.to_owned(),
            "keep one of them and remove the other",
        ));
    }
    let (Staffing::Autoscale(scale), Consumers::Finite(consumers)) =
        (&seen.extras.staffing, seen.consumers)
    else {
        return None;
    };
    let outside = consumers < scale.minimum || consumers > scale.maximum;
    (outside && !seen.incident).then(|| {
        let message = format!(
            "{consumers} `consumers` at the start, but `autoscale` keeps them from {} to {}",
            scale.minimum, scale.maximum
        );
        let key = autoscale.map_or(seen.stage.span, |autoscale| autoscale.key);
        (key, message, "start within these bounds, or widen them")
    })
}

/// The word of a discipline under which an order in service may lose its consumer to another.
fn interrupted(discipline: Discipline) -> Option<&'static str> {
    match discipline {
        Discipline::ProcessorSharing => Some("ps"),
        Discipline::ShortestRemaining => Some("srpt"),
        Discipline::PreemptivePriority | Discipline::PreemptiveRestart => Some("preemptive"),
        _ => None,
    }
}

/// What needs an order to stay with its consumer.
fn sharing(seen: &Seen<'_>) -> Option<Refusal> {
    let word = interrupted(seen.queue.discipline)?;
    let extras = &seen.stage.extras;
    let refusal = |key: Span, what: String| {
        let message =
            format!("{what} under `{word}`: no order keeps its consumer until it is done");
        let help = "choose another discipline, or remove it";
        Some((key, message, help))
    };
    let broker = seen.broker();
    let ideal = Broker::default();
    if broker.system != System::Memory {
        return refusal(
            seen.broker_key("broker"),
            format!("`{}`", broker.system.key()),
        );
    }
    let like_ideal = broker.store == ideal.store
        && broker.commitment == ideal.commitment
        && broker.acknowledgement == ideal.acknowledgement;
    if !like_ideal {
        let what = "messages that are handed over ahead or again".to_owned();
        return refusal(seen.broker_key("broker"), what);
    }
    if let Reliability::Breakdowns(breakdowns) = &seen.extras.reliability
        && breakdowns.then == AfterRepair::Restart
    {
        let key = given(&extras.breakdown).map_or(seen.stage.span, |breakdown| breakdown.key);
        return refusal(key, "`breakdown` with then = \"restart\"".to_owned());
    }
    let keyed = [
        (given(&extras.batch).map(|one| one.key), "batch"),
        (given(&extras.timeout).map(|one| one.key), "timeout"),
    ];
    if let Some((key, what)) = keyed.into_iter().find_map(|(key, word)| Some((key?, word))) {
        return refusal(key, format!("`{what}`"));
    }
    let in_place = seen
        .failure()
        .is_some_and(|failure| failure.retry == RetryPlace::InPlace);
    if in_place {
        return refusal(
            seen.failure_key(),
            "`failure` with retry = \"in_place\"".to_owned(),
        );
    }
    None
}

/// Messages that are in a lane, or in a consumer's own buffer, are in the order of their coming.
fn lanes(seen: &Seen<'_>) -> Option<Refusal> {
    if seen.queue.discipline == Discipline::Fifo {
        return None;
    }
    let broker = seen.broker();
    let (reason, help) = match (&broker.store, broker.commitment) {
        (Store::Partitions { .. }, _) => (
            "a partition is a log, read from its beginning",
            "write discipline = \"fifo\", or give each priority a stage of its own",
        ),
        (_, Commitment::AtSend { .. }) => (
            "a message is in a consumer's buffer as soon as it is sent",
            "write discipline = \"fifo\"",
        ),
        _ => return None,
    };
    let message = format!(
        "a `discipline` other than \"fifo\" in `{}`: {reason}",
        broker.system.key()
    );
    Some((seen.discipline_span(), message, help))
}

fn time_to_live(seen: &Seen<'_>) -> Option<Refusal> {
    let ttl = seen.queue.time_to_live.as_ref()?;
    let reason = match seen.broker().system {
        System::Kafka | System::RocketMq => "its log is kept, or cut, as a whole",
        System::ZeroMq => "what has been sent is in a consumer's buffer",
        System::Memory | System::RabbitMq | System::ActiveMq => return None,
    };
    let system = seen.broker().system;
    let message = format!(
        "`ttl` in `{}`: {} has no time to live of single messages, {reason}",
        system.key(),
        system.name()
    );
    let help = "give the stage `patience`, or let the consumer drop what is too old by `failure`";
    Some((ttl.key, message, help))
}

/// ZeroMQ keeps nothing aside.
fn put_aside(seen: &Seen<'_>) -> Option<Refusal> {
    if seen.broker().system != System::ZeroMq {
        return None;
    }
    let expired = matches!(
        seen.extras.time_to_live,
        TimeToLive::Limited {
            then: AfterExpiry::DeadLetter,
            ..
        }
    );
    let full = matches!(seen.queue.capacity, Capacity::DeadLetter(_));
    let failed = seen
        .failure()
        .is_some_and(|failure| failure.then == AfterFailure::DeadLetter);
    let span = match (full, failed) {
        (true, _) => seen.queue.overflow_span.unwrap_or(seen.stage.span),
        (_, true) => seen.failure_key(),
        _ if expired => seen.queue.time_to_live.as_ref()?.key,
        _ => return None,
    };
    let message = "`dead_letter` in `zeromq`: there is no broker that could keep messages aside";
    let help = "write \"lost\", or name a stage that takes what has failed";
    Some((span, message.to_owned(), help))
}

fn retry_place(seen: &Seen<'_>) -> Option<Refusal> {
    let failure = seen.failure()?;
    let system = seen.broker().system;
    let again = failure.attempts > 1;
    let (reason, help) = match (failure.retry, system) {
        (RetryPlace::InPlace, _) if seen.extras.batching != Batching::Single => (
            "retry = \"in_place\" with `batch`: the others of the batch are done",
            "write retry = \"tail\", or remove `batch`",
        ),
        (RetryPlace::OldPlace, System::Kafka | System::RocketMq) if again => (
            "retry = \"old_place\" in a log: nothing can be put back into it",
            "write retry = \"in_place\", which blocks the partition, or \"tail\", a topic for retries",
        ),
        (RetryPlace::OldPlace | RetryPlace::Tail, System::ZeroMq) if again => (
            "`zeromq` delivers nothing again: there is no broker that a message could go back to",
            "write retry = \"in_place\": the consumer tries again itself",
        ),
        _ => return None,
    };
    Some((seen.failure_key(), reason.to_owned(), help))
}

/// A batch that waits for more messages than can ever be there.
fn too_few_for_a_batch(seen: &Seen<'_>) -> Option<Refusal> {
    let Batching::UpTo { at_least, wait, .. } = seen.extras.batching else {
        return None;
    };
    if wait.is_finite() {
        return None;
    }
    let held = match seen.broker().commitment {
        Commitment::OnDemand => u64::MAX,
        Commitment::Push { prefetch: most } => u64::from(most),
        Commitment::Pull { batch: most, .. } => u64::from(most),
        Commitment::AtSend {
            high_water_mark: most,
        } => u64::from(most),
    };
    let places = match seen.queue.capacity {
        Capacity::Unbounded => u64::MAX,
        Capacity::Reject(places)
        | Capacity::Block(places)
        | Capacity::Retry(places, _)
        | Capacity::DropOldest(places)
        | Capacity::DeadLetter(places) => places,
    };
    let most = held.min(places);
    (u64::from(at_least) > most).then(|| {
        let key = given(&seen.stage.extras.batch).map_or(seen.stage.span, |batch| batch.key);
        let message = format!(
            "`batch` waits for {at_least} messages, and a consumer never sees more than {most}"
        );
        (key, message, "give it a `wait`, or make `at_least` smaller")
    })
}

/// Attempts that never come to an end, or that take no time at all.
fn for_ever(seen: &Seen<'_>) -> Option<Refusal> {
    let failure = seen.failure()?;
    if failure.attempts < u32::MAX {
        return None;
    }
    let at_once = no_delay(&failure.backoff);
    if let (Breaker::Circuit(circuit), true) = (failure.breaker, at_once)
        && circuit.while_open == WhileOpen::Fail
    {
        let key = given(&seen.stage.extras.breaker).map_or(seen.stage.span, |one| one.key);
        let message = "an open `circuit_breaker` fails attempts at once, and they are tried again at \
                       once, for ever";
        let help = "give `failure` a number of `attempts` or a `backoff`, or write \
                    while_open = \"pause\"";
        return Some((key, message.to_owned(), help));
    }
    let certain = |class: &usize| failure.probability[*class] >= 1.0;
    let mut always = (0..failure.probability.len()).filter(certain);
    let idle = |class: usize| seen.services[class].law().mean() <= 0.0;
    let stuck = match seen.incident {
        false => always.next().is_some(),
        true => at_once && always.any(idle),
    };
    stuck.then(|| {
        let message = "every attempt fails, and their number is unlimited: no order is ever done";
        let help = "give `failure` a number of `attempts`, or a probability below 1";
        (seen.failure_key(), message.to_owned(), help)
    })
}

fn no_delay(backoff: &Backoff) -> bool {
    match backoff {
        Backoff::AtOnce => true,
        Backoff::Law(law) => law.mean() <= 0.0,
        Backoff::Exponential { .. } => false,
        Backoff::Table(delays) => delays.last().is_none_or(|last| *last <= 0.0),
    }
}

/// Settings of the broker that were given and change nothing here.
fn warn_of_no_effect(seen: &Seen<'_>, cx: &mut Context) {
    let (Some(draft), broker) = (seen.broker_draft(), seen.broker()) else {
        return;
    };
    let on_delivery = broker.acknowledgement == crate::network::Acknowledgement::OnDelivery;
    let blocks = matches!(seen.queue.capacity, Capacity::Block(_))
        || matches!(broker.commitment, Commitment::AtSend { .. });
    let cases = [
        (
            "expiry",
            seen.queue.time_to_live.is_none(),
            "the queue has no `ttl`",
        ),
        (
            "flow_control",
            !blocks && broker.outside != Outside::Rejected,
            "the queue never blocks; overflow = \"block\" would",
        ),
        (
            "refuse_after",
            broker.costs.persistence.mean() <= 0.0,
            "the writer has no work, which is `persistence`",
        ),
        (
            "batch_size",
            broker.costs.linger <= 0.0,
            "without `linger` every message is sent alone",
        ),
        (
            "detection",
            on_delivery,
            "what a dead consumer held is lost, it was acknowledged on delivery",
        ),
        (
            "idempotent",
            on_delivery && broker.idempotent,
            "nothing is delivered twice that was acknowledged on delivery",
        ),
    ];
    for (key, idle, reason) in cases {
        if let (Some(span), true) = (draft.value.key(key), idle) {
            let message = format!("`{key}` changes nothing here: {reason}");
            cx.report(Diagnostic::warning(span, message).help("remove it"));
        }
    }
    warn_of_idle_members(seen, draft, cx);
    warn_of_batches_at_hand(seen, cx);
}

/// A batch that waits for messages which somebody else may have in hand: it does not.
fn warn_of_batches_at_hand(seen: &Seen<'_>, cx: &mut Context) {
    let Batching::UpTo { at_least: 2.., .. } = seen.extras.batching else {
        return;
    };
    if seen.broker().commitment == Commitment::OnDemand {
        return;
    }
    let Some(batch) = given(&seen.stage.extras.batch) else {
        return;
    };
    let message =
        "`at_least` of `batch` changes nothing here: a consumer begins with what it was given";
    let help = "let the broker wait, such as pull = { batch = 500, at_least = 100 }, or remove it";
    cx.report(Diagnostic::warning(batch.key, message).help(help));
}

/// More members of a group than partitions.
fn warn_of_idle_members(seen: &Seen<'_>, draft: &Keyed<BrokerDraft>, cx: &mut Context) {
    let (Store::Partitions { count, .. }, Consumers::Finite(consumers)) =
        (&seen.broker().store, seen.consumers)
    else {
        return;
    };
    let members = consumers.div_ceil(seen.broker().threads);
    if members <= *count {
        return;
    }
    let lanes = match count {
        1 => "1 partition".to_owned(),
        count => format!("{count} partitions"),
    };
    let idle = members - count;
    let message = format!("{lanes} for {members} consumers: {idle} of them never get a message");
    let span = draft.value.key("partitions").unwrap_or(draft.key);
    let help = "give it as many `partitions` as consumers, such as { kafka = { partitions = 4 } }";
    cx.report(Diagnostic::warning(span, message).help(help));
}
