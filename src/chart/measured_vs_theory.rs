//! Every measured figure beside its prediction, as a relative difference with its interval.

use crate::chart::human;
use crate::chart::rows::{PIPELINE, interval, words};
use crate::chart::value::{
    Axis, Category, Chart, Glyph, Marker, Measure, Panel, Point, Role, Scale, Series, Shape,
};
use crate::metric::{Metric, Statistic, TimeKind};
use crate::report::records::{MetricRow, RunRecords};

/// The most figures shown.
const FIGURES: usize = 30;

/// A figure that can be compared.
struct Compared<'a> {
    row: &'a MetricRow,
    metric: Metric,
    theory: f64,
    difference: f64,
}

impl Compared<'_> {
    fn interval(&self) -> Option<(f64, f64)> {
        let relative = |v: f64| v / self.theory - 1.0;
        let (low, high) = interval(self.row)?;
        Some((relative(low), relative(high)))
    }

    fn exact(&self) -> bool {
        self.row.kind.as_deref() == Some("exact")
    }

    /// How far from no difference the figure's interval reaches.
    fn reach(&self) -> f64 {
        let (low, high) = self.interval().unwrap_or((0.0, 0.0));
        self.difference.abs().max(low.abs()).max(high.abs())
    }
}

/// Measured over predicted, minus 1, of the most telling figures; none without predictions.
pub fn measured_vs_theory(records: &RunRecords) -> Option<Chart> {
    let all: Vec<Compared> = records.metrics.iter().filter_map(compared).collect();
    let count = all.len();
    let title = title(records, &all);
    let shown = most_telling(all);
    if shown.is_empty() {
        return None;
    }
    let reach = reach(&shown);
    let note = (count > shown.len()).then(|| {
        format!(
            "{} of {count} figures are shown: what differs, then means, then percentiles.",
            shown.len()
        )
    });
    Some(Chart {
        name: "measured_vs_theory".to_owned(),
        title,
        subtitle: format!(
            "Measured over predicted, minus 1, with {} intervals; an arrow marks a figure beyond \
             the axis. The verdicts in the title allow for the number of figures judged.",
            records.level()
        ),
        note: note.unwrap_or_default(),
        x: Axis {
            quantity: "difference from theory".to_owned(),
            measure: Measure::Share,
            scale: Scale::Linear {
                low: -reach,
                high: reach,
            },
        },
        panels: vec![panel(records, &shown)],
    })
}

fn compared(row: &MetricRow) -> Option<Compared<'_>> {
    let (mean, theory) = row.mean.zip(row.theory)?;
    let difference = mean / theory - 1.0;
    (theory != 0.0 && difference.is_finite()).then_some(Compared {
        row,
        metric: row.metric.parse().ok()?,
        theory,
        difference,
    })
}

/// Means come before percentiles, and what is exact by the scenario alone comes last.
fn rank(metric: Metric) -> Option<u8> {
    match metric {
        Metric::Time(TimeKind::Latency, Statistic::Mean) => Some(1),
        Metric::Time(TimeKind::Sojourn | TimeKind::Waiting, Statistic::Mean) => Some(1),
        Metric::Utilization => Some(2),
        Metric::Time(TimeKind::Latency, Statistic::P50 | Statistic::P99) => Some(2),
        Metric::QueueLength | Metric::WaitProbability | Metric::LossProbability => Some(3),
        Metric::Throughput => Some(4),
        Metric::NumberInSystem => Some(5),
        Metric::Time(TimeKind::Sojourn, Statistic::P99) => Some(6),
        Metric::Time(TimeKind::Waiting, Statistic::P99) => Some(7),
        Metric::Time(TimeKind::Sojourn, Statistic::P50) => Some(8),
        Metric::Time(TimeKind::Service, Statistic::Mean) => Some(9),
        Metric::ArrivalRate => Some(10),
        _ => None,
    }
}

/// At most [`FIGURES`], in the order of the records. What differs from an exact formula is never
/// left out for something that agrees.
fn most_telling(all: Vec<Compared>) -> Vec<Compared> {
    let mut ranked: Vec<(u8, usize)> = all
        .iter()
        .enumerate()
        .filter_map(|(i, one)| match one.row.verdict.as_str() {
            "differs" => Some((0, i)),
            _ => Some((rank(one.metric)?, i)),
        })
        .collect();
    ranked.sort_unstable();
    ranked.truncate(FIGURES);
    let keep = |i: usize| ranked.iter().any(|(_, kept)| *kept == i);
    let kept = all.into_iter().enumerate().filter(|(i, _)| keep(*i));
    kept.map(|(_, one)| one).collect()
}

/// Half the width of the axis: what shows nine in ten intervals whole, 100 % at the most.
fn reach(shown: &[Compared]) -> f64 {
    let mut reaches: Vec<f64> = shown.iter().map(Compared::reach).collect();
    reaches.sort_by(f64::total_cmp);
    let most = reaches[(reaches.len() - 1) * 9 / 10];
    let all = reaches[reaches.len() - 1];
    let wanted = if all <= 1.5 * most { all } else { most };
    (wanted * 1.15).clamp(1e-4, 1.0)
}

fn panel(records: &RunRecords, shown: &[Compared]) -> Panel {
    let mut rows: Vec<Category> = Vec::new();
    let (mut exact, mut other) = (Vec::new(), Vec::new());
    let mut place = None;
    for one in shown {
        if place != Some(&one.row.at) {
            place = Some(&one.row.at);
            rows.push(heading(one.row));
        }
        let point = Point::at(one.difference, rows.len() as f64).between(one.interval());
        rows.push(category(one));
        let list = if one.exact() { &mut exact } else { &mut other };
        list.push(point);
    }
    let kinds = [
        ("an exact formula", Glyph::Disc, exact),
        ("an approximation or bound", Glyph::Diamond, other),
    ];
    let series = kinds
        .into_iter()
        .filter(|(_, _, points)| !points.is_empty());
    let level = records.level();
    let (whose, role) = records.measured_as();
    Panel {
        title: String::new(),
        y: Axis {
            quantity: "figure, by place".to_owned(),
            measure: Measure::Name,
            scale: Scale::Categories(rows),
        },
        series: series
            .map(|(kind, form, points)| {
                let label = format!("{whose} against {kind}, {level} interval");
                Series::new(label, role, Shape::Points(form, points))
            })
            .collect(),
        markers: vec![Marker::Vertical {
            at: 0.0,
            label: "theory".to_owned(),
            role: Role::Theory,
        }],
    }
}

fn heading(row: &MetricRow) -> Category {
    let label = match row.at.strip_prefix("stage:") {
        _ if row.at == PIPELINE => "whole pipeline".to_owned(),
        Some(name) if row.model.is_empty() => name.to_owned(),
        Some(name) => format!("{name}, {}", row.model),
        None => row.at.trim_start_matches("class:").to_owned(),
    };
    Category {
        label,
        note: String::new(),
        heading: true,
    }
}

fn category(one: &Compared) -> Category {
    let half = one.interval().map(|(low, high)| (high - low) / 2.0);
    let difference = human::signed_percent(one.difference);
    let half = half.map(|h| human::signed_percent(h.abs()).replace('+', "± "));
    Category {
        label: words(one.metric),
        note: match half {
            Some(half) => format!("{difference}  {half}"),
            None => difference,
        },
        heading: false,
    }
}

/// The finding over all figures, shown or not.
fn title(records: &RunRecords, all: &[Compared]) -> String {
    let with = |verdict: &str| {
        records
            .metrics
            .iter()
            .filter(|r| r.verdict == verdict)
            .count()
    };
    let agree = with("agrees");
    let judged = agree + with("differs");
    let others = all.iter().any(|one| !one.exact());
    let worst = all
        .iter()
        .filter(|one| !one.exact())
        .map(|one| one.difference.abs())
        .fold(0.0, f64::max);
    let worst = match worst {
        w if w > 1.0 => "approximations are off by more than 100 %".to_owned(),
        w => {
            let percent = human::signed_percent(w);
            format!(
                "approximations are within {}",
                percent.trim_start_matches('+')
            )
        }
    };
    match (judged, usize::from(others)) {
        (0, _) => format!("No figure was held against an exact formula; {worst}"),
        (n, 0) if with("undecided") > n => format!(
            "{agree} of {} figures agree with their exact formulas, {} are undecided",
            n + with("undecided"),
            with("undecided")
        ),
        (n, 0) if n == agree => format!("All {n} figures agree with their exact formulas"),
        (n, 0) => format!("{agree} of {n} figures agree with their exact formulas"),
        (n, _) if n == agree => format!("All {n} figures with exact formulas agree; {worst}"),
        (n, _) => format!("{agree} of {n} figures agree with exact formulas; {worst}"),
    }
}
