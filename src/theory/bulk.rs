//! M/M[Y]/1: one consumer that serves up to Y orders at once.
//!
//! # References
//! N. T. J. Bailey (1954), *On queueing processes with bulk service*, J. Royal Statistical Society B 16,
//! 80–87; D. Gross, J. F. Shortle, J. M. Thompson, C. M. Harris (2008), *Fundamentals of Queueing
//! Theory*, 4th ed., section 3.2.

use super::error::{ModelError, positive, stable};

/// The M/M\[Y\]/1 queue in steady state: service takes an exponential time, whatever the number of
/// orders in it, and an order that comes to fewer than Y in service joins them.
///
/// # Domain
/// 0 < λ < Yμ, per second; Y ≥ 1.
///
/// # Formula
/// p_n = (1 − r)rⁿ with r the root in (0, 1) of μ(r + r² + … + r^Y) = λ.
///
/// ```
/// // Gross et al., section 3.2: a car wash for two cars at a time, λ = 20 an hour, 5 minutes each:
/// // r = (−3 + √69)/6 = 0.884 and L = 7.6.
/// let queue = orderline::theory::BulkService::new(20.0 / 60.0, 0.2, 2)?;
/// assert!((queue.root() - (69f64.sqrt() - 3.0) / 6.0).abs() < 1e-13);
/// assert!((queue.number_in_system() - 7.65).abs() < 0.05);
/// # Ok::<(), orderline::theory::ModelError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BulkService {
    arrival_rate: f64,
    service_rate: f64,
    /// 1 − r, which keeps its digits near saturation.
    gap: f64,
}

impl BulkService {
    /// A queue with arrival rate λ, μ services per second and up to `together` orders in each.
    ///
    /// # Errors
    /// A rate that is not positive and finite, no orders in a service, or λ ≥ Yμ.
    pub fn new(
        arrival_rate: f64,
        service_rate: f64,
        together: u32,
    ) -> Result<BulkService, ModelError> {
        let most = positive("orders served together", f64::from(together))?;
        let load =
            positive("arrival rate", arrival_rate)? / positive("service rate", service_rate)?;
        stable(load / most)?;
        // Y − Σ r^j = Σ (1 − r^j), by 1 − r = g.
        let served = |g: f64| -> f64 {
            // r(1 − r^Y)/(1 − r)
            (1.0 - g) * -(most * (-g).ln_1p()).exp_m1() / g
        };
        let gap = super::numeric::bisect(|g| served(g) > load, 0.0, 1.0);
        Ok(BulkService {
            arrival_rate,
            service_rate,
            gap,
        })
    }

    /// r.
    pub fn root(&self) -> f64 {
        1.0 - self.gap
    }

    /// L = r/(1 − r).
    pub fn number_in_system(&self) -> f64 {
        self.root() / self.gap
    }

    /// Lq = L − λ/μ.
    pub fn queue_length(&self) -> f64 {
        self.number_in_system() - self.arrival_rate / self.service_rate
    }

    /// W = L/λ, seconds.
    pub fn sojourn_mean(&self) -> f64 {
        self.number_in_system() / self.arrival_rate
    }

    /// Wq = W − 1/μ, seconds.
    pub fn waiting_mean(&self) -> f64 {
        self.queue_length() / self.arrival_rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::Mmc;
    use approx::assert_relative_eq;

    #[test]
    fn one_at_a_time_is_m_m_1() {
        for rho in [0.1, 0.9, 1.0 - 1e-6] {
            let bulk = BulkService::new(rho, 1.0, 1).unwrap();
            let single = Mmc::new(rho, 1.0, 1).unwrap();
            let (a, b) = (bulk.number_in_system(), single.number_in_system());
            assert_relative_eq!(a, b, max_relative = 1e-8);
        }
    }

    #[test]
    fn more_at_a_time_are_never_worse() {
        let mut before = f64::INFINITY;
        for together in [1, 2, 3, 10, 1000] {
            let bulk = BulkService::new(0.95, 1.0, together).unwrap();
            assert!(bulk.number_in_system() <= before);
            before = bulk.number_in_system();
        }
        // All at once: a service for every order that comes.
        assert_relative_eq!(before, 0.95, max_relative = 1e-9);
    }
}
