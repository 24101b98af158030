//! The law of the wait in M/G/1 and M^X/G/1, first in, first out.
//!
//! # Formula
//! Pollaczek and Khinchine: the first order of a batch waits as an order of M/G/1 whose service is that
//! of a whole batch: E\[e^(−sW₁)\] = (1 − ρ)/(1 − ρφₑ(s)) with φₑ = (1 − φ_B)/(sE\[B\]), the residual time of a
//! batch's service B. An order that stands behind J others of its batch waits for them too, where
//! P(J = j) = P(X > j)/E\[X\] for a batch of X, so that E\[e^(−sA)\] = (1 − φ_B)/(E\[X\](1 − φ_S)) for the work A
//! of those J. The sojourn adds a service of its own.
//!
//! # Numerics
//! Images instead of transforms, so that nothing cancels near ρ = 1, and numerical inversion
//! ([`super::inversion`]). What is not smooth is taken out first and added in closed form: no wait at
//! all, and one residual service time of a law with atoms. A quantile is refused where the sum does not
//! settle to 10⁻⁹, or where another setting of the inversion disagrees.
//!
//! # References
//! F. Pollaczek (1930), Math. Z. 32; P. J. Burke (1975), *Delays in single-server queues with batch
//! input*, Operations Research 23, 830–833; J. Abate, W. Whitt (1992), Queueing Systems 10.

use super::error::{ModelError, positive, stable};
use super::image::{Image, Wave};
use super::inversion::{Inverted, SETTING, invert, sure_quantile};
use crate::random::{DiscreteDistribution, Distribution};

/// How close two sums must come.
const CLOSE: f64 = 3e-11;
/// More atoms, or larger batches of them, than this take more than a second.
const MOST_ATOMS: usize = 12;

/// The waiting and sojourn time of M/G/1 and M^X/G/1 as laws.
#[derive(Debug, Clone)]
pub(super) struct WaitLaw {
    /// Batches per second.
    rate: f64,
    service: Distribution,
    batch: DiscreteDistribution,
    /// The service of a whole batch where orders take a fixed time.
    blocks: Option<Box<Blocks>>,
    rho: f64,
}

/// Batches of orders that all take the same time.
#[derive(Debug, Clone)]
struct Blocks {
    first: WaitLaw,
    each: f64,
    /// P(J = j).
    before: Vec<f64>,
}

impl WaitLaw {
    /// The law for single orders; `None` where the service has too many atoms, or no transform.
    ///
    /// # Errors
    /// A rate or mean that is not positive and finite, or λE\[S\] ≥ 1.
    pub fn single(rate: f64, service: &Distribution) -> Result<Option<WaitLaw>, ModelError> {
        let one = DiscreteDistribution::Deterministic { value: 1 };
        WaitLaw::new(rate, service, &one)
    }

    /// The law for batches that come at `rate`; `None` as for [`WaitLaw::single`], and for batches of
    /// orders whose service has atoms among other values.
    ///
    /// # Errors
    /// As [`WaitLaw::single`].
    pub fn new(
        rate: f64,
        service: &Distribution,
        batch: &DiscreteDistribution,
    ) -> Result<Option<WaitLaw>, ModelError> {
        let mean = positive("mean service", service.mean())?;
        let rho = stable(positive("arrival rate", rate)? * batch.mean() * mean)?;
        let atoms = atoms(service);
        let known = Image::new(service, Wave::new(1.0 / mean, 1.0 / mean)).is_some();
        if !known || atoms > MOST_ATOMS {
            return Ok(None);
        }
        let mut law = WaitLaw {
            rate,
            service: service.clone(),
            batch: batch.clone(),
            blocks: None,
            rho,
        };
        if atoms > 0 && !batch.is_always_one() {
            law.blocks = Blocks::new(rate, service, batch)?.map(Box::new);
            return Ok(law.blocks.is_some().then_some(law));
        }
        Ok(Some(law))
    }

    /// P(Wq > t).
    pub fn waiting(&self, t: f64) -> f64 {
        self.wait(t, SETTING).value.clamp(0.0, 1.0)
    }

    /// P(W > t).
    pub fn sojourn(&self, t: f64) -> f64 {
        self.stay(t, SETTING).value.clamp(0.0, 1.0)
    }

    /// The p-quantile of the waiting time.
    pub fn waiting_quantile(&self, p: f64) -> Option<f64> {
        if self.never() >= p {
            return Some(0.0);
        }
        self.quantile(p, |t, setting| self.wait(t, setting))
    }

    /// The p-quantile of the sojourn time.
    pub fn sojourn_quantile(&self, p: f64) -> Option<f64> {
        self.quantile(p, |t, setting| self.stay(t, setting))
    }

    fn quantile(&self, p: f64, tail: impl Fn(f64, f64) -> Inverted) -> Option<f64> {
        sure_quantile(tail, p, self.guess(1.0 - p))
    }

    /// The quantile of an exponential law with the mean of the sojourn.
    fn guess(&self, target: f64) -> f64 {
        let (size, mean) = (&self.batch, self.service.mean());
        let second = size.mean() * self.service.variance() + size.moment(2) * mean * mean;
        let wait = self.rate * second / (2.0 * (1.0 - self.rho));
        let usual = if wait.is_finite() {
            wait
        } else {
            mean / (1.0 - self.rho)
        };
        (mean - usual * target.ln()).min(1e300)
    }

    /// P(Wq = 0).
    fn never(&self) -> f64 {
        (1.0 - self.rho) / self.batch.mean()
    }

    fn wait(&self, t: f64, setting: f64) -> Inverted {
        if t < 0.0 {
            return Inverted::known(1.0);
        }
        if t == 0.0 {
            return Inverted::known(1.0 - self.never());
        }
        if let Some(blocks) = &self.blocks {
            return blocks.sum(|ahead| blocks.first.wait(t - ahead, setting));
        }
        let single = self.batch.is_always_one();
        let sharp = if single {
            (1.0 - self.rho) * self.rate
        } else {
            0.0
        };
        let smooth = |s: Wave| match self.parts(s) {
            Some(parts) => (parts.waited - sharp * sharp_bend(&self.service, s) / s) / s,
            None => Wave::new(f64::NAN, 0.0),
        };
        let rest = invert(smooth, t, setting, CLOSE);
        rest.plus(Inverted::known(sharp * sharp_excess(&self.service, t)))
    }

    fn stay(&self, t: f64, setting: f64) -> Inverted {
        match &self.blocks {
            Some(blocks) => blocks.sum(|ahead| blocks.first.wait(t - ahead - blocks.each, setting)),
            None => self.stay_of(&self.service, t, setting),
        }
    }

    /// P(Wq + T > t) for an independent time T.
    fn stay_of(&self, time: &Distribution, t: f64, setting: f64) -> Inverted {
        let sum = |parts: &mut dyn Iterator<Item = Inverted>| {
            parts.fold(Inverted::known(0.0), Inverted::plus)
        };
        match time {
            _ if t < 0.0 => Inverted::known(1.0),
            Distribution::Deterministic { value } => self.wait(t - value, setting),
            Distribution::Empirical { values } => {
                let share = 1.0 / values.len() as f64;
                sum(&mut values
                    .iter()
                    .map(|x| self.wait(t - x, setting).times(share)))
            }
            Distribution::Mixture {
                weights,
                components,
            } => {
                let used = weights.iter().zip(components).filter(|(w, _)| **w > 0.0);
                sum(&mut used.map(|(w, part)| self.stay_of(part, t, setting).times(*w)))
            }
            Distribution::Shifted { by, of } => self.stay_of(of, t - by, setting),
            _ if t == 0.0 => Inverted::known(1.0),
            smooth => self.stay_smooth(smooth, t, setting),
        }
    }

    /// Without a wait the law of T itself; the rest by inversion.
    fn stay_smooth(&self, time: &Distribution, t: f64, setting: f64) -> Inverted {
        let never = self.never();
        let transform = |s: Wave| {
            let both = self.parts(s).zip(Image::new(time, s));
            both.map_or(Wave::new(f64::NAN, 0.0), |(parts, own)| {
                (parts.waited + (1.0 - never - parts.waited) * own.lost) / s
            })
        };
        let rest = invert(transform, t, setting, CLOSE);
        rest.plus(Inverted::known(never * time.ccdf(t)))
    }

    fn parts(&self, s: Wave) -> Option<Parts> {
        let order = Image::new(&self.service, s)?;
        let batch = order.random_sum(&self.batch);
        // ρ(1 − φₑ)
        let gap = self.rate * batch.bend / s;
        let first = gap / (1.0 - self.rho + gap);
        let size = self.batch.mean();
        let ahead = match self.batch.is_always_one() {
            true => Wave::new(0.0, 0.0),
            false => (batch.bend - size * order.bend) / (size * order.lost),
        };
        Some(Parts {
            waited: first + ahead - first * ahead,
        })
    }
}

/// What the law is made of, at one s.
struct Parts {
    /// 1 − E\[e^(−sWq)\].
    waited: Wave,
}

impl Blocks {
    fn new(
        rate: f64,
        service: &Distribution,
        batch: &DiscreteDistribution,
    ) -> Result<Option<Blocks>, ModelError> {
        let sizes: Vec<(u64, f64)> = match batch {
            DiscreteDistribution::Deterministic { value } => vec![(*value, 1.0)],
            DiscreteDistribution::Geometric { .. } => return Ok(None),
            DiscreteDistribution::Finite {
                values,
                probabilities,
            } => values
                .iter()
                .copied()
                .zip(probabilities.iter().copied())
                .collect(),
        };
        let largest = sizes.iter().map(|(size, _)| *size).max().unwrap_or(1);
        let Some(each) = service
            .is_deterministic()
            .filter(|_| largest <= MOST_ATOMS as u64)
        else {
            return Ok(None);
        };
        let (weights, components) = sizes
            .iter()
            .map(|&(size, p)| {
                (
                    p,
                    Distribution::Deterministic {
                        value: each * size as f64,
                    },
                )
            })
            .unzip();
        let whole = Distribution::Mixture {
            weights,
            components,
        };
        let more = |j: u64| {
            sizes
                .iter()
                .filter(|(size, _)| *size > j)
                .map(|(_, p)| p)
                .sum::<f64>()
        };
        let before = (0..largest).map(|j| more(j) / batch.mean()).collect();
        let first = WaitLaw::single(rate, &whole)?;
        Ok(first.map(|first| Blocks {
            first,
            each,
            before,
        }))
    }

    /// Σ P(J = j) × what is left after j services.
    fn sum(&self, of: impl Fn(f64) -> Inverted) -> Inverted {
        let parts = self.before.iter().enumerate();
        parts
            .map(|(j, p)| of(j as f64 * self.each).times(*p))
            .fold(Inverted::known(0.0), Inverted::plus)
    }
}

/// How many single values have a probability.
fn atoms(law: &Distribution) -> usize {
    match law {
        Distribution::Deterministic { .. } => 1,
        Distribution::Empirical { values } => values.len(),
        Distribution::Mixture {
            weights,
            components,
        } => {
            let used = weights.iter().zip(components).filter(|(w, _)| **w > 0.0);
            used.map(|(_, part)| atoms(part)).sum()
        }
        Distribution::Shifted { of, .. } => atoms(of),
        Distribution::PhaseType { alpha, .. } => {
            usize::from(alpha.iter().sum::<f64>() < 1.0 - 1e-12)
        }
        _ => 0,
    }
}

/// The second part of the image of those components whose residual time has a kink.
fn sharp_bend(law: &Distribution, s: Wave) -> Wave {
    match law {
        Distribution::Deterministic { .. }
        | Distribution::Empirical { .. }
        | Distribution::Uniform { .. } => {
            Image::new(law, s).map_or(Wave::new(f64::NAN, 0.0), |image| image.bend)
        }
        Distribution::Mixture {
            weights,
            components,
        } => {
            let used = weights.iter().zip(components).filter(|(w, _)| **w > 0.0);
            used.map(|(w, part)| sharp_bend(part, s) * *w)
                .fold(Wave::new(0.0, 0.0), |a, b| a + b)
        }
        _ => Wave::new(0.0, 0.0),
    }
}

/// E\[(S − t)⁺\] of the same components.
fn sharp_excess(law: &Distribution, t: f64) -> f64 {
    match law {
        Distribution::Deterministic { value } => (value - t).max(0.0),
        Distribution::Empirical { values } => {
            values.iter().map(|x| (x - t).max(0.0)).sum::<f64>() / values.len() as f64
        }
        Distribution::Uniform { low, high } => {
            let beyond = (high - t.max(*low)).max(0.0);
            (low - t).max(0.0) + beyond * beyond / (2.0 * (high - low))
        }
        Distribution::Mixture {
            weights,
            components,
        } => {
            let used = weights.iter().zip(components).filter(|(w, _)| **w > 0.0);
            used.map(|(w, part)| w * sharp_excess(part, t)).sum()
        }
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;
    use std::f64::consts::E;

    fn single(rate: f64, service: Distribution) -> WaitLaw {
        WaitLaw::single(rate, &service).unwrap().unwrap()
    }

    #[test]
    fn exponential_service_is_m_m_1() {
        for rho in [0.3, 0.9, 1.0 - 1e-6, 1.0 - 1e-9] {
            let law = single(rho, Distribution::exponential(1.0).unwrap());
            for p in [0.5, 0.9, 0.999] {
                let gap = 1.0 - rho;
                let wait = ((rho / (1.0 - p)).ln() / gap).max(0.0);
                let found = law.waiting_quantile(p).unwrap();
                assert_relative_eq!(found, wait, max_relative = 3e-8);
                let stay = -(1.0 - p).ln() / gap;
                let found = law.sojourn_quantile(p).unwrap();
                assert_relative_eq!(found, stay, max_relative = 3e-8);
            }
        }
    }

    /// Erlang 1909: P(Wq ≤ t) = (1 − ρ)e^(λt) for t < D.
    #[test]
    fn fixed_service_is_erlangs() {
        for law in [
            single(0.7, Distribution::deterministic(1.0).unwrap()),
            single(0.7, Distribution::empirical(vec![1.0, 1.0]).unwrap()),
        ] {
            assert_relative_eq!(law.waiting(0.4), 1.0 - 0.3 * E.powf(0.28), epsilon = 1e-9);
            let p99 = law.waiting_quantile(0.99).unwrap();
            assert_relative_eq!(p99, 6.48549942896, max_relative = 1e-7);
            let p90 = law.sojourn_quantile(0.9).unwrap();
            assert_relative_eq!(p90, 4.07708687311, max_relative = 1e-7);
        }
    }

    /// Every order of a geometric batch of exponential orders: again M/M/1, at a lower rate.
    #[test]
    fn geometric_batches_of_exponential_orders() {
        let size = DiscreteDistribution::geometric(2.0).unwrap();
        let service = Distribution::exponential(1.0).unwrap();
        let law = WaitLaw::new(1.0 / 3.0, &service, &size).unwrap().unwrap();
        // The sojourn of M^X/M/1 with geometric X is exponential with rate μp − λ.
        let rate = 0.5 - 1.0 / 3.0;
        for p in [0.5, 0.99] {
            let found = law.sojourn_quantile(p).unwrap();
            assert_relative_eq!(found, -(1.0 - p).ln() / rate, max_relative = 1e-8);
        }
    }

    /// Batches of one size of orders of one length, against the batch as a whole.
    #[test]
    fn the_last_of_a_batch_of_fixed_orders_waits_for_the_others() {
        let service = Distribution::deterministic(0.5).unwrap();
        let size = DiscreteDistribution::deterministic(2).unwrap();
        let law = WaitLaw::new(0.6, &service, &size).unwrap().unwrap();
        let whole = single(0.6, Distribution::deterministic(1.0).unwrap());
        let half = 0.5 * (whole.waiting(1.3) + whole.waiting(0.8));
        assert_relative_eq!(law.waiting(1.3), half, epsilon = 1e-10);
    }

    #[test]
    fn every_law_has_its_quantiles() {
        let laws = [
            Distribution::uniform(0.5, 1.5),
            Distribution::uniform(0.0, 2.0),
            Distribution::triangular(0.2, 0.8, 2.0),
            Distribution::gamma_mean_scv(1.0, 2.0),
            Distribution::gamma_mean_scv(1.0, 0.01),
            Distribution::lognormal_mean_scv(1.0, 0.01),
            Distribution::lognormal_mean_scv(1.0, 2.0),
            Distribution::weibull_mean_scv(1.0, 0.2),
            Distribution::weibull_mean_scv(1.0, 4.0),
            Distribution::pareto_mean_scv(1.0, 2.0),
            Distribution::pareto(1.5, 1.0 / 3.0),
            Distribution::bounded_pareto(1.5, 0.2, 300.0),
            Distribution::hyperexponential_mean_scv(1.0, 10.0),
            Distribution::shifted(0.5, Distribution::exponential(2.0).unwrap()),
            Distribution::empirical(vec![0.5, 1.0, 1.5]),
            Distribution::mixture(
                vec![0.5, 0.5],
                vec![
                    Distribution::deterministic(0.5).unwrap(),
                    Distribution::lognormal_mean_scv(1.5, 1.0).unwrap(),
                ],
            ),
        ];
        for law in laws.map(Result::unwrap) {
            for rho in [0.3, 0.9, 0.999_999] {
                let wait = single(rho / law.mean(), law.clone());
                let mut before = 0.0;
                for p in [0.9, 0.99] {
                    let found = wait.waiting_quantile(p);
                    let found = found.unwrap_or_else(|| panic!("{law:?} at {rho}, wait p{p}"));
                    assert!(found >= before);
                    before = found;
                    let stay = wait.sojourn_quantile(p);
                    assert!(
                        stay.is_some_and(|t| t > found * (1.0 - 1e-9)),
                        "{law:?} at {rho}, sojourn p{p}"
                    );
                }
            }
        }
    }
}
