//! M/M/c/K//(N₁, N₂, …): several populations whose orders share one bounded queue.
//!
//! # References
//! F. P. Kelly (1979), *Reversibility and Stochastic Networks*, chapter 3: the states of a network with
//! one class-blind queue, truncated where the queue is full; J. W. Cohen (1957), *The generalized
//! Engset formulae*, Philips Telecommunication Review 18, 158–170.

use super::grid::Grid;
use super::station::ProductStation;
use crate::theory::ModelError;
use crate::theory::error::positive;
use crate::theory::numeric::sum;

/// Elementary steps that a solution may take.
const STEPS: f64 = 3e7;

/// Where the figures are published.
pub(super) const REFERENCE: &str =
    "Cohen 1957; Kelly 1979, Reversibility and Stochastic Networks, 3";

/// Several populations at one stage with room for K orders; a rejected customer thinks again.
///
/// # Domain
/// Mean think times above 0, of any laws. Exponential service of one mean for all, or any laws where orders
/// share the consumers (processor sharing) or where nobody can wait (K = c).
///
/// # Formula
/// The weights of the closed product form, cut at K orders in the queue. An order of population k finds
/// the others as they are with one customer less of its own, p_j(N − e_k): it is lost with probability
/// p_K, and if accepted has E\[(j + 1 − c)⁺\]/c services to wait for. λ_k = N_k/(Z_k + (1 − loss_k)W_k).
///
/// ```
/// use orderline::theory::SharedSource;
/// // One population in two halves is the same as Engset's (GNU Octave queueing 1.2.7, engset).
/// let halves = SharedSource::new(&[6, 6], &[10.0, 10.0], &[1.0, 1.0], 3, 0)?;
/// assert!((halves.loss_probability(1) - 0.0586145648312611).abs() < 1e-13);
/// # Ok::<(), orderline::theory::ModelError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SharedSource {
    shares: Vec<Share>,
}

/// One population.
#[derive(Debug, Clone, PartialEq)]
struct Share {
    offered: f64,
    loss: f64,
    service_mean: f64,
    wait_share: f64,
    /// P(j waiting before it, all consumers busy) of an accepted order.
    found: Vec<f64>,
}

impl SharedSource {
    /// Populations with mean think times and mean services at c consumers with places for waiting
    /// orders.
    ///
    /// # Errors
    /// A number outside its domain, or too many states.
    pub fn new(
        customers: &[u64],
        think: &[f64],
        service: &[f64],
        consumers: u32,
        places: u64,
    ) -> Result<SharedSource, ModelError> {
        let chains = customers.len();
        if think.len() != chains || service.len() != chains {
            let (name, value) = ("chains", chains as f64);
            return Err(ModelError::Domain { name, value });
        }
        for k in 0..chains {
            positive("customers", customers[k] as f64)?;
            positive("think time", think[k])?;
            positive("service time", service[k])?;
        }
        let states = customers.iter().map(|&n| n as f64 + 1.0).product();
        let too_large = ModelError::Domain {
            name: "states",
            value: states,
        };
        let grid = Grid::new(customers).ok_or(too_large)?;
        let room = places.saturating_add(u64::from(consumers));
        let room = room.min(grid.total() as u64) as usize;
        if (grid.points() * chains) as f64 * room as f64 > STEPS {
            return Err(too_large);
        }
        let station = ProductStation {
            demands: service.to_vec(),
            consumers: Some(consumers),
            open_load: 0.0,
        };
        let server = station.server(grid.total())?.ok_or(too_large)?;
        let at: Vec<usize> = (0..chains).map(|k| grid.without_one(k)).collect();
        let seen = server.bounded(&grid, &grid.alone(think), room, &at);
        let full = room < grid.total();
        let shares = seen.iter().enumerate().map(|(k, seen)| {
            let lost = if full { seen[room] } else { 0.0 };
            Share::new(
                customers[k] as f64,
                think[k],
                service[k],
                consumers,
                &seen[..room],
                lost,
            )
        });
        Ok(SharedSource {
            shares: shares.collect(),
        })
    }

    /// Orders that a population sends per second, those rejected included.
    pub fn arrival_rate(&self, population: usize) -> f64 {
        self.shares[population].offered
    }

    /// Orders of a population that are accepted per second.
    pub fn throughput(&self, population: usize) -> f64 {
        let share = &self.shares[population];
        share.offered * (1.0 - share.loss)
    }

    /// Rejected per offered order of a population.
    pub fn loss_probability(&self, population: usize) -> f64 {
        self.shares[population].loss
    }

    /// The mean wait of a population's accepted orders over their mean service.
    pub fn wait_share(&self, population: usize) -> f64 {
        self.shares[population].wait_share
    }

    /// W of a population's accepted orders, seconds.
    pub fn sojourn_mean(&self, population: usize) -> f64 {
        let share = &self.shares[population];
        share.service_mean * (1.0 + share.wait_share)
    }

    /// P(j waiting, all consumers busy) as an accepted order of a population finds it.
    pub fn found(&self, population: usize) -> &[f64] {
        &self.shares[population].found
    }
}

impl Share {
    fn new(n: f64, think: f64, mean: f64, consumers: u32, seen: &[f64], loss: f64) -> Share {
        let total = sum(seen.iter().copied());
        let waiting = seen.iter().skip(consumers as usize);
        let found: Vec<f64> = waiting.map(|p| p / total).collect();
        let ahead = sum(found.iter().enumerate().map(|(j, p)| (j + 1) as f64 * p));
        let wait_share = ahead / f64::from(consumers);
        Share {
            offered: n / (think + (1.0 - loss) * mean * (1.0 + wait_share)),
            loss,
            service_mean: mean,
            wait_share,
            found,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::FiniteSource;
    use crate::theory::closed::{BoundedNetwork, BoundedStation, ProductForm, Room};
    use proptest::prelude::*;

    #[test]
    fn two_populations_against_the_chain_of_their_numbers() {
        use crate::theory::closed::markov::{State, steady};
        // Processor sharing, classes with services 1 and 2.5, thinking 4 and 3, one consumer, room for 3.
        let (n, z, s) = ([5u16, 4], [4.0, 3.0], [1.0, 2.5]);
        let moves = |state: &State, out: &mut Vec<(State, f64)>| {
            let all = state[0] + state[1];
            for k in 0..2 {
                let mut next = state.clone();
                if all < 3 && state[k] < n[k] {
                    next[k] += 1;
                    out.push((next.clone(), f64::from(n[k] - state[k]) / z[k]));
                }
                if state[k] > 0 {
                    next = state.clone();
                    next[k] -= 1;
                    out.push((next, f64::from(state[k]) / f64::from(all) / s[k]));
                }
            }
        };
        let chain = steady(vec![0, 0], moves).unwrap();
        let shared = SharedSource::new(&[5, 4], &z, &s, 1, 2).unwrap();
        for k in 0..2 {
            let (mut offered, mut lost) = (0.0, 0.0);
            for (state, p) in chain.states.iter().zip(&chain.probabilities) {
                let rate = p * f64::from(n[k] - state[k]) / z[k];
                offered += rate;
                lost += if state[0] + state[1] == 3 { rate } else { 0.0 };
            }
            approx::assert_relative_eq!(shared.arrival_rate(k), offered, max_relative = 1e-12);
            approx::assert_relative_eq!(
                shared.loss_probability(k),
                lost / offered,
                max_relative = 1e-12
            );
        }
    }

    #[test]
    fn one_population_at_a_bounded_queue() {
        let shared = SharedSource::new(&[9], &[2.0], &[0.5], 2, 3).unwrap();
        let station = BoundedStation {
            service_rate: 2.0,
            consumers: 2,
            room: Room::Reject(3),
            next: Vec::new(),
        };
        let chain = BoundedNetwork::new(9, 2.0, 0, &[station]).unwrap();
        approx::assert_relative_eq!(
            shared.arrival_rate(0),
            chain.station(0).offered,
            max_relative = 1e-12
        );
    }

    proptest! {
        #[test]
        fn alike_populations_are_one(a in 1u64..20, b in 1u64..20, z in 0.1f64..9.0, c in 1u32..5, m in 0u64..6) {
            let shared = SharedSource::new(&[a, b], &[z, z], &[0.8, 0.8], c, m).unwrap();
            let one = FiniteSource::new(a + b, z, 1.25, c, Some(m)).unwrap();
            prop_assert!((shared.loss_probability(0) - one.loss_probability()).abs() < 1e-12);
            prop_assert!((shared.sojourn_mean(1) / one.sojourn_mean() - 1.0).abs() < 1e-11);
            let sent = shared.arrival_rate(0) + shared.arrival_rate(1);
            prop_assert!((sent / one.arrival_rate() - 1.0).abs() < 1e-11);
        }

        #[test]
        fn with_room_for_all_it_is_the_product_form(a in 1u64..9, b in 1u64..9, c in 1u32..5) {
            let shared = SharedSource::new(&[a, b], &[1.0, 3.0], &[0.5, 0.5], c, 100).unwrap();
            let station = ProductStation { demands: vec![0.5, 0.5], consumers: Some(c), open_load: 0.0 };
            let free = ProductForm::new(&[a, b], &[1.0, 3.0], &[station]).unwrap();
            for k in 0..2 {
                prop_assert!((shared.throughput(k) / free.throughput(k) - 1.0).abs() < 1e-11);
            }
        }
    }
}
