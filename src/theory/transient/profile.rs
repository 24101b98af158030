//! The course of a queue over time: how long it is, when it is longest, and when that is over.

/// What is expected at one time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moment {
    /// Seconds since the start.
    pub at: f64,
    /// λ(t), orders per second.
    pub rate: f64,
    /// E\[N(t)\]: orders there.
    pub number: f64,
    /// E\[(N(t) − c)⁺\]: orders that wait.
    pub waiting: f64,
}

/// Means over time, straight between the moments.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Profile {
    moments: Vec<Moment>,
}

/// A queue counts as drained when it is down to this share of its peak.
pub const DRAINED: f64 = 0.01;

impl Profile {
    pub(in crate::theory) fn new(moments: Vec<Moment>) -> Profile {
        let mut profile = Profile { moments };
        profile.moments.dedup();
        profile
    }

    /// In order of time; where the rate jumps there are two of one time.
    pub fn moments(&self) -> &[Moment] {
        &self.moments
    }

    /// When the most orders wait.
    pub fn peak(&self) -> Option<&Moment> {
        let moments = self.moments.iter();
        // The first of equals.
        moments.reduce(|best, next| if next.waiting > best.waiting { next } else { best })
    }

    /// When, after the peak, the queue is first down to [`DRAINED`] of it; `None` if that is not before
    /// the end.
    pub fn drained_at(&self) -> Option<f64> {
        let peak = self.peak()?;
        let low = DRAINED * peak.waiting;
        let after = self.moments.iter().filter(|moment| moment.at >= peak.at);
        let pairs = after.clone().zip(after.skip(1));
        for (before, after) in pairs {
            if before.waiting > low && after.waiting <= low {
                let share = (before.waiting - low) / (before.waiting - after.waiting);
                return Some(before.at + share * (after.at - before.at));
            }
        }
        None
    }

    /// Orders there at a time, straight between the moments.
    pub fn number_at(&self, t: f64) -> f64 {
        self.between(t, |moment| moment.number)
    }

    /// Orders waiting at a time, straight between the moments.
    pub fn waiting_at(&self, t: f64) -> f64 {
        self.between(t, |moment| moment.waiting)
    }

    fn between(&self, t: f64, of: impl Fn(&Moment) -> f64) -> f64 {
        let after = self.moments.partition_point(|moment| moment.at <= t);
        match (self.moments.get(after.wrapping_sub(1)), self.moments.get(after)) {
            (Some(before), Some(after)) => {
                let share = (t - before.at) / (after.at - before.at);
                of(before) + share * (of(after) - of(before))
            }
            (Some(only), None) | (None, Some(only)) => of(only),
            (None, None) => 0.0,
        }
    }
}
