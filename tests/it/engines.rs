//! The two engines beside each other: every order the same, to the last bit.

use crate::networks::{feed_forward, network as anything_plain};
use orderline::metric::Metric;
use orderline::network::{Network, Warmup};
use orderline::sim::{
    Control, EngineChoice, EngineKind, Observer, OrderRecord, SimError, SimOptions, SimResult,
    simulate, trace_by_recursion, trace_in_full, trace_replication,
};
use proptest::prelude::*;

#[derive(Default)]
struct Log(Vec<OrderRecord>);

impl Observer for Log {
    fn left(&mut self, record: &OrderRecord) {
        self.0.push(*record);
    }
}

impl Log {
    fn sorted(mut self) -> Vec<OrderRecord> {
        self.0.sort_by_key(|record| record.number);
        self.0
    }
}

fn run(network: &Network, engine: EngineKind) -> SimResult {
    let options = SimOptions {
        threads: 1,
        engine: EngineChoice::Only(engine),
    };
    simulate(network, options, &Control::default()).expect("it runs")
}

/// Time integrals and sums are added up in another order: they may differ in rounding, and figures
/// that are small differences of large ones in more of it.
fn same_but_for_rounding(metric: Metric, a: f64, b: f64) -> bool {
    let tolerance = match metric {
        Metric::LittleResidual | Metric::LittleResidualQueue | Metric::BacklogGrowth => 1e-7,
        _ => 1e-9 * a.abs().max(1e-6),
    };
    a == b || (a - b).abs() <= tolerance
}

fn is_number(metric: Metric) -> bool {
    matches!(metric, Metric::QueueLength | Metric::NumberInSystem)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_order_is_the_same(network in feed_forward(1500)) {
        let control = Control::default();
        let events = trace_replication(&network, &control, Log::default()).sorted();
        let recursion = trace_by_recursion(&network, &control, Log::default());
        let recursion = recursion.expect("it applies").sorted();
        prop_assert_eq!(events.len(), recursion.len());
        for (event, recursion) in events.iter().zip(&recursion) {
            prop_assert_eq!(event, recursion);
        }
    }

    #[test]
    fn the_engine_for_everything_gives_plain_networks_the_same_orders(network in anything_plain(1500)) {
        let control = Control::default();
        let plain = trace_replication(&network, &control, Log::default()).sorted();
        let full = trace_in_full(&network, &control, Log::default()).sorted();
        prop_assert_eq!(plain.len(), full.len());
        for (plain, full) in plain.iter().zip(&full) {
            // Only one of them tells the parts.
            let full = OrderRecord { parts: None, ..*full };
            prop_assert_eq!(*plain, full);
        }
    }

    #[test]
    fn every_figure_is_the_same(mut network in feed_forward(1500), automatic in any::<bool>()) {
        if automatic {
            network.run.warmup = Warmup::Auto;
        }
        let (events, recursion) = (run(&network, EngineKind::Events), run(&network, EngineKind::Recursion));
        prop_assert_eq!(events.engine, EngineKind::Events);
        prop_assert_eq!(recursion.engine, EngineKind::Recursion);
        prop_assert_eq!(events.outcomes, recursion.outcomes);
        prop_assert_eq!(events.entered, recursion.entered);
        prop_assert_eq!(events.start, recursion.start);
        prop_assert_eq!(events.timeline.slices.len(), recursion.timeline.slices.len());
        prop_assert_eq!(events.places.len(), recursion.places.len());
        for slice in recursion.timeline.slices.iter().flatten() {
            prop_assert!(slice.waiting_area >= 0.0 && slice.present_area >= 0.0, "{:?}", slice);
        }
        for (a, b) in events.places.iter().zip(&recursion.places) {
            prop_assert_eq!(a.place, b.place);
            prop_assert!(a.distributions == b.distributions, "distributions at {:?}", a.place);
            prop_assert_eq!(a.growth.is_some(), b.growth.is_some());
            prop_assert_eq!(a.estimates.len(), b.estimates.len());
            for ((metric, a), (other, b)) in a.estimates.iter().zip(&b.estimates) {
                prop_assert_eq!(metric, other);
                // Where nobody waits, nothing of it is left to rounding.
                prop_assert!(a.point != 0.0 || b.point == 0.0 || !is_number(*metric), "{:?}: {}", metric, b.point);
                prop_assert!(
                    same_but_for_rounding(*metric, a.point, b.point),
                    "{:?}: {} and {}", metric, a.point, b.point
                );
            }
        }
    }
}

#[test]
fn what_the_recursion_cannot_do_is_refused_with_the_reason() {
    let scenario = |stages: &str| {
        let text = format!(
            "name = \"x\"\n[[producer]]\nname = \"p\"\nto = \"a\"\narrivals = {{ poisson = {{ rate = 1 }} }}\n{stages}"
        );
        let loaded = orderline::scenario::parse(&text, "x.toml", std::path::Path::new(""), &[]);
        loaded.expect("it loads").network
    };
    let service = "service = { exponential = { rate = 2 } }";
    let cases = [
        (
            format!(
                "[[stage]]\nname = \"a\"\nconsumers = 1\n{service}\nqueue = {{ discipline = \"lifo\" }}"
            ),
            "first in, first out",
        ),
        (
            format!(
                "[[stage]]\nname = \"a\"\nconsumers = 1\n{service}\nqueue = {{ capacity = 3, overflow = \"reject\" }}"
            ),
            "bounded",
        ),
        (
            format!(
                "[[stage]]\nname = \"a\"\nconsumers = 1\n{service}\nnext = [{{ to = \"a\", probability = 0.1 }}, {{ to = \"completed\", probability = 0.9 }}]"
            ),
            "come back",
        ),
        (
            "[[stage]]\nname = \"a\"\nconsumers = 1\nservice = { deterministic = { value = 0 } }"
                .to_owned(),
            "no time",
        ),
    ];
    for (stages, reason) in cases {
        let network = scenario(&stages);
        let options = SimOptions {
            threads: 1,
            engine: EngineChoice::Only(EngineKind::Recursion),
        };
        let refused = simulate(&network, options, &Control::default());
        let Err(SimError::NoRecursion(obstacle)) = refused else {
            panic!("{stages}: not refused")
        };
        let told = obstacle.to_string();
        assert!(told.contains(reason) && told.contains("`a`"), "{told}");
        let by_itself = simulate(&network, SimOptions::on(1), &Control::default());
        assert_eq!(by_itself.expect("it runs").engine, EngineKind::Events);
    }
}
