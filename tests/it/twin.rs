//! The simulated twin of a live run: written down, and played again.

use crate::everything::everything;
use crate::networks::network as anything_plain;
use orderline::network::*;
use orderline::random::{Arrivals, Distribution};
use orderline::sim::{
    Control, Observer, OrderRecord, Outcome, Script, ScriptedOrder, SimError, Start, StartRule,
    Twin, live_warmup, replay, script, trace_replication,
};
use proptest::prelude::*;

fn start(warmup: f64) -> Start {
    let rule = StartRule::Fixed;
    Start { warmup, rule }
}

fn scripted(network: &Network) -> (Script, Twin) {
    script(network, start(0.0), &Control::default()).expect("it runs")
}

fn replayed(network: &Network, script: &Script) -> Twin {
    replay(network, script, start(0.0), &Control::default()).expect("it runs")
}

/// All figures as text, so that those that are not defined are equal, too.
fn figures(twin: &Twin) -> Vec<String> {
    let places = twin.result.places.iter();
    places
        .map(|place| format!("{:?}", place.estimates))
        .collect()
}

fn assert_same(one: &Twin, other: &Twin) -> Result<(), TestCaseError> {
    prop_assert_eq!(one.orders.len(), other.orders.len());
    for (number, (a, b)) in one.orders.iter().zip(&other.orders).enumerate() {
        prop_assert_eq!(a, b, "order {}", number);
    }
    prop_assert_eq!(one.result.outcomes, other.result.outcomes);
    prop_assert_eq!(&one.result.messages, &other.result.messages);
    prop_assert_eq!(figures(one), figures(other));
    prop_assert_eq!(&one.result.timeline, &other.result.timeline);
    Ok(())
}

fn without_forks_and_customers(orders: u64) -> impl Strategy<Value = Network> {
    everything(orders).prop_map(|mut network| {
        network.populations.clear();
        let phases = network.phases.iter_mut().map(|phase| &mut phase.network);
        for network in phases {
            network.populations.clear();
            network
                .stages
                .iter_mut()
                .for_each(|stage| stage.extras.fork = Fork::None);
        }
        network
            .stages
            .iter_mut()
            .for_each(|stage| stage.extras.fork = Fork::None);
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
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_script_played_again_gives_the_same_run(network in without_forks_and_customers(300)) {
        let (script, twin) = scripted(&network);
        assert_same(&twin, &replayed(&network, &script))?;
    }

    #[test]
    fn so_it_does_where_all_is_plain(network in anything_plain(400)) {
        let (script, twin) = scripted(&network);
        assert_same(&twin, &replayed(&network, &script))?;
    }

    #[test]
    fn the_twin_is_the_first_replication(network in anything_plain(400)) {
        let (script, twin) = scripted(&network);
        let records = trace_replication(&network, &Control::default(), Log::default()).0;
        prop_assert_eq!(records.len(), twin.orders.len());
        for record in records {
            let order = twin.order(record.number).expect("it entered");
            let seen = (order.entered, order.left, order.outcome, order.waiting, order.processing);
            let expected = (record.entered, record.left, record.outcome, record.waiting, record.processing);
            prop_assert_eq!(seen, expected);
            let written = script.orders[record.number as usize];
            prop_assert_eq!((written.entered, written.producer, written.class), (record.entered, record.producer, record.class));
            // One attempt a visit; those that are not let in have none for the last.
            let attempts = script.attempts(record.number);
            let work: f64 = attempts.iter().map(|attempt| attempt.work).sum();
            if record.outcome == Outcome::Completed {
                prop_assert!((work - record.processing).abs() <= 1e-9 * work);
            }
        }
    }

    /// What chance says does not depend on who works on it: twice the consumers, the same draws.
    #[test]
    fn a_script_can_be_played_to_another_pipeline(network in anything_plain(300)) {
        let (script, _) = scripted(&network);
        let mut other = network.clone();
        for stage in &mut other.stages {
            stage.capacity = Capacity::Unbounded;
            if let Consumers::Finite(consumers) = &mut stage.consumers {
                *consumers *= 2;
            }
        }
        let twin = replayed(&other, &script);
        for (number, written) in script.orders.iter().enumerate() {
            let order = twin.order(number as u64).expect("it entered");
            prop_assert_eq!(order.entered, written.entered);
            let attempts = script.attempts(number as u64);
            let all_said = attempts.last().is_some_and(|last| matches!(last.next, Some(Target::Completed | Target::Cancelled)));
            if all_said && order.outcome != Outcome::InFlight {
                let work: f64 = attempts.iter().map(|attempt| attempt.work).sum();
                prop_assert!((work - order.processing).abs() <= 1e-9 * work);
            }
        }
    }
}

fn single() -> Network {
    let law = Distribution::exponential(10.0).expect("a rate");
    crate::networks::single(Arrivals::poisson(8.0).expect("a rate"), law)
}

#[test]
fn orders_that_were_sent_late_keep_their_numbers_and_their_work() {
    let network = single();
    let (mut script, before) = scripted(&network);
    // The first is held up until after the third.
    script.orders[0].entered = 0.5 * (script.orders[2].entered + script.orders[3].entered);
    let after = replayed(&network, &script);
    let order = after.order(0).expect("it entered");
    assert_eq!(order.entered, script.orders[0].entered);
    assert_eq!(
        order.processing,
        before.order(0).expect("it entered").processing
    );
    let second = after.order(1).expect("it entered");
    assert_eq!(
        (second.entered, second.waiting),
        (script.orders[1].entered, 0.0)
    );
    // One that is never sent is nobody's.
    script.orders[0].entered = f64::INFINITY;
    let without = replayed(&network, &script);
    assert!(without.order(0).is_none());
    assert_eq!(without.result.entered + 1, before.result.entered);
}

#[test]
fn stays_at_the_stage_are_kept() {
    let (script, twin) = scripted(&single());
    let done = |number: &u64| {
        twin.order(*number)
            .is_some_and(|o| o.outcome == Outcome::Completed)
    };
    let done = (0..script.orders.len() as u64).filter(done);
    for number in done {
        let order = twin.order(number).expect("it is done");
        assert_eq!(twin.stay(number, 0), Some(order.left - order.entered));
    }
    assert_eq!(twin.stay(u64::MAX, 0), None);
}

#[test]
fn work_that_took_longer_than_it_should_is_taken_as_it_was() {
    let network = single();
    let (mut script, _) = scripted(&network);
    for number in 0..script.orders.len() as u64 {
        for attempt in script.attempts_mut(number) {
            attempt.work = 0.125;
        }
    }
    let twin = replayed(&network, &script);
    let done = twin
        .orders
        .iter()
        .flatten()
        .filter(|o| o.outcome == Outcome::Completed);
    assert!(done.clone().count() > 500);
    done.for_each(|order| assert_eq!(order.processing, 0.125));
}

#[test]
fn scripts_for_other_pipelines_are_refused() {
    let network = single();
    let refused = |script: &Script| {
        replay(&network, script, start(0.0), &Control::default()).expect_err("refused")
    };
    assert_eq!(refused(&Script::default()), SimError::NoOrders);
    let mut script = Script::until(10.0);
    script.push(ScriptedOrder::new(1.0, 3, 0, 1.0), &[]);
    assert!(matches!(refused(&script), SimError::SenselessScript(_)));
    script.orders[0].producer = 0;
    script.orders[0].entered = f64::NAN;
    assert!(matches!(refused(&script), SimError::SenselessScript(_)));
}

#[test]
fn a_live_run_spares_no_more_than_a_fifth_for_its_start() {
    let mut network = single();
    network.run.warmup = Warmup::Fixed(70.0);
    assert_eq!(live_warmup(&network, &Control::default()), start(70.0));
    // 1000 orders at 97 % load: the queue has not settled when the run is over.
    let slow = Distribution::exponential(8.25).expect("a rate");
    network = crate::networks::single(Arrivals::poisson(8.0).expect("a rate"), slow);
    network.run.horizon = Horizon::Duration(200.0);
    network.run.warmup = Warmup::Auto;
    let found = live_warmup(&network, &Control::default());
    assert!(found.warmup <= 40.0, "{found:?}");
}
