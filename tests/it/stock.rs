//! Stock against the formulas of inventory theory, and along paths worked out by hand.

use crate::measured::{agrees, constant, exponential, run};
use crate::networks::single;
use crate::paths::leavers;
use orderline::metric::Metric;
use orderline::network::{
    AfterFailure, Backoff, Breaker, Consumers, Failure, Failures, Hold, Item, Network, Place,
    Replenishment, RetryPlace, Route, Service, Shortage, StageId, Stock, Stocking, Target,
};
use orderline::random::{Arrivals, DiscreteDistribution, Distribution};
use orderline::sim::Outcome::{self, Cancelled, Completed, InFlight};

const PAY: Option<StageId> = Some(StageId(1));

/// Orders come at these times to a stage that serves each at once in 1 s, and then asks for a unit of
/// the only item; then they pay, which takes `pay` seconds with so many consumers.
fn checkout(times: &[f64], initial: u64, hold: Hold, pay: (Consumers, f64)) -> Network {
    let arrivals = Arrivals::trace(times.to_vec(), 0.0).expect("times");
    let mut network = single(arrivals, constant(1.0));
    let mut paying = network.stages[0].clone();
    paying.name = "pay".to_owned();
    paying.consumers = pay.0;
    paying.by_class[0].service = Service::Common(constant(pay.1));
    network.stages.push(paying);
    let shop = &mut network.stages[0];
    shop.consumers = Consumers::Unlimited;
    shop.by_class[0].next = vec![Route {
        to: Target::Stage(StageId(1)),
        probability: 1.0,
    }];
    shop.extras.stocking = Stocking::Stock(Box::new(Stock {
        items: vec![Item {
            popularity: 1.0,
            initial,
        }],
        quantity: DiscreteDistribution::deterministic(1).expect("a number"),
        hold,
        shortage: Shortage::LostSale,
        replenishment: Replenishment::None,
    }));
    network
}

fn stock(network: &mut Network) -> &mut Stock {
    match &mut network.stages[0].extras.stocking {
        Stocking::Stock(stock) => stock,
        Stocking::None => panic!("it has stock"),
    }
}

/// Who leaves when and how, by time, at one instant by number.
fn sorted(network: &Network) -> Vec<(u64, f64, Outcome)> {
    let mut left = leavers(network);
    left.sort_by(|a, b| (a.1, a.0).partial_cmp(&(b.1, b.0)).expect("times"));
    left
}

const ONE_BY_ONE: (Consumers, f64) = (Consumers::Finite(1), 2.0);

/// Two units, four buyers: those who only looked are all let on.
#[test]
fn who_only_looks_may_buy_what_is_gone() {
    let times = [1.0, 2.0, 3.0, 4.5];
    let looked = checkout(&times, 2, Hold::Look { until: PAY }, ONE_BY_ONE);
    // Paid at 4, 6, 8: at 5.5 the last looks, and one unit is still there.
    let all = [(0, 4.0), (1, 6.0), (2, 8.0), (3, 10.0)];
    assert_eq!(leavers(&looked), all.map(|(n, at)| (n, at, Completed)));
    let sim = run(&looked);
    let shop = sim.at(Place::Stage(StageId(0))).expect("a place");
    assert_eq!(shop.estimates[&Metric::OversoldUnits].point, 2.0);
    let hold = Hold::Reserve {
        until: PAY,
        release_after: f64::INFINITY,
    };
    let two = [
        (0, 4.0, Completed),
        (2, 4.0, Cancelled),
        (3, 5.5, Cancelled),
        (1, 6.0, Completed),
    ];
    assert_eq!(sorted(&checkout(&times, 2, hold, ONE_BY_ONE)), two);
}

const FOR_THREE_SECONDS: Hold = Hold::Reserve {
    until: PAY,
    release_after: 3.0,
};
const FIVE_SECONDS: (Consumers, f64) = (Consumers::Unlimited, 5.0);

/// The first has reserved the only unit from 2 s to 5 s, and comes to take it at 7 s. The third has
/// it then, from 5.5 s to 8.5 s, and finds it still there at 10.5 s.
#[test]
fn a_reservation_that_runs_out_is_somebody_elses() {
    let network = checkout(&[1.0, 2.0, 4.5], 1, FOR_THREE_SECONDS, FIVE_SECONDS);
    let expected = [
        (1, 3.0, Cancelled),
        (0, 7.0, Cancelled),
        (2, 10.5, Completed),
    ];
    assert_eq!(leavers(&network), expected);
}

/// The second waits for stock from 3 s to 5 s, and has it until 8 s. For that the first waits then,
/// having lost it: when the second comes at 10 s all is gone.
#[test]
fn who_lost_a_reservation_may_have_to_wait() {
    let mut network = checkout(&[1.0, 2.0], 1, FOR_THREE_SECONDS, FIVE_SECONDS);
    stock(&mut network).shortage = Shortage::Backorder;
    assert_eq!(
        leavers(&network),
        [(0, 8.0, Completed), (1, 100.0, InFlight)]
    );
    // Unless more comes: each unit reserved or owed is ordered at once, and comes after 9.5 s.
    stock(&mut network).replenishment = Replenishment::BaseStock {
        lead_time: constant(9.5),
    };
    assert_eq!(
        leavers(&network),
        [(0, 8.0, Completed), (1, 11.5, Completed)]
    );
}

/// Payment fails for good: what was reserved goes to those who wait for it, in order.
#[test]
fn what_failed_orders_had_reserved_is_free_again() {
    let hold = Hold::Reserve {
        until: None,
        release_after: f64::INFINITY,
    };
    let mut network = checkout(&[1.0, 1.5, 2.0], 1, hold, ONE_BY_ONE);
    stock(&mut network).shortage = Shortage::Backorder;
    network.stages[1].extras.failures = Failures::Some(Box::new(Failure {
        probability: vec![1.0],
        timeout: f64::INFINITY,
        attempts: 1,
        backoff: Backoff::AtOnce,
        retry: RetryPlace::Tail,
        then: AfterFailure::Cancelled,
        breaker: Breaker::None,
    }));
    let expected = [(0, 4.0), (1, 6.0), (2, 8.0)].map(|(n, at)| (n, at, Cancelled));
    assert_eq!(leavers(&network), expected);
}

/// What is reserved until completion is asked for anew there when the reservation has run out.
#[test]
fn an_order_is_not_completed_without_what_it_was_to_take() {
    let hold = Hold::Reserve {
        until: None,
        release_after: 3.0,
    };
    // The first has it from 2 s to 5 s, the second from 6 s to 9 s; they pay until 7 s and 11 s.
    let network = checkout(&[1.0, 5.0], 1, hold, FIVE_SECONDS);
    assert_eq!(
        leavers(&network),
        [(0, 7.0, Cancelled), (1, 11.0, Completed)]
    );
}

/// Units come a while after they were ordered, and those who wait are not passed over.
#[test]
fn backorders_are_filled_in_order() {
    let mut network = checkout(&[1.0, 1.5, 2.0], 1, Hold::Take, (Consumers::Unlimited, 0.5));
    let stock = stock(&mut network);
    stock.shortage = Shortage::Backorder;
    stock.replenishment = Replenishment::BaseStock {
        lead_time: constant(4.0),
    };
    // Ordered at 2, 2.5 and 3 s; the second gets what comes at 6 s, the third at 6.5 s.
    assert_eq!(
        leavers(&network),
        [(0, 2.5), (1, 6.5), (2, 7.0)].map(|(n, at)| (n, at, Completed))
    );
}

/// Poisson orders come to a shop where they take no time, and each takes a unit of some item.
fn shop(rate: f64, items: &[(f64, u64)], shortage: Shortage, rule: Replenishment) -> Network {
    let arrivals = Arrivals::poisson(rate).expect("a rate");
    let mut network = single(arrivals, constant(0.0));
    let shop = &mut network.stages[0];
    shop.consumers = Consumers::Unlimited;
    let items = items.iter().map(|&(popularity, initial)| Item {
        popularity,
        initial,
    });
    shop.extras.stocking = Stocking::Stock(Box::new(Stock {
        items: items.collect(),
        quantity: DiscreteDistribution::deterministic(1).expect("a number"),
        hold: Hold::Take,
        shortage,
        replenishment: rule,
    }));
    network
}

/// Lead times of mean 2 s.
fn lead_times() -> [Distribution; 3] {
    let lognormal = Distribution::lognormal_mean_scv(2.0, 4.0).expect("a law");
    [exponential(0.5), constant(2.0), lognormal]
}

/// P(N ≤ n) for a Poisson number of the given mean.
fn poisson_up_to(n: i32, mean: f64) -> f64 {
    let mut term = (-mean).exp();
    let mut sum = 0.0;
    for k in 0..=n {
        sum += term;
        term *= mean / f64::from(k + 1);
    }
    sum
}

/// Erlang's loss formula.
fn erlang_b(servers: u64, load: f64) -> f64 {
    (1..=servers).fold(1.0, |b, n| load * b / (n as f64 + load * b))
}

/// A unit that is on order is a busy server: sales are lost as calls are, whatever the law of the lead
/// time.
#[test]
fn base_stock_with_lost_sales_is_erlang_b() {
    let (rate, units) = (2.0, 5);
    let loss = erlang_b(units, rate * 2.0);
    for lead_time in lead_times() {
        let what = format!("lost sales, {lead_time:?}");
        let rule = Replenishment::BaseStock { lead_time };
        let network = shop(rate, &[(1.0, units)], Shortage::LostSale, rule);
        let on_hand = units as f64 - rate * 2.0 * (1.0 - loss);
        agrees(
            &what,
            network,
            &[
                (None, "throughput", rate * (1.0 - loss)),
                (Some(0), "lost_sale_probability", loss),
                (Some(0), "fill_rate", 1.0 - loss),
                (Some(0), "stock_out_probability", loss),
                (Some(0), "stock_on_hand", on_hand),
            ],
        );
    }
}

/// What is on order is an infinite-server queue (Palm): its number is Poisson, whatever the law. What is
/// owed is what is on order beyond the base stock, and orders wait for that.
#[test]
fn base_stock_with_backorders_has_a_poisson_number_on_order() {
    let (rate, units) = (2.0, 5);
    let load = rate * 2.0;
    let on_hand = (0..units).map(|n| poisson_up_to(n, load)).sum::<f64>();
    let owed = load - f64::from(units) + on_hand;
    let backorders = 1.0 - poisson_up_to(units - 1, load);
    for lead_time in lead_times() {
        let what = format!("backorders, {lead_time:?}");
        let rule = Replenishment::BaseStock { lead_time };
        let network = shop(rate, &[(1.0, units as u64)], Shortage::Backorder, rule);
        agrees(
            &what,
            network,
            &[
                (None, "latency", owed / rate),
                (None, "queueing_time", owed / rate),
                (Some(0), "backorder_probability", backorders),
                (Some(0), "fill_rate", 1.0 - backorders),
                (Some(0), "stock_on_hand", on_hand),
            ],
        );
    }
}

/// Each item is a base stock of its own, with its share of the demand.
#[test]
fn popular_items_are_out_of_stock_more_often() {
    let (rate, units) = (6.0, 3);
    let total = 1.0 + 1.0 / 2.0 + 1.0 / 3.0 + 1.0 / 4.0;
    let items = [1.0, 2.0, 3.0, 4.0].map(|k| (1.0 / k / total, units));
    let loss = |(share, units): &(f64, u64)| share * erlang_b(*units, rate * share * 2.0);
    let loss: f64 = items.iter().map(loss).sum();
    let rule = Replenishment::BaseStock {
        lead_time: exponential(0.5),
    };
    let network = shop(rate, &items, Shortage::LostSale, rule);
    agrees(
        "items",
        network,
        &[
            (None, "throughput", rate * (1.0 - loss)),
            (Some(0), "lost_sale_probability", loss),
            (Some(0), "stock_out_probability", loss),
        ],
    );
}

/// The position of an (s, S) policy with unit demands is uniform on s + 1 … S, and what is at hand or
/// owed is the position a lead time ago less the demand since (Hadley & Whitin, "Analysis of Inventory
/// Systems", 1963, 4-7).
#[test]
fn a_reorder_point_has_a_uniform_position() {
    let (rate, point, up_to) = (2.0, 3, 8);
    let load = rate * 2.0;
    let mean = |of: &dyn Fn(i32) -> f64| {
        (point + 1..=up_to).map(of).sum::<f64>() / f64::from(up_to - point)
    };
    let on_hand = mean(&|y| (0..y).map(|n| poisson_up_to(n, load)).sum());
    let owed = load - mean(&f64::from) + on_hand;
    let filled = mean(&|y| poisson_up_to(y - 1, load));
    let rule = Replenishment::ReorderPoint {
        reorder_at: point as u64,
        up_to: up_to as u64,
        lead_time: constant(2.0),
    };
    let network = shop(rate, &[(1.0, up_to as u64)], Shortage::Backorder, rule);
    agrees(
        "reorder point",
        network,
        &[
            (None, "latency", owed / rate),
            (Some(0), "fill_rate", filled),
            (Some(0), "stock_on_hand", on_hand),
        ],
    );
}
