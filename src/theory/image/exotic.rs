//! Images of lognormal and Weibull laws, by the trapezoidal rule along a turned path.

use super::{Image, Wave, both_tails};
use std::f64::consts::PI;

/// Halvings of the step before the rule is left as it is.
const HALVINGS: u32 = 9;
/// Standard deviations of a normal law with a mass below 1e-17 beyond.
const FAR: f64 = 8.6;
/// The square of a relative change that is the last: the next one would be its square.
const STILL: f64 = 1e-19;

/// Both parts, as integrals of `weight`·(ψ₁(z), ψ₂(z)) over a line; `path` gives z and the weight.
///
/// The trapezoidal rule converges exponentially for such integrands: every halving squares the error.
fn both(from: f64, to: f64, path: impl Fn(f64) -> (Wave, Wave)) -> Image {
    let at = |x: f64| {
        let (z, weight) = path(x);
        both_tails(z).turned(weight)
    };
    let mut count = ((to - from) / 0.5).ceil().max(8.0);
    let mut step = (to - from) / count;
    let mut sum =
        (0..=count as usize).fold(Image::ZERO, |sum, i| sum.plus(at(from + i as f64 * step)));
    let mut found = sum.times(step);
    for _ in 0..HALVINGS {
        let between = (0..count as usize).map(|i| at(from + (i as f64 + 0.5) * step));
        sum = between.fold(sum, Image::plus);
        count *= 2.0;
        step /= 2.0;
        let finer = sum.times(step);
        let change = |a: Wave, b: Wave| (a - b).norm_sqr() <= STILL * b.norm_sqr();
        let still = change(found.lost, finer.lost) && change(found.bend, finer.bend);
        found = finer;
        if still {
            break;
        }
    }
    found
}

/// e^(μ + σZ): the line of Z is moved to run through the saddle point of e^(−sX) times the normal
/// density, where −σZ = W(sσ²e^μ) with Lambert's W.
pub(super) fn lognormal(mu: f64, sigma: f64, s: Wave) -> Image {
    let saddle = -lambert(s * sigma * sigma * mu.exp()) / sigma;
    let mean = s * (mu + 0.5 * sigma * sigma).exp();
    let density = |z: Wave| (-0.5 * z * z).exp() / (2.0 * PI).sqrt();
    let place = |x: f64| {
        let z = Wave::new(x, saddle.im);
        (s * (mu + sigma * z).exp(), density(z))
    };
    if mean.norm_sqr() <= 1.0 {
        return both(-FAR, 2.0 * sigma + FAR, place);
    }
    // Far from 0 the transform itself is small and the path is best for it alone.
    let transform = single(saddle.re - FAR, saddle.re + FAR, |x| {
        let (z, weight) = place(x);
        weight * (-z).exp()
    });
    let lost = 1.0 - transform;
    Image {
        lost,
        bend: mean - lost,
    }
}

/// One integral over a line.
fn single(from: f64, to: f64, integrand: impl Fn(f64) -> Wave) -> Wave {
    let zero = Wave::new(0.0, 0.0);
    let mut count = 40usize;
    let mut step = (to - from) / count as f64;
    let mut sum = (0..=count).fold(zero, |sum, i| sum + integrand(from + i as f64 * step));
    let mut found = sum * step;
    for _ in 0..HALVINGS {
        let between = (0..count).map(|i| integrand(from + (i as f64 + 0.5) * step));
        sum = between.fold(sum, |a, b| a + b);
        count *= 2;
        step /= 2.0;
        let finer = sum * step;
        let still = (finer - found).norm_sqr() <= STILL;
        found = finer;
        if still {
            break;
        }
    }
    found
}

/// Lambert's W, principal branch, by Newton's method; near enough to place a path.
fn lambert(x: Wave) -> Wave {
    let mut w = if x.norm_sqr() < 9.0 {
        x / (1.0 + x)
    } else {
        x.ln() - x.ln().ln()
    };
    for _ in 0..6 {
        let e = w.exp();
        w -= (w * e - x) / (e * (w + 1.0));
    }
    if w.is_finite() {
        w
    } else {
        Wave::new(0.0, 0.0)
    }
}

/// E^(1/k)·scale with E exponential of mean 1; a = s·scale. The path of E is turned so far that
/// e^(−E) and e^(−sX) fall alike.
pub(super) fn weibull(shape: f64, a: Wave) -> Image {
    let turn = -a.arg() * shape / (1.0 + shape);
    let far = ((45.0 + 6.0 / shape) / turn.cos()).ln();
    both(-3.8, far + 0.02, |x| {
        // ln E = x − e^(−x): falls steeply on both sides.
        let steep = (-x).exp();
        let e = Wave::from_polar((x - steep).exp(), turn);
        let z = a * (Wave::new(x - steep, turn) / shape).exp();
        (z, (-e).exp() * e * (1.0 + steep))
    })
}
