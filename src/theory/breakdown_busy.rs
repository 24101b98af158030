//! M/G/1 whose consumer breaks down while it serves: exponential uptime on the clock of service, any law
//! of repair; after the repair the service goes on (resume) or starts anew (restart).
//!
//! The wait is that of M/G/1 whose service is the completion time, from the start of a service to its end
//! with all repairs in it.
//!
//! # References
//! D. P. Gaver (1962), *A waiting line with interrupted service, including priorities*, Journal of the
//! Royal Statistical Society B 24, 73–90; B. Avi-Itzhak, P. Naor (1963), *Some queuing problems with the
//! service station subject to breakdown*, Operations Research 11, 303–320.

use super::error::{ModelError, non_negative, positive};
use super::sheet::{Sheet, Source};
use super::support::{growth_limit, mean_of_slope};
use super::{Figures, Mg1, ServiceMoments, Turn};
use crate::metric::{Metric, TimeKind};
use crate::random::Distribution;

const SOURCE: Source =
    Source::exact("Gaver 1962, J. Roy. Stat. Soc. B 24; Avi-Itzhak and Naor 1963");

/// The moments of a completion time whose service goes on after every repair.
///
/// # Formula
/// With ξ the rate of breakdowns and D the repair, the completion time is C = S + D₁ + … + D_N with N
/// Poisson of mean ξS, so with k = 1 + ξE\[D\]: E\[C\] = kE\[S\], E\[C²\] = k²E\[S²\] + ξE\[D²\]E\[S\],
/// E\[C³\] = k³E\[S³\] + 3kξE\[D²\]E\[S²\] + ξE\[D³\]E\[S\].
///
/// # Errors
/// A negative rate or moment.
pub fn resumed(
    service: ServiceMoments,
    breakdown_rate: f64,
    repair: ServiceMoments,
) -> Result<ServiceMoments, ModelError> {
    let xi = non_negative("rate of breakdowns", breakdown_rate)?;
    non_negative("mean repair", repair.first)?;
    let longer = 1.0 + xi * repair.first;
    let ServiceMoments {
        first,
        second,
        third,
    } = service;
    Ok(ServiceMoments {
        first: longer * first,
        second: longer.powi(2) * second + xi * repair.second * first,
        third: longer.powi(3) * third
            + 3.0 * longer * xi * repair.second * second
            + xi * repair.third * first,
    })
}

/// The first two moments of a completion time whose service starts anew after every repair, with the same
/// work; the third is not given (infinite).
///
/// # Formula
/// For a service of x and k = 1/ξ + E\[D\]: E\[C | x\] = k(e^(ξx) − 1) and
/// E\[C² | x\] = 2k²(e^(ξx) − 1)² − 2kxe^(ξx) + (e^(ξx) − 1)(2k/ξ + E\[D²\]), averaged over the law of
/// service; each is the integral of its slope times P(S > x), in which nothing cancels.
///
/// # Domain
/// E\[e^(2ξS)\] finite. A law whose transform has no abscissa known here gives `None`.
///
/// # Errors
/// A rate that is not positive, or a negative moment.
pub fn restarted(
    service: &Distribution,
    breakdown_rate: f64,
    repair: ServiceMoments,
) -> Result<Option<ServiceMoments>, ModelError> {
    let xi = positive("rate of breakdowns", breakdown_rate)?;
    let mean_repair = non_negative("mean repair", repair.first)?;
    let limit = growth_limit(service);
    if !limit.is_some_and(|limit| 2.0 * xi < limit) || !repair.second.is_finite() {
        return Ok(None);
    }
    let (k, longer) = (1.0 / xi + mean_repair, 1.0 + xi * mean_repair);
    let first = |x: f64| longer * (xi * x).exp();
    let second = |x: f64| {
        let grown = 4.0 * k * longer * (xi * x).exp_m1() - 2.0 * longer * x;
        (xi * x).exp() * (grown + xi * repair.second)
    };
    Ok(Some(ServiceMoments {
        first: mean_of_slope(service, first),
        second: mean_of_slope(service, second),
        third: f64::INFINITY,
    }))
}

/// The M/G/1 queue whose consumer breaks down while it serves.
///
/// # Domain
/// λ > 0; λ times the mean completion time below 1, its second moment finite.
///
/// # Formula
/// Pollaczek's and Khinchine's with the moments of the completion time. The wait ends where service first
/// starts; the sojourn time holds the repairs.
///
/// ```
/// use orderline::theory::{Mg1Breakdowns, ServiceMoments, resumed};
/// // N. D. van Foreest, Queueing: service 1/6 h always, failures every 3 h of work, repair 1/2 h.
/// let (service, repair) = (1.0f64 / 6.0, 0.5);
/// let always = |x: f64| ServiceMoments { first: x, second: x * x, third: x.powi(3) };
/// let random = ServiceMoments { first: repair, second: 2.0 * repair * repair, third: 6.0 * repair.powi(3) };
/// let completion = resumed(always(service), 1.0 / 3.0, random)?;
/// let queue = Mg1Breakdowns::new(4.0, service, completion)?;
/// assert!((queue.waiting_mean() - 0.59027777777778).abs() < 1e-12);
/// assert!((queue.sojourn_mean() - 0.78472222222222).abs() < 1e-12);
/// # Ok::<(), orderline::theory::ModelError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mg1Breakdowns {
    whole: Mg1,
    arrival_rate: f64,
    service_mean: f64,
    completion: ServiceMoments,
}

impl Mg1Breakdowns {
    /// A queue with arrival rate λ, mean service, and the moments of the completion time.
    ///
    /// # Errors
    /// As [`Mg1::new`] with the completion time for service.
    pub fn new(
        arrival_rate: f64,
        service_mean: f64,
        completion: ServiceMoments,
    ) -> Result<Mg1Breakdowns, ModelError> {
        Ok(Mg1Breakdowns {
            whole: Mg1::new(arrival_rate, completion)?,
            arrival_rate,
            service_mean: positive("mean service", service_mean)?,
            completion,
        })
    }

    /// λE\[C\]: the share of time that an order has the consumer, which is the probability of waiting.
    pub fn wait_probability(&self) -> f64 {
        self.whole.utilization()
    }

    /// Wq, seconds, until service first starts.
    pub fn waiting_mean(&self) -> f64 {
        self.whole.waiting_mean()
    }

    /// W = Wq + E\[C\], seconds.
    pub fn sojourn_mean(&self) -> f64 {
        self.whole.sojourn_mean()
    }

    /// Lq.
    pub fn queue_length(&self) -> f64 {
        self.whole.queue_length()
    }

    /// L.
    pub fn number_in_system(&self) -> f64 {
        self.whole.number_in_system()
    }

    /// All figures for a queue served in the given order. The consumer is down whenever it has an
    /// order and does not work on it; how much of a service that starts anew is work that was lost is not
    /// told apart, so `availability` and `utilization` are given for a service that goes on.
    pub(super) fn figures(&self, turn: Turn, resumes: bool) -> Figures {
        let mut sheet = Sheet::new(SOURCE);
        let work = self.arrival_rate * self.service_mean;
        sheet
            .put(
                Metric::WaitProbability,
                self.wait_probability(),
                "P(Wq > 0) = λE[C]",
            )
            .put(Metric::QueueLength, self.queue_length(), "Lq = λWq")
            .put(Metric::NumberInSystem, self.number_in_system(), "L = λW")
            .mean(
                TimeKind::Waiting,
                self.waiting_mean(),
                "Wq = λE[C²]/(2(1−λE[C]))",
            )
            .mean(TimeKind::Sojourn, self.sojourn_mean(), "W = Wq + E[C]");
        if resumes {
            let up = 1.0 - (self.wait_probability() - work);
            sheet.put(Metric::Utilization, work, "λE[S]").put(
                Metric::Availability,
                up,
                "1 − λξE[S]E[D]",
            );
        }
        if let Some(variance) = self.whole.waiting_variance(turn) {
            let sojourn = variance + self.completion.variance();
            sheet
                .variance(TimeKind::Waiting, variance, "Var(Wq) of M/G/1 with C for S")
                .variance(TimeKind::Sojourn, sojourn, "Var(Wq) + Var(C)");
        }
        sheet.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;
    use proptest::prelude::*;

    fn random(mean: f64) -> ServiceMoments {
        ServiceMoments {
            first: mean,
            second: 2.0 * mean * mean,
            third: 6.0 * mean.powi(3),
        }
    }

    #[test]
    fn published_figures() {
        let table = [
            (10.0, 2.0, 2.3, 3.5),
            (10.0 / 3.0, 1.0, 2.84285714286, 4.14285714286),
        ];
        for (up, down, wait, sojourn) in table {
            let completion = resumed(random(1.0), 1.0 / up, random(down)).unwrap();
            let queue = Mg1Breakdowns::new(0.5, 1.0, completion).unwrap();
            assert_relative_eq!(queue.waiting_mean(), wait, max_relative = 1e-11);
            assert_relative_eq!(queue.sojourn_mean(), sojourn, max_relative = 1e-11);
        }
    }

    #[test]
    fn a_restarted_exponential_service_by_its_transform() {
        // E[C] = (μ/(μ − ξ) − 1)(1/ξ + d), E[C²] from E[e^(ξS)], E[e^(2ξS)] and E[Se^(ξS)].
        let (mu, xi, d) = (2.0, 0.3, 0.7);
        let service = Distribution::exponential(mu).unwrap();
        let moments = restarted(&service, xi, random(d)).unwrap().unwrap();
        let (k, grown) = (1.0 / xi + d, |s: f64| mu / (mu - s));
        assert_relative_eq!(moments.first, k * (grown(xi) - 1.0), max_relative = 1e-11);
        let square = grown(2.0 * xi) - 2.0 * grown(xi) + 1.0;
        let exact = 2.0 * k * k * square - 2.0 * k * mu / (mu - xi).powi(2)
            + (grown(xi) - 1.0) * (2.0 * k / xi + 2.0 * d * d);
        assert_relative_eq!(moments.second, exact, max_relative = 1e-10);
        assert_eq!(restarted(&service, 1.1, random(d)).unwrap(), None);
        let heavy = Distribution::lognormal_mean_scv(1.0, 1.0).unwrap();
        assert_eq!(restarted(&heavy, 0.1, random(d)).unwrap(), None);
    }

    #[test]
    fn a_restarted_service_that_is_always_the_same() {
        // x = 1: E[C] = (e^ξ − 1)(1/ξ + d); and rare breakdowns change nothing.
        let service = Distribution::deterministic(1.0).unwrap();
        let moments = restarted(&service, 0.5, random(0.4)).unwrap().unwrap();
        assert_relative_eq!(moments.first, 0.5f64.exp_m1() * 2.4, max_relative = 1e-12);
        let rare = restarted(&service, 1e-9, random(0.4)).unwrap().unwrap();
        assert_relative_eq!(rare.first, 1.0, max_relative = 1e-8);
        assert_relative_eq!(rare.second, 1.0, max_relative = 1e-8);
    }

    proptest! {
        #[test]
        fn without_breakdowns_it_is_m_g_1(rho in 0.01f64..0.95, scv in 0.0f64..9.0) {
            let service = ServiceMoments { first: 1.0, second: 1.0 + scv, third: f64::INFINITY };
            let completion = resumed(service, 0.0, random(3.0)).unwrap();
            let queue = Mg1Breakdowns::new(rho, 1.0, completion).unwrap();
            let plain = Mg1::new(rho, service).unwrap();
            prop_assert_eq!(queue.waiting_mean(), plain.waiting_mean());
        }

        #[test]
        fn starting_anew_takes_longer_than_going_on(xi in 0.001f64..0.4, shape in 1u32..6) {
            let service = Distribution::erlang(shape, 1.0).unwrap();
            let moments = ServiceMoments {
                first: 1.0, second: service.moment(2), third: service.moment(3),
            };
            let anew = restarted(&service, xi, random(1.0)).unwrap().unwrap();
            let on = resumed(moments, xi, random(1.0)).unwrap();
            prop_assert!(anew.first > on.first && anew.second > on.second);
            // Jensen: C² has at least the square of the mean.
            prop_assert!(anew.second >= anew.first * anew.first);
        }
    }
}
