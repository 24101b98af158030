//! The stream of random bits behind one source of chance.

use rand::{SeedableRng, TryRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use sha2::{Digest, Sha256};
use std::convert::Infallible;

/// Changes whenever the derivation below does, so that results of different versions differ
/// visibly rather than slightly.
const LABEL: &[u8] = b"orderline stream v1\0";

/// Random bits of one source of chance in one replication.
///
/// The generator is xoshiro256++ (Blackman & Vigna, "Scrambled linear pseudorandom number
/// generators", ACM TOMS 47, 2021), seeded with the SHA-256 of a versioned label, the master seed,
/// the replication and the source's name. Therefore
///
/// - a stream depends on nothing else: not on threads, not on other sources, not on the order in
///   which streams are made, so changing one stage leaves the draws of all others alone;
/// - the bits are the same on every machine and with every version of the dependencies;
/// - streams of different names or replications start at unrelated points of a period of
///   2²⁵⁶ − 1, so that an overlap is out of the question.
///
/// ```
/// use orderline::random::Stream;
/// let mut service = Stream::new(7, 0, "stage.payment.service");
/// let mut routing = Stream::new(7, 0, "stage.payment.routing");
/// assert_ne!(service.uniform(), routing.uniform());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream(Xoshiro256PlusPlus);

impl Stream {
    /// The stream of `source` (such as `stage.payment.service`) in a replication.
    pub fn new(seed: u64, replication: u64, source: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(LABEL);
        hash.update(seed.to_le_bytes());
        hash.update(replication.to_le_bytes());
        hash.update(source.as_bytes());
        Self(Xoshiro256PlusPlus::from_seed(hash.finalize().into()))
    }

    /// 64 random bits.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        match self.0.try_next_u64() {
            Ok(bits) => bits,
            Err(never) => match never {},
        }
    }

    /// A number in [0, 1), a multiple of 2⁻⁵³.
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        const STEP: f64 = 1.0 / (1u64 << 53) as f64;
        (self.bits() >> 11) as f64 * STEP
    }

    /// A whole number below `n` (above 0), all equally probable to within n/2⁶⁴.
    #[inline]
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }
}

/// Lets the samplers of `rand_distr` draw from a stream.
impl TryRng for Stream {
    type Error = Infallible;

    #[inline]
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.0.try_next_u32()
    }

    #[inline]
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0.try_next_u64()
    }

    fn try_fill_bytes(&mut self, target: &mut [u8]) -> Result<(), Infallible> {
        self.0.try_fill_bytes(target)
    }
}
