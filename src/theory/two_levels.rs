//! M/M/c whose two levels of priority have rates of service of their own, with interruption.
//!
//! # References
//! The chain of I. Mitrani, P. J. B. King (1981), *Multiprocessor systems with preemptive priorities*,
//! Performance Evaluation 1, 118–125, solved by matrix-geometric methods (D. Wagner 1997,
//! *Analysis of mean values of a multi-server model with non-preemptive priorities and non-renewal
//! input*, Stochastic Models 13).

use super::error::{ModelError, positive, stable};
use super::matrix::{Ladder, Levels, Matrix};
use super::sheet::{Sheet, Source};
use super::{Figures, Mmc};
use crate::metric::{Metric, TimeKind};

const SOURCE: Source = Source::exact("Mitrani and King 1981, Perform. Eval. 1; Neuts 1981");
/// More phases than this take longer than a user waits.
const PHASES: usize = 120;
/// Probability of more urgent orders than are kept track of.
const CUT: f64 = 1e-15;
/// How far two lengths may differ in their mean number for it to count as exact.
const AGREED: f64 = 1e-9;

/// The M/M/c queue in which urgent orders interrupt all others, each kind with its own rate.
///
/// # Formula
/// The urgent orders are an M/M/c of their own. With them as phases and the others as levels the
/// queue is a quasi-birth-death chain; L of the others is its mean level.
///
/// # Domain
/// Poisson arrivals; λ₁/μ₁ + λ₂/μ₂ < c.
///
/// # Numerics
/// The number of urgent orders is cut where fewer than 10⁻¹⁵ are beyond, and again a quarter later: what
/// the two do not agree on to 1e-9 is refused.
///
/// ```
/// use orderline::theory::TwoLevels;
/// // Two consumers, urgent orders λ = 0.6, μ = 2, others λ = 0.5, μ = 0.5: W₂ = 3.58812725.
/// let queue = TwoLevels::new([0.6, 0.5], [2.0, 0.5], 2)?.expect("a short chain");
/// assert!((queue.sojourn_mean() - 3.58812725).abs() < 1e-8);
/// # Ok::<(), orderline::theory::ModelError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TwoLevels {
    urgent: Mmc,
    arrival_rate: f64,
    /// L of the others.
    number: f64,
    /// That others find all consumers busy.
    wait_probability: f64,
}

impl TwoLevels {
    /// A queue with the arrival and service rates of the urgent and the other orders, and c consumers;
    /// `None` if the chain has too many phases.
    ///
    /// # Errors
    /// A rate that is not positive, no consumers, an overload, or a chain that is not solved
    /// accurately enough.
    pub fn new(
        arrivals: [f64; 2],
        services: [f64; 2],
        consumers: u32,
    ) -> Result<Option<TwoLevels>, ModelError> {
        let urgent = Mmc::new(arrivals[0], services[0], consumers)?;
        let own = positive("arrival rate", arrivals[1])? / positive("service rate", services[1])?;
        stable(urgent.utilization() + own / f64::from(consumers))?;
        let beyond = (CUT.ln() / urgent.utilization().ln()).ceil().max(1.0);
        let most = f64::from(consumers) + 1.25 * beyond;
        if most >= PHASES as f64 {
            return Ok(None);
        }
        let solve = |beyond: f64| {
            let highest = consumers as usize + beyond as usize;
            others(arrivals, services, consumers as usize, highest)
        };
        let (rough, fine) = (solve(beyond)?, solve((1.25 * beyond).ceil())?);
        let error = (rough.0 / fine.0 - 1.0).abs();
        if error > AGREED {
            return Err(ModelError::Inaccurate {
                method: "cut of the number of urgent orders",
                error,
            });
        }
        Ok(Some(TwoLevels {
            urgent,
            arrival_rate: arrivals[1],
            number: fine.0,
            wait_probability: fine.1,
        }))
    }

    /// The urgent orders' own queue.
    pub fn urgent(&self) -> &Mmc {
        &self.urgent
    }

    /// W of the others, interruptions included, seconds.
    pub fn sojourn_mean(&self) -> f64 {
        self.number / self.arrival_rate
    }

    /// The figures of the others.
    pub(super) fn figures(&self) -> Figures {
        let mut sheet = Sheet::new(SOURCE);
        sheet
            .put(
                Metric::WaitProbability,
                self.wait_probability,
                "P(all consumers are busy)",
            )
            .put(
                Metric::NumberInSystem,
                self.number,
                "L₂: mean level of the chain of both numbers",
            )
            .mean(TimeKind::Sojourn, self.sojourn_mean(), "W₂ = L₂/λ₂");
        sheet.finish()
    }
}

/// L of the others and the probability that all consumers are busy, with up to `highest` urgent orders.
fn others(
    arrivals: [f64; 2],
    services: [f64; 2],
    c: usize,
    highest: usize,
) -> Result<(f64, f64), ModelError> {
    let n = highest + 1;
    let mut local = Matrix::zeros(n, n);
    for urgent in 0..highest {
        local[(urgent, urgent + 1)] = arrivals[0];
        local[(urgent + 1, urgent)] = (urgent + 1).min(c) as f64 * services[0];
    }
    let up = Matrix::from_diagonal_element(n, n, arrivals[1]);
    let down = |level: usize| {
        let busy = |urgent: usize| level.min(c.saturating_sub(urgent)) as f64 * services[1];
        Matrix::from_fn(n, n, |i, j| if i == j { busy(i) } else { 0.0 })
    };
    let levels = Levels {
        up: vec![up.clone(); c],
        local: vec![local.clone(); c],
        down: (1..=c).map(down).collect(),
    };
    let ladder = Ladder::new(&levels, up, local, down(c))?;
    let below = ladder.levels[..c].iter().enumerate();
    let full: f64 = below
        .map(|(level, row)| row.columns_range(c - level..).sum())
        .sum();
    Ok((ladder.mean, full + ladder.above.sum()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::{Interruption, MmcPriority};
    use approx::assert_relative_eq;

    #[test]
    fn equal_rates_are_the_known_difference() {
        for (c, rates) in [(1, [0.3, 0.4]), (2, [0.5, 0.8]), (7, [3.0, 2.5])] {
            let chain = TwoLevels::new(rates, [1.0, 1.0], c).unwrap().unwrap();
            let known = MmcPriority::new(
                &[(0, rates[0]), (1, rates[1])],
                1.0,
                c,
                Interruption::Resume,
            );
            let known = known.unwrap().times(1).unwrap();
            let sojourn = known.sojourn_mean.unwrap();
            assert_relative_eq!(chain.sojourn_mean(), sojourn, max_relative = 1e-9);
            let waits = known.wait_probability;
            assert_relative_eq!(chain.wait_probability, waits, max_relative = 1e-9);
        }
    }

    #[test]
    fn one_consumer_is_known_for_any_rates() {
        // W₂ = E[S₂]/(1−ρ₁) + (λ₁E[S₁²] + λ₂E[S₂²])/(2(1−ρ₁)(1−ρ)).
        let chain = TwoLevels::new([0.5, 0.1], [2.0, 0.25], 1).unwrap().unwrap();
        let known = 4.0 / 0.75 + (0.5 * 0.5 + 0.1 * 32.0) / (2.0 * 0.75 * 0.35);
        assert_relative_eq!(chain.sojourn_mean(), known, max_relative = 1e-9);
    }

    #[test]
    fn what_is_too_long_is_none() {
        assert_eq!(TwoLevels::new([0.99, 0.001], [1.0, 1.0], 1), Ok(None));
    }
}
