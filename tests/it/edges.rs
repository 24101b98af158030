//! Runs at the edge of what can be judged: rare events, short runs, sources that run dry.

use orderline::metric::{Metric, Statistic, TimeKind};
use orderline::network::{Network, Place, StageId};
use orderline::report::{Comparison, RunReport, ScenarioRecord, Verdict};
use orderline::scenario;
use orderline::sim::{Control, Outcome, SimOptions, SimResult, StartRule, simulate};
use orderline::theory::analyze;
use std::path::Path;

const STAGE: Place = Place::Stage(StageId(0));

/// One stage `s` with one producer: the run, the arrivals and what the stage has are given as TOML.
fn network(run: &str, arrivals: &str, stage: &str) -> Network {
    let text = format!(
        "[run]\n{run}\n[[producer]]\nname = \"p\"\nto = \"s\"\narrivals = {{ {arrivals} }}\n\
         [[stage]]\nname = \"s\"\n{stage}\n"
    );
    let loaded = scenario::parse(&text, "edge", Path::new("."), &[]);
    loaded.unwrap_or_else(|error| panic!("{error}")).network
}

fn run(network: &Network) -> SimResult {
    simulate(network, SimOptions::on(2), &Control::default()).expect("it runs")
}

fn report(network: Network) -> RunReport {
    let (theory, sim) = (analyze(&network), run(&network));
    RunReport::new(
        network,
        ScenarioRecord::new("edge", "", &[]),
        theory,
        Some(sim),
        Vec::new(),
    )
}

fn verdict(comparison: &Comparison, metric: Metric) -> Verdict {
    comparison
        .line(STAGE, metric)
        .unwrap_or_else(|| panic!("no {metric}"))
        .verdict
}

fn differing(report: &RunReport) -> Vec<String> {
    let lines = report.comparison.lines.iter();
    lines
        .filter(|line| line.verdict == Verdict::Differs)
        .map(|line| {
            let (measured, theory) = (line.measured.as_ref(), line.theory);
            format!("{:?} {}: {measured:?} {theory:?}", line.place, line.metric)
        })
        .collect()
}

const MM1: &str = "consumers = 1\nservice = { exponential = { rate = 10 } }";

#[test]
fn a_run_of_so_many_orders_has_a_timeline_and_sees_growth() {
    let overload = network("orders = 20_000", "poisson = { rate = 15 }", MM1);
    let report = report(overload);
    let sim = report.sim.as_ref().expect("simulated");
    assert!(report.records(sim).timeseries.len() > 100);
    assert_eq!(
        verdict(&report.comparison, Metric::BacklogGrowth),
        Verdict::Agrees
    );
    assert!(sim.at(STAGE).is_some_and(|result| result.growth.is_some()));
    assert_eq!(
        verdict(&report.comparison, Metric::QueueLength),
        Verdict::NoSteadyState
    );
}

#[test]
fn a_source_that_runs_dry_ends_the_run() {
    let schedule = "schedule = { points = [{ at = 0, rate = 10 }, { at = 100, rate = 0 }] }";
    let sim = run(&network("orders = 5000\nreplications = 2", schedule, MM1));
    assert!(sim.entered > 1500 && sim.entered < 2500, "{}", sim.entered);
    assert_eq!(sim.outcomes.of(Outcome::Completed), sim.entered);
}

#[test]
fn a_run_ends_just_before_one_order_too_many() {
    let sim = run(&network(
        "orders = 50\nreplications = 4",
        "deterministic = { rate = 1 }",
        MM1,
    ));
    assert_eq!((sim.entered, sim.start.rule), (200, StartRule::TooFew));
    assert!((sim.measured - 51.0).abs() < 1e-9, "{}", sim.measured);
}

/// Over-provisioned: of 60,000 orders not one waits, though theory expects half of one to.
#[test]
fn what_was_never_seen_is_not_held_against_a_small_probability() {
    let stage = "consumers = 8\nservice = { exponential = { rate = 10 } }";
    let report = report(network("duration = 600", "poisson = { rate = 10 }", stage));
    assert_eq!(differing(&report), Vec::<String>::new());
    assert_eq!(
        verdict(&report.comparison, Metric::WaitProbability),
        Verdict::Undecided
    );
    assert_eq!(
        verdict(&report.comparison, Metric::Utilization),
        Verdict::Agrees
    );
}

/// Many replications know the residual well enough to see a single order miscounted.
#[test]
fn littles_law_holds_in_runs_of_so_many_orders() {
    let run = "orders = 5000\nreplications = 200\nwarmup = \"0s\"";
    let report = report(network(run, "poisson = { rate = 5 }", MM1));
    assert_eq!(
        verdict(&report.comparison, Metric::LittleResidual),
        Verdict::Agrees
    );
    assert_eq!(
        verdict(&report.comparison, Metric::ArrivalRate),
        Verdict::Agrees
    );
    assert_eq!(
        verdict(&report.comparison, Metric::Throughput),
        Verdict::Agrees
    );
}

/// The relaxation time at ρ = 0.995 is 8,000 s, longer than nearly the whole run.
#[test]
fn a_run_too_short_for_its_load_decides_nothing() {
    let report = report(network(
        "duration = 10_000",
        "poisson = { rate = 9.95 }",
        MM1,
    ));
    let waiting = Metric::mean(TimeKind::Waiting);
    assert_eq!(verdict(&report.comparison, waiting), Verdict::Undecided);
    assert_eq!(
        verdict(&report.comparison, Metric::mean(TimeKind::Service)),
        Verdict::Agrees
    );
    let said = report
        .warnings
        .iter()
        .any(|w| w.to_string().contains("too short for its load"));
    assert!(said, "{:?}", report.warnings);
}

/// More and more orders come, all are served at once: those with long service are not left out.
#[test]
fn service_times_are_not_cut_off_by_the_end() {
    let arrivals = "schedule = { points = [{ at = 0, rate = 10 }, { at = 60, rate = 1000 }], \
                    shape = \"linear\" }";
    let stage = "consumers = \"unlimited\"\nservice = { exponential = { mean = 5 } }";
    let report = report(network("duration = 60", arrivals, stage));
    assert_eq!(
        verdict(&report.comparison, Metric::mean(TimeKind::Service)),
        Verdict::Agrees
    );
}

/// Two even streams whose orders never meet: what rounding makes of it is no waiting.
#[test]
fn rounding_is_not_waiting() {
    let stage = "consumers = 1\nservice = { deterministic = { value = 0.1 } }";
    let sim = run(&network(
        "duration = 5000\nwarmup = \"0s\"",
        "deterministic = { rate = 10 }",
        stage,
    ));
    let result = sim.at(STAGE).expect("the stage");
    assert_eq!(result.estimates[&Metric::WaitProbability].point, 0.0);
    assert_eq!(
        result.estimates[&Metric::Time(TimeKind::Waiting, Statistic::Max)].point,
        0.0
    );
}

#[test]
fn a_precision_that_rare_waits_cannot_have_is_not_asked_of_them() {
    let stage = "consumers = 10\nservice = { exponential = { rate = 10 } }";
    let run_plan = "orders = 10_000\nprecision = \"2%\"";
    let sim = run(&network(run_plan, "poisson = { rate = 10 }", stage));
    assert!(
        sim.imprecise.is_none() && sim.replications < 100,
        "{:?}",
        sim.imprecise
    );
    let sharp = run(&network(
        "orders = 2000\nprecision = \"1%\"",
        "poisson = { rate = 5 }",
        MM1,
    ));
    let half = |metric| {
        let estimate = &sharp.at(STAGE).expect("the stage").estimates[&metric];
        estimate.interval(0.95).expect("an interval").half_width() / estimate.point
    };
    assert!(sharp.replications > 10 && sharp.imprecise.is_none());
    assert!(half(Metric::mean(TimeKind::Waiting)) <= 0.01 && half(Metric::QueueLength) <= 0.01);
}

#[test]
fn nothing_to_see_is_said() {
    let mut network = network("duration = 100", "poisson = { rate = 1 }", MM1);
    let times = orderline::random::Arrivals::trace(vec![200.0], 0.0).expect("a time");
    network.producers[0].arrivals = times;
    match simulate(&network, SimOptions::on(1), &Control::default()) {
        Err(error) => assert!(error.to_string().contains("no order enters"), "{error}"),
        Ok(sim) => assert_eq!(sim.entered, 0),
    }
}
