//! Where the start-up ends: the MSER-5 rule.

/// Where a series should be cut.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Truncation {
    /// Number of observations at the start to leave out; a multiple of 5.
    pub cut: usize,
    /// Whether the rule found its minimum in the first half, as it must to be believed. When not,
    /// the series is too short for its start-up to have ended.
    pub settled: bool,
}

/// MSER-5: of all cuts at a multiple of five observations, the one after which the squared standard
/// error of the mean of the remaining batch means of five is least,
/// Σ(y_j − ȳ)² / (n − d)² over the batches j ≥ d.
///
/// # Domain
/// Cuts are searched over the whole series except its last five batches; one in the second half
/// means that the series has not settled.
///
/// # References
/// K. P. White, An effective truncation heuristic for bias reduction in simulation output,
/// Simulation 69 (1997) 323–334; K. P. White, M. J. Cobb, S. C. Spratt, A comparison of five
/// steady-state truncation heuristics for simulation, Winter Simulation Conference 2000, 755–760.
pub fn mser5(series: &[f64]) -> Truncation {
    let batches: Vec<f64> = series
        .chunks_exact(5)
        .map(|five| five.iter().sum::<f64>() / 5.0)
        .collect();
    let n = batches.len();
    if n < 10 {
        return Truncation {
            cut: 0,
            settled: false,
        };
    }
    let cut = best_cut(&batches);
    Truncation {
        cut: 5 * cut,
        settled: 2 * cut <= n,
    }
}

/// Relative spread below which a series counts as constant.
const ROUNDING: f64 = 1e-9;

/// Walks from the end, so that the sum of squares of every tail is known in one pass (Welford).
fn best_cut(batches: &[f64]) -> usize {
    let (mut mean, mut squares) = (0.0, 0.0);
    let (mut best, mut least) = (0, f64::INFINITY);
    for (taken, (start, &y)) in (1..).zip(batches.iter().enumerate().rev()) {
        let count = f64::from(taken);
        let off = y - mean;
        mean += off / count;
        squares += off * (y - mean);
        // What is left of a constant series is rounding, and has no minimum worth finding.
        let constant = squares <= count * (ROUNDING * mean).powi(2);
        let statistic = if constant {
            0.0
        } else {
            squares / (count * count)
        };
        // `<=`: among equals the earliest cut wins, as nothing is gained by dropping more.
        if taken > 5 && statistic <= least {
            (best, least) = (start, statistic);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_series_is_not_cut() {
        assert_eq!(
            mser5(&[3.0; 200]),
            Truncation {
                cut: 0,
                settled: true
            }
        );
    }

    #[test]
    fn rounding_is_no_start_up() {
        let series: Vec<f64> = (0..500).map(|i| 1.0 - 1e-13 * f64::from(i)).collect();
        assert_eq!(
            mser5(&series),
            Truncation {
                cut: 0,
                settled: true
            }
        );
    }

    #[test]
    fn a_start_up_is_cut_where_it_ends() {
        // 100 values that climb, then 900 that swing about the level reached.
        let series: Vec<f64> = (0..1000)
            .map(|i| {
                if i < 100 {
                    i as f64 / 10.0
                } else {
                    10.0 + (i as f64 * 0.7).sin()
                }
            })
            .collect();
        let found = mser5(&series);
        assert!(
            found.settled && (85..=105).contains(&found.cut),
            "{found:?}"
        );
    }

    #[test]
    fn a_series_that_only_grows_has_not_settled() {
        let series: Vec<f64> = (0..500).map(f64::from).collect();
        assert!(!mser5(&series).settled);
    }

    #[test]
    fn too_few_values_are_no_ground_for_a_cut() {
        assert_eq!(
            mser5(&[1.0; 49]),
            Truncation {
                cut: 0,
                settled: false
            }
        );
    }
}
