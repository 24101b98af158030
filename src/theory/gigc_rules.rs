//! The published two-moment rules for the mean wait and the probability of waiting of GI/G/c.
//!
//! # References
//! W. Krämer, M. Langenbach-Belz (1976), *Approximate formulae for the delay in the queueing system
//! GI/G/1*, Proc. 8th Int. Teletraffic Congress; W. G. Marchal (1976), *An approximate formula for waiting
//! time in single server queues*, AIIE Transactions 8; A. O. Allen (1990), *Probability, Statistics and
//! Queueing Theory*, 2nd ed., section 5.3 (Allen–Cunneen); T. Kimura (1986), *A two-moment approximation
//! for the mean waiting time in the GI/G/s queue*, Management Science 32; W. Whitt (1993), *Approximations
//! for the GI/G/m queue*, Production and Operations Management 2, 114–161, sections 2.3 and 3; J. F. C.
//! Kingman (1970), *Inequalities in the theory of queues*, J. Royal Statistical Society B 32 (the bound
//! for c consumers).

use super::erlang_c;
use statrs::function::erf::erfc;
use std::f64::consts::SQRT_2;

/// A GI/G/c queue in units of the mean service.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rules {
    /// ρ.
    pub load: f64,
    /// ca².
    pub arrivals: f64,
    /// cs².
    pub service: f64,
    pub consumers: u32,
}

impl Rules {
    fn c(&self) -> f64 {
        f64::from(self.consumers)
    }

    /// C(c, cρ).
    fn markov_probability(&self) -> f64 {
        erlang_c(self.consumers, self.load * self.c())
    }

    /// Wq of M/M/c.
    fn markov(&self) -> f64 {
        self.markov_probability() / (self.c() * (1.0 - self.load))
    }

    /// (ca² + cs²)/2.
    fn spread(&self) -> f64 {
        0.5 * (self.arrivals + self.service)
    }

    /// Krämer and Langenbach-Belz; only for one consumer.
    pub fn kramer_langenbach_belz(&self) -> f64 {
        let (rho, ca, cs) = (self.load, self.arrivals, self.service);
        if ca + cs == 0.0 {
            return 0.0;
        }
        let exponent = if ca <= 1.0 {
            2.0 * (1.0 - rho) * (1.0 - ca).powi(2) / (3.0 * rho * (ca + cs))
        } else {
            (1.0 - rho) * (ca - 1.0) / (ca + 4.0 * cs)
        };
        rho / (1.0 - rho) * self.spread() * (-exponent).exp()
    }

    /// Whitt's P(Wq > 0) over Erlang's C, times Kimura's M/G/c, times (ca² + cs²)/(1 + cs²): the waits
    /// above 0 are longer or shorter than those of M/G/c as heavy traffic has it.
    pub fn conditional(&self) -> f64 {
        let poisson = Rules {
            arrivals: 1.0,
            ..*self
        };
        let markov = self.markov_probability();
        if markov == 0.0 {
            return 0.0;
        }
        let heavy = (self.arrivals + self.service) / (1.0 + self.service);
        let waits = self.several_wait_probability() / markov;
        waits * heavy * poisson.kimura().unwrap_or_else(|| poisson.whitt())
    }

    /// Allen and Cunneen.
    pub fn allen_cunneen(&self) -> f64 {
        self.spread() * self.markov()
    }

    /// Marchal, with M/M/c in place of M/M/1 for more consumers.
    pub fn marchal(&self) -> f64 {
        let (square, cs) = (self.load * self.load, self.service);
        let factor = (1.0 + cs) * (self.arrivals + square * cs) / (2.0 * (1.0 + square * cs));
        factor * self.markov()
    }

    /// Whitt: M/M/c times (ca² + cs²)/2 times φ.
    pub fn whitt(&self) -> f64 {
        if self.arrivals + self.service == 0.0 {
            return 0.0;
        }
        self.whitt_factor() * self.spread() * self.markov()
    }

    fn whitt_factor(&self) -> f64 {
        let (ca, cs) = (self.arrivals, self.service);
        let gamma = self.gamma().min(0.24);
        let (even_service, even_gaps) = (1.0 + gamma, (1.0 - 4.0 * gamma) * self.even_gaps());
        let mixed = (0.5 * (even_service + even_gaps)).min(1.0);
        let psi = mixed.powf(2.0 * (1.0 - self.spread()).max(0.0));
        if ca >= cs {
            let whole = 4.0 * ca - 3.0 * cs;
            (4.0 * (ca - cs) * even_service + cs * psi) / whole
        } else {
            let whole = 2.0 * (ca + cs);
            ((cs - ca) * even_gaps + (cs + 3.0 * ca) * psi) / whole
        }
    }

    /// e^(−2(1−ρ)/(3ρ)), the factor of even gaps.
    fn even_gaps(&self) -> f64 {
        (-2.0 * (1.0 - self.load) / (3.0 * self.load)).exp()
    }

    /// Cosmetatos' correction of M/D/c, (1−ρ)(c−1)(√(4+5c)−2)/(16cρ).
    fn gamma(&self) -> f64 {
        let c = self.c();
        (1.0 - self.load) * (c - 1.0) * ((4.0 + 5.0 * c).sqrt() - 2.0) / (16.0 * c * self.load)
    }

    /// Kimura: harmonic interpolation between D/M/c, M/D/c and M/M/c; `None` for ca² above 1 or, unless
    /// arrivals are Poisson, cs² above 1, for which it is not made.
    pub fn kimura(&self) -> Option<f64> {
        let (ca, cs) = (self.arrivals, self.service);
        if ca > 1.0 || (cs > 1.0 && ca < 1.0) || ca + cs == 0.0 {
            return None;
        }
        let gamma = self.gamma().min(0.24);
        let even_service = 0.5 * (1.0 + gamma);
        let even_gaps = 0.5 * (1.0 - 4.0 * gamma) * self.even_gaps();
        let parts = (1.0 - ca) / even_gaps + (1.0 - cs) / even_service + 2.0 * (ca + cs - 1.0);
        (parts > 0.0).then(|| (ca + cs) * self.markov() / parts)
    }

    /// Kingman's upper bound, for independent gaps and services: with c consumers
    /// λ(Var A + Var S/c + (c − 1)E\[S\]²/c²)/(2(1 − ρ)).
    pub fn kingman(&self) -> f64 {
        let (rho, c) = (self.load, self.c());
        let rate = rho * c;
        let gaps = self.arrivals / (rate * rate);
        let service = self.service / c + (c - 1.0) / (c * c);
        rate * (gaps + service) / (2.0 * (1.0 - rho))
    }

    /// P(Wq > 0) of one consumer by Krämer and Langenbach-Belz.
    pub fn single_wait_probability(&self) -> f64 {
        let (rho, ca, cs) = (self.load, self.arrivals, self.service);
        let spread = rho * rho * (4.0 * ca + cs);
        let h = if ca <= 1.0 {
            (1.0 + ca + rho * cs) / (1.0 + rho * (cs - 1.0) + spread)
        } else {
            4.0 * rho / (ca + spread)
        };
        (rho + (ca - 1.0) * rho * (1.0 - rho) * h).clamp(0.0, 1.0)
    }

    /// P(Wq > 0) of several consumers by Whitt: Erlang's C corrected by normal tails.
    pub fn several_wait_probability(&self) -> f64 {
        let (rho, ca, cs, m) = (self.load, self.arrivals, self.service, self.c());
        let (markov, idle) = (self.markov_probability(), (1.0 - rho) * m.sqrt());
        if ca + cs == 0.0 || normal_tail(idle) == 0.0 {
            return if ca + cs == 0.0 { 0.0 } else { markov };
        }
        let scaled = |x: f64| (normal_tail(x) / normal_tail(idle) * markov).min(1.0);
        let near_critical = scaled((1.0 + cs) * idle / (ca + cs));
        let light = scaled(2.0 * idle / (1.0 + ca));
        let first = rho * rho * near_critical + (1.0 - rho * rho) * light;
        let peakedness = (ca + cs) / (1.0 + cs);
        let gamma = (m - m * rho - 0.5) / (m * rho * peakedness).sqrt();
        if m <= 6.0 || gamma <= 0.5 || ca >= 1.0 {
            return first;
        }
        let second = ca * first + (1.0 - ca) * normal_tail(gamma);
        let mix = (2.0 * (1.0 - ca) * (gamma - 0.5)).min(1.0);
        if gamma >= 1.0 {
            second
        } else {
            mix * second + (1.0 - mix) * first
        }
    }
}

/// 1 − Φ(x).
fn normal_tail(x: f64) -> f64 {
    0.5 * erfc(x / SQRT_2)
}
