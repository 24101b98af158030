//! Replications in parallel, folded in order.

use super::control::Control;
use super::fold::Fold;
use super::means::{EngineChoice, Means};
use super::outcome::{SimError, SimResult};
use super::plan::find_start;
use super::replication::{Replication, Silent, Span, replicate};
use crate::network::{Network, Replications};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

/// An asked-for precision is given up after this many replications.
const MOST_REPLICATIONS: u64 = 10_000;

/// How to compute, with no influence on what happens to any order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SimOptions {
    /// Threads to use; at least 1.
    pub threads: usize,
    /// Which engine to use. Orders are the same with each; sums over them differ in rounding.
    pub engine: EngineChoice,
}

impl SimOptions {
    /// So many threads, and the engine that suits the network.
    pub fn on(threads: usize) -> SimOptions {
        SimOptions {
            threads,
            engine: EngineChoice::Auto,
        }
    }
}

/// Simulates a network as its run plan says.
///
/// # Errors
/// [`SimError::NoRecursion`] where that was
/// asked for but does not apply, [`SimError::NoOrders`] where no order can come, [`SimError::NothingAfterWarmup`] where the
/// replications are shorter than the warm-up, [`SimError::Stopped`] when `control` stopped it before
/// anything was measured.
pub fn simulate(
    network: &Network,
    options: SimOptions,
    control: &Control,
) -> Result<SimResult, SimError> {
    if network.offered_rate() <= 0.0 {
        return Err(SimError::NoOrders);
    }
    let means = Means::new(network, options.engine)?;
    let start = find_start(network, &means, options.threads, control);
    let span = Span::of(network, start.warmup);
    let mut fold = Fold::new(network, means.kind(), start, span);
    let mut target = match network.run.replications {
        Replications::Fixed(n) => n,
        Replications::Precision { at_least, .. } => at_least,
    };
    let mut done = 0;
    while done < target && !control.stopped() {
        control.plan(target);
        let work = |index| {
            finished(
                replicate(network, &means, index, span, control, Silent),
                control,
            )
        };
        in_order(
            options.threads,
            done..target,
            control,
            work,
            |replication| {
                fold.add(replication);
            },
        );
        done = target;
        target = next_target(network, &fold, done);
    }
    fold.finish(control.stopped())
}

fn finished(replication: Replication<Silent>, control: &Control) -> Replication<Silent> {
    if !replication.stopped {
        control.finish_one();
    }
    replication
}

/// How many replications are needed in all, judged by the spread of those done. Where more would be
/// needed than are ever run, none is added.
fn next_target(network: &Network, fold: &Fold, done: u64) -> u64 {
    let Replications::Precision { relative, .. } = network.run.replications else {
        return done;
    };
    let reached = fold.precision().map_or(0.0, |worst| worst.relative);
    // Half-widths shrink with the root of the number; never more than doubled on one judgement.
    let needed = done as f64 * (reached / relative).powi(2);
    if reached <= relative || needed > MOST_REPLICATIONS as f64 {
        return done;
    }
    (needed.ceil() as u64).clamp(done + 1, 2 * done)
}

/// Does `work` for every index on some threads and hands the results to `fold` in the order of the
/// indices, so that nothing depends on which thread was faster. Once `control` says to stop, no more
/// indices are begun.
pub(super) fn in_order<T: Send>(
    threads: usize,
    indices: Range<u64>,
    control: &Control,
    work: impl Fn(u64) -> T + Sync,
    mut fold: impl FnMut(T),
) {
    if threads <= 1 {
        let begun = indices.take_while(|_| !control.stopped());
        return begun.for_each(|index| fold(work(index)));
    }
    let next = AtomicU64::new(indices.start);
    let (send, receive) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..threads.min((indices.end - indices.start) as usize) {
            let (send, next, work, end) = (send.clone(), &next, &work, indices.end);
            scope.spawn(move || {
                let take = || {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    (index < end && !control.stopped()).then_some(index)
                };
                while let Some(index) = take() {
                    if send.send((index, work(index))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        reorder(indices.start, receive, &mut fold);
    });
}

fn reorder<T>(first: u64, receive: mpsc::Receiver<(u64, T)>, fold: &mut impl FnMut(T)) {
    let mut early = BTreeMap::new();
    let mut due = first;
    for (index, result) in receive {
        early.insert(index, result);
        while let Some(result) = early.remove(&due) {
            fold(result);
            due += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn results_come_in_order_whoever_is_faster() {
        for threads in [1, 2, 5] {
            let mut seen = Vec::new();
            let slow_first = |i| {
                thread::sleep(Duration::from_millis(if i % 3 == 0 { 5 } else { 0 }));
                i
            };
            in_order(threads, 3..20, &Control::default(), slow_first, |i| {
                seen.push(i)
            });
            assert_eq!(seen, (3..20).collect::<Vec<_>>());
        }
    }
}
