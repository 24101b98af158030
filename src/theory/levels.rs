//! Priorities by level: M/G/1 and M/M/c, with and without interruption, waits to the second moment.
//!
//! # References
//! A. Cobham (1954), *Priority assignment in waiting line problems*, Operations Research 2, 70–76;
//! H. Kesten, J. Th. Runnenburg (1957), *Priority in waiting line problems*, Indagationes
//! Mathematicae 19 (second moments); L. Takács (1964), *Priority queues*, Operations Research 12,
//! 63–74; R. G. Miller (1960), *Priority queues*, Annals of Mathematical Statistics 31 (interruption);
//! R. W. Conway, W. L. Maxwell, L. W. Miller (1967), *Theory of Scheduling*, chapter 8. M/M/c: O. Kella,
//! U. Yechiali (1985), *Waiting times in the non-preemptive priority M/M/c queue*, Stochastic
//! Models 1; J. P. Buzen, A. B. Bondi (1983), *The response times of priority classes under preemptive
//! resume in M/M/m queues*, Operations Research 31, 456–465.

use super::error::{ModelError, non_negative, positive};
use super::mg1::ServiceMoments;
use super::numeric::sum;
use super::overtaken::Overtaken;
use super::sheet::{Sheet, Source};
use super::{Figures, Mmc, erlang_c};
use crate::metric::{Metric, TimeKind};

const ONE: Source = Source::exact("Cobham 1954, Oper. Res. 2; Takács 1964, Oper. Res. 12");
const SEVERAL: Source = Source::exact("Kella and Yechiali 1985, Stoch. Models 1");
const RESUMED: Source = Source::exact("Miller 1960; Conway, Maxwell and Miller 1967, ch. 8");
const SHARED: Source = Source::exact("Buzen and Bondi 1983, Oper. Res. 31, 456-465");

/// Whether an order of a higher level interrupts one of a lower level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interruption {
    /// A service that has begun is not interrupted.
    None,
    /// It is, and goes on later where it was.
    Resume,
}

/// Orders of one class at a queue with priorities and one consumer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PriorityStream {
    /// 0 is served first; classes may share a level and are then served in order of arrival.
    pub level: u32,
    /// λ_k, per second; positive.
    pub arrival_rate: f64,
    /// Of the class's own service.
    pub service: ServiceMoments,
}

/// How long the orders of one class wait and stay. What is infinite or not known is `None`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PriorityTimes {
    /// P(Wq > 0).
    pub wait_probability: f64,
    /// Wq until service first starts, seconds.
    pub waiting_mean: f64,
    /// Var(Wq).
    pub waiting_variance: Option<f64>,
    /// W, interruptions included, seconds.
    pub sojourn_mean: Option<f64>,
    /// Var(W).
    pub sojourn_variance: Option<f64>,
}

/// The M/G/1 queue with priorities, each class with its own law of service.
///
/// # Formula
/// With σ_k = Σ ρ_i over the levels up to that of class k, σ_{k−1} over those before it, and
/// R = Σ λ_iE\[S_i²\]/2 over all orders (over the levels up to k where these interrupt all others)
/// Wq_k = R/((1 − σ_{k−1})(1 − σ_k)). Its second moment is that of the busy period which the work found
/// starts with the levels before. W_k = Wq_k + E\[S_k\], and E\[S_k\]/(1 − σ_{k−1}) in place of E\[S_k\] with
/// interruption.
///
/// # Domain
/// Poisson arrivals. A class has figures if the levels up to its own leave the consumer some time;
/// what comes after may be more than it can do: with interruption it is not felt at all, without it
/// counts in R at the rate at which it is served.
///
/// ```
/// use orderline::theory::{Interruption, Mg1Priority, PriorityStream, ServiceMoments};
/// // Two exponential classes of mean 1, λ = 0.3 and 0.4, with interruption: W = 1/0.7 and 1/0.21.
/// let service = ServiceMoments { first: 1.0, second: 2.0, third: 6.0 };
/// let stream = |level, arrival_rate| PriorityStream { level, arrival_rate, service };
/// let queue = Mg1Priority::new(vec![stream(0, 0.3), stream(1, 0.4)], Interruption::Resume)?;
/// assert!((queue.times(0).unwrap().sojourn_mean.unwrap() - 1.4285714285714).abs() < 1e-12);
/// assert!((queue.times(1).unwrap().sojourn_mean.unwrap() - 4.7619047619048).abs() < 1e-12);
/// # Ok::<(), orderline::theory::ModelError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Mg1Priority {
    streams: Vec<PriorityStream>,
    /// X_k: at which rate each is served.
    served: Vec<f64>,
    interruption: Interruption,
}

impl Mg1Priority {
    /// A queue with these classes.
    ///
    /// # Errors
    /// No class, or a rate or mean that is not positive.
    pub fn new(
        streams: Vec<PriorityStream>,
        interruption: Interruption,
    ) -> Result<Mg1Priority, ModelError> {
        positive("classes", streams.len() as f64)?;
        for stream in &streams {
            positive("arrival rate", stream.arrival_rate)?;
            non_negative("mean service", stream.service.first)?;
        }
        let load = |stream: &PriorityStream| stream.arrival_rate * stream.service.first;
        let served = streams.iter().map(|own| {
            let of = |keep: &dyn Fn(u32) -> bool| {
                sum(streams.iter().filter(|s| keep(s.level)).map(load))
            };
            let left = (1.0 - of(&|level| level < own.level)).max(0.0);
            let share = left / of(&|level| level == own.level);
            own.arrival_rate * share.min(1.0)
        });
        Ok(Mg1Priority {
            served: served.collect(),
            streams,
            interruption,
        })
    }

    /// The times of class `k`, in the order given; `None` where the levels up to its own leave no time.
    pub fn times(&self, k: usize) -> Option<PriorityTimes> {
        let own = self.streams.get(k)?;
        let over = |keep: &dyn Fn(u32) -> bool, moment: fn(&ServiceMoments) -> f64| {
            let kept = self.streams.iter().filter(|s| keep(s.level));
            sum(kept.map(|s| s.arrival_rate * moment(&s.service)))
        };
        let before = |level: u32| level < own.level;
        let up_to = |level: u32| level <= own.level;
        let (room, with) = (
            1.0 - over(&before, |s| s.first),
            1.0 - over(&up_to, |s| s.first),
        );
        if with <= 0.0 {
            return None;
        }
        let seen = |moment: fn(&ServiceMoments) -> f64| {
            let all = self.streams.iter().zip(&self.served);
            let kept = all.filter(|(s, served)| **served > 0.0 && self.delays(s.level, own.level));
            sum(kept.map(|(s, served)| served * moment(&s.service)))
        };
        let work = seen(|s| s.second) / (2.0 * with);
        let later = over(&up_to, |s| s.second);
        let work_second = (seen(|s| s.third) / 3.0 + work * later) / with;
        let overtaking = over(&before, |s| s.second);
        let stretched = Stretch { room, overtaking };
        let (waiting_mean, waiting_second) = stretched.moments(work, work_second);
        let waiting_variance = finite(waiting_second - waiting_mean * waiting_mean);
        let (service, variance) = match self.interruption {
            Interruption::None => (own.service.first, own.service.variance()),
            Interruption::Resume => {
                let (mean, second) = stretched.moments(own.service.first, own.service.second);
                (mean, second - mean * mean)
            }
        };
        Some(PriorityTimes {
            wait_probability: seen(|s| s.first).min(1.0),
            waiting_mean,
            waiting_variance,
            sojourn_mean: finite(waiting_mean + service),
            sojourn_variance: waiting_variance.and_then(|waiting| finite(waiting + variance)),
        })
    }

    /// X_k: at which rate the orders of each class are served.
    pub(super) fn served(&self) -> &[f64] {
        &self.served
    }

    /// Whether an order of one level in service holds up a newcomer of another.
    fn delays(&self, level: u32, newcomer: u32) -> bool {
        level <= newcomer || self.interruption == Interruption::None
    }

    /// What is known of class `k`.
    pub(super) fn figures(&self, k: usize) -> Option<Figures> {
        let times = self.times(k)?;
        let rate = self.streams[k].arrival_rate;
        Some(match self.interruption {
            Interruption::None => {
                let formulas = Formulas {
                    waits: "P(Wq > 0) = ρ",
                    waiting: "Wq_k = R/((1−σ_(k−1))(1−σ_k)), R = Σ λ_i E[S_i²]/2",
                    sojourn: "W = Wq + E[S]",
                };
                times.figures(rate, ONE, &formulas)
            }
            Interruption::Resume => {
                let formulas = Formulas {
                    waits: "P(Wq > 0) = σ_k",
                    waiting: "Wq_k = R_k/((1−σ_(k−1))(1−σ_k)) until service first starts, R_k = Σ_(i≤k) λ_i E[S_i²]/2",
                    sojourn: "W_k = Wq_k + E[S_k]/(1−σ_(k−1))",
                };
                times.figures(rate, RESUMED, &formulas)
            }
        })
    }
}

/// Work that is held up by orders of higher levels.
struct Stretch {
    /// 1 − σ of these.
    room: f64,
    /// Σ λE\[S²\] of these.
    overtaking: f64,
}

impl Stretch {
    /// The first two moments of the time until work of the given moments is done: a busy period that
    /// the work starts.
    fn moments(&self, mean: f64, second: f64) -> (f64, f64) {
        let squared = second / self.room.powi(2);
        // 0 · ∞ where nobody overtakes is 0.
        let overtaken = if self.overtaking > 0.0 {
            mean * self.overtaking / self.room.powi(3)
        } else {
            0.0
        };
        (mean / self.room, squared + overtaken)
    }
}

/// The M/M/c queue with priorities and one exponential law for all classes.
///
/// # Formula
/// Wq_k = C/(cμ(1 − σ_{k−1})(1 − σ_k)) with Erlang's C of all orders, or of the levels up to k where
/// these interrupt all others; an order that waits finds a geometric number of its levels before it,
/// and each takes a busy period of M/M/1 with the levels before. With interruption the levels up to k
/// are an M/M/c of their own, so that λ_kW_k is the difference of two numbers in system.
///
/// # Domain
/// Poisson arrivals; as for [`Mg1Priority`] lower levels may be more than the consumers can do.
///
/// ```
/// use orderline::theory::{Interruption, MmcPriority};
/// // Three consumers of rate 1, λ = 1 and 1.5, with interruption.
/// let queue = MmcPriority::new(&[(0, 1.0), (1, 1.5)], 1.0, 3, Interruption::Resume)?;
/// assert!((queue.times(1).unwrap().sojourn_mean.unwrap() - 3.3105209397344).abs() < 1e-12);
/// # Ok::<(), orderline::theory::ModelError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct MmcPriority {
    /// Level and arrival rate of each class.
    classes: Vec<(u32, f64)>,
    service_rate: f64,
    consumers: u32,
    interruption: Interruption,
}

impl MmcPriority {
    /// A queue with these classes (level and arrival rate), service rate μ and c consumers.
    ///
    /// # Errors
    /// No class or consumer, or a rate that is not positive.
    pub fn new(
        classes: &[(u32, f64)],
        service_rate: f64,
        consumers: u32,
        interruption: Interruption,
    ) -> Result<MmcPriority, ModelError> {
        positive("classes", classes.len() as f64)?;
        positive("service rate", service_rate)?;
        positive("consumers", f64::from(consumers))?;
        for (_, rate) in classes {
            positive("arrival rate", *rate)?;
        }
        Ok(MmcPriority {
            classes: classes.to_vec(),
            service_rate,
            consumers,
            interruption,
        })
    }

    fn rate(&self, keep: impl Fn(u32) -> bool) -> f64 {
        sum(self
            .classes
            .iter()
            .filter(|(level, _)| keep(*level))
            .map(|(_, rate)| *rate))
    }

    /// The times of class `k`, in the order given; `None` where the levels up to its own leave no time.
    pub fn times(&self, k: usize) -> Option<PriorityTimes> {
        let level = self.classes.get(k)?.0;
        let capacity = f64::from(self.consumers) * self.service_rate;
        let before = self.rate(|other| other < level);
        let up_to = self.rate(|other| other <= level);
        if up_to >= capacity {
            return None;
        }
        let felt = match self.interruption {
            Interruption::None => self.rate(|_| true),
            Interruption::Resume => up_to,
        };
        let waits = erlang_c(self.consumers, felt / self.service_rate);
        let decay = capacity - up_to;
        let stretch = Stretch {
            room: 1.0 - before / capacity,
            overtaking: before * 2.0 / (capacity * capacity),
        };
        let (mean, second) = stretch.moments(1.0 / decay, 2.0 / (decay * decay));
        let (waiting_mean, waiting_second) = (waits * mean, waits * second);
        let variance = waiting_second - waiting_mean * waiting_mean;
        let served = 1.0 / self.service_rate;
        let first = before == 0.0;
        let (sojourn_mean, sojourn_variance) = match self.interruption {
            Interruption::Resume if !first => (self.interrupted_sojourn(before, up_to), None),
            _ => (
                Some(waiting_mean + served),
                finite(variance + served * served),
            ),
        };
        Some(PriorityTimes {
            wait_probability: waits,
            waiting_mean,
            waiting_variance: finite(variance),
            sojourn_mean,
            sojourn_variance,
        })
    }

    /// The wait of class `k` as a law.
    pub(super) fn wait(&self, k: usize) -> Option<Overtaken> {
        let times = self.times(k)?;
        let level = self.classes[k].0;
        let capacity = f64::from(self.consumers) * self.service_rate;
        let before = self.rate(|other| other < level);
        let decay = capacity - self.rate(|other| other <= level);
        Some(Overtaken::markov(
            times.wait_probability,
            decay,
            before,
            capacity,
        ))
    }

    /// (L(λ_≤k) − L(λ_<k))/(λ_≤k − λ_<k); `None` where the difference has lost too many digits.
    fn interrupted_sojourn(&self, before: f64, up_to: f64) -> Option<f64> {
        let number = |rate: f64| {
            let queue = Mmc::new(rate, self.service_rate, self.consumers).ok()?;
            Some(queue.number_in_system())
        };
        let (all, upper) = (number(up_to)?, number(before)?);
        let own = up_to - before;
        let rounding = 1e-15 * (all / (all - upper)).max(up_to / own);
        (rounding < 1e-9).then(|| (all - upper) / own)
    }

    /// What is known of class `k`.
    pub(super) fn figures(&self, k: usize) -> Option<Figures> {
        let times = self.times(k)?;
        let rate = self.classes[k].1;
        Some(match self.interruption {
            Interruption::None => {
                let formulas = Formulas {
                    waits: "C = cB/((c−a)+aB), a = λ/μ",
                    waiting: "Wq_k = C/(cμ(1−σ_(k−1))(1−σ_k)), σ_k = ρ_1+…+ρ_k",
                    sojourn: "W = Wq + 1/μ",
                };
                times.figures(rate, SEVERAL, &formulas)
            }
            Interruption::Resume => {
                let formulas = Formulas {
                    waits: "C_k, of the levels up to k alone",
                    waiting: "Wq_k = C_k/(cμ(1−σ_(k−1))(1−σ_k)) until service first starts",
                    sojourn: "W_k = (L_(≤k) − L_(<k))/λ_k, L_(≤k) of M/M/c with the levels up to k",
                };
                times.figures(rate, SHARED, &formulas)
            }
        })
    }
}

fn finite(value: f64) -> Option<f64> {
    Some(value).filter(|value| value.is_finite())
}

/// How the figures came about.
struct Formulas {
    waits: &'static str,
    waiting: &'static str,
    sojourn: &'static str,
}

impl PriorityTimes {
    /// As figures of orders that come at the given rate.
    fn figures(&self, rate: f64, source: Source, formulas: &Formulas) -> Figures {
        let mut sheet = Sheet::new(source);
        let started = "E[Wq²] of the busy period that the work found starts";
        sheet
            .put(
                Metric::WaitProbability,
                self.wait_probability,
                formulas.waits,
            )
            .put(Metric::QueueLength, rate * self.waiting_mean, "Lq = λWq")
            .mean(TimeKind::Waiting, self.waiting_mean, formulas.waiting);
        if let Some(variance) = self.waiting_variance {
            sheet.variance(TimeKind::Waiting, variance, started);
        }
        if let Some(mean) = self.sojourn_mean {
            sheet.mean(TimeKind::Sojourn, mean, formulas.sojourn).put(
                Metric::NumberInSystem,
                rate * mean,
                "L = λW",
            );
        }
        if let Some(variance) = self.sojourn_variance {
            sheet.variance(
                TimeKind::Sojourn,
                variance,
                "Var(Wq) + that of the time in service",
            );
        }
        sheet.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Distribution;
    use crate::theory::{Mg1, Turn};
    use approx::assert_relative_eq;
    use proptest::prelude::*;

    fn stream(level: u32, arrival_rate: f64, law: &Distribution) -> PriorityStream {
        PriorityStream {
            level,
            arrival_rate,
            service: law.into(),
        }
    }

    fn exponential(mean: f64) -> Distribution {
        Distribution::exponential_mean(mean).unwrap()
    }

    #[test]
    fn published_sojourns_of_three_laws_with_interruption() {
        let streams = vec![
            stream(0, 0.3, &Distribution::deterministic(1.0).unwrap()),
            stream(1, 0.2, &Distribution::erlang(2, 1.5).unwrap()),
            stream(
                2,
                0.1,
                &Distribution::hyperexponential_mean_scv(2.0, 4.0).unwrap(),
            ),
        ];
        let queue = Mg1Priority::new(streams, Interruption::Resume).unwrap();
        for (k, published) in [1.2142857142857, 3.8839285714286, 23.59375]
            .into_iter()
            .enumerate()
        {
            let found = queue.times(k).unwrap().sojourn_mean.unwrap();
            assert_relative_eq!(found, published, max_relative = 1e-12);
        }
    }

    #[test]
    fn published_waits_of_classes_that_share_a_level() {
        let laws = [2.5, 4.3, 1.9].map(exponential);
        let levels = [0, 0, 1];
        let streams = levels
            .iter()
            .zip(&laws)
            .map(|(level, law)| stream(*level, 0.1, law));
        let queue = Mg1Priority::new(streams.collect(), Interruption::None).unwrap();
        for (k, published) in [11.359375, 13.159375, 70.049038].into_iter().enumerate() {
            let found = queue.times(k).unwrap().sojourn_mean.unwrap();
            assert_relative_eq!(found, published, max_relative = 1e-8);
        }
    }

    #[test]
    fn published_sojourns_of_several_consumers_with_interruption() {
        let classes = [(0, 1.0), (1, 1.5), (2, 2.0)];
        let queue = MmcPriority::new(&classes, 1.0, 5, Interruption::Resume).unwrap();
        let published = [1.0009578544061, 1.0862756286993, 4.3660338445706];
        for (k, published) in published.into_iter().enumerate() {
            let found = queue.times(k).unwrap().sojourn_mean.unwrap();
            assert_relative_eq!(found, published, max_relative = 1e-12);
        }
    }

    #[test]
    fn the_second_moment_is_that_of_kesten_and_runnenburg() {
        // Written out for two classes: E[W₂²] = (Σλ_iE[S_i³])/(3(1−ρ₁)²(1−ρ)) +
        // (Σλ_iE[S_i²])²/(2(1−ρ₁)²(1−ρ)²) + (Σλ_iE[S_i²])λ₁E[S₁²]/(2(1−ρ₁)³(1−ρ)).
        let laws = [exponential(0.5), Distribution::deterministic(2.0).unwrap()];
        let streams = vec![stream(0, 0.6, &laws[0]), stream(1, 0.2, &laws[1])];
        let queue = Mg1Priority::new(streams, Interruption::None).unwrap();
        let (second, third) = (0.6 * 0.5 + 0.2 * 4.0, 0.6 * 0.75 + 0.2 * 8.0);
        let (room, with): (f64, f64) = (0.7, 0.3);
        let moment = third / (3.0 * room.powi(2) * with)
            + second * second / (2.0 * room.powi(2) * with.powi(2))
            + second * 0.3 / (2.0 * room.powi(3) * with);
        let times = queue.times(1).unwrap();
        let variance = moment - times.waiting_mean.powi(2);
        assert_relative_eq!(
            times.waiting_variance.unwrap(),
            variance,
            max_relative = 1e-12
        );
    }

    #[test]
    fn one_class_has_no_priority() {
        let law = Distribution::gamma(0.7, 1.0).unwrap();
        let alone = stream(3, 0.9, &law);
        let fifo = Mg1::new(0.9, alone.service).unwrap();
        for interruption in [Interruption::None, Interruption::Resume] {
            let queue = Mg1Priority::new(vec![alone], interruption).unwrap();
            let times = queue.times(0).unwrap();
            let waiting = fifo.waiting_variance(Turn::FirstIn).unwrap();
            assert_relative_eq!(
                times.waiting_variance.unwrap(),
                waiting,
                max_relative = 1e-12
            );
            let sojourn = times.sojourn_mean.unwrap();
            assert_relative_eq!(sojourn, fifo.sojourn_mean(), max_relative = 1e-12);
            let all = MmcPriority::new(&[(0, 3.0)], 1.0, 4, interruption).unwrap();
            let plain = Mmc::new(3.0, 1.0, 4).unwrap();
            let variance = plain.waiting_variance(Turn::FirstIn);
            let found = all.times(0).unwrap();
            assert_relative_eq!(
                found.waiting_variance.unwrap(),
                variance.unwrap(),
                max_relative = 1e-12
            );
        }
    }

    #[test]
    fn one_consumer_is_the_same_in_both_models() {
        let law = exponential(0.5);
        let rates = [(0, 0.4), (1, 0.5), (1, 0.2), (4, 0.3)];
        for interruption in [Interruption::None, Interruption::Resume] {
            let streams = rates
                .iter()
                .map(|(level, rate)| stream(*level, *rate, &law));
            let general = Mg1Priority::new(streams.collect(), interruption).unwrap();
            let markov = MmcPriority::new(&rates, 2.0, 1, interruption).unwrap();
            for k in 0..rates.len() {
                let (a, b) = (general.times(k).unwrap(), markov.times(k).unwrap());
                assert_relative_eq!(a.wait_probability, b.wait_probability, max_relative = 1e-12);
                assert_relative_eq!(a.waiting_mean, b.waiting_mean, max_relative = 1e-12);
                let (x, y) = (a.waiting_variance.unwrap(), b.waiting_variance.unwrap());
                assert_relative_eq!(x, y, max_relative = 1e-12);
                let (x, y) = (a.sojourn_mean.unwrap(), b.sojourn_mean.unwrap());
                assert_relative_eq!(x, y, max_relative = 1e-12);
            }
        }
    }

    #[test]
    fn an_overload_is_felt_only_without_interruption() {
        let law = exponential(1.0);
        let streams = vec![
            stream(0, 0.5, &law),
            stream(1, 0.9, &law),
            stream(2, 0.3, &law),
        ];
        let felt = Mg1Priority::new(streams.clone(), Interruption::None).unwrap();
        // The consumer never rests: R = 1 as long as all means are 1.
        let first = felt.times(0).unwrap();
        assert_relative_eq!(first.waiting_mean, 2.0, max_relative = 1e-12);
        assert_relative_eq!(first.wait_probability, 1.0, max_relative = 1e-12);
        assert!(felt.times(1).is_none() && felt.times(2).is_none());
        let unfelt = Mg1Priority::new(streams, Interruption::Resume).unwrap();
        let first = unfelt.times(0).unwrap();
        assert_relative_eq!(first.waiting_mean, 1.0, max_relative = 1e-12);
        assert!(unfelt.times(1).is_none());
        let several = [(0, 1.0), (1, 1.8)];
        let felt = MmcPriority::new(&several, 1.0, 2, Interruption::None).unwrap();
        assert_relative_eq!(
            felt.times(0).unwrap().waiting_mean,
            1.0,
            max_relative = 1e-12
        );
    }

    #[test]
    fn an_overload_is_a_vacation_that_never_ends() {
        // M/G/1 with vacations V: Wq = λE[S²]/(2(1−ρ)) + E[V²]/(2E[V]) (Doshi 1986). Here λ = 0.5, S
        // exponential of mean 1, V always 3.
        let vacation = stream(1, 0.3, &Distribution::deterministic(3.0).unwrap());
        let streams = vec![stream(0, 0.5, &exponential(1.0)), vacation];
        let queue = Mg1Priority::new(streams, Interruption::None).unwrap();
        let expected = 0.5 * 2.0 / (2.0 * 0.5) + 9.0 / 6.0;
        let times = queue.times(0).unwrap();
        assert_relative_eq!(times.waiting_mean, expected, max_relative = 1e-12);
    }

    #[test]
    fn a_share_too_small_for_a_difference_has_no_sojourn() {
        let queue = MmcPriority::new(&[(0, 2.9), (1, 1e-9)], 1.0, 3, Interruption::Resume);
        let times = queue.unwrap().times(1).unwrap();
        assert_eq!(times.sojourn_mean, None);
        assert!(times.waiting_mean > 0.0);
    }

    proptest! {
        #[test]
        fn the_work_waiting_is_conserved(
            rates in proptest::collection::vec((0u32..4, 0.05f64..0.3, 0.1f64..3.0), 1..6),
        ) {
            let laws: Vec<_> = rates.iter().map(|(.., mean)| exponential(*mean)).collect();
            let load: f64 = rates.iter().map(|(_, rate, mean)| rate * mean).sum();
            let scale = 0.9 / load;
            let streams: Vec<_> = rates
                .iter()
                .zip(&laws)
                .map(|((level, rate, _), law)| stream(*level, rate * scale, law))
                .collect();
            let second: f64 = streams.iter().map(|s| s.arrival_rate * s.service.second).sum();
            let queue = Mg1Priority::new(streams.clone(), Interruption::None).unwrap();
            let work: f64 = (0..streams.len())
                .map(|k| {
                    let load = streams[k].arrival_rate * streams[k].service.first;
                    load * queue.times(k).unwrap().waiting_mean
                })
                .sum();
            prop_assert!((work / (0.9 * second / (2.0 * 0.1)) - 1.0).abs() < 1e-9);
        }
    }
}
