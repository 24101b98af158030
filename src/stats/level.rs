//! A number that changes in steps, as an integral over time.

/// A value that stays the same between changes, with its time integral.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Level {
    value: f64,
    area: f64,
    last: f64,
}

impl Level {
    /// Begins at 0 s with a value.
    pub fn starting_at(value: f64) -> Level {
        Level {
            value,
            ..Level::default()
        }
    }

    /// From `now` on (seconds, never before the last call's) the value is this.
    #[inline]
    pub fn set(&mut self, now: f64, value: f64) {
        self.area += self.value * (now - self.last);
        self.last = now;
        self.value = value;
    }

    /// From `now` on the value is higher by this, which may be negative.
    #[inline]
    pub fn add(&mut self, now: f64, by: f64) {
        self.set(now, self.value + by);
    }

    /// Brings the integral up to `now`.
    pub fn advance(&mut self, now: f64) {
        self.set(now, self.value);
    }

    /// Forgets the integral and measures anew from `now`; the value stays.
    pub fn restart(&mut self, now: f64) {
        self.area = 0.0;
        self.last = now;
    }

    /// The value now.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// Its time integral since the last [`Level::restart`], up to the last update.
    pub fn area(&self) -> f64 {
        self.area
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_integral_is_that_of_the_steps() {
        let mut level = Level::starting_at(2.0);
        level.add(1.5, 1.0);
        level.set(2.0, 0.5);
        level.advance(4.0);
        assert_eq!((level.area(), level.value()), (3.0 + 1.5 + 1.0, 0.5));
        level.restart(5.0);
        level.advance(6.0);
        assert_eq!(level.area(), 0.5);
    }
}
