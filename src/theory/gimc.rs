//! GI/M/c: independent gaps of any law, exponential service, c consumers.
//!
//! # References
//! D. G. Kendall (1953), *Stochastic processes occurring in the theory of queues*, Annals of
//! Mathematical Statistics 24; L. Takács (1962), *Introduction to the Theory of Queues*, chapter 2,
//! theorem 3.

use super::Turn;
use super::error::{ModelError, positive, stable};
use super::numeric::{bisect, exponential_difference, quantile};
use super::sheet::{Sheet, Source};
use super::transform::laplace;
use super::{Curve, Figures, Kind};
use crate::metric::{Metric, TimeKind};
use crate::random::Distribution;
use std::sync::Arc;

const SOURCE: Source =
    Source::exact("Kendall 1953; Takács 1962, Introduction to the Theory of Queues, 2");
/// Loads nearer to 1 cost the root too many digits.
const NEAREST: f64 = 0.9999;
/// With more consumers than this the sum is too long, and the two-moment rule as good as exact.
const MOST: u32 = 2_000;
/// Where a term's quotient becomes 0/0, its limit is taken from the slope.
const TOUCHING: f64 = 1e-5;

/// The GI/M/c queue in steady state.
///
/// # Domain
/// Gaps with a closed transform φ (not lognormal, Weibull or Pareto), ρ = 1/(cμE\[gap\]) ≤ 0.9999,
/// c ≤ 2000.
///
/// # Formula
/// With x the root in (0, 1) of 1 − x = φ(cμx), the waiting time under first in, first out is 0
/// with probability 1 − p and else exponential with rate θ = cμx. With φ_j = φ(jμ) and
/// C_j = Π φ_i/(1 − φ_i), i ≤ j: p = A/x,
/// 1/A = 1/x + Σ_{j=1..c} (c over j)/(C_j(1 − φ_j)) · (c(1 − φ_j) − j)/(cx − j).
///
/// # Numerics
/// The root by bisection to 1e-13; all terms of the sum are positive.
///
/// ```
/// use orderline::{random::Distribution, theory::GiMc};
/// // D/M/4 at ρ = 0.9.
/// let queue = GiMc::new(&Distribution::deterministic(1.0 / 3.6)?, 1.0, 4).unwrap().unwrap();
/// assert!((queue.wait_probability() - 0.66517466968613).abs() < 1e-12);
/// assert!((queue.waiting_mean() - 0.86117826763637).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GiMc {
    arrival_rate: f64,
    service_rate: f64,
    consumers: u32,
    wait_probability: f64,
    decay: f64,
}

impl GiMc {
    /// A queue with the given law of gaps, service rate μ of each consumer, and c consumers;
    /// `None` where the gaps have no closed transform, the load is too near to 1 for the root, or c is
    /// above 2000.
    ///
    /// # Errors
    /// A rate that is not positive and finite, no consumers, or ρ ≥ 1.
    pub fn new(
        gap: &Distribution,
        service_rate: f64,
        consumers: u32,
    ) -> Result<Option<GiMc>, ModelError> {
        let arrival_rate = positive("arrival rate", 1.0 / gap.mean())?;
        let c = positive("consumers", f64::from(consumers))?;
        let capacity = c * positive("service rate", service_rate)?;
        let rho = stable(arrival_rate / capacity)?;
        if rho > NEAREST || consumers > MOST || laplace(gap, capacity).is_none() {
            return Ok(None);
        }
        let phi = |s: f64| laplace(gap, s).unwrap_or(f64::NAN);
        let x = bisect(
            |x| phi(capacity * x) - 1.0 + x < 0.0,
            (1.0 - rho) * 1e-6,
            1.0,
        );
        Ok(Some(GiMc {
            arrival_rate,
            service_rate,
            consumers,
            wait_probability: wait_probability(|j| phi(j * service_rate), x, consumers),
            decay: capacity * x,
        }))
    }

    /// θ, the rate at which the waiting time's tail falls.
    pub fn decay(&self) -> f64 {
        self.decay
    }

    /// P(Wq > 0) of an arriving order.
    pub fn wait_probability(&self) -> f64 {
        self.wait_probability
    }

    /// Wq = p/θ, seconds.
    pub fn waiting_mean(&self) -> f64 {
        self.wait_probability / self.decay
    }

    /// W = Wq + 1/μ, seconds.
    pub fn sojourn_mean(&self) -> f64 {
        self.waiting_mean() + 1.0 / self.service_rate
    }

    /// Var(Wq) = p(2 − p)/θ², first in, first out.
    pub fn waiting_variance(&self) -> f64 {
        self.wait_probability * (2.0 - self.wait_probability) / self.decay.powi(2)
    }

    /// P(Wq > t), first in, first out.
    pub fn waiting_ccdf(&self, t: f64) -> f64 {
        if t < 0.0 {
            1.0
        } else {
            self.wait_probability * (-self.decay * t).exp()
        }
    }

    /// P(W > t), first in, first out.
    pub fn sojourn_ccdf(&self, t: f64) -> f64 {
        let (t, mu) = (t.max(0.0), self.service_rate);
        let waited = exponential_difference(mu, self.decay, t);
        (-mu * t).exp() + self.wait_probability * mu * waited
    }

    /// All figures for a queue served in the given order.
    pub(super) fn figures(&self, turn: Turn) -> Figures {
        let (wait, sojourn) = (self.waiting_mean(), self.sojourn_mean());
        let rho = self.arrival_rate / (f64::from(self.consumers) * self.service_rate);
        let mut sheet = Sheet::new(SOURCE);
        sheet
            .put(Metric::Utilization, rho, "ρ = λ/(cμ)")
            .put(
                Metric::WaitProbability,
                self.wait_probability,
                "p = A/x, 1−x = φ(cμx)",
            )
            .mean(TimeKind::Waiting, wait, "Wq = p/(cμx), 1−x = φ(cμx)")
            .mean(TimeKind::Sojourn, sojourn, "W = Wq + 1/μ")
            .put(Metric::QueueLength, self.arrival_rate * wait, "Lq = λWq")
            .put(
                Metric::NumberInSystem,
                self.arrival_rate * sojourn,
                "L = λW",
            );
        if turn == Turn::FirstIn {
            let variance = self.waiting_variance();
            let served = self.service_rate.powi(-2);
            let waiting =
                |p: f64| Some(((self.wait_probability / (1.0 - p)).ln() / self.decay).max(0.0));
            let whole = |p| quantile(|t| self.sojourn_ccdf(t), p, sojourn);
            sheet
                .variance(TimeKind::Waiting, variance, "p(2−p)/θ², θ = cμx")
                .variance(TimeKind::Sojourn, variance + served, "Var(Wq) + 1/μ²")
                .quantiles(TimeKind::Waiting, waiting, "max(0, ln(p/(1−q))/θ)")
                .quantiles(
                    TimeKind::Sojourn,
                    whole,
                    "root of e^(−μt) + pμ(e^(−μt)−e^(−θt))/(θ−μ) = 1−q",
                );
        }
        sheet.finish()
    }

    /// The distributions of waiting and sojourn time, first in, first out.
    pub(super) fn curves(&self) -> (Curve, Curve) {
        let queue = *self;
        let curve = |formula, ccdf| Curve {
            kind: Kind::Exact,
            formula,
            reference: SOURCE.reference,
            ccdf,
        };
        (
            curve(
                "P(Wq > t) = p e^(−θt)",
                Arc::new(move |t| queue.waiting_ccdf(t)),
            ),
            curve(
                "P(W > t) = e^(−μt) + pμ(e^(−μt)−e^(−θt))/(θ−μ)",
                Arc::new(move |t| queue.sojourn_ccdf(t)),
            ),
        )
    }
}

/// p of the formula, from φ_j and the root.
fn wait_probability(phi: impl Fn(f64) -> f64, x: f64, consumers: u32) -> f64 {
    let c = f64::from(consumers);
    let (mut sum, mut choices) = (1.0 / x, 1.0);
    for step in 1..=consumers {
        let j = f64::from(step);
        let missing = 1.0 - phi(j);
        choices *= (c - j + 1.0) / j * missing / phi(j);
        let distance = c * x - j;
        let quotient = if distance.abs() > TOUCHING {
            (c * missing - j) / distance
        } else {
            let (middle, width) = (0.5 * (c * x + j), 1e-4);
            1.0 + c * (phi(middle + width) - phi(middle - width)) / (2.0 * width)
        };
        sum += choices / missing * quotient;
    }
    (1.0 / (x * sum)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::Mmc;
    use approx::assert_relative_eq;

    fn queue(gap: Distribution, consumers: u32) -> GiMc {
        GiMc::new(&gap, 1.0, consumers).unwrap().unwrap()
    }

    #[test]
    fn published_waits() {
        let erlang = queue(Distribution::erlang(2, 1.0 / 1.4).unwrap(), 2);
        assert_relative_eq!(
            erlang.wait_probability(),
            0.48718525189934,
            max_relative = 1e-11
        );
        assert_relative_eq!(
            erlang.waiting_mean(),
            0.63349256765694,
            max_relative = 1e-11
        );
        let balanced = Distribution::hyperexponential_mean_scv(1.0 / 9.0, 2.25).unwrap();
        let balanced = queue(balanced, 10);
        assert_relative_eq!(
            balanced.wait_probability(),
            0.75080832622275,
            max_relative = 1e-10
        );
        assert_relative_eq!(
            balanced.waiting_mean(),
            1.1713904253013,
            max_relative = 1e-10
        );
        let uniform = queue(Distribution::uniform(0.0, 2.0 / 0.9).unwrap(), 1);
        assert_relative_eq!(
            uniform.waiting_mean(),
            5.8430746107195,
            max_relative = 1e-10
        );
    }

    #[test]
    fn exponential_gaps_give_m_m_c_even_where_quotients_touch() {
        for (c, rho) in [(1, 0.3), (10, 0.5), (20, 0.9), (200, 0.95)] {
            let lambda = f64::from(c) * rho;
            let general = queue(Distribution::exponential(lambda).unwrap(), c);
            let markov = Mmc::new(lambda, 1.0, c).unwrap();
            assert_relative_eq!(
                general.waiting_mean(),
                markov.waiting_mean(),
                max_relative = 1e-8
            );
        }
    }

    #[test]
    fn gaps_without_a_transform_are_left_to_the_approximation() {
        let gap = Distribution::lognormal_mean_scv(2.0, 1.5).unwrap();
        assert_eq!(GiMc::new(&gap, 1.0, 1), Ok(None));
    }
}
