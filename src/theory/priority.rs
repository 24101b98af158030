//! Priorities without preemption: who waits how long.
//!
//! # References
//! A. Cobham (1954), *Priority assignment in waiting line problems*, Operations Research 2, 70–76:
//! M/G/1 with each class its own law, and M/M/c with one law for all; O. Kella, U. Yechiali
//! (1985), *Waiting times in the non-preemptive priority M/M/c queue*, Stochastic Models 1.
//! Low levels that saturate the consumers: the same argument, see also B. T. Doshi (1986), *Queueing
//! systems with vacations: a survey*, Queueing Systems 1. For other laws and several consumers the same form is the approximation of A. B. Bondi, J. P.
//! Buzen (1984), *The response times of priority classes under preemptive resume in M/G/m queues*.

/// Where the exact cases are published.
pub(super) const EXACT: &str =
    "Cobham 1954, Oper. Res. 2; Kella and Yechiali 1985, Stoch. Models 1";
/// Where the approximation is published.
pub(super) const APPROXIMATE: &str = "after Cobham 1954 and Bondi and Buzen 1984";
/// The formula of both.
pub(super) const FORMULA: &str = "Wq_k = Wq_FIFO (1−ρ)/((1−σ_(k−1))(1−σ_k)), σ_k = ρ_1+…+ρ_k";

/// The formula where the lowest levels are overloaded.
pub(super) const SATURATED: &str = "Wq_k = R/((1−σ_(k−1))(1−σ_k)), R = Σ X_i E[S_i²]/2, or 1/(cμ)";

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

/// The mean wait of every class where the lowest levels alone are more than the consumers can do;
/// `None` for these.
///
/// # Formula
/// Wq_k = R/((1 − σ_{k−1})(1 − σ_k)) as ever, but since there is always a low order to take, the
/// consumers never rest, and the mean time R until one is free is Σ X_iE\[S_i²\]/2 over all classes
/// at the rates X_i at which they are served, for one consumer; 1/(cμ) with one exponential law. For
/// two levels that is M/G/1 whose vacations are the services of the lower one. `residual` is R.
///
/// # Domain
/// Poisson arrivals; the levels of class k and before are below capacity, all together above it.
pub(super) fn saturated_waits(residual: f64, classes: &[PriorityClass]) -> Vec<Option<f64>> {
    // With W₀ = R in place of Wq(1 − ρ).
    let total: f64 = classes.iter().map(|class| class.utilization).sum();
    let waits = priority_waits(residual / (1.0 - total), classes);
    waits
        .into_iter()
        .map(|wait| wait.is_finite().then_some(wait))
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
    fn a_saturated_level_is_a_vacation() {
        // M/G/1 with vacations V: Wq = λE[S²]/(2(1−ρ)) + E[V²]/(2E[V]). Here λ = 0.5, S
        // exponential of mean 1, V always 3, taken 0.5/3 times a second.
        let vacations = 0.5 * 2.0 / (2.0 * 0.5) + 9.0 / 6.0;
        let residual = 0.5 * (0.5 * 2.0 + 0.5 / 3.0 * 9.0);
        let waits = saturated_waits(residual, &[class(0, 0.5), class(1, 0.9)]);
        assert_relative_eq!(waits[0].unwrap(), vacations, max_relative = 1e-12);
        assert_eq!(waits[1], None);
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
