//! M/G/1 whose consumer takes short orders first.
//!
//! # References
//! T. E. Phipps (1956), *Machine repair as a priority waiting-line problem*, Operations Research 4,
//! 76–85 (shortest first); L. E. Schrage, L. W. Miller (1966), *The queue M/G/1 with the shortest
//! remaining processing time discipline*, Operations Research 14, 670–684; R. W. Conway, W. L.
//! Maxwell, L. W. Miller (1967), *Theory of Scheduling*, chapter 8.

use super::Figures;
use super::error::{ModelError, positive, stable};
use super::sheet::{Sheet, Source};
use super::sizes::Sizes;
use crate::metric::{Metric, TimeKind};
use crate::random::Distribution;

const SHORTEST: Source = Source::exact("Phipps 1956, Oper. Res. 4; Conway et al. 1967, ch. 8");
const REMAINING: Source = Source::exact("Schrage and Miller 1966, Oper. Res. 14");
const PREEMPTIVE: Source = Source::exact("Conway, Maxwell and Miller 1967, Theory of Scheduling");

/// What makes an order short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShortestBy {
    /// Its service time; a service that has begun is not interrupted.
    Size,
    /// Its service time; a shorter order interrupts a longer one.
    SizePreemptive,
    /// What is left of its service time; a shorter order interrupts a longer one.
    Remaining,
}

/// The M/G/1 queue that takes short orders first, in steady state. Orders of equal size are taken in
/// order of arrival.
///
/// # Formula
/// With ρ(x) = λE\[S; S ≤ x\] and ρ(x−) = λE\[S; S < x\] an order of size x waits
/// Wq(x) = V(x)/((1 − ρ(x−))(1 − ρ(x))) until its service begins. V(x) is λE\[S²\]/2 without
/// interruption, λE\[S²; S ≤ x\]/2 where sizes interrupt, and λ(E\[S²; S ≤ x\] + x²P(S > x))/2 where what
/// is left does. Its service then lasts x, x/(1 − ρ(x−)) or ∫₀ˣ dt/(1 − ρ(t)). The second moment of the wait is
/// that of the busy period that V(x) starts with all orders below x.
///
/// # Domain
/// λ > 0, λE\[S\] < 1; any law of service, discrete or not; E\[S²\] finite without interruption.
///
/// # Numerics
/// Quadrature with a checked error: what is not known to 1e-9 relative is not given.
///
/// ```
/// use orderline::random::Distribution;
/// use orderline::theory::{Shortest, ShortestBy};
/// // M/M/1 at ρ = 0.8, shortest first: W = 2.882219.
/// let law = Distribution::exponential(1.0)?;
/// let queue = Shortest::new(0.8, &law, ShortestBy::Size)?;
/// let times = queue.times(&law).expect("the integrals settle");
/// assert!((times.sojourn_mean - 2.882219).abs() < 5e-7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Shortest {
    arrival_rate: f64,
    sizes: Sizes,
    by: ShortestBy,
}

/// How long orders of some law wait and stay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShortestTimes {
    /// P(Wq > 0).
    pub wait_probability: f64,
    /// Wq until service first begins, seconds.
    pub waiting_mean: f64,
    /// Var(Wq); `None` where it is infinite or not known well enough.
    pub waiting_variance: Option<f64>,
    /// W, interruptions included, seconds.
    pub sojourn_mean: f64,
    /// Var(W); without interruption only.
    pub sojourn_variance: Option<f64>,
}

impl Shortest {
    /// A queue with arrival rate λ and the law of all orders' service.
    ///
    /// # Errors
    /// A rate or mean that is not positive, λE\[S\] ≥ 1, or, without interruption, E\[S²\] infinite.
    pub fn new(
        arrival_rate: f64,
        law: &Distribution,
        by: ShortestBy,
    ) -> Result<Shortest, ModelError> {
        positive("arrival rate", arrival_rate)?;
        stable(arrival_rate * positive("mean service", law.mean())?)?;
        if by == ShortestBy::Size {
            positive("second moment of service", law.moment(2))?;
        }
        Ok(Shortest {
            arrival_rate,
            sizes: Sizes::new(law),
            by,
        })
    }

    /// ρ = λE\[S\].
    pub fn utilization(&self) -> f64 {
        self.arrival_rate * self.sizes.moment(1)
    }

    /// The times of the orders whose sizes have the given law, among all others; `None` where an
    /// integral does not settle.
    pub fn times(&self, law: &Distribution) -> Option<ShortestTimes> {
        let own = Sizes::new(law);
        let [wait_probability, waiting_mean] = own.expect(&self.sizes, |x| {
            let at = self.at(x);
            [at.waits, at.mean]
        })?;
        let seconds = own.expect(&self.sizes, |x| {
            let at = self.at(x);
            [at.second, at.second + 2.0 * x * at.mean + x * x]
        });
        let sojourn_mean = waiting_mean + self.residence(&own)?;
        let variance =
            |second: f64, mean: f64| Some(second - mean * mean).filter(|v| v.is_finite());
        Some(ShortestTimes {
            wait_probability,
            waiting_mean,
            waiting_variance: seconds.and_then(|[second, _]| variance(second, waiting_mean)),
            sojourn_mean,
            sojourn_variance: match self.by {
                ShortestBy::Size => seconds.and_then(|[_, second]| variance(second, sojourn_mean)),
                _ => None,
            },
        })
    }

    /// Mean time from the begin of service to its end.
    fn residence(&self, own: &Sizes) -> Option<f64> {
        let room = |above: f64| 1.0 - self.utilization() + self.arrival_rate * above;
        match self.by {
            ShortestBy::Size => Some(own.moment(1)),
            ShortestBy::SizePreemptive => {
                let stretched = |x: f64| {
                    let cut = self.sizes.cut(x);
                    [x / room(cut.at[1] + cut.above[1])]
                };
                Some(own.expect(&self.sizes, stretched)?[0])
            }
            ShortestBy::Remaining => {
                let slowed = |x: f64| [1.0 / room(self.sizes.cut(x).above[1])];
                Some(own.along(&self.sizes, slowed)?[0])
            }
        }
    }

    /// The wait of an order of size x.
    fn at(&self, x: f64) -> Wait {
        let (lambda, cut) = (self.arrival_rate, self.sizes.cut(x));
        let room = 1.0 - self.utilization() + lambda * cut.above[1];
        let before = room + lambda * cut.at[1];
        let seen = |k: usize| match self.by {
            ShortestBy::Size => self.sizes.moment(k),
            ShortestBy::SizePreemptive => cut.up_to(k),
            ShortestBy::Remaining => cut.up_to(k) + x.powi(k as i32) * cut.above[0],
        };
        let work = lambda * seen(2) / (2.0 * room);
        let work_second = lambda * (seen(3) / 3.0 + work * cut.up_to(2)) / room;
        Wait {
            waits: lambda * seen(1),
            mean: work / before,
            second: (work_second + work * lambda * cut.below[2] / before) / (before * before),
        }
    }

    /// The figures of the orders whose sizes have the given law and that come at the given rate.
    pub(super) fn figures(&self, law: &Distribution, rate: f64) -> Option<Figures> {
        let times = self.times(law)?;
        let (source, wait, stay) = match self.by {
            ShortestBy::Size => (
                SHORTEST,
                "Wq = E[λE[S²]/(2(1−ρ(S−))(1−ρ(S)))], ρ(x) = λE[S; S≤x]",
                "W = Wq + E[S]",
            ),
            ShortestBy::SizePreemptive => (
                PREEMPTIVE,
                "Wq = E[λm₂(S)/(2(1−ρ(S−))(1−ρ(S)))], m₂(x) = E[S²; S≤x], ρ(x) = λE[S; S≤x]",
                "W = Wq + E[S/(1−ρ(S−))]",
            ),
            ShortestBy::Remaining => (
                REMAINING,
                "Wq = E[λ(m₂(S)+S²P(S'>S))/(2(1−ρ(S−))(1−ρ(S)))], m₂(x) = E[S²; S≤x]",
                "W = Wq + E[∫₀ˢ dt/(1−ρ(t))], ρ(x) = λE[S; S≤x]",
            ),
        };
        let mut sheet = Sheet::new(source);
        let busy = match self.by {
            ShortestBy::Size => "P(Wq > 0) = ρ",
            ShortestBy::SizePreemptive => "P(Wq > 0) = E[ρ(S)]",
            ShortestBy::Remaining => "P(Wq > 0) = λE[min(S, S')]",
        };
        sheet
            .put(Metric::WaitProbability, times.wait_probability, busy)
            .mean(TimeKind::Waiting, times.waiting_mean, wait)
            .mean(TimeKind::Sojourn, times.sojourn_mean, stay)
            .put(Metric::QueueLength, rate * times.waiting_mean, "Lq = λWq")
            .put(Metric::NumberInSystem, rate * times.sojourn_mean, "L = λW");
        let second = "E[Wq²] of the busy period that the wait is";
        if let Some(variance) = times.waiting_variance {
            sheet.variance(TimeKind::Waiting, variance, second);
        }
        if let Some(variance) = times.sojourn_variance {
            sheet.variance(TimeKind::Sojourn, variance, "E[(Wq(S) + S)²] − W²");
        }
        Some(sheet.finish())
    }
}

/// The wait of an order of one size.
struct Wait {
    waits: f64,
    mean: f64,
    second: f64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::{Mg1, Turn};
    use approx::assert_relative_eq;
    use proptest::prelude::*;

    fn times(rate: f64, law: &Distribution, by: ShortestBy) -> ShortestTimes {
        Shortest::new(rate, law, by).unwrap().times(law).unwrap()
    }

    fn fifo(rate: f64, law: &Distribution) -> Mg1 {
        Mg1::new(rate, law.into()).unwrap()
    }

    #[test]
    fn published_figures_of_m_m_1() {
        let law = Distribution::exponential(1.0).unwrap();
        let size = times(0.8, &law, ShortestBy::Size);
        assert_relative_eq!(size.sojourn_mean, 2.882219, epsilon = 5.5e-7);
        let left = times(0.5, &law, ShortestBy::Remaining);
        assert_relative_eq!(left.sojourn_mean, 1.425372664, epsilon = 1e-9);
        let left = times(0.9, &law, ShortestBy::Remaining);
        assert_relative_eq!(left.sojourn_mean, 3.5521251, epsilon = 1e-7);
        // λE[min(S, S')] with the smaller of two exponential times.
        assert_relative_eq!(left.wait_probability, 0.45, max_relative = 1e-9);
    }

    #[test]
    fn equal_sizes_are_first_in_first_out() {
        let law = Distribution::deterministic(1.0).unwrap();
        let model = fifo(0.7, &law);
        for by in [
            ShortestBy::Size,
            ShortestBy::SizePreemptive,
            ShortestBy::Remaining,
        ] {
            let times = times(0.7, &law, by);
            assert_relative_eq!(
                times.waiting_mean,
                model.waiting_mean(),
                max_relative = 1e-12
            );
            assert_relative_eq!(
                times.sojourn_mean,
                model.sojourn_mean(),
                max_relative = 1e-12
            );
            let variance = model.waiting_variance(Turn::FirstIn).unwrap();
            assert_relative_eq!(
                times.waiting_variance.unwrap(),
                variance,
                max_relative = 1e-12
            );
            assert_relative_eq!(times.wait_probability, 0.7, max_relative = 1e-12);
        }
    }

    #[test]
    fn two_sizes_are_two_priorities() {
        // Sizes 1 and 3 without interruption: Cobham with R = 0.1·(1 + 9)/2.
        let law = Distribution::empirical(vec![1.0, 3.0]).unwrap();
        let queue = Shortest::new(0.2, &law, ShortestBy::Size).unwrap();
        let of = |value| {
            let one = Distribution::deterministic(value).unwrap();
            queue.times(&one).unwrap().waiting_mean
        };
        assert_relative_eq!(of(1.0), 0.5 / 0.9, max_relative = 1e-12);
        assert_relative_eq!(of(3.0), 0.5 / (0.9 * 0.6), max_relative = 1e-12);
    }

    #[test]
    fn sizes_that_nearly_agree_are_like_sizes_that_do() {
        // A narrow density has the limit of an atom's first-come order for SRPT at low load only in
        // its mean work; the total is close.
        let narrow = Distribution::erlang(100_000, 1.0).unwrap();
        let queue = times(0.5, &narrow, ShortestBy::Remaining);
        assert!(queue.sojourn_mean > 1.0 && queue.sojourn_mean < 1.6);
    }

    #[test]
    fn an_infinite_variance_spoils_only_what_needs_it() {
        let law = Distribution::pareto(1.5, 1.0 / 3.0).unwrap();
        assert!(Shortest::new(0.5, &law, ShortestBy::Size).is_err());
        let left = times(0.5, &law, ShortestBy::Remaining);
        assert!(left.sojourn_mean > 1.0 && left.sojourn_mean < 2.0);
    }

    #[test]
    fn the_brink_has_figures_too() {
        let law = Distribution::exponential(1.0).unwrap();
        let queue = times(1.0 - 1e-9, &law, ShortestBy::Remaining);
        // Heavy traffic (Bansal 2005): W is of the order 1/((1−ρ) ln(e/(1−ρ))).
        let scale = 1e9 / (1.0 + 1e9f64.ln());
        assert!(queue.sojourn_mean > 0.5 * scale && queue.sojourn_mean < 2.0 * scale);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn what_is_left_beats_sizes_beats_order_of_arrival(
            rho in 0.05f64..0.97,
            scv in 0.3f64..6.0,
        ) {
            let law = Distribution::gamma_mean_scv(1.0, scv).unwrap();
            let [left, sized, size] = [
                ShortestBy::Remaining,
                ShortestBy::SizePreemptive,
                ShortestBy::Size,
            ].map(|by| times(rho, &law, by));
            let fifo = fifo(rho, &law).sojourn_mean();
            prop_assert!(left.sojourn_mean <= sized.sojourn_mean * (1.0 + 1e-9));
            prop_assert!(left.sojourn_mean <= size.sojourn_mean * (1.0 + 1e-9));
            prop_assert!(size.sojourn_mean <= fifo * (1.0 + 1e-9));
            prop_assert!(sized.sojourn_mean <= 1.0 / (1.0 - rho) + 1e-9);
        }
    }
}
