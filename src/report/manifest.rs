//! `manifest.json`: what was run, on what, by whom asked.

use super::records::LimitRow;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// What was run. Everything here follows from the scenario, the seed and the command line; there is
/// no clock in it, so that the same run gives the same bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the program.
    pub orderline: String,
    /// Name of the scenario.
    pub name: String,
    /// Engine that measured.
    pub engine: String,
    /// The command line.
    pub command: Vec<String>,
    /// Master seed.
    pub seed: u64,
    /// Confidence level of the intervals.
    pub confidence: f64,
    /// Level at which each exact figure was judged, corrected for their number.
    pub verdict_level: f64,
    /// Replications that the figures are made of.
    pub replications: u64,
    /// Seconds left out at the start of each.
    pub warmup: f64,
    /// How that was found: `fixed`, `mser5`, `unsettled`, `whole_periods`, `too_few` or
    /// `transient`.
    pub warmup_rule: String,
    /// Seconds measured in each, on average.
    pub measured: f64,
    /// Whether the run was stopped before its end.
    pub partial: bool,
    /// Orders that entered, in all replications.
    pub entered: u64,
    /// How many of them left how.
    pub outcomes: BTreeMap<String, u64>,
    /// What became of messages, where they are not just the orders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messages: Option<BTreeMap<String, u64>>,
    /// What is known of a live run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<LiveFacts>,
    /// What a reader of the figures must know.
    pub warnings: Vec<String>,
    /// The objectives' limits.
    pub limits: Vec<LimitRow>,
    /// The scenario.
    pub scenario: ScenarioRecord,
}

/// What a live run went through, and how it went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LiveFacts {
    /// The system.
    pub system: String,
    /// What that calls itself.
    pub version: String,
    /// Where it is, without who asked; none of what has no address.
    #[serde(default)]
    pub address: Option<String>,
    /// Real seconds for each scenario second.
    pub time_scale: f64,
    /// `whole`, `stopped` or `broker_lost`.
    pub ended: String,
    /// 99th percentile of how late orders were sent, real seconds.
    pub lateness_p99: f64,
    /// Times that the connection to the broker was lost.
    pub outages: u64,
    /// How long it was lost altogether, real seconds.
    #[serde(default)]
    pub outage_time: f64,
    /// Orders that nobody had any more after the end.
    pub missing: u64,
    /// Orders that were still under way when waiting for them ended.
    pub left: u64,
}

impl LiveFacts {
    /// The system with its version.
    pub fn name(&self) -> String {
        let (system, version) = (self.system.trim(), self.version.trim());
        match version {
            "" => system.to_owned(),
            version if version.starts_with(system) => version.to_owned(),
            version => format!("{system} {version}"),
        }
    }
}

/// The scenario as it was run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScenarioRecord {
    /// The file it was read from, as given.
    pub file: String,
    /// SHA-256 of its text, hexadecimal.
    pub sha256: String,
    /// Changes by `--set` and the like, in their order.
    pub set: Vec<String>,
    /// Its text.
    pub text: String,
}

impl ScenarioRecord {
    /// A record of a scenario's text.
    pub fn new(file: &str, text: &str, set: &[String]) -> ScenarioRecord {
        let digest = Sha256::digest(text.as_bytes());
        ScenarioRecord {
            file: file.to_owned(),
            sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
            set: set.to_vec(),
            text: text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_sha256() {
        // FIPS 180-4 example: SHA-256 of "abc".
        assert_eq!(
            ScenarioRecord::new("x.toml", "abc", &[]).sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
