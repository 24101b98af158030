//! Numbers of consumers that change, along paths worked out by hand.

use crate::measured::{constant, exponential, run};
use crate::networks::single;
use crate::paths::leavers;
use orderline::network::{
    AfterRepair, Autoscale, Breakdowns, Capacity, Commitment, FailureClock, Network, PartitionBy,
    Reliability, ScaleBy, Shift, Shifts, Staffing, Store, Warmup,
};
use orderline::random::Arrivals;
use orderline::sim::Outcome::Completed;

/// One consumer to begin with, and a service time that is always the same.
fn staffed(times: Vec<f64>, service: f64, staffing: Staffing) -> Network {
    let arrivals = Arrivals::trace(times, 0.0).expect("times");
    let mut network = single(arrivals, constant(service));
    network.stages[0].extras.staffing = staffing;
    network
}

/// So many consumers from these times on, again after each period.
fn shifts<const N: usize>(steps: [(f64, u32); N], period: f64) -> Staffing {
    let steps = steps.map(|(at, consumers)| Shift { at, consumers });
    let steps = steps.to_vec();
    Staffing::Shifts(Shifts { steps, period })
}

/// When each order leaves, by number, all being completed.
fn departures(network: &Network) -> Vec<f64> {
    let mut left = leavers(network);
    assert!(left.iter().all(|(_, _, outcome)| *outcome == Completed));
    left.sort_by_key(|(number, ..)| *number);
    left.into_iter().map(|(_, at, _)| at).collect()
}

/// One consumer, three from 10 s, none from 20 s, one from 30 s, and so every 40 s. Who is at work at
/// 20 s finishes.
#[test]
fn shifts_begin_and_end_by_the_clock() {
    let steps = [(0.0, 1), (10.0, 3), (20.0, 0), (30.0, 1)];
    let mut times = vec![1.0; 7];
    times.extend([19.5, 21.0, 61.0]);
    let network = staffed(times, 4.0, shifts(steps, 40.0));
    let expected = [5.0, 9.0, 13.0, 14.0, 14.0, 17.0, 18.0, 23.5, 34.0, 74.0];
    assert_eq!(departures(&network), expected);
}

/// Every consumer up for 4 s and then down for 4 s, again and again.
fn four_up_four_down() -> Reliability {
    Reliability::Breakdowns(Breakdowns {
        uptime: constant(4.0),
        downtime: constant(4.0),
        when: FailureClock::Always,
        then: AfterRepair::Resume,
    })
}

/// Two partitions; the first consumer is down from 4 s to 8 s, the second is there from 1 s and goes at
/// 4.5 s. Then nobody is up to whom its partition could go: the first one gets it when it is repaired.
#[test]
fn partitions_of_who_has_gone_are_not_forgotten_while_nobody_is_up() {
    let staffing = shifts([(1.0, 2), (4.5, 1)], f64::INFINITY);
    let mut network = staffed(vec![6.0, 6.0], 1.0, staffing);
    let extras = &mut network.stages[0].extras;
    extras.broker.store = Store::Partitions {
        count: 2,
        by: PartitionBy::RoundRobin,
    };
    extras.broker.commitment = Commitment::Pull {
        batch: 1,
        at_least: 1,
        wait: 0.5,
    };
    extras.reliability = four_up_four_down();
    assert_eq!(departures(&network), [9.0, 10.0]);
}

/// A shared queue has no partitions to deal out. Nobody is there from the start to 1 s; one consumer comes
/// and is down from 5 s to 9 s; who joins is waited for (1 s), who is repaired is not.
#[test]
fn a_repair_at_a_shared_queue_is_no_rebalance() {
    let staffing = shifts([(0.0, 0), (1.0, 1)], f64::INFINITY);
    let mut network = staffed(vec![1.0, 8.0], 1.0, staffing);
    let extras = &mut network.stages[0].extras;
    extras.broker.rebalance = 1.0;
    extras.reliability = four_up_four_down();
    assert_eq!(departures(&network), [3.0, 10.0]);
}

fn autoscale(by: ScaleBy, every: f64, start_up: f64, maximum: u32, cool_down: f64) -> Staffing {
    Staffing::Autoscale(Autoscale {
        by,
        minimum: 1,
        maximum,
        every,
        start_up,
        cool_down,
        tolerance: 0.1,
    })
}

/// Twelve orders of 10 s at 1 s; a look every 5 s, a consumer for every two that wait, four at most.
///
/// At 5 s eleven wait: three more come at 6 s. At 10 s (eight wait) and 15 s (seven) four are right. At
/// 20 s four wait, and two consumers go when they are done, at 26 s; at 30 s two wait, and one goes at
/// 36 s.
#[test]
fn a_scaler_follows_the_backlog() {
    let staffing = autoscale(ScaleBy::Backlog(2.0), 5.0, 1.0, 4, 0.0);
    let network = staffed(vec![1.0; 12], 10.0, staffing);
    let expected = [
        11.0, 16.0, 16.0, 16.0, 21.0, 26.0, 26.0, 26.0, 31.0, 36.0, 41.0, 51.0,
    ];
    assert_eq!(departures(&network), expected);
}

/// The same with a cool-down of 12 s: at 20 s and 25 s two would do, but the four asked for at 15 s count
/// until 27 s. At 30 s one would do; two go when they are done, at 36 s, and two stay.
#[test]
fn a_cool_down_keeps_consumers() {
    let staffing = autoscale(ScaleBy::Backlog(2.0), 5.0, 1.0, 4, 12.0);
    let mut times = vec![1.0; 12];
    times.extend([31.0, 31.0]);
    let network = staffed(times, 10.0, staffing);
    let expected = [
        11.0, 16.0, 16.0, 16.0, 21.0, 26.0, 26.0, 26.0, 31.0, 36.0, 36.0, 36.0, 41.0, 46.0,
    ];
    assert_eq!(departures(&network), expected);
}

/// An order of 3 s every second: by 75 % busy there should be four. The only consumer was busy for 9 s
/// of the first 10: 1.2 are needed. Two are always busy (2.7 needed), then three (four needed).
#[test]
fn a_scaler_follows_utilization() {
    let staffing = autoscale(ScaleBy::Utilization(0.75), 10.0, 0.0, 10, 1000.0);
    let network = staffed((1..=22).map(f64::from).collect(), 3.0, staffing);
    let expected = [
        4.0, 7.0, 10.0, 13.0, 13.0, 16.0, 16.0, 19.0, 19.0, 22.0, 22.0, 23.0, 25.0, 25.0, 26.0,
        28.0, 28.0, 29.0, 31.0, 31.0, 32.0, 33.0,
    ];
    assert_eq!(departures(&network), expected);
}

/// Seven orders of 2 s at once: by 5 s two are done, one is at work and four wait. At 7/5 orders a second,
/// and with 4 to be worked off within 2 s, 6.8 are needed.
#[test]
fn a_scaler_follows_the_time_to_drain() {
    let staffing = autoscale(ScaleBy::DrainTime(2.0), 5.0, 0.0, 10, 0.0);
    let network = staffed(vec![0.5; 7], 2.0, staffing);
    let expected = [2.5, 4.5, 6.5, 7.0, 7.0, 7.0, 7.0];
    assert_eq!(departures(&network), expected);
}

/// What a scaler sees and does is the same wherever the warm-up ends.
#[test]
fn a_scaler_does_not_care_when_counting_begins() {
    for by in [
        ScaleBy::Utilization(0.7),
        ScaleBy::Backlog(1.0),
        ScaleBy::DrainTime(1.0),
    ] {
        let arrivals = Arrivals::poisson(3.0).expect("a rate");
        let mut network = single(arrivals, exponential(1.0));
        network.stages[0].capacity = Capacity::Reject(4);
        network.stages[0].extras.staffing = autoscale(by, 5.0, 1.0, 6, 10.0);
        let outcomes = [0.0, 37.0, 50.0].map(|warmup| {
            network.run.warmup = Warmup::Fixed(warmup);
            run(&network).outcomes
        });
        assert!(outcomes.iter().all(|other| *other == outcomes[0]), "{by:?}");
    }
}
