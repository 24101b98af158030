//! Objectives judged by intervals: met, violated, or undecided.

use super::comparison::Comparison;
use super::verdict::Verdict;
use crate::network::{Network, Slo, SloBound};
use crate::stats::Interval;

/// Whether an objective is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SloState {
    /// The whole interval is on the good side of the limit.
    Met,
    /// The whole interval is on the bad side, or the backlog grows without end.
    Violated,
    /// The interval straddles the limit, or there is none.
    Undecided,
}

impl SloState {
    /// Its name in every output.
    pub fn name(self) -> &'static str {
        match self {
            SloState::Met => "met",
            SloState::Violated => "violated",
            SloState::Undecided => "undecided",
        }
    }
}

/// An objective and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct SloJudgement {
    /// The objective.
    pub slo: Slo,
    /// The point estimate; none where there is no steady state or nothing was measured.
    pub measured: Option<f64>,
    /// Its interval at the scenario's confidence.
    pub interval: Option<Interval>,
    /// The judgement.
    pub state: SloState,
}

/// Judges all objectives of a scenario.
pub fn judge(network: &Network, comparison: &Comparison) -> Vec<SloJudgement> {
    network
        .slos
        .iter()
        .map(|slo| judge_one(slo, comparison))
        .collect()
}

fn judge_one(slo: &Slo, comparison: &Comparison) -> SloJudgement {
    let line = comparison.line(slo.at, slo.metric);
    let estimate = line.and_then(|line| line.measured.as_ref());
    let interval = line.and_then(|line| line.interval(comparison.confidence));
    let unsteady = line.is_some_and(|line| line.verdict == Verdict::NoSteadyState);
    let state = match interval {
        Some(interval) => compare(interval, slo.bound),
        None if unsteady => without_end(slo.bound),
        None => SloState::Undecided,
    };
    SloJudgement {
        slo: slo.clone(),
        measured: estimate.map(|e| e.point),
        interval,
        state,
    }
}

fn compare(interval: Interval, bound: SloBound) -> SloState {
    let (good, bad) = match bound {
        SloBound::Below(limit) => (interval.high < limit, interval.low >= limit),
        SloBound::Above(limit) => (interval.low > limit, interval.high <= limit),
    };
    match (good, bad) {
        (true, _) => SloState::Met,
        (_, true) => SloState::Violated,
        _ => SloState::Undecided,
    }
}

/// A figure that grows without end passes every limit from above.
fn without_end(bound: SloBound) -> SloState {
    match bound {
        SloBound::Below(_) => SloState::Violated,
        SloBound::Above(_) => SloState::Undecided,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_across_the_limit_decides_nothing() {
        let interval = Interval {
            low: 1.0,
            high: 2.0,
        };
        assert_eq!(compare(interval, SloBound::Below(2.1)), SloState::Met);
        assert_eq!(compare(interval, SloBound::Below(1.0)), SloState::Violated);
        assert_eq!(compare(interval, SloBound::Below(1.5)), SloState::Undecided);
        assert_eq!(compare(interval, SloBound::Above(0.5)), SloState::Met);
        assert_eq!(compare(interval, SloBound::Above(2.0)), SloState::Violated);
    }
}
