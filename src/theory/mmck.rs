//! M/M/c/K: Poisson arrivals, exponential service, c consumers and room for K orders.
//!
//! K = c is Erlang's loss system, whose loss is the same for every law of service with that mean.
//!
//! # References
//! D. Gross, J. F. Shortle, J. M. Thompson, C. M. Harris (2008), *Fundamentals of Queueing
//! Theory*, 4th ed., sections 2.5 and 2.6; insensitivity: B. A. Sevastyanov (1957), *An ergodic
//! theorem for Markov processes and its application to telephone systems with refusals*.

use super::Turn;
use super::error::{ModelError, non_negative, positive};
use super::mmck_wait::BoundedWait;
use super::numeric::{PowerSums, quantile};
use super::served::Served;
use super::sheet::{Sheet, Source};
use super::{Curve, Figures, Kind, erlang_b};
use crate::metric::{Metric, TimeKind};
use std::sync::Arc;

/// Where the figures are published.
pub(super) const REFERENCE: &str = "Gross et al. 2008, Fundamentals of Queueing Theory, 2.5-2.6";

/// The M/M/c/K queue in steady state. Times are those of the accepted orders.
///
/// # Domain
/// λ ≥ 0, μ > 0, c ≥ 1 and any number K − c of places to wait; any load.
///
/// # Formula
/// With r = λ/(cμ) and B = B(c, λ/μ), Erlang's loss, the numbers below c together have weight
/// 1 − B and the number c + j weight Br^j for 0 ≤ j ≤ K − c. The loss is the probability of K; an
/// accepted order sees the other states in proportion (arrival theorem), and waits for j + 1
/// departures at rate cμ if it sees c + j.
///
/// # Numerics
/// Erlang's recursion; sums of powers by doubling, in the direction in which they
/// fall, so any capacity and any load are safe.
///
/// ```
/// use orderline::theory::Mmck;
/// let queue = Mmck::new(4.2, 0.5, 12, 5)?;
/// assert!((queue.loss_probability() - 0.00947687430251495).abs() < 1e-15);
/// assert!((queue.number_in_system() - 8.57468314671249).abs() < 1e-12);
/// assert!((queue.waiting_mean() - 0.0611242407592774).abs() < 1e-14);
/// # Ok::<(), orderline::theory::ModelError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mmck {
    arrival_rate: f64,
    service_rate: f64,
    consumers: u32,
    places: u64,
    loss: f64,
    queue_length: f64,
    accepted: Accepted,
}

/// What an accepted order finds.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Accepted {
    /// P(all consumers busy).
    busy: f64,
    /// E\[j; busy\], the orders waiting before it.
    before: f64,
    /// E\[j²; busy\].
    before_squared: f64,
}

impl Mmck {
    /// A queue with arrival rate λ, service rate μ of each consumer, c consumers and places for
    /// K − c waiting orders.
    ///
    /// # Errors
    /// A rate outside its domain, or no consumers.
    pub fn new(
        arrival_rate: f64,
        service_rate: f64,
        consumers: u32,
        places: u64,
    ) -> Result<Mmck, ModelError> {
        let c = positive("consumers", f64::from(consumers))?;
        let offered =
            non_negative("arrival rate", arrival_rate)? / positive("service rate", service_rate)?;
        let weights = Weights::new(erlang_b(consumers, offered), offered / c, places);
        Ok(Mmck {
            arrival_rate,
            service_rate,
            consumers,
            places,
            loss: weights.full / weights.total,
            queue_length: weights.waiting / weights.total,
            accepted: weights.accepted,
        })
    }

    /// Rejected per offered order.
    pub fn loss_probability(&self) -> f64 {
        self.loss
    }

    /// λ(1 − loss), per second.
    pub fn throughput(&self) -> f64 {
        self.arrival_rate * (1.0 - self.loss)
    }

    /// Carried load over consumers.
    pub fn utilization(&self) -> f64 {
        self.throughput() / (f64::from(self.consumers) * self.service_rate)
    }

    /// P(Wq > 0) of an accepted order.
    pub fn wait_probability(&self) -> f64 {
        self.accepted.busy
    }

    /// Lq.
    pub fn queue_length(&self) -> f64 {
        self.queue_length
    }

    /// L = Lq + carried load.
    pub fn number_in_system(&self) -> f64 {
        self.queue_length + self.throughput() / self.service_rate
    }

    /// Wq of accepted orders, seconds.
    pub fn waiting_mean(&self) -> f64 {
        (self.accepted.before + self.accepted.busy) / self.service_capacity()
    }

    /// W of accepted orders, seconds.
    pub fn sojourn_mean(&self) -> f64 {
        self.waiting_mean() + 1.0 / self.service_rate
    }

    /// Var(Wq) of accepted orders, first in, first out: E\[Wq²\] = E\[(j+1)(j+2)\]/(cμ)².
    pub fn waiting_variance(&self) -> f64 {
        let Accepted {
            busy,
            before,
            before_squared,
        } = self.accepted;
        let second = before_squared + 3.0 * before + 2.0 * busy;
        second / self.service_capacity().powi(2) - self.waiting_mean().powi(2)
    }

    /// The wait of accepted orders, first in, first out.
    fn wait(&self) -> BoundedWait {
        BoundedWait {
            busy: self.accepted.busy,
            rate: self.service_capacity(),
            load: self.load(),
            places: self.places,
        }
    }

    /// P(Wq > t) of accepted orders, first in, first out.
    pub fn waiting_ccdf(&self, t: f64) -> f64 {
        self.wait().ccdf(t)
    }

    /// The law of the sojourn time of accepted orders, first in, first out.
    pub(super) fn served(&self) -> Served {
        let wait = self.wait();
        let scale = 1.0 / self.service_capacity();
        Served::new(
            Arc::new(move |t| wait.ccdf(t)),
            self.service_rate,
            0.0,
            scale,
        )
    }

    fn service_capacity(&self) -> f64 {
        f64::from(self.consumers) * self.service_rate
    }

    /// r = λ/(cμ).
    fn load(&self) -> f64 {
        self.arrival_rate / self.service_capacity()
    }

    /// The p-quantile of the waiting time of accepted orders, first in, first out.
    pub fn waiting_quantile(&self, p: f64) -> Option<f64> {
        quantile(|t| self.waiting_ccdf(t), p, 1.0 / self.service_capacity())
    }

    /// All figures, each with the given kind: exact for the model itself, an approximation where
    /// it stands in for another.
    pub(super) fn figures(&self, turn: Turn, kind: Kind) -> Figures {
        let reference = REFERENCE;
        let mut sheet = Sheet::new(Source { kind, reference });
        sheet
            .put(Metric::Utilization, self.utilization(), "λ(1−p_K)/(cμ)")
            .put(
                Metric::LossProbability,
                self.loss,
                "p_K = B r^(K−c)/(1−B+B Σ r^j), r = λ/(cμ)",
            )
            .put(
                Metric::WaitProbability,
                self.accepted.busy,
                "Σ p_(c+j)/(1−p_K), j < K−c",
            )
            .put(Metric::QueueLength, self.queue_length, "Lq = Σ j p_(c+j)")
            .put(
                Metric::NumberInSystem,
                self.number_in_system(),
                "L = Lq + λ(1−p_K)/μ",
            )
            .mean(TimeKind::Waiting, self.waiting_mean(), "Wq = Lq/(λ(1−p_K))")
            .mean(TimeKind::Sojourn, self.sojourn_mean(), "W = Wq + 1/μ");
        if self.places > 0 {
            sheet.put(
                Metric::QueueFill,
                self.queue_length / self.places as f64,
                "Lq/(K−c)",
            );
        }
        if turn == Turn::FirstIn {
            self.variances(&mut sheet);
            self.quantiles(&mut sheet);
        }
        sheet.finish()
    }

    fn variances(&self, sheet: &mut Sheet) {
        let variance = self.waiting_variance();
        let sojourn = variance + self.service_rate.powi(-2);
        sheet
            .variance(TimeKind::Waiting, variance, "E[(j+1)(j+2)]/(cμ)² − Wq²")
            .variance(TimeKind::Sojourn, sojourn, "Var(Wq) + 1/μ²");
    }

    fn quantiles(&self, sheet: &mut Sheet) {
        let waiting = |p| self.waiting_quantile(p);
        let formula = "root of Σ q_j P(Erlang(j+1, cμ) > t) = 1−p";
        sheet.quantiles(TimeKind::Waiting, waiting, formula);
        let served = self.served();
        let formula = "root of e^(−μt) + μ∫ P(Wq > s)e^(−μ(t−s)) ds = 1−p";
        sheet.quantiles(TimeKind::Sojourn, |p| served.quantile(p), formula);
    }

    /// The distributions of the waiting and the sojourn time of accepted orders, first in, first out.
    pub(super) fn curves(&self, kind: Kind) -> (Curve, Curve) {
        let (wait, served) = (self.wait(), self.served());
        let waiting = Curve {
            kind,
            formula: "P(Wq > t) = Σ q_j P(Erlang(j+1, cμ) > t)",
            reference: REFERENCE,
            ccdf: Arc::new(move |t| wait.ccdf(t)),
        };
        let sojourn = Curve {
            kind,
            formula: "P(W > t) = e^(−μt) + μ∫ P(Wq > s)e^(−μ(t−s)) ds",
            reference: REFERENCE,
            ccdf: Arc::new(move |t| served.ccdf(t)),
        };
        (waiting, sojourn)
    }
}

/// Unnormalized probabilities of the states, scaled so that none overflows.
struct Weights {
    /// Of the full system.
    full: f64,
    /// Σ j weight(c + j).
    waiting: f64,
    /// Of all states.
    total: f64,
    accepted: Accepted,
}

impl Weights {
    fn new(loss: f64, r: f64, places: u64) -> Weights {
        if r <= 1.0 {
            Weights::rising(loss, r, places)
        } else {
            Weights::falling(loss, 1.0 / r, places)
        }
    }

    /// r ≤ 1: weights fall from state c on; that of c is B.
    fn rising(loss: f64, r: f64, places: u64) -> Weights {
        let all = PowerSums::new(r, places.saturating_add(1));
        let open = PowerSums::new(r, places);
        let below = 1.0 - loss;
        let full = loss * r.powf(places as f64);
        Weights {
            full,
            waiting: loss * all.first,
            total: below + loss * all.zeroth,
            accepted: Accepted::new(loss, open, below + loss * open.zeroth),
        }
    }

    /// r > 1: weights fall from the full state down; that of the full state is B.
    fn falling(loss: f64, s: f64, places: u64) -> Weights {
        let m = places as f64;
        let all = PowerSums::new(s, places.saturating_add(1));
        let open = mirrored(PowerSums::new(s, places), m - 1.0);
        let below = (1.0 - loss) * s.powf(m);
        Weights {
            full: loss,
            waiting: loss * (m * all.zeroth - all.first),
            total: below + loss * all.zeroth,
            accepted: Accepted::new(loss * s, open, below + loss * s * open.zeroth),
        }
    }
}

/// Sums over j = top − i instead of i.
fn mirrored(sums: PowerSums, top: f64) -> PowerSums {
    PowerSums {
        zeroth: sums.zeroth,
        first: top * sums.zeroth - sums.first,
        second: top * top * sums.zeroth - 2.0 * top * sums.first + sums.second,
    }
}

impl Accepted {
    fn new(scale: f64, open: PowerSums, total: f64) -> Accepted {
        // Nothing is accepted where every weight has underflowed: a full system at infinite load.
        let share = if total > 0.0 { scale / total } else { 0.0 };
        Accepted {
            busy: share * open.zeroth,
            before: share * open.first,
            before_squared: share * open.second,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::Mmc;
    use approx::assert_relative_eq;

    #[test]
    fn published_figures() {
        let queue = Mmck::new(1.5, 1.0, 1, 4).unwrap();
        assert_relative_eq!(
            queue.loss_probability(),
            0.365413533834586,
            max_relative = 1e-12
        );
        assert_relative_eq!(queue.queue_length(), 2.62556390977444, max_relative = 1e-12);
        assert_relative_eq!(queue.sojourn_mean(), 3.75829383886256, max_relative = 1e-12);
        let queue = Mmck::new(30.0, 1.0, 20, 5).unwrap();
        assert_relative_eq!(
            queue.loss_probability(),
            0.338821535620336,
            max_relative = 1e-12
        );
        assert_relative_eq!(
            queue.waiting_mean(),
            0.167231937227644,
            max_relative = 1e-12
        );
        let queue = Mmck::new(3.0, 2.0, 2, 3).unwrap();
        assert_relative_eq!(queue.utilization(), 0.686164623467601, max_relative = 1e-12);
    }

    #[test]
    fn without_places_it_is_erlangs_loss_system() {
        let queue = Mmck::new(40.0, 1.0, 10, 0).unwrap();
        assert_relative_eq!(
            queue.loss_probability(),
            0.757687712241808,
            max_relative = 1e-12
        );
        assert_relative_eq!(queue.utilization(), 0.969249151032766, max_relative = 1e-12);
        assert_eq!(queue.waiting_mean(), 0.0);
        assert_eq!(queue.waiting_quantile(0.999), Some(0.0));
    }

    #[test]
    fn it_agrees_with_the_chain_solved_state_by_state() {
        for (lambda, c, places) in [(1.9, 2, 7), (2.0, 2, 7), (9.0, 2, 7), (0.3, 1, 1)] {
            let queue = Mmck::new(lambda, 1.0, c, places).unwrap();
            let mut p = vec![1.0];
            for n in 1..=u64::from(c) + places {
                p.push(p[n as usize - 1] * lambda / n.min(u64::from(c)) as f64);
            }
            let total: f64 = p.iter().sum();
            let lq: f64 = p
                .iter()
                .enumerate()
                .skip(c as usize)
                .map(|(n, w)| (n - c as usize) as f64 * w)
                .sum();
            assert_relative_eq!(queue.queue_length(), lq / total, max_relative = 1e-12);
            assert_relative_eq!(
                queue.loss_probability(),
                p.last().unwrap() / total,
                max_relative = 1e-12
            );
            let accepted_lq = queue.throughput() * queue.waiting_mean();
            assert_relative_eq!(accepted_lq, lq / total, max_relative = 1e-12);
        }
    }

    #[test]
    fn an_immense_capacity_is_none_at_all() {
        let bounded = Mmck::new(9.0, 1.0, 10, u64::MAX).unwrap();
        let free = Mmc::new(9.0, 1.0, 10).unwrap();
        assert_relative_eq!(
            bounded.waiting_mean(),
            free.waiting_mean(),
            max_relative = 1e-11
        );
        let variance = free.waiting_variance(Turn::FirstIn).unwrap();
        assert_relative_eq!(bounded.waiting_variance(), variance, max_relative = 1e-11);
        let quantile = bounded.waiting_quantile(0.99).unwrap();
        assert_relative_eq!(quantile, free.waiting_quantile(0.99), max_relative = 1e-9);
    }

    #[test]
    fn overload_without_end_fills_the_system() {
        let queue = Mmck::new(1e9, 1.0, 3, 1_000_000).unwrap();
        assert_relative_eq!(queue.throughput(), 3.0, max_relative = 1e-6);
        assert!(queue.waiting_mean().is_finite());
    }
}
