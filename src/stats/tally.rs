//! Mean, variance and maximum of observations, one by one.

/// Count, mean, variance and largest of a sequence of observations.
///
/// # Numerics
/// Sums are taken of x − x₀ and (x − x₀)², where x₀ is the first observation (the shifted-data
/// algorithm of Chan, Golub and LeVeque 1983). The variance then loses digits only where x₀ lies
/// many standard deviations off the mean, and an observation costs no division.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Tally {
    count: u64,
    shift: f64,
    sum: f64,
    sum_of_squares: f64,
    max: f64,
}

impl Tally {
    /// Takes one observation.
    #[inline]
    pub fn record(&mut self, x: f64) {
        if self.count == 0 {
            self.shift = x;
            self.max = x;
        }
        let d = x - self.shift;
        self.count += 1;
        self.sum += d;
        self.sum_of_squares += d * d;
        self.max = if x > self.max { x } else { self.max };
    }

    /// Number of observations.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Sum of all observations.
    pub fn total(&self) -> f64 {
        self.sum + self.count as f64 * self.shift
    }

    /// Mean of all observations; NaN without any.
    pub fn mean(&self) -> f64 {
        self.shift + self.sum / self.count as f64
    }

    /// Largest observation; NaN without any.
    pub fn max(&self) -> f64 {
        if self.count == 0 { f64::NAN } else { self.max }
    }

    /// Mean squared distance from `center`; NaN without observations. With the mean itself as
    /// center this is the variance (divided by n).
    pub fn mean_square_about(&self, center: f64) -> f64 {
        let n = self.count as f64;
        let m = self.sum / n;
        let variance = (self.sum_of_squares / n - m * m).max(0.0);
        let offset = self.mean() - center;
        variance + offset * offset
    }

    /// Takes all observations of another tally.
    pub fn merge(&mut self, other: &Tally) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = *other;
            return;
        }
        let n = other.count as f64;
        let moved = other.shift - self.shift;
        self.sum_of_squares += other.sum_of_squares + moved * (2.0 * other.sum + n * moved);
        self.sum += other.sum + n * moved;
        self.count += other.count;
        self.max = self.max.max(other.max);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tally(values: &[f64]) -> Tally {
        let mut tally = Tally::default();
        values.iter().for_each(|&x| tally.record(x));
        tally
    }

    #[test]
    fn figures_of_a_small_sample() {
        let t = tally(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
        assert_eq!(
            (
                t.count(),
                t.mean(),
                t.mean_square_about(5.0),
                t.max(),
                t.total()
            ),
            (8, 5.0, 4.0, 9.0, 40.0)
        );
        assert_eq!(t.mean_square_about(6.0), 5.0);
    }

    #[test]
    fn a_large_offset_costs_no_digits() {
        let t = tally(&[1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0, 1e9 + 16.0]);
        assert_eq!(t.mean_square_about(t.mean()), 22.5);
    }

    #[test]
    fn nothing_seen_is_not_zero() {
        assert!(Tally::default().mean().is_nan() && Tally::default().max().is_nan());
    }

    proptest! {
        #[test]
        fn merging_equals_recording_all(
            a in prop::collection::vec(0.0..1e3f64, 0..40),
            b in prop::collection::vec(0.0..1e3f64, 1..40),
        ) {
            let mut merged = tally(&a);
            merged.merge(&tally(&b));
            let all = tally(&[a, b].concat());
            prop_assert_eq!(merged.count(), all.count());
            prop_assert_eq!(merged.max(), all.max());
            prop_assert!((merged.mean() - all.mean()).abs() <= 1e-12 * all.mean().max(1.0));
            let (v, w) = (merged.mean_square_about(1.0), all.mean_square_about(1.0));
            prop_assert!((v - w).abs() <= 1e-11 * w.max(1.0));
        }
    }
}
