//! A second, slow and simple simulator of everything that a scenario can ask for, also of what the
//! library's own cannot run, and with it: whatever theory labels exact must lie in its intervals.

mod claims;
mod engine;
mod measure;
mod scenarios;

use crate::cases;
use engine::Engine;
use measure::{Judged, Plan, Study};
use orderline::metric::{Metric, Statistic};
use orderline::network::{Capacity, Network, Place};
use orderline::report::corrected_level;
use orderline::scenario;
use orderline::theory::{Figure, Kind, NetworkTheory, analyze};
use scenarios::Writer;
use std::collections::BTreeMap;
use std::path::Path;

/// Probability that a whole test fails by chance though everything is right.
const FALSE_ALARM: f64 = 0.01;

/// A plan for about so many orders in each replication, after as many unseen. A first run finds how long
/// they take to come, which no formula tells where customers wait for their orders. Where orders pile up,
/// a tenth of them shows what keeps still, and more would only take long.
fn plan(network: &Network, replications: u64, orders: f64) -> Plan {
    let trial = 0.1 * orders / network.offered_rate();
    let mut engine = Engine::new(network, replications);
    engine.run_until(trial);
    let entered = engine.pipeline.entered.max(1.0);
    let piles_up = network.populations.is_empty() && engine.pipeline.present > 0.1 * entered + 20.0;
    let longer = if piles_up { 1.0 } else { 10.0 };
    let measured = trial * longer * 0.1 * orders / entered;
    Plan {
        replications,
        warmup: measured,
        end: 2.0 * measured,
    }
}

// The simulator itself.

/// The simulator against what others published or computed.
fn reproduces_the_truth(orders: f64, beyond_only: bool) {
    let families = cases::families();
    let cases: Vec<_> = families
        .iter()
        .flat_map(|family| &family.cases)
        .map(|case| (case, cases::network(case)))
        .filter(|(case, _)| case.exactness == "exact")
        .filter(|(_, network)| !beyond_only || network.beyond_plain().is_some())
        // Averages over periods need whole ones.
        .filter(|(_, network)| {
            let mut producers = network.producers.iter();
            producers.all(|producer| producer.arrivals.is_stationary())
        })
        .collect();
    let figures: usize = cases.iter().map(|(case, _)| case.expect.len()).sum();
    let level = corrected_level(1.0 - FALSE_ALARM, figures);
    let (mut wrong, mut thin) = (Vec::new(), 0);
    for (case, network) in &cases {
        // Populations all begin by thinking, and take long to forget it.
        let longer = if network.populations.is_empty() {
            1.0
        } else {
            4.0
        };
        let study = Study::new(network, plan(network, 24, longer * orders));
        for expected in &case.expect {
            let (place, metric) = (cases::place(network, &expected.at), expected.metric());
            // A figure of few digits is wrong only where all that it may stand for is.
            let slack = expected.tolerance();
            let values = [
                expected.value,
                expected.value - slack,
                expected.value + slack,
            ];
            let judged = values.map(|value| {
                let judged = study.judge(place, metric, value, level);
                judged.unwrap_or_else(|| panic!("{}: no {metric}", case.id))
            });
            thin += usize::from(judged.contains(&Judged::Thin));
            if judged.iter().all(|judged| *judged == Judged::Outside) {
                let estimate = study
                    .estimate(place, metric, expected.value)
                    .expect("measured");
                let half = estimate
                    .interval(level)
                    .map_or(f64::NAN, |i| i.half_width());
                wrong.push(format!(
                    "{} {} {metric}: {} ± {half}, truth {}",
                    case.id, expected.at, estimate.point, expected.value
                ));
            }
        }
    }
    println!(
        "{figures} figures of {} cases, {thin} undecided",
        cases.len()
    );
    assert!(
        wrong.is_empty(),
        "{} of {figures}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn the_reference_reproduces_the_truth() {
    reproduces_the_truth(2_000.0, true);
}

#[test]
#[ignore = "takes minutes in release mode; CI runs it"]
fn the_reference_reproduces_the_truth_at_length() {
    reproduces_the_truth(20_000.0, false);
}

// Theory.

/// One scenario with its theory.
struct Predicted {
    text: String,
    network: Network,
    theory: NetworkTheory,
}

impl Predicted {
    /// None where the scenario is refused, theory says nothing, or so many orders tell too little.
    fn new(text: String, orders: f64) -> Option<Predicted> {
        let loaded = scenario::parse(&text, "random", Path::new("."), &[]);
        let network = loaded.ok()?.network;
        let theory = analyze(&network);
        let places = theory.places();
        let mut figures = places.iter().filter_map(|place| theory.figures(*place));
        let said = figures.any(|figures| !figures.is_empty());
        // M/M/1 forgets how it began within some 4L² orders; others are alike.
        let number = |place: &Place| theory.figure(*place, Metric::NumberInSystem);
        let mut numbers = places.iter().filter_map(number).map(|figure| figure.value);
        let slow = numbers.any(|number| 8.0 * number > orders.sqrt());
        if !said || (slow && network.populations.is_empty()) {
            return None;
        }
        Some(Predicted {
            text,
            network,
            theory,
        })
    }

    fn exact_figures(&self) -> usize {
        let places = self.theory.places().into_iter();
        let figures = places.filter_map(|place| self.theory.figures(place));
        let exact = figures.flat_map(|figures| figures.values());
        exact.filter(|figure| figure.kind == Kind::Exact).count()
    }

    fn try_out(self, replications: u64, orders: f64) -> Tried {
        let study = Study::new(&self.network, plan(&self.network, replications, orders));
        Tried {
            text: self.text,
            network: self.network,
            theory: self.theory,
            study,
        }
    }
}

/// One scenario beside its theory.
struct Tried {
    text: String,
    network: Network,
    theory: NetworkTheory,
    study: Study,
}

impl Tried {
    /// All figures of a kind that can be measured.
    fn figures(&self, kind: Kind) -> Vec<(Place, Metric, Figure)> {
        let mut all = Vec::new();
        for place in self.theory.places() {
            for (&metric, &figure) in self.theory.figures(place).into_iter().flatten() {
                let measured = self.study.estimate(place, metric, figure.value).is_some();
                let wild = self.theory.wild(place, metric) || self.far_off(place, metric);
                if figure.kind == kind && measured && !wild {
                    all.push((place, metric, figure));
                }
            }
        }
        all
    }

    /// Whether a figure is that of a limit which is far off: consumers that overloaded orbits never let
    /// rest.
    fn far_off(&self, place: Place, metric: Metric) -> bool {
        let Place::Stage(stage) = place else {
            return false;
        };
        let retries = matches!(self.network.stages[stage.0].capacity, Capacity::Retry(..));
        metric == Metric::Utilization && retries && self.theory.unstable(place)
    }

    fn model(&self, place: Place) -> String {
        match place {
            Place::Pipeline => {
                let entry = self.theory.pipeline.entry;
                entry
                    .map_or("stage by stage", |entry| entry.name)
                    .to_owned()
            }
            Place::Stage(stage) | Place::Class(stage, _) => {
                let entry = self.theory.stages[stage.0].entry;
                entry.map_or("no model", |entry| entry.name).to_owned()
            }
        }
    }

    fn line(&self, place: Place, metric: Metric, figure: &Figure, level: f64) -> String {
        let estimate = self
            .study
            .estimate(place, metric, figure.value)
            .expect("measured");
        let half = estimate
            .interval(level)
            .map_or(f64::NAN, |i| i.half_width());
        let share = match metric {
            Metric::Time(_, statistic) if statistic.probability().is_some() => "share up to it ",
            _ => "",
        };
        format!(
            "{} {metric} ({}): {} labelled {} by `{}`; measured {share}{:.6} ± {half:.6}",
            self.network.place_name(place),
            self.model(place),
            figure.value,
            figure.kind,
            figure.formula,
            estimate.point,
        )
    }
}

/// Approximations that are off by more than half, where that is beyond doubt.
fn poor(tried: &Tried) -> Vec<String> {
    let mut lines = Vec::new();
    for (place, metric, figure) in tried.figures(Kind::Approximation) {
        let mean = !matches!(metric, Metric::Time(_, s) if s != Statistic::Mean);
        let Some(estimate) = tried
            .study
            .estimate(place, metric, figure.value)
            .filter(|_| mean)
        else {
            continue;
        };
        let off = (figure.value - estimate.point).abs();
        let Some(half) = estimate.interval(0.99).map(|i| i.half_width()) else {
            continue;
        };
        if !estimate.is_thin() && off > 0.5 * estimate.point.abs() + half {
            lines.push(tried.line(place, metric, &figure, 0.99));
        }
    }
    lines
}

/// Tries random scenarios and says what is wrong.
fn hunt(scenarios: u64, replications: u64, orders: f64) {
    let seeds = |family| (0..scenarios).map(move |seed| Writer::new(family, seed));
    let writers = scenarios::FAMILIES.into_iter().flat_map(seeds);
    let predicted: Vec<Predicted> = writers
        .filter_map(|writer| Predicted::new(writer.scenario(), orders))
        .collect();
    let (count, exact) = (
        predicted.len(),
        predicted.iter().map(Predicted::exact_figures).sum(),
    );
    let level = corrected_level(1.0 - FALSE_ALARM, exact);
    let mut models: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for predicted in predicted {
        let tried = predicted.try_out(replications, orders);
        let figures = tried.figures(Kind::Exact);
        for (place, ..) in &figures {
            *models.entry(tried.model(*place)).or_default() += 1;
        }
        let outside = figures.iter().filter(|(place, metric, figure)| {
            let judged = tried.study.judge(*place, *metric, figure.value, level);
            judged == Some(Judged::Outside)
        });
        let lines: Vec<String> = outside
            .map(|(place, metric, figure)| tried.line(*place, *metric, figure, level))
            .collect();
        if !lines.is_empty() {
            let text = format!("{}\n{}", lines.join("\n"), tried.text);
            println!("wrong: {text}");
            wrong.push(text);
        }
        for line in poor(&tried) {
            println!("off by more than half: {line}\n{}", tried.text);
        }
    }
    println!("{exact} exact figures of {count} scenarios; measured, by model: {models:#?}");
    assert!(
        wrong.is_empty(),
        "{} scenarios:\n{}",
        wrong.len(),
        wrong.join("\n\n")
    );
}

#[test]
fn exact_figures_agree_with_the_reference() {
    hunt(4, 20, 1_500.0);
}

#[test]
#[ignore = "takes minutes in release mode; CI runs it"]
fn exact_figures_agree_with_the_reference_at_length() {
    hunt(60, 24, 4_000.0);
}
