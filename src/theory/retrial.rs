//! Orders that find the consumer busy and try again later: M/G/1 with an orbit.
//!
//! # References
//! J. Keilson, J. Cozzolino, H. Young (1968), *A service system with unfilled requests repeated*,
//! Operations Research 16, 1126–1137; G. I. Falin, J. G. C. Templeton (1997), *Retrial Queues*, section
//! 1.3.

use super::error::{ModelError, non_negative, positive, stable};
use super::sheet::{Sheet, Source};
use super::{Figures, ServiceMoments};
use crate::metric::{Metric, TimeKind};

const SOURCE: Source = Source::exact(
    "Keilson et al. 1968, Oper. Res. 16; Falin and Templeton 1997, Retrial Queues, 1.3",
);

/// The M/G/1 retrial queue in steady state: no place to wait, and every order in the orbit tries again
/// after an exponential time of its own, for ever.
///
/// # Domain
/// λ > 0, ρ = λE\[S\] < 1, E\[S²\] finite; mean time between tries 1/ν ≥ 0 (0 is M/G/1).
///
/// # Formula
/// Mean orbit N = λ²E\[S²\]/(2(1 − ρ)) + λρ/(ν(1 − ρ)): Pollaczek's and Khinchine's queue, and what the
/// consumer's idle time between two tries adds. The orbit counts as waiting: Lq = N, Wq = N/λ.
///
/// ```
/// use orderline::theory::{Mg1Retrial, ServiceMoments};
/// // M/M/1, λ = 0.5, μ = 1, ν = 0.5: Falin's formula gives 1.5 in the orbit.
/// let service = ServiceMoments { first: 1.0, second: 2.0, third: 6.0 };
/// let queue = Mg1Retrial::new(0.5, service, 2.0)?;
/// assert!((queue.queue_length() - 1.5).abs() < 1e-14);
/// assert!((queue.sojourn_mean() - 4.0).abs() < 1e-14);
/// # Ok::<(), orderline::theory::ModelError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mg1Retrial {
    arrival_rate: f64,
    service: ServiceMoments,
    retry_mean: f64,
}

impl Mg1Retrial {
    /// A queue with arrival rate λ, moments of service, and mean time 1/ν between tries.
    ///
    /// # Errors
    /// A parameter outside its domain, an infinite second moment, or ρ ≥ 1.
    pub fn new(
        arrival_rate: f64,
        service: ServiceMoments,
        retry_mean: f64,
    ) -> Result<Mg1Retrial, ModelError> {
        positive("arrival rate", arrival_rate)?;
        non_negative("second moment of service", service.second)?;
        non_negative("mean time between tries", retry_mean)?;
        stable(arrival_rate * positive("mean service", service.first)?)?;
        Ok(Mg1Retrial {
            arrival_rate,
            service,
            retry_mean,
        })
    }

    /// ρ = λE\[S\], which is also the probability that the first try fails.
    pub fn utilization(&self) -> f64 {
        self.arrival_rate * self.service.first
    }

    /// Wq, seconds: from the first try until service starts.
    pub fn waiting_mean(&self) -> f64 {
        let rho = self.utilization();
        let queueing = self.arrival_rate * self.service.second / 2.0;
        (queueing + rho * self.retry_mean) / (1.0 - rho)
    }

    /// Lq = λWq, the mean orbit.
    pub fn queue_length(&self) -> f64 {
        self.arrival_rate * self.waiting_mean()
    }

    /// W = Wq + E\[S\], seconds.
    pub fn sojourn_mean(&self) -> f64 {
        self.waiting_mean() + self.service.first
    }

    /// L = λW.
    pub fn number_in_system(&self) -> f64 {
        self.arrival_rate * self.sojourn_mean()
    }

    /// The means.
    pub(super) fn figures(&self) -> Figures {
        let rho = self.utilization();
        let mut sheet = Sheet::new(SOURCE);
        sheet
            .put(Metric::Utilization, rho, "ρ = λE[S]")
            .put(Metric::WaitProbability, rho, "P(first try fails) = ρ")
            .put(
                Metric::QueueLength,
                self.queue_length(),
                "mean orbit λ²E[S²]/(2(1−ρ)) + λρ/(ν(1−ρ))",
            )
            .put(Metric::NumberInSystem, self.number_in_system(), "L = λW")
            .mean(
                TimeKind::Waiting,
                self.waiting_mean(),
                "Wq = (λE[S²]/2 + ρ/ν)/(1−ρ)",
            )
            .mean(TimeKind::Sojourn, self.sojourn_mean(), "W = Wq + E[S]");
        sheet.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::Mg1;
    use approx::assert_relative_eq;
    use proptest::prelude::*;

    fn moments(scv: f64) -> ServiceMoments {
        ServiceMoments {
            first: 1.0,
            second: 1.0 + scv,
            third: f64::INFINITY,
        }
    }

    #[test]
    fn published_figures() {
        let table = [
            (0.5, 4.0, 2.0, 2.25, 4.5),
            (0.3, 1.0, 10.0, 1.4142857142857, 4.7142857142857),
            (0.8, 1.0, 2.0, 9.6, 12.0),
        ];
        for (lambda, scv, between, orbit, wait) in table {
            let queue = Mg1Retrial::new(lambda, moments(scv), between).unwrap();
            assert_relative_eq!(queue.queue_length(), orbit, max_relative = 1e-12);
            assert_relative_eq!(queue.waiting_mean(), wait, max_relative = 1e-12);
        }
    }

    #[test]
    fn it_refuses_an_overload() {
        let error = Mg1Retrial::new(1.0, moments(1.0), 1.0).unwrap_err();
        assert_eq!(error, ModelError::Unstable { load: 1.0 });
    }

    proptest! {
        #[test]
        fn tries_without_end_are_a_queue(rho in 0.01f64..0.99, scv in 0.0f64..9.0) {
            let queue = Mg1Retrial::new(rho, moments(scv), 0.0).unwrap();
            let plain = Mg1::new(rho, moments(scv)).unwrap();
            prop_assert!((queue.waiting_mean() / plain.waiting_mean() - 1.0).abs() < 1e-12);
            let slower = Mg1Retrial::new(rho, moments(scv), 0.1).unwrap();
            prop_assert!(slower.waiting_mean() > queue.waiting_mean());
            let little = slower.number_in_system() / (rho * slower.sojourn_mean());
            prop_assert!((little - 1.0).abs() < 1e-12);
        }
    }
}
