//! Crommelin's roots: the zeros of z^c − e^(a(z−1)) in the unit disc.

use super::super::image::Wave;
use super::Known;
use std::f64::consts::PI;

/// All roots but 1: z = w e^(ρ(z−1)) for each c-th root w of unity but 1, by Newton's method. Only those
/// of the upper half plane; the others are their conjugates.
pub(super) fn upper(load: f64, consumers: u32) -> impl Iterator<Item = (Wave, f64)> {
    let c = f64::from(consumers);
    let rho = load / c;
    (1..=consumers / 2).map(move |j| {
        let unity = Wave::from_polar(1.0, 2.0 * PI * f64::from(j) / c);
        let mut z = unity * (rho * (unity - 1.0)).exp();
        for _ in 0..60 {
            let image = unity * (rho * (z - 1.0)).exp();
            let step = (z - image) / (1.0 - rho * image);
            z -= step;
            if step.norm_sqr() < 1e-32 {
                break;
            }
        }
        // The one at −1 is its own conjugate.
        let alone = 2 * j == consumers;
        (z, if alone { 1.0 } else { 2.0 })
    })
}

/// P(Wq > 0), mean and variance of the wait in units of D: the factorial cumulants of the number
/// waiting are those of λWq (Little's law for distributions), and its generating function is
/// e^(a(1−z)) (c − a)(z − 1) Π (z − z_j)/(1 − z_j)/(1 − z^c e^(a(1−z))), times −1.
pub(super) fn cumulants(load: f64, consumers: u32) -> Known {
    let c = f64::from(consumers);
    let gap = c - load;
    let (mut log, mut first, mut second) = (0.0, 0.0, 0.0);
    for (z, twice) in upper(load, consumers) {
        let inverse = (1.0 - z).inv();
        log -= twice * inverse.norm().ln();
        first += twice * inverse.re;
        second += twice * (inverse * inverse).re;
    }
    let g = c / gap;
    let mean = 0.5 * g - 0.5 * (c + load) + first;
    let factorial = 0.25 * g * g - 2.0 * g / 3.0 + 0.5 * c - gap * gap / 12.0 - second;
    Known {
        waits: -(gap.ln() - log).exp_m1(),
        mean: mean / load,
        variance: factorial / (load * load),
    }
}
