//! Limits of a closed chain's throughput that hold whatever else is unknown.
//!
//! # References
//! P. J. Denning, J. P. Buzen (1978), *The operational analysis of queueing network models*, ACM
//! Computing Surveys 10, 225–261 (asymptotic bounds); J. Zahorjan, K. C. Sevcik, D. L. Eager, B.
//! Galler (1982), *Balanced job bound analysis of queueing networks*, Communications of the ACM 25,
//! 134–141; E. D. Lazowska et al. (1984), *Quantitative System Performance*, chapter 5.

use crate::theory::ModelError;
use crate::theory::error::{non_negative, positive};

/// A closed chain of N customers with mean think time Z and demands D_i at stations of c_i consumers.
///
/// # Formula
/// Asymptotic, for any laws: X ≤ min(N/(Z + D), min c_i/D_i) with D = Σ D_i, and X ≥ N/(Z + N D).
/// Balanced, for product form and one consumer everywhere: with D_max and D_avg the largest and the average
/// demand, N/(Z + D + (N−1)D_max/(1 + Z/(N D))) ≤ X ≤ N/(Z + D + (N−1)D_avg/(1 + Z/D)).
///
/// ```
/// use orderline::theory::ClosedBounds;
/// // Lazowska et al. 1984, chapter 5: the saturation point of three devices.
/// let chain = ClosedBounds::new(3.0, 15.0, &[(0.605, 1), (2.1, 1), (1.35, 1)])?;
/// assert!((chain.saturation() - 9.0738).abs() < 1e-4);
/// let (low, high) = chain.balanced().unwrap();
/// let exact = 0.151516492347096;
/// assert!(low < exact && exact < high);
/// # Ok::<(), orderline::theory::ModelError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ClosedBounds {
    customers: f64,
    think_mean: f64,
    demand: f64,
    single: Option<(f64, f64)>,
    capacity: f64,
}

impl ClosedBounds {
    /// A chain of customers with a mean think time and, by station, demand in seconds and consumers.
    ///
    /// # Errors
    /// A number outside its domain.
    pub fn new(
        customers: f64,
        think_mean: f64,
        stations: &[(f64, u32)],
    ) -> Result<ClosedBounds, ModelError> {
        positive("customers", customers)?;
        non_negative("think time", think_mean)?;
        let mut capacity = f64::INFINITY;
        for &(demand, consumers) in stations {
            non_negative("demand", demand)?;
            capacity = capacity.min(positive("consumers", f64::from(consumers))? / demand);
        }
        let demand = stations.iter().map(|s| s.0).sum();
        positive("demand", think_mean + demand)?;
        let single = stations.iter().all(|s| s.1 == 1) && demand > 0.0;
        let largest = stations.iter().fold(0.0, |most: f64, s| most.max(s.0));
        Ok(ClosedBounds {
            customers,
            think_mean,
            demand,
            single: single.then(|| (largest, demand / stations.len() as f64)),
            capacity,
        })
    }

    /// N*: the number of customers where the two upper limits meet.
    pub fn saturation(&self) -> f64 {
        self.capacity * (self.think_mean + self.demand)
    }

    /// The lowest and the highest throughput for any laws.
    pub fn asymptotic(&self) -> (f64, f64) {
        let (n, z, d) = (self.customers, self.think_mean, self.demand);
        (n / (z + n * d), (n / (z + d)).min(self.capacity))
    }

    /// The lowest and the highest throughput for product form and one consumer everywhere.
    pub fn balanced(&self) -> Option<(f64, f64)> {
        let (largest, average) = self.single?;
        let (n, z, d) = (self.customers, self.think_mean, self.demand);
        let low = n / (z + d + (n - 1.0) * largest / (1.0 + z / (n * d)));
        let high = n / (z + d + (n - 1.0) * average / (1.0 + z / d));
        Some((low, high.min(self.capacity)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::closed::{ProductForm, ProductStation};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_exact_throughput_lies_between(
            n in 1u64..60, z in 0.0f64..20.0,
            d in proptest::collection::vec(0.01f64..3.0, 1..5), c in 1u32..4,
        ) {
            let stations: Vec<ProductStation> = d.iter().map(|&demand| ProductStation {
                demands: vec![demand], consumers: Some(c), open_load: 0.0,
            }).collect();
            let exact = ProductForm::new(&[n], &[z], &stations).unwrap().throughput(0);
            let pairs: Vec<(f64, u32)> = d.iter().map(|&demand| (demand, c)).collect();
            let bounds = ClosedBounds::new(n as f64, z, &pairs).unwrap();
            let slack = 1.0 + 1e-12;
            let (low, high) = bounds.asymptotic();
            prop_assert!(low <= exact * slack && exact <= high * slack);
            if let Some((low, high)) = bounds.balanced() {
                prop_assert!(low <= exact * slack && exact <= high * slack);
            }
        }
    }
}
