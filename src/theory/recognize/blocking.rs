//! Stages that block each other.

use super::matrix::arrivals_at;
use super::model::Candidate;
use super::{Answer, Case, ClassWaits, Fit, Model};
use crate::theory::lines::Blocking;
use crate::theory::{BlockedLine, Kind, Reason, Turn};

pub(super) const LINE: Candidate = Candidate {
    model: &Model {
        name: "Line with blocking after service",
        conditions: "Markovian arrivals at a first stage without bound, exponential service, every further stage with `overflow = \"block\"` and fed by the one before only, at most 120 phases",
        gives: "means; the distribution of the wait at the first stage; what the line can take",
        kind: Kind::Exact,
        source: "Latouche & Neuts 1980, SIAM J. Alg. Disc. Meth. 1; Perros 1994, Queueing Networks with Blocking",
        tests: &[
            "a_figure_labelled_exact_is_exact",
            "published_capacities_of_lines",
            "many_places_make_a_jackson_tandem",
        ],
    },
    fit: line,
};

fn line(case: &Case<'_>) -> Fit {
    let unknown = || Reason::NoModel {
        place: case.stage.name.clone(),
        feature: "block",
    };
    let (line, place) = match case.blocking() {
        Blocking::Free => return Ok(None),
        Blocking::Unknown => return Err(unknown()),
        Blocking::Part(line, place) => (line, *place),
    };
    let head = Case::at(case.network, case.traffic, case.flows, line.stages[0]);
    if let Some(reason) = head.instability() {
        return Err(reason);
    }
    let arrivals = arrivals_at(&head).ok_or_else(unknown)?;
    let model = BlockedLine::new(line.model.clone(), &arrivals);
    let model = model.map_err(|error| Reason::Conditions { error })?;
    let fifo = case.turn() == Some(Turn::FirstIn);
    let mut answer = Answer::new(model.figures(place, fifo));
    if place == 0 && fifo {
        answer.waiting = model.waiting_curve();
    }
    if case.law.classes().count() > 1 {
        answer.classes = ClassWaits::Unknown;
    }
    Ok(Some(answer))
}
