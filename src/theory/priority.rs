//! Priorities without preemption: the mean waits from the one without priorities. [`super::levels`] has
//! the exact models; this form of them is the approximation for others.
//!
//! # References
//! A. Cobham (1954), *Priority assignment in waiting line problems*, Operations Research 2, 70–76:
//! M/G/1 with each class its own law, and M/M/c with one law for all; O. Kella, U. Yechiali
//! (1985), *Waiting times in the non-preemptive priority M/M/c queue*, Stochastic Models 1.
//! For other laws and several consumers the same form is the approximation of A. B. Bondi, J. P.
//! Buzen (1984), *The response times of priority classes under preemptive resume in M/G/m queues*.

/// Where the approximation is published.
pub(super) const APPROXIMATE: &str = "after Cobham 1954 and Bondi and Buzen 1984";
/// The formula of both.
pub(super) const FORMULA: &str = "Wq_k = Wq_FIFO (1−ρ)/((1−σ_(k−1))(1−σ_k)), σ_k = ρ_1+…+ρ_k";

/// One class of orders at a queue with priorities.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PriorityClass {
    /// 0 is served first; classes may share a level and are then served in order of arrival.
    pub level: u32,
    /// λ_k E\[S_k\]/c.
    pub utilization: f64,
}

/// The mean wait of every class, in the order given, when service is not interrupted.
///
/// # Formula
/// Wq_k = W₀/((1 − σ_{k−1})(1 − σ_k)), σ_k being the utilization of the levels up to k and
/// W₀ = Wq(1 − ρ) the mean time until the first consumer is free: λE\[S²\]/2 for one consumer,
/// C/(cμ) for M/M/c. `fifo_wait` is the mean wait Wq that the queue has without priorities.
///
/// # Domain
/// Poisson arrivals; exact for one consumer, and for several with one exponential law. A class
/// whose levels together fill the consumers gets an infinite wait.
///
/// ```
/// use orderline::theory::{PriorityClass, priority_waits};
/// // Two exponential classes of mean 1, λ = 0.3 and 0.4: Wq = 0.7/0.3 without priorities.
/// let first = PriorityClass { level: 0, utilization: 0.3 };
/// let second = PriorityClass { level: 1, utilization: 0.4 };
/// let waits = priority_waits(0.7 / 0.3, &[first, second]);
/// assert!((waits[0] - 1.0).abs() < 1e-12);
/// assert!((waits[1] - 10.0 / 3.0).abs() < 1e-12);
/// ```
pub fn priority_waits(fifo_wait: f64, classes: &[PriorityClass]) -> Vec<f64> {
    let up_to = |keep: &dyn Fn(u32) -> bool| -> f64 {
        let kept = classes.iter().filter(|class| keep(class.level));
        kept.map(|class| class.utilization).sum()
    };
    let residual = fifo_wait * (1.0 - up_to(&|_| true));
    classes
        .iter()
        .map(|class| {
            let before = 1.0 - up_to(&|level| level < class.level);
            let with = 1.0 - up_to(&|level| level <= class.level);
            if with > 0.0 {
                residual / (before * with)
            } else {
                f64::INFINITY
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::{Mg1, Mmc, ServiceMoments};
    use approx::assert_relative_eq;

    fn class(level: u32, utilization: f64) -> PriorityClass {
        PriorityClass { level, utilization }
    }

    #[test]
    fn published_waits_with_ten_consumers() {
        let fifo = Mmc::new(9.0, 1.0, 10).unwrap().waiting_mean();
        let waits = priority_waits(fifo, &[class(0, 0.4), class(1, 0.5)]);
        assert_relative_eq!(waits[0], 0.11145525401795, max_relative = 1e-11);
        assert_relative_eq!(waits[1], 1.1145525401795, max_relative = 1e-11);
    }

    #[test]
    fn published_waits_of_four_levels() {
        let service = ServiceMoments {
            first: 1.0,
            second: 2.0,
            third: 6.0,
        };
        let fifo = Mg1::new(0.95, service).unwrap().waiting_mean();
        assert_relative_eq!(fifo, 19.0, max_relative = 1e-12);
        let loads = [
            class(0, 0.2),
            class(1, 0.25),
            class(2, 0.25),
            class(3, 0.25),
        ];
        let published = [1.1875, 2.1590909090909, 5.7575757575758, 63.333333333333];
        for (wait, value) in priority_waits(fifo, &loads).into_iter().zip(published) {
            assert_relative_eq!(wait, value, max_relative = 1e-11);
        }
    }

    #[test]
    fn one_level_is_no_priority_and_equal_levels_wait_alike() {
        assert_relative_eq!(
            priority_waits(3.0, &[class(7, 0.8)])[0],
            3.0,
            max_relative = 1e-12
        );
        let alike = priority_waits(3.0, &[class(1, 0.3), class(1, 0.2), class(2, 0.1)]);
        assert_eq!(alike[0], alike[1]);
        assert!(alike[2] > alike[1]);
    }

    #[test]
    fn the_work_waiting_is_conserved() {
        let loads = [class(0, 0.3), class(1, 0.1), class(1, 0.25), class(3, 0.2)];
        let waits = priority_waits(2.0, &loads);
        let work: f64 = waits
            .iter()
            .zip(&loads)
            .map(|(w, k)| w * k.utilization)
            .sum();
        assert_relative_eq!(work, 2.0 * 0.85, max_relative = 1e-12);
    }
}
