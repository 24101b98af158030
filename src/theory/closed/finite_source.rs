//! M/M/c//N and M/M/c/K//N: a finite population of customers who think, send an order, and think
//! again when it has been served or rejected (machine repair, Engset).
//!
//! # References
//! T. Engset (1918), *Die Wahrscheinlichkeitsrechnung zur Bestimmung der Wähleranzahl in
//! automatischen Fernsprechämtern*, Elektrotechn. Zeitschrift 39; D. Gross, J. F. Shortle, J. M.
//! Thompson, C. M. Harris (2008), *Fundamentals of Queueing Theory*, 4th ed., section 2.8. What
//! arrivals see: K. C. Sevcik, I. Mitrani (1981), *The distribution of queuing network states at
//! input and output instants*, Journal of the ACM 28, 358–371.

use super::erlang_mixture::{ErlangMixture, SOJOURN, WAITING};
use crate::metric::{Metric, TimeKind};
use crate::theory::error::{non_negative, positive};
use crate::theory::numeric::sum;
use crate::theory::sheet::{Sheet, Source};
use crate::theory::{Curve, Figures, ModelError, Turn};

/// Where the figures are published.
pub(super) const REFERENCE: &str =
    "Engset 1918; Gross et al. 2008, Fundamentals of Queueing Theory, 2.8";

/// More states than this are refused.
const STATES: u64 = 20_000_000;

/// The M/M/c/K//N queue in steady state. Times are those of the accepted orders.
///
/// # Domain
/// N ≥ 1 customers (at most 2·10⁷), mean think time Z ≥ 0 of any law, μ > 0, c ≥ 1, and K − c places
/// to wait, or any number. Z = 0 needs room for all N. Without places (K = c, Engset) the service
/// too may have any law.
///
/// # Formula
/// p_n ∝ Π_(i<n) (N − i)/(Z min(i + 1, c)μ) for n ≤ K. An order that is sent finds the other N − 1
/// customers as they are without its own (arrival theorem): its loss is p_K of N − 1 customers, and
/// if it is accepted and finds c + j, it waits for j + 1 departures at rate cμ.
///
/// # Numerics
/// Weights from the mode outwards, so that none overflows; only positive terms are added.
///
/// ```
/// use orderline::theory::FiniteSource;
/// // M. Rossetti, Simulation Modeling and Arena: five machines, three operators.
/// let queue = FiniteSource::new(5, 10.0, 0.25, 3, None)?;
/// assert!((queue.number_in_system() - 1.45699047868338).abs() < 1e-13);
/// assert!((queue.sojourn_mean() - 4.11229625525234).abs() < 1e-13);
/// # Ok::<(), orderline::theory::ModelError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct FiniteSource {
    customers: f64,
    think_mean: f64,
    service_rate: f64,
    consumers: u32,
    places: Option<u64>,
    busy: f64,
    queue_length: f64,
    loss: f64,
    found: ErlangMixture,
}

impl FiniteSource {
    /// N customers with a mean think time, the service rate μ of each of c consumers, and places for
    /// waiting orders (`None`: room for all).
    ///
    /// # Errors
    /// A parameter outside its domain.
    pub fn new(
        customers: u64,
        think_mean: f64,
        service_rate: f64,
        consumers: u32,
        places: Option<u64>,
    ) -> Result<FiniteSource, ModelError> {
        positive("customers", customers as f64)?;
        non_negative("think time", think_mean)?;
        positive("service rate", service_rate)?;
        positive("consumers", f64::from(consumers))?;
        let room = places.map_or(u64::MAX, |m| m.saturating_add(u64::from(consumers)));
        let room = room.min(customers);
        let (name, value) = ("states", room as f64);
        if room > STATES {
            return Err(ModelError::Domain { name, value });
        }
        if think_mean == 0.0 && room < customers {
            let (name, value) = ("think time", 0.0);
            return Err(ModelError::Domain { name, value });
        }
        let chain = Chain {
            load: 1.0 / (think_mean * service_rate),
            consumers,
            room,
        };
        let (now, seen) = (chain.solve(customers), chain.solve(customers - 1));
        let c = consumers as usize;
        let loss = if room < customers {
            seen.get(room as usize).copied().unwrap_or(0.0)
        } else {
            0.0
        };
        let accepted = &seen[..seen.len().min(room as usize)];
        let total = sum(accepted.iter().copied());
        let found: Vec<f64> = accepted.iter().skip(c).map(|p| p / total).collect();
        let states = || now.iter().enumerate();
        Ok(FiniteSource {
            customers: customers as f64,
            think_mean,
            service_rate,
            consumers,
            places,
            busy: sum(states().map(|(n, p)| n.min(c) as f64 * p)),
            queue_length: sum(states().map(|(n, p)| n.saturating_sub(c) as f64 * p)),
            loss,
            found: ErlangMixture::new(&found, service_rate, consumers),
        })
    }

    /// X, orders served per second.
    pub fn throughput(&self) -> f64 {
        self.service_rate * self.busy
    }

    /// Orders sent per second, those rejected included: X/(1 − loss).
    pub fn arrival_rate(&self) -> f64 {
        self.throughput() / (1.0 - self.loss)
    }

    /// Rejected per offered order.
    pub fn loss_probability(&self) -> f64 {
        self.loss
    }

    /// The share of consumer time that is busy.
    pub fn utilization(&self) -> f64 {
        self.busy / f64::from(self.consumers)
    }

    /// P(Wq > 0) of an accepted order.
    pub fn wait_probability(&self) -> f64 {
        self.found.wait_probability()
    }

    /// Lq.
    pub fn queue_length(&self) -> f64 {
        self.queue_length
    }

    /// L = Lq + X/μ.
    pub fn number_in_system(&self) -> f64 {
        self.queue_length + self.busy
    }

    /// Wq of accepted orders, seconds.
    pub fn waiting_mean(&self) -> f64 {
        self.found.mean()
    }

    /// W of accepted orders, seconds.
    pub fn sojourn_mean(&self) -> f64 {
        self.waiting_mean() + 1.0 / self.service_rate
    }

    /// Var(Wq) of accepted orders, first in, first out.
    pub fn waiting_variance(&self) -> f64 {
        self.found.variance()
    }

    /// P(Wq > t) of accepted orders, first in, first out.
    pub fn waiting_ccdf(&self, t: f64) -> f64 {
        self.found.waiting_ccdf(t)
    }

    /// P(W > t) of accepted orders, first in, first out.
    pub fn sojourn_ccdf(&self, t: f64) -> f64 {
        self.found.sojourn_ccdf(t)
    }

    /// The p-quantile of the waiting time of accepted orders, first in, first out.
    pub fn waiting_quantile(&self, p: f64) -> Option<f64> {
        self.found.waiting_quantile(p)
    }

    /// The p-quantile of the sojourn time of accepted orders, first in, first out.
    pub fn sojourn_quantile(&self, p: f64) -> Option<f64> {
        self.found.sojourn_quantile(p)
    }

    /// All figures for a queue served in the given order.
    pub(super) fn figures(&self, turn: Turn) -> Figures {
        let mut sheet = Sheet::new(Source::exact(REFERENCE));
        let lost = "p_K of N−1 customers";
        sheet
            .put(Metric::ArrivalRate, self.arrival_rate(), "λ = (N − L)/Z")
            .put(Metric::Throughput, self.throughput(), "X = μ Σ min(n,c)p_n")
            .put(Metric::Utilization, self.utilization(), "Σ min(n,c)p_n/c")
            .put(Metric::LossProbability, self.loss, lost)
            .put(
                Metric::WaitProbability,
                self.wait_probability(),
                "Σ q_j, what N−1 customers leave busy",
            )
            .put(Metric::QueueLength, self.queue_length, "Lq = Σ (n−c)p_n")
            .put(
                Metric::NumberInSystem,
                self.number_in_system(),
                "L = Σ n p_n",
            )
            .mean(TimeKind::Waiting, self.waiting_mean(), "Wq = Lq/X")
            .mean(TimeKind::Sojourn, self.sojourn_mean(), "W = Wq + 1/μ");
        if let Some(places) = self.places.filter(|places| *places > 0) {
            let fill = self.queue_length / places as f64;
            sheet.put(Metric::QueueFill, fill, "Lq/(K−c)");
        }
        if turn == Turn::FirstIn {
            write_distribution(&mut sheet, &self.found, self.service_rate);
        }
        sheet.finish()
    }

    /// The distributions of the wait and of the sojourn, first in, first out.
    pub(super) fn curves(&self) -> (Curve, Curve) {
        self.found.clone().curves(REFERENCE)
    }
}

/// Variances and quantiles of waits and sojourns at consumers of the given rate.
pub(super) fn write_distribution(sheet: &mut Sheet, found: &ErlangMixture, service_rate: f64) {
    let waiting = found.variance();
    let sojourn = waiting + service_rate.powi(-2);
    sheet
        .variance(TimeKind::Waiting, waiting, "Σ q_j (j+1)(j+2)/(cμ)² − Wq²")
        .variance(TimeKind::Sojourn, sojourn, "Var(Wq) + 1/μ²")
        .quantiles(TimeKind::Waiting, |p| found.waiting_quantile(p), WAITING)
        .quantiles(TimeKind::Sojourn, |p| found.sojourn_quantile(p), SOJOURN);
}

/// The birth-death chain of the number in system.
struct Chain {
    /// 1/(Zμ); infinite for customers who do not think.
    load: f64,
    consumers: u32,
    room: u64,
}

impl Chain {
    /// The probabilities of 0, 1, … in system, for so many customers.
    fn solve(&self, customers: u64) -> Vec<f64> {
        let top = self.room.min(customers) as usize;
        let step = |n: usize| {
            let servers = (n + 1).min(self.consumers as usize) as f64;
            (customers - n as u64) as f64 * self.load / servers
        };
        let mode = (0..top).position(|n| step(n) < 1.0).unwrap_or(top);
        let mut p = vec![0.0; top + 1];
        p[mode] = 1.0;
        for n in mode..top {
            p[n + 1] = p[n] * step(n);
        }
        for n in (0..mode).rev() {
            p[n] = p[n + 1] / step(n);
        }
        let total = sum(p.iter().copied());
        p.iter_mut().for_each(|p| *p /= total);
        p
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::{Mmc, Mmck, erlang_b};
    use approx::assert_relative_eq;
    use proptest::prelude::*;

    #[test]
    fn machine_repair_as_published() {
        // R queueing 0.2.12, twenty machines.
        let queue = FiniteSource::new(20, 20.0, 1.0, 1, None).unwrap();
        assert_relative_eq!(
            queue.number_in_system(),
            3.17783923083943,
            max_relative = 1e-12
        );
        assert_relative_eq!(queue.queue_length(), 2.3367311923814, max_relative = 1e-12);
        assert_relative_eq!(queue.throughput(), 0.841108038458028, max_relative = 1e-12);
        assert_relative_eq!(queue.waiting_mean(), 2.77815819792335, max_relative = 1e-12);
        let queue = FiniteSource::new(5, 10.0, 0.25, 1, None).unwrap();
        assert_relative_eq!(queue.queue_length(), 1.74405890884748, max_relative = 1e-12);
        assert_relative_eq!(queue.utilization(), 0.930268883186433, max_relative = 1e-12);
    }

    #[test]
    fn engset_as_published() {
        // GNU Octave queueing 1.2.7, engset.
        let queue = FiniteSource::new(12, 10.0, 1.0, 3, Some(0)).unwrap();
        assert_relative_eq!(
            queue.loss_probability(),
            0.0586145648312611,
            max_relative = 1e-12
        );
        let queue = FiniteSource::new(10, 5.0, 1.0, 5, Some(0)).unwrap();
        assert_relative_eq!(
            queue.loss_probability(),
            0.00782317148888613,
            max_relative = 1e-12
        );
        assert_eq!(queue.waiting_mean(), 0.0);
    }

    #[test]
    fn one_customer_never_waits() {
        let queue = FiniteSource::new(1, 3.0, 0.5, 1, None).unwrap();
        assert_eq!(queue.waiting_mean(), 0.0);
        assert_relative_eq!(queue.throughput(), 0.2, max_relative = 1e-14);
    }

    #[test]
    fn without_thinking_all_are_there() {
        let queue = FiniteSource::new(400, 0.0, 1.0 / 0.444, 300, None).unwrap();
        assert_relative_eq!(queue.throughput(), 300.0 / 0.444, max_relative = 1e-12);
        assert_relative_eq!(queue.sojourn_mean(), 0.592, max_relative = 1e-12);
        assert!(FiniteSource::new(5, 0.0, 1.0, 2, Some(2)).is_err());
    }

    #[test]
    fn a_large_population_is_a_poisson_stream() {
        let customers = 5_000_000;
        let think = customers as f64 / 4.5;
        let queue = FiniteSource::new(customers, think, 1.0, 5, None).unwrap();
        let open = Mmc::new(4.5, 1.0, 5).unwrap();
        assert_relative_eq!(
            queue.waiting_mean(),
            open.waiting_mean(),
            max_relative = 1e-4
        );
        let (a, b) = (queue.sojourn_quantile(0.99), open.sojourn_quantile(0.99));
        assert_relative_eq!(a.unwrap(), b.unwrap(), max_relative = 1e-3);
        let bounded = FiniteSource::new(customers, think, 1.0, 5, Some(3)).unwrap();
        let open = Mmck::new(4.5, 1.0, 5, 3).unwrap();
        assert_relative_eq!(
            bounded.loss_probability(),
            open.loss_probability(),
            max_relative = 1e-5
        );
        let loss = FiniteSource::new(customers, think, 1.0, 5, Some(0)).unwrap();
        assert_relative_eq!(
            loss.loss_probability(),
            erlang_b(5, 4.5),
            max_relative = 1e-5
        );
    }

    proptest! {
        #[test]
        fn figures_hang_together(n in 1u64..200, z in 0.01f64..50.0, mu in 0.05f64..20.0,
                                 c in 1u32..20, places in proptest::option::of(0u64..30)) {
            let queue = FiniteSource::new(n, z, mu, c, places).unwrap();
            let (x, l) = (queue.throughput(), queue.number_in_system());
            prop_assert!((l / (x * queue.sojourn_mean()) - 1.0).abs() < 1e-9);
            prop_assert!((queue.queue_length() - x * queue.waiting_mean()).abs() < 1e-9 * l);
            // Customers think or are in system; each order sent ends a think time.
            prop_assert!((queue.arrival_rate() * z + l - n as f64).abs() < 1e-9 * n as f64);
            let more = FiniteSource::new(n + 1, z, mu, c, places).unwrap();
            prop_assert!(more.throughput() >= x * (1.0 - 1e-12));
            let median = queue.sojourn_quantile(0.5).unwrap();
            prop_assert!((queue.sojourn_ccdf(median) - 0.5).abs() < 1e-10);
        }
    }
}
