//! Random whole numbers, such as batch sizes.

use super::choice::Choice;
use super::{DiscreteDistribution, Distribution, Stream, Variates};

/// Independent values of one law of whole numbers from one stream.
#[derive(Debug, Clone)]
pub(crate) struct Counts(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Constant(u64),
    /// Whole part of an exponential with e^(−1/mean) = 1 − p, plus 1.
    Geometric(Variates),
    Finite {
        choice: Choice,
        values: Box<[u64]>,
        stream: Stream,
    },
}

impl Counts {
    /// Values of `law`, drawn from `stream`.
    pub(crate) fn new(stream: Stream, law: &DiscreteDistribution) -> Self {
        Self(match law {
            DiscreteDistribution::Deterministic { value } => Kind::Constant(*value),
            DiscreteDistribution::Geometric { mean } if *mean == 1.0 => Kind::Constant(1),
            DiscreteDistribution::Geometric { mean } => {
                let rate = -(-1.0 / mean).ln_1p();
                Kind::Geometric(Variates::new(stream, &Distribution::Exponential { rate }))
            }
            DiscreteDistribution::Finite {
                values,
                probabilities,
            } => Kind::Finite {
                choice: Choice::new(probabilities),
                values: values.as_slice().into(),
                stream,
            },
        })
    }

    /// The next value, at least 1.
    #[inline]
    pub(crate) fn next(&mut self) -> u64 {
        match &mut self.0 {
            Kind::Constant(value) => *value,
            Kind::Geometric(exponential) => 1 + exponential.next() as u64,
            Kind::Finite {
                choice,
                values,
                stream,
            } => values[choice.index(stream.uniform())],
        }
    }
}
