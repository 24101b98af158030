//! Images of Pareto laws, whole and cut.

use super::{Image, Wave, both_tails};
use statrs::function::gamma::gamma;
use std::f64::consts::{FRAC_PI_2, PI};

/// A shape nearer than this to a whole number costs the series too many digits.
const NEAR: f64 = 0.02;
/// Where the continued fraction converges faster than the series.
const LARGE: f64 = 2.0;

/// Tails heavier than this overflow before they end.
const HEAVIEST: f64 = 0.05;

/// P(X > x) = x^(−α) from 1 on, at z; `None` for α < 1.05, whose mean is infinite or nearly so.
pub(super) fn whole(shape: f64, z: Wave) -> Option<Image> {
    (shape >= 1.0 + HEAVIEST).then(|| {
        if z.norm() > LARGE {
            far(shape, z)
        } else if (shape - shape.round()).abs() > NEAR && shape < 60.0 {
            series(shape, z)
        } else {
            turned(shape, z, shape - 1.0)
        }
    })
}

fn far(shape: f64, z: Wave) -> Image {
    let lost = 1.0 - transform(shape, z);
    let mean = z * shape / (shape - 1.0);
    Image {
        lost,
        bend: mean - lost,
    }
}

/// α E_{α+1}(z), the generalized exponential integral, by its continued fraction (Lentz).
fn transform(shape: f64, z: Wave) -> Wave {
    let mut b = z + shape + 1.0;
    let mut c = Wave::new(1e300, 0.0);
    let mut d = b.inv();
    let mut value = d;
    for i in 1..10_000 {
        let n = f64::from(i);
        let a = -n * (shape + n);
        b += 2.0;
        d = (a * d + b).inv();
        c = b + a / c;
        let step = c * d;
        value *= step;
        if (step - 1.0).norm_sqr() < 1e-31 {
            break;
        }
    }
    shape * value * (-z).exp()
}

/// φ(z) = Σ (−z)ⁿ/n! · α/(α − n) + αΓ(−α)z^α.
fn series(shape: f64, z: Wave) -> Image {
    let mut term = Wave::new(1.0, 0.0);
    let mut bend = shape * gamma_of_negative(shape) * z.powf(shape);
    let mut first = Wave::new(0.0, 0.0);
    for n in 1..80 {
        let n = f64::from(n);
        term *= -z / n;
        let part = term * (shape / (shape - n));
        if n == 1.0 {
            first = -part;
        } else {
            bend += part;
        }
    }
    Image {
        lost: first - bend,
        bend,
    }
}

/// Γ(−α) = −π/(sin(πα)Γ(1 + α)).
fn gamma_of_negative(shape: f64) -> f64 {
    -PI / ((PI * shape).sin() * gamma(1.0 + shape))
}

/// X = 1 + w along the ray w = re^(−i arg z), where e^(−zw) does not oscillate; r = e^(π/2 sinh x)
/// falls steeply at both ends. The integrand falls as r^(−fall).
fn turned(shape: f64, z: Wave, fall: f64) -> Image {
    const STEP: f64 = 1.0 / 32.0;
    let ray = Wave::from_polar(1.0, -z.arg());
    let at = |x: f64| {
        let r = (FRAC_PI_2 * x.sinh()).exp();
        let slope = r * FRAC_PI_2 * x.cosh();
        let weight = (-(shape + 1.0) * (1.0 + r * ray).ln()).exp() * ray * (shape * slope);
        let argument = z + z.norm() * r;
        both_tails(argument).turned(weight)
    };
    let reach = (25.0 / fall.min(1.0)).asinh();
    let count = (reach / STEP).ceil() as i32;
    let all = (-count..=count).map(|i| at(f64::from(i) * STEP));
    all.filter(|part| part.lost.is_finite() && part.bend.is_finite())
        .fold(Image::ZERO, Image::plus)
        .times(STEP)
}

/// A Pareto law cut to [low, high]: Gauss's rule where s·high is small, else the difference of
/// two whole laws; `None` for α < 0.05 there.
pub(super) fn bounded(shape: f64, low: f64, high: f64, s: Wave) -> Option<Image> {
    let ratio = (high / low).ln();
    let beyond = (-shape * ratio).exp();
    let mass = -(-shape * ratio).exp_m1();
    if s.norm() * high <= 20.0 {
        return Some(gauss(shape, s * low, ratio).times(1.0 / mass));
    }
    if shape > 1.1 {
        let (all, cut) = whole(shape, s * low).zip(whole(shape, s * high))?;
        return Some(all.plus(cut.times(-beyond)).times(1.0 / mass));
    }
    // The mean is of the order of the largest values, so nothing cancels.
    let one = |z: Wave| match z.norm() > LARGE {
        true => 1.0 - transform(shape, z),
        false => turned(shape, z, shape).lost,
    };
    let lost = (one(s * low) - beyond * one(s * high)) / mass;
    let mean = mean_of_cut(shape, low, ratio) / mass;
    let bend = s * mean - lost;
    (shape >= HEAVIEST).then_some(Image { lost, bend })
}

/// α·low·∫ u^(−α) du, without the division by the mass.
fn mean_of_cut(shape: f64, low: f64, ratio: f64) -> f64 {
    let excess = 1.0 - shape;
    let integral = if excess == 0.0 {
        ratio
    } else {
        (excess * ratio).exp_m1() / excess
    };
    shape * low * integral
}

/// ∫ αe^(−αu) ψ(ze^u) du over 0 ≤ u ≤ ratio, in panels.
fn gauss(shape: f64, z: Wave, ratio: f64) -> Image {
    let panels = (2.0 * ratio.max(ratio * shape.min(20.0) / 8.0))
        .ceil()
        .max(1.0);
    let width = ratio / panels;
    let mut total = Image::ZERO;
    for panel in 0..panels as usize {
        let start = panel as f64 * width;
        for (x, weight) in crate::theory::numeric::gauss_nodes() {
            let u = start + width * x;
            let weight = weight * width * shape * (-shape * u).exp();
            let argument = z * u.exp();
            total = total.plus(both_tails(argument).times(weight));
        }
    }
    total
}
