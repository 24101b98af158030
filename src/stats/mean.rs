//! A mean, where nothing else is asked for.

/// Count and mean of some observations.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Mean {
    count: u64,
    sum: f64,
}

impl Mean {
    /// Takes one observation.
    #[inline]
    pub fn record(&mut self, x: f64) {
        self.add(1, x);
    }

    /// Takes `count` observations that add up to `sum`.
    #[inline]
    pub fn add(&mut self, count: u64, sum: f64) {
        self.count += count;
        self.sum += sum;
    }

    /// All that another has observed, too.
    pub fn merge(&mut self, other: &Mean) {
        self.add(other.count, other.sum);
    }

    /// How many observations.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Mean of all observations; NaN without any.
    ///
    /// ```
    /// let mut mean = orderline::stats::Mean::default();
    /// mean.record(1.0);
    /// mean.add(2, 8.0);
    /// assert_eq!(mean.mean(), 3.0);
    /// ```
    pub fn mean(&self) -> f64 {
        self.sum / self.count as f64
    }
}
