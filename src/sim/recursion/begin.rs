//! When a service begins and ends, the one rule of both engines.

/// A service from its beginning to its end, seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::sim) struct Begun {
    /// How long the order waited.
    pub waiting: f64,
    /// When it left the queue.
    pub began: f64,
    /// When its service ends.
    pub ends: f64,
}

/// The service of an order that came at `arrived`, by a consumer that is or was `free` from then on.
///
/// A difference that the clock cannot tell from rounding is none: a consumer that falls free at the
/// very instant of an arrival must not seem to have let it wait. Service then begins on arrival, since
/// else rounding would add up over a busy period.
#[inline(always)]
pub(in crate::sim) fn begin(arrived: f64, free: f64, service: f64) -> Begun {
    let began = if free > arrived { free } else { arrived };
    let waiting = began - arrived;
    // One branch that is next to never taken, where two would be guesses.
    if (waiting > 0.0) & (waiting <= 8.0 * f64::EPSILON * began) {
        return at_once(arrived, free, service);
    }
    Begun {
        waiting,
        began,
        ends: began + service,
    }
}

#[cold]
#[inline(never)]
fn at_once(arrived: f64, free: f64, service: f64) -> Begun {
    Begun {
        waiting: 0.0,
        began: free,
        ends: (arrived + service).max(free),
    }
}
