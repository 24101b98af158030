//! Random values in blocks: the law is looked at once every 256 values, and handing out a value
//! costs a load and a compare.

use super::sampler::Sampler;
use super::{Distribution, Stream};

/// Values drawn at once: 2 KiB, small enough for the first-level cache beside the engine's data.
const BLOCK: usize = 256;

/// Independent values of one law from one stream.
///
/// ```
/// use orderline::random::{Distribution, Stream, Variates};
/// let law = Distribution::uniform(1.0, 2.0).unwrap();
/// let mut service = Variates::new(Stream::new(7, 0, "stage.order.service"), &law);
/// assert!((1.0..2.0).contains(&service.next()));
/// ```
#[derive(Debug, Clone)]
pub struct Variates {
    used: usize,
    block: Box<[f64; BLOCK]>,
    stream: Stream,
    sampler: Sampler,
}

impl Variates {
    /// Values of `law`, drawn from `stream`.
    ///
    /// # Panics
    /// If `law` was put together by hand from parameters that its constructor refuses.
    pub fn new(stream: Stream, law: &Distribution) -> Self {
        Self {
            used: BLOCK,
            block: Box::new([0.0; BLOCK]),
            stream,
            sampler: Sampler::new(law),
        }
    }

    /// The next value, in seconds, at least 0.
    #[inline]
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator without end would make every caller unwrap"
    )]
    pub fn next(&mut self) -> f64 {
        match self.block.get(self.used) {
            Some(&value) => {
                self.used += 1;
                value
            }
            None => self.refill(),
        }
    }

    #[cold]
    #[inline(never)]
    fn refill(&mut self) -> f64 {
        self.sampler.fill(&mut self.stream, &mut self.block[..]);
        self.used = 1;
        self.block[0]
    }
}

/// Uniform numbers in [0, 1) from one stream, for routing and other choices.
#[derive(Debug, Clone)]
pub struct Uniforms(Variates);

impl Uniforms {
    /// Uniform numbers from `stream`.
    pub fn new(stream: Stream) -> Self {
        Self(Variates::new(
            stream,
            &Distribution::Uniform {
                low: 0.0,
                high: 1.0,
            },
        ))
    }

    /// The next number, in [0, 1).
    #[inline]
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator without end would make every caller unwrap"
    )]
    pub fn next(&mut self) -> f64 {
        self.0.next()
    }
}
