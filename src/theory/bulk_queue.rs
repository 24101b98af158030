//! M/M\[a,b\]/c: consumers that serve up to b orders at once, and begin when a wait.
//!
//! # References
//! N. T. J. Bailey (1954), *On queueing processes with bulk service*, J. Royal Statistical Society B 16,
//! 80–87; M. F. Neuts (1967), *A general class of bulk queues with Poisson input*, Annals of Mathematical
//! Statistics 38; M. L. Chaudhry, J. G. C. Templeton (1983), *A First Course in Bulk Queues*, chapter 4.

use super::error::{ModelError, positive, stable};
use super::sheet::{Sheet, Source};
use super::{Figures, Kind};
use crate::metric::{Metric, TimeKind};
use nalgebra::{DMatrix, DVector};

const SOURCE: Source = Source {
    kind: Kind::Exact,
    reference: "Bailey 1954, J. Roy. Stat. Soc. B 16; Neuts 1967, Ann. Math. Stat. 38; Chaudhry & Templeton 1983",
};
/// States in which a consumer is idle, up to which the equations are solved.
const MOST: usize = 1_200;

/// The M/M\[a,b\]/c queue in steady state: a consumer that is free takes all that wait, at most b, if there
/// are at least a; the service takes an exponential time, whatever the number of orders in it, and nobody
/// joins it later.
///
/// # Domain
/// 0 < λ < bcμ, per second; 1 ≤ a ≤ b; ca ≤ 1200.
///
/// # Formula
/// While all are busy, n wait with probability A rⁿ, r being the root in (0, 1) of
/// λ + cμ r^(b+1) = (λ + cμ) r. The probabilities of k < c busy and n < a waiting are those of a finite chain:
/// (λ + kμ) p(k, n) = λ p(k, n − 1) + (k + 1)μ p(k + 1, n), and λ p(k − 1, a − 1) comes in at n = 0.
///
/// ```
/// // One at a time is M/M/c.
/// let bulk = orderline::theory::BulkQueue::new(1.5, 1.0, 2, 1, 1)?.unwrap();
/// let plain = orderline::theory::Mmc::new(1.5, 1.0, 2)?;
/// assert!((bulk.waiting_mean() - plain.waiting_mean()).abs() < 1e-9);
/// # Ok::<(), orderline::theory::ModelError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct BulkQueue {
    arrival_rate: f64,
    service_rate: f64,
    consumers: u32,
    /// Lq.
    waiting: f64,
    /// Consumers at work.
    busy: f64,
    at_once: f64,
}

impl BulkQueue {
    /// A queue with arrival rate λ, μ services per second of each of c consumers, that begin when
    /// `at_least` wait and take at most `size`; `None` where there are too many states.
    ///
    /// # Errors
    /// A rate or number that is not positive, `at_least` above `size`, or λ ≥ bcμ.
    pub fn new(
        arrival_rate: f64,
        service_rate: f64,
        consumers: u32,
        at_least: u32,
        size: u32,
    ) -> Result<Option<BulkQueue>, ModelError> {
        let (lambda, mu) = (
            positive("arrival rate", arrival_rate)?,
            positive("service rate", service_rate)?,
        );
        let c = positive("consumers", f64::from(consumers))?;
        let b = positive("orders served together", f64::from(size))?;
        let a = positive("orders to begin with", f64::from(at_least.min(size)))?;
        stable(lambda / (b * c * mu))?;
        if a * c > MOST as f64 {
            return Ok(None);
        }
        let chain = Chain {
            lambda,
            mu,
            consumers: consumers as usize,
            at_least: at_least.min(size) as usize,
            ratio: ratio(lambda, c * mu, b),
        };
        Ok(chain.solve().map(|(waiting, busy, at_once)| BulkQueue {
            arrival_rate,
            service_rate,
            consumers,
            waiting,
            busy,
            at_once,
        }))
    }

    /// Lq.
    pub fn queue_length(&self) -> f64 {
        self.waiting
    }

    /// Wq = Lq/λ, seconds.
    pub fn waiting_mean(&self) -> f64 {
        self.waiting / self.arrival_rate
    }

    /// P(Wq > 0).
    pub fn wait_probability(&self) -> f64 {
        1.0 - self.at_once
    }

    /// The share of the consumers that are at work.
    pub fn utilization(&self) -> f64 {
        self.busy / f64::from(self.consumers)
    }

    /// The means; they are the same for every order of service that does not look at sizes.
    pub(super) fn figures(&self) -> Figures {
        let (wait, service) = (self.waiting_mean(), 1.0 / self.service_rate);
        let mut sheet = Sheet::new(SOURCE);
        sheet
            .put(Metric::Utilization, self.utilization(), "ρ = Σ k p(k, n)/c")
            .put(
                Metric::WaitProbability,
                self.wait_probability(),
                "1 − Σ p(k, a − 1), k < c",
            )
            .put(Metric::QueueLength, self.waiting, "Lq = Σ n p(k, n)")
            .put(
                Metric::NumberInSystem,
                self.waiting + self.arrival_rate * service,
                "L = Lq + λ/μ",
            )
            .mean(TimeKind::Waiting, wait, "Wq = Lq/λ")
            .mean(TimeKind::Sojourn, wait + service, "W = Wq + 1/μ");
        sheet.finish()
    }
}

/// r: by g = 1 − r, which keeps its digits near saturation; 1 − r^b is λ(1 − r)/(cμ r).
fn ratio(lambda: f64, capacity: f64, b: f64) -> f64 {
    // r(1 − r^b)/(1 − r) = λ/(cμ), which falls from b to 0 as g rises from 0 to 1.
    let served = |g: f64| (1.0 - g) * -(b * (-g).ln_1p()).exp_m1() / g;
    1.0 - super::numeric::bisect(|g| served(g) > lambda / capacity, 0.0, 1.0)
}

struct Chain {
    lambda: f64,
    mu: f64,
    consumers: usize,
    at_least: usize,
    ratio: f64,
}

impl Chain {
    fn index(&self, busy: usize, waiting: usize) -> usize {
        busy * self.at_least + waiting
    }

    /// Lq, consumers at work, and the probability that an order that comes begins at once.
    fn solve(&self) -> Option<(f64, f64, f64)> {
        let (c, a, r) = (self.consumers, self.at_least, self.ratio);
        let count = c * a;
        // Unknown are the states with a consumer idle and A.
        let mut matrix = DMatrix::<f64>::zeros(count + 1, count + 1);
        for busy in 0..c {
            for waiting in 0..a {
                let row = self.index(busy, waiting);
                matrix[(row, row)] += self.lambda + busy as f64 * self.mu;
                if waiting > 0 {
                    matrix[(row, self.index(busy, waiting - 1))] -= self.lambda;
                } else if busy > 0 {
                    matrix[(row, self.index(busy - 1, a - 1))] -= self.lambda;
                }
                let ends = (busy + 1) as f64 * self.mu;
                if busy + 1 < c {
                    matrix[(row, self.index(busy + 1, waiting))] -= ends;
                } else {
                    matrix[(row, count)] -= ends * r.powi(waiting as i32);
                }
            }
        }
        // All probabilities add up to 1.
        for state in 0..count {
            matrix[(count, state)] = 1.0;
        }
        matrix[(count, count)] = 1.0 / (1.0 - r);
        let mut known = DVector::<f64>::zeros(count + 1);
        known[count] = 1.0;
        let p = matrix.lu().solve(&known)?;
        let states = (0..c).flat_map(|busy| (0..a).map(move |waiting| (busy, waiting)));
        let (mut waiting, mut busy, mut at_once) = (0.0, 0.0, 0.0);
        for (k, n) in states {
            let chance = p[self.index(k, n)];
            waiting += n as f64 * chance;
            busy += k as f64 * chance;
            if n + 1 == a {
                at_once += chance;
            }
        }
        let all = p[count] / (1.0 - r);
        waiting += all * r / (1.0 - r);
        busy += all * c as f64;
        let sound = waiting.is_finite() && waiting >= -1e-9 && p.iter().all(|x| *x >= -1e-9);
        sound.then_some((waiting.max(0.0), busy, at_once))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::Mmc;
    use approx::assert_relative_eq;

    #[test]
    fn one_at_a_time_is_m_m_c() {
        for (rate, consumers) in [(0.7, 1), (2.5, 3)] {
            let bulk = BulkQueue::new(rate, 1.0, consumers, 1, 1).unwrap().unwrap();
            let plain = Mmc::new(rate, 1.0, consumers).unwrap();
            assert_relative_eq!(
                bulk.waiting_mean(),
                plain.waiting_mean(),
                max_relative = 1e-9
            );
            assert_relative_eq!(
                bulk.wait_probability(),
                plain.wait_probability(),
                max_relative = 1e-9
            );
            assert_relative_eq!(
                bulk.utilization(),
                rate / f64::from(consumers),
                max_relative = 1e-9
            );
        }
    }

    /// The chain itself, cut off far out, by iteration.
    #[test]
    fn bulk_service_by_the_markov_chain() {
        for (lambda, c, a, b) in [
            (2.0, 1usize, 1usize, 4usize),
            (2.0, 1, 3, 3),
            (3.0, 2, 2, 5),
        ] {
            let longest = 120;
            let states = longest + 1;
            let clock = lambda + c as f64;
            let mut p = vec![0.0; (c + 1) * states];
            p[0] = 1.0;
            for _ in 0..6000 {
                let mut next = vec![0.0; p.len()];
                for busy in 0..=c {
                    for n in 0..=longest {
                        let chance = p[busy * states + n];
                        let mut go = |busy: usize, n: usize, rate: f64| {
                            next[busy * states + n.min(longest)] += chance * rate / clock;
                        };
                        match busy < c && n + 1 >= a {
                            true => go(busy + 1, 0, lambda),
                            false => go(busy, n + 1, lambda),
                        }
                        match n >= a {
                            true => go(busy, n - n.min(b), busy as f64),
                            false if busy > 0 => go(busy - 1, n, busy as f64),
                            false => {}
                        }
                        go(busy, n, (c - busy) as f64);
                    }
                }
                p = next;
            }
            let bulk = BulkQueue::new(lambda, 1.0, c as u32, a as u32, b as u32)
                .unwrap()
                .unwrap();
            let each = (0..=c).flat_map(|busy| (0..=longest).map(move |n| (busy, n)));
            let sum = |of: &dyn Fn(usize, usize) -> f64| -> f64 {
                each.clone()
                    .map(|(busy, n)| of(busy, n) * p[busy * states + n])
                    .sum()
            };
            assert_relative_eq!(
                bulk.queue_length(),
                sum(&|_, n| n as f64),
                max_relative = 1e-7
            );
            let busy = sum(&|busy, _| busy as f64) / c as f64;
            assert_relative_eq!(bulk.utilization(), busy, max_relative = 1e-7);
            let at_once = sum(&|busy, n| f64::from(u8::from(busy < c && n + 1 == a)));
            assert_relative_eq!(1.0 - bulk.wait_probability(), at_once, max_relative = 1e-7);
        }
    }
}
