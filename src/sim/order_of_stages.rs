//! The order of the stages: which goes first when orders depart from several at one instant.
//!
//! The stage further downstream does, so that a place that falls free is free for who comes from
//! upstream. Both engines keep to it, as otherwise they would serve orders in different orders where
//! times are equal.

use crate::network::{Network, Stage, StageId, Target};

/// All stages, those further downstream first: the order in which a depth-first walk along the routes
/// of all classes leaves them, from the stages that the producers send to, in the order of the file.
/// Without ways back every stage so comes before all upstream of it. Those where nobody comes are last.
pub(super) fn downstream_first(network: &Network) -> Vec<usize> {
    let entrances = network.producers.iter().map(|producer| producer.to);
    let next: Vec<Vec<StageId>> = network.stages.iter().map(next_stages).collect();
    order(entrances, &next)
}

fn order(entrances: impl Iterator<Item = StageId>, next: &[Vec<StageId>]) -> Vec<usize> {
    let mut seen = vec![false; next.len()];
    let mut left = Vec::new();
    for start in entrances.chain((0..next.len()).map(StageId)) {
        walk(next, start, &mut seen, &mut left);
    }
    left
}

/// Without recursion: a pipeline may be longer than the program's stack.
fn walk(next: &[Vec<StageId>], start: StageId, seen: &mut [bool], left: &mut Vec<usize>) {
    let mut open = vec![(start.0, false)];
    while let Some((stage, done)) = open.pop() {
        if done {
            left.push(stage);
            continue;
        }
        if std::mem::replace(&mut seen[stage], true) {
            continue;
        }
        open.push((stage, true));
        open.extend(next[stage].iter().rev().map(|to| (to.0, false)));
    }
}

/// The stages that orders of any class go to next, each once.
pub(super) fn next_stages(stage: &Stage) -> Vec<StageId> {
    let routes = stage.by_class.iter().flat_map(|class| &class.next);
    let mut next: Vec<StageId> = Vec::new();
    for route in routes {
        if let Target::Stage(to) = route.to
            && !next.contains(&to)
        {
            next.push(to);
        }
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The order of stages that send their orders to others, with an entrance at the first.
    fn order_of(next: &[&[usize]]) -> Vec<usize> {
        let ids = |ways: &&[usize]| ways.iter().copied().map(StageId).collect();
        let next: Vec<Vec<StageId>> = next.iter().map(ids).collect();
        order(std::iter::once(StageId(0)), &next)
    }

    #[test]
    fn downstream_comes_first_and_whom_nobody_reaches_last() {
        assert_eq!(order_of(&[&[1], &[2], &[]]), [2, 1, 0]);
        assert_eq!(order_of(&[&[2, 1], &[3], &[3], &[], &[3]]), [3, 2, 1, 0, 4]);
    }

    #[test]
    fn ways_back_count_for_nothing() {
        assert_eq!(order_of(&[&[1, 0], &[2], &[0, 3], &[]]), [3, 2, 1, 0]);
    }
}
