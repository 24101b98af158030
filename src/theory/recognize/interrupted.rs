//! Priorities that interrupt, where several consumers have laws of their own for the classes.

use super::model::Candidate;
use super::{Answer, Case, Fit, Model};
use crate::metric::{Metric, TimeKind};
use crate::network::Discipline;
use crate::theory::flow::Flow;
use crate::theory::numeric::sum;
use crate::theory::sheet::{Sheet, Source};
use crate::theory::{
    Figures, GiGc, Interruption, Kind, Mg1Priority, Mmc, PriorityStream, Reason, ServiceMoments,
    Turn, TwoLevels,
};

pub(super) const TWO_LEVELS: Candidate = Candidate {
    model: &Model {
        name: "M/M/c with two levels that interrupt",
        conditions: "Poisson arrivals, `{ priority = { preemptive = true } }`, two levels with an exponential law each, c consumers, a chain of at most 120 phases",
        gives: "means of the stage and of both levels; all of the first level's",
        kind: Kind::Exact,
        source: "Mitrani and King 1981, Perform. Eval. 1; Neuts 1981, Matrix-Geometric Solutions",
        tests: &[
            "a_figure_labelled_exact_is_exact",
            "equal_rates_are_the_known_difference",
            "one_consumer_is_known_for_any_rates",
        ],
    },
    fit: two_levels,
};

/// A class at the stage.
struct Member {
    level: u32,
    rate: f64,
    service: ServiceMoments,
    exponential: Option<f64>,
}

fn members(case: &Case<'_>) -> Vec<Member> {
    let classes = case.law.classes();
    classes
        .map(|(class, share, law)| Member {
            level: case.network.classes[class.0].priority,
            rate: share * case.rate,
            service: law.into(),
            exponential: law.is_exponential(),
        })
        .collect()
}

/// The rates of arrival and of service of a level whose classes share one exponential law.
fn level_rates(members: &[Member], level: u32) -> Option<(f64, f64)> {
    let own = || members.iter().filter(|member| member.level == level);
    let mu = own().next()?.exponential?;
    let same = own().all(|member| member.exponential == Some(mu));
    same.then(|| (sum(own().map(|member| member.rate)), mu))
}

fn levels(members: &[Member]) -> Vec<u32> {
    let mut levels: Vec<u32> = members.iter().map(|member| member.level).collect();
    levels.sort_unstable();
    levels.dedup();
    levels
}

fn two_levels(case: &Case<'_>) -> Fit {
    let (Some(consumers), Discipline::PreemptivePriority) = (case.plain_unbounded(), case.order())
    else {
        return Ok(None);
    };
    let members = members(case);
    let [first, second] = levels(&members)[..] else {
        return Ok(None);
    };
    let rates = level_rates(&members, first).zip(level_rates(&members, second));
    let (Some(((above, fast), (below, slow))), true) = (rates, case.poisson()) else {
        return Ok(None);
    };
    let model = TwoLevels::new([above, below], [fast, slow], consumers);
    let stage = case.stage.name.clone();
    let model = model.map_err(|error| Reason::Conditions { error })?;
    let model = model.ok_or(Reason::LargeChain { stage })?;
    let figures = members.iter().map(|member| match member.level == first {
        true => of_share(model.urgent().figures(Turn::FirstIn), member.rate / above),
        false => of_share(model.figures(), member.rate / below),
    });
    Ok(Some(Answer::of_classes(case, figures.collect())))
}

/// The figures of one class of a level whose orders are all alike: its share of the numbers.
pub(super) fn of_share(mut figures: Figures, share: f64) -> Figures {
    figures.remove(&Metric::Utilization);
    for metric in [Metric::QueueLength, Metric::NumberInSystem] {
        if let Some(figure) = figures.get_mut(&metric) {
            figure.value *= share;
        }
    }
    figures
}

pub(super) const SCALED: Candidate = Candidate {
    model: &Model {
        name: "GI/G/c with priorities that interrupt",
        conditions: "stationary arrivals, `{ priority = { preemptive = true } }`",
        gives: "mean sojourn and number in system of the stage and of every class; exact for the first level where that is M/M/c",
        kind: Kind::Approximation,
        source: "Bondi and Buzen 1984, SIGMETRICS: the delay of c consumers relates to that of one fast one as without priorities",
        tests: &["the_scaled_delay_is_near_the_exact_one"],
    },
    fit: scaled,
};

/// The delay (sojourn less service) of all orders of the first k levels is that of GI/G/c with them
/// alone, first in, first out, times the gain that interruption makes at one consumer c times as fast.
fn scaled(case: &Case<'_>) -> Fit {
    let (Some(consumers), Discipline::PreemptivePriority) = (case.plain_unbounded(), case.order())
    else {
        return Ok(None);
    };
    if !case.stationary() {
        return Ok(None);
    }
    let members = members(case);
    let c = f64::from(consumers);
    let streams = members.iter().map(|member| PriorityStream {
        level: member.level,
        arrival_rate: member.rate,
        service: faster(&member.service, c),
    });
    let single = Mg1Priority::new(streams.collect(), Interruption::Resume);
    let single = single.map_err(|error| Reason::Conditions { error })?;
    let delay = |k: usize| Some(single.times(k)?.sojourn_mean? - members[k].service.first / c);
    let delays: Option<Vec<f64>> = (0..members.len()).map(delay).collect();
    let Some(delays) = delays else {
        return Err(Reason::InfiniteVariance);
    };
    let mut classes = vec![Figures::new(); members.len()];
    let mut before = 0.0;
    for (rank, level) in levels(&members).into_iter().enumerate() {
        let kept = |level: u32| {
            members
                .iter()
                .zip(&delays)
                .filter(move |(m, _)| m.level <= level)
        };
        let Some(plain) = together(case, &members, level, consumers) else {
            return Ok(None);
        };
        // λ times the delay of all up to here, with one consumer: in turn, and by priority.
        let by_priority = sum(kept(level).map(|(member, delay)| member.rate * delay));
        let in_turn = plain.single;
        let whole = plain.several * by_priority / in_turn;
        let at_level: Vec<usize> = (0..members.len())
            .filter(|&k| members[k].level == level)
            .collect();
        let own = sum(at_level.iter().map(|&k| members[k].rate * delays[k]));
        let factor = (whole - before).max(0.0) / own;
        before = whole;
        for k in at_level {
            let member = &members[k];
            classes[k] = sheet(member.rate, member.service.first + factor * delays[k]);
        }
        if let (0, true, Some((rate, mu))) = (rank, case.poisson(), level_rates(&members, level))
            && let Ok(model) = Mmc::new(rate, mu, consumers)
        {
            for (k, member) in members.iter().enumerate().filter(|(_, m)| m.level == level) {
                classes[k] = of_share(model.figures(Turn::FirstIn), member.rate / rate);
            }
        }
    }
    Ok(Some(Answer::of_classes(case, classes)))
}

fn sheet(rate: f64, sojourn: f64) -> Figures {
    let mut sheet = Sheet::new(Source::approximation("Bondi and Buzen 1984, SIGMETRICS"));
    let formula =
        "W_k ≈ E[S_k] + the delay at one consumer c times as fast, scaled as without priorities";
    sheet.mean(TimeKind::Sojourn, sojourn, formula).put(
        Metric::NumberInSystem,
        rate * sojourn,
        "L = λW",
    );
    sheet.finish()
}

fn faster(service: &ServiceMoments, c: f64) -> ServiceMoments {
    ServiceMoments {
        first: service.first / c,
        second: service.second / (c * c),
        third: service.third / (c * c * c),
    }
}

/// λWq in turn of all orders up to a level, with one fast consumer and with several.
struct InTurn {
    single: f64,
    several: f64,
}

fn together(case: &Case<'_>, members: &[Member], level: u32, consumers: u32) -> Option<InTurn> {
    let kept = || members.iter().filter(|member| member.level <= level);
    let rate = sum(kept().map(|member| member.rate));
    let mean = |of: fn(&ServiceMoments) -> f64| {
        sum(kept().map(|member| member.rate * of(&member.service))) / rate
    };
    let (first, second) = (mean(|s| s.first), mean(|s| s.second));
    let scv = (second / (first * first) - 1.0).max(0.0);
    let arrivals = match case.flow() {
        // What a random share of the orders looks like.
        Flow::TwoMoment(scv) => 1.0 + rate / case.rate * (scv - 1.0),
        _ => 1.0,
    };
    let c = f64::from(consumers);
    let several = GiGc::new(rate, arrivals, first, scv, consumers).ok()?;
    let single = rate * second / (2.0 * c * c * (1.0 - rate * first / c));
    Some(InTurn {
        single: rate * single,
        several: rate * several.waiting_mean(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Distribution;
    use crate::theory::analyze;
    use crate::theory::testing::{Sketch, exponential};

    fn sojourns(second: Distribution) -> Vec<(f64, Kind)> {
        let mut sketch = Sketch::new();
        sketch.classes(&[0, 1]).stage(2, exponential(1.0));
        sketch
            .order(0, Discipline::PreemptivePriority)
            .own(0, 1, second);
        sketch.poisson_of(0, 0.5, 0).poisson_of(1, 0.8, 0);
        let theory = analyze(&sketch.network());
        let classes = theory.stages[0].classes.iter();
        classes
            .map(|(_, figures)| figures[&Metric::mean(TimeKind::Sojourn)])
            .map(|figure| (figure.value, figure.kind))
            .collect()
    }

    #[test]
    fn the_scaled_delay_is_near_the_exact_one() {
        // Nearly exponential of mean 1, so that only the approximation fits; exact with it: 2.147.
        let nearly = Distribution::hyperexponential(vec![0.5, 0.5], vec![1.0, 1.000_001]);
        let near = sojourns(nearly.unwrap());
        let exact = sojourns(exponential(1.0));
        assert_eq!((near[0].1, near[1].1), (Kind::Exact, Kind::Approximation));
        assert_eq!((exact[0].1, exact[1].1), (Kind::Exact, Kind::Exact));
        approx::assert_relative_eq!(near[0].0, exact[0].0, max_relative = 1e-12);
        approx::assert_relative_eq!(near[1].0, exact[1].0, max_relative = 0.02);
    }

    #[test]
    fn rates_of_their_own_are_exact_for_two_levels() {
        let found = sojourns(exponential(0.7));
        assert_eq!((found[0].1, found[1].1), (Kind::Exact, Kind::Exact));
    }
}
