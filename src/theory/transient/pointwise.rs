//! Approximations by stationary queues, one for each moment.
//!
//! # References
//! Pointwise stationary approximation: L. Green and P. Kolesar (1991), *The pointwise stationary
//! approximation for queues with nonstationary arrivals*, Management Science 37, 84–97. Modified offered
//! load: D. L. Jagerman (1975), *Nonstationary blocking in telephone traffic*, Bell System Technical
//! Journal 54, 625–661; O. B. Jennings, A. Mandelbaum, W. A. Massey and W. Whitt (1996), *Server staffing
//! to meet time-varying demand*, Management Science 42, 1383–1394.

use super::course::{Course, Stretch};
use super::profile::Profile;
use crate::metric::{Metric, TimeKind};
use crate::theory::error::ModelError;
use crate::theory::sheet::{Sheet, Source};
use crate::theory::{Figures, Mmc, Mmck};

const PSA: Source = Source::approximation(
    "pointwise stationary approximation, Green and Kolesar 1991, Manag. Sci. 37, 84-97",
);
const MOL: Source = Source::approximation(
    "modified offered load, Jagerman 1975, Bell Syst. Tech. J. 54; Jennings et al. 1996, Manag. Sci. 42",
);

/// Averages over a course of stationary M/M/c or M/M/c/K queues, each with the load of its moment.
///
/// # Domain
/// Exponential service (other laws: the waits times (1 + C_s²)/2, of Allen and Cunneen); where the queue
/// has no bound the load must stay below 1 at all times.
///
/// # Formula
/// PSA: the stationary queue with the rate λ(t). MOL: that with the offered load m(t), the mean number
/// busy if there were a consumer for every order, which lags behind λ(t)/μ. Averages of L and Lq over
/// time, of the chance to wait or to be rejected over orders.
///
/// ```
/// use orderline::theory::{Course, Mmc, Pointwise};
/// // With a constant rate it is the stationary queue.
/// let course = Course::new(&[], 9.0, &[(0.0, 10)], 24.0)?;
/// let pointwise = Pointwise::stationary(&course, 1.0, None, 1.0)?;
/// let queue = Mmc::new(9.0, 1.0, 10)?;
/// assert!((pointwise.queue_length() / queue.queue_length() - 1.0).abs() < 1e-12);
/// # Ok::<(), orderline::theory::ModelError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pointwise {
    source: Source,
    span: f64,
    orders: f64,
    accepted: f64,
    delayed: f64,
    waiting: f64,
    busy: f64,
    consumer_time: f64,
    service: f64,
    bounded: bool,
}

impl Pointwise {
    /// PSA over a course, with this factor on the waits.
    ///
    /// # Errors
    /// A queue without bound that is offered as much as its consumers can do at some time, or more.
    pub fn stationary(
        course: &Course,
        service_rate: f64,
        places: Option<u64>,
        factor: f64,
    ) -> Result<Pointwise, ModelError> {
        let rate = |stretch: &Stretch, t: f64| stretch.rate_at(t);
        Pointwise::new(PSA, course, service_rate, places, factor, rate)
    }

    /// MOL over a course, with the number busy of M(t)/G/∞ and this factor on the waits.
    ///
    /// # Errors
    /// A queue without bound that is offered as much as its consumers can do at some time, or more.
    pub fn modified(
        course: &Course,
        service_rate: f64,
        places: Option<u64>,
        factor: f64,
        unlimited: &Profile,
    ) -> Result<Pointwise, ModelError> {
        let rate = |_: &Stretch, t: f64| service_rate * unlimited.number_at(t);
        Pointwise::new(MOL, course, service_rate, places, factor, rate)
    }

    fn new(
        source: Source,
        course: &Course,
        service_rate: f64,
        places: Option<u64>,
        factor: f64,
        rate: impl Fn(&Stretch, f64) -> f64,
    ) -> Result<Pointwise, ModelError> {
        let mut sums = Pointwise {
            source,
            span: course.span(),
            orders: course.orders(),
            accepted: 0.0,
            delayed: 0.0,
            waiting: 0.0,
            busy: 0.0,
            consumer_time: course.consumer_time(),
            service: 1.0 / service_rate,
            bounded: places.is_some(),
        };
        for stretch in course.stretches() {
            for (t, weight) in nodes(stretch, course.span()) {
                let orders = weight * stretch.rate_at(t);
                let at =
                    Stationary::new(rate(stretch, t), service_rate, stretch.consumers, places)?;
                sums.accepted += orders * (1.0 - at.loss);
                sums.delayed += orders * (1.0 - at.loss) * at.wait;
                sums.waiting += weight * factor * at.waiting;
                sums.busy += weight * at.busy;
            }
        }
        Ok(sums)
    }

    /// Lq.
    pub fn queue_length(&self) -> f64 {
        self.waiting / self.span
    }

    /// L.
    pub fn number_in_system(&self) -> f64 {
        (self.waiting + self.busy) / self.span
    }

    /// The share of accepted orders that wait.
    pub fn wait_probability(&self) -> f64 {
        self.delayed / self.accepted
    }

    /// The share of orders that are rejected.
    pub fn loss_probability(&self) -> f64 {
        1.0 - self.accepted / self.orders
    }

    /// All figures.
    pub(in crate::theory) fn figures(&self) -> Figures {
        let mut sheet = Sheet::new(self.source);
        let wait = self.waiting / self.accepted;
        sheet
            .put(
                Metric::Utilization,
                self.busy / self.consumer_time,
                "∫ρ(t)dt/T",
            )
            .put(
                Metric::WaitProbability,
                self.wait_probability(),
                "∫λ(t)C(t)dt/∫λ(t)dt",
            )
            .put(Metric::QueueLength, self.queue_length(), "∫Lq(t)dt/T")
            .put(Metric::NumberInSystem, self.number_in_system(), "∫L(t)dt/T")
            .mean(TimeKind::Waiting, wait, "Wq = Lq/λ accepted")
            .mean(TimeKind::Sojourn, wait + self.service, "W = Wq + E[S]");
        if self.bounded {
            sheet.put(
                Metric::LossProbability,
                self.loss_probability(),
                "∫λ(t)B(t)dt/∫λ(t)dt",
            );
        }
        sheet.finish()
    }
}

/// A stationary queue.
struct Stationary {
    loss: f64,
    wait: f64,
    waiting: f64,
    busy: f64,
}

impl Stationary {
    fn new(
        rate: f64,
        service_rate: f64,
        consumers: u32,
        places: Option<u64>,
    ) -> Result<Stationary, ModelError> {
        if rate <= 0.0 {
            return Ok(Stationary {
                loss: 0.0,
                wait: 0.0,
                waiting: 0.0,
                busy: 0.0,
            });
        }
        match places {
            Some(places) => {
                let queue = Mmck::new(rate, service_rate, consumers, places)?;
                Ok(Stationary {
                    loss: queue.loss_probability(),
                    wait: queue.wait_probability(),
                    waiting: queue.queue_length(),
                    busy: queue.throughput() / service_rate,
                })
            }
            None => {
                let queue = Mmc::new(rate, service_rate, consumers)?;
                Ok(Stationary {
                    loss: 0.0,
                    wait: queue.wait_probability(),
                    waiting: queue.queue_length(),
                    busy: rate / service_rate,
                })
            }
        }
    }
}

/// Times in a stretch with their weights: Gauss's rule with three points in each of some equal parts.
fn nodes(stretch: &Stretch, end: f64) -> impl Iterator<Item = (f64, f64)> {
    const PARTS: f64 = 100.0;
    let parts = if stretch.slope == 0.0 {
        (PARTS * stretch.length() / end).ceil() + 1.0
    } else {
        (PARTS * stretch.length() / end).ceil() + 3.0
    };
    let (from, half) = (stretch.from, 0.5 * stretch.length() / parts);
    (0..parts as u64).flat_map(move |part| {
        let middle = from + half * (2 * part + 1) as f64;
        let offset = half * 0.6f64.sqrt();
        let outer = half * 5.0 / 9.0;
        [
            (middle - offset, outer),
            (middle, half * 8.0 / 9.0),
            (middle + offset, outer),
        ]
    })
}
