//! What leaves a queue with exponential service behind independent phase-type gaps: a Markovian process
//! whose phases are the number in system and the phase of the gap.
//!
//! The number in system has no bound. It is cut where so few orders come that nothing which is computed
//! of the process changes in its first seven digits.
//!
//! # References
//! P. J. Burke (1972), *Output processes and tandem queues*, Symposium on Computer-Communications
//! Networks and Teletraffic, Brooklyn; M. F. Neuts (1981), *Matrix-Geometric Solutions*, chapter 5.

use super::matrix::{MarkovianArrivals, Matrix, PhaseType};
use super::{GiMc, ModelError};
use crate::random::Distribution;

/// What may be left beyond the cut, for each arrival.
const BEYOND: f64 = 1e-9;
/// Phases of a process that can be put before a queue while the user waits.
const MOST_PHASES: f64 = 270.0;

/// The departures of GI/M/c; `None` where the gaps are not phase-type or where too many orders can be
/// there at a time.
///
/// # Formula
/// Of the orders that come, P(n or more there) = O(σⁿ) with σ = 1 − θ/(cμ), θ being the decay of the
/// waiting time.
///
/// # Errors
/// Those of [`GiMc::new`].
pub(super) fn departures(
    gap: &Distribution,
    service_rate: f64,
    consumers: u32,
) -> Result<Option<MarkovianArrivals>, ModelError> {
    let (Some(gaps), Some(queue)) = (PhaseType::of(gap), GiMc::new(gap, service_rate, consumers)?)
    else {
        return Ok(None);
    };
    let sigma = 1.0 - queue.decay() / (f64::from(consumers) * service_rate);
    let most = f64::from(consumers) + (BEYOND.ln() / sigma.ln()).ceil();
    let phases = most * gaps.count() as f64;
    if phases.is_nan() || phases > MOST_PHASES {
        return Ok(None);
    }
    let (most, phases) = (most as usize, gaps.count());
    let next = &gaps.exit * &gaps.start;
    let size = (most + 1) * phases;
    let (mut hidden, mut events) = (Matrix::zeros(size, size), Matrix::zeros(size, size));
    for there in 0..=most {
        let place = there * phases;
        // At the cut an order that comes is not let in.
        let after = place + if there < most { phases } else { 0 };
        let mut within = hidden.view_mut((place, place), (phases, phases));
        within += &gaps.inner;
        let mut coming = hidden.view_mut((place, after), (phases, phases));
        coming += &next;
        let rate = service_rate * (there as f64).min(f64::from(consumers));
        for phase in 0..phases {
            if there > 0 {
                events[(place + phase, place - phases + phase)] = rate;
            }
        }
    }
    hidden.fill_diagonal(0.0);
    Ok(Some(MarkovianArrivals { hidden, events }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::{MapPhC, Mmc};
    use approx::assert_relative_eq;

    fn second(gap: Distribution, first: (f64, u32), second: f64) -> MapPhC {
        let process = departures(&gap, first.0, first.1).unwrap().unwrap();
        let service = PhaseType::of_rate(second).unwrap();
        MapPhC::of_any_size(&process, &service, 1).unwrap()
    }

    #[test]
    fn figures_of_a_truncated_chain() {
        let gap = Distribution::hyperexponential_mean_scv(1.0, 4.0).unwrap();
        let queue = second(gap, (1.0 / 0.6, 1), 1.0 / 0.7);
        assert_relative_eq!(queue.number_in_system(), 3.9503358, max_relative = 1e-7);
        assert_relative_eq!(queue.waiting_mean(), 3.2503358, max_relative = 1e-7);
    }

    #[test]
    fn behind_poisson_arrivals_they_are_poisson() {
        for c in [1, 3] {
            let gap = Distribution::exponential(0.5 * f64::from(c)).unwrap();
            let queue = second(gap, (1.0, c), 2.0);
            let exact = Mmc::new(0.5 * f64::from(c), 2.0, 1).unwrap();
            assert_relative_eq!(
                queue.queue_length(),
                exact.queue_length(),
                max_relative = 1e-8
            );
        }
    }

    #[test]
    fn heavy_loads_have_too_many_phases() {
        let gap = Distribution::exponential(0.99).unwrap();
        assert!(departures(&gap, 1.0, 1).unwrap().is_none());
    }
}
