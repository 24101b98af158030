//! Random pipelines with all that a stage can do: whatever is switched on, nothing gets lost, nothing is
//! counted twice, and the same seed gives the same run.
//!
//! A simulation checks its own accounts and gives an error where they do not add up: every order that
//! entered has exactly one outcome, every copy that was made has ended or is still there, and at every lane
//! the time integral of the number present is the sum of the stays (Little's law with its edges).

use crate::networks::network as plain;
use orderline::network::*;
use orderline::random::{Arrivals, DiscreteDistribution, Distribution};
use orderline::sim::{
    Control, MessageAccounts, Observer, OrderRecord, Outcome, SimOptions, simulate,
    trace_replication,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

fn exponential(mean: f64) -> Distribution {
    Distribution::exponential(1.0 / mean).expect("a rate")
}

fn law() -> impl Strategy<Value = Distribution> {
    prop_oneof![
        (0.02..2.0f64).prop_map(exponential),
        (1..16u32).prop_map(|n| Distribution::deterministic(0.125 * f64::from(n)).expect("a time")),
    ]
}

fn capacity() -> impl Strategy<Value = Capacity> {
    prop_oneof![
        3 => Just(Capacity::Unbounded),
        1 => (0..6u64).prop_map(Capacity::Reject),
        1 => (1..6u64).prop_map(Capacity::DropOldest),
        1 => (0..6u64).prop_map(Capacity::DeadLetter),
        1 => (0..6u64, law()).prop_map(|(places, law)| Capacity::Retry(places, law)),
        1 => (0..6u64).prop_map(Capacity::Block),
    ]
}

fn discipline() -> impl Strategy<Value = Discipline> {
    prop_oneof![
        Just(Discipline::Fifo),
        Just(Discipline::Lifo),
        Just(Discipline::Random),
        Just(Discipline::ShortestFirst),
        Just(Discipline::ShortestRemaining),
        Just(Discipline::ProcessorSharing),
        Just(Discipline::Priority),
        Just(Discipline::PreemptivePriority),
        Just(Discipline::PreemptiveRestart),
        Just(Discipline::EarliestDeadline),
    ]
}

fn reliability() -> impl Strategy<Value = Reliability> {
    let when = prop_oneof![Just(FailureClock::Always), Just(FailureClock::Busy)];
    let then = prop_oneof![
        Just(AfterRepair::Resume),
        Just(AfterRepair::Restart),
        Just(AfterRepair::Redeliver)
    ];
    prop_oneof![
        1 => Just(Reliability::Perfect),
        1 => (0.5..20.0f64, law(), when, then).prop_map(|(uptime, downtime, when, then)| {
            Reliability::Breakdowns(Breakdowns { uptime: exponential(uptime), downtime, when, then })
        }),
    ]
}

fn failures(stages: usize) -> impl Strategy<Value = Failures> {
    let backoff = prop_oneof![
        Just(Backoff::AtOnce),
        law().prop_map(Backoff::Law),
        Just(Backoff::Exponential {
            first: 0.25,
            factor: 2.0,
            jitter: 0.5,
            longest: 5.0
        }),
        Just(Backoff::Table(vec![0.125, 1.0, 2.0])),
    ];
    let retry = prop_oneof![
        Just(RetryPlace::Tail),
        Just(RetryPlace::OldPlace),
        Just(RetryPlace::InPlace)
    ];
    let then = prop_oneof![
        2 => Just(AfterFailure::DeadLetter),
        1 => Just(AfterFailure::Cancelled),
        1 => Just(AfterFailure::Lost),
        1 => (0..stages).prop_map(|stage| AfterFailure::Stage(StageId(stage))),
    ];
    let while_open = prop_oneof![Just(WhileOpen::Fail), Just(WhileOpen::Pause)];
    let breaker = prop_oneof![
        1 => Just(Breaker::None),
        1 => (1..4u32, 0.5..4.0f64, 1..3u32, while_open).prop_map(
            |(failures, open_for, probes, while_open)| {
                Breaker::Circuit(CircuitBreaker { failures, open_for, probes, while_open })
            }
        ),
    ];
    let timeout = prop_oneof![Just(f64::INFINITY), 0.1..1.0f64];
    let some = (0.0..0.6f64, timeout, 1..5u32, backoff, retry, then, breaker).prop_map(
        |(probability, timeout, attempts, backoff, retry, then, breaker)| {
            Failures::Some(Box::new(Failure {
                probability: vec![probability; 3],
                timeout,
                attempts,
                backoff,
                retry,
                then,
                breaker,
            }))
        },
    );
    prop_oneof![1 => Just(Failures::Never), 1 => some]
}

fn staffing() -> impl Strategy<Value = Staffing> {
    let steps = prop::collection::vec(0..5u32, 1..4).prop_map(|numbers| {
        let steps = numbers.into_iter().enumerate();
        let steps = steps.map(|(i, consumers)| Shift {
            at: 3.0 * i as f64 + 1.0,
            consumers,
        });
        Staffing::Shifts(Shifts {
            steps: steps.collect(),
            period: 12.0,
        })
    });
    let by = prop_oneof![
        (0.2..0.9f64).prop_map(ScaleBy::Utilization),
        (0.5..5.0f64).prop_map(ScaleBy::Backlog),
        (0.5..5.0f64).prop_map(ScaleBy::DrainTime),
    ];
    let autoscale = (by, 0..2u32, 1..6u32, 0.0..4.0f64, 0.0..6.0f64).prop_map(
        |(by, minimum, more, start_up, cool_down)| {
            Staffing::Autoscale(Autoscale {
                by,
                minimum,
                maximum: minimum + more,
                every: 2.0,
                start_up,
                cool_down,
                tolerance: 0.1,
            })
        },
    );
    prop_oneof![3 => Just(Staffing::Constant), 1 => steps, 1 => autoscale]
}

fn stocking(stages: usize) -> impl Strategy<Value = Stocking> {
    let until = prop::option::of((0..stages).prop_map(StageId));
    let hold = prop_oneof![
        2 => Just(Hold::Take),
        1 => (until.clone(), 0.5..8.0f64).prop_map(|(until, release_after)| Hold::Reserve { until, release_after }),
        1 => until.prop_map(|until| Hold::Look { until }),
    ];
    let shortage = prop_oneof![Just(Shortage::LostSale), Just(Shortage::Backorder)];
    let replenishment = prop_oneof![
        Just(Replenishment::None),
        law().prop_map(|lead_time| Replenishment::BaseStock { lead_time }),
        law().prop_map(|lead_time| Replenishment::ReorderPoint {
            reorder_at: 2,
            up_to: 9,
            lead_time
        }),
    ];
    let stock = (1..4usize, 0..12u64, 1..4u64, hold, shortage, replenishment).prop_map(
        |(items, initial, quantity, hold, shortage, replenishment)| {
            let item = Item {
                popularity: 1.0 / items as f64,
                initial,
            };
            Stocking::Stock(Box::new(Stock {
                items: vec![item; items],
                quantity: DiscreteDistribution::deterministic(quantity).expect("a number"),
                hold,
                shortage,
                replenishment,
            }))
        },
    );
    prop_oneof![3 => Just(Stocking::None), 1 => stock]
}

fn broker() -> impl Strategy<Value = Broker> {
    let shared = prop_oneof![
        Just(Commitment::OnDemand),
        (1..5u32).prop_map(|prefetch| Commitment::Push { prefetch }),
        (1..5u32).prop_map(|high_water_mark| Commitment::AtSend { high_water_mark }),
        (1..6u32).prop_map(|batch| Commitment::Pull {
            batch,
            at_least: 1,
            wait: 0.5
        }),
        (2..6u32).prop_map(|batch| Commitment::Pull {
            batch,
            at_least: 2,
            wait: 0.5
        }),
    ];
    let by = prop_oneof![
        Just(PartitionBy::RoundRobin),
        Just(PartitionBy::Hash),
        Just(PartitionBy::Key {
            keys: 20,
            exponent: 1.0
        })
    ];
    let lanes = prop_oneof![
        (1..5u32).prop_map(|prefetch| Commitment::Push { prefetch }),
        (1..6u32).prop_map(|batch| Commitment::Pull {
            batch,
            at_least: 1,
            wait: 0.5
        }),
    ];
    let store = prop_oneof![
        3 => shared.prop_map(|commitment| (Store::Shared, commitment)),
        1 => (1..6u32, by, lanes).prop_map(|(count, by, commitment)| (Store::Partitions { count, by }, commitment)),
    ];
    let acknowledgement = prop_oneof![
        Just(Acknowledgement::OnDelivery),
        Just(Acknowledgement::PerMessage {
            timeout: f64::INFINITY
        }),
        Just(Acknowledgement::PerMessage { timeout: 1.0 }),
        Just(Acknowledgement::Commits { every: 2.0 }),
    ];
    let outside = prop_oneof![
        Just(Outside::Rejected),
        Just(Outside::Waits(f64::INFINITY)),
        Just(Outside::Waits(1.0))
    ];
    let expiry = prop_oneof![
        Just(Expiry::AtOnce),
        Just(Expiry::AtHead),
        Just(Expiry::Scan(1.5))
    ];
    let outages = prop_oneof![
        2 => Just(Outages::Never),
        1 => (3.0..20.0f64, law()).prop_map(|(uptime, downtime)| {
            Outages::Repeated(Box::new(Outage { uptime: exponential(uptime), downtime }))
        }),
    ];
    let transaction = prop_oneof![
        4 => Just(Transactions::None),
        1 => Just(Transactions::Half(Box::new(HalfMessages {
            local: exponential(0.2),
            commit: 0.5,
            rollback: 0.2,
            timeout: 1.0,
            check_every: 2.0,
            checks: 3,
        }))),
    ];
    let places = (store, 1..3u32, acknowledgement, 0.0..2.0f64, 0.0..1.0f64);
    let rules = (
        outside,
        expiry,
        any::<bool>(),
        any::<bool>(),
        transaction,
        outages,
        costs(),
    );
    (places, rules).prop_map(
        |(
            ((store, commitment), threads, acknowledgement, detection, rebalance),
            (outside, expiry, durable, idempotent, transaction, outages, costs),
        )| Broker {
            store,
            commitment,
            threads,
            acknowledgement,
            detection,
            rebalance,
            outside,
            expiry,
            durable,
            idempotent,
            transaction,
            costs,
            outages,
            ..Broker::default()
        },
    )
}

fn costs() -> impl Strategy<Value = Costs> {
    let linger = prop_oneof![Just(0.0), Just(0.25)];
    let some = (law(), linger, law(), law(), law()).prop_map(
        |(network, linger, persistence, handover, acknowledge)| Costs {
            network,
            bandwidth: 1e4,
            linger,
            batch_bytes: 250.0,
            persistence,
            refuse_after: 3.0,
            confirm: Distribution::deterministic(0.125).expect("a time"),
            delay: exponential(0.2),
            handover,
            acknowledge,
        },
    );
    prop_oneof![2 => Just(Costs::default()), 1 => some]
}

fn waiting() -> impl Strategy<Value = (Patience, Balking, TimeToLive, Batching)> {
    let patience =
        prop_oneof![2 => Just(Patience::Endless), 1 => law().prop_map(Patience::Limited)];
    let balking = prop_oneof![
        3 => Just(Balking::Never),
        1 => (0..4u64, 0.0..1.0f64).prop_map(|(at, probability)| {
            Balking::Steps(vec![
                BalkingStep { at, probability },
                BalkingStep { at: at + 3, probability: 1.0 },
            ])
        }),
    ];
    let then = prop_oneof![Just(AfterExpiry::Expired), Just(AfterExpiry::DeadLetter)];
    let time_to_live = prop_oneof![
        2 => Just(TimeToLive::Endless),
        1 => (0.1..3.0f64, then).prop_map(|(seconds, then)| TimeToLive::Limited { seconds, then }),
    ];
    let batching = prop_oneof![
        3 => Just(Batching::Single),
        1 => (2..5u32, 1..3u32).prop_map(|(size, at_least)| Batching::UpTo { size, at_least, wait: 1.0 }),
    ];
    (patience, balking, time_to_live, batching)
}

fn extras(stages: usize) -> impl Strategy<Value = Extras> {
    (
        waiting(),
        reliability(),
        failures(stages),
        staffing(),
        stocking(stages),
        broker(),
    )
        .prop_map(
            |(waiting, reliability, failures, staffing, stocking, broker)| {
                let (patience, balking, time_to_live, batching) = waiting;
                Extras {
                    patience,
                    reliability,
                    fork: Fork::None,
                    balking,
                    time_to_live,
                    batching,
                    failures,
                    staffing,
                    stocking,
                    broker,
                }
            },
        )
}

/// Copies go to stages further on only, so that they end; and so do failed orders.
fn forks(stage: usize, stages: usize, kind: u8) -> Fork {
    let branches: Vec<StageId> = (stage + 1..stages).map(StageId).collect();
    match (kind, branches.len()) {
        (_, 0) => Fork::None,
        (0, _) => Fork::JoinAll(branches),
        (1, _) => Fork::Detached(branches),
        _ => Fork::None,
    }
}

type Stages = Vec<(Discipline, Capacity, Extras, u8)>;

pub fn everything(orders: u64) -> impl Strategy<Value = Network> {
    let stage = (discipline(), capacity(), extras(4), 0..6u8);
    let phases = prop::collection::vec((0.5..20.0f64, any::<bool>(), 0..3u32), 0..3);
    let customers = prop::option::of(1..6u64);
    (
        plain(orders),
        prop::collection::vec(stage, 4),
        phases,
        customers,
    )
        .prop_map(|(network, stages, phases, customers)| dress(network, stages, &phases, customers))
}

fn dress(
    mut network: Network,
    stages: Stages,
    phases: &[(f64, bool, u32)],
    customers: Option<u64>,
) -> Network {
    let count = network.stages.len();
    for (index, (stage, (discipline, capacity, extras, kind))) in
        network.stages.iter_mut().zip(stages).enumerate()
    {
        stage.discipline = discipline;
        stage.capacity = capacity;
        stage.extras = extras;
        stage.extras.fork = forks(index, count, kind);
        suit(stage, index, count);
    }
    rarely_copied_again(&mut network);
    for class in &mut network.classes {
        class.deadline = 1.0 + f64::from(class.priority);
    }
    if let Some(customers) = customers {
        network.populations.push(Population {
            name: "members".to_owned(),
            class: ClassId(0),
            to: StageId(0),
            customers,
            think: exponential(1.0),
            message_size: 50.0,
        });
    }
    network.run.horizon = Horizon::Duration(40.0);
    network.run.warmup = Warmup::Fixed(3.0);
    network.phases = incidents(&network, phases);
    network
}

/// Copies seldom come back to be copied again: of an order that passes all four stages there are 24 at the
/// most, and where more than one of them came back on average their number would explode.
fn rarely_copied_again(network: &mut Network) {
    const SELDOM: f64 = 0.005;
    let forks = |stage: &Stage| stage.extras.fork != Fork::None;
    let Some(last) = network.stages.iter().rposition(forks) else {
        return;
    };
    for (index, stage) in network.stages.iter_mut().enumerate() {
        for class in &mut stage.by_class {
            let comes_back = |to| matches!(to, Target::Stage(to) if to.0 <= index && to.0 <= last);
            let mut others = 0.0;
            for route in class.next.iter_mut().filter(|route| comes_back(route.to)) {
                let seldom = route.probability.min(SELDOM);
                others += route.probability - seldom;
                route.probability = seldom;
            }
            if others > 0.0 {
                class.next.push(Route {
                    to: Target::Cancelled,
                    probability: others,
                });
            }
        }
    }
}

/// What cannot go together, as the reader of scenarios says.
fn suit(stage: &mut Stage, index: usize, count: usize) {
    let extras = &mut stage.extras;
    let preempts = matches!(
        stage.discipline,
        Discipline::ShortestRemaining
            | Discipline::PreemptivePriority
            | Discipline::PreemptiveRestart
            | Discipline::ProcessorSharing
    );
    if stage.consumers == Consumers::Unlimited || preempts {
        extras.broker = Broker::default();
        extras.batching = Batching::Single;
    }
    if let Store::Partitions { .. } = extras.broker.store {
        stage.discipline = Discipline::Fifo;
    }
    if stage.consumers == Consumers::Unlimited {
        extras.staffing = Staffing::Constant;
        extras.reliability = Reliability::Perfect;
    }
    if stage.discipline == Discipline::ProcessorSharing {
        // Nobody of their own could wait for the circuit, or with the order.
        if let Failures::Some(failure) = &mut extras.failures {
            failure.retry = RetryPlace::Tail;
            if let Breaker::Circuit(circuit) = &mut failure.breaker {
                circuit.while_open = WhileOpen::Fail;
            }
        }
        if let Reliability::Breakdowns(how) = &mut extras.reliability {
            how.then = AfterRepair::Resume;
        }
    }
    if let Failures::Some(failure) = &mut extras.failures {
        if extras.batching != Batching::Single && failure.retry == RetryPlace::InPlace {
            failure.retry = RetryPlace::Tail;
        }
        // Orders that fail go on, not round.
        if let AfterFailure::Stage(to) = failure.then
            && (to.0 <= index || to.0 >= count)
        {
            failure.then = AfterFailure::Cancelled;
        }
        // A failing attempt without work must not be tried again at once, again and again.
        let fails_at_once = matches!(
            failure.breaker,
            Breaker::Circuit(circuit) if circuit.while_open == WhileOpen::Fail
        );
        let endless = failure.timeout == f64::INFINITY && !fails_at_once;
        if failure.backoff == Backoff::AtOnce && endless && failure.attempts == 4 {
            failure.attempts = u32::MAX;
        }
    }
    if let Stocking::Stock(stock) = &mut extras.stocking
        && let Hold::Reserve { until, .. } | Hold::Look { until } = &mut stock.hold
    {
        *until = until.filter(|until| until.0 > index && until.0 < count);
    }
}

fn incidents(network: &Network, phases: &[(f64, bool, u32)]) -> Vec<Phase> {
    let mut from = 0.0;
    let changed = phases.iter().map(|(after, down, consumers)| {
        from += after;
        let mut changed = network.clone();
        let first = &mut changed.stages[0];
        if let Consumers::Finite(c) = &mut first.consumers {
            *c = *consumers;
        }
        if let Failures::Some(failure) = &mut first.extras.failures {
            failure.probability = vec![1.0; 3];
        }
        let mut broker_down = vec![false; network.stages.len()];
        broker_down[0] = *down;
        Phase {
            from,
            broker_down,
            network: changed,
        }
    });
    changed.collect()
}

/// The same with a few orders, and all the time in the world to get done with them.
fn patient() -> impl Strategy<Value = Network> {
    everything(30).prop_map(|mut network| {
        network.populations.clear();
        network.phases.clear();
        network.run.horizon = Horizon::Duration(40_000.0);
        for producer in &mut network.producers {
            let times = (0..12).map(|i| 0.5 * f64::from(i)).collect();
            producer.arrivals = Arrivals::trace(times, 0.0).expect("ascending");
        }
        for (index, stage) in network.stages.iter_mut().enumerate() {
            // Copies that come back to be copied again may never end.
            for route in stage.by_class.iter_mut().flat_map(|class| &mut class.next) {
                if matches!(route.to, Target::Stage(to) if to.0 <= index) {
                    route.to = Target::Cancelled;
                }
            }
            // Who may wait for ever: at 0 consumers, for stock that never comes.
            match &mut stage.extras.staffing {
                Staffing::Constant => {}
                Staffing::Shifts(shifts) => shifts.steps[0].consumers += 1,
                Staffing::Autoscale(settings) => settings.minimum = settings.minimum.max(1),
            }
            if let Stocking::Stock(stock) = &mut stage.extras.stocking {
                stock.shortage = Shortage::LostSale;
            }
        }
        network
    })
}

#[derive(Default)]
struct Log(Vec<OrderRecord>);

impl Observer for Log {
    fn left(&mut self, record: &OrderRecord) {
        self.0.push(*record);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn accounts_add_up_whatever_is_switched_on(network in everything(300)) {
        let (one, two) = (SimOptions::on(1), SimOptions::on(2));
        let first = simulate(&network, one, &Control::default());
        let first = first.map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(first.entered, first.outcomes.total());
        let second = simulate(&network, two, &Control::default()).expect("as before");
        prop_assert_eq!(first.outcomes, second.outcomes);
        for (a, b) in first.places.iter().zip(&second.places) {
            // Figures that are not defined are equal, too.
            prop_assert_eq!(format!("{:?}", a.estimates), format!("{:?}", b.estimates));
        }
    }

    #[test]
    fn nobody_is_forgotten(network in patient()) {
        let log = trace_replication(&network, &Control::default(), Log::default()).0;
        let stuck: Vec<_> = log.iter().filter(|record| record.outcome == Outcome::InFlight).collect();
        prop_assert!(stuck.is_empty(), "{:?}", stuck);
    }

    #[test]
    fn every_order_leaves_once_or_is_still_there(network in everything(300)) {
        let log = trace_replication(&network, &Control::default(), Log::default()).0;
        let mut numbers: Vec<u64> = log.iter().map(|record| record.number).collect();
        numbers.sort_unstable();
        prop_assert!(numbers.iter().enumerate().all(|(i, number)| i as u64 == *number));
        for record in &log {
            prop_assert!(record.left >= record.entered);
            let waits = record.waiting <= record.left - record.entered + 1e-9;
            prop_assert!(waits || record.outcome == Outcome::InFlight, "{:?}", record);
        }
    }
}

/// What the properties above rest on: that the random pipelines do see all of it.
#[test]
fn random_pipelines_see_everything() {
    let mut runner = TestRunner::deterministic();
    let mut outcomes = [0; Outcome::ALL.len()];
    let mut messages = MessageAccounts::default().named();
    for _ in 0..120 {
        let network = everything(300)
            .new_tree(&mut runner)
            .expect("a network")
            .current();
        let sim = simulate(&network, SimOptions::on(1), &Control::default()).expect("it runs");
        for (sum, outcome) in outcomes.iter_mut().zip(Outcome::ALL) {
            *sum += sim.outcomes.of(outcome);
        }
        let seen = sim.messages.unwrap_or_default().named();
        messages
            .iter_mut()
            .zip(seen)
            .for_each(|(sum, (_, seen))| sum.1 += seen);
    }
    assert!(outcomes.iter().all(|orders| *orders > 100), "{outcomes:?}");
    assert!(
        messages.iter().all(|(_, number)| *number > 100),
        "{messages:?}"
    );
}
