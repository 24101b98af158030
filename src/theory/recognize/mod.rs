//! The recognizer: for one stage the most specific exact model, else the best approximation, else
//! why there is none.
//!
//! [`MODELS`] is the list of candidates, the most specific first. Each looks at one stage ([`Case`])
//! and says whether it knows it; the first that does is the stage's model. A candidate that would
//! fit but for one condition says so ([`Reason`]), which the user sees beside the model that was
//! taken in its place.

mod answer;
mod bounded;
mod case;
mod general;
mod kendall;
mod markov;
mod priorities;
mod two_moments;
mod waitless;

pub use answer::Alternative;
pub(super) use answer::{Answer, ClassWaits};
pub(super) use case::Case;

use super::Reason;
use super::flow::Flow;

/// What a candidate says of a stage: its model, or that it is none of its cases, or why not quite.
type Fit = Result<Option<Answer>, Reason>;

/// A model or a family of models.
type Candidate = fn(&Case<'_>) -> Fit;

/// All candidates, the most specific first.
const MODELS: &[Candidate] = &[
    // No steady state: what can be said all the same.
    priorities::saturated,
    // Nobody waits.
    waitless::clockwork,
    waitless::no_queue,
    // Below here arrivals are stationary.
    stationary,
    // Poisson arrivals or product form.
    priorities::without_preemption,
    bounded::mmck,
    markov::mmc,
    general::pollaczek,
    // Other arrivals.
    general::renewal,
    general::feedback,
    // Approximations.
    two_moments::answer,
];

/// The model's figures, or why there are none.
pub(super) fn recognize(case: &Case<'_>) -> Answer {
    let mut almost = Vec::new();
    for candidate in MODELS {
        match candidate(case) {
            Ok(Some(answer)) => return answer.but(almost),
            Ok(None) => {}
            Err(reason) => almost.push(reason),
        }
    }
    if almost.is_empty() {
        almost.push(case.no_model());
    }
    Answer::nothing().but(almost)
}

/// Nothing below this fits arrivals without a stationary description.
fn stationary(case: &Case<'_>) -> Fit {
    match case.flow() {
        Flow::Varying(reason) => Ok(Some(Answer::none(reason.clone()))),
        _ => Ok(None),
    }
}
