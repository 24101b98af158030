//! The fluid limit: orders flow in at λ(t) and out at no more than cμ, without chance.
//!
//! # References
//! R. M. Oliver and A. H. Samuel (1962), *Reducing letter delays in post offices*, Operations Research
//! 10, 839–892; G. F. Newell (1982), *Applications of Queueing Theory*, chapter 2; as a limit:
//! A. Mandelbaum and W. A. Massey (1995), *Strong approximations for time-dependent queues*,
//! Mathematics of Operations Research 20, 33–64.

use super::course::{Course, Stretch};
use super::profile::{Moment, Profile};
use crate::metric::{Metric, TimeKind};
use crate::theory::Figures;
use crate::theory::error::{ModelError, positive, stable};
use crate::theory::sheet::{Sheet, Source};

const SOURCE: Source = Source::approximation(
    "fluid: Newell 1982, Applications of Queueing Theory, ch. 2; Mandelbaum and Massey 1995, Math. Oper. Res. 20",
);

/// The backlog that grows at λ(t) − cμ and shrinks likewise until it is gone.
///
/// # Domain
/// Any law of service with mean 1/μ; λ(t) ≥ 0 in straight pieces, c(t) in steps. What chance adds to
/// the queue is left out, so it is near where the load is above 1 for long enough for many orders to
/// gather, and 0 where it never is.
///
/// # Formula
/// q′(t) = λ(t) − cμ while q > 0 or λ(t) > cμ, else 0. In each stretch of time q is a parabola, so all is
/// in closed form.
///
/// ```
/// use orderline::random::{RatePoint, RateSchedule, RateShape};
/// use orderline::theory::{Course, Fluid};
/// // Ten minutes of 150 orders/s before consumers that do 100/s, then 50/s.
/// let points = [(0.0, 50.0), (1200.0, 150.0), (1800.0, 50.0)];
/// let points = points.map(|(at, rate)| RatePoint { at, rate }).to_vec();
/// let schedule = RateSchedule::new(points, RateShape::Stepped, f64::INFINITY)?;
/// let course = Course::new(&[&schedule], 0.0, &[(0.0, 10)], 3600.0)?;
/// let fluid = Fluid::from_empty(&course, 10.0, 0.0)?;
/// let peak = fluid.profile().peak().map(|peak| (peak.at, peak.waiting));
/// assert_eq!(peak, Some((1800.0, 30_000.0)));
/// assert_eq!(fluid.empty_at(), Some(2400.0));
/// // 30,000 orders · 1200 s/2, in an hour.
/// assert!((fluid.queue_length() - 5000.0).abs() < 1e-9);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Fluid {
    span: f64,
    consumer_time: f64,
    orders: f64,
    /// Orders that come while there is a backlog.
    delayed: f64,
    /// ∫q.
    area: f64,
    /// ∫min(λ/μ, c), c where there is a backlog.
    busy: f64,
    profile: Profile,
    empty_at: Option<f64>,
}

impl Fluid {
    /// Over a period that comes again and again.
    ///
    /// # Errors
    /// A rate that is not positive, or as much work as consumers can do over the period, or more.
    pub fn periodic(course: &Course, service_rate: f64) -> Result<Fluid, ModelError> {
        let capacity = positive("service rate", service_rate * course.consumer_time())?;
        stable(positive("orders", course.orders())? / capacity)?;
        // What is left of a period that starts with nothing starts the next, which repeats.
        let first = Flow::through(course, service_rate, 0.0, 0.0);
        Ok(Flow::through(course, service_rate, first.backlog, 0.0).finish(course))
    }

    /// From no backlog: averages over \[`from`, end of the course\].
    ///
    /// # Errors
    /// A rate that is not positive, or a start of the averages outside the course.
    pub fn from_empty(course: &Course, service_rate: f64, from: f64) -> Result<Fluid, ModelError> {
        positive("service rate", service_rate)?;
        if !(from >= 0.0 && from < course.end()) {
            let name = "start of the averages";
            return Err(ModelError::Domain { name, value: from });
        }
        Ok(Flow::through(course, service_rate, 0.0, from).finish(course))
    }

    /// Lq, the mean backlog.
    pub fn queue_length(&self) -> f64 {
        self.area / self.span
    }

    /// L, with those in service.
    pub fn number_in_system(&self) -> f64 {
        (self.area + self.busy) / self.span
    }

    /// The share of consumer time that is busy.
    pub fn utilization(&self) -> f64 {
        self.busy / self.consumer_time
    }

    /// The share of orders that come while there is a backlog.
    pub fn wait_probability(&self) -> f64 {
        self.delayed / self.orders
    }

    /// Orders that come while there is a backlog.
    pub(super) fn delayed(&self) -> f64 {
        self.delayed
    }

    /// The rate at which orders leave, if service took no time while there is no backlog.
    pub(in crate::theory) fn departures(&self, service_rate: f64) -> Course {
        let leaving = |moment: &Moment| {
            let busy = moment.number - moment.waiting;
            (moment.at, service_rate * busy)
        };
        let points: Vec<_> = self.profile.moments().iter().map(leaving).collect();
        Course::through(&points, 1)
    }

    /// Wq = ∫q/∫λ, seconds.
    pub fn waiting_mean(&self) -> f64 {
        self.area / self.orders
    }

    /// The backlog over time.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// When, after its peak, the backlog is first gone; `None` if there is none, or not before the end.
    pub fn empty_at(&self) -> Option<f64> {
        self.empty_at
    }

    /// All figures.
    pub(in crate::theory) fn figures(&self, service: f64) -> Figures {
        let mut sheet = Sheet::new(SOURCE);
        let wait = self.waiting_mean();
        sheet
            .put(
                Metric::Utilization,
                self.utilization(),
                "∫min(λ/μ, c), c with a backlog",
            )
            .put(
                Metric::WaitProbability,
                self.wait_probability(),
                "share that meets a backlog",
            )
            .put(
                Metric::QueueLength,
                self.queue_length(),
                "q′ = λ(t) − cμ while q > 0",
            )
            .put(
                Metric::NumberInSystem,
                self.number_in_system(),
                "L = Lq + busy consumers",
            )
            .mean(TimeKind::Waiting, wait, "Wq = Lq/λ")
            .mean(TimeKind::Sojourn, wait + service, "W = Wq + E[S]");
        sheet.finish()
    }
}

/// A backlog on its way through a course.
struct Flow {
    service_rate: f64,
    from: f64,
    backlog: f64,
    orders: f64,
    delayed: f64,
    area: f64,
    busy: f64,
    moments: Vec<Moment>,
    empty: Vec<f64>,
}

impl Flow {
    fn through(course: &Course, service_rate: f64, backlog: f64, from: f64) -> Flow {
        let mut flow = Flow {
            service_rate,
            from,
            backlog,
            orders: 0.0,
            delayed: 0.0,
            area: 0.0,
            busy: 0.0,
            moments: Vec::new(),
            empty: Vec::new(),
        };
        for stretch in course.stretches() {
            let split = from.clamp(stretch.from, stretch.to);
            for (from, to) in [(stretch.from, split), (split, stretch.to)] {
                let rate = stretch.rate_at(from);
                flow.stretch(Stretch {
                    from,
                    to,
                    rate,
                    ..*stretch
                });
            }
        }
        flow
    }

    /// Cuts a stretch where the backlog comes or goes.
    fn stretch(&mut self, mut rest: Stretch) {
        let capacity = self.service_rate * f64::from(rest.consumers);
        // A parabola meets 0 twice at most, and may rise from there again.
        for _ in 0..4 {
            if rest.to <= rest.from {
                return;
            }
            let net = rest.rate - capacity;
            let idle = self.backlog <= 0.0 && (net < 0.0 || (net == 0.0 && rest.slope <= 0.0));
            let length = if idle {
                until(net, rest.slope)
            } else {
                gone(self.backlog, net, rest.slope)
            };
            // Never stuck at a corner that rounding moves.
            let length = length.max(1e-12 * rest.to).min(rest.length());
            let part = Stretch {
                to: rest.from + length,
                ..rest
            };
            self.part(part, capacity, idle, length < rest.length());
            rest = Stretch {
                rate: rest.rate_at(part.to),
                from: part.to,
                ..rest
            };
        }
    }

    fn part(&mut self, part: Stretch, capacity: f64, idle: bool, cut: bool) {
        let (length, net) = (part.length(), part.rate - capacity);
        let before = self.backlog;
        let after = before + length * (net + 0.5 * part.slope * length);
        self.backlog = if idle || cut { 0.0 } else { after.max(0.0) };
        self.note(&part, part.from, before, capacity);
        // The top of the parabola, where it lies inside.
        let top = -net / part.slope;
        if !idle && part.slope < 0.0 && top > 0.0 && top < length {
            let highest = before + 0.5 * net * top;
            self.note(&part, part.from + top, highest, capacity);
        }
        self.note(&part, part.to, self.backlog, capacity);
        if cut && !idle {
            self.empty.push(part.to);
        }
        if part.from < self.from {
            return;
        }
        let orders = part.orders();
        self.orders += orders;
        if idle {
            self.busy += orders / self.service_rate;
            return;
        }
        self.delayed += orders;
        self.busy += f64::from(part.consumers) * length;
        let square = length * length;
        self.area += before * length + square * (net / 2.0 + part.slope * length / 6.0);
    }

    fn note(&mut self, part: &Stretch, at: f64, waiting: f64, capacity: f64) {
        let rate = part.rate_at(at);
        let busy = if waiting > 0.0 {
            capacity
        } else {
            capacity.min(rate)
        };
        self.moments.push(Moment {
            at,
            rate,
            number: waiting + busy / self.service_rate,
            waiting,
        });
    }

    fn finish(self, course: &Course) -> Fluid {
        let stretches = course.stretches().iter();
        let consumer_time = stretches
            .map(|s| f64::from(s.consumers) * (s.to - s.from.max(self.from)).max(0.0))
            .sum();
        let profile = Profile::new(self.moments);
        let peak = profile.peak().filter(|peak| peak.waiting > 0.0);
        let empty_at = peak.and_then(|peak| {
            let mut later = self.empty.iter().filter(|at| **at >= peak.at);
            later.next().copied()
        });
        Fluid {
            span: course.end() - self.from,
            consumer_time,
            orders: self.orders,
            delayed: self.delayed,
            area: self.area,
            busy: self.busy,
            profile,
            empty_at,
        }
    }
}

/// After how long a net rate below 0 is 0.
fn until(net: f64, slope: f64) -> f64 {
    if slope > 0.0 {
        -net / slope
    } else {
        f64::INFINITY
    }
}

/// After how long q + net·x + slope·x²/2 is 0, past x = 0.
fn gone(q: f64, net: f64, slope: f64) -> f64 {
    if slope == 0.0 {
        return if net < 0.0 { q / -net } else { f64::INFINITY };
    }
    let square = net * net - 2.0 * slope * q;
    if square < 0.0 {
        return f64::INFINITY;
    }
    // The smaller root past 0, in the form that does not cancel.
    let roots = if net < 0.0 {
        let sum = -net + square.sqrt();
        [2.0 * q / sum, sum / slope]
    } else {
        let sum = -net - square.sqrt();
        [sum / slope, 2.0 * q / sum]
    };
    let past = roots.into_iter().filter(|x| *x > 0.0);
    past.fold(f64::INFINITY, f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;
    use proptest::prelude::*;

    #[test]
    fn a_triangle_of_load_leaves_a_parabola() {
        // λ rises from 0 to 4 and falls again, capacity 2, over 8 time units: backlog from t = 2 on,
        // longest (2·2/2 = 2) at t = 6, then flat to zero at 6 + … beyond the end.
        let points = [(0.0, 0.0), (4.0, 4.0), (8.0, 0.0), (20.0, 0.0)];
        let course = Course::through(&points, 2);
        let fluid = Fluid::from_empty(&course, 1.0, 0.0).unwrap();
        let peak = fluid.profile().peak().unwrap();
        assert_relative_eq!(peak.at, 6.0, max_relative = 1e-12);
        assert_relative_eq!(peak.waiting, 4.0, max_relative = 1e-12);
        // From 6 to 8 the net rate falls to −2, which leaves 2; then 1 more time unit.
        assert_relative_eq!(fluid.empty_at().unwrap(), 9.0, max_relative = 1e-12);
    }

    proptest! {
        #[test]
        fn what_comes_is_served_over_a_period(
            rates in proptest::collection::vec(0.0f64..4.0, 2..8),
            capacity in 2u32..6,
        ) {
            let mut points: Vec<(f64, f64)> = (0u32..).map(f64::from).zip(rates.clone()).collect();
            points.push((rates.len() as f64, rates[0]));
            let course = Course::through(&points, capacity);
            prop_assume!(course.orders() < 0.98 * course.consumer_time() && course.orders() > 0.1);
            let fluid = Fluid::periodic(&course, 1.0).unwrap();
            prop_assert!((fluid.busy / course.orders() - 1.0).abs() < 1e-9);
            let (first, last) = (fluid.profile.moments()[0], fluid.profile.moments().last().unwrap());
            prop_assert!((first.waiting - last.waiting).abs() < 1e-9);
            prop_assert!(fluid.profile.moments().iter().all(|m| m.waiting >= 0.0));
        }
    }
}
