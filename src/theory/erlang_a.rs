//! Erlang A, M/M/c+M and M/M/c/K+M: Poisson arrivals, exponential service, c consumers, room for K orders
//! or any number, and orders that give up after an exponential time.
//!
//! # References
//! C. Palm (1957), *Research on telephone traffic carried by full availability groups*, Tele; O. Garnett,
//! A. Mandelbaum, M. Reiman (2002), *Designing a call center with impatient customers*, Manufacturing &
//! Service Operations Management 4, 208–227.

use super::counting::negative_binomial;
use super::error::{ModelError, positive};
use super::numeric::quantile;
use super::served::Served;
use super::sheet::{Sheet, Source};
use super::{Curve, Figures, Kind, Turn, erlang_b};
use crate::metric::{Metric, TimeKind};
use std::sync::Arc;

const REFERENCE: &str = "Palm 1957; Garnett, Mandelbaum and Reiman 2002, M&SOM 4, 208-227";
/// States with a weight below this share of all are left out.
const NOTHING: f64 = 1e-22;
/// More states than this are too many to add up.
const MOST: u64 = 4_000_000;
/// Weights are scaled down here, so that none overflows.
const HUGE: f64 = 1e250;

/// The Erlang A queue in steady state. Times are of the accepted orders, those that give up included.
///
/// # Domain
/// λ > 0, μ > 0, θ > 0, c ≥ 1, any load, and any number of places to wait, or no bound; up to 4 million
/// orders that ever wait at a time ([`super::MmcG`] has no such limit).
///
/// # Formula
/// The state c + j has λ/(cμ + jθ) times the weight of the one before it, those up to c Erlang's
/// (that of c is B, all together 1). An order that finds c + j takes V = Σᵢ₌₀..ⱼ of exponential times of rate
/// cμ + iθ to a consumer if it is patient; e^(−θV) has the Beta law with cμ/θ and j + 1, so
/// it waits longer than t with probability e^(−θt)P(N ≤ j), N negative binomial with cμ/θ and
/// e^(−θt); it waits (j + 1)/(cμ + (j + 1)θ) on average.
///
/// # Numerics
/// All terms of all sums are positive. The second moment of the wait by its recursion from order to order.
///
/// ```
/// use orderline::theory::ErlangA;
/// // pyworkforce: 10 consumers, 10 erlang, mean service 3, mean patience 5.
/// let queue = ErlangA::new(10.0 / 3.0, 1.0 / 3.0, 0.2, 10, None)?;
/// assert!((queue.wait_probability() - 0.599433318028).abs() < 1e-12);
/// assert!((queue.abandon_probability() - 0.109437999559).abs() < 1e-12);
/// assert!((queue.waiting_mean() - 0.547189997793).abs() < 1e-12);
/// # Ok::<(), orderline::theory::ModelError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ErlangA {
    arrival_rate: f64,
    service_rate: f64,
    impatience: f64,
    consumers: u32,
    places: Option<u64>,
    loss: f64,
    queue_length: f64,
    /// P(i or more wait and an order is accepted), of the accepted orders, i = 0, 1, …
    found: Arc<[f64]>,
    moments: Moments,
}

/// What the waits of accepted orders add up to.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Moments {
    /// E\[Wq\].
    first: f64,
    /// E\[Wq²\].
    second: f64,
    /// P(gave up).
    lost: f64,
    /// E\[Wq; served\].
    served: f64,
    /// E\[Wq²; served\].
    served_second: f64,
}

impl ErlangA {
    /// A queue with arrival rate λ, service rate μ of each consumer, rate θ of giving up, c consumers and
    /// that many places to wait (no bound if `None`).
    ///
    /// # Errors
    /// A rate that is not positive and finite, no consumers, or more than 4 million states to add up.
    pub fn new(
        arrival_rate: f64,
        service_rate: f64,
        impatience: f64,
        consumers: u32,
        places: Option<u64>,
    ) -> Result<ErlangA, ModelError> {
        let c = positive("consumers", f64::from(consumers))?;
        positive("arrival rate", arrival_rate)?;
        let capacity = c * positive("service rate", service_rate)?;
        positive("rate of giving up", impatience)?;
        let chain = Chain {
            arrival_rate,
            capacity,
            impatience,
            places,
        };
        let weights = chain.weights(erlang_b(consumers, arrival_rate / service_rate))?;
        let open = weights.below + weights.found.first().copied().unwrap_or(0.0);
        let total = open + weights.full;
        let found: Arc<[f64]> = weights.found.iter().map(|w| w / open).collect();
        let moments = chain.moments(&found);
        let mut queue = ErlangA {
            arrival_rate,
            service_rate,
            impatience,
            consumers,
            places,
            loss: weights.full / total,
            queue_length: 0.0,
            found,
            moments,
        };
        queue.queue_length = queue.accepted_rate() * queue.waiting_mean();
        Ok(queue)
    }

    fn accepted_rate(&self) -> f64 {
        self.arrival_rate * (1.0 - self.loss)
    }

    fn capacity(&self) -> f64 {
        f64::from(self.consumers) * self.service_rate
    }

    /// Rejected per offered order.
    pub fn loss_probability(&self) -> f64 {
        self.loss
    }

    /// Orders that give up, per offered order.
    pub fn abandon_probability(&self) -> f64 {
        (1.0 - self.loss) * self.moments.lost
    }

    /// P(Wq > 0) of an accepted order.
    pub fn wait_probability(&self) -> f64 {
        self.found.first().copied().unwrap_or(0.0)
    }

    /// Orders served per second.
    pub fn throughput(&self) -> f64 {
        self.accepted_rate() * (1.0 - self.moments.lost)
    }

    /// The share of consumer time that is busy.
    pub fn utilization(&self) -> f64 {
        self.throughput() / self.capacity()
    }

    /// Lq.
    pub fn queue_length(&self) -> f64 {
        self.queue_length
    }

    /// L = Lq + the busy consumers.
    pub fn number_in_system(&self) -> f64 {
        self.queue_length + self.throughput() / self.service_rate
    }

    /// Wq of accepted orders, seconds; the wait of those that give up ends when they go.
    pub fn waiting_mean(&self) -> f64 {
        self.moments.first
    }

    /// Var(Wq) of accepted orders, first in, first out.
    pub fn waiting_variance(&self) -> f64 {
        self.moments.second - self.moments.first.powi(2)
    }

    /// W of accepted orders, seconds; those that give up leave without service.
    pub fn sojourn_mean(&self) -> f64 {
        self.waiting_mean() + (1.0 - self.moments.lost) / self.service_rate
    }

    /// Var(W) of accepted orders, first in, first out.
    pub fn sojourn_variance(&self) -> f64 {
        let mean = 1.0 / self.service_rate;
        let service = mean * (self.moments.served + mean * (1.0 - self.moments.lost));
        self.moments.second + 2.0 * service - self.sojourn_mean().powi(2)
    }

    /// The mean sojourn time of the orders that are served, seconds.
    pub fn completed_mean(&self) -> f64 {
        self.moments.served / (1.0 - self.moments.lost) + 1.0 / self.service_rate
    }

    /// The variance of the sojourn time of the orders that are served, first in, first out.
    pub fn completed_variance(&self) -> f64 {
        let served = 1.0 - self.moments.lost;
        let wait = self.moments.served / served;
        self.moments.served_second / served - wait * wait + self.service_rate.powi(-2)
    }

    /// P(Wq > t) of accepted orders, first in, first out.
    pub fn waiting_ccdf(&self, t: f64) -> f64 {
        if t < 0.0 {
            return 1.0;
        }
        let stays = (-self.impatience * t).exp();
        let leaves = -(-self.impatience * t).exp_m1();
        let size = self.capacity() / self.impatience;
        let mean = size * leaves / stays;
        let reach = 12.0 * (mean / stays).sqrt() + 40.0;
        let first = (mean - reach).max(0.0);
        if first >= self.found.len() as f64 {
            return 0.0;
        }
        let mut weight = negative_binomial(size, stays, leaves, first.floor());
        let mut sum = 0.0;
        let last = (mean + 4.0 * reach).min(self.found.len() as f64) as usize;
        for i in first as usize..last.min(self.found.len()) {
            sum += weight * self.found[i];
            weight *= leaves * (size + i as f64) / (i as f64 + 1.0);
        }
        stays * sum
    }

    /// The p-quantile of the waiting time of accepted orders, first in, first out.
    pub fn waiting_quantile(&self, p: f64) -> Option<f64> {
        quantile(|t| self.waiting_ccdf(t), p, 1.0 / self.capacity())
    }

    /// The law of the sojourn time of accepted orders, first in, first out.
    pub(super) fn served(&self) -> Served {
        let queue = self.clone();
        let wait = Arc::new(move |t| queue.waiting_ccdf(t));
        let scale = 1.0 / self.capacity();
        Served::new(wait, self.service_rate, self.impatience, scale)
    }

    /// All figures, each with the given kind: exact for the model itself, an approximation where it stands
    /// in for another. The means hold for every order of service that does not look at sizes.
    pub(super) fn figures(&self, turn: Turn, kind: Kind) -> Figures {
        let reference = REFERENCE;
        let mut sheet = Sheet::new(Source { kind, reference });
        sheet
            .put(
                Metric::Utilization,
                self.utilization(),
                "λ(1−loss)(1−P(gave up))/(cμ)",
            )
            .put(
                Metric::WaitProbability,
                self.wait_probability(),
                "Σ p_(c+j)/(1−loss), p_(c+j) = p_(c+j−1) λ/(cμ+jθ)",
            )
            .put(
                Metric::AbandonProbability,
                self.abandon_probability(),
                "θLq/λ",
            )
            .put(Metric::QueueLength, self.queue_length, "Lq = Σ j p_(c+j)")
            .put(
                Metric::NumberInSystem,
                self.number_in_system(),
                "L = Lq + X/μ",
            )
            .mean(
                TimeKind::Waiting,
                self.waiting_mean(),
                "Wq = Lq/(λ(1−loss))",
            )
            .mean(
                TimeKind::Sojourn,
                self.sojourn_mean(),
                "W = Wq + P(served)/μ",
            );
        if let Some(places) = self.places {
            sheet.put(Metric::LossProbability, self.loss, "p_K");
            if places > 0 {
                let fill = self.queue_length / places as f64;
                sheet.put(Metric::QueueFill, fill, "Lq/(K−c)");
            }
        }
        if turn == Turn::FirstIn {
            self.distribution(&mut sheet);
        }
        sheet.finish()
    }

    fn distribution(&self, sheet: &mut Sheet) {
        let (waiting, sojourn) = (self.waiting_variance(), self.sojourn_variance());
        sheet
            .variance(TimeKind::Waiting, waiting, "Σ q_j E[Wq² | j] − Wq²")
            .variance(TimeKind::Sojourn, sojourn, "E[W²] − W²");
        let waiting = |p| self.waiting_quantile(p);
        let formula = "root of e^(−θt) Σ q_j P(NegBin(cμ/θ, e^(−θt)) ≤ j) = 1−p";
        sheet.quantiles(TimeKind::Waiting, waiting, formula);
        let served = self.served();
        let formula = "root of e^(−μt) + (μ−θ)∫ P(Wq > s)e^(−μ(t−s)) ds = 1−p";
        sheet.quantiles(TimeKind::Sojourn, |p| served.quantile(p), formula);
    }

    /// The latency of the orders that are served, first in, first out.
    pub(super) fn latency(&self, turn: Turn, kind: Kind) -> Figures {
        let reference = REFERENCE;
        let mut sheet = Sheet::new(Source { kind, reference });
        if turn != Turn::FirstIn {
            return sheet.finish();
        }
        let (mean, variance) = (self.completed_mean(), self.completed_variance());
        sheet
            .mean(TimeKind::Latency, mean, "E[Wq; served]/P(served) + 1/μ")
            .variance(TimeKind::Latency, variance, "Var(Wq | served) + 1/μ²");
        let served = self.served();
        let formula = "root of (P(W > t) − P(gives up after t))/P(served) = 1−p";
        let quantile = |p| served.completed_quantile(p);
        sheet.quantiles(TimeKind::Latency, quantile, formula);
        sheet.finish()
    }

    /// The distributions of the waiting and the sojourn time, first in, first out.
    pub(super) fn curves(&self, kind: Kind) -> (Curve, Curve) {
        let (queue, served) = (self.clone(), self.served());
        let waiting = Curve {
            kind,
            formula: "P(Wq > t) = e^(−θt) Σ q_j P(NegBin(cμ/θ, e^(−θt)) ≤ j)",
            reference: REFERENCE,
            ccdf: Arc::new(move |t| queue.waiting_ccdf(t)),
        };
        let sojourn = Curve {
            kind,
            formula: "P(W > t) = e^(−μt) + (μ−θ)∫ P(Wq > s)e^(−μ(t−s)) ds",
            reference: REFERENCE,
            ccdf: Arc::new(move |t| served.ccdf(t)),
        };
        (waiting, sojourn)
    }
}

/// The states with all consumers busy.
#[derive(Clone, Copy)]
struct Chain {
    arrival_rate: f64,
    /// cμ.
    capacity: f64,
    /// θ.
    impatience: f64,
    places: Option<u64>,
}

/// Weights of the states, up to a common factor.
struct Weights {
    /// Of those with a free consumer.
    below: f64,
    /// Of c + i and all above it in which an order is accepted, for each i.
    found: Vec<f64>,
    /// Of the full system; 0 without a bound.
    full: f64,
}

impl Chain {
    fn weights(&self, loss: f64) -> Result<Weights, ModelError> {
        let mut below = 1.0 - loss;
        let mut weight = loss;
        let mut found = Vec::new();
        let (mut total, mut done) = (weight, false);
        while !done && self.places != Some(found.len() as u64) {
            if found.len() as u64 >= MOST {
                let value = self.arrival_rate / self.impatience;
                return Err(ModelError::Domain {
                    name: "arrivals in the time of patience",
                    value,
                });
            }
            found.push(weight);
            let ratio = self.arrival_rate / (self.capacity + found.len() as f64 * self.impatience);
            weight *= ratio;
            total += weight;
            // What is left is less than a geometric series; a loss of 0 leaves no weight at all.
            done = ratio < 1.0 && weight <= NOTHING * (1.0 - ratio) * (below + total);
            if weight > HUGE {
                for kept in found
                    .iter_mut()
                    .chain([&mut weight, &mut below, &mut total])
                {
                    *kept /= HUGE;
                }
            }
        }
        let mut above = 0.0;
        for kept in found.iter_mut().rev() {
            above += *kept;
            *kept = above;
        }
        let full = if self.places == Some(found.len() as u64) {
            weight
        } else {
            0.0
        };
        Ok(Weights { below, found, full })
    }

    /// Over the orders that wait, from the first in the queue on: the time until it leaves the queue, that
    /// time squared, and the part of it of those that reach a consumer.
    fn moments(&self, found: &[f64]) -> Moments {
        let (mut first, mut second) = (0.0, 0.0);
        let (mut reached, mut waited, mut waited_second) = (1.0, 0.0, 0.0);
        let mut sums = Moments::default();
        for (j, from) in found.iter().enumerate() {
            let ahead = self.capacity + j as f64 * self.impatience;
            let rate = ahead + self.impatience;
            let on = ahead / rate;
            second = on * second + 2.0 / rate * (1.0 / rate + on * first);
            first = on * first + 1.0 / rate;
            waited_second = on * (waited_second + 2.0 / rate * (waited + reached / rate));
            waited = on * (waited + reached / rate);
            reached *= on;
            let here = from - found.get(j + 1).copied().unwrap_or(0.0);
            sums.first += here * first;
            sums.second += here * second;
            sums.lost += here * (1.0 - reached);
            sums.served += here * waited;
            sums.served_second += here * waited_second;
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Distribution;
    use crate::theory::{MmcG, Mmck};
    use approx::assert_relative_eq;
    use proptest::prelude::*;

    #[test]
    fn published_figures() {
        // λ, μ, c, θ, P(wait), P(gave up), L, Var(Wq) where published.
        let table = [
            (
                4.2,
                0.5,
                12,
                1.0,
                0.127372281808747,
                0.0296789055423734,
                8.27534859672203,
                None,
            ),
            (
                48.0,
                1.0,
                50,
                0.5,
                0.467774068554,
                0.0309122491622,
                49.4837879598,
                Some(0.009867416011036263),
            ),
            (
                50.0,
                1.0,
                50,
                1.0,
                0.518808315472043,
                0.0563250063251908,
                50.0,
                None,
            ),
            (
                55.0,
                1.0,
                50,
                0.5,
                0.866233716289,
                0.102080194626,
                60.6144107044,
                Some(0.027767747108671845),
            ),
        ];
        for (lambda, mu, c, theta, waits, lost, number, variance) in table {
            let queue = ErlangA::new(lambda, mu, theta, c, None).unwrap();
            assert_relative_eq!(queue.wait_probability(), waits, max_relative = 1e-11);
            assert_relative_eq!(queue.abandon_probability(), lost, max_relative = 1e-11);
            assert_relative_eq!(queue.number_in_system(), number, max_relative = 1e-11);
            if let Some(variance) = variance {
                assert_relative_eq!(queue.waiting_variance(), variance, max_relative = 1e-10);
            }
        }
    }

    #[test]
    fn published_figures_with_a_bound() {
        let queue = ErlangA::new(0.025, 1.0 / 600.0, 1.0 / 900.0, 10, Some(10)).unwrap();
        assert_relative_eq!(queue.loss_probability(), 0.0939356, max_relative = 1e-6);
        assert_relative_eq!(queue.queue_length(), 5.5279375, max_relative = 1e-7);
        assert_relative_eq!(queue.number_in_system(), 15.433612, max_relative = 1e-7);
        assert_relative_eq!(queue.abandon_probability(), 0.2456861, max_relative = 1e-6);
    }

    #[test]
    fn it_agrees_with_the_integrals_for_any_patience() {
        for (rho, c, theta) in [(0.7, 3, 0.1), (1.0, 20, 1.0), (2.5, 5, 4.0), (1.1, 1, 0.02)] {
            let lambda = rho * f64::from(c);
            let sums = ErlangA::new(lambda, 1.0, theta, c, None).unwrap();
            let law = Distribution::exponential(theta).unwrap();
            let integrals = MmcG::new(lambda, 1.0, c, &law).unwrap();
            let pairs = [
                (sums.wait_probability(), integrals.wait_probability()),
                (sums.waiting_mean(), integrals.waiting_mean()),
                (sums.waiting_variance(), integrals.waiting_variance()),
                (sums.sojourn_variance(), integrals.sojourn_variance()),
                (sums.abandon_probability(), integrals.abandon_probability()),
                (
                    sums.waiting_quantile(0.99).unwrap(),
                    integrals.waiting_quantile(0.99).unwrap(),
                ),
                (sums.completed_mean(), integrals.completed_mean()),
                (sums.completed_variance(), integrals.completed_variance()),
                (
                    sums.served().completed_quantile(0.9).unwrap(),
                    integrals.completed_quantile(0.9).unwrap(),
                ),
                (
                    sums.served().quantile(0.95).unwrap(),
                    integrals.sojourn_quantile(0.95).unwrap(),
                ),
            ];
            for (a, b) in pairs {
                assert_relative_eq!(a, b, max_relative = 1e-8);
            }
        }
    }

    #[test]
    fn hardly_any_impatience_is_m_m_c_k() {
        for (lambda, c, places) in [(4.5, 5, 7), (9.0, 5, 30), (0.5, 1, 1)] {
            let queue = ErlangA::new(lambda, 1.0, 1e-9, c, Some(places)).unwrap();
            let plain = Mmck::new(lambda, 1.0, c, places).unwrap();
            assert_relative_eq!(
                queue.loss_probability(),
                plain.loss_probability(),
                max_relative = 1e-6
            );
            assert_relative_eq!(
                queue.waiting_mean(),
                plain.waiting_mean(),
                max_relative = 1e-6
            );
            assert_relative_eq!(
                queue.waiting_variance(),
                plain.waiting_variance(),
                max_relative = 1e-6
            );
            let (a, b) = (queue.waiting_quantile(0.9), plain.waiting_quantile(0.9));
            assert_relative_eq!(a.unwrap(), b.unwrap(), max_relative = 1e-6, epsilon = 1e-12);
        }
    }

    #[test]
    fn a_hundred_thousand_consumers() {
        let queue = ErlangA::new(1.2e5, 1.0, 1.0, 100_000, None).unwrap();
        // θ = μ: the number in system is Poisson of mean λ/μ.
        assert_relative_eq!(queue.number_in_system(), 1.2e5, max_relative = 1e-9);
        assert!(queue.waiting_quantile(0.5).is_some());
        let light = ErlangA::new(1.0, 1.0, 1.0, 100_000, None).unwrap();
        assert_eq!(light.wait_probability(), 0.0);
        assert!(ErlangA::new(1.0, 1.0, 1e-12, 1, None).is_err());
    }

    proptest! {
        #[test]
        fn figures_hang_together(
            rho in 0.05f64..3.0, c in 1u32..200, theta in 0.01f64..20.0, places in proptest::option::of(0u64..50),
        ) {
            let lambda = rho * f64::from(c);
            let queue = ErlangA::new(lambda, 1.0, theta, c, places).unwrap();
            // Those that give up: θLq per second.
            let lost = theta * queue.queue_length() / lambda;
            prop_assert!((queue.abandon_probability() - lost).abs() < 1e-9 * lost.max(1e-9));
            let accepted = lambda * (1.0 - queue.loss_probability());
            prop_assert!((queue.number_in_system() / (accepted * queue.sojourn_mean()) - 1.0).abs() < 1e-9);
            prop_assert!((queue.waiting_ccdf(0.0) - queue.wait_probability()).abs() < 1e-9);
            prop_assert!(queue.waiting_variance() >= -1e-12);
            let busier = ErlangA::new(lambda * 1.001, 1.0, theta, c, places).unwrap();
            prop_assert!(busier.abandon_probability() + busier.loss_probability()
                >= queue.abandon_probability() + queue.loss_probability());
        }
    }
}
