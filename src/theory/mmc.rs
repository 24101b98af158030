//! M/M/c: Poisson arrivals, exponential service, c consumers and one queue.
//!
//! # References
//! L. Kleinrock (1975), *Queueing Systems*, vol. 1, section 3.5. Variances of other orders of
//! service: L. Takács (1963), *Delay distributions for one line with Poisson input, general
//! holding times, and various orders of service*, Bell System Technical Journal 42, 487–503, since
//! an order that waits sees the other consumers as one of rate cμ.

use super::Turn;
use super::error::{ModelError, positive, stable};
use super::numeric::{exponential_difference, quantile};
use super::sheet::{Sheet, Source};
use super::{Curve, Figures, Kind, erlang_c};
use crate::metric::{Metric, TimeKind};
use std::sync::Arc;

const SOURCE: Source = Source::exact("Erlang 1917; Kleinrock 1975, Queueing Systems I, 3.5");
const ORDERS: Source = Source::exact("Takács 1963, Bell Syst. Tech. J. 42, 487-503");

/// The M/M/c queue in steady state.
///
/// # Domain
/// 0 < λ < cμ, per second; c ≥ 1.
///
/// # Formula
/// With Erlang's C = C(c, λ/μ) and θ = cμ − λ the waiting time under first in, first out is 0 with
/// probability 1 − C and else exponential with rate θ.
///
/// # Numerics
/// C by recursion, safe for c = 10⁵ and ρ = 1 − 10⁻⁹; the quantiles of the sojourn time
/// by bisection of its closed form to 1e-13.
///
/// ```
/// use orderline::theory::Mmc;
/// let queue = Mmc::new(9.0, 1.0, 10)?;
/// assert!((queue.wait_probability() - 0.668731524107697).abs() < 1e-13);
/// assert!((queue.queue_length() - 6.01858371696927).abs() < 1e-12);
/// assert!((queue.waiting_quantile(0.95) - 2.59335966489791).abs() < 1e-12);
/// # Ok::<(), orderline::theory::ModelError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mmc {
    arrival_rate: f64,
    service_rate: f64,
    consumers: u32,
    wait_probability: f64,
}

impl Mmc {
    /// A queue with arrival rate λ, service rate μ of each consumer, and c consumers.
    ///
    /// # Errors
    /// A rate that is not positive and finite, no consumers, or λ ≥ cμ.
    pub fn new(arrival_rate: f64, service_rate: f64, consumers: u32) -> Result<Mmc, ModelError> {
        let c = positive("consumers", f64::from(consumers))?;
        let offered =
            positive("arrival rate", arrival_rate)? / positive("service rate", service_rate)?;
        stable(arrival_rate / (c * service_rate))?;
        Ok(Mmc {
            arrival_rate,
            service_rate,
            consumers,
            wait_probability: erlang_c(consumers, offered),
        })
    }

    /// ρ = λ/(cμ).
    pub fn utilization(&self) -> f64 {
        self.arrival_rate / (f64::from(self.consumers) * self.service_rate)
    }

    /// θ = cμ − λ, the rate at which the waiting time's tail falls.
    pub fn decay(&self) -> f64 {
        f64::from(self.consumers) * self.service_rate - self.arrival_rate
    }

    /// Erlang's C.
    pub fn wait_probability(&self) -> f64 {
        self.wait_probability
    }

    /// Wq = C/(cμ − λ), seconds; the same for every order of service.
    pub fn waiting_mean(&self) -> f64 {
        self.wait_probability / self.decay()
    }

    /// W = Wq + 1/μ, seconds.
    pub fn sojourn_mean(&self) -> f64 {
        self.waiting_mean() + 1.0 / self.service_rate
    }

    /// Lq = λWq.
    pub fn queue_length(&self) -> f64 {
        self.arrival_rate * self.waiting_mean()
    }

    /// L = Lq + λ/μ.
    pub fn number_in_system(&self) -> f64 {
        self.queue_length() + self.arrival_rate / self.service_rate
    }

    /// Var(Wq): E\[Wq²\] = 2C/θ² first in, first out; 1/(1 − ρ) times that last in, first out;
    /// 2/(2 − ρ) times that in random order. `None` for priorities.
    pub fn waiting_variance(&self, turn: Turn) -> Option<f64> {
        let factor = second_moment_factor(turn, self.utilization())?;
        let second = 2.0 * self.wait_probability / self.decay().powi(2) * factor;
        Some(second - self.waiting_mean().powi(2))
    }

    /// The p-quantile of the waiting time, max(0, ln(C/(1 − p))/θ); first in, first out.
    pub fn waiting_quantile(&self, p: f64) -> f64 {
        ((self.wait_probability / (1.0 - p)).ln() / self.decay()).max(0.0)
    }

    /// P(Wq > t) = Ce^(−θt), first in, first out.
    pub fn waiting_ccdf(&self, t: f64) -> f64 {
        if t < 0.0 {
            1.0
        } else {
            self.wait_probability * (-self.decay() * t).exp()
        }
    }

    /// P(W > t) = e^(−μt) + Cμ(e^(−μt) − e^(−θt))/(θ − μ), first in, first out.
    pub fn sojourn_ccdf(&self, t: f64) -> f64 {
        let t = t.max(0.0);
        let mu = self.service_rate;
        let waited = exponential_difference(mu, self.decay(), t);
        (-mu * t).exp() + self.wait_probability * mu * waited
    }

    /// The p-quantile of the sojourn time, first in, first out.
    pub fn sojourn_quantile(&self, p: f64) -> Option<f64> {
        quantile(|t| self.sojourn_ccdf(t), p, self.sojourn_mean())
    }

    /// All figures for a queue served in the given order.
    pub(super) fn figures(&self, turn: Turn) -> Figures {
        let mut sheet = Sheet::new(SOURCE);
        sheet
            .put(Metric::Utilization, self.utilization(), "ρ = λ/(cμ)")
            .put(
                Metric::WaitProbability,
                self.wait_probability,
                "C = cB/((c−a)+aB), a = λ/μ",
            )
            .put(Metric::QueueLength, self.queue_length(), "Lq = Cρ/(1−ρ)")
            .put(
                Metric::NumberInSystem,
                self.number_in_system(),
                "L = Lq + λ/μ",
            )
            .mean(TimeKind::Waiting, self.waiting_mean(), "Wq = C/(cμ−λ)")
            .mean(TimeKind::Sojourn, self.sojourn_mean(), "W = Wq + 1/μ");
        if turn == Turn::FirstIn {
            self.quantiles(&mut sheet);
        }
        let mut figures = sheet.finish();
        figures.append(&mut self.variances(turn));
        figures
    }

    fn quantiles(&self, sheet: &mut Sheet) {
        let waiting = |p| Some(self.waiting_quantile(p));
        sheet.quantiles(TimeKind::Waiting, waiting, "max(0, ln(C/(1−p))/(cμ−λ))");
        let sojourn = |p| self.sojourn_quantile(p);
        let formula = "root of e^(−μt) + Cμ(e^(−μt)−e^(−θt))/(θ−μ) = 1−p, θ = cμ−λ";
        sheet.quantiles(TimeKind::Sojourn, sojourn, formula);
    }

    fn variances(&self, turn: Turn) -> Figures {
        let (source, waiting) = match turn {
            Turn::FirstIn => (SOURCE, "C(2−C)/(cμ−λ)²"),
            Turn::LastIn => (ORDERS, "2C/((1−ρ)(cμ−λ)²) − Wq²"),
            Turn::Random => (ORDERS, "4C/((2−ρ)(cμ−λ)²) − Wq²"),
            Turn::Any => return Figures::new(),
        };
        let mut sheet = Sheet::new(source);
        if let Some(variance) = self.waiting_variance(turn) {
            let served = self.service_rate.powi(-2);
            sheet.variance(TimeKind::Waiting, variance, waiting);
            sheet.variance(TimeKind::Sojourn, variance + served, "Var(Wq) + 1/μ²");
        }
        sheet.finish()
    }

    /// The waiting time's distribution, first in, first out.
    pub(super) fn waiting_curve(&self) -> Curve {
        let queue = *self;
        Curve {
            kind: Kind::Exact,
            formula: "P(Wq > t) = C e^(−(cμ−λ)t)",
            reference: SOURCE.reference,
            ccdf: Arc::new(move |t| queue.waiting_ccdf(t)),
        }
    }

    /// The sojourn time's distribution, first in, first out.
    pub(super) fn sojourn_curve(&self) -> Curve {
        let queue = *self;
        Curve {
            kind: Kind::Exact,
            formula: "P(W > t) = e^(−μt) + Cμ(e^(−μt)−e^(−θt))/(θ−μ), θ = cμ−λ",
            reference: SOURCE.reference,
            ccdf: Arc::new(move |t| queue.sojourn_ccdf(t)),
        }
    }
}

/// E\[Wq²\] over that of first in, first out, where orders of unknown size are taken in the given
/// order from a queue with Poisson arrivals (Takács 1963).
pub(super) fn second_moment_factor(turn: Turn, utilization: f64) -> Option<f64> {
    match turn {
        Turn::FirstIn => Some(1.0),
        Turn::LastIn => Some(1.0 / (1.0 - utilization)),
        Turn::Random => Some(2.0 / (2.0 - utilization)),
        Turn::Any => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;
    use proptest::prelude::*;

    #[test]
    fn published_figures() {
        let queue = Mmc::new(95.0, 1.0, 100).unwrap();
        assert_relative_eq!(queue.queue_length(), 9.62268022434739, max_relative = 1e-11);
        assert_relative_eq!(
            queue.waiting_quantile(0.9),
            0.324453789860059,
            max_relative = 1e-11
        );
        let queue = Mmc::new(0.5, 0.571428571428571, 3).unwrap();
        assert_relative_eq!(
            queue.number_in_system(),
            0.901871250783418,
            max_relative = 1e-12
        );
        // N. D. van Foreest, Queueing, exercise 5.10: three consumers.
        let queue = Mmc::new(0.466666666666667, 0.25, 3).unwrap();
        let fifo = queue.figures(Turn::FirstIn);
        let variance = Metric::Time(TimeKind::Sojourn, crate::metric::Statistic::Variance);
        assert_relative_eq!(fifo[&variance].value, 23.7254950898697, max_relative = 1e-9);
    }

    #[test]
    fn last_in_first_out_waits_for_a_busy_period() {
        // Second moment of the busy period of M/M/1 with λ = 0.5, μ = 1: 2/(1−ρ)³ = 16.
        let queue = Mmc::new(0.5, 1.0, 1).unwrap();
        let variance = queue.waiting_variance(Turn::LastIn).unwrap();
        assert_relative_eq!(variance, 0.5 * 16.0 - 1.0, max_relative = 1e-12);
    }

    proptest! {
        #[test]
        fn figures_hang_together(rho in 0.01f64..0.999, mu in 0.01f64..100.0, c in 1u32..300) {
            let lambda = rho * mu * f64::from(c);
            let queue = Mmc::new(lambda, mu, c).unwrap();
            prop_assert!((queue.number_in_system() / (lambda * queue.sojourn_mean()) - 1.0).abs() < 1e-9);
            let median = queue.sojourn_quantile(0.5).unwrap();
            prop_assert!((queue.sojourn_ccdf(median) - 0.5).abs() < 1e-11);
            let busier = Mmc::new(lambda * 1.0005, mu, c).unwrap();
            prop_assert!(busier.sojourn_mean() >= queue.sojourn_mean());
        }

        #[test]
        fn many_consumers_are_as_good_as_unlimited_ones(a in 0.1f64..20.0, mu in 0.1f64..10.0) {
            let queue = Mmc::new(a * mu, mu, 200).unwrap();
            prop_assert!((queue.number_in_system() - a).abs() < 1e-9 * a);
            prop_assert!((queue.sojourn_mean() * mu - 1.0).abs() < 1e-9);
        }
    }
}
