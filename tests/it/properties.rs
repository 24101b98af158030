//! What holds for every network, whatever it looks like.

use crate::networks::network;
use orderline::metric::Metric;
use orderline::network::{Horizon, Network, Place, Replications};
use orderline::report::{RunReport, ScenarioRecord};
use orderline::sim::{
    Control, Observer, OrderRecord, Outcome, SimOptions, SimResult, simulate, trace_replication,
};
use orderline::theory::analyze;
use proptest::prelude::*;

fn run(network: &Network, threads: usize) -> SimResult {
    simulate(network, SimOptions::on(threads), &Control::default()).expect("it runs")
}

/// Everything that goes into the CSV files, as text.
fn rows(network: &Network, threads: usize) -> String {
    let sim = run(network, threads);
    let record = ScenarioRecord::new("random", "", &[]);
    let report = RunReport::new(
        network.clone(),
        record,
        analyze(network),
        Some(sim),
        Vec::new(),
    );
    let sim = report.sim.as_ref().expect("it was simulated");
    format!("{:?}", report.records(sim))
}

/// Counts orders as they leave, on its own.
#[derive(Default)]
struct Watch {
    left: Vec<(Outcome, u64)>,
    numbers: std::collections::BTreeSet<u64>,
    worst_sum: f64,
}

impl Observer for Watch {
    fn left(&mut self, record: &OrderRecord) {
        match self
            .left
            .iter_mut()
            .find(|(outcome, _)| *outcome == record.outcome)
        {
            Some((_, count)) => *count += 1,
            None => self.left.push((record.outcome, 1)),
        }
        assert!(
            self.numbers.insert(record.number),
            "order {} left twice",
            record.number
        );
        if record.outcome == Outcome::InFlight {
            return;
        }
        let parts = record.waiting + record.processing;
        self.worst_sum = self
            .worst_sum
            .max((record.left - record.entered - parts).abs());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Every order has exactly one outcome, counted once by the engine and once by a bystander; and
    /// an order's latency is the sum of its parts.
    #[test]
    fn orders_are_conserved(mut network in network(2000)) {
        network.run.replications = Replications::Fixed(1);
        network.run.warmup = orderline::network::Warmup::Fixed(0.0);
        let sim = run(&network, 1);
        prop_assert_eq!(sim.entered, 2000);
        prop_assert_eq!(sim.outcomes.total(), 2000);
        let watch = trace_replication(&network, &Control::default(), Watch::default());
        for outcome in Outcome::ALL {
            let seen = watch.left.iter().find(|(o, _)| *o == outcome).map_or(0, |(_, n)| *n);
            prop_assert_eq!(seen, sim.outcomes.of(outcome), "{}", outcome);
        }
        prop_assert_eq!(watch.numbers.len(), 2000);
        prop_assert!(watch.worst_sum < 1e-9, "{}", watch.worst_sum);
    }

    /// Little's law holds on every path up to the orders at its two edges: L = λW within the share of
    /// orders that were there when the measured time began or ended.
    #[test]
    fn littles_law_holds_on_every_path(mut network in network(4000)) {
        network.run.replications = Replications::Fixed(1);
        network.run.warmup = orderline::network::Warmup::Fixed(0.0);
        // The run itself ends as an error if ∫N dt is not the sum of the stays with their edges.
        let sim = run(&network, 1);
        for result in &sim.places {
            let value = |metric| result.estimates.get(&metric).map(|e| e.point);
            let (Some(residual), Some(number), Some(rate)) = (
                value(Metric::LittleResidual), value(Metric::NumberInSystem), value(Metric::ArrivalRate),
            ) else { continue };
            if sim.outcomes.of(Outcome::InFlight) == 0 && matches!(result.place, Place::Pipeline) {
                prop_assert!(residual.abs() < 1e-9, "{:?}: {residual}", result.place);
            }
            prop_assert!(number.is_finite() && rate >= 0.0);
        }
    }

    /// The same seed gives the same bytes, whatever the number of threads; another seed does not.
    #[test]
    fn threads_change_nothing(network in network(1000)) {
        let one = rows(&network, 1);
        prop_assert_eq!(&one, &rows(&network, 2));
        prop_assert_eq!(&one, &rows(&network, 4));
    }

    /// What happens in a replication does not depend on how long it goes on.
    #[test]
    fn a_longer_run_begins_like_a_shorter_one(network in network(500)) {
        let mut longer = network.clone();
        longer.run.horizon = Horizon::Orders(1000);
        let first = |network: &Network| {
            #[derive(Default)]
            struct First(Vec<OrderRecord>);
            impl Observer for First {
                fn left(&mut self, record: &OrderRecord) {
                    self.0.push(*record);
                }
            }
            trace_replication(network, &Control::default(), First::default()).0
        };
        let (short, long) = (first(&network), first(&longer));
        // Those in flight as the shorter run ends are seen at its end.
        let short: Vec<_> =
            short.into_iter().filter(|record| record.outcome != Outcome::InFlight).collect();
        prop_assert!(long.len() >= short.len());
        prop_assert_eq!(&short[..], &long[..short.len()]);
    }
}
