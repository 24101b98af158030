//! M/M/c whose consumers break down, idle or not: matrix-geometric, with what every consumer is
//! doing as the phase.
//!
//! # References
//! I. L. Mitrany, B. Avi-Itzhak (1968), *A many-server queue with service interruptions*, Operations
//! Research 16, 628–638; B. Avi-Itzhak, P. Naor (1963), *Some queuing problems with the service
//! station subject to breakdown*, Operations Research 11, 303–320 (model A); M. F. Neuts (1981),
//! *Matrix-Geometric Solutions in Stochastic Models*, chapter 6.

use super::error::{ModelError, positive, stable};
use super::matrix::{ACCURACY, Levels, Line, MarkovianArrivals, Matrix, PhaseType, Server, Times};
use super::sheet::{Sheet, Source};
use super::{Curve, Figures};
use crate::metric::{Metric, TimeKind};
use crate::random::Distribution;

const SOURCE: Source = Source::exact(
    "Mitrany & Avi-Itzhak 1968, Oper. Res. 16; Neuts 1981, Matrix-Geometric Solutions, 6",
);
/// More consumers have more phases than can be solved while the user waits.
const MOST_CONSUMERS: u32 = 18;

/// The rates of a queue with breakdowns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BreakdownRates {
    /// λ.
    pub arrivals: f64,
    /// μ, of a working consumer.
    pub service: f64,
    /// Of breaking down, of each consumer, busy or idle.
    pub failure: f64,
    /// Of getting going again, of each consumer.
    pub repair: f64,
}

/// The M/M/c queue with independent breakdowns of the consumers in steady state.
///
/// Each consumer works for an exponential time and is then repaired for an exponential time, whether
/// or not it has an order. The order of a broken consumer stays with it, and its service goes on after
/// the repair. An order waits until a consumer that works is free.
///
/// # Domain
/// λ < cμA with the availability A = repair/(failure + repair); 1 ≤ c ≤ 18: 190 states while orders wait, about 0.1 s.
///
/// # Formula
/// While orders wait, (working, broken with an order, broken without) has (c + 1)(c + 2)/2 states: a
/// quasi-birth-death chain in the number waiting. Below it the levels are the numbers of consumers
/// that are not idle and working.
///
/// # Numerics
/// As [`super::MapPhC`]; the mean numbers of busy and of broken consumers are checked to 10⁻⁷.
///
/// ```
/// use orderline::theory::{BreakdownRates, MmcBreakdowns};
/// // Avi-Itzhak and Naor's model A, by an independent chain.
/// let rates = BreakdownRates { arrivals: 0.7, service: 1.0, failure: 0.05, repair: 0.5 };
/// let queue = MmcBreakdowns::new(rates, 1)?.unwrap();
/// assert!((queue.number_in_system() - 3.9011857708).abs() < 1e-9);
/// # Ok::<(), orderline::theory::ModelError>(())
/// ```
#[derive(Debug, Clone)]
pub struct MmcBreakdowns {
    rates: BreakdownRates,
    consumers: u32,
    /// Orders that sit with a broken consumer, on average.
    interrupted: f64,
    line: Line,
}

/// What the consumers do that are not idle and working: busy, broken with an order, broken without.
type Doing = (u32, u32, u32);

impl MmcBreakdowns {
    /// A queue with the given rates and c consumers; `None` for more than 18.
    ///
    /// # Errors
    /// A rate that is not positive and finite, no consumers, λ ≥ cμA, or a solution that fails a check.
    pub fn new(rates: BreakdownRates, consumers: u32) -> Result<Option<MmcBreakdowns>, ModelError> {
        let c = positive("consumers", f64::from(consumers))?;
        positive("arrival rate", rates.arrivals)?;
        positive("service rate", rates.service)?;
        positive("failure rate", rates.failure)?;
        positive("repair rate", rates.repair)?;
        stable(rates.arrivals / (c * rates.service * rates.availability()))?;
        if consumers > MOST_CONSUMERS {
            return Ok(None);
        }
        let arrivals = MarkovianArrivals::poisson(rates.arrivals);
        let line = Line::new(
            &arrivals,
            &rates.server(consumers),
            &rates.levels(consumers),
        )?;
        MmcBreakdowns::checked(rates, consumers, line).map(Some)
    }

    /// Orders are served as fast as they come, and interruptions end as fast as they begin.
    fn checked(
        rates: BreakdownRates,
        consumers: u32,
        line: Line,
    ) -> Result<MmcBreakdowns, ModelError> {
        let busy = rates.arrivals / rates.service;
        let interrupted = busy * rates.failure / rates.repair;
        // Idle and working consumers: all that work but are not busy.
        let idle = f64::from(consumers) * rates.availability() - busy;
        let levels = line.levels.iter().rev().zip(0..);
        let found: f64 = levels
            .map(|(level, idle)| f64::from(idle) * level.sum())
            .sum();
        let error = (found / idle - 1.0).abs();
        if error > ACCURACY {
            let method = "matrix-geometric solution of M/M/c with breakdowns";
            return Err(ModelError::Inaccurate { method, error });
        }
        Ok(MmcBreakdowns {
            rates,
            consumers,
            interrupted,
            line,
        })
    }

    /// A, the share of time that a consumer works.
    pub fn availability(&self) -> f64 {
        self.rates.availability()
    }

    /// ρ = λ/(cμ), the share of a consumer's time that it serves.
    pub fn utilization(&self) -> f64 {
        self.rates.arrivals / (f64::from(self.consumers) * self.rates.service)
    }

    /// Share of orders that find no consumer that works and is idle.
    pub fn wait_probability(&self) -> f64 {
        self.line.wait_probability
    }

    /// Lq: orders whose service has not begun.
    pub fn queue_length(&self) -> f64 {
        self.line.queue_length
    }

    /// L: these, those in service and those interrupted.
    pub fn number_in_system(&self) -> f64 {
        self.queue_length() + self.rates.arrivals / self.rates.service + self.interrupted
    }

    /// Wq: until service first begins.
    pub fn waiting_mean(&self) -> f64 {
        self.line.waiting_mean()
    }

    /// W, with the interruptions.
    pub fn sojourn_mean(&self) -> f64 {
        self.waiting_mean() + self.completion_mean()
    }

    /// From the beginning of service to its end: (1 + failure/repair)/μ.
    fn completion_mean(&self) -> f64 {
        (1.0 + self.rates.failure / self.rates.repair) / self.rates.service
    }

    /// The laws of waiting and sojourn, first in, first out; `None` where service with its interruptions
    /// has no phase-type form in floats.
    pub(super) fn times(&self) -> Option<Times> {
        Some(self.line.times(&self.rates.completion()?))
    }

    /// All figures; those of first in, first out with its laws.
    pub(super) fn figures(&self, times: Option<&Times>) -> Figures {
        let mut sheet = Sheet::new(SOURCE);
        sheet
            .put(Metric::Availability, self.availability(), "A = U/(U + D)")
            .put(Metric::Utilization, self.utilization(), "ρ = λ/(cμ)")
            .put(
                Metric::WaitProbability,
                self.wait_probability(),
                "π_c(I−R)⁻¹1: no consumer idle and working",
            )
            .put(
                Metric::QueueLength,
                self.queue_length(),
                "Lq = π_cR(I−R)⁻²1, A₀+RA₁+R²A₂ = 0",
            )
            .put(
                Metric::NumberInSystem,
                self.number_in_system(),
                "L = Lq + λ(1 + D/U)/μ",
            )
            .mean(TimeKind::Waiting, self.waiting_mean(), "Wq = Lq/λ")
            .mean(
                TimeKind::Sojourn,
                self.sojourn_mean(),
                "W = Wq + (1 + D/U)/μ",
            );
        if let Some(times) = times {
            self.distributions(&mut sheet, times);
        }
        sheet.finish()
    }

    fn distributions(&self, sheet: &mut Sheet, times: &Times) {
        let variance = self.line.waiting_variance;
        // Exponential work in which a Poisson number of exponential repairs falls.
        let repairs = 2.0 * self.rates.failure / (self.rates.service * self.rates.repair.powi(2));
        let whole = variance + self.completion_mean().powi(2) + repairs;
        sheet
            .variance(TimeKind::Waiting, variance, "2ν(−K)⁻³t/λ − Wq²")
            .variance(
                TimeKind::Sojourn,
                whole,
                "Var(Wq) + ((1+D/U)/μ)² + 2D²/(μU)",
            );
        times.write(sheet);
    }

    /// The distributions of waiting and sojourn time, first in, first out.
    pub(super) fn curves(times: Times) -> (Curve, Curve) {
        times.curves(SOURCE.reference)
    }
}

impl BreakdownRates {
    /// A = repair/(failure + repair).
    pub fn availability(&self) -> f64 {
        self.repair / (self.failure + self.repair)
    }

    /// Service with its interruptions.
    fn completion(&self) -> Option<PhaseType> {
        let (mu, failure, repair) = (self.service, self.failure, self.repair);
        let t = vec![vec![-(mu + failure), failure], vec![repair, -repair]];
        PhaseType::of(&Distribution::phase_type(vec![1.0, 0.0], t).ok()?)
    }

    /// What changes while every consumer is busy or broken; the next order is taken at the end of a
    /// service and at the end of a repair of a consumer without an order.
    fn server(&self, consumers: u32) -> Server {
        let states = doing(consumers);
        let mut inner = Matrix::zeros(states.len(), states.len());
        let mut next = inner.clone();
        for (row, &(busy, held, empty)) in states.iter().enumerate() {
            let add = |matrix: &mut Matrix, to: Option<Doing>, rate: f64| {
                if let Some(to) = to {
                    matrix[(row, place(&states, to))] += rate;
                }
            };
            let count = f64::from;
            let fails = less(busy).map(|busy| (busy, held + 1, empty));
            add(&mut inner, fails, count(busy) * self.failure);
            let goes_on = less(held).map(|held| (busy + 1, held, empty));
            add(&mut inner, goes_on, count(held) * self.repair);
            next[(row, row)] += count(busy) * self.service;
            let repaired = less(empty).map(|empty| (busy + 1, held, empty));
            add(&mut next, repaired, count(empty) * self.repair);
        }
        Server { inner, next }
    }

    /// The levels with a consumer that is idle and works.
    fn levels(&self, consumers: u32) -> Levels {
        let mut levels = Levels::default();
        for taken in 0..consumers {
            let idle = f64::from(consumers - taken);
            let here = doing(taken);
            levels.local.push(self.within(&here));
            levels.up.push(self.up(&here, &doing(taken + 1), idle));
            levels.down.push(self.down(&doing(taken + 1), &here));
        }
        levels
    }

    fn within(&self, states: &[Doing]) -> Matrix {
        let mut local = Matrix::zeros(states.len(), states.len());
        for (row, &(busy, held, empty)) in states.iter().enumerate() {
            if let Some(left) = less(busy) {
                local[(row, place(states, (left, held + 1, empty)))] +=
                    f64::from(busy) * self.failure;
            }
            if let Some(left) = less(held) {
                local[(row, place(states, (busy + 1, left, empty)))] +=
                    f64::from(held) * self.repair;
            }
        }
        local
    }

    /// An order comes, or an idle consumer breaks down.
    fn up(&self, from: &[Doing], to: &[Doing], idle: f64) -> Matrix {
        let mut up = Matrix::zeros(from.len(), to.len());
        for (row, &(busy, held, empty)) in from.iter().enumerate() {
            up[(row, place(to, (busy + 1, held, empty)))] += self.arrivals;
            up[(row, place(to, (busy, held, empty + 1)))] += idle * self.failure;
        }
        up
    }

    /// A service ends with nobody waiting, or a consumer without an order is repaired.
    fn down(&self, from: &[Doing], to: &[Doing]) -> Matrix {
        let mut down = Matrix::zeros(from.len(), to.len());
        for (row, &(busy, held, empty)) in from.iter().enumerate() {
            if let Some(left) = less(busy) {
                down[(row, place(to, (left, held, empty)))] += f64::from(busy) * self.service;
            }
            if let Some(left) = less(empty) {
                down[(row, place(to, (busy, held, left)))] += f64::from(empty) * self.repair;
            }
        }
        down
    }
}

/// All that so many consumers can be doing.
fn doing(consumers: u32) -> Vec<Doing> {
    let both = |busy| (0..=consumers - busy).map(move |held| (busy, held, consumers - busy - held));
    (0..=consumers).flat_map(both).collect()
}

/// Where a state stands among those of its consumers; they are sorted.
fn place(states: &[Doing], state: Doing) -> usize {
    states.partition_point(|other| *other < state)
}

fn less(count: u32) -> Option<u32> {
    count.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::Mmc;
    use approx::assert_relative_eq;
    use proptest::prelude::*;

    fn queue(arrivals: f64, failure: f64, repair: f64, consumers: u32) -> MmcBreakdowns {
        let rates = BreakdownRates {
            arrivals,
            service: 1.0,
            failure,
            repair,
        };
        MmcBreakdowns::new(rates, consumers).unwrap().unwrap()
    }

    #[test]
    fn published_figures_of_breakdowns_at_any_time() {
        let single = queue(0.5, 0.01, 0.05, 1);
        assert_relative_eq!(single.availability(), 0.83333333333, max_relative = 1e-10);
        assert_relative_eq!(
            single.number_in_system(),
            5.6666666667,
            max_relative = 1e-10
        );
        assert_relative_eq!(single.sojourn_mean(), 11.333333333, max_relative = 1e-10);
        let six = queue(4.0, 0.02, 0.2, 6);
        assert_relative_eq!(six.number_in_system(), 5.979781896, max_relative = 1e-8);
        assert_relative_eq!(six.queue_length(), 1.579781896, max_relative = 1e-8);
        assert_relative_eq!(six.waiting_mean(), 0.3949454741, max_relative = 1e-8);
        assert_relative_eq!(six.sojourn_mean(), 1.494945474, max_relative = 1e-8);
        assert_relative_eq!(six.wait_probability(), 0.4346619121, max_relative = 1e-8);
        // Computed with a line that is cut off early, which costs it the sixth digit.
        let ten = queue(8.0, 0.01, 0.1, 10);
        assert_relative_eq!(ten.queue_length(), 7.681068726, max_relative = 1e-5);
        assert_relative_eq!(ten.wait_probability(), 0.6471770309, max_relative = 1e-5);
    }

    #[test]
    fn the_wait_is_worst_behind_a_broken_consumer() {
        // P(Wq > 0) of one consumer: broken, or working with an order; and its distribution's mean.
        let single = queue(0.5, 0.1, 0.2, 1);
        let times = single.times().unwrap();
        let step = 0.02;
        let mean: f64 = (0..100_000)
            .map(|k| step * times.waiting_ccdf((f64::from(k) + 0.5) * step))
            .sum();
        assert_relative_eq!(mean, single.waiting_mean(), max_relative = 1e-3);
        let p99 = times.sojourn_quantile(0.99).unwrap();
        assert_relative_eq!(times.sojourn_ccdf(p99), 0.01, max_relative = 1e-9);
    }

    #[test]
    fn availability_limits_the_load() {
        let rates = BreakdownRates {
            arrivals: 0.7,
            service: 1.0,
            failure: 1.0,
            repair: 2.0,
        };
        assert!(matches!(
            MmcBreakdowns::new(rates, 1),
            Err(ModelError::Unstable { .. })
        ));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn consumers_that_hardly_fail_are_those_of_m_m_c(rho in 0.1f64..0.95, c in 1u32..6) {
            let lambda = rho * f64::from(c);
            let perfect = Mmc::new(lambda, 1.0, c).unwrap();
            let hardly = queue(lambda, 1e-9, 1.0, c);
            prop_assert!((hardly.waiting_mean() / perfect.waiting_mean() - 1.0).abs() < 1e-5);
            let often = queue(lambda, 0.02, 1.0, c);
            prop_assert!(often.waiting_mean() > perfect.waiting_mean());
            let little = often.number_in_system() / (lambda * often.sojourn_mean());
            prop_assert!((little - 1.0).abs() < 1e-9);
        }

        #[test]
        fn one_consumer_is_avi_itzhak_and_naor_s(load in 0.1f64..0.95, failure in 0.01f64..1.0, repair in 0.1f64..2.0) {
            // Model A: L = λ/μ·((1 + a)² + μ·a/η)/((1 + a)(1 − (1 + a)λ/μ)), a = ξ/η.
            let a = failure / repair;
            let lambda = load / (1.0 + a);
            let found = queue(lambda, failure, repair, 1).number_in_system();
            let exact = lambda * ((1.0 + a).powi(2) + a / repair) / ((1.0 + a) * (1.0 - (1.0 + a) * lambda));
            prop_assert!((found / exact - 1.0).abs() < 1e-8, "{} {}", found, exact);
        }
    }
}
