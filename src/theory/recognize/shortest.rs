//! Short orders first.

use super::model::Candidate;
use super::two_moments::gigc;
use super::{Answer, Case, Fit, Model};
use crate::metric::{Metric, TimeKind};
use crate::network::Discipline;
use crate::theory::sheet::{Sheet, Source};
use crate::theory::{Figures, Kind, Mg1, Reason, Shortest, ShortestBy, Turn};

pub(super) const SHORTEST: Candidate = Candidate {
    model: &Model {
        name: "M/G/1 shortest first",
        conditions: "Poisson arrivals, any service (`sjf`: with a variance), 1 consumer, `sjf` or `srpt`",
        gives: "means of the stage and of every class; variance of the wait, with `sjf` also of the sojourn",
        kind: Kind::Exact,
        source: "Phipps 1956, Oper. Res. 4 (sjf); Schrage and Miller 1966, Oper. Res. 14 (srpt)",
        tests: &[
            "a_figure_labelled_exact_is_exact",
            "equal_sizes_are_first_in_first_out",
            "what_is_left_beats_sizes_beats_order_of_arrival",
        ],
    },
    fit: shortest,
};

fn by(case: &Case<'_>) -> Option<ShortestBy> {
    match case.order() {
        Discipline::ShortestFirst => Some(ShortestBy::Size),
        Discipline::ShortestRemaining => Some(ShortestBy::Remaining),
        _ => None,
    }
}

fn shortest(case: &Case<'_>) -> Fit {
    let (Some(1), Some(by), true) = (case.plain_unbounded(), by(case), case.poisson()) else {
        return Ok(None);
    };
    if by == ShortestBy::Size && case.law.moments().second.is_infinite() {
        return Err(Reason::InfiniteVariance);
    }
    let law = case.law.whole();
    let model = Shortest::new(case.rate, &law, by);
    let model = model.map_err(|error| Reason::Conditions { error })?;
    let classes = case.law.classes();
    let figures: Option<Vec<Figures>> = classes
        .map(|(_, share, law)| model.figures(law, share * case.rate))
        .collect();
    let stage = case.stage.name.clone();
    let figures = figures.ok_or(Reason::Unsettled { stage })?;
    Ok(Some(Answer::of_classes(case, figures)))
}

pub(super) const SEVERAL: Candidate = Candidate {
    model: &Model {
        name: "M/G/c shortest first",
        conditions: "Poisson arrivals, any service with a variance, c consumers, `sjf`",
        gives: "means",
        kind: Kind::Approximation,
        source: "after Bondi and Buzen 1984: what one fast consumer gains by the order of service, c gain too",
        tests: &["several_consumers_gain_what_one_gains"],
    },
    fit: several,
};

fn several(case: &Case<'_>) -> Fit {
    let (Some(consumers), Discipline::ShortestFirst) = (case.plain_unbounded(), case.order())
    else {
        return Ok(None);
    };
    if !case.stationary() {
        return Ok(None);
    }
    let law = case.law.whole();
    let fifo = gigc(case, consumers, Turn::Any);
    let wait = Metric::mean(TimeKind::Waiting);
    let Some(usual) = fifo.figures.get(&wait).map(|figure| figure.value) else {
        return Ok(None);
    };
    // One consumer c times as fast has the same loads, and waits in the same proportion.
    let slowed = case.rate / f64::from(consumers);
    let single = Mg1::new(slowed, case.law.moments())
        .ok()
        .map(|model| model.waiting_mean());
    let sorted = Shortest::new(slowed, &law, ShortestBy::Size).ok();
    let gain = single.zip(sorted.and_then(|model| model.times(&law)));
    let Some(gain) = gain.map(|(plain, times)| times.waiting_mean / plain) else {
        return Ok(None);
    };
    let source = Source::approximation("after Bondi and Buzen 1984");
    let mut sheet = Sheet::new(source);
    let (mean, rate) = (usual * gain, case.rate);
    let formula = "Wq ≈ Wq_FIFO(c) · Wq_SJF(1)/Wq_FIFO(1) at the same load";
    sheet
        .mean(TimeKind::Waiting, mean, formula)
        .mean(TimeKind::Sojourn, mean + case.law.mean(), "W = Wq + E[S]")
        .put(Metric::QueueLength, rate * mean, "Lq = λWq")
        .put(
            Metric::NumberInSystem,
            rate * (mean + case.law.mean()),
            "L = λW",
        );
    let mut answer = Answer::nothing();
    answer.figures = sheet.finish();
    if let Some(waits) = fifo.figures.get(&Metric::WaitProbability) {
        answer.figures.insert(Metric::WaitProbability, *waits);
    }
    Ok(Some(answer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Discipline;
    use crate::random::Arrivals;
    use crate::random::Distribution;
    use crate::theory::analyze;
    use crate::theory::testing::Sketch;

    fn wait(consumers: u32, law: &Distribution, order: Discipline) -> (f64, Kind) {
        let arrivals = Arrivals::poisson(0.8 * f64::from(consumers)).unwrap();
        let mut sketch = Sketch::single(arrivals, consumers, law.clone());
        let theory = analyze(&sketch.order(0, order).network());
        let figure = theory.stages[0].figures[&Metric::mean(TimeKind::Waiting)];
        (figure.value, figure.kind)
    }

    #[test]
    fn several_consumers_gain_what_one_gains() {
        let law = Distribution::exponential(1.0).unwrap();
        let (one, exact) = wait(1, &law, Discipline::ShortestFirst);
        let (four, near) = wait(4, &law, Discipline::ShortestFirst);
        let plain = [1, 4].map(|c| wait(c, &law, Discipline::Fifo).0);
        approx::assert_relative_eq!(four / plain[1], one / plain[0], max_relative = 1e-6);
        assert_eq!((exact, near), (Kind::Exact, Kind::Approximation));
    }
}
