//! Looking figures up in the records of a run.

use crate::chart::font;
use crate::chart::value::Role;
use crate::metric::{Metric, Statistic, TimeKind};
use crate::report::records::{MetricRow, RunRecords};

/// The most stages a chart shows.
pub const STAGES: usize = 12;

/// The place of the whole pipeline.
pub const PIPELINE: &str = "pipeline";

/// A stage: its place in the records and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage<'a> {
    /// `stage:NAME`.
    pub at: &'a str,
    /// Its name.
    pub name: &'a str,
}

impl RunRecords {
    /// The row of a metric at a place.
    pub(super) fn row(&self, at: &str, metric: Metric) -> Option<&MetricRow> {
        let name = metric.to_string();
        self.metrics
            .iter()
            .find(|row| row.at == at && row.metric == name)
    }

    /// A measured figure at a place.
    pub(super) fn measured(&self, at: &str, metric: Metric) -> Option<f64> {
        self.row(at, metric)?.mean.filter(|v| v.is_finite())
    }

    /// A predicted figure at a place.
    pub(super) fn predicted(&self, at: &str, metric: Metric) -> Option<f64> {
        self.row(at, metric)?.theory.filter(|v| v.is_finite())
    }

    /// What the measured figures are called, and whose they are.
    pub(super) fn measured_as(&self) -> (&'static str, Role) {
        match self.live {
            None => ("simulation", Role::Simulation),
            Some(_) => ("live", Role::Live),
        }
    }

    /// What an average over time is over.
    pub(super) fn averaged_over(&self) -> &'static str {
        match self.live {
            None => "slices of time and over all replications",
            Some(_) => "slices of time",
        }
    }

    /// Whether the backlog at a place keeps growing, so that its averages are withheld.
    pub(super) fn grows(&self, at: &str) -> bool {
        let row = self.row(at, Metric::QueueLength);
        row.is_some_and(|row| row.verdict == "no_steady_state")
    }

    /// The limit set to a metric at a place.
    pub(super) fn limit(&self, at: &str, metric: Metric) -> Option<f64> {
        let name = metric.to_string();
        let set = |row: &&crate::report::records::LimitRow| row.at == at && row.metric == name;
        self.limits.iter().find(set).map(|row| row.limit)
    }

    /// All stages in the order of the records.
    pub(super) fn stages(&self) -> Vec<Stage<'_>> {
        let mut found: Vec<Stage> = Vec::new();
        let places = self.metrics.iter().map(|row| row.at.as_str());
        for at in places.chain(self.timeseries.iter().map(|row| row.at.as_str())) {
            if let Some(name) = at.strip_prefix("stage:")
                && found.last().is_none_or(|last| last.at != at)
                && found.iter().all(|stage| stage.at != at)
            {
                found.push(Stage { at, name });
            }
        }
        found
    }

    /// The stages to show, in the order of the records: all, or the most loaded ones; and a note
    /// when some are left out.
    pub(super) fn main_stages(&self) -> (Vec<Stage<'_>>, String) {
        let all = self.stages();
        let count = all.len();
        if count <= STAGES {
            return (all, String::new());
        }
        let mut ranked: Vec<usize> = (0..count).collect();
        let load: Vec<f64> = all.iter().map(|stage| self.load(stage.at)).collect();
        ranked.sort_by(|a, b| load[*b].total_cmp(&load[*a]).then(a.cmp(b)));
        let kept = &ranked[..STAGES];
        let shown = (0..count)
            .filter(|i| kept.contains(i))
            .map(|i| all[i].clone());
        let note = format!("The {STAGES} most loaded of {count} stages are shown.");
        (shown.collect(), note)
    }

    fn load(&self, at: &str) -> f64 {
        let sojourn = Metric::mean(TimeKind::Sojourn);
        self.measured(at, Metric::Utilization)
            .or_else(|| self.measured(at, sojourn))
            .unwrap_or(0.0)
    }

    /// The level of the intervals as text, such as `95 %`.
    pub(super) fn level(&self) -> String {
        let percent = format!("{:.1}", self.confidence * 100.0);
        format!(
            "{}\u{a0}%",
            percent.trim_end_matches('0').trim_end_matches('.')
        )
    }
}

/// The interval of a row.
pub fn interval(row: &MetricRow) -> Option<(f64, f64)> {
    let (low, high) = row.low.zip(row.high)?;
    (low.is_finite() && high.is_finite()).then_some((low, high))
}

/// Words for a metric, such as `99th percentile of waiting time`.
pub fn words(metric: Metric) -> String {
    let Metric::Time(kind, statistic) = metric else {
        return metric.to_string().replace('_', " ");
    };
    let time = Metric::mean(kind).to_string().replace('_', " ");
    match statistic {
        Statistic::Mean => format!("mean {time}"),
        Statistic::Variance => format!("variance of {time}"),
        Statistic::P50 => format!("{time} p50"),
        Statistic::P90 => format!("{time} p90"),
        Statistic::P95 => format!("{time} p95"),
        Statistic::P99 => format!("{time} p99"),
        Statistic::P999 => format!("{time} p99.9"),
        Statistic::Max => format!("largest {time}"),
    }
}

/// A stage's name, short enough for a title.
pub fn short(name: &str) -> String {
    font::squeeze(name, 1.0, 18.0)
}

/// A list of names as words: `a`, `a and b`, `a, b and 3 more`.
pub fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => short(one),
        [one, two] => format!("{} and {}", short(one), short(two)),
        [one, two, rest @ ..] => {
            format!("{}, {} and {} more", short(one), short(two), rest.len())
        }
    }
}
