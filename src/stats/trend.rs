//! Does a series grow? The ground for saying that there is no steady state.

/// Least-squares slope of equally spaced values: Σ(t − t̄)(y − ȳ) / Σ(t − t̄)², per unit of
/// `spacing`. NaN for fewer than two values.
pub fn slope(series: &[f64], spacing: f64) -> f64 {
    let n = series.len() as f64;
    let center = (n - 1.0) / 2.0;
    let (mut cross, mut square) = (0.0, 0.0);
    for (i, y) in series.iter().enumerate() {
        let t = i as f64 - center;
        cross += t * y;
        square += t * t;
    }
    cross / (square * spacing)
}

/// Whether a single series grows beyond doubt: every one of its last third lies above every one of
/// its first third. For want of replications this uses no interval; a stable queue empties again
/// and again and so never passes.
pub fn trend_without_interval(series: &[f64]) -> bool {
    let third = series.len() / 3;
    if third < 5 {
        return false;
    }
    let highest_before = series[..third]
        .iter()
        .copied()
        .fold(f64::NEG_INFINITY, f64::max);
    let lowest_after = series[series.len() - third..]
        .iter()
        .copied()
        .fold(f64::INFINITY, f64::min);
    lowest_after > highest_before
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_of_a_line_is_its_own() {
        let line: Vec<f64> = (0..50).map(|i| 4.0 + 0.25 * f64::from(i)).collect();
        assert!((slope(&line, 2.0) - 0.125).abs() < 1e-15);
        assert!(slope(&[1.0], 1.0).is_nan());
    }

    #[test]
    fn only_lasting_growth_is_a_trend() {
        let up: Vec<f64> = (0..60).map(f64::from).collect();
        let swing: Vec<f64> = (0..60).map(|i| f64::from(i % 7)).collect();
        assert!(trend_without_interval(&up));
        assert!(!trend_without_interval(&swing));
        assert!(!trend_without_interval(&up[..10]));
    }
}
