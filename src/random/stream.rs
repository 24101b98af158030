//! The stream of random bits behind one source of chance.

use super::lanes::{LANES, Lanes, Row};
use crate::simd::{Kernel, vectorized_widest};
use rand::TryRng;
use sha2::{Digest, Sha256};
use std::convert::Infallible;

/// Changes whenever the derivation below does, so that results of different versions differ
/// visibly rather than slightly.
const LABEL: &[u8] = b"orderline stream v2\0";

/// Random bits of one source of chance in one replication.
///
/// The generator is xoshiro256++ (Blackman & Vigna, "Scrambled linear pseudorandom number
/// generators", ACM TOMS 47, 2021) in sixteen lanes that take turns: word n of the stream is word
/// n div 16 of lane n mod 16. A lane is seeded with the SHA-256 of its number and a key, the key
/// being the SHA-256 of a versioned label, the master seed, the replication and the source's name.
/// Therefore
///
/// - a stream depends on nothing else: not on threads, not on other sources, not on the order in
///   which streams are made, so changing one stage leaves the draws of all others alone;
/// - the bits are the same on every machine and with every version of the dependencies, and however
///   many are asked for at a time;
/// - lanes, and streams of different names or replications, start at unrelated points of a period
///   of 2²⁵⁶ − 1, so that an overlap is out of the question.
///
/// A stream that is never drawn from costs next to nothing: the lanes are made at the first draw.
///
/// ```
/// use orderline::random::Stream;
/// let mut service = Stream::new(7, 0, "stage.payment.service");
/// let mut routing = Stream::new(7, 0, "stage.payment.routing");
/// assert_ne!(service.uniform(), routing.uniform());
/// ```
#[derive(Debug, Clone)]
pub struct Stream {
    /// Has taken in what the key is made of.
    source: Sha256,
    drawn: Option<Box<Drawn>>,
}

/// What a stream needs from its first draw on.
#[derive(Debug, Clone)]
struct Drawn {
    lanes: Lanes,
    /// The latest row of words that was not taken as a whole.
    row: Row,
    /// How many words of it are gone.
    used: usize,
}

impl Stream {
    /// The stream of `source` (such as `stage.payment.service`) in a replication.
    pub fn new(seed: u64, replication: u64, source: &str) -> Self {
        let source = Sha256::new()
            .chain_update(LABEL)
            .chain_update(seed.to_le_bytes())
            .chain_update(replication.to_le_bytes())
            .chain_update(source.as_bytes());
        Self {
            source,
            drawn: None,
        }
    }

    /// 64 random bits.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        self.drawn().next()
    }

    /// A number strictly between 0 and 1: (k + ½)·2⁻⁵² for a k of 52 random bits. Its logarithm is
    /// therefore a number, and never 0.
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        unit(self.bits())
    }

    /// A whole number below `n` (above 0), all equally probable to within n/2⁶⁴.
    #[inline]
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }

    /// Fills `block` with the numbers that [`uniform`](Self::uniform) would give one by one, in the
    /// vector instructions of the caller.
    #[inline(always)]
    pub(super) fn uniforms(&mut self, block: &mut [f64]) {
        let drawn = self.drawn();
        let left = block.len().min(LANES - drawn.used);
        let (left, block) = block.split_at_mut(left);
        left.iter_mut().for_each(|u| *u = unit(drawn.next()));
        let (rows, rest) = block.as_chunks_mut();
        drawn.lanes.fill(rows, unit);
        rest.iter_mut().for_each(|u| *u = unit(drawn.next()));
    }

    /// [`uniforms`](Self::uniforms) for callers that are not compiled for vectors themselves.
    pub(super) fn fill(&mut self, block: &mut [f64]) {
        vectorized_widest(FillUniform(self, block));
    }

    #[inline]
    fn drawn(&mut self) -> &mut Drawn {
        self.drawn.get_or_insert_with(|| Drawn::new(&self.source))
    }
}

impl Drawn {
    #[cold]
    #[inline(never)]
    fn new(source: &Sha256) -> Box<Self> {
        Box::new(Self {
            lanes: Lanes::new(&source.clone().finalize()),
            row: [0; LANES],
            used: LANES,
        })
    }

    #[inline]
    fn next(&mut self) -> u64 {
        if self.used == LANES {
            self.row = self.lanes.next();
            self.used = 0;
        }
        let word = self.row[self.used];
        self.used += 1;
        word
    }
}

/// (k + ½)·2⁻⁵² of the upper 52 bits k: they are put behind the point of a number in [1, 2), from
/// which 1 − 2⁻⁵³ is taken. Both steps are exact.
#[inline(always)]
fn unit(word: u64) -> f64 {
    f64::from_bits((word >> 12) | 1f64.to_bits()) - (1.0 - f64::EPSILON / 2.0)
}

/// Lets the samplers of `rand_distr` draw from a stream.
impl TryRng for Stream {
    type Error = Infallible;

    #[inline]
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.bits() >> 32) as u32)
    }

    #[inline]
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.bits())
    }

    fn try_fill_bytes(&mut self, target: &mut [u8]) -> Result<(), Infallible> {
        for bytes in target.chunks_mut(8) {
            bytes.copy_from_slice(&self.bits().to_le_bytes()[..bytes.len()]);
        }
        Ok(())
    }
}

struct FillUniform<'a>(&'a mut Stream, &'a mut [f64]);

impl Kernel for FillUniform<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.0.uniforms(self.1);
    }
}
