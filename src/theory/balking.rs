//! M/M/c with balking: orders that turn away from a long queue.
//!
//! # References
//! F. A. Haight (1957), *Queueing with balking*, Biometrika 44; D. Gross, J. F. Shortle, J. M. Thompson, C. M.
//! Harris (2008), *Fundamentals of Queueing Theory*, 4th ed., section 2.10.

use super::error::{ModelError, positive, stable};
use super::sheet::{Sheet, Source};
use super::{Figures, Kind, Turn};
use crate::metric::{Metric, TimeKind};
use crate::network::BalkingStep;

const REFERENCE: &str = "Haight 1957, Biometrika 44; Gross et al. 2008, 2.10";
/// States beyond which nothing is added up.
const MOST: u64 = 2_000_000;
/// The share of the sum so far below which the rest is left out.
const NOTHING: f64 = 1e-18;

/// The M/M/c queue in steady state whose orders turn away with a probability that depends on how many wait.
///
/// # Domain
/// λ, μ > 0 per second; λ(1 − b) < cμ with b the probability of the last step, unless the queue has a bound.
///
/// # Formula
/// A birth–death chain: λ_n = λ(1 − b(w)) with w = max(0, n − c) waiting, 0 where the queue is full;
/// μ_n = min(n, c)μ; p_n ∝ Π λ_(j−1)/μ_j. Who finds n ≥ c waits for n − c + 1 departures at rate cμ, first in, first
/// out.
///
/// ```
/// use orderline::{network::BalkingStep, theory::MmcBalking};
/// // Who turns away whenever somebody waits: M/M/1 with one place to wait.
/// let steps = [BalkingStep { at: 1, probability: 1.0 }];
/// let queue = MmcBalking::new(0.5, 1.0, 1, &steps, None)?;
/// assert!((queue.loss_probability() - 1.0 / 7.0).abs() < 1e-12);
/// # Ok::<(), orderline::theory::ModelError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MmcBalking {
    arrival_rate: f64,
    service_rate: f64,
    consumers: u32,
    /// The bound of the queue.
    places: Option<u64>,
    /// Orders let in per second.
    joining: f64,
    waiting: f64,
    busy: f64,
    /// Of those let in.
    wait_probability: f64,
    /// E\[Wq²\] of those let in, first in, first out.
    wait_second: f64,
}

impl MmcBalking {
    /// A queue with arrival rate λ, service rate μ of each of c consumers, steps of balking, and places to wait.
    ///
    /// # Errors
    /// A rate that is not positive and finite, no consumers, or no steady state.
    pub fn new(
        arrival_rate: f64,
        service_rate: f64,
        consumers: u32,
        steps: &[BalkingStep],
        places: Option<u64>,
    ) -> Result<MmcBalking, ModelError> {
        let lambda = positive("arrival rate", arrival_rate)?;
        let mu = positive("service rate", service_rate)?;
        let c = positive("consumers", f64::from(consumers))?;
        let last = steps.last().map_or(0.0, |step| step.probability);
        if places.is_none() {
            stable(lambda * (1.0 - last) / (c * mu))?;
        }
        let joins = |waiting: u64, idle: bool| {
            if places.is_some_and(|places| waiting >= places) && !idle {
                return 0.0;
            }
            let step = steps.iter().rev().find(|step| step.at <= waiting);
            1.0 - step.map_or(0.0, |step| step.probability)
        };
        // Relative to the largest so far.
        let (mut chance, mut total) = (1.0, 0.0);
        let (mut joining, mut waiting, mut busy) = (0.0, 0.0, 0.0);
        let (mut waits, mut second) = (0.0, 0.0);
        for n in 0..MOST {
            let idle = n < u64::from(consumers);
            let behind = n.saturating_sub(u64::from(consumers));
            let rate = lambda * joins(behind, idle);
            total += chance;
            joining += chance * rate;
            waiting += chance * behind as f64;
            busy += chance * (n as f64).min(c);
            if !idle {
                let stages = (behind + 1) as f64;
                waits += chance * rate;
                second += chance * rate * stages * (stages + 1.0) / (c * mu).powi(2);
            }
            chance *= rate / ((n + 1) as f64).min(c) / mu;
            let past = steps.last().is_none_or(|step| behind > step.at);
            if chance == 0.0 || (past && !idle && chance <= NOTHING * total) {
                break;
            }
            if chance > 1e250 {
                let sums = [
                    &mut chance,
                    &mut total,
                    &mut joining,
                    &mut waiting,
                    &mut busy,
                    &mut waits,
                    &mut second,
                ];
                sums.into_iter().for_each(|sum| *sum *= 1e-250);
            }
        }
        Ok(MmcBalking {
            arrival_rate,
            service_rate,
            consumers,
            places,
            joining: joining / total,
            waiting: waiting / total,
            busy: busy / total,
            wait_probability: waits / joining,
            wait_second: second / joining,
        })
    }

    /// The share of the orders that turn away or find no place.
    pub fn loss_probability(&self) -> f64 {
        1.0 - self.joining / self.arrival_rate
    }

    /// Orders served per second.
    pub fn throughput(&self) -> f64 {
        self.joining
    }

    /// Lq.
    pub fn queue_length(&self) -> f64 {
        self.waiting
    }

    /// Wq of those let in, seconds.
    pub fn waiting_mean(&self) -> f64 {
        self.waiting / self.joining
    }

    /// All figures.
    pub(super) fn figures(&self, turn: Turn, kind: Kind) -> Figures {
        let (wait, service) = (self.waiting_mean(), 1.0 / self.service_rate);
        let mut sheet = Sheet::new(Source {
            kind,
            reference: REFERENCE,
        });
        sheet
            .put(
                Metric::Utilization,
                self.busy / f64::from(self.consumers),
                "ρ = Σ min(n, c) p_n/c",
            )
            .put(
                Metric::LossProbability,
                self.loss_probability(),
                "1 − Σ λ_n p_n/λ",
            )
            .put(
                Metric::WaitProbability,
                self.wait_probability,
                "Σ λ_n p_n/X, n ≥ c",
            )
            .put(Metric::QueueLength, self.waiting, "Lq = Σ (n − c) p_n")
            .put(
                Metric::NumberInSystem,
                self.waiting + self.busy,
                "L = Σ n p_n",
            )
            .mean(TimeKind::Waiting, wait, "Wq = Lq/X")
            .mean(TimeKind::Sojourn, wait + service, "W = Wq + 1/μ");
        if let Some(places) = self.places.filter(|places| *places > 0) {
            sheet.put(Metric::QueueFill, self.waiting / places as f64, "Lq/K");
        }
        if turn == Turn::FirstIn {
            let variance = self.wait_second - wait * wait;
            sheet.variance(
                TimeKind::Waiting,
                variance,
                "Σ λ_n p_n k(k + 1)/(X c²μ²) − Wq², k = n − c + 1",
            );
            sheet.variance(
                TimeKind::Sojourn,
                variance + service * service,
                "Var(Wq) + 1/μ²",
            );
        }
        sheet.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::{Mmc, Mmck};
    use approx::assert_relative_eq;

    fn step(at: u64, probability: f64) -> BalkingStep {
        BalkingStep { at, probability }
    }

    #[test]
    fn sure_balking_is_a_bound() {
        let balking = MmcBalking::new(2.5, 1.0, 3, &[step(4, 1.0)], None).unwrap();
        let bound = Mmck::new(2.5, 1.0, 3, 4).unwrap();
        assert_relative_eq!(
            balking.loss_probability(),
            bound.loss_probability(),
            max_relative = 1e-12
        );
        assert_relative_eq!(
            balking.waiting_mean(),
            bound.waiting_mean(),
            max_relative = 1e-12
        );
        let variance = Metric::Time(TimeKind::Waiting, crate::metric::Statistic::Variance);
        let figures = balking.figures(Turn::FirstIn, Kind::Exact);
        assert_relative_eq!(
            figures[&variance].value,
            bound.waiting_variance(),
            max_relative = 1e-10
        );
        let both = MmcBalking::new(2.5, 1.0, 3, &[step(0, 0.0)], Some(4)).unwrap();
        assert_relative_eq!(
            both.loss_probability(),
            bound.loss_probability(),
            max_relative = 1e-12
        );
    }

    #[test]
    fn balking_always_alike_thins_the_arrivals() {
        let balking = MmcBalking::new(5.0, 1.0, 3, &[step(0, 0.5)], None).unwrap();
        let thin = Mmc::new(2.5, 1.0, 3).unwrap();
        assert_relative_eq!(
            balking.waiting_mean(),
            thin.waiting_mean(),
            max_relative = 1e-12
        );
        assert_relative_eq!(balking.loss_probability(), 0.5, max_relative = 1e-12);
        assert!(MmcBalking::new(7.0, 1.0, 3, &[step(0, 0.5)], None).is_err());
    }

    /// One consumer, by hand: from two waiting on, half turn away. p_n ∝ ρⁿ for n ≤ 3, then a half each.
    #[test]
    fn one_step_by_hand() {
        let queue = MmcBalking::new(1.0, 1.0, 1, &[step(2, 0.5)], None).unwrap();
        // 1, 1, 1, 1, then 1/2, 1/4, …: 5 in all.
        assert_relative_eq!(
            queue.loss_probability(),
            0.5 * 2.0 / 5.0,
            max_relative = 1e-12
        );
        // Waiting: 0, 0, 1, 2, then 3/2 + 4/4 + 5/8 + … = 4.
        assert_relative_eq!(queue.queue_length(), 7.0 / 5.0, max_relative = 1e-12);
    }
}
