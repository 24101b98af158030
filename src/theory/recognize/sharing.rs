//! Processor sharing.

use super::model::Candidate;
use super::{Answer, Case, ClassWaits, Fit, Model};
use crate::network::{Capacity, Discipline};
use crate::theory::{Kind, ProcessorSharing, Reason};

pub(super) const PROCESSOR_SHARING: Candidate = Candidate {
    model: &Model {
        name: "M/G/c processor sharing",
        conditions: "Poisson arrivals or product form, any service, c consumers, `ps`; with `capacity` Poisson arrivals",
        gives: "means of the stage and of every class; variance of the sojourn of M/M/1",
        kind: Kind::Exact,
        source: "Sakata et al. 1971, Oper. Res. 19; Cohen 1979, Acta Informatica 12; Coffman, Muntz and Trotter 1970",
        tests: &["a_figure_labelled_exact_is_exact", "classes_add_up"],
    },
    fit: sharing,
};

fn sharing(case: &Case<'_>) -> Fit {
    let (Some(consumers), Discipline::ProcessorSharing) = (case.consumers(), case.order()) else {
        return Ok(None);
    };
    let places = match &case.stage.capacity {
        Capacity::Unbounded if case.markovian() => None,
        Capacity::Reject(places) if case.poisson() => Some(*places),
        _ => return Ok(None),
    };
    if !case.stage.extras.is_plain() {
        return Ok(None);
    }
    let model = ProcessorSharing::new(case.rate, case.law.mean(), consumers, places);
    let model = model.map_err(|error| Reason::Conditions { error })?;
    // How long two orders meet depends on what comes back: on a cycle the variance is not known.
    let exponential = case.law.exponential().is_some() && case.poisson();
    let mut answer = Answer::new(model.figures(exponential));
    let accepted = model.accepted_rate();
    let classes = case.law.classes().map(|(class, share, law)| {
        let figures = model.class_figures(law.mean(), share * accepted, exponential);
        (class, figures)
    });
    answer.classes = ClassWaits::Figures(classes.collect());
    Ok(Some(answer))
}
