//! M^X/M/c: batches that come by Poisson's law, exponential service, c consumers.
//!
//! # References
//! M. L. Chaudhry, J. G. C. Templeton (1983), *A First Course in Bulk Queues*, section 2.4; H. C. Tijms
//! (2003), *A First Course in Stochastic Models*, section 9.8 (the recursion and the generating
//! function).

use super::error::{ModelError, positive, stable};
use super::numeric::quantile;
use super::sheet::{Sheet, Source};
use super::{Curve, Figures, Kind};
use crate::metric::{Metric, TimeKind};
use crate::random::DiscreteDistribution;
use std::sync::Arc;

const SOURCE: Source =
    Source::exact("Chaudhry, Templeton 1983, A First Course in Bulk Queues, 2.4");
/// Steps of the recursion that are quick enough.
const MOST_STEPS: f64 = 5e6;
/// Numbers in system that are listed at most.
const MOST_NUMBERS: f64 = 4e5;
/// Where weights are scaled down before they overflow.
const HUGE: f64 = 1e200;

/// The M^X/M/c queue in steady state; every figure is per order, not per batch.
///
/// # Domain
/// Batches per second λ > 0, service rate μ > 0, λE\[X\] < cμ; c times the largest batch up to 5·10⁶. The
/// distribution of the wait where as many numbers in system as matter can be listed.
///
/// # Formula
/// As many steps up as down across each level: min(n, c) μ p_n = λ Σ_{i<n} p_i P(X > n − 1 − i). An order finds
/// m orders before it, those of its own batch counted, with probability min(m + 1, c) p_{m+1}/a, where
/// a = λE\[X\]/μ, and waits for m − c + 1 services at rate cμ. So P(Wq > 0) = c/a P(N > c), and
/// P(Wq > t) = c/a Σ_{i≥0} e^(−cμt)(cμt)ⁱ/i! P(N > c + i). Σ_{n<c} (c − n)p_n = c − a; the generating function
/// of N is Σ_{n<c} (c − n)p_n zⁿ/(c − a zJ(z)) with J(z) = (1 − X(z))/(E\[X\](1 − z)).
///
/// # Numerics
/// Positive terms only; beyond the numbers that can be listed (ρ near 1), mean and variance by the derivatives
/// of the generating function, where nothing cancels.
///
/// ```
/// use orderline::{random::DiscreteDistribution, theory::MxMc};
/// // Batches of three, one consumer, ρ = 0.9: L = 18.
/// let queue = MxMc::new(0.3, &DiscreteDistribution::deterministic(3)?, 1.0, 1)?;
/// assert!((queue.number_in_system() - 18.0).abs() < 1e-9);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct MxMc {
    order_rate: f64,
    service_rate: f64,
    consumers: f64,
    waits: f64,
    queue_length: f64,
    /// E\[Wq²\](cμ)².
    second: f64,
    /// P(N > c + i), where they can be listed.
    beyond: Option<Arc<[f64]>>,
}

impl MxMc {
    /// A queue with `batch_rate` batches per second of the given size, service rate μ of each
    /// consumer, and c consumers.
    ///
    /// # Errors
    /// A rate that is not positive and finite, no consumers, λE\[X\] ≥ cμ, or too many steps.
    pub fn new(
        batch_rate: f64,
        size: &DiscreteDistribution,
        service_rate: f64,
        consumers: u32,
    ) -> Result<MxMc, ModelError> {
        let c = positive("consumers", f64::from(consumers))?;
        let order_rate = positive("arrival rate", batch_rate)? * size.mean();
        let load = order_rate / positive("service rate", service_rate)?;
        stable(load / c)?;
        let steps = c * Tail::work(size);
        if steps > MOST_STEPS {
            return Err(ModelError::Domain {
                name: "consumers times largest batch",
                value: steps,
            });
        }
        let mut chain = Chain::new(batch_rate / service_rate, size, c);
        chain.grow_to(consumers as usize + 1);
        chain.scale((c - load) / chain.free_places());
        let numbers = (MOST_STEPS / Tail::work(size)).min(MOST_NUMBERS);
        let found = match chain.list(numbers as usize) {
            true => Found::listed(&chain.weights, c),
            false => Found::derived(&chain.weights[..=consumers as usize], size, load, c),
        };
        Ok(MxMc {
            order_rate,
            service_rate,
            consumers: c,
            waits: found.busy * c / load,
            queue_length: found.first,
            second: found.second * c / load,
            beyond: found.beyond,
        })
    }

    /// ρ = λE\[X\]/(cμ).
    pub fn utilization(&self) -> f64 {
        self.order_rate / (self.consumers * self.service_rate)
    }

    /// P(Wq > 0) of an order.
    pub fn wait_probability(&self) -> f64 {
        self.waits
    }

    /// Lq.
    pub fn queue_length(&self) -> f64 {
        self.queue_length
    }

    /// L = Lq + λE\[X\]/μ.
    pub fn number_in_system(&self) -> f64 {
        self.queue_length + self.order_rate / self.service_rate
    }

    /// Wq = Lq/(λE\[X\]), seconds.
    pub fn waiting_mean(&self) -> f64 {
        self.queue_length / self.order_rate
    }

    /// W = Wq + 1/μ, seconds.
    pub fn sojourn_mean(&self) -> f64 {
        self.waiting_mean() + 1.0 / self.service_rate
    }

    /// Var(Wq), first in, first out, the orders of a batch in any order of their own.
    pub fn waiting_variance(&self) -> f64 {
        let rate = self.consumers * self.service_rate;
        self.second / (rate * rate) - self.waiting_mean().powi(2)
    }

    /// P(Wq > t), first in, first out; `None` near ρ = 1.
    pub fn waiting_ccdf(&self, t: f64) -> Option<f64> {
        if t < 0.0 {
            return Some(1.0);
        }
        let beyond = self.beyond.as_ref()?;
        let y = self.consumers * self.service_rate * t;
        let spread = 9.0 * y.sqrt() + 40.0;
        let first = (y - spread).max(0.0).floor();
        let mut mass = super::mdc::pmf(y, first);
        let mut sum = 0.0;
        for (i, tail) in beyond.iter().enumerate().skip(first as usize) {
            sum += mass * tail;
            mass *= y / (i + 1) as f64;
            if i as f64 > y + spread {
                break;
            }
        }
        Some((sum * self.consumers * self.service_rate / self.order_rate).min(1.0))
    }

    /// The p-quantile of the waiting time, first in, first out; `None` near ρ = 1.
    pub fn waiting_quantile(&self, p: f64) -> Option<f64> {
        self.beyond.as_ref()?;
        let scale = 1.0 / (self.consumers * self.service_rate);
        quantile(|t| self.waiting_ccdf(t).unwrap_or(f64::NAN), p, scale)
    }

    /// All figures; variances and quantiles first in, first out only.
    pub(super) fn figures(&self, fifo: bool) -> Figures {
        let mut sheet = Sheet::new(SOURCE);
        sheet
            .put(Metric::Utilization, self.utilization(), "ρ = λE[X]/(cμ)")
            .put(Metric::WaitProbability, self.waits, "c/a P(N > c)")
            .put(Metric::QueueLength, self.queue_length, "Lq = Σ (n−c) p_n")
            .put(
                Metric::NumberInSystem,
                self.number_in_system(),
                "L = Lq + λE[X]/μ",
            )
            .mean(TimeKind::Waiting, self.waiting_mean(), "Wq = Lq/(λE[X])")
            .mean(TimeKind::Sojourn, self.sojourn_mean(), "W = Wq + 1/μ");
        if fifo {
            let (variance, own) = (self.waiting_variance(), self.service_rate.powi(-2));
            let waiting = "c/a Σ (n−c)(n−c+1) p_n/(cμ)² − Wq²";
            sheet
                .variance(TimeKind::Waiting, variance, waiting)
                .variance(TimeKind::Sojourn, variance + own, "Var(Wq) + 1/μ²")
                .quantiles(
                    TimeKind::Waiting,
                    |p| self.waiting_quantile(p),
                    "c/a Σ e^(−cμt)(cμt)ⁱ/i! P(N > c+i) = 1−p",
                );
        }
        sheet.finish()
    }

    /// The waiting time's distribution, first in, first out.
    pub(super) fn waiting_curve(&self) -> Option<Curve> {
        self.beyond.as_ref()?;
        let queue = self.clone();
        Some(Curve {
            kind: Kind::Exact,
            formula: "P(Wq > t) = c/a Σ e^(−cμt)(cμt)ⁱ/i! P(N > c+i)",
            reference: SOURCE.reference,
            ccdf: Arc::new(move |t| queue.waiting_ccdf(t).unwrap_or(f64::NAN)),
        })
    }
}

/// P(X > k).
enum Tail {
    /// P(X > k) = qᵏ.
    Geometric(f64),
    /// From k = 0 to the largest batch.
    Listed(Vec<f64>),
}

impl Tail {
    fn new(size: &DiscreteDistribution) -> Tail {
        let pairs: Vec<(u64, f64)> = match size {
            DiscreteDistribution::Geometric { mean } => return Tail::Geometric(1.0 - 1.0 / mean),
            DiscreteDistribution::Deterministic { value } => vec![(*value, 1.0)],
            DiscreteDistribution::Finite {
                values,
                probabilities,
            } => values
                .iter()
                .copied()
                .zip(probabilities.iter().copied())
                .collect(),
        };
        let largest = pairs.iter().map(|(value, _)| *value).max().unwrap_or(1);
        let more = |k: u64| {
            pairs
                .iter()
                .filter(|(value, _)| *value > k)
                .map(|(_, p)| p)
                .sum()
        };
        Tail::Listed((0..largest).map(more).collect())
    }

    /// Steps of the recursion for one number in system.
    fn work(size: &DiscreteDistribution) -> f64 {
        match size {
            DiscreteDistribution::Geometric { .. } => 1.0,
            DiscreteDistribution::Deterministic { value } => *value as f64,
            DiscreteDistribution::Finite { values, .. } => {
                values.iter().max().map_or(1.0, |largest| *largest as f64)
            }
        }
    }
}

/// The probabilities of the numbers in system, up to a factor.
struct Chain {
    weights: Vec<f64>,
    /// λ/μ, of batches.
    rate: f64,
    tail: Tail,
    consumers: f64,
    /// Σ u_i qⁱ so far, for geometric batches.
    running: f64,
}

impl Chain {
    fn new(rate: f64, size: &DiscreteDistribution, consumers: f64) -> Chain {
        Chain {
            weights: vec![1.0],
            rate,
            tail: Tail::new(size),
            consumers,
            running: 0.0,
        }
    }

    /// On to `count` weights.
    fn grow_to(&mut self, count: usize) {
        while self.weights.len() < count {
            let n = self.weights.len();
            let flow: f64 = match &self.tail {
                Tail::Geometric(q) => {
                    self.running = q * self.running + self.weights[n - 1];
                    self.running
                }
                Tail::Listed(more) => {
                    let latest = self.weights.iter().rev().zip(more);
                    latest.map(|(weight, more)| weight * more).sum()
                }
            };
            let next = self.rate * flow / self.consumers.min(n as f64);
            self.weights.push(next);
            if next > HUGE {
                self.scale(1.0 / HUGE);
            }
        }
    }

    fn scale(&mut self, factor: f64) {
        self.weights.iter_mut().for_each(|weight| *weight *= factor);
        self.running *= factor;
    }

    /// Σ_{n<c} (c − n) u_n.
    fn free_places(&self) -> f64 {
        let numbers = self.weights.iter().enumerate();
        numbers
            .map(|(n, weight)| (self.consumers - n as f64) * weight)
            .sum()
    }

    /// Goes on until what is left does not count; whether `most` numbers are enough for that.
    fn list(&mut self, most: usize) -> bool {
        // A stretch as long as the largest batch must be negligible, since batches come in lumps.
        let stretch = match &self.tail {
            Tail::Geometric(_) => 1,
            Tail::Listed(more) => more.len(),
        };
        let mut top: f64 = 0.0;
        while self.weights.len() < most {
            let from = self.weights.len();
            self.grow_to(from + stretch);
            let here = self.weights[from..].iter().copied().fold(0.0, f64::max);
            if here <= 1e-22 * top || here == 0.0 {
                return true;
            }
            top = top.max(here);
        }
        false
    }
}

/// What an order finds, from the numbers in system.
struct Found {
    /// P(N > c).
    busy: f64,
    /// Σ_{n>c} (n − c) p_n.
    first: f64,
    /// Σ_{n>c} (n − c)(n − c + 1) p_n.
    second: f64,
    beyond: Option<Arc<[f64]>>,
}

impl Found {
    fn listed(weights: &[f64], c: f64) -> Found {
        let more = weights.get(c as usize + 1..).unwrap_or(&[]);
        let (mut busy, mut first, mut second) = (0.0, 0.0, 0.0);
        let mut beyond = vec![0.0; more.len()];
        for (i, weight) in more.iter().enumerate().rev() {
            let (k, p) = ((i + 1) as f64, *weight);
            busy += p;
            first += k * p;
            second += k * (k + 1.0) * p;
            beyond[i] = busy;
        }
        Found {
            busy,
            first,
            second,
            beyond: Some(beyond.into()),
        }
    }

    /// By the derivatives of the generating function at 1, less what is known up to c.
    fn derived(below: &[f64], size: &DiscreteDistribution, load: f64, c: f64) -> Found {
        let gap = c - load;
        let sum = |f: &dyn Fn(f64) -> f64| -> f64 {
            let numbers = below.iter().enumerate();
            numbers.map(|(n, p)| f(n as f64) * p).sum()
        };
        let (one, two, three) = (size.moment(1), size.moment(2), size.moment(3));
        let ahead = (two - one) / (2.0 * one);
        let pairs = (2.0 * three - 3.0 * two + one) / (6.0 * one) - ahead;
        // Of zJ(z).
        let (slope, bend) = (1.0 + ahead, 2.0 * ahead + pairs);
        let g1 = sum(&|n| n * (c - n));
        let g2 = sum(&|n| n * (n - 1.0) * (c - n));
        let mean = g1 / gap + load * slope / gap;
        let pull = load * slope / gap;
        let second = g2 / gap + 2.0 * g1 * pull / gap + load * bend / gap + 2.0 * pull * pull;
        let first = mean - c + sum(&|n| c - n);
        // E[(N − c)²] + E[N − c], all numbers, less those below c.
        let square = second + mean - 2.0 * c * mean + c * c;
        let all = square + mean - c;
        let less = sum(&|n| (n - c) * (n - c + 1.0));
        Found {
            busy: 1.0 - sum(&|_| 1.0),
            first,
            second: all - less,
            beyond: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::{Mmc, MxG1, ServiceMoments, Turn};
    use approx::assert_relative_eq;
    use proptest::prelude::*;

    fn finite() -> DiscreteDistribution {
        DiscreteDistribution::finite(vec![1, 5, 20], vec![0.5, 0.3, 0.2]).unwrap()
    }

    #[test]
    fn one_consumer_is_burkes() {
        let service = ServiceMoments {
            first: 1.0,
            second: 2.0,
            third: 6.0,
        };
        for size in [finite(), DiscreteDistribution::geometric(3.0).unwrap()] {
            for rho in [0.1, 0.9, 1.0 - 1e-9] {
                let rate = rho / size.mean();
                let several = MxMc::new(rate, &size, 1.0, 1).unwrap();
                let single = MxG1::new(rate, &size, service).unwrap();
                let near = 1e-7;
                let (a, b) = (several.waiting_mean(), single.waiting_mean());
                assert_relative_eq!(a, b, max_relative = near);
                let (a, b) = (
                    several.waiting_variance(),
                    single.waiting_variance().unwrap(),
                );
                assert_relative_eq!(a, b, max_relative = near);
                let (a, b) = (several.wait_probability(), single.wait_probability());
                assert_relative_eq!(a, b, max_relative = near);
            }
        }
    }

    #[test]
    fn single_orders_make_m_m_c() {
        let one = DiscreteDistribution::deterministic(1).unwrap();
        for (load, consumers) in [(0.5, 3), (9.0, 10), (950.0, 1000), (30.0, 100)] {
            let batches = MxMc::new(load, &one, 1.0, consumers).unwrap();
            let single = Mmc::new(load, 1.0, consumers).unwrap();
            let (a, b) = (batches.wait_probability(), single.wait_probability());
            assert_relative_eq!(a, b, max_relative = 1e-10);
            assert_relative_eq!(
                batches.waiting_mean(),
                single.waiting_mean(),
                max_relative = 1e-10
            );
            let variance = single.waiting_variance(Turn::FirstIn).unwrap();
            assert_relative_eq!(batches.waiting_variance(), variance, max_relative = 1e-9);
            if consumers == 10 {
                let (a, b) = (
                    batches.waiting_quantile(0.99),
                    single.waiting_quantile(0.99),
                );
                assert_relative_eq!(a.unwrap(), b, max_relative = 1e-9);
            }
        }
    }

    #[test]
    fn listing_and_derivatives_agree() {
        let (size, c, load) = (finite(), 8.0, 7.6);
        let mut chain = Chain::new(load / size.mean(), &size, c);
        chain.grow_to(9);
        chain.scale((c - load) / chain.free_places());
        let derived = Found::derived(&chain.weights.clone(), &size, load, c);
        assert!(chain.list(100_000));
        let listed = Found::listed(&chain.weights, c);
        assert_relative_eq!(listed.busy, derived.busy, max_relative = 1e-10);
        assert_relative_eq!(listed.first, derived.first, max_relative = 1e-10);
        assert_relative_eq!(listed.second, derived.second, max_relative = 1e-10);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn figures_hang_together(rho in 0.05f64..0.99, c in 1u32..40) {
            let rate = rho * f64::from(c) / finite().mean();
            let queue = MxMc::new(rate, &finite(), 1.0, c).unwrap();
            let orders = rate * finite().mean();
            prop_assert!((queue.queue_length() / (orders * queue.waiting_mean()) - 1.0).abs() < 1e-9);
            let now = queue.waiting_ccdf(0.0).unwrap();
            prop_assert!((now / queue.wait_probability() - 1.0).abs() < 1e-9);
            let busier = MxMc::new(rate * 1.001, &finite(), 1.0, c).unwrap();
            prop_assert!(busier.waiting_mean() > queue.waiting_mean());
        }
    }
}
