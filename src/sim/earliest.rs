//! The earliest of a fixed number of times.

/// Up to so many times are searched from one end to the other.
const FEW: usize = 8;

/// Times by place, and which of them is the earliest; among equals the first place.
///
/// Times are kept as bits, which sort as they do (none is negative) and which are chosen from without
/// a jump: which is the earliest cannot be foreseen.
#[derive(Debug)]
pub(super) struct Earliest {
    first: Entry,
    /// The times, padded to a power of two when there are many.
    times: Vec<u64>,
    /// A tournament of many times: node 1 is the root, the children of node i are 2i and 2i + 1, and
    /// those of the last row are pairs of times. Empty for few times.
    winners: Vec<Entry>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    time: u64,
    place: usize,
}

const NEVER: u64 = f64::INFINITY.to_bits();

impl Earliest {
    /// So many times, all of them infinite.
    pub(super) fn new(places: usize) -> Earliest {
        let padded = places.next_power_of_two();
        let (places, inner) = if places > FEW {
            (padded, padded)
        } else {
            (places, 0)
        };
        let never = Entry {
            time: NEVER,
            place: 0,
        };
        Earliest {
            first: never,
            times: vec![NEVER; places],
            winners: vec![never; inner],
        }
    }

    /// The earliest time and its place.
    #[inline]
    pub(super) fn first(&self) -> (f64, usize) {
        (f64::from_bits(self.first.time), self.first.place)
    }

    /// Changes the time at a place.
    #[inline]
    pub(super) fn set(&mut self, place: usize, time: f64) {
        debug_assert!(time >= 0.0 && time.is_sign_positive(), "a time of {time}");
        let time = time.to_bits();
        self.times[place] = time;
        self.first = match self.times.len() {
            1 => Entry { time, place: 0 },
            2..=FEW => self.search(),
            _ => self.play(place),
        };
    }

    #[inline]
    fn search(&self) -> Entry {
        let mut first = Entry {
            time: NEVER,
            place: 0,
        };
        for (place, &time) in self.times.iter().enumerate() {
            first.place = if time < first.time {
                place
            } else {
                first.place
            };
            first.time = first.time.min(time);
        }
        first
    }

    /// Plays the matches between a place and the root again.
    fn play(&mut self, place: usize) -> Entry {
        let entry = |place: usize| Entry {
            time: self.times[place],
            place,
        };
        let mut winner = better(entry(place), entry(place ^ 1));
        let mut node = (self.times.len() + place) / 2;
        self.winners[node] = winner;
        while node > 1 {
            winner = better(winner, self.winners[node ^ 1]);
            node /= 2;
            self.winners[node] = winner;
        }
        winner
    }
}

#[inline]
fn better(a: Entry, b: Entry) -> Entry {
    let b_wins = b.time < a.time || (b.time == a.time && b.place < a.place);
    if b_wins { b } else { a }
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
