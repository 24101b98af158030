//! M/M/c+G: Poisson arrivals, exponential service, c consumers, and orders that give up when their wait
//! has lasted a time drawn from any law.
//!
//! # References
//! F. Baccelli, G. Hebuterne (1981), *On queues with impatient customers*, Performance '81, 159–179; S.
//! Zeltyn, A. Mandelbaum (2005), *Call centers with impatient customers: many-server asymptotics of the
//! M/M/n+G queue*, Queueing Systems 51, 361–402, section 2.

use super::error::{ModelError, positive};
use super::numeric::quantile;
use super::panels::{gauss, integrate};
use super::sheet::{Sheet, Source};
use super::support::cuts;
use super::{Curve, Figures, Kind, erlang_b};
use crate::metric::{Metric, TimeKind};
use crate::random::Distribution;
use std::sync::Arc;

const REFERENCE: &str =
    "Baccelli and Hebuterne 1981; Zeltyn and Mandelbaum 2005, Queueing Systems 51";
/// How far below its highest value the logarithm of a density counts.
const DEPTH: f64 = 46.0;
/// The most that the logarithm of the density changes over a panel.
const STRIDE: f64 = 2.0;
/// Absolute error of that logarithm over a panel, and relative error of the integrals of patience.
const TOLERANCE: f64 = 1e-13;
/// Panels after which the law of patience is too rough.
const MOST: usize = 200_000;
/// Mean services after which the start of a service has no trace left.
const MEMORY: f64 = 45.0;

/// The M/M/c+G queue in steady state, first in, first out. There always is one: whoever waits too long
/// goes.
///
/// # Domain
/// λ > 0, μ > 0, c ≥ 1, any load; patience of any law with a mean.
///
/// # Formula
/// The offered wait V, which an order of endless patience would have, is 0 unless all consumers are busy
/// and has for t > 0 the density v(t) = λP(c − 1)e^(λH(t) − cμt) with H(t) = ∫₀ᵗ P(patience > s) ds
/// and P(c − 1) the probability of c − 1 in system; below c the probabilities are in proportion to Erlang's.
/// The wait is the smaller of V and the patience: P(Wq > t) = P(patience > t)P(V > t),
/// E\[Wq\] = ∫ v H, E\[Wq²\] = ∫ v(t) 2∫₀ᵗ sP(patience > s) ds dt, and v(t)P(patience ≤ t) give up.
///
/// # Numerics
/// λH − cμt is concave with its top where P(patience > t) = cμ/λ; from there panels go both ways, each
/// with 16 points and a change of at most 2 in the logarithm, until the density is e^(−46) of its top. No
/// sum over states, so c and the load may be anything; steps of the law are edges of panels.
///
/// ```
/// use orderline::{random::Distribution, theory::MmcG};
/// // Erlang A, published: λ = 48, μ = 1, c = 50, mean patience 2.
/// let queue = MmcG::new(48.0, 1.0, 50, &Distribution::exponential(0.5)?)?;
/// assert!((queue.wait_probability() - 0.467774068554).abs() < 1e-11);
/// assert!((queue.abandon_probability() - 0.0309122491622).abs() < 1e-11);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct MmcG {
    arrival_rate: f64,
    service_rate: f64,
    consumers: u32,
    patience: Distribution,
    panels: Vec<Panel>,
    wait_probability: f64,
    /// Factor from the unscaled density to the density.
    share: f64,
    moments: Moments,
}

/// A piece of the time axis.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Panel {
    start: f64,
    end: f64,
    /// Logarithm of the unscaled density at the start.
    log: f64,
    /// H at the start.
    held: f64,
    /// 2∫₀ tP(patience > t) dt up to the start.
    squared: f64,
    /// Integral of the unscaled density after the panel.
    beyond: f64,
    /// The part of it that is served.
    served_beyond: f64,
}

/// Integrals over the unscaled density v.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Moments {
    /// ∫ v.
    total: f64,
    /// ∫ v P(patience ≤ t).
    lost: f64,
    /// ∫ v H: the mean wait.
    wait: f64,
    /// The second moment of the wait.
    second: f64,
    /// ∫ v P(patience > t).
    served: f64,
    /// ∫ v t P(patience > t): the mean wait of those served.
    served_wait: f64,
    /// ∫ v t² P(patience > t).
    served_second: f64,
}

impl MmcG {
    /// A queue with arrival rate λ, service rate μ of each consumer, c consumers, and a law of patience.
    ///
    /// # Errors
    /// A rate that is not positive and finite, no consumers, patience of infinite mean or that is always
    /// 0, or a law of patience with more steps than can be followed.
    pub fn new(
        arrival_rate: f64,
        service_rate: f64,
        consumers: u32,
        patience: &Distribution,
    ) -> Result<MmcG, ModelError> {
        let c = positive("consumers", f64::from(consumers))?;
        positive("arrival rate", arrival_rate)?;
        let capacity = c * positive("service rate", service_rate)?;
        positive("mean patience", patience.mean())?;
        let sketch = Density {
            patience,
            arrival_rate,
            capacity,
        };
        let edges = sketch.edges()?;
        let (panels, moments, top) = sketch.tabulate(&edges);
        // P(V > 0) : P(V = 0) is v's integral over that of the states below c, in which c − 1 has
        // Erlang's share; v is known up to e^top.
        let last = erlang_b(consumers - 1, arrival_rate / service_rate);
        let odds = arrival_rate * last * moments.total * top.exp();
        let wait_probability = if odds.is_finite() {
            odds / (1.0 + odds)
        } else {
            1.0
        };
        Ok(MmcG {
            arrival_rate,
            service_rate,
            consumers,
            patience: patience.clone(),
            panels,
            wait_probability,
            share: wait_probability / moments.total,
            moments,
        })
    }

    /// P(Wq > 0).
    pub fn wait_probability(&self) -> f64 {
        self.wait_probability
    }

    /// Orders that give up, per order.
    pub fn abandon_probability(&self) -> f64 {
        (self.share * self.moments.lost).min(1.0)
    }

    /// Orders served per second.
    pub fn throughput(&self) -> f64 {
        self.arrival_rate * (1.0 - self.abandon_probability())
    }

    /// The share of consumer time that is busy.
    pub fn utilization(&self) -> f64 {
        self.throughput() / (f64::from(self.consumers) * self.service_rate)
    }

    /// Wq, seconds, of all orders; the wait of those that give up ends when they go.
    pub fn waiting_mean(&self) -> f64 {
        self.share * self.moments.wait
    }

    /// Var(Wq).
    pub fn waiting_variance(&self) -> f64 {
        self.share * self.moments.second - self.waiting_mean().powi(2)
    }

    /// W, seconds, of all orders: those that give up leave without service.
    pub fn sojourn_mean(&self) -> f64 {
        self.waiting_mean() + (1.0 - self.abandon_probability()) / self.service_rate
    }

    /// Var(W) of all orders.
    pub fn sojourn_variance(&self) -> f64 {
        let served = 1.0 - self.abandon_probability();
        let waited = self.share * self.moments.served_wait;
        let mean = 1.0 / self.service_rate;
        let second =
            self.share * self.moments.second + 2.0 * mean * waited + 2.0 * mean * mean * served;
        second - self.sojourn_mean().powi(2)
    }

    /// Lq = λWq.
    pub fn queue_length(&self) -> f64 {
        self.arrival_rate * self.waiting_mean()
    }

    /// L = Lq + the busy consumers.
    pub fn number_in_system(&self) -> f64 {
        self.arrival_rate * self.sojourn_mean()
    }

    /// P(V > t): the wait that an order of endless patience would have.
    pub fn offered_wait_ccdf(&self, t: f64) -> f64 {
        if t < 0.0 {
            return 1.0;
        }
        let after = self.panels.partition_point(|panel| panel.start <= t);
        let Some(panel) = after.checked_sub(1).map(|i| &self.panels[i]) else {
            return self.wait_probability;
        };
        if t >= panel.end {
            return self.share * panel.beyond;
        }
        let rest = gauss(|s| self.density(panel, s), t, panel.end);
        self.share * (rest + panel.beyond)
    }

    /// The unscaled density within a panel.
    fn density(&self, panel: &Panel, t: f64) -> f64 {
        self.sketch().density(panel, t)
    }

    fn sketch(&self) -> Density<'_> {
        Density {
            patience: &self.patience,
            arrival_rate: self.arrival_rate,
            capacity: f64::from(self.consumers) * self.service_rate,
        }
    }

    /// P(Wq > t) of all orders.
    pub fn waiting_ccdf(&self, t: f64) -> f64 {
        if t < 0.0 {
            return 1.0;
        }
        self.patience.ccdf(t) * self.offered_wait_ccdf(t)
    }

    /// P(W > t) of all orders: still waiting, or in service.
    pub fn sojourn_ccdf(&self, t: f64) -> f64 {
        if t <= 0.0 {
            return 1.0;
        }
        (self.waiting_ccdf(t) + self.in_service(t)).clamp(0.0, 1.0)
    }

    /// The mean sojourn time of the orders that are served, seconds.
    pub fn completed_mean(&self) -> f64 {
        self.share * self.moments.served_wait / self.served() + 1.0 / self.service_rate
    }

    /// The variance of the sojourn time of the orders that are served.
    pub fn completed_variance(&self) -> f64 {
        let wait = self.share * self.moments.served_wait / self.served();
        let second = self.share * self.moments.served_second / self.served();
        second - wait * wait + self.service_rate.powi(-2)
    }

    /// P(W > t) of the orders that are served.
    pub fn completed_ccdf(&self, t: f64) -> f64 {
        if t <= 0.0 {
            return 1.0;
        }
        let after = self.panels.partition_point(|panel| panel.start <= t);
        let waiting = match after.checked_sub(1).map(|i| &self.panels[i]) {
            None => self.share * self.moments.served,
            Some(panel) if t >= panel.end => self.share * panel.served_beyond,
            Some(panel) => {
                let f = |s: f64| self.density(panel, s) * self.patience.ccdf(s);
                self.share * (gauss(f, t, panel.end) + panel.served_beyond)
            }
        };
        ((waiting + self.in_service(t)) / self.served()).clamp(0.0, 1.0)
    }

    /// The p-quantile of the sojourn time of the orders that are served.
    pub fn completed_quantile(&self, p: f64) -> Option<f64> {
        quantile(|t| self.completed_ccdf(t), p, 1.0 / self.service_rate)
    }

    /// P(served).
    fn served(&self) -> f64 {
        1.0 - self.abandon_probability()
    }

    /// P(in service at t after coming).
    fn in_service(&self, t: f64) -> f64 {
        let mu = self.service_rate;
        let at_once = (1.0 - self.wait_probability) * (-mu * t).exp();
        let from = (t - MEMORY / mu).max(0.0);
        let parts = self.panels.iter().map(|panel| {
            let (a, b) = (panel.start.max(from), panel.end.min(t));
            if a >= b {
                return 0.0;
            }
            let f = |s: f64| self.density(panel, s) * self.patience.ccdf(s) * (-mu * (t - s)).exp();
            integrate(&f, a, b, 1e-12 * self.moments.total)
        });
        at_once + self.share * parts.sum::<f64>()
    }

    /// The p-quantile of the waiting time of all orders.
    pub fn waiting_quantile(&self, p: f64) -> Option<f64> {
        quantile(|t| self.waiting_ccdf(t), p, self.scale())
    }

    /// The p-quantile of the sojourn time of all orders.
    pub fn sojourn_quantile(&self, p: f64) -> Option<f64> {
        quantile(|t| self.sojourn_ccdf(t), p, 1.0 / self.service_rate)
    }

    fn scale(&self) -> f64 {
        1.0 / (f64::from(self.consumers) * self.service_rate)
    }

    /// All figures, of the given kind: exact for the model itself, an approximation where it stands in
    /// for another.
    pub(super) fn figures(&self, kind: Kind) -> Figures {
        let reference = REFERENCE;
        let mut sheet = Sheet::new(Source { kind, reference });
        sheet
            .put(
                Metric::Utilization,
                self.utilization(),
                "λ(1−P(gave up))/(cμ)",
            )
            .put(
                Metric::WaitProbability,
                self.wait_probability,
                "∫ v, v ∝ e^(λH(t)−cμt)",
            )
            .put(
                Metric::AbandonProbability,
                self.abandon_probability(),
                "∫ v(t) P(patience ≤ t) dt",
            )
            .put(Metric::QueueLength, self.queue_length(), "Lq = λWq")
            .put(Metric::NumberInSystem, self.number_in_system(), "L = λW")
            .mean(TimeKind::Waiting, self.waiting_mean(), "Wq = ∫ v H")
            .mean(
                TimeKind::Sojourn,
                self.sojourn_mean(),
                "W = Wq + (1−P(gave up))/μ",
            )
            .variance(
                TimeKind::Waiting,
                self.waiting_variance(),
                "∫ v(t) 2∫₀ᵗ sP(patience > s) ds dt − Wq²",
            )
            .variance(TimeKind::Sojourn, self.sojourn_variance(), "E[W²] − W²");
        let waiting = |p| self.waiting_quantile(p);
        sheet.quantiles(
            TimeKind::Waiting,
            waiting,
            "root of P(patience > t)P(V > t) = 1−p",
        );
        let sojourn = |p| self.sojourn_quantile(p);
        let formula = "root of P(Wq > t) + P(served, in service at t) = 1−p";
        sheet.quantiles(TimeKind::Sojourn, sojourn, formula);
        sheet.finish()
    }

    /// The latency of the orders that are served.
    pub(super) fn latency(&self, kind: Kind) -> Figures {
        let reference = REFERENCE;
        let mut sheet = Sheet::new(Source { kind, reference });
        let (mean, variance) = (self.completed_mean(), self.completed_variance());
        sheet
            .mean(TimeKind::Latency, mean, "E[Wq; served]/P(served) + 1/μ")
            .variance(TimeKind::Latency, variance, "Var(Wq | served) + 1/μ²");
        let formula = "root of (P(to be served, waits at t) + P(in service at t))/P(served) = 1−p";
        let quantile = |p| self.completed_quantile(p);
        sheet.quantiles(TimeKind::Latency, quantile, formula);
        sheet.finish()
    }

    /// The distributions of the waiting and the sojourn time.
    pub(super) fn curves(&self, kind: Kind) -> (Curve, Curve) {
        let (first, second) = (Arc::new(self.clone()), Arc::new(self.clone()));
        let waiting = Curve {
            kind,
            formula: "P(Wq > t) = P(patience > t)P(V > t)",
            reference: REFERENCE,
            ccdf: Arc::new(move |t| first.waiting_ccdf(t)),
        };
        let sojourn = Curve {
            kind,
            formula: "P(W > t) = P(Wq > t) + P(served, in service at t)",
            reference: REFERENCE,
            ccdf: Arc::new(move |t| second.sojourn_ccdf(t)),
        };
        (waiting, sojourn)
    }
}

/// The density of the offered wait, up to a factor.
#[derive(Clone, Copy)]
struct Density<'a> {
    patience: &'a Distribution,
    arrival_rate: f64,
    /// cμ.
    capacity: f64,
}

impl Density<'_> {
    /// How fast the logarithm of the density rises at t.
    fn slope(&self, t: f64) -> f64 {
        self.arrival_rate * self.patience.ccdf(t) - self.capacity
    }

    /// The change of the logarithm from a to b.
    fn rise(&self, a: f64, b: f64) -> f64 {
        gauss(|s| self.slope(s), a, b)
    }

    /// Edges of panels from the top of the density both ways, in ascending order.
    fn edges(&self) -> Result<Vec<f64>, ModelError> {
        let over = 1.0 - self.capacity / self.arrival_rate;
        let top = if over > 0.0 {
            self.patience.quantile(over)
        } else {
            0.0
        };
        let cuts = cuts(self.patience);
        let mut edges = self.march(top, &cuts, -1.0)?;
        edges.reverse();
        edges.push(top);
        edges.append(&mut self.march(top, &cuts, 1.0)?);
        Ok(edges)
    }

    /// Edges from the top in one direction, until the density is nothing or time 0 is reached.
    fn march(&self, top: f64, cuts: &[f64], way: f64) -> Result<Vec<f64>, ModelError> {
        let (mut at, mut log) = (top, 0.0);
        let mut step = 1.0 / self.capacity;
        let mut edges = Vec::new();
        while log > -DEPTH && (way > 0.0 || at > 0.0) {
            if edges.len() > MOST {
                let value = edges.len() as f64;
                return Err(ModelError::Domain {
                    name: "steps of the law of patience",
                    value,
                });
            }
            let limit = limit(at, cuts, way);
            let mut next = within(at + way * step, limit, way);
            let mut change = self.settled(at, next);
            while change.is_none_or(|change| change.abs() > STRIDE) {
                step *= 0.5;
                next = within(at + way * step, limit, way);
                if (next - at).abs() <= 1e-14 * top.max(at) {
                    change = Some(self.rise(at, next));
                    break;
                }
                change = self.settled(at, next);
            }
            log += change.unwrap_or(0.0);
            at = next;
            step *= 2.0;
            edges.push(at);
        }
        Ok(edges)
    }

    /// The change of the logarithm over a panel, if two halves confirm it.
    fn settled(&self, a: f64, b: f64) -> Option<f64> {
        let middle = 0.5 * (a + b);
        let halves = self.rise(a, middle) + self.rise(middle, b);
        let rounding = 1e-11 * self.capacity * (b - a).abs();
        let settled = (halves - self.rise(a, b)).abs() <= TOLERANCE + rounding;
        settled.then_some(halves)
    }

    /// The panels between the edges, the integrals over all of them, and the logarithm that the density at
    /// its top has over that at time 0.
    fn tabulate(&self, edges: &[f64]) -> (Vec<Panel>, Moments, f64) {
        let first = edges[0];
        let mut panel = Panel {
            start: first,
            end: first,
            log: 0.0,
            held: self.held(first, |_| 1.0),
            squared: self.held(first, |s| 2.0 * s),
            beyond: 0.0,
            served_beyond: 0.0,
        };
        let mut panels = Vec::with_capacity(edges.len());
        for edge in &edges[1..] {
            panel.end = *edge;
            panels.push(panel);
            let end = *edge;
            panel = Panel {
                start: end,
                log: panel.log + self.rise(panel.start, end),
                held: panel.held + gauss(|s| self.patience.ccdf(s), panel.start, end),
                squared: panel.squared + self.second(panel.start, end),
                ..panel
            };
        }
        let top = panels
            .iter()
            .map(|panel| panel.log)
            .fold(panel.log, f64::max);
        panels.iter_mut().for_each(|panel| panel.log -= top);
        let mut moments = Moments::default();
        for panel in panels.iter_mut().rev() {
            (panel.beyond, panel.served_beyond) = (moments.total, moments.served);
            self.add(panel, &mut moments);
        }
        // Where the panels end above 0 the density there is nothing beside its top.
        let rise = if first > 0.0 { f64::INFINITY } else { top };
        (panels, moments, rise)
    }

    fn add(&self, panel: &Panel, moments: &mut Moments) {
        let over = |f: &dyn Fn(f64) -> f64| {
            gauss(|t| self.density(panel, t) * f(t), panel.start, panel.end)
        };
        let held = |t: f64| panel.held + gauss(|s| self.patience.ccdf(s), panel.start, t);
        moments.total += over(&|_| 1.0);
        moments.lost += over(&|t| self.patience.cdf(t));
        moments.wait += over(&held);
        moments.second += over(&|t| panel.squared + self.second(panel.start, t));
        moments.served += over(&|t| self.patience.ccdf(t));
        moments.served_wait += over(&|t| t * self.patience.ccdf(t));
        moments.served_second += over(&|t| t * t * self.patience.ccdf(t));
    }

    fn density(&self, panel: &Panel, t: f64) -> f64 {
        (panel.log + self.rise(panel.start, t)).exp()
    }

    /// 2∫ sP(patience > s) ds.
    fn second(&self, a: f64, b: f64) -> f64 {
        gauss(|s| 2.0 * s * self.patience.ccdf(s), a, b)
    }

    /// ∫₀ᵗ weight(s) P(patience > s) ds, with an edge wherever the law steps.
    fn held(&self, t: f64, weight: impl Fn(f64) -> f64) -> f64 {
        let f = |s: f64| weight(s) * self.patience.ccdf(s);
        let mut from = 0.0;
        let mut total = 0.0;
        let inside = cuts(self.patience).into_iter().filter(|cut| *cut < t);
        for to in inside.chain([t]) {
            let guess = gauss(f, from, to);
            total += integrate(&f, from, to, TOLERANCE * guess.max(total));
            from = to;
        }
        total
    }
}

/// The next cut on the way, or time 0, or none.
fn limit(at: f64, cuts: &[f64], way: f64) -> f64 {
    if way > 0.0 {
        let after = cuts.partition_point(|cut| *cut <= at);
        cuts.get(after).copied().unwrap_or(f64::INFINITY)
    } else {
        let before = cuts.partition_point(|cut| *cut < at);
        before.checked_sub(1).map_or(0.0, |i| cuts[i])
    }
}

fn within(next: f64, limit: f64, way: f64) -> f64 {
    if way > 0.0 {
        next.min(limit)
    } else {
        next.max(limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;
    use proptest::prelude::*;

    fn exponential(rate: f64) -> Distribution {
        Distribution::exponential(rate).unwrap()
    }

    #[test]
    fn published_figures_of_erlang_a() {
        // λ, μ, c, θ, P(wait), P(gave up), Lq, Var(Wq) where published.
        let table = [
            (
                4.2,
                0.5,
                12,
                1.0,
                0.127372281808747,
                0.0296789055423734,
                0.124651403277968,
                None,
            ),
            (
                48.0,
                1.0,
                50,
                0.5,
                0.467774068554,
                0.0309122491622,
                2.96757591957,
                Some(0.009867416011036263),
            ),
            (
                50.0,
                1.0,
                50,
                1.0,
                0.518808315472043,
                0.0563250063251908,
                2.81625031625954,
                None,
            ),
            (
                55.0,
                1.0,
                50,
                0.5,
                0.866233716289,
                0.102080194626,
                11.2288214089,
                Some(0.027767747108671845),
            ),
        ];
        for (lambda, mu, c, theta, waits, lost, queue_length, variance) in table {
            let queue = MmcG::new(lambda, mu, c, &exponential(theta)).unwrap();
            assert_relative_eq!(queue.wait_probability(), waits, max_relative = 1e-10);
            assert_relative_eq!(queue.abandon_probability(), lost, max_relative = 1e-10);
            assert_relative_eq!(queue.queue_length(), queue_length, max_relative = 1e-10);
            if let Some(variance) = variance {
                assert_relative_eq!(queue.waiting_variance(), variance, max_relative = 1e-9);
            }
        }
    }

    #[test]
    fn patience_always_the_same() {
        // c = 1, patience d: v(t) = λP(0)e^((λ−μ)t) up to d, then λP(0)e^(λd−μt); by hand.
        let (lambda, mu, d) = (1.5f64, 1.0f64, 2.0f64);
        let queue = MmcG::new(lambda, mu, 1, &Distribution::deterministic(d).unwrap()).unwrap();
        let early = ((lambda - mu) * d).exp_m1() / (lambda - mu);
        let late = ((lambda - mu) * d).exp() / mu;
        let idle = 1.0 / (1.0 + lambda * (early + late));
        assert_relative_eq!(queue.wait_probability(), 1.0 - idle, max_relative = 1e-11);
        let lost = lambda * idle * late;
        assert_relative_eq!(queue.abandon_probability(), lost, max_relative = 1e-11);
        let throughput = mu * (1.0 - idle);
        assert_relative_eq!(queue.throughput(), throughput, max_relative = 1e-11);
        // Nobody waits longer than d.
        assert_relative_eq!(
            queue.waiting_quantile(0.9999).unwrap(),
            d,
            max_relative = 1e-9
        );
    }

    #[test]
    fn any_size_and_any_load() {
        let queue = MmcG::new(1.2e5, 1.0, 100_000, &exponential(1.0)).unwrap();
        // In a large overload the fluid limit: 1 − 1/ρ give up, and wait ln ρ if patient enough.
        assert_relative_eq!(
            queue.abandon_probability(),
            1.0 - 1.0 / 1.2,
            max_relative = 1e-4
        );
        assert_relative_eq!(queue.wait_probability(), 1.0, max_relative = 1e-12);
        let queue = MmcG::new(1e5, 1.0, 100_000, &exponential(1e-9)).unwrap();
        assert!(queue.waiting_mean().is_finite() && queue.abandon_probability() > 0.0);
    }

    #[test]
    fn the_distribution_has_the_moments() {
        let laws = [
            Distribution::lognormal_mean_scv(1.0, 2.0).unwrap(),
            Distribution::uniform(0.2, 1.1).unwrap(),
            Distribution::empirical(vec![0.1, 0.5, 0.5, 2.0]).unwrap(),
            Distribution::weibull(0.6, 1.0).unwrap(),
        ];
        for law in laws {
            let queue = MmcG::new(12.0, 1.0, 10, &law).unwrap();
            let wait = integrate(&|t| queue.waiting_ccdf(t), 0.0, 20.0, 1e-10);
            assert_relative_eq!(wait, queue.waiting_mean(), max_relative = 1e-7);
            let sojourn = integrate(&|t| queue.sojourn_ccdf(t), 0.0, 40.0, 1e-9);
            assert_relative_eq!(sojourn, queue.sojourn_mean(), max_relative = 1e-6);
            // The flow in is the flow out: cμ(consumer time busy) = λ(1 − P(gave up)).
            let below = 1.0 - queue.wait_probability();
            let b = erlang_b(9, 12.0);
            let busy = 10.0 * queue.wait_probability() + below * 12.0 * (1.0 - b);
            // Of those below c, E[busy] = a(1 − B(c−1, a)) plus nothing: n ≤ c − 1.
            assert_relative_eq!(busy, queue.throughput(), max_relative = 1e-8);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn figures_hang_together(
            rho in 0.05f64..3.0, c in 1u32..60, shape in 0.4f64..4.0, mean in 0.05f64..20.0,
        ) {
            let law = Distribution::gamma(shape, mean / shape).unwrap();
            let lambda = rho * f64::from(c);
            let queue = MmcG::new(lambda, 1.0, c, &law).unwrap();
            let busy = queue.number_in_system() - queue.queue_length();
            prop_assert!((busy / queue.throughput() - 1.0).abs() < 1e-9);
            prop_assert!(queue.waiting_variance() >= 0.0);
            prop_assert!(queue.utilization() <= 1.0 + 1e-9);
            let busier = MmcG::new(lambda * 1.01, 1.0, c, &law).unwrap();
            prop_assert!(busier.waiting_mean() > queue.waiting_mean());
            prop_assert!(busier.abandon_probability() > queue.abandon_probability());
        }

        #[test]
        fn endless_patience_is_m_m_c(rho in 0.05f64..0.9, c in 1u32..60) {
            let lambda = rho * f64::from(c);
            let queue = MmcG::new(lambda, 1.0, c, &exponential(1e-10)).unwrap();
            let plain = crate::theory::Mmc::new(lambda, 1.0, c).unwrap();
            prop_assert!((queue.waiting_mean() / plain.waiting_mean() - 1.0).abs() < 1e-6);
            prop_assert!((queue.wait_probability() / plain.wait_probability() - 1.0).abs() < 1e-6);
        }
    }
}
