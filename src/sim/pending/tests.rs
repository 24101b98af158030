//! The calendar against a plain sorted list.

use super::*;
use proptest::prelude::*;

/// What is pending, searched from one end to the other.
#[derive(Default)]
struct Reference(Vec<(f64, u32)>);

impl Reference {
    fn pop(&mut self) -> Option<(f64, u32)> {
        // The first of the smallest: ids are in the sequence of the pushes.
        let earliest = (0..self.0.len()).min_by(|&a, &b| self.0[a].0.total_cmp(&self.0[b].0))?;
        Some(self.0.remove(earliest))
    }
}

/// How far ahead of the present an event is pushed.
#[derive(Debug, Clone, Copy)]
enum Ahead {
    Even,
    HeavyTailed,
    TwoClusters,
    FewValues,
    Always(f64),
}

impl Ahead {
    fn time(self, u: f64) -> f64 {
        match self {
            Ahead::Even => u,
            Ahead::HeavyTailed => (1.0 - u).powi(-4) - 1.0,
            Ahead::TwoClusters if u < 0.9 => u,
            Ahead::TwoClusters => 1e6 + u,
            Ahead::FewValues => (4.0 * u).floor(),
            Ahead::Always(time) => time,
        }
    }
}

fn ahead() -> impl Strategy<Value = Ahead> {
    prop_oneof![
        Just(Ahead::Even),
        Just(Ahead::HeavyTailed),
        Just(Ahead::TwoClusters),
        Just(Ahead::FewValues),
        prop_oneof![Just(0.0), Just(1.0), Just(f64::INFINITY)].prop_map(Ahead::Always),
    ]
}

/// Pushes of one kind, then so many holds (pop, push), then so many pops.
fn phases() -> impl Strategy<Value = Vec<(Ahead, usize, usize, usize)>> {
    prop::collection::vec((ahead(), 0..150usize, 0..400usize, 0..150usize), 1..6)
}

struct Both {
    calendar: Calendar,
    reference: Reference,
    now: f64,
    pushed: u32,
}

impl Both {
    fn push(&mut self, ahead: f64) {
        let now = if self.now.is_finite() { self.now } else { 0.0 };
        self.calendar.push(now + ahead, self.pushed);
        self.reference.0.push((now + ahead, self.pushed));
        self.pushed += 1;
    }

    fn pop(&mut self) -> Result<(), TestCaseError> {
        let expected = self.reference.pop();
        let next = expected.map_or(f64::INFINITY, |(time, _)| time);
        prop_assert_eq!(self.calendar.next_time(), next);
        prop_assert_eq!(self.calendar.pop(), expected);
        self.now = expected.map_or(self.now, |(time, _)| time);
        Ok(())
    }
}

proptest! {
    /// Whatever is pushed, at whatever size, and whether or not the sequence is used up meanwhile.
    #[test]
    fn earliest_first_and_first_pushed_first_among_equals(
        phases in phases(),
        chance in prop::collection::vec(0.0..1.0f64, 64),
        sequence in prop_oneof![Just(0), u32::MAX - 500..u32::MAX],
    ) {
        let calendar = Calendar { sequence, ..Calendar::default() };
        let mut both = Both { calendar, reference: Reference::default(), now: 0.0, pushed: 0 };
        let mut chance = chance.iter().cycle().copied();
        let mut draw = |ahead: Ahead| ahead.time(chance.next().expect("endless"));
        for (ahead, pushes, holds, pops) in phases {
            (0..pushes).for_each(|_| both.push(draw(ahead)));
            for _ in 0..holds {
                both.pop()?;
                both.push(draw(ahead));
            }
            for _ in 0..pops {
                both.pop()?;
            }
        }
        while !both.reference.0.is_empty() {
            both.pop()?;
        }
        prop_assert_eq!(both.calendar.pop(), None);
    }
}

#[test]
fn payloads_stay_with_their_times() {
    let mut pending = Pending::default();
    for round in 0..3 {
        (0..100).for_each(|i| pending.push(f64::from(i * 37 % 100), (round, i)));
        assert_eq!(pending.len(), 100);
        for expected in 0..100 {
            let (time, (_, i)) = pending.pop().expect("a hundred were pushed");
            assert_eq!((time, i * 37 % 100), (f64::from(expected), expected));
        }
        assert!(pending.is_empty() && pending.pop().is_none());
    }
}
