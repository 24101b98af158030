//! What the second simulator found theory to claim beyond its formulas' domains, and must not any more.

use orderline::metric::{Metric, TimeKind};
use orderline::network::{ClassId, Place, StageId};
use orderline::scenario;
use orderline::theory::{Figure, Kind, NetworkTheory, analyze};
use std::path::Path;

const STAGE: Place = Place::Stage(StageId(0));

/// Theory of a stage `s` with exponential service of mean 0.2, offered 4 orders a second, with one consumer
/// where no other number is set.
fn theory(settings: &str, more: &str) -> NetworkTheory {
    let consumers = consumers(settings);
    let text = format!(
        "seed = 1\n[run]\norders = 1000\n{more}[[producer]]\nname = \"p\"\nto = \"s\"\n\
         arrivals = {{ poisson = {{ rate = 4 }} }}\n[[stage]]\nname = \"s\"\n\
         service = {{ exponential = {{ mean = 0.2 }} }}\n{consumers}{settings}"
    );
    let loaded = scenario::parse(&text, "claims", Path::new("."), &[]);
    analyze(&loaded.unwrap_or_else(|error| panic!("{error}")).network)
}

fn consumers(settings: &str) -> &'static str {
    match settings.starts_with("consumers") {
        true => "",
        false => "consumers = 1\n",
    }
}

fn exact(theory: &NetworkTheory, place: Place, metric: Metric) -> Option<f64> {
    let figure: Option<&Figure> = theory.figure(place, metric);
    figure
        .filter(|figure| figure.kind == Kind::Exact)
        .map(|figure| figure.value)
}

fn breakdown(then: &str) -> String {
    format!(
        "breakdown = {{ uptime = {{ exponential = {{ mean = 9 }} }}, \
         downtime = {{ exponential = {{ mean = 1 }} }}, then = \"{then}\" }}\n"
    )
}

#[test]
fn what_a_stage_can_do_is_not_known_where_breakdowns_undo_work() {
    let kept = theory(&breakdown("resume"), "");
    assert_eq!(exact(&kept, STAGE, Metric::Utilization), Some(0.8));
    assert_eq!(exact(&kept, STAGE, Metric::Throughput), Some(4.0));
    for then in ["restart", "redeliver"] {
        let undone = theory(&breakdown(then), "");
        for metric in [
            Metric::Utilization,
            Metric::Throughput,
            Metric::BacklogGrowth,
        ] {
            assert_eq!(exact(&undone, STAGE, metric), None, "{then} {metric}");
        }
    }
}

#[test]
fn overloaded_consumers_rest_while_they_are_broken_down() {
    let settings = format!("consumers = 1\n{}", breakdown("resume"));
    let more = "[[producer]]\nname = \"q\"\nto = \"s\"\narrivals = { poisson = { rate = 4 } }\n";
    let theory = theory(&settings, more);
    assert_eq!(exact(&theory, STAGE, Metric::Utilization), Some(0.9));
}

#[test]
fn a_loss_formula_does_not_know_breakdowns() {
    let bounded = format!("queue = {{ capacity = 0 }}\n{}", breakdown("resume"));
    let theory = theory(&bounded, "");
    for metric in [Metric::Throughput, Metric::LossProbability] {
        assert_eq!(exact(&theory, STAGE, metric), None, "{metric}");
    }
}

#[test]
fn those_served_are_shorter_where_long_ones_lose_patience() {
    let impatient = "patience = { exponential = { mean = 1 } }\n";
    let service = Metric::mean(TimeKind::Service);
    let any = theory(impatient, "");
    assert_eq!(exact(&any, STAGE, service), Some(0.2));
    for order in ["sjf", "srpt"] {
        let picked = format!("queue = {{ discipline = \"{order}\" }}\n{impatient}");
        assert_eq!(exact(&theory(&picked, ""), STAGE, service), None, "{order}");
    }
}

#[test]
fn a_stage_that_may_be_blocked_for_ever_claims_nothing() {
    let blocked = "next = \"t\"\n[[stage]]\nname = \"t\"\nconsumers = 1\n\
                   service = { deterministic = { value = 0.2 } }\n\
                   queue = { capacity = 0, overflow = \"block\" }\n";
    assert_eq!(
        exact(&theory(blocked, ""), STAGE, Metric::Utilization),
        None
    );
}

#[test]
fn a_join_waits_for_an_overloaded_branch() {
    let fork = |slow: f64| {
        format!(
            "consumers = \"unlimited\"\nfanout = [\"a\", \"b\"]\njoin = \"all\"\nnext = \"t\"\n\
             [[stage]]\nname = \"a\"\nconsumers = 1\nservice = {{ exponential = {{ mean = 0.1 }} }}\n\
             [[stage]]\nname = \"b\"\nconsumers = 1\nservice = {{ exponential = {{ mean = {slow} }} }}\n\
             [[stage]]\nname = \"t\"\nconsumers = 1\nservice = {{ exponential = {{ mean = 0.1 }} }}\n"
        )
    };
    let last = Place::Stage(StageId(3));
    let steady = theory(&fork(0.2), "");
    let piling_up = theory(&fork(0.3), "");
    assert_eq!(exact(&steady, last, Metric::ArrivalRate), Some(4.0));
    for (place, metric) in [
        (last, Metric::ArrivalRate),
        (Place::Pipeline, Metric::Throughput),
    ] {
        assert_eq!(exact(&piling_up, place, metric), None, "{metric}");
    }
}

#[test]
fn under_priorities_each_class_gives_up_in_its_own_measure() {
    let impatient = |preemptive: bool| {
        let queue = format!(
            "queue = {{ discipline = {{ priority = {{ preemptive = {preemptive} }} }} }}\n"
        );
        let settings = format!("{queue}patience = {{ exponential = {{ mean = 1 }} }}\n");
        let classes = "[[class]]\nname = \"a\"\n[[class]]\nname = \"b\"\npriority = 1\n\
                       [[producer]]\nname = \"q\"\nto = \"s\"\nclass = \"b\"\n\
                       arrivals = { poisson = { rate = 1 } }\n";
        let text = theory_of_classes(&settings, classes);
        let gives_up = Metric::AbandonProbability;
        let class = Place::Class(StageId(0), ClassId(0));
        assert_eq!(exact(&text, class, gives_up), None);
        exact(&text, STAGE, gives_up)
    };
    assert!(impatient(false).is_some());
    // An order that has been interrupted does not give up any more.
    assert_eq!(impatient(true), None);
}

#[test]
fn an_overloaded_orbit_knows_no_priorities() {
    let queue = |more: &str| {
        let settings =
            format!("queue = {{ discipline = {{ priority = {{ preemptive = false }} }}{more} }}\n");
        let classes = "[[class]]\nname = \"a\"\n[[class]]\nname = \"b\"\npriority = 1\n\
                       [[producer]]\nname = \"q\"\nto = \"s\"\nclass = \"b\"\n\
                       arrivals = { poisson = { rate = 4 } }\n";
        let theory = theory_of_classes(&settings, classes);
        exact(
            &theory,
            Place::Class(StageId(0), ClassId(0)),
            Metric::Throughput,
        )
    };
    assert_eq!(queue(""), Some(2.0));
    let retry = ", capacity = 2, overflow = { retry = { exponential = { mean = 1 } } }";
    assert_eq!(queue(retry), None);
}

/// As [`theory`], with the producer's orders of class `a`.
fn theory_of_classes(settings: &str, classes: &str) -> NetworkTheory {
    let consumers = consumers(settings);
    let text = format!(
        "seed = 1\n[run]\norders = 1000\n{classes}[[producer]]\nname = \"p\"\nto = \"s\"\nclass = \"a\"\n\
         arrivals = {{ poisson = {{ rate = 2 }} }}\n[[stage]]\nname = \"s\"\n\
         service = {{ exponential = {{ mean = 0.2 }} }}\n{consumers}{settings}"
    );
    let loaded = scenario::parse(&text, "claims", Path::new("."), &[]);
    analyze(&loaded.unwrap_or_else(|error| panic!("{error}")).network)
}
