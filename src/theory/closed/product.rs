//! Closed and mixed product-form networks, solved exactly: normalizing constants by convolution.
//!
//! # References
//! F. Baskett, K. M. Chandy, R. R. Muntz, F. G. Palacios (1975), *Open, closed, and mixed networks of
//! queues with different classes of customers*, Journal of the ACM 22, 248–260; M. Reiser, H.
//! Kobayashi (1975), *Queuing networks with multiple closed chains: theory and computational
//! algorithms*, IBM Journal of Research and Development 19, 283–294; M. Reiser, S. S. Lavenberg
//! (1980), *Mean-value analysis of closed multichain queuing networks*, Journal of the ACM 27,
//! 313–322 (what an arriving order sees).

use super::grid::Grid;
use super::station::{ProductStation, Seen, Server, busy_consumers};
use super::wide::Wide;
use crate::theory::ModelError;
use crate::theory::error::{non_negative, positive};

/// Elementary steps that a solution may take.
const STEPS: f64 = 6e7;
/// Elementary steps that the distributions at all stations together may take.
const DETAIL: f64 = 1e7;

/// A network of stations with product form, several closed chains of customers, and what open orders
/// leave to them.
///
/// # Domain
/// Each chain has at least one customer, a think time of any law, and a demand somewhere. Stations:
/// first in, first out (also last in, or any order that does not look at the work) with one exponential law for all;
/// processor sharing or unlimited consumers with any laws. Open orders come from Poisson sources
/// and leave each station a load below 1. The product Π(N_k + 1) times the stations' consumers must
/// stay within some 10⁷.
///
/// # Formula
/// G(n), the sum of the weights of all states of population n, station by station: with H_j(n) the
/// weight of the states with j orders at a station, H_0 = G without it and H_j(n) = Σ_k D_k H_(j−1)(n −
/// e_k)/α(j), α(j) = min(j, c). Chain k turns round X_k = G(N − e_k)/G(N) times per second, and its
/// orders see the network with one customer less (arrival theorem): they wait D_k Σ (j+1−c)⁺ p(j | N −
/// e_k)/c at a station in each cycle.
///
/// # Numerics
/// All terms are positive, levels at or above c are summed by one recursion, numbers have an exponent of
/// their own, and the network without each station is built by halves: nothing cancels or
/// overflows.
///
/// ```
/// use orderline::theory::{ProductForm, ProductStation};
/// // G. Bolch et al. (2006), Queueing Networks and Markov Chains, example 8.4.
/// let station = |demand: f64, consumers| ProductStation {
///     demands: vec![demand], consumers, open_load: 0.0,
/// };
/// let stations = [station(0.5, Some(2)), station(0.3, Some(1)), station(0.4, Some(1)), station(1.0, None)];
/// let network = ProductForm::new(&[3], &[0.0], &stations)?;
/// // The book rounds on the way.
/// assert!((network.throughput(0) - 1.218).abs() < 1e-3);
/// assert!((network.number(2, 0) - 0.686).abs() < 1e-3);
/// # Ok::<(), orderline::theory::ModelError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ProductForm {
    stations: Vec<ProductStation>,
    throughput: Vec<f64>,
    /// By station: what each chain finds, then what an open order finds.
    seen: Vec<Vec<Seen>>,
    /// By station and chain: P(j orders found), where it was cheap enough.
    found: Vec<Option<Vec<Vec<f64>>>>,
}

impl ProductForm {
    /// A network of chains with so many customers and mean think times.
    ///
    /// # Errors
    /// A number outside its domain, a station that open orders overload, or too large a network
    /// ("states").
    pub fn new(
        customers: &[u64],
        think: &[f64],
        stations: &[ProductStation],
    ) -> Result<ProductForm, ModelError> {
        let chains = customers.len();
        if think.len() != chains || stations.iter().any(|s| s.demands.len() != chains) {
            let (name, value) = ("chains", chains as f64);
            return Err(ModelError::Domain { name, value });
        }
        let demands = |k: usize| stations.iter().map(move |s| s.demands[k]);
        for (k, &n) in customers.iter().enumerate() {
            positive("customers", n as f64)?;
            non_negative("think time", think[k])?;
            positive("demand", think[k] + demands(k).sum::<f64>())?;
        }
        let states = customers.iter().map(|&n| n as f64 + 1.0).product();
        let too_large = ModelError::Domain {
            name: "states",
            value: states,
        };
        let grid = Grid::new(customers).ok_or(too_large)?;
        let servers: Vec<Option<Server>> = stations
            .iter()
            .map(|station| station.server(grid.total()))
            .collect::<Result<_, _>>()?;
        let queueing: Vec<(usize, &Server)> = (0..servers.len())
            .filter_map(|i| Some((i, servers[i].as_ref()?)))
            .collect();
        if work(&grid, &queueing) > STEPS {
            return Err(too_large);
        }
        let alone: Vec<f64> = think
            .iter()
            .enumerate()
            .map(|(k, z)| {
                let delays = stations.iter().filter(|s| s.consumers.is_none());
                z + delays.map(|s| s.demands[k]).sum::<f64>()
            })
            .collect();
        let mut solution = Solution::new(grid, stations.len());
        let base = solution.grid.alone(&alone);
        if queueing.is_empty() {
            solution.constants = Some(base);
        } else {
            solution.leave_one_out(&queueing, &base);
        }
        Ok(ProductForm {
            throughput: solution.throughput(),
            seen: solution.seen,
            found: solution.found,
            stations: stations.to_vec(),
        })
    }

    /// X_k: cycles of the customers of a chain per second.
    pub fn throughput(&self, chain: usize) -> f64 {
        self.throughput[chain]
    }

    /// The mean number of a chain's orders that wait at a station.
    pub fn number_waiting(&self, station: usize, chain: usize) -> f64 {
        self.throughput[chain] * self.waiting(station, chain)
    }

    /// The mean number of a chain's orders at a station.
    pub fn number(&self, station: usize, chain: usize) -> f64 {
        let demand = self.stations[station].demands[chain];
        self.throughput[chain] * (demand + self.waiting(station, chain))
    }

    /// Seconds that an order of a chain waits at a station, all visits of a cycle together.
    pub fn waiting(&self, station: usize, chain: usize) -> f64 {
        self.stations[station].demands[chain] * self.wait_share(station, chain)
    }

    /// A chain's mean wait at a station over its mean service there.
    pub fn wait_share(&self, station: usize, chain: usize) -> f64 {
        self.seen[station][chain].ahead
    }

    /// P(an order of a chain finds all consumers of a station busy).
    pub fn wait_probability(&self, station: usize, chain: usize) -> f64 {
        self.seen[station][chain].busy
    }

    /// An open order's mean wait at a station over its mean service there.
    pub fn open_wait_share(&self, station: usize) -> f64 {
        self.seen[station][self.throughput.len()].ahead
    }

    /// P(an open order finds all consumers of a station busy).
    pub fn open_wait_probability(&self, station: usize) -> f64 {
        self.seen[station][self.throughput.len()].busy
    }

    /// The mean number of busy consumers of a station.
    pub fn busy_consumers(&self, station: usize) -> f64 {
        busy_consumers(&self.stations[station], &self.throughput)
    }

    /// P(j orders at a station) as a chain's orders find it on arrival; `None` with open orders
    /// there, at unlimited consumers, and in networks too large for it.
    pub fn found(&self, station: usize, chain: usize) -> Option<&[f64]> {
        Some(&self.found[station].as_ref()?[chain])
    }
}

/// Elementary steps for a network.
fn work(grid: &Grid, servers: &[(usize, &Server)]) -> f64 {
    let halvings = (servers.len().max(1) as f64).log2() + 1.0;
    let each: f64 = servers.iter().map(|(_, server)| server.work()).sum();
    grid.points() as f64 * grid.chains() as f64 * each * halvings
}

/// What is found on the way.
struct Solution {
    grid: Grid,
    constants: Option<Vec<Wide>>,
    seen: Vec<Vec<Seen>>,
    found: Vec<Option<Vec<Vec<f64>>>>,
}

impl Solution {
    fn new(grid: Grid, stations: usize) -> Solution {
        Solution {
            seen: vec![vec![Seen::default(); grid.chains() + 1]; stations],
            found: vec![None; stations],
            constants: None,
            grid,
        }
    }

    /// Looks at every station from the network without it: the other half joins, then each half is
    /// taken apart in the same way.
    fn leave_one_out(&mut self, servers: &[(usize, &Server)], without: &[Wide]) {
        if let [(station, server)] = servers {
            self.look(*station, server, without);
            if self.constants.is_none() {
                self.constants = Some(server.join(&self.grid, without));
            }
            return;
        }
        let (left, right) = servers.split_at(servers.len() / 2);
        for (stay, join) in [(left, right), (right, left)] {
            let mut with = without.to_vec();
            for (_, server) in join {
                with = server.join(&self.grid, &with);
            }
            self.leave_one_out(stay, &with);
        }
    }

    fn look(&mut self, station: usize, server: &Server, without: &[Wide]) {
        let chains = self.grid.chains();
        let mut at: Vec<usize> = (0..chains).map(|k| self.grid.without_one(k)).collect();
        at.push(self.grid.top());
        self.seen[station] = server.look(&self.grid, without, &at);
        if !server.is_closed() {
            return;
        }
        if chains == 1 {
            let marginal = server.marginal(without, self.grid.total() - 1);
            self.found[station] = Some(vec![marginal]);
            return;
        }
        let each = self.grid.points() as f64 * (self.grid.total() * chains) as f64;
        if each * self.seen.len() as f64 <= DETAIL {
            self.found[station] = Some(server.marginals(&self.grid, without, &at[..chains]));
        }
    }

    /// X_k = G(N − e_k)/G(N).
    fn throughput(&self) -> Vec<f64> {
        let Some(g) = &self.constants else {
            return vec![0.0; self.grid.chains()];
        };
        let whole = g[self.grid.top()];
        let chains = 0..self.grid.chains();
        chains
            .map(|k| g[self.grid.without_one(k)].over(whole))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::{FiniteSource, Mmc};
    use approx::assert_relative_eq;
    use proptest::prelude::*;

    fn station(demands: &[f64], consumers: u32) -> ProductStation {
        ProductStation {
            demands: demands.to_vec(),
            consumers: Some(consumers),
            open_load: 0.0,
        }
    }

    fn delay(demands: &[f64]) -> ProductStation {
        ProductStation {
            consumers: None,
            ..station(demands, 1)
        }
    }

    /// Exact mean-value analysis of single-consumer stations and delays (Reiser and Lavenberg 1980):
    /// the mean numbers at the stations, all chains together, and the throughputs.
    fn mean_values(
        customers: &[u64],
        think: &[f64],
        stations: &[ProductStation],
    ) -> (Vec<f64>, Vec<f64>) {
        let mut numbers = vec![0.0; stations.len()];
        let mut rates = vec![0.0; customers.len()];
        let mut without = Vec::new();
        for k in 0..customers.len() {
            let mut fewer = customers.to_vec();
            without.push(if fewer[k] > 0 {
                fewer[k] -= 1;
                Some(mean_values(&fewer, think, stations).0)
            } else {
                None
            });
        }
        for (k, seen) in without.iter().enumerate() {
            let Some(seen) = seen else { continue };
            let time = |i: usize| match stations[i].consumers {
                None => stations[i].demands[k],
                Some(_) => stations[i].demands[k] * (1.0 + seen[i]),
            };
            let cycle: f64 = think[k] + (0..stations.len()).map(time).sum::<f64>();
            rates[k] = customers[k] as f64 / cycle;
            for (i, number) in numbers.iter_mut().enumerate() {
                *number += rates[k] * time(i);
            }
        }
        (numbers, rates)
    }

    #[test]
    fn interactive_system_of_jain() {
        let stations = [station(&[2.0], 1), station(&[3.0], 1), station(&[1.0], 1)];
        let network = ProductForm::new(&[50], &[4.0], &stations).unwrap();
        assert_relative_eq!(
            network.throughput(0),
            0.333333332880787,
            max_relative = 1e-12
        );
    }

    #[test]
    fn three_classes_of_allen() {
        // A. Allen (1990), Probability, Statistics, and Queueing Theory, example 6.3.4, by Octave.
        let stations = [
            station(&[0.5, 0.4, 1.2], 1),
            station(&[0.04, 0.2, 0.05], 1),
            station(&[0.06, 0.3, 0.06], 1),
        ];
        let network = ProductForm::new(&[5, 10, 5], &[20.0, 30.0, 0.0], &stations).unwrap();
        for (k, x) in [0.209977208033132, 0.297996644722663, 0.646510298793468]
            .iter()
            .enumerate()
        {
            assert_relative_eq!(network.throughput(k), *x, max_relative = 1e-11);
        }
        let number: f64 = (0..3).map(|k| network.number(0, k)).sum();
        assert_relative_eq!(number, 6.58666395535877, max_relative = 1e-11);
        assert_relative_eq!(
            network.busy_consumers(0),
            0.999999620457793,
            max_relative = 1e-11
        );
    }

    #[test]
    fn a_mixed_network_of_lazowska() {
        // E. Lazowska et al. (1984), Quantitative System Performance, page 148.
        let mut stations = [station(&[0.5, 1.0], 1), station(&[1.0, 4.0 / 3.0], 1)];
        stations[0].open_load = 0.25 + 0.25;
        stations[1].open_load = 1.0 / 6.0 + 0.5;
        let network = ProductForm::new(&[1, 1], &[0.0, 0.0], &stations).unwrap();
        assert_relative_eq!(network.number(0, 0), 0.210526316, max_relative = 1e-8);
        assert_relative_eq!(network.number(1, 1), 0.736842105, max_relative = 1e-8);
        assert_relative_eq!(network.throughput(0), 0.1578947, max_relative = 1e-6);
        let open = 0.5 * (1.0 + network.open_wait_share(0));
        let closed = network.number(0, 0) + network.number(0, 1);
        assert_relative_eq!(open + closed, 1.947368, max_relative = 1e-6);
        assert_relative_eq!(network.busy_consumers(1), 0.9649123, max_relative = 1e-7);
    }

    #[test]
    fn a_chain_that_hardly_loads_sees_the_open_queue() {
        let mut stations = [station(&[1e-9], 3)];
        stations[0].open_load = 2.4;
        let network = ProductForm::new(&[1], &[1.0], &stations).unwrap();
        let open = Mmc::new(2.4, 1.0, 3).unwrap();
        assert_relative_eq!(
            network.wait_probability(0, 0),
            open.wait_probability(),
            max_relative = 1e-8
        );
        assert_relative_eq!(
            network.open_wait_share(0),
            open.waiting_mean(),
            max_relative = 1e-8
        );
    }

    #[test]
    fn a_thousand_customers_saturate_the_bottleneck() {
        let stations = [station(&[0.9], 4), station(&[0.2], 1), delay(&[1.0])];
        let network = ProductForm::new(&[3000], &[10.0], &stations).unwrap();
        assert_relative_eq!(network.throughput(0), 4.0 / 0.9, max_relative = 1e-12);
        assert_relative_eq!(network.wait_probability(0, 0), 1.0, max_relative = 1e-12);
    }

    #[test]
    fn too_large_a_network_is_refused() {
        let stations = [station(&[1.0, 1.0], 1)];
        let error = ProductForm::new(&[5000, 5000], &[1.0, 1.0], &stations).unwrap_err();
        assert!(error.to_string().starts_with("states"));
        assert!(ProductForm::new(&[1], &[0.0], &[station(&[0.0], 1)]).is_err());
    }

    proptest! {
        #[test]
        fn convolution_is_mean_value_analysis(
            n in proptest::collection::vec(1u64..4, 1..4),
            d in proptest::collection::vec(0.0f64..3.0, 9),
            z in proptest::collection::vec(0.1f64..5.0, 3),
        ) {
            let kinds = [station(&d[..3], 1), station(&d[3..6], 1), delay(&d[6..])];
            let stations: Vec<ProductStation> = kinds.into_iter().map(|mut s| {
                s.demands.truncate(n.len());
                s
            }).collect();
            let network = ProductForm::new(&n, &z[..n.len()], &stations).unwrap();
            let (numbers, rates) = mean_values(&n, &z, &stations);
            for (k, rate) in rates.iter().enumerate() {
                prop_assert!((network.throughput(k) / rate - 1.0).abs() < 1e-11);
            }
            for (i, number) in numbers.iter().enumerate() {
                let all: f64 = (0..n.len()).map(|k| network.number(i, k)).sum();
                prop_assert!((all - number).abs() < 1e-10);
            }
        }

        #[test]
        fn nobody_gets_lost(
            n in proptest::collection::vec(1u64..9, 1..4),
            d in proptest::collection::vec(0.01f64..3.0, 12),
            c in proptest::collection::vec(1u32..7, 4),
            rho in proptest::collection::vec(0.0f64..0.95, 4),
            z in 0.0f64..5.0,
        ) {
            let stations: Vec<ProductStation> = (0..4).map(|i| ProductStation {
                demands: d[3 * i..3 * i + n.len()].to_vec(),
                consumers: Some(c[i]),
                open_load: if rho[i] < 0.3 { 0.0 } else { rho[i] * f64::from(c[i]) },
            }).collect();
            let network = ProductForm::new(&n, &vec![z; n.len()], &stations).unwrap();
            for (k, customers) in n.iter().enumerate() {
                let inside: f64 = (0..4).map(|i| network.number(i, k)).sum();
                let all = inside + network.throughput(k) * z;
                prop_assert!((all / *customers as f64 - 1.0).abs() < 1e-9, "{all} of {customers}");
            }
            for (i, station) in stations.iter().enumerate() {
                prop_assert!(network.busy_consumers(i) <= f64::from(c[i]) * (1.0 + 1e-12));
                let Some(found) = network.found(i, 0) else { continue };
                let busy: f64 = found.iter().skip(c[i] as usize).sum();
                prop_assert!((busy - network.wait_probability(i, 0)).abs() < 1e-12);
                prop_assert_eq!(station.open_load, 0.0);
            }
        }

        #[test]
        fn one_chain_at_one_station_is_machine_repair(n in 1u64..60, z in 0.1f64..20.0, c in 1u32..8) {
            let network = ProductForm::new(&[n], &[z], &[station(&[0.7], c)]).unwrap();
            let queue = FiniteSource::new(n, z, 1.0 / 0.7, c, None).unwrap();
            prop_assert!((network.throughput(0) / queue.throughput() - 1.0).abs() < 1e-11);
            prop_assert!((network.waiting(0, 0) - queue.waiting_mean()).abs() < 1e-11 * queue.sojourn_mean());
            prop_assert!((network.wait_probability(0, 0) - queue.wait_probability()).abs() < 1e-11);
        }
    }
}
