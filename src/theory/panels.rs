//! Integrals of smooth functions by panels of a fixed rule, and the panels themselves.
//!
//! # Numerics
//! Gauss–Legendre's rule of 16 points, exact for polynomials up to degree 31; intervals are halved
//! until the two halves together confirm the whole.
//!
//! # References
//! P. J. Davis, P. Rabinowitz (1984), *Methods of Numerical Integration*, 2nd ed., sections 2.7 and 6.2.

/// Positive nodes of the rule on [−1, 1] and their weights.
const RULE: [(f64, f64); 8] = [
    (0.095_012_509_837_637_44, 0.189_450_610_455_068_5),
    (0.281_603_550_779_258_9, 0.182_603_415_044_923_6),
    (0.458_016_777_657_227_4, 0.169_156_519_395_002_54),
    (0.617_876_244_402_643_7, 0.149_595_988_816_576_73),
    (0.755_404_408_355_003, 0.124_628_971_255_533_87),
    (0.865_631_202_387_831_7, 0.095_158_511_682_492_78),
    (0.944_575_023_073_232_6, 0.062_253_523_938_647_89),
    (0.989_400_934_991_649_9, 0.027_152_459_411_754_1),
];
/// Halvings after which a panel is as narrow as rounding allows.
const DEEPEST: u32 = 48;

/// Relative error that a panel's integral may have.
const NOISE: f64 = 1e-11;
/// Panels after which none is divided any more.
const MOST: usize = 20_000;

/// ∫ f over [a, b] by the rule of 16 points.
pub(super) fn gauss(f: impl Fn(f64) -> f64, a: f64, b: f64) -> f64 {
    let (middle, half) = (0.5 * (a + b), 0.5 * (b - a));
    let pair = |&(x, w): &(f64, f64)| w * (f(middle - half * x) + f(middle + half * x));
    half * RULE.iter().map(pair).sum::<f64>()
}

/// ∫ f over [a, b] to an absolute error of about `tolerance`, by halving.
pub(super) fn integrate(f: &impl Fn(f64) -> f64, a: f64, b: f64, tolerance: f64) -> f64 {
    halve(f, a, b, gauss(f, a, b), tolerance, DEEPEST)
}

fn halve(f: &impl Fn(f64) -> f64, a: f64, b: f64, whole: f64, tolerance: f64, depth: u32) -> f64 {
    let middle = 0.5 * (a + b);
    let (left, right) = (gauss(f, a, middle), gauss(f, middle, b));
    let settled = (left + right - whole).abs() <= tolerance.max(1e-15 * whole.abs());
    if settled || depth == 0 {
        return left + right;
    }
    halve(f, a, middle, left, tolerance, depth - 1)
        + halve(f, middle, b, right, tolerance, depth - 1)
}

/// Panels of [a, b] on each of which the rule gives ∫ f to an absolute error of about `tolerance`: all
/// their edges, from a to b.
pub(super) fn edges(f: &impl Fn(f64) -> f64, a: f64, b: f64, tolerance: f64) -> Vec<f64> {
    let mut edges = vec![a];
    divide(f, (a, b), gauss(f, a, b), tolerance, DEEPEST, &mut edges);
    edges
}

fn divide(
    f: &impl Fn(f64) -> f64,
    (a, b): (f64, f64),
    whole: f64,
    tolerance: f64,
    depth: u32,
    edges: &mut Vec<f64>,
) {
    let middle = 0.5 * (a + b);
    let (left, right) = (gauss(f, a, middle), gauss(f, middle, b));
    // A function that is itself known to some digits only is not divided for ever.
    let settled = (left + right - whole).abs() <= tolerance.max(NOISE * whole.abs());
    if settled || depth == 0 || edges.len() > MOST {
        edges.push(b);
        return;
    }
    divide(f, (a, middle), left, tolerance, depth - 1, edges);
    divide(f, (middle, b), right, tolerance, depth - 1, edges);
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn the_rule_is_exact_for_polynomials() {
        for degree in [0, 1, 8, 30, 31] {
            let power = gauss(|x| x.powi(degree), 0.0, 2.0);
            let exact = 2f64.powi(degree + 1) / f64::from(degree + 1);
            assert_relative_eq!(power, exact, max_relative = 1e-14);
        }
    }

    #[test]
    fn halving_finds_a_narrow_peak_and_a_step() {
        let peak = |x: f64| (-(x - 0.3).powi(2) / 2e-4).exp();
        let exact = (2.0 * std::f64::consts::PI * 1e-4).sqrt();
        assert_relative_eq!(
            integrate(&peak, 0.0, 1.0, 1e-15),
            exact,
            max_relative = 1e-12
        );
        let step = |x: f64| if x < 0.123 { 1.0 } else { 0.0 };
        assert_relative_eq!(
            integrate(&step, 0.0, 1.0, 1e-15),
            0.123,
            max_relative = 1e-12
        );
    }

    #[test]
    fn panels_are_fine_enough_for_the_rule() {
        let f = |x: f64| (-100.0 * x).exp();
        let edges = edges(&f, 0.0, 1.0, 1e-15);
        let total: f64 = edges.windows(2).map(|e| gauss(f, e[0], e[1])).sum();
        assert_relative_eq!(total, (1.0 - (-100f64).exp()) / 100.0, max_relative = 1e-12);
    }
}
