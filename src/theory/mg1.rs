//! M/G/1: Poisson arrivals, any law of service, one consumer.
//!
//! # References
//! F. Pollaczek (1930), *Über eine Aufgabe der Wahrscheinlichkeitstheorie*, Math. Z. 32; L.
//! Kleinrock (1975), *Queueing Systems*, vol. 1, section 5.7. Orders of service other than first
//! in, first out: L. Takács (1963), Bell System Technical Journal 42, 487–503. Feedback: L. Takács
//! (1963), *A single-server queue with feedback*, Bell System Technical Journal 42, 505–519.

use super::Figures;
use super::Turn;
use super::error::{ModelError, non_negative, positive, stable};
use super::mmc::second_moment_factor;
use super::sheet::{Sheet, Source};
use crate::metric::{Metric, TimeKind};
use crate::random::Distribution;

const SOURCE: Source = Source::exact("Pollaczek 1930; Kleinrock 1975, Queueing Systems I, 5.7");
const ORDERS: Source = Source::exact("Takács 1963, Bell Syst. Tech. J. 42, 487-503");

/// The first three moments of a service time; a moment that does not exist is infinite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ServiceMoments {
    /// E\[S\], seconds.
    pub first: f64,
    /// E\[S²\].
    pub second: f64,
    /// E\[S³\].
    pub third: f64,
}

impl From<&Distribution> for ServiceMoments {
    fn from(law: &Distribution) -> ServiceMoments {
        ServiceMoments {
            first: law.moment(1),
            second: law.moment(2),
            third: law.moment(3),
        }
    }
}

impl ServiceMoments {
    /// E\[S²\] − E\[S\]².
    pub fn variance(&self) -> f64 {
        (self.second - self.first * self.first).max(0.0)
    }

    /// The squared coefficient of variation.
    pub fn scv(&self) -> f64 {
        self.variance() / (self.first * self.first)
    }
}

/// The M/G/1 queue in steady state.
///
/// # Domain
/// λ > 0, λE\[S\] < 1, E\[S²\] finite; the variance needs E\[S³\] finite too.
///
/// # Formula
/// E\[Wq\] = λE\[S²\]/(2(1 − ρ)); first in, first out, E\[Wq²\] = 2E\[Wq\]² + λE\[S³\]/(3(1 − ρ)).
///
/// ```
/// use orderline::theory::{Mg1, ServiceMoments};
/// // Erlang-2 service of mean 1 at ρ = 0.8: Wq = 3 and Var(Wq) = 13.
/// let erlang = ServiceMoments { first: 1.0, second: 1.5, third: 3.0 };
/// let queue = Mg1::new(0.8, erlang)?;
/// assert!((queue.waiting_mean() - 3.0).abs() < 1e-12);
/// let fifo = orderline::theory::Turn::FirstIn;
/// assert!((queue.waiting_variance(fifo).unwrap() - 13.0).abs() < 1e-11);
/// # Ok::<(), orderline::theory::ModelError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mg1 {
    arrival_rate: f64,
    service: ServiceMoments,
}

impl Mg1 {
    /// A queue with arrival rate λ and the given moments of service.
    ///
    /// # Errors
    /// A rate or mean that is not positive, an infinite second moment, or λE\[S\] ≥ 1.
    pub fn new(arrival_rate: f64, service: ServiceMoments) -> Result<Mg1, ModelError> {
        positive("arrival rate", arrival_rate)?;
        non_negative("second moment of service", service.second)?;
        stable(arrival_rate * positive("mean service", service.first)?)?;
        Ok(Mg1 {
            arrival_rate,
            service,
        })
    }

    /// λ, per second.
    pub fn arrival_rate(&self) -> f64 {
        self.arrival_rate
    }

    /// ρ = λE\[S\], which is also the probability of waiting.
    pub fn utilization(&self) -> f64 {
        self.arrival_rate * self.service.first
    }

    /// Wq = λE\[S²\]/(2(1 − ρ)), seconds; the same for every order that does not look at sizes.
    pub fn waiting_mean(&self) -> f64 {
        self.arrival_rate * self.service.second / (2.0 * (1.0 - self.utilization()))
    }

    /// W = Wq + E\[S\], seconds.
    pub fn sojourn_mean(&self) -> f64 {
        self.waiting_mean() + self.service.first
    }

    /// Var(Wq); `None` for priorities and where the third moment is infinite.
    pub fn waiting_variance(&self, turn: Turn) -> Option<f64> {
        let rho = self.utilization();
        let mean = self.waiting_mean();
        let fifo = 2.0 * mean * mean + self.arrival_rate * self.service.third / (3.0 * (1.0 - rho));
        let variance = fifo * second_moment_factor(turn, rho)? - mean * mean;
        variance.is_finite().then_some(variance)
    }

    /// Lq = λWq.
    pub fn queue_length(&self) -> f64 {
        self.arrival_rate * self.waiting_mean()
    }

    /// L = λW.
    pub fn number_in_system(&self) -> f64 {
        self.arrival_rate * self.sojourn_mean()
    }

    /// What is left where E\[S²\] is infinite, and with it the mean wait.
    pub(super) fn wild(rho: f64) -> Figures {
        let mut sheet = Sheet::new(SOURCE);
        sheet.put(Metric::WaitProbability, rho, "P(Wq > 0) = ρ");
        sheet.finish()
    }

    /// All figures for a queue served in the given order.
    pub(super) fn figures(&self, turn: Turn) -> Figures {
        let mut sheet = Sheet::new(SOURCE);
        let rho = self.utilization();
        sheet
            .put(Metric::Utilization, rho, "ρ = λE[S]")
            .put(Metric::WaitProbability, rho, "P(Wq > 0) = ρ")
            .put(Metric::QueueLength, self.queue_length(), "Lq = λWq")
            .put(Metric::NumberInSystem, self.number_in_system(), "L = λW")
            .mean(
                TimeKind::Waiting,
                self.waiting_mean(),
                "Wq = λE[S²]/(2(1−ρ))",
            )
            .mean(TimeKind::Sojourn, self.sojourn_mean(), "W = Wq + E[S]");
        let mut figures = sheet.finish();
        figures.append(&mut self.variances(turn));
        figures
    }

    fn variances(&self, turn: Turn) -> Figures {
        let (source, formula) = match turn {
            Turn::FirstIn => (SOURCE, "Wq² + λE[S³]/(3(1−ρ))"),
            Turn::LastIn => (ORDERS, "(2Wq² + λE[S³]/(3(1−ρ)))/(1−ρ) − Wq²"),
            Turn::Random => (ORDERS, "(2Wq² + λE[S³]/(3(1−ρ)))·2/(2−ρ) − Wq²"),
            Turn::Any => return Figures::new(),
        };
        let mut sheet = Sheet::new(source);
        if let Some(waiting) = self.waiting_variance(turn) {
            sheet.variance(TimeKind::Waiting, waiting, formula);
            let sojourn = waiting + self.service.variance();
            sheet.variance(TimeKind::Sojourn, sojourn, "Var(Wq) + Var(S)");
        }
        sheet.finish()
    }
}

/// The M/G/1 queue whose orders, once served, join the queue again with probability p.
///
/// # Formula
/// The number in system has the law of an M/G/1 whose service is the sum of a geometric number of
/// services: E\[S'\] = E\[S\]/(1 − p), E\[S'²\] = E\[S²\]/(1 − p) + 2pE\[S\]²/(1 − p)².
///
/// # Domain
/// `arrival_rate` counts new orders; 0 ≤ p < 1; λE\[S'\] < 1; Poisson arrivals; any order of
/// service that does not look at sizes.
///
/// ```
/// use orderline::theory::{Mg1Feedback, ServiceMoments};
/// // Service always 1, λ = 0.3, p = 0.2: L = 0.51, and 1.7 for an order over all its visits.
/// let one = ServiceMoments { first: 1.0, second: 1.0, third: 1.0 };
/// let queue = Mg1Feedback::new(0.3, one, 0.2)?;
/// assert!((queue.number_in_system() - 0.51).abs() < 1e-12);
/// assert!((queue.number_in_system() / 0.3 - 1.7).abs() < 1e-12);
/// # Ok::<(), orderline::theory::ModelError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mg1Feedback {
    whole: Mg1,
    visit_rate: f64,
    service_mean: f64,
}

impl Mg1Feedback {
    /// A queue with rate λ of new orders, moments of one service and probability p of coming back.
    ///
    /// # Errors
    /// As [`Mg1::new`], or p outside [0, 1).
    pub fn new(
        arrival_rate: f64,
        service: ServiceMoments,
        back: f64,
    ) -> Result<Mg1Feedback, ModelError> {
        let on = positive(
            "probability of leaving",
            1.0 - non_negative("probability of coming back", back)?,
        )?;
        let whole = ServiceMoments {
            first: service.first / on,
            second: service.second / on + 2.0 * back * (service.first / on).powi(2),
            third: f64::INFINITY,
        };
        Ok(Mg1Feedback {
            whole: Mg1::new(arrival_rate, whole)?,
            visit_rate: arrival_rate / on,
            service_mean: service.first,
        })
    }

    /// L.
    pub fn number_in_system(&self) -> f64 {
        self.whole.number_in_system()
    }

    /// The means, per visit.
    pub(super) fn figures(&self) -> Figures {
        let source = Source::exact("Takács 1963, Bell Syst. Tech. J. 42, 505-519");
        let mut sheet = Sheet::new(source);
        let sojourn = self.number_in_system() / self.visit_rate;
        let waiting = sojourn - self.service_mean;
        let rho = self.whole.utilization();
        sheet
            .put(Metric::Utilization, rho, "ρ = λE[S]/(1−p)")
            .put(
                Metric::NumberInSystem,
                self.number_in_system(),
                "L of M/G/1 with geometric sums of services",
            )
            .put(
                Metric::QueueLength,
                self.number_in_system() - rho,
                "Lq = L − ρ",
            )
            .mean(TimeKind::Sojourn, sojourn, "W = L(1−p)/λ per visit")
            .mean(TimeKind::Waiting, waiting, "Wq = W − E[S]");
        sheet.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::Mmc;
    use approx::assert_relative_eq;

    fn lognormal(scv: f64) -> ServiceMoments {
        let second = 1.0 + scv;
        ServiceMoments {
            first: 1.0,
            second,
            third: second.powi(3),
        }
    }

    #[test]
    fn published_lognormal_figures() {
        let queue = Mg1::new(0.9, lognormal(1.5)).unwrap();
        assert_relative_eq!(queue.waiting_mean(), 11.25, max_relative = 1e-12);
        let variance = queue.waiting_variance(Turn::FirstIn).unwrap();
        assert_relative_eq!(variance, 173.4375, max_relative = 1e-12);
        let queue = Mg1::new(0.7, lognormal(2.0)).unwrap();
        let variance = queue.waiting_variance(Turn::FirstIn).unwrap();
        assert_relative_eq!(variance, 33.25, max_relative = 1e-12);
    }

    #[test]
    fn exponential_service_gives_m_m_1() {
        let service = ServiceMoments {
            first: 0.5,
            second: 0.5,
            third: 0.75,
        };
        let general = Mg1::new(1.6, service).unwrap();
        let markov = Mmc::new(1.6, 2.0, 1).unwrap();
        assert_relative_eq!(
            general.waiting_mean(),
            markov.waiting_mean(),
            max_relative = 1e-12
        );
        for turn in [Turn::FirstIn, Turn::LastIn, Turn::Random] {
            let (a, b) = (
                general.waiting_variance(turn),
                markov.waiting_variance(turn),
            );
            assert_relative_eq!(a.unwrap(), b.unwrap(), max_relative = 1e-12);
        }
    }

    #[test]
    fn a_third_moment_that_does_not_exist_leaves_the_mean() {
        let service = ServiceMoments {
            first: 1.0,
            second: 3.0,
            third: f64::INFINITY,
        };
        let figures = Mg1::new(0.5, service).unwrap().figures(Turn::FirstIn);
        assert_relative_eq!(figures[&Metric::mean(TimeKind::Waiting)].value, 1.5);
        assert_eq!(figures.len(), 6);
    }

    #[test]
    fn exponential_service_with_feedback_is_jackson() {
        let service = ServiceMoments {
            first: 1.0,
            second: 2.0,
            third: 6.0,
        };
        let queue = Mg1Feedback::new(0.5, service, 0.1).unwrap();
        assert_relative_eq!(queue.number_in_system(), 1.25, max_relative = 1e-12);
    }
}
