//! Sums of independent times on a lattice.
//!
//! Each law is rounded to multiples of a step h, transformed by the fast Fourier transform, and
//! combined there: a sum is a product, a route taken by chance is a mean, and a way back is a fixed
//! point.
//!
//! # Numerics
//! Rounding to the lattice shifts no time by more than h/2; for laws with a density the error of
//! a probability is of the order of h². Mass beyond the lattice is put on its last point.

use nalgebra::Complex;
use std::sync::Arc;

/// A number of the transform.
pub(super) type Wave = Complex<f64>;

/// Points between those at which a tail is always asked for.
const BLOCK: usize = 64;
/// A tail that is this near to an exponential one half way between two points is so all the way.
const CLOSE: f64 = 1e-7;

/// Points 0, h, 2h, … (a power of two of them).
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lattice {
    step: f64,
    size: usize,
    /// e^(−2πik/size), k below half the size.
    roots: Vec<Wave>,
}

/// A probability for every point of a lattice.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Masses {
    step: f64,
    /// P(T > (k + ½)h).
    tail: Arc<[f64]>,
    /// The plain variance.
    pub variance: f64,
}

impl Lattice {
    /// A lattice of `size` points (a power of two) from 0 to `span` seconds.
    pub fn new(span: f64, size: usize) -> Lattice {
        let step = span / size as f64;
        Lattice {
            step,
            size,
            roots: roots(size),
        }
    }

    pub fn step(&self) -> f64 {
        self.step
    }

    /// How many waves a transform has; the others are their conjugates.
    pub fn waves(&self) -> usize {
        self.size / 2 + 1
    }

    /// The transform of the law with the given P(T > t).
    pub fn transform(&self, ccdf: impl Fn(f64) -> f64) -> Vec<Wave> {
        let mut before = 1.0;
        let mut values: Vec<Wave> = Vec::with_capacity(self.size);
        for after in self.tail(ccdf) {
            values.push(Wave::new(before - after, 0.0));
            before = after;
        }
        fourier(&mut values, &self.roots);
        values.truncate(self.waves());
        values
    }

    /// P(T > (k + ½)h), and 0 at the last point: asked for where the tail bends only, because each
    /// answer may take a long sum.
    fn tail(&self, ccdf: impl Fn(f64) -> f64) -> Vec<f64> {
        let at = |k: usize| ccdf((k as f64 + 0.5) * self.step);
        let last = self.size.saturating_sub(2);
        let mut tail = vec![0.0; self.size];
        tail[0] = at(0);
        for from in (0..last).step_by(BLOCK) {
            let to = (from + BLOCK).min(last);
            tail[to] = at(to);
            refine(&mut tail, &at, from, to);
        }
        tail
    }

    /// The law of a transform.
    pub fn invert(&self, waves: &[Wave]) -> Masses {
        let mirrored = (waves.len()..self.size).map(|k| waves[self.size - k].conj());
        // The transform of the conjugate is the conjugate of the inverse, and the masses are real.
        let values = waves.iter().copied().chain(mirrored);
        let mut values: Vec<Wave> = values.map(|wave| wave.conj()).collect();
        fourier(&mut values, &self.roots);
        let masses = values.iter().map(|v| (v.re / self.size as f64).max(0.0));
        let (mut left, mut first, mut second) = (1.0, 0.0, 0.0);
        let mut tail = Vec::with_capacity(self.size);
        for (k, mass) in masses.enumerate() {
            let t = k as f64 * self.step;
            left -= mass;
            first += mass * t;
            second += mass * t * t;
            tail.push(f64::max(left, 0.0));
        }
        Masses {
            step: self.step,
            tail: tail.into(),
            variance: (second - first * first).max(0.0),
        }
    }
}

impl Masses {
    /// P(T > t), straight between the points.
    pub fn ccdf(&self, t: f64) -> f64 {
        let place = t / self.step - 0.5;
        if place < 0.0 {
            let share = (t / self.step * 2.0).clamp(0.0, 1.0);
            return 1.0 + share * (self.tail[0] - 1.0);
        }
        let (k, share) = (place as usize, place.fract());
        match (self.tail.get(k), self.tail.get(k + 1)) {
            (Some(a), Some(b)) => a + share * (b - a),
            _ => 0.0,
        }
    }
}

/// The first coefficients of a power series with real ones, from its values at e^(2πik/size) for
/// 0 ≤ k ≤ size/2; what lies `size` places on is added to each.
pub(super) fn coefficients(waves: &[Wave], size: usize) -> Vec<f64> {
    let mirrored = (waves.len()..size).map(|k| waves[size - k].conj());
    let mut values: Vec<Wave> = waves.iter().copied().chain(mirrored).collect();
    fourier(&mut values, &roots(size));
    values.iter().map(|v| v.re / size as f64).collect()
}

/// Fills a tail between two points.
fn refine(tail: &mut [f64], at: &impl Fn(usize) -> f64, from: usize, to: usize) {
    if to - from < 2 {
        return;
    }
    let middle = (from + to) / 2;
    let share = (middle - from) as f64 / (to - from) as f64;
    let (high, low) = (tail[from], tail[to]);
    let exponential = low > 1e-3 * high;
    let guess = if exponential {
        high * (low / high).powf(share)
    } else {
        high + share * (low - high)
    };
    tail[middle] = at(middle);
    if (tail[middle] - guess).abs() > CLOSE {
        refine(tail, at, from, middle);
        refine(tail, at, middle, to);
        return;
    }
    for (from, to) in [(from, middle), (middle, to)] {
        let (high, low, count) = (tail[from], tail[to], (to - from) as f64);
        let factor = (low / high).powf(1.0 / count);
        for k in from + 1..to {
            tail[k] = if exponential {
                tail[k - 1] * factor
            } else {
                tail[k - 1] + (low - high) / count
            };
        }
    }
}

/// e^(−2πik/size), k below half the size.
fn roots(size: usize) -> Vec<Wave> {
    let turn = -2.0 * std::f64::consts::PI / size as f64;
    let angles = (0..size / 2).map(|k| turn * k as f64);
    angles.map(|angle| Wave::from_polar(1.0, angle)).collect()
}

/// The fast Fourier transform in place (Cooley and Tukey 1965), by the roots of unity.
fn fourier(values: &mut [Wave], roots: &[Wave]) {
    let n = values.len();
    let bits = n.trailing_zeros();
    for i in 0..n {
        let j = i.reverse_bits() >> (usize::BITS - bits);
        if i < j {
            values.swap(i, j);
        }
    }
    let mut half = 1;
    while half < n {
        let stride = n / (2 * half);
        for block in values.chunks_exact_mut(2 * half) {
            let (low, high) = block.split_at_mut(half);
            for (k, (a, b)) in low.iter_mut().zip(high).enumerate() {
                let turned = *b * roots[k * stride];
                *b = *a - turned;
                *a += turned;
            }
        }
        half *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn two_exponential_times_add_up_to_a_hypoexponential_one() {
        let lattice = Lattice::new(40.0, 4096);
        for (a, b) in [(1.0, 3.0), (1.0, 1.0), (2.0, 0.7)] {
            let law = |rate: f64| lattice.transform(move |t| (-rate * t).exp());
            let sum: Vec<Wave> = law(a).iter().zip(law(b)).map(|(x, y)| x * y).collect();
            let masses = lattice.invert(&sum);
            for t in [0.5, 1.0, 3.0, 7.0] {
                let closed = if a == b {
                    (1.0 + a * t) * f64::exp(-a * t)
                } else {
                    (b * f64::exp(-a * t) - a * f64::exp(-b * t)) / (b - a)
                };
                assert_relative_eq!(masses.ccdf(t), closed, epsilon = 2e-5);
            }
            let variance = 1.0 / (a * a) + 1.0 / (b * b);
            assert_relative_eq!(masses.variance, variance, max_relative = 1e-4);
        }
    }

    #[test]
    fn few_points_of_a_smooth_tail_are_enough() {
        let lattice = Lattice::new(40.0, 4096);
        let asked = std::cell::Cell::new(0);
        let law = |t: f64| 0.6 * (-t).exp() + 0.4 * (-3.0 * t).exp();
        let tail = lattice.tail(|t| {
            asked.set(asked.get() + 1);
            law(t)
        });
        for (k, value) in tail[..4095].iter().enumerate() {
            let exact = law((k as f64 + 0.5) * lattice.step());
            assert_relative_eq!(*value, exact, epsilon = 2e-7);
        }
        assert!(asked.get() < 600, "{}", asked.get());
    }

    #[test]
    fn a_fixed_time_shifts() {
        let lattice = Lattice::new(64.0, 4096);
        let fixed = lattice.transform(|t| if t < 2.0 { 1.0 } else { 0.0 });
        let chance = lattice.transform(|t| (-t).exp());
        let sum: Vec<Wave> = fixed.iter().zip(&chance).map(|(x, y)| x * y).collect();
        assert_relative_eq!(
            lattice.invert(&sum).ccdf(3.0),
            (-1.0f64).exp(),
            epsilon = 1e-4
        );
    }
}
