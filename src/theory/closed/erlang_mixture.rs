//! The wait of an order that finds so many before it: a mixture of Erlang laws.

use crate::theory::Curve;
use crate::theory::Kind;
use crate::theory::numeric::{quantile, sum};
use std::sync::Arc;

/// Standard deviations of a Poisson law that are summed on either side of its mean; beyond them is
/// less than 1e−30.
const REACH: f64 = 12.0;

/// A wait of j + 1 departures at rate cμ with probability q_j, and none else; then a service of
/// rate μ.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ErlangMixture {
    /// cμ.
    rate: f64,
    /// c.
    consumers: f64,
    /// P(at least i + 1 departures to wait for).
    waiting: Vec<f64>,
    /// P(in service) after i departures at rate cμ, served or not.
    serving: Vec<f64>,
}

impl ErlangMixture {
    /// From the probabilities q_j of finding j orders waiting while all c consumers are busy.
    pub fn new(found: &[f64], service_rate: f64, consumers: u32) -> ErlangMixture {
        let c = f64::from(consumers);
        let mut waiting = found.to_vec();
        for j in (1..waiting.len()).rev() {
            waiting[j - 1] += waiting[j];
        }
        let mut serving = Vec::with_capacity(waiting.len() + 1);
        let mut now = 1.0 - waiting.first().copied().unwrap_or(0.0);
        serving.push(now);
        for j in found {
            now = now * (1.0 - 1.0 / c) + j;
            serving.push(now);
        }
        ErlangMixture {
            rate: c * service_rate,
            consumers: c,
            waiting,
            serving,
        }
    }

    /// P(wait > 0).
    pub fn wait_probability(&self) -> f64 {
        self.waiting.first().copied().unwrap_or(0.0)
    }

    /// E\[Wq\] = E\[departures to wait for\]/(cμ).
    pub fn mean(&self) -> f64 {
        sum(self.waiting.iter().copied()) / self.rate
    }

    /// Var(Wq), by E\[M(M + 1)\]/(cμ)² for M departures.
    pub fn variance(&self) -> f64 {
        let pairs = self.waiting.iter().enumerate();
        let second = 2.0 * sum(pairs.map(|(i, tail)| (i + 1) as f64 * tail));
        second / (self.rate * self.rate) - self.mean().powi(2)
    }

    /// P(Wq > t).
    pub fn waiting_ccdf(&self, t: f64) -> f64 {
        self.summed(t, |i| self.waiting.get(i).copied().unwrap_or(0.0))
    }

    /// P(W > t): after i departures at rate cμ an order in service has left with probability 1/c at
    /// each (uniformization).
    pub fn sojourn_ccdf(&self, t: f64) -> f64 {
        self.summed(t, |i| {
            let waits = self.waiting.get(i).copied().unwrap_or(0.0);
            waits + self.serving.get(i).copied().unwrap_or_else(|| self.left(i))
        })
    }

    /// P(in service) after all that can wait have started.
    fn left(&self, i: usize) -> f64 {
        let last = self.serving.len() - 1;
        self.serving[last] * (1.0 - 1.0 / self.consumers).powf((i - last) as f64)
    }

    /// Σ P(Poisson(cμt) = i) of(i).
    fn summed(&self, t: f64, of: impl Fn(usize) -> f64) -> f64 {
        if t < 0.0 {
            return 1.0;
        }
        let mean = self.rate * t;
        let reach = REACH * mean.sqrt() + 40.0;
        let first = (mean - reach).max(0.0) as usize;
        let last = (mean + reach) as usize;
        let mut weight = poisson(mean, first);
        let mut total = 0.0;
        for i in first..=last {
            total += weight * of(i);
            weight *= mean / (i + 1) as f64;
        }
        total
    }

    /// The p-quantile of the wait.
    pub fn waiting_quantile(&self, p: f64) -> Option<f64> {
        quantile(|t| self.waiting_ccdf(t), p, 1.0 / self.rate)
    }

    /// The p-quantile of the sojourn.
    pub fn sojourn_quantile(&self, p: f64) -> Option<f64> {
        quantile(|t| self.sojourn_ccdf(t), p, 1.0 / self.rate)
    }

    /// The distributions of the wait and of the sojourn.
    pub fn curves(self, reference: &'static str) -> (Curve, Curve) {
        let (wait, sojourn) = (Arc::new(self.clone()), Arc::new(self));
        let curve = |formula, ccdf| Curve {
            kind: Kind::Exact,
            formula,
            reference,
            ccdf,
        };
        (
            curve(WAITING, Arc::new(move |t| wait.waiting_ccdf(t))),
            curve(SOJOURN, Arc::new(move |t| sojourn.sojourn_ccdf(t))),
        )
    }
}

/// The formula of the wait's distribution.
pub(super) const WAITING: &str = "Σ q_j P(Erlang(j+1, cμ) > t)";
/// The formula of the sojourn's distribution.
pub(super) const SOJOURN: &str = "Σ q_j P(Erlang(j+1, cμ) + S > t) + (1 − Σ q_j)e^(−μt)";

/// P(Poisson(mean) = i), by logarithms.
fn poisson(mean: f64, i: usize) -> f64 {
    if mean == 0.0 {
        return if i == 0 { 1.0 } else { 0.0 };
    }
    let k = i as f64;
    (k * mean.ln() - mean - statrs::function::gamma::ln_gamma(k + 1.0)).exp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::Mmc;
    use approx::assert_relative_eq;

    #[test]
    fn geometric_numbers_before_give_m_m_c() {
        let queue = Mmc::new(3.0, 1.25, 3).unwrap();
        let (busy, rho) = (queue.wait_probability(), queue.utilization());
        let found: Vec<f64> = (0..400).map(|j| busy * (1.0 - rho) * rho.powi(j)).collect();
        let mixture = ErlangMixture::new(&found, 1.25, 3);
        assert_relative_eq!(mixture.mean(), queue.waiting_mean(), max_relative = 1e-12);
        let variance = queue.waiting_variance(crate::theory::Turn::FirstIn);
        assert_relative_eq!(mixture.variance(), variance.unwrap(), max_relative = 1e-12);
        for t in [0.0, 0.3, 2.0, 9.0] {
            let (a, b) = (mixture.sojourn_ccdf(t), queue.sojourn_ccdf(t));
            assert_relative_eq!(a, b, max_relative = 1e-11);
            let (a, b) = (mixture.waiting_ccdf(t), queue.waiting_ccdf(t));
            assert_relative_eq!(a, b, max_relative = 1e-11);
        }
    }

    #[test]
    fn with_nobody_before_it_is_the_service() {
        let mixture = ErlangMixture::new(&[], 2.0, 4);
        assert_eq!(mixture.waiting_quantile(0.99), Some(0.0));
        let median = mixture.sojourn_quantile(0.5).unwrap();
        assert_relative_eq!(median, 0.5 * 2f64.ln(), max_relative = 1e-10);
    }
}
