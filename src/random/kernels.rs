//! Laws drawn in blocks by vector instructions.
//!
//! A first pass fills the block with uniform numbers u in (0, 1), the next ones turn them, a chunk
//! after the other, into values of the law:
//!
//! | law | of uniform numbers u, v, … |
//! | --- | --- |
//! | uniform | low + (high − low)·u |
//! | exponential | −mean·ln u |
//! | Erlang of k ≤ 8 phases | −mean·ln(u₁·u₂ ⋯ uₖ) with the mean of a phase |
//! | hyperexponential | −meanᵢ·ln u, where v chooses the phase i |
//! | normal | √(−2 ln u)·cos 2πv and √(−2 ln u)·sin 2πv (Box & Muller, "A note on the generation of random normal deviates", Annals of Mathematical Statistics 29, 1958) |
//! | lognormal | exp(μ + σ·normal) |
//! | gamma, and Erlang of more phases | by rejection, one at a time, by `rand_distr` (Marsaglia & Tsang, "A simple method for generating gamma variables", ACM TOMS 26, 2000); of a shape below 1 that of shape + 1 times u^(1/shape) |
//! | Weibull | scale·exp(ln(−ln u)/shape) |
//! | Pareto | scale·exp(−ln u/shape) |
//! | bounded Pareto | low·exp(−ln t/shape) with t = (low/high)^shape + (1 − (low/high)^shape)·u |
//! | triangular | low + √(…u) or high − √(…(1 − u)) |
//!
//! Each law is compiled for any processor, for AVX2 and for AVX-512, with the same result to the
//! last bit (see [`simd`](crate::simd)): a seed gives the same run everywhere.

use super::Stream;
use super::elementary::{Aligned, CHUNK, exp, ln, turn};
use crate::simd::{Kernel, vectorized_widest};
use rand_distr::Distribution as _;

type Chunk = [f64; CHUNK];

/// A law that is drawn from in vector instructions.
pub(super) trait BlockLaw {
    /// Fills `block`, a whole number of chunks, with independent values. To be inlined always, as
    /// all it calls.
    fn fill(&self, stream: &mut Stream, block: &mut [f64]);
}

/// Fills `block`, a whole number of chunks, with independent values of `law`.
pub(super) fn fill(law: &impl BlockLaw, stream: &mut Stream, block: &mut [f64]) {
    debug_assert_eq!(block.len() % CHUNK, 0);
    vectorized_widest(Fill { law, stream, block });
}

struct Fill<'a, L> {
    law: &'a L,
    stream: &'a mut Stream,
    block: &'a mut [f64],
}

impl<L: BlockLaw> Kernel for Fill<'_, L> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.law.fill(self.stream, self.block);
    }
}

/// Density e^(−x/mean)/mean.
#[derive(Debug, Clone)]
pub(super) struct Exponential {
    pub(super) mean: f64,
}

impl BlockLaw for Exponential {
    #[inline(always)]
    fn fill(&self, stream: &mut Stream, block: &mut [f64]) {
        stream.uniforms(block);
        for chunk in chunks(block) {
            ln(chunk);
            scale(chunk, -self.mean);
        }
    }
}

/// From `low` on, `width` wide.
#[derive(Debug, Clone)]
pub(super) struct Uniform {
    pub(super) low: f64,
    pub(super) width: f64,
}

impl BlockLaw for Uniform {
    #[inline(always)]
    fn fill(&self, stream: &mut Stream, block: &mut [f64]) {
        stream.uniforms(block);
        let (low, width) = (self.low, self.width);
        for u in block {
            *u = low + width * *u;
        }
    }
}

/// The sum of as many exponential times as `shape` says.
#[derive(Debug, Clone)]
pub(super) struct Erlang {
    pub(super) shape: u32,
    pub(super) mean_of_phase: f64,
}

impl Erlang {
    /// From here on rejection is faster. (The product of 20 uniform numbers, each at least 2⁻⁵³,
    /// could also fall below the normal floats.)
    pub(super) const LARGEST: u32 = 8;
}

impl BlockLaw for Erlang {
    #[inline(always)]
    fn fill(&self, stream: &mut Stream, block: &mut [f64]) {
        stream.uniforms(block);
        for chunk in chunks(block) {
            for _ in 1..self.shape {
                let Aligned(factors) = &uniforms(stream);
                for (product, factor) in chunk.iter_mut().zip(factors) {
                    *product *= factor;
                }
            }
            ln(chunk);
            scale(chunk, -self.mean_of_phase);
        }
    }
}

/// One of several exponential laws.
#[derive(Debug, Clone)]
pub(super) struct Hyperexponential {
    /// Probability of a phase up to and with each but the last.
    pub(super) cumulative: Box<[f64]>,
    pub(super) means: Box<[f64]>,
}

impl BlockLaw for Hyperexponential {
    #[inline(always)]
    fn fill(&self, stream: &mut Stream, block: &mut [f64]) {
        stream.uniforms(block);
        for chunk in chunks(block) {
            let Aligned(choices) = &uniforms(stream);
            let Aligned(means) = &mut Aligned([self.means[0]; CHUNK]);
            for (cumulative, next) in self.cumulative.iter().zip(&self.means[1..]) {
                let (cumulative, next) = (*cumulative, *next);
                for (mean, u) in means.iter_mut().zip(choices) {
                    *mean = if *u < cumulative { *mean } else { next };
                }
            }
            ln(chunk);
            for (x, mean) in chunk.iter_mut().zip(means) {
                *x *= -*mean;
            }
        }
    }
}

/// The exponential of a normal variable.
#[derive(Debug, Clone)]
pub(super) struct LogNormal {
    pub(super) mu: f64,
    pub(super) sigma: f64,
}

impl BlockLaw for LogNormal {
    #[inline(always)]
    fn fill(&self, stream: &mut Stream, block: &mut [f64]) {
        let (mu, sigma) = (self.mu, self.sigma);
        stream.uniforms(block);
        for chunk in chunks(block) {
            normal(chunk);
            for x in chunk.iter_mut() {
                *x = mu + sigma * *x;
            }
            exp(chunk);
        }
    }
}

/// A gamma law, by rejection (Marsaglia & Tsang), which is left to `rand_distr`; one of shape below 1
/// is that of shape + 1 times u^(1/shape), in vector instructions.
#[derive(Debug, Clone)]
pub(super) struct Gamma {
    law: rand_distr::Gamma<f64>,
    /// 1/shape of a shape below 1.
    boost: Option<f64>,
}

impl Gamma {
    /// For a valid law.
    pub(super) fn new(shape: f64, scale: f64) -> Self {
        let boosted = if shape < 1.0 { shape + 1.0 } else { shape };
        Self {
            law: rand_distr::Gamma::new(boosted, scale).expect("a valid law"),
            boost: (shape < 1.0).then_some(1.0 / shape),
        }
    }
}

impl BlockLaw for Gamma {
    #[inline(always)]
    fn fill(&self, stream: &mut Stream, block: &mut [f64]) {
        for x in &mut *block {
            *x = self.law.sample(stream);
        }
        let Some(power) = self.boost else { return };
        for chunk in chunks(block) {
            let Aligned(factors) = &mut uniforms(stream);
            ln(factors);
            scale(factors, power);
            exp(factors);
            for (x, factor) in chunk.iter_mut().zip(factors) {
                *x *= *factor;
            }
        }
    }
}

/// A power of an exponential variable.
#[derive(Debug, Clone)]
pub(super) struct Weibull {
    pub(super) power: f64,
    pub(super) scale: f64,
}

impl BlockLaw for Weibull {
    #[inline(always)]
    fn fill(&self, stream: &mut Stream, block: &mut [f64]) {
        stream.uniforms(block);
        for chunk in chunks(block) {
            ln(chunk);
            scale(chunk, -1.0);
            ln(chunk);
            scale(chunk, self.power);
            exp(chunk);
            scale(chunk, self.scale);
        }
    }
}

/// A power of a uniform variable; with a `mass` below 1 cut at `high`.
#[derive(Debug, Clone)]
pub(super) struct Pareto {
    pub(super) power: f64,
    pub(super) low: f64,
    pub(super) high: f64,
    /// P(X ≤ high) of the law without the cut.
    pub(super) mass: f64,
}

impl BlockLaw for Pareto {
    #[inline(always)]
    fn fill(&self, stream: &mut Stream, block: &mut [f64]) {
        let (low, high, mass) = (self.low, self.high, self.mass);
        stream.uniforms(block);
        for chunk in chunks(block) {
            for u in chunk.iter_mut() {
                *u = (1.0 - mass) + mass * *u;
            }
            ln(chunk);
            scale(chunk, -self.power);
            exp(chunk);
            for x in chunk.iter_mut() {
                *x = (low * *x).min(high);
            }
        }
    }
}

/// By the two branches of its quantile function.
#[derive(Debug, Clone)]
pub(super) struct Triangular {
    pub(super) low: f64,
    pub(super) mode: f64,
    pub(super) high: f64,
}

impl BlockLaw for Triangular {
    #[inline(always)]
    fn fill(&self, stream: &mut Stream, block: &mut [f64]) {
        let (low, high) = (self.low, self.high);
        let (width, left, right) = (high - low, self.mode - low, high - self.mode);
        stream.uniforms(block);
        for u in block {
            let rising = *u * width < left;
            let square = if rising {
                *u * left
            } else {
                (1.0 - *u) * right
            };
            let root = (width * square).sqrt();
            *u = if rising { low + root } else { high - root };
        }
    }
}

/// Replaces uniform by standard normal numbers.
#[inline(always)]
fn normal(chunk: &mut Chunk) {
    const HALF: usize = CHUNK / 2;
    let (halves, _) = chunk.as_chunks_mut::<HALF>();
    let [radii, angles] = halves else { return };
    ln(radii);
    let Aligned(sines) = &mut Aligned([0.0; HALF]);
    turn(angles, sines);
    for ((radius, cosine), sine) in radii.iter_mut().zip(angles).zip(sines) {
        let length = (-2.0 * *radius).sqrt();
        *radius = length * *sine;
        *cosine *= length;
    }
}

/// A chunk of uniform numbers.
#[inline(always)]
fn uniforms(stream: &mut Stream) -> Aligned<Chunk> {
    let mut chunk = Aligned([0.0; CHUNK]);
    stream.uniforms(&mut chunk.0);
    chunk
}

#[inline(always)]
fn scale(chunk: &mut Chunk, factor: f64) {
    for x in chunk {
        *x *= factor;
    }
}

#[inline(always)]
fn chunks(block: &mut [f64]) -> &mut [Chunk] {
    block.as_chunks_mut().0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::vectorized;

    /// The same bits from the kernel as compiled for any processor and for this one.
    fn check(law: &(impl BlockLaw + std::fmt::Debug)) {
        let stream = Stream::new(5, 0, "x");
        let (mut any, mut this) = ([0.0; 12 * CHUNK], [0.0; 12 * CHUNK]);
        Fill {
            law,
            stream: &mut stream.clone(),
            block: &mut any,
        }
        .call();
        let any = any.map(f64::to_bits);
        fill(law, &mut stream.clone(), &mut this);
        assert_eq!(any, this.map(f64::to_bits), "{law:?}, widest");
        vectorized(Fill {
            law,
            stream: &mut stream.clone(),
            block: &mut this,
        });
        assert_eq!(any, this.map(f64::to_bits), "{law:?}");
    }

    #[test]
    fn every_processor_draws_the_same_bits() {
        check(&Exponential { mean: 0.3 });
        check(&Uniform {
            low: 0.1,
            width: 0.7,
        });
        for shape in [1, 2, 5, Erlang::LARGEST] {
            check(&Erlang {
                shape,
                mean_of_phase: 0.3,
            });
        }
        check(&Hyperexponential {
            cumulative: [0.1, 0.1, 0.7].into(),
            means: [5.0, 1.0, 0.7, 0.1].into(),
        });
        check(&LogNormal {
            mu: -0.3,
            sigma: 1.7,
        });
        for shape in [0.3, 1.0, 400.0] {
            check(&Gamma::new(shape, 0.7));
        }
        check(&Weibull {
            power: 1.3,
            scale: 0.7,
        });
        for (mass, high) in [(1.0, f64::INFINITY), (0.9, 7.0)] {
            check(&Pareto {
                power: 0.7,
                low: 0.3,
                high,
                mass,
            });
        }
        check(&Triangular {
            low: 0.1,
            mode: 0.3,
            high: 0.9,
        });
    }

    /// Erlang's product of the smallest uniform numbers is still a normal number.
    #[test]
    fn the_longest_erlang_product_does_not_vanish() {
        let smallest = f64::EPSILON / 2.0;
        assert!(smallest.powi(Erlang::LARGEST as i32) >= f64::MIN_POSITIVE);
    }
}
