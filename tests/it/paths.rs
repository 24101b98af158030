//! Small paths worked out by hand: who leaves when, under each discipline and bound.

use crate::networks::single;
use orderline::network::{
    Capacity, Class, ClassId, Consumers, Discipline, Network, Route, StageId, Target,
};
use orderline::random::{Arrivals, Distribution};
use orderline::sim::{Control, Observer, OrderRecord, Outcome, trace_replication};

#[derive(Default)]
struct Log(Vec<OrderRecord>);

impl Observer for Log {
    fn left(&mut self, record: &OrderRecord) {
        self.0.push(*record);
    }
}

/// Orders as they leave: which one, when, how.
pub fn leavers(network: &Network) -> Vec<(u64, f64, Outcome)> {
    let log = trace_replication(network, &Control::default(), Log::default());
    log.0
        .iter()
        .map(|record| (record.number, record.left, record.outcome))
        .collect()
}

fn recorded(times: &[f64], service: f64) -> Network {
    let arrivals = Arrivals::trace(times.to_vec(), 0.0).expect("times");
    single(
        arrivals,
        Distribution::deterministic(service).expect("a time"),
    )
}

fn completed(orders: &[(u64, f64)]) -> Vec<(u64, f64, Outcome)> {
    orders
        .iter()
        .map(|(order, left)| (*order, *left, Outcome::Completed))
        .collect()
}

#[test]
fn first_in_is_first_out() {
    let network = recorded(&[1.0, 2.0, 3.0, 4.0], 2.5);
    assert_eq!(
        leavers(&network),
        completed(&[(0, 3.5), (1, 6.0), (2, 8.5), (3, 11.0)])
    );
}

#[test]
fn last_in_is_first_out_but_never_interrupts() {
    let mut network = recorded(&[1.0, 2.0, 3.0, 4.0], 2.5);
    network.stages[0].discipline = Discipline::Lifo;
    assert_eq!(
        leavers(&network),
        completed(&[(0, 3.5), (2, 6.0), (3, 8.5), (1, 11.0)])
    );
}

#[test]
fn priorities_go_first_and_among_equals_who_came_first() {
    let mut network = recorded(&[1.0, 1.5, 3.0], 2.0);
    network.classes.push(Class {
        name: "vip".to_owned(),
        priority: 0,
        deadline: f64::INFINITY,
    });
    network.classes[0].priority = 1;
    network.stages[0].discipline = Discipline::Priority;
    let as_the_others = network.stages[0].by_class[0].clone();
    network.stages[0].by_class.push(as_the_others);
    let mut vip = network.producers[0].clone();
    vip.class = ClassId(1);
    vip.arrivals = Arrivals::trace(vec![2.0, 2.5], 0.0).expect("times");
    network.producers.push(vip);
    // Regular orders come at 1, 1.5 and 3 (numbers 0, 1, 4), vips at 2 and 2.5 (2, 3).
    let expected = completed(&[(0, 3.0), (2, 5.0), (3, 7.0), (1, 9.0), (4, 11.0)]);
    assert_eq!(leavers(&network), expected);
}

#[test]
fn a_full_queue_rejects_and_a_place_that_falls_free_is_free_at_that_instant() {
    let mut network = recorded(&[1.0, 2.0, 2.5, 3.5], 2.5);
    network.stages[0].capacity = Capacity::Reject(1);
    let expected = [
        (2, 2.5, Outcome::Rejected),
        (0, 3.5, Outcome::Completed),
        (1, 6.0, Outcome::Completed),
        (3, 8.5, Outcome::Completed),
    ];
    assert_eq!(leavers(&network), expected);
}

#[test]
fn several_consumers_and_a_route_back_to_the_tail() {
    let mut network = recorded(&[1.0, 1.0, 2.0], 2.0);
    network.stages[0].consumers = Consumers::Finite(2);
    let mut second = network.stages[0].clone();
    second.name = "again".to_owned();
    network.stages.push(second);
    network.stages[0].by_class[0].next = vec![Route {
        to: Target::Stage(StageId(1)),
        probability: 1.0,
    }];
    // Orders 0 and 1 are served at once, order 2 from 3 to 5; then each once more.
    assert_eq!(
        leavers(&network),
        completed(&[(0, 5.0), (1, 5.0), (2, 7.0)])
    );
}

#[test]
fn at_one_instant_the_stage_further_downstream_goes_first() {
    let mut network = recorded(&[1.0, 1.5], 1.0);
    let mut down = network.stages[0].clone();
    down.name = "down".to_owned();
    down.capacity = Capacity::Reject(0);
    network.stages[0].by_class[0].next = vec![Route {
        to: Target::Stage(StageId(1)),
        probability: 1.0,
    }];
    network.stages.push(down);
    // At 3, order 1 leaves the first stage, having begun service there before order 0 did in the
    // second; but order 0 leaves that first, and makes room.
    assert_eq!(leavers(&network), completed(&[(0, 3.0), (1, 4.0)]));
}

#[test]
fn at_one_instant_whose_service_began_first_leaves_a_stage_first() {
    let mut network = recorded(&[1.0, 1.0, 1.5, 1.75], 1.0);
    network.stages[0].consumers = Consumers::Finite(2);
    network.stages[0].discipline = Discipline::Lifo;
    assert_eq!(
        leavers(&network),
        completed(&[(0, 2.0), (1, 2.0), (3, 3.0), (2, 3.0)])
    );
}
