//! Priorities by class.

use super::interrupted::of_share;
use super::model::Candidate;
use super::two_moments::gigc;
use super::{Answer, Case, ClassWaits, Fit, Model};
use crate::metric::{Metric, Statistic, TimeKind};
use crate::network::{ClassId, Discipline};
use crate::random::Distribution;
use crate::theory::numeric::sum;
use crate::theory::overtaken::{Mixed, Overtaken, Stay};
use crate::theory::priority::{self, PriorityClass, priority_waits};
use crate::theory::regime::Regime;
use crate::theory::sheet::{Sheet, Source};
use crate::theory::{
    Figures, Interruption, Kind, Mg1Priority, Mmc, MmcPriority, PriorityStream, Reason, Turn,
};

pub(super) const NON_PREEMPTIVE: Candidate = Candidate {
    model: &Model {
        name: "M/G/1 and M/M/c with priorities",
        conditions: "Poisson arrivals, `{ priority = { preemptive = false } }`; one consumer, or one exponential law for all classes",
        gives: "means, variances and (laws with quick transforms) quantiles of the stage and of every class",
        kind: Kind::Exact,
        source: "Cobham 1954, Oper. Res. 2; Kesten and Runnenburg 1957; Takács 1964, Oper. Res. 12; Kella and Yechiali 1985, Stoch. Models 1",
        tests: &[
            "a_figure_labelled_exact_is_exact",
            "the_second_moment_is_that_of_kesten_and_runnenburg",
            "the_work_waiting_is_conserved",
        ],
    },
    fit: |case| exact(case, Discipline::Priority),
};

pub(super) const PREEMPTIVE: Candidate = Candidate {
    model: &Model {
        name: "M/G/1 and M/M/c with priorities that interrupt",
        conditions: "Poisson arrivals, `{ priority = { preemptive = true } }`; one consumer, or one exponential law for all classes",
        gives: "means, variances and (laws with quick transforms) quantiles of the stage and of every class; of the sojourn in M/M/c below the first level the mean",
        kind: Kind::Exact,
        source: "Miller 1960; Conway, Maxwell and Miller 1967, chapter 8; Buzen and Bondi 1983, Oper. Res. 31",
        tests: &[
            "a_figure_labelled_exact_is_exact",
            "published_sojourns_of_three_laws_with_interruption",
            "published_sojourns_of_several_consumers_with_interruption",
        ],
    },
    fit: |case| exact(case, Discipline::PreemptivePriority),
};

/// On a cycle the flow back depends on who is served first: Poisson arrivals only.
fn exact(case: &Case<'_>, discipline: Discipline) -> Fit {
    if case.order() != discipline || !case.poisson() {
        return Ok(None);
    }
    let Some(known) = known(case)? else {
        return Ok(None);
    };
    let wait = Metric::mean(TimeKind::Waiting);
    let infinite = known
        .figures
        .iter()
        .any(|figures| !figures.contains_key(&wait));
    let mut answer = Answer::of_classes(case, known.figures);
    if infinite {
        return Ok(Some(answer.but(vec![Reason::InfiniteVariance])));
    }
    let shares = case.law.classes().map(|(_, share, _)| share);
    let parts = shares.zip(known.waits);
    let parts: Option<Vec<_>> = parts
        .map(|(share, wait)| wait.map(|(wait, stay)| (share, wait, stay)))
        .collect();
    if let Some(parts) = parts {
        let whole = Mixed::new(parts);
        answer.figures.append(&mut whole.quantiles(LAWS, MIXTURE));
        let (waiting, sojourn) = whole.curves(LAWS, MIXTURE);
        (answer.waiting, answer.sojourn) = (Some(waiting), sojourn);
    }
    Ok(Some(answer))
}

const LAWS: Source = Source::exact("Takács 1964, Oper. Res. 12; Kella and Yechiali 1985");
const CLASS: [&str; 2] = [
    "busy period that the work found starts with all that overtakes; by inversion of its transform",
    "that and the time in service; by inversion of the transform",
];
const MIXTURE: [&str; 2] = [
    "Σ λ_k P(Wq_k > t)/λ, each by inversion of its transform",
    "Σ λ_k P(W_k > t)/λ, each by inversion of its transform",
];

/// What the exact formulas know of every class that comes, in order.
struct Known {
    figures: Vec<Figures>,
    /// The laws of the wait and of what comes after it.
    waits: Vec<Option<(Overtaken, Option<Stay>)>>,
}

/// The figures, completed by the quantiles.
fn known(case: &Case<'_>) -> Result<Option<Known>, Reason> {
    let Some(mut figures) = class_figures(case)? else {
        return Ok(None);
    };
    let waits: Vec<_> = (0..figures.len()).map(|k| law_of_wait(case, k)).collect();
    for (figures, wait) in figures.iter_mut().zip(&waits) {
        let median = Metric::Time(TimeKind::Waiting, Statistic::P50);
        if let (Some((wait, stay)), false) = (wait, figures.contains_key(&median)) {
            let alone = Mixed::new(vec![(1.0, wait.clone(), stay.clone())]);
            figures.append(&mut alone.quantiles(LAWS, CLASS));
        }
    }
    Ok(Some(Known { figures, waits }))
}

/// The law of the wait of the k-th class that comes; `None` where its transform is slow.
fn law_of_wait(case: &Case<'_>, k: usize) -> Option<(Overtaken, Option<Stay>)> {
    let consumers = case.plain_unbounded()?;
    let interruption = interruption(case)?;
    let own = case.law.classes().nth(k)?.2.clone();
    let stay = match interruption {
        Interruption::None => Stay::Whole(own),
        Interruption::Resume => Stay::Interrupted(own),
    };
    if let Some(mu) = case.law.exponential() {
        let streams: Vec<(u32, f64)> = case
            .law
            .classes()
            .map(|(class, share, _)| (level(case, class), share * case.rate))
            .collect();
        let first = streams.iter().all(|(level, _)| *level >= streams[k].0);
        let model = MmcPriority::new(&streams, mu, consumers, interruption).ok()?;
        // With several consumers an interrupted order may go on at once at another one.
        let stay = match (consumers, interruption, first) {
            (1, ..) | (_, Interruption::None, _) => Some(stay),
            (.., true) => Some(Stay::Whole(Distribution::Exponential { rate: mu })),
            _ => None,
        };
        return Some((model.wait(k)?, stay));
    }
    let streams = streams(case);
    let model = Mg1Priority::new(streams.clone(), interruption).ok()?;
    let times = model.times(k)?;
    let laws: Vec<&Distribution> = case.law.classes().map(|(.., law)| law).collect();
    let those =
        |keep: &dyn Fn(u32) -> bool, rate: &dyn Fn(usize) -> f64| -> Vec<(f64, Distribution)> {
            (0..streams.len())
                .filter(|&i| keep(streams[i].level) && rate(i) > 0.0)
                .map(|i| (rate(i), laws[i].clone()))
                .collect()
        };
    let level = streams[k].level;
    let arriving = |i: usize| streams[i].arrival_rate;
    let served = |i: usize| model.served()[i];
    let felt = |other: u32| other <= level || interruption == Interruption::None;
    let wait = Overtaken::general(
        those(&felt, &served),
        those(&|other| other <= level, &arriving),
        those(&|other| other < level, &arriving),
        times.wait_probability,
        times.waiting_mean,
    )?;
    Some((wait, Some(stay)))
}

fn interruption(case: &Case<'_>) -> Option<Interruption> {
    match case.order() {
        Discipline::Priority => Some(Interruption::None),
        Discipline::PreemptivePriority => Some(Interruption::Resume),
        _ => None,
    }
}

fn streams(case: &Case<'_>) -> Vec<PriorityStream> {
    let classes = case.law.classes();
    classes
        .map(|(class, share, law)| PriorityStream {
            level: level(case, class),
            arrival_rate: share * case.rate,
            service: law.into(),
        })
        .collect()
}

/// What is known of every class that comes; nothing of those that are left no time. `None` where the
/// exact formulas do not fit.
fn class_figures(case: &Case<'_>) -> Result<Option<Vec<Figures>>, Reason> {
    let Some(consumers) = case.plain_unbounded() else {
        return Ok(None);
    };
    let Some(interruption) = interruption(case) else {
        return Ok(None);
    };
    let classes = case.law.classes();
    let refuse = |error| Reason::Conditions { error };
    // One consumer knows more: the variance of a sojourn with interruptions.
    if consumers == 1 {
        let model = Mg1Priority::new(streams(case), interruption).map_err(refuse)?;
        let count = case.law.classes().count();
        let figures = (0..count).map(|k| model.figures(k).unwrap_or_default());
        return Ok(Some(figures.collect()));
    }
    let Some(mu) = case.law.exponential() else {
        return Ok(None);
    };
    let streams: Vec<(u32, f64)> = classes
        .map(|(class, share, _)| (level(case, class), share * case.rate))
        .collect();
    let model = MmcPriority::new(&streams, mu, consumers, interruption).map_err(refuse)?;
    let figures = (0..streams.len()).map(|k| model.figures(k).unwrap_or_default());
    let mut figures: Vec<Figures> = figures.collect();
    if interruption == Interruption::Resume {
        first_in_turn(&streams, mu, consumers, &mut figures);
    }
    Ok(Some(figures))
}

/// The first level does not feel the others: it is M/M/c by itself.
fn first_in_turn(streams: &[(u32, f64)], mu: f64, consumers: u32, figures: &mut [Figures]) {
    let first = streams.iter().map(|(level, _)| *level).min();
    let of_first = |(level, _): &&(u32, f64)| Some(*level) == first;
    let rate = sum(streams.iter().filter(of_first).map(|(_, rate)| *rate));
    let Ok(model) = Mmc::new(rate, mu, consumers) else {
        return;
    };
    for (k, stream) in streams.iter().enumerate().filter(|(_, s)| of_first(s)) {
        figures[k] = of_share(model.figures(Turn::FirstIn), stream.1 / rate);
    }
}

fn level(case: &Case<'_>, class: ClassId) -> u32 {
    case.network.classes[class.0].priority
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
    if case.bursts() {
        return Err(case.bursts_unknown());
    }
    let fifo = gigc(case, consumers, Turn::Any);
    let source = Source::approximation(priority::APPROXIMATE);
    Ok(Some(by_level(case, fifo, consumers, source)))
}

/// No steady state: the reason, and the figures of the classes that priorities leave enough time for.
pub(super) fn saturated(case: &Case<'_>, reason: Reason) -> Answer {
    let classes = steady_classes(case).unwrap_or(ClassWaits::Unknown);
    Answer {
        classes,
        ..Answer::none(reason)
    }
}

/// Lower levels that are more than the consumers can do are always there without interruption, and not
/// felt at all with it. At critical load just that is not known without interruption.
fn steady_classes(case: &Case<'_>) -> Option<ClassWaits> {
    let regime = Regime::of(case.network, case.traffic, case.id);
    let felt = case.order() == Discipline::Priority;
    if !case.poisson() || (felt && regime != Regime::Overloaded) {
        return None;
    }
    let figures = known(case).ok()??.figures;
    let regimes = Regime::of_classes(case.network, case.traffic, case.id);
    let classes = case.law.classes().map(|(class, ..)| class).zip(figures);
    let steady = classes.filter(|(class, _)| regimes[class.0] == Regime::Steady);
    let whole = |(class, mut figures): (ClassId, Figures)| {
        let mut sheet = Sheet::new(Source::exact("a queue without bound rejects nobody"));
        sheet.put(Metric::LossProbability, 0.0, "0: no bound");
        figures.append(&mut sheet.finish());
        (class, figures)
    };
    Some(ClassWaits::Figures(steady.map(whole).collect()))
}

/// The classes that come, with their levels and loads.
fn levels(case: &Case<'_>, consumers: u32) -> Vec<PriorityClass> {
    let classes = case.law.classes();
    classes
        .map(|(class, share, law)| PriorityClass {
            level: level(case, class),
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
