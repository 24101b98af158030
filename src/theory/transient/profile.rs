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
        moments.reduce(|best, next| {
            if next.waiting > best.waiting {
                next
            } else {
                best
            }
        })
    }

    /// When, after the peak, the queue is first down to [`DRAINED`] of it; `None` if that is not before
    /// the end, going through it so many times.
    pub(super) fn drained_within(&self, rounds: usize) -> Option<f64> {
        let peak = self.peak().filter(|peak| peak.waiting > 0.0)?;
        let low = DRAINED * peak.waiting;
        let end = self.moments.last()?.at;
        let each = (0..rounds).flat_map(|round| {
            let shift = round as f64 * end;
            let moments = self.moments.iter();
            moments.map(move |moment| (moment.at + shift, moment.waiting))
        });
        let after = each.filter(|(at, _)| *at >= peak.at);
        let pairs = after.clone().zip(after.skip(1));
        for ((at, waiting), (next, then)) in pairs {
            if waiting > low && then <= low {
                return Some(at + (waiting - low) / (waiting - then) * (next - at));
            }
        }
        None
    }

    /// ∫E\[(N − c)⁺\] from the start to a time.
    pub fn waiting_area(&self, t: f64) -> f64 {
        let pairs = self.moments.iter().zip(self.moments.iter().skip(1));
        let past = pairs.take_while(|(before, _)| before.at < t);
        past.map(|(before, after)| {
            let to = after.at.min(t);
            0.5 * (before.waiting + ending(before, after, to)) * (to - before.at)
        })
        .sum()
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
        match (
            self.moments.get(after.wrapping_sub(1)),
            self.moments.get(after),
        ) {
            (Some(before), Some(after)) => {
                let share = (t - before.at) / (after.at - before.at);
                of(before) + share * (of(after) - of(before))
            }
            (Some(only), None) | (None, Some(only)) => of(only),
            (None, None) => 0.0,
        }
    }
}

/// Orders waiting at a time between two moments.
fn ending(before: &Moment, after: &Moment, t: f64) -> f64 {
    if after.at <= before.at {
        return after.waiting;
    }
    let share = (t - before.at) / (after.at - before.at);
    before.waiting + share * (after.waiting - before.waiting)
}
