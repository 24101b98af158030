//! Processor sharing: all orders in the system are served at once.
//!
//! Nobody waits for service to start, so the waiting time is 0; what the others cost shows in the
//! sojourn time, which is longer than the service time (the work) alone.
//!
//! # References
//! M. Sakata, S. Noguchi, J. Oizumi (1971), *An analysis of the M/G/1 queue under round-robin
//! scheduling*, Operations Research 19; J. W. Cohen (1979), *The multiple phase service network with
//! generalized processor sharing*, Acta Informatica 12, 245–284 (several consumers, bounds; the mean
//! sojourn is proportional to the size); E. G. Coffman, R. R. Muntz, H. Trotter (1970), *Waiting time
//! distributions for processor-sharing systems*, J. ACM 17, 123–130 (variance of M/M/1).

use super::error::ModelError;
use super::sheet::{Sheet, Source};
use super::{Figures, Kind, Mmc, Mmck, Turn};
use crate::metric::{Metric, TimeKind};

const SHARING: Source =
    Source::exact("Sakata et al. 1971, Oper. Res. 19; Cohen 1979, Acta Inf. 12");
const VARIANCE: Source = Source::exact("Coffman, Muntz and Trotter 1970, J. ACM 17");

/// The M/G/c queue with processor sharing: n orders get min(n, c) consumers' work, each the same.
///
/// # Formula
/// The number in system has the law of M/M/c (or of M/M/c/K where only K may be in the system) whatever
/// the law of service (insensitivity), and an order of size x stays W·x/E\[S\] on average.
///
/// # Domain
/// Poisson arrivals, any service; λ < c/E\[S\] without bound.
///
/// ```
/// use orderline::theory::ProcessorSharing;
/// // ρ = 0.8, any law of mean 1: W = 1/(1 − ρ); an order of size 3 stays three times as long.
/// let queue = ProcessorSharing::new(0.8, 1.0, 1, None)?;
/// assert!((queue.sojourn_mean(1.0) - 5.0).abs() < 1e-12);
/// assert!((queue.sojourn_mean(3.0) - 15.0).abs() < 1e-12);
/// # Ok::<(), orderline::theory::ModelError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ProcessorSharing {
    accepted: f64,
    service_mean: f64,
    consumers: u32,
    number: f64,
    bounded: Option<Mmck>,
}

impl ProcessorSharing {
    /// A queue with arrival rate λ, mean service E\[S\] of all orders, c consumers, and room for as many
    /// orders beyond c as given.
    ///
    /// # Errors
    /// A rate or mean that is not positive, no consumers, or λE\[S\] ≥ c without bound.
    pub fn new(
        arrival_rate: f64,
        service_mean: f64,
        consumers: u32,
        places: Option<u64>,
    ) -> Result<ProcessorSharing, ModelError> {
        let rate = 1.0 / service_mean;
        let mut sharing = ProcessorSharing {
            accepted: arrival_rate,
            service_mean,
            consumers,
            number: 0.0,
            bounded: None,
        };
        match places {
            None => sharing.number = Mmc::new(arrival_rate, rate, consumers)?.number_in_system(),
            Some(places) => {
                let bounded = Mmck::new(arrival_rate, rate, consumers, places)?;
                sharing.number = bounded.number_in_system();
                sharing.accepted = arrival_rate * (1.0 - bounded.loss_probability());
                sharing.bounded = Some(bounded);
            }
        }
        Ok(sharing)
    }

    /// The rate of orders that come in, per second.
    pub fn accepted_rate(&self) -> f64 {
        self.accepted
    }

    /// L, of all orders.
    pub fn number_in_system(&self) -> f64 {
        self.number
    }

    /// W of orders with the given mean service, seconds.
    pub fn sojourn_mean(&self, service_mean: f64) -> f64 {
        service_mean / self.service_mean * (self.number / self.accepted)
    }

    /// Var(W) with one consumer, no bound and exponential service for all: (2 + ρ)/(μ²(2 − ρ)(1 − ρ)²).
    pub fn exponential_sojourn_variance(&self) -> Option<f64> {
        if self.consumers != 1 || self.bounded.is_some() {
            return None;
        }
        let rho = self.accepted * self.service_mean;
        let own = self.service_mean / (1.0 - rho);
        Some((2.0 + rho) / (2.0 - rho) * own * own)
    }

    /// The figures of all orders; `exponential` says that all have the same exponential law.
    pub(super) fn figures(&self, exponential: bool) -> Figures {
        let mut figures = self.class_figures(self.service_mean, self.accepted, exponential);
        if let Some(bounded) = &self.bounded {
            let of_number = bounded.figures(Turn::Any, Kind::Exact).into_iter();
            figures.extend(of_number.filter(|(metric, _)| {
                matches!(metric, Metric::Utilization | Metric::LossProbability)
            }));
        }
        figures
    }

    /// The figures of the orders with the given mean service that are accepted at the given rate;
    /// `exponential` as above.
    pub(super) fn class_figures(
        &self,
        service_mean: f64,
        accepted: f64,
        exponential: bool,
    ) -> Figures {
        let mut sheet = Sheet::new(SHARING);
        let sojourn = self.sojourn_mean(service_mean);
        let nobody = "0: service starts at once";
        sheet
            .put(Metric::WaitProbability, 0.0, nobody)
            .put(Metric::QueueLength, 0.0, nobody)
            .put(
                Metric::NumberInSystem,
                accepted * sojourn,
                "L of M/M/c: insensitive",
            )
            .mean(TimeKind::Waiting, 0.0, nobody)
            .variance(TimeKind::Waiting, 0.0, nobody)
            .quantiles(TimeKind::Waiting, |_| Some(0.0), nobody)
            .mean(TimeKind::Sojourn, sojourn, "W_k = E[S_k]/E[S] · L/λ");
        let mut figures = sheet.finish();
        if let (true, Some(variance)) = (exponential, self.exponential_sojourn_variance()) {
            let mut sheet = Sheet::new(VARIANCE);
            sheet.variance(TimeKind::Sojourn, variance, "(2+ρ)/(μ²(2−ρ)(1−ρ)²)");
            figures.append(&mut sheet.finish());
        }
        figures
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;
    use proptest::prelude::*;

    #[test]
    fn published_figures() {
        // Coffman, Muntz and Trotter: at ρ = 0.8 sharing spreads (2 + ρ)/(2 − ρ) times as much as first
        // in, first out.
        let queue = ProcessorSharing::new(0.8, 1.0, 1, None).unwrap();
        let variance = queue.exponential_sojourn_variance().unwrap();
        assert_relative_eq!(variance, 25.0 * 2.8 / 1.2, max_relative = 1e-12);
        let idle = ProcessorSharing::new(1e-9, 1.0, 1, None).unwrap();
        let variance = idle.exponential_sojourn_variance().unwrap();
        assert_relative_eq!(variance, 1.0, max_relative = 1e-8);
    }

    #[test]
    fn a_bound_keeps_the_number_of_m_m_c_k() {
        let queue = ProcessorSharing::new(3.0, 0.5, 2, Some(3)).unwrap();
        let markov = Mmck::new(3.0, 2.0, 2, 3).unwrap();
        assert_relative_eq!(queue.number_in_system(), markov.number_in_system());
        let accepted = 3.0 * (1.0 - markov.loss_probability());
        let little = queue.number_in_system() / accepted;
        assert_relative_eq!(queue.sojourn_mean(0.5), little, max_relative = 1e-12);
    }

    proptest! {
        #[test]
        fn classes_add_up(rho in 0.01f64..0.99, c in 1u32..20, share in 0.01f64..0.99) {
            // Two classes of means 1 and 4.
            let mean = share + 4.0 * (1.0 - share);
            let rate = rho * f64::from(c) / mean;
            let queue = ProcessorSharing::new(rate, mean, c, None).unwrap();
            let number = |m, rate| {
                queue.class_figures(m, rate, false)[&Metric::NumberInSystem].value
            };
            let both = number(1.0, rate * share) + number(4.0, rate * (1.0 - share));
            prop_assert!((both / queue.number_in_system() - 1.0).abs() < 1e-12);
            prop_assert!(queue.sojourn_mean(1.0) >= 1.0 - 1e-12);
        }
    }
}
