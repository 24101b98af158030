//! The recognizer: for one stage the most specific exact model, else the best approximation, else
//! why there is none.
//!
//! [`CANDIDATES`] is the list of models, the most specific first; it is also the catalogue. Each looks
//! at one stage ([`Case`]) and says whether it knows it; the first that does is the stage's model. One
//! that would fit but for one condition says so ([`Reason`]), which the user sees beside the model that
//! was taken in its place.

mod answer;
mod blocking;
mod bounded;
mod breaking;
mod by_class;
mod case;
mod general;
mod impatient;
mod in_turn;
mod interrupted;
mod kendall;
mod markov;
mod matrix;
mod model;
mod poisson;
mod priorities;
mod retrying;
mod sharing;
mod shortest;
mod tandem;
mod turning_away;
mod two_moments;
mod varying;
mod waitless;

pub use answer::Alternative;
pub(super) use answer::{Answer, ClassWaits};
pub(super) use case::Case;
pub use model::Model;

use super::Reason;
use super::flow::Flow;
use super::lines::Blocking;
use model::Candidate;

/// What a candidate says of a stage: its model, or that it is none of its cases, or why not quite.
type Fit = Result<Option<Answer>, Reason>;

/// All models of single stages, the most specific first.
const CANDIDATES: &[Candidate] = &[
    // Stages that block each other: no other model covers these.
    blocking::LINE,
    // Nobody waits.
    waitless::CLOCKWORK,
    varying::UNLIMITED,
    waitless::NO_QUEUE,
    waitless::LOSS,
    // Arrivals that vary with time.
    varying::EXPONENTIAL,
    varying::APPROXIMATIONS,
    matrix::MAP_PH_C_K,
    waitless::GENERAL_LOSS,
    // Poisson arrivals or product form.
    sharing::PROCESSOR_SHARING,
    priorities::NON_PREEMPTIVE,
    priorities::PREEMPTIVE,
    interrupted::TWO_LEVELS,
    shortest::SHORTEST,
    bounded::MMCK,
    markov::MM1,
    markov::MMC,
    poisson::MDC,
    poisson::BATCH,
    poisson::BATCHES,
    poisson::MG1K,
    general::RENEWAL,
    matrix::MAP_PH_C,
    matrix::BREAKDOWNS,
    matrix::RETRIAL,
    general::POLLACZEK,
    impatient::ERLANG_A,
    impatient::ANY_PATIENCE,
    retrying::MG1_RETRIAL,
    breaking::BUSY,
    turning_away::BALKING,
    turning_away::BULK,
    in_turn::IN_TURN,
    // Other arrivals.
    general::FEEDBACK,
    tandem::TANDEM,
    // Approximations.
    priorities::TWO_MOMENTS,
    shortest::SEVERAL,
    interrupted::SCALED,
    bounded::GGCK,
    impatient::GENERAL,
    two_moments::GIGC,
];

/// The models of single stages, the most specific first.
pub(super) fn stage_models() -> impl Iterator<Item = &'static Model> {
    CANDIDATES.iter().map(|candidate| candidate.model)
}

/// The model's figures, or why there are none.
pub(super) fn recognize(case: &Case<'_>) -> Answer {
    if let Some(reason) = case.instability() {
        let transient = varying::outlook(case);
        return Answer {
            transient,
            ..priorities::saturated(case, reason)
        };
    }
    let mut almost = Vec::new();
    let all = match case.blocking() {
        Blocking::Free => CANDIDATES,
        _ => &CANDIDATES[..1],
    };
    for candidate in all {
        match (candidate.fit)(case) {
            Ok(Some(answer)) => return answer.of(candidate.model).but(almost),
            Ok(None) => {}
            Err(reason) if almost.contains(&reason) => {}
            Err(reason) => almost.push(reason),
        }
    }
    if let Flow::Varying(reason) = case.flow() {
        return Answer::none(reason.clone()).but(almost);
    }
    if almost.is_empty() {
        almost.push(case.no_model());
    }
    Answer::nothing().but(almost)
}
