//! A station of a product-form network, as its closed chains see it.
//!
//! # Formula
//! With j closed and m open orders present, min(j + m, c) consumers are busy. Summed over m, a
//! station with open load a (busy consumers, ρ = a/c) has the weight
//! F(j) = Σ_m C(j+m, m) a^m/Π_(i≤j+m) min(i, c), and the closed orders see a station without open
//! ones that serves at rate α(j) = F(j−1)/F(j): j where a = 0 and j ≤ c, and c(1 − ρ) for every j ≥ c.
//! An order that joins j closed ones waits for e_j/c of its own service on average, where
//! 1 + e_j/c = (j+1)/α(j+1) and e_j is the mean number that must leave first.
//!
//! # References
//! S. C. Bruell, G. Balbo, P. V. Afshari (1984), *Mean value analysis of mixed, multiple class BCMP
//! networks with load dependent service stations*, Performance Evaluation 4, 241–260.

use super::grid::Grid;
use super::wide::Wide;
use crate::theory::error::{ModelError, non_negative, positive, stable};
use crate::theory::numeric::sum;

/// Terms of a series that are spent on one station at most.
const TERMS: f64 = 1e7;

/// What closed and open orders need of a station of a product-form network.
#[derive(Debug, Clone, PartialEq)]
pub struct ProductStation {
    /// By chain, seconds of service in one cycle of a customer: visits times mean service.
    pub demands: Vec<f64>,
    /// The parallel consumers; `None`: one for every order.
    pub consumers: Option<u32>,
    /// Consumers that open orders keep busy on average; less than there are.
    pub open_load: f64,
}

/// What an order finds at a station with queueing.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Seen {
    /// P(all consumers busy).
    pub busy: f64,
    /// Mean number of orders that must leave before it is served, over c: its wait in units of its
    /// own mean service.
    pub ahead: f64,
}

/// A station with queueing: the rates by level, and what an order waits for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Server {
    demands: Vec<f64>,
    consumers: f64,
    rho: f64,
    /// The rate above each of the lowest levels: α(j + 1) for j < c − 1, as far as there are customers.
    rates: Vec<f64>,
    /// What an order finds at those levels.
    seen: Vec<Seen>,
    /// Whether there are customers enough for level c − 1.
    can_fill: bool,
}

impl ProductStation {
    /// The station with queueing, for at most so many customers; `None` for unlimited consumers.
    pub(super) fn server(&self, customers: usize) -> Result<Option<Server>, ModelError> {
        for &demand in &self.demands {
            non_negative("demand", demand)?;
        }
        non_negative("open load", self.open_load)?;
        let Some(consumers) = self.consumers else {
            return Ok(None);
        };
        let c = positive("consumers", f64::from(consumers))?;
        let rho = stable(self.open_load / c)?;
        let below = consumers as usize - 1;
        let levels = below.min(customers + 1);
        let (rates, seen) = if self.open_load > 0.0 {
            Levels::new(consumers, rho).tables(levels)
        } else {
            let rates = (1..=levels).map(|j| j as f64).collect();
            (rates, vec![Seen::default(); levels])
        };
        Ok(Some(Server {
            demands: self.demands.clone(),
            consumers: c,
            rho,
            rates,
            seen,
            can_fill: levels == below,
        }))
    }
}

impl Server {
    /// Demands over a rate.
    fn over(&self, rate: f64) -> Vec<f64> {
        self.demands.iter().map(|d| d / rate).collect()
    }

    /// Demands over the rate c(1 − ρ) above level c − 1.
    fn full(&self) -> Vec<f64> {
        self.over(self.consumers * (1.0 - self.rho))
    }

    /// Steps of work to add this station or to look at it.
    pub fn work(&self) -> f64 {
        self.rates.len() as f64 + 4.0
    }

    /// Whether only closed orders come.
    pub fn is_closed(&self) -> bool {
        self.rho == 0.0
    }

    /// The weights of the network with this station, from those without.
    pub fn join(&self, grid: &Grid, without: &[Wide]) -> Vec<Wide> {
        let mut level = without.to_vec();
        let mut total = vec![Wide::ZERO; grid.points()];
        for rate in &self.rates {
            add(&mut total, &level);
            grid.shift(&mut level, &self.over(*rate));
        }
        if self.can_fill {
            grid.convolve(&mut level, &self.full());
            add(&mut total, &level);
        }
        total
    }

    /// What an order finds in the given populations, from the weights of the network without this
    /// station.
    pub fn look(&self, grid: &Grid, without: &[Wide], at: &[usize]) -> Vec<Seen> {
        let mut tally = vec![Tally::default(); at.len()];
        let mut level = without.to_vec();
        for (rate, seen) in self.rates.iter().zip(&self.seen) {
            for (tally, &index) in tally.iter_mut().zip(at) {
                tally.add(level[index], *seen);
            }
            grid.shift(&mut level, &self.over(*rate));
        }
        if self.can_fill {
            self.look_full(grid, level, at, &mut tally);
        }
        let seen = tally.iter().map(|tally| Seen {
            busy: tally.busy.over(tally.total),
            ahead: tally.ahead.over(tally.total) / self.consumers,
        });
        seen.collect()
    }

    /// Levels c − 1 and above: with m above c − 1 the mean number ahead is (m + cρ)/(1 − ρ), and at
    /// least one consumer is free only where neither closed (m = 0) nor open orders take the last.
    fn look_full(&self, grid: &Grid, level: Vec<Wide>, at: &[usize], tally: &mut [Tally]) {
        let steps = self.full();
        let mut sums = level.clone();
        grid.convolve(&mut sums, &steps);
        let mut means = sums.clone();
        grid.convolve(&mut means, &steps);
        let kept = 1.0 - self.rho;
        let taken = -(self.consumers * (-self.rho).ln_1p()).exp_m1();
        for (tally, &index) in tally.iter_mut().zip(at) {
            let above = grid.below(&sums, &steps, index);
            let excess = grid.below(&means, &steps, index);
            tally.total += sums[index];
            tally.busy += above + level[index] * taken;
            let open = self.consumers * self.rho / kept;
            tally.ahead += excess * (1.0 / kept) + sums[index] * open;
        }
    }

    /// P(j closed orders here) in the given populations, for all j; of a station without open orders.
    pub fn marginals(&self, grid: &Grid, without: &[Wide], at: &[usize]) -> Vec<Vec<f64>> {
        self.bounded(grid, without, grid.total(), at)
    }

    /// The same where at most so many orders have room here, in place of all.
    pub fn bounded(
        &self,
        grid: &Grid,
        without: &[Wide],
        room: usize,
        at: &[usize],
    ) -> Vec<Vec<f64>> {
        let mut level = without.to_vec();
        let mut weights = vec![Vec::with_capacity(room + 1); at.len()];
        let full = self.full();
        for j in 0..=room.min(grid.total()) {
            for (weights, &index) in weights.iter_mut().zip(at) {
                weights.push(level[index]);
            }
            match self.rates.get(j) {
                Some(rate) => grid.shift(&mut level, &self.over(*rate)),
                None => grid.shift(&mut level, &full),
            }
        }
        weights.iter().map(|weights| shares(weights)).collect()
    }

    /// The same for a single chain, whose levels are products.
    pub fn marginal(&self, without: &[Wide], customers: usize) -> Vec<f64> {
        let full = self.full()[0];
        let mut factor = Wide::ONE;
        let mut weights = Vec::with_capacity(customers + 1);
        for j in 0..=customers {
            weights.push(without[customers - j] * factor);
            let rate = self.rates.get(j);
            factor = factor * rate.map_or(full, |rate| self.demands[0] / rate);
        }
        shares(&weights)
    }
}

/// Weights over their sum.
fn shares(weights: &[Wide]) -> Vec<f64> {
    let total = weights.iter().fold(Wide::ZERO, |sum, w| sum + *w);
    weights.iter().map(|w| w.over(total)).collect()
}

fn add(total: &mut [Wide], level: &[Wide]) {
    for (sum, weight) in total.iter_mut().zip(level) {
        *sum += *weight;
    }
}

/// Sums over the levels of a station.
#[derive(Debug, Clone, Copy)]
struct Tally {
    total: Wide,
    busy: Wide,
    ahead: Wide,
}

impl Default for Tally {
    fn default() -> Tally {
        Tally {
            total: Wide::ZERO,
            busy: Wide::ZERO,
            ahead: Wide::ZERO,
        }
    }
}

impl Tally {
    fn add(&mut self, weight: Wide, seen: Seen) {
        self.total += weight;
        self.busy += weight * seen.busy;
        self.ahead += weight * seen.ahead;
    }
}

/// The levels below c − 1 of a station with open orders.
struct Levels {
    consumers: usize,
    rho: f64,
    /// f(j) = j! F(j) for j ≤ c, up to a common factor: free consumers and none.
    free: Vec<Wide>,
    none: Vec<Wide>,
}

impl Levels {
    fn new(consumers: u32, rho: f64) -> Levels {
        let c = consumers as usize;
        let load = rho * f64::from(consumers);
        Levels {
            consumers: c,
            rho,
            free: partial_exponentials(c, load),
            none: Levels::none(c, rho, load),
        }
    }

    /// j! (c^c/c!) c^(−j) (1−ρ)^(−j−1) P(Binomial(c, ρ) ≥ c − j), for j ≤ c.
    fn none(c: usize, rho: f64, load: f64) -> Vec<Wide> {
        // c^c ρ^c/c!, then the binomial terms in units of ρ^c.
        let mut factor =
            (1..=c).fold(Wide::ONE, |w, i| w * (load / i as f64)) * (1.0 / (1.0 - rho));
        let (mut term, mut tail) = (Wide::ONE, Wide::ONE);
        let mut none = Vec::with_capacity(c + 1);
        for j in 0..=c {
            none.push(factor * tail);
            factor = factor * ((j + 1) as f64 / (c as f64 * (1.0 - rho)));
            term = term * ((c - j) as f64 / (j + 1) as f64 * (1.0 - rho) / rho);
            tail += term;
        }
        none
    }

    fn sum(&self, j: usize) -> Wide {
        self.free[j] + self.none[j]
    }

    /// α(j + 1) and what an order finds, for so many levels.
    fn tables(&self, levels: usize) -> (Vec<f64>, Vec<Seen>) {
        let by_series = levels as f64 * 40.0 / (1.0 - self.rho) < TERMS;
        let tables = (0..levels).map(|j| {
            // f(j+1)/f(j) = (j+1)/α(j+1) = 1 + e_j/c.
            let ratio = self.sum(j + 1).over(self.sum(j));
            let busy = self.none[j].over(self.sum(j));
            let ahead = if by_series {
                busy * self.ahead(j)
            } else {
                self.consumers as f64 * (ratio - 1.0).max(0.0)
            };
            ((j + 1) as f64 / ratio, Seen { busy, ahead })
        });
        tables.unzip()
    }

    /// E\[j + m − c + 1 | j + m ≥ c\], by the series in m: nothing cancels where few wait.
    fn ahead(&self, j: usize) -> f64 {
        let (mut term, mut weight, mut total) = (1.0, 0.0, 0.0);
        let mut m = (self.consumers - j) as f64;
        let mut number = 1.0;
        while term * number > 1e-17 * total {
            weight += term;
            total += number * term;
            term *= self.rho * (j as f64 + m + 1.0) / (m + 1.0);
            m += 1.0;
            number += 1.0;
        }
        total / weight
    }
}

/// Σ_(m < c − j) load^m/m! for j ≤ c.
fn partial_exponentials(c: usize, load: f64) -> Vec<Wide> {
    let mut sums = vec![Wide::ZERO; c + 1];
    let mut term = Wide::ONE;
    for m in 0..c {
        sums[c - m - 1] = sums[c - m] + term;
        term = term * (load / (m + 1) as f64);
    }
    sums
}

/// The load of all chains and of open orders on the consumers, from the rates of the cycles.
pub(super) fn busy_consumers(station: &ProductStation, rates: &[f64]) -> f64 {
    let closed = station.demands.iter().zip(rates).map(|(d, x)| d * x);
    station.open_load + sum(closed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    /// F(j), the number ahead and the chance of none free, term by term.
    fn plain(j: usize, c: usize, load: f64) -> (f64, f64, f64) {
        let mut weight = 1.0;
        for i in 1..=j {
            weight /= i.min(c) as f64;
        }
        let (mut total, mut ahead, mut busy) = (0.0, 0.0, 0.0);
        for m in 0..20_000 {
            total += weight;
            if j + m >= c {
                ahead += (j + m + 1 - c) as f64 * weight;
                busy += weight;
            }
            let next = j + m + 1;
            weight *= load * next as f64 / ((m + 1) as f64 * next.min(c) as f64);
        }
        (total, ahead / total, busy / total)
    }

    #[test]
    fn open_orders_slow_a_station_down_as_the_sum_over_them_says() {
        for (c, load) in [(2u32, 1.5), (5, 4.6), (8, 0.3), (30, 25.0)] {
            let levels = Levels::new(c, load / f64::from(c));
            let (rates, seen) = levels.tables(c as usize - 1);
            for j in 0..c as usize - 1 {
                let (here, ahead, busy) = plain(j, c as usize, load);
                let above = plain(j + 1, c as usize, load).0;
                assert_relative_eq!(rates[j], here / above, max_relative = 1e-10);
                assert_relative_eq!(seen[j].ahead, ahead, max_relative = 1e-9);
                assert_relative_eq!(seen[j].busy, busy, max_relative = 1e-9);
                let identity = (j + 1) as f64 / rates[j];
                assert_relative_eq!(identity, 1.0 + ahead / f64::from(c), max_relative = 1e-10);
            }
        }
    }
}
