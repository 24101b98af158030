//! Random values in blocks: the law is looked at once a block, and handing out a value costs a load
//! and a compare.

use super::elementary::CHUNK;
use super::sampler::Sampler;
use super::{Distribution, Stream};

/// Values drawn at once: 6 KiB, small enough for the first-level cache beside the engine's data, and
/// large enough that the cost of a block's beginning is not seen.
const BLOCK: usize = 12 * CHUNK;

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
    /// Empty until the first draw: a stream that is never drawn from costs no block.
    block: Vec<f64>,
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
            used: 0,
            block: Vec::new(),
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
        if let Some(&value) = self.block.get(self.used) {
            self.used += 1;
            return value;
        }
        self.refill();
        self.used = 1;
        self.block[0]
    }

    /// The next values together: at least one and no more than `at_most`, which is above 0. How many
    /// is a matter of what is left of the present block. It and [`next`](Self::next) go on in the
    /// same sequence.
    ///
    /// ```
    /// use orderline::random::{Distribution, Stream, Variates};
    /// let law = Distribution::exponential(2.0).unwrap();
    /// let mut one_by_one = Variates::new(Stream::new(7, 0, "x"), &law);
    /// let mut together = one_by_one.clone();
    /// assert!(together.take(10).iter().all(|&value| value == one_by_one.next()));
    /// ```
    #[inline]
    pub fn take(&mut self, at_most: usize) -> &[f64] {
        let count = self.ahead(at_most).len();
        let from = self.used;
        self.used += count;
        &self.block[from..self.used]
    }

    /// What [`take`](Self::take) would give, not taken yet.
    #[inline]
    pub fn ahead(&mut self, at_most: usize) -> &[f64] {
        if self.used == self.block.len() {
            self.refill();
        }
        let left = &self.block[self.used..];
        &left[..left.len().min(at_most)]
    }

    #[cold]
    #[inline(never)]
    fn refill(&mut self) {
        self.block.resize(BLOCK, 0.0);
        self.sampler.fill(&mut self.stream, &mut self.block);
        self.used = 0;
    }
}

/// Uniform numbers strictly between 0 and 1 from one stream, for routing and other choices.
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

    /// The next number, above 0 and below 1.
    #[inline]
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator without end would make every caller unwrap"
    )]
    pub fn next(&mut self) -> f64 {
        self.0.next()
    }
}
