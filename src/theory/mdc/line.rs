//! The number waiting in M/D/c, and from it the wait.

use super::super::image::{Wave, tail_of_exponential};
use super::super::lattice::coefficients;
use super::roots;
use super::walk::pmf;
use std::f64::consts::PI;

/// The law of the number waiting: P(more than j wait).
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    load: f64,
    consumers: f64,
    /// What P(more than j wait) is beyond the geometric part.
    rest: Vec<f64>,
    /// The geometric part is height·e^(−decay·j).
    height: f64,
    decay: f64,
}

impl Line {
    pub fn new(load: f64, consumers: u32) -> Line {
        let c = f64::from(consumers);
        let gap = c - load;
        let zeros: Vec<(Wave, f64)> = roots::upper(load, consumers).collect();
        let pole = pole(load, c);
        // Π (z − z_j)/(1 − z_j) at z = 1 + x.
        let product = |x: Wave| {
            let factors = zeros.iter().map(|&(z, twice)| {
                let one = 1.0 + x / (1.0 - z);
                match twice {
                    2.0 => one * (1.0 + x / (1.0 - z.conj())),
                    _ => one,
                }
            });
            factors.fold((Wave::new(1.0, 0.0), 0.0), rescaled)
        };
        // The residue of the generating function at 1 + pole, where e^(a(1−z)) = z^(−c).
        let (value, log) = product(Wave::new(pole, 0.0));
        let slope = (load * pole - gap) / (1.0 + pole);
        let residue = (log - c * pole.ln_1p() + (gap * pole / slope).ln()).exp() * value.re;
        let decay = pole.ln_1p();
        let height = residue / (pole * (1.0 + pole));
        let size = ((40.0 * c.sqrt()) as usize + 64).next_power_of_two();
        let at = |k: usize| {
            if k == 0 {
                return Wave::new(1.0 - residue / pole, 0.0);
            }
            let angle = PI * k as f64 / size as f64;
            // z − 1 on the unit circle, without cancellation.
            let x = 2.0 * angle.sin() * Wave::from_polar(1.0, angle + 0.5 * PI);
            let h = c * log_less(x) + gap * x;
            let (value, log) = product(x);
            // e^(−ax)/(e^h − 1), from the side that does not overflow.
            let quotient = if h.re < 1.0 {
                (log - load * x).exp() / exp_less_one(h)
            } else {
                -(log - load * x - h).exp() / exp_less_one(-h)
            };
            value * quotient * x * gap - residue / (pole - x)
        };
        let waves: Vec<Wave> = (0..=size / 2).map(at).collect();
        let masses = coefficients(&waves, size);
        let mut rest: Vec<f64> = masses
            .iter()
            .rev()
            .scan(0.0, |beyond, mass| {
                let here = *beyond;
                *beyond += mass;
                Some(here)
            })
            .collect();
        rest.reverse();
        Line {
            load,
            consumers: c,
            rest,
            height,
            decay,
        }
    }

    /// P(more than j wait); j may be negative.
    fn more_than(&self, j: f64) -> f64 {
        if j < 0.0 {
            return 1.0;
        }
        let rest = self.rest.get(j as usize).copied().unwrap_or(0.0);
        self.height * (-self.decay * j).exp() + rest
    }

    /// P(Wq > t), t in units of D.
    pub fn waits_beyond(&self, t: f64) -> f64 {
        let k = t.floor() + 1.0;
        let y = self.load * (k - t);
        let last = k * self.consumers - 1.0;
        let spread = 9.0 * y.sqrt() + 40.0;
        let middle = y.floor();
        let term = |j: f64, mass: f64| mass * self.more_than(last - j);
        let peak = pmf(y, middle);
        let mut sum = term(middle, peak);
        let mut mass = peak;
        let mut j = middle;
        while j > 0.0 && j > middle - spread {
            mass *= j / y;
            j -= 1.0;
            sum += term(j, mass);
        }
        let mut mass = peak;
        let mut j = middle;
        while j < middle + spread {
            j += 1.0;
            mass *= y / j;
            sum += term(j, mass);
        }
        sum.clamp(0.0, 1.0)
    }
}

/// Multiplies, and takes what is large or small out as a logarithm.
fn rescaled((value, log): (Wave, f64), factor: Wave) -> (Wave, f64) {
    let value = value * factor;
    let size = value.norm();
    if (1e-100..1e100).contains(&size) || size == 0.0 {
        (value, log)
    } else {
        (value / size, log + size.ln())
    }
}

/// The root x > 0 of c ln(1 + x) = ax, by Newton's method from the right.
fn pole(load: f64, c: f64) -> f64 {
    let gap = c - load;
    // c ln(1 + x) − ax without cancellation; concave, and positive up to the root.
    let height = |x: f64| c * log_less(Wave::new(x, 0.0)).re + gap * x;
    let mut high = 2.0 * gap / load;
    while height(high) > 0.0 {
        high *= 2.0;
    }
    let mut x = high;
    for _ in 0..200 {
        let slope = (gap - load * x) / (1.0 + x);
        let step = height(x) / slope;
        x -= step;
        if step.abs() <= 1e-16 * x {
            break;
        }
    }
    x
}

/// ln(1 + x) − x.
fn log_less(x: Wave) -> Wave {
    if x.norm_sqr() > 0.01 {
        return (1.0 + x).ln() - x;
    }
    let mut power = x * x;
    let mut sum = Wave::new(0.0, 0.0);
    for n in 2..24 {
        let sign = if n % 2 == 0 { -1.0 } else { 1.0 };
        sum += power * (sign / f64::from(n));
        power *= x;
    }
    sum
}

/// e^h − 1.
fn exp_less_one(h: Wave) -> Wave {
    -tail_of_exponential(1, -h)
}
