//! Answers that are made of one sheet of figures for each class.

use super::{Answer, Case, ClassWaits};
use crate::metric::{Metric, Statistic, TimeKind};
use crate::theory::numeric::sum;
use crate::theory::sheet::{Source, put};
use crate::theory::{Figure, Figures};

impl Answer {
    /// The figures of the classes that come, in the order of [`crate::theory::law::StageLaw::classes`],
    /// and what they make for the stage as a whole.
    pub fn of_classes(case: &Case<'_>, classes: Vec<Figures>) -> Answer {
        let shares: Vec<f64> = case.law.classes().map(|(_, share, _)| share).collect();
        let ids = case.law.classes().map(|(class, ..)| class);
        let mut answer = Answer::new(together(&shares, &classes));
        answer.classes = ClassWaits::Figures(ids.zip(classes).collect());
        answer
    }
}

/// The figures of all orders, from those of the classes with the given shares; only what every class
/// has.
fn together(shares: &[f64], classes: &[Figures]) -> Figures {
    if let [only] = classes {
        return only.clone();
    }
    let mut whole = Figures::new();
    let mean = |metric: Metric| {
        let parts = all(classes, metric)?;
        Some(sum(shares
            .iter()
            .zip(&parts)
            .map(|(p, figure)| p * figure.value)))
    };
    let averages = [
        (Metric::WaitProbability, "Σ λ_k P(Wq_k > 0)/λ"),
        (Metric::mean(TimeKind::Waiting), "Wq = Σ λ_k Wq_k/λ"),
        (Metric::mean(TimeKind::Sojourn), "W = Σ λ_k W_k/λ"),
    ];
    for (metric, formula) in averages {
        if let (Some(value), Some(parts)) = (mean(metric), all(classes, metric)) {
            put(&mut whole, metric, value, formula, source(&parts));
        }
    }
    let numbers = [
        (Metric::QueueLength, "Lq = Σ Lq_k"),
        (Metric::NumberInSystem, "L = Σ L_k"),
    ];
    for (metric, formula) in numbers {
        if let Some(parts) = all(classes, metric) {
            let total = sum(parts.iter().map(|figure| figure.value));
            put(&mut whole, metric, total, formula, source(&parts));
        }
    }
    for time in [TimeKind::Waiting, TimeKind::Sojourn] {
        let variance = Metric::Time(time, Statistic::Variance);
        let known = (
            all(classes, variance),
            all(classes, Metric::mean(time)),
            mean(Metric::mean(time)),
        );
        let (Some(parts), Some(means), Some(centre)) = known else {
            continue;
        };
        let spread = shares.iter().zip(parts.iter().zip(&means));
        let spread = spread.map(|(p, (own, mean))| p * (own.value + (mean.value - centre).powi(2)));
        let formula = "Σ λ_k (Var_k + (mean_k − mean)²)/λ";
        put(&mut whole, variance, sum(spread), formula, source(&parts));
    }
    whole
}

/// A figure of every class.
fn all(classes: &[Figures], metric: Metric) -> Option<Vec<Figure>> {
    classes
        .iter()
        .map(|figures| figures.get(&metric).copied())
        .collect()
}

/// The source of a figure that is made of these.
fn source(parts: &[Figure]) -> Source {
    let worst = parts.iter().max_by_key(|figure| figure.kind);
    worst.map_or(Source::exact(""), |figure| Source {
        kind: figure.kind,
        reference: figure.reference,
    })
}
