//! Numbers in system and in queue as integrals over time.

/// How many orders are present and how many of them wait, with the time integrals of both.
///
/// The time averages are L = ∫N dt / T and Lq = ∫Nq dt / T. They are measured on their own, not
/// derived from the orders' times, so that Little's law is a check and no tautology.
///
/// Both numbers are kept side by side, as floats (exact up to 2^53): so one vector instruction each
/// brings both integrals up to date and changes both numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Occupancy {
    /// Present, waiting.
    numbers: [f64; 2],
    areas: [f64; 2],
    last: f64,
}

impl Occupancy {
    /// Brings the integrals up to `now` (seconds, never before the last call's).
    #[inline]
    pub fn advance(&mut self, now: f64) {
        self.change(now, [0.0, 0.0]);
    }

    /// An order comes and is served at once.
    #[inline]
    pub fn enter_service(&mut self, now: f64) {
        self.change(now, [1.0, 0.0]);
    }

    /// An order comes and waits.
    #[inline]
    pub fn enter_queue(&mut self, now: f64) {
        self.change(now, [1.0, 1.0]);
    }

    /// A waiting order goes into service.
    #[inline]
    pub fn start_service(&mut self, now: f64) {
        self.change(now, [0.0, -1.0]);
    }

    /// An order in service leaves.
    #[inline]
    pub fn leave(&mut self, now: f64) {
        self.change(now, [-1.0, 0.0]);
    }

    /// An order in service leaves and a waiting one goes into service.
    #[inline]
    pub fn leave_to_next(&mut self, now: f64) {
        self.change(now, [-1.0, -1.0]);
    }

    #[inline]
    fn change(&mut self, now: f64, by: [f64; 2]) {
        let dt = now - self.last;
        for (i, by) in by.into_iter().enumerate() {
            self.areas[i] += self.numbers[i] * dt;
            self.numbers[i] += by;
        }
        self.last = now;
    }

    /// Brings the integrals up to `now` at once, past all that came to pass since the last update.
    #[inline]
    pub fn pass(&mut self, now: f64, passage: &Passage) {
        let dt = now - self.last;
        let Passage {
            arrivals,
            starts,
            departures,
            ..
        } = passage;
        let [present, waiting] = self.numbers;
        // Never below 0, whatever the rounding; and 0 where nobody waited, as it should be.
        let present_area = present * dt + arrivals.seconds - departures.seconds;
        self.areas[0] += present_area.max(0.0);
        if passage.waited {
            let waiting_area = waiting * dt + arrivals.seconds - starts.seconds;
            self.areas[1] += waiting_area.max(0.0);
        }
        self.numbers = [
            present + arrivals.count as f64 - departures.count as f64,
            waiting + arrivals.count as f64 - starts.count as f64,
        ];
        self.last = now;
    }

    /// When the integrals were last brought up to date.
    pub fn now(&self) -> f64 {
        self.last
    }

    /// Orders present now.
    pub fn present(&self) -> u64 {
        self.numbers[0] as u64
    }

    /// Orders waiting now.
    pub fn waiting(&self) -> u64 {
        self.numbers[1] as u64
    }

    /// ∫N dt since the last [`Occupancy::restart`], up to the last update: order-seconds.
    pub fn present_area(&self) -> f64 {
        self.areas[0]
    }

    /// ∫Nq dt since the last [`Occupancy::restart`], up to the last update: order-seconds.
    pub fn waiting_area(&self) -> f64 {
        self.areas[1]
    }

    /// Forgets the integrals and measures anew from `now`; who is present stays.
    pub fn restart(&mut self, now: f64) {
        *self = Occupancy {
            last: now,
            areas: [0.0; 2],
            ..*self
        };
    }
}

/// Events of one kind in a stretch of time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Flow {
    /// How many.
    pub count: u64,
    /// Seconds from each to the end of the stretch, added up.
    pub seconds: f64,
}

impl Flow {
    /// More of them.
    #[inline(always)]
    pub fn add(&mut self, count: usize, seconds: f64) {
        self.count += count as u64;
        self.seconds += seconds;
    }
}

/// What came to pass in a stretch of time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Passage {
    /// Orders that came.
    pub arrivals: Flow,
    /// Orders whose service began, those that did not wait included.
    pub starts: Flow,
    /// Orders that left.
    pub departures: Flow,
    /// Whether anybody waited for any time.
    pub waited: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_are_those_under_the_paths() {
        let mut o = Occupancy::default();
        o.enter_service(1.0); // one in service during [1, 4)
        o.enter_queue(2.0); // one waits during [2, 4)
        o.leave(4.0);
        o.start_service(4.0);
        o.advance(6.0);
        assert_eq!(
            (o.present_area(), o.waiting_area(), o.present()),
            (7.0, 2.0, 1)
        );
        o.restart(6.0);
        o.leave(6.5);
        assert_eq!(
            (o.present_area(), o.waiting_area(), o.present()),
            (0.5, 0.0, 0)
        );
    }
}
