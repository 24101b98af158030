//! Numbers in system and in queue as integrals over time.

/// How many orders are present and how many of them wait, with the time integrals of both.
///
/// The time averages are L = ∫N dt / T and Lq = ∫Nq dt / T. They are measured on their own, not
/// derived from the orders' times, so that Little's law is a check and no tautology.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Occupancy {
    present: u64,
    waiting: u64,
    last: f64,
    present_area: f64,
    waiting_area: f64,
}

impl Occupancy {
    /// Brings the integrals up to `now` (seconds, never before the last call's).
    #[inline]
    pub fn advance(&mut self, now: f64) {
        let dt = now - self.last;
        self.present_area += self.present as f64 * dt;
        self.waiting_area += self.waiting as f64 * dt;
        self.last = now;
    }

    /// An order comes and is served at once.
    #[inline]
    pub fn enter_service(&mut self, now: f64) {
        self.advance(now);
        self.present += 1;
    }

    /// An order comes and waits.
    #[inline]
    pub fn enter_queue(&mut self, now: f64) {
        self.advance(now);
        self.present += 1;
        self.waiting += 1;
    }

    /// A waiting order goes into service.
    #[inline]
    pub fn start_service(&mut self, now: f64) {
        self.advance(now);
        self.waiting -= 1;
    }

    /// An order in service leaves.
    #[inline]
    pub fn leave(&mut self, now: f64) {
        self.advance(now);
        self.present -= 1;
    }

    /// Brings the integrals up to `now` at once, past all that came to pass since the last update.
    #[inline]
    pub fn pass(&mut self, now: f64, passage: &Passage) {
        let dt = now - self.last;
        let Passage {
            arrivals,
            starts,
            departures,
        } = passage;
        self.present_area += self.present as f64 * dt + arrivals.seconds - departures.seconds;
        self.waiting_area += self.waiting as f64 * dt + arrivals.seconds - starts.seconds;
        self.present = self.present + arrivals.count - departures.count;
        self.waiting = self.waiting + arrivals.count - starts.count;
        self.last = now;
    }

    /// When the integrals were last brought up to date.
    pub fn now(&self) -> f64 {
        self.last
    }

    /// Orders present now.
    pub fn present(&self) -> u64 {
        self.present
    }

    /// ∫N dt since the last [`Occupancy::restart`], up to the last update: order-seconds.
    pub fn present_area(&self) -> f64 {
        self.present_area
    }

    /// ∫Nq dt since the last [`Occupancy::restart`], up to the last update: order-seconds.
    pub fn waiting_area(&self) -> f64 {
        self.waiting_area
    }

    /// Forgets the integrals and measures anew from `now`; who is present stays.
    pub fn restart(&mut self, now: f64) {
        *self = Occupancy {
            last: now,
            present_area: 0.0,
            waiting_area: 0.0,
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
