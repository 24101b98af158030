//! All that a run has to say, and the folder it is written to.

use super::build;
use super::comparison::Comparison;
use super::json;
use super::manifest::{Manifest, ScenarioRecord};
use super::records::RunRecords;
use super::slo::{SloJudgement, judge};
use super::warning::{Warning, warnings};
use crate::network::Network;
use crate::sim::SimResult;
use crate::theory::NetworkTheory;

/// All that a run has to say: what was asked, measured, predicted and judged.
#[derive(Debug)]
pub struct RunReport {
    /// What was run.
    pub network: Network,
    /// The file it came from.
    pub scenario: ScenarioRecord,
    /// The predictions.
    pub theory: NetworkTheory,
    /// The measurements; none where only theory was asked for.
    pub sim: Option<SimResult>,
    /// The one beside the other.
    pub comparison: Comparison,
    /// The objectives' judgements.
    pub slos: Vec<SloJudgement>,
    /// What a reader of the figures must know.
    pub warnings: Vec<Warning>,
}

impl RunReport {
    /// Puts measurements and predictions together. `noticed` are the warnings of whoever read the
    /// scenario.
    pub fn new(
        network: Network,
        scenario: ScenarioRecord,
        theory: NetworkTheory,
        sim: Option<SimResult>,
        noticed: Vec<Warning>,
    ) -> RunReport {
        let comparison = Comparison::new(&network, &theory, sim.as_ref());
        let slos = if sim.is_some() {
            judge(&network, &comparison)
        } else {
            Vec::new()
        };
        let mut all = noticed;
        all.extend(
            sim.iter()
                .flat_map(|sim| warnings(&network, sim, &comparison)),
        );
        RunReport {
            network,
            scenario,
            theory,
            sim,
            comparison,
            slos,
            warnings: all,
        }
    }

    /// The manifest of a run.
    pub fn manifest(&self, sim: &SimResult, command: &[String]) -> Manifest {
        Manifest {
            orderline: env!("CARGO_PKG_VERSION").to_owned(),
            name: self.network.name.clone(),
            engine: sim.engine.to_string(),
            command: command.to_vec(),
            seed: self.network.seed,
            confidence: self.comparison.confidence,
            verdict_level: self.comparison.verdict_level,
            replications: sim.replications,
            warmup: sim.start.warmup,
            warmup_rule: sim.start.rule.name().to_owned(),
            measured: sim.measured,
            partial: sim.partial,
            entered: sim.entered,
            outcomes: json::outcomes(sim),
            messages: json::messages(sim),
            live: None,
            warnings: self.warnings.iter().map(ToString::to_string).collect(),
            limits: build::limit_rows(&self.network),
            scenario: self.scenario.clone(),
        }
    }

    /// The rows that the charts are drawn from.
    pub fn records(&self, sim: &SimResult) -> RunRecords {
        RunRecords {
            scenario: self.network.name.clone(),
            confidence: self.comparison.confidence,
            warmup: sim.start.warmup,
            limits: build::limit_rows(&self.network),
            metrics: build::metric_rows(&self.network, &self.theory, &self.comparison),
            timeseries: build::time_rows(&self.network, &self.theory, sim),
            staff: build::staff_rows(&self.network, sim),
            distributions: build::distribution_rows(
                &self.network,
                &self.theory,
                sim,
                &self.comparison,
            ),
            live: None,
        }
    }
}
