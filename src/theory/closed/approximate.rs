//! Mean-value analysis by approximation: any laws, priorities, and populations of any size.
//!
//! # References
//! P. Schweitzer (1979), *Approximate analysis of multiclass closed networks of queues*; Y. Bard (1979),
//! *Some extensions to multiclass queueing network analysis*; K. M. Chandy, D. Neuse (1982),
//! *Linearizer: a heuristic algorithm for queueing network models of computing systems*, Communications
//! of the ACM 25, 126–134; M. Reiser (1979), *A queueing network analysis of computer communication
//! networks with window flow control*, IEEE Trans. Communications 27 (residual service); H. Sakasegawa
//! (1977), *An approximation formula L_q ≈ αρ^β/(1 − ρ)*, Ann. Inst. Statist. Math. 29 (several
//! consumers); R. M. Bryant, A. E. Krzesinski, M. S. Lakshmi, K. M. Chandy (1984), *The MVA priority
//! approximation*, ACM Trans. Computer Systems 2.

use crate::theory::ModelError;
use crate::theory::error::{non_negative, positive, stable};

/// Rounds of a fixed point before it counts as lost.
const ROUNDS: usize = 5_000;
/// Relative change at which a fixed point counts as found.
const SETTLED: f64 = 1e-11;
/// Relative change that is good enough after all rounds: two bottlenecks of the same load share a large
/// population in whatever way, and settle slowly.
const NEARLY: f64 = 1e-6;
/// Chains up to which the Linearizer corrects the first guess.
const LINEARIZED: usize = 12;

/// How a station chooses among its orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceOrder {
    /// One after the other, whoever they are.
    Queue,
    /// All at once.
    Sharing,
    /// The lowest level first, without interruption.
    Priority,
    /// The lowest level first, with interruption.
    Preemptive,
}

/// A station of an approximate network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MvaStation {
    /// Parallel consumers; `None`: one for every order.
    pub consumers: Option<u32>,
    /// Who is served next.
    pub order: ServiceOrder,
}

/// Orders of one kind: how many or how often, and what they ask of every station.
#[derive(Debug, Clone, PartialEq)]
pub struct MvaFlow {
    /// Where they come from.
    pub source: MvaSource,
    /// Their priority; 0 is served first.
    pub level: u32,
    /// By station: visits of a cycle (or of an open order), mean service, and its squared coefficient of
    /// variation.
    pub visits: Vec<MvaVisits>,
}

/// Where orders come from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MvaSource {
    /// So many customers, with a mean think time.
    Closed {
        /// N.
        customers: f64,
        /// Z, seconds.
        think_mean: f64,
    },
    /// So many per second from outside.
    Open {
        /// λ.
        rate: f64,
    },
}

/// What orders of one kind ask of a station.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct MvaVisits {
    /// Visits.
    pub count: f64,
    /// E\[S\], seconds.
    pub mean: f64,
    /// The squared coefficient of variation of S.
    pub scv: f64,
}

/// Approximate mean values of a closed or mixed network.
///
/// # Domain
/// Finite positive populations and rates, second moments of service; open orders leave every station a
/// load below 1.
///
/// # Formula
/// Wq = (P_b r + Σ_j s_j Lq_j)/c of what an order finds: the queue before it and, with the probability P_b
/// that all consumers are busy, a residual service r = E\[S²\]/(2E\[S\]); P_b = ρ^(√(2(c+1)) − 1), which is ρ for
/// one consumer. What an order of a closed chain finds is what the network holds with one customer less:
/// its own chain's numbers times (N − 1)/N (Schweitzer), corrected by the change of the shares from N to N −
/// e_j (Linearizer). Under priorities only the levels up to its own count, and the wait is stretched by
/// 1/(1 − ρ of the levels before). Where that gives a station more work than its consumers can do, its
/// chains are slowed down to what they can.
///
/// # Numerics
/// Successive substitution, damped where it is slow, to 1e-11; an error where it does not settle to 1e-6.
#[derive(Debug, Clone, PartialEq)]
pub struct ApproximateMva {
    rates: Vec<f64>,
    waits: Vec<Vec<f64>>,
    busy: Vec<Vec<f64>>,
}

impl ApproximateMva {
    /// Solves a network.
    ///
    /// # Errors
    /// A number outside its domain, an overload by open orders, or no convergence ("iterations").
    pub fn new(stations: &[MvaStation], flows: &[MvaFlow]) -> Result<ApproximateMva, ModelError> {
        let network = Mva { stations, flows };
        network.check()?;
        let solved = network
            .linearized()
            .or_else(|| network.core(&network.full(), None, None));
        let mut point = solved.ok_or(ModelError::Domain {
            name: "iterations",
            value: ROUNDS as f64,
        })?;
        network.cap(&mut point);
        Ok(ApproximateMva {
            rates: point.rates,
            waits: point.waits,
            busy: point.busy,
        })
    }

    /// Cycles of a closed chain, or orders of an open one, per second.
    pub fn throughput(&self, flow: usize) -> f64 {
        self.rates[flow]
    }

    /// Wq of a flow's visits to a station, seconds.
    pub fn waiting_mean(&self, station: usize, flow: usize) -> f64 {
        self.waits[station][flow]
    }

    /// The mean number of consumers of a station that are busy.
    pub fn busy_consumers(&self, station: usize) -> f64 {
        self.busy[station].iter().sum()
    }
}

/// Numbers by station and flow.
type Table = Vec<Vec<f64>>;

/// A solution for one population.
#[derive(Debug, Clone)]
struct Point {
    rates: Vec<f64>,
    /// Wq of a visit.
    waits: Table,
    /// Mean number waiting.
    queues: Table,
    /// Mean number in service.
    busy: Table,
}

struct Mva<'a> {
    stations: &'a [MvaStation],
    flows: &'a [MvaFlow],
}

impl Mva<'_> {
    fn check(&self) -> Result<(), ModelError> {
        for flow in self.flows {
            match flow.source {
                MvaSource::Closed {
                    customers,
                    think_mean,
                } => {
                    positive("customers", customers)?;
                    let work = flow.visits.iter().map(|v| v.count * v.mean);
                    positive(
                        "demand",
                        non_negative("think time", think_mean)? + work.sum::<f64>(),
                    )?;
                }
                MvaSource::Open { rate } => {
                    non_negative("arrival rate", rate)?;
                }
            }
            for visits in &flow.visits {
                non_negative("visits", visits.count)?;
                non_negative("service time", visits.mean)?;
                non_negative("variability of service", visits.scv)?;
            }
        }
        for (i, station) in self.stations.iter().enumerate() {
            if let Some(c) = station.consumers {
                let open = self.flows.iter().map(|flow| match flow.source {
                    MvaSource::Open { rate } => rate * flow.visits[i].count * flow.visits[i].mean,
                    MvaSource::Closed { .. } => 0.0,
                });
                stable(open.sum::<f64>() / positive("consumers", f64::from(c))?)?;
            }
        }
        Ok(())
    }

    /// The customers of every closed chain; 0 for open flows.
    fn full(&self) -> Vec<f64> {
        let customers = self.flows.iter().map(|flow| match flow.source {
            MvaSource::Closed { customers, .. } => customers,
            MvaSource::Open { .. } => 0.0,
        });
        customers.collect()
    }

    fn start(&self, population: &[f64]) -> Point {
        let (m, k) = (self.stations.len(), self.flows.len());
        let mut point = Point {
            rates: vec![0.0; k],
            waits: vec![vec![0.0; k]; m],
            queues: vec![vec![0.0; k]; m],
            busy: vec![vec![0.0; k]; m],
        };
        self.turn(&mut point, population, 1.0);
        point
    }

    /// Chandy and Neuse: three rounds of correcting the shares found with one customer less.
    fn linearized(&self) -> Option<Point> {
        let full = self.full();
        let closed: Vec<usize> = (0..full.len()).filter(|&k| full[k] >= 1.0).collect();
        if closed.is_empty() || closed.len() > LINEARIZED {
            return None;
        }
        let mut change: Vec<Option<Change>> = vec![None; full.len()];
        let mut whole = self.core(&full, Some(&change), None)?;
        for _ in 0..3 {
            let mut next = vec![None; full.len()];
            for &j in &closed {
                let mut fewer = full.clone();
                fewer[j] -= 1.0;
                let point = self.core(&fewer, Some(&change), Some(&whole))?;
                next[j] = Some(Change::between(&whole, &full, &point, &fewer));
            }
            change = next;
            whole = self.core(&full, Some(&change), Some(&whole))?;
        }
        Some(whole)
    }

    /// Successive substitution for one population.
    fn core(
        &self,
        population: &[f64],
        change: Option<&[Option<Change>]>,
        from: Option<&Point>,
    ) -> Option<Point> {
        let mut point = from.map_or_else(|| self.start(population), Point::clone);
        for round in 0..ROUNDS {
            let before = point.rates.clone();
            let old = point.waits.clone();
            for i in 0..self.stations.len() {
                for k in 0..self.flows.len() {
                    if self.flows[k].visits[i].count > 0.0 {
                        point.waits[i][k] = self.wait(&point, population, change, i, k);
                    }
                }
            }
            if point.waits.iter().flatten().any(|w| !w.is_finite()) {
                return None;
            }
            let step = if round < 200 { 1.0 } else { 0.5 };
            self.turn(&mut point, population, step);
            let waits = point.waits.iter().flatten().zip(old.iter().flatten());
            let rates = point.rates.iter().zip(&before);
            let moved = rates.chain(waits).fold(0.0, |worst: f64, (a, b)| {
                let scale = a.abs().max(b.abs()).max(f64::MIN_POSITIVE);
                worst.max((a - b).abs() / scale)
            });
            if moved <= SETTLED || (round + 1 == ROUNDS && moved <= NEARLY) {
                return Some(point);
            }
        }
        None
    }

    /// The rates and numbers that belong to the waits.
    fn turn(&self, point: &mut Point, population: &[f64], step: f64) {
        for (k, flow) in self.flows.iter().enumerate() {
            let rate = match flow.source {
                MvaSource::Open { rate } => rate,
                MvaSource::Closed { think_mean, .. } => {
                    let visits = flow.visits.iter().zip(&point.waits);
                    let inside = visits.map(|(v, waits)| v.count * (v.mean + waits[k]));
                    population[k] / (think_mean + inside.sum::<f64>())
                }
            };
            point.rates[k] = rate;
            for (i, visits) in flow.visits.iter().enumerate() {
                let passing = rate * visits.count;
                let queue = passing * point.waits[i][k];
                point.queues[i][k] += step * (queue - point.queues[i][k]);
                let busy = passing * visits.mean;
                point.busy[i][k] += step * (busy - point.busy[i][k]);
            }
        }
    }

    /// Wq of a visit.
    fn wait(
        &self,
        point: &Point,
        population: &[f64],
        change: Option<&[Option<Change>]>,
        i: usize,
        k: usize,
    ) -> f64 {
        let station = self.stations[i];
        let Some(consumers) = station.consumers else {
            return 0.0;
        };
        let c = f64::from(consumers);
        if self.fits(population, consumers, i, k) {
            return 0.0;
        }
        let correction = change.and_then(|change| change[k].as_ref());
        let less = |j: usize| {
            if j == k && self.is_closed(k) {
                1.0
            } else {
                0.0
            }
        };
        let found = |table: &Table, by: Option<&Table>, j: usize| {
            if !self.is_closed(j) {
                return table[i][j];
            }
            if population[j] <= less(j) {
                return 0.0;
            }
            let left = population[j] - less(j);
            let share = table[i][j] / population[j] + by.map_or(0.0, |by| by[i][j]);
            (left * share).max(0.0)
        };
        let flows = || 0..self.flows.len();
        let queue = |j| found(&point.queues, correction.map(|c| &c.queues), j);
        let busy = |j| found(&point.busy, correction.map(|c| &c.busy), j);
        let own = self.flows[k].visits[i].mean;
        let load: f64 = flows().map(busy).sum();
        let all = (load / c).min(1.0).powf((2.0 * (c + 1.0)).sqrt() - 1.0);
        let level = |j: usize| self.flows[j].level;
        let residual = |j: usize| {
            let visits = self.flows[j].visits[i];
            0.5 * visits.mean * (1.0 + visits.scv)
        };
        let work = |j: usize| self.flows[j].visits[i].mean * queue(j);
        let rest = |which: &dyn Fn(usize) -> bool| -> f64 {
            let members = flows().filter(|&j| which(j));
            members.map(|j| busy(j) * residual(j)).sum::<f64>()
        };
        let share = if load > 0.0 { all / load } else { 0.0 };
        match station.order {
            ServiceOrder::Sharing => own * (all + flows().map(queue).sum::<f64>()) / c,
            ServiceOrder::Queue => (share * rest(&|_| true) + flows().map(work).sum::<f64>()) / c,
            ServiceOrder::Priority | ServiceOrder::Preemptive => {
                let preemptive = station.order == ServiceOrder::Preemptive;
                let counts = |j: usize| !preemptive || level(j) <= level(k);
                let before: f64 = flows().filter(|&j| level(j) < level(k)).map(busy).sum();
                let kept = (1.0 - before / c).max(1e-9);
                let ahead: f64 = flows().filter(|&j| level(j) <= level(k)).map(work).sum();
                let stretched = if preemptive && consumers == 1 {
                    own * (1.0 / kept - 1.0)
                } else {
                    0.0
                };
                (share * rest(&counts) + ahead) / (c * kept) + stretched
            }
        }
    }

    /// No station can do more than its consumers can: where the approximation has it so, its closed
    /// chains turn round more slowly, and wait there for the rest of their time.
    fn cap(&self, point: &mut Point) {
        for _ in 0..self.stations.len() {
            let over = (0..self.stations.len()).filter_map(|i| {
                let c = f64::from(self.stations[i].consumers?);
                let part = |closed: bool| -> f64 {
                    let flows = (0..self.flows.len()).filter(|k| self.is_closed(*k) == closed);
                    flows.map(|k| point.busy[i][k]).sum()
                };
                Some((i, (c - part(false)) / part(true)))
            });
            let least = over.min_by(|a, b| a.1.total_cmp(&b.1));
            let Some((i, factor)) = least.filter(|(_, factor)| *factor < 1.0) else {
                return;
            };
            for k in (0..self.flows.len()).filter(|k| self.is_closed(*k)) {
                let visits = self.flows[k].visits[i];
                let MvaSource::Closed { customers, .. } = self.flows[k].source else {
                    continue;
                };
                if visits.count * visits.mean > 0.0 {
                    let longer = customers / point.rates[k] * (1.0 / factor - 1.0);
                    point.waits[i][k] += longer / visits.count;
                    point.rates[k] *= factor;
                    point.busy.iter_mut().for_each(|busy| busy[k] *= factor);
                }
            }
        }
    }

    fn is_closed(&self, k: usize) -> bool {
        matches!(self.flows[k].source, MvaSource::Closed { .. })
    }

    /// Whether all who can be at a station find a consumer.
    fn fits(&self, population: &[f64], consumers: u32, i: usize, k: usize) -> bool {
        let comes = |j: &usize| self.flows[*j].visits[i].count > 0.0;
        let mut visitors = (0..self.flows.len()).filter(comes);
        let open = visitors.clone().any(|j| !self.is_closed(j));
        let others: f64 = visitors.by_ref().map(|j| population[j]).sum();
        let own = if self.is_closed(k) { 1.0 } else { 0.0 };
        !open && others - own < f64::from(consumers)
    }
}

/// How the shares of a chain's customers at the stations change with one customer less.
#[derive(Debug, Clone)]
struct Change {
    queues: Table,
    busy: Table,
}

impl Change {
    fn between(whole: &Point, full: &[f64], point: &Point, fewer: &[f64]) -> Change {
        let change = |now: &Table, then: &Table| -> Table {
            let rows = now.iter().zip(then);
            rows.map(|(now, then)| {
                let each = (0..now.len()).map(|j| {
                    if full[j] < 1.0 || fewer[j] < 1.0 {
                        return 0.0;
                    }
                    then[j] / fewer[j] - now[j] / full[j]
                });
                each.collect()
            })
            .collect()
        };
        Change {
            queues: change(&whole.queues, &point.queues),
            busy: change(&whole.busy, &point.busy),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::closed::{ProductForm, ProductStation};
    use crate::theory::{Mg1, ServiceMoments, Turn};
    use approx::assert_relative_eq;
    use proptest::prelude::*;

    fn closed(customers: f64, think_mean: f64, visits: &[(f64, f64)]) -> MvaFlow {
        let visits = visits.iter().map(|&(mean, scv)| MvaVisits {
            count: 1.0,
            mean,
            scv,
        });
        MvaFlow {
            source: MvaSource::Closed {
                customers,
                think_mean,
            },
            level: 0,
            visits: visits.collect(),
        }
    }

    fn queue(consumers: u32) -> MvaStation {
        MvaStation {
            consumers: Some(consumers),
            order: ServiceOrder::Queue,
        }
    }

    #[test]
    fn many_customers_fill_the_bottleneck() {
        let flow = closed(1e6, 10.0, &[(0.5, 1.0), (0.2, 4.0)]);
        let mva = ApproximateMva::new(&[queue(2), queue(1)], &[flow]).unwrap();
        assert_relative_eq!(mva.throughput(0), 4.0, max_relative = 1e-4);
    }

    #[test]
    fn one_customer_waits_for_nobody() {
        let flow = closed(1.0, 2.0, &[(0.5, 3.0), (0.25, 0.0)]);
        let mva = ApproximateMva::new(&[queue(1), queue(1)], &[flow]).unwrap();
        assert_relative_eq!(mva.throughput(0), 1.0 / 2.75, max_relative = 1e-12);
    }

    #[test]
    fn open_orders_alone_give_m_g_1() {
        let service = ServiceMoments {
            first: 1.0,
            second: 3.0,
            third: 20.0,
        };
        let flow = MvaFlow {
            source: MvaSource::Open { rate: 0.8 },
            ..closed(1.0, 0.0, &[(1.0, 2.0)])
        };
        let mva = ApproximateMva::new(&[queue(1)], &[flow]).unwrap();
        let exact = Mg1::new(0.8, service).unwrap();
        assert_relative_eq!(
            mva.waiting_mean(0, 0),
            exact.waiting_mean(),
            max_relative = 1e-8
        );
        assert!(exact.waiting_variance(Turn::FirstIn).is_some());
    }

    proptest! {
        #[test]
        fn near_the_exact_solution_where_there_is_one(
            n in proptest::collection::vec(1u64..12, 2),
            d in proptest::collection::vec(0.05f64..2.0, 6),
            z in 0.0f64..10.0,
        ) {
            let stations: Vec<ProductStation> = (0..3).map(|i| ProductStation {
                demands: d[2 * i..2 * i + 2].to_vec(), consumers: Some(1), open_load: 0.0,
            }).collect();
            let exact = ProductForm::new(&n, &[z, z], &stations).unwrap();
            let sharing = MvaStation { consumers: Some(1), order: ServiceOrder::Sharing };
            let flows: Vec<MvaFlow> = (0..2).map(|k| {
                let visits: Vec<(f64, f64)> = (0..3).map(|i| (d[2 * i + k], 1.0)).collect();
                closed(n[k] as f64, z, &visits)
            }).collect();
            let mva = ApproximateMva::new(&[sharing; 3], &flows).unwrap();
            for k in 0..2 {
                let error = mva.throughput(k) / exact.throughput(k) - 1.0;
                prop_assert!(error.abs() < 0.03, "{error}");
            }
        }
    }
}
