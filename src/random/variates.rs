//! Random values and their sums in blocks: the law is looked at once a block, and handing out a value costs a load
//! and a compare.

use super::elementary::{Aligned, CHUNK};
use super::sampler::Sampler;
use super::{Distribution, Stream};

/// Values drawn at once: 6 KiB, small enough for the first-level cache beside the engine's data, and
/// large enough that the cost of a block's beginning is not seen.
const BLOCK: usize = 12 * CHUNK;

/// Values in a line of the cache.
const LINE: usize = size_of::<Aligned<f64>>() / size_of::<f64>();

/// A block of values and how far it has been handed out.
#[derive(Debug, Clone, Default)]
struct Block {
    used: usize,
    /// Where the values begin: at the beginning of a line of the cache.
    start: usize,
    /// Empty until the first draw: a stream that is never drawn from costs no block.
    values: Vec<f64>,
}

impl Block {
    #[inline]
    fn next(&mut self, fill: impl FnOnce(&mut [f64])) -> f64 {
        if let Some(&value) = self.values.get(self.used) {
            self.used += 1;
            return value;
        }
        self.renew(fill);
        self.used += 1;
        self.values[self.start]
    }

    #[inline]
    fn ahead(&mut self, at_most: usize, fill: impl FnOnce(&mut [f64])) -> &[f64] {
        if self.used == self.values.len() {
            self.renew(fill);
        }
        let left = &self.values[self.used..];
        &left[..left.len().min(at_most)]
    }

    #[inline]
    fn take(&mut self, at_most: usize, fill: impl FnOnce(&mut [f64])) -> &[f64] {
        let count = self.ahead(at_most, fill).len();
        let from = self.used;
        self.used += count;
        &self.values[from..self.used]
    }

    #[cold]
    #[inline(never)]
    fn renew(&mut self, fill: impl FnOnce(&mut [f64])) {
        if self.values.is_empty() {
            self.values.resize(BLOCK + LINE, 0.0);
            self.start = self
                .values
                .as_ptr()
                .align_offset(align_of::<Aligned<f64>>());
            self.start = self.start.min(LINE);
            self.values.truncate(self.start + BLOCK);
        }
        fill(&mut self.values[self.start..]);
        self.used = self.start;
    }
}

/// A law and the stream it is drawn from.
#[derive(Debug, Clone)]
struct Source {
    stream: Stream,
    sampler: Sampler,
}

impl Source {
    fn new(stream: Stream, law: &Distribution) -> Self {
        let sampler = Sampler::new(law);
        Self { stream, sampler }
    }

    fn fill(&mut self, values: &mut [f64]) {
        self.sampler.fill(&mut self.stream, values);
    }
}

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
    block: Block,
    source: Source,
}

impl Variates {
    /// Values of `law`, drawn from `stream`.
    ///
    /// # Panics
    /// If `law` was put together by hand from parameters that its constructor refuses.
    pub fn new(stream: Stream, law: &Distribution) -> Self {
        Self {
            block: Block::default(),
            source: Source::new(stream, law),
        }
    }

    /// The next value, in seconds, at least 0.
    #[inline]
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator without end would make every caller unwrap"
    )]
    pub fn next(&mut self) -> f64 {
        self.block.next(|values| self.source.fill(values))
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
        self.block.take(at_most, |values| self.source.fill(values))
    }

    /// What [`take`](Self::take) would give, not taken yet.
    #[inline]
    pub fn ahead(&mut self, at_most: usize) -> &[f64] {
        self.block.ahead(at_most, |values| self.source.fill(values))
    }
}

/// The running sum of independent values of one law: the times of a renewal process.
#[derive(Debug, Clone)]
pub(super) struct RunningSum {
    block: Block,
    source: Source,
    sum: f64,
}

impl RunningSum {
    /// The sums of values of `law`, drawn from `stream`.
    pub(super) fn new(stream: Stream, law: &Distribution) -> Self {
        Self {
            block: Block::default(),
            source: Source::new(stream, law),
            sum: 0.0,
        }
    }

    /// The sum up to and with the next value.
    #[inline]
    pub(super) fn next(&mut self) -> f64 {
        self.block.next(|values| {
            self.source.fill(values);
            add_up(&mut self.sum, values);
        })
    }

    /// The next sums, as many as there are slots.
    pub(super) fn fill(&mut self, mut slots: &mut [f64]) {
        // Whole blocks need not be copied.
        while self.block.used == self.block.values.len() && slots.len() >= BLOCK {
            let (block, later) = slots.split_at_mut(BLOCK);
            self.source.fill(block);
            add_up(&mut self.sum, block);
            slots = later;
        }
        while !slots.is_empty() {
            let sums = self.block.take(slots.len(), |values| {
                self.source.fill(values);
                add_up(&mut self.sum, values);
            });
            let (now, later) = slots.split_at_mut(sums.len());
            now.copy_from_slice(sums);
            slots = later;
        }
    }
}

/// Replaces a block of values by the sums up to them, in fours: first those within a four, then the
/// sum before it is added to each. So only every fourth sum waits for the one before, and an addition
/// takes longer to come out than four to go in: 0.3 ns a value instead of 0.8. Rounding never makes a
/// sum smaller than the one before.
fn add_up(sum: &mut f64, block: &mut [f64]) {
    let mut before = *sum;
    for four in block.as_chunks_mut::<4>().0 {
        let [a, b, c, d] = *four;
        let (b, c, d) = (a + b, a + b + c, a + b + c + d);
        *four = [before + a, before + b, before + c, before + d];
        before = four[3];
    }
    *sum = before;
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
