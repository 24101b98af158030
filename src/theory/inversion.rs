//! Numerical inversion of Laplace transforms: the Fourier-series method with Euler summation.
//!
//! # Formula
//! f(t) = e^(A/2)/(2t) f̂(A/2t) + e^(A/2)/t Σ_{k≥1} (−1)^k Re f̂((A + 2πik)/2t) − Σ_{k≥1} e^(−kA) f((2k+1)t).
//!
//! # Numerics
//! For the tail of a probability law the last sum, which is left out, is at most e^(−A)f(3t)/(1 − e^(−A)):
//! 3e-10 of f(3t) for A = 22. The alternating series is summed by Euler's binomial weights over the last
//! 15 partial sums, from more and more terms, until two results agree; smooth functions take some 30
//! terms, and a kink next to t takes thousands. Rounding is multiplied by e^(A/2)/A ≈ 3·10³.
//!
//! # References
//! J. Abate, W. Whitt (1992), *The Fourier-series method for inverting transforms of probability
//! distributions*, Queueing Systems 10, 5–88; (1995), *Numerical inversion of Laplace transforms of
//! probability distributions*, ORSA J. Computing 7, 36–43.

use super::image::Wave;
use super::numeric::falling_root;
use std::f64::consts::PI;

/// The setting that figures are computed with.
pub(super) const SETTING: f64 = 22.0;
/// Another one, to check them.
pub(super) const CHECK: f64 = 18.5;
/// Partial sums that are averaged, less one.
const EULER: usize = 14;
/// First and last number of terms before the averaged ones.
const TERMS: (usize, usize) = (16, 1 << 14);

/// An inverted value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Inverted {
    pub value: f64,
    /// How far the last two sums are apart.
    pub error: f64,
}

impl Inverted {
    /// A value that needed no inversion.
    pub fn known(value: f64) -> Inverted {
        Inverted { value, error: 0.0 }
    }

    pub fn plus(self, other: Inverted) -> Inverted {
        Inverted {
            value: self.value + other.value,
            error: self.error + other.error,
        }
    }

    pub fn times(self, factor: f64) -> Inverted {
        Inverted {
            value: self.value * factor,
            error: self.error * factor,
        }
    }
}

/// f(t) of the transform, t > 0, to `close` where terms enough for that are few enough.
pub(super) fn invert(
    transform: impl Fn(Wave) -> Wave,
    t: f64,
    setting: f64,
    close: f64,
) -> Inverted {
    let scale = (0.5 * setting).exp() / t;
    let term = |k: usize| {
        let s = Wave::new(0.5 * setting, PI * k as f64) / t;
        let value = transform(s).re;
        match k {
            0 => 0.5 * value,
            k if k % 2 == 1 => -value,
            _ => value,
        }
    };
    let mut sums: Vec<f64> = vec![term(0)];
    let mut last = f64::NAN;
    let mut count = TERMS.0;
    loop {
        while sums.len() < count + EULER + 1 {
            let next = sums[sums.len() - 1] + term(sums.len());
            sums.push(next);
        }
        let value = scale * euler(&sums[count..]);
        let error = (value - last).abs();
        if error <= close || count >= TERMS.1 || value.is_nan() {
            return Inverted { value, error };
        }
        last = value;
        count *= 2;
    }
}

/// The p-quantile of a tail that is inverted with a given setting, from a guess; `None` where two
/// settings do not agree.
pub(super) fn sure_quantile(
    tail: impl Fn(f64, f64) -> Inverted,
    p: f64,
    guess: f64,
) -> Option<f64> {
    /// How well the tail must be known.
    const SURE: f64 = 1e-9;
    let target = 1.0 - p;
    let sure = SURE * (target / 0.01).clamp(0.1, 1.0);
    let found = falling_root(|t| tail(t, SETTING).value, target, guess)?;
    let (first, second) = (tail(found, SETTING), tail(found, CHECK));
    // The other setting leaves out more: e^(−A)f(3t).
    let allowed = sure + 2.0 * (-CHECK).exp() * tail(3.0 * found, CHECK).value.abs();
    let fits = first.error <= sure && second.error <= sure;
    (fits && (first.value - second.value).abs() <= allowed).then_some(found)
}

/// The binomial mean of partial sums.
fn euler(sums: &[f64]) -> f64 {
    let mut weight = 0.5f64.powi(EULER as i32);
    let mut mean = 0.0;
    for (j, sum) in sums.iter().enumerate() {
        mean += weight * sum;
        weight *= (EULER - j) as f64 / (j + 1) as f64;
    }
    mean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_tails_come_back() {
        for t in [1e-3, 0.1, 1.0, 5.0, 15.0] {
            // An exponential tail, and one of Erlang's with two phases.
            let one = invert(|s| 1.0 / (s + 1.0), t, SETTING, 1e-11);
            assert!((one.value - (-t).exp()).abs() < 5e-10, "{one:?}");
            let two = invert(|s| (1.0 - (s + 1.0).powi(-2)) / s, t, CHECK, 1e-11);
            assert!((two.value - (1.0 + t) * (-t).exp()).abs() < 1e-8, "{two:?}");
        }
    }

    #[test]
    fn a_jump_does_not_settle() {
        let fixed = |s: Wave| (1.0 - (-s).exp()) / s;
        assert!(invert(fixed, 1.001, SETTING, 1e-10).error > 1e-6);
        let far = invert(fixed, 0.5, SETTING, 1e-10);
        assert!((far.value - 1.0).abs() < 1e-9);
    }
}
