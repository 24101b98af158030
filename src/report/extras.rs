//! What a stage does beyond a plain queue, in words: a line for each.

use super::format::{counted, duration};
use crate::network::{
    AfterExpiry, AfterFailure, AfterRepair, Autoscale, Balking, Batching, Breakdowns, Breaker,
    Broker, CircuitBreaker, Consumers, Failure, FailureClock, Failures, Fork, Hold, Network,
    Patience, Phase, Reliability, Replenishment, RetryPlace, ScaleBy, Shifts, Shortage, Staffing,
    Stage, StageId, Stock, Stocking, System, TimeToLive, WhileOpen,
};

/// All that goes beyond a plain queue at a stage.
pub(super) fn lines(network: &Network, stage: &Stage) -> Vec<String> {
    let extras = &stage.extras;
    let mut lines = Vec::new();
    if let Patience::Limited(law) = &extras.patience {
        lines.push(format!(
            "patience: an order gives up after waiting for {} on average",
            duration(law.mean())
        ));
    }
    lines.extend(time_to_live(extras.time_to_live));
    lines.extend(balking(&extras.balking));
    if let Reliability::Breakdowns(breakdowns) = &extras.reliability {
        lines.push(breakdown(breakdowns));
    }
    lines.extend(batching(extras.batching));
    if let Failures::Some(failure) = &extras.failures {
        lines.extend(failing(network, failure));
    }
    match &extras.staffing {
        Staffing::Constant => {}
        Staffing::Shifts(shifts) => lines.push(schedule(shifts)),
        Staffing::Autoscale(scale) => lines.push(autoscale(scale)),
    }
    if let Stocking::Stock(stock) = &extras.stocking {
        lines.push(stocking(network, stock));
    }
    lines.extend(fork(network, &extras.fork));
    lines.extend(broker(&extras.broker));
    lines
}

fn name(network: &Network, stage: StageId) -> &str {
    &network.stages[stage.0].name
}

fn time_to_live(time_to_live: TimeToLive) -> Option<String> {
    let TimeToLive::Limited { seconds, then } = time_to_live else {
        return None;
    };
    let then = match then {
        AfterExpiry::Expired => "is expired",
        AfterExpiry::DeadLetter => "is dead-lettered",
    };
    Some(format!(
        "ttl: a message that has waited for {} {then}",
        duration(seconds)
    ))
}

fn balking(balking: &Balking) -> Option<String> {
    let Balking::Steps(steps) = balking else {
        return None;
    };
    let steps: Vec<String> = steps
        .iter()
        .map(|step| format!("{} from {} waiting on", percent(step.probability), step.at))
        .collect();
    Some(format!("balk: orders turn away, {}", steps.join(", ")))
}

fn breakdown(breakdowns: &Breakdowns) -> String {
    let clock = match breakdowns.when {
        FailureClock::Always => "",
        FailureClock::Busy => " of serving",
    };
    let then = match breakdowns.then {
        AfterRepair::Resume => "its service then goes on",
        AfterRepair::Restart => "its service then starts anew",
        AfterRepair::Redeliver => "its order goes back to the queue",
    };
    format!(
        "breakdown: each consumer fails after {}{clock} on average, for {}; {then}",
        duration(breakdowns.uptime.mean()),
        duration(breakdowns.downtime.mean())
    )
}

fn batching(batching: Batching) -> Option<String> {
    let Batching::UpTo {
        size,
        at_least,
        wait,
    } = batching
    else {
        return None;
    };
    let begins = match (at_least, wait.is_finite()) {
        (1, _) => String::new(),
        (_, false) => format!("; it begins when {at_least} wait"),
        (_, true) => format!(
            "; it begins when {at_least} wait, or the first has waited for {}",
            duration(wait)
        ),
    };
    Some(format!(
        "batch: a consumer serves up to {size} orders at once{begins}"
    ))
}

fn failing(network: &Network, failure: &Failure) -> Vec<String> {
    let mut lines = Vec::new();
    if failure.probability.iter().any(|share| *share > 0.0) {
        lines.push(format!(
            "failure: {} of the attempts fail",
            shares(network, &failure.probability)
        ));
    }
    if failure.timeout.is_finite() {
        lines.push(format!(
            "timeout: an attempt is given up after {}, and has failed",
            duration(failure.timeout)
        ));
    }
    lines.push(retries(network, failure));
    if let Breaker::Circuit(circuit) = failure.breaker {
        lines.push(breaker(circuit));
    }
    lines
}

/// One share, or one for each class where they differ.
fn shares(network: &Network, shares: &[f64]) -> String {
    let first = shares.first().copied().unwrap_or(0.0);
    if shares.iter().all(|share| *share == first) {
        return percent(first);
    }
    let classes = network.classes.iter().zip(shares);
    let each = classes.map(|(class, share)| format!("{} (class {})", percent(*share), class.name));
    each.collect::<Vec<_>>().join(", ")
}

fn retries(network: &Network, failure: &Failure) -> String {
    let then = match failure.then {
        AfterFailure::DeadLetter => "dead-lettered".to_owned(),
        AfterFailure::Cancelled => "cancelled".to_owned(),
        AfterFailure::Lost => "lost".to_owned(),
        AfterFailure::Stage(stage) => format!("sent to {}", name(network, stage)),
    };
    let attempts = match failure.attempts {
        1 => return format!("retry: none; an order that has failed is {then}"),
        u32::MAX => "without limit".to_owned(),
        attempts => format!("up to {attempts} attempts, then {then}"),
    };
    let place = match failure.retry {
        RetryPlace::Tail => "at the tail of the queue",
        RetryPlace::OldPlace => "at its old place in the queue",
        RetryPlace::InPlace => "with its consumer, who waits for it",
    };
    let wait = match failure.backoff.to_string().as_str() {
        "none" => "at once".to_owned(),
        wait => format!("after {wait}"),
    };
    format!("retry: {attempts}; {wait}, {place}")
}

fn breaker(circuit: CircuitBreaker) -> String {
    let meanwhile = match circuit.while_open {
        WhileOpen::Fail => "attempts fail at once",
        WhileOpen::Pause => "no message is taken",
    };
    format!(
        "circuit breaker: opens after {} failures in a row, for {}, when {meanwhile}; closes after {} in a row that succeed",
        circuit.failures,
        duration(circuit.open_for),
        circuit.probes
    )
}

fn schedule(shifts: &Shifts) -> String {
    let steps = shifts.steps.iter();
    let steps = steps.map(|step| format!("{} from {} on", step.consumers, duration(step.at)));
    let again = match shifts.period.is_finite() {
        true => format!("; again every {}", duration(shifts.period)),
        false => String::new(),
    };
    let steps = steps.collect::<Vec<_>>().join(", ");
    format!("schedule: consumers {steps}{again}")
}

fn autoscale(scale: &Autoscale) -> String {
    let by = match scale.by {
        ScaleBy::Utilization(target) => format!("a utilization of {}", percent(target)),
        ScaleBy::Backlog(target) => format!("{target} waiting messages for each"),
        ScaleBy::DrainTime(target) => {
            format!("working off what waits within {}", duration(target))
        }
    };
    format!(
        "autoscale: {} to {} consumers for {by} (± {}), looking every {}; a new one begins after {}, one goes when fewer were enough for {}",
        scale.minimum,
        scale.maximum,
        percent(scale.tolerance),
        duration(scale.every),
        duration(scale.start_up),
        duration(scale.cool_down)
    )
}

fn stocking(network: &Network, stock: &Stock) -> String {
    let units: u64 = stock.items.iter().map(|item| item.initial).sum();
    let until = |until: Option<StageId>| match until {
        Some(stage) => format!("served at {}", name(network, stage)),
        None => "completed".to_owned(),
    };
    let hold = match stock.hold {
        Hold::Take => "takes them".to_owned(),
        Hold::Reserve {
            until: at,
            release_after,
        } => {
            let released = match release_after.is_finite() {
                true => format!(", at most for {}", duration(release_after)),
                false => String::new(),
            };
            format!("reserves them until it is {}{released}", until(at))
        }
        Hold::Look { until: at } => format!(
            "only looks, and takes them when it is {}, there or not",
            until(at)
        ),
    };
    let shortage = match stock.shortage {
        Shortage::LostSale => "is cancelled",
        Shortage::Backorder => "waits",
    };
    let filled = match &stock.replenishment {
        Replenishment::None => "never filled up".to_owned(),
        Replenishment::BaseStock { lead_time } => format!(
            "each unit sold is ordered at once and comes after {} on average",
            duration(lead_time.mean())
        ),
        Replenishment::ReorderPoint {
            reorder_at,
            up_to,
            lead_time,
        } => format!(
            "at {reorder_at} or less filled up to {up_to}, after {} on average",
            duration(lead_time.mean())
        ),
    };
    format!(
        "stock: {} of {}; an order asks for {} of one item on average and {hold}, or {shortage}; {filled}",
        counted(units, "unit"),
        counted(stock.items.len() as u64, "item"),
        trimmed(stock.quantity.mean())
    )
}

fn percent(share: f64) -> String {
    format!("{} %", trimmed(100.0 * share))
}

fn trimmed(number: f64) -> String {
    format!("{}", (number * 1000.0).round() / 1000.0)
}

fn fork(network: &Network, fork: &Fork) -> Option<String> {
    let when = match fork {
        Fork::None => return None,
        Fork::JoinAll(_) => "when all of them have left",
        Fork::Detached(_) => "at once",
    };
    let names = fork.branches().iter().map(|to| name(network, *to));
    let names: Vec<&str> = names.collect();
    Some(format!(
        "fanout: copies to {}; the order goes on {when}",
        names.join(", ")
    ))
}

/// A system with what it does by default, and what was changed of that.
fn broker(broker: &Broker) -> Vec<String> {
    if *broker == Broker::default() {
        return Vec::new();
    }
    let ideal = Broker::default().settings();
    let preset = Broker::preset(broker.system).settings().into_iter();
    let own = preset.filter(|setting| !ideal.contains(setting));
    let own: Vec<String> = own.map(|s| format!("{} = {}", s.key, s.value)).collect();
    let mut lines = vec![match broker.system {
        System::Memory => "broker: the ideal queue".to_owned(),
        system => format!("broker: {}, by default {}", system.name(), own.join(", ")),
    }];
    let changes = broker.changes();
    let changes = changes.iter().map(|(setting, before)| match before {
        Some(before) => format!("{} = {} (default {before})", setting.key, setting.value),
        None => format!("{} = {}", setting.key, setting.value),
    });
    let changes: Vec<String> = changes.collect();
    if !changes.is_empty() {
        lines.push(format!("changed of that: {}", changes.join(", ")));
    }
    lines
}

/// What incidents change, and when.
pub(super) fn incidents(network: &Network) -> Vec<String> {
    let phase = |phase: &Phase| {
        let what = differences(network, &phase.network, &phase.broker_down);
        let what = match what.is_empty() {
            true => "as at the start".to_owned(),
            false => what.join(", "),
        };
        format!("from {}: {what}", duration(phase.from))
    };
    network.phases.iter().map(phase).collect()
}

fn differences(base: &Network, during: &Network, down: &[bool]) -> Vec<String> {
    let mut found = Vec::new();
    for (was, is) in base.producers.iter().zip(&during.producers) {
        if was.arrivals != is.arrivals {
            found.push(format!("producer {} sends otherwise", is.name));
        }
    }
    for (was, is) in base.populations.iter().zip(&during.populations) {
        if was.think != is.think {
            found.push(format!("population {} thinks otherwise", is.name));
        }
    }
    for ((was, is), down) in base.stages.iter().zip(&during.stages).zip(down) {
        if *down {
            found.push(format!("the broker of {} is down", is.name));
        }
        if was.consumers != is.consumers
            && let Consumers::Finite(consumers) = is.consumers
        {
            let consumers = counted(u64::from(consumers), "consumer");
            found.push(format!("{} has {consumers}", is.name));
        }
        let same = Stage {
            consumers: was.consumers,
            ..is.clone()
        };
        if *was != same {
            found.push(format!("{} works otherwise", is.name));
        }
    }
    found
}
