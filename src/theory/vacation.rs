//! M/G/1 whose consumer is away at times: vacations and set-ups.
//!
//! # References
//! H. Takagi (1991), *Queueing Analysis*, vol. 1, chapter 2; S. W. Fuhrmann, R. B. Cooper (1985),
//! *Stochastic decompositions in the M/G/1 queue with generalized vacations*, Operations Research 33,
//! 1117–1129; D. Bertsekas, R. Gallager (1992), *Data Networks*, 2nd ed., section 3.5.1; P. D. Welch
//! (1964), *On a generalized M/G/1 queuing process in which the first customer of each busy period
//! receives exceptional service*, Operations Research 12, 736–752.

use super::Turn;
use super::error::{ModelError, positive};
use super::image::{Image, Wave};
use super::mg1::Mg1;
use crate::random::Distribution;

/// When the consumer of M/G/1 is away.
#[derive(Debug, Clone, PartialEq)]
pub enum Absence {
    /// It leaves when the queue is empty, and again and again until it finds an order.
    Vacations(Distribution),
    /// It leaves when the queue is empty, once, and then waits for the next order.
    OneVacation(Distribution),
    /// It is switched off when the queue is empty, and the next order starts a set-up.
    SetUp(Distribution),
}

/// The M/G/1 queue whose consumer is away at times, in steady state.
///
/// # Domain
/// That of [`Mg1`]; an absence with a positive mean and a finite second moment.
///
/// # Formula
/// The wait is that of M/G/1 plus an independent time (decomposition). With V the vacation or set-up that
/// time has mean E\[V²\]/(2E\[V\]) for vacations; λE\[V²\]/(2(v + λE\[V\])), v = E\[e^(−λV)\], for one vacation;
/// (2E\[V\] + λE\[V²\])/(2(1 + λE\[V\])) for set-ups. For vacations it is the residual time of V, whose variance
/// is E\[V³\]/(3E\[V\]) − (E\[V²\]/(2E\[V\]))².
///
/// ```
/// use orderline::random::Distribution;
/// use orderline::theory::{Absence, Mg1, Mg1Absent, ServiceMoments};
/// // Bertsekas, Gallager 1992, section 3.5.1: service in slots of length 1 at λ = ½ waits
/// // ρ/(2(1−ρ)) + ½ = 1/(2(1−ρ)) = 1, since every slot without an order is a vacation.
/// let one = ServiceMoments { first: 1.0, second: 1.0, third: 1.0 };
/// let slots = Absence::Vacations(Distribution::deterministic(1.0)?);
/// let queue = Mg1Absent::new(Mg1::new(0.5, one)?, &slots)?;
/// assert!((queue.waiting_mean() - 1.0).abs() < 1e-12);
/// // The decomposition: half a slot more than M/D/1.
/// assert!((queue.waiting_mean() - Mg1::new(0.5, one)?.waiting_mean() - 0.5).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mg1Absent {
    queue: Mg1,
    more: f64,
    more_variance: Option<f64>,
}

impl Mg1Absent {
    /// A queue that would be `queue` if its consumer were always there.
    ///
    /// # Errors
    /// An absence whose mean is not positive or whose second moment is infinite.
    pub fn new(queue: Mg1, absence: &Absence) -> Result<Mg1Absent, ModelError> {
        let (Absence::Vacations(law) | Absence::OneVacation(law) | Absence::SetUp(law)) = absence;
        let mean = positive("mean absence", law.mean())?;
        let second = positive("second moment of the absence", law.moment(2))?;
        let rate = queue.arrival_rate();
        let more = match absence {
            Absence::Vacations(_) => second / (2.0 * mean),
            Absence::OneVacation(_) => {
                let image = Image::new(law, Wave::new(rate, 0.0));
                let none = image.map_or(f64::NAN, |image| 1.0 - image.lost.re);
                rate * second / (2.0 * (none + rate * mean))
            }
            Absence::SetUp(_) => (2.0 * mean + rate * second) / (2.0 * (1.0 + rate * mean)),
        };
        let residual = law.moment(3) / (3.0 * mean) - more * more;
        let known = matches!(absence, Absence::Vacations(_)) && residual.is_finite();
        Ok(Mg1Absent {
            queue,
            more,
            more_variance: known.then_some(residual),
        })
    }

    /// Wq, seconds.
    pub fn waiting_mean(&self) -> f64 {
        self.queue.waiting_mean() + self.more
    }

    /// W, seconds.
    pub fn sojourn_mean(&self) -> f64 {
        self.queue.sojourn_mean() + self.more
    }

    /// Var(Wq), first in, first out; for repeated vacations with a finite third moment.
    pub fn waiting_variance(&self) -> Option<f64> {
        Some(self.queue.waiting_variance(Turn::FirstIn)? + self.more_variance?)
    }

    /// Lq = λWq.
    pub fn queue_length(&self) -> f64 {
        self.queue.arrival_rate() * self.waiting_mean()
    }

    /// L = λW.
    pub fn number_in_system(&self) -> f64 {
        self.queue.arrival_rate() * self.sojourn_mean()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::ServiceMoments;
    use approx::assert_relative_eq;

    fn queue(rate: f64) -> Mg1 {
        let service = ServiceMoments {
            first: 1.0,
            second: 2.0,
            third: 6.0,
        };
        Mg1::new(rate, service).unwrap()
    }

    #[test]
    fn a_short_absence_is_none() {
        let short = Distribution::exponential_mean(1e-9).unwrap();
        for absence in [
            Absence::Vacations(short.clone()),
            Absence::OneVacation(short.clone()),
            Absence::SetUp(short),
        ] {
            let absent = Mg1Absent::new(queue(0.7), &absence).unwrap();
            let wait = queue(0.7).waiting_mean();
            assert_relative_eq!(absent.waiting_mean(), wait, max_relative = 1e-8);
        }
    }

    /// One vacation is less than repeated ones; where orders hardly come it hardly matters.
    #[test]
    fn one_vacation_waits_less_than_many() {
        let law = Distribution::erlang(2, 3.0).unwrap();
        for rate in [0.001, 0.4, 0.9] {
            let many = Absence::Vacations(law.clone());
            let many = Mg1Absent::new(queue(rate), &many).unwrap();
            let one = Absence::OneVacation(law.clone());
            let one = Mg1Absent::new(queue(rate), &one).unwrap();
            assert!(one.waiting_mean() < many.waiting_mean());
        }
    }

    /// M/M/1 with exponential set-ups, as a Markov chain: an order that starts the set-up waits for all of it,
    /// so that at λ → 0 the wait is E\[V\].
    #[test]
    fn a_rare_order_waits_for_the_whole_set_up() {
        let law = Distribution::exponential_mean(3.0).unwrap();
        let absent = Mg1Absent::new(queue(1e-9), &Absence::SetUp(law.clone())).unwrap();
        assert_relative_eq!(absent.waiting_mean(), 3.0, max_relative = 1e-7);
        // Exponential set-ups: the additional wait is exponential with the same mean at any rate.
        let absent = Mg1Absent::new(queue(0.6), &Absence::SetUp(law)).unwrap();
        let wait = queue(0.6).waiting_mean() + 3.0;
        assert_relative_eq!(absent.waiting_mean(), wait, max_relative = 1e-12);
    }
}
