//! M/G/∞ (and M/M/∞): Poisson arrivals, a consumer for every order.
//!
//! # References
//! L. Takács (1962), *Introduction to the Theory of Queues*, chapter 3: the number in system is
//! Poisson with mean λE[S] whatever the law of service (insensitivity).

use super::Figures;
use super::error::{ModelError, non_negative};
use super::sheet::{Sheet, Source};
use crate::metric::{Metric, TimeKind};

const SOURCE: Source = Source::exact("Takács 1962, Introduction to the Theory of Queues, 3");

/// The M/G/∞ queue: nobody waits, and the number in system is Poisson.
///
/// # Domain
/// λ ≥ 0 per second, E\[S\] ≥ 0 seconds.
///
/// ```
/// let stage = orderline::theory::MgInf::new(4.0, 2.5)?;
/// assert_eq!(stage.number_in_system(), 10.0);
/// // P(N = 0) = e^(−10)
/// assert!((stage.probability(0) - 4.5399929762484854e-5).abs() < 1e-18);
/// # Ok::<(), orderline::theory::ModelError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MgInf {
    arrival_rate: f64,
    service_mean: f64,
}

impl MgInf {
    /// A stage with arrival rate λ and mean service E\[S\].
    ///
    /// # Errors
    /// A number that is negative or not finite.
    pub fn new(arrival_rate: f64, service_mean: f64) -> Result<MgInf, ModelError> {
        Ok(MgInf {
            arrival_rate: non_negative("arrival rate", arrival_rate)?,
            service_mean: non_negative("mean service", service_mean)?,
        })
    }

    /// L = λE\[S\].
    pub fn number_in_system(&self) -> f64 {
        self.arrival_rate * self.service_mean
    }

    /// P(N = n) = e^(−L) Lⁿ/n!.
    pub fn probability(&self, n: u64) -> f64 {
        let mean = self.number_in_system();
        (1..=n).fold((-mean).exp(), |p, k| p * mean / k as f64)
    }

    /// All figures but the service law's own.
    pub(super) fn figures(&self) -> Figures {
        let mut sheet = Sheet::new(SOURCE);
        sheet
            .put(
                Metric::WaitProbability,
                0.0,
                "0: a consumer for every order",
            )
            .put(Metric::QueueLength, 0.0, "0: a consumer for every order")
            .put(Metric::NumberInSystem, self.number_in_system(), "L = λE[S]")
            .mean(TimeKind::Waiting, 0.0, "0: a consumer for every order")
            .variance(TimeKind::Waiting, 0.0, "0: a consumer for every order")
            .quantiles(
                TimeKind::Waiting,
                |_| Some(0.0),
                "0: a consumer for every order",
            )
            .mean(TimeKind::Sojourn, self.service_mean, "W = E[S]");
        sheet.finish()
    }
}
