//! M(t)/M/c(t)/K: arrivals that are Poisson at a rate that changes with time, exponential service, and
//! consumers that come and go.
//!
//! # References
//! A. N. Kolmogorov (1931), *Über die analytischen Methoden in der Wahrscheinlichkeitsrechnung*,
//! Mathematische Annalen 104, 415–458 (the forward equations); D. P. Heyman and W. Whitt (1984), *The
//! asymptotic behavior of queues with time-varying arrival rates*, Journal of Applied Probability 21,
//! 143–156 (the periodic steady state); L. Green, P. Kolesar and A. Svoronos (1991), *Some effects of
//! nonstationarity on multiserver Markovian queueing systems*, Operations Research 39, 502–511.

use super::chain::{Chain, Effort, State, Walk};
use super::course::{Course, Stretch};
use super::fluid::Fluid;
use super::periodic::{left_over, settle};
use super::profile::{Moment, Profile};
use super::totals::Totals;
use crate::metric::{Metric, TimeKind};
use crate::theory::error::{ModelError, positive, stable};
use crate::theory::sheet::{Sheet, Source};
use crate::theory::{Figures, Kind};

const PERIODIC: Source = Source::exact(
    "Kolmogorov 1931, Math. Ann. 104, in the periodic steady state of Heyman and Whitt 1984, J. Appl. Prob. 21",
);
const OVER_THE_RUN: Source =
    Source::exact("Kolmogorov 1931, Math. Ann. 104, from an empty system over the run");

/// How much may be computed, in states times linear systems.
const EFFORT: f64 = 1.5e8;
/// Relative error that a figure labelled exact may have.
const EXACT: f64 = 1e-7;
/// Points of the curves, corners of the course aside.
const POINTS: usize = 200;

/// What the averages are over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Average {
    /// A period in the periodic steady state.
    Period,
    /// A stretch of time of a system that started empty.
    Run,
}

/// The M(t)/M/c(t)/K queue: averages over a period or over a run, and the course of the means.
///
/// # Domain
/// λ(t) ≥ 0 in straight pieces, c(t) in steps, per second; the mean of λ below that of cμ where the
/// queue has no bound and the averages are over a period. Where consumers leave while they serve, their
/// orders go back to the queue and later on where they were.
///
/// # Formula
/// p′(t) = p(t)Q(t) with the births λ(t) and the deaths μ min(n, c(t)); p(0) = p(P) over a period P,
/// and p(0) = (1, 0, …) over a run. Averages of N and (N − c)⁺ over time; the shares of orders that wait
/// or are rejected are weighted with λ(t); times by Little's law over a period.
///
/// # Numerics
/// Uniformization and extrapolated implicit Euler steps over a window of states. Each
/// integral carries a bound of its error, and a figure that is not known to 10⁻⁷ is an approximation.
///
/// ```
/// use orderline::random::{RatePoint, RateSchedule, RateShape};
/// use orderline::theory::{Course, MtMc};
/// // A sine in straight pieces, λ̄ = 0.8, amplitude one half, period 24 service times: computed by
/// // Kolmogorov's equations elsewhere.
/// let rates = [
///     0.8, 0.9035, 1.0, 1.0828, 1.1464, 1.1864, 1.2, 1.1864, 1.1464, 1.0828, 1.0, 0.9035,
///     0.8, 0.6965, 0.6, 0.5172, 0.4536, 0.4136, 0.4, 0.4136, 0.4536, 0.5172, 0.6, 0.6965,
/// ];
/// let hours = (0..24).map(f64::from);
/// let points = hours.zip(rates).map(|(at, rate)| RatePoint { at, rate }).collect();
/// let schedule = RateSchedule::new(points, RateShape::Linear, 24.0)?;
/// let course = Course::new(&[&schedule], 0.0, &[(0.0, 1)], 24.0)?;
/// let queue = MtMc::periodic(course, 1.0, None)?;
/// assert!((queue.number_in_system() / 4.32779081 - 1.0).abs() < 1e-6);
/// assert!((queue.wait_probability() / 0.819445426 - 1.0).abs() < 1e-6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct MtMc {
    course: Course,
    service_rate: f64,
    average: Average,
    totals: Totals,
    /// Bounds of the errors of the totals, relative.
    errors: [f64; Totals::COUNT],
    /// What the number in system is more at the end than at the start.
    grown: f64,
    /// When the averages end.
    end: f64,
    /// Seconds averaged over.
    span: f64,
    /// Consumer-seconds in that time.
    consumer_time: f64,
    bounded: bool,
    profile: Profile,
}

impl MtMc {
    /// The periodic steady state: the course is one period, and `places` bounds the number waiting.
    ///
    /// # Errors
    /// A rate that is not positive, more work than consumers over the period with no bound, or a
    /// computation that would take too long.
    pub fn periodic(
        course: Course,
        service_rate: f64,
        places: Option<u64>,
    ) -> Result<MtMc, ModelError> {
        let chain = chain(&course, service_rate, places)?;
        positive("arrival rate", course.mean_rate())?;
        if chain.room.is_none() {
            let capacity = positive("service rate", service_rate * course.consumer_time())?;
            stable(course.orders() / capacity)?;
        }
        if chain.room.is_none() {
            affordable(&Fluid::periodic(&course, service_rate)?, 2.0)?;
        }
        let mut effort = Effort::new(EFFORT);
        let start = settle(chain, &course, &mut effort)?;
        let mut run = Recorder::new(chain, start, 0.0, course.end());
        run.follow(&course, &mut effort)?;
        let slack = left_over(chain, &course, &run.start, &run.walk.state);
        Ok(run.finish(course, Average::Period, slack))
    }

    /// From an empty system: averages over \[`from`, end of the course\].
    ///
    /// # Errors
    /// A rate that is not positive, a start of the averages outside the course, or a computation that
    /// would take too long.
    pub fn from_empty(
        course: Course,
        service_rate: f64,
        places: Option<u64>,
        from: f64,
    ) -> Result<MtMc, ModelError> {
        let chain = chain(&course, service_rate, places)?;
        if !(from >= 0.0 && from < course.end()) {
            let name = "start of the averages";
            return Err(ModelError::Domain { name, value: from });
        }
        if chain.room.is_none() {
            affordable(&Fluid::from_empty(&course, service_rate, 0.0)?, 1.0)?;
        }
        let mut effort = Effort::new(EFFORT);
        let mut run = Recorder::new(chain, State::empty(), from, course.end());
        run.follow(&course, &mut effort)?;
        Ok(run.finish(course, Average::Run, 0.0))
    }

    /// λ: orders that come per second.
    pub fn arrival_rate(&self) -> f64 {
        self.course.after(self.end - self.span).mean_rate()
    }

    /// L.
    pub fn number_in_system(&self) -> f64 {
        self.totals.number / self.span
    }

    /// Lq.
    pub fn queue_length(&self) -> f64 {
        self.totals.waiting / self.span
    }

    /// ρ: the share of consumer time that is busy.
    pub fn utilization(&self) -> f64 {
        self.totals.busy / self.consumer_time
    }

    /// The share of accepted orders that wait.
    pub fn wait_probability(&self) -> f64 {
        self.totals.delayed / self.accepted()
    }

    /// The share of orders that are rejected.
    pub fn loss_probability(&self) -> f64 {
        self.totals.lost / self.totals.offered
    }

    /// X: orders served per second.
    pub fn throughput(&self) -> f64 {
        self.service_rate * self.totals.busy / self.span
    }

    /// By how much the number in system grows in a second; 0 over a period.
    pub fn growth(&self) -> f64 {
        self.grown / self.span
    }

    /// Wq = ∫Lq/∫λ of the accepted, seconds; the mean of the orders' waits over a period.
    pub fn waiting_mean(&self) -> f64 {
        self.totals.waiting / self.accepted()
    }

    /// W = ∫L/∫λ of the accepted, seconds; the mean of the orders' times here over a period.
    pub fn sojourn_mean(&self) -> f64 {
        self.totals.number / self.accepted()
    }

    /// The means over time.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Orders accepted in the time averaged over.
    fn accepted(&self) -> f64 {
        self.totals.offered - self.totals.lost
    }

    /// All figures. Over a run those of orders are approximations, since some of the orders that come in
    /// the time averaged over are served after it, and some that are served have come before.
    pub(in crate::theory) fn figures(&self) -> Figures {
        let known = |values: &[usize]| values.iter().all(|index| self.errors[*index] <= EXACT);
        let source = match self.average {
            Average::Period => PERIODIC,
            Average::Run => OVER_THE_RUN,
        };
        let times = Source {
            kind: match self.average {
                Average::Period => Kind::Exact,
                Average::Run => Kind::Approximation,
            },
            ..source
        };
        let mut figures = Figures::new();
        let mut put = |metric, value: f64, formula, source: Source, from: &[usize]| {
            let kind = if known(from) {
                source.kind
            } else {
                Kind::Approximation
            };
            let mut sheet = Sheet::new(Source { kind, ..source });
            sheet.put(metric, value, formula);
            figures.append(&mut sheet.finish());
        };
        put(
            Metric::ArrivalRate,
            self.arrival_rate(),
            "λ = ∫λ(t)dt/T",
            source,
            &[3],
        );
        put(
            Metric::Throughput,
            self.throughput(),
            "X = μ∫E[min(N,c)]dt/T",
            source,
            &[2],
        );
        put(
            Metric::NumberInSystem,
            self.number_in_system(),
            "L = ∫E[N(t)]dt/T, p′ = pQ(t)",
            source,
            &[0],
        );
        put(
            Metric::QueueLength,
            self.queue_length(),
            "Lq = ∫E[(N(t)−c)⁺]dt/T, p′ = pQ(t)",
            source,
            &[1],
        );
        put(
            Metric::Utilization,
            self.utilization(),
            "ρ = ∫E[min(N,c)]dt/∫c dt",
            source,
            &[2],
        );
        let delayed = "∫λ(t)P(c ≤ N(t) < K)dt/∫λ(t)P(N(t) < K)dt";
        put(
            Metric::WaitProbability,
            self.wait_probability(),
            delayed,
            times,
            &[3, 4],
        );
        if self.bounded {
            let lost = "∫λ(t)P(N(t) = K)dt/∫λ(t)dt";
            put(
                Metric::LossProbability,
                self.loss_probability(),
                lost,
                source,
                &[5],
            );
        }
        let wait = Metric::mean(TimeKind::Waiting);
        put(
            wait,
            self.waiting_mean(),
            "Wq = Lq/λ accepted",
            times,
            &[1, 3],
        );
        let sojourn = Metric::mean(TimeKind::Sojourn);
        put(
            sojourn,
            self.sojourn_mean(),
            "W = L/λ accepted",
            times,
            &[0, 3],
        );
        figures
    }
}

fn chain(course: &Course, service_rate: f64, places: Option<u64>) -> Result<Chain, ModelError> {
    positive("service rate", service_rate)?;
    let stretches = course.stretches().iter();
    let consumers = stretches.map(|s| s.consumers).max().unwrap_or(0);
    let varies = course.stretches().iter().any(|s| s.consumers != consumers);
    if places.is_some() && varies {
        // How many may be there would change with them.
        let value = f64::from(consumers);
        let name = "consumers that change before a bounded queue";
        return Err(ModelError::Domain { name, value });
    }
    let room = places.map(|places| {
        let room = u64::from(consumers).saturating_add(places);
        usize::try_from(room).unwrap_or(usize::MAX)
    });
    // A bound that is out of reach is none.
    let room = room.filter(|room| *room < 1 << 40);
    Ok(Chain { service_rate, room })
}

/// Refuses what would be given up later: the end of a long backlog has to be followed state by state,
/// some twenty times the square root of the orders that met it, in some hundred steps.
fn affordable(fluid: &Fluid, times: f64) -> Result<(), ModelError> {
    const STEPS: f64 = 1.8e5;
    let spread = (2.0 * fluid.delayed()).sqrt();
    if times * STEPS * spread < EFFORT {
        return Ok(());
    }
    Err(ModelError::Effort { limit: EFFORT })
}

/// A walk that notes the means on its way.
struct Recorder {
    walk: Walk,
    start: State,
    from: f64,
    step: f64,
    moments: Vec<Moment>,
    /// E\[N\] when the averages start.
    first: f64,
}

impl Recorder {
    fn new(chain: Chain, start: State, from: f64, end: f64) -> Recorder {
        Recorder {
            walk: Walk::new(chain, start.clone()),
            start,
            from,
            step: end / POINTS as f64,
            moments: Vec::new(),
            first: 0.0,
        }
    }

    fn follow(&mut self, course: &Course, effort: &mut Effort) -> Result<(), ModelError> {
        for stretch in course.stretches() {
            self.note(stretch, stretch.from);
            let mut t = stretch.from;
            while t < stretch.to {
                let next = self.next_stop(t).min(stretch.to);
                self.walk.advance(stretch, t, next, effort)?;
                t = next;
                self.note(stretch, t);
            }
        }
        self.walk.land(effort)
    }

    /// The next point of the grid, or the start of the averages.
    fn next_stop(&self, t: f64) -> f64 {
        let grid = ((t / self.step * (1.0 + 1e-9)).floor() + 1.0) * self.step;
        if t < self.from {
            grid.min(self.from)
        } else {
            grid
        }
    }

    fn note(&mut self, stretch: &Stretch, t: f64) {
        let number = self.walk.mean();
        if t == self.from {
            self.walk.reset();
            self.first = number;
        }
        self.moments.push(Moment {
            at: t,
            rate: stretch.rate_at(t),
            number,
            waiting: self.walk.waiting(stretch.consumers),
        });
    }

    fn finish(self, course: Course, average: Average, slack: f64) -> MtMc {
        let end = course.end();
        let span = end - self.from;
        let last = self.walk.mean();
        let totals = self.walk.totals;
        // What is so rare that the window of states may miss it.
        let missed = |index: usize| match index {
            0..=2 => 1e-14 * span,
            _ => 1e-14 * totals.offered,
        };
        let mut errors = [0.0; Totals::COUNT];
        let values = totals.values().into_iter().zip(self.walk.errors);
        for (index, (value, error)) in values.enumerate() {
            errors[index] = (error + missed(index)) / value.abs() + slack;
        }
        let stretches = course.stretches().iter();
        let consumer_time = stretches
            .map(|s| f64::from(s.consumers) * (s.to - s.from.max(self.from)).max(0.0))
            .sum();
        MtMc {
            bounded: self.walk.is_bounded(),
            service_rate: self.walk.service_rate(),
            totals,
            errors,
            grown: last - self.first,
            end,
            span,
            consumer_time,
            average,
            profile: Profile::new(self.moments),
            course,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::{Mmc, Mmck, MtGInf, Pointwise};
    use approx::assert_relative_eq;

    /// From a low rate to a high one and back, `times` as fast.
    fn wave(low: f64, high: f64, times: f64, consumers: u32) -> Course {
        let points = [(0.0, low), (8.0, high), (12.0, high), (24.0, low)];
        Course::through(&points.map(|(at, rate)| (at / times, rate)), consumers)
    }

    #[test]
    fn a_constant_rate_is_the_stationary_queue() {
        for (rate, c) in [(0.9, 1), (4.5, 5), (30.0, 40)] {
            let course = Course::new(&[], rate, &[(0.0, c)], 10.0).unwrap();
            let queue = MtMc::periodic(course.clone(), 1.0, None).unwrap();
            let known = Mmc::new(rate, 1.0, c).unwrap();
            let bounded = MtMc::periodic(course, 1.0, Some(7)).unwrap();
            let known_bounded = Mmck::new(rate, 1.0, c, 7).unwrap();
            for (value, known) in [
                (queue.number_in_system(), known.number_in_system()),
                (queue.queue_length(), known.queue_length()),
                (queue.wait_probability(), known.wait_probability()),
                (queue.waiting_mean(), known.waiting_mean()),
                (bounded.queue_length(), known_bounded.queue_length()),
                (bounded.loss_probability(), known_bounded.loss_probability()),
                (bounded.wait_probability(), known_bounded.wait_probability()),
            ] {
                assert_relative_eq!(value, known, max_relative = 1e-9);
            }
        }
    }

    #[test]
    fn what_comes_over_a_period_leaves() {
        let queue = MtMc::periodic(wave(2.0, 6.0, 1.0, 5), 1.0, None).unwrap();
        assert_relative_eq!(
            queue.throughput(),
            queue.arrival_rate(),
            max_relative = 1e-9
        );
        assert!(queue.growth().abs() < 1e-8);
        let figures = queue.figures();
        assert!(figures.values().all(|figure| figure.kind == Kind::Exact));
        let bounded = MtMc::periodic(wave(2.0, 9.0, 1.0, 5), 1.0, Some(3)).unwrap();
        let accepted = bounded.arrival_rate() * (1.0 - bounded.loss_probability());
        assert_relative_eq!(bounded.throughput(), accepted, max_relative = 1e-9);
    }

    #[test]
    fn over_a_run_what_has_not_left_is_still_there() {
        let course = Course::through(&[(0.0, 80.0), (30.0, 80.0), (90.0, 0.0)], 10);
        let queue = MtMc::from_empty(course, 5.0, None, 20.0).unwrap();
        let grown = queue.arrival_rate() - queue.throughput();
        assert_relative_eq!(queue.growth(), grown, max_relative = 1e-8);
    }

    #[test]
    fn slow_changes_are_followed_at_once() {
        let course = wave(2.0, 4.0, 1e-4, 5);
        let exact = MtMc::periodic(course.clone(), 1.0, None).unwrap();
        let psa = Pointwise::stationary(&course, 1.0, None, 1.0).unwrap();
        assert_relative_eq!(
            psa.queue_length(),
            exact.queue_length(),
            max_relative = 1e-4
        );
        assert_relative_eq!(
            psa.wait_probability(),
            exact.wait_probability(),
            max_relative = 1e-4
        );
    }

    #[test]
    fn with_ample_consumers_the_modified_load_is_exact() {
        let course = wave(2.0, 9.0, 4.0, 60);
        let exact = MtMc::periodic(course.clone(), 1.0, None).unwrap();
        let unlimited = MtGInf::periodic(&course, 1.0, |t| (-t).exp()).unwrap();
        assert_relative_eq!(
            exact.number_in_system(),
            unlimited.number_in_system(),
            max_relative = 1e-9
        );
        let moments = exact.profile().moments().iter();
        for moment in moments {
            let number = unlimited.profile().number_at(moment.at);
            assert_relative_eq!(moment.number, number, max_relative = 1e-3);
        }
        let mol = Pointwise::modified(&course, 1.0, None, 1.0, unlimited.profile()).unwrap();
        assert_relative_eq!(
            mol.number_in_system(),
            exact.number_in_system(),
            max_relative = 1e-4
        );
    }

    #[test]
    fn scaled_up_it_becomes_the_fluid() {
        let error = |scale: f64| {
            let points = [
                (0.0, 0.5),
                (40.0, 0.5),
                (40.1, 1.6),
                (80.0, 1.6),
                (80.1, 0.4),
                (200.0, 0.4),
            ];
            let course = Course::through(&points.map(|(at, rate)| (at, scale * rate)), 1);
            let fluid = Fluid::from_empty(&course, scale, 0.0).unwrap();
            let exact = MtMc::from_empty(course, scale, None, 0.0).unwrap();
            exact.queue_length() / fluid.queue_length() - 1.0
        };
        let errors = [1.0, 4.0, 16.0].map(error);
        assert!(errors[0] > 3.0 * errors[1] && errors[1] > 3.0 * errors[2] && errors[2] > 0.0);
        assert!(errors[2] < 0.02, "{errors:?}");
    }

    #[test]
    fn consumers_may_come_and_go() {
        // An hour without consumers, of three: everything that comes then waits.
        let steps = [(0.0, 3), (1.0, 0), (2.0, 3)];
        let course = Course::new(&[], 10.0, &steps, 24.0).unwrap();
        let queue = MtMc::periodic(course, 10.0, None).unwrap();
        let peak = queue.profile().peak().unwrap();
        assert_relative_eq!(peak.at, 2.0);
        let before = queue.profile().number_at(1.0);
        assert_relative_eq!(peak.number, before + 10.0, max_relative = 1e-9);
        assert_relative_eq!(
            queue.utilization(),
            10.0 / (30.0 * 23.0 / 24.0),
            max_relative = 1e-9
        );
    }

    #[test]
    fn what_has_no_answer_is_refused() {
        let course = |rate| Course::new(&[], rate, &[(0.0, 2)], 10.0).unwrap();
        let overload = MtMc::periodic(course(2.5), 1.0, None);
        assert_eq!(overload, Err(ModelError::Unstable { load: 1.25 }));
        assert!(MtMc::periodic(course(1.0), 0.0, None).is_err());
        assert!(MtMc::from_empty(course(1.0), 1.0, None, 10.0).is_err());
        // A backlog of 170,000 orders once a day.
        let points = [
            (0.0, 50.0),
            (21600.0, 150.0),
            (64800.0, 80.0),
            (86400.0, 50.0),
        ];
        let long = MtMc::periodic(Course::through(&points, 13), 10.0, None);
        assert!(matches!(long, Err(ModelError::Effort { .. })));
    }
}
