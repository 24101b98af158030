//! Integrals to a checked accuracy.
//!
//! # References
//! R. Piessens et al. (1983), *QUADPACK*: the 15-point Kronrod rule over the 7-point Gauss rule, and
//! the adaptive halving of the worst interval.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// How many intervals at most.
const INTERVALS: usize = 4_000;

/// Several integrals over the same range, with the largest relative error that their rules admit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Integral<const N: usize> {
    pub values: [f64; N],
    pub errors: [f64; N],
}

impl<const N: usize> Integral<N> {
    pub const ZERO: Integral<N> = Integral {
        values: [0.0; N],
        errors: [0.0; N],
    };

    pub fn add(&mut self, other: &Integral<N>) {
        for k in 0..N {
            self.values[k] += other.values[k];
            self.errors[k] += other.errors[k];
        }
    }
}

/// The part of an integral over one interval.
struct Part<const N: usize> {
    from: f64,
    to: f64,
    integral: Integral<N>,
    /// Its largest error, in shares of the whole when it was made.
    urgency: f64,
}

impl<const N: usize> PartialEq for Part<N> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl<const N: usize> Eq for Part<N> {}
impl<const N: usize> PartialOrd for Part<N> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<const N: usize> Ord for Part<N> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.urgency.total_cmp(&other.urgency)
    }
}

/// The integrals of non-negative functions between the given points (sorted), where they may have
/// corners or jumps, to a relative accuracy. The caller looks at the errors that are left.
pub(super) fn integrate<const N: usize>(
    f: impl Fn(f64) -> [f64; N],
    points: &[f64],
    relative: f64,
) -> Integral<N> {
    let first: Vec<(f64, f64, Integral<N>)> = points
        .windows(2)
        .filter(|ends| ends[1] > ends[0])
        .map(|ends| (ends[0], ends[1], kronrod(&f, ends[0], ends[1])))
        .collect();
    let mut whole = Integral::ZERO;
    first.iter().for_each(|(_, _, part)| whole.add(part));
    let mut heap = BinaryHeap::new();
    for (from, to, integral) in first {
        heap.push(part(from, to, integral, &whole));
    }
    let room = INTERVALS + heap.len();
    while heap.len() < room && worst(&whole) > relative {
        let Some(Part {
            from, to, integral, ..
        }) = heap.pop()
        else {
            break;
        };
        let middle = 0.5 * (from + to);
        if middle <= from || middle >= to {
            break;
        }
        let halves = [(from, middle), (middle, to)].map(|(a, b)| (a, b, kronrod(&f, a, b)));
        for k in 0..N {
            whole.values[k] -= integral.values[k];
            whole.errors[k] -= integral.errors[k];
        }
        for (a, b, half) in halves {
            whole.add(&half);
            heap.push(part(a, b, half, &whole));
        }
    }
    // Added up anew, without the rounding of the differences.
    let mut total = Integral::ZERO;
    heap.iter().for_each(|part| total.add(&part.integral));
    total
}

/// The largest relative error.
fn worst<const N: usize>(whole: &Integral<N>) -> f64 {
    (0..N)
        .map(|k| share(whole.errors[k], whole.values[k]))
        .fold(0.0, f64::max)
}

fn share(error: f64, value: f64) -> f64 {
    if error <= 0.0 {
        return 0.0;
    }
    error / value.abs().max(f64::MIN_POSITIVE)
}

fn part<const N: usize>(from: f64, to: f64, integral: Integral<N>, whole: &Integral<N>) -> Part<N> {
    let shares = (0..N).map(|k| share(integral.errors[k], whole.values[k]));
    Part {
        from,
        to,
        urgency: shares.fold(0.0, f64::max),
        integral,
    }
}

/// Half of the nodes of the 15-point rule, from the end to the middle; the odd ones are Gauss's.
const NODES: [f64; 8] = [
    0.991_455_371_120_812_6,
    0.949_107_912_342_758_5,
    0.864_864_423_359_769_1,
    0.741_531_185_599_394_4,
    0.586_087_235_467_691_1,
    0.405_845_151_377_397_2,
    0.207_784_955_007_898_47,
    0.0,
];
const KRONROD: [f64; 8] = [
    0.022_935_322_010_529_224,
    0.063_092_092_629_978_56,
    0.104_790_010_322_250_18,
    0.140_653_259_715_525_92,
    0.169_004_726_639_267_9,
    0.190_350_578_064_785_4,
    0.204_432_940_075_298_9,
    0.209_482_141_084_727_82,
];
const GAUSS: [f64; 4] = [
    0.129_484_966_168_869_7,
    0.279_705_391_489_276_64,
    0.381_830_050_505_118_9,
    0.417_959_183_673_469_4,
];

/// One interval, with QUADPACK's estimate of its error.
fn kronrod<const N: usize>(f: &impl Fn(f64) -> [f64; N], from: f64, to: f64) -> Integral<N> {
    let (middle, half) = (0.5 * (from + to), 0.5 * (to - from));
    let (mut fine, mut coarse) = ([0.0; N], [0.0; N]);
    let mut seen: Vec<(f64, [f64; N])> = Vec::with_capacity(15);
    for (i, node) in NODES.iter().enumerate() {
        let sides: &[f64] = if *node == 0.0 { &[0.0] } else { &[-1.0, 1.0] };
        for side in sides {
            let y = f(middle + side * node * half);
            for k in 0..N {
                fine[k] += KRONROD[i] * y[k];
                if i % 2 == 1 {
                    coarse[k] += GAUSS[i / 2] * y[k];
                }
            }
            seen.push((KRONROD[i], y));
        }
    }
    let errors = std::array::from_fn(|k| {
        let spread: f64 = seen
            .iter()
            .map(|(w, y)| w * (y[k] - 0.5 * fine[k]).abs())
            .sum();
        let raw = (fine[k] - coarse[k]).abs();
        let error = if spread > 0.0 {
            spread * (200.0 * raw / spread).powf(1.5).min(1.0)
        } else {
            raw
        };
        half * error
    });
    Integral {
        values: fine.map(|value| half * value),
        errors,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn polynomials_up_to_degree_22_are_exact() {
        let powers = integrate(|x| [x.powi(22), x.powi(7), 1.0], &[0.0, 2.0], 1e-9);
        assert_relative_eq!(powers.values[0], 2f64.powi(23) / 23.0, max_relative = 1e-14);
        assert_relative_eq!(powers.values[1], 32.0, max_relative = 1e-14);
        assert_relative_eq!(powers.values[2], 2.0, max_relative = 1e-14);
    }

    #[test]
    fn corners_and_peaks_are_found() {
        let peak = integrate(
            |x| [1.0 / (1e-8 + x * x), (x - 0.3).abs()],
            &[-1.0, 1.0],
            1e-12,
        );
        let exact = 2e4 * (1e4f64).atan();
        assert_relative_eq!(peak.values[0], exact, max_relative = 1e-11);
        assert_relative_eq!(peak.values[1], 0.5 * (1.69 + 0.49), max_relative = 1e-11);
    }

    #[test]
    fn what_does_not_settle_says_so() {
        let wild = integrate(|x: f64| [(x * 1e9).fract()], &[0.0, 1.0], 1e-12);
        assert!(wild.errors[0] > 1e-6 * wild.values[0]);
    }
}
