//! What a stage meets over time: a rate of arrivals in straight pieces, and consumers in steps.

use crate::random::RateSchedule;
use crate::theory::error::{ModelError, non_negative, positive};

/// A stretch of time on which the rate of arrivals runs straight and the consumers stay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    /// Seconds since the start.
    pub from: f64,
    /// Where it ends, in seconds since the start.
    pub to: f64,
    /// Orders per second at its start.
    pub rate: f64,
    /// By how much the rate grows in a second.
    pub slope: f64,
    /// How many consumers there are; may be none.
    pub consumers: u32,
}

impl Stretch {
    /// Orders per second at a time of the stretch.
    pub fn rate_at(&self, t: f64) -> f64 {
        (self.rate + self.slope * (t - self.from)).max(0.0)
    }

    /// Seconds that it takes.
    pub fn length(&self) -> f64 {
        self.to - self.from
    }

    /// Orders expected while it lasts.
    pub fn orders(&self) -> f64 {
        0.5 * (self.rate + self.rate_at(self.to)) * self.length()
    }
}

/// A rate of arrivals in straight pieces and consumers in steps, over a period or over a run.
///
/// ```
/// use orderline::random::{RatePoint, RateSchedule, RateShape};
/// use orderline::theory::Course;
/// let points = vec![RatePoint { at: 0.0, rate: 1.0 }, RatePoint { at: 6.0, rate: 3.0 }];
/// let schedule = RateSchedule::new(points, RateShape::Linear, 12.0)?;
/// let course = Course::new(&[&schedule], 0.5, &[(0.0, 4)], 12.0)?;
/// assert_eq!((course.rate_at(3.0), course.orders()), (2.5, 30.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    stretches: Vec<Stretch>,
}

impl Course {
    /// The sum of schedules and a constant rate on \[0, `end`\], before consumers given as the
    /// times from which there are so many (the first at 0).
    ///
    /// # Errors
    /// No time, a negative rate, or consumers whose times do not increase from 0.
    pub fn new(
        schedules: &[&RateSchedule],
        constant: f64,
        consumers: &[(f64, u32)],
        end: f64,
    ) -> Result<Course, ModelError> {
        positive("end", end)?;
        non_negative("arrival rate", constant)?;
        check_consumers(consumers)?;
        let mut times: Vec<f64> = consumers.iter().map(|(at, _)| *at).collect();
        for schedule in schedules {
            corners(schedule, end, &mut times)?;
        }
        let rate = |t: f64| constant + schedules.iter().map(|s| s.rate_at(t)).sum::<f64>();
        Ok(Course::straight(times, end, rate, consumers))
    }

    /// A rate known at some times from 0 on, straight between them, before the same consumers.
    pub(in crate::theory) fn through(points: &[(f64, f64)], consumers: u32) -> Course {
        let pairs = points.windows(2).filter(|pair| pair[1].0 > pair[0].0);
        let stretches = pairs.map(|pair| {
            let ((from, rate), (to, then)) = (pair[0], pair[1]);
            let slope = (then - rate) / (to - from);
            Stretch {
                from,
                to,
                rate,
                slope,
                consumers,
            }
        });
        Course {
            stretches: stretches.collect(),
        }
    }

    fn straight(
        mut times: Vec<f64>,
        end: f64,
        rate: impl Fn(f64) -> f64,
        consumers: &[(f64, u32)],
    ) -> Course {
        times.push(end);
        times.retain(|t| *t <= end);
        times.sort_by(f64::total_cmp);
        // Corners that only rounding keeps apart are one.
        times.dedup_by(|later, earlier| *later - *earlier <= 1e-12 * end);
        if let Some(last) = times.last_mut() {
            *last = end;
        }
        let stretches = times.windows(2).map(|pair| {
            let (from, to) = (pair[0], pair[1]);
            let length = to - from;
            // Looked at inside, where no jump can be.
            let (early, late) = (rate(from + 0.25 * length), rate(from + 0.75 * length));
            let slope = (late - early) / (0.5 * length);
            let rate = (early - 0.25 * length * slope).max(0.0);
            let started = consumers.partition_point(|(at, _)| *at <= from + 0.5 * length);
            let consumers = consumers[started.max(1) - 1].1;
            Stretch {
                from,
                to,
                rate,
                slope,
                consumers,
            }
        });
        Course {
            stretches: stretches.collect(),
        }
    }

    /// The stretches, in order of time.
    pub fn stretches(&self) -> &[Stretch] {
        &self.stretches
    }

    /// Where it ends, in seconds.
    pub fn end(&self) -> f64 {
        self.stretches.last().map_or(0.0, |stretch| stretch.to)
    }

    /// Orders per second at a time; at a jump the rate after it.
    pub fn rate_at(&self, t: f64) -> f64 {
        let after = self.stretches.partition_point(|stretch| stretch.from <= t);
        let stretch = self.stretches.get(after.max(1) - 1);
        stretch.map_or(0.0, |stretch| stretch.rate_at(t))
    }

    /// Orders expected from start to end.
    pub fn orders(&self) -> f64 {
        self.stretches.iter().map(Stretch::orders).sum()
    }

    /// Consumer-seconds from start to end.
    pub fn consumer_time(&self) -> f64 {
        let each = self.stretches.iter();
        each.map(|s| f64::from(s.consumers) * s.length()).sum()
    }

    /// Orders per second, averaged.
    pub fn mean_rate(&self) -> f64 {
        self.orders() / self.span()
    }

    /// Seconds from start to end.
    pub fn span(&self) -> f64 {
        self.stretches.iter().map(Stretch::length).sum()
    }

    /// What is left of it from a time on.
    pub fn after(&self, from: f64) -> Course {
        let later = self.stretches.iter().filter(|s| s.to > from);
        let cut = later.map(|s| {
            let start = s.from.max(from);
            Stretch {
                from: start,
                rate: s.rate_at(start),
                ..*s
            }
        });
        Course {
            stretches: cut.collect(),
        }
    }

    /// The sum of courses of the same length and a constant rate, before so many consumers.
    pub(in crate::theory) fn sum(courses: &[Course], constant: f64, consumers: u32) -> Course {
        let end = courses.iter().map(Course::end).fold(0.0, f64::max);
        let corners = courses.iter().flat_map(|course| &course.stretches);
        let times = std::iter::once(0.0).chain(corners.map(|stretch| stretch.from));
        let rate = |t: f64| constant + courses.iter().map(|c| c.rate_at(t)).sum::<f64>();
        Course::straight(times.collect(), end, rate, &[(0.0, consumers)])
    }

    /// The same with each rate times a factor.
    pub(in crate::theory) fn scaled(mut self, factor: f64) -> Course {
        for stretch in &mut self.stretches {
            stretch.rate *= factor;
            stretch.slope *= factor;
        }
        self
    }

    /// Whether nothing ever changes.
    pub fn is_constant(&self) -> bool {
        let first = self.stretches.first();
        first.is_some_and(|first| {
            let same = |s: &Stretch| s.rate == first.rate && s.consumers == first.consumers;
            self.stretches.iter().all(|s| s.slope == 0.0 && same(s))
        })
    }
}

fn check_consumers(consumers: &[(f64, u32)]) -> Result<(), ModelError> {
    let first = consumers.first().map_or(f64::NAN, |(at, _)| *at);
    let increasing = consumers.windows(2).all(|pair| pair[0].0 < pair[1].0);
    if first == 0.0 && increasing {
        return Ok(());
    }
    let name = "time of consumers";
    Err(ModelError::Domain { name, value: first })
}

/// More corners than this are not looked at.
const CORNERS: f64 = 1e5;

/// The times up to `end` at which a schedule turns or jumps.
fn corners(schedule: &RateSchedule, end: f64, times: &mut Vec<f64>) -> Result<(), ModelError> {
    let rounds = if schedule.period.is_finite() {
        (end / schedule.period).ceil()
    } else {
        1.0
    };
    let value = rounds * schedule.points.len() as f64;
    if value > CORNERS {
        let name = "corners of the schedule";
        return Err(ModelError::Domain { name, value });
    }
    for round in 0..rounds as u64 {
        let shift = if round == 0 {
            0.0
        } else {
            round as f64 * schedule.period
        };
        let within = schedule.points.iter().map(|point| shift + point.at);
        times.extend(within.filter(|t| *t < end));
    }
    Ok(())
}

/// The shortest time that is a whole number of each period; `None` if it is more than 1000 times the
/// longest.
pub(in crate::theory) fn common_period(periods: impl Iterator<Item = f64> + Clone) -> Option<f64> {
    const ROUNDS: u32 = 1000;
    let longest = periods.clone().fold(0.0, f64::max);
    let whole = |time: f64, period: f64| {
        let rounds = time / period;
        (rounds - rounds.round()).abs() <= 1e-9 * rounds
    };
    let mut times = (1..=ROUNDS).map(|rounds| f64::from(rounds) * longest);
    times.find(|time| periods.clone().all(|period| whole(*time, period)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{RatePoint, RateShape};
    use approx::assert_relative_eq;

    fn schedule(points: &[(f64, f64)], shape: RateShape, period: f64) -> RateSchedule {
        let points = points.iter().map(|&(at, rate)| RatePoint { at, rate });
        RateSchedule::new(points.collect(), shape, period).unwrap()
    }

    #[test]
    fn schedules_add_up_piece_by_piece() {
        let linear = schedule(&[(0.0, 1.0), (4.0, 3.0)], RateShape::Linear, 8.0);
        let stepped = schedule(&[(0.0, 2.0), (3.0, 0.0)], RateShape::Stepped, 4.0);
        let steps = [(0.0, 2), (5.0, 3)];
        let course = Course::new(&[&linear, &stepped], 0.5, &steps, 8.0).unwrap();
        let froms: Vec<f64> = course.stretches().iter().map(|s| s.from).collect();
        assert_eq!(froms, [0.0, 3.0, 4.0, 5.0, 7.0]);
        for t in [0.1, 2.9, 3.5, 4.5, 6.2, 7.9] {
            let sum = 0.5 + linear.rate_at(t) + stepped.rate_at(t);
            assert_relative_eq!(course.rate_at(t), sum, max_relative = 1e-13);
        }
        let orders = 4.0 + linear.integral(8.0) + stepped.integral(8.0);
        assert_relative_eq!(course.orders(), orders, max_relative = 1e-13);
        assert_relative_eq!(course.consumer_time(), 19.0);
    }

    #[test]
    fn periods_meet_or_do_not() {
        assert_eq!(common_period([24.0, 168.0].into_iter()), Some(168.0));
        assert_eq!(common_period([2.0, 3.0].into_iter()), Some(6.0));
        let never = common_period([1.0, std::f64::consts::PI].into_iter());
        assert_eq!(never, None);
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(Course::new(&[], 1.0, &[], 1.0).is_err());
        assert!(Course::new(&[], -1.0, &[(0.0, 1)], 1.0).is_err());
        assert!(Course::new(&[], 1.0, &[(0.0, 1)], f64::INFINITY).is_err());
    }
}
