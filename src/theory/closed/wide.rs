//! Non-negative numbers of any size: normalizing constants grow and fall like factorials.

use std::ops::{Add, AddAssign, Mul};

/// 2⁵¹², the base of the exponent.
const BASE: f64 = 1.3407807929942597e154;
/// 2²⁵⁶: mantissas stay below it, and at or above its inverse.
const TOP: f64 = 1.157920892373162e77;

/// A non-negative number m · 2^(512 e), with the precision of a double and next to no limit to its
/// size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Wide {
    mantissa: f64,
    exponent: i32,
}

impl Wide {
    pub const ZERO: Wide = Wide {
        mantissa: 0.0,
        exponent: i32::MIN,
    };
    pub const ONE: Wide = Wide {
        mantissa: 1.0,
        exponent: 0,
    };

    fn normal(mut mantissa: f64, mut exponent: i32) -> Wide {
        if mantissa == 0.0 {
            return Wide::ZERO;
        }
        while mantissa >= TOP {
            mantissa /= BASE;
            exponent += 1;
        }
        while mantissa < 1.0 / TOP {
            mantissa *= BASE;
            exponent -= 1;
        }
        Wide { mantissa, exponent }
    }

    pub fn is_zero(self) -> bool {
        self.mantissa == 0.0
    }

    /// This over another, as a plain number; 0 over 0 is 0.
    pub fn over(self, other: Wide) -> f64 {
        if self.is_zero() {
            return 0.0;
        }
        let gap = self.exponent.saturating_sub(other.exponent).clamp(-3, 3);
        (0..gap.unsigned_abs()).fold(self.mantissa / other.mantissa, |ratio, _| {
            if gap > 0 { ratio * BASE } else { ratio / BASE }
        })
    }
}

impl Mul<f64> for Wide {
    type Output = Wide;

    /// The factor is finite and not negative.
    fn mul(self, factor: f64) -> Wide {
        let mantissa = self.mantissa * factor;
        if (1.0 / TOP..TOP).contains(&mantissa) {
            return Wide {
                mantissa,
                exponent: self.exponent,
            };
        }
        Wide::normal(mantissa, self.exponent)
    }
}

impl Mul for Wide {
    type Output = Wide;

    fn mul(self, other: Wide) -> Wide {
        if self.is_zero() || other.is_zero() {
            return Wide::ZERO;
        }
        let mantissa = self.mantissa * other.mantissa;
        Wide::normal(mantissa, self.exponent + other.exponent)
    }
}

impl Add for Wide {
    type Output = Wide;

    fn add(self, other: Wide) -> Wide {
        if self.exponent == other.exponent {
            if self.is_zero() {
                return self;
            }
            return Wide::normal(self.mantissa + other.mantissa, self.exponent);
        }
        let (large, small) = if self.exponent > other.exponent {
            (self, other)
        } else {
            (other, self)
        };
        if small.is_zero() || large.exponent - small.exponent > 1 {
            return large;
        }
        Wide::normal(large.mantissa + small.mantissa / BASE, large.exponent)
    }
}

impl AddAssign for Wide {
    fn add_assign(&mut self, other: Wide) {
        *self = *self + other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn factorials_beyond_all_doubles() {
        let factorial = |n: u32| (1..=n).fold(Wide::ONE, |f, k| f * f64::from(k));
        let choose = factorial(5000).over(factorial(4998) * factorial(2));
        assert_relative_eq!(choose, 12_497_500.0, max_relative = 1e-12);
        assert_eq!(factorial(10).over(factorial(5000)), 0.0);
    }

    #[test]
    fn sums_across_the_exponents() {
        let step = Wide::ONE * 1e77 + Wide::ONE * 1e77;
        assert_relative_eq!(step.over(Wide::ONE * 1e77), 2.0, max_relative = 1e-15);
        let tiny = Wide::ONE * 1e-200 * 1e-200;
        assert_relative_eq!((tiny + tiny).over(tiny), 2.0);
        assert_eq!((Wide::ONE + tiny).over(Wide::ONE), 1.0);
        assert_eq!((Wide::ZERO + Wide::ZERO).over(Wide::ONE), 0.0);
        assert_eq!((Wide::ZERO + tiny).over(tiny), 1.0);
    }
}
