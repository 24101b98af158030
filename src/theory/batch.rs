//! M^X/M/1 and M^X/G/1: batches that come by Poisson's law, one consumer, any law of service.
//!
//! # References
//! D. Gross, J. F. Shortle, J. M. Thompson, C. M. Harris (2008), *Fundamentals of Queueing Theory*, 4th
//! ed., section 3.1; P. J. Burke (1975), *Delays in single-server queues with batch input*, Operations
//! Research 23, 830–833.

use super::error::{ModelError, non_negative, positive, stable};
use super::overtaken::is_smooth;
use super::pollaczek::WaitLaw;
use super::sheet::{Sheet, Source};
use super::{Curve, Figures, Kind, ServiceMoments};
use crate::metric::{Metric, TimeKind};
use crate::random::{DiscreteDistribution, Distribution};
use std::sync::Arc;

const SOURCE: Source = Source::exact("Burke 1975, Oper. Res. 23, 830-833");
const INVERSION: Source = Source::exact("Burke 1975; inverted after Abate, Whitt 1992, QUESTA 10");

/// The M^X/G/1 queue in steady state; every figure is per order, not per batch.
///
/// # Domain
/// Batches per second λ > 0, λE\[X\]E\[S\] < 1, E\[S²\] and E\[X²\] finite; variances need third moments.
///
/// # Formula
/// An order waits for the batches before its own, as an order of M/G/1 whose service B is that of a whole
/// batch, and for J orders of its own batch, P(J = j) = P(X > j)/E\[X\], independently:
/// Wq = λE\[B²\]/(2(1 − ρ)) + E\[J\]E\[S\]. P(Wq > 0) = 1 − (1 − ρ)/E\[X\]: Poisson batches see time averages,
/// orders within a batch do not.
///
/// ```
/// use orderline::random::DiscreteDistribution;
/// use orderline::theory::{MxG1, ServiceMoments};
/// // N. D. van Foreest, Queueing, 6.5: batches of 1, 2 or 3 once a second, μ = 3: L = 10/3.
/// let size = DiscreteDistribution::finite(vec![1, 2, 3], vec![1.0 / 3.0; 3])?;
/// let third = ServiceMoments { first: 1.0 / 3.0, second: 2.0 / 9.0, third: 2.0 / 9.0 };
/// let queue = MxG1::new(1.0, &size, third)?;
/// assert!((queue.number_in_system() - 10.0 / 3.0).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MxG1 {
    batch_rate: f64,
    size: [f64; 3],
    service: ServiceMoments,
}

impl MxG1 {
    /// A queue with `batch_rate` batches per second of the given size and moments of one service.
    ///
    /// # Errors
    /// A rate or mean that is not positive, an infinite second moment, or λE\[X\]E\[S\] ≥ 1.
    pub fn new(
        batch_rate: f64,
        size: &DiscreteDistribution,
        service: ServiceMoments,
    ) -> Result<MxG1, ModelError> {
        let orders = positive("arrival rate", batch_rate)? * size.mean();
        non_negative("second moment of service", service.second)?;
        stable(orders * positive("mean service", service.first)?)?;
        Ok(MxG1 {
            batch_rate,
            size: [1, 2, 3].map(|k| size.moment(k)),
            service,
        })
    }

    /// λE\[X\], orders per second.
    pub fn order_rate(&self) -> f64 {
        self.batch_rate * self.size[0]
    }

    /// ρ = λE\[X\]E\[S\].
    pub fn utilization(&self) -> f64 {
        self.order_rate() * self.service.first
    }

    /// P(Wq > 0) of an order.
    pub fn wait_probability(&self) -> f64 {
        1.0 - (1.0 - self.utilization()) / self.size[0]
    }

    /// The service of a whole batch.
    fn whole(&self) -> ServiceMoments {
        let [one, two, three] = self.size;
        let s = self.service;
        let pairs = two - one;
        let triples = three - 3.0 * two + 2.0 * one;
        ServiceMoments {
            first: one * s.first,
            second: one * s.second + pairs * s.first * s.first,
            third: one * s.third + 3.0 * pairs * s.second * s.first + triples * s.first.powi(3),
        }
    }

    /// E\[J\] and Var(J), the orders before one in its own batch.
    fn ahead(&self) -> (f64, f64) {
        let [one, two, three] = self.size;
        let mean = (two - one) / (2.0 * one);
        let second = (2.0 * three - 3.0 * two + one) / (6.0 * one);
        (mean, second - mean * mean)
    }

    /// Wq, seconds.
    pub fn waiting_mean(&self) -> f64 {
        let behind = self.batch_rate * self.whole().second / (2.0 * (1.0 - self.utilization()));
        behind + self.ahead().0 * self.service.first
    }

    /// Var(Wq), first in, first out; `None` where a third moment is infinite.
    pub fn waiting_variance(&self) -> Option<f64> {
        let whole = self.whole();
        let left = 1.0 - self.utilization();
        let behind = self.batch_rate * whole.second / (2.0 * left);
        let batches = behind * behind + self.batch_rate * whole.third / (3.0 * left);
        let (mean, variance) = self.ahead();
        let own = mean * self.service.variance() + variance * self.service.first.powi(2);
        Some(batches + own).filter(|value| value.is_finite())
    }

    /// W = Wq + E\[S\], seconds.
    pub fn sojourn_mean(&self) -> f64 {
        self.waiting_mean() + self.service.first
    }

    /// Lq = λE\[X\]Wq.
    pub fn queue_length(&self) -> f64 {
        self.order_rate() * self.waiting_mean()
    }

    /// L = λE\[X\]W.
    pub fn number_in_system(&self) -> f64 {
        self.order_rate() * self.sojourn_mean()
    }

    /// All figures but quantiles; variances first in, first out only.
    pub(super) fn figures(&self, fifo: bool) -> Figures {
        let mut sheet = Sheet::new(SOURCE);
        sheet
            .put(Metric::Utilization, self.utilization(), "ρ = λE[X]E[S]")
            .put(Metric::QueueLength, self.queue_length(), "Lq = λE[X]Wq")
            .put(
                Metric::NumberInSystem,
                self.number_in_system(),
                "L = λE[X]W",
            )
            .put(
                Metric::WaitProbability,
                self.wait_probability(),
                "1 − (1−ρ)/E[X]",
            )
            .mean(
                TimeKind::Waiting,
                self.waiting_mean(),
                "Wq = λE[B²]/(2(1−ρ)) + E[X(X−1)]E[S]/(2E[X]), B the service of a batch",
            )
            .mean(TimeKind::Sojourn, self.sojourn_mean(), "W = Wq + E[S]");
        if let Some(variance) = self.waiting_variance().filter(|_| fifo) {
            let formula = "(λE[B²]/(2(1−ρ)))² + λE[B³]/(3(1−ρ)) + E[J]Var(S) + Var(J)E[S]²";
            let sojourn = variance + self.service.variance();
            sheet
                .variance(TimeKind::Waiting, variance, formula)
                .variance(TimeKind::Sojourn, sojourn, "Var(Wq) + Var(S)");
        }
        sheet.finish()
    }
}

/// Whether the inversion takes seconds: a transform without closed form of a law that varies very little
/// or very much.
fn takes_long(service: &Distribution) -> bool {
    const USUAL: std::ops::RangeInclusive<f64> = 0.05..=20.0;
    let closed = is_smooth(service) || service.is_deterministic().is_some();
    let scv = service.scv();
    let open = matches!(
        service,
        Distribution::LogNormal { .. } | Distribution::Weibull { .. } | Distribution::Pareto { .. }
    );
    open && !closed && scv.is_finite() && !USUAL.contains(&scv)
}

/// The quantiles and curves of the wait and the sojourn in M/G/1 and M^X/G/1, first in, first out; what
/// the inversion is not sure of is left out.
pub(super) fn laws(
    rate: f64,
    service: &Distribution,
    size: &DiscreteDistribution,
) -> Option<(Figures, Curve, Curve)> {
    if takes_long(service) {
        return None;
    }
    let law = Arc::new(WaitLaw::new(rate, service, size).ok()??);
    let mut sheet = Sheet::new(INVERSION);
    sheet
        .quantiles(
            TimeKind::Waiting,
            |p| law.waiting_quantile(p),
            "inversion of (1−ρ)/(1−ρφₑ(s)), and of the own batch before",
        )
        .quantiles(
            TimeKind::Sojourn,
            |p| law.sojourn_quantile(p),
            "inversion of the wait's transform times φ(s)",
        );
    let figures = sheet.finish();
    // One curve without the other helps nobody.
    let sure = figures.len() == 10;
    let curve = |formula, ccdf: Arc<dyn Fn(f64) -> f64 + Send + Sync>| Curve {
        kind: Kind::Exact,
        formula,
        reference: INVERSION.reference,
        ccdf,
    };
    let (wait, stay) = (law.clone(), law);
    sure.then(|| {
        (
            figures,
            curve(
                "P(Wq > t), by inversion",
                Arc::new(move |t| wait.waiting(t)),
            ),
            curve("P(W > t), by inversion", Arc::new(move |t| stay.sojourn(t))),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::{Mg1, Mm1, Turn};
    use approx::assert_relative_eq;
    use proptest::prelude::*;

    fn exponential(rate: f64) -> ServiceMoments {
        ServiceMoments {
            first: 1.0 / rate,
            second: 2.0 / rate.powi(2),
            third: 6.0 / rate.powi(3),
        }
    }

    #[test]
    fn published_figures() {
        let three = DiscreteDistribution::deterministic(3).unwrap();
        let queue = MxG1::new(0.3, &three, exponential(1.0)).unwrap();
        assert_relative_eq!(queue.number_in_system(), 18.0, max_relative = 1e-12);
        assert_relative_eq!(queue.waiting_mean(), 19.0, max_relative = 1e-12);
        let mixed = DiscreteDistribution::finite(vec![1, 5, 20], vec![0.5, 0.3, 0.2]).unwrap();
        let queue = MxG1::new(0.15, &mixed, exponential(1.0)).unwrap();
        assert_relative_eq!(queue.number_in_system(), 70.5, max_relative = 1e-12);
    }

    #[test]
    fn geometric_batches_have_an_exponential_sojourn() {
        let size = DiscreteDistribution::geometric(2.0).unwrap();
        let queue = MxG1::new(1.0 / 3.0, &size, exponential(1.0)).unwrap();
        let rate = 0.5 - 1.0 / 3.0;
        assert_relative_eq!(queue.sojourn_mean(), 1.0 / rate, max_relative = 1e-12);
        let variance = queue.waiting_variance().unwrap() + 1.0;
        assert_relative_eq!(variance, rate.powi(-2), max_relative = 1e-12);
    }

    #[test]
    fn single_orders_make_m_m_1() {
        let service = Distribution::exponential(1.0).unwrap();
        let one = DiscreteDistribution::deterministic(1).unwrap();
        let (figures, wait, stay) = laws(0.8, &service, &one).unwrap();
        let known = Mm1::new(0.8, 1.0).unwrap();
        for (metric, figure) in figures {
            let other = known.figures(Turn::FirstIn)[&metric].value;
            assert_relative_eq!(figure.value, other, max_relative = 1e-8);
        }
        assert_relative_eq!(wait.at(2.0), 0.8 * (-0.4f64).exp(), max_relative = 1e-9);
        assert_relative_eq!(stay.at(2.0), (-0.4f64).exp(), max_relative = 1e-9);
    }

    proptest! {
        #[test]
        fn figures_hang_together(rho in 0.01f64..0.999, mean in 1.0f64..30.0, scv in 0.1f64..5.0) {
            let size = DiscreteDistribution::geometric(mean).unwrap();
            let law = Distribution::gamma_mean_scv(1.0, scv).unwrap();
            let service = ServiceMoments { first: 1.0, second: law.moment(2), third: law.moment(3) };
            let queue = MxG1::new(rho / mean, &size, service).unwrap();
            let little = queue.number_in_system() / (queue.order_rate() * queue.sojourn_mean());
            prop_assert!((little - 1.0).abs() < 1e-9);
            let single = Mg1::new(rho, service).unwrap();
            prop_assert!(queue.waiting_mean() >= single.waiting_mean() * (1.0 - 1e-9));
            let one = DiscreteDistribution::deterministic(1).unwrap();
            let same = MxG1::new(rho, &one, service).unwrap();
            prop_assert!((same.waiting_mean() / single.waiting_mean() - 1.0).abs() < 1e-9);
            let variance = single.waiting_variance(Turn::FirstIn).unwrap();
            prop_assert!((same.waiting_variance().unwrap() / variance - 1.0).abs() < 1e-9);
        }
    }
}
