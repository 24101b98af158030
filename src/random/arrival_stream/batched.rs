//! Batch arrivals.

use super::ArrivalStream;
use crate::random::choice::Choice;
use crate::random::{DiscreteDistribution, Distribution, Stream, Variates};

/// Several orders at each event of another process.
#[derive(Debug, Clone)]
pub(super) struct Batched {
    process: ArrivalStream,
    sizes: Sizes,
    time: f64,
    /// Orders of the present batch still to come.
    left: u64,
}

impl Batched {
    /// Batches at the times of `process`, their sizes drawn from `stream`.
    pub(super) fn new(process: ArrivalStream, size: &DiscreteDistribution, stream: Stream) -> Self {
        Self {
            process,
            sizes: Sizes::new(size, stream),
            time: 0.0,
            left: 0,
        }
    }

    pub(super) fn next(&mut self) -> Option<f64> {
        if self.left == 0 {
            self.time = self.process.next()?;
            self.left = self.sizes.next();
        }
        self.left -= 1;
        Some(self.time)
    }
}

/// Batch sizes.
#[derive(Debug, Clone)]
enum Sizes {
    Constant(u64),
    /// Whole part of an exponential with e^(−1/mean) = 1 − p, plus 1.
    Geometric(Variates),
    Finite {
        choice: Choice,
        values: Box<[u64]>,
        stream: Stream,
    },
}

impl Sizes {
    fn new(law: &DiscreteDistribution, stream: Stream) -> Self {
        match law {
            DiscreteDistribution::Deterministic { value } => Sizes::Constant(*value),
            DiscreteDistribution::Geometric { mean } if *mean == 1.0 => Sizes::Constant(1),
            DiscreteDistribution::Geometric { mean } => {
                let rate = -(-1.0 / mean).ln_1p();
                Sizes::Geometric(Variates::new(stream, &Distribution::Exponential { rate }))
            }
            DiscreteDistribution::Finite {
                values,
                probabilities,
            } => Sizes::Finite {
                choice: Choice::new(probabilities),
                values: values.as_slice().into(),
                stream,
            },
        }
    }

    fn next(&mut self) -> u64 {
        match self {
            Sizes::Constant(value) => *value,
            Sizes::Geometric(exponential) => 1 + exponential.next() as u64,
            Sizes::Finite {
                choice,
                values,
                stream,
            } => values[choice.index(stream.uniform())],
        }
    }
}
