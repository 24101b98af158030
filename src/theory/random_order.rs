//! M/M/c in random order of service: how long an order waits.
//!
//! # References
//! L. Flatto (1997), *The waiting time distribution for the random order service M/M/1 queue*, Annals of
//! Applied Probability 7, 382–409; F. Pollaczek (1946), Comptes rendus 222, 353–355. With c consumers
//! those that wait see one of rate cμ.

use super::error::ModelError;
use super::numeric::falling_root;
use super::quadrature::integrate;
use super::sheet::{Sheet, Source};
use super::{Curve, Figures, Kind, Mmc};
use crate::metric::TimeKind;
use std::f64::consts::PI;
use std::sync::Arc;

const REFERENCE: &str = "Flatto 1997, Ann. Appl. Probab. 7";
const FORMULA: &str =
    "2C(1−ρ)∫e^((2φ−θ)cot θ)/(1+e^(π cot θ)) sin θ e^(−cμtd)/d² dθ, d = 1−2√ρ cos θ+ρ";
/// Relative accuracy asked of the integral.
const ASKED: f64 = 1e-11;
/// And up to which it is believed.
const ENOUGH: f64 = 1e-8;

/// The M/M/c queue whose consumers take any waiting order with equal probability.
///
/// # Formula
/// With C of Erlang, r = √ρ, d(θ) = 1 − 2r cos θ + ρ and φ(θ) the angle of cos θ − r + i sin θ,
/// P(Wq > t) = 2C(1 − ρ) ∫₀^π e^((2φ−θ)cot θ)/(1 + e^(π cot θ)) · sin θ/d² · e^(−cμt d) dθ.
///
/// # Domain
/// 0 < λ < cμ.
///
/// # Numerics
/// Adaptive quadrature; a quantile is given where the integral is known to 1e-8.
///
/// ```
/// use orderline::theory::RandomOrder;
/// // M/M/1 at ρ = 0.8 and μ = 1: P(Wq > 2) = 0.43482846844884837, by uniformization of the chain.
/// let queue = RandomOrder::new(0.8, 1.0, 1)?;
/// assert!((queue.waiting_ccdf(2.0) - 0.43482846844884837).abs() < 1e-12);
/// # Ok::<(), orderline::theory::ModelError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RandomOrder {
    queue: Mmc,
    service_rate: f64,
    capacity: f64,
}

impl RandomOrder {
    /// A queue with arrival rate λ, service rate μ of each consumer, and c consumers.
    ///
    /// # Errors
    /// As [`Mmc::new`].
    pub fn new(
        arrival_rate: f64,
        service_rate: f64,
        consumers: u32,
    ) -> Result<RandomOrder, ModelError> {
        Ok(RandomOrder {
            queue: Mmc::new(arrival_rate, service_rate, consumers)?,
            service_rate,
            capacity: f64::from(consumers) * service_rate,
        })
    }

    /// P(Wq > t).
    pub fn waiting_ccdf(&self, t: f64) -> f64 {
        if t < 0.0 {
            1.0
        } else {
            self.queue.wait_probability() * self.mean_of(|rate| (-rate * t).exp()).0
        }
    }

    /// P(W > t).
    pub fn sojourn_ccdf(&self, t: f64) -> f64 {
        self.sojourn(t).0
    }

    /// The p-quantile of the waiting time.
    pub fn waiting_quantile(&self, p: f64) -> Option<f64> {
        let waits = self.queue.wait_probability();
        if waits <= 1.0 - p {
            return Some(0.0);
        }
        let tail = |t: f64| self.mean_of(|rate| (-rate * t).exp());
        let guess = 1.0 / self.queue.decay();
        let found = falling_root(|t| waits * tail(t).0, 1.0 - p, guess)?;
        (tail(found).1 < ENOUGH).then_some(found)
    }

    /// The p-quantile of the sojourn time.
    pub fn sojourn_quantile(&self, p: f64) -> Option<f64> {
        let guess = self.queue.sojourn_mean();
        let found = falling_root(|t| self.sojourn(t).0, 1.0 - p, guess)?;
        (self.sojourn(found).1 < ENOUGH).then_some(found)
    }

    /// P(W > t) and the relative error of its integral: the wait is a mixture of exponential times.
    fn sojourn(&self, t: f64) -> (f64, f64) {
        let (mu, waits) = (self.service_rate, self.queue.wait_probability());
        let t = t.max(0.0);
        // P(wait of this rate + service > t) = e^(−μt) + μ(e^(−μt) − e^(−rate t))/(rate − μ).
        let both = |rate: f64| {
            let added = super::numeric::exponential_difference(mu, rate, t);
            (-mu * t).exp() + mu * added
        };
        let (waited, error) = self.mean_of(both);
        ((1.0 - waits) * (-mu * t).exp() + waits * waited, error)
    }

    /// The mean of a function of the rate over the mixture that the wait is, given that there is one,
    /// and the relative error of the integral.
    fn mean_of(&self, f: impl Fn(f64) -> f64) -> (f64, f64) {
        let rho = self.queue.utilization();
        let root = rho.sqrt();
        // 1 − r without cancellation near ρ = 1, and d as (1 − r)² + 4r sin²(θ/2).
        let gap = self.queue.decay() / self.capacity / (1.0 + root);
        let density = |theta: f64| {
            let half = (0.5 * theta).sin();
            let d = gap * gap + 4.0 * root * half * half;
            let phi = theta.sin().atan2(gap - 2.0 * half * half);
            let cot = theta.cos() / theta.sin();
            let log = (2.0 * phi - theta) * cot - (PI * cot).max(0.0);
            let shape = (log - (-(PI * cot).abs()).exp().ln_1p()).exp();
            [shape * theta.sin() / (d * d) * f(self.capacity * d)]
        };
        // The mass near ρ = 1 lies where θ is of the order of √(1 − r), and falls like a power of θ: no
        // interval may be so long that its nodes miss it.
        let decades = std::iter::successors(Some(0.01 * gap), |theta| Some(10.0 * theta));
        let mut points = vec![0.0];
        points.extend(decades.take_while(|theta| *theta < 1.0));
        points.extend([1.0, 2.0, PI]);
        let whole = integrate(density, &points, ASKED);
        let value = 2.0 * (1.0 + root) * gap * whole.values[0];
        (
            value,
            whole.errors[0] / whole.values[0].max(f64::MIN_POSITIVE),
        )
    }

    /// The quantiles.
    pub(super) fn quantiles(&self) -> Figures {
        let mut sheet = Sheet::new(Source::exact(REFERENCE));
        sheet
            .quantiles(TimeKind::Waiting, |p| self.waiting_quantile(p), FORMULA)
            .quantiles(
                TimeKind::Sojourn,
                |p| self.sojourn_quantile(p),
                "the same with an exponential service added",
            );
        sheet.finish()
    }

    /// P(Wq > t) and P(W > t).
    pub(super) fn curves(&self) -> (Curve, Curve) {
        let queue = *self;
        let curve = |ccdf: Arc<dyn Fn(f64) -> f64 + Send + Sync>| Curve {
            kind: Kind::Exact,
            formula: FORMULA,
            reference: REFERENCE,
            ccdf,
        };
        (
            curve(Arc::new(move |t| queue.waiting_ccdf(t))),
            curve(Arc::new(
                move |t| if t < 0.0 { 1.0 } else { queue.sojourn_ccdf(t) },
            )),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::Turn;
    use approx::assert_relative_eq;

    #[test]
    fn the_chain_of_those_that_wait_gives_the_same() {
        // By uniformization of the chain of the number of others that wait.
        let table = [
            (0.3, 0.5, 0.2008321388675627),
            (0.3, 10.0, 0.0011962909282374882),
            (0.8, 0.5, 0.6654726490623605),
            (0.8, 10.0, 0.11053661543202493),
        ];
        for (rho, t, known) in table {
            let queue = RandomOrder::new(rho, 1.0, 1).unwrap();
            assert_relative_eq!(queue.waiting_ccdf(t), known, max_relative = 1e-11);
        }
    }

    #[test]
    fn the_mixture_has_the_known_moments() {
        for (rate, c) in [(0.5, 1), (0.999, 1), (9.0, 10), (1.0 - 1e-9, 1)] {
            let queue = RandomOrder::new(rate, 1.0, c).unwrap();
            let plain = Mmc::new(rate, 1.0, c).unwrap();
            let waits = plain.wait_probability();
            assert_relative_eq!(queue.mean_of(|_| 1.0).0, 1.0, max_relative = 1e-8);
            let mean = waits * queue.mean_of(|rate| 1.0 / rate).0;
            assert_relative_eq!(mean, plain.waiting_mean(), max_relative = 1e-8);
            let second = waits * queue.mean_of(|rate| 2.0 / (rate * rate)).0;
            let variance = plain.waiting_variance(Turn::Random).unwrap();
            assert_relative_eq!(second - mean * mean, variance, max_relative = 1e-7);
        }
    }

    #[test]
    fn quantiles_invert_the_tails() {
        let queue = RandomOrder::new(9.0, 1.0, 10).unwrap();
        for p in [0.5, 0.99, 0.999] {
            let wait = queue.waiting_quantile(p).unwrap();
            assert_relative_eq!(queue.waiting_ccdf(wait), 1.0 - p, max_relative = 1e-7);
            let sojourn = queue.sojourn_quantile(p).unwrap();
            assert_relative_eq!(queue.sojourn_ccdf(sojourn), 1.0 - p, max_relative = 1e-7);
        }
        assert_eq!(queue.waiting_quantile(0.3), Some(0.0));
    }
}
