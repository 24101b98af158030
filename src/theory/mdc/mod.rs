//! M/D/c: Poisson arrivals, service that always takes the same time D, c consumers.
//!
//! # References
//! A. K. Erlang (1909, 1920) for one and several consumers; C. D. Crommelin (1932), *Delay probability
//! formulae when the holding times are constant*, Post Office Electrical Engineers' Journal 25, 41–50;
//! F. Spitzer (1956), *A combinatorial lemma and its application to probability theory*, Transactions
//! of the AMS 82; G. J. Franx (2001), *A simple solution for the M/D/c waiting time distribution*,
//! Operations Research Letters 29, 221–229; H. C. Tijms (2003), *A First Course in Stochastic Models*,
//! section 9.6 (the geometric tail).

mod line;
mod roots;
mod walk;

use super::error::{ModelError, positive, stable};
use super::numeric::quantile;
use super::sheet::{Sheet, Source};
use super::{Curve, Figures, Kind};
use crate::metric::{Metric, TimeKind};
use line::Line;
use std::sync::Arc;
pub(super) use walk::pmf;

const SOURCE: Source = Source::exact("Crommelin 1932; Franx 2001, Oper. Res. Lett. 29, 221-229");
/// With more consumers than this the law of the queue takes too long; its means do not.
const MOST_WITH_LAW: u32 = 5_000;
/// With more consumers than this the roots take too long.
const MOST: u32 = 200_000;

/// The M/D/c queue in steady state, first in, first out.
///
/// # Domain
/// λ > 0 per second, D > 0 seconds, λD < c ≤ 200 000; the law of the wait for c ≤ 5000.
///
/// # Formula
/// Every c-th order waits as in a queue with one consumer and gaps of Erlang's law of c phases. So the
/// r-th cumulant of the wait is Σ_{n≥1} E\[((nD − G_{nc})⁺)^r\]/n with G_k the time of k arrivals, and
/// P(Wq = 0) = exp(−Σ P(nD > G_{nc})/n) (Spitzer). With a = λD, with z_j the c roots of z^c = e^(a(z−1)) in
/// the unit disc (z_0 = 1), also Lq = (a² − c(c − 1))/(2(c − a)) + Σ 1/(1 − z_j) and
/// P(Wq = 0) = (c − a)/Π(1 − z_j), 0 < j < c (Crommelin).
/// With Q_j = P(at most j wait), k = ⌊t/D⌋ + 1 and y = λ(kD − t):
/// P(Wq ≤ t) = Σ_{j<kc} e^(−y) yʲ/j! Q_{kc−j−1} (Franx).
///
/// # Numerics
/// Spitzer's sums of positive terms where they are short, so that the smallest waits keep their digits;
/// Crommelin's roots near ρ = 1. Q_j by Fourier inversion of its generating function without its
/// dominant pole, whose geometric part is added in closed form; so waits of any length at
/// ρ = 1 − 10⁻⁹ are safe. Relative accuracy 1e-9 or better; of P(Wq > t), 1e-12 absolute.
///
/// ```
/// use orderline::theory::Mdc;
/// // M/D/1 at ρ = 0.9, in units of D.
/// let queue = Mdc::new(0.9, 1.0, 1)?;
/// assert!((queue.waiting_mean() - 4.5).abs() < 1e-11);
/// assert!((queue.waiting_quantile(0.99).unwrap() - 21.8982373495).abs() < 1e-9);
/// // M/D/4 at ρ = 0.75.
/// assert!((Mdc::new(3.0, 1.0, 4)?.waiting_mean() - 0.26696116).abs() < 5e-9);
/// # Ok::<(), orderline::theory::ModelError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Mdc {
    arrival_rate: f64,
    service: f64,
    consumers: u32,
    known: Known,
    line: Option<Arc<Line>>,
}

/// What is known of the wait, with D as the unit of time.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Known {
    /// P(Wq > 0).
    waits: f64,
    mean: f64,
    variance: f64,
}

impl Mdc {
    /// A queue with arrival rate λ, service time D and c consumers.
    ///
    /// # Errors
    /// A rate or time that is not positive and finite, c outside 1 to 200 000, or λD ≥ c.
    pub fn new(arrival_rate: f64, service: f64, consumers: u32) -> Result<Mdc, ModelError> {
        let load = positive("arrival rate", arrival_rate)? * positive("service time", service)?;
        let c = positive("consumers", f64::from(consumers))?;
        if consumers > MOST {
            return Err(ModelError::Domain {
                name: "consumers",
                value: c,
            });
        }
        stable(load / c)?;
        let known = match walk::cumulants(load, c) {
            Some(known) => known,
            None => roots::cumulants(load, consumers),
        };
        let line = (consumers <= MOST_WITH_LAW && known.waits > 1e-11)
            .then(|| Arc::new(Line::new(load, consumers)));
        Ok(Mdc {
            arrival_rate,
            service,
            consumers,
            known,
            line,
        })
    }

    /// ρ = λD/c.
    pub fn utilization(&self) -> f64 {
        self.arrival_rate * self.service / f64::from(self.consumers)
    }

    /// P(Wq > 0).
    pub fn wait_probability(&self) -> f64 {
        self.known.waits
    }

    /// Wq, seconds.
    pub fn waiting_mean(&self) -> f64 {
        self.known.mean * self.service
    }

    /// Var(Wq) = Var(W).
    pub fn waiting_variance(&self) -> f64 {
        self.known.variance * self.service * self.service
    }

    /// W = Wq + D, seconds.
    pub fn sojourn_mean(&self) -> f64 {
        self.waiting_mean() + self.service
    }

    /// Lq = λWq.
    pub fn queue_length(&self) -> f64 {
        self.arrival_rate * self.waiting_mean()
    }

    /// L = λW.
    pub fn number_in_system(&self) -> f64 {
        self.arrival_rate * self.sojourn_mean()
    }

    /// P(Wq > t); `None` for more than 5000 consumers.
    pub fn waiting_ccdf(&self, t: f64) -> Option<f64> {
        if t < 0.0 {
            return Some(1.0);
        }
        match &self.line {
            Some(line) => Some(line.waits_beyond(t / self.service)),
            // So rare that it does not show.
            None => (self.known.waits <= 1e-11).then(|| {
                let usual = self.known.mean / self.known.waits;
                match usual > 0.0 {
                    true => self.known.waits * (-t / (self.service * usual)).exp(),
                    false => 0.0,
                }
            }),
        }
    }

    /// The p-quantile of the waiting time; `None` for more than 5000 consumers.
    pub fn waiting_quantile(&self, p: f64) -> Option<f64> {
        if self.known.waits <= 1.0 - p {
            return Some(0.0);
        }
        self.line.as_ref()?;
        quantile(
            |t| self.waiting_ccdf(t).unwrap_or(f64::NAN),
            p,
            self.service,
        )
    }

    /// The p-quantile of the sojourn time, D later.
    pub fn sojourn_quantile(&self, p: f64) -> Option<f64> {
        Some(self.waiting_quantile(p)? + self.service)
    }

    /// All figures, first in, first out; otherwise the means alone.
    pub(super) fn figures(&self, fifo: bool) -> Figures {
        let mut sheet = Sheet::new(SOURCE);
        sheet
            .put(Metric::Utilization, self.utilization(), "ρ = λD/c")
            .put(
                Metric::WaitProbability,
                self.wait_probability(),
                "1 − exp(−Σ P(nD > G_nc)/n)",
            )
            .put(Metric::QueueLength, self.queue_length(), "Lq = λWq")
            .put(Metric::NumberInSystem, self.number_in_system(), "L = λW")
            .mean(
                TimeKind::Waiting,
                self.waiting_mean(),
                "Wq = Σ E[(nD − G_nc)⁺]/n",
            )
            .mean(TimeKind::Sojourn, self.sojourn_mean(), "W = Wq + D");
        if fifo {
            let variance = self.waiting_variance();
            let formula = "Σ e^(−y) yʲ/j! Q_{kc−j−1} = p, y = λ(kD − t)";
            sheet
                .variance(TimeKind::Waiting, variance, "Σ E[((nD − G_nc)⁺)²]/n")
                .variance(TimeKind::Sojourn, variance, "Var(Wq)")
                .quantiles(TimeKind::Waiting, |p| self.waiting_quantile(p), formula)
                .quantiles(
                    TimeKind::Sojourn,
                    |p| self.sojourn_quantile(p),
                    "the wait's, plus D",
                );
        }
        sheet.finish()
    }

    /// The waiting and the sojourn time's distribution, first in, first out.
    pub(super) fn curves(&self) -> Option<(Curve, Curve)> {
        self.waiting_ccdf(0.0)?;
        let curve = |later: f64, formula| {
            let queue = self.clone();
            Curve {
                kind: Kind::Exact,
                formula,
                reference: SOURCE.reference,
                ccdf: Arc::new(move |t| queue.waiting_ccdf(t - later).unwrap_or(f64::NAN)),
            }
        };
        Some((
            curve(0.0, "P(Wq ≤ t) = Σ e^(−y) yʲ/j! Q_{kc−j−1}, y = λ(kD − t)"),
            curve(self.service, "P(W > t) = P(Wq > t − D)"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::{Mg1, Mmc, ServiceMoments};
    use approx::assert_relative_eq;
    use proptest::prelude::*;

    #[test]
    fn published_figures() {
        // Whitt 1993, M/D/4 at ρ = 0.9.
        let queue = Mdc::new(3.6, 1.0, 4).unwrap();
        assert_relative_eq!(
            queue.wait_probability(),
            0.775436586267288,
            max_relative = 1e-11
        );
        assert_relative_eq!(queue.queue_length(), 3.5998771880292, max_relative = 1e-11);
        let queue = Mdc::new(9.0, 1.0, 10).unwrap();
        assert_relative_eq!(
            queue.wait_probability(),
            0.646861283932408,
            max_relative = 1e-11
        );
        let queue = Mdc::new(25.0, 1.0, 50).unwrap();
        assert_relative_eq!(
            queue.waiting_mean(),
            2.51029340342193e-07,
            max_relative = 1e-11
        );
    }

    #[test]
    fn published_quantiles_of_one_consumer() {
        for (rho, p90, p99) in [
            (0.3, 0.837714760936, 1.8908734014),
            (0.7, 3.07708687311, 6.48549942896),
            (0.9, 10.782504956, 21.8982373495),
            (0.95, 22.3022288611, 44.9377655084),
        ] {
            let queue = Mdc::new(2.0 * rho, 0.5, 1).unwrap();
            let quantile = |p| queue.waiting_quantile(p).unwrap();
            assert_relative_eq!(quantile(0.9), 0.5 * p90, max_relative = 1e-10);
            assert_relative_eq!(quantile(0.99), 0.5 * p99, max_relative = 1e-10);
        }
    }

    #[test]
    fn both_ways_to_the_means_agree() {
        for (load, consumers) in [(0.5, 1), (1.1, 2), (7.0, 10), (470.0, 500), (15.0, 25)] {
            let walk = walk::cumulants(load, f64::from(consumers)).unwrap();
            let roots = roots::cumulants(load, consumers);
            assert_relative_eq!(walk.waits, roots.waits, max_relative = 1e-9);
            assert_relative_eq!(walk.mean, roots.mean, max_relative = 1e-9);
            assert_relative_eq!(walk.variance, roots.variance, max_relative = 1e-8);
        }
    }

    /// The mean and variance of the curve, by integration.
    #[test]
    fn the_law_has_the_moments() {
        for (load, consumers) in [(0.5, 1), (0.97, 1), (3.6, 4), (48.0, 50), (490.0, 500)] {
            let queue = Mdc::new(load, 1.0, consumers).unwrap();
            let parts = f64::from(consumers).sqrt().ceil();
            let mut sums = (0.0, 0.0);
            for k in 0..2_000 {
                for (x, weight) in crate::theory::numeric::gauss_nodes() {
                    let t = (f64::from(k) + x) / parts;
                    let tail = queue.waiting_ccdf(t).unwrap() / parts;
                    sums = (sums.0 + weight * tail, sums.1 + 2.0 * t * weight * tail);
                }
                if queue.waiting_ccdf(f64::from(k) / parts).unwrap() < 1e-14 {
                    break;
                }
            }
            assert_relative_eq!(sums.0, queue.waiting_mean(), max_relative = 1e-9);
            let variance = sums.1 - sums.0 * sums.0;
            assert_relative_eq!(variance, queue.waiting_variance(), max_relative = 1e-7);
            let waits = queue.waiting_ccdf(0.0).unwrap();
            assert_relative_eq!(waits, queue.wait_probability(), max_relative = 1e-10);
        }
    }

    #[test]
    fn almost_saturated() {
        for consumers in [1, 40, 1000, 100_000] {
            let c = f64::from(consumers);
            let gap = 1e-9;
            let queue = Mdc::new(c * (1.0 - gap), 1.0, consumers).unwrap();
            // Heavy traffic: exponential with mean 1/(2(c − a)).
            let heavy = 1.0 / (2.0 * c * gap);
            assert_relative_eq!(queue.waiting_mean(), heavy, max_relative = 1e-5);
            let variance = queue.waiting_variance();
            assert_relative_eq!(variance, heavy * heavy, max_relative = 1e-5);
            if let Some(p99) = queue.waiting_quantile(0.99) {
                assert_relative_eq!(p99, heavy * 100f64.ln(), max_relative = 1e-5);
            }
        }
    }

    #[test]
    fn nobody_waits_where_there_are_many() {
        let queue = Mdc::new(250.0, 1.0, 500).unwrap();
        assert!(queue.wait_probability() > 0.0 && queue.wait_probability() < 1e-30);
        assert_eq!(queue.waiting_quantile(0.999), Some(0.0));
        assert!(Mdc::new(2.0, 1.0, 2).is_err() && Mdc::new(2.0, 1.0, 0).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn one_consumer_is_pollaczeks(rho in 0.01f64..0.9999) {
            let one = ServiceMoments { first: 1.0, second: 1.0, third: 1.0 };
            let general = Mg1::new(rho, one).unwrap();
            let fixed = Mdc::new(rho, 1.0, 1).unwrap();
            let fifo = crate::theory::Turn::FirstIn;
            prop_assert!((fixed.waiting_mean() / general.waiting_mean() - 1.0).abs() < 1e-9);
            let variance = general.waiting_variance(fifo).unwrap();
            prop_assert!((fixed.waiting_variance() / variance - 1.0).abs() < 1e-7);
            prop_assert!((fixed.wait_probability() / rho - 1.0).abs() < 1e-9);
        }

        #[test]
        fn a_fixed_time_waits_less_than_a_random_one(rho in 0.3f64..0.999, c in 1u32..60) {
            let load = rho * f64::from(c);
            let fixed = Mdc::new(load, 1.0, c).unwrap();
            let random = Mmc::new(load, 1.0, c).unwrap();
            prop_assert!(fixed.waiting_mean() < random.waiting_mean());
            prop_assert!(fixed.wait_probability() < random.wait_probability() * (1.0 + 1e-9));
            if fixed.wait_probability() > 1e-9 {
                let p = 1.0 - 0.1 * fixed.wait_probability();
                let t = fixed.waiting_quantile(p).unwrap();
                let tail = fixed.waiting_ccdf(t).unwrap();
                prop_assert!((tail / (1.0 - p) - 1.0).abs() < 1e-4);
            }
        }
    }
}
