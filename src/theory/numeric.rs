//! Small numerical tools that several models share.

use std::f64::consts::PI;
use std::sync::LazyLock;

/// Relative width at which a bracketed root counts as found.
const ROOT_WIDTH: f64 = 1e-13;

/// The sum, which is 0 (and not −0, as the standard one) where there is nothing to add.
pub(super) fn sum(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, |total, value| total + value)
}

/// The smallest t with P(T > t) ≤ 1 − p, from a complementary distribution function.
///
/// The root is bracketed by doubling from `scale` (any positive time of the right order) and then
/// bisected to a relative width of 1e-13. `None` where the tail does not come down to 1 − p within
/// 2¹⁰⁰ scales, or where the function is not a number.
pub(super) fn quantile(ccdf: impl Fn(f64) -> f64, p: f64, scale: f64) -> Option<f64> {
    let tail = 1.0 - p;
    if ccdf(0.0) <= tail {
        return Some(0.0);
    }
    let mut high = scale;
    let mut low = 0.0;
    for _ in 0..100 {
        let at_high = ccdf(high);
        if at_high.is_nan() {
            return None;
        }
        if at_high <= tail {
            return Some(bisect(|t| ccdf(t) > tail, low, high));
        }
        low = high;
        high *= 2.0;
    }
    None
}

/// The t at which a falling tail comes down to `target`, for tails that cost much: bracketed from
/// `guess` in growing steps, then by false position on the logarithm (Anderson and Björck 1973), with
/// a bisection where that creeps; to 1e-12 of t. `None` where the tail is no number or does not come
/// to the target within 10¹⁸ guesses.
pub(super) fn falling_root(tail: impl Fn(f64) -> f64, target: f64, guess: f64) -> Option<f64> {
    let height = |t: f64| {
        let value = tail(t);
        (!value.is_nan()).then(|| (value.max(1e-16 * target) / target).ln())
    };
    let ((mut low, mut at_low), (mut high, mut at_high)) = bracket(height, guess)?;
    let mut side = 0;
    for round in 0..120 {
        let width = high - low;
        if width <= 1e-12 * high {
            break;
        }
        let secant = low + width * at_low / (at_low - at_high);
        let inside = secant > low && secant < high && round % 4 != 3;
        let middle = if inside { secant } else { 0.5 * (low + high) };
        let here = height(middle)?;
        if here.abs() < 1e-12 {
            return Some(middle);
        }
        let shrink = |there: f64| match 1.0 - here / there {
            share if share > 0.0 => share,
            _ => 0.5,
        };
        if here > 0.0 {
            if side == 1 {
                at_high *= shrink(at_low);
            }
            (low, at_low, side) = (middle, here, 1);
        } else {
            if side == -1 {
                at_low *= shrink(at_high);
            }
            (high, at_high, side) = (middle, here, -1);
        }
    }
    Some(0.5 * (low + high))
}

/// A point where the height is positive and one beyond where it is not, with the heights there.
fn bracket(height: impl Fn(f64) -> Option<f64>, guess: f64) -> Option<((f64, f64), (f64, f64))> {
    let first = (guess, height(guess)?);
    let up = first.1 > 0.0;
    let mut last = first;
    let mut factor = 1.2f64;
    for _ in 0..14 {
        let t = if up { last.0 * factor } else { last.0 / factor };
        let next = (t, height(t)?);
        if (next.1 > 0.0) != up {
            return Some(if up { (last, next) } else { (next, last) });
        }
        last = next;
        factor = (factor * factor).min(1e3);
    }
    None
}

/// The point where `below` turns from true (at `low`) to false (at `high`).
pub(super) fn bisect(below: impl Fn(f64) -> bool, mut low: f64, mut high: f64) -> f64 {
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if high - low <= ROOT_WIDTH * high || middle <= low || middle >= high {
            break;
        }
        if below(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// The root of a falling function between `low`, where it is positive or 0, and `high`, where it is not
/// positive, by false position with the Illinois rule (Dowell and Jarratt 1971), which takes far fewer
/// steps than halving. `None` where the signs are otherwise.
pub(super) fn false_position(f: impl Fn(f64) -> f64, mut low: f64, mut high: f64) -> Option<f64> {
    let (mut above, mut below) = (f(low), f(high));
    if above.is_nan() || below.is_nan() || above < 0.0 || below > 0.0 {
        return None;
    }
    let mut last = 0.0f64;
    for round in 0..200 {
        let width = high - low;
        if width <= ROOT_WIDTH * high || above == 0.0 {
            break;
        }
        let straight = low + width * above / (above - below);
        // A flat side can hold false position up; every eighth step halves.
        let next = if round % 8 == 7 || !(straight > low && straight < high) {
            0.5 * (low + high)
        } else {
            straight
        };
        let value = f(next);
        if value > 0.0 {
            (low, above) = (next, value);
            below *= if last > 0.0 { 0.5 } else { 1.0 };
        } else {
            (high, below) = (next, value);
            above *= if last < 0.0 { 0.5 } else { 1.0 };
        }
        if value == 0.0 {
            return Some(next);
        }
        last = value.signum();
    }
    Some(0.5 * (low + high))
}

/// (e^(−at) − e^(−bt))/(b − a), also for a = b where it is t e^(−at); never overflows.
pub(super) fn exponential_difference(a: f64, b: f64, t: f64) -> f64 {
    let slow = a.min(b);
    let gap = (a - b).abs();
    let ratio = if gap * t < 1e-300 {
        t
    } else {
        -(-gap * t).exp_m1() / gap
    };
    (-slow * t).exp() * ratio
}

/// Gauss and Legendre's 16 nodes in (0, 1) with their weights, exact to degree 31.
pub(super) fn gauss_nodes() -> &'static [(f64, f64); 16] {
    static NODES: LazyLock<[(f64, f64); 16]> = LazyLock::new(|| {
        std::array::from_fn(|i| {
            let mut x = (PI * (i as f64 + 0.75) / 16.5).cos();
            let mut slope = 1.0;
            for _ in 0..20 {
                let (mut before, mut here) = (1.0, x);
                for n in 2..=16 {
                    let n = f64::from(n);
                    (before, here) = (here, ((2.0 * n - 1.0) * x * here - (n - 1.0) * before) / n);
                }
                slope = 16.0 * (x * here - before) / (x * x - 1.0);
                x -= here / slope;
            }
            (0.5 * (1.0 - x), 1.0 / ((1.0 - x * x) * slope * slope))
        })
    });
    &NODES
}

/// Σ r^j, Σ j r^j and Σ j² r^j over 0 ≤ j < length.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct PowerSums {
    pub zeroth: f64,
    pub first: f64,
    pub second: f64,
}

impl PowerSums {
    /// The sums for 0 ≤ r ≤ 1 and any length, by doubling: all terms are positive, so nothing
    /// cancels however near r is to 1, and the work grows with the logarithm of the length.
    pub fn new(r: f64, length: u64) -> PowerSums {
        let mut sums = PowerSums {
            zeroth: 0.0,
            first: 0.0,
            second: 0.0,
        };
        let mut done = 0u64;
        for bit in (0..64 - length.leading_zeros()).rev() {
            sums = sums.then(r, done, sums);
            done *= 2;
            if length >> bit & 1 == 1 {
                sums = sums.then(r, done, PowerSums::ONE);
                done += 1;
            }
        }
        sums
    }

    const ONE: PowerSums = PowerSums {
        zeroth: 1.0,
        first: 0.0,
        second: 0.0,
    };

    /// These sums over `length` terms, followed by `next`.
    fn then(self, r: f64, length: u64, next: PowerSums) -> PowerSums {
        let m = length as f64;
        let shift = if length == 0 { 1.0 } else { r.powf(m) };
        PowerSums {
            zeroth: self.zeroth + shift * next.zeroth,
            first: self.first + shift * (next.first + m * next.zeroth),
            second: self.second
                + shift * (next.second + 2.0 * m * next.first + m * m * next.zeroth),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn power_sums_agree_with_plain_addition() {
        for r in [0.0, 0.3, 0.999, 1.0] {
            for length in [0u64, 1, 2, 7, 64, 1000] {
                let sums = PowerSums::new(r, length);
                let terms = (0..length).map(|j| (j as f64, r.powi(j as i32)));
                let (mut s0, mut s1, mut s2) = (0.0, 0.0, 0.0);
                for (j, power) in terms {
                    s0 += power;
                    s1 += j * power;
                    s2 += j * j * power;
                }
                assert_relative_eq!(sums.zeroth, s0, max_relative = 1e-12);
                assert_relative_eq!(sums.first, s1, max_relative = 1e-12);
                assert_relative_eq!(sums.second, s2, max_relative = 1e-12);
            }
        }
    }

    #[test]
    fn power_sums_of_a_huge_length_tend_to_the_geometric_series() {
        let sums = PowerSums::new(0.9, u64::MAX / 2);
        assert_relative_eq!(sums.zeroth, 10.0, max_relative = 1e-12);
        assert_relative_eq!(sums.first, 90.0, max_relative = 1e-12);
    }

    #[test]
    fn gauss_integrates_polynomials() {
        for power in [0, 1, 2, 30, 31] {
            let sum: f64 = gauss_nodes().iter().map(|(x, w)| w * x.powi(power)).sum();
            assert_relative_eq!(sum, 1.0 / f64::from(power + 1), max_relative = 1e-13);
        }
    }

    #[test]
    fn false_position_finds_what_halving_finds() {
        for (scale, shift) in [(1.0, 0.3), (50.0, 1e-9), (0.01, 0.999)] {
            let f = |t: f64| (-scale * t).exp() - shift;
            let root = false_position(f, 0.0, 3e3 / scale).unwrap();
            assert_relative_eq!(root, -f64::ln(shift) / scale, max_relative = 1e-11);
        }
        assert_eq!(false_position(|t| t, 1.0, 2.0), None);
    }

    #[test]
    fn the_quantile_of_an_exponential_law_is_its_logarithm() {
        let found = quantile(|t| (-2.0 * t).exp(), 0.999, 1e-6).unwrap();
        assert_relative_eq!(found, 1000f64.ln() / 2.0, max_relative = 1e-12);
    }

    #[test]
    fn a_falling_root_is_found_in_few_steps() {
        use std::cell::Cell;
        for scale in [1e-6, 0.3, 40.0] {
            let calls = Cell::new(0);
            let tail = |t: f64| {
                calls.set(calls.get() + 1);
                (1.0 + t) * (-t).exp()
            };
            let root = falling_root(tail, 1e-3, scale).unwrap();
            assert_relative_eq!((1.0 + root) * (-root).exp(), 1e-3, max_relative = 1e-11);
            assert!(calls.get() < 30, "{}", calls.get());
        }
        assert_eq!(falling_root(|_| 0.5, 0.1, 1.0), None);
    }

    #[test]
    fn the_difference_of_exponentials_is_smooth_where_the_rates_meet() {
        let near = exponential_difference(2.0, 2.0 + 1e-9, 1.5);
        assert_relative_eq!(near, 1.5 * (-3.0f64).exp(), max_relative = 1e-8);
        assert_eq!(exponential_difference(1.0, 1.0, 1e6), 0.0);
        assert!(exponential_difference(1.0, 1000.0, 1e6) == 0.0);
    }
}
