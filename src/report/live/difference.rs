//! By how much orders were later than their twins, order by order.

use crate::sim::{Outcome, Twin};

/// By how much each order was later than its twin, seconds: the moment at which it was done less the
/// moment at which its twin was.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Difference {
    /// In ascending order.
    sorted: Vec<f64>,
}

impl Difference {
    /// Of the orders that both completed, the live ones after `warmup`.
    pub fn between(live: &Twin, twin: &Twin, warmup: f64) -> Difference {
        let pairs = live.orders.iter().zip(&twin.orders);
        let both = pairs.filter_map(|(live, twin)| live.as_ref().zip(twin.as_ref()));
        let completed = both.filter(|(live, twin)| {
            live.outcome == Outcome::Completed
                && twin.outcome == Outcome::Completed
                && live.left > warmup
        });
        Difference::of(
            completed
                .map(|(live, twin)| live.left - twin.left)
                .collect(),
        )
    }

    /// Of these.
    pub fn of(mut values: Vec<f64>) -> Difference {
        values.sort_by(f64::total_cmp);
        Difference { sorted: values }
    }

    /// Of how many orders.
    pub fn orders(&self) -> usize {
        self.sorted.len()
    }

    /// The mean; none of no orders.
    pub fn mean(&self) -> Option<f64> {
        let sum: f64 = self.sorted.iter().sum();
        (!self.sorted.is_empty()).then(|| sum / self.sorted.len() as f64)
    }

    /// The `p`-quantile, interpolated between orders, with the least at 0 and the largest at 1; none of no
    /// orders.
    pub fn quantile(&self, p: f64) -> Option<f64> {
        let last = self.sorted.len().checked_sub(1)?;
        let at = p.clamp(0.0, 1.0) * last as f64;
        let (low, high) = (at.floor() as usize, at.ceil() as usize);
        let (low, high, part) = (self.sorted[low], self.sorted[high], at - at.floor());
        Some(low + part * (high - low))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_orders() {
        let found = Difference::of(vec![0.003, 0.001, 0.002, -0.001]);
        assert_eq!(found.orders(), 4);
        assert_eq!(found.quantile(0.0), Some(-0.001));
        assert_eq!(found.quantile(1.0), Some(0.003));
        assert!((found.quantile(0.5).unwrap() - 0.0015).abs() < 1e-15);
        assert!((found.mean().unwrap() - 0.00125).abs() < 1e-15);
        let nothing = Difference::default();
        assert_eq!((nothing.mean(), nothing.quantile(0.5)), (None, None));
    }
}
