//! M/M/1: Poisson arrivals, exponential service, one consumer.
//!
//! # References
//! L. Kleinrock (1975), *Queueing Systems*, vol. 1, section 3.2.

use super::Turn;
use super::error::{ModelError, positive, stable};
use super::mmc::Mmc;
use super::sheet::{Sheet, Source};
use super::{Curve, Figures, Kind};
use crate::metric::{Metric, TimeKind};
use std::sync::Arc;

const SOURCE: Source = Source::exact("Kleinrock 1975, Queueing Systems I, 3.2");

/// The M/M/1 queue in steady state.
///
/// # Domain
/// 0 < λ < μ, per second.
///
/// # Formula
/// Under first in, first out the sojourn time is exponential with rate μ − λ, and the waiting time
/// is 0 with probability 1 − ρ and else exponential with the same rate.
///
/// # Numerics
/// Closed forms; the only cancellation is that of μ − λ.
///
/// ```
/// use orderline::theory::Mm1;
/// // Octave's queueing package, qsmm1(0.25, 1/3).
/// let queue = Mm1::new(0.25, 1.0 / 3.0)?;
/// assert!((queue.sojourn_mean() - 12.0).abs() < 1e-9);
/// assert!((queue.waiting_variance() - 135.0).abs() < 1e-9);
/// # Ok::<(), orderline::theory::ModelError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mm1 {
    arrival_rate: f64,
    service_rate: f64,
}

impl Mm1 {
    /// A queue with arrival rate λ and service rate μ.
    ///
    /// # Errors
    /// A rate that is not positive and finite, or λ ≥ μ.
    pub fn new(arrival_rate: f64, service_rate: f64) -> Result<Mm1, ModelError> {
        positive("arrival rate", arrival_rate)?;
        positive("service rate", service_rate)?;
        stable(arrival_rate / service_rate)?;
        Ok(Mm1 {
            arrival_rate,
            service_rate,
        })
    }

    /// ρ = λ/μ, which is also the probability of waiting.
    pub fn utilization(&self) -> f64 {
        self.arrival_rate / self.service_rate
    }

    /// μ − λ, the rate at which the tails of waiting and sojourn time fall.
    pub fn decay(&self) -> f64 {
        self.service_rate - self.arrival_rate
    }

    /// L = λ/(μ − λ).
    pub fn number_in_system(&self) -> f64 {
        self.arrival_rate / self.decay()
    }

    /// Lq = ρλ/(μ − λ).
    pub fn queue_length(&self) -> f64 {
        self.utilization() * self.number_in_system()
    }

    /// W = 1/(μ − λ), seconds.
    pub fn sojourn_mean(&self) -> f64 {
        1.0 / self.decay()
    }

    /// Wq = ρ/(μ − λ), seconds.
    pub fn waiting_mean(&self) -> f64 {
        self.utilization() / self.decay()
    }

    /// Var(W) = 1/(μ − λ)², first in, first out.
    pub fn sojourn_variance(&self) -> f64 {
        self.decay().powi(-2)
    }

    /// Var(Wq) = ρ(2 − ρ)/(μ − λ)², first in, first out.
    pub fn waiting_variance(&self) -> f64 {
        let rho = self.utilization();
        rho * (2.0 - rho) / self.decay().powi(2)
    }

    /// The p-quantile of the sojourn time, −ln(1 − p)/(μ − λ); p in [0, 1).
    pub fn sojourn_quantile(&self, p: f64) -> f64 {
        -(-p).ln_1p() / self.decay()
    }

    /// The p-quantile of the waiting time, max(0, ln(ρ/(1 − p))/(μ − λ)); p in [0, 1).
    pub fn waiting_quantile(&self, p: f64) -> f64 {
        ((self.utilization() / (1.0 - p)).ln() / self.decay()).max(0.0)
    }

    /// P(W > t) = e^(−(μ−λ)t).
    pub fn sojourn_ccdf(&self, t: f64) -> f64 {
        (-self.decay() * t.max(0.0)).exp()
    }

    /// All figures for a queue served in the given order.
    pub(super) fn figures(&self, turn: Turn) -> Figures {
        if turn != Turn::FirstIn {
            return self.general().figures(turn);
        }
        let mut sheet = Sheet::new(SOURCE);
        let (waiting, sojourn) = (TimeKind::Waiting, TimeKind::Sojourn);
        let rho = self.utilization();
        sheet
            .put(Metric::Utilization, rho, "ρ = λ/μ")
            .put(Metric::WaitProbability, rho, "P(Wq > 0) = ρ")
            .put(Metric::QueueLength, self.queue_length(), "Lq = ρ²/(1−ρ)")
            .put(
                Metric::NumberInSystem,
                self.number_in_system(),
                "L = ρ/(1−ρ)",
            )
            .mean(waiting, self.waiting_mean(), "Wq = ρ/(μ−λ)")
            .variance(waiting, self.waiting_variance(), "ρ(2−ρ)/(μ−λ)²")
            .mean(sojourn, self.sojourn_mean(), "W = 1/(μ−λ)")
            .variance(sojourn, self.sojourn_variance(), "1/(μ−λ)²");
        let quantile = |p| Some(self.waiting_quantile(p));
        sheet.quantiles(waiting, quantile, "max(0, ln(ρ/(1−p))/(μ−λ))");
        let quantile = |p| Some(self.sojourn_quantile(p));
        sheet.quantiles(sojourn, quantile, "−ln(1−p)/(μ−λ)");
        sheet.finish()
    }

    /// The same queue as an M/M/c.
    pub(super) fn general(&self) -> Mmc {
        Mmc::new(self.arrival_rate, self.service_rate, 1).expect("a valid M/M/1 is a valid M/M/c")
    }

    /// The sojourn time's distribution, first in, first out.
    pub(super) fn sojourn_curve(&self) -> Curve {
        let queue = *self;
        Curve {
            kind: Kind::Exact,
            formula: "P(W > t) = e^(−(μ−λ)t)",
            reference: SOURCE.reference,
            ccdf: Arc::new(move |t| queue.sojourn_ccdf(t)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Statistic;
    use approx::assert_relative_eq;

    #[test]
    fn published_quantiles_at_half_load() {
        let queue = Mm1::new(0.5, 1.0).unwrap();
        assert_relative_eq!(
            queue.waiting_quantile(0.9),
            3.2188758248682,
            epsilon = 1e-12
        );
        assert_relative_eq!(
            queue.waiting_quantile(0.95),
            4.60517018598809,
            epsilon = 1e-12
        );
        assert_eq!(queue.waiting_quantile(0.5), 0.0);
    }

    #[test]
    fn it_is_the_m_m_c_of_one_consumer() {
        let queue = Mm1::new(0.8, 1.1).unwrap();
        let closed = queue.figures(Turn::FirstIn);
        let general = queue.general().figures(Turn::FirstIn);
        assert_eq!(closed.len(), general.len());
        for (metric, figure) in &closed {
            assert_relative_eq!(figure.value, general[metric].value, max_relative = 1e-11);
        }
    }

    #[test]
    fn other_orders_keep_the_means_and_lose_the_quantiles() {
        let lifo = Mm1::new(0.5, 1.0).unwrap().figures(Turn::LastIn);
        assert_relative_eq!(lifo[&Metric::mean(TimeKind::Waiting)].value, 1.0);
        assert!(!lifo.contains_key(&Metric::Time(TimeKind::Waiting, Statistic::P99)));
    }

    #[test]
    fn full_load_has_no_steady_state() {
        assert_eq!(Mm1::new(1.0, 1.0), Err(ModelError::Unstable { load: 1.0 }));
        assert!(matches!(
            Mm1::new(f64::NAN, 1.0),
            Err(ModelError::Domain { .. })
        ));
    }
}
