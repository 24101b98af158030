//! Markovian arrival processes: a chain some of whose steps bring an order.
//!
//! # References
//! D. M. Lucantoni, K. S. Meier-Hellstern, M. F. Neuts (1990), *A single-server queue with server
//! vacations and a class of non-renewal arrival processes*, Advances in Applied Probability 22,
//! 676–705; W. Fischer, K. S. Meier-Hellstern (1993), *The Markov-modulated Poisson process (MMPP)
//! cookbook*, Performance Evaluation 18, 149–171.

use super::elimination::{sojourns, stationary};
use super::{Column, Matrix, PhaseType, Row, off_diagonal, row_sums};
use crate::random::Arrivals;
use crate::theory::ModelError;

/// Processes of more phases are left to other methods.
const MOST_PHASES: usize = 256;

/// A Markovian arrival process (D₀, D₁).
///
/// # Formula
/// With π the stationary phases, λ = πD₁1 and φ = πD₁/λ the phases after an order: the gaps have the
/// moments k! φ(−D₀)^(−k)1, and E\[X₀X_n\] = φ(−D₀)⁻¹Pⁿ(−D₀)⁻¹1 with P = (−D₀)⁻¹D₁.
///
/// ```
/// use orderline::{random::Arrivals, theory::MarkovianArrivals};
/// let bursts = Arrivals::mmpp(vec![1.8, 0.2], vec![10.0, 10.0])?;
/// let process = MarkovianArrivals::of(&bursts).unwrap();
/// assert!((process.rate()? - 1.0).abs() < 1e-14);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct MarkovianArrivals {
    /// D₀ off its diagonal: steps without an order.
    pub(in crate::theory) hidden: Matrix,
    /// D₁: steps with one.
    pub(in crate::theory) events: Matrix,
}

impl MarkovianArrivals {
    /// Orders that come at a constant rate.
    pub fn poisson(rate: f64) -> MarkovianArrivals {
        MarkovianArrivals {
            hidden: Matrix::zeros(1, 1),
            events: Matrix::from_element(1, 1, rate),
        }
    }

    /// The process of a producer that has an exact Markovian form: Poisson, independent gaps of a
    /// phase-type law, modulated Poisson; `None` for all others.
    pub fn of(arrivals: &Arrivals) -> Option<MarkovianArrivals> {
        if let Some(rate) = arrivals.is_poisson() {
            return Some(MarkovianArrivals::poisson(rate));
        }
        match arrivals {
            Arrivals::Renewal { gap } => Some(MarkovianArrivals::renewal(PhaseType::of(gap)?)),
            Arrivals::Mmpp { rates, dwell } if rates.len() <= MOST_PHASES => {
                Some(MarkovianArrivals::modulated(rates, dwell))
            }
            _ => None,
        }
    }

    fn renewal(gap: PhaseType) -> MarkovianArrivals {
        MarkovianArrivals {
            events: &gap.exit * &gap.start,
            hidden: gap.inner,
        }
    }

    /// States in a circle.
    fn modulated(rates: &[f64], dwell: &[f64]) -> MarkovianArrivals {
        let n = rates.len();
        let mut hidden = Matrix::zeros(n, n);
        for (i, stay) in dwell.iter().enumerate() {
            hidden[(i, (i + 1) % n)] += 1.0 / stay;
        }
        MarkovianArrivals {
            hidden: off_diagonal(hidden),
            events: Matrix::from_diagonal(&Column::from_column_slice(rates)),
        }
    }

    /// This process and an independent other one together; `None` where they have too many phases.
    pub fn and(&self, other: &MarkovianArrivals) -> Option<MarkovianArrivals> {
        let (n, m) = (self.phases(), other.phases());
        if n * m > MOST_PHASES {
            return None;
        }
        let (here, there) = (Matrix::identity(n, n), Matrix::identity(m, m));
        let sum = |a: &Matrix, b: &Matrix| a.kronecker(&there) + here.kronecker(b);
        Some(MarkovianArrivals {
            hidden: sum(&self.hidden, &other.hidden),
            events: sum(&self.events, &other.events),
        })
    }

    /// The same phases when none of its orders is looked at.
    pub fn unseen(&self) -> MarkovianArrivals {
        MarkovianArrivals {
            hidden: self.hidden.clone(),
            events: Matrix::zeros(self.phases(), self.phases()),
        }
    }

    /// The number of phases.
    pub fn phases(&self) -> usize {
        self.events.nrows()
    }

    /// The stationary phases at any time.
    pub(in crate::theory) fn stationary(&self) -> Result<Row, ModelError> {
        stationary(&(&self.hidden + &self.events))
    }

    /// λ, per second.
    ///
    /// # Errors
    /// Phases that are not all reached from one another.
    pub fn rate(&self) -> Result<f64, ModelError> {
        Ok((self.stationary()? * row_sums(&self.events))[0])
    }

    /// The squared coefficient of variation of a gap.
    ///
    /// # Errors
    /// As [`MarkovianArrivals::rate`].
    pub fn scv(&self) -> Result<f64, ModelError> {
        let (after, stay) = (self.after_an_order()?, self.between()?);
        let first = &after * &stay;
        let second = 2.0 * (&first * &stay).sum();
        Ok(second / first.sum().powi(2) - 1.0)
    }

    /// The correlation of two gaps that are `lag` orders apart.
    ///
    /// # Errors
    /// As [`MarkovianArrivals::rate`].
    pub fn correlation(&self, lag: u32) -> Result<f64, ModelError> {
        let (after, stay) = (self.after_an_order()?, self.between()?);
        let next = &stay * &self.events;
        let mut row = &after * &stay;
        let mean = row.sum();
        let variance = 2.0 * (&row * &stay).sum() - mean * mean;
        for _ in 0..lag {
            row = &row * &next;
        }
        Ok(((row * stay).sum() - mean * mean) / variance)
    }

    /// How often a second orders find each of the consumers' phases, from the probabilities of all phases
    /// at a level (those of arrivals run slowest).
    pub(in crate::theory) fn seen(&self, level: &Row) -> Row {
        let width = level.len() / self.phases();
        let rates = row_sums(&self.events);
        Row::from_fn(width, |_, s| {
            rates
                .iter()
                .enumerate()
                .map(|(a, rate)| rate * level[a * width + s])
                .sum()
        })
    }

    /// φ: the phases just after an order.
    fn after_an_order(&self) -> Result<Row, ModelError> {
        let flow = self.stationary()? * &self.events;
        let rate = flow.sum();
        Ok(flow / rate)
    }

    /// (−D₀)⁻¹.
    fn between(&self) -> Result<Matrix, ModelError> {
        sojourns(&self.hidden, &row_sums(&self.events))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Distribution;
    use approx::assert_relative_eq;

    fn process(arrivals: Result<Arrivals, crate::random::ParameterError>) -> MarkovianArrivals {
        MarkovianArrivals::of(&arrivals.unwrap()).unwrap()
    }

    #[test]
    fn renewals_have_the_variability_of_their_gaps_and_no_correlation() {
        let gap = Distribution::hyperexponential_mean_scv(0.7, 4.0).unwrap();
        let renewal = process(Arrivals::renewal(gap));
        assert_relative_eq!(renewal.rate().unwrap(), 1.0 / 0.7, max_relative = 1e-13);
        assert_relative_eq!(renewal.scv().unwrap(), 4.0, max_relative = 1e-12);
        assert_relative_eq!(renewal.correlation(1).unwrap(), 0.0, epsilon = 1e-13);
    }

    #[test]
    fn an_on_off_process_is_hyperexponential() {
        // Rate 2 in stays of 4 s, silent for 4 s: an interrupted Poisson process is a renewal
        // process whose gaps have scv 1 + 2λ/(on·off-rates…) (Kuczura 1973): here
        // 1 + 2·2·(1/4)/(1/4 + 1/4)² = 5.
        let bursts = process(Arrivals::mmpp(vec![2.0, 0.0], vec![4.0, 4.0]));
        assert_relative_eq!(bursts.rate().unwrap(), 1.0, max_relative = 1e-14);
        assert_relative_eq!(bursts.scv().unwrap(), 5.0, max_relative = 1e-13);
        assert_relative_eq!(bursts.correlation(3).unwrap(), 0.0, epsilon = 1e-13);
    }

    #[test]
    fn bursts_are_correlated_less_and_less() {
        let bursts = process(Arrivals::mmpp(vec![3.0, 0.5], vec![2.0, 10.0]));
        let lags: Vec<f64> = (1..6).map(|n| bursts.correlation(n).unwrap()).collect();
        assert!(lags[0] > 0.0 && lags[0] < 0.5);
        // Two states: the correlations fall geometrically.
        for pair in lags.windows(2) {
            assert_relative_eq!(pair[1] / pair[0], lags[1] / lags[0], max_relative = 1e-9);
        }
    }

    #[test]
    fn poisson_processes_add_up_to_one() {
        let sum = MarkovianArrivals::poisson(1.0).and(&MarkovianArrivals::poisson(0.5));
        assert_eq!(sum, Some(MarkovianArrivals::poisson(1.5)));
        let even = process(Arrivals::renewal(Distribution::erlang(4, 1.0).unwrap()));
        let both = even.and(&even).unwrap();
        assert_relative_eq!(both.rate().unwrap(), 2.0, max_relative = 1e-13);
        assert!(both.scv().unwrap() > 0.25);
    }
}
