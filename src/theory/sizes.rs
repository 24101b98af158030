//! Service laws as orders of service see them that look at sizes: expectations over sizes, and over
//! those below or above one.
//!
//! # Numerics
//! Values that a law takes with positive probability are added up; the rest is integrated over the
//! logarithm of the size, between the points where any law concerned starts, ends, bends or jumps,
//! adaptively and with a checked error.

use super::quadrature::{Integral, integrate};
use crate::random::{Distribution, Pieces};

/// Relative accuracy asked of every integral.
const ASKED: f64 = 1e-12;
/// Relative error, by its own estimate, up to which an integral counts as exact.
const ENOUGH: f64 = 1e-9;
/// As many single values as a law that also has a density may have.
const JUMPS: usize = 2_000;

/// A law of sizes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sizes {
    pieces: Pieces,
    /// Σ p v^k over the atoms from each on, one more than there are atoms.
    above: Vec<[f64; 4]>,
    /// The same over those before.
    below: Vec<[f64; 4]>,
    /// E\[S^k\].
    moments: [f64; 4],
}

/// Moments over the sizes below, at and above a point: E\[S^k; S < x\], x^k P(S = x), E\[S^k; S > x\].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cut {
    pub below: [f64; 4],
    pub at: [f64; 4],
    pub above: [f64; 4],
}

impl Cut {
    /// E\[S^k; S ≤ x\].
    pub fn up_to(&self, k: usize) -> f64 {
        self.below[k] + self.at[k]
    }
}

impl Sizes {
    pub fn new(law: &Distribution) -> Sizes {
        let pieces = Pieces::of(law);
        let power = |(value, p): (f64, f64)| std::array::from_fn(|k| p * value.powi(k as i32));
        let terms: Vec<[f64; 4]> = pieces.atoms.iter().map(|atom| power(*atom)).collect();
        let running = |sum: &mut [f64; 4], term: &[f64; 4]| {
            (0..4).for_each(|k| sum[k] += term[k]);
            Some(*sum)
        };
        let start = std::iter::once([0.0; 4]);
        let below = start.clone().chain(terms.iter().scan([0.0; 4], running));
        let below: Vec<[f64; 4]> = below.collect();
        let backwards = terms.iter().rev().scan([0.0; 4], running);
        let mut above: Vec<[f64; 4]> = start.chain(backwards).collect();
        above.reverse();
        Sizes {
            pieces,
            above,
            below,
            moments: std::array::from_fn(|k| if k == 0 { 1.0 } else { law.moment(k as u32) }),
        }
    }

    /// E\[S^k\].
    pub fn moment(&self, k: usize) -> f64 {
        self.moments[k]
    }

    /// The moments on both sides of a size.
    pub fn cut(&self, x: f64) -> Cut {
        let atoms = &self.pieces.atoms;
        let first = atoms.partition_point(|atom| atom.0 < x);
        let on = atoms.get(first).is_some_and(|atom| atom.0 == x);
        let next = first + usize::from(on);
        let mut cut = Cut {
            below: self.below[first],
            at: [0.0; 4],
            above: self.above[next],
        };
        if on {
            cut.at = std::array::from_fn(|k| atoms[first].1 * x.powi(k as i32));
        }
        for part in &self.pieces.smooth {
            let partial = part.partial(x);
            for k in 0..4 {
                cut.below[k] += partial.up_to[k];
                cut.above[k] += partial.above[k];
            }
        }
        cut
    }

    /// Where its distribution function jumps or bends, and where its mass is.
    fn landmarks(&self) -> impl Iterator<Item = f64> {
        let atoms = self.pieces.atoms.iter().map(|atom| atom.0);
        let smooth = self.pieces.smooth.iter();
        let ends = smooth.clone().map(|part| part.shift);
        let marks = smooth.flat_map(|part| {
            let marks = part.landmarks().into_iter();
            marks.map(|z| part.shift + z)
        });
        atoms.chain(ends).chain(marks)
    }

    /// E\[g(S)\] for several non-negative functions that may jump or bend where `world` does; `None`
    /// where an integral does not settle.
    pub fn expect<const N: usize>(
        &self,
        world: &Sizes,
        g: impl Fn(f64) -> [f64; N],
    ) -> Option<[f64; N]> {
        let mut total = Integral::ZERO;
        for (value, p) in &self.pieces.atoms {
            total.add(&Integral {
                values: g(*value).map(|y| p * y),
                errors: [0.0; N],
            });
        }
        let jumps = world.pieces.atoms.len() + self.pieces.atoms.len();
        if !self.pieces.smooth.is_empty() && jumps > JUMPS {
            return None;
        }
        for part in &self.pieces.smooth {
            let range = Range::new(
                world
                    .landmarks()
                    .chain(self.landmarks())
                    .map(|x| x - part.shift),
                part.end(),
            );
            total.add(&range.integrate(|z| {
                let density = part.weight * part.density(z);
                if density > 0.0 {
                    g(part.shift + z).map(|y| density * y)
                } else {
                    [0.0; N]
                }
            })?);
        }
        settled(&total)
    }

    /// ∫ g(x) P(S > x) dx over x > 0, for a non-negative function.
    pub fn along<const N: usize>(
        &self,
        world: &Sizes,
        g: impl Fn(f64) -> [f64; N],
    ) -> Option<[f64; N]> {
        if self.pieces.smooth.is_empty() && world.pieces.smooth.is_empty() {
            return self.in_steps(world, g);
        }
        if world.pieces.atoms.len() + self.pieces.atoms.len() > JUMPS {
            return None;
        }
        let end = self
            .pieces
            .smooth
            .iter()
            .map(|part| part.shift + part.end());
        let atoms = self.pieces.atoms.iter().map(|atom| atom.0);
        let end = end.chain(atoms).fold(0.0, f64::max);
        let range = Range::new(world.landmarks().chain(self.landmarks()), end);
        let whole = range.integrate(|x| {
            let tail = self.cut(x).above[0];
            if tail > 0.0 {
                g(x).map(|y| tail * y)
            } else {
                [0.0; N]
            }
        })?;
        settled(&whole)
    }

    /// The same where everything is constant between the values.
    fn in_steps<const N: usize>(
        &self,
        world: &Sizes,
        g: impl Fn(f64) -> [f64; N],
    ) -> Option<[f64; N]> {
        let mut marks: Vec<f64> = world.landmarks().chain(self.landmarks()).collect();
        marks.push(0.0);
        marks.sort_by(f64::total_cmp);
        marks.dedup();
        let mut total = [0.0; N];
        for ends in marks.windows(2) {
            let (from, to) = (ends[0], ends[1]);
            let tail = self.cut(from).above[0];
            if tail > 0.0 {
                let y = g(0.5 * (from + to));
                (0..N).for_each(|k| total[k] += (to - from) * tail * y[k]);
            }
        }
        Some(total)
    }
}

/// The values, if their errors are small enough.
fn settled<const N: usize>(total: &Integral<N>) -> Option<[f64; N]> {
    let good = |k: usize| {
        let value = total.values[k];
        value.is_finite() && total.errors[k] <= ENOUGH * value.abs()
    };
    (0..N).all(good).then_some(total.values)
}

/// A range of sizes from 0, with the points where functions on it may jump or bend, seen on a
/// scale of its own: ln x between the first and the last point, and drawn in to a finite length
/// before and behind.
struct Range {
    points: Vec<f64>,
    unbounded: bool,
}

impl Range {
    fn new(marks: impl Iterator<Item = f64>, end: f64) -> Range {
        let mut points: Vec<f64> = marks
            .chain([end])
            .filter(|x| x.is_finite() && *x > 0.0 && *x <= end)
            .collect();
        points.sort_by(f64::total_cmp);
        points.dedup();
        Range {
            points,
            unbounded: end.is_infinite(),
        }
    }

    fn integrate<const N: usize>(&self, f: impl Fn(f64) -> [f64; N]) -> Option<Integral<N>> {
        let (first, last) = (self.points.first()?.ln(), self.points.last()?.ln());
        let length = last - first;
        let inner = self.points.iter().map(|x| 1.0 + x.ln() - first);
        let behind = self.unbounded.then_some(2.0 + length);
        let places: Vec<f64> = std::iter::once(0.0).chain(inner).chain(behind).collect();
        let at = |place: f64| {
            let (log, slope) = if place < 1.0 {
                (first - (1.0 - place) / place, place.powi(-2))
            } else if place <= 1.0 + length {
                (first + place - 1.0, 1.0)
            } else {
                let left = 2.0 + length - place;
                (last + (1.0 - left) / left, left.powi(-2))
            };
            let x = log.exp();
            if x == 0.0 || !x.is_finite() || !slope.is_finite() {
                return [0.0; N];
            }
            f(x).map(|y| y * x * slope)
        };
        Some(integrate(at, &places, ASKED))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    fn laws() -> Vec<Distribution> {
        let parts = vec![
            Distribution::deterministic(0.7).unwrap(),
            Distribution::shifted(0.2, Distribution::weibull(0.3, 1.0).unwrap()).unwrap(),
        ];
        [
            Distribution::exponential(2.0),
            Distribution::uniform(0.0, 1.5),
            Distribution::erlang(4000, 1.2),
            Distribution::gamma(0.1, 2.0),
            Distribution::lognormal_mean_scv(1.0, 20.0),
            Distribution::pareto(3.1, 0.5),
            Distribution::bounded_pareto(1.1, 1e-3, 1e6),
            Distribution::hyperexponential(vec![0.999, 0.001], vec![1.0, 1e-4]),
            Distribution::phase_type(vec![0.5, 0.3], vec![vec![-1.0, 0.4], vec![0.6, -1.0]]),
            Distribution::triangular(0.1, 0.4, 2.0),
            Distribution::empirical(vec![0.3, 0.3, 2.0, 5.0]),
            Distribution::mixture(vec![0.4, 0.6], parts),
        ]
        .map(Result::unwrap)
        .to_vec()
    }

    #[test]
    fn expectations_are_the_moments() {
        for law in laws() {
            let sizes = Sizes::new(&law);
            let [one, mean, second] = sizes.expect(&sizes, |x| [1.0, x, x * x]).unwrap();
            assert_relative_eq!(one, 1.0, max_relative = 1e-9);
            assert_relative_eq!(mean, law.moment(1), max_relative = 1e-9);
            assert_relative_eq!(second, law.moment(2), max_relative = 1e-9);
            let [mean, half] = sizes.along(&sizes, |x| [1.0, x]).unwrap();
            assert_relative_eq!(mean, law.moment(1), max_relative = 1e-9);
            if !sizes.pieces.smooth.is_empty() {
                assert_relative_eq!(half, 0.5 * law.moment(2), max_relative = 1e-9);
            }
        }
    }

    #[test]
    fn a_cut_takes_nothing_away() {
        for law in laws() {
            let sizes = Sizes::new(&law);
            for x in [0.1, 0.3, 0.7, 1.9] {
                let cut = sizes.cut(x);
                for k in 1..4 {
                    let whole = cut.up_to(k) + cut.above[k];
                    assert_relative_eq!(whole, sizes.moment(k), max_relative = 1e-9);
                }
            }
        }
    }
}
