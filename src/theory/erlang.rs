//! Erlang's two formulas: the probability that all consumers are busy.
//!
//! # References
//! A. K. Erlang (1917), *Solution of some problems in the theory of probabilities of significance
//! in automatic telephone exchanges*; the recursion as in R. B. Cooper (1981), *Introduction to
//! Queueing Theory*, 2nd ed., p. 82.

/// Erlang B: the share of orders lost by `consumers` consumers without a queue, at offered load
/// a = λ/μ (≥ 0).
///
/// # Formula
/// B(c, a) = (aᶜ/c!) / Σₙ₌₀ᶜ aⁿ/n!, by B(n) = aB(n−1)/(n + aB(n−1)), B(0) = 1.
///
/// # Numerics
/// Every term is positive and at most 1: no overflow and no cancellation. A relative error of
/// B(n − 1) comes down by 1 − B(n) with every step, and B(n) ≥ 1 − n/a; so the recursion may start
/// 9√n + 40 steps before n = min(c, a), where any first value is forgotten to e^(−40), and it ends
/// where B underflows. That makes some 50√a steps for any number of consumers.
///
/// ```
/// // Two lines offered one erlang lose every fifth call.
/// assert!((orderline::theory::erlang_b(2, 1.0) - 0.2).abs() < 1e-15);
/// let b = orderline::theory::erlang_b(950, 900.0);
/// assert!((b - 0.0034725982823362).abs() < 1e-15);
/// ```
pub fn erlang_b(consumers: u32, offered: f64) -> f64 {
    let turn = f64::from(consumers).min(offered);
    let first = (turn - 9.0 * turn.sqrt() - 40.0).max(0.0).floor();
    let mut b = if first > 0.0 {
        1.0 - first / offered
    } else {
        1.0
    };
    // The cast is exact: a whole number of at most `consumers`.
    for n in first as u32..consumers {
        b = offered * b / (f64::from(n) + 1.0 + offered * b);
        if b == 0.0 {
            break;
        }
    }
    b
}

/// Erlang C: the share of orders that wait for one of `consumers` consumers, at offered load
/// a = λ/μ; 1 where a ≥ c.
///
/// # Formula
/// C(c, a) = cB/((c − a) + aB) with Erlang's B = B(c, a).
///
/// # Numerics
/// The form keeps its digits as a approaches c; only c − a itself cancels.
///
/// ```
/// let c = orderline::theory::erlang_c(10, 9.0);
/// assert!((c - 0.668731524107697).abs() < 1e-14);
/// ```
pub fn erlang_c(consumers: u32, offered: f64) -> f64 {
    let c = f64::from(consumers);
    if offered >= c {
        return 1.0;
    }
    let b = erlang_b(consumers, offered);
    c * b / ((c - offered) + offered * b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn published_waiting_probabilities() {
        let table = [
            (1, 0.1, 0.1),
            (2, 1.0, 0.333333333333333),
            (14, 10.0, 0.17413193359505),
            (117, 100.0, 0.0637097651999766),
            (950, 900.0, 0.0620978324885313),
            (55, 48.0, 0.238700936378009),
        ];
        for (c, a, published) in table {
            assert_relative_eq!(erlang_c(c, a), published, max_relative = 1e-12);
        }
    }

    #[test]
    fn published_loss_probabilities() {
        let table = [
            (30, 20.0, 0.0084574983401947),
            (250, 240.0, 0.0272783631936794),
            (64, 50.0, 0.00843942665594072),
            (10, 10.0, 0.214582343107347),
        ];
        for (c, a, published) in table {
            assert_relative_eq!(erlang_b(c, a), published, max_relative = 1e-12);
        }
    }

    #[test]
    fn a_late_start_forgets_its_first_value() {
        for (c, a) in [
            (5_000, 5_000.0),
            (5_000, 4_700.0),
            (5_000, 9_000.0),
            (3_000, 1e7),
            (900, 1.5),
        ] {
            let full = (1..=c).fold(1.0, |b, n| a * b / (f64::from(n) + a * b));
            assert_relative_eq!(erlang_b(c, a), full, max_relative = 1e-13);
        }
    }

    #[test]
    fn four_billion_consumers_take_no_time() {
        // At a = c: 1/B = √(πc/2) + 2/3 + O(1/√c) (Jagerman 1974).
        let c = 4_000_000_000_u32;
        let b = erlang_b(c, f64::from(c));
        let limit = (std::f64::consts::FRAC_PI_2 * f64::from(c)).sqrt() + 2.0 / 3.0;
        assert_relative_eq!(1.0 / b, limit, max_relative = 1e-8);
        assert_eq!(erlang_b(c, 1e3), 0.0);
    }

    #[test]
    fn a_hundred_thousand_consumers_at_the_brink_still_give_a_probability() {
        let c = 100_000;
        let p = erlang_c(c, f64::from(c) * (1.0 - 1e-9));
        // Halfin-Whitt: C -> 1 - β sqrt(π/2) as β = (1 − ρ)√c -> 0.
        let beta = 1e-9 * f64::from(c).sqrt();
        let limit = 1.0 - beta * (std::f64::consts::PI / 2.0).sqrt();
        assert_relative_eq!(p, limit, max_relative = 1e-8);
    }
}
