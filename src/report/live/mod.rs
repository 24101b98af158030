//! What a live run has to say: all that a simulated one has, and beside it the simulated twins, the
//! difference to them order by order, and what the machine and the broker took.
//!
//! Three runs of the same orders stand side by side. *Live* is what was measured. The *twin* is the simulation
//! with the times that the script intends: what is different is due to the broker and the machine. The *twin
//! as it was* is the simulation with the moments at which orders were really sent, and the work as
//! long as it really took: what is different is due to the broker alone.
//!
//! A live run is one run, so its figures have no spread of their own. They are given that of single simulated
//! runs of the same length (see `spread`), so that they are judged as those of a simulation are.

mod build;
mod difference;
mod json;
mod output;
pub mod records;
mod spread;
mod text;
mod warning;

pub use difference::Difference;
pub(super) use json::LiveSection;
pub(super) use output::read;
pub use output::write_live;
pub use text::live_summary;
pub use warning::LiveWarning;

use super::manifest::{LiveFacts, ScenarioRecord};
use super::run_report::RunReport;
use super::warning::Warning;
use crate::live::{Delay, Ended, LiveRun, name_of};
use crate::metric::Metric;
use crate::network::{Network, Place};
use crate::sim::{OneRun, SimResult, Twin};
use crate::theory::NetworkTheory;

/// All that is known of a live run.
#[derive(Debug)]
pub struct LiveInput {
    /// What was run.
    pub network: Network,
    /// The file it came from.
    pub scenario: ScenarioRecord,
    /// The predictions.
    pub theory: NetworkTheory,
    /// The live run, as measured by its log.
    pub live: Twin,
    /// The simulation of the same orders.
    pub twin: Twin,
    /// The same, with the moments of sending and the work as they really were.
    pub replayed: Twin,
    /// What single runs of this length measure by chance alone.
    pub single: OneRun,
    /// The course of the run.
    pub run: LiveRun,
    /// The warnings of whoever read the scenario.
    pub noticed: Vec<Warning>,
}

/// All that a live run has to say.
#[derive(Debug)]
pub struct LiveReport {
    /// What a simulated run would have to say as well; the measurements are the live ones, with the spread of
    /// single runs.
    pub report: RunReport,
    /// What was measured of the twin.
    pub twin: SimResult,
    /// What was measured of the twin as it was.
    pub replayed: SimResult,
    /// By how much orders were later than their twins.
    pub to_twin: Difference,
    /// By how much they were later than their twins as they were.
    pub to_replayed: Difference,
    /// Single runs that the intervals are made of.
    pub single_runs: u64,
    /// The course of the run.
    pub run: LiveRun,
}

impl LiveReport {
    /// Puts everything together.
    pub fn new(input: LiveInput) -> LiveReport {
        let LiveInput {
            network,
            run,
            live,
            twin,
            replayed,
            ..
        } = input;
        let warmup = live.result.start.warmup;
        let to_twin = Difference::between(&live, &twin, warmup);
        let to_replayed = Difference::between(&live, &replayed, warmup);
        let confidence = network.run.confidence;
        let mut measured = spread::with_spread(&live.result, &input.single, confidence);
        measured.partial = run.ended != Ended::Whole;
        let found = warning::warnings(&network, &measured, &twin.result, &run);
        let mut report = RunReport::new(
            network,
            input.scenario,
            input.theory,
            Some(measured),
            input.noticed,
        );
        // A live run is one by nature, and says itself how it ended.
        report
            .warnings
            .retain(|warning| !matches!(warning, Warning::NoIntervals | Warning::Partial { .. }));
        report
            .warnings
            .splice(0..0, found.into_iter().map(Warning::Live));
        LiveReport {
            report,
            twin: twin.result,
            replayed: replayed.result,
            to_twin,
            to_replayed,
            single_runs: input.single.runs(),
            run,
        }
    }

    /// What the manifest says of it.
    pub fn facts(&self) -> LiveFacts {
        let run = &self.run;
        LiveFacts {
            system: name_of(run.system).to_owned(),
            version: run.version.clone(),
            address: run.address.clone(),
            time_scale: run.scale,
            ended: match run.ended {
                Ended::Whole => "whole",
                Ended::Stopped => "stopped",
                Ended::BrokerLost(_) => "broker_lost",
            }
            .to_owned(),
            lateness_p99: warning::all_stages(run, Delay::Lateness).quantile(0.99),
            outages: run.outages.times,
            outage_time: run.outages.lasted.as_secs_f64(),
            missing: run.missing,
            left: run.left,
        }
    }

    /// The live measurements.
    pub fn live(&self) -> Option<&SimResult> {
        self.report.sim.as_ref()
    }
}

/// A figure of a run.
fn figure(result: &SimResult, place: Place, metric: Metric) -> Option<f64> {
    let estimate = result.at(place)?.estimates.get(&metric)?;
    Some(estimate.point).filter(|point| point.is_finite())
}

/// By how much a live figure is above that of a twin: relative to it, or as it is where that is 0.
fn above(live: Option<f64>, twin: Option<f64>) -> Option<f64> {
    let (live, twin) = live.zip(twin)?;
    Some(if twin == 0.0 { live } else { live / twin - 1.0 })
}
