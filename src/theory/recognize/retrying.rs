//! Orders that are refused and try again.

use super::model::Candidate;
use super::{Answer, Case, Fit, Model};
use crate::network::Capacity;
use crate::theory::{Kind, Mg1Retrial, Reason};

pub(super) const MG1_RETRIAL: Candidate = Candidate {
    model: &Model {
        name: "M/G/1 retrial",
        conditions: "Poisson arrivals, any service, 1 consumer, `capacity = 0`, `overflow = { retry = … }` after an exponential time",
        gives: "means",
        kind: Kind::Exact,
        source: "Keilson, Cozzolino and Young 1968, Oper. Res. 16; Falin and Templeton 1997, Retrial Queues",
        tests: &["tries_without_end_are_a_queue"],
    },
    fit: mg1_retrial,
};

fn mg1_retrial(case: &Case<'_>) -> Fit {
    let between = match &case.stage.capacity {
        Capacity::Retry(0, law) if case.stage.extras.is_plain() => law,
        _ => return Ok(None),
    };
    let (Some(1), true, Some(nu)) = (case.consumers(), case.poisson(), between.is_exponential())
    else {
        return Ok(None);
    };
    let moments = case.law.moments();
    if moments.second.is_infinite() {
        return Err(Reason::InfiniteVariance);
    }
    let model = Mg1Retrial::new(case.rate, moments, 1.0 / nu);
    let model = model.map_err(|error| Reason::Conditions { error })?;
    Ok(Some(Answer::new(model.figures())))
}
