//! Base stock: every unit sold is ordered at once, on its own.
//!
//! # References
//! C. Palm (1938), *Analysis of the Erlang traffic formulae for busy-signal arrangements*, Ericsson Technics 4
//! (M/G/∞); S. Karush (1957), *A queuing model for an inventory problem*, Operations Research 5 (lost sales);
//! G. Hadley, T. M. Whitin (1963), *Analysis of Inventory Systems*, chapter 4 (backorders).

use super::erlang::erlang_b;
use super::error::{ModelError, non_negative};
use crate::network::Shortage;
use statrs::function::gamma::gamma_lr;

/// One item in stock, of which an order takes one unit; orders come by Poisson's law.
///
/// # Domain
/// λ ≥ 0 per second, lead times of any law with a mean, S ≥ 0.
///
/// # Formula
/// With a = λE\[lead time\]: where what is not there is lost, B(S, a) of Erlang finds none. Where orders wait, as
/// many units N are on order as in M/G/∞, Poisson with mean a; who finds N ≥ S waits, and E\[(N − S)⁺\] wait.
///
/// ```
/// use orderline::{network::Shortage, theory::BaseStock};
/// // Two units, an order a day, a day until a unit comes: B(2, 1) = (1/2)/(1 + 1 + 1/2).
/// let lost = BaseStock::new(1.0, 1.0, 2, Shortage::LostSale)?;
/// assert!((lost.shortage() - 0.2).abs() < 1e-14);
/// // Where orders wait: P(N ≥ 2) = 1 − 2/e.
/// let owed = BaseStock::new(1.0, 1.0, 2, Shortage::Backorder)?;
/// assert!((owed.shortage() - (1.0 - 2.0 / 1f64.exp())).abs() < 1e-14);
/// # Ok::<(), orderline::theory::ModelError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BaseStock {
    /// Probability that none is there.
    out: f64,
    on_hand: f64,
    owed: f64,
}

impl BaseStock {
    /// An item with λ orders a second, this mean lead time, S units at first.
    ///
    /// # Errors
    /// A rate or a time that is negative or not finite, or more units than can be counted.
    pub fn new(
        rate: f64,
        lead_time: f64,
        units: u64,
        shortage: Shortage,
    ) -> Result<BaseStock, ModelError> {
        let a = non_negative("orders per second", rate)? * non_negative("lead time", lead_time)?;
        let s = units as f64;
        if a == 0.0 {
            let out = f64::from(u8::from(units == 0));
            let (on_hand, owed) = (s, 0.0);
            return Ok(BaseStock { out, on_hand, owed });
        }
        match shortage {
            Shortage::LostSale => {
                let out = erlang_b(u32::try_from(units).unwrap_or(u32::MAX), a);
                let on_hand = s - a * (1.0 - out);
                Ok(BaseStock {
                    out,
                    on_hand,
                    owed: 0.0,
                })
            }
            Shortage::Backorder => {
                // P(N ≥ n).
                let at_least = |n: f64| if n < 1.0 { 1.0 } else { gamma_lr(n, a) };
                let owed = (a * at_least(s) - s * at_least(s + 1.0)).max(0.0);
                let (out, on_hand) = (at_least(s), (s - a + owed).max(0.0));
                Ok(BaseStock { out, on_hand, owed })
            }
        }
    }

    /// The share of the orders, and of the time, that find none.
    pub fn shortage(&self) -> f64 {
        self.out
    }

    /// Mean units at hand.
    pub fn on_hand(&self) -> f64 {
        self.on_hand
    }

    /// Mean number of orders that wait.
    pub fn owed(&self) -> f64 {
        self.owed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    /// The sums over Poisson's law, term by term.
    #[test]
    fn base_stock_with_backorders_term_by_term() {
        for (a, units) in [(0.5, 0u64), (3.0, 2), (20.0, 26)] {
            let item = BaseStock::new(a / 2.0, 2.0, units, Shortage::Backorder).unwrap();
            let (mut term, mut out, mut owed, mut on_hand) = (f64::exp(-a), 0.0, 0.0, 0.0);
            for n in 0..200u64 {
                out += if n >= units { term } else { 0.0 };
                owed += term * n.saturating_sub(units) as f64;
                on_hand += term * units.saturating_sub(n) as f64;
                term *= a / (n + 1) as f64;
            }
            assert_relative_eq!(item.shortage(), out, max_relative = 1e-10);
            assert_relative_eq!(item.owed(), owed, max_relative = 1e-9, epsilon = 1e-12);
            assert_relative_eq!(
                item.on_hand(),
                on_hand,
                max_relative = 1e-9,
                epsilon = 1e-12
            );
        }
    }

    #[test]
    fn base_stock_with_lost_sales_is_erlang_b() {
        let item = BaseStock::new(2.0, 1.5, 4, Shortage::LostSale).unwrap();
        // B(4, 3) = (81/24)/(1 + 3 + 9/2 + 27/6 + 81/24).
        let out = 3.375 / 16.375;
        assert_relative_eq!(item.shortage(), out, max_relative = 1e-12);
        assert_relative_eq!(
            item.on_hand(),
            4.0 - 3.0 * (1.0 - out),
            max_relative = 1e-12
        );
    }
}
