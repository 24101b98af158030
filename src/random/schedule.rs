//! A rate as a function of time: its value, its integral, and the integral's inverse, by which
//! exact arrivals of a non-homogeneous Poisson process are made.

use super::error::{ParameterError, non_negative, not_empty, representable};

/// A rate as a function of time.
#[derive(Debug, Clone, PartialEq)]
pub struct RateSchedule {
    /// At least one; times increase from 0 and stay below the period.
    pub points: Vec<RatePoint>,
    /// What happens between two points.
    pub shape: RateShape,
    /// When the schedule starts again, in seconds; infinite when it does not.
    pub period: f64,
}

/// A rate at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RatePoint {
    /// Seconds since the start.
    pub at: f64,
    /// Per second, at least 0.
    pub rate: f64,
}

/// What a rate does between two points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateShape {
    /// Holds until the next point.
    Stepped,
    /// Runs straight to the next point (and back to the first at the period; constant after the
    /// last point of a schedule without period).
    Linear,
}

impl RateSchedule {
    /// A rate that follows `points`, again and again with a finite `period`, and holds the last
    /// rate for ever if the period is infinite.
    ///
    /// # Errors
    /// At `points`: none, the first not at 0, times that do not increase, a rate negative or not
    /// finite, no rate above 0. At `period`: not above the last point.
    pub fn new(
        points: Vec<RatePoint>,
        shape: RateShape,
        period: f64,
    ) -> Result<Self, ParameterError> {
        check_points(&points)?;
        let last = points[points.len() - 1].at;
        if period.is_nan() || period <= last {
            let message =
                format!("`period` must be above the time of the last point ({last}), not {period}");
            return Err(ParameterError::new("period", message));
        }
        let schedule = RateSchedule {
            points,
            shape,
            period,
        };
        let end = if period.is_finite() {
            period
        } else {
            last + 1.0
        };
        representable(
            "points",
            "number of orders expected",
            schedule.integral(end),
        )?;
        Ok(schedule)
    }

    /// The rate at `t` ≥ 0, per second.
    ///
    /// ```
    /// use orderline::random::{RatePoint, RateSchedule, RateShape};
    /// let points = vec![RatePoint { at: 0.0, rate: 2.0 }, RatePoint { at: 10.0, rate: 4.0 }];
    /// let linear = RateSchedule::new(points, RateShape::Linear, 20.0).unwrap();
    /// assert_eq!((linear.rate_at(5.0), linear.rate_at(35.0)), (3.0, 3.0));
    /// ```
    pub fn rate_at(&self, t: f64) -> f64 {
        let t = if self.period.is_finite() {
            t % self.period
        } else {
            t
        };
        let index = self.points.partition_point(|point| point.at <= t).max(1) - 1;
        let piece = self.piece(index);
        piece.rate_after(t - piece.start)
    }

    /// Expected number of orders in [0, t], for t ≥ 0.
    pub fn integral(&self, t: f64) -> f64 {
        self.cumulative().integral(t)
    }

    /// The time by which `orders` ≥ 0 are expected (the earliest, if the rate then stays 0 for a
    /// while); `None` if that is never.
    pub fn inverse(&self, orders: f64) -> Option<f64> {
        self.cumulative().inverse(orders)
    }

    /// The integral as a table, for many evaluations.
    pub fn cumulative(&self) -> CumulativeRate {
        let mut total = 0.0;
        let mut pieces = Vec::with_capacity(self.points.len());
        for index in 0..self.points.len() {
            let piece = self.piece(index);
            pieces.push((total, piece));
            total += piece.area(piece.length);
        }
        CumulativeRate {
            pieces,
            total,
            period: self.period,
        }
    }

    /// Orders per second averaged over a period, or the rate after the last point if there is no
    /// period.
    pub fn long_run_rate(&self) -> f64 {
        if self.period.is_finite() {
            return self.integral(self.period) / self.period;
        }
        self.points[self.points.len() - 1].rate
    }

    /// The rate, if it never changes.
    pub fn constant_rate(&self) -> Option<f64> {
        let first = self.points[0].rate;
        let constant = self.points.iter().all(|point| point.rate == first);
        constant.then_some(first)
    }

    fn piece(&self, index: usize) -> Piece {
        let point = self.points[index];
        let next = self.points.get(index + 1);
        let end = next.map_or(self.period, |next| next.at);
        let length = end - point.at;
        let target = match (self.shape, next) {
            (RateShape::Stepped, _) => point.rate,
            (RateShape::Linear, Some(next)) => next.rate,
            (RateShape::Linear, None) if self.period.is_finite() => self.points[0].rate,
            (RateShape::Linear, None) => point.rate,
        };
        Piece {
            start: point.at,
            length,
            rate: point.rate,
            slope: (target - point.rate) / length,
        }
    }
}

/// A stretch of a schedule on which the rate runs straight.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Piece {
    start: f64,
    length: f64,
    rate: f64,
    slope: f64,
}

impl Piece {
    fn rate_after(&self, elapsed: f64) -> f64 {
        (self.rate + self.slope * elapsed).max(0.0)
    }

    fn area(&self, elapsed: f64) -> f64 {
        if self.rate == 0.0 && self.slope == 0.0 {
            return 0.0; // Also for an endless stretch, where 0 · ∞ would be no number.
        }
        ((self.rate + self.slope * elapsed / 2.0) * elapsed).max(0.0)
    }

    /// When the area reaches `orders`: the root of rate·x + slope·x²/2 = orders, in the form
    /// that does not cancel and does not divide by a slope of 0.
    fn elapsed_at(&self, orders: f64) -> f64 {
        if orders <= 0.0 {
            return 0.0;
        }
        let discriminant = self.rate * self.rate + 2.0 * self.slope * orders;
        let elapsed = 2.0 * orders / (self.rate + discriminant.max(0.0).sqrt());
        elapsed.min(self.length)
    }
}

/// The integral of a schedule, ready to be evaluated and inverted in logarithmic time.
#[derive(Debug, Clone, PartialEq)]
pub struct CumulativeRate {
    /// Each piece with the orders expected before it.
    pieces: Vec<(f64, Piece)>,
    /// Orders expected in a period, or ever.
    total: f64,
    period: f64,
}

impl CumulativeRate {
    /// Expected number of orders in [0, t], for t ≥ 0.
    pub fn integral(&self, t: f64) -> f64 {
        if self.period.is_infinite() {
            return self.within(t);
        }
        let rounds = (t / self.period).floor();
        rounds * self.total + self.within((t - rounds * self.period).max(0.0))
    }

    /// The earliest time by which `orders` ≥ 0 are expected; `None` if that is never.
    pub fn inverse(&self, orders: f64) -> Option<f64> {
        if self.period.is_infinite() {
            return (orders <= self.total).then(|| self.time_within(orders));
        }
        // Counted so that a whole number of rounds ends the last of them, not starts the next:
        // if the next starts with a stretch of rate 0, the earliest time is the end of the last.
        let rounds = ((orders / self.total).ceil() - 1.0).max(0.0);
        let rest = (orders - rounds * self.total).clamp(0.0, self.total);
        Some(rounds * self.period + self.time_within(rest))
    }

    fn within(&self, t: f64) -> f64 {
        let index = self.pieces.partition_point(|(_, piece)| piece.start <= t);
        let (before, piece) = self.pieces[index.max(1) - 1];
        before + piece.area((t - piece.start).min(piece.length))
    }

    fn time_within(&self, orders: f64) -> f64 {
        // The last piece that starts with fewer orders; a stretch of rate 0 is never chosen.
        let index = self.pieces.partition_point(|(before, _)| *before < orders);
        let (before, piece) = self.pieces[index.max(1) - 1];
        piece.start + piece.elapsed_at(orders - before)
    }
}

fn check_points(points: &[RatePoint]) -> Result<(), ParameterError> {
    let refuse = |message: String| Err(ParameterError::new("points", message));
    not_empty("points", points)?;
    if points[0].at != 0.0 {
        return refuse(format!(
            "the first of `points` must be at 0, not {}",
            points[0].at
        ));
    }
    for pair in points.windows(2) {
        let (earlier, later) = (pair[0].at, pair[1].at);
        if !(later > earlier && later.is_finite()) {
            return refuse(format!(
                "the times of `points` must increase: {later} after {earlier}"
            ));
        }
    }
    for point in points {
        non_negative("points", point.rate).map_err(|_| negative_rate(point))?;
    }
    if points.iter().all(|point| point.rate == 0.0) {
        return refuse("at least one rate of `points` must be above 0".to_owned());
    }
    Ok(())
}

fn negative_rate(point: &RatePoint) -> ParameterError {
    let (at, rate) = (point.at, point.rate);
    let message = format!("the rate at {at} must be a finite number of at least 0, not {rate}");
    ParameterError::new("points", message)
}
