//! Probabilities of the Poisson and the negative binomial law at any size, without lost digits.
//!
//! # References
//! C. Loader (2000), *Fast and Accurate Computation of Binomial Probabilities*: the logarithm of a
//! probability as two deviances and Stirling's errors, none of which cancels.

use statrs::function::gamma::ln_gamma;
use std::f64::consts::TAU;

/// P(N = k) for N Poisson with this mean; k need not be whole (the Gamma function between).
pub(super) fn poisson(mean: f64, k: f64) -> f64 {
    if k == 0.0 {
        return (-mean).exp();
    }
    if mean == 0.0 {
        return 0.0;
    }
    (-stirling_error(k) - deviance(k, mean)).exp() / (TAU * k).sqrt()
}

/// P(N = k) for N the failures before `size` successes of probability p (and q = 1 − p of failure);
/// `size` need not be whole.
pub(super) fn negative_binomial(size: f64, p: f64, q: f64, k: f64) -> f64 {
    if k == 0.0 {
        return (size * p.ln()).exp();
    }
    if q == 0.0 {
        return 0.0;
    }
    let n = size + k;
    let log = stirling_error(n)
        - stirling_error(size)
        - stirling_error(k)
        - deviance(size, n * p)
        - deviance(k, n * q);
    log.exp() * (n / (TAU * size * k)).sqrt() * size / n
}

/// ln k! − ln(√(2πk) (k/e)^k).
fn stirling_error(k: f64) -> f64 {
    if k < 16.0 {
        return ln_gamma(k + 1.0) - (k + 0.5) * k.ln() + k - 0.5 * TAU.ln();
    }
    let square = k * k;
    let tail = 1.0 / 1260.0 - (1.0 / 1680.0 - (1.0 / 1188.0) / square) / square;
    (1.0 / 12.0 - (1.0 / 360.0 - tail / square) / square) / k
}

/// k ln(k/m) + m − k, by its series where k and m are near each other.
fn deviance(k: f64, m: f64) -> f64 {
    let gap = k - m;
    if gap.abs() >= 0.1 * (k + m) {
        return k * (k / m).ln() - gap;
    }
    let v = gap / (k + m);
    let mut sum = gap * v;
    let mut power = 2.0 * k * v;
    for odd in (3..1000).step_by(2) {
        power *= v * v;
        let next = sum + power / f64::from(odd);
        if next == sum {
            break;
        }
        sum = next;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn poisson_probabilities_small_and_huge() {
        assert_relative_eq!(poisson(3.0, 2.0), 4.5 * (-3f64).exp(), max_relative = 1e-13);
        assert_eq!(poisson(0.0, 0.0), 1.0);
        assert_eq!(poisson(0.0, 1.0), 0.0);
        // At its mean n the probability is e^(−1/(12n) + …)/√(2πn).
        let n = 1e12;
        assert_relative_eq!(poisson(n, n), (TAU * n).powf(-0.5), max_relative = 1e-12);
        let away = poisson(n, n + 3e6) / poisson(n, n);
        assert_relative_eq!(away, (-4.5f64).exp(), max_relative = 1e-5);
    }

    #[test]
    fn negative_binomial_probabilities_add_up() {
        for (size, p) in [(0.5, 0.3), (3.0, 0.9), (2e3, 0.8)] {
            let total: f64 = (0..3000)
                .map(|k| negative_binomial(size, p, 1.0 - p, f64::from(k)))
                .sum();
            assert_relative_eq!(total, 1.0, max_relative = 1e-11);
        }
    }

    #[test]
    fn rare_failures_are_poisson() {
        let size = 1e13;
        let nb = negative_binomial(size, 1.0 - 5.0 / size, 5.0 / size, 3.0);
        assert_relative_eq!(nb, poisson(5.0, 3.0), max_relative = 1e-9);
    }
}
