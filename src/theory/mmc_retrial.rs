//! M/M/c retrial: an order that finds no place tries again after an exponential time, each on its own,
//! for ever.
//!
//! # References
//! G. I. Falin, J. G. C. Templeton (1997), *Retrial Queues*, chapter 2; M. F. Neuts, B. M. Rao (1990),
//! *Numerical investigation of a multiserver retrial model*, Queueing Systems 7, 169–189.

use super::Figures;
use super::error::{ModelError, positive, stable};
use super::sheet::{Sheet, Source};
use crate::metric::{Metric, TimeKind};

const SOURCE: Source = Source::exact(
    "Falin & Templeton 1997, Retrial Queues, 2; Neuts & Rao 1990, Queueing Syst. 7, 169-189",
);
/// Numbers of orders outside times states of the consumers that are gone through at most.
const MOST_CELLS: u64 = 10_000_000;
/// Numbers of orders outside that are tried first.
const FIRST: u64 = 64;
/// Change of the mean at twice as many at which it counts as found.
const SETTLED: f64 = 1e-10;

/// The M/M/c queue with places to wait and retrials in steady state.
///
/// # Domain
/// 0 < λ < cμ, retries at a rate ν > 0 of each order outside; so few outside that 10⁷ states of the
/// chain hold all but nothing of the probability.
///
/// # Formula
/// (outside, inside) is a Markov chain. From j outside it goes up only where all places are taken, so
/// that the probabilities of j + 1 are those of the full state at j times a row r_(j+1), which follows
/// from r_(j+2): top down from a number beyond which hardly ever more are outside.
///
/// # Numerics
/// Every step is an elimination without a subtraction. The top is doubled until the mean changes by
/// less than 10⁻¹⁰, and the mean number of idle consumers, c − λ/μ, is checked to 10⁻⁷.
///
/// ```
/// use orderline::theory::MmcRetrial;
/// let queue = MmcRetrial::new(4.0, 1.0, 5, 0, 2.0)?.unwrap();
/// assert!((queue.wait_probability() - 0.47545614229).abs() < 1e-9);
/// assert!((queue.queue_length() - 3.8001333362).abs() < 1e-7);
/// # Ok::<(), orderline::theory::ModelError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MmcRetrial {
    arrival_rate: f64,
    service_rate: f64,
    consumers: u32,
    places: u64,
    retry_rate: f64,
    wait_probability: f64,
    queue_length: f64,
}

/// Sums over a number of orders outside and all above, for one visit to the full state below.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    /// Time.
    time: f64,
    /// Time with all consumers busy.
    busy: f64,
    /// Idle consumers times time.
    idle: f64,
    /// Orders waiting, inside and outside, times time.
    waiting: f64,
}

impl MmcRetrial {
    /// A queue with arrival rate λ, service rate μ of each of c consumers, places to wait inside (0 in
    /// the classical model), and retries at rate ν of each order outside; `None` where too many are
    /// outside.
    ///
    /// # Errors
    /// A rate that is not positive and finite, no consumers, λ ≥ cμ, or sums that fail the check.
    pub fn new(
        arrival_rate: f64,
        service_rate: f64,
        consumers: u32,
        places: u64,
        retry_rate: f64,
    ) -> Result<Option<MmcRetrial>, ModelError> {
        let c = positive("consumers", f64::from(consumers))?;
        positive("retry rate", retry_rate)?;
        let offered =
            positive("arrival rate", arrival_rate)? / positive("service rate", service_rate)?;
        stable(offered / c)?;
        let mut queue = MmcRetrial {
            arrival_rate,
            service_rate,
            consumers,
            places,
            retry_rate,
            wait_probability: f64::NAN,
            queue_length: f64::NAN,
        };
        let Some(sums) = queue.settled() else {
            return Ok(None);
        };
        queue.wait_probability = sums.busy / sums.time;
        queue.queue_length = sums.waiting / sums.time;
        let error = (sums.idle / sums.time / (c - offered) - 1.0).abs();
        if error > super::matrix::ACCURACY {
            let method = "level reduction of M/M/c with retrials";
            return Err(ModelError::Inaccurate { method, error });
        }
        Ok(Some(queue))
    }

    /// The sums over the whole chain, its top doubled until they no longer change.
    fn settled(&self) -> Option<Sums> {
        let inside = u64::from(self.consumers)
            .checked_add(self.places)?
            .checked_add(1)?;
        let (mut top, mut before) = (FIRST, f64::NAN);
        while top.checked_mul(inside)? <= MOST_CELLS {
            let sums = self.sums(top, inside as usize);
            let mean = sums.waiting / sums.time;
            if (mean / before - 1.0).abs() < SETTLED {
                return Some(sums);
            }
            before = mean;
            top *= 2;
        }
        None
    }

    /// The sums with at most `top` orders outside.
    fn sums(&self, top: u64, inside: usize) -> Sums {
        let mut level = Elimination::new(inside);
        let mut sums = Sums::default();
        for outside in (0..=top).rev() {
            level.reduce(self, outside as f64);
            sums = self.with(&level.time, outside as f64, sums);
        }
        sums
    }

    /// Adds a number outside: `time` spent in each state there for one visit to the full state below,
    /// and with it what happens above for each unit of time in the full state.
    fn with(&self, time: &[f64], outside: f64, above: Sums) -> Sums {
        let c = self.consumers as usize;
        let full = time[time.len() - 1];
        let mut sums = Sums {
            time: full * above.time,
            busy: full * above.busy,
            idle: full * above.idle,
            waiting: full * above.waiting,
        };
        for (inside, time) in time.iter().enumerate() {
            sums.time += time;
            sums.waiting += time * (outside + inside.saturating_sub(c) as f64);
            if inside >= c {
                sums.busy += time;
            } else {
                sums.idle += time * (c - inside) as f64;
            }
        }
        sums
    }

    /// ρ = λ/(cμ).
    pub fn utilization(&self) -> f64 {
        self.arrival_rate / (f64::from(self.consumers) * self.service_rate)
    }

    /// Share of orders whose first try finds every consumer busy.
    pub fn wait_probability(&self) -> f64 {
        self.wait_probability
    }

    /// Lq: orders waiting, inside and outside.
    pub fn queue_length(&self) -> f64 {
        self.queue_length
    }

    /// L = Lq + λ/μ.
    pub fn number_in_system(&self) -> f64 {
        self.queue_length + self.arrival_rate / self.service_rate
    }

    /// Wq = Lq/λ: until service begins.
    pub fn waiting_mean(&self) -> f64 {
        self.queue_length / self.arrival_rate
    }

    /// All figures.
    pub(super) fn figures(&self) -> Figures {
        let mut sheet = Sheet::new(SOURCE);
        let sojourn = self.waiting_mean() + 1.0 / self.service_rate;
        sheet
            .put(Metric::Utilization, self.utilization(), "ρ = λ/(cμ)")
            .put(
                Metric::WaitProbability,
                self.wait_probability,
                "Σ_j π_j(all busy), π_(j+1) = π_j(full) r_(j+1)",
            )
            .put(
                Metric::QueueLength,
                self.queue_length,
                "Lq = Σ jπ_j + those inside",
            )
            .put(
                Metric::NumberInSystem,
                self.number_in_system(),
                "L = Lq + λ/μ",
            )
            .mean(TimeKind::Waiting, self.waiting_mean(), "Wq = Lq/λ")
            .mean(TimeKind::Sojourn, sojourn, "W = Wq + 1/μ");
        sheet.finish()
    }
}

/// The states inside for one number of orders outside, from none inside to full.
#[derive(Debug)]
struct Elimination {
    /// Rates from the full state back to each state by way of more outside.
    back: Vec<f64>,
    pivots: Vec<f64>,
    /// r: time in each state for one visit to the full state with one fewer outside.
    time: Vec<f64>,
}

impl Elimination {
    /// Above the top nothing is.
    fn new(inside: usize) -> Elimination {
        Elimination {
            back: vec![0.0; inside],
            pivots: vec![0.0; inside],
            time: vec![0.0; inside],
        }
    }

    /// Goes down to this number outside. All but the full state are eliminated from the empty one on:
    /// each leads to the next by an arrival or a retry inside, or out to one fewer outside.
    fn reduce(&mut self, queue: &MmcRetrial, outside: f64) {
        let full = self.time.len() - 1;
        let (lambda, retry) = (queue.arrival_rate, outside * queue.retry_rate);
        let served = |inside: usize| {
            f64::min(inside as f64, f64::from(queue.consumers)) * queue.service_rate
        };
        // What has been eliminated leads out at these rates; `back` becomes the full state's rates.
        let (mut leaving, mut full_leaving) = (retry, 0.0);
        self.back[full - 1] += served(full);
        for state in 0..full {
            let pivot = lambda + leaving;
            self.pivots[state] = pivot;
            let share = self.back[state] / pivot;
            full_leaving += share * leaving;
            if state + 1 < full {
                self.back[state + 1] += share * lambda;
                leaving = retry + served(state + 1) / pivot * leaving;
            }
        }
        // With nobody outside there is no way out: the times are in proportion only.
        self.time[full] = if outside > 0.0 {
            lambda / full_leaving
        } else {
            1.0
        };
        for state in (0..full).rev() {
            let next = if state + 1 < full {
                self.time[state + 1] * served(state + 1)
            } else {
                0.0
            };
            let into = next + self.time[full] * self.back[state];
            self.time[state] = into / self.pivots[state];
        }
        // As the level below sees it: each retry from here takes one more inside.
        self.back.fill(0.0);
        for state in 0..full {
            self.back[state + 1] = self.time[state] * retry;
        }
        // From full back to full is no step.
        self.back[full] = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::Mmc;
    use approx::assert_relative_eq;
    use proptest::prelude::*;

    fn queue(lambda: f64, c: u32, places: u64, nu: f64) -> MmcRetrial {
        MmcRetrial::new(lambda, 1.0, c, places, nu)
            .unwrap()
            .unwrap()
    }

    #[test]
    fn published_figures_of_several_consumers_with_retrials() {
        let two = queue(1.0, 2, 0, 20.0);
        assert_relative_eq!(two.wait_probability(), 0.32985514966, max_relative = 1e-9);
        assert_relative_eq!(two.queue_length(), 0.35730418572, max_relative = 1e-9);
        let five = queue(4.0, 5, 0, 2.0);
        assert_relative_eq!(five.waiting_mean(), 0.95003333406, max_relative = 1e-8);
    }

    #[test]
    fn heavy_loads_end_in_a_refusal_not_in_a_wrong_number() {
        let heavy = queue(0.999, 1, 0, 1.0);
        // ρ(λ + νρ)/(ν(1 − ρ)) for one consumer.
        let exact = 0.999 * (0.999 + 0.999) / 0.001;
        assert_relative_eq!(heavy.queue_length(), exact, max_relative = 1e-8);
        assert_eq!(MmcRetrial::new(1.0 - 1e-9, 1.0, 1, 0, 1.0), Ok(None));
        assert!(MmcRetrial::new(1.0, 1.0, 1, 0, 1.0).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn one_consumer_has_a_closed_form(rho in 0.05f64..0.95, nu in 0.05f64..50.0) {
            let exact = rho * (rho + nu * rho) / (nu * (1.0 - rho));
            let found = queue(rho, 1, 0, nu);
            prop_assert!((found.queue_length() / exact - 1.0).abs() < 1e-8);
            prop_assert!((found.wait_probability() / rho - 1.0).abs() < 1e-8);
        }

        #[test]
        fn quick_retries_or_many_places_are_m_m_c(rho in 0.1f64..0.8, c in 1u32..8) {
            let lambda = rho * f64::from(c);
            let plain = Mmc::new(lambda, 1.0, c).unwrap().queue_length();
            prop_assert!((queue(lambda, c, 0, 1e7).queue_length() / plain - 1.0).abs() < 1e-4);
            prop_assert!((queue(lambda, c, 300, 1.0).queue_length() / plain - 1.0).abs() < 1e-9);
            prop_assert!(queue(lambda, c, 0, 1.0).queue_length() > queue(lambda, c, 0, 2.0).queue_length());
        }
    }
}
