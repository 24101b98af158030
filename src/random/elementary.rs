//! Elementary functions on chunks of numbers, written so that the compiler makes vector
//! instructions of them: no branch, no table, no call, and only operations that AVX2 has for 64-bit
//! lanes (which excludes arithmetic shifts and conversions of whole numbers; the constants of 2⁵²
//! below stand for the latter).
//!
//! All of them are plain IEEE additions, multiplications, divisions and roots in a fixed order, so
//! that they give the same bits on every processor; the mathematical library of the system does
//! not promise that, and may use fused operations on one processor and not on the other.
//!
//! Reductions and the coefficients of logarithm, sine and cosine are those of fdlibm (Sun
//! Microsystems 1993); the exponential is its Taylor series after the same reduction.

use std::f64::consts::{LN_2, LOG2_E, TAU};

/// Numbers worked on together: enough for divisions to overlap, few enough for the first-level
/// cache.
pub(super) const CHUNK: usize = 64;

/// Numbers that begin at the beginning of a line of the cache. Vectors that lie across two lines cost
/// half as much again, and where the stack begins is a matter of chance.
#[repr(align(64))]
pub(super) struct Aligned<T>(pub(super) T);

/// 2⁵²: from here on the lowest bit of a float counts ones.
const TWO_52: f64 = 4_503_599_627_370_496.0;

/// Added and taken away again, it rounds to the nearest whole number; while it is there, the lowest
/// bits are that number's.
const ROUNDING: f64 = 1.5 * TWO_52;

/// Bits of √½, and of the fraction of a float.
const SQRT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
const FRACTION: u64 = 0x000f_ffff_ffff_ffff;

/// Natural logarithms, in place, of normal numbers above 0; relative error below 2⁻⁵².
///
/// With x = 2ᵉ·(1 + f), √½ ≤ 1 + f < √2 and s = f/(2 + f): ln x = e·ln 2 + 2 artanh s, and
/// 2 artanh s = 2s + s·R(s²) = f − s·(f − R(s²)), where f is exact. In two passes, because in one
/// the chain of dependent operations is so long that a processor cannot look ahead to the next
/// numbers: 1.0 ns a number instead of 1.4.
#[inline(always)]
pub(super) fn ln<const N: usize>(numbers: &mut [f64; N]) {
    let Aligned([exponents, fractions]) = &mut Aligned([[0.0; N]; 2]);
    for ((x, e), f) in numbers.iter_mut().zip(&mut *exponents).zip(&mut *fractions) {
        // Exponent and fraction, as if the ones began at √½; the exponent is biased by 1023.
        let bits = x.to_bits().wrapping_sub(SQRT_HALF).wrapping_add(1023 << 52);
        let biased = f64::from_bits(TWO_52.to_bits() | (bits >> 52));
        *e = biased - (TWO_52 + 1023.0);
        *f = f64::from_bits((bits & FRACTION).wrapping_add(SQRT_HALF)) - 1.0;
        *x = *f / (2.0 + *f);
    }
    for ((x, e), f) in numbers.iter_mut().zip(exponents).zip(fractions) {
        let s = *x;
        *x = *e * LN_2 + (*f - s * (*f - artanh_rest(s * s)));
    }
}

/// R(z) with 2 artanh(s) = 2s + s·R(s²), for |s| ≤ 3 − √8.
#[inline(always)]
fn artanh_rest(z: f64) -> f64 {
    const L: [f64; 7] = [
        0.6666666666666735,
        0.3999999999940942,
        0.2857142874366239,
        0.22222198432149784,
        0.1818357216161805,
        0.15313837699209373,
        0.14798198605106586,
    ];
    let (z2, z4) = (z * z, (z * z) * (z * z));
    let low = (L[0] + z * L[1]) + z2 * (L[2] + z * L[3]);
    let high = (L[4] + z * L[5]) + z2 * L[6];
    z * (low + z4 * high)
}

/// Exponentials, in place, of numbers from −708 to 709, where results are normal numbers; beyond,
/// the result is that of the end. Relative error below 2⁻⁵².
///
/// With x = n·ln 2 + r and |r| ≤ ½ ln 2: e^x = 2ⁿ·e^r.
#[inline(always)]
pub(super) fn exp<const N: usize>(numbers: &mut [f64; N]) {
    // ln 2 in two parts; whole multiples of the first are exact.
    const HIGH: f64 = 0.6931471803691238;
    const LOW: f64 = 1.9082149292705877e-10;
    let Aligned(powers) = &mut Aligned([0.0; N]);
    for (x, power) in numbers.iter_mut().zip(&mut *powers) {
        let bounded = x.clamp(-708.0, 709.0);
        let shifted = bounded * LOG2_E + (ROUNDING + 1023.0);
        let n = shifted - (ROUNDING + 1023.0);
        *power = f64::from_bits(shifted.to_bits() << 52);
        *x = (bounded - n * HIGH) - n * LOW;
    }
    for (x, power) in numbers.iter_mut().zip(powers) {
        *x = (1.0 + exp_rest(*x)) * *power;
    }
}

/// e^r − 1 for |r| ≤ ½ ln 2, by the Taylor series up to r¹³/13!.
#[inline(always)]
fn exp_rest(r: f64) -> f64 {
    const C: [f64; 12] = {
        let (mut c, mut k, mut factorial) = ([0.0; 12], 0, 1.0);
        while k < 12 {
            factorial *= (k + 2) as f64;
            c[k] = 1.0 / factorial;
            k += 1;
        }
        c
    };
    let (r2, r4) = (r * r, (r * r) * (r * r));
    let low = (C[0] + r * C[1]) + r2 * (C[2] + r * C[3]);
    let middle = (C[4] + r * C[5]) + r2 * (C[6] + r * C[7]);
    let high = (C[8] + r * C[9]) + r2 * (C[10] + r * C[11]);
    r + r2 * (low + r4 * (middle + r4 * high))
}

/// Replaces u in [0, 1] by the cosine and the sine of the angle 2πu; absolute error below 2⁻⁵².
#[inline(always)]
pub(super) fn turn<const N: usize>(cosines: &mut [f64; N], sines: &mut [f64; N]) {
    for (cosine, sine) in cosines.iter_mut().zip(sines) {
        // The nearest quarter of the circle, and the angle from there: at most π/4.
        let shifted = 4.0 * *cosine + ROUNDING;
        let quarter = shifted.to_bits();
        let angle = TAU * (*cosine - 0.25 * (shifted - ROUNDING));
        let (c, s) = (cos_near_0(angle).to_bits(), sin_near_0(angle).to_bits());
        // In odd quarters the two change places; the signs are those of the quarter.
        let odd = 0u64.wrapping_sub(quarter & 1);
        let changed = (c ^ s) & odd;
        *cosine = f64::from_bits(c ^ changed ^ ((quarter.wrapping_add(1) & 2) << 62));
        *sine = f64::from_bits(s ^ changed ^ ((quarter & 2) << 62));
    }
}

/// For |x| ≤ π/4.
#[inline(always)]
fn sin_near_0(x: f64) -> f64 {
    const S: [f64; 6] = [
        -0.16666666666666632,
        0.00833333333332249,
        -0.0001984126982985795,
        2.7557313707070068e-6,
        -2.5050760253406863e-8,
        1.58969099521155e-10,
    ];
    x + x * even_powers(x * x, S)
}

/// For |x| ≤ π/4.
#[inline(always)]
fn cos_near_0(x: f64) -> f64 {
    const C: [f64; 6] = [
        0.0416666666666666,
        -0.001388888888887411,
        2.480158728947673e-5,
        -2.7557314351390663e-7,
        2.087572321298175e-9,
        -1.1359647557788195e-11,
    ];
    let z = x * x;
    1.0 - (0.5 * z - z * even_powers(z, C))
}

/// z·(c₀ + c₁z + … + c₅z⁵).
#[inline(always)]
fn even_powers(z: f64, c: [f64; 6]) -> f64 {
    let z2 = z * z;
    z * ((c[0] + z * c[1]) + z2 * ((c[2] + z * c[3]) + z2 * (c[4] + z * c[5])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{Kernel, vectorized, vectorized_widest};
    use proptest::prelude::*;

    /// Applies a function of chunks to many numbers.
    fn each(numbers: &[f64], function: fn(&mut [f64; CHUNK])) -> Vec<f64> {
        let apply = |part: &[f64]| {
            let mut chunk = [1.0; CHUNK];
            chunk[..part.len()].copy_from_slice(part);
            function(&mut chunk);
            chunk[..part.len()].to_vec()
        };
        numbers.chunks(CHUNK).flat_map(apply).collect()
    }

    /// 2 million numbers that fill an interval evenly but not regularly.
    fn spread(low: f64, high: f64) -> Vec<f64> {
        let golden = |i: u32| (f64::from(i) * 0.618_033_988_749_894_9).fract();
        (0..1 << 21)
            .map(|i| low + (high - low) * golden(i))
            .collect()
    }

    /// The largest relative distance to the standard library, in units of 2⁻⁵². That library is
    /// itself right to better than 0.52 (glibc).
    fn worst(numbers: &[f64], ours: fn(&mut [f64; CHUNK]), standard: fn(f64) -> f64) -> f64 {
        let errors = numbers.iter().zip(each(numbers, ours)).map(|(x, found)| {
            let expected = standard(*x);
            if found == expected {
                return 0.0;
            }
            ((found - expected) / expected).abs() / f64::EPSILON
        });
        errors.fold(0.0, f64::max)
    }

    #[test]
    fn logarithms_are_right_over_their_range() {
        let unit = spread(0.0, 1.0).into_iter().filter(|x| *x > 0.0);
        let near_one = spread(-1.0, 1.0).into_iter().map(|x| 1.0 + 1e-5 * x);
        let all = spread(-700.0, 700.0).into_iter().map(f64::exp);
        let ends = [f64::MIN_POSITIVE, f64::MAX, 1.0, 1.0f64.next_down()];
        let numbers: Vec<f64> = unit.chain(near_one).chain(all).chain(ends).collect();
        assert!(worst(&numbers, ln, f64::ln) < 1.0);
        // The uniform numbers of a stream end at 2⁻⁵³ and 1 − 2⁻⁵³.
        let ends = [f64::EPSILON / 2.0, 1.0 - f64::EPSILON / 2.0];
        assert!(worst(&ends, ln, f64::ln) < 1.0);
    }

    #[test]
    fn exponentials_are_right_over_their_range() {
        let numbers = [spread(-708.0, 709.0), spread(-1.0, 1.0)].concat();
        assert!(worst(&numbers, exp, f64::exp) < 1.0);
    }

    #[test]
    fn exponentials_stop_at_their_ends() {
        let (smallest, largest) = (f64::exp(-708.0), f64::exp(709.0));
        let numbers = [-1e4, f64::NEG_INFINITY, 710.0, f64::INFINITY, 0.0];
        let expected = [smallest, smallest, largest, largest, 1.0];
        for (found, expected) in each(&numbers, exp).into_iter().zip(expected) {
            assert!(((found - expected) / expected).abs() < f64::EPSILON);
        }
    }

    #[test]
    fn cosines_and_sines_are_right_all_around() {
        let mut numbers = spread(0.0, 1.0);
        numbers.extend([0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0]);
        for part in numbers.chunks(CHUNK) {
            let (mut cosines, mut sines) = ([0.0; CHUNK], [0.0; CHUNK]);
            cosines[..part.len()].copy_from_slice(part);
            turn(&mut cosines, &mut sines);
            for ((u, cosine), sine) in part.iter().zip(cosines).zip(sines) {
                // The angle is rounded once in the expected value, which is off by up to 2⁻⁵¹ at
                // the end of the circle: measured from the nearest quarter it is not.
                let quarter = (4.0 * u).round();
                let (s, c) = (TAU * (u - quarter / 4.0)).sin_cos();
                let (c, s) = [(c, s), (-s, c), (-c, -s), (s, -c)][quarter as usize % 4];
                let error = (cosine - c).abs().max((sine - s).abs());
                assert!(error < f64::EPSILON, "{u}: {error}");
            }
        }
    }

    struct All([f64; CHUNK]);

    impl Kernel for All {
        type Output = [[f64; CHUNK]; 4];

        #[inline(always)]
        fn call(self) -> Self::Output {
            let (mut logarithms, mut exponentials) = (self.0, self.0);
            let (mut cosines, mut sines) = (self.0, self.0);
            ln(&mut logarithms);
            exp(&mut exponentials);
            turn(&mut cosines, &mut sines);
            [logarithms, exponentials, cosines, sines]
        }
    }

    proptest! {
        #[test]
        fn every_processor_gives_the_same_bits(numbers in prop::array::uniform32(f64::MIN_POSITIVE..1.0)) {
            let mut chunk = [0.5; CHUNK];
            chunk[..32].copy_from_slice(&numbers);
            let bits = |found: [[f64; CHUNK]; 4]| found.map(|row| row.map(f64::to_bits));
            let any = bits(All(chunk).call());
            prop_assert_eq!(any, bits(vectorized(All(chunk))));
            prop_assert_eq!(any, bits(vectorized_widest(All(chunk))));
        }
    }
}
