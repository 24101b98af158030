//! Arrival processes: when a producer sends orders.

use super::error::{ParameterError, length, non_negative, not_empty, positive, representable};
use super::{DiscreteDistribution, Distribution, RatePoint, RateSchedule, RateShape};
use std::sync::Arc;

/// When a producer sends orders. Parameters are valid by construction.
#[derive(Debug, Clone, PartialEq)]
pub enum Arrivals {
    /// Independent exponential gaps.
    Poisson {
        /// λ, per second.
        rate: f64,
    },
    /// Evenly spaced.
    Deterministic {
        /// Per second.
        rate: f64,
    },
    /// Independent gaps of any law.
    Renewal {
        /// The law of the gap between two orders.
        gap: Distribution,
    },
    /// A Poisson process whose rate changes with time in a known way.
    Schedule(RateSchedule),
    /// A Poisson process whose rate changes at random: a cyclic chain of states with exponential
    /// stays (two states alternate; more are visited in order).
    Mmpp {
        /// Rate in each state, per second; one may be 0.
        rates: Vec<f64>,
        /// Mean stay in each state, seconds.
        dwell: Vec<f64>,
    },
    /// Several orders at each event of another process.
    Batch {
        /// When batches come.
        process: Box<Arrivals>,
        /// How many orders each brings.
        size: DiscreteDistribution,
    },
    /// Recorded times.
    Trace {
        /// Seconds since the start, sorted, already divided by the replay speed.
        times: Arc<[f64]>,
        /// Width in seconds over which orders with the same recorded time are spread by the
        /// stream (already divided by the speed); 0 leaves them at the same instant.
        resolution: f64,
    },
}

type Checked = Result<Arrivals, ParameterError>;

impl Arrivals {
    /// Poisson with `rate` per second.
    ///
    /// # Errors
    /// `rate` not above 0 or not finite, or its gap not representable.
    pub fn poisson(rate: f64) -> Checked {
        gap_of("rate", rate)?;
        Ok(Arrivals::Poisson { rate })
    }

    /// Evenly spaced with `rate` per second; the first order comes at 1/`rate`.
    ///
    /// # Errors
    /// `rate` not above 0 or not finite, or its gap not representable.
    pub fn deterministic(rate: f64) -> Checked {
        gap_of("rate", rate)?;
        Ok(Arrivals::Deterministic { rate })
    }

    /// Independent gaps of the law `gap`; a full gap passes before the first order.
    ///
    /// # Errors
    /// A gap whose mean is 0 or infinite.
    pub fn renewal(gap: Distribution) -> Checked {
        let mean = gap.mean();
        if !(mean > 0.0 && mean.is_finite()) {
            let message = format!(
                "the mean gap of `renewal` arrivals must be above 0 and finite, not {mean}"
            );
            return Err(ParameterError::new("renewal", message));
        }
        Ok(Arrivals::Renewal { gap })
    }

    /// Poisson with a rate that follows `points`; an infinite `period` means that the schedule is
    /// run through once and its last rate holds ever after.
    ///
    /// # Errors
    /// As [`RateSchedule::new`].
    pub fn schedule(points: Vec<RatePoint>, shape: RateShape, period: f64) -> Checked {
        RateSchedule::new(points, shape, period).map(Arrivals::Schedule)
    }

    /// Poisson whose rate is `rates[i]` during exponential stays of mean `dwell[i]` seconds in
    /// state i; the states follow one another in a circle.
    ///
    /// # Errors
    /// Lists empty or of different length, a negative rate, no rate above 0, a stay not above 0.
    pub fn mmpp(rates: Vec<f64>, dwell: Vec<f64>) -> Checked {
        not_empty("rates", &rates)?;
        length("dwell", &dwell, rates.len(), "one a rate")?;
        for (&rate, &stay) in rates.iter().zip(&dwell) {
            non_negative("rates", rate)?;
            representable("dwell", "rate of leaving", 1.0 / positive("dwell", stay)?)?;
        }
        let arrivals = Arrivals::Mmpp { rates, dwell };
        representable("rates", "mean rate", arrivals.mean_rate())?;
        Ok(arrivals)
    }

    /// A whole batch of orders of random `size` at each event of `process`.
    ///
    /// # Errors
    /// A mean rate of orders that overflows.
    pub fn batch(process: Arrivals, size: DiscreteDistribution) -> Checked {
        let process = Box::new(process);
        let arrivals = Arrivals::Batch { process, size };
        representable("size", "mean rate", arrivals.mean_rate())?;
        Ok(arrivals)
    }

    /// Recorded `times` in seconds since the start, in any order; those equal are spread over
    /// `resolution` seconds (0: not at all).
    ///
    /// # Errors
    /// No time, a time or a resolution that is negative or not finite.
    pub fn trace(mut times: Vec<f64>, resolution: f64) -> Checked {
        not_empty("times", &times)?;
        for time in &mut times {
            *time = non_negative("times", *time)?;
        }
        let resolution = non_negative("resolution", resolution)?;
        times.sort_unstable_by(f64::total_cmp);
        let times = times.into();
        Ok(Arrivals::Trace { times, resolution })
    }

    /// Orders per second in the long run. For a schedule without period this is its last rate
    /// (see [`Arrivals::mean_rate_over`]); for a trace the number of orders over the last time,
    /// infinite if that is 0.
    ///
    /// ```
    /// use orderline::random::Arrivals;
    /// // Rate 3 for a quarter of the time and 1 for the rest.
    /// let arrivals = Arrivals::mmpp(vec![3.0, 1.0], vec![1.0, 3.0]).unwrap();
    /// assert_eq!(arrivals.mean_rate(), 1.5);
    /// ```
    pub fn mean_rate(&self) -> f64 {
        match self {
            Arrivals::Poisson { rate } | Arrivals::Deterministic { rate } => *rate,
            Arrivals::Renewal { gap } => 1.0 / gap.mean(),
            Arrivals::Schedule(schedule) => schedule.long_run_rate(),
            Arrivals::Mmpp { rates, dwell } => {
                let orders: f64 = rates.iter().zip(dwell).map(|(r, d)| r * d).sum();
                orders / dwell.iter().sum::<f64>()
            }
            Arrivals::Batch { process, size } => process.mean_rate() * size.mean(),
            Arrivals::Trace { times, .. } => times.len() as f64 / times[times.len() - 1],
        }
    }

    /// Expected orders per second over the first `horizon` seconds (above 0): what a finite run
    /// sees of a schedule or a trace, and [`Arrivals::mean_rate`] for all others.
    pub fn mean_rate_over(&self, horizon: f64) -> f64 {
        match self {
            Arrivals::Schedule(schedule) => schedule.integral(horizon) / horizon,
            Arrivals::Trace { times, .. } => {
                times.partition_point(|&time| time <= horizon) as f64 / horizon
            }
            Arrivals::Batch { process, size } => process.mean_rate_over(horizon) * size.mean(),
            _ => self.mean_rate(),
        }
    }

    /// The asymptotic squared coefficient of variation that two-moment approximations use, which
    /// is the limit of Var N(t)/E N(t) for the number N(t) of orders until t: 1 for Poisson, 0 for
    /// deterministic, the gap's own for renewal; for batches of size B with m = E\[B\] it is m
    /// times the process's plus Var B/m. `None` where the rate varies with time or was recorded.
    ///
    /// ```
    /// use orderline::random::{Arrivals, DiscreteDistribution};
    /// let size = DiscreteDistribution::geometric(2.0).unwrap();
    /// let arrivals = Arrivals::batch(Arrivals::poisson(0.25).unwrap(), size).unwrap();
    /// assert_eq!(arrivals.scv(), Some(3.0)); // E[B²]/E[B] = 6/2
    /// ```
    pub fn scv(&self) -> Option<f64> {
        if self.is_poisson().is_some() {
            return Some(1.0);
        }
        match self {
            Arrivals::Deterministic { .. } => Some(0.0),
            Arrivals::Renewal { gap } => Some(gap.scv()),
            Arrivals::Mmpp { rates, dwell } => Some(mmpp_dispersion(rates, dwell)),
            Arrivals::Batch { process, size } => {
                let mean = size.mean();
                Some(mean * process.scv()? + size.variance() / mean)
            }
            _ => None,
        }
    }

    /// The rate, per second, if the orders form a Poisson process of constant rate, in whatever
    /// form it was written.
    pub fn is_poisson(&self) -> Option<f64> {
        match self {
            Arrivals::Poisson { rate } => Some(*rate),
            Arrivals::Renewal { gap } => gap.is_exponential(),
            Arrivals::Mmpp { rates, .. } => {
                rates.iter().all(|&r| r == rates[0]).then_some(rates[0])
            }
            Arrivals::Schedule(schedule) => schedule.constant_rate(),
            Arrivals::Batch { process, size } => {
                process.is_poisson().filter(|_| size.is_always_one())
            }
            Arrivals::Deterministic { .. } | Arrivals::Trace { .. } => None,
        }
    }

    /// Whether the process looks the same at all times in the long run; a schedule (unless
    /// constant) and a trace do not.
    pub fn is_stationary(&self) -> bool {
        match self {
            Arrivals::Schedule(schedule) => schedule.constant_rate().is_some(),
            Arrivals::Trace { .. } => false,
            Arrivals::Batch { process, .. } => process.is_stationary(),
            _ => true,
        }
    }
}

fn gap_of(parameter: &'static str, rate: f64) -> Result<f64, ParameterError> {
    representable(parameter, "mean gap", 1.0 / positive(parameter, rate)?)
}

/// Limit of Var N(t)/E N(t): 1 + (2/λ̄) Σ πᵢ (rᵢ − λ̄) gᵢ, where g solves the Poisson equation
/// Q g = λ̄ − r of the modulating chain (Asmussen, Applied Probability and Queues, 2003, chapter
/// I.7). On a circle Q g at i is (gᵢ₊₁ − gᵢ)/dwellᵢ, so g follows by summing up.
fn mmpp_dispersion(rates: &[f64], dwell: &[f64]) -> f64 {
    let round: f64 = dwell.iter().sum();
    let pairs = || rates.iter().zip(dwell);
    let mean = pairs().map(|(rate, stay)| rate * stay / round).sum::<f64>();
    let (mut potential, mut covariance) = (0.0, 0.0);
    for (rate, stay) in pairs() {
        covariance += stay / round * (rate - mean) * potential;
        potential -= stay * (rate - mean);
    }
    1.0 + 2.0 * covariance / mean
}
