//! M/G/1/K: Poisson arrivals, any law of service, one consumer, room for K orders.
//!
//! # References
//! J. Keilson (1966), *The ergodic queue length distribution for queueing systems with finite
//! capacity*, J. Royal Statistical Society B 28, 190–201; R. B. Cooper (1981), *Introduction to
//! Queueing Theory*, 2nd ed., section 5.9; H. C. Tijms (2003), *A First Course in Stochastic Models*,
//! section 9.8.

use super::Figures;
use super::error::{ModelError, positive};
use super::sheet::{Sheet, Source};
use super::tail_grid::TailGrid;
use crate::metric::{Metric, TimeKind};
use crate::random::Distribution;

const SOURCE: Source =
    Source::exact("Keilson 1966; Cooper 1981, Introduction to Queueing Theory, 5.9");
/// With more places than this the recursion takes too long.
const MOST_PLACES: u64 = 10_000;
/// Where weights are scaled down before they overflow.
const HUGE: f64 = 1e140;

/// The M/G/1/K queue in steady state. Times are those of the accepted orders.
///
/// # Domain
/// λ > 0 per second, any law of service with a positive finite mean, K − 1 ≤ 10 000 places; any load.
///
/// # Formula
/// Looked at after each service, the number left behind is a Markov chain. With
/// ā_j = P(more than j arrive during a service) = ∫ e^(−λx)(λx)ʲ/j! λP(S > x) dx its probabilities follow
/// from π_{j+1} a_0 = π_0 ā_j + Σ_{1≤i≤j} π_i ā_{j−i+1} (as many steps up across a level as down). A service
/// that starts with n in system spends T_{K−n} = Σ_{k≥K−n} ā_k/λ on average with all places taken. Orders
/// served per second: 1/(E\[S\] + π_0/λ); the other figures follow by Little's law.
///
/// # Numerics
/// ā_j by Gauss's rule fitted to the law; every sum has positive terms only, so losses of any size
/// keep their digits: 1e-9 relative.
///
/// ```
/// use orderline::{random::Distribution, theory::Mg1k};
/// // Service always 1, λ = 0.5, two places in all: π_0 = e^(−½), loss = 1 − 1/(π_0 + ρ).
/// let queue = Mg1k::new(0.5, &Distribution::deterministic(1.0)?, 1)?;
/// let left = (-0.5f64).exp();
/// assert!((queue.loss_probability() - (1.0 - 1.0 / (left + 0.5))).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mg1k {
    service_mean: f64,
    loss: f64,
    waits: f64,
    queue_length: f64,
    throughput: f64,
}

impl Mg1k {
    /// A queue with arrival rate λ, the given law of service and places for K − 1 waiting orders.
    ///
    /// # Errors
    /// A rate or mean that is not positive and finite, more than 10 000 places, or so many arrivals that a
    /// service without any never happens (probability below 1e-140).
    pub fn new(arrival_rate: f64, service: &Distribution, places: u64) -> Result<Mg1k, ModelError> {
        positive("arrival rate", arrival_rate)?;
        let mean = positive("mean service", service.mean())?;
        if places > MOST_PLACES {
            return Err(ModelError::Domain {
                name: "places to wait",
                value: places as f64,
            });
        }
        // K, at most 10 001.
        let room = places as usize + 1;
        let arrivals = Arrivals::new(arrival_rate, service, room);
        if arrivals.none < 1.0 / HUGE {
            return Err(ModelError::Domain {
                name: "arrivals per service",
                value: arrival_rate * mean,
            });
        }
        let left = arrivals.left_behind(room);
        // Over a service and the idle time before it.
        let cycle = mean + left[0] / arrival_rate;
        let started = |j: usize| j.max(1);
        let full = (0..room).map(|j| left[j] * arrivals.beyond[room - started(j)]);
        let full: f64 = full.sum::<f64>() / cycle;
        // Orders left behind are as many as an accepted order finds.
        let found: f64 = (1..room).map(|j| (j - 1) as f64 * left[j]).sum();
        let waiting_if_room = found * (1.0 - full);
        Ok(Mg1k {
            service_mean: mean,
            loss: full,
            waits: left[1..].iter().sum(),
            queue_length: waiting_if_room + (room - 1) as f64 * full,
            throughput: 1.0 / cycle,
        })
    }

    /// Rejected per offered order.
    pub fn loss_probability(&self) -> f64 {
        self.loss
    }

    /// Orders served per second.
    pub fn throughput(&self) -> f64 {
        self.throughput
    }

    /// The share of time that the consumer is busy.
    pub fn utilization(&self) -> f64 {
        self.throughput * self.service_mean
    }

    /// P(Wq > 0) of an accepted order.
    pub fn wait_probability(&self) -> f64 {
        self.waits
    }

    /// Lq.
    pub fn queue_length(&self) -> f64 {
        self.queue_length
    }

    /// L = Lq + utilization.
    pub fn number_in_system(&self) -> f64 {
        self.queue_length + self.utilization()
    }

    /// Wq of accepted orders, seconds.
    pub fn waiting_mean(&self) -> f64 {
        self.queue_length / self.throughput
    }

    /// W of accepted orders, seconds.
    pub fn sojourn_mean(&self) -> f64 {
        self.waiting_mean() + self.service_mean
    }

    /// The means, the same for every order of service that does not look at service times.
    pub(super) fn figures(&self) -> Figures {
        let mut sheet = Sheet::new(SOURCE);
        sheet
            .put(
                Metric::LossProbability,
                self.loss,
                "P(N = K) = Σ π_j T_{K−max(j,1)}/(E[S] + π_0/λ)",
            )
            .put(
                Metric::Utilization,
                self.utilization(),
                "E[S]/(E[S] + π_0/λ)",
            )
            .put(Metric::WaitProbability, self.waits, "1 − π_0")
            .put(Metric::QueueLength, self.queue_length, "Lq = Σ (n−1) p_n")
            .put(
                Metric::NumberInSystem,
                self.number_in_system(),
                "L = Lq + ρ",
            )
            .mean(
                TimeKind::Waiting,
                self.waiting_mean(),
                "Wq = Lq/(λ(1−loss))",
            )
            .mean(TimeKind::Sojourn, self.sojourn_mean(), "W = Wq + E[S]");
        sheet.finish()
    }
}

/// What arrives during a service.
struct Arrivals {
    /// P(none).
    none: f64,
    /// P(more than j).
    more: Vec<f64>,
    /// T_j: how long of a service there have been at least j arrivals.
    beyond: Vec<f64>,
}

impl Arrivals {
    fn new(rate: f64, service: &Distribution, room: usize) -> Arrivals {
        let grid = TailGrid::new(service, rate, room as f64);
        let mut more = vec![0.0; room];
        let mut rest = 0.0;
        let mut none = 0.0;
        for node in grid.nodes() {
            let y = rate * node.x;
            let weight = node.weight * node.ccdf;
            rest += weight * spread(y, room, |j, mass| more[j] += rate * weight * mass);
            none += rate * node.weight * (-y).exp() * (1.0 - node.ccdf);
        }
        // Beyond the grid every service is over.
        none += (-rate * grid.end()).exp();
        let mut beyond = vec![rest; room + 1];
        for j in (0..room).rev() {
            beyond[j] = beyond[j + 1] + more[j] / rate;
        }
        Arrivals { none, more, beyond }
    }

    /// The probabilities of the numbers left behind, 0 to K − 1.
    fn left_behind(&self, room: usize) -> Vec<f64> {
        let mut left = vec![1.0];
        for j in 0..room - 1 {
            let later = left[1..].iter().zip(self.more[1..=j].iter().rev());
            let up = left[0] * self.more[j] + later.map(|(x, more)| x * more).sum::<f64>();
            let next = up / self.none;
            left.push(next);
            if next > HUGE {
                left.iter_mut().for_each(|weight| *weight /= HUGE);
            }
        }
        let total: f64 = left.iter().sum();
        left.iter().map(|weight| weight / total).collect()
    }
}

/// Hands out P(N = j) for j < room, N Poisson with mean y, where it is not negligible; gives back
/// P(N ≥ room).
fn spread(y: f64, room: usize, mut take: impl FnMut(usize, f64)) -> f64 {
    let reach = 10.0 * y.sqrt() + 60.0;
    let last = room - 1;
    let middle = (y.floor().min(last as f64)) as usize;
    let peak = super::mdc::pmf(y, middle as f64);
    take(middle, peak);
    let mut mass = peak;
    let mut below = peak;
    for j in (0..middle).rev() {
        mass *= (j + 1) as f64 / y;
        below += mass;
        take(j, mass);
        if mass == 0.0 || (middle - j) as f64 > reach {
            break;
        }
    }
    if y > last as f64 + reach {
        // Nearly all of it lies beyond.
        return 1.0 - below;
    }
    let mut mass = peak;
    let mut above = 0.0;
    for j in middle + 1.. {
        mass *= y / j as f64;
        if j <= last {
            take(j, mass);
        } else {
            above += mass;
        }
        if mass == 0.0 || (j as f64 > y && mass < 1e-18 * above) {
            break;
        }
    }
    above
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::{Mg1, Mmck, ServiceMoments, erlang_b};
    use approx::assert_relative_eq;
    use proptest::prelude::*;

    #[test]
    fn exponential_service_makes_m_m_1_k() {
        let service = Distribution::exponential(1.0).unwrap();
        for rho in [0.05, 0.5, 0.95, 1.0, 1.3, 20.0] {
            for places in [1, 4, 30, 300] {
                let general = Mg1k::new(rho, &service, places).unwrap();
                let known = Mmck::new(rho, 1.0, 1, places).unwrap();
                let loss = known.loss_probability();
                assert_relative_eq!(general.loss_probability(), loss, max_relative = 1e-9);
                let queue = known.queue_length();
                assert_relative_eq!(general.queue_length(), queue, max_relative = 1e-9);
                let waits = known.wait_probability();
                assert_relative_eq!(general.wait_probability(), waits, max_relative = 1e-9);
            }
        }
    }

    /// M/D/1/3 at ρ = 0.8 by hand: π_1 = π_0 (1 − a_0)/a_0, and so on.
    #[test]
    fn fixed_service_by_hand() {
        let (a0, a1) = ((-0.8f64).exp(), 0.8 * (-0.8f64).exp());
        let one = (1.0 - a0) / a0;
        let two = (one * (1.0 - a1) - a1) / a0;
        let empty = 1.0 / (1.0 + one + two);
        let queue = Mg1k::new(0.8, &Distribution::deterministic(1.0).unwrap(), 2).unwrap();
        let loss = 1.0 - 1.0 / (empty + 0.8);
        assert_relative_eq!(queue.loss_probability(), loss, max_relative = 1e-11);
        assert_relative_eq!(queue.wait_probability(), 1.0 - empty, max_relative = 1e-11);
    }

    fn laws() -> Vec<Distribution> {
        [
            Distribution::deterministic(1.0),
            Distribution::uniform(0.0, 2.0),
            Distribution::erlang(4, 1.0),
            Distribution::gamma_mean_scv(1.0, 3.0),
            Distribution::lognormal_mean_scv(1.0, 0.01),
            Distribution::lognormal_mean_scv(1.0, 4.0),
            Distribution::weibull_mean_scv(1.0, 3.0),
            Distribution::pareto_mean_scv(1.0, 2.0),
            Distribution::pareto(1.3, 0.3 / 1.3),
            Distribution::empirical(vec![0.2, 0.3, 2.5]),
        ]
        .map(Result::unwrap)
        .to_vec()
    }

    #[test]
    fn no_place_to_wait_is_erlangs_loss_for_every_law() {
        for law in laws() {
            for rho in [1e-3, 0.7, 5.0] {
                let queue = Mg1k::new(rho, &law, 0).unwrap();
                let known = erlang_b(1, rho);
                assert_relative_eq!(queue.loss_probability(), known, max_relative = 1e-9);
                assert_eq!(queue.waiting_mean(), 0.0);
            }
        }
    }

    #[test]
    fn many_places_are_as_good_as_endless_ones() {
        for law in laws() {
            if law.moment(3).is_infinite() {
                continue;
            }
            let moments = ServiceMoments {
                first: 1.0,
                second: law.moment(2),
                third: law.moment(3),
            };
            let endless = Mg1::new(0.5, moments).unwrap();
            let queue = Mg1k::new(0.5, &law, 2_000).unwrap();
            // A lognormal law of scv 4 has still a share of 1e-6 out there.
            let wait = endless.waiting_mean();
            assert_relative_eq!(queue.waiting_mean(), wait, max_relative = 1e-5);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn figures_hang_together(rho in 0.05f64..3.0, places in 0u64..60, which in 0usize..10) {
            let queue = Mg1k::new(rho, &laws()[which], places).unwrap();
            let carried = rho * (1.0 - queue.loss_probability());
            prop_assert!((queue.utilization() / carried - 1.0).abs() < 1e-9);
            let wider = Mg1k::new(rho, &laws()[which], places + 1).unwrap();
            // In an overload one place more changes less than rounding does.
            prop_assert!(wider.loss_probability() <= queue.loss_probability() + 1e-12);
            prop_assert!(wider.waiting_mean() >= queue.waiting_mean() * (1.0 - 1e-12));
            prop_assert!(queue.queue_length() <= places as f64);
        }
    }
}
