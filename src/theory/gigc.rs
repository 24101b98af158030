//! GI/G/1 and GI/G/c: two-moment approximations for any arrivals and any service, and Kingman's
//! bound.
//!
//! # References
//! W. Krämer, M. Langenbach-Belz (1976), *Approximate formulae for the delay in the queueing
//! system GI/G/1*, Proc. 8th Int. Teletraffic Congress; A. O. Allen (1990), *Probability,
//! Statistics and Queueing Theory*, 2nd ed., section 5.3 (Allen–Cunneen); J. F. C. Kingman (1962),
//! *Some inequalities for the queue GI/G/1*, Biometrika 49; the waiting probability as in W. Whitt
//! (1983), *The queueing network analyzer*, Bell System Technical Journal 62, equations 47–48.

use super::error::{ModelError, non_negative, positive, stable};
use super::sheet::{Sheet, Source};
use super::{Figures, erlang_c};
use crate::metric::{Metric, TimeKind};

const SINGLE: Source =
    Source::approximation("Krämer and Langenbach-Belz 1976, 8th Int. Teletraffic Congress");
const SEVERAL: Source =
    Source::approximation("Allen 1990, Probability, Statistics and Queueing Theory, 5.3");
const WAIT: Source = Source::approximation("Whitt 1983, Bell Syst. Tech. J. 62, eq. 47-48");
const ERLANG: Source =
    Source::approximation("Erlang's C in place of the model's own; Allen 1990, 5.3");

/// The GI/G/c queue in steady state, known by two moments of the gaps and of the service.
///
/// # Domain
/// λ > 0, E\[S\] > 0, ρ = λE\[S\]/c < 1, squared coefficients of variation ca², cs² ≥ 0.
///
/// # Formula
/// c = 1: Wq ≈ ρE\[S\]/(1 − ρ) · (ca² + cs²)/2 · g with
/// g = exp(−2(1 − ρ)(1 − ca²)²/(3ρ(ca² + cs²))) for ca² ≤ 1 and
/// g = exp(−(1 − ρ)(ca² − 1)/(ca² + 4cs²)) for ca² > 1; exact for Poisson arrivals.
/// c > 1: Wq ≈ C/(c/E\[S\] − λ) · (ca² + cs²)/2 with Erlang's C; exact for M/M/c.
///
/// ```
/// use orderline::theory::GiGc;
/// // E2/M/1 at ρ = 0.9; the exact mean wait is 6.588.
/// let queue = GiGc::new(0.9, 0.5, 1.0, 1.0, 1)?;
/// assert!((queue.waiting_mean() / 6.588 - 1.0).abs() < 0.02);
/// assert!(queue.kingman_bound() > 6.588);
/// # Ok::<(), orderline::theory::ModelError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GiGc {
    arrival_rate: f64,
    arrival_scv: f64,
    service_mean: f64,
    service_scv: f64,
    consumers: u32,
}

impl GiGc {
    /// A queue with arrival rate λ, ca², mean service, cs² and c consumers.
    ///
    /// # Errors
    /// A parameter outside its domain, or ρ ≥ 1.
    pub fn new(
        arrival_rate: f64,
        arrival_scv: f64,
        service_mean: f64,
        service_scv: f64,
        consumers: u32,
    ) -> Result<GiGc, ModelError> {
        positive("arrival rate", arrival_rate)?;
        non_negative("variability of arrivals", arrival_scv)?;
        positive("mean service", service_mean)?;
        non_negative("variability of service", service_scv)?;
        stable(arrival_rate * service_mean / positive("consumers", f64::from(consumers))?)?;
        Ok(GiGc {
            arrival_rate,
            arrival_scv,
            service_mean,
            service_scv,
            consumers,
        })
    }

    /// ρ = λE\[S\]/c; exact whatever the laws.
    pub fn utilization(&self) -> f64 {
        self.arrival_rate * self.service_mean / f64::from(self.consumers)
    }

    /// Wq, seconds: Krämer and Langenbach-Belz for one consumer, else Allen and Cunneen.
    pub fn waiting_mean(&self) -> f64 {
        if self.consumers == 1 {
            self.kramer_langenbach_belz()
        } else {
            self.allen_cunneen()
        }
    }

    /// The approximation of Krämer and Langenbach-Belz; only for one consumer.
    fn kramer_langenbach_belz(&self) -> f64 {
        let (rho, ca, cs) = (self.utilization(), self.arrival_scv, self.service_scv);
        if ca + cs == 0.0 {
            return 0.0;
        }
        let exponent = if ca <= 1.0 {
            2.0 * (1.0 - rho) * (1.0 - ca).powi(2) / (3.0 * rho * (ca + cs))
        } else {
            (1.0 - rho) * (ca - 1.0) / (ca + 4.0 * cs)
        };
        rho * self.service_mean / (1.0 - rho) * (ca + cs) / 2.0 * (-exponent).exp()
    }

    /// The approximation of Allen and Cunneen, for any number of consumers.
    pub fn allen_cunneen(&self) -> f64 {
        let offered = self.arrival_rate * self.service_mean;
        let c = f64::from(self.consumers);
        let markov = erlang_c(self.consumers, offered) * self.service_mean / (c - offered);
        markov * (self.arrival_scv + self.service_scv) / 2.0
    }

    /// Kingman's upper bound of Wq for one consumer: λ(Var A + Var S)/(2(1 − ρ)).
    pub fn kingman_bound(&self) -> f64 {
        let gaps = self.arrival_scv / self.arrival_rate.powi(2);
        let service = self.service_scv * self.service_mean.powi(2);
        self.arrival_rate * (gaps + service) / (2.0 * (1.0 - self.utilization()))
    }

    /// P(Wq > 0): for one consumer ρ + (ca² − 1)ρ(1 − ρ)h (Krämer and Langenbach-Belz), for more
    /// Erlang's C, which leaves the variability out.
    pub fn wait_probability(&self) -> f64 {
        let rho = self.utilization();
        if self.consumers > 1 {
            return erlang_c(self.consumers, self.arrival_rate * self.service_mean);
        }
        let (ca, cs) = (self.arrival_scv, self.service_scv);
        let spread = rho * rho * (4.0 * ca + cs);
        let h = if ca <= 1.0 {
            (1.0 + ca + rho * cs) / (1.0 + rho * (cs - 1.0) + spread)
        } else {
            4.0 * rho / (ca + spread)
        };
        (rho + (ca - 1.0) * rho * (1.0 - rho) * h).clamp(0.0, 1.0)
    }

    /// The means; `utilization` is left to the stage, where it is exact.
    pub(super) fn figures(&self) -> Figures {
        self.figures_of_visits(1.0)
    }

    /// The means of each of so many visits that follow each other straight away and count as one here.
    pub(super) fn figures_of_visits(&self, visits: f64) -> Figures {
        let single = self.consumers == 1;
        let (source, formula) = if single {
            (SINGLE, "Wq ≈ ρE[S]/(1−ρ)·(ca²+cs²)/2·g(ρ, ca², cs²)")
        } else {
            (SEVERAL, "Wq ≈ C/(cμ−λ)·(ca²+cs²)/2")
        };
        let waiting = self.waiting_mean();
        let sojourn = waiting + self.service_mean;
        let mut sheet = Sheet::new(source);
        sheet
            .mean(TimeKind::Waiting, waiting / visits, formula)
            .mean(TimeKind::Sojourn, sojourn / visits, "W = Wq + E[S]")
            .put(Metric::QueueLength, self.arrival_rate * waiting, "Lq = λWq")
            .put(
                Metric::NumberInSystem,
                self.arrival_rate * sojourn,
                "L = λW",
            );
        let mut figures = sheet.finish();
        let (source, formula) = if single {
            (WAIT, "P(Wq > 0) ≈ ρ + (ca²−1)ρ(1−ρ)h(ρ, ca², cs²)")
        } else {
            (ERLANG, "P(Wq > 0) ≈ C(c, λ/μ)")
        };
        let mut sheet = Sheet::new(source);
        sheet.put(Metric::WaitProbability, self.wait_probability(), formula);
        figures.append(&mut sheet.finish());
        figures
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::{Mg1, Mmc, ServiceMoments};
    use approx::assert_relative_eq;
    use proptest::prelude::*;

    #[test]
    fn near_the_exact_figures_of_others() {
        // Exact values for GI/M/1 and H2/H2/4; the rule is known to be good to some percent.
        let table = [
            (0.8, 0.5, 1.0, 1, 2.8439797669899, 0.03),
            (0.9, 0.0, 1.0, 1, 4.1786594221498, 0.03),
            (3.6, 9.0, 9.0, 4, 18.292313418, 0.05),
            (3.6, 1.0, 2.25, 4, 3.1335608992, 0.03),
        ];
        for (lambda, ca, cs, c, exact, tolerance) in table {
            let queue = GiGc::new(lambda, ca, 1.0, cs, c).unwrap();
            assert_relative_eq!(queue.waiting_mean(), exact, max_relative = tolerance);
        }
    }

    #[test]
    fn the_waiting_probability_is_near_that_of_d_m_1() {
        let queue = GiGc::new(0.5, 0.0, 1.0, 1.0, 1).unwrap();
        assert_relative_eq!(queue.wait_probability(), 0.2032, max_relative = 0.02);
    }

    proptest! {
        #[test]
        fn poisson_arrivals_give_pollaczek_and_khinchine(rho in 0.01f64..0.99, scv in 0.0f64..20.0) {
            let service = ServiceMoments { first: 1.0, second: 1.0 + scv, third: f64::INFINITY };
            let exact = Mg1::new(rho, service).unwrap().waiting_mean();
            let queue = GiGc::new(rho, 1.0, 1.0, scv, 1).unwrap();
            prop_assert!((queue.waiting_mean() / exact - 1.0).abs() < 1e-12);
            prop_assert!((queue.wait_probability() - rho).abs() < 1e-12);
        }

        #[test]
        fn markovian_laws_give_m_m_c(rho in 0.01f64..0.99, c in 2u32..100) {
            let lambda = rho * f64::from(c);
            let exact = Mmc::new(lambda, 1.0, c).unwrap().waiting_mean();
            let queue = GiGc::new(lambda, 1.0, 1.0, 1.0, c).unwrap();
            prop_assert!((queue.waiting_mean() / exact - 1.0).abs() < 1e-10);
        }

        #[test]
        fn waits_grow_with_the_load_and_stay_below_the_bound(
            rho in 0.05f64..0.95, ca in 0.0f64..10.0, cs in 0.01f64..10.0,
        ) {
            let queue = GiGc::new(rho, ca, 1.0, cs, 1).unwrap();
            let busier = GiGc::new(rho + 0.01, ca, 1.0, cs, 1).unwrap();
            prop_assert!(busier.waiting_mean() > queue.waiting_mean());
            prop_assert!(queue.waiting_mean() <= queue.kingman_bound() * (1.0 + 1e-12));
        }
    }
}
