//! When a service begins and ends, the one rule of both engines.

/// A service from its beginning to its end, seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Begun {
    /// How long the order waited.
    pub waiting: f64,
    /// When it left the queue.
    pub began: f64,
    /// When its service ends.
    pub ends: f64,
}

impl Begun {
    /// Whether the wait is a difference that the clock cannot tell from rounding.
    #[inline(always)]
    pub fn is_near_tie(&self) -> bool {
        (self.waiting > 0.0) & (self.waiting <= 8.0 * f64::EPSILON * self.began)
    }
}

/// The service of an order that came at `arrived`, by a consumer that is or was `free` from then on.
///
/// A difference that the clock cannot tell from rounding is none: a consumer that falls free at the
/// very instant of an arrival must not seem to have let it wait. Service then begins on arrival, since
/// else rounding would add up over a busy period.
#[inline]
pub(super) fn begin(arrived: f64, free: f64, service: f64) -> Begun {
    let plain = begin_plain(arrived, free, service);
    if !plain.is_near_tie() {
        return plain;
    }
    Begun {
        waiting: 0.0,
        began: free,
        ends: (arrived + service).max(free),
    }
}

/// The same without regard to rounding: right unless the result is a near tie.
#[inline(always)]
pub(super) fn begin_plain(arrived: f64, free: f64, service: f64) -> Begun {
    let began = if free > arrived { free } else { arrived };
    Begun {
        waiting: began - arrived,
        began,
        ends: began + service,
    }
}
