//! Why there is no figure: the assumption that is violated.

use super::ModelError;
use std::fmt;

/// Why a stage or the pipeline has no (or not all) figures.
#[derive(Debug, Clone, PartialEq)]
pub enum Reason {
    /// No order ever comes here.
    NoOrders,
    /// A producer whose rate changes with time feeds the place.
    VaryingArrivals {
        /// The producer's name.
        producer: String,
    },
    /// A producer that replays recorded times feeds the place.
    RecordedArrivals {
        /// The producer's name.
        producer: String,
    },
    /// Orders come faster than they can be served.
    Overloaded {
        /// The stage's name.
        stage: String,
        /// ρ, above 1.
        load: f64,
    },
    /// Orders come just as fast as they can be served (up to rounding).
    Critical {
        /// The stage's name.
        stage: String,
    },
    /// The formula's own conditions do not hold.
    Conditions {
        /// What it refuses.
        error: ModelError,
    },
    /// The variance of service or gaps is infinite, and every formula that fits needs it.
    InfiniteVariance,
    /// So many may wait that the sums for the distribution of the wait have too many terms.
    LongSums {
        /// The stage's name.
        stage: String,
    },
    /// The chain of the exact solution has more phases than can be solved while the user waits.
    LargeChain {
        /// The stage's name.
        stage: String,
    },
    /// A formula fits, but its integrals could not be computed exactly enough.
    Unsettled {
        /// The stage's name.
        stage: String,
    },
    /// No formula here covers a feature of the scenario.
    NoModel {
        /// The stage or the producer.
        place: String,
        /// As the scenario file calls it.
        feature: &'static str,
    },
    /// A feature of the scenario breaks an assumption of every formula here.
    Violated {
        /// The stage or the scenario.
        place: String,
        /// As the scenario file calls it.
        feature: &'static str,
        /// The assumption that fails.
        why: &'static str,
    },
    /// Orders can go round for ever, or the flows did not settle.
    NoFlows,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::NoOrders => write!(f, "no order comes here"),
            Reason::VaryingArrivals { producer } => {
                write!(f, "arrivals vary with time (producer `{producer}`)")
            }
            Reason::RecordedArrivals { producer } => {
                write!(f, "recorded arrivals (producer `{producer}`)")
            }
            Reason::Overloaded { stage, load } => write!(
                f,
                "offered load {} of capacity at stage `{stage}`: no steady state",
                rounded(*load)
            ),
            Reason::Critical { stage } => write!(
                f,
                "offered load equal to the capacity at stage `{stage}`: no steady state, though no steady growth either"
            ),
            Reason::Conditions { error } => error.fmt(f),
            Reason::InfiniteVariance => {
                write!(
                    f,
                    "the variance of service or gaps is infinite, and two moments are needed"
                )
            }
            Reason::LongSums { stage } => write!(
                f,
                "so many may wait at stage `{stage}` that the distribution of the wait is too long a sum"
            ),
            Reason::LargeChain { stage } => write!(
                f,
                "so many phases of arrivals and service at stage `{stage}` that the exact chain takes too long to solve"
            ),
            Reason::Unsettled { stage } => write!(
                f,
                "the integrals over the sizes of orders at stage `{stage}` are not known exactly enough"
            ),
            Reason::NoModel { place, feature } => {
                write!(f, "no formula for `{feature}` of `{place}`")
            }
            Reason::Violated {
                place,
                feature,
                why,
            } => write!(f, "no formula for `{feature}` of `{place}`: {why}"),
            Reason::NoFlows => write!(
                f,
                "the traffic equations have no solution: orders never leave"
            ),
        }
    }
}

/// A load with at most four decimals, but never rounded to 1.
fn rounded(load: f64) -> f64 {
    let short = (load * 1e4).round() / 1e4;
    if short == 1.0 { load } else { short }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overload_says_how_much() {
        let reason = Reason::Overloaded {
            stage: "order".to_owned(),
            load: 1.2000000000000002,
        };
        let text = "offered load 1.2 of capacity at stage `order`: no steady state";
        assert_eq!(reason.to_string(), text);
    }
}
