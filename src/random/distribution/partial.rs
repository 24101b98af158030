//! Densities and partial moments: what orders of service that look at sizes are made of.

use super::Distribution;
use super::phases::Phases;
use statrs::function::erf::erfc;
use statrs::function::gamma::{gamma, gamma_lr, gamma_ur, ln_gamma};
use std::f64::consts::{PI, SQRT_2};

/// Which side of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// Up to the point, the point included.
    UpTo,
    /// Above it.
    Above,
}

/// E\[X^k; X ≤ x\] and E\[X^k; X > x\] for k from 0 to 3.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Partial {
    pub up_to: [f64; 4],
    pub above: [f64; 4],
}

/// What a law is made of: single values, and laws that have a density.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pieces {
    /// Values with their probabilities, sorted, each once.
    pub atoms: Vec<(f64, f64)>,
    /// Laws with a density.
    pub smooth: Vec<Smooth>,
}

/// A law with a density, its weight, and the constant that is added to it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Smooth {
    pub weight: f64,
    pub shift: f64,
    law: Distribution,
}

impl Pieces {
    /// The pieces of a law.
    pub fn of(law: &Distribution) -> Pieces {
        let mut pieces = Pieces {
            atoms: Vec::new(),
            smooth: Vec::new(),
        };
        pieces.add(law, 1.0, 0.0);
        pieces.atoms.sort_by(|a, b| a.0.total_cmp(&b.0));
        pieces.atoms.dedup_by(|next, first| {
            let same = next.0 == first.0;
            if same {
                first.1 += next.1;
            }
            same
        });
        pieces
    }

    fn add(&mut self, law: &Distribution, weight: f64, shift: f64) {
        if weight <= 0.0 {
            return;
        }
        match law {
            Distribution::Deterministic { value } => {
                return self.atoms.push((shift + value, weight));
            }
            Distribution::Empirical { values } => {
                let each = weight / values.len() as f64;
                return self.atoms.extend(values.iter().map(|v| (shift + v, each)));
            }
            Distribution::Mixture {
                weights,
                components,
            } => {
                let parts = weights.iter().zip(components);
                return parts.for_each(|(w, part)| self.add(part, weight * w, shift));
            }
            Distribution::Shifted { by, of } => return self.add(of, weight, shift + by),
            Distribution::PhaseType { alpha, t } => {
                // What α lacks to 1 by more than rounding is an atom at 0.
                let mass: f64 = alpha.iter().sum();
                if mass < 1.0 - 1e-12 {
                    self.atoms.push((shift, weight * (1.0 - mass)));
                    let alpha = alpha.iter().map(|a| a / mass).collect();
                    let law = Distribution::PhaseType {
                        alpha,
                        t: t.clone(),
                    };
                    return self.add(&law, weight * mass, shift);
                }
            }
            _ => {}
        }
        self.smooth.push(Smooth {
            weight,
            shift,
            law: law.clone(),
        });
    }
}

impl Smooth {
    /// The density at a time z after the shift, the weight left out.
    pub fn density(&self, z: f64) -> f64 {
        let law = &self.law;
        match law {
            Distribution::Exponential { rate } => rate * (-rate * z).exp(),
            Distribution::Uniform { low, high } => inside(z, *low, *high) / (high - low),
            Distribution::Erlang { shape, rate } => gamma_density(f64::from(*shape), 1.0 / rate, z),
            Distribution::Gamma { shape, scale } => gamma_density(*shape, *scale, z),
            Distribution::LogNormal { mu, sigma } => {
                let standard = (z.ln() - mu) / sigma;
                (-0.5 * standard * standard).exp() / (z * sigma * (2.0 * PI).sqrt())
            }
            Distribution::Weibull { shape, scale } => {
                let power = (z / scale).powf(*shape);
                shape / z * power * (-power).exp()
            }
            Distribution::Pareto { shape, scale } => {
                inside(z, *scale, f64::INFINITY) * shape / z * (scale / z).powf(*shape)
            }
            Distribution::BoundedPareto { shape, low, high } => {
                let mass = -(shape * (low / high).ln()).exp_m1();
                inside(z, *low, *high) * shape / z * (low / z).powf(*shape) / mass
            }
            Distribution::Hyperexponential {
                probabilities,
                rates,
            } => mix(probabilities, rates, |rate| rate * (-rate * z).exp()),
            Distribution::Triangular { low, mode, high } => {
                let (slope, width) = (if z < *mode { z - low } else { high - z }, high - low);
                let side = if z < *mode { mode - low } else { high - mode };
                inside(z, *low, *high) * 2.0 * slope / (width * side)
            }
            Distribution::Coxian {
                rates,
                probabilities,
            } => Phases::coxian(rates, probabilities).density(z),
            Distribution::PhaseType { alpha, t } => Phases::new(alpha, t).density(z),
            Distribution::Deterministic { .. }
            | Distribution::Empirical { .. }
            | Distribution::Mixture { .. }
            | Distribution::Shifted { .. } => 0.0, // these are taken to pieces
        }
    }

    /// The partial moments at x, the shift and the weight included.
    pub fn partial(&self, x: f64) -> Partial {
        let Partial { up_to, above } = unshifted(&self.law, x - self.shift);
        Partial {
            up_to: self.moved(up_to),
            above: self.moved(above),
        }
    }

    fn moved(&self, moments: [f64; 4]) -> [f64; 4] {
        if self.shift == 0.0 {
            return moments.map(|m| self.weight * m);
        }
        std::array::from_fn(|k| {
            let terms = (0..=k).map(|j| {
                let rest = self.shift.powi((k - j) as i32);
                BINOMIAL[k][j] * rest * moments[j]
            });
            self.weight * terms.sum::<f64>()
        })
    }

    /// Times after the shift at which the density starts, ends or bends, and some between that show
    /// where its mass is; sorted.
    pub fn landmarks(&self) -> Vec<f64> {
        const SHARES: [f64; 9] = [0.0, 1e-12, 1e-4, 0.1, 0.5, 0.9, 0.9999, 1.0 - 1e-12, 1.0];
        let mut marks: Vec<f64> = SHARES.map(|share| self.law.quantile(share)).to_vec();
        match &self.law {
            Distribution::Triangular { mode, .. } => marks.push(*mode),
            Distribution::Hyperexponential { rates, .. } | Distribution::Coxian { rates, .. } => {
                marks.extend(rates.iter().map(|rate| 1.0 / rate));
            }
            _ => {}
        }
        marks.retain(|z| z.is_finite() && *z > 0.0);
        marks.sort_by(f64::total_cmp);
        marks
    }

    /// The right end of the law, after the shift.
    pub fn end(&self) -> f64 {
        self.law.quantile(1.0)
    }
}

const BINOMIAL: [[f64; 4]; 4] = [
    [1.0, 0.0, 0.0, 0.0],
    [1.0, 1.0, 0.0, 0.0],
    [1.0, 2.0, 1.0, 0.0],
    [1.0, 3.0, 3.0, 1.0],
];

/// The partial moments of a law with a density.
fn unshifted(law: &Distribution, x: f64) -> Partial {
    let whole = || std::array::from_fn(|k| if k == 0 { 1.0 } else { law.moment(k as u32) });
    if x <= 0.0 {
        return Partial {
            up_to: [0.0; 4],
            above: whole(),
        };
    }
    let phases = match law {
        Distribution::Coxian {
            rates,
            probabilities,
        } => Phases::coxian(rates, probabilities),
        Distribution::PhaseType { alpha, t } => Phases::new(alpha, t),
        _ => {
            return Partial {
                up_to: std::array::from_fn(|k| one_side(law, k as u32, x, Side::UpTo)),
                above: std::array::from_fn(|k| one_side(law, k as u32, x, Side::Above)),
            };
        }
    };
    let (above, whole) = (phases.above(x), phases.above(0.0));
    Partial {
        up_to: std::array::from_fn(|k| (whole[k] - above[k]).max(0.0)),
        above,
    }
}

/// E\[X^k; X ≤ x\] or E\[X^k; X > x\] for x > 0, where there is a closed form.
fn one_side(law: &Distribution, k: u32, x: f64, side: Side) -> f64 {
    let power = k as i32;
    match law {
        Distribution::Exponential { rate } => gamma_partial(1.0, 1.0 / rate, k, x, side),
        Distribution::Erlang { shape, rate } => {
            gamma_partial(f64::from(*shape), 1.0 / rate, k, x, side)
        }
        Distribution::Gamma { shape, scale } => gamma_partial(*shape, *scale, k, x, side),
        Distribution::Hyperexponential {
            probabilities,
            rates,
        } => mix(probabilities, rates, |rate| {
            gamma_partial(1.0, 1.0 / rate, k, x, side)
        }),
        Distribution::Weibull { shape, scale } => {
            let order = 1.0 + f64::from(k) / shape;
            scale.powi(power) * gamma(order) * incomplete(order, (x / scale).powf(*shape), side)
        }
        Distribution::LogNormal { mu, sigma } => {
            let order = f64::from(k);
            let whole = (order * mu + 0.5 * (order * sigma).powi(2)).exp();
            let standard = (x.ln() - mu - order * sigma * sigma) / (sigma * SQRT_2);
            whole
                * 0.5
                * erfc(if side == Side::UpTo {
                    -standard
                } else {
                    standard
                })
        }
        Distribution::Uniform { low, high } => {
            let (from, to) = cut(*low, *high, x, side);
            powers(from, to, k) / (high - low)
        }
        Distribution::Triangular { low, mode, high } => {
            let (from, to) = cut(*low, *high, x, side);
            triangular(*low, *mode, *high, k, from, to)
        }
        Distribution::Pareto { shape, scale } => {
            let (from, to) = cut(*scale, f64::INFINITY, x, side);
            power_law(*shape, *scale, k, from, to)
        }
        Distribution::BoundedPareto { shape, low, high } => {
            let (from, to) = cut(*low, *high, x, side);
            let mass = -(shape * (low / high).ln()).exp_m1();
            power_law(*shape, *low, k, from, to) / mass
        }
        Distribution::Coxian { .. }
        | Distribution::PhaseType { .. }
        | Distribution::Deterministic { .. }
        | Distribution::Empirical { .. }
        | Distribution::Mixture { .. }
        | Distribution::Shifted { .. } => 0.0, // by their phases, or taken to pieces
    }
}

fn inside(z: f64, low: f64, high: f64) -> f64 {
    if z >= low && z <= high { 1.0 } else { 0.0 }
}

fn mix(weights: &[f64], rates: &[f64], value: impl Fn(f64) -> f64) -> f64 {
    let pairs = weights.iter().zip(rates);
    pairs.map(|(weight, &rate)| weight * value(rate)).sum()
}

/// The part of [low, high] on one side of x.
fn cut(low: f64, high: f64, x: f64, side: Side) -> (f64, f64) {
    let x = x.clamp(low, high);
    match side {
        Side::UpTo => (low, x),
        Side::Above => (x, high),
    }
}

fn gamma_density(shape: f64, scale: f64, z: f64) -> f64 {
    let x = z / scale;
    ((shape - 1.0) * x.ln() - x - ln_gamma(shape)).exp() / scale
}

/// θ^k Γ(a + k)/Γ(a) times an incomplete gamma function of a + k.
fn gamma_partial(shape: f64, scale: f64, k: u32, x: f64, side: Side) -> f64 {
    let whole: f64 = (0..k).map(|i| (shape + f64::from(i)) * scale).product();
    whole * incomplete(shape + f64::from(k), x / scale, side)
}

fn incomplete(shape: f64, x: f64, side: Side) -> f64 {
    match (side, x) {
        (Side::UpTo, 0.0) | (Side::Above, f64::INFINITY) => 0.0,
        (Side::UpTo, f64::INFINITY) | (Side::Above, 0.0) => 1.0,
        (Side::UpTo, x) => gamma_lr(shape, x),
        (Side::Above, x) => gamma_ur(shape, x),
    }
}

/// ∫ t^k dt, as (to − from) times the mean of the power: nothing cancels but the width.
fn powers(from: f64, to: f64, k: u32) -> f64 {
    let sum: f64 = (0..=k)
        .map(|j| from.powi(j as i32) * to.powi((k - j) as i32))
        .sum();
    (to - from) * sum / f64::from(k + 1)
}

/// The rising side's part plus the falling side's.
fn triangular(low: f64, mode: f64, high: f64, k: u32, from: f64, to: f64) -> f64 {
    let width = high - low;
    let (a, b) = (from.min(mode), to.min(mode));
    let (c, d) = (from.max(mode), to.max(mode));
    let mut total = 0.0;
    if b > a {
        total += (powers(a, b, k + 1) - low * powers(a, b, k)) / (mode - low);
    }
    if d > c {
        total += (high * powers(c, d, k) - powers(c, d, k + 1)) / (high - mode);
    }
    (2.0 * total / width).max(0.0)
}

/// ∫ t^k α s^α t^(−α−1) dt, in logarithms as in the moments.
fn power_law(shape: f64, scale: f64, k: u32, from: f64, to: f64) -> f64 {
    if to <= from {
        return 0.0;
    }
    let excess = f64::from(k) - shape;
    let ratio = (to / from).ln();
    let start = shape * scale.powi(k as i32) * (excess * (from / scale).ln()).exp();
    match (to.is_finite(), excess == 0.0) {
        (true, true) => start * ratio,
        (true, false) => start * (excess * ratio).exp_m1() / excess,
        (false, _) if excess >= 0.0 => f64::INFINITY,
        (false, _) => start / -excess,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    fn laws() -> Vec<Distribution> {
        [
            Distribution::exponential(2.0),
            Distribution::uniform(0.5, 1.5),
            Distribution::erlang(3, 1.2),
            Distribution::gamma(0.4, 2.0),
            Distribution::lognormal_mean_scv(1.0, 4.0),
            Distribution::weibull(0.7, 1.0),
            Distribution::pareto(3.5, 0.5),
            Distribution::bounded_pareto(1.5, 0.2, 30.0),
            Distribution::hyperexponential_mean_scv(1.0, 4.0),
            Distribution::coxian(vec![2.0, 0.25], vec![0.125]),
            Distribution::phase_type(vec![0.5, 0.3], vec![vec![-1.0, 0.4], vec![0.6, -1.0]]),
            Distribution::triangular(0.1, 0.4, 2.0),
            Distribution::shifted(0.3, Distribution::exponential(1.0).unwrap()),
        ]
        .map(Result::unwrap)
        .to_vec()
    }

    fn partial(pieces: &Pieces, k: usize, x: f64) -> (f64, f64) {
        let smooth = pieces.smooth.iter().map(|s| s.partial(x));
        let (mut up_to, mut above) = (0.0, 0.0);
        for part in smooth {
            up_to += part.up_to[k];
            above += part.above[k];
        }
        for (value, p) in &pieces.atoms {
            let term = p * value.powi(k as i32);
            *(if *value <= x { &mut up_to } else { &mut above }) += term;
        }
        (up_to, above)
    }

    #[test]
    fn both_sides_add_up_to_the_moment_and_agree_with_the_distribution_function() {
        for law in laws() {
            let pieces = Pieces::of(&law);
            for x in [0.05, 0.31, 0.7, 1.3, 4.0] {
                let (below, above) = partial(&pieces, 0, x);
                assert_relative_eq!(below, law.cdf(x), epsilon = 1e-11);
                let ccdf = law.ccdf(x);
                assert_relative_eq!(above, ccdf, max_relative = 1e-10, epsilon = 1e-14);
                for k in 1..=3 {
                    let (below, above) = partial(&pieces, k, x);
                    let moment = law.moment(k as u32);
                    assert_relative_eq!(below + above, moment, max_relative = 1e-10);
                }
            }
        }
    }

    #[test]
    fn the_density_is_the_slope_of_every_partial_moment() {
        for law in laws() {
            for part in Pieces::of(&law).smooth {
                for x in [0.45, 0.7, 1.3] {
                    let step = 1e-5;
                    let density = part.weight * part.density(x - part.shift);
                    let (left, right) = (part.partial(x - step), part.partial(x + step));
                    for k in 0..=3 {
                        let slope = (right.up_to[k] - left.up_to[k]) / (2.0 * step);
                        let expected = density * x.powi(k as i32);
                        assert_relative_eq!(slope, expected, max_relative = 1e-5, epsilon = 1e-8);
                    }
                }
            }
        }
    }

    #[test]
    fn equal_values_are_one_atom() {
        let one = Distribution::deterministic(1.0).unwrap();
        let two = Distribution::empirical(vec![0.5, 1.0]).unwrap();
        let law = Distribution::mixture(vec![0.5, 0.5], vec![one, two]).unwrap();
        assert_eq!(Pieces::of(&law).atoms, [(0.5, 0.25), (1.0, 0.75)]);
    }
}
