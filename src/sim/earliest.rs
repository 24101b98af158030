//! The earliest of a fixed number of times.

use std::hint::select_unpredictable;

/// Times by place, and which of them is the earliest; among equals the first place.
///
/// Times are kept as bits, which sort as they do (none is negative) and which are chosen from without
/// a jump: which is the earliest cannot be foreseen.
#[derive(Debug)]
pub(super) struct Earliest {
    /// The times, filled up with infinity to a power of two.
    times: Vec<u64>,
    /// A tournament of more than four times: node 1 is the root, the children of node i are 2i and
    /// 2i + 1, and those of the last row are pairs of times. Four are compared when asked for.
    winners: Vec<Entry>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    time: u64,
    place: usize,
}

const NEVER: Entry = Entry {
    time: f64::INFINITY.to_bits(),
    place: 0,
};

impl Earliest {
    /// So many times, all of them infinite.
    pub(super) fn new(places: usize) -> Earliest {
        let places = places.next_power_of_two();
        let inner = if places > 4 { places } else { 0 };
        Earliest {
            times: vec![NEVER.time; places],
            winners: vec![NEVER; inner],
        }
    }

    /// The earliest time and its place.
    #[inline]
    pub(super) fn first(&self) -> (f64, usize) {
        let entry = |place, time| Entry { time, place };
        let first = match *self.times.as_slice() {
            [a] => entry(0, a),
            [a, b] => earlier(entry(0, a), entry(1, b)),
            [a, b, c, d] => earlier(
                earlier(entry(0, a), entry(1, b)),
                earlier(entry(2, c), entry(3, d)),
            ),
            _ => self.winners[1],
        };
        (f64::from_bits(first.time), first.place)
    }

    /// Changes the time at a place.
    #[inline]
    pub(super) fn set(&mut self, place: usize, time: f64) {
        debug_assert!(time >= 0.0 && time.is_sign_positive(), "a time of {time}");
        self.times[place] = time.to_bits();
        if self.times.len() > 4 {
            self.play(place);
        }
    }

    /// Plays the matches between a place and the root again.
    #[inline(never)]
    fn play(&mut self, place: usize) {
        let left = place & !1;
        let entry = |place: usize| Entry {
            time: self.times[place],
            place,
        };
        let mut winner = earlier(entry(left), entry(left + 1));
        let mut node = (self.times.len() + place) / 2;
        self.winners[node] = winner;
        while node > 1 {
            let other = self.winners[node ^ 1];
            // The first place wins a tie.
            let other_wins = other.time < winner.time
                || (other.time == winner.time && other.place < winner.place);
            winner = choose(other_wins, other, winner);
            node /= 2;
            self.winners[node] = winner;
        }
    }
}

/// The earlier of two, the first if they are equal.
#[inline]
fn earlier(a: Entry, b: Entry) -> Entry {
    choose(b.time < a.time, b, a)
}

#[inline]
fn choose(first: bool, a: Entry, b: Entry) -> Entry {
    Entry {
        time: select_unpredictable(first, a.time, b.time),
        place: select_unpredictable(first, a.place, b.place),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_first_of_the_earliest(
            places in 1..40usize,
            changes in prop::collection::vec((0..40usize, 0..9u32), 1..200),
        ) {
            let mut earliest = Earliest::new(places);
            let mut times = vec![f64::INFINITY; places];
            for (place, time) in changes {
                let time = if time == 8 { f64::INFINITY } else { f64::from(time) };
                times[place % places] = time;
                earliest.set(place % places, time);
                let (first, at) = earliest.first();
                prop_assert!(times.iter().all(|time| first <= *time));
                if first.is_finite() {
                    prop_assert_eq!(Some(at), times.iter().position(|time| *time == first));
                }
            }
        }
    }
}
