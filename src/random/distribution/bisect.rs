//! A root finder that cannot fail: bisection over the floats themselves.

/// The smallest `x` in (`low`, `high`] (to `relative` accuracy) for which `reached` holds, given
/// that it holds at `high` and, once it holds, holds for all larger `x`.
///
/// Halves the number of floats between the ends rather than their distance, so that roots of any
/// magnitude, 1e-200 as well as 1e9, take at most 64 steps. Needs 0 ≤ `low` ≤ `high`.
pub(super) fn bisect(low: f64, high: f64, relative: f64, reached: impl Fn(f64) -> bool) -> f64 {
    let (mut below, mut above) = (low, high);
    while above - below > relative * above {
        // Non-negative floats are ordered like their bits.
        let middle = f64::from_bits(below.to_bits().midpoint(above.to_bits()));
        if middle <= below || middle >= above {
            break;
        }
        if reached(middle) {
            above = middle;
        } else {
            below = middle;
        }
    }
    above
}
