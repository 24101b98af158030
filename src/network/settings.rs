//! Settings in the words of the scenario file, for whoever shows them: what a broker does, and how it
//! differs from its system's defaults.

use super::broker::{
    Acknowledgement, Broker, Commitment, Costs, Expiry, Outages, Outside, PartitionBy, Store,
    Transactions,
};
use super::failure::{AfterFailure, Backoff, RetryPlace};
use super::presets::Redelivery;
use crate::random::Distribution;

/// A key of the scenario file and its value, as it may be written there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The key.
    pub key: &'static str,
    /// The value; of a law, its mean.
    pub value: String,
}

impl Setting {
    fn new(key: &'static str, value: impl Into<String>) -> Setting {
        let value = value.into();
        Setting { key, value }
    }
}

impl Broker {
    /// All that holds here, one setting after the other.
    pub fn settings(&self) -> Vec<Setting> {
        let mut settings = store(&self.store);
        settings.push(commitment(self.commitment));
        settings.push(Setting::new("threads", self.threads.to_string()));
        settings.extend(acknowledgement(self.acknowledgement));
        settings.push(Setting::new("detection", time(self.detection)));
        settings.push(Setting::new("rebalance", time(self.rebalance)));
        settings.push(Setting::new("flow_control", outside(self.outside)));
        settings.push(Setting::new("expiry", expiry(self.expiry)));
        settings.push(Setting::new("durable", self.durable.to_string()));
        settings.push(Setting::new("idempotent", self.idempotent.to_string()));
        settings.extend(transaction(&self.transaction));
        settings.extend(costs(&self.costs));
        settings.extend(outages(&self.outages));
        settings
    }

    /// What holds here and not in its system's preset, each with what the preset has instead.
    pub fn changes(&self) -> Vec<(Setting, Option<String>)> {
        let preset = Broker::preset(self.system).settings();
        let changed = self.settings().into_iter();
        let changed = changed.filter(|one| !preset.contains(one));
        changed
            .map(|one| {
                let before = preset.iter().find(|default| default.key == one.key);
                let before = before.map(|default| default.value.clone());
                (one, before)
            })
            .collect()
    }
}

impl Redelivery {
    /// All that holds, one setting after the other; a stage has no name here.
    pub fn settings(&self) -> Vec<Setting> {
        vec![
            Setting::new(
                "attempts",
                match self.attempts {
                    u32::MAX => "unlimited".to_owned(),
                    attempts => attempts.to_string(),
                },
            ),
            Setting::new("backoff", self.backoff.to_string()),
            Setting::new("retry", self.retry.to_string()),
            Setting::new(
                "then",
                match self.then {
                    AfterFailure::DeadLetter => "dead_letter",
                    AfterFailure::Cancelled => "cancelled",
                    AfterFailure::Lost => "lost",
                    AfterFailure::Stage(_) => "a stage",
                },
            ),
        ]
    }
}

impl std::fmt::Display for Backoff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Backoff::AtOnce => f.write_str("none"),
            Backoff::Law(wait) => f.write_str(&law(wait)),
            Backoff::Exponential {
                first,
                factor,
                jitter,
                longest,
            } => {
                write!(f, "{} · {factor}^(n − 1)", time(*first))?;
                if longest.is_finite() {
                    write!(f, ", at most {}", time(*longest))?;
                }
                match jitter {
                    0.0 => Ok(()),
                    _ => write!(f, ", ± {}%", 100.0 * jitter),
                }
            }
            Backoff::Table(delays) => {
                let delays: Vec<String> = delays.iter().map(|delay| time(*delay)).collect();
                f.write_str(&delays.join(", "))
            }
        }
    }
}

impl std::fmt::Display for RetryPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            RetryPlace::Tail => "tail",
            RetryPlace::OldPlace => "old_place",
            RetryPlace::InPlace => "in_place",
        })
    }
}

fn store(store: &Store) -> Vec<Setting> {
    let Store::Partitions { count, by } = store else {
        return Vec::new();
    };
    let by = match by {
        PartitionBy::RoundRobin => "round_robin".to_owned(),
        PartitionBy::Hash => "hash".to_owned(),
        PartitionBy::Key { keys, exponent } => {
            format!("{{ key = {{ keys = {keys}, exponent = {exponent} }} }}")
        }
    };
    vec![
        Setting::new("partitions", count.to_string()),
        Setting::new("partition_by", by),
    ]
}

fn commitment(commitment: Commitment) -> Setting {
    match commitment {
        Commitment::OnDemand => Setting::new("prefetch", "none"),
        Commitment::Push { prefetch: u32::MAX } => Setting::new("prefetch", "unlimited"),
        Commitment::Push { prefetch } => Setting::new("prefetch", prefetch.to_string()),
        Commitment::Pull {
            batch,
            at_least,
            wait,
        } => Setting::new(
            "pull",
            format!(
                "{{ batch = {batch}, at_least = {at_least}, wait = \"{}\" }}",
                time(wait)
            ),
        ),
        Commitment::AtSend { high_water_mark } => {
            Setting::new("high_water_mark", high_water_mark.to_string())
        }
    }
}

fn acknowledgement(acknowledgement: Acknowledgement) -> Vec<Setting> {
    let (how, timeout) = match acknowledgement {
        Acknowledgement::OnDelivery => ("on_delivery".to_owned(), None),
        Acknowledgement::PerMessage { timeout } => ("per_message".to_owned(), Some(time(timeout))),
        Acknowledgement::Commits { every } => (
            format!("{{ commit = {{ every = \"{}\" }} }}", time(every)),
            None,
        ),
    };
    let timeout = timeout.map(|timeout| Setting::new("visibility_timeout", timeout));
    let how = Setting::new("acknowledgement", how);
    [Some(how), timeout].into_iter().flatten().collect()
}

fn outside(outside: Outside) -> String {
    match outside {
        Outside::Rejected => "false".to_owned(),
        Outside::Waits(f64::INFINITY) => "true".to_owned(),
        Outside::Waits(longest) => format!("{{ at_most = \"{}\" }}", time(longest)),
    }
}

fn expiry(expiry: Expiry) -> String {
    match expiry {
        Expiry::AtOnce => "at_once".to_owned(),
        Expiry::AtHead => "at_head".to_owned(),
        Expiry::Scan(every) => format!("{{ scan = \"{}\" }}", time(every)),
    }
}

fn transaction(transaction: &Transactions) -> Option<Setting> {
    let Transactions::Half(half) = transaction else {
        return None;
    };
    let value = format!(
        "{{ local = {}, commit = {}, rollback = {}, timeout = \"{}\", check_every = \"{}\", checks = {} }}",
        law(&half.local),
        half.commit,
        half.rollback,
        time(half.timeout),
        time(half.check_every),
        half.checks
    );
    Some(Setting::new("transaction", value))
}

fn costs(costs: &Costs) -> Vec<Setting> {
    let rate = |bytes: f64| match bytes {
        f64::INFINITY => "unlimited".to_owned(),
        bytes => size(bytes) + "/s",
    };
    let batch = |bytes: f64| match bytes {
        f64::INFINITY => "unlimited".to_owned(),
        bytes => size(bytes),
    };
    vec![
        Setting::new("network", law(&costs.network)),
        Setting::new("bandwidth", rate(costs.bandwidth)),
        Setting::new("linger", time(costs.linger)),
        Setting::new("batch_size", batch(costs.batch_bytes)),
        Setting::new("persistence", law(&costs.persistence)),
        Setting::new("refuse_after", time(costs.refuse_after)),
        Setting::new("confirm", law(&costs.confirm)),
        Setting::new("delay", law(&costs.delay)),
        Setting::new("handover", law(&costs.handover)),
        Setting::new("acknowledge", law(&costs.acknowledge)),
    ]
}

fn outages(outages: &Outages) -> Option<Setting> {
    let Outages::Repeated(outage) = outages else {
        return None;
    };
    let value = format!(
        "{{ uptime = {}, downtime = {} }}",
        law(&outage.uptime),
        law(&outage.downtime)
    );
    Some(Setting::new("outage", value))
}

/// A law by its mean; one that is not constant says so.
fn law(law: &Distribution) -> String {
    match law.is_deterministic() {
        Some(value) => time(value),
        None => format!("{} on average", time(law.mean())),
    }
}

/// A size with the largest unit in which it is a whole number.
fn size(bytes: f64) -> String {
    let units = [
        ("GB", 1e9),
        ("MB", 1e6),
        ("MiB", 1_048_576.0),
        ("KiB", 1024.0),
        ("kB", 1e3),
    ];
    let whole = |unit: f64| bytes >= unit && (bytes / unit).fract() == 0.0;
    match units.into_iter().find(|(_, unit)| whole(*unit)) {
        Some((symbol, unit)) => format!("{}{symbol}", bytes / unit),
        None => format!("{bytes}B"),
    }
}

/// A time with the largest unit in which it is a short number.
fn time(seconds: f64) -> String {
    if seconds.is_infinite() {
        return "never".to_owned();
    }
    let units = [("h", 3600.0), ("min", 60.0), ("s", 1.0)];
    let whole = |unit: f64| seconds >= unit && (seconds / unit).fract() == 0.0;
    match units.into_iter().find(|(_, unit)| whole(*unit)) {
        Some((symbol, unit)) => format!("{}{symbol}", seconds / unit),
        None if seconds == 0.0 => "0".to_owned(),
        None if seconds < 1.0 => format!("{}ms", (seconds * 1e6).round() / 1e3),
        None => format!("{}s", (seconds * 1e6).round() / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::System;

    #[test]
    fn a_preset_has_no_changes_and_a_change_tells_the_default() {
        for system in System::ALL {
            assert_eq!(Broker::preset(system).changes(), []);
        }
        let mut broker = Broker::preset(System::RabbitMq);
        broker.commitment = Commitment::Push { prefetch: 10 };
        let changes = broker.changes();
        assert_eq!(
            changes,
            [(Setting::new("prefetch", "10"), Some("unlimited".to_owned()))]
        );
    }

    #[test]
    fn sizes_are_short() {
        let cases = [(16_384.0, "16KiB"), (1e7, "10MB"), (1500.0, "1500B")];
        for (bytes, text) in cases {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn times_are_short() {
        let cases = [
            (0.0, "0"),
            (0.005, "5ms"),
            (0.5, "500ms"),
            (0.0125, "12.5ms"),
            (45.0, "45s"),
            (1.5, "1.5s"),
            (90.0, "90s"),
            (1800.0, "30min"),
            (7200.0, "2h"),
            (f64::INFINITY, "never"),
        ];
        for (seconds, text) in cases {
            assert_eq!(time(seconds), text);
        }
    }
}
