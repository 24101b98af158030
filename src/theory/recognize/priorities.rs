//! Priorities by class.

use super::general::mg1;
use super::model::Candidate;
use super::two_moments::gigc;
use super::{Answer, Case, ClassWaits, Fit, Model};
use crate::metric::{Metric, TimeKind};
use crate::network::Discipline;
use crate::theory::numeric::sum;
use crate::theory::priority::{self, PriorityClass, priority_waits, saturated_waits};
use crate::theory::regime::Regime;
use crate::theory::sheet::{Sheet, Source};
use crate::theory::{Figures, Kind, Mmc, Reason, Turn};

pub(super) const NON_PREEMPTIVE: Candidate = Candidate {
    model: &Model {
        name: "M/G/1 and M/M/c with priorities",
        conditions: "Poisson arrivals, `{ priority = { preemptive = false } }`; one consumer, or one exponential law for all classes",
        gives: "means of the stage and of every class",
        kind: Kind::Exact,
        source: "Cobham 1954, Oper. Res. 2; Kella and Yechiali 1985, Stoch. Models 1",
        tests: &[
            "a_figure_labelled_exact_is_exact",
            "published_waits_of_four_levels",
        ],
    },
    fit: non_preemptive,
};

fn non_preemptive(case: &Case<'_>) -> Fit {
    let (Some(consumers), Discipline::Priority) = (case.plain_unbounded(), case.order()) else {
        return Ok(None);
    };
    // On a cycle the flow back depends on who is served first.
    let fifo = match case.law.exponential() {
        Some(mu) if case.poisson() => exponential_wait(case.rate, mu, consumers),
        _ if case.poisson() && consumers == 1 => mg1(case, Turn::Any),
        _ => return Ok(None),
    };
    Ok(Some(by_level(
        case,
        fifo,
        consumers,
        Source::exact(priority::EXACT),
    )))
}

pub(super) const TWO_MOMENTS: Candidate = Candidate {
    model: &Model {
        name: "GI/G/c with priorities",
        conditions: "stationary arrivals, `{ priority = { preemptive = false } }`",
        gives: "means of the stage and of every class",
        kind: Kind::Approximation,
        source: "after Cobham 1954 and Bondi and Buzen 1984",
        tests: &["simulated_intervals_contain_the_truth"],
    },
    fit: two_moments,
};

fn two_moments(case: &Case<'_>) -> Fit {
    let (Some(consumers), Discipline::Priority) = (case.plain_unbounded(), case.order()) else {
        return Ok(None);
    };
    if !case.stationary() {
        return Ok(None);
    }
    let fifo = gigc(case, consumers, Turn::Any);
    let source = Source::approximation(priority::APPROXIMATE);
    Ok(Some(by_level(case, fifo, consumers, source)))
}

fn exponential_wait(rate: f64, mu: f64, consumers: u32) -> Answer {
    match Mmc::new(rate, mu, consumers) {
        Ok(model) => Answer::new(model.figures(Turn::Any)),
        Err(error) => error.into(),
    }
}

/// No steady state: the reason, and the waits of the classes that priorities leave enough time for.
pub(super) fn saturated(case: &Case<'_>, reason: Reason) -> Answer {
    let waits = steady_classes(case).unwrap_or(ClassWaits::Unknown);
    Answer {
        classes: waits,
        ..Answer::none(reason)
    }
}

fn steady_classes(case: &Case<'_>) -> Option<ClassWaits> {
    let consumers = case.plain_unbounded()?;
    let regime = Regime::of(case.network, case.traffic, case.id);
    let fits = case.order() == Discipline::Priority && case.poisson();
    if !fits || regime != Regime::Overloaded {
        return None;
    }
    let residual = match (consumers, case.law.exponential()) {
        (c, Some(mu)) => 1.0 / (f64::from(c) * mu),
        (1, None) => residual_in_service(case),
        _ => return None,
    };
    let waits = saturated_waits(residual, &levels(case, consumers));
    let named = case.law.classes().zip(waits);
    let regimes = Regime::of_classes(case.network, case.traffic, case.id);
    let steady = named.filter_map(|((class, ..), wait)| {
        let known = wait.filter(|_| regimes[class.0] == Regime::Steady);
        known.map(|wait| (class, wait))
    });
    let source = Source::exact(priority::EXACT);
    Some(ClassWaits::Each(steady.collect(), source))
}

/// Σ X_iE\[S_i²\]/2, at the rates at which the classes are served.
fn residual_in_service(case: &Case<'_>) -> f64 {
    let parts = case.law.classes().map(|(class, _, law)| {
        let rate = case.traffic.served(case.id, class.0);
        if rate > 0.0 {
            0.5 * rate * law.moment(2)
        } else {
            0.0
        }
    });
    sum(parts)
}

/// The classes that come, with their levels and loads.
fn levels(case: &Case<'_>, consumers: u32) -> Vec<PriorityClass> {
    let classes = case.law.classes();
    classes
        .map(|(class, share, law)| PriorityClass {
            level: case.network.classes[class.0].priority,
            utilization: share * case.rate * law.mean() / f64::from(consumers),
        })
        .collect()
}

/// The waits under priorities from those that the queue has without.
fn by_level(case: &Case<'_>, fifo: Answer, consumers: u32, source: Source) -> Answer {
    let Some(wait) = fifo.figures.get(&Metric::mean(TimeKind::Waiting)) else {
        return fifo;
    };
    let waits = priority_waits(wait.value, &levels(case, consumers));
    let shares = case.law.classes().map(|(_, share, _)| share);
    let mean = sum(shares.zip(&waits).map(|(share, wait)| share * wait));
    let mut figures = priority_means(case.rate, mean, case.law.mean(), source);
    if let Some(p) = fifo.figures.get(&Metric::WaitProbability) {
        figures.insert(Metric::WaitProbability, *p);
    }
    let classes = case.law.classes().map(|(class, ..)| class);
    Answer {
        classes: ClassWaits::Each(classes.zip(waits).collect(), source),
        ..Answer::new(figures)
    }
}

/// The stage's means under priorities.
fn priority_means(rate: f64, wait: f64, service: f64, source: Source) -> Figures {
    let mut sheet = Sheet::new(source);
    sheet
        .mean(TimeKind::Waiting, wait, "Wq = Σ λ_k Wq_k/λ")
        .mean(TimeKind::Sojourn, wait + service, "W = Wq + E[S]")
        .put(Metric::QueueLength, rate * wait, "Lq = λWq")
        .put(Metric::NumberInSystem, rate * (wait + service), "L = λW");
    sheet.finish()
}
