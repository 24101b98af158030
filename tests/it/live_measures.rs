//! A live run is measured by its log. Here the log is one that a simulation writes, so that the figures
//! can be held against those of the simulation itself.

use crate::everything::everything;
use crate::networks::{network as anything_plain, single};
use orderline::metric::{Metric, Statistic, TimeKind};
use orderline::network::*;
use orderline::random::{Arrivals, Distribution};
use orderline::sim::{
    Control, EngineKind, Event, Logged, Moment, Observer, OneRun, OrderRecord, Outcome, SimError,
    StaffLogged, Start, StartRule, Twin, measured, one_run, script, trace_in_full,
};
use proptest::prelude::*;

/// Writes what happens as a live run would.
#[derive(Default)]
struct Writer(Vec<Logged>);

impl Observer for Writer {
    const FOLLOWS: bool = true;

    fn left(&mut self, _: &OrderRecord) {}

    fn follow(&mut self, message: u64, moment: Moment<'_>) {
        if let Moment::Happens { time, what } = moment {
            self.0.push(Logged {
                time,
                message,
                what,
            });
        }
    }
}

fn start(warmup: f64) -> Start {
    let rule = StartRule::Fixed;
    Start { warmup, rule }
}

/// The log of the first replication, and of some more time after its end.
fn log_of(network: &Network, end: f64) -> Vec<Logged> {
    let mut longer = network.clone();
    longer.run.horizon = Horizon::Duration(end + 200.0);
    let log = trace_in_full(&longer, &Control::default(), Writer::default()).0;
    let there: std::collections::BTreeSet<u64> = log
        .iter()
        .filter(|logged| logged.time <= end)
        .map(|logged| logged.message)
        .collect();
    // Who enters after the end is nobody's concern.
    log.into_iter()
        .filter(|logged| there.contains(&logged.message))
        .collect()
}

fn measure(network: &Network, log: &[Logged], warmup: f64, end: f64) -> Result<Twin, SimError> {
    measured(
        network,
        log.iter().copied(),
        &[],
        start(warmup),
        end,
        &Control::default(),
    )
}

/// Work is measured as the time from its beginning to its end: rounding can move one to the next bucket.
fn tolerance(metric: Metric, value: f64) -> f64 {
    match metric {
        Metric::LittleResidual | Metric::LittleResidualQueue | Metric::BacklogGrowth => 1e-7,
        Metric::Time(TimeKind::Service, statistic) if statistic.probability().is_some() => {
            0.03 * value
        }
        _ => 1e-9 * (1.0 + value.abs()),
    }
}

fn assert_same(network: &Network, live: &Twin, simulated: &Twin) -> Result<(), TestCaseError> {
    prop_assert_eq!(live.result.engine, EngineKind::Live);
    prop_assert_eq!(live.result.outcomes, simulated.result.outcomes);
    prop_assert_eq!(live.result.entered, simulated.result.entered);
    prop_assert_eq!(&live.result.messages, &simulated.result.messages);
    prop_assert_eq!(live.result.places.len(), simulated.result.places.len());
    for (a, b) in live.result.places.iter().zip(&simulated.result.places) {
        prop_assert_eq!(a.place, b.place);
        prop_assert_eq!(a.growth.is_some(), b.growth.is_some());
        let metrics = |place: &orderline::sim::PlaceResult| {
            place.estimates.keys().copied().collect::<Vec<_>>()
        };
        prop_assert_eq!(metrics(a), metrics(b), "at {:?}", a.place);
        for (metric, b) in &b.estimates {
            let a = &a.estimates[metric];
            let (x, y) = (a.point, b.point);
            let undefined = x.is_nan() && y.is_nan();
            let same = x == y || undefined || (x - y).abs() <= tolerance(*metric, y);
            prop_assert!(
                same,
                "{} at {}: {} and {}",
                metric,
                network.place_name(place_of(live, a)),
                a.point,
                b.point
            );
        }
    }
    prop_assert_eq!(
        live.result.timeline.slices.len(),
        simulated.result.timeline.slices.len()
    );
    for (a, b) in live
        .result
        .timeline
        .slices
        .iter()
        .flatten()
        .zip(simulated.result.timeline.slices.iter().flatten())
    {
        prop_assert!(
            (a.present_area - b.present_area).abs() < 1e-9,
            "{:?} {:?}",
            a,
            b
        );
        prop_assert_eq!((a.arrivals, a.departures), (b.arrivals, b.departures));
        prop_assert!(
            (a.staff.busy - b.staff.busy).abs() < 1e-9,
            "{:?} {:?}",
            a,
            b
        );
    }
    prop_assert_eq!(live.orders.len(), simulated.orders.len());
    for (number, (a, b)) in live.orders.iter().zip(&simulated.orders).enumerate() {
        let (Some(a), Some(b)) = (a, b) else {
            prop_assert_eq!(a, b);
            continue;
        };
        prop_assert_eq!(
            (a.entered, a.left, a.outcome, a.waiting),
            (b.entered, b.left, b.outcome, b.waiting),
            "{}",
            number
        );
        // Of the way of those who were refused the log tells nothing.
        if a.outcome == Outcome::Completed {
            let parts = |of: &orderline::sim::TwinOrder| {
                let p = of.parts;
                [
                    p.network,
                    p.enqueue,
                    p.queueing,
                    p.dequeue,
                    p.processing,
                    p.retry,
                ]
            };
            for (a, b) in parts(a).into_iter().zip(parts(b)) {
                prop_assert!((a - b).abs() < 1e-9, "{}: {} {}", number, a, b);
            }
        }
        for stage in 0..network.stages.len() {
            prop_assert_eq!(
                live.stay(number as u64, stage),
                simulated.stay(number as u64, stage)
            );
        }
    }
    Ok(())
}

fn place_of(twin: &Twin, estimate: &orderline::stats::Estimate) -> Place {
    let places = twin.result.places.iter();
    let mut places = places.filter(|place| {
        place
            .estimates
            .values()
            .any(|other| std::ptr::eq(other, estimate))
    });
    places.next().expect("it is of one").place
}

/// Stages that a live run can have: retries, dead letters, patience, time to live, bounds, windows, lanes,
/// and a broker that costs something.
fn alive(orders: u64) -> impl Strategy<Value = Network> {
    everything(orders).prop_map(|mut network| {
        network.populations.clear();
        network.phases.clear();
        for stage in &mut network.stages {
            tame(stage);
        }
        network
    })
}

fn tame(stage: &mut Stage) {
    if !matches!(
        stage.discipline,
        Discipline::Lifo | Discipline::Random | Discipline::Priority | Discipline::EarliestDeadline
    ) {
        stage.discipline = Discipline::Fifo;
    }
    if let Capacity::Block(places) = stage.capacity {
        stage.capacity = Capacity::Reject(places);
    }
    let extras = &mut stage.extras;
    if extras.patience != Patience::Endless {
        // Of an order that waited too long a log does not tell by whose measure.
        extras.time_to_live = TimeToLive::Endless;
    }
    extras.reliability = Reliability::Perfect;
    extras.fork = Fork::None;
    extras.batching = Batching::Single;
    extras.staffing = Staffing::Constant;
    extras.stocking = Stocking::None;
    if let Failures::Some(failure) = &mut extras.failures {
        failure.breaker = Breaker::None;
        failure.attempts = failure.attempts.min(4);
    }
    let broker = &mut extras.broker;
    broker.acknowledgement = Acknowledgement::PerMessage {
        timeout: f64::INFINITY,
    };
    broker.transaction = Transactions::None;
    broker.outages = Outages::Never;
    // Handing over is counted when it begins; in a log when it has ended.
    broker.costs.handover = Costs::default().handover;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_log_of_a_simulation_gives_its_figures(network in alive(300)) {
        let Horizon::Duration(end) = network.run.horizon else { unreachable!("it has an end") };
        let (_, simulated) = script(&network, start(3.0), &Control::default()).expect("it runs");
        let live = measure(&network, &log_of(&network, end), 3.0, end);
        let live = live.map_err(|error| TestCaseError::fail(error.to_string()))?;
        assert_same(&network, &live, &simulated)?;
    }

    #[test]
    fn so_it_does_where_all_is_plain(mut network in anything_plain(400)) {
        network.run.horizon = Horizon::Duration(50.0);
        let (_, simulated) = script(&network, start(2.0), &Control::default()).expect("it runs");
        let live = measure(&network, &log_of(&network, 50.0), 2.0, 50.0);
        let live = live.map_err(|error| TestCaseError::fail(error.to_string()))?;
        assert_same(&network, &live, &simulated)?;
    }

    /// Whatever a log says: an answer or a refusal, and no panic.
    #[test]
    fn no_log_is_too_strange(network in alive(60), changes in prop::collection::vec((any::<prop::sample::Index>(), 0..5u8), 1..6)) {
        let mut log = log_of(&network, 40.0);
        for (at, how) in changes.iter().filter(|_| log.len() > 2).collect::<Vec<_>>() {
            let index = at.index(log.len() - 1);
            match how {
                0 => { log.remove(index); }
                1 => { let twice = log[index]; log.insert(index, twice); }
                2 => log[index].message = log[index + 1].message,
                3 => { let (a, b) = (log[index].what, log[index + 1].what); log[index].what = b; log[index + 1].what = a; }
                _ => log[index].time += 1.0,
            }
            if log.len() < 3 { break; }
        }
        match measure(&network, &log, 0.0, 40.0) {
            Ok(twin) => prop_assert_eq!(twin.result.entered, twin.result.outcomes.total()),
            Err(error) => prop_assert!(matches!(error, SimError::SenselessLog(_)), "{}", error),
        }
    }
}

fn one_stage() -> Network {
    let law = Distribution::exponential(10.0).expect("a rate");
    single(Arrivals::poisson(8.0).expect("a rate"), law)
}

/// A run of the same length as the twin of a live run lies inside as often as promised: intervals of 90 % from 19
/// runs each, and the twin, for 1000 seeds. Each is one trial of its own.
#[test]
fn one_more_run_lies_inside_as_often_as_promised() {
    const SEEDS: u64 = 1000;
    let metrics = [
        Metric::NumberInSystem,
        Metric::Utilization,
        Metric::Time(TimeKind::Sojourn, Statistic::Mean),
        Metric::Time(TimeKind::Sojourn, Statistic::P99),
        Metric::Time(TimeKind::Waiting, Statistic::Max),
    ];
    let mut inside = [0; 5];
    let (mut network, stage) = (one_stage(), Place::Stage(StageId(0)));
    network.run.horizon = Horizon::Duration(12.0);
    for seed in 0..SEEDS {
        network.seed = seed;
        let control = Control::default();
        let (_, twin) = script(&network, start(2.0), &control).expect("it runs");
        let others = one_run(&network, start(2.0), 19, 1, &control).expect("they run");
        let measured = &twin.result.at(stage).expect("it is measured").estimates;
        for (inside, metric) in inside.iter_mut().zip(metrics) {
            let interval = others.interval(stage, metric, 0.9).expect("enough runs");
            *inside += u64::from(interval.contains(measured[&metric].point));
        }
    }
    for (inside, metric) in inside.iter().zip(metrics) {
        let share = *inside as f64 / SEEDS as f64;
        // Four standard deviations of a share of 1000 trials: 1 in 16 000 lies beyond.
        let deviation = (0.9 * 0.1 / SEEDS as f64).sqrt();
        assert!((share - 0.9).abs() < 4.0 * deviation, "{metric}: {share}");
    }
}

#[test]
fn every_figure_of_a_live_run_has_its_interval() {
    let mut network = one_stage();
    network.run.horizon = Horizon::Duration(60.0);
    let (_, twin) = script(&network, start(2.0), &Control::default()).expect("it runs");
    let others = one_run(&network, start(2.0), OneRun::RUNS, 2, &Control::default());
    let others = others.expect("they run");
    assert_eq!(others.runs(), 200);
    for place in &twin.result.places {
        for metric in place.estimates.keys() {
            let interval = others.interval(place.place, *metric, 0.95);
            assert!(
                interval.is_some_and(|found| found.low <= found.high),
                "{metric}"
            );
        }
    }
    let again = one_run(&network, start(2.0), OneRun::RUNS, 1, &Control::default());
    assert_eq!(
        format!("{others:?}"),
        format!("{:?}", again.expect("they run"))
    );
    let late = one_run(&network, start(70.0), 3, 1, &Control::default());
    assert!(matches!(late, Err(SimError::NothingAfterWarmup { .. })));
}

fn at(time: f64, message: u64, what: Event) -> Logged {
    Logged {
        time,
        message,
        what,
    }
}

const ENTERS: Event = Event::Enters {
    producer: 0,
    class: 0,
    size: 10.0,
};
const JOINS: Event = Event::Joins {
    stage: 0,
    held: 0.0,
    enqueue: 0.25,
    network: 0.75,
};
const BEGINS: Event = Event::Begins { dequeue: 0.5 };
const DONE: Event = Event::Ends { failed: false };
const COMPLETED: Event = Event::Leaves {
    outcome: Outcome::Completed,
};

#[test]
fn a_consumer_that_dies_and_an_order_that_is_delivered_twice() {
    let log = [
        at(1.0, 0, ENTERS),
        at(2.0, 0, JOINS),
        at(2.5, 0, Event::Delivered { again: false }),
        at(3.0, 0, BEGINS),
        // Its consumer dies, and the broker finds out.
        at(4.0, 0, Event::Requeued),
        at(5.0, 0, Event::Delivered { again: true }),
        at(5.0, 0, Event::Begins { dequeue: 0.0 }),
        at(7.0, 0, DONE),
        at(7.0, 0, Event::Departs),
        at(7.0, 0, COMPLETED),
        // The acknowledgement got lost.
        at(
            8.0,
            900,
            Event::Duplicated {
                class: 0,
                size: 10.0,
            },
        ),
        at(
            8.0,
            900,
            Event::Joins {
                stage: 0,
                held: 0.0,
                enqueue: 0.0,
                network: 0.0,
            },
        ),
        at(8.0, 900, Event::Delivered { again: true }),
        at(8.0, 900, Event::Begins { dequeue: 0.0 }),
        at(9.0, 900, DONE),
        at(9.0, 900, Event::Departs),
        at(9.0, 900, COMPLETED),
        // Of this one nothing is heard again; the next is lost for certain.
        at(9.5, 1, ENTERS),
        at(9.5, 2, ENTERS),
        at(
            20.0,
            2,
            Event::Leaves {
                outcome: Outcome::Lost,
            },
        ),
    ];
    let staff = [
        StaffLogged {
            time: 4.0,
            stage: 0,
            employed: 1,
            down: 1,
            broker_down: false,
        },
        StaffLogged {
            time: 5.0,
            stage: 0,
            employed: 1,
            down: 0,
            broker_down: false,
        },
    ];
    let network = one_stage();
    let live = measured(
        &network,
        log.into_iter(),
        &staff,
        start(0.0),
        10.0,
        &Control::default(),
    )
    .expect("a good log");
    let order = live.order(0).expect("it entered");
    assert_eq!((order.waiting, order.processing), (1.0, 2.0));
    let parts = order.parts;
    assert_eq!(
        [
            parts.enqueue,
            parts.network,
            parts.dequeue,
            parts.queueing,
            parts.processing
        ],
        [0.25, 0.75, 0.5, 1.5, 3.0]
    );
    assert_eq!(live.stay(0, 0), Some(5.0));
    let outcomes = live.result.outcomes;
    assert_eq!(
        [Outcome::Completed, Outcome::InFlight, Outcome::Lost].map(|o| outcomes.of(o)),
        [1, 1, 1]
    );
    let messages = live.result.messages.expect("they are counted");
    assert_eq!(
        [
            messages.deliveries,
            messages.redeliveries,
            messages.duplicates,
            messages.attempts
        ],
        [3, 2, 1, 2]
    );
    assert_eq!([messages.copies_made, messages.copies_ended], [1, 1]);
    let stage = live
        .result
        .at(Place::Stage(StageId(0)))
        .expect("it is measured");
    let point = |metric| stage.estimates[&metric].point;
    assert_eq!(point(Metric::NumberInSystem), 0.6);
    assert_eq!(point(Metric::QueueLength), 0.1);
    assert_eq!(point(Metric::Utilization), 0.4);
    assert_eq!(point(Metric::RedeliveryRate), 2.0 / 3.0);
    assert_eq!(point(Metric::Time(TimeKind::Service, Statistic::Mean)), 1.5);
    assert_eq!(point(Metric::NetworkTime), 0.75);
}

#[test]
fn who_is_only_handed_over_has_not_waited() {
    let done = |number: u64, joined: f64, dequeue: f64, began: f64, ended: f64| {
        [
            at(joined, number, ENTERS),
            at(joined, number, JOINS),
            at(began, number, Event::Delivered { again: false }),
            at(began, number, Event::Begins { dequeue }),
            at(ended, number, DONE),
            at(ended, number, Event::Departs),
            at(ended, number, COMPLETED),
        ]
    };
    let orders = [
        // At once; handed over for 0.3 s; for 0.2 s after having waited until 3.0; and not handed over.
        done(0, 1.0, 0.0, 1.0, 1.5),
        done(1, 2.0, 0.3, 2.3, 3.0),
        done(2, 2.5, 0.2, 3.2, 4.0),
        done(3, 3.5, 0.0, 4.0, 5.0),
    ];
    let mut log = orders.concat();
    log.sort_by(|a, b| a.time.total_cmp(&b.time));
    let live = measure(&one_stage(), &log, 0.0, 10.0).expect("a good log");
    let stage = live.result.at(Place::Stage(StageId(0))).expect("a stage");
    let figure = |metric| stage.estimates[&metric].point;
    assert_eq!(figure(Metric::WaitProbability), 0.5);
    let mean = figure(Metric::Time(TimeKind::Waiting, Statistic::Mean));
    assert!((mean - (0.3 + 0.7 + 0.5) / 4.0).abs() < 1e-12, "{mean}");
}

#[test]
fn what_makes_no_sense_is_refused_with_the_place() {
    let network = one_stage();
    let refused = |log: &[Logged]| match measure(&network, log, 0.0, 100.0) {
        Err(SimError::SenselessLog(text)) => text,
        other => panic!("{other:?}"),
    };
    let entered = at(1.0, 7, ENTERS);
    let joined = at(2.0, 7, JOINS);
    let left = at(
        5.0,
        7,
        Event::Leaves {
            outcome: Outcome::Lost,
        },
    );
    for (log, words) in [
        (vec![joined], "2 s, message 7: it is not under way"),
        (vec![entered, entered], "it has come before"),
        (
            vec![entered, left, at(6.0, 7, ENTERS)],
            "it has come before",
        ),
        (
            vec![entered, left, at(6.0, 7, COMPLETED)],
            "it is not under way",
        ),
        (vec![entered, at(1.5, 7, BEGINS)], "it is at no stage"),
        (vec![entered, joined, joined], "it is at a stage already"),
        (
            vec![entered, joined, at(3.0, 7, DONE)],
            "nobody works on it",
        ),
        (
            vec![entered, joined, at(3.0, 7, Event::Departs)],
            "before anyone has worked on it",
        ),
        (
            vec![entered, joined, at(3.0, 7, COMPLETED)],
            "has not departed",
        ),
        (
            vec![entered, joined, at(3.0, 7, BEGINS), at(4.0, 7, BEGINS)],
            "worked on since 3 s",
        ),
        (vec![entered, at(0.5, 8, ENTERS)], "0.5 s comes after 1 s"),
        (vec![at(f64::NAN, 8, ENTERS)], "NaN s comes after"),
        (
            vec![at(
                1.0,
                0,
                Event::Enters {
                    producer: 1,
                    class: 0,
                    size: 0.0,
                },
            )],
            "no producer 1",
        ),
        (
            vec![at(
                1.0,
                0,
                Event::Enters {
                    producer: 0,
                    class: 4,
                    size: 0.0,
                },
            )],
            "no class 4",
        ),
        (vec![at(1.0, u64::MAX, ENTERS)], "no such number"),
        (
            vec![entered, at(2.0, 7, Event::Refused { stage: 3 })],
            "no stage 3",
        ),
    ] {
        let text = refused(&log);
        assert!(text.contains(words), "{text} instead of {words}");
    }
}
