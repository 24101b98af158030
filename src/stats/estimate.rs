//! Estimates with Student-t intervals over independent replications.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// A confidence interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// Whether `x` lies inside, ends included.
    pub fn contains(&self, x: f64) -> bool {
        self.low <= x && x <= self.high
    }

    /// Half the interval's width.
    pub fn half_width(&self) -> f64 {
        0.5 * (self.high - self.low)
    }
}

/// A point estimate with its standard error over n independent replications.
///
/// The interval at level γ is point ± t·s/√n with t the (1+γ)/2 quantile of Student's t with n − 1
/// degrees of freedom. It is valid when the replications' figures are independent (they are: each
/// has streams of its own) and near enough normal, which long replications make them.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// The point estimate: the mean over replications, or a figure of the pooled observations.
    pub point: f64,
    /// s/√n; NaN for fewer than two replications.
    pub standard_error: f64,
    /// Each replication's own figure, in the order of replications.
    pub values: Vec<f64>,
    /// How far the point can be off for reasons other than chance (rounding, the width of a
    /// histogram's bucket, a single order at the window's edge). Verdicts allow for it.
    pub resolution: f64,
    /// How many observations the figure rests on, over all replications: the orders that waited for
    /// a mean wait, the values beyond a quantile for that quantile. Infinite where that is no limit.
    pub events: f64,
}

/// Fewer observations than this in each replication, on average, and their mean is too skewed for
/// an interval that takes it for normal.
const EVENTS_PER_REPLICATION: f64 = 10.0;

impl Estimate {
    /// The mean of the replications' figures.
    pub fn of(values: Vec<f64>) -> Estimate {
        let point = mean(&values);
        Estimate {
            point,
            standard_error: standard_error(&values),
            values,
            resolution: 0.0,
            events: f64::INFINITY,
        }
    }

    /// The same spread about a point found otherwise (a quantile of the pooled observations).
    pub fn about(point: f64, values: Vec<f64>) -> Estimate {
        Estimate {
            point,
            ..Estimate::of(values)
        }
    }

    /// The same with its resolution stated.
    pub fn with_resolution(self, resolution: f64) -> Estimate {
        Estimate { resolution, ..self }
    }

    /// Whether too little was seen for the interval to mean anything.
    pub fn is_thin(&self) -> bool {
        self.events < EVENTS_PER_REPLICATION * self.values.len() as f64
    }

    /// Whether `exact` is the point itself, up to the resolution.
    pub fn equals(&self, exact: f64) -> bool {
        (self.point - exact).abs() <= self.resolution
    }

    /// The confidence interval at `level` in (0, 1); none for fewer than two replications.
    pub fn interval(&self, level: f64) -> Option<Interval> {
        let half = half_width(self.standard_error, self.values.len(), level)?;
        Some(Interval {
            low: self.point - half,
            high: self.point + half,
        })
    }

    /// Whether `exact` is within the interval at `level`, widened by the resolution; none for
    /// fewer than two replications.
    pub fn agrees_with(&self, exact: f64, level: f64) -> Option<bool> {
        let half = half_width(self.standard_error, self.values.len(), level)?;
        Some((self.point - exact).abs() <= half + self.resolution)
    }
}

/// Half-width of the interval at `level` from a standard error over `n` replications; none for
/// fewer than two.
pub fn half_width(standard_error: f64, n: usize, level: f64) -> Option<f64> {
    if n < 2 || !standard_error.is_finite() {
        return None;
    }
    Some(student_t((n - 1) as f64, level) * standard_error)
}

/// The two-sided quantile of Student's t: P(|T| ≤ t) = `level` with `freedom` degrees of freedom.
pub fn student_t(freedom: f64, level: f64) -> f64 {
    let law = StudentsT::new(0.0, 1.0, freedom).expect("degrees of freedom are positive");
    law.inverse_cdf(0.5 * (1.0 + level))
}

/// The difference b − a of two estimates from the same replications (common random numbers), each
/// replication giving one difference; none if they are not of the same replications.
pub fn paired_difference(a: &Estimate, b: &Estimate) -> Option<Estimate> {
    if a.values.len() != b.values.len() {
        return None;
    }
    let differences = b.values.iter().zip(&a.values).map(|(b, a)| b - a).collect();
    Some(Estimate::about(b.point - a.point, differences))
}

/// The interval of b − a at `level` for two independent estimates (Welch 1947: unequal variances,
/// Satterthwaite's degrees of freedom), each given as (point, standard error, replications).
pub fn welch_difference(
    a: (f64, f64, usize),
    b: (f64, f64, usize),
    level: f64,
) -> Option<Interval> {
    let (va, vb) = (a.1 * a.1, b.1 * b.1);
    if a.2 < 2 || b.2 < 2 || !(va + vb).is_finite() {
        return None;
    }
    let freedom = if va + vb > 0.0 {
        (va + vb).powi(2) / (va * va / (a.2 - 1) as f64 + vb * vb / (b.2 - 1) as f64)
    } else {
        1.0
    };
    let half = student_t(freedom, level) * (va + vb).sqrt();
    Some(Interval {
        low: b.0 - a.0 - half,
        high: b.0 - a.0 + half,
    })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn standard_error(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    if n < 2.0 {
        return f64::NAN;
    }
    let center = mean(values);
    let squares: f64 = values.iter().map(|v| (v - center).powi(2)).sum();
    (squares / (n - 1.0) / n).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn student_quantiles_are_those_of_the_tables() {
        // Any printed table of Student's t, two-sided.
        for (freedom, level, t) in [(9.0, 0.95, 2.262), (1.0, 0.9, 6.314), (29.0, 0.99, 2.756)] {
            assert!(
                (student_t(freedom, level) - t).abs() < 5e-4,
                "{freedom} {level}"
            );
        }
    }

    #[test]
    fn far_tails_are_reached() {
        // P(|T₉| > 6.594) = 1e-4 (tables of the t law); corrected levels live out here.
        assert!((student_t(9.0, 1.0 - 1e-4) - 6.594).abs() < 2e-3);
    }

    #[test]
    fn the_interval_of_a_small_sample() {
        let e = Estimate::of(vec![9.0, 10.0, 11.0]);
        let i = e.interval(0.95).unwrap();
        assert!(
            (i.half_width() - 4.302_653 / 3f64.sqrt()).abs() < 1e-5,
            "{i:?}"
        );
        assert!(i.contains(10.0) && !i.contains(7.5));
    }

    #[test]
    fn one_replication_gives_no_interval() {
        assert_eq!(Estimate::of(vec![1.0]).interval(0.95), None);
        assert_eq!(Estimate::of(vec![1.0]).agrees_with(1.0, 0.95), None);
    }

    #[test]
    fn pairing_removes_what_both_share() {
        let a = Estimate::of(vec![1.0, 5.0, 9.0]);
        let b = Estimate::of(vec![2.0, 6.0, 10.0]);
        let d = paired_difference(&a, &b).unwrap();
        assert_eq!((d.point, d.standard_error), (1.0, 0.0));
        let apart = welch_difference((5.0, a.standard_error, 3), (6.0, b.standard_error, 3), 0.95);
        assert!(apart.unwrap().contains(0.0));
    }

    #[test]
    fn welch_agrees_with_a_published_example() {
        // NIST/SEMATECH e-Handbook 7.3.1, two processes: x̄ 42.14 and 43.23, s 0.683 and 0.750,
        // n = 10 each; equal sizes, so the standard error is that of the pooled test and t = 2.1.
        let (sa, sb) = (0.683 / 10f64.sqrt(), 0.750 / 10f64.sqrt());
        let i = welch_difference((42.14, sa, 10), (43.23, sb, 10), 0.95).unwrap();
        assert!((i.half_width() / (sa * sa + sb * sb).sqrt() - 2.101).abs() < 2e-3);
    }
}
