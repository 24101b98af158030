//! How often an order is tried, and what its attempts and pauses take together.
//!
//! # Formula
//! An attempt fails with q = 1 − (1 − p)P(S ≤ T), p being the probability of failure and T the time-out, and
//! takes min(S, T). Of at most n attempts there are E\[N\] = (1 − qⁿ)/(1 − q), and all fail with qⁿ. Where
//! an order keeps its consumer until the end, its time is a random sum: attempts that failed and pauses,
//! then the last attempt.
//!
//! # References
//! W. Feller (1968), *An Introduction to Probability Theory and Its Applications*, volume 1, sections VI.8
//! and XII.1 (geometric trials, compound distributions).

use crate::network::{Backoff, Failure};
use crate::random::{Distribution, Pieces};

/// Probability of further attempts below which they are left out of sums.
const RARE: f64 = 1e-15;
/// Terms of a sum over attempts.
const MOST: u32 = 100_000;
/// Components of an exact mixture.
const COMPONENTS: usize = 400;
/// Phases of an exact Coxian law.
const PHASES: u32 = 40;

/// The attempts of the orders of one class at one stage.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Attempts {
    /// q: probability that one fails.
    pub fails: f64,
    /// n; `u32::MAX` is no limit.
    pub limit: u32,
}

/// The first two moments of a time.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Moments {
    mean: f64,
    variance: f64,
}

impl Attempts {
    pub fn new(failure: &Failure, class: usize, service: &Distribution) -> Attempts {
        let timely = 1.0 - service.ccdf(failure.timeout);
        Attempts {
            fails: 1.0 - (1.0 - failure.probability[class]) * timely,
            limit: failure.attempts,
        }
    }

    /// E\[N\].
    pub fn mean(&self) -> f64 {
        if self.fails >= 1.0 {
            f64::from(self.limit)
        } else {
            (1.0 - self.all_fail()) / (1.0 - self.fails)
        }
    }

    /// qⁿ.
    pub fn all_fail(&self) -> f64 {
        match self.limit {
            u32::MAX if self.fails < 1.0 => 0.0,
            limit => self.fails.powf(f64::from(limit)),
        }
    }

    /// Whether it ever ends.
    pub fn ends(&self) -> bool {
        self.limit < u32::MAX || self.fails < 1.0
    }

    /// The probability that one more attempt follows, which gives the same number of attempts in the
    /// mean.
    pub fn again(&self) -> f64 {
        1.0 - 1.0 / self.mean()
    }

    /// How often the n-th failure (from 1) is followed by a pause, per order, and its law; until hardly
    /// ever. `None` where the pauses grow more quickly than they grow rare.
    fn pauses(&self, backoff: &Backoff) -> Option<Vec<(f64, Distribution)>> {
        let mut pauses = Vec::new();
        let mut total = 0.0;
        for n in 1..self.limit.min(MOST) {
            let chance = self.fails.powf(f64::from(n));
            let pause = pause(backoff, n)?;
            let part = chance * pause.mean();
            if chance <= RARE && part <= RARE * total {
                return Some(pauses);
            }
            total += part;
            pauses.push((chance, pause));
        }
        (self.limit <= MOST).then_some(pauses)
    }
}

/// The law of the pause after the n-th failure.
fn pause(backoff: &Backoff, n: u32) -> Option<Distribution> {
    match backoff {
        Backoff::AtOnce => Distribution::deterministic(0.0).ok(),
        Backoff::Law(law) => Some(law.clone()),
        Backoff::Exponential {
            first,
            factor,
            jitter,
            longest,
        } => {
            let middle = (first * factor.powf(f64::from(n) - 1.0)).min(*longest);
            match *jitter > 0.0 {
                true => Distribution::uniform(middle * (1.0 - jitter), middle * (1.0 + jitter)),
                false => Distribution::deterministic(middle),
            }
            .ok()
        }
        Backoff::Table(times) => {
            let at = (n as usize - 1).min(times.len() - 1);
            Distribution::deterministic(times[at]).ok()
        }
    }
}

/// Whether all pauses are of one law that takes no time.
pub(super) fn no_pause(backoff: &Backoff) -> bool {
    match backoff {
        Backoff::AtOnce => true,
        Backoff::Law(law) => law.mean() == 0.0,
        Backoff::Exponential { .. } => false,
        Backoff::Table(times) => times.iter().all(|time| *time == 0.0),
    }
}

/// The law of any pause; `None` where it has no mean.
pub(super) fn any_pause(backoff: &Backoff, attempts: &Attempts) -> Option<Distribution> {
    if let Backoff::Law(law) = backoff {
        return law.mean().is_finite().then(|| law.clone());
    }
    let all = attempts.pauses(backoff)?;
    let total: f64 = all.iter().map(|(chance, _)| chance).sum();
    if all.len() <= COMPONENTS {
        let (chances, laws): (Vec<f64>, Vec<Distribution>) = all.into_iter().unzip();
        let weights = chances.into_iter().map(|chance| chance / total).collect();
        return Distribution::mixture(weights, laws).ok();
    }
    let means = all.iter().map(|(chance, law)| chance * law.mean());
    Distribution::deterministic(means.sum::<f64>() / total).ok()
}

/// E\[N | success\].
pub(super) fn successful(attempts: &Attempts) -> f64 {
    let lost = attempts.all_fail();
    if lost == 0.0 || attempts.limit > MOST {
        return attempts.mean();
    }
    if lost >= 1.0 {
        return 0.0;
    }
    let made = (0..attempts.limit).map(|k| attempts.fails.powf(f64::from(k)) - lost);
    made.sum::<f64>() / (1.0 - lost)
}

/// The mean of all pauses of an order, and of those of one that succeeds.
pub(super) fn pause_means(backoff: &Backoff, attempts: &Attempts) -> Option<(f64, f64)> {
    if attempts.fails == 0.0 || no_pause(backoff) {
        return Some((0.0, 0.0));
    }
    let lost = attempts.all_fail();
    let (mut all, mut of_successful) = (0.0, 0.0);
    for (chance, pause) in attempts.pauses(backoff)? {
        all += chance * pause.mean();
        of_successful += (chance - lost).max(0.0) * pause.mean();
    }
    Some((
        all,
        if lost < 1.0 {
            of_successful / (1.0 - lost)
        } else {
            0.0
        },
    ))
}

/// The means of an attempt that fails, and of one that succeeds.
pub(super) fn end_means(
    failure: &Failure,
    attempts: &Attempts,
    service: &Distribution,
) -> (f64, f64) {
    let (failing, succeeding) = by_end(failure, attempts, service);
    (failing.mean, succeeding.mean)
}

/// min(S, T): by mean and variance where the law is cut, and whether it is the law itself.
pub(super) fn attempt_law(service: &Distribution, timeout: f64) -> Option<(Distribution, bool)> {
    if service.ccdf(timeout) == 0.0 {
        return Some((service.clone(), true));
    }
    let (mean, second) = attempt_moments(service, timeout);
    Some((
        like(Moments {
            mean,
            variance: second - mean * mean,
        })?,
        false,
    ))
}

/// E\[min(S, T)^k\] for k = 1, 2.
pub(super) fn attempt_moments(service: &Distribution, timeout: f64) -> (f64, f64) {
    if service.ccdf(timeout) == 0.0 {
        return (service.mean(), service.moment(2));
    }
    let (late, below) = split(service, timeout);
    (
        below[1] + late * timeout,
        below[2] + late * timeout * timeout,
    )
}

/// P(S > T), and E\[S^k; S ≤ T\].
fn split(service: &Distribution, timeout: f64) -> (f64, [f64; 4]) {
    let pieces = Pieces::of(service);
    let mut below = [0.0; 4];
    for (value, chance) in &pieces.atoms {
        if *value <= timeout {
            (0..4).for_each(|k| below[k] += chance * value.powi(k as i32));
        }
    }
    for smooth in &pieces.smooth {
        let part = smooth.partial(timeout).up_to;
        (0..4).for_each(|k| below[k] += part[k]);
    }
    (service.ccdf(timeout), below)
}

/// A law with this mean and variance.
fn like(moments: Moments) -> Option<Distribution> {
    let Moments { mean, variance } = moments;
    if variance <= 1e-12 * mean * mean {
        return Distribution::deterministic(mean).ok();
    }
    Distribution::gamma_mean_scv(mean, variance / (mean * mean)).ok()
}

/// The time that a consumer is kept by one order that it tries until the end, and whether that is the law
/// itself; `None` where it has no variance.
pub(super) fn kept(
    failure: &Failure,
    attempts: &Attempts,
    service: &Distribution,
) -> Option<(Distribution, bool)> {
    let cut = service.ccdf(failure.timeout) > 0.0;
    if !cut && let Some(law) = kept_exactly(failure, attempts, service) {
        return Some((law, true));
    }
    // A law without a third moment is not like one that has it: its waits cannot be measured.
    if !cut && !service.moment_is_finite(3) {
        return None;
    }
    let (failing, succeeding) = by_end(failure, attempts, service);
    let total = total(failure, attempts, failing, succeeding)?;
    like(total).map(|law| (law, false))
}

fn kept_exactly(
    failure: &Failure,
    attempts: &Attempts,
    service: &Distribution,
) -> Option<Distribution> {
    let unpaused = no_pause(&failure.backoff);
    if let Some(rate) = service.is_exponential() {
        if unpaused && attempts.limit == u32::MAX {
            return Distribution::exponential(rate * (1.0 - attempts.fails)).ok();
        }
        if unpaused && attempts.limit <= PHASES {
            let phases = attempts.limit as usize;
            return Distribution::coxian(vec![rate; phases], vec![attempts.fails; phases - 1]).ok();
        }
        if let (Backoff::Law(law), u32::MAX) = (&failure.backoff, attempts.limit)
            && let Some(pause) = law.is_exponential()
        {
            let t = vec![vec![-rate, rate * attempts.fails], vec![pause, -pause]];
            return Distribution::phase_type(vec![1.0, 0.0], t).ok();
        }
    }
    let time = service.is_deterministic()?;
    let mut weights = Vec::new();
    let mut values = Vec::new();
    let (mut value, mut reached) = (time, 1.0);
    for n in 1..=attempts.limit {
        let last = n == attempts.limit || reached * attempts.fails <= RARE;
        weights.push(if last {
            reached
        } else {
            reached * (1.0 - attempts.fails)
        });
        values.push(Distribution::deterministic(value).ok()?);
        if last {
            return Distribution::mixture(weights, values).ok();
        }
        if values.len() == COMPONENTS {
            return None;
        }
        value += time + pause(&failure.backoff, n)?.is_deterministic()?;
        reached *= attempts.fails;
    }
    None
}

/// The moments of an attempt that fails, and of one that succeeds.
fn by_end(failure: &Failure, attempts: &Attempts, service: &Distribution) -> (Moments, Moments) {
    let class_fails = {
        // q = 1 − (1 − p)P(S ≤ T).
        let timely = 1.0 - service.ccdf(failure.timeout);
        if timely > 0.0 {
            1.0 - (1.0 - attempts.fails) / timely
        } else {
            1.0
        }
    };
    let (late, below) = if failure.timeout.is_finite() {
        split(service, failure.timeout)
    } else {
        (0.0, [1.0, service.mean(), service.moment(2), 0.0])
    };
    let cut = if late > 0.0 { failure.timeout } else { 0.0 };
    let of = |chance: f64, first: f64, second: f64| {
        if chance <= 0.0 {
            return Moments {
                mean: 0.0,
                variance: 0.0,
            };
        }
        let mean = first / chance;
        Moments {
            mean,
            variance: (second / chance - mean * mean).max(0.0),
        }
    };
    let failing = of(
        attempts.fails,
        class_fails * below[1] + late * cut,
        class_fails * below[2] + late * cut * cut,
    );
    let succeeds = 1.0 - class_fails;
    let succeeding = of(
        1.0 - attempts.fails,
        succeeds * below[1],
        succeeds * below[2],
    );
    (failing, succeeding)
}

/// The random sum.
fn total(
    failure: &Failure,
    attempts: &Attempts,
    failing: Moments,
    succeeding: Moments,
) -> Option<Moments> {
    let (mut mean, mut variance, mut reached) = (0.0, 0.0, 1.0);
    let (mut first, mut second) = (0.0, 0.0);
    let mut add = |chance: f64, mean: f64, variance: f64| {
        first += chance * mean;
        second += chance * (variance + mean * mean);
    };
    for n in 1..=attempts.limit {
        let succeeded = reached * (1.0 - attempts.fails);
        add(
            succeeded,
            mean + succeeding.mean,
            variance + succeeding.variance,
        );
        (mean, variance) = (mean + failing.mean, variance + failing.variance);
        reached *= attempts.fails;
        if n == attempts.limit {
            add(reached, mean, variance);
        }
        if n == attempts.limit || reached <= RARE {
            let moments = Moments {
                mean: first,
                variance: second - first * first,
            };
            return (first.is_finite() && second.is_finite()).then_some(moments);
        }
        if n == MOST {
            return None;
        }
        let pause = pause(&failure.backoff, n)?;
        (mean, variance) = (mean + pause.mean(), variance + pause.variance());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::tests::failure;
    use super::*;
    use crate::network::RetryPlace;
    use approx::assert_relative_eq;

    fn attempts(fails: f64, limit: u32) -> Attempts {
        Attempts { fails, limit }
    }

    #[test]
    fn tries_are_geometric_up_to_their_limit() {
        assert_relative_eq!(
            attempts(0.25, u32::MAX).mean(),
            4.0 / 3.0,
            max_relative = 1e-14
        );
        let four = attempts(0.5, 4);
        assert_relative_eq!(four.mean(), 1.0 + 0.5 + 0.25 + 0.125, max_relative = 1e-14);
        assert_relative_eq!(four.all_fail(), 0.0625, max_relative = 1e-14);
        assert_relative_eq!(attempts(1.0, 3).mean(), 3.0);
        assert!(!attempts(1.0, u32::MAX).ends());
    }

    #[test]
    fn pauses_are_weighted_by_how_often_they_come() {
        let table = Backoff::Table(vec![1.0, 5.0]);
        // After the first failure 1 s, after the second and third 5 s.
        let law = any_pause(&table, &attempts(0.5, 4)).unwrap();
        let mean = (0.5 * 1.0 + 0.25 * 5.0 + 0.125 * 5.0) / 0.875;
        assert_relative_eq!(law.mean(), mean, max_relative = 1e-12);
        let growing = Backoff::Exponential {
            first: 1.0,
            factor: 2.0,
            jitter: 0.2,
            longest: f64::INFINITY,
        };
        let law = any_pause(&growing, &attempts(0.25, u32::MAX)).unwrap();
        // Σ qⁿ 2ⁿ⁻¹ over Σ qⁿ: (q/(1 − 2q))/(q/(1 − q)).
        assert_relative_eq!(law.mean(), 0.75 / 0.5, max_relative = 1e-9);
        // Pauses that double more quickly than they grow rare have no mean.
        assert!(any_pause(&growing, &attempts(0.6, u32::MAX)).is_none());
    }

    /// The moments of the random sum are those of the exact laws, where there are such.
    #[test]
    fn the_random_sum_has_the_moments_of_the_exact_laws() {
        let exponential = Distribution::exponential(2.0).unwrap();
        let fixed = Distribution::deterministic(0.5).unwrap();
        let pause = Distribution::exponential(0.7).unwrap();
        let fixed_pause = Distribution::deterministic(1.5).unwrap();
        let cases = [
            (&exponential, Backoff::AtOnce, u32::MAX),
            (&exponential, Backoff::AtOnce, 3),
            (&exponential, Backoff::Law(pause), u32::MAX),
            (&fixed, Backoff::Law(fixed_pause), 5),
            (&fixed, Backoff::Table(vec![1.0, 2.0]), u32::MAX),
        ];
        for (service, backoff, limit) in cases {
            let failure = Failure {
                attempts: limit,
                backoff,
                retry: RetryPlace::InPlace,
                ..failure()
            };
            let tries = Attempts::new(&failure, 0, service);
            let exact = kept_exactly(&failure, &tries, service).unwrap();
            let (failing, succeeding) = by_end(&failure, &tries, service);
            let sum = total(&failure, &tries, failing, succeeding).unwrap();
            assert_relative_eq!(sum.mean, exact.mean(), max_relative = 1e-9);
            assert_relative_eq!(sum.variance, exact.variance(), max_relative = 1e-9);
        }
    }

    #[test]
    fn a_time_out_cuts_the_law() {
        let service = Distribution::exponential(1.0).unwrap();
        let (law, whole) = attempt_law(&service, 2.0).unwrap();
        let tail = (-2.0f64).exp();
        assert!(!whole);
        assert_relative_eq!(law.mean(), 1.0 - tail, max_relative = 1e-12);
        // E[min(S, T)²] = 2(1 − e^(−T)(1 + T)).
        let second = 2.0 * (1.0 - 3.0 * tail);
        assert_relative_eq!(law.moment(2), second, max_relative = 1e-10);
        let failure = Failure {
            probability: vec![0.1],
            timeout: 2.0,
            ..failure()
        };
        let tries = Attempts::new(&failure, 0, &service);
        assert_relative_eq!(tries.fails, 1.0 - 0.9 * (1.0 - tail), max_relative = 1e-12);
        let (failing, succeeding) = by_end(&failure, &tries, &service);
        let mean = tries.fails * failing.mean + (1.0 - tries.fails) * succeeding.mean;
        assert_relative_eq!(mean, 1.0 - tail, max_relative = 1e-12);
    }
}
