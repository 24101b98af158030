//! Pending events: take the earliest, push one later ("hold"), with 10 to 10⁶ of them pending.
//!
//! `cargo bench --bench pending`; an item is one event taken and one pushed. The increments are
//! exponential, heavy-tailed, in two clusters, or few distinct values; std's heap of the same keys
//! with the payload inside stands beside them.

use divan::Bencher;
use divan::counter::ItemsCount;
use orderline::sim::pending::{Calendar, Pending};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

const SIZES: [usize; 8] = [10, 30, 100, 1000, 10_000, 100_000, 300_000, 1_000_000];
/// Holds in a sample.
const HOLDS: u64 = 200_000;

/// What an order in service carries.
type Payload = [u64; 6];

fn main() {
    divan::main();
}

/// Increments, the same ones over and over in an order that no branch predictor learns.
struct Increments {
    table: Vec<f64>,
    state: u64,
}

impl Increments {
    fn new(law: fn(f64) -> f64) -> Self {
        let table = (0..1 << 16).map(|i| law((f64::from(i) + 0.5) / 65_536.0));
        Increments {
            table: table.collect(),
            state: 1,
        }
    }

    fn next(&mut self) -> f64 {
        self.state = self
            .state
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .wrapping_add(0x1234_5678_9ABC);
        self.table[(self.state >> 48) as usize]
    }
}

fn exponential(u: f64) -> f64 {
    -u.ln()
}

fn pareto(u: f64) -> f64 {
    u.powf(-1.0 / 1.2)
}

fn two_clusters(u: f64) -> f64 {
    if u < 0.9 { u } else { 1000.0 * u }
}

fn few_values(u: f64) -> f64 {
    (4.0 * u).floor()
}

trait Events: Default {
    fn push(&mut self, time: f64);
    fn pop(&mut self) -> f64;
}

impl Events for Calendar {
    fn push(&mut self, time: f64) {
        Calendar::push(self, time, 0);
    }

    fn pop(&mut self) -> f64 {
        Calendar::pop(self).expect("as many as at the start").0
    }
}

impl Events for Pending<Payload> {
    fn push(&mut self, time: f64) {
        Pending::push(self, time, [time.to_bits(); 6]);
    }

    fn pop(&mut self) -> f64 {
        let (time, payload) = Pending::pop(self).expect("as many as at the start");
        divan::black_box(payload);
        time
    }
}

/// Keys of time and sequence, with the payload beside them.
#[derive(Default)]
struct Std {
    heap: BinaryHeap<Reverse<(u64, u64, Payload)>>,
    sequence: u64,
}

impl Events for Std {
    fn push(&mut self, time: f64) {
        self.sequence += 1;
        let event = (time.to_bits(), self.sequence, [time.to_bits(); 6]);
        self.heap.push(Reverse(event));
    }

    fn pop(&mut self) -> f64 {
        let Reverse((time, _, payload)) = self.heap.pop().expect("as many as at the start");
        divan::black_box(payload);
        f64::from_bits(time)
    }
}

fn hold<E: Events>(bencher: Bencher, pending: usize, law: fn(f64) -> f64) {
    let mut increments = Increments::new(law);
    let mut events = E::default();
    (0..pending).for_each(|_| events.push(increments.next()));
    let mut holds = |count: u64| {
        for _ in 0..count {
            let now = events.pop();
            events.push(now + increments.next());
        }
    };
    holds(3 * pending as u64);
    bencher
        .counter(ItemsCount::new(HOLDS))
        .bench_local(|| holds(HOLDS));
}

#[divan::bench(args = SIZES, sample_count = 20, sample_size = 1)]
fn calendar(bencher: Bencher, pending: usize) {
    hold::<Calendar>(bencher, pending, exponential);
}

#[divan::bench(args = SIZES, sample_count = 20, sample_size = 1)]
fn with_payload(bencher: Bencher, pending: usize) {
    hold::<Pending<Payload>>(bencher, pending, exponential);
}

#[divan::bench(args = SIZES, sample_count = 20, sample_size = 1)]
fn with_payload_heavy_tailed(bencher: Bencher, pending: usize) {
    hold::<Pending<Payload>>(bencher, pending, pareto);
}

#[divan::bench(args = SIZES, sample_count = 20, sample_size = 1)]
fn with_payload_two_clusters(bencher: Bencher, pending: usize) {
    hold::<Pending<Payload>>(bencher, pending, two_clusters);
}

#[divan::bench(args = SIZES, sample_count = 20, sample_size = 1)]
fn with_payload_few_values(bencher: Bencher, pending: usize) {
    hold::<Pending<Payload>>(bencher, pending, few_values);
}

#[divan::bench(args = SIZES, sample_count = 20, sample_size = 1)]
fn std_binary_heap(bencher: Bencher, pending: usize) {
    hold::<Std>(bencher, pending, exponential);
}
